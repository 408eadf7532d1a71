/* The variables of a Gremlin session: what `x = …` leaves for later requests. */
#pragma once

#include "base/arena.h"
#include "column/value.h"

/* One request at a time. */
typedef struct variables {
    arena *arena;
    value map; /* names to values */
} variables;

variables *variables_new(void);
void variables_free(variables *v); /* NULL is fine */
