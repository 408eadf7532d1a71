/* Clauses and whole statements. */
#include "cypher/parser.h"

#include <stdio.h>

/* ---- Tokens ---- */

const token *cypher_parser_peek(const parser *p, size_t ahead)
{
    size_t at = p->at + ahead;
    return &p->tokens.items[at < p->tokens.count ? at : p->tokens.count - 1];
}

bool cypher_parser_fail_at(parser *p, size_t offset, const char *detail, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    p->err->detail = detail;
    return fail_at(p->err, STR("cypher"), p->text, offset, "%s", what);
}

bool cypher_parser_fail(parser *p, const char *expected)
{
    const token *t = cypher_parser_peek(p, 0);
    static const char detail[] = "SyntaxError: UnexpectedSyntax";
    if (t->kind == TOKEN_END)
        return cypher_parser_fail_at(p, t->from, detail, "expected %s, but the query ends here",
                                     expected);
    str found = str_slice(p->text, t->from, t->to < t->from + 40 ? t->to : t->from + 40);
    return cypher_parser_fail_at(p, t->from, detail, "expected %s, found " STR_FMT, expected,
                                 STR_ARG(found));
}

bool cypher_parser_is_symbol(const parser *p, size_t ahead, const char *symbol)
{
    const token *t = cypher_parser_peek(p, ahead);
    return t->kind == TOKEN_SYMBOL && str_eq(t->text, str_of(symbol));
}

bool cypher_parser_is_word(const parser *p, size_t ahead, const char *word)
{
    const token *t = cypher_parser_peek(p, ahead);
    return t->kind == TOKEN_WORD && str_eq_nocase(t->text, str_of(word));
}

bool cypher_parser_take(parser *p, const char *symbol)
{
    bool is_there = cypher_parser_is_symbol(p, 0, symbol);
    p->at += is_there;
    return is_there;
}

bool cypher_parser_take_word(parser *p, const char *word)
{
    bool is_there = cypher_parser_is_word(p, 0, word);
    p->at += is_there;
    return is_there;
}

bool cypher_parser_need(parser *p, const char *symbol)
{
    return cypher_parser_take(p, symbol) ? true : cypher_parser_fail(p, symbol);
}

bool cypher_parser_need_word(parser *p, const char *word)
{
    return cypher_parser_take_word(p, word) ? true : cypher_parser_fail(p, word);
}

bool cypher_parser_is_name(const parser *p, size_t ahead)
{
    token_kind kind = cypher_parser_peek(p, ahead)->kind;
    return kind == TOKEN_WORD || kind == TOKEN_NAME;
}

bool cypher_parser_name(parser *p, const char *what, str *ret)
{
    if (!cypher_parser_is_name(p, 0))
        return cypher_parser_fail(p, what);
    *ret = cypher_parser_peek(p, 0)->text;
    p->at++;
    return true;
}

span cypher_parser_span(const parser *p, size_t first)
{
    uint32_t from = p->tokens.items[first].from;
    return (span){ from, p->at > first ? p->tokens.items[p->at - 1].to : from };
}

bool cypher_parser_enter(parser *p)
{
    if (++p->depth <= DEEPEST)
        return true;
    return cypher_parser_fail_at(p, cypher_parser_peek(p, 0)->from, "SyntaxError: UnexpectedSyntax",
                                 "the query is nested more than %d deep", DEEPEST);
}

/* ---- Projections ---- */

static bool parse_items(parser *p, ast_item **ret, size_t *ret_count)
{
    VEC(ast_item) items = { 0 };
    do {
        ast_item x = { 0 };
        size_t first = p->at;
        TRY(cypher_parse_expression(p, &x.expr));
        span s = cypher_parser_span(p, first);
        x.name = str_slice(p->text, s.from, s.to);
        if (x.expr->kind == AST_VARIABLE)
            x.name = x.expr->name;
        x.has_alias = cypher_parser_take_word(p, "AS");
        if (x.has_alias)
            TRY(cypher_parser_name(p, "a name", &x.name));
        vec_push(p->arena, &items, x);
    } while (cypher_parser_take(p, ","));
    *ret = items.items;
    *ret_count = items.count;
    return true;
}

static bool parse_order(parser *p, ast_projection *ret)
{
    VEC(ast_order) all = { 0 };
    TRY(cypher_parser_need_word(p, "BY"));
    do {
        ast_order x = { 0 };
        TRY(cypher_parse_expression(p, &x.expr));
        x.is_descending =
            cypher_parser_take_word(p, "DESC") || cypher_parser_take_word(p, "DESCENDING");
        if (!x.is_descending && !cypher_parser_take_word(p, "ASC"))
            cypher_parser_take_word(p, "ASCENDING");
        vec_push(p->arena, &all, x);
    } while (cypher_parser_take(p, ","));
    ret->order = all.items;
    ret->order_count = all.count;
    return true;
}

