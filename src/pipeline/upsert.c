/* Upsert against an index of keys in memory (key_index.h).
 *
 * Which row wins must not depend on the order in which files or runs arrive: the later value of the
 * order column (the one that the job fills from $event_time) wins, and equal ones are settled by a
 * hash of the row. */
#include "pipeline/upsert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "column/generate.h"
#include "pipeline/key_index.h"

typedef struct lost_row {
    uint32_t file, row;
} lost_row;

/* The index of a job, and what its functions in SQL work on at the moment. */
struct upsert_index {
    int64_t snapshot_id; /* of the target that the index describes */
    bool is_built, is_registered;
    bool has_order; /* without one the later run wins */
    key_index *keys;
    pthread_mutex_t lock; /* guards what several threads of one query add to */
    VEC(lost_row) lost;   /* rows that the batch replaces */
    arena *lost_arena;
    uint8_t *is_stale; /* of each row of the batch: what stands is as new */
    size_t batch_rows;
    uint32_t first_file; /* number of "_file_index" 0 */
    char put[32], probe[32], fresh[32], gone[32];
};

void upsert_index_close(struct upsert_index *x)
{
    if (!x)
        return;
    key_index_close(x->keys);
    arena_free(x->lost_arena);
    free(x->is_stale);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

/* ---- Functions in SQL ---- */

static key_place place_of(const batch *in, size_t row)
{
    const int64_t *order = in->columns[1].data, *tie = in->columns[2].data;
    return (key_place){ .order = column_is_null(&in->columns[1], row) ? INT64_MIN : order[row],
                        .tie = tie[row] };
}

/* put(key, order, tie, file index, row): this is where the key's live row stands. */
static bool put_rows(void *context, const batch *in, error *err)
{
    struct upsert_index *x = context;
    const str *keys = in->columns[0].data;
    const int64_t *files = in->columns[3].data, *rows = in->columns[4].data;
    key_hash hashes[BATCH_ROWS];
    (void)err;
    for (size_t i = 0; i < in->rows; i++)
        hashes[i] = column_is_null(&in->columns[0], i) ? (key_hash){ 0 } : key_hash_of(keys[i]);
    for (size_t i = 0; i < in->rows; i++)
        key_index_prefetch(x->keys, hashes[i]);
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < in->rows; i++) {
        key_place p = place_of(in, i);
        p.file = x->first_file + (uint32_t)files[i];
        p.row = (uint32_t)rows[i];
        if (hashes[i].low)
            key_index_put(x->keys, hashes[i], &p);
    }
    pthread_mutex_unlock(&x->lock);
    return true;
}

/* probe(key, order, tie, row of the batch): is it newer than what stands? */
static bool probe_rows(void *context, const batch *in, error *err)
{
    struct upsert_index *x = context;
    const str *keys = in->columns[0].data;
    const int64_t *numbers = in->columns[3].data;
    lost_row lost[BATCH_ROWS];
    size_t lost_count = 0;
    key_hash hashes[BATCH_ROWS];
    (void)err;
    for (size_t i = 0; i < in->rows; i++) {
        hashes[i] = key_hash_of(keys[i]);
        key_index_prefetch(x->keys, hashes[i]);
    }
    for (size_t i = 0; i < in->rows; i++) {
        const key_place *there = key_index_find(x->keys, hashes[i]);
        key_place p = place_of(in, i);
        bool is_stale =
            there && (x->has_order ? p.order < there->order ||
                                         (p.order == there->order && p.tie <= there->tie)
                                   : p.tie == there->tie);
        x->is_stale[numbers[i]] = is_stale;
        if (there && !is_stale)
            lost[lost_count++] = (lost_row){ there->file, there->row };
    }
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < lost_count; i++)
        vec_push(x->lost_arena, &x->lost, lost[i]);
    pthread_mutex_unlock(&x->lock);
    return true;
}

