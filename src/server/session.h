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
/* The home's graph at the current snapshots of its tables. `h` must outlive it. */
NODISCARD bool session_graph_open(home *h, graph **ret_graph, error *err);