static bool parse_projection(parser *p, bool is_with, ast_projection *ret)
{
    ret->is_distinct = cypher_parser_take_word(p, "DISTINCT");
    ret->is_star = cypher_parser_take(p, "*");
    if (!ret->is_star || cypher_parser_take(p, ","))
        TRY(parse_items(p, &ret->items, &ret->count));
    if (cypher_parser_take_word(p, "ORDER"))
        TRY(parse_order(p, ret));
    if (cypher_parser_take_word(p, "SKIP") || cypher_parser_take_word(p, "OFFSET"))
        TRY(cypher_parse_expression(p, &ret->skip));
    if (cypher_parser_take_word(p, "LIMIT"))
        TRY(cypher_parse_expression(p, &ret->limit));
    if (is_with && cypher_parser_take_word(p, "WHERE"))
        TRY(cypher_parse_expression(p, &ret->where));
    return true;
}

/* ---- Changes ---- */

static bool parse_change_labels(parser *p, ast_change *c)
{
    VEC(str) labels = { 0 };
    while (cypher_parser_take(p, ":")) {
        str name;
        TRY(cypher_parser_name(p, "a label", &name));
        vec_push(p->arena, &labels, name);
    }
    c->labels = labels.items;
    c->label_count = labels.count;
    return true;
}

/* An element, or one of its properties: what SET and REMOVE name. */
static bool parse_target(parser *p, ast_change *c)
{
    str name;
    size_t first = p->at;
    if (cypher_parser_take(p, "(")) {
        TRY(cypher_parse_expression(p, &c->of));
        TRY(cypher_parser_need(p, ")"));
    } else {
        TRY(cypher_parser_name(p, "a variable", &name));
        c->of = arena_new_of(p->arena, ast_expr);
        *c->of =
            (ast_expr){ .kind = AST_VARIABLE, .span = cypher_parser_span(p, first), .name = name };
    }
    while (cypher_parser_is_symbol(p, 0, ".") || cypher_parser_is_symbol(p, 0, "[")) {
        ast_expr *x = arena_new_of(p->arena, ast_expr);
        if (cypher_parser_take(p, "[")) {
            ast_expr *args[2] = { c->of, NULL };
            TRY(cypher_parse_expression(p, &args[1]));
            TRY(cypher_parser_need(p, "]"));
            *x = (ast_expr){ .kind = AST_OPERATOR,
                             .op = { FN_ITEM, arena_copy(p->arena, args, sizeof args), 2 } };
        } else {
            p->at++;
            TRY(cypher_parser_name(p, "a property", &name));
            *x = (ast_expr){ .kind = AST_PROPERTY, .property = { c->of, name } };
        }
        x->span = cypher_parser_span(p, first);
        c->of = x;
    }
    c->span = cypher_parser_span(p, first);
    return true;
}

static bool parse_sets(parser *p, ast_change **ret, size_t *ret_count)
{
    VEC(ast_change) items = { 0 };
    do {
        ast_change c = { 0 };
        TRY(parse_target(p, &c));
        bool is_property = c.of->kind == AST_PROPERTY || c.of->kind == AST_OPERATOR;
        if (cypher_parser_is_symbol(p, 0, ":")) {
            c.kind = CHANGE_ADD_LABELS;
            TRY(parse_change_labels(p, &c));
        } else {
            c.kind = is_property ? CHANGE_PROPERTY : CHANGE_REPLACE_ALL;
            if (!is_property && cypher_parser_take(p, "+="))
                c.kind = CHANGE_MERGE;
            else
                TRY(cypher_parser_need(p, "="));
            TRY(cypher_parse_expression(p, &c.value));
        }
        vec_push(p->arena, &items, c);
    } while (cypher_parser_take(p, ","));
    *ret = items.items;
    *ret_count = items.count;
    return true;
}

static bool parse_removes(parser *p, ast_change **ret, size_t *ret_count)
{
    VEC(ast_change) items = { 0 };
    do {
        ast_change c = { .kind = CHANGE_PROPERTY };
        TRY(parse_target(p, &c));
        if (c.of->kind == AST_VARIABLE) {
            c.kind = CHANGE_REMOVE_LABELS;
            if (!cypher_parser_is_symbol(p, 0, ":"))
                return cypher_parser_fail(p, "a property or label");
            TRY(parse_change_labels(p, &c));
        }
        vec_push(p->arena, &items, c);
    } while (cypher_parser_take(p, ","));
    *ret = items.items;
    *ret_count = items.count;
    return true;
}

