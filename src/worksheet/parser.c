/* Recursive descent over a worksheet's statements. */
#include <stdio.h>

#include "base/vec.h"
#include "worksheet/internal.h"

bool parser_take_word(parser *p, const char *word)
{
    bool is_there = parser_is_word(p, word);
    p->at += is_there;
    return is_there;
}

bool parser_take_symbol(parser *p, const char *symbol)
{
    bool is_there = parser_is_symbol(p, symbol);
    p->at += is_there;
    return is_there;
}

bool parser_fail(parser *p, const char *expected)
{
    const token *t = parser_peek(p);
    if (t->kind == TOKEN_END)
        return fail_at(p->err, p->source_name, p->text, t->span.from,
                       "expected %s, but the worksheet ends here", expected);
    return fail_at(p->err, p->source_name, p->text, t->span.from, "expected %s, found " STR_FMT,
                   expected, STR_ARG(str_slice(t->text, 0, 60)));
}

bool parser_need_word(parser *p, const char *word)
{
    return parser_take_word(p, word) ? true : parser_fail(p, word);
}

bool parser_need_symbol(parser *p, const char *symbol)
{
    char expected[8] = { '\'', symbol[0], symbol[1] ? symbol[1] : '\'', symbol[1] ? '\'' : 0 };
    return parser_take_symbol(p, symbol) ? true : parser_fail(p, expected);
}

bool parser_name(parser *p, const char *what, str *ret)
{
    const token *t = parser_peek(p);
    if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED && t->kind != TOKEN_TEXT)
        return parser_fail(p, what);
    *ret = t->kind == TOKEN_WORD ? t->text : token_unquote(p->arena, t);
    if (ret->len == 0)
        return parser_fail(p, what);
    p->at++;
    return true;
}

bool parser_expression(parser *p, str *ret)
{
    size_t from = p->at;
    int depth = 0;
    for (;; p->at++) {
        const token *t = parser_peek(p);
        if (t->kind == TOKEN_END || token_is_symbol(t, ";"))
            return parser_fail(p, depth ? "')'" : "',' or ')'");
        if (depth == 0 && (token_is_symbol(t, ",") || token_is_symbol(t, ")")))
            break;
        depth += token_is_symbol(t, "(");
        depth -= token_is_symbol(t, ")");
    }
    if (p->at == from)
        return parser_fail(p, "an expression");
    *ret = str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
    return true;
}

/* catalog.schema.table or schema.table */
static bool parse_table_name(parser *p, table_name *ret)
{
    str parts[3];
    size_t count = 0, from = parser_peek(p)->span.from;
    do {
        if (count == 3)
            return parser_fail(p, "a table as catalog.schema.table");
        TRY(parser_name(p, "a table as catalog.schema.table", &parts[count++]));
    } while (parser_take_symbol(p, "."));
    if (count < 2)
        return fail_at(p->err, p->source_name, p->text, from,
                       "a table is named catalog.schema.table; '" STR_FMT "' has no schema",
                       STR_ARG(parts[0]));
    *ret = (table_name){ count == 3 ? parts[0] : STR(""),
                         parts[count - 2],
                         parts[count - 1],
                         { from, p->tokens[p->at - 1].span.to } };
    return true;
}

static bool parse_names(parser *p, const char *what, const str **ret, size_t *ret_count)
{
    VEC(str) names = { 0 };
    bool has_parens = parser_take_symbol(p, "(");
    do {
        str name;
        TRY(parser_name(p, what, &name));
        while (parser_take_symbol(p, ".")) /* qualified: the last part counts */
            TRY(parser_name(p, what, &name));
        vec_push(p->arena, &names, name);
    } while (parser_take_symbol(p, ","));
    if (has_parens)
        TRY(parser_need_symbol(p, ")"));
    *ret = names.items;
    *ret_count = names.count;
    return true;
}

static const char *const connection_types[] = {
    "FILE",     "S3",    "GLUE_CATALOG", "KAFKA",   "KINESIS",       "SNOWFLAKE",  "REDSHIFT",
    "POSTGRES", "MYSQL", "MSSQL",        "MONGODB", "ELASTICSEARCH", "CLICKHOUSE", "ICEBERG_REST"
};

static bool parse_connection_type(parser *p, str *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(connection_types); i++)
        if (parser_take_word(p, connection_types[i])) {
            *ret = str_of(connection_types[i]);
            if (str_eq(*ret, STR("ICEBERG_REST")))
                parser_take_word(p, "CATALOG"); /* CREATE ICEBERG_REST CATALOG CONNECTION */
            return true;
        }
    return parser_fail(p, "a type of connection: FILE, S3, GLUE_CATALOG, …");
}

