/* What the files that translate a plan to SQL share. */
#pragma once

#include "base/vec.h"
#include "plan/internal.h"

/* What is known of an expression's values before they are there. */
typedef enum sql_type {
    TYPE_ANY,
    TYPE_NULL,
    TYPE_BOOL,
    TYPE_INTEGER,
    TYPE_REAL,
    TYPE_TEXT,
    TYPE_TIME,
    TYPE_VERTEX,
    TYPE_EDGE,
    TYPE_LIST,
} sql_type;

/* A common table expression. */
typedef struct relation {
    int number;
    plan_slots slots;
} relation;

/* A sub-plan for each row: its rows carry the number of the row that they are for. */
typedef struct applied {
    int number;         /* column n<number> */
    relation *argument; /* the rows, numbered */
} applied;

typedef struct sql_translation {
    plan *plan;
    graph *graph;
    strbuf out; /* common table expressions so far */
    int count;
    sql_type types[PLAN_SLOTS_MAX];
    applied applied[8];
    size_t applied_count;
    relation argument; /* of the sub-plan that is being translated */
    error *err;
} sql_translation;

typedef struct sql_expr {
    str text;
    sql_type type;
} sql_expr;

/* ---- sql_expression.c ---- */

bool sql_refuse(sql_translation *t, size_t offset, const char *what);
bool sql_expression(sql_translation *t, const plan_expr *e, sql_expr *ret);
bool sql_literal(sql_translation *t, const plan_expr *e, sql_expr *ret);
bool sql_is_number(sql_type t);
/* Name of the common table expression that holds a label. */
str sql_label(sql_translation *t, bool is_vertex, size_t label);
