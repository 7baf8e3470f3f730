/* Spans that were encoded once come out as if the whole text had been encoded. */
#include "core/base/buf.h"
#include "core/mail/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SPANS  12
#define PIECES 40

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Text with all that quoted-printable cares about, in lines that are short or long. */
static struct str random_text(struct arena *arena, size_t n)
{
    static const char *const bits[] = {"a",     " ",        ".",        "=",  "\t",
                                       "word ", "\xC3\xA4", "<td>",     "x ", "\r\n",
                                       "\r\n.", " \r\n",    "\r\nFrom "};
    char text[256] = "";
    size_t at = 0;
    uint32_t kinds = random_below(2) == 0 ? 10 : sizeof bits / sizeof *bits;
    while (at < n) {
        const char *bit = bits[random_below(kinds)];
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", bit);
    }
    return arena_copy(arena, str_slice(text, at));
}

static void compose(const struct part *part, const struct pieces *pieces,
                    struct arena *arena, struct buf *to)
{
    size_t slices = part_slices(pieces) + 1;
    struct wire wire;
    assert_true(wire_init(&wire, arena, slices, 0));
    part_compose(part, pieces, TRANSFER_QP, &wire);
    wire_flush(&wire);
    assert_false(wire.is_short);
    assert_true(wire.slice_count <= slices);
    for (size_t i = 0; i < wire.slice_count; i++)
        buf_append(to, wire.slices[i]);
}

static void encode_whole(const struct pieces *pieces, struct arena *arena,
                         struct buf *to)
{
    struct str text = pieces_join(pieces, arena);
    char *room = arena_alloc(arena, QP_BYTES_MAX(text.n));
    struct qp qp = {0};
    char *end = qp_finish(&qp, qp_encode(&qp, text, room));
    buf_append(to, str_slice(room, (size_t)(end - room)));
}

static void part__short_spans_encode_as_the_whole_text(void **state)
{
    (void)state;
    struct arena arena;
    struct buf composed, whole;
    arena_init(&arena, 1u << 20);
    buf_init(&composed, 1u << 16);
    buf_init(&whole, 1u << 16);
    unsigned compared = 0;
    for (int round = 0; round < 3000; round++) {
        arena_reset(&arena);
        buf_clear(&composed);
        buf_clear(&whole);
        struct str spans[SPANS];
        for (size_t i = 0; i < SPANS; i++)
            spans[i] = random_text(&arena, random_below(50));
        struct part part;
        assert_int_equal(part_init(&part, spans, SPANS, &arena), ERR_NONE);
        if (part.encoding != TRANSFER_QP)
            continue; /* mostly beyond ASCII: its spans are kept in base64 only */
        compared++;
        struct pieces pieces;
        pieces_init(&pieces, &arena, PIECES);
        for (size_t i = 0; i < PIECES; i++) {
            uint32_t span = random_below(SPANS);
            bool is_value = random_below(3) == 0;
            struct str text =
                is_value ? random_text(&arena, random_below(30)) : spans[span];
            assert_true(pieces_add(&pieces, text, is_value ? PIECE_VALUE : span));
        }
        compose(&part, &pieces, &arena, &composed);
        encode_whole(&pieces, &arena, &whole);
        assert_int_equal(composed.n, whole.n);
        assert_memory_equal(composed.p, whole.p, whole.n);
    }
    assert_true(compared > 1000);
    buf_fini(&composed);
    buf_fini(&whole);
    arena_fini(&arena);
}

static void part__a_line_that_is_just_full_needs_no_soft_break(void **state)
{
    (void)state;
    struct arena arena;
    struct part part;
    struct pieces pieces;
    struct buf composed;
    char want[80], text[80];
    snprintf(want, sizeof want, "%072d=20\r\n", 0);
    snprintf(text, sizeof text, "%072d \r\n", 0);
    struct str span = str_of(text);
    arena_init(&arena, 1u << 20);
    buf_init(&composed, 1u << 10);
    assert_int_equal(part_init(&part, &span, 1, &arena), ERR_NONE);
    pieces_init(&pieces, &arena, 1);
    assert_true(pieces_add(&pieces, span, 0));
    compose(&part, &pieces, &arena, &composed);
    assert_int_equal(composed.n, strlen(want));
    assert_memory_equal(composed.p, want, composed.n);
    buf_fini(&composed);
    arena_fini(&arena);
}

