/* One run of a COPY job: plan, check, write one data file a day and shape, commit, done. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"
#include "column/text.h"
#include "pipeline/flow_field.h"
#include "pipeline/copy_internal.h"
#include "pipeline/dead_letter.h"

enum {
    US_PER_HOUR = 3600,
};
static const int64_t us_per_day = 86400000000ll;

/* ---- What SQL functions ask about the run that is under way; one at a time in a process ---- */

static struct {
    const run_object *objects;
    uint64_t *keys; /* of each object: hash of its URI */
    map by_path;    /* path → index + 1 */
    size_t count;
} current;

static uint32_t object_of_path(str path)
{
    uintptr_t i = (uintptr_t)map_get(&current.by_path, path);
    return i ? (uint32_t)(i - 1) : 0;
}

static void encode_paths(void *context, const str *paths, size_t count, uint32_t *ret)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        ret[i] = object_of_path(paths[i]);
}

static int64_t event_time_of(void *context, int64_t object)
{
    (void)context;
    return (size_t)object < current.count ? current.objects[object].object.event_us : 0;
}

void copy_row_key(uint64_t key, uint64_t row, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t high = (key & ~0xFFFFull) | 0x8000 | (key & 0x0FFF);
    uint64_t low = 0x8000000000000000ull | (key >> 12 & 0xF) << 58 | (row & 0x03FFFFFFFFFFFFFFull);
    for (int i = 0, at = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            ret_text[at++] = '-';
        uint64_t half = i < 16 ? high : low;
        ret_text[at++] = digits[half >> (60 - 4 * (i % 16)) & 15];
    }
}

static size_t row_key(void *context, int64_t object, int64_t row, char *ret_text)
{
    (void)context;
    copy_row_key((size_t)object < current.count ? current.keys[object] : 0, (uint64_t)row,
                 ret_text);
    return 36;
}

static bool register_functions(job *j, error *err)
{
    static bool is_registered;
    if (!is_registered) {
        TRY(sql_register_encode(j->engine, "floe_object", encode_paths, NULL, err));
        TRY(sql_register_row_time(j->engine, "floe_event_time", event_time_of, NULL, err));
        TRY(sql_register_row_text(j->engine, "floe_row_key", row_key, NULL, err));
        is_registered = true;
    }
    return true;
}

static void publish_objects(copy *c)
{
    current.objects = c->objects;
    current.count = c->object_count;
    current.keys = arena_array_of(c->arena, uint64_t, c->object_count);
    current.by_path = map_new(c->arena);
    for (size_t i = 0; i < c->object_count; i++) {
        current.keys[i] = hash64(c->objects[i].object.uri.data, c->objects[i].object.uri.len);
        map_set(&current.by_path, c->objects[i].path, (void *)(uintptr_t)(i + 1));
    }
}

/* ---- Looking at the objects ---- */

void copy_set_fault(run_object *o, const char *why)
{
    o->is_good = false;
    const char *statement = strstr(why, "\nLINE "); /* DuckDB quotes a statement of ours */
    int len = statement ? (int)(statement - why) : (int)strlen(why);
    snprintf(o->fault, sizeof o->fault, "%.*s", len, why);
}

/* By name, or by content where CONTENT_TYPE says nothing. */
static bool is_parquet_name(str name)
{
    return str_ends_with(name, STR(".parquet")) || str_ends_with(name, STR(".parq"));
}

static bool read_marks(store *s, const run_object *o, char marks[8], error *err)
{
    TRY(store_read_range(s, o->path, 0, marks, 4, err));
    return store_read_range(s, o->path, o->object.size_bytes - 4, marks + 4, 4, err);
}

static str content_type(const job *j)
{
    const option *o = option_find(j->statement->options, "CONTENT_TYPE");
    const option *type = o && o->kind == OPTION_NESTED ? option_find(o->nested, "TYPE") : o;
    return type && (type->kind == OPTION_WORD || type->kind == OPTION_TEXT) ? type->text
                                                                            : STR("AUTO");
}

static void look_at(copy *c, store *s, run_object *o, str type)
{
    char marks[8];
    error err = { 0 };
    bool is_auto = str_eq_nocase(type, STR("AUTO")), wants_parquet;
    o->is_good = true;
    wants_parquet = is_auto ? is_parquet_name(o->path) : str_eq_nocase(type, STR("PARQUET"));
    o->reader = wants_parquet ? READER_PARQUET : READER_FLOW_TEXT;
    o->is_text = !wants_parquet;
    if (o->object.size_bytes == 0) {
        copy_set_fault(o, "the file is empty");
    } else if (o->object.size_bytes < 12 && wants_parquet) {
        copy_set_fault(o, "the file is too short to be Parquet");
    } else if (o->object.size_bytes >= 12) {
        if (!read_marks(s, o, marks, &err)) {
            copy_set_fault(o, err.message);
            return;
        }
        bool is_parquet = memcmp(marks, "PAR1", 4) == 0;
        if (!wants_parquet && is_parquet)
            copy_set_fault(o, is_auto ? "its content is Parquet, but its name does not end in "
                                        ".parquet"
                                      : "its content is Parquet, and the job's CONTENT_TYPE is "
                                        "text");
        if (wants_parquet && !is_parquet)
            copy_set_fault(o, "its content is not Parquet (it does not begin with PAR1)");
        else if (wants_parquet && memcmp(marks + 4, "PAR1", 4) != 0)
            copy_set_fault(o, "the Parquet file is cut off: its footer is missing");
    }
    if (o->is_good && !wants_parquet) {
        o->reader = copy_format_tell(c, o, type);
        o->is_text = o->reader == READER_FLOW_TEXT;
    }
}

