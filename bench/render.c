/*
 * render.c - personalised pages per second on one core
 *
 *   bench_render [TEMPLATE DATA.json RECIPIENTS.csv [SECONDS]]
 *
 * Without arguments: bench/render/page.html, 15 KB when rendered, with the columns of a
 * thousand recipients and a loop over the offers of bench/campaign/offers.json; HTML
 * escaping is on. Every rendering is another recipient's. The CSV has no quotes.
 */
#include "core/base/clock.h"
#include "templates/template.h"
#include "templates/value.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (16u << 20)
#define FIELDS_MAX     64
#define ROWS_MAX       10000
#define WARM_UP        200

/* Counted by the linker's --wrap. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
static size_t mallocs;

void *__wrap_malloc(size_t bytes)
{
    mallocs++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    mallocs++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
    mallocs++;
    return __real_realloc(p, bytes);
}

struct recipients {
    struct str names[FIELDS_MAX];
    size_t field_count;
    struct str (*rows)[FIELDS_MAX];
    size_t row_count;
};

static struct str read_file(const char *path, struct arena *arena)
{
    char *p = arena_alloc(arena, FILE_BYTES_MAX);
    FILE *from = fopen(path, "rb");
    if (p == NULL || from == NULL) {
        fprintf(stderr, "bench_render: cannot read %s\n", path);
        exit(66);
    }
    size_t n = fread(p, 1, FILE_BYTES_MAX, from);
    fclose(from);
    return str_slice(p, n);
}

static size_t split_row(struct str line, struct str *fields)
{
    size_t n = 0;
    while (!str_is_null(line) && n < FIELDS_MAX)
        fields[n++] = str_split(line, ',', &line);
    return n;
}

static void read_recipients(struct str csv, struct recipients *recipients)
{
    recipients->field_count = split_row(str_split(csv, '\n', &csv), recipients->names);
    while (!str_is_null(csv) && csv.n > 0 && recipients->row_count < ROWS_MAX)
        split_row(str_split(csv, '\n', &csv),
                  recipients->rows[recipients->row_count++]);
}

struct bench {
    const struct template *template;
    struct template_machine *machine;
    struct template_input input;
    const struct recipients *recipients;
    uint64_t bytes, pieces;
};

static void render_many(struct bench *bench, size_t count)
{
    struct error error;
    for (size_t i = 0; i < count; i++) {
        struct pieces pieces = {.max = 100000};
        bench->input.fields = bench->recipients->rows[i % bench->recipients->row_count];
        if (template_render(bench->template, bench->machine, &bench->input, &pieces,
                            &error) != ERR_NONE) {
            fprintf(stderr, "bench_render: %s\n", error.text);
            exit(70);
        }
        bench->bytes += pieces_bytes(&pieces);
        bench->pieces += pieces.n;
    }
}

/* The best of several runs: the others were disturbed. */
static void measure(struct bench *bench, const char *what, double seconds)
{
    double best_ns = 1e18;
    uint64_t start_ns = clock_mono_ns(), rounds = 0;
    render_many(bench, WARM_UP);
    bench->bytes = bench->pieces = 0;
    size_t mallocs_before = mallocs;
    while ((double)(clock_mono_ns() - start_ns) < seconds * 1e9) {
        uint64_t from_ns = clock_mono_ns();
        render_many(bench, 2000);
        double ns = (double)(clock_mono_ns() - from_ns) / 2000;
        best_ns = ns < best_ns ? ns : best_ns;
        rounds += 2000;
    }
    printf(
        "broadside%s: %.0f renders/s, %.0f ns, %.4f mallocs per render, %llu bytes in "
        "%llu pieces\n",
        what, 1e9 / best_ns, best_ns,
        (double)(mallocs - mallocs_before) / (double)rounds,
        (unsigned long long)(bench->bytes / rounds),
        (unsigned long long)(bench->pieces / rounds));
}

int main(int argc, char **argv)
{
    struct arena arena;
    struct error error;
    struct value *data;
    struct template *template;
    struct recipients recipients = {.row_count = 0};
    const char *folder = BENCH_FOLDER;
    char paths[2][4096], *csv_path = argc > 3 ? argv[3] : NULL;
    snprintf(paths[0], sizeof paths[0], "%s/render/page.html", folder);
    snprintf(paths[1], sizeof paths[1], "%s/campaign/offers.json", folder);
    arena_init(&arena, 128u << 20);
    struct str source = read_file(argc > 1 ? argv[1] : paths[0], &arena);
    struct str json = read_file(argc > 2 ? argv[2] : paths[1], &arena);
    struct str csv =
        STR("email,first_name,last_name,city,plan,customer_no,orders,points,"
            "points_left,saved,last_order\n"
            "a.1@example.org,Bj\xC3\xB6rn,O'Neill & Sons,\xC5\x81\xC3\xB3"
            "d\xC5\xBA,pro,100001,7,1200,0,19.90,2026-000123\n"
            "b.2@example.org,Ada,Smith,Bristol,free,100002,3,40,360,4.05,"
            "2026-000124\n");
    recipients.rows = calloc(ROWS_MAX, sizeof *recipients.rows);
    if (recipients.rows == NULL)
        return 71;
    read_recipients(csv_path != NULL ? read_file(csv_path, &arena) : csv, &recipients);
    struct template_options options = {.escape = TEMPLATE_ESCAPE_HTML,
                                       .name = STR("page.html"),
                                       .fields = recipients.names,
                                       .field_count = recipients.field_count};
    if (value_parse_json(json, STR("data"), &data, &error) != ERR_NONE ||
        template_compile(source, &options, &template, &error) != ERR_NONE) {
        fprintf(stderr, "bench_render: %s\n", error.text);
        return 65;
    }
    struct bench bench = {.template = template,
                          .machine = template_machine_new(NULL),
                          .input = {.statics = data, .now_s = 1704067318},
                          .recipients = &recipients};
    if (bench.machine == NULL)
        return 71;
    double seconds = argc > 4 ? atof(argv[4]) : 3;
    measure(&bench, "", seconds);
    template_free(template);
    /* As a campaign does it: what only its data decides is rendered once. */
    options.statics = data;
    if (template_compile(source, &options, &template, &error) != ERR_NONE) {
        fprintf(stderr, "bench_render: %s\n", error.text);
        return 65;
    }
    bench.template = template;
    measure(&bench, ", data known when compiling", seconds);
    template_machine_free(bench.machine);
    template_free(template);
    value_free(data);
    free(recipients.rows);
    arena_fini(&arena);
    return 0;
}
