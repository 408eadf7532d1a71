/* Recursive descent over Gremlin text: the gremlin-lang grammar, and the Groovy forms that people
 * type. Values are in parse_literal.c. */
#include "gremlin/parse.h"

bool gremlin_fail_here(parser *p, const char *expected)
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

char gremlin_peek(parser *p)
{
    skip_blanks(p);
    return p->at < p->text.len ? p->text.data[p->at] : 0;
}

bool gremlin_take(parser *p, char c)
{
    bool is_there = gremlin_peek(p) == c && c;
    p->at += is_there;
    return is_there;
}

bool gremlin_need(parser *p, char c)
{
    char expected[4] = { '\'', c, '\'', 0 };
    return gremlin_take(p, c) ? true : gremlin_fail_here(p, expected);
}

bool gremlin_is_word(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80) ||
           (!is_first && c >= '0' && c <= '9');
}

bool gremlin_parse_word(parser *p, const char *what, str *ret)
{
    gremlin_peek(p);
    size_t from = p->at;
    while (p->at < p->text.len && gremlin_is_word(p->text.data[p->at], p->at == from))
        p->at++;
    *ret = str_slice(p->text, from, p->at);
    return ret->len ? true : gremlin_fail_here(p, what);
}

/* ---- Predicates ---- */

static bool is_one_of(str word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_of(names[i])))
            return true;
    return false;
}

static bool is_predicate_name(str word)
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
                                         "notContaining",
                                         "inCidr",
                                         "regex",
                                         "notRegex",
                                         "typeOf" };
    return is_one_of(word, names, ARRAY_LEN(names));
}

static bool parse_arguments(parser *p, const gremlin_argument **ret, size_t *ret_count)
{
    VEC(gremlin_argument) args = { 0 };
    TRY(gremlin_need(p, '('));
    if (!gremlin_take(p, ')')) {
        do {
            gremlin_argument x;
            TRY(gremlin_parse_argument(p, &x));
            vec_push(p->arena, &args, x);
        } while (gremlin_take(p, ','));
        if (!gremlin_take(p, ')'))
            return gremlin_fail_here(p, "',' or ')'");
    }
    *ret = args.items;
    *ret_count = args.count;
    return true;
}

/* .and(…), .or(…), .negate() behind a predicate */
static bool parse_connectives(parser *p, gremlin_argument *x)
{
    for (;;) {
        size_t from = p->at;
        str word;
        if (!gremlin_take(p, '.'))
            return true;
        TRY(gremlin_parse_word(p, "and, or or negate", &word));
        if (str_eq(word, STR("negate"))) {
            TRY(gremlin_need(p, '('));
            TRY(gremlin_need(p, ')'));
            *x = gremlin_arg_connective(p->arena, STR("not"), x->predicate, NULL);
            continue;
        }
        if (!str_eq(word, STR("and")) && !str_eq(word, STR("or"))) {
            p->at = from;
            return true;
        }
        gremlin_argument other;
        TRY(gremlin_need(p, '('));
        TRY(gremlin_parse_argument(p, &other));
        TRY(gremlin_need(p, ')'));
        if (other.kind != ARG_PREDICATE)
            return fail_at(p->err, STR("gremlin"), p->text, other.offset,
                           "expected a predicate, e.g. gt(5)");
        *x = gremlin_arg_connective(p->arena, word, x->predicate, other.predicate);
    }
}

static bool parse_predicate(parser *p, str name, size_t offset, gremlin_argument *ret)
{
    predicate *x = arena_new_of(p->arena, predicate);
    *x = (predicate){ .name = name, .offset = offset };
    TRY(parse_arguments(p, &x->args, &x->arg_count));
    *ret = (gremlin_argument){ .kind = ARG_PREDICATE, .offset = offset, .predicate = x };
    return parse_connectives(p, ret);
}

/* not(…) is a predicate or a traversal: it depends on what it holds. */
static bool parse_not(parser *p, size_t offset, gremlin_argument *ret, bool *ret_works)
{
    const gremlin_argument *args;
    size_t count, from = p->at;
    TRY(parse_arguments(p, &args, &count));
    *ret_works = count == 1 && args[0].kind == ARG_PREDICATE;
    if (!*ret_works) {
        p->at = from;
        return true;
    }
    *ret = gremlin_arg_connective(p->arena, STR("not"), args[0].predicate, NULL);
    ret->offset = offset;
    return parse_connectives(p, ret);
}

