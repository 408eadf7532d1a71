/* Parquet files of a table, written by DuckDB: data with field ids and statistics, position
 * deletes. Source: Iceberg spec, "Position Delete Files", "Reserved Field IDs". */
#include <unistd.h>

#include "base/clock.h"
#include "column/parquet_plain.h"
#include "iceberg/internal.h"

enum { DELETE_PATH_ID = 2147483546, DELETE_POS_ID = 2147483545 };

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

/* How the table wants its files compressed, of what the engine writes. */
static const char *codec_of(const iceberg_table *t)
{
    static const char *const codecs[] = { "zstd", "snappy", "gzip", "uncompressed" };
    str wanted = iceberg_table_property(t, STR("write.parquet.compression-codec"), STR("zstd"));
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
        if (str_eq_nocase(wanted, str_of(codecs[i])))
            return codecs[i];
    return codecs[0];
}

/* Run COPY to `uri` and read back its statistics row: [filename, count, size, footer size, columns,
 * …]. */
static bool copy_to(sql_connection *c, arena *a, const iceberg_table *t, str select_sql,
                    str field_ids, str uri, const char *options, int64_t *ret_rows,
                    int64_t *ret_bytes, iceberg_written_stats **ret_stats, size_t *ret_count,
                    error *err)
{
    str path;
    batch *row;
    strbuf b = strbuf_new(a);
    TRY(store_local_target(t->store, a, uri, &path, err));
    const char *file = str_to_c(a, path);
    strbuf_format(&b, "COPY (" STR_FMT ") TO ", STR_ARG(select_sql));
    strbuf_add_sql_text(&b, path);
    strbuf_format(&b,
                  " (FORMAT parquet, COMPRESSION %s, RETURN_STATS true, FIELD_IDS " STR_FMT "%s)",
                  codec_of(t), STR_ARG(field_ids), options);
    if (!sql_query_all(c, a, strbuf_str(&b), &row, err)) {
        unlink(file);
        return false;
    }
    *ret_rows = column_value(&row->columns[1], a, 0).integer;
    *ret_bytes = column_value(&row->columns[2], a, 0).integer;
    value columns = column_value(&row->columns[4], a, 0);
    *ret_stats = stats_of(a, &columns, ret_count);
    if (*ret_rows > 0 && parquet_make_plain(file, ret_bytes, err) &&
        store_publish(t->store, uri, path, err))
        return true;
    unlink(file);
    return *ret_rows == 0;
}

bool iceberg_data_file_write(sql_connection *c, arena *a, const iceberg_table *t,
                             const iceberg_schema *schema, str select_sql, str uri,
                             const value *partition, const char *copy_options,
                             iceberg_file *ret_file, bool *ret_has_rows, error *err)
{
    strbuf ids = strbuf_new(a);
    int64_t rows, bytes;
    iceberg_written_stats *stats;
    size_t count;
    add_field_ids(&ids, schema->fields, schema->field_count);
    TRY(copy_to(c, a, t, select_sql, strbuf_str(&ids), uri, copy_options ? copy_options : "", &rows,
                &bytes, &stats, &count, err));
    *ret_has_rows = rows > 0;
    if (rows == 0)
        return true;
    TRY(iceberg_file_of_written(t, a, schema, uri, rows, bytes, stats, count, ret_file, err));
    ret_file->partition = partition;
    ret_file->first_row_id = -1;
    return true;
}

bool iceberg_position_deletes_write(sql_connection *c, arena *a, const iceberg_table *t,
                                    str select_sql, str uri, int32_t spec_id,
                                    const value *partition, iceberg_file *ret_file, error *err)
{
    static const iceberg_type text = { .kind = ICEBERG_STRING }, number = { .kind = ICEBERG_LONG };
    static const iceberg_field fields[] = {
        { .id = DELETE_PATH_ID, .name = STR_INIT("file_path"), .is_required = true, .type = &text },
        { .id = DELETE_POS_ID, .name = STR_INIT("pos"), .is_required = true, .type = &number }
    };
    static const iceberg_schema schema = { .fields = fields, .field_count = 2 };
    strbuf ids = strbuf_new(a);
    int64_t rows, bytes;
    iceberg_written_stats *stats;
    size_t count;
    add_field_ids(&ids, fields, 2);
    TRY(copy_to(c, a, t, select_sql, strbuf_str(&ids), uri, "", &rows, &bytes, &stats, &count,
                err));
    TRY(iceberg_file_of_written(t, a, &schema, uri, rows, bytes, NULL, 0, ret_file, err));
    ret_file->content = ICEBERG_POSITION_DELETES;
    ret_file->spec_id = spec_id;
    ret_file->partition = partition;
    ret_file->first_row_id = -1;
    return true;
}

str iceberg_data_uri(arena *a, const iceberg_table *t, int32_t spec_id, const value *partition,
                     str name)
{
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, spec_id);
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
