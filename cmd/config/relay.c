/*
 * relay.c - the keys of `relay`: one map or a list of them
 */
#include "cmd/config/schema.h"
#include "core/mail/address.h"

#include <arpa/inet.h>
#include <limits.h>
#include <unistd.h>

/* One relay while it is being read; split into the two structs afterwards. */
struct relay_draft {
    struct relay_settings settings;
    struct relay_extra extra;
    unsigned port, tls;
};

#define TLS_UNSET UINT_MAX

static enum err read_host(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into);
static enum err read_helo(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into);

#define IN_DRAFT(member) offsetof(struct relay_draft, member)

const struct config_key config_relay_keys[] = {
    {"host", read_host, IN_DRAFT(settings.host), "name or address of the server", NULL,
     0, 0},
    {"port", config_read_count, IN_DRAFT(port), "default 25; 465 with tls: implicit",
     NULL, 1, 65535},
    {"tls", config_read_choice, IN_DRAFT(tls),
     "default required, but none on this machine itself",
     "none|opportunistic|required|implicit", 0, 0},
    {"ca-file", config_read_text, IN_DRAFT(extra.ca_file),
     "PEM file with the authorities to trust; default the system's", NULL, 0, 0},
    {"user", config_read_text, IN_DRAFT(extra.user), "log in with this name", NULL, 0,
     0},
    {"password-file", config_read_text, IN_DRAFT(extra.password_file),
     "file with the password, mode 0600", NULL, 0, 0},
    {"connections", config_read_count, IN_DRAFT(settings.connections),
     "at once, default 16", NULL, 1, RUN_CONNECTIONS_MAX},
    {"messages-per-connection", config_read_count,
     IN_DRAFT(settings.messages_per_connection), "default 1000", NULL, 1, 1000000000},
    {"pipelining", config_read_yes, IN_DRAFT(settings.pipelining),
     "whether to pipeline where it is offered", "never|auto", 0, 0},
    {"chunking", config_read_yes, IN_DRAFT(extra.chunking),
     "whether to use BDAT where it is offered", "never|auto", 0, 0},
    {"helo", read_helo, IN_DRAFT(settings.helo),
     "what we call ourselves; default the name of this host", NULL, 0, 0},
    {0},
};

static bool is_host_byte(char c)
{
    return ascii_is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

static bool is_host_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_host_byte(s.p[i]))
            return false;
    }
    return s.n > 0 && s.n <= 253;
}

static enum err read_host(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    struct str *host = (struct str *)(void *)((char *)into + key->offset);
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    struct str text = value->text;
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = str_slice(text.p + 1, text.n - 2);
    if (!str_is_ascii(text)) {
        const char *why = domain_parse(text, reader->arena, host);
        return why != NULL ? config_refuse(reader, value, "%s", why) : ERR_NONE;
    }
    if (!is_host_text(text))
        return config_refuse(
            reader, value,
            "%.*s: no host name or address; write one such as smtp.acme.example",
            STR_ARG(str_head(text, 64)));
    /* Terminated, for the resolver. */
    *host = arena_copy(reader->arena, text);
    return str_is_null(*host) ? config_no_memory(reader) : ERR_NONE;
}

static enum err read_helo(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    enum err err = config_want_text(reader, value);
    if (err != ERR_NONE)
        return err;
    struct str text = value->text;
    bool is_literal = text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    if (!is_host_text(is_literal ? str_slice(text.p + 1, text.n - 2) : text))
        return config_refuse(
            reader, value,
            "%.*s: no host name or [address]; write one such as mail.acme.example",
            STR_ARG(str_head(text, 64)));
    *(struct str *)(void *)((char *)into + key->offset) = text;
    return ERR_NONE;
}

/* This host's name if it can be said in EHLO. */
static struct str own_name(struct arena *arena)
{
    char name[256] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || !is_host_text(str_of(name)))
        return STR("localhost");
    return arena_copy(arena, str_of(name));
}

static bool is_loopback(struct str host)
{
    char text[64];
    struct in_addr v4;
    struct in6_addr v6;
    if (str_equal_nocase(host, STR("localhost")))
        return true;
    if (host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum err read_relay(const struct config_reader *reader,
                           const struct yaml_node *node,
                           struct relay_settings *settings, struct relay_extra *extra)
{
    struct relay_draft draft = {
        .settings = {.connections = CAMPAIGN_CONNECTIONS,
                     .messages_per_connection = CAMPAIGN_PER_CONNECTION,
                     .pipelining = true},
        .extra = {.chunking = true},
        .tls = TLS_UNSET,
    };
    enum err err = config_read_map(reader, config_relay_keys, node, &draft);
    if (err != ERR_NONE)
        return err;
    if (draft.settings.host.n == 0)
        return config_refuse(reader, node, "relay: host is missing; add it");
    if (draft.extra.user.n > 0 && draft.extra.password_file.n == 0)
        return config_refuse(reader, node,
                             "relay: user without password-file; give both");
    if (draft.extra.password_file.n > 0 && draft.extra.user.n == 0)
        return config_refuse(reader, node,
                             "relay: password-file without user; give both");
    draft.extra.tls_is_set = draft.tls != TLS_UNSET;
    bool is_safe = is_loopback(draft.settings.host) && draft.extra.user.n == 0;
    draft.settings.tls = draft.extra.tls_is_set ? (enum relay_tls)draft.tls
                         : is_safe              ? RELAY_TLS_NONE
                                                : RELAY_TLS_REQUIRED;
    if (draft.port == 0)
        draft.port = draft.settings.tls == RELAY_TLS_IMPLICIT ? 465 : 25;
    draft.settings.port = (uint16_t)draft.port;
    if (draft.settings.helo.n == 0)
        draft.settings.helo = own_name(reader->arena);
    *settings = draft.settings;
    *extra = draft.extra;
    return ERR_NONE;
}

enum err config_read_relays(const struct config_reader *reader,
                            const struct config_key *key, const struct yaml_node *value,
                            void *into)
{
    struct campaign_file *campaign = into;
    const struct yaml_node *node = value->kind == YAML_LIST ? value->first : value;
    struct relay_settings *settings =
        arena_calloc(reader->arena, RUN_RELAYS_MAX, sizeof(*settings));
    struct relay_extra *extras =
        arena_calloc(reader->arena, RUN_RELAYS_MAX, sizeof(*extras));
    (void)key;
    if (settings == NULL || extras == NULL)
        return config_no_memory(reader);
    if (node == NULL)
        return config_refuse(reader, value, "is empty; leave the key out instead");
    size_t n = 0;
    for (; node != NULL; node = value->kind == YAML_LIST ? node->next : NULL) {
        if (n == RUN_RELAYS_MAX)
            return config_refuse(reader, node, "relay: more than %d; leave some out",
                                 RUN_RELAYS_MAX);
        enum err err = read_relay(reader, node, &settings[n], &extras[n]);
        if (err != ERR_NONE)
            return err;
        n++;
    }
    campaign->relays = settings;
    campaign->relay_extras = extras;
    campaign->relay_count = n;
    return ERR_NONE;
}
