/* The dialect's SELECTs and expressions in the form that DuckDB takes, token by token. */
#include "base/clock.h"
#include "base/vec.h"
#include "worksheet/internal.h"

enum {
    LET_LIMIT = 256,              /* names: each makes DuckDB's query one level deeper */
    EXPANSION_LIMIT = 256 * 1024, /* bytes that aggregates put in place of their names */
};

/* LET name = expression; [from, to) are its tokens. */
typedef struct let {
    str name;
    size_t from, to;
    bool is_aggregate;  /* after GROUP BY: stands for its text */
    bool is_being_made; /* its text is under way: meeting its name again is a circle */
    bool has_sql;
    str sql; /* of an aggregate, once it is made */
} let;

typedef struct rewriter {
    arena *arena;
    str text;
    const token *t;
    size_t count; /* TOKEN_END included */
    span source;  /* the FROM table that `source_sql` stands for; empty: none */
    str source_sql;
    str extra_item; /* put before the first FROM at depth 0 */
    int64_t start_us, end_us;
    bool is_copy; /* UUID_GENERATOR is the key of the row */
    VEC(let) lets;
    bool *is_format;                           /* tokens: a date format in Java's letters */
    size_t expanded_bytes;                     /* by aggregates so far */
    size_t let_from[8], let_to[8], let_ranges; /* token ranges that are left out */
    strbuf b;
    size_t done; /* bytes of `text` that are copied */
    error *err;
} rewriter;

static bool rewrite_part(rewriter *r, size_t from, size_t to);

/* ---- LET ---- */

static size_t next_at_depth(const rewriter *r, size_t i, bool stops_at_comma)
{
    int depth = 0;
    for (; i + 1 < r->count; i++) {
        const token *t = &r->t[i];
        if (depth == 0 && (select_is_clause_word(t) || (stops_at_comma && token_is_symbol(t, ","))))
            return i;
        depth += token_is_symbol(t, "(") || token_is_symbol(t, "[");
        depth -= token_is_symbol(t, ")") || token_is_symbol(t, "]");
    }
    return i;
}

static bool read_let(rewriter *r, size_t i, bool is_aggregate)
{
    if (r->let_ranges == ARRAY_LEN(r->let_from))
        return fail(r->err, ERR_INVALID, "more than %zu LET clauses", ARRAY_LEN(r->let_from));
    r->let_from[r->let_ranges] = i++;
    do {
        let x = { .is_aggregate = is_aggregate };
        if (!select_is_name(&r->t[i]) || !token_is_symbol(&r->t[i + 1], "="))
            return fail(r->err, ERR_INVALID, "LET takes name = expression, not " STR_FMT,
                        STR_ARG(r->t[i].text));
        x.name = select_name_of(r->arena, &r->t[i]);
        x.from = i + 2;
        x.to = next_at_depth(r, x.from, true);
        if (x.to == x.from)
            return fail(r->err, ERR_INVALID, "LET " STR_FMT " = has no expression",
                        STR_ARG(x.name));
        if (r->lets.count == LET_LIMIT)
            return fail(r->err, ERR_INVALID, "more than %d names in LET", LET_LIMIT);
        vec_push(r->arena, &r->lets, x);
        i = x.to;
    } while (token_is_symbol(&r->t[i], ",") && ++i);
    r->let_to[r->let_ranges++] = i;
    return true;
}

static bool find_lets(rewriter *r)
{
    int depth = 0;
    bool is_grouped = false;
    for (size_t i = 0; i + 2 < r->count; i++) {
        depth += token_is_symbol(&r->t[i], "(");
        depth -= token_is_symbol(&r->t[i], ")");
        is_grouped |= depth == 0 && token_is_word(&r->t[i], "GROUP");
        if (depth == 0 && token_is_word(&r->t[i], "LET") && i > 0) {
            TRY(read_let(r, i, is_grouped));
            i = r->let_to[r->let_ranges - 1] - 1;
        }
    }
    return true;
}

