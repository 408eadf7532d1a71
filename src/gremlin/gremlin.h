/* Gremlin text to a plan. Source: TinkerPop 3.8's reference documentation, "The Traversal"; the
 * gremlin-lang grammar, and the Groovy forms people type. */
#pragma once

#include "plan/plan.h"

/* Errors show the line with a caret and say what was expected, or which step is meant. `g` gives
 * labels and must outlive nothing: the plan keeps only numbers. The plan lives in `a`. */
NODISCARD bool gremlin_compile(arena *a, str text, graph *g, plan **ret_plan, error *err);
/* A result as the console prints it: v[person[1]], e[knows[7]][person[1]-knows->person[2]],
 * [a:1,b:2], [x,y], a=1. */
NODISCARD bool gremlin_print(graph *g, arena *a, const value *v, str *ret_text, error *err);
