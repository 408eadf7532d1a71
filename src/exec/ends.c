/* Ends of walks, level by level. A walk that passes no edge twice may go wherever any walk to the
 * same vertex may go, but for the edges that it has used; so of all walks to a vertex only few are
 * kept: one, and for each pair whose edges it has used up, and that the rest of the way may want,
 * another that has not, and so on as deep as edges are left to be passed (representative sets:
 * whatever way on is open to one of all the walks is open to one of those kept). Most vertices keep
 * a single walk. */
#include "exec/ends.h"

/* The last step of a walk, and what was before it. */
typedef struct step {
    graph_ref pair; /* label and place of the pair */
    graph_ref from, to;
    uint64_t count;  /* edges of the pair */
    uint32_t before; /* step + 1; 0: none */
} step;

/* A walk that is kept at a vertex. */
typedef struct kept {
    uint32_t walk;                   /* step + 1 */
    uint32_t others[ENDS_MOST_HOPS]; /* kept + 1: those that use less of the pair of its n-th last
                                        step */
    bool is_enough;                  /* nothing that it has used can be wanted */
} kept;

typedef struct place {
    graph_ref vertex;
    uint32_t root; /* kept + 1 */
} place;

typedef VEC(place) places;

/* Neighbours of a vertex by one label and direction. */
typedef struct list {
    const graph_adjacency *adjacency;
    const uint32_t *ends;
    uint64_t at, end;
    uint32_t label;
    graph_ref far; /* label of the ends */
    bool is_in;
} list;

struct ends {
    query *query;
    const plan_op *plan;
    VEC(step) steps;
    VEC(kept) all;
    places here, there;
    VEC(graph_ref) found;
    VEC(uint32_t) walks; /* kept at the vertex that is left */
    ref_map *roots;      /* number of the first walk kept; see `passed` */
    uint64_t passed;     /* kept for starts before: numbers up to it are no more */
    ref_map *marks;
    uint32_t mark;
    list *lists;
    size_t list_count;
};

ends *ends_new(query *q, const plan_op *p)
{
    ends *x = arena_new_of(q->arena, ends);
    x->query = q;
    x->plan = p;
    x->roots = ref_map_new(q, sizeof(uint32_t));
    x->marks = ref_map_new(q, sizeof(uint32_t));
    return x;
}

/* ---- Neighbours ---- */

static bool wants(const plan_labels *l, size_t label)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == label)
            return true;
    return l->is_any;
}

static bool find_lists(ends *x, graph_ref vertex, error *err)
{
    graph *g = x->query->graph;
    plan_direction d = x->plan->trail.direction;
    size_t labels = graph_edge_label_count(g);
    uint64_t n = graph_ref_number(vertex);
    if (!x->lists)
        x->lists = arena_array_of(x->query->arena, list, labels * 2);
    x->list_count = 0;
    for (size_t i = 0; i < labels * 2; i++) {
        bool is_in = i % 2;
        const graph_label *l = graph_edge_label(g, i / 2);
        list *to = &x->lists[x->list_count];
        if (!wants(&x->plan->trail.labels, i / 2) ||
            (is_in ? d == DIRECTION_OUT : d == DIRECTION_IN) ||
            graph_ref_label(vertex) != (is_in ? l->to_label : l->from_label))
            continue;
        TRY(graph_adjacency_get(g, i / 2, &to->adjacency, err));
        const graph_adjacency *a = to->adjacency;
        if (n >= (is_in ? a->target_count : a->source_count)) /* of a scratch graph: deleted */
            continue;
        const uint64_t *offsets = is_in ? a->in_offsets : a->out_offsets;
        to->ends = is_in ? a->in_sources : a->out_targets;
        to->at = offsets[n];
        to->end = offsets[n + 1];
        to->label = (uint32_t)(i / 2);
        to->far = graph_ref_of(is_in ? l->from_label : l->to_label, 0);
        to->is_in = is_in;
        x->list_count++;
    }
    return true;
}

