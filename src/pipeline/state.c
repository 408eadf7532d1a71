/* The home's SQLite database: schema and statements. */
#include "pipeline/state.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"
#include "pipeline/state_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS floe_connections (name TEXT PRIMARY KEY COLLATE NOCASE, type TEXT "
    "NOT NULL,"
    "  statement TEXT NOT NULL, root TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS floe_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT "
    "NULL UNIQUE COLLATE NOCASE,"
    "  uuid TEXT NOT NULL, statement TEXT NOT NULL, source_text TEXT NOT NULL, folder TEXT NOT "
    "NULL, target TEXT NOT NULL,"
    "  is_paused INTEGER NOT NULL DEFAULT 0, created_us INTEGER NOT NULL, last_error TEXT NOT NULL "
    "DEFAULT '');"
    "CREATE TABLE IF NOT EXISTS floe_runs (job_id INTEGER NOT NULL, run INTEGER NOT NULL, state "
    "TEXT NOT NULL,"
    "  output_prefix TEXT NOT NULL, planned_us INTEGER NOT NULL, done_us INTEGER NOT NULL DEFAULT "
    "0,"
    "  rows INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, object_count INTEGER NOT "
    "NULL DEFAULT 0,"
    "  snapshot_id INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job_id, run)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS floe_objects (job_id INTEGER NOT NULL, uri TEXT NOT NULL, etag "
    "TEXT NOT NULL,"
    "  size_bytes INTEGER NOT NULL, modified_us INTEGER NOT NULL, event_us INTEGER NOT NULL, run "
    "INTEGER NOT NULL,"
    "  state TEXT NOT NULL, fault TEXT NOT NULL DEFAULT '', PRIMARY KEY (job_id, uri)) WITHOUT "
    "ROWID;"
    "CREATE INDEX IF NOT EXISTS floe_objects_of_run ON floe_objects (job_id, run);"
    "CREATE TABLE IF NOT EXISTS floe_job_state (job_id INTEGER PRIMARY KEY, pending_files INTEGER "
    "NOT NULL, pending_bytes INTEGER NOT NULL, replays INTEGER NOT NULL DEFAULT 0, replayed "
    "INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS floe_views (name TEXT PRIMARY KEY COLLATE NOCASE, source_text TEXT "
    "NOT NULL, statement TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS floe_expectations (job_id INTEGER NOT NULL, name TEXT NOT NULL "
    "COLLATE NOCASE, day INTEGER NOT NULL, violations INTEGER NOT NULL, rows INTEGER NOT NULL, "
    "drops INTEGER NOT NULL, last_us INTEGER NOT NULL, PRIMARY KEY (job_id, name, day)) WITHOUT "
    "ROWID;"
    "CREATE TABLE IF NOT EXISTS floe_statistics (table_name TEXT PRIMARY KEY, snapshot_id INTEGER "
    "NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS floe_settings (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT "
    "ROWID;";

bool state_fail(state *s, error *err, const char *what)
{
    int code = sqlite3_errcode(s->db) & 0xFF;
    error_code ours = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                      : code == SQLITE_BUSY || code == SQLITE_LOCKED  ? ERR_CONFLICT
                                                                      : ERR_IO;
    return fail(err, ours, "%s in state.db: %s", what, sqlite3_errmsg(s->db));
}

/* Columns that came later; a home that has them already refuses each, which is fine. */
static const char *const additions[] = {
    "ALTER TABLE floe_runs ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE floe_runs ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE floe_job_state ADD COLUMN replays INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE floe_job_state ADD COLUMN replayed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE floe_runs ADD COLUMN commit_us INTEGER NOT NULL DEFAULT 0",
};