static void keep_fresh(void *context, const int64_t *zero, const int64_t *numbers, size_t rows,
                       bool *ret_keep)
{
    const struct upsert_index *x = context;
    (void)zero;
    for (size_t i = 0; i < rows; i++)
        ret_keep[i] = (size_t)numbers[i] >= x->batch_rows || !x->is_stale[numbers[i]];
}

static void fill_gone(void *context, uint64_t first, size_t rows, void *const *data,
                      uint8_t *const *is_null)
{
    const struct upsert_index *x = context;
    int64_t *files = data[0], *numbers = data[1];
    (void)is_null;
    for (size_t i = 0; i < rows; i++) {
        files[i] = x->lost.items[first + i].file;
        numbers[i] = x->lost.items[first + i].row;
    }
}

static bool register_functions(upsert *u, struct upsert_index *x, error *err)
{
    static _Atomic int counter;
    static const column_type put_types[] = { COLUMN_STRING, COLUMN_INT64, COLUMN_INT64,
                                             COLUMN_INT64, COLUMN_INT64 };
    static const generate_column gone_columns[] = { { STR_INIT("file"), COLUMN_INT64, NULL, 0 },
                                                    { STR_INIT("pos"), COLUMN_INT64, NULL, 0 } };
    int n = atomic_fetch_add(&counter, 1);
    sql_engine *e = u->job->engine;
    snprintf(x->put, sizeof x->put, "floe_key_put_%d", n);
    snprintf(x->probe, sizeof x->probe, "floe_key_probe_%d", n);
    snprintf(x->fresh, sizeof x->fresh, "floe_key_fresh_%d", n);
    snprintf(x->gone, sizeof x->gone, "floe_key_gone_%d", n);
    TRY(sql_register_sink(e, x->put, put_types, 5, put_rows, x, err));
    TRY(sql_register_sink(e, x->probe, put_types, 4, probe_rows, x, err));
    TRY(sql_register_row_filter(e, x->fresh, keep_fresh, x, err));
    TRY(sql_register_generator(e, x->gone, gone_columns, 2, fill_gone, x, err));
    x->is_registered = true;
    return true;
}

/* ---- The columns that matter ---- */

static bool is_key(const upsert *u, const iceberg_field *f)
{
    for (size_t i = 0; i < u->schema->identifier_count; i++)
        if (u->schema->identifier_ids[i] == f->id)
            return true;
    return false;
}

/* Names of columns, quoted, with commas. */
static str columns_of(const upsert *u, bool keys, bool others)
{
    strbuf b = strbuf_new(u->arena);
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (is_key(u, f) ? !keys : !others)
            continue;
        strbuf_add_c(&b, b.len ? ", " : "");
        strbuf_add_sql_name(&b, f->name);
    }
    return strbuf_str(&b);
}

/* The key as one text; of several columns each with its length, so that they cannot run together.
 */
static str key_sql(const upsert *u)
{
    strbuf b = strbuf_new(u->arena);
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (!is_key(u, f))
            continue;
        strbuf name = strbuf_new(u->arena);
        strbuf_add_sql_name(&name, f->name);
        if (u->schema->identifier_count > 1)
            strbuf_format(&b, "%slength(" STR_FMT "::VARCHAR)::VARCHAR || ':' || ",
                          b.len ? " || " : "", STR_ARG(strbuf_str(&name)));
        strbuf_format(&b, STR_FMT "::VARCHAR", STR_ARG(strbuf_str(&name)));
    }
    return strbuf_str(&b);
}

static bool has_table_order(const upsert *u)
{
    return u->order_column.len && !str_eq(u->order_column, STR("_order"));
}

/* The order of a stored row as a number. */
static str order_sql(const upsert *u)
{
    if (!has_table_order(u))
        return STR("NULL::BIGINT");
    const iceberg_field *f = iceberg_schema_find(u->schema, u->order_column);
    bool is_number = f && (f->type->kind == ICEBERG_INT || f->type->kind == ICEBERG_LONG);
    strbuf b = strbuf_new(u->arena);
    strbuf_add_c(&b, is_number ? "(" : "epoch_us(");
    strbuf_add_sql_name(&b, u->order_column);
    strbuf_add_c(&b, is_number ? ")::BIGINT" : "::TIMESTAMP)");
    return strbuf_str(&b);
}

