/* Steps that make one value of many traversers, and order(). */
#include <math.h>
#include <stdlib.h>

#include "gremlin/machine_step.h"

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

/* ---- count, sum, min, max, mean ---- */

typedef struct reduce_state {
    char which; /* c, s, a (max), i (min), e (mean) */
    uint64_t count;
    value current;
    bool has_current, has_null;
} reduce_state;

static bool is_nan(const value *v)
{
    return v->kind == VALUE_DOUBLE && isnan(v->real);
}

/* One more value, `bulk` times. */
static bool reduce_value(stage *s, reduce_state *r, const value *v, uint64_t bulk, error *err)
{
    value x = *v;
    if (r->which == 'c')
        return bulk_add(&r->count, bulk, err);
    r->has_null |= v->kind == VALUE_NULL;
    if (v->kind == VALUE_NULL)
        return true;
    if ((r->which == 's' || r->which == 'e') && !value_is_number(v))
        return stage_fail(s, STR_FMT "() takes numbers, and here stands %s", STR_ARG(s->step->name),
                          gremlin_type_name(v));
    if (r->which == 'a' || r->which == 'i') {
        if (!r->has_current) {
            r->current = x;
        } else if (value_is_number(&x) && value_is_number(&r->current)) {
            if (is_nan(&x) || is_nan(&r->current)) {
                if (is_nan(&r->current))
                    r->current = x;
            } else {
                TRY(gremlin_operate(s, r->which == 'a' ? STR("max") : STR("min"), &r->current, &x,
                                    &r->current, err));
            }
        } else {
            int order = gremlin_order(s->machine, &x, &r->current);
            if (r->which == 'a' ? order > 0 : order < 0)
                r->current = x;
        }
        r->has_current = true;
        return true;
    }
    TRY(bulk_add(&r->count, bulk, err));
    if (bulk > 1) {
        value times = { .kind = VALUE_INT, .width = 8, .integer = (int64_t)bulk };
        if (bulk > 127)
            times.width = bulk > 32767 ? (bulk > INT32_MAX ? 64 : 32) : 16;
        TRY(gremlin_operate(s, STR("mult"), &x, &times, &x, err));
    }
    if (r->has_current)
        TRY(gremlin_operate(s, STR("sum"), &r->current, &x, &r->current, err));
    else
        r->current = x;
    r->has_current = true;
    return true;
}

static bool reduce_done(stage *s, const reduce_state *r, value *ret, bool *ret_has, error *err)
{
    *ret_has = r->which == 'c' || r->has_current || r->has_null;
    if (!r->has_current && r->which != 'c')
        *ret = value_null();
    if (!r->has_current && r->which != 'c')
        return true;
    if (r->which == 'c') {
        *ret = value_int((int64_t)r->count);
        return true;
    }
    *ret = r->current;
    if (r->which != 'e')
        return true;
    value n = value_int((int64_t)r->count);
    if (r->current.kind == VALUE_DECIMAL)
        return gremlin_operate(s, STR("div"), &r->current, &n, ret, err);
    bool is_float = r->current.kind == VALUE_DOUBLE && r->current.width == 32;
    *ret = gremlin_number(value_to_double(&r->current) / (double)r->count, is_float ? 32 : 0);
    return true;
}

static bool count_begin(stage *s, error *err)
{
    reduce_state *r = s->state;
    (void)err;
    *r = (reduce_state){ .which = r->which };
    return true;
}

static bool count_add(stage *s, const traverser *t, error *err)
{
    return reduce_value(s, s->state, &t->object, t->bulk, err);
}

static bool count_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    return reduce_done(s, s->state, ret, ret_has, err);
}

