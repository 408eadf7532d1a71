/* A scan as SQL for DuckDB: columns by field id, position deletes by an anti-join. */
#include "iceberg/internal.h"

static void add_schema_map(strbuf *b, const iceberg_schema *schema)
{
    strbuf_add_c(b, ", schema = map {");
    for (size_t i = 0; i < schema->field_count; i++) {
        strbuf_format(b, "%s%d: {name: ", i ? ", " : "", schema->fields[i].id);
        strbuf_add_sql_text(b, schema->fields[i].name);
        strbuf_add_c(b, ", type: ");
        strbuf_add_sql_text(b, iceberg_type_sql(b->arena, schema->fields[i].type));
        strbuf_add_c(b, ", default_value: NULL}");
    }
    strbuf_add_c(b, "})");
}

static bool add_path(strbuf *b, store *s, str uri, error *err)
{
    str path;
    TRY(store_local_path(s, b->arena, uri, &path, err));
    for (size_t i = 0; i < path.len; i++)
        if (strchr("*?[", path.data[i]))
            return fail(err, ERR_INVALID, "file " STR_FMT ": names with *, ? or [ cannot be read",
                        STR_ARG(uri));
    strbuf_add_sql_text(b, path);
    return true;
}

static void add_columns(strbuf *b, const iceberg_schema *schema, const str *columns, size_t count)
{
    size_t all = columns ? count : schema->field_count;
    for (size_t i = 0; i < all; i++) {
        strbuf_add_c(b, i ? ", " : "");
        strbuf_add_sql_name(b, columns ? columns[i] : schema->fields[i].name);
    }
    if (all == 0)
        strbuf_add_c(b, "1 AS \"_none\"");
}

/* The table's URI of the row's file: "file://" and the path where that is how the table has them
 * all. */
static void add_file_column(strbuf *b, const iceberg_scan_file *files, size_t count,
                            bool with_deletes)
{
    bool is_plain = true;
    for (size_t i = 0; i < count; i++)
        if ((files[i].delete_count > 0) == with_deletes)
            is_plain &= str_starts_with(files[i].file.uri, STR("file:///"));
    if (is_plain) {
        strbuf_add_c(b, ", 'file://' || filename AS \"_file\"");
    } else {
        strbuf_add_c(b, ", [");
        bool is_first = true;
        for (size_t i = 0; i < count; i++) {
            if ((files[i].delete_count > 0) != with_deletes)
                continue;
            strbuf_add_c(b, is_first ? "" : ", ");
            strbuf_add_sql_text(b, files[i].file.uri);
            is_first = false;
        }
        strbuf_add_c(b, "][file_index + 1] AS \"_file\"");
    }
    strbuf_add_c(b, ", file_row_number AS \"_pos\"");
}

/* How a row's place is given. */
typedef enum place { PLACE_NONE, PLACE_URI, PLACE_NUMBER } place;

static size_t count_without_deletes(const iceberg_scan *scan)
{
    size_t count = 0;
    for (size_t i = 0; i < scan->file_count; i++)
        count += scan->files[i].delete_count == 0;
    return count;
}

/* SELECT over the files that have deletes, or over those that have none. */
static bool add_part(strbuf *b, const iceberg_table *t, const iceberg_scan *scan,
                     const str *columns, size_t column_count, place place, bool with_deletes,
                     error *err)
{
    strbuf_add_c(b, "SELECT ");
    add_columns(b, t->schema, columns, column_count);
    if (place == PLACE_NUMBER)
        strbuf_format(b, ", (file_index + %zu)::BIGINT AS \"_file_index\"",
                      with_deletes ? count_without_deletes(scan) : 0);
    if (place == PLACE_URI || with_deletes)
        add_file_column(b, scan->files, scan->file_count, with_deletes);
    else if (place == PLACE_NUMBER)
        strbuf_add_c(b, ", file_row_number AS \"_pos\"");
    strbuf_add_c(b, " FROM read_parquet([");
    bool is_first = true;
    for (size_t i = 0; i < scan->file_count; i++) {
        const iceberg_scan_file *f = &scan->files[i];
        if ((f->delete_count > 0) != with_deletes)
            continue;
        if (!str_eq_nocase(f->file.format, STR("PARQUET")))
            return fail(err, ERR_INVALID,
                        "table " STR_FMT ": file " STR_FMT " is " STR_FMT
                        "; only Parquet can be read",
                        STR_ARG(t->name), STR_ARG(f->file.uri), STR_ARG(f->file.format));
        strbuf_add_c(b, is_first ? "" : ", ");
        TRY(add_path(b, t->store, f->file.uri, err));
        is_first = false;
    }
    strbuf_add_char(b, ']');
    add_schema_map(b, t->schema);
    return true;
}

