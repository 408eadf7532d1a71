/* Failed sign-ins: who must wait before the next. */
#pragma once

#include "base/str.h"

enum { ATTEMPTS_PLACES = 1024, ATTEMPTS_FREE = 5, ATTEMPTS_MOST_S = 60 };

/* A table of fixed size: a flood of names overwrites, it does not grow. Zeroes to begin with; the
 * owner's lock guards it. */
typedef struct attempts {
    struct attempt {
        uint64_t who;
        uint32_t failures;
        uint64_t until_us; /* no sign-in before */
    } places[ATTEMPTS_PLACES];
} attempts;

/* Seconds to wait before this peer may try this name; 0: none. */
int attempts_wait_s(attempts *t, str peer, str name);
/* After ATTEMPTS_FREE failures in a row each further one doubles the wait, from 1 s to
 * ATTEMPTS_MOST_S. */
void attempts_note(attempts *t, str peer, str name, bool is_right);
