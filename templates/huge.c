#include "templates/huge.h"
#include "templates/number_text.h"

#include <stdio.h>
#include <stdlib.h>

/* Limbs of nine decimal digits, the lowest first: what is read and printed most needs
 * no conversion. The highest is not zero; zero has none. */

#define BASE UINT32_C(1000000000)

struct huge {
    bool is_negative;
    uint32_t n;
    uint32_t limbs[];
};

static struct huge *huge_new(size_t limbs, struct arena *arena)
{
    struct huge *huge =
        arena_calloc(arena, 1, sizeof *huge + limbs * sizeof huge->limbs[0]);
    if (huge != NULL)
        huge->n = (uint32_t)limbs;
    return huge;
}

/* Without zeros in front; NULL if it is too long. */
static const struct huge *finished(struct huge *huge)
{
    while (huge->n > 0 && huge->limbs[huge->n - 1] == 0)
        huge->n--;
    if (huge->n == 0)
        huge->is_negative = false;
    return huge->n <= HUGE_LIMBS_MAX ? huge : NULL;
}

const struct huge *huge_of_digits(const char *digits, size_t n, size_t zeros,
                                  bool is_negative, struct arena *arena)
{
    static const uint32_t tens[] = {1,      10,      100,      1000,     10000,
                                    100000, 1000000, 10000000, 100000000};
    if (n > HUGE_DIGITS_MAX || zeros > HUGE_DIGITS_MAX)
        return NULL;
    struct huge *huge = huge_new((n + zeros) / 9 + 1, arena);
    if (huge == NULL)
        return NULL;
    huge->is_negative = is_negative;
    for (size_t i = 0; i < n; i++) {
        size_t place = zeros + n - 1 - i;
        huge->limbs[place / 9] += (uint32_t)(digits[i] - '0') * tens[place % 9];
    }
    return finished(huge);
}

const struct huge *huge_parse(struct str text, struct arena *arena)
{
    char digits[HUGE_DIGITS_MAX];
    size_t n = 0;
    bool is_negative = text.n > 0 && text.p[0] == '-';
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || (n == 0 && text.p[i] == '0'))
            continue;
        if (n == sizeof digits)
            return NULL;
        digits[n++] = text.p[i];
    }
    return huge_of_digits(digits, n, 0, is_negative, arena);
}

const struct huge *huge_of(struct number integer, struct arena *arena)
{
    char text[NUMBER_TEXT_MAX];
    if (integer.kind == NUMBER_HUGE)
        return integer.huge;
    size_t n = number_format_integer(integer.coefficient, text);
    return huge_parse(str_slice(text, n), arena);
}

static int compare_size(const struct huge *a, const struct huge *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (uint32_t i = a->n; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

int huge_compare(const struct huge *a, const struct huge *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    return a->is_negative ? compare_size(b, a) : compare_size(a, b);
}

bool huge_is_negative(const struct huge *a)
{
    return a->is_negative;
}

/* The sum of the sizes. */
static struct huge *add_sizes(const struct huge *a, const struct huge *b,
                              struct arena *arena)
{
    uint32_t n = (a->n > b->n ? a->n : b->n) + 1, carry = 0;
    struct huge *sum = huge_new(n, arena);
    for (uint32_t i = 0; sum != NULL && i < n; i++) {
        uint32_t limb = carry + (i < a->n ? a->limbs[i] : 0);
        limb += i < b->n ? b->limbs[i] : 0;
        carry = limb >= BASE;
        sum->limbs[i] = limb - carry * BASE;
    }
    return sum;
}

/* The difference of the sizes, of which a's is not the smaller one. */
static struct huge *subtract_sizes(const struct huge *a, const struct huge *b,
                                   struct arena *arena)
{
    struct huge *rest = huge_new(a->n, arena);
    uint32_t borrow = 0;
    for (uint32_t i = 0; rest != NULL && i < a->n; i++) {
        uint32_t take = borrow + (i < b->n ? b->limbs[i] : 0);
        borrow = a->limbs[i] < take;
        rest->limbs[i] = a->limbs[i] + borrow * BASE - take;
    }
    return rest;
}

/* a + b, or a - b with b's sign the other way round. */
static struct huge *add(const struct huge *a, const struct huge *b, bool b_is_negative,
                        struct arena *arena)
{
    struct huge *result;
    if (a->is_negative == b_is_negative) {
        result = add_sizes(a, b, arena);
        if (result != NULL)
            result->is_negative = a->is_negative;
        return result;
    }
    bool is_larger = compare_size(a, b) >= 0;
    result = is_larger ? subtract_sizes(a, b, arena) : subtract_sizes(b, a, arena);
    if (result != NULL)
        result->is_negative = is_larger ? a->is_negative : b_is_negative;
    return result;
}

static struct huge *multiply(const struct huge *a, const struct huge *b,
                             struct arena *arena)
{
    struct huge *product = huge_new(a->n + b->n, arena);
    if (product == NULL)
        return NULL;
    product->is_negative = a->is_negative != b->is_negative;
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < b->n || carry > 0; j++) {
            uint64_t limb = product->limbs[i + j] + carry;
            if (j < b->n)
                limb += (uint64_t)a->limbs[i] * b->limbs[j];
            product->limbs[i + j] = (uint32_t)(limb % BASE);
            carry = limb / BASE;
        }
    }
    return product;
}

