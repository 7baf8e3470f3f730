#include "cmd/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err output_failed(const struct output *output, struct error *error)
{
    return error_cannot_write(error, "cannot write", output->path, errno, "--output");
}

static enum err open_special(struct output *output, struct error *error)
{
    output->to = fopen(output->path, "w");
    return output->to != NULL ? ERR_NONE : output_failed(output, error);
}

enum err output_open(struct output *output, const char *path, struct error *error)
{
    *output = (struct output){.to = stdout};
    if (path == NULL || strcmp(path, "-") == 0)
        return ERR_NONE;
    output->path = path;
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return open_special(output, error);
    int n = snprintf(output->unfinished, sizeof output->unfinished, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof output->unfinished)
        return error_cannot_write(error, "cannot write", path, ENAMETOOLONG,
                                  "--output");
    int fd = mkstemp(output->unfinished);
    if (fd < 0)
        return output_failed(output, error);
    /* mkstemp says 0600; a report is the user's own to share, as umask has it. */
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    output->to = fdopen(fd, "w");
    if (output->to == NULL) {
        enum err err = output_failed(output, error);
        (void)close(fd);
        (void)unlink(output->unfinished);
        return err;
    }
    return ERR_NONE;
}

/* A pipe cannot be synced, and need not be. */
static bool output_is_complete(const struct output *output)
{
    FILE *to = output->to;
    if (fflush(to) != 0 || ferror(to) != 0)
        return false;
    return output->unfinished[0] == '\0' ||
           (fsync(fileno(to)) == 0 && rename(output->unfinished, output->path) == 0);
}

enum err output_finish(struct output *output, bool keep, struct error *error)
{
    enum err err = ERR_NONE;
    if (output->path == NULL)
        return ERR_NONE;
    if (keep && !output_is_complete(output))
        err = output_failed(output, error);
    (void)fclose(output->to);
    if ((!keep || err != ERR_NONE) && output->unfinished[0] != '\0')
        (void)unlink(output->unfinished);
    return err;
}
