/* Column chunks from values. */
#include "column/parquet_build.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "column/hybrid.h"

enum {
    MOST_ENTRIES = 1 << 15, /* of a dictionary */
    FIRST_SLOTS = 1 << 10,
    ROWS_A_PAGE = 20000,
};
#define NO_VALUE UINT32_MAX

/* A distinct value; once the chunk is plain, any value. */
typedef struct entry {
    int64_t number;        /* or: */
    uint32_t offset, size; /* of the text in `bytes` */
} entry;

struct column_builder {
    parquet_type type;
    bool is_plain;
    uint32_t *codes; /* of rows: entry, or NO_VALUE */
    size_t row_count, row_capacity, present;
    entry *entries;
    size_t entry_count, entry_capacity;
    char *bytes;
    size_t byte_count, byte_capacity;
    uint32_t *slots; /* entry + 1 by hash */
    size_t slot_count;
    uint32_t last; /* entry of the value before; NO_VALUE: none */
};

column_builder *column_builder_new(parquet_type type)
{
    column_builder *b = memory_alloc(sizeof *b);
    b->type = type;
    b->slot_count = FIRST_SLOTS;
    b->slots = memory_alloc(b->slot_count * sizeof *b->slots);
    b->last = NO_VALUE;
    return b;
}

void column_builder_free(column_builder *b)
{
    if (!b)
        return;
    free(b->codes);
    free(b->entries);
    free(b->bytes);
    free(b->slots);
    free(b);
}

static bool is_text(const column_builder *b)
{
    return b->type == PARQUET_BYTE_ARRAY;
}

static str text_of(const column_builder *b, const entry *e)
{
    return (str){ b->bytes + e->offset, e->size };
}

static void put_code(column_builder *b, uint32_t code)
{
    if (b->row_count == b->row_capacity) {
        b->row_capacity = b->row_capacity ? b->row_capacity * 2 : 4096;
        b->codes = memory_grow(b->codes, b->row_capacity * sizeof *b->codes);
    }
    b->codes[b->row_count++] = code;
}

void column_builder_null(column_builder *b)
{
    put_code(b, NO_VALUE);
}

static uint64_t hash_of(const column_builder *b, const entry *e)
{
    return is_text(b) ? hash64(b->bytes + e->offset, e->size)
                      : (uint64_t)e->number * 0x9E3779B97F4A7C15ull >> 7;
}

static void grow_slots(column_builder *b)
{
    b->slot_count *= 2;
    free(b->slots);
    b->slots = memory_alloc(b->slot_count * sizeof *b->slots);
    for (size_t i = 0; i < b->entry_count; i++) {
        size_t at = hash_of(b, &b->entries[i]) & (b->slot_count - 1);
        while (b->slots[at])
            at = (at + 1) & (b->slot_count - 1);
        b->slots[at] = (uint32_t)i + 1;
    }
}

static uint32_t add_entry(column_builder *b, entry e)
{
    if (b->entry_count == b->entry_capacity) {
        b->entry_capacity = b->entry_capacity ? b->entry_capacity * 2 : 1024;
        b->entries = memory_grow(b->entries, b->entry_capacity * sizeof *b->entries);
    }
    b->entries[b->entry_count++] = e;
    return (uint32_t)b->entry_count - 1;
}

/* A new entry at a free slot; the dictionary grows until it is too large to be one. */
static uint32_t add_distinct(column_builder *b, size_t slot, entry e)
{
    uint32_t code = add_entry(b, e);
    b->slots[slot] = code + 1;
    b->is_plain = b->entry_count > MOST_ENTRIES;
    if (!b->is_plain && 2 * b->entry_count > b->slot_count)
        grow_slots(b);
    return code;
}

void column_builder_number(column_builder *b, int64_t v)
{
    b->present++;
    if (b->last != NO_VALUE && b->entries[b->last].number == v) {
        put_code(b, b->last);
        return;
    }
    entry e = { .number = v };
    if (b->is_plain) {
        b->last = add_entry(b, e);
    } else {
        size_t at = hash_of(b, &e) & (b->slot_count - 1);
        while (b->slots[at] && b->entries[b->slots[at] - 1].number != v)
            at = (at + 1) & (b->slot_count - 1);
        b->last = b->slots[at] ? b->slots[at] - 1 : add_distinct(b, at, e);
    }
    put_code(b, b->last);
}

static entry keep_text(column_builder *b, str v)
{
    if (b->byte_count + v.len > b->byte_capacity) {
        b->byte_capacity = (b->byte_count + v.len) * 2;
        b->bytes = memory_grow(b->bytes, b->byte_capacity);
    }
    memcpy(b->bytes + b->byte_count, v.data, v.len);
    entry e = { .offset = (uint32_t)b->byte_count, .size = (uint32_t)v.len };
    b->byte_count += v.len;
    assert(b->byte_count < UINT32_MAX);
    return e;
}

