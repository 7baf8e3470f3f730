#include "cmd/config/campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD  "campaign: c\nlist: l\nfrom: a@b.example\nsubject: s\nhtml: h.html\n"
#define RELAY "relay: {host: 127.0.0.1, port: 2525}\n"

static struct campaign_file campaign;
static struct error error;

static enum err parse(const char *text)
{
    error = (struct error){ERR_NONE, ""};
    return campaign_file_parse(str_of(text), STR("c.yaml"), &campaign, &error);
}

static void campaign_file__reads_the_whole_contract(void **state)
{
    (void)state;
    assert_int_equal(
        parse("campaign: spring-2026\nlist: customers\n"
              "from: Acme News <news@acme.example>\nreply-to: hello@acme.example\n"
              "subject: '{{ first_name | default: \"Hello\" }}, spring is here'\n"
              "html: spring.html\ntext: spring.txt\nattach: [terms.pdf]\n"
              "inline: [logo.png]\ndata: shop.json\n"
              "where: plan == \"pro\" and orders > 3\nin-doubt: retry\nmissing: hold\n"
              "headers:\n  X-Campaign: '{{ campaign_name }}'\n"
              "relay:\n  host: smtp.acme.example\n  port: 587\n  tls: required\n"
              "  ca-file: /etc/acme/ca.pem\n  user: mailer\n"
              "  password-file: relay.password\n  connections: 8\n"
              "  messages-per-connection: 2k\n  pipelining: never\n  chunking: auto\n"
              "  helo: mail.acme.example\n"
              "limits:\n- domains: ['*']\n  rate: 100/s\n  connections: 10\n"
              "- domains: [GMAIL.com, googlemail.com]\n  rate: 20/m\n"
              "  messages-per-connection: 50\n"
              "retry: {first: 1m, factor: 1.5, longest: 1h, give-up: 1d}\n"),
        ERR_NONE);
    assert_true(str_equal(campaign.where, STR("plan == \"pro\" and orders > 3")));
    assert_true(campaign.retry_in_doubt && campaign.hold_missing);
    assert_int_equal(campaign.header_count, 1);
    assert_int_equal(campaign.relay_count, 1);
    assert_int_equal(campaign.relays[0].port, 587);
    assert_int_equal(campaign.relays[0].tls, RELAY_TLS_REQUIRED);
    assert_int_equal(campaign.relays[0].connections, 8);
    assert_int_equal(campaign.relays[0].messages_per_connection, 2000);
    assert_false(campaign.relays[0].pipelining);
    assert_true(campaign.relay_extras[0].chunking);
    assert_int_equal(campaign.limit_count, 2);
    assert_true(str_equal(campaign.limits[1].domains[0], STR("gmail.com")));
    assert_int_equal(campaign.limits[1].rate.count, 20);
    assert_int_equal(campaign.retry.first_ms, 60000);
    assert_int_equal(campaign.retry.give_up_ms, 86400000);
    campaign_file_free(&campaign);
}

static void campaign_file__has_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD RELAY), ERR_NONE);
    assert_int_equal(campaign.relays[0].tls, RELAY_TLS_NONE);
    assert_int_equal(campaign.relays[0].connections, CAMPAIGN_CONNECTIONS);
    assert_true(campaign.relays[0].pipelining);
    assert_true(campaign.relays[0].helo.n > 0);
    assert_false(campaign.retry_in_doubt);
    assert_int_equal(campaign.retry.first_ms, 300000);
    assert_int_equal(campaign_file_check_relays(&campaign, &error), ERR_NONE);
    campaign_file_free(&campaign);
}

