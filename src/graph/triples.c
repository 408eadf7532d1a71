/* Triples of two dense ids and a number, sorted by both ids: first parted by the upper bits of the
 * major one, then each part sorted where it fits a processor's cache. */
#include <assert.h>
#include <stdlib.h>

#include "base/pool.h"
#include "graph/internal.h"

enum { PART_BITS = 11, PART_ITEMS = 4096, MOST_CHUNKS = 16, BLOCK_ITEMS = 512 };

static int bits_of(uint64_t limit)
{
    int bits = 0;
    while (bits < 32 && (1ull << bits) < limit)
        bits++;
    return bits;
}

/* ---- Into parts ---- */

typedef struct partition {
    triples *to;
    triple_read read;
    const void *context;
    uint64_t limit, chunk_size;
    uint64_t (*next)[(1 << PART_BITS) + 1]; /* of each chunk: counts, then places */
} partition;

static triple_cursor cursor_of(const partition *p, size_t chunk)
{
    uint64_t from = chunk * p->chunk_size, to = from + p->chunk_size;
    return (triple_cursor){ .at = from < p->limit ? from : p->limit,
                            .to = to < p->limit ? to : p->limit };
}

static bool count_chunk(void *context, size_t chunk)
{
    partition *p = context;
    triple items[BLOCK_ITEMS];
    for (triple_cursor c = cursor_of(p, chunk); c.at < c.to;) {
        size_t count = p->read(p->context, &c, items, BLOCK_ITEMS);
        for (size_t i = 0; i < count; i++)
            p->next[chunk][items[i].major >> p->to->shift]++;
    }
    return true;
}

static bool scatter_chunk(void *context, size_t chunk)
{
    partition *p = context;
    triple items[BLOCK_ITEMS];
    for (triple_cursor c = cursor_of(p, chunk); c.at < c.to;) {
        size_t count = p->read(p->context, &c, items, BLOCK_ITEMS);
        for (size_t i = 0; i < count; i++)
            p->to->items[p->next[chunk][items[i].major >> p->to->shift]++] = items[i];
    }
    return true;
}

bool triples_part(graph_memory *m, triple_read read, const void *context, uint64_t limit,
                  uint64_t major_limit, uint64_t weight, triples *ret, error *err)
{
    int part_bits = bits_of(weight / PART_ITEMS + 1), major_bits = bits_of(major_limit);
    part_bits = part_bits > PART_BITS ? PART_BITS : part_bits;
    part_bits = part_bits > major_bits ? major_bits : part_bits;
    triples t = { .shift = major_bits - part_bits, .part_count = (size_t)1 << part_bits };
    size_t chunks = limit < 1 << 16 ? 1 : (size_t)pool_thread_count();
    chunks = chunks > MOST_CHUNKS ? MOST_CHUNKS : chunks;
    partition p = { &t, read, context, limit, limit / chunks + 1, NULL };
    TRY(block_take_unset(m, limit * sizeof *t.items, &t.block, err));
    t.items = t.block.data;
    t.starts = memory_alloc((t.part_count + 1) * sizeof *t.starts);
    p.next = memory_alloc(chunks * sizeof *p.next);
    pool_each(chunks, count_chunk, &p);
    for (size_t i = 0; i < t.part_count; i++) {
        t.starts[i] = t.count;
        for (size_t c = 0; c < chunks; c++) {
            uint64_t count = p.next[c][i];
            p.next[c][i] = t.count;
            t.count += count;
        }
    }
    t.starts[t.part_count] = t.count;
    pool_each(chunks, scatter_chunk, &p);
    free(p.next);
    *ret = t;
    return true;
}

void triples_free(graph_memory *m, triples *t)
{
    block_give(m, &t->block);
    free(t->starts);
    *t = (triples){ 0 };
}

/* ---- Within a part ---- */

typedef struct part_sort {
    triples *list;
    triple *scratch;
    int minor_bits;
} part_sort;

static inline uint64_t key_of(const triple *x, int minor_bits)
{
    return (uint64_t)x->major << minor_bits | x->minor;
}

static triple *radix_pass(triple *from, triple *to, uint64_t count, int minor_bits, int shift,
                          int digit_bits)
{
    uint32_t next[1 << PART_BITS] = { 0 }, sum = 0;
    uint64_t mask = (1ull << digit_bits) - 1;
    for (uint64_t i = 0; i < count; i++)
        next[key_of(&from[i], minor_bits) >> shift & mask]++;
    for (uint64_t d = 0; d <= mask; d++) {
        uint32_t n = next[d];
        next[d] = sum;
        sum += n;
    }
    for (uint64_t i = 0; i < count; i++)
        to[next[key_of(&from[i], minor_bits) >> shift & mask]++] = from[i];
    return to;
}

static int compare_payloads(const void *x, const void *y)
{
    const triple *p = x, *q = y;
    return (p->payload > q->payload) - (p->payload < q->payload);
}

/* Rows of a pair come nearly in order. */
static void sort_payloads(triple *items, uint64_t count)
{
    enum { FEW = 64 };
    uint64_t disorder = 0;
    for (uint64_t i = 1; i < count; i++)
        disorder += items[i - 1].payload > items[i].payload;
    if (disorder == 0)
        return;
    if (count > FEW) {
        qsort(items, count, sizeof *items, compare_payloads);
        return;
    }
    for (uint64_t i = 1; i < count; i++) {
        triple x = items[i];
        uint64_t at = i;
        for (; at > 0 && items[at - 1].payload > x.payload; at--)
            items[at] = items[at - 1];
        items[at] = x;
    }
}

static bool sort_part(void *context, size_t part)
{
    const part_sort *s = context;
    triples *t = s->list;
    uint64_t from = t->starts[part], count = t->starts[part + 1] - from;
    triple *items = t->items + from, *other = s->scratch + from, *sorted = items;
    int bits = s->minor_bits + t->shift, most = count < 1024 ? 8 : PART_BITS;
    if (count == 0)
        return true;
    int passes = (bits + most - 1) / most, digit = passes ? (bits + passes - 1) / passes : 0;
    for (int pass = 0; pass < passes; pass++)
        sorted = radix_pass(sorted, sorted == items ? other : items, count, s->minor_bits,
                            pass * digit, digit);
    if (sorted != items)
        memcpy(items, sorted, count * sizeof *items);
    for (uint64_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && items[end].major == items[i].major &&
                          items[end].minor == items[i].minor;)
            end++;
        sort_payloads(items + i, end - i);
    }
    return true;
}

void triples_sort(triples *t, uint64_t minor_limit, triple *scratch)
{
    part_sort s = { t, scratch, bits_of(minor_limit) };
    pool_each(t->part_count, sort_part, &s);
}
