/* The SQL dialect of worksheets: text in, a list of statements out. DuckDB runs the SELECTs; this
 * folder finds their parts. */
#pragma once

#include "base/error.h"

/* Byte offsets in the worksheet's text: every error can point. */
typedef struct span {
    size_t from, to;
} span;

typedef struct table_name {
    str catalog, namespace, name; /* catalog may be empty */
    span span;
} table_name;

/* ---- Options: NAME = value ---- */

typedef enum option_kind {
    OPTION_TEXT, /* 'text' */
    OPTION_NUMBER,
    OPTION_WORD, /* an identifier or keyword: BEGINNING, PARQUET, default_s3_storage */
    OPTION_BOOL,
    OPTION_DURATION,    /* 5 MINUTES */
    OPTION_TIMESTAMP,   /* TIMESTAMP '2024-04-18 00:00:00' */
    OPTION_LIST,        /* ('a', 'b') */
    OPTION_ASSIGNMENTS, /* (column = expression, …) */
    OPTION_NESTED,      /* (TYPE = CSV DELIMITER = ' ') */
} option_kind;

typedef struct option option;
typedef struct option_list {
    const option *items;
    size_t count;
} option_list;

typedef struct assignment {
    str column, expression;
} assignment;

struct option {
    str name; /* upper case */
    span span;
    option_kind kind;
    union {
        str text; /* of TEXT (unquoted) and WORD (as written) */
        int64_t number;
        bool is_true;
        int64_t us; /* of DURATION and TIMESTAMP: microseconds */
        struct {
            const str *items;
            size_t count;
        } list;
        struct {
            const assignment *items;
            size_t count;
        } assignments;
        option_list nested;
    };
};

/* NULL when it was not given. */
const option *option_find(option_list options, const char *name);

/* ---- SELECT ---- */

typedef struct select_item {
    str expression; /* as written; "*" for all columns */
    str name;       /* alias, or what the bare column is called; empty when there is neither */
    bool is_column; /* the expression is nothing but a column name (perhaps with a cast) */
    str column;     /* that column, unquoted */
} select_item;

typedef struct select_query {
    span span;
    str text; /* from SELECT to the end */
    const select_item *items;
    size_t item_count;
    table_name source;    /* name empty: none, or more than one plain table */
    span source_span;     /* in `text` coordinates of the worksheet */
    bool has_aggregation; /* GROUP BY, DISTINCT or HAVING stands at the top level */
    bool is_unnest;       /* UNNEST(SELECT …): lists of a row become rows */
} select_query;

/* MERGE INTO target a USING (SELECT …) b ON a.x = b.y … */
typedef struct merge_clause {
    bool is_given;
    const str *target_keys, *source_keys; /* the pairs of ON */
    size_t key_count;
    str delete_condition; /* of WHEN MATCHED AND … THEN DELETE, over the source's names; empty */
    str source_alias;
    const str *values; /* of INSERT (columns) VALUES (values): source columns */
    size_t value_count;
} merge_clause;

/* DuckDB's form of `s`: the source table is replaced by `source_sql` (a parenthesised relation),
 * TIME_FILTER(…) by TRUE, run_start_time() and run_end_time() by the given times, $system columns
 * are quoted, type names of the dialect are kept (DuckDB knows them). `extra_item`, when not empty,
 * is added to the select list. */
NODISCARD bool select_to_sql(arena *a, str worksheet_text, const select_query *s, str source_sql,
                             str extra_item, int64_t run_start_us, int64_t run_end_us, str *ret_sql,
                             error *err);
/* An expression with its $system columns quoted, and UUID_GENERATOR(…) as the key of the row:
 * floe_row_key("_object", "_row"). */
str expression_to_sql(arena *a, str expression);
/* An ad-hoc query for DuckDB: what `select_to_sql` does but for the source, and names of the system
 * catalogs (system.information_schema.jobs, logs.tasks.…) as floe_system has them. */
NODISCARD bool query_to_sql(arena *a, str query, str *ret_sql, error *err);
/* The names that LET gives in a query, in their order; 0 where it does not parse. */
typedef struct select_let {
    str name, expression;
} select_let;
size_t select_lets(arena *a, str query, const select_let **ret);
/* Whether `expression` names the column anywhere (any case). */
bool expression_mentions(str expression, str column);

