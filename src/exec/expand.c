/* From a vertex along its edges: one row for each neighbour (with the number of edges as its
 * multiplicity), or for each edge. */
#include <assert.h>

#include "exec/internal.h"

typedef struct expand {
    op base;
    rows *in;
    size_t row;              /* of `in` */
    size_t step;             /* label × 2 + (1: incoming) of the current row */
    uint64_t pair, pair_end; /* entries of the current list of neighbours */
    uint64_t edge, edge_end; /* edges of the current entry */
    uint64_t rest_end;       /* of it with what lies behind an entry to be left out */
    bool is_in, has_list;
    uint32_t label;
    const graph_adjacency *adjacency;
} expand;

op *expand_new(query *q)
{
    return &arena_new_of(q->arena, expand)->base;
}

static bool wants(const expand *x, size_t label)
{
    const plan_labels *l = &x->base.plan->expand.labels;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == label)
            return true;
    return l->is_any;
}

/* An edge from a vertex to itself stands in both of its lists; where that would be two rows and is
 * meant to be one, the list of incoming edges ends before it first. */
static void leave_out_loop(expand *x, uint64_t number)
{
    const plan_op *p = x->base.plan;
    const graph_label *l = graph_edge_label(x->base.query->graph, x->label);
    x->rest_end = x->pair_end;
    if (!x->is_in || !p->expand.meets_loops_once || p->expand.direction != DIRECTION_BOTH ||
        l->from_label != l->to_label)
        return;
    uint64_t low = x->pair, high = x->pair_end;
    while (low < high) { /* sources are in order */
        uint64_t middle = (low + high) / 2;
        if (x->adjacency->in_sources[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == x->pair_end || x->adjacency->in_sources[low] != number)
        return;
    x->pair_end = low;
    if (x->pair == low) {
        x->pair = low + 1;
        x->pair_end = x->rest_end;
    }
}

/* The next list of neighbours of the current row; `*ret_has_list` false when there is none left. */
static bool next_list(expand *x, uint64_t ref, bool *ret_has_list, error *err)
{
    query *q = x->base.query;
    plan_direction d = x->base.plan->expand.direction;
    size_t labels = graph_edge_label_count(q->graph);
    for (; x->step < labels * 2; x->step++) {
        size_t label = x->step / 2;
        bool is_in = x->step % 2;
        const graph_label *l = graph_edge_label(q->graph, label);
        if (ref == NO_REF || !wants(x, label) || (is_in ? d == DIRECTION_OUT : d == DIRECTION_IN) ||
            graph_ref_label(ref) != (is_in ? l->to_label : l->from_label))
            continue;
        TRY(graph_adjacency_get(q->graph, label, &x->adjacency, err));
        const uint64_t *offsets = is_in ? x->adjacency->in_offsets : x->adjacency->out_offsets;
        uint64_t number = graph_ref_number(ref),
                 limit = is_in ? x->adjacency->target_count : x->adjacency->source_count;
        if (number >= limit) /* of a scratch graph: deleted with all the others */
            continue;
        x->pair = offsets[number];
        x->pair_end = offsets[number + 1];
        x->is_in = is_in;
        x->label = (uint32_t)label;
        x->edge = x->edge_end = 0;
        x->step++;
        leave_out_loop(x, number);
        if (x->pair == x->pair_end) {
            x->step--;
            continue;
        }
        *ret_has_list = true;
        return true;
    }
    *ret_has_list = false;
    return true;
}

static uint64_t pair_of(const expand *x, uint64_t entry)
{
    return x->is_in ? x->adjacency->in_pairs[entry] : entry;
}

static uint64_t neighbour_of(const expand *x, uint64_t entry)
{
    const graph_label *l = graph_edge_label(x->base.query->graph, x->label);
    uint32_t number = x->is_in ? x->adjacency->in_sources[entry] : x->adjacency->out_targets[entry];
    return graph_ref_of(x->is_in ? l->from_label : l->to_label, number);
}

/* One row for each neighbour, as many as fit; the edges of the pair are its multiplicity. */
static bool fill_pairs(expand *x, error *err)
{
    query *q = x->base.query;
    rows *out = &x->base.out;
    const plan_op *p = x->base.plan;
    const graph_adjacency *a = x->adjacency;
    const graph_label *l = graph_edge_label(q->graph, x->label);
    uint64_t *to = p->expand.to ? rows_refs(q, out, p->expand.to) : NULL;
    uint64_t *edges = p->expand.is_by_pair ? rows_refs(q, out, p->expand.edge) : NULL,
             *spans = p->expand.is_by_pair ? rows_refs(q, out, p->expand.span) : NULL;
    size_t at = out->count,
           times = rows_repeat(q, &p->live, out, x->in, x->row, (size_t)(x->pair_end - x->pair));
    const uint32_t *ends = x->is_in ? a->in_sources : a->out_targets;
    graph_ref label = graph_ref_of(x->is_in ? l->from_label : l->to_label, 0);
    for (size_t i = 0; to && i < times; i++)
        to[at + i] = label | ends[x->pair + i];
    for (size_t i = 0; i < times; i++) {
        uint64_t pair = pair_of(x, x->pair + i),
                 count = a->edge_offsets[pair + 1] - a->edge_offsets[pair];
        TRY(bulk_multiply(&out->bulk[at + i], count, err));
        if (edges) {
            edges[at + i] =
                graph_ref_of(x->label, a->edge_offsets[pair]); /* never of a scratch graph */
            spans[at + i] = count;
        }
    }
    x->pair += times;
    return true;
}

/* The next `times` edges. */
static void put_edges(const expand *x, uint64_t *edges, size_t times)
{
    const uint32_t *numbers = x->adjacency->edge_numbers;
    for (size_t i = 0; !numbers && i < times; i++)
        edges[i] = graph_ref_of(x->label, x->edge + i);
    for (size_t i = 0; numbers && i < times; i++)
        edges[i] = graph_ref_of(x->label, numbers[x->edge + i]);
}

/* Edges of a source lie one behind the other. */
static void fill_out_edges(expand *x)
{
    rows *out = &x->base.out;
    const plan_op *p = x->base.plan;
    const uint32_t *offsets = x->adjacency->edge_offsets;
    uint64_t *edges = rows_refs(x->base.query, out, p->expand.edge);
    uint64_t *to = p->expand.to ? rows_refs(x->base.query, out, p->expand.to) : NULL;
    if (x->edge_end == 0) {
        x->edge = offsets[x->pair];
        x->edge_end = offsets[x->pair_end];
    }
    size_t at = out->count, times = rows_repeat(x->base.query, &p->live, out, x->in, x->row,
                                                (size_t)(x->edge_end - x->edge));
    put_edges(x, edges + at, times);
    for (size_t i = 0; to && i < times;) {
        uint64_t neighbour = neighbour_of(x, x->pair), run = offsets[x->pair + 1] - x->edge;
        for (; i < times && i < run; i++)
            to[at + i] = neighbour;
        x->pair += i == run;
    }
    x->edge += times;
    if (x->edge == x->edge_end)
        x->pair = x->pair_end;
}

static void fill_edges(expand *x)
{
    rows *out = &x->base.out;
    const plan_op *p = x->base.plan;
    if (!x->is_in) {
        fill_out_edges(x);
        return;
    }
    uint64_t *edges = rows_refs(x->base.query, out, p->expand.edge);
    uint64_t *to = p->expand.to ? rows_refs(x->base.query, out, p->expand.to) : NULL;
    while (out->count < BATCH_ROWS) {
        if (x->edge == x->edge_end) {
            if (x->pair == x->pair_end)
                return;
            uint64_t pair = pair_of(x, x->pair);
            x->edge = x->adjacency->edge_offsets[pair];
            x->edge_end = x->adjacency->edge_offsets[pair + 1];
            x->pair++;
        }
        uint64_t neighbour = to ? neighbour_of(x, x->pair - 1) : 0;
        size_t at = out->count, times = rows_repeat(x->base.query, &p->live, out, x->in, x->row,
                                                    (size_t)(x->edge_end - x->edge));
        put_edges(x, edges + at, times);
        for (size_t i = 0; to && i < times; i++)
            to[at + i] = neighbour;
        x->edge += times;
    }
}

static bool expand_next(op *self, rows **ret_rows, error *err)
{
    expand *x = (expand *)self;
    rows *out = &self->out;
    out->count = 0;
    *ret_rows = NULL;
    while (out->count < BATCH_ROWS) {
        if (!x->in || x->row == x->in->count) {
            if (out->count)
                break;
            TRY(op_next(self->input, &x->in, err));
            x->row = x->step = 0;
            x->has_list = false;
            if (!x->in)
                return true;
        }
        if (!x->has_list)
            TRY(next_list(x, x->in->refs[self->plan->expand.from][x->row], &x->has_list, err));
        if (!x->has_list) {
            x->row++;
            x->step = 0;
            continue;
        }
        if (self->plan->expand.edge && !self->plan->expand.is_by_pair)
            fill_edges(x);
        else
            TRY(fill_pairs(x, err));
        if (x->pair == x->pair_end && x->edge == x->edge_end && x->pair_end < x->rest_end) {
            x->pair++; /* behind the loop */
            x->pair_end = x->rest_end;
        }
        x->has_list = x->pair < x->pair_end || x->edge < x->edge_end;
    }
    *ret_rows = out;
    return true;
}

static void expand_reset(op *self)
{
    ((expand *)self)->in = NULL;
}

const op_kind expand_kind = { expand_next, expand_reset };

/* ---- From an edge to its ends ---- */

typedef struct edge_end {
    op base;
    rows *in;
    size_t row;
    int side; /* of DIRECTION_BOTH: 0 source, 1 target */
} edge_end;

op *edge_end_new(query *q)
{
    return &arena_new_of(q->arena, edge_end)->base;
}

static bool end_of(query *q, uint64_t edge, bool is_target, uint64_t *ret, error *err)
{
    graph_ref from, to;
    *ret = NO_REF;
    if (edge == NO_REF)
        return true;
    TRY(graph_edge_vertices(q->graph, edge, &from, &to, err));
    *ret = is_target ? to : from;
    return true;
}

static bool edge_end_next(op *self, rows **ret_rows, error *err)
{
    edge_end *x = (edge_end *)self;
    rows *out = &self->out;
    const plan_op *p = self->plan;
    uint64_t *to = rows_refs(self->query, out, p->edge_end.to);
    out->count = 0;
    *ret_rows = NULL;
    while (out->count < BATCH_ROWS) {
        if (!x->in || x->row == x->in->count) {
            if (out->count)
                break;
            TRY(op_next(self->input, &x->in, err));
            x->row = 0;
            x->side = 0;
            if (!x->in)
                return true;
        }
        uint64_t edge = x->in->refs[p->edge_end.edge][x->row], ref;
        bool is_target =
            p->edge_end.end == DIRECTION_IN || (p->edge_end.end == DIRECTION_BOTH && x->side);
        TRY(end_of(self->query, edge, is_target, &ref, err));
        if (p->edge_end.end == DIRECTION_OTHER && ref == x->in->refs[p->edge_end.from][x->row])
            TRY(end_of(self->query, edge, true, &ref, err));
        rows_append(self->query, &p->live, out, x->in, x->row);
        to[out->count - 1] = ref;
        if (p->edge_end.end == DIRECTION_BOTH && x->side == 0) {
            x->side = 1;
        } else {
            x->side = 0;
            x->row++;
        }
    }
    *ret_rows = out;
    return true;
}

static void edge_end_reset(op *self)
{
    ((edge_end *)self)->in = NULL;
}

const op_kind edge_end_kind = { edge_end_next, edge_end_reset };
