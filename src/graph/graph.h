/* A graph over tables, at one moment: labels, ids, adjacency and property columns. Everything else
 * about where these come from (schema formats, snapshots, cache files) is this folder's own
 * business. */
#pragma once

#include "catalog/catalog.h"
#include "column/sql.h"

/* Immutable once opened, pinned to one snapshot of every table; safe to read from several threads.
 * Adjacency and columns are built on first use, under a lock. */
typedef struct graph graph;

/* Finds the catalog that a graph schema names; owned by the caller. ERR_NOT_FOUND when there is
 * none. */
typedef bool (*graph_find_catalog)(void *context, str name, catalog **ret_catalog, error *err);

typedef struct graph_options {
    str schema_json;                 /* any of the three formats */
    str schema_name;                 /* for messages: file name or "graph schema" */
    graph_find_catalog find_catalog; /* asked only while the graph opens */
    void *find_context;
    sql_engine *engine; /* may be NULL when `find_engine` starts it on first need */
    bool (*find_engine)(void *context, sql_engine **ret_engine, error *err);
    void *engine_context;
    str cache_folder;    /* local path; empty: nothing is kept on disk */
    size_t memory_bytes; /* budget for adjacency and columns; 0: half the machine. Beyond it
                            columns are evicted, then arrays move to files in cache_folder. */
    int64_t as_of_ms;    /* of every table the snapshot that was current then; 0: now */
} graph_options;

/* Reads only schema and table metadata: a few milliseconds. */
NODISCARD bool graph_open(const graph_options *options, graph **ret_graph, error *err);
/* Freed when the last one that shares it closes it. */
graph *graph_share(graph *g);
void graph_close(graph *g);
DEFINE_AUTO(graph, graph_close)
/* The same graph at the tables' newest snapshots: adjacency and loaded columns are brought up to
 * date by reading only what was added. `*ret_graph` NULL: nothing has changed. `old` stays as it
 * is, for those who still read it. */
NODISCARD bool graph_refresh(graph *old, const graph_options *options, graph **ret_graph,
                             error *err);
/* Whether the tables are still as the graph has them; cheap. */
NODISCARD bool graph_is_current(const graph *g, const graph_options *options, bool *ret,
                                error *err);
/* When a snapshot of one of the tables was made, in milliseconds since 1970. ERR_NOT_FOUND: none
 * has it. */
NODISCARD bool graph_snapshot_time(const graph *g, int64_t snapshot_id, int64_t *ret_ms,
                                   error *err);
/* A reader: columns that it asks for stay until it leaves. */
uint64_t graph_enter(graph *g);
void graph_leave(graph *g, uint64_t ticket);
/* Everything `floe schema validate` checks: JSON path and name of what is at fault in each line of
 * the error. */
NODISCARD bool graph_schema_check(const graph_options *options, error *err);

/* A property of a label and the column of a table that it is; `column` is empty where it is an
 * expression. "~from" and "~to" are the ends of edges. */
typedef struct graph_origin {
    str label, property;
    bool is_vertex;
    str catalog, namespace, table, column, expression;
} graph_origin;
/* All of a schema, in `a`; only the text is read. */
NODISCARD bool graph_schema_origins(arena *a, str json, str name, const graph_origin **ret,
                                    size_t *ret_count, error *err);

/* What has been read from tables' files for a graph so far, whoever asked. Files that were passed
 * over belong to the tables, but held nothing that was wanted. Of columns only those wanted are
 * read; the bytes are those of the whole files. */
typedef struct graph_reads {
    uint64_t scans, files, files_passed_over, row_groups, bytes;
} graph_reads;
graph_reads graph_reads_so_far(graph *g);

/* Asked now and then by calls that this thread makes while they read tables, from other threads,
 * too: false ends them with its error. NULL: nobody is asked. */
typedef bool (*graph_ask)(void *context, error *err);
void graph_set_patience(graph_ask ask, void *context);

/* ---- Labels ---- */

typedef struct graph_property {
    str name; /* as queries name it */
    column_type type;
    bool is_id; /* part of the key; readable as a property all the same */
} graph_property;