/* CREATE <type> CONNECTION <name> [options] | CREATE CONNECTION <type> <name> [options] */
static bool parse_create_connection(parser *p, statement *s, bool has_type)
{
    s->kind = STATEMENT_CREATE_CONNECTION;
    if (has_type)
        TRY(parse_connection_type(p, &s->type));
    TRY(parser_need_word(p, "CONNECTION"));
    if (!has_type)
        TRY(parse_connection_type(p, &s->type));
    s->name_span = parser_peek(p)->span;
    TRY(parser_name(p, "the connection's name", &s->name));
    TRY(parser_options(p, SCOPE_CONNECTION, s->type, NULL, &s->options));
    if (str_eq(s->type, STR("FILE")) && !option_find(s->options, "ROOT"))
        return fail_at(p->err, p->source_name, p->text, s->name_span.from,
                       "a FILE connection needs ROOT = 'folder'");
    if (str_eq(s->type, STR("ICEBERG_REST")) && !option_find(s->options, "URI"))
        return fail_at(p->err, p->source_name, p->text, s->name_span.from,
                       "an ICEBERG_REST connection needs URI = 'https://host/path'");
    return true;
}

static bool parse_type_text(parser *p, str *ret)
{
    size_t from = p->at;
    str ignored;
    if (parser_peek(p)->kind != TOKEN_WORD)
        return parser_fail(p, "a type: STRING, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP, DATE");
    p->at++;
    if (parser_take_symbol(p, "(")) {
        while (!parser_take_symbol(p, ")")) {
            TRY(parser_expression(p, &ignored));
            parser_take_symbol(p, ",");
        }
    }
    *ret = str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
    return true;
}

static bool parse_columns(parser *p, statement *s)
{
    VEC(column_definition) columns = { 0 };
    if (!parser_take_symbol(p, "("))
        return true;
    while (!parser_take_symbol(p, ")")) {
        column_definition c = { .span = parser_peek(p)->span };
        TRY(parser_name(p, "a column's name or ')'", &c.name));
        TRY(parse_type_text(p, &c.type));
        vec_push(p->arena, &columns, c);
        if (!parser_take_symbol(p, ",") && !parser_is_symbol(p, ")"))
            return parser_fail(p, "',' or ')'");
    }
    s->columns = columns.items;
    s->column_count = columns.count;
    return true;
}

/* PARTITIONED BY a, day(b), bucket(16, c) */
static bool parse_partitions(parser *p, statement *s)
{
    static const char *const transforms[] = { "identity", "year",   "month",   "day",
                                              "hour",     "bucket", "truncate" };
    VEC(partition_item) items = { 0 };
    bool has_parens = parser_take_symbol(p, "(");
    do {
        partition_item item = { .transform = STR("identity"), .span = parser_peek(p)->span };
        bool is_call = token_is_symbol(&p->tokens[p->at + 1], "(");
        TRY(parser_name(p, "a column", &item.column));
        if (is_call) {
            bool is_known = false;
            item.transform = str_lower(p->arena, item.column);
            if (str_ends_with(item.transform, STR("s")) && item.transform.len > 3)
                item.transform.len--;
            for (size_t i = 0; i < ARRAY_LEN(transforms); i++)
                is_known |= str_eq(item.transform, str_of(transforms[i]));
            if (!is_known)
                return fail_at(
                    p->err, p->source_name, p->text, item.span.from,
                    "expected year, month, day, hour, bucket or truncate, found " STR_FMT,
                    STR_ARG(item.column));
            p->at++;
            if (parser_peek(p)->kind == TOKEN_NUMBER &&
                str_to_i64(parser_peek(p)->text, &item.argument)) {
                p->at++;
                TRY(parser_need_symbol(p, ","));
            }
            TRY(parser_name(p, "a column", &item.column));
            TRY(parser_need_symbol(p, ")"));
        }
        vec_push(p->arena, &items, item);
    } while (parser_take_symbol(p, ","));
    if (has_parens)
        TRY(parser_need_symbol(p, ")"));
    s->partitions = items.items;
    s->partition_count = items.count;
    return true;
}

/* CREATE [ICEBERG] TABLE [IF NOT EXISTS] t [(columns)] [PARTITIONED BY …] [PRIMARY KEY …] [options]
 */
static bool parse_create_table(parser *p, statement *s)
{
    s->kind = STATEMENT_CREATE_TABLE;
    parser_take_word(p, "ICEBERG");
    TRY(parser_need_word(p, "TABLE"));
    if (parser_take_word(p, "IF")) {
        TRY(parser_need_word(p, "NOT"));
        TRY(parser_need_word(p, "EXISTS"));
        s->if_exists = true;
    }
    TRY(parse_table_name(p, &s->table));
    TRY(parse_columns(p, s));
    for (;;) {
        if (parser_take_word(p, "PARTITIONED") || parser_take_word(p, "PARTITION")) {
            TRY(parser_need_word(p, "BY"));
            TRY(parse_partitions(p, s));
        } else if (parser_take_word(p, "PRIMARY")) {
            TRY(parser_need_word(p, "KEY"));
            TRY(parse_names(p, "a column", &s->primary_key, &s->primary_key_count));
        } else {
            break;
        }
    }
    return parser_options(p, SCOPE_TABLE, STR(""), NULL, &s->options);
}

