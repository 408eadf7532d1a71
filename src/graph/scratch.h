/* What the files of a scratch graph share: its elements, and the graph as it stood at one change.
 */
#pragma once

#include "graph/internal.h"

typedef struct scratch_property {
    str key;
    value value;
} scratch_property;

typedef VEC(scratch_property) scratch_properties;

typedef struct scratch_vertex {
    value id;
    scratch_properties properties;
    VEC(uint32_t) labels; /* in the order they were added */
    VEC(uint32_t) edges;  /* numbers of those that start or end here, deleted ones too */
    bool is_deleted;
} scratch_vertex;

typedef struct scratch_edge {
    value id;
    scratch_properties properties;
    uint32_t label, from, to;
    bool is_deleted;
} scratch_edge;

/* The graph as rows and adjacency, made when it is first asked for after a change. */
typedef struct scratch_version {
    arena *arena;
    uint64_t number; /* of the change it shows */
    uint32_t *rows;
    graph_adjacency *adjacency; /* by edge label; made one by one */
    bool *has_adjacency;
    size_t label_count;
    struct scratch_version *older;
} scratch_version;

typedef enum scratch_event_kind {
    EVENT_VERTEX_ADDED,
    EVENT_EDGE_ADDED,
    EVENT_VERTEX_DELETED,
    EVENT_EDGE_DELETED,
    EVENT_PROPERTY_SET,
    EVENT_LABEL_ADDED,
    EVENT_LABEL_REMOVED,
} scratch_event_kind;

/* One change of the running statement, and what it takes to put it back. */
typedef struct scratch_event {
    scratch_event_kind kind;
    bool is_vertex;
    uint32_t number, label;
    str key;
    value before; /* null: it had no such property */
} scratch_event;

struct scratch {
    pthread_mutex_t lock; /* guards all of it; recursive: a statement holds it from begin to end */
    size_t limit_bytes;
    arena *names;                 /* labels: as long as the graph */
    arena *arena;                 /* elements; starts anew when none is left */
    arena *journal;               /* events; starts anew with each statement */
    VEC(graph_label *) labels[2]; /* of edges, of vertices; [1][0] stands for any vertex */
    map label_numbers[2];
    map procedures; /* name → graph_procedure, never changed once it is there */
    VEC(scratch_vertex) vertices;
    VEC(scratch_edge) edges;
    map ids[2]; /* of live elements: text of the id → number + 1 */
    int64_t next_id[2];
    uint64_t live[2];
    uint64_t change;            /* counts */
    scratch_version *version;   /* the newest, with older ones that the statement has seen */
    VEC(scratch_event) events;  /* of the owner's transaction, then of the running statement */
    size_t statement_from;      /* place of the latter's first */
    graph_changes changes;      /* of the running statement */
    int depth;                  /* of statements, one inside the other */
    graph_transaction *running; /* that the running statement belongs to; NULL: none */
    graph_transaction *owner;   /* that has changed something and has not ended; NULL: none */
};

void scratch_lock(const struct scratch *s);
void scratch_unlock(const struct scratch *s);
void scratch_free(struct scratch *s);
/* No element is left: their memory, too, starts anew. */
void scratch_start_anew(struct scratch *s);
void scratch_put_back(struct scratch *s, const scratch_event *e);
/* What graph.c asks in the place of tables. */
int scratch_find_label(struct scratch *s, bool is_vertex, str name);
size_t scratch_label_count(struct scratch *s, bool is_vertex);
const graph_label *scratch_label(struct scratch *s, bool is_vertex, size_t label);
uint64_t scratch_count(struct scratch *s, bool is_vertex, size_t label);
uint64_t scratch_id_limit(struct scratch *s, size_t label);
str scratch_key(graph *g, bool is_vertex, graph_ref r, arena *a);
bool scratch_find_key(graph *g, bool is_vertex, size_t label, str key, uint64_t *ret,
                      bool *ret_is_found);

/* ---- scratch_version.c ---- */

const uint32_t *scratch_rows(struct scratch *s);
const graph_adjacency *scratch_adjacency_get(struct scratch *s, size_t label);
/* Under the lock: all but the newest, or all. */
void scratch_versions_free(struct scratch *s, bool keeps_newest);

/* ---- scratch_statement.c ---- */

/* Another transaction owns the changes that stand: it is undone when it has been still for too
 * long, else the running statement fails. */
NODISCARD bool scratch_take_over(struct scratch *s, error *err);
