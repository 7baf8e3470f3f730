#include "storage/import_batch.h"

#include "core/base/clock.h"
#include "storage/import_writer.h"

#include <stdlib.h>

/*
 * How a batch is stored:
 *   1. The keys, sorted, go into recipient_key: neighbours in the tree one after the
 *      other, so that each page is touched once a batch. A key that is taken stays with
 *      who has it. Equal keys of one batch stand in file order, so the first wins.
 *   2. The rows, in file order: who got its place is new and appended. Who did not is
 *      compared with the address there: the same one is a duplicate, another is one of
 *      the few collisions, which look for the next free place.
 * A row number is its recipient's number from the start (next_id + row), which leaves
 * holes where duplicates were; they cost nothing. The import's run of numbers ends with
 * its last recipient: the numbers after it are the next import's.
 */

/* ---- batches ------------------------------------------------------------------- */

bool import_batch_init(struct import_batch *batch, size_t max_rows)
{
    /* A batch ends after the row that fills it. */
    buf_init(&batch->bytes, IMPORT_BATCH_BYTES + 2 * IMPORT_ROW_MAX);
    batch->rows = calloc(max_rows, sizeof *batch->rows);
    batch->places = calloc(max_rows, sizeof *batch->places);
    return batch->rows != NULL && batch->places != NULL;
}

void import_batch_clear(struct import_batch *batch)
{
    /* One huge row must not keep its memory for ever. */
    if (batch->bytes.cap > 2 * IMPORT_BATCH_BYTES)
        buf_fini(&batch->bytes), buf_init(&batch->bytes, batch->bytes.max);
    buf_clear(&batch->bytes);
    batch->n = 0;
}

void import_batch_fini(struct import_batch *batch)
{
    buf_fini(&batch->bytes);
    free(batch->rows);
    free(batch->places);
}

