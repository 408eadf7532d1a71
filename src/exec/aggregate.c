/* Groups and their aggregates. Keys that are vertices, edges or their ids are grouped by reference,
 * and sums over a whole property column read it in place: the busy path of "who received how much".
 */
#include <stdlib.h>

#include "base/pool.h"
#include "base/vec.h"
#include "exec/internal.h"

/* What one aggregate of one group has seen. */
typedef struct state {
    int64_t integer;
    double real;
    uint64_t count; /* of what the mean is of */
    bool is_real, has_value;
    struct kept_values *kept; /* what few aggregates need */
} state;

typedef struct kept_values {
    value best;
    VEC(value) list;
    VEC(value) with;
} kept_values;

typedef struct aggregate {
    op base;
    value *keys;    /* group × key_count */
    value *key_row; /* of the row that is looked at */
    state *states;  /* group × item_count */
    size_t group_count, group_capacity;
    uint32_t *table; /* group + 1 by hash */
    size_t table_size;
    size_t next;
    bool is_read;
    ref_map *group_of; /* of a vertex that is the only key: group + 1 */
    size_t null_group; /* + 1 */
    uint64_t run;      /* groups in runs: the vertex of the last one; NO_REF: none */
    value floor;       /* with `has_floor`: what a group must at least have to be among the top */
    bool has_floor;
    size_t top_count; /* of the first groups, that are among the top so far */
} aggregate;

op *aggregate_new(query *q)
{
    aggregate *x = arena_new_of(q->arena, aggregate);
    x->run = NO_REF;
    return &x->base;
}

static void aggregate_reset(op *self)
{
    aggregate *x = (aggregate *)self;
    x->group_count = x->next = 0;
    x->is_read = false;
    if (x->table)
        memset(x->table, 0, x->table_size * sizeof *x->table);
    if (x->group_of)
        ref_map_clear(x->group_of);
    x->null_group = 0;
    x->run = NO_REF;
    x->has_floor = false;
    x->top_count = 0;
}

/* ---- Groups ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0x9E3779B97F4A7C15ull;
    return x ^ x >> 29;
}

/* References hash by their number: no text is made. */
static uint64_t hash_keys(const value *keys, size_t count)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++)
        hash = hash * 31 + (keys[i].kind == VALUE_VERTEX || keys[i].kind == VALUE_EDGE
                                ? mix(keys[i].ref + keys[i].kind)
                                : value_hash(&keys[i]));
    return hash;
}

static bool same_keys(const value *x, const value *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_ref = x[i].kind == VALUE_VERTEX || x[i].kind == VALUE_EDGE;
        if (is_ref ? x[i].kind != y[i].kind || x[i].ref != y[i].ref : !value_equal(&x[i], &y[i]))
            return false;
    }
    return true;
}

static void grow_groups(aggregate *x)
{
    query *q = x->base.query;
    const plan_op *p = x->base.plan;
    size_t keys = p->aggregate.key_count, items = p->aggregate.item_count,
           capacity = x->group_capacity ? x->group_capacity * 2 : 64;
    x->keys = arena_grow(q->arena, x->keys, x->group_capacity * keys * sizeof(value),
                         capacity * keys * sizeof(value));
    x->states = arena_grow(q->arena, x->states, x->group_capacity * items * sizeof(state),
                           capacity * items * sizeof(state));
    x->group_capacity = capacity;
}

static size_t new_group(aggregate *x, const value *keys)
{
    const plan_op *p = x->base.plan;
    if (x->group_count == x->group_capacity)
        grow_groups(x);
    if (p->aggregate.key_count)
        memcpy(&x->keys[x->group_count * p->aggregate.key_count], keys,
               p->aggregate.key_count * sizeof *keys);
    memset(&x->states[x->group_count * p->aggregate.item_count], 0,
           p->aggregate.item_count * sizeof(state));
    return x->group_count++;
}

