/* Rewrites that need no statistics: work is done once for rows that are alike. */
#include "plan/internal.h"

/* ---- Counts from metadata, top-n ---- */

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

/* ---- outE().inV() is one expansion ---- */

static bool reads(plan_op *op, plan_slot slot)
{
    plan_slots set = { { 0 } };
    plan_op_reads(op, &set);
    return plan_slots_has(&set, slot);
}

/* The end of an edge that an expansion has just passed is its neighbour: no search for it. */
static void fuse_edge_end(plan_op **place)
{
    plan_op *end = *place, *x = end->input;
    if (end->kind != PLAN_EDGE_END)
        return;
    while (x && (x->kind == PLAN_FILTER || x->kind == PLAN_LET))
        x = x->input;
    if (!x || x->kind != PLAN_EXPAND || x->expand.edge != end->edge_end.edge || x->expand.to)
        return;
    bool is_far = (end->edge_end.end == DIRECTION_IN && x->expand.direction == DIRECTION_OUT) ||
                  (end->edge_end.end == DIRECTION_OUT && x->expand.direction == DIRECTION_IN) ||
                  (end->edge_end.end == DIRECTION_OTHER && end->edge_end.from == x->expand.from);
    if (!is_far)
        return;
    x->expand.to = end->edge_end.to;
    *place = end->input;
}

/* ---- Rows that are nothing but one vertex ---- */

static plan_op *insert_below(plan *p, plan_op *op, plan_op_kind kind)
{
    plan_op *x = plan_op_new(p, kind, op->input, op->offset);
    x->per = op->per;
    op->input = x;
    return x;
}

static bool starts_with_one_vertex(const plan_op *op)
{
    return op->kind == PLAN_SCAN_VERTICES || op->kind == PLAN_ARGUMENT || op->kind == PLAN_MERGE ||
           op->kind == PLAN_DISTINCT;
}

/* Below `top`, which does not care for the order of rows, only one vertex is carried from one
 * expansion to the next: equal ones are gathered between them. `is_set`: multiplicities do not
 * matter either. */
static void gather(plan *p, plan_op *top, bool is_set)
{
    for (plan_op *op = top->input; op; op = op->input) {
        if (op->kind != PLAN_EXPAND && op->kind != PLAN_FILTER && op->kind != PLAN_EDGE_END &&
            op->kind != PLAN_LET)
            return;
        if (op->kind != PLAN_EXPAND || !plan_slots_only(&op->input->live, op->expand.from) ||
            starts_with_one_vertex(op->input) || op->input->kind == PLAN_FILTER)
            continue;
        plan_op *x = insert_below(p, op, is_set ? PLAN_DISTINCT : PLAN_MERGE);
        if (is_set) {
            x->distinct.keys = arena_new_of(p->arena, plan_key);
            x->distinct.keys[0].expr = plan_slot_expr(p, op->expand.from);
            x->distinct.key_count = 1;
        } else {
            x->merge.slot = op->expand.from;
        }
        x->live = (plan_slots){ { 0 } };
        plan_slots_add(&x->live, op->expand.from);
        op = x;
    }
}

static void gather_below(plan *p, plan_op *op)
{
    if (op->kind == PLAN_AGGREGATE) {
        for (size_t i = 0; i < op->aggregate.item_count; i++)
            if (op->aggregate.items[i].kind >= AGGREGATE_COLLECT)
                return;
        gather(p, op, false);
    }
    if (plan_is_set_of_vertices(p, op))
        gather(p, op, true);
}

/* ---- Sums over the edges of a pair ---- */

static bool is_sum_of_edge(const plan_aggregate *item, plan_slot edge)
{
    if (!item->of)
        return item->kind == AGGREGATE_COUNT;
    bool is_edge = item->of->kind == EXPR_SLOT && item->of->slot == edge;
    if (is_edge)
        return item->kind == AGGREGATE_COUNT;
    return (item->kind == AGGREGATE_SUM || item->kind == AGGREGATE_MEAN) &&
           item->of->kind == EXPR_PROPERTY && item->of->property.of->kind == EXPR_SLOT &&
           item->of->property.of->slot == edge;
}

