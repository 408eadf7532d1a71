/* Clauses, one after the other, become operators. */
#include "cypher/internal.h"

#include <stdio.h>

bool cypher_fail(compiler *c, size_t offset, const char *detail, const char *format, ...)
{
    char what[768];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    c->err->detail = detail;
    return fail_at(c->err, STR("cypher"), c->text, offset, "%s", what);
}

const variable *cypher_find(const compiler *c, str name)
{
    for (size_t i = c->scope.count; i-- > 0;) /* the newest of a name */
        if (str_eq(c->scope.items[i].name, name))
            return &c->scope.items[i];
    return NULL;
}

bool cypher_bind(compiler *c, str name, type t, plan_slot_kind kind, plan_slot *ret)
{
    TRY(plan_slot_new(c->plan, name, kind, ret, c->err));
    vec_push(c->arena, &c->scope, (variable){ name, *ret, t });
    return true;
}

plan_op *cypher_add_op(compiler *c, plan_op_kind kind, size_t offset)
{
    c->op = plan_op_new(c->plan, kind, c->op, offset);
    return c->op;
}

void cypher_filter(compiler *c, plan_expr *e, size_t offset)
{
    cypher_add_op(c, PLAN_FILTER, offset)->predicate = e;
}

void cypher_let(compiler *c, plan_slot to, plan_expr *e, size_t offset)
{
    plan_op *op = cypher_add_op(c, PLAN_LET, offset);
    op->let.to = to;
    op->let.expr = e;
}

static plan_op *apply(compiler *c, plan_op *outer, plan_apply_mode mode, size_t offset)
{
    plan_op **branch = arena_copy(c->arena, &c->op, sizeof c->op);
    c->op = outer;
    plan_op *op = cypher_add_op(c, PLAN_APPLY, offset);
    op->branches.mode = mode;
    op->branches.items = branch;
    op->branches.count = 1;
    return op;
}

/* OPTIONAL MATCH: a sub-plan for each row; without a match its variables are null. */
static bool match(compiler *c, const ast_clause *x)
{
    plan_op *outer = c->op;
    c->reads = true;
    if (!x->match.is_optional)
        return cypher_match(c, x->match.paths, x->match.count, x->match.where);
    c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, x->span.from);
    TRY(cypher_match(c, x->match.paths, x->match.count, x->match.where));
    apply(c, outer, APPLY_OPTIONAL, x->span.from);
    return true;
}

static bool unwind(compiler *c, const ast_clause *x)
{
    plan_expr *list;
    plan_slot to;
    type t;
    if (cypher_has_aggregate(x->unwind.list))
        return cypher_fail(c, x->span.from, "SyntaxError: InvalidAggregation",
                           "aggregates cannot stand in UNWIND");
    TRY(cypher_expression(c, x->unwind.list, &list, &t));
    if (cypher_find(c, x->unwind.variable))
        return cypher_fail(c, x->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(x->unwind.variable));
    TRY(cypher_bind(c, x->unwind.variable, TYPE_ANY, SLOT_VALUE, &to));
    plan_op *op = cypher_add_op(c, PLAN_UNWIND, x->span.from);
    op->unwind.list = list;
    op->unwind.to = to;
    return true;
}

/* CALL { … }: for each row the rows of the sub-query beside it. */
static bool sub_query(compiler *c, const ast_clause *x)
{
    scope outer = c->scope, columns;
    plan_op *before = c->op;
    bool has_rows;
    c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, x->span.from);
    c->scope = (scope){ 0 };
    const ast_single *first = x->subquery.query->parts;
    bool imports_by_with = !x->subquery.has_imports && first->clauses[0].kind == CLAUSE_WITH;
    for (size_t i = 0; i < outer.count; i++) {
        bool is_seen = imports_by_with || x->subquery.imports_all;
        for (size_t k = 0; k < x->subquery.import_count; k++)
            is_seen |= str_eq(x->subquery.imports[k], outer.items[i].name);
        if (is_seen)
            vec_push(c->arena, &c->scope, outer.items[i]);
    }
    TRY(cypher_query(c, x->subquery.query, &columns, &has_rows));
    if (!has_rows)
        cypher_add_op(c, PLAN_NOTHING, x->span.from);
    apply(c, before, has_rows ? APPLY_EACH : APPLY_OPTIONAL, x->span.from);
    c->scope = (scope){ 0 };
    for (size_t i = 0; i < outer.count; i++)
        vec_push(c->arena, &c->scope, outer.items[i]);
    for (size_t i = 0; has_rows && i < columns.count; i++) {
        if (cypher_find(c, columns.items[i].name))
            return cypher_fail(c, x->span.from, "SyntaxError: VariableAlreadyBound",
                               "`" STR_FMT "` is defined already", STR_ARG(columns.items[i].name));
        vec_push(c->arena, &c->scope, columns.items[i]);
    }
    return true;
}

