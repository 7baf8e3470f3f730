/*
 * err.h - the ways in which this program itself can fail
 *
 * What another server said is never an `enum err`: it is data (core/smtp/outcome.h).
 * A broken invariant is a CHECK, which stays on in release: a corrupt sender could
 * mail a list twice, a stopped one resumes.
 *
 * Owns:    nothing; `struct error` is a value with its text inside.
 * Thread:  any.
 * Limits:  ERROR_TEXT_MAX bytes of text, truncated beyond.
 */
#ifndef BROADSIDE_BASE_ERR_H
#define BROADSIDE_BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* name, words, exit code of contract.md ("sysexits" numbers) */
#define ERR_LIST(X)                                                                    \
    X(ERR_NONE, "no error", 0)                                                         \
    X(ERR_USAGE, "wrong usage", 64)                                                    \
    X(ERR_DATA, "bad data", 65)                                                        \
    X(ERR_NO_INPUT, "input not found", 66)                                             \
    X(ERR_RELAY, "relay unusable", 69)                                                 \
    X(ERR_BUG, "broken invariant", 70)                                                 \
    X(ERR_OS, "operating system resource", 71)                                         \
    X(ERR_MEMORY, "out of memory", 71)                                                 \
    X(ERR_STORAGE, "database or disk", 74)                                             \
    X(ERR_INCOMPLETE, "work left", 75)                                                 \
    X(ERR_PROTOCOL, "protocol or TLS policy", 76)                                      \
    X(ERR_PERMISSION, "permission denied", 77)                                         \
    X(ERR_LOCKED, "another run holds the lock", 77)                                    \
    X(ERR_CONFIG, "configuration", 78)                                                 \
    X(ERR_LIMIT, "a limit was reached", 65)                                            \
    X(ERR_NOT_FOUND, "not found", 66)                                                  \
    X(ERR_CLOSED, "closed", 71)

enum err {
#define ERR_ENUM(name, words, exit_code) name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

/* The words for an error, for a log; never NULL. */
const char *err_words(enum err err);
/* The exit code of contract.md that goes with an error. */
int err_exit_code(enum err err);

#define ERROR_TEXT_MAX 1024

/*
 * An error as a person reads it, one line without the leading "broadside: " and
 * without a line end:
 *   what failed: on what (file:line:column): why; what to do
 */
struct error {
    enum err code;
    char text[ERROR_TEXT_MAX];
};

/* Fills `error` (which may be NULL) and returns `code`, so that a caller can write
 * `return error_set(error, ERR_DATA, "...")`. Bytes that could drive a terminal or are
 * not UTF-8 become '?'. */
enum err error_set(struct error *error, enum err code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A broken invariant: says where on standard error and aborts the process with
 * exit code 70. Never disabled. */
#define CHECK(condition)                                                               \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
