/* One round of upkeep of one table, and how the table stands before and after. */
#include "upkeep/upkeep.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/vec.h"
#include "upkeep/internal.h"

int64_t upkeep_number(int64_t option, const iceberg_table *t, const char *property,
                      int64_t otherwise)
{
    int64_t n;
    if (option)
        return option < 0 ? 0 : option;
    return str_to_i64(iceberg_table_property(t, str_of(property), STR("")), &n) && n >= 0
               ? n
               : otherwise;
}

bool upkeep_figures_of(const iceberg_table *t, upkeep_figures *ret, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    iceberg_scan scan;
    size_t manifests;
    uint64_t start = clock_monotonic_us();
    TRY(iceberg_table_scan(t, scratch, -1, &scan, err));
    *ret = (upkeep_figures){ .plan_us = (int64_t)(clock_monotonic_us() - start),
                             .files = (int64_t)scan.file_count,
                             .rows = scan.row_count,
                             .snapshots = (int64_t)iceberg_table_snapshot_count(t) };
    for (size_t i = 0; i < scan.file_count; i++)
        ret->bytes += scan.files[i].file.size_bytes;
    ret->delete_files = (int64_t)scan.delete_count;
    for (size_t i = 0; i < scan.delete_count; i++)
        ret->deleted_rows += scan.delete_files[i].content == ICEBERG_POSITION_DELETES
                                 ? scan.delete_files[i].row_count
                                 : 0;
    TRY(iceberg_table_manifests(t, scratch, &manifests, &ret->manifest_bytes, err));
    ret->manifests = (int64_t)manifests;
    return true;
}

bool upkeep_rewrite_manifests(upkeep *u, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    enum { FEW_MANIFESTS = 4, SMALL_BYTES = 4 << 20 };
    iceberg_table *t;
    size_t count;
    int64_t bytes;
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    TRY(iceberg_table_manifests(t, a, &count, &bytes, err));
    if (count <= FEW_MANIFESTS || bytes / (int64_t)count >= SMALL_BYTES)
        return true;
    iceberg_change change = { .operation = STR("replace"),
                              .rewrites_manifests = true,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    return catalog_commit(u->catalog, a, u->namespace, u->name, &change, &t, err);
}

static bool figures(upkeep *u, upkeep_figures *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t;
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    return upkeep_figures_of(t, ret, err);
}

bool upkeep_is_stopped(const upkeep *u)
{
    return u->options->is_stopped && atomic_load(u->options->is_stopped);
}

static bool run_steps(upkeep *u, error *err)
{
    const upkeep_options *o = u->options;
    const struct {
        bool is_wanted;
        bool (*step)(upkeep *u, error *err);
    } steps[] = {
        { o->retains && !o->is_dry_run, upkeep_retain },
        { o->compacts && !o->is_dry_run, upkeep_compact },
        { o->rewrites_manifests && !o->is_dry_run, upkeep_rewrite_manifests },
        { o->expires, upkeep_expire },
        { o->removes_orphans, upkeep_remove_orphans },
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i].is_wanted && !upkeep_is_stopped(u))
            TRY(steps[i].step(u, err));
    return true;
}

bool upkeep_run(catalog *c, sql_engine *e, str namespace, str name, const upkeep_options *options,
                upkeep_report *ret_report, error *err)
{
    AUTO(sql_disconnect) sql_connection *connection = NULL;
    *ret_report = (upkeep_report){ 0 };
    upkeep u = { .catalog = c,
                 .engine = e,
                 .namespace = namespace,
                 .name = name,
                 .options = options,
                 .report = ret_report };
    if (!options->connection)
        TRY(sql_connect(e, &connection, err));
    u.connection = options->connection ? options->connection : connection;
    TRY(figures(&u, &ret_report->before, err));
    if (!run_steps(&u, err))
        return fail_while(err, "upkeep of " STR_FMT "." STR_FMT, STR_ARG(namespace), STR_ARG(name));
    return figures(&u, &ret_report->after, err);
}

bool upkeep_needed_snapshots(catalog *c, arena *a, int64_t **ret_ids, size_t *ret_count, error *err)
{
    catalog_entry *entries;
    size_t count;
    VEC(int64_t) ids = { 0 };
    TRY(catalog_list(c, a, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        iceberg_table *t;
        TRY(catalog_load(c, a, entries[i].namespace, entries[i].name, &t, err));
        const str *keys, *values;
        size_t properties = iceberg_table_properties(t, &keys, &values);
        for (size_t k = 0; k < properties; k++) {
            int64_t id;
            if (str_starts_with(keys[k], STR("floe.job.")) &&
                str_ends_with(keys[k], STR(".source-snapshot")) && str_to_i64(values[k], &id))
                vec_push(a, &ids, id);
        }
    }
    *ret_ids = ids.items;
    *ret_count = ids.count;
    return true;
}
