/* Path search over views. */
#include "exec/search.h"

#include <math.h>
#include <stdlib.h>

#include "exec/heap.h"

enum { MOST_STEPS = 1 << 14 }; /* between two looks at the clock */

/* A way from a vertex to a neighbour. */
typedef struct way {
    uint64_t to;
    const view_part *part;
    uint64_t pair;
} way;

typedef struct searcher {
    const view *view;
    const search_options *options;
    query *query;
    rows block; /* edges that are tested */
    uint64_t steps;
} searcher;

/* Rows are searched for one by one: each asks whether it is still wanted. */
static bool searcher_open(searcher *s, const view *v, const search_options *o, error *err)
{
    *s = (searcher){ .view = v, .options = o, .query = v->query };
    if (o->predicate) {
        rows_init(v->query, &s->block);
        rows_refs(v->query, &s->block, o->edge);
    }
    return query_check(v->query, err);
}

/* Deadline and cancel, now and then. */
static bool searcher_check(searcher *s, uint64_t steps, error *err)
{
    s->steps += steps;
    if (s->steps < MOST_STEPS)
        return true;
    s->steps = 0;
    return query_check(s->query, err);
}

/* Call the block for every way out of `n` (against the direction when `is_back`). */
#define EACH_WAY(s, n, is_back, w, ...)                                                            \
    for (int side_ = 0; side_ < 2; side_++) {                                                      \
        plan_direction d_ = (s)->options->direction;                                               \
        bool goes_in_ = side_ != ((is_back) ? 1 : 0);                                              \
        if ((side_ == 0 && d_ == DIRECTION_IN) || (side_ == 1 && d_ == DIRECTION_OUT))             \
            continue;                                                                              \
        for (size_t i_ = 0; i_ < (s)->view->part_count; i_++) {                                    \
            const view_part *p_ = &(s)->view->parts[i_];                                           \
            const graph_adjacency *a_ = p_->adjacency;                                             \
            uint64_t base_ = goes_in_ ? p_->to_base : p_->from_base,                               \
                     far_ = goes_in_ ? p_->from_base : p_->to_base;                                \
            if ((n) < base_ || (n)-base_ >= (goes_in_ ? a_->target_count : a_->source_count))      \
                continue;                                                                          \
            const uint64_t *range_ = (goes_in_ ? a_->in_offsets : a_->out_offsets) + ((n)-base_);  \
            const uint32_t *ends_ = goes_in_ ? a_->in_sources : a_->out_targets;                   \
            for (uint64_t k_ = range_[0]; k_ < range_[1]; k_++) {                                  \
                way w = { far_ + ends_[k_], p_, goes_in_ ? a_->in_pairs[k_] : k_ };                \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    }

/* The next edge of a pair from `*edge` on that passes; false: none. */
static bool next_edge(searcher *s, const way *w, uint64_t *edge, bool *ret_is_found, error *err)
{
    const graph_adjacency *a = w->part->adjacency;
    uint64_t end = a->edge_offsets[w->pair + 1];
    const search_options *o = s->options;
    *ret_is_found = *edge < end;
    if (!o->predicate || *edge >= end)
        return true;
    query *q = s->query;
    plan_slots all;
    memset(&all, 0xFF, sizeof all);
    while (*edge < end) {
        bool keep[BATCH_ROWS];
        size_t count = end - *edge < BATCH_ROWS ? (size_t)(end - *edge) : BATCH_ROWS;
        s->block.count = 0;
        if (o->around)
            rows_repeat(q, &all, &s->block, o->around, o->row, count);
        s->block.count = count;
        for (size_t i = 0; i < count; i++)
            s->block.refs[o->edge][i] =
                graph_ref_of(w->part->label, graph_adjacency_number(a, *edge + i));
        TRY(expr_filter(q, o->predicate, &s->block, keep, err));
        for (size_t i = 0; i < count; i++)
            if (keep[i]) {
                *edge += i;
                *ret_is_found = true;
                return true;
            }
        *edge += count;
    }
    *ret_is_found = false;
    return true;
}

static bool first_edge(searcher *s, const way *w, uint64_t *ret_edge, bool *ret_is_found,
                       error *err)
{
    *ret_edge = w->part->adjacency->edge_offsets[w->pair];
    return next_edge(s, w, ret_edge, ret_is_found, err);
}

static bool passes(searcher *s, const way *w, bool *ret, error *err)
{
    uint64_t edge;
    *ret = true;
    return s->options->predicate ? first_edge(s, w, &edge, ret, err) : true;
}

/* ---- Paths as values ---- */

static value vertex_value(const view *v, uint64_t n)
{
    return (value){ .kind = VALUE_VERTEX, .ref = view_ref(v, n) };
}

static value edge_value(const view_part *p, uint64_t edge)
{
    return (value){ .kind = VALUE_EDGE, .ref = graph_ref_of(p->label, edge) };
}

/* Searches know edges by their place in pair order. */
static graph_ref number_of_place(query *q, graph_ref edge)
{
    error err = { 0 };
    const graph_adjacency *a;
    size_t label = graph_ref_label(edge);
    if (!graph_adjacency_get(q->graph, label, &a, &err))
        return edge;
    return graph_ref_of(label, graph_adjacency_number(a, graph_ref_number(edge)));
}

/* `items`: vertices and edges by turns. */
static value path_value(query *q, const value *items, size_t count)
{
    value *out = arena_array_of(q->arena, value, 2 * count);
    memcpy(out, items, count * sizeof *items);
    for (size_t i = 0; i < count && graph_is_scratch(q->graph); i++)
        if (out[i].kind == VALUE_EDGE)
            out[i].ref = number_of_place(q, out[i].ref);
    for (size_t i = count; i < 2 * count; i++)
        out[i] = (value){ .kind = VALUE_LIST };
    return (value){ .kind = VALUE_PATH, .list = { out, count } };
}

/* The first edge that passes between two vertices that are known to be neighbours. */
static bool edge_between(searcher *s, uint64_t from, uint64_t to, value *ret, error *err)
{
    *ret = value_null();
    EACH_WAY(s, from, false, w, {
        uint64_t edge;
        bool is_found;
        if (w.to != to)
            continue;
        TRY(first_edge(s, &w, &edge, &is_found, err));
        if (is_found) {
            *ret = edge_value(w.part, edge);
            return true;
        }
    })
    return true;
}

static bool path_of_vertices(searcher *s, const uint32_t *vertices, size_t count, value *ret,
                             error *err)
{
    value *items = arena_array_of(s->query->arena, value, 2 * count);
    for (size_t i = 0; i < count; i++) {
        items[2 * i] = vertex_value(s->view, vertices[i]);
        if (i + 1 < count)
            TRY(edge_between(s, vertices[i], vertices[i + 1], &items[2 * i + 1], err));
    }
    *ret = path_value(s->query, items, 2 * count - 1);
    return true;
}

/* ---- Breadth first, from both ends ---- */

typedef struct side {
    uint32_t *parents; /* vertex it was found from + 1; 0: not found */
    VEC(uint32_t) frontier;
    VEC(uint32_t) next;
    uint64_t degree; /* ways out of the frontier */
    bool is_back;
} side;

static uint64_t degree_of(const searcher *s, uint64_t n, bool is_back)
{
    uint64_t sum = 0;
    plan_direction d = s->options->direction;
    for (size_t i = 0; i < s->view->part_count; i++) {
        const view_part *p = &s->view->parts[i];
        const graph_adjacency *a = p->adjacency;
        bool uses_out = d == DIRECTION_BOTH || (d == DIRECTION_OUT) != is_back,
             uses_in = d == DIRECTION_BOTH || (d == DIRECTION_IN) != is_back;
        if (uses_out && n >= p->from_base && n - p->from_base < a->source_count)
            sum += a->out_offsets[n - p->from_base + 1] - a->out_offsets[n - p->from_base];
        if (uses_in && n >= p->to_base && n - p->to_base < a->target_count)
            sum += a->in_offsets[n - p->to_base + 1] - a->in_offsets[n - p->to_base];
    }
    return sum;
}

static void side_open(searcher *s, side *x, uint64_t start, bool is_back)
{
    *x = (side){ .is_back = is_back };
    x->parents = memory_alloc((s->view->count + 1) * sizeof *x->parents);
    x->parents[start] = (uint32_t)start + 1;
    vec_push(s->query->arena, &x->frontier, (uint32_t)start);
    x->degree = degree_of(s, start, is_back);
}

/* One more level; `*ret_meeting` is a vertex that the other side has found, if any. */
static bool side_grow(searcher *s, side *x, const side *other, uint64_t *ret_meeting, error *err)
{
    x->next.count = 0;
    x->degree = 0;
    for (size_t i = 0; i < x->frontier.count; i++) {
        uint32_t n = x->frontier.items[i];
        uint64_t found = 0;
        EACH_WAY(s, n, x->is_back, w, {
            bool is_open;
            found++;
            if (x->parents[w.to])
                continue;
            TRY(passes(s, &w, &is_open, err));
            if (!is_open)
                continue;
            x->parents[w.to] = n + 1;
            if (other->parents[w.to]) {
                *ret_meeting = w.to;
                return true;
            }
            vec_push(s->query->arena, &x->next, (uint32_t)w.to);
            x->degree += degree_of(s, w.to, x->is_back);
        })
        TRY(searcher_check(s, found + 1, err));
    }
    __typeof__(x->frontier) swap;
    memcpy(&swap, &x->frontier, sizeof swap);
    memcpy(&x->frontier, &x->next, sizeof swap);
    memcpy(&x->next, &swap, sizeof swap);
    return true;
}

static bool join_sides(searcher *s, const side *front, const side *back, uint64_t meeting,
                       value *ret, error *err)
{
    VEC(uint32_t) vertices = { 0 };
    arena *a = s->query->arena;
    for (uint32_t n = (uint32_t)meeting;; n = front->parents[n] - 1) {
        vec_push(a, &vertices, n);
        if (front->parents[n] - 1 == n)
            break;
    }
    for (size_t i = 0; i < vertices.count / 2; i++) {
        uint32_t swap = vertices.items[i];
        vertices.items[i] = vertices.items[vertices.count - 1 - i];
        vertices.items[vertices.count - 1 - i] = swap;
    }
    for (uint32_t n = (uint32_t)meeting; back->parents[n] - 1 != n;) {
        n = back->parents[n] - 1;
        vec_push(a, &vertices, n);
    }
    return path_of_vertices(s, vertices.items, vertices.count, ret, err);
}

static bool search_both(searcher *s, side *front, side *back, value *ret_path, error *err)
{
    uint64_t hops = 0, meeting = UINT64_MAX;
    while (front->frontier.count && back->frontier.count && meeting == UINT64_MAX &&
           (s->options->most_hops == 0 || hops++ < s->options->most_hops)) {
        if (front->degree <= back->degree)
            TRY(side_grow(s, front, back, &meeting, err));
        else
            TRY(side_grow(s, back, front, &meeting, err));
    }
    return meeting == UINT64_MAX ? true : join_sides(s, front, back, meeting, ret_path, err);
}

bool search_shortest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                     value *ret_path, error *err)
{
    searcher s;
    side front, back;
    uint64_t a = view_number(v, from), b = view_number(v, to);
    TRY(searcher_open(&s, v, o, err));
    *ret_path = value_null();
    if (a == UINT64_MAX || b == UINT64_MAX)
        return true;
    if (a == b)
        return path_of_vertices(&s, &(uint32_t){ (uint32_t)a }, 1, ret_path, err);
    side_open(&s, &front, a, false);
    side_open(&s, &back, b, true);
    bool works = search_both(&s, &front, &back, ret_path, err);
    free(front.parents);
    free(back.parents);
    return works;
}

/* ---- All shortest ---- */

/* Distances + 1 from `start`, up to that of `target` (UINT64_MAX: all). */
static bool measure(searcher *s, uint64_t start, uint64_t target, uint32_t *distances, error *err)
{
    VEC(uint32_t) queue = { 0 };
    arena *a = s->query->arena;
    distances[start] = 1;
    vec_push(a, &queue, (uint32_t)start);
    for (size_t i = 0; i < queue.count; i++) {
        uint32_t n = queue.items[i];
        if ((target != UINT64_MAX && distances[target] && distances[n] >= distances[target]) ||
            (s->options->most_hops && distances[n] > s->options->most_hops))
            break;
        uint64_t found = 1;
        EACH_WAY(s, n, false, w, {
            bool is_open;
            found++;
            if (distances[w.to])
                continue;
            TRY(passes(s, &w, &is_open, err));
            if (!is_open)
                continue;
            distances[w.to] = distances[n] + 1;
            vec_push(a, &queue, (uint32_t)w.to);
        })
        TRY(searcher_check(s, found, err));
    }
    return true;
}

typedef struct enumeration {
    searcher *searcher;
    const uint32_t *distances;
    value *items; /* from `from` to `to` */
    VEC(value) paths;
} enumeration;

/* Paths that end with items[at…]; items[at] is the vertex `n`. */
static bool enumerate(enumeration *e, uint64_t n, size_t at, size_t count, error *err)
{
    searcher *s = e->searcher;
    TRY(query_check(s->query, err));
    if (at == 0) {
        vec_push(s->query->arena, &e->paths, path_value(s->query, e->items, count));
        return true;
    }
    EACH_WAY(s, n, true, w, {
        uint64_t edge;
        bool is_found;
        if (e->distances[w.to] + 1 != e->distances[n])
            continue;
        TRY(first_edge(s, &w, &edge, &is_found, err));
        while (is_found) {
            e->items[at - 1] = edge_value(w.part, edge++);
            e->items[at - 2] = vertex_value(s->view, w.to);
            TRY(enumerate(e, w.to, at - 2, count, err));
            TRY(next_edge(s, &w, &edge, &is_found, err));
        }
    })
    return true;
}

static bool all_shortest(searcher *s, uint64_t from, uint64_t to, uint32_t *distances,
                         value *ret_paths, error *err)
{
    TRY(measure(s, from, to, distances, err));
    if (!distances[to])
        return true;
    size_t count = 2 * (size_t)distances[to] - 1;
    enumeration e = { .searcher = s, .distances = distances };
    e.items = arena_array_of(s->query->arena, value, count);
    e.items[count - 1] = vertex_value(s->view, to);
    TRY(enumerate(&e, to, count - 1, count, err));
    *ret_paths = value_list(e.paths.items, e.paths.count);
    return true;
}

bool search_all_shortest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                         value *ret_paths, error *err)
{
    searcher s;
    uint64_t a = view_number(v, from), b = view_number(v, to);
    TRY(searcher_open(&s, v, o, err));
    *ret_paths = (value){ .kind = VALUE_LIST };
    if (a == UINT64_MAX || b == UINT64_MAX)
        return true;
    uint32_t *distances = memory_alloc((v->count + 1) * sizeof *distances);
    bool works = all_shortest(&s, a, b, distances, ret_paths, err);
    free(distances);
    return works;
}

