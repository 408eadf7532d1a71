/* Keys of vertices and their dense ids. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "graph/internal.h"

/* ---- Interning ---- */

/* Addresses are most of the keys: a table of (address, code) a shard, and in front of it a small
 * table a thread that needs no lock. */
enum { SHARDS = 256, NEAR_SLOTS = 1 << 14 };

typedef struct shard {
    pthread_mutex_t lock; /* guards the rest */
    uint64_t *ips;        /* address << 32 | code; EMPTY: none */
    uint32_t ip_count, ip_slots;
    arena *arena;
    map codes; /* text → code + 1 */
} shard;

struct interner {
    shard shards[SHARDS];
    _Atomic uint32_t next;
    uint64_t serial; /* of its entries in the near tables */
};

static const uint64_t EMPTY = UINT64_MAX;
static __thread struct {
    uint64_t serial;
    uint64_t slots[NEAR_SLOTS];
} near_table;

interner *interner_new(void)
{
    static _Atomic uint64_t serial;
    interner *x = memory_alloc(sizeof *x);
    x->serial = atomic_fetch_add(&serial, 1) + 1;
    for (size_t i = 0; i < SHARDS; i++) {
        shard *s = &x->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        s->arena = arena_new();
        s->codes = map_new(s->arena);
        s->ip_slots = 64;
        s->ips = memory_alloc(s->ip_slots * sizeof *s->ips);
        memset(s->ips, 0xFF, s->ip_slots * sizeof *s->ips);
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
        free(x->shards[i].ips);
    }
    free(x);
}

static uint64_t ip_hash(uint32_t ip)
{
    return (uint64_t)ip * 0x9E3779B97F4A7C15ull;
}

/* Where the address is, or belongs. */
static uint64_t *ip_slot(const shard *s, uint32_t ip)
{
    uint32_t at = (uint32_t)(ip_hash(ip) >> 16) & (s->ip_slots - 1);
    while (s->ips[at] != EMPTY && s->ips[at] >> 32 != ip)
        at = (at + 1) & (s->ip_slots - 1);
    return &s->ips[at];
}

static void grow_ips(shard *s)
{
    uint64_t *old = s->ips;
    uint32_t count = s->ip_slots;
    s->ip_slots *= 2;
    s->ips = memory_alloc(s->ip_slots * sizeof *s->ips);
    memset(s->ips, 0xFF, s->ip_slots * sizeof *s->ips);
    for (uint32_t i = 0; i < count; i++)
        if (old[i] != EMPTY)
            *ip_slot(s, (uint32_t)(old[i] >> 32)) = old[i];
    free(old);
}

static uint32_t ip_code(interner *x, uint32_t ip)
{
    shard *s = &x->shards[ip_hash(ip) >> 56];
    pthread_mutex_lock(&s->lock);
    if (4 * (s->ip_count + 1) > 3 * s->ip_slots)
        grow_ips(s);
    uint64_t *slot = ip_slot(s, ip);
    if (*slot == EMPTY) {
        *slot = (uint64_t)ip << 32 | atomic_fetch_add(&x->next, 1);
        s->ip_count++;
    }
    uint32_t code = (uint32_t)*slot;
    pthread_mutex_unlock(&s->lock);
    return code;
}

static uint32_t near_ip_code(interner *x, uint32_t ip)
{
    if (near_table.serial != x->serial) {
        memset(near_table.slots, 0xFF, sizeof near_table.slots);
        near_table.serial = x->serial;
    }
    uint64_t *near = &near_table.slots[ip_hash(ip) >> 50];
    if (*near == EMPTY || *near >> 32 != ip)
        *near = (uint64_t)ip << 32 | ip_code(x, ip);
    return (uint32_t)*near;
}

uint32_t interner_code(void *context, str text)
{
    interner *x = context;
    uint32_t ip;
    if (ipv4_parse(text, &ip) && ip != UINT32_MAX)
        return near_ip_code(x, ip);
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

uint32_t interner_count(const interner *x)
{
    return x->next;
}

interned *interner_keys(const interner *x, arena *a)
{
    interned *keys = arena_array_of(a, interned, x->next);
    for (size_t i = 0; i < SHARDS; i++) {
        const shard *s = &x->shards[i];
        for (uint32_t k = 0; k < s->ip_slots; k++)
            if (s->ips[k] != EMPTY)
                keys[(uint32_t)s->ips[k]].ip = (uint32_t)(s->ips[k] >> 32);
        for (size_t k = 0; k < s->codes.count; k++) {
            const map_entry *e = &s->codes.entries[k];
            keys[(uintptr_t)e->value - 1].text = (str){ e->key.len ? e->key.data : "", e->key.len };
        }
    }
    return keys;
}

static str ipv4_text(arena *a, uint32_t ip);

str *interner_texts(const interner *x, arena *a)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const interned *keys = interner_keys(x, scratch);
    str *texts = arena_array_of(a, str, x->next);
    for (uint32_t i = 0; i < x->next; i++)
        texts[i] = keys[i].text.data ? str_copy(a, keys[i].text) : ipv4_text(a, keys[i].ip);
    return texts;
}

/* ---- Building ---- */

bool ipv4_parse(str text, uint32_t *ret_ip)
{
    uint32_t ip = 0;
    size_t at = 0;
    if (text.len < 7 || text.len > 15)
        return false;
    for (int part = 0; part < 4; part++) {
        uint32_t number = 0;
        size_t from = at;
        while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9' && at - from < 3)
            number = number * 10 + (uint32_t)(text.data[at++] - '0');
        if (at == from || number > 255 || (at - from > 1 && text.data[from] == '0'))
            return false;
        ip = ip << 8 | number;
        if (part < 3 && (at >= text.len || text.data[at++] != '.'))
            return false;
    }
    *ret_ip = ip;
    return at == text.len;
}

