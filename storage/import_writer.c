#include "storage/import_writer.h"

#include "core/base/clock.h"
#include "core/base/mailbox.h"
#include "storage/import_batch.h"

#include <stdlib.h>

/*
 * Batches go round between two mailboxes: `empty` (reader takes) and `full` (writer
 * takes). The last one carries `is_last`; the writer then ends, and whoever joins it
 * may use SQLite again. If the writer fails it goes on emptying batches without storing
 * them, so the reader never waits for ever; the reader sees the error at its next
 * batch.
 */

struct import_writer {
    struct import_target target;
    struct store *store;
    const struct import_options *options;
    const struct import_header *header;
    /* Where a file column stands in the list's record. */
    size_t positions[RECORD_COLUMNS_MAX];
    struct import_batch batches[IMPORT_BATCHES];
    struct import_batch *filling;
    struct mailbox empty, full;
    pthread_t thread;
    bool has_thread, is_in_transaction;
    size_t batch_rows;
    /* Guarded by `mutex`. */
    pthread_mutex_t mutex;
    struct import_counts counts;
    enum err err;
    struct error error;
};

/* ---- the list ------------------------------------------------------------------ */

static enum err make_list(struct import_writer *writer, struct error *error)
{
    struct store *store = writer->store;
    int64_t now = clock_wall_ms();
    enum err err = db_run(store, error,
                          "INSERT INTO list(name, email_column, recipients, imports,"
                          " created_ms, changed_ms) VALUES(?, ?, 0, 0, ?, ?)",
                          "siii", writer->options->list,
                          (int64_t)writer->header->email_column, now, now);
    writer->target.list_id = sqlite3_last_insert_rowid(store->db);
    return err;
}

static enum err add_column(struct import_writer *writer, struct str name,
                           struct error *error)
{
    struct import_target *target = &writer->target;
    if (target->column_count == RECORD_COLUMNS_MAX)
        return error_set(error, ERR_DATA,
                         "import: list %.*s: more than %d columns; leave some out",
                         STR_ARG(writer->options->list), RECORD_COLUMNS_MAX);
    return db_run(writer->store, error, "INSERT INTO list_column VALUES(?, ?, ?)",
                  "iis", target->list_id, (int64_t)target->column_count++, name);
}

/* Where each column of the file belongs in the list; new ones go to its end. */
static enum err map_columns(struct import_writer *writer, struct error *error)
{
    struct import_target *target = &writer->target;
    struct store *store = writer->store;
    int64_t count, email;
    enum err err = db_integer(store, &count, 0, error,
                              "SELECT count(*) FROM list_column WHERE list = ?", "i",
                              target->list_id);
    if (err == ERR_NONE)
        err = db_integer(store, &email, 0, error,
                         "SELECT email_column FROM list WHERE id = ?", "i",
                         target->list_id);
    target->column_count = (size_t)count;
    for (size_t i = 0; err == ERR_NONE && i < writer->header->count; i++) {
        int64_t position = -1;
        if (i == writer->header->email_column && count > 0)
            position = email;
        else
            err = db_integer(store, &position, -1, error,
                             "SELECT position FROM list_column"
                             " WHERE list = ? AND name = ?",
                             "is", target->list_id, writer->header->names[i]);
        if (err == ERR_NONE && position < 0) {
            position = (int64_t)target->column_count;
            err = add_column(writer, writer->header->names[i], error);
        }
        writer->positions[i] = (size_t)position;
    }
    return err;
}

/* Two columns of the file may be one of the list's: its address column, and one that
 * happens to have that column's name. */
static enum err check_mapping(struct import_writer *writer, struct error *error)
{
    bool *is_taken = writer->target.is_given;
    for (size_t i = 0; i < writer->header->count; i++) {
        if (is_taken[writer->positions[i]])
            return error_set(
                error, ERR_DATA,
                "import: list %.*s: the file's columns \"%.*s\" and "
                "\"%.*s\" are one column there; rename one",
                STR_ARG(writer->options->list), STR_ARG(writer->header->names[i]),
                STR_ARG(writer->header->names[writer->header->email_column]));
        is_taken[writer->positions[i]] = true;
    }
    return ERR_NONE;
}

