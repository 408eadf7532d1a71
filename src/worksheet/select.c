/* The parts of a SELECT, and its form for DuckDB. */
#include "base/clock.h"
#include "base/vec.h"
#include "worksheet/internal.h"

static bool is_clause_word(const token *t)
{
    static const char *const words[] = { "FROM",      "WHERE",   "GROUP", "HAVING", "ORDER",
                                         "LIMIT",     "OFFSET",  "LET",   "UNION",  "EXCEPT",
                                         "INTERSECT", "QUALIFY", "WINDOW" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (token_is_word(t, words[i]))
            return true;
    return false;
}

static str name_of(arena *a, const token *t)
{
    return t->kind == TOKEN_QUOTED ? token_unquote(a, t) : t->text;
}

static bool is_name(const token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

/* One item's tokens, [from, to): expression, alias, and whether it is a bare column. */
static select_item make_item(parser *p, size_t from, size_t to)
{
    const token *t = p->tokens;
    select_item item = { 0 };
    size_t end = to;
    if (to - from >= 3 && token_is_word(&t[to - 2], "AS") && is_name(&t[to - 1])) {
        item.name = name_of(p->arena, &t[to - 1]);
        end = to - 2;
    } else if (to - from >= 2 && is_name(&t[to - 1]) &&
               (is_name(&t[to - 2]) || token_is_symbol(&t[to - 2], ")") ||
                t[to - 2].kind == TOKEN_TEXT || t[to - 2].kind == TOKEN_NUMBER) &&
               !token_is_word(&t[to - 1], "END")) {
        item.name = name_of(p->arena, &t[to - 1]);
        end = to - 1;
    }
    item.expression = str_slice(p->text, t[from].span.from, t[end - 1].span.to);
    size_t bare = end;
    if (end - from >= 3 && token_is_symbol(&t[end - 2], "::"))
        bare = end - 2;
    /* a, t.a, c.s.t.a */
    bool is_path = bare > from && (bare - from) % 2 == 1;
    for (size_t i = from; is_path && i < bare; i++)
        is_path = (i - from) % 2 ? token_is_symbol(&t[i], ".") : is_name(&t[i]);
    item.is_column = is_path;
    if (is_path) {
        item.column = name_of(p->arena, &t[bare - 1]);
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
        bool is_end =
            t->kind == TOKEN_END || (depth == 0 && (token_is_symbol(t, ";") || is_clause_word(t)));
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
    while (count < 3 && is_name(&p->tokens[at])) {
        parts[count++] = name_of(p->arena, &p->tokens[at]);
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

bool parser_select(parser *p, select_query *ret)
{
    *ret = (select_query){ .span = { parser_peek(p)->span.from, 0 } };
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
        depth += parser_is_symbol(p, "(");
        depth -= parser_is_symbol(p, ")");
        if (depth < 0)
            return parser_fail(p, "the end of the statement");
        ret->has_aggregation |=
            depth == 0 && (parser_is_word(p, "GROUP") || parser_is_word(p, "HAVING"));
        if (depth == 0 && (parser_is_word(p, "JOIN") || parser_is_word(p, "UNION")))
            ret->source.name = STR("");
    }
    if (depth != 0)
        return parser_fail(p, "')'");
    ret->span.to = p->tokens[p->at - 1].span.to;
    ret->text = str_slice(p->text, ret->span.from, ret->span.to);
    return true;
}

/* ---- For DuckDB ---- */

static void add_time(strbuf *b, int64_t us)
{
    strbuf_format(b, "make_timestamp(%lld)", (long long)us);
}

static size_t skip_call(const token *t, size_t i)
{
    int depth = 0;
    for (; t[i].kind != TOKEN_END; i++) {
        depth += token_is_symbol(&t[i], "(");
        depth -= token_is_symbol(&t[i], ")");
        if (depth == 0)
            return i;
    }
    return i - 1;
}

/* Copy the tokens of `text` with the dialect's words replaced. `source` is replaced by `source_sql`
 * when that is not empty; `extra_item` goes before the first FROM at depth 0. */
static bool rewrite(arena *a, str text, span source, str source_sql, str extra_item,
                    int64_t start_us, int64_t end_us, str *ret, error *err)
{
    token *t;
    size_t count, done = 0;
    int depth = 0;
    bool has_extra = extra_item.len > 0;
    strbuf b = strbuf_new(a);
    TRY(lexer_run(a, STR(""), text, &t, &count, err));
    for (size_t i = 0; i + 1 < count; i++) {
        strbuf_add(&b, str_slice(text, done, t[i].span.from));
        done = t[i].span.to;
        depth += token_is_symbol(&t[i], "(");
        depth -= token_is_symbol(&t[i], ")");
        bool is_call = t[i].kind == TOKEN_WORD && token_is_symbol(&t[i + 1], "(");
        if (has_extra && depth == 0 && token_is_word(&t[i], "FROM")) {
            strbuf_format(&b, ", " STR_FMT " FROM", STR_ARG(extra_item));
            has_extra = false;
        } else if (source_sql.len && t[i].span.from == source.from && source.to > source.from) {
            while (t[i].span.to < source.to)
                i++;
            done = t[i].span.to;
            strbuf_add(&b, source_sql);
            bool has_alias = is_name(&t[i + 1]) &&
                             (token_is_word(&t[i + 1], "AS") || !is_clause_word(&t[i + 1]));
            strbuf_add_c(&b, has_alias ? " " : " AS \"source\"");
        } else if (is_call && token_is_word(&t[i], "TIME_FILTER")) {
            i = skip_call(t, i + 1);
            done = t[i].span.to;
            strbuf_add_c(&b, "TRUE");
        } else if (is_call &&
                   token_is_word(&t[i],
                                 "UUID_GENERATOR")) { /* one key for each row of each object */
            i = skip_call(t, i + 1);
            done = t[i].span.to;
            strbuf_add_c(&b, "floe_row_key(\"_object\", \"_row\")");
        } else if (is_call && (token_is_word(&t[i], "run_start_time") ||
                               token_is_word(&t[i], "run_end_time"))) {
            add_time(&b, token_is_word(&t[i], "run_start_time") ? start_us : end_us);
            i = skip_call(t, i + 1);
            done = t[i].span.to;
        } else if (t[i].kind == TOKEN_WORD && t[i].text.data[0] == '$') {
            strbuf_add_sql_name(&b, t[i].text);
        } else {
            strbuf_add(&b, t[i].text);
        }
    }
    *ret = strbuf_str(&b);
    return true;
}

bool select_to_sql(arena *a, str worksheet_text, const select_query *s, str source_sql,
                   str extra_item, int64_t run_start_us, int64_t run_end_us, str *ret_sql,
                   error *err)
{
    str text = str_slice(worksheet_text, s->span.from, s->span.to);
    span source = { s->source_span.from - s->span.from, s->source_span.to - s->span.from };
    return rewrite(a, text, source, source_sql, extra_item, run_start_us, run_end_us, ret_sql, err);
}

str expression_to_sql(arena *a, str expression)
{
    error ignored = { 0 };
    str sql;
    return rewrite(a, expression, (span){ 0, 0 }, STR(""), STR(""), 0, 0, &sql, &ignored)
               ? sql
               : expression;
}

bool expression_mentions(str expression, str column)
{
    AUTO(arena_free) arena *scratch = arena_new();
    error ignored = { 0 };
    token *t;
    size_t count;
    if (!lexer_run(scratch, STR(""), expression, &t, &count, &ignored))
        return false;
    for (size_t i = 0; i + 1 < count; i++)
        if (is_name(&t[i]) && str_eq_nocase(name_of(scratch, &t[i]), column))
            return true;
    return false;
}
