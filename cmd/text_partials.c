/*
 * text_partials.c - made when first asked for, then kept
 *
 * An entry is there before its partial is read, with no line ends: a partial that
 * renders itself, by whatever way round, asks for it while it is being made, and the
 * making comes to an end.
 */
#include "cmd/text_partials.h"

#include "cmd/partials.h"

static unsigned lines_of(void *self, struct str name);

void text_partials_init(struct text_partials *partials, struct str folder,
                        struct arena *arena)
{
    partials->folder = folder;
    partials->arena = arena;
    partials->count = 0;
}

struct html_partials text_partials_for(struct text_partials *partials)
{
    return (struct html_partials){.self = partials, .lines = lines_of};
}

static enum err make(struct text_partials *partials, struct text_partial *partial)
{
    struct str html;
    struct buf text;
    unsigned lines = 0;
    struct html_partials others = text_partials_for(partials);
    enum err err =
        partial_load(partials->folder, partial->name, partials->arena, &html);
    if (err != ERR_NONE)
        return err;
    buf_init(&text, PARTIALS_BYTES_MAX);
    if (html_partial_to_text(html, &others, &text, &lines, NULL) == ERR_NONE) {
        partial->text = arena_copy(partials->arena, buf_str(&text));
        partial->lines = lines;
    } else {
        partial->text = html;
    }
    buf_fini(&text);
    return str_is_null(partial->text) ? ERR_MEMORY : ERR_NONE;
}

static enum err find(struct text_partials *partials, struct str name,
                     struct text_partial **found)
{
    *found = NULL;
    for (size_t i = 0; i < partials->count; i++) {
        if (str_equal(partials->p[i].name, name)) {
            *found = &partials->p[i];
            return ERR_NONE;
        }
    }
    if (partials->count == TEXT_PARTIALS_MAX)
        return ERR_NONE;
    struct text_partial *partial = &partials->p[partials->count++];
    *partial = (struct text_partial){.name = arena_copy(partials->arena, name)};
    *found = partial;
    return str_is_null(partial->name) ? ERR_MEMORY : make(partials, partial);
}

static unsigned lines_of(void *self, struct str name)
{
    struct text_partial *partial;
    return find(self, name, &partial) == ERR_NONE && partial != NULL ? partial->lines
                                                                     : 0;
}

enum err text_partials_load(void *self, struct str name, struct arena *arena,
                            struct str *source)
{
    struct text_partials *partials = self;
    struct text_partial *partial;
    enum err err = find(partials, name, &partial);
    if (err != ERR_NONE)
        return err;
    if (partial == NULL || str_is_null(partial->text))
        return partial_load(partials->folder, name, arena, source);
    *source = arena_copy(arena, partial->text);
    return str_is_null(*source) ? ERR_MEMORY : ERR_NONE;
}

enum err text_partials_list(void *self, void *context,
                            enum err (*found)(void *context, struct str name))
{
    const struct text_partials *partials = self;
    return partials_list(partials->folder, context, found);
}