static void add_paths(strbuf *b, const copy *c, const size_t *objects, size_t count)
{
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(b, i ? ", " : "");
        strbuf_add_sql_text(b, c->objects[objects[i]].path);
    }
    strbuf_add_char(b, ']');
}

/* Parquet files that are good, as indexes. */
static size_t *good_parquet(copy *c, size_t *ret_count)
{
    size_t *out = arena_array_of(c->arena, size_t, c->object_count);
    *ret_count = 0;
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].is_good && c->objects[i].reader == READER_PARQUET)
            out[(*ret_count)++] = i;
    return out;
}

static bool describe_shape(copy *c, const run_object *o, shape *s, error *err)
{
    batch *rows;
    strbuf q = strbuf_new(c->arena);
    strbuf_add_c(&q, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(");
    strbuf_add_sql_text(&q, o->path);
    strbuf_add_c(&q, "))");
    TRY(sql_query_all(c->job->connection, c->arena, strbuf_str(&q), &rows, err));
    s->column_count = rows->rows;
    s->names = arena_array_of(c->arena, str, rows->rows);
    s->types = arena_array_of(c->arena, str, rows->rows);
    for (size_t i = 0; i < rows->rows; i++) {
        s->names[i] = column_text(&rows->columns[0], c->arena, i);
        s->types[i] = column_text(&rows->columns[1], c->arena, i);
    }
    return true;
}

static bool has_shape(const copy *c, run_object *o, str signature)
{
    for (o->shape = 0; o->shape < c->shapes.count; o->shape++)
        if (str_eq(c->shapes.items[o->shape].signature, signature))
            return true;
    return false;
}

/* Files that are neither Parquet nor flow-log text; one that cannot be read is set aside. */
static void find_other_shapes(copy *c)
{
    for (size_t i = 0; i < c->object_count; i++) {
        run_object *o = &c->objects[i];
        shape s;
        error why = { 0 };
        if (!o->is_good || (o->reader != READER_CSV && o->reader != READER_JSON))
            continue;
        if (!copy_format_shape(c, o, &s, &why))
            copy_set_fault(o, why.message);
        else if (!has_shape(c, o, s.signature))
            vec_push(c->arena, &c->shapes, s);
    }
}

/* Group the Parquet files by their columns. */
static bool find_shapes(copy *c, const size_t *objects, size_t count, error *err)
{
    batch *rows;
    strbuf q = strbuf_new(c->arena);
    strbuf_add_c(&q, "SELECT file_name, list_sort(list(concat_ws(':', name, type, logical_type, "
                     "converted_type, num_children)))::VARCHAR FROM parquet_schema(");
    add_paths(&q, c, objects, count);
    strbuf_add_c(&q, ") GROUP BY file_name");
    TRY(sql_query_all(c->job->connection, c->arena, strbuf_str(&q), &rows, err));
    for (size_t i = 0; i < rows->rows; i++) {
        str path = column_text(&rows->columns[0], c->arena, i),
            signature = column_text(&rows->columns[1], c->arena, i);
        run_object *o = &c->objects[object_of_path(path)];
        if (!has_shape(c, o, signature)) {
            shape s = { .signature = signature };
            TRY(describe_shape(c, o, &s, err));
            vec_push(c->arena, &c->shapes, s);
        }
    }
    return true;
}

/* Read every value of one file. */
static bool check_file(copy *c, size_t object, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    run_object *o = &c->objects[object];
    batch *rows;
    strbuf q = strbuf_new(scratch);
    strbuf_add_c(&q, "SELECT count(*), bit_xor(hash(t)) FROM ");
    if (o->reader == READER_PARQUET) {
        strbuf_add_c(&q, "read_parquet(");
        strbuf_add_sql_text(&q, o->path);
        strbuf_add_c(&q, ") t");
    } else {
        str relation = copy_format_relation(c, object, &c->shapes.items[o->shape]);
        strbuf_format(&q, "(" STR_FMT ") t", STR_ARG(relation));
    }
    return sql_query_all(c->job->connection, scratch, strbuf_str(&q), &rows, err);
}

/* Find the files that make statements fail; the number found. */
static size_t find_faults(copy *c)
{
    size_t found = 0;
    for (size_t i = 0; i < c->object_count; i++) {
        error err = { 0 };
        run_object *o = &c->objects[i];
        if (!o->is_good || o->is_text || check_file(c, i, &err))
            continue;
        copy_set_fault(o, err.message);
        found++;
    }
    return found;
}

static bool find_shapes_of_good(copy *c, error *err)
{
    for (;;) {
        size_t count, *objects = good_parquet(c, &count);
        error why = { 0 };
        c->shapes.count = 0;
        find_other_shapes(c);
        if (count == 0 || find_shapes(c, objects, count, &why))
            return true;
        if (find_faults(c) == 0) {
            *err = why;
            return false;
        }
    }
}

/* ---- Columns of the target ---- */

static bool is_system_name(str name)
{
    return str_eq(name, STR(EVENT_DATE)) || str_eq(name, STR(EVENT_TIME));
}

/* What a column that arrives with DuckDB type `type` is in the table: flow-log fields have their
 * own types. */
bool copy_arriving_type(arena *a, str name, str type, const iceberg_type **ret, error *err)
{
    const flow_field *known = flow_field_find(name);
    if (!iceberg_type_of_sql(a, type, ret))
        return fail(err, ERR_INVALID,
                    "column " STR_FMT " has type " STR_FMT ", which tables cannot hold yet",
                    STR_ARG(name), STR_ARG(type));
    if (known && known->type == COLUMN_STRING)
        *ret = iceberg_primitive(ICEBERG_STRING);
    return true;
}

static bool fits(const iceberg_type *arriving, const iceberg_type *column)
{
    return arriving->kind == column->kind
               ? arriving->kind != ICEBERG_DECIMAL || iceberg_type_can_widen(arriving, column)
               : column->kind == ICEBERG_STRING || iceberg_type_can_widen(arriving, column);
}

/* A schema that grows. */
typedef struct growing_schema {
    arena *arena;
    VEC(iceberg_field) fields;
    int32_t last_id;
    bool has_changed;
} growing_schema;

static iceberg_field *field_named(growing_schema *g, str name)
{
    for (size_t i = 0; i < g->fields.count; i++)
        if (str_eq_nocase(g->fields.items[i].name, name))
            return &g->fields.items[i];
    return NULL;
}

/* The column for `name` arriving as `type`: as it is, widened, new, or a sibling "<name>_<type>".
 */
static iceberg_field *place_column(growing_schema *g, str name, const iceberg_type *type)
{
    iceberg_field *f = field_named(g, name);
    if (f && fits(type, f->type))
        return f;
    if (f && iceberg_type_can_widen(f->type, type)) {
        f->type = type;
        g->has_changed = true;
        return f;
    }
    if (f) {
        str sibling = str_format(g->arena, STR_FMT "_" STR_FMT, STR_ARG(name),
                                 STR_ARG(iceberg_type_text(g->arena, type)));
        f = field_named(g, sibling);
        if (f)
            return f;
        name = sibling;
    }
    vec_push(g->arena, &g->fields,
             (iceberg_field){ .id = ++g->last_id, .name = str_copy(g->arena, name), .type = type });
    g->has_changed = true;
    return &g->fields.items[g->fields.count - 1];
}

/* Columns that the table had first keep their place; $system columns stand at the end. */
static const iceberg_schema *finish_schema(growing_schema *g, const iceberg_schema *base)
{
    iceberg_schema *s = arena_copy(g->arena, base, sizeof *s);
    iceberg_field *fields = arena_array_of(g->arena, iceberg_field, g->fields.count);
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < g->fields.count; i++)
            if ((g->fields.items[i].name.data[0] == '$') == (pass == 1))
                fields[count++] = g->fields.items[i];
    s->fields = fields;
    s->field_count = count;
    return s;
}

const option *copy_transformations(const job *j)
{
    return option_find(j->statement->options, "COLUMN_TRANSFORMATIONS");
}

static bool is_transformed(const job *j, str name)
{
    const option *o = copy_transformations(j);
    for (size_t i = 0; o && i < o->assignments.count; i++)
        if (str_eq_nocase(o->assignments.items[i].column, name))
            return true;
    return false;
}

/* ---- Sources of one statement: a text scan or the files of one shape ---- */

typedef struct part {
    str relation; /* with "_object" and "_row" */
    size_t column_count;
    str *names, *types;
} part;

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
        if (!fits(arriving, f->type))
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

/* Paths of the run's objects, with commas. */
static str object_paths(copy *c)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < c->object_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_text(&b, c->objects[i].path);
    }
    return strbuf_str(&b);
}

