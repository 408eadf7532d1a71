/* A scratch graph as rows and adjacency, so that operators read it as they read tables. */
#include <stdlib.h>

#include "graph/scratch.h"

static scratch_version *current(struct scratch *s)
{
    size_t labels = s->labels[0].count;
    if (s->version && s->version->number == s->change && s->version->label_count == labels)
        return s->version;
    arena *a = arena_new();
    scratch_version *v = arena_new_of(a, scratch_version);
    *v = (scratch_version){ .arena = a,
                            .number = s->change,
                            .label_count = labels,
                            .older = s->version,
                            .adjacency = arena_array_of(a, graph_adjacency, labels + 1),
                            .has_adjacency = arena_array_of(a, bool, labels + 1),
                            .rows = arena_array_of(a, uint32_t, s->vertices.count + 1) };
    for (size_t i = 0; i < s->vertices.count; i++)
        v->rows[i] = s->vertices.items[i].is_deleted ? GRAPH_NO_ROW : (uint32_t)i;
    s->version = v;
    return v;
}

void scratch_versions_free(struct scratch *s, bool keeps_newest)
{
    scratch_version *v = s->version;
    if (keeps_newest && v) {
        scratch_version *older = v->older;
        v->older = NULL;
        v = older;
    } else {
        s->version = NULL;
    }
    while (v) {
        scratch_version *older = v->older;
        arena_free(v->arena);
        v = older;
    }
}

typedef struct sorted_edge {
    uint32_t from, to, number;
} sorted_edge;

static int compare_edges(const void *x, const void *y)
{
    const sorted_edge *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static sorted_edge *sort_edges(const struct scratch *s, size_t label, arena *a, size_t *ret_count)
{
    sorted_edge *all = arena_array_of(a, sorted_edge, s->edges.count + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->edges.count; i++) {
        const scratch_edge *e = &s->edges.items[i];
        if (e->label == label && !e->is_deleted)
            all[n++] = (sorted_edge){ e->from, e->to, (uint32_t)i };
    }
    if (n)
        qsort(all, n, sizeof *all, compare_edges);
    *ret_count = n;
    return all;
}

/* Offsets of the pairs into the list by target, sources in order. */
static void lay_out_incoming(graph_adjacency *x, const uint32_t *pair_sources, arena *a)
{
    uint64_t *offsets = arena_array_of(a, uint64_t, x->target_count + 2);
    uint32_t *sources = arena_array_of(a, uint32_t, x->pair_count + 1),
             *pairs = arena_array_of(a, uint32_t, x->pair_count + 1);
    for (uint64_t p = 0; p < x->pair_count; p++)
        offsets[x->out_targets[p] + 2]++;
    for (uint64_t i = 2; i < x->target_count + 2; i++)
        offsets[i] += offsets[i - 1];
    for (uint64_t p = 0; p < x->pair_count; p++) {
        uint64_t at = offsets[x->out_targets[p] + 1]++;
        sources[at] = pair_sources[p];
        pairs[at] = (uint32_t)p;
    }
    x->in_offsets = offsets;
    x->in_sources = sources;
    x->in_pairs = pairs;
}

static const graph_adjacency *adjacency(struct scratch *s, size_t label)
{
    scratch_version *v = current(s);
    graph_adjacency *x = &v->adjacency[label];
    if (v->has_adjacency[label])
        return x;
    arena *a = v->arena;
    AUTO(arena_free) arena *scratch = arena_new();
    size_t count, limit = s->vertices.count;
    sorted_edge *edges = sort_edges(s, label, scratch, &count);
    uint64_t *out_offsets = arena_array_of(a, uint64_t, limit + 1);
    uint32_t *targets = arena_array_of(a, uint32_t, count + 1),
             *edge_offsets = arena_array_of(a, uint32_t, count + 1),
             *numbers = arena_array_of(a, uint32_t, count + 1),
             *sources = arena_array_of(scratch, uint32_t, count + 1);
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new =
            i == 0 || edges[i].from != edges[i - 1].from || edges[i].to != edges[i - 1].to;
        if (is_new) {
            sources[pairs] = edges[i].from;
            targets[pairs] = edges[i].to;
            edge_offsets[pairs++] = (uint32_t)i;
            out_offsets[edges[i].from + 1]++;
        }
        numbers[i] = edges[i].number;
    }
    edge_offsets[pairs] = (uint32_t)count;
    for (size_t i = 1; i <= limit; i++)
        out_offsets[i] += out_offsets[i - 1];
    *x = (graph_adjacency){ .source_count = limit,
                            .target_count = limit,
                            .pair_count = pairs,
                            .edge_count = count,
                            .out_offsets = out_offsets,
                            .out_targets = targets,
                            .edge_offsets = edge_offsets,
                            .edge_numbers = numbers };
    lay_out_incoming(x, sources, a);
    v->has_adjacency[label] = true;
    return x;
}

const graph_adjacency *scratch_adjacency_get(struct scratch *s, size_t label)
{
    scratch_lock(s);
    const graph_adjacency *x = adjacency(s, label);
    scratch_unlock(s);
    return x;
}

const uint32_t *scratch_rows(struct scratch *s)
{
    scratch_lock(s);
    const uint32_t *rows = current(s)->rows;
    scratch_unlock(s);
    return rows;
}
