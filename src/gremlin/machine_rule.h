/* What the files of the machine share about elements: strategies that hide some, walking. */
#pragma once

#include "gremlin/machine.h"

typedef struct subgraph_rule {
    flow *vertices, *edges, *properties; /* tests; NULL: all pass */
    bool checks_adjacent;
    bool is_busy; /* a test runs: it sees everything */
} subgraph_rule;

typedef struct partition_rule {
    str key, write;
    value_table read;
    bool includes_meta;
} partition_rule;

typedef struct reserved_rule {
    str keys[32];
    size_t count;
    bool throws;
} reserved_rule;

typedef enum walk_direction { WALK_OUT, WALK_IN, WALK_BOTH } walk_direction;

/* Every edge (`by_edge`) or every distinct neighbour of a vertex, with how many edges lead there.
 */
bool gremlin_walk(machine *m, graph_ref vertex, walk_direction d, const str *labels,
                  size_t label_count, bool by_edge,
                  bool (*take)(void *context, const value *edge, const value *vertex,
                               uint64_t count),
                  void *context, error *err);
value gremlin_property(machine *m, const value *element, str key, value v);
bool gremlin_each_property(machine *m, const value *element, const str *keys, size_t key_count,
                           bool (*take)(void *context, str key, const value *v), void *context,
                           error *err);
