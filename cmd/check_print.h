/*
 * check_print.h - what `check` found, as text or as JSON, on standard output
 *
 * Owns:    nothing.
 * Thread:  main.
 * Limits:  CHECK_WARNINGS_MAX warnings.
 */
#ifndef BROADSIDE_CMD_CHECK_PRINT_H
#define BROADSIDE_CMD_CHECK_PRINT_H

#include "cmd/spam_lint.h"
#include "cmd/unknown_fields.h"

#define CHECK_WARNINGS_MAX (UNKNOWN_FIELDS_MAX + 16)
#define CHECK_WARNING_TEXT 240

struct check_warnings {
    char text[CHECK_WARNINGS_MAX][CHECK_WARNING_TEXT];
    size_t n;
};

struct check_result {
    const struct opened *opened;
    struct survey survey;
    /* All zero if it was not asked for. */
    struct spam_lint lint;
    struct check_warnings warnings;
};

void check_print_text(const struct check_result *result);
void check_print_json(const struct check_result *result);

#endif