static void grow_table(aggregate *x)
{
    size_t count = x->base.plan->aggregate.key_count;
    x->table_size = x->table_size ? x->table_size * 4 : 1024;
    x->table = arena_array_of(x->base.query->arena, uint32_t, x->table_size);
    for (size_t g = 0; g < x->group_count; g++) {
        size_t at = hash_keys(&x->keys[g * count], count) & (x->table_size - 1);
        while (x->table[at])
            at = (at + 1) & (x->table_size - 1);
        x->table[at] = (uint32_t)g + 1;
    }
}

static size_t find_group(aggregate *x, const value *keys)
{
    size_t count = x->base.plan->aggregate.key_count;
    if (count == 0)
        return x->group_count ? 0 : new_group(x, NULL);
    if (2 * (x->group_count + 1) > x->table_size)
        grow_table(x);
    size_t at = hash_keys(keys, count) & (x->table_size - 1);
    for (; x->table[at]; at = (at + 1) & (x->table_size - 1)) {
        size_t g = x->table[at] - 1;
        if (same_keys(&x->keys[g * count], keys, count))
            return g;
    }
    size_t g = new_group(x, keys);
    x->table[at] = (uint32_t)g + 1;
    return g;
}

/* ---- Values ---- */

static bool add_number(state *s, const value *v, uint64_t bulk, const char *what, error *err)
{
    if (v->kind != VALUE_INT && v->kind != VALUE_DOUBLE)
        return fail(err, ERR_INVALID, "%s takes numbers, and got something else", what);
    s->has_value = true;
    if (v->kind == VALUE_DOUBLE) {
        s->real += v->real * (double)bulk;
        s->is_real = true;
        return true;
    }
    int64_t product;
    if (__builtin_mul_overflow(v->integer, (int64_t)bulk, &product) ||
        __builtin_add_overflow(s->integer, product, &s->integer))
        return fail(err, ERR_LIMIT, "%s is larger than a 64-bit number holds", what);
    return true;
}

static bool add_count(state *s, uint64_t bulk, error *err)
{
    uint64_t count = (uint64_t)s->integer;
    TRY(bulk_add(&count, bulk, err));
    s->integer = (int64_t)count;
    return true;
}

static bool add_value(aggregate *x, const plan_aggregate *item, state *s, const value *v,
                      const value *with, uint64_t bulk, error *err)
{
    query *q = x->base.query;
    if (item->of && v->kind == VALUE_NULL)
        return true;
    bool keeps = item->kind != AGGREGATE_COUNT && item->kind != AGGREGATE_SUM &&
                 item->kind != AGGREGATE_MEAN;
    if (keeps && !s->kept)
        s->kept = arena_new_of(q->arena, kept_values);
    switch (item->kind) {
    case AGGREGATE_COUNT: return add_count(s, bulk, err);
    case AGGREGATE_MEAN:
        TRY(bulk_add(&s->count, bulk, err));
        return add_number(s, v, bulk, "mean()", err);
    case AGGREGATE_SUM: return add_number(s, v, bulk, "sum()", err);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX: {
        int order = !s->has_value        ? 0
                    : q->plan->is_cypher ? value_compare_cypher(v, &s->kept->best)
                                         : value_compare(v, &s->kept->best);
        if (!s->has_value || (item->kind == AGGREGATE_MIN ? order < 0 : order > 0))
            s->kept->best = *v;
        s->has_value = true;
        return true;
    }
    case AGGREGATE_COLLECT:
        for (uint64_t i = 0; i < bulk; i++)
            vec_push(q->arena, &s->kept->list, *v);
        return true;
    case AGGREGATE_COLLECT_MAP:
        vec_push(q->arena, &s->kept->list, *v);
        vec_push(q->arena, &s->kept->with, *with);
        return true;
    case AGGREGATE_FIRST:
        if (!s->has_value)
            s->kept->best = *v;
        s->has_value = true;
        return true;
    case AGGREGATE_LAST: s->kept->best = *v; return true;
    }
    return true;
}

