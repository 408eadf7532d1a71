/* Opening a graph and asking it. */
#include "graph/graph.h"

#include <assert.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "graph/scratch.h"

enum { CACHE_FORMAT = 2, MOST_RESERVE = 256 << 20 };

/* Tables that disagree on a type make it text. */
static column_type property_type(const label_rows *rows,
                                 const schema_column *(*column_of)(const schema_source *, size_t),
                                 size_t i)
{
    column_type type = COLUMN_STRING;
    bool is_first = true;
    for (size_t k = 0; k < rows->schema->source_count; k++) {
        const schema_column *c = column_of(rows->sources[k].schema, i);
        if (c->name.len == 0)
            continue;
        column_type other = source_column_type(&rows->sources[k], c);
        type = is_first || other == type ? other : COLUMN_STRING;
        is_first = false;
    }
    return type;
}

static const schema_column *declared(const schema_source *s, size_t i)
{
    return &s->columns[i];
}

static const schema_column *key_part(const schema_source *s, size_t i)
{
    return &s->id[i];
}

/* Attributes as declared, then key columns that are not among them: ids are readable as properties.
 */
static void describe(arena *a, const label_rows *rows, graph_label *ret)
{
    const schema_label *l = rows->schema;
    graph_property *out = arena_array_of(a, graph_property, l->property_count + l->id_count);
    size_t count = 0;
    for (size_t i = 0; i < l->property_count; i++) {
        bool is_id = false;
        for (size_t k = 0; k < l->id_count; k++)
            is_id |= str_eq(l->sources[0].id[k].name, l->sources[0].columns[i].name);
        out[count++] =
            (graph_property){ l->properties[i].name, property_type(rows, declared, i), is_id };
    }
    for (size_t k = 0; k < l->id_count; k++) {
        bool is_there = false;
        for (size_t i = 0; i < l->property_count; i++)
            is_there |= str_eq(l->properties[i].name, l->id_names[k]);
        if (!is_there)
            out[count++] =
                (graph_property){ l->id_names[k], property_type(rows, key_part, k), true };
    }
    ret->name = l->label;
    ret->properties = out;
    ret->property_count = count;
}

/* What the caches depend on: the schema, and the snapshot of every table. */
static void make_cache_key(graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a), c = strbuf_new(a);
    strbuf_format(&b, "%d/", CACHE_FORMAT);
    strbuf_add(&b, g->options.schema_json);
    for (size_t i = 0; i < g->schema.vertex_count + g->schema.edge_count; i++) {
        const label_rows *rows = i < g->schema.vertex_count
                                     ? &g->vertices[i].rows
                                     : &g->edges[i - g->schema.vertex_count].rows;
        for (size_t k = 0; k < rows->schema->source_count; k++) {
            strbuf_format(&b, "/" STR_FMT, STR_ARG(iceberg_table_uuid(rows->sources[k].table)));
            strbuf_format(&c, "/%lld", (long long)rows->sources[k].snapshot_id);
        }
    }
    uint64_t schema[] = { hash64(b.data, b.len), hash64_seeded(b.data, b.len, 1) },
             snapshots = hash64(c.data, c.len);
    g->schema_key =
        str_concat(g->arena, STR("graph-"), hex_encode(g->arena, schema, sizeof schema));
    g->cache_key = str_format(g->arena, STR_FMT "-" STR_FMT, STR_ARG(g->schema_key),
                              STR_ARG(hex_encode(g->arena, &snapshots, sizeof snapshots)));
}

static bool open_sources(graph *g, error *err)
{
    arena *a = g->arena;
    g->vertices = arena_array_of(a, vertex_part, g->schema.vertex_count);
    g->edges = arena_array_of(a, edge_part, g->schema.edge_count);
    for (size_t i = 0; i < g->schema.vertex_count; i++) {
        vertex_part *v = &g->vertices[i];
        TRY(label_rows_open(&g->options, a, &g->schema.vertices[i], &v->rows, err));
        describe(a, &v->rows, &v->label);
        v->columns = arena_array_of(a, cached_column, v->label.property_count);
    }
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        edge_part *e = &g->edges[i];
        TRY(label_rows_open(&g->options, a, &g->schema.edges[i], &e->rows, err));
        describe(a, &e->rows, &e->label);
        e->label.from_label = (uint32_t)graph_find_vertex_label(g, g->schema.edges[i].from_label);
        e->label.to_label = (uint32_t)graph_find_vertex_label(g, g->schema.edges[i].to_label);
        e->columns = arena_array_of(a, cached_column, e->label.property_count);
    }
    return true;
}

