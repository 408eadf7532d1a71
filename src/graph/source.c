/* A label's tables, pinned at their snapshots: the numbering of their rows, and SQL over them. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "graph/internal.h"

/* ---- Checking the schema against the tables ---- */

static bool check_column(const source *s, const schema_label *l, const char *member,
                         const schema_column *column, error *err)
{
    const iceberg_schema *schema = iceberg_table_schema(s->table);
    if (column->name.len == 0 || column->is_expression || iceberg_schema_find(schema, column->name))
        return true;
    AUTO(arena_free) arena *scratch = arena_new();
    strbuf there = strbuf_new(scratch);
    for (size_t i = 0; i < schema->field_count; i++)
        strbuf_format(&there, "%s" STR_FMT, i ? ", " : "", STR_ARG(schema->fields[i].name));
    return fail(err, ERR_NOT_FOUND,
                STR_FMT ".%s: table " STR_FMT " has no column '" STR_FMT "'; there are: " STR_FMT,
                STR_ARG(l->source_count == 1 ? l->path : s->schema->path), member,
                STR_ARG(iceberg_table_name(s->table)), STR_ARG(column->name),
                STR_ARG(strbuf_str(&there)));
}

static bool check_columns(const source *s, const schema_label *l, error *err)
{
    for (size_t i = 0; i < l->id_count; i++)
        TRY(check_column(s, l, "id", &s->schema->id[i], err));
    for (size_t i = 0; i < l->from_count; i++)
        TRY(check_column(s, l, "from", &s->schema->from[i], err));
    for (size_t i = 0; i < l->to_count; i++)
        TRY(check_column(s, l, "to", &s->schema->to[i], err));
    for (size_t i = 0; i < l->property_count; i++)
        TRY(check_column(s, l, "attributes", &s->schema->columns[i], err));
    return true;
}

/* ---- Opening ---- */

/* The snapshot that was current at a time. */
static bool find_snapshot(const graph_options *options, const iceberg_table *t, int64_t *ret_id,
                          error *err)
{
    const iceberg_snapshot *now = iceberg_table_current(t);
    *ret_id = now ? now->id : -1;
    if (options->as_of_ms == 0)
        return true;
    bool is_found = false;
    for (size_t i = 0; i < iceberg_table_snapshot_count(t); i++) {
        const iceberg_snapshot *s = iceberg_table_snapshot_at(t, i);
        if (s->timestamp_ms > options->as_of_ms)
            break;
        *ret_id = s->id;
        is_found = true;
    }
    return is_found ? true
                    : fail(err, ERR_NOT_FOUND,
                           "table " STR_FMT " has no snapshot that old; it begins, or its history "
                           "was expired, later",
                           STR_ARG(iceberg_table_name(t)));
}

static uint64_t hash_of_deletes(const iceberg_scan_file *f)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < f->delete_count; i++)
        hash += hash64(f->deletes[i]->uri.data, f->deletes[i]->uri.len);
    return hash;
}

static bool source_open(const graph_options *options, arena *a, const schema_label *label,
                        const schema_source *schema, source *ret, error *err)
{
    catalog *c;
    ret->schema = schema;
    if (!options->find_catalog(options->find_context, schema->catalog, &c, err) ||
        !catalog_load(c, a, schema->namespace, schema->table, &ret->table, err))
        return fail_while(err, STR_FMT, STR_ARG(schema->path));
    TRY(check_columns(ret, label, err));
    TRY(find_snapshot(options, ret->table, &ret->snapshot_id, err));
    if (ret->snapshot_id >= 0)
        TRY(iceberg_table_scan(ret->table, a, ret->snapshot_id, &ret->scan, err));
    size_t *order = arena_array_of(a, size_t, ret->scan.file_count);
    iceberg_scan_order(&ret->scan, order);
    ret->files = arena_array_of(a, source_file, ret->scan.file_count);
    ret->file_count = ret->scan.file_count;
    for (size_t i = 0; i < ret->file_count; i++) {
        const iceberg_scan_file *f = &ret->scan.files[order[i]];
        ret->files[i] = (source_file){ .uri = f->file.uri,
                                       .rows = (uint64_t)f->file.row_count,
                                       .deletes = hash_of_deletes(f) };
    }
    return true;
}

bool label_rows_open(const graph_options *options, arena *a, const schema_label *label,
                     label_rows *ret, error *err)
{
    ret->schema = label;
    ret->sources = arena_array_of(a, source, label->source_count);
    for (size_t i = 0; i < label->source_count; i++)
        TRY(source_open(options, a, label, &label->sources[i], &ret->sources[i], err));
    return true;
}

/* ---- Numbering ---- */

