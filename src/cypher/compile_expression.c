/* Expressions: names are found in scopes, types are checked as far as they are known. */
#include "cypher/internal.h"
#include "exec/named.h"

static bool expression(compiler *c, const ast_expr *e, plan_expr **ret, type *t);

/* ---- Aggregates ---- */

typedef struct aggregate_name {
    const char *name;
    plan_aggregate_kind kind;
    const char *of_list; /* function of the collected values; with DISTINCT, or always */
    bool always_collects;
    size_t count;
    type type;
} aggregate_name;

static const aggregate_name aggregates[] = {
    { "count", AGGREGATE_COUNT, NULL, false, 1, TYPE_INT },
    { "sum", AGGREGATE_SUM, ".sum", false, 1, TYPE_ANY },
    { "min", AGGREGATE_MIN, ".min", false, 1, TYPE_ANY },
    { "max", AGGREGATE_MAX, ".max", false, 1, TYPE_ANY },
    { "avg", AGGREGATE_MEAN, ".avg", false, 1, TYPE_ANY },
    { "collect", AGGREGATE_COLLECT, NULL, false, 1, TYPE_LIST },
    { "percentileCont", AGGREGATE_COLLECT, ".percentileCont", true, 2, TYPE_FLOAT },
    { "percentileDisc", AGGREGATE_COLLECT, ".percentileDisc", true, 2, TYPE_ANY },
    { "stDev", AGGREGATE_COLLECT, ".stDev", true, 1, TYPE_FLOAT },
    { "stDevP", AGGREGATE_COLLECT, ".stDevP", true, 1, TYPE_FLOAT },
};

static const aggregate_name *find_aggregate(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(aggregates); i++)
        if (str_eq_nocase(name, str_of(aggregates[i].name)))
            return &aggregates[i];
    return NULL;
}

