/* Data and delete files of a table, written by DuckDB. */
#include <unistd.h>

#include "base/file.h"
#include "base/clock.h"
#include "pipeline/run_internal.h"

enum {
    DELETE_PATH_ID = 2147483546,
    DELETE_POS_ID = 2147483545
}; /* Iceberg spec, "Reserved Field IDs" */

static void add_field_ids(strbuf *b, const iceberg_field *fields, size_t count)
{
    strbuf_add_char(b, '{');
    for (size_t i = 0; i < count; i++) {
        const iceberg_type *t = fields[i].type;
        strbuf_add_c(b, i ? ", " : "");
        strbuf_add_sql_text(b, fields[i].name);
        if (t->field_count == 0) {
            strbuf_format(b, ": %d", fields[i].id);
            continue;
        }
        strbuf_format(b, ": {'__duckdb_field_id': %d, ", fields[i].id);
        strbuf inner = strbuf_new(b->arena);
        add_field_ids(&inner, t->fields, t->field_count);
        strbuf_add(b, str_slice(strbuf_str(&inner), 1, inner.len));
    }
    strbuf_add_char(b, '}');
}

static str pair_text(const value *map, const char *key)
{
    for (size_t i = 0; i < map->map.count; i++)
        if (str_eq(map->map.keys[i].text, str_of(key)))
            return map->map.values[i].text;
    return (str){ 0 };
}

static iceberg_written_stats *stats_of(arena *a, const value *columns, size_t *ret_count)
{
    *ret_count = columns->kind == VALUE_MAP ? columns->map.count : 0;
    iceberg_written_stats *out = arena_array_of(a, iceberg_written_stats, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        const value *m = &columns->map.values[i];
        out[i] =
            (iceberg_written_stats){ columns->map.keys[i].text,  pair_text(m, "column_size_bytes"),
                                     pair_text(m, "null_count"), pair_text(m, "num_values"),
                                     pair_text(m, "has_nan"),    pair_text(m, "min"),
                                     pair_text(m, "max") };
    }
    return out;
}

/* Run COPY to `uri` and read back its statistics row: [filename, count, size, footer size, columns,
 * …]. */
static bool copy_to(job *j, arena *a, str select_sql, str field_ids, str uri, int64_t *ret_rows,
                    int64_t *ret_bytes, iceberg_written_stats **ret_stats, size_t *ret_count,
                    error *err)
{
    str path = store_path_of_uri(uri);
    batch *row;
    strbuf b = strbuf_new(a);
    const char *file = str_to_c(a, path);
    TRY(folder_make(str_to_c(a, str_slice(path, 0, (size_t)str_rfind_char(path, '/'))), err));
    strbuf_format(&b, "COPY (" STR_FMT ") TO ", STR_ARG(select_sql));
    strbuf_add_sql_text(&b, path);
    strbuf_format(&b,
                  " (FORMAT parquet, COMPRESSION zstd, RETURN_STATS true, FIELD_IDS " STR_FMT ")",
                  STR_ARG(field_ids));
    if (!sql_query_all(j->connection, a, strbuf_str(&b), &row, err)) {
        unlink(file);
        return false;
    }
    *ret_rows = column_value(&row->columns[1], a, 0).integer;
    *ret_bytes = column_value(&row->columns[2], a, 0).integer;
    value columns = column_value(&row->columns[4], a, 0);
    *ret_stats = stats_of(a, &columns, ret_count);
    if (*ret_rows == 0) {
        unlink(file);
        return true;
    }
    return file_sync(file, err);
}

bool writer_file(job *j, arena *a, const iceberg_table *t, const iceberg_schema *schema,
                 str select_sql, str uri, const value *partition, iceberg_file *ret_file,
                 bool *ret_has_rows, error *err)
{
    strbuf ids = strbuf_new(a);
    int64_t rows, bytes;
    iceberg_written_stats *stats;
    size_t count;
    add_field_ids(&ids, schema->fields, schema->field_count);
    TRY(copy_to(j, a, select_sql, strbuf_str(&ids), uri, &rows, &bytes, &stats, &count, err));
    *ret_has_rows = rows > 0;
    if (rows == 0)
        return true;
    TRY(iceberg_file_of_written(t, a, schema, uri, rows, bytes, stats, count, ret_file, err));
    ret_file->partition = partition;
    return true;
}

bool writer_deletes(job *j, arena *a, const iceberg_table *t, str select_sql, str uri,
                    int32_t spec_id, const value *partition, iceberg_file *ret_file, error *err)
{
    static const iceberg_type text = { .kind = ICEBERG_STRING }, number = { .kind = ICEBERG_LONG };
    static const iceberg_field fields[] = {
        { DELETE_PATH_ID, STR_INIT("file_path"), true, &text, { 0 } },
        { DELETE_POS_ID, STR_INIT("pos"), true, &number, { 0 } }
    };
    static const iceberg_schema schema = { .fields = fields, .field_count = 2 };
    strbuf ids = strbuf_new(a);
    int64_t rows, bytes;
    iceberg_written_stats *stats;
    size_t count;
    add_field_ids(&ids, fields, 2);
    TRY(copy_to(j, a, select_sql, strbuf_str(&ids), uri, &rows, &bytes, &stats, &count, err));
    TRY(iceberg_file_of_written(t, a, &schema, uri, rows, bytes, NULL, 0, ret_file, err));
    ret_file->content = ICEBERG_POSITION_DELETES;
    ret_file->spec_id = spec_id;
    ret_file->partition = partition;
    return true;
}

str writer_uri(arena *a, const iceberg_table *t, const value *partition, str name)
{
    const iceberg_spec *spec = iceberg_table_spec(t);
    strbuf b = strbuf_new(a);
    strbuf_format(&b, STR_FMT "/data/", STR_ARG(iceberg_table_location(t)));
    for (size_t i = 0; i < spec->field_count; i++) {
        const value *v = &partition[i];
        str text = v->kind == VALUE_NULL   ? STR("null")
                   : v->kind == VALUE_DATE ? clock_format_days(a, (int32_t)v->integer)
                   : v->kind == VALUE_INT || v->kind == VALUE_TIMESTAMP
                       ? str_format(a, "%lld", (long long)v->integer)
                   : v->kind == VALUE_BOOL ? (v->boolean ? STR("true") : STR("false"))
                                           : v->text;
        for (size_t k = 0; k < text.len; k++) { /* only what every file system and reader takes */
            char c = text.data[k];
            bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && k > 0);
            strbuf_add_char(&b, is_plain ? c : '_');
        }
        strbuf_add_char(&b, '/');
    }
    strbuf_format(&b, STR_FMT ".parquet", STR_ARG(name));
    return strbuf_str(&b);
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
    if (!file_exists(str_to_c(scratch, store_path_of_uri(folder))))
        return true;
    return store_list(iceberg_table_store(t), folder, forget_object, &f, err);
}

void writer_discard(const iceberg_table *t, const iceberg_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        error ignored = { 0 }; /* a file that stays is garbage, not harm */
        if (!store_delete(iceberg_table_store(t), files[i].uri, &ignored))
            error_clear(&ignored);
    }
}
