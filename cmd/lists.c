/*
 * lists.c - `lists`, `lists show`, `lists delete`: what is there, and away with it
 */
#include "cmd/commands.h"

#include "cmd/format.h"
#include "cmd/format_csv.h"
#include "cmd/format_table.h"
#include "core/base/log.h"
#include "storage/lists.h"

#include <uthash.h>

/* Domains counted one by one; what comes after them is counted together. */
#define LIST_DOMAINS_MAX   500000
#define LIST_DOMAINS_SHOWN 20

struct lists_values {
    unsigned format;
    bool yes;
};

static const struct option lists_options[] = {
    {"format", OPTION_CHOICE, FORMAT_WORDS, offsetof(struct lists_values, format),
     "how to print it (default text)", 0, 0},
    {0},
};

static void print_lists_json(const struct recipient_list *lists, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *list = json_object();
        json_object_set_new(list, "list", json_out_str(lists[i].name));
        json_object_set_new(list, "recipients", json_out_u64(lists[i].recipient_count));
        json_object_set_new(list, "columns", json_out_u64(lists[i].column_count));
        json_object_set_new(list, "created_at", json_out_time(lists[i].created_ms));
        json_object_set_new(list, "changed_at", json_out_time(lists[i].changed_ms));
        json_array_append_new(array, list);
    }
    json_out_document(stdout, array);
}

static void print_lists_csv(const struct recipient_list *lists, size_t count)
{
    const struct str head[] = {STR("list"), STR("recipients"), STR("columns"),
                               STR("created_at"), STR("changed_at")};
    csv_row(stdout, head, 5);
    for (size_t i = 0; i < count; i++) {
        char recipients[FORMAT_COUNT_BYTES], columns[FORMAT_COUNT_BYTES];
        char created[FORMAT_TIME_BYTES], changed[FORMAT_TIME_BYTES];
        const struct str row[] = {lists[i].name,
                                  format_count(lists[i].recipient_count, recipients),
                                  format_count(lists[i].column_count, columns),
                                  format_time(lists[i].created_ms, created),
                                  format_time(lists[i].changed_ms, changed)};
        csv_row_neutral(stdout, row, 5);
    }
}

static void print_lists_text(const struct recipient_list *lists, size_t count)
{
    static const struct table_column columns[] = {
        {"list", false}, {"recipients", true}, {"columns", true}, {"changed", false}};
    struct table table;
    if (count == 0) {
        (void)fputs("no lists yet: broadside import LIST FILE\n", stdout);
        return;
    }
    table_init(&table, stdout, columns, 4);
    for (size_t i = 0; i < count; i++) {
        char recipients[FORMAT_GROUPED_BYTES], changed[FORMAT_TIME_BYTES];
        table_cell(&table, lists[i].name);
        table_cell(&table, format_grouped(lists[i].recipient_count, recipients));
        table_cell_u64(&table, lists[i].column_count);
        table_cell(&table, format_time(lists[i].changed_ms, changed));
    }
    table_fini(&table);
}

static int run_lists(const struct invocation *invocation, struct error *error)
{
    const struct lists_values *values = invocation->values;
    struct store *store;
    struct recipient_list *lists;
    struct arena arena;
    size_t count;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    arena_init(&arena, FORMAT_MEMORY_MAX);
    err = lists_all(store, &arena, &lists, &count, error);
    if (err == ERR_NONE && values->format == FORMAT_JSON)
        print_lists_json(lists, count);
    else if (err == ERR_NONE && values->format == FORMAT_CSV)
        print_lists_csv(lists, count);
    else if (err == ERR_NONE)
        print_lists_text(lists, count);
    arena_fini(&arena);
    store_close(store);
    return err_exit_code(err);
}

const struct command command_lists = {
    .name = "lists",
    .arguments = "",
    .summary = "the lists, with counts",
    .options = lists_options,
    .values_bytes = sizeof(struct lists_values),
    .run = run_lists,
};

/* How many recipients a domain has in the list. */
struct domain_count {
    struct str domain;
    uint64_t recipients;
    UT_hash_handle hh;
};

struct domain_counts {
    struct domain_count *table;
    struct arena arena;
    size_t count;
    /* Recipients of domains beyond LIST_DOMAINS_MAX. */
    uint64_t others;
};

static void domain_count_add(struct domain_counts *counts, struct str domain)
{
    struct domain_count *found;
    HASH_FIND(hh, counts->table, domain.p, domain.n, found);
    if (found == NULL && counts->count < LIST_DOMAINS_MAX) {
        found = arena_calloc(&counts->arena, 1, sizeof(*found));
        struct str copy = arena_copy(&counts->arena, domain);
        CHECK(found != NULL && !str_is_null(copy));
        found->domain = copy;
        HASH_ADD_KEYPTR(hh, counts->table, found->domain.p, found->domain.n, found);
        counts->count++;
    }
    if (found != NULL)
        found->recipients++;
    else
        counts->others++;
}

static int domain_count_order(const struct domain_count *a,
                              const struct domain_count *b)
{
    if (a->recipients != b->recipients)
        return a->recipients < b->recipients ? 1 : -1;
    return str_compare(a->domain, b->domain);
}

static enum err count_domains(struct store *store, const struct recipient_list *list,
                              struct domain_counts *counts, struct error *error)
{
    struct recipient_walk *walk;
    struct recipient_row row;
    enum err err = recipient_walk_open(store, list->id, 0, &walk, error);
    if (err != ERR_NONE)
        return err;
    while (recipient_walk_next(walk, &row))
        domain_count_add(counts, row.domain);
    HASH_SORT(counts->table, domain_count_order);
    return recipient_walk_close(walk, error);
}