bool search_distances(const view *v, const search_options *o, graph_ref from,
                      int64_t *ret_distances, error *err)
{
    searcher s;
    uint64_t a = view_number(v, from);
    TRY(searcher_open(&s, v, o, err));
    uint32_t *distances = memory_alloc((v->count + 1) * sizeof *distances);
    bool works = a == UINT64_MAX || measure(&s, a, UINT64_MAX, distances, err);
    for (uint64_t i = 0; works && i < v->count; i++)
        ret_distances[i] = (int64_t)distances[i] - 1;
    free(distances);
    return works;
}

/* ---- Least first ---- */

/* How a vertex was reached. */
typedef struct reached {
    double cost;
    uint64_t edge; /* graph_ref */
    uint32_t from; /* + 1; 0: not reached */
    bool is_done;
} reached;

static bool column_number(const graph_column *c, uint64_t i, double *ret)
{
    if (c->valid && !(c->valid[i / 64] >> (i % 64) & 1))
        return false;
    switch (c->type) {
    case COLUMN_INT32:
    case COLUMN_DATE: *ret = ((const int32_t *)c->data)[i]; return true;
    case COLUMN_INT64:
    case COLUMN_TIME:
    case COLUMN_TIMESTAMP: *ret = (double)((const int64_t *)c->data)[i]; return true;
    case COLUMN_DOUBLE: *ret = ((const double *)c->data)[i]; return true;
    case COLUMN_FLOAT: *ret = (double)((const float *)c->data)[i]; return true;
    default: return false;
    }
}

