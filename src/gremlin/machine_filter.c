/* Steps that let traversers pass or not. */
#include "base/clock.h"
#include "base/hash.h"
#include "gremlin/machine_step.h"

static bool identity_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    (void)s;
    (void)t;
    (void)err;
    *ret_keep = true;
    return true;
}

static bool discard_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    (void)s;
    (void)t;
    (void)err;
    *ret_keep = false;
    return true;
}

static bool fail_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    (void)t;
    (void)ret_keep;
    (void)err;
    return stage_fail(s, "fail() step triggered: " STR_FMT, STR_ARG(s->key));
}

bool build_fail(stage *s)
{
    s->key =
        s->arg_count && s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_STRING
            ? s->args[0].literal.text
            : STR("the query says so");
    return true;
}

static bool is_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    const gremlin_argument *a = &s->args[0];
    truth x;
    if (a->kind == ARG_PREDICATE) {
        TRY(gremlin_test(s, a->predicate, &t->object, &x, err));
    } else {
        predicate eq = { .name = STR("eq"), .args = a, .arg_count = 1 };
        TRY(gremlin_test(s, &eq, &t->object, &x, err));
    }
    *ret_keep = x == TRUTH_TRUE;
    return true;
}

bool build_is(stage *s)
{
    return s->arg_count == 1 && (s->args[0].kind == ARG_LITERAL || s->args[0].kind == ARG_PREDICATE)
               ? true
               : stage_fail(s, "is() takes a value or a predicate, e.g. gt(5)");
}

/* ---- Scope ---- */

/* local or global in front of the arguments. */
bool build_scoped(stage *s)
{
    if (s->arg_count && s->args[0].kind == ARG_TOKEN &&
        (str_eq(s->args[0].token, STR("local")) || str_eq(s->args[0].token, STR("global")))) {
        s->is_local = s->args[0].token.data[0] == 'l';
        s->args++;
        s->arg_count--;
    }
    return true;
}

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET;
}

/* ---- dedup ---- */

static bool dedup_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    machine *m = s->machine;
    value_table *seen = s->state;
    value key;
    bool has = true;
    const by_rule *rule = s->by.count ? &s->by.items[0] : NULL;
    *ret_keep = false;
    if (s->arg_count) {
        value *items = arena_array_of(m->arena, value, s->arg_count);
        for (size_t i = 0; i < s->arg_count; i++) {
            traverser x = *t;
            TRY(gremlin_scope(s, t, s->args[i].literal.text, STR("last"), &x.object, &has, err));
            if (has)
                TRY(gremlin_by(s, rule, &x, &items[i], &has, err));
            if (!has)
                return true;
        }
        key = value_list(items, s->arg_count);
    } else {
        TRY(gremlin_by(s, rule, t, &key, &has, err));
    }
    if (!has)
        return true;
    value_table_at(m->arena, seen, &key, ret_keep);
    t->bulk = 1;
    return true;
}

static void dedup_reset(stage *s)
{
    s->state = arena_new_of(s->machine->arena, value_table);
}

static bool dedupLocal_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    value_table seen = { 0 };
    const value *o = &t->object;
    *ret = *o;
    *ret_has = true;
    if (!is_list(o) && o->kind != VALUE_MAP)
        return true;
    if (o->kind == VALUE_MAP)
        return true;
    VEC(value) kept = { 0 };
    for (size_t i = 0; i < o->list.count; i++) {
        traverser x = *t;
        value key;
        bool is_new, has;
        x.object = o->list.items[i];
        TRY(gremlin_by(s, s->by.count ? &s->by.items[0] : NULL, &x, &key, &has, err));
        if (!has)
            continue;
        value_table_at(s->machine->arena, &seen, &key, &is_new);
        if (is_new)
            vec_push(s->machine->arena, &kept, x.object);
    }
    *ret = (value){ .kind = VALUE_SET, .list = { kept.items, kept.count } };
    return true;
}

bool build_dedup(stage *s)
{
    TRY(build_scoped(s));
    for (size_t i = 0; i < s->arg_count; i++)
        if (s->args[i].kind != ARG_LITERAL || s->args[i].literal.kind != VALUE_STRING)
            return stage_fail(s, "dedup() takes labels");
    if (s->is_local)
        s->kind = &stage_dedupLocal;
    else
        dedup_reset(s);
    return true;
}

