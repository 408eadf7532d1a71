/* Clauses, one after the other, become operators; one pass from text to plan. */
#include "cypher/internal.h"

static bool refuse_writing(compiler *c)
{
    static const char *const words[] = { "CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE" };
    str word = cypher_peek_word(c);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(word, str_of(words[i])))
            return fail_at(c->err, STR("cypher"), c->text, c->at,
                           "%s would change the graph, which is read-only: it is the tables",
                           words[i]);
    static const char *const later[] = { "UNION", "FOREACH" };
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        if (str_eq_nocase(word, str_of(later[i])))
            return fail_at(c->err, STR("cypher"), c->text, c->at,
                           "%s cannot be answered by this version", later[i]);
    return cypher_fail_here(c, "MATCH, OPTIONAL MATCH, UNWIND, WITH, CALL or RETURN");
}

/* OPTIONAL MATCH: a sub-plan for each row; without a match its variables are null. */
static bool parse_optional(compiler *c)
{
    plan_op *outer = c->op;
    if (!cypher_take_word(c, "MATCH"))
        return cypher_fail_here(c, "MATCH");
    c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, c->at);
    TRY(cypher_parse_match(c));
    plan_op **branch = arena_copy(c->arena, &c->op, sizeof c->op);
    c->op = outer;
    plan_op *op = cypher_add_op(c, PLAN_APPLY);
    op->branches.mode = APPLY_OPTIONAL;
    op->branches.items = branch;
    op->branches.count = 1;
    return true;
}

static bool parse_unwind(compiler *c)
{
    plan_expr *list;
    str name;
    plan_slot to;
    TRY(cypher_parse_expression(c, &list));
    if (!cypher_take_word(c, "AS"))
        return cypher_fail_here(c, "AS");
    TRY(cypher_parse_name(c, "a name", &name));
    TRY(plan_slot_new(c->plan, name, SLOT_VALUE, &to, c->err));
    plan_op *op = cypher_add_op(c, PLAN_UNWIND);
    op->unwind.list = list;
    op->unwind.to = to;
    vec_push(c->arena, &c->variables, (variable){ name, to });
    return true;
}

/* A column of a procedure into a variable; "id" is the node's id. */
static bool yield_column(compiler *c, plan_op *op, str column, str name, size_t offset)
{
    const plan_procedure *p = op->call.procedure;
    plan_slot to;
    bool is_id = str_eq(column, STR("id")) && str_eq(str_of(p->columns[0].name), STR("node"));
    for (size_t i = 0; i < PROCEDURE_COLUMNS && p->columns[i].name; i++) {
        if (!str_eq_nocase(str_of(p->columns[i].name), is_id ? STR("node") : column))
            continue;
        if (!op->call.to[i])
            TRY(plan_slot_new(c->plan, STR(""), p->columns[i].kind, &op->call.to[i], c->err));
        TRY(plan_slot_new(c->plan, name, is_id ? SLOT_VALUE : p->columns[i].kind, &to, c->err));
        plan_op *let = cypher_add_op(c, PLAN_LET);
        let->let.to = to;
        let->let.expr = plan_slot_expr(c->plan, op->call.to[i]);
        if (is_id)
            let->let.expr = plan_call(c->plan, FN_ID, let->let.expr);
        vec_push(c->arena, &c->variables, (variable){ name, to });
        return true;
    }
    strbuf there = strbuf_new(c->arena);
    for (size_t i = 0; i < PROCEDURE_COLUMNS && p->columns[i].name; i++)
        strbuf_format(&there, "%s%s", i ? ", " : "", p->columns[i].name);
    return fail_at(c->err, STR("cypher"), c->text, offset,
                   "%s yields no '" STR_FMT "'; it yields: " STR_FMT, p->names[0], STR_ARG(column),
                   STR_ARG(strbuf_str(&there)));
}

static bool yield_all(compiler *c, plan_op *op, size_t offset)
{
    const plan_procedure *p = op->call.procedure;
    for (size_t i = 0; i < PROCEDURE_COLUMNS && p->columns[i].name; i++) {
        str name = str_of(p->columns[i].name);
        name = str_eq(name, STR("node")) ? STR("id") : name;
        TRY(yield_column(c, op, name, name, offset));
    }
    return true;
}

