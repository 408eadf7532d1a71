/* match(): patterns that are joined through the names they share. The next pattern tried is the
 * first whose beginning is known; what it finds is bound to its end, or compared with it. */
#include "gremlin/machine_step.h"

typedef enum pattern_kind {
    PATTERN_WALK,
    PATTERN_NOT,
    PATTERN_AND,
    PATTERN_OR,
    PATTERN_TEST
} pattern_kind;

typedef struct pattern pattern;
struct pattern {
    pattern_kind kind;
    str start, end; /* end empty: none */
    flow *flow;
    VEC(pattern *) parts;
    VEC(str) needs; /* of a test: names that must be known */
};

typedef struct match_state {
    VEC(pattern *) patterns;
    VEC(str) names; /* all, in order of appearance */
    str first;
    traverser_queue results;
} match_state;

static void note_name(stage *s, str name)
{
    match_state *x = s->state;
    for (size_t i = 0; i < x->names.count; i++)
        if (str_eq(x->names.items[i], name))
            return;
    vec_push(s->machine->arena, &x->names, name);
}

static bool as_name(const step *x, str *ret)
{
    bool works = str_eq(x->name, STR("as")) && x->arg_count && x->args[0].kind == ARG_LITERAL &&
                 x->args[0].literal.kind == VALUE_STRING;
    if (works)
        *ret = x->args[0].literal.text;
    return works;
}

static bool read_pattern(stage *s, const traversal *t, pattern **ret);

static bool read_parts(stage *s, const step *x, pattern *p)
{
    for (size_t i = 0; i < x->arg_count; i++) {
        pattern *part;
        if (x->args[i].kind != ARG_TRAVERSAL)
            return stage_fail(s, "match() takes traversals");
        TRY(read_pattern(s, x->args[i].traversal, &part));
        vec_push(s->machine->arena, &p->parts, part);
    }
    return true;
}

/* Names that where('a', neq('b')) or where(as('a')…) reads. */
static void read_needs(stage *s, const gremlin_argument *a, pattern *p)
{
    arena *x = s->machine->arena;
    if (a->kind == ARG_LITERAL && a->literal.kind == VALUE_STRING)
        vec_push(x, &p->needs, a->literal.text);
    if (a->kind == ARG_PREDICATE) {
        for (size_t i = 0; i < a->predicate->arg_count; i++)
            read_needs(s, &a->predicate->args[i], p);
        for (int i = 0; i < 2; i++)
            if (a->predicate->parts[i]) {
                gremlin_argument inner = { .kind = ARG_PREDICATE,
                                           .predicate = a->predicate->parts[i] };
                read_needs(s, &inner, p);
            }
    }
    if (a->kind == ARG_TRAVERSAL)
        for (size_t i = 0; i < a->traversal->count; i++) {
            const step *y = &a->traversal->steps[i];
            str name;
            if (as_name(y, &name))
                vec_push(x, &p->needs, name);
            for (size_t k = 0; k < y->arg_count; k++)
                if (y->args[k].kind == ARG_TRAVERSAL)
                    read_needs(s, &y->args[k], p);
        }
}

static bool read_walk(stage *s, const traversal *t, pattern *p)
{
    machine *m = s->machine;
    size_t from = 1, to = t->count;
    TRY(as_name(&t->steps[0], &p->start));
    note_name(s, p->start);
    if (t->count > 1 && as_name(&t->steps[t->count - 1], &p->end)) {
        note_name(s, p->end);
        to--;
    }
    traversal *inner = arena_new_of(m->arena, traversal);
    *inner = (traversal){ t->steps + from, to - from, STR("") };
    TRY(machine_flow(m, inner, s, &p->flow, m->err));
    vec_push(m->arena, &s->flows, p->flow);
    return true;
}

static bool read_pattern(stage *s, const traversal *t, pattern **ret)
{
    machine *m = s->machine;
    pattern *p = arena_new_of(m->arena, pattern);
    str name;
    *ret = p;
    t = gremlin_join(m, t);
    if (!t->count)
        return stage_fail(s, "match() takes traversals that begin with as()");
    const step *x = &t->steps[0];
    if (as_name(x, &name)) {
        p->kind = PATTERN_WALK;
        return read_walk(s, t, p);
    }
    bool is_and = str_eq(x->name, STR("and")), is_or = str_eq(x->name, STR("or"));
    if (t->count == 1 && (is_and || is_or || str_eq(x->name, STR("not")))) {
        p->kind = is_and ? PATTERN_AND : is_or ? PATTERN_OR : PATTERN_NOT;
        return read_parts(s, x, p);
    }
    if (str_eq(x->name, STR("where"))) {
        p->kind = PATTERN_TEST;
        for (size_t i = 0; i < x->arg_count; i++)
            read_needs(s, &x->args[i], p);
        TRY(machine_flow(m, t, s, &p->flow, m->err));
        vec_push(m->arena, &s->flows, p->flow);
        return true;
    }
    return stage_fail(s, "match() takes traversals that begin with as(), not(), and(), or() or "
                         "where()");
}

