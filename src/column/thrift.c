/* Thrift's compact protocol. */
#include "column/thrift.h"

enum { MOST_DEPTH = 16 };

static uint8_t take_byte(thrift_reader *r)
{
    if (r->is_bad || r->at == r->end) {
        r->is_bad = true;
        return 0;
    }
    return *r->at++;
}

static uint64_t take_varint(thrift_reader *r)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = take_byte(r);
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return v;
    }
    r->is_bad = true;
    return 0;
}

int64_t thrift_int(thrift_reader *r)
{
    uint64_t v = take_varint(r);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

thrift_type thrift_field(thrift_reader *r, int *last_id)
{
    uint8_t head = take_byte(r);
    thrift_type type = head & 0x0F;
    if (r->is_bad || type == THRIFT_STOP)
        return THRIFT_STOP;
    *last_id = head >> 4 ? *last_id + (head >> 4) : (int)thrift_int(r);
    return r->is_bad ? THRIFT_STOP : type;
}

str thrift_binary(thrift_reader *r)
{
    uint64_t len = take_varint(r);
    if (r->is_bad || len > (uint64_t)(r->end - r->at)) {
        r->is_bad = true;
        return (str){ 0 };
    }
    str v = { (const char *)r->at, (size_t)len };
    r->at += len;
    return v;
}

size_t thrift_list(thrift_reader *r, thrift_type *ret_item)
{
    uint8_t head = take_byte(r);
    uint64_t count = head >> 4 == 15 ? take_varint(r) : head >> 4;
    *ret_item = head & 0x0F;
    if (r->is_bad || count > (uint64_t)(r->end - r->at)) { /* an item has at least one byte */
        r->is_bad = true;
        return 0;
    }
    return (size_t)count;
}

static void skip(thrift_reader *r, thrift_type type, int depth);

static void skip_list(thrift_reader *r, int depth)
{
    thrift_type item;
    size_t count = thrift_list(r, &item);
    for (size_t i = 0; i < count && !r->is_bad; i++) {
        if (item == THRIFT_TRUE || item == THRIFT_FALSE)
            take_byte(r);
        else
            skip(r, item, depth);
    }
}

static void skip_map(thrift_reader *r, int depth)
{
    uint64_t count = take_varint(r);
    uint8_t types = count ? take_byte(r) : 0;
    for (uint64_t i = 0; i < count && !r->is_bad; i++) {
        skip(r, types >> 4, depth);
        skip(r, types & 0x0F, depth);
    }
}

static void skip(thrift_reader *r, thrift_type type, int depth)
{
    int id = 0;
    if (depth > MOST_DEPTH) {
        r->is_bad = true;
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE: return;
    case THRIFT_BYTE: take_byte(r); return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64: take_varint(r); return;
    case THRIFT_DOUBLE:
        if (r->end - r->at < 8)
            r->is_bad = true;
        else
            r->at += 8;
        return;
    case THRIFT_BINARY: thrift_binary(r); return;
    case THRIFT_LIST:
    case THRIFT_SET: skip_list(r, depth + 1); return;
    case THRIFT_MAP: skip_map(r, depth + 1); return;
    case THRIFT_STRUCT:
        for (thrift_type t; (t = thrift_field(r, &id)) != THRIFT_STOP;)
            skip(r, t, depth + 1);
        return;
    case THRIFT_STOP: break;
    }
    r->is_bad = true;
}

void thrift_skip(thrift_reader *r, thrift_type type)
{
    skip(r, type, 0);
}

/* ---- Writing ---- */

static void put_varint(strbuf *b, uint64_t v)
{
    for (; v > 0x7F; v >>= 7)
        strbuf_add_char(b, (char)(v | 0x80));
    strbuf_add_char(b, (char)v);
}

void thrift_put_int(strbuf *b, int64_t v)
{
    put_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void thrift_put_field(strbuf *b, int *last_id, int id, thrift_type type)
{
    int step = id - *last_id;
    bool is_short = step > 0 && step < 16;
    strbuf_add_char(b, (char)(is_short ? step << 4 | type : type));
    if (!is_short)
        thrift_put_int(b, id);
    *last_id = id;
}

void thrift_put_binary(strbuf *b, str v)
{
    put_varint(b, v.len);
    strbuf_add(b, v);
}

void thrift_put_list(strbuf *b, thrift_type item, size_t count)
{
    strbuf_add_char(b, (char)((count < 15 ? count : 15) << 4 | item));
    if (count >= 15)
        put_varint(b, count);
}

void thrift_put_stop(strbuf *b)
{
    strbuf_add_char(b, THRIFT_STOP);
}

void thrift_put_int_field(strbuf *b, int *last_id, int id, thrift_type type, int64_t v)
{
    thrift_put_field(b, last_id, id, type);
    thrift_put_int(b, v);
}

void thrift_put_binary_field(strbuf *b, int *last_id, int id, str v)
{
    thrift_put_field(b, last_id, id, THRIFT_BINARY);
    thrift_put_binary(b, v);
}

void thrift_put_bool_field(strbuf *b, int *last_id, int id, bool v)
{
    thrift_put_field(b, last_id, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}
