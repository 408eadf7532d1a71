/* One run of an INSERT job: the source table's rows that are new since the last run, through the
 * job's SELECT, into the target; into a table with a primary key as an upsert. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "pipeline/run_internal.h"
#include "pipeline/execute.h"
#include "pipeline/expectations.h"
#include "pipeline/upsert.h"

typedef struct insertion {
    job *job;
    arena *arena;
    const iceberg_table *source, *target;
    const iceberg_schema *schema; /* of the target, after evolution */
    bool has_new_columns;
    str output_prefix;
    int64_t to_snapshot;
    int64_t source_rows;
    str unchecked; /* the rows before expectations; empty: there are none */
    file_vec files;
    expectation_counts counts;
    int64_t commit_us;
} insertion;

/* The target column that item `i` of the SELECT goes to; empty: none (EXCEPT). */
static str target_of(const statement *s, const iceberg_schema *schema, size_t i, str result_name)
{
    if (s->merge.value_count) { /* INSERT (columns) VALUES (columns of the source) */
        for (size_t k = 0; k < s->merge.value_count; k++)
            if (str_eq_nocase(s->merge.values[k], result_name))
                return s->target_columns[k];
        return STR("");
    }
    if (s->target_column_count)
        return i < s->target_column_count ? s->target_columns[i] : STR("");
    if (!s->maps_by_name)
        return i < schema->field_count ? schema->fields[i].name : STR("");
    for (size_t k = 0; k < s->except_count; k++)
        if (str_eq_nocase(s->except[k], result_name))
            return STR("");
    return result_name;
}

/* The result column that carries `$event_time` as it is, which orders rows of one key; -1: none. */
static int find_order(const select_query *q)
{
    for (size_t i = 0; i < q->item_count; i++)
        if (q->items[i].is_column && str_eq_nocase(q->items[i].column, STR("$event_time")))
            return (int)i;
    return -1;
}

static bool is_made_here(str name)
{
    return str_eq(name, STR("_order")) || str_eq(name, STR("_delete"));
}

/* Result columns of the SELECT become columns of the target: same name and type, or added where the
 * job may. */
static bool plan_columns(insertion *x, sql_stream *shape, str *ret_items, error *err)
{
    const statement *s = x->job->statement;
    const option *adds = option_find(s->options, "ADD_MISSING_COLUMNS");
    const iceberg_schema *base = iceberg_table_schema(x->target);
    bool may_add =
        (adds && adds->is_true) ||
        str_eq(iceberg_table_property(x->target, STR("floe.columns"), STR("")), STR("inferred"));
    int32_t last_id = iceberg_table_last_column_id(x->target);
    VEC(iceberg_field) added = { 0 };
    strbuf items = strbuf_new(x->arena);
    size_t count = sql_stream_column_count(shape);
    str *sources = arena_array_of(x->arena, str, count),
        *targets = arena_array_of(x->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        sources[i] = sql_stream_column_name(shape, i);
        targets[i] = target_of(s, base, i, sources[i]);
        if (targets[i].len == 0 || is_made_here(sources[i]) ||
            iceberg_schema_find(base, targets[i]))
            continue;
        const iceberg_type *type;
        if (!may_add)
            return fail(err, ERR_INVALID,
                        "table " STR_FMT " has no column " STR_FMT
                        "; ADD_MISSING_COLUMNS = TRUE adds it",
                        STR_ARG(iceberg_table_name(x->target)), STR_ARG(targets[i]));
        if (!iceberg_type_of_sql(x->arena, sql_stream_column_type_text(shape, i), &type))
            return fail(err, ERR_INVALID,
                        "column " STR_FMT " has type " STR_FMT ", which tables cannot hold yet",
                        STR_ARG(targets[i]), STR_ARG(sql_stream_column_type_text(shape, i)));
        vec_push(x->arena, &added,
                 (iceberg_field){ .name = str_copy(x->arena, targets[i]), .type = type });
    }
    x->has_new_columns = added.count > 0;
    x->schema = added.count
                    ? iceberg_schema_with(x->arena, base, added.items, added.count, &last_id)
                    : base;
    for (size_t k = 0; k < x->schema->field_count; k++) {
        const iceberg_field *f = &x->schema->fields[k];
        size_t i = 0;
        while (i < count && (targets[i].len == 0 || is_made_here(sources[i]) ||
                             !str_eq_nocase(targets[i], f->name)))
            i++;
        strbuf_add_c(&items, k ? ", " : "");
        if (i < count) {
            strbuf_add_c(&items, "CAST(");
            strbuf_add_sql_name(&items, sources[i]);
            strbuf_format(&items, " AS " STR_FMT ") AS ",
                          STR_ARG(iceberg_type_sql(x->arena, f->type)));
        } else {
            strbuf_format(&items, "NULL::" STR_FMT " AS ",
                          STR_ARG(iceberg_type_sql(x->arena, f->type)));
        }
        strbuf_add_sql_name(&items, f->name);
    }
    *ret_items = strbuf_str(&items);
    return true;
}

