#include "core/base/err.h"

#include "core/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *err_words(enum err err)
{
    static const char *const words[] = {
#define ERR_WORDS(name, text, exit_code, advice) [name] = text,
        ERR_LIST(ERR_WORDS)
#undef ERR_WORDS
    };
    return words[err];
}

int err_exit_code(enum err err)
{
    static const int codes[] = {
#define ERR_CODE(name, text, exit_code, advice) [name] = exit_code,
        ERR_LIST(ERR_CODE)
#undef ERR_CODE
    };
    return codes[err];
}

const char *err_advice(enum err err)
{
    static const char *const advices[] = {
#define ERR_ADVICE(name, text, exit_code, advice) [name] = advice,
        ERR_LIST(ERR_ADVICE)
#undef ERR_ADVICE
    };
    return advices[err];
}

bool error_has_advice(const struct error *error)
{
    return strstr(error->text, "; ") != NULL;
}

enum err error_set(struct error *error, enum err code, const char *format, ...)
{
    if (error == NULL)
        return code;
    error->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    /* The text may quote bytes from outside: none of them may drive a terminal. */
    str_make_printable(error->text, strlen(error->text));
    return code;
}

static enum err err_of_write(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS: return ERR_PERMISSION;
    case EMFILE:
    case ENFILE: return ERR_OS;
    default: return ERR_STORAGE;
    }
}

/* What to do, up to the name of the option. */
static const char *write_advice(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR: return "make its folder first, or give another";
    case EISDIR: return "that is a folder: give a file in it with";
    case EACCES:
    case EPERM:
    case EROFS: return "give a place where you may write with";
    case ENOSPC:
    case EDQUOT: return "make room, or give a file on another disk with";
    case EMFILE:
    case ENFILE: return "raise `ulimit -n`; it is the file of";
    default: return "give another";
    }
}

enum err error_cannot_write(struct error *error, const char *what, const char *path,
                            int number, const char *option)
{
    return error_set(error, err_of_write(number), "%s: %s: %s; %s %s", what, path,
                     strerror(number), write_advice(number), option);
}

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "broadside: broken invariant: %s (%s:%d): this is a bug; "
            "nothing more was written, `broadside resume` goes on\n",
            condition, file, line);
    fflush(stderr);
    _exit(70);
}
