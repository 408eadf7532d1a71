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

/* ---- Tables that a graph in memory has as procedures ---- */

static bool check_table_call(compiler *c, const ast_clause *x, const graph_procedure *p,
                             bool is_whole)
{
    if (!x->call.has_args && p->argument_count && !is_whole)
        return cypher_fail(c, x->span.from, "SyntaxError: InvalidArgumentPassingMode",
                           "a call inside a query writes its arguments: " STR_FMT,
                           STR_ARG(p->signature));
    if (x->call.has_args && x->call.arg_count != p->argument_count)
        return cypher_fail(c, x->span.from, "SyntaxError: InvalidNumberOfArguments",
                           STR_FMT " takes %zu arguments, not %zu", STR_ARG(p->signature),
                           p->argument_count, x->call.arg_count);
    return true;
}

/* An argument as it is written, or the parameter of its name. */
static bool table_argument(compiler *c, const ast_clause *x, const graph_procedure_field *f,
                           size_t i, plan_expr **ret)
{
    static const struct {
        const char *name;
        unsigned types; /* as bits */
    } rules[] = { { "BOOLEAN", 1u << TYPE_BOOL },
                  { "INTEGER", 1u << TYPE_INT },
                  { "FLOAT", 1u << TYPE_INT | 1u << TYPE_FLOAT },
                  { "NUMBER", 1u << TYPE_INT | 1u << TYPE_FLOAT },
                  { "STRING", 1u << TYPE_TEXT },
                  { "LIST", 1u << TYPE_LIST | 1u << TYPE_EDGES },
                  { "MAP", 1u << TYPE_MAP },
                  { "DATE", 1u << TYPE_TIME },
                  { "DATETIME", 1u << TYPE_TIME },
                  { "DURATION", 1u << TYPE_TIME } };
    ast_expr parameter = { .kind = AST_PARAMETER, .span = x->span, .name = f->name };
    type t;
    TRY(cypher_expression(c, x->call.has_args ? x->call.args[i] : &parameter, ret, &t));
    for (size_t k = 0; k < ARRAY_LEN(rules); k++)
        if (str_eq(str_of(f->type), str_of(rules[k].name)) && t != TYPE_ANY && t != TYPE_NULL &&
            !(rules[k].types >> t & 1))
            return cypher_fail(c, x->call.has_args ? x->call.args[i]->span.from : x->span.from,
                               "SyntaxError: InvalidArgumentType",
                               STR_FMT " takes a value of type "
                                       "%s",
                               STR_ARG(f->name), f->type);
    return true;
}

/* Its rows, those left whose first cells are the arguments; a table without columns gives nothing
 * and takes no row away. */
static bool call_table(compiler *c, const ast_clause *x, const graph_procedure *p, bool is_whole,
                       given *ret)
{
    plan *plan = c->plan;
    plan_slot row;
    TRY(check_table_call(c, x, p, is_whole));
    plan_expr **args = arena_array_of(c->arena, plan_expr *, p->argument_count + 1);
    for (size_t i = 0; i < p->argument_count; i++)
        TRY(table_argument(c, x, &p->fields[i], i, &args[i]));
    if (!p->column_count)
        return true;
    TRY(plan_slot_new(plan, STR(""), SLOT_VALUE, &row, c->err));
    plan_op *op = cypher_add_op(c, PLAN_UNWIND, x->span.from);
    op->unwind.list = plan_literal(plan, value_copy(c->arena, &p->rows));
    op->unwind.to = row;
    for (size_t i = 0; i < p->argument_count + p->column_count; i++) {
        plan_expr *cell =
            plan_call(plan, FN_ITEM, plan_slot_expr(plan, row), plan_literal_int(plan, (int64_t)i));
        if (i < p->argument_count) {
            plan_expr *are_null = plan_call(plan, FN_AND, plan_call(plan, FN_IS_NULL, cell),
                                            plan_call(plan, FN_IS_NULL, args[i]));
            cypher_filter(c,
                          plan_call(plan, FN_OR, plan_call(plan, FN_EQ, cell, args[i]), are_null),
                          x->span.from);
            continue;
        }
        variable v = { .name = p->fields[i].name };
        TRY(plan_slot_new(plan, v.name, SLOT_VALUE, &v.slot, c->err));
        cypher_let(c, v.slot, cell, x->span.from);
        vec_push(c->arena, ret, v);
    }
    return true;
}

/* ---- The clause ---- */

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

/* All columns that are not named otherwise; a node is answered by its id where nothing is asked. */
static bool yield_all(compiler *c, const ast_clause *x, bool is_whole, bool has_nodes, bool is_lax,
                      const given *all)
{
    if (x->call.is_star && !is_whole && !is_lax)
        return cypher_fail(c, x->span.from, "SyntaxError: UnexpectedSyntax",
                           "YIELD * stands in a call that is the whole query; inside of one YIELD "
                           "names the columns");
    if (!x->call.has_yield && !is_whole && all->count && !x->call.where && !is_lax)
        return cypher_fail(c, x->span.from, "SyntaxError: UndefinedVariable",
                           "YIELD names the columns of a call inside a query");
    for (size_t i = 0; i < all->count; i++)
        if (!has_nodes || i > 0 || all->items[i].type != TYPE_NODE)
            vec_push(c->arena, &c->scope, all->items[i]);
    return true;
}

bool cypher_call(compiler *c, const ast_clause *x, bool is_whole)
{
    const plan_procedure *p = plan_procedure_find(x->call.name);
    const metadata *m = metadata_find(x->call.name);
    const graph_procedure *table = graph_find_procedure(c->graph, x->call.name);
    given all = { 0 };
    if (!p && !m && !table)
        return cypher_fail(c, x->span.from, "ProcedureError: ProcedureNotFound",
                           "there is no procedure " STR_FMT "; the nearest is %s",
                           STR_ARG(x->call.name), plan_procedure_nearest(x->call.name));
    for (size_t i = 0; i < x->call.arg_count; i++)
        if (cypher_has_aggregate(x->call.args[i]))
            return cypher_fail(c, x->span.from, "SyntaxError: InvalidAggregation",
                               "aggregates cannot stand in the arguments of a procedure");
    if (table)
        TRY(call_table(c, x, table, is_whole, &all));
    else
        TRY(p ? call_plan(c, x, p, &all) : call_metadata(c, x, m, &all));
    if (!x->call.has_yield || x->call.is_star)
        TRY(yield_all(c, x, is_whole, p && !table, m && !table, &all));
    for (size_t i = 0; i < x->call.yield_count; i++)
        TRY(yield_one(c, &all, &x->call.yields[i]));
    if (x->call.where) {
        plan_expr *where;
        TRY(cypher_condition(c, x->call.where, &where));
        cypher_filter(c, where, x->span.from);
    }
    return true;
}