/* Leads that take up to three lines, from every column on. */
static void part__a_lead_of_several_lines_is_as_in_the_whole_text(void **state)
{
    (void)state;
    struct arena arena;
    struct buf composed, whole;
    char equals[64], before[80];
    memset(equals, '=', sizeof equals);
    memset(before, 'x', sizeof before);
    arena_init(&arena, 1u << 20);
    buf_init(&composed, 1u << 12);
    buf_init(&whole, 1u << 12);
    for (size_t n = 1; n < sizeof equals; n++) {
        for (size_t column = 0; column < sizeof before; column++) {
            struct str span = str_slice(equals, n);
            struct part part;
            struct pieces pieces;
            arena_reset(&arena);
            buf_clear(&composed);
            buf_clear(&whole);
            assert_int_equal(part_init(&part, &span, 1, &arena), ERR_NONE);
            pieces_init(&pieces, &arena, 3);
            assert_true(pieces_add(&pieces, str_slice(before, column), PIECE_VALUE));
            assert_true(pieces_add(&pieces, span, 0));
            assert_true(pieces_add(&pieces, span, 0));
            compose(&part, &pieces, &arena, &composed);
            encode_whole(&pieces, &arena, &whole);
            assert_int_equal(composed.n, whole.n);
            assert_memory_equal(composed.p, whole.p, whole.n);
        }
    }
    buf_fini(&composed);
    buf_fini(&whole);
    arena_fini(&arena);
}

static void part__transfer_goes_by_what_is_in_it(void **state)
{
    static const struct {
        const char *span, *value;
        enum transfer want;
    } cases[] = {
        {"Hello ", "Jane", TRANSFER_7BIT},
        {"Hello ", "J\xC3\xB6rg", TRANSFER_QP},
        {"Title\n=====\n=====\n", "J\xC3\xB6rg", TRANSFER_QP},
        {"\xE6\xBC\xA2\xE5\xAD\x97 a", "x", TRANSFER_BASE64},
        {"one\n", ".two", TRANSFER_QP},
        {"one\n.two\n", "x", TRANSFER_QP},
        {"one\n", "From me", TRANSFER_QP},
        {"one\nFrom me\n", "x", TRANSFER_QP},
        {"From ", "me", TRANSFER_QP},
        {"one\nFro", "m me", TRANSFER_QP},
        {"a Fro", "m me", TRANSFER_7BIT},
    };
    (void)state;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str span = str_of(cases[i].span);
        struct part part;
        struct pieces pieces;
        assert_int_equal(part_init(&part, &span, 1, &arena), ERR_NONE);
        pieces_init(&pieces, &arena, 2);
        assert_true(pieces_add(&pieces, span, 0));
        assert_true(pieces_add(&pieces, str_of(cases[i].value), PIECE_VALUE));
        if (part_transfer(&part, &pieces) != cases[i].want)
            fail_msg("%s%s", cases[i].span, cases[i].value);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

/* Of what a value asks for at most it takes a quarter, and a block's end is lost when
 * the next value asks for more: that must not add up. */
static void part__much_text_takes_little_more_room_than_it_has(void **state)
{
    (void)state;
    struct arena arena, room;
    struct pieces pieces;
    struct part part;
    struct str span = STR("-");
    size_t count = 4000;
    char value[2452];
    memset(value, 'x', sizeof value);
    arena_init(&arena, 64u << 20);
    arena_init(&room, 14u << 20);
    pieces_init(&pieces, &arena, 2 * count);
    assert_int_equal(part_init(&part, &span, 1, &arena), ERR_NONE);
    for (size_t i = 0; i < count; i++) {
        assert_true(pieces_add(&pieces, str_slice(value, sizeof value), PIECE_VALUE));
        assert_true(pieces_add(&pieces, span, 0));
    }
    struct wire wire;
    assert_true(wire_init(&wire, &room, part_slices(&pieces) + 1, 0));
    part_compose(&part, &pieces, TRANSFER_QP, &wire);
    wire_flush(&wire);
    assert_false(wire.is_short);
    assert_true(wire.bytes > count * sizeof value);
    arena_fini(&room);
    arena_fini(&arena);
}

static void part__of_nothing_is_empty(void **state)
{
    (void)state;
    struct arena arena;
    struct pieces pieces;
    struct part part;
    struct buf got;
    struct str span = STR("w\xC3\xA4re es so");
    arena_init(&arena, 1u << 20);
    buf_init(&got, 100);
    pieces_init(&pieces, &arena, 10);
    assert_int_equal(part_init(&part, &span, 1, &arena), ERR_NONE);
    compose(&part, &pieces, &arena, &got);
    assert_int_equal(got.n, 0);
    buf_fini(&got);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part__short_spans_encode_as_the_whole_text),
        cmocka_unit_test(part__a_line_that_is_just_full_needs_no_soft_break),
        cmocka_unit_test(part__a_lead_of_several_lines_is_as_in_the_whole_text),
        cmocka_unit_test(part__much_text_takes_little_more_room_than_it_has),
        cmocka_unit_test(part__of_nothing_is_empty),
        cmocka_unit_test(part__transfer_goes_by_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