static value finish(const plan_aggregate *item, const state *s)
{
    switch (item->kind) {
    case AGGREGATE_COUNT: return value_int(s->integer);
    case AGGREGATE_SUM:
        return !s->has_value ? value_null()
               : s->is_real  ? value_double(s->real + (double)s->integer)
                             : value_int(s->integer);
    case AGGREGATE_MEAN:
        return !s->has_value ? value_null()
                             : value_double((s->real + (double)s->integer) / (double)s->count);
    case AGGREGATE_COLLECT:
        return s->kept ? (value){ .kind = VALUE_LIST,
                                  .list = { s->kept->list.items, s->kept->list.count } }
                       : (value){ .kind = VALUE_LIST };
    case AGGREGATE_COLLECT_MAP:
        return s->kept ? (value){ .kind = VALUE_MAP,
                                  .map = { s->kept->list.items, s->kept->with.items,
                                           s->kept->list.count } }
                       : (value){ .kind = VALUE_MAP };
    default: return s->kept ? s->kept->best : value_null();
    }
}

/* ---- Reading ---- */

const plan_expr *reference_of(const query *q, const plan_expr *e)
{
    if (e->kind == EXPR_CALL && e->call.function == FN_ID)
        e = e->call.args[0];
    return e->kind == EXPR_SLOT && slot_is_ref(q, e->slot) ? e : NULL;
}

/* A sum over the property of a reference slot, all rows of one label: the column's cells as they
 * lie. */
static bool sum_in_place(aggregate *x, const plan_expr *of, const rows *in, const size_t *groups,
                         size_t item, bool *ret_is_done, error *err)
{
    query *q = x->base.query;
    *ret_is_done = false;
    if (of->kind != EXPR_PROPERTY || of->property.of->kind != EXPR_SLOT ||
        q->plan->slots[of->property.of->slot].kind != SLOT_EDGE)
        return true;
    const uint64_t *refs = in->refs[of->property.of->slot];
    if (!refs || in->count == 0 || refs[0] == NO_REF)
        return true;
    size_t label = graph_ref_label(refs[0]), property = 0,
           items = x->base.plan->aggregate.item_count;
    for (size_t i = 0; i < in->count; i++)
        if (refs[i] == NO_REF || graph_ref_label(refs[i]) != label)
            return true;
    const graph_label *l = graph_edge_label(q->graph, label);
    while (property < l->property_count && !str_eq(l->properties[property].name, of->property.key))
        property++;
    if (property == l->property_count || (l->properties[property].type != COLUMN_INT64 &&
                                          l->properties[property].type != COLUMN_INT32))
        return true;
    const graph_column *c;
    TRY(graph_edge_column(q->graph, label, property, &c, err));
    for (size_t i = 0; i < in->count; i++) {
        uint64_t n = graph_ref_number(refs[i]);
        if (c->valid && !(c->valid[n / 64] >> (n % 64) & 1))
            continue;
        value v = value_int(c->type == COLUMN_INT64 ? ((const int64_t *)c->data)[n]
                                                    : ((const int32_t *)c->data)[n]);
        TRY(add_number(&x->states[groups[i] * items + item], &v, in->bulk[i], "sum()", err));
    }
    *ret_is_done = true;
    return true;
}

/* One key that is a vertex: its group is found by its number. Neighbours come in runs, too. */
static bool group_by_vertex(aggregate *x, plan_slot slot, const rows *in, size_t *groups,
                            error *err)
{
    const uint64_t *refs = in->refs[slot];
    size_t label = SIZE_MAX;
    uint32_t *known = NULL;
    if (!x->group_of)
        x->group_of = ref_map_new(x->base.query, sizeof(uint32_t));
    for (size_t r = 0; r < in->count; r++) {
        uint64_t ref = refs ? refs[r] : NO_REF;
        if (r > 0 && refs && ref == refs[r - 1]) {
            groups[r] = groups[r - 1];
            continue;
        }
        if (ref == NO_REF) {
            value null = value_null();
            if (!x->null_group)
                x->null_group = new_group(x, &null) + 1;
            groups[r] = x->null_group - 1;
            continue;
        }
        if (graph_ref_label(ref) != label) {
            char *array;
            label = graph_ref_label(ref);
            TRY(ref_map_label(x->group_of, label, &array, err));
            known = (uint32_t *)(void *)array;
        }
        uint32_t *group = &known[graph_ref_number(ref)];
        if (!*group) {
            value key = { .kind = VALUE_VERTEX, .ref = ref };
            *group = (uint32_t)new_group(x, &key) + 1;
        }
        groups[r] = *group - 1;
    }
    return true;
}

