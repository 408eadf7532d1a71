/* Upsert by position deletes, with an index of keys in DuckDB's memory.
 *
 * Which row wins must not depend on the order in which files or runs arrive: the later value of the
 * order column (the one that the job fills from $event_time) wins, and equal ones are settled by a
 * hash of the row. */
#include "pipeline/upsert.h"

#include <stdlib.h>

struct key_index {
    int64_t snapshot_id; /* of the target that the index describes */
    bool is_built;
};

void key_index_close(struct key_index *x)
{
    free(x);
}

static bool is_key(const upsert *u, const iceberg_field *f)
{
    for (size_t i = 0; i < u->schema->identifier_count; i++)
        if (u->schema->identifier_ids[i] == f->id)
            return true;
    return false;
}

/* Names of columns, quoted, with commas; `prefix` before each. */
static str columns_of(const upsert *u, bool keys, bool others, const char *prefix)
{
    strbuf b = strbuf_new(u->arena);
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (is_key(u, f) ? !keys : !others)
            continue;
        strbuf_add_c(&b, b.len ? ", " : "");
        strbuf_add_c(&b, prefix);
        strbuf_add_sql_name(&b, f->name);
    }
    return strbuf_str(&b);
}

static bool has_table_order(const upsert *u)
{
    return u->order_column.len && !str_eq(u->order_column, STR("_order"));
}

/* The order of a stored row, and its tie-breaker, as SQL over the table's columns. */
static str order_sql(const upsert *u)
{
    strbuf b = strbuf_new(u->arena);
    if (has_table_order(u))
        strbuf_add_sql_name(&b, u->order_column);
    else
        strbuf_add_c(&b, "NULL::TIMESTAMP");
    return strbuf_str(&b);
}

static str tie_sql(const upsert *u)
{
    strbuf b = strbuf_new(u->arena);
    strbuf_add_c(&b, "md5_number_lower(concat_ws('\x1f', ''");
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (is_key(u, f) || str_eq_nocase(f->name, u->order_column))
            continue;
        strbuf_add_c(&b, ", ");
        strbuf_add_sql_name(&b, f->name);
        strbuf_add_c(&b, "::VARCHAR");
    }
    strbuf_add_c(&b, "))");
    return strbuf_str(&b);
}

/* The index: one row for each live key. Built from the table when it does not stand at its
 * snapshot. */
static bool need_index(upsert *u, error *err)
{
    struct key_index *x = u->job->index;
    const iceberg_snapshot *current = iceberg_table_current(u->target);
    int64_t snapshot_id = current ? current->id : -1;
    if (!x)
        x = u->job->index = memory_alloc(sizeof *x);
    if (x->is_built && x->snapshot_id == snapshot_id)
        return true;
    iceberg_scan scan;
    str live;
    x->is_built = false;
    TRY(iceberg_table_scan(u->target, u->arena, -1, &scan, err));
    TRY(iceberg_scan_sql(u->target, u->arena, &scan, NULL, 0, true, &live, err));
    /* columns that this run adds do not stand in the table yet: its own schema has them as null */
    strbuf added = strbuf_new(u->arena);
    for (size_t i = 0; i < u->schema->field_count; i++)
        if (!iceberg_schema_find_id(iceberg_table_schema(u->target), u->schema->fields[i].id)) {
            strbuf_format(&added, ", NULL::" STR_FMT " AS ",
                          STR_ARG(iceberg_type_sql(u->arena, u->schema->fields[i].type)));
            strbuf_add_sql_name(&added, u->schema->fields[i].name);
        }
    TRY(sql_run(u->job->connection,
                str_format(u->arena,
                           "CREATE OR REPLACE TEMP TABLE key_index AS SELECT " STR_FMT ", " STR_FMT
                           " AS \"_order\", " STR_FMT
                           " AS \"_tie\", \"_file\", \"_pos\" FROM (SELECT *" STR_FMT
                           " FROM " STR_FMT ")",
                           STR_ARG(columns_of(u, true, false, "")), STR_ARG(order_sql(u)),
                           STR_ARG(tie_sql(u)), STR_ARG(strbuf_str(&added)), STR_ARG(live)),
                err));
    x->snapshot_id = snapshot_id;
    x->is_built = true;
    return true;
}

