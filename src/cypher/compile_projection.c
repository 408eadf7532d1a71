/* RETURN and WITH: columns, aggregation, order, window. */
#include "cypher/internal.h"

typedef struct shown {
    str name;
    const ast_expr *expr; /* NULL: of *, a variable that is there */
    variable known;
    bool is_aggregate;
    plan_slot slot;
    type type;
} shown;

typedef VEC(shown) columns;

typedef struct projection {
    compiler *c;
    const ast_projection *ast;
    size_t offset;
    columns columns;
    bool aggregates;
    VEC(plan_key) keys; /* of the aggregation */
    replacements groups;
    aggregation aggregation;
    VEC(plan_key) order;
} projection;

static bool add_star(projection *p, bool is_with)
{
    compiler *c = p->c;
    for (size_t i = 0; i < c->scope.count; i++) {
        variable v = c->scope.items[i];
        if (cypher_find(c, v.name) == &c->scope.items[i])
            vec_push(c->arena, &p->columns, (shown){ .name = v.name, .known = v });
    }
    if (p->columns.count == 0 && !is_with)
        return cypher_fail(c, p->offset, "SyntaxError: NoVariablesInScope",
                           "there is no variable for * to stand for");
    return true;
}

static bool read_columns(projection *p, bool is_with)
{
    compiler *c = p->c;
    if (p->ast->is_star)
        TRY(add_star(p, is_with));
    for (size_t i = 0; i < p->ast->count; i++) {
        const ast_item *x = &p->ast->items[i];
        shown k = { .name = x->name,
                    .expr = x->expr,
                    .is_aggregate = cypher_has_aggregate(x->expr) };
        bool has_order = p->ast->order_count && cypher_has_aggregate(p->ast->order[0].expr);
        if (is_with && !x->has_alias && x->expr->kind != AST_VARIABLE && !has_order)
            return cypher_fail(c, x->expr->span.from, "SyntaxError: NoExpressionAlias",
                               "an expression in WITH needs a name: … AS name");
        p->aggregates |= k.is_aggregate;
        vec_push(c->arena, &p->columns, k);
    }
    for (size_t i = 0; i < p->columns.count; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(p->columns.items[i].name, p->columns.items[k].name))
                return cypher_fail(c, p->offset, "SyntaxError: ColumnNameConflict",
                                   "two columns are called `" STR_FMT "`",
                                   STR_ARG(p->columns.items[i].name));
    return true;
}

static bool column_expr(projection *p, shown *k, plan_expr **ret)
{
    compiler *c = p->c;
    if (k->expr)
        return cypher_expression(c, k->expr, ret, &k->type);
    *ret = plan_slot_expr(c->plan, k->known.slot);
    k->type = k->known.type;
    return true;
}

/* A slot of its own, unless it is one already. */
static bool put_column(projection *p, shown *k, plan_expr *x)
{
    compiler *c = p->c;
    k->slot = x->kind == EXPR_SLOT ? x->slot : PLAN_NO_SLOT;
    if (k->slot)
        return true;
    TRY(plan_slot_new(c->plan, k->name, plan_expr_kind_of(c->plan, x), &k->slot, c->err));
    cypher_let(c, k->slot, x, k->expr->span.from);
    return true;
}

static bool plain_columns(projection *p)
{
    plan_expr **all = arena_array_of(p->c->arena, plan_expr *, p->columns.count);
    for (size_t i = 0; i < p->columns.count; i++)
        TRY(column_expr(p, &p->columns.items[i], &all[i]));
    for (size_t i = 0; i < p->columns.count; i++)
        TRY(put_column(p, &p->columns.items[i], all[i]));
    return true;
}

/* ---- Aggregation ---- */

static bool is_simple(const ast_expr *e)
{
    return !e || e->kind == AST_VARIABLE ||
           (e->kind == AST_PROPERTY && e->property.of->kind == AST_VARIABLE);
}

static bool group_columns(projection *p)
{
    compiler *c = p->c;
    for (size_t i = 0; i < p->columns.count; i++) {
        shown *k = &p->columns.items[i];
        plan_expr *x;
        if (k->is_aggregate)
            continue;
        TRY(column_expr(p, k, &x));
        TRY(plan_slot_new(c->plan, k->name, plan_expr_kind_of(c->plan, x), &k->slot, c->err));
        vec_push(c->arena, &p->keys, (plan_key){ .expr = x, .to = k->slot });
        str text = k->expr ? str_slice(c->text, k->expr->span.from, k->expr->span.to) : k->name;
        vec_push(c->arena, &p->groups, (replacement){ text, k->slot, k->type, is_simple(k->expr) });
    }
    return true;
}

