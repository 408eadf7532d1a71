/* What is too old goes: rows by the table's retention, snapshots by age, and the files that only
 * expired snapshots needed. Source: Iceberg spec, "Snapshot Retention Policy". */
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/vec.h"
#include "upkeep/internal.h"

/* ---- Rows ---- */

/* The column that says how old a row is. */
static str age_column(upkeep *u, const iceberg_table *t)
{
    str given = u->options->retention_column.len
                    ? u->options->retention_column
                    : iceberg_table_property(t, STR("floe.retention.column"), STR(""));
    const iceberg_spec *spec = iceberg_table_spec(t);
    if (given.len)
        return given;
    for (size_t i = 0; i < spec->field_count; i++) {
        const iceberg_field *f =
            iceberg_schema_find_id(iceberg_table_schema(t), spec->fields[i].source_id);
        if (f && (f->type->kind == ICEBERG_DATE || f->type->kind == ICEBERG_TIMESTAMP ||
                  f->type->kind == ICEBERG_TIMESTAMPTZ))
            return f->name;
    }
    return STR("");
}

/* Files in which no row can be young enough: all but those that a scan for young or undated rows
 * would read. */
static bool find_old_files(upkeep *u, const iceberg_table *t, arena *a, str column, int64_t days,
                           iceberg_change *change, error *err)
{
    iceberg_scan all, young, undated;
    VEC(str) removed = { 0 };
    int64_t cutoff_us = clock_wall_us() - days * 86400000000ll;
    value cutoff = value_text(clock_format_us(a, cutoff_us - cutoff_us % 86400000000ll));
    iceberg_predicate is_young = { column, ICEBERG_GREATER_OR_EQUAL, &cutoff, 1 },
                      is_undated = { column, ICEBERG_IS_NULL, NULL, 0 };
    TRY(iceberg_table_scan(t, a, -1, &all, err));
    TRY(iceberg_table_scan_where(t, a, -1, &is_young, 1, &young, err));
    TRY(iceberg_table_scan_where(t, a, -1, &is_undated, 1, &undated, err));
    map kept = map_new(a);
    for (size_t i = 0; i < young.file_count; i++)
        map_set(&kept, young.files[i].file.uri, a);
    for (size_t i = 0; i < undated.file_count; i++)
        map_set(&kept, undated.files[i].file.uri, a);
    for (size_t i = 0; i < all.file_count; i++)
        if (!map_has(&kept, all.files[i].file.uri)) {
            vec_push(a, &removed, all.files[i].file.uri);
            u->report->rows_retired += all.files[i].file.row_count;
        }
    change->removed_uris = removed.items;
    change->removed_count = removed.count;
    return true;
}

