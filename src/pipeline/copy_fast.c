/* The fast path of COPY: Parquet files that already hold the table's columns are taken over page by
 * page, flow-log text is parsed straight into pages; system columns and row key stand beside them.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "column/parquet.h"
#include "column/text_parquet.h"
#include "pipeline/copy_internal.h"
#include "pipeline/flow_field.h"

enum {
    /* Smaller row groups are better merged by decoding them: each costs some kilobytes of footer.
     */
    FEWEST_ROWS_A_GROUP = 8192,
};

#define DASH "-"
#define ROW_KEY_SQL "floe_row_key(\"_object\", \"_row\")"

/* Where a field of the table comes from in one file. */
typedef enum field_source {
    FROM_NOWHERE, /* the file lacks it: null */
    FROM_REQUIRED,
    FROM_OPTIONAL,
    FROM_RUN, /* $event_date, $event_time, the row key */
} field_source;

/* A file that can be taken over. */
typedef struct fast_file {
    size_t object;
    file_map *map;
    parquet_footer *footer;
    uint64_t key;          /* of its rows' keys */
    size_t *columns;       /* of each field: column of the file */
    field_source *sources; /* of each field */
} fast_file;

static bool column_is(const parquet_column *c, const iceberg_type *t)
{
    static const struct pair {
        iceberg_kind kind;
        parquet_type type;
        parquet_meaning meaning;
    } pairs[] = {
        { ICEBERG_BOOLEAN, PARQUET_BOOLEAN, MEANING_PLAIN },
        { ICEBERG_INT, PARQUET_INT32, MEANING_PLAIN },
        { ICEBERG_LONG, PARQUET_INT64, MEANING_PLAIN },
        { ICEBERG_FLOAT, PARQUET_FLOAT, MEANING_PLAIN },
        { ICEBERG_DOUBLE, PARQUET_DOUBLE, MEANING_PLAIN },
        { ICEBERG_STRING, PARQUET_BYTE_ARRAY, MEANING_TEXT },
        { ICEBERG_DATE, PARQUET_INT32, MEANING_DATE },
        { ICEBERG_TIMESTAMP, PARQUET_INT64, MEANING_TIMESTAMP },
        { ICEBERG_TIMESTAMPTZ, PARQUET_INT64, MEANING_TIMESTAMP_UTC },
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i].kind == t->kind)
            return pairs[i].type == c->type && pairs[i].meaning == c->meaning;
    return false;
}

static bool is_row_key(const copy *c, str name)
{
    const option *o = copy_transformations(c->job);
    for (size_t i = 0; o && i < o->assignments.count; i++)
        if (str_eq_nocase(o->assignments.items[i].column, name))
            return true;
    return false;
}

static bool is_made_by_run(const copy *c, str name)
{
    return str_eq(name, STR(EVENT_DATE)) || str_eq(name, STR(EVENT_TIME)) || is_row_key(c, name);
}

/* Whether the job and its table ask for nothing but copies and what this file can make. */
static bool job_is_plain(copy *c)
{
    if (c->preview.len || c->replay.len ||
        option_find(c->job->statement->options, "EXCLUDE_COLUMNS"))
        return false;
    const iceberg_spec *spec = iceberg_table_spec(c->table);
    const option *o = copy_transformations(c->job);
    bool is_by_day =
        spec->field_count == 1 && spec->fields[0].transform == TRANSFORM_IDENTITY &&
        str_eq(iceberg_schema_find_id(c->schema, spec->fields[0].source_id)->name, STR(EVENT_DATE));
    if ((spec->field_count && !is_by_day) || c->job->statement->expectation_count)
        return false;
    for (size_t i = 0; o && i < o->assignments.count; i++)
        if (!str_eq(expression_to_sql(c->arena, o->assignments.items[i].expression),
                    STR(ROW_KEY_SQL)))
            return false;
    for (size_t i = 0; i < c->schema->field_count; i++) {
        const iceberg_field *f = &c->schema->fields[i];
        iceberg_kind kind = f->type->kind;
        bool is_sound = str_eq(f->name, STR(EVENT_DATE))   ? kind == ICEBERG_DATE
                        : str_eq(f->name, STR(EVENT_TIME)) ? kind == ICEBERG_TIMESTAMP
                        : is_row_key(c, f->name)           ? kind == ICEBERG_STRING
                                                           : true;
        if (!is_sound)
            return false;
    }
    return true;
}

/* "-" stands for null in flow logs. Whether the statistics rule it out. */
static bool has_no_dash(const parquet_chunk *k)
{
    return k->stats.null_count == k->value_count ||
           (k->stats.min.data && str_compare(k->stats.min, STR(DASH)) > 0);
}

