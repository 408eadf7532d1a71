/* Tokens and expressions. */
#include "cypher/internal.h"

/* ---- Tokens ---- */

void cypher_skip_blanks(compiler *c)
{
    while (c->at < c->text.len) {
        str rest = str_slice(c->text, c->at, c->text.len);
        if (strchr(" \t\r\n", rest.data[0])) {
            c->at++;
        } else if (str_starts_with(rest, STR("//"))) {
            ptrdiff_t end = str_find_char(rest, '\n');
            c->at = end < 0 ? c->text.len : c->at + (size_t)end;
        } else if (str_starts_with(rest, STR("/*"))) {
            ptrdiff_t end = str_find(rest, STR("*/"));
            c->at = end < 0 ? c->text.len : c->at + (size_t)end + 2;
        } else {
            return;
        }
    }
}

bool cypher_fail_here(compiler *c, const char *expected)
{
    cypher_skip_blanks(c);
    str rest = str_slice(c->text, c->at, c->at + 20);
    size_t len = 0;
    while (len < rest.len && !strchr(" \n),", rest.data[len]))
        len++;
    if (rest.len == 0)
        return fail_at(c->err, STR("cypher"), c->text, c->at,
                       "expected %s, but the query ends here", expected);
    return fail_at(c->err, STR("cypher"), c->text, c->at, "expected %s, found " STR_FMT, expected,
                   STR_ARG(str_slice(rest, 0, len ? len : 1)));
}

static bool is_word(char ch, bool is_first)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
           (!is_first && ch >= '0' && ch <= '9');
}

str cypher_peek_word(compiler *c)
{
    cypher_skip_blanks(c);
    size_t end = c->at;
    while (end < c->text.len && is_word(c->text.data[end], end == c->at))
        end++;
    return str_slice(c->text, c->at, end);
}

bool cypher_take_word(compiler *c, const char *word)
{
    str got = cypher_peek_word(c);
    bool is_there = str_eq_nocase(got, str_of(word));
    c->at += is_there ? got.len : 0;
    return is_there;
}

bool cypher_take(compiler *c, const char *symbol)
{
    cypher_skip_blanks(c);
    bool is_there = str_starts_with(str_slice(c->text, c->at, c->text.len), str_of(symbol));
    c->at += is_there ? strlen(symbol) : 0;
    return is_there;
}

bool cypher_need(compiler *c, const char *symbol)
{
    return cypher_take(c, symbol) ? true : cypher_fail_here(c, symbol);
}

bool cypher_parse_name(compiler *c, const char *what, str *ret)
{
    if (cypher_take(c, "`")) {
        ptrdiff_t end = str_find_char(str_slice(c->text, c->at, c->text.len), '`');
        if (end < 0)
            return cypher_fail_here(c, "a closing `");
        *ret = str_slice(c->text, c->at, c->at + (size_t)end);
        c->at += (size_t)end + 1;
        return true;
    }
    *ret = cypher_peek_word(c);
    c->at += ret->len;
    return ret->len ? true : cypher_fail_here(c, what);
}

plan_slot cypher_find_variable(const compiler *c, str name)
{
    for (size_t i = c->variables.count; i-- > 0;) /* the newest of a name */
        if (str_eq(c->variables.items[i].name, name))
            return c->variables.items[i].slot;
    return PLAN_NO_SLOT;
}

plan_op *cypher_add_op(compiler *c, plan_op_kind kind)
{
    c->op = plan_op_new(c->plan, kind, c->op, c->at);
    return c->op;
}

void cypher_filter(compiler *c, plan_expr *e)
{
    cypher_add_op(c, PLAN_FILTER)->predicate = e;
}

/* ---- Expressions ---- */

