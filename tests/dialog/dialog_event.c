#include "tests/dialog/dialog.h"

#include <stdio.h>

static struct dialog_event *event_add(struct dialog *dialog)
{
    CHECK(dialog->event_count < DIALOG_EVENTS_MAX);
    struct dialog_event *event = &dialog->events[dialog->event_count++];
    memset(event, 0, sizeof *event);
    return event;
}

static void event_describe(struct dialog_event *event, const char *head,
                           const struct outcome *outcome)
{
    snprintf(
        event->words, sizeof event->words, "%s %s %s %u %u.%u.%u %s %s %s id=%.*s ",
        head, outcome_state_word(outcome->state), smtp_stage_word(outcome->stage),
        outcome->code, outcome->enhanced[0], outcome->enhanced[1], outcome->enhanced[2],
        outcome->class_word, outcome_scope_word(outcome->scope),
        outcome->suppress ? "suppress" : "keep", STR_ARG(outcome->remote_id));
    memcpy(event->text, outcome->text.p, outcome->text.n);
    event->has_suppress = outcome->suppress;
}

void dialog_on_arm(struct dialog *dialog, unsigned number)
{
    struct dialog_event *event = event_add(dialog);
    snprintf(event->words, sizeof event->words, "arm? %u ", number);
}

void dialog_on_done(struct dialog *dialog, unsigned number,
                    const struct outcome *outcome)
{
    char head[32];
    snprintf(head, sizeof head, "done %u", number);
    event_describe(event_add(dialog), head, outcome);
}

void dialog_on_ready(struct dialog *dialog)
{
    struct dialog_event *event = event_add(dialog);
    snprintf(event->words, sizeof event->words, "ready ");
}

void dialog_on_over(struct dialog *dialog, const struct outcome *why, bool was_orderly)
{
    event_describe(event_add(dialog), was_orderly ? "over orderly" : "over broken",
                   why);
}

static bool has_word(const char *words, const char *word, size_t n)
{
    for (const char *at = words; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length == n && memcmp(at, word, n) == 0)
            return true;
        at += length + (at[length] == ' ' ? 1 : 0);
    }
    return false;
}

void dialog_expect_event(struct dialog *dialog, const char *line)
{
    if (dialog->event_next == dialog->event_count) {
        dialog_fail(dialog, "no such event happened", str_of(line));
        return;
    }
    const struct dialog_event *event = &dialog->events[dialog->event_next++];
    const char *text = strstr(line, "text=");
    size_t end = text != NULL ? (size_t)(text - line) : strlen(line);
    bool wants_suppress = false;
    for (size_t at = 0; at < end;) {
        size_t length = strcspn(line + at, " ");
        wants_suppress |= length == 8 && memcmp(line + at, "suppress", 8) == 0;
        if (length > 0 && !has_word(event->words, line + at, length))
            dialog_fail(dialog, "the event was", str_of(event->words));
        at += length + 1;
    }
    if (text != NULL && strstr(event->text, text + 5) == NULL)
        dialog_fail(dialog, "its text was", str_of(event->text));
    if (event->has_suppress != wants_suppress)
        dialog_fail(dialog, "suppress differs", str_of(event->words));
}