/* ---- range, limit, skip, tail ---- */

typedef struct range_state {
    value_table rounds; /* inside of repeat(): how many have passed, by round */
    uint64_t passed;
    traverser_queue last;
} range_state;

/* The counter of a traverser's rounds. */
static uint64_t *round_count(stage *s, const traverser *t)
{
    range_state *r = s->state;
    machine *m = s->machine;
    bool is_new;
    size_t depth = 0;
    for (const loop_node *n = t->loops; n; n = n->outer)
        depth++;
    value *rounds = arena_array_of(m->arena, value, depth + 1), key = value_list(rounds, depth);
    depth = 0;
    for (const loop_node *n = t->loops; n; n = n->outer)
        rounds[depth++] = value_int(n->rounds);
    size_t at = value_table_at(m->arena, &r->rounds, &key, &is_new);
    value *count = &r->rounds.values.items[at];
    if (is_new)
        *count = value_int(0);
    return (uint64_t *)(void *)&count->integer;
}

static bool range_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    range_state *r = s->state;
    uint64_t low = (uint64_t)s->low, high = s->high < 0 ? UINT64_MAX : (uint64_t)s->high;
    for (;;) {
        *ret_has = false;
        if (r->passed >= high)
            return true;
        TRY(stage_input(s, ret, ret_has, err));
        if (!*ret_has)
            return true;
        uint64_t before = r->passed, *passed = ret->loops ? round_count(s, ret) : &before;
        uint64_t from = *passed, to = from + ret->bulk;
        if (from >= high)
            continue;
        *passed = to;
        if (!ret->loops)
            r->passed = to;
        if (to <= low)
            continue;
        if (to > high)
            to = high;
        if (from < low)
            from = low;
        ret->bulk = to - from;
        return true;
    }
}

static void range_reset(stage *s)
{
    memset(s->state, 0, sizeof(range_state));
}

static bool tail_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    range_state *r = s->state;
    machine *m = s->machine;
    traverser t;
    bool has = true;
    if (!r->last.count) {
        uint64_t total = 0;
        while (has) {
            TRY(stage_input(s, &t, &has, err));
            if (!has)
                break;
            queue_add(m->arena, &r->last, &t);
            TRY(bulk_add(&total, t.bulk, err));
            while (r->last.count && total > (uint64_t)s->high) {
                traverser *first = &r->last.items[r->last.first];
                uint64_t extra = total - (uint64_t)s->high;
                if (first->bulk > extra) {
                    first->bulk -= extra;
                    total -= extra;
                } else {
                    total -= first->bulk;
                    queue_take(&r->last, &t);
                }
            }
        }
    }
    *ret_has = queue_take(&r->last, ret);
    return true;
}

static bool whole(stage *s, size_t i, int64_t *ret)
{
    if (i >= s->arg_count || s->args[i].kind != ARG_LITERAL || s->args[i].literal.kind != VALUE_INT)
        return stage_fail(s, STR_FMT "() takes a whole number", STR_ARG(s->step->name));
    *ret = s->args[i].literal.integer;
    return true;
}

static bool rangeLocal_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    const value *o = &t->object;
    (void)err;
    *ret = *o;
    *ret_has = true;
    if (!is_list(o) && o->kind != VALUE_MAP && o->kind != VALUE_PATH)
        return true;
    size_t count = o->kind == VALUE_MAP ? o->map.count : o->list.count;
    size_t from = (size_t)s->low, to = s->high < 0 ? count : (size_t)s->high;
    if (str_eq(s->step->name, STR("tail"))) {
        from = count > (size_t)s->high ? count - (size_t)s->high : 0;
        to = count;
    }
    if (to > count)
        to = count;
    if (from > to)
        from = to;
    if (o->kind == VALUE_MAP) {
        ret->map.keys += from;
        ret->map.values += from;
        ret->map.count = to - from;
    } else {
        ret->list.items += from;
        ret->list.count = to - from;
        if (o->kind == VALUE_PATH)
            ret->kind = VALUE_LIST;
    }
    return true;
}

