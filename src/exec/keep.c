/* Operators that keep rows: sort, tail, distinct, merge. */
#include <stdlib.h>

#include "base/vec.h"
#include "exec/internal.h"

/* A kept row: the values of its keys, and of all slots. */
typedef struct kept {
    value *keys, *cells;
    uint64_t bulk, number;
} kept;

typedef struct keeper {
    op base;
    VEC(kept) rows;
    size_t next;
    bool is_read, has_null;             /* of distinct vertices: nothing, too, was seen */
    value (*columns)[BATCH_ROWS], *one; /* of distinct: the keys of a block, of a row */
    uint32_t *table;                    /* of distinct: row + 1 by hash */
    size_t table_size;
    ref_map *seen;       /* of distinct vertices: a byte each; of merge: multiplicities */
    VEC(uint64_t) found; /* of merge: vertices in order of arrival */
} keeper;

op *sort_new(query *q)
{
    return &arena_new_of(q->arena, keeper)->base;
}

op *tail_new(query *q)
{
    return sort_new(q);
}

op *distinct_new(query *q)
{
    return sort_new(q);
}

static void keeper_reset(op *self)
{
    keeper *k = (keeper *)self;
    if (self->plan->kind == PLAN_DISTINCT && self->plan->distinct.is_kept)
        return; /* what earlier rounds of a repeat saw stays seen */
    k->rows.count = k->next = 0;
    k->is_read = k->has_null = false;
    if (k->table)
        memset(k->table, 0, k->table_size * sizeof *k->table);
    if (k->seen)
        ref_map_clear(k->seen);
    k->found.count = 0;
}

static kept keep(keeper *k, const rows *in, size_t row, size_t key_count)
{
    query *q = k->base.query;
    kept x = { .bulk = in->bulk[row], .number = k->rows.count };
    x.keys = arena_array_of(q->arena, value, key_count);
    x.cells = arena_array_of(q->arena, value, q->plan->slot_count);
    for (plan_slot s = 1; s < q->plan->slot_count; s++)
        if (plan_slots_has(&k->base.plan->live, s))
            x.cells[s] = rows_value(q, in, s, row);
    return x;
}

static void give(keeper *k, const kept *x, rows *out)
{
    query *q = k->base.query;
    for (plan_slot s = 1; s < q->plan->slot_count; s++) {
        if (!plan_slots_has(&k->base.plan->live, s))
            continue;
        if (slot_is_ref(q, s))
            rows_refs(q, out, s)[out->count] =
                x->cells[s].kind == VALUE_NULL ? NO_REF : x->cells[s].ref;
        else
            rows_values(q, out, s)[out->count] = x->cells[s];
    }
    out->bulk[out->count++] = x->bulk;
}

static bool give_block(keeper *k, size_t end, rows **ret_rows)
{
    rows *out = &k->base.out;
    out->count = 0;
    while (k->next < end && out->count < BATCH_ROWS)
        give(k, &k->rows.items[k->next++], out);
    *ret_rows = out->count ? out : NULL;
    return true;
}

/* ---- Sort ---- */

static __thread const plan_key *sort_keys;
static __thread size_t sort_key_count;
static __thread bool sorts_as_cypher;

static int compare_kept(const void *x, const void *y)
{
    const kept *p = x, *q = y;
    for (size_t i = 0; i < sort_key_count; i++) {
        int order = sorts_as_cypher ? value_compare_cypher(&p->keys[i], &q->keys[i])
                                    : value_compare(&p->keys[i], &q->keys[i]);
        if (order)
            return sort_keys[i].is_descending ? -order : order;
    }
    return (p->number > q->number) - (p->number < q->number);
}

static void sort_kept(keeper *k)
{
    sort_keys = k->base.plan->sort.keys;
    sort_key_count = k->base.plan->sort.key_count;
    sorts_as_cypher = k->base.query->plan->is_cypher;
    if (k->rows.count)
        qsort(k->rows.items, k->rows.count, sizeof *k->rows.items, compare_kept);
}

/* Of a top-n only a few times n rows are kept; a row behind the last of them never comes back. */
static void cut_to_top(keeper *k, bool *has_worst)
{
    uint64_t top = k->base.plan->sort.count;
    if (top >= SIZE_MAX / 8 || k->rows.count < 4 * top + 256)
        return;
    sort_kept(k);
    k->rows.count = (size_t)top;
    *has_worst = top > 0;
}

