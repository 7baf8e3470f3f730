/*
 * json_out.h - JSON results on standard output, through jansson
 *
 * Owns:    json_out_line and json_out_document take over the reference they are given.
 * Thread:  main.
 * Errors:  without memory a CHECK: what is printed here is small and at the end of a
 *          command.
 */
#ifndef BROADSIDE_CMD_JSON_OUT_H
#define BROADSIDE_CMD_JSON_OUT_H

#include "core/base/str.h"

#include <jansson.h>
#include <stdio.h>

/* A JSON string; bytes that are not UTF-8 become U+FFFD. A null str gives null. */
json_t *json_out_str(struct str s);
/* On one line. */
void json_out_line(FILE *to, json_t *value);
/* Indented. */
void json_out_document(FILE *to, json_t *value);

#endif
