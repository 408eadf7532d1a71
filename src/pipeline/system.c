/* System tables over the home's database and its catalogs. */
#include "pipeline/system.h"

#include "base/clock.h"
#include "base/vec.h"
#include "pipeline/state_select.h"
#include "pipeline/system_internal.h"

#define JOB_KIND                                                                                   \
    "CASE WHEN j.statement LIKE '% AS COPY FROM %' THEN 'COPY' WHEN j.statement LIKE '% AS MERGE " \
    "INTO %' THEN 'MERGE' ELSE 'INSERT' END"
#define DONE "FROM floe_runs r WHERE r.job_id = j.id AND r.state = 'done'"

/* A system table: its columns, and the SELECT over the home's database or the function that fills
 * it. Types: s text, i number, t time, b bool, d double. */
typedef struct system_table {
    const char *name;
    const char *columns; /* "name:type name:type …" */
    const char *sql;
    bool (*fill)(home *h, arena *a, system_cells *cells, error *err);
} system_table;

static bool fill_tables(home *h, arena *a, system_cells *cells, error *err);
static bool fill_columns(home *h, arena *a, system_cells *cells, error *err);

static const system_table tables[] = {
    { "information_schema.jobs",
      "name:s job_id:s type:s target:s status:s statement:s created_at:t last_error:s",
      "SELECT j.name, j.uuid, " JOB_KIND ", j.target, CASE WHEN j.is_paused THEN 'PAUSED' WHEN "
      "j.last_error <> '' THEN 'FAILING' ELSE 'RUNNING' END, j.source_text, j.created_us, "
      "j.last_error FROM floe_jobs j ORDER BY j.id",
      NULL },
    { "information_schema.connections", "name:s type:s", "SELECT name, type FROM floe_connections",
      NULL },
    { "information_schema.views", "catalog:s schema:s name:s statement:s", NULL,
      system_fill_views },
    { "information_schema.tables",
      "catalog:s schema:s name:s created_by:s comment:s rows:i files:i bytes:i snapshots:i "
      "last_commit:t location:s primary_key:s partitions:s",
      NULL, fill_tables },
    { "information_schema.columns",
      "catalog:s schema:s table:s name:s data_type:s ordinal_position:i is_nullable:b column_id:i",
      NULL, fill_columns },
    { "monitoring.jobs",
      "job_name:s job_id:s type:s target:s status:s runs:i rows:i bytes_in:i bytes_out:i "
      "rows_dropped:i files_loaded:i files_bad:i files_pending:i bytes_pending:i rows_per_second:d "
      "lag_s:d commit_ms:d last_commit:t newest_event:t last_error:s",
      "SELECT j.name, j.uuid, " JOB_KIND ", j.target, CASE WHEN j.is_paused THEN 'PAUSED' WHEN "
      "j.last_error <> '' THEN 'FAILING' ELSE 'RUNNING' END, (SELECT count(*) " DONE
      "), (SELECT coalesce(sum(r.rows), 0) " DONE "), (SELECT coalesce(sum(r.bytes), 0) " DONE
      "), (SELECT coalesce(sum(r.output_bytes), 0) " DONE
      "), (SELECT coalesce(sum(r.dropped), 0) " DONE
      "), (SELECT count(*) FROM floe_objects o WHERE o.job_id = j.id AND o.state = 'done'), "
      "(SELECT count(*) FROM floe_objects o WHERE o.job_id = j.id AND o.state = 'bad'), "
      "coalesce((SELECT pending_files FROM floe_job_state p WHERE p.job_id = j.id), 0), "
      "coalesce((SELECT pending_bytes FROM floe_job_state p WHERE p.job_id = j.id), 0), "
      "(SELECT r.rows * 1e6 / max(r.done_us - r.planned_us, 1) " DONE
      " AND r.rows > 0 ORDER BY r.run DESC LIMIT 1), "
      "((SELECT max(o.event_us) FROM floe_objects o WHERE o.job_id = j.id AND o.state = 'done') - "
      "(julianday('now') - 2440587.5) * 86400e6) / -1e6, (SELECT r.commit_us / 1e3 " DONE
      " ORDER BY r.run DESC LIMIT 1), (SELECT max(r.done_us) " DONE
      "), (SELECT max(o.event_us) FROM floe_objects o WHERE o.job_id = j.id AND o.state = 'done'), "
      "j.last_error FROM floe_jobs j ORDER BY j.id",
      NULL },
    { "monitoring.runs",
      "job_name:s run:i status:s started:t finished:t duration_ms:d rows:i bytes_in:i bytes_out:i "
      "files:i rows_dropped:i commit_ms:d snapshot_id:i",
      "SELECT j.name, r.run, r.state, r.planned_us, nullif(r.done_us, 0), CASE WHEN r.done_us > 0 "
      "THEN (r.done_us - r.planned_us) / 1e3 END, r.rows, r.bytes, r.output_bytes, r.object_count, "
      "r.dropped, r.commit_us / 1e3, nullif(r.snapshot_id, 0) FROM floe_runs r JOIN floe_jobs j ON "
      "j.id = r.job_id ORDER BY r.planned_us DESC LIMIT 100000",
      NULL },
    { "monitoring.files", "job_name:s uri:s status:s size:i event_time:t modified:t run:i reason:s",
      "SELECT j.name, o.uri, o.state, o.size_bytes, o.event_us, o.modified_us, o.run, o.fault FROM "
      "floe_objects o JOIN floe_jobs j ON j.id = o.job_id",
      NULL },
    { "monitoring.failures", "job_name:s uri:s line:i reason:s run:i",
      "SELECT j.name, o.uri, CASE WHEN o.fault LIKE 'line %' THEN CAST(substr(o.fault, 6) AS "
      "INTEGER) END, o.fault, o.run FROM floe_objects o JOIN floe_jobs j ON j.id = o.job_id WHERE "
      "o.state = 'bad' UNION ALL SELECT j.name, NULL, NULL, j.last_error, NULL FROM floe_jobs j "
      "WHERE j.last_error <> ''",
      NULL },
    { "monitoring.expectations",
      "job_name:s expectation_name:s triggered_today:i triggered_total:i rows_today:i rows_total:i "
      "dropped_total:i last_triggered:t",
      "SELECT coalesce(j.name, '#' || e.job_id), e.name, sum(CASE WHEN e.day = unixepoch() / 86400 "
      "THEN e.violations ELSE 0 END), sum(e.violations), sum(CASE WHEN e.day = unixepoch() / 86400 "
      "THEN e.rows ELSE 0 END), sum(e.rows), sum(e.drops), nullif(max(e.last_us), 0) FROM "
      "floe_expectations e LEFT JOIN floe_jobs j ON j.id = e.job_id GROUP BY 1, 2",
      NULL },
    { "monitoring.columns",
      "table_name:s column_name:s type:s rows:i nulls:i density:d distinct_values:i "
      "distinct_error:d min:s max:s first_seen:t last_seen:t types:s",
      NULL, system_fill_statistics },
    { "monitoring.top_values", "table_name:s column_name:s value:s count:i count_error:i", NULL,
      system_fill_top_values },
    { "monitoring.histograms", "table_name:s column_name:s low:d high:d count:i", NULL,
      system_fill_histograms },
    { "monitoring.lineage",
      "job_name:s kind:s source:s source_column:s target:s target_column:s expression:s", NULL,
      system_fill_lineage },
    { "logs.task_executions",
      "cluster_name:s cluster_id:s cloud_server_name:s stage_name:s job_name:s job_id:s "
      "task_name:s task_start_time:t task_end_time:t task_status:s",
      "SELECT 'floe', 'floe', 'localhost', CASE WHEN j.statement LIKE '% AS COPY FROM %' THEN "
      "'parse data' ELSE 'write data' END, j.name, j.uuid, 'run ' || r.run, r.planned_us, "
      "nullif(r.done_us, 0), r.state FROM floe_runs r JOIN floe_jobs j ON j.id = r.job_id ORDER BY "
      "r.planned_us DESC LIMIT 100000",
      NULL },
    { "athena.tables", "table_catalog:s table_schema:s table_name:s", NULL, system_fill_athena },
};

