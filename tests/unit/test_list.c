/* list.h: order, removal while walking, nodes on no list. */
#include "core/base/list.h"

#include "tests/unit/cmocka_all.h"

struct item {
    int number;
    struct list link;
};

static struct item *item_of(struct list *node)
{
    return container_of(node, struct item, link);
}

static void list_fill(struct list *head, struct item *items, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].number = i;
        list_init(&items[i].link);
        list_append(head, &items[i].link);
    }
}

static void list__keeps_order_of_appending(void **state)
{
    (void)state;
    struct item items[5], first = {.number = -1};
    struct list head;
    list_fill(&head, items, 5);
    list_prepend(&head, &first.link);
    int want = -1;
    LIST_FOREACH(node, &head)
    assert_int_equal(item_of(node)->number, want++);
    assert_int_equal(want, 5);
}

static void list_insert_before__puts_it_there(void **state)
{
    (void)state;
    struct item items[2], between = {.number = 7};
    struct list head;
    list_fill(&head, items, 2);
    list_insert_before(&items[1].link, &between.link);
    assert_ptr_equal(items[0].link.next, &between.link);
    assert_ptr_equal(items[1].link.prev, &between.link);
}

static void list_shift__empties_from_the_front(void **state)
{
    (void)state;
    struct item items[3];
    struct list head, *node;
    list_fill(&head, items, 3);
    for (int want = 0; (node = list_shift(&head)) != NULL; want++) {
        assert_int_equal(item_of(node)->number, want);
        assert_true(list_is_empty(node));
    }
    assert_true(list_is_empty(&head));
    assert_null(list_shift(&head));
}

static void list_remove__twice_is_harmless(void **state)
{
    (void)state;
    struct item items[3];
    struct list head;
    list_fill(&head, items, 3);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_ptr_equal(items[0].link.next, &items[2].link);
    assert_ptr_equal(items[2].link.prev, &items[0].link);
}

static void list_foreach_safe__body_may_remove(void **state)
{
    (void)state;
    struct item items[6];
    struct list head;
    int seen = 0;
    list_fill(&head, items, 6);
    LIST_FOREACH_SAFE(node, following, &head)
    {
        seen++;
        if (item_of(node)->number % 2 == 0)
            list_remove(node);
    }
    assert_int_equal(seen, 6);
    int want = 1;
    LIST_FOREACH(node, &head)
    {
        assert_int_equal(item_of(node)->number, want);
        want += 2;
    }
    assert_int_equal(want, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__keeps_order_of_appending),
        cmocka_unit_test(list_insert_before__puts_it_there),
        cmocka_unit_test(list_shift__empties_from_the_front),
        cmocka_unit_test(list_remove__twice_is_harmless),
        cmocka_unit_test(list_foreach_safe__body_may_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
