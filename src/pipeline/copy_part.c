/* The sources of one statement of a COPY run: a text scan or the files of one shape, as a SELECT
 * with the target's columns. */
#include "base/clock.h"
#include "pipeline/copy_internal.h"
#include "pipeline/flow_field.h"

static void add_expression(strbuf *b, const part *p, const iceberg_field *f, arena *a)
{
    for (size_t i = 0; i < p->column_count; i++) {
        const iceberg_type *arriving;
        error ignored = { 0 };
        bool is_same = str_eq_nocase(p->names[i], f->name);
        str sibling = STR("");
        if (!copy_arriving_type(a, p->names[i], p->types[i], &arriving, &ignored))
            continue;
        if (!is_same)
            sibling = str_format(a, STR_FMT "_" STR_FMT, STR_ARG(p->names[i]),
                                 STR_ARG(iceberg_type_text(a, arriving)));
        if (!is_same && !str_eq_nocase(sibling, f->name))
            continue;
        if (!copy_type_fits(arriving, f->type))
            continue;
        bool is_text = str_eq(p->types[i], STR("VARCHAR"));
        strbuf_add_c(b, is_text ? "nullif(" : "CAST(");
        strbuf_add_sql_name(b, p->names[i]);
        if (is_text)
            strbuf_add_c(b, ", '-')");
        else
            strbuf_format(b, " AS " STR_FMT ")", STR_ARG(iceberg_type_sql(a, f->type)));
        return;
    }
    strbuf_format(b, "NULL::" STR_FMT, STR_ARG(iceberg_type_sql(a, f->type)));
}

/* The run's objects as dead letters name them, with commas. */
static str object_names(copy *c)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < c->object_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_text(&b, c->objects[i].shown);
    }
    return strbuf_str(&b);
}

str copy_part_select(copy *c, const part *p, int32_t day)
{
    strbuf b = strbuf_new(c->arena);
    const option *o = copy_transformations(c->job);
    strbuf_add_c(&b, "SELECT ");
    for (size_t i = 0; i < c->schema->field_count; i++) {
        const iceberg_field *f = &c->schema->fields[i];
        const assignment *given = NULL;
        for (size_t k = 0; o && k < o->assignments.count; k++)
            if (str_eq_nocase(o->assignments.items[k].column, f->name))
                given = &o->assignments.items[k];
        strbuf_add_c(&b, i ? ", " : "");
        if (str_eq(f->name, STR(EVENT_DATE)))
            strbuf_format(&b, "DATE '" STR_FMT "'", STR_ARG(clock_format_days(c->arena, day)));
        else if (str_eq(f->name, STR(EVENT_TIME)))
            strbuf_add_c(&b, "floe_event_time(\"_object\")");
        else if (given)
            strbuf_format(&b, "(" STR_FMT ")::" STR_FMT,
                          STR_ARG(expression_to_sql(c->arena, given->expression)),
                          STR_ARG(iceberg_type_sql(c->arena, f->type)));
        else
            add_expression(&b, p, f, c->arena);
        strbuf_add_c(&b, " AS ");
        strbuf_add_sql_name(&b, f->name);
    }
    if (c->job->statement->expectation_count)
        copy_add_checks(c, &b);
    strbuf_format(&b, " FROM " STR_FMT, STR_ARG(p->relation));
    if (c->replay.len) /* "_object" and row of each dead letter */
        strbuf_format(
            &b,
            " WHERE (\"_object\", \"_row\") IN (SELECT floe_object(file), \"row\" FROM " STR_FMT
            " WHERE file IN (" STR_FMT "))",
            STR_ARG(c->replay), STR_ARG(object_names(c)));
    return strbuf_str(&b);
}

/* ---- System columns ---- */

static str compression_of(str name)
{
    static const struct {
        const char *end, *name;
    } known[] = { { ".gz", "GZIP" },   { ".zst", "ZSTD" },      { ".zstd", "ZSTD" },
                  { ".bz2", "BZIP2" }, { ".snappy", "SNAPPY" }, { ".sz", "SNAPPY" } };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_ends_with(name, str_of(known[i].end)))
            return str_of(known[i].name);
    return STR("NONE");
}

static void add_file_name(strbuf *b, const run_object *o)
{
    strbuf_add_sql_text(b, o->shown);
}

static void add_compression(strbuf *b, const run_object *o)
{
    strbuf_add_sql_text(b, compression_of(o->shown));
}

static void add_size(strbuf *b, const run_object *o)
{
    strbuf_format(b, "%lld::BIGINT", (long long)o->object.size_bytes);
}

static void add_modified(strbuf *b, const run_object *o)
{
    strbuf_format(b, "%lld::BIGINT", (long long)(o->object.modified_us / 1000));
}

