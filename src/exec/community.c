/* Communities and cores over the graph without direction. Source: Raghavan et al. 2007 (label
 * propagation); Blondel et al. 2008 (Louvain); Batagelj & Zaversnik 2003 (cores); Latapy 2008
 * (triangles). */
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "exec/view.h"

/* ---- Sums by community, for one vertex at a time ---- */

typedef struct tally {
    double *sums; /* by community */
    uint8_t *is_touched;
    uint32_t *touched;
    uint64_t count;
} tally;

static tally tally_new(query *q, uint64_t count)
{
    tally t = { memory_alloc((count + 1) * 8), memory_alloc(count + 1),
                memory_alloc((count + 1) * 4), 0 };
    query_free_later(q, t.sums);
    query_free_later(q, t.is_touched);
    query_free_later(q, t.touched);
    return t;
}

static void tally_add(tally *t, uint32_t community, double weight)
{
    if (!t->is_touched[community])
        t->touched[t->count++] = community;
    t->is_touched[community] = 1;
    t->sums[community] += weight;
}

static void tally_clear(tally *t)
{
    for (uint64_t i = 0; i < t->count; i++)
        t->sums[t->touched[i]] = t->is_touched[t->touched[i]] = 0;
    t->count = 0;
}

/* ---- Label propagation: one after the other, ties to the smallest label ---- */

static bool take_commonest(const undirected *u, uint64_t n, tally *t, int64_t *labels)
{
    if (u->offsets[n] == u->offsets[n + 1])
        return false;
    for (uint64_t k = u->offsets[n]; k < u->offsets[n + 1]; k++)
        tally_add(t, (uint32_t)labels[u->neighbours[k]], u->weights[k]);
    uint32_t best = t->touched[0];
    for (uint64_t i = 1; i < t->count; i++) {
        uint32_t c = t->touched[i];
        if (t->sums[c] > t->sums[best] || (t->sums[c] == t->sums[best] && c < best))
            best = c;
    }
    bool moves = labels[n] != best && t->sums[best] > t->sums[labels[n]];
    tally_clear(t);
    if (moves)
        labels[n] = best;
    return moves;
}

static bool seed_labels(const view *v, str property, int64_t *labels, bool *has_seed, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    map first = map_new(a); /* value → number + 1 of the first vertex that has it */
    for (size_t i = 0; i < v->label_count; i++) {
        const graph_column *c;
        TRY(query_column(v->query, true, v->labels[i].label, property, &c, err));
        for (uint64_t k = 0; c && k < v->labels[i].count; k++) {
            uint64_t n = v->labels[i].base + k;
            value x = graph_column_value(c, k, a);
            if (n % 4096 == 0)
                TRY(query_check(v->query, err));
            if (x.kind == VALUE_NULL)
                continue;
            str text = x.kind == VALUE_STRING ? x.text : str_format(a, "%d ", (int)x.kind);
            if (x.kind != VALUE_STRING)
                text = str_concat(a, text, (str){ (const char *)&x.integer, sizeof x.integer });
            uintptr_t known = (uintptr_t)map_get(&first, text);
            if (!known)
                map_set(&first, text, (void *)(uintptr_t)(known = n + 1));
            labels[n] = (int64_t)known - 1;
            has_seed[n] = true;
        }
    }
    return true;
}

bool algorithm_label_propagation(const view *v, int64_t iterations, str property, bool is_pinned,
                                 int64_t *ret, error *err)
{
    undirected u;
    bool *has_seed = memory_alloc(v->count + 1);
    query_free_later(v->query, has_seed);
    for (uint64_t i = 0; i < v->count; i++)
        ret[i] = (int64_t)i;
    if (property.len)
        TRY(seed_labels(v, property, ret, has_seed, err));
    TRY(undirected_open(v, true, &u, err));
    tally t = tally_new(v->query, v->count);
    bool works = true, moved = true;
    for (int64_t round = 0; works && moved && round < iterations; round++) {
        moved = false;
        for (uint64_t n = 0; works && n < v->count; n++) {
            moved |= !(is_pinned && has_seed[n]) && take_commonest(&u, n, &t, ret);
            if (n % 4096 == 0)
                works = query_check(v->query, err);
        }
    }
    undirected_close(&u);
    return works;
}

/* ---- Louvain ---- */

/* A graph of communities: loops are kept apart, in `inner`. */
typedef struct level {
    uint64_t count;
    undirected u;
    double *inner;  /* weight of edges within each vertex, both ways */
    double *degree; /* weight of its edges, loops twice */
    double sum;     /* of degrees */
} level;

static void level_free(level *l)
{
    undirected_close(&l->u);
    free(l->inner);
    free(l->degree);
}

/* Takes `u` and `inner`, also when it fails. */
static bool level_new(query *q, uint64_t count, undirected u, double *inner, level *ret, error *err)
{
    level l = { count, u, inner, memory_alloc((count + 1) * 8), 0 };
    for (uint64_t n = 0; n < count; n++) {
        if (n % 4096 == 0 && !query_check(q, err)) {
            level_free(&l);
            return false;
        }
        l.degree[n] = inner[n];
        for (uint64_t k = u.offsets[n]; k < u.offsets[n + 1]; k++)
            l.degree[n] += u.weights[k];
        l.sum += l.degree[n];
    }
    *ret = l;
    return true;
}

