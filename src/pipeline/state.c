/* The home's SQLite database: schema and statements. */
#include "pipeline/state.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"

struct state {
    sqlite3 *db;
    pthread_mutex_t lock; /* guards `db` */
};

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
    "CREATE TABLE IF NOT EXISTS floe_settings (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT "
    "ROWID;";

static bool fail_sqlite(state *s, error *err, const char *what)
{
    int code = sqlite3_errcode(s->db) & 0xFF;
    error_code ours = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                      : code == SQLITE_BUSY || code == SQLITE_LOCKED  ? ERR_CONFLICT
                                                                      : ERR_IO;
    return fail(err, ours, "%s in state.db: %s", what, sqlite3_errmsg(s->db));
}

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
        fail_sqlite(s, err, "making tables");
        return fail_while(err, "opening " STR_FMT, STR_ARG(path));
    }
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

/* A prepared statement under the lock of its state; `finish` ends both. */
typedef struct statement {
    state *state;
    sqlite3_stmt *handle;
    int bound;
} statement;

static void finish(statement *q)
{
    if (q->handle)
        sqlite3_finalize(q->handle);
    if (q->state)
        pthread_mutex_unlock(&q->state->lock);
}
#define AUTO_STATEMENT __attribute__((cleanup(finish)))

static bool prepare(state *s, const char *sql, statement *ret, error *err)
{
    pthread_mutex_lock(&s->lock);
    ret->state = s;
    if (sqlite3_prepare_v2(s->db, sql, -1, &ret->handle, NULL) != SQLITE_OK)
        return fail_sqlite(s, err, "preparing a statement");
    return true;
}

static void bind_text(statement *q, str text)
{
    sqlite3_bind_text(q->handle, ++q->bound, text.len ? text.data : "", (int)text.len,
                      SQLITE_STATIC);
}

static void bind_int(statement *q, int64_t number)
{
    sqlite3_bind_int64(q->handle, ++q->bound, number);
}

static bool step(statement *q, bool *ret_has_row, error *err)
{
    int code = sqlite3_step(q->handle);
    *ret_has_row = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail_sqlite(q->state, err, "running a statement");
    return true;
}

static bool run_once(statement *q, error *err)
{
    bool has_row;
    TRY(step(q, &has_row, err));
    sqlite3_reset(q->handle);
    q->bound = 0;
    return true;
}

static str column_text_of(statement *q, arena *a, int i)
{
    str text = { (const char *)sqlite3_column_text(q->handle, i),
                 (size_t)sqlite3_column_bytes(q->handle, i) };
    return str_copy(a, text);
}

static int64_t column_int_of(statement *q, int i)
{
    return sqlite3_column_int64(q->handle, i);
}

/* Several statements as one transaction; the lock is held by the caller's statement. */
static bool begin(state *s, error *err)
{
    return sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
               ? true
               : fail_sqlite(s, err, "beginning a transaction");
}

static bool commit(state *s, bool works, error *err)
{
    if (works && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        works = fail_sqlite(s, err, "committing");
    if (!works)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return works;
}

/* ---- Connections ---- */

bool state_connection_get(state *s, arena *a, str name, state_connection *ret, bool *ret_is_found,
                          error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "SELECT name, type, statement, root FROM floe_connections WHERE name = ?", &q,
                err));
    bind_text(&q, name);
    TRY(step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret = (state_connection){ column_text_of(&q, a, 0), column_text_of(&q, a, 1),
                                   column_text_of(&q, a, 2), column_text_of(&q, a, 3) };
    return true;
}

bool state_connection_put(state *s, const state_connection *c, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(
        s,
        "INSERT OR REPLACE INTO floe_connections (name, type, statement, root) VALUES (?, ?, ?, ?)",
        &q, err));
    bind_text(&q, c->name);
    bind_text(&q, c->type);
    bind_text(&q, c->statement);
    bind_text(&q, c->root);
    return run_once(&q, err);
}

/* Run a statement on the row called `name`. */
static bool change_named(state *s, const char *sql, str name, bool *ret_is_found, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, sql, &q, err));
    bind_text(&q, name);
    TRY(run_once(&q, err));
    *ret_is_found = sqlite3_changes(s->db) > 0;
    return true;
}

bool state_connection_drop(state *s, str name, bool *ret_is_found, error *err)
{
    return change_named(s, "DELETE FROM floe_connections WHERE name = ?", name, ret_is_found, err);
}

/* ---- Jobs ---- */

#define JOB_COLUMNS "id, name, uuid, statement, source_text, folder, target, is_paused, created_us"

static state_job job_of(statement *q, arena *a)
{
    return (state_job){ .id = column_int_of(q, 0),
                        .name = column_text_of(q, a, 1),
                        .uuid = column_text_of(q, a, 2),
                        .statement = column_text_of(q, a, 3),
                        .source_text = column_text_of(q, a, 4),
                        .folder = column_text_of(q, a, 5),
                        .target = column_text_of(q, a, 6),
                        .is_paused = column_int_of(q, 7) != 0,
                        .created_us = column_int_of(q, 8) };
}

