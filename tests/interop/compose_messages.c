/*
 * compose_messages.c - messages for other programs to read back
 *
 * A JSON object per line on standard input, {"spec": {...}, "input": {...}}, the
 * members named as in core/mail/message.h; a piece of "html" and "text" is a number (a
 * span) or a string (a value). Answered by {"message": base64, ...} or {"error": ...}
 * per line.
 */
#include "core/base/buf.h"
#include "core/mail/encoding.h"
#include "core/mail/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS_MAX 256

static struct str text_of(const json_t *json)
{
    if (!json_is_string(json))
        return STR_NULL;
    return str_slice(json_string_value(json), json_string_length(json));
}

static struct str member(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

static size_t texts(const json_t *array, struct str to[ITEMS_MAX])
{
    size_t count = json_array_size(array);
    CHECK(count <= ITEMS_MAX);
    for (size_t i = 0; i < count; i++)
        to[i] = text_of(json_array_get(array, i));
    return count;
}

static size_t files(const json_t *array, struct message_file to[ITEMS_MAX])
{
    size_t count = json_array_size(array);
    CHECK(count <= ITEMS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *file = json_array_get(array, i);
        to[i] = (struct message_file){
            .name = member(file, "name"),
            .content_type = member(file, "content_type"),
            .content = member(file, "content"),
            .is_inline = json_is_true(json_object_get(file, "is_inline")),
        };
    }
    return count;
}

static void pieces_of(const json_t *array, const struct str *spans, size_t span_count,
                      struct arena *arena, struct pieces *pieces)
{
    pieces_init(pieces, arena, 100000);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *piece = json_array_get(array, i);
        size_t span = (size_t)json_integer_value(piece);
        if (json_is_integer(piece) && span < span_count)
            CHECK(pieces_add(pieces, spans[span], (uint32_t)span));
        else
            CHECK(pieces_add(pieces, text_of(piece), PIECE_VALUE));
    }
}

static void answer(const struct message *message)
{
    struct buf joined, encoded;
    buf_init(&joined, SIZE_MAX / 4);
    buf_init(&encoded, SIZE_MAX / 4);
    for (size_t i = 0; i < message->slice_count; i++)
        buf_append(&joined, message->slices[i]);
    CHECK(joined.n == message->bytes);
    char *to = buf_reserve(&encoded, BASE64_BYTES_MAX(joined.n));
    CHECK(to != NULL);
    encoded.n = (size_t)(base64_plain(buf_str(&joined), to) - to);
    printf("{\"message\": \"%.*s\", \"message_id\": \"%.*s\", \"smtputf8\": %s}\n",
           STR_ARG(buf_str(&encoded)), STR_ARG(message->message_id),
           message->needs_smtputf8 ? "true" : "false");
    buf_fini(&joined);
    buf_fini(&encoded);
}

static void refuse(const struct error *error)
{
    json_t *json = json_pack("{s:s}", "error", error->text);
    CHECK(json != NULL);
    json_dumpf(json, stdout, 0);
    putchar('\n');
    json_decref(json);
}

static void run(const json_t *spec_json, const json_t *json, struct arena *arena)
{
    static struct str html[ITEMS_MAX], text[ITEMS_MAX], names[ITEMS_MAX],
        values[ITEMS_MAX];
    static struct message_file attached[ITEMS_MAX];
    const json_t *html_json = json_object_get(spec_json, "html_spans");
    const json_t *text_json = json_object_get(spec_json, "text_spans");
    struct message_spec spec = {
        .from = member(spec_json, "from"),
        .reply_to = member(spec_json, "reply_to"),
        .html_spans = html,
        .html_span_count = texts(html_json, html),
        .text_spans = text,
        .text_span_count = texts(text_json, text),
        .has_html = json_is_array(html_json),
        .has_text = json_is_array(text_json),
        .header_names = names,
        .header_count = texts(json_object_get(spec_json, "header_names"), names),
        .files = attached,
        .file_count = files(json_object_get(spec_json, "files"), attached),
        .secret = STR("a secret of thirty-two bytes ..."),
        .id_domain = STR("mail.example"),
    };
    struct pieces html_pieces, text_pieces;
    pieces_of(json_object_get(json, "html"), html, spec.html_span_count, arena,
              &html_pieces);
    pieces_of(json_object_get(json, "text"), text, spec.text_span_count, arena,
              &text_pieces);
    memset(values, 0, sizeof values);
    texts(json_object_get(json, "header_values"), values);
    struct message_input input = {
        .to = member(json, "to"),
        .to_name = member(json, "to_name"),
        .subject = member(json, "subject"),
        .header_values = values,
        .html = &html_pieces,
        .text = &text_pieces,
        .date_ms = INT64_C(1767225600000),
        .recipient_id = json_integer_value(json_object_get(json, "recipient_id")),
    };
    struct message_plan *plan = NULL;
    struct message message;
    struct error error;
    enum err err = message_plan_new(&spec, &plan, &error);
    if (err == ERR_NONE)
        err = message_compose(plan, &input, arena, &message, &error);
    if (err == ERR_NONE)
        answer(&message);
    else
        refuse(&error);
    message_plan_free(plan);
}

int main(void)
{
    struct arena arena;
    char *line = NULL;
    size_t cap = 0;
    arena_init(&arena, (size_t)1 << 30);
    while (getline(&line, &cap, stdin) > 0) {
        json_error_t why;
        json_t *json = json_loads(line, JSON_ALLOW_NUL, &why);
        if (json == NULL) {
            fprintf(stderr, "%s\n", why.text);
            return 1;
        }
        arena_reset(&arena);
        run(json_object_get(json, "spec"), json_object_get(json, "input"), &arena);
        json_decref(json);
    }
    free(line);
    arena_fini(&arena);
    return 0;
}