static bool need_column(searcher *s, const view_part *p, const char *what, str key,
                        const graph_column **ret, error *err)
{
    TRY(query_column(s->query, false, p->label, key, ret, err));
    return *ret ? true
                : fail(err, ERR_INVALID, "%s: edges '" STR_FMT "' have no '" STR_FMT "'", what,
                       STR_ARG(graph_edge_label(s->query->graph, p->label)->name), STR_ARG(key));
}

/* The cheapest edge of a pair; one without a weight is no way. */
static bool cheapest_edge(searcher *s, const way *w, double *ret_cost, uint64_t *ret_edge,
                          error *err)
{
    const graph_column *c = NULL;
    bool is_found;
    uint64_t edge;
    *ret_cost = INFINITY;
    if (s->options->weight.len)
        TRY(need_column(s, w->part, "weight", s->options->weight, &c, err));
    TRY(first_edge(s, w, &edge, &is_found, err));
    for (; is_found; edge++) {
        double cost = 1;
        bool has_cost = !c || column_number(c, edge, &cost);
        if (has_cost && cost < 0)
            return fail(err, ERR_INVALID, "weight: '" STR_FMT "' is negative in some edge",
                        STR_ARG(s->options->weight));
        if (has_cost && cost < *ret_cost) {
            *ret_cost = cost;
            *ret_edge = edge;
        }
        if (!c)
            return true;
        uint64_t next = edge + 1;
        TRY(next_edge(s, w, &next, &is_found, err));
        edge = next - 1;
    }
    return true;
}

