/* Procedures that tell what is in a graph and what can be asked: rows that are known when a query
 * is compiled. */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

enum { METADATA_COLUMNS = 16 };

typedef struct metadata {
    const char *name;
    const char *columns; /* names, parted by blanks */
    void (*rows)(graph *g, arena *a, void (*add)(void *context, const value *cells), void *context);
    const char *what;
} metadata;

const metadata *metadata_find(str name); /* NULL: none */
const metadata *metadata_at(size_t i);   /* NULL: no more */