bool build_range(stage *s)
{
    str name = s->step->name;
    TRY(build_scoped(s));
    s->state = arena_new_of(s->machine->arena, range_state);
    s->high = -1;
    if (str_eq(name, STR("range"))) {
        TRY(whole(s, 0, &s->low));
        TRY(whole(s, 1, &s->high));
        if (s->high >= 0 && s->low > s->high)
            return stage_fail(s, "Not a legal range: [%lld, %lld]", (long long)s->low,
                              (long long)s->high);
    } else if (str_eq(name, STR("skip"))) {
        TRY(whole(s, 0, &s->low));
    } else {
        s->high = 1;
        if (s->arg_count || !str_eq(name, STR("tail")))
            TRY(whole(s, 0, &s->high));
    }
    if (s->low < 0)
        s->low = 0;
    if (s->is_local)
        s->kind = &stage_rangeLocal;
    else if (str_eq(name, STR("tail")))
        s->kind = &stage_tail;
    return true;
}

/* ---- Chance ---- */

/* java.util.Random's generator: with SeedStrategy a step chooses what TinkerPop's chooses. */
static uint32_t next_bits(stage *s, int bits)
{
    const uint64_t mask = (1ull << 48) - 1;
    machine *m = s->machine;
    if (!s->random) {
        m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t seed = m->is_seeded ? (uint64_t)m->seed : m->random >> 8;
        s->random = (seed ^ 0x5DEECE66Dull) & mask;
    }
    s->random = (s->random * 0x5DEECE66Dull + 11) & mask;
    return (uint32_t)(s->random >> (48 - bits));
}

static double chance(stage *s)
{
    uint64_t high = (uint64_t)next_bits(s, 26) << 27;
    return (double)(high + next_bits(s, 27)) * 0x1.0p-53;
}

/* A whole number below `bound`. */
static size_t chance_below(stage *s, size_t bound)
{
    if ((bound & (bound - 1)) == 0)
        return (size_t)(((uint64_t)bound * next_bits(s, 31)) >> 31);
    for (;;) {
        int64_t bits = next_bits(s, 31), rest = bits % (int64_t)bound;
        if (bits - rest + (int64_t)bound - 1 <= INT32_MAX)
            return (size_t)rest;
    }
}

static bool coin_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    uint64_t kept = 0;
    double p = value_to_double(&s->args[0].literal);
    (void)err;
    if (t->bulk >= 100)
        kept = (uint64_t)(p * (double)t->bulk + 0.5);
    else
        for (uint64_t i = 0; i < t->bulk; i++)
            kept += p >= chance(s);
    t->bulk = kept;
    *ret_keep = kept > 0;
    return true;
}

bool build_coin(stage *s)
{
    return s->arg_count == 1 && s->args[0].kind == ARG_LITERAL &&
                   value_is_number(&s->args[0].literal)
               ? true
               : stage_fail(s, "coin() takes a number from 0 to 1");
}

/* Weighted choice without putting back; weights by by(). */
static bool sample_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    range_state *r = s->state;
    machine *m = s->machine;
    *ret_has = queue_take(&r->last, ret);
    if (*ret_has)
        return true;
    VEC(traverser) all = { 0 };
    VEC(double) weights = { 0 };
    double total = 0;
    size_t rounds = 0;
    for (bool has = true; has;) {
        traverser t;
        value w;
        bool has_weight;
        TRY(stage_input(s, &t, &has, err));
        if (!has)
            break;
        TRY(gremlin_by(s, s->by.count ? &s->by.items[0] : NULL, &t, &w, &has_weight, err));
        if (!has_weight)
            continue;
        double weight = s->by.count ? value_to_double(&w) : 1;
        for (uint64_t i = 0; i < t.bulk; i++) {
            traverser one = t;
            one.bulk = 1;
            vec_push(m->arena, &all, one);
            vec_push(m->arena, &weights, weight);
            total += weight;
        }
    }
    size_t wanted = (size_t)s->high < all.count ? (size_t)s->high : all.count;
    for (size_t i = 0; wanted == all.count && i < wanted; i++)
        queue_add(m->arena, &r->last, &all.items[i]);
    for (size_t taken = 0; wanted < all.count && taken < wanted;) {
        double rest = total;
        size_t i = 0;
        for (; i < all.count; i++) {
            if (weights.items[i] < 0) /* taken already */
                continue;
            if (chance(s) <= weights.items[i] / rest)
                break;
            rest -= weights.items[i];
        }
        if (i == all.count)
            continue;
        queue_add(m->arena, &r->last, &all.items[i]);
        weights.items[i] = -1;
        taken++;
        if (++rounds % 1024 == 0)
            TRY(query_check(m->query, err));
    }
    *ret_has = queue_take(&r->last, ret);
    return true;
}