/* Of the edges only sums are wanted: a row for each neighbour instead of each edge. */
static bool sum_by_pair(plan *p, plan_op *op, error *err)
{
    if (op->kind != PLAN_AGGREGATE)
        return true;
    plan_op *x = op->input;
    while (x && (x->kind == PLAN_FILTER || x->kind == PLAN_LET))
        x = x->input;
    if (!x || x->kind != PLAN_EXPAND || !x->expand.edge)
        return true;
    for (plan_op *between = op->input; between != x; between = between->input)
        if (reads(between, x->expand.edge))
            return true;
    for (size_t i = 0; i < op->aggregate.key_count; i++) {
        plan_slots set = { { 0 } };
        plan_expr_reads(op->aggregate.keys[i].expr, &set);
        if (plan_slots_has(&set, x->expand.edge))
            return true;
    }
    bool has_sum = false; /* counting alone needs no edges at all */
    for (size_t i = 0; i < op->aggregate.item_count; i++) {
        if (!is_sum_of_edge(&op->aggregate.items[i], x->expand.edge))
            return true;
        has_sum |= op->aggregate.items[i].of != NULL;
    }
    if (!has_sum)
        return true;
    TRY(plan_slot_new(p, STR(""), SLOT_EDGE, &x->expand.span, err));
    x->expand.is_by_pair = true;
    op->aggregate.span = x->expand.span;
    return true;
}

/* ---- What is shown is made late, of the few rows that are left ---- */

/* Keys that are ids are grouped by reference; the text is made above. */
static bool group_by_reference(plan *p, plan_op **place, error *err)
{
    plan_op *op = *place;
    if (op->kind != PLAN_AGGREGATE)
        return true;
    for (size_t i = 0; i < op->aggregate.key_count; i++) {
        plan_key *k = &op->aggregate.keys[i];
        if (k->expr->kind != EXPR_CALL || k->expr->call.function != FN_ID ||
            k->expr->call.args[0]->kind != EXPR_SLOT ||
            p->slots[k->expr->call.args[0]->slot].kind == SLOT_VALUE)
            continue;
        plan_slot text = k->to;
        plan_op *let = plan_op_new(p, PLAN_LET, *place, op->offset);
        k->expr = k->expr->call.args[0];
        TRY(plan_slot_new(p, STR(""), p->slots[k->expr->slot].kind, &k->to, err));
        let->let.to = text;
        let->let.expr = plan_call(p, FN_ID, plan_slot_expr(p, k->to));
        let->per = op->per;
        *place = let;
    }
    return true;
}

/* A map of groups that is taken apart at once was never needed. */
static void unwind_map(plan *p, plan_op **place)
{
    plan_op *unwind = *place, *map = unwind->input;
    if (unwind->kind != PLAN_UNWIND || !map || map->kind != PLAN_AGGREGATE ||
        map->aggregate.key_count || map->aggregate.item_count != 1 || map->per ||
        map->aggregate.items[0].kind != AGGREGATE_COLLECT_MAP || map->aggregate.span ||
        unwind->unwind.list->kind != EXPR_SLOT ||
        unwind->unwind.list->slot != map->aggregate.items[0].to)
        return;
    plan_op *let = plan_op_new(p, PLAN_LET, map->input, unwind->offset);
    let->let.to = unwind->unwind.to;
    let->let.expr =
        plan_call(p, FN_ENTRY, map->aggregate.items[0].of, map->aggregate.items[0].with);
    *place = let;
}

/* `e` with `slot` replaced by `by`; the key or value of an entry that is made there is itself. */
static plan_expr *substitute(plan *p, plan_expr *e, plan_slot slot, plan_expr *by)
{
    if (e->kind == EXPR_SLOT)
        return e->slot == slot ? by : e;
    if (e->kind == EXPR_PROPERTY)
        return plan_property(p, substitute(p, e->property.of, slot, by), e->property.key);
    if (e->kind != EXPR_CALL)
        return e;
    plan_expr **args = arena_array_of(p->arena, plan_expr *, e->call.arg_count);
    for (size_t i = 0; i < e->call.arg_count; i++)
        args[i] = substitute(p, e->call.args[i], slot, by);
    bool is_side = e->call.function == FN_KEYS || e->call.function == FN_MAP_VALUES;
    if (is_side && args[0]->kind == EXPR_CALL && args[0]->call.function == FN_ENTRY)
        return args[0]->call.args[e->call.function == FN_MAP_VALUES];
    plan_expr *copy = plan_call_list(p, e->call.function, args, e->call.arg_count);
    copy->call.name = e->call.name;
    copy->call.number = e->call.number;
    return copy;
}

/* Whether every read of `slot` can be replaced: none stands inside a sub-plan or beneath a list. */
static bool can_substitute(const plan_expr *e, plan_slot slot)
{
    plan_slots reads = { { 0 } };
    if (e->kind == EXPR_PROPERTY)
        return can_substitute(e->property.of, slot);
    if (e->kind == EXPR_EACH || e->kind == EXPR_QUERY) {
        plan_expr_reads(e, &reads);
        return !plan_slots_has(&reads, slot);
    }
    bool can = true;
    for (size_t i = 0; e->kind == EXPR_CALL && i < e->call.arg_count; i++)
        can &= can_substitute(e->call.args[i], slot);
    return can;
}

