/* Dictionaries and adjacency: read keys through sinks, number them, sort the edges, lay them out by
 * pair; after new snapshots only what was added is read, and merged with what stands. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/pool.h"
#include "graph/internal.h"

/* ---- Reading keys ---- */

/* Vertices: code, -, row. Edges: codes of source and target (UINT32_MAX: one is null), row. */
typedef struct arrival {
    uint32_t first, second, row;
} arrival;

/* Rows of one label in order of arrival. Memory that is touched for the first time is the dearest
 * part of a build, so edges are turned into what is sorted in the same place, and that leaves half
 * of the room that sorting needs besides. */
enum { ARRIVAL_ROOM = 16 };
typedef struct arrivals {
    const source *source; /* that is being read */
    block block;          /* limit × ARRIVAL_ROOM */
    arrival *items;
    _Atomic uint64_t count;
    uint64_t limit;
} arrivals;

static bool take_rows(void *context, const batch *in, error *err)
{
    arrivals *x = context;
    const column *first = &in->columns[0], *second = &in->columns[1];
    const int64_t *files = in->columns[2].data, *positions = in->columns[3].data;
    const int64_t *f = first->data, *s = second->data;
    uint64_t at = atomic_fetch_add(&x->count, in->rows);
    if (at + in->rows > x->limit)
        return fail(err, ERR_CORRUPT, "table " STR_FMT " has more rows than its metadata says",
                    STR_ARG(iceberg_table_name(x->source->table)));
    bool has_nulls = first->valid || second->valid;
    for (size_t i = 0; i < in->rows; i++) {
        bool is_null = has_nulls && (column_is_null(first, i) || column_is_null(second, i));
        x->items[at + i] =
            (arrival){ is_null ? UINT32_MAX : (uint32_t)f[i], (uint32_t)s[i],
                       (uint32_t)(x->source->added_bases[files[i]] + (uint64_t)positions[i]) };
    }
    return true;
}

static bool read_source(graph *g, arrivals *x, const source *s, interner *from, interner *to,
                        str first_sql, str second_sql, error *err)
{
    static _Atomic int number;
    static const column_type types[] = { COLUMN_INT64, COLUMN_INT64, COLUMN_INT64, COLUMN_INT64 };
    AUTO(arena_free) arena *a = arena_new();
    int n = atomic_fetch_add(&number, 1);
    sql_connection *c;
    int64_t count;
    str rows;
    TRY(graph_connection(g, &c, err));
    const char *sink = str_format(a, "floe_rows_%d%c", n, 0).data,
               *first = str_format(a, "floe_first_%d%c", n, 0).data,
               *second = str_format(a, "floe_second_%d%c", n, 0).data;
    x->source = s;
    TRY(sql_register_sink(g->options.engine, sink, types, 4, take_rows, x, err));
    TRY(sql_register_encode(g->options.engine, first, interner_code, from, err));
    TRY(sql_register_encode(g->options.engine, second, interner_code, to, err));
    TRY(source_sql(
        s, a, &s->added,
        str_format(a, STR_FMT " AS k1, " STR_FMT " AS k2", STR_ARG(first_sql), STR_ARG(second_sql)),
        &rows, err));
    return sql_query_int(
        c,
        str_format(a, "SELECT sum(%s(%s(k1), %s(k2), \"_file_index\", \"_pos\")) FROM " STR_FMT,
                   sink, first, second, STR_ARG(rows)),
        &count, err);
}

/* Added rows of a label. Vertices: `to` is NULL. */
static bool arrivals_read(graph *g, const label_rows *rows, interner *from, interner *to,
                          arrivals *x, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const schema_label *l = rows->schema;
    x->limit = rows->row_limit - rows->first_added;
    TRY(block_take(&g->memory, x->limit * ARRIVAL_ROOM, &x->block, err));
    x->items = x->block.data;
    for (size_t i = 0; i < l->source_count; i++) {
        const source *s = &rows->sources[i];
        if (s->added.file_count == 0)
            continue;
        str first = source_key_sql(s, a, to ? s->schema->from : s->schema->id,
                                   to ? l->from_count : l->id_count),
            second = to ? source_key_sql(s, a, s->schema->to, l->to_count) : first;
        TRY(read_source(g, x, s, from, to ? to : from, first, second, err));
    }
    return true;
}

/* ---- Sorting ---- */

/* An edge to be sorted: source, target and row as bits of one number, when they fit in 64 (they do
 * for ten million rows); else in 128. */
typedef struct edge_format {
    int source_bits, target_bits, row_bits;
    bool is_wide;
} edge_format;

