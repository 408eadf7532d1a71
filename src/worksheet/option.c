/* NAME = value options: one table of what each statement takes. Source: the public option lists of
 * SQLake's reference. */
#include "base/clock.h"
#include "base/vec.h"
#include "worksheet/internal.h"

enum {
    TEXT = 1 << OPTION_TEXT,
    NUMBER = 1 << OPTION_NUMBER,
    WORD = 1 << OPTION_WORD,
    BOOL = 1 << OPTION_BOOL,
    DURATION = 1 << OPTION_DURATION,
    TIMESTAMP = 1 << OPTION_TIMESTAMP,
    LIST = 1 << OPTION_LIST,
    ASSIGNMENTS = 1 << OPTION_ASSIGNMENTS,
    NESTED = 1 << OPTION_NESTED,
    RAW = 1 << 12, /* anything in balanced parentheses, kept as text */
    ON_CONNECTION = 1 << SCOPE_CONNECTION,
    ON_TABLE = 1 << SCOPE_TABLE,
    ON_COPY = 1 << SCOPE_COPY_JOB,
    ON_INSERT = 1 << SCOPE_INSERT_JOB,
    ON_SOURCE = 1 << SCOPE_SOURCE,
    ON_VIEW = 1 << SCOPE_VIEW,
    FIXED = 1 << 8,    /* ALTER may not change it */
    REFUSED = 1 << 18, /* SQLake's, and nothing here does it yet */
    ON_JOBS = ON_COPY | ON_INSERT,
    ON_ALL = ON_CONNECTION | ON_TABLE | ON_JOBS,
    NAME = TEXT | WORD,
};

typedef struct option_rule {
    const char *name;
    int scopes, kinds;
    const char *expects;
    const char *choices; /* words with blanks between, upper case; NULL: any */
} option_rule;

