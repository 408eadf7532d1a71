/* Text to tokens. */
#include "cypher/lexer.h"

#include <math.h>
#include <stdlib.h>

typedef struct lexer {
    arena *arena;
    str text;
    size_t at;
    error *err;
} lexer;

static bool fail_lexing(lexer *l, size_t at, const char *detail, const char *what)
{
    l->err->detail = detail;
    return fail_at(l->err, STR("cypher"), l->text, at, "%s", what);
}

static char peek(const lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? l->text.data[l->at + ahead] : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool skip_blanks(lexer *l)
{
    for (;;) {
        unsigned char c = (unsigned char)peek(l, 0);
        if (l->at < l->text.len && (c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f))) {
            l->at++;
        } else if (c == 0xC2 && (unsigned char)peek(l, 1) == 0xA0) {
            l->at += 2;
        } else if (c == '/' && peek(l, 1) == '/') {
            while (l->at < l->text.len && peek(l, 0) != '\n')
                l->at++;
        } else if (c == '/' && peek(l, 1) == '*') {
            ptrdiff_t end = str_find(str_slice(l->text, l->at + 2, l->text.len), STR("*/"));
            if (end < 0)
                return fail_lexing(l, l->at, "SyntaxError: UnexpectedSyntax",
                                   "this comment is not closed: */ is missing");
            l->at += (size_t)end + 4;
        } else {
            return true;
        }
    }
}

static void add_utf8(strbuf *b, uint32_t c)
{
    char out[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(first[n] | c);
    strbuf_add_bytes(b, out, n);
}

static bool lex_unicode(lexer *l, size_t digits, strbuf *b)
{
    uint32_t c = 0;
    size_t from = l->at;
    for (size_t i = 0; i < digits; i++, l->at++) {
        char d = peek(l, 0);
        if (!is_hex(d))
            return fail_lexing(l, from, "SyntaxError: InvalidUnicodeLiteral",
                               "\\u takes four hexadecimal digits, \\U eight");
        c = c * 16 + (uint32_t)(is_digit(d) ? d - '0' : (d | 32) - 'a' + 10);
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return fail_lexing(l, from, "SyntaxError: InvalidUnicodeLiteral",
                           "this is no Unicode character");
    add_utf8(b, c);
    return true;
}

static bool lex_text(lexer *l, token *ret)
{
    static const char from[] = "ntbfr0", to[] = "\n\t\b\f\r";
    char quote = peek(l, 0);
    size_t start = l->at++;
    strbuf b = strbuf_new(l->arena);
    ret->kind = TOKEN_TEXT;
    while (l->at < l->text.len && peek(l, 0) != quote) {
        char c = l->text.data[l->at++];
        if (c != '\\') {
            strbuf_add_char(&b, c);
            continue;
        }
        c = peek(l, 0);
        l->at++;
        const char *known = c ? strchr(from, c) : NULL;
        if (c == 'u' || c == 'U')
            TRY(lex_unicode(l, c == 'u' ? 4 : 8, &b));
        else if (known && known < from + 5)
            strbuf_add_char(&b, to[known - from]);
        else
            strbuf_add_char(&b, c);
    }
    if (l->at >= l->text.len)
        return fail_lexing(l, start, "SyntaxError: UnexpectedSyntax",
                           "this text is not closed: its second quote is missing");
    l->at++;
    ret->text = strbuf_str(&b);
    return true;
}

static bool lex_name(lexer *l, token *ret)
{
    size_t start = l->at++;
    strbuf b = strbuf_new(l->arena);
    ret->kind = TOKEN_NAME;
    for (; l->at < l->text.len; l->at++) {
        if (peek(l, 0) == '`' && peek(l, 1) != '`')
            break;
        l->at += peek(l, 0) == '`';
        strbuf_add_char(&b, l->text.data[l->at]);
    }
    if (l->at >= l->text.len)
        return fail_lexing(l, start, "SyntaxError: UnexpectedSyntax",
                           "this name is not closed: ` is missing");
    l->at++;
    ret->text = strbuf_str(&b);
    return true;
}

/* 0x1F, 0o17 (and 017, as it was once written) */
static bool lex_based(lexer *l, token *ret, unsigned base)
{
    size_t start = l->at;
    l->at += 2;
    bool is_first = true, overflows = false;
    for (; is_letter(peek(l, 0)) || is_digit(peek(l, 0)); l->at++) {
        char c = peek(l, 0);
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a') + 10;
        if (digit >= base)
            return fail_lexing(l, start, "SyntaxError: InvalidNumberLiteral",
                               "this is not a number");
        overflows |= ret->integer > (UINT64_MAX - digit) / base;
        ret->integer = ret->integer * base + digit;
        is_first = false;
    }
    if (is_first)
        return fail_lexing(l, start, "SyntaxError: InvalidNumberLiteral", "this is not a number");
    if (overflows || ret->integer > 1ull << 63)
        return fail_lexing(l, start, "SyntaxError: IntegerOverflow",
                           "this number is larger than 64 bits hold");
    return true;
}

static bool lex_number(lexer *l, token *ret)
{
    size_t start = l->at;
    ret->kind = TOKEN_INTEGER;
    if (peek(l, 0) == '0' && (peek(l, 1) | 32) == 'x')
        return lex_based(l, ret, 16);
    if (peek(l, 0) == '0' && (peek(l, 1) | 32) == 'o')
        return lex_based(l, ret, 8);
    while (is_digit(peek(l, 0)))
        l->at++;
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        ret->kind = TOKEN_FLOAT;
        for (l->at++; is_digit(peek(l, 0));)
            l->at++;
    }
    size_t sign = peek(l, 1) == '-' || peek(l, 1) == '+';
    if ((peek(l, 0) | 32) == 'e' && is_digit(peek(l, 1 + sign))) {
        ret->kind = TOKEN_FLOAT;
        for (l->at += 1 + sign; is_digit(peek(l, 0));)
            l->at++;
    }
    bool is_key = start > 0 && l->text.data[start - 1] == '{';
    if (is_letter(peek(l, 0)))
        return fail_lexing(l, start,
                           is_key ? "SyntaxError: UnexpectedSyntax"
                                  : "SyntaxError: InvalidNumberLiteral",
                           is_key ? "a key cannot start with a digit" : "this is not a number");
    str digits = str_slice(l->text, start, l->at);
    if (ret->kind == TOKEN_FLOAT) {
        ret->real = strtod(str_to_c(l->arena, digits), NULL);
        if (isinf(ret->real))
            return fail_lexing(l, start, "SyntaxError: FloatingPointOverflow",
                               "this number is larger than a floating-point number holds");
        return true;
    }
    if (!str_to_u64(digits, &ret->integer) || ret->integer > 1ull << 63)
        return fail_lexing(l, start, "SyntaxError: IntegerOverflow",
                           "this number is larger than 64 bits hold");
    return true;
}

/* General punctuation, such as a dash that an editor has put in the place of a minus. */
static bool is_foreign(const lexer *l, size_t at)
{
    return (unsigned char)l->text.data[at] == 0xE2 && at + 1 < l->text.len &&
           ((unsigned char)l->text.data[at + 1] == 0x80 ||
            (unsigned char)l->text.data[at + 1] == 0x81);
}

static bool lex_word(lexer *l, token *ret)
{
    size_t start = l->at;
    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0))) {
        if (is_foreign(l, l->at))
            return fail_lexing(l, l->at, "SyntaxError: InvalidUnicodeCharacter",
                               "this character means nothing here");
        l->at++;
    }
    ret->kind = TOKEN_WORD;
    ret->text = str_slice(l->text, start, l->at);
    return true;
}

