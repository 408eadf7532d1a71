/* The jobs of a home, until nothing is left to do. */
#include "cli/work.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

/* The jobs that run, and the first error of each. */
typedef struct crew {
    home *home;
    arena *arena;
    state_job *records;
    job **jobs; /* NULL: it cannot be opened, or has failed */
    size_t count;
    error first_error;
} crew;

static void note_failure(crew *c, size_t i, const error *why)
{
    fprintf(stderr, "floe: %s\n", why->message);
    if (c->first_error.code == ERR_NONE)
        c->first_error = *why;
    job_close(c->jobs[i]);
    c->jobs[i] = NULL;
}

static bool open_jobs(crew *c, const job_limits *limits, error *err)
{
    TRY(state_job_list(home_state(c->home), c->arena, &c->records, &c->count, err));
    c->jobs = arena_array_of(c->arena, job *, c->count);
    for (size_t i = 0; i < c->count; i++) {
        error why = { 0 };
        if (!c->records[i].is_paused &&
            !job_open(c->home, &c->records[i], limits, &c->jobs[i], &why))
            note_failure(c, i, &why);
    }
    return true;
}

static void run_jobs(crew *c)
{
    for (bool did_work = true; did_work;) {
        did_work = false;
        for (size_t i = 0; i < c->count; i++) {
            uint64_t started = clock_monotonic_us();
            job_progress p;
            error why = { 0 };
            if (!c->jobs[i])
                continue;
            if (!job_run(c->jobs[i], &p, &why)) {
                note_failure(c, i, &why);
                continue;
            }
            did_work |= p.did_work;
            double seconds = (double)(clock_monotonic_us() - started) / 1e6;
            if (p.did_work)
                log_info("job " STR_FMT ": %lld rows in %.2f s", STR_ARG(c->records[i].name),
                         (long long)p.rows, seconds);
            if (p.bad_lines)
                log_warn("job " STR_FMT ": %lld line%s could not be read and went to its dead "
                         "letters",
                         STR_ARG(c->records[i].name), (long long)p.bad_lines,
                         p.bad_lines == 1 ? "" : "s");
        }
    }
}

static bool report_bad(crew *c, error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < c->count; i++) {
        state_object *bad;
        size_t count;
        TRY(state_bad_objects(home_state(c->home), c->arena, c->records[i].id, &bad, &count, err));
        for (size_t k = 0; k < count; k++)
            fprintf(stderr, "floe: " STR_FMT ": " STR_FMT "\n",
                    STR_ARG(store_path_of_uri(bad[k].uri)), STR_ARG(bad[k].fault));
        total += count;
    }
    if (total)
        return fail(err, ERR_CORRUPT,
                    "%zu file%s could not be loaded (floe jobs lists them); the others are", total,
                    total == 1 ? "" : "s");
    return true;
}

bool jobs_catch_up(home *h, const job_limits *limits, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    crew c = { .home = h, .arena = a };
    TRY(open_jobs(&c, limits, err));
    run_jobs(&c);
    for (size_t i = 0; i < c.count; i++)
        job_close(c.jobs[i]);
    if (c.first_error.code != ERR_NONE) {
        *err = c.first_error;
        return fail_while(err, "not caught up");
    }
    return report_bad(&c, err);
}
