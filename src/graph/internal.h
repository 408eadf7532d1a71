/* What the files of this folder share: the schema's inner form, big arrays, dictionaries, a label's
 * tables pinned at a snapshot, cache files. */
#pragma once

#include <assert.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "graph/graph.h"

/* ---- schema.c ---- */

/* A column of a table, or an expression over its columns (SQL). */
typedef struct schema_column {
    str name; /* of the column; of an expression its text */
    bool is_expression;
} schema_column;

/* One table that rows of a label come from. */
typedef struct schema_source {
    str path; /* JSON path, for messages */
    str catalog, namespace, table, where;
    const schema_column *id, *from, *to; /* the keys */
    const schema_column *columns;        /* of each property; an empty name: this table has none */
} schema_source;

typedef struct schema_property {
    str name, type; /* as queries name it; as declared */
} schema_property;

/* A vertex or edge label as any of the three formats says it. */
typedef struct schema_label {
    str label, path;
    const schema_source *sources;
    size_t source_count, id_count, from_count, to_count;
    const str *id_names; /* of the key columns, as queries name them */
    str from_label, to_label;
    const schema_property *properties;
    size_t property_count;
} schema_label;

typedef struct schema {
    const schema_label *vertices, *edges;
    size_t vertex_count, edge_count;
} schema;

bool schema_parse(arena *a, str json, str name, schema *ret, error *err);

/* ---- memory.c: arrays whose size comes from data ---- */

/* Anonymous memory while the budget holds; beyond it an unlinked file in `folder` that the system
 * pages. Zeroed. */
typedef struct block {
    void *data;
    size_t bytes, mapped_bytes;
    bool is_file, is_used; /* on disk; from the reserve */
} block;

typedef struct graph_memory {
    budget budget;
    str folder; /* empty: no file; then a full budget is an error */
} graph_memory;

bool block_take(graph_memory *m, size_t bytes, block *ret, error *err);
/* The same, but it may hold anything. */
bool block_take_unset(graph_memory *m, size_t bytes, block *ret, error *err);
void block_give(graph_memory *m, block *b); /* an empty block is fine */

/* ---- reserve.c: one for the process ---- */

enum { RESERVE_LEAST = 1 << 20 }; /* smaller blocks are not worth it */
void reserve_set_limit(size_t bytes);
/* At least `bytes` of touched memory that hold anything, or NULL. */
void *reserve_take(size_t bytes, size_t *ret_bytes);
/* False: there is no room, it stays the caller's. */
bool reserve_give(void *data, size_t bytes);
/* Make room for blocks of these sizes ready; `*stop` ends it. */
void reserve_fill(const size_t *sizes, size_t count, const _Atomic bool *stop);

/* ---- keeper.c: what is done for a graph behind its questions ---- */

typedef struct keeper keeper;
/* `is_new`: its topology is not on disk yet. NULL when no thread can be had. */
keeper *keeper_start(graph *g, bool is_new);
/* A column came to be. */
void keeper_wake(keeper *k);
void keeper_stop(keeper *k);

/* ---- patience.c ---- */

typedef struct patience {
    graph_ask ask;
    void *context;
} patience;

patience patience_of_thread(void);
bool patience_ask(const patience *p, error *err);

/* ---- dictionary.c: keys and dense ids of one vertex label ---- */

enum { NO_ROW = UINT32_MAX };

/* Keys that were found together, ids from `first`: IPv4 addresses in order, then texts in order. */
typedef struct key_run {
    uint64_t first;
    uint32_t ip_count, text_count;
    const uint32_t *ips;
    const uint64_t *offsets; /* text i is heap[offsets[i], offsets[i + 1]) */
    const char *heap;
} key_run;

/* Ids never change while a graph is refreshed: new keys come as a further run. A CIDR block is one
 * range of ids a run. Keys keep their exact text: only canonical dotted quads count as IPv4. */
typedef struct dictionary {
    const key_run *runs;
    size_t run_count;
    uint64_t count, row_count; /* keys; keys that have a row */
    const uint32_t *rows;      /* id → number of its row in the label's tables, or NO_ROW */
} dictionary;

bool dictionary_find(const dictionary *d, str key, uint64_t *ret_id);
str dictionary_key(const dictionary *d, arena *a, uint64_t id);
/* Ids of addresses from `first` to `last`; a range a run, and one more, at most. */
size_t dictionary_address_ranges(const dictionary *d, uint32_t first, uint32_t last,
                                 graph_range *ret);
/* "10.0.0.1" and nothing else that means the same. */
bool ipv4_parse(str text, uint32_t *ret_ip);

str ipv4_text(arena *a, uint32_t ip);

/* ---- interner.c: keys to codes in order of arrival, from several threads ---- */

typedef struct interner interner;
interner *interner_new(void);
void interner_free(interner *x);
uint32_t interner_code(interner *x, str text);
void interner_encode(void *interner, const str *texts, size_t count,
                     uint32_t *ret_codes); /* fits sql_encode */