static str part_select(copy *c, const part *p, int32_t day)
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
            STR_ARG(c->replay), STR_ARG(object_paths(c)));
    return strbuf_str(&b);
}

/* The files of one shape. */
static part shape_part(copy *c, size_t shape_index, const size_t *objects, size_t count)
{
    const shape *s = &c->shapes.items[shape_index];
    strbuf b = strbuf_new(c->arena);
    if (s->raw_names || s->is_message) {
        for (size_t i = 0; i < count; i++)
            strbuf_format(&b, "%s" STR_FMT, i ? " UNION ALL BY NAME " : "(",
                          STR_ARG(copy_format_relation(c, objects[i], s)));
        strbuf_add_char(&b, ')');
        return (part){ strbuf_str(&b), s->column_count, s->names, s->types };
    }
    strbuf_add_c(&b, "(SELECT * EXCLUDE (filename, file_row_number), floe_object(filename) AS "
                     "\"_object\", file_row_number AS \"_row\" FROM read_parquet(");
    add_paths(&b, c, objects, count);
    strbuf_add_c(&b, ", filename = true, file_row_number = true))");
    return (part){ strbuf_str(&b), s->column_count, s->names, s->types };
}

static const char *sql_type_of(column_type type)
{
    return type == COLUMN_STRING ? "VARCHAR" : column_type_name(type);
}

