/* openCypher text to a plan: MATCH of chains, WHERE, RETURN with aggregates, ORDER BY, SKIP, LIMIT.
 * Source: openCypher 9 reference. */
#pragma once

#include "plan/plan.h"

/* Errors show the line with a caret and say what was expected. The plan lives in `a`. */
NODISCARD bool cypher_compile(arena *a, str text, graph *g, plan **ret_plan, error *err);
