/* PageRank and betweenness. Source: Brin & Page 1998; Brandes 2001. */
#include <math.h>
#include <stdlib.h>

#include "exec/view.h"

#include <pthread.h>

/* ---- PageRank: each vertex pulls from those that lead to it ---- */

typedef struct rank_run {
    const view *view;
    double *from, *to;       /* ranks of this round and the next */
    double **shares;         /* of a part, by incoming pair: its part of the source's weight */
    double minimum;          /* weight of a pair that counts */
    double base, damping;    /* what every vertex has; d */
    _Atomic uint64_t moved;  /* bits of the largest change, which is not negative */
    const view_label *label; /* whose vertices are pulled for */
} rank_run;

static void pull(void *context, uint64_t from, uint64_t to)
{
    rank_run *r = context;
    double largest = 0;
    for (uint64_t n = r->label->base + from; n < r->label->base + to; n++) {
        double sum = 0;
        for (size_t i = 0; i < r->view->part_count; i++) {
            const view_part *p = &r->view->parts[i];
            if (n < p->to_base || n - p->to_base >= p->adjacency->target_count)
                continue;
            const uint64_t *offsets = p->adjacency->in_offsets + (n - p->to_base);
            const uint32_t *sources = p->adjacency->in_sources;
            const double *ranks = r->from + p->from_base, *shares = r->shares[i];
            for (uint64_t k = offsets[0]; k < offsets[1]; k++)
                sum += ranks[sources[k]] * shares[k];
        }
        r->to[n] = r->base + r->damping * sum;
        double moved = fabs(r->to[n] - r->from[n]);
        largest = moved > largest ? moved : largest;
    }
    union {
        double d;
        uint64_t bits;
    } x = { .d = largest };
    uint64_t old = r->moved;
    while (old < x.bits && !atomic_compare_exchange_weak(&r->moved, &old, x.bits)) {
    }
}

/* Of one part: the weight that leaves each vertex, and of each incoming pair what it is of that. */
typedef struct share_run {
    const view_part *part;
    double *weight_out, *shares, minimum;
} share_run;

static double counted(const share_run *r, uint64_t pair)
{
    double weight = view_weight(r->part, pair);
    return weight < r->minimum ? 0 : weight;
}

static void weigh_sources(void *context, uint64_t from, uint64_t to)
{
    const share_run *r = context;
    const graph_adjacency *a = r->part->adjacency;
    for (uint64_t s = from; s < to; s++)
        for (uint64_t k = a->out_offsets[s]; k < a->out_offsets[s + 1]; k++)
            r->weight_out[r->part->from_base + s] += counted(r, k);
}

static void share_pairs(void *context, uint64_t from, uint64_t to)
{
    const share_run *r = context;
    const graph_adjacency *a = r->part->adjacency;
    for (uint64_t k = from; k < to; k++) {
        double out = r->weight_out[r->part->from_base + a->in_sources[k]];
        r->shares[k] = out > 0 ? counted(r, a->in_pairs[k]) / out : 0;
    }
}

static bool make_shares(const view *v, rank_run *r, double *weight_out, error *err)
{
    for (size_t i = 0; i < v->part_count; i++) {
        share_run s = { &v->parts[i], weight_out, NULL, r->minimum };
        TRY(view_each(v, s.part->adjacency->source_count, 4096, weigh_sources, &s, err));
    }
    for (size_t i = 0; i < v->part_count; i++) {
        uint64_t pairs = v->parts[i].adjacency->pair_count;
        r->shares[i] = memory_alloc((pairs + 1) * sizeof(double));
        query_free_later(v->query, r->shares[i]);
        share_run s = { &v->parts[i], weight_out, r->shares[i], r->minimum };
        TRY(view_each(v, pairs, 1 << 16, share_pairs, &s, err));
    }
    return true;
}