typedef unsigned __int128 wide;

static int bits_of(uint64_t count)
{
    int bits = 1;
    while (bits < 63 && (1ull << bits) < count)
        bits++;
    return bits;
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, MOST_CHUNKS = 16 };

/* One pass of a radix sort, least significant digit first, in chunks side by side. */
typedef struct radix_pass {
    const void *from;
    void *to;
    uint64_t count, chunk_size;
    int shift;
    uint64_t (*starts)[DIGITS]; /* of each chunk */
} radix_pass;

#define DEFINE_PASS(type)                                                                          \
    static bool count_##type(void *context, size_t chunk)                                          \
    {                                                                                              \
        radix_pass *p = context;                                                                   \
        const type *items = p->from;                                                               \
        uint64_t from = chunk * p->chunk_size, to = from + p->chunk_size;                          \
        memset(p->starts[chunk], 0, sizeof p->starts[chunk]);                                      \
        for (uint64_t i = from; i < to && i < p->count; i++)                                       \
            p->starts[chunk][(uint64_t)(items[i] >> p->shift) & (DIGITS - 1)]++;                   \
        return true;                                                                               \
    }                                                                                              \
    static bool scatter_##type(void *context, size_t chunk)                                        \
    {                                                                                              \
        radix_pass *p = context;                                                                   \
        const type *items = p->from;                                                               \
        type *out = p->to;                                                                         \
        uint64_t from = chunk * p->chunk_size, to = from + p->chunk_size;                          \
        uint64_t *next = p->starts[chunk];                                                         \
        for (uint64_t i = from; i < to && i < p->count; i++)                                       \
            out[next[(uint64_t)(items[i] >> p->shift) & (DIGITS - 1)]++] = items[i];               \
        return true;                                                                               \
    }
DEFINE_PASS(uint64_t)
DEFINE_PASS(wide)

/* Sort by the bits from `low` to `high`; returns the one of `items` and `other` that holds the
 * result. */
static void *radix_sort(void *items, void *other, uint64_t count, int low, int high, bool is_wide)
{
    size_t chunks = count < 1 << 16 ? 1 : (size_t)pool_thread_count();
    chunks = chunks > MOST_CHUNKS ? MOST_CHUNKS : chunks;
    radix_pass p = { .from = items, .to = other, .count = count, .chunk_size = count / chunks + 1 };
    p.starts = memory_alloc(chunks * sizeof *p.starts);
    for (p.shift = low; p.shift < high; p.shift += DIGIT_BITS) {
        uint64_t sum = 0;
        pool_each(chunks, is_wide ? count_wide : count_uint64_t, &p);
        for (int d = 0; d < DIGITS; d++)
            for (size_t c = 0; c < chunks; c++) {
                uint64_t n = p.starts[c][d];
                p.starts[c][d] = sum;
                sum += n;
            }
        pool_each(chunks, is_wide ? scatter_wide : scatter_uint64_t, &p);
        void *swap = (void *)(uintptr_t)p.from;
        p.from = p.to;
        p.to = swap;
    }
    free(p.starts);
    return (void *)(uintptr_t)p.from;
}

/* Sorted edges. */
typedef struct edge_list {
    const void *items;
    uint64_t count;
    edge_format format;
    uint64_t row_mask;
} edge_list;

/* Source and target as one number, and the row. */
static inline uint64_t edge_at(const edge_list *l, uint64_t i, uint32_t *ret_row)
{
    if (l->format.is_wide) {
        wide x = ((const wide *)l->items)[i];
        *ret_row = (uint32_t)((uint64_t)x & l->row_mask);
        return (uint64_t)(x >> l->format.row_bits);
    }
    uint64_t x = ((const uint64_t *)l->items)[i];
    *ret_row = (uint32_t)(x & l->row_mask);
    return x >> l->format.row_bits;
}

/* ---- Adjacency ---- */

enum {
    BLOCK_OUT_OFFSETS,
    BLOCK_OUT_TARGETS,
    BLOCK_EDGE_OFFSETS,
    BLOCK_IN_OFFSETS,
    BLOCK_IN_SOURCES,
    BLOCK_IN_PAIRS,
    BLOCK_ROWS
};

/* Takes edges in order of their pairs, and lays them out. */
typedef struct writer {
    uint64_t *out_offsets; /* counts at first */
    uint32_t *out_targets, *edge_offsets, *pair_sources;
    uint64_t *words;
    unsigned bits;
    uint64_t pairs, edges, last_key;
    int target_bits;
} writer;