/* ---- Groups in runs ---- */

static void group_by_run(aggregate *x, plan_slot slot, const rows *in, size_t *groups)
{
    const uint64_t *refs = in->refs[slot];
    for (size_t r = 0; r < in->count; r++) {
        if (refs[r] != x->run || x->group_count == 0) {
            value key = { .kind = VALUE_VERTEX, .ref = refs[r] };
            new_group(x, &key);
            x->run = refs[r];
        }
        groups[r] = x->group_count - 1;
    }
}

/* A group that is complete and might be among the top. */
typedef struct candidate {
    value by;
    size_t group;
    bool is_descending;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    int order = value_compare(&x->by, &y->by);
    order = x->is_descending ? -order : order;
    return order ? order : (x->group > y->group) - (x->group < y->group);
}

static int compare_groups(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return (x->group > y->group) - (x->group < y->group);
}

static void move_group(aggregate *x, size_t from, size_t to)
{
    size_t keys = x->base.plan->aggregate.key_count, items = x->base.plan->aggregate.item_count;
    if (from == to)
        return;
    memcpy(&x->keys[to * keys], &x->keys[from * keys], keys * sizeof(value));
    memcpy(&x->states[to * items], &x->states[from * items], items * sizeof(state));
}

/* Of many groups only those that can still be among the top stay, and the last, which goes on. */
static void keep_top(aggregate *x)
{
    const plan_op *p = x->base.plan;
    const plan_op *top = p->aggregate.top;
    size_t item = p->aggregate.top_item, count = 0, last = x->group_count - 1;
    bool has_more_keys = top->sort.key_count > 1;
    candidate *all = memory_alloc(x->group_count * sizeof *all), floor = { .by = x->floor };
    floor.is_descending = top->sort.keys[0].is_descending;
    for (size_t g = 0; g < last; g++) {
        candidate c = { finish(&p->aggregate.items[item],
                               &x->states[g * p->aggregate.item_count + item]),
                        g, floor.is_descending };
        floor.group = has_more_keys ? SIZE_MAX : g; /* of equal ones the earlier counts */
        if (c.by.kind == VALUE_NULL && p->aggregate.top_drops_null)
            continue;
        if (c.by.kind == VALUE_NULL && p->aggregate.top_null)
            c.by = p->aggregate.top_null->literal;
        if (g < x->top_count || !x->has_floor || compare_candidates(&c, &floor) < 0)
            all[count++] = c;
    }
    if (count > top->sort.count) {
        qsort(all, count, sizeof *all, compare_candidates);
        x->floor = all[top->sort.count - 1].by;
        x->has_floor = true;
        size_t kept = (size_t)top->sort.count;
        while (has_more_keys && kept < count && value_compare(&all[kept].by, &x->floor) == 0)
            kept++;
        count = kept;
        qsort(all, count, sizeof *all, compare_groups);
    }
    for (size_t i = 0; i < count; i++)
        move_group(x, all[i].group, i);
    move_group(x, last, count);
    x->group_count = count + 1;
    x->top_count = count;
    free(all);
}

