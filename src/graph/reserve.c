/* Memory that is ready for the next version of a graph. A refresh writes its arrays anew, and most
 * of what that costs is the system's work on pages that are touched for the first time; so pages
 * that a graph gives back are kept, and while nothing waits others are touched beforehand. */
#include <sys/mman.h>

#include "graph/internal.h"

enum { PAGE_BYTES = 2 << 20, MOST_SPANS = 64 };

typedef struct span {
    void *data;
    size_t bytes;
} span;

static struct {
    pthread_mutex_t lock; /* guards all of it */
    span spans[MOST_SPANS];
    size_t count, bytes, limit_bytes;
} reserve = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t in_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

void reserve_set_limit(size_t bytes)
{
    pthread_mutex_lock(&reserve.lock);
    reserve.limit_bytes = bytes;
    pthread_mutex_unlock(&reserve.lock);
}

static void take_out(size_t i)
{
    reserve.bytes -= reserve.spans[i].bytes;
    reserve.spans[i] = reserve.spans[--reserve.count];
}

/* Under the lock. Much larger ones are for others. */
static size_t find(size_t bytes)
{
    size_t best = reserve.count;
    for (size_t i = 0; i < reserve.count; i++) {
        size_t has = reserve.spans[i].bytes;
        if (has >= bytes && has <= bytes + bytes / 4 + PAGE_BYTES &&
            (best == reserve.count || has < reserve.spans[best].bytes))
            best = i;
    }
    return best;
}

void *reserve_take(size_t bytes, size_t *ret_bytes)
{
    void *data = NULL;
    if (bytes < RESERVE_LEAST)
        return NULL;
    pthread_mutex_lock(&reserve.lock);
    size_t i = find(bytes);
    if (i < reserve.count) {
        data = reserve.spans[i].data;
        *ret_bytes = reserve.spans[i].bytes;
        take_out(i);
    }
    pthread_mutex_unlock(&reserve.lock);
    return data;
}

bool reserve_give(void *data, size_t bytes)
{
    if (bytes < RESERVE_LEAST)
        return false;
    pthread_mutex_lock(&reserve.lock);
    bool fits = reserve.count < MOST_SPANS && reserve.bytes + bytes <= reserve.limit_bytes;
    if (fits) {
        reserve.spans[reserve.count++] = (span){ data, bytes };
        reserve.bytes += bytes;
    }
    pthread_mutex_unlock(&reserve.lock);
    return fits;
}

/* ---- Touched beforehand ---- */

static bool make_span(size_t bytes, const _Atomic bool *stop)
{
    char *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return false;
    madvise(data, bytes, MADV_HUGEPAGE);
    size_t at = 0;
    for (; at < bytes && !*stop; at += 4096)
        data[at] = 0;
    if (at >= bytes && reserve_give(data, bytes))
        return true;
    munmap(data, bytes);
    return false;
}

/* Those of `sizes` that have no span yet; the first come first. */
static size_t without_span(const size_t *sizes, size_t count, size_t *ret)
{
    bool is_used[MOST_SPANS] = { false };
    size_t missing = 0;
    pthread_mutex_lock(&reserve.lock);
    for (size_t i = 0; i < count; i++) {
        size_t best = MOST_SPANS;
        for (size_t k = 0; k < reserve.count; k++)
            if (!is_used[k] && reserve.spans[k].bytes >= sizes[i] &&
                reserve.spans[k].bytes <= sizes[i] + sizes[i] / 4 + PAGE_BYTES &&
                (best == MOST_SPANS || reserve.spans[k].bytes < reserve.spans[best].bytes))
                best = k;
        if (best < MOST_SPANS)
            is_used[best] = true;
        else
            ret[missing++] = sizes[i];
    }
    for (size_t k = reserve.count; missing && k-- > 0;) /* what nobody will ask for makes room */
        if (!is_used[k]) {
            munmap(reserve.spans[k].data, reserve.spans[k].bytes);
            take_out(k);
        }
    pthread_mutex_unlock(&reserve.lock);
    return missing;
}

void reserve_fill(const size_t *sizes, size_t count, const _Atomic bool *stop)
{
    size_t missing[MOST_SPANS];
    count = without_span(sizes, count < MOST_SPANS ? count : MOST_SPANS, missing);
    for (size_t i = 0; i < count && !*stop; i++)
        if (!make_span(in_pages(missing[i] + missing[i] / 16), stop))
            return;
}