static bool reduceLocal_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    reduce_state *kept = s->state, r = { .which = kept->which };
    const value *o = &t->object;
    if (r.which == 'c') {
        *ret_has = true;
        *ret = value_int(is_list(o) || o->kind == VALUE_PATH             ? (int64_t)o->list.count
                         : o->kind == VALUE_MAP || o->kind == VALUE_TREE ? (int64_t)o->map.count
                                                                         : 1);
        return true;
    }
    if (!is_list(o) && o->kind != VALUE_PATH) {
        if (o->kind == VALUE_MAP && (r.which == 's' || r.which == 'e'))
            return stage_fail(s, STR_FMT "(local) takes lists, and here stands Map",
                              STR_ARG(s->step->name));
        *ret = *o;
        *ret_has = o->kind != VALUE_NULL;
        if (r.which == 'e' && o->kind == VALUE_INT)
            *ret = value_double((double)o->integer);
        return true;
    }
    for (size_t i = 0; i < o->list.count; i++)
        TRY(reduce_value(s, &r, &o->list.items[i], 1, err));
    return reduce_done(s, &r, ret, ret_has, err);
}

bool build_reduce(stage *s)
{
    reduce_state *r = arena_new_of(s->machine->arena, reduce_state);
    str name = s->step->name;
    r->which = name.data[0] == 'm' ? name.data[1] : name.data[0];
    s->state = r;
    TRY(build_scoped(s));
    if (s->is_local)
        s->kind = &stage_reduceLocal;
    return true;
}

/* ---- fold ---- */

typedef VEC(value) values_vec;

static bool fold_begin(stage *s, error *err)
{
    (void)err;
    s->state = arena_new_of(s->machine->arena, values_vec);
    if (s->arg_count == 2) {
        values_vec *v = s->state;
        vec_push(s->machine->arena, v, s->args[0].literal);
    }
    return true;
}

static bool fold_add(stage *s, const traverser *t, error *err)
{
    values_vec *v = s->state;
    for (uint64_t i = 0; i < t->bulk; i++) {
        TRY(machine_goes_on(s->machine, i, err));
        if (s->arg_count == 2)
            TRY(gremlin_operate(s, s->args[1].token, &v->items[0], &t->object, &v->items[0], err));
        else
            vec_push(s->machine->arena, v, t->object);
    }
    return true;
}

static bool fold_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    values_vec *v = s->state;
    (void)err;
    *ret = s->arg_count == 2 ? v->items[0] : value_list(v->items, v->count);
    *ret_has = true;
    return true;
}

bool build_fold(stage *s)
{
    bool works = s->arg_count == 0 || (s->arg_count == 2 && s->args[0].kind == ARG_LITERAL &&
                                       s->args[1].kind == ARG_TOKEN);
    return works ? true : stage_fail(s, "fold() takes nothing, or a value and an operator");
}

/* ---- group, groupCount ---- */

typedef struct group_state {
    value_table table; /* groupCount: counts */
    VEC(flow *) flows; /* of each key: what by() makes of its members */
    VEC(values_vec *) members;
    const traversal *of; /* the second by(), as a traversal */
    by_rule *value_by;
    bool is_count, has_barrier, has_seed;
} group_state;

static bool group_begin(stage *s, error *err)
{
    group_state *g = s->state;
    (void)err;
    memset(&g->table, 0, sizeof g->table);
    g->flows.count = g->members.count = 0;
    g->flows.items = NULL;
    g->flows.capacity = 0;
    g->members.items = NULL;
    g->members.capacity = 0;
    return true;
}