static void campaign_file__never_silently_sends_in_clear(void **state)
{
    static const struct {
        const char *relay;
        enum err want;
    } cases[] = {
        {"{host: localhost}", ERR_NONE},
        {"{host: '::1'}", ERR_NONE},
        {"{host: '[::1]'}", ERR_NONE},
        {"{host: 127.1.2.3}", ERR_NONE},
        {"{host: 10.0.0.1}", ERR_PROTOCOL},
        {"{host: relay.example}", ERR_PROTOCOL},
        {"{host: relay.example, tls: none}", ERR_NONE},
        {"{host: relay.example, tls: opportunistic}", ERR_NONE},
        {"{host: localhost, tls: required}", ERR_PROTOCOL},
        {"{host: localhost, tls: implicit}", ERR_PROTOCOL},
        {"{host: localhost, user: u, password-file: p}", ERR_PROTOCOL},
        {"[{host: localhost}, {host: 10.0.0.1}]", ERR_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), HEAD "relay: %s\n", cases[i].relay);
        assert_int_equal(parse(text), ERR_NONE);
        assert_int_equal(campaign_file_check_relays(&campaign, &error), cases[i].want);
        campaign_file_free(&campaign);
    }
}

/* Block scalars end in a line break, and a template may be laid out over lines. */
static void campaign_file__headers_are_one_line(void **state)
{
    static const char text[] =
        "campaign: c\nlist: l\nhtml: h\n"
        "from: >\n  Acme News\n  <a@b.example>\n"
        "subject: |\n  {% if vip %}\n    Hello  VIP\n  {% endif %}\n"
        "headers:\n  X-A: |\n    one\n  X-B: \"two\\r\\n  \\tthree \"\n";
    (void)state;
    assert_int_equal(parse(text), ERR_NONE);
    assert_true(str_equal(campaign.from, STR("Acme News <a@b.example>")));
    assert_true(
        str_equal(campaign.subject, STR("{% if vip %} Hello  VIP {% endif %}")));
    assert_true(str_equal(campaign.headers[0].value, STR("one")));
    assert_true(str_equal(campaign.headers[1].value, STR("two three")));
    campaign_file_free(&campaign);
}