/* Calls `see` on each child; stops when it says so. */
static bool any_child(const ast_expr *e, bool (*see)(const ast_expr *e))
{
    const ast_expr *all[5] = { 0 };
    ast_expr *const *list = NULL;
    size_t count = 0;
    switch (e->kind) {
    case AST_LITERAL:
    case AST_PARAMETER:
    case AST_VARIABLE:
    case AST_PATTERN:
    case AST_SUBQUERY: return false;
    case AST_PROPERTY: all[0] = e->property.of; break;
    case AST_HAS_LABELS: all[0] = e->labels.of; break;
    case AST_OPERATOR:
        list = e->op.args;
        count = e->op.count;
        break;
    case AST_CALL:
        list = e->call.args;
        count = e->call.count;
        break;
    case AST_LIST:
        list = e->list.items;
        count = e->list.count;
        break;
    case AST_MAP:
    case AST_MAP_PROJECTION:
        for (size_t i = 0; i < e->map.count; i++)
            if (e->map.items[i].value && see(e->map.items[i].value))
                return true;
        all[0] = e->kind == AST_MAP ? NULL : e->map.of;
        break;
    case AST_SLICE:
        all[0] = e->slice.of;
        all[1] = e->slice.from;
        all[2] = e->slice.to;
        break;
    case AST_CASE:
        all[0] = e->choice.of;
        list = e->choice.args;
        count = e->choice.count;
        break;
    case AST_COMPREHENSION:
    case AST_QUANTIFIER:
        all[0] = e->each.list;
        all[1] = e->each.where;
        all[2] = e->each.body;
        break;
    case AST_REDUCE:
        all[0] = e->reduce.start;
        all[1] = e->reduce.list;
        all[2] = e->reduce.body;
        break;
    case AST_PATTERN_COMPREHENSION:
        all[0] = e->pattern.where;
        all[1] = e->pattern.body;
        break;
    }
    for (size_t i = 0; i < count; i++)
        if (see(list[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] && see(all[i]))
            return true;
    return false;
}

bool cypher_has_aggregate(const ast_expr *e)
{
    if (e->kind == AST_CALL && find_aggregate(e->call.name))
        return true;
    return any_child(e, cypher_has_aggregate);
}

bool cypher_has_variable(const ast_expr *e)
{
    return e->kind == AST_VARIABLE || e->kind == AST_PATTERN || e->kind == AST_SUBQUERY ||
           any_child(e, cypher_has_variable);
}

static bool has_random(const ast_expr *e)
{
    return (e->kind == AST_CALL && str_eq_nocase(e->call.name, STR("rand"))) ||
           any_child(e, has_random);
}

static bool aggregate(compiler *c, const ast_expr *e, const aggregate_name *a, plan_expr **ret,
                      type *t)
{
    plan_aggregate x = { .kind = a->always_collects ||
                                         (e->call.is_distinct && a->kind != AGGREGATE_COLLECT)
                                     ? AGGREGATE_COLLECT
                                     : a->kind };
    plan_expr *args[2] = { 0 };
    type ignored;
    if (c->is_inside_aggregate)
        return cypher_fail(c, e->span.from, "SyntaxError: NestedAggregation",
                           "aggregates cannot stand inside aggregates");
    if (!c->aggregation && c->is_ordering)
        for (size_t i = 0; i < e->call.count; i++)
            TRY(expression(c, e->call.args[i], &args[i], &ignored));
    if (!c->aggregation)
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidAggregation",
                           "%s() stands in RETURN or WITH only", a->name);
    if (!e->call.is_star && e->call.count != a->count)
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidNumberOfArguments",
                           "%s() takes %zu arguments", a->name, a->count);
    if (e->call.is_star && a->kind != AGGREGATE_COUNT)
        return cypher_fail(c, e->span.from, "SyntaxError: UnexpectedSyntax", "%s(*) means nothing",
                           a->name);
    const replacements *groups = c->groups;
    c->groups = NULL;
    c->is_inside_aggregate = true;
    for (size_t i = 0; i < e->call.count; i++) {
        if (i == 1) { /* one value for a whole group */
            c->is_inside_aggregate = false;
            c->groups = groups;
        }
        if (has_random(e->call.args[i]))
            return cypher_fail(c, e->call.args[i]->span.from, "SyntaxError: NonConstantExpression",
                               "rand() inside an aggregate means nothing certain");
        TRY(expression(c, e->call.args[i], &args[i], &ignored));
    }
    c->is_inside_aggregate = false;
    c->groups = groups;
    x.of = args[0];
    *t = a->type;
    TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &x.to, c->err));
    vec_push(c->arena, &c->aggregation->items, x);
    *ret = plan_slot_expr(c->plan, x.to);
    if (e->call.is_distinct && a->kind == AGGREGATE_COUNT) {
        distinct_count d = { .collected = x.to, .of = x.of };
        TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &d.to, c->err));
        vec_push(c->arena, &c->aggregation->distinct, d);
        *ret = plan_slot_expr(c->plan, d.to);
        return true;
    }
    if (e->call.is_distinct)
        *ret = cypher_named(c, ".distinct", ret, 1);
    if (x.kind == AGGREGATE_COLLECT && a->of_list) {
        plan_expr *both[] = { *ret, args[1] };
        *ret = cypher_named(c, a->of_list, both, a->count);
    } else if (x.kind == AGGREGATE_SUM) {
        *ret = plan_call(c->plan, FN_COALESCE, *ret, plan_literal_int(c->plan, 0));
    }
    return true;
}

/* ---- Functions ---- */

plan_expr *cypher_named(compiler *c, const char *name, plan_expr **args, size_t count)
{
    plan_expr *e = plan_call_list(c->plan, FN_NAMED, args, count);
    e->call.number = (uint32_t)named_function_find(str_of(name));
    e->call.name = name;
    return e;
}

