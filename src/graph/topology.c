/* Dictionaries and adjacency of all labels: read from the cache, or built from the tables.
 *
 * Rows come through parallel sinks as codes in order of arrival; keys are numbered when all are
 * known; edges are sorted by (source, target) with a radix sort; the reverse direction is a
 * counting sort of the pairs. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/internal.h"

/* Codes of a table's rows as they arrive. */
typedef struct arrivals {
    const source *source;
    uint32_t *first, *second, *row; /* vertices: code, -, row; edges: source, target, row */
    _Atomic uint64_t count;
    uint64_t limit;
    bool is_edge;
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
    for (size_t i = 0; i < in->rows; i++) {
        bool is_null = column_is_null(first, i) || column_is_null(second, i);
        x->first[at + i] = is_null ? UINT32_MAX : (uint32_t)f[i];
        x->second[at + i] = (uint32_t)s[i];
        x->row[at + i] = (uint32_t)(x->source->bases[files[i]] + (uint64_t)positions[i]);
    }
    return true;
}

static bool arrivals_read(graph *g, sql_connection *c, const source *s, interner *from,
                          interner *to, str first_sql, str second_sql, arrivals *ret, error *err)
{
    static _Atomic int number;
    static const column_type types[] = { COLUMN_INT64, COLUMN_INT64, COLUMN_INT64, COLUMN_INT64 };
    AUTO(arena_free) arena *a = arena_new();
    int n = atomic_fetch_add(&number, 1);
    int64_t count;
    str rows;
    TRY(budget_take(&g->budget, s->row_limit * 12, err));
    *ret = (arrivals){ .source = s,
                       .limit = s->row_limit,
                       .first = memory_alloc(s->row_limit * 4),
                       .second = memory_alloc(s->row_limit * 4),
                       .row = memory_alloc(s->row_limit * 4) };
    const char *sink = str_format(a, "floe_rows_%d%c", n, 0).data,
               *first = str_format(a, "floe_first_%d%c", n, 0).data,
               *second = str_format(a, "floe_second_%d%c", n, 0).data;
    TRY(sql_register_sink(g->options.engine, sink, types, 4, take_rows, ret, err));
    TRY(sql_register_encode(g->options.engine, first, interner_code, from, err));
    TRY(sql_register_encode(g->options.engine, second, interner_code, to, err));
    TRY(source_sql(
        s, a,
        str_format(a, STR_FMT " AS k1, " STR_FMT " AS k2", STR_ARG(first_sql), STR_ARG(second_sql)),
        &rows, err));
    return sql_query_int(
        c,
        str_format(a, "SELECT sum(%s(%s(k1), %s(k2), \"_file_index\", \"_pos\")) FROM " STR_FMT,
                   sink, first, second, STR_ARG(rows)),
        &count, err);
}

static void arrivals_free(graph *g, arrivals *x)
{
    if (x->first)
        budget_give(&g->budget, x->limit * 12);
    free(x->first);
    free(x->second);
    free(x->row);
    *x = (arrivals){ 0 };
}

/* ---- Sorting ---- */

typedef struct edge_item {
    uint64_t key; /* source × targets + target, as bits */
    uint32_t row;
} __attribute__((packed)) edge_item;

static int bits_of(uint64_t count)
{
    int bits = 1;
    while (bits < 63 && (1ull << bits) < count)
        bits++;
    return bits;
}

/* Least significant digit first, 11 bits a pass. The sorted items end in the returned array; the
 * other is freed. */
static edge_item *radix_sort(edge_item *items, uint64_t count, int bits)
{
    enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
    edge_item *other = memory_alloc(count * sizeof *other);
    for (int shift = 0; shift < bits; shift += DIGIT_BITS) {
        uint64_t starts[DIGITS] = { 0 }, sum = 0;
        for (uint64_t i = 0; i < count; i++)
            starts[items[i].key >> shift & (DIGITS - 1)]++;
        for (int d = 0; d < DIGITS; d++) {
            uint64_t n = starts[d];
            starts[d] = sum;
            sum += n;
        }
        for (uint64_t i = 0; i < count; i++)
            other[starts[items[i].key >> shift & (DIGITS - 1)]++] = items[i];
        edge_item *swap = items;
        items = other;
        other = swap;
    }
    free(other);
    return items;
}

