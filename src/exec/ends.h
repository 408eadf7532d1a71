/* Where walks end that pass no edge twice: each vertex once, without following the walks one by
 * one. */
#pragma once

#include "exec/internal.h"

enum { ENDS_MOST_HOPS = 4 };

typedef struct ends ends;
/* Of a PLAN_TRAIL without predicate, of ENDS_MOST_HOPS at most. */
ends *ends_new(query *q, const plan_op *p);
/* Valid until the next call. */
NODISCARD bool ends_find(ends *x, graph_ref start, const graph_ref **ret, size_t *ret_count,
                         error *err);
