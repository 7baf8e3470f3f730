/*
 * machine.h - one rendering under way: memory, variables, output, failure
 *
 * Every function that evaluates or filters may fail: it says why through machine_fail
 * or machine_exceeded, sets `failed`, and returns nil; its callers go home and the
 * body that runs the node decides (renderer.c). All memory of a rendering is one
 * arena, so what a limit on memory bounds is also the work of the filters.
 *
 * Owns:    its arena.
 * Keeps:   template, input and pieces until template_render returns.
 * Thread:  one at a time.
 */
#ifndef BROADSIDE_TEMPLATES_MACHINE_H
#define BROADSIDE_TEMPLATES_MACHINE_H

#include "templates/program.h"

/* C calls of bodies within bodies. */
#define MACHINE_NESTING_MAX 600
/* Of a rendering, if the caller's struct pieces says nothing. */
#define MACHINE_PIECES_MAX 1000000

/* Apart from its callers: their short way saves no registers for it. */
#define APART __attribute__((noinline))
#define COLD  __attribute__((noinline, cold))

/* What a symbol means here; VALUE_ABSENT where it means nothing. */
struct binding {
    /* Of a loop or a partial's arguments: the innermost scope. */
    struct value local;
    /* Of assign and capture: the outermost scope. */
    struct value assigned;
    /* Of increment and decrement. */
    struct value counter;
    /* From the input by its name; nil once it was looked for and not found. */
    struct value global;
};

struct cycle_state {
    struct value name;
    struct str key;
    uint32_t index;
    struct cycle_state *next;
};

/* What {% render %} gets its own of. */
struct frame {
    /* Of those that can be used again. */
    struct frame *next_free;
    int64_t *offsets;
    struct cycle_state *cycles;
    struct loop *loop;
    struct value ifchanged;
    bool is_isolated;
    struct binding bindings[];
};

enum interrupt { INTERRUPT_NONE, INTERRUPT_BREAK, INTERRUPT_CONTINUE };

/* Bytes that are being written, at the end of the arena's last piece of memory. */
struct run {
    char *p;
    size_t n, cap;
    /* The last piece is a value that lies where it was found; n is 0. */
    bool is_lent;
};

struct template_machine {
    struct template_limits limits;
    struct arena arena;
    const struct template *template;
    const struct template_input *input;
    struct pieces *pieces;
    struct frame *frame;
    /* Those of partials that are done: nothing leaves {% render %}, so that a loop over
     * a partial needs one frame, not one per item. */
    struct frame *free_frames;
    struct run run;
    bool is_capturing;
    enum interrupt interrupt;
    uint64_t steps, output_bytes;
    unsigned base_depth, scope_depth, nesting;
    struct value recipient;
    /* What the output at hand lacks, the first of it; NULL: nothing. */
    const struct expression *hole;
    /* How many pieces the last rendering had: so many there is room for at once. */
    size_t pieces_before;
    bool failed;
    /* Not ERR_NONE: nothing can go on, in a lax template neither. */
    enum err fatal;
    /* The problem is a whole message already: "Liquid syntax error ...". */
    bool is_message;
    /* Where it failed, once the node is known. */
    bool is_located;
    struct position position;
    char why[400];
};