/* Of a scan's delete files those that apply to a file of it: others need not be read. */
static void keep_used_deletes(arena *a, iceberg_scan *scan)
{
    AUTO(arena_free) arena *scratch = arena_new();
    map used = map_new(scratch);
    iceberg_file *kept = arena_array_of(a, iceberg_file, scan->delete_count);
    size_t count = 0;
    for (size_t i = 0; i < scan->file_count; i++)
        for (size_t k = 0; k < scan->files[i].delete_count; k++)
            map_set(&used, scan->files[i].deletes[k]->uri, (void *)1);
    for (size_t i = 0; i < scan->delete_count; i++)
        if (map_get(&used, scan->delete_files[i].uri))
            kept[count++] = scan->delete_files[i];
    scan->delete_files = kept;
    scan->delete_count = count;
}

/* The files of the scan that have numbers from `first` on. */
static void find_added(source *s, arena *a, uint64_t first)
{
    iceberg_scan_file *files = arena_array_of(a, iceberg_scan_file, s->file_count);
    size_t *order = arena_array_of(a, size_t, s->file_count), count = 0;
    s->added_bases = arena_array_of(a, uint64_t, s->file_count);
    iceberg_scan_order(&s->scan, order);
    for (size_t i = 0; i < s->file_count; i++)
        if (s->files[i].base >= first) { /* the order of what is left is the same */
            s->added_bases[count] = s->files[i].base;
            files[count++] = s->scan.files[order[i]];
        }
    s->added = s->scan;
    s->added.files = files;
    s->added.file_count = count;
    keep_used_deletes(a, &s->added);
}

static void number_source(label_rows *rows, size_t number, const source *old, row_range *dropped,
                          size_t *dropped_count)
{
    source *s = &rows->sources[number];
    AUTO(arena_free) arena *scratch = arena_new();
    map known = map_new(scratch);
    bool *is_kept = old ? arena_array_of(scratch, bool, old->file_count) : NULL;
    for (size_t i = 0; old && i < old->file_count; i++)
        map_set(&known, old->files[i].uri, &old->files[i]);
    for (size_t i = 0; i < s->file_count; i++) {
        source_file *f = &s->files[i];
        const source_file *was = old ? map_get(&known, f->uri) : NULL;
        if (was && was->deletes == f->deletes && was->rows == f->rows) {
            f->base = was->base;
            is_kept[was - old->files] = true;
            continue;
        }
        f->base = rows->row_limit;
        rows->row_limit += f->rows;
    }
    for (size_t i = 0; old && i < old->file_count; i++)
        if (!is_kept[i])
            dropped[(*dropped_count)++] =
                (row_range){ old->files[i].base, old->files[i].base + old->files[i].rows };
}

static int compare_ranges(const void *x, const void *y)
{
    const row_range *p = x, *q = y;
    return (p->from > q->from) - (p->from < q->from);
}

bool label_rows_number(label_rows *rows, arena *a, const label_rows *old, error *err)
{
    size_t count = 0, room = 0;
    for (size_t i = 0; old && i < old->schema->source_count; i++)
        room += old->sources[i].file_count;
    row_range *dropped = arena_array_of(a, row_range, room);
    rows->row_limit = rows->first_added = old ? old->row_limit : 0;
    for (size_t i = 0; i < rows->schema->source_count; i++)
        number_source(rows, i, old ? &old->sources[i] : NULL, dropped, &count);
    if (count)
        qsort(dropped, count, sizeof *dropped, compare_ranges);
    rows->dropped = dropped;
    rows->dropped_count = count;
    for (size_t i = 0; i < rows->schema->source_count; i++)
        find_added(&rows->sources[i], a, rows->first_added);
    if (rows->row_limit >= UINT32_MAX)
        return fail(err, ERR_LIMIT,
                    STR_FMT ": its tables have more than 4 billion rows, which a graph cannot hold "
                            "yet",
                    STR_ARG(rows->schema->path));
    return true;
}

/* ---- SQL ---- */

bool source_sql(const source *s, arena *a, const iceberg_scan *part, str expressions, str *ret_sql,
                error *err)
{
    str scan;
    TRY(iceberg_scan_sql_numbered(s->table, a, part, NULL, 0, &scan, err));
    *ret_sql = str_format(
        a, "(SELECT " STR_FMT ", \"_file_index\", \"_pos\" FROM " STR_FMT "%s" STR_FMT ")",
        STR_ARG(expressions), STR_ARG(scan), s->schema->where.len ? " WHERE " : "",
        STR_ARG(s->schema->where));
    return true;
}

void source_note_read(graph *g, const source *s, const iceberg_scan *part)
{
    graph_reads *r = &g->reads;
    r->scans++;
    r->files += part->file_count;
    r->files_passed_over += s->scan.file_count - part->file_count;
    for (size_t i = 0; i < part->file_count; i++) {
        const iceberg_file *f = &part->files[i].file;
        r->row_groups += f->split_count ? f->split_count : 1;
        r->bytes += (uint64_t)f->size_bytes;
    }
}

