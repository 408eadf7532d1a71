/* Recursive descent over Gremlin text. */
#include "base/vec.h"
#include "gremlin/ast.h"

enum { DEEPEST = 64 };

typedef struct parser {
    arena *arena;
    str text;
    size_t at;
    int depth;
    error *err;
} parser;

static bool parse_argument(parser *p, gremlin_argument *ret);
static bool parse_steps(parser *p, traversal *ret);

static bool fail_here(parser *p, const char *expected)
{
    str rest = str_slice(p->text, p->at, p->text.len);
    size_t len = 0;
    while (len < rest.len && len < 20 && rest.data[len] != '\n' && rest.data[len] != ' ' &&
           rest.data[len] != ')')
        len++;
    if (rest.len == 0)
        return fail_at(p->err, STR("gremlin"), p->text, p->at,
                       "expected %s, but the query ends here", expected);
    return fail_at(p->err, STR("gremlin"), p->text, p->at, "expected %s, found " STR_FMT, expected,
                   STR_ARG(str_slice(rest, 0, len ? len : 1)));
}

static void skip_blanks(parser *p)
{
    while (p->at < p->text.len) {
        str rest = str_slice(p->text, p->at, p->text.len);
        char c = rest.data[0];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            p->at++;
        } else if (str_starts_with(rest, STR("//"))) {
            ptrdiff_t end = str_find_char(rest, '\n');
            p->at = end < 0 ? p->text.len : p->at + (size_t)end;
        } else if (str_starts_with(rest, STR("/*"))) {
            ptrdiff_t end = str_find(rest, STR("*/"));
            p->at = end < 0 ? p->text.len : p->at + (size_t)end + 2;
        } else {
            return;
        }
    }
}

static char peek(parser *p)
{
    skip_blanks(p);
    return p->at < p->text.len ? p->text.data[p->at] : 0;
}

static bool take(parser *p, char c)
{
    bool is_there = peek(p) == c && c;
    p->at += is_there;
    return is_there;
}

static bool need(parser *p, char c)
{
    char expected[4] = { '\'', c, '\'', 0 };
    return take(p, c) ? true : fail_here(p, expected);
}

static bool is_word(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

static bool parse_word(parser *p, const char *what, str *ret)
{
    peek(p);
    size_t from = p->at;
    while (p->at < p->text.len && is_word(p->text.data[p->at], p->at == from))
        p->at++;
    *ret = str_slice(p->text, from, p->at);
    return ret->len ? true : fail_here(p, what);
}

/* ---- Literals ---- */

static bool put_unicode(parser *p, strbuf *b)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        char c = p->at < p->text.len ? p->text.data[p->at] : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return fail_here(p, "four hexadecimal digits");
        code = code * 16 + (uint32_t)digit;
    }
    if (code < 0x80) {
        strbuf_add_char(b, (char)code);
    } else if (code < 0x800) {
        strbuf_add_char(b, (char)(0xC0 | code >> 6));
        strbuf_add_char(b, (char)(0x80 | (code & 63)));
    } else {
        strbuf_add_char(b, (char)(0xE0 | code >> 12));
        strbuf_add_char(b, (char)(0x80 | (code >> 6 & 63)));
        strbuf_add_char(b, (char)(0x80 | (code & 63)));
    }
    return true;
}

static bool parse_text(parser *p, value *ret)
{
    size_t from = p->at;
    char quote = p->text.data[p->at++];
    strbuf b = strbuf_new(p->arena);
    while (p->at < p->text.len && p->text.data[p->at] != quote) {
        char c = p->text.data[p->at++];
        if (c != '\\') {
            strbuf_add_char(&b, c);
            continue;
        }
        c = p->at < p->text.len ? p->text.data[p->at++] : 0;
        if (c == 'u')
            TRY(put_unicode(p, &b));
        else
            strbuf_add_char(&b, c == 'n'   ? '\n'
                                : c == 't' ? '\t'
                                : c == 'r' ? '\r'
                                : c == 'b' ? '\b'
                                : c == 'f' ? '\f'
                                           : c);
    }
    if (p->at >= p->text.len)
        return fail_at(p->err, STR("gremlin"), p->text, from,
                       "this text is not closed: %c is missing", quote);
    p->at++;
    *ret = value_text(strbuf_str(&b));
    return true;
}

