/* Of walks only the distinct vertices at their ends are wanted: they are found level by level, not
 * walk by walk. openCypher's patterns pass no edge twice, which stands in the plan as tests between
 * edges. */
#include "base/vec.h"
#include "plan/internal.h"

enum { MOST_HOPS = 4 }; /* what exec/ends.h can do */

bool plan_slots_only(const plan_slots *set, plan_slot slot)
{
    for (plan_slot s = 1; s < PLAN_SLOTS_MAX; s++)
        if (plan_slots_has(set, s) && s != slot)
            return false;
    return true;
}

bool plan_is_set_of_vertices(const plan *p, const plan_op *op)
{
    if (op->kind != PLAN_DISTINCT || op->distinct.key_count != 1 || op->distinct.is_kept)
        return false;
    const plan_expr *key = op->distinct.keys[0].expr;
    return key->kind == EXPR_SLOT && p->slots[key->slot].kind == SLOT_VERTEX &&
           plan_slots_only(&op->live, key->slot);
}

/* ---- A pattern of fixed length ---- */

typedef struct chain {
    plan_op *hops[MOST_HOPS]; /* the last one first */
    size_t count;
    uint32_t differ[MOST_HOPS]; /* bit k of [i]: the edge of hop i is not that of hop k */
} chain;

static size_t hop_of(const chain *c, plan_slot edge)
{
    size_t i = 0;
    while (i < c->count && c->hops[i]->expand.edge != edge)
        i++;
    return i;
}

static bool is_of_two_edges(const plan *p, const plan_op *op)
{
    const plan_expr *e = op->predicate;
    return e->kind == EXPR_CALL && e->call.function == FN_NE &&
           e->call.args[0]->kind == EXPR_SLOT && e->call.args[1]->kind == EXPR_SLOT &&
           p->slots[e->call.args[0]->slot].kind == SLOT_EDGE &&
           p->slots[e->call.args[1]->slot].kind == SLOT_EDGE;
}

static bool same_labels(const plan_labels *x, const plan_labels *y)
{
    if (x->is_any || y->is_any || x->count != y->count)
        return x->is_any && y->is_any;
    for (size_t i = 0; i < x->count; i++)
        if (x->items[i] != y->items[i])
            return false;
    return true;
}

static bool can_follow(const chain *c, const plan_op *x)
{
    bool is_walk = x->kind == PLAN_EXPAND && x->expand.edge && x->expand.to &&
                   !x->expand.is_by_pair && !x->per && c->count < MOST_HOPS &&
                   (x->expand.direction != DIRECTION_BOTH || x->expand.meets_loops_once);
    const plan_op *above = c->count ? c->hops[c->count - 1] : NULL;
    return is_walk && (!above || (above->expand.from == x->expand.to &&
                                  above->expand.direction == x->expand.direction &&
                                  same_labels(&above->expand.labels, &x->expand.labels)));
}

/* Hops from `op` down, and the tests between them; NULL when something else stands there. */
static plan_op *read_chain(const plan *p, plan_op *op, chain *c)
{
    VEC(const plan_op *) tests = { 0 };
    for (; op; op = op->input)
        if (op->kind == PLAN_FILTER && is_of_two_edges(p, op))
            vec_push(p->arena, &tests, op);
        else if (can_follow(c, op))
            c->hops[c->count++] = op;
        else
            break;
    for (size_t i = 0; i < tests.count; i++) {
        plan_expr *const *args = tests.items[i]->predicate->call.args;
        size_t x = hop_of(c, args[0]->slot), y = hop_of(c, args[1]->slot);
        if (x == c->count || y == c->count)
            return NULL;
        c->differ[x] |= 1u << y;
        c->differ[y] |= 1u << x;
    }
    return op;
}

/* Every edge differs from every other, and nothing but the vertex at the end is read above. */
static bool is_trail(const chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        if ((c->differ[i] | 1u << i) != (1u << c->count) - 1)
            return false;
    return c->count > 1;
}

static plan_op *trail_of(plan *p, const chain *c, plan_op *input)
{
    const plan_op *last = c->hops[0], *first = c->hops[c->count - 1];
    plan_op *trail = plan_op_new(p, PLAN_TRAIL, input, first->offset);
    trail->trail.from = first->expand.from;
    trail->trail.to = last->expand.to;
    trail->trail.direction = first->expand.direction;
    trail->trail.labels = first->expand.labels;
    trail->trail.least = trail->trail.most = c->count;
    trail->trail.is_reach = true;
    trail->live = (plan_slots){ { 0 } };
    plan_slots_add(&trail->live, last->expand.to);
    return trail;
}

/* ---- Both ---- */

void plan_rewrite_reach(plan *p, plan_op *top)
{
    if (!plan_is_set_of_vertices(p, top))
        return;
    plan_op **place = &top->input;
    plan_slot end = top->distinct.keys[0].expr->slot;
    while (*place && ((*place)->kind == PLAN_FILTER || (*place)->kind == PLAN_LET) &&
           plan_slots_only(&(*place)->live, end) && plan_slots_only(&(*place)->input->live, end))
        place = &(*place)->input;
    plan_op *op = *place;
    if (!op || !plan_slots_only(&op->live, end))
        return;
    chain c = { 0 };
    plan_op *below = read_chain(p, op, &c);
    if (below && is_trail(&c) && c.hops[0]->expand.to == end &&
        plan_slots_only(&below->live, c.hops[c.count - 1]->expand.from)) {
        *place = trail_of(p, &c, below);
        return;
    }
    bool is_short = op->kind == PLAN_TRAIL && op->trail.to == end &&
                    (op->trail.least <= 1 || (op->trail.least <= op->trail.most &&
                                              op->trail.most <= MOST_HOPS && !op->trail.predicate));
    if (is_short)
        op->trail.is_reach = true;
}
