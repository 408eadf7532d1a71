/* Bytes of a local file, unpacked when it is gzip (one member or several). */
#pragma once

#include "base/error.h"

typedef struct inflate_reader inflate_reader;

/* The kind is told by the first bytes; a name ending in ".gz" whose content is not gzip is refused.
 */
NODISCARD bool inflate_open(str path, inflate_reader **ret_reader, error *err);
/* Up to `size` bytes into `ret_bytes`; `*ret_count` 0 at the end. ERR_CORRUPT for data that is cut
 * off or damaged. */
NODISCARD bool inflate_read(inflate_reader *r, char *ret_bytes, size_t size, size_t *ret_count,
                            error *err);
bool inflate_is_gzip(const inflate_reader *r);
void inflate_close(inflate_reader *r);
DEFINE_AUTO(inflate_reader, inflate_close)
