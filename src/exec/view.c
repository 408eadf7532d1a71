/* Views over the graph for algorithms. */
#include "exec/view.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/pool.h"

/* ---- Configuration ---- */

static const value *member(const value *config, const char *name)
{
    if (config->kind == VALUE_MAP)
        for (size_t i = 0; i < config->map.count; i++)
            if (config->map.keys[i].kind == VALUE_STRING &&
                str_eq_nocase(config->map.keys[i].text, str_of(name)))
                return &config->map.values[i];
    return NULL;
}

/* Which of the labels that `find` knows the list names; all when it is left out. */
static bool read_labels(query *q, const value *list, int (*find)(const graph *g, str name),
                        const char *what, size_t count, bool *ret_wanted, error *err)
{
    for (size_t i = 0; i < count; i++)
        ret_wanted[i] = !list || list->kind == VALUE_NULL;
    if (!list || list->kind == VALUE_NULL)
        return true;
    value one = *list;
    bool is_list = list->kind == VALUE_LIST || list->kind == VALUE_SET;
    for (size_t i = 0; i < (is_list ? list->list.count : 1); i++) {
        const value *name = is_list ? &list->list.items[i] : &one;
        if (name->kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "%s takes the names of labels", what);
        int label = find(q->graph, name->text);
        if (label < 0)
            return fail(err, ERR_INVALID, "%s: the graph has no '" STR_FMT "'", what,
                        STR_ARG(name->text));
        ret_wanted[label] = true;
    }
    return true;
}

/* ---- Opening ---- */

static bool weigh(query *q, view_part *p, str key, error *err)
{
    const graph_column *c;
    TRY(query_column(q, false, p->label, key, &c, err));
    if (!c)
        return fail(err, ERR_INVALID,
                    "relationshipWeightProperty: edges '" STR_FMT "' have no '" STR_FMT "'",
                    STR_ARG(graph_edge_label(q->graph, p->label)->name), STR_ARG(key));
    const graph_adjacency *a = p->adjacency;
    p->weights = memory_alloc(a->pair_count * sizeof *p->weights);
    query_free_later(q, p->weights);
    for (uint64_t i = 0; i < a->pair_count; i++) {
        __int128 integer;
        double real;
        uint64_t count;
        if (!column_sum_run(c, a->edge_offsets[i], a->edge_offsets[i + 1] - a->edge_offsets[i],
                            &integer, &real, &count))
            return fail(err, ERR_INVALID,
                        "relationshipWeightProperty: '" STR_FMT "' holds no numbers", STR_ARG(key));
        p->weights[i] = real + (double)integer;
    }
    return true;
}

static view_label *find_label(view *v, size_t label)
{
    for (size_t i = 0; i < v->label_count; i++)
        if (v->labels[i].label == label)
            return &v->labels[i];
    return NULL;
}

bool view_open(query *q, const value *config, view *ret, error *err)
{
    graph *g = q->graph;
    size_t vertices = graph_vertex_label_count(g), edges = graph_edge_label_count(g);
    bool *wants_vertex = arena_array_of(q->arena, bool, vertices),
         *wants_edge = arena_array_of(q->arena, bool, edges);
    const value *weight = member(config, "relationshipWeightProperty");
    TRY(read_labels(q, member(config, "labels"), graph_find_vertex_label, "labels", vertices,
                    wants_vertex, err));
    TRY(read_labels(q, member(config, "relationshipTypes"), graph_find_edge_label,
                    "relationshipTypes", edges, wants_edge, err));
    *ret = (view){ .query = q };
    ret->labels = arena_array_of(q->arena, view_label, vertices);
    ret->parts = arena_array_of(q->arena, view_part, edges);
    for (size_t i = 0; i < vertices; i++) {
        view_label l = { i, ret->count, 0 };
        if (!wants_vertex[i])
            continue;
        TRY(graph_vertex_id_limit(g, i, &l.count, err));
        ret->labels[ret->label_count++] = l;
        ret->count += l.count;
    }
    if (ret->count >= UINT32_MAX)
        return fail(err, ERR_LIMIT, "algorithms take up to 4 billion vertices");
    for (size_t i = 0; i < edges; i++) {
        const graph_label *l = graph_edge_label(g, i);
        const view_label *from = find_label(ret, l->from_label), *to = find_label(ret, l->to_label);
        if (!wants_edge[i] || !from || !to)
            continue;
        view_part *p = &ret->parts[ret->part_count++];
        *p = (view_part){ .label = i, .from_base = from->base, .to_base = to->base };
        TRY(graph_adjacency_get(g, i, &p->adjacency, err));
        if (weight && weight->kind == VALUE_STRING)
            TRY(weigh(q, p, weight->text, err));
    }
    return true;
}

graph_ref view_ref(const view *v, uint64_t number)
{
    size_t i = 0;
    while (i + 1 < v->label_count && v->labels[i + 1].base <= number)
        i++;
    return graph_ref_of(v->labels[i].label, number - v->labels[i].base);
}

uint64_t view_number(const view *v, graph_ref ref)
{
    for (size_t i = 0; i < v->label_count; i++)
        if (v->labels[i].label == graph_ref_label(ref))
            return v->labels[i].base + graph_ref_number(ref);
    return UINT64_MAX;
}