/* The aggregate that token `i` names. In its own expression the name is the column's. */
static let *aggregate_let(const rewriter *r, size_t i)
{
    if (!select_is_name(&r->t[i]) || (i && token_is_symbol(&r->t[i - 1], ".")))
        return NULL;
    str name = select_name_of(r->arena, &r->t[i]);
    for (size_t k = 0; k < r->lets.count; k++)
        if (r->lets.items[k].is_aggregate && str_eq_nocase(r->lets.items[k].name, name) &&
            (i < r->lets.items[k].from || i >= r->lets.items[k].to))
            return &r->lets.items[k];
    return NULL;
}

/* Text of a run of tokens, rewritten. */
static bool part_text(rewriter *r, size_t from, size_t to, str *ret)
{
    strbuf kept = r->b;
    size_t done = r->done;
    r->b = strbuf_new(r->arena);
    r->done = r->t[from].span.from;
    TRY(rewrite_part(r, from, to));
    *ret = strbuf_str(&r->b);
    r->b = kept;
    r->done = done;
    return true;
}

static bool fail_circle(rewriter *r, str name)
{
    strbuf b = strbuf_new(r->arena);
    for (size_t k = 0; k < r->lets.count; k++)
        if (r->lets.items[k].is_being_made)
            strbuf_format(&b, "%s" STR_FMT, strbuf_str(&b).len ? ", " : "",
                          STR_ARG(r->lets.items[k].name));
    return fail(r->err, ERR_INVALID,
                "LET " STR_FMT " needs itself: " STR_FMT " refer to each other in a circle",
                STR_ARG(name), STR_ARG(strbuf_str(&b)));
}

/* An aggregate's expression where its name stands. Each is made once: time does not grow with how
 * often it is named, and what all of them together may grow to is limited. */
static bool add_aggregate(rewriter *r, let *named)
{
    if (named->is_being_made)
        return fail_circle(r, named->name);
    if (!named->has_sql) {
        named->is_being_made = true;
        TRY(part_text(r, named->from, named->to, &named->sql));
        named->is_being_made = false;
        named->has_sql = true;
    }
    r->expanded_bytes += named->sql.len + 2;
    if (r->expanded_bytes > EXPANSION_LIMIT)
        return fail(r->err, ERR_INVALID,
                    "LET " STR_FMT " makes the query longer than %d bytes: its names stand for "
                    "each other too often",
                    STR_ARG(named->name), EXPANSION_LIMIT);
    strbuf_format(&r->b, "(" STR_FMT ")", STR_ARG(named->sql));
    return true;
}

/* ---- The source ---- */

static size_t skip_call(const token *t, size_t i)
{
    int depth = 0;
    for (; t[i].kind != TOKEN_END; i++) {
        depth += token_is_symbol(&t[i], "(");
        depth -= token_is_symbol(&t[i], ")");
        if (depth == 0)
            return i + 1;
    }
    return i;
}

/* [AS] alias at token `i`; the token behind, or `i` when there is none. */
static size_t skip_alias(const rewriter *r, size_t i)
{
    static const char *const others[] = { "JOIN",  "LEFT", "RIGHT", "INNER",      "FULL",
                                          "CROSS", "ON",   "USING", "NATURAL",    "WITH",
                                          "ASOF",  "ANTI", "SEMI",  "POSITIONAL", "TABLESAMPLE" };
    size_t end = i;
    if (token_is_word(&r->t[end], "AS") && select_is_name(&r->t[end + 1]))
        end++;
    if (!select_is_name(&r->t[end]) || select_is_clause_word(&r->t[end]))
        return i;
    for (size_t k = 0; k < ARRAY_LEN(others); k++)
        if (token_is_word(&r->t[end], others[k]))
            return i;
    return end + 1;
}

/* [FOR unit] AS OF expression, behind a table, as other engines write it; DuckDB's form is
 * AT (unit => expression), behind the alias. The token behind the expression; 0: something else. */
