/* Tokens of a worksheet. */
#pragma once

#include "worksheet/worksheet.h"

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* identifier or keyword, with $ */
    TOKEN_QUOTED, /* "identifier" */
    TOKEN_TEXT,   /* 'text' */
    TOKEN_NUMBER,
    TOKEN_SYMBOL, /* one or two characters: ( ) , . ; = :: || <= … */
} token_kind;

typedef struct token {
    token_kind kind;
    span span;
    str text; /* as written */
} token;

/* All tokens and a TOKEN_END. Comments (--, //, and nested C comments) and the blog's "&nbsp;" are
 * blanks. */
NODISCARD bool lexer_run(arena *a, str source_name, str text, token **ret_tokens, size_t *ret_count,
                         error *err);
/* The content of a TOKEN_TEXT or TOKEN_QUOTED: quotes gone, doubled ones single. */
str token_unquote(arena *a, const token *t);
bool token_is_word(const token *t, const char *word); /* any case */
bool token_is_symbol(const token *t, const char *symbol);