static bool column_is_plain(const parquet_footer *f, size_t column, const iceberg_field *field)
{
    const parquet_column *p = &f->columns[column];
    if (!column_is(p, field->type))
        return false;
    for (size_t i = 0; i < f->group_count; i++) {
        const parquet_chunk *k = &f->groups[i].chunks[column];
        if (!parquet_codec_is_known(k->codec))
            return false;
        if (p->meaning == MEANING_TEXT && !has_no_dash(k) && !parquet_text_can_be_null(p, k))
            return false;
    }
    return true;
}

/* Every column of the file is the field of its name, or no field at all; false: one is neither. */
static bool match_fields(const copy *c, fast_file *x)
{
    const iceberg_schema *s = c->schema;
    const parquet_footer *f = x->footer;
    x->columns = arena_array_of(c->arena, size_t, s->field_count);
    x->sources = arena_array_of(c->arena, field_source, s->field_count);
    for (size_t i = 0; i < s->field_count; i++)
        if (is_made_by_run(c, s->fields[i].name))
            x->sources[i] = FROM_RUN;
    for (size_t k = 0; k < f->column_count; k++)
        for (size_t i = 0; i < s->field_count; i++) {
            if (!str_eq_nocase(s->fields[i].name, f->columns[k].name))
                continue;
            if (x->sources[i] != FROM_NOWHERE || !column_is_plain(f, k, &s->fields[i]))
                return false;
            x->columns[i] = k;
            x->sources[i] = f->columns[k].is_optional ? FROM_OPTIONAL : FROM_REQUIRED;
        }
    return true;
}

static bool open_file(copy *c, size_t object, fast_file *x, bool *ret_is_plain, error *err)
{
    const run_object *o = &c->objects[object];
    *ret_is_plain = false;
    x->object = object;
    x->key = hash64(o->object.uri.data, o->object.uri.len);
    TRY(file_map_open(str_to_c(c->arena, o->path), &x->map, err));
    TRY(parquet_footer_read(c->arena, file_map_bytes(x->map), &x->footer, err));
    const parquet_footer *f = x->footer;
    *ret_is_plain = f && f->group_count &&
                    f->row_count / (int64_t)f->group_count >= FEWEST_ROWS_A_GROUP &&
                    match_fields(c, x);
    return true;
}

size_t copy_fast_find(copy *c, size_t *objects, size_t count)
{
    size_t found = 0;
    if (!job_is_plain(c))
        return 0;
    for (size_t i = 0; i < count; i++) {
        error ignored = { 0 }; /* what is wrong with it the SQL path will say */
        fast_file x = { 0 };
        bool is_plain;
        if (open_file(c, objects[i], &x, &is_plain, &ignored) && is_plain) {
            size_t object = objects[i];
            objects[i] = objects[found];
            objects[found++] = object;
        }
        file_map_close(x.map);
    }
    return found;
}

/* ---- Writing ---- */

/* A column that is made here, of the field's own type. */
static parquet_column made_column(const iceberg_field *f)
{
    switch (f->type->kind) {
    case ICEBERG_STRING: return (parquet_column){ f->name, PARQUET_BYTE_ARRAY, MEANING_TEXT, true };
    case ICEBERG_DATE: return (parquet_column){ f->name, PARQUET_INT32, MEANING_DATE, true };
    case ICEBERG_TIMESTAMP:
        return (parquet_column){ f->name, PARQUET_INT64, MEANING_TIMESTAMP, true };
    case ICEBERG_INT: return (parquet_column){ f->name, PARQUET_INT32, MEANING_PLAIN, true };
    default: return (parquet_column){ f->name, PARQUET_INT64, MEANING_PLAIN, true };
    }
}

static void make_key(void *context, uint64_t row, char ret_text[PARQUET_KEY_BYTES])
{
    copy_row_key(*(const uint64_t *)context, row, ret_text);
}

/* The merge of files whose fields come from the same places. */
typedef struct fast_merge {
    parquet_output *outputs;
    const iceberg_field **fields;
    size_t output_count;
    parquet_input *inputs;
} fast_merge;