bool state_open(str path, state **ret_state, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(state_close) state *s = memory_alloc(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    if (sqlite3_open(str_to_c(scratch, path), &s->db) != SQLITE_OK)
        return fail(err, ERR_IO, "opening " STR_FMT ": %s", STR_ARG(path), sqlite3_errmsg(s->db));
    sqlite3_busy_timeout(s->db, 10000);
    sqlite3_extended_result_codes(s->db, 1);
    if (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        state_fail(s, err, "making tables");
        return fail_while(err, "opening " STR_FMT, STR_ARG(path));
    }
    for (size_t i = 0; i < ARRAY_LEN(additions); i++)
        sqlite3_exec(s->db, additions[i], NULL, NULL, NULL);
    *ret_state = TAKE(s);
    return true;
}

void state_close(state *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- One statement ---- */

void state_query_done(state_query *q)
{
    if (q->handle)
        sqlite3_finalize(q->handle);
    if (q->state)
        pthread_mutex_unlock(&q->state->lock);
}

bool state_prepare(state *s, const char *sql, state_query *ret, error *err)
{
    pthread_mutex_lock(&s->lock);
    ret->state = s;
    if (sqlite3_prepare_v2(s->db, sql, -1, &ret->handle, NULL) != SQLITE_OK)
        return state_fail(s, err, "preparing a statement");
    return true;
}

void state_bind_text(state_query *q, str text)
{
    sqlite3_bind_text(q->handle, ++q->bound, text.len ? text.data : "", (int)text.len,
                      SQLITE_STATIC);
}

void state_bind_int(state_query *q, int64_t number)
{
    sqlite3_bind_int64(q->handle, ++q->bound, number);
}

bool state_step(state_query *q, bool *ret_has_row, error *err)
{
    int code = sqlite3_step(q->handle);
    *ret_has_row = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return state_fail(q->state, err, "running a statement");
    return true;
}

bool state_run_once(state_query *q, error *err)
{
    bool has_row;
    TRY(state_step(q, &has_row, err));
    sqlite3_reset(q->handle);
    q->bound = 0;
    return true;
}

str state_text(state_query *q, arena *a, int i)
{
    str text = { (const char *)sqlite3_column_text(q->handle, i),
                 (size_t)sqlite3_column_bytes(q->handle, i) };
    return str_copy(a, text);
}

int64_t state_int(state_query *q, int i)
{
    return sqlite3_column_int64(q->handle, i);
}

/* Several statements as one transaction; the lock is held by the caller's statement. */
bool state_begin(state *s, error *err)
{
    return sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
               ? true
               : state_fail(s, err, "beginning a transaction");
}

bool state_commit(state *s, bool works, error *err)
{
    if (works && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        works = state_fail(s, err, "committing");
    if (!works)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return works;
}

/* ---- Connections ---- */

bool state_connection_get(state *s, arena *a, str name, state_connection *ret, bool *ret_is_found,
                          error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "SELECT name, type, statement, root FROM floe_connections WHERE name = ?",
                      &q, err));
    state_bind_text(&q, name);
    TRY(state_step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret = (state_connection){ state_text(&q, a, 0), state_text(&q, a, 1), state_text(&q, a, 2),
                                   state_text(&q, a, 3) };
    return true;
}

bool state_connection_put(state *s, const state_connection *c, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(
        s,
        "INSERT OR REPLACE INTO floe_connections (name, type, statement, root) VALUES (?, ?, ?, ?)",
        &q, err));
    state_bind_text(&q, c->name);
    state_bind_text(&q, c->type);
    state_bind_text(&q, c->statement);
    state_bind_text(&q, c->root);
    return state_run_once(&q, err);
}

/* Run a statement on the row called `name`. */
static bool change_named(state *s, const char *sql, str name, bool *ret_is_found, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, sql, &q, err));
    state_bind_text(&q, name);
    TRY(state_run_once(&q, err));
    *ret_is_found = sqlite3_changes(s->db) > 0;
    return true;
}

bool state_connection_drop(state *s, str name, bool *ret_is_found, error *err)
{
    return change_named(s, "DELETE FROM floe_connections WHERE name = ?", name, ret_is_found, err);
}

