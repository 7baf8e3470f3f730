#include "templates/compiler.h"

#include <stdarg.h>
#include <stdio.h>

void *compiler_alloc(struct compiler *compiler, size_t bytes)
{
    void *memory = arena_calloc(compiler->arena, 1, bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        compiler->code = ERR_LIMIT;
        error_set(compiler->error, ERR_LIMIT,
                  "reading a template: %.*s: it is too large",
                  STR_ARG(compiler->template->name));
    }
    return memory;
}

void *row_add(struct compiler *compiler, struct row *row, size_t size)
{
    if (row->n == row->cap) {
        size_t cap = row->cap > 0 ? row->cap * 2 : 4;
        char *p = compiler_alloc(compiler, cap * size);
        if (p == NULL)
            return NULL;
        if (row->n > 0)
            memcpy(p, row->p, row->n * size);
        row->p = p;
        row->cap = cap;
    }
    return (char *)row->p + row->n++ * size;
}

/* A block asks for its place once its body is read: back from there, not on from the
 * start, or a row of blocks would cost the square of its length. */
static void step_back(struct compiler *compiler, size_t target)
{
    uint32_t line = compiler->line;
    while (compiler->at > target) {
        if (compiler->source.p[--compiler->at] == '\n')
            compiler->line--;
    }
    if (compiler->line == line)
        return;
    compiler->line_start = target;
    while (compiler->line_start > 0 &&
           compiler->source.p[compiler->line_start - 1] != '\n')
        compiler->line_start--;
}

struct position compiler_position(struct compiler *compiler, const char *at)
{
    size_t target = (size_t)(at - compiler->source.p);
    if (target > compiler->source.n)
        target = compiler->source.n;
    step_back(compiler, target);
    for (; compiler->at < target; compiler->at++) {
        if (compiler->source.p[compiler->at] == '\n') {
            compiler->line++;
            compiler->line_start = compiler->at + 1;
        }
    }
    size_t column = target - compiler->line_start + 1;
    return (struct position){.line = compiler->line,
                             .column = (uint16_t)(column < 65535 ? column : 65535),
                             .partial = compiler->partial};
}

struct str template_source_name(const struct template *template,
                                struct position position)
{
    return position.partial > 0 ? template->partials[position.partial - 1].name
                                : template->name;
}

bool compiler_fail(struct compiler *compiler, const char *at, const char *format, ...)
{
    char why[512];
    if (compiler->code != ERR_NONE)
        return false;
    compiler->code = ERR_DATA;
    if (compiler->is_trial)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    struct position position = compiler_position(compiler, at);
    struct str name = template_source_name(compiler->template, position);
    if (position.partial == 0)
        error_set(compiler->error, ERR_DATA,
                  "reading a template: %.*s:%u:%u: Liquid syntax error: %s (line %u)",
                  STR_ARG(name), position.line, position.column, why, position.line);
    else
        error_set(compiler->error, ERR_DATA,
                  "reading a template: %.*s:%u:%u: Liquid syntax error (%.*s line "
                  "%u): %s",
                  STR_ARG(name), position.line, position.column, STR_ARG(name),
                  position.line, why);
    return false;
}

bool compiler_is_lax(const struct compiler *compiler)
{
    return compiler->options->mode == TEMPLATE_LAX;
}

static bool symbols_grow(struct compiler *compiler)
{
    struct template *template = compiler->template;
    uint32_t cap = template->symbol_cap > 0 ? template->symbol_cap * 2 : 32;
    struct symbol *symbols = compiler_alloc(compiler, cap * sizeof *symbols);
    uint32_t *slots = compiler_alloc(compiler, (size_t)cap * 2 * sizeof *slots);
    if (symbols == NULL || slots == NULL)
        return false;
    if (template->symbol_count > 0)
        memcpy(symbols, template->symbols, template->symbol_count * sizeof *symbols);
    for (uint32_t i = 0; i < template->symbol_count; i++) {
        size_t slot = str_hash(symbols[i].name) & (cap * 2 - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (cap * 2 - 1);
        slots[slot] = i + 1;
    }
    template->symbols = symbols;
    template->symbol_cap = cap;
    template->symbol_slots = slots;
    return true;
}

static uint32_t name_place(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name))
            return (uint32_t)i;
    }
    return PLACE_NONE;
}

struct symbol template_symbol(const struct template *template, struct str name)
{
    uint32_t field = name_place(template->fields, template->field_count, name);
    uint32_t reserved =
        name_place(template->reserved_names, template->reserved_count, name);
    bool is_hidden = reserved != PLACE_NONE || str_equal(name, STR("recipient"));
    return (struct symbol){
        .name = name, .field = is_hidden ? PLACE_NONE : field, .reserved = reserved};
}

uint32_t *template_symbol_slot(const struct template *template, struct str name)
{
    size_t mask = (size_t) template->symbol_cap * 2 - 1, slot = str_hash(name) & mask;
    while (template->symbol_slots[slot] != 0 &&
           !str_equal(template->symbols[template->symbol_slots[slot] - 1].name, name))
        slot = (slot + 1) & mask;
    return &template->symbol_slots[slot];
}

bool template_partial(const struct template *template, struct str name,
                      struct html_context context, uint32_t *index)
{
    uint32_t symbol = *template_symbol_slot(template, name);
    uint32_t next = symbol != 0 ? template->symbols[symbol - 1].partial : 0;
    for (; next != 0; next = template->partials[next - 1].next) {
        *index = next - 1;
        if (html_context_equal(template->partials[*index].context, context))
            return true;
    }
    return false;
}

uint32_t compiler_symbol(struct compiler *compiler, struct str name)
{
    struct template *template = compiler->template;
    if (template->symbol_count == template->symbol_cap && !symbols_grow(compiler))
        return UINT32_MAX;
    uint32_t *slot = template_symbol_slot(template, name);
    if (*slot != 0)
        return *slot - 1;
    uint32_t index = template->symbol_count++;
    *slot = index + 1;
    template->symbols[index] = template_symbol(template, name);
    return index;
}

uint32_t compiler_set_symbol(struct compiler *compiler, struct str name)
{
    uint32_t symbol = compiler_symbol(compiler, name);
    if (symbol != UINT32_MAX)
        compiler->template->symbols[symbol].is_set = true;
    return symbol;
}

bool compiler_add_read(struct compiler *compiler, uint32_t symbol,
                       struct position position)
{
    struct template *template = compiler->template;
    struct row row = {template->reads, template->read_count, template->read_cap};
    struct read *read = row_add(compiler, &row, sizeof *read);
    if (read == NULL)
        return false;
    *read = (struct read){symbol, position, false};
    template->reads = row.p;
    template->read_count = row.n;
    template->read_cap = row.cap;
    return true;
}

bool compiler_add_unknown_filter(struct compiler *compiler, struct str name)
{
    struct template *template = compiler->template;
    uint32_t symbol = compiler_symbol(compiler, name);
    if (symbol == UINT32_MAX ||
        !compiler_add_read(compiler, symbol, compiler_position(compiler, name.p)))
        return false;
    template->reads[template->read_count - 1].is_filter = true;
    return true;
}

uint32_t compiler_add_span(struct compiler *compiler, struct str text)
{
    struct template *template = compiler->template;
    struct row row = {template->spans, template->span_count, template->span_cap};
    struct str *span = row_add(compiler, &row, sizeof *span);
    if (span == NULL)
        return UINT32_MAX;
    *span = text;
    template->spans = row.p;
    template->span_count = row.n;
    template->span_cap = row.cap;
    return (uint32_t)(row.n - 1);
}