iceberg_scan source_without_deletes(arena *a, const iceberg_scan *scan)
{
    size_t *order = arena_array_of(a, size_t, scan->file_count);
    iceberg_scan_file *files = arena_array_of(a, iceberg_scan_file, scan->file_count);
    iceberg_scan plain = *scan;
    iceberg_scan_order(scan, order);
    for (size_t i = 0; i < scan->file_count; i++) {
        files[i] = scan->files[order[i]];
        files[i].deletes = NULL;
        files[i].delete_count = 0;
    }
    plain.files = files;
    plain.delete_files = NULL;
    plain.delete_count = 0;
    return plain;
}

const schema_column *source_property(const label_rows *rows, size_t property, const source *s,
                                     str name)
{
    if (property < rows->schema->property_count)
        return &s->schema->columns[property];
    for (size_t i = 0; i < rows->schema->id_count; i++)
        if (str_eq(rows->schema->id_names[i], name))
            return &s->schema->id[i];
    return NULL;
}

static const iceberg_type *type_of(const source *s, const schema_column *column)
{
    if (column->is_expression || column->name.len == 0)
        return NULL;
    return iceberg_schema_find(iceberg_table_schema(s->table), column->name)->type;
}

column_type source_column_type(const source *s, const schema_column *column)
{
    const iceberg_type *t = type_of(s, column);
    switch (t ? t->kind : ICEBERG_STRING) {
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

bool source_is_text(const source *s, const schema_column *column)
{
    const iceberg_type *t = type_of(s, column);
    return t && t->kind == ICEBERG_STRING;
}

str source_column_sql(arena *a, const schema_column *column)
{
    strbuf b = strbuf_new(a);
    if (column->is_expression)
        strbuf_format(&b, "(" STR_FMT ")", STR_ARG(column->name));
    else
        strbuf_add_sql_name(&b, column->name);
    return strbuf_str(&b);
}

str source_key_sql(const source *s, arena *a, const schema_column *columns, size_t count)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, count > 1 ? "(" : "");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&b, i ? " || chr(31) || " : "");
        strbuf_add(&b, source_column_sql(a, &columns[i]));
        strbuf_add_c(&b, source_is_text(s, &columns[i]) ? "" : "::VARCHAR");
    }
    strbuf_add_c(&b, count > 1 ? ")" : "");
    return strbuf_str(&b);
}

/* ---- What metadata says ---- */

bool label_rows_have_unique_key(const label_rows *rows)
{
    if (rows->schema->source_count != 1)
        return false;
    const source *s = &rows->sources[0];
    const iceberg_schema *schema = iceberg_table_schema(s->table);
    if (schema->identifier_count != rows->schema->id_count)
        return false;
    for (size_t i = 0; i < rows->schema->id_count; i++) {
        bool is_key = false;
        if (s->schema->id[i].is_expression)
            return false;
        for (size_t k = 0; k < schema->identifier_count; k++)
            is_key |=
                iceberg_schema_find(schema, s->schema->id[i].name)->id == schema->identifier_ids[k];
        if (!is_key)
            return false;
    }
    return true;
}

uint64_t label_rows_count(const label_rows *rows)
{
    uint64_t count = 0;
    for (size_t i = 0; i < rows->schema->source_count; i++)
        count += (uint64_t)rows->sources[i].scan.row_count;
    return count;
}

bool label_rows_have_deletes(const label_rows *rows)
{
    for (size_t i = 0; i < rows->schema->source_count; i++)
        if (rows->sources[i].scan.delete_count)
            return true;
    return false;
}

bool label_rows_have_filter(const label_rows *rows)
{
    for (size_t i = 0; i < rows->schema->source_count; i++)
        if (rows->sources[i].schema->where.len)
            return true;
    return false;
}

/* ---- Moments ---- */

static bool find_time(const label_rows *l, int64_t snapshot_id, int64_t *ret_ms)
{
    for (size_t i = 0; i < l->schema->source_count; i++) {
        const iceberg_table *t = l->sources[i].table;
        for (size_t k = 0; k < iceberg_table_snapshot_count(t); k++)
            if (iceberg_table_snapshot_at(t, k)->id == snapshot_id) {
                *ret_ms = iceberg_table_snapshot_at(t, k)->timestamp_ms;
                return true;
            }
    }
    return false;
}

bool graph_snapshot_time(const graph *g, int64_t snapshot_id, int64_t *ret_ms, error *err)
{
    for (size_t i = 0; i < graph_vertex_label_count(g) && !g->scratch; i++)
        if (find_time(&g->vertices[i].rows, snapshot_id, ret_ms))
            return true;
    for (size_t i = 0; i < graph_edge_label_count(g) && !g->scratch; i++)
        if (find_time(&g->edges[i].rows, snapshot_id, ret_ms))
            return true;
    return fail(err, ERR_NOT_FOUND, "no table of the graph has a snapshot %lld",
                (long long)snapshot_id);
}
