/* Looking through a plan: the parts of an operator, what it reads and what it sets. */
#include "plan/plan.h"

#include <assert.h>

plan_op **plan_op_branch(plan_op *op, size_t i)
{
    switch (op->kind) {
    case PLAN_UNION:
    case PLAN_APPLY: return i < op->branches.count ? &op->branches.items[i] : NULL;
    case PLAN_REPEAT: {
        plan_op **all[3];
        size_t count = 0;
        all[count++] = &op->repeat.body;
        if (op->repeat.until)
            all[count++] = &op->repeat.until;
        if (op->repeat.emit)
            all[count++] = &op->repeat.emit;
        return i < count ? all[i] : NULL;
    }
    default: return NULL;
    }
}

static plan_expr **key_expr(plan_key *keys, size_t count, size_t i)
{
    return i < count ? &keys[i].expr : NULL;
}

static plan_expr **aggregate_expr(plan_op *op, size_t i)
{
    if (i < op->aggregate.key_count)
        return &op->aggregate.keys[i].expr;
    i -= op->aggregate.key_count;
    for (size_t k = 0; k < op->aggregate.item_count; k++) {
        plan_aggregate *item = &op->aggregate.items[k];
        if (item->of && i-- == 0)
            return &item->of;
        if (item->with && i-- == 0)
            return &item->with;
    }
    return NULL;
}

static plan_expr **create_expr(plan_op *op, size_t i)
{
    plan_expr **all[] = { &op->create.label, &op->create.from, &op->create.to,
                          &op->create.properties, &op->create.id };
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        if (*all[k] && i-- == 0)
            return all[k];
    return NULL;
}

static plan_expr **change_expr(plan_op *op, size_t i)
{
    for (size_t k = 0; k < op->set.count; k++) {
        plan_expr **all[] = { &op->set.items[k].of, &op->set.items[k].key,
                              &op->set.items[k].value };
        for (size_t n = 0; n < ARRAY_LEN(all); n++)
            if (*all[n] && i-- == 0)
                return all[n];
    }
    return NULL;
}

plan_expr **plan_op_expr(plan_op *op, size_t i)
{
    plan_expr **one = NULL;
    switch (op->kind) {
    case PLAN_SCAN_VERTICES:
    case PLAN_SCAN_EDGES: one = &op->scan.ids; break;
    case PLAN_FILTER: one = &op->predicate; break;
    case PLAN_LET: one = &op->let.expr; break;
    case PLAN_UNWIND: one = &op->unwind.list; break;
    case PLAN_CALL: one = &op->call.options; break;
    case PLAN_TRAIL: one = &op->trail.predicate; break;
    case PLAN_APPLY: one = &op->branches.otherwise; break;
    case PLAN_CREATE_VERTEX:
    case PLAN_CREATE_EDGE: return create_expr(op, i);
    case PLAN_SET: return change_expr(op, i);
    case PLAN_DELETE: return i < op->delete.count ? &op->delete.items[i] : NULL;
    case PLAN_AGGREGATE: return aggregate_expr(op, i);
    case PLAN_SORT: return key_expr(op->sort.keys, op->sort.key_count, i);
    case PLAN_DISTINCT: return key_expr(op->distinct.keys, op->distinct.key_count, i);
    case PLAN_ONE:
    case PLAN_ARGUMENT:
    case PLAN_EXPAND:
    case PLAN_EDGE_END:
    case PLAN_SLICE:
    case PLAN_TAIL:
    case PLAN_UNION:
    case PLAN_REPEAT:
    case PLAN_MERGE:
    case PLAN_NOTHING:
    case PLAN_EAGER:
    case PLAN_FOREIGN:
    case PLAN_OP_COUNT_: break;
    }
    return i == 0 && one && *one ? one : NULL;
}

static void add(plan_slots *set, plan_slot slot)
{
    if (slot != PLAN_NO_SLOT)
        plan_slots_add(set, slot);
}

