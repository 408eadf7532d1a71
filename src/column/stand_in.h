/* Table functions that stand in for tables while a query is planned: EXPLAIN then says which
 * conditions reach each table, and nothing is read. */
#pragma once

#include "column/sql.h"

enum { STAND_INS = 16 }; /* floe_stand_in_0 … floe_stand_in_15 */
#define STAND_IN_NAME "floe_stand_in_"

/* The relation of stand-in `number` for columns with these names and SQL types, in parentheses. Its
 * plan calls the columns f0, f1, … Columns of nested types are casts of texts. */
str stand_in_sql(arena *a, size_t number, const str *names, const str *types, size_t count);
/* Once an engine. */
NODISCARD bool stand_in_register(sql_engine *e, error *err);
