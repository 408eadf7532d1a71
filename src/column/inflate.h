/* Bytes of a local file, unpacked: gzip, zstd, bzip2 and snappy in its three framings. */
#pragma once

#include "base/error.h"

/* How a file is packed. */
typedef enum packing {
    PACKING_AUTO, /* by its first bytes, and raw snappy by its name */
    PACKING_NONE,
    PACKING_GZIP,
    PACKING_ZSTD,
    PACKING_BZIP2,
    PACKING_SNAPPY,       /* the framing format, or Hadoop's blocks */
    PACKING_SNAPPY_BLOCK, /* one raw block: the whole file */
} packing;

typedef struct inflate_reader inflate_reader;

/* AUTO: a name ending in ".gz", ".zst", ".bz2" or ".snappy" whose content is something else is
 * refused. Any other kind: content that is not of this kind is. One member, frame or stream or
 * several. */
NODISCARD bool inflate_open(str path, packing kind, inflate_reader **ret_reader, error *err);
/* Up to `size` bytes into `ret_bytes`; `*ret_count` 0 at the end. ERR_CORRUPT for data that is cut
 * off or damaged. */
NODISCARD bool inflate_read(inflate_reader *r, char *ret_bytes, size_t size, size_t *ret_count,
                            error *err);
/* What it is: never AUTO. */
packing inflate_packing(const inflate_reader *r);
void inflate_close(inflate_reader *r);
DEFINE_AUTO(inflate_reader, inflate_close)
