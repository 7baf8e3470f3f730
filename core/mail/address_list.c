#include "core/mail/address_list.h"

#include "core/mail/encoded_word.h"

/*
 * A scanner with one position. An element begins with words; what follows them says
 * what they were: '<' a display name, '@' a local part, ':' the name of a group.
 */
struct scan {
    struct str rest;
    struct arena *arena;
    struct address_list *list;
    bool in_group;
    /* The inside of the last comment. */
    struct str comment;
};

#define COMMENT_DEPTH_MAX 50

/* ---- tokens -------------------------------------------------------------------- */

static char peek(const struct scan *scan)
{
    return scan->rest.n > 0 ? scan->rest.p[0] : '\0';
}

static void skip(struct scan *scan, size_t count)
{
    scan->rest = str_from(scan->rest, count);
}

static const char *skip_comment(struct scan *scan)
{
    unsigned depth = 0;
    size_t at = 0;
    for (; at < scan->rest.n; at++) {
        char c = scan->rest.p[at];
        if (c == '\\')
            at++;
        else if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
            return "comments are nested too deeply";
        else if (c == ')' && --depth == 0)
            break;
    }
    if (at >= scan->rest.n)
        return "a comment is not closed";
    scan->comment = str_slice(scan->rest.p + 1, at - 1);
    skip(scan, at + 1);
    return NULL;
}

static const char *skip_blanks(struct scan *scan)
{
    for (;;) {
        while (peek(scan) == ' ' || peek(scan) == '\t')
            skip(scan, 1);
        if (peek(scan) != '(')
            return NULL;
        const char *why = skip_comment(scan);
        if (why != NULL)
            return why;
    }
}

static bool is_word_byte(char c)
{
    return (unsigned char)c > ' ' && c != 0x7F && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* Bytes of the word at the front (an atom with dots or a quoted string), 0 if there
 * is none, SIZE_MAX if a quotation mark is not closed. */
static size_t word_bytes(struct str s)
{
    size_t n = 0;
    if (s.n == 0 || s.p[0] != '"') {
        while (n < s.n && is_word_byte(s.p[n]))
            n++;
        return n;
    }
    for (n = 1; n < s.n; n++) {
        if (s.p[n] == '\\')
            n++;
        else if (s.p[n] == '"')
            return n + 1;
    }
    return SIZE_MAX;
}

/* Bytes of the domain at the front: a literal to its bracket, or up to what ends it. */
static size_t domain_bytes(struct str s)
{
    size_t n = 0;
    if (s.n > 0 && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        return end != NULL ? (size_t)(end - s.p) + 1 : s.n;
    }
    while (n < s.n && (is_word_byte(s.p[n]) || s.p[n] == '@'))
        n++;
    return n;
}

/* ---- elements ------------------------------------------------------------------ */

static struct address_item *item_add(struct scan *scan)
{
    if (scan->list->count == ADDRESS_LIST_MAX)
        return NULL;
    struct address_item *item = &scan->list->items[scan->list->count++];
    *item = (struct address_item){.name = STR("")};
    return item;
}

static const char *mailbox_add(struct scan *scan, struct str name, struct str address)
{
    struct address_item *item = item_add(scan);
    if (item == NULL)
        return "more than 100 addresses";
    const char *why = address_parse(address, scan->arena, &item->address);
    if (why != NULL)
        return why;
    item->name = name;
    scan->list->mailbox_count++;
    scan->list->needs_smtputf8 |= item->address.needs_smtputf8;
    return NULL;
}

/* At the word before '@': takes the addr-spec. */
static const char *take_addr_spec(struct scan *scan, struct str name)
{
    size_t local = word_bytes(scan->rest);
    if (local == SIZE_MAX)
        return "a quotation mark is not closed";
    size_t bytes = local;
    if (bytes < scan->rest.n && scan->rest.p[bytes] == '@')
        bytes += 1 + domain_bytes(str_from(scan->rest, bytes + 1));
    struct str address = str_head(scan->rest, bytes);
    skip(scan, bytes);
    return mailbox_add(scan, name, address);
}

static const char *take_angle(struct scan *scan, struct str name)
{
    skip(scan, 1);
    const char *why = skip_blanks(scan);
    if (why == NULL)
        why = take_addr_spec(scan, name);
    if (why == NULL)
        why = skip_blanks(scan);
    if (why != NULL)
        return why;
    if (peek(scan) != '>')
        return "no > after the address";
    skip(scan, 1);
    return NULL;
}

static const char *take_group(struct scan *scan, struct str name)
{
    struct address_item *item = item_add(scan);
    if (item == NULL)
        return "more than 100 addresses";
    if (scan->in_group)
        return "a group inside a group";
    if (str_trim(name).n == 0)
        return "a group without a name";
    item->kind = ITEM_GROUP_BEGIN;
    item->name = name;
    scan->in_group = true;
    skip(scan, 1);
    return NULL;
}

static const char *take_group_end(struct scan *scan)
{
    struct address_item *item = item_add(scan);
    if (item == NULL)
        return "more than 100 addresses";
    if (!scan->in_group)
        return "a semicolon outside a group";
    item->kind = ITEM_GROUP_END;
    scan->in_group = false;
    skip(scan, 1);
    return NULL;
}

/* Appends s without the backslashes of its quoted pairs. */
static size_t unescape(char *to, size_t n, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        to[n++] = s.p[i];
    }
    return n;
}