typedef struct graph_label {
    str name;
    const graph_property *properties;
    size_t property_count;
    uint32_t from_label, to_label; /* of an edge label: indexes into the vertex labels */
} graph_label;

size_t graph_vertex_label_count(const graph *g);
const graph_label *graph_vertex_label(const graph *g, size_t label);
size_t graph_edge_label_count(const graph *g);
const graph_label *graph_edge_label(const graph *g, size_t label);
/* Index by name, or -1. */
int graph_find_vertex_label(const graph *g, str name);
int graph_find_edge_label(const graph *g, str name);

/* The label's rows as a SELECT over the tables' files. Vertices: "ref" ('label[key]') and each
 * property under its name, one row a key. Edges: "ref" (a number, one a row; above
 * GRAPH_RELATION_EDGE_SHIFT it is the label's), "id" ('label[key]', null when
 * the label has no key), "from", "to" (refs of vertices), properties. */
enum { GRAPH_RELATION_EDGE_SHIFT = 57 };
NODISCARD bool graph_relation_sql(graph *g, bool is_vertex, size_t label, arena *a, str *ret_sql,
                                  error *err);

/* ---- References: what a VALUE_VERTEX or VALUE_EDGE holds ---- */

/* Vertex: label << 48 | dense id. Edge: label << 48 | position in pair order. */
typedef uint64_t graph_ref;
static inline graph_ref graph_ref_of(size_t label, uint64_t number)
{
    return (graph_ref)label << 48 | number;
}
static inline size_t graph_ref_label(graph_ref r)
{
    return (size_t)(r >> 48);
}
static inline uint64_t graph_ref_number(graph_ref r)
{
    return r & 0xFFFFFFFFFFFFull;
}

/* ---- Vertices ---- */

/* Number of rows of the label's table; from Iceberg's metadata when no delete or filter forbids it.
 */
NODISCARD bool graph_vertex_count(graph *g, size_t label, uint64_t *ret_count, error *err);
/* Dense ids run from 0 to the result, of which `graph_vertex_count` have a row in the label's
 * tables; the others are only named by edges (they have a key but no properties, and V() does not
 * list them). */
NODISCARD bool graph_vertex_id_limit(graph *g, size_t label, uint64_t *ret_limit, error *err);
/* For each id the number of its row, GRAPH_NO_ROW where it has none. Lives as long as the graph. */
#define GRAPH_NO_ROW UINT32_MAX
NODISCARD bool graph_vertex_rows(graph *g, size_t label, const uint32_t **ret_rows, error *err);
/* The vertex with this key (text of the key column; composite keys joined by '\x1F').
 * `*ret_is_found` false: none. */
NODISCARD bool graph_vertex_find(graph *g, size_t label, str key, uint64_t *ret_id,
                                 bool *ret_is_found, error *err);
/* Dense ids of the keys that are IPv4 addresses from `first` to `last`: few ranges, since such keys
 * are numbered in order. Of a scratch graph: ERR_INVALID. */
typedef struct graph_range {
    uint64_t from, to; /* the end is outside */
} graph_range;
NODISCARD bool graph_vertex_address_ranges(graph *g, size_t label, uint32_t first, uint32_t last,
                                           arena *a, graph_range **ret, size_t *ret_count,
                                           error *err);
NODISCARD bool graph_vertex_key(graph *g, size_t label, uint64_t id, arena *a, str *ret_key,
                                error *err);
/* The same for several at once. */
NODISCARD bool graph_vertex_keys(graph *g, size_t label, const uint64_t *ids, size_t count,
                                 arena *a, str *ret_keys, error *err);

/* ---- Edges ---- */

/* Both directions of one edge label over distinct (source, target) pairs. Offsets have one more
 * entry than what they index. Pairs are sorted by source, then target; edges by pair. Lives as long
 * as the graph. */
