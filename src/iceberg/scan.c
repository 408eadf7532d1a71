/* Which files make up a snapshot, which deletes apply to them, which are new since another
 * snapshot. */
#include <stdlib.h>

#include "base/vec.h"
#include "iceberg/internal.h"

typedef VEC(iceberg_scan_file) scan_files;
typedef VEC(iceberg_file) file_list;

static int compare_uris(const void *x, const void *y)
{
    return str_compare(((const iceberg_scan_file *)x)->file.uri,
                       ((const iceberg_scan_file *)y)->file.uri);
}

static bool same_partition(const iceberg_table *t, const iceberg_file *x, const iceberg_file *y)
{
    if (x->spec_id != y->spec_id)
        return false;
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, x->spec_id);
    for (size_t i = 0; i < spec->field_count; i++) {
        const iceberg_type *type = partition_type(t->schema, &spec->fields[i]);
        AUTO(arena_free) arena *scratch = arena_new();
        str p = { 0 }, q = { 0 };
        bool has_p = bounds_encode(scratch, type, &x->partition[i], &p);
        bool has_q = bounds_encode(scratch, type, &y->partition[i], &q);
        if (has_p != has_q || (has_p && !str_eq(p, q)))
            return false;
    }
    return true;
}

/* Spec, "Scan Planning": position deletes apply to data files of their partition that are not
 * newer; equality deletes to those that are strictly older, or everywhere when their spec is
 * unpartitioned. */
static bool delete_applies(const iceberg_table *t, const iceberg_file *d, const iceberg_file *data)
{
    if (d->referenced_data_file.len && !str_eq(d->referenced_data_file, data->uri))
        return false;
    if (d->content == ICEBERG_POSITION_DELETES)
        return d->sequence_number >= data->sequence_number && same_partition(t, d, data);
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, d->spec_id);
    return d->sequence_number > data->sequence_number &&
           (spec->field_count == 0 || same_partition(t, d, data));
}

static void attach_deletes(const iceberg_table *t, arena *a, iceberg_scan_file *files, size_t count,
                           const iceberg_file *deletes, size_t delete_count)
{
    for (size_t i = 0; delete_count && i < count; i++) {
        VEC(const iceberg_file *) applied = { 0 };
        for (size_t k = 0; k < delete_count; k++)
            if (delete_applies(t, &deletes[k], &files[i].file))
                vec_push(a, &applied, &deletes[k]);
        files[i].deletes = applied.items;
        files[i].delete_count = applied.count;
    }
}

static bool collect(const iceberg_table *t, arena *a, const manifest *m, scan_files *data,
                    file_list *deletes, int64_t only_added_by, error *err)
{
    manifest_entry *entries;
    size_t count;
    TRY(manifest_read(t, a, m, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        const manifest_entry *e = &entries[i];
        if (e->status == ENTRY_DELETED ||
            (only_added_by != -1 && (e->status != ENTRY_ADDED || e->snapshot_id != only_added_by)))
            continue;
        if (e->file.content == ICEBERG_DATA)
            vec_push(a, data, (iceberg_scan_file){ .file = e->file });
        else
            vec_push(a, deletes, e->file);
    }
    return true;
}

static void finish_scan(const iceberg_table *t, arena *a, scan_files *data, file_list *deletes,
                        iceberg_scan *ret)
{
    if (data->count)
        qsort(data->items, data->count, sizeof *data->items, compare_uris);
    attach_deletes(t, a, data->items, data->count, deletes->items, deletes->count);
    *ret = (iceberg_scan){ .files = data->items,
                           .file_count = data->count,
                           .delete_files = deletes->items,
                           .delete_count = deletes->count };
    for (size_t i = 0; i < data->count; i++)
        ret->row_count += data->items[i].file.row_count;
}

bool iceberg_table_scan(const iceberg_table *t, arena *a, int64_t snapshot_id,
                        iceberg_scan *ret_scan, error *err)
{
    const iceberg_snapshot *s =
        iceberg_table_snapshot_by_id(t, snapshot_id == -1 ? t->current_snapshot_id : snapshot_id);
    scan_files data = { 0 };
    file_list deletes = { 0 };
    if (!s && snapshot_id != -1)
        return fail(err, ERR_NOT_FOUND, "table " STR_FMT " has no snapshot %lld", STR_ARG(t->name),
                    (long long)snapshot_id);
    if (s) {
        manifest *manifests;
        size_t count;
        TRY(manifests_of_snapshot(t, a, s, &manifests, &count, err));
        for (size_t i = 0; i < count; i++)
            TRY(collect(t, a, &manifests[i], &data, &deletes, -1, err));
    }
    finish_scan(t, a, &data, &deletes, ret_scan);
    return true;
}

/* What one snapshot itself added. */
static bool collect_added(const iceberg_table *t, arena *a, const iceberg_snapshot *s,
                          scan_files *data, error *err)
{
    manifest *manifests;
    size_t count;
    file_list ignored = { 0 };
    TRY(manifests_of_snapshot(t, a, s, &manifests, &count, err));
    for (size_t i = 0; i < count; i++)
        if (manifests[i].content == 0 && manifests[i].added_snapshot_id == s->id)
            TRY(collect(t, a, &manifests[i], data, &ignored, s->id, err));
    return true;
}

bool iceberg_table_added(const iceberg_table *t, arena *a, int64_t after_snapshot_id,
                         int64_t to_snapshot_id, iceberg_scan *ret_scan, error *err)
{
    scan_files data = { 0 };
    file_list none = { 0 };
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
    finish_scan(t, a, &data, &none, ret_scan);
    return true;
}