/* All flow-log fields that some file of the scan has. */
static part text_part(copy *c, const text_scan *scan, size_t first_object)
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
    return p;
}

/* ---- One day ---- */

/* The objects of one day: text ones stand together, first. */
typedef struct day_objects {
    int32_t day;
    size_t from, text_to, to;
    text_scan *scan; /* NULL: no text */
} day_objects;

static bool open_text(copy *c, day_objects *d, error *err)
{
    static const str required[] = { STR_INIT("srcaddr"), STR_INIT("dstaddr") };
    size_t count = d->text_to - d->from;
    str *paths = arena_array_of(c->arena, str, count);
    for (size_t i = 0; i < count; i++)
        paths[i] = c->objects[d->from + i].path;
    text_options options = { .columns = flow_field_columns(),
                             .column_count = flow_field_count,
                             .delimiter = ' ',
                             .null_text = STR("-"),
                             .required = required,
                             .required_count = ARRAY_LEN(required),
                             .known_as = "flow-log field" };
    return text_scan_open(c->job->engine, &options, paths, count, &d->scan, err);
}

/* Carry the scan's faults over; the number of new ones. */
static size_t note_text_faults(copy *c, const day_objects *d)
{
    size_t found = 0;
    for (size_t i = d->from; d->scan && i < d->text_to; i++) {
        str why = text_scan_fault(d->scan, i - d->from);
        if (why.len == 0 || !c->objects[i].is_good)
            continue;
        copy_set_fault(&c->objects[i], str_to_c(c->arena, why));
        found++;
    }
    return found;
}

/* The rows of one more part, as far as there is room for them. */
static bool preview_part(copy *c, str select, error *err)
{
    str limited = str_format(c->arena, "SELECT * FROM (" STR_FMT ") LIMIT %lld", STR_ARG(select),
                             (long long)c->preview_limit);
    str made = str_format(
        c->arena, "CREATE TABLE IF NOT EXISTS " STR_FMT " AS SELECT * FROM (" STR_FMT ") LIMIT 0",
        STR_ARG(c->preview), STR_ARG(limited));
    return sql_run(c->job->connection, made, err) &&
           sql_run(c->job->connection,
                   str_format(c->arena, "INSERT INTO " STR_FMT " BY NAME " STR_FMT,
                              STR_ARG(c->preview), STR_ARG(limited)),
                   err);
}

static bool write_part(copy *c, const day_objects *d, const part *p, size_t number, error *err)
{
    const iceberg_spec *spec = iceberg_table_spec(c->table);
    str select = part_select(c, p, d->day);
    if (c->preview.len)
        return preview_part(c, select, err);
    str name = str_format(c->arena, STR_FMT "-%d-%zu", STR_ARG(c->output_prefix), d->day, number);
    if (c->job->statement->expectation_count)
        TRY(copy_checked(c, select, name, &select, err));
    bool is_by_day =
        spec->field_count == 1 && spec->fields[0].transform == TRANSFORM_IDENTITY &&
        str_eq(iceberg_schema_find_id(c->schema, spec->fields[0].source_id)->name, STR(EVENT_DATE));
    if (spec->field_count > 0 && !is_by_day) {
        str staged = STR("\"_staged\"");
        TRY(sql_run(c->job->connection,
                    str_format(c->arena, "CREATE OR REPLACE TEMP TABLE \"_staged\" AS " STR_FMT,
                               STR_ARG(select)),
                    err));
        bool works =
            writer_partitions(c->job, c->arena, c->table, c->schema, staged, name, &c->files, err);
        error ignored = { 0 };
        return sql_run(c->job->connection, STR("DROP TABLE IF EXISTS \"_staged\""),
                       works ? err : &ignored) &&
               works;
    }
    value *partition = arena_array_of(c->arena, value, 1);
    partition[0] = (value){ .kind = VALUE_DATE, .integer = d->day };
    iceberg_file file;
    bool has_rows;
    TRY(writer_file(c->job, c->arena, c->table, c->schema, select,
                    writer_uri(c->arena, c->table, partition, name), partition, &file, &has_rows,
                    err));
    if (has_rows)
        vec_push(c->arena, &c->files, file);
    return true;
}

