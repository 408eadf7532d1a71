/* Edges as they came, laid out by pair in both directions: sorted in parts that hold a range of
 * sources each, merged with what stood before, and written side by side. */
#include <stdlib.h>

#include "base/pool.h"
#include "graph/internal.h"

enum {
    BLOCK_OUT_OFFSETS,
    BLOCK_OUT_TARGETS,
    BLOCK_EDGE_OFFSETS,
    BLOCK_IN_OFFSETS,
    BLOCK_IN_SOURCES,
    BLOCK_IN_PAIRS,
    BLOCK_ROWS
};

static unsigned bits_of(uint64_t count)
{
    unsigned bits = 1;
    while (bits < 63 && (1ull << bits) < count)
        bits++;
    return bits;
}

/* ---- Out: pairs by source ---- */

typedef struct layout {
    edge_part *edges;
    const edge_part *old;                          /* NULL: there is none */
    const triples *added;                          /* by source; sorted */
    uint64_t *pair_starts, *edge_starts;           /* of each part, and the end; counts at first */
    uint64_t *out_offsets;                         /* counts at first */
    uint32_t *out_targets, *edge_offsets, *places; /* places: of added edges; or NULL */
    uint64_t *words;
    unsigned bits;
} layout;

/* Takes the edges of a part in order. */
typedef struct writer {
    const layout *to;
    bool is_counting;
    uint64_t pairs, edges, last_key;
    uint64_t word, at, first_word; /* of packed rows */
    unsigned shift;
} writer;

static void flush_word(writer *w)
{
    if (w->at == w->first_word) /* the part before ends in it */
        __atomic_fetch_or(&w->to->words[w->at], w->word, __ATOMIC_RELAXED);
    else
        w->to->words[w->at] = w->word;
    w->at++;
}

static inline void write_row(writer *w, uint32_t row)
{
    unsigned bits = w->to->bits;
    w->word |= (uint64_t)row << w->shift;
    w->shift += bits;
    if (w->shift < 64)
        return;
    flush_word(w);
    w->shift -= 64;
    w->word = w->shift ? (uint64_t)row >> (bits - w->shift) : 0;
}

static inline void write_edge(writer *w, uint64_t key, uint32_t row)
{
    if (key != w->last_key) {
        if (!w->is_counting) {
            w->to->out_targets[w->pairs] = (uint32_t)key;
            w->to->edge_offsets[w->pairs] = (uint32_t)w->edges;
            w->to->out_offsets[(key >> 32) + 1]++;
        }
        w->pairs++;
        w->last_key = key;
    }
    if (!w->is_counting)
        write_row(w, row);
    w->edges++;
}

bool row_is_dropped(const label_rows *rows, uint32_t row)
{
    size_t low = 0, high = rows->dropped_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows->dropped[middle].to <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rows->dropped_count && row >= rows->dropped[low].from;
}

/* Added edges from `next` on that come before `key`; where they end. */
static inline uint64_t write_added(writer *w, uint64_t next, uint64_t end, uint64_t key)
{
    const triple *items = w->to->added->items;
    for (; next < end; next++) {
        uint64_t added = (uint64_t)items[next].major << 32 | items[next].minor;
        if (added >= key)
            break;
        if (!w->is_counting && w->to->places)
            w->to->places[next] = (uint32_t)w->edges;
        write_edge(w, added, items[next].payload);
    }
    return next;
}

/* Edges of the graph before, in order, without dropped rows and with the added ones between them.
 */