/* ---- Clauses ---- */

static bool parse_merge(parser *p, ast_clause *c)
{
    c->match.paths = arena_new_of(p->arena, ast_path);
    c->match.count = 1;
    TRY(cypher_parse_path(p, false, c->match.paths));
    while (cypher_parser_take_word(p, "ON")) {
        bool is_create = cypher_parser_take_word(p, "CREATE");
        ast_change *items;
        size_t count;
        if (!is_create)
            TRY(cypher_parser_need_word(p, "MATCH"));
        TRY(cypher_parser_need_word(p, "SET"));
        TRY(parse_sets(p, &items, &count));
        ast_change **all = is_create ? &c->on_create : &c->on_match;
        size_t *known = is_create ? &c->on_create_count : &c->on_match_count;
        *all = arena_grow(p->arena, *all, *known * sizeof **all, (*known + count) * sizeof **all);
        memcpy(*all + *known, items, count * sizeof *items);
        *known += count;
    }
    return true;
}

static bool parse_delete(parser *p, ast_clause *c)
{
    VEC(ast_expr *) items = { 0 };
    do {
        ast_expr *x;
        TRY(cypher_parse_expression(p, &x));
        vec_push(p->arena, &items, x);
    } while (cypher_parser_take(p, ","));
    c->delete.items = items.items;
    c->delete.count = items.count;
    return true;
}

static bool parse_clause(parser *p, ast_clause *ret, bool *ret_is_one);

static bool parse_foreach(parser *p, ast_clause *c)
{
    VEC(ast_clause) all = { 0 };
    TRY(cypher_parser_need(p, "("));
    TRY(cypher_parser_name(p, "a variable", &c->each.variable));
    TRY(cypher_parser_need_word(p, "IN"));
    TRY(cypher_parse_expression(p, &c->each.list));
    TRY(cypher_parser_need(p, "|"));
    TRY(cypher_parser_enter(p));
    while (!cypher_parser_is_symbol(p, 0, ")")) {
        ast_clause x;
        bool is_one;
        TRY(parse_clause(p, &x, &is_one));
        if (!is_one)
            return cypher_parser_fail(p, "a clause that changes the graph");
        vec_push(p->arena, &all, x);
    }
    cypher_parser_leave(p);
    c->each.clauses = all.items;
    c->each.count = all.count;
    return cypher_parser_need(p, ")");
}

static bool parse_imports(parser *p, ast_clause *c)
{
    VEC(str) names = { 0 };
    c->subquery.has_imports = true;
    if (cypher_parser_take(p, "*")) {
        c->subquery.imports_all = true;
    } else if (!cypher_parser_is_symbol(p, 0, ")")) {
        do {
            str name;
            TRY(cypher_parser_name(p, "a variable", &name));
            vec_push(p->arena, &names, name);
        } while (cypher_parser_take(p, ","));
    }
    c->subquery.imports = names.items;
    c->subquery.import_count = names.count;
    return cypher_parser_need(p, ")");
}

static bool parse_yield(parser *p, ast_clause *c)
{
    c->call.has_yield = true;
    if (cypher_parser_take(p, "-"))
        return true;
    if (cypher_parser_take(p, "*")) {
        c->call.is_star = true;
    } else {
        VEC(ast_item) items = { 0 };
        do {
            ast_item x = { 0 };
            size_t first = p->at;
            x.expr = arena_new_of(p->arena, ast_expr);
            x.expr->kind = AST_VARIABLE;
            TRY(cypher_parser_name(p, "a column", &x.expr->name));
            x.expr->span = cypher_parser_span(p, first);
            x.name = x.expr->name;
            x.has_alias = cypher_parser_take_word(p, "AS");
            if (x.has_alias)
                TRY(cypher_parser_name(p, "a name", &x.name));
            vec_push(p->arena, &items, x);
        } while (cypher_parser_take(p, ","));
        c->call.yields = items.items;
        c->call.yield_count = items.count;
    }
    return cypher_parser_take_word(p, "WHERE") ? cypher_parse_expression(p, &c->call.where) : true;
}

