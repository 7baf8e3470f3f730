#include "core/smtp/capability.h"

static const char *const keywords[] = {
#define CAPABILITY_KEYWORD(name, keyword) [SMTP_CAN_##name] = keyword,
    SMTP_CAPABILITY_LIST(CAPABILITY_KEYWORD)
#undef CAPABILITY_KEYWORD
};

static const char *const mechanisms[] = {
#define AUTH_KEYWORD(name, keyword) [SMTP_AUTH_##name] = keyword,
    SMTP_AUTH_LIST(AUTH_KEYWORD)
#undef AUTH_KEYWORD
};

/* The bit of `word` in a table of keywords, 0 if it is not in it. */
static unsigned keyword_bit(struct str word, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(word, str_of(table[i])))
            return 1u << i;
    return 0;
}

static void auth_take(struct smtp_capabilities *capabilities, struct str words)
{
    while (words.p != NULL && words.n > 0) {
        struct str word = str_split(words, ' ', &words);
        capabilities->auth |=
            keyword_bit(word, mechanisms, sizeof mechanisms / sizeof *mechanisms);
    }
}

static void line_take(struct smtp_capabilities *capabilities, struct str line)
{
    struct str rest;
    struct str keyword = str_split(str_trim(line), ' ', &rest);
    /* "AUTH=LOGIN PLAIN" is how servers before RFC 2554 wrote it, and some still do. */
    if (str_has_prefix_nocase(keyword, STR("AUTH="))) {
        auth_take(capabilities, str_from(str_trim(line), 5));
        keyword = str_head(keyword, 4);
    }
    unsigned bit = keyword_bit(keyword, keywords, sizeof keywords / sizeof *keywords);
    capabilities->offered |= bit;
    if (bit == 1u << SMTP_CAN_AUTH)
        auth_take(capabilities, rest);
    if (bit == 1u << SMTP_CAN_SIZE && rest.p != NULL &&
        !str_to_u64(str_trim(rest), &capabilities->size_max))
        capabilities->size_max = 0;
}

struct smtp_capabilities smtp_capabilities_of(const struct smtp_reply *reply)
{
    struct smtp_capabilities capabilities = {0};
    size_t at = 0;
    struct str line;
    /* The first line is the server's name. */
    if (!smtp_reply_line(reply, &at, &line))
        return capabilities;
    while (smtp_reply_line(reply, &at, &line))
        line_take(&capabilities, line);
    return capabilities;
}
