/* Where the live row of each key of a table stands: data file, row, and what decides whether a
 * newer row replaces it. About 56 bytes a key, whatever its length. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Not thread-safe, except key_index_find; the files of a job share one. */
typedef struct key_index key_index;

typedef struct key_place {
    int64_t order; /* microseconds of the event, INT64_MIN: none */
    int64_t tie;
    uint32_t file; /* number of key_index_file */
    uint32_t row;
} key_place;

/* A key is known by 128 bits of hash of its text: two of ten million keys are confused with a
 * chance of one in 10^24. */
typedef struct key_hash {
    uint64_t low, high;
} key_hash;
key_hash key_hash_of(str key);

key_index *key_index_new(void);
void key_index_close(key_index *x);
/* Forget everything; make room for so many keys. */
void key_index_reset(key_index *x, size_t key_count);
/* Make room for `more` keys, so that pointers stay until then. */
void key_index_reserve(key_index *x, size_t more);
void key_index_put(key_index *x, key_hash key, const key_place *place); /* adds or replaces */
/* NULL: there is no such key. From several threads while nobody puts. */
const key_place *key_index_find(const key_index *x, key_hash key);
/* Ask for the memory of a key that is looked for soon. */
void key_index_prefetch(const key_index *x, key_hash key);
size_t key_index_count(const key_index *x);
size_t key_index_bytes(const key_index *x);

/* Data files have numbers; a URI is kept once. */
uint32_t key_index_add_file(key_index *x, str uri);
str key_index_file(const key_index *x, uint32_t number);
size_t key_index_file_count(const key_index *x);
