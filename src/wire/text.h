/* Values as text, for the forms that have no type for them. */
#pragma once

#include "base/arena.h"
#include "column/value.h"

/* ISO 8601 of times, digits of decimals, base64 of binary. */
str wire_text(arena *a, const value *v);
/* The same of any value: a map's key that must be text. */
str wire_key_text(arena *a, const value *v);
const char *wire_type_name(value_kind kind); /* "timestamp", … */
str base64_encode(arena *a, str bytes);
bool base64_decode(arena *a, str text, str *ret); /* with or without padding */
