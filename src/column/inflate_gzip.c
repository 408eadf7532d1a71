/* Streaming gzip through ISA-L. Format: RFC 1952. */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/arena.h"
#include "column/inflate_internal.h"

typedef struct gzip_state {
    bool is_started;
    struct inflate_state state;
} gzip_state;

static void *gzip_open(void)
{
    return memory_alloc(sizeof(gzip_state));
}

static const char *reason_of(int code)
{
    switch (code) {
    case ISAL_END_INPUT: return "it ends early";
    case ISAL_INVALID_WRAPPER: return "its header is damaged";
    case ISAL_INCORRECT_CHECKSUM: return "its checksum does not match";
    default: return "its compressed data is damaged";
    }
}

static bool has_magic(str bytes)
{
    return bytes.len >= 2 && (unsigned char)bytes.data[0] == 0x1F &&
           (unsigned char)bytes.data[1] == 0x8B;
}

static void give_input(gzip_state *g, str input)
{
    g->state.next_in = (uint8_t *)(uintptr_t)input.data;
    g->state.avail_in = input.len > UINT32_MAX ? UINT32_MAX : (uint32_t)input.len;
}

static bool start_member(gzip_state *g, str input, error *err)
{
    if (!has_magic(input))
        return fail(err, ERR_CORRUPT, "the gzip data is followed by %zu bytes of something else",
                    input.len);
    isal_inflate_init(&g->state);
    g->state.crc_flag = ISAL_GZIP;
    give_input(g, input);
    g->is_started = true;
    return true;
}

static bool gzip_next(void *state, str *input, char *bytes, size_t size, size_t *ret_count,
                      error *err)
{
    gzip_state *g = state;
    size_t got = 0;
    while (got < size) {
        if (!g->is_started) {
            if (input->len == 0)
                break;
            TRY(start_member(g, *input, err));
        }
        uint32_t room = size - got > (1u << 30) ? 1u << 30 : (uint32_t)(size - got);
        uint32_t given = g->state.avail_in;
        g->state.next_out = (uint8_t *)bytes + got;
        g->state.avail_out = room;
        int code = isal_inflate(&g->state);
        if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT)
            return unpacker_fail(err, &unpacker_gzip, reason_of(code));
        uint32_t made = room - g->state.avail_out;
        *input = str_slice(*input, given - g->state.avail_in, input->len);
        got += made;
        if (g->state.block_state == ISAL_BLOCK_FINISH) {
            g->is_started = false;
        } else if (made == 0 && g->state.avail_in == 0) {
            if (input->len == 0)
                return unpacker_fail(err, &unpacker_gzip, "it ends early");
            give_input(g, *input);
        }
    }
    *ret_count = got;
    return true;
}

const unpacker_kind unpacker_gzip = { "gzip", gzip_open, gzip_next, free };
