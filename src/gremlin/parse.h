/* The reader of Gremlin text, shared by parse.c and parse_literal.c. */
#pragma once

#include "gremlin/ast.h"

enum { DEEPEST = 100, RANGE_LONGEST = 1 << 20 };

typedef struct parser {
    arena *arena;
    str text;
    size_t at;
    int depth;
    error *err;
} parser;

bool gremlin_fail_here(parser *p, const char *expected);
/* The next character that is no blank and no comment; 0 at the end. */
char gremlin_peek(parser *p);
bool gremlin_take(parser *p, char c);
bool gremlin_need(parser *p, char c);
bool gremlin_is_word(char c, bool is_first);
bool gremlin_parse_word(parser *p, const char *what, str *ret);
bool gremlin_parse_argument(parser *p, gremlin_argument *ret);
bool gremlin_parse_steps(parser *p, traversal *ret);

/* ---- parse_literal.c ---- */

/* Numbers, texts, lists, sets, maps. */
bool gremlin_parse_value(parser *p, value *ret);
/* true, null, NaN, datetime('…'), UUID('…'), WithOptions.tokens, …; `word` was read. */
bool gremlin_parse_named_value(parser *p, str word, value *ret, bool *ret_works);
/* `*v`..value, when dots follow: the list of what lies between. */
bool gremlin_parse_range(parser *p, value *v);
