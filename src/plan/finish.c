/* The last touches to a plan: rewrites that need the graph, and which slots live where. */
#include <assert.h>

#include "plan/plan.h"

static bool counts_rows_only(const plan_op *op)
{
    if (op->kind != PLAN_AGGREGATE || op->aggregate.key_count)
        return false;
    for (size_t i = 0; i < op->aggregate.item_count; i++)
        if (op->aggregate.items[i].kind != AGGREGATE_COUNT || op->aggregate.items[i].of)
            return false;
    return true;
}

/* count() straight over a scan: one row a label, with the label's count as its multiplicity. */
static void count_from_metadata(plan_op *op)
{
    plan_op *in = op->input;
    bool is_scan = in && (in->kind == PLAN_SCAN_VERTICES || in->kind == PLAN_SCAN_EDGES);
    if (is_scan && counts_rows_only(op) && !in->scan.has_ids)
        in->scan.is_collapsed = true;
}

/* Nothing but the first rows of an order is wanted: SLICE over SORT is top-n. */
static void sort_to_top(plan_op *op)
{
    plan_op *in = op->input;
    if (op->kind != PLAN_SLICE || !in || in->kind != PLAN_SORT || op->slice.count == PLAN_ALL)
        return;
    uint64_t count = op->slice.skip + op->slice.count;
    if (count >= op->slice.count && count < in->sort.count)
        in->sort.count = count;
}

static void rewrite(plan_op *op)
{
    for (; op; op = op->input) {
        for (size_t i = 0; plan_op_branch(op, i); i++)
            rewrite(*plan_op_branch(op, i));
        count_from_metadata(op);
        sort_to_top(op);
    }
}

static void reads_of_tree(plan_op *op, plan_slots *set)
{
    for (; op; op = op->input) {
        plan_op_reads(op, set);
        for (size_t i = 0; plan_op_branch(op, i); i++)
            reads_of_tree(*plan_op_branch(op, i), set);
    }
}

/* What is read after `op` includes everything that the operators above and the sub-plans beside it
 * read. */
static void mark_live(plan_op *op, plan_slots after)
{
    for (; op; op = op->input) {
        op->live = after;
        plan_op_reads(op, &after);
        for (size_t i = 0; plan_op_branch(op, i); i++) {
            reads_of_tree(*plan_op_branch(op, i), &after);
            mark_live(*plan_op_branch(op, i), after);
        }
    }
}

bool plan_finish(plan *p, const graph *g, error *err)
{
    (void)g;
    (void)err;
    plan_slots wanted = { { 0 } };
    for (size_t i = 0; i < p->column_count; i++)
        plan_slots_add(&wanted, p->columns[i].slot);
    rewrite(p->root);
    mark_live(p->root, wanted);
    return true;
}