static bool write_day(copy *c, day_objects *d, error *err)
{
    size_t number = 0;
    bool has_text = false;
    for (size_t i = d->from; i < d->text_to; i++)
        has_text |= c->objects[i].is_good;
    if (has_text) {
        part p = text_part(c, d->scan, d->from);
        str name = str_format(c->arena, STR_FMT "-%d-t", STR_ARG(c->output_prefix), d->day);
        TRY(copy_fast_can_write_text(c, d->scan)
                ? copy_fast_write_text(c, d->day, d->scan, d->from, d->text_to - d->from, name, err)
                : write_part(c, d, &p, number++, err));
    }
    for (size_t s = 0; s < c->shapes.count; s++) {
        size_t *objects = arena_array_of(c->arena, size_t, d->to - d->text_to), count = 0;
        for (size_t i = d->text_to; i < d->to; i++)
            if (c->objects[i].is_good && c->objects[i].shape == s)
                objects[count++] = i;
        if (count == 0)
            continue;
        size_t fast = c->preview.len || c->replay.len || c->shapes.items[s].raw_names
                          ? 0
                          : copy_fast_find(c, objects, count);
        str name = str_format(c->arena, STR_FMT "-%d-p%zu", STR_ARG(c->output_prefix), d->day, s);
        if (fast)
            TRY(copy_fast_write(c, d->day, objects, fast, name, err));
        if (fast == count)
            continue;
        part p = shape_part(c, s, objects + fast, count - fast);
        TRY(write_part(c, d, &p, number++, err));
    }
    return true;
}

/* ---- The run ---- */

/* Columns that transformations read must be in each source. */
static bool check_mentions(copy *c, const part *p, const char *what, error *err)
{
    const option *o = copy_transformations(c->job);
    for (size_t i = 0; o && i < o->assignments.count; i++)
        for (size_t k = 0; k < flow_field_count; k++) {
            str name = str_of(flow_fields[k].name);
            bool is_there = false;
            for (size_t n = 0; n < p->column_count; n++)
                is_there |= str_eq_nocase(p->names[n], name);
            if (!is_there && expression_mentions(o->assignments.items[i].expression, name))
                return fail(err, ERR_INVALID,
                            "%s has no column " STR_FMT
                            ", which COLUMN_TRANSFORMATIONS uses for " STR_FMT,
                            what, STR_ARG(name), STR_ARG(o->assignments.items[i].column));
        }
    return true;
}

/* EXCLUDE_COLUMNS = (name, 'pattern*', …) */
static bool is_excluded(const copy *c, str name)
{
    const option *o = option_find(c->job->statement->options, "EXCLUDE_COLUMNS");
    for (size_t i = 0; o && i < o->list.count; i++)
        if (fnmatch(str_to_c(c->arena, o->list.items[i]), str_to_c(c->arena, name), FNM_CASEFOLD) ==
            0)
            return true;
    return false;
}

static bool grow_by_part(copy *c, growing_schema *g, const part *p, error *err)
{
    for (size_t i = 0; i < p->column_count; i++) {
        const iceberg_type *type;
        if (is_transformed(c->job, p->names[i]) || is_system_name(p->names[i]) ||
            is_excluded(c, p->names[i]))
            continue;
        TRY(copy_arriving_type(c->arena, p->names[i], p->types[i], &type, err));
        place_column(g, p->names[i], type);
    }
    return true;
}

/* The type of each transformation, told by DuckDB over a source's columns. */
static bool grow_by_transformations(copy *c, growing_schema *g, const part *p, error *err)
{
    const option *o = copy_transformations(c->job);
    for (size_t i = 0; o && i < o->assignments.count; i++) {
        const assignment *x = &o->assignments.items[i];
        batch *rows;
        const iceberg_type *type;
        str q = str_format(
            c->arena,
            "SELECT column_type FROM (DESCRIBE SELECT (" STR_FMT ") AS x FROM " STR_FMT ")",
            STR_ARG(expression_to_sql(c->arena, x->expression)), STR_ARG(p->relation));
        if (!sql_query_all(c->job->connection, c->arena, q, &rows, err))
            return fail_while(err, "COLUMN_TRANSFORMATIONS: " STR_FMT, STR_ARG(x->column));
        if (!iceberg_type_of_sql(c->arena, column_text(&rows->columns[0], c->arena, 0), &type))
            return fail(err, ERR_INVALID,
                        "COLUMN_TRANSFORMATIONS: " STR_FMT
                        " has a type that tables cannot hold yet",
                        STR_ARG(x->column));
        place_column(g, x->column, type);
    }
    return true;
}