typedef struct graph_adjacency {
    uint64_t source_count, target_count; /* id limits of the two vertex labels */
    uint64_t pair_count, edge_count;
    const uint64_t *out_offsets;  /* source → pairs */
    const uint32_t *out_targets;  /* pair → target */
    const uint32_t *edge_offsets; /* pair → edges, in pair order */
    const uint64_t *in_offsets;   /* target → incoming pairs */
    const uint32_t *in_sources;   /* incoming pair → source */
    const uint32_t *in_pairs;     /* incoming pair → pair (its place in out_targets) */
    const uint32_t *edge_numbers; /* place in pair order → number in the edge's reference; NULL:
                                     they are the same (always of tables) */
} graph_adjacency;

/* The number that the edge at a place in pair order has in its reference. */
static inline uint64_t graph_adjacency_number(const graph_adjacency *x, uint64_t place)
{
    return x->edge_numbers ? x->edge_numbers[place] : place;
}

/* Rows whose source and target are both not null; from Iceberg's null counts when they say so. */
NODISCARD bool graph_edge_count(graph *g, size_t label, uint64_t *ret_count, error *err);
NODISCARD bool graph_adjacency_get(graph *g, size_t label, const graph_adjacency **ret_adjacency,
                                   error *err);
/* Source and target of the edge at a place in pair order; see graph_edge_vertices. */
void graph_edge_ends(const graph_adjacency *adjacency, uint64_t edge, uint32_t *ret_source,
                     uint32_t *ret_target);
/* The edge's own id: its key column's text, else its position. */
NODISCARD bool graph_edge_key(graph *g, size_t label, uint64_t edge, arena *a, str *ret_key,
                              error *err);
NODISCARD bool graph_edge_find(graph *g, size_t label, str key, uint64_t *ret_edge,
                               bool *ret_is_found, error *err);

/* ---- Properties ---- */

/* A whole property column in memory: of vertices by id, of edges in pair order. Fetched from the
 * tables on first use, kept under the graph's budget. `data` as in column/batch.h, except
 * COLUMN_STRING, which is dictionary-coded. */
typedef struct graph_column {
    column_type type;
    uint64_t count;
    const void *data;      /* count × column_type_bytes(type); of COLUMN_STRING: uint32_t codes */
    const uint64_t *valid; /* NULL: none is null */
    const str *dictionary; /* of COLUMN_STRING */
    uint32_t dictionary_count;
} graph_column;

NODISCARD bool graph_vertex_column(graph *g, size_t label, size_t property,
                                   const graph_column **ret_column, error *err);
NODISCARD bool graph_edge_column(graph *g, size_t label, size_t property,
                                 const graph_column **ret_column, error *err);
/* One cell; text is borrowed from the graph. */
value graph_column_value(const graph_column *c, uint64_t i, arena *a);

/* ---- Elements, of tables and of scratch graphs alike ---- */

/* The label of an edge, the first label of a vertex; empty: a vertex of a scratch graph has none.
 */
str graph_element_label(graph *g, bool is_vertex, graph_ref r);
/* All labels of a vertex, in `a`. */
size_t graph_vertex_labels(graph *g, graph_ref r, arena *a, str **ret_names);
bool graph_vertex_has_label(graph *g, graph_ref r, size_t label);
NODISCARD bool graph_edge_vertices(graph *g, graph_ref edge, graph_ref *ret_from, graph_ref *ret_to,
                                   error *err);

/* ---- Scratch graphs: in memory, changed by queries ----
 *
 * A graph without tables. Vertices carry any set of labels and edges one, which come to be by being
 * named: graph_find_vertex_label and graph_find_edge_label never fail on it. A property holds any
 * value but vertices, edges and paths. All vertex references have label 0 (graph_vertex_has_label
 * tells what they carry), edge references have their label; a number is not used again while any
 * element is left. Adjacency and rows that were handed out show the graph as it was then and live
 * until the statement ends.
 *
 * A statement has the graph for itself from begin to end; exec/ runs a query on a scratch graph
 * inside one, to its end, and puts all back when it fails. Readers outside of statements are safe:
 * each call sees one moment, and of an element that is gone what it last had. */

