/* Paths between two vertices. */
#pragma once

#include "exec/view.h"

typedef struct search_options {
    plan_direction direction; /* DIRECTION_OUT, IN, BOTH */
    uint64_t most_hops;       /* 0: any number */
    /* Only edges for which it is true, put into `edge`; other slots from `row` of `around`. NULL:
     * all edges. */
    const plan_expr *predicate;
    plan_slot edge;
    const rows *around;
    size_t row;
    str weight;     /* property, not negative */
    str start, end; /* properties with the times of an edge */
} search_options;

/* All below give paths as VALUE_PATH of vertices and edges by turns, in the query's arena; NULL
 * VALUE when there is none. From a vertex to itself the path has no edge. */

/* Fewest edges: breadth first from both ends. */
NODISCARD bool search_shortest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                               value *ret_path, error *err);
/* Every path of the fewest edges; parallel edges make different paths. */
NODISCARD bool search_all_shortest(const view *v, const search_options *o, graph_ref from,
                                   graph_ref to, value *ret_paths, error *err);
/* Least sum of weights, and the `count` least of them (Dijkstra 1959, Yen 1971); without loops. */
NODISCARD bool search_cheapest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                               uint64_t count, value *ret_paths, value *ret_costs, error *err);
/* Earliest arrival when each edge starts not before the one before it has ended. `not_before`: of
 * the first. */
NODISCARD bool search_earliest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                               int64_t not_before, value *ret_path, value *ret_arrival, error *err);
/* Number of edges to every vertex that can be reached: v->count of them, -1: it cannot. */
NODISCARD bool search_distances(const view *v, const search_options *o, graph_ref from,
                                int64_t *ret_distances, error *err);
