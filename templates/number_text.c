#include "templates/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 uint128;

size_t number_format_integer(int128 number, char *text)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = 0, at = 0;
    bool negative = number < 0;
    uint128 rest = negative ? 0 - (uint128)number : (uint128)number;
    if (rest <= UINT64_MAX) {
        uint64_t small = (uint64_t)rest;
        do
            digits[n++] = (char)('0' + small % 10);
        while ((small /= 10) > 0);
    } else {
        do
            digits[n++] = (char)('0' + (int)(rest % 10));
        while ((rest /= 10) > 0);
    }
    if (negative)
        text[at++] = '-';
    while (n > 0)
        text[at++] = digits[--n];
    return at;
}

/*
 * The shortest decimal digits that read back as `number` (finite, positive), without
 * zeros at the end, and the exponent of the first one: digits d1 d2 d3 with e stand
 * for d1.d2d3 * 10^e. Most numbers of a template have few digits behind the point;
 * for them r / 10^4 == number proves that the digits of r are right, without printf.
 */
size_t number_digits(double number, char *digits, int *exponent)
{
    double scaled = number * 1e4;
    if (scaled < 1e15 && scaled >= 1) {
        double rounded = nearbyint(scaled);
        if (rounded / 1e4 == number) {
            size_t n = number_format_integer((int128)rounded, digits);
            *exponent = (int)n - 5;
            while (n > 1 && digits[n - 1] == '0')
                n--;
            return n;
        }
    }
    char text[40];
    int precision = number < 2.3e-308 ? 1 : 15;
    for (; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, number);
        if (strtod(text, NULL) == number)
            break;
    }
    char *e = strchr(text, 'e');
    *exponent = (int)strtol(e + 1, NULL, 10);
    size_t n = 0;
    for (const char *p = text; p < e; p++) {
        if (*p != '.')
            digits[n++] = *p;
    }
    CHECK(n > 0);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static size_t put_fixed(char *text, const char *digits, size_t n, int exponent)
{
    size_t at = 0;
    if (exponent < 0) {
        text[at++] = '0';
        text[at++] = '.';
        for (int i = -1; i > exponent; i--)
            text[at++] = '0';
        memcpy(text + at, digits, n);
        return at + n;
    }
    size_t whole = (size_t)exponent + 1;
    for (size_t i = 0; i < whole; i++)
        text[at++] = i < n ? digits[i] : '0';
    text[at++] = '.';
    if (n <= whole) {
        text[at++] = '0';
        return at;
    }
    memcpy(text + at, digits + whole, n - whole);
    return at + n - whole;
}

static size_t put_scientific(char *text, const char *digits, size_t n, int exponent)
{
    size_t at = 0;
    text[at++] = digits[0];
    text[at++] = '.';
    if (n == 1)
        text[at++] = '0';
    memcpy(text + at, digits + 1, n - 1);
    at += n - 1;
    return at + (size_t)snprintf(text + at, 8, "e%+03d", exponent);
}

static size_t format_float(double number, char *text)
{
    if (isnan(number)) {
        memcpy(text, "NaN", 3);
        return 3;
    }
    size_t at = 0;
    if (signbit(number))
        text[at++] = '-';
    number = fabs(number);
    if (isinf(number)) {
        memcpy(text + at, "Infinity", 8);
        return at + 8;
    }
    if (number == 0) {
        memcpy(text + at, "0.0", 3);
        return at + 3;
    }
    char digits[40];
    int exponent;
    size_t n = number_digits(number, digits, &exponent);
    /* Up to 15 digits, or whatever has a fraction. */
    if (exponent >= -4 && (exponent < 15 || (int)n > exponent + 1))
        return at + put_fixed(text + at, digits, n, exponent);
    return at + put_scientific(text + at, digits, n, exponent);
}

size_t number_format(struct value value, char text[NUMBER_TEXT_MAX])
{
    if (value.type == VALUE_INTEGER)
        return number_format_integer(value.integer, text);
    if (value.type == VALUE_BIG)
        return number_format_integer(*value.big, text);
    return format_float(value.number, text);
}

double number_parse_float(struct str text)
{
    char small[64], *heap = NULL, *p = small;
    if (text.n >= sizeof small)
        p = heap = malloc(text.n + 1);
    if (p == NULL)
        return 0;
    memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    double number = strtod(p, NULL);
    free(heap);
    return number;
}
