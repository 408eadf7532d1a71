/* Opening a job and recovering from a crash. */
#include "pipeline/job.h"

#include <stdlib.h>

#include "pipeline/dead_letter.h"
#include "pipeline/state_select.h"

bool job_open(home *h, const state_job *record, const job_limits *limits, job **ret_job, error *err)
{
    AUTO(job_close) job *j = memory_alloc(sizeof *j);
    j->arena = arena_new();
    j->lock = -1;
    j->home = h;
    j->limits = limits ? *limits : (job_limits){ 0 };
    arena *a = j->arena;
    j->record = (state_job){ .id = record->id,
                             .name = str_copy(a, record->name),
                             .uuid = str_copy(a, record->uuid),
                             .statement = str_copy(a, record->statement),
                             .source_text = str_copy(a, record->source_text),
                             .folder = str_copy(a, record->folder),
                             .target = str_copy(a, record->target),
                             .is_paused = record->is_paused,
                             .created_us = record->created_us };
    if (!j->limits.is_look_only)
        TRY(home_lock_job(h, record->id, record->name, &j->lock, err));
    TRY(worksheet_parse(a, j->record.name, j->record.source_text, &j->worksheet, err));
    j->statement = &j->worksheet->statements[0];
    str name = j->statement->table.catalog;
    TRY(home_catalog(h, name.len ? name : STR(HOME_CATALOG), &j->catalog, err));
    TRY(home_engine(h, &j->engine, err));
    TRY(sql_connect(j->engine, &j->connection, err));
    *ret_job = TAKE(j);
    return true;
}

void job_close(job *j)
{
    if (!j)
        return;
    copy_source_close(j->source);
    upsert_index_close(j->index);
    sql_disconnect(j->connection);
    if (j->lock >= 0)
        home_unlock_job(j->lock);
    arena_free(j->arena);
    free(j);
}

const state_job *job_record(const job *j)
{
    return &j->record;
}

const statement *job_statement(const job *j)
{
    return j->statement;
}

int64_t job_interval_us(const job *j, int64_t otherwise)
{
    const option *o = option_find(j->statement->options, "COMMIT_INTERVAL");
    if (!o)
        o = option_find(j->statement->options, "RUN_INTERVAL");
    return o && o->kind == OPTION_DURATION ? o->us : otherwise;
}

str job_property(const job *j, arena *a, const char *what)
{
    return str_format(a, "floe.job." STR_FMT ".%s", STR_ARG(j->record.uuid), what);
}

int64_t job_property_int(const job *j, const iceberg_table *t, const char *what, int64_t otherwise)
{
    AUTO(arena_free) arena *scratch = arena_new();
    int64_t n;
    return str_to_i64(iceberg_table_property(t, job_property(j, scratch, what), STR("")), &n)
               ? n
               : otherwise;
}

bool job_target(job *j, arena *a, iceberg_table **ret_table, error *err)
{
    return catalog_load(j->catalog, a, j->statement->table.namespace, j->statement->table.name,
                        ret_table, err);
}

void job_abandon(job *j, const iceberg_table *t, const iceberg_file *files, size_t count,
                 int64_t run)
{
    error ignored = { 0 }; /* what cannot be tidied now is at the next start */
    writer_discard(t, files, count);
    if (!state_run_drop(home_state(j->home), j->record.id, run, &ignored))
        error_clear(&ignored);
}

/* A planned run whose number stands in the table is done; any other did not happen. */
static bool recover(job *j, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    state *s = home_state(j->home);
    state_run *runs;
    size_t count;
    iceberg_table *t;
    TRY(state_run_open(s, a, j->record.id, &runs, &count, err));
    if (count == 0)
        return true;
    copy_source_close(j->source); /* what it knows of the ledger is about to change */
    j->source = NULL;
    TRY(job_target(j, a, &t, err));
    int64_t committed = job_property_int(j, t, "run", 0);
    for (size_t i = 0; i < count; i++) {
        if (runs[i].run > committed) {
            TRY(writer_forget(t, runs[i].output_prefix, err));
            TRY(dead_letter_recover(j, a, runs[i].run, runs[i].output_prefix, false, err));
            TRY(state_run_drop(s, j->record.id, runs[i].run, err));
            continue;
        }
        for (size_t k = 0; k < iceberg_table_snapshot_count(t); k++) {
            const iceberg_snapshot *snapshot = iceberg_table_snapshot_at(t, k);
            int64_t run, rows;
            if (str_eq(iceberg_snapshot_summary(snapshot, STR("floe.job-id")), j->record.uuid) &&
                str_to_i64(iceberg_snapshot_summary(snapshot, STR("floe.run")), &run) &&
                run == runs[i].run) {
                runs[i].snapshot_id = snapshot->id;
                if (str_to_i64(iceberg_snapshot_summary(snapshot, STR("added-records")), &rows))
                    runs[i].rows = rows;
            }
        }
        TRY(dead_letter_recover(j, a, runs[i].run, runs[i].output_prefix, true, err));
        TRY(state_run_done(s, j->record.id, &runs[i], err));
    }
    return true;
}

/* REPLAY JOB was said since the last run: bad objects are free again, dead letters are tried. */
static bool replay(job *j, job_progress *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    static const column_type types[] = { COLUMN_INT64, COLUMN_INT64 };
    value *rows;
    size_t count;
    int64_t said = 0;
    TRY(state_select(
        home_state(j->home), a,
        "SELECT job_id, replays - replayed FROM floe_job_state WHERE replays > replayed", types, 2,
        &rows, &count, err));
    for (size_t i = 0; i < count; i++)
        if (rows[i * 2].integer == j->record.id)
            said = rows[i * 2 + 1].integer;
    if (said == 0)
        return true;
    copy_source_close(j->source);
    j->source = NULL;
    TRY(copy_source_open(j, err));
    TRY(copy_replay(j, ret, err));
    value parameters[] = { value_int(said), value_int(j->record.id) };
    return state_execute(home_state(j->home),
                         "UPDATE floe_job_state SET replayed = replayed + ? WHERE job_id = ?",
                         parameters, 2, err);
}

bool job_run(job *j, job_progress *ret, error *err)
{
    *ret = (job_progress){ 0 };
    bool is_copy = j->statement->kind == STATEMENT_CREATE_COPY_JOB;
    job_progress replayed = { 0 };
    bool works = recover(j, err) && (!is_copy || replay(j, &replayed, err)) &&
                 (j->statement->kind == STATEMENT_CREATE_COPY_JOB ? copy_run(j, ret, err)
                                                                  : insert_run(j, ret, err));
    ret->did_work |= replayed.did_work;
    ret->rows += replayed.rows;
    if (!works)
        fail_while(err, "job " STR_FMT, STR_ARG(j->record.name));
    if (err->code == ERR_CANCELLED)
        return works;
    error ignored = { 0 }; /* the job's own error matters more than that it cannot be noted */
    str message = works ? STR("") : str_of(err->message);
    if (!state_job_error_set(home_state(j->home), j->record.id, message, &ignored))
        error_clear(&ignored);
    return works;
}