/* ---- division ------------------------------------------------------------------ */

/* to = from * factor, in `n` limbs. */
static void scale(uint32_t *to, const uint32_t *from, uint32_t from_n, uint32_t n,
                  uint32_t factor)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t limb = carry + (i < from_n ? (uint64_t)from[i] * factor : 0);
        to[i] = (uint32_t)(limb % BASE);
        carry = limb / BASE;
    }
}

/* rest -= divisor * digit, n + 1 limbs; false: it went below zero by one BASE. */
static bool take_multiple(uint32_t *rest, const uint32_t *divisor, uint32_t n,
                          uint64_t digit)
{
    uint64_t carry = 0;
    bool borrow = false;
    for (uint32_t i = 0; i <= n; i++) {
        uint64_t product = carry + (i < n ? digit * divisor[i] : 0);
        uint32_t take = (uint32_t)(product % BASE) + borrow;
        carry = product / BASE;
        borrow = rest[i] < take;
        rest[i] = rest[i] + borrow * BASE - take;
    }
    return !borrow;
}

static void give_back(uint32_t *rest, const uint32_t *divisor, uint32_t n)
{
    uint32_t carry = 0;
    for (uint32_t i = 0; i <= n; i++) {
        uint32_t limb = rest[i] + carry + (i < n ? divisor[i] : 0);
        carry = limb >= BASE;
        rest[i] = limb - carry * BASE;
    }
}

/* A limb of the quotient, at most two too large (theorem B). */
static uint64_t guess(const uint32_t *rest, const uint32_t *divisor, uint32_t n)
{
    uint64_t top = (uint64_t)rest[n] * BASE + rest[n - 1];
    uint64_t digit = top / divisor[n - 1];
    return digit < BASE ? digit : BASE - 1;
}

/* |a| / |b|, rounded towards zero, and what is left of |a|. */
static struct huge *divide_sizes(const struct huge *a, const struct huge *b,
                                 struct huge **left, struct arena *arena)
{
    uint32_t factor = BASE / (b->limbs[b->n - 1] + 1), n = b->n, count = a->n + 1;
    struct huge *divisor = huge_new(n, arena), *rest = huge_new(count, arena);
    struct huge *quotient = huge_new(count, arena);
    if (divisor == NULL || rest == NULL || quotient == NULL)
        return NULL;
    scale(divisor->limbs, b->limbs, n, n, factor);
    scale(rest->limbs, a->limbs, a->n, count, factor);
    for (uint32_t i = count > n ? count - n : 0; i-- > 0;) {
        uint64_t digit = guess(rest->limbs + i, divisor->limbs, n);
        if (!take_multiple(rest->limbs + i, divisor->limbs, n, digit)) {
            /* Below zero until the carry out of the top limb cancels the borrow. */
            do {
                digit--;
                give_back(rest->limbs + i, divisor->limbs, n);
            } while (rest->limbs[i + n] != 0);
        }
        quotient->limbs[i] = (uint32_t)digit;
    }
    uint64_t carry = 0;
    for (uint32_t i = count; i-- > 0;) {
        uint64_t limb = carry * BASE + rest->limbs[i];
        rest->limbs[i] = (uint32_t)(limb / factor);
        carry = limb % factor;
    }
    *left = rest;
    return quotient;
}