static size_t read_as_of(rewriter *r, size_t i, str *ret_at)
{
    static const struct {
        const char *word;
        bool is_time;
    } units[] = {
        { "VERSION", false },  { "SYSTEM_VERSION", false }, { "SNAPSHOT", false },
        { "TIMESTAMP", true }, { "SYSTEM_TIME", true },     { "SYSTEM_TIMESTAMP", true }
    };
    const token *t = r->t;
    size_t at = i + token_is_word(&t[i], "FOR"), end;
    bool has_unit = false, is_time = false;
    for (size_t k = 0; k < ARRAY_LEN(units) && !has_unit; k++)
        if (token_is_word(&t[at], units[k].word)) {
            has_unit = true;
            is_time = units[k].is_time;
        }
    if (at != i && !has_unit)
        return 0;
    at += has_unit;
    if (i == 0 || at + 3 >= r->count || !token_is_word(&t[at], "AS") ||
        !token_is_word(&t[at + 1], "OF") ||
        !(select_is_name(&t[i - 1]) || token_is_symbol(&t[i - 1], ")")))
        return 0;
    at += 2;
    end = at + 1;
    if (token_is_symbol(&t[at], "("))
        end = skip_call(t, at);
    else if (t[at].kind == TOKEN_WORD && has_unit && token_is_symbol(&t[at + 1], "("))
        end = skip_call(t, at + 1);
    else if (t[at].kind == TOKEN_WORD && t[at + 1].kind == TOKEN_TEXT)
        end++;
    else if (t[at].kind != TOKEN_TEXT && t[at].kind != TOKEN_NUMBER)
        return 0;
    while ((token_is_symbol(&t[end], "-") || token_is_symbol(&t[end], "+")) &&
           token_is_word(&t[end + 1], "INTERVAL") && t[end + 2].kind != TOKEN_END)
        end += t[end + 2].kind == TOKEN_NUMBER && t[end + 3].kind == TOKEN_WORD ? 4 : 3;
    *ret_at = str_format(r->arena, "AT (%s => " STR_FMT ")", is_time ? "TIMESTAMP" : "VERSION",
                         STR_ARG(str_slice(r->text, t[at].span.from, t[end - 1].span.to)));
    return end;
}

static size_t rewrite_as_of(rewriter *r, size_t i)
{
    str at;
    size_t end = read_as_of(r, i, &at);
    if (!end)
        return 0;
    size_t behind = skip_alias(r, end);
    if (behind > end)
        strbuf_format(&r->b, STR_FMT " ",
                      STR_ARG(str_slice(r->text, r->t[end].span.from, r->t[behind - 1].span.to)));
    strbuf_add(&r->b, at);
    return behind;
}

/* The FROM item that starts at token `i`: the relation, wrapped once for each LET, and its alias.
 * `*ret_next`: the first token behind. */
static bool rewrite_source(rewriter *r, size_t i, size_t *ret_next)
{
    size_t end = i;
    str relation = r->source_sql, alias = STR("source");
    if (r->source.to > r->source.from) {
        while (r->t[end].span.to < r->source.to)
            end++;
    } else {
        while (token_is_symbol(&r->t[end + 1], "."))
            end += 2;
        TRY(part_text(r, i, end + 1, &relation));
    }
    alias = select_name_of(r->arena, &r->t[end]);
    end++;
    str at;
    size_t behind = r->source.to > r->source.from ? 0 : read_as_of(r, end, &at);
    if (behind) {
        relation = str_format(r->arena, "(SELECT * FROM " STR_FMT " " STR_FMT ")",
                              STR_ARG(relation), STR_ARG(at));
        end = behind;
    }
    behind = skip_alias(r, end);
    if (behind > end)
        alias = select_name_of(r->arena, &r->t[behind - 1]);
    end = behind;
    strbuf quoted = strbuf_new(r->arena);
    strbuf_add_sql_name(&quoted, alias);
    for (size_t k = 0; k < r->lets.count; k++) {
        str expression;
        strbuf name = strbuf_new(r->arena);
        if (r->lets.items[k].is_aggregate)
            continue;
        strbuf_add_sql_name(&name, r->lets.items[k].name);
        TRY(part_text(r, r->lets.items[k].from, r->lets.items[k].to, &expression));
        relation = str_format(
            r->arena, "(SELECT *, " STR_FMT " AS " STR_FMT " FROM " STR_FMT " AS " STR_FMT ")",
            STR_ARG(expression), STR_ARG(strbuf_str(&name)), STR_ARG(relation),
            STR_ARG(strbuf_str(&quoted)));
    }
    strbuf_format(&r->b, STR_FMT " AS " STR_FMT, STR_ARG(relation), STR_ARG(strbuf_str(&quoted)));
    *ret_next = end;
    return true;
}

