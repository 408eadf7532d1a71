/* Rows of jobs with expectations: counted, parted into those that are loaded and the dead letters.
 * Parquet is read once for the columns that the expectations ask, and again to be written; of other
 * files the rows are staged. */
#include "pipeline/copy_internal.h"
#include "pipeline/dead_letter.h"

void copy_add_checks(const copy *c, strbuf *b)
{
    const statement *s = c->job->statement;
    for (size_t i = 0; i < s->expectation_count; i++)
        strbuf_format(b, ", coalesce((" STR_FMT "), false) AS \"_e%zu\"",
                      STR_ARG(expression_to_sql(c->arena, s->expectations[i].predicate)), i);
    strbuf_add_c(b, ", \"_object\", \"_row\"");
}

static str column_list(const copy *c)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < c->schema->field_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_name(&b, c->schema->fields[i].name);
    }
    return strbuf_str(&b);
}

/* "NOT _e0 OR NOT _e2": of the expectations that drop; empty when none does. */
static str dropped_where(const copy *c)
{
    strbuf b = strbuf_new(c->arena);
    for (size_t i = 0; i < c->job->statement->expectation_count; i++)
        if (c->job->statement->expectations[i].drops)
            strbuf_format(&b, "%sNOT \"_e%zu\"", b.len ? " OR " : "", i);
    return strbuf_str(&b);
}

static bool count_rows(copy *c, str rows_sql, str dropped, error *err)
{
    const statement *s = c->job->statement;
    expectation_counts *n = &c->counts;
    batch *row;
    strbuf q = strbuf_new(c->arena);
    if (!n->violations)
        n->violations = arena_array_of(c->arena, int64_t, s->expectation_count);
    strbuf_format(&q, "SELECT count(*), count(*) FILTER (" STR_FMT ")",
                  STR_ARG(dropped.len ? dropped : STR("false")));
    for (size_t i = 0; i < s->expectation_count; i++)
        strbuf_format(&q, ", count(*) FILTER (NOT \"_e%zu\")", i);
    strbuf_format(&q, " FROM " STR_FMT, STR_ARG(rows_sql));
    TRY(sql_query_all(c->job->connection, c->arena, strbuf_str(&q), &row, err));
    n->rows += column_value(&row->columns[0], c->arena, 0).integer;
    n->dropped += column_value(&row->columns[1], c->arena, 0).integer;
    for (size_t i = 0; i < s->expectation_count; i++)
        n->violations[i] += column_value(&row->columns[2 + i], c->arena, 0).integer;
    return true;
}

static str dead_select(copy *c, str rows_sql, str dropped)
{
    const statement *s = c->job->statement;
    strbuf b = strbuf_new(c->arena), broken = strbuf_new(c->arena), why = strbuf_new(c->arena);
    for (size_t i = 0; i < s->expectation_count; i++) {
        if (!s->expectations[i].drops)
            continue;
        strbuf_format(&broken, " WHEN NOT \"_e%zu\" THEN ", i);
        strbuf_add_sql_text(&broken, s->expectations[i].name);
        strbuf_format(&why, " WHEN NOT \"_e%zu\" THEN ", i);
        strbuf_add_sql_text(&why, str_format(c->arena, STR_FMT " does not hold",
                                             STR_ARG(s->expectations[i].predicate)));
    }
    strbuf_add_c(&b, "SELECT [");
    for (size_t i = 0; i < c->object_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_text(&b, c->objects[i].shown);
    }
    strbuf_add_c(
        &b, "][\"_object\" + 1] AS file, \"_row\"::BIGINT AS \"row\", \"_row\"::BIGINT + CAST([");
    for (size_t i = 0; i < c->object_count; i++)
        strbuf_format(&b, c->objects[i].is_text ? "%s%llu" : "%sNULL", i ? ", " : "",
                      (unsigned long long)c->objects[i].first_line);
    strbuf_format(
        &b,
        "] AS BIGINT[])[\"_object\" + 1] AS line, CASE" STR_FMT " END AS expectation, CASE" STR_FMT
        " END AS reason, %lld::BIGINT AS run, floe_event_time(\"_object\") AS "
        "event_time, to_json(\"_checked\")::VARCHAR AS record FROM " STR_FMT " WHERE " STR_FMT,
        STR_ARG(strbuf_str(&broken)), STR_ARG(strbuf_str(&why)), (long long)c->run,
        STR_ARG(rows_sql), STR_ARG(dropped));
    return strbuf_str(&b);
}

str copy_checked_preview(const copy *c, str select)
{
    str dropped = dropped_where(c);
    if (c->job->statement->expectation_count == 0)
        return select;
    return str_format(c->arena, "SELECT " STR_FMT " FROM (" STR_FMT ")%s" STR_FMT "%s",
                      STR_ARG(column_list(c)), STR_ARG(select), dropped.len ? " WHERE NOT (" : "",
                      STR_ARG(dropped), dropped.len ? ")" : "");
}

bool copy_checked(copy *c, str select, bool is_staged, str name, str *ret_select, error *err)
{
    str dropped = dropped_where(c), rows_sql = STR("\"_checked\"");
    int64_t before = c->counts.dropped;
    bool is_volatile = str_contains(select, STR("random")) || str_contains(select, STR("uuid("));
    if (!is_staged && !is_volatile) /* every reading gives the same rows */
        rows_sql = str_format(c->arena, "(" STR_FMT ") AS \"_checked\"", STR_ARG(select));
    else
        TRY(sql_run(c->job->connection,
                    str_format(c->arena, "CREATE OR REPLACE TEMP TABLE \"_checked\" AS " STR_FMT,
                               STR_ARG(select)),
                    err));
    TRY(count_rows(c, rows_sql, dropped, err));
    bool has_dropped = c->counts.dropped > before;
    if (has_dropped)
        TRY(dead_letter_write(c->job, c->arena, dead_select(c, rows_sql, dropped),
                              str_format(c->arena, STR_FMT "-dead", STR_ARG(name)), &c->dead, err));
    *ret_select =
        str_format(c->arena, "SELECT " STR_FMT " FROM " STR_FMT "%s" STR_FMT "%s",
                   STR_ARG(column_list(c)), STR_ARG(rows_sql), has_dropped ? " WHERE NOT (" : "",
                   STR_ARG(has_dropped ? dropped : STR("")), has_dropped ? ")" : "");
    return true;
}
