/* Keys to codes in order of arrival, from several threads. Addresses are most of the keys: they
 * stand in tables that are read without a lock. */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/map.h"
#include "graph/internal.h"

enum { SHARD_BITS = 6, SHARDS = 1 << SHARD_BITS, FIRST_SLOTS = 256, BLOCK_KEYS = 64 };
enum { HUGE_BYTES = 2 << 20 };

/* Open addressing; only grows fuller. A reader that misses a new entry looks again under the lock.
 */
typedef struct ip_table {
    uint32_t mask;
    void *memory;             /* to be freed */
    struct ip_table *before;  /* smaller, still with readers */
    _Atomic uint64_t slots[]; /* address << 32 | code; EMPTY: none */
} ip_table;

typedef struct shard {
    pthread_mutex_t lock; /* guards what is written */
    _Atomic(ip_table *) ips;
    uint32_t ip_count;
    arena *arena;
    map codes; /* text → code + 1 */
} shard;

struct interner {
    shard shards[SHARDS];
    _Atomic uint32_t next;
};

static const uint64_t EMPTY = UINT64_MAX;

static ip_table *table_new(uint32_t slots, ip_table *before)
{
    size_t bytes = sizeof(ip_table) + slots * sizeof(uint64_t);
    void *memory = memory_alloc(
        bytes < HUGE_BYTES ? bytes : bytes + HUGE_BYTES); /* what is not touched costs nothing */
    ip_table *t = memory;
    if (bytes >= HUGE_BYTES) {
        t = (void *)(((uintptr_t)memory + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES);
        madvise(t, bytes, MADV_HUGEPAGE);
    }
    t->memory = memory;
    t->mask = slots - 1;
    t->before = before;
    memset((void *)t->slots, 0xFF, slots * sizeof t->slots[0]);
    return t;
}

interner *interner_new(void)
{
    interner *x = memory_alloc(sizeof *x);
    for (size_t i = 0; i < SHARDS; i++) {
        shard *s = &x->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        s->arena = arena_new();
        s->codes = map_new(s->arena);
        s->ips = table_new(FIRST_SLOTS, NULL);
    }
    return x;
}

void interner_free(interner *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&x->shards[i].lock);
        arena_free(x->shards[i].arena);
        for (ip_table *t = x->shards[i].ips, *before; t; t = before) {
            before = t->before;
            free(t->memory);
        }
    }
    free(x);
}

static uint64_t ip_hash(uint32_t ip)
{
    return (uint64_t)ip * 0x9E3779B97F4A7C15ull;
}

/* Where the address is, or belongs. */
static _Atomic uint64_t *ip_slot(ip_table *t, uint32_t ip, uint64_t *ret_found)
{
    uint32_t at = (uint32_t)(ip_hash(ip) >> 16) & t->mask;
    for (;; at = (at + 1) & t->mask) {
        *ret_found = atomic_load_explicit(&t->slots[at], memory_order_relaxed);
        if (*ret_found == EMPTY || *ret_found >> 32 == ip)
            return &t->slots[at];
    }
}

static void grow(shard *s)
{
    ip_table *old = s->ips, *t = table_new((old->mask + 1) * 2, old);
    uint64_t found;
    for (uint32_t i = 0; i <= old->mask; i++)
        if (old->slots[i] != EMPTY)
            *ip_slot(t, (uint32_t)(old->slots[i] >> 32), &found) = old->slots[i];
    atomic_store_explicit(&s->ips, t, memory_order_release);
}

static uint32_t add_ip(interner *x, shard *s, uint32_t ip)
{
    uint64_t found;
    pthread_mutex_lock(&s->lock);
    if (3 * (s->ip_count + 1ull) > 2ull * ((ip_table *)s->ips)->mask)
        grow(s);
    _Atomic uint64_t *slot = ip_slot(s->ips, ip, &found);
    if (found == EMPTY) {
        found = (uint64_t)ip << 32 | atomic_fetch_add(&x->next, 1);
        s->ip_count++;
        *slot = found;
    }
    pthread_mutex_unlock(&s->lock);
    return (uint32_t)found;
}

