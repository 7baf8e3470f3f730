/* Any bytes are imported without a fault, and what comes out adds up: every row is
 * counted once, and the rejects file is a CSV file that has as many rows as were
 * rejected, each with the reason. The first byte chooses the options. */
#include "core/base/err.h"
#include "storage/csv_rows.h"
#include "storage/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/broadside-fuzz-XXXXXX";
static char db_path[64], rejects_path[64];
static struct store *store;

static void clean_up(void)
{
    store_close(store);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", dir);
}

static void set_up(void)
{
    CHECK(mkdtemp(dir) != NULL);
    snprintf(db_path, sizeof db_path, "%s/fuzz.db", dir);
    snprintf(rejects_path, sizeof rejects_path, "%s/rejects.csv", dir);
    struct error error;
    CHECK(store_open(db_path, &store, &error) == ERR_NONE);
    atexit(clean_up);
}

static void check_row(void *self, const struct str *columns, const struct str *values,
                      size_t count)
{
    uint64_t *dumped = self;
    for (size_t i = 0; i < count; i++) {
        CHECK(columns[i].n > 0 && str_is_utf8(columns[i]));
        CHECK(str_is_utf8(values[i]));
        CHECK(memchr(values[i].p, '\0', values[i].n) == NULL);
    }
    ++*dumped;
}

static uint64_t count_rejects(char delimiter)
{
    struct csv_source *source;
    struct csv_rows *rows;
    struct csv_row row;
    struct error error;
    uint64_t count = 0;
    size_t columns = 0;
    if (csv_source_open(rejects_path, "rejects", NULL, &source, &error) != ERR_NONE)
        return 0;
    CHECK(csv_rows_open(source, "rejects", delimiter, &rows, &error) == ERR_NONE);
    enum err err;
    while ((err = csv_rows_next(rows, &row, &error)) == ERR_NONE) {
        CHECK(row.trouble == NULL);
        CHECK(columns == 0 || row.count == columns);
        columns = row.count;
        CHECK(row.fields[row.count - 1].n > 0);
        count++;
    }
    CHECK(err == ERR_NOT_FOUND);
    csv_rows_close(rows);
    csv_source_close(source);
    return count - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {NULL, "UTF-16", "ISO-8859-1", "SHIFT_JIS"};
    static const char delimiters[] = {0, ',', ';', '\t'};
    if (store == NULL)
        set_up();
    if (size == 0)
        return 0;
    char path[64];
    int fd = memfd_create("fuzz", 0);
    CHECK(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    uint64_t dumped = 0;
    struct import_options options = {.list = STR("fuzz"),
                                     .path = path,
                                     .name = "fuzz",
                                     .encoding = encodings[data[0] & 3],
                                     .delimiter = delimiters[data[0] >> 2 & 3],
                                     .skip_duplicates = (data[0] & 16) != 0,
                                     .strict = (data[0] & 0xE0) == 0xE0,
                                     .batch_rows = data[0] & 32 ? 1 : 0,
                                     .dry_run = true,
                                     .rejects_path = rejects_path,
                                     .dump = check_row,
                                     .self = &dumped};
    struct import_counts counts;
    struct error error = {0};
    unlink(rejects_path);
    enum err err = import_run(store, &options, &counts, &error);
    if (err == ERR_NONE) {
        CHECK(counts.rows ==
              counts.imported + counts.updated + counts.duplicates + counts.rejected);
        CHECK(dumped == counts.rows - counts.rejected);
        if (options.delimiter != 0)
            CHECK(counts.rejected == count_rejects(options.delimiter));
    } else {
        CHECK(err == ERR_DATA && error.text[0] != '\0');
        CHECK(access(rejects_path, F_OK) != 0);
    }
    close(fd);
    return 0;
}
