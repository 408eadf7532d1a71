/* Groups and their aggregates. Keys that are vertices, edges or their ids are grouped by reference,
 * and sums over a whole property column read it in place: the busy path of "who received how much".
 */
#include <stdlib.h>

#include "base/vec.h"
#include "exec/internal.h"

/* What one aggregate of one group has seen. */
typedef struct state {
    int64_t integer;
    double real;
    bool is_real, has_value;
    value best;
    VEC(value) list;
    VEC(value) with;
} state;

typedef struct aggregate {
    op base;
    value *keys;   /* group × key_count */
    state *states; /* group × item_count */
    size_t group_count, group_capacity;
    uint32_t *table; /* group + 1 by hash */
    size_t table_size;
    size_t next;
    bool is_read;
} aggregate;

op *aggregate_new(query *q)
{
    return &arena_new_of(q->arena, aggregate)->base;
}

static void aggregate_reset(op *self)
{
    aggregate *x = (aggregate *)self;
    x->group_count = x->next = 0;
    x->is_read = false;
    if (x->table)
        memset(x->table, 0, x->table_size * sizeof *x->table);
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

static bool add_value(aggregate *x, const plan_aggregate *item, state *s, const value *v,
                      const value *with, uint64_t bulk, error *err)
{
    query *q = x->base.query;
    if (item->of && v->kind == VALUE_NULL)
        return true;
    switch (item->kind) {
    case AGGREGATE_COUNT: s->integer += (int64_t)bulk; return true;
    case AGGREGATE_MEAN:
        s->best.integer += (int64_t)bulk;
        return add_number(s, v, bulk, "mean()", err);
    case AGGREGATE_SUM: return add_number(s, v, bulk, "sum()", err);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX: {
        int order = s->has_value ? value_compare(v, &s->best) : 0;
        if (!s->has_value || (item->kind == AGGREGATE_MIN ? order < 0 : order > 0))
            s->best = *v;
        s->has_value = true;
        return true;
    }
    case AGGREGATE_COLLECT:
        for (uint64_t i = 0; i < bulk; i++)
            vec_push(q->arena, &s->list, *v);
        return true;
    case AGGREGATE_COLLECT_MAP:
        vec_push(q->arena, &s->list, *v);
        vec_push(q->arena, &s->with, *with);
        return true;
    case AGGREGATE_FIRST:
        if (!s->has_value)
            s->best = *v;
        s->has_value = true;
        return true;
    case AGGREGATE_LAST: s->best = *v; return true;
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
        return !s->has_value
                   ? value_null()
                   : value_double((s->real + (double)s->integer) / (double)s->best.integer);
    case AGGREGATE_COLLECT:
        return (value){ .kind = VALUE_LIST, .list = { s->list.items, s->list.count } };
    case AGGREGATE_COLLECT_MAP:
        return (value){ .kind = VALUE_MAP, .map = { s->list.items, s->with.items, s->list.count } };
    default: return s->has_value || item->kind == AGGREGATE_LAST ? s->best : value_null();
    }
}

/* ---- Reading ---- */

/* id(x) of a vertex or edge slot: grouped by the reference, its text made once a group. */
static const plan_expr *reference_of(const query *q, const plan_expr *e)
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

/* One key that is a reference: neighbours come in runs, so most rows have the group of the row
 * before. */
static void group_by_reference(aggregate *x, const plan_expr *reference, const rows *in,
                               size_t *groups)
{
    const uint64_t *refs = in->refs[reference->slot];
    value_kind kind =
        x->base.query->plan->slots[reference->slot].kind == SLOT_VERTEX ? VALUE_VERTEX : VALUE_EDGE;
    for (size_t r = 0; r < in->count; r++) {
        if (r > 0 && refs[r] == refs[r - 1]) {
            groups[r] = groups[r - 1];
            continue;
        }
        value key = refs[r] == NO_REF ? value_null() : (value){ .kind = kind, .ref = refs[r] };
        groups[r] = find_group(x, &key);
    }
}

static bool group_by_values(aggregate *x, const rows *in, value (*keys)[BATCH_ROWS], size_t *groups,
                            error *err)
{
    const plan_op *p = x->base.plan;
    size_t key_count = p->aggregate.key_count;
    for (size_t k = 0; k < key_count; k++) {
        const plan_expr *reference = reference_of(x->base.query, p->aggregate.keys[k].expr);
        TRY(expr_eval(x->base.query, reference ? reference : p->aggregate.keys[k].expr, in, keys[k],
                      err));
    }
    for (size_t r = 0; r < in->count; r++) {
        value one[16];
        for (size_t k = 0; k < key_count && k < ARRAY_LEN(one); k++)
            one[k] = keys[k][r];
        groups[r] = find_group(x, one);
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
    if (reference && in->refs[reference->slot])
        group_by_reference(x, reference, in, groups);
    else
        TRY(group_by_values(x, in, keys, groups, err));
    for (size_t i = 0; i < p->aggregate.item_count; i++) {
        const plan_aggregate *item = &p->aggregate.items[i];
        bool is_done = false;
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

static bool read_all(aggregate *x, error *err)
{
    query *q = x->base.query;
    value(*keys)[BATCH_ROWS] =
        arena_alloc(q->arena, x->base.plan->aggregate.key_count * sizeof *keys);
    value *of = arena_array_of(q->arena, value, BATCH_ROWS),
          *with = arena_array_of(q->arena, value, BATCH_ROWS);
    for (rows *in;;) {
        TRY(op_next(x->base.input, &in, err));
        if (!in)
            break;
        TRY(add_rows(x, in, keys, of, with, err));
    }
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
