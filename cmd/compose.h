/*
 * compose.h - a recipient and a campaign's content become a message
 *
 * The compose port of a run (core/send/ports.h), and the same for one message at a
 * time, which is what preview and check look at: the bytes previewed are the bytes
 * sent.
 *
 * Owns:    a composer owns its scratch memory.
 * Keeps:   the content.
 * Thread:  a composer: one at a time; any number of them on one content.
 * Errors:  ERR_DATA, ERR_LIMIT: this recipient cannot be rendered, with the place.
 * Limits:  template_limits_default; COMPOSE_PIECES_MAX.
 */
#ifndef BROADSIDE_CMD_COMPOSE_H
#define BROADSIDE_CMD_COMPOSE_H

#include "cmd/content.h"
#include "core/send/ports.h"

#define COMPOSE_PIECES_MAX 1000000

/* A printed field that this recipient does not have. `where` names the template. */
typedef void compose_missing(void *self, struct str where, struct str name,
                             unsigned line, unsigned column);

/* What a composer rendered last, before it was encoded; valid until its next one and as
 * long as the job's record is. */
struct rendering {
    struct str subject;
    const struct str *header_values;
    struct pieces html, text;
};

struct composer *composer_new(const struct content *content);
void composer_free(struct composer *composer);
/* Calls `each` for every missing field from now on. */
void composer_on_missing(struct composer *composer, compose_missing *each, void *self);
MUST_CHECK enum err composer_compose(struct composer *composer, const struct job *job,
                                     int64_t date_ms, struct arena *arena,
                                     struct message *message, struct error *why);
const struct rendering *composer_last(const struct composer *composer);

/* Whether `where` holds for a recipient; true without one. */
MUST_CHECK enum err composer_keeps(struct composer *composer, struct str address,
                                   struct str record, int64_t now_ms, bool *keeps,
                                   struct error *why);

/* The port whose composers all share `content`. */
struct compose_port compose_port_of(const struct content *content);

#endif
