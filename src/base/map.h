/* A hash map from text to a pointer, in an arena; iteration in order of insertion. */
#pragma once

#include "base/str.h"

typedef struct map_entry {
    str key; /* borrowed: must outlive the map */
    void *value;
    uint64_t hash;
} map_entry;

/* `entries[0..count)` may be read directly. Not thread-safe. */
typedef struct map {
    arena *arena;
    map_entry *entries;
    size_t count, capacity;
    uint32_t *slots;   /* entry index + 1; 0 is free */
    size_t slot_count; /* power of two */
} map;

static inline map map_new(arena *a)
{
    return (map){ .arena = a };
}
void *map_get(const map *m, str key); /* NULL when absent */
bool map_has(const map *m, str key);
void map_set(map *m, str key, void *value); /* adds or replaces */