/* One row for each key of the batch. Rows that differ in nothing but their order collapse first:
 * that is most of them. */
static bool make_batch(upsert *u, error *err)
{
    strbuf plain = strbuf_new(u->arena);
    str all = columns_of(u, true, true, ""), keys = columns_of(u, true, false, "");
    for (size_t i = 0; i < u->schema->field_count; i++) {
        const iceberg_field *f = &u->schema->fields[i];
        if (has_table_order(u) && str_eq_nocase(f->name, u->order_column))
            continue;
        strbuf_add_c(&plain, plain.len ? ", " : "");
        strbuf_add_sql_name(&plain, f->name);
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
    /* rows without a key name nothing that could be kept: a flow record with no address */
    str winners = str_format(
        u->arena,
        "SELECT * FROM (SELECT *, " STR_FMT " AS \"_tie\" FROM (" STR_FMT ")" STR_FMT
        ") QUALIFY row_number() OVER (PARTITION BY " STR_FMT " ORDER BY %s\"_tie\" DESC) = 1",
        STR_ARG(tie_sql(u)), STR_ARG(collapsed), STR_ARG(not_null), STR_ARG(keys),
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

/* Take rows out of the batch that are not newer than what stands; note the places of those that are
 * replaced. */
static bool compare_with_index(upsert *u, error *err)
{
    strbuf using = strbuf_new(u->arena);
    strbuf_format(&using, "USING (" STR_FMT ")", STR_ARG(columns_of(u, true, false, "")));
    str same = strbuf_str(&using), order = STR("");
    if (has_table_order(u)) {
        strbuf name = strbuf_new(u->arena);
        strbuf_add_sql_name(&name, u->order_column);
        order = str_format(u->arena,
                           "b." STR_FMT " < i.\"_order\" OR (b." STR_FMT
                           " IS NOT DISTINCT FROM i.\"_order\" AND b.\"_tie\" <= i.\"_tie\")",
                           STR_ARG(strbuf_str(&name)), STR_ARG(strbuf_str(&name)));
    }
    str stale = order.len ? order : STR("b.\"_tie\" = i.\"_tie\""); /* without an order the later
                                                                       run wins; equal rows stay */
    return sql_run(
        u->job->connection,
        str_format(u->arena,
                   "CREATE OR REPLACE TEMP TABLE upsert_stale AS SELECT b.rowid AS r FROM "
                   "upsert_batch b JOIN key_index i " STR_FMT " WHERE " STR_FMT ";"
                   "DELETE FROM upsert_batch WHERE rowid IN (SELECT r FROM upsert_stale);"
                   "CREATE OR REPLACE TEMP TABLE upsert_replaced AS SELECT i.rowid AS r, "
                   "i.\"_file\", i.\"_pos\" FROM key_index i JOIN upsert_batch b " STR_FMT,
                   STR_ARG(same), STR_ARG(stale), STR_ARG(same)),
        err);
}

static bool same_values(const value *x, const value *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_text = x[i].kind == VALUE_STRING || x[i].kind == VALUE_BINARY ||
                       x[i].kind == VALUE_UUID || x[i].kind == VALUE_DECIMAL;
        if (x[i].kind != y[i].kind ||
            (x[i].kind != VALUE_NULL &&
             (is_text ? !str_eq(x[i].text, y[i].text) : x[i].integer != y[i].integer)))
            return false;
    }
    return true;
}

/* One delete file for each partition that loses rows. */
static bool write_deletes(upsert *u, error *err)
{
    batch *lost;
    iceberg_scan scan;
    TRY(sql_query_all(u->job->connection, u->arena,
                      STR("SELECT \"_file\" FROM upsert_replaced GROUP BY 1 ORDER BY 1"), &lost,
                      err));
    if (lost->rows == 0)
        return true;
    TRY(iceberg_table_scan(u->target, u->arena, -1, &scan, err));
    const iceberg_file **files = arena_array_of(u->arena, const iceberg_file *, lost->rows);
    for (size_t i = 0; i < lost->rows; i++) {
        str uri = column_text(&lost->columns[0], u->arena, i);
        for (size_t k = 0; k < scan.file_count && !files[i]; k++)
            if (str_eq(scan.files[k].file.uri, uri))
                files[i] = &scan.files[k].file;
        if (!files[i])
            return fail(err, ERR_CONFLICT, "data file " STR_FMT " is not in the table any more",
                        STR_ARG(uri));
    }
    size_t number = 0;
    for (size_t i = 0; i < lost->rows; i++) {
        if (!files[i])
            continue;
        const iceberg_file *first = files[i];
        size_t width = iceberg_table_spec_by_id(u->target, first->spec_id)->field_count;
        strbuf names = strbuf_new(u->arena);
        for (size_t k = i; k < lost->rows; k++) {
            if (!files[k] || files[k]->spec_id != first->spec_id ||
                !same_values(files[k]->partition, first->partition, width))
                continue;
            strbuf_add_c(&names, names.len ? ", " : "");
            strbuf_add_sql_text(&names, files[k]->uri);
            files[k] = NULL;
        }
        str query = str_format(u->arena,
                               "SELECT \"_file\" AS file_path, \"_pos\" AS pos FROM "
                               "upsert_replaced WHERE \"_file\" IN (" STR_FMT ") ORDER BY 1, 2",
                               STR_ARG(strbuf_str(&names)));
        str name =
            str_format(u->arena, STR_FMT "-%zu-deletes", STR_ARG(u->output_prefix), number++);
        iceberg_file file;
        TRY(iceberg_position_deletes_write(u->job->connection, u->arena, u->target, query,
                                           writer_uri(u->arena, u->target, first->partition, name),
                                           first->spec_id, first->partition, &file, err));
        vec_push(u->arena, u->files, file);
    }
    return true;
}

bool upsert_write(upsert *u, error *err)
{
    TRY(need_index(u, err));
    TRY(make_batch(u, err));
    TRY(compare_with_index(u, err));
    TRY(writer_partitions(u->job, u->arena, u->target, u->schema, STR("upsert_batch"),
                          u->output_prefix, u->files, err));
    return write_deletes(u, err);
}

static bool follow(upsert *u, const iceberg_table *after, error *err)
{
    VEC(iceberg_scan_file) added = { 0 };
    for (size_t i = 0; i < u->files->count; i++)
        if (u->files->items[i].content == ICEBERG_DATA)
            vec_push(u->arena, &added, (iceberg_scan_file){ .file = u->files->items[i] });
    TRY(sql_run(u->job->connection,
                STR("DELETE FROM key_index WHERE rowid IN (SELECT r FROM upsert_replaced)"), err));
    if (added.count == 0)
        return true;
    iceberg_scan scan = { .files = added.items, .file_count = added.count };
    str fresh;
    TRY(iceberg_scan_sql(after, u->arena, &scan, NULL, 0, true, &fresh, err));
    return sql_run(u->job->connection,
                   str_format(u->arena,
                              "INSERT INTO key_index SELECT " STR_FMT ", " STR_FMT ", " STR_FMT
                              ", \"_file\", \"_pos\" FROM " STR_FMT,
                              STR_ARG(columns_of(u, true, false, "")), STR_ARG(order_sql(u)),
                              STR_ARG(tie_sql(u)), STR_ARG(fresh)),
                   err);
}

void upsert_committed(upsert *u, const iceberg_table *after)
{
    error ignored = { 0 };
    struct key_index *x = u->job->index;
    const iceberg_snapshot *current = iceberg_table_current(after);
    x->is_built = follow(u, after, &ignored);
    x->snapshot_id = current ? current->id : -1;
}
