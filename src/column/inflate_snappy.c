/* Snappy in three framings: its own framing format, Hadoop's blocks, one raw block. Sources:
 * snappy, "framing_format.txt"; Hadoop's BlockCompressorStream: big-endian lengths, of a block
 * unpacked, then of each of its packed pieces. */
#include <isa-l/crc.h>
#include <snappy-c.h>
#include <stdlib.h>

#include "base/arena.h"
#include "column/inflate_internal.h"

enum { FRAME_BYTES = 65536, MOST_PIECE_BYTES = 64 << 20, MOST_BLOCK_BYTES = 512 << 20 };

/* What was unpacked and not yet given out. */
typedef struct snappy_state {
    char *bytes;
    size_t capacity, from, to;
    uint32_t left_of_block; /* of Hadoop's block at hand: unpacked bytes to come */
} snappy_state;

static void *snappy_open(void)
{
    return memory_alloc(sizeof(snappy_state));
}

static void snappy_close(void *state)
{
    free(((snappy_state *)state)->bytes);
    free(state);
}

static void reserve(snappy_state *s, size_t len)
{
    s->from = s->to = 0;
    if (s->capacity < len) {
        s->bytes = memory_grow(s->bytes, len);
        s->capacity = len;
    }
}

static bool unpack(snappy_state *s, const unpacker_kind *k, str packed, size_t most, error *err)
{
    size_t len;
    if (snappy_uncompressed_length(packed.data, packed.len, &len) != SNAPPY_OK)
        return unpacker_fail(err, k, "its compressed data is damaged");
    if (len > most)
        return unpacker_fail(err, k, "a block is larger than it may be");
    reserve(s, len + 1);
    if (snappy_uncompress(packed.data, packed.len, s->bytes, &len) != SNAPPY_OK)
        return unpacker_fail(err, k, "its compressed data is damaged");
    s->to = len;
    return true;
}

static uint32_t big_endian(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static uint32_t little_endian(const char *p)
{
    return __builtin_bswap32(big_endian(p));
}

/* Give out what is there, filling with `fill` until the end. */
static bool give(snappy_state *s, str *input, bool (*fill)(snappy_state *s, str *input, error *err),
                 char *bytes, size_t size, size_t *ret_count, error *err)
{
    size_t got = 0;
    while (got < size) {
        if (s->from == s->to) {
            if (input->len == 0)
                break;
            TRY(fill(s, input, err));
            continue;
        }
        size_t n = s->to - s->from < size - got ? s->to - s->from : size - got;
        memcpy(bytes + got, s->bytes + s->from, n);
        s->from += n;
        got += n;
    }
    *ret_count = got;
    return true;
}

/* ---- The framing format ---- */

static uint32_t masked_crc(const char *bytes, size_t len)
{
    uint32_t crc = ~crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)len, 0xFFFFFFFFu);
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

/* One chunk: a byte of type, three of length, then for data four of checksum. */
static bool fill_frame(snappy_state *s, str *input, error *err)
{
    const unpacker_kind *k = &unpacker_snappy_frames;
    if (input->len < 4)
        return unpacker_fail(err, k, "it ends early");
    uint32_t head = little_endian(input->data), len = head >> 8, type = head & 0xFF;
    if (len > input->len - 4)
        return unpacker_fail(err, k, "it ends early");
    str body = str_slice(*input, 4, 4 + len);
    *input = str_slice(*input, 4 + len, input->len);
    if (type >= 0x80) /* padding, the stream's identifier, and what may be passed over */
        return type != 0xFF || str_eq(body, STR("sNaPpY")) ||
               unpacker_fail(err, k, "its header is damaged");
    if (type > 1)
        return unpacker_fail(err, k, "it has a chunk of unknown type");
    if (body.len < 4)
        return unpacker_fail(err, k, "a chunk is too short");
    str data = str_slice(body, 4, body.len);
    if (type == 0) {
        TRY(unpack(s, k, data, FRAME_BYTES, err));
    } else {
        if (data.len > FRAME_BYTES)
            return unpacker_fail(err, k, "a block is larger than it may be");
        reserve(s, data.len + 1);
        memcpy(s->bytes, data.data, data.len);
        s->to = data.len;
    }
    return masked_crc(s->bytes, s->to) == little_endian(body.data) ||
           unpacker_fail(err, k, "its checksum does not match");
}

static bool frames_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                        error *err)
{
    return give(state, input, fill_frame, bytes, size, ret_count, err);
}

const unpacker_kind unpacker_snappy_frames = { "snappy", snappy_open, frames_next, snappy_close };

/* ---- Hadoop's blocks ---- */

static bool fill_piece(snappy_state *s, str *input, error *err)
{
    const unpacker_kind *k = &unpacker_snappy_hadoop;
    if (s->left_of_block == 0) {
        if (input->len < 4)
            return unpacker_fail(err, k, "it ends early");
        s->left_of_block = big_endian(input->data);
        *input = str_slice(*input, 4, input->len);
        if (s->left_of_block == 0) /* an empty block */
            return true;
    }
    if (input->len < 4)
        return unpacker_fail(err, k, "it ends early");
    uint32_t len = big_endian(input->data);
    if (len > input->len - 4)
        return unpacker_fail(err, k, "it ends early");
    TRY(unpack(s, k, str_slice(*input, 4, 4 + (size_t)len), MOST_PIECE_BYTES, err));
    *input = str_slice(*input, 4 + (size_t)len, input->len);
    if (s->to == 0 || s->to > s->left_of_block)
        return unpacker_fail(err, k, "a piece does not fit into its block");
    s->left_of_block -= (uint32_t)s->to;
    return true;
}

static bool hadoop_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                        error *err)
{
    snappy_state *s = state;
    TRY(give(s, input, fill_piece, bytes, size, ret_count, err));
    return s->left_of_block == 0 || *ret_count > 0 ||
           unpacker_fail(err, &unpacker_snappy_hadoop, "it ends early");
}

const unpacker_kind unpacker_snappy_hadoop = { "snappy", snappy_open, hadoop_next, snappy_close };

/* ---- One raw block ---- */

static bool fill_block(snappy_state *s, str *input, error *err)
{
    TRY(unpack(s, &unpacker_snappy_block, *input, MOST_BLOCK_BYTES, err));
    *input = STR("");
    return true;
}

static bool block_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                       error *err)
{
    return give(state, input, fill_block, bytes, size, ret_count, err);
}

const unpacker_kind unpacker_snappy_block = { "snappy", snappy_open, block_next, snappy_close };