static const option_rule rules[] = {
    { "COMMENT", ON_ALL, TEXT, "a text" },
    { "ROOT", ON_CONNECTION | FIXED, TEXT, "a folder, 'path'" },
    { "AWS_ROLE", ON_CONNECTION, TEXT, "a role's ARN, 'arn:aws:iam::…'" },
    { "EXTERNAL_ID", ON_CONNECTION, TEXT, "a text" },
    { "AWS_ACCESS_KEY_ID", ON_CONNECTION, TEXT, "a text" },
    { "AWS_SECRET_ACCESS_KEY", ON_CONNECTION, TEXT, "a text" },
    { "PATH_DISPLAY_FILTER", ON_CONNECTION, TEXT | LIST, "a prefix or a list of them" },
    { "PATH_DISPLAY_FILTERS", ON_CONNECTION, TEXT | LIST, "a prefix or a list of them" },
    { "DATABASE_DISPLAY_FILTER", ON_CONNECTION, TEXT | LIST, "a name or a list of them" },
    { "DATABASE_DISPLAY_FILTERS", ON_CONNECTION, TEXT | LIST, "a name or a list of them" },
    { "READ_ONLY", ON_CONNECTION, BOOL, "TRUE or FALSE" },
    { "ENCRYPTION_KMS_KEY", ON_CONNECTION, TEXT, "a text" },
    { "ENCRYPTION_CUSTOMER_MANAGED_KEY", ON_CONNECTION, TEXT, "a text" },
    { "DEFAULT_STORAGE_CONNECTION", ON_CONNECTION, NAME, "a connection's name" },
    { "DEFAULT_STORAGE_LOCATION", ON_CONNECTION, TEXT, "a location, 's3://bucket/path/'" },
    { "REGION", ON_CONNECTION | FIXED, NAME, "a region, 'us-east-1'" },
    { "STORAGE_CONNECTION", ON_TABLE | ON_VIEW | FIXED, NAME, "a connection's name" },
    { "STORAGE_LOCATION", ON_TABLE | ON_VIEW | FIXED, TEXT, "a location" },
    { "COMPUTE_CLUSTER", ON_TABLE | ON_JOBS | ON_VIEW, NAME, "a cluster's name" },
    { "COMPRESSION", ON_TABLE, NAME, "ZSTD, SNAPPY, GZIP or NONE", "ZSTD SNAPPY GZIP NONE" },
    { "COMPRESSION", ON_COPY, NAME, "AUTO, NONE, GZIP, ZSTD, BZIP2 or SNAPPY" },
    { "COMPACTION_PROCESSES", ON_TABLE, NUMBER, "a whole number" },
    { "DISABLE_COMPACTION", ON_TABLE, BOOL, "TRUE or FALSE" },
    { "RETENTION_DATE_PARTITION", ON_TABLE | FIXED, NAME, "a column's name" },
    { "TABLE_DATA_RETENTION", ON_TABLE, DURATION, "a duration, e.g. 90 DAYS" },
    { "FORMAT_VERSION", ON_TABLE | FIXED, NUMBER, "an Iceberg format version, 2 or 3" },
    { "GLOBALLY_UNIQUE_KEYS", ON_TABLE | FIXED, BOOL,
      "TRUE: one row a key in all partitions; else the partition's columns belong into PRIMARY KEY",
      "TRUE" },
    { "DATE_PATTERN", ON_COPY | FIXED, TEXT, "a date pattern, e.g. 'yyyy/MM/dd/HH/mm'" },
    { "START_FROM", ON_JOBS | FIXED, WORD | TIMESTAMP, "BEGINNING, NOW or TIMESTAMP '…'" },
    { "STARTING_FROM", ON_JOBS | FIXED, WORD | TIMESTAMP, "BEGINNING, NOW or TIMESTAMP '…'" },
    { "END_AT", ON_JOBS, WORD | TIMESTAMP, "NOW or TIMESTAMP '…'" },
    { "FILE_PATTERN", ON_COPY, TEXT, "a regular expression" },
    { "FILE_SUFFIX", ON_COPY, TEXT, "a text, e.g. '.parquet'" },
    { "MAX_DELAY", ON_COPY, DURATION, "a duration, e.g. 1 DAY" },
    { "CONTENT_TYPE", ON_COPY, WORD | NESTED, "AUTO, PARQUET, CSV or (TYPE = CSV …)" },
    { "COLUMN_TRANSFORMATIONS", ON_COPY, ASSIGNMENTS, "(column = expression, …)" },
    { "EXCLUDE_COLUMNS", ON_COPY, LIST, "a list of columns, (a, b)" },
    { "DEDUPLICATE_WITH", ON_COPY | REFUSED, NESTED, "(COLUMNS = (…) WINDOW = …)" },
    { "DELETE_FILES_AFTER_LOAD", ON_COPY | REFUSED, BOOL, "TRUE or FALSE" },
    { "COMMIT_INTERVAL", ON_COPY, DURATION, "a duration, e.g. 1 MINUTE" },
    { "RUN_INTERVAL", ON_INSERT, DURATION, "a duration, e.g. 1 MINUTE" },
    { "RUN_PARALLELISM", ON_JOBS, NUMBER, "a whole number" },
    { "AGGREGATION_PARALLELISM", ON_INSERT, NUMBER, "a whole number" },
    { "ADD_MISSING_COLUMNS", ON_INSERT, BOOL, "TRUE or FALSE" },
    { "SKIP_VALIDATIONS", ON_JOBS, LIST, "a list, ('EMPTY_PATH')" },
    { "SKIP_ALL_VALIDATIONS", ON_JOBS, BOOL, "TRUE or FALSE" },
    { "ENDPOINT", ON_CONNECTION, TEXT, "a URL, 'http://host:port'" },
    { "PATH_STYLE", ON_CONNECTION, BOOL, "TRUE or FALSE" },
    { "SESSION_TOKEN", ON_CONNECTION, TEXT, "a text" },
    { "AWS_PROFILE", ON_CONNECTION, TEXT, "a profile's name" },
    { "STS_ENDPOINT", ON_CONNECTION, TEXT, "a URL, 'https://host'" },
    { "STALL_SECONDS", ON_CONNECTION, NUMBER, "a whole number" },
    { "CATALOG_ID", ON_CONNECTION, TEXT, "an account's number" },
    { "URI", ON_CONNECTION, TEXT, "a URL, 'https://host/path'" },
    { "WAREHOUSE", ON_CONNECTION, TEXT, "a warehouse's name or location" },
    { "CREDENTIAL", ON_CONNECTION, TEXT, "'client id:secret'" },
    { "TOKEN", ON_CONNECTION, TEXT, "a bearer token" },
    { "OAUTH2_SERVER_URI", ON_CONNECTION, TEXT, "a URL" },
    { "SCOPE", ON_CONNECTION, TEXT, "a text" },
    { "SIGV4", ON_CONNECTION, BOOL, "TRUE or FALSE" },
    { "SIGNING_NAME", ON_CONNECTION, TEXT, "a service's name, e.g. 'glue'" },
    { "MAX_TIME_TRAVEL_DURATION", ON_VIEW | REFUSED, DURATION, "a duration, e.g. 30 DAYS" },
    { "COLUMN_DATA_RETENTION", ON_TABLE | REFUSED, RAW, "a list, ((column, 30 DAYS), …)" },
    { "INITIAL_LOAD_PATTERN", ON_COPY | REFUSED, TEXT, "a regular expression" },
    { "INITIAL_LOAD_PREFIX", ON_COPY | REFUSED, TEXT, "a prefix" },
    { "SQS_QUEUE_NAME", ON_COPY | FIXED, TEXT, "a queue's name or URL" },
    { "SQS_KMS_KEY", ON_COPY, TEXT, "a text" },
    { "BAD_LINES", ON_COPY, WORD, "DEAD_LETTERS or REFUSE_FILE" },
    { "FULL_LISTING_INTERVAL", ON_COPY, DURATION, "a duration, e.g. 15 MINUTES" },
    { "SQS_ENDPOINT", ON_CONNECTION, TEXT, "a URL, 'http://host:port'" },
    { "LOCATION", ON_SOURCE, TEXT, "a place, e.g. 's3://bucket/prefix/'" },
    { "BUCKET", ON_SOURCE, TEXT, "a bucket's name" },
    { "PREFIX", ON_SOURCE, TEXT, "a prefix" },
};