/* ---- Strategies ---- */

/* Name(key: value, …), Name.build().key(value).create(), Name.instance() or just Name. */
static bool parse_strategy(parser *p, str name, size_t offset, gremlin_argument *ret)
{
    VEC(str) keys = { 0 };
    VEC(gremlin_argument) values = { 0 };
    str word;
    gremlin_argument x;
    if (gremlin_take(p, '(')) {
        while (!gremlin_take(p, ')')) {
            TRY(gremlin_parse_word(p, "the name of a setting", &word));
            TRY(gremlin_need(p, ':'));
            TRY(gremlin_parse_argument(p, &x));
            vec_push(p->arena, &keys, word);
            vec_push(p->arena, &values, x);
            if (!gremlin_take(p, ',') && gremlin_peek(p) != ')')
                return gremlin_fail_here(p, "',' or ')'");
        }
    } else {
        while (gremlin_take(p, '.')) {
            const gremlin_argument *args;
            size_t count;
            TRY(gremlin_parse_word(p, "build, a setting or create", &word));
            TRY(parse_arguments(p, &args, &count));
            for (size_t i = 0; i < count; i++) {
                vec_push(p->arena, &keys, word);
                vec_push(p->arena, &values, args[i]);
            }
        }
    }
    *ret = gremlin_arg_strategy(p->arena, name, keys.items, values.items, keys.count);
    ret->offset = offset;
    return true;
}

/* ---- Arguments ---- */

static bool is_token(str word)
{
    static const char *const tokens[] = {
        "id",     "label",    "key",          "value",  "keys",     "values",  "asc",  "desc",
        "incr",   "decr",     "shuffle",      "local",  "global",   "first",   "last", "all",
        "mixed",  "OUT",      "IN",           "BOTH",   "onCreate", "onMatch", "outV", "inV",
        "any",    "none",     "unproductive", "single", "set",      "list",    "sum",  "sumLong",
        "minus",  "mult",     "div",          "min",    "max",      "assign",  "and",  "or",
        "addAll", "normSack", "second",       "minute", "hour",     "day",     "from", "to"
    };
    return is_one_of(word, tokens, ARRAY_LEN(tokens));
}

static bool is_enum_name(str word)
{
    static const char *const names[] = {
        "T",     "P",         "TextP",       "Order",          "Scope",        "Column",
        "Pop",   "Direction", "Operator",    "Merge",          "Pick",         "DT",
        "GType", "Barrier",   "Cardinality", "VertexProperty", "SackFunctions"
    };
    return is_one_of(word, names, ARRAY_LEN(names));
}

static bool is_cardinality(str word)
{
    return str_eq(word, STR("single")) || str_eq(word, STR("list")) || str_eq(word, STR("set"));
}

/* Cardinality.single('x') */
static bool parse_cardinality(parser *p, str name, gremlin_argument *ret)
{
    gremlin_argument x;
    value *pair = arena_array_of(p->arena, value, 2);
    TRY(gremlin_need(p, '('));
    TRY(gremlin_parse_argument(p, &x));
    TRY(gremlin_need(p, ')'));
    if (x.kind != ARG_LITERAL)
        return fail_at(p->err, STR("gremlin"), p->text, x.offset, "expected a value");
    pair[0] = (value){ .kind = VALUE_TOKEN, .text = name };
    pair[1] = x.literal;
    ret->literal = (value){ .kind = VALUE_ENTRY, .map = { &pair[0], &pair[1], 1 } };
    return true;
}

static bool parse_anonymous(parser *p, size_t from, gremlin_argument *ret)
{
    p->at = from;
    ret->kind = ARG_TRAVERSAL;
    ret->traversal = arena_new_of(p->arena, traversal);
    str rest = str_slice(p->text, from, from + 2);
    if (str_eq(rest, STR("__")) &&
        !gremlin_is_word(from + 2 < p->text.len ? p->text.data[from + 2] : 0, false)) {
        p->at += 2;
        TRY(gremlin_need(p, '.'));
    }
    return gremlin_parse_steps(p, ret->traversal);
}

