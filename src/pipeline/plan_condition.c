/* Conditions that DuckDB's plan has right above a stand-in, as predicates that Iceberg's scan
 * planning takes. Reads the text of EXPLAIN, in which columns are f0, f1, … */
#include <string.h>

#include "base/vec.h"
#include "column/stand_in.h"
#include "pipeline/scan_plan.h"

enum { CONDITION_DEPTH = 64 };

typedef struct reader {
    arena *arena;
    const token *t;
    const iceberg_schema *schema;
    VEC(iceberg_predicate) out;
} reader;

/* ---- Columns and literals ---- */

/* f12, or its cast from TIMESTAMP to TIMESTAMPTZ, which changes no value: sessions are in UTC. */
static const iceberg_field *read_column(const reader *r, size_t *at, size_t to)
{
    int64_t number;
    const token *t = &r->t[*at];
    bool is_cast = *at + 8 <= to && token_is_word(t, "CAST") && token_is_symbol(&t[1], "(") &&
                   token_is_word(&t[3], "AS") && token_is_word(&t[4], "TIMESTAMP") &&
                   token_is_word(&t[5], "WITH") && token_is_word(&t[6], "TIME") &&
                   token_is_word(&t[7], "ZONE") && token_is_symbol(&t[8], ")");
    const token *name = is_cast ? &t[2] : t;
    if (*at >= to || name->kind != TOKEN_WORD || name->text.data[0] != 'f' ||
        !str_to_i64(str_slice(name->text, 1, name->text.len), &number) || number < 0 ||
        (size_t)number >= r->schema->field_count)
        return NULL;
    const iceberg_field *f = &r->schema->fields[number];
    if (is_cast && f->type->kind != ICEBERG_TIMESTAMP)
        return NULL;
    *at += is_cast ? 9 : 1;
    return f;
}

/* :: TYPE behind a text. */
static void skip_type(const reader *r, size_t *at, size_t to)
{
    static const char *const more[] = { "WITH", "TIME", "ZONE" };
    if (*at >= to || !token_is_symbol(&r->t[*at], "::"))
        return;
    *at += 2;
    for (size_t i = 0; i < ARRAY_LEN(more) && *at < to && token_is_word(&r->t[*at], more[i]); i++)
        ++*at;
    if (*at < to && token_is_symbol(&r->t[*at], "(")) {
        while (*at < to && !token_is_symbol(&r->t[*at], ")"))
            ++*at;
        ++*at;
    }
}

static bool read_literal(const reader *r, const iceberg_field *f, size_t *at, size_t to, value *ret)
{
    bool is_negative = *at < to && token_is_symbol(&r->t[*at], "-");
    size_t i = *at + is_negative;
    if (i >= to)
        return false;
    const token *t = &r->t[i++];
    if (t->kind == TOKEN_TEXT && !is_negative) {
        str text = token_unquote(r->arena, t);
        bool is_time = f->type->kind == ICEBERG_TIMESTAMP || f->type->kind == ICEBERG_TIMESTAMPTZ;
        if (is_time && str_ends_with(text, STR("+00")))
            text.len -= 3;
        *ret = value_text(text);
    } else if (t->kind == TOKEN_NUMBER) {
        *ret = value_text(
            str_format(r->arena, "%s" STR_FMT, is_negative ? "-" : "", STR_ARG(t->text)));
    } else {
        return false;
    }
    skip_type(r, &i, to);
    *at = i;
    return true;
}

/* ---- Conditions ---- */

/* NaN is above every number for DuckDB, and in no bounds. */
static bool is_usable(const iceberg_field *f, iceberg_compare compare)
{
    bool is_real = f->type->kind == ICEBERG_FLOAT || f->type->kind == ICEBERG_DOUBLE;
    return !is_real || (compare != ICEBERG_GREATER && compare != ICEBERG_GREATER_OR_EQUAL);
}

static void put(reader *r, const iceberg_field *f, iceberg_compare compare, const value *values,
                size_t count)
{
    if (is_usable(f, compare))
        vec_push(r->arena, &r->out,
                 (iceberg_predicate){ f->name, compare,
                                      arena_copy(r->arena, values, count * sizeof *values),
                                      count });
}