static void campaign_file__refuses_with_a_position(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {HEAD "colour: red\n", "c.yaml:6:1: unknown key: colour"},
        {HEAD "relay: {host: h, prot: 25}\n", "c.yaml:6:18: unknown key: prot"},
        {HEAD "relay: {port: 25}\n", "host is missing"},
        {HEAD "relay: {host: h, port: 0}\n", "port: 0: out of range"},
        {HEAD "relay: {host: h, port: 65536}\n", "port: 65536: out of range"},
        {HEAD "relay: {host: h, port: 25 }\n  x: 1\n", "c.yaml:"},
        {HEAD "relay: {host: h, tls: yes}\n", "tls: yes: unknown; use one of none|"},
        {HEAD "relay: {host: 'a b'}\n", "no host name"},
        {HEAD "relay: {host: h, helo: 'a b'}\n", "helo"},
        {HEAD "relay: {host: h, user: u}\n", "without password-file"},
        {HEAD "relay: []\n", "is empty"},
        {HEAD "limits: {}\n", "must be a list"},
        {HEAD "limits: []\n", "must have 1"},
        {HEAD "limits: [{rate: 1/s}]\n", "domains is missing"},
        {HEAD "limits: [{domains: [a.example]}]\n", "limits nothing"},
        {HEAD "limits: [{domains: [a.example], rate: 0/s}]\n",
         "c.yaml:6:39: rate: 0/s"},
        {HEAD "limits: [{domains: [a.example], rate: -1/s}]\n", "rate: -1/s: no rate"},
        {HEAD "limits: [{domains: [a.example], rate: 1e30/s}]\n",
         "rate: 1e30/s: no rate"},
        {HEAD "limits: [{domains: [a.example], rate: 20}]\n", "rate: 20: no rate"},
        {HEAD "limits: [{domains: ['a b'], rate: 2/s}]\n", "domains"},
        {HEAD "limits: [{domains: [a.example, A.example], rate: 2/s}]\n", "twice"},
        {HEAD "limits:\n- {domains: ['*'], rate: 2/s}\n- {domains: ['*'], rate: 1/s}\n",
         "c.yaml:8:3: limits: * stands here twice"},
        {HEAD "retry: {first: 5}\n", "c.yaml:6:16: first: 5: no time"},
        {HEAD "retry: {first: 5h, longest: 1h}\n", "longest is shorter"},
        {HEAD "retry: {factor: 0.5}\n", "factor: 0.5: out of range"},
        {HEAD "in-doubt: maybe\n", "in-doubt: maybe: unknown; use one of hold|retry"},
        {HEAD "headers: {'a b': c}\n", "a header name is printable ASCII"},
        {HEAD "headers:\n  X-A: b\n  Subject: c\n",
         "c.yaml:8:3: Subject: this header is not for a campaign to set"},
        {HEAD "headers: {X-A: b, x-a: c}\n", "x-a: this header stands here twice"},
        {HEAD "reply-to: '{{ name }} <a@b.example>'\n", "no template"},
        {HEAD "headers: [a]\n", "must be a map"},
        {HEAD "reply-to:\n", "c.yaml:6:10: reply-to: is empty"},
        {HEAD "reply-to: [a]\n", "must be one value"},
        {HEAD "text: {name}\n", "begins with a brace needs quotes"},
        {"campaign: a/b\n", "use letters"},
        {"list: l\nfrom: a@b\nsubject: s\nhtml: h\n", "the key campaign is missing"},
        {"campaign: c\nlist: l\nfrom: a@b\nsubject: s\n", "neither html nor text"},
        {"- a\n", "must be a map"},
        {"", "the key campaign is missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), ERR_CONFIG);
        if (strstr(error.text, cases[i].want) == NULL)
            fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void campaign_file__wins_over_the_settings_key_by_key(void **state)
{
    (void)state;
    write_text("c.yaml",
               "campaign: c\nlist: l\nsubject: s\ntext: t\nretry: {first: 1m}\n");
    write_text("s.yaml",
               "from: set@tings.example\nretry: {first: 2m, factor: 9}\n" RELAY);
    assert_int_equal(campaign_file_load("c.yaml", "s.yaml", &campaign, &error),
                     ERR_NONE);
    assert_true(str_equal(campaign.from, STR("set@tings.example")));
    assert_int_equal(campaign.retry.first_ms, 60000);
    assert_true(campaign.retry.factor < 3);
    assert_int_equal(campaign.relay_count, 1);
    assert_int_equal(campaign.path.p[0], '/');
    assert_true(str_equal(str_from(campaign.path, campaign.folder.n), STR("/c.yaml")));
    campaign_file_free(&campaign);
}

static void campaign_file__takes_broadside_yaml_if_it_is_there(void **state)
{
    (void)state;
    write_text("c.yaml", "campaign: c\nlist: l\nsubject: s\ntext: t\n");
    write_text("broadside.yaml", "from: set@tings.example\n");
    assert_int_equal(campaign_file_load("c.yaml", NULL, &campaign, &error), ERR_NONE);
    campaign_file_free(&campaign);
    write_text("broadside.yaml", "from: a@b.example\nlist: x\n");
    assert_int_equal(campaign_file_load("c.yaml", NULL, &campaign, &error), ERR_CONFIG);
    assert_non_null(strstr(error.text, "broadside.yaml:2:7: list: settings for all"));
    assert_int_equal(unlink("broadside.yaml"), 0);
    assert_int_equal(campaign_file_load("none.yaml", NULL, &campaign, &error),
                     ERR_NO_INPUT);
}

static int setup(void **state)
{
    static char folder[] = "/tmp/broadside-test-XXXXXX";
    (void)state;
    return mkdtemp(folder) != NULL ? chdir(folder) : -1;
}

static int teardown(void **state)
{
    char here[256];
    (void)state;
    (void)unlink("c.yaml");
    (void)unlink("s.yaml");
    return getcwd(here, sizeof(here)) != NULL && chdir("/") == 0 ? rmdir(here) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(campaign_file__reads_the_whole_contract),
        cmocka_unit_test(campaign_file__has_defaults),
        cmocka_unit_test(campaign_file__never_silently_sends_in_clear),
        cmocka_unit_test(campaign_file__headers_are_one_line),
        cmocka_unit_test(campaign_file__refuses_with_a_position),
        cmocka_unit_test(campaign_file__wins_over_the_settings_key_by_key),
        cmocka_unit_test(campaign_file__takes_broadside_yaml_if_it_is_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