/* Those that plans look into, or that work the same everywhere. */
static const struct {
    const char *name;
    plan_function function;
    size_t count;
    type type;
} plain_functions[] = {
    { "id", FN_ID, 1, TYPE_ANY },
    { "elementId", FN_ID, 1, TYPE_ANY },
    { "nodes", FN_PATH_NODES, 1, TYPE_LIST },
    { "relationships", FN_PATH_EDGES, 1, TYPE_LIST },
    { "rels", FN_PATH_EDGES, 1, TYPE_LIST },
    { "startNode", FN_FROM_VERTEX, 1, TYPE_NODE },
    { "endNode", FN_TO_VERTEX, 1, TYPE_NODE },
    { "abs", FN_ABS, 1, TYPE_ANY },
    { "ceil", FN_CEIL, 1, TYPE_FLOAT },
    { "ceiling", FN_CEIL, 1, TYPE_FLOAT },
    { "floor", FN_FLOOR, 1, TYPE_FLOAT },
    { "sign", FN_SIGN, 1, TYPE_INT },
    { "sqrt", FN_SQRT, 1, TYPE_FLOAT },
    { "exp", FN_EXP, 1, TYPE_FLOAT },
    { "log", FN_LOG, 1, TYPE_FLOAT },
    { "log10", FN_LOG10, 1, TYPE_FLOAT },
    { "sin", FN_SIN, 1, TYPE_FLOAT },
    { "cos", FN_COS, 1, TYPE_FLOAT },
    { "tan", FN_TAN, 1, TYPE_FLOAT },
    { "asin", FN_ASIN, 1, TYPE_FLOAT },
    { "acos", FN_ACOS, 1, TYPE_FLOAT },
    { "atan", FN_ATAN, 1, TYPE_FLOAT },
    { "sinh", FN_SINH, 1, TYPE_FLOAT },
    { "cosh", FN_COSH, 1, TYPE_FLOAT },
    { "tanh", FN_TANH, 1, TYPE_FLOAT },
    { "apoc.any.property", FN_ITEM, 2, TYPE_ANY },
    { "inCidr", FN_IN_CIDR, 2, TYPE_BOOL },
};

static type type_given(const char *gives)
{
    static const struct {
        const char *name;
        type type;
    } names[] = { { "INTEGER", TYPE_INT },  { "FLOAT", TYPE_FLOAT }, { "STRING", TYPE_TEXT },
                  { "BOOLEAN", TYPE_BOOL }, { "LIST", TYPE_LIST },   { "MAP", TYPE_MAP } };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(str_of(gives), str_of(names[i].name)))
            return names[i].type;
    return TYPE_ANY;
}

/* What is wrong with an argument's type is an error before anything runs. */
static bool check_argument(compiler *c, const ast_expr *e, str name, type t)
{
    static const struct {
        const char *name;
        unsigned wrong; /* types, as bits */
    } rules[] = {
        { "labels", 1u << TYPE_PATH | 1u << TYPE_EDGE | 1u << TYPE_INT | 1u << TYPE_TEXT |
                        1u << TYPE_LIST | 1u << TYPE_MAP },
        { "type", 1u << TYPE_NODE | 1u << TYPE_PATH | 1u << TYPE_INT | 1u << TYPE_TEXT },
        { "length", 1u << TYPE_NODE | 1u << TYPE_EDGE },
        { "size",
          1u << TYPE_PATH | 1u << TYPE_NODE | 1u << TYPE_EDGE | 1u << TYPE_INT | 1u << TYPE_BOOL },
        { "nodes", 1u << TYPE_NODE | 1u << TYPE_EDGE },
        { "relationships", 1u << TYPE_NODE | 1u << TYPE_EDGE },
        { "properties", 1u << TYPE_INT | 1u << TYPE_TEXT | 1u << TYPE_LIST | 1u << TYPE_BOOL },
        { "keys", 1u << TYPE_INT | 1u << TYPE_TEXT | 1u << TYPE_LIST | 1u << TYPE_BOOL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (str_eq_nocase(name, str_of(rules[i].name)) && rules[i].wrong >> t & 1)
            return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                               "%s() does not take a value of this type", rules[i].name);
    return true;
}

static bool call(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    const aggregate_name *a = find_aggregate(e->call.name);
    str name = e->call.name;
    if (a)
        return aggregate(c, e, a, ret, t);
    plan_expr **args = arena_array_of(c->arena, plan_expr *, e->call.count + 1);
    type first = TYPE_ANY, ignored;
    bool allowed = c->allows_patterns;
    c->allows_patterns = false;
    for (size_t i = 0; i < e->call.count; i++)
        TRY(expression(c, e->call.args[i], &args[i], i ? &ignored : &first));
    c->allows_patterns = allowed;
    if (e->call.count)
        TRY(check_argument(c, e->call.args[0], name, first));
    *t = TYPE_ANY;
    if (str_eq_nocase(name, STR("coalesce")) && e->call.count) {
        *ret = plan_call_list(c->plan, FN_COALESCE, args, e->call.count);
        return true;
    }
    if (str_eq_nocase(name, STR("exists")) && e->call.count == 1) {
        *ret = plan_call(c->plan, FN_IS_NOT_NULL, args[0]);
        *t = TYPE_BOOL;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(plain_functions); i++)
        if (str_eq_nocase(name, str_of(plain_functions[i].name))) {
            if (e->call.count != plain_functions[i].count)
                return cypher_fail(c, e->span.from, "SyntaxError: InvalidNumberOfArguments",
                                   "%s() takes %zu arguments", plain_functions[i].name,
                                   plain_functions[i].count);
            *ret = plan_call_list(c->plan, plain_functions[i].function, args, e->call.count);
            *t = plain_functions[i].type;
            return true;
        }
    int number = name.len && name.data[0] == '.' ? -1 : named_function_find(name);
    if (number < 0)
        return cypher_fail(c, e->span.from, "SyntaxError: UnknownFunction",
                           "there is no function " STR_FMT "()", STR_ARG(name));
    const named_function *f = named_function_at((size_t)number);
    if ((int)e->call.count < f->least || (f->most >= 0 && (int)e->call.count > f->most))
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidNumberOfArguments",
                           "%s() takes %d to %d arguments", f->name, f->least, f->most);
    *ret = cypher_named(c, f->name, args, e->call.count);
    *t = type_given(f->gives);
    return true;
}

