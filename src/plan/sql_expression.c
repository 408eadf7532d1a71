/* Expressions of a plan in SQL. Kinds of values are settled beforehand there, so what may be of any
 * kind is refused. */
#include "plan/sql_internal.h"

bool sql_refuse(sql_translation *t, size_t offset, const char *what)
{
    return fail_at(t->err, STR("query"), t->plan->text, offset,
                   "%s has no counterpart in SQL; the graph engine answers it", what);
}

static sql_type type_of_column(column_type type)
{
    switch (type) {
    case COLUMN_BOOL: return TYPE_BOOL;
    case COLUMN_INT32:
    case COLUMN_INT64: return TYPE_INTEGER;
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE: return TYPE_REAL;
    case COLUMN_STRING: return TYPE_TEXT;
    case COLUMN_DATE:
    case COLUMN_TIME:
    case COLUMN_TIMESTAMP: return TYPE_TIME;
    default: return TYPE_ANY;
    }
}

str sql_label(sql_translation *t, bool is_vertex, size_t label)
{
    str name = is_vertex ? graph_vertex_label(t->graph, label)->name
                         : graph_edge_label(t->graph, label)->name;
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_sql_name(
        &b, str_concat(t->plan->arena, is_vertex ? STR("vertex ") : STR("edge "), name));
    return strbuf_str(&b);
}

/* A property: looked up in each label that has it. */
static bool property(sql_translation *t, const plan_expr *e, sql_expr *ret)
{
    sql_expr of;
    strbuf b = strbuf_new(t->plan->arena);
    size_t found = 0;
    TRY(sql_expression(t, e->property.of, &of));
    if (of.type != TYPE_VERTEX && of.type != TYPE_EDGE)
        return sql_refuse(t, e->offset, "a key of something that is not surely a vertex or edge");
    bool is_vertex = of.type == TYPE_VERTEX;
    *ret = (sql_expr){ STR("NULL"), TYPE_NULL };
    size_t labels =
        is_vertex ? graph_vertex_label_count(t->graph) : graph_edge_label_count(t->graph);
    for (size_t i = 0; i < labels; i++) {
        const graph_label *l =
            is_vertex ? graph_vertex_label(t->graph, i) : graph_edge_label(t->graph, i);
        for (size_t k = 0; k < l->property_count; k++) {
            if (!str_eq(l->properties[k].name, e->property.key))
                continue;
            sql_type type = type_of_column(l->properties[k].type);
            if (found && type != ret->type)
                return sql_refuse(t, e->offset,
                                  "a property with different types in different labels");
            ret->type = type;
            strbuf_add_c(&b, found++ ? ", (SELECT " : "coalesce((SELECT ");
            strbuf_add_sql_name(&b, e->property.key);
            strbuf_format(&b, " FROM " STR_FMT " WHERE \"ref\" = " STR_FMT ")",
                          STR_ARG(sql_label(t, is_vertex, i)), STR_ARG(of.text));
        }
    }
    strbuf_add_c(&b, ")");
    if (found)
        ret->text = strbuf_str(&b);
    return true;
}