bool state_job_get(state *s, arena *a, str name, state_job *ret, bool *ret_is_found, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "SELECT " JOB_COLUMNS " FROM floe_jobs WHERE name = ?", &q, err));
    bind_text(&q, name);
    TRY(step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret = job_of(&q, a);
    return true;
}

bool state_job_add(state *s, state_job *job, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    job->created_us = clock_wall_us();
    TRY(prepare(
        s,
        "INSERT INTO floe_jobs (name, uuid, statement, source_text, folder, target, created_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        &q, err));
    bind_text(&q, job->name);
    bind_text(&q, job->uuid);
    bind_text(&q, job->statement);
    bind_text(&q, job->source_text);
    bind_text(&q, job->folder);
    bind_text(&q, job->target);
    bind_int(&q, job->created_us);
    TRY(run_once(&q, err));
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
        fail_sqlite(s, err, "dropping a job");
    sqlite3_finalize(handle);
    return works;
}

bool state_job_drop(state *s, str name, bool *ret_is_found, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = begin(s, err);
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
        works = commit(s, works, err);
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
    AUTO_STATEMENT statement q = { 0 };
    VEC(state_job) jobs = { 0 };
    TRY(prepare(s, "SELECT " JOB_COLUMNS " FROM floe_jobs ORDER BY id", &q, err));
    for (bool has_row;;) {
        TRY(step(&q, &has_row, err));
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

static state_object object_of(statement *q, arena *a)
{
    return (state_object){ column_text_of(q, a, 0),       column_text_of(q, a, 1),
                           (uint64_t)column_int_of(q, 2), column_int_of(q, 3),
                           column_int_of(q, 4),           column_text_of(q, a, 5) };
}

bool state_objects(state *s, int64_t job_id, state_object_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "SELECT " OBJECT_COLUMNS ", state FROM floe_objects WHERE job_id = ?", &q, err));
    bind_int(&q, job_id);
    for (bool has_row;;) {
        arena_reset(scratch);
        TRY(step(&q, &has_row, err));
        if (!has_row)
            return true;
        state_object object = object_of(&q, scratch);
        visit(context, &object, column_text_of(&q, scratch, 6));
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
        return fail_sqlite(s, err, "planning a run");
    statement q = { .handle = handle };
    bool works = true;
    for (size_t i = 0; works && i < count; i++) {
        bind_int(&q, job_id);
        bind_text(&q, objects[i].uri);
        bind_text(&q, objects[i].etag);
        bind_int(&q, (int64_t)objects[i].size_bytes);
        bind_int(&q, objects[i].modified_us);
        bind_int(&q, objects[i].event_us);
        bind_int(&q, run);
        works = sqlite3_step(handle) == SQLITE_DONE;
        sqlite3_reset(handle);
        q.bound = 0;
    }
    if (!works)
        fail_sqlite(s, err, "planning a run");
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
        statement q = { .handle = handle };
        bind_int(&q, job_id);
        bind_text(&q, output_prefix);
        bind_int(&q, clock_wall_us());
        bind_int(&q, (int64_t)object_count);
        works = sqlite3_step(handle) == SQLITE_ROW;
        *ret_run = works ? sqlite3_column_int64(handle, 0) : 0;
        works = works && sqlite3_step(handle) == SQLITE_DONE;
    }
    if (!works)
        fail_sqlite(s, err, "planning a run");
    sqlite3_finalize(handle);
    return works;
}

bool state_run_plan(state *s, int64_t job_id, const state_object *objects, size_t count,
                    str output_prefix, int64_t *ret_run, error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = begin(s, err);
    if (works) {
        works = insert_run(s, job_id, output_prefix, count, ret_run, err) &&
                insert_objects(s, job_id, *ret_run, objects, count, err);
        works = commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

static bool list_objects(state *s, arena *a, const char *sql, int64_t job_id, int64_t run,
                         state_object **ret_objects, size_t *ret_count, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    VEC(state_object) objects = { 0 };
    TRY(prepare(s, sql, &q, err));
    bind_int(&q, job_id);
    if (run)
        bind_int(&q, run);
    for (bool has_row;;) {
        TRY(step(&q, &has_row, err));
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
    AUTO_STATEMENT statement q = { 0 };
    VEC(state_run) runs = { 0 };
    TRY(prepare(s,
                "SELECT run, state, output_prefix, planned_us FROM floe_runs WHERE job_id = ? AND "
                "state = 'planned' ORDER BY run",
                &q, err));
    bind_int(&q, job_id);
    for (bool has_row;;) {
        TRY(step(&q, &has_row, err));
        if (!has_row)
            break;
        vec_push(a, &runs,
                 (state_run){ .run = column_int_of(&q, 0),
                              .state = column_text_of(&q, a, 1),
                              .output_prefix = column_text_of(&q, a, 2),
                              .planned_us = column_int_of(&q, 3) });
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
        statement q = { .handle = handle };
        for (size_t i = 0; i < number_count; i++)
            bind_int(&q, numbers[i]);
        if (text.data)
            bind_text(&q, text);
        if (text2.data)
            bind_text(&q, text2);
        works = sqlite3_step(handle) == SQLITE_DONE;
    }
    if (!works)
        fail_sqlite(s, err, "writing the ledger");
    sqlite3_finalize(handle);
    return works;
}

bool state_run_bad(state *s, int64_t job_id, int64_t run, const state_object *bad, size_t bad_count,
                   error *err)
{
    pthread_mutex_lock(&s->lock);
    bool works = begin(s, err);
    if (works) {
        for (size_t i = 0; works && i < bad_count; i++)
            works = change(s,
                           "UPDATE floe_objects SET state = 'bad', fault = ?3 WHERE job_id = ?1 "
                           "AND run = ?2 AND uri = ?4",
                           (int64_t[]){ job_id, run }, 2, bad[i].fault, bad[i].uri, err);
        works = commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_run_done(state *s, int64_t job_id, const state_run *run, error *err)
{
    str none = { 0 };
    pthread_mutex_lock(&s->lock);
    bool works = begin(s, err);
    if (works) {
        works = change(s,
                       "UPDATE floe_runs SET state = 'done', rows = ?3, bytes = ?4, snapshot_id = "
                       "?5, done_us = ?6"
                       " WHERE job_id = ?1 AND run = ?2",
                       (int64_t[]){ job_id, run->run, run->rows, run->bytes, run->snapshot_id,
                                    clock_wall_us() },
                       6, none, none, err) &&
                change(s,
                       "UPDATE floe_objects SET state = 'done' WHERE job_id = ?1 AND run = ?2 AND "
                       "state = 'planned'",
                       (int64_t[]){ job_id, run->run }, 2, none, none, err);
        works = commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_run_drop(state *s, int64_t job_id, int64_t run, error *err)
{
    str none = { 0 };
    pthread_mutex_lock(&s->lock);
    bool works = begin(s, err);
    if (works) {
        works = change(s, "DELETE FROM floe_objects WHERE job_id = ?1 AND run = ?2",
                       (int64_t[]){ job_id, run }, 2, none, none, err) &&
                change(s, "DELETE FROM floe_runs WHERE job_id = ?1 AND run = ?2",
                       (int64_t[]){ job_id, run }, 2, none, none, err);
        works = commit(s, works, err);
    }
    pthread_mutex_unlock(&s->lock);
    return works;
}

bool state_job_totals_get(state *s, int64_t job_id, state_job_totals *ret, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    bool has_row;
    TRY(prepare(
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
    bind_int(&q, job_id);
    TRY(step(&q, &has_row, err));
    *ret = (state_job_totals){ .runs = column_int_of(&q, 0),
                               .rows = column_int_of(&q, 1),
                               .bytes = column_int_of(&q, 2),
                               .last_done_us = column_int_of(&q, 3),
                               .objects = column_int_of(&q, 4),
                               .bad_objects = column_int_of(&q, 5),
                               .newest_event_us = column_int_of(&q, 6) };
    return true;
}

bool state_job_error_set(state *s, int64_t job_id, str message, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "UPDATE floe_jobs SET last_error = ? WHERE id = ?", &q, err));
    bind_text(&q, message);
    bind_int(&q, job_id);
    return run_once(&q, err);
}

bool state_job_error_get(state *s, arena *a, int64_t job_id, str *ret_message, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    bool has_row;
    TRY(prepare(s, "SELECT last_error FROM floe_jobs WHERE id = ?", &q, err));
    bind_int(&q, job_id);
    TRY(step(&q, &has_row, err));
    *ret_message = has_row ? column_text_of(&q, a, 0) : STR("");
    return true;
}

/* ---- Settings ---- */

bool state_setting_get(state *s, arena *a, str key, str *ret_text, bool *ret_is_found, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "SELECT text FROM floe_settings WHERE key = ?", &q, err));
    bind_text(&q, key);
    TRY(step(&q, ret_is_found, err));
    if (*ret_is_found)
        *ret_text = column_text_of(&q, a, 0);
    return true;
}

bool state_setting_put(state *s, str key, str text, error *err)
{
    AUTO_STATEMENT statement q = { 0 };
    TRY(prepare(s, "INSERT OR REPLACE INTO floe_settings (key, text) VALUES (?, ?)", &q, err));
    bind_text(&q, key);
    bind_text(&q, text);
    return run_once(&q, err);
}
