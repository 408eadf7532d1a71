/* Counting the rows that break a job's expectations. */
#include "pipeline/expectations.h"

#include "base/clock.h"
#include "pipeline/state_select.h"

str expectations_drop_sql(const job *j, arena *a)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < j->statement->expectation_count; i++) {
        const expectation *e = &j->statement->expectations[i];
        if (e->drops)
            strbuf_format(&b, "%sNOT coalesce((" STR_FMT "), false)", b.len ? " OR " : "",
                          STR_ARG(expression_to_sql(a, e->predicate)));
    }
    return strbuf_str(&b);
}

bool expectations_count(job *j, arena *a, str query, expectation_counts *counts, error *err)
{
    size_t count = j->statement->expectation_count;
    batch *row;
    strbuf b = strbuf_new(a);
    str drop = expectations_drop_sql(j, a);
    if (!counts->violations)
        counts->violations = arena_array_of(a, int64_t, count + 1);
    strbuf_add_c(&b, "SELECT count(*), count(*) FILTER (");
    strbuf_add(&b, drop.len ? drop : STR("false"));
    strbuf_add_c(&b, ")");
    for (size_t i = 0; i < count; i++)
        strbuf_format(&b, ", count(*) FILTER (NOT coalesce((" STR_FMT "), false))",
                      STR_ARG(expression_to_sql(a, j->statement->expectations[i].predicate)));
    strbuf_format(&b, " FROM (" STR_FMT ")", STR_ARG(query));
    if (!sql_query_all(j->connection, a, strbuf_str(&b), &row, err))
        return fail_while(err, "expectations");
    counts->rows += column_value(&row->columns[0], a, 0).integer;
    counts->dropped += column_value(&row->columns[1], a, 0).integer;
    for (size_t i = 0; i < count; i++)
        counts->violations[i] += column_value(&row->columns[2 + i], a, 0).integer;
    return true;
}

bool expectations_note(job *j, const expectation_counts *counts, error *err)
{
    int64_t now = clock_wall_us();
    for (size_t i = 0; counts->violations && i < j->statement->expectation_count; i++) {
        const expectation *e = &j->statement->expectations[i];
        int64_t n = counts->violations[i];
        value parameters[] = { value_int(j->record.id),        value_text(e->name),
                               value_int(now / 86400000000ll), value_int(n),
                               value_int(counts->rows),        value_int(e->drops ? n : 0),
                               value_int(n ? now : 0) };
        TRY(state_execute(home_state(j->home),
                          "INSERT INTO floe_expectations (job_id, name, day, violations, rows, "
                          "drops, last_us) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, name, "
                          "day) DO UPDATE SET violations = violations + excluded.violations, rows "
                          "= rows + excluded.rows, drops = drops + excluded.drops, last_us = "
                          "max(last_us, excluded.last_us)",
                          parameters, 7, err));
    }
    return true;
}