static void show_json(const struct recipient_list *list,
                      const struct domain_counts *counts)
{
    json_t *shown = json_object(), *columns = json_array(), *domains = json_array();
    for (size_t i = 0; i < list->column_count; i++)
        json_array_append_new(columns, json_out_str(list->columns[i]));
    for (const struct domain_count *at = counts->table; at != NULL; at = at->hh.next) {
        json_t *domain = json_object();
        json_object_set_new(domain, "domain", json_out_str(at->domain));
        json_object_set_new(domain, "recipients", json_out_u64(at->recipients));
        json_array_append_new(domains, domain);
    }
    json_object_set_new(shown, "list", json_out_str(list->name));
    json_object_set_new(shown, "recipients", json_out_u64(list->recipient_count));
    json_object_set_new(shown, "email_column",
                        json_out_str(list->columns[list->email_column]));
    json_object_set_new(shown, "columns", columns);
    json_object_set_new(shown, "domains", domains);
    json_object_set_new(shown, "created_at", json_out_time(list->created_ms));
    json_object_set_new(shown, "changed_at", json_out_time(list->changed_ms));
    json_out_document(stdout, shown);
}

static void show_csv(const struct domain_counts *counts)
{
    const struct str head[] = {STR("domain"), STR("recipients")};
    csv_row(stdout, head, 2);
    for (const struct domain_count *at = counts->table; at != NULL; at = at->hh.next) {
        char recipients[FORMAT_COUNT_BYTES];
        const struct str row[] = {at->domain, format_count(at->recipients, recipients)};
        csv_row_neutral(stdout, row, 2);
    }
}

static void print_labelled(const char *label, struct str value)
{
    (void)printf("%-12s ", label);
    print_printable(stdout, value);
    (void)fputc('\n', stdout);
}

static void show_columns(const struct recipient_list *list)
{
    struct buf names;
    buf_init(&names, FORMAT_MEMORY_MAX);
    for (size_t i = 0; i < list->column_count; i++) {
        if (i > 0)
            buf_append(&names, STR(", "));
        printable_append(&names, list->columns[i]);
        if (i == list->email_column)
            buf_append(&names, STR(" (address)"));
    }
    print_labelled("columns", buf_str(&names));
    buf_fini(&names);
}

static void show_text(const struct recipient_list *list,
                      const struct domain_counts *counts)
{
    static const struct table_column columns[] = {{"domain", false},
                                                  {"recipients", true}};
    char number[FORMAT_GROUPED_BYTES], time[FORMAT_TIME_BYTES];
    struct table table;
    size_t shown = 0;
    print_labelled("list", list->name);
    print_labelled("recipients", format_grouped(list->recipient_count, number));
    show_columns(list);
    print_labelled("created", format_time(list->created_ms, time));
    print_labelled("changed", format_time(list->changed_ms, time));
    (void)fputc('\n', stdout);
    table_init(&table, stdout, columns, 2);
    for (const struct domain_count *at = counts->table;
         at != NULL && shown < LIST_DOMAINS_SHOWN; at = at->hh.next, shown++) {
        table_cell(&table, at->domain);
        table_cell(&table, format_grouped(at->recipients, number));
    }
    table_fini(&table);
    if (counts->count > shown)
        (void)printf("and %zu more domains\n", counts->count - shown);
}

static enum err show(struct store *store, struct str name, enum format format,
                     struct arena *arena, struct error *error)
{
    struct domain_counts counts = {0};
    struct recipient_list list;
    enum err err = list_find(store, name, arena, &list, error);
    if (err != ERR_NONE)
        return err;
    arena_init(&counts.arena, FORMAT_MEMORY_MAX);
    err = count_domains(store, &list, &counts, error);
    if (err == ERR_NONE && format == FORMAT_JSON)
        show_json(&list, &counts);
    else if (err == ERR_NONE && format == FORMAT_CSV)
        show_csv(&counts);
    else if (err == ERR_NONE)
        show_text(&list, &counts);
    HASH_CLEAR(hh, counts.table);
    arena_fini(&counts.arena);
    return err;
}

static int run_show(const struct invocation *invocation, struct error *error)
{
    const struct lists_values *values = invocation->values;
    struct store *store;
    struct arena arena;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    arena_init(&arena, FORMAT_MEMORY_MAX);
    err = show(store, str_of(invocation->args[0]), values->format, &arena, error);
    arena_fini(&arena);
    store_close(store);
    return err_exit_code(err);
}

const struct command command_lists_show = {
    .name = "lists show",
    .arguments = "LIST",
    .summary = "a list's columns and largest domains",
    .args_min = 1,
    .args_max = 1,
    .options = lists_options,
    .values_bytes = sizeof(struct lists_values),
    .run = run_show,
};

static int run_delete(const struct invocation *invocation, struct error *error)
{
    const struct lists_values *values = invocation->values;
    struct store *store;
    if (!values->yes)
        return command_fail(error, ERR_USAGE,
                            "lists delete: %s: nothing was deleted; say --yes to do it",
                            invocation->args[0]);
    enum err err = store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = list_delete(store, str_of(invocation->args[0]), error);
    store_close(store);
    return err_exit_code(err);
}

static const struct option delete_options[] = {
    {"yes", OPTION_FLAG, NULL, offsetof(struct lists_values, yes),
     "really delete it, there is no way back", 0, 0},
    {0},
};

const struct command command_lists_delete = {
    .name = "lists delete",
    .arguments = "LIST",
    .summary = "deletes a list and its recipients; reports stay",
    .args_min = 1,
    .args_max = 1,
    .options = delete_options,
    .values_bytes = sizeof(struct lists_values),
    .run = run_delete,
};
