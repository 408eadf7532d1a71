/* Where a plan starts and where its filters stand: a vertex that a filter names is looked up, a
 * chain of expansions is walked from that end, and every filter moves down to where its last slot
 * is set. */
#include "plan/internal.h"

#include "base/vec.h"

/* ---- Filters: one condition each, as low as they can be ---- */

static void split_filter(plan *p, plan_op *op)
{
    while (op->kind == PLAN_FILTER && op->predicate->kind == EXPR_CALL &&
           op->predicate->call.function == FN_AND) {
        plan_expr *all = op->predicate, *rest = NULL;
        for (size_t i = 0; i + 1 < all->call.arg_count; i++)
            rest = plan_and(p, rest, all->call.args[i]);
        plan_op *below = plan_op_new(p, PLAN_FILTER, op->input, op->offset);
        below->per = op->per;
        below->predicate = rest;
        op->predicate = all->call.args[all->call.arg_count - 1];
        op->input = below;
        op = below;
    }
}

static bool may_pass(const plan_op *op)
{
    switch (op->kind) {
    case PLAN_SCAN_VERTICES:
    case PLAN_SCAN_EDGES:
    case PLAN_EXPAND:
    case PLAN_EDGE_END:
    case PLAN_FILTER:
    case PLAN_LET:
    case PLAN_UNWIND:
    case PLAN_CALL:
    case PLAN_TRAIL: return true;
    default: return false;
    }
}

static bool sets_any(const plan_op *op, const plan_slots *slots)
{
    plan_slots set = { { 0 } };
    plan_op_sets(op, &set);
    for (size_t i = 0; i < ARRAY_LEN(set.words); i++)
        if (set.words[i] & slots->words[i])
            return true;
    return false;
}

/* Move the filter at *place down; what was below it takes its place. */
static void push_filter(plan_op **place)
{
    plan_op *filter = *place;
    plan_slots reads = { { 0 } };
    plan_expr_reads(filter->predicate, &reads);
    plan_op **target = &filter->input;
    plan_op **lowest = NULL;
    /* filters keep their order among themselves: it only moves when it passes something else */
    for (; (*target)->input && may_pass(*target) && !sets_any(*target, &reads);
         target = &(*target)->input)
        if ((*target)->kind != PLAN_FILTER)
            lowest = &(*target)->input;
    if (!lowest)
        return;
    *place = filter->input;
    if (lowest == &filter->input)
        lowest = place;
    filter->input = *lowest;
    *lowest = filter;
}

static void push_filters(plan *p, plan_op **place)
{
    for (; *place; place = &(*place)->input) {
        for (size_t i = 0; plan_op_branch(*place, i); i++)
            push_filters(p, plan_op_branch(*place, i));
        split_filter(p, *place);
        for (const plan_op *before = NULL; (*place)->kind == PLAN_FILTER && *place != before;) {
            before = *place;
            push_filter(place);
        }
    }
}

/* ---- Look-ups ---- */

/* id(x) = literal, id(x) IN literal; NULL when the filter is something else. */
static plan_expr *id_test(const plan_op *op, plan_slot *ret_slot)
{
    if (op->kind != PLAN_FILTER || op->predicate->kind != EXPR_CALL)
        return NULL;
    plan_expr **args = op->predicate->call.args;
    plan_function f = op->predicate->call.function;
    if (f != FN_EQ && f != FN_IN)
        return NULL;
    bool is_left = args[0]->kind == EXPR_CALL && args[0]->call.function == FN_ID;
    const plan_expr *id = is_left ? args[0] : args[1];
    plan_expr *other = is_left ? args[1] : args[0];
    bool is_test = id->kind == EXPR_CALL && id->call.function == FN_ID &&
                   id->call.args[0]->kind == EXPR_SLOT && other->kind == EXPR_LITERAL &&
                   (f == FN_EQ ? other->literal.kind == VALUE_STRING
                               : is_left && other->literal.kind == VALUE_LIST);
    if (!is_test)
        return NULL;
    *ret_slot = id->call.args[0]->slot;
    return other;
}

/* Scans whose filters, right above, name the vertex. */
static void scan_by_id(plan *p, plan_op **place)
{
    for (; *place; place = &(*place)->input) {
        for (size_t i = 0; plan_op_branch(*place, i); i++)
            scan_by_id(p, plan_op_branch(*place, i));
        plan_slot slot;
        plan_expr *ids = id_test(*place, &slot);
        plan_op *scan = (*place)->input;
        while (ids && scan->kind == PLAN_FILTER)
            scan = scan->input;
        if (!ids || scan->kind != PLAN_SCAN_VERTICES || scan->scan.has_ids || scan->scan.to != slot)
            continue;
        scan->scan.has_ids = scan->scan.is_distinct = true;
        scan->scan.ids = ids;
        if (scan->scan.finds_all)
            continue;
        /* a look-up also finds vertices without a row, and takes more forms of an id */
        plan_op *listed = plan_op_new(p, PLAN_FILTER, (*place)->input, (*place)->offset);
        listed->per = (*place)->per;
        listed->predicate = plan_call(p, FN_IS_LISTED, plan_slot_expr(p, slot));
        (*place)->input = listed;
    }
}

