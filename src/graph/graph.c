/* Opening a graph and asking it. */
#include "graph/graph.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "graph/internal.h"

enum { CACHE_FORMAT = 1 };

static column_type property_type(const source *s, str column)
{
    return source_column_type(s, column);
}

/* Attributes as declared, then key columns that are not among them: ids are readable as properties.
 */
static void describe(arena *a, const source *s, graph_label *ret)
{
    const schema_label *l = s->label;
    graph_property *out = arena_array_of(a, graph_property, l->property_count + l->id_count);
    size_t count = 0;
    for (size_t i = 0; i < l->property_count; i++) {
        bool is_id = false;
        for (size_t k = 0; k < l->id_count; k++)
            is_id |= str_eq(l->id[k], l->properties[i].column);
        out[count++] = (graph_property){ l->properties[i].name,
                                         property_type(s, l->properties[i].column), is_id };
    }
    for (size_t k = 0; k < l->id_count; k++) {
        bool is_there = false;
        for (size_t i = 0; i < l->property_count; i++)
            is_there |= str_eq(l->properties[i].name, l->id[k]);
        if (!is_there)
            out[count++] = (graph_property){ l->id[k], property_type(s, l->id[k]), true };
    }
    ret->name = l->label;
    ret->properties = out;
    ret->property_count = count;
}

static str property_column(const source *s, const graph_label *label, size_t property)
{
    return property < s->label->property_count ? s->label->properties[property].column
                                               : label->properties[property].name;
}

/* What the caches depend on: the schema and the snapshot of every table. */
static str make_cache_key(graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "%d/", CACHE_FORMAT);
    strbuf_add(&b, g->options.schema_json);
    for (size_t i = 0; i < g->schema.vertex_count + g->schema.edge_count; i++) {
        const source *s = i < g->schema.vertex_count ? &g->vertices[i].source
                                                     : &g->edges[i - g->schema.vertex_count].source;
        const iceberg_snapshot *now = iceberg_table_current(s->table);
        strbuf_format(&b, "/" STR_FMT ":%lld", STR_ARG(iceberg_table_uuid(s->table)),
                      (long long)(now ? now->id : -1));
    }
    uint64_t key[] = { hash64(b.data, b.len), hash64_seeded(b.data, b.len, 1) };
    return str_concat(g->arena, STR("graph-"), hex_encode(g->arena, key, sizeof key));
}

static bool open_sources(graph *g, error *err)
{
    arena *a = g->arena;
    g->vertices = arena_array_of(a, vertex_part, g->schema.vertex_count);
    g->edges = arena_array_of(a, edge_part, g->schema.edge_count);
    for (size_t i = 0; i < g->schema.vertex_count; i++) {
        vertex_part *v = &g->vertices[i];
        TRY(source_open(&g->options, a, &g->schema.vertices[i], &v->source, err));
        describe(a, &v->source, &v->label);
        v->columns = arena_array_of(a, cached_column, v->label.property_count);
    }
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        edge_part *e = &g->edges[i];
        TRY(source_open(&g->options, a, &g->schema.edges[i], &e->source, err));
        describe(a, &e->source, &e->label);
        e->label.from_label = (uint32_t)graph_find_vertex_label(g, g->schema.edges[i].from_label);
        e->label.to_label = (uint32_t)graph_find_vertex_label(g, g->schema.edges[i].to_label);
        e->columns = arena_array_of(a, cached_column, e->label.property_count);
    }
    return true;
}

/* Caches of snapshots that have gone by only take room. */
static void remove_old_caches(graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    DIR *dir = g->options.cache_folder.len ? opendir(str_to_c(a, g->options.cache_folder)) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        str name = str_of(e->d_name);
        if (str_starts_with(name, STR("graph-")) && !str_starts_with(name, g->cache_key) &&
            str_ends_with(name, STR(".cache")))
            unlink(str_format(a, STR_FMT "/%s%c", STR_ARG(g->options.cache_folder), e->d_name, 0)
                       .data);
    }
    if (dir)
        closedir(dir);
}