bool sql_literal(sql_translation *t, const plan_expr *e, sql_expr *ret)
{
    const value *v = &e->literal;
    strbuf b = strbuf_new(t->plan->arena);
    switch (v->kind) {
    case VALUE_NULL: *ret = (sql_expr){ STR("NULL"), TYPE_NULL }; return true;
    case VALUE_BOOL:
        *ret = (sql_expr){ v->boolean ? STR("true") : STR("false"), TYPE_BOOL };
        return true;
    case VALUE_INT:
        if (v->integer == INT64_MIN)
            strbuf_add_c(&b, "(-9223372036854775807 - 1)::BIGINT");
        else
            strbuf_format(&b, "%lld::BIGINT", (long long)v->integer);
        *ret = (sql_expr){ strbuf_str(&b), TYPE_INTEGER };
        return true;
    case VALUE_DOUBLE:
        strbuf_format(&b, "'%.17g'::DOUBLE", v->real);
        *ret = (sql_expr){ strbuf_str(&b), TYPE_REAL };
        return true;
    case VALUE_STRING:
        strbuf_add_sql_text(&b, v->text);
        *ret = (sql_expr){ strbuf_str(&b), TYPE_TEXT };
        return true;
    case VALUE_LIST:
        strbuf_add_c(&b, "[");
        sql_type kind = TYPE_NULL;
        for (size_t i = 0; i < v->list.count; i++) {
            plan_expr item = { .kind = EXPR_LITERAL, .offset = e->offset };
            sql_expr x;
            item.literal = v->list.items[i];
            TRY(sql_literal(t, &item, &x));
            bool is_alike = kind == TYPE_NULL || x.type == TYPE_NULL || x.type == kind ||
                            (sql_is_number(x.type) && sql_is_number(kind));
            if (!is_alike || x.type == TYPE_LIST)
                return sql_refuse(t, e->offset, "a list of values of different kinds");
            kind = x.type == TYPE_NULL ? kind : x.type;
            strbuf_add_c(&b, i ? ", " : "");
            strbuf_add(&b, x.text);
        }
        strbuf_add_c(&b, "]");
        *ret = (sql_expr){ strbuf_str(&b), TYPE_LIST };
        return true;
    default: return sql_refuse(t, e->offset, "a constant of this kind");
    }
}

bool sql_is_number(sql_type t)
{
    return t == TYPE_INTEGER || t == TYPE_REAL;
}

/* What the engine compares as text that means a time, or in Gremlin a number, is cast. */
static void meet(sql_translation *t, sql_expr *x, const sql_expr *other)
{
    bool is_met = other->type == TYPE_TIME || (other->type == TYPE_INTEGER && !t->plan->is_cypher);
    if (x->type != TYPE_TEXT || !is_met)
        return;
    x->text = str_format(t->plan->arena, "TRY_CAST(" STR_FMT " AS %s)", STR_ARG(x->text),
                         other->type == TYPE_INTEGER ? "BIGINT" : "TIMESTAMP");
    x->type = other->type;
}

/* DuckDB holds NaN for equal to itself and above all numbers. */
static bool may_be_nan(const plan_expr *e, const sql_expr *x)
{
    return e->kind == EXPR_CALL && x->type == TYPE_REAL;
}

static bool comparison(sql_translation *t, const plan_expr *e, sql_expr x, sql_expr y,
                       sql_expr *ret)
{
    plan_function f = e->call.function;
    arena *a = t->plan->arena;
    bool is_equality = f == FN_EQ || f == FN_NE;
    meet(t, &x, &y);
    meet(t, &y, &x);
    if (x.type == TYPE_ANY || y.type == TYPE_ANY)
        return sql_refuse(t, e->offset,
                          "a comparison of values whose kind is not known beforehand");
    if (x.type == TYPE_LIST || y.type == TYPE_LIST)
        return sql_refuse(t, e->offset, "a comparison of lists");
    ret->type = TYPE_BOOL;
    if (x.type == TYPE_NULL || y.type == TYPE_NULL)
        ret->text = STR("NULL::BOOLEAN");
    else if (may_be_nan(e->call.args[0], &x) || may_be_nan(e->call.args[1], &y))
        ret->text = str_format(a,
                               "CASE WHEN isnan((" STR_FMT ")::DOUBLE) OR isnan((" STR_FMT
                               ")::DOUBLE) THEN %s ELSE " STR_FMT " %s " STR_FMT " END",
                               STR_ARG(x.text), STR_ARG(y.text), f == FN_NE ? "true" : "false",
                               STR_ARG(x.text), plan_function_get(f)->name, STR_ARG(y.text));
    else if (x.type == y.type || (sql_is_number(x.type) && sql_is_number(y.type)))
        ret->text = str_format(a, "(" STR_FMT " %s " STR_FMT ")", STR_ARG(x.text),
                               plan_function_get(f)->name, STR_ARG(y.text));
    else if (is_equality)
        ret->text = str_format(
            a, "CASE WHEN " STR_FMT " IS NOT NULL AND " STR_FMT " IS NOT NULL THEN %s END",
            STR_ARG(x.text), STR_ARG(y.text), f == FN_EQ ? "false" : "true");
    else
        ret->text = STR("NULL::BOOLEAN");
    return true;
}

