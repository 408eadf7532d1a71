/* Where the columns of each table come from: source → job → table → job → table, and on to the
 * labels of the graph, which a folder above tells. */
#include "pipeline/system.h"
#include "pipeline/system_internal.h"
#include "pipeline/state.h"
#include "worksheet/worksheet.h"

typedef system_lineage_line line;

static system_lineage more_lines;

void system_set_lineage(system_lineage more)
{
    more_lines = more;
}

static void add_line(system_cells *cells, arena *a, const line *l)
{
    const str texts[] = { l->job,    l->kind,          l->source,    l->source_column,
                          l->target, l->target_column, l->expression };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        vec_push(a, cells, texts[i].len ? value_text(texts[i]) : value_null());
}

static str name_of(arena *a, const table_name *t)
{
    return str_format(a, STR_FMT "." STR_FMT "." STR_FMT,
                      STR_ARG(t->catalog.len ? t->catalog : STR(HOME_CATALOG)),
                      STR_ARG(t->namespace), STR_ARG(t->name));
}

static void add_copy(system_cells *cells, arena *a, const statement *s, line l)
{
    const option *location = option_find(s->source_options, "LOCATION"),
                 *changes = option_find(s->options, "COLUMN_TRANSFORMATIONS");
    l.kind = STR("COPY");
    l.source = str_format(a, STR_FMT ":" STR_FMT, STR_ARG(s->connection),
                          STR_ARG(location ? location->text : STR("/")));
    l.source_column = STR("*");
    l.target_column = STR("*");
    add_line(cells, a, &l);
    for (size_t i = 0; changes && i < changes->assignments.count; i++) {
        l.source_column = STR("");
        l.target_column = changes->assignments.items[i].column;
        l.expression = changes->assignments.items[i].expression;
        add_line(cells, a, &l);
    }
}

/* An expression and behind it those of the LETs that it needs. */
static str with_lets(arena *a, str expression, const select_let *lets, size_t count)
{
    bool *is_in = arena_array_of(a, bool, count);
    strbuf b = strbuf_new(a);
    strbuf_add(&b, expression);
    for (size_t i = 0; i < count; i++) {
        if (is_in[i] || !expression_mentions(strbuf_str(&b), lets[i].name))
            continue;
        is_in[i] = true;
        strbuf_format(&b, " , " STR_FMT, STR_ARG(lets[i].expression));
        i = (size_t)-1; /* it may need those before it */
    }
    return strbuf_str(&b);
}

/* The columns of the source table that an expression names, by itself or by LET: `reach`. */
static bool add_item(system_cells *cells, arena *a, const iceberg_schema *source,
                     const select_item *item, str reach, line l)
{
    bool is_all = str_ends_with(item->expression, STR("*"));
    bool has_source = false;
    l.expression = item->expression;
    for (size_t k = 0; source && k < source->field_count; k++) {
        if (!is_all && !expression_mentions(reach, source->fields[k].name))
            continue;
        l.source_column = source->fields[k].name;
        if (is_all)
            l.target_column = l.source_column;
        add_line(cells, a, &l);
        has_source = true;
    }
    if (!has_source) {
        l.source_column = STR("");
        add_line(cells, a, &l);
    }
    return true;
}

/* The target's column that item `i` of the SELECT goes to; empty: none. */
static str target_of(const statement *s, const iceberg_table *target, size_t i)
{
    str name = s->query.items[i].name;
    for (size_t k = 0; k < s->merge.value_count; k++) /* INSERT (columns) VALUES (source columns) */
        if (str_eq_nocase(s->merge.values[k], name))
            return s->target_columns[k];
    for (size_t k = 0; k < s->except_count; k++)
        if (str_eq_nocase(s->except[k], name))
            return STR("");
    if (s->merge.value_count)
        return STR("");
    if (s->target_column_count)
        return i < s->target_column_count ? s->target_columns[i] : STR("");
    if (!s->maps_by_name && !s->merge.is_given && target &&
        i < iceberg_table_schema(target)->field_count)
        return iceberg_table_schema(target)->fields[i].name;
    return name.len ? name : STR("*");
}

static void add_insert(system_cells *cells, arena *a, home *h, const statement *s, line l)
{
    catalog *c;
    iceberg_table *source = NULL, *target = NULL;
    error ignored = { 0 }; /* without the source's schema its columns cannot be told */
    const table_name *from = &s->query.source, *to = &s->table;
    const select_let *lets;
    size_t let_count = select_lets(a, s->query.text, &lets);
    l.kind = s->merge.is_given ? STR("MERGE") : STR("INSERT");
    l.source = name_of(a, from);
    if (!home_catalog(h, from->catalog.len ? from->catalog : STR(HOME_CATALOG), &c, &ignored) ||
        !catalog_load(c, a, from->namespace, from->name, &source, &ignored))
        error_clear(&ignored);
    if (!home_catalog(h, to->catalog.len ? to->catalog : STR(HOME_CATALOG), &c, &ignored) ||
        !catalog_load(c, a, to->namespace, to->name, &target, &ignored))
        error_clear(&ignored);
    for (size_t i = 0; i < s->query.item_count; i++) {
        const select_item *item = &s->query.items[i];
        l.target_column = target_of(s, target, i);
        if (l.target_column.len)
            add_item(cells, a, source ? iceberg_table_schema(source) : NULL, item,
                     with_lets(a, item->expression, lets, let_count), l);
    }
}

bool system_fill_lineage(home *h, arena *a, system_cells *cells, error *err)
{
    state_job *jobs;
    size_t count;
    TRY(state_job_list(home_state(h), a, &jobs, &count, err));
    for (size_t i = 0; i < count; i++) {
        worksheet *w;
        error ignored = { 0 }; /* a job that an older version understood may not parse any more */
        if (!worksheet_parse(a, jobs[i].name, jobs[i].source_text, &w, &ignored) || w->count == 0)
            continue;
        line l = { .job = jobs[i].name, .target = jobs[i].target };
        if (w->statements[0].kind == STATEMENT_CREATE_COPY_JOB)
            add_copy(cells, a, &w->statements[0], l);
        else
            add_insert(cells, a, h, &w->statements[0], l);
    }
    const line *lines;
    size_t line_count = 0;
    if (more_lines)
        TRY(more_lines(h, a, &lines, &line_count, err));
    for (size_t i = 0; i < line_count; i++)
        add_line(cells, a, &lines[i]);
    return true;
}
