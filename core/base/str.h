/*
 * str.h - a run of bytes that somebody else owns
 *
 * Passed by value, never assumed terminated, may hold any byte. p is NULL only for
 * "absent" (STR_NULL), which is not the same as empty.
 *
 * Owns:    nothing.
 * Keeps:   the pointer, as long as the value lives.
 * Thread:  any.
 * Source:  the shape is that of git's strbuf and nginx's ngx_str_t.
 */
#ifndef BROADSIDE_BASE_STR_H
#define BROADSIDE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR_NULL ((struct str){NULL, 0})
/* A string literal as a str. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, ((s).p != NULL ? (s).p : "")

static inline struct str str_of(const char *c_string)
{
    return (struct str){c_string, c_string != NULL ? strlen(c_string) : 0};
}

static inline struct str str_slice(const char *p, size_t n)
{
    return (struct str){p, n};
}

static inline bool str_is_null(struct str s)
{
    return s.p == NULL;
}

/* What is absent counts as empty. */
static inline struct str str_or_empty(struct str s)
{
    return str_is_null(s) ? STR("") : s;
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The bytes from `start` (clamped) to the end. */
static inline struct str str_from(struct str s, size_t start)
{
    if (start > s.n)
        start = s.n;
    /* In C even NULL + 0 is undefined. */
    return start > 0 ? (struct str){s.p + start, s.n - start} : s;
}

/* The first `count` bytes (clamped). */
static inline struct str str_head(struct str s, size_t count)
{
    return (struct str){s.p, count < s.n ? count : s.n};
}

/* ASCII only: bytes of other encodings compare as they are. */
bool str_equal_nocase(struct str a, struct str b);
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_prefix_nocase(struct str s, struct str prefix);
/* memcmp order, a shorter prefix first: <0, 0, >0. */
int str_compare(struct str a, struct str b);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/* The part before the first `separator`; *rest is what follows it, or STR_NULL if
 * there is none. */
struct str str_split(struct str s, char separator, struct str *rest);
/* Decimal digits only, whole string, no sign; false on anything else or overflow. */
bool str_to_u64(struct str s, uint64_t *value);
#define STR_U64_MAX 20
/* Its decimal digits, at the end of `to`. */
struct str str_of_u64(uint64_t value, char to[STR_U64_MAX]);
/* True if it is one digit or more, and nothing else. */
bool str_is_digits(struct str s);
/* True if every byte is below 0x80. */
bool str_is_ascii(struct str s);
/* Octets from 0x20 to 0x7E alone. */
bool str_is_printable_ascii(struct str s);
/* True if the bytes are well-formed UTF-8 (RFC 3629: no overlongs, no surrogates). */
bool str_is_utf8(struct str s);
/* How many bytes the well-formed UTF-8 sequence at the front of s has (1 to 4); 0 if
 * there is none. */
size_t str_utf8_length(struct str s);
/* How many characters s has: bytes that begin one. */
size_t str_characters(struct str s);
/* How many bytes the first character of s has if it can be shown as it is (UTF-8, no
 * control, C0, DEL or C1); 0 if it could drive a terminal or is not UTF-8. */
size_t str_printable_length(struct str s);
/* In place: every byte of what is not printable becomes '?'. */
void str_make_printable(char *p, size_t n);
/* 64-bit hash (FNV-1a, finished by a mixer): for tables, not against an attacker. */
uint64_t str_hash(struct str s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_letter_or_digit(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c);
}

/* A blank, a tab, a line end, VT or FF. */
static inline bool ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Of either case; -1: it is none. */
static inline int ascii_hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
