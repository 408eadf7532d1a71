/* A graph as algorithms see it: vertices of the wanted labels numbered from 0, and the adjacency of
 * the wanted edge labels between them. */
#pragma once

#include "exec/internal.h"

typedef struct view_label {
    size_t label;
    uint64_t base, count; /* numbers of its vertices: [base, base + count) */
} view_label;

typedef struct view_part {
    size_t label; /* of edges */
    const graph_adjacency *adjacency;
    uint64_t from_base, to_base;
    double *weights; /* of pairs: the sum over their edges; NULL: how many they are */
} view_part;

typedef struct view {
    query *query;
    uint64_t count; /* vertices */
    view_label *labels;
    size_t label_count;
    view_part *parts;
    size_t part_count;
} view;

/* `config`: {labels: […], relationshipTypes: […], relationshipWeightProperty: '…'}; what is left
 * out means all. */
NODISCARD bool view_open(query *q, const value *config, view *ret, error *err);
graph_ref view_ref(const view *v, uint64_t number);
/* UINT64_MAX: the vertex is not in the view. */
uint64_t view_number(const view *v, graph_ref ref);
static inline double view_weight(const view_part *p, uint64_t pair)
{
    return p->weights
               ? p->weights[pair]
               : (double)(p->adjacency->edge_offsets[pair + 1] - p->adjacency->edge_offsets[pair]);
}
/* Which vertices have a row in their table or an edge. */
NODISCARD bool view_shown(const view *v, uint8_t **ret_shown, error *err);

/* Each vertex with its distinct neighbours, whatever the direction, in order; loops left out. */
typedef struct undirected {
    uint64_t *offsets;
    uint32_t *neighbours;
    double *weights; /* both directions together; NULL unless asked for */
} undirected;
NODISCARD bool undirected_open(const view *v, bool with_weights, undirected *ret, error *err);
void undirected_close(undirected *u);

/* Run over pieces of [0, count) on all processors; stops early when the query must. */
NODISCARD bool view_each(const view *v, uint64_t count, uint64_t piece,
                         void (*work)(void *context, uint64_t from, uint64_t to), void *context,
                         error *err);

/* ---- Algorithms: one result a vertex, in arrays of v->count that the caller frees ---- */

typedef struct rank_options {
    int64_t iterations;
    double damping, tolerance; /* ends when no rank moves more than `tolerance`; 0: never */
    double minimum;            /* pairs of less weight do not count; NAN: all do */
} rank_options;
NODISCARD bool algorithm_page_rank(const view *v, const rank_options *o, double *ret, error *err);
/* Brandes, from `samples` vertices spread evenly (0: from all), scaled up. */
NODISCARD bool algorithm_betweenness(const view *v, uint64_t samples, double *ret, error *err);
/* Component: the smallest vertex number in it. `minimum`: of a pair's weight, NAN: none. */
NODISCARD bool algorithm_weak_components(const view *v, double minimum, int64_t *ret, error *err);
NODISCARD bool algorithm_strong_components(const view *v, int64_t *ret, error *err);
/* Vertices whose `property` is equal start with one label, called by the first of them; with
 * `is_pinned` they keep it. Empty: each starts with its own. */
NODISCARD bool algorithm_label_propagation(const view *v, int64_t iterations, str property,
                                           bool is_pinned, int64_t *ret, error *err);
NODISCARD bool algorithm_louvain(const view *v, int64_t iterations, int64_t levels,
                                 double threshold, int64_t *ret, error *err);
NODISCARD bool algorithm_core_numbers(const view *v, int64_t *ret, error *err);
NODISCARD bool algorithm_triangles(const view *v, int64_t *ret, error *err);