static bool group_one(stage *s, const traverser *t, error *err)
{
    machine *m = s->machine;
    group_state *g = s->state;
    value key, v;
    bool has, is_new;
    TRY(gremlin_by(s, s->by.count ? &s->by.items[0] : NULL, t, &key, &has, err));
    if (!has)
        return true;
    if (g->is_count) {
        size_t at = value_table_at(m->arena, &g->table, &key, &is_new);
        value *n = &g->table.values.items[at];
        *n = value_int((is_new ? 0 : n->integer) + (int64_t)t->bulk);
        return true;
    }
    bool keeps = true;
    if (g->value_by && g->value_by->kind == BY_FLOW && !g->of) { /* each one anew: the last stays */
        TRY(flow_apply(g->value_by->flow, t, &v, &has, err));
        if (!has && !m->is_productive)
            return true;
        size_t at = value_table_at(m->arena, &g->table, &key, &is_new);
        if (is_new) {
            vec_push(m->arena, &g->flows, NULL);
            vec_push(m->arena, &g->members, NULL);
        }
        g->table.values.items[at] = has ? v : value_null();
        return true;
    }
    if (g->value_by && g->value_by->kind == BY_FLOW) {
        size_t at = value_table_at(m->arena, &g->table, &key, &is_new);
        if (is_new) {
            flow *f;
            TRY(machine_flow(m, g->of, s, &f, err));
            vec_push(m->arena, &g->flows, f);
            vec_push(m->arena, &g->members, NULL);
        }
        flow_add(g->flows.items[at], t);
        return true;
    }
    TRY(gremlin_by(s, g->value_by, t, &v, &keeps, err));
    size_t at = value_table_at(m->arena, &g->table, &key, &is_new);
    if (is_new) {
        vec_push(m->arena, &g->members, arena_new_of(m->arena, values_vec));
        vec_push(m->arena, &g->flows, NULL);
    }
    for (uint64_t i = 0; keeps && i < t->bulk; i++) {
        TRY(machine_goes_on(m, i, err));
        vec_push(m->arena, g->members.items[at], v);
    }
    return true;
}

static bool group_add(stage *s, const traverser *t, error *err)
{
    return group_one(s, t, err);
}

/* What the second by() gives for a group: one value when it ends in a reducing step, else a list
 * of its results in TinkerPop's way: the first one. */
static bool group_flow_value(stage *s, flow *f, value *ret, bool *ret_has, error *err)
{
    (void)s;
    traverser x;
    TRY(flow_next(f, &x, ret_has, err));
    if (*ret_has)
        *ret = x.object;
    return true;
}

static bool group_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    group_state *g = s->state;
    VEC(value) keys = { 0 };
    VEC(value) values = { 0 };
    *ret_has = true;
    for (size_t i = 0; i < g->table.keys.count; i++) {
        value v = g->table.values.items[i];
        bool has = true;
        if (!g->is_count && g->flows.items[i]) {
            if (v.kind == VALUE_NULL) {
                TRY(group_flow_value(s, g->flows.items[i], &v, &has, err));
                if (has)
                    g->table.values.items[i] = v;
            }
        } else if (!g->is_count && g->members.items[i]) {
            v = value_list(g->members.items[i]->items, g->members.items[i]->count);
        }
        if (!has && m->is_productive) {
            v = value_null();
            has = true;
        }
        if (!has)
            continue;
        vec_push(m->arena, &keys, g->table.keys.items[i]);
        vec_push(m->arena, &values, v);
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys.items, values.items, keys.count } };
    return true;
}

bool build_group(stage *s)
{
    group_state *g = arena_new_of(s->machine->arena, group_state);
    machine *m = s->machine;
    g->is_count = str_eq(s->step->name, STR("groupCount"));
    s->state = g;
    if (!s->arg_count)
        return true;
    if (s->args[0].kind != ARG_LITERAL || s->args[0].literal.kind != VALUE_STRING)
        return stage_fail(s, STR_FMT "() takes the name of a side effect", STR_ARG(s->step->name));
    s->kind = &stage_groupSide;
    s->key = s->args[0].literal.text;
    side_effect *side = machine_side(m, s->key);
    if (side->owner && side->owner->kind == &stage_groupSide &&
        ((group_state *)side->owner->state)->is_count == g->is_count)
        s->state = side->owner->state; /* two steps fill one map */
    else
        side->owner = s;
    if (side->has_initial && side->initial.kind == VALUE_MAP && g->is_count)
        for (size_t i = 0; i < side->initial.map.count; i++) {
            bool is_new;
            size_t at = value_table_at(m->arena, &g->table, &side->initial.map.keys[i], &is_new);
            g->table.values.items[at] = side->initial.map.values[i];
        }
    return true;
}