/* What COLUMN_TRANSFORMATIONS and expectations may name beside the file's columns: of the row's
 * object, or an expression. */
static const struct {
    const char *name;
    void (*add)(strbuf *b, const run_object *o);
    const char *sql;
} system_columns[] = {
    { "$file_name", add_file_name, NULL },
    { "$compressed_file_name", add_file_name, NULL },
    { "$file_size", add_size, NULL },
    { "$file_last_modified", add_modified, NULL },
    { "$compression", add_compression, NULL },
    { "$row_number", NULL, "\"_row\"::BIGINT" },
    { "$event_time", NULL, "floe_event_time(\"_object\")" },
    { "$event_timestamp", NULL, "floe_event_time(\"_object\")" },
    { "$source_time", NULL, "floe_event_time(\"_object\")" },
    { "$event_date", NULL, "floe_event_time(\"_object\")::DATE" },
    { "$commit_time", NULL, NULL }, /* of the run */
};

static bool is_named(const copy *c, str name)
{
    const statement *s = c->job->statement;
    const option *o = copy_transformations(c->job);
    for (size_t i = 0; o && i < o->assignments.count; i++)
        if (expression_mentions(o->assignments.items[i].expression, name))
            return true;
    for (size_t i = 0; i < s->expectation_count; i++)
        if (expression_mentions(s->expectations[i].predicate, name))
            return true;
    return false;
}

/* The relation with those that the job names. */
static str with_system_columns(copy *c, str relation)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < ARRAY_LEN(system_columns); i++) {
        if (!is_named(c, str_of(system_columns[i].name)))
            continue;
        strbuf_add_c(&b, b.len ? ", " : "(SELECT *, ");
        if (system_columns[i].add) {
            strbuf_add_c(&b, "([");
            for (size_t k = 0; k < c->object_count; k++) {
                strbuf_add_c(&b, k ? ", " : "");
                system_columns[i].add(&b, &c->objects[k]);
            }
            strbuf_add_c(&b, "])[\"_object\" + 1]");
        } else if (system_columns[i].sql) {
            strbuf_add_c(&b, system_columns[i].sql);
        } else {
            c->started_us = c->started_us ? c->started_us : clock_wall_us();
            strbuf_format(&b, "make_timestamp(%lld)", (long long)c->started_us);
        }
        strbuf_add_c(&b, " AS ");
        strbuf_add_sql_name(&b, str_of(system_columns[i].name));
    }
    if (b.len == 0)
        return relation;
    strbuf_format(&b, " FROM " STR_FMT ")", STR_ARG(relation));
    return strbuf_str(&b);
}

/* The files of one shape. */
part copy_shape_part(copy *c, size_t shape_index, const size_t *objects, size_t count)
{
    const shape *s = &c->shapes.items[shape_index];
    strbuf b = strbuf_new(c->arena);
    if (s->raw_names || s->is_message) {
        for (size_t i = 0; i < count; i++)
            strbuf_format(&b, "%s" STR_FMT, i ? " UNION ALL BY NAME " : "(",
                          STR_ARG(copy_format_relation(c, objects[i], s)));
        strbuf_add_char(&b, ')');
        return (part){ with_system_columns(c, strbuf_str(&b)), s->column_count, s->names,
                       s->types };
    }
    strbuf_add_c(&b, "(SELECT * EXCLUDE (filename, file_row_number), floe_object(filename) AS "
                     "\"_object\", file_row_number AS \"_row\" FROM read_parquet(");
    copy_add_paths(&b, c, objects, count);
    strbuf_add_c(&b, ", filename = true, file_row_number = true))");
    return (part){ with_system_columns(c, strbuf_str(&b)), s->column_count, s->names, s->types,
                   .is_parquet = true };
}

static const char *sql_type_of(column_type type)
{
    return type == COLUMN_STRING ? "VARCHAR" : column_type_name(type);
}

/* All flow-log fields that some file of the scan has. */
part copy_text_part(copy *c, const text_scan *scan, size_t first_object)
{
    part p = { .names = arena_array_of(c->arena, str, flow_field_count),
               .types = arena_array_of(c->arena, str, flow_field_count) };
    for (size_t i = 0; i < flow_field_count; i++)
        if (text_scan_has_column(scan, i)) {
            p.names[p.column_count] = str_of(flow_fields[i].name);
            p.types[p.column_count++] = str_of(sql_type_of(flow_fields[i].type));
        }
    p.relation = str_format(
        c->arena,
        "(SELECT * EXCLUDE (\"_file\"), \"_file\"::BIGINT + %zu AS \"_object\" FROM " STR_FMT ")",
        first_object, STR_ARG(text_scan_relation(scan)));
    p.relation = with_system_columns(c, p.relation);
    return p;
}
