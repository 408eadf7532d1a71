/* Expressions: recursive descent over one table of binding powers. */
#include "cypher/parser.h"

/* From loosest to tightest; NOT stands between AND and comparison. */
enum {
    POWER_OR = 1,
    POWER_XOR,
    POWER_AND,
    POWER_NOT,
    POWER_COMPARE,
    POWER_TEST,
    POWER_SUM,
    POWER_PRODUCT,
    POWER_POWER,
    POWER_SIGN
};

static const struct binary {
    const char *symbol;
    bool is_word;
    int power;
    plan_function function;
} binaries[] = {
    { "OR", true, POWER_OR, FN_OR },
    { "XOR", true, POWER_XOR, FN_XOR },
    { "AND", true, POWER_AND, FN_AND },
    { "=", false, POWER_COMPARE, FN_EQ },
    { "<>", false, POWER_COMPARE, FN_NE },
    { "!=", false, POWER_COMPARE, FN_NE },
    { "<=", false, POWER_COMPARE, FN_LE },
    { ">=", false, POWER_COMPARE, FN_GE },
    { "<", false, POWER_COMPARE, FN_LT },
    { ">", false, POWER_COMPARE, FN_GT },
    { "+", false, POWER_SUM, FN_ADD },
    { "-", false, POWER_SUM, FN_SUBTRACT },
    { "||", false, POWER_SUM, FN_ADD },
    { "*", false, POWER_PRODUCT, FN_MULTIPLY },
    { "/", false, POWER_PRODUCT, FN_DIVIDE },
    { "%", false, POWER_PRODUCT, FN_MODULO },
    { "^", false, POWER_POWER, FN_POWER },
    { "=~", false, POWER_TEST, FN_MATCHES },
    { "IN", true, POWER_TEST, FN_IN },
    { "CONTAINS", true, POWER_TEST, FN_CONTAINS },
    { "STARTS", true, POWER_TEST, FN_STARTS_WITH },
    { "ENDS", true, POWER_TEST, FN_ENDS_WITH },
};

static ast_expr *expr_new(parser *p, ast_expr_kind kind, size_t first)
{
    ast_expr *e = arena_new_of(p->arena, ast_expr);
    e->kind = kind;
    e->span = cypher_parser_span(p, first);
    return e;
}

static ast_expr *operator_new(parser *p, plan_function f, ast_expr *left, ast_expr *right,
                              size_t first)
{
    ast_expr *args[] = { left, right }, *e = expr_new(p, AST_OPERATOR, first);
    e->op.function = f;
    e->op.count = right ? 2 : 1;
    e->op.args = arena_copy(p->arena, args, sizeof args);
    e->span.from = left->span.from < e->span.from ? left->span.from : e->span.from;
    return e;
}

static ast_expr *literal_new(parser *p, value v, size_t first)
{
    ast_expr *e = expr_new(p, AST_LITERAL, first);
    e->literal = v;
    return e;
}

static bool parse_arguments(parser *p, ast_expr ***ret, size_t *ret_count)
{
    VEC(ast_expr *) args = { 0 };
    if (!cypher_parser_take(p, ")")) {
        do {
            ast_expr *x;
            TRY(cypher_parse_expression(p, &x));
            vec_push(p->arena, &args, x);
        } while (cypher_parser_take(p, ","));
        TRY(cypher_parser_need(p, ")"));
    }
    *ret = args.items;
    *ret_count = args.count;
    return true;
}

/* x IN list [WHERE …] [| …], up to its closing symbol. */
static bool parse_each(parser *p, ast_expr *e, const char *close, bool has_body)
{
    TRY(cypher_parser_name(p, "a variable", &e->each.variable));
    TRY(cypher_parser_need_word(p, "IN"));
    TRY(cypher_parse_expression(p, &e->each.list));
    if (cypher_parser_take_word(p, "WHERE"))
        TRY(cypher_parse_expression(p, &e->each.where));
    if (has_body && cypher_parser_take(p, "|"))
        TRY(cypher_parse_expression(p, &e->each.body));
    return cypher_parser_need(p, close);
}