static inline void write_part(writer *w, size_t part)
{
    const layout *l = w->to;
    const triples *t = l->added;
    const label_rows *rows = &l->edges->rows;
    uint64_t next = t->starts[part], end = t->starts[part + 1];
    uint64_t first = (uint64_t)part << t->shift, last = (uint64_t)(part + 1) << t->shift;
    const graph_adjacency *x = l->old ? &l->old->adjacency : NULL;
    for (uint64_t source = first; x && source < last && source < x->source_count; source++) {
        for (uint64_t pair = x->out_offsets[source]; pair < x->out_offsets[source + 1]; pair++) {
            uint64_t key = source << 32 | x->out_targets[pair];
            next = write_added(w, next, end, key);
            for (uint64_t e = x->edge_offsets[pair]; e < x->edge_offsets[pair + 1]; e++) {
                uint64_t row = packed_get(&l->old->row_of, e);
                if (rows->dropped_count == 0 || !row_is_dropped(rows, (uint32_t)row))
                    write_edge(w, key, (uint32_t)row);
            }
        }
    }
    write_added(w, next, end, UINT64_MAX);
}

static bool has_pair(const graph_adjacency *x, const triple *t)
{
    if (t->major >= x->source_count)
        return false;
    uint64_t low = x->out_offsets[t->major], end = x->out_offsets[t->major + 1], high = end;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (x->out_targets[middle] < t->minor)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && x->out_targets[low] == t->minor;
}

/* When nothing is dropped the old counts hold, and only the added pairs are looked up. */
static void count_added(writer *w, size_t part)
{
    const triples *t = w->to->added;
    const graph_adjacency *x = &w->to->old->adjacency;
    uint64_t first = (uint64_t)part << t->shift, end = (uint64_t)(part + 1) << t->shift;
    first = first < x->source_count ? first : x->source_count;
    end = end < x->source_count ? end : x->source_count;
    uint64_t first_pair = x->out_offsets[first], end_pair = x->out_offsets[end];
    w->pairs = end_pair - first_pair;
    w->edges = x->edge_offsets[end_pair] - x->edge_offsets[first_pair];
    for (uint64_t i = t->starts[part]; i < t->starts[part + 1]; i++) {
        const triple *a = &t->items[i];
        bool is_again = i > t->starts[part] && a[-1].major == a->major && a[-1].minor == a->minor;
        w->pairs += !is_again && !has_pair(x, a);
        w->edges++;
    }
}

static bool count_part(void *context, size_t part)
{
    layout *l = context;
    writer w = { .to = l, .is_counting = true, .last_key = UINT64_MAX };
    if (l->old && l->edges->rows.dropped_count == 0)
        count_added(&w, part);
    else
        write_part(&w, part);
    l->pair_starts[part] = w.pairs;
    l->edge_starts[part] = w.edges;
    return true;
}

static bool lay_out_part(void *context, size_t part)
{
    layout *l = context;
    uint64_t bit = l->edge_starts[part] * l->bits;
    writer w = { .to = l,
                 .pairs = l->pair_starts[part],
                 .edges = l->edge_starts[part],
                 .last_key = UINT64_MAX,
                 .at = bit / 64,
                 .first_word = bit / 64,
                 .shift = bit % 64 };
    write_part(&w, part);
    if (w.word)
        __atomic_fetch_or(&l->words[w.at], w.word, __ATOMIC_RELAXED);
    return true;
}

static uint64_t to_starts(uint64_t *counts, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = counts[i];
        counts[i] = sum;
        sum += n;
    }
    return sum;
}

static bool take_out(graph_memory *m, layout *l, error *err)
{
    edge_part *e = l->edges;
    graph_adjacency *x = &e->adjacency;
    size_t parts = l->added->part_count;
    pool_each(parts, count_part, l);
    x->pair_count = to_starts(l->pair_starts, parts);
    x->edge_count = to_starts(l->edge_starts, parts);
    TRY(block_take(m, (x->source_count + 1) * 8, &e->blocks[BLOCK_OUT_OFFSETS], err));
    TRY(block_take_unset(m, x->pair_count * 4, &e->blocks[BLOCK_OUT_TARGETS], err));
    TRY(block_take_unset(m, (x->pair_count + 1) * 4, &e->blocks[BLOCK_EDGE_OFFSETS], err));
    TRY(block_take(m, (x->edge_count * l->bits / 64 + 2) * 8, &e->blocks[BLOCK_ROWS], err));
    l->out_offsets = e->blocks[BLOCK_OUT_OFFSETS].data;
    l->out_targets = e->blocks[BLOCK_OUT_TARGETS].data;
    l->edge_offsets = e->blocks[BLOCK_EDGE_OFFSETS].data;
    l->words = e->blocks[BLOCK_ROWS].data;
    pool_each(parts, lay_out_part, l);
    l->edge_offsets[x->pair_count] = (uint32_t)x->edge_count;
    for (uint64_t i = 0; i < x->source_count; i++)
        l->out_offsets[i + 1] += l->out_offsets[i];
    x->out_offsets = l->out_offsets;
    x->out_targets = l->out_targets;
    x->edge_offsets = l->edge_offsets;
    e->row_of = (packed){ l->words, l->bits };
    return true;
}

