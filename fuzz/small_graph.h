/* A scratch graph of three vertices, for targets that compile or run what they read. */
#pragma once

#include <stdlib.h>

#include "exec/query.h"
#include "gremlin/gremlin.h"

static inline graph *small_graph(void)
{
    static graph *g;
    static const char *const made =
        "g.addV('person').property('name', 'marko').property('age', 29).as('a')"
        ".addV('person').property('name', 'vadas').property('age', 27).as('b')"
        ".addV('software').property('name', 'lop').as('c').addE('knows').from('a').to('b')"
        ".property('weight', 0.5d).addE('created').from('a').to('c').addE('created').from('b').to('c')";
    AUTO(arena_free) arena *a = arena_new();
    AUTO(query_close) query *q = NULL;
    plan *p;
    batch *b;
    error err = { 0 };
    if (g)
        return g;
    query_options options = { 0 };
    if (!graph_open_scratch(STR("fuzz"), 64 << 20, &g, &err) ||
        !gremlin_compile(a, str_of(made), g, &p, &err) || !query_open(g, p, &options, &q, &err) ||
        !query_next(q, &b, &err))
        abort();
    return g;
}