/* ---- Operators ---- */

static bool is_boolean_operator(plan_function f)
{
    return f == FN_AND || f == FN_OR || f == FN_XOR || f == FN_NOT;
}

static bool check_operand(compiler *c, const ast_expr *e, const ast_expr *operand, size_t i, type t)
{
    plan_function f = e->op.function;
    const char *detail = "SyntaxError: InvalidArgumentType";
    if (is_boolean_operator(f) && t != TYPE_ANY && t != TYPE_BOOL && t != TYPE_NULL)
        return cypher_fail(c, operand->span.from, detail, "expected true or false");
    if (f == FN_IN && i == 1 &&
        (t == TYPE_BOOL || t == TYPE_INT || t == TYPE_FLOAT || t == TYPE_TEXT || t == TYPE_MAP ||
         t == TYPE_NODE || t == TYPE_EDGE))
        return cypher_fail(c, operand->span.from, detail, "IN takes a list");
    bool is_arithmetic = f == FN_SUBTRACT || f == FN_MULTIPLY || f == FN_DIVIDE || f == FN_MODULO ||
                         f == FN_POWER || f == FN_NEGATE;
    if (is_arithmetic && (t == TYPE_BOOL || t == TYPE_TEXT || t == TYPE_LIST || t == TYPE_MAP ||
                          t == TYPE_NODE || t == TYPE_EDGE || t == TYPE_PATH))
        return cypher_fail(c, operand->span.from, detail, "expected a number");
    return true;
}

static type type_of_operator(plan_function f, type left, type right)
{
    switch (f) {
    case FN_ADD:
    case FN_SUBTRACT:
    case FN_MULTIPLY:
    case FN_DIVIDE:
    case FN_MODULO:
        if (f == FN_ADD && (left == TYPE_LIST || right == TYPE_LIST))
            return TYPE_LIST;
        if (f == FN_ADD && (left == TYPE_TEXT || right == TYPE_TEXT))
            return left == TYPE_TEXT && right == TYPE_TEXT ? TYPE_TEXT : TYPE_ANY;
        return left == TYPE_INT && right == TYPE_INT       ? TYPE_INT
               : left == TYPE_FLOAT || right == TYPE_FLOAT ? TYPE_FLOAT
                                                           : TYPE_ANY;
    case FN_NEGATE: return left;
    case FN_POWER: return TYPE_FLOAT;
    case FN_ITEM: return TYPE_ANY;
    default: return TYPE_BOOL;
    }
}

static bool operator(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    plan_expr *args[2] = { 0 };
    type types[2] = { TYPE_ANY, TYPE_ANY };
    for (size_t i = 0; i < e->op.count; i++) {
        TRY(expression(c, e->op.args[i], &args[i], &types[i]));
        TRY(check_operand(c, e, e->op.args[i], i, types[i]));
    }
    *t = type_of_operator(e->op.function, types[0], types[1]);
    *ret = e->op.function == FN_MATCHES
               ? cypher_named(c, ".matches", args, 2)
               : plan_call_list(c->plan, e->op.function, args, e->op.count);
    return true;
}

/* ---- Names ---- */