bool graph_open(const graph_options *options, graph **ret_graph, error *err)
{
    AUTO(graph_close) graph *g = memory_alloc(sizeof *g);
    g->arena = arena_new();
    pthread_mutex_init(&g->lock, NULL);
    g->options = *options;
    g->options.schema_json = str_copy(g->arena, options->schema_json);
    g->options.schema_name = str_copy(g->arena, options->schema_name);
    g->options.cache_folder = str_copy(g->arena, options->cache_folder);
    size_t half = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 2;
    g->budget = (budget){ .what = "the graph",
                          .limit_bytes = options->memory_bytes ? options->memory_bytes : half };
    TRY(schema_parse(g->arena, g->options.schema_json, g->options.schema_name, &g->schema, err));
    if (!open_sources(g, err))
        return fail_while(err, STR_FMT, STR_ARG(g->options.schema_name));
    g->cache_key = make_cache_key(g);
    *ret_graph = TAKE(g);
    return true;
}

void graph_close(graph *g)
{
    if (!g)
        return;
    for (size_t i = 0; g->vertices && i < g->schema.vertex_count; i++) {
        file_map_close(g->vertices[i].map);
        for (size_t k = 0; g->vertices[i].columns && k < g->vertices[i].label.property_count; k++)
            file_map_close(g->vertices[i].columns[k].map);
    }
    for (size_t i = 0; g->edges && i < g->schema.edge_count; i++) {
        file_map_close(g->edges[i].map);
        for (size_t k = 0; g->edges[i].columns && k < g->edges[i].label.property_count; k++)
            file_map_close(g->edges[i].columns[k].map);
    }
    sql_disconnect(g->connection);
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
    return g->schema.vertex_count;
}

const graph_label *graph_vertex_label(const graph *g, size_t label)
{
    return &g->vertices[label].label;
}

size_t graph_edge_label_count(const graph *g)
{
    return g->schema.edge_count;
}

const graph_label *graph_edge_label(const graph *g, size_t label)
{
    return &g->edges[label].label;
}

int graph_find_vertex_label(const graph *g, str name)
{
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        if (str_eq(g->schema.vertices[i].label, name))
            return (int)i;
    return -1;
}

int graph_find_edge_label(const graph *g, str name)
{
    for (size_t i = 0; i < g->schema.edge_count; i++)
        if (str_eq(g->schema.edges[i].label, name))
            return (int)i;
    return -1;
}

/* ---- Counting without building ---- */

static bool has_unique_key(const source *s)
{
    const iceberg_schema *schema = iceberg_table_schema(s->table);
    if (schema->identifier_count != s->label->id_count)
        return false;
    for (size_t i = 0; i < s->label->id_count; i++) {
        bool is_key = false;
        for (size_t k = 0; k < schema->identifier_count; k++)
            is_key |= iceberg_schema_find(schema, s->label->id[i])->id == schema->identifier_ids[k];
        if (!is_key)
            return false;
    }
    return true;
}

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
    TRY(source_sql(s, a, STR("1 AS x"), &rows, err));
    TRY(sql_query_int(c, str_format(a, "SELECT count(*) FROM " STR_FMT, STR_ARG(rows)), &count,
                      err));
    *ret = (uint64_t)count;
    return true;
}

static bool vertex_count(graph *g, size_t label, uint64_t *ret, error *err)
{
    vertex_part *v = &g->vertices[label];
    if (!g->has_topology && has_unique_key(&v->source) && v->source.label->where.len == 0)
        return count_live_rows(g, &v->source, ret, err);
    TRY(topology_need(g, err));
    *ret = dictionary_row_count(&v->dictionary);
    return true;
}

