/* Runs a home's jobs again and again, each at its interval, until stopped: the part of `floe serve`
 * that loads. */
#pragma once

#include "pipeline/job.h"

/* One thread of its own; jobs run one after the other, sources before what reads them. */
typedef struct scheduler scheduler;

typedef struct scheduler_options {
    int64_t interval_us; /* of jobs that say none; 0: one minute */
    job_limits limits;
    /* A line about what happened, from the scheduler's thread; NULL: nobody listens. */
    void (*report)(void *context, str line, bool is_failure);
    void *context;
} scheduler_options;

/* `h` must outlive it. Jobs that other processes run are left alone and taken over when those end.
 */
NODISCARD bool scheduler_start(home *h, const scheduler_options *options, scheduler **ret_scheduler,
                               error *err);
/* A job was made, altered or resumed: look now instead of within a second. From any thread. */
void scheduler_wake(scheduler *s);
/* Abandon the run that is under way (a commit is finished) and end the thread; within a second or
 * so. NULL is fine. */
void scheduler_stop(scheduler *s);
DEFINE_AUTO(scheduler, scheduler_stop)