/* What begins with a word: a constant, a variable, a predicate, a strategy, a traversal. */
static bool parse_worded(parser *p, gremlin_argument *ret)
{
    size_t from = p->at;
    str word, outer = STR("");
    bool works = false;
    TRY(gremlin_parse_word(p, "a value", &word));
    if (str_eq(word, STR("new"))) {
        gremlin_peek(p);
        TRY(gremlin_parse_word(p, "a strategy", &word));
    }
    TRY(gremlin_parse_named_value(p, word, &ret->literal, &works));
    if (works)
        return true;
    while (is_enum_name(word) && gremlin_take(p, '.')) {
        outer = word;
        TRY(gremlin_parse_word(p, "a name", &word));
    }
    if (str_ends_with(word, STR("Strategy")) && word.len > 8)
        return parse_strategy(p, word, from, ret);
    bool is_call = gremlin_peek(p) == '(';
    if (is_call && is_cardinality(word))
        return parse_cardinality(p, word, ret);
    if (is_call && is_predicate_name(word)) {
        if (!str_eq(word, STR("not")))
            return parse_predicate(p, word, from, ret);
        TRY(parse_not(p, from, ret, &works));
        if (works)
            return true;
    }
    if (!is_call && (outer.len || is_token(word))) {
        *ret = (gremlin_argument){ ARG_TOKEN, from, { .token = word } };
        return true;
    }
    if (!is_call && gremlin_peek(p) != '.') {
        *ret = (gremlin_argument){ ARG_VARIABLE, from, { .variable = word } };
        return true;
    }
    if (!is_call && str_eq(word, STR("WithOptions"))) {
        TRY(gremlin_need(p, '.'));
        return gremlin_fail_here(
            p, "tokens, ids, labels, keys, values, all, none, indexer, list or map");
    }
    return parse_anonymous(p, from, ret);
}

bool gremlin_parse_argument(parser *p, gremlin_argument *ret)
{
    char c = gremlin_peek(p);
    *ret = (gremlin_argument){ .kind = ARG_LITERAL, .offset = p->at };
    if (++p->depth > DEEPEST)
        return fail_at(p->err, STR("gremlin"), p->text, p->at,
                       "the query is nested more than %d deep", DEEPEST);
    bool works =
        gremlin_is_word(c, true) ? parse_worded(p, ret) : gremlin_parse_value(p, &ret->literal);
    p->depth--;
    if (works && ret->kind == ARG_LITERAL)
        works = gremlin_parse_range(p, &ret->literal);
    return works;
}

