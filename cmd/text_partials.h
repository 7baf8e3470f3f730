/*
 * text_partials.h - a campaign's partials as the text made from its HTML renders them
 *
 * Each is HTML and is made into text once, by itself (core/mail/html_text.h). One that
 * cannot be is rendered as it is.
 *
 * Owns:    nothing; what is kept lies in the arena it was inited with.
 * Keeps:   the folder and the arena.
 * Thread:  main.
 * Errors:  those of partial_load.
 * Limits:  TEXT_PARTIALS_MAX partials; what is beyond is rendered as it is.
 */
#ifndef BROADSIDE_CMD_TEXT_PARTIALS_H
#define BROADSIDE_CMD_TEXT_PARTIALS_H

#include "core/base/arena.h"
#include "core/mail/html_text.h"

#define TEXT_PARTIALS_MAX 200

struct text_partial {
    struct str name, text;
    unsigned lines;
};

struct text_partials {
    struct str folder;
    struct arena *arena;
    struct text_partial p[TEXT_PARTIALS_MAX];
    size_t count;
};

void text_partials_init(struct text_partials *partials, struct str folder,
                        struct arena *arena);
/* A loader's functions (templates/template.h); self is the text_partials. */
MUST_CHECK enum err text_partials_load(void *self, struct str name, struct arena *arena,
                                       struct str *source);
MUST_CHECK enum err text_partials_list(void *self, void *context,
                                       enum err (*found)(void *context,
                                                         struct str name));
/* For html_to_text. */
struct html_partials text_partials_for(struct text_partials *partials);

#endif
