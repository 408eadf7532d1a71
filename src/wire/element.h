/* Vertices and edges as clients see them: id, labels, ends, properties; the columns behind them are
 * looked up once for all rows of an answer. */
#pragma once

#include "graph/graph.h"

/* One thread at a time. */
typedef struct element_reader element_reader;

element_reader *element_reader_new(arena *a, graph *g);
/* What it holds of the graph is given back. */
void element_reader_done(element_reader *r);

graph *element_reader_graph(const element_reader *r);

/* "label[key]"; of a scratch graph the id as it was given. In `a`. */
NODISCARD bool wire_element_id(element_reader *r, value element, arena *a, value *ret_id,
                               error *err);
NODISCARD bool wire_element_id_text(element_reader *r, value element, arena *a, str *ret_id,
                                    error *err);
/* The vertices that an edge joins. */
NODISCARD bool wire_element_ends(element_reader *r, value edge, value *ret_from, value *ret_to,
                                 error *err);
/* Properties that are not null, in the schema's order. In `a`; text may be the graph's. */
NODISCARD bool wire_element_properties(element_reader *r, value element, arena *a,
                                       struct value_pairs *ret, error *err);
