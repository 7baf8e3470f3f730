#include "cmd/sandbox_personality.h"

#include <pthread.h>
#include <stdlib.h>

static const struct {
    struct str word, reply;
} personalities[] = {{{"", 0}, {"250 2.1.5 ok", 12}},
#define SANDBOX_PERSONALITY_ROW(name, word, reply)                                     \
    {{word, sizeof(word) - 1}, {reply, sizeof(reply) - 1}},
                     SANDBOX_PERSONALITY_LIST(SANDBOX_PERSONALITY_ROW)
#undef SANDBOX_PERSONALITY_ROW
};

enum { PERSONALITIES = sizeof(personalities) / sizeof(personalities)[0] };

enum sandbox_personality sandbox_personality_of(struct str rcpt)
{
    for (size_t i = 1; i < PERSONALITIES; i++) {
        if (!str_has_prefix_nocase(rcpt, personalities[i].word))
            continue;
        struct str rest = str_from(rcpt, personalities[i].word.n);
        while (rest.n > 0 && ascii_is_digit(rest.p[0]))
            rest = str_from(rest, 1);
        if (rest.n > 0 && (rest.p[0] == '@' || rest.p[0] == '+'))
            return (enum sandbox_personality)i;
    }
    return SANDBOX_PLAIN;
}

struct str sandbox_personality_reply(enum sandbox_personality personality)
{
    return personalities[personality].reply;
}

/*
 * A set of 64-bit hashes with open addressing, at most half full, doubled when it
 * would be more: 16 bytes an address. Two addresses of one hash count as one, which
 * happens once in 10^6 runs at the maximum.
 */
struct sandbox_memory {
    pthread_mutex_t mutex;
    uint64_t *slots;
    size_t slot_count, count;
};

#define MEMORY_FIRST_SLOTS 1024

struct sandbox_memory *sandbox_memory_new(void)
{
    struct sandbox_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    memory->slots = calloc(MEMORY_FIRST_SLOTS, sizeof *memory->slots);
    if (memory->slots == NULL) {
        free(memory);
        return NULL;
    }
    memory->slot_count = MEMORY_FIRST_SLOTS;
    pthread_mutex_init(&memory->mutex, NULL);
    return memory;
}

void sandbox_memory_free(struct sandbox_memory *memory)
{
    if (memory == NULL)
        return;
    pthread_mutex_destroy(&memory->mutex);
    free(memory->slots);
    free(memory);
}

/* Where `hash` is, or the empty slot where it belongs. */
static uint64_t *memory_slot(uint64_t *slots, size_t slot_count, uint64_t hash)
{
    size_t at = hash & (slot_count - 1);
    while (slots[at] != 0 && slots[at] != hash)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static bool memory_grow(struct sandbox_memory *memory)
{
    size_t slot_count = memory->slot_count * 2;
    uint64_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < memory->slot_count; i++)
        if (memory->slots[i] != 0)
            *memory_slot(slots, slot_count, memory->slots[i]) = memory->slots[i];
    free(memory->slots);
    memory->slots = slots;
    memory->slot_count = slot_count;
    return true;
}

static bool memory_add(struct sandbox_memory *memory, uint64_t hash)
{
    if (*memory_slot(memory->slots, memory->slot_count, hash) == hash)
        return false;
    if (memory->count == SANDBOX_MEMORY_MAX ||
        (memory->count * 2 >= memory->slot_count && !memory_grow(memory)))
        return false;
    *memory_slot(memory->slots, memory->slot_count, hash) = hash;
    memory->count++;
    return true;
}

bool sandbox_memory_is_new(struct sandbox_memory *memory, struct str rcpt)
{
    uint64_t hash = str_hash(rcpt) | 1; /* 0 marks an empty slot */
    pthread_mutex_lock(&memory->mutex);
    bool is_new = memory_add(memory, hash);
    pthread_mutex_unlock(&memory->mutex);
    return is_new;
}
