/* Groups that come one behind the other need no table of groups, and of those only few are kept
 * when only few are wanted. */
#include "plan/internal.h"

/* Whether a look-up can find one vertex at most: a text that names its label. */
static bool finds_one(const plan_op *scan)
{
    const plan_expr *ids = scan->scan.ids;
    if (ids->kind != EXPR_LITERAL)
        return false;
    const value *v = &ids->literal;
    if (v->kind == VALUE_LIST && v->list.count == 1)
        v = &v->list.items[0];
    return v->kind == VALUE_STRING &&
           (str_ends_with(v->text, STR("]")) || str_find(v->text, STR(":::")) >= 0);
}

static bool passes_one_label(const plan_op *expand, const graph *g)
{
    return (expand->expand.labels.is_any ? graph_edge_label_count(g)
                                         : expand->expand.labels.count) == 1 &&
           (expand->expand.direction == DIRECTION_OUT || expand->expand.direction == DIRECTION_IN);
}

/* Rows of one vertex in `slot` arrive one behind the other: it is what a scan finds, or a neighbour
 * of the only vertex there is. */
static bool come_in_runs(const plan_op *op, const graph *g, plan_slot slot)
{
    const plan_op *expand = NULL;
    size_t expands = 0;
    for (; op; op = op->input)
        switch (op->kind) {
        case PLAN_EXPAND:
            expand = op;
            expands++;
            continue;
        case PLAN_FILTER:
        case PLAN_LET:
        case PLAN_EDGE_END:
        case PLAN_UNWIND: continue;
        case PLAN_SCAN_VERTICES:
            if (op->input->kind != PLAN_ONE || op->scan.is_collapsed)
                return false;
            return op->scan.has_ids ? expands == 1 && expand->expand.to == slot && finds_one(op) &&
                                          passes_one_label(expand, g)
                                    : op->scan.to == slot;
        default: return false;
        }
    return false;
}

static bool is_not_null_of(const plan_op *op, plan_slot slot)
{
    const plan_expr *e = op->predicate;
    return e->kind == EXPR_CALL && e->call.function == FN_IS_NOT_NULL &&
           e->call.args[0]->kind == EXPR_SLOT && e->call.args[0]->slot == slot;
}

/* openCypher's sum of nothing is 0. */
static bool is_sum_or_literal(const plan_expr *e)
{
    return e->kind == EXPR_CALL && e->call.function == FN_COALESCE && e->call.arg_count == 2 &&
           e->call.args[0]->kind == EXPR_SLOT && e->call.args[1]->kind == EXPR_LITERAL;
}

/* The sort above wants only the first by one of the sums. */
static void take_top(plan_op *sort)
{
    enum { MOST_KEPT = 4096 };
    const plan_expr *key = sort->sort.keys[0].expr, *null = NULL;
    if (is_sum_or_literal(key)) {
        null = key->call.args[1];
        key = key->call.args[0];
    }
    if (sort->sort.count > MOST_KEPT || sort->sort.count == 0 || sort->per ||
        key->kind != EXPR_SLOT)
        return;
    plan_slot by = key->slot;
    plan_op *op = sort->input;
    bool drops_null = false;
    for (; op->kind == PLAN_FILTER && is_not_null_of(op, by); op = op->input)
        drops_null = true;
    if (op->kind != PLAN_AGGREGATE || !op->aggregate.in_runs)
        return;
    for (size_t i = 0; i < op->aggregate.item_count; i++)
        if (op->aggregate.items[i].to == by && op->aggregate.items[i].kind < AGGREGATE_COLLECT) {
            op->aggregate.top = sort;
            op->aggregate.top_item = i;
            op->aggregate.top_drops_null = drops_null;
            op->aggregate.top_null = null;
        }
}

void plan_rewrite_top(plan *p, const graph *g, plan_op *op)
{
    for (; op; op = op->input) {
        for (size_t i = 0; plan_op_branch(op, i); i++)
            plan_rewrite_top(p, g, *plan_op_branch(op, i));
        for (plan_op *x = op->input; op->kind == PLAN_SORT && x; x = x->input) {
            if (x->kind != PLAN_AGGREGATE && x->kind != PLAN_FILTER)
                break;
            if (x->kind != PLAN_AGGREGATE)
                continue;
            const plan_expr *key = x->aggregate.key_count == 1 ? x->aggregate.keys[0].expr : NULL;
            x->aggregate.in_runs = key && key->kind == EXPR_SLOT && !x->per &&
                                   p->slots[key->slot].kind == SLOT_VERTEX &&
                                   come_in_runs(x->input, g, key->slot);
            take_top(op);
            break;
        }
    }
}