static bool grow_schema(copy *c, day_objects *days, size_t day_count, error *err)
{
    const iceberg_schema *base = iceberg_table_schema(c->table);
    growing_schema g = { .arena = c->arena, .last_id = iceberg_table_last_column_id(c->table) };
    bool is_inferred =
        str_eq(iceberg_table_property(c->table, STR("floe.columns"), STR("")), STR("inferred"));
    VEC(part) parts = { 0 };
    for (size_t i = 0; i < base->field_count; i++)
        vec_push(c->arena, &g.fields, base->fields[i]);
    for (size_t i = 0; i < day_count; i++)
        if (days[i].scan)
            vec_push(c->arena, &parts, text_part(c, days[i].scan, days[i].from));
    for (size_t i = 0; i < c->shapes.count; i++) {
        size_t k = 0;
        while (k < c->object_count &&
               (!c->objects[k].is_good || c->objects[k].is_text || c->objects[k].shape != i))
            k++;
        if (k < c->object_count)
            vec_push(c->arena, &parts, shape_part(c, i, &k, 1));
    }
    for (size_t i = 0; i < parts.count; i++) {
        if (parts.items[i].column_count == 0)
            continue;
        TRY(check_mentions(c, &parts.items[i], "a file", err));
        if (!is_inferred)
            continue;
        TRY(grow_by_part(c, &g, &parts.items[i], err));
        TRY(grow_by_transformations(c, &g, &parts.items[i], err));
    }
    c->has_new_columns = g.has_changed;
    c->schema = g.has_changed ? finish_schema(&g, base) : base;
    return true;
}

/* Write all days; a file that proves bad is named, and everything is written again without it. */
static bool write_all(copy *c, day_objects *days, size_t day_count, error *err)
{
    for (;;) {
        error why = { 0 };
        bool works = find_shapes_of_good(c, &why) && grow_schema(c, days, day_count, &why);
        for (size_t i = 0; works && i < day_count; i++)
            works = write_day(c, &days[i], &why);
        if (works)
            return true;
        writer_discard(c->table, c->files.items, c->files.count);
        writer_discard(c->table, c->dead.items, c->dead.count);
        c->files.count = c->dead.count = 0;
        c->counts = (expectation_counts){ 0 };
        if (why.code == ERR_CANCELLED || why.code == ERR_LIMIT) {
            *err = why;
            return false;
        }
        size_t found = c->has_faults;
        c->has_faults = false;
        for (size_t i = 0; i < day_count; i++) {
            if (days[i].scan)
                text_scan_check(days[i].scan);
            found += note_text_faults(c, &days[i]);
        }
        if (found + find_faults(c) == 0) {
            *err = why;
            return false;
        }
    }
}

static int by_day_and_kind(const void *x, const void *y)
{
    const run_object *p = x, *q = y;
    int64_t d = p->object.event_us / us_per_day, e = q->object.event_us / us_per_day;
    if (d != e)
        return d < e ? -1 : 1;
    return p->is_text != q->is_text ? (p->is_text ? -1 : 1)
                                    : str_compare(p->object.uri, q->object.uri);
}

static store_object version_of(const run_object *o)
{
    return (store_object){ o->object.uri, o->object.size_bytes, o->object.modified_us,
                           o->object.etag };
}

/* Copy what is remote, many at a time. */
static bool stage(copy *c, store *s, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    store_object *objects = arena_array_of(scratch, store_object, c->object_count);
    for (size_t i = 0; i < c->object_count; i++)
        objects[i] = version_of(&c->objects[i]);
    if (store_prefetch_objects(s, objects, c->object_count, err))
        return true;
    if (err->code != ERR_NOT_FOUND && err->code != ERR_CONFLICT)
        return false;
    error_clear(err); /* find_copy says of which */
    return true;
}

/* An object that was listed may be gone, or another, by now: it is set aside, and its next version
 * is a new object. */
static bool find_copy(copy *c, store *s, run_object *o, error *err)
{
    store_object version = version_of(o);
    error why = { 0 };
    o->path = STR("");
    if (store_local_copy(s, c->arena, &version, &o->path, &why))
        return true;
    if (why.code != ERR_NOT_FOUND && why.code != ERR_CONFLICT) {
        *err = why;
        return false;
    }
    copy_set_fault(o, str_format(c->arena, COPY_GONE ": %s%c", why.message, 0).data);
    return true;
}

/* The copies have served. */
static void forget_copies(copy *c)
{
    for (size_t i = 0; i < c->object_count; i++) {
        store_object version = version_of(&c->objects[i]);
        store_local_forget(home_store(c->job->home), &version);
    }
}