static bool parse_expectations(parser *p, statement *s)
{
    VEC(expectation) items = { 0 };
    while (parser_take_word(p, "WITH")) {
        expectation e = { 0 };
        TRY(parser_need_word(p, "EXPECTATION"));
        TRY(parser_name(p, "the expectation's name", &e.name));
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
        e.predicate = str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
        p->at++;
        TRY(parser_need_word(p, "VIOLATION"));
        e.drops = parser_take_word(p, "DROP");
        if (!e.drops)
            TRY(parser_need_word(p, "WARN"));
        vec_push(p->arena, &items, e);
    }
    s->expectations = items.items;
    s->expectation_count = items.count;
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
    TRY(parse_connection_type(p, &s->type));
    s->connection_span = parser_peek(p)->span;
    TRY(parser_name(p, "the connection's name", &s->connection));
    TRY(parser_options(p, SCOPE_SOURCE, s->type, (const char *const[]){ "INTO", NULL },
                       &s->source_options));
    TRY(parser_need_word(p, "INTO"));
    TRY(parse_table_name(p, &s->table));
    TRY(parse_expectations(p, s));
    if (parser_peek(p)->kind == TOKEN_WORD && token_is_symbol(&p->tokens[p->at + 1], "="))
        return fail_at(p->err, p->source_name, p->text, parser_peek(p)->span.from,
                       "job options stand before AS: CREATE JOB name " STR_FMT
                       " = … AS COPY FROM …",
                       STR_ARG(parser_peek(p)->text));
    return check_start(p, s);
}

/* AS INSERT INTO <table> [(columns)] [MAP_COLUMNS_BY_NAME [EXCEPT …]] SELECT … */
static bool parse_insert(parser *p, statement *s)
{
    s->kind = STATEMENT_CREATE_INSERT_JOB;
    TRY(parser_need_word(p, "INTO"));
    TRY(parse_table_name(p, &s->table));
    if (parser_is_symbol(p, "("))
        TRY(parse_names(p, "a column", &s->target_columns, &s->target_column_count));
    s->maps_by_name = parser_take_word(p, "MAP_COLUMNS_BY_NAME");
    if (s->maps_by_name && parser_take_word(p, "EXCEPT"))
        TRY(parse_names(p, "a column", &s->except, &s->except_count));
    size_t select_from = parser_peek(p)->span.from;
    TRY(parser_select(p, &s->query));
    if (s->query.source.name.len == 0)
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "a job's SELECT reads one table: FROM catalog.schema.table");
    for (size_t i = 0; i < s->query.item_count; i++)
        if (s->query.items[i].name.len == 0 && s->maps_by_name &&
            !str_eq(s->query.items[i].expression, STR("*")))
            return fail_at(p->err, p->source_name, p->text,
                           (size_t)(s->query.items[i].expression.data - p->text.data),
                           "MAP_COLUMNS_BY_NAME needs a name for this: expression AS column");
    if (!s->maps_by_name && s->query.item_count && str_eq(s->query.items[0].expression, STR("*")))
        return fail_at(p->err, p->source_name, p->text, select_from,
                       "SELECT * needs MAP_COLUMNS_BY_NAME before it");
    return check_start(p, s);
}

/* CREATE [SYNC] JOB <name> [options] AS … */
static bool parse_create_job(parser *p, statement *s)
{
    parser_take_word(p, "SYNC");
    TRY(parser_need_word(p, "JOB"));
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
    TRY(parser_need_word(p, "AS"));
    if (parser_take_word(p, "COPY"))
        return parse_copy(p, s);
    if (parser_take_word(p, "INSERT"))
        return parse_insert(p, s);
    return parser_fail(p, "COPY FROM or INSERT INTO");
}

static bool parse_create(parser *p, statement *s)
{
    if (parser_is_word(p, "JOB") || parser_is_word(p, "SYNC"))
        return parse_create_job(p, s);
    if (parser_is_word(p, "TABLE") || parser_is_word(p, "ICEBERG"))
        return parse_create_table(p, s);
    if (parser_is_word(p, "CONNECTION"))
        return parse_create_connection(p, s, false);
    if (token_is_word(&p->tokens[p->at + 1], "CONNECTION") || parser_is_word(p, "ICEBERG_REST"))
        return parse_create_connection(p, s, true);
    return parser_fail(p, "JOB, SYNC JOB, TABLE, ICEBERG TABLE or <type> CONNECTION");
}

