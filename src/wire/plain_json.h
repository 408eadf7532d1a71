/* Values as the JSON of docs/http-api.md, "Values": plain where JSON has the form, else an object
 * with "@type". */
#pragma once

#include "base/json.h"
#include "wire/element.h"

typedef struct plain_json {
    json_writer *out;
    element_reader *elements; /* NULL: cells of SQL */
    arena *arena;             /* scratch, of one row */
    bool has_properties;      /* write those of vertices and edges */
} plain_json;

NODISCARD bool plain_json_put(plain_json *p, const value *v, error *err);
