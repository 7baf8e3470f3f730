#include "core/mail/address_list.h"
#include "core/mail/plan.h"

#include <stdlib.h>

/* Each file and span is held in up to four forms. */
#define PLAN_BYTES_MAX ((size_t)MESSAGE_BYTES_MAX * 8)

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "composing: a message: out of memory");
}

/* ---- the static head ----------------------------------------------------------- */

static enum err list_read(struct message_plan *plan, const char *what, struct str text,
                          struct address_list *list, struct error *error)
{
    const char *why = address_list_parse(text, &plan->arena, list);
    if (why == NULL && list->mailbox_count == 0)
        why = "no address";
    if (why != NULL)
        return error_set(error, ERR_DATA,
                         "%s: %.*s: %s; write it as Name <mailbox@domain>", what,
                         STR_ARG(str_head(text, 200)), why);
    plan->head_needs_smtputf8 |= list->needs_smtputf8;
    return ERR_NONE;
}

static void list_field(struct header_writer *writer, struct str name,
                       const struct address_list *list)
{
    header_begin(writer, name);
    address_list_write(list, writer);
    header_end(writer);
}

/* RFC 5322 section 3.6.2: several authors need one sender. */
static void sender_field(struct header_writer *writer, const struct address_list *from)
{
    struct address_item first = *address_list_first(from);
    struct address_list alone = {.items = &first, .count = 1, .mailbox_count = 1};
    if (from->mailbox_count > 1)
        list_field(writer, STR("Sender"), &alone);
}

static enum err head_make(struct message_plan *plan, const struct message_spec *spec,
                          struct error *error)
{
    struct address_list from, reply_to = {0};
    enum err err = list_read(plan, "from", spec->from, &from, error);
    if (err == ERR_NONE && spec->reply_to.n > 0)
        err = list_read(plan, "reply-to", spec->reply_to, &reply_to, error);
    if (err != ERR_NONE)
        return err;
    size_t bytes = 2 * address_list_bytes(&from) + address_list_bytes(&reply_to) + 64;
    char *begun = arena_alloc(&plan->arena, bytes);
    if (begun == NULL)
        return no_memory(error);
    struct header_writer writer = {.to = begun};
    list_field(&writer, STR("From"), &from);
    sender_field(&writer, &from);
    if (reply_to.mailbox_count > 0)
        list_field(&writer, STR("Reply-To"), &reply_to);
    plan->head = str_slice(begun, (size_t)(writer.to - begun));
    return ERR_NONE;
}

/* ---- extra headers ------------------------------------------------------------- */

static bool is_named_before(const struct message_plan *plan, size_t count,
                            struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(plan->headers[i].name, name))
            return true;
    return false;
}

static enum err headers_make(struct message_plan *plan, const struct message_spec *spec,
                             struct error *error)
{
    if (spec->header_count > MESSAGE_HEADERS_MAX)
        return error_set(error, ERR_LIMIT, "headers: more than %d of them",
                         MESSAGE_HEADERS_MAX);
    plan->header_count = spec->header_count;
    plan->headers =
        arena_calloc(&plan->arena, spec->header_count, sizeof *plan->headers);
    if (plan->headers == NULL)
        return no_memory(error);
    for (size_t i = 0; i < spec->header_count; i++) {
        struct str name = spec->header_names[i];
        const char *why = header_name_check(name);
        if (why == NULL && is_named_before(plan, i, name))
            why = "there are two of it";
        if (why != NULL)
            return error_set(error, ERR_DATA, "header: %.*s: %s",
                             STR_ARG(str_head(name, 100)), why);
        plan->headers[i] =
            (struct plan_header){arena_copy(&plan->arena, name), header_kind_of(name)};
        if (str_is_null(plan->headers[i].name))
            return no_memory(error);
    }
    return ERR_NONE;
}

/* ---- files --------------------------------------------------------------------- */

#define OCTET_STREAM  STR("application/octet-stream")
#define FILE_NAME_MAX 255

static bool is_token_char(char c)
{
    return c > ' ' && c <= '~' && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static size_t token_bytes(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_token_char(s.p[n]))
        n++;
    return n;
}

/* type/subtype, then nothing or parameters, which are only kept from doing harm. */
static bool content_type_is_valid(struct str s)
{
    size_t type = token_bytes(s);
    if (type == 0 || type == s.n || s.p[type] != '/')
        return false;
    struct str rest = str_from(s, type + 1);
    size_t subtype = token_bytes(rest);
    rest = str_from(rest, subtype);
    return subtype > 0 && s.n <= 500 && (rest.n == 0 || rest.p[0] == ';') &&
           str_is_printable_ascii(s);
}

/* A message or a multipart may not be sent in base64 (RFC 2046 section 5.2.1), so one
 * that is attached travels as the file that it is. */
static struct str content_type_for(struct str given)
{
    if (given.n == 0 || str_has_prefix_nocase(given, STR("message/")) ||
        str_has_prefix_nocase(given, STR("multipart/")))
        return OCTET_STREAM;
    return given;
}

/* What stands after cid: in the HTML and in Content-ID alike without being encoded. */
static bool is_content_id(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!ascii_is_letter_or_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return name.n > 0;
}

