/* Keys of vertices and their dense ids. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "graph/internal.h"

/* ---- Interning ---- */

enum { SHARDS = 64 };

typedef struct shard {
    pthread_mutex_t lock; /* guards the rest */
    arena *arena;
    map codes; /* text → code + 1 */
} shard;

struct interner {
    shard shards[SHARDS];
    _Atomic uint32_t next;
};

interner *interner_new(void)
{
    interner *x = memory_alloc(sizeof *x);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&x->shards[i].lock, NULL);
        x->shards[i].arena = arena_new();
        x->shards[i].codes = map_new(x->shards[i].arena);
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
    }
    free(x);
}

uint32_t interner_code(void *context, str text)
{
    interner *x = context;
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

str *interner_texts(interner *x, arena *a)
{
    str *texts = arena_array_of(a, str, x->next);
    for (size_t i = 0; i < SHARDS; i++)
        for (size_t k = 0; k < x->shards[i].codes.count; k++) {
            const map_entry *e = &x->shards[i].codes.entries[k];
            texts[(uintptr_t)e->value - 1] = str_copy(a, e->key);
        }
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

typedef struct numbered_key {
    str text;
    uint32_t code, ip;
    uint8_t part; /* 0 rows by IP, 1 rows by text, 2 ends by IP, 3 ends by text */
} numbered_key;

static int compare_keys(const void *x, const void *y)
{
    const numbered_key *p = x, *q = y;
    if (p->part != q->part)
        return p->part - q->part;
    return p->part & 1 ? str_compare(p->text, q->text) : (p->ip > q->ip) - (p->ip < q->ip);
}

void dictionary_build(arena *a, const str *texts, const uint32_t *rows, uint32_t count,
                      dictionary *ret, uint32_t *ret_ids)
{
    numbered_key *keys = memory_alloc(count * sizeof *keys);
    uint64_t counts[4] = { 0 }, heap_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_ip = ipv4_parse(texts[i], &keys[i].ip);
        keys[i].text = texts[i];
        keys[i].code = i;
        keys[i].part = (uint8_t)((rows[i] == UINT32_MAX ? 2 : 0) + !is_ip);
        counts[keys[i].part]++;
        heap_bytes += is_ip ? 0 : texts[i].len;
    }
    if (count)
        qsort(keys, count, sizeof *keys, compare_keys);
    uint64_t text_count = counts[1] + counts[3];
    uint32_t *ips = arena_array_of(a, uint32_t, counts[0] + counts[2]),
             *row_of = arena_array_of(a, uint32_t, counts[0] + counts[1]);
    uint64_t *offsets = arena_array_of(a, uint64_t, text_count + 1);
    char *heap = arena_alloc(a, heap_bytes);
    uint64_t ip_at = 0, text_at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const numbered_key *k = &keys[i];
        ret_ids[k->code] = i;
        if (k->part < 2)
            row_of[i] = rows[k->code];
        if (k->part & 1) {
            memcpy(heap + offsets[text_at], k->text.data, k->text.len);
            offsets[text_at + 1] = offsets[text_at] + k->text.len;
            text_at++;
        } else {
            ips[ip_at++] = k->ip;
        }
    }
    free(keys);
    *ret = (dictionary){ counts[0], counts[1], counts[2], counts[3], ips, offsets, heap, row_of };
}

/* ---- Asking ---- */

uint64_t dictionary_row_count(const dictionary *d)
{
    return d->row_ip_count + d->row_text_count;
}

uint64_t dictionary_count(const dictionary *d)
{
    return dictionary_row_count(d) + d->end_ip_count + d->end_text_count;
}

static bool find_ip(const uint32_t *ips, uint64_t count, uint32_t ip, uint64_t *ret)
{
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (ips[middle] < ip)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return low < count && ips[low] == ip;
}

static str text_at(const dictionary *d, uint64_t i)
{
    return (str){ d->heap + d->offsets[i], d->offsets[i + 1] - d->offsets[i] };
}

static bool find_text(const dictionary *d, uint64_t from, uint64_t count, str key, uint64_t *ret)
{
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (str_compare(text_at(d, from + middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return low < count && str_eq(text_at(d, from + low), key);
}

bool dictionary_find(const dictionary *d, str key, uint64_t *ret_id)
{
    uint32_t ip;
    uint64_t at, ends = dictionary_row_count(d);
    if (ipv4_parse(key, &ip)) {
        if (find_ip(d->ips, d->row_ip_count, ip, &at)) {
            *ret_id = at;
            return true;
        }
        *ret_id = ends;
        if (!find_ip(d->ips + d->row_ip_count, d->end_ip_count, ip, &at))
            return false;
        *ret_id = ends + at;
        return true;
    }
    if (find_text(d, 0, d->row_text_count, key, &at)) {
        *ret_id = d->row_ip_count + at;
        return true;
    }
    bool is_found = find_text(d, d->row_text_count, d->end_text_count, key, &at);
    *ret_id = ends + d->end_ip_count + at;
    return is_found;
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
    uint64_t ends = dictionary_row_count(d);
    bool is_end = id >= ends;
    uint64_t at = is_end ? id - ends : id, ip_count = is_end ? d->end_ip_count : d->row_ip_count;
    if (at >= ip_count)
        return text_at(d, (is_end ? d->row_text_count : 0) + at - ip_count);
    uint32_t ip = d->ips[(is_end ? d->row_ip_count : 0) + at];
    return ipv4_text(a, ip);
}
