/* A fixed set of threads that run a function over numbered pieces of work. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

int pool_thread_count(void); /* processors this process may use, at least 1 */

/* Call `work(context, i)` for each i in [0, count), on up to pool_thread_count() threads, and wait
 * for all. Pieces are handed out in order. Work that returns false stops further pieces; the result
 * is then false. Its threads follow the caller's stop flag (base/stop.h); asking is the work's. */
bool pool_each(size_t count, bool (*work)(void *context, size_t i), void *context);