static bool parameter(compiler *c, const ast_expr *e, plan_expr **ret)
{
    for (size_t i = 0; c->parameters && i < c->parameters->map.count; i++)
        if (str_eq(c->parameters->map.keys[i].text, e->name)) {
            *ret = plan_literal(c->plan, value_copy(c->arena, &c->parameters->map.values[i]));
            return true;
        }
    return cypher_fail(c, e->span.from, "ParameterMissing: MissingParameter",
                       "parameter $" STR_FMT " is not given", STR_ARG(e->name));
}

static bool name(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    const variable *v = cypher_find(c, e->name);
    if (!v)
        return cypher_fail(c, e->span.from, "SyntaxError: UndefinedVariable",
                           "variable `" STR_FMT "` is not defined", STR_ARG(e->name));
    size_t at = (size_t)(v - c->scope.items);
    if (c->groups && at < c->local_from)
        return cypher_fail(
            c, e->span.from, "SyntaxError: AmbiguousAggregationExpression",
            "`" STR_FMT "` is neither aggregated nor one of the columns that rows are grouped by",
            STR_ARG(e->name));
    *ret = plan_slot_expr(c->plan, v->slot);
    *t = v->type;
    return true;
}

static bool property(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    plan_expr *of;
    type of_type;
    TRY(expression(c, e->property.of, &of, &of_type));
    bool is_pattern_part = of_type == TYPE_PATH || of_type == TYPE_EDGES;
    if (is_pattern_part || of_type == TYPE_INT || of_type == TYPE_FLOAT || of_type == TYPE_TEXT ||
        of_type == TYPE_BOOL || of_type == TYPE_LIST)
        return cypher_fail(c, e->span.from,
                           is_pattern_part ? "SyntaxError: InvalidArgumentType"
                                           : "TypeError: InvalidArgumentType",
                           "a value of this type has no properties");
    *ret = plan_property(c->plan, of, e->property.key);
    (*ret)->offset = e->span.from;
    *t = TYPE_ANY;
    return true;
}

static bool labels(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    plan_expr *of, *all = NULL;
    TRY(expression(c, e->labels.of, &of, t));
    if (*t != TYPE_ANY && *t != TYPE_NODE && *t != TYPE_EDGE && *t != TYPE_NULL)
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                           "only nodes and relationships have labels");
    if (*t == TYPE_NODE && of->kind == EXPR_SLOT && !graph_is_scratch(c->graph)) {
        *ret = cypher_label_test(c, of->slot, e->labels.names, e->labels.count, e->labels.is_any);
        *t = TYPE_BOOL;
        return true;
    }
    for (size_t i = 0; i < e->labels.count; i++) {
        plan_expr *args[] = { of, plan_literal_text(c->plan, e->labels.names[i]) };
        plan_expr *one = cypher_named(c, ".hasLabels", args, 2);
        all = !all ? one : plan_call(c->plan, e->labels.is_any ? FN_OR : FN_AND, all, one);
    }
    *ret = all;
    *t = TYPE_BOOL;
    return true;
}

/* ---- Lists and maps ---- */

static bool list(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr **items = arena_array_of(c->arena, plan_expr *, e->list.count);
    type ignored;
    bool is_literal = true;
    for (size_t i = 0; i < e->list.count; i++) {
        TRY(expression(c, e->list.items[i], &items[i], &ignored));
        is_literal &= items[i]->kind == EXPR_LITERAL;
    }
    if (!is_literal) {
        *ret = plan_call_list(c->plan, FN_LIST, items, e->list.count);
        return true;
    }
    value *values = arena_array_of(c->arena, value, e->list.count);
    for (size_t i = 0; i < e->list.count; i++)
        values[i] = items[i]->literal;
    *ret = plan_literal(c->plan, value_list(values, e->list.count));
    return true;
}

static bool map(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr **all = arena_array_of(c->arena, plan_expr *, 2 * e->map.count);
    type ignored;
    for (size_t i = 0; i < e->map.count; i++) {
        all[2 * i] = plan_literal_text(c->plan, e->map.items[i].key);
        TRY(expression(c, e->map.items[i].value, &all[2 * i + 1], &ignored));
    }
    *ret = plan_map(c->plan, all, e->map.count);
    return true;
}