static enum err find_or_make_list(struct import_writer *writer, struct error *error)
{
    struct import_target *target = &writer->target;
    enum err err =
        db_integer(writer->store, &target->list_id, 0, error,
                   "SELECT id FROM list WHERE name = ?", "s", writer->options->list);
    if (err == ERR_NONE && target->list_id == 0)
        err = make_list(writer, error);
    if (err == ERR_NONE)
        err = map_columns(writer, error);
    return err != ERR_NONE ? err : check_mapping(writer, error);
}

static enum err begin(struct import_writer *writer, struct error *error)
{
    enum err err = db_begin(writer->store, error);
    if (err != ERR_NONE)
        return err;
    writer->is_in_transaction = true;
    err = find_or_make_list(writer, error);
    return err != ERR_NONE
               ? err
               : import_target_open(&writer->target, writer->store,
                                    writer->options->skip_duplicates, error);
}

/* ---- the writer's thread ------------------------------------------------------- */

static void publish(struct import_writer *writer, enum err err,
                    const struct error *error)
{
    pthread_mutex_lock(&writer->mutex);
    writer->counts = writer->target.counts;
    if (err != ERR_NONE && writer->err == ERR_NONE) {
        writer->err = err;
        writer->error = *error;
    }
    pthread_mutex_unlock(&writer->mutex);
}

static void *run(void *self)
{
    struct import_writer *writer = self;
    enum err err = ERR_NONE;
    for (bool is_last = false; !is_last;) {
        struct list taken;
        list_init(&taken);
        (void)mailbox_wait(&writer->full, &taken, UINT64_MAX);
        for (struct list *link; (link = list_shift(&taken)) != NULL;) {
            struct import_batch *batch =
                container_of(link, struct import_batch, mail.link);
            struct error error = {0};
            if (err == ERR_NONE)
                err = import_target_store(&writer->target, batch, &error);
            publish(writer, err, &error);
            is_last = batch->is_last;
            import_batch_clear(batch);
            mailbox_post(&writer->empty, &batch->mail);
        }
    }
    return NULL;
}

/* ---- the reader's side --------------------------------------------------------- */

enum err import_writer_open(struct store *store, const struct import_options *options,
                            const struct import_header *header,
                            struct import_writer **writer, struct error *error)
{
    *writer = NULL;
    struct import_writer *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "import: the rows: out of memory");
    made->store = store;
    made->options = options;
    made->header = header;
    made->batch_rows =
        options->batch_rows != 0 && options->batch_rows < IMPORT_BATCH_ROWS
            ? options->batch_rows
            : IMPORT_BATCH_ROWS;
    pthread_mutex_init(&made->mutex, NULL);
    mailbox_init(&made->empty, IMPORT_BATCHES, NULL, NULL);
    mailbox_init(&made->full, IMPORT_BATCHES, NULL, NULL);
    enum err err = begin(made, error);
    for (size_t i = 0; i < IMPORT_BATCHES && err == ERR_NONE; i++) {
        if (!import_batch_init(&made->batches[i], IMPORT_BATCH_ROWS))
            err = error_set(error, ERR_MEMORY, "import: the rows: out of memory");
        else
            mailbox_post(&made->empty, &made->batches[i].mail);
    }
    if (err == ERR_NONE && pthread_create(&made->thread, NULL, run, made) != 0)
        err = error_set(error, ERR_OS, "import: the rows: no more threads");
    made->has_thread = err == ERR_NONE;
    if (err != ERR_NONE)
        import_writer_close(made);
    else
        *writer = made;
    return err;
}

/* Waits for the writer if it has all the batches. */
static void take_empty(struct import_writer *writer)
{
    struct list taken;
    list_init(&taken);
    (void)mailbox_wait(&writer->empty, &taken, UINT64_MAX);
    writer->filling = container_of(list_shift(&taken), struct import_batch, mail.link);
    for (struct list *link; (link = list_shift(&taken)) != NULL;)
        mailbox_post(&writer->empty, &container_of(link, struct mail, link)[0]);
}

