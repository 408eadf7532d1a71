/* A label's table, pinned at its current snapshot, and SQL over it. */
#include "graph/internal.h"

static bool check_column(const source *s, const char *member, str column, error *err)
{
    const iceberg_schema *schema = iceberg_table_schema(s->table);
    if (iceberg_schema_find(schema, column))
        return true;
    AUTO(arena_free) arena *scratch = arena_new();
    strbuf there = strbuf_new(scratch);
    for (size_t i = 0; i < schema->field_count; i++)
        strbuf_format(&there, "%s" STR_FMT, i ? ", " : "", STR_ARG(schema->fields[i].name));
    return fail(err, ERR_NOT_FOUND,
                STR_FMT ".%s: table " STR_FMT " has no column '" STR_FMT "'; there are: " STR_FMT,
                STR_ARG(s->label->path), member, STR_ARG(iceberg_table_name(s->table)),
                STR_ARG(column), STR_ARG(strbuf_str(&there)));
}

static bool check_columns(const source *s, error *err)
{
    const schema_label *l = s->label;
    for (size_t i = 0; i < l->id_count; i++)
        TRY(check_column(s, "id", l->id[i], err));
    for (size_t i = 0; i < l->from_count; i++)
        TRY(check_column(s, "from", l->from[i], err));
    for (size_t i = 0; i < l->to_count; i++)
        TRY(check_column(s, "to", l->to[i], err));
    for (size_t i = 0; i < l->property_count; i++)
        TRY(check_column(s, "attributes", l->properties[i].column, err));
    return true;
}

bool source_open(const graph_options *options, arena *a, const schema_label *label, source *ret,
                 error *err)
{
    catalog *c;
    ret->label = label;
    if (!options->find_catalog(options->find_context, label->catalog, &c, err) ||
        !catalog_load(c, a, label->namespace, label->table, &ret->table, err))
        return fail_while(err, STR_FMT, STR_ARG(label->path));
    TRY(check_columns(ret, err));
    TRY(iceberg_table_scan(ret->table, a, -1, &ret->scan, err));
    size_t *order = arena_array_of(a, size_t, ret->scan.file_count);
    uint64_t *bases = arena_array_of(a, uint64_t, ret->scan.file_count + 1);
    iceberg_scan_order(&ret->scan, order);
    for (size_t i = 0; i < ret->scan.file_count; i++)
        bases[i + 1] = bases[i] + (uint64_t)ret->scan.files[order[i]].file.row_count;
    ret->bases = bases;
    ret->row_limit = bases[ret->scan.file_count];
    if (ret->row_limit >= UINT32_MAX)
        return fail(err, ERR_LIMIT,
                    STR_FMT ": table " STR_FMT
                            " has more than 4 billion rows, which a graph cannot hold yet",
                    STR_ARG(label->path), STR_ARG(iceberg_table_name(ret->table)));
    return true;
}

bool source_sql(const source *s, arena *a, str expressions, str *ret_sql, error *err)
{
    str scan;
    TRY(iceberg_scan_sql_numbered(s->table, a, &s->scan, NULL, 0, &scan, err));
    *ret_sql = str_format(
        a, "(SELECT " STR_FMT ", \"_file_index\", \"_pos\" FROM " STR_FMT "%s" STR_FMT ")",
        STR_ARG(expressions), STR_ARG(scan), s->label->where.len ? " WHERE " : "",
        STR_ARG(s->label->where));
    return true;
}

column_type source_column_type(const source *s, str column)
{
    switch (iceberg_schema_find(iceberg_table_schema(s->table), column)->type->kind) {
    case ICEBERG_BOOLEAN: return COLUMN_BOOL;
    case ICEBERG_INT: return COLUMN_INT32;
    case ICEBERG_LONG: return COLUMN_INT64;
    case ICEBERG_FLOAT: return COLUMN_FLOAT;
    case ICEBERG_DOUBLE: return COLUMN_DOUBLE;
    case ICEBERG_DATE: return COLUMN_DATE;
    case ICEBERG_TIME: return COLUMN_TIME;
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ: return COLUMN_TIMESTAMP;
    default: return COLUMN_STRING;
    }
}

str source_key_sql(const source *s, arena *a, const str *columns, size_t count)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, count > 1 ? "(" : "");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&b, i ? " || chr(31) || " : "");
        strbuf_add_sql_name(&b, columns[i]);
        bool is_text =
            iceberg_schema_find(iceberg_table_schema(s->table), columns[i])->type->kind ==
            ICEBERG_STRING;
        strbuf_add_c(&b, is_text ? "" : "::VARCHAR");
    }
    strbuf_add_c(&b, count > 1 ? ")" : "");
    return strbuf_str(&b);
}
