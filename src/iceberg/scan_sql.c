/* A scan as SQL for DuckDB: columns by field id, with defaults; rows that deletion vectors,
 * position deletes or equality deletes name left out. Source: Iceberg spec, "Column Projection",
 * "Default values", "Row-level Deletes". */
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/internal.h"

enum { ROW_ID = 2147483540, LAST_UPDATED = 2147483539 }; /* spec, "Reserved Field IDs" */

/* How a row's place is given. */
typedef enum place { PLACE_NONE, PLACE_URI, PLACE_NUMBER } place;

typedef VEC(const iceberg_file *) file_refs;

/* Equality deletes over the same columns, applied by one anti-join. */
typedef struct equality_set {
    const int32_t *ids;
    size_t id_count;
    file_refs files;
} equality_set;

typedef struct sql_writer {
    const iceberg_table *table;
    const iceberg_schema *schema;
    const iceberg_scan *scan;
    const str *columns; /* NULL: all */
    size_t column_count;
    place place;
    bool with_lineage;
    strbuf out;
    /* of the files that have deletes */
    file_refs position_files;
    VEC(equality_set) equality;
    VEC(const iceberg_field *) dropped; /* columns that only equality deletes still need */
    map partitions;                     /* partition key → its number + 1 */
    /* of each file of `scan`, its place in the order of the caller's; NULL: as they come */
    const int64_t *numbers;
} sql_writer;

/* ---- Columns ---- */

/* A default's JSON as the text that DuckDB casts to the column's type. */
static void add_default(strbuf *b, const iceberg_field *f)
{
    str text = f->initial_default;
    if (text.len == 0) {
        strbuf_add_c(b, "NULL");
        return;
    }
    AUTO(json_release) json_t *j = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
    if (json_is_string(j)) {
        bool is_bytes = f->type->kind == ICEBERG_BINARY || f->type->kind == ICEBERG_FIXED;
        strbuf hex = strbuf_new(b->arena);
        for (size_t i = 0; is_bytes && i + 1 < json_string_length(j); i += 2)
            strbuf_format(&hex, "\\x%.2s", json_string_value(j) + i);
        strbuf_add_sql_text(b, is_bytes ? strbuf_str(&hex) : json_str(j));
    } else if (json_is_number(j) || json_is_boolean(j)) {
        strbuf_add_sql_text(b, text);
    } else { /* the spec allows only empty structs, lists and maps, or null */
        strbuf_add_c(b, "NULL");
    }
}

static void add_mapped(strbuf *b, bool *is_first, int32_t id, str name, const iceberg_field *f)
{
    strbuf_format(b, "%s%d: {name: ", *is_first ? "" : ", ", id);
    strbuf_add_sql_text(b, name);
    strbuf_add_c(b, ", type: ");
    strbuf_add_sql_text(b, iceberg_type_sql(b->arena, f->type));
    strbuf_add_c(b, ", default_value: ");
    add_default(b, f);
    strbuf_add_c(b, "}");
    *is_first = false;
}

static str dropped_name(arena *a, int32_t id)
{
    return str_format(a, "_dropped%d", id);
}

static void add_schema_map(sql_writer *w, bool with_dropped)
{
    static const iceberg_type number = { .kind = ICEBERG_LONG };
    const iceberg_field lineage = { .type = &number };
    bool is_first = true;
    strbuf *b = &w->out;
    strbuf_add_c(b, ", schema = map {");
    for (size_t i = 0; i < w->schema->field_count; i++)
        add_mapped(b, &is_first, w->schema->fields[i].id, w->schema->fields[i].name,
                   &w->schema->fields[i]);
    for (size_t i = 0; with_dropped && i < w->dropped.count; i++)
        add_mapped(b, &is_first, w->dropped.items[i]->id,
                   dropped_name(b->arena, w->dropped.items[i]->id), w->dropped.items[i]);
    if (w->with_lineage) {
        add_mapped(b, &is_first, ROW_ID, STR("_row_id"), &lineage);
        add_mapped(b, &is_first, LAST_UPDATED, STR("_last_updated_sequence_number"), &lineage);
    }
    strbuf_add_c(b, "})");
}