bool cypher_clause(compiler *c, const ast_clause *x, bool is_whole)
{
    switch (x->kind) {
    case CLAUSE_MATCH: return match(c, x);
    case CLAUSE_UNWIND: return unwind(c, x);
    case CLAUSE_WITH: return cypher_projection(c, x, true);
    case CLAUSE_RETURN: return cypher_projection(c, x, false);
    case CLAUSE_CALL: return cypher_call(c, x, is_whole);
    case CLAUSE_SUBQUERY: return sub_query(c, x);
    case CLAUSE_CREATE: return cypher_create(c, x);
    case CLAUSE_MERGE: return cypher_merge(c, x);
    case CLAUSE_SET:
    case CLAUSE_REMOVE: return cypher_set(c, x->set.items, x->set.count, x->span.from);
    case CLAUSE_DELETE: return cypher_delete(c, x);
    case CLAUSE_FOREACH: return cypher_foreach(c, x);
    }
    return true;
}

static bool is_writing(ast_clause_kind kind)
{
    return kind >= CLAUSE_CREATE;
}

/* RETURN stands last; after changes reading goes on behind WITH. */
static bool check_order(compiler *c, const ast_single *s, bool is_inner)
{
    static const char detail[] = "SyntaxError: InvalidClauseComposition";
    bool has_written = false;
    for (size_t i = 0; i < s->count; i++) {
        const ast_clause *x = &s->clauses[i];
        if (x->kind == CLAUSE_RETURN && i + 1 < s->count)
            return cypher_fail(c, s->clauses[i + 1].span.from, detail, "RETURN stands last");
        has_written = x->kind == CLAUSE_WITH ? false : has_written || is_writing(x->kind);
        bool reads = x->kind == CLAUSE_MATCH || x->kind == CLAUSE_UNWIND;
        if (has_written && reads)
            return cypher_fail(c, x->span.from, detail,
                               "WITH stands between what changes the graph and what reads it");
    }
    ast_clause_kind last = s->clauses[s->count - 1].kind;
    bool is_fine = last == CLAUSE_RETURN || is_writing(last) || last == CLAUSE_SUBQUERY ||
                   (last == CLAUSE_CALL) || (is_inner && last == CLAUSE_MATCH);
    return is_fine ? true
                   : cypher_fail(c, s->clauses[s->count - 1].span.from, detail,
                                 "a query ends with RETURN or with a change");
}

static bool compile_single(compiler *c, const ast_single *s, bool is_inner, scope *ret_columns,
                           bool *ret_has_rows)
{
    ast_clause_kind last = s->clauses[s->count - 1].kind;
    TRY(check_order(c, s, is_inner));
    for (size_t i = 0; i < s->count; i++)
        TRY(cypher_clause(c, &s->clauses[i], s->count == 1));
    *ret_has_rows = last == CLAUSE_RETURN || last == CLAUSE_MATCH ||
                    (last == CLAUSE_CALL && s->count == 1 && c->scope.count);
    *ret_columns = c->scope;
    return true;
}