static void graph_start(const graph_options *options, graph **ret)
{
    graph *g = memory_alloc(sizeof *g);
    g->arena = arena_new();
    g->shares = 1;
    pthread_mutex_init(&g->lock, NULL);
    g->options = *options;
    g->options.schema_json = str_copy(g->arena, options->schema_json);
    g->options.schema_name = str_copy(g->arena, options->schema_name);
    g->options.cache_folder = str_copy(g->arena, options->cache_folder);
    size_t half = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 2;
    size_t all = options->memory_bytes ? options->memory_bytes : half,
           ready = all / 8 < MOST_RESERVE ? all / 8 : MOST_RESERVE;
    reserve_set_limit(ready);
    g->memory.budget = (budget){ .what = "the graph", .limit_bytes = all - ready };
    g->memory.folder = g->options.cache_folder;
    *ret = g;
}

bool graph_open(const graph_options *options, graph **ret_graph, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    graph_start(options, &g);
    TRY(schema_parse(g->arena, g->options.schema_json, g->options.schema_name, &g->schema, err));
    if (!open_sources(g, err))
        return fail_while(err, STR_FMT, STR_ARG(g->options.schema_name));
    make_cache_key(g);
    *ret_graph = TAKE(g);
    return true;
}

graph *graph_share(graph *g)
{
    atomic_fetch_add(&g->shares, 1);
    return g;
}

void graph_close(graph *g)
{
    if (!g || atomic_fetch_sub(&g->shares, 1) > 1)
        return;
    keeper_stop(g->keeper);
    for (size_t i = 0; g->vertices && i < g->schema.vertex_count; i++) {
        vertex_part *v = &g->vertices[i];
        for (size_t k = 0; v->columns && k < v->label.property_count; k++)
            column_free(g, &v->columns[k]);
        file_map_close(v->map);
    }
    for (size_t i = 0; g->edges && i < g->schema.edge_count; i++) {
        edge_part *e = &g->edges[i];
        for (size_t k = 0; e->columns && k < e->label.property_count; k++)
            column_free(g, &e->columns[k]);
        for (size_t k = 0; k < PART_BLOCKS; k++)
            block_give(&g->memory, &e->blocks[k]);
        file_map_close(e->map);
        arena_free(e->key_arena);
    }
    sql_disconnect(g->connection);
    if (g->scratch)
        scratch_free(g->scratch);
    pthread_mutex_destroy(&g->lock);
    arena_free(g->arena);
    free(g);
}

bool graph_schema_check(const graph_options *options, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    return graph_open(options, &g, err);
}

bool graph_connection(graph *g, sql_connection **ret, error *err)
{
    if (!g->connection && !g->options.engine && g->options.find_engine)
        TRY(g->options.find_engine(g->options.engine_context, &g->options.engine, err));
    if (!g->connection)
        TRY(sql_connect(g->options.engine, &g->connection, err));
    *ret = g->connection;
    return true;
}

/* ---- Labels ---- */

size_t graph_vertex_label_count(const graph *g)
{
    return g->scratch ? scratch_label_count(g->scratch, true) : g->schema.vertex_count;
}

const graph_label *graph_vertex_label(const graph *g, size_t label)
{
    return g->scratch ? scratch_label(g->scratch, true, label) : &g->vertices[label].label;
}

size_t graph_edge_label_count(const graph *g)
{
    return g->scratch ? scratch_label_count(g->scratch, false) : g->schema.edge_count;
}

const graph_label *graph_edge_label(const graph *g, size_t label)
{
    return g->scratch ? scratch_label(g->scratch, false, label) : &g->edges[label].label;
}