static bool membership(sql_translation *t, const plan_expr *e, sql_expr x, sql_expr *ret)
{
    const plan_expr *list = e->call.args[1];
    if (list->kind != EXPR_LITERAL || list->literal.kind != VALUE_LIST)
        return sql_refuse(t, e->offset, "IN with a list that is computed");
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_c(&b, "(");
    for (size_t i = 0; i < list->literal.list.count; i++) {
        plan_expr item = { .kind = EXPR_LITERAL, .offset = e->offset }, equal = *e;
        sql_expr y, test;
        item.literal = list->literal.list.items[i];
        equal.call.function = FN_EQ;
        TRY(sql_literal(t, &item, &y));
        TRY(comparison(t, &equal, x, y, &test));
        strbuf_add_c(&b, i ? " OR " : "");
        strbuf_add(&b, test.text);
    }
    if (list->literal.list.count == 0)
        strbuf_format(&b, "CASE WHEN " STR_FMT " IS NOT NULL THEN false END", STR_ARG(x.text));
    strbuf_add_c(&b, ")");
    *ret = (sql_expr){ strbuf_str(&b), TYPE_BOOL };
    return true;
}

static bool arithmetic(sql_translation *t, const plan_expr *e, sql_expr x, sql_expr y,
                       sql_expr *ret)
{
    arena *a = t->plan->arena;
    plan_function f = e->call.function;
    const char *sign = plan_function_get(f)->name;
    if (x.type == TYPE_NULL || y.type == TYPE_NULL) {
        *ret = (sql_expr){ STR("NULL"), TYPE_NULL };
        return true;
    }
    bool is_text = f == FN_ADD && x.type == TYPE_TEXT && y.type == TYPE_TEXT;
    if (!is_text && (!sql_is_number(x.type) || !sql_is_number(y.type)))
        return sql_refuse(t, e->offset, "arithmetic with what are not surely numbers");
    bool is_integer = x.type == TYPE_INTEGER && y.type == TYPE_INTEGER;
    ret->type = is_text ? TYPE_TEXT : is_integer ? TYPE_INTEGER : TYPE_REAL;
    if (is_integer && (f == FN_DIVIDE || f == FN_MODULO))
        ret->text = str_format(
            a,
            "CASE WHEN " STR_FMT " = 0 THEN error('division by zero')::BIGINT ELSE " STR_FMT
            " %s " STR_FMT " END",
            STR_ARG(y.text), STR_ARG(x.text), f == FN_DIVIDE ? "//" : "%", STR_ARG(y.text));
    else
        ret->text = str_format(a, "(" STR_FMT "%s %s " STR_FMT ")", STR_ARG(x.text),
                               is_integer || is_text ? "" : "::DOUBLE", is_text ? "||" : sign,
                               STR_ARG(y.text));
    return true;
}

/* Functions of numbers and texts that SQL has under some name. */
typedef struct counterpart {
    plan_function function;
    const char *format; /* "%1" and "%2": arguments */
    sql_type type;      /* TYPE_ANY: that of the first argument */
    sql_type takes;     /* TYPE_REAL: any number; TYPE_ANY: whatever */
} counterpart;

