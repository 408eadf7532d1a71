/* Telling how a file is packed, and reading it. */
#include "column/inflate_internal.h"

#include <snappy-c.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"

struct inflate_reader {
    file_map *map;
    str rest; /* not yet given to the unpacker, or out */
    packing packing;
    const unpacker_kind *kind; /* NULL: plain */
    void *state;
};

/* What the first bytes say. */
static const struct {
    packing packing;
    const char *bytes;
    size_t len;
    const char *suffix, *name;
    const unpacker_kind *kind;
} magics[] = {
    { PACKING_GZIP, "\x1F\x8B", 2, ".gz", "gzip", &unpacker_gzip },
    { PACKING_ZSTD, "\x28\xB5\x2F\xFD", 4, ".zst", "zstd", &unpacker_zstd },
    { PACKING_BZIP2, "BZh", 3, ".bz2", "bzip2", &unpacker_bzip2 },
    { PACKING_SNAPPY, "\xFF\x06\0\0sNaPpY", 10, ".snappy", "snappy", &unpacker_snappy_frames },
};

static bool has_magic(size_t i, str content)
{
    if (!str_starts_with(content, (str){ magics[i].bytes, magics[i].len }))
        return false;
    /* "BZh" may begin a text: then come the level and a block's or the end's mark */
    return magics[i].packing != PACKING_BZIP2 ||
           (content.len >= 10 && content.data[3] >= '1' && content.data[3] <= '9' &&
            (memcmp(content.data + 4, "1AY&SY", 6) == 0 ||
             memcmp(content.data + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0));
}

/* Hadoop's lengths fit to each other, and the first piece says it is as long as its block at most.
 */
static bool is_hadoop(str content)
{
    const unsigned char *u = (const unsigned char *)content.data;
    size_t len;
    if (content.len < 10)
        return false;
    uint64_t block = (uint64_t)u[0] << 24 | u[1] << 16 | u[2] << 8 | u[3],
             piece = (uint64_t)u[4] << 24 | u[5] << 16 | u[6] << 8 | u[7];
    return block > 0 && piece > 0 && piece <= content.len - 8 &&
           snappy_uncompressed_length(content.data + 8, piece, &len) == SNAPPY_OK && len > 0 &&
           len <= block;
}

static bool is_snappy_name(str path)
{
    return str_ends_with(path, STR(".snappy")) || str_ends_with(path, STR(".sz"));
}

static void use(inflate_reader *r, packing packing, const unpacker_kind *kind)
{
    r->packing = packing;
    r->kind = kind;
}

static bool tell(inflate_reader *r, str path, error *err)
{
    use(r, PACKING_NONE, NULL);
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (has_magic(i, r->rest)) {
            use(r, magics[i].packing, magics[i].kind);
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if (magics[i].packing != PACKING_SNAPPY && str_ends_with(path, str_of(magics[i].suffix)))
            return fail(err, ERR_CORRUPT, "its name ends in %s, but its content is not %s",
                        magics[i].suffix, magics[i].name);
    if (is_snappy_name(path)) {
        bool is_in_blocks = is_hadoop(r->rest);
        use(r, is_in_blocks ? PACKING_SNAPPY : PACKING_SNAPPY_BLOCK,
            is_in_blocks ? &unpacker_snappy_hadoop : &unpacker_snappy_block);
    }
    return true;
}

/* As the job says. */
static bool take(inflate_reader *r, packing wanted, error *err)
{
    use(r, wanted, wanted == PACKING_SNAPPY_BLOCK ? &unpacker_snappy_block : NULL);
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        if (magics[i].packing != wanted)
            continue;
        r->kind = magics[i].kind;
        if (has_magic(i, r->rest))
            return true;
        if (wanted == PACKING_SNAPPY && is_hadoop(r->rest)) {
            r->kind = &unpacker_snappy_hadoop;
            return true;
        }
        return fail(err, ERR_CORRUPT, "its content is not %s, which the job's COMPRESSION is",
                    magics[i].name);
    }
    return true;
}

bool inflate_open(str path, packing kind, inflate_reader **ret_reader, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(inflate_close) inflate_reader *r = memory_alloc(sizeof *r);
    TRY(file_map_open(str_to_c(scratch, path), &r->map, err));
    r->rest = file_map_bytes(r->map);
    if (r->rest.len == 0)
        return fail(err, ERR_CORRUPT, "the file is empty");
    TRY(kind == PACKING_AUTO ? tell(r, path, err) : take(r, kind, err));
    if (r->kind)
        r->state = r->kind->open();
    *ret_reader = TAKE(r);
    return true;
}

packing inflate_packing(const inflate_reader *r)
{
    return r->packing;
}

void inflate_close(inflate_reader *r)
{
    if (!r)
        return;
    if (r->state)
        r->kind->close(r->state);
    file_map_close(r->map);
    free(r);
}

bool unpacker_fail(error *err, const unpacker_kind *k, const char *why)
{
    return fail(err, ERR_CORRUPT, "the %s data is bad: %s", k->name, why);
}

bool inflate_read(inflate_reader *r, char *ret_bytes, size_t size, size_t *ret_count, error *err)
{
    if (r->kind)
        return r->kind->next(r->state, &r->rest, ret_bytes, size, ret_count, err);
    size_t n = r->rest.len < size ? r->rest.len : size;
    memcpy(ret_bytes, r->rest.data, n);
    r->rest = str_slice(r->rest, n, r->rest.len);
    *ret_count = n;
    return true;
}
