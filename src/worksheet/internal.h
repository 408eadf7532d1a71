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
    SCOPE_SOURCE,
    SCOPE_VIEW
} option_scope;

/* Options until one of the stop words or the end; each is checked against the table of `scope`.
 * `type` is the connection's. */
bool parser_options(parser *p, option_scope scope, str type, const char *const *stop_words,
                    option_list *ret);
/* [SET] NAME = value [SET NAME = value …], all of which must be alterable. */
bool parser_alterations(parser *p, option_scope scope, option_list *ret);
/* A SELECT or UNNEST(SELECT …); ends at ';', at an unmatched ')' when `is_nested`, or at WITH
 * EXPECTATION. */
bool parser_select(parser *p, bool is_nested, select_query *ret);

/* Shared by parser.c and parser_job.c. */
bool parser_table_name(parser *p, table_name *ret);
bool parser_target(parser *p, table_name *ret); /* of a job */
bool parser_names(parser *p, const char *what, const str **ret, size_t *ret_count);
bool parser_connection_type(parser *p, str *ret);
bool parser_expectation(parser *p, expectation *ret); /* after [WITH|ADD] EXPECTATION */
bool parser_create_job(parser *p, statement *s);      /* from [SYNC] JOB */
bool parser_alter_job(parser *p, statement *s);       /* from JOB */

/* ---- Shared by select.c and rewrite.c ---- */
bool select_is_clause_word(const token *t); /* FROM, WHERE, GROUP, LET, … */
bool select_is_name(const token *t);
str select_name_of(arena *a, const token *t); /* unquoted */