static const char *file_check(const struct message_file *file)
{
    const char *why = header_value_check(file->name);
    if (why != NULL)
        return why;
    if (file->name.n == 0 || file->name.n > FILE_NAME_MAX)
        return "a file name has 1 to 255 octets";
    if (file->is_inline && !is_content_id(file->name))
        return "the name of an inline file is letters, digits, dots, hyphens and "
               "underscores, so that cid: can refer to it; rename it";
    if (!content_type_is_valid(content_type_for(file->content_type)))
        return "its content type is not one";
    return file->content.n > MESSAGE_BYTES_MAX / 2 ? "too large for a message" : NULL;
}

static void file_head(struct header_writer *writer, const struct message_file *file)
{
    header_begin(writer, STR("Content-Type"));
    header_structured(writer, content_type_for(file->content_type));
    header_parameter(writer, STR("name"), file->name);
    header_end(writer);
    header_begin(writer, STR("Content-Transfer-Encoding"));
    header_word(writer, STR("base64"));
    header_end(writer);
    header_begin(writer, STR("Content-Disposition"));
    header_word(writer, file->is_inline ? STR("inline") : STR("attachment"));
    header_parameter(writer, STR("filename"), file->name);
    header_end(writer);
    if (file->is_inline) {
        header_begin(writer, STR("Content-ID"));
        header_glue(writer, STR(" <"));
        header_glue(writer, file->name);
        header_glue(writer, STR(">"));
        header_end(writer);
    }
    header_end(writer);
}

static bool file_encode(struct message_plan *plan, const struct message_file *file,
                        struct plan_file *made)
{
    size_t head = 3 * HEADER_BYTES_MAX(file->name.n + file->content_type.n) + 512;
    char *begun = arena_alloc(&plan->arena, head + BASE64_BYTES_MAX(file->content.n));
    struct header_writer writer = {.to = begun};
    struct base64 base64 = {0};
    if (begun == NULL)
        return false;
    file_head(&writer, file);
    char *to = base64_encode(&base64, file->content, writer.to);
    to = base64_finish(&base64, to);
    size_t bytes = (size_t)(to - begun);
    /* The last line end belongs to the boundary behind it. */
    made->entity = str_slice(begun, file->content.n > 0 ? bytes - 2 : bytes);
    made->is_inline = file->is_inline;
    return true;
}

static bool is_same_inline(const struct message_file *a, const struct message_file *b)
{
    return a->is_inline && b->is_inline && str_equal(a->name, b->name);
}

static enum err files_make(struct message_plan *plan, const struct message_spec *spec,
                           struct error *error)
{
    plan->file_count = spec->file_count;
    plan->files = arena_calloc(&plan->arena, spec->file_count, sizeof *plan->files);
    if (plan->files == NULL)
        return no_memory(error);
    for (size_t i = 0; i < spec->file_count; i++) {
        const struct message_file *file = &spec->files[i];
        const char *why = file_check(file);
        for (size_t j = 0; j < i && why == NULL; j++)
            if (is_same_inline(file, &spec->files[j]))
                why = "there are two inline files of this name";
        if (why != NULL)
            return error_set(error, ERR_DATA, "file: %.*s: %s",
                             STR_ARG(str_head(file->name, 200)), why);
        if (!file_encode(plan, file, &plan->files[i]))
            return no_memory(error);
        plan->inline_count += file->is_inline;
    }
    return ERR_NONE;
}

/* ---- all of it ----------------------------------------------------------------- */

static enum err parts_make(struct message_plan *plan, const struct message_spec *spec,
                           struct error *error)
{
    enum err err = ERR_NONE;
    if (!spec->has_html && !spec->has_text)
        return error_set(error, ERR_DATA, "message: neither html nor text");
    plan->has_html = spec->has_html;
    plan->has_text = spec->has_text;
    if (spec->has_html)
        err = part_init(&plan->html, spec->html_spans, spec->html_span_count,
                        &plan->arena);
    if (err == ERR_NONE && spec->has_text)
        err = part_init(&plan->text, spec->text_spans, spec->text_span_count,
                        &plan->arena);
    return err != ERR_NONE ? no_memory(error) : ERR_NONE;
}

static enum err identity_make(struct message_plan *plan,
                              const struct message_spec *spec, struct error *error)
{
    const char *why = domain_parse(spec->id_domain, &plan->arena, &plan->id_domain);
    if (why != NULL)
        return error_set(error, ERR_DATA, "message-id: domain %.*s: %s",
                         STR_ARG(str_head(spec->id_domain, 200)), why);
    plan->key = identity_key_new(spec->secret);
    return plan->key == NULL ? no_memory(error) : ERR_NONE;
}

enum err message_plan_new(const struct message_spec *spec, struct message_plan **plan,
                          struct error *error)
{
    struct message_plan *made = calloc(1, sizeof *made);
    *plan = NULL;
    if (made == NULL)
        return no_memory(error);
    arena_init(&made->arena, PLAN_BYTES_MAX);
    enum err err = head_make(made, spec, error);
    if (err == ERR_NONE)
        err = headers_make(made, spec, error);
    if (err == ERR_NONE)
        err = files_make(made, spec, error);
    if (err == ERR_NONE)
        err = parts_make(made, spec, error);
    if (err == ERR_NONE)
        err = identity_make(made, spec, error);
    if (err != ERR_NONE) {
        message_plan_free(made);
        return err;
    }
    *plan = made;
    return ERR_NONE;
}

void message_plan_free(struct message_plan *plan)
{
    if (plan == NULL)
        return;
    identity_key_free(plan->key);
    arena_fini(&plan->arena);
    free(plan);
}