static const struct huge *divide(const struct huge *a, const struct huge *b,
                                 bool wants_rest, struct arena *arena)
{
    struct huge *left, *quotient = divide_sizes(a, b, &left, arena);
    if (quotient == NULL)
        return NULL;
    bool differ = a->is_negative != b->is_negative;
    (void)finished(quotient);
    (void)finished(left);
    /* Down, not towards zero. */
    bool rounds = differ && left->n > 0;
    if (wants_rest) {
        struct huge *rest = rounds ? subtract_sizes(b, left, arena) : left;
        if (rest == NULL)
            return NULL;
        rest->is_negative = b->is_negative;
        return finished(rest);
    }
    struct huge *one = huge_new(1, arena);
    if (one == NULL)
        return NULL;
    one->limbs[0] = rounds;
    struct huge *whole = add_sizes(quotient, one, arena);
    if (whole == NULL)
        return NULL;
    whole->is_negative = differ;
    return finished(whole);
}

const struct huge *huge_apply(const struct huge *a, enum number_operation operation,
                              const struct huge *b, struct arena *arena)
{
    struct huge *result = NULL;
    if (a == NULL || b == NULL)
        return NULL;
    switch (operation) {
    case NUMBER_PLUS: result = add(a, b, b->is_negative, arena); break;
    case NUMBER_MINUS: result = add(a, b, !b->is_negative, arena); break;
    case NUMBER_TIMES: result = multiply(a, b, arena); break;
    case NUMBER_DIVIDE:
    case NUMBER_MODULO: return divide(a, b, operation == NUMBER_MODULO, arena);
    }
    return result != NULL ? finished(result) : NULL;
}

/* ---- out of it ----------------------------------------------------------------- */

bool huge_fits(const struct huge *a, int128 *number)
{
    int128 sum = 0;
    for (uint32_t i = a->n; i-- > 0;) {
        if (__builtin_mul_overflow(sum, (int128)BASE, &sum) ||
            __builtin_add_overflow(sum, (int128)a->limbs[i], &sum))
            return false;
    }
    *number = a->is_negative ? -sum : sum;
    return true;
}

size_t huge_format(const struct huge *a, char text[HUGE_TEXT_MAX])
{
    char limb[16];
    size_t n = 0;
    if (a->is_negative)
        text[n++] = '-';
    for (uint32_t i = a->n; i-- > 0;) {
        int digits = snprintf(limb, sizeof limb, i + 1 == a->n ? "%u" : "%09u",
                              (unsigned)a->limbs[i]);
        memcpy(text + n, limb, (size_t)digits);
        n += (size_t)digits;
    }
    if (a->n == 0)
        text[n++] = '0';
    return n;
}

double huge_to_float(const struct huge *a)
{
    char text[HUGE_TEXT_MAX + 1];
    text[huge_format(a, text)] = '\0';
    return strtod(text, NULL);
}

int64_t huge_bytes(const struct huge *a)
{
    /* Limb by limb into bytes: what is carried out of them is another byte. */
    unsigned char bytes[HUGE_LIMBS_MAX * 4] = {0};
    size_t n = 0;
    for (uint32_t i = a->n; i-- > 0;) {
        uint64_t carry = a->limbs[i];
        for (size_t at = 0; at < n || carry > 0; at++) {
            carry += (uint64_t)bytes[at] * BASE;
            bytes[at] = (unsigned char)carry;
            carry >>= 8;
            n = at + 1 > n ? at + 1 : n;
        }
    }
    return (int64_t)n;
}
