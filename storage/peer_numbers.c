#include "storage/peer_numbers.h"

/* A run speaks to a handful of hosts, so looking through all of them is the quickest
 * way to find one; the last one found is usually the next. */

enum err peer_numbers_init(struct peer_numbers *numbers, struct store *store,
                           struct error *error)
{
    numbers->store = store;
    numbers->count = numbers->oldest = 0;
    enum err err = db_prepare(store, &numbers->find,
                              "SELECT id FROM peer WHERE host = ? AND address = ?"
                              " AND tls = ?",
                              error);
    return err != ERR_NONE
               ? err
               : db_prepare(store, &numbers->add,
                            "INSERT INTO peer(host, address, tls) VALUES(?, ?, ?)",
                            error);
}

void peer_numbers_fini(struct peer_numbers *numbers)
{
    sqlite3_finalize(numbers->find);
    sqlite3_finalize(numbers->add);
}

static bool is_same(const struct peer_number *kept, struct str host, struct str address,
                    struct str tls)
{
    const char *text = kept->text;
    return kept->host_n == host.n && kept->address_n == address.n &&
           kept->n == host.n + address.n + tls.n && memcmp(text, host.p, host.n) == 0 &&
           memcmp(text + host.n, address.p, address.n) == 0 &&
           memcmp(text + host.n + address.n, tls.p, tls.n) == 0;
}

static void keep(struct peer_numbers *numbers, struct str host, struct str address,
                 struct str tls, int64_t number)
{
    size_t n = host.n + address.n + tls.n;
    if (n > PEER_TEXT_MAX)
        return;
    struct peer_number *kept = &numbers->kept[numbers->oldest];
    if (numbers->count < PEERS_KEPT)
        kept = &numbers->kept[numbers->count++];
    else
        numbers->oldest = (numbers->oldest + 1) % PEERS_KEPT;
    kept->number = number;
    kept->n = (uint16_t)n;
    kept->host_n = (uint16_t)host.n;
    kept->address_n = (uint16_t)address.n;
    memcpy(kept->text, host.p, host.n);
    memcpy(kept->text + host.n, address.p, address.n);
    memcpy(kept->text + host.n + address.n, tls.p, tls.n);
}

static int step_with(sqlite3_stmt *statement, struct str host, struct str address,
                     struct str tls)
{
    (void)db_bind_text(statement, 1, host);
    (void)db_bind_text(statement, 2, address);
    (void)db_bind_text(statement, 3, tls);
    return sqlite3_step(statement);
}

static enum err look_up(struct peer_numbers *numbers, struct str host,
                        struct str address, struct str tls, int64_t *number,
                        struct error *error)
{
    int rc = step_with(numbers->find, host, address, tls);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(numbers->find, 0);
    (void)sqlite3_reset(numbers->find);
    if (rc == SQLITE_ROW)
        return ERR_NONE;
    if (rc == SQLITE_DONE) {
        rc = step_with(numbers->add, host, address, tls);
        (void)sqlite3_reset(numbers->add);
        *number = sqlite3_last_insert_rowid(numbers->store->db);
    }
    return rc == SQLITE_DONE ? ERR_NONE : db_fail(numbers->store, error, "note peer");
}

static struct str not_null(struct str s)
{
    return s.p != NULL ? s : STR("");
}

enum err peer_numbers_get(struct peer_numbers *numbers, struct str host,
                          struct str address, struct str tls, int64_t *number,
                          struct error *error)
{
    *number = 0;
    if (host.n + address.n + tls.n == 0)
        return ERR_NONE;
    host = not_null(host);
    address = not_null(address);
    tls = not_null(tls);
    for (size_t i = 0; i < numbers->count; i++) {
        if (!is_same(&numbers->kept[i], host, address, tls))
            continue;
        *number = numbers->kept[i].number;
        return ERR_NONE;
    }
    enum err err = look_up(numbers, host, address, tls, number, error);
    if (err == ERR_NONE)
        keep(numbers, host, address, tls, *number);
    return err;
}
