/* What the unpackers share. */
#pragma once

#include "column/inflate.h"

/* One way of packing. `next` gives up to `size` bytes of what `*input` holds and steps `*input` on;
 * `*ret_count` 0 only at the end. */
typedef struct unpacker_kind {
    const char *name;
    void *(*open)(void);
    bool (*next)(void *state, str *input, char *bytes, size_t size, size_t *ret_count, error *err);
    void (*close)(void *state);
} unpacker_kind;

extern const unpacker_kind unpacker_gzip, unpacker_zstd, unpacker_bzip2;
extern const unpacker_kind unpacker_snappy_frames, unpacker_snappy_hadoop, unpacker_snappy_block;

bool unpacker_fail(error *err, const unpacker_kind *k, const char *why);