static bool map_projection(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr **all = arena_array_of(c->arena, plan_expr *, 2 * e->map.count + 1);
    type ignored;
    TRY(expression(c, e->map.of, &all[0], &ignored));
    for (size_t i = 0; i < e->map.count; i++) {
        const ast_map_item *x = &e->map.items[i];
        all[2 * i + 1] =
            x->is_all ? plan_literal_null(c->plan) : plan_literal_text(c->plan, x->key);
        if (x->value)
            TRY(expression(c, x->value, &all[2 * i + 2], &ignored));
        else
            all[2 * i + 2] =
                x->is_all ? plan_literal_null(c->plan) : plan_property(c->plan, all[0], x->key);
    }
    *ret = cypher_named(c, ".project", all, 2 * e->map.count + 1);
    return true;
}

static bool slice(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr *args[3] = { NULL, plan_literal_int(c->plan, 0),
                           plan_literal_int(c->plan, INT64_MAX) };
    type ignored;
    TRY(expression(c, e->slice.of, &args[0], &ignored));
    if (e->slice.from)
        TRY(expression(c, e->slice.from, &args[1], &ignored));
    if (e->slice.to)
        TRY(expression(c, e->slice.to, &args[2], &ignored));
    *ret = cypher_named(c, ".slice", args, 3);
    return true;
}

static bool choice(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr **args = arena_array_of(c->arena, plan_expr *, e->choice.count), *of = NULL;
    type ignored;
    if (e->choice.of)
        TRY(expression(c, e->choice.of, &of, &ignored));
    for (size_t i = 0; i < e->choice.count; i++) {
        TRY(expression(c, e->choice.args[i], &args[i], &ignored));
        if (of && i % 2 == 0 && i + 1 < e->choice.count)
            args[i] = plan_call(c->plan, FN_EQ, of, args[i]);
    }
    *ret = plan_call_list(c->plan, FN_CASE, args, e->choice.count);
    return true;
}

/* A variable for the inside of an expression; what it shadows comes back with `scope.count`. */
static bool bind_local(compiler *c, str of, plan_slot *ret)
{
    TRY(plan_slot_new(c->plan, of, SLOT_VALUE, ret, c->err));
    vec_push(c->arena, &c->scope, (variable){ of, *ret, TYPE_ANY });
    return true;
}

static plan_expr *each_new(compiler *c, plan_each_kind kind, const ast_expr *e)
{
    plan_expr *x = arena_new_of(c->plan->arena, plan_expr);
    x->kind = EXPR_EACH;
    x->offset = e->span.from;
    x->each.kind = kind;
    return x;
}

/* Of a list that is written out, when all its items are of one type. */
static type type_of_items(const ast_expr *e)
{
    type found = TYPE_ANY;
    for (size_t i = 0; e->kind == AST_LIST && i < e->list.count; i++) {
        const ast_expr *x = e->list.items[i];
        if (x->kind != AST_LITERAL)
            return TYPE_ANY;
        type t = x->literal.kind == VALUE_STRING   ? TYPE_TEXT
                 : x->literal.kind == VALUE_BOOL   ? TYPE_BOOL
                 : x->literal.kind == VALUE_INT    ? TYPE_INT
                 : x->literal.kind == VALUE_DOUBLE ? TYPE_FLOAT
                                                   : TYPE_ANY;
        if (t == TYPE_ANY || (i && t != found))
            return TYPE_ANY;
        found = t;
    }
    return found;
}

static bool each(compiler *c, const ast_expr *e, plan_expr **ret)
{
    static const plan_each_kind kinds[] = { EACH_ALL, EACH_ANY, EACH_NONE, EACH_SINGLE };
    plan_expr *x =
        each_new(c, e->kind == AST_COMPREHENSION ? EACH_MAP : kinds[e->each.quantifier], e);
    size_t known = c->scope.count, local_from = c->local_from;
    type t;
    TRY(expression(c, e->each.list, &x->each.list, &t));
    if (t == TYPE_INT || t == TYPE_TEXT || t == TYPE_BOOL || t == TYPE_FLOAT || t == TYPE_NODE ||
        t == TYPE_EDGE || t == TYPE_MAP)
        return cypher_fail(c, e->each.list->span.from, "SyntaxError: InvalidArgumentType",
                           "IN takes a list");
    if (e->kind == AST_COMPREHENSION && ((e->each.where && cypher_has_aggregate(e->each.where)) ||
                                         (e->each.body && cypher_has_aggregate(e->each.body))))
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidAggregation",
                           "aggregates cannot stand inside a list comprehension");
    c->local_from = c->local_from < known ? c->local_from : known;
    TRY(bind_local(c, e->each.variable, &x->each.item));
    c->scope.items[c->scope.count - 1].type = type_of_items(e->each.list);
    if (e->each.where)
        TRY(cypher_condition(c, e->each.where, &x->each.where));
    if (e->each.body)
        TRY(expression(c, e->each.body, &x->each.body, &t));
    c->scope.count = known;
    c->local_from = local_from;
    *ret = x;
    return true;
}

