/* Rows of the home's database: what system tables are made of. */
#pragma once

#include "column/batch.h"
#include "pipeline/state.h"

/* All rows of a SELECT over the home's database (tables floe_…: see state.c); cells as `types` say,
 * row after row. */
NODISCARD bool state_select(state *s, arena *a, const char *sql, const column_type *types,
                            size_t column_count, value **ret_cells, size_t *ret_row_count,
                            error *err);
/* One statement for its effect; parameters are text, binary, numbers or null. */
NODISCARD bool state_execute(state *s, const char *sql, const value *parameters, size_t count,
                             error *err);