static fast_merge plan_merge(const copy *c, int32_t day, fast_file *files, size_t count)
{
    arena *a = c->arena;
    size_t room = c->schema->field_count;
    fast_merge m = { .outputs = arena_array_of(a, parquet_output, room),
                     .fields = arena_array_of(a, const iceberg_field *, room),
                     .inputs = arena_array_of(a, parquet_input, count) };
    size_t *places = arena_array_of(a, size_t, room); /* of outputs: their field */
    for (size_t i = 0; i < room; i++) {
        const iceberg_field *f = &c->schema->fields[i];
        field_source from = files[0].sources[i];
        if (from == FROM_NOWHERE)
            continue;
        parquet_column column =
            from == FROM_RUN ? made_column(f) : files[0].footer->columns[files[0].columns[i]];
        column.name = f->name;
        places[m.output_count] = i;
        m.fields[m.output_count] = f;
        parquet_output *o = &m.outputs[m.output_count++];
        *o = (parquet_output){ .column = column, .field_id = f->id };
        o->origin = from != FROM_RUN         ? ORIGIN_COPIED
                    : f->name.data[0] == '$' ? ORIGIN_CONSTANT
                                             : ORIGIN_KEY;
        if (from == FROM_OPTIONAL && column.meaning == MEANING_TEXT)
            o->null_text = STR(DASH);
    }
    for (size_t k = 0; k < count; k++) {
        size_t *sources = arena_array_of(a, size_t, m.output_count);
        int64_t *constants = arena_array_of(a, int64_t, m.output_count);
        for (size_t i = 0; i < m.output_count; i++) {
            sources[i] = files[k].columns[places[i]];
            constants[i] = str_eq(m.fields[i]->name, STR(EVENT_DATE))
                               ? day
                               : c->objects[files[k].object].object.event_us;
        }
        m.inputs[k] = (parquet_input){ file_map_bytes(files[k].map),
                                       files[k].footer,
                                       sources,
                                       constants,
                                       make_key,
                                       &files[k].key };
    }
    return m;
}

static bool add_file(copy *c, int32_t day, const iceberg_field *const *fields, size_t count,
                     const parquet_result *done, str uri, str path, error *err)
{
    arena *a = c->arena;
    if (done->row_count == 0)
        return store_delete(iceberg_table_store(c->table), path, err);
    if (!store_is_local(uri)) /* a local file is synced by who wrote it */
        TRY(store_publish(iceberg_table_store(c->table), uri, path, err));
    iceberg_plain_stats *stats = arena_array_of(a, iceberg_plain_stats, count);
    for (size_t i = 0; i < count; i++) {
        const parquet_written *w = &done->columns[i];
        stats[i] = (iceberg_plain_stats){ fields[i],           w->size_bytes, w->value_count,
                                          w->stats.null_count, w->stats.min,  w->stats.max };
    }
    iceberg_file file;
    TRY(iceberg_file_of_plain(c->table, a, uri, done->row_count, done->size_bytes, stats, count,
                              &file, err));
    value *partition = arena_array_of(a, value, 1);
    partition[0] = (value){ .kind = VALUE_DATE, .integer = day };
    file.partition = partition;
    file.split_offsets = done->group_offsets;
    file.split_count = done->group_count;
    vec_push(a, &c->files, file);
    return true;
}

/* The data file `name` of a day, and where to write it; `*ret_path` is NUL-terminated. */
static bool make_place(copy *c, int32_t day, str name, str *ret_uri, str *ret_path, error *err)
{
    value partition = { .kind = VALUE_DATE, .integer = day };
    *ret_uri = writer_uri(c->arena, c->table, &partition, name);
    TRY(store_local_target(iceberg_table_store(c->table), c->arena, *ret_uri, ret_path, err));
    *ret_path = str_of(str_to_c(c->arena, *ret_path));
    return true;
}

static bool merge_files(copy *c, int32_t day, fast_file *files, size_t count, str name, error *err)
{
    arena *a = c->arena;
    fast_merge m = plan_merge(c, day, files, count);
    str uri, path;
    parquet_result done;
    size_t bad;
    TRY(make_place(c, day, name, &uri, &path, err));
    if (parquet_merge(a, path.data, m.outputs, m.output_count, m.inputs, count, &done, &bad, err))
        return add_file(c, day, m.fields, m.output_count, &done, uri, path, err);
    if (err->code == ERR_CORRUPT) {
        copy_set_fault(&c->objects[files[bad].object], err->message);
        c->has_faults = true;
    }
    return false;
}

static bool have_same_sources(const copy *c, const fast_file *x, const fast_file *y)
{
    for (size_t i = 0; i < c->schema->field_count; i++)
        if (x->sources[i] != y->sources[i])
            return false;
    return true;
}

static bool write_groups(copy *c, int32_t day, fast_file *files, size_t count, str name, error *err)
{
    size_t number = 0;
    for (size_t from = 0, to; from < count; from = to) {
        to = from + 1;
        for (size_t i = to; i < count; i++)
            if (have_same_sources(c, &files[from], &files[i])) {
                fast_file x = files[i];
                files[i] = files[to];
                files[to++] = x;
            }
        TRY(merge_files(c, day, files + from, to - from,
                        str_format(c->arena, STR_FMT "-%zu", STR_ARG(name), number++), err));
    }
    return true;
}

