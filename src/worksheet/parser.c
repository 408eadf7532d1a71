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
bool parser_table_name(parser *p, table_name *ret)
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

bool parser_names(parser *p, const char *what, const str **ret, size_t *ret_count)
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

static const char *const connection_types[] = { "FILE", "S3", "GLUE_CATALOG", "ICEBERG_REST" };

/* SQLake's, which are no places of flow logs. */
static const char *const other_types[] = { "KAFKA",         "KINESIS",    "SNOWFLAKE", "REDSHIFT",
                                           "POSTGRES",      "MYSQL",      "MSSQL",     "MONGODB",
                                           "ELASTICSEARCH", "CLICKHOUSE", "TABULAR" };

static const char *other_type(const parser *p)
{
    for (size_t i = 0; i < ARRAY_LEN(other_types); i++)
        if (parser_is_word(p, other_types[i]))
            return other_types[i];
    return NULL;
}

bool parser_connection_type(parser *p, str *ret)
{
    const char *other = other_type(p);
    if (other)
        return fail_at(p->err, p->source_name, p->text, parser_peek(p)->span.from,
                       "connections of type %s are not offered; FILE, S3, GLUE_CATALOG and "
                       "ICEBERG_REST are",
                       other);
    for (size_t i = 0; i < ARRAY_LEN(connection_types); i++)
        if (parser_take_word(p, connection_types[i])) {
            *ret = str_of(connection_types[i]);
            if (str_eq(*ret, STR("ICEBERG_REST")))
                parser_take_word(p, "CATALOG"); /* CREATE ICEBERG_REST CATALOG CONNECTION */
            return true;
        }
    return parser_fail(p, "a type of connection: FILE, S3, GLUE_CATALOG or ICEBERG_REST");
}

bool parser_target(parser *p, table_name *ret)
{
    const char *other = other_type(p);
    if ((other || parser_is_word(p, "S3")) && !token_is_symbol(&p->tokens[p->at + 1], "."))
        return fail_at(p->err, p->source_name, p->text, parser_peek(p)->span.from,
                       "jobs write Iceberg tables, INTO catalog.schema.table; %s is no target",
                       other ? other : "S3");
    return parser_table_name(p, ret);
}

