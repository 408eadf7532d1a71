/* Steps that hand traversers to other traversals: repeat, union, branch, choose, coalesce,
 * optional, local, map, flatMap, where, not, and, or. */
#include "gremlin/machine_step.h"

/* ---- repeat ---- */

typedef struct repeat_state {
    flow *body, *until, *emit;
    const predicate *until_test, *emit_test;
    bool has_until, has_times, has_emit, is_until_first, is_emit_first, has_barrier;
    int64_t times; /* negative: as 0 */
    str name;
} repeat_state;

repeat_state *repeat_of(stage *s);
repeat_state *repeat_of(stage *s)
{
    if (!s->state)
        s->state = arena_new_of(s->machine->arena, repeat_state);
    return s->state;
}

static void reset_loops(stage *s, traverser *t)
{
    if (t->loops && t->loops->repeat == s)
        t->loops = t->loops->outer;
}

static bool passes(stage *s, flow *f, const predicate *p, const traverser *t, bool *ret, error *err)
{
    truth x;
    if (!p)
        return flow_test(f, t, ret, err);
    TRY(gremlin_test(s, p, &t->object, &x, err));
    *ret = x == TRUTH_TRUE;
    return true;
}

static bool is_until(stage *s, const traverser *t, bool is_first, bool *ret, error *err)
{
    repeat_state *r = s->state;
    *ret = false;
    if (!r->has_until || r->is_until_first != is_first)
        return true;
    if (r->has_times) {
        *ret = t->loops && t->loops->rounds >= r->times;
        return true;
    }
    return passes(s, r->until, r->until_test, t, ret, err);
}

static bool is_emitted(stage *s, const traverser *t, bool is_first, bool *ret, error *err)
{
    repeat_state *r = s->state;
    *ret = false;
    if (!r->has_emit || r->is_emit_first != is_first)
        return true;
    *ret = true;
    return r->emit || r->emit_test ? passes(s, r->emit, r->emit_test, t, ret, err) : true;
}

/* A traverser that has been through the body. `*ret_has`: it leaves (or a copy of it does). */
static bool repeat_end(stage *s, traverser *t, traverser *ret, bool *ret_has, error *err)
{
    repeat_state *r = s->state;
    loop_node *n = arena_new_of(s->machine->arena, loop_node);
    *n = (loop_node){ .repeat = s, .name = r->name, .rounds = 1 };
    if (t->loops && t->loops->repeat == s) {
        *n = *t->loops;
        n->rounds++;
    } else {
        n->outer = t->loops;
    }
    t->loops = n;
    TRY(is_until(s, t, false, ret_has, err));
    if (*ret_has) {
        reset_loops(s, t);
        *ret = *t;
        return true;
    }
    if (!r->is_until_first && !r->is_emit_first)
        flow_add(r->body, t);
    else
        queue_add(s->machine->arena, &s->starts, t);
    TRY(is_emitted(s, t, false, ret_has, err));
    *ret = *t;
    reset_loops(s, ret);
    return true;
}

static bool repeat_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    repeat_state *r = s->state;
    traverser t;
    for (bool is_filling = false;;) {
        bool has;
        if (!is_filling) {
            TRY(flow_next(r->body, &t, &has, err));
            if (has) {
                TRY(repeat_end(s, &t, ret, ret_has, err));
                if (*ret_has)
                    return true;
                continue;
            }
        }
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has && is_filling) {
            is_filling = false;
            continue;
        }
        if (!*ret_has)
            return true;
        is_filling = r->has_barrier; /* such a body sees all of them at once */
        if (!t.loops || t.loops->repeat != s) {
            loop_node *n = arena_new_of(s->machine->arena, loop_node);
            *n = (loop_node){ .outer = t.loops, .repeat = s, .name = r->name };
            t.loops = n;
        }
        TRY(is_until(s, &t, true, ret_has, err));
        if (*ret_has) {
            reset_loops(s, &t);
            *ret = t;
            return true;
        }
        flow_add(r->body, &t);
        TRY(is_emitted(s, &t, true, ret_has, err));
        if (*ret_has) {
            *ret = t;
            reset_loops(s, ret);
            return true;
        }
    }
}