static str tie_sql(const upsert *u)
{
    strbuf b = strbuf_new(u->arena);
    strbuf_add_c(&b, "(hash(''");
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (is_key(u, f) || str_eq_nocase(f->name, u->order_column))
            continue;
        strbuf_add_c(&b, ", ");
        strbuf_add_sql_name(&b, f->name);
    }
    strbuf_add_c(&b, ") >> 1)::BIGINT");
    return strbuf_str(&b);
}

/* ---- The index ---- */

/* Put the live rows of `scan` into the index; its files get the next numbers. */
static bool put_scan(upsert *u, struct upsert_index *x, const iceberg_table *t,
                     const iceberg_scan *scan, error *err)
{
    str live;
    int64_t count;
    size_t *order = arena_array_of(u->arena, size_t, scan->file_count);
    iceberg_scan_order(scan, order);
    x->first_file = (uint32_t)key_index_file_count(x->keys);
    for (size_t i = 0; i < scan->file_count; i++)
        key_index_add_file(x->keys, scan->files[order[i]].file.uri);
    TRY(iceberg_scan_sql_numbered(t, u->arena, scan, NULL, 0, &live, err));
    /* columns that this run adds do not stand in the table yet: its own schema has them as null */
    strbuf added = strbuf_new(u->arena);
    for (size_t i = 0; i < u->schema->field_count; i++)
        if (!iceberg_schema_find_id(iceberg_table_schema(t), u->schema->fields[i].id)) {
            strbuf_format(&added, ", NULL::" STR_FMT " AS ",
                          STR_ARG(iceberg_type_sql(u->arena, u->schema->fields[i].type)));
            strbuf_add_sql_name(&added, u->schema->fields[i].name);
        }
    return sql_query_int(u->job->connection,
                         str_format(u->arena,
                                    "SELECT coalesce(sum(%s(" STR_FMT ", " STR_FMT ", " STR_FMT
                                    ", \"_file_index\", \"_pos\")), 0)::BIGINT FROM (SELECT "
                                    "*" STR_FMT " FROM " STR_FMT ")",
                                    x->put, STR_ARG(key_sql(u)), STR_ARG(order_sql(u)),
                                    STR_ARG(tie_sql(u)), STR_ARG(strbuf_str(&added)),
                                    STR_ARG(live)),
                         &count, err);
}

/* Built from the table when it does not stand at its snapshot. */
static bool need_index(upsert *u, struct upsert_index **ret, error *err)
{
    struct upsert_index *x = u->job->index;
    const iceberg_snapshot *current = iceberg_table_current(u->target);
    int64_t snapshot_id = current ? current->id : -1;
    if (!x) {
        x = u->job->index = memory_alloc(sizeof *x);
        x->keys = key_index_new();
        x->lost_arena = arena_new();
        pthread_mutex_init(&x->lock, NULL);
    }
    *ret = x;
    if (!x->is_registered)
        TRY(register_functions(u, x, err));
    x->has_order = has_table_order(u);
    if (x->is_built && x->snapshot_id == snapshot_id)
        return true;
    iceberg_scan scan;
    x->is_built = false;
    TRY(iceberg_table_scan(u->target, u->arena, -1, &scan, err));
    key_index_reset(x->keys, (size_t)scan.row_count);
    if (scan.file_count)
        TRY(put_scan(u, x, u->target, &scan, err));
    x->snapshot_id = snapshot_id;
    x->is_built = true;
    return true;
}

/* ---- The batch ---- */

/* One row for each key of the batch. Rows that differ in nothing but their order collapse first:
 * that is most of them. */
