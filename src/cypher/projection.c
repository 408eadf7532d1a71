/* RETURN and WITH: items, aggregation, order, window. */
#include "cypher/internal.h"

typedef struct item {
    str name;
    plan_expr *expr;
    bool is_aggregate;
} item;

static bool parse_item(compiler *c, item *ret)
{
    cypher_skip_blanks(c);
    size_t from = c->at, before = c->aggregates->count;
    TRY(cypher_parse_expression(c, &ret->expr));
    ret->name = str_trim(str_slice(c->text, from, c->at));
    ret->is_aggregate = c->aggregates->count > before;
    if (cypher_take_word(c, "AS"))
        TRY(cypher_parse_name(c, "a name", &ret->name));
    return true;
}

static bool parse_window(compiler *c, const char *word, uint64_t *ret)
{
    plan_expr *e;
    if (!cypher_take_word(c, word))
        return true;
    cypher_skip_blanks(c);
    if (c->at >= c->text.len || c->text.data[c->at] < '0' || c->text.data[c->at] > '9')
        return cypher_fail_here(c, "a whole number");
    TRY(cypher_parse_number(c, &e));
    if (e->literal.kind != VALUE_INT)
        return cypher_fail_here(c, "a whole number");
    *ret = (uint64_t)e->literal.integer;
    return true;
}

static bool parse_order(compiler *c)
{
    VEC(plan_key) keys = { 0 };
    if (!cypher_take_word(c, "ORDER"))
        return true;
    if (!cypher_take_word(c, "BY"))
        return cypher_fail_here(c, "BY");
    do {
        plan_key k = { 0 };
        TRY(cypher_parse_expression(c, &k.expr));
        k.is_descending = cypher_take_word(c, "DESC") || cypher_take_word(c, "DESCENDING");
        if (!k.is_descending && !cypher_take_word(c, "ASC"))
            cypher_take_word(c, "ASCENDING");
        vec_push(c->arena, &keys, k);
    } while (cypher_take(c, ",") && keys.count < 16);
    plan_op *op = cypher_add_op(c, PLAN_SORT);
    op->sort.keys = keys.items;
    op->sort.key_count = keys.count;
    op->sort.count = PLAN_ALL;
    return true;
}

/* count(DISTINCT x): the distinct x of each group first, then their count. */
static bool distinct_before_count(compiler *c, const item *items, size_t count)
{
    VEC(plan_key) keys = { 0 };
    for (size_t i = 0; i < count; i++)
        if (!items[i].is_aggregate)
            vec_push(c->arena, &keys, (plan_key){ .expr = items[i].expr });
    vec_push(c->arena, &keys, (plan_key){ .expr = c->distinct_of });
    if (c->aggregates->count > 1)
        return fail_at(
            c->err, STR("cypher"), c->text, c->at,
            "count(DISTINCT …) beside other aggregates cannot be answered by this version");
    plan_op *op = cypher_add_op(c, PLAN_DISTINCT);
    op->distinct.keys = keys.items;
    op->distinct.key_count = keys.count;
    return true;
}

static bool add_items(compiler *c, item *items, size_t count)
{
    VEC(plan_key) keys = { 0 };
    VEC(plan_column) columns = { 0 };
    bool has_aggregates = c->aggregates->count > 0;
    if (count > 15)
        return fail_at(c->err, STR("cypher"), c->text, c->at,
                       "RETURN of more than 15 items cannot be answered by this version");
    if (c->is_distinct_count)
        TRY(distinct_before_count(c, items, count));
    for (size_t i = 0; i < count; i++) {
        plan_slot to;
        TRY(plan_slot_new(c->plan, items[i].name, plan_expr_kind_of(c->plan, items[i].expr), &to,
                          c->err));
        if (has_aggregates && !items[i].is_aggregate)
            vec_push(c->arena, &keys, (plan_key){ .expr = items[i].expr, .to = to });
        vec_push(c->arena, &columns, (plan_column){ items[i].name, to });
    }
    if (has_aggregates) {
        plan_op *op = cypher_add_op(c, PLAN_AGGREGATE);
        op->aggregate.keys = keys.items;
        op->aggregate.key_count = keys.count;
        op->aggregate.items = c->aggregates->items;
        op->aggregate.item_count = c->aggregates->count;
    }
    for (size_t i = 0; i < count; i++) {
        if (has_aggregates && !items[i].is_aggregate)
            continue;
        plan_op *op = cypher_add_op(c, PLAN_LET);
        op->let.to = columns.items[i].slot;
        op->let.expr = items[i].expr;
    }
    c->variables.count = has_aggregates ? 0 : c->variables.count;
    for (size_t i = 0; i < count; i++)
        vec_push(c->arena, &c->variables, (variable){ items[i].name, columns.items[i].slot });
    c->plan->columns = columns.items;
    c->plan->column_count = columns.count;
    return true;
}

bool cypher_parse_projection(compiler *c, bool is_with)
{
    VEC(item) items = { 0 };
    aggregate_list aggregates = { 0 };
    bool is_distinct = cypher_take_word(c, "DISTINCT");
    c->aggregates = &aggregates;
    c->is_distinct_count = false;
    c->distinct_of = NULL;
    size_t variables = c->variables.count;
    if (cypher_take(c, "*")) {
        for (size_t i = 0; i < variables; i++) {
            item x = { c->variables.items[i].name,
                       plan_slot_expr(c->plan, c->variables.items[i].slot), false };
            if (cypher_find_variable(c, x.name) == c->variables.items[i].slot)
                vec_push(c->arena, &items, x);
        }
        if (items.count == 0)
            return cypher_fail_here(c, "a variable: there is none for * to stand for");
    }
    while (items.count == 0 || cypher_take(c, ",")) {
        item x;
        TRY(parse_item(c, &x));
        vec_push(c->arena, &items, x);
    }
    TRY(add_items(c, items.items, items.count));
    c->aggregates = NULL;
    if (is_distinct) {
        VEC(plan_key) keys = { 0 };
        for (size_t i = 0; i < c->plan->column_count; i++)
            vec_push(c->arena, &keys,
                     (plan_key){ .expr = plan_slot_expr(c->plan, c->plan->columns[i].slot) });
        plan_op *op = cypher_add_op(c, PLAN_DISTINCT);
        op->distinct.keys = keys.items;
        op->distinct.key_count = keys.count;
    }
    uint64_t skip = 0, limit = PLAN_ALL;
    TRY(parse_order(c));
    TRY(parse_window(c, "SKIP", &skip));
    TRY(parse_window(c, "LIMIT", &limit));
    if (skip || limit != PLAN_ALL) {
        plan_op *op = cypher_add_op(c, PLAN_SLICE);
        op->slice.skip = skip;
        op->slice.count = limit;
    }
    if (!is_with)
        return true;
    plan_expr *where;
    size_t kept = c->variables.count - items.count; /* only what WITH names is known behind it */
    memmove(c->variables.items, c->variables.items + kept, items.count * sizeof(variable));
    c->variables.count = items.count;
    if (cypher_take_word(c, "WHERE")) {
        TRY(cypher_parse_expression(c, &where));
        cypher_filter(c, where);
    }
    return true;
}
