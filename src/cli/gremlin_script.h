/* Gremlin scripts, statement by statement, with variables that stay. */
#pragma once

#include <stdatomic.h>

#include "base/vec.h"
#include "column/value.h"
#include "gremlin/gremlin.h"

typedef VEC(value) script_values;

/* Values live in `arena`. */
typedef struct script_variables {
    arena *arena;
    script_values names, values;
} script_variables;

typedef struct script_options {
    uint64_t timeout_ms;
    const _Atomic bool *cancel; /* NULL: never */
} script_options;

/* The last statement's results, in `a`. */
NODISCARD bool gremlin_script_run(graph *g, arena *a, str text, script_variables *variables,
                                  script_options options, script_values *ret, error *err);
