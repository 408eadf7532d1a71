/* The last touches to a plan: rewrites that need the graph, and which slots live where. */
#include <assert.h>

#include "plan/internal.h"

static void reads_of_tree(plan_op *op, plan_slots *set)
{
    for (; op; op = op->input) {
        plan_op_reads(op, set);
        for (size_t i = 0; plan_op_branch(op, i); i++)
            reads_of_tree(*plan_op_branch(op, i), set);
    }
}

/* What the rows of a repeat need: what is read behind it, and what its sub-plans read of what is
 * handed to them. */
static plan_slots carried_by(plan_op *op)
{
    plan_slots all = op->live;
    for (size_t i = 0; plan_op_branch(op, i); i++) {
        plan_op *x = *plan_op_branch(op, i);
        while (x->input)
            x = x->input;
        for (size_t k = 0; k < ARRAY_LEN(all.words); k++)
            all.words[k] |= x->live.words[k];
    }
    return all;
}

static void result_of(const plan_expr *e, plan_slots *set)
{
    const plan_expr *parts[4];
    switch (e->kind) {
    case EXPR_LITERAL:
    case EXPR_SLOT: return;
    case EXPR_PROPERTY: result_of(e->property.of, set); return;
    case EXPR_CALL:
        for (size_t i = 0; i < e->call.arg_count; i++)
            result_of(e->call.args[i], set);
        return;
    case EXPR_EACH:
        parts[0] = e->each.list;
        parts[1] = e->each.where;
        parts[2] = e->each.body;
        parts[3] = e->each.start;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
            if (parts[i])
                result_of(parts[i], set);
        return;
    case EXPR_QUERY:
        if (e->query.result)
            plan_slots_add(set, e->query.result);
    }
}

/* Slots in which sub-plans inside the operator's expressions leave their results. */
static void result_slots(plan_op *op, plan_slots *set)
{
    plan_expr **e;
    for (size_t i = 0; (e = plan_op_expr(op, i)); i++)
        result_of(*e, set);
}

/* What is read after `op` includes everything that the operators above and the sub-plans beside it
 * read. */
static void mark_live(plan_op *op, plan_slots after)
{
    for (; op; op = op->input) {
        plan_slots set = { { 0 } };
        op->live = after;
        plan_op_sets(op, &set);
        for (size_t i = 0; i < ARRAY_LEN(set.words); i++)
            after.words[i] &= ~set.words[i]; /* what was there before is not seen any more */
        plan_op_reads(op, &after);
        for (size_t i = 0; plan_op_branch(op, i); i++) {
            reads_of_tree(*plan_op_branch(op, i), &after);
        }
        result_slots(op, &after);
        for (size_t i = 0; plan_op_branch(op, i); i++) {
            mark_live(*plan_op_branch(op, i), after);
        }
        if (op->kind == PLAN_REPEAT)
            op->repeat.carried = carried_by(op);
    }
}

bool plan_finish(plan *p, const graph *g, error *err)
{
    plan_slots wanted = { { 0 } };
    for (size_t i = 0; i < p->column_count; i++)
        plan_slots_add(&wanted, p->columns[i].slot);
    if (p->ending == ENDING_SQL)
        return true;
    plan_order(p, g);
    TRY(plan_rewrite_shape(p, g, &p->root, err));
    mark_live(p->root, wanted);
    plan_rewrite_live(p, p->root);
    plan_rewrite_top(p, g, p->root);
    return true;
}
