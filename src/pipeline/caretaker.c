/* The thread in the background: statistics, compaction, and rounds of all upkeep. */
#include "pipeline/caretaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pipeline/statistics.h"
#include "upkeep/upkeep.h"

static const int64_t statistics_us = 5ll * 1000000, compaction_us = 60ll * 1000000,
                     day_us = 86400ll * 1000000;
enum { LEAST_FILES = 12 }; /* small files of a partition that a minute's compaction is worth */

struct caretaker {
    home *home;
    caretaker_options options;
    pthread_t thread;
    sql_engine *_Atomic engine; /* the thread's; NULL until it has started */
    _Atomic bool is_stopped;
    uint64_t orphans_us; /* when orphans were last looked for */
};

static void say(caretaker *c, str line, bool is_failure)
{
    if (c->options.report)
        c->options.report(c->options.context, line, is_failure);
}

static void report_change(caretaker *c, arena *a, const catalog_entry *e, const upkeep_report *r)
{
    if (r->files_rewritten + r->snapshots_expired + r->files_deleted + r->rows_retired == 0)
        return;
    say(c,
        str_format(a,
                   "upkeep of " STR_FMT "." STR_FMT ": %lld files become %lld, %lld deletes %lld, "
                   "%lld snapshots expired, %lld files deleted, %lld rows retired",
                   STR_ARG(e->namespace), STR_ARG(e->name), (long long)r->before.files,
                   (long long)r->after.files, (long long)r->before.delete_files,
                   (long long)r->after.delete_files, (long long)r->snapshots_expired,
                   (long long)r->files_deleted, (long long)r->rows_retired),
        false);
}

static bool is_option(const iceberg_table *t, const char *name, const char *wanted)
{
    return str_eq_nocase(iceberg_table_property(t, str_of(name), STR("")), str_of(wanted));
}

/* COMPACTION_PROCESSES of a table are threads of the engine that rewrites it. */
static bool set_threads(caretaker *c, const iceberg_table *t, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    int64_t most = sysconf(_SC_NPROCESSORS_ONLN), n;
    str given = iceberg_table_property(t, STR("floe.option.compaction_processes"), STR(""));
    if (!str_to_i64(given, &n) || n < 1 || n > most)
        n = most;
    TRY(sql_connect(c->engine, &connection, err));
    return sql_run(connection, str_format(a, "SET threads = %lld", (long long)n), err);
}

static bool keep_table(caretaker *c, const catalog_entry *e, const upkeep_options *options,
                       error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog *catalog = home_embedded_catalog(c->home);
    iceberg_table *t;
    upkeep_report r;
    TRY(catalog_load(catalog, a, e->namespace, e->name, &t, err));
    if (is_option(t, "floe.upkeep", "off") || iceberg_table_format_version(t) < 2)
        return true;
    upkeep_options own = *options;
    own.compacts &= !is_option(t, "floe.option.disable_compaction", "true");
    TRY(set_threads(c, t, err));
    TRY(upkeep_run(catalog, c->engine, e->namespace, e->name, &own, &r, err));
    report_change(c, a, e, &r);
    return true;
}

/* One round over all tables: all of upkeep, or compaction of what has become many small files. */
static bool keep_all(caretaker *c, bool is_whole, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog *catalog = home_embedded_catalog(c->home);
    catalog_entry *entries;
    size_t count;
    int64_t *needed;
    bool wants_orphans =
        is_whole && (c->orphans_us == 0 || clock_monotonic_us() - c->orphans_us > (uint64_t)day_us);
    upkeep_options options = { .retains = is_whole,
                               .compacts = true,
                               .least_files = is_whole ? 0 : LEAST_FILES,
                               .rewrites_manifests = is_whole,
                               .expires = is_whole,
                               .removes_orphans = wants_orphans,
                               .is_stopped = &c->is_stopped };
    TRY(catalog_list(catalog, a, &entries, &count, err));
    TRY(upkeep_needed_snapshots(catalog, a, &needed, &options.needed_count, err));
    options.needed_snapshots = needed;
    for (size_t i = 0; i < count && !atomic_load(&c->is_stopped); i++) {
        error why = { 0 };
        if (keep_table(c, &entries[i], &options, &why) || why.code == ERR_CANCELLED)
            continue;
        say(c, str_of(why.message), true); /* the other tables are kept all the same */
    }
    if (wants_orphans)
        c->orphans_us = clock_monotonic_us();
    return true;
}

static bool should_stop(void *context)
{
    caretaker *c = context;
    return atomic_load(&c->is_stopped);
}

/* ---- The thread ---- */

/* What is done, how often, and when next. */
typedef struct duty {
    bool (*work)(caretaker *c, error *err);
    int64_t interval_us; /* 0: never */
    uint64_t due_us;
} duty;

static bool keep_statistics(caretaker *c, error *err)
{
    return statistics_follow(c->home, c->engine, should_stop, c, err);
}

static bool compact(caretaker *c, error *err)
{
    return keep_all(c, false, err);
}

static bool keep_whole(caretaker *c, error *err)
{
    return keep_all(c, true, err);
}

static void see_to(caretaker *c, duty *d)
{
    error why = { 0 };
    if (d->interval_us == 0 || clock_monotonic_us() < d->due_us || should_stop(c))
        return;
    if (!d->work(c, &why) && why.code != ERR_CANCELLED)
        say(c, str_of(why.message), true);
    d->due_us = clock_monotonic_us() + (uint64_t)d->interval_us;
}

/* The engine's threads are started here, after this one has become patient, and are so too. */
static void *keep(void *argument)
{
    caretaker *c = argument;
    sql_engine *engine;
    error why = { 0 };
    duty duties[] = { { keep_statistics, c->options.keeps_statistics ? statistics_us : 0, 0 },
                      { keep_whole, c->options.interval_us, 0 },
                      { compact, c->options.compacts ? compaction_us : 0, 0 } };
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    if (!home_second_engine(c->home, &engine, &why)) {
        say(c, str_of(why.message), true);
        return NULL;
    }
    atomic_store(&c->engine, engine);
    for (size_t i = 0; i < ARRAY_LEN(duties); i++)
        duties[i].due_us = clock_monotonic_us() + (uint64_t)duties[i].interval_us;
    while (!should_stop(c)) {
        nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        for (size_t i = 0; i < ARRAY_LEN(duties); i++)
            see_to(c, &duties[i]);
    }
    return NULL;
}

bool caretaker_start(home *h, const caretaker_options *options, caretaker **ret_caretaker,
                     error *err)
{
    caretaker *c = memory_alloc(sizeof *c);
    c->home = h;
    c->options = *options;
    int code = pthread_create(&c->thread, NULL, keep, c);
    if (code != 0) {
        free(c);
        return fail(err, ERR_IO, "starting the thread of upkeep: %s", strerror(code));
    }
    *ret_caretaker = c;
    return true;
}

/* An interrupt that falls between two statements does nothing: again until the thread has ended. */
void caretaker_stop(caretaker *c)
{
    if (!c)
        return;
    atomic_store(&c->is_stopped, true);
    for (;;) {
        int64_t until = clock_wall_us() + 50000;
        struct timespec at = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
        if (pthread_timedjoin_np(c->thread, NULL, &at) == 0)
            break;
        sql_engine *engine = atomic_load(&c->engine);
        if (engine)
            sql_engine_interrupt(engine);
    }
    sql_engine_close(c->engine);
    free(c);
}