static bool parse_call(parser *p, ast_clause *c)
{
    bool has_imports = cypher_parser_is_symbol(p, 0, "(");
    if (has_imports || cypher_parser_is_symbol(p, 0, "{")) {
        c->kind = CLAUSE_SUBQUERY;
        if (cypher_parser_take(p, "("))
            TRY(parse_imports(p, c));
        TRY(cypher_parser_need(p, "{"));
        TRY(cypher_parser_enter(p));
        TRY(cypher_parse_query(p, &c->subquery.query));
        cypher_parser_leave(p);
        return cypher_parser_need(p, "}");
    }
    strbuf b = strbuf_new(p->arena);
    str part;
    do {
        TRY(cypher_parser_name(p, "the name of a procedure", &part));
        strbuf_format(&b, "%s" STR_FMT, b.len ? "." : "", STR_ARG(part));
    } while (cypher_parser_take(p, "."));
    c->call.name = strbuf_str(&b);
    c->call.has_args = cypher_parser_take(p, "(");
    if (c->call.has_args) {
        VEC(ast_expr *) args = { 0 };
        if (!cypher_parser_is_symbol(p, 0, ")"))
            do {
                ast_expr *x;
                TRY(cypher_parse_expression(p, &x));
                vec_push(p->arena, &args, x);
            } while (cypher_parser_take(p, ","));
        TRY(cypher_parser_need(p, ")"));
        c->call.args = args.items;
        c->call.arg_count = args.count;
    }
    return cypher_parser_take_word(p, "YIELD") ? parse_yield(p, c) : true;
}

static bool parse_match(parser *p, ast_clause *c)
{
    c->kind = CLAUSE_MATCH;
    TRY(cypher_parse_paths(p, &c->match.paths, &c->match.count));
    return cypher_parser_take_word(p, "WHERE") ? cypher_parse_expression(p, &c->match.where) : true;
}

static bool parse_clause_body(parser *p, ast_clause *c, bool *ret_is_one)
{
    *ret_is_one = true;
    if (cypher_parser_take_word(p, "MATCH"))
        return parse_match(p, c);
    if (cypher_parser_take_word(p, "OPTIONAL")) {
        if (cypher_parser_is_word(p, 0, "CALL")) {
            p->at++;
            c->kind = CLAUSE_CALL;
            c->call.is_optional = true;
            return parse_call(p, c);
        }
        c->match.is_optional = true;
        TRY(cypher_parser_need_word(p, "MATCH"));
        return parse_match(p, c);
    }
    if (cypher_parser_take_word(p, "UNWIND")) {
        c->kind = CLAUSE_UNWIND;
        TRY(cypher_parse_expression(p, &c->unwind.list));
        TRY(cypher_parser_need_word(p, "AS"));
        return cypher_parser_name(p, "a name", &c->unwind.variable);
    }
    if (cypher_parser_is_word(p, 0, "WITH") || cypher_parser_is_word(p, 0, "RETURN")) {
        c->kind = cypher_parser_is_word(p, 0, "WITH") ? CLAUSE_WITH : CLAUSE_RETURN;
        p->at++;
        return parse_projection(p, c->kind == CLAUSE_WITH, &c->projection);
    }
    if (cypher_parser_take_word(p, "CALL")) {
        c->kind = CLAUSE_CALL;
        return parse_call(p, c);
    }
    if (cypher_parser_take_word(p, "CREATE")) {
        c->kind = CLAUSE_CREATE;
        return cypher_parse_paths(p, &c->match.paths, &c->match.count);
    }
    if (cypher_parser_take_word(p, "MERGE")) {
        c->kind = CLAUSE_MERGE;
        return parse_merge(p, c);
    }
    if (cypher_parser_take_word(p, "SET")) {
        c->kind = CLAUSE_SET;
        return parse_sets(p, &c->set.items, &c->set.count);
    }
    if (cypher_parser_take_word(p, "REMOVE")) {
        c->kind = CLAUSE_REMOVE;
        return parse_removes(p, &c->set.items, &c->set.count);
    }
    if (cypher_parser_is_word(p, 0, "DELETE") || cypher_parser_is_word(p, 0, "DETACH")) {
        c->kind = CLAUSE_DELETE;
        c->delete.is_detached = cypher_parser_take_word(p, "DETACH");
        TRY(cypher_parser_need_word(p, "DELETE"));
        return parse_delete(p, c);
    }
    if (cypher_parser_take_word(p, "FOREACH")) {
        c->kind = CLAUSE_FOREACH;
        return parse_foreach(p, c);
    }
    *ret_is_one = false;
    return true;
}

