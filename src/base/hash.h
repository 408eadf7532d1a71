/* Hashes and identifiers: XXH3 for tables and checksums, random UUIDs, hex text. */
#pragma once

#include "base/str.h"

uint64_t hash64(const void *data, size_t len); /* XXH3 */
uint64_t hash64_seeded(const void *data, size_t len, uint64_t seed);
void random_bytes(void *data, size_t len); /* cryptographic */
str uuid_v4(arena *a);                     /* "xxxxxxxx-xxxx-4xxx-…" */
str hex_encode(arena *a, const void *data, size_t len);
