/* Operators that a language brings along, and what they may ask of the query they run in. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "exec/query.h"

/* ---- The operator: PLAN_FOREIGN ---- */

typedef struct foreign_input foreign_input;
/* The next input row: its value (null without `from`) and multiplicity. */
NODISCARD bool foreign_input_next(foreign_input *in, value *ret, uint64_t *ret_bulk, bool *ret_has,
                                  error *err);

typedef struct plan_foreign {
    /* A state for one run of op->foreign.program; it lives in query_arena(q). */
    bool (*open)(query *q, const plan_op *op, foreign_input *in, void **ret_state, error *err);
    /* Up to `room` results; `*ret_count` 0 at the end. */
    bool (*next)(void *state, value *ret, uint64_t *ret_bulk, size_t room, size_t *ret_count,
                 error *err);
} plan_foreign;

/* ---- The query ---- */

arena *query_arena(query *q);
graph *query_graph(query *q);
/* Deadline, cancel, memory: once a batch. */
NODISCARD bool query_check(query *q, error *err);

/* ---- Elements: vertices and edges, of tables and of scratch graphs ---- */

/* Null when it has none; maps are read as well. */
NODISCARD bool element_property(query *q, value element, str key, value *ret, error *err);
/* Names of all properties that an element can have. */
size_t element_key_names(query *q, value v, str **ret_keys);
NODISCARD bool element_id(query *q, value v, value *ret, error *err);
/* Vertices or edges that an id text names: "label[key]", "label:::key", or a key of any label. */
/* A function of plans, of values. */
NODISCARD bool scalar_call(query *q, plan_function f, const value *args, size_t count, value *ret,
                           error *err);

typedef VEC(uint64_t) ref_list;
NODISCARD bool refs_find(query *q, bool is_vertex, const plan_labels *labels, str id,
                         ref_list *found, error *err);