/* name(args).name(args)… */
bool gremlin_parse_steps(parser *p, traversal *ret)
{
    VEC(step) steps = { 0 };
    do {
        step s = { 0 };
        gremlin_peek(p);
        s.offset = p->at;
        TRY(gremlin_parse_word(p, "a step", &s.name));
        TRY(parse_arguments(p, &s.args, &s.arg_count));
        vec_push(p->arena, &steps, s);
    } while (gremlin_take(p, '.'));
    *ret = (traversal){ steps.items, steps.count, STR("") };
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
    TRY(gremlin_need(p, '.'));
    from = p->at;
    TRY(gremlin_parse_word(p, "program", &word));
    if (!str_eq(word, STR("program"))) {
        p->at = from;
        return gremlin_fail_here(p, "program(…)");
    }
    TRY(gremlin_need(p, '('));
    from = p->at;
    TRY(gremlin_parse_word(p, "a program", &word));
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (str_eq(word, str_of(programs[i].program)))
            procedure = programs[i].procedure;
    if (!procedure) {
        p->at = from;
        return gremlin_fail_here(p, "PageRankProgram, LabelPropagationProgram, "
                                    "WeakConnectedComponentProgram or LouvainProgram");
    }
    TRY(gremlin_need(p, '.'));
    TRY(gremlin_parse_steps(p, &builder));
    TRY(gremlin_need(p, ')'));
    if (gremlin_take(p, '.'))
        TRY(gremlin_parse_steps(p, &after)); /* submitAndGet().toList() */
    for (size_t i = 0; i < builder.count; i++) {
        const step *s = &builder.steps[i];
        bool is_params = str_eq(s->name, STR("setParams"));
        bool is_list = str_eq(s->name, STR("vertices")) || str_eq(s->name, STR("edges"));
        for (size_t k = 0; k < s->arg_count; k++)
            if (s->args[k].kind != ARG_LITERAL)
                return fail_at(p->err, STR("gremlin"), p->text, s->args[k].offset,
                               "expected a value");
        for (size_t k = 0; is_params && k < s->arg_count; k += 2)
            if (s->args[k].literal.kind != VALUE_STRING || k + 1 == s->arg_count)
                return fail_at(p->err, STR("gremlin"), p->text, s->args[k].offset,
                               "setParams() takes names and values by turns");
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
    *ret = (traversal){ one, 1, STR("g") };
    return true;
}

/* ---- Statements ---- */

static bool parse_traversal(parser *p, gremlin_argument *ret)
{
    size_t from = p->at;
    str word;
    TRY(gremlin_parse_word(p, "g", &word));
    ret->kind = ARG_TRAVERSAL;
    ret->offset = from;
    ret->traversal = arena_new_of(p->arena, traversal);
    if (str_eq(word, STR("graph")))
        return parse_program(p, ret->traversal);
    TRY(gremlin_need(p, '.'));
    TRY(gremlin_parse_steps(p, ret->traversal));
    ret->traversal->source = word;
    return true;
}

/* Whether a traversal source stands here: a word and a dot that no constant begins with. */
static bool is_source(parser *p)
{
    size_t from = p->at;
    error *err = p->err, ignored = { 0 };
    str word;
    p->err = &ignored;
    bool is_one = gremlin_is_word(gremlin_peek(p), true) && gremlin_parse_word(p, "", &word) &&
                  gremlin_peek(p) == '.' && !is_enum_name(word);
    p->at = from;
    p->err = err;
    return is_one;
}

/* x = …, def x = … */
static bool parse_assignment(parser *p, str *ret_variable)
{
    size_t from = p->at;
    error *err = p->err, ignored = { 0 };
    str word;
    p->err = &ignored;
    bool works = gremlin_is_word(gremlin_peek(p), true) && gremlin_parse_word(p, "", &word);
    if (works && (str_eq(word, STR("def")) || str_eq(word, STR("var"))) && gremlin_peek(p) != '=')
        works = gremlin_is_word(gremlin_peek(p), true) && gremlin_parse_word(p, "", &word);
    works = works && gremlin_take(p, '=') && gremlin_peek(p) != '=';
    p->err = err;
    if (!works)
        p->at = from;
    *ret_variable = works ? word : STR("");
    return works;
}

static bool parse_statement(parser *p, gremlin_statement *ret)
{
    gremlin_peek(p);
    parse_assignment(p, &ret->variable);
    gremlin_peek(p);
    if (is_source(p))
        return parse_traversal(p, &ret->of);
    size_t from = p->at;
    TRY(gremlin_parse_argument(p, &ret->of));
    if (ret->of.kind == ARG_LITERAL || ret->of.kind == ARG_VARIABLE)
        return true;
    return fail_at(p->err, STR("gremlin"), p->text, from,
                   "a query begins with g., e.g. g.V().count()");
}

bool gremlin_parse_script(arena *a, str text, gremlin_script *ret, error *err)
{
    parser p = { .arena = a, .text = text, .err = err };
    VEC(gremlin_statement) statements = { 0 };
    for (;;) {
        while (gremlin_take(&p, ';'))
            ;
        if (!gremlin_peek(&p))
            break;
        gremlin_statement s = { 0 };
        TRY(parse_statement(&p, &s));
        vec_push(a, &statements, s);
        size_t from = p.at;
        char next = gremlin_peek(&p);
        bool is_new_line = str_find_char(str_slice(text, from, p.at), '\n') >= 0;
        if (next && next != ';' && !is_new_line)
            return gremlin_fail_here(&p, "'.' or the end");
    }
    if (p.at < text.len)
        return gremlin_fail_here(&p, "text without a NUL");
    *ret = (gremlin_script){ statements.items, statements.count };
    return true;
}

bool gremlin_parse(arena *a, str text, traversal *ret, error *err)
{
    gremlin_script script;
    TRY(gremlin_parse_script(a, text, &script, err));
    if (script.count == 0)
        return fail_at(err, STR("gremlin"), text, text.len, "expected g, but the query ends here");
    const gremlin_statement *s = &script.statements[0];
    if (script.count > 1)
        return fail_at(err, STR("gremlin"), text, script.statements[1].of.offset,
                       "expected one query, and here begins another");
    if (s->of.kind != ARG_TRAVERSAL || s->variable.len)
        return fail_at(err, STR("gremlin"), text, s->of.offset,
                       "a query begins with g., e.g. g.V().count()");
    *ret = *s->of.traversal;
    return true;
}
