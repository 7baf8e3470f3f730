#include "core/smtp/outcome.h"

static const char *const stage_words[] = {
#define STAGE_WORD(name, word) [name] = word,
    SMTP_STAGE_LIST(STAGE_WORD)
#undef STAGE_WORD
};

static const char *const state_words[] = {
#define STATE_WORD(name, word) [name] = word,
    OUTCOME_STATE_LIST(STATE_WORD)
#undef STATE_WORD
};

static const char *const scope_words[] = {
#define SCOPE_WORD(name, word) [name] = word,
    OUTCOME_SCOPE_LIST(SCOPE_WORD)
#undef SCOPE_WORD
};

const char *smtp_stage_word(enum smtp_stage stage)
{
    return stage_words[stage];
}

bool smtp_stage_of(struct str word, enum smtp_stage *stage)
{
    for (size_t i = 0; i < sizeof stage_words / sizeof *stage_words; i++)
        if (str_equal(word, str_of(stage_words[i]))) {
            *stage = (enum smtp_stage)i;
            return true;
        }
    return false;
}

const char *outcome_state_word(enum outcome_state state)
{
    return state_words[state];
}

const char *outcome_scope_word(enum outcome_scope scope)
{
    return scope_words[scope];
}
