#include "storage/domain_numbers.h"

#include <stdlib.h>

/* Without memory for the table a domain is simply not remembered. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct domain_number {
    UT_hash_handle hh;
    int64_t number;
};

#define ARENA_BYTES ((size_t)16 << 20)

enum err domain_numbers_open(struct domain_numbers *numbers, struct store *store,
                             struct error *error)
{
    *numbers = (struct domain_numbers){.store = store};
    arena_init(&numbers->arena, ARENA_BYTES);
    enum err err = db_prepare(store, &numbers->find,
                              "SELECT id FROM domain WHERE name = ?", error);
    return err != ERR_NONE ? err
                           : db_prepare(store, &numbers->add,
                                        "INSERT INTO domain(name) VALUES(?)", error);
}

static void forget_all(struct domain_numbers *numbers)
{
    HASH_CLEAR(hh, numbers->kept);
    arena_reset(&numbers->arena);
}

void domain_numbers_close(struct domain_numbers *numbers)
{
    forget_all(numbers);
    arena_fini(&numbers->arena);
    sqlite3_finalize(numbers->find);
    sqlite3_finalize(numbers->add);
}

static enum err look_up(struct domain_numbers *numbers, struct str domain,
                        int64_t *number, struct error *error)
{
    (void)db_bind_text(numbers->find, 1, domain);
    int rc = sqlite3_step(numbers->find);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(numbers->find, 0);
    (void)sqlite3_reset(numbers->find);
    if (rc == SQLITE_ROW)
        return ERR_NONE;
    if (rc == SQLITE_DONE) {
        (void)db_bind_text(numbers->add, 1, domain);
        rc = sqlite3_step(numbers->add);
        (void)sqlite3_reset(numbers->add);
        *number = sqlite3_last_insert_rowid(numbers->store->db);
    }
    return rc == SQLITE_DONE ? ERR_NONE
                             : db_fail(numbers->store, error, "number domain");
}

static void remember(struct domain_numbers *numbers, struct str domain, int64_t number)
{
    if (HASH_COUNT(numbers->kept) >= DOMAINS_KEPT)
        forget_all(numbers);
    struct domain_number *entry = arena_calloc(&numbers->arena, 1, sizeof *entry);
    struct str name = arena_copy(&numbers->arena, domain);
    if (entry == NULL || str_is_null(name))
        return;
    entry->number = number;
    HASH_ADD_KEYPTR(hh, numbers->kept, name.p, (unsigned)name.n, entry);
}

enum err domain_numbers_get(struct domain_numbers *numbers, struct str domain,
                            int64_t *number, struct error *error)
{
    struct domain_number *entry;
    HASH_FIND(hh, numbers->kept, domain.p, (unsigned)domain.n, entry);
    if (entry != NULL) {
        *number = entry->number;
        return ERR_NONE;
    }
    enum err err = look_up(numbers, domain, number, error);
    if (err == ERR_NONE)
        remember(numbers, domain, *number);
    return err;
}
