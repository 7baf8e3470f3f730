#include "cmd/config/yaml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct error error;

static struct yaml_node *parse(const char *text)
{
    struct yaml_node *root = NULL;
    arena_fini(&arena);
    arena_init(&arena, 8u << 20);
    error = (struct error){ERR_NONE, ""};
    if (yaml_tree_parse(str_of(text), STR("a.yaml"), &arena, &root, &error) != ERR_NONE)
        return NULL;
    return root;
}

static void assert_member(const struct yaml_node *map, const char *key,
                          const char *want)
{
    const struct yaml_node *node = yaml_member(map, str_of(key));
    assert_non_null(node);
    assert_int_equal(node->kind, YAML_TEXT);
    assert_true(str_equal(node->text, str_of(want)));
}

static void yaml_tree__keeps_every_scalar_as_text(void **state)
{
    (void)state;
    struct yaml_node *root = parse("a: no\nb: 1e3\nc: 08\nd: 'x: y'\ne: ~\nf:\n");
    assert_non_null(root);
    assert_member(root, "a", "no");
    assert_member(root, "b", "1e3");
    assert_member(root, "c", "08");
    assert_member(root, "d", "x: y");
    assert_member(root, "e", "~");
    assert_member(root, "f", "");
}

static void yaml_tree__nests_maps_and_lists_with_positions(void **state)
{
    (void)state;
    struct yaml_node *root = parse(
        "relay:\n  host: h\n  port: 25\nlimits:\n- domains: [a, b]\n  rate: 1/s\n");
    assert_non_null(root);
    assert_member(yaml_member(root, STR("relay")), "port", "25");
    const struct yaml_node *rule = yaml_member(root, STR("limits"))->first;
    assert_int_equal(rule->kind, YAML_MAP);
    const struct yaml_node *domains = yaml_member(rule, STR("domains"));
    assert_int_equal(domains->kind, YAML_LIST);
    assert_true(str_equal(domains->first->next->text, STR("b")));
    assert_int_equal(domains->first->next->line, 5);
    assert_int_equal(domains->first->next->column, 16);
    assert_int_equal(yaml_member(rule, STR("rate"))->key_line, 6);
}

static void yaml_tree__is_null_for_an_empty_document(void **state)
{
    (void)state;
    assert_null(parse("# nothing\n"));
    assert_int_equal(error.code, ERR_NONE);
}

static void yaml_tree__refuses_what_surprises(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a: &x 1\n", "a.yaml:1:4: anchors"},
        {"a: 1\nb: *x\n", "a.yaml:2:4"},
        {"a: !!int 1\n", "a.yaml:1:4: tags"},
        {"a: 1\nb: 2\na: 3\n", "a.yaml:3:1: this key stands here twice: a"},
        {"x:\n  a: 1\n  a: 2\n", "a.yaml:3:3: this key stands here twice"},
        {"a: 1\n---\nb: 2\n", "a second document"},
        {"[a]: 1\n", "a.yaml:1:1"},
        {"subject: {{ name }}\n", "begins with a brace needs quotes"},
        {"subject: {{ name }}, hello\n", "begins with a brace needs quotes"},
        {"subject: {% if a %}x{% endif %}\n", "begins with a brace needs quotes"},
        {"subject: {{ a | default: \"x\" }}, b\nlist: c\n", "needs quotes"},
        {"list: a\n- {{ x }}\n", "a.yaml:2:1"},
        {"a: [1\nb: 2\n", "a.yaml:2"},
        {"a: [[[[[[[[[[1]]]]]]]]]]\n", "nested too deeply"},
        {"a: \"x\\0y\"\n", "NUL"},
        {"a: \xff\n", "UTF-8"},
        {"\ta: 1\n", "a.yaml:1:1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(parse(cases[i].text));
        assert_int_equal(error.code, ERR_CONFIG);
        if (strstr(error.text, cases[i].want) == NULL)
            fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void yaml_tree__survives_every_truncation(void **state)
{
    static const char text[] =
        "a: {b: [1, 'x'], c: \"y\\n\"}\n'd': |\n  z\n  y\ne:\n- f\n";
    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        char copy[sizeof(text)];
        memcpy(copy, text, n);
        copy[n] = '\0';
        (void)parse(copy);
    }
}

static void yaml_tree__bounds_the_number_of_nodes(void **state)
{
    static char text[YAML_NODES_MAX * 4 + 16];
    (void)state;
    strcpy(text, "a: [");
    for (size_t i = 0; i < YAML_NODES_MAX; i++)
        memcpy(text + 4 + i * 2, "1,", 2);
    strcpy(text + 4 + YAML_NODES_MAX * 2, "]\n");
    assert_null(parse(text));
    assert_non_null(strstr(error.text, "too large"));
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_tree__keeps_every_scalar_as_text),
        cmocka_unit_test(yaml_tree__nests_maps_and_lists_with_positions),
        cmocka_unit_test(yaml_tree__is_null_for_an_empty_document),
        cmocka_unit_test(yaml_tree__refuses_what_surprises),
        cmocka_unit_test(yaml_tree__survives_every_truncation),
        cmocka_unit_test(yaml_tree__bounds_the_number_of_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
