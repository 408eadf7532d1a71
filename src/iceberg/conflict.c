/* Whether a change that was worked out from one snapshot still holds on top of a later one. Source:
 * Iceberg spec, "Commit Conflict Resolution and Retry"; the validations of the reference
 * implementation's row delta and rewrite. */
#include "base/map.h"
#include "iceberg/internal.h"

typedef struct checking {
    const iceberg_table *table;
    arena *arena;
    const iceberg_change *change;
    map removed, live; /* URIs of data files: taken out, and pointed into */
} checking;

static bool fail_conflict(checking *c, const iceberg_snapshot *s, const char *what, str uri,
                          error *err)
{
    return fail(err, ERR_CONFLICT,
                "table " STR_FMT " changed meanwhile: snapshot %lld (" STR_FMT ") %s " STR_FMT,
                STR_ARG(c->table->name), (long long)s->id, STR_ARG(s->operation), what,
                STR_ARG(uri));
}

/* May the position deletes `d` hit one of the files that are taken out? */
static bool may_hit_removed(checking *c, const iceberg_file *d)
{
    if (d->referenced_data_file.len)
        return map_has(&c->removed, d->referenced_data_file);
    for (size_t i = 0; i < d->stats_count; i++) {
        const iceberg_column_stats *s = &d->stats[i];
        if (s->field_id == 2147483546 && s->lower.data && str_eq(s->lower, s->upper))
            return map_has(&c->removed, s->lower);
    }
    return c->change->removed_count > 0;
}

static bool check_entry(checking *c, const iceberg_snapshot *s, const manifest_entry *e, error *err)
{
    const iceberg_file *f = &e->file;
    if (e->snapshot_id != s->id)
        return true;
    if (e->status == ENTRY_DELETED && map_has(&c->live, f->uri))
        return fail_conflict(c, s, "took out", f->uri, err);
    if (e->status != ENTRY_ADDED)
        return true;
    if (f->content == ICEBERG_POSITION_DELETES && may_hit_removed(c, f))
        return fail_conflict(c, s, "added deletes for files of this change:", f->uri, err);
    if (f->content == ICEBERG_EQUALITY_DELETES && c->change->removed_count &&
        c->change->added_sequence_number == 0)
        return fail_conflict(c, s, "added deletes that may be for files of this change:", f->uri,
                             err);
    if (f->content == ICEBERG_DATA && c->change->forbids_new_rows &&
        !str_eq(s->operation, STR("replace")))
        return fail_conflict(c, s, "added rows", f->uri, err);
    return true;
}

static bool check_snapshot(checking *c, const iceberg_snapshot *s, error *err)
{
    manifest *manifests;
    size_t count;
    bool wants_data = c->change->live_count || c->change->forbids_new_rows;
    TRY(manifests_of_snapshot(c->table, c->arena, s, &manifests, &count, err));
    for (size_t i = 0; i < count; i++) {
        manifest_entry *entries;
        size_t entry_count;
        const manifest *m = &manifests[i];
        if (m->added_snapshot_id != s->id || (m->content == 0 && !wants_data) ||
            (m->content == 1 && c->change->removed_count == 0))
            continue;
        TRY(manifest_read(c->table, c->arena, m, &entries, &entry_count, err));
        for (size_t k = 0; k < entry_count; k++)
            TRY(check_entry(c, s, &entries[k], err));
    }
    return true;
}

bool conflict_check(const iceberg_table *t, arena *a, const iceberg_change *change,
                    const iceberg_snapshot *head, error *err)
{
    int64_t based_on = change->based_on_snapshot_id;
    if (based_on == 0)
        return true;
    checking c = {
        .table = t, .arena = a, .change = change, .removed = map_new(a), .live = map_new(a)
    };
    for (size_t i = 0; i < change->removed_count; i++)
        map_set(&c.removed, change->removed_uris[i], a);
    for (size_t i = 0; i < change->live_count; i++)
        map_set(&c.live, change->live_uris[i], a);
    const iceberg_snapshot *s = head;
    for (; s && s->id != based_on; s = iceberg_table_snapshot_by_id(t, s->parent_id))
        TRY(check_snapshot(&c, s, err));
    if (!s && based_on != -1)
        return fail(err, ERR_CONFLICT,
                    "table " STR_FMT " changed meanwhile: snapshot %lld is not in its history any "
                    "more",
                    STR_ARG(t->name), (long long)based_on);
    return true;
}
