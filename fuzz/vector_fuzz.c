/* Any bytes as a deletion vector; what is read is written and read again, and must be the same. */
#include <stdlib.h>

#include "iceberg/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    error err = { 0 };
    AUTO(arena_free) arena *a = arena_new();
    delete_vector v, back;
    char *bytes = arena_copy(a, data, size);
    if (size >= 20) { /* let the checksum and the length hold, so that the rest is reached */
        uint32_t length = (uint32_t)size - 8,
                 crc = crc32_of((str){ bytes + 4, size - 8 });
        for (int i = 0; i < 4; i++) {
            bytes[i] = (char)(length >> (24 - 8 * i));
            bytes[size - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
        }
    }
    if (!vector_decode(a, (str){ bytes, size }, 200000, &v, &err))
        return 0;
    if (!vector_decode(a, vector_encode(a, &v), 200000, &back, &err) ||
        memcmp(v.words, back.words, (200000 / 64 + 1) * 8) != 0)
        abort();
    return 0;
}