/* ---- Statements ---- */

typedef struct column_definition {
    str name, type;
    span span;
} column_definition;

typedef struct partition_item {
    str transform; /* "identity", "day", "bucket", … lower case */
    str column;
    int64_t argument;
    span span;
} partition_item;

typedef struct expectation {
    str name, predicate;
    bool drops;
} expectation;

typedef enum statement_kind {
    STATEMENT_CREATE_CONNECTION,
    STATEMENT_ALTER_CONNECTION,
    STATEMENT_DROP_CONNECTION,
    STATEMENT_CREATE_TABLE,
    STATEMENT_ALTER_TABLE,
    STATEMENT_DROP_TABLE,
    STATEMENT_CREATE_VIEW, /* materialized view: `table` names it, `query` fills it */
    STATEMENT_ALTER_VIEW,
    STATEMENT_DROP_VIEW,
    STATEMENT_CREATE_COPY_JOB,
    STATEMENT_CREATE_INSERT_JOB, /* and MERGE */
    STATEMENT_ALTER_JOB,
    STATEMENT_DROP_JOB,
    STATEMENT_PAUSE_JOB,
    STATEMENT_RESUME_JOB,
    STATEMENT_REPLAY_JOB,  /* what was set aside is tried again */
    STATEMENT_EXPLAIN_JOB, /* what its next run will do */
    STATEMENT_PREVIEW_JOB, /* the first rows that its next run would write */
    STATEMENT_SHOW_CREATE, /* `type`: TABLE, JOB, CONNECTION, VIEW */
    STATEMENT_QUERY,       /* SELECT, WITH, DESCRIBE, SHOW, …: DuckDB's */
} statement_kind;

typedef struct statement {
    statement_kind kind;
    span span; /* without the ';' */
    str name;  /* of the connection or job */
    span name_span;
    str type; /* of the connection or COPY source, upper case: S3, FILE, GLUE_CATALOG */
    option_list options;
    table_name table;         /* created or dropped; a job's target */
    bool if_exists;           /* IF [NOT] EXISTS */
    bool is_sync, keeps_data; /* CREATE SYNC …; DROP TABLE … DELETE_DATA = FALSE */
    int64_t limit;            /* of PREVIEW JOB */
    const column_definition *columns;
    size_t column_count;
    const partition_item *partitions;
    size_t partition_count;
    const str *primary_key;
    size_t primary_key_count;
    str connection; /* of COPY FROM */
    span connection_span;
    option_list source_options;
    const expectation *expectations; /* of ALTER JOB: the one to add */
    size_t expectation_count;
    str dropped_expectation; /* ALTER JOB … DROP EXPECTATION; empty: none */
    merge_clause merge;
    span options_end;       /* of CREATE JOB: where one more option may be put */
    span expectations_span; /* all WITH EXPECTATION …, or the place for one */
    bool maps_by_name;
    const str *except; /* MAP_COLUMNS_BY_NAME EXCEPT */
    size_t except_count;
    const str *target_columns; /* INSERT INTO t (a, b) */
    size_t target_column_count;
    select_query query; /* of INSERT and QUERY */
} statement;

typedef struct worksheet {
    str source_name, text;
    const statement *statements;
    size_t count;
} worksheet;

/* Errors name line and column, show the line with a caret, and say what was expected. */
NODISCARD bool worksheet_parse(arena *a, str source_name, str text, worksheet **ret_worksheet,
                               error *err);
/* The text of a CREATE statement with one option set to another value, added, or (value empty)
 * taken out. `s` is what the text parsed to. */
str statement_with_option(arena *a, str text, const statement *s, str name, str value);
str statement_with_expectation(arena *a, str text, const statement *s, const expectation *added,
                               str dropped);
/* The statement in one line: comments gone, blanks folded. Two texts that mean the same thing
 * literally are equal. */
str statement_text(arena *a, const worksheet *w, const statement *s);
/* An error at a place of the worksheet. */
bool worksheet_fail_at(const worksheet *w, span at, error *err, const char *format, ...)
    PRINTF_LIKE(4, 5);