/* Fails the node that is being rendered. */
COLD void machine_fail(struct template_machine *machine, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* Fails the rendering: a limit. */
COLD void machine_exceeded(struct template_machine *machine, const char *what);
/* `count` steps of work; false if there were too many. */
static inline bool machine_step(struct template_machine *machine, uint64_t count)
{
    machine->steps += count;
    if (machine->steps <= machine->limits.steps_max)
        return true;
    machine_exceeded(machine, "too many steps");
    return false;
}

/* NULL after machine_exceeded. */
void *machine_alloc(struct template_machine *machine, size_t bytes);

/* Output, to the pieces or to what is being captured. */
APART void machine_put(struct template_machine *machine, struct str bytes);
APART char *machine_more_room(struct template_machine *machine, size_t bytes);

/* Room for up to `bytes`, of which machine_written says how many were used. */
static inline char *machine_room(struct template_machine *machine, size_t bytes)
{
    if (machine->run.cap - machine->run.n >= bytes && !machine->run.is_lent)
        return machine->run.p + machine->run.n;
    return machine_more_room(machine, bytes);
}

/* `bytes` of output; false if there were too many. */
static inline bool machine_count(struct template_machine *machine, size_t bytes)
{
    machine->output_bytes += bytes;
    if (machine->output_bytes <= machine->limits.output_bytes_max)
        return true;
    machine_exceeded(machine, "too much output");
    return false;
}

static inline void machine_written(struct template_machine *machine, size_t bytes)
{
    machine->run.n += bytes;
    machine_count(machine, bytes);
}

static inline bool machine_add_piece(struct template_machine *machine, struct str text,
                                     uint32_t span)
{
    if (pieces_add(machine->pieces, text, span))
        return true;
    machine_exceeded(machine, "too many pieces of output");
    return false;
}

/* The same as machine_put for bytes that last as long as the pieces: alone between two
 * spans, as most values are, they need no copy. */
static inline void machine_put_lasting(struct template_machine *machine,
                                       struct str bytes)
{
    struct run *run = &machine->run;
    if (run->n > 0 || run->is_lent || machine->is_capturing)
        machine_put(machine, bytes);
    else if (bytes.n > 0 && machine_count(machine, bytes.n))
        run->is_lent = machine_add_piece(machine, bytes, PIECE_VALUE);
}

/* Gives the run, which is not empty, to the pieces. */
void machine_flush(struct template_machine *machine);

/* A span of text. */
static inline void machine_put_span(struct template_machine *machine, uint32_t span)
{
    struct str text = machine->template->spans[span];
    if (text.n == 0)
        return;
    if (machine->is_capturing) {
        machine_put(machine, text);
        return;
    }
    if (machine->run.n > 0)
        machine_flush(machine);
    machine->run.is_lent = false;
    if (machine_count(machine, text.n))
        machine_add_piece(machine, text, span);
}

/* What is written between the two is returned instead. */
struct run machine_capture_start(struct template_machine *machine, bool *was_capturing);
struct str machine_capture_end(struct template_machine *machine, struct run before,
                               bool was_capturing);

/* evaluate.c */
struct value evaluate(struct template_machine *machine,
                      const struct expression *expression);
/* Leaves in machine->hole what it lacks. */
struct value evaluate_output(struct template_machine *machine,
                             const struct output *output);
bool evaluate_condition(struct template_machine *machine,
                        const struct condition *condition);
/* A variable by its number. */
struct value variable_get(struct template_machine *machine, uint32_t symbol);
/* A variable by its name in the frame that a VALUE_SELF stands for. */
struct value self_member(struct template_machine *machine, struct value self,
                         struct value name);
/* `data` alone: what increment starts from. */
struct value variable_in_data(struct template_machine *machine, uint32_t symbol);
/* As item[key] of the reference for an item of an array; false: it has no []. */
struct value value_property(struct template_machine *machine, struct value item,
                            struct value property, bool *has_properties);

/* missing.c */

/* nil, an empty column, or what was assigned from either. */
static inline bool value_is_missing(struct value value)
{
    return value_is_nil(value) || (value.flags & VALUE_HAS_HOLE) != 0 ||
           ((value.flags & VALUE_IS_FIELD) != 0 && value.n == 0);
}

/* Remembers a variable as the hole of the output at hand, unless there is one. */
void missing_note(struct template_machine *machine,
                  const struct expression *expression);
/* Tells the caller of the hole of what is being printed, if there is one. */
void missing_report(struct template_machine *machine);

/* compare.c */

/* Steps that comparing a string takes beyond the first. */
static inline uint64_t value_string_weight(struct value string)
{
    return string.n / 64;
}

bool values_equal(struct value a, struct value b);
/* As a <=> b: false if they cannot be compared. */
bool values_compare(struct value a, struct value b, int *order);
bool values_identical(struct value a, struct value b);
/* The same as values_equal, with its work counted; false after a failure. */
bool machine_values_equal(struct template_machine *machine, struct value a,
                          struct value b);
bool compare(struct template_machine *machine, struct value left,
             enum comparison comparison, struct value right);
bool value_is_empty(struct value value);

/* text.c */

/* A text that grows in the machine's arena. */
struct text {
    struct template_machine *machine;
    struct run run;
};

void text_add(struct text *text, struct str bytes);
void text_add_char(struct text *text, char c);
/* As to_s: "" for nil, the inspected form for an array or an object. */
void text_add_value(struct text *text, struct value value);
struct value text_value(const struct text *text);
/* The same for one value; a string is returned as it is. */
struct str value_text(struct template_machine *machine, struct value value);
/* As Integer(): fails with "invalid integer". */
int64_t value_to_integer(struct template_machine *machine, struct value value);
/* Prints it as {{ }} does, without escaping. */
void machine_put_value(struct template_machine *machine, struct value value);

/* items.c: what can be gone through */
struct items {
    struct value source;
    size_t count;
};

/* What `for` goes through: an array, an object's pairs, a range; a string is one
 * item, anything else none. */
struct items items_of(struct value value);
/* The item at `index`; a pair lies in the arena. */
struct value items_at(struct template_machine *machine, const struct items *items,
                      size_t index);

/* escape.c */
/* Prints a result as its place wants it escaped. */
void machine_put_escaped(struct template_machine *machine, struct value value,
                         struct place place);
/* The same for a text that lasts as long as the pieces, and is no HTML yet. */
void machine_put_text(struct template_machine *machine, struct str text,
                      struct place place);
/* Prints a message of ours, which may quote a value. */
void machine_put_message(struct template_machine *machine, struct str message);
void text_add_html(struct text *text, struct str bytes);

/* render_loops.c, render_partials.c, renderer.c */
bool render_body(struct template_machine *machine, const struct body *body);
bool render_for(struct template_machine *machine, const struct loop_node *loop);
bool render_tablerow(struct template_machine *machine, const struct loop_node *loop);
bool render_partial(struct template_machine *machine, const struct partial_call *call);
bool render_include(struct template_machine *machine, const struct partial_call *call);
/* One more scope; false: too deep. */
bool scope_enter(struct template_machine *machine);
void scope_leave(struct template_machine *machine);
struct frame *frame_new(struct template_machine *machine, bool is_isolated);

#endif