int graph_find_vertex_label(const graph *g, str name)
{
    if (g->scratch)
        return scratch_find_label(g->scratch, true, name);
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        if (str_eq(g->schema.vertices[i].label, name))
            return (int)i;
    return -1;
}

int graph_find_edge_label(const graph *g, str name)
{
    if (g->scratch)
        return scratch_find_label(g->scratch, false, name);
    for (size_t i = 0; i < g->schema.edge_count; i++)
        if (str_eq(g->schema.edges[i].label, name))
            return (int)i;
    return -1;
}

/* ---- The topology, on first use ---- */

/* The cache is written while the first questions are answered. */
static void topology_ready(graph *g, bool is_new)
{
    g->keeper = keeper_start(g, is_new);
    __atomic_store_n(&g->has_topology, true, __ATOMIC_RELEASE);
}

static bool topology_need(graph *g, error *err)
{
    if (g->has_topology)
        return true;
    if (topology_map(g, g->cache_key)) {
        topology_ready(g, false);
        return true;
    }
    AUTO(graph_close) graph *older = topology_find_older(g);
    TRY(topology_build(g, older, err));
    topology_ready(g, true);
    return true;
}

bool graph_refresh(graph *old, const graph_options *options, graph **ret_graph, error *err)
{
    AUTO(graph_close) graph *g = NULL;
    *ret_graph = NULL;
    TRY(graph_open(options, &g, err));
    if (str_eq(g->cache_key, old->cache_key))
        return true;
    bool is_same_schema = str_eq(g->schema_key, old->schema_key);
    pthread_mutex_lock(&old->lock); /* its columns must stay while they are copied */
    bool works = true;
    if (is_same_schema && old->has_topology) {
        works = topology_build(g, old, err);
        for (size_t i = 0; works && i < g->schema.edge_count; i++)
            for (size_t k = 0; works && k < g->edges[i].label.property_count; k++)
                works = property_carry(g, &g->edges[i], k, &old->edges[i].columns[k],
                                       &g->edges[i].columns[k], err);
        if (works)
            topology_ready(g, true);
    }
    pthread_mutex_unlock(&old->lock);
    if (works)
        *ret_graph = TAKE(g);
    return works;
}

static bool are_current(const label_rows *rows, const graph_options *options, bool *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    for (size_t i = 0; *ret && i < rows->schema->source_count; i++) {
        const source *s = &rows->sources[i];
        catalog *c;
        str uri;
        TRY(options->find_catalog(options->find_context, s->schema->catalog, &c, err));
        TRY(catalog_locate(c, a, s->schema->namespace, s->schema->table, &uri, err));
        *ret = str_eq(uri, iceberg_table_metadata_uri(s->table));
    }
    return true;
}

bool graph_is_current(const graph *g, const graph_options *options, bool *ret, error *err)
{
    *ret = true;
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        TRY(are_current(&g->vertices[i].rows, options, ret, err));
    for (size_t i = 0; i < g->schema.edge_count; i++)
        TRY(are_current(&g->edges[i].rows, options, ret, err));
    return true;
}

/* ---- Running queries hold columns ---- */

uint64_t graph_enter(graph *g)
{
    pthread_mutex_lock(&g->lock);
    uint64_t ticket = ++g->ticket;
    size_t free_place = g->readers.count;
    for (size_t i = 0; i < g->readers.count; i++)
        if (g->readers.items[i] == UINT64_MAX)
            free_place = i;
    if (free_place == g->readers.count)
        vec_push(g->arena, &g->readers, ticket);
    else
        g->readers.items[free_place] = ticket;
    pthread_mutex_unlock(&g->lock);
    return ticket;
}

void graph_leave(graph *g, uint64_t ticket)
{
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < g->readers.count; i++)
        if (g->readers.items[i] == ticket)
            g->readers.items[i] = UINT64_MAX;
    pthread_mutex_unlock(&g->lock);
}

/* ---- Counting without building ---- */