static bool parse_number(parser *p, value *ret)
{
    size_t from = p->at;
    bool is_real = false;
    p->at += p->text.data[p->at] == '-' || p->text.data[p->at] == '+';
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.data[p->at];
        bool is_point = c == '.' && p->at + 1 < p->text.len && p->text.data[p->at + 1] >= '0' &&
                        p->text.data[p->at + 1] <= '9';
        bool is_exponent = (c == 'e' || c == 'E') && p->at > from;
        if (is_exponent && p->at + 1 < p->text.len &&
            (p->text.data[p->at + 1] == '-' || p->text.data[p->at + 1] == '+'))
            p->at++;
        if (!(c >= '0' && c <= '9') && !is_point && !is_exponent)
            break;
        is_real |= is_point || is_exponent;
    }
    str digits = str_slice(p->text, from, p->at);
    char suffix = p->at < p->text.len ? p->text.data[p->at] : 0;
    if (suffix && strchr("dDfFmM", suffix)) {
        is_real = true;
        p->at++;
    } else if (suffix && strchr("lLiIsSbBnN", suffix)) {
        p->at++;
    }
    int64_t integer;
    double real;
    if (!is_real && str_to_i64(digits, &integer)) {
        *ret = value_int(integer);
        return true;
    }
    if (str_to_double(digits, &real)) {
        *ret = value_double(real);
        return true;
    }
    p->at = from;
    return fail_here(p, "a number");
}

/* A key of [key: value]: a word or a text; false when no colon follows. */
static bool parse_key(parser *p, value *ret)
{
    size_t from = p->at;
    error *err = p->err, ignored = { 0 };
    char c = peek(p);
    str word;
    bool works = false;
    p->err = &ignored;
    if (c == '\'' || c == '"') {
        works = parse_text(p, ret);
    } else if (is_word(c, true)) {
        works = parse_word(p, "a key", &word);
        *ret = value_text(word);
    }
    p->err = err;
    if (works && take(p, ':'))
        return true;
    p->at = from;
    return false;
}

static bool parse_map(parser *p, value first, value *ret)
{
    VEC(value) keys = { 0 };
    VEC(value) values = { 0 };
    for (;;) {
        gremlin_argument x;
        size_t from = p->at;
        TRY(parse_argument(p, &x));
        if (x.kind != ARG_LITERAL) {
            p->at = from;
            return fail_here(p, "a value");
        }
        vec_push(p->arena, &keys, first);
        vec_push(p->arena, &values, x.literal);
        if (!take(p, ','))
            break;
        if (!parse_key(p, &first))
            return fail_here(p, "a key and a colon");
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys.items, values.items, keys.count } };
    return need(p, ']');
}

static bool parse_list(parser *p, value *ret)
{
    VEC(value) items = { 0 };
    value key;
    p->at++;
    if (take(p, ':')) {
        *ret = (value){ .kind = VALUE_MAP };
        return need(p, ']');
    }
    if (parse_key(p, &key))
        return parse_map(p, key, ret);
    if (take(p, ']')) {
        *ret = (value){ .kind = VALUE_LIST };
        return true;
    }
    do {
        gremlin_argument x;
        size_t from = p->at;
        TRY(parse_argument(p, &x));
        if (x.kind != ARG_LITERAL) {
            p->at = from;
            return fail_here(p, "a value");
        }
        vec_push(p->arena, &items, x.literal);
    } while (take(p, ','));
    *ret = (value){ .kind = VALUE_LIST, .list = { items.items, items.count } };
    return need(p, ']');
}

/* ---- Predicates ---- */

