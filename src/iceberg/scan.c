/* Which files make up a snapshot, which deletes apply to them, which are new since another
 * snapshot. Source: Iceberg spec, "Scan Planning". */
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

typedef VEC(iceberg_scan_file) scan_files;
typedef VEC(iceberg_file) file_list;
typedef VEC(const iceberg_file *) file_refs;

static int compare_uris(const void *x, const void *y)
{
    return str_compare(((const iceberg_scan_file *)x)->file.uri,
                       ((const iceberg_scan_file *)y)->file.uri);
}

/* ---- Deletes ---- */

enum { FILE_PATH_ID = 2147483546 };

/* The one data file that position deletes name: by their own field, or by equal bounds of the path.
 * Empty: any of their partition. */
static str referenced_file(const iceberg_file *d)
{
    if (d->referenced_data_file.len || d->content != ICEBERG_POSITION_DELETES)
        return d->referenced_data_file;
    for (size_t i = 0; i < d->stats_count; i++)
        if (d->stats[i].field_id == FILE_PATH_ID && d->stats[i].lower.data &&
            str_eq(d->stats[i].lower, d->stats[i].upper))
            return d->stats[i].lower;
    return (str){ 0 };
}

/* Deletes found quickly: by data file, by partition, and those that hold everywhere. */
typedef struct delete_index {
    arena *arena;
    map by_file, by_partition; /* of file_refs */
    file_refs everywhere;
} delete_index;

static void put(delete_index *x, map *m, str key, const iceberg_file *d)
{
    file_refs *refs = map_get(m, key);
    if (!refs) {
        refs = arena_alloc(x->arena, sizeof *refs);
        map_set(m, key, refs);
    }
    vec_push(x->arena, refs, d);
}

static void index_deletes(delete_index *x, const iceberg_table *t, const file_list *deletes)
{
    for (size_t i = 0; i < deletes->count; i++) {
        const iceberg_file *d = &deletes->items[i];
        str file = referenced_file(d);
        if (file.len)
            put(x, &x->by_file, file, d);
        else if (d->content == ICEBERG_EQUALITY_DELETES &&
                 iceberg_table_spec_by_id(t, d->spec_id)->field_count == 0)
            vec_push(x->arena, &x->everywhere, d);
        else
            put(x, &x->by_partition, iceberg_partition_key(t, x->arena, d), d);
    }
}

/* Position deletes apply to data files that are not newer, equality deletes to those that are
 * strictly older. Where a file has a deletion vector, older position deletes are part of it. */
static void apply_refs(delete_index *x, iceberg_scan_file *f, file_refs *applied,
                       const file_refs *refs)
{
    for (size_t i = 0; refs && i < refs->count; i++) {
        const iceberg_file *d = refs->items[i];
        int64_t least = f->file.sequence_number + (d->content == ICEBERG_EQUALITY_DELETES);
        if (d->sequence_number >= least)
            vec_push(x->arena, applied, d);
    }
}

static void keep_vector_only(file_refs *applied)
{
    size_t kept = 0;
    bool has_vector = false;
    for (size_t i = 0; i < applied->count; i++)
        has_vector |= iceberg_file_is_vector(applied->items[i]);
    for (size_t i = 0; has_vector && i < applied->count; i++) {
        const iceberg_file *d = applied->items[i];
        if (d->content != ICEBERG_POSITION_DELETES || iceberg_file_is_vector(d))
            applied->items[kept++] = d;
    }
    applied->count = has_vector ? kept : applied->count;
}

static void attach_deletes(const iceberg_table *t, arena *a, scan_files *data,
                           const file_list *deletes)
{
    delete_index x = { .arena = a, .by_file = map_new(a), .by_partition = map_new(a) };
    if (deletes->count == 0)
        return;
    index_deletes(&x, t, deletes);
    for (size_t i = 0; i < data->count; i++) {
        iceberg_scan_file *f = &data->items[i];
        file_refs applied = { 0 };
        apply_refs(&x, f, &applied, map_get(&x.by_file, f->file.uri));
        if (x.by_partition.count)
            apply_refs(&x, f, &applied,
                       map_get(&x.by_partition, iceberg_partition_key(t, a, &f->file)));
        apply_refs(&x, f, &applied, &x.everywhere);
        keep_vector_only(&applied);
        f->deletes = applied.items;
        f->delete_count = applied.count;
    }
}