static const counterpart counterparts[] = {
    { FN_NOT, "(NOT %1)", TYPE_BOOL, TYPE_BOOL },
    { FN_IS_NULL, "(%1 IS NULL)", TYPE_BOOL, TYPE_ANY },
    { FN_IS_NOT_NULL, "(%1 IS NOT NULL)", TYPE_BOOL, TYPE_ANY },
    { FN_NEGATE, "(- %1)", TYPE_ANY, TYPE_REAL },
    { FN_ABS, "abs(%1)", TYPE_ANY, TYPE_REAL },
    { FN_CEIL, "ceil(%1::DOUBLE)", TYPE_REAL, TYPE_REAL },
    { FN_FLOOR, "floor(%1::DOUBLE)", TYPE_REAL, TYPE_REAL },
    { FN_ROUND, "floor(%1::DOUBLE + 0.5)", TYPE_REAL, TYPE_REAL },
    { FN_SIGN, "sign(%1)::BIGINT", TYPE_INTEGER, TYPE_REAL },
    { FN_SQRT, "sqrt(%1)", TYPE_REAL, TYPE_REAL },
    { FN_EXP, "exp(%1)", TYPE_REAL, TYPE_REAL },
    { FN_LOG, "ln(%1)", TYPE_REAL, TYPE_REAL },
    { FN_TO_DOUBLE, "%1::DOUBLE", TYPE_REAL, TYPE_REAL },
    { FN_TO_INTEGER, "trunc(%1)::BIGINT", TYPE_INTEGER, TYPE_REAL },
    { FN_STARTS_WITH, "starts_with(%1, %2)", TYPE_BOOL, TYPE_TEXT },
    { FN_ENDS_WITH, "ends_with(%1, %2)", TYPE_BOOL, TYPE_TEXT },
    { FN_CONTAINS, "contains(%1, %2)", TYPE_BOOL, TYPE_TEXT },
    { FN_LENGTH, "length(%1)", TYPE_INTEGER, TYPE_TEXT },
    { FN_SIZE, "length(%1)", TYPE_INTEGER, TYPE_TEXT },
    { FN_LOWER, "lower(%1)", TYPE_TEXT, TYPE_TEXT },
    { FN_UPPER, "upper(%1)", TYPE_TEXT, TYPE_TEXT },
    { FN_TRIM, "trim(%1)", TYPE_TEXT, TYPE_TEXT },
    { FN_REVERSE, "reverse(%1)", TYPE_TEXT, TYPE_TEXT },
};

static str filled_in(sql_translation *t, const char *format, const sql_expr *args)
{
    strbuf b = strbuf_new(t->plan->arena);
    for (; *format; format++)
        if (*format == '%' && (format[1] == '1' || format[1] == '2'))
            strbuf_add(&b, args[*++format - '1'].text);
        else
            strbuf_add_char(&b, *format);
    return strbuf_str(&b);
}

static str joined(sql_translation *t, const char *before, const char *between, const sql_expr *args,
                  size_t count)
{
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_c(&b, before);
    for (size_t i = 0; i < count; i++)
        strbuf_format(&b, "%s" STR_FMT, i ? between : "", STR_ARG(args[i].text));
    strbuf_add_c(&b, ")");
    return strbuf_str(&b);
}

/* One kind for all of them, nulls aside. */
static bool common_type(sql_translation *t, const plan_expr *e, const sql_expr *args, size_t count,
                        sql_type *ret)
{
    *ret = TYPE_NULL;
    for (size_t i = 0; i < count; i++) {
        if (args[i].type == TYPE_NULL)
            continue;
        if (*ret != TYPE_NULL && *ret != args[i].type)
            return sql_refuse(t, e->offset, "a choice between values of different kinds");
        *ret = args[i].type;
    }
    return true;
}

static bool choice(sql_translation *t, const plan_expr *e, const sql_expr *args, sql_expr *ret)
{
    size_t count = e->call.arg_count, values = 0;
    if (e->call.function == FN_COALESCE) {
        ret->text = joined(t, "coalesce(", ", ", args, count);
        return common_type(t, e, args, count, &ret->type);
    }
    sql_expr *all = arena_array_of(t->plan->arena, sql_expr, count);
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_c(&b, "CASE");
    for (size_t i = 0; i + 1 < count; i += 2) {
        strbuf_format(&b, " WHEN " STR_FMT " THEN " STR_FMT, STR_ARG(args[i].text),
                      STR_ARG(args[i + 1].text));
        all[values++] = args[i + 1];
    }
    if (count % 2) {
        strbuf_format(&b, " ELSE " STR_FMT, STR_ARG(args[count - 1].text));
        all[values++] = args[count - 1];
    }
    strbuf_add_c(&b, " END");
    ret->text = strbuf_str(&b);
    return common_type(t, e, all, values, &ret->type);
}

static str edge_label(sql_translation *t, str ref)
{
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_c(&b, "[");
    for (size_t i = 0; i < graph_edge_label_count(t->graph); i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_text(&b, graph_edge_label(t->graph, i)->name);
    }
    strbuf_format(&b, "][(" STR_FMT " >> %d) + 1]", STR_ARG(ref), GRAPH_RELATION_EDGE_SHIFT);
    return strbuf_str(&b);
}

