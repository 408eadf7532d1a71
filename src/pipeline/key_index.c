/* The index of keys: open addressing over hashes, with room for a quarter more keys than there are
 * before it is made anew. */
#include "pipeline/key_index.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "base/vec.h"

typedef struct slot {
    key_hash key; /* low 0: free */
    key_place place;
} slot;

struct key_index {
    slot *slots;
    size_t capacity, count;
    arena *files_arena;
    VEC(str) files;
};

key_hash key_hash_of(str key)
{
    XXH128_hash_t h = XXH3_128bits(key.data ? key.data : "", key.len);
    return (key_hash){ h.low64 ? h.low64 : 1, h.high64 };
}

key_index *key_index_new(void)
{
    key_index *x = memory_alloc(sizeof *x);
    x->files_arena = arena_new();
    return x;
}

void key_index_close(key_index *x)
{
    if (!x)
        return;
    free(x->slots);
    arena_free(x->files_arena);
    free(x);
}

/* The place of a hash in a table of any size, in order of the hash. */
static size_t home_of(const key_index *x, key_hash key)
{
    return (size_t)((unsigned __int128)key.high * x->capacity >> 64);
}

static slot *find_slot(const key_index *x, key_hash key)
{
    size_t i = home_of(x, key);
    while (x->slots[i].key.low &&
           (x->slots[i].key.low != key.low || x->slots[i].key.high != key.high))
        i = i + 1 == x->capacity ? 0 : i + 1;
    return &x->slots[i];
}

/* Zeroed; in huge pages where the system gives them, since every look-up goes somewhere else. */
static slot *slots_new(size_t capacity)
{
    enum { PAGE = 4096 };
    slot *slots = memory_alloc(capacity * sizeof *slots);
    uintptr_t from = ((uintptr_t)slots + PAGE - 1) / PAGE * PAGE;
    uintptr_t to = ((uintptr_t)slots + capacity * sizeof *slots) / PAGE * PAGE;
    if (to > from)
        madvise((void *)from, to - from, MADV_HUGEPAGE);
    return slots;
}

static size_t capacity_for(size_t key_count)
{
    return key_count + key_count / 5 * 2 + 1024;
}

void key_index_reset(key_index *x, size_t key_count)
{
    free(x->slots);
    x->capacity = capacity_for(key_count);
    x->slots = slots_new(x->capacity);
    x->count = 0;
    arena_reset(x->files_arena);
    x->files.items = NULL;
    x->files.count = x->files.capacity = 0;
}

void key_index_reserve(key_index *x, size_t more)
{
    if ((x->count + more) / 8 * 9 < x->capacity)
        return;
    slot *old = x->slots;
    size_t old_capacity = x->capacity;
    x->capacity = capacity_for(x->count + more);
    x->slots = slots_new(x->capacity);
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].key.low)
            *find_slot(x, old[i].key) = old[i];
    free(old);
}

void key_index_put(key_index *x, key_hash key, const key_place *place)
{
    slot *s = find_slot(x, key);
    if (!s->key.low) {
        x->count++;
        assert(x->count < x->capacity);
        s->key = key;
    }
    s->place = *place;
}

const key_place *key_index_find(const key_index *x, key_hash key)
{
    const slot *s = x->capacity ? find_slot(x, key) : NULL;
    return s && s->key.low ? &s->place : NULL;
}

void key_index_prefetch(const key_index *x, key_hash key)
{
    if (x->capacity)
        __builtin_prefetch(&x->slots[home_of(x, key)]);
}

size_t key_index_count(const key_index *x)
{
    return x->count;
}

size_t key_index_bytes(const key_index *x)
{
    return x->capacity * sizeof *x->slots + arena_used_bytes(x->files_arena);
}

uint32_t key_index_add_file(key_index *x, str uri)
{
    vec_push(x->files_arena, &x->files, str_copy(x->files_arena, uri));
    return (uint32_t)x->files.count - 1;
}

str key_index_file(const key_index *x, uint32_t number)
{
    return x->files.items[number];
}

size_t key_index_file_count(const key_index *x)
{
    return x->files.count;
}