static bool keys_can_do_without(const plan_op *sort, plan_slot slot)
{
    bool can = true;
    for (size_t i = 0; i < sort->sort.key_count; i++)
        can &= can_substitute(sort->sort.keys[i].expr, slot);
    return can;
}

/* Of a top-n: what its rows only carry is computed above it. */
static void compute_after_top(plan *p, plan_op **place)
{
    plan_op *sort = *place;
    if (sort->kind != PLAN_SORT || sort->sort.count == PLAN_ALL)
        return;
    plan_slots between = { { 0 } };
    for (plan_op **hole = &sort->input;
         (*hole)->kind == PLAN_LET || (*hole)->kind == PLAN_FILTER;) {
        plan_op *op = *hole;
        if (op->kind == PLAN_FILTER || plan_slots_has(&between, op->let.to) ||
            !keys_can_do_without(sort, op->let.to)) {
            plan_op_reads(op, &between);
            hole = &op->input;
            continue;
        }
        for (size_t i = 0; i < sort->sort.key_count; i++)
            sort->sort.keys[i].expr =
                substitute(p, sort->sort.keys[i].expr, op->let.to, op->let.expr);
        *hole = op->input;
        op->input = sort;
        *place = op;
        place = &op->input;
    }
}

/* ---- All of them ---- */

static void drop_edge_nobody_reads(plan_op *op)
{
    if (op->kind == PLAN_TRAIL && !plan_slots_has(&op->live, op->trail.edges))
        op->trail.edges = PLAN_NO_SLOT;
    if (op->kind == PLAN_EXPAND && op->expand.edge && op->expand.to &&
        !plan_slots_has(&op->live, op->expand.edge))
        op->expand.edge = PLAN_NO_SLOT;
}

static void compute_late(plan *p, plan_op **place)
{
    for (; *place; place = &(*place)->input) {
        for (size_t i = 0; plan_op_branch(*place, i); i++)
            compute_late(p, plan_op_branch(*place, i));
        compute_after_top(p, place);
    }
}

/* Of vertices and edges that were just found none is null: counting them is counting rows. */
static void count_rows(const plan *p, plan_op *op)
{
    for (size_t i = 0; op->kind == PLAN_AGGREGATE && i < op->aggregate.item_count; i++) {
        plan_aggregate *item = &op->aggregate.items[i];
        if (item->kind != AGGREGATE_COUNT || !item->of || item->of->kind != EXPR_SLOT ||
            p->slots[item->of->slot].kind == SLOT_VALUE || op->aggregate.span)
            continue;
        const plan_op *x = op->input;
        while (x && (x->kind == PLAN_DISTINCT || x->kind == PLAN_FILTER || x->kind == PLAN_LET) &&
               !x->per)
            x = x->input;
        bool is_found = x && !x->per &&
                        ((x->kind == PLAN_EXPAND &&
                          (x->expand.to == item->of->slot || x->expand.edge == item->of->slot)) ||
                         (x->kind == PLAN_TRAIL && x->trail.to == item->of->slot));
        if (is_found)
            item->of = NULL;
    }
}

static bool rewrite_shape(plan *p, const graph *g, plan_op **place, error *err)
{
    for (; *place; place = &(*place)->input) {
        for (size_t i = 0; plan_op_branch(*place, i); i++)
            TRY(rewrite_shape(p, g, plan_op_branch(*place, i), err));
        TRY(group_by_reference(p, place, err));
        unwind_map(p, place);
        fuse_edge_end(place);
        sort_to_top(*place);
        count_rows(p, *place);
        if (graph_is_scratch(g))
            continue; /* has no metadata and no columns */
        count_from_metadata(*place);
        TRY(sum_by_pair(p, *place, err));
    }
    return true;
}

bool plan_rewrite_shape(plan *p, const graph *g, plan_op **place, error *err)
{
    TRY(rewrite_shape(p, g, place, err));
    compute_late(p, place);
    return true;
}

void plan_rewrite_live(plan *p, plan_op *op)
{
    for (; op; op = op->input) {
        for (size_t i = 0; plan_op_branch(op, i); i++)
            plan_rewrite_live(p, *plan_op_branch(op, i));
        drop_edge_nobody_reads(op);
        gather_below(p, op);
        plan_rewrite_reach(p, op);
    }
}