/* A phrase being built; `to` has room for twice what it is made of. */
struct phrase {
    char *to;
    size_t n;
    bool is_begun, was_encoded;
};

/* Appends a word without its quotation marks, or what it means if it is an
 * encoded-word. Blanks between two of these are no part of the text; within quotation
 * marks there is none (RFC 2047 sections 5 and 6.2). */
static const char *phrase_add(struct phrase *phrase, struct str word)
{
    bool is_encoded = is_encoded_word(word);
    if (phrase->is_begun && !(is_encoded && phrase->was_encoded))
        phrase->to[phrase->n++] = ' ';
    phrase->is_begun = true;
    phrase->was_encoded = is_encoded;
    if (is_encoded)
        return encoded_word_decode(word, phrase->to, &phrase->n);
    if (word.p[0] == '"') {
        phrase->n = unescape(phrase->to, phrase->n, str_slice(word.p + 1, word.n - 2));
        return NULL;
    }
    memcpy(phrase->to + phrase->n, word.p, word.n);
    phrase->n += word.n;
    return NULL;
}

/* Words up to something that is none. One that is followed by '@' is left, for it is
 * a local part. */
static const char *take_phrase(struct scan *scan, struct str *name)
{
    /* Every word is followed by a byte or is the last: the joined phrase fits. */
    struct phrase phrase = {
        .to = arena_alloc(scan->arena, ENCODED_WORD_BYTES_MAX(scan->rest.n) + 1)};
    if (phrase.to == NULL)
        return "out of memory";
    for (size_t bytes; (bytes = word_bytes(scan->rest)) > 0;) {
        if (bytes == SIZE_MAX)
            return "a quotation mark is not closed";
        if (bytes < scan->rest.n && scan->rest.p[bytes] == '@')
            break;
        const char *why = phrase_add(&phrase, str_head(scan->rest, bytes));
        skip(scan, bytes);
        if (why == NULL)
            why = skip_blanks(scan);
        if (why != NULL)
            return why;
    }
    *name = str_slice(phrase.to, phrase.n);
    /* Encoded-words can hold what no header may. */
    return header_value_check(*name);
}

/* Behind a mailbox that has no name: old programs wrote it as a comment there (RFC 5322
 * section 3.4). */
