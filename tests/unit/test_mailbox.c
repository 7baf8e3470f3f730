/* mailbox.h: order, the wake-up, waiting, many posters. */
#include "core/base/mailbox.h"

#include "core/base/clock.h"
#include "core/base/err.h"
#include "tests/unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct letter {
    struct mail mail;
    int poster, number;
};

static struct letter *letter_of(struct list *node)
{
    return container_of(node, struct letter, mail.link);
}

static void count_wake(void *self)
{
    atomic_fetch_add((atomic_int *)self, 1);
}

static void mailbox_take__empty_gives_nothing(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct list taken;
    list_init(&taken);
    mailbox_init(&mailbox, 1, NULL, NULL);
    assert_int_equal(mailbox_take(&mailbox, &taken), 0);
    assert_int_equal(mailbox_wait(&mailbox, &taken, 0), 0);
    assert_true(list_is_empty(&taken));
    mailbox_fini(&mailbox);
}

static void mailbox__keeps_order_and_wakes_once_per_filling(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct letter letters[6];
    struct list taken;
    atomic_int wakes = 0;
    list_init(&taken);
    mailbox_init(&mailbox, 3, count_wake, &wakes);
    for (int i = 0; i < 6; i++) {
        letters[i].number = i;
        assert_false(mailbox_is_full(&mailbox));
        mailbox_post(&mailbox, &letters[i].mail);
        assert_int_equal(atomic_load(&wakes), i < 3 ? 1 : 2);
        if (i % 3 == 2) {
            assert_true(mailbox_is_full(&mailbox));
            assert_int_equal(mailbox_take(&mailbox, &taken), 3);
        }
    }
    int want = 0;
    LIST_FOREACH(node, &taken)
    assert_int_equal(letter_of(node)->number, want++);
    assert_int_equal(want, 6);
    mailbox_fini(&mailbox);
}

static void mailbox_wait__ends_at_its_time(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct list taken;
    list_init(&taken);
    mailbox_init(&mailbox, 1, NULL, NULL);
    uint64_t start = clock_mono_ns();
    assert_int_equal(mailbox_wait(&mailbox, &taken, 20 * NS_PER_MS), 0);
    uint64_t waited = clock_mono_ns() - start;
    assert_in_range(waited, 20 * NS_PER_MS, 5000 * NS_PER_MS);
    mailbox_fini(&mailbox);
}

static void mailbox_post__beyond_the_maximum_is_a_bug(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct mailbox mailbox;
        struct letter letters[2];
        close(STDERR_FILENO);
        mailbox_init(&mailbox, 1, NULL, NULL);
        mailbox_post(&mailbox, &letters[0].mail);
        mailbox_post(&mailbox, &letters[1].mail);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 70);
}

#define POSTERS 4
#define LETTERS 5000

struct poster {
    struct mailbox *mailbox;
    int number;
    struct letter letters[LETTERS];
};

static void *poster_run(void *argument)
{
    struct poster *poster = argument;
    for (int i = 0; i < LETTERS; i++) {
        poster->letters[i].poster = poster->number;
        poster->letters[i].number = i;
        mailbox_post(poster->mailbox, &poster->letters[i].mail);
    }
    return NULL;
}

static void mailbox__many_posters_lose_nothing(void **state)
{
    (void)state;
    struct mailbox mailbox;
    pthread_t threads[POSTERS];
    int next[POSTERS] = {0}, count = 0;
    struct poster *posters = calloc(POSTERS, sizeof *posters);
    assert_non_null(posters);
    mailbox_init(&mailbox, (size_t)POSTERS * LETTERS, NULL, NULL);
    for (int i = 0; i < POSTERS; i++) {
        posters[i].mailbox = &mailbox;
        posters[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, poster_run, &posters[i]), 0);
    }
    while (count < POSTERS * LETTERS) {
        struct list taken, *node;
        list_init(&taken);
        size_t got = mailbox_wait(&mailbox, &taken, UINT64_MAX);
        assert_true(got > 0);
        while ((node = list_shift(&taken)) != NULL) {
            struct letter *letter = letter_of(node);
            assert_int_equal(letter->number, next[letter->poster]++);
            count++;
            got--;
        }
        assert_int_equal(got, 0);
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    mailbox_fini(&mailbox);
    free(posters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailbox_take__empty_gives_nothing),
        cmocka_unit_test(mailbox__keeps_order_and_wakes_once_per_filling),
        cmocka_unit_test(mailbox_wait__ends_at_its_time),
        cmocka_unit_test(mailbox_post__beyond_the_maximum_is_a_bug),
        cmocka_unit_test(mailbox__many_posters_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
