#include "cmd/lines_in.h"

bool line_read(FILE *from, struct buf *line)
{
    int c;
    buf_clear(line);
    while ((c = getc_unlocked(from)) != EOF && c != '\n') {
        if (line->n < line->max)
            buf_append_char(line, (char)c);
    }
    return c == '\n' || line->n > 0;
}
