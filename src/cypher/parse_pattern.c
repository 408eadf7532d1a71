/* Patterns: nodes, relationships and paths as they are written. */
#include "cypher/parser.h"

static bool parse_labels(parser *p, ast_element *e)
{
    VEC(str) labels = { 0 };
    bool is_next = cypher_parser_take(p, ":") || cypher_parser_take_word(p, "IS");
    while (is_next) {
        str name;
        TRY(cypher_parser_name(p, "a label", &name));
        vec_push(p->arena, &labels, name);
        is_next = cypher_parser_take(p, ":") || cypher_parser_take(p, "&");
        if (!is_next && cypher_parser_take(p, "|")) {
            cypher_parser_take(p, ":");
            is_next = e->is_any_label = true;
        }
    }
    e->labels = labels.items;
    e->label_count = labels.count;
    return true;
}

static bool parse_properties(parser *p, ast_element *e)
{
    size_t first = p->at;
    if (cypher_parser_peek(p, 0)->kind == TOKEN_PARAMETER) {
        e->properties = arena_new_of(p->arena, ast_expr);
        e->properties->kind = AST_PARAMETER;
        e->properties->name = cypher_parser_peek(p, 0)->text;
        p->at++;
        e->properties->span = cypher_parser_span(p, first);
        return true;
    }
    if (!cypher_parser_take(p, "{"))
        return true;
    e->properties = arena_new_of(p->arena, ast_expr);
    e->properties->kind = AST_MAP;
    TRY(cypher_parse_map_items(p, &e->properties->map.items, &e->properties->map.count));
    e->properties->span = cypher_parser_span(p, first);
    return true;
}

static bool parse_node(parser *p, ast_element *ret)
{
    size_t first = p->at;
    *ret = (ast_element){ 0 };
    TRY(cypher_parser_need(p, "("));
    if (cypher_parser_is_name(p, 0) && !cypher_parser_is_word(p, 0, "WHERE"))
        TRY(cypher_parser_name(p, "a variable", &ret->variable));
    TRY(parse_labels(p, ret));
    TRY(parse_properties(p, ret));
    if (cypher_parser_take_word(p, "WHERE"))
        TRY(cypher_parse_expression(p, &ret->where));
    ret->span = cypher_parser_span(p, first);
    return cypher_parser_need(p, ")");
}

static bool parse_bound(parser *p, uint64_t otherwise, uint64_t *ret, bool *ret_is_given)
{
    const token *t = cypher_parser_peek(p, 0);
    *ret_is_given = t->kind == TOKEN_INTEGER;
    *ret = *ret_is_given ? t->integer : otherwise;
    p->at += *ret_is_given;
    if (cypher_parser_is_symbol(p, 0, "-") && cypher_parser_peek(p, 1)->kind == TOKEN_INTEGER)
        return cypher_parser_fail_at(p, t->from, "SyntaxError: InvalidRelationshipPattern",
                                     "expected a whole number that is not negative");
    return true;
}

/* Behind the star: nothing, n, n.., ..m, n..m. */
static bool parse_star(parser *p, ast_element *e)
{
    bool has_least, has_most;
    e->has_range = true;
    TRY(parse_bound(p, 1, &e->least, &has_least));
    e->most = has_least ? e->least : PLAN_ALL;
    return cypher_parser_take(p, "..") ? parse_bound(p, PLAN_ALL, &e->most, &has_most) : true;
}

/* +, {n}, {n,}, {,m}, {n,m} behind an arrow. */
static bool parse_quantifier(parser *p, ast_element *e)
{
    bool has_least, has_most;
    if (cypher_parser_take(p, "+")) {
        e->has_range = true;
        e->least = 1;
        e->most = PLAN_ALL;
        return true;
    }
    if (cypher_parser_take(p, "*")) {
        e->has_range = true;
        e->most = PLAN_ALL;
        return true;
    }
    if (!cypher_parser_take(p, "{"))
        return true;
    e->has_range = true;
    TRY(parse_bound(p, 0, &e->least, &has_least));
    e->most = e->least;
    if (cypher_parser_take(p, ","))
        TRY(parse_bound(p, PLAN_ALL, &e->most, &has_most));
    return cypher_parser_need(p, "}");
}

