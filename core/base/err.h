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

/* name, words, exit code of broadside.1 ("sysexits" numbers), what to do where the
 * error itself does not say */
#define ERR_LIST(X)                                                                    \
    X(ERR_NONE, "no error", 0, "nothing")                                              \
    X(ERR_USAGE, "wrong usage", 64, "see `broadside COMMAND --help`")                  \
    X(ERR_DATA, "bad data", 65, "correct it and try again")                            \
    X(ERR_NO_INPUT, "input not found", 66, "check the path")                           \
    X(ERR_RELAY, "relay unusable", 69, "`broadside resume` tries again")               \
    X(ERR_BUG, "broken invariant", 70, "please report it")                             \
    X(ERR_OS, "operating system resource", 71,                                         \
      "free some or raise the limit, and try again")                                   \
    X(ERR_MEMORY, "out of memory", 71, "free some and try again")                      \
    X(ERR_STORAGE, "database or disk", 74, "check the disk, then try again")           \
    X(ERR_PROTOCOL, "protocol or TLS policy", 76, "check the relay's settings")        \
    X(ERR_PERMISSION, "permission denied", 77, "check owner and permissions")          \
    X(ERR_LOCKED, "another run holds the lock", 77, "let it finish")                   \
    X(ERR_CONFIG, "configuration", 78,                                                 \
      "correct it, `broadside help campaign-file` lists the keys")                     \
    X(ERR_LIMIT, "a limit was reached", 65, "make it smaller")                         \
    X(ERR_NOT_FOUND, "not found", 66, "check the name")                                \
    X(ERR_CLOSED, "closed", 71, "try again")

enum err {
#define ERR_ENUM(name, words, exit_code, advice) name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

/* The words for an error, for a log; never NULL. */
const char *err_words(enum err err);
/* The exit code of broadside.1 that goes with an error. */
int err_exit_code(enum err err);
/* What to do about it in general; never NULL. */
const char *err_advice(enum err err);

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

/* True if the text says what to do itself; otherwise err_advice(code) belongs behind
 * it, after "; ". */
bool error_has_advice(const struct error *error);

/* Fills `error` (which may be NULL) and returns `code`, so that a caller can write
 * `return error_set(error, ERR_DATA, "...")`. Bytes that could drive a terminal or are
 * not UTF-8 become '?'. */
enum err error_set(struct error *error, enum err code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A file that cannot be made or written, by errno's `number`: ERR_PERMISSION where the
 * user may not, ERR_OS where descriptors are lacking, else ERR_STORAGE. `what` failed
 * on `path`; `option` is the one that names it ("--output"), for the advice. */
enum err error_cannot_write(struct error *error, const char *what, const char *path,
                            int number, const char *option);

/* A broken invariant: says where on standard error and aborts the process with
 * exit code 70. Never disabled. */
#define CHECK(condition)                                                               \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
