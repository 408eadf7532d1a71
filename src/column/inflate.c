/* Streaming gzip through ISA-L. Format: RFC 1952. */
#include "column/inflate.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"

struct inflate_reader {
    file_map *map;
    str rest; /* not yet given to the decoder (gzip) or out (plain) */
    bool is_gzip, is_done;
    struct inflate_state state;
};

static bool has_gzip_magic(str bytes)
{
    return bytes.len >= 2 && (unsigned char)bytes.data[0] == 0x1F &&
           (unsigned char)bytes.data[1] == 0x8B;
}

static void start_member(inflate_reader *r)
{
    isal_inflate_init(&r->state);
    r->state.crc_flag = ISAL_GZIP;
    r->state.next_in = (uint8_t *)(uintptr_t)r->rest.data;
    r->state.avail_in = r->rest.len > UINT32_MAX ? UINT32_MAX : (uint32_t)r->rest.len;
}

bool inflate_open(str path, inflate_reader **ret_reader, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(inflate_close) inflate_reader *r = memory_alloc(sizeof *r);
    TRY(file_map_open(str_to_c(scratch, path), &r->map, err));
    r->rest = file_map_bytes(r->map);
    r->is_gzip = has_gzip_magic(r->rest);
    if (r->rest.len == 0)
        return fail(err, ERR_CORRUPT, "the file is empty");
    if (!r->is_gzip && str_ends_with(path, STR(".gz")))
        return fail(err, ERR_CORRUPT, "its name ends in .gz, but its content is not gzip");
    if (r->is_gzip)
        start_member(r);
    *ret_reader = TAKE(r);
    return true;
}

bool inflate_is_gzip(const inflate_reader *r)
{
    return r->is_gzip;
}

void inflate_close(inflate_reader *r)
{
    if (!r)
        return;
    file_map_close(r->map);
    free(r);
}

static bool read_plain(inflate_reader *r, char *ret_bytes, size_t size, size_t *ret_count)
{
    size_t n = r->rest.len < size ? r->rest.len : size;
    memcpy(ret_bytes, r->rest.data, n);
    r->rest = str_slice(r->rest, n, r->rest.len);
    *ret_count = n;
    return true;
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

/* After a member: step to the next one, or end. */
static bool next_member(inflate_reader *r, error *err)
{
    if (r->rest.len == 0) {
        r->is_done = true;
        return true;
    }
    if (!has_gzip_magic(r->rest))
        return fail(err, ERR_CORRUPT, "the gzip data is followed by %zu bytes of something else",
                    r->rest.len);
    start_member(r);
    return true;
}

bool inflate_read(inflate_reader *r, char *ret_bytes, size_t size, size_t *ret_count, error *err)
{
    if (!r->is_gzip)
        return read_plain(r, ret_bytes, size, ret_count);
    size_t got = 0;
    while (got < size && !r->is_done) {
        uint32_t room = size - got > (1u << 30) ? 1u << 30 : (uint32_t)(size - got);
        uint32_t input = r->state.avail_in;
        r->state.next_out = (uint8_t *)ret_bytes + got;
        r->state.avail_out = room;
        int code = isal_inflate(&r->state);
        if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT)
            return fail(err, ERR_CORRUPT, "the gzip data is bad: %s", reason_of(code));
        uint32_t made = room - r->state.avail_out;
        r->rest = str_slice(r->rest, input - r->state.avail_in, r->rest.len);
        got += made;
        if (r->state.block_state == ISAL_BLOCK_FINISH) {
            TRY(next_member(r, err));
        } else if (made == 0 && r->state.avail_in == 0) {
            if (r->rest.len == 0)
                return fail(err, ERR_CORRUPT, "the gzip data is bad: it ends early");
            r->state.avail_in = r->rest.len > UINT32_MAX ? UINT32_MAX : (uint32_t)r->rest.len;
        }
    }
    *ret_count = got;
    return true;
}