/* ---- In: the same pairs by target ---- */

static size_t read_pairs(const void *context, triple_cursor *c, triple *ret, size_t room)
{
    const graph_adjacency *x = context;
    size_t count = 0;
    if (c->place == 0) { /* the source of the first pair, plus 1 */
        uint64_t low = 0, high = x->source_count;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (x->out_offsets[middle + 1] <= c->at)
                low = middle + 1;
            else
                high = middle;
        }
        c->place = low + 1;
    }
    for (; count < room && c->at < c->to; c->at++) {
        while (x->out_offsets[c->place] <= c->at)
            c->place++;
        ret[count++] = (triple){ x->out_targets[c->at], (uint32_t)(c->place - 1), (uint32_t)c->at };
    }
    return count;
}

typedef struct reverse {
    const triples *list; /* by target, then in order of pair */
    uint64_t target_count, *offsets;
    uint32_t *sources, *pairs;
} reverse;

static bool reverse_part(void *context, size_t part)
{
    const reverse *r = context;
    const triples *t = r->list;
    uint64_t first = (uint64_t)part << t->shift, next = t->starts[part];
    uint64_t width = 1ull << t->shift;
    uint32_t *counts = memory_alloc(width * sizeof *counts);
    for (uint64_t i = next; i < t->starts[part + 1]; i++)
        counts[t->items[i].major - first]++;
    for (uint64_t i = 0; i < width && first + i < r->target_count; i++) {
        uint32_t n = counts[i];
        r->offsets[first + i] = next;
        counts[i] = 0;
        next += n;
    }
    for (uint64_t i = t->starts[part]; i < t->starts[part + 1]; i++) {
        uint32_t target = t->items[i].major;
        uint64_t at = r->offsets[target] + counts[target - first]++;
        r->sources[at] = t->items[i].minor;
        r->pairs[at] = t->items[i].payload;
    }
    free(counts);
    return true;
}

/* Without a list of all pairs by the way: each thread passes over them all for its own range of
 * targets. Memory that is touched for the first time is most of what a refresh costs. */
typedef struct direct_reverse {
    const graph_adjacency *x;
    uint64_t width; /* of a range */
    uint64_t *offsets;
    uint32_t *sources, *pairs;
} direct_reverse;

static bool count_targets(void *context, size_t range)
{
    const direct_reverse *r = context;
    uint64_t first = range * r->width;
    for (uint64_t i = 0; i < r->x->pair_count; i++)
        if (r->x->out_targets[i] - first < r->width)
            r->offsets[r->x->out_targets[i]]++;
    return true;
}

/* `offsets` are moved to the end of each target. */
static bool put_targets(void *context, size_t range)
{
    const direct_reverse *r = context;
    const graph_adjacency *x = r->x;
    uint64_t first = range * r->width;
    for (uint64_t source = 0; source < x->source_count; source++)
        for (uint64_t i = x->out_offsets[source]; i < x->out_offsets[source + 1]; i++) {
            if (x->out_targets[i] - first >= r->width)
                continue;
            uint64_t at = r->offsets[x->out_targets[i]]++;
            r->sources[at] = (uint32_t)source;
            r->pairs[at] = (uint32_t)i;
        }
    return true;
}