static bool lex_symbol(lexer *l, token *ret)
{
    static const char *const symbols[] = { "<=", ">=", "<>", "!=", "..", "+=", "=~", "||" };
    str rest = str_slice(l->text, l->at, l->text.len);
    size_t len = 1;
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
        if (str_starts_with(rest, str_of(symbols[i])))
            len = 2;
    if (len == 1 && !strchr("()[]{}<>=+-*/%^.,:;|&!?$", rest.data[0]))
        return fail_lexing(l, l->at, "SyntaxError: UnexpectedSyntax",
                           "this character means nothing here");
    ret->kind = TOKEN_SYMBOL;
    ret->text = str_slice(rest, 0, len);
    l->at += len;
    return true;
}

static bool lex_parameter(lexer *l, token *ret)
{
    l->at++;
    if (peek(l, 0) == '`') {
        TRY(lex_name(l, ret));
    } else {
        size_t start = l->at;
        while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
            l->at++;
        ret->text = str_slice(l->text, start, l->at);
    }
    ret->kind = TOKEN_PARAMETER;
    return ret->text.len ? true
                         : fail_lexing(l, l->at, "SyntaxError: UnexpectedSyntax",
                                       "expected the name of a parameter behind $");
}

static bool lex_one(lexer *l, token *ret)
{
    char c = peek(l, 0);
    if (l->at >= l->text.len)
        return true;
    if (c == '\'' || c == '"')
        return lex_text(l, ret);
    if (c == '`')
        return lex_name(l, ret);
    if (c == '$')
        return lex_parameter(l, ret);
    if (is_digit(c) ||
        (c == '.' && is_digit(peek(l, 1)) && (l->at == 0 || l->text.data[l->at - 1] != '.')))
        return lex_number(l, ret);
    return is_letter(c) ? lex_word(l, ret) : lex_symbol(l, ret);
}

bool cypher_lex(arena *a, str text, token_list *ret, error *err)
{
    enum { LONGEST = 16 << 20 };
    lexer l = { a, text, 0, err };
    if (text.len > LONGEST)
        return fail(err, ERR_LIMIT, "the query has %zu bytes; at most %d are read", text.len,
                    LONGEST);
    for (;;) {
        token t = { 0 };
        TRY(skip_blanks(&l));
        t.from = (uint32_t)l.at;
        TRY(lex_one(&l, &t));
        t.to = (uint32_t)l.at;
        vec_push(a, ret, t);
        if (t.kind == TOKEN_END)
            return true;
    }
}