/* ---- Adjacency from sorted edges ---- */

static void build_reverse(arena *a, graph_adjacency *x, const uint32_t *pair_sources)
{
    uint64_t *offsets = arena_array_of(a, uint64_t, x->target_count + 1);
    uint32_t *sources = arena_array_of(a, uint32_t, x->pair_count),
             *pairs = arena_array_of(a, uint32_t, x->pair_count);
    uint64_t *next = memory_alloc((x->target_count + 1) * sizeof *next);
    for (uint64_t i = 0; i < x->pair_count; i++)
        offsets[x->out_targets[i] + 1]++;
    for (uint64_t i = 0; i < x->target_count; i++)
        offsets[i + 1] += offsets[i];
    memcpy(next, offsets, (x->target_count + 1) * sizeof *next);
    for (uint64_t i = 0; i < x->pair_count; i++) {
        uint64_t at = next[x->out_targets[i]]++;
        sources[at] = pair_sources[i];
        pairs[at] = (uint32_t)i;
    }
    free(next);
    x->in_offsets = offsets;
    x->in_sources = sources;
    x->in_pairs = pairs;
}

static void build_forward(arena *a, const edge_item *items, uint64_t count, int target_bits,
                          edge_part *e)
{
    graph_adjacency *x = &e->adjacency;
    uint64_t pairs = 0;
    for (uint64_t i = 0; i < count; i++)
        pairs += i == 0 || items[i].key != items[i - 1].key;
    uint64_t *out_offsets = arena_array_of(a, uint64_t, x->source_count + 1),
             *edge_offsets = arena_array_of(a, uint64_t, pairs + 1);
    uint32_t *targets = arena_array_of(a, uint32_t, pairs),
             *rows = arena_array_of(a, uint32_t, count);
    uint32_t *pair_sources = memory_alloc(pairs * sizeof *pair_sources);
    uint64_t pair = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i == 0 || items[i].key != items[i - 1].key) {
            uint64_t source = items[i].key >> target_bits;
            targets[pair] = (uint32_t)(items[i].key & ((1ull << target_bits) - 1));
            pair_sources[pair] = (uint32_t)source;
            edge_offsets[pair] = i;
            out_offsets[source + 1]++;
            pair++;
        }
        rows[i] = items[i].row;
    }
    edge_offsets[pairs] = count;
    for (uint64_t i = 0; i < x->source_count; i++)
        out_offsets[i + 1] += out_offsets[i];
    x->pair_count = pairs;
    x->edge_count = count;
    x->out_offsets = out_offsets;
    x->out_targets = targets;
    x->edge_offsets = edge_offsets;
    e->rows = rows;
    build_reverse(a, x, pair_sources);
    free(pair_sources);
}

static bool build_edges(graph *g, edge_part *e, arrivals *x, const uint32_t *from_ids,
                        const uint32_t *to_ids, error *err)
{
    e->adjacency.source_count = dictionary_count(&g->vertices[e->label.from_label].dictionary);
    e->adjacency.target_count = dictionary_count(&g->vertices[e->label.to_label].dictionary);
    int target_bits = bits_of(e->adjacency.target_count),
        bits = target_bits + bits_of(e->adjacency.source_count);
    TRY(budget_take(&g->budget, x->count * 40, err));
    edge_item *items = memory_alloc(x->count * sizeof *items);
    uint64_t count = 0;
    for (uint64_t i = 0; i < x->count; i++)
        if (x->first[i] != UINT32_MAX)
            items[count++] =
                (edge_item){ (uint64_t)from_ids[x->first[i]] << target_bits | to_ids[x->second[i]],
                             x->row[i] };
    items = radix_sort(items, count, bits);
    build_forward(g->arena, items, count, target_bits, e);
    free(items);
    budget_give(&g->budget, x->count * 40);
    return true;
}

