#include "templates/value.h"

#include "tests/unit/template_fixture.h"

static void json__accepts_and_prints(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"{\"a\": \"x\\u00e9\\ud83d\\ude00\\n\\/\"}", "x\xC3\xA9\xF0\x9F\x98\x80\n/"},
        {"{\"a\": [1, -0.5, 1e3, null, true]}", "1-0.51000.0true"},
        {"{\"a\": {\"z\": 1, \"a\": [], \"z\": 2}}", "{\"z\"=>2, \"a\"=>[]}"},
        {"{\"a\": 123456789012345678901234567890}", "123456789012345678901234567890"},
        {"\xEF\xBB\xBF {\"a\": \"\"} \n", ""},
        {"{\"a\": \"\\ud800\"}", "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct result result = render_json("{{ a }}", cases[i].json, TEMPLATE_STRICT,
                                           TEMPLATE_ESCAPE_NONE);
        assert_string_equal(result.text, cases[i].want);
    }
}

static void json__refuses_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json, *place;
    } cases[] = {{"", "j:1:1"},          {"{\"a\"}", "j:1:5"},
                 {"[1,]", "j:1:4"},      {"{\n \"a\": tru}", "j:2:7"},
                 {"[1 2]", "j:1:4"},     {"\"a", "j:1:2"},
                 {"[01]", "j:1:4"},      {"{} x", "j:1:4"},
                 {"[\"\\x\"]", "j:1:5"}, {"[\"a\nb\"]", "j:2:1"},
                 {"-", "j:1:2"},         {"[1.]", "j:1:4"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct value *value;
        struct error error;
        assert_int_equal(
            value_parse_json(str_of(cases[i].json), STR("j"), &value, &error),
            ERR_DATA);
        if (strstr(error.text, cases[i].place) == NULL)
            fail_msg("%s: %s", cases[i].json, error.text);
    }
}

static void json__nesting_is_bounded(void **state)
{
    (void)state;
    char deep[1000];
    struct value *value;
    memset(deep, '[', sizeof deep);
    assert_int_equal(
        value_parse_json(str_slice(deep, sizeof deep), STR("j"), &value, NULL),
        ERR_DATA);
}

static void json__every_truncation_is_refused(void **state)
{
    (void)state;
    struct str whole = STR("{\"a\":[1,2.5e1,\"x\\u00e9\",null,{\"b\":true}]}");
    for (size_t n = 0; n < whole.n; n++) {
        struct value *value;
        assert_int_equal(value_parse_json(str_head(whole, n), STR("j"), &value, NULL),
                         ERR_DATA);
    }
}

static void json__members_are_found_in_order(void **state)
{
    (void)state;
    struct value *value = json_of("{\"b\":\"x\",\"a\":7,\"n\":null}");
    struct str name, text;
    int64_t integer;
    assert_int_equal(value_member_count(value), 3);
    value_member_at(value, 1, &name);
    assert_true(str_equal(name, STR("a")));
    assert_true(value_is_string(value_member(value, STR("b")), &text) && text.n == 1);
    assert_true(value_is_integer(value_member(value, STR("a")), &integer) &&
                integer == 7);
    assert_true(value_is_null(value_member(value, STR("n"))));
    assert_null(value_member(value, STR("zz")));
    value_free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__accepts_and_prints),
        cmocka_unit_test(json__refuses_with_its_place),
        cmocka_unit_test(json__nesting_is_bounded),
        cmocka_unit_test(json__every_truncation_is_refused),
        cmocka_unit_test(json__members_are_found_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