/* column < literal */
static bool read_comparison(reader *r, size_t from, size_t to)
{
    static const struct {
        const char *sign;
        iceberg_compare compare;
    } signs[] = { { "=", ICEBERG_IN },
                  { "<", ICEBERG_LESS },
                  { "<=", ICEBERG_LESS_OR_EQUAL },
                  { ">", ICEBERG_GREATER },
                  { ">=", ICEBERG_GREATER_OR_EQUAL } };
    size_t at = from;
    value v;
    const iceberg_field *f = read_column(r, &at, to);
    for (size_t i = 0; f && at < to && i < ARRAY_LEN(signs); i++) {
        size_t next = at + 1;
        if (!token_is_symbol(&r->t[at], signs[i].sign))
            continue;
        if (!read_literal(r, f, &next, to, &v) || next != to)
            return false;
        put(r, f, signs[i].compare, &v, 1);
        return true;
    }
    return false;
}

/* column BETWEEN literal AND literal */
static bool read_between(reader *r, size_t from, size_t to)
{
    size_t at = from;
    value low, high;
    const iceberg_field *f = read_column(r, &at, to);
    if (!f || at >= to || !token_is_word(&r->t[at++], "BETWEEN") ||
        !read_literal(r, f, &at, to, &low) || at >= to || !token_is_word(&r->t[at++], "AND") ||
        !read_literal(r, f, &at, to, &high) || at != to)
        return false;
    put(r, f, ICEBERG_GREATER_OR_EQUAL, &low, 1);
    put(r, f, ICEBERG_LESS_OR_EQUAL, &high, 1);
    return true;
}

/* column IN (literal, …) */
static bool read_in(reader *r, size_t from, size_t to)
{
    size_t at = from;
    VEC(value) values = { 0 };
    const iceberg_field *f = read_column(r, &at, to);
    if (!f || at + 1 >= to || !token_is_word(&r->t[at], "IN") ||
        !token_is_symbol(&r->t[at + 1], "("))
        return false;
    for (at += 2; at < to;) {
        value v;
        if (!read_literal(r, f, &at, to, &v) || at >= to)
            return false;
        vec_push(r->arena, &values, v);
        if (token_is_symbol(&r->t[at], ")") && at + 1 == to) {
            put(r, f, ICEBERG_IN, values.items, values.count);
            return true;
        }
        if (!token_is_symbol(&r->t[at++], ","))
            return false;
    }
    return false;
}

/* column IS [NOT] NULL */
static bool read_null(reader *r, size_t from, size_t to)
{
    size_t at = from;
    const iceberg_field *f = read_column(r, &at, to);
    if (!f || at >= to || !token_is_word(&r->t[at++], "IS"))
        return false;
    bool is_not = at < to && token_is_word(&r->t[at], "NOT");
    at += is_not;
    if (at + 1 != to || !token_is_word(&r->t[at], "NULL"))
        return false;
    put(r, f, is_not ? ICEBERG_IS_NOT_NULL : ICEBERG_IS_NULL, NULL, 0);
    return true;
}

/* prefix(column, 'text'): LIKE 'text%' and starts_with */
static bool read_prefix(reader *r, size_t from, size_t to)
{
    size_t at = from + 2;
    value v;
    if (from + 6 != to || !token_is_symbol(&r->t[from + 1], "(") ||
        !(token_is_word(&r->t[from], "prefix") || token_is_word(&r->t[from], "starts_with")))
        return false;
    const iceberg_field *f = read_column(r, &at, to);
    if (!f || f->type->kind != ICEBERG_STRING || !token_is_symbol(&r->t[at++], ",") ||
        !read_literal(r, f, &at, to, &v))
        return false;
    put(r, f, ICEBERG_STARTS_WITH, &v, 1);
    return true;
}

static bool is_wrapped(const reader *r, size_t from, size_t to)
{
    int depth = 0;
    if (to - from < 2 || !token_is_symbol(&r->t[from], "("))
        return false;
    for (size_t i = from; i < to; i++) {
        depth += token_is_symbol(&r->t[i], "(");
        depth -= token_is_symbol(&r->t[i], ")");
        if (depth == 0)
            return i + 1 == to;
    }
    return false;
}