/* ---- Jobs ---- */

#define JOB_COLUMNS "id, name, uuid, statement, source_text, folder, target, is_paused, created_us"

static state_job job_of(state_query *q, arena *a)
{
    return (state_job){ .id = state_int(q, 0),
                        .name = state_text(q, a, 1),
                        .uuid = state_text(q, a, 2),
                        .statement = state_text(q, a, 3),
                        .source_text = state_text(q, a, 4),
                        .folder = state_text(q, a, 5),
                        .target = state_text(q, a, 6),
                        .is_paused = state_int(q, 7) != 0,
                        .created_us = state_int(q, 8) };
}

bool state_job_get(state *s, arena *a, str name, state_job *ret, bool *ret_is_found, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "SELECT " JOB_COLUMNS " FROM floe_jobs WHERE name = ?", &q, err));
    state_bind_text(&q, name);
    TRY(state_step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret = job_of(&q, a);
    return true;
}

bool state_job_add(state *s, state_job *job, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    job->created_us = clock_wall_us();
    TRY(state_prepare(
        s,
        "INSERT INTO floe_jobs (name, uuid, statement, source_text, folder, target, created_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        &q, err));
    state_bind_text(&q, job->name);
    state_bind_text(&q, job->uuid);
    state_bind_text(&q, job->statement);
    state_bind_text(&q, job->source_text);
    state_bind_text(&q, job->folder);
    state_bind_text(&q, job->target);
    state_bind_int(&q, job->created_us);
    TRY(state_run_once(&q, err));
    job->id = sqlite3_last_insert_rowid(s->db);
    return true;
}

static bool drop_job_rows(state *s, const char *sql, str name, error *err)
{
    sqlite3_stmt *handle = NULL;
    bool works = sqlite3_prepare_v2(s->db, sql, -1, &handle, NULL) == SQLITE_OK;
    if (works) {
        sqlite3_bind_text(handle, 1, name.data, (int)name.len, SQLITE_STATIC);
        works = sqlite3_step(handle) == SQLITE_DONE;
    }
    if (!works)
        state_fail(s, err, "dropping a job");
    sqlite3_finalize(handle);
    return works;
}

bool state_job_drop(state *s, str name, bool *ret_is_found, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = state_begin(s, err);
    if (works) {
        works =
            drop_job_rows(s,
                          "DELETE FROM floe_objects WHERE job_id IN (SELECT id FROM floe_jobs "
                          "WHERE name = ?)",
                          name, err) &&
            drop_job_rows(
                s,
                "DELETE FROM floe_runs WHERE job_id IN (SELECT id FROM floe_jobs WHERE name = ?)",
                name, err) &&
            drop_job_rows(s, "DELETE FROM floe_jobs WHERE name = ?", name, err);
        *ret_is_found = sqlite3_changes(s->db) > 0;
        works = state_commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_job_pause(state *s, str name, bool is_paused, bool *ret_is_found, error *err)
{
    return change_named(s,
                        is_paused ? "UPDATE floe_jobs SET is_paused = 1 WHERE name = ?"
                                  : "UPDATE floe_jobs SET is_paused = 0 WHERE name = ?",
                        name, ret_is_found, err);
}

bool state_job_list(state *s, arena *a, state_job **ret_jobs, size_t *ret_count, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    VEC(state_job) jobs = { 0 };
    TRY(state_prepare(s, "SELECT " JOB_COLUMNS " FROM floe_jobs ORDER BY id", &q, err));
    for (bool has_row;;) {
        TRY(state_step(&q, &has_row, err));
        if (!has_row)
            break;
        vec_push(a, &jobs, job_of(&q, a));
    }
    *ret_jobs = jobs.items;
    *ret_count = jobs.count;
    return true;
}

/* ---- The ledger ---- */

#define OBJECT_COLUMNS "uri, etag, size_bytes, modified_us, event_us, fault"

static state_object object_of(state_query *q, arena *a)
{
    return (state_object){ state_text(q, a, 0), state_text(q, a, 1), (uint64_t)state_int(q, 2),
                           state_int(q, 3),     state_int(q, 4),     state_text(q, a, 5) };
}

bool state_objects(state *s, int64_t job_id, state_object_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "SELECT " OBJECT_COLUMNS ", state FROM floe_objects WHERE job_id = ?", &q,
                      err));
    state_bind_int(&q, job_id);
    for (bool has_row;;) {
        arena_reset(scratch);
        TRY(state_step(&q, &has_row, err));
        if (!has_row)
            return true;
        state_object object = object_of(&q, scratch);
        visit(context, &object, state_text(&q, scratch, 6));
    }
}

static bool insert_objects(state *s, int64_t job_id, int64_t run, const state_object *objects,
                           size_t count, error *err)
{
    sqlite3_stmt *handle = NULL;
    if (sqlite3_prepare_v2(s->db,
                           "INSERT OR REPLACE INTO floe_objects (job_id, uri, etag, size_bytes, "
                           "modified_us, event_us, run,"
                           " state) VALUES (?, ?, ?, ?, ?, ?, ?, 'planned')",
                           -1, &handle, NULL) != SQLITE_OK)
        return state_fail(s, err, "planning a run");
    state_query q = { .handle = handle };
    bool works = true;
    for (size_t i = 0; works && i < count; i++) {
        state_bind_int(&q, job_id);
        state_bind_text(&q, objects[i].uri);
        state_bind_text(&q, objects[i].etag);
        state_bind_int(&q, (int64_t)objects[i].size_bytes);
        state_bind_int(&q, objects[i].modified_us);
        state_bind_int(&q, objects[i].event_us);
        state_bind_int(&q, run);
        works = sqlite3_step(handle) == SQLITE_DONE;
        sqlite3_reset(handle);
        q.bound = 0;
    }
    if (!works)
        state_fail(s, err, "planning a run");
    sqlite3_finalize(handle);
    return works;
}

static bool insert_run(state *s, int64_t job_id, str output_prefix, size_t object_count,
                       int64_t *ret_run, error *err)
{
    sqlite3_stmt *handle = NULL;
    bool works =
        sqlite3_prepare_v2(
            s->db,
            "INSERT INTO floe_runs (job_id, run, state, output_prefix, planned_us, object_count)"
            " SELECT ?1, coalesce(max(run), 0) + 1, 'planned', ?2, ?3, ?4 FROM floe_runs WHERE "
            "job_id = ?1"
            " RETURNING run",
            -1, &handle, NULL) == SQLITE_OK;
    if (works) {
        state_query q = { .handle = handle };
        state_bind_int(&q, job_id);
        state_bind_text(&q, output_prefix);
        state_bind_int(&q, clock_wall_us());
        state_bind_int(&q, (int64_t)object_count);
        works = sqlite3_step(handle) == SQLITE_ROW;
        *ret_run = works ? sqlite3_column_int64(handle, 0) : 0;
        works = works && sqlite3_step(handle) == SQLITE_DONE;
    }
    if (!works)
        state_fail(s, err, "planning a run");
    sqlite3_finalize(handle);
    return works;
}

bool state_run_plan(state *s, int64_t job_id, const state_object *objects, size_t count,
                    str output_prefix, int64_t *ret_run, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = state_begin(s, err);
    if (works) {
        works = insert_run(s, job_id, output_prefix, count, ret_run, err) &&
                insert_objects(s, job_id, *ret_run, objects, count, err);
        works = state_commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

static bool list_objects(state *s, arena *a, const char *sql, int64_t job_id, int64_t run,
                         state_object **ret_objects, size_t *ret_count, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    VEC(state_object) objects = { 0 };
    TRY(state_prepare(s, sql, &q, err));
    state_bind_int(&q, job_id);
    if (run)
        state_bind_int(&q, run);
    for (bool has_row;;) {
        TRY(state_step(&q, &has_row, err));
        if (!has_row)
            break;
        vec_push(a, &objects, object_of(&q, a));
    }
    *ret_objects = objects.items;
    *ret_count = objects.count;
    return true;
}

bool state_run_objects(state *s, arena *a, int64_t job_id, int64_t run, state_object **ret_objects,
                       size_t *ret_count, error *err)
{
    return list_objects(s, a,
                        "SELECT " OBJECT_COLUMNS
                        " FROM floe_objects WHERE job_id = ? AND run = ? ORDER BY uri",
                        job_id, run, ret_objects, ret_count, err);
}

bool state_bad_objects(state *s, arena *a, int64_t job_id, state_object **ret_objects,
                       size_t *ret_count, error *err)
{
    return list_objects(s, a,
                        "SELECT " OBJECT_COLUMNS
                        " FROM floe_objects WHERE job_id = ? AND state = 'bad' ORDER BY uri",
                        job_id, 0, ret_objects, ret_count, err);
}

bool state_run_open(state *s, arena *a, int64_t job_id, state_run **ret_runs, size_t *ret_count,
                    error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    VEC(state_run) runs = { 0 };
    TRY(state_prepare(
        s,
        "SELECT run, state, output_prefix, planned_us FROM floe_runs WHERE job_id = ? AND "
        "state = 'planned' ORDER BY run",
        &q, err));
    state_bind_int(&q, job_id);
    for (bool has_row;;) {
        TRY(state_step(&q, &has_row, err));
        if (!has_row)
            break;
        vec_push(a, &runs,
                 (state_run){ .run = state_int(&q, 0),
                              .state = state_text(&q, a, 1),
                              .output_prefix = state_text(&q, a, 2),
                              .planned_us = state_int(&q, 3) });
    }
    *ret_runs = runs.items;
    *ret_count = runs.count;
    return true;
}

/* Run one statement with up to six parameters inside a transaction. */
static bool change(state *s, const char *sql, const int64_t *numbers, size_t number_count, str text,
                   str text2, error *err)
{
    sqlite3_stmt *handle = NULL;
    bool works = sqlite3_prepare_v2(s->db, sql, -1, &handle, NULL) == SQLITE_OK;
    if (works) {
        state_query q = { .handle = handle };
        for (size_t i = 0; i < number_count; i++)
            state_bind_int(&q, numbers[i]);
        if (text.data)
            state_bind_text(&q, text);
        if (text2.data)
            state_bind_text(&q, text2);
        works = sqlite3_step(handle) == SQLITE_DONE;
    }
    if (!works)
        state_fail(s, err, "writing the ledger");
    sqlite3_finalize(handle);
    return works;
}

bool state_run_bad(state *s, int64_t job_id, int64_t run, const state_object *bad, size_t bad_count,
                   error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = state_begin(s, err);
    if (works) {
        for (size_t i = 0; works && i < bad_count; i++)
            works = change(s,
                           "UPDATE floe_objects SET state = 'bad', fault = ?3 WHERE job_id = ?1 "
                           "AND run = ?2 AND uri = ?4",
                           (int64_t[]){ job_id, run }, 2, bad[i].fault, bad[i].uri, err);
        works = state_commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_run_done(state *s, int64_t job_id, const state_run *run, error *err)
{
    str none = { 0 };
    pthread_mutex_lock(&s->lock);
    bool works = state_begin(s, err);
    if (works) {
        works =
            change(s,
                   "UPDATE floe_runs SET state = 'done', rows = ?3, bytes = ?4, snapshot_id = "
                   "?5, done_us = ?6, dropped = ?7, output_bytes = ?8, commit_us = ?9"
                   " WHERE job_id = ?1 AND run = ?2",
                   (int64_t[]){ job_id, run->run, run->rows, run->bytes, run->snapshot_id,
                                clock_wall_us(), run->dropped, run->output_bytes, run->commit_us },
                   9, none, none, err) &&
            change(s,
                   "UPDATE floe_objects SET state = 'done' WHERE job_id = ?1 AND run = ?2 AND "
                   "state = 'planned'",
                   (int64_t[]){ job_id, run->run }, 2, none, none, err);
        works = state_commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_run_drop(state *s, int64_t job_id, int64_t run, error *err)
{
    str none = { 0 };
    pthread_mutex_lock(&s->lock);
    bool works = state_begin(s, err);
    if (works) {
        works = change(s, "DELETE FROM floe_objects WHERE job_id = ?1 AND run = ?2",
                       (int64_t[]){ job_id, run }, 2, none, none, err) &&
                change(s, "DELETE FROM floe_runs WHERE job_id = ?1 AND run = ?2",
                       (int64_t[]){ job_id, run }, 2, none, none, err);
        works = state_commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_job_totals_get(state *s, int64_t job_id, state_job_totals *ret, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    bool has_row;
    TRY(state_prepare(
        s,
        "SELECT (SELECT count(*) FROM floe_runs WHERE job_id = ?1 AND state = 'done'),"
        " (SELECT coalesce(sum(rows), 0) FROM floe_runs WHERE job_id = ?1 AND state = 'done'),"
        " (SELECT coalesce(sum(bytes), 0) FROM floe_runs WHERE job_id = ?1 AND state = 'done'),"
        " (SELECT coalesce(max(done_us), 0) FROM floe_runs WHERE job_id = ?1 AND state = 'done'),"
        " (SELECT count(*) FROM floe_objects WHERE job_id = ?1 AND state = 'done'),"
        " (SELECT count(*) FROM floe_objects WHERE job_id = ?1 AND state = 'bad'),"
        " (SELECT coalesce(max(event_us), 0) FROM floe_objects WHERE job_id = ?1 AND state = "
        "'done')",
        &q, err));
    state_bind_int(&q, job_id);
    TRY(state_step(&q, &has_row, err));
    *ret = (state_job_totals){ .runs = state_int(&q, 0),
                               .rows = state_int(&q, 1),
                               .bytes = state_int(&q, 2),
                               .last_done_us = state_int(&q, 3),
                               .objects = state_int(&q, 4),
                               .bad_objects = state_int(&q, 5),
                               .newest_event_us = state_int(&q, 6) };
    return true;
}

bool state_job_error_set(state *s, int64_t job_id, str message, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "UPDATE floe_jobs SET last_error = ? WHERE id = ?", &q, err));
    state_bind_text(&q, message);
    state_bind_int(&q, job_id);
    return state_run_once(&q, err);
}

bool state_job_error_get(state *s, arena *a, int64_t job_id, str *ret_message, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    bool has_row;
    TRY(state_prepare(s, "SELECT last_error FROM floe_jobs WHERE id = ?", &q, err));
    state_bind_int(&q, job_id);
    TRY(state_step(&q, &has_row, err));
    *ret_message = has_row ? state_text(&q, a, 0) : STR("");
    return true;
}

/* ---- Settings ---- */

bool state_setting_get(state *s, arena *a, str key, str *ret_text, bool *ret_is_found, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "SELECT text FROM floe_settings WHERE key = ?", &q, err));
    state_bind_text(&q, key);
    TRY(state_step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret_text = state_text(&q, a, 0);
    return true;
}

bool state_setting_put(state *s, str key, str text, error *err)
{
    AUTO(state_query_done) state_query q = { 0 };
    TRY(state_prepare(s, "INSERT OR REPLACE INTO floe_settings (key, text) VALUES (?, ?)", &q,
                      err));
    state_bind_text(&q, key);
    state_bind_text(&q, text);
    return state_run_once(&q, err);
}