static bool has_own_barrier(const flow *f)
{
    for (const stage *s = f->last; s; s = s->before)
        if (s->kind->begin || (s->kind->is_barrier && s->kind != &stage_barrier))
            return true;
    return false;
}

/* The by() of group() and groupCount(), once all are known. */
bool finish_group(stage *s)
{
    group_state *g = s->state;
    g->value_by = s->by.count > 1 ? &s->by.items[1] : NULL;
    if (g->value_by && g->value_by->kind == BY_FLOW) {
        if (has_own_barrier(g->value_by->flow)) /* of each group on its own */
            g->of = g->value_by->flow->of;
    }
    return true;
}

/* ---- tree ---- */

typedef struct tree_node {
    value_table table;
    VEC(struct tree_node *) children;
} tree_node;

static bool tree_one(stage *s, tree_node *root, const traverser *t, error *err)
{
    machine *m = s->machine;
    VEC(const path_node *) nodes = { 0 };
    for (const path_node *p = t->path; p; p = p->before)
        vec_push(m->arena, &nodes, p);
    s->by_at = 0;
    tree_node *at = root;
    for (size_t i = nodes.count; i-- > 0;) {
        traverser x = *t;
        value key;
        bool has, is_new;
        x.object = nodes.items[i]->object;
        TRY(gremlin_by(s, gremlin_next_by(s), &x, &key, &has, err));
        if (!has)
            continue;
        size_t place = value_table_at(m->arena, &at->table, &key, &is_new);
        if (is_new)
            vec_push(m->arena, &at->children, arena_new_of(m->arena, tree_node));
        at = at->children.items[place];
    }
    s->by_at = 0;
    return true;
}

static value tree_value(machine *m, const tree_node *n)
{
    size_t count = n->table.keys.count;
    value *values = arena_array_of(m->arena, value, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] = tree_value(m, n->children.items[i]);
    return (value){ .kind = VALUE_TREE, .map = { n->table.keys.items, values, count } };
}

static bool tree_begin(stage *s, error *err)
{
    (void)err;
    s->state = arena_new_of(s->machine->arena, tree_node);
    return true;
}

static bool tree_add(stage *s, const traverser *t, error *err)
{
    return tree_one(s, s->state, t, err);
}

static bool tree_finish(stage *s, value *ret, bool *ret_has, error *err)
{
    (void)err;
    *ret_has = true;
    *ret = tree_value(s->machine, s->state);
    return true;
}

bool build_tree(stage *s)
{
    s->state = arena_new_of(s->machine->arena, tree_node);
    if (!s->arg_count)
        return true;
    if (s->args[0].kind != ARG_LITERAL || s->args[0].literal.kind != VALUE_STRING)
        return stage_fail(s, "tree() takes the name of a side effect");
    s->kind = &stage_treeSide;
    machine_side(s->machine, s->args[0].literal.text)->owner = s;
    return true;
}

/* ---- order ---- */

typedef struct order_row {
    traverser t;
    value *keys;
    size_t place;
} order_row;

typedef struct order_state {
    VEC(order_row) rows;
    size_t next;
    bool is_sorted;
    bool shuffles;
} order_state;

static _Thread_local stage *sorted_stage;

