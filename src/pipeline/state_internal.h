/* What the files over the home's SQLite database share. */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "pipeline/state.h"

struct state {
    sqlite3 *db;
    pthread_mutex_t lock; /* guards `db` */
};

/* A prepared statement under the lock of its state; `state_query_done` ends both. */
typedef struct state_query {
    state *state;
    sqlite3_stmt *handle;
    int bound;
} state_query;

#define state_query_done_auto_ state_query_done
void state_query_done(state_query *q);
bool state_fail(state *s, error *err, const char *what);
bool state_prepare(state *s, const char *sql, state_query *ret, error *err);
void state_bind_text(state_query *q, str text);
void state_bind_int(state_query *q, int64_t number);
bool state_step(state_query *q, bool *ret_has_row, error *err);
bool state_run_once(state_query *q, error *err);
str state_text(state_query *q, arena *a, int i);
int64_t state_int(state_query *q, int i);
/* Several statements as one transaction; the lock is held by the caller. */
bool state_begin(state *s, error *err);
bool state_commit(state *s, bool works, error *err);