/* ---- Building everything ---- */

typedef struct build {
    interner **interners; /* of vertex labels */
    uint32_t **row_of;    /* of vertex labels: code → row, UINT32_MAX: none */
    uint32_t **ids;       /* of vertex labels: code → id */
    arrivals *vertices, *edges;
} build;

static bool read_all(graph *g, build *b, error *err)
{
    sql_connection *c;
    AUTO(arena_free) arena *a = arena_new();
    TRY(graph_connection(g, &c, err));
    for (size_t i = 0; i < g->schema.vertex_count; i++) {
        const source *s = &g->vertices[i].source;
        str key = source_key_sql(s, a, s->label->id, s->label->id_count);
        b->interners[i] = interner_new();
        TRY(arrivals_read(g, c, s, b->interners[i], b->interners[i], key, key, &b->vertices[i],
                          err));
    }
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        const edge_part *e = &g->edges[i];
        const schema_label *l = e->source.label;
        TRY(arrivals_read(g, c, &e->source, b->interners[e->label.from_label],
                          b->interners[e->label.to_label],
                          source_key_sql(&e->source, a, l->from, l->from_count),
                          source_key_sql(&e->source, a, l->to, l->to_count), &b->edges[i], err));
    }
    return true;
}

static void number_vertices(graph *g, build *b, size_t label)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const arrivals *x = &b->vertices[label];
    uint32_t count = interner_count(b->interners[label]);
    b->row_of[label] = memory_alloc((count + 1) * sizeof(uint32_t));
    b->ids[label] = memory_alloc((count + 1) * sizeof(uint32_t));
    memset(b->row_of[label], 0xFF, count * sizeof(uint32_t));
    for (uint64_t i = 0; i < x->count; i++) /* of rows with one key the first counts */
        if (x->first[i] != UINT32_MAX && x->row[i] < b->row_of[label][x->first[i]])
            b->row_of[label][x->first[i]] = x->row[i];
    dictionary_build(g->arena, interner_texts(b->interners[label], scratch), b->row_of[label],
                     count, &g->vertices[label].dictionary, b->ids[label]);
}

static bool build_all(graph *g, build *b, error *err)
{
    TRY(read_all(g, b, err));
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        number_vertices(g, b, i);
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        edge_part *e = &g->edges[i];
        TRY(build_edges(g, e, &b->edges[i], b->ids[e->label.from_label], b->ids[e->label.to_label],
                        err));
        arrivals_free(g, &b->edges[i]);
    }
    return true;
}

static bool build_topology(graph *g, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    size_t v = g->schema.vertex_count, e = g->schema.edge_count;
    build b = { arena_array_of(a, interner *, v), arena_array_of(a, uint32_t *, v),
                arena_array_of(a, uint32_t *, v), arena_array_of(a, arrivals, v),
                arena_array_of(a, arrivals, e) };
    bool works = build_all(g, &b, err);
    for (size_t i = 0; i < v; i++) {
        interner_free(b.interners[i]);
        free(b.row_of[i]);
        free(b.ids[i]);
        arrivals_free(g, &b.vertices[i]);
    }
    for (size_t i = 0; i < e; i++)
        arrivals_free(g, &b.edges[i]);
    return works;
}

/* ---- On disk ---- */

static str cache_name(graph *g, arena *a, char kind, size_t label)
{
    return str_format(a, STR_FMT "-%c%zu.cache", STR_ARG(g->cache_key), kind, label);
}

enum { VERTEX_SECTIONS = 5, EDGE_SECTIONS = 8 };