static column_type type_of(char c)
{
    return c == 'i'   ? COLUMN_INT64
           : c == 't' ? COLUMN_TIMESTAMP
           : c == 'b' ? COLUMN_BOOL
           : c == 'd' ? COLUMN_DOUBLE
                      : COLUMN_STRING;
}

/* DuckDB binds a view when it is made: then its columns are asked for, and no rows. */
static _Thread_local bool makes_views;

bool system_rows(home *h, arena *a, str table, sql_rows *ret, error *err)
{
    const system_table *t = NULL;
    VEC(str) names = { 0 };
    VEC(column_type) types = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (str_eq(table, str_of(tables[i].name)))
            t = &tables[i];
    if (!t)
        return fail(err, ERR_NOT_FOUND, "there is no system table " STR_FMT, STR_ARG(table));
    str rest = str_of(t->columns);
    while (rest.len) {
        str item = str_cut(&rest, ' ');
        vec_push(a, &names, str_slice(item, 0, item.len - 2));
        vec_push(a, &types, type_of(item.data[item.len - 1]));
    }
    *ret = (sql_rows){ .names = names.items, .types = types.items, .column_count = names.count };
    if (makes_views)
        return true;
    if (t->sql) {
        value *cells;
        TRY(state_select(home_state(h), a, t->sql, types.items, types.count, &cells,
                         &ret->row_count, err));
        ret->cells = cells;
        return true;
    }
    system_cells cells = { 0 };
    TRY(t->fill(h, a, &cells, err));
    ret->cells = cells.items;
    ret->row_count = cells.count / names.count;
    return true;
}