static bool load(copy *c, error *err)
{
    VEC(day_objects) days = { 0 };
    store *s = home_store(c->job->home);
    str type = content_type(c->job);
    TRY(stage(c, s, err));
    for (size_t i = 0; i < c->object_count; i++) {
        TRY(find_copy(c, s, &c->objects[i], err));
        if (c->objects[i].path.len == 0)
            continue;
        look_at(c, s, &c->objects[i], type);
    }
    qsort(c->objects, c->object_count, sizeof *c->objects, by_day_and_kind);
    publish_objects(c);
    bool works = true;
    for (size_t i = 0; works && i < c->object_count;) {
        day_objects d = { .day = (int32_t)(c->objects[i].object.event_us / us_per_day), .from = i };
        while (i < c->object_count && c->objects[i].object.event_us / us_per_day == d.day &&
               c->objects[i].is_text)
            i++;
        d.text_to = i;
        while (i < c->object_count && c->objects[i].object.event_us / us_per_day == d.day)
            i++;
        d.to = i;
        works = d.text_to == d.from || open_text(c, &d, err);
        note_text_faults(c, &d);
        vec_push(c->arena, &days, d);
    }
    works = works && write_all(c, days.items, days.count, err);
    for (size_t i = 0; i < days.count; i++)
        text_scan_close(days.items[i].scan);
    return works;
}

static bool commit(copy *c, int64_t run, state_run *done, error *err)
{
    arena *a = c->arena;
    for (size_t i = 0; i < c->files.count; i++)
        c->rows += c->files.items[i].row_count;
    str keys[] = { job_property(c->job, a, "run") };
    str values[] = { str_format(a, "%lld", (long long)run) };
    str summary_keys[] = { STR("floe.job"), STR("floe.job-id"), STR("floe.run") };
    str summary_values[] = { c->job->record.name, c->job->record.uuid, values[0] };
    const iceberg_snapshot *base = iceberg_table_current(c->table);
    iceberg_change change = { .operation = c->files.count ? STR("append") : STR(""),
                              .added = c->files.items,
                              .added_count = c->files.count,
                              .schema = c->has_new_columns ? c->schema : NULL,
                              .property_keys = keys,
                              .property_values = values,
                              .property_count = 1,
                              .summary_keys = summary_keys,
                              .summary_values = summary_values,
                              .summary_count = 3,
                              .only_after_snapshot_id = c->has_new_columns ? (base ? base->id : -1)
                                                                           : ICEBERG_ANY_SNAPSHOT };
    iceberg_table *after;
    TRY(catalog_commit(c->job->catalog, a, c->job->statement->table.namespace,
                       c->job->statement->table.name, &change, &after, err));
    done->snapshot_id = c->files.count ? iceberg_table_current(after)->id : 0;
    done->rows = c->rows;
    return true;
}

/* Write down what cannot be loaded; the rest of the run goes on without it. */
static bool note_faults(copy *c, int64_t run, error *err)
{
    VEC(state_object) bad = { 0 };
    for (size_t i = 0; i < c->object_count; i++) {
        run_object *o = &c->objects[i];
        o->object.fault = o->is_good ? STR("") : str_of(o->fault);
        if (!o->is_good)
            vec_push(c->arena, &bad, o->object);
    }
    return bad.count ? state_run_bad(home_state(c->job->home), c->job->record.id, run, bad.items,
                                     bad.count, err)
                     : true;
}

static bool finish(copy *c, state_run *done, job_progress *ret, error *err)
{
    state_object *all = arena_array_of(c->arena, state_object, c->object_count);
    size_t bad_count = 0;
    for (size_t i = 0; i < c->object_count; i++) {
        all[i] = c->objects[i].object;
        bad_count += !c->objects[i].is_good;
        done->bytes += c->objects[i].is_good ? (int64_t)all[i].size_bytes : 0;
    }
    bool is_replay = c->replay.len > 0;
    TRY(dead_letter_commit(c->job, c->arena, &c->dead, c->output_prefix, done->run, is_replay,
                           err));
    if (!is_replay)
        TRY(expectations_note(c->job, &c->counts, err));
    done->dropped = is_replay ? 0 : c->counts.dropped;
    TRY(state_run_done(home_state(c->job->home), c->job->record.id, done, err));
    if (is_replay)
        return true;
    TRY(copy_source_note_pending(c->job, err));
    copy_source_taken(c->job, all, c->object_count);
    *ret = (job_progress){ .did_work = true,
                           .rows = c->rows,
                           .objects = (int64_t)(c->object_count - bad_count),
                           .bad_objects = bad_count,
                           .has_more = ret->has_more };
    return true;
}