static bool parse_clause(parser *p, ast_clause *ret, bool *ret_is_one)
{
    size_t first = p->at;
    *ret = (ast_clause){ 0 };
    TRY(parse_clause_body(p, ret, ret_is_one));
    ret->span = cypher_parser_span(p, first);
    return true;
}

static bool parse_single(parser *p, ast_single *ret)
{
    VEC(ast_clause) all = { 0 };
    for (;;) {
        ast_clause x;
        bool is_one;
        TRY(parse_clause(p, &x, &is_one));
        if (!is_one)
            break;
        vec_push(p->arena, &all, x);
    }
    *ret = (ast_single){ all.items, all.count };
    return all.count ? true
                     : cypher_parser_fail(
                           p, "MATCH, OPTIONAL MATCH, UNWIND, WITH, CALL, CREATE, MERGE or RETURN");
}

bool cypher_parse_query(parser *p, ast_query **ret)
{
    VEC(ast_single) parts = { 0 };
    VEC(bool) alls = { 0 };
    size_t first = p->at;
    bool is_all = false;
    do {
        ast_single x;
        if (parts.count)
            is_all = cypher_parser_take_word(p, "ALL");
        if (parts.count && !is_all)
            cypher_parser_take_word(p, "DISTINCT");
        TRY(parse_single(p, &x));
        vec_push(p->arena, &parts, x);
        vec_push(p->arena, &alls, is_all);
    } while (cypher_parser_take_word(p, "UNION"));
    *ret = arena_new_of(p->arena, ast_query);
    **ret = (ast_query){ cypher_parser_span(p, first), parts.items, parts.count, alls.items };
    return true;
}

/* SHOW what [YIELD …]: a query over the procedure that lists them. */
static bool parse_show(parser *p, ast_statement *ret)
{
    ast_clause *c = arena_array_of(p->arena, ast_clause, 2);
    ast_single *single = arena_new_of(p->arena, ast_single);
    strbuf b = strbuf_new(p->arena);
    size_t first = p->at;
    strbuf_add_c(&b, "show");
    while (cypher_parser_is_name(p, 0) && !cypher_parser_is_word(p, 0, "YIELD") &&
           !cypher_parser_is_word(p, 0, "WHERE") && !cypher_parser_is_word(p, 0, "RETURN")) {
        strbuf_format(&b, ".%s", "");
        strbuf_add(&b, str_lower(p->arena, cypher_parser_peek(p, 0)->text));
        p->at++;
    }
    c[0].kind = CLAUSE_CALL;
    c[0].call.name = strbuf_str(&b);
    c[0].call.has_args = true;
    c[0].span = cypher_parser_span(p, first);
    *single = (ast_single){ c, 1 };
    if (cypher_parser_take_word(p, "YIELD"))
        TRY(parse_yield(p, &c[0]));
    else if (cypher_parser_take_word(p, "WHERE"))
        TRY(cypher_parse_expression(p, &c[0].call.where));
    if (cypher_parser_take_word(p, "RETURN")) {
        c[1].kind = CLAUSE_RETURN;
        TRY(parse_projection(p, false, &c[1].projection));
        single->count = 2;
    }
    ret->query = arena_new_of(p->arena, ast_query);
    *ret->query = (ast_query){ c[0].span, single, 1, arena_new_of(p->arena, bool) };
    return true;
}

bool cypher_parse(arena *a, str text, ast_statement *ret, error *err)
{
    parser p = { .arena = a, .text = text, .err = err };
    *ret = (ast_statement){ 0 };
    TRY(cypher_lex(a, text, &p.tokens, err));
    ret->ending = cypher_parser_take_word(&p, "EXPLAIN")
                      ? cypher_parser_take_word(&p, "SQL") ? ENDING_SQL : ENDING_EXPLAIN
                  : cypher_parser_take_word(&p, "PROFILE") ? ENDING_PROFILE
                                                           : ENDING_ROWS;
    if (cypher_parser_is_word(&p, 0, "AS") && cypher_parser_is_word(&p, 1, "OF")) {
        p.at += 2;
        TRY(cypher_parse_expression(&p, &ret->as_of));
    }
    if (cypher_parser_is_word(&p, 0, "CYPHER"))
        p.at++;
    TRY(cypher_parser_take_word(&p, "SHOW") ? parse_show(&p, ret)
                                            : cypher_parse_query(&p, &ret->query));
    while (cypher_parser_take(&p, ";"))
        ;
    return cypher_parser_peek(&p, 0)->kind == TOKEN_END
               ? true
               : cypher_parser_fail(&p, "the end of the query");
}