bool upkeep_retain(upkeep *u, error *err)
{
    enum { MOST_TRIES = 5 };
    for (int try = 0;; try++) {
        AUTO(arena_free) arena *a = arena_new();
        iceberg_table *t;
        TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
        int64_t days = upkeep_number(u->options->retention_days, t, "floe.retention.days", 0);
        str column = age_column(u, t);
        iceberg_change change = { .operation = STR("delete"),
                                  .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
        if (days == 0 || !iceberg_table_current(t))
            return true;
        if (column.len == 0)
            return fail(err, ERR_INVALID,
                        "no column says how old a row is: set floe.retention.column");
        u->report->rows_retired = 0;
        TRY(find_old_files(u, t, a, column, days, &change, err));
        if (change.removed_count == 0 ||
            catalog_commit(u->catalog, a, u->namespace, u->name, &change, &t, err))
            return true;
        if (err->code != ERR_CONFLICT || try >= MOST_TRIES)
            return false;
        error_clear(err);
    }
}

/* ---- Snapshots ---- */

typedef struct expiry {
    upkeep *upkeep;
    arena *arena;
    const iceberg_table *table;
    int64_t now_ms;
    bool *is_kept; /* one for each snapshot */
    VEC(str) old_refs;
} expiry;

static void keep(expiry *x, int64_t id)
{
    for (size_t i = 0; i < iceberg_table_snapshot_count(x->table); i++)
        x->is_kept[i] |= iceberg_table_snapshot_at(x->table, i)->id == id;
}

/* A branch keeps its newest snapshots by count and by age; a tag keeps its own. */
static void keep_branch(expiry *x, int64_t head, int64_t least, int64_t age_ms)
{
    const iceberg_snapshot *s = iceberg_table_snapshot_by_id(x->table, head);
    for (int64_t n = 0; s; n++) {
        if (n >= least && n > 0 && x->now_ms - s->timestamp_ms > age_ms)
            break;
        keep(x, s->id);
        s = iceberg_table_snapshot_by_id(x->table, s->parent_id);
    }
}

static void keep_refs(expiry *x)
{
    const upkeep_options *o = x->upkeep->options;
    const iceberg_table *t = x->table;
    size_t count;
    const iceberg_ref *refs = iceberg_table_refs(t, &count);
    int64_t age_ms = o->snapshot_age_s
                         ? (o->snapshot_age_s < 0 ? 0 : o->snapshot_age_s * 1000)
                         : upkeep_number(0, t, "history.expire.max-snapshot-age-ms", 432000000);
    int64_t least = upkeep_number(o->least_snapshots, t, "history.expire.min-snapshots-to-keep", 1);
    int64_t ref_age_ms = upkeep_number(0, t, "history.expire.max-ref-age-ms", INT64_MAX);
    const iceberg_snapshot *current = iceberg_table_current(t);
    if (current)
        keep_branch(x, current->id, least, age_ms);
    for (size_t i = 0; i < count; i++) {
        const iceberg_ref *r = &refs[i];
        const iceberg_snapshot *s = iceberg_table_snapshot_by_id(t, r->snapshot_id);
        int64_t limit_ms = r->max_ref_age_ms >= 0 ? r->max_ref_age_ms : ref_age_ms;
        bool is_main = str_eq(r->name, STR("main"));
        if (!is_main && s && x->now_ms - s->timestamp_ms > limit_ms)
            vec_push(x->arena, &x->old_refs, r->name);
        else if (r->is_tag)
            keep(x, r->snapshot_id);
        else
            keep_branch(x, r->snapshot_id, r->min_snapshots > 0 ? r->min_snapshots : least,
                        r->max_snapshot_age_ms >= 0 ? r->max_snapshot_age_ms : age_ms);
    }
    for (size_t k = 0; k < o->needed_count; k++) { /* and everything newer than it */
        const iceberg_snapshot *needed = iceberg_table_snapshot_by_id(t, o->needed_snapshots[k]);
        for (size_t i = 0; needed && i < iceberg_table_snapshot_count(t); i++)
            x->is_kept[i] |=
                iceberg_table_snapshot_at(t, i)->sequence_number >= needed->sequence_number;
    }
}

static void note_needed(void *context, str uri)
{
    map *needed = context;
    if (!map_has(needed, uri))
        map_set(needed, str_copy(needed->arena, uri), needed);
}

typedef struct unneeded {
    arena *arena;
    const map *needed;
    map found;
} unneeded;

static void note_unneeded(void *context, str uri)
{
    unneeded *u = context;
    if (!map_has(u->needed, uri) && !map_has(&u->found, uri))
        map_set(&u->found, str_copy(u->arena, uri), u);
}

static bool commit_expiry(expiry *x, const int64_t *expired, size_t count, iceberg_table **ret,
                          error *err)
{
    strbuf b = strbuf_new(x->arena);
    strbuf_add_c(&b, "[");
    for (size_t i = 0; i < x->old_refs.count; i++) {
        json_writer w = json_writer_new(&b);
        strbuf_format(&b, "%s{\"action\":\"remove-snapshot-ref\",\"ref-name\":", i ? "," : "");
        json_put_text(&w, x->old_refs.items[i]);
        strbuf_add_c(&b, "}");
    }
    strbuf_format(&b, "%s{\"action\":\"remove-snapshots\",\"snapshot-ids\":[",
                  x->old_refs.count ? "," : "");
    for (size_t i = 0; i < count; i++)
        strbuf_format(&b, "%s%lld", i ? "," : "", (long long)expired[i]);
    strbuf_add_c(&b, "]}]");
    iceberg_change change = { .updates = strbuf_str(&b),
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    return catalog_commit(x->upkeep->catalog, x->arena, x->upkeep->namespace, x->upkeep->name,
                          &change, ret, err);
}

/* Files of the expired snapshots that nothing in the table as it is now names. */
static bool delete_files(expiry *x, const iceberg_table *before, const iceberg_table *after,
                         const int64_t *expired, size_t count, error *err)
{
    map needed = map_new(x->arena);
    unneeded gone = { x->arena, &needed, map_new(x->arena) };
    TRY(iceberg_table_files(after, x->arena, NULL, 0, note_needed, &needed, err));
    TRY(iceberg_table_files(before, x->arena, expired, count, note_unneeded, &gone, err));
    store *s = iceberg_table_store(before);
    for (size_t i = 0; i < gone.found.count; i++) {
        store_object o;
        error ignored = { 0 };
        if (store_stat(s, x->arena, gone.found.entries[i].key, &o, &ignored))
            x->upkeep->report->bytes_deleted += (int64_t)o.size_bytes;
        else
            error_clear(&ignored);
        TRY(store_delete(s, gone.found.entries[i].key, err));
        x->upkeep->report->files_deleted++;
    }
    return true;
}

bool upkeep_expire(upkeep *u, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    iceberg_table *t, *after;
    TRY(catalog_load(u->catalog, a, u->namespace, u->name, &t, err));
    size_t count = iceberg_table_snapshot_count(t), expired_count = 0;
    expiry x = { .upkeep = u, .arena = a, .table = t, .now_ms = clock_wall_us() / 1000 };
    x.is_kept = arena_array_of(a, bool, count);
    keep_refs(&x);
    int64_t *expired = arena_array_of(a, int64_t, count);
    for (size_t i = 0; i < count; i++)
        if (!x.is_kept[i])
            expired[expired_count++] = iceberg_table_snapshot_at(t, i)->id;
    u->report->snapshots_expired = (int64_t)expired_count;
    if (expired_count == 0 || u->options->is_dry_run)
        return true;
    TRY(commit_expiry(&x, expired, expired_count, &after, err));
    return delete_files(&x, t, after, expired, expired_count, err);
}
