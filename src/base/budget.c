/* Memory accounting. */
#include "base/budget.h"

bool budget_take(budget *b, size_t bytes, error *err)
{
    size_t used = atomic_fetch_add(&b->used_bytes, bytes) + bytes;
    if (used > b->limit_bytes) {
        atomic_fetch_sub(&b->used_bytes, bytes);
        return fail(err, ERR_LIMIT, "%s needs %zu bytes more, and its limit is %zu bytes", b->what,
                    bytes, b->limit_bytes);
    }
    if (b->parent && !budget_take(b->parent, bytes, err)) {
        atomic_fetch_sub(&b->used_bytes, bytes);
        return false;
    }
    return true;
}

void budget_give(budget *b, size_t bytes)
{
    atomic_fetch_sub(&b->used_bytes, bytes);
    if (b->parent)
        budget_give(b->parent, bytes);
}
