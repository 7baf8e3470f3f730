#include "cmd/config/schema.h"

#include "cmd/config/units.h"
#include "core/base/buf.h"
#include "core/mail/address_list.h"

#include <stdarg.h>
#include <stdio.h>

static void *place(void *into, const struct config_key *key)
{
    return (char *)into + key->offset;
}

enum err config_refuse(const struct config_reader *reader, const struct yaml_node *node,
                       const char *format, ...)
{
    char why[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return error_set(reader->error, ERR_CONFIG,
                     "bad configuration: %.*s:%u:%u: %.*s%s%s", STR_ARG(reader->name),
                     node->line, node->column, STR_ARG(str_head(node->key, 64)),
                     node->key.n > 0 ? ": " : "", why);
}

enum err config_refuse_name(const struct config_reader *reader,
                            const struct yaml_node *node, const char *why)
{
    return error_set(reader->error, ERR_CONFIG,
                     "bad configuration: %.*s:%u:%u: %.*s: %s", STR_ARG(reader->name),
                     node->key_line, node->key_column, STR_ARG(str_head(node->key, 64)),
                     why);
}

enum err config_no_memory(const struct config_reader *reader)
{
    return error_set(reader->error, ERR_MEMORY,
                     "cannot read the file: %.*s: out of memory",
                     STR_ARG(reader->name));
}

const struct config_key *config_key_find(const struct config_key *keys, struct str name)
{
    for (; keys->name != NULL; keys++) {
        if (str_equal(str_of(keys->name), name))
            return keys;
    }
    return NULL;
}

enum err config_refuse_key(const struct config_reader *reader,
                           const struct yaml_node *node, const struct config_key *keys)
{
    struct buf known;
    buf_init(&known, 400);
    for (; keys->name != NULL; keys++)
        buf_printf(&known, "%s%s", known.n > 0 ? ", " : "", keys->name);
    const char *names = buf_c_string(&known);
    enum err err =
        error_set(reader->error, ERR_CONFIG,
                  "bad configuration: %.*s:%u:%u: unknown key: %.*s; use one of %s",
                  STR_ARG(reader->name), node->key_line, node->key_column,
                  STR_ARG(str_head(node->key, 64)),
                  names != NULL ? names : "the documented ones");
    buf_fini(&known);
    return err;
}

enum err config_read_map(const struct config_reader *reader,
                         const struct config_key *keys, const struct yaml_node *map,
                         void *into)
{
    if (map->kind != YAML_MAP)
        return config_refuse(reader, map, "must be a map of keys; write %s: and so on",
                             keys->name);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct config_key *key = config_key_find(keys, node->key);
        if (key == NULL)
            return config_refuse_key(reader, node, keys);
        enum err err = key->read(reader, key, node, into);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

enum err config_want_text(const struct config_reader *reader,
                          const struct yaml_node *value)
{
    if (value->kind == YAML_MAP && value->is_flow)
        return config_refuse(reader, value,
                             "a value that begins with a brace needs quotes; "
                             "write '{{ name }}'");
    if (value->kind != YAML_TEXT)
        return config_refuse(reader, value,
                             "must be one value, not a %s; write key: value",
                             value->kind == YAML_LIST ? "list" : "map");
    if (value->text.n == 0)
        return config_refuse(reader, value, "is empty; leave the key out instead");
    return ERR_NONE;
}

enum err config_read_text(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    enum err err = config_want_text(reader, value);
    if (err == ERR_NONE)
        *(struct str *)place(into, key) = value->text;
    return err;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* YAML's block scalars end in a line break, and a template may be laid out over several
 * lines; a header is one. */
enum err config_want_line(const struct config_reader *reader,
                          const struct yaml_node *value, struct str *line)
{
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    struct str given = str_trim(value->text);
    char *to = arena_alloc(reader->arena, given.n + 1);
    size_t n = 0;
    if (to == NULL)
        return config_no_memory(reader);
    for (size_t i = 0; i < given.n;) {
        size_t blanks = 0;
        while (i + blanks < given.n && is_blank(given.p[i + blanks]))
            blanks++;
        struct str run = str_slice(given.p + i, blanks > 0 ? blanks : 1);
        bool is_break = memchr(run.p, '\n', run.n) || memchr(run.p, '\r', run.n);
        if (is_break)
            run = n > 0 && i + blanks < given.n ? STR(" ") : STR("");
        if (run.n > 0)
            memcpy(to + n, run.p, run.n);
        n += run.n;
        i += blanks > 0 ? blanks : 1;
    }
    *line = str_slice(to, n);
    return ERR_NONE;
}

enum err config_read_line(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    return config_want_line(reader, value, place(into, key));
}

enum err config_read_mailboxes(const struct config_reader *reader,
                               const struct config_key *key,
                               const struct yaml_node *value, void *into)
{
    struct address_list list;
    struct str *text = place(into, key);
    enum err err = config_want_line(reader, value, text);
    if (err != ERR_NONE)
        return err;
    const char *why = address_list_parse(*text, reader->arena, &list);
    if (why == NULL && list.mailbox_count == 0)
        why = "no address in it";
    if (memmem(text->p, text->n, "{{", 2) || memmem(text->p, text->n, "{%", 2))
        why = "no template: it is the same for every recipient";
    return why != NULL ? config_refuse(reader, value, "%.*s: %s",
                                       STR_ARG(str_head(*text, 100)), why)
                       : ERR_NONE;
}

static size_t member_count(const struct yaml_node *list)
{
    size_t n = 0;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next)
        n++;
    return n;
}

enum err config_read_texts(const struct config_reader *reader,
                           const struct config_key *key, const struct yaml_node *value,
                           void *into)
{
    struct str_list *list = place(into, key);
    bool is_list = value->kind == YAML_LIST;
    size_t n = is_list ? member_count(value) : 1, i = 0;
    if (n == 0)
        return config_refuse(reader, value, "is empty; leave the key out instead");
    struct str *texts = arena_calloc(reader->arena, n, sizeof(*texts));
    if (texts == NULL)
        return config_no_memory(reader);
    for (const struct yaml_node *node = is_list ? value->first : value; i < n;
         node = node->next) {
        enum err err = config_want_text(reader, node);
        if (err != ERR_NONE)
            return err;
        texts[i++] = node->text;
    }
    *list = (struct str_list){texts, n};
    return ERR_NONE;
}

/* "key: value: why", for values that units.h refuses. */
static enum err refuse_value(const struct config_reader *reader,
                             const struct yaml_node *value, const char *why)
{
    return config_refuse(reader, value, "%.*s: %s", STR_ARG(str_head(value->text, 64)),
                         why);
}

enum err config_read_count(const struct config_reader *reader,
                           const struct config_key *key, const struct yaml_node *value,
                           void *into)
{
    uint64_t number;
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    const char *why = units_count(value->text, &number);
    if (why != NULL)
        return refuse_value(reader, value, why);
    if (number < key->min || number > key->max)
        return config_refuse(reader, value, "%.*s: out of range; from %llu to %llu",
                             STR_ARG(str_head(value->text, 64)),
                             (unsigned long long)key->min,
                             (unsigned long long)key->max);
    *(unsigned *)place(into, key) = (unsigned)number;
    return ERR_NONE;
}

static enum err read_word(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          unsigned *index)
{
    struct str rest = str_of(key->words);
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    for (*index = 0; !str_is_null(rest); ++*index) {
        if (str_equal(str_split(rest, '|', &rest), value->text))
            return ERR_NONE;
    }
    return config_refuse(reader, value, "%.*s: unknown; use one of %s",
                         STR_ARG(str_head(value->text, 64)), key->words);
}

enum err config_read_choice(const struct config_reader *reader,
                            const struct config_key *key, const struct yaml_node *value,
                            void *into)
{
    unsigned index;
    enum err err = read_word(reader, key, value, &index);
    if (err == ERR_NONE)
        *(unsigned *)place(into, key) = index;
    return err;
}

enum err config_read_yes(const struct config_reader *reader,
                         const struct config_key *key, const struct yaml_node *value,
                         void *into)
{
    unsigned index;
    enum err err = read_word(reader, key, value, &index);
    if (err == ERR_NONE)
        *(bool *)place(into, key) = index == 1;
    return err;
}

enum err config_read_time(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    const char *why = units_time(value->text, place(into, key));
    return why != NULL ? refuse_value(reader, value, why) : ERR_NONE;
}

enum err config_read_rate(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    const char *why = units_rate(value->text, place(into, key));
    return why != NULL ? refuse_value(reader, value, why) : ERR_NONE;
}

enum err config_read_factor(const struct config_reader *reader,
                            const struct config_key *key, const struct yaml_node *value,
                            void *into)
{
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    const char *why = units_factor(value->text, place(into, key));
    return why != NULL ? refuse_value(reader, value, why) : ERR_NONE;
}