bool algorithm_page_rank(const view *v, const rank_options *o, double *ret, error *err)
{
    query *q = v->query;
    double n = (double)v->count;
    double *other = memory_alloc((v->count + 1) * sizeof *other),
           *weight_out = memory_alloc((v->count + 1) * sizeof *weight_out);
    query_free_later(q, other);
    query_free_later(q, weight_out);
    rank_run r = {
        .view = v, .from = ret, .to = other, .damping = o->damping, .minimum = o->minimum
    };
    r.shares = arena_array_of(q->arena, double *, v->part_count);
    TRY(make_shares(v, &r, weight_out, err));
    for (uint64_t i = 0; i < v->count; i++)
        ret[i] = 1 / n;
    for (int64_t round = 0; round < o->iterations; round++) {
        double dangling = 0; /* ranks of vertices that lead nowhere go to all */
        for (uint64_t i = 0; i < v->count; i++)
            dangling += weight_out[i] > 0 ? 0 : r.from[i];
        r.base = (1 - o->damping) / n + o->damping * dangling / n;
        r.moved = 0;
        for (size_t i = 0; i < v->label_count; i++) {
            r.label = &v->labels[i];
            TRY(view_each(v, r.label->count, 1024, pull, &r, err));
        }
        double *swap = r.from;
        r.from = r.to;
        r.to = swap;
        union {
            uint64_t bits;
            double d;
        } moved = { .bits = r.moved };
        if (moved.d <= o->tolerance)
            break;
    }
    if (r.from != ret)
        memcpy(ret, r.from, v->count * sizeof *ret);
    return true;
}

/* ---- Betweenness ---- */

typedef struct betweenness_run {
    const view *view;
    double *sums; /* added to under `lock` */
    pthread_mutex_t lock;
    uint64_t step;
    double scale;
} betweenness_run;

typedef struct brandes {
    uint32_t *order;   /* vertices by distance */
    int32_t *distance; /* -1: not reached */
    double *paths, *share;
} brandes;

#define EACH_OUT(v, n, to, ...)                                                                    \
    for (const view_part *part_ = (v)->parts; part_ < (v)->parts + (v)->part_count; part_++) {     \
        if ((n) < part_->from_base || (n)-part_->from_base >= part_->adjacency->source_count)      \
            continue;                                                                              \
        const uint64_t *range_ = part_->adjacency->out_offsets + ((n)-part_->from_base);           \
        for (uint64_t pair_ = range_[0]; pair_ < range_[1]; pair_++) {                             \
            uint64_t to = part_->to_base + part_->adjacency->out_targets[pair_];                   \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static bool from_one(const view *v, brandes *b, uint64_t source, double *sums, error *err)
{
    uint64_t count = 0;
    b->distance[source] = 0;
    b->paths[source] = 1;
    b->order[count++] = (uint32_t)source;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = b->order[i];
        if (i % 1024 == 0)
            TRY(query_check(v->query, err));
        EACH_OUT(v, n, to, {
            if (b->distance[to] < 0) {
                b->distance[to] = b->distance[n] + 1;
                b->order[count++] = (uint32_t)to;
            }
            if (b->distance[to] == b->distance[n] + 1)
                b->paths[to] += b->paths[n];
        })
    }
    for (uint64_t i = count; i-- > 0;) {
        uint64_t n = b->order[i];
        if (i % 1024 == 0)
            TRY(query_check(v->query, err));
        EACH_OUT(v, n, to, {
            if (b->distance[to] == b->distance[n] + 1)
                b->share[n] += b->paths[n] / b->paths[to] * (1 + b->share[to]);
        })
        if (n != source)
            sums[n] += b->share[n];
    }
    for (uint64_t i = 0; i < count; i++) {
        b->distance[b->order[i]] = -1;
        b->paths[b->order[i]] = b->share[b->order[i]] = 0;
    }
    return true;
}

static void from_some(void *context, uint64_t from, uint64_t to)
{
    betweenness_run *r = context;
    uint64_t n = r->view->count;
    brandes b = { memory_alloc(n * 4), memory_alloc(n * 4), memory_alloc(n * 8),
                  memory_alloc(n * 8) };
    double *sums = memory_alloc(n * sizeof *sums);
    error ignored = { 0 };
    memset(b.distance, 0xFF, n * 4);
    for (uint64_t i = from; i < to && from_one(r->view, &b, i * r->step, sums, &ignored);)
        i++;
    pthread_mutex_lock(&r->lock);
    for (uint64_t i = 0; i < n; i++)
        r->sums[i] += sums[i] * r->scale;
    pthread_mutex_unlock(&r->lock);
    free(b.order);
    free(b.distance);
    free(b.paths);
    free(b.share);
    free(sums);
}

bool algorithm_betweenness(const view *v, uint64_t samples, double *ret, error *err)
{
    samples = samples == 0 || samples > v->count ? v->count : samples;
    if (samples == 0)
        return true;
    betweenness_run r = { .view = v, .sums = ret, .step = v->count / samples };
    samples = v->count / r.step;
    r.scale = (double)v->count / (double)samples;
    pthread_mutex_init(&r.lock, NULL);
    bool works =
        view_each(v, samples, samples / 32 + 1, from_some, &r, err) && query_check(v->query, err);
    pthread_mutex_destroy(&r.lock);
    return works;
}
