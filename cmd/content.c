/*
 * content.c - from a campaign file to compiled templates and a message plan
 *
 * Each source that is read goes into the hash with its length before it, so that no
 * two different campaigns hash the same by moving bytes from one part to the next.
 * Partials are hashed as the compiler asks for them: its order depends on nothing but
 * the sources.
 */
#include "cmd/content.h"

#include "cmd/files.h"
#include "cmd/media_type.h"
#include "cmd/partials.h"
#include "cmd/text_partials.h"
#include "core/base/log.h"
#include "core/mail/address_list.h"
#include "core/mail/html_text.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define CONTENT_MEMORY_MAX (128u << 20)

/* While a content is being made. */
struct maker {
    struct content *content;
    EVP_MD_CTX *digest;
    struct template_loader loader, text_loader;
    struct text_partials text_partials;
    struct error *error;
    struct str html_source, text_source;
    struct message_file *files;
    size_t file_count, file_bytes;
};

static void hash_str(struct maker *maker, struct str s)
{
    uint64_t n = s.n;
    unsigned char length[8];
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (unsigned char)(n >> (8 * i));
    CHECK(EVP_DigestUpdate(maker->digest, length, sizeof(length)) == 1);
    CHECK(s.n == 0 || EVP_DigestUpdate(maker->digest, s.p, s.n) == 1);
}

static enum err no_memory(struct maker *maker)
{
    return error_set(maker->error, ERR_MEMORY,
                     "cannot load: the campaign: out of memory");
}

/* A file named by the campaign file, relative to it. */
static enum err read_file(struct maker *maker, struct str name, size_t bytes_max,
                          struct str *content)
{
    const struct campaign_file *campaign = maker->content->campaign;
    struct arena *arena = &maker->content->arena;
    struct str path = file_join(arena, campaign->folder, name);
    if (str_is_null(path))
        return no_memory(maker);
    enum err err = file_read(path.p, bytes_max, arena, content, maker->error);
    if (err == ERR_NONE)
        hash_str(maker, *content);
    return err;
}

static enum err load_partial(void *self, struct str name, struct arena *arena,
                             struct str *source)
{
    struct maker *maker = self;
    enum err err = partial_load(maker->content->campaign->folder, name, arena, source);
    if (err == ERR_NONE)
        hash_str(maker, *source);
    return err;
}

static enum err list_partials(void *self, void *context,
                              enum err (*found)(void *context, struct str name))
{
    struct maker *maker = self;
    return partials_list(maker->content->campaign->folder, context, found);
}

const struct str content_reserved_names[CONTENT_RESERVED_COUNT] = {
    {"email", 5}, {"list_name", 9}, {"campaign_name", 13}};

static struct template_options options_for(const struct maker *maker, struct str name,
                                           enum template_escape escape)
{
    return (struct template_options){
        .mode = TEMPLATE_STRICT,
        .escape = escape,
        .name = name,
        .loader = &maker->loader,
        .fields = maker->content->columns.p,
        .field_count = maker->content->columns.n,
        .statics = maker->content->data,
        .reserved_names = content_reserved_names,
        .reserved_count = CONTENT_RESERVED_COUNT,
    };
}

static enum err compile(struct maker *maker, struct str source, struct str name,
                        enum template_escape escape, struct template **template)
{
    struct template_options options = options_for(maker, name, escape);
    return template_compile(source, &options, template, maker->error);
}

/* The partials were read for the HTML, and are in the hash, before. */
static enum err compile_made_text(struct maker *maker)
{
    struct template_options options =
        options_for(maker, STR(CONTENT_MADE_TEXT), TEMPLATE_ESCAPE_NONE);
    options.loader = &maker->text_loader;
    return template_compile(maker->text_source, &options, &maker->content->text,
                            maker->error);
}

/* A template that stands in the campaign file: the place there goes before its own. */
static enum err place_error(enum err err, const struct config_place *place,
                            struct error *error)
{
    struct error inner = *error;
    struct str text = str_of(inner.text), head = STR("reading a template: ");
    if (err != ERR_DATA || !str_has_prefix(text, head))
        return err;
    text = str_from(text, head.n);
    return error_set(error, err, "reading a template: %.*s:%u:%u: %.*s",
                     STR_ARG(place->file), place->line, place->column, STR_ARG(text));
}

