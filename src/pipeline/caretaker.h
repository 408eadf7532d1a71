/* What goes on in the background of `floe serve` beside the jobs: statistics of what was loaded,
 * and upkeep of the tables. */
#pragma once

#include "pipeline/home.h"

/* One thread of the lowest priority, with an SQL engine, and so a budget of memory, of its own. */
typedef struct caretaker caretaker;

typedef struct caretaker_options {
    bool keeps_statistics, compacts; /* a few seconds behind the jobs; each minute */
    int64_t interval_us; /* between rounds of all upkeep over all tables; 0: none of them */
    /* A line about a table that changed or could not be kept, from the caretaker's thread; NULL:
     * nobody listens. */
    void (*report)(void *context, str line, bool is_failure);
    void *context;
} caretaker_options;

/* `h` must outlive it. Tables with the property floe.upkeep = 'off' are left alone. */
NODISCARD bool caretaker_start(home *h, const caretaker_options *options, caretaker **ret_caretaker,
                               error *err);
/* Abandon what is under way and end the thread; within a second or so. NULL is fine. */
void caretaker_stop(caretaker *c);
DEFINE_AUTO(caretaker, caretaker_stop)