typedef struct banned {
    const uint8_t *vertices; /* NULL: none */
    const uint64_t *edges;   /* graph_refs of first edges of pairs out of the start */
    size_t edge_count;
} banned;

static bool is_banned(const banned *b, const way *w, bool is_start)
{
    if (b->vertices && b->vertices[w->to])
        return true;
    graph_ref pair = graph_ref_of(w->part->label, w->part->adjacency->edge_offsets[w->pair]);
    for (size_t i = 0; is_start && i < b->edge_count; i++)
        if (b->edges[i] == pair)
            return true;
    return false;
}

/* Dijkstra; the path's items behind those in `items`, from `start` on. */
static bool cheapest_in(searcher *s, reached *all, uint64_t start, uint64_t target, const banned *b,
                        value **ret_items, size_t *ret_count, double *ret_cost, error *err)
{
    arena *a = s->query->arena;
    heap h = { .arena = a };
    *ret_count = 0;
    all[start].from = (uint32_t)start + 1;
    heap_push(&h, 0, (uint32_t)start);
    while (h.items.count && !all[target].is_done) {
        heap_item top = heap_pop(&h);
        reached *here = &all[top.vertex];
        uint64_t found = 1;
        if (here->is_done)
            continue;
        here->is_done = true;
        EACH_WAY(s, top.vertex, false, w, {
            double cost;
            uint64_t edge = 0;
            reached *there = &all[w.to];
            found++;
            if (there->is_done || is_banned(b, &w, top.vertex == start))
                continue;
            TRY(cheapest_edge(s, &w, &cost, &edge, err));
            cost += here->cost;
            if (cost == INFINITY || (there->from && there->cost <= cost))
                continue;
            *there = (reached){ cost, graph_ref_of(w.part->label, edge), top.vertex + 1, false };
            heap_push(&h, cost, (uint32_t)w.to);
        })
        TRY(searcher_check(s, found, err));
    }
    if (!all[target].from)
        return true;
    size_t hops = 0;
    for (uint64_t n = target; n != start; n = all[n].from - 1)
        hops++;
    value *items = arena_array_of(a, value, 2 * hops + 1);
    *ret_count = 2 * hops + 1;
    *ret_cost = all[target].cost;
    uint64_t n = target;
    for (size_t at = 2 * hops; at > 0; at -= 2, n = all[n].from - 1) {
        items[at] = vertex_value(s->view, n);
        items[at - 1] = (value){ .kind = VALUE_EDGE, .ref = all[n].edge };
    }
    items[0] = vertex_value(s->view, start);
    *ret_items = items;
    return true;
}