/* Rows that no delete takes out, when the metadata alone cannot say. */
static bool count_live_rows(graph *g, const source *s, uint64_t *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    sql_connection *c;
    str rows;
    int64_t count;
    if (s->scan.delete_count == 0) {
        *ret = (uint64_t)s->scan.row_count;
        return true;
    }
    TRY(graph_connection(g, &c, err));
    source_note_read(g, s, &s->scan);
    TRY(source_sql(s, a, &s->scan, STR("1 AS x"), &rows, err));
    TRY(sql_query_int(c, str_format(a, "SELECT count(*) FROM " STR_FMT, STR_ARG(rows)), &count,
                      err));
    *ret = (uint64_t)count;
    return true;
}

static bool vertex_count(graph *g, size_t label, uint64_t *ret, error *err)
{
    vertex_part *v = &g->vertices[label];
    if (!g->has_topology && label_rows_have_unique_key(&v->rows) &&
        !label_rows_have_filter(&v->rows))
        return count_live_rows(g, &v->rows.sources[0], ret, err);
    TRY(topology_need(g, err));
    *ret = v->dictionary.row_count;
    return true;
}

static int64_t null_count(const iceberg_file *f, int32_t field_id)
{
    for (size_t i = 0; i < f->stats_count; i++)
        if (f->stats[i].field_id == field_id)
            return f->stats[i].null_count;
    return -1;
}

/* Whether the manifests say that no row has a null end. */
static bool has_no_null_ends(const label_rows *rows)
{
    const schema_label *l = rows->schema;
    for (size_t n = 0; n < l->source_count; n++) {
        const source *s = &rows->sources[n];
        const iceberg_schema *schema = iceberg_table_schema(s->table);
        for (size_t k = 0; k < l->from_count + l->to_count; k++) {
            const schema_column *c =
                k < l->from_count ? &s->schema->from[k] : &s->schema->to[k - l->from_count];
            for (size_t i = 0; i < s->scan.file_count; i++)
                if (c->is_expression || null_count(&s->scan.files[i].file,
                                                   iceberg_schema_find(schema, c->name)->id) != 0)
                    return false;
        }
    }
    return true;
}

static bool edge_count(graph *g, size_t label, uint64_t *ret, error *err)
{
    edge_part *e = &g->edges[label];
    if (!g->has_topology && !label_rows_have_deletes(&e->rows) &&
        !label_rows_have_filter(&e->rows) && has_no_null_ends(&e->rows)) {
        *ret = label_rows_count(&e->rows);
        return true;
    }
    TRY(topology_need(g, err));
    *ret = e->adjacency.edge_count;
    return true;
}

/* ---- Asking, under the lock ---- */

#define LOCKED(g, call)                                                                            \
    ({                                                                                             \
        pthread_mutex_lock(&(g)->lock);                                                            \
        bool locked_ = (call);                                                                     \
        pthread_mutex_unlock(&(g)->lock);                                                          \
        locked_;                                                                                   \
    })

static bool need_topology(graph *g, error *err)
{
    if (__atomic_load_n(&g->has_topology, __ATOMIC_ACQUIRE))
        return true;
    return LOCKED(g, topology_need(g, err));
}

graph_reads graph_reads_so_far(graph *g)
{
    pthread_mutex_lock(&g->lock);
    graph_reads reads = g->reads;
    pthread_mutex_unlock(&g->lock);
    return reads;
}

bool graph_vertex_count(graph *g, size_t label, uint64_t *ret_count, error *err)
{
    if (g->scratch) {
        *ret_count = scratch_count(g->scratch, true, label);
        return true;
    }
    return LOCKED(g, vertex_count(g, label, ret_count, err));
}

bool graph_edge_count(graph *g, size_t label, uint64_t *ret_count, error *err)
{
    if (g->scratch) {
        *ret_count = scratch_count(g->scratch, false, label);
        return true;
    }
    return LOCKED(g, edge_count(g, label, ret_count, err));
}

bool graph_vertex_id_limit(graph *g, size_t label, uint64_t *ret_limit, error *err)
{
    if (g->scratch) {
        *ret_limit = scratch_id_limit(g->scratch, label);
        return true;
    }
    TRY(need_topology(g, err));
    *ret_limit = g->vertices[label].dictionary.count;
    return true;
}

