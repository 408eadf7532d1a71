/* Memory with one lifetime: allocate freely, free everything at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

/* Not thread-safe; one owner at a time. Running out of memory ends the process, so sizes that come
 * from data are reserved first with `budget_take`. */
typedef struct arena arena;

arena *arena_new(void);
void arena_free(arena *a);  /* NULL is fine */
void arena_reset(arena *a); /* forget everything, keep one block for reuse */
size_t arena_used_bytes(const arena *a);

void *arena_alloc(arena *a, size_t bytes); /* zeroed, aligned to 16 */
void *arena_copy(arena *a, const void *data, size_t bytes);
/* Grow an allocation of `old_bytes` to `new_bytes`, in place where it is the last one. New bytes
 * are zero. */
void *arena_grow(arena *a, void *old, size_t old_bytes, size_t new_bytes);

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array_of(a, type, count) ((type *)arena_alloc((a), sizeof(type) * (size_t)(count)))

/* Take over everything that `other` holds, and end it: for work that several threads did with an
 * arena each. */
void arena_adopt(arena *a, arena *other);

DEFINE_AUTO(arena, arena_free)

/* malloc that ends the process instead of returning NULL; for memory whose owner is a handle. */
void *memory_alloc(size_t bytes); /* zeroed */
void *memory_grow(void *old, size_t bytes);
