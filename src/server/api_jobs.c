/* What jobs do and tables hold, as JSON: every system table under /api/system/, the usual ones
 * under names of their own. */
#include "base/clock.h"
#include "pipeline/system.h"
#include "server/exchange.h"

static void put_cell(json_writer *w, arena *a, const value *v)
{
    switch (v->kind) {
    case VALUE_NULL: json_put_null(w); break;
    case VALUE_BOOL: json_put_bool(w, v->boolean); break;
    case VALUE_DOUBLE: json_put_double(w, v->real); break;
    case VALUE_TIMESTAMP: json_put_text(w, clock_format_us(a, v->integer)); break;
    case VALUE_INT:
        if (v->integer > (1ll << 53) || v->integer < -(1ll << 53))
            json_put_text(w, str_format(a, "%lld", (long long)v->integer));
        else
            json_put_int(w, v->integer);
        break;
    default: json_put_text(w, v->text);
    }
}

/* {"rows": [{column: cell, …}, …]}; `job` and `table` of the query part keep rows of that name. */
static bool show_table(exchange *x, str table, error *err)
{
    sql_rows rows;
    json_reply r;
    str job = http_argument(x->request, STR("job"), STR("")),
        name = http_argument(x->request, STR("table"), STR(""));
    TRY(system_rows(x->server->home, x->arena, table, &rows, err));
    json_reply_begin(&r, x);
    json_put_object_begin(&r.out);
    json_put_key(&r.out, STR("rows"));
    json_put_array_begin(&r.out);
    for (size_t i = 0; i < rows.row_count; i++) {
        const value *cells = &rows.cells[i * rows.column_count];
        bool is_wanted = true;
        for (size_t k = 0; k < rows.column_count; k++) {
            if (job.len && str_eq(rows.names[k], STR("job_name")))
                is_wanted &= str_eq(cells[k].text, job);
            if (name.len && str_eq(rows.names[k], STR("table_name")))
                is_wanted &= str_eq(cells[k].text, name);
        }
        if (!is_wanted)
            continue;
        json_put_object_begin(&r.out);
        for (size_t k = 0; k < rows.column_count; k++) {
            json_put_key(&r.out, rows.names[k]);
            put_cell(&r.out, x->arena, &cells[k]);
        }
        json_put_object_done(&r.out);
    }
    json_put_array_done(&r.out);
    json_put_object_done(&r.out);
    json_reply_send(&r, x, 200);
    return true;
}

static bool show_system(exchange *x, error *err)
{
    return show_table(x, x->rest, err);
}

static bool show_jobs(exchange *x, error *err)
{
    return show_table(x, STR("monitoring.jobs"), err);
}

static bool show_runs(exchange *x, error *err)
{
    return show_table(x, STR("monitoring.runs"), err);
}

static bool show_failures(exchange *x, error *err)
{
    return show_table(x, STR("monitoring.failures"), err);
}

static bool show_lineage(exchange *x, error *err)
{
    return show_table(x, STR("monitoring.lineage"), err);
}

static bool show_columns(exchange *x, error *err)
{
    return show_table(x, STR("monitoring.columns"), err);
}

const route job_routes[] = {
    { HTTP_GET, "/api/jobs", show_jobs, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/jobs/runs", show_runs, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/jobs/failures", show_failures, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/lineage", show_lineage, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/statistics", show_columns, NEEDS_SIGN_IN },
    { HTTP_GET, "/api/system/*", show_system, NEEDS_SIGN_IN },
};
const size_t job_route_count = ARRAY_LEN(job_routes);