/* CALL name({options}) [YIELD column [AS name], …]; `ret_is_whole`: nothing follows. */
static bool parse_call(compiler *c, bool *ret_is_whole)
{
    strbuf b = strbuf_new(c->arena);
    str part;
    cypher_skip_blanks(c);
    size_t offset = c->at;
    do {
        TRY(cypher_parse_name(c, "the name of a procedure", &part));
        strbuf_format(&b, "%s" STR_FMT, b.len ? "." : "", STR_ARG(part));
    } while (cypher_take(c, "."));
    str name = strbuf_str(&b);
    const plan_procedure *p = plan_procedure_find(name);
    if (!p)
        return fail_at(c->err, STR("cypher"), c->text, offset,
                       "there is no procedure " STR_FMT "; the nearest is %s", STR_ARG(name),
                       plan_procedure_nearest(name));
    plan_expr *options = plan_literal_null(c->plan);
    TRY(cypher_need(c, "("));
    if (!cypher_take(c, ")")) {
        TRY(cypher_parse_expression(c, &options));
        TRY(cypher_need(c, ")"));
    }
    plan_op *op = cypher_add_op(c, PLAN_CALL);
    op->call.procedure = p;
    op->call.options = options;
    if (!cypher_take_word(c, "YIELD")) {
        cypher_take(c, ";");
        cypher_skip_blanks(c);
        *ret_is_whole = c->at == c->text.len;
        return yield_all(c, op, offset);
    }
    do {
        str column, as;
        cypher_skip_blanks(c);
        offset = c->at;
        TRY(cypher_parse_name(c, "a column", &column));
        as = column;
        if (cypher_take_word(c, "AS"))
            TRY(cypher_parse_name(c, "a name", &as));
        TRY(yield_column(c, op, column, as, offset));
    } while (cypher_take(c, ","));
    plan_expr *where;
    if (cypher_take_word(c, "WHERE")) {
        TRY(cypher_parse_expression(c, &where));
        cypher_filter(c, where);
    }
    return true;
}

/* CALL as the whole query: its columns are the answer. */
static void return_all(compiler *c)
{
    plan_column *columns = arena_array_of(c->arena, plan_column, c->variables.count);
    for (size_t i = 0; i < c->variables.count; i++)
        columns[i] = (plan_column){ c->variables.items[i].name, c->variables.items[i].slot };
    c->plan->columns = columns;
    c->plan->column_count = c->variables.count;
}

static bool parse_clauses(compiler *c)
{
    bool is_whole = false;
    for (;;) {
        if (cypher_take_word(c, "MATCH"))
            TRY(cypher_parse_match(c));
        else if (cypher_take_word(c, "OPTIONAL"))
            TRY(parse_optional(c));
        else if (cypher_take_word(c, "UNWIND"))
            TRY(parse_unwind(c));
        else if (cypher_take_word(c, "WITH"))
            TRY(cypher_parse_projection(c, true));
        else if (cypher_take_word(c, "CALL"))
            TRY(parse_call(c, &is_whole));
        else if (cypher_take_word(c, "RETURN"))
            return cypher_parse_projection(c, false);
        else
            return refuse_writing(c);
        if (is_whole) {
            return_all(c);
            return true;
        }
    }
}

bool cypher_compile(arena *a, str text, graph *g, plan **ret_plan, error *err)
{
    plan *p = plan_new(a, text);
    compiler c = { .arena = a, .plan = p, .graph = g, .text = text, .err = err };
    c.op = plan_op_new(p, PLAN_ONE, NULL, 0);
    p->ending = cypher_take_word(&c, "EXPLAIN")
                    ? cypher_take_word(&c, "SQL") ? ENDING_SQL : ENDING_EXPLAIN
                : cypher_take_word(&c, "PROFILE") ? ENDING_PROFILE
                                                  : ENDING_ROWS;
    TRY(parse_clauses(&c));
    cypher_take(&c, ";");
    cypher_skip_blanks(&c);
    if (c.at < text.len)
        return cypher_fail_here(&c, "the end of the query");
    p->root = c.op;
    TRY(plan_finish(p, g, err));
    *ret_plan = p;
    return true;
}