static void add_columns(sql_writer *w)
{
    size_t all = w->columns ? w->column_count : w->schema->field_count;
    for (size_t i = 0; i < all; i++) {
        strbuf_add_c(&w->out, i ? ", " : "");
        strbuf_add_sql_name(&w->out, w->columns ? w->columns[i] : w->schema->fields[i].name);
    }
    if (all == 0)
        strbuf_add_c(&w->out, "1 AS \"_none\"");
    if (w->with_lineage)
        strbuf_add_c(&w->out, ", \"_row_id\", \"_last_updated_sequence_number\"");
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

static bool check_parquet(const iceberg_table *t, const iceberg_file *f, error *err)
{
    return str_eq_nocase(f->format, STR("PARQUET"))
               ? true
               : fail(err, ERR_INVALID,
                      "table " STR_FMT ": file " STR_FMT " is " STR_FMT
                      "; only Parquet can be read",
                      STR_ARG(t->name), STR_ARG(f->uri), STR_ARG(f->format));
}

/* ---- One value for each file, by the file's number in its read_parquet ---- */

typedef int64_t (*file_number)(sql_writer *w, const iceberg_scan_file *f);

static int64_t sequence_of(sql_writer *w, const iceberg_scan_file *f)
{
    (void)w;
    return f->file.sequence_number;
}

static int64_t first_row_of(sql_writer *w, const iceberg_scan_file *f)
{
    (void)w;
    return f->file.first_row_id;
}

static int64_t partition_of(sql_writer *w, const iceberg_scan_file *f)
{
    return (int64_t)(uintptr_t)map_get(&w->partitions,
                                       iceberg_partition_key(w->table, w->out.arena, &f->file));
}

static int64_t number_of(sql_writer *w, const iceberg_scan_file *f)
{
    return w->numbers[f - w->scan->files];
}

/* "[3, 3, 4][(file_index + 1)::BIGINT]", or the number itself when it is one for all. */
static void add_number(sql_writer *w, bool with_deletes, file_number number)
{
    bool is_same = true, is_first = true;
    int64_t first = 0;
    for (size_t i = 0; i < w->scan->file_count; i++) {
        const iceberg_scan_file *f = &w->scan->files[i];
        if ((f->delete_count > 0) != with_deletes)
            continue;
        int64_t n = number(w, f);
        first = is_first ? n : first;
        is_same &= n == first;
        is_first = false;
    }
    if (is_same) {
        strbuf_format(&w->out, "%lld::BIGINT", (long long)first);
        return;
    }
    is_first = true;
    for (size_t i = 0; i < w->scan->file_count; i++) {
        const iceberg_scan_file *f = &w->scan->files[i];
        if ((f->delete_count > 0) != with_deletes)
            continue;
        strbuf_format(&w->out, "%s%lld", is_first ? "([" : ", ", (long long)number(w, f));
        is_first = false;
    }
    strbuf_add_c(&w->out, "]::BIGINT[])[(file_index + 1)::BIGINT]");
}

/* The table's URI of the row's file: "file://" and the path where that is how the table has them
 * all. */
static void add_file_column(sql_writer *w, bool with_deletes)
{
    const iceberg_scan *scan = w->scan;
    bool is_plain = true, is_first = true;
    for (size_t i = 0; i < scan->file_count; i++)
        if ((scan->files[i].delete_count > 0) == with_deletes)
            is_plain &= str_starts_with(scan->files[i].file.uri, STR("file:///"));
    if (is_plain) {
        strbuf_add_c(&w->out, ", 'file://' || filename AS \"_file\"");
    } else {
        for (size_t i = 0; i < scan->file_count; i++) {
            if ((scan->files[i].delete_count > 0) != with_deletes)
                continue;
            strbuf_add_c(&w->out, is_first ? ", [" : ", ");
            strbuf_add_sql_text(&w->out, scan->files[i].file.uri);
            is_first = false;
        }
        strbuf_add_c(&w->out, "][(file_index + 1)::BIGINT] AS \"_file\"");
    }
    strbuf_add_c(&w->out, ", file_row_number AS \"_pos\"");
}

/* ---- The files with, and those without deletes ---- */

static size_t count_without_deletes(const iceberg_scan *scan)
{
    size_t count = 0;
    for (size_t i = 0; i < scan->file_count; i++)
        count += scan->files[i].delete_count == 0;
    return count;
}

static void add_lineage(sql_writer *w, bool with_deletes)
{
    strbuf_add_c(&w->out, ", coalesce(\"_row_id\", ");
    add_number(w, with_deletes, first_row_of);
    strbuf_add_c(&w->out, " + file_row_number) AS \"_row_id\", "
                          "coalesce(\"_last_updated_sequence_number\", ");
    add_number(w, with_deletes, sequence_of);
    strbuf_add_c(&w->out, ") AS \"_last_updated_sequence_number\"");
}

static void add_part_columns(sql_writer *w, bool with_deletes)
{
    strbuf *b = &w->out;
    sql_writer plain = *w;
    plain.with_lineage = false;
    if (with_deletes)
        plain.columns = NULL; /* equality deletes may ask for any */
    add_columns(&plain);
    *b = plain.out;
    if (w->with_lineage)
        add_lineage(w, with_deletes);
    if (w->place == PLACE_NUMBER && w->numbers) {
        strbuf_add_c(b, ", ");
        add_number(w, with_deletes, number_of);
        strbuf_add_c(b, " AS \"_file_index\"");
    } else if (w->place == PLACE_NUMBER)
        strbuf_format(b, ", (file_index + %zu)::BIGINT AS \"_file_index\"",
                      with_deletes ? count_without_deletes(w->scan) : 0);
    if (w->place == PLACE_URI || with_deletes)
        add_file_column(w, with_deletes);
    else if (w->place == PLACE_NUMBER)
        strbuf_add_c(b, ", file_row_number AS \"_pos\"");
    for (size_t i = 0; with_deletes && i < w->dropped.count; i++) {
        strbuf_add_c(b, ", ");
        strbuf_add(b, dropped_name(b->arena, w->dropped.items[i]->id));
    }
    if (with_deletes && w->equality.count) {
        strbuf_add_c(b, ", ");
        add_number(w, true, sequence_of);
        strbuf_add_c(b, " AS \"_sequence\", ");
        add_number(w, true, partition_of);
        strbuf_add_c(b, " AS \"_partition\"");
    }
}

static bool add_part(sql_writer *w, bool with_deletes, error *err)
{
    bool is_first = true;
    strbuf_add_c(&w->out, "SELECT ");
    add_part_columns(w, with_deletes);
    strbuf_add_c(&w->out, " FROM read_parquet([");
    for (size_t i = 0; i < w->scan->file_count; i++) {
        const iceberg_scan_file *f = &w->scan->files[i];
        if ((f->delete_count > 0) != with_deletes)
            continue;
        TRY(check_parquet(w->table, &f->file, err));
        strbuf_add_c(&w->out, is_first ? "" : ", ");
        TRY(add_path(&w->out, w->table->store, f->file.uri, err));
        is_first = false;
    }
    strbuf_add_char(&w->out, ']');
    add_schema_map(w, with_deletes);
    return true;
}

/* ---- Deletes ---- */

static bool same_ids(const equality_set *s, const iceberg_file *d)
{
    return s->id_count == d->equality_count &&
           memcmp(s->ids, d->equality_ids, s->id_count * sizeof *s->ids) == 0;
}

/* A column that equality deletes compare, wherever any schema of the table still has it. */
static const iceberg_field *field_ever(const iceberg_table *t, int32_t id)
{
    for (size_t i = t->schema_count; i-- > 0;) {
        const iceberg_field *f = iceberg_schema_find_id(t->schemas[i], id);
        if (f)
            return f;
    }
    return NULL;
}

static bool note_equality(sql_writer *w, const iceberg_file *d, error *err)
{
    arena *a = w->out.arena;
    for (size_t i = 0; i < w->equality.count; i++)
        if (same_ids(&w->equality.items[i], d)) {
            vec_push(a, &w->equality.items[i].files, d);
            return true;
        }
    if (d->equality_count == 0)
        return fail(err, ERR_CORRUPT, "equality deletes " STR_FMT " name no columns",
                    STR_ARG(d->uri));
    equality_set s = { d->equality_ids, d->equality_count, { 0 } };
    vec_push(a, &s.files, d);
    vec_push(a, &w->equality, s);
    for (size_t i = 0; i < s.id_count; i++) {
        const iceberg_field *f = field_ever(w->table, s.ids[i]);
        if (!f)
            return fail(err, ERR_INVALID,
                        "equality deletes " STR_FMT
                        " compare field %d, which is inside another or unknown",
                        STR_ARG(d->uri), s.ids[i]);
        bool is_noted = iceberg_schema_find_id(w->schema, f->id) != NULL;
        for (size_t k = 0; k < w->dropped.count; k++)
            is_noted |= w->dropped.items[k]->id == f->id;
        if (!is_noted)
            vec_push(a, &w->dropped, f);
    }
    return true;
}

/* Sort the deletes of the scan's files by how they are applied. */
static bool note_deletes(sql_writer *w, error *err)
{
    for (size_t i = 0; i < w->scan->delete_count; i++) {
        const iceberg_file *d = &w->scan->delete_files[i];
        if (iceberg_file_is_vector(d))
            continue;
        TRY(check_parquet(w->table, d, err));
        if (d->content == ICEBERG_EQUALITY_DELETES)
            TRY(note_equality(w, d, err));
        else
            vec_push(w->out.arena, &w->position_files, d);
    }
    for (size_t i = 0; w->equality.count && i < w->scan->file_count; i++) {
        str key = iceberg_partition_key(w->table, w->out.arena, &w->scan->files[i].file);
        if (!map_has(&w->partitions, key))
            map_set(&w->partitions, key, (void *)(uintptr_t)(w->partitions.count + 1));
    }
    return true;
}

static bool add_vectors(sql_writer *w, error *err)
{
    bool has_vectors = false, is_first = true;
    for (size_t i = 0; i < w->scan->delete_count; i++)
        has_vectors |= iceberg_file_is_vector(&w->scan->delete_files[i]);
    if (!has_vectors)
        return true;
    strbuf_add_c(&w->out, " WHERE iceberg_live(([");
    for (size_t i = 0; i < w->scan->file_count; i++) {
        const iceberg_scan_file *f = &w->scan->files[i];
        int64_t number = 0;
        if (f->delete_count == 0)
            continue;
        for (size_t k = 0; k < f->delete_count; k++)
            if (iceberg_file_is_vector(f->deletes[k]))
                TRY(vector_keep(w->table->store, f->deletes[k], f->file.row_count, &number, err));
        strbuf_format(&w->out, "%s%lld", is_first ? "" : ", ", (long long)number);
        is_first = false;
    }
    strbuf_add_c(&w->out, "]::BIGINT[])[(file_index + 1)::BIGINT], file_row_number)");
    return true;
}

static bool add_paths(sql_writer *w, const file_refs *files, error *err)
{
    strbuf_add_c(&w->out, "read_parquet([");
    for (size_t i = 0; i < files->count; i++) {
        strbuf_add_c(&w->out, i ? ", " : "");
        TRY(add_path(&w->out, w->table->store, files->items[i]->uri, err));
    }
    strbuf_add_char(&w->out, ']');
    return true;
}

/* Numbers of the delete files, by file_index, as in add_number. Partition 0: holds everywhere. */
static void add_delete_numbers(sql_writer *w, const equality_set *s, bool is_partition)
{
    for (size_t i = 0; i < s->files.count; i++) {
        const iceberg_file *d = s->files.items[i];
        int64_t n = d->sequence_number;
        if (is_partition) {
            bool is_global = iceberg_table_spec_by_id(w->table, d->spec_id)->field_count == 0;
            n = is_global ? 0
                          : (int64_t)(uintptr_t)map_get(
                                &w->partitions, iceberg_partition_key(w->table, w->out.arena, d));
            n = !is_global && n == 0 ? -1 : n;
        }
        strbuf_format(&w->out, "%s%lld", i ? ", " : "([", (long long)n);
    }
    strbuf_add_c(&w->out, "]::BIGINT[])[(file_index + 1)::BIGINT]");
}

static bool add_equality(sql_writer *w, const equality_set *s, error *err)
{
    strbuf *b = &w->out;
    bool is_first = true;
    strbuf_add_c(b, "NOT EXISTS (SELECT 1 FROM (SELECT *, ");
    add_delete_numbers(w, s, false);
    strbuf_add_c(b, " AS \"_sequence\", ");
    add_delete_numbers(w, s, true);
    strbuf_add_c(b, " AS \"_partition\" FROM ");
    TRY(add_paths(w, &s->files, err));
    strbuf_add_c(b, ", schema = map {");
    for (size_t i = 0; i < s->id_count; i++) {
        const iceberg_field *now = iceberg_schema_find_id(w->schema, s->ids[i]);
        add_mapped(b, &is_first, s->ids[i], str_format(b->arena, "_key%d", s->ids[i]),
                   now ? now : field_ever(w->table, s->ids[i]));
    }
    strbuf_add_c(b, "})) gone WHERE gone.\"_sequence\" > live.\"_sequence\" AND "
                    "(gone.\"_partition\" = 0 OR gone.\"_partition\" = live.\"_partition\")");
    for (size_t i = 0; i < s->id_count; i++) {
        const iceberg_field *now = iceberg_schema_find_id(w->schema, s->ids[i]);
        strbuf_format(b, " AND gone.\"_key%d\" IS NOT DISTINCT FROM live.", s->ids[i]);
        strbuf_add_sql_name(b, now ? now->name : dropped_name(b->arena, s->ids[i]));
    }
    strbuf_add_char(b, ')');
    return true;
}

static bool add_part_with_deletes(sql_writer *w, error *err)
{
    const char *before = " WHERE ";
    strbuf *b = &w->out;
    strbuf_add_c(b, "SELECT ");
    add_columns(w);
    strbuf_add_c(b, w->place == PLACE_URI      ? ", \"_file\", \"_pos\""
                    : w->place == PLACE_NUMBER ? ", \"_file_index\", \"_pos\""
                                               : "");
    strbuf_add_c(b, " FROM (");
    TRY(add_part(w, true, err));
    TRY(add_vectors(w, err));
    strbuf_add_c(b, ") live");
    if (w->position_files.count) {
        strbuf_format(b, "%sNOT EXISTS (SELECT 1 FROM ", before);
        TRY(add_paths(w, &w->position_files, err));
        strbuf_add_c(b, ") gone WHERE gone.file_path = live.\"_file\" AND gone.pos = "
                        "live.\"_pos\")");
        before = " AND ";
    }
    for (size_t i = 0; i < w->equality.count; i++) {
        strbuf_add_c(b, before);
        TRY(add_equality(w, &w->equality.items[i], err));
        before = " AND ";
    }
    return true;
}

static void add_empty(sql_writer *w)
{
    strbuf *b = &w->out;
    strbuf_add_c(b, "SELECT ");
    add_columns(w);
    strbuf_add_c(b, w->place == PLACE_URI ? ", ''::VARCHAR AS \"_file\", 0::BIGINT AS \"_pos\""
                    : w->place == PLACE_NUMBER
                        ? ", 0::BIGINT AS \"_file_index\", 0::BIGINT AS \"_pos\""
                        : "");
    strbuf_add_c(b, " FROM (SELECT ");
    for (size_t i = 0; i < w->schema->field_count; i++) {
        strbuf_format(b, "%sNULL::" STR_FMT " AS ", i ? ", " : "",
                      STR_ARG(iceberg_type_sql(b->arena, w->schema->fields[i].type)));
        strbuf_add_sql_name(b, w->schema->fields[i].name);
    }
    if (w->with_lineage)
        strbuf_add_c(b, ", NULL::BIGINT AS \"_row_id\", NULL::BIGINT AS "
                        "\"_last_updated_sequence_number\"");
    strbuf_add_c(b, w->schema->field_count ? ") WHERE false" : "1) WHERE false");
}

/* Copies of all remote files, side by side, before they are named one by one. */
static bool fetch_all(const iceberg_table *t, const iceberg_scan *scan, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    size_t count = 0;
    str *uris = arena_array_of(scratch, str, scan->file_count + scan->delete_count);
    for (size_t i = 0; i < scan->file_count; i++)
        if (!store_is_local(scan->files[i].file.uri))
            uris[count++] = scan->files[i].file.uri;
    for (size_t i = 0; i < scan->delete_count; i++)
        if (!store_is_local(scan->delete_files[i].uri))
            uris[count++] = scan->delete_files[i].uri;
    return count == 0 || store_prefetch(t->store, uris, count, err);
}

/* ---- Files without field ids ---- */

typedef struct named_file {
    const iceberg_scan_file *file;
    file_columns columns;
    int64_t number;
} named_file;
typedef VEC(named_file) named_files;

static bool add_named_file(sql_writer *w, const json_t *mapping, const named_file *n, error *err)
{
    strbuf *b = &w->out;
    size_t all = w->columns ? w->column_count : w->schema->field_count;
    if (n->file->delete_count)
        return fail(err, ERR_INVALID,
                    "table " STR_FMT ": file " STR_FMT
                    " has no field ids, and deletes: both at once cannot be read",
                    STR_ARG(w->table->name), STR_ARG(n->file->file.uri));
    strbuf_add_c(b, "SELECT ");
    for (size_t i = 0; i < all; i++) {
        const iceberg_field *f =
            w->columns ? iceberg_schema_find(w->schema, w->columns[i]) : &w->schema->fields[i];
        str there = f ? name_map_find(mapping, &n->columns, f->id) : (str){ 0 };
        str type = f ? iceberg_type_sql(b->arena, f->type) : STR("INTEGER");
        strbuf_add_c(b, i ? ", " : "");
        if (there.len)
            strbuf_add_sql_name(b, there);
        else
            strbuf_add_c(b, "NULL");
        strbuf_format(b, "::" STR_FMT " AS ", STR_ARG(type));
        strbuf_add_sql_name(b, w->columns ? w->columns[i] : f->name);
    }
    strbuf_add_c(b, all ? "" : "1 AS \"_none\"");
    if (w->with_lineage)
        strbuf_format(b,
                      ", %lld + file_row_number AS \"_row_id\", %lld::BIGINT AS "
                      "\"_last_updated_sequence_number\"",
                      (long long)n->file->file.first_row_id,
                      (long long)n->file->file.sequence_number);
    if (w->place == PLACE_URI) {
        strbuf_add_c(b, ", ");
        strbuf_add_sql_text(b, n->file->file.uri);
        strbuf_add_c(b, " AS \"_file\", file_row_number AS \"_pos\"");
    } else if (w->place == PLACE_NUMBER) {
        strbuf_format(b, ", %lld::BIGINT AS \"_file_index\", file_row_number AS \"_pos\"",
                      (long long)n->number);
    }
    strbuf_add_c(b, " FROM read_parquet([");
    TRY(add_path(b, w->table->store, n->file->file.uri, err));
    strbuf_add_c(b, "])");
    return true;
}

/* Files without ids leave `w->scan` for `ret`. Only tables with a name mapping have any. */
static bool take_named_files(sql_writer *w, named_files *ret, error *err)
{
    arena *a = w->out.arena;
    size_t *order = arena_array_of(a, size_t, w->scan->file_count), kept = 0;
    int64_t *numbers = arena_array_of(a, int64_t, w->scan->file_count),
            *kept_numbers = arena_array_of(a, int64_t, w->scan->file_count);
    iceberg_scan_file *files = arena_array_of(a, iceberg_scan_file, w->scan->file_count);
    iceberg_scan *rest = arena_copy(a, w->scan, sizeof *rest);
    iceberg_scan_order(w->scan, order);
    for (size_t i = 0; i < w->scan->file_count; i++)
        numbers[order[i]] = (int64_t)i;
    for (size_t i = 0; i < w->scan->file_count; i++) {
        named_file n = { .file = &w->scan->files[i], .number = numbers[i] };
        TRY(check_parquet(w->table, &n.file->file, err));
        TRY(name_map_columns(w->table->store, a, &n.file->file, &n.columns, err));
        if (!n.columns.has_ids) {
            vec_push(a, ret, n);
            continue;
        }
        files[kept] = *n.file;
        kept_numbers[kept++] = numbers[i];
    }
    if (ret->count == 0)
        return true;
    rest->files = files;
    rest->file_count = kept;
    w->scan = rest;
    w->numbers = kept_numbers;
    return true;
}

static bool write_sql(sql_writer *w, str *ret_sql, error *err)
{
    AUTO(json_release) json_t *mapping = NULL;
    named_files named = { 0 };
    str text = iceberg_table_property(w->table, STR("schema.name-mapping.default"), STR(""));
    w->schema = w->scan->schema ? w->scan->schema : w->table->schema;
    w->partitions = map_new(w->out.arena);
    TRY(fetch_all(w->table, w->scan, err));
    if (text.len && !json_parse(text, STR("schema.name-mapping.default"), &mapping, err))
        return fail_while(err, "table " STR_FMT, STR_ARG(w->table->name));
    if (mapping)
        TRY(take_named_files(w, &named, err));
    size_t without_deletes = count_without_deletes(w->scan);
    strbuf_add_char(&w->out, '(');
    if (w->scan->file_count + named.count == 0)
        add_empty(w);
    for (size_t i = 0; i < named.count; i++) {
        strbuf_add_c(&w->out, i ? " UNION ALL " : "");
        TRY(add_named_file(w, mapping, &named.items[i], err));
    }
    strbuf_add_c(&w->out, named.count && w->scan->file_count ? " UNION ALL " : "");
    if (without_deletes)
        TRY(add_part(w, false, err));
    if (without_deletes < w->scan->file_count) {
        strbuf_add_c(&w->out, without_deletes ? " UNION ALL " : "");
        TRY(note_deletes(w, err));
        TRY(add_part_with_deletes(w, err));
    }
    strbuf_add_char(&w->out, ')');
    *ret_sql = strbuf_str(&w->out);
    return true;
}

bool iceberg_scan_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                      const str *columns, size_t column_count, bool has_position, str *ret_sql,
                      error *err)
{
    sql_writer w = { .table = t,
                     .scan = scan,
                     .columns = columns,
                     .column_count = column_count,
                     .place = has_position ? PLACE_URI : PLACE_NONE,
                     .out = strbuf_new(a) };
    return write_sql(&w, ret_sql, err);
}