/* count(DISTINCT x) alone: the distinct rows are counted; beside others the values are collected.
 */
static void settle_distinct(projection *p, plan_op *aggregate)
{
    compiler *c = p->c;
    if (p->aggregation.distinct.count == 1 && p->aggregation.items.count == 1) {
        distinct_count *d = &p->aggregation.distinct.items[0];
        plan_op *distinct = plan_op_new(c->plan, PLAN_DISTINCT, aggregate->input, p->offset);
        VEC(plan_key) keys = { 0 };
        for (size_t i = 0; i < p->keys.count; i++)
            vec_push(c->arena, &keys, (plan_key){ .expr = p->keys.items[i].expr });
        vec_push(c->arena, &keys, (plan_key){ .expr = d->of });
        distinct->distinct.keys = keys.items;
        distinct->distinct.key_count = keys.count;
        aggregate->input = distinct;
        aggregate->aggregate.items[0].kind = AGGREGATE_COUNT;
        aggregate->aggregate.items[0].to = d->to;
        return;
    }
    for (size_t i = 0; i < p->aggregation.distinct.count; i++) {
        distinct_count *d = &p->aggregation.distinct.items[i];
        plan_expr *x = plan_slot_expr(c->plan, d->collected);
        x = cypher_named(c, ".distinct", &x, 1);
        cypher_let(c, d->to, cypher_named(c, "size", &x, 1), p->offset);
    }
}

static bool aggregated_columns(projection *p)
{
    compiler *c = p->c;
    plan_expr **all = arena_array_of(c->arena, plan_expr *, p->columns.count);
    TRY(group_columns(p));
    c->aggregation = &p->aggregation;
    c->groups = &p->groups;
    c->local_from = c->scope.count;
    for (size_t i = 0; i < p->columns.count; i++)
        if (p->columns.items[i].is_aggregate)
            TRY(column_expr(p, &p->columns.items[i], &all[i]));
    c->aggregation = NULL;
    c->groups = NULL;
    plan_op *op = cypher_add_op(c, PLAN_AGGREGATE, p->offset);
    op->aggregate.keys = p->keys.items;
    op->aggregate.key_count = p->keys.count;
    op->aggregate.items = p->aggregation.items.items;
    op->aggregate.item_count = p->aggregation.items.count;
    settle_distinct(p, op);
    for (size_t i = 0; i < p->columns.count; i++)
        if (p->columns.items[i].is_aggregate)
            TRY(put_column(p, &p->columns.items[i], all[i]));
    return true;
}

/* ---- Order and window ---- */

/* Columns by the text of their expressions. */
static replacements columns_by_text(projection *p)
{
    replacements ready = { 0 };
    for (size_t i = 0; i < p->columns.count; i++) {
        const shown *k = &p->columns.items[i];
        if (k->expr && k->expr->kind != AST_LITERAL)
            vec_push(p->c->arena, &ready,
                     (replacement){ str_slice(p->c->text, k->expr->span.from, k->expr->span.to),
                                    k->slot, k->type, true });
    }
    return ready;
}

/* Beside an aggregate only simple columns may stand, not the text of a whole one. */
static bool check_order(projection *p, const ast_expr *e, const ast_expr *whole)
{
    compiler *c = p->c;
    if (!p->aggregates || !cypher_has_aggregate(whole) || e->kind != AST_OPERATOR)
        return true;
    for (size_t i = 0; i < e->op.count; i++) {
        const ast_expr *x = e->op.args[i];
        str text = str_slice(c->text, x->span.from, x->span.to);
        for (size_t k = 0; k < p->columns.count; k++) {
            const ast_expr *of = p->columns.items[k].expr;
            bool is_complex = of && !p->columns.items[k].is_aggregate && !is_simple(of);
            if (is_complex && str_eq(text, str_slice(c->text, of->span.from, of->span.to)))
                return cypher_fail(
                    c, x->span.from, "SyntaxError: AmbiguousAggregationExpression",
                    "an expression that rows are grouped by cannot be part of one that aggregates");
        }
        TRY(check_order(p, x, whole));
    }
    return true;
}

