/* Dictionaries and adjacency: read keys through sinks, number them, lay the edges out by pair;
 * after new snapshots only what was added is read, and merged with what stands. */
#include <stdatomic.h>
#include <stdlib.h>

#include "graph/internal.h"

/* ---- Reading keys ---- */

static bool take_rows(void *context, const batch *in, error *err)
{
    arrivals *x = context;
    const column *first = &in->columns[0], *second = &in->columns[1];
    const int64_t *files = in->columns[2].data, *positions = in->columns[3].data;
    const int64_t *f = first->data, *s = second->data;
    TRY(patience_ask(&x->patience, err));
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
    source_note_read(g, s, &s->added);
    x->source = s;
    x->patience = patience_of_thread();
    TRY(sql_register_sink(g->options.engine, sink, types, 4, take_rows, x, err));
    TRY(sql_register_encode(g->options.engine, first, interner_encode, from, err));
    TRY(sql_register_encode(g->options.engine, second, interner_encode, to, err));
    AUTO(deletes_free) deletes *gone = NULL;
    TRY(source_live_sql(
        g, s, a, &s->added,
        str_format(a, STR_FMT " AS k1, " STR_FMT " AS k2", STR_ARG(first_sql), STR_ARG(second_sql)),
        &rows, &gone, err));
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
    TRY(block_take_unset(&g->memory, x->limit * sizeof *x->items, &x->block, err));
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
    vertex_part *v = &g->vertices[label];
    const dictionary *old = b->old ? &b->old->vertices[label].dictionary : &none;
    const arrivals *x = &b->vertices[label];
    uint32_t count = interner_count(b->interners[label]);
    uint32_t *ids = b->ids[label] = memory_alloc((count + 1) * sizeof(uint32_t));
    dictionary_extend(g->arena, old, b->interners[label], &v->dictionary, ids);
    dictionary *d = &v->dictionary;
    uint32_t *rows = arena_alloc(g->arena, (d->count + 1) * sizeof *rows);
    memset(rows, 0xFF, (d->count + 1) * sizeof *rows);
    for (uint64_t i = 0; i < old->count && v->rows.first_added; i++)
        if (old->rows[i] != NO_ROW && !row_is_dropped(&v->rows, old->rows[i]))
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
    patience waiting = patience_of_thread();
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        TRY(patience_ask(&waiting, err));
        edge_part *e = &g->edges[i];
        const edge_part *old_edges = b->old && e->rows.first_added ? &b->old->edges[i] : NULL;
        TRY(adjacency_build(g, e, old_edges, &b->edges[i], b->ids[e->label.from_label],
                            b->ids[e->label.to_label], err));
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