/* Whether the manifests say that no row has a null end. */
static bool has_no_null_ends(const source *s)
{
    const schema_label *l = s->label;
    const iceberg_schema *schema = iceberg_table_schema(s->table);
    for (size_t i = 0; i < s->scan.file_count; i++)
        for (size_t k = 0; k < l->from_count + l->to_count; k++) {
            int32_t id = iceberg_schema_find(schema, k < l->from_count ? l->from[k]
                                                                       : l->to[k - l->from_count])
                             ->id;
            const iceberg_file *f = &s->scan.files[i].file;
            int64_t nulls = -1;
            for (size_t n = 0; n < f->stats_count; n++)
                if (f->stats[n].field_id == id)
                    nulls = f->stats[n].null_count;
            if (nulls != 0)
                return false;
        }
    return true;
}

static bool edge_count(graph *g, size_t label, uint64_t *ret, error *err)
{
    edge_part *e = &g->edges[label];
    if (!g->has_topology && e->source.scan.delete_count == 0 && e->source.label->where.len == 0 &&
        has_no_null_ends(&e->source)) {
        *ret = (uint64_t)e->source.scan.row_count;
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
    bool works = LOCKED(g, topology_need(g, err));
    if (works)
        remove_old_caches(g);
    return works;
}

bool graph_vertex_count(graph *g, size_t label, uint64_t *ret_count, error *err)
{
    return LOCKED(g, vertex_count(g, label, ret_count, err));
}

bool graph_edge_count(graph *g, size_t label, uint64_t *ret_count, error *err)
{
    return LOCKED(g, edge_count(g, label, ret_count, err));
}

bool graph_vertex_id_limit(graph *g, size_t label, uint64_t *ret_limit, error *err)
{
    TRY(need_topology(g, err));
    *ret_limit = dictionary_count(&g->vertices[label].dictionary);
    return true;
}

bool graph_vertex_find(graph *g, size_t label, str key, uint64_t *ret_id, bool *ret_is_found,
                       error *err)
{
    TRY(need_topology(g, err));
    *ret_is_found = dictionary_find(&g->vertices[label].dictionary, key, ret_id);
    return true;
}

bool graph_vertex_key(graph *g, size_t label, uint64_t id, arena *a, str *ret_key, error *err)
{
    TRY(need_topology(g, err));
    assert(id < dictionary_count(&g->vertices[label].dictionary));
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
    TRY(need_topology(g, err));
    *ret_adjacency = &g->edges[label].adjacency;
    return true;
}

/* The largest index whose offset is not above `x`. */
static uint64_t find_offset(const uint64_t *offsets, uint64_t count, uint64_t x)
{
    uint64_t low = 0, high = count;
    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;
        if (offsets[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void graph_edge_ends(const graph_adjacency *x, uint64_t edge, uint32_t *ret_source,
                     uint32_t *ret_target)
{
    assert(edge < x->edge_count);
    uint64_t pair = find_offset(x->edge_offsets, x->pair_count, edge);
    *ret_target = x->out_targets[pair];
    /* of sources with no pairs the offset is the same: the last one that is not above owns the pair
     */
    *ret_source = (uint32_t)find_offset(x->out_offsets, x->source_count, pair);
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
    return property_load(g, &v->source, property_column(&v->source, &v->label, property),
                         v->label.properties[property].type, v->dictionary.rows,
                         dictionary_row_count(&v->dictionary),
                         column_cache_name(g, 'p', label, property), &v->columns[property], err);
}

static bool edge_column(graph *g, size_t label, size_t property, error *err)
{
    edge_part *e = &g->edges[label];
    return property_load(g, &e->source, property_column(&e->source, &e->label, property),
                         e->label.properties[property].type, e->rows, e->adjacency.edge_count,
                         column_cache_name(g, 'q', label, property), &e->columns[property], err);
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

bool graph_edge_key(graph *g, size_t label, uint64_t edge, arena *a, str *ret_key, error *err)
{
    int property = id_property(&g->edges[label]);
    if (property < 0) {
        *ret_key = str_format(a, "%llu", (unsigned long long)edge);
        return true;
    }
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