static bool make_batch(upsert *u, error *err)
{
    strbuf plain = strbuf_new(u->arena);
    str all = columns_of(u, true, true), keys = columns_of(u, true, false);
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (has_table_order(u) && str_eq_nocase(f->name, u->order_column))
            continue;
        strbuf_add_c(&plain, plain.len ? ", " : "");
        strbuf_add_sql_name(&plain, f->name);
    }
    if (u->has_deletes) {
        strbuf_add_c(&plain, ", \"_delete\"");
        all = str_concat(u->arena, all, STR(", \"_delete\""));
    }
    strbuf order = strbuf_new(u->arena);
    if (u->order_column.len)
        strbuf_add_sql_name(&order, u->order_column);
    str collapsed =
        u->order_column.len
            ? str_format(u->arena,
                         "SELECT " STR_FMT ", max(" STR_FMT ") AS " STR_FMT " FROM (" STR_FMT
                         ") GROUP BY ALL",
                         STR_ARG(strbuf_str(&plain)), STR_ARG(strbuf_str(&order)),
                         STR_ARG(strbuf_str(&order)), STR_ARG(u->rows_sql))
            : str_format(u->arena, "SELECT DISTINCT * FROM (" STR_FMT ")", STR_ARG(u->rows_sql));
    str not_null = STR("");
    for (size_t i = 0; i < u->schema->field_count; i++)
        if (is_key(u, &u->schema->fields[i])) {
            strbuf name = strbuf_new(u->arena);
            strbuf_add_sql_name(&name, u->schema->fields[i].name);
            not_null = str_format(u->arena, STR_FMT "%s" STR_FMT " IS NOT NULL", STR_ARG(not_null),
                                  not_null.len ? " AND " : " WHERE ", STR_ARG(strbuf_str(&name)));
        }
    str tie = tie_sql(u);
    if (u->has_deletes) /* of equal times, the delete is the last word */
        tie = str_format(u->arena, "CASE WHEN \"_delete\" THEN %lld ELSE " STR_FMT " END",
                         (long long)INT64_MAX, STR_ARG(tie));
    /* rows without a key name nothing that could be kept: a flow record with no address */
    str winners = str_format(
        u->arena,
        "SELECT * FROM (SELECT *, " STR_FMT " AS \"_tie\" FROM (" STR_FMT ")" STR_FMT
        ") QUALIFY row_number() OVER (PARTITION BY " STR_FMT " ORDER BY %s\"_tie\" DESC) = 1",
        STR_ARG(tie), STR_ARG(collapsed), STR_ARG(not_null), STR_ARG(keys),
        u->order_column.len
            ? str_format(u->arena, STR_FMT " DESC NULLS LAST, %c", STR_ARG(strbuf_str(&order)), 0)
                  .data
            : "");
    return sql_run(u->job->connection,
                   str_format(u->arena,
                              "CREATE OR REPLACE TEMP TABLE upsert_batch AS SELECT " STR_FMT
                              ", \"_tie\" FROM (" STR_FMT ")",
                              STR_ARG(all), STR_ARG(winners)),
                   err);
}

/* Find the rows of the batch that are not newer than what stands, and the places of those that are
 * replaced. */
static bool compare_with_index(upsert *u, struct upsert_index *x, error *err)
{
    int64_t rows, count;
    arena_reset(x->lost_arena);
    x->lost.items = NULL;
    x->lost.count = x->lost.capacity = 0;
    TRY(sql_query_int(u->job->connection,
                      STR("SELECT coalesce(max(rowid) + 1, 0) FROM upsert_batch"), &rows, err));
    free(x->is_stale);
    x->is_stale = memory_alloc((size_t)rows + 1);
    x->batch_rows = (size_t)rows;
    return sql_query_int(u->job->connection,
                         str_format(u->arena,
                                    "SELECT coalesce(sum(%s(" STR_FMT ", " STR_FMT
                                    ", \"_tie\", rowid)), 0)::BIGINT FROM upsert_batch",
                                    x->probe, STR_ARG(key_sql(u)), STR_ARG(order_sql(u))),
                         &count, err);
}

