/* What the files of the parser share. */
#pragma once

#include "base/arena.h"
#include "worksheet/lexer.h"

typedef struct parser {
    arena *arena;
    str source_name, text;
    const token *tokens;
    size_t at;
    error *err;
} parser;

static inline const token *parser_peek(const parser *p)
{
    return &p->tokens[p->at];
}
static inline bool parser_is_word(const parser *p, const char *word)
{
    return token_is_word(parser_peek(p), word);
}
static inline bool parser_is_symbol(const parser *p, const char *symbol)
{
    return token_is_symbol(parser_peek(p), symbol);
}
bool parser_take_word(parser *p, const char *word); /* true when it was there */
bool parser_take_symbol(parser *p, const char *symbol);
bool parser_need_word(parser *p, const char *word); /* fails with what was expected */
bool parser_need_symbol(parser *p, const char *symbol);
/* "expected …, found …" at the current token. */
bool parser_fail(parser *p, const char *expected);
bool parser_name(parser *p, const char *what, str *ret); /* identifier, "quoted" or 'text' */
/* Skip one balanced run of tokens up to `)` or `,` or the end at depth 0; its text. */
bool parser_expression(parser *p, str *ret);

/* Which options a statement takes. */
typedef enum option_scope {
    SCOPE_CONNECTION,
    SCOPE_TABLE,
    SCOPE_COPY_JOB,
    SCOPE_INSERT_JOB,
    SCOPE_SOURCE
} option_scope;

/* Options until one of the stop words or the end; each is checked against the table of `scope`.
 * `type` is the connection's. */
bool parser_options(parser *p, option_scope scope, str type, const char *const *stop_words,
                    option_list *ret);
bool parser_select(parser *p, select_query *ret);
