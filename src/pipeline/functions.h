/* Functions of the dialect that DuckDB does not have by these names, and those for addresses. */
#pragma once

#include "column/sql.h"

/* Once an engine. */
NODISCARD bool functions_register(sql_engine *e, error *err);