bool iceberg_scan_sql_numbered(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                               const str *columns, size_t column_count, str *ret_sql, error *err)
{
    sql_writer w = { .table = t,
                     .scan = scan,
                     .columns = columns,
                     .column_count = column_count,
                     .place = PLACE_NUMBER,
                     .out = strbuf_new(a) };
    return write_sql(&w, ret_sql, err);
}

bool iceberg_scan_sql_lineage(const iceberg_table *t, arena *a, const iceberg_scan *scan,
                              str *ret_sql, error *err)
{
    sql_writer w = {
        .table = t, .scan = scan, .with_lineage = t->format_version >= 3, .out = strbuf_new(a)
    };
    return write_sql(&w, ret_sql, err);
}

bool iceberg_deletes_sql(const iceberg_table *t, arena *a, const iceberg_scan *scan, str *ret_sql,
                         error *err)
{
    sql_writer w = { .table = t, .out = strbuf_new(a) };
    *ret_sql = STR("");
    for (size_t i = 0; i < scan->delete_count; i++) {
        const iceberg_file *d = &scan->delete_files[i];
        if (d->content != ICEBERG_POSITION_DELETES || iceberg_file_is_vector(d))
            return true;
        TRY(check_parquet(t, d, err));
        vec_push(a, &w.position_files, d);
    }
    strbuf_add_c(&w.out, "(SELECT file_path, pos FROM ");
    TRY(add_paths(&w, &w.position_files, err));
    strbuf_add_c(&w.out, "))");
    *ret_sql = strbuf_str(&w.out);
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
