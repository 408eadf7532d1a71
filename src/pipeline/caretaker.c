/* The background round of upkeep. */
#include "pipeline/caretaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "upkeep/upkeep.h"

static const int64_t ten_minutes_us = 600ll * 1000000, day_us = 86400ll * 1000000;

struct caretaker {
    home *home;
    caretaker_options options;
    pthread_t thread;
    sql_connection *connection;
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

static bool keep_table(caretaker *c, sql_engine *engine, const catalog_entry *e,
                       const upkeep_options *options, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog *catalog = home_embedded_catalog(c->home);
    iceberg_table *t;
    upkeep_report r;
    TRY(catalog_load(catalog, a, e->namespace, e->name, &t, err));
    if (str_eq(iceberg_table_property(t, STR("floe.upkeep"), STR("")), STR("off")) ||
        iceberg_table_format_version(t) < 2)
        return true;
    upkeep_options own = *options;
    own.compacts &= !str_eq_nocase(
        iceberg_table_property(t, STR("floe.option.disable_compaction"), STR("")), STR("true"));
    TRY(upkeep_run(catalog, engine, e->namespace, e->name, &own, &r, err));
    report_change(c, a, e, &r);
    return true;
}

static bool keep_all(caretaker *c, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog *catalog = home_embedded_catalog(c->home);
    catalog_entry *entries;
    size_t count;
    int64_t *needed;
    sql_engine *engine;
    bool wants_orphans =
        c->orphans_us == 0 || clock_monotonic_us() - c->orphans_us > (uint64_t)day_us;
    upkeep_options options = { .retains = true,
                               .compacts = true,
                               .rewrites_manifests = true,
                               .expires = true,
                               .removes_orphans = wants_orphans,
                               .connection = c->connection,
                               .is_stopped = &c->is_stopped };
    TRY(home_engine(c->home, &engine, err));
    TRY(catalog_list(catalog, a, &entries, &count, err));
    TRY(upkeep_needed_snapshots(catalog, a, &needed, &options.needed_count, err));
    options.needed_snapshots = needed;
    for (size_t i = 0; i < count && !atomic_load(&c->is_stopped); i++) {
        error why = { 0 };
        if (keep_table(c, engine, &entries[i], &options, &why) || why.code == ERR_CANCELLED)
            continue;
        say(c, str_of(why.message), true); /* the other tables are kept all the same */
    }
    if (wants_orphans)
        c->orphans_us = clock_monotonic_us();
    return true;
}

static void *keep(void *argument)
{
    caretaker *c = argument;
    int64_t interval_us = c->options.interval_us ? c->options.interval_us : ten_minutes_us;
    uint64_t next = clock_monotonic_us() + (uint64_t)interval_us;
    while (!atomic_load(&c->is_stopped)) {
        error why = { 0 };
        nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
        if (clock_monotonic_us() < next)
            continue;
        if (!keep_all(c, &why))
            say(c, str_of(why.message), true);
        next = clock_monotonic_us() + (uint64_t)interval_us;
    }
    return NULL;
}

bool caretaker_start(home *h, const caretaker_options *options, caretaker **ret_caretaker,
                     error *err)
{
    sql_engine *engine;
    caretaker *c = memory_alloc(sizeof *c);
    c->home = h;
    c->options = *options;
    if (!home_engine(h, &engine, err) || !sql_connect(engine, &c->connection, err)) {
        free(c);
        return false;
    }
    int code = pthread_create(&c->thread, NULL, keep, c);
    if (code != 0) {
        sql_disconnect(c->connection);
        free(c);
        return fail(err, ERR_IO, "starting the thread of upkeep: %s", strerror(code));
    }
    *ret_caretaker = c;
    return true;
}

void caretaker_stop(caretaker *c)
{
    if (!c)
        return;
    atomic_store(&c->is_stopped, true);
    sql_interrupt(c->connection);
    pthread_join(c->thread, NULL);
    sql_disconnect(c->connection);
    free(c);
}
