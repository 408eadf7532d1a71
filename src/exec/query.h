/* A plan that runs: rows on demand, within a deadline, a memory limit and the caller's patience. */
#pragma once

#include <stdatomic.h>

#include "column/batch.h"
#include "plan/plan.h"

typedef struct query query;

typedef struct query_options {
    uint64_t deadline_ms;           /* 0: none */
    size_t memory_bytes;            /* 0: 1 GiB; of what the query keeps: groups, sorts, lists */
    const _Atomic bool *cancel;     /* read once a batch; NULL: never */
    graph_transaction *transaction; /* of a scratch graph; NULL: none */
    bool is_profiled;               /* rows and times are kept for query_profile */
} query_options;

/* One thread at a time. `g` and `p` must outlive the query. */
NODISCARD bool query_open(graph *g, const plan *p, const query_options *options, query **ret_query,
                          error *err);
/* `*ret_batch` NULL at the end. One COLUMN_VALUE column for each column of the plan, and behind
 * them one COLUMN_INT64 with the row's multiplicity: it stands for that many equal rows. The
 * batch is valid until the next call, what its values point at as long as the query. A query on a
 * scratch graph runs to its end in the first call, alone, and changes nothing when it fails. */
NODISCARD bool query_next(query *q, batch **ret_batch, error *err);
/* Run it to its end for nothing: the plan with rows and times of each operator, and the columns
 * that were read. */
NODISCARD bool query_profile(query *q, arena *a, str *ret_text, error *err);
/* What a query on a scratch graph has changed; after the first query_next. */
graph_changes query_changes(const query *q);
void query_close(query *q);
DEFINE_AUTO(query, query_close)

/* A vertex as "label[key]", an edge likewise; of a scratch graph the text of its id. */
NODISCARD bool query_element_id(graph *g, value v, arena *a, str *ret_id, error *err);