/* The way along an entry of a list. A loop was met among the outgoing ones: its count is 0. */
static step step_along(const ends *x, const list *l, uint64_t entry, graph_ref from)
{
    const graph_adjacency *a = l->adjacency;
    uint64_t pair = l->is_in ? a->in_pairs[entry] : entry;
    step s = { .pair = graph_ref_of(l->label, pair), .from = from, .to = l->far | l->ends[entry] };
    bool is_met = l->is_in && x->plan->trail.direction == DIRECTION_BOTH && s.to == from;
    s.count = is_met ? 0 : a->edge_offsets[pair + 1] - a->edge_offsets[pair];
    return s;
}

/* ---- Walks that are kept ---- */

static uint64_t uses(const ends *x, uint32_t walk, graph_ref pair)
{
    uint64_t times = 0;
    for (; walk; walk = x->steps.items[walk - 1].before)
        times += x->steps.items[walk - 1].pair == pair;
    return times;
}

/* Whether the rest of a way from `vertex`, `left` edges long, can want an edge of the pair and find
 * none. */
static bool is_wanted(const ends *x, uint32_t walk, const step *s, graph_ref vertex, uint64_t left)
{
    if (uses(x, walk, s->pair) + left <= s->count || left == 0)
        return false;
    return left > 1 || s->from == vertex ||
           (x->plan->trail.direction == DIRECTION_BOTH && s->to == vertex);
}

static bool is_enough(const ends *x, uint32_t walk, graph_ref vertex, uint64_t left)
{
    for (uint32_t w = walk; w; w = x->steps.items[w - 1].before)
        if (is_wanted(x, walk, &x->steps.items[w - 1], vertex, left))
            return false;
    return true;
}

typedef struct candidate {
    uint32_t walk;
    graph_ref vertex;
    uint64_t left;
    graph_ref spared[ENDS_MOST_HOPS]; /* pairs of which it uses less than those above it */
    size_t spared_count;
} candidate;

static bool keep_walk(ends *x, uint32_t *slot, candidate *c)
{
    if (!*slot) {
        kept k = { .walk = c->walk, .is_enough = is_enough(x, c->walk, c->vertex, c->left) };
        vec_push(x->query->arena, &x->all, k);
        *slot = (uint32_t)x->all.count;
        return true;
    }
    size_t at = *slot - 1, number = 0;
    uint32_t other = x->all.items[at].walk;
    bool is_kept = false;
    if (x->all.items[at].is_enough)
        return false;
    for (uint32_t w = other; w; w = x->steps.items[w - 1].before, number++) {
        const step *s = &x->steps.items[w - 1];
        bool is_spared = false;
        size_t before = c->spared_count;
        if (!is_wanted(x, other, s, c->vertex, c->left) ||
            uses(x, c->walk, s->pair) >= uses(x, other, s->pair))
            continue;
        for (size_t i = 0; i < c->spared_count; i++)
            is_spared |= c->spared[i] == s->pair;
        if (!is_spared && c->spared_count == c->left) /* the rest of the way wants no more pairs */
            continue;
        if (!is_spared)
            c->spared[c->spared_count++] = s->pair;
        uint32_t child = x->all.items[at].others[number];
        is_kept |= keep_walk(x, &child, c);
        x->all.items[at].others[number] = child;
        c->spared_count = before;
    }
    return is_kept;
}

/* All that are kept at a vertex. */
static void list_walks(ends *x, uint32_t root)
{
    const kept *k = &x->all.items[root - 1];
    vec_push(x->query->arena, &x->walks, k->walk);
    for (size_t i = 0; i < ENDS_MOST_HOPS; i++)
        if (k->others[i])
            list_walks(x, k->others[i]);
}

/* ---- Levels ---- */

static bool mark(ends *x, graph_ref vertex, error *err)
{
    char *array;
    TRY(ref_map_label(x->marks, graph_ref_label(vertex), &array, err));
    uint32_t *place = (uint32_t *)(void *)array + graph_ref_number(vertex);
    if (*place != x->mark)
        vec_push(x->query->arena, &x->found, vertex);
    *place = x->mark;
    return true;
}

