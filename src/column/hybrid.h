/* The RLE / bit-packed hybrid. Source: parquet-format/Encodings.md, "Run Length Encoding /
 * Bit-Packing Hybrid (RLE = 3)". */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* Decode `count` numbers of `width` bits (0..32) into `ret`; false: `in` ends early. */
bool hybrid_decode(str in, int width, size_t count, uint32_t *ret);
void hybrid_encode(strbuf *b, const uint32_t *values, size_t count, int width);
