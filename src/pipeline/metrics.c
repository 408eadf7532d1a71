/* The jobs' numbers in Prometheus' text format, version 0.0.4. */
#include "pipeline/system.h"

#include <math.h>

typedef struct metric {
    const char *column, *name, *type, *help;
} metric;

static const metric metrics[] = {
    { "runs", "floe_job_runs_total", "counter", "Committed runs." },
    { "rows", "floe_job_rows_total", "counter", "Rows written." },
    { "bytes_in", "floe_job_input_bytes_total", "counter", "Bytes of the objects loaded." },
    { "bytes_out", "floe_job_output_bytes_total", "counter", "Bytes of the data files written." },
    { "rows_dropped", "floe_job_dropped_rows_total", "counter",
      "Rows that expectations kept out." },
    { "files_loaded", "floe_job_files_loaded_total", "counter", "Objects loaded." },
    { "files_bad", "floe_job_files_bad", "gauge", "Objects that cannot be loaded." },
    { "files_pending", "floe_job_files_pending", "gauge", "Objects found and not yet loaded." },
    { "bytes_pending", "floe_job_bytes_pending", "gauge", "Bytes of those objects." },
    { "rows_per_second", "floe_job_rows_per_second", "gauge", "Rows a second of the last run." },
    { "lag_s", "floe_job_lag_seconds", "gauge", "Now minus the newest committed event." },
    { "commit_ms", "floe_job_commit_milliseconds", "gauge", "Time of the last commit." },
};

static size_t column_of(const sql_rows *r, const char *name)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (str_eq(r->names[i], str_of(name)))
            return i;
    return 0;
}

static void add_label(strbuf *out, const char *name, str value)
{
    strbuf_format(out, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"')
            strbuf_add_char(out, '\\');
        if (c == '\n')
            strbuf_add_c(out, "\\n");
        else
            strbuf_add_char(out, c);
    }
    strbuf_add_char(out, '"');
}

bool system_metrics(home *h, strbuf *out, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    sql_rows r;
    TRY(system_rows(h, a, STR("monitoring.jobs"), &r, err));
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        const metric *m = &metrics[i];
        size_t column = column_of(&r, m->column), job = column_of(&r, "job_name");
        strbuf_format(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
        for (size_t k = 0; k < r.row_count; k++) {
            const value *v = &r.cells[k * r.column_count + column];
            if (v->kind == VALUE_NULL)
                continue;
            strbuf_format(out, "%s{", m->name);
            add_label(out, "job", r.cells[k * r.column_count + job].text);
            strbuf_format(out, "} %.17g\n", value_to_double(v));
        }
    }
    return true;
}
