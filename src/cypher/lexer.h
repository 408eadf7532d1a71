/* Words, numbers, texts and symbols of a query. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_NAME, /* `quoted` */
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_TEXT,
    TOKEN_PARAMETER,
    TOKEN_SYMBOL,
} token_kind;

typedef struct token {
    token_kind kind;
    uint32_t from, to; /* in the query */
    str text;          /* without quotes and escapes */
    uint64_t integer;  /* at most 2^63 */
    double real;
} token;

typedef VEC(token) token_list;

/* The last one is TOKEN_END. */
NODISCARD bool cypher_lex(arena *a, str text, token_list *ret, error *err);
