/*
 * commands.h - every subcommand, in the order of the help text
 *
 * To add one: define `const struct command command_NAME` in cmd/NAME.c, add the file
 * to CMakeLists.txt, a line here, and its section to docs/man/broadside.1.
 *
 * Owns:    nothing; commands are constants.
 * Thread:  main.
 */
#ifndef BROADSIDE_CMD_COMMANDS_H
#define BROADSIDE_CMD_COMMANDS_H

#include "cmd/command.h"

/* clang-format off */
#define COMMAND_LIST(X)                                                      \
    X(command_import)                                                        \
    X(command_lists)                                                         \
    X(command_lists_show)                                                    \
    X(command_lists_export)                                                  \
    X(command_lists_delete)                                                  \
    X(command_address_check)                                                 \
    X(command_preview)                                                       \
    X(command_check)                                                         \
    X(command_launch)                                                        \
    X(command_resume)                                                        \
    X(command_pause)                                                         \
    X(command_cancel)                                                        \
    X(command_resolve)                                                       \
    X(command_status)                                                        \
    X(command_report)                                                        \
    X(command_trace)                                                         \
    X(command_suppress_add)                                                  \
    X(command_suppress_remove)                                               \
    X(command_suppress_list)                                                 \
    X(command_suppress_import)                                               \
    X(command_suppress_export)                                               \
    X(command_sandbox)                                                       \
    X(command_classify)                                                      \
    X(command_render)                                                        \
    X(command_template_convert)                                              \
    X(command_help)
/* clang-format on */

#define COMMAND_EXTERN(variable) extern const struct command variable;
COMMAND_LIST(COMMAND_EXTERN)
#undef COMMAND_EXTERN

/* Ends with NULL. */
extern const struct command *const commands[];

#endif
