/* The thread that runs jobs when they are due. */
#include "pipeline/scheduler.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/stop.h"
#include "base/vec.h"

enum {
    DEFAULT_INTERVAL_US = 60000000,
    LONGEST_SLEEP_US = 1000000,      /* other processes may have made jobs meanwhile */
    LONGEST_BACK_OFF_US = 600000000, /* between attempts of a job that fails */
};

/* A job of the home as the scheduler sees it. */
typedef struct slot {
    int64_t id;
    str statement; /* of the record that `job` was opened with */
    str name, source, target;
    job *job; /* NULL: paused, run elsewhere, or failed and waiting */
    int64_t interval_us, due_us;
    int failures;
    bool is_listed;
    arena *arena;
} slot;

struct scheduler {
    home *home;
    scheduler_options options;
    pthread_t thread;
    stop_flag is_stopping; /* what runs follows it */
    pthread_mutex_t lock;  /* guards the next one */
    pthread_cond_t wake;
    bool is_woken;
    slot **slots; /* the thread's own */
    size_t count;
};

static void report(scheduler *s, bool is_failure, const char *format, ...)
{
    AUTO(arena_free) arena *a = arena_new();
    va_list args;
    if (!s->options.report)
        return;
    va_start(args, format);
    s->options.report(s->options.context, str_vformat(a, format, args), is_failure);
    va_end(args);
}

static bool is_stopping(scheduler *s)
{
    return atomic_load(&s->is_stopping);
}

static void close_slot(slot *x)
{
    job_close(x->job);
    x->job = NULL;
}

static void free_slot(slot *x)
{
    close_slot(x);
    arena_free(x->arena);
    free(x);
}

/* ---- Which jobs there are ---- */

static slot *find_slot(scheduler *s, int64_t id)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->slots[i]->id == id)
            return s->slots[i];
    return NULL;
}

static slot *add_slot(scheduler *s, const state_job *record)
{
    slot *x = memory_alloc(sizeof *x);
    x->arena = arena_new();
    x->id = record->id;
    s->slots = memory_grow(s->slots, (s->count + 1) * sizeof *s->slots);
    s->slots[s->count++] = x;
    return x;
}

static str full_name(arena *a, const table_name *t)
{
    return str_format(a, STR_FMT "." STR_FMT "." STR_FMT,
                      STR_ARG(t->catalog.len ? t->catalog : STR(HOME_CATALOG)),
                      STR_ARG(t->namespace), STR_ARG(t->name));
}

static void open_slot(scheduler *s, slot *x, const state_job *record)
{
    error err = { 0 };
    arena_reset(x->arena);
    x->statement = str_copy(x->arena, record->source_text);
    x->name = str_copy(x->arena, record->name);
    x->target = str_copy(x->arena, record->target);
    x->source = STR("");
    if (job_open(s->home, record, &s->options.limits, &x->job, &err)) {
        const statement *statement = job_statement(x->job);
        x->source = full_name(x->arena, &statement->query.source);
        x->interval_us = job_interval_us(x->job, s->options.interval_us ? s->options.interval_us
                                                                        : DEFAULT_INTERVAL_US);
        if (x->failures == 0)
            x->due_us = 0; /* a job that was just made, or taken over, has waited long enough */
        return;
    }
    x->due_us = clock_wall_us() + LONGEST_SLEEP_US * 5;
    if (err.code != ERR_CONFLICT) {
        error ignored = { 0 };
        if (x->failures++ == 0)
            report(s, true, "job " STR_FMT ": %s", STR_ARG(record->name), err.message);
        if (!state_job_error_set(home_state(s->home), record->id, str_of(err.message), &ignored))
            error_clear(&ignored);
    }
}

/* Sources before what reads them; a cycle keeps the order in which its jobs were made. */
static void order_slots(scheduler *s)
{
    slot **ordered = memory_alloc((s->count + 1) * sizeof *ordered);
    size_t count = 0;
    while (count < s->count) {
        slot *next = NULL, *first = NULL;
        for (size_t i = 0; i < s->count && !next; i++) {
            bool waits = false;
            if (!s->slots[i])
                continue;
            first = first ? first : s->slots[i];
            for (size_t k = 0; k < s->count; k++)
                waits |= k != i && s->slots[k] && s->slots[i]->source.len &&
                         str_eq_nocase(s->slots[k]->target, s->slots[i]->source);
            if (!waits)
                next = s->slots[i];
        }
        next = next ? next : first;
        for (size_t i = 0; i < s->count; i++)
            if (s->slots[i] == next)
                s->slots[i] = NULL;
        ordered[count++] = next;
    }
    free(s->slots);
    s->slots = ordered;
}