/* Move vertices to the neighbouring community that gains most, until little is gained. */
static bool move_all(query *q, const level *l, uint32_t *community, int64_t iterations,
                     double threshold, bool *ret_moved, error *err)
{
    tally t = tally_new(q, l->count);
    double *total = memory_alloc((l->count + 1) * 8);
    query_free_later(q, total);
    for (uint64_t n = 0; n < l->count; n++) {
        community[n] = (uint32_t)n;
        total[n] = l->degree[n];
    }
    *ret_moved = false;
    for (int64_t round = 0; round < iterations; round++) {
        double gained = 0;
        for (uint64_t n = 0; n < l->count; n++) {
            if (n % 4096 == 0)
                TRY(query_check(q, err));
            uint32_t home = community[n], best = home;
            total[home] -= l->degree[n];
            tally_add(&t, home, 0);
            for (uint64_t k = l->u.offsets[n]; k < l->u.offsets[n + 1]; k++)
                tally_add(&t, community[l->u.neighbours[k]], l->u.weights[k]);
            double factor = l->degree[n] / (l->sum > 0 ? l->sum : 1),
                   best_gain = t.sums[home] - total[home] * factor, stays = best_gain;
            for (uint64_t i = 0; i < t.count; i++) {
                uint32_t c = t.touched[i];
                double gain = t.sums[c] - total[c] * factor;
                if (gain > best_gain + 1e-12 || (gain > best_gain - 1e-12 && c < best)) {
                    best = c;
                    best_gain = gain;
                }
            }
            tally_clear(&t);
            total[best] += l->degree[n];
            community[n] = best;
            if (best != home && best_gain > stays) {
                gained += (best_gain - stays) / (l->sum > 0 ? l->sum : 1);
                *ret_moved = true;
            }
        }
        if (gained <= threshold)
            break;
    }
    return true;
}

/* Communities become the vertices of the next level; `community` their numbers there. */
static bool contract(query *q, const level *l, uint32_t *community, level *ret, error *err)
{
    uint32_t *number = memory_alloc((l->count + 1) * 4), count = 0;
    uint64_t *members = memory_alloc((l->count + 2) * 8);
    uint32_t *order = memory_alloc((l->count + 1) * 4);
    for (uint64_t n = 0; n < l->count; n++)
        number[community[n]] = 1;
    for (uint64_t c = 0; c < l->count; c++)
        number[c] = number[c] ? count++ : 0;
    for (uint64_t n = 0; n < l->count; n++) {
        community[n] = number[community[n]];
        members[community[n] + 1]++;
    }
    for (uint32_t c = 0; c < count; c++)
        members[c + 1] += members[c];
    uint64_t *next = memory_alloc((count + 1ull) * 8);
    memcpy(next, members, count * sizeof *next);
    for (uint64_t n = 0; n < l->count; n++)
        order[next[community[n]]++] = (uint32_t)n;
    undirected u = { memory_alloc((count + 2ull) * 8),
                     memory_alloc((l->u.offsets[l->count] + 1) * 4),
                     memory_alloc((l->u.offsets[l->count] + 1) * 8) };
    double *inner = memory_alloc((count + 1ull) * 8);
    tally t = tally_new(q, count);
    uint64_t at = 0;
    bool works = true;
    for (uint32_t c = 0; c < count && works; c++) {
        works = c % 1024 || query_check(q, err);
        for (uint64_t i = members[c]; i < members[c + 1]; i++) {
            uint32_t n = order[i];
            inner[c] += l->inner[n];
            for (uint64_t k = l->u.offsets[n]; k < l->u.offsets[n + 1]; k++)
                tally_add(&t, community[l->u.neighbours[k]], l->u.weights[k]);
        }
        for (uint64_t i = 0; i < t.count; i++) {
            if (t.touched[i] == c) {
                inner[c] += t.sums[c];
                continue;
            }
            u.neighbours[at] = t.touched[i];
            u.weights[at++] = t.sums[t.touched[i]];
        }
        tally_clear(&t);
        u.offsets[c + 1] = at;
    }
    free(number);
    free(members);
    free(order);
    free(next);
    if (works)
        return level_new(q, count, u, inner, ret, err);
    undirected_close(&u);
    free(inner);
    return false;
}

