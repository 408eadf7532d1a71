/* Walks of variable length: depth first along edges that are not passed twice; or, when only the
 * vertices matter, breadth first with each vertex once. */
#include "exec/ends.h"

/* Where the walk stands at a vertex. */
typedef struct frame {
    uint64_t vertex;         /* graph_ref */
    size_t step;             /* label × 2 + (1: incoming), of the current list */
    uint64_t entry, end;     /* neighbours left in it */
    uint64_t edge, edge_end; /* edges left of the current neighbour */
    uint64_t bulk;           /* ways to get here */
    graph_ref passed;        /* edge or first edge of the pair that led here */
} frame;

enum { MOST_STEPS = 1 << 30, MOST_WORK = 1 << 16 }; /* work: between two looks at the clock */

typedef struct trail {
    op base;
    rows *in;
    size_t row;
    VEC(frame) frames; /* of the current row; [0] is its start */
    bool is_begun;
    bool by_pair;        /* edges of a pair are alike: walked together */
    uint64_t step_count; /* of all input rows */
    uint64_t items;      /* edges in the lists of the current block */
    ref_map *stamps;     /* of reach: number of the walk that has seen a vertex */
    uint32_t stamp;
    VEC(uint64_t) queue;
    size_t level_end, at, given;
    uint64_t depth;
    ends *ends;    /* of reach where the shortest way may be too short */
    ref_map *tags; /* of reach in both directions: see note_way */
    graph_ref start;
    bool is_closed;
    rows probe; /* one edge for the predicate */
} trail;

op *trail_new(query *q)
{
    return &arena_new_of(q->arena, trail)->base;
}

static bool wants(const trail *t, size_t label)
{
    const plan_labels *l = &t->base.plan->trail.labels;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == label)
            return true;
    return l->is_any;
}

/* The next list of neighbours of the frame's vertex; false: there is none. */
static bool next_list(trail *t, frame *f, const graph_adjacency **ret, bool *ret_has_list,
                      error *err)
{
    graph *g = t->base.query->graph;
    plan_direction d = t->base.plan->trail.direction;
    *ret_has_list = false;
    for (; f->step < graph_edge_label_count(g) * 2; f->step++) {
        size_t label = f->step / 2;
        bool is_in = f->step % 2;
        const graph_label *l = graph_edge_label(g, label);
        if (!wants(t, label) || (is_in ? d == DIRECTION_OUT : d == DIRECTION_IN) ||
            graph_ref_label(f->vertex) != (is_in ? l->to_label : l->from_label))
            continue;
        TRY(graph_adjacency_get(g, label, ret, err));
        bool is_gone =
            graph_ref_number(f->vertex) >= (is_in ? (*ret)->target_count : (*ret)->source_count);
        if (is_gone) /* of a scratch graph: deleted with all the others */
            continue;
        if (f->entry == UINT64_MAX) {
            const uint64_t *offsets = is_in ? (*ret)->in_offsets : (*ret)->out_offsets;
            f->entry = offsets[graph_ref_number(f->vertex)];
            f->end = offsets[graph_ref_number(f->vertex) + 1];
        }
        if (f->entry < f->end || f->edge < f->edge_end) {
            *ret_has_list = true;
            return true;
        }
        f->entry = UINT64_MAX;
    }
    return true;
}

static uint64_t pair_at(const graph_adjacency *a, const frame *f, uint64_t entry)
{
    return f->step % 2 ? a->in_pairs[entry] : entry;
}

static graph_ref end_at(const trail *t, const graph_adjacency *a, const frame *f, uint64_t entry)
{
    const graph_label *l = graph_edge_label(t->base.query->graph, f->step / 2);
    return f->step % 2 ? graph_ref_of(l->from_label, a->in_sources[entry])
                       : graph_ref_of(l->to_label, a->out_targets[entry]);
}