/* ---- Deletes ---- */

static int by_place(const void *p, const void *q)
{
    const lost_row *x = p, *y = q;
    return x->file != y->file ? (x->file < y->file ? -1 : 1)
                              : (x->row > y->row) - (x->row < y->row);
}

/* The data files that lose rows, in the order of their numbers. */
typedef struct hit {
    uint32_t file;
    size_t from, to; /* of x->lost, sorted */
    const iceberg_scan_file *data;
} hit;
typedef VEC(hit) hit_list;

static bool find_hits(upsert *u, struct upsert_index *x, const iceberg_scan *scan, hit_list *hits,
                      error *err)
{
    if (x->lost.count)
        qsort(x->lost.items, x->lost.count, sizeof *x->lost.items, by_place);
    for (size_t i = 0; i < x->lost.count;) {
        hit h = { .file = x->lost.items[i].file, .from = i };
        while (i < x->lost.count && x->lost.items[i].file == h.file)
            i++;
        h.to = i;
        str uri = key_index_file(x->keys, h.file);
        for (size_t low = 0, high = scan->file_count; low < high;) { /* ordered by URI */
            size_t middle = (low + high) / 2;
            int order = str_compare(scan->files[middle].file.uri, uri);
            h.data = order == 0 ? &scan->files[middle] : h.data;
            low = order < 0 ? middle + 1 : low;
            high = order < 0 ? high : middle;
        }
        if (!h.data)
            return fail(err, ERR_CONFLICT, "data file " STR_FMT " is not in the table any more",
                        STR_ARG(uri));
        vec_push(u->arena, hits, h);
        vec_push(u->arena, &u->hit_files, h.data->file.uri);
    }
    return true;
}

/* One Puffin file with a vector for each data file: what was deleted before and what is now. */
static bool write_vectors(upsert *u, struct upsert_index *x, const hit_list *hits, error *err)
{
    iceberg_vector *vectors = arena_array_of(u->arena, iceberg_vector, hits->count);
    iceberg_file *files = arena_array_of(u->arena, iceberg_file, hits->count);
    for (size_t i = 0; i < hits->count; i++) {
        const hit *h = &hits->items[i];
        iceberg_deleted_rows *rows = &vectors[i].rows;
        uint64_t count = (uint64_t)h->data->file.row_count;
        vectors[i].data_file = &h->data->file;
        *rows = (iceberg_deleted_rows){ .row_count = count };
        rows->words = arena_array_of(u->arena, uint64_t, count / 64 + 1);
        for (size_t k = 0; k < h->data->delete_count; k++) {
            const iceberg_file *d = h->data->deletes[k];
            if (!iceberg_file_is_vector(d))
                continue;
            TRY(iceberg_vector_read(u->target, u->arena, d, h->data->file.row_count, rows, err));
            vec_push(u->arena, &u->replaced_vectors, *d);
        }
        for (size_t k = h->from; k < h->to; k++) {
            uint64_t row = x->lost.items[k].row, bit = 1ull << (row % 64);
            rows->deleted_count += !(rows->words[row / 64] & bit);
            rows->words[row / 64] |= bit;
        }
    }
    str uri = str_format(u->arena, STR_FMT "/data/" STR_FMT "-deletes.puffin",
                         STR_ARG(iceberg_table_location(u->target)), STR_ARG(u->output_prefix));
    TRY(iceberg_vectors_write(u->target, u->arena, uri, vectors, hits->count, files, err));
    for (size_t i = 0; i < hits->count; i++)
        vec_push(u->arena, u->files, files[i]);
    return true;
}

