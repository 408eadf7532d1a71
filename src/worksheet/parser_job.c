/* The statements that make and alter jobs. */
#include "base/vec.h"
#include "worksheet/internal.h"

/* name EXPECT predicate ON VIOLATION DROP|WARN */
bool parser_expectation(parser *p, expectation *ret)
{
    *ret = (expectation){ 0 };
    TRY(parser_name(p, "the expectation's name", &ret->name));
    TRY(parser_need_word(p, "EXPECT"));
    size_t from = p->at;
    int depth = 0;
    for (; !(depth == 0 && parser_is_word(p, "ON")); p->at++) {
        if (parser_peek(p)->kind == TOKEN_END || parser_is_symbol(p, ";"))
            return parser_fail(p, "ON VIOLATION");
        depth += parser_is_symbol(p, "(");
        depth -= parser_is_symbol(p, ")");
    }
    if (p->at == from)
        return parser_fail(p, "a predicate");
    ret->predicate = str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
    p->at++;
    TRY(parser_need_word(p, "VIOLATION"));
    ret->drops = parser_take_word(p, "DROP");
    return ret->drops ? true : parser_need_word(p, "WARN");
}

static bool parse_expectations(parser *p, statement *s)
{
    VEC(expectation) items = { 0 };
    size_t from = p->tokens[p->at - 1].span.to;
    while (parser_take_word(p, "WITH")) {
        expectation e;
        size_t at = parser_peek(p)->span.from;
        TRY(parser_need_word(p, "EXPECTATION"));
        TRY(parser_expectation(p, &e));
        for (size_t i = 0; i < items.count; i++)
            if (str_eq_nocase(items.items[i].name, e.name))
                return fail_at(p->err, p->source_name, p->text, at,
                               "expectation " STR_FMT " stands there twice", STR_ARG(e.name));
        vec_push(p->arena, &items, e);
    }
    s->expectations = items.items;
    s->expectation_count = items.count;
    s->expectations_span = (span){ from, p->tokens[p->at - 1].span.to };
    return true;
}

static bool check_start(parser *p, const statement *s)
{
    const option *start = option_find(s->options, "START_FROM");
    bool is_word = start && start->kind == OPTION_WORD;
    if (is_word && !str_eq_nocase(start->text, STR("BEGINNING")) &&
        !str_eq_nocase(start->text, STR("NOW")))
        return fail_at(p->err, p->source_name, p->text, start->span.from,
                       "START_FROM is BEGINNING, NOW or TIMESTAMP '…', not " STR_FMT,
                       STR_ARG(start->text));
    if (s->kind == STATEMENT_CREATE_COPY_JOB && start &&
        !(is_word && str_eq_nocase(start->text, STR("BEGINNING"))) &&
        !option_find(s->options, "DATE_PATTERN"))
        return fail_at(p->err, p->source_name, p->text, start->span.from,
                       "START_FROM needs a DATE_PATTERN, which says when an object is from");
    const option *interval = option_find(s->options, "RUN_INTERVAL");
    if (!interval)
        interval = option_find(s->options, "COMMIT_INTERVAL");
    if (interval && 86400000000ll % interval->us != 0)
        return fail_at(p->err, p->source_name, p->text, interval->span.from,
                       STR_FMT " must divide a day", STR_ARG(interval->name));
    return true;
}

/* AS COPY FROM <type> <connection> [source options] INTO <table> [WITH EXPECTATION …] */
static bool parse_copy(parser *p, statement *s)
{
    s->kind = STATEMENT_CREATE_COPY_JOB;
    TRY(parser_need_word(p, "FROM"));
    TRY(parser_connection_type(p, &s->type));
    s->connection_span = parser_peek(p)->span;
    TRY(parser_name(p, "the connection's name", &s->connection));
    TRY(parser_options(p, SCOPE_SOURCE, s->type, (const char *const[]){ "INTO", NULL },
                       &s->source_options));
    TRY(parser_need_word(p, "INTO"));
    TRY(parser_target(p, &s->table));
    TRY(parse_expectations(p, s));
    if (parser_peek(p)->kind == TOKEN_WORD && token_is_symbol(&p->tokens[p->at + 1], "="))
        return fail_at(p->err, p->source_name, p->text, parser_peek(p)->span.from,
                       "job options stand before AS: CREATE JOB name " STR_FMT
                       " = … AS COPY FROM …",
                       STR_ARG(parser_peek(p)->text));
    return check_start(p, s);
}

/* The names that a job's SELECT gives its columns must be told. */
static bool check_items(parser *p, const statement *s, size_t select_from)
{
    if (s->query.source.name.len == 0)
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "a job's SELECT reads a table: FROM catalog.schema.table");
    for (size_t i = 0; i < s->query.item_count; i++)
        if (s->query.items[i].name.len == 0 && s->maps_by_name &&
            !str_eq(s->query.items[i].expression, STR("*")) &&
            !str_ends_with(s->query.items[i].expression, STR(".*")))
            return fail_at(p->err, p->source_name, p->text,
                           (size_t)(s->query.items[i].expression.data - p->text.data),
                           "MAP_COLUMNS_BY_NAME needs a name for this: expression AS column");
    if (!s->maps_by_name && s->query.item_count && str_eq(s->query.items[0].expression, STR("*")))
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "SELECT * needs MAP_COLUMNS_BY_NAME before it");
    if (s->target_column_count && s->query.item_count != s->target_column_count)
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "the target's list has %zu columns, the SELECT %zu", s->target_column_count,
                       s->query.item_count);
    return true;
}