NODISCARD bool graph_open_scratch(str name, size_t memory_bytes, graph **ret_graph, error *err);
bool graph_is_scratch(const graph *g);

/* What a statement has changed so far. */
typedef struct graph_changes {
    uint64_t vertices_created, vertices_deleted, edges_created, edges_deleted, properties_set,
        labels_added, labels_removed;
} graph_changes;

/* Statements that stand or are undone together. From its first change until it is closed nobody
 * else can change the graph (ERR_CONFLICT, "TransientError"); reading sees what it has changed so
 * far. When it has been still for a minute, whoever wants to change the graph undoes it. Closed
 * before the graph, and with no statement of it running. */
typedef struct graph_transaction graph_transaction;
graph_transaction *graph_transaction_open(graph *g); /* NULL: a graph of tables has none */
/* Fails when others have undone it; NULL is fine. */
NODISCARD bool graph_transaction_check(const graph_transaction *t, error *err);
void graph_transaction_close(graph_transaction *t, bool is_kept); /* NULL is fine */

/* `t` NULL: the statement stands alone. */
void graph_statement_begin(graph *g, graph_transaction *t);
/* `is_kept` false: as if it had not been. */
void graph_statement_end(graph *g, bool is_kept);
graph_changes graph_statement_changes(const graph *g);

/* The changes below belong inside a statement. ERR_LIMIT when the graph's memory is full. `id`
 * NULL: the next free whole number; ERR_CONFLICT when another has it. Vertex and edge ids are
 * apart. */
NODISCARD bool graph_add_vertex(graph *g, const str *labels, size_t count, const value *id,
                                graph_ref *ret_vertex, error *err);
NODISCARD bool graph_add_edge(graph *g, str label, graph_ref from, graph_ref to, const value *id,
                              graph_ref *ret_edge, error *err);
/* A null value takes the property away. ERR_NOT_FOUND: the element is deleted. */
NODISCARD bool graph_set_property(graph *g, bool is_vertex, graph_ref r, str key, const value *v,
                                  error *err);
NODISCARD bool graph_add_label(graph *g, graph_ref vertex, str label, error *err);
NODISCARD bool graph_remove_label(graph *g, graph_ref vertex, str label, error *err);
/* Fine when it is gone already. With `is_detached` a vertex's edges go too; else ERR_CONFLICT when
 * it has any. */
NODISCARD bool graph_delete(graph *g, bool is_vertex, graph_ref r, bool is_detached, error *err);

bool graph_is_deleted(graph *g, bool is_vertex, graph_ref r);
/* The id as it was given, copied to `a`. */
value graph_scratch_id(graph *g, bool is_vertex, graph_ref r, arena *a);
/* Null when it has none; copied to `a`. */
value graph_scratch_property(graph *g, bool is_vertex, graph_ref r, str key, arena *a);
/* Keys in the order they were set. */
size_t graph_scratch_keys(graph *g, bool is_vertex, graph_ref r, arena *a, str **ret_keys);
/* The live element with this id (1, 1.0 and "1" are the same); false: none. */
bool graph_scratch_find(graph *g, bool is_vertex, const value *id, graph_ref *ret);

/* ---- Procedures of a scratch graph ----
 *
 * A table that queries call: the rows whose first cells are the arguments, null like null. Held
 * until the graph ends; defining one of the same name again takes its place. */

typedef struct graph_procedure_field {
    str name;
    const char *type; /* "INTEGER" */
} graph_procedure_field;

typedef struct graph_procedure {
    str name, signature;
    graph_procedure_field *fields; /* arguments, then columns */
    size_t argument_count, column_count;
    value rows; /* a list of lists, one cell a field */
} graph_procedure;

/* `signature`: name(argument :: TYPE, …) :: (column :: TYPE, …). ERR_INVALID on a graph of tables.
 */
NODISCARD bool graph_define_procedure(graph *g, str signature, const value *rows, error *err);
void graph_drop_procedure(graph *g, str name);
const graph_procedure *graph_find_procedure(const graph *g, str name); /* NULL: none */
