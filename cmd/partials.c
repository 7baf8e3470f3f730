/*
 * partials.c - found by walking the folder, sorted, so that nothing depends on the
 * order in which a file system lists its files
 */
#include "cmd/partials.h"

#include "cmd/files.h"
#include "core/base/buf.h"

#include <dirent.h>
#include <stdlib.h>

#define LIST_MEMORY_MAX (4u << 20)

enum err partial_load(struct str folder, struct str name, struct arena *arena,
                      struct str *source)
{
    struct buf with_suffix;
    buf_init(&with_suffix, name.n + sizeof(".liquid"));
    buf_append(&with_suffix, name);
    buf_append(&with_suffix, STR(".liquid"));
    enum err err = with_suffix.failed;
    if (err == ERR_NONE)
        err = file_read_beneath(folder, buf_str(&with_suffix), PARTIALS_BYTES_MAX,
                                arena, source, NULL);
    buf_fini(&with_suffix);
    if (err == ERR_NO_INPUT)
        err = file_read_beneath(folder, name, PARTIALS_BYTES_MAX, arena, source, NULL);
    return err == ERR_NONE || err == ERR_MEMORY ? err : ERR_NOT_FOUND;
}

struct finder {
    struct str root;
    struct arena arena;
    struct str *names;
    size_t count;
};

static bool name_has_suffix(struct str name, struct str suffix)
{
    return name.n > suffix.n && str_equal(str_from(name, name.n - suffix.n), suffix);
}

static enum err find_in(struct finder *finder, struct str below, unsigned depth);

/* `path` is relative to the root. */
static enum err look_at(struct finder *finder, struct str path, bool is_folder,
                        unsigned depth)
{
    if (is_folder)
        return depth < PARTIALS_DEPTH ? find_in(finder, path, depth + 1) : ERR_NONE;
    if (!name_has_suffix(path, STR(".liquid")))
        return ERR_NONE;
    if (finder->count == PARTIALS_MAX)
        return ERR_LIMIT;
    finder->names[finder->count++] = str_head(path, path.n - 7);
    return ERR_NONE;
}

static enum err find_in(struct finder *finder, struct str below, unsigned depth)
{
    struct str folder = below.n > 0 ? file_join(&finder->arena, finder->root, below)
                                    : arena_copy(&finder->arena, finder->root);
    DIR *dir = str_is_null(folder) ? NULL : opendir(folder.p);
    const struct dirent *entry;
    enum err err = ERR_NONE;
    /* A folder that cannot be read has no partials for us. */
    if (dir == NULL)
        return str_is_null(folder) ? ERR_MEMORY : ERR_NONE;
    while (err == ERR_NONE && (entry = readdir(dir)) != NULL) {
        struct str name = str_of(entry->d_name);
        if (name.p[0] == '.' || (entry->d_type != DT_REG && entry->d_type != DT_DIR))
            continue;
        struct str path = below.n > 0 ? file_join(&finder->arena, below, name)
                                      : arena_copy(&finder->arena, name);
        err = str_is_null(path) ? ERR_MEMORY
                                : look_at(finder, path, entry->d_type == DT_DIR, depth);
    }
    (void)closedir(dir);
    return err;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

enum err partials_list(struct str folder, void *context,
                       enum err (*found)(void *context, struct str name))
{
    struct finder finder = {.root = folder};
    arena_init(&finder.arena, LIST_MEMORY_MAX);
    finder.names = arena_calloc(&finder.arena, PARTIALS_MAX, sizeof(struct str));
    enum err err = finder.names != NULL ? find_in(&finder, STR(""), 0) : ERR_MEMORY;
    if (err == ERR_NONE)
        qsort(finder.names, finder.count, sizeof(struct str), compare_names);
    for (size_t i = 0; err == ERR_NONE && i < finder.count; i++)
        err = found(context, finder.names[i]);
    arena_fini(&finder.arena);
    return err;
}