static inline void write_edge(writer *w, uint64_t key, uint32_t row)
{
    if (w->edges == 0 || key != w->last_key) {
        uint64_t source = key >> w->target_bits;
        w->out_targets[w->pairs] = (uint32_t)(key & ((1ull << w->target_bits) - 1));
        w->pair_sources[w->pairs] = (uint32_t)source;
        w->edge_offsets[w->pairs] = (uint32_t)w->edges;
        w->out_offsets[source + 1]++;
        w->pairs++;
        w->last_key = key;
    }
    uint64_t bit = w->edges * w->bits, at = bit / 64, shift = bit % 64;
    w->words[at] |= (uint64_t)row << shift;
    if (shift + w->bits > 64)
        w->words[at + 1] |= (uint64_t)row >> (64 - shift);
    w->edges++;
}

static void build_reverse(graph_adjacency *x, const uint32_t *pair_sources, uint64_t *offsets,
                          uint32_t *sources, uint32_t *pairs)
{
    for (uint64_t i = 0; i < x->pair_count; i++)
        offsets[x->out_targets[i] + 1]++;
    for (uint64_t i = 0; i < x->target_count; i++)
        offsets[i + 1] += offsets[i];
    /* offsets[t] is moved to the end of t while it is filled, and all move back by one */
    for (uint64_t i = 0; i < x->pair_count; i++) {
        uint64_t at = offsets[x->out_targets[i]]++;
        sources[at] = pair_sources[i];
        pairs[at] = (uint32_t)i;
    }
    memmove(offsets + 1, offsets, x->target_count * sizeof *offsets);
    offsets[0] = 0;
}

static bool is_dropped(const label_rows *rows, uint32_t row)
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
static uint64_t write_added(writer *w, const edge_list *list, uint64_t next, uint64_t key,
                            uint32_t *ret_added)
{
    for (; next < list->count; next++) {
        uint32_t row;
        uint64_t added = edge_at(list, next, &row);
        if (added >= key)
            break;
        ret_added[next] = (uint32_t)w->edges;
        write_edge(w, added, row);
    }
    return next;
}

/* Edges of the graph before, in order, without dropped rows and with the added ones between them.
 */
static void merge_edges(writer *w, const edge_part *old, const label_rows *rows,
                        const edge_list *list, uint32_t *ret_added)
{
    const graph_adjacency *x = &old->adjacency;
    uint64_t next = 0;
    for (uint64_t source = 0; source < x->source_count; source++) {
        for (uint64_t pair = x->out_offsets[source]; pair < x->out_offsets[source + 1]; pair++) {
            uint64_t key = source << w->target_bits | x->out_targets[pair];
            next = write_added(w, list, next, key, ret_added);
            for (uint64_t e = x->edge_offsets[pair]; e < x->edge_offsets[pair + 1]; e++) {
                uint64_t row = packed_get(&old->row_of, e);
                if (rows->dropped_count == 0 || !is_dropped(rows, (uint32_t)row))
                    write_edge(w, key, (uint32_t)row);
            }
        }
    }
    write_added(w, list, next, UINT64_MAX, ret_added);
}

static uint64_t count_pairs(const edge_list *list)
{
    uint64_t pairs = 0, last = UINT64_MAX;
    uint32_t row;
    for (uint64_t i = 0; i < list->count; i++) {
        uint64_t key = edge_at(list, i, &row);
        pairs += key != last;
        last = key;
    }
    return pairs;
}

