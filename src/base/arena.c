/* Block-chained bump allocation. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 16 << 10, LARGEST_BLOCK_BYTES = 4 << 20, ALIGNMENT = 16 };

typedef struct block {
    struct block *next;
    size_t size, used; /* of `bytes` */
    size_t dirty;      /* bytes[0..dirty) may be non-zero from an earlier life */
    _Alignas(ALIGNMENT) char bytes[];
} block;

struct arena {
    block *current; /* newest first */
    size_t next_size;
};

void *memory_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) {
        fprintf(stderr, "floe: out of memory (asked for %zu bytes)\n", bytes);
        abort();
    }
    return p;
}

void *memory_grow(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) {
        fprintf(stderr, "floe: out of memory (asked for %zu bytes)\n", bytes);
        abort();
    }
    return p;
}

static block *block_new(size_t size)
{
    block *b = memory_alloc(sizeof(block) + size);
    b->size = size;
    return b;
}

arena *arena_new(void)
{
    arena *a = memory_alloc(sizeof *a);
    a->next_size = FIRST_BLOCK_BYTES;
    return a;
}

void arena_free(arena *a)
{
    if (!a)
        return;
    for (block *b = a->current, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

void arena_reset(arena *a)
{
    block *keep = a->current;
    if (!keep)
        return;
    for (block *b = keep->next, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    keep->next = NULL;
    if (keep->used > keep->dirty)
        keep->dirty = keep->used;
    keep->used = 0;
}

size_t arena_used_bytes(const arena *a)
{
    size_t sum = 0;
    for (const block *b = a->current; b; b = b->next)
        sum += b->used;
    return sum;
}

void *arena_alloc(arena *a, size_t bytes)
{
    size_t need = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    block *b = a->current;
    if (!b || b->size - b->used < need) {
        size_t size = a->next_size;
        if (need > size / 4)
            size = need > size ? need : size;
        b = block_new(size);
        b->next = a->current;
        a->current = b;
        if (a->next_size < LARGEST_BLOCK_BYTES)
            a->next_size *= 2;
    }
    void *p = b->bytes + b->used;
    if (b->used < b->dirty) {
        size_t end = b->used + need < b->dirty ? b->used + need : b->dirty;
        memset(p, 0, end - b->used);
    }
    b->used += need;
    return p;
}

void *arena_copy(arena *a, const void *data, size_t bytes)
{
    void *p = arena_alloc(a, bytes);
    if (bytes)
        memcpy(p, data, bytes);
    return p;
}

void *arena_grow(arena *a, void *old, size_t old_bytes, size_t new_bytes)
{
    block *b = a->current;
    size_t old_need = (old_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    size_t new_need = (new_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (old && b && (char *)old + old_need == b->bytes + b->used &&
        b->size - b->used >= new_need - old_need) {
        arena_alloc(a, new_need - old_need);
        return old;
    }
    void *p = arena_alloc(a, new_bytes);
    if (old_bytes)
        memcpy(p, old, old_bytes);
    return p;
}

void arena_adopt(arena *a, arena *other)
{
    block *last = other->current;
    while (last && last->next)
        last = last->next;
    if (last && a->current) { /* behind the block in use */
        last->next = a->current->next;
        a->current->next = other->current;
    } else if (last) {
        a->current = other->current;
    }
    other->current = NULL;
    arena_free(other);
}