static bool edge_passes(trail *t, graph_ref edge, bool *ret, error *err)
{
    const plan_op *p = t->base.plan;
    query *q = t->base.query;
    plan_slots all;
    *ret = true;
    if (!p->trail.predicate)
        return true;
    if (!t->probe.bulk)
        rows_init(q, &t->probe);
    memset(&all, 0xFF, sizeof all);
    t->probe.count = 0;
    rows_append(q, &all, &t->probe, t->in, t->row);
    rows_refs(q, &t->probe, p->trail.edge)[0] = edge;
    return expr_filter(q, p->trail.predicate, &t->probe, ret, err);
}

static uint64_t times_passed(const trail *t, graph_ref edge)
{
    uint64_t times = 0;
    for (size_t i = 1; i < t->frames.count; i++)
        times += t->frames.items[i].passed == edge;
    return times;
}

/* Take one step from the deepest frame; `*ret_moved` false: its ways are used up. */
static bool take_step(trail *t, bool *ret_moved, error *err)
{
    query *q = t->base.query;
    const graph_adjacency *a;
    for (;;) {
        frame *f = &t->frames.items[t->frames.count - 1];
        TRY(next_list(t, f, &a, ret_moved, err));
        if (!*ret_moved)
            return true;
        if (f->edge == f->edge_end) {
            uint64_t pair = pair_at(a, f, f->entry++);
            f->edge = a->edge_offsets[pair];
            f->edge_end = a->edge_offsets[pair + 1];
        }
        bool is_loop = f->step % 2 && t->base.plan->trail.direction == DIRECTION_BOTH &&
                       end_at(t, a, f, f->entry - 1) == f->vertex;
        if (is_loop) { /* it was met among the outgoing edges */
            f->edge = f->edge_end;
            continue;
        }
        frame next = { .vertex = end_at(t, a, f, f->entry - 1),
                       .entry = UINT64_MAX,
                       .passed = graph_ref_of(f->step / 2, graph_adjacency_number(a, f->edge)) };
        uint64_t passed = times_passed(t, next.passed), count = f->edge_end - f->edge;
        bool is_open;
        if (t->by_pair) {
            f->edge = f->edge_end;
            next.bulk = passed < count ? count - passed : 0;
        } else {
            f->edge++;
            TRY(edge_passes(t, next.passed, &is_open, err));
            next.bulk = passed == 0 && is_open;
        }
        if (next.bulk == 0)
            continue;
        TRY(bulk_multiply(&next.bulk, f->bulk, err));
        vec_push(q->arena, &t->frames, next);
        return true;
    }
}

static bool give(trail *t, const frame *f, error *err)
{
    const plan_op *p = t->base.plan;
    query *q = t->base.query;
    rows *out = &t->base.out;
    rows_append(q, &p->live, out, t->in, t->row);
    size_t at = out->count - 1;
    rows_refs(q, out, p->trail.to)[at] = f->vertex;
    TRY(bulk_multiply(&out->bulk[at], f->bulk, err));
    if (!p->trail.edges)
        return true;
    size_t count = t->frames.count - 1;
    t->items += count;
    value *edges = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++)
        edges[i] = (value){ .kind = VALUE_EDGE, .ref = t->frames.items[i + 1].passed };
    rows_values(q, out, p->trail.edges)[at] = value_list(edges, count);
    return true;
}

/* A block of long paths is short: whoever reads it looks at the clock once a block. */
static bool is_full(const trail *t)
{
    return t->base.out.count == BATCH_ROWS || t->items > MOST_WORK;
}