void column_builder_text(column_builder *b, str v)
{
    b->present++;
    if (b->last != NO_VALUE && str_eq(text_of(b, &b->entries[b->last]), v)) {
        put_code(b, b->last);
        return;
    }
    if (b->is_plain) {
        b->last = add_entry(b, keep_text(b, v));
    } else {
        size_t at = hash64(v.data, v.len) & (b->slot_count - 1);
        while (b->slots[at] && !str_eq(text_of(b, &b->entries[b->slots[at] - 1]), v))
            at = (at + 1) & (b->slot_count - 1);
        b->last = b->slots[at] ? b->slots[at] - 1 : add_distinct(b, at, keep_text(b, v));
    }
    put_code(b, b->last);
}

/* ---- Pages ---- */

static void put_plain(const column_builder *b, strbuf *out, const entry *e)
{
    if (is_text(b)) {
        strbuf_add_bytes(out, &e->size, sizeof e->size);
        strbuf_add(out, text_of(b, e));
    } else {
        strbuf_add_bytes(out, &e->number, b->type == PARQUET_INT32 ? 4 : 8);
    }
}

static int compare(const column_builder *b, const entry *x, const entry *y)
{
    if (is_text(b))
        return str_compare(text_of(b, x), text_of(b, y));
    if (b->type != PARQUET_DOUBLE)
        return (x->number > y->number) - (x->number < y->number);
    double p, q;
    memcpy(&p, &x->number, sizeof p);
    memcpy(&q, &y->number, sizeof q);
    return (p > q) - (p < q);
}

static str plain_of(const column_builder *b, arena *a, const entry *e)
{
    if (is_text(b))
        return str_copy(a, text_of(b, e));
    size_t size = b->type == PARQUET_INT32 ? 4 : 8;
    return (str){ arena_copy(a, &e->number, size), size };
}

static parquet_stats stats_of(const column_builder *b, arena *a)
{
    parquet_stats s = { .null_count = (int64_t)(b->row_count - b->present) };
    if (b->entry_count == 0)
        return s;
    const entry *low = b->entries, *high = b->entries;
    for (size_t i = 1; i < b->entry_count; i++) {
        if (compare(b, &b->entries[i], low) < 0)
            low = &b->entries[i];
        if (compare(b, &b->entries[i], high) > 0)
            high = &b->entries[i];
    }
    s.min = plain_of(b, a, low);
    s.max = plain_of(b, a, high);
    return s;
}

static void put_levels(const column_builder *b, arena *a, strbuf *out, size_t from, size_t count)
{
    uint32_t size = 0, *levels = arena_array_of(a, uint32_t, count);
    for (size_t i = 0; i < count; i++)
        levels[i] = b->codes[from + i] != NO_VALUE;
    size_t at = out->len;
    strbuf_add_bytes(out, &size, sizeof size);
    hybrid_encode(out, levels, count, 1);
    size = (uint32_t)(out->len - at - sizeof size);
    memcpy(out->data + at, &size, sizeof size);
}

static bool put_page(const column_builder *b, page_maker *m, size_t from, size_t count, int width,
                     made_chunk *chunk, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    put_levels(b, a, &out, from, count);
    if (b->is_plain) {
        for (size_t i = 0; i < count; i++)
            if (b->codes[from + i] != NO_VALUE)
                put_plain(b, &out, &b->entries[b->codes[from + i]]);
        return page_maker_add(m, MADE_PLAIN, strbuf_str(&out), (int64_t)count, chunk, err);
    }
    uint32_t *codes = arena_array_of(a, uint32_t, count);
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        codes[present] = b->codes[from + i];
        present += b->codes[from + i] != NO_VALUE;
    }
    strbuf_add_char(&out, (char)width);
    hybrid_encode(&out, codes, present, width);
    return page_maker_add(m, MADE_INDEXES, strbuf_str(&out), (int64_t)count, chunk, err);
}

static bool put_dictionary(const column_builder *b, page_maker *m, made_chunk *chunk, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf out = strbuf_new(a);
    for (size_t i = 0; i < b->entry_count; i++)
        put_plain(b, &out, &b->entries[i]);
    return page_maker_add(m, MADE_DICTIONARY, strbuf_str(&out), (int64_t)b->entry_count, chunk,
                          err);
}

static void start_anew(column_builder *b)
{
    b->row_count = b->present = b->entry_count = b->byte_count = 0;
    b->is_plain = false;
    b->last = NO_VALUE;
    memset(b->slots, 0, b->slot_count * sizeof *b->slots);
}

bool column_builder_finish(column_builder *b, page_maker *m, arena *a, made_chunk *ret, error *err)
{
    made_chunk chunk = made_chunk_new();
    int width = 1;
    b->is_plain |=
        b->entry_count == 0 || 2 * b->entry_count > b->row_count; /* a dictionary saves little */
    while (!b->is_plain && b->entry_count > 1ull << width)
        width++;
    if (!b->is_plain)
        TRY(put_dictionary(b, m, &chunk, err));
    for (size_t from = 0; from < b->row_count; from += ROWS_A_PAGE) {
        size_t count =
            b->row_count - from < ROWS_A_PAGE ? b->row_count - from : (size_t)ROWS_A_PAGE;
        TRY(put_page(b, m, from, count, width, &chunk, err));
    }
    chunk.stats = stats_of(b, a);
    start_anew(b);
    *ret = chunk;
    return true;
}