static bool parse_if_exists(parser *p, statement *s)
{
    if (parser_take_word(p, "IF")) {
        TRY(parser_need_word(p, "EXISTS"));
        s->if_exists = true;
    }
    return true;
}

static bool parse_drop(parser *p, statement *s)
{
    if (parser_take_word(p, "JOB")) {
        s->kind = STATEMENT_DROP_JOB;
    } else if (parser_is_word(p, "TABLE") || parser_is_word(p, "ICEBERG")) {
        s->kind = STATEMENT_DROP_TABLE;
        parser_take_word(p, "ICEBERG");
        TRY(parser_need_word(p, "TABLE"));
        TRY(parse_if_exists(p, s));
        return parse_table_name(p, &s->table);
    } else {
        s->kind = STATEMENT_DROP_CONNECTION;
        if (!parser_is_word(p, "CONNECTION"))
            TRY(parse_connection_type(p, &s->type));
        TRY(parser_need_word(p, "CONNECTION"));
    }
    TRY(parse_if_exists(p, s));
    s->name_span = parser_peek(p)->span;
    return parser_name(p, "a name", &s->name);
}

static bool parse_pause(parser *p, statement *s, statement_kind kind)
{
    s->kind = kind;
    TRY(parser_need_word(p, "JOB"));
    s->name_span = parser_peek(p)->span;
    return parser_name(p, "the job's name", &s->name);
}

static bool parse_query(parser *p, statement *s)
{
    s->kind = STATEMENT_QUERY;
    size_t from = parser_peek(p)->span.from;
    while (parser_peek(p)->kind != TOKEN_END && !parser_is_symbol(p, ";"))
        p->at++;
    s->query.span = (span){ from, p->tokens[p->at - 1].span.to };
    s->query.text = str_slice(p->text, from, s->query.span.to);
    return true;
}

static bool parse_statement(parser *p, statement *s)
{
    static const char *const queries[] = { "SELECT", "WITH",      "VALUES", "DESCRIBE",
                                           "SHOW",   "SUMMARIZE", "FROM",   "EXPLAIN" };
    s->span.from = parser_peek(p)->span.from;
    bool works, is_query = parser_is_symbol(p, "(");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        is_query |= parser_is_word(p, queries[i]);
    if (is_query)
        works = parse_query(p, s);
    else if (parser_take_word(p, "CREATE"))
        works = parse_create(p, s);
    else if (parser_take_word(p, "DROP"))
        works = parse_drop(p, s);
    else if (parser_take_word(p, "PAUSE"))
        works = parse_pause(p, s, STATEMENT_PAUSE_JOB);
    else if (parser_take_word(p, "RESUME"))
        works = parse_pause(p, s, STATEMENT_RESUME_JOB);
    else
        works = parser_fail(p, "a statement: CREATE, DROP, PAUSE, RESUME or SELECT");
    if (!works)
        return false;
    s->span.to = p->tokens[p->at - 1].span.to;
    if (parser_peek(p)->kind != TOKEN_END && !parser_is_symbol(p, ";"))
        return parser_fail(p, "';'");
    return true;
}

bool worksheet_parse(arena *a, str source_name, str text, worksheet **ret_worksheet, error *err)
{
    parser p = { .arena = a, .source_name = source_name, .text = text, .err = err };
    token *tokens;
    size_t count;
    VEC(statement) statements = { 0 };
    TRY(lexer_run(a, source_name, text, &tokens, &count, err));
    p.tokens = tokens;
    while (parser_take_symbol(&p, ";") || parser_peek(&p)->kind != TOKEN_END) {
        if (parser_is_symbol(&p, ";") || parser_peek(&p)->kind == TOKEN_END)
            continue;
        statement s = { 0 };
        TRY(parse_statement(&p, &s));
        vec_push(a, &statements, s);
    }
    worksheet *w = arena_new_of(a, worksheet);
    *w = (worksheet){ source_name, text, statements.items, statements.count };
    *ret_worksheet = w;
    return true;
}

str statement_text(arena *a, const worksheet *w, const statement *s)
{
    error ignored = { 0 };
    token *tokens;
    size_t count;
    strbuf b = strbuf_new(a);
    if (!lexer_run(a, w->source_name, str_slice(w->text, s->span.from, s->span.to), &tokens, &count,
                   &ignored))
        return STR("");
    for (size_t i = 0; i + 1 < count; i++) {
        if (i)
            strbuf_add_char(&b, ' ');
        strbuf_add(&b, tokens[i].text);
    }
    return strbuf_str(&b);
}

bool worksheet_fail_at(const worksheet *w, span at, error *err, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_at(err, w->source_name, w->text, at.from, "%s", message);
}