static bool sampleLocal_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    const value *o = &t->object;
    (void)err;
    *ret = *o;
    *ret_has = true;
    if (!is_list(o) && o->kind != VALUE_MAP)
        return true;
    size_t count = is_list(o) ? o->list.count : o->map.count;
    size_t wanted = (size_t)s->high < count ? (size_t)s->high : count;
    value *items = arena_array_of(s->machine->arena, value, wanted + 1);
    value *values = arena_array_of(s->machine->arena, value, wanted + 1);
    if (wanted == count)
        return true;
    size_t *places = arena_array_of(s->machine->arena, size_t, count);
    for (size_t i = 0; i < count; i++)
        places[i] = i;
    size_t taken = 0;
    for (size_t left = count; taken < wanted; left--) {
        size_t at = chance_below(s, left), i = places[at];
        memmove(&places[at], &places[at + 1], (left - at - 1) * sizeof *places);
        items[taken] = is_list(o) ? o->list.items[i] : o->map.keys[i];
        values[taken++] = is_list(o) ? value_null() : o->map.values[i];
    }
    if (is_list(o))
        ret->list.items = items, ret->list.count = taken;
    else
        ret->map = (struct value_pairs){ items, values, taken };
    return true;
}

bool build_sample(stage *s)
{
    TRY(build_scoped(s));
    s->state = arena_new_of(s->machine->arena, range_state);
    if (s->is_local)
        s->kind = &stage_sampleLocal;
    return whole(s, 0, &s->high);
}

static bool timeLimit_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    (void)t;
    (void)err;
    int64_t now = (int64_t)(clock_monotonic_us() / 1000);
    if (!s->low)
        s->low = now;
    *ret_keep = now - s->low < s->args[0].literal.integer;
    return true;
}

bool build_timeLimit(stage *s)
{
    return s->arg_count == 1 && s->args[0].kind == ARG_LITERAL &&
                   s->args[0].literal.kind == VALUE_INT
               ? true
               : stage_fail(s, "timeLimit() takes milliseconds");
}

/* ---- Paths ---- */

/* The part of a path between two labels. */
const path_node *gremlin_path_part(machine *m, const path_node *p, str from, str to)
{
    VEC(const path_node *) nodes = { 0 };
    bool is_inside = to.len == 0;
    for (; p; p = p->before) {
        for (size_t i = 0; i < p->label_count && !is_inside; i++)
            is_inside = str_eq(p->labels[i], to);
        if (!is_inside)
            continue;
        vec_push(m->arena, &nodes, p);
        bool is_first = false;
        for (size_t i = 0; i < p->label_count && from.len; i++)
            is_first |= str_eq(p->labels[i], from);
        if (is_first)
            break;
    }
    const path_node *part = NULL;
    for (size_t i = nodes.count; i-- > 0;) {
        path_node *n = arena_copy(m->arena, nodes.items[i], sizeof *n);
        n->before = part;
        n->length = part ? part->length + 1 : 1;
        part = n;
    }
    return part;
}

typedef struct path_bounds {
    str from, to;
} path_bounds;

