/* Results as GraphSON 3, the typed JSON that Gremlin clients read. Source: TinkerPop IO
 * documentation, "GraphSON 3.0". */
#pragma once

#include "base/json.h"
#include "graph/graph.h"

/* One value. Vertices and edges are references: id and label, no properties, as Gremlin Server
 * sends them. */
NODISCARD bool graphson_write(json_writer *w, graph *g, const value *v, error *err);
