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

static bool is_same(const struct peer_number *kept, const struct peer *peer)
{
    if (kept->host_n != peer->host.n || kept->address_n != peer->address.n ||
        kept->n != peer->host.n + peer->address.n + peer->tls.n)
        return false;
    const char *address = kept->text + peer->host.n, *tls = address + peer->address.n;
    return memcmp(kept->text, peer->host.p, peer->host.n) == 0 &&
           memcmp(address, peer->address.p, peer->address.n) == 0 &&
           memcmp(tls, peer->tls.p, peer->tls.n) == 0;
}

static void keep(struct peer_numbers *numbers, const struct peer *peer, int64_t number)
{
    size_t n = peer->host.n + peer->address.n + peer->tls.n;
    if (n > PEER_TEXT_MAX)
        return;
    struct peer_number *kept = &numbers->kept[numbers->oldest];
    if (numbers->count < PEERS_KEPT)
        kept = &numbers->kept[numbers->count++];
    else
        numbers->oldest = (numbers->oldest + 1) % PEERS_KEPT;
    kept->number = number;
    kept->n = (uint16_t)n;
    kept->host_n = (uint16_t)peer->host.n;
    kept->address_n = (uint16_t)peer->address.n;
    memcpy(kept->text, peer->host.p, peer->host.n);
    memcpy(kept->text + peer->host.n, peer->address.p, peer->address.n);
    memcpy(kept->text + peer->host.n + peer->address.n, peer->tls.p, peer->tls.n);
}

static int step_with(sqlite3_stmt *statement, const struct peer *peer)
{
    (void)db_bind_text(statement, 1, peer->host);
    (void)db_bind_text(statement, 2, peer->address);
    (void)db_bind_text(statement, 3, peer->tls);
    return sqlite3_step(statement);
}

static enum err look_up(struct peer_numbers *numbers, const struct peer *peer,
                        int64_t *number, struct error *error)
{
    int rc = step_with(numbers->find, peer);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(numbers->find, 0);
    (void)sqlite3_reset(numbers->find);
    if (rc == SQLITE_ROW)
        return ERR_NONE;
    if (rc == SQLITE_DONE) {
        rc = step_with(numbers->add, peer);
        (void)sqlite3_reset(numbers->add);
        *number = sqlite3_last_insert_rowid(numbers->store->db);
    }
    return rc == SQLITE_DONE ? ERR_NONE : db_fail(numbers->store, error, "note peer");
}

enum err peer_numbers_get(struct peer_numbers *numbers, struct peer peer,
                          int64_t *number, struct error *error)
{
    *number = 0;
    if (peer.host.n + peer.address.n + peer.tls.n == 0)
        return ERR_NONE;
    peer.host = str_or_empty(peer.host);
    peer.address = str_or_empty(peer.address);
    peer.tls = str_or_empty(peer.tls);
    for (size_t i = 0; i < numbers->count; i++) {
        if (!is_same(&numbers->kept[i], &peer))
            continue;
        *number = numbers->kept[i].number;
        return ERR_NONE;
    }
    enum err err = look_up(numbers, &peer, number, error);
    if (err == ERR_NONE)
        keep(numbers, &peer, *number);
    return err;
}