static bool lay_out(graph *g, edge_part *e, const edge_part *old, const edge_list *list, error *err)
{
    graph_adjacency *x = &e->adjacency;
    graph_memory *m = &g->memory;
    uint64_t count = list->count;
    writer w = { .target_bits = list->format.target_bits,
                 .bits = (unsigned)bits_of(e->rows.row_limit + 1) };
    uint64_t most_edges = count + (old ? old->adjacency.edge_count : 0),
             most_pairs = count_pairs(list) + (old ? old->adjacency.pair_count : 0);
    block pair_sources;
    TRY(block_take(m, (x->source_count + 1) * 8, &e->blocks[BLOCK_OUT_OFFSETS], err));
    TRY(block_take(m, most_pairs * 4, &e->blocks[BLOCK_OUT_TARGETS], err));
    TRY(block_take(m, (most_pairs + 1) * 4, &e->blocks[BLOCK_EDGE_OFFSETS], err));
    TRY(block_take(m, (most_edges * w.bits / 64 + 2) * 8, &e->blocks[BLOCK_ROWS], err));
    TRY(block_take(m, (x->target_count + 1) * 8, &e->blocks[BLOCK_IN_OFFSETS], err));
    TRY(block_take(m, most_pairs * 4, &pair_sources, err));
    w.out_offsets = e->blocks[BLOCK_OUT_OFFSETS].data;
    w.out_targets = e->blocks[BLOCK_OUT_TARGETS].data;
    w.edge_offsets = e->blocks[BLOCK_EDGE_OFFSETS].data;
    w.words = e->blocks[BLOCK_ROWS].data;
    w.pair_sources = pair_sources.data;
    uint32_t *added = old ? memory_alloc((count + 1) * sizeof *added) : NULL;
    if (old)
        merge_edges(&w, old, &e->rows, list, added);
    for (uint64_t i = 0; !old && i < count; i++) {
        uint32_t row;
        uint64_t key = edge_at(list, i, &row);
        write_edge(&w, key, row);
    }
    w.edge_offsets[w.pairs] = (uint32_t)w.edges;
    for (uint64_t i = 0; i < x->source_count; i++)
        w.out_offsets[i + 1] += w.out_offsets[i];
    x->pair_count = w.pairs;
    x->edge_count = w.edges;
    x->out_offsets = w.out_offsets;
    x->out_targets = w.out_targets;
    x->edge_offsets = w.edge_offsets;
    e->row_of = (packed){ w.words, w.bits };
    if (old && e->rows.dropped_count == 0) {
        e->added = arena_copy(g->arena, added, count * sizeof *added);
        e->added_count = count;
    }
    free(added);
    bool works = block_take(m, w.pairs * 4, &e->blocks[BLOCK_IN_SOURCES], err) &&
                 block_take(m, w.pairs * 4, &e->blocks[BLOCK_IN_PAIRS], err);
    if (works) {
        uint64_t *offsets = e->blocks[BLOCK_IN_OFFSETS].data;
        uint32_t *sources = e->blocks[BLOCK_IN_SOURCES].data,
                 *pairs = e->blocks[BLOCK_IN_PAIRS].data;
        build_reverse(x, w.pair_sources, offsets, sources, pairs);
        x->in_offsets = offsets;
        x->in_sources = sources;
        x->in_pairs = pairs;
    }
    block_give(m, &pair_sources);
    return works;
}

/* Turn arrivals into numbers to sort, in their own place: none is written before it is read. */
static uint64_t make_items(arrivals *x, const edge_format *f, const uint32_t *from_ids,
                           const uint32_t *to_ids)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < x->count; i++) {
        arrival a = x->items[i];
        if (a.first == UINT32_MAX)
            continue;
        uint64_t key = (uint64_t)from_ids[a.first] << f->target_bits | to_ids[a.second];
        ((uint64_t *)x->block.data)[count++] = key << f->row_bits | a.row;
    }
    return count;
}

static uint64_t make_wide_items(const arrivals *x, wide *items, const edge_format *f,
                                const uint32_t *from_ids, const uint32_t *to_ids)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < x->count; i++) {
        const arrival *a = &x->items[i];
        if (a->first == UINT32_MAX)
            continue;
        uint64_t key = (uint64_t)from_ids[a->first] << f->target_bits | to_ids[a->second];
        items[count++] = (wide)key << f->row_bits | a->row;
    }
    return count;
}

static bool build_edges(graph *g, edge_part *e, const edge_part *old, arrivals *x,
                        const uint32_t *from_ids, const uint32_t *to_ids, error *err)
{
    e->adjacency.source_count = g->vertices[e->label.from_label].dictionary.count;
    e->adjacency.target_count = g->vertices[e->label.to_label].dictionary.count;
    edge_format f = { bits_of(e->adjacency.source_count), bits_of(e->adjacency.target_count),
                      bits_of(e->rows.row_limit + 1), false };
    int low = f.row_bits, high = f.row_bits + f.target_bits + f.source_bits;
    edge_list list = { .row_mask = (1ull << f.row_bits) - 1 };
    block wide_items = { 0 };
    f.is_wide = high > 64;
    list.format = f;
    if (f.is_wide) {
        TRY(block_take(&g->memory, x->count * sizeof(wide), &wide_items, err));
        list.count = make_wide_items(x, wide_items.data, &f, from_ids, to_ids);
        list.items = radix_sort(wide_items.data, x->block.data, list.count, low, high, true);
    } else {
        uint64_t *items = x->block.data;
        list.count = make_items(x, &f, from_ids, to_ids);
        list.items = radix_sort(items, items + x->limit, list.count, low, high, false);
    }
    bool works = lay_out(g, e, old, &list, err);
    block_give(&g->memory, &wide_items);
    return works;
}