const option *option_find(option_list options, const char *name)
{
    for (size_t i = 0; i < options.count; i++)
        if (str_eq(options.items[i].name, str_of(name)))
            return &options.items[i];
    return NULL;
}

static bool fail_unknown(parser *p, option_scope scope, str name)
{
    const option_rule *near = NULL;
    size_t best = 4;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        size_t d = str_distance(name, str_of(rules[i].name));
        if ((rules[i].scopes >> scope & 1) && d < best) {
            best = d;
            near = &rules[i];
        }
    }
    static const char *const places[] = { "a connection",  "a table",   "a COPY job",
                                          "an INSERT job", "COPY FROM", "a materialized view" };
    size_t offset = parser_peek(p)->span.from;
    return near ? fail_at(p->err, p->source_name, p->text, offset,
                          "%s has no option " STR_FMT "; did you mean %s?", places[scope],
                          STR_ARG(name), near->name)
                : fail_at(p->err, p->source_name, p->text, offset, "%s has no option " STR_FMT,
                          places[scope], STR_ARG(name));
}

static bool unit_us(str word, int64_t *ret)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "SECOND", 1 },  { "SECONDS", 1 },  { "MINUTE", 60 }, { "MINUTES", 60 },
                  { "HOUR", 3600 }, { "HOURS", 3600 }, { "DAY", 86400 }, { "DAYS", 86400 } };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq_nocase(word, str_of(units[i].name))) {
            *ret = units[i].seconds * 1000000;
            return true;
        }
    return false;
}

static bool parse_number(parser *p, option *o)
{
    int64_t unit;
    const token *t = parser_peek(p);
    if (!str_to_i64(t->text, &o->number))
        return parser_fail(p, "a whole number");
    p->at++;
    o->kind = OPTION_NUMBER;
    if (parser_peek(p)->kind == TOKEN_WORD && unit_us(parser_peek(p)->text, &unit)) {
        int64_t number = o->number;
        o->kind = OPTION_DURATION;
        p->at++;
        if (__builtin_mul_overflow(number, unit, &o->us) || number <= 0)
            return fail_at(p->err, p->source_name, p->text, t->span.from,
                           "a duration must be between 1 SECOND and 9999 DAYS");
    }
    return true;
}

static bool parse_timestamp(parser *p, option *o)
{
    p->at++;
    const token *t = parser_peek(p);
    if (t->kind != TOKEN_TEXT || !clock_parse_us(token_unquote(p->arena, t), &o->us))
        return parser_fail(p, "a time, 'YYYY-MM-DD HH:MM:SS'");
    o->kind = OPTION_TIMESTAMP;
    p->at++;
    return true;
}

static bool parse_list(parser *p, option *o)
{
    VEC(str) items = { 0 };
    while (!parser_is_symbol(p, ")")) {
        str item;
        TRY(parser_name(p, "a name or text", &item));
        vec_push(p->arena, &items, item);
        if (!parser_take_symbol(p, ",") && !parser_is_symbol(p, ")"))
            return parser_fail(p, "',' or ')'");
    }
    p->at++;
    o->kind = OPTION_LIST;
    o->list.items = items.items;
    o->list.count = items.count;
    return true;
}