static bool cheapest(searcher *s, uint64_t start, uint64_t target, const banned *b,
                     value **ret_items, size_t *ret_count, double *ret_cost, error *err)
{
    reached *all = memory_alloc((s->view->count + 1) * sizeof *all);
    bool works = query_check(s->query, err) &&
                 cheapest_in(s, all, start, target, b, ret_items, ret_count, ret_cost, err);
    free(all);
    return works;
}

typedef struct candidate {
    value *items;
    size_t count;
    double cost;
} candidate;

static bool same_items(const value *x, const value *y, size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        if (x[i].ref != y[i].ref)
            return false;
    return true;
}

/* The first edge of the pair that an edge belongs to: parallel edges are one way. */
static graph_ref pair_of_edge(const view *v, graph_ref edge)
{
    for (size_t i = 0; i < v->part_count; i++) {
        const view_part *p = &v->parts[i];
        if (p->label != graph_ref_label(edge))
            continue;
        uint64_t low = 0, high = p->adjacency->pair_count, n = graph_ref_number(edge);
        while (low + 1 < high) {
            uint64_t middle = (low + high) / 2;
            if (p->adjacency->edge_offsets[middle] <= n)
                low = middle;
            else
                high = middle;
        }
        return graph_ref_of(p->label, p->adjacency->edge_offsets[low]);
    }
    return edge;
}