static int compare_places(const void *a, const void *b)
{
    const struct import_place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static void sort_places(struct import_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        batch->places[i] =
            (struct import_place){.key = batch->rows[i].key, .row = (uint32_t)i};
    qsort(batch->places, batch->n, sizeof *batch->places, compare_places);
}

/* ---- the target ---------------------------------------------------------------- */

static enum err prepare(struct import_target *target, struct error *error)
{
    struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&target->add_key, "INSERT OR IGNORE INTO recipient_key VALUES(?, ?)"},
        {&target->find_key, "SELECT recipient FROM recipient_key WHERE key = ?"},
        {&target->add_row, "INSERT INTO recipient VALUES(?, ?, ?, ?, ?)"},
        {&target->find_row, "SELECT address, record, import FROM recipient"
                            " WHERE id = ?"},
        {&target->update_row, "UPDATE recipient SET record = ?, import = ?"
                              " WHERE id = ?"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        enum err err = db_prepare(target->store, statements[i].statement,
                                  statements[i].sql, error);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

enum err import_target_open(struct import_target *target, struct store *store,
                            bool skip_duplicates, struct error *error)
{
    target->store = store;
    target->skip_duplicates = skip_duplicates;
    buf_init(&target->record, 2 * IMPORT_ROW_MAX + 4096);
    enum err err = domain_numbers_open(&target->domains, store, error);
    if (err == ERR_NONE)
        err = prepare(target, error);
    if (err == ERR_NONE)
        err = db_integer(store, &target->import_number, 1, error,
                         "SELECT imports + 1 FROM list WHERE id = ?", "i",
                         target->list_id);
    if (err == ERR_NONE)
        err = db_integer(store, &target->first_id, 1, error,
                         "SELECT max(id) + 1 FROM recipient", "");
    target->next_id = target->first_id;
    return err;
}

static enum err failed(struct import_target *target, struct error *error)
{
    return db_fail(target->store, error, "import");
}

/* ---- keys ---------------------------------------------------------------------- */

/* Who has the place `key`: 0 if nobody. */
static enum err holder_of(struct import_target *target, int64_t key, int64_t *recipient,
                          struct error *error)
{
    sqlite3_stmt *find = target->find_key;
    (void)sqlite3_bind_int64(find, 1, key);
    int rc = sqlite3_step(find);
    *recipient = rc == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
    (void)sqlite3_reset(find);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_NONE : failed(target, error);
}

/* Takes the place for `own` if it is free; *recipient is who has it then. */
static enum err claim_place(struct import_target *target, int64_t key, int64_t own,
                            int64_t *recipient, struct error *error)
{
    sqlite3_stmt *add = target->add_key;
    (void)sqlite3_bind_int64(add, 1, key);
    (void)sqlite3_bind_int64(add, 2, own);
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    if (rc != SQLITE_DONE)
        return failed(target, error);
    *recipient = own;
    if (sqlite3_changes(target->store->db) > 0)
        return ERR_NONE;
    return holder_of(target, key, recipient, error);
}

static enum err store_keys(struct import_target *target, struct import_batch *batch,
                           struct error *error)
{
    sort_places(batch);
    for (size_t i = 0; i < batch->n; i++) {
        struct import_row *row = &batch->rows[batch->places[i].row];
        int64_t own = target->next_id + batch->places[i].row;
        enum err err = claim_place(target, row->key, own, &row->recipient, error);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* ---- rows ---------------------------------------------------------------------- */

static struct str row_address(const struct import_batch *batch,
                              const struct import_row *row)
{
    return str_slice(batch->bytes.p + row->offset, row->address_n);
}

static struct str row_record(const struct import_batch *batch,
                             const struct import_row *row)
{
    return str_slice(batch->bytes.p + row->offset + row->address_n, row->record_n);
}

static enum err insert_row(struct import_target *target,
                           const struct import_batch *batch,
                           const struct import_row *row, struct error *error)
{
    struct str address = row_address(batch, row);
    struct str domain = str_from(address, address.n - row->domain_n);
    int64_t number;
    enum err err = domain_numbers_get(&target->domains, domain, &number, error);
    if (err != ERR_NONE)
        return err;
    sqlite3_stmt *add = target->add_row;
    (void)sqlite3_bind_int64(add, 1, row->recipient);
    (void)sqlite3_bind_int64(add, 2, number);
    (void)sqlite3_bind_int64(add, 3, target->import_number);
    (void)db_bind_text(add, 4, address);
    (void)db_bind_blob(add, 5, row_record(batch, row));
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    if (rc != SQLITE_DONE)
        return failed(target, error);
    target->counts.imported++;
    return ERR_NONE;
}

/* The new values over the old ones; false if the old record cannot be read. */
static bool merge_records(struct import_target *target, struct str old,
                          struct str fresh)
{
    struct str before[RECORD_COLUMNS_MAX], after[RECORD_COLUMNS_MAX];
    if (!record_read(old, before, target->column_count) ||
        !record_read(fresh, after, target->column_count))
        return false;
    buf_clear(&target->record);
    for (size_t i = 0; i < target->column_count; i++)
        record_append(&target->record, target->is_given[i] ? after[i] : before[i]);
    return target->record.failed == ERR_NONE;
}

static enum err update_row(struct import_target *target, int64_t recipient,
                           struct error *error)
{
    sqlite3_stmt *update = target->update_row;
    (void)db_bind_blob(update, 1, buf_str(&target->record));
    (void)sqlite3_bind_int64(update, 2, target->import_number);
    (void)sqlite3_bind_int64(update, 3, recipient);
    int rc = sqlite3_step(update);
    (void)sqlite3_reset(update);
    return rc == SQLITE_DONE ? ERR_NONE : failed(target, error);
}

/* What to do with a row whose place somebody has. */
enum meeting { MEETING_OTHER, MEETING_IGNORE, MEETING_UPDATE, MEETING_FAILED };

static enum meeting meet(struct import_target *target, const struct import_batch *batch,
                         const struct import_row *row, struct error *error)
{
    sqlite3_stmt *find = target->find_row;
    (void)sqlite3_bind_int64(find, 1, row->recipient);
    enum meeting meeting = MEETING_FAILED;
    if (sqlite3_step(find) != SQLITE_ROW) {
        (void)failed(target, error);
    } else if (!str_equal(db_text(find, 0), row_address(batch, row))) {
        meeting = MEETING_OTHER;
    } else {
        bool is_touched = sqlite3_column_int64(find, 2) == target->import_number;
        bool is_new = !target->skip_duplicates && !is_touched;
        target->counts.updated += is_new;
        target->counts.duplicates += !is_new;
        meeting = target->skip_duplicates ? MEETING_IGNORE : MEETING_UPDATE;
        if (meeting == MEETING_UPDATE &&
            !merge_records(target, db_text(find, 1), row_record(batch, row))) {
            (void)error_set(error, ERR_STORAGE,
                            "import: recipient %lld: its record is "
                            "damaged",
                            (long long)row->recipient);
            meeting = MEETING_FAILED;
        }
    }
    (void)sqlite3_reset(find);
    return meeting;
}

/* Until it is new, or has met itself. */
static enum err place_row(struct import_target *target, struct import_batch *batch,
                          struct import_row *row, int64_t own, struct error *error)
{
    while (row->recipient != own) {
        switch (meet(target, batch, row, error)) {
        case MEETING_IGNORE: return ERR_NONE;
        case MEETING_UPDATE: return update_row(target, row->recipient, error);
        case MEETING_FAILED: return error != NULL ? error->code : ERR_STORAGE;
        case MEETING_OTHER: break;
        }
        row->key = address_key_next(row->key);
        enum err err = claim_place(target, row->key, own, &row->recipient, error);
        if (err != ERR_NONE)
            return err;
    }
    return insert_row(target, batch, row, error);
}

enum err import_target_store(struct import_target *target, struct import_batch *batch,
                             struct error *error)
{
    enum err err = store_keys(target, batch, error);
    for (size_t i = 0; i < batch->n && err == ERR_NONE; i++)
        err = place_row(target, batch, &batch->rows[i], target->next_id + (int64_t)i,
                        error);
    target->next_id += (int64_t)batch->n;
    return err;
}

/* ---- the end ------------------------------------------------------------------- */

enum err import_target_finish(struct import_target *target, struct error *error)
{
    enum err err = ERR_NONE;
    if (target->counts.imported > 0)
        err = db_run(target->store, error,
                     "INSERT INTO list_range SELECT ?, ?, max(id) FROM recipient", "ii",
                     target->list_id, target->first_id);
    if (err == ERR_NONE)
        err = db_run(target->store, error,
                     "UPDATE list SET recipients = recipients + ?, imports = ?,"
                     " changed_ms = ? WHERE id = ?",
                     "iiii", (int64_t)target->counts.imported, target->import_number,
                     clock_wall_ms(), target->list_id);
    return err;
}

void import_target_close(struct import_target *target)
{
    sqlite3_finalize(target->add_key);
    sqlite3_finalize(target->find_key);
    sqlite3_finalize(target->add_row);
    sqlite3_finalize(target->find_row);
    sqlite3_finalize(target->update_row);
    domain_numbers_close(&target->domains);
    buf_fini(&target->record);
}