static bool reduce(compiler *c, const ast_expr *e, plan_expr **ret)
{
    plan_expr *x = each_new(c, EACH_REDUCE, e);
    size_t known = c->scope.count, local_from = c->local_from;
    type ignored;
    TRY(expression(c, e->reduce.start, &x->each.start, &ignored));
    TRY(expression(c, e->reduce.list, &x->each.list, &ignored));
    c->local_from = c->local_from < known ? c->local_from : known;
    TRY(bind_local(c, e->reduce.accumulator, &x->each.total));
    TRY(bind_local(c, e->reduce.variable, &x->each.item));
    TRY(expression(c, e->reduce.body, &x->each.body, &ignored));
    c->scope.count = known;
    c->local_from = local_from;
    *ret = x;
    return true;
}

/* ---- Sub-queries ---- */

static bool subquery(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    plan_op *outer = c->op;
    scope known = c->scope, columns;
    const replacements *groups = c->groups, *ready = c->ready;
    aggregation *aggregation = c->aggregation;
    bool has_rows, writes = c->writes;
    plan_slot result = PLAN_NO_SLOT;
    c->groups = c->ready = NULL;
    c->aggregation = NULL;
    c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, e->span.from);
    c->scope.items = arena_copy(c->arena, known.items, known.count * sizeof(variable));
    c->scope.capacity = known.count;
    TRY(cypher_query(c, e->subquery.query, &columns, &has_rows));
    if (c->writes && !writes)
        return cypher_fail(c, e->span.from, "SyntaxError: InvalidClauseComposition",
                           "a sub-query inside an expression cannot change the graph");
    if (e->subquery.kind != SUBQUERY_EXISTS) {
        plan_op *op = cypher_add_op(c, PLAN_AGGREGATE, e->span.from);
        op->aggregate.items = arena_new_of(c->arena, plan_aggregate);
        op->aggregate.item_count = 1;
        op->aggregate.items[0].kind =
            e->subquery.kind == SUBQUERY_COUNT ? AGGREGATE_COUNT : AGGREGATE_COLLECT;
        if (e->subquery.kind == SUBQUERY_COLLECT) {
            if (columns.count != 1)
                return cypher_fail(c, e->span.from, "SyntaxError: UnexpectedSyntax",
                                   "COLLECT { } returns one column");
            op->aggregate.items[0].of = plan_slot_expr(c->plan, columns.items[0].slot);
        }
        TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &result, c->err));
        op->aggregate.items[0].to = result;
    }
    plan_expr *x = arena_new_of(c->plan->arena, plan_expr);
    *x = (plan_expr){ .kind = EXPR_QUERY, .offset = e->span.from, .query = { c->op, result } };
    c->op = outer;
    c->scope = known;
    c->groups = groups;
    c->ready = ready;
    c->aggregation = aggregation;
    *t = e->subquery.kind == SUBQUERY_EXISTS  ? TYPE_BOOL
         : e->subquery.kind == SUBQUERY_COUNT ? TYPE_INT
                                              : TYPE_LIST;
    *ret = x;
    return true;
}

/* ---- All of them ---- */

static bool find_ready(compiler *c, const replacements *all, const ast_expr *e, bool only_simple,
                       plan_expr **ret, type *t)
{
    str text = str_slice(c->text, e->span.from, e->span.to);
    for (size_t i = 0; all && i < all->count; i++)
        if ((!only_simple || all->items[i].is_simple) && str_eq(all->items[i].text, text)) {
            *ret = plan_slot_expr(c->plan, all->items[i].slot);
            *t = all->items[i].type;
            return true;
        }
    return false;
}