static bool add_order(projection *p)
{
    compiler *c = p->c;
    replacements ready = columns_by_text(p);
    VEC(plan_key) keys = { 0 };
    for (size_t i = 0; i < p->ast->order_count; i++) {
        plan_expr *x;
        type t;
        const ast_expr *e = p->ast->order[i].expr;
        const variable *named = e->kind == AST_VARIABLE ? cypher_find(c, e->name) : NULL;
        bool is_column = false;
        for (size_t k = 0; named && k < p->columns.count; k++)
            is_column |= str_eq(p->columns.items[k].name, e->name);
        c->ready = is_column ? NULL : &ready;
        c->is_ordering = p->aggregates;
        TRY(check_order(p, e, e));
        TRY(cypher_expression(c, e, &x, &t));
        c->ready = NULL;
        c->is_ordering = false;
        vec_push(c->arena, &keys,
                 (plan_key){ .expr = x, .is_descending = p->ast->order[i].is_descending });
    }
    plan_op *op = cypher_add_op(c, PLAN_SORT, p->offset);
    op->sort.keys = keys.items;
    op->sort.key_count = keys.count;
    op->sort.count = PLAN_ALL;
    return true;
}

static bool window(compiler *c, const ast_expr *e, const char *word, uint64_t otherwise,
                   uint64_t *ret)
{
    value v;
    *ret = otherwise;
    if (!e)
        return true;
    if (cypher_has_variable(e))
        return cypher_fail(c, e->span.from, "SyntaxError: NonConstantExpression",
                           "%s takes a whole number that does not depend on rows", word);
    TRY(cypher_constant(c, e, &v));
    if (v.kind != VALUE_INT)
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                           "%s takes a whole number", word);
    if (v.integer < 0)
        return cypher_fail(c, e->span.from, "SyntaxError: NegativeIntegerArgument",
                           "%s takes a number from 0", word);
    *ret = (uint64_t)v.integer;
    return true;
}

static bool add_window(projection *p)
{
    compiler *c = p->c;
    uint64_t skip, limit;
    TRY(window(c, p->ast->skip, "SKIP", 0, &skip));
    TRY(window(c, p->ast->limit, "LIMIT", PLAN_ALL, &limit));
    if (c->writes) /* all changes happen, whatever is shown */
        cypher_add_op(c, PLAN_EAGER, p->offset);
    if (skip == 0 && limit == PLAN_ALL)
        return true;
    if (c->writes && limit == 0) { /* a window of nothing would not even begin to read */
        cypher_filter(c, plan_literal_bool(c->plan, false), p->offset);
        return true;
    }
    plan_op *op = cypher_add_op(c, PLAN_SLICE, p->offset);
    op->slice.skip = skip;
    op->slice.count = limit;
    return true;
}

static void add_distinct(projection *p)
{
    compiler *c = p->c;
    VEC(plan_key) keys = { 0 };
    for (size_t i = 0; i < p->columns.count; i++)
        vec_push(c->arena, &keys,
                 (plan_key){ .expr = plan_slot_expr(c->plan, p->columns.items[i].slot) });
    if (keys.count == 0)
        return;
    plan_op *op = cypher_add_op(c, PLAN_DISTINCT, p->offset);
    op->distinct.keys = keys.items;
    op->distinct.key_count = keys.count;
}

bool cypher_projection(compiler *c, const ast_clause *clause, bool is_with)
{
    projection p = { .c = c, .ast = &clause->projection, .offset = clause->span.from };
    TRY(read_columns(&p, is_with));
    for (size_t i = 0; i < p.ast->order_count && !p.aggregates; i++)
        if (cypher_has_aggregate(p.ast->order[i].expr))
            return cypher_fail(c, p.ast->order[i].expr->span.from,
                               "SyntaxError: InvalidAggregation",
                               "ORDER BY cannot aggregate where the columns do not");
    TRY(p.aggregates ? aggregated_columns(&p) : plain_columns(&p));
    scope after = { 0 };
    bool sees_before = !p.aggregates && !p.ast->is_distinct;
    if (sees_before)
        for (size_t i = 0; i < c->scope.count; i++)
            vec_push(c->arena, &after, c->scope.items[i]);
    size_t own = after.count;
    for (size_t i = 0; i < p.columns.count; i++)
        vec_push(c->arena, &after,
                 (variable){ p.columns.items[i].name, p.columns.items[i].slot,
                             p.columns.items[i].type });
    c->scope = after;
    if (p.ast->is_distinct)
        add_distinct(&p);
    if (p.ast->order_count)
        TRY(add_order(&p));
    TRY(add_window(&p));
    if (p.ast->where) {
        plan_expr *x;
        if (cypher_has_aggregate(p.ast->where))
            return cypher_fail(c, p.ast->where->span.from, "SyntaxError: InvalidAggregation",
                               "aggregates cannot stand in WHERE");
        replacements ready = columns_by_text(&p);
        c->ready = sees_before ? NULL : &ready;
        TRY(cypher_condition(c, p.ast->where, &x));
        c->ready = NULL;
        cypher_filter(c, x, p.ast->where->span.from);
    }
    c->scope.items += own;
    c->scope.count -= own;
    c->scope.capacity -= own;
    return true;
}