static bool is_predicate_name(str name)
{
    static const char *const names[] = { "eq",
                                         "neq",
                                         "gt",
                                         "gte",
                                         "lt",
                                         "lte",
                                         "between",
                                         "inside",
                                         "outside",
                                         "within",
                                         "without",
                                         "not",
                                         "startingWith",
                                         "endingWith",
                                         "containing",
                                         "notStartingWith",
                                         "notEndingWith",
                                         "notContaining" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

static bool parse_arguments(parser *p, const gremlin_argument **ret, size_t *ret_count)
{
    VEC(gremlin_argument) args = { 0 };
    TRY(need(p, '('));
    if (!take(p, ')')) {
        do {
            gremlin_argument x;
            TRY(parse_argument(p, &x));
            vec_push(p->arena, &args, x);
        } while (take(p, ','));
        if (!take(p, ')'))
            return fail_here(p, "',' or ')'");
    }
    *ret = args.items;
    *ret_count = args.count;
    return true;
}

static bool parse_predicate(parser *p, str name, size_t offset, predicate **ret)
{
    predicate *x = arena_new_of(p->arena, predicate);
    *x = (predicate){ .name = name, .offset = offset };
    TRY(parse_arguments(p, &x->args, &x->arg_count));
    for (;;) { /* .and(…), .or(…), .negate() */
        size_t from = p->at;
        str word;
        if (!take(p, '.'))
            break;
        TRY(parse_word(p, "and, or or negate", &word));
        if (str_eq(word, STR("negate"))) {
            const gremlin_argument *none;
            size_t count;
            TRY(parse_arguments(p, &none, &count));
            predicate *negated = arena_new_of(p->arena, predicate);
            *negated = (predicate){ .name = STR("not"), .offset = offset, .parts = { x } };
            x = negated;
            continue;
        }
        if (!str_eq(word, STR("and")) && !str_eq(word, STR("or"))) {
            p->at = from;
            break;
        }
        gremlin_argument other;
        TRY(need(p, '('));
        TRY(parse_argument(p, &other));
        TRY(need(p, ')'));
        if (other.kind != ARG_PREDICATE)
            return fail_at(p->err, STR("gremlin"), p->text, other.offset,
                           "expected a predicate, e.g. gt(5)");
        predicate *both = arena_new_of(p->arena, predicate);
        *both = (predicate){ .name = word, .offset = offset, .parts = { x, other.predicate } };
        x = both;
    }
    *ret = x;
    return true;
}

/* ---- Arguments ---- */

static bool is_token(str word)
{
    static const char *const tokens[] = { "id",      "label", "key",    "value", "keys",
                                          "values",  "asc",   "desc",   "incr",  "decr",
                                          "shuffle", "local", "global", "first", "last",
                                          "all",     "mixed", "OUT",    "IN",    "BOTH" };
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        if (str_eq(word, str_of(tokens[i])))
            return true;
    return false;
}

static bool is_enum_name(str word)
{
    static const char *const names[] = { "T",      "P",   "TextP",     "Order",   "Scope",
                                         "Column", "Pop", "Direction", "Operator" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(word, str_of(names[i])))
            return true;
    return false;
}

static bool parse_worded(parser *p, gremlin_argument *ret)
{
    size_t from = p->at;
    str word;
    TRY(parse_word(p, "a value", &word));
    if (str_eq(word, STR("true")) || str_eq(word, STR("false"))) {
        *ret =
            (gremlin_argument){ ARG_LITERAL, from, { .literal = value_bool(word.data[0] == 't') } };
        return true;
    }
    if (str_eq(word, STR("null"))) {
        *ret = (gremlin_argument){ ARG_LITERAL, from, { .literal = value_null() } };
        return true;
    }
    if (is_enum_name(word) && take(p, '.'))
        TRY(parse_word(p, "a name", &word));
    bool is_call = peek(p) == '(';
    if (is_call && is_predicate_name(word)) {
        size_t after = p->at;
        ret->kind = ARG_PREDICATE;
        ret->offset = from;
        if (!str_eq(word, STR("not")))
            return parse_predicate(p, word, from, &ret->predicate);
        /* not(…) is a predicate or a traversal: it depends on what it holds */
        const gremlin_argument *args;
        size_t count;
        TRY(parse_arguments(p, &args, &count));
        if (count == 1 && args[0].kind == ARG_PREDICATE) {
            predicate *x = arena_new_of(p->arena, predicate);
            *x = (predicate){ .name = word, .offset = from, .parts = { args[0].predicate } };
            ret->predicate = x;
            return true;
        }
        p->at = after;
    }
    if (!is_call && is_token(word)) {
        *ret = (gremlin_argument){ ARG_TOKEN, from, { .token = word } };
        return true;
    }
    p->at = from;
    ret->kind = ARG_TRAVERSAL;
    ret->offset = from;
    ret->traversal = arena_new_of(p->arena, traversal);
    if (str_eq(word, STR("__"))) {
        p->at += 2;
        TRY(need(p, '.'));
    }
    return parse_steps(p, ret->traversal);
}

static bool parse_argument(parser *p, gremlin_argument *ret)
{
    char c = peek(p);
    *ret = (gremlin_argument){ .kind = ARG_LITERAL, .offset = p->at };
    if (++p->depth > DEEPEST)
        return fail_at(p->err, STR("gremlin"), p->text, p->at,
                       "the query is nested more than %d deep", DEEPEST);
    bool works = c == '\'' || c == '"'                            ? parse_text(p, &ret->literal)
                 : (c >= '0' && c <= '9') || c == '-' || c == '+' ? parse_number(p, &ret->literal)
                 : c == '['                                       ? parse_list(p, &ret->literal)
                 : is_word(c, true)                               ? parse_worded(p, ret)
                                    : fail_here(p, "a value, a predicate or a traversal");
    p->depth--;
    return works;
}

/* name(args).name(args)… */
static bool parse_steps(parser *p, traversal *ret)
{
    VEC(step) steps = { 0 };
    do {
        step s = { 0 };
        peek(p);
        s.offset = p->at;
        TRY(parse_word(p, "a step", &s.name));
        TRY(parse_arguments(p, &s.args, &s.arg_count));
        vec_push(p->arena, &steps, s);
    } while (take(p, '.'));
    *ret = (traversal){ steps.items, steps.count };
    return true;
}

/* ---- graph.program(PageRankProgram.build()….create()).submitAndGet() ---- */

static const struct {
    const char *program, *procedure;
} programs[] = { { "PageRankProgram", "algo.pagerank" },
                 { "LabelPropagationProgram", "algo.labelPropagation" },
                 { "WeakConnectedComponentProgram", "algo.wcc" },
                 { "LouvainProgram", "algo.louvain" } };

/* The option that a method of the builder, or a name in setParams(), stands for. */
static str option_of(str name)
{
    static const char *const names[][2] = { { "vertices", "labels" },
                                            { "edges", "relationshipTypes" },
                                            { "maxIteration", "maxIterations" },
                                            { "weight", "relationshipWeightProperty" } };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i][0])))
            return str_of(names[i][1]);
    return name;
}