static bool simplePath_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    machine *m = s->machine;
    path_bounds *b = s->state;
    value_table seen = { 0 };
    bool is_simple = true;
    const path_node *p =
        b->from.len || b->to.len ? gremlin_path_part(m, t->path, b->from, b->to) : t->path;
    VEC(const path_node *) nodes = { 0 };
    for (; p; p = p->before)
        vec_push(m->arena, &nodes, p);
    s->by_at = 0;
    for (size_t i = nodes.count; i-- > 0 && is_simple;) {
        traverser x = *t;
        value key;
        bool has;
        x.object = nodes.items[i]->object;
        TRY(gremlin_by(s, gremlin_next_by(s), &x, &key, &has, err));
        if (!has) {
            *ret_keep = false;
            return true;
        }
        value_table_at(m->arena, &seen, &key, &is_simple);
    }
    s->by_at = 0;
    *ret_keep = is_simple == (s->step->name.data[0] == 's');
    return true;
}

bool build_simplePath(stage *s)
{
    s->state = arena_new_of(s->machine->arena, path_bounds);
    return true;
}

/* ---- all, any, none ---- */

static bool all_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    char which = s->step->name.data[1]; /* aLl, aNy, nOne */
    const value *o = &t->object;
    bool any = false, all = true;
    *ret_keep = false;
    if (!is_list(o))
        return true;
    for (size_t i = 0; i < o->list.count; i++) {
        truth x;
        TRY(gremlin_test(s, s->args[0].predicate, &o->list.items[i], &x, err));
        any |= x == TRUTH_TRUE;
        all &= x == TRUTH_TRUE;
    }
    *ret_keep = which == 'l' ? all : which == 'n' ? any : !any;
    return true;
}

bool build_all(stage *s)
{
    if (s->arg_count == 0 && s->step->name.data[0] == 'n') {
        s->kind = &stage_discard;
        return true;
    }
    return s->arg_count == 1 && s->args[0].kind == ARG_PREDICATE
               ? true
               : stage_fail(s, STR_FMT "() takes a predicate, e.g. gt(5)", STR_ARG(s->step->name));
}

/* ---- where(P), where('a', P) ---- */

static bool where_value(stage *s, const traverser *t, str name, value *ret, bool *ret_has,
                        error *err)
{
    traverser x = *t;
    TRY(gremlin_scope(s, t, name, STR("last"), &x.object, ret_has, err));
    if (!*ret_has)
        return stage_fail(s,
                          "there is no '" STR_FMT "' that where() could take: neither as() nor "
                          "a key of the map",
                          STR_ARG(name));
    return gremlin_by(s, gremlin_next_by(s), &x, ret, ret_has, err);
}

static bool where_test(stage *s, const traverser *t, const predicate *p, const value *v, truth *ret,
                       error *err)
{
    value *args = arena_array_of(s->machine->arena, value, p->arg_count + 1);
    bool has;
    if (p->parts[0]) {
        truth a, b = TRUTH_TRUE;
        TRY(where_test(s, t, p->parts[0], v, &a, err));
        if (p->parts[1])
            TRY(where_test(s, t, p->parts[1], v, &b, err));
        bool is_true = !p->parts[1]                  ? a == TRUTH_FALSE
                       : str_eq(p->name, STR("and")) ? a == TRUTH_TRUE && b == TRUTH_TRUE
                                                     : a == TRUTH_TRUE || b == TRUTH_TRUE;
        *ret = is_true ? TRUTH_TRUE : TRUTH_FALSE;
        return true;
    }
    for (size_t i = 0; i < p->arg_count; i++) {
        const gremlin_argument *a = &p->args[i];
        if (a->kind != ARG_LITERAL || a->literal.kind != VALUE_STRING)
            return stage_fail(s, "where() compares with labels, which are texts");
        TRY(where_value(s, t, a->literal.text, &args[i], &has, err));
        if (!has) {
            *ret = TRUTH_FALSE;
            return true;
        }
    }
    return gremlin_test_values(s, p, v, args, p->arg_count, ret, err);
}

static bool whereP_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    value v;
    bool has = true;
    truth x;
    s->by_at = 0;
    *ret_keep = false;
    if (s->arg_count == 2)
        TRY(where_value(s, t, s->args[0].literal.text, &v, &has, err));
    else
        TRY(gremlin_by(s, gremlin_next_by(s), t, &v, &has, err));
    if (!has)
        return true;
    TRY(where_test(s, t, s->args[s->arg_count - 1].predicate, &v, &x, err));
    *ret_keep = x == TRUTH_TRUE;
    return true;
}

