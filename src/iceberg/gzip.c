/* Deflate, as gzip for metadata files and raw for Avro blocks. */
#include <assert.h>
#include <isa-l/igzip_lib.h>

#include "iceberg/internal.h"

enum { LARGEST_UNPACKED_BYTES = 1 << 30 };

bool gzip_unpack(arena *a, str in, bool is_raw, str *ret, error *err)
{
    size_t room = in.len * 8 + 4096;
    char *out = arena_alloc(a, room);
    struct inflate_state *s = arena_new_of(a, struct inflate_state);
    isal_inflate_init(s);
    s->crc_flag = is_raw ? ISAL_DEFLATE : ISAL_GZIP;
    s->next_in = (uint8_t *)(uintptr_t)in.data;
    s->avail_in = (uint32_t)in.len;
    size_t got = 0;
    while (s->block_state != ISAL_BLOCK_FINISH) {
        if (got == room) {
            if (room > LARGEST_UNPACKED_BYTES / 2)
                return fail(err, ERR_CORRUPT, "it unpacks to more than %d bytes",
                            LARGEST_UNPACKED_BYTES);
            out = arena_grow(a, out, room, room * 2);
            room *= 2;
        }
        s->next_out = (uint8_t *)out + got;
        s->avail_out = (uint32_t)(room - got);
        int code = isal_inflate(s);
        size_t made = room - got - s->avail_out;
        got += made;
        if ((code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) ||
            (made == 0 && s->avail_in == 0 && s->block_state != ISAL_BLOCK_FINISH))
            return fail(err, ERR_CORRUPT, "its deflate data is damaged");
    }
    *ret = (str){ out, got };
    return true;
}

str gzip_pack(arena *a, str text, bool is_raw)
{
    size_t room = text.len + text.len / 8 + 1024;
    struct isal_zstream *z = arena_new_of(a, struct isal_zstream);
    char *out = arena_alloc(a, room);
    isal_deflate_init(z);
    z->end_of_stream = 1;
    z->gzip_flag = is_raw ? IGZIP_DEFLATE : IGZIP_GZIP;
    z->level = 1;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->level_buf = arena_alloc(a, ISAL_DEF_LVL1_DEFAULT);
    z->next_in = (uint8_t *)(uintptr_t)text.data;
    z->avail_in = (uint32_t)text.len;
    z->next_out = (uint8_t *)out;
    z->avail_out = (uint32_t)room;
    int code = isal_deflate(z);
    assert(code == COMP_OK && z->internal_state.state == ZSTATE_END);
    return (str){ out, z->total_out };
}
