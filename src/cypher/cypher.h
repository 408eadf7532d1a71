/* openCypher text to a plan. Source: openCypher 9 reference, and of the newer language sub-queries,
 * quantified relationships and label expressions. */
#pragma once

#include "plan/plan.h"

typedef enum cypher_kind {
    CYPHER_READ,
    CYPHER_READ_WRITE,
    CYPHER_WRITE,
    CYPHER_SCHEMA
} cypher_kind;

/* What a client is told of a statement beside its rows. The plan's columns name the rows' cells; a
 * statement that only writes has none. */
typedef struct cypher_statement {
    plan *plan;
    cypher_kind kind; /* as Bolt's "type": r, rw, w, s */
} cypher_statement;

/* `parameters`: a VALUE_MAP, or NULL: none. Errors show the line with a caret and say what was
 * expected; err->detail is "Type: Detail" in openCypher's words (SyntaxError: UndefinedVariable),
 * NULL where it has none. The plan lives in `a`. */
NODISCARD bool cypher_compile_statement(arena *a, str text, const value *parameters, graph *g,
                                        cypher_statement *ret, error *err);
/* The same without parameters. */
NODISCARD bool cypher_compile(arena *a, str text, graph *g, plan **ret_plan, error *err);
/* What AS OF in front of the statement names, in microseconds since 1970: the graph is to be opened
 * as it was then, and the statement compiled for that one. 0: it names none. ERR_NOT_FOUND: no
 * table of `g` has such a snapshot. */
NODISCARD bool cypher_moment(arena *a, str text, const value *parameters, graph *g, int64_t *ret_us,
                             error *err);
/* A value as openCypher writes it: 'text', [1, 2.0], (:Label {key: 1}), [:TYPE], <(…)-[…]->(…)>. */
NODISCARD bool cypher_print(graph *g, const value *v, strbuf *out, error *err);