/* id, label, ends of an element. */
static bool element(sql_translation *t, const plan_expr *e, const sql_expr *of, sql_expr *ret)
{
    plan_function f = e->call.function;
    arena *a = t->plan->arena;
    if (of->type != TYPE_VERTEX && of->type != TYPE_EDGE)
        return sql_refuse(t, e->offset, "this of something that is not surely a vertex or edge");
    ret->type = TYPE_TEXT;
    if (f == FN_LABEL) {
        if (of->type == TYPE_VERTEX)
            ret->text = str_format(a, "split_part(" STR_FMT ", '[', 1)", STR_ARG(of->text));
        else
            ret->text = edge_label(t, of->text);
        return true;
    }
    if (of->type == TYPE_VERTEX) {
        ret->text = of->text;
        return f == FN_ID ? true : sql_refuse(t, e->offset, "the end of a vertex");
    }
    ret->type = f == FN_ID ? TYPE_TEXT : TYPE_VERTEX;
    ret->text = str_format(a, "(SELECT \"%s\" FROM \"edges\" WHERE \"ref\" = " STR_FMT ")",
                           f == FN_ID            ? "id"
                           : f == FN_FROM_VERTEX ? "from"
                                                 : "to",
                           STR_ARG(of->text));
    return true;
}

static bool call(sql_translation *t, const plan_expr *e, sql_expr *ret)
{
    size_t count = e->call.arg_count;
    plan_function f = e->call.function;
    sql_expr *args = arena_array_of(t->plan->arena, sql_expr, count + 1);
    for (size_t i = 0; i < count; i++)
        TRY(sql_expression(t, e->call.args[i], &args[i]));
    switch (f) {
    case FN_AND:
    case FN_OR:
        for (size_t i = 0; i < count; i++)
            if (args[i].type != TYPE_BOOL && args[i].type != TYPE_NULL)
                return sql_refuse(t, e->offset, "and, or of what are not surely truth values");
        *ret = (sql_expr){ joined(t, "(", f == FN_AND ? " AND " : " OR ", args, count), TYPE_BOOL };
        return true;
    case FN_EQ:
    case FN_NE:
    case FN_LT:
    case FN_LE:
    case FN_GT:
    case FN_GE: return comparison(t, e, args[0], args[1], ret);
    case FN_IN: return membership(t, e, args[0], ret);
    case FN_ADD:
    case FN_SUBTRACT:
    case FN_MULTIPLY:
    case FN_DIVIDE:
    case FN_MODULO: return arithmetic(t, e, args[0], args[1], ret);
    case FN_CASE:
    case FN_COALESCE: return choice(t, e, args, ret);
    case FN_ID:
    case FN_LABEL:
    case FN_FROM_VERTEX:
    case FN_TO_VERTEX: return element(t, e, &args[0], ret);
    default: break;
    }
    for (size_t i = 0; i < ARRAY_LEN(counterparts); i++) {
        const counterpart *c = &counterparts[i];
        if (c->function != f)
            continue;
        for (size_t k = 0; k < count; k++)
            if (c->takes != TYPE_ANY && args[k].type != c->takes && args[k].type != TYPE_NULL &&
                !(c->takes == TYPE_REAL && args[k].type == TYPE_INTEGER))
                return sql_refuse(t, e->offset,
                                  "a function of a value whose kind it does not take");
        *ret = (sql_expr){ filled_in(t, c->format, args), c->type ? c->type : args[0].type };
        return true;
    }
    return sql_refuse(t, e->offset,
                      str_format(t->plan->arena, "%s()%c", plan_function_get(f)->name, 0).data);
}

bool sql_expression(sql_translation *t, const plan_expr *e, sql_expr *ret)
{
    switch (e->kind) {
    case EXPR_LITERAL: return sql_literal(t, e, ret);
    case EXPR_SLOT:
        ret->text = str_format(t->plan->arena, "s%u", e->slot);
        ret->type = t->types[e->slot];
        return true;
    case EXPR_PROPERTY: return property(t, e, ret);
    case EXPR_CALL: return call(t, e, ret);
    case EXPR_EACH:
    case EXPR_QUERY: break;
    }
    return fail(t->err, ERR_INVALID,
                "lists and sub-queries inside expressions have no counterpart in SQL");
}