/* Tables that the SELECT names beside its source are read as they are now. */
static bool show_joined(insertion *x, error *err)
{
    str text = x->job->statement->query.text;
    if (!expression_mentions(text, STR("JOIN")) &&
        str_find(str_lower(x->arena, str_slice(text, 6, text.len)), STR("select")) < 0)
        return true;
    return execute_show_tables(x->job->home, x->job->connection, x->arena, text, err);
}

/* UNNEST(SELECT …): the lists of a row become rows, side by side. */
static bool unnest_lists(insertion *x, str *query, error *err)
{
    batch *columns;
    strbuf items = strbuf_new(x->arena);
    TRY(sql_query_all(x->job->connection, x->arena,
                      str_format(x->arena,
                                 "SELECT column_name, column_type FROM (DESCRIBE " STR_FMT ")",
                                 STR_ARG(*query)),
                      &columns, err));
    for (size_t i = 0; i < columns->rows; i++) {
        str name = column_text(&columns->columns[0], x->arena, i);
        bool is_list = str_ends_with(column_text(&columns->columns[1], x->arena, i), STR("[]"));
        strbuf_add_c(&items, i ? ", " : "");
        strbuf_add_c(&items, is_list ? "unnest(" : "");
        strbuf_add_sql_name(&items, name);
        strbuf_add_c(&items, is_list ? ") AS " : " AS ");
        strbuf_add_sql_name(&items, name);
    }
    *query = str_format(x->arena, "SELECT " STR_FMT " FROM (" STR_FMT ")",
                        STR_ARG(strbuf_str(&items)), STR_ARG(*query));
    return true;
}

/* Rows that a DROP expectation does not hold for are left out; predicates name the SELECT's
 * columns.
 */
static str with_expectations(insertion *x, str query)
{
    const statement *s = x->job->statement;
    strbuf where = strbuf_new(x->arena);
    for (size_t i = 0; i < s->expectation_count; i++) {
        if (!s->expectations[i].drops)
            continue;
        str predicate = expression_to_sql(x->arena, s->expectations[i].predicate);
        strbuf_format(&where, "%scoalesce((" STR_FMT "), false)", where.len ? " AND " : " WHERE ",
                      STR_ARG(predicate));
    }
    x->unchecked = s->expectation_count ? query : STR("");
    return where.len ? str_format(x->arena, "SELECT * FROM (" STR_FMT ")" STR_FMT, STR_ARG(query),
                                  STR_ARG(strbuf_str(&where)))
                     : query;
}

