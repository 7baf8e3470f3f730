/*
 * address.c - `address check`: which addresses would be accepted, and as what
 *
 * One line in, one JSON line out, in the same order. Lines end with a line feed and
 * are judged as they are: a blank or a carriage return at an end is an error, since an
 * import would say so too.
 */
#include "cmd/commands.h"

#include "cmd/json_out.h"
#include "cmd/lines_in.h"
#include "core/mail/address.h"

#include "core/base/buf.h"

#include <errno.h>

#define LINE_MEMORY_MAX (1u << 20)
/* No address comes near it; what is beyond is dropped from the line shown. */
#define LINE_BYTES_MAX 4096

static void print_verdict(struct str line, struct arena *arena)
{
    struct address address = {.local = STR_NULL};
    const char *why = address_parse(line, arena, &address);
    bool is_ascii = why == NULL && str_is_ascii(address.text);
    json_t *verdict = json_object();
    json_object_set_new(verdict, "address", json_out_str(line));
    json_object_set_new(verdict, "ok", json_boolean(why == NULL));
    json_object_set_new(verdict, "ascii",
                        json_out_str(is_ascii ? address.text : STR_NULL));
    json_object_set_new(verdict, "smtputf8",
                        json_boolean(why == NULL && address.needs_smtputf8));
    json_object_set_new(verdict, "domain",
                        json_out_str(why == NULL ? address.domain : STR_NULL));
    json_object_set_new(verdict, "why", json_out_str(str_of(why)));
    json_out_line(stdout, verdict);
}

static int run_address_check(const struct invocation *invocation, struct error *error)
{
    struct buf line;
    struct arena arena;
    (void)invocation;
    buf_init(&line, LINE_BYTES_MAX);
    arena_init(&arena, LINE_MEMORY_MAX);
    while (line_read(stdin, &line)) {
        print_verdict(buf_str(&line), &arena);
        arena_reset(&arena);
    }
    int exit_code = 0;
    if (ferror(stdin))
        exit_code = command_fail(error, ERR_STORAGE, "cannot read: standard input: %s",
                                 strerror(errno));
    arena_fini(&arena);
    buf_fini(&line);
    return exit_code;
}

const struct command command_address_check = {
    .name = "address check",
    .arguments = "",
    .summary = "judge addresses from standard input",
    .details = "Reads one address a line and answers with one JSON line each:\n"
               "{\"address\",\"ok\",\"ascii\",\"smtputf8\",\"domain\",\"why\"}. "
               "`domain` is the form "
               "DNS knows\n(lower-case A-labels), `ascii` the address as it goes on "
               "the wire if "
               "that is\nASCII, `smtputf8` says that the server must offer SMTPUTF8.\n",
    .run = run_address_check,
};