bool graph_vertex_find(graph *g, size_t label, str key, uint64_t *ret_id, bool *ret_is_found,
                       error *err)
{
    if (g->scratch)
        return scratch_find_key(g, true, label, key, ret_id, ret_is_found);
    TRY(need_topology(g, err));
    *ret_is_found = dictionary_find(&g->vertices[label].dictionary, key, ret_id);
    return true;
}

bool graph_vertex_address_ranges(graph *g, size_t label, uint32_t first, uint32_t last, arena *a,
                                 graph_range **ret, size_t *ret_count, error *err)
{
    if (g->scratch)
        return fail(err, ERR_INVALID, "a scratch graph has no order of addresses");
    TRY(need_topology(g, err));
    const dictionary *d = &g->vertices[label].dictionary;
    *ret = arena_array_of(a, graph_range, d->run_count + 1);
    *ret_count = dictionary_address_ranges(d, first, last, *ret);
    return true;
}

bool graph_vertex_key(graph *g, size_t label, uint64_t id, arena *a, str *ret_key, error *err)
{
    if (g->scratch) {
        *ret_key = scratch_key(g, true, graph_ref_of(label, id), a);
        return true;
    }
    TRY(need_topology(g, err));
    assert(id < g->vertices[label].dictionary.count);
    *ret_key = dictionary_key(&g->vertices[label].dictionary, a, id);
    return true;
}

bool graph_vertex_keys(graph *g, size_t label, const uint64_t *ids, size_t count, arena *a,
                       str *ret_keys, error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(graph_vertex_key(g, label, ids[i], a, &ret_keys[i], err));
    return true;
}

bool graph_adjacency_get(graph *g, size_t label, const graph_adjacency **ret_adjacency, error *err)
{
    if (g->scratch) {
        *ret_adjacency = scratch_adjacency_get(g->scratch, label);
        return true;
    }
    TRY(need_topology(g, err));
    *ret_adjacency = &g->edges[label].adjacency;
    return true;
}

/* The largest index whose offset is not above `x`. */
#define DEFINE_FIND(name, type)                                                                    \
    static uint64_t name(const type *offsets, uint64_t count, uint64_t x)                          \
    {                                                                                              \
        uint64_t low = 0, high = count;                                                            \
        while (low + 1 < high) {                                                                   \
            uint64_t middle = (low + high) / 2;                                                    \
            if (offsets[middle] <= x)                                                              \
                low = middle;                                                                      \
            else                                                                                   \
                high = middle;                                                                     \
        }                                                                                          \
        return low;                                                                                \
    }
DEFINE_FIND(find_pair, uint32_t)
DEFINE_FIND(find_source, uint64_t)

void graph_edge_ends(const graph_adjacency *x, uint64_t edge, uint32_t *ret_source,
                     uint32_t *ret_target)
{
    assert(edge < x->edge_count);
    uint64_t pair = find_pair(x->edge_offsets, x->pair_count, edge);
    *ret_target = x->out_targets[pair];
    /* of sources with no pairs the offset is the same: the last one that is not above owns the pair
     */
    *ret_source = (uint32_t)find_source(x->out_offsets, x->source_count, pair);
}

/* ---- Properties ---- */

static str column_cache_name(graph *g, char kind, size_t label, size_t property)
{
    return str_format(g->arena, STR_FMT "-%c%zu-%zu.cache", STR_ARG(g->cache_key), kind, label,
                      property);
}

static bool vertex_column(graph *g, size_t label, size_t property, error *err)
{
    vertex_part *v = &g->vertices[label];
    cached_column *c = &v->columns[property];
    TRY(property_load(g, &v->rows, property, v->label.properties[property].type, NULL, v,
                      column_cache_name(g, 'p', label, property), c, err));
    c->last_use = ++g->ticket;
    return true;
}

static bool edge_column(graph *g, size_t label, size_t property, error *err)
{
    edge_part *e = &g->edges[label];
    cached_column *c = &e->columns[property];
    bool is_new = !c->is_loaded;
    TRY(property_load(g, &e->rows, property, e->label.properties[property].type, e, NULL,
                      column_cache_name(g, 'q', label, property), c, err));
    c->last_use = ++g->ticket;
    if (is_new)
        keeper_wake(g->keeper);
    return true;
}