static bool parse_assignments(parser *p, option *o)
{
    VEC(assignment) items = { 0 };
    while (!parser_is_symbol(p, ")")) {
        assignment x;
        TRY(parser_name(p, "a column", &x.column));
        TRY(parser_need_symbol(p, "="));
        TRY(parser_expression(p, &x.expression));
        vec_push(p->arena, &items, x);
        if (!parser_take_symbol(p, ",") && !parser_is_symbol(p, ")"))
            return parser_fail(p, "',' or ')'");
    }
    p->at++;
    o->kind = OPTION_ASSIGNMENTS;
    o->assignments.items = items.items;
    o->assignments.count = items.count;
    return true;
}

static bool parse_value(parser *p, int kinds, const char *expects, int depth, option *o);

static bool parse_nested(parser *p, int depth, option *o)
{
    VEC(option) items = { 0 };
    while (!parser_is_symbol(p, ")")) {
        option x = { .span = parser_peek(p)->span };
        str name;
        TRY(parser_name(p, "an option", &name));
        x.name = str_upper(p->arena, name);
        TRY(parser_need_symbol(p, "="));
        TRY(parse_value(p, TEXT | NUMBER | WORD | BOOL | DURATION | LIST, "a value", depth + 1,
                        &x));
        vec_push(p->arena, &items, x);
        parser_take_symbol(p, ",");
    }
    p->at++;
    o->kind = OPTION_NESTED;
    o->nested = (option_list){ items.items, items.count };
    return true;
}

static bool parse_raw(parser *p, const char *expects, option *o)
{
    size_t from = p->at;
    int depth = 0;
    if (!parser_is_symbol(p, "("))
        return parser_fail(p, expects);
    do {
        if (parser_peek(p)->kind == TOKEN_END || parser_is_symbol(p, ";"))
            return parser_fail(p, "')'");
        depth += parser_is_symbol(p, "(");
        depth -= parser_is_symbol(p, ")");
        p->at++;
    } while (depth > 0);
    o->kind = OPTION_TEXT;
    o->text = str_slice(p->text, p->tokens[from].span.from, p->tokens[p->at - 1].span.to);
    return true;
}

static bool parse_word(parser *p, option *o)
{
    const token *t = parser_peek(p);
    p->at++;
    o->kind = OPTION_WORD;
    o->text = t->kind == TOKEN_QUOTED ? token_unquote(p->arena, t) : t->text;
    if (token_is_word(t, "TRUE") || token_is_word(t, "FALSE")) {
        o->kind = OPTION_BOOL;
        o->is_true = token_is_word(t, "TRUE");
    }
    return true;
}

static bool parse_value(parser *p, int kinds, const char *expects, int depth, option *o)
{
    const token *t = parser_peek(p);
    size_t from = p->at;
    if (kinds & RAW)
        return parse_raw(p, expects, o);
    if (t->kind == TOKEN_TEXT) {
        o->kind = OPTION_TEXT;
        o->text = token_unquote(p->arena, t);
        p->at++;
        if ((kinds & LIST) && !(kinds & TEXT)) { /* one text where a list may stand */
            str *one = arena_copy(p->arena, &o->text, sizeof(str));
            o->kind = OPTION_LIST;
            o->list.items = one;
            o->list.count = 1;
        }
    } else if (t->kind == TOKEN_NUMBER) {
        TRY(parse_number(p, o));
    } else if (token_is_word(t, "TIMESTAMP") && p->tokens[p->at + 1].kind == TOKEN_TEXT) {
        TRY(parse_timestamp(p, o));
    } else if (t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED) {
        TRY(parse_word(p, o));
    } else if (token_is_symbol(t, "(") && (kinds & (LIST | ASSIGNMENTS | NESTED)) && depth < 8) {
        p->at++;
        bool works = kinds & ASSIGNMENTS ? parse_assignments(p, o)
                     : kinds & NESTED    ? parse_nested(p, depth, o)
                                         : parse_list(p, o);
        if (!works)
            return false;
    } else {
        return parser_fail(p, expects);
    }
    if (!(kinds >> o->kind & 1)) {
        p->at = from;
        return parser_fail(p, expects);
    }
    return true;
}

static const option_rule *find_rule(str name, int scopes)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if ((rules[i].scopes & scopes) && str_eq(name, str_of(rules[i].name)))
            return &rules[i];
    return NULL;
}