/* $commit_time: when the newest of the snapshots that are read was committed. */
static str with_commit_time(insertion *x, str source_sql)
{
    str name = STR("$commit_time");
    const iceberg_snapshot *s =
        x->to_snapshot == -1 ? NULL : iceberg_table_snapshot_by_id(x->source, x->to_snapshot);
    if (!expression_mentions(x->job->statement->query.text, name) ||
        iceberg_schema_find(iceberg_table_schema(x->source), name))
        return source_sql;
    return str_format(x->arena,
                      "(SELECT *, make_timestamp(%lld) AS \"$commit_time\" FROM " STR_FMT ")",
                      (long long)(s ? s->timestamp_ms * 1000 : 0), STR_ARG(source_sql));
}

/* The SELECT over the new rows, with columns named and typed as the target's, and "_order" for an
 * upsert. */
static bool rows_sql(insertion *x, const iceberg_scan *scan, bool is_upsert, str *ret_sql,
                     str *ret_order_column, error *err)
{
    const statement *s = x->job->statement;
    str source_sql, query, items = { 0 };
    int order = find_order(&s->query);
    bool adds_order = is_upsert && order < 0 && !s->query.has_aggregation &&
                      iceberg_schema_find(iceberg_table_schema(x->source), STR("$event_time"));
    int64_t now = clock_wall_us();
    *ret_order_column = STR("");
    TRY(iceberg_scan_sql(x->source, x->arena, scan, NULL, 0, false, &source_sql, err));
    source_sql = with_commit_time(x, source_sql);
    TRY(select_to_sql(x->arena, x->job->worksheet->text, &s->query, source_sql,
                      adds_order ? STR("\"$event_time\" AS \"_order\"") : STR(""),
                      x->job->record.created_us, now, &query, err));
    TRY(show_joined(x, err));
    if (s->query.is_unnest)
        TRY(unnest_lists(x, &query, err));
    query = with_expectations(x, query);
    bool deletes = s->merge.delete_condition.len > 0;
    if (deletes) {
        strbuf alias = strbuf_new(x->arena);
        strbuf_add_sql_name(&alias,
                            s->merge.source_alias.len ? s->merge.source_alias : STR("source"));
        query = str_format(x->arena,
                           "SELECT *, coalesce((" STR_FMT "), false) AS \"_delete\" FROM (" STR_FMT
                           ") AS " STR_FMT,
                           STR_ARG(expression_to_sql(x->arena, s->merge.delete_condition)),
                           STR_ARG(query), STR_ARG(strbuf_str(&alias)));
    }
    AUTO(sql_stream_close) sql_stream *shape = NULL;
    str probe = str_format(x->arena, "SELECT * FROM (" STR_FMT ") LIMIT 0", STR_ARG(query));
    if (!sql_query(x->job->connection, probe, &shape, err))
        return fail_while(err, "its SELECT");
    TRY(plan_columns(x, shape, &items, err));
    if (order >= 0 && (size_t)order < sql_stream_column_count(shape))
        *ret_order_column =
            str_copy(x->arena, target_of(s, x->schema, (size_t)order,
                                         sql_stream_column_name(shape, (size_t)order)));
    *ret_sql = str_format(x->arena, "SELECT " STR_FMT "%s%s FROM (" STR_FMT ")", STR_ARG(items),
                          adds_order ? ", \"_order\"" : "", deletes ? ", \"_delete\"" : "",
                          STR_ARG(query));
    if (adds_order)
        *ret_order_column = STR("_order");
    return true;
}

static bool load_source(insertion *x, error *err)
{
    const table_name *name = &x->job->statement->query.source;
    catalog *c;
    iceberg_table *t;
    TRY(home_catalog(x->job->home, name->catalog.len ? name->catalog : STR(HOME_CATALOG), &c, err));
    TRY(catalog_load(c, x->arena, name->namespace, name->name, &t, err));
    x->source = t;
    return true;
}