bool graph_vertex_column(graph *g, size_t label, size_t property, const graph_column **ret_column,
                         error *err)
{
    TRY(need_topology(g, err));
    TRY(LOCKED(g, vertex_column(g, label, property, err)));
    *ret_column = &g->vertices[label].columns[property].column;
    return true;
}

bool graph_edge_column(graph *g, size_t label, size_t property, const graph_column **ret_column,
                       error *err)
{
    TRY(need_topology(g, err));
    TRY(LOCKED(g, edge_column(g, label, property, err)));
    *ret_column = &g->edges[label].columns[property].column;
    return true;
}

bool graph_vertex_rows(graph *g, size_t label, const uint32_t **ret_rows, error *err)
{
    if (g->scratch) {
        *ret_rows = scratch_rows(g->scratch);
        return true;
    }
    TRY(need_topology(g, err));
    *ret_rows = g->vertices[label].dictionary.rows;
    return true;
}

/* ---- Edge ids ---- */

/* The property that is the edge's one id column; -1: it has none, or several. */
static int id_property(const edge_part *e)
{
    int found = -1;
    for (size_t i = 0; i < e->label.property_count; i++)
        if (e->label.properties[i].is_id) {
            if (found >= 0)
                return -1;
            found = (int)i;
        }
    return found;
}

/* Ids are shown of few edges: those are looked up one by one, until the whole column is cheaper. */
static bool edge_key_alone(graph *g, size_t label, size_t property, uint64_t edge, arena *a,
                           str *ret_key, error *err)
{
    edge_part *e = &g->edges[label];
    if (!e->key_arena) {
        e->key_arena = arena_new();
        e->keys = map_new(e->key_arena);
    }
    str number = { (const char *)&edge, sizeof edge };
    const str *known = map_get(&e->keys, number);
    if (!known) {
        str *key = arena_new_of(e->key_arena, str);
        TRY(property_fetch_one(g, &e->rows, property, e->label.properties[property].name,
                               packed_get(&e->row_of, edge), e->key_arena, key, err));
        map_set(&e->keys, str_copy(e->key_arena, number), key);
        known = key;
    }
    *ret_key = str_copy(a, *known);
    return true;
}

bool graph_edge_key(graph *g, size_t label, uint64_t edge, arena *a, str *ret_key, error *err)
{
    enum { FEW_KEYS = 256 };
    if (g->scratch) {
        *ret_key = scratch_key(g, false, graph_ref_of(label, edge), a);
        return true;
    }
    edge_part *e = &g->edges[label];
    int property = id_property(e);
    if (property < 0) {
        *ret_key = str_format(a, "%llu", (unsigned long long)edge);
        return true;
    }
    TRY(need_topology(g, err));
    if (!e->columns[property].is_loaded && e->keys.count < FEW_KEYS)
        return LOCKED(g, edge_key_alone(g, label, (size_t)property, edge, a, ret_key, err));
    const graph_column *c;
    TRY(graph_edge_column(g, label, (size_t)property, &c, err));
    value v = graph_column_value(c, edge, a);
    *ret_key = v.kind == VALUE_STRING || v.kind == VALUE_UUID ? v.text
               : v.kind == VALUE_INT ? str_format(a, "%lld", (long long)v.integer)
                                     : STR("");
    return true;
}

bool graph_edge_find(graph *g, size_t label, str key, uint64_t *ret_edge, bool *ret_is_found,
                     error *err)
{
    if (g->scratch)
        return scratch_find_key(g, false, label, key, ret_edge, ret_is_found);
    AUTO(arena_free) arena *a = arena_new();
    int property = id_property(&g->edges[label]);
    const graph_adjacency *x;
    TRY(graph_adjacency_get(g, label, &x, err));
    *ret_is_found = false;
    if (property < 0) {
        *ret_is_found = str_to_u64(key, ret_edge) && *ret_edge < x->edge_count;
        return true;
    }
    for (uint64_t i = 0; i < x->edge_count && !*ret_is_found; i++) {
        str other;
        TRY(graph_edge_key(g, label, i, a, &other, err));
        *ret_is_found = str_eq(other, key);
        *ret_edge = i;
        if (i % 4096 == 0)
            arena_reset(a);
    }
    return true;
}
