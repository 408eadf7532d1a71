/* Components. Source: union-find with lock-free hooking (Jayanti & Tarjan 2016); Tarjan 1972. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "exec/view.h"

/* ---- Weak ---- */

typedef struct union_run {
    const view_part *part;
    _Atomic uint32_t *parents;
    double minimum;
} union_run;

static uint32_t find_root(_Atomic uint32_t *parents, uint32_t x)
{
    for (;;) {
        uint32_t p = atomic_load_explicit(&parents[x], memory_order_relaxed),
                 g = atomic_load_explicit(&parents[p], memory_order_relaxed);
        if (p == g)
            return p;
        atomic_compare_exchange_weak(&parents[x], &p, g); /* halve the way */
        x = g;
    }
}

/* The larger root is hung below the smaller one. */
static void join(_Atomic uint32_t *parents, uint32_t x, uint32_t y)
{
    for (;;) {
        x = find_root(parents, x);
        y = find_root(parents, y);
        if (x == y)
            return;
        uint32_t high = x > y ? x : y, low = x > y ? y : x, expected = high;
        if (atomic_compare_exchange_strong(&parents[high], &expected, low))
            return;
    }
}

static void join_some(void *context, uint64_t from, uint64_t to)
{
    union_run *r = context;
    const graph_adjacency *a = r->part->adjacency;
    for (uint64_t s = from; s < to; s++)
        for (uint64_t k = a->out_offsets[s]; k < a->out_offsets[s + 1]; k++)
            if (isnan(r->minimum) || view_weight(r->part, k) >= r->minimum)
                join(r->parents, (uint32_t)(r->part->from_base + s),
                     (uint32_t)(r->part->to_base + a->out_targets[k]));
}

bool algorithm_weak_components(const view *v, double minimum, int64_t *ret, error *err)
{
    _Atomic uint32_t *parents = memory_alloc((v->count + 1) * sizeof *parents);
    query_free_later(v->query, (void *)parents);
    for (uint64_t i = 0; i < v->count; i++)
        parents[i] = (uint32_t)i;
    for (size_t i = 0; i < v->part_count; i++) {
        union_run r = { &v->parts[i], parents, minimum };
        TRY(view_each(v, v->parts[i].adjacency->source_count, 1024, join_some, &r, err));
    }
    for (uint64_t i = 0; i < v->count; i++)
        ret[i] = find_root(parents, (uint32_t)i);
    return true;
}

/* ---- Strong ---- */

/* Where the walk stands in a vertex's list of neighbours. */
typedef struct frame {
    uint32_t vertex;
    uint32_t part;
    uint64_t pair;
} frame;

typedef struct tarjan {
    const view *view;
    uint32_t *index, *low; /* index 0: not seen */
    uint8_t *is_open;      /* on the stack of its component */
    uint32_t *stack;
    frame *frames;
    uint64_t stack_count, frame_count;
    uint32_t next;
    int64_t *components;
} tarjan;

/* The next neighbour of the frame; false: none is left. */
static bool next_neighbour(const view *v, frame *f, uint64_t *ret)
{
    for (; f->part < v->part_count; f->part++, f->pair = UINT64_MAX) {
        const view_part *p = &v->parts[f->part];
        if (f->vertex < p->from_base || f->vertex - p->from_base >= p->adjacency->source_count)
            continue;
        const uint64_t *range = p->adjacency->out_offsets + (f->vertex - p->from_base);
        f->pair = f->pair == UINT64_MAX ? range[0] : f->pair;
        if (f->pair < range[1]) {
            *ret = p->to_base + p->adjacency->out_targets[f->pair++];
            return true;
        }
    }
    return false;
}

static void enter(tarjan *t, uint64_t n)
{
    t->index[n] = t->low[n] = ++t->next;
    t->stack[t->stack_count++] = (uint32_t)n;
    t->is_open[n] = 1;
    t->frames[t->frame_count++] = (frame){ (uint32_t)n, 0, UINT64_MAX };
}

static void leave(tarjan *t, uint32_t n)
{
    if (t->low[n] == t->index[n]) {
        uint64_t from = t->stack_count;
        uint32_t smallest = n;
        do {
            from--;
            smallest = t->stack[from] < smallest ? t->stack[from] : smallest;
        } while (t->stack[from] != n);
        for (uint64_t i = from; i < t->stack_count; i++) {
            t->components[t->stack[i]] = smallest;
            t->is_open[t->stack[i]] = 0;
        }
        t->stack_count = from;
    }
    if (--t->frame_count) {
        uint32_t above = t->frames[t->frame_count - 1].vertex;
        t->low[above] = t->low[n] < t->low[above] ? t->low[n] : t->low[above];
    }
}

static bool walk(tarjan *t, uint64_t start, error *err)
{
    uint64_t steps = 0;
    enter(t, start);
    while (t->frame_count) {
        uint64_t to;
        frame *f = &t->frames[t->frame_count - 1];
        if (++steps % 65536 == 0)
            TRY(query_check(t->view->query, err));
        if (!next_neighbour(t->view, f, &to))
            leave(t, f->vertex);
        else if (!t->index[to])
            enter(t, to);
        else if (t->is_open[to] && t->index[to] < t->low[f->vertex])
            t->low[f->vertex] = t->index[to];
    }
    return true;
}

bool algorithm_strong_components(const view *v, int64_t *ret, error *err)
{
    query *q = v->query;
    uint64_t n = v->count + 1;
    tarjan t = { .view = v,
                 .index = memory_alloc(n * 4),
                 .low = memory_alloc(n * 4),
                 .is_open = memory_alloc(n),
                 .stack = memory_alloc(n * 4),
                 .frames = memory_alloc(n * sizeof(frame)),
                 .components = ret };
    void *all[] = { t.index, t.low, t.is_open, t.stack, t.frames };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        query_free_later(q, all[i]);
    for (uint64_t i = 0; i < v->count; i++)
        if (!t.index[i])
            TRY(walk(&t, i, err));
    return true;
}
