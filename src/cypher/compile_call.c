/* CALL: algorithms and searches of the plan, and metadata, which is known when compiling. */
#include "cypher/internal.h"
#include "cypher/procedure.h"

/* Columns that a call gives, before YIELD names them. */
typedef VEC(variable) given;

static bool call_plan(compiler *c, const ast_clause *x, const plan_procedure *p, given *ret)
{
    plan_expr *options = plan_literal_null(c->plan);
    type ignored;
    if (x->call.arg_count > 1)
        return cypher_fail(c, x->span.from, "SyntaxError: InvalidNumberOfArguments",
                           "%s takes one map of options", p->names[0]);
    if (x->call.arg_count)
        TRY(cypher_expression(c, x->call.args[0], &options, &ignored));
    plan_op *op = cypher_add_op(c, PLAN_CALL, x->span.from);
    op->call.procedure = p;
    op->call.options = options;
    for (size_t i = 0; i < PROCEDURE_COLUMNS && p->columns[i].name; i++) {
        str name = str_of(p->columns[i].name);
        bool is_node = p->columns[i].kind == SLOT_VERTEX;
        TRY(plan_slot_new(c->plan, name, p->columns[i].kind, &op->call.to[i], c->err));
        vec_push(c->arena, ret, (variable){ name, op->call.to[i], is_node ? TYPE_NODE : TYPE_ANY });
        if (is_node && i == 0) {
            variable id = { .name = STR("id") };
            TRY(plan_slot_new(c->plan, id.name, SLOT_VALUE, &id.slot, c->err));
            cypher_let(c, id.slot,
                       plan_call(c->plan, FN_ID, plan_slot_expr(c->plan, op->call.to[i])),
                       x->span.from);
            vec_push(c->arena, ret, id);
        }
    }
    return true;
}

typedef struct row_list {
    arena *arena;
    size_t width;
    VEC(value) rows;
} row_list;

static void add_row(void *context, const value *cells)
{
    row_list *l = context;
    value *copy = arena_array_of(l->arena, value, l->width);
    for (size_t i = 0; i < l->width; i++)
        copy[i] = value_copy(l->arena, &cells[i]);
    vec_push(l->arena, &l->rows, value_list(copy, l->width));
}

static bool call_metadata(compiler *c, const ast_clause *x, const metadata *m, given *ret)
{
    row_list all = { .arena = c->arena };
    VEC(str) names = { 0 };
    str rest = str_of(m->columns);
    while (rest.len) {
        str name = str_cut(&rest, ' ');
        vec_push(c->arena, &names, name);
    }
    all.width = names.count;
    m->rows(c->graph, c->arena, add_row, &all);
    plan_slot row;
    TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &row, c->err));
    plan_op *op = cypher_add_op(c, PLAN_UNWIND, x->span.from);
    op->unwind.list = plan_literal(c->plan, value_list(all.rows.items, all.rows.count));
    op->unwind.to = row;
    for (size_t i = 0; i < names.count; i++) {
        variable v = { .name = names.items[i] };
        TRY(plan_slot_new(c->plan, v.name, SLOT_VALUE, &v.slot, c->err));
        cypher_let(c, v.slot,
                   plan_call(c->plan, FN_ITEM, plan_slot_expr(c->plan, row),
                             plan_literal_int(c->plan, (int64_t)i)),
                   x->span.from);
        vec_push(c->arena, ret, v);
    }
    return true;
}

static bool yield_one(compiler *c, const given *all, const ast_item *item)
{
    strbuf there = strbuf_new(c->arena);
    if (cypher_find(c, item->name))
        return cypher_fail(c, item->expr->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(item->name));
    for (size_t i = 0; i < all->count; i++) {
        strbuf_format(&there, "%s" STR_FMT, i ? ", " : "", STR_ARG(all->items[i].name));
        if (!str_eq_nocase(all->items[i].name, item->expr->name))
            continue;
        variable v = all->items[i];
        v.name = item->name;
        vec_push(c->arena, &c->scope, v);
        return true;
    }
    return cypher_fail(c, item->expr->span.from, "SyntaxError: UndefinedVariable",
                       "there is no column '" STR_FMT "'; the call yields: " STR_FMT,
                       STR_ARG(item->expr->name), STR_ARG(strbuf_str(&there)));
}

bool cypher_call(compiler *c, const ast_clause *x, bool is_whole)
{
    const plan_procedure *p = plan_procedure_find(x->call.name);
    const metadata *m = metadata_find(x->call.name);
    given all = { 0 };
    if (!p && !m)
        return cypher_fail(c, x->span.from, "ProcedureError: ProcedureNotFound",
                           "there is no procedure " STR_FMT "; the nearest is %s",
                           STR_ARG(x->call.name), plan_procedure_nearest(x->call.name));
    for (size_t i = 0; i < x->call.arg_count; i++)
        if (cypher_has_aggregate(x->call.args[i]))
            return cypher_fail(c, x->span.from, "SyntaxError: InvalidAggregation",
                               "aggregates cannot stand in the arguments of a procedure");
    TRY(p ? call_plan(c, x, p, &all) : call_metadata(c, x, m, &all));
    if (!x->call.has_yield || x->call.is_star) {
        if (!x->call.has_yield && !is_whole && all.count && !x->call.where && p)
            return cypher_fail(c, x->span.from, "SyntaxError: UndefinedVariable",
                               "YIELD names the columns of a call inside a query");
        for (size_t i = 0; i < all.count;
             i++) { /* a node is answered by its id where nothing is asked */
            bool is_node = p && all.items[i].type == TYPE_NODE && i == 0;
            if (!is_node)
                vec_push(c->arena, &c->scope, all.items[i]);
        }
    }
    for (size_t i = 0; i < x->call.yield_count; i++)
        TRY(yield_one(c, &all, &x->call.yields[i]));
    if (x->call.where) {
        plan_expr *where;
        TRY(cypher_condition(c, x->call.where, &where));
        cypher_filter(c, where, x->span.from);
    }
    return true;
}
