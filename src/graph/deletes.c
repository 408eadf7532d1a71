/* Deleted rows as bits for each file: a table with as many deletes as rows is read at the pace of
 * one that has none. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"
#include "graph/internal.h"

struct deletes {
    arena *arena;
    map files; /* URI → number + 1 */
    size_t file_count;
    uint64_t *row_counts;
    _Atomic uint64_t **bits; /* of each file */
};

static void number_files(void *context, const str *uris, size_t count, uint32_t *ret)
{
    const deletes *d = context;
    for (size_t i = 0; i < count; i++)
        ret[i] = (uint32_t)((uintptr_t)map_get(&d->files, uris[i]) - 1); /* others: UINT32_MAX */
}

static bool take_deletes(void *context, const batch *in, error *err)
{
    (void)err;
    const deletes *d = context;
    const int64_t *files = in->columns[0].data, *rows = in->columns[1].data;
    for (size_t i = 0; i < in->rows; i++) {
        uint64_t file = (uint64_t)files[i], row = (uint64_t)rows[i];
        if (column_is_null(&in->columns[0], i) || column_is_null(&in->columns[1], i) ||
            file >= d->file_count || row >= d->row_counts[file])
            continue;
        atomic_fetch_or_explicit(&d->bits[file][row / 64], 1ull << (row % 64),
                                 memory_order_relaxed);
    }
    return true;
}

static void keep_live(void *context, const int64_t *files, const int64_t *rows, size_t count,
                      bool *ret_keep)
{
    const deletes *d = context;
    for (size_t i = 0; i < count; i++)
        ret_keep[i] = !(d->bits[files[i]][rows[i] / 64] >> (rows[i] % 64) & 1);
}

void deletes_free(deletes *d)
{
    for (size_t i = 0; d && i < d->file_count; i++)
        free((void *)d->bits[i]);
    if (d)
        arena_free(d->arena);
}

static deletes *deletes_new(const iceberg_scan *scan)
{
    arena *a = arena_new();
    deletes *d = arena_new_of(a, deletes);
    d->arena = a;
    d->files = map_new(a);
    d->file_count = scan->file_count;
    d->row_counts = arena_array_of(a, uint64_t, scan->file_count);
    d->bits = arena_array_of(a, _Atomic uint64_t *, scan->file_count);
    for (size_t i = 0; i < scan->file_count; i++) {
        d->row_counts[i] = (uint64_t)scan->files[i].file.row_count;
        d->bits[i] = memory_alloc((d->row_counts[i] / 64 + 1) * 8);
        map_set(&d->files, scan->files[i].file.uri, (void *)(i + 1));
    }
    return d;
}

bool source_live_sql(graph *g, const source *s, arena *a, const iceberg_scan *part, str expressions,
                     str *ret_sql, deletes **ret_deletes, error *err)
{
    static _Atomic int number;
    static const column_type types[] = { COLUMN_INT64, COLUMN_INT64 };
    AUTO(deletes_free) deletes *d = NULL;
    int n = atomic_fetch_add(&number, 1);
    sql_connection *c;
    int64_t count;
    str gone = STR(""), scan;
    if (part->delete_count)
        TRY(iceberg_deletes_sql(s->table, a, part, &gone, err));
    if (gone.len == 0)
        return source_sql(s, a, part, expressions, ret_sql, err);
    iceberg_scan plain = source_without_deletes(a, part);
    const char *code = str_format(a, "floe_file_%d%c", n, 0).data,
               *sink = str_format(a, "floe_deletes_%d%c", n, 0).data,
               *keep = str_format(a, "floe_is_live_%d%c", n, 0).data;
    d = deletes_new(&plain);
    TRY(graph_connection(g, &c, err));
    TRY(sql_register_encode(g->options.engine, code, number_files, d, err));
    TRY(sql_register_sink(g->options.engine, sink, types, 2, take_deletes, d, err));
    TRY(sql_register_row_filter(g->options.engine, keep, keep_live, d, err));
    TRY(sql_query_int(c,
                      str_format(a, "SELECT sum(%s(%s(file_path), pos)) FROM " STR_FMT, sink, code,
                                 STR_ARG(gone)),
                      &count, err));
    TRY(iceberg_scan_sql_numbered(s->table, a, &plain, NULL, 0, &scan, err));
    str where = s->schema->where.len ? s->schema->where : STR("true");
    *ret_sql = str_format(a,
                          "(SELECT " STR_FMT ", \"_file_index\", \"_pos\" FROM " STR_FMT
                          " WHERE %s(\"_file_index\", \"_pos\") AND (" STR_FMT "))",
                          STR_ARG(expressions), STR_ARG(scan), keep, STR_ARG(where));
    *ret_deletes = TAKE(d);
    return true;
}