static bool is_choice(const option_rule *rule, const option *o)
{
    str rest = str_of(rule->choices ? rule->choices : ""), given = o->kind != OPTION_BOOL ? o->text
                                                                   : o->is_true ? STR("TRUE")
                                                                                : STR("FALSE");
    while (rest.len)
        if (str_eq_nocase(str_cut(&rest, ' '), given))
            return true;
    return rule->choices == NULL;
}

/* Numbers count something; data is kept for whole days. */
static bool check_amount(parser *p, const option *o, size_t at)
{
    const int64_t day_us = 86400000000ll;
    if (o->kind == OPTION_NUMBER && o->number < 1)
        return fail_at(p->err, p->source_name, p->text, at, STR_FMT " is at least 1",
                       STR_ARG(o->name));
    if (str_eq(o->name, STR("TABLE_DATA_RETENTION")) &&
        (o->us % day_us != 0 || o->us / day_us > 9999))
        return fail_at(p->err, p->source_name, p->text, at,
                       "TABLE_DATA_RETENTION is a number of DAYS, 1 to 9999");
    return true;
}

/* NAME = value, the name being the current token. */
static bool parse_option(parser *p, option_scope scope, int scopes, option_list so_far, option *ret,
                         const option_rule **ret_rule)
{
    const token *t = parser_peek(p);
    if (t->kind != TOKEN_WORD)
        return parser_fail(p, "an option");
    str name = str_upper(p->arena, t->text);
    const option_rule *rule = find_rule(name, scopes);
    if (!rule)
        return fail_unknown(p, scope, name);
    *ret = (option){ .name = str_eq(name, STR("STARTING_FROM")) ? STR("START_FROM") : name,
                     .span = t->span };
    if (option_find(so_far, str_to_c(p->arena, ret->name)))
        return fail_at(p->err, p->source_name, p->text, t->span.from,
                       "option " STR_FMT " is given twice", STR_ARG(ret->name));
    p->at++;
    TRY(parser_need_symbol(p, "="));
    if (rule->scopes & REFUSED)
        return fail_at(p->err, p->source_name, p->text, t->span.from,
                       "%s is not supported yet; leave it out", rule->name);
    size_t value_at = p->at;
    TRY(parse_value(p, rule->kinds, rule->expects, 0, ret));
    if (!is_choice(rule, ret)) {
        p->at = value_at;
        return parser_fail(p, rule->expects);
    }
    TRY(check_amount(p, ret, p->tokens[value_at].span.from));
    ret->span.to = p->tokens[p->at - 1].span.to;
    *ret_rule = rule;
    return true;
}

bool parser_options(parser *p, option_scope scope, str type, const char *const *stop_words,
                    option_list *ret)
{
    VEC(option) items = { 0 };
    (void)type;
    for (;;) {
        const token *t = parser_peek(p);
        const option_rule *rule;
        option o;
        bool is_stop = t->kind == TOKEN_END || token_is_symbol(t, ";");
        for (size_t i = 0; stop_words && stop_words[i]; i++)
            is_stop |= token_is_word(t, stop_words[i]);
        if (is_stop)
            break;
        if (items.count && parser_take_symbol(p, ","))
            continue;
        TRY(parse_option(p, scope, 1 << scope, (option_list){ items.items, items.count }, &o,
                         &rule));
        vec_push(p->arena, &items, o);
    }
    *ret = (option_list){ items.items, items.count };
    return true;
}

bool parser_alterations(parser *p, option_scope scope, option_list *ret)
{
    VEC(option) items = { 0 };
    int scopes = scope == SCOPE_COPY_JOB ? ON_JOBS : 1 << scope;
    if (!parser_is_word(p, "SET"))
        return parser_fail(p, "SET option = value");
    while (parser_take_word(p, "SET") || (items.count && parser_take_symbol(p, ",")) ||
           (items.count && parser_peek(p)->kind == TOKEN_WORD)) {
        const option_rule *rule;
        option o;
        size_t at = parser_peek(p)->span.from;
        TRY(parse_option(p, scope, scopes, (option_list){ items.items, items.count }, &o, &rule));
        if (rule->scopes & FIXED)
            return fail_at(p->err, p->source_name, p->text, at,
                           "%s is fixed when the thing is created: what is loaded depends on it",
                           rule->name);
        vec_push(p->arena, &items, o);
    }
    *ret = (option_list){ items.items, items.count };
    return true;
}
