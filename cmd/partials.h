/*
 * partials.h - the partials of a campaign: NAME.liquid beneath its folder
 *
 * Owns:    nothing; a source lies in the arena it is asked for.
 * Keeps:   the folder.
 * Thread:  main.
 * Errors:  ERR_NOT_FOUND for a name that is no file there, or would lead out of it.
 * Limits:  PARTIALS_MAX of them, PARTIALS_DEPTH folders deep.
 */
#ifndef BROADSIDE_CMD_PARTIALS_H
#define BROADSIDE_CMD_PARTIALS_H

#include "core/base/arena.h"
#include "core/base/err.h"

#define PARTIALS_MAX       1000
#define PARTIALS_DEPTH     4
#define PARTIALS_BYTES_MAX (4u << 20)

/* The source of NAME.liquid, else of NAME. */
MUST_CHECK enum err partial_load(struct str folder, struct str name,
                                 struct arena *arena, struct str *source);
/* Calls `found` with the name (without its suffix) of every file NAME.liquid, in the
 * order of the names, and stops with its error. */
MUST_CHECK enum err partials_list(struct str folder, void *context,
                                  enum err (*found)(void *context, struct str name));

#endif