static bool make_rows(void *context, arena *a, str which, sql_rows *ret, error *err)
{
    return system_rows(context, a, which, ret, err);
}

bool system_register(home *h, sql_engine *e, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *c = NULL;
    strbuf b = strbuf_new(a);
    TRY(sql_register_rows(e, "floe_rows", make_rows, h, err));
    TRY(sql_connect(e, &c, err));
    strbuf_add_c(&b, "ATTACH ':memory:' AS floe_system; ATTACH ':memory:' AS floe_logs;"
                     "CREATE SCHEMA floe_system.information_schema_;"
                     "CREATE SCHEMA floe_system.monitoring; CREATE SCHEMA floe_system.athena;"
                     "CREATE SCHEMA floe_system.logs; CREATE SCHEMA floe_logs.tasks;");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        str name = str_of(tables[i].name), rest = name, schema = str_cut(&rest, '.');
        bool is_information = str_eq(schema, STR("information_schema"));
        strbuf_format(&b,
                      "CREATE VIEW floe_system." STR_FMT "%s.\"" STR_FMT
                      "\" AS SELECT * FROM floe_rows('" STR_FMT "');",
                      STR_ARG(schema), is_information ? "_" : "", STR_ARG(rest), STR_ARG(name));
    }
    strbuf_add_c(&b, "CREATE VIEW floe_logs.tasks.task_executions AS SELECT * FROM "
                     "floe_rows('logs.task_executions');");
    makes_views = true;
    bool works = sql_run(c, strbuf_str(&b), err);
    makes_views = false;
    return works;
}

/* ---- Tables of the catalogs ---- */

static str joined_names(arena *a, const iceberg_schema *s, const int32_t *ids, size_t count)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < count; i++) {
        const iceberg_field *f = iceberg_schema_find_id(s, ids[i]);
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add(&b, f ? f->name : STR("?"));
    }
    return strbuf_str(&b);
}

static value summary_number(const iceberg_snapshot *s, const char *key)
{
    int64_t n;
    return s && str_to_i64(iceberg_snapshot_summary(s, str_of(key)), &n) ? value_int(n)
                                                                         : value_int(0);
}