static bool parse_reduce(parser *p, size_t first, ast_expr **ret)
{
    ast_expr *e = expr_new(p, AST_REDUCE, first);
    TRY(cypher_parser_name(p, "a variable", &e->reduce.accumulator));
    TRY(cypher_parser_need(p, "="));
    TRY(cypher_parse_expression(p, &e->reduce.start));
    TRY(cypher_parser_need(p, ","));
    TRY(cypher_parser_name(p, "a variable", &e->reduce.variable));
    TRY(cypher_parser_need_word(p, "IN"));
    TRY(cypher_parse_expression(p, &e->reduce.list));
    TRY(cypher_parser_need(p, "|"));
    TRY(cypher_parse_expression(p, &e->reduce.body));
    e->span = cypher_parser_span(p, first);
    *ret = e;
    return cypher_parser_need(p, ")");
}

/* EXISTS { … }: a whole query, or patterns with WHERE. */
static bool parse_subquery(parser *p, ast_subquery_kind kind, size_t first, ast_expr **ret)
{
    ast_expr *e = expr_new(p, AST_SUBQUERY, first);
    e->subquery.kind = kind;
    TRY(cypher_parser_need(p, "{"));
    if (cypher_parser_is_symbol(p, 0, "(") || cypher_parser_is_symbol(p, 1, "=")) {
        ast_clause *c = arena_new_of(p->arena, ast_clause);
        ast_single *single = arena_new_of(p->arena, ast_single);
        c->kind = CLAUSE_MATCH;
        c->span = cypher_parser_span(p, p->at);
        TRY(cypher_parse_paths(p, &c->match.paths, &c->match.count));
        if (cypher_parser_take_word(p, "WHERE"))
            TRY(cypher_parse_expression(p, &c->match.where));
        *single = (ast_single){ c, 1 };
        e->subquery.query = arena_new_of(p->arena, ast_query);
        *e->subquery.query = (ast_query){
            .span = c->span, .parts = single, .count = 1, .is_all = arena_new_of(p->arena, bool)
        };
    } else {
        TRY(cypher_parse_query(p, &e->subquery.query));
    }
    *ret = e;
    TRY(cypher_parser_need(p, "}"));
    e->span = cypher_parser_span(p, first);
    return true;
}

static bool parse_quantifier(parser *p, str name, size_t first, ast_expr **ret, bool *ret_is_one)
{
    static const char *const names[] = { "all", "any", "none", "single" };
    *ret_is_one = false;
    if (!cypher_parser_is_name(p, 0) || !cypher_parser_is_word(p, 1, "IN"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_of(names[i]))) {
            ast_expr *e = expr_new(p, AST_QUANTIFIER, first);
            e->each.quantifier = (ast_quantifier)i;
            *ret_is_one = true;
            TRY(parse_each(p, e, ")", false));
            if (!e->each.where)
                return cypher_parser_fail_at(p, p->tokens.items[first].from,
                                             "SyntaxError: UnexpectedSyntax",
                                             "expected WHERE and a condition");
            e->span = cypher_parser_span(p, first);
            *ret = e;
        }
    return true;
}

/* name.space.f([DISTINCT] …), behind the bracket. */
static bool parse_call(parser *p, str name, size_t first, ast_expr **ret)
{
    bool is_quantifier;
    TRY(parse_quantifier(p, name, first, ret, &is_quantifier));
    if (is_quantifier)
        return true;
    if (str_eq_nocase(name, STR("reduce")) && cypher_parser_is_symbol(p, 1, "="))
        return parse_reduce(p, first, ret);
    ast_path *path;
    if (str_eq_nocase(name, STR("exists")) && cypher_parse_try_path(p, &path)) {
        *ret = expr_new(p, AST_PATTERN, first);
        (*ret)->pattern.path = path;
        (*ret)->pattern.is_function = true;
        return cypher_parser_need(p, ")");
    }
    ast_expr *e = expr_new(p, AST_CALL, first);
    e->call.name = name;
    e->call.is_star = cypher_parser_take(p, "*");
    if (e->call.is_star)
        TRY(cypher_parser_need(p, ")"));
    else {
        e->call.is_distinct = cypher_parser_take_word(p, "DISTINCT");
        TRY(parse_arguments(p, &e->call.args, &e->call.count));
    }
    e->span = cypher_parser_span(p, first);
    *ret = e;
    return true;
}