static uint32_t ip_code(interner *x, uint32_t ip)
{
    shard *s = &x->shards[ip_hash(ip) >> (64 - SHARD_BITS)];
    uint64_t found;
    ip_slot(atomic_load_explicit(&s->ips, memory_order_acquire), ip, &found);
    return found == EMPTY ? add_ip(x, s, ip) : (uint32_t)found;
}

static void prefetch_ip(interner *x, uint32_t ip)
{
    uint64_t hash = ip_hash(ip);
    const ip_table *t =
        atomic_load_explicit(&x->shards[hash >> (64 - SHARD_BITS)].ips, memory_order_acquire);
    __builtin_prefetch((const void *)&t->slots[(uint32_t)(hash >> 16) & t->mask]);
}

static uint32_t text_code(interner *x, str text)
{
    shard *s = &x->shards[hash64_seeded(text.data, text.len, 7) % SHARDS];
    pthread_mutex_lock(&s->lock);
    uintptr_t code = (uintptr_t)map_get(&s->codes, text);
    if (!code) {
        code = (uintptr_t)atomic_fetch_add(&x->next, 1) + 1;
        map_set(&s->codes, str_copy(s->arena, text), (void *)code);
    }
    pthread_mutex_unlock(&s->lock);
    return (uint32_t)(code - 1);
}

void interner_encode(void *context, const str *texts, size_t count, uint32_t *ret_codes)
{
    interner *x = context;
    for (size_t from = 0; from < count; from += BLOCK_KEYS) {
        uint32_t ips[BLOCK_KEYS];
        bool is_ip[BLOCK_KEYS];
        size_t n = count - from < BLOCK_KEYS ? count - from : BLOCK_KEYS;
        for (size_t i = 0; i < n; i++) {
            is_ip[i] = ipv4_parse(texts[from + i], &ips[i]) && ips[i] != UINT32_MAX;
            if (is_ip[i])
                prefetch_ip(x, ips[i]);
        }
        for (size_t i = 0; i < n; i++)
            ret_codes[from + i] = is_ip[i] ? ip_code(x, ips[i]) : text_code(x, texts[from + i]);
    }
}

uint32_t interner_code(interner *x, str text)
{
    uint32_t code;
    interner_encode(x, &text, 1, &code);
    return code;
}

uint32_t interner_count(const interner *x)
{
    return x->next;
}

uint32_t interner_ips(const interner *x, uint64_t *ret)
{
    uint32_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        const ip_table *t = x->shards[i].ips;
        for (uint32_t k = 0; k <= t->mask; k++)
            if (t->slots[k] != EMPTY)
                ret[count++] = t->slots[k];
    }
    return count;
}

uint32_t interner_keys(const interner *x, interned *ret)
{
    uint32_t count = 0;
    for (size_t i = 0; i < SHARDS; i++)
        for (size_t k = 0; k < x->shards[i].codes.count; k++) {
            const map_entry *e = &x->shards[i].codes.entries[k];
            ret[count++] = (interned){ { e->key.len ? e->key.data : "", e->key.len },
                                       (uint32_t)((uintptr_t)e->value - 1) };
        }
    return count;
}

str *interner_texts(const interner *x, arena *a)
{
    str *texts = arena_array_of(a, str, x->next);
    uint64_t *ips = memory_alloc((x->next + 1ull) * sizeof *ips);
    interned *keys = memory_alloc((x->next + 1ull) * sizeof *keys);
    uint32_t count = interner_ips(x, ips);
    for (uint32_t i = 0; i < count; i++)
        texts[(uint32_t)ips[i]] = ipv4_text(a, (uint32_t)(ips[i] >> 32));
    count = interner_keys(x, keys);
    for (uint32_t i = 0; i < count; i++)
        texts[keys[i].code] = str_copy(a, keys[i].text);
    free(keys);
    free(ips);
    return texts;
}