static bool parse_text(compiler *c, plan_expr **ret)
{
    size_t from = c->at;
    char quote = c->text.data[c->at++];
    strbuf b = strbuf_new(c->arena);
    for (; c->at < c->text.len && c->text.data[c->at] != quote; c->at++) {
        char ch = c->text.data[c->at];
        if (ch == '\\' && c->at + 1 < c->text.len) {
            ch = c->text.data[++c->at];
            ch = ch == 'n' ? '\n' : ch == 't' ? '\t' : ch;
        }
        strbuf_add_char(&b, ch);
    }
    if (c->at >= c->text.len)
        return fail_at(c->err, STR("cypher"), c->text, from,
                       "this text is not closed: %c is missing", quote);
    c->at++;
    *ret = plan_literal_text(c->plan, strbuf_str(&b));
    return true;
}

bool cypher_parse_number(compiler *c, plan_expr **ret)
{
    size_t from = c->at;
    int64_t integer;
    double real;
    c->at += c->text.data[c->at] == '-';
    while (c->at < c->text.len &&
           ((c->text.data[c->at] >= '0' && c->text.data[c->at] <= '9') ||
            (c->text.data[c->at] == '.' && c->at + 1 < c->text.len &&
             c->text.data[c->at + 1] >= '0' && c->text.data[c->at + 1] <= '9')))
        c->at++;
    str digits = str_slice(c->text, from, c->at);
    if (str_to_i64(digits, &integer))
        *ret = plan_literal_int(c->plan, integer);
    else if (str_to_double(digits, &real))
        *ret = plan_literal(c->plan, value_double(real));
    else
        return fail_at(c->err, STR("cypher"), c->text, from, "expected a number");
    return true;
}

static bool parse_arguments(compiler *c, plan_expr **args, size_t most, size_t *ret_count)
{
    *ret_count = 0;
    if (cypher_take(c, ")"))
        return true;
    do {
        if (*ret_count == most)
            return cypher_fail_here(c, "')'");
        TRY(cypher_parse_expression(c, &args[(*ret_count)++]));
    } while (cypher_take(c, ","));
    return cypher_need(c, ")");
}

static bool parse_aggregate(compiler *c, str name, size_t offset, plan_aggregate_kind kind,
                            plan_expr **ret)
{
    plan_aggregate x = { .kind = kind };
    if (!c->aggregates)
        return fail_at(c->err, STR("cypher"), c->text, offset, STR_FMT "() stands in RETURN only",
                       STR_ARG(name));
    bool is_star = kind == AGGREGATE_COUNT && cypher_take(c, "*");
    if (!is_star && cypher_take_word(c, "DISTINCT")) {
        if (kind != AGGREGATE_COUNT)
            return fail_at(c->err, STR("cypher"), c->text, offset,
                           "DISTINCT inside " STR_FMT "() cannot be answered by this version",
                           STR_ARG(name));
        c->is_distinct_count = true;
    }
    if (!is_star)
        TRY(cypher_parse_expression(c, &x.of));
    if (c->is_distinct_count)
        c->distinct_of = x.of;
    TRY(cypher_need(c, ")"));
    TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &x.to, c->err));
    vec_push(c->arena, c->aggregates, x);
    *ret = plan_slot_expr(c->plan, x.to);
    return true;
}