/* ---- Words ---- */

/* $event_time BETWEEN run_start_time() AND run_end_time(): the long form of TIME_FILTER(). */
static bool is_window(const token *t)
{
    return t[0].kind == TOKEN_WORD && t[0].text.data[0] == '$' && token_is_word(&t[1], "BETWEEN") &&
           token_is_word(&t[2], "run_start_time") && token_is_symbol(&t[3], "(") &&
           token_is_symbol(&t[4], ")") && token_is_word(&t[5], "AND") &&
           token_is_word(&t[6], "run_end_time") && token_is_symbol(&t[7], "(") &&
           token_is_symbol(&t[8], ")");
}

static void add_time(rewriter *r, int64_t us)
{
    strbuf_format(&r->b, "make_timestamp(%lld)", (long long)us);
}

static bool is_system_catalog(const token *t, size_t left)
{
    static const char *const schemas[] = { "information_schema", "monitoring", "logs" };
    if (left < 3 || !token_is_symbol(&t[1], "."))
        return false;
    if (token_is_word(t, "logs"))
        return token_is_word(&t[2], "tasks");
    if (!token_is_word(t, "system") && !token_is_word(t, "SystemTables"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        if (select_is_name(&t[2]) && token_is_word(&t[2], schemas[i]))
            return true;
    return false;
}

/* <catalog>.information_schema.tables, as Athena has it. */
static bool is_athena_schema(const token *t, size_t left)
{
    return left > 5 && select_is_name(t) && !token_is_word(t, "system") &&
           token_is_symbol(&t[1], ".") && token_is_word(&t[2], "information_schema") &&
           token_is_symbol(&t[3], ".") && token_is_word(&t[4], "tables");
}

/* name[].field → the field of each element. The tokens behind, or 0 when it is something else. */
static size_t rewrite_elements(rewriter *r, size_t i)
{
    const token *t = &r->t[i];
    if (i + 5 > r->count || !select_is_name(t) || !token_is_symbol(&t[1], "[") ||
        !token_is_symbol(&t[2], "]") || !token_is_symbol(&t[3], ".") || !select_is_name(&t[4]))
        return 0;
    strbuf_format(&r->b, "list_transform(" STR_FMT ", lambda x_: x_." STR_FMT ")", STR_ARG(t->text),
                  STR_ARG(t[4].text));
    return i + 5;
}

/* PARSE_DATETIME(x, 'yyyy-MM-dd') → strptime(x, '%Y-%m-%d'): the format is the call's last word. */
static bool rewrite_date_call(rewriter *r, size_t i)
{
    static const struct {
        const char *name, *ours;
    } calls[] = { { "PARSE_DATETIME", "strptime" },
                  { "PARSE_DATE", "strptime" },
                  { "FORMAT_DATETIME", "strftime" },
                  { "DATE_FORMAT", "strftime" } };
    for (size_t k = 0; k < ARRAY_LEN(calls); k++) {
        if (!token_is_word(&r->t[i], calls[k].name))
            continue;
        size_t last = skip_call(r->t, i + 1) - 2;
        if (r->t[last].kind == TOKEN_TEXT)
            r->is_format[last] = true;
        strbuf_add_c(&r->b, calls[k].ours);
        return true;
    }
    return false;
}

static void add_format(rewriter *r, str java)
{
    static const struct {
        const char *java, *ours;
    } parts[] = { { "yyyy", "%Y" }, { "SSS", "%g" }, { "yy", "%y" }, { "MM", "%m" },
                  { "dd", "%d" },   { "HH", "%H" },  { "mm", "%M" }, { "ss", "%S" } };
    strbuf b = strbuf_new(r->arena);
    for (size_t i = 0; i < java.len;) {
        size_t k = 0;
        while (k < ARRAY_LEN(parts) &&
               !str_starts_with(str_slice(java, i, java.len), str_of(parts[k].java)))
            k++;
        if (k < ARRAY_LEN(parts)) {
            strbuf_add_c(&b, parts[k].ours);
            i += strlen(parts[k].java);
        } else {
            if (java.data[i] != '\'')
                strbuf_add_char(&b, java.data[i]);
            i++;
        }
    }
    strbuf_add_sql_text(&r->b, strbuf_str(&b));
}

/* A call that DuckDB knows otherwise; the token behind it, or 0. */
static size_t rewrite_call(rewriter *r, size_t i)
{
    const token *t = &r->t[i];
    if (t->kind != TOKEN_WORD || !token_is_symbol(&r->t[i + 1], "("))
        return 0;
    if (token_is_word(t, "TIME_FILTER"))
        strbuf_add_c(&r->b, "TRUE");
    else if (token_is_word(t, "UUID_GENERATOR")) /* one key for each row of each object */
        strbuf_add_c(&r->b, r->is_copy ? "floe_row_key(\"_object\", \"_row\")" : "uuid()::VARCHAR");
    else if (token_is_word(t, "run_start_time"))
        add_time(r, r->start_us);
    else if (token_is_word(t, "run_end_time"))
        add_time(r, r->end_us);
    else
        return 0;
    return skip_call(r->t, i + 1);
}

/* One token, or several; the token behind. */
static bool rewrite_token(rewriter *r, size_t i, int depth, size_t *ret_next)
{
    const token *t = &r->t[i];
    let *named = aggregate_let(r, i);
    size_t next = 0;
    *ret_next = i + 1;
    if (r->extra_item.len && depth == 0 && token_is_word(t, "FROM")) {
        strbuf_format(&r->b, ", " STR_FMT " FROM", STR_ARG(r->extra_item));
        r->extra_item = STR("");
    } else if (named) {
        TRY(add_aggregate(r, named));
    } else if (r->count - i > 9 && is_window(t)) {
        strbuf_add_c(&r->b, "TRUE");
        *ret_next = i + 9;
    } else if (r->is_format[i]) {
        add_format(r, token_unquote(r->arena, t));
    } else if (t->kind == TOKEN_WORD && token_is_symbol(&r->t[i + 1], "(") &&
               rewrite_date_call(r, i)) {
        ;
    } else if ((next = rewrite_call(r, i)) || (next = rewrite_elements(r, i)) ||
               (next = rewrite_as_of(r, i))) {
        *ret_next = next;
    } else if (is_athena_schema(t, r->count - i) && !(i && token_is_symbol(&r->t[i - 1], "."))) {
        strbuf_add_c(&r->b, "floe_system.athena");
        *ret_next = i + 3;
    } else if (is_system_catalog(t, r->count - i) && !(i && token_is_symbol(&r->t[i - 1], "."))) {
        bool is_information = token_is_word(&t[2], "information_schema");
        strbuf_add_c(&r->b, token_is_word(t, "logs") ? "floe_logs"
                            : is_information         ? "floe_system.information_schema_"
                                                     : "floe_system");
        *ret_next = is_information ? i + 3 : i + 1;
    } else if (t->kind == TOKEN_WORD && t->text.data[0] == '$') {
        strbuf_add_sql_name(&r->b, t->text);
    } else {
        strbuf_add(&r->b, t->text);
    }
    return true;
}

static bool is_left_out(const rewriter *r, size_t i, size_t *ret_next)
{
    for (size_t k = 0; k < r->let_ranges; k++)
        if (i == r->let_from[k]) {
            *ret_next = r->let_to[k];
            return true;
        }
    return false;
}

static bool starts_source(const rewriter *r, size_t i, int depth)
{
    if (r->source.to > r->source.from)
        return r->source_sql.len && r->t[i].span.from == r->source.from;
    bool has_plain_let = false;
    for (size_t k = 0; k < r->lets.count; k++)
        has_plain_let |= !r->lets.items[k].is_aggregate;
    return has_plain_let && depth == 0 && i && token_is_word(&r->t[i - 1], "FROM") &&
           select_is_name(&r->t[i]);
}

static bool rewrite_part(rewriter *r, size_t from, size_t to)
{
    int depth = 0;
    for (size_t i = from, next; i < to; i = next) {
        strbuf_add(&r->b, str_slice(r->text, r->done, r->t[i].span.from));
        depth += token_is_symbol(&r->t[i], "(");
        depth -= token_is_symbol(&r->t[i], ")");
        if (from == 0 && is_left_out(r, i, &next))
            ;
        else if (from == 0 && starts_source(r, i, depth))
            TRY(rewrite_source(r, i, &next));
        else
            TRY(rewrite_token(r, i, depth, &next));
        r->done = r->t[next - 1].span.to;
    }
    return true;
}

static bool rewrite(rewriter *r, str *ret)
{
    token *t;
    TRY(lexer_run(r->arena, STR("query"), r->text, &t, &r->count, r->err));
    r->t = t;
    r->is_format = arena_array_of(r->arena, bool, r->count);
    r->b = strbuf_new(r->arena);
    TRY(find_lets(r));
    TRY(rewrite_part(r, 0, r->count - 1));
    *ret = strbuf_str(&r->b);
    return true;
}

bool select_to_sql(arena *a, str worksheet_text, const select_query *s, str source_sql,
                   str extra_item, int64_t run_start_us, int64_t run_end_us, str *ret_sql,
                   error *err)
{
    rewriter r = { .arena = a,
                   .text = str_slice(worksheet_text, s->span.from, s->span.to),
                   .source = { s->source_span.from - s->span.from,
                               s->source_span.to - s->span.from },
                   .source_sql = source_sql,
                   .extra_item = extra_item,
                   .start_us = run_start_us,
                   .end_us = run_end_us,
                   .err = err };
    return rewrite(&r, ret_sql);
}

bool query_to_sql(arena *a, str query, str *ret_sql, error *err)
{
    int64_t now = clock_wall_us();
    rewriter r = { .arena = a, .text = query, .start_us = 0, .end_us = now, .err = err };
    return rewrite(&r, ret_sql);
}

str expression_to_sql(arena *a, str expression)
{
    error ignored = { 0 };
    str sql;
    rewriter r = { .arena = a, .text = expression, .is_copy = true, .err = &ignored };
    return rewrite(&r, &sql) ? sql : expression;
}

size_t select_lets(arena *a, str query, const select_let **ret)
{
    error ignored = { 0 };
    str sql;
    VEC(select_let) found = { 0 };
    rewriter r = { .arena = a, .text = query, .err = &ignored };
    bool works = rewrite(&r, &sql);
    for (size_t i = 0; works && i < r.lets.count; i++) {
        const let *x = &r.lets.items[i];
        vec_push(a, &found,
                 (select_let){ x->name,
                               str_slice(query, r.t[x->from].span.from, r.t[x->to - 1].span.to) });
    }
    *ret = found.items;
    return found.count;
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
        if (select_is_name(&t[i]) && str_eq_nocase(select_name_of(scratch, &t[i]), column))
            return true;
    return false;
}

/* ---- ALTER: another text of the same statement ---- */

static str splice(arena *a, str text, span at, str insert)
{
    return str_format(a, STR_FMT STR_FMT STR_FMT, STR_ARG(str_slice(text, 0, at.from)),
                      STR_ARG(insert), STR_ARG(str_slice(text, at.to, text.len)));
}

str statement_with_option(arena *a, str text, const statement *s, str name, str value)
{
    str pair =
        value.len ? str_format(a, STR_FMT " = " STR_FMT, STR_ARG(name), STR_ARG(value)) : STR("");
    for (size_t i = 0; i < s->options.count; i++)
        if (str_eq(s->options.items[i].name, name))
            return splice(a, text, s->options.items[i].span, pair);
    size_t end = s->options_end.to ? s->options_end.to : s->span.to;
    return splice(a, text, (span){ end, end }, str_format(a, "\n  " STR_FMT, STR_ARG(pair)));
}

str statement_with_expectation(arena *a, str text, const statement *s, const expectation *added,
                               str dropped)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i <= s->expectation_count; i++) {
        const expectation *e = i < s->expectation_count ? &s->expectations[i] : added;
        if (!e || (dropped.len && str_eq_nocase(e->name, dropped)))
            continue;
        strbuf_add_c(&b, "\n  WITH EXPECTATION ");
        strbuf_add_sql_name(&b, e->name);
        strbuf_format(&b, " EXPECT " STR_FMT " ON VIOLATION %s", STR_ARG(e->predicate),
                      e->drops ? "DROP" : "WARN");
    }
    return splice(a, text, s->expectations_span, strbuf_str(&b));
}
