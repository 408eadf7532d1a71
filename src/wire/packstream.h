/* PackStream, the values of Bolt. Source: Neo4j's Bolt documentation, "PackStream" and "Structure
 * semantics". */
#pragma once

#include "wire/element.h"

/* ---- Writing ---- */

typedef struct packer {
    strbuf *out;
    int major;   /* of Bolt: 5 adds element ids */
    bool is_utc; /* DateTime as UTC: Bolt 5, or 4.4 patched */
    element_reader *elements;
    arena *arena; /* scratch, of one record */
    int depth;
} packer;

void pack_null(strbuf *out);
void pack_bool(strbuf *out, bool b);
void pack_int(strbuf *out, int64_t i);
void pack_double(strbuf *out, double d);
void pack_text(strbuf *out, str s); /* must be UTF-8 */
void pack_list(strbuf *out, size_t count);
void pack_map(strbuf *out, size_t count);
void pack_struct(strbuf *out, uint8_t tag, size_t fields);
/* Any value; what Bolt has no form for becomes the nearest: sets lists, decimals floats, UUIDs
 * text.
 */
NODISCARD bool pack_value(packer *p, const value *v, error *err);

/* ---- Reading: bytes of a client ---- */

enum { PACK_DEPTH = 100 };

typedef struct unpacker {
    arena *arena; /* what it makes */
    str in;       /* what is left */
    bool is_utc;
    int depth;
} unpacker;

/* ERR_INVALID: not PackStream, or a structure that is no value. Text points into the bytes. */
NODISCARD bool unpack_value(unpacker *u, value *ret, error *err);
/* The head of a structure: a message's tag and how many fields follow. */
NODISCARD bool unpack_struct(unpacker *u, uint8_t *ret_tag, size_t *ret_fields, error *err);

/* ---- Maps with text keys ---- */

/* NULL when absent. */
const value *value_member(const value *map, str key);
str value_member_text(const value *map, str key); /* empty when absent or no text */
int64_t value_member_int(const value *map, str key, int64_t otherwise);
