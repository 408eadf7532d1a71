/* Streaming zstd and bzip2 through their libraries. Formats: RFC 8878; bzip2 1.0. */
#include <bzlib.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "column/inflate_internal.h"

/* ---- zstd ---- */

typedef struct zstd_state {
    ZSTD_DCtx *context;
    bool is_inside; /* a frame has begun and not ended */
} zstd_state;

static void *zstd_open(void)
{
    zstd_state *z = memory_alloc(sizeof *z);
    z->context = ZSTD_createDCtx();
    return z;
}

static bool zstd_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                      error *err)
{
    zstd_state *z = state;
    ZSTD_outBuffer out = { bytes, size, 0 };
    for (;;) {
        if (input->len == 0 && !z->is_inside)
            break;
        ZSTD_inBuffer in = { input->data, input->len, 0 };
        size_t before = out.pos, left = ZSTD_decompressStream(z->context, &out, &in);
        if (ZSTD_isError(left))
            return unpacker_fail(err, &unpacker_zstd, ZSTD_getErrorName(left));
        *input = str_slice(*input, in.pos, input->len);
        z->is_inside = left != 0;
        if (out.pos == size)
            break;
        if (input->len == 0 && z->is_inside && out.pos == before)
            return unpacker_fail(err, &unpacker_zstd, "it ends early");
    }
    *ret_count = out.pos;
    return true;
}

static void zstd_close(void *state)
{
    ZSTD_freeDCtx(((zstd_state *)state)->context);
    free(state);
}

const unpacker_kind unpacker_zstd = { "zstd", zstd_open, zstd_next, zstd_close };

/* ---- bzip2 ---- */

typedef struct bzip2_state {
    bz_stream stream;
    bool is_started;
} bzip2_state;

static void *bzip2_open(void)
{
    return memory_alloc(sizeof(bzip2_state));
}

static void stop_stream(bzip2_state *b)
{
    if (b->is_started)
        BZ2_bzDecompressEnd(&b->stream);
    b->is_started = false;
}

static bool bzip2_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                       error *err)
{
    enum { PIECE = 1 << 30 };
    bzip2_state *b = state;
    size_t got = 0;
    while (got < size) {
        if (!b->is_started) {
            if (input->len == 0)
                break;
            b->stream = (bz_stream){ 0 };
            if (BZ2_bzDecompressInit(&b->stream, 0, 0) != BZ_OK)
                return fail(err, ERR_LIMIT, "there is no memory to unpack bzip2");
            b->is_started = true;
        }
        unsigned given = input->len > PIECE ? PIECE : (unsigned)input->len,
                 room = size - got > PIECE ? PIECE : (unsigned)(size - got);
        b->stream.next_in = (char *)(uintptr_t)input->data;
        b->stream.avail_in = given;
        b->stream.next_out = bytes + got;
        b->stream.avail_out = room;
        int code = BZ2_bzDecompress(&b->stream);
        unsigned made = room - b->stream.avail_out, used = given - b->stream.avail_in;
        *input = str_slice(*input, used, input->len);
        got += made;
        if (code == BZ_STREAM_END)
            stop_stream(b);
        else if (code != BZ_OK)
            return unpacker_fail(err, &unpacker_bzip2, "its compressed data is damaged");
        else if (made == 0 && used == 0)
            return unpacker_fail(err, &unpacker_bzip2, "it ends early");
    }
    *ret_count = got;
    return true;
}

static void bzip2_close(void *state)
{
    stop_stream(state);
    free(state);
}

const unpacker_kind unpacker_bzip2 = { "bzip2", bzip2_open, bzip2_next, bzip2_close };
