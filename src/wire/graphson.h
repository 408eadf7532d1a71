/* Results as GraphSON 2 and 3, the typed JSON that Gremlin clients read. Source: TinkerPop IO
 * documentation, "GraphSON 2.0", "GraphSON 3.0". */
#pragma once

#include "base/json.h"
#include "wire/element.h"

typedef struct graphson {
    json_writer *out;
    element_reader *elements;
    arena *arena;        /* scratch, of one result */
    int version;         /* 2: lists and maps are plain JSON; 3 */
    bool has_properties; /* of vertices and edges; else they are references: id and label */
} graphson;

NODISCARD bool graphson_put(graphson *s, const value *v, error *err);
/* One value as GraphSON 3, elements as references. */
NODISCARD bool graphson_write(json_writer *w, graph *g, const value *v, error *err);