static bool expression(compiler *c, const ast_expr *e, plan_expr **ret, type *t)
{
    *t = TYPE_ANY;
    if (find_ready(c, c->groups, e, true, ret, t) || find_ready(c, c->ready, e, false, ret, t))
        return true;
    switch (e->kind) {
    case AST_LITERAL:
        *ret = plan_literal(c->plan, e->literal);
        *t = e->literal.kind == VALUE_BOOL     ? TYPE_BOOL
             : e->literal.kind == VALUE_INT    ? TYPE_INT
             : e->literal.kind == VALUE_DOUBLE ? TYPE_FLOAT
             : e->literal.kind == VALUE_STRING ? TYPE_TEXT
                                               : TYPE_NULL;
        return true;
    case AST_PARAMETER: return parameter(c, e, ret);
    case AST_VARIABLE: return name(c, e, ret, t);
    case AST_PROPERTY: return property(c, e, ret, t);
    case AST_HAS_LABELS: return labels(c, e, ret, t);
    case AST_OPERATOR: return operator(c, e, ret, t);
    case AST_CALL: return call(c, e, ret, t);
    case AST_LIST: *t = TYPE_LIST; return list(c, e, ret);
    case AST_MAP: *t = TYPE_MAP; return map(c, e, ret);
    case AST_MAP_PROJECTION: *t = TYPE_MAP; return map_projection(c, e, ret);
    case AST_SLICE: *t = TYPE_LIST; return slice(c, e, ret);
    case AST_CASE: return choice(c, e, ret);
    case AST_COMPREHENSION: *t = TYPE_LIST; return each(c, e, ret);
    case AST_QUANTIFIER: *t = TYPE_BOOL; return each(c, e, ret);
    case AST_REDUCE: return reduce(c, e, ret);
    case AST_PATTERN:
        if (!c->allows_patterns && !e->pattern.is_function)
            return cypher_fail(c, e->span.from, "SyntaxError: UnexpectedSyntax",
                               "a pattern stands in a condition only; elsewhere: EXISTS { … }, "
                               "COUNT { … } or [pattern | …]");
        *t = TYPE_BOOL;
        return cypher_pattern_query(c, e->pattern.path, NULL, NULL, ret);
    case AST_PATTERN_COMPREHENSION:
        *t = TYPE_LIST;
        return cypher_pattern_query(c, e->pattern.path, e->pattern.where, e->pattern.body, ret);
    case AST_SUBQUERY: return subquery(c, e, ret, t);
    }
    return true;
}

bool cypher_expression(compiler *c, const ast_expr *e, plan_expr **ret, type *ret_type)
{
    return expression(c, e, ret, ret_type);
}

bool cypher_condition(compiler *c, const ast_expr *e, plan_expr **ret)
{
    type t;
    bool allowed = c->allows_patterns;
    c->allows_patterns = true;
    TRY(expression(c, e, ret, &t));
    c->allows_patterns = allowed;
    if (t == TYPE_ANY || t == TYPE_BOOL || t == TYPE_NULL)
        return true;
    return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                       "expected a condition: true, false or null");
}

bool cypher_constant(compiler *c, const ast_expr *e, value *ret)
{
    AUTO(query_close) query *q = NULL;
    query_options options = { 0 };
    compiler inner = { .arena = c->arena,
                       .graph = c->graph,
                       .text = c->text,
                       .parameters = c->parameters,
                       .err = c->err };
    inner.plan = plan_new(c->arena, c->text);
    inner.plan->is_cypher = true;
    plan_expr *x;
    plan_slot to;
    batch *b;
    type t;
    if (cypher_has_variable(e))
        return cypher_fail(c, e->span.from, "SyntaxError: NonConstantExpression",
                           "this must not depend on a variable");
    TRY(expression(&inner, e, &x, &t));
    if (x->kind == EXPR_LITERAL) {
        *ret = x->literal;
        return true;
    }
    TRY(plan_slot_new(inner.plan, STR(""), SLOT_VALUE, &to, c->err));
    plan_op *let = plan_op_new(inner.plan, PLAN_LET, plan_op_new(inner.plan, PLAN_ONE, NULL, 0), 0);
    let->let.to = to;
    let->let.expr = x;
    plan_column column = { STR(""), to };
    inner.plan->root = let;
    inner.plan->columns = &column;
    inner.plan->column_count = 1;
    TRY(plan_finish(inner.plan, c->graph, c->err));
    TRY(query_open(c->graph, inner.plan, &options, &q, c->err));
    TRY(query_next(q, &b, c->err));
    *ret = value_copy(c->arena, b->columns[0].data);
    return true;
}
