/* Keys of vertices and their dense ids. */
#include <stdlib.h>

#include "graph/internal.h"

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

static bool find_ip(const key_run *r, uint32_t ip, uint64_t *ret_id);
static bool find_text(const key_run *r, str key, uint64_t *ret_id);

static bool find_in_runs(const dictionary *d, str text, uint32_t ip, uint64_t *ret_id)
{
    for (size_t i = 0; i < d->run_count; i++)
        if (text.data ? find_text(&d->runs[i], text, ret_id) : find_ip(&d->runs[i], ip, ret_id))
            return true;
    return false;
}

/* The first place whose address is not below. */
static uint64_t place_of(const key_run *r, uint64_t ip)
{
    uint64_t low = 0, high = r->ip_count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (r->ips[middle] < ip)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t dictionary_address_ranges(const dictionary *d, uint32_t first, uint32_t last,
                                 graph_range *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < d->run_count; i++) {
        const key_run *r = &d->runs[i];
        graph_range x = { r->first + place_of(r, first), r->first + place_of(r, last + 1ull) };
        if (x.from < x.to)
            ret[count++] = x;
    }
    uint64_t id; /* the last address stands among the texts */
    if (last == UINT32_MAX && dictionary_find(d, STR("255.255.255.255"), &id))
        ret[count++] = (graph_range){ id, id + 1 };
    return count;
}

/* Addresses (address << 32 | code) in order; the one of `items` and `other` that holds them. */
static uint64_t *sort_ips(uint64_t *items, uint64_t *other, uint32_t count)
{
    enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
    for (int shift = 32; shift < 64; shift += DIGIT_BITS) {
        uint32_t next[DIGITS] = { 0 }, sum = 0;
        for (uint32_t i = 0; i < count; i++)
            next[items[i] >> shift & (DIGITS - 1)]++;
        for (int d = 0; d < DIGITS; d++) {
            uint32_t n = next[d];
            next[d] = sum;
            sum += n;
        }
        for (uint32_t i = 0; i < count; i++)
            other[next[items[i] >> shift & (DIGITS - 1)]++] = items[i];
        uint64_t *swap = items;
        items = other;
        other = swap;
    }
    return items;
}

static int compare_texts(const void *x, const void *y)
{
    return str_compare(((const interned *)x)->text, ((const interned *)y)->text);
}

/* The addresses that `old` lacks, in order, as a part of `r`. */
static void add_ips(arena *a, const dictionary *old, const interner *x, key_run *r,
                    uint32_t *ret_ids)
{
    uint64_t *items = memory_alloc((interner_count(x) + 1ull) * sizeof *items);
    uint64_t *other = memory_alloc((interner_count(x) + 1ull) * sizeof *other), id;
    uint32_t count = interner_ips(x, items);
    for (uint32_t i = 0; i < count; i++)
        if (old->count && find_in_runs(old, (str){ 0 }, (uint32_t)(items[i] >> 32), &id))
            ret_ids[(uint32_t)items[i]] = (uint32_t)id;
        else
            items[r->ip_count++] = items[i];
    const uint64_t *sorted = sort_ips(items, other, r->ip_count);
    uint32_t *ips = arena_alloc(a, (r->ip_count + 1ull) * sizeof *ips);
    for (uint32_t i = 0; i < r->ip_count; i++) {
        ips[i] = (uint32_t)(sorted[i] >> 32);
        ret_ids[(uint32_t)sorted[i]] = (uint32_t)(r->first + i);
    }
    r->ips = ips;
    free(items);
    free(other);
}

static void add_texts(arena *a, const dictionary *old, const interner *x, key_run *r,
                      uint32_t *ret_ids)
{
    interned *keys = memory_alloc((interner_count(x) + 1ull) * sizeof *keys);
    uint32_t count = interner_keys(x, keys);
    uint64_t heap_bytes = 0, id;
    for (uint32_t i = 0; i < count; i++) {
        if (old->count && find_in_runs(old, keys[i].text, 0, &id)) {
            ret_ids[keys[i].code] = (uint32_t)id;
            continue;
        }
        heap_bytes += keys[i].text.len;
        keys[r->text_count++] = keys[i];
    }
    qsort(keys, r->text_count, sizeof *keys, compare_texts);
    uint64_t *offsets = arena_array_of(a, uint64_t, r->text_count + 1);
    char *heap = arena_alloc(a, heap_bytes + 1);
    for (uint32_t i = 0; i < r->text_count; i++) {
        memcpy(heap + offsets[i], keys[i].text.data, keys[i].text.len);
        offsets[i + 1] = offsets[i] + keys[i].text.len;
        ret_ids[keys[i].code] = (uint32_t)(r->first + r->ip_count + i);
    }
    r->offsets = offsets;
    r->heap = heap;
    free(keys);
}

void dictionary_extend(arena *a, const dictionary *old, const interner *keys, dictionary *ret,
                       uint32_t *ret_ids)
{
    key_run *runs = arena_array_of(a, key_run, old->run_count + 1), *fresh = &runs[old->run_count];
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
    *fresh = (key_run){ .first = old->count };
    add_ips(a, old, keys, fresh, ret_ids);
    add_texts(a, old, keys, fresh, ret_ids);
    uint64_t fresh_count = (uint64_t)fresh->ip_count + fresh->text_count;
    *ret = (dictionary){ .runs = runs,
                         .run_count = old->run_count + (fresh_count > 0),
                         .count = old->count + fresh_count };
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

bool dictionary_find(const dictionary *d, str key, uint64_t *ret_id)
{
    uint32_t ip = 0;
    bool is_ip = ipv4_parse(key, &ip) && ip != UINT32_MAX;
    str text = { key.len ? key.data : "", key.len };
    return find_in_runs(d, is_ip ? (str){ 0 } : text, ip, ret_id);
}

str ipv4_text(arena *a, uint32_t ip)
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