/* The delete files that apply to a file of the scan; others have done their work. */
static void note_used_deletes(arena *a, const scan_files *data, file_list *ret)
{
    map used = map_new(a);
    for (size_t i = 0; i < data->count; i++)
        for (size_t k = 0; k < data->items[i].delete_count; k++) {
            const iceberg_file *d = data->items[i].deletes[k];
            str key = { (const char *)&data->items[i].deletes[k], sizeof d };
            if (map_has(&used, key))
                continue;
            map_set(&used, str_copy(a, key), a);
            vec_push(a, ret, *d);
        }
}

static void finish_scan(const iceberg_table *t, arena *a, scan_files *data, file_list *deletes,
                        iceberg_scan *ret)
{
    file_list used = { 0 };
    if (data->count)
        qsort(data->items, data->count, sizeof *data->items, compare_uris);
    attach_deletes(t, a, data, deletes);
    note_used_deletes(a, data, &used);
    ret->files = data->items;
    ret->file_count = data->count;
    ret->delete_files = used.items;
    ret->delete_count = used.count;
    for (size_t i = 0; i < data->count; i++)
        ret->row_count += data->items[i].file.row_count;
}

/* ---- Planning ---- */

typedef struct planning {
    const iceberg_table *table;
    arena *arena;
    const bound_predicate *where;
    size_t where_count;
    scan_files data;
    file_list deletes;
} planning;

static void take_entries(planning *p, const manifest_content *content, iceberg_scan *ret)
{
    arena *scratch = arena_new();
    for (size_t i = 0; i < content->count; i++) {
        const manifest_entry *e = &content->entries[i];
        if (e->status == ENTRY_DELETED)
            continue;
        if (e->file.content != ICEBERG_DATA) {
            vec_push(p->arena, &p->deletes, e->file);
            continue;
        }
        if (p->where_count && (!predicates_may_hold_in_partition(p->table, scratch, p->where,
                                                                 p->where_count, &e->file) ||
                               !predicates_may_hold_in_file(p->where, p->where_count, &e->file))) {
            ret->files_skipped++;
            continue;
        }
        vec_push(p->arena, &p->data, (iceberg_scan_file){ .file = e->file });
    }
    arena_free(scratch);
}

/* Bounds of equality deletes say nothing of the rows that stay: delete manifests are passed over by
 * partition only, and an unpartitioned one never. */
static bool plan(planning *p, const iceberg_snapshot *s, iceberg_scan *ret, error *err)
{
    manifest *manifests;
    size_t count, wanted = 0;
    manifest_content *contents;
    TRY(manifests_of_snapshot(p->table, p->arena, s, &manifests, &count, err));
    ret->manifest_count = count;
    for (size_t i = 0; i < count; i++) {
        const manifest m = manifests[i];
        if (m.added_files + m.existing_files == 0)
            continue;
        if (p->where_count &&
            !predicates_may_hold_in_manifest(p->table, p->arena, p->where, p->where_count, &m)) {
            ret->manifests_skipped++;
            ret->files_in_skipped_manifests +=
                m.content == 0 ? m.added_files + m.existing_files : 0;
            continue;
        }
        manifests[wanted++] = m;
    }
    TRY(manifests_read(p->table, p->arena, manifests, wanted, &contents, err));
    for (size_t i = 0; i < wanted; i++)
        take_entries(p, &contents[i], ret);
    return true;
}