/* Rows of the current input row until the block is full; `*ret_is_done` when there are no more. */
static bool walk(trail *t, bool *ret_is_done, error *err)
{
    const plan_op *p = t->base.plan;
    uint64_t steps = 0;
    *ret_is_done = false;
    if (!t->is_begun) {
        frame start = { .vertex = t->in->refs[p->trail.from][t->row],
                        .entry = UINT64_MAX,
                        .bulk = 1 };
        t->is_begun = true;
        t->frames.count = 0;
        if (start.vertex == NO_REF) {
            *ret_is_done = true;
            return true;
        }
        vec_push(t->base.query->arena, &t->frames, start);
        if (p->trail.least == 0)
            TRY(give(t, &start, err));
    }
    while (t->frames.count && !is_full(t)) {
        bool moved = false;
        steps += t->frames.count; /* what was passed is looked through, and given, at each step */
        if (steps > MOST_WORK) {
            steps = 0;
            TRY(query_check(t->base.query, err));
        }
        if (++t->step_count > MOST_STEPS)
            return fail(err, ERR_LIMIT,
                        "there are too many paths: a billion steps were taken and more remain; a "
                        "smaller upper bound, a label, a condition or DISTINCT ends make them "
                        "fewer, LIMIT stops early");
        if (t->frames.count - 1 < p->trail.most)
            TRY(take_step(t, &moved, err));
        if (!moved)
            t->frames.count--;
        else if (t->frames.count - 1 >= p->trail.least)
            TRY(give(t, &t->frames.items[t->frames.count - 1], err));
    }
    *ret_is_done = t->frames.count == 0;
    return true;
}

/* ---- Reach ---- */

static bool see(trail *t, graph_ref vertex, bool *ret_is_new, error *err)
{
    char *array;
    TRY(ref_map_label(t->stamps, graph_ref_label(vertex), &array, err));
    uint32_t *stamp = (uint32_t *)(void *)array + graph_ref_number(vertex);
    *ret_is_new = *stamp != t->stamp;
    *stamp = t->stamp;
    if (*ret_is_new)
        vec_push(t->base.query->arena, &t->queue, vertex);
    return true;
}

/* How a vertex was reached first: by which neighbour of the start, in how many steps. */
typedef struct tag {
    uint32_t branch, depth;
} tag;

static bool tag_of(trail *t, graph_ref vertex, tag **ret, bool *ret_is_seen, error *err)
{
    char *tags, *stamps;
    size_t label = graph_ref_label(vertex);
    TRY(ref_map_label(t->tags, label, &tags, err));
    TRY(ref_map_label(t->stamps, label, &stamps, err));
    *ret = (tag *)(void *)tags + graph_ref_number(vertex);
    *ret_is_seen = ((uint32_t *)(void *)stamps)[graph_ref_number(vertex)] == t->stamp;
    return true;
}

/* Whatever the direction, the way back over the same edge is none: a walk ends where it started
 * only when a circle goes through there. It does where two branches of the search meet, or the
 * start has two edges to a neighbour, or one to itself. `open`: edges between the two, 2 for more.
 */
static bool note_way(trail *t, graph_ref from, graph_ref to, uint64_t open, error *err)
{
    tag *here, *there;
    bool is_here_seen, is_seen;
    uint64_t most = t->base.plan->trail.most;
    TRY(tag_of(t, from, &here, &is_here_seen, err));
    TRY(tag_of(t, to, &there, &is_seen, err));
    if (from == t->start && to == t->start) {
        t->is_closed = true;
    } else if (from == t->start) {
        t->is_closed |= (open > 1 || is_seen) && most > 1;
        if (!is_seen)
            *there = (tag){ (uint32_t)t->queue.count, 1 };
    } else if (to != t->start && is_seen) {
        t->is_closed |=
            there->branch != here->branch && (uint64_t)here->depth + there->depth + 1 <= most;
    } else if (to != t->start) {
        *there = (tag){ here->branch, here->depth + 1 };
    }
    if (t->is_closed)
        vec_push(t->base.query->arena, &t->queue, t->start);
    return true;
}

static bool see_neighbours(trail *t, graph_ref vertex, error *err)
{
    frame f = { .vertex = vertex, .entry = UINT64_MAX };
    for (;;) {
        const graph_adjacency *a;
        bool has_list, is_new;
        TRY(next_list(t, &f, &a, &has_list, err));
        if (!has_list)
            return true;
        uint64_t pair = pair_at(a, &f, f.entry), open = 0, enough = t->tags ? 2 : 1;
        for (uint64_t e = a->edge_offsets[pair]; open < enough && e < a->edge_offsets[pair + 1];
             e++) {
            bool is_open;
            TRY(edge_passes(t, graph_ref_of(f.step / 2, graph_adjacency_number(a, e)), &is_open,
                            err));
            open += is_open;
        }
        if (open && t->tags && !t->is_closed)
            TRY(note_way(t, vertex, end_at(t, a, &f, f.entry), open, err));
        if (open)
            TRY(see(t, end_at(t, a, &f, f.entry), &is_new, err));
        f.entry++;
    }
}

