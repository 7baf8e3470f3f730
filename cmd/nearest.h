/*
 * nearest.h - what somebody who mistyped a word may have meant
 *
 * Owns:    nothing.
 * Thread:  any.
 * Limits:  words of NEAREST_BYTES_MAX; longer ones are near to nothing.
 * Source:  Wagner and Fischer, The String-to-String Correction Problem (1974).
 */
#ifndef BROADSIDE_CMD_NEAREST_H
#define BROADSIDE_CMD_NEAREST_H

#include "core/base/str.h"

#include <stdbool.h>

#define NEAREST_BYTES_MAX 32

/* True if `word` is `meant` but for a slip or two: so few letters put in, left out or
 * changed that at most a third of the word is wrong. */
bool nearest_is_slip(struct str word, struct str meant);

#endif