static bool parse_call(compiler *c, str name, size_t offset, plan_expr **ret)
{
    static const struct {
        const char *name;
        plan_aggregate_kind kind;
    } aggregates[] = { { "count", AGGREGATE_COUNT }, { "sum", AGGREGATE_SUM },
                       { "min", AGGREGATE_MIN },     { "max", AGGREGATE_MAX },
                       { "avg", AGGREGATE_MEAN },    { "collect", AGGREGATE_COLLECT } };
    plan_expr *args[4];
    size_t count;
    for (size_t i = 0; i < ARRAY_LEN(aggregates); i++)
        if (str_eq_nocase(name, str_of(aggregates[i].name)))
            return parse_aggregate(c, name, offset, aggregates[i].kind, ret);
    TRY(parse_arguments(c, args, ARRAY_LEN(args), &count));
    static const struct {
        const char *name;
        plan_function function;
        size_t count;
    } functions[] = {
        { "nodes", FN_PATH_NODES, 1 },
        { "relationships", FN_PATH_EDGES, 1 },
        { "rels", FN_PATH_EDGES, 1 },
        { "length", FN_PATH_LENGTH, 1 },
        { "size", FN_SIZE, 1 },
        { "keys", FN_ELEMENT_KEYS, 1 },
        { "startNode", FN_FROM_VERTEX, 1 },
        { "endNode", FN_TO_VERTEX, 1 },
        { "toLower", FN_LOWER, 1 },
        { "toUpper", FN_UPPER, 1 },
        { "trim", FN_TRIM, 1 },
        { "abs", FN_ABS, 1 },
        { "ceil", FN_CEIL, 1 },
        { "floor", FN_FLOOR, 1 },
        { "round", FN_ROUND, 1 },
        { "sign", FN_SIGN, 1 },
        { "sqrt", FN_SQRT, 1 },
        { "exp", FN_EXP, 1 },
        { "log", FN_LOG, 1 },
        { "log10", FN_LOG10, 1 },
        { "toFloat", FN_TO_DOUBLE, 1 },
        { "toInteger", FN_TO_INTEGER, 1 },
        { "toString", FN_TO_TEXT, 1 },
        { "head", FN_HEAD, 1 },
        { "last", FN_LAST, 1 },
        { "reverse", FN_REVERSE, 1 },
        { "range", FN_RANGE, 2 },
        { "inCidr", FN_IN_CIDR, 2 },
    };
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (count == functions[i].count && str_eq_nocase(name, str_of(functions[i].name))) {
            *ret = plan_call_list(c->plan, functions[i].function, args, count);
            return true;
        }
    bool is_id = str_eq_nocase(name, STR("id")) || str_eq_nocase(name, STR("elementId"));
    if (count == 1 && (is_id || str_eq_nocase(name, STR("type")))) {
        *ret = plan_call(c->plan, is_id ? FN_ID : FN_LABEL, args[0]);
        return true;
    }
    if (count == 1 && str_eq_nocase(name, STR("labels"))) {
        *ret = plan_call(c->plan, FN_LIST, plan_call(c->plan, FN_LABEL, args[0]));
        return true;
    }
    if (count == 1 && str_eq_nocase(name, STR("properties"))) {
        *ret = plan_call(c->plan, FN_VALUE_MAP_FLAT, args[0]);
        return true;
    }
    if (count > 0 && str_eq_nocase(name, STR("coalesce"))) {
        *ret = plan_call_list(c->plan, FN_COALESCE, args, count);
        return true;
    }
    return fail_at(c->err, STR("cypher"), c->text, offset,
                   "function " STR_FMT "() cannot be answered by this version", STR_ARG(name));
}

static bool parse_list(compiler *c, plan_expr **ret)
{
    VEC(plan_expr *) items = { 0 };
    if (!cypher_take(c, "]")) {
        do {
            plan_expr *x;
            TRY(cypher_parse_expression(c, &x));
            vec_push(c->arena, &items, x);
        } while (cypher_take(c, ","));
        TRY(cypher_need(c, "]"));
    }
    *ret = items.count ? plan_call_list(c->plan, FN_LIST, items.items, items.count)
                       : plan_literal(c->plan, (value){ .kind = VALUE_LIST });
    return true;
}

/* {key: value, …} behind its brace. */
static bool parse_map(compiler *c, plan_expr **ret)
{
    VEC(plan_expr *) items = { 0 };
    if (!cypher_take(c, "}")) {
        do {
            str key;
            plan_expr *x;
            TRY(cypher_parse_name(c, "a key", &key));
            TRY(cypher_need(c, ":"));
            TRY(cypher_parse_expression(c, &x));
            vec_push(c->arena, &items, plan_literal_text(c->plan, key));
            vec_push(c->arena, &items, x);
        } while (cypher_take(c, ","));
        TRY(cypher_need(c, "}"));
    }
    *ret = plan_call_list(c->plan, FN_MAP, items.items, items.count);
    return true;
}

