/* Upkeep of a home's tables in the background: the part of `floe serve` that keeps them healthy
 * while jobs write. */
#pragma once

#include "pipeline/home.h"

/* One thread of its own. */
typedef struct caretaker caretaker;

typedef struct caretaker_options {
    int64_t interval_us; /* between rounds over all tables; 0: ten minutes */
    /* A line about a table that changed or could not be kept, from the caretaker's thread; NULL:
     * nobody listens. */
    void (*report)(void *context, str line, bool is_failure);
    void *context;
} caretaker_options;

/* `h` must outlive it. Tables with the property floe.upkeep = 'off' are left alone. */
NODISCARD bool caretaker_start(home *h, const caretaker_options *options, caretaker **ret_caretaker,
                               error *err);
/* Abandon the rewrite that is under way and end the thread; within a second or so. NULL is fine. */
void caretaker_stop(caretaker *c);
DEFINE_AUTO(caretaker, caretaker_stop)