/* The next `word` outside parentheses, or `to`. */
static size_t find_word(const reader *r, size_t from, size_t to, const char *word)
{
    int depth = 0;
    for (size_t i = from; i < to; i++) {
        depth += token_is_symbol(&r->t[i], "(");
        depth -= token_is_symbol(&r->t[i], ")");
        if (depth == 0 && token_is_word(&r->t[i], word))
            return i;
    }
    return to;
}

static bool read_condition(reader *r, size_t from, size_t to, int depth);

/* Alternatives that are values of one column: an IN. */
static bool read_or(reader *r, size_t from, size_t to, int depth)
{
    reader one = { .arena = r->arena, .t = r->t, .schema = r->schema };
    VEC(value) values = { 0 };
    if (find_word(r, from, to, "OR") == to)
        return false;
    for (size_t i = from, end; i < to; i = end + 1) {
        end = find_word(r, i, to, "OR");
        size_t before = one.out.count;
        if (!read_condition(&one, i, end, depth + 1) || one.out.count != before + 1)
            return false;
        const iceberg_predicate *p = &one.out.items[before];
        if (p->compare != ICEBERG_IN || !str_eq(p->column, one.out.items[0].column))
            return false;
        for (size_t k = 0; k < p->value_count; k++)
            vec_push(r->arena, &values, p->values[k]);
    }
    vec_push(
        r->arena, &r->out,
        (iceberg_predicate){ one.out.items[0].column, ICEBERG_IN, values.items, values.count });
    return true;
}

/* False: something of it is not understood; what was put holds all the same. */
static bool read_condition(reader *r, size_t from, size_t to, int depth)
{
    bool is_whole = true;
    if (depth > CONDITION_DEPTH)
        return false;
    while (is_wrapped(r, from, to)) {
        from++;
        to--;
    }
    if (read_comparison(r, from, to) || read_between(r, from, to) || read_in(r, from, to) ||
        read_null(r, from, to) || read_prefix(r, from, to) || read_or(r, from, to, depth))
        return true;
    if (find_word(r, from, to, "OR") < to || find_word(r, from, to, "AND") == to)
        return false;
    for (size_t i = from, end; i < to; i = end + 1) {
        end = find_word(r, i, to, "AND");
        is_whole &= read_condition(r, i, end, depth + 1);
    }
    return is_whole;
}

/* ---- The plan ---- */

typedef struct search {
    str function;
    size_t found;
    str condition;
} search;

static void search_plan(const json_t *node, str condition, search *s, int depth)
{
    size_t i;
    const json_t *child;
    str name = json_text_or(node, "name", STR("")), own = STR("");
    const json_t *info = json_object_get(node, "extra_info");
    if (depth > 500) {
        s->found = 2; /* not told */
        return;
    }
    if (str_eq_nocase(str_trim(name), s->function)) {
        s->found++;
        s->condition = condition;
    }
    if (str_eq(name, STR("FILTER")))
        own = json_text_or(info, "Expression", STR(""));
    json_array_foreach(json_object_get(node, "children"), i, child)
        search_plan(child, own, s, depth + 1);
}

void plan_conditions(arena *a, const json_t *plan, size_t number, const iceberg_schema *schema,
                     iceberg_predicate **ret, size_t *ret_count)
{
    search s = { .function = str_format(a, STAND_IN_NAME "%zu", number) };
    reader r = { .arena = a, .schema = schema };
    size_t i, count;
    const json_t *root;
    token *tokens;
    error ignored = { 0 };
    *ret = NULL;
    *ret_count = 0;
    json_array_foreach(plan, i, root) search_plan(root, STR(""), &s, 0);
    if (s.found != 1 || s.condition.len == 0 ||
        !lexer_run(a, STR("plan"), s.condition, &tokens, &count, &ignored))
        return;
    r.t = tokens;
    if (!read_condition(&r, 0, count - 1, 0) && r.out.count == 0)
        return;
    *ret = r.out.items;
    *ret_count = r.out.count;
}