/* CASE [x] WHEN a THEN b … [ELSE c] END */
static bool parse_case(compiler *c, plan_expr **ret)
{
    VEC(plan_expr *) args = { 0 };
    plan_expr *of = NULL, *x;
    if (!str_eq_nocase(cypher_peek_word(c), STR("WHEN")))
        TRY(cypher_parse_expression(c, &of));
    while (cypher_take_word(c, "WHEN")) {
        TRY(cypher_parse_expression(c, &x));
        vec_push(c->arena, &args, of ? plan_call(c->plan, FN_EQ, of, x) : x);
        if (!cypher_take_word(c, "THEN"))
            return cypher_fail_here(c, "THEN");
        TRY(cypher_parse_expression(c, &x));
        vec_push(c->arena, &args, x);
    }
    if (args.count == 0)
        return cypher_fail_here(c, "WHEN");
    if (cypher_take_word(c, "ELSE")) {
        TRY(cypher_parse_expression(c, &x));
        vec_push(c->arena, &args, x);
    }
    if (!cypher_take_word(c, "END"))
        return cypher_fail_here(c, "END");
    *ret = plan_call_list(c->plan, FN_CASE, args.items, args.count);
    return true;
}

static bool parse_named(compiler *c, plan_expr **ret)
{
    size_t offset = c->at;
    str name;
    if (cypher_take_word(c, "true") || cypher_take_word(c, "false")) {
        *ret = plan_literal_bool(c->plan, (c->text.data[offset] | 32) == 't');
        return true;
    }
    if (str_eq_nocase(cypher_peek_word(c), STR("CASE"))) {
        cypher_take_word(c, "CASE");
        return parse_case(c, ret);
    }
    if (cypher_take_word(c, "null")) {
        *ret = plan_literal_null(c->plan);
        return true;
    }
    TRY(cypher_parse_name(c, "an expression", &name));
    if (cypher_take(c, "("))
        return parse_call(c, name, offset, ret);
    plan_slot slot = cypher_find_variable(c, name);
    if (!slot)
        return fail_at(c->err, STR("cypher"), c->text, offset,
                       "variable `" STR_FMT "` is not defined", STR_ARG(name));
    *ret = plan_slot_expr(c->plan, slot);
    return true;
}

static bool parse_primary(compiler *c, plan_expr **ret)
{
    cypher_skip_blanks(c);
    char ch = c->at < c->text.len ? c->text.data[c->at] : 0;
    char after = c->at + 1 < c->text.len ? c->text.data[c->at + 1] : 0;
    if (ch == '\'' || ch == '"')
        TRY(parse_text(c, ret));
    else if ((ch >= '0' && ch <= '9') || (ch == '-' && after >= '0' && after <= '9'))
        TRY(cypher_parse_number(c, ret));
    else if (cypher_take(c, "["))
        TRY(parse_list(c, ret));
    else if (cypher_take(c, "{"))
        TRY(parse_map(c, ret));
    else if (ch == '-' && after != '-') {
        c->at++;
        TRY(parse_primary(c, ret));
        *ret = plan_call(c->plan, FN_NEGATE, *ret);
    } else if (cypher_take(c, "(")) {
        TRY(cypher_parse_expression(c, ret));
        TRY(cypher_need(c, ")"));
    } else {
        TRY(parse_named(c, ret));
    }
    for (;;) {
        str key;
        plan_expr *index;
        cypher_skip_blanks(c);
        if (c->at + 1 < c->text.len && c->text.data[c->at] == '.' &&
            c->text.data[c->at + 1] != '.') {
            c->at++;
            TRY(cypher_parse_name(c, "the name of a property", &key));
            *ret = plan_property(c->plan, *ret, key);
        } else if (cypher_take(c, "[")) {
            TRY(cypher_parse_expression(c, &index));
            TRY(cypher_need(c, "]"));
            *ret = plan_call(c->plan, FN_ITEM, *ret, index);
        } else {
            return true;
        }
    }
}