static bool append_rows(insertion *x, str rows, error *err)
{
    sql_connection *c = x->job->connection;
    TRY(sql_run(
        c,
        str_format(x->arena, "CREATE OR REPLACE TEMP TABLE \"_staged\" AS " STR_FMT, STR_ARG(rows)),
        err));
    bool works = writer_partitions(x->job, x->arena, x->target, x->schema, STR("\"_staged\""),
                                   x->output_prefix, &x->files, err);
    error ignored = { 0 };
    return sql_run(c, STR("DROP TABLE IF EXISTS \"_staged\""), works ? err : &ignored) && works;
}

static bool commit(insertion *x, int64_t run, const upsert *u, iceberg_table **ret_after,
                   error *err)
{
    arena *a = x->arena;
    str keys[] = { job_property(x->job, a, "run"), job_property(x->job, a, "source-snapshot") };
    str values[] = { str_format(a, "%lld", (long long)run),
                     str_format(a, "%lld", (long long)x->to_snapshot) };
    str summary_keys[] = { STR("floe.job"), STR("floe.job-id"), STR("floe.run") };
    str summary_values[] = { x->job->record.name, x->job->record.uuid, values[0] };
    const iceberg_snapshot *base = iceberg_table_current(x->target);
    bool has_deletes = false;
    for (size_t i = 0; i < x->files.count; i++)
        has_deletes |= x->files.items[i].content != ICEBERG_DATA;
    iceberg_change change = { .operation = x->files.count == 0 ? STR("")
                                           : has_deletes       ? STR("overwrite")
                                                               : STR("append"),
                              .added = x->files.items,
                              .added_count = x->files.count,
                              .schema = x->has_new_columns ? x->schema : NULL,
                              .schema_base = x->target,
                              .property_keys = keys,
                              .property_values = values,
                              .property_count = 2,
                              .summary_keys = summary_keys,
                              .summary_values = summary_values,
                              .summary_count = 3,
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    if (u) { /* holds while nobody else adds rows, or moves those that it replaces */
        change.based_on_snapshot_id = base ? base->id : -1;
        change.forbids_new_rows = x->files.count > 0;
        change.live_uris = u->hit_files.items;
        change.live_count = u->hit_files.count;
        change.removed_deletes = u->replaced_vectors.items;
        change.removed_delete_count = u->replaced_vectors.count;
    }
    return catalog_commit(x->job->catalog, a, x->job->statement->table.namespace,
                          x->job->statement->table.name, &change, ret_after, err);
}

/* The last snapshot of the source's history that was committed before the time of START_FROM or
 * END_AT; -1: none. NOW is when the job was made. */
static int64_t snapshot_before(const insertion *x, const option *o)
{
    int64_t us = o->kind == OPTION_TIMESTAMP          ? o->us
                 : str_eq_nocase(o->text, STR("NOW")) ? x->job->record.created_us
                                                      : INT64_MIN;
    const iceberg_snapshot *s = iceberg_table_current(x->source);
    while (s && s->timestamp_ms * 1000 >= us)
        s = s->parent_id == -1 ? NULL : iceberg_table_snapshot_by_id(x->source, s->parent_id);
    return s ? s->id : -1;
}

/* Whether `first` is an ancestor of `second`. */
static bool stands_before(const iceberg_table *t, int64_t first, int64_t second)
{
    const iceberg_snapshot *s = second == -1 ? NULL : iceberg_table_snapshot_by_id(t, second);
    while (s && s->id != first)
        s = s->parent_id == -1 ? NULL : iceberg_table_snapshot_by_id(t, s->parent_id);
    return s != NULL;
}

/* Where the source's history stands for this job: after which snapshot, up to which. `*ret_is_new`
 * false: nothing to do. */
static void find_window(insertion *x, int64_t *ret_after, bool *ret_is_new)
{
    const option *end = option_find(x->job->statement->options, "END_AT");
    const iceberg_snapshot *current = iceberg_table_current(x->source);
    const option *start = option_find(x->job->statement->options, "START_FROM");
    *ret_after = job_property_int(x->job, x->target, "source-snapshot", -1);
    if (*ret_after == -1 && start)
        *ret_after = snapshot_before(x, start);
    x->to_snapshot = current ? current->id : -1;
    if (end)
        x->to_snapshot = snapshot_before(x, end);
    *ret_is_new = x->to_snapshot != -1 && x->to_snapshot != *ret_after &&
                  !(end && stands_before(x->source, x->to_snapshot, *ret_after));
}

static bool load(insertion *x, int64_t after, upsert *u, error *err)
{
    iceberg_scan scan;
    str rows, order;
    TRY(iceberg_table_added(x->source, x->arena, after, x->to_snapshot, &scan, err));
    x->source_rows = scan.row_count;
    if (scan.file_count == 0)
        return true;
    TRY(rows_sql(x, &scan, u != NULL, &rows, &order, err));
    if (x->unchecked.len)
        TRY(expectations_count(x->job, x->arena, x->unchecked, &x->counts, err));
    if (!u)
        return append_rows(x, rows, err);
    *u = (upsert){ .job = x->job,
                   .arena = x->arena,
                   .target = x->target,
                   .schema = x->schema,
                   .rows_sql = rows,
                   .order_column = order,
                   .has_deletes = x->job->statement->merge.delete_condition.len > 0,
                   .output_prefix = x->output_prefix,
                   .files = &x->files };
    return upsert_write(u, err);
}

/* Load and commit once. ERR_CONFLICT: others changed the target meanwhile in a way that matters;
 * nothing stays, and it can be done again. */
static bool attempt(insertion *x, int64_t after, int64_t run, int number,
                    iceberg_table **ret_committed, bool *ret_is_open, error *err)
{
    iceberg_table *target;
    upsert u = { 0 };
    str prefix = x->output_prefix;
    TRY(job_target(x->job, x->arena, &target, err));
    x->target = target;
    x->schema = iceberg_table_schema(target);
    x->files = (file_vec){ 0 };
    x->counts = (expectation_counts){ 0 };
    bool is_upsert = x->schema->identifier_count > 0;
    if (number > 0)
        x->output_prefix = str_format(x->arena, STR_FMT "-%d", STR_ARG(prefix), number);
    bool works = load(x, after, is_upsert ? &u : NULL, err);
    x->output_prefix = prefix;
    if (!works)
        return false;
    /* a commit that reports another error may stand all the same: the next run's recovery asks the
     * table */
    uint64_t started = clock_monotonic_us();
    if (!commit(x, run, is_upsert ? &u : NULL, ret_committed, err)) {
        *ret_is_open = err->code != ERR_CONFLICT;
        return false;
    }
    x->commit_us = (int64_t)(clock_monotonic_us() - started);
    if (is_upsert && u.job)
        upsert_committed(&u, *ret_committed);
    return true;
}

static bool open_insertion(insertion *x, int64_t *ret_after, bool *ret_is_new, error *err)
{
    iceberg_table *target;
    TRY(load_source(x, err));
    TRY(job_target(x->job, x->arena, &target, err));
    x->target = target;
    x->schema = iceberg_table_schema(target);
    find_window(x, ret_after, ret_is_new);
    return true;
}

bool insert_check(job *j, arena *a, error *err)
{
    insertion x = { .job = j, .arena = a };
    int64_t after;
    bool is_new;
    iceberg_scan scan = { 0 };
    str rows, order;
    TRY(open_insertion(&x, &after, &is_new, err));
    return rows_sql(&x, &scan, x.schema->identifier_count > 0, &rows, &order, err);
}

bool insert_explain(job *j, arena *a, strbuf *out, error *err)
{
    insertion x = { .job = j, .arena = a };
    int64_t after;
    bool is_new;
    iceberg_scan scan = { 0 };
    str rows, order;
    TRY(open_insertion(&x, &after, &is_new, err));
    if (is_new)
        TRY(iceberg_table_added(x.source, a, after, x.to_snapshot, &scan, err));
    strbuf_format(out,
                  "read    " STR_FMT ": snapshots after %lld up to %lld, %zu files, %lld rows\n",
                  STR_ARG(iceberg_table_name(x.source)), (long long)after, (long long)x.to_snapshot,
                  scan.file_count, (long long)scan.row_count);
    TRY(rows_sql(&x, &scan, x.schema->identifier_count > 0, &rows, &order, err));
    strbuf_format(out, "select  " STR_FMT "\n", STR_ARG(str_trim(j->statement->query.text)));
    if (x.schema->identifier_count)
        strbuf_format(out, "upsert  one row a key; of rows with one key %s wins\n",
                      order.len ? "the latest $event_time" : "the later run's");
    return true;
}

bool insert_preview(job *j, arena *a, str name, int64_t limit, error *err)
{
    insertion x = { .job = j, .arena = a };
    int64_t after;
    bool is_new;
    iceberg_scan scan = { 0 };
    str rows, order, columns = STR("*");
    TRY(open_insertion(&x, &after, &is_new, err));
    if (is_new)
        TRY(iceberg_table_added(x.source, a, after, x.to_snapshot, &scan, err));
    TRY(rows_sql(&x, &scan, x.schema->identifier_count > 0, &rows, &order, err));
    if (str_eq(order, STR("_order")))
        columns = STR("* EXCLUDE (\"_order\")");
    if (j->statement->merge.delete_condition.len)
        columns = STR("* EXCLUDE (\"_delete\")");
    if (j->statement->merge.delete_condition.len && str_eq(order, STR("_order")))
        columns = STR("* EXCLUDE (\"_order\", \"_delete\")");
    return sql_run(j->connection,
                   str_format(a,
                              "CREATE OR REPLACE TABLE " STR_FMT " AS SELECT " STR_FMT
                              " FROM (" STR_FMT ") LIMIT %lld",
                              STR_ARG(name), STR_ARG(columns), STR_ARG(rows), (long long)limit),
                   err);
}

bool insert_run(job *j, job_progress *ret, error *err)
{
    enum { MOST_ATTEMPTS = 20 };
    AUTO(arena_free) arena *a = arena_new();
    insertion x = { .job = j, .arena = a };
    int64_t after;
    bool is_new;
    iceberg_table *target, *committed;
    state_run done = { 0 };
    *ret = (job_progress){ 0 };
    TRY(load_source(&x, err));
    TRY(job_target(j, a, &target, err));
    x.target = target;
    find_window(&x, &after, &is_new);
    if (!is_new)
        return true;
    x.output_prefix = str_format(a, "r" STR_FMT, STR_ARG(str_slice(uuid_v4(a), 0, 18)));
    TRY(state_run_plan(home_state(j->home), j->record.id, NULL, 0, x.output_prefix, &done.run,
                       err));
    for (int number = 0;; number++) {
        bool is_open = false; /* whether the change stands is not known */
        if (attempt(&x, after, done.run, number, &committed, &is_open, err))
            break;
        if (is_open)
            return false;
        if (err->code != ERR_CONFLICT || number >= MOST_ATTEMPTS) {
            job_abandon(j, x.target, x.files.items, x.files.count, done.run);
            return false;
        }
        writer_discard(x.target, x.files.items, x.files.count);
        error_clear(err);
    }
    for (size_t i = 0; i < x.files.count; i++)
        done.rows += x.files.items[i].content == ICEBERG_DATA ? x.files.items[i].row_count : 0;
    done.snapshot_id = x.files.count ? iceberg_table_current(committed)->id : 0;
    for (size_t i = 0; i < x.files.count; i++)
        done.output_bytes += x.files.items[i].size_bytes;
    done.commit_us = x.commit_us;
    done.dropped = x.counts.dropped;
    TRY(expectations_note(j, &x.counts, err));
    TRY(state_run_done(home_state(j->home), j->record.id, &done, err));
    *ret = (job_progress){ .did_work = true, .rows = x.source_rows };
    return true;
}