static bool child(stage *s, const gremlin_argument *a, flow **ret)
{
    if (a->kind != ARG_TRAVERSAL)
        return stage_fail(s, "%s() takes a traversal", s->kind->name);
    TRY(machine_flow(s->machine, a->traversal, s, ret, s->machine->err));
    vec_push(s->machine->arena, &s->flows, *ret);
    return true;
}

/* repeat(), until(), emit() and times(): each says its part. */
bool modulate_repeat(stage *s, const step *x)
{
    repeat_state *r = repeat_of(s);
    str name = x->name;
    if (str_eq(name, STR("repeat"))) {
        size_t at = x->arg_count == 2;
        if (!x->arg_count)
            return stage_fail(s, "repeat() takes a traversal");
        if (at && (x->args[0].kind != ARG_LITERAL || x->args[0].literal.kind != VALUE_STRING))
            return stage_fail(s, "repeat() takes a name and a traversal");
        if (at)
            r->name = x->args[0].literal.text;
        TRY(child(s, &x->args[at], &r->body));
        r->has_barrier = flow_has_barrier(r->body);
        return r->body->first->kind == &stage_inject
                   ? stage_fail(s, "The parent of inject()-step can not be repeat()-step")
                   : true;
    }
    if (str_eq(name, STR("emit"))) {
        r->has_emit = true;
        r->is_emit_first = r->body == NULL;
        if (x->arg_count && x->args[0].kind == ARG_PREDICATE)
            r->emit_test = x->args[0].predicate;
        else if (x->arg_count)
            TRY(child(s, &x->args[0], &r->emit));
        return true;
    }
    if (r->has_until)
        return stage_fail(s, "the repeat() has an until() or times() already");
    r->has_until = true;
    r->is_until_first = r->body == NULL;
    if (str_eq(name, STR("times"))) {
        if (!x->arg_count || x->args[0].kind != ARG_LITERAL || x->args[0].literal.kind != VALUE_INT)
            return stage_fail(s, "times() takes a whole number");
        r->has_times = true;
        r->times = x->args[0].literal.integer;
        return true;
    }
    if (x->arg_count && x->args[0].kind == ARG_PREDICATE) {
        r->until_test = x->args[0].predicate;
        return true;
    }
    if (!x->arg_count)
        return stage_fail(s, "until() takes a traversal or a predicate");
    return child(s, &x->args[0], &r->until);
}

/* Whether the stage is a repeat that still lacks the part. */
bool repeat_lacks(stage *s, str part)
{
    if (!s || s->kind != &stage_repeat)
        return false;
    repeat_state *r = repeat_of(s);
    return str_eq(part, STR("repeat")) ? !r->body
           : str_eq(part, STR("emit")) ? !r->has_emit
                                       : !r->has_until;
}

static bool loops_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    (void)err;
    const loop_node *n = t->loops;
    while (n && s->key.len && !str_eq(n->name, s->key))
        n = n->outer;
    if (s->key.len && !n)
        return stage_fail(s, "there is no repeat('" STR_FMT "') around", STR_ARG(s->key));
    *ret_has = true;
    *ret = value_int32(n ? (int32_t)n->rounds : 0);
    return true;
}

/* ---- union, branch, choose ---- */

typedef struct branch_state {
    flow *choice; /* NULL: union */
    const predicate *test;
    const gremlin_argument *token; /* choose(T.label) */
    bool is_if, first_only, has_barrier;
    bool *has_starts; /* by option */
} branch_state;

static bool is_pick(const option_rule *o, const char *name)
{
    return o->pick && o->pick->kind == ARG_TOKEN && str_eq(o->pick->token, str_of(name));
}

static void send(stage *s, size_t option, const traverser *t)
{
    branch_state *b = s->state;
    b->has_starts[option] = true;
    flow_add(s->options.items[option].flow, t);
}