/* Rows that stand for all edges of a pair: the cells of its edges lie in a row. */
static bool sum_pairs(aggregate *x, const plan_aggregate *item, size_t number, const rows *in,
                      const size_t *groups, error *err)
{
    const plan_op *p = x->base.plan;
    const uint64_t *edges = in->refs[item->of->property.of->slot],
                   *spans = in->refs[p->aggregate.span];
    const graph_column *c = NULL;
    size_t label = SIZE_MAX;
    for (size_t r = 0, next; r < in->count; r = next) {
        uint64_t span = spans[r], weight = in->bulk[r] == span ? 1 : in->bulk[r] / span;
        if (graph_ref_label(edges[r]) != label) {
            label = graph_ref_label(edges[r]);
            TRY(query_column(x->base.query, false, label, item->of->property.key, &c, err));
        }
        /* neighbours of one vertex lie one behind the other, too */
        for (next = r + 1;
             next < in->count && groups[next] == groups[r] && edges[next] == edges[r] + span &&
             weight == 1 && in->bulk[next] == spans[next];
             next++)
            span += spans[next];
        __int128 integer;
        double real;
        uint64_t count;
        state *s = &x->states[groups[r] * p->aggregate.item_count + number];
        if (!c)
            continue;
        if (!column_sum_run(c, graph_ref_number(edges[r]), span, &integer, &real, &count))
            return fail(err, ERR_INVALID, "%s takes numbers, and got something else",
                        item->kind == AGGREGATE_MEAN ? "mean()" : "sum()");
        if (count == 0)
            continue;
        s->has_value = true;
        s->real += real * (double)weight;
        s->is_real |= c->type == COLUMN_DOUBLE || c->type == COLUMN_FLOAT;
        TRY(bulk_multiply(&count, weight, err) && bulk_add(&s->count, count, err));
        if (__builtin_mul_overflow(integer, (__int128)weight, &integer) ||
            __builtin_add_overflow(integer, (__int128)s->integer, &integer) ||
            integer != (int64_t)integer)
            return fail(err, ERR_LIMIT, "sum() is larger than a 64-bit number holds");
        s->integer = (int64_t)integer;
    }
    return true;
}

static bool group_by_values(aggregate *x, const rows *in, value (*keys)[BATCH_ROWS], size_t *groups,
                            error *err)
{
    const plan_op *p = x->base.plan;
    size_t key_count = p->aggregate.key_count;
    if (!x->key_row)
        x->key_row = arena_array_of(x->base.query->arena, value, key_count);
    for (size_t k = 0; k < key_count; k++) {
        const plan_expr *reference = reference_of(x->base.query, p->aggregate.keys[k].expr);
        TRY(expr_eval(x->base.query, reference ? reference : p->aggregate.keys[k].expr, in, keys[k],
                      err));
    }
    for (size_t r = 0; r < in->count; r++) {
        for (size_t k = 0; k < key_count; k++)
            x->key_row[k] = keys[k][r];
        groups[r] = find_group(x, x->key_row);
    }
    return true;
}

static bool add_rows(aggregate *x, const rows *in, value (*keys)[BATCH_ROWS], value *of,
                     value *with, error *err)
{
    const plan_op *p = x->base.plan;
    query *q = x->base.query;
    size_t groups[BATCH_ROWS];
    const plan_expr *reference =
        p->aggregate.key_count == 1 ? reference_of(q, p->aggregate.keys[0].expr) : NULL;
    enum { MORE_GROUPS = 1024 };
    if (p->aggregate.top && x->group_count > 2 * p->aggregate.top->sort.count + MORE_GROUPS)
        keep_top(x);
    if (p->aggregate.in_runs)
        group_by_run(x, p->aggregate.keys[0].expr->slot, in, groups);
    else if (reference && q->plan->slots[reference->slot].kind == SLOT_VERTEX)
        TRY(group_by_vertex(x, reference->slot, in, groups, err));
    else
        TRY(group_by_values(x, in, keys, groups, err));
    for (size_t i = 0; i < p->aggregate.item_count; i++) {
        const plan_aggregate *item = &p->aggregate.items[i];
        bool is_done = false;
        if (p->aggregate.span && item->of && item->of->kind == EXPR_PROPERTY) {
            TRY(sum_pairs(x, item, i, in, groups, err));
            continue;
        }
        if (item->kind == AGGREGATE_SUM)
            TRY(sum_in_place(x, item->of, in, groups, i, &is_done, err));
        if (is_done)
            continue;
        if (item->of)
            TRY(expr_eval(q, item->of, in, of, err));
        if (item->with)
            TRY(expr_eval(q, item->with, in, with, err));
        for (size_t r = 0; r < in->count; r++)
            TRY(add_value(x, item, &x->states[groups[r] * p->aggregate.item_count + i],
                          item->of ? &of[r] : NULL, item->with ? &with[r] : NULL, in->bulk[r],
                          err));
    }
    return true;
}