static int compare_rows(const void *a, const void *b)
{
    const order_row *x = a, *y = b;
    stage *s = sorted_stage;
    size_t count = s->by.count ? s->by.count : 1;
    for (size_t i = 0; i < count; i++) {
        bool is_down = s->by.count && s->by.items[i].order == ORDER_DOWN;
        int order = gremlin_order(s->machine, &x->keys[i], &y->keys[i]);
        if (order)
            return is_down ? -order : order;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static bool add_row(stage *s, order_state *o, const traverser *t, error *err)
{
    machine *m = s->machine;
    size_t count = s->by.count ? s->by.count : 1;
    order_row r = { *t, arena_array_of(m->arena, value, count), o->rows.count };
    for (size_t i = 0; i < count; i++) {
        bool has;
        const by_rule *rule = s->by.count ? &s->by.items[i] : NULL;
        TRY(gremlin_by(s, rule, t, &r.keys[i], &has, err));
        if (!has)
            return true;
        if (rule && rule->order == ORDER_SHUFFLE) {
            m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
            r.keys[i] = value_int((int64_t)(m->random >> 1));
        }
    }
    vec_push(m->arena, &o->rows, r);
    return true;
}

static void sort_rows(stage *s, order_state *o)
{
    stage *before = sorted_stage;
    sorted_stage = s;
    if (o->rows.count)
        qsort(o->rows.items, o->rows.count, sizeof *o->rows.items, compare_rows);
    sorted_stage = before;
}

static bool order_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    order_state *o = s->state;
    *ret_has = false;
    if (o->next == o->rows.count) {
        o->rows.count = o->next = 0;
        for (bool has = true; has;) {
            traverser t;
            TRY(stage_input(s, &t, &has, err));
            if (has)
                TRY(add_row(s, o, &t, err));
        }
        sort_rows(s, o);
    }
    if (o->next < o->rows.count) {
        *ret = o->rows.items[o->next++].t;
        *ret_has = true;
    }
    return true;
}

static void order_reset(stage *s)
{
    order_state *o = s->state;
    o->rows.count = o->next = 0;
}

static bool orderLocal_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const value *v = &t->object;
    order_state o = { 0 };
    bool is_map = v->kind == VALUE_MAP;
    *ret = *v;
    *ret_has = true;
    if (!is_map && !is_list(v) && v->kind != VALUE_PATH)
        return true;
    size_t count = is_map ? v->map.count : v->list.count;
    for (size_t i = 0; i < count; i++) {
        traverser x = *t;
        if (is_map)
            x.object =
                (value){ .kind = VALUE_ENTRY, .map = { &v->map.keys[i], &v->map.values[i], 1 } };
        else
            x.object = v->list.items[i];
        TRY(add_row(s, &o, &x, err));
    }
    sort_rows(s, &o);
    value *items = arena_array_of(m->arena, value, count + 1),
          *values = arena_array_of(m->arena, value, count + 1);
    for (size_t i = 0; i < o.rows.count; i++) {
        const value *x = &o.rows.items[i].t.object;
        items[i] = is_map ? x->map.keys[0] : *x;
        if (is_map)
            values[i] = x->map.values[0];
    }
    if (is_map)
        ret->map = (struct value_pairs){ items, values, o.rows.count };
    else
        *ret = value_list(items, o.rows.count);
    return true;
}

bool build_order(stage *s)
{
    s->state = arena_new_of(s->machine->arena, order_state);
    TRY(build_scoped(s));
    if (s->is_local)
        s->kind = &stage_orderLocal;
    return true;
}

const stage_kind
    stage_count = { .name = "count",
                    .begin = count_begin,
                    .add = count_add,
                    .finish = count_finish },
    stage_reduceLocal = { .name = "count", .map = reduceLocal_map },
    stage_fold = { .name = "fold", .begin = fold_begin, .add = fold_add, .finish = fold_finish },
    stage_group = { .name = "group",
                    .begin = group_begin,
                    .add = group_add,
                    .finish = group_finish },
    stage_groupSide = { .name = "group",
                        .next = gather_next,
                        .take = group_one,
                        .finish = group_finish,
                        .is_barrier = true },
    stage_tree = { .name = "tree", .begin = tree_begin, .add = tree_add, .finish = tree_finish },
    stage_treeSide = { .name = "tree",
                       .next = gather_next,
                       .take = tree_add,
                       .finish = tree_finish,
                       .is_barrier = true },
    stage_order = { .name = "order", .next = order_next, .reset = order_reset, .is_barrier = true },
    stage_orderLocal = { .name = "order", .map = orderLocal_map };