/* Columns of all branches come to stand in the slots of one. */
static bool compile_union(compiler *c, const ast_query *q, scope *ret_columns)
{
    plan_op *outer = c->op, **branches = arena_array_of(c->arena, plan_op *, q->count);
    scope before = c->scope;
    bool has_rows;
    for (size_t i = 2; i < q->count; i++)
        if (q->is_all[i] != q->is_all[1])
            return cypher_fail(c, q->span.from, "SyntaxError: InvalidClauseComposition",
                               "UNION and UNION ALL cannot be mixed");
    for (size_t i = 0; i < q->count; i++) {
        scope columns;
        c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, q->span.from);
        c->scope.items = arena_copy(c->arena, before.items, before.count * sizeof(variable));
        c->scope.count = c->scope.capacity = before.count;
        TRY(compile_single(c, &q->parts[i], false, &columns, &has_rows));
        if (i == 0) {
            *ret_columns = (scope){ 0 };
            for (size_t k = 0; k < columns.count; k++) {
                variable v = columns.items[k];
                TRY(plan_slot_new(c->plan, v.name, SLOT_VALUE, &v.slot, c->err));
                v.type = TYPE_ANY;
                vec_push(c->arena, ret_columns, v);
            }
        }
        bool differs = columns.count != ret_columns->count;
        for (size_t k = 0; !differs && k < columns.count; k++) {
            const variable *v = NULL;
            for (size_t n = 0; n < columns.count; n++)
                if (str_eq(columns.items[n].name, ret_columns->items[k].name))
                    v = &columns.items[n];
            differs = !v;
            if (v)
                cypher_let(c, ret_columns->items[k].slot, plan_slot_expr(c->plan, v->slot),
                           q->span.from);
        }
        if (differs)
            return cypher_fail(c, q->span.from, "SyntaxError: DifferentColumnsInUnion",
                               "all parts of a UNION have columns of the same names");
        branches[i] = c->op;
    }
    c->op = outer;
    plan_op *op = cypher_add_op(c, PLAN_UNION, q->span.from);
    op->branches.items = branches;
    op->branches.count = q->count;
    if (!q->is_all[1]) {
        VEC(plan_key) keys = { 0 };
        for (size_t k = 0; k < ret_columns->count; k++)
            vec_push(c->arena, &keys,
                     (plan_key){ .expr = plan_slot_expr(c->plan, ret_columns->items[k].slot) });
        op = cypher_add_op(c, PLAN_DISTINCT, q->span.from);
        op->distinct.keys = keys.items;
        op->distinct.key_count = keys.count;
    }
    c->scope = *ret_columns;
    return true;
}

bool cypher_query(compiler *c, const ast_query *q, scope *ret_columns, bool *ret_has_rows)
{
    enum { DEEPEST_QUERY = 32 };
    if (++c->depth > DEEPEST_QUERY)
        return cypher_fail(c, q->span.from, "SyntaxError: UnexpectedSyntax",
                           "sub-queries are nested more than %d deep", DEEPEST_QUERY);
    *ret_has_rows = true;
    TRY(q->count > 1 ? compile_union(c, q, ret_columns)
                     : compile_single(c, q->parts, c->depth > 1, ret_columns, ret_has_rows));
    c->depth--;
    return true;
}

bool cypher_compile_statement(arena *a, str text, const value *parameters, graph *g,
                              cypher_statement *ret, error *err)
{
    ast_statement s;
    scope columns;
    bool has_rows;
    TRY(cypher_parse(a, text, &s, err));
    plan *p = plan_new(a, text);
    compiler c = {
        .arena = a, .plan = p, .graph = g, .text = text, .parameters = parameters, .err = err
    };
    p->is_cypher = true;
    p->ending = s.ending;
    c.op = plan_op_new(p, PLAN_ONE, NULL, 0);
    TRY(cypher_query(&c, s.query, &columns, &has_rows));
    if (has_rows) {
        p->columns = arena_array_of(a, plan_column, columns.count);
        for (size_t i = 0; i < columns.count; i++)
            p->columns[i] = (plan_column){ columns.items[i].name, columns.items[i].slot };
        p->column_count = columns.count;
    } else {
        cypher_add_op(&c, PLAN_NOTHING, 0);
    }
    p->root = c.op;
    TRY(plan_finish(p, g, err));
    *ret = (cypher_statement){ p, !c.writes  ? CYPHER_READ
                                  : has_rows ? CYPHER_READ_WRITE
                                             : CYPHER_WRITE };
    return true;
}

bool cypher_compile(arena *a, str text, graph *g, plan **ret_plan, error *err)
{
    cypher_statement s;
    TRY(cypher_compile_statement(a, text, NULL, g, &s, err));
    *ret_plan = s.plan;
    return true;
}
