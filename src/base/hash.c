/* XXH3, OpenSSL's random source, UUID and hex text. */
#include "base/hash.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/arena.h"

uint64_t hash64(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

uint64_t hash64_seeded(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}

void random_bytes(void *data, size_t len)
{
    if (RAND_bytes(data, (int)len) != 1) {
        fprintf(stderr, "floe: the system has no random numbers\n");
        abort();
    }
}

str hex_encode(arena *a, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    char *text = arena_alloc(a, len * 2);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return (str){ text, len * 2 };
}

str uuid_v4(arena *a)
{
    uint8_t b[16];
    random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    str h = hex_encode(a, b, sizeof b);
    return str_format(a, "%.8s-%.4s-%.4s-%.4s-%.12s", h.data, h.data + 8, h.data + 12, h.data + 16,
                      h.data + 20);
}
