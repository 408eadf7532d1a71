/* One pass from text to plan: patterns become scans and expansions as they are read. */
#include <stdio.h>

#include "base/arena.h"
#include "base/vec.h"
#include "cypher/cypher.h"

enum { DEEPEST = 64 };

typedef struct variable {
    str name;
    plan_slot slot;
} variable;

typedef VEC(plan_aggregate) aggregate_list;

typedef struct compiler {
    arena *arena;
    plan *plan;
    graph *graph;
    str text;
    size_t at;
    int depth;
    plan_op *op;
    VEC(variable) variables;
    VEC(plan_slot) edges; /* of the MATCH so far: no edge is passed twice */
    /* aggregates of the RETURN item that is read; NULL: none are allowed here */
    aggregate_list *aggregates;
    bool is_distinct_count;
    plan_expr *distinct_of;
    error *err;
} compiler;

static bool parse_expression(compiler *c, plan_expr **ret);

/* ---- Tokens ---- */

static void skip_blanks(compiler *c)
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

static bool fail_here(compiler *c, const char *expected)
{
    skip_blanks(c);
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

static str peek_word(compiler *c)
{
    skip_blanks(c);
    size_t end = c->at;
    while (end < c->text.len && is_word(c->text.data[end], end == c->at))
        end++;
    return str_slice(c->text, c->at, end);
}

static bool take_word(compiler *c, const char *word)
{
    str got = peek_word(c);
    bool is_there = str_eq_nocase(got, str_of(word));
    c->at += is_there ? got.len : 0;
    return is_there;
}

static bool take(compiler *c, const char *symbol)
{
    skip_blanks(c);
    bool is_there = str_starts_with(str_slice(c->text, c->at, c->text.len), str_of(symbol));
    c->at += is_there ? strlen(symbol) : 0;
    return is_there;
}

static bool need(compiler *c, const char *symbol)
{
    return take(c, symbol) ? true : fail_here(c, symbol);
}

static bool parse_name(compiler *c, const char *what, str *ret)
{
    if (take(c, "`")) {
        ptrdiff_t end = str_find_char(str_slice(c->text, c->at, c->text.len), '`');
        if (end < 0)
            return fail_here(c, "a closing `");
        *ret = str_slice(c->text, c->at, c->at + (size_t)end);
        c->at += (size_t)end + 1;
        return true;
    }
    *ret = peek_word(c);
    c->at += ret->len;
    return ret->len ? true : fail_here(c, what);
}

static plan_slot find_variable(const compiler *c, str name)
{
    for (size_t i = 0; i < c->variables.count; i++)
        if (str_eq(c->variables.items[i].name, name))
            return c->variables.items[i].slot;
    return PLAN_NO_SLOT;
}

static plan_op *add_op(compiler *c, plan_op_kind kind)
{
    c->op = plan_op_new(c->plan, kind, c->op, c->at);
    return c->op;
}

static void filter(compiler *c, plan_expr *e)
{
    add_op(c, PLAN_FILTER)->predicate = e;
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

static bool parse_number(compiler *c, plan_expr **ret)
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
    if (take(c, ")"))
        return true;
    do {
        if (*ret_count == most)
            return fail_here(c, "')'");
        TRY(parse_expression(c, &args[(*ret_count)++]));
    } while (take(c, ","));
    return need(c, ")");
}

static bool parse_aggregate(compiler *c, str name, size_t offset, plan_aggregate_kind kind,
                            plan_expr **ret)
{
    plan_aggregate x = { .kind = kind };
    if (!c->aggregates)
        return fail_at(c->err, STR("cypher"), c->text, offset, STR_FMT "() stands in RETURN only",
                       STR_ARG(name));
    bool is_star = kind == AGGREGATE_COUNT && take(c, "*");
    if (!is_star && take_word(c, "DISTINCT")) {
        if (kind != AGGREGATE_COUNT)
            return fail_at(c->err, STR("cypher"), c->text, offset,
                           "DISTINCT inside " STR_FMT "() cannot be answered by this version",
                           STR_ARG(name));
        c->is_distinct_count = true;
    }
    if (!is_star)
        TRY(parse_expression(c, &x.of));
    if (c->is_distinct_count)
        c->distinct_of = x.of;
    TRY(need(c, ")"));
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
    if (!take(c, "]")) {
        do {
            plan_expr *x;
            TRY(parse_expression(c, &x));
            vec_push(c->arena, &items, x);
        } while (take(c, ","));
        TRY(need(c, "]"));
    }
    *ret = items.count ? plan_call_list(c->plan, FN_LIST, items.items, items.count)
                       : plan_literal(c->plan, (value){ .kind = VALUE_LIST });
    return true;
}

static bool parse_named(compiler *c, plan_expr **ret)
{
    size_t offset = c->at;
    str name;
    if (take_word(c, "true") || take_word(c, "false")) {
        *ret = plan_literal_bool(c->plan, (c->text.data[offset] | 32) == 't');
        return true;
    }
    if (take_word(c, "null")) {
        *ret = plan_literal_null(c->plan);
        return true;
    }
    TRY(parse_name(c, "an expression", &name));
    if (take(c, "("))
        return parse_call(c, name, offset, ret);
    plan_slot slot = find_variable(c, name);
    if (!slot)
        return fail_at(c->err, STR("cypher"), c->text, offset,
                       "variable `" STR_FMT "` is not defined", STR_ARG(name));
    *ret = plan_slot_expr(c->plan, slot);
    return true;
}

static bool parse_primary(compiler *c, plan_expr **ret)
{
    skip_blanks(c);
    char ch = c->at < c->text.len ? c->text.data[c->at] : 0;
    char after = c->at + 1 < c->text.len ? c->text.data[c->at + 1] : 0;
    if (ch == '\'' || ch == '"')
        TRY(parse_text(c, ret));
    else if ((ch >= '0' && ch <= '9') || (ch == '-' && after >= '0' && after <= '9'))
        TRY(parse_number(c, ret));
    else if (take(c, "["))
        TRY(parse_list(c, ret));
    else if (take(c, "(")) {
        TRY(parse_expression(c, ret));
        TRY(need(c, ")"));
    } else {
        TRY(parse_named(c, ret));
    }
    while (take(c, ".")) {
        str key;
        TRY(parse_name(c, "the name of a property", &key));
        *ret = plan_property(c->plan, *ret, key);
    }
    return true;
}

static bool parse_product(compiler *c, plan_expr **ret)
{
    TRY(parse_primary(c, ret));
    for (;;) {
        plan_expr *right;
        plan_function f = take(c, "*")   ? FN_MULTIPLY
                          : take(c, "/") ? FN_DIVIDE
                          : take(c, "%") ? FN_MODULO
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
        plan_function f = take(c, "+") ? FN_ADD : take(c, "-") ? FN_SUBTRACT : FN_COUNT_;
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
    if (take_word(c, "IS")) {
        bool is_not = take_word(c, "NOT");
        if (!take_word(c, "NULL"))
            return fail_here(c, "NULL");
        *ret = plan_call(c->plan, is_not ? FN_IS_NOT_NULL : FN_IS_NULL, *ret);
        return true;
    }
    plan_function f = FN_COUNT_;
    if (take_word(c, "IN"))
        f = FN_IN;
    else if (take_word(c, "CONTAINS"))
        f = FN_CONTAINS;
    else if (take_word(c, "STARTS") || take_word(c, "ENDS")) {
        f = (c->text.data[c->at - 2] | 32) == 't' ? FN_STARTS_WITH : FN_ENDS_WITH;
        if (!take_word(c, "WITH"))
            return fail_here(c, "WITH");
    }
    for (size_t i = 0; f == FN_COUNT_ && i < ARRAY_LEN(operators); i++)
        if (take(c, operators[i].symbol))
            f = operators[i].function;
    if (f == FN_COUNT_)
        return true;
    TRY(parse_sum(c, &right));
    *ret = plan_call(c->plan, f, *ret, right);
    return true;
}

static bool parse_not(compiler *c, plan_expr **ret)
{
    if (!take_word(c, "NOT"))
        return parse_comparison(c, ret);
    TRY(parse_not(c, ret));
    *ret = plan_call(c->plan, FN_NOT, *ret);
    return true;
}

static bool parse_and(compiler *c, plan_expr **ret)
{
    plan_expr *right;
    TRY(parse_not(c, ret));
    while (take_word(c, "AND")) {
        TRY(parse_not(c, &right));
        *ret = plan_call(c->plan, FN_AND, *ret, right);
    }
    return true;
}

static bool parse_expression(compiler *c, plan_expr **ret)
{
    plan_expr *right;
    if (++c->depth > DEEPEST)
        return fail_at(c->err, STR("cypher"), c->text, c->at,
                       "the query is nested more than %d deep", DEEPEST);
    TRY(parse_and(c, ret));
    while (take_word(c, "OR")) {
        TRY(parse_and(c, &right));
        *ret = plan_call(c->plan, FN_OR, *ret, right);
    }
    c->depth--;
    return true;
}

/* ---- Patterns ---- */

typedef struct element {
    str name;
    plan_labels labels;
    bool has_labels;
    VEC(str) keys;
    VEC(plan_expr *) values;
} element;

/* name? :A|B? {key: value, …}? */
static bool parse_element(compiler *c, bool is_edge, element *ret)
{
    *ret = (element){ .labels.is_any = true };
    ret->name = peek_word(c);
    c->at += ret->name.len;
    if (take(c, ":")) {
        VEC(uint32_t) labels = { 0 };
        do {
            str label;
            take(c, ":");
            TRY(parse_name(c, is_edge ? "a type of relationships" : "a label", &label));
            int number = is_edge ? graph_find_edge_label(c->graph, label)
                                 : graph_find_vertex_label(c->graph, label);
            if (number >= 0)
                vec_push(c->arena, &labels, (uint32_t)number);
        } while (take(c, "|"));
        ret->labels = (plan_labels){ false, labels.items, labels.count };
        ret->has_labels = true;
    }
    if (!take(c, "{"))
        return true;
    if (take(c, "}"))
        return true;
    do {
        str key;
        plan_expr *x;
        TRY(parse_name(c, "the name of a property", &key));
        TRY(need(c, ":"));
        TRY(parse_expression(c, &x));
        vec_push(c->arena, &ret->keys, key);
        vec_push(c->arena, &ret->values, x);
    } while (take(c, ","));
    return need(c, "}");
}

static void filter_properties(compiler *c, const element *e, plan_slot slot)
{
    for (size_t i = 0; i < e->keys.count; i++)
        filter(c, plan_call(c->plan, FN_EQ,
                            plan_property(c->plan, plan_slot_expr(c->plan, slot), e->keys.items[i]),
                            e->values.items[i]));
}

static void filter_labels(compiler *c, const element *e, plan_slot slot)
{
    if (!e->has_labels)
        return;
    value *names = arena_array_of(c->arena, value, e->labels.count);
    for (size_t i = 0; i < e->labels.count; i++)
        names[i] = value_text(graph_vertex_label(c->graph, e->labels.items[i])->name);
    value list = { .kind = VALUE_LIST, .list = { names, e->labels.count } };
    filter(c, plan_call(c->plan, FN_IN, plan_call(c->plan, FN_LABEL, plan_slot_expr(c->plan, slot)),
                        plan_literal(c->plan, list)));
}

static bool name_slot(compiler *c, const element *e, plan_slot slot)
{
    if (e->name.len)
        vec_push(c->arena, &c->variables, (variable){ e->name, slot });
    return true;
}

/* (a:Label {key: value}), the first of a chain. */
static bool start_chain(compiler *c, plan_slot *ret)
{
    element e;
    TRY(need(c, "("));
    TRY(parse_element(c, false, &e));
    TRY(need(c, ")"));
    *ret = e.name.len ? find_variable(c, e.name) : PLAN_NO_SLOT;
    if (*ret) {
        filter_labels(c, &e, *ret);
    } else {
        TRY(plan_slot_new(c->plan, e.name, SLOT_VERTEX, ret, c->err));
        plan_op *op = add_op(c, PLAN_SCAN_VERTICES);
        op->scan.labels = e.labels;
        op->scan.to = *ret;
        name_slot(c, &e, *ret);
    }
    filter_properties(c, &e, *ret);
    return true;
}

/* -[e:TYPE]->(b) and its mirror images. */
static bool extend_chain(compiler *c, bool comes_in, plan_slot *current)
{
    element edge = { .labels.is_any = true }, node;
    plan_slot edge_slot, to;
    size_t offset = c->at;
    if (take(c, "[")) {
        TRY(parse_element(c, true, &edge));
        if (take(c, "*"))
            return fail_at(c->err, STR("cypher"), c->text, offset,
                           "paths of variable length cannot be answered by this version");
        TRY(need(c, "]"));
    }
    TRY(need(c, "-"));
    bool goes_out = take(c, ">");
    TRY(need(c, "("));
    TRY(parse_element(c, false, &node));
    TRY(need(c, ")"));
    plan_slot bound = node.name.len ? find_variable(c, node.name) : PLAN_NO_SLOT;
    TRY(plan_slot_new(c->plan, edge.name, SLOT_EDGE, &edge_slot, c->err));
    TRY(plan_slot_new(c->plan, bound ? STR("") : node.name, SLOT_VERTEX, &to, c->err));
    plan_op *op = add_op(c, PLAN_EXPAND);
    op->expand.from = *current;
    op->expand.direction = comes_in == goes_out ? DIRECTION_BOTH
                           : comes_in           ? DIRECTION_IN
                                                : DIRECTION_OUT;
    op->expand.labels = edge.labels;
    op->expand.edge = edge_slot;
    op->expand.to = to;
    if (edge.name.len)
        vec_push(c->arena, &c->variables, (variable){ edge.name, edge_slot });
    filter_properties(c, &edge, edge_slot);
    for (size_t i = 0; i < c->edges.count; i++) /* relationship uniqueness of a MATCH */
        filter(c, plan_call(c->plan, FN_NE, plan_slot_expr(c->plan, c->edges.items[i]),
                            plan_slot_expr(c->plan, edge_slot)));
    vec_push(c->arena, &c->edges, edge_slot);
    if (bound)
        filter(c, plan_call(c->plan, FN_EQ, plan_slot_expr(c->plan, to),
                            plan_slot_expr(c->plan, bound)));
    else
        name_slot(c, &node, to);
    filter_labels(c, &node, to);
    filter_properties(c, &node, to);
    *current = to;
    return true;
}

static bool parse_match(compiler *c)
{
    c->edges.count = 0;
    do {
        plan_slot current;
        TRY(start_chain(c, &current));
        for (;;) {
            bool comes_in = take(c, "<-");
            if (!comes_in && !take(c, "-"))
                break;
            TRY(extend_chain(c, comes_in, &current));
        }
    } while (take(c, ","));
    plan_expr *where;
    if (take_word(c, "WHERE")) {
        TRY(parse_expression(c, &where));
        filter(c, where);
    }
    return true;
}

/* The place in `e`, a conjunction, of id(x) = literal for the vertex `slot`; NULL when there is
 * none. */
static plan_expr **find_id_test(plan_expr **e, plan_slot slot)
{
    if ((*e)->kind != EXPR_CALL)
        return NULL;
    plan_expr **args = (*e)->call.args;
    if ((*e)->call.function == FN_AND) {
        plan_expr **left = find_id_test(&args[0], slot);
        return left ? left : find_id_test(&args[1], slot);
    }
    bool is_test = (*e)->call.function == FN_EQ && args[0]->kind == EXPR_CALL &&
                   args[0]->call.function == FN_ID && args[1]->kind == EXPR_LITERAL;
    return is_test && args[0]->call.args[0]->kind == EXPR_SLOT &&
                   args[0]->call.args[0]->slot == slot
               ? e
               : NULL;
}

/* id(a) = 'label[key]' in the WHERE of a scanned a: the scan looks it up, and nothing is left to
 * test. */
static void scan_by_id(compiler *c)
{
    for (plan_op *op = c->op; op; op = op->input)
        for (plan_op *scan = op->input; scan && op->kind == PLAN_FILTER; scan = scan->input) {
            plan_expr **test = scan->kind == PLAN_SCAN_VERTICES && !scan->scan.has_ids
                                   ? find_id_test(&op->predicate, scan->scan.to)
                                   : NULL;
            if (!test)
                continue;
            scan->scan.has_ids = true;
            scan->scan.ids = (*test)->call.args[1];
            *test = plan_literal_bool(c->plan, true);
        }
}

/* ---- RETURN ---- */

typedef struct item {
    str name;
    plan_expr *expr;
    bool is_aggregate;
} item;

static bool parse_item(compiler *c, item *ret)
{
    skip_blanks(c);
    size_t from = c->at, before = c->aggregates->count;
    TRY(parse_expression(c, &ret->expr));
    ret->name = str_trim(str_slice(c->text, from, c->at));
    ret->is_aggregate = c->aggregates->count > before;
    if (take_word(c, "AS"))
        TRY(parse_name(c, "a name", &ret->name));
    return true;
}

static bool parse_window(compiler *c, const char *word, uint64_t *ret)
{
    plan_expr *e;
    if (!take_word(c, word))
        return true;
    skip_blanks(c);
    if (c->at >= c->text.len || c->text.data[c->at] < '0' || c->text.data[c->at] > '9')
        return fail_here(c, "a whole number");
    TRY(parse_number(c, &e));
    if (e->literal.kind != VALUE_INT)
        return fail_here(c, "a whole number");
    *ret = (uint64_t)e->literal.integer;
    return true;
}

static bool parse_order(compiler *c)
{
    VEC(plan_key) keys = { 0 };
    if (!take_word(c, "ORDER"))
        return true;
    if (!take_word(c, "BY"))
        return fail_here(c, "BY");
    do {
        plan_key k = { 0 };
        TRY(parse_expression(c, &k.expr));
        k.is_descending = take_word(c, "DESC") || take_word(c, "DESCENDING");
        if (!k.is_descending && !take_word(c, "ASC"))
            take_word(c, "ASCENDING");
        vec_push(c->arena, &keys, k);
    } while (take(c, ",") && keys.count < 16);
    plan_op *op = add_op(c, PLAN_SORT);
    op->sort.keys = keys.items;
    op->sort.key_count = keys.count;
    op->sort.count = PLAN_ALL;
    return true;
}

/* count(DISTINCT x): the distinct x of each group first, then their count. */
static bool distinct_before_count(compiler *c, const item *items, size_t count)
{
    VEC(plan_key) keys = { 0 };
    for (size_t i = 0; i < count; i++)
        if (!items[i].is_aggregate)
            vec_push(c->arena, &keys, (plan_key){ .expr = items[i].expr });
    vec_push(c->arena, &keys, (plan_key){ .expr = c->distinct_of });
    if (c->aggregates->count > 1)
        return fail_at(
            c->err, STR("cypher"), c->text, c->at,
            "count(DISTINCT …) beside other aggregates cannot be answered by this version");
    plan_op *op = add_op(c, PLAN_DISTINCT);
    op->distinct.keys = keys.items;
    op->distinct.key_count = keys.count;
    return true;
}

static bool add_items(compiler *c, item *items, size_t count)
{
    VEC(plan_key) keys = { 0 };
    VEC(plan_column) columns = { 0 };
    bool has_aggregates = c->aggregates->count > 0;
    if (count > 15)
        return fail_at(c->err, STR("cypher"), c->text, c->at,
                       "RETURN of more than 15 items cannot be answered by this version");
    if (c->is_distinct_count)
        TRY(distinct_before_count(c, items, count));
    for (size_t i = 0; i < count; i++) {
        plan_slot to;
        TRY(plan_slot_new(c->plan, items[i].name, plan_expr_kind_of(c->plan, items[i].expr), &to,
                          c->err));
        if (has_aggregates && !items[i].is_aggregate)
            vec_push(c->arena, &keys, (plan_key){ .expr = items[i].expr, .to = to });
        vec_push(c->arena, &columns, (plan_column){ items[i].name, to });
    }
    if (has_aggregates) {
        plan_op *op = add_op(c, PLAN_AGGREGATE);
        op->aggregate.keys = keys.items;
        op->aggregate.key_count = keys.count;
        op->aggregate.items = c->aggregates->items;
        op->aggregate.item_count = c->aggregates->count;
    }
    for (size_t i = 0; i < count; i++) {
        if (has_aggregates && !items[i].is_aggregate)
            continue;
        plan_op *op = add_op(c, PLAN_LET);
        op->let.to = columns.items[i].slot;
        op->let.expr = items[i].expr;
    }
    c->variables.count = has_aggregates ? 0 : c->variables.count;
    for (size_t i = 0; i < count; i++)
        vec_push(c->arena, &c->variables, (variable){ items[i].name, columns.items[i].slot });
    c->plan->columns = columns.items;
    c->plan->column_count = columns.count;
    return true;
}

static bool parse_return(compiler *c)
{
    VEC(item) items = { 0 };
    aggregate_list aggregates = { 0 };
    bool is_distinct = take_word(c, "DISTINCT");
    c->aggregates = &aggregates;
    do {
        item x;
        TRY(parse_item(c, &x));
        vec_push(c->arena, &items, x);
    } while (take(c, ","));
    TRY(add_items(c, items.items, items.count));
    c->aggregates = NULL;
    if (is_distinct) {
        VEC(plan_key) keys = { 0 };
        for (size_t i = 0; i < c->plan->column_count; i++)
            vec_push(c->arena, &keys,
                     (plan_key){ .expr = plan_slot_expr(c->plan, c->plan->columns[i].slot) });
        plan_op *op = add_op(c, PLAN_DISTINCT);
        op->distinct.keys = keys.items;
        op->distinct.key_count = keys.count;
    }
    uint64_t skip = 0, limit = PLAN_ALL;
    TRY(parse_order(c));
    TRY(parse_window(c, "SKIP", &skip));
    TRY(parse_window(c, "LIMIT", &limit));
    if (skip || limit != PLAN_ALL) {
        plan_op *op = add_op(c, PLAN_SLICE);
        op->slice.skip = skip;
        op->slice.count = limit;
    }
    return true;
}

static bool refuse_writing(compiler *c)
{
    static const char *const words[] = { "CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE" };
    str word = peek_word(c);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(word, str_of(words[i])))
            return fail_at(c->err, STR("cypher"), c->text, c->at,
                           "%s would change the graph, which is read-only: it is the tables",
                           words[i]);
    static const char *const later[] = { "OPTIONAL", "WITH", "UNWIND", "CALL", "UNION", "FOREACH" };
    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        if (str_eq_nocase(word, str_of(later[i])))
            return fail_at(c->err, STR("cypher"), c->text, c->at,
                           "%s cannot be answered by this version", later[i]);
    return fail_here(c, "MATCH or RETURN");
}

bool cypher_compile(arena *a, str text, graph *g, plan **ret_plan, error *err)
{
    plan *p = plan_new(a, text);
    compiler c = { .arena = a, .plan = p, .graph = g, .text = text, .err = err };
    c.op = plan_op_new(p, PLAN_ONE, NULL, 0);
    p->ending = take_word(&c, "EXPLAIN") ? ENDING_EXPLAIN : ENDING_ROWS;
    while (take_word(&c, "MATCH"))
        TRY(parse_match(&c));
    scan_by_id(&c);
    if (!take_word(&c, "RETURN"))
        return refuse_writing(&c);
    TRY(parse_return(&c));
    take(&c, ";");
    skip_blanks(&c);
    if (c.at < text.len)
        return fail_here(&c, "the end of the query");
    p->root = c.op;
    TRY(plan_finish(p, g, err));
    *ret_plan = p;
    return true;
}
