/* The RLE / bit-packed hybrid. */
#include "column/hybrid.h"

enum { GROUP = 8, LONG_RUN = 16 };

static bool take_varint(str *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 63 && in->len; shift += 7) {
        uint8_t byte = (uint8_t)in->data[0];
        *in = str_slice(*in, 1, in->len);
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *ret = v;
            return true;
        }
    }
    return false;
}

/* `count` numbers of `width` bits, lowest bit first. */
static void unpack(const uint8_t *in, size_t in_bytes, int width, size_t count, uint32_t *ret)
{
    uint64_t mask = (1ull << width) - 1;
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * (size_t)width, at = bit / 8;
        uint64_t word = 0;
        memcpy(&word, in + at, in_bytes - at < 8 ? in_bytes - at : 8);
        ret[i] = (uint32_t)(word >> (bit % 8) & mask);
    }
}

bool hybrid_decode(str in, int width, size_t count, uint32_t *ret)
{
    size_t done = 0;
    while (done < count) {
        uint64_t head;
        if (!take_varint(&in, &head))
            return false;
        size_t left = count - done;
        if (head & 1) {
            uint64_t values = (head >> 1) * GROUP, bytes = (head >> 1) * (uint64_t)width;
            if (head >> 1 > UINT32_MAX || values == 0)
                return false;
            size_t take = values < left ? (size_t)values : left;
            size_t needed = (take * (size_t)width + 7) / 8;
            if (needed > in.len)
                return false;
            unpack((const uint8_t *)in.data, in.len, width, take, ret + done);
            in = str_slice(in, bytes < in.len ? (size_t)bytes : in.len, in.len);
            done += take;
        } else {
            size_t bytes = ((size_t)width + 7) / 8,
                   take = head >> 1 < left ? (size_t)(head >> 1) : left;
            uint32_t v = 0;
            if (bytes > in.len || take == 0)
                return false;
            memcpy(&v, in.data, bytes);
            in = str_slice(in, bytes, in.len);
            for (size_t i = 0; i < take; i++)
                ret[done + i] = v;
            done += take;
        }
    }
    return true;
}

static void put_varint(strbuf *b, uint64_t v)
{
    for (; v > 0x7F; v >>= 7)
        strbuf_add_char(b, (char)(v | 0x80));
    strbuf_add_char(b, (char)v);
}

static size_t run_length(const uint32_t *values, size_t count, size_t most)
{
    size_t n = 1;
    while (n < count && n < most && values[n] == values[0])
        n++;
    return n;
}

static void put_packed(strbuf *b, const uint32_t *values, size_t count, int width)
{
    size_t groups = (count + GROUP - 1) / GROUP;
    put_varint(b, groups << 1 | 1);
    strbuf_reserve(b, groups * (size_t)width);
    char *out = b->data + b->len;
    uint64_t word = 0;
    int bits = 0;
    for (size_t i = 0; i < groups * GROUP; i++) {
        word |= (uint64_t)(i < count ? values[i] : 0) << bits;
        for (bits += width; bits >= 8; bits -= 8, word >>= 8)
            *out++ = (char)word;
    }
    b->len += groups * (size_t)width;
}

void hybrid_encode(strbuf *b, const uint32_t *values, size_t count, int width)
{
    for (size_t i = 0; i < count;) {
        size_t run = run_length(values + i, count - i, SIZE_MAX);
        if (run >= LONG_RUN || (run == count - i && run >= GROUP)) {
            put_varint(b, run << 1);
            strbuf_add_bytes(b, &values[i], ((size_t)width + 7) / 8);
            i += run;
            continue;
        }
        size_t end = i + GROUP;
        while (end < count && run_length(values + end, count - end, LONG_RUN) < LONG_RUN)
            end += GROUP;
        end = end < count ? end : count;
        put_packed(b, values + i, end - i, width);
        i = end;
    }
}