/* AS INSERT INTO <table> [(columns)] [MAP_COLUMNS_BY_NAME [EXCEPT …]] SELECT … */
static bool parse_insert(parser *p, statement *s)
{
    s->kind = STATEMENT_CREATE_INSERT_JOB;
    TRY(parser_need_word(p, "INTO"));
    TRY(parser_target(p, &s->table));
    if (parser_is_symbol(p, "("))
        TRY(parser_names(p, "a column", &s->target_columns, &s->target_column_count));
    s->maps_by_name = parser_take_word(p, "MAP_COLUMNS_BY_NAME");
    if (s->maps_by_name && s->target_column_count)
        return fail_at(p->err, p->source_name, p->text, p->tokens[p->at - 1].span.from,
                       "a list of columns and MAP_COLUMNS_BY_NAME exclude each other");
    if (s->maps_by_name && parser_take_word(p, "EXCEPT"))
        TRY(parser_names(p, "a column", &s->except, &s->except_count));
    size_t select_from = parser_peek(p)->span.from;
    TRY(parser_select(p, false, &s->query));
    TRY(check_items(p, s, select_from));
    TRY(parse_expectations(p, s));
    return check_start(p, s);
}

/* a.x = b.y [AND …], in parentheses or not; the AND may be missing (a bug of dbt's adapter). */
static bool parse_merge_on(parser *p, merge_clause *m)
{
    VEC(str) targets = { 0 }, sources = { 0 };
    bool has_parens = parser_take_symbol(p, "(");
    do {
        str names[2], aliases[2];
        for (int i = 0; i < 2; i++) {
            aliases[i] = STR("");
            TRY(parser_name(p, "a column of ON", &names[i]));
            while (parser_take_symbol(p, ".")) {
                aliases[i] = names[i];
                TRY(parser_name(p, "a column of ON", &names[i]));
            }
            if (i == 0)
                TRY(parser_need_symbol(p, "="));
        }
        bool is_swapped = aliases[0].len && str_eq_nocase(aliases[0], m->source_alias);
        vec_push(p->arena, &targets, names[is_swapped]);
        vec_push(p->arena, &sources, names[!is_swapped]);
        parser_take_word(p, "AND");
    } while (!parser_is_symbol(p, ")") && !parser_is_word(p, "WHEN") &&
             parser_peek(p)->kind != TOKEN_END);
    if (has_parens)
        TRY(parser_need_symbol(p, ")"));
    m->target_keys = targets.items;
    m->source_keys = sources.items;
    m->key_count = targets.count;
    return true;
}

static bool parse_merge_insert(parser *p, statement *s)
{
    TRY(parser_need_word(p, "THEN"));
    TRY(parser_need_word(p, "INSERT"));
    s->maps_by_name = parser_take_word(p, "MAP_COLUMNS_BY_NAME");
    if (s->maps_by_name)
        return parser_take_word(p, "EXCEPT")
                   ? parser_names(p, "a column", &s->except, &s->except_count)
                   : true;
    if (!parser_is_symbol(p, "("))
        return parser_fail(p, "MAP_COLUMNS_BY_NAME or (columns) VALUES (values)");
    TRY(parser_names(p, "a column", &s->target_columns, &s->target_column_count));
    TRY(parser_need_word(p, "VALUES"));
    size_t at = parser_peek(p)->span.from;
    TRY(parser_names(p, "a column of the source", &s->merge.values, &s->merge.value_count));
    if (s->merge.value_count != s->target_column_count)
        return fail_at(p->err, p->source_name, p->text, at, "%zu columns, but %zu values",
                       s->target_column_count, s->merge.value_count);
    return true;
}

/* WHEN MATCHED AND c THEN DELETE · WHEN MATCHED THEN REPLACE · WHEN NOT MATCHED THEN INSERT … */
static bool parse_merge_whens(parser *p, statement *s)
{
    bool has_replace = false, has_insert = false;
    while (parser_take_word(p, "WHEN")) {
        if (parser_take_word(p, "NOT")) {
            TRY(parser_need_word(p, "MATCHED"));
            TRY(parse_merge_insert(p, s));
            has_insert = true;
            continue;
        }
        TRY(parser_need_word(p, "MATCHED"));
        if (parser_take_word(p, "AND")) {
            size_t from = p->at;
            while (!parser_is_word(p, "THEN")) {
                if (parser_peek(p)->kind == TOKEN_END || parser_is_symbol(p, ";"))
                    return parser_fail(p, "THEN DELETE");
                p->at++;
            }
            if (p->at == from)
                return parser_fail(p, "a condition");
            s->merge.delete_condition =
                str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
            p->at++;
            TRY(parser_need_word(p, "DELETE"));
            continue;
        }
        TRY(parser_need_word(p, "THEN"));
        TRY(parser_need_word(p, "REPLACE"));
        has_replace = true;
    }
    if (!has_replace)
        return parser_fail(p, "WHEN MATCHED THEN REPLACE");
    return has_insert ? true : parser_fail(p, "WHEN NOT MATCHED THEN INSERT");
}