static bool read_sorted(keeper *k, error *err)
{
    bool has_worst = false;
    uint64_t number = 0;
    const plan_op *p = k->base.plan;
    query *q = k->base.query;
    value(*keys)[BATCH_ROWS] = arena_alloc(q->arena, p->sort.key_count * sizeof *keys);
    value *one = arena_array_of(q->arena, value, p->sort.key_count);
    for (rows *in;;) {
        TRY(op_next(k->base.input, &in, err));
        if (!in)
            break;
        for (size_t i = 0; i < p->sort.key_count; i++)
            TRY(expr_eval(q, p->sort.keys[i].expr, in, keys[i], err));
        for (size_t r = 0; r < in->count; r++, number++) {
            for (size_t i = 0; i < p->sort.key_count; i++)
                one[i] = keys[i][r];
            kept probe = { .keys = one, .number = number };
            if (has_worst && compare_kept(&probe, &k->rows.items[p->sort.count - 1]) > 0)
                continue;
            kept x = keep(k, in, r, p->sort.key_count);
            x.number = number;
            memcpy(x.keys, one, p->sort.key_count * sizeof *one);
            vec_push(q->arena, &k->rows, x);
            cut_to_top(k, &has_worst);
        }
    }
    sort_kept(k);
    k->is_read = true;
    return true;
}

static bool sort_next(op *self, rows **ret_rows, error *err)
{
    keeper *k = (keeper *)self;
    if (!k->is_read)
        TRY(read_sorted(k, err));
    size_t end =
        self->plan->sort.count < k->rows.count ? (size_t)self->plan->sort.count : k->rows.count;
    return give_block(k, end, ret_rows);
}

/* ---- Tail ---- */

static bool tail_next(op *self, rows **ret_rows, error *err)
{
    keeper *k = (keeper *)self;
    while (!k->is_read) {
        rows *in;
        TRY(op_next(self->input, &in, err));
        k->is_read = !in;
        for (size_t r = 0; in && r < in->count; r++)
            vec_push(self->query->arena, &k->rows, keep(k, in, r, 0));
        if (!k->is_read)
            continue;
        uint64_t left = self->plan->slice.count;
        k->next = k->rows.count;
        while (k->next > 0 && left > 0) {
            kept *x = &k->rows.items[--k->next];
            x->bulk = x->bulk < left ? x->bulk : left;
            left -= x->bulk;
        }
    }
    return give_block(k, k->rows.count, ret_rows);
}

/* ---- Distinct ---- */

static void grow_table(keeper *k, size_t key_count)
{
    k->table_size = k->table_size ? k->table_size * 2 : 1024;
    k->table = arena_array_of(k->base.query->arena, uint32_t, k->table_size);
    for (size_t i = 0; i < k->rows.count; i++) {
        uint64_t hash = 0;
        for (size_t n = 0; n < key_count; n++)
            hash = hash * 31 + value_hash(&k->rows.items[i].keys[n]);
        size_t at = hash & (k->table_size - 1);
        while (k->table[at])
            at = (at + 1) & (k->table_size - 1);
        k->table[at] = (uint32_t)i + 1;
    }
}

/* Whether the keys are new; remembers them. */
static bool is_new(keeper *k, const value *keys, size_t key_count)
{
    if (2 * (k->rows.count + 1) > k->table_size)
        grow_table(k, key_count);
    uint64_t hash = 0;
    for (size_t n = 0; n < key_count; n++)
        hash = hash * 31 + value_hash(&keys[n]);
    size_t at = hash & (k->table_size - 1);
    for (; k->table[at]; at = (at + 1) & (k->table_size - 1)) {
        const kept *x = &k->rows.items[k->table[at] - 1];
        bool is_equal = true;
        for (size_t n = 0; n < key_count && is_equal; n++)
            is_equal = value_equal(&x->keys[n], &keys[n]);
        if (is_equal)
            return false;
    }
    value *copy = arena_copy(k->base.query->arena, keys, key_count * sizeof *keys);
    vec_push(k->base.query->arena, &k->rows, (kept){ .keys = copy });
    k->table[at] = (uint32_t)k->rows.count;
    return true;
}

/* The vertex slot that is the only key; NULL: the keys are something else. */
static const plan_expr *only_vertex(const query *q, const plan_key *keys, size_t count)
{
    const plan_expr *e = count == 1 ? reference_of(q, keys[0].expr) : NULL;
    return e && q->plan->slots[e->slot].kind == SLOT_VERTEX ? e : NULL;
}

