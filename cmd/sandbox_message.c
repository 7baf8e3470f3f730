#include "cmd/sandbox_message.h"

#include "cmd/json_out.h"
#include "core/base/clock.h"

#include <stdlib.h>

bool sandbox_message_init(struct sandbox_message *message)
{
    buf_init(&message->head, SANDBOX_HEAD_MAX);
    buf_init(&message->message_id, SANDBOX_HEAD_MAX);
    message->digest = EVP_MD_CTX_new();
    if (message->digest == NULL)
        return false;
    sandbox_message_clear(message);
    return true;
}

void sandbox_message_fini(struct sandbox_message *message)
{
    EVP_MD_CTX_free(message->digest);
    buf_fini(&message->head);
    buf_fini(&message->message_id);
}

void sandbox_message_clear(struct sandbox_message *message)
{
    CHECK(EVP_DigestInit_ex(message->digest, EVP_sha256(), NULL) == 1);
    buf_clear(&message->head);
}

void sandbox_message_content(struct sandbox_message *message, struct str bytes)
{
    CHECK(EVP_DigestUpdate(message->digest, bytes.p, bytes.n) == 1);
    buf_append(&message->head, str_head(bytes, SANDBOX_HEAD_MAX - message->head.n));
}

static void append_unfolded(struct buf *to, struct str part)
{
    part = str_trim(part);
    if (to->n > 0 && part.n > 0)
        buf_append_char(to, ' ');
    buf_append(to, part);
}

bool sandbox_message_id(struct str head, struct buf *to)
{
    static const struct str name = {"Message-ID:", 11};
    bool is_in_it = false;
    buf_clear(to);
    while (head.n > 0) {
        struct str line = str_split(head, '\n', &head);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            break;
        bool goes_on = line.p[0] == ' ' || line.p[0] == '\t';
        if (is_in_it && !goes_on)
            break;
        if (!is_in_it && str_has_prefix_nocase(line, name)) {
            is_in_it = true;
            line = str_from(line, name.n);
        }
        if (is_in_it)
            append_unfolded(to, line);
    }
    return is_in_it;
}

static void digest_hex(EVP_MD_CTX *context, char hex[2 * EVP_MAX_MD_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    CHECK(EVP_DigestFinal_ex(context, digest, &n) == 1);
    for (unsigned i = 0; i < n; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * n] = '\0';
}

/* RFC 3339 with milliseconds. */
static const char *time_of_log(int64_t wall_ms, char to[CLOCK_RFC3339_BYTES])
{
    char *end = strchr(clock_rfc3339(wall_ms, to), 'Z');
    snprintf(end, 8, ".%03dZ", (int)(wall_ms % 1000));
    return to;
}

static void append_json(struct buf *lines, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    CHECK(text != NULL);
    buf_append(lines, str_of(text));
    buf_append_char(lines, '\n');
    free(text);
    json_decref(object);
}

void sandbox_message_lines(struct sandbox_message *message,
                           const struct sandbox_envelope *envelope, struct buf *lines)
{
    char hex[2 * EVP_MAX_MD_SIZE + 1], time[CLOCK_RFC3339_BYTES];
    digest_hex(message->digest, hex);
    bool has_id = sandbox_message_id(buf_str(&message->head), &message->message_id);
    struct str message_id = has_id ? buf_str(&message->message_id) : STR_NULL;
    for (struct str rest = envelope->rcpts; rest.n > 0;) {
        json_t *object = json_object();
        struct str rcpt = str_split(rest, '\0', &rest);
        json_object_set_new(object, "time",
                            json_string(time_of_log(envelope->wall_ms, time)));
        json_object_set_new(object, "mail_from", json_out_str(envelope->mail_from));
        json_object_set_new(object, "rcpt", json_out_str(rcpt));
        json_object_set_new(object, "message_id", json_out_str(message_id));
        json_object_set_new(object, "bytes", json_integer((json_int_t)envelope->bytes));
        json_object_set_new(object, "sha256", json_string(hex));
        append_json(lines, object);
    }
}
