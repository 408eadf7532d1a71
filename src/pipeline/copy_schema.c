/* The columns of a COPY job's target: what arrives finds its column, widens it or makes a new one.
 */
#include <fnmatch.h>

#include "pipeline/copy_internal.h"
#include "pipeline/flow_field.h"

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

bool copy_type_fits(const iceberg_type *arriving, const iceberg_type *column)
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
    if (f && copy_type_fits(type, f->type))
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

/* ---- What a run adds ---- */

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

/* The type of each transformation, told by DuckDB over a source's columns; NULL: there are none. */
static bool transformation_types(copy *c, const part *p, const iceberg_type ***ret, error *err)
{
    const option *o = copy_transformations(c->job);
    *ret = o ? arena_array_of(c->arena, const iceberg_type *, o->assignments.count) : NULL;
    for (size_t i = 0; o && i < o->assignments.count; i++) {
        const assignment *x = &o->assignments.items[i];
        batch *rows;
        str q = str_format(
            c->arena,
            "SELECT column_type FROM (DESCRIBE SELECT (" STR_FMT ") AS x FROM " STR_FMT ")",
            STR_ARG(expression_to_sql(c->arena, x->expression)), STR_ARG(p->relation));
        if (!sql_query_all(c->job->connection, c->arena, q, &rows, err))
            return fail_while(err, "COLUMN_TRANSFORMATIONS: " STR_FMT, STR_ARG(x->column));
        if (!iceberg_type_of_sql(c->arena, column_text(&rows->columns[0], c->arena, 0), &(*ret)[i]))
            return fail(err, ERR_INVALID,
                        "COLUMN_TRANSFORMATIONS: " STR_FMT
                        " has a type that tables cannot hold yet",
                        STR_ARG(x->column));
    }
    return true;
}

/* The files of a source: a scan of flow-log text, or those of one shape. */
typedef struct source_part {
    part part;
    bool is_shape;
    size_t shape;
    const iceberg_type **types;
    error fault;
} source_part;

typedef VEC(source_part) source_parts;

static void add_shapes(copy *c, source_parts *parts)
{
    for (size_t i = 0; i < c->shapes.count; i++) {
        size_t k = 0;
        while (k < c->object_count &&
               (!c->objects[k].is_good || c->objects[k].is_text || c->objects[k].shape != i))
            k++;
        if (k < c->object_count)
            vec_push(c->arena, parts,
                     (source_part){
                         .part = copy_shape_part(c, i, &k, 1), .is_shape = true, .shape = i });
    }
}

/* Files without what the transformations read are set aside where others have it, now or before;
 * where none has, it is the job that is wrong. */
static bool check_parts(copy *c, source_parts *parts, bool is_inferred, error *err)
{
    const source_part *bad = NULL;
    bool has_good = iceberg_table_current(c->table) != NULL;
    for (size_t i = 0; i < parts->count; i++) {
        source_part *s = &parts->items[i];
        if (s->part.column_count == 0)
            continue;
        bool works = check_mentions(c, &s->part, "the file", &s->fault) &&
                     ((!s->is_shape && !is_inferred) ||
                      transformation_types(c, &s->part, &s->types, &s->fault));
        if (!works && s->fault.code != ERR_INVALID && s->fault.code != ERR_CORRUPT) {
            *err = s->fault;
            return false;
        }
        has_good |= works;
        bad = works ? bad : s;
    }
    for (size_t i = 0; i < parts->count; i++) {
        const source_part *s = &parts->items[i];
        if (s->fault.code == ERR_NONE)
            continue;
        if (!has_good || !s->is_shape) {
            *err = bad->fault;
            return false;
        }
        for (size_t k = 0; k < c->object_count; k++)
            if (c->objects[k].is_good && !c->objects[k].is_text && c->objects[k].shape == s->shape)
                copy_set_fault(&c->objects[k], s->fault.message);
    }
    return true;
}

bool copy_grow_schema(copy *c, day_objects *days, size_t day_count, error *err)
{
    const iceberg_schema *base = iceberg_table_schema(c->table);
    growing_schema g = { .arena = c->arena, .last_id = iceberg_table_last_column_id(c->table) };
    bool is_inferred =
        str_eq(iceberg_table_property(c->table, STR("floe.columns"), STR("")), STR("inferred"));
    const option *o = copy_transformations(c->job);
    source_parts parts = { 0 };
    for (size_t i = 0; i < base->field_count; i++)
        vec_push(c->arena, &g.fields, base->fields[i]);
    for (size_t i = 0; i < day_count; i++)
        if (days[i].scan)
            vec_push(c->arena, &parts,
                     (source_part){ .part = copy_text_part(c, days[i].scan, days[i].from) });
    add_shapes(c, &parts);
    TRY(check_parts(c, &parts, is_inferred, err));
    for (size_t i = 0; is_inferred && i < parts.count; i++) {
        const source_part *s = &parts.items[i];
        if (s->part.column_count == 0 || s->fault.code != ERR_NONE)
            continue;
        TRY(grow_by_part(c, &g, &s->part, err));
        for (size_t k = 0; o && k < o->assignments.count; k++)
            place_column(&g, o->assignments.items[k].column, s->types[k]);
    }
    c->has_new_columns = g.has_changed;
    c->schema = g.has_changed ? finish_schema(&g, base) : base;
    return true;
}
