#include "core/base/clock.h"
#include "core/mail/address_list.h"
#include "core/mail/plan.h"

/*
 * Two passes: the first judges the values, the second writes without asking again. The
 * message is
 *
 *   head of this recipient's
 *   mixed, if there are attachments
 *     alternative, if there is text and HTML
 *       text
 *       related, if there is HTML with inline files
 *         html
 *         inline files
 *     attachments
 *
 * and every level that holds one thing only is left out. A boundary begins with "=_",
 * which neither quoted-printable nor base64 can contain, and goes on with 130 bits that
 * nobody can know beforehand, against what 7bit could contain.
 */

/* A word of a subject that is longer is encoded so that it can be folded; in other
 * headers it is likely to be for a program to read. */
#define SUBJECT_WORD_MAX 75
#define OTHER_WORD_MAX   900

#define TO_MAX 320

enum level { LEVEL_MIXED, LEVEL_ALTERNATIVE, LEVEL_RELATED };

struct composer {
    const struct message_plan *plan;
    const struct message_input *input;
    struct arena *arena;
    struct wire wire;
    struct identity identity;
    enum transfer html, text;
    /* The last part's text ends with a line end. */
    bool at_line_start;
    bool needs_smtputf8;
};

/* ---- values judged ------------------------------------------------------------- */

static enum err value_refused(struct error *error, struct str name, const char *why)
{
    return error_set(error, ERR_DATA, "header %.*s: %s in its value; correct the value",
                     STR_ARG(name), why);
}

static enum err check_recipient(struct composer *composer, struct error *error)
{
    struct str to = composer->input->to;
    const char *why = header_value_check(to);
    if (why == NULL && (to.n == 0 || to.n > TO_MAX))
        why = "no address or one too long";
    if (why == NULL)
        why = header_value_check(composer->input->to_name);
    if (why != NULL)
        return value_refused(error, STR("To"), why);
    composer->needs_smtputf8 = composer->plan->head_needs_smtputf8 || !str_is_ascii(to);
    return ERR_NONE;
}

static const char *check_addresses(struct composer *composer, struct str value)
{
    struct address_list list;
    const char *why = address_list_parse(value, composer->arena, &list);
    if (why == NULL)
        composer->needs_smtputf8 |= list.needs_smtputf8;
    return why;
}

static enum err check_headers(struct composer *composer, struct error *error)
{
    const struct message_plan *plan = composer->plan;
    for (size_t i = 0; i < plan->header_count; i++) {
        struct str value = composer->input->header_values[i];
        const char *why = NULL;
        switch (plan->headers[i].kind) {
        case HEADER_TEXT: why = header_value_check(value); break;
        case HEADER_STRUCTURED: why = header_structured_check(value); break;
        case HEADER_ADDRESSES: why = check_addresses(composer, value); break;
        }
        if (why != NULL)
            return value_refused(error, plan->headers[i].name, why);
    }
    return ERR_NONE;
}

static enum err check_input(struct composer *composer, struct error *error)
{
    const char *why = header_value_check(composer->input->subject);
    if (why != NULL)
        return value_refused(error, STR("Subject"), why);
    enum err err = check_recipient(composer, error);
    return err != ERR_NONE ? err : check_headers(composer, error);
}

/* ---- room ---------------------------------------------------------------------- */

static size_t header_room(const struct plan_header *header, struct str value)
{
    size_t bytes = HEADER_BYTES_MAX(header->name.n + value.n);
    /* A domain may become longer in A-labels. The shortest address has 3 octets. */
    if (header->kind == HEADER_ADDRESSES)
        bytes += (value.n / 3 + 1) * (ADDRESS_MAX + 16);
    return bytes;
}

static size_t head_room(const struct composer *composer)
{
    const struct message_plan *plan = composer->plan;
    const struct message_input *input = composer->input;
    size_t bytes = plan->head.n;
    bytes += HEADER_BYTES_MAX(input->subject.n + input->to.n + input->to_name.n);
    for (size_t i = 0; i < plan->header_count; i++)
        bytes += header_room(&plan->headers[i], input->header_values[i]);
    return bytes;
}

static size_t slice_room(const struct composer *composer)
{
    const struct message_plan *plan = composer->plan;
    size_t count = (WIRE_ROOM_SLICES + WIRE_PUT_SLICES) * (plan->file_count + 1);
    if (plan->has_html)
        count += part_slices(composer->input->html);
    if (plan->has_text)
        count += part_slices(composer->input->text);
    return count;
}

/* ---- the head ------------------------------------------------------------------ */