static enum err compile_headers(struct maker *maker)
{
    struct content *content = maker->content;
    size_t n = content->campaign->header_count;
    content->headers = arena_calloc(&content->arena, n, sizeof(struct template *));
    if (content->headers == NULL)
        return no_memory(maker);
    for (size_t i = 0; i < n; i++) {
        const struct header_setting *header = &content->campaign->headers[i];
        hash_str(maker, header->name);
        hash_str(maker, header->value);
        enum err err =
            place_error(compile(maker, header->value, header->name,
                                TEMPLATE_ESCAPE_HEADER, &content->headers[i]),
                        &header->place, maker->error);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* The text part of a campaign that has none, made once from the HTML's source. What
 * cannot be made into one (Liquid that cuts elements in two) goes out as HTML alone. */
static enum err text_from_html(struct maker *maker)
{
    struct buf text;
    buf_init(&text, CONTENT_TEMPLATE_MAX);
    struct html_partials partials = text_partials_for(&maker->text_partials);
    enum err err = html_to_text(maker->html_source, &partials, &text, maker->error);
    if (err == ERR_NONE) {
        maker->text_source = arena_copy(&maker->content->arena, buf_str(&text));
        err = str_is_null(maker->text_source) ? no_memory(maker) : ERR_NONE;
    } else if (err == ERR_DATA) {
        log_line(LOG_WARN, "no-text",
                 "%s: the messages have no text part; give one: text",
                 maker->error->text);
        *maker->error = (struct error){ERR_NONE, ""};
        err = ERR_NONE;
    }
    buf_fini(&text);
    return err;
}

static enum err compile_html(struct maker *maker)
{
    struct str name = maker->content->campaign->html;
    if (name.n == 0)
        return ERR_NONE;
    enum err err = read_file(maker, name, CONTENT_TEMPLATE_MAX, &maker->html_source);
    if (err != ERR_NONE)
        return err;
    return compile(maker, maker->html_source, name, TEMPLATE_ESCAPE_HTML,
                   &maker->content->html);
}

static enum err compile_text(struct maker *maker)
{
    struct str name = maker->content->campaign->text;
    bool is_own = name.n > 0;
    enum err err =
        is_own ? read_file(maker, name, CONTENT_TEMPLATE_MAX, &maker->text_source)
               : text_from_html(maker);
    if (err != ERR_NONE || str_is_null(maker->text_source))
        return err;
    return is_own ? compile(maker, maker->text_source, name, TEMPLATE_ESCAPE_NONE,
                            &maker->content->text)
                  : compile_made_text(maker);
}

static enum err compile_all(struct maker *maker)
{
    struct content *content = maker->content;
    const struct campaign_file *campaign = content->campaign;
    hash_str(maker, campaign->subject);
    enum err err = place_error(compile(maker, campaign->subject, STR("subject"),
                                       TEMPLATE_ESCAPE_HEADER, &content->subject),
                               &campaign->subject_place, maker->error);
    if (err == ERR_NONE)
        err = compile_html(maker);
    if (err == ERR_NONE)
        err = compile_text(maker);
    if (err == ERR_NONE)
        err = compile_headers(maker);
    hash_str(maker, campaign->where);
    if (err == ERR_NONE && campaign->where.n > 0) {
        struct template_options options =
            options_for(maker, STR("where"), TEMPLATE_ESCAPE_NONE);
        err = place_error(template_compile_condition(campaign->where, &options,
                                                     &content->where, maker->error),
                          &campaign->where_place, maker->error);
    }
    return err;
}

static enum err load_data(struct maker *maker)
{
    struct content *content = maker->content;
    struct str name = content->campaign->data, source = STR_NULL;
    if (name.n == 0)
        return ERR_NONE;
    enum err err = read_file(maker, name, CONTENT_DATA_MAX, &source);
    if (err == ERR_NONE)
        err = value_parse_json(source, name, &content->data, maker->error);
    if (err == ERR_NONE && !value_is_object(content->data))
        err = error_set(maker->error, ERR_DATA,
                        "bad data file: %.*s:1:1: it must hold an object; write {...}",
                        STR_ARG(name));
    return err;
}

static enum err load_file(struct maker *maker, struct str path, bool is_inline)
{
    struct message_file *file = &maker->files[maker->file_count];
    file->name = file_name(path);
    file->content_type = media_type_of(file->name);
    file->is_inline = is_inline;
    enum err err = file_read_beneath(
        maker->content->campaign->folder, path, CONTENT_FILES_MAX - maker->file_bytes,
        &maker->content->arena, &file->content, maker->error);
    if (err != ERR_NONE)
        return err;
    hash_str(maker, path);
    hash_str(maker, file->content);
    maker->file_bytes += file->content.n;
    maker->file_count++;
    return ERR_NONE;
}

static enum err load_files(struct maker *maker)
{
    const struct campaign_file *campaign = maker->content->campaign;
    size_t n = campaign->inline_files.n + campaign->attach.n;
    enum err err = ERR_NONE;
    if (n > CONTENT_FILE_COUNT)
        return error_set(
            maker->error, ERR_CONFIG,
            "bad configuration: %.*s: %zu files to attach; give at most %d",
            STR_ARG(campaign->path), n, CONTENT_FILE_COUNT);
    maker->files = arena_calloc(&maker->content->arena, n, sizeof(*maker->files));
    if (maker->files == NULL)
        return no_memory(maker);
    for (size_t i = 0; i < campaign->inline_files.n && err == ERR_NONE; i++)
        err = load_file(maker, campaign->inline_files.p[i], true);
    for (size_t i = 0; i < campaign->attach.n && err == ERR_NONE; i++)
        err = load_file(maker, campaign->attach.p[i], false);
    return err;
}

/* The envelope's sender is From's first address; Message-IDs get its domain. */
static enum err settle_sender(struct maker *maker, struct str *domain)
{
    struct content *content = maker->content;
    struct address_list list;
    const char *why =
        address_list_parse(content->campaign->from, &content->arena, &list);
    const struct address_item *first = why == NULL ? address_list_first(&list) : NULL;
    hash_str(maker, content->campaign->from);
    hash_str(maker, content->campaign->reply_to);
    if (why == NULL && first == NULL)
        why = "no address in it";
    if (why == NULL && first->address.is_literal)
        why = "a Message-ID needs a sender with a domain name";
    if (why != NULL)
        return error_set(maker->error, ERR_CONFIG, "bad configuration: %.*s: from: %s",
                         STR_ARG(content->campaign->path), why);
    content->mail_from = first->address.text;
    *domain = first->address.domain;
    return ERR_NONE;
}

static struct str *spans_of(const struct template *template, struct arena *arena,
                            size_t *count)
{
    *count = template != NULL ? template_span_count(template) : 0;
    struct str *spans = arena_calloc(arena, *count, sizeof(*spans));
    for (size_t i = 0; spans != NULL && i < *count; i++)
        spans[i] = template_span(template, i);
    return spans;
}

static enum err make_plan(struct maker *maker, struct str secret, struct str id_domain)
{
    struct content *content = maker->content;
    const struct campaign_file *campaign = content->campaign;
    struct message_spec spec = {
        .from = campaign->from,
        .reply_to = campaign->reply_to,
        .has_html = content->html != NULL,
        .has_text = content->text != NULL,
        .header_count = campaign->header_count,
        .files = maker->files,
        .file_count = maker->file_count,
        .secret = secret,
        .id_domain = id_domain,
    };
    struct str *names =
        arena_calloc(&content->arena, campaign->header_count, sizeof(*names));
    spec.html_spans = spans_of(content->html, &content->arena, &spec.html_span_count);
    spec.text_spans = spans_of(content->text, &content->arena, &spec.text_span_count);
    if (names == NULL || spec.html_spans == NULL || spec.text_spans == NULL)
        return no_memory(maker);
    for (size_t i = 0; i < campaign->header_count; i++)
        names[i] = campaign->headers[i].name;
    spec.header_names = names;
    return message_plan_new(&spec, &content->plan, maker->error);
}

static enum err make(struct maker *maker, struct str secret)
{
    struct str id_domain = STR_NULL;
    enum err err = settle_sender(maker, &id_domain);
    hash_str(maker, maker->content->campaign->list);
    if (err == ERR_NONE)
        err = load_data(maker);
    if (err == ERR_NONE)
        err = compile_all(maker);
    if (err == ERR_NONE)
        err = load_files(maker);
    if (err == ERR_NONE)
        err = make_plan(maker, secret, id_domain);
    CHECK(EVP_DigestFinal_ex(maker->digest, maker->content->hash, NULL) == 1);
    return err;
}

enum err content_new(const struct campaign_file *campaign, struct str_list columns,
                     struct str secret, struct content **content, struct error *error)
{
    struct maker maker = {.error = error};
    enum err err = ERR_MEMORY;
    *content = NULL;
    maker.loader = (struct template_loader){
        .self = &maker, .load = load_partial, .list = list_partials};
    maker.text_loader = (struct template_loader){.self = &maker.text_partials,
                                                 .load = text_partials_load,
                                                 .list = text_partials_list};
    maker.content = calloc(1, sizeof(*maker.content));
    maker.digest = EVP_MD_CTX_new();
    if (maker.content == NULL || maker.digest == NULL ||
        EVP_DigestInit_ex(maker.digest, EVP_sha256(), NULL) != 1) {
        (void)no_memory(&maker);
        goto failed;
    }
    maker.content->campaign = campaign;
    maker.content->columns = columns;
    arena_init(&maker.content->arena, CONTENT_MEMORY_MAX);
    text_partials_init(&maker.text_partials, campaign->folder, &maker.content->arena);
    err = make(&maker, secret);
    if (err != ERR_NONE) {
        content_free(maker.content);
        maker.content = NULL;
        goto failed;
    }
    EVP_MD_CTX_free(maker.digest);
    *content = maker.content;
    return ERR_NONE;

failed:
    EVP_MD_CTX_free(maker.digest);
    free(maker.content);
    return err;
}

void content_free(struct content *content)
{
    if (content == NULL)
        return;
    message_plan_free(content->plan);
    for (size_t i = 0; content->headers != NULL && i < content->campaign->header_count;
         i++)
        template_free(content->headers[i]);
    template_free(content->subject);
    template_free(content->html);
    template_free(content->text);
    template_free(content->where);
    value_free(content->data);
    arena_fini(&content->arena);
    free(content);
}