static void reverse_directly(const graph_adjacency *x, const reverse *to)
{
    size_t ranges = (size_t)pool_thread_count();
    direct_reverse r = { x, x->target_count / ranges + 1, to->offsets, to->sources, to->pairs };
    pool_each(ranges, count_targets, &r);
    to_starts(r.offsets, x->target_count);
    pool_each(ranges, put_targets, &r);
    memmove(r.offsets + 1, r.offsets, x->target_count * sizeof *r.offsets);
    r.offsets[0] = 0;
}

static bool take_in(graph_memory *m, edge_part *e, bool is_refresh, error *err)
{
    graph_adjacency *x = &e->adjacency;
    triples list = { 0 };
    bool works = block_take(m, (x->target_count + 1) * 8, &e->blocks[BLOCK_IN_OFFSETS], err) &&
                 block_take_unset(m, x->pair_count * 4, &e->blocks[BLOCK_IN_SOURCES], err) &&
                 block_take_unset(m, x->pair_count * 4, &e->blocks[BLOCK_IN_PAIRS], err);
    reverse r = { &list, x->target_count, e->blocks[BLOCK_IN_OFFSETS].data,
                  e->blocks[BLOCK_IN_SOURCES].data, e->blocks[BLOCK_IN_PAIRS].data };
    if (works && is_refresh) {
        reverse_directly(x, &r);
    } else if (works) {
        works = triples_part(m, read_pairs, x, x->pair_count, x->target_count, x->pair_count, &list,
                             err);
        if (works)
            pool_each(list.part_count, reverse_part, &r);
        triples_free(m, &list);
    }
    if (!works)
        return false;
    r.offsets[x->target_count] = x->pair_count;
    x->in_offsets = r.offsets;
    x->in_sources = r.sources;
    x->in_pairs = r.pairs;
    return true;
}

/* ---- Both ---- */

typedef struct edge_reader {
    const arrival *items;
    const uint32_t *from_ids, *to_ids;
} edge_reader;

static size_t read_edges(const void *context, triple_cursor *c, triple *ret, size_t room)
{
    const edge_reader *r = context;
    size_t count = 0;
    for (; count < room && c->at < c->to; c->at++) {
        arrival a = r->items[c->at];
        if (a.first != UINT32_MAX)
            ret[count++] = (triple){ r->from_ids[a.first], r->to_ids[a.second], a.row };
    }
    return count;
}

bool adjacency_build(graph *g, edge_part *e, const edge_part *old, arrivals *x,
                     const uint32_t *from_ids, const uint32_t *to_ids, error *err)
{
    graph_memory *m = &g->memory;
    edge_reader r = { x->items, from_ids, to_ids };
    triples added;
    e->adjacency.source_count = g->vertices[e->label.from_label].dictionary.count;
    e->adjacency.target_count = g->vertices[e->label.to_label].dictionary.count;
    TRY(triples_part(m, read_edges, &r, x->count, e->adjacency.source_count,
                     x->count + (old ? old->adjacency.edge_count : 0), &added, err));
    triples_sort(&added, e->adjacency.target_count, (triple *)x->items);
    block_give(m, &x->block);
    layout l = { .edges = e, .old = old, .added = &added, .bits = bits_of(e->rows.row_limit + 1) };
    l.pair_starts = memory_alloc((added.part_count + 1) * sizeof(uint64_t));
    l.edge_starts = memory_alloc((added.part_count + 1) * sizeof(uint64_t));
    if (old && e->rows.dropped_count == 0)
        e->added = l.places = arena_alloc(g->arena, (added.count + 1) * sizeof *l.places);
    e->added_count = l.places ? added.count : 0;
    bool works = take_out(m, &l, err);
    free(l.pair_starts);
    free(l.edge_starts);
    triples_free(m, &added);
    return works && take_in(m, e, old != NULL, err);
}
