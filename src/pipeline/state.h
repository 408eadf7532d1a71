/* What a home remembers, in SQLite: connections, jobs, the ledger of runs and objects, settings. */
#pragma once

#include "base/error.h"

/* Thread-safe: one connection under a lock. Every change is one transaction, durable when the call
 * returns. */
typedef struct state state;

NODISCARD bool state_open(str path, state **ret_state, error *err);
void state_close(state *s);
DEFINE_AUTO(state, state_close)

/* ---- Connections ---- */

typedef struct state_connection {
    str name, type, statement;
    str root; /* of a FILE connection: absolute folder */
} state_connection;

NODISCARD bool state_connection_get(state *s, arena *a, str name, state_connection *ret,
                                    bool *ret_is_found, error *err);
NODISCARD bool state_connection_put(state *s, const state_connection *c, error *err);
/* `*ret_is_found` false: there was none. */
NODISCARD bool state_connection_drop(state *s, str name, bool *ret_is_found, error *err);

/* ---- Jobs ---- */

typedef struct state_job {
    int64_t id;
    str name, uuid;
    str statement;   /* normalised CREATE JOB text */
    str source_text; /* as the worksheet had it: what is parsed to run the job */
    str folder;      /* of the worksheet: relative paths start here */
    str target;      /* catalog.namespace.table */
    bool is_paused;
    int64_t created_us;
} state_job;

NODISCARD bool state_job_get(state *s, arena *a, str name, state_job *ret, bool *ret_is_found,
                             error *err);
/* `id` and `created_us` are given by the call. */
NODISCARD bool state_job_add(state *s, state_job *job, error *err);
NODISCARD bool state_job_drop(state *s, str name, bool *ret_is_found, error *err);
NODISCARD bool state_job_pause(state *s, str name, bool is_paused, bool *ret_is_found, error *err);
NODISCARD bool state_job_list(state *s, arena *a, state_job **ret_jobs, size_t *ret_count,
                              error *err);

/* ---- The ledger ---- */

typedef struct state_object {
    str uri, etag;
    uint64_t size_bytes;
    int64_t modified_us, event_us;
    str fault; /* why it is bad; empty otherwise */
} state_object;

typedef struct state_run {
    int64_t run;       /* number, from 1, within the job */
    str state;         /* planned, done */
    str output_prefix; /* of the data files it writes */
    int64_t planned_us, done_us;
    int64_t rows, bytes, object_count;
    int64_t snapshot_id; /* committed; 0: nothing to commit */
    int64_t dropped;     /* rows that expectations kept out */
    int64_t output_bytes, commit_us;
} state_run;

/* Every object of the job that is loaded, planned or bad. `visit` gets it with its state ("done",
 * "planned", "bad"). */
typedef void (*state_object_visit)(void *context, const state_object *object, str object_state);
NODISCARD bool state_objects(state *s, int64_t job_id, state_object_visit visit, void *context,
                             error *err);
/* Write down a run and its objects before any work. Bad objects of before that are planned again
 * lose their fault. */
NODISCARD bool state_run_plan(state *s, int64_t job_id, const state_object *objects, size_t count,
                              str output_prefix, int64_t *ret_run, error *err);
/* Objects of one run. */
NODISCARD bool state_run_objects(state *s, arena *a, int64_t job_id, int64_t run,
                                 state_object **ret_objects, size_t *ret_count, error *err);
/* The runs that were planned and neither done nor dropped. */
NODISCARD bool state_run_open(state *s, arena *a, int64_t job_id, state_run **ret_runs,
                              size_t *ret_count, error *err);
/* Objects of a planned run that cannot be loaded, with their faults. Before the commit, so that a
 * crash cannot forget them. */
NODISCARD bool state_run_bad(state *s, int64_t job_id, int64_t run, const state_object *bad,
                             size_t bad_count, error *err);
/* The run's work is committed. Its objects that are not bad become done. */
NODISCARD bool state_run_done(state *s, int64_t job_id, const state_run *run, error *err);
/* The run did not happen: its objects are free again. */
NODISCARD bool state_run_drop(state *s, int64_t job_id, int64_t run, error *err);

/* What a job has done. */
typedef struct state_job_totals {
    int64_t runs, rows, bytes, objects, bad_objects;
    int64_t last_done_us;
    int64_t newest_event_us; /* of the objects that are loaded; 0: none */
} state_job_totals;
NODISCARD bool state_job_totals_get(state *s, int64_t job_id, state_job_totals *ret, error *err);
NODISCARD bool state_bad_objects(state *s, arena *a, int64_t job_id, state_object **ret_objects,
                                 size_t *ret_count, error *err);
/* Why the job's last attempt failed as a whole; empty clears it. */
NODISCARD bool state_job_error_set(state *s, int64_t job_id, str message, error *err);
NODISCARD bool state_job_error_get(state *s, arena *a, int64_t job_id, str *ret_message,
                                   error *err);

/* ---- Settings: small named texts (the graph schema, …) ---- */

NODISCARD bool state_setting_get(state *s, arena *a, str key, str *ret_text, bool *ret_is_found,
                                 error *err);
NODISCARD bool state_setting_put(state *s, str key, str text, error *err);