/* Yen: each known path is left at each of its vertices by another way. */
static bool branch_off(searcher *s, const candidate *known, size_t known_count, uint64_t target,
                       uint8_t *is_passed, candidate **candidates, size_t *candidate_count,
                       size_t *capacity, error *err)
{
    const view *v = s->view;
    arena *a = s->query->arena;
    const candidate *last = &known[known_count - 1];
    double cost_before = 0;
    memset(is_passed, 0, v->count);
    for (size_t at = 0; at + 1 < last->count; at += 2) {
        VEC(uint64_t) edges = { 0 };
        for (size_t i = 0; i < known_count; i++)
            if (known[i].count > at + 1 && same_items(known[i].items, last->items, at + 1))
                vec_push(a, &edges, pair_of_edge(v, known[i].items[at + 1].ref));
        banned b = { is_passed, edges.items, edges.count };
        uint64_t spur = view_number(v, last->items[at].ref);
        candidate c = { 0 };
        value *tail;
        size_t tail_count;
        is_passed[spur] = 1;
        TRY(cheapest(s, spur, target, &b, &tail, &tail_count, &c.cost, err));
        if (tail_count) {
            c.count = at + tail_count;
            c.cost += cost_before;
            c.items = arena_array_of(a, value, c.count);
            memcpy(c.items, last->items, at * sizeof *c.items);
            memcpy(c.items + at, tail, tail_count * sizeof *tail);
            bool is_known = false;
            for (size_t i = 0; i < *candidate_count; i++)
                is_known |= (*candidates)[i].count == c.count &&
                            same_items((*candidates)[i].items, c.items, c.count);
            if (!is_known) {
                if (*candidate_count == *capacity) {
                    *candidates = arena_grow(a, *candidates, *capacity * sizeof c,
                                             (*capacity * 2 + 8) * sizeof c);
                    *capacity = *capacity * 2 + 8;
                }
                (*candidates)[(*candidate_count)++] = c;
            }
        }
        uint64_t next = view_number(v, last->items[at + 2].ref);
        EACH_WAY(s, spur, false, w, {
            graph_ref pair = graph_ref_of(w.part->label, w.part->adjacency->edge_offsets[w.pair]);
            if (w.to == next && pair == pair_of_edge(v, last->items[at + 1].ref)) {
                double cost;
                uint64_t edge;
                TRY(cheapest_edge(s, &w, &cost, &edge, err));
                cost_before += cost;
            }
        })
    }
    return true;
}

bool search_cheapest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                     uint64_t count, value *ret_paths, value *ret_costs, error *err)
{
    searcher s;
    arena *a = v->query->arena;
    uint64_t x = view_number(v, from), y = view_number(v, to);
    VEC(candidate) known = { 0 };
    candidate *candidates = NULL, first = { 0 };
    size_t candidate_count = 0, capacity = 0;
    banned none = { 0 };
    TRY(searcher_open(&s, v, o, err));
    *ret_paths = *ret_costs = (value){ .kind = VALUE_LIST };
    if (x == UINT64_MAX || y == UINT64_MAX || count == 0)
        return true;
    TRY(cheapest(&s, x, y, &none, &first.items, &first.count, &first.cost, err));
    if (first.count)
        vec_push(a, &known, first);
    uint8_t *is_passed = arena_alloc(a, v->count + 1);
    while (known.count && known.count < count) {
        TRY(branch_off(&s, known.items, known.count, y, is_passed, &candidates, &candidate_count,
                       &capacity, err));
        if (candidate_count == 0)
            break;
        size_t best = 0;
        for (size_t i = 1; i < candidate_count; i++)
            if (candidates[i].cost < candidates[best].cost)
                best = i;
        vec_push(a, &known, candidates[best]);
        candidates[best] = candidates[--candidate_count];
    }
    value *paths = arena_array_of(a, value, known.count),
          *costs = arena_array_of(a, value, known.count);
    for (size_t i = 0; i < known.count; i++) {
        paths[i] = path_value(v->query, known.items[i].items, known.items[i].count);
        costs[i] = value_double(known.items[i].cost);
    }
    *ret_paths = value_list(paths, known.count);
    *ret_costs = value_list(costs, known.count);
    return true;
}

