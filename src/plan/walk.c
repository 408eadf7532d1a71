/* Looking through a plan: the parts of an operator, what it reads and what it sets. */
#include "plan/plan.h"

#include <assert.h>

/* The `*left`th sub-plan inside an expression; counts `*left` down by those it has. */
static plan_op **expr_branch(plan_expr *e, size_t *left)
{
    plan_op **found = NULL;
    plan_expr *parts[4];
    switch (e->kind) {
    case EXPR_LITERAL:
    case EXPR_SLOT: return NULL;
    case EXPR_PROPERTY: return expr_branch(e->property.of, left);
    case EXPR_CALL:
        for (size_t i = 0; !found && i < e->call.arg_count; i++)
            found = expr_branch(e->call.args[i], left);
        return found;
    case EXPR_EACH:
        parts[0] = e->each.list;
        parts[1] = e->each.where;
        parts[2] = e->each.body;
        parts[3] = e->each.start;
        for (size_t i = 0; !found && i < ARRAY_LEN(parts); i++)
            if (parts[i])
                found = expr_branch(parts[i], left);
        return found;
    case EXPR_QUERY: return (*left)-- == 0 ? &e->query.root : NULL;
    }
    return NULL;
}

static plan_op **own_branch(plan_op *op, size_t *left);

plan_op **plan_op_branch(plan_op *op, size_t i)
{
    plan_expr **e;
    plan_op **found = own_branch(op, &i);
    for (size_t k = 0; !found && (e = plan_op_expr(op, k)); k++)
        found = expr_branch(*e, &i);
    return found;
}

static plan_op **own_branch(plan_op *op, size_t *left)
{
    size_t i = *left;
    switch (op->kind) {
    case PLAN_UNION:
    case PLAN_APPLY:
        *left -= i < op->branches.count ? 0 : op->branches.count;
        return i < op->branches.count ? &op->branches.items[i] : NULL;
    case PLAN_REPEAT: {
        plan_op **all[3];
        size_t count = 0;
        all[count++] = &op->repeat.body;
        if (op->repeat.until)
            all[count++] = &op->repeat.until;
        if (op->repeat.emit)
            all[count++] = &op->repeat.emit;
        *left -= i < count ? 0 : count;
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

/* What is bound inside is not read from outside. */
static void each_reads(const plan_expr *e, plan_slots *set)
{
    plan_slots inner = { { 0 } };
    const plan_expr *parts[] = { e->each.where, e->each.body };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i])
            plan_expr_reads(parts[i], &inner);
    plan_slots_remove(&inner, e->each.item);
    plan_slots_remove(&inner, e->each.total);
    for (size_t i = 0; i < ARRAY_LEN(inner.words); i++)
        set->words[i] |= inner.words[i];
    plan_expr_reads(e->each.list, set);
    if (e->each.start)
        plan_expr_reads(e->each.start, set);
}

static void reads_and_sets(plan_op *op, plan_slots *reads, plan_slots *sets)
{
    for (; op; op = op->input) {
        plan_op_reads(op, reads);
        plan_op_sets(op, sets);
        for (size_t i = 0; plan_op_branch(op, i); i++)
            reads_and_sets(*plan_op_branch(op, i), reads, sets);
    }
}

static void query_reads(const plan_expr *e, plan_slots *set)
{
    plan_slots reads = { { 0 } }, sets = { { 0 } };
    reads_and_sets(e->query.root, &reads, &sets);
    for (size_t i = 0; i < ARRAY_LEN(reads.words); i++)
        set->words[i] |= reads.words[i] & ~sets.words[i];
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
    case EXPR_EACH: each_reads(e, set); break;
    case EXPR_QUERY: query_reads(e, set); break;
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
            (op->kind == PLAN_FOREIGN && op->foreign.changes_graph) ||
            (op->kind == PLAN_CALL && op->call.procedure->kind == PROCEDURE_DEFINE))
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