static bool option_passes(stage *s, const option_rule *o, const traverser *t, const value *choice,
                          bool *ret, error *err)
{
    truth x;
    *ret = false;
    if (o->pick_flow) {
        traverser c = *t;
        c.object = *choice;
        return flow_test(o->pick_flow, &c, ret, err);
    }
    if (o->pick->kind == ARG_PREDICATE) {
        TRY(gremlin_test(s, o->pick->predicate, choice, &x, err));
        *ret = x == TRUTH_TRUE;
    } else if (o->pick->kind == ARG_LITERAL) {
        *ret = gremlin_equal(&o->pick->literal, choice);
    } else if (o->pick->kind == ARG_TOKEN) {
        value v = { .kind = VALUE_TOKEN, .text = o->pick->token };
        *ret = value_equal(&v, choice);
    }
    return true;
}

static size_t send_picks(stage *s, const char *name, const traverser *t, bool first_only)
{
    size_t sent = 0;
    for (size_t i = 0; i < s->options.count; i++)
        if (is_pick(&s->options.items[i], name) && !(first_only && sent)) {
            send(s, i, t);
            sent++;
        }
    return sent;
}

static bool choose_value(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    branch_state *b = s->state;
    truth x;
    if (b->test) {
        TRY(gremlin_test(s, b->test, &t->object, &x, err));
        *ret = value_bool(x == TRUTH_TRUE);
        *ret_has = true;
        return true;
    }
    if (b->token) {
        by_rule rule = { .kind = BY_TOKEN, .name = b->token->token };
        return gremlin_by(s, &rule, t, ret, ret_has, err);
    }
    if (!b->is_if)
        return flow_apply(b->choice, t, ret, ret_has, err);
    bool has;
    TRY(flow_test(b->choice, t, &has, err));
    *ret = value_bool(has);
    *ret_has = true;
    return true;
}

/* Send a traverser to the options that its choice picks. `*ret_passes`: it goes on by itself. */
static bool route(stage *s, const traverser *t, bool *ret_passes, error *err)
{
    branch_state *b = s->state;
    value choice;
    bool has;
    *ret_passes = false;
    if (!b->choice && !b->test && !b->token) {
        for (size_t i = 0; i < s->options.count; i++)
            send(s, i, t);
        return true;
    }
    TRY(choose_value(s, t, &choice, &has, err));
    size_t sent = 0;
    if (!has) {
        sent = send_picks(s, "unproductive", t, b->first_only);
        if (!sent && b->first_only) {
            *ret_passes = true;
            return true;
        }
    }
    for (size_t i = 0; has && i < s->options.count; i++) {
        option_rule *o = &s->options.items[i];
        bool passes_option;
        if (is_pick(o, "none") || is_pick(o, "any") || is_pick(o, "unproductive") || !o->pick)
            continue;
        TRY(option_passes(s, o, t, &choice, &passes_option, err));
        if (!passes_option || (b->first_only && sent))
            continue;
        send(s, i, t);
        sent++;
    }
    if (!sent)
        sent = send_picks(s, "none", t, b->first_only);
    if (!b->first_only)
        send_picks(s, "any", t, false);
    *ret_passes = !sent && b->first_only;
    return true;
}

static bool branch_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    branch_state *b = s->state;
    for (;;) {
        traverser t;
        bool goes_on;
        for (size_t i = 0; i < s->options.count; i++) {
            if (!b->has_starts[i])
                continue;
            TRY(flow_next(s->options.items[i].flow, ret, ret_has, err));
            if (*ret_has)
                return true;
            b->has_starts[i] = false;
        }
        do {
            TRY(stage_input(s, &t, ret_has, err));
            if (!*ret_has)
                break;
            TRY(route(s, &t, &goes_on, err));
            if (goes_on) {
                *ret = t;
                return true;
            }
        } while (b->has_barrier);
        bool is_waiting = false;
        for (size_t i = 0; i < s->options.count; i++)
            is_waiting |= b->has_starts[i];
        if (!*ret_has && !is_waiting)
            return true;
    }
}

