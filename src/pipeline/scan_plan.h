/* Which files of the tables in a query have to be read: by the conditions that reach each table,
 * and as of the snapshot it asks for. */
#pragma once

#include "base/json.h"
#include "catalog/catalog.h"
#include "pipeline/home.h"
#include "worksheet/lexer.h"

/* A table in the text of a query. */
typedef struct table_ref {
    span name;          /* in the text */
    span at;            /* AT (unit => expression), or empty */
    span at_expression; /* in it */
    bool is_at_time;    /* AT (TIMESTAMP => …); else an id, branch, tag or time */
    bool has_alias;
    str catalog_name;
    catalog_entry entry;
    catalog *catalog;
    iceberg_table *table;
    const iceberg_snapshot *snapshot; /* NULL: the current one, if any */
    iceberg_scan scan;
    bool is_pruned; /* has `scan`; else the engine's view of the whole table serves */
    size_t condition_count;
    str target; /* what stands in place of the name */
} table_ref;

typedef struct scan_plan {
    home *home;
    sql_connection *connection;
    arena *arena;
    str sql;
    const token *tokens;
    size_t token_count;
    table_ref *refs; /* in the order of the text */
    size_t ref_count;
    bool has_as_of;
    /* What else the query names, for views to be made of: its other tables, or (with `shows_all`)
     * whatever its text mentions. */
    str others;
    bool shows_all;
} scan_plan;

/* Find the tables in `sql`. Cannot fail: of what it cannot read, all is to be shown. */
void scan_plan_find(home *h, sql_connection *c, arena *a, str sql, scan_plan *ret);
/* Plan each of them and give the query over the files that are left. */
NODISCARD bool scan_plan_make(scan_plan *p, str *ret_sql, error *err);
/* What is read of table `i`: "reads 3 of 100 files (2 conditions)". */
str scan_plan_text(const scan_plan *p, size_t i);

/* ---- plan_condition.c ---- */

/* Conditions that hold for every row of stand-in `number` in a plan (EXPLAIN's JSON), as predicates
 * on the columns of `schema`. What cannot be told is left out; a stand-in that the plan reads twice
 * has none. */
void plan_conditions(arena *a, const json_t *plan, size_t number, const iceberg_schema *schema,
                     iceberg_predicate **ret, size_t *ret_count);