/* Hold the slots against the home's jobs. */
static bool follow_jobs(scheduler *s, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    state_job *records;
    size_t count;
    bool has_changed = false;
    int64_t now = clock_wall_us();
    TRY(state_job_list(home_state(s->home), a, &records, &count, err));
    for (size_t i = 0; i < s->count; i++)
        s->slots[i]->is_listed = false;
    for (size_t i = 0; i < count; i++) {
        slot *x = find_slot(s, records[i].id);
        bool is_new = !x, is_altered = x && !str_eq(x->statement, records[i].source_text);
        if (!x)
            x = add_slot(s, &records[i]);
        x->is_listed = true;
        if (x->job && (records[i].is_paused || is_altered))
            close_slot(x);
        if (is_altered)
            x->failures = 0;
        if (!x->job && !records[i].is_paused && (is_new || is_altered || x->due_us <= now)) {
            open_slot(s, x, &records[i]);
            has_changed = true;
        }
    }
    for (size_t i = 0; i < s->count; i++)
        if (!s->slots[i]->is_listed) {
            free_slot(s->slots[i]);
            s->slots[i--] = s->slots[--s->count];
            has_changed = true;
        }
    if (has_changed)
        order_slots(s);
    return true;
}

/* ---- Running ---- */

/* Due at whole multiples of the interval, so that jobs of one interval run in one pass, in order.
 */
static int64_t next_due(const slot *x, int64_t now)
{
    return (now / x->interval_us + 1) * x->interval_us;
}

static void note_failure(scheduler *s, slot *x, const error *why)
{
    if (why->code == ERR_CANCELLED)
        return;
    int64_t wait = x->interval_us;
    for (int i = 0; i < x->failures && wait < LONGEST_BACK_OFF_US; i++)
        wait *= 2;
    x->failures++;
    report(s, true, "%s", why->message);
    close_slot(x); /* what it holds in memory may be what is wrong */
    x->due_us = clock_wall_us() + (wait < LONGEST_BACK_OFF_US ? wait : LONGEST_BACK_OFF_US);
}

static void run_slot(scheduler *s, slot *x)
{
    uint64_t started = clock_monotonic_us();
    job_progress p;
    error err = { 0 };
    bool works = job_run(x->job, &p, &err);
    if (!works) {
        note_failure(s, x, &err);
        return;
    }
    x->failures = 0;
    x->due_us = p.has_more ? 0 : next_due(x, clock_wall_us());
    if (p.did_work)
        report(s, false, "job " STR_FMT ": %lld rows in %.2f s", STR_ARG(x->name),
               (long long)p.rows, (double)(clock_monotonic_us() - started) / 1e6);
}

/* One pass over the jobs that are due; when the next one is. */
static int64_t run_due(scheduler *s)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->count && !is_stopping(s); i++)
        if (s->slots[i]->job && s->slots[i]->due_us <= clock_wall_us())
            run_slot(s, s->slots[i]);
    for (size_t i = 0; i < s->count; i++)
        if (s->slots[i]->job && s->slots[i]->due_us < next)
            next = s->slots[i]->due_us;
    return next;
}

/* ---- The thread ---- */

static void sleep_until(scheduler *s, int64_t due_us)
{
    int64_t now = clock_wall_us(), most = now + LONGEST_SLEEP_US;
    int64_t until = due_us < most ? due_us : most;
    struct timespec at = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
    pthread_mutex_lock(&s->lock);
    while (!is_stopping(s) && !s->is_woken && clock_wall_us() < until)
        if (pthread_cond_timedwait(&s->wake, &s->lock, &at) != 0)
            break;
    s->is_woken = false;
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *context)
{
    scheduler *s = context;
    stop_follow(&s->is_stopping);
    while (!is_stopping(s)) {
        error err = { 0 };
        if (!follow_jobs(s, &err))
            report(s, true, "%s", err.message);
        sleep_until(s, run_due(s));
    }
    return NULL;
}

bool scheduler_start(home *h, const scheduler_options *options, scheduler **ret_scheduler,
                     error *err)
{
    scheduler *s = memory_alloc(sizeof *s);
    s->home = h;
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        free(s);
        return fail(err, ERR_LIMIT, "the thread that runs jobs could not start");
    }
    *ret_scheduler = s;
    return true;
}

void scheduler_wake(scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_woken = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* An interrupt that falls between two statements does nothing: again until the thread has ended. */
static void stop_thread(scheduler *s, pthread_t thread)
{
    for (;;) {
        int64_t until = clock_wall_us() + 50000;
        struct timespec at = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
        sql_engine *engine;
        error ignored = { 0 };
        if (pthread_timedjoin_np(thread, NULL, &at) == 0)
            return;
        if (home_engine(s->home, &engine, &ignored))
            sql_engine_interrupt(engine);
    }
}

void scheduler_stop(scheduler *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->is_stopping, true);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    stop_thread(s, s->thread);
    for (size_t i = 0; i < s->count; i++)
        free_slot(s->slots[i]);
    free(s->slots);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
