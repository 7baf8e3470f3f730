#include "templates/filters.h"

/* Sorted by name: it is searched by halves. */
static const struct filter filters[] = {
    {{"abs", 3}, 0, 0, filter_abs},
    {{"append", 6}, 1, 1, filter_append},
    {{"at_least", 8}, 1, 1, filter_at_least},
    {{"at_most", 7}, 1, 1, filter_at_most},
    {{"base64_decode", 13}, 0, 0, filter_base64_decode},
    {{"base64_encode", 13}, 0, 0, filter_base64_encode},
    {{"base64_url_safe_decode", 22}, 0, 0, filter_base64_url_safe_decode},
    {{"base64_url_safe_encode", 22}, 0, 0, filter_base64_url_safe_encode},
    {{"capitalize", 10}, 0, 0, filter_capitalize},
    {{"ceil", 4}, 0, 0, filter_ceil},
    {{"compact", 7}, 0, 1, filter_compact},
    {{"concat", 6}, 1, 1, filter_concat},
    {{"date", 4}, 1, 1, filter_date},
    {{"default", 7}, 0, 2, filter_default},
    {{"divided_by", 10}, 1, 1, filter_divided_by},
    {{"downcase", 8}, 0, 0, filter_downcase},
    {{"escape", 6}, 0, 0, filter_escape},
    {{"escape_once", 11}, 0, 0, filter_escape_once},
    {{"find", 4}, 1, 2, filter_find_item},
    {{"find_index", 10}, 1, 2, filter_find_index},
    {{"first", 5}, 0, 0, filter_first},
    {{"floor", 5}, 0, 0, filter_floor},
    {{"h", 1}, 0, 0, filter_escape},
    {{"has", 3}, 1, 2, filter_has},
    {{"join", 4}, 0, 1, filter_join},
    {{"last", 4}, 0, 0, filter_last},
    {{"lstrip", 6}, 0, 0, filter_lstrip},
    {{"map", 3}, 1, 1, filter_map},
    {{"minus", 5}, 1, 1, filter_minus},
    {{"modulo", 6}, 1, 1, filter_modulo},
    {{"newline_to_br", 13}, 0, 0, filter_newline_to_br},
    {{"plus", 4}, 1, 1, filter_plus},
    {{"prepend", 7}, 1, 1, filter_prepend},
    {{"raw", 3}, 0, 0, filter_raw},
    {{"reject", 6}, 1, 2, filter_reject},
    {{"remove", 6}, 1, 1, filter_remove},
    {{"remove_first", 12}, 1, 1, filter_remove_first},
    {{"remove_last", 11}, 1, 1, filter_remove_last},
    {{"replace", 7}, 1, 2, filter_replace},
    {{"replace_first", 13}, 1, 2, filter_replace_first},
    {{"replace_last", 12}, 2, 2, filter_replace_last},
    {{"reverse", 7}, 0, 0, filter_reverse},
    {{"round", 5}, 0, 1, filter_round},
    {{"rstrip", 6}, 0, 0, filter_rstrip},
    {{"size", 4}, 0, 0, filter_size},
    {{"slice", 5}, 1, 2, filter_slice},
    {{"sort", 4}, 0, 1, filter_sort},
    {{"sort_natural", 12}, 0, 1, filter_sort_natural},
    {{"split", 5}, 1, 1, filter_split},
    {{"squish", 6}, 0, 0, filter_squish},
    {{"strip", 5}, 0, 0, filter_strip},
    {{"strip_html", 10}, 0, 0, filter_strip_html},
    {{"strip_newlines", 14}, 0, 0, filter_strip_newlines},
    {{"sum", 3}, 0, 1, filter_sum},
    {{"times", 5}, 1, 1, filter_times},
    {{"truncate", 8}, 0, 2, filter_truncate},
    {{"truncatewords", 13}, 0, 2, filter_truncatewords},
    {{"uniq", 4}, 0, 1, filter_uniq},
    {{"upcase", 6}, 0, 0, filter_upcase},
    {{"url_decode", 10}, 0, 0, filter_url_decode},
    {{"url_encode", 10}, 0, 0, filter_url_encode},
    {{"where", 5}, 1, 2, filter_where},
};

const struct filter *filter_find(struct str name)
{
    size_t low = 0, high = sizeof filters / sizeof *filters;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(name, filters[middle].name);
        if (order == 0)
            return &filters[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