static bool parse_case(parser *p, size_t first, ast_expr **ret)
{
    VEC(ast_expr *) args = { 0 };
    ast_expr *e = expr_new(p, AST_CASE, first), *x;
    if (!cypher_parser_is_word(p, 0, "WHEN"))
        TRY(cypher_parse_expression(p, &e->choice.of));
    while (cypher_parser_take_word(p, "WHEN")) {
        TRY(cypher_parse_expression(p, &x));
        vec_push(p->arena, &args, x);
        TRY(cypher_parser_need_word(p, "THEN"));
        TRY(cypher_parse_expression(p, &x));
        vec_push(p->arena, &args, x);
    }
    if (args.count == 0)
        return cypher_parser_fail(p, "WHEN");
    if (cypher_parser_take_word(p, "ELSE")) {
        TRY(cypher_parse_expression(p, &x));
        vec_push(p->arena, &args, x);
    }
    e->choice.args = args.items;
    e->choice.count = args.count;
    *ret = e;
    TRY(cypher_parser_need_word(p, "END"));
    e->span = cypher_parser_span(p, first);
    return true;
}

bool cypher_parse_map_items(parser *p, ast_map_item **ret_items, size_t *ret_count)
{
    VEC(ast_map_item) items = { 0 };
    if (!cypher_parser_take(p, "}")) {
        do {
            ast_map_item x = { 0 };
            TRY(cypher_parser_name(p, "a key", &x.key));
            TRY(cypher_parser_need(p, ":"));
            TRY(cypher_parse_expression(p, &x.value));
            vec_push(p->arena, &items, x);
        } while (cypher_parser_take(p, ","));
        TRY(cypher_parser_need(p, "}"));
    }
    *ret_items = items.items;
    *ret_count = items.count;
    return true;
}

/* [pattern WHERE … | …], behind the bracket; false in `ret_is_one`: nothing has been read. */
static bool parse_pattern_list(parser *p, size_t first, ast_expr **ret, bool *ret_is_one)
{
    ast_path *path;
    *ret_is_one = false;
    bool may_be = cypher_parser_is_symbol(p, 0, "(") ||
                  (cypher_parser_is_name(p, 0) && cypher_parser_is_symbol(p, 1, "="));
    size_t before = p->at;
    if (!may_be || !cypher_parse_try_path(p, &path))
        return true;
    if (!cypher_parser_is_word(p, 0, "WHERE") && !cypher_parser_is_symbol(p, 0, "|")) {
        p->at = before;
        return true;
    }
    ast_expr *e = expr_new(p, AST_PATTERN_COMPREHENSION, first);
    *ret_is_one = true;
    e->pattern.path = path;
    if (cypher_parser_take_word(p, "WHERE"))
        TRY(cypher_parse_expression(p, &e->pattern.where));
    TRY(cypher_parser_need(p, "|"));
    TRY(cypher_parse_expression(p, &e->pattern.body));
    TRY(cypher_parser_need(p, "]"));
    e->span = cypher_parser_span(p, first);
    *ret = e;
    return true;
}

static bool parse_list(parser *p, size_t first, ast_expr **ret)
{
    bool is_pattern;
    if (cypher_parser_is_name(p, 0) && cypher_parser_is_word(p, 1, "IN")) {
        *ret = expr_new(p, AST_COMPREHENSION, first);
        TRY(parse_each(p, *ret, "]", true));
        (*ret)->span = cypher_parser_span(p, first);
        return true;
    }
    TRY(parse_pattern_list(p, first, ret, &is_pattern));
    if (is_pattern)
        return true;
    VEC(ast_expr *) items = { 0 };
    if (!cypher_parser_take(p, "]")) {
        do {
            ast_expr *x;
            TRY(cypher_parse_expression(p, &x));
            vec_push(p->arena, &items, x);
        } while (cypher_parser_take(p, ","));
        TRY(cypher_parser_need(p, "]"));
    }
    *ret = expr_new(p, AST_LIST, first);
    (*ret)->list.items = items.items;
    (*ret)->list.count = items.count;
    return true;
}