static bool add_delete_files(strbuf *b, const iceberg_table *t, const iceberg_scan *scan,
                             error *err)
{
    bool is_first = true;
    for (size_t i = 0; i < scan->delete_count; i++) {
        const iceberg_file *d = &scan->delete_files[i];
        if (d->content == ICEBERG_EQUALITY_DELETES)
            return fail(err, ERR_INVALID,
                        "table " STR_FMT " has equality deletes (" STR_FMT
                        "), which cannot be applied yet",
                        STR_ARG(t->name), STR_ARG(d->uri));
        if (!str_eq_nocase(d->format, STR("PARQUET")))
            return fail(err, ERR_INVALID,
                        "table " STR_FMT ": delete file " STR_FMT " is " STR_FMT
                        "; only Parquet can be read",
                        STR_ARG(t->name), STR_ARG(d->uri), STR_ARG(d->format));
        strbuf_add_c(b, is_first ? "" : ", ");
        TRY(add_path(b, t->store, d->uri, err));
        is_first = false;
    }
    return true;
}

static void add_empty(strbuf *b, const iceberg_table *t, const str *columns, size_t count,
                      place place)
{
    strbuf_add_c(b, "SELECT ");
    add_columns(b, t->schema, columns, count);
    strbuf_add_c(b, place == PLACE_URI ? ", ''::VARCHAR AS \"_file\", 0::BIGINT AS \"_pos\""
                    : place == PLACE_NUMBER
                        ? ", 0::BIGINT AS \"_file_index\", 0::BIGINT AS \"_pos\""
                        : "");
    strbuf_add_c(b, " FROM (SELECT ");
    for (size_t i = 0; i < t->schema->field_count; i++) {
        strbuf_format(b, "%sNULL::" STR_FMT " AS ", i ? ", " : "",
                      STR_ARG(iceberg_type_sql(b->arena, t->schema->fields[i].type)));
        strbuf_add_sql_name(b, t->schema->fields[i].name);
    }
    strbuf_add_c(b, t->schema->field_count ? ") WHERE false" : "1) WHERE false");
}

static bool scan_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan, const str *columns,
                     size_t column_count, place place, str *ret_sql, error *err)
{
    size_t without_deletes = count_without_deletes(scan);
    strbuf b = strbuf_new(a);
    strbuf_add_char(&b, '(');
    if (scan->file_count == 0)
        add_empty(&b, t, columns, column_count, place);
    if (without_deletes)
        TRY(add_part(&b, t, scan, columns, column_count, place, false, err));
    if (without_deletes < scan->file_count) {
        strbuf_add_c(&b, without_deletes ? " UNION ALL SELECT " : "SELECT ");
        add_columns(&b, t->schema, columns, column_count);
        strbuf_add_c(&b, place == PLACE_URI      ? ", \"_file\", \"_pos\""
                         : place == PLACE_NUMBER ? ", \"_file_index\", \"_pos\""
                                                 : "");
        strbuf_add_c(&b, " FROM (");
        TRY(add_part(&b, t, scan, columns, column_count, place, true, err));
        strbuf_add_c(&b, ") live WHERE NOT EXISTS (SELECT 1 FROM read_parquet([");
        TRY(add_delete_files(&b, t, scan, err));
        strbuf_add_c(&b,
                     "]) gone WHERE gone.file_path = live.\"_file\" AND gone.pos = live.\"_pos\")");
    }
    strbuf_add_char(&b, ')');
    *ret_sql = strbuf_str(&b);
    return true;
}

bool iceberg_scan_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                      const str *columns, size_t column_count, bool has_position, str *ret_sql,
                      error *err)
{
    return scan_sql(t, a, scan, columns, column_count, has_position ? PLACE_URI : PLACE_NONE,
                    ret_sql, err);
}

bool iceberg_scan_sql_numbered(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                               const str *columns, size_t column_count, str *ret_sql, error *err)
{
    return scan_sql(t, a, scan, columns, column_count, PLACE_NUMBER, ret_sql, err);
}

bool iceberg_deletes_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan, str *ret_sql,
                         error *err)
{
    strbuf b = strbuf_new(a);
    *ret_sql = STR("");
    for (size_t i = 0; i < scan->delete_count; i++)
        if (scan->delete_files[i].content != ICEBERG_POSITION_DELETES ||
            !str_eq_nocase(scan->delete_files[i].format, STR("PARQUET")))
            return true;
    strbuf_add_c(&b, "(SELECT file_path, pos FROM read_parquet([");
    TRY(add_delete_files(&b, t, scan, err));
    strbuf_add_c(&b, "]))");
    *ret_sql = strbuf_str(&b);
    return true;
}

void iceberg_scan_order(const iceberg_scan *scan, size_t *ret_order)
{
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < scan->file_count; i++)
            if ((scan->files[i].delete_count > 0) == (pass == 1))
                ret_order[at++] = i;
}