static const char *take_comment_name(struct scan *scan)
{
    struct address_item *item = &scan->list->items[scan->list->count - 1];
    scan->comment = STR_NULL;
    const char *why = skip_blanks(scan);
    struct str comment = str_trim(scan->comment);
    if (why != NULL || comment.n == 0)
        return why;
    char *to = arena_alloc(scan->arena, comment.n);
    if (to == NULL)
        return "out of memory";
    item->name = str_slice(to, unescape(to, 0, comment));
    return NULL;
}

static const char *take_mailbox(struct scan *scan, struct str name)
{
    const char *why =
        peek(scan) == '<' ? take_angle(scan, name) : take_addr_spec(scan, name);
    return why == NULL && name.n == 0 ? take_comment_name(scan) : why;
}

static const char *take_element(struct scan *scan)
{
    struct str name;
    const char *why = take_phrase(scan, &name);
    if (why != NULL)
        return why;
    if (peek(scan) == '<')
        return take_mailbox(scan, name);
    if (name.n > 0 && peek(scan) == ':')
        return take_group(scan, name);
    if (name.n > 0)
        return word_bytes(scan->rest) > 0
                   ? "an address after a name needs < and >"
                   : "a name without an address (a name with a comma or another "
                     "special character needs quotation marks)";
    return take_mailbox(scan, STR(""));
}

static const char *take_list(struct scan *scan)
{
    bool need_comma = false;
    for (;;) {
        const char *why = skip_blanks(scan);
        if (why != NULL)
            return why;
        if (scan->rest.n == 0)
            return scan->in_group ? "a group is not closed with a semicolon" : NULL;
        if (peek(scan) == ',') {
            skip(scan, 1);
            need_comma = false;
        } else if (peek(scan) == ';') {
            why = take_group_end(scan);
            need_comma = true;
        } else if (need_comma) {
            return "no comma between two addresses";
        } else {
            bool was_in_group = scan->in_group;
            why = take_element(scan);
            need_comma = was_in_group == scan->in_group;
        }
        if (why != NULL)
            return why;
    }
}

const char *address_list_parse(struct str text, struct arena *arena,
                               struct address_list *list)
{
    const char *why = header_value_check(text);
    if (why != NULL)
        return why;
    *list = (struct address_list){
        .items = arena_calloc(arena, ADDRESS_LIST_MAX, sizeof *list->items)};
    if (list->items == NULL)
        return "out of memory";
    return take_list(&(struct scan){.rest = text, .arena = arena, .list = list});
}

const struct address_item *address_list_first(const struct address_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == ITEM_MAILBOX)
            return &list->items[i];
    return NULL;
}

/* ---- writing ------------------------------------------------------------------- */

static void mailbox_write(const struct address_item *item, struct header_writer *writer)
{
    char angle[ADDRESS_MAX + 2];
    if (item->name.n == 0) {
        header_word(writer, item->address.text);
        return;
    }
    header_phrase(writer, item->name);
    angle[0] = '<';
    memcpy(angle + 1, item->address.text.p, item->address.text.n);
    angle[item->address.text.n + 1] = '>';
    header_word(writer, str_slice(angle, item->address.text.n + 2));
}

void address_list_write(const struct address_list *list, struct header_writer *writer)
{
    bool need_comma = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct address_item *item = &list->items[i];
        if (need_comma && item->kind != ITEM_GROUP_END)
            header_glue(writer, STR(","));
        need_comma = item->kind != ITEM_GROUP_BEGIN;
        switch (item->kind) {
        case ITEM_MAILBOX: mailbox_write(item, writer); break;
        case ITEM_GROUP_BEGIN:
            header_phrase(writer, item->name);
            header_glue(writer, STR(":"));
            break;
        case ITEM_GROUP_END: header_glue(writer, STR(";")); break;
        }
    }
}

size_t address_list_bytes(const struct address_list *list)
{
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++)
        bytes += HEADER_BYTES_MAX(list->items[i].name.n) + ADDRESS_MAX + 8;
    return bytes;
}
