/* Asking a graph and printing what it says. */
#pragma once

#include <stdio.h>

#include "graph/graph.h"
#include "server/session.h"

/* One Gremlin query; each result on a line, as the console prints it, or as GraphSON 3. */
NODISCARD bool answer_gremlin(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err);
NODISCARD bool answer_graphson(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err);
/* One Cypher query; a header line, then each row's values parted by " | ". */
NODISCARD bool answer_cypher(graph *g, str text, uint64_t timeout_ms, FILE *out, error *err);
/* Requests of one process, a line each; see gremlin_batch.c. */
NODISCARD bool answer_batch(session *s, uint64_t timeout_ms, FILE *in, FILE *out, error *err);
/* Entries from a terminal; `history` names the file that keeps them. */
void gremlin_console_run(session *s, str history, uint64_t timeout_ms);
