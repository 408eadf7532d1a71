/* Open addressing over an entry list that keeps insertion order. */
#include "base/map.h"

#include "base/arena.h"
#include "base/hash.h"

static uint32_t *find_slot(const map *m, str key, uint64_t hash)
{
    for (size_t i = hash & (m->slot_count - 1);; i = (i + 1) & (m->slot_count - 1)) {
        uint32_t *slot = &m->slots[i];
        if (*slot == 0)
            return slot;
        const map_entry *e = &m->entries[*slot - 1];
        if (e->hash == hash && str_eq(e->key, key))
            return slot;
    }
}

static void grow(map *m)
{
    size_t slot_count = m->slot_count ? m->slot_count * 2 : 16;
    m->slots = arena_array_of(m->arena, uint32_t, slot_count);
    m->slot_count = slot_count;
    for (size_t i = 0; i < m->count; i++)
        *find_slot(m, m->entries[i].key, m->entries[i].hash) = (uint32_t)i + 1;
}

void *map_get(const map *m, str key)
{
    if (m->count == 0)
        return NULL;
    uint32_t slot = *find_slot(m, key, hash64(key.data, key.len));
    return slot ? m->entries[slot - 1].value : NULL;
}

bool map_has(const map *m, str key)
{
    return m->count && *find_slot(m, key, hash64(key.data, key.len)) != 0;
}

void map_set(map *m, str key, void *value)
{
    if (2 * (m->count + 1) > m->slot_count)
        grow(m);
    uint64_t hash = hash64(key.data, key.len);
    uint32_t *slot = find_slot(m, key, hash);
    if (*slot) {
        m->entries[*slot - 1].value = value;
        return;
    }
    if (m->count == m->capacity) {
        size_t capacity = m->capacity ? m->capacity * 2 : 8;
        m->entries = arena_grow(m->arena, m->entries, m->capacity * sizeof *m->entries,
                                capacity * sizeof *m->entries);
        m->capacity = capacity;
    }
    m->entries[m->count++] = (map_entry){ key, value, hash };
    *slot = (uint32_t)m->count;
}