bool view_shown(const view *v, uint8_t **ret_shown, error *err)
{
    uint8_t *shown = memory_alloc(v->count + 1);
    query_free_later(v->query, shown);
    for (size_t i = 0; i < v->label_count; i++) {
        const uint32_t *rows;
        TRY(graph_vertex_rows(v->query->graph, v->labels[i].label, &rows, err));
        for (uint64_t k = 0; k < v->labels[i].count; k++)
            shown[v->labels[i].base + k] = rows[k] != GRAPH_NO_ROW;
    }
    for (size_t i = 0; i < v->part_count; i++) {
        const view_part *p = &v->parts[i];
        const graph_adjacency *a = p->adjacency;
        for (uint64_t k = 0; k < a->source_count; k++)
            shown[p->from_base + k] |= a->out_offsets[k] != a->out_offsets[k + 1];
        for (uint64_t k = 0; k < a->target_count; k++)
            shown[p->to_base + k] |= a->in_offsets[k] != a->in_offsets[k + 1];
    }
    *ret_shown = shown;
    return true;
}

/* ---- Without direction ---- */

/* Neighbours of a vertex in one direction of one part; they are in order. */
typedef struct side {
    const view_part *part;
    const uint32_t *ends, *pairs; /* pairs NULL: an entry is its pair */
    uint64_t base, at, end;
} side;

static size_t sides_of(const view *v, uint64_t vertex, side *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < v->part_count; i++) {
        const view_part *p = &v->parts[i];
        const graph_adjacency *a = p->adjacency;
        uint64_t s = vertex - p->from_base, t = vertex - p->to_base; /* huge when it is below */
        if (s < a->source_count)
            ret[count++] = (side){ p,          a->out_targets,    NULL,
                                   p->to_base, a->out_offsets[s], a->out_offsets[s + 1] };
        if (t < a->target_count)
            ret[count++] = (side){
                p, a->in_sources, a->in_pairs, p->from_base, a->in_offsets[t], a->in_offsets[t + 1]
            };
    }
    return count;
}

/* Distinct neighbours but `self`, in order; `ret` NULL: only their number. */
static uint64_t merge_sides(side *sides, size_t count, uint64_t self, uint32_t *ret,
                            double *ret_weights)
{
    uint64_t found = 0;
    for (;;) {
        uint64_t least = UINT64_MAX;
        for (size_t i = 0; i < count; i++)
            if (sides[i].at < sides[i].end) {
                uint64_t end = sides[i].base + sides[i].ends[sides[i].at];
                least = end < least ? end : least;
            }
        if (least == UINT64_MAX)
            return found;
        double weight = 0;
        for (size_t i = 0; i < count; i++) {
            side *x = &sides[i];
            if (x->at == x->end || x->base + x->ends[x->at] != least)
                continue;
            if (ret_weights)
                weight += view_weight(x->part, x->pairs ? x->pairs[x->at] : x->at);
            x->at++;
        }
        if (least == self)
            continue;
        if (ret)
            ret[found] = (uint32_t)least;
        if (ret_weights)
            ret_weights[found] = weight;
        found++;
    }
}

typedef struct undirecting {
    const view *view;
    undirected *to;
} undirecting;

enum { MOST_SIDES = 256, SIDE_PIECE = 2048 };

static void count_neighbours(void *context, uint64_t from, uint64_t to)
{
    const undirecting *x = context;
    side sides[MOST_SIDES];
    for (uint64_t i = from; i < to; i++)
        x->to->offsets[i + 1] = merge_sides(sides, sides_of(x->view, i, sides), i, NULL, NULL);
}

static void put_neighbours(void *context, uint64_t from, uint64_t to)
{
    const undirecting *x = context;
    const undirected *u = x->to;
    side sides[MOST_SIDES];
    for (uint64_t i = from; i < to; i++)
        merge_sides(sides, sides_of(x->view, i, sides), i, u->neighbours + u->offsets[i],
                    u->weights ? u->weights + u->offsets[i] : NULL);
}

bool undirected_open(const view *v, bool with_weights, undirected *ret, error *err)
{
    undirected u = { 0 };
    undirecting x = { v, &u };
    if (v->part_count > MOST_SIDES / 2)
        return fail(err, ERR_LIMIT,
                    "this algorithm takes up to %d edge labels; relationshipTypes "
                    "names those that count",
                    MOST_SIDES / 2);
    u.offsets = memory_alloc((v->count + 2) * sizeof *u.offsets);
    bool works = view_each(v, v->count, SIDE_PIECE, count_neighbours, &x, err);
    for (uint64_t i = 0; i < v->count; i++)
        u.offsets[i + 1] += u.offsets[i];
    if (works) {
        u.neighbours = memory_alloc((u.offsets[v->count] + 1) * sizeof *u.neighbours);
        if (with_weights)
            u.weights = memory_alloc((u.offsets[v->count] + 1) * sizeof *u.weights);
        works = view_each(v, v->count, SIDE_PIECE, put_neighbours, &x, err);
    }
    if (works)
        *ret = u;
    else
        undirected_close(&u);
    return works;
}

void undirected_close(undirected *u)
{
    free(u->offsets);
    free(u->neighbours);
    free(u->weights);
}

/* ---- Pieces ---- */

typedef struct pieces {
    query *query;
    uint64_t count, piece;
    void (*work)(void *context, uint64_t from, uint64_t to);
    void *context;
    error error;
    _Atomic bool has_failed;
} pieces;

static bool run_piece(void *context, size_t i)
{
    pieces *p = context;
    error why = { 0 };
    uint64_t from = i * p->piece, to = from + p->piece < p->count ? from + p->piece : p->count;
    if (!query_check(p->query, &why)) {
        if (!atomic_exchange(&p->has_failed, true))
            p->error = why;
        return false;
    }
    p->work(p->context, from, to);
    return true;
}

bool view_each(const view *v, uint64_t count, uint64_t piece,
               void (*work)(void *context, uint64_t from, uint64_t to), void *context, error *err)
{
    pieces p = { v->query, count, piece, work, context, { 0 }, false };
    if (pool_each((count + piece - 1) / piece, run_piece, &p))
        return true;
    *err = p.error;
    return false;
}