/* as('a') in front and as('b') at the end of where()'s traversal stand for the objects of those
 * names: steps of their own. */
static traversal *where_traversal(machine *m, const traversal *t, bool is_not)
{
    traversal_builder b = traversal_builder_new(m->arena);
    for (size_t i = 0; i < t->count; i++) {
        step x = t->steps[i];
        bool is_as = str_eq(x.name, STR("as"));
        bool is_logic =
            str_eq(x.name, STR("and")) || str_eq(x.name, STR("or")) || str_eq(x.name, STR("not"));
        if (is_as && i == 0)
            x.name = STR("~whereStart");
        else if (is_as && i + 1 == t->count && !is_not)
            x.name = STR("~whereEnd");
        for (size_t k = 0; k < x.arg_count; k++) {
            gremlin_argument a = x.args[k];
            if (is_logic && a.kind == ARG_TRAVERSAL && (i == 0 || t->count == 1))
                a.traversal = where_traversal(m, a.traversal, false);
            traversal_builder_add(&b, a);
        }
        traversal_builder_step(&b, x.name, x.offset);
    }
    return traversal_builder_done(&b, STR(""));
}

bool build_whereP(stage *s)
{
    machine *m = s->machine;
    const gremlin_argument *a = s->arg_count ? &s->args[s->arg_count - 1] : NULL;
    if (a && a->kind == ARG_PREDICATE && s->arg_count <= 2) {
        if (s->arg_count == 2 &&
            (s->args[0].kind != ARG_LITERAL || s->args[0].literal.kind != VALUE_STRING))
            return stage_fail(s, "where() takes a label first");
        return true;
    }
    if (!a || a->kind != ARG_TRAVERSAL || s->arg_count != 1)
        return stage_fail(s, "where() takes a traversal or a predicate");
    flow *f;
    s->kind = &stage_where;
    TRY(machine_flow(m, where_traversal(m, a->traversal, false), s, &f, m->err));
    vec_push(m->arena, &s->flows, f);
    return true;
}

bool build_whereEnd(stage *s)
{
    return s->arg_count && s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_STRING
               ? true
               : stage_fail(s, "as() takes labels");
}

static bool whereStart_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    return gremlin_scope(s, t, s->args[0].literal.text, STR("last"), ret, ret_has, err);
}

static bool whereEnd_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    value v;
    TRY(gremlin_scope(s, t, s->args[0].literal.text, STR("last"), &v, ret_keep, err));
    *ret_keep = *ret_keep && gremlin_equal(&v, &t->object);
    return true;
}

const stage_kind
    stage_is = { .name = "is", .filter = is_filter },
    stage_identity = { .name = "identity", .filter = identity_filter },
    stage_dedup = { .name = "dedup",
                    .filter = dedup_filter,
                    .reset = dedup_reset,
                    .is_barrier = true },
    stage_dedupLocal = { .name = "dedup", .map = dedupLocal_map },
    stage_range = { .name = "range", .next = range_next, .reset = range_reset, .is_barrier = true },
    stage_tail = { .name = "tail", .next = tail_next, .reset = range_reset, .is_barrier = true },
    stage_rangeLocal = { .name = "range", .map = rangeLocal_map },
    stage_coin = { .name = "coin", .filter = coin_filter },
    stage_sample = { .name = "sample",
                     .next = sample_next,
                     .reset = range_reset,
                     .is_barrier = true },
    stage_sampleLocal = { .name = "sample", .map = sampleLocal_map },
    stage_timeLimit = { .name = "timeLimit", .filter = timeLimit_filter },
    stage_simplePath = { .name = "simplePath", .filter = simplePath_filter },
    stage_all = { .name = "all", .filter = all_filter },
    stage_whereP = { .name = "where", .filter = whereP_filter },
    stage_whereStart = { .name = "whereStart", .map = whereStart_map },
    stage_whereEnd = { .name = "whereEnd", .filter = whereEnd_filter },
    stage_discard = { .name = "discard", .filter = discard_filter },
    stage_fail_step = { .name = "fail", .filter = fail_filter };