bool copy_fast_write(copy *c, int32_t day, const size_t *objects, size_t count, str name,
                     error *err)
{
    fast_file *files = arena_array_of(c->arena, fast_file, count);
    bool works = true, is_plain = true;
    for (size_t i = 0; works && i < count; i++) {
        works = open_file(c, objects[i], &files[i], &is_plain, err);
        if (works && !is_plain)
            works = fail(err, ERR_CONFLICT, STR_FMT " has changed while it was read",
                         STR_ARG(c->objects[objects[i]].path));
    }
    works = works && write_groups(c, day, files, count, name, err);
    for (size_t i = 0; i < count; i++)
        file_map_close(files[i].map);
    return works;
}

/* ---- Text ---- */

static int flow_column(str name)
{
    for (size_t i = 0; i < flow_field_count; i++)
        if (str_eq_nocase(str_of(flow_fields[i].name), name))
            return (int)i;
    return -1;
}

/* Whether a flow-log field as text gives it is what the table's column holds. */
static bool column_takes(column_type arriving, iceberg_kind column)
{
    return arriving == COLUMN_STRING  ? column == ICEBERG_STRING
           : arriving == COLUMN_INT32 ? column == ICEBERG_INT || column == ICEBERG_LONG
                                      : arriving == COLUMN_INT64 && column == ICEBERG_LONG;
}

bool copy_fast_can_write_text(copy *c, const text_scan *scan)
{
    if (!job_is_plain(c))
        return false;
    for (size_t i = 0; i < c->schema->field_count; i++) {
        const iceberg_field *f = &c->schema->fields[i];
        int column = is_made_by_run(c, f->name) ? -1 : flow_column(f->name);
        if (column >= 0 && text_scan_has_column(scan, (size_t)column) &&
            !column_takes(flow_fields[column].type, f->type->kind))
            return false;
    }
    return true;
}

typedef struct text_plan {
    text_parquet_plan plan;
    const iceberg_field **fields; /* of each output */
} text_plan;

static text_plan plan_text(const copy *c, const text_scan *scan)
{
    arena *a = c->arena;
    size_t room = c->schema->field_count, count = 0;
    parquet_output *outputs = arena_array_of(a, parquet_output, room);
    size_t *sources = arena_array_of(a, size_t, room);
    text_plan p = { .fields = arena_array_of(a, const iceberg_field *, room) };
    for (size_t i = 0; i < room; i++) {
        const iceberg_field *f = &c->schema->fields[i];
        bool is_made = is_made_by_run(c, f->name);
        int column = is_made ? -1 : flow_column(f->name);
        if (!is_made && (column < 0 || !text_scan_has_column(scan, (size_t)column)))
            continue;
        outputs[count] = (parquet_output){ .column = made_column(f), .field_id = f->id };
        outputs[count].origin = !is_made                 ? ORIGIN_COPIED
                                : f->name.data[0] == '$' ? ORIGIN_CONSTANT
                                                         : ORIGIN_KEY;
        sources[count] = column >= 0 ? (size_t)column : 0;
        p.fields[count++] = f;
    }
    p.plan = (text_parquet_plan){
        .outputs = outputs, .sources = sources, .output_count = count, .make_key = make_key
    };
    return p;
}

bool copy_fast_write_text(copy *c, int32_t day, text_scan *scan, size_t first, size_t count,
                          str name, error *err)
{
    arena *a = c->arena;
    text_plan p = plan_text(c, scan);
    const int64_t **constants = arena_array_of(a, const int64_t *, count);
    void **contexts = arena_array_of(a, void *, count);
    uint64_t *keys = arena_array_of(a, uint64_t, count);
    for (size_t i = 0; i < count; i++) {
        const state_object *o = &c->objects[first + i].object;
        int64_t *of_file = arena_array_of(a, int64_t, p.plan.output_count);
        for (size_t k = 0; k < p.plan.output_count; k++)
            of_file[k] = str_eq(p.fields[k]->name, STR(EVENT_DATE)) ? day : o->event_us;
        constants[i] = of_file;
        keys[i] = hash64(o->uri.data, o->uri.len);
        contexts[i] = &keys[i];
    }
    p.plan.constants = constants;
    p.plan.key_contexts = contexts;
    str uri, path;
    parquet_result done;
    TRY(make_place(c, day, name, &uri, &path, err));
    TRY(text_to_parquet(scan, a, path.data, &p.plan, &done, err));
    return add_file(c, day, p.fields, p.plan.output_count, &done, uri, path, err);
}