uint32_t interner_count(const interner *x);

/* The rest only after the last code was given. Keys are addresses … */
uint32_t interner_ips(const interner *x, uint64_t *ret); /* address << 32 | code; their number */

typedef struct interned {
    str text; /* lives as long as the interner */
    uint32_t code;
} interned;

/* … and texts; their number. */
uint32_t interner_keys(const interner *x, interned *ret);
/* The text of each code, in `a`. */
str *interner_texts(const interner *x, arena *a);

/* `old` with the keys it lacks as a further run; `ret_ids[code]`: the id of each. `rows` of the
 * result is left to the caller. */
void dictionary_extend(arena *a, const dictionary *old, const interner *keys, dictionary *ret,
                       uint32_t *ret_ids);

/* ---- triples.c: two ids and a number, sorted by both ids ---- */

typedef struct triple {
    uint32_t major, minor, payload;
} triple;

/* In parts, each of which holds a range of major ids. */
typedef struct triples {
    block block;
    triple *items;
    uint64_t count;
    uint64_t *starts; /* of each part, and the end */
    size_t part_count;
    int shift; /* major >> shift is the part */
} triples;

typedef struct triple_cursor {
    uint64_t at, to;
    uint64_t place; /* the reader's; 0 at first */
} triple_cursor;

/* Up to `room` triples from positions from `at` on, which it moves; 0 is no end. Called from
 * several threads, and twice for each position. */
typedef size_t (*triple_read)(const void *context, triple_cursor *c, triple *ret, size_t room);

/* Read positions below `limit` and part the triples by their major ids, in order of position within
 * a part. `weight`: items that the parts will be merged with count for the number of parts. */
bool triples_part(graph_memory *m, triple_read read, const void *context, uint64_t limit,
                  uint64_t major_limit, uint64_t weight, triples *ret, error *err);
/* Sort by major and minor id, then payload. `scratch`: room for as many. */
void triples_sort(triples *t, uint64_t minor_limit, triple *scratch);
void triples_free(graph_memory *m, triples *t);

/* ---- source.c: a label's tables at their snapshots ---- */

/* A data file and its place in the label's numbering of rows. */
typedef struct source_file {
    str uri;
    uint64_t base, rows;
    uint64_t deletes; /* hash of the delete files that apply to it */
} source_file;

typedef struct source {
    const schema_source *schema;
    iceberg_table *table;
    int64_t snapshot_id; /* -1: none */
    iceberg_scan scan;   /* of the snapshot */
    source_file *files;  /* of the scan, in iceberg_scan_order */
    size_t file_count;
    iceberg_scan added; /* what the numbering before did not hold; all of it at first */
    uint64_t *added_bases;
} source;

typedef struct row_range {
    uint64_t from, to;
} row_range;

typedef struct label_rows {
    const schema_label *schema;
    source *sources;
    uint64_t row_limit;   /* numbers of rows are below it */
    uint64_t first_added; /* and those of added files are not below this */
    const row_range *dropped;
    size_t dropped_count;
} label_rows;

bool label_rows_open(const graph_options *options, arena *a, const schema_label *label,
                     label_rows *ret, error *err);
/* Number the rows: files that `old` has keep their numbers. `old` NULL: from 0. */
bool label_rows_number(label_rows *rows, arena *a, const label_rows *old, error *err);
/* A relation of `expressions` (SQL, with commas) with "_file_index" (into `bases`) and "_pos", the
 * source's filter applied. */
bool source_sql(const source *s, arena *a, const iceberg_scan *scan, str expressions, str *ret_sql,
                error *err);
/* For graph_reads_so_far: `part` of the source is read now. Under the graph's lock. */
void source_note_read(graph *g, const source *s, const iceberg_scan *part);
/* The scan's files in the order of "_file_index", deleted rows among the others: for whoever asks
 * for rows that are known to be live. */
iceberg_scan source_without_deletes(arena *a, const iceberg_scan *scan);

/* ---- deletes.c ---- */
typedef struct deletes deletes;
void deletes_free(deletes *d);
DEFINE_AUTO(deletes, deletes_free)
/* source_sql where rows may be deleted: which ones is read first, and kept in `*ret_deletes` (NULL:
 * not needed) for the time of the query. */
bool source_live_sql(graph *g, const source *s, arena *a, const iceberg_scan *part, str expressions,
                     str *ret_sql, deletes **ret_deletes, error *err);

/* ---- source.c, on ---- */
/* SQL of a key: the column as text, or several joined by '\x1F'. */
str source_key_sql(const source *s, arena *a, const schema_column *columns, size_t count);
/* SQL of a column. */
str source_column_sql(arena *a, const schema_column *column);
/* Where a source has a property of its label: attributes as declared, then key columns that are not
 * among them. */
const schema_column *source_property(const label_rows *rows, size_t property, const source *s,
                                     str name);
