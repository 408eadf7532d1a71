/* Gremlin to a plan. Source: TinkerPop 3.8's reference documentation, "The Traversal"; the
 * gremlin-lang grammar, and the Groovy forms people type. */
#pragma once

#include "gremlin/ast.h"
#include "plan/plan.h"

/* Values by name, for ARG_VARIABLE: a map with text keys. NULL: there are none. */
typedef const value *gremlin_bindings;

/* Errors show the line with a caret and say what was expected, or which step is meant. `g` gives
 * labels and must outlive nothing: the plan keeps only numbers. The plan lives in `a`. */
NODISCARD bool gremlin_compile(arena *a, str text, graph *g, plan **ret_plan, error *err);
/* The same for a traversal that was parsed or built (ast.h); `t` and the bindings must live as long
 * as the plan. `text` is for errors and may be empty. */
NODISCARD bool gremlin_compile_traversal(arena *a, str text, const traversal *t,
                                         gremlin_bindings bindings, graph *g, plan **ret_plan,
                                         error *err);
/* A result as the console prints it: v[person[1]], e[knows[7]][person[1]-knows->person[2]],
 * [a:1,b:2], [x,y], a=1. */
NODISCARD bool gremlin_print(graph *g, arena *a, const value *v, str *ret_text, error *err);
/* "2024-04-18T03:00:00Z", with an offset too, seconds may be left out: microseconds UTC. */
bool gremlin_parse_time(str text, int64_t *ret_us);
bool gremlin_is_uuid(str s); /* by its form */
/* Names of steps, by number; NULL after the last. For completion. */
const char *gremlin_step_name(size_t i);