/* ---- Solving ---- */

static bool known(const traverser *t, str name, value *ret)
{
    for (const path_node *p = t->path; p; p = p->before)
        for (size_t i = 0; i < p->label_count; i++)
            if (str_eq(p->labels[i], name)) {
                *ret = p->object;
                return true;
            }
    return false;
}

static void bind_name(machine *m, traverser *t, str name, const value *v)
{
    str *label = arena_copy(m->arena, &name, sizeof name);
    path_node *n = arena_new_of(m->arena, path_node);
    *n = (path_node){ t->path, *v, label, 1, (t->path ? t->path->length : 0) + 1 };
    t->path = n;
}

static bool is_ready(const pattern *p, const traverser *t)
{
    value v;
    switch (p->kind) {
    case PATTERN_WALK: return known(t, p->start, &v);
    case PATTERN_TEST:
        for (size_t i = 0; i < p->needs.count; i++)
            if (!known(t, p->needs.items[i], &v))
                return false;
        return true;
    case PATTERN_NOT:
        for (size_t i = 0; i < p->parts.count; i++) {
            if (!is_ready(p->parts.items[i], t))
                return false;
        }
        return true;
    case PATTERN_AND:
    case PATTERN_OR: break;
    }
    for (size_t i = 0; i < p->parts.count; i++)
        if (is_ready(p->parts.items[i], t))
            return true;
    return false;
}

/* Patterns still to be met, as a list. */
typedef struct rest rest;
struct rest {
    const rest *next;
    const pattern *pattern;
};

typedef struct solver {
    stage *stage;
    bool (*take)(struct solver *x, const traverser *t, error *err);
    bool has_found;
} solver;

static bool solve(solver *x, const traverser *t, const rest *todo, error *err);

/* The list without one of it. */
static const rest *without(machine *m, const rest *todo, const rest *one)
{
    const rest *kept = NULL;
    VEC(const rest *) order = { 0 };
    for (; todo; todo = todo->next)
        if (todo != one)
            vec_push(m->arena, &order, todo);
    for (size_t i = order.count; i-- > 0;) {
        rest *r = arena_new_of(m->arena, rest);
        *r = (rest){ kept, order.items[i]->pattern };
        kept = r;
    }
    return kept;
}

static bool note_found(solver *x, const traverser *t, error *err)
{
    (void)t;
    (void)err;
    x->has_found = true;
    return true;
}

static bool walk(solver *x, const traverser *t, const pattern *p, const rest *todo, error *err)
{
    machine *m = x->stage->machine;
    traverser start = *t, end;
    value wanted;
    VEC(traverser) ends = { 0 };
    TRY(known(t, p->start, &start.object));
    start.bulk = 1;
    flow_reset(p->flow);
    flow_add(p->flow, &start);
    for (bool has = true; has;) { /* all first: the flow may be asked again further in */
        TRY(flow_next(p->flow, &end, &has, err));
        if (has)
            vec_push(m->arena, &ends, end);
    }
    for (size_t i = 0; i < ends.count; i++) {
        traverser next = *t;
        TRY(bulk_multiply(&next.bulk, ends.items[i].bulk, err));
        if (p->end.len && known(t, p->end, &wanted)) {
            if (!gremlin_equal(&wanted, &ends.items[i].object))
                continue;
        } else if (p->end.len) {
            bind_name(m, &next, p->end, &ends.items[i].object);
        } else if (i > 0) {
            continue; /* a test passes once */
        } else {
            next.bulk = t->bulk;
        }
        TRY(solve(x, &next, todo, err));
    }
    return true;
}

static value bound_map(stage *s, const traverser *t)
{
    match_state *x = s->state;
    machine *m = s->machine;
    value *keys = arena_array_of(m->arena, value, x->names.count + 1),
          *values = arena_array_of(m->arena, value, x->names.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < x->names.count; i++)
        if (known(t, x->names.items[i], &values[count]))
            keys[count++] = value_text(x->names.items[i]);
    return (value){ .kind = VALUE_MAP, .map = { keys, values, count } };
}

static const rest *with_parts(machine *m, const pattern *p, size_t from, size_t to,
                              const rest *todo)
{
    for (size_t i = to; i-- > from;) {
        rest *r = arena_new_of(m->arena, rest);
        *r = (rest){ todo, p->parts.items[i] };
        todo = r;
    }
    return todo;
}

