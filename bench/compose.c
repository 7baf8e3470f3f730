/*
 * compose.c - complete messages per second on one core, rendering not included
 *
 * A 15 KB newsletter: 13 KB of HTML with long lines, some of them beyond ASCII, 2 KB of
 * text, ten values, one extra header. Every message is another recipient's. Once as
 * slices, once copied together as a socket's write would.
 */
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/mail/encoding.h"
#include "core/mail/message.h"

#include <stdio.h>

#define VALUES 10
#define ROUNDS 400000
#define SPANS  (VALUES / 2 + 1)

/* Counted by the linker's --wrap. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
static size_t mallocs;

void *__wrap_malloc(size_t bytes)
{
    mallocs++;
    return __real_malloc(bytes);
}

static const char html_block[] =
    "<tr><td class=\"wrapper\" style=\"font-family: sans-serif; font-size: 14px; "
    "vertical-align: top; box-sizing: border-box; padding: 20px;\"><table border=\"0\" "
    "cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse: separate; width: "
    "100%;\">\n  <tr>\n    <td style=\"vertical-align: top;\">\n"
    "      <p>Caf\xC3\xA9 cr\xC3\xA8me \xE2\x80\x93 now 10\xC2\xA0% off.</p>\n"
    "      <a href=\"https://acme.example/spring?utm_source=mail\">Show me</a>\n"
    "    </td>\n  </tr>\n</table></td></tr>\n";
static const char text_block[] =
    "Spring is here, and with it everything that you need for your garden:\n"
    "tools, seeds and good advice.\n\n  https://acme.example/spring\n\n";

/* A part of `bytes` in SPANS spans, with a value between each two. */
static void make_spans(const char *block, size_t bytes, struct buf *all,
                       struct str spans[SPANS])
{
    size_t block_bytes = strlen(block), at[SPANS + 1] = {0};
    for (size_t i = 0; i < SPANS; i++) {
        for (size_t n = 0; n < bytes / SPANS; n += block_bytes)
            buf_append(all, str_slice(block, block_bytes));
        buf_append(all, STR("      <p>Dear "));
        at[i + 1] = all->n;
    }
    for (size_t i = 0; i < SPANS; i++)
        spans[i] = str_slice(all->p + at[i], at[i + 1] - at[i]);
}

static void make_pieces(const struct str spans[SPANS], const struct str *values,
                        struct arena *arena, struct pieces *pieces)
{
    pieces_init(pieces, arena, 1000);
    for (uint32_t i = 0; i < SPANS; i++) {
        bool fits = pieces_add(pieces, spans[i], i);
        if (i + 1 < SPANS)
            fits &= pieces_add(pieces, values[i], PIECE_VALUE);
        CHECK(fits);
    }
}

/* What a socket's write would do with the slices. */
static void gather(const struct message *message, char *to)
{
    for (size_t i = 0; i < message->slice_count; i++) {
        memcpy(to, message->slices[i].p, message->slices[i].n);
        to += message->slices[i].n;
    }
}

static enum err compose_many(const struct message_plan *plan,
                             struct message_input *input, struct arena *arena,
                             bool with_gather, struct error *error)
{
    static char wire[1 << 16];
    struct message message = {0};
    enum err err = ERR_NONE;
    uint64_t begun = 0;
    /* The first rounds warm the arena up. */
    for (int i = -100; i < ROUNDS && err == ERR_NONE; i++) {
        if (i == 0) {
            mallocs = 0;
            begun = clock_mono_ns();
        }
        arena_reset(arena);
        input->recipient_id = i;
        input->date_ms = INT64_C(1767225600000) + i * 10;
        err = message_compose(plan, input, arena, &message, error);
        if (with_gather && err == ERR_NONE)
            gather(&message, wire);
    }
    double ns = (double)(clock_mono_ns() - begun) / ROUNDS;
    printf("%s: %.0f messages/s, %.0f ns, %.3f mallocs, %zu slices, %llu bytes each\n",
           with_gather ? "compose and copy" : "compose", 1e9 / ns, ns,
           (double)mallocs / ROUNDS, message.slice_count,
           (unsigned long long)message.bytes);
    return err;
}

static void encode_many(struct str text)
{
    static char wire[1 << 18];
    uint64_t begun = clock_mono_ns(), bytes = 0;
    for (int i = 0; i < ROUNDS / 20; i++) {
        struct qp qp = {0};
        bytes += (uint64_t)(qp_encode(&qp, text, wire) - wire);
    }
    double ns = (double)(clock_mono_ns() - begun) / (ROUNDS / 20);
    printf(
        "quoted-printable alone: %.0f ns for %zu bytes, %.2f GB/s (%.0f bytes out)\n",
        ns, text.n, (double)text.n / ns, (double)bytes / (ROUNDS / 20));
}

int main(void)
{
    static const struct str values[] = {
        {"Jane", 4},
        {"J\xC3\xBCrgen M\xC3\xBCller", 15},
        {"Berlin", 6},
        {"42.00 EUR", 9},
        {"https://acme.example/u/0123456789abcdef", 39}};
    struct str header = STR("List-Unsubscribe");
    struct str unsubscribe =
        STR("<https://acme.example/u/0123456789abcdef>, <mailto:u@acme.example>");
    struct buf html, text;
    struct str html_spans[SPANS], text_spans[SPANS];
    struct arena fixed, arena;
    struct pieces html_pieces, text_pieces;
    struct message_plan *plan;
    struct error error;
    buf_init(&html, 1 << 20);
    buf_init(&text, 1 << 20);
    arena_init(&fixed, 1 << 20);
    arena_init(&arena, 1 << 20);
    make_spans(html_block, 12000, &html, html_spans);
    make_spans(text_block, 1500, &text, text_spans);
    make_pieces(html_spans, values, &fixed, &html_pieces);
    make_pieces(text_spans, values, &fixed, &text_pieces);
    struct message_spec spec = {
        .from = STR("Acme News <news@acme.example>"),
        .html_spans = html_spans,
        .html_span_count = SPANS,
        .text_spans = text_spans,
        .text_span_count = SPANS,
        .has_html = true,
        .has_text = true,
        .header_names = &header,
        .header_count = 1,
        .secret = STR("secret"),
        .id_domain = STR("acme.example"),
    };
    struct message_input input = {
        .to = STR("jane.doe@mail.example"),
        .to_name = STR("Jane Doe"),
        .subject = STR("J\xC3\xBCrgen, spring is here"),
        .header_values = &unsubscribe,
        .html = &html_pieces,
        .text = &text_pieces,
    };
    enum err err = message_plan_new(&spec, &plan, &error);
    if (err == ERR_NONE)
        err = compose_many(plan, &input, &arena, false, &error);
    if (err == ERR_NONE)
        err = compose_many(plan, &input, &arena, true, &error);
    if (err != ERR_NONE)
        fprintf(stderr, "%s\n", error.text);
    encode_many(buf_str(&html));
    message_plan_free(plan);
    buf_fini(&html);
    buf_fini(&text);
    arena_fini(&fixed);
    arena_fini(&arena);
    return err_exit_code(err);
}