/* ---- In time ---- */

/* Of a pair's edges that start in time the one that ends first. */
static bool earliest_edge(searcher *s, const way *w, double ready, double *ret_end,
                          uint64_t *ret_edge, error *err)
{
    const graph_column *starts, *ends;
    const search_options *o = s->options;
    TRY(need_column(s, w->part, "start", o->start, &starts, err));
    TRY(need_column(s, w->part, "end", o->end.len ? o->end : o->start, &ends, err));
    bool is_found;
    uint64_t edge;
    *ret_end = INFINITY;
    TRY(first_edge(s, w, &edge, &is_found, err));
    while (is_found) {
        double start, end;
        if (column_number(starts, edge, &start) && start >= ready &&
            column_number(ends, edge, &end) && end >= start && end < *ret_end) {
            *ret_end = end;
            *ret_edge = edge;
        }
        edge++;
        TRY(next_edge(s, w, &edge, &is_found, err));
    }
    return true;
}

static bool earliest(searcher *s, reached *all, uint64_t x, uint64_t y, int64_t not_before,
                     value *ret_path, value *ret_arrival, error *err)
{
    const view *v = s->view;
    arena *a = v->query->arena;
    heap h = { .arena = a };
    all[x] = (reached){ (double)not_before, 0, (uint32_t)x + 1, false };
    heap_push(&h, (double)not_before, (uint32_t)x);
    while (h.items.count && !all[y].is_done) {
        heap_item top = heap_pop(&h);
        reached *here = &all[top.vertex];
        if (here->is_done)
            continue;
        here->is_done = true;
        EACH_WAY(s, top.vertex, false, w, {
            double end;
            uint64_t edge = 0;
            reached *there = &all[w.to];
            if (there->is_done)
                continue;
            TRY(earliest_edge(s, &w, here->cost, &end, &edge, err));
            TRY(searcher_check(s, 64, err));
            if (end == INFINITY || (there->from && there->cost <= end))
                continue;
            *there = (reached){ end, graph_ref_of(w.part->label, edge), top.vertex + 1, false };
            heap_push(&h, end, (uint32_t)w.to);
        })
    }
    if (!all[y].from)
        return true;
    VEC(value) back = { 0 };
    for (uint64_t n = y; n != x; n = all[n].from - 1) {
        vec_push(a, &back, vertex_value(v, n));
        vec_push(a, &back, (value){ .kind = VALUE_EDGE, .ref = all[n].edge });
    }
    vec_push(a, &back, vertex_value(v, x));
    value *items = arena_array_of(a, value, back.count);
    for (size_t i = 0; i < back.count; i++)
        items[i] = back.items[back.count - 1 - i];
    *ret_path = path_value(v->query, items, back.count);
    *ret_arrival = value_int((int64_t)all[y].cost);
    return true;
}

bool search_earliest(const view *v, const search_options *o, graph_ref from, graph_ref to,
                     int64_t not_before, value *ret_path, value *ret_arrival, error *err)
{
    searcher s;
    uint64_t x = view_number(v, from), y = view_number(v, to);
    TRY(searcher_open(&s, v, o, err));
    *ret_path = *ret_arrival = value_null();
    if (x == UINT64_MAX || y == UINT64_MAX)
        return true;
    reached *all = memory_alloc((v->count + 1) * sizeof *all);
    bool works = earliest(&s, all, x, y, not_before, ret_path, ret_arrival, err);
    free(all);
    return works;
}