static bool read_rows(aggregate *x, error *err)
{
    query *q = x->base.query;
    value(*keys)[BATCH_ROWS] =
        arena_alloc(q->arena, x->base.plan->aggregate.key_count * sizeof *keys);
    value *of = arena_array_of(q->arena, value, BATCH_ROWS),
          *with = arena_array_of(q->arena, value, BATCH_ROWS);
    for (rows *in;;) {
        TRY(op_next(x->base.input, &in, err));
        if (!in)
            return true;
        TRY(add_rows(x, in, keys, of, with, err));
    }
}

/* ---- Side by side ---- */

static bool can_merge(const plan_op *p)
{
    for (size_t i = 0; i < p->aggregate.item_count; i++) {
        plan_aggregate_kind k = p->aggregate.items[i].kind;
        if (k != AGGREGATE_COUNT && k != AGGREGATE_SUM && k != AGGREGATE_MIN &&
            k != AGGREGATE_MAX && k != AGGREGATE_MEAN)
            return false; /* the order of arrival matters */
    }
    return true;
}

/* The scan at the bottom when everything above it looks at one row at a time. */
static const plan_op *scan_below(const plan_op *p)
{
    for (p = p->input; p; p = p->input)
        switch (p->kind) {
        case PLAN_EXPAND:
        case PLAN_EDGE_END:
        case PLAN_FILTER:
        case PLAN_LET:
        case PLAN_UNWIND: continue;
        case PLAN_SCAN_VERTICES:
        case PLAN_SCAN_EDGES:
            return !p->scan.has_ids && !p->scan.is_collapsed && p->input->kind == PLAN_ONE ? p
                                                                                           : NULL;
        default: return NULL;
        }
    return NULL;
}

static bool is_worth_it(query *q, const plan_op *p, bool *ret, error *err)
{
    enum { FEW_EDGES = 200000 };
    *ret = false;
    if (graph_is_scratch(q->graph) || q->morsels || pool_thread_count() < 2 || !can_merge(p) ||
        !scan_below(p))
        return true;
    uint64_t sum = 0, count;
    for (size_t i = 0; i < graph_edge_label_count(q->graph); i++) {
        TRY(graph_edge_count(q->graph, i, &count, err));
        sum += count;
    }
    *ret = sum > FEW_EDGES;
    return true;
}

static bool merge_state(const plan_aggregate *item, state *to, const state *from, error *err)
{
    if (__builtin_add_overflow(to->integer, from->integer, &to->integer))
        return fail(err, ERR_LIMIT, "%s is larger than a 64-bit number holds",
                    item->kind == AGGREGATE_COUNT ? "count()" : "sum()");
    to->real += from->real;
    to->is_real |= from->is_real;
    TRY(bulk_add(&to->count, from->count, err));
    if ((item->kind == AGGREGATE_MIN || item->kind == AGGREGATE_MAX) && from->has_value) {
        int order = to->has_value ? value_compare(&from->kept->best, &to->kept->best) : 0;
        if (!to->has_value || (item->kind == AGGREGATE_MIN ? order < 0 : order > 0))
            to->kept = from->kept; /* the worker lives as long as the query */
    }
    to->has_value |= from->has_value;
    return true;
}

static bool merge_groups(aggregate *x, const aggregate *from, error *err)
{
    const plan_op *p = x->base.plan;
    size_t keys = p->aggregate.key_count, items = p->aggregate.item_count;
    for (size_t g = 0; g < from->group_count; g++) {
        size_t to;
        const value *key = &from->keys[g * keys];
        if (p->aggregate.in_runs) {
            to = new_group(x, key); /* no vertex is in two parts of a scan */
        } else if (x->group_of && key->kind == VALUE_VERTEX) {
            char *array;
            TRY(ref_map_label(x->group_of, graph_ref_label(key->ref), &array, err));
            uint32_t *known = (uint32_t *)(void *)array + graph_ref_number(key->ref);
            if (!*known)
                *known = (uint32_t)new_group(x, key) + 1;
            to = *known - 1;
        } else {
            to = find_group(x, key);
        }
        for (size_t i = 0; i < items; i++) {
            state *s = &x->states[to * items + i];
            const state *other = &from->states[g * items + i];
            TRY(merge_state(&p->aggregate.items[i], s, other, err));
        }
    }
    return true;
}