/* CREATE <type> CONNECTION <name> [options] | CREATE CONNECTION <type> <name> [options] */
static bool parse_create_connection(parser *p, statement *s, bool has_type)
{
    s->kind = STATEMENT_CREATE_CONNECTION;
    if (has_type)
        TRY(parser_connection_type(p, &s->type));
    TRY(parser_need_word(p, "CONNECTION"));
    if (!has_type)
        TRY(parser_connection_type(p, &s->type));
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

/* ALTER TABLE t ADD [COLUMN] a type, b type | (a type, …) */
static bool parse_added_columns(parser *p, statement *s)
{
    VEC(column_definition) columns = { 0 };
    if (parser_is_symbol(p, "("))
        return parse_columns(p, s);
    do {
        column_definition c = { .span = parser_peek(p)->span };
        TRY(parser_name(p, "a column's name", &c.name));
        TRY(parse_type_text(p, &c.type));
        vec_push(p->arena, &columns, c);
    } while (parser_take_symbol(p, ","));
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
    TRY(parser_table_name(p, &s->table));
    TRY(parse_columns(p, s));
    for (;;) {
        if (parser_take_word(p, "PARTITIONED") || parser_take_word(p, "PARTITION")) {
            TRY(parser_need_word(p, "BY"));
            TRY(parse_partitions(p, s));
        } else if (parser_take_word(p, "PRIMARY")) {
            TRY(parser_need_word(p, "KEY"));
            TRY(parser_names(p, "a column", &s->primary_key, &s->primary_key_count));
        } else {
            break;
        }
    }
    return parser_options(p, SCOPE_TABLE, STR(""), NULL, &s->options);
}

/* CREATE [SYNC] MATERIALIZED VIEW <name> [options] AS SELECT … GROUP BY … [options] */
static bool parse_create_view(parser *p, statement *s)
{
    s->kind = STATEMENT_CREATE_VIEW;
    p->at++;
    TRY(parser_need_word(p, "VIEW"));
    if (parser_take_word(p, "IF")) {
        TRY(parser_need_word(p, "NOT"));
        TRY(parser_need_word(p, "EXISTS"));
        s->if_exists = true;
    }
    TRY(parser_table_name(p, &s->table));
    TRY(parser_options(p, SCOPE_VIEW, STR(""), (const char *const[]){ "AS", NULL }, &s->options));
    TRY(parser_need_word(p, "AS"));
    size_t from = parser_peek(p)->span.from;
    TRY(parser_select(p, false, &s->query));
    if (!s->query.has_aggregation)
        return fail_at(p->err, p->source_name, p->text, from,
                       "a materialized view groups its source: SELECT key, aggregate … GROUP BY "
                       "key");
    option_list behind;
    TRY(parser_options(p, SCOPE_VIEW, STR(""), NULL, &behind));
    if (s->options.count == 0)
        s->options = behind;
    return true;
}

static bool parse_create(parser *p, statement *s)
{
    bool is_sync = parser_is_word(p, "SYNC");
    if (token_is_word(&p->tokens[p->at + is_sync], "MATERIALIZED")) {
        p->at += is_sync;
        s->is_sync = is_sync;
        return parse_create_view(p, s);
    }
    if (parser_is_word(p, "JOB") || is_sync)
        return parser_create_job(p, s);
    if (parser_is_word(p, "TABLE") || parser_is_word(p, "ICEBERG"))
        return parse_create_table(p, s);
    if (parser_is_word(p, "CONNECTION"))
        return parse_create_connection(p, s, false);
    if (token_is_word(&p->tokens[p->at + 1], "CONNECTION") || parser_is_word(p, "ICEBERG_REST"))
        return parse_create_connection(p, s, true);
    return parser_fail(
        p, "JOB, SYNC JOB, TABLE, ICEBERG TABLE, MATERIALIZED VIEW or <type> CONNECTION");
}

static bool parse_if_exists(parser *p, statement *s)
{
    if (parser_take_word(p, "IF")) {
        TRY(parser_need_word(p, "EXISTS"));
        s->if_exists = true;
    }
    return true;
}

/* [DELETE_DATA = TRUE|FALSE] [COMPUTE_CLUSTER = name] */
static bool parse_drop_options(parser *p, statement *s)
{
    for (;;) {
        str ignored;
        if (parser_take_word(p, "DELETE_DATA")) {
            TRY(parser_need_symbol(p, "="));
            s->keeps_data = parser_take_word(p, "FALSE");
            if (!s->keeps_data)
                TRY(parser_need_word(p, "TRUE"));
        } else if (parser_take_word(p, "COMPUTE_CLUSTER")) {
            TRY(parser_need_symbol(p, "="));
            TRY(parser_name(p, "a cluster's name", &ignored));
        } else {
            return true;
        }
    }
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
        TRY(parser_table_name(p, &s->table));
        return parse_drop_options(p, s);
    } else if (parser_take_word(p, "MATERIALIZED")) {
        s->kind = STATEMENT_DROP_VIEW;
        TRY(parser_need_word(p, "VIEW"));
        TRY(parse_if_exists(p, s));
        return parser_table_name(p, &s->table);
    } else {
        s->kind = STATEMENT_DROP_CONNECTION;
        if (!parser_is_word(p, "CONNECTION"))
            TRY(parser_connection_type(p, &s->type));
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

/* ALTER <type> CONNECTION | TABLE | JOB | MATERIALIZED VIEW … */
static bool parse_alter(parser *p, statement *s)
{
    if (parser_is_word(p, "JOB"))
        return parser_alter_job(p, s);
    if (parser_is_word(p, "TABLE") || parser_is_word(p, "ICEBERG")) {
        s->kind = STATEMENT_ALTER_TABLE;
        parser_take_word(p, "ICEBERG");
        TRY(parser_need_word(p, "TABLE"));
        TRY(parser_table_name(p, &s->table));
        if (parser_take_word(p, "ADD")) {
            parser_take_word(p, "COLUMN");
            return parse_added_columns(p, s);
        }
        return parser_alterations(p, SCOPE_TABLE, &s->options);
    }
    if (parser_take_word(p, "MATERIALIZED")) {
        s->kind = STATEMENT_ALTER_VIEW;
        TRY(parser_need_word(p, "VIEW"));
        TRY(parser_table_name(p, &s->table));
        return parser_alterations(p, SCOPE_VIEW, &s->options);
    }
    s->kind = STATEMENT_ALTER_CONNECTION;
    if (!parser_is_word(p, "CONNECTION"))
        TRY(parser_connection_type(p, &s->type));
    TRY(parser_need_word(p, "CONNECTION"));
    s->name_span = parser_peek(p)->span;
    TRY(parser_name(p, "the connection's name", &s->name));
    return parser_alterations(p, SCOPE_CONNECTION, &s->options);
}

/* SHOW CREATE TABLE | JOB | CONNECTION | MATERIALIZED VIEW name */
static bool parse_show_create(parser *p, statement *s)
{
    s->kind = STATEMENT_SHOW_CREATE;
    p->at += 2;
    parser_take_word(p, "ICEBERG");
    bool is_view = parser_take_word(p, "MATERIALIZED");
    if (is_view || parser_is_word(p, "VIEW")) {
        s->type = STR("VIEW");
        TRY(parser_need_word(p, "VIEW"));
        return parser_table_name(p, &s->table);
    }
    if (parser_take_word(p, "TABLE")) {
        s->type = STR("TABLE");
        return parser_table_name(p, &s->table);
    }
    if (parser_take_word(p, "JOB"))
        s->type = STR("JOB");
    else if (parser_take_word(p, "CONNECTION"))
        s->type = STR("CONNECTION");
    else
        return parser_fail(p, "TABLE, JOB, CONNECTION or MATERIALIZED VIEW");
    s->name_span = parser_peek(p)->span;
    return parser_name(p, "a name", &s->name);
}

/* EXPLAIN JOB name · PREVIEW JOB name [LIMIT n] · REPLAY JOB name */
static bool parse_about_job(parser *p, statement *s, statement_kind kind)
{
    s->kind = kind;
    s->limit = 100;
    p->at++;
    TRY(parser_need_word(p, "JOB"));
    s->name_span = parser_peek(p)->span;
    TRY(parser_name(p, "the job's name", &s->name));
    if (kind == STATEMENT_PREVIEW_JOB && parser_take_word(p, "LIMIT")) {
        if (!str_to_i64(parser_peek(p)->text, &s->limit) || s->limit < 0)
            return parser_fail(p, "a number of rows");
        p->at++;
    }
    return true;
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
    const token *next = parser_peek(p)->kind == TOKEN_END ? NULL : &p->tokens[p->at + 1];
    if (next && ((parser_is_word(p, "SHOW") && token_is_word(next, "CREATE")) ||
                 (parser_is_word(p, "EXPLAIN") && token_is_word(next, "JOB"))))
        works = parser_is_word(p, "SHOW") ? parse_show_create(p, s)
                                          : parse_about_job(p, s, STATEMENT_EXPLAIN_JOB);
    else if (is_query)
        works = parse_query(p, s);
    else if (parser_take_word(p, "CREATE"))
        works = parse_create(p, s);
    else if (parser_take_word(p, "ALTER"))
        works = parse_alter(p, s);
    else if (parser_is_word(p, "PREVIEW"))
        works = parse_about_job(p, s, STATEMENT_PREVIEW_JOB);
    else if (parser_is_word(p, "REPLAY"))
        works = parse_about_job(p, s, STATEMENT_REPLAY_JOB);
    else if (parser_take_word(p, "DROP"))
        works = parse_drop(p, s);
    else if (parser_take_word(p, "PAUSE"))
        works = parse_pause(p, s, STATEMENT_PAUSE_JOB);
    else if (parser_take_word(p, "RESUME"))
        works = parse_pause(p, s, STATEMENT_RESUME_JOB);
    else
        works = parser_fail(p, "a statement: CREATE, ALTER, DROP, PAUSE, RESUME, REPLAY, PREVIEW, "
                               "EXPLAIN, SHOW or SELECT");
    if (!works)
        return false;
    s->span.to = p->tokens[p->at - 1].span.to;
    if (parser_peek(p)->kind != TOKEN_END && !parser_is_symbol(p, ";"))
        return parser_fail(p, "';'");
    return true;
}

/* An error shows the line it is in: what stands there for a secret option is hidden, its length
 * kept, so that the caret still points. */
static void mask_secrets(error *err)
{
    static const char *const secrets[] = {
        "AWS_SECRET_ACCESS_KEY",           "SESSION_TOKEN", "CREDENTIAL", "TOKEN",
        "ENCRYPTION_CUSTOMER_MANAGED_KEY", "PASSWORD"
    };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    for (char *at = err->message; *at;) {
        size_t len = strspn(at, letters);
        bool hides = false;
        for (size_t i = 0; len && i < ARRAY_LEN(secrets); i++)
            hides |= str_eq_nocase((str){ at, len }, str_of(secrets[i]));
        at += len ? len : 1;
        if (!hides)
            continue;
        at += strspn(at, " =\t");
        if (*at == '\'')
            for (at++; *at && *at != '\'' && *at != '\n'; at++)
                *at = '*';
    }
}

static bool parse_all(arena *a, str source_name, str text, worksheet **ret_worksheet, error *err)
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

bool worksheet_parse(arena *a, str source_name, str text, worksheet **ret_worksheet, error *err)
{
    if (parse_all(a, source_name, text, ret_worksheet, err))
        return true;
    mask_secrets(err);
    return false;
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
    fail_at(err, w->source_name, w->text, at.from, "%s", message);
    mask_secrets(err);
    return false;
}