static void write_topology(graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    for (size_t i = 0; i < g->schema.vertex_count; i++) {
        const dictionary *d = &g->vertices[i].dictionary;
        uint64_t counts[] = { d->row_ip_count, d->row_text_count, d->end_ip_count,
                              d->end_text_count },
                 texts = d->row_text_count + d->end_text_count;
        cache_section s[VERTEX_SECTIONS] = { { counts, sizeof counts },
                                             { d->ips, (d->row_ip_count + d->end_ip_count) * 4 },
                                             { d->offsets, (texts + 1) * 8 },
                                             { d->heap, d->offsets[texts] },
                                             { d->rows, dictionary_row_count(d) * 4 } };
        cache_file_write(g->options.cache_folder, cache_name(g, a, 'v', i), s, VERTEX_SECTIONS);
    }
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        const graph_adjacency *x = &g->edges[i].adjacency;
        uint64_t counts[] = { x->source_count, x->target_count, x->pair_count, x->edge_count };
        cache_section s[EDGE_SECTIONS] = { { counts, sizeof counts },
                                           { x->out_offsets, (x->source_count + 1) * 8 },
                                           { x->out_targets, x->pair_count * 4 },
                                           { x->edge_offsets, (x->pair_count + 1) * 8 },
                                           { x->in_offsets, (x->target_count + 1) * 8 },
                                           { x->in_sources, x->pair_count * 4 },
                                           { x->in_pairs, x->pair_count * 4 },
                                           { g->edges[i].rows, x->edge_count * 4 } };
        cache_file_write(g->options.cache_folder, cache_name(g, a, 'e', i), s, EDGE_SECTIONS);
    }
}

static bool map_vertices(graph *g, arena *a, size_t i)
{
    cache_section s[VERTEX_SECTIONS];
    vertex_part *v = &g->vertices[i];
    if (!cache_file_open(g->options.cache_folder, cache_name(g, a, 'v', i), s, VERTEX_SECTIONS,
                         &v->map) ||
        s[0].bytes != 32)
        return false;
    const uint64_t *n = s[0].data;
    if (s[1].bytes != (n[0] + n[2]) * 4 || s[2].bytes != (n[1] + n[3] + 1) * 8 ||
        s[4].bytes != (n[0] + n[1]) * 4)
        return false;
    v->dictionary =
        (dictionary){ n[0], n[1], n[2], n[3], s[1].data, s[2].data, s[3].data, s[4].data };
    return true;
}

static bool map_edges(graph *g, arena *a, size_t i)
{
    cache_section s[EDGE_SECTIONS];
    edge_part *e = &g->edges[i];
    if (!cache_file_open(g->options.cache_folder, cache_name(g, a, 'e', i), s, EDGE_SECTIONS,
                         &e->map) ||
        s[0].bytes != 32)
        return false;
    const uint64_t *n = s[0].data;
    if (s[1].bytes != (n[0] + 1) * 8 || s[2].bytes != n[2] * 4 || s[3].bytes != (n[2] + 1) * 8 ||
        s[4].bytes != (n[1] + 1) * 8 || s[7].bytes != n[3] * 4)
        return false;
    e->adjacency = (graph_adjacency){ n[0],      n[1],      n[2],      n[3],      s[1].data,
                                      s[2].data, s[3].data, s[4].data, s[5].data, s[6].data };
    e->rows = s[7].data;
    return true;
}

static bool map_topology(graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    bool works = true;
    for (size_t i = 0; works && i < g->schema.vertex_count; i++)
        works = map_vertices(g, a, i);
    for (size_t i = 0; works && i < g->schema.edge_count; i++)
        works = map_edges(g, a, i);
    return works;
}

bool topology_need(graph *g, error *err)
{
    if (g->has_topology)
        return true;
    if (!map_topology(g)) {
        if (!build_topology(g, err))
            return fail_while(err, "building the graph");
        write_topology(g);
    }
    g->has_topology = true;
    return true;
}