/* Walks of two edges and more: the vertices at which any ends take the place of the queue. */
static bool begin_ends(trail *t, graph_ref start, error *err)
{
    const graph_ref *found;
    size_t count;
    if (!t->ends)
        t->ends = ends_new(t->base.query, t->base.plan);
    TRY(ends_find(t->ends, start, &found, &count, err));
    for (size_t i = 0; i < count; i++)
        vec_push(t->base.query->arena, &t->queue, found[i]);
    t->at = count;
    return true;
}

static bool begin_walk(trail *t, graph_ref start, error *err)
{
    bool is_new;
    if (t->base.plan->trail.direction == DIRECTION_BOTH) {
        t->start = start;
        t->is_closed = false;
        if (!t->tags)
            t->tags = ref_map_new(t->base.query, sizeof(tag));
        TRY(see(t, start, &is_new, err)); /* it is found when a circle is */
        t->queue.count = 0;
    }
    return see_neighbours(t, start, err);
}

static bool reach(trail *t, bool *ret_is_done, error *err)
{
    const plan_op *p = t->base.plan;
    rows *out = &t->base.out;
    *ret_is_done = false;
    if (!t->is_begun) {
        graph_ref start = t->in->refs[p->trail.from][t->row];
        t->is_begun = true;
        t->queue.count = t->at = t->given = 0;
        if (!t->stamps)
            t->stamps = ref_map_new(t->base.query, sizeof(uint32_t));
        t->stamp++;
        bool is_new;
        if (start == NO_REF) {
            *ret_is_done = true;
            return true;
        }
        if (p->trail.least > 1)
            TRY(begin_ends(t, start, err));
        else if (p->trail.least == 0)
            TRY(see(t, start, &is_new, err));
        else if (p->trail.most > 0)
            TRY(begin_walk(t, start, err));
        t->depth = p->trail.least == 0 ? 0 : 1; /* of what is in the queue */
        t->level_end = t->queue.count;
    }
    for (; t->at < t->queue.count && t->depth < p->trail.most; t->at++) {
        if (t->at == t->level_end) {
            t->depth++;
            t->level_end = t->queue.count;
            if (t->depth >= p->trail.most)
                break;
        }
        if (t->at % 256 == 0)
            TRY(query_check(t->base.query, err));
        TRY(see_neighbours(t, t->queue.items[t->at], err));
    }
    for (; t->given < t->queue.count && out->count < BATCH_ROWS; t->given++) {
        rows_append(t->base.query, &p->live, out, t->in, t->row);
        rows_refs(t->base.query, out, p->trail.to)[out->count - 1] = t->queue.items[t->given];
    }
    *ret_is_done = t->given == t->queue.count;
    return true;
}

static bool trail_next(op *self, rows **ret_rows, error *err)
{
    trail *t = (trail *)self;
    rows *out = &self->out;
    out->count = 0;
    *ret_rows = NULL;
    t->by_pair = !self->plan->trail.edges && !self->plan->trail.predicate;
    t->items = 0;
    while (!is_full(t)) {
        bool is_done;
        if (!t->in || t->row == t->in->count) {
            if (out->count)
                break;
            TRY(op_next(self->input, &t->in, err));
            t->row = 0;
            t->is_begun = false;
            if (!t->in)
                return true;
        }
        TRY(self->plan->trail.is_reach ? reach(t, &is_done, err) : walk(t, &is_done, err));
        if (is_done) {
            t->row++;
            t->is_begun = false;
        }
    }
    *ret_rows = out;
    return true;
}

static void trail_reset(op *self)
{
    trail *t = (trail *)self;
    t->in = NULL;
    t->is_begun = false;
}

const op_kind trail_kind = { trail_next, trail_reset };