bool copy_preview(job *j, arena *a, str name, int64_t limit, error *err)
{
    enum { PREVIEW_FILES = 3 };
    copy c = { .job = j, .arena = a, .preview = name, .preview_limit = limit };
    state_object *objects;
    iceberg_table *table;
    bool has_more;
    TRY(copy_source_open(j, err));
    TRY(register_functions(j, err));
    TRY(copy_source_find(j, a, &objects, &c.object_count, &has_more, err));
    c.object_count = c.object_count < PREVIEW_FILES ? c.object_count : PREVIEW_FILES;
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.objects = arena_array_of(a, run_object, c.object_count);
    for (size_t i = 0; i < c.object_count; i++)
        c.objects[i].object = objects[i];
    TRY(sql_run(j->connection, str_format(a, "DROP TABLE IF EXISTS " STR_FMT, STR_ARG(name)), err));
    TRY(load(&c, err));
    return sql_run(j->connection,
                   str_format(a,
                              "CREATE TABLE IF NOT EXISTS " STR_FMT
                              " AS SELECT 'nothing new' AS \"note\" LIMIT 0",
                              STR_ARG(name)),
                   err);
}

/* The objects that dead letters came from and that are still there. */
static bool replay_objects(copy *c, error *err)
{
    batch *files;
    AUTO(store_close) store *s = NULL;
    TRY(sql_query_all(c->job->connection, c->arena,
                      str_format(c->arena, "SELECT DISTINCT file FROM " STR_FMT " ORDER BY 1",
                                 STR_ARG(c->replay)),
                      &files, err));
    c->objects = arena_array_of(c->arena, run_object, files->rows);
    for (size_t i = 0; i < files->rows; i++) {
        str uri = store_uri_of_path(c->arena, column_text(&files->columns[0], c->arena, i));
        store_object found;
        error ignored = { 0 }; /* a file that is gone takes its dead letters with it */
        if (!s)
            TRY(store_open(uri, &s, err));
        if (!store_stat(s, c->arena, uri, &found, &ignored))
            continue;
        c->objects[c->object_count++].object =
            (state_object){ .uri = uri,
                            .etag = str_copy(c->arena, found.etag),
                            .size_bytes = found.size_bytes,
                            .modified_us = found.modified_us,
                            .event_us = copy_source_event_time(c->job, &found) };
    }
    return true;
}

/* Load the dead letters again, as the job is now: what passes goes to the table, the rest stays. */
bool copy_replay(job *j, job_progress *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    copy c = { .job = j, .arena = a };
    iceberg_table *table;
    state_run done = { 0 };
    TRY(register_functions(j, err));
    TRY(dead_letter_rows(j, a, &c.replay, err));
    if (c.replay.len == 0)
        return true;
    TRY(replay_objects(&c, err));
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.output_prefix = str_format(a, "p" STR_FMT, STR_ARG(str_slice(uuid_v4(a), 0, 18)));
    TRY(state_run_plan(home_state(j->home), j->record.id, NULL, 0, c.output_prefix, &done.run,
                       err));
    c.run = done.run;
    if (!load(&c, err)) {
        job_abandon(j, table, c.files.items, c.files.count, done.run);
        return false;
    }
    TRY(commit(&c, done.run, &done, err));
    ret->did_work = true;
    ret->rows = c.rows;
    return finish(&c, &done, ret, err);
}

bool copy_run(job *j, job_progress *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    copy c = { .job = j, .arena = a };
    state_object *objects;
    iceberg_table *table;
    state_run done = { 0 };
    *ret = (job_progress){ 0 };
    if (!j->source)
        TRY(copy_source_open(j, err));
    TRY(register_functions(j, err));
    TRY(copy_source_find(j, a, &objects, &c.object_count, &ret->has_more, err));
    if (c.object_count == 0)
        return true;
    TRY(job_target(j, a, &table, err));
    c.table = table;
    c.objects = arena_array_of(a, run_object, c.object_count);
    for (size_t i = 0; i < c.object_count; i++)
        c.objects[i].object = objects[i];
    c.output_prefix = str_format(a, "r" STR_FMT, STR_ARG(str_slice(uuid_v4(a), 0, 18)));
    TRY(state_run_plan(home_state(j->home), j->record.id, objects, c.object_count, c.output_prefix,
                       &done.run, err));
    c.run = done.run;
    if (!load(&c, err) || !note_faults(&c, done.run, err)) {
        job_abandon(j, table, c.files.items, c.files.count, done.run);
        return false;
    }
    /* a commit that reports an error may stand all the same: the next run's recovery asks the table
     */
    uint64_t started = clock_monotonic_us();
    TRY(commit(&c, done.run, &done, err));
    done.commit_us = (int64_t)(clock_monotonic_us() - started);
    for (size_t i = 0; i < c.files.count; i++)
        done.output_bytes += c.files.items[i].size_bytes;
    TRY(finish(&c, &done, ret, err));
    forget_copies(&c);
    return true;
}