static bool take_alias(parser *p, const char *stop, str *ret)
{
    bool has_as = parser_take_word(p, "AS");
    *ret = STR("");
    if (has_as || (parser_peek(p)->kind == TOKEN_WORD && !parser_is_word(p, stop) &&
                   !parser_is_word(p, "WHEN")))
        return parser_name(p, "an alias", ret);
    return true;
}

/* AS MERGE INTO <target> [[AS] a] USING (SELECT …) [[AS] b] [ON …] WHEN … */
static bool parse_merge(parser *p, statement *s)
{
    str ignored;
    s->kind = STATEMENT_CREATE_INSERT_JOB;
    s->merge.is_given = true;
    TRY(parser_need_word(p, "INTO"));
    TRY(parser_target(p, &s->table));
    TRY(take_alias(p, "USING", &ignored));
    TRY(parser_need_word(p, "USING"));
    TRY(parser_need_symbol(p, "("));
    size_t select_from = parser_peek(p)->span.from;
    TRY(parser_select(p, true, &s->query));
    TRY(parser_need_symbol(p, ")"));
    TRY(take_alias(p, "ON", &s->merge.source_alias));
    if (parser_take_word(p, "ON"))
        TRY(parse_merge_on(p, &s->merge));
    TRY(parse_merge_whens(p, s));
    if (s->maps_by_name)
        TRY(check_items(p, s, select_from));
    else if (s->query.source.name.len == 0)
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "a job's SELECT reads a table: FROM catalog.schema.table");
    TRY(parse_expectations(p, s));
    return check_start(p, s);
}

/* CREATE [SYNC] JOB <name> [options] AS … */
bool parser_create_job(parser *p, statement *s)
{
    s->is_sync = parser_take_word(p, "SYNC");
    TRY(parser_need_word(p, "JOB"));
    if (parser_take_word(p, "IF")) {
        TRY(parser_need_word(p, "NOT"));
        TRY(parser_need_word(p, "EXISTS"));
        s->if_exists = true;
    }
    s->name_span = parser_peek(p)->span;
    TRY(parser_name(p, "the job's name", &s->name));
    /* COPY and INSERT jobs take different options: look ahead for which it is */
    bool is_copy = false;
    for (size_t i = p->at; p->tokens[i].kind != TOKEN_END && !token_is_symbol(&p->tokens[i], ";");
         i++)
        if (token_is_word(&p->tokens[i], "AS") && token_is_word(&p->tokens[i + 1], "COPY")) {
            is_copy = true;
            break;
        }
    TRY(parser_options(p, is_copy ? SCOPE_COPY_JOB : SCOPE_INSERT_JOB, STR(""),
                       (const char *const[]){ "AS", NULL }, &s->options));
    size_t end = p->tokens[p->at - 1].span.to;
    s->options_end = (span){ end, end };
    TRY(parser_need_word(p, "AS"));
    if (parser_take_word(p, "COPY"))
        return parse_copy(p, s);
    if (parser_take_word(p, "INSERT"))
        return parse_insert(p, s);
    if (parser_take_word(p, "MERGE"))
        return parse_merge(p, s);
    return parser_fail(p, "COPY FROM, INSERT INTO or MERGE INTO");
}

/* ALTER JOB j SET o = v … | ADD EXPECTATION … | DROP EXPECTATION n | PAUSE [WRITE] | RESUME [WRITE]
 */
bool parser_alter_job(parser *p, statement *s)
{
    s->kind = STATEMENT_ALTER_JOB;
    p->at++;
    s->name_span = parser_peek(p)->span;
    TRY(parser_name(p, "the job's name", &s->name));
    bool pauses = parser_take_word(p, "PAUSE");
    if (pauses || parser_take_word(p, "RESUME")) {
        s->kind = pauses ? STATEMENT_PAUSE_JOB : STATEMENT_RESUME_JOB;
        parser_take_word(p, "WRITE");
        return true;
    }
    if (parser_take_word(p, "ADD")) {
        expectation e;
        TRY(parser_need_word(p, "EXPECTATION"));
        TRY(parser_expectation(p, &e));
        s->expectations = arena_copy(p->arena, &e, sizeof e);
        s->expectation_count = 1;
        return true;
    }
    if (parser_take_word(p, "DROP")) {
        TRY(parser_need_word(p, "EXPECTATION"));
        return parser_name(p, "the expectation's name", &s->dropped_expectation);
    }
    if (!parser_is_word(p, "SET"))
        return parser_fail(p, "SET, ADD EXPECTATION, DROP EXPECTATION, PAUSE or RESUME");
    return parser_alterations(p, SCOPE_COPY_JOB, &s->options);
}