static bool parse_word(parser *p, size_t first, ast_expr **ret)
{
    static const struct {
        const char *name;
        ast_subquery_kind kind;
    } subqueries[] = { { "EXISTS", SUBQUERY_EXISTS },
                       { "COUNT", SUBQUERY_COUNT },
                       { "COLLECT", SUBQUERY_COLLECT } };
    bool is_word = cypher_parser_peek(p, 0)->kind == TOKEN_WORD;
    if (is_word && !cypher_parser_is_symbol(p, 1, "(")) {
        if (cypher_parser_take_word(p, "true") || cypher_parser_take_word(p, "false")) {
            *ret = literal_new(p, value_bool((p->tokens.items[first].text.data[0] | 32) == 't'),
                               first);
            return true;
        }
        if (cypher_parser_take_word(p, "null")) {
            *ret = literal_new(p, value_null(), first);
            return true;
        }
    }
    if (is_word && cypher_parser_is_word(p, 0, "CASE") && !cypher_parser_is_symbol(p, 1, ".")) {
        p->at++;
        return parse_case(p, first, ret);
    }
    for (size_t i = 0; is_word && i < ARRAY_LEN(subqueries); i++)
        if (cypher_parser_is_word(p, 0, subqueries[i].name) && cypher_parser_is_symbol(p, 1, "{")) {
            p->at++;
            return parse_subquery(p, subqueries[i].kind, first, ret);
        }
    str name, part;
    TRY(cypher_parser_name(p, "an expression", &name));
    size_t ahead = 0; /* a.b.c( is a function, a.b.c a property */
    while (cypher_parser_is_symbol(p, ahead, ".") && cypher_parser_is_name(p, ahead + 1))
        ahead += 2;
    if (cypher_parser_is_symbol(p, ahead, "(")) {
        strbuf b = strbuf_new(p->arena);
        strbuf_add(&b, name);
        while (cypher_parser_take(p, ".")) {
            TRY(cypher_parser_name(p, "a name", &part));
            strbuf_format(&b, "." STR_FMT, STR_ARG(part));
        }
        TRY(cypher_parser_need(p, "("));
        return parse_call(p, strbuf_str(&b), first, ret);
    }
    *ret = expr_new(p, AST_VARIABLE, first);
    (*ret)->name = name;
    return true;
}

static bool parse_atom(parser *p, ast_expr **ret)
{
    size_t first = p->at;
    const token *t = cypher_parser_peek(p, 0);
    ast_path *path;
    switch (t->kind) {
    case TOKEN_INTEGER:
        p->at++;
        if (t->integer > INT64_MAX)
            return cypher_parser_fail_at(p, t->from, "SyntaxError: IntegerOverflow",
                                         "this number is larger than 64 bits hold");
        *ret = literal_new(p, value_int((int64_t)t->integer), first);
        return true;
    case TOKEN_FLOAT:
        p->at++;
        *ret = literal_new(p, value_double(t->real), first);
        return true;
    case TOKEN_TEXT:
        p->at++;
        *ret = literal_new(p, value_text(t->text), first);
        return true;
    case TOKEN_PARAMETER:
        p->at++;
        *ret = expr_new(p, AST_PARAMETER, first);
        (*ret)->name = t->text;
        return true;
    case TOKEN_WORD: {
        bool is_search = cypher_parser_is_word(p, 0, "shortestPath") ||
                         cypher_parser_is_word(p, 0, "allShortestPaths");
        if (is_search && cypher_parser_is_symbol(p, 1, "(") && cypher_parse_try_path(p, &path)) {
            *ret = expr_new(p, AST_PATTERN, first);
            (*ret)->pattern.path = path;
            return true;
        }
        return parse_word(p, first, ret);
    }
    case TOKEN_NAME: return parse_word(p, first, ret);
    default: break;
    }
    if (cypher_parser_is_symbol(p, 0, "(")) {
        if (cypher_parse_try_path(p, &path)) {
            *ret = expr_new(p, AST_PATTERN, first);
            (*ret)->pattern.path = path;
            return true;
        }
        p->at++;
        TRY(cypher_parse_expression(p, ret));
        return cypher_parser_need(p, ")");
    }
    if (cypher_parser_take(p, "["))
        return parse_list(p, first, ret);
    if (cypher_parser_take(p, "{")) {
        ast_map_item *items;
        size_t count;
        TRY(cypher_parse_map_items(p, &items, &count));
        *ret = expr_new(p, AST_MAP, first);
        (*ret)->map.items = items;
        (*ret)->map.count = count;
        return true;
    }
    return cypher_parser_fail(p, "an expression");
}

