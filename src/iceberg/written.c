/* From what DuckDB says of a Parquet file it wrote to a manifest's statistics. */
#include "iceberg/internal.h"

static int64_t count_of(str text)
{
    int64_t n;
    return str_to_i64(text, &n) ? n : -1;
}

/* DuckDB names columns as quoted identifiers: "a", "a""b", and nested ones "s"."x", which have no
 * bounds here. */
static bool plain_name(arena *a, str quoted, str *ret_name)
{
    if (quoted.len < 2 || quoted.data[0] != '"' || quoted.data[quoted.len - 1] != '"')
        return false;
    strbuf b = strbuf_new(a);
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.data[i] == '"') {
            if (quoted.data[i + 1] != '"' || i + 2 >= quoted.len)
                return false;
            i++;
        }
        strbuf_add_char(&b, quoted.data[i]);
    }
    *ret_name = strbuf_str(&b);
    return true;
}

static const iceberg_field *field_named(const iceberg_schema *s, str name)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (str_eq(s->fields[i].name, name))
            return &s->fields[i];
    return NULL;
}

static iceberg_file data_file(const iceberg_table *t, str uri, int64_t row_count,
                              int64_t size_bytes, const iceberg_column_stats *stats, size_t count)
{
    return (iceberg_file){ .content = ICEBERG_DATA,
                           .uri = uri,
                           .format = STR("PARQUET"),
                           .spec_id = t->default_spec_id,
                           .row_count = row_count,
                           .size_bytes = size_bytes,
                           .stats = stats,
                           .stats_count = count };
}

bool iceberg_file_of_plain(const iceberg_table *t, arena *a, str uri, int64_t row_count,
                           int64_t size_bytes, const iceberg_plain_stats *stats, size_t stats_count,
                           iceberg_file *ret_file, error *err)
{
    (void)err;
    iceberg_column_stats *out = arena_array_of(a, iceberg_column_stats, stats_count);
    for (size_t i = 0; i < stats_count; i++) {
        const iceberg_plain_stats *w = &stats[i];
        const iceberg_type *type = w->field->type;
        out[i] = (iceberg_column_stats){ .field_id = w->field->id,
                                         .size_bytes = w->size_bytes,
                                         .value_count = w->value_count,
                                         .null_count = w->null_count,
                                         .nan_count = -1 };
        bool is_real = type->kind == ICEBERG_FLOAT || type->kind == ICEBERG_DOUBLE;
        if (!w->min.data || !w->max.data || is_real) /* a NaN hides from bounds */
            continue;
        out[i].lower = w->min;
        out[i].upper = w->max;
        bool is_text = type->kind == ICEBERG_STRING;
        if (is_text && !bounds_of_text(a, type, w->min, false, &out[i].lower))
            out[i].lower = (str){ 0 };
        if (is_text && !bounds_of_text(a, type, w->max, true, &out[i].upper))
            out[i].upper = (str){ 0 };
    }
    *ret_file = data_file(t, uri, row_count, size_bytes, out, stats_count);
    return true;
}

bool iceberg_file_of_written(const iceberg_table *t, arena *a, const iceberg_schema *schema,
                             str uri, int64_t row_count, int64_t size_bytes,
                             const iceberg_written_stats *stats, size_t stats_count,
                             iceberg_file *ret_file, error *err)
{
    (void)err;
    iceberg_column_stats *out = arena_array_of(a, iceberg_column_stats, stats_count);
    size_t count = 0;
    for (size_t i = 0; i < stats_count; i++) {
        const iceberg_written_stats *w = &stats[i];
        str name;
        const iceberg_field *f =
            plain_name(a, w->column_name, &name) ? field_named(schema, name) : NULL;
        if (!f)
            continue;
        iceberg_column_stats *s = &out[count++];
        bool is_real = f->type->kind == ICEBERG_FLOAT || f->type->kind == ICEBERG_DOUBLE;
        *s = (iceberg_column_stats){ .field_id = f->id,
                                     .size_bytes = count_of(w->column_size_bytes),
                                     .value_count = count_of(w->num_values),
                                     .null_count = count_of(w->null_count),
                                     .nan_count =
                                         is_real && str_eq(w->has_nan, STR("false")) ? 0 : -1 };
        bool has_bounds = s->value_count > 0 && s->null_count != s->value_count &&
                          (w->min.len || w->max.len || f->type->kind == ICEBERG_STRING);
        if (!has_bounds || (is_real && s->nan_count != 0))
            continue;
        if (w->min.data && !bounds_of_text(a, f->type, w->min, false, &s->lower))
            s->lower = (str){ 0 };
        if (w->max.data && !bounds_of_text(a, f->type, w->max, true, &s->upper))
            s->upper = (str){ 0 };
    }
    *ret_file = data_file(t, uri, row_count, size_bytes, out, count);
    return true;
}
