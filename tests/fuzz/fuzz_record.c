/* Bytes that may be a record are read within their bounds, and what was read is
 * written back to a record that reads the same. */
#include "core/base/err.h"
#include "storage/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { COLUMNS = 16 };
    struct str first[COLUMNS], second[COLUMNS];
    if (!record_read(str_slice((const char *)data, size), first, COLUMNS))
        return 0;
    struct buf record;
    buf_init(&record, size + 16 * COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        record_append(&record, first[i]);
    CHECK(record.failed == ERR_NONE);
    CHECK(record_read(buf_str(&record), second, COLUMNS));
    for (size_t i = 0; i < COLUMNS; i++)
        CHECK(str_is_null(first[i]) == str_is_null(second[i]) &&
              str_equal(first[i], second[i]));
    buf_fini(&record);
    return 0;
}
