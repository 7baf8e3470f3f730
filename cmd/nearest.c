#include "cmd/nearest.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* One row of the table at a time: row[j] is the distance of what is read of `a` from
 * the first j letters of `b`. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[NEAREST_BYTES_MAX + 1];
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.n; j++) {
            unsigned changed = diagonal + (a.p[i] != b.p[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], diagonal) + 1);
        }
    }
    return row[b.n];
}

bool nearest_is_slip(struct str word, struct str meant)
{
    if (word.n == 0 || word.n > NEAREST_BYTES_MAX || meant.n > NEAREST_BYTES_MAX)
        return false;
    return distance(word, meant) <= (meant.n < 4 ? 1 : least((unsigned)meant.n / 3, 2));
}