static void hand_over(struct import_writer *writer, bool is_last)
{
    if (writer->filling == NULL)
        take_empty(writer);
    writer->filling->is_last = is_last;
    mailbox_post(&writer->full, &writer->filling->mail);
    writer->filling = NULL;
}

static enum err writer_error(struct import_writer *writer, struct error *error)
{
    pthread_mutex_lock(&writer->mutex);
    enum err err = writer->err;
    if (err != ERR_NONE && error != NULL)
        *error = writer->error;
    pthread_mutex_unlock(&writer->mutex);
    return err;
}

/* The record in the list's order: the file's values where they belong, nothing for the
 * list's other columns. */
static void append_record(struct import_writer *writer, const struct str *values)
{
    struct str ordered[RECORD_COLUMNS_MAX];
    size_t columns = writer->target.column_count;
    memset(ordered, 0, columns * sizeof *ordered);
    for (size_t i = 0; i < writer->header->count; i++)
        ordered[writer->positions[i]] = values[i];
    for (size_t i = 0; i < columns; i++)
        record_append(&writer->filling->bytes, ordered[i]);
}

enum err import_writer_add(struct import_writer *writer, const struct address *address,
                           const struct str *values, struct error *error)
{
    if (writer->filling == NULL) {
        take_empty(writer);
        enum err err = writer_error(writer, error);
        if (err != ERR_NONE)
            return err;
    }
    struct import_batch *batch = writer->filling;
    struct import_row *row = &batch->rows[batch->n++];
    *row = (struct import_row){
        .key = address_key(writer->store->salt, writer->target.list_id, address->text),
        .offset = batch->bytes.n,
        .address_n = (uint32_t)address->text.n,
        .domain_n = (uint32_t)address->domain.n};
    buf_append(&batch->bytes, address->text);
    append_record(writer, values);
    row->record_n = (uint32_t)(batch->bytes.n - row->offset - address->text.n);
    if (batch->bytes.failed != ERR_NONE)
        return error_set(error, ERR_MEMORY, "import: the rows: out of memory");
    if (batch->n == writer->batch_rows || batch->bytes.n >= IMPORT_BATCH_BYTES)
        hand_over(writer, false);
    return ERR_NONE;
}

void import_writer_counts(struct import_writer *writer, struct import_counts *counts)
{
    pthread_mutex_lock(&writer->mutex);
    counts->imported = writer->counts.imported;
    counts->updated = writer->counts.updated;
    counts->duplicates = writer->counts.duplicates;
    pthread_mutex_unlock(&writer->mutex);
}

static void stop_thread(struct import_writer *writer)
{
    if (!writer->has_thread)
        return;
    hand_over(writer, true);
    pthread_join(writer->thread, NULL);
    writer->has_thread = false;
}

enum err import_writer_finish(struct import_writer *writer, struct error *error)
{
    stop_thread(writer);
    enum err err = writer_error(writer, error);
    if (err == ERR_NONE)
        err = import_target_finish(&writer->target, error);
    if (err != ERR_NONE || writer->options->dry_run)
        return err;
    err = db_commit(writer->store, error);
    writer->is_in_transaction = err != ERR_NONE;
    if (err == ERR_NONE)
        db_checkpoint(writer->store, STORE_WAL_BYTES / 4, true);
    return err;
}

void import_writer_close(struct import_writer *writer)
{
    if (writer == NULL)
        return;
    /* What is left in the batches is stored for nothing; it is rolled back. */
    pthread_mutex_lock(&writer->mutex);
    if (writer->err == ERR_NONE && writer->has_thread)
        writer->err = ERR_CLOSED;
    pthread_mutex_unlock(&writer->mutex);
    stop_thread(writer);
    import_target_close(&writer->target);
    if (writer->is_in_transaction)
        db_rollback(writer->store);
    for (size_t i = 0; i < IMPORT_BATCHES; i++)
        import_batch_fini(&writer->batches[i]);
    mailbox_fini(&writer->full);
    mailbox_fini(&writer->empty);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}