static bool meet(solver *x, const traverser *t, const pattern *p, const rest *todo, error *err)
{
    machine *m = x->stage->machine;
    bool passes;
    switch (p->kind) {
    case PATTERN_WALK: return walk(x, t, p, todo, err);
    case PATTERN_TEST: {
        traverser test = *t;
        test.object = bound_map(x->stage, t);
        TRY(flow_test(p->flow, &test, &passes, err));
        return passes ? solve(x, t, todo, err) : true;
    }
    case PATTERN_NOT: {
        solver inner = { .stage = x->stage, .take = note_found };
        TRY(solve(&inner, t, with_parts(m, p, 0, p->parts.count, NULL), err));
        return inner.has_found ? true : solve(x, t, todo, err);
    }
    case PATTERN_AND: return solve(x, t, with_parts(m, p, 0, p->parts.count, todo), err);
    case PATTERN_OR:
        for (size_t i = 0; i < p->parts.count; i++) {
            solver inner = { .stage = x->stage, .take = note_found };
            TRY(solve(&inner, t, with_parts(m, p, i, i + 1, NULL), err));
            if (inner.has_found)
                return solve(x, t, with_parts(m, p, i, i + 1, todo), err);
        }
        return true;
    }
    return true;
}

static bool solve(solver *x, const traverser *t, const rest *todo, error *err)
{
    machine *m = x->stage->machine;
    if (++m->pulls % 1024 == 0)
        TRY(query_check(m->query, err));
    if (!todo)
        return x->take(x, t, err);
    const rest *chosen = NULL;
    for (const rest *r = todo; r; r = r->next) {
        if (!is_ready(r->pattern, t))
            continue;
        /* What only tests comes first, NOT when nothing is left to bind for it. */
        value v;
        bool is_test = r->pattern->kind == PATTERN_TEST ||
                       (r->pattern->kind == PATTERN_WALK &&
                        (!r->pattern->end.len || known(t, r->pattern->end, &v)));
        if (!chosen || is_test)
            chosen = r;
        if (is_test)
            break;
    }
    if (!chosen)
        return stage_fail(x->stage, "match(): no pattern begins with a name that is known: the "
                                    "provided match pattern is unsolvable");
    /* NOT waits until the others have bound what they can. */
    if (chosen->pattern->kind == PATTERN_NOT)
        for (const rest *r = todo; r; r = r->next)
            if (r->pattern->kind != PATTERN_NOT && is_ready(r->pattern, t)) {
                chosen = r;
                break;
            }
    return meet(x, t, chosen->pattern, without(m, todo, chosen), err);
}

static bool take_result(solver *x, const traverser *t, error *err)
{
    stage *s = x->stage;
    match_state *state = s->state;
    (void)err;
    traverser out = traverser_split(s->machine, t, bound_map(s, t));
    queue_add(s->machine->arena, &state->results, &out);
    return true;
}

static bool match_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    match_state *state = s->state;
    machine *m = s->machine;
    for (;;) {
        traverser t;
        value v;
        *ret_has = queue_take(&state->results, ret);
        if (*ret_has)
            return true;
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has)
            return true;
        bool has_any = false;
        for (size_t i = 0; i < state->names.count; i++)
            has_any |= known(&t, state->names.items[i], &v);
        if (!known(&t, state->first, &v) && (!has_any || state->first.len))
            bind_name(m, &t, state->first, &t.object);
        const rest *todo = NULL;
        for (size_t i = state->patterns.count; i-- > 0;) {
            rest *r = arena_new_of(m->arena, rest);
            *r = (rest){ todo, state->patterns.items[i] };
            todo = r;
        }
        solver x = { .stage = s, .take = take_result };
        TRY(solve(&x, &t, todo, err));
    }
}

static void match_reset(stage *s)
{
    match_state *state = s->state;
    state->results.first = state->results.count = 0;
}

static void find_ends(const pattern *p, str name, bool *ret_is_start, bool *ret_is_end)
{
    *ret_is_start |= str_eq(p->start, name);
    *ret_is_end |= str_eq(p->end, name) && p->kind == PATTERN_WALK;
    for (size_t i = 0; i < p->parts.count; i++)
        find_ends(p->parts.items[i], name, ret_is_start, ret_is_end);
}

bool build_match(stage *s)
{
    match_state *x = arena_new_of(s->machine->arena, match_state);
    s->state = x;
    for (size_t i = 0; i < s->arg_count; i++) {
        pattern *p;
        if (s->args[i].kind != ARG_TRAVERSAL)
            return stage_fail(s, "match() takes traversals");
        TRY(read_pattern(s, s->args[i].traversal, &p));
        vec_push(s->machine->arena, &x->patterns, p);
    }
    if (!x->names.count)
        return stage_fail(s, "match() takes traversals that begin with as()");
    x->first = x->names.items[0];
    for (size_t i = 0; i < x->names.count; i++) {
        bool is_start = false, is_end = false;
        for (size_t k = 0; k < x->patterns.count; k++)
            find_ends(x->patterns.items[k], x->names.items[i], &is_start, &is_end);
        if (is_start && !is_end) {
            x->first = x->names.items[i];
            break;
        }
    }
    return true;
}

const stage_kind stage_match = { .name = "match", .next = match_next, .reset = match_reset };
