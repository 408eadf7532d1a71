/* A home's graph: its schema, kept in the home, and the graph opened from it. */
#pragma once

#include "graph/graph.h"
#include "pipeline/home.h"

/* Check a graph schema against the home's tables and make it the home's own. All or nothing;
 * `*ret_version` counts from 1. */
NODISCARD bool session_schema_apply(home *h, str json, str name, int64_t *ret_version, error *err);
NODISCARD bool session_schema_check(home *h, str json, str name, error *err);
/* ERR_NOT_FOUND when none was applied. */
NODISCARD bool session_schema_get(home *h, arena *a, str *ret_json, error *err);
/* Number of the schema that was applied last; 0: none was. */
NODISCARD bool session_schema_version(home *h, int64_t *ret_version, error *err);
/* Apply an older version again, as a new one. */
NODISCARD bool session_schema_roll_back(home *h, int64_t to, int64_t *ret_version, error *err);

/* Let system.monitoring.lineage go on to the labels of homes' graphs; once a process, at start. */
void session_tell_lineage(void);

/* A home's graph that follows its tables and its schema. Thread-safe. */
typedef struct session session;
/* `as_of_ms`: the graph as its tables were then, and stays; 0: now. `h` must outlive it. */
NODISCARD bool session_open(home *h, int64_t as_of_ms, session **ret_session, error *err);
/* The graph at the tables' newest snapshots, looked at every 100 ms at most; the caller closes it.
 * A graph that a query holds stays as it is; while one caller brings it up to date, others get what
 * stands. ERR_NOT_FOUND when the home has no schema. */
NODISCARD bool session_graph(session *s, graph **ret_graph, error *err);
/* The schema has changed: look the next time. */
void session_look(session *s);
/* Another session on the same home. */
NODISCARD bool session_open_at(const session *s, int64_t as_of_ms, session **ret_session,
                               error *err);
void session_close(session *s);
DEFINE_AUTO(session, session_close)