/* One file of position deletes for each partition that loses rows. */
static bool write_positions(upsert *u, struct upsert_index *x, const hit_list *hits, error *err)
{
    size_t number = 0;
    bool *is_done = arena_array_of(u->arena, bool, hits->count);
    for (size_t i = 0; i < hits->count; i++) {
        const iceberg_file *first = &hits->items[i].data->file;
        if (is_done[i])
            continue;
        str partition = iceberg_partition_key(u->target, u->arena, first);
        strbuf parts = strbuf_new(u->arena);
        for (size_t k = i; k < hits->count; k++) {
            const hit *h = &hits->items[k];
            if (is_done[k] ||
                !str_eq(partition, iceberg_partition_key(u->target, u->arena, &h->data->file)))
                continue;
            is_done[k] = true;
            strbuf_add_c(&parts, parts.len ? " UNION ALL SELECT " : "SELECT ");
            strbuf_add_sql_text(&parts, h->data->file.uri);
            strbuf_format(&parts, " AS file_path, pos FROM %s(%zu, %zu)", x->gone, h->from,
                          h->to - h->from);
        }
        str query = str_format(u->arena, "SELECT * FROM (" STR_FMT ") ORDER BY 1, 2",
                               STR_ARG(strbuf_str(&parts)));
        str name =
            str_format(u->arena, STR_FMT "-%zu-deletes", STR_ARG(u->output_prefix), number++);
        iceberg_file file;
        TRY(iceberg_position_deletes_write(
            u->job->connection, u->arena, u->target, query,
            iceberg_data_uri(u->arena, u->target, first->spec_id, first->partition, name),
            first->spec_id, first->partition, &file, err));
        vec_push(u->arena, u->files, file);
    }
    return true;
}

static bool write_deletes(upsert *u, struct upsert_index *x, error *err)
{
    iceberg_scan scan;
    hit_list hits = { 0 };
    if (x->lost.count == 0)
        return true;
    TRY(iceberg_table_scan(u->target, u->arena, -1, &scan, err));
    TRY(find_hits(u, x, &scan, &hits, err));
    return iceberg_table_format_version(u->target) >= 3 ? write_vectors(u, x, &hits, err)
                                                        : write_positions(u, x, &hits, err);
}

bool upsert_write(upsert *u, error *err)
{
    struct upsert_index *x;
    TRY(need_index(u, &x, err));
    TRY(make_batch(u, err));
    TRY(compare_with_index(u, x, err));
    str fresh = str_format(u->arena, "(SELECT * FROM upsert_batch WHERE %s(0, rowid)%s)", x->fresh,
                           u->has_deletes ? " AND NOT \"_delete\"" : "");
    TRY(writer_partitions(u->job, u->arena, u->target, u->schema, fresh, u->output_prefix, u->files,
                          err));
    return write_deletes(u, x, err);
}

/* ---- After the commit ---- */

static bool follow(upsert *u, struct upsert_index *x, const iceberg_table *after, error *err)
{
    VEC(iceberg_scan_file) added = { 0 };
    int64_t rows = 0;
    for (size_t i = 0; i < u->files->count; i++)
        if (u->files->items[i].content == ICEBERG_DATA) {
            vec_push(u->arena, &added, (iceberg_scan_file){ .file = u->files->items[i] });
            rows += u->files->items[i].row_count;
        }
    if (added.count == 0)
        return true;
    iceberg_scan scan = { .files = added.items, .file_count = added.count };
    key_index_reserve(x->keys, (size_t)rows);
    return put_scan(u, x, after, &scan, err);
}

void upsert_committed(upsert *u, const iceberg_table *after)
{
    error ignored = { 0 };
    struct upsert_index *x = u->job->index;
    const iceberg_snapshot *current = iceberg_table_current(after),
                           *before = iceberg_table_current(u->target);
    /* the index knows the snapshot that the change was worked out from, and the change itself:
     * others' commits in between would be missing */
    bool is_next = !current || current == before ||
                   current->parent_id == (before ? before->id : -1) ||
                   (before && current->id == before->id);
    /* keys that were deleted still stand in the index: it is built again */
    x->is_built = is_next && !u->has_deletes && follow(u, x, after, &ignored);
    x->snapshot_id = current ? current->id : -1;
}