column_type source_column_type(const source *s, const schema_column *column);
/* Whether the column is text without a cast. */
bool source_is_text(const source *s, const schema_column *column);
/* Whether the tables' own keys say that no two rows have one vertex key. */
bool label_rows_have_unique_key(const label_rows *rows);
uint64_t label_rows_count(const label_rows *rows); /* deletes not subtracted */
bool label_rows_have_deletes(const label_rows *rows);
bool label_rows_have_filter(const label_rows *rows);

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
    file_map *map; /* or: */
    block data, valid;
    arena *texts;      /* of the dictionary */
    uint64_t last_use; /* ticket */
    size_t bytes;      /* taken from the budget for a mapped column */
} cached_column;

enum { PART_BLOCKS = 8 };

typedef struct vertex_part {
    graph_label label;
    label_rows rows;
    dictionary dictionary;
    file_map *map; /* of the cache file it lies in */
    cached_column *columns;
} vertex_part;

/* `count` numbers of `bits` bits each, one behind the other. */
typedef struct packed {
    const uint64_t *words;
    unsigned bits;
} packed;

static inline uint64_t packed_get(const packed *p, uint64_t i)
{
    uint64_t bit = i * p->bits, at = bit / 64, shift = bit % 64, x = p->words[at] >> shift;
    if (shift + p->bits > 64)
        x |= p->words[at + 1] << (64 - shift);
    return x & ((1ull << p->bits) - 1);
}

typedef struct edge_part {
    graph_label label;
    label_rows rows;
    graph_adjacency adjacency;
    packed row_of; /* edge → number of its row */
    file_map *map; /* or: */
    block blocks[PART_BLOCKS];
    cached_column *columns;
    /* Of a refresh that dropped nothing: edges that are new, in order. NULL: columns start anew. */
    uint32_t *added;
    uint64_t added_count;
    /* Ids that were asked for one by one, before it is worth to load all. */
    arena *key_arena;
    map keys; /* number of the edge, as bytes → text */
} edge_part;

struct graph {
    struct scratch *scratch; /* of a scratch graph; then most of what follows is empty */
    arena *arena;            /* lifetime of the graph; allocations under `lock` */
    _Atomic int shares;
    pthread_mutex_t lock; /* guards what is built on first use */
    graph_options options;
    schema schema;
    vertex_part *vertices;
    edge_part *edges;
    bool has_topology;
    graph_memory memory;
    str schema_key, cache_key;
    sql_connection *connection;
    uint64_t ticket;       /* counts queries and uses of columns */
    VEC(uint64_t) readers; /* tickets of running queries */
    graph_reads reads;
    keeper *keeper; /* once there is a topology */
};

bool graph_connection(graph *g, sql_connection **ret, error *err);
/* ---- adjacency.c ---- */

/* Vertices: code, -, row. Edges: codes of source and target (first UINT32_MAX: one is null), row.
 */
typedef struct arrival {
    uint32_t first, second, row;
} arrival;

/* Rows of one label in order of arrival. */
typedef struct arrivals {
    const source *source; /* that is being read */
    patience patience;
    block block;
    arrival *items;
    _Atomic uint64_t count;
    uint64_t limit;
} arrivals;

static_assert(sizeof(arrival) == sizeof(triple), "arrivals are scratch for sorting");

/* Lay out what arrived, merged with `old` (NULL: nothing); `x` is given back. */
bool adjacency_build(graph *g, edge_part *e, const edge_part *old, arrivals *x,
                     const uint32_t *from_ids, const uint32_t *to_ids, error *err);
bool row_is_dropped(const label_rows *rows, uint32_t row);
/* ---- topology.c: dictionaries and adjacency of all labels; under the graph's lock ---- */
bool topology_build(graph *g, const graph *old, error *err);
/* ---- topology_file.c ---- */
bool topology_map(graph *g, str cache_key);
void topology_write(const graph *g);
/* A topology of the same schema at other snapshots, if there is one. */
graph *topology_find_older(const graph *g);
/* ---- property.c ---- */
/* Read column `property` of the label; `count` cells in the order of `row_of` (edges) or `ids`. */
bool property_load(graph *g, const label_rows *rows, size_t property, column_type type,
                   const edge_part *edges, const vertex_part *vertices, str cache_name,
                   cached_column *ret, error *err);
/* Bring a column of the graph before the refresh over: only added rows are read. */
bool property_carry(graph *g, edge_part *e, size_t property, const cached_column *old,
                    cached_column *ret, error *err);
/* One cell, read from the table by the number of its row, as text in `a`; null: empty. */
bool property_fetch_one(graph *g, const label_rows *rows, size_t property, str name, uint64_t row,
                        arena *a, str *ret, error *err);
void column_free(graph *g, cached_column *c);
/* Free columns that no running query can hold until `bytes` more fit, or none is left. */
void columns_evict(graph *g, size_t bytes);
