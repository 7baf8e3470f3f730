/*
 * filters.h - the table of filters
 *
 * A filter gets its input, its positional arguments and, as the last argument, an
 * object of its keyword arguments if there are any; how many it takes is checked
 * before it is called. It returns its result, or calls machine_fail and returns nil.
 *
 * Thread:  any; the machine is the caller's.
 * Source:  Shopify/liquid 5.x, standardfilters.
 */
#ifndef BROADSIDE_TEMPLATES_FILTERS_H
#define BROADSIDE_TEMPLATES_FILTERS_H

#include "templates/value_repr.h"

struct template_machine;

#define FILTER_ARGUMENTS_MAX 8

typedef struct value filter_apply(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count);

struct filter {
    struct str name;
    uint8_t arguments_min, arguments_max;
    filter_apply *apply;
};

/* NULL if there is none of that name: then the input passes through. */
const struct filter *filter_find(struct str name);

/* filters_text.c */
filter_apply filter_append, filter_capitalize, filter_downcase, filter_lstrip,
    filter_newline_to_br, filter_prepend, filter_remove, filter_remove_first,
    filter_remove_last, filter_replace, filter_replace_first, filter_replace_last,
    filter_rstrip, filter_slice, filter_split, filter_squish, filter_strip,
    filter_strip_newlines, filter_truncate, filter_truncatewords, filter_upcase;
/* filters_encode.c */
filter_apply filter_base64_decode, filter_base64_encode, filter_base64_url_safe_decode,
    filter_base64_url_safe_encode, filter_escape, filter_escape_once, filter_raw,
    filter_strip_html, filter_url_decode, filter_url_encode;
/* filters_number.c */
filter_apply filter_abs, filter_at_least, filter_at_most, filter_ceil,
    filter_divided_by, filter_floor, filter_minus, filter_modulo, filter_plus,
    filter_round, filter_times;
/* filters_array.c */
filter_apply filter_compact, filter_concat, filter_first, filter_join, filter_last,
    filter_map, filter_reverse, filter_size, filter_sum, filter_uniq;
/* filters_select.c */
filter_apply filter_find_item, filter_find_index, filter_has, filter_reject,
    filter_where;
/* filters_sort.c */
filter_apply filter_sort, filter_sort_natural;
/* filters_other.c */
filter_apply filter_date, filter_default;

#endif