/* {.*, .name, key: value, variable} behind a variable. */
static bool parse_projection_map(parser *p, ast_expr *of, size_t first, ast_expr **ret)
{
    VEC(ast_map_item) items = { 0 };
    if (!cypher_parser_take(p, "}")) {
        do {
            ast_map_item x = { 0 };
            size_t item = p->at;
            if (cypher_parser_take(p, ".")) {
                x.is_all = cypher_parser_take(p, "*");
                if (!x.is_all)
                    TRY(cypher_parser_name(p, "a property", &x.key));
            } else {
                TRY(cypher_parser_name(p, "a key", &x.key));
                if (cypher_parser_take(p, ":"))
                    TRY(cypher_parse_expression(p, &x.value));
                else {
                    x.value = expr_new(p, AST_VARIABLE, item);
                    x.value->name = x.key;
                }
            }
            vec_push(p->arena, &items, x);
        } while (cypher_parser_take(p, ","));
        TRY(cypher_parser_need(p, "}"));
    }
    *ret = expr_new(p, AST_MAP_PROJECTION, first);
    (*ret)->map.of = of;
    (*ret)->map.items = items.items;
    (*ret)->map.count = items.count;
    return true;
}

static bool parse_index(parser *p, ast_expr *of, size_t first, ast_expr **ret)
{
    ast_expr *from = NULL, *to = NULL;
    if (!cypher_parser_is_symbol(p, 0, ".."))
        TRY(cypher_parse_expression(p, &from));
    if (!cypher_parser_take(p, "..")) {
        TRY(cypher_parser_need(p, "]"));
        *ret = operator_new(p, FN_ITEM, of, from, first);
        return true;
    }
    if (!cypher_parser_is_symbol(p, 0, "]"))
        TRY(cypher_parse_expression(p, &to));
    TRY(cypher_parser_need(p, "]"));
    *ret = expr_new(p, AST_SLICE, first);
    (*ret)->slice.of = of;
    (*ret)->slice.from = from;
    (*ret)->slice.to = to;
    return true;
}

static bool parse_labels(parser *p, ast_expr *of, size_t first, ast_expr **ret)
{
    VEC(str) names = { 0 };
    bool is_any = false;
    do {
        str name;
        TRY(cypher_parser_name(p, "a label", &name));
        vec_push(p->arena, &names, name);
        if (cypher_parser_is_symbol(p, 0, "|"))
            is_any = true;
    } while (cypher_parser_take(p, ":") || cypher_parser_take(p, "&") ||
             (is_any && cypher_parser_take(p, "|")));
    *ret = expr_new(p, AST_HAS_LABELS, first);
    (*ret)->labels.of = of;
    (*ret)->labels.names = names.items;
    (*ret)->labels.count = names.count;
    (*ret)->labels.is_any = is_any;
    return true;
}

static bool parse_postfix(parser *p, ast_expr **ret)
{
    size_t first = p->at;
    TRY(parse_atom(p, ret));
    for (;;) {
        str key;
        if (cypher_parser_take(p, ".")) {
            TRY(cypher_parser_name(p, "the name of a property", &key));
            ast_expr *e = expr_new(p, AST_PROPERTY, first);
            e->property.of = *ret;
            e->property.key = key;
            *ret = e;
        } else if (cypher_parser_take(p, "[")) {
            TRY(parse_index(p, *ret, first, ret));
        } else if (cypher_parser_is_symbol(p, 0, ":") && (*ret)->kind != AST_LITERAL &&
                   (*ret)->kind != AST_MAP && cypher_parser_is_name(p, 1)) {
            p->at++;
            TRY(parse_labels(p, *ret, first, ret));
        } else if (cypher_parser_is_symbol(p, 0, "{") && (*ret)->kind == AST_VARIABLE) {
            p->at++;
            TRY(parse_projection_map(p, *ret, first, ret));
        } else {
            return true;
        }
    }
}

