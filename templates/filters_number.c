#include "templates/filters.h"
#include "templates/machine.h"
#include "templates/number.h"

#include <math.h>

/* Arithmetic. */

static struct value result(struct template_machine *machine, struct number number)
{
    if (number.kind != NUMBER_ERROR)
        return number_value(number, &machine->arena);
    machine_fail(machine, "divided by 0");
    return value_nil();
}

/* Long numbers are work: a step for some fifty limbs of a product. */
#define HUGE_STEPS 400

static struct value apply(struct template_machine *machine, struct value input,
                          enum number_operation operation, struct value operand)
{
    struct number a = number_of(input, &machine->arena);
    struct number b = number_of(operand, &machine->arena);
    bool is_huge = a.kind == NUMBER_HUGE || b.kind == NUMBER_HUGE;
    if (is_huge && !machine_step(machine, HUGE_STEPS))
        return value_nil();
    return result(machine, number_apply(a, operation, b, &machine->arena));
}

struct value filter_plus(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    (void)count;
    return apply(machine, input, NUMBER_PLUS, arguments[0]);
}

struct value filter_minus(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)count;
    return apply(machine, input, NUMBER_MINUS, arguments[0]);
}

struct value filter_times(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)count;
    return apply(machine, input, NUMBER_TIMES, arguments[0]);
}

struct value filter_divided_by(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    (void)count;
    return apply(machine, input, NUMBER_DIVIDE, arguments[0]);
}

struct value filter_modulo(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)count;
    return apply(machine, input, NUMBER_MODULO, arguments[0]);
}

struct value filter_abs(struct template_machine *machine, struct value input,
                        const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return result(machine,
                  number_abs(number_of(input, &machine->arena), &machine->arena));
}

/* Infinity and NaN are no integers. */
static bool is_finite(struct template_machine *machine, struct number number)
{
    if (number.kind != NUMBER_FLOAT || isfinite(number.number))
        return true;
    machine_fail(machine, "%s",
                 isnan(number.number) ? "Computation results in 'NaN' (Not a Number)"
                 : number.number < 0  ? "Computation results in '-Infinity'"
                                      : "Computation results in 'Infinity'");
    return false;
}

struct value filter_ceil(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct number number = number_of(input, &machine->arena);
    return is_finite(machine, number)
               ? result(machine, number_ceil(number, &machine->arena))
               : value_nil();
}

struct value filter_floor(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct number number = number_of(input, &machine->arena);
    return is_finite(machine, number)
               ? result(machine, number_floor(number, &machine->arena))
               : value_nil();
}

#define PLACES_MAX 10000

struct value filter_round(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    struct number number = number_of(input, &machine->arena),
                  digits = {.kind = NUMBER_INTEGER};
    if (count > 0)
        digits = number_of(arguments[0], &machine->arena);
    double wanted = number_to_float(number_truncate(digits, &machine->arena));
    /* Beyond these nothing changes any more; NaN is none of them. */
    int64_t places = wanted < -PLACES_MAX  ? -PLACES_MAX
                     : wanted < PLACES_MAX ? (int64_t)wanted
                                           : PLACES_MAX;
    if (places <= 0 && !is_finite(machine, number))
        return value_nil();
    return result(machine, number_round(number, places, &machine->arena));
}

static struct value limit(struct template_machine *machine, struct value input,
                          struct value bound, bool is_least)
{
    struct number number = number_of(input, &machine->arena),
                  other = number_of(bound, &machine->arena);
    int order = number_compare(other, number, &machine->arena);
    return result(machine, (is_least ? order > 0 : order < 0) ? other : number);
}

struct value filter_at_least(struct template_machine *machine, struct value input,
                             const struct value *arguments, size_t count)
{
    (void)count;
    return limit(machine, input, arguments[0], true);
}

struct value filter_at_most(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    (void)count;
    return limit(machine, input, arguments[0], false);
}