static bool is_open(const ends *x, const step *s)
{
    for (size_t i = 0; i < x->walks.count; i++)
        if (uses(x, x->walks.items[i], s->pair) < s->count)
            return true;
    return false;
}

/* Over the last edge: only where it leads is asked. */
static bool finish_from(ends *x, const place *p, error *err)
{
    bool is_free = !p->root || x->all.items[p->root - 1].is_enough;
    for (size_t i = 0; i < x->list_count; i++) {
        const list *l = &x->lists[i];
        char *array;
        TRY(ref_map_label(x->marks, graph_ref_label(l->far), &array, err));
        uint32_t *marks = (uint32_t *)(void *)array;
        for (uint64_t e = l->at; e < l->end; e++) {
            uint32_t n = l->ends[e];
            if (marks[n] == x->mark)
                continue;
            step s = is_free ? (step){ 0 } : step_along(x, l, e, p->vertex);
            if (!is_free && !is_open(x, &s))
                continue;
            marks[n] = x->mark;
            vec_push(x->query->arena, &x->found, l->far | n);
        }
    }
    return true;
}

static bool go_on_from(ends *x, const place *p, uint64_t left, uint64_t first, error *err)
{
    for (size_t i = 0; i < x->list_count; i++) {
        const list *l = &x->lists[i];
        char *array;
        TRY(ref_map_label(x->roots, graph_ref_label(l->far), &array, err));
        uint32_t *roots = (uint32_t *)(void *)array;
        for (uint64_t e = l->at; e < l->end; e++) {
            uint32_t *root = &roots[l->ends[e]], slot = 0;
            if (*root > first)
                slot = (uint32_t)(*root - x->passed);
            if (slot && x->all.items[slot - 1].is_enough)
                continue;
            step s = step_along(x, l, e, p->vertex);
            for (size_t w = 0; w < x->walks.count; w++) {
                s.before = x->walks.items[w];
                if (uses(x, s.before, s.pair) >= s.count)
                    continue;
                vec_push(x->query->arena, &x->steps, s);
                candidate c = { (uint32_t)x->steps.count, s.to, left, { 0 }, 0 };
                bool is_new = !slot;
                if (!keep_walk(x, &slot, &c))
                    x->steps.count--;
                if (!is_new)
                    continue;
                *root = (uint32_t)(slot + x->passed);
                vec_push(x->query->arena, &x->there, (place){ s.to, slot });
            }
        }
    }
    return true;
}

static bool pass_level(ends *x, uint64_t level, error *err)
{
    uint64_t most = x->plan->trail.most, first = x->passed + x->all.count;
    x->there.count = 0;
    for (size_t i = 0; i < x->here.count; i++) {
        place p = x->here.items[i];
        if (i % 256 == 0)
            TRY(query_check(x->query, err));
        x->walks.count = 0;
        if (p.root)
            list_walks(x, p.root);
        else
            vec_push(x->query->arena, &x->walks, 0);
        TRY(find_lists(x, p.vertex, err));
        TRY(level == most ? finish_from(x, &p, err) : go_on_from(x, &p, most - level, first, err));
    }
    for (size_t i = 0; level < most && level >= x->plan->trail.least && i < x->there.count; i++)
        TRY(mark(x, x->there.items[i].vertex, err));
    places swap = x->here;
    x->here = x->there;
    x->there = swap;
    return true;
}

bool ends_find(ends *x, graph_ref start, const graph_ref **ret, size_t *ret_count, error *err)
{
    x->passed += x->all.count;
    if (x->passed > UINT32_MAX / 2) {
        ref_map_clear(x->roots);
        x->passed = 0;
    }
    if (++x->mark == 0) {
        ref_map_clear(x->marks);
        x->mark = 1;
    }
    x->steps.count = x->all.count = x->found.count = x->here.count = 0;
    vec_push(x->query->arena, &x->here, (place){ start, 0 });
    for (uint64_t level = 1; level <= x->plan->trail.most && x->here.count; level++)
        TRY(pass_level(x, level, err));
    *ret = x->found.items;
    *ret_count = x->found.count;
    return true;
}
