/* Data and delete files of a job's target, and what a run leaves when it does not happen. */
#include "base/file.h"
#include "pipeline/run_internal.h"

bool writer_file(job *j, arena *a, const iceberg_table *t, const iceberg_schema *schema,
                 str select_sql, str uri, const value *partition, iceberg_file *ret_file,
                 bool *ret_has_rows, error *err)
{
    return iceberg_data_file_write(j->connection, a, t, schema, select_sql, uri, partition, NULL,
                                   ret_file, ret_has_rows, err);
}

str writer_uri(arena *a, const iceberg_table *t, const value *partition, str name)
{
    return iceberg_data_uri(a, t, iceberg_table_spec(t)->id, partition, name);
}

/* ---- Rows of several partitions ---- */

/* The partition value of a row, in SQL. */
static bool partition_sql(strbuf *b, const iceberg_schema *schema, const iceberg_partition_field *f,
                          error *err)
{
    const iceberg_field *source = iceberg_schema_find_id(schema, f->source_id);
    str expression;
    if (!source)
        return fail(err, ERR_INVALID,
                    "partition field " STR_FMT " is of a column that is gone or inside another",
                    STR_ARG(f->name));
    strbuf column = strbuf_new(b->arena);
    strbuf_add_sql_name(&column, source->name);
    TRY(iceberg_transform_sql(b->arena, source->type, f, strbuf_str(&column), &expression, err));
    strbuf_add(b, expression);
    return true;
}

bool writer_partitions(job *j, arena *a, const iceberg_table *t, const iceberg_schema *schema,
                       str staged, str output_prefix, file_vec *files, error *err)
{
    const iceberg_spec *spec = iceberg_table_spec(t);
    strbuf columns = strbuf_new(a), keys = strbuf_new(a);
    for (size_t i = 0; i < schema->field_count; i++) {
        strbuf_add_c(&columns, i ? ", " : "");
        strbuf_add_sql_name(&columns, schema->fields[i].name);
    }
    for (size_t i = 0; i < spec->field_count; i++) {
        strbuf_add_c(&keys, i ? ", " : "");
        TRY(partition_sql(&keys, schema, &spec->fields[i], err));
        strbuf_format(&keys, " AS \"_p%zu\"", i);
    }
    batch *parts = NULL;
    size_t count = 1;
    if (spec->field_count) {
        TRY(sql_query_all(j->connection, a,
                          str_format(a, "SELECT DISTINCT " STR_FMT " FROM " STR_FMT " ORDER BY ALL",
                                     STR_ARG(strbuf_str(&keys)), STR_ARG(staged)),
                          &parts, err));
        count = parts->rows;
    }
    for (size_t i = 0; i < count; i++) {
        value *partition = arena_array_of(a, value, spec->field_count);
        strbuf where = strbuf_new(a);
        for (size_t k = 0; k < spec->field_count; k++) {
            partition[k] = column_value(&parts->columns[k], a, i);
            strbuf_add_c(&where, k ? " AND " : " WHERE ");
            TRY(partition_sql(&where, schema, &spec->fields[k], err));
            strbuf_add_c(&where, " IS NOT DISTINCT FROM ");
            if (partition[k].kind == VALUE_NULL)
                strbuf_add_c(&where, "NULL");
            else
                strbuf_add_sql_text(&where, column_text(&parts->columns[k], a, i));
        }
        str name = str_format(a, STR_FMT "-%zu", STR_ARG(output_prefix), i);
        str query =
            str_format(a, "SELECT " STR_FMT " FROM " STR_FMT STR_FMT, STR_ARG(strbuf_str(&columns)),
                       STR_ARG(staged), STR_ARG(strbuf_str(&where)));
        iceberg_file file;
        bool has_rows;
        TRY(writer_file(j, a, t, schema, query, writer_uri(a, t, partition, name), partition, &file,
                        &has_rows, err));
        if (has_rows)
            vec_push(a, files, file);
    }
    return true;
}

/* ---- What a run leaves when it does not happen ---- */

typedef struct forgetting {
    const iceberg_table *table;
    str prefix;
} forgetting;

static bool forget_object(void *context, const store_object *object, error *err)
{
    forgetting *f = context;
    str name =
        str_slice(object->uri, (size_t)(str_rfind_char(object->uri, '/') + 1), object->uri.len);
    return str_starts_with(name, f->prefix)
               ? store_delete(iceberg_table_store(f->table), object->uri, err)
               : true;
}

bool writer_forget(const iceberg_table *t, str output_prefix, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    str folder = str_format(scratch, STR_FMT "/data", STR_ARG(iceberg_table_location(t)));
    forgetting f = { t, output_prefix };
    if (store_list(iceberg_table_store(t), folder, forget_object, &f, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    error_clear(err); /* nothing was written yet */
    return true;
}

void writer_discard(const iceberg_table *t, const iceberg_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        error ignored = { 0 }; /* a file that stays is garbage, not harm */
        if (!store_delete(iceberg_table_store(t), files[i].uri, &ignored))
            error_clear(&ignored);
    }
}