/* A key that the dictionary lacks. */
typedef struct new_key {
    interned key;
    uint32_t code;
} new_key;

static int compare_keys(const void *x, const void *y)
{
    const new_key *p = x, *q = y;
    if (!p->key.text.data != !q->key.text.data)
        return p->key.text.data ? 1 : -1;
    return p->key.text.data ? str_compare(p->key.text, q->key.text)
                            : (p->key.ip > q->key.ip) - (p->key.ip < q->key.ip);
}

static bool find_key(const dictionary *d, const interned *key, uint64_t *ret_id);

static key_run make_run(arena *a, uint64_t first, const new_key *keys, uint32_t count,
                        uint32_t *ret_ids)
{
    uint64_t heap_bytes = 0;
    uint32_t ip_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        heap_bytes += keys[i].key.text.len;
        ip_count += !keys[i].key.text.data;
        ret_ids[keys[i].code] = (uint32_t)(first + i);
    }
    uint32_t text_count = count - ip_count;
    uint32_t *ips = arena_array_of(a, uint32_t, ip_count);
    uint64_t *offsets = arena_array_of(a, uint64_t, text_count + 1);
    char *heap = arena_alloc(a, heap_bytes + 1);
    for (uint32_t i = 0; i < ip_count; i++)
        ips[i] = keys[i].key.ip;
    for (uint32_t i = 0; i < text_count; i++) {
        str text = keys[ip_count + i].key.text;
        memcpy(heap + offsets[i], text.data, text.len);
        offsets[i + 1] = offsets[i] + text.len;
    }
    return (key_run){ first, ip_count, text_count, ips, offsets, heap };
}

void dictionary_extend(arena *a, const dictionary *old, const interned *keys, uint32_t count,
                       dictionary *ret, uint32_t *ret_ids)
{
    new_key *fresh = memory_alloc((count + 1) * sizeof *fresh);
    uint32_t fresh_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id;
        if (old->count && find_key(old, &keys[i], &id))
            ret_ids[i] = (uint32_t)id;
        else
            fresh[fresh_count++] = (new_key){ keys[i], i };
    }
    qsort(fresh, fresh_count, sizeof *fresh, compare_keys);
    key_run *runs = arena_array_of(a, key_run, old->run_count + 1);
    for (size_t i = 0; i < old->run_count; i++) /* the old graph may go first */
        runs[i] = (key_run){
            .first = old->runs[i].first,
            .ip_count = old->runs[i].ip_count,
            .text_count = old->runs[i].text_count,
            .ips = arena_copy(a, old->runs[i].ips, old->runs[i].ip_count * sizeof(uint32_t)),
            .offsets = arena_copy(a, old->runs[i].offsets,
                                  (old->runs[i].text_count + 1ull) * sizeof(uint64_t)),
            .heap = arena_copy(a, old->runs[i].heap, old->runs[i].offsets[old->runs[i].text_count]),
        };
    runs[old->run_count] = make_run(a, old->count, fresh, fresh_count, ret_ids);
    *ret = (dictionary){ .runs = runs,
                         .run_count = old->run_count + (fresh_count > 0),
                         .count = old->count + fresh_count };
    free(fresh);
}

/* ---- Asking ---- */

static str text_at(const key_run *r, uint64_t i)
{
    return (str){ r->heap + r->offsets[i], r->offsets[i + 1] - r->offsets[i] };
}

static bool find_ip(const key_run *r, uint32_t ip, uint64_t *ret_id)
{
    uint64_t low = 0, high = r->ip_count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (r->ips[middle] < ip)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_id = r->first + low;
    return low < r->ip_count && r->ips[low] == ip;
}

static bool find_text(const key_run *r, str key, uint64_t *ret_id)
{
    uint64_t low = 0, high = r->text_count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (str_compare(text_at(r, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_id = r->first + r->ip_count + low;
    return low < r->text_count && str_eq(text_at(r, low), key);
}

static bool find_key(const dictionary *d, const interned *key, uint64_t *ret_id)
{
    for (size_t i = 0; i < d->run_count; i++)
        if (key->text.data ? find_text(&d->runs[i], key->text, ret_id)
                           : find_ip(&d->runs[i], key->ip, ret_id))
            return true;
    return false;
}

bool dictionary_find(const dictionary *d, str key, uint64_t *ret_id)
{
    interned x = { .text = { key.len ? key.data : "", key.len } };
    if (ipv4_parse(key, &x.ip) && x.ip != UINT32_MAX)
        x.text = (str){ 0 };
    return find_key(d, &x, ret_id);
}

static str ipv4_text(arena *a, uint32_t ip)
{
    char text[16];
    size_t len = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        uint32_t part = ip >> shift & 255;
        if (part >= 100)
            text[len++] = (char)('0' + part / 100);
        if (part >= 10)
            text[len++] = (char)('0' + part / 10 % 10);
        text[len++] = (char)('0' + part % 10);
        if (shift)
            text[len++] = '.';
    }
    return str_copy(a, (str){ text, len });
}

str dictionary_key(const dictionary *d, arena *a, uint64_t id)
{
    size_t low = 0, high = d->run_count;
    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (d->runs[middle].first <= id)
            low = middle;
        else
            high = middle;
    }
    const key_run *r = &d->runs[low];
    uint64_t at = id - r->first;
    return at < r->ip_count ? ipv4_text(a, r->ips[at]) : text_at(r, at - r->ip_count);
}