typedef struct parts {
    aggregate **items;
    error *errors;
} parts;

static bool read_part(void *context, size_t i)
{
    parts *x = context;
    aggregate *part = x->items[i];
    query_be_patient(part->base.query);
    bool works = read_rows(part, &x->errors[i]);
    query_be_patient(NULL);
    return works;
}

static bool read_side_by_side(aggregate *x, error *err)
{
    query *q = x->base.query;
    size_t count = (size_t)pool_thread_count();
    const plan_op *scan = scan_below(x->base.plan);
    size_t labels = scan->kind == PLAN_SCAN_VERTICES ? graph_vertex_label_count(q->graph)
                                                     : graph_edge_label_count(q->graph);
    morsels shared = { arena_alloc(q->arena, labels * sizeof *shared.next) };
    memset((void *)shared.next, 0, labels * sizeof *shared.next);
    parts all = { arena_array_of(q->arena, aggregate *, count),
                  arena_array_of(q->arena, error, count) };
    for (size_t i = 0; i < count; i++) {
        query *w = query_worker(q, &shared);
        aggregate *part = (aggregate *)(void *)aggregate_new(w);
        part->base = (op){ .kind = &aggregate_kind, .plan = x->base.plan, .query = w };
        part->base.input = op_build(w, x->base.plan->input, NULL);
        all.items[i] = part;
    }
    if (!pool_each(count, read_part, &all))
        for (size_t i = 0; i < count; i++)
            if (all.errors[i].code) {
                *err = all.errors[i];
                return false;
            }
    if (all.items[0]->group_of)
        x->group_of = ref_map_new(q, sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        TRY(merge_groups(x, all.items[i], err));
    return true;
}

static bool read_all(aggregate *x, error *err)
{
    bool side_by_side;
    TRY(is_worth_it(x->base.query, x->base.plan, &side_by_side, err));
    TRY(side_by_side ? read_side_by_side(x, err) : read_rows(x, err));
    if (x->base.plan->aggregate.key_count == 0 && x->group_count == 0)
        new_group(x, NULL);
    x->is_read = true;
    return true;
}

static bool put_key(aggregate *x, size_t group, size_t k, size_t row, error *err)
{
    const plan_key *key = &x->base.plan->aggregate.keys[k];
    query *q = x->base.query;
    value v = x->keys[group * x->base.plan->aggregate.key_count + k];
    bool is_id = key->expr->kind == EXPR_CALL && key->expr->call.function == FN_ID;
    if (is_id && (v.kind == VALUE_VERTEX || v.kind == VALUE_EDGE)) {
        str id;
        TRY(query_element_id(q->graph, v, q->arena, &id, err));
        v = value_text(id);
    }
    if (slot_is_ref(q, key->to))
        rows_refs(q, &x->base.out, key->to)[row] = v.kind == VALUE_NULL ? NO_REF : v.ref;
    else
        rows_values(q, &x->base.out, key->to)[row] = v;
    return true;
}

static bool aggregate_next(op *self, rows **ret_rows, error *err)
{
    aggregate *x = (aggregate *)self;
    const plan_op *p = self->plan;
    if (!x->is_read)
        TRY(read_all(x, err));
    rows *out = &self->out;
    out->count = 0;
    for (; x->next < x->group_count && out->count < BATCH_ROWS; x->next++) {
        for (size_t k = 0; k < p->aggregate.key_count; k++)
            TRY(put_key(x, x->next, k, out->count, err));
        for (size_t i = 0; i < p->aggregate.item_count; i++)
            rows_values(self->query, out, p->aggregate.items[i].to)[out->count] =
                finish(&p->aggregate.items[i], &x->states[x->next * p->aggregate.item_count + i]);
        out->bulk[out->count++] = 1;
    }
    *ret_rows = out->count ? out : NULL;
    return true;
}

const op_kind aggregate_kind = { aggregate_next, aggregate_reset };