bool system_each_table(home *h, arena *a, system_visit visit, void *context, error *err)
{
    catalog_entry *entries;
    size_t count;
    catalog *c = home_embedded_catalog(h);
    TRY(catalog_list(c, a, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        iceberg_table *t;
        error why = { 0 }; /* a table that is dropped meanwhile, or damaged, hides no other */
        if (catalog_load(c, a, entries[i].namespace, entries[i].name, &t, &why))
            TRY(visit(context, a, catalog_name(c), &entries[i], t, err));
    }
    return true;
}

static bool add_table(void *context, arena *a, str catalog_name, const catalog_entry *e,
                      const iceberg_table *t, error *err)
{
    (void)err;
    system_cells *cells = context;
    const iceberg_snapshot *s = iceberg_table_current(t);
    const iceberg_schema *schema = iceberg_table_schema(t);
    const iceberg_spec *spec = iceberg_table_spec(t);
    VEC(int32_t) sources = { 0 };
    for (size_t i = 0; i < spec->field_count; i++)
        vec_push(a, &sources, spec->fields[i].source_id);
    vec_push(a, cells, value_text(catalog_name));
    vec_push(a, cells, value_text(e->namespace));
    vec_push(a, cells, value_text(e->name));
    vec_push(a, cells, value_text(STR("floe")));
    vec_push(a, cells, value_text(iceberg_table_property(t, STR("comment"), STR(""))));
    vec_push(a, cells, summary_number(s, "total-records"));
    vec_push(a, cells, summary_number(s, "total-data-files"));
    vec_push(a, cells, summary_number(s, "total-files-size"));
    vec_push(a, cells, value_int((int64_t)iceberg_table_snapshot_count(t)));
    vec_push(a, cells,
             s ? (value){ .kind = VALUE_TIMESTAMP, .integer = s->timestamp_ms * 1000 }
               : value_null());
    vec_push(a, cells, value_text(iceberg_table_location(t)));
    vec_push(a, cells,
             value_text(joined_names(a, schema, schema->identifier_ids, schema->identifier_count)));
    vec_push(a, cells, value_text(joined_names(a, schema, sources.items, sources.count)));
    return true;
}

static bool fill_tables(home *h, arena *a, system_cells *cells, error *err)
{
    return system_each_table(h, a, add_table, cells, err);
}

static bool add_columns(void *context, arena *a, str catalog_name, const catalog_entry *e,
                        const iceberg_table *t, error *err)
{
    (void)err;
    system_cells *cells = context;
    const iceberg_schema *s = iceberg_table_schema(t);
    for (size_t i = 0; i < s->field_count; i++) {
        vec_push(a, cells, value_text(catalog_name));
        vec_push(a, cells, value_text(e->namespace));
        vec_push(a, cells, value_text(e->name));
        vec_push(a, cells, value_text(s->fields[i].name));
        vec_push(a, cells, value_text(iceberg_type_text(a, s->fields[i].type)));
        vec_push(a, cells, value_int((int64_t)i + 1));
        vec_push(a, cells, value_bool(!s->fields[i].is_required));
        vec_push(a, cells, value_int(s->fields[i].id));
    }
    return true;
}

static bool fill_columns(home *h, arena *a, system_cells *cells, error *err)
{
    return system_each_table(h, a, add_columns, cells, err);
}

static bool add_athena(void *context, arena *a, str catalog_name, const catalog_entry *e,
                       const iceberg_table *t, error *err)
{
    (void)err;
    (void)t;
    system_cells *cells = context;
    vec_push(a, cells, value_text(catalog_name));
    vec_push(a, cells, value_text(e->namespace));
    vec_push(a, cells, value_text(e->name));
    return true;
}

bool system_fill_athena(home *h, arena *a, system_cells *cells, error *err)
{
    return system_each_table(h, a, add_athena, cells, err);
}

bool system_fill_views(home *h, arena *a, system_cells *cells, error *err)
{
    static const column_type types[] = { COLUMN_STRING, COLUMN_STRING };
    value *rows;
    size_t count;
    TRY(state_select(home_state(h), a, "SELECT name, source_text FROM floe_views ORDER BY name",
                     types, 2, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        str rest = rows[i * 2].text;
        vec_push(a, cells, value_text(str_cut(&rest, '.')));
        vec_push(a, cells, value_text(str_cut(&rest, '.')));
        vec_push(a, cells, value_text(rest));
        vec_push(a, cells, rows[i * 2 + 1]);
    }
    return true;
}