static bool parse_sign(parser *p, ast_expr **ret)
{
    size_t first = p->at;
    if (cypher_parser_take(p, "+")) {
        TRY(cypher_parser_enter(p));
        TRY(parse_sign(p, ret));
        cypher_parser_leave(p);
        return true;
    }
    if (!cypher_parser_take(p, "-"))
        return parse_postfix(p, ret);
    const token *t = cypher_parser_peek(p, 0);
    if (t->kind == TOKEN_INTEGER && t->integer == 1ull << 63) {
        p->at++;
        *ret = literal_new(p, value_int(INT64_MIN), first);
        return true;
    }
    TRY(cypher_parser_enter(p));
    TRY(parse_sign(p, ret));
    cypher_parser_leave(p);
    ast_expr *x = *ret;
    if (x->kind == AST_LITERAL && x->literal.kind == VALUE_INT)
        *ret = literal_new(p, value_int(-x->literal.integer), first);
    else if (x->kind == AST_LITERAL && x->literal.kind == VALUE_DOUBLE)
        *ret = literal_new(p, value_double(-x->literal.real), first);
    else
        *ret = operator_new(p, FN_NEGATE, x, NULL, first);
    return true;
}

/* IS [NOT] NULL behind an expression. */
static bool parse_null_test(parser *p, size_t first, ast_expr **ret)
{
    bool is_not = cypher_parser_take_word(p, "NOT");
    TRY(cypher_parser_need_word(p, "NULL"));
    *ret = operator_new(p, is_not ? FN_IS_NOT_NULL : FN_IS_NULL, *ret, NULL, first);
    return true;
}

static const struct binary *binary_at(const parser *p, int least)
{
    for (size_t i = 0; i < ARRAY_LEN(binaries); i++)
        if (binaries[i].power >= least &&
            (binaries[i].is_word ? cypher_parser_is_word(p, 0, binaries[i].symbol)
                                 : cypher_parser_is_symbol(p, 0, binaries[i].symbol)))
            return &binaries[i];
    return NULL;
}

static bool parse_binary(parser *p, int least, ast_expr **ret);

static bool parse_operand(parser *p, int least, ast_expr **ret)
{
    size_t first = p->at;
    if (least <= POWER_NOT && cypher_parser_is_word(p, 0, "NOT")) {
        p->at++;
        TRY(cypher_parser_enter(p));
        TRY(parse_binary(p, POWER_NOT, ret));
        cypher_parser_leave(p);
        *ret = operator_new(p, FN_NOT, *ret, NULL, first);
        return true;
    }
    return parse_sign(p, ret);
}

static bool parse_binary(parser *p, int least, ast_expr **ret)
{
    size_t first = p->at;
    ast_expr *chain = NULL, *middle = NULL; /* of a < b < c */
    TRY(parse_operand(p, least, ret));
    for (;;) {
        if (least <= POWER_TEST && cypher_parser_is_word(p, 0, "IS")) {
            p->at++;
            TRY(parse_null_test(p, first, ret));
            continue;
        }
        const struct binary *b = binary_at(p, least);
        if (!b)
            break;
        ast_expr *right;
        p->at++;
        if (b->function == FN_STARTS_WITH || b->function == FN_ENDS_WITH)
            TRY(cypher_parser_need_word(p, "WITH"));
        TRY(cypher_parser_enter(p));
        TRY(parse_binary(p, b->power + 1, &right));
        cypher_parser_leave(p);
        bool is_comparison = b->power == POWER_COMPARE;
        if (is_comparison && middle) {
            ast_expr *link = operator_new(p, b->function, middle, right, first);
            *ret = operator_new(p, FN_AND, chain, link, first);
        } else {
            *ret = operator_new(p, b->function, *ret, right, first);
        }
        chain = is_comparison ? *ret : NULL;
        middle = is_comparison ? right : NULL;
    }
    return true;
}

bool cypher_parse_expression(parser *p, ast_expr **ret)
{
    TRY(cypher_parser_enter(p));
    TRY(parse_binary(p, POWER_OR, ret));
    cypher_parser_leave(p);
    return true;
}
