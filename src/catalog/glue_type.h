/* A table's columns as Glue describes them: what Athena and other readers show. */
#pragma once

#include "base/json.h"
#include "iceberg/table.h"

/* The Hive type that AWS's engines use for it: "bigint", "struct<a:string>". */
str glue_type_text(arena *a, const iceberg_type *type);
/* "StorageDescriptor": its columns with Iceberg's field ids, and the location. */
void glue_put_storage(json_writer *w, arena *a, const iceberg_table *t);