static value list_of(parser *p, const gremlin_argument *args, size_t count)
{
    value *items = arena_array_of(p->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = args[i].literal;
    return value_list(items, count);
}

static bool parse_program(parser *p, traversal *ret)
{
    str word;
    traversal builder, after;
    size_t from;
    const char *procedure = NULL;
    VEC(value) keys = { 0 };
    VEC(value) values = { 0 };
    TRY(need(p, '.'));
    from = p->at;
    TRY(parse_word(p, "program", &word));
    if (!str_eq(word, STR("program"))) {
        p->at = from;
        return fail_here(p, "program(…)");
    }
    TRY(need(p, '('));
    from = p->at;
    TRY(parse_word(p, "a program", &word));
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (str_eq(word, str_of(programs[i].program)))
            procedure = programs[i].procedure;
    if (!procedure) {
        p->at = from;
        return fail_here(p, "PageRankProgram, LabelPropagationProgram, "
                            "WeakConnectedComponentProgram or LouvainProgram");
    }
    TRY(need(p, '.'));
    TRY(parse_steps(p, &builder));
    TRY(need(p, ')'));
    if (take(p, '.'))
        TRY(parse_steps(p, &after)); /* submitAndGet().toList() */
    for (size_t i = 0; i < builder.count; i++) {
        const step *s = &builder.steps[i];
        bool is_params = str_eq(s->name, STR("setParams"));
        bool is_list = str_eq(s->name, STR("vertices")) || str_eq(s->name, STR("edges"));
        for (size_t k = 0; k < s->arg_count; k++)
            if (s->args[k].kind != ARG_LITERAL)
                return fail_at(p->err, STR("gremlin"), p->text, s->args[k].offset,
                               "expected a value");
        for (size_t k = 0; is_params && k + 1 < s->arg_count; k += 2) {
            vec_push(p->arena, &keys, value_text(option_of(s->args[k].literal.text)));
            vec_push(p->arena, &values, s->args[k + 1].literal);
        }
        if (is_params || s->arg_count == 0)
            continue;
        vec_push(p->arena, &keys, value_text(option_of(s->name)));
        vec_push(p->arena, &values,
                 is_list ? list_of(p, s->args, s->arg_count) : s->args[0].literal);
    }
    gremlin_argument *args = arena_array_of(p->arena, gremlin_argument, 2);
    args[0] = (gremlin_argument){ ARG_LITERAL, from, { .literal = value_text(str_of(procedure)) } };
    args[1].kind = ARG_LITERAL;
    args[1].offset = from;
    args[1].literal = (value){ .kind = VALUE_MAP, .map = { keys.items, values.items, keys.count } };
    step *one = arena_new_of(p->arena, step);
    *one = (step){ STR("call"), from, args, 2 };
    *ret = (traversal){ one, 1 };
    return true;
}

bool gremlin_parse(arena *a, str text, traversal *ret, error *err)
{
    parser p = { .arena = a, .text = text, .err = err };
    str source;
    TRY(parse_word(&p, "g", &source));
    if (str_eq(source, STR("graph"))) {
        TRY(parse_program(&p, ret));
        take(&p, ';');
        return peek(&p) ? fail_here(&p, "the end") : true;
    }
    if (!str_eq(source, STR("g")))
        return fail_at(err, STR("gremlin"), text, p.at - source.len,
                       "a query begins with g., e.g. g.V().count()");
    TRY(need(&p, '.'));
    TRY(parse_steps(&p, ret));
    take(&p, ';');
    return peek(&p) ? fail_here(&p, "'.' or the end") : true;
}