static void branch_reset(stage *s)
{
    branch_state *b = s->state;
    memset(b->has_starts, 0, s->options.count * sizeof *b->has_starts);
}

static bool add_option(stage *s, const gremlin_argument *pick, const gremlin_argument *a)
{
    machine *m = s->machine;
    option_rule o = { .pick = pick };
    if (a->kind != ARG_TRAVERSAL)
        return stage_fail(s, "%s() takes traversals", s->kind->name);
    TRY(machine_flow(m, a->traversal, s, &o.flow, m->err));
    if (pick && pick->kind == ARG_TRAVERSAL)
        TRY(machine_flow(m, pick->traversal, s, &o.pick_flow, m->err));
    vec_push(m->arena, &s->options, o);
    branch_state *b = s->state;
    b->has_barrier |= flow_has_barrier(o.flow);
    b->has_starts = arena_array_of(m->arena, bool, s->options.count + 1);
    return true;
}

bool build_union(stage *s)
{
    s->state = arena_new_of(s->machine->arena, branch_state);
    ((branch_state *)s->state)->has_starts = arena_array_of(s->machine->arena, bool, 1);
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(add_option(s, NULL, &s->args[i]));
    return true;
}

static const gremlin_argument *truth_argument(machine *m, bool b)
{
    gremlin_argument *a = arena_new_of(m->arena, gremlin_argument);
    *a = gremlin_arg_value(value_bool(b));
    return a;
}

bool build_branch(stage *s)
{
    machine *m = s->machine;
    branch_state *b = arena_new_of(m->arena, branch_state);
    s->state = b;
    b->has_starts = arena_array_of(m->arena, bool, 1);
    b->first_only = str_eq(s->step->name, STR("choose"));
    if (!s->arg_count)
        return stage_fail(s, STR_FMT "() takes a traversal", STR_ARG(s->step->name));
    const gremlin_argument *a = &s->args[0];
    b->is_if = s->arg_count > 1;
    if (a->kind == ARG_PREDICATE)
        b->test = a->predicate;
    else if (a->kind == ARG_TOKEN)
        b->token = a;
    else
        TRY(child(s, a, &b->choice));
    for (size_t i = 1; i < s->arg_count && i < 3; i++)
        TRY(add_option(s, truth_argument(m, i == 1), &s->args[i]));
    return true;
}

/* option(pick, traversal) behind branch() and choose(). */
bool modulate_option(stage *s, const step *x)
{
    branch_state *b = s->state;
    if (x->arg_count == 1)
        return add_option(s, NULL, &x->args[0]);
    if (x->arg_count != 2)
        return stage_fail(s, "option() takes what to pick and a traversal");
    const gremlin_argument *pick = &x->args[0];
    bool is_any = pick->kind == ARG_TOKEN && str_eq(pick->token, STR("any"));
    if (b->first_only && is_any)
        return stage_fail(s, "Choose step can not have an any-option as only one option per "
                             "traverser is allowed");
    if (b->first_only && pick->kind == ARG_TRAVERSAL)
        return stage_fail(s, "Traversal is not allowed as a Pick token for choose().option()");
    return add_option(s, pick, &x->args[1]);
}

/* ---- coalesce, optional, local ---- */

/* All values of a flow for one traverser, as items. */
static bool give_all(stage *s, flow *f, bool *ret_gave, error *err)
{
    traverser x;
    bool has = true;
    *ret_gave = false;
    while (has) {
        TRY(flow_next(f, &x, &has, err));
        if (has)
            stage_give(s, x.object, x.bulk);
        *ret_gave |= has;
    }
    return true;
}

static bool coalesce_flat(stage *s, const traverser *t, error *err)
{
    traverser one = *t;
    one.bulk = 1;
    for (size_t i = 0; i < s->flows.count; i++) {
        bool gave;
        flow_reset(s->flows.items[i]);
        flow_add(s->flows.items[i], &one);
        TRY(give_all(s, s->flows.items[i], &gave, err));
        if (gave)
            return true;
    }
    return true;
}