/* Small static bytes: always copied into the scratch. */
static void put(struct composer *composer, struct str bytes)
{
    memcpy(composer->wire.to, bytes.p, bytes.n);
    composer->wire.to += bytes.n;
}

static void put_to(struct composer *composer)
{
    struct header_writer writer = {.to = composer->wire.to};
    struct str to = composer->input->to, name = str_trim(composer->input->to_name);
    char angle[TO_MAX + 2];
    header_begin(&writer, STR("To"));
    if (name.n == 0) {
        header_word(&writer, to);
    } else {
        header_phrase(&writer, name);
        angle[0] = '<';
        memcpy(angle + 1, to.p, to.n);
        angle[to.n + 1] = '>';
        header_word(&writer, str_slice(angle, to.n + 2));
    }
    header_end(&writer);
    composer->wire.to = writer.to;
}

static void put_subject(struct composer *composer)
{
    struct header_writer writer = {.to = composer->wire.to};
    header_begin(&writer, STR("Subject"));
    header_text(&writer, composer->input->subject, SUBJECT_WORD_MAX);
    header_end(&writer);
    composer->wire.to = writer.to;
}

/* Messages follow each other faster than seconds do. */
static struct str date_text(int64_t date_ms)
{
    static _Thread_local char text[CLOCK_RFC5322_BYTES];
    static _Thread_local int64_t last;
    int64_t second = date_ms / 1000 - (date_ms % 1000 < 0);
    if (text[0] == '\0' || second != last)
        clock_rfc5322(date_ms, text);
    last = second;
    return str_of(text);
}

static void put_date(struct composer *composer)
{
    put(composer, STR("Date: "));
    put(composer, date_text(composer->input->date_ms));
    put(composer, STR("\r\n"));
}

static struct str put_message_id(struct composer *composer)
{
    put(composer, STR("Message-ID: <"));
    const char *begun = composer->wire.to;
    put(composer, str_slice(composer->identity.message, IDENTITY_TEXT));
    put(composer, STR("@"));
    put(composer, composer->plan->id_domain);
    struct str id = str_slice(begun, (size_t)(composer->wire.to - begun));
    put(composer, STR(">\r\n"));
    return id;
}

static void put_header_value(struct composer *composer, struct header_writer *writer,
                             enum header_kind kind, struct str value)
{
    struct address_list list;
    switch (kind) {
    case HEADER_TEXT: header_text(writer, value, OTHER_WORD_MAX); break;
    case HEADER_STRUCTURED: header_structured(writer, value); break;
    case HEADER_ADDRESSES:
        /* It was read once already, to be judged; this is rare enough. */
        if (address_list_parse(value, composer->arena, &list) == NULL)
            address_list_write(&list, writer);
        break;
    }
}

static void put_headers(struct composer *composer)
{
    const struct message_plan *plan = composer->plan;
    for (size_t i = 0; i < plan->header_count; i++) {
        struct str value = str_trim(composer->input->header_values[i]);
        struct header_writer writer = {.to = composer->wire.to};
        if (value.n == 0)
            continue;
        header_begin(&writer, plan->headers[i].name);
        put_header_value(composer, &writer, plan->headers[i].kind, value);
        header_end(&writer);
        composer->wire.to = writer.to;
    }
}

/* ---- the body ------------------------------------------------------------------ */

static void put_boundary(struct composer *composer, enum level level)
{
    static const struct str starts[] = {{"=_m", 3}, {"=_a", 3}, {"=_r", 3}};
    put(composer, starts[level]);
    put(composer, str_slice(composer->identity.boundary, IDENTITY_TEXT));
}

/* A multipart's header and its first boundary. */
static void level_open(struct composer *composer, enum level level)
{
    static const struct str types[] = {
        {"multipart/mixed", 15},
        {"multipart/alternative", 21},
        {"multipart/related; type=\"text/html\"", 35},
    };
    put(composer, STR("Content-Type: "));
    put(composer, types[level]);
    put(composer, STR(";\r\n boundary=\""));
    put_boundary(composer, level);
    put(composer, STR("\"\r\n\r\n--"));
    put_boundary(composer, level);
    put(composer, STR("\r\n"));
}

static void level_next(struct composer *composer, enum level level)
{
    put(composer, STR("\r\n--"));
    put_boundary(composer, level);
    put(composer, STR("\r\n"));
}

/* What follows begins with a line end. */
static void level_close(struct composer *composer, enum level level)
{
    put(composer, STR("\r\n--"));
    put_boundary(composer, level);
    put(composer, STR("--"));
    composer->at_line_start = false;
}

