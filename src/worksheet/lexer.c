/* Cutting a worksheet into tokens. */
#include "worksheet/lexer.h"

#include "base/arena.h"
#include "base/vec.h"

enum {
    NESTING_LIMIT = 200, /* what stands behind each other in brackets; DuckDB's own limit is near */
};

typedef struct lexer {
    str source_name, text;
    size_t at;
    int depth; /* of brackets that are open */
    error *err;
} lexer;

static bool is_word_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static unsigned char peek(const lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? (unsigned char)l->text.data[l->at + ahead] : 0;
}

static bool starts(const lexer *l, str part)
{
    return str_starts_with(str_slice(l->text, l->at, l->text.len), part);
}

static bool skip_block_comment(lexer *l)
{
    size_t from = l->at;
    int depth = 0;
    while (l->at < l->text.len) {
        if (starts(l, STR("/*"))) {
            depth++;
            l->at += 2;
        } else if (starts(l, STR("*/"))) {
            l->at += 2;
            if (--depth == 0)
                return true;
        } else {
            l->at++;
        }
    }
    return fail_at(l->err, l->source_name, l->text, from,
                   "this comment is not closed: */ is missing");
}

/* Whether nothing but blanks stands before the place on its line. There "//" begins a comment;
 * elsewhere it divides. */
static bool begins_line(const lexer *l)
{
    for (size_t i = l->at; i > 0 && l->text.data[i - 1] != '\n'; i--)
        if (l->text.data[i - 1] != ' ' && l->text.data[i - 1] != '\t')
            return false;
    return true;
}

static bool skip_blanks(lexer *l)
{
    for (;;) {
        unsigned char c = peek(l, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            l->at++;
        } else if (starts(l, STR("\xC2\xA0"))) {
            l->at += 2;
        } else if (starts(l, STR("&nbsp;"))) {
            l->at += 6;
        } else if (starts(l, STR("--")) || (starts(l, STR("//")) && begins_line(l))) {
            while (l->at < l->text.len && peek(l, 0) != '\n')
                l->at++;
        } else if (starts(l, STR("/*"))) {
            TRY(skip_block_comment(l));
        } else {
            return true;
        }
    }
}

static bool read_quoted(lexer *l, char quote, token *t)
{
    l->at++;
    for (; l->at < l->text.len; l->at++) {
        if (l->text.data[l->at] != quote)
            continue;
        if (peek(l, 1) != (unsigned char)quote) {
            l->at++;
            return true;
        }
        l->at++;
    }
    return fail_at(l->err, l->source_name, l->text, t->span.from,
                   "this %s is not closed: %c is missing", quote == '"' ? "name" : "text", quote);
}

static void read_number(lexer *l)
{
    while (is_digit(peek(l, 0)) || (peek(l, 0) == '.' && is_digit(peek(l, 1))))
        l->at++;
    if ((peek(l, 0) == 'e' || peek(l, 0) == 'E') &&
        (is_digit(peek(l, 1)) ||
         ((peek(l, 1) == '-' || peek(l, 1) == '+') && is_digit(peek(l, 2))))) {
        l->at += 2;
        while (is_digit(peek(l, 0)))
            l->at++;
    }
}

static bool read_token(lexer *l, token *t)
{
    static const char *const pairs[] = { "::", "||", "<=", ">=", "<>", "!=", "==", "->", "=>" };
    unsigned char c = peek(l, 0);
    t->span.from = l->at;
    if (c == '\'' || c == '"') {
        t->kind = c == '"' ? TOKEN_QUOTED : TOKEN_TEXT;
        TRY(read_quoted(l, (char)c, t));
    } else if (is_word_start(c)) {
        t->kind = TOKEN_WORD;
        while (is_word_start(peek(l, 0)) || is_digit(peek(l, 0)))
            l->at++;
    } else if (is_digit(c)) {
        t->kind = TOKEN_NUMBER;
        read_number(l);
    } else {
        t->kind = TOKEN_SYMBOL;
        size_t len = 1;
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
            if (starts(l, str_of(pairs[i])))
                len = 2;
        if (c < 0x20 || c == 0x7F)
            return fail_at(l->err, l->source_name, l->text, l->at,
                           "character 0x%02X has no place in SQL", c);
        l->at += len;
        l->depth += c == '(' || c == '[' || c == '{';
        l->depth -= (c == ')' || c == ']' || c == '}') && l->depth > 0;
        if (l->depth > NESTING_LIMIT)
            return fail_at(l->err, l->source_name, l->text, t->span.from,
                           "brackets stand more than %d deep in each other", NESTING_LIMIT);
    }
    t->span.to = l->at;
    t->text = str_slice(l->text, t->span.from, t->span.to);
    return true;
}

bool lexer_run(arena *a, str source_name, str text, token **ret_tokens, size_t *ret_count,
               error *err)
{
    lexer l = { .source_name = source_name, .text = text, .err = err };
    VEC(token) tokens = { 0 };
    for (;;) {
        TRY(skip_blanks(&l));
        token t = { .kind = TOKEN_END, .span = { l.at, l.at } };
        if (l.at < text.len)
            TRY(read_token(&l, &t));
        vec_push(a, &tokens, t);
        if (t.kind == TOKEN_END)
            break;
        if (token_is_symbol(&t, ";")) /* what is open there is an error of its own */
            l.depth = 0;
    }
    *ret_tokens = tokens.items;
    *ret_count = tokens.count;
    return true;
}

str token_unquote(arena *a, const token *t)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 1; i + 1 < t->text.len; i++) {
        strbuf_add_char(&b, t->text.data[i]);
        if (t->text.data[i] == t->text.data[0])
            i++;
    }
    return strbuf_str(&b);
}

bool token_is_word(const token *t, const char *word)
{
    return t->kind == TOKEN_WORD && str_eq_nocase(t->text, str_of(word));
}

bool token_is_symbol(const token *t, const char *symbol)
{
    return t->kind == TOKEN_SYMBOL && str_eq(t->text, str_of(symbol));
}