/* ---- Building everything ---- */

typedef struct build {
    const graph *old;
    interner **interners; /* of vertex labels */
    uint32_t **ids;       /* of vertex labels: code → id */
    arrivals *vertices, *edges;
} build;

static bool read_all(graph *g, build *b, error *err)
{
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        b->interners[i] = interner_new();
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        TRY(arrivals_read(g, &g->vertices[i].rows, b->interners[i], NULL, &b->vertices[i], err));
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        const edge_part *e = &g->edges[i];
        TRY(arrivals_read(g, &e->rows, b->interners[e->label.from_label],
                          b->interners[e->label.to_label], &b->edges[i], err));
    }
    return true;
}

static void number_vertices(graph *g, build *b, size_t label)
{
    static const dictionary none;
    AUTO(arena_free) arena *scratch = arena_new();
    vertex_part *v = &g->vertices[label];
    const dictionary *old = b->old ? &b->old->vertices[label].dictionary : &none;
    const arrivals *x = &b->vertices[label];
    uint32_t count = interner_count(b->interners[label]);
    uint32_t *ids = b->ids[label] = memory_alloc((count + 1) * sizeof(uint32_t));
    dictionary_extend(g->arena, old, interner_keys(b->interners[label], scratch), count,
                      &v->dictionary, ids);
    dictionary *d = &v->dictionary;
    uint32_t *rows = arena_alloc(g->arena, (d->count + 1) * sizeof *rows);
    memset(rows, 0xFF, (d->count + 1) * sizeof *rows);
    for (uint64_t i = 0; i < old->count && v->rows.first_added; i++)
        if (old->rows[i] != NO_ROW && !is_dropped(&v->rows, old->rows[i]))
            rows[i] = old->rows[i];
    for (uint64_t i = 0; i < x->count; i++) /* of rows with one key the first counts */
        if (x->items[i].first != UINT32_MAX && x->items[i].row < rows[ids[x->items[i].first]])
            rows[ids[x->items[i].first]] = x->items[i].row;
    for (uint64_t i = 0; i < d->count; i++)
        d->row_count += rows[i] != NO_ROW;
    d->rows = rows;
}

static bool build_all(graph *g, build *b, error *err)
{
    TRY(read_all(g, b, err));
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        number_vertices(g, b, i);
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        edge_part *e = &g->edges[i];
        const edge_part *old_edges = b->old && e->rows.first_added ? &b->old->edges[i] : NULL;
        TRY(build_edges(g, e, old_edges, &b->edges[i], b->ids[e->label.from_label],
                        b->ids[e->label.to_label], err));
        block_give(&g->memory, &b->edges[i].block);
    }
    return true;
}

/* Old numbers stay while few rows are gone; vertices whose keys may repeat are read again when any
 * is. */
static bool number_rows(graph *g, label_rows *rows, const label_rows *old, bool is_vertex,
                        error *err)
{
    TRY(label_rows_number(rows, g->arena, old, err));
    uint64_t dropped = 0;
    for (size_t i = 0; i < rows->dropped_count; i++)
        dropped += rows->dropped[i].to - rows->dropped[i].from;
    bool repeats = is_vertex && dropped && !label_rows_have_unique_key(rows);
    if (old && (repeats || dropped > old->row_limit / 2 ||
                rows->row_limit > 2 * label_rows_count(rows) + 1024))
        return label_rows_number(rows, g->arena, NULL, err);
    return true;
}

bool topology_build(graph *g, const graph *old, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    size_t v = g->schema.vertex_count, e = g->schema.edge_count;
    build b = { old, arena_array_of(a, interner *, v), arena_array_of(a, uint32_t *, v),
                arena_array_of(a, arrivals, v), arena_array_of(a, arrivals, e) };
    bool works = true;
    for (size_t i = 0; works && i < v; i++)
        works =
            number_rows(g, &g->vertices[i].rows, old ? &old->vertices[i].rows : NULL, true, err);
    for (size_t i = 0; works && i < e; i++)
        works = number_rows(g, &g->edges[i].rows, old ? &old->edges[i].rows : NULL, false, err);
    works = works && build_all(g, &b, err);
    for (size_t i = 0; i < v; i++) {
        interner_free(b.interners[i]);
        free(b.ids[i]);
        block_give(&g->memory, &b.vertices[i].block);
    }
    for (size_t i = 0; i < e; i++)
        block_give(&g->memory, &b.edges[i].block);
    return works ? true : fail_while(err, "building the graph");
}