/* Scans below a test of their vertices' addresses against a block. */
static void scan_by_block(plan *p, const graph *g, plan_op *op)
{
    for (; op; op = op->input) {
        for (size_t i = 0; plan_op_branch(op, i); i++)
            scan_by_block(p, g, *plan_op_branch(op, i));
        if (op->kind != PLAN_FILTER || op->predicate->kind != EXPR_CALL ||
            op->predicate->call.function != FN_IN_CIDR || graph_is_scratch(g))
            continue;
        const plan_expr *of = op->predicate->call.args[0], *block = op->predicate->call.args[1];
        of = of->kind == EXPR_PROPERTY ? of->property.of : of;
        plan_op *scan = op->input;
        while (scan->kind == PLAN_FILTER)
            scan = scan->input;
        if (scan->kind == PLAN_SCAN_VERTICES && !scan->scan.has_ids && of->kind == EXPR_SLOT &&
            of->slot == scan->scan.to && block->kind == EXPR_LITERAL &&
            block->literal.kind == VALUE_STRING)
            scan->scan.block = op->predicate;
    }
}

/* ---- From the other end ---- */

static plan_direction mirrored(plan_direction d)
{
    return d == DIRECTION_OUT ? DIRECTION_IN : d == DIRECTION_IN ? DIRECTION_OUT : d;
}

/* Vertices of scratch graphs carry several. */
static plan_expr *any_label_test(plan *p, const graph *g, const plan_labels *labels, plan_slot slot)
{
    plan_expr *any = plan_literal_bool(p, false);
    for (size_t i = 0; i < labels->count; i++) {
        str name = graph_vertex_label(g, labels->items[i])->name;
        plan_expr *one =
            plan_call(p, FN_HAS_LABEL, plan_slot_expr(p, slot), plan_literal_text(p, name));
        any = i ? plan_call(p, FN_OR, any, one) : one;
    }
    return any;
}

static plan_expr *label_test(plan *p, const graph *g, const plan_labels *labels, plan_slot slot)
{
    if (graph_is_scratch(g))
        return any_label_test(p, g, labels, slot);
    value *names = arena_array_of(p->arena, value, labels->count);
    for (size_t i = 0; i < labels->count; i++)
        names[i] = value_text(graph_vertex_label(g, labels->items[i])->name);
    return plan_call(p, FN_IN, plan_call(p, FN_LABEL, plan_slot_expr(p, slot)),
                     plan_literal(p, value_list(names, labels->count)));
}

/* At `top` stands a chain SCAN a, EXPAND a→b, EXPAND b→c, … with filters between, and one of them
 * names a vertex further up: walk from there down to `a`, then on. */
static void reverse_chain(plan *p, const graph *g, plan_op **top)
{
    VEC(plan_op *) expands = { 0 }; /* from the top down */
    VEC(plan_op *) filters = { 0 };
    plan_op *op = *top;
    plan_slot named = PLAN_NO_SLOT, slot;
    for (; op->kind == PLAN_FILTER || op->kind == PLAN_EXPAND; op = op->input) {
        if (op->kind == PLAN_EXPAND)
            vec_push(p->arena, &expands, op);
        else
            vec_push(p->arena, &filters, op);
        if (id_test(op, &slot))
            named = slot; /* the lowest */
    }
    plan_op *scan = op;
    if (!named || scan->kind != PLAN_SCAN_VERTICES || scan->scan.has_ids || scan->per ||
        scan->scan.to == named)
        return;
    size_t first = expands.count; /* the expansion that sets the named vertex */
    plan_slot expected = scan->scan.to;
    for (size_t i = expands.count; i-- > 0;) {
        if (expands.items[i]->expand.from != expected || !expands.items[i]->expand.to)
            return;
        expected = expands.items[i]->expand.to;
        if (expected == named) {
            first = i;
            break;
        }
    }
    if (first == expands.count)
        return;
    plan_op *chain = plan_op_new(p, PLAN_SCAN_VERTICES, scan->input, scan->offset);
    chain->scan.labels.is_any = true;
    chain->scan.to = named;
    chain->scan.finds_all = true;
    for (size_t i = first; i < expands.count; i++) {
        plan_op *x = expands.items[i];
        plan_slot from = x->expand.from;
        x->expand.from = x->expand.to;
        x->expand.to = from;
        x->expand.direction = mirrored(x->expand.direction);
        x->input = chain;
        chain = x;
    }
    if (!scan->scan.labels.is_any) {
        plan_op *filter = plan_op_new(p, PLAN_FILTER, chain, scan->offset);
        filter->predicate = label_test(p, g, &scan->scan.labels, scan->scan.to);
        chain = filter;
    }
    plan_op *listed =
        plan_op_new(p, PLAN_FILTER, chain, scan->offset); /* as the scan was to find */
    listed->predicate = plan_call(p, FN_IS_LISTED, plan_slot_expr(p, scan->scan.to));
    chain = listed;
    for (size_t i = first; i-- > 0;) {
        expands.items[i]->input = chain;
        chain = expands.items[i];
    }
    for (size_t i = filters.count; i-- > 0;) {
        filters.items[i]->input = chain;
        chain = filters.items[i];
    }
    *top = chain;
}

static void reverse_chains(plan *p, const graph *g, plan_op **place)
{
    for (bool is_inside = false; *place; place = &(*place)->input) {
        for (size_t i = 0; plan_op_branch(*place, i); i++)
            reverse_chains(p, g, plan_op_branch(*place, i));
        bool is_part = (*place)->kind == PLAN_FILTER || (*place)->kind == PLAN_EXPAND;
        if (is_part && !is_inside)
            reverse_chain(p, g, place);
        is_inside = is_part;
    }
}

void plan_order(plan *p, const graph *g)
{
    for (plan_op *op = p->root; op; op = op->input)
        split_filter(p, op);
    reverse_chains(p, g, &p->root);
    push_filters(p, &p->root);
    scan_by_id(p, &p->root);
    scan_by_block(p, g, p->root);
}
