/* What the parser's files share. */
#pragma once

#include "cypher/ast.h"
#include "cypher/lexer.h"

enum { DEEPEST = 200, MOST_TRIES = 20000 };

typedef struct parser {
    arena *arena;
    str text;
    token_list tokens;
    size_t at;
    int depth;
    int tries; /* of reading a pattern where an expression may stand */
    bool is_trying;
    error *err;
} parser;

const token *cypher_parser_peek(const parser *p, size_t ahead);
bool cypher_parser_fail(parser *p, const char *expected);
bool cypher_parser_fail_at(parser *p, size_t offset, const char *detail, const char *format, ...)
    PRINTF_LIKE(4, 5);
bool cypher_parser_is_symbol(const parser *p, size_t ahead, const char *symbol);
bool cypher_parser_is_word(const parser *p, size_t ahead, const char *word);
bool cypher_parser_take(parser *p, const char *symbol);
bool cypher_parser_take_word(parser *p, const char *word);
NODISCARD bool cypher_parser_need(parser *p, const char *symbol);
NODISCARD bool cypher_parser_need_word(parser *p, const char *word);
NODISCARD bool cypher_parser_name(parser *p, const char *what, str *ret);
/* Whether a variable may start here. */
bool cypher_parser_is_name(const parser *p, size_t ahead);
span cypher_parser_span(const parser *p, size_t first_token);
NODISCARD bool cypher_parser_enter(parser *p);
static inline void cypher_parser_leave(parser *p)
{
    p->depth--;
}

NODISCARD bool cypher_parse_expression(parser *p, ast_expr **ret);
NODISCARD bool cypher_parse_map_items(parser *p, ast_map_item **ret_items, size_t *ret_count);
/* [name =] (a)-[e]->(b)…; `needs_edge`: a single node is none. */
NODISCARD bool cypher_parse_path(parser *p, bool needs_edge, ast_path *ret);
/* Reads a path if there is one; else nothing has been read. */
bool cypher_parse_try_path(parser *p, ast_path **ret);
NODISCARD bool cypher_parse_query(parser *p, ast_query **ret);
NODISCARD bool cypher_parse_paths(parser *p, ast_path **ret, size_t *ret_count);