bool algorithm_louvain(const view *v, int64_t iterations, int64_t levels, double threshold,
                       int64_t *ret, error *err)
{
    undirected u;
    TRY(undirected_open(v, true, &u, err));
    level l;
    TRY(level_new(v->query, v->count, u, memory_alloc((v->count + 1) * 8), &l, err));
    uint32_t *community = memory_alloc((v->count + 1) * 4),
             *of = memory_alloc((v->count + 1) * 4); /* vertex → its place in this level */
    query_free_later(v->query, community);
    query_free_later(v->query, of);
    bool works = true, moved = true;
    for (uint64_t i = 0; i < v->count; i++)
        of[i] = (uint32_t)i;
    for (int64_t i = 0; works && moved && i < levels; i++) {
        works = move_all(v->query, &l, community, iterations, threshold, &moved, err);
        if (!works || !moved)
            break;
        level next;
        works = contract(v->query, &l, community, &next, err);
        if (!works)
            break;
        for (uint64_t n = 0; n < v->count; n++)
            of[n] = community[of[n]];
        level_free(&l);
        l = next;
    }
    int64_t *smallest = memory_alloc((l.count + 1) * 8); /* a community is called by its first */
    for (uint64_t n = v->count; n-- > 0;)
        smallest[of[n]] = (int64_t)n;
    for (uint64_t n = 0; n < v->count; n++)
        ret[n] = smallest[of[n]];
    free(smallest);
    level_free(&l);
    return works;
}

/* ---- Cores: peel the vertex of the smallest degree, again and again ---- */

static void peel(const undirected *u, uint64_t count, int64_t *degree)
{
    uint64_t largest = 0;
    for (uint64_t n = 0; n < count; n++) {
        degree[n] = (int64_t)(u->offsets[n + 1] - u->offsets[n]);
        largest = (uint64_t)degree[n] > largest ? (uint64_t)degree[n] : largest;
    }
    uint64_t *starts = memory_alloc((largest + 2) * 8); /* of each degree in `order` */
    uint32_t *order = memory_alloc((count + 1) * 4);
    uint64_t *place = memory_alloc((count + 1) * 8);
    for (uint64_t n = 0; n < count; n++)
        starts[degree[n] + 1]++;
    for (uint64_t d = 0; d <= largest; d++)
        starts[d + 1] += starts[d];
    for (uint64_t n = 0; n < count; n++) {
        place[n] = starts[degree[n]]++;
        order[place[n]] = (uint32_t)n;
    }
    memmove(starts + 1, starts, (largest + 1) * 8);
    starts[0] = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t n = order[i];
        for (uint64_t k = u->offsets[n]; k < u->offsets[n + 1]; k++) {
            uint32_t to = u->neighbours[k];
            if (degree[to] <= degree[n])
                continue;
            uint64_t first = starts[degree[to]]++; /* change places with the first of its degree */
            uint32_t other = order[first];
            order[first] = to;
            order[place[to]] = other;
            place[other] = place[to];
            place[to] = first;
            degree[to]--;
        }
    }
    free(starts);
    free(order);
    free(place);
}

bool algorithm_core_numbers(const view *v, int64_t *ret, error *err)
{
    undirected u;
    TRY(undirected_open(v, false, &u, err));
    peel(&u, v->count, ret);
    undirected_close(&u);
    return query_check(v->query, err);
}

/* ---- Triangles: each is found at its vertex of the lowest degree ---- */

typedef struct triangle_run {
    const undirected *u; /* neighbours of higher rank only */
    _Atomic int64_t *counts;
} triangle_run;

static void count_some(void *context, uint64_t from, uint64_t to)
{
    triangle_run *r = context;
    const uint64_t *offsets = r->u->offsets;
    const uint32_t *all = r->u->neighbours;
    for (uint64_t n = from; n < to; n++)
        for (uint64_t k = offsets[n]; k < offsets[n + 1]; k++) {
            uint32_t m = all[k];
            uint64_t i = offsets[n], j = offsets[m];
            while (i < offsets[n + 1] && j < offsets[m + 1]) {
                if (all[i] == all[j]) {
                    r->counts[n]++;
                    r->counts[m]++;
                    r->counts[all[i]]++;
                    i++;
                    j++;
                } else if (all[i] < all[j]) {
                    i++;
                } else {
                    j++;
                }
            }
        }
}

static bool is_lower(const undirected *u, const uint64_t *degree, uint64_t x, uint64_t y)
{
    (void)u;
    return degree[x] < degree[y] || (degree[x] == degree[y] && x < y);
}

bool algorithm_triangles(const view *v, int64_t *ret, error *err)
{
    undirected u;
    TRY(undirected_open(v, false, &u, err));
    uint64_t *degree = memory_alloc((v->count + 1) * 8), at = 0;
    for (uint64_t n = 0; n < v->count; n++)
        degree[n] = u.offsets[n + 1] - u.offsets[n];
    for (uint64_t n = 0; n < v->count; n++) {
        uint64_t from = u.offsets[n], end = from + degree[n];
        u.offsets[n] = at;
        for (uint64_t k = from; k < end; k++)
            if (is_lower(&u, degree, n, u.neighbours[k]))
                u.neighbours[at++] = u.neighbours[k];
    }
    u.offsets[v->count] = at;
    triangle_run r = { &u, (_Atomic int64_t *)ret };
    bool works = view_each(v, v->count, 256, count_some, &r, err);
    free(degree);
    undirected_close(&u);
    return works;
}
