/* A limit on memory whose size comes from data; shared by the threads of a query or of the process.
 */
#pragma once

#include <stdatomic.h>

#include "base/error.h"

typedef struct budget {
    const char *what; /* "the query", "the process": named in the error */
    size_t limit_bytes;
    _Atomic size_t used_bytes;
    struct budget *parent; /* taken from as well, or NULL */
} budget;

/* Fails with ERR_LIMIT, naming the budget and both sizes, when `bytes` do not fit. Thread-safe. */
NODISCARD bool budget_take(budget *b, size_t bytes, error *err);
void budget_give(budget *b, size_t bytes);