/* -[e:TYPE *1..3 {…}]-> and its mirror images. */
static bool parse_edge(parser *p, ast_element *ret)
{
    size_t first = p->at;
    *ret = (ast_element){ 0 };
    bool comes_in = cypher_parser_take(p, "<");
    TRY(cypher_parser_need(p, "-"));
    if (cypher_parser_take(p, "[")) {
        if (cypher_parser_is_name(p, 0) && !cypher_parser_is_word(p, 0, "WHERE"))
            TRY(cypher_parser_name(p, "a variable", &ret->variable));
        TRY(parse_labels(p, ret));
        if (cypher_parser_is_symbol(p, 0, ".."))
            return cypher_parser_fail_at(p, cypher_parser_peek(p, 0)->from,
                                         "SyntaxError: InvalidRelationshipPattern",
                                         "a range stands behind *");
        if (cypher_parser_take(p, "*"))
            TRY(parse_star(p, ret));
        TRY(parse_properties(p, ret));
        if (cypher_parser_take_word(p, "WHERE"))
            TRY(cypher_parse_expression(p, &ret->where));
        TRY(cypher_parser_need(p, "]"));
    }
    TRY(cypher_parser_need(p, "-"));
    bool goes_out = cypher_parser_take(p, ">");
    ret->direction = comes_in == goes_out ? DIRECTION_BOTH
                     : comes_in           ? DIRECTION_IN
                                          : DIRECTION_OUT;
    ret->span = cypher_parser_span(p, first);
    return parse_quantifier(p, ret);
}

static bool starts_edge(const parser *p)
{
    return cypher_parser_is_symbol(p, 0, "-") ||
           (cypher_parser_is_symbol(p, 0, "<") && cypher_parser_is_symbol(p, 1, "-"));
}

static bool parse_chain(parser *p, bool needs_edge, ast_path *ret)
{
    VEC(ast_element) nodes = { 0 }, edges = { 0 };
    ast_element x;
    TRY(parse_node(p, &x));
    vec_push(p->arena, &nodes, x);
    while (starts_edge(p)) {
        TRY(parse_edge(p, &x));
        vec_push(p->arena, &edges, x);
        TRY(parse_node(p, &x));
        vec_push(p->arena, &nodes, x);
    }
    if (needs_edge && edges.count == 0)
        return cypher_parser_fail(p, "a relationship");
    ret->nodes = nodes.items;
    ret->edges = edges.items;
    ret->edge_count = edges.count;
    return true;
}

bool cypher_parse_path(parser *p, bool needs_edge, ast_path *ret)
{
    size_t first = p->at;
    *ret = (ast_path){ 0 };
    if (cypher_parser_is_name(p, 0) && cypher_parser_is_symbol(p, 1, "=")) {
        TRY(cypher_parser_name(p, "a variable", &ret->variable));
        TRY(cypher_parser_need(p, "="));
    }
    bool is_one = cypher_parser_is_word(p, 0, "shortestPath"),
         is_all = cypher_parser_is_word(p, 0, "allShortestPaths");
    if ((is_one || is_all) && cypher_parser_is_symbol(p, 1, "(")) {
        p->at += 2;
        ret->search = is_one ? SEARCH_SHORTEST : SEARCH_ALL_SHORTEST;
        TRY(parse_chain(p, true, ret));
        if (ret->edge_count != 1)
            return cypher_parser_fail(p, "one relationship");
        TRY(cypher_parser_need(p, ")"));
    } else {
        TRY(parse_chain(p, needs_edge, ret));
    }
    ret->span = cypher_parser_span(p, first);
    return true;
}

bool cypher_parse_try_path(parser *p, ast_path **ret)
{
    if (++p->tries > MOST_TRIES)
        return false;
    error ignored = { 0 }, *err = p->err;
    size_t before = p->at;
    int depth = p->depth;
    p->err = &ignored;
    *ret = arena_new_of(p->arena, ast_path);
    bool works = cypher_parse_path(p, true, *ret);
    p->err = err;
    p->depth = depth;
    if (!works)
        p->at = before;
    return works;
}

bool cypher_parse_paths(parser *p, ast_path **ret, size_t *ret_count)
{
    VEC(ast_path) paths = { 0 };
    do {
        ast_path x;
        TRY(cypher_parse_path(p, false, &x));
        vec_push(p->arena, &paths, x);
    } while (cypher_parser_take(p, ","));
    *ret = paths.items;
    *ret_count = paths.count;
    return true;
}