static bool scan_snapshot(const iceberg_table *t, arena *a, const iceberg_snapshot *s,
                          const iceberg_schema *schema, const iceberg_predicate *where,
                          size_t where_count, iceberg_scan *ret_scan, error *err)
{
    bound_predicate *bound = NULL;
    iceberg_scan scan = { 0 };
    TRY(predicates_bind(t, schema, a, where, where_count, &bound, err));
    planning p = { .table = t, .arena = a, .where = bound, .where_count = where_count };
    if (s)
        TRY(plan(&p, s, &scan, err));
    finish_scan(t, a, &p.data, &p.deletes, &scan);
    *ret_scan = scan;
    return true;
}

bool iceberg_table_scan_as_of(const iceberg_table *t, arena *a, const iceberg_snapshot *snapshot,
                              const iceberg_predicate *where, size_t where_count,
                              iceberg_scan *ret_scan, error *err)
{
    const iceberg_schema *schema = snapshot ? iceberg_table_schema_of(t, snapshot) : t->schema;
    TRY(scan_snapshot(t, a, snapshot ? snapshot : iceberg_table_current(t), schema, where,
                      where_count, ret_scan, err));
    ret_scan->schema = schema;
    return true;
}

bool iceberg_table_scan_where(const iceberg_table *t, arena *a, int64_t snapshot_id,
                              const iceberg_predicate *where, size_t where_count,
                              iceberg_scan *ret_scan, error *err)
{
    const iceberg_snapshot *s =
        iceberg_table_snapshot_by_id(t, snapshot_id == -1 ? t->current_snapshot_id : snapshot_id);
    if (!s && snapshot_id != -1)
        return fail(err, ERR_NOT_FOUND, "table " STR_FMT " has no snapshot %lld", STR_ARG(t->name),
                    (long long)snapshot_id);
    return scan_snapshot(t, a, s, t->schema, where, where_count, ret_scan, err);
}

bool iceberg_table_scan(const iceberg_table *t, arena *a, int64_t snapshot_id,
                        iceberg_scan *ret_scan, error *err)
{
    return iceberg_table_scan_where(t, a, snapshot_id, NULL, 0, ret_scan, err);
}

/* ---- What is new ---- */

/* What one snapshot itself added. */
static bool collect_added(const iceberg_table *t, arena *a, const iceberg_snapshot *s,
                          scan_files *data, error *err)
{
    manifest *manifests;
    size_t count;
    TRY(manifests_of_snapshot(t, a, s, &manifests, &count, err));
    for (size_t i = 0; i < count; i++) {
        manifest_entry *entries;
        size_t entry_count;
        if (manifests[i].content != 0 || manifests[i].added_snapshot_id != s->id)
            continue;
        TRY(manifest_read(t, a, &manifests[i], &entries, &entry_count, err));
        for (size_t k = 0; k < entry_count; k++)
            if (entries[k].status == ENTRY_ADDED && entries[k].snapshot_id == s->id)
                vec_push(a, data, (iceberg_scan_file){ .file = entries[k].file });
    }
    return true;
}

bool iceberg_table_added(const iceberg_table *t, arena *a, int64_t after_snapshot_id,
                         int64_t to_snapshot_id, iceberg_scan *ret_scan, error *err)
{
    scan_files data = { 0 };
    file_list none = { 0 };
    iceberg_scan scan = { 0 };
    int64_t id = to_snapshot_id;
    while (id != after_snapshot_id && id != -1) {
        const iceberg_snapshot *s = iceberg_table_snapshot_by_id(t, id);
        if (!s)
            return fail(err, ERR_NOT_FOUND,
                        "table " STR_FMT ": snapshot %lld, needed to know what is new, is expired",
                        STR_ARG(t->name), (long long)id);
        if (!str_eq(s->operation, STR("replace")))
            TRY(collect_added(t, a, s, &data, err));
        id = s->parent_id;
    }
    if (id != after_snapshot_id)
        return fail(err, ERR_NOT_FOUND,
                    "table " STR_FMT ": snapshot %lld is not in its history any more",
                    STR_ARG(t->name), (long long)after_snapshot_id);
    finish_scan(t, a, &data, &none, &scan);
    *ret_scan = scan;
    return true;
}