static bool distinct_vertices(keeper *k, plan_slot slot, rows **ret_rows, error *err)
{
    op *self = &k->base;
    query *q = self->query;
    self->out.count = 0;
    *ret_rows = NULL;
    if (!k->seen)
        k->seen = ref_map_new(q, 1);
    while (self->out.count == 0) {
        rows *in;
        TRY(op_next(self->input, &in, err));
        if (!in)
            return true;
        char *seen = NULL;
        size_t label = SIZE_MAX;
        const uint64_t *refs = in->refs[slot];
        for (size_t r = 0; r < in->count; r++) {
            uint64_t ref = refs ? refs[r] : NO_REF;
            if (ref == NO_REF) {
                if (k->has_null)
                    continue;
                k->has_null = true;
            } else {
                if (graph_ref_label(ref) != label) {
                    label = graph_ref_label(ref);
                    TRY(ref_map_label(k->seen, label, &seen, err));
                }
                if (seen[graph_ref_number(ref)])
                    continue;
                seen[graph_ref_number(ref)] = 1;
            }
            rows_append(q, &self->plan->live, &self->out, in, r);
            self->out.bulk[self->out.count - 1] = 1;
        }
    }
    *ret_rows = &self->out;
    return true;
}

static bool distinct_next(op *self, rows **ret_rows, error *err)
{
    const plan_expr *vertex =
        only_vertex(self->query, self->plan->distinct.keys, self->plan->distinct.key_count);
    if (vertex)
        return distinct_vertices((keeper *)self, vertex->slot, ret_rows, err);

    keeper *k = (keeper *)self;
    const plan_op *p = self->plan;
    query *q = self->query;
    size_t key_count = p->distinct.key_count;
    if (!k->columns) {
        k->columns = arena_alloc(q->arena, key_count * sizeof *k->columns);
        k->one = arena_array_of(q->arena, value, key_count);
    }
    self->out.count = 0;
    *ret_rows = NULL;
    while (self->out.count == 0) {
        rows *in;
        TRY(op_next(self->input, &in, err));
        if (!in)
            return true;
        for (size_t i = 0; i < key_count; i++)
            TRY(expr_eval(q, p->distinct.keys[i].expr, in, k->columns[i], err));
        for (size_t r = 0; r < in->count; r++) {
            for (size_t i = 0; i < key_count; i++)
                k->one[i] = k->columns[i][r];
            if (!is_new(k, k->one, key_count))
                continue;
            rows_append(q, &p->live, &self->out, in, r);
            self->out.bulk[self->out.count - 1] = 1;
        }
    }
    *ret_rows = &self->out;
    return true;
}

/* ---- Merge: rows that are nothing but one vertex ---- */

op *merge_new(query *q)
{
    return sort_new(q);
}

static bool read_merged(keeper *k, error *err)
{
    query *q = k->base.query;
    plan_slot slot = k->base.plan->merge.slot;
    if (!k->seen)
        k->seen = ref_map_new(q, sizeof(uint64_t));
    for (rows *in;;) {
        TRY(op_next(k->base.input, &in, err));
        if (!in)
            return true;
        uint64_t *bulks = NULL;
        size_t label = SIZE_MAX;
        for (size_t r = 0; r < in->count; r++) {
            uint64_t ref = in->refs[slot][r];
            if (ref == NO_REF)
                continue; /* leads nowhere */
            if (graph_ref_label(ref) != label) {
                char *array;
                label = graph_ref_label(ref);
                TRY(ref_map_label(k->seen, label, &array, err));
                bulks = (uint64_t *)(void *)array;
            }
            uint64_t *bulk = &bulks[graph_ref_number(ref)];
            if (*bulk == 0)
                vec_push(q->arena, &k->found, ref);
            TRY(bulk_add(bulk, in->bulk[r], err));
        }
    }
}

static bool merge_next(op *self, rows **ret_rows, error *err)
{
    keeper *k = (keeper *)self;
    query *q = self->query;
    if (!k->is_read)
        TRY(read_merged(k, err));
    k->is_read = true;
    rows *out = &self->out;
    uint64_t *refs = rows_refs(q, out, self->plan->merge.slot);
    out->count = 0;
    for (; k->next < k->found.count && out->count < BATCH_ROWS; k->next++) {
        char *array;
        uint64_t ref = k->found.items[k->next];
        TRY(ref_map_label(k->seen, graph_ref_label(ref), &array, err));
        refs[out->count] = ref;
        out->bulk[out->count++] = ((uint64_t *)(void *)array)[graph_ref_number(ref)];
    }
    *ret_rows = out->count ? out : NULL;
    return true;
}

const op_kind merge_kind = { merge_next, keeper_reset };
const op_kind sort_kind = { sort_next, keeper_reset };
const op_kind tail_kind = { tail_next, keeper_reset };
const op_kind distinct_kind = { distinct_next, keeper_reset };
