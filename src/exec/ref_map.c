/* From vertices to numbers, by arrays as long as the label has ids; untouched pages cost nothing.
 */
#include <stdlib.h>

#include "exec/internal.h"

ref_map *ref_map_new(query *q, size_t width)
{
    ref_map *m = arena_new_of(q->arena, ref_map);
    m->query = q;
    m->width = width;
    m->count = graph_vertex_label_count(q->graph);
    m->arrays = arena_array_of(q->arena, char *, m->count);
    m->sizes = arena_array_of(q->arena, uint64_t, m->count);
    return m;
}

static void grow(ref_map *m, size_t label, uint64_t size)
{
    char *array = memory_alloc((size + 1) * m->width);
    query_free_later(m->query, array);
    if (m->arrays[label])
        memcpy(array, m->arrays[label], (m->sizes[label] + 1) * m->width);
    m->arrays[label] = array;
    m->sizes[label] = size;
}

bool ref_map_label(ref_map *m, size_t label, char **ret_array, error *err)
{
    bool may_grow = m->arrays[label] && graph_is_scratch(m->query->graph);
    if (!m->arrays[label] || may_grow) {
        uint64_t size;
        TRY(graph_vertex_id_limit(m->query->graph, label, &size, err));
        if (!m->arrays[label] || size > m->sizes[label])
            grow(m, label, may_grow ? size * 2 : size);
    }
    *ret_array = m->arrays[label];
    return true;
}

void ref_map_clear(ref_map *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->arrays[i])
            memset(m->arrays[i], 0, (m->sizes[i] + 1) * m->width);
}
