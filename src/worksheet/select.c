/* The parts of a SELECT. */
#include "base/vec.h"
#include "worksheet/internal.h"

bool select_is_clause_word(const token *t)
{
    static const char *const words[] = { "FROM",      "WHERE",   "GROUP", "HAVING", "ORDER",
                                         "LIMIT",     "OFFSET",  "LET",   "UNION",  "EXCEPT",
                                         "INTERSECT", "QUALIFY", "WINDOW" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (token_is_word(t, words[i]))
            return true;
    return false;
}

str select_name_of(arena *a, const token *t)
{
    return t->kind == TOKEN_QUOTED ? token_unquote(a, t) : t->text;
}

bool select_is_name(const token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

/* One item's tokens, [from, to): expression, alias, and whether it is a bare column. */
static select_item make_item(parser *p, size_t from, size_t to)
{
    const token *t = p->tokens;
    select_item item = { 0 };
    size_t end = to;
    if (to - from >= 3 && token_is_word(&t[to - 2], "AS") && select_is_name(&t[to - 1])) {
        item.name = select_name_of(p->arena, &t[to - 1]);
        end = to - 2;
    } else if (to - from >= 2 && select_is_name(&t[to - 1]) &&
               (select_is_name(&t[to - 2]) || token_is_symbol(&t[to - 2], ")") ||
                t[to - 2].kind == TOKEN_TEXT || t[to - 2].kind == TOKEN_NUMBER) &&
               !token_is_word(&t[to - 1], "END")) {
        item.name = select_name_of(p->arena, &t[to - 1]);
        end = to - 1;
    }
    item.expression = str_slice(p->text, t[from].span.from, t[end - 1].span.to);
    size_t bare = end;
    if (end - from >= 3 && token_is_symbol(&t[end - 2], "::"))
        bare = end - 2;
    /* a, t.a, c.s.t.a */
    bool is_path = bare > from && (bare - from) % 2 == 1;
    for (size_t i = from; is_path && i < bare; i++)
        is_path = (i - from) % 2 ? token_is_symbol(&t[i], ".") : select_is_name(&t[i]);
    item.is_column = is_path;
    if (is_path) {
        item.column = select_name_of(p->arena, &t[bare - 1]);
        if (item.name.len == 0)
            item.name = item.column;
    }
    return item;
}

static bool parse_items(parser *p, select_query *s)
{
    VEC(select_item) items = { 0 };
    int depth = 0;
    size_t from = p->at;
    for (;; p->at++) {
        const token *t = parser_peek(p);
        bool is_end = t->kind == TOKEN_END ||
                      (depth == 0 && (token_is_symbol(t, ";") || token_is_symbol(t, ")") ||
                                      select_is_clause_word(t)));
        if (is_end || (depth == 0 && token_is_symbol(t, ","))) {
            if (p->at == from)
                return parser_fail(p, "an expression");
            vec_push(p->arena, &items, make_item(p, from, p->at));
            from = p->at + 1;
            if (is_end)
                break;
        }
        depth += token_is_symbol(t, "(") || token_is_symbol(t, "[");
        depth -= token_is_symbol(t, ")") || token_is_symbol(t, "]");
        if (depth < 0)
            return parser_fail(p, "the end of the statement");
    }
    if (depth != 0)
        return parser_fail(p, "')'");
    s->items = items.items;
    s->item_count = items.count;
    return true;
}

/* FROM a.b.c: the one plain table. Anything else leaves `source` empty. */
static void parse_source(parser *p, select_query *s)
{
    str parts[3];
    size_t count = 0, at = p->at, from = p->tokens[at].span.from, to = from;
    while (count < 3 && select_is_name(&p->tokens[at])) {
        parts[count++] = select_name_of(p->arena, &p->tokens[at]);
        to = p->tokens[at].span.to;
        at++;
        if (!token_is_symbol(&p->tokens[at], "."))
            break;
        at++;
    }
    if (count < 2 || token_is_symbol(&p->tokens[at], "(") || token_is_symbol(&p->tokens[at], "."))
        return;
    s->source = (table_name){
        count == 3 ? parts[0] : STR(""), parts[count - 2], parts[count - 1], { from, to }
    };
    s->source_span = s->source.span;
}

/* What may stand behind a SELECT: expectations of a job, options of a view. */
static bool is_behind(const parser *p)
{
    static const char *const options[] = { "MAX_TIME_TRAVEL_DURATION", "STORAGE_CONNECTION",
                                           "STORAGE_LOCATION", "COMPUTE_CLUSTER", "COMMENT" };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (parser_is_word(p, options[i]) && token_is_symbol(&p->tokens[p->at + 1], "=") &&
            !token_is_symbol(&p->tokens[p->at - 1], ","))
            return true;
    return parser_is_word(p, "WITH") && token_is_word(&p->tokens[p->at + 1], "EXPECTATION");
}

/* TIME_FILTER() is "what is new": of which column and since when is not for the query to say. */
static bool check_time_filter(const parser *p)
{
    const token *t = &p->tokens[p->at];
    if (!token_is_word(t, "TIME_FILTER") || !token_is_symbol(t + 1, "(") ||
        t[2].kind == TOKEN_END || token_is_symbol(t + 2, ")"))
        return true;
    return fail_at(p->err, p->source_name, p->text, t[2].span.from,
                   "arguments of TIME_FILTER are not supported yet; write TIME_FILTER()");
}

bool parser_select(parser *p, bool is_nested, select_query *ret)
{
    *ret = (select_query){ 0 };
    bool is_unnest = parser_is_word(p, "UNNEST") && token_is_symbol(&p->tokens[p->at + 1], "(");
    if (is_unnest) {
        p->at += 2;
        if (parser_is_word(p, "UNNEST"))
            return parser_fail(p, "SELECT");
        TRY(parser_select(p, true, ret));
        ret->is_unnest = true;
        return parser_need_symbol(p, ")");
    }
    ret->span.from = parser_peek(p)->span.from;
    if (!parser_take_word(p, "SELECT"))
        return parser_fail(p, "SELECT");
    ret->has_aggregation = parser_take_word(p, "DISTINCT");
    parser_take_word(p, "ALL");
    TRY(parse_items(p, ret));
    if (parser_take_word(p, "FROM"))
        parse_source(p, ret);
    int depth = 0;
    for (; parser_peek(p)->kind != TOKEN_END && !(depth == 0 && parser_is_symbol(p, ";"));
         p->at++) {
        TRY(check_time_filter(p));
        depth += parser_is_symbol(p, "(");
        depth -= parser_is_symbol(p, ")");
        if (depth < 0 && is_nested)
            break;
        if (depth < 0)
            return parser_fail(p, "the end of the statement");
        if (depth == 0 && is_behind(p))
            break;
        ret->has_aggregation |=
            depth == 0 && (parser_is_word(p, "GROUP") || parser_is_word(p, "HAVING"));
        if (depth == 0 && (parser_is_word(p, "UNION") || parser_is_word(p, "EXCEPT") ||
                           parser_is_word(p, "INTERSECT")))
            ret->source.name = STR("");
    }
    if (depth > 0)
        return parser_fail(p, "')'");
    ret->span.to = p->tokens[p->at - 1].span.to;
    ret->text = str_slice(p->text, ret->span.from, ret->span.to);
    return true;
}