static void put_files(struct composer *composer, enum level level, bool inline_only)
{
    const struct message_plan *plan = composer->plan;
    for (size_t i = 0; i < plan->file_count; i++) {
        bool is_related = plan->files[i].is_inline && plan->has_html;
        if (is_related != inline_only || !wire_room(&composer->wire, WIRE_COPY_MAX))
            continue;
        level_next(composer, level);
        wire_put(&composer->wire, plan->files[i].entity);
    }
}

static void put_leaf(struct composer *composer, struct str type,
                     const struct part *part, const struct pieces *pieces,
                     enum transfer transfer)
{
    put(composer, type);
    put(composer, STR("Content-Transfer-Encoding: "));
    put(composer, transfer_name(transfer));
    put(composer, STR("\r\n\r\n"));
    composer->at_line_start = part_compose(part, pieces, transfer, &composer->wire);
}

static void put_html(struct composer *composer)
{
    put_leaf(composer, STR("Content-Type: text/html; charset=utf-8\r\n"),
             &composer->plan->html, composer->input->html, composer->html);
}

static void put_text(struct composer *composer)
{
    put_leaf(composer, STR("Content-Type: text/plain; charset=utf-8\r\n"),
             &composer->plan->text, composer->input->text, composer->text);
}

static void put_related(struct composer *composer)
{
    if (composer->plan->inline_count == 0) {
        put_html(composer);
        return;
    }
    level_open(composer, LEVEL_RELATED);
    put_html(composer);
    put_files(composer, LEVEL_RELATED, true);
    level_close(composer, LEVEL_RELATED);
}

static void put_alternative(struct composer *composer)
{
    const struct message_plan *plan = composer->plan;
    if (!plan->has_html) {
        put_text(composer);
        return;
    }
    if (!plan->has_text) {
        put_related(composer);
        return;
    }
    level_open(composer, LEVEL_ALTERNATIVE);
    put_text(composer);
    level_next(composer, LEVEL_ALTERNATIVE);
    put_related(composer);
    level_close(composer, LEVEL_ALTERNATIVE);
}

static void put_body(struct composer *composer)
{
    const struct message_plan *plan = composer->plan;
    size_t related = plan->has_html ? plan->inline_count : 0;
    put(composer, STR("MIME-Version: 1.0\r\n"));
    if (plan->file_count == related) {
        put_alternative(composer);
    } else {
        level_open(composer, LEVEL_MIXED);
        put_alternative(composer);
        put_files(composer, LEVEL_MIXED, false);
        level_close(composer, LEVEL_MIXED);
    }
    if (!composer->at_line_start)
        put(composer, STR("\r\n"));
}

/* ---- all of it ----------------------------------------------------------------- */

static enum err too_large(struct error *error)
{
    return error_set(error, ERR_LIMIT, "message: larger than %u MiB",
                     MESSAGE_BYTES_MAX >> 20);
}

static enum err no_room(const struct wire *wire, struct error *error)
{
    return wire->is_too_large
               ? too_large(error)
               : error_set(error, ERR_MEMORY, "composing: a message: out of memory");
}

enum err message_compose(const struct message_plan *plan,
                         const struct message_input *input, struct arena *arena,
                         struct message *message, struct error *error)
{
    struct composer composer = {.plan = plan, .input = input, .arena = arena};
    enum err err = check_input(&composer, error);
    if (err != ERR_NONE)
        return err;
    if (!wire_init(&composer.wire, arena, slice_room(&composer), head_room(&composer)))
        return no_room(&composer.wire, error);
    identity_derive(plan->key, input->recipient_id, input->wave, &composer.identity);
    if (plan->has_html)
        composer.html = part_transfer(&plan->html, input->html);
    if (plan->has_text)
        composer.text = part_transfer(&plan->text, input->text);
    put_date(&composer);
    put(&composer, plan->head);
    put_to(&composer);
    put_subject(&composer);
    struct str message_id = put_message_id(&composer);
    put_headers(&composer);
    put_body(&composer);
    wire_flush(&composer.wire);
    if (composer.wire.is_short)
        return no_room(&composer.wire, error);
    if (composer.wire.bytes > MESSAGE_BYTES_MAX)
        return too_large(error);
    /* Bodies are 7-bit. That UTF-8 in the header is worth a BODY=8BITMIME is left open
     * by RFC 6531; there are servers that insist on it, and each that has SMTPUTF8 has
     * to offer it. */
    *message = (struct message){.slices = composer.wire.slices,
                                .slice_count = composer.wire.slice_count,
                                .bytes = composer.wire.bytes,
                                .message_id = message_id,
                                .needs_8bitmime = composer.needs_smtputf8,
                                .needs_smtputf8 = composer.needs_smtputf8};
    return ERR_NONE;
}
