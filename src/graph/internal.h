/* What the files of this folder share: the schema's inner form, dictionaries, a table pinned at a
 * snapshot, cache files. */
#pragma once

#include <pthread.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/file.h"
#include "base/vec.h"
#include "graph/graph.h"

/* ---- schema.c ---- */

typedef struct schema_property {
    str name, column; /* as queries name it; in the table */
    str type;         /* as declared */
} schema_property;

/* A vertex or edge label as any of the three formats says it. */
typedef struct schema_label {
    str label, path; /* JSON path, for messages */
    str catalog, namespace, table, where;
    const str *id, *from, *to; /* columns of the keys */
    size_t id_count, from_count, to_count;
    str from_label, to_label;
    const schema_property *properties;
    size_t property_count;
} schema_label;

typedef struct schema {
    const schema_label *vertices, *edges;
    size_t vertex_count, edge_count;
} schema;

bool schema_parse(arena *a, str json, str name, schema *ret, error *err);

/* ---- dictionary.c: keys and dense ids of one vertex label ---- */

/* Ids: rows with IPv4 keys by address, rows with other keys by text, then the same for keys that
 * only edges name. So a CIDR block is at most two ranges of ids. Keys keep their exact text: only
 * canonical dotted quads count as IPv4. */
typedef struct dictionary {
    uint64_t row_ip_count, row_text_count, end_ip_count, end_text_count;
    const uint32_t *ips; /* of rows, then of ends; each part sorted */
    const uint64_t
        *offsets; /* of texts (rows, then ends): text i is heap[offsets[i], offsets[i + 1]) */
    const char *heap;
    const uint32_t *rows; /* id of a row → its number in the table */
} dictionary;

uint64_t dictionary_count(const dictionary *d);
uint64_t dictionary_row_count(const dictionary *d);
bool dictionary_find(const dictionary *d, str key, uint64_t *ret_id);
str dictionary_key(const dictionary *d, arena *a, uint64_t id);
/* "10.0.0.1" and nothing else that means the same. */
bool ipv4_parse(str text, uint32_t *ret_ip);

/* Texts to codes in order of arrival, from several threads. */
typedef struct interner interner;
interner *interner_new(void);
void interner_free(interner *x);
uint32_t interner_code(void *interner, str text); /* fits sql_encode */
uint32_t interner_count(const interner *x);
/* Text of each code, in `a`. After the last interner_code. */
str *interner_texts(interner *x, arena *a);

/* Number the keys. `rows[code]`: number of the row that has the key, UINT32_MAX for none.
 * `ret_ids[code]`: its id. */
void dictionary_build(arena *a, const str *texts, const uint32_t *rows, uint32_t count,
                      dictionary *ret, uint32_t *ret_ids);

/* ---- source.c: a label's table at its snapshot ---- */

typedef struct source {
    const schema_label *label;
    iceberg_table *table;
    iceberg_scan scan;
    const uint64_t *bases; /* "_file_index" → number of the file's first row */
    uint64_t row_limit;
} source;

bool source_open(const graph_options *options, arena *a, const schema_label *label, source *ret,
                 error *err);
/* A relation of `expressions` (SQL, with commas) with "_file_index" and "_pos", the label's filter
 * applied. */
bool source_sql(const source *s, arena *a, str expressions, str *ret_sql, error *err);
/* SQL of a key: the column as text, or several joined by '\x1F'. */
str source_key_sql(const source *s, arena *a, const str *columns, size_t count);
column_type source_column_type(const source *s, str column);

/* ---- cache_file.c ---- */

typedef struct cache_section {
    const void *data;
    size_t bytes;
} cache_section;

/* Write sections under `name`, all or nothing. A folder that cannot be written is no error. */
void cache_file_write(str folder, str name, const cache_section *sections, size_t count);
/* Map it and check every section; false when it is absent or damaged. The sections live as long as
 * `*ret_map`. */
bool cache_file_open(str folder, str name, cache_section *ret_sections, size_t count,
                     file_map **ret_map);

/* ---- graph.c ---- */

typedef struct cached_column {
    bool is_loaded;
    graph_column column;
    file_map *map;
} cached_column;

typedef struct vertex_part {
    graph_label label;
    source source;
    dictionary dictionary;
    file_map *map;
    cached_column *columns;
} vertex_part;

typedef struct edge_part {
    graph_label label;
    source source;
    graph_adjacency adjacency;
    const uint32_t *rows; /* edge → number of its row in the table */
    file_map *map;
    cached_column *columns;
} edge_part;

struct graph {
    arena *arena;         /* lifetime of the graph; allocations under `lock` */
    pthread_mutex_t lock; /* guards what is built on first use */
    graph_options options;
    schema schema;
    vertex_part *vertices;
    edge_part *edges;
    bool has_topology;
    budget budget;
    str cache_key;
    sql_connection *connection;
};

bool graph_connection(graph *g, sql_connection **ret, error *err);
/* ---- topology.c: dictionaries and adjacency of all labels; under the graph's lock ---- */
bool topology_need(graph *g, error *err);
/* ---- property.c ---- */
bool property_load(graph *g, const source *s, str column, column_type type, const uint32_t *rows,
                   uint64_t count, str cache_name, cached_column *ret, error *err);