void plan_op_sets(const plan_op *op, plan_slots *set)
{
    switch (op->kind) {
    case PLAN_ARGUMENT: add(set, op->per); break;
    case PLAN_SCAN_VERTICES:
    case PLAN_SCAN_EDGES: add(set, op->scan.to); break;
    case PLAN_EXPAND:
        add(set, op->expand.edge);
        add(set, op->expand.to);
        add(set, op->expand.span);
        break;
    case PLAN_EDGE_END: add(set, op->edge_end.to); break;
    case PLAN_LET: add(set, op->let.to); break;
    case PLAN_AGGREGATE:
        for (size_t i = 0; i < op->aggregate.key_count; i++)
            add(set, op->aggregate.keys[i].to);
        for (size_t i = 0; i < op->aggregate.item_count; i++)
            add(set, op->aggregate.items[i].to);
        break;
    case PLAN_UNWIND: add(set, op->unwind.to); break;
    case PLAN_CALL:
        for (size_t i = 0; i < PROCEDURE_COLUMNS; i++)
            add(set, op->call.to[i]);
        break;
    case PLAN_TRAIL:
        add(set, op->trail.to);
        add(set, op->trail.edges);
        add(set, op->trail.edge);
        break;
    case PLAN_REPEAT: add(set, op->repeat.loops); break;
    case PLAN_CREATE_VERTEX:
    case PLAN_CREATE_EDGE: add(set, op->create.slot); break;
    case PLAN_FOREIGN: add(set, op->foreign.to); break;
    case PLAN_SET:
    case PLAN_DELETE:
    case PLAN_EAGER:
    case PLAN_ONE:
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_SLICE:
    case PLAN_TAIL:
    case PLAN_DISTINCT:
    case PLAN_UNION:
    case PLAN_APPLY:
    case PLAN_MERGE:
    case PLAN_NOTHING:
    case PLAN_OP_COUNT_: break;
    }
}

void plan_expr_reads(const plan_expr *e, plan_slots *set)
{
    switch (e->kind) {
    case EXPR_LITERAL: break;
    case EXPR_SLOT: add(set, e->slot); break;
    case EXPR_PROPERTY: plan_expr_reads(e->property.of, set); break;
    case EXPR_CALL:
        for (size_t i = 0; i < e->call.arg_count; i++)
            plan_expr_reads(e->call.args[i], set);
        break;
    }
}

void plan_op_reads(plan_op *op, plan_slots *set)
{
    plan_expr **e;
    for (size_t i = 0; (e = plan_op_expr(op, i)); i++)
        plan_expr_reads(*e, set);
    if (op->kind != PLAN_ARGUMENT)
        add(set, op->per);
    if (op->kind == PLAN_AGGREGATE)
        add(set, op->aggregate.span);
    if (op->kind == PLAN_TRAIL)
        add(set, op->trail.from);
    if (op->kind == PLAN_FOREIGN)
        add(set, op->foreign.from);
    if (op->kind == PLAN_MERGE)
        add(set, op->merge.slot);
    if (op->kind == PLAN_EXPAND)
        add(set, op->expand.from);
    if (op->kind == PLAN_EDGE_END) {
        add(set, op->edge_end.edge);
        if (op->edge_end.end == DIRECTION_OTHER)
            add(set, op->edge_end.from);
    }
}

static bool changes_graph(plan_op *op)
{
    for (; op; op = op->input) {
        if (op->kind == PLAN_CREATE_VERTEX || op->kind == PLAN_CREATE_EDGE ||
            op->kind == PLAN_SET || op->kind == PLAN_DELETE ||
            (op->kind == PLAN_FOREIGN && op->foreign.changes_graph))
            return true;
        for (size_t i = 0; plan_op_branch(op, i); i++)
            if (changes_graph(*plan_op_branch(op, i)))
                return true;
    }
    return false;
}

bool plan_changes_graph(const plan *p)
{
    return changes_graph(p->root);
}