static bool flatMap_flat(stage *s, const traverser *t, error *err)
{
    bool gave;
    traverser one = *t;
    one.bulk = 1;
    flow_reset(s->flows.items[0]);
    flow_add(s->flows.items[0], &one);
    return give_all(s, s->flows.items[0], &gave, err);
}

static bool map_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    return flow_apply(s->flows.items[0], t, ret, ret_has, err);
}

static bool optional_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    flow *f = s->flows.items[0];
    for (;;) {
        traverser t;
        if (s->has_run) {
            TRY(flow_next(f, ret, ret_has, err));
            if (*ret_has)
                return true;
        }
        s->has_run = false;
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has)
            return true;
        flow_reset(f);
        flow_add(f, &t);
        TRY(flow_next(f, ret, ret_has, err));
        s->has_run = *ret_has;
        if (!*ret_has)
            *ret = t;
        *ret_has = true;
        return true;
    }
}

static bool local_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    flow *f = s->flows.items[0];
    for (;;) {
        traverser t;
        if (s->has_run) {
            TRY(flow_next(f, ret, ret_has, err));
            if (*ret_has)
                return true;
        }
        if (s->head.bulk > 0) { /* one of several equal ones, each on its own */
            t = s->head;
        } else {
            TRY(stage_input(s, &t, ret_has, err));
            s->has_run = *ret_has;
            if (!*ret_has)
                return true;
        }
        s->has_run = true;
        if (flow_has_barrier(f)) {
            s->head = t;
            s->head.bulk--;
            t.bulk = 1;
        }
        flow_reset(f);
        flow_add(f, &t);
    }
}

static bool sideEffect_side(stage *s, traverser *t, error *err)
{
    traverser x;
    bool has = true;
    flow_reset(s->flows.items[0]);
    flow_add(s->flows.items[0], t);
    while (has)
        TRY(flow_next(s->flows.items[0], &x, &has, err));
    return true;
}

/* ---- where, not, and, or ---- */

static bool where_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    return flow_test(s->flows.items[0], t, ret_keep, err);
}

static bool not_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    bool does_pass;
    TRY(flow_test(s->flows.items[0], t, &does_pass, err));
    *ret_keep = !does_pass;
    return true;
}

static bool and_filter(stage *s, traverser *t, bool *ret_keep, error *err)
{
    bool is_or = s->step->name.len == 2;
    *ret_keep = !is_or;
    for (size_t i = 0; i < s->flows.count && *ret_keep != is_or; i++)
        TRY(flow_test(s->flows.items[i], t, ret_keep, err));
    return true;
}

/* Steps whose arguments are traversals and nothing else. */
bool build_children(stage *s)
{
    flow *f;
    for (size_t i = 0; i < s->arg_count; i++)
        TRY(child(s, &s->args[i], &f));
    return s->arg_count || s->kind == &stage_and || s->kind == &stage_coalesce
               ? true
               : stage_fail(s, STR_FMT "() takes a traversal", STR_ARG(s->step->name));
}

bool build_loops(stage *s)
{
    if (s->arg_count && s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_STRING)
        s->key = s->args[0].literal.text;
    return true;
}

const stage_kind stage_repeat = { .name = "repeat", .next = repeat_next },
                 stage_loops = { .name = "loops", .map = loops_map },
                 stage_union = { .name = "union", .next = branch_next, .reset = branch_reset },
                 stage_branch = { .name = "branch", .next = branch_next, .reset = branch_reset },
                 stage_coalesce = { .name = "coalesce", .flat = coalesce_flat },
                 stage_optional = { .name = "optional", .next = optional_next },
                 stage_local = { .name = "local", .next = local_next },
                 stage_map = { .name = "map", .map = map_map },
                 stage_flatMap = { .name = "flatMap", .flat = flatMap_flat },
                 stage_sideEffect = { .name = "sideEffect", .side = sideEffect_side },
                 stage_where = { .name = "where", .filter = where_filter },
                 stage_not = { .name = "not", .filter = not_filter },
                 stage_and = { .name = "and", .filter = and_filter };