static bool parse_product(compiler *c, plan_expr **ret)
{
    TRY(parse_primary(c, ret));
    for (;;) {
        plan_expr *right;
        plan_function f = cypher_take(c, "*")   ? FN_MULTIPLY
                          : cypher_take(c, "/") ? FN_DIVIDE
                          : cypher_take(c, "%") ? FN_MODULO
                                                : FN_COUNT_;
        if (f == FN_COUNT_)
            return true;
        TRY(parse_primary(c, &right));
        *ret = plan_call(c->plan, f, *ret, right);
    }
}

static bool parse_sum(compiler *c, plan_expr **ret)
{
    TRY(parse_product(c, ret));
    for (;;) {
        plan_expr *right;
        plan_function f = cypher_take(c, "+")   ? FN_ADD
                          : cypher_take(c, "-") ? FN_SUBTRACT
                                                : FN_COUNT_;
        if (f == FN_COUNT_)
            return true;
        TRY(parse_product(c, &right));
        *ret = plan_call(c->plan, f, *ret, right);
    }
}

static bool parse_comparison(compiler *c, plan_expr **ret)
{
    static const struct {
        const char *symbol;
        plan_function function;
    } operators[] = { { "<>", FN_NE }, { "<=", FN_LE }, { ">=", FN_GE },
                      { "=", FN_EQ },  { "<", FN_LT },  { ">", FN_GT } };
    plan_expr *right;
    TRY(parse_sum(c, ret));
    if (cypher_take_word(c, "IS")) {
        bool is_not = cypher_take_word(c, "NOT");
        if (!cypher_take_word(c, "NULL"))
            return cypher_fail_here(c, "NULL");
        *ret = plan_call(c->plan, is_not ? FN_IS_NOT_NULL : FN_IS_NULL, *ret);
        return true;
    }
    plan_function f = FN_COUNT_;
    if (cypher_take_word(c, "IN"))
        f = FN_IN;
    else if (cypher_take_word(c, "CONTAINS"))
        f = FN_CONTAINS;
    else if (cypher_take_word(c, "STARTS") || cypher_take_word(c, "ENDS")) {
        f = (c->text.data[c->at - 2] | 32) == 't' ? FN_STARTS_WITH : FN_ENDS_WITH;
        if (!cypher_take_word(c, "WITH"))
            return cypher_fail_here(c, "WITH");
    }
    for (size_t i = 0; f == FN_COUNT_ && i < ARRAY_LEN(operators); i++)
        if (cypher_take(c, operators[i].symbol))
            f = operators[i].function;
    if (f == FN_COUNT_)
        return true;
    TRY(parse_sum(c, &right));
    *ret = plan_call(c->plan, f, *ret, right);
    return true;
}

static bool parse_not(compiler *c, plan_expr **ret)
{
    if (!cypher_take_word(c, "NOT"))
        return parse_comparison(c, ret);
    TRY(parse_not(c, ret));
    *ret = plan_call(c->plan, FN_NOT, *ret);
    return true;
}

static bool parse_and(compiler *c, plan_expr **ret)
{
    plan_expr *right;
    TRY(parse_not(c, ret));
    while (cypher_take_word(c, "AND")) {
        TRY(parse_not(c, &right));
        *ret = plan_call(c->plan, FN_AND, *ret, right);
    }
    return true;
}

bool cypher_parse_expression(compiler *c, plan_expr **ret)
{
    plan_expr *right;
    if (++c->depth > DEEPEST)
        return fail_at(c->err, STR("cypher"), c->text, c->at,
                       "the query is nested more than %d deep", DEEPEST);
    TRY(parse_and(c, ret));
    while (cypher_take_word(c, "OR")) {
        TRY(parse_and(c, &right));
        *ret = plan_call(c->plan, FN_OR, *ret, right);
    }
    c->depth--;
    return true;
}
