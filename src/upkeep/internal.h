/* What the files of this folder share. */
#pragma once

#include "base/arena.h"
#include "upkeep/upkeep.h"

typedef struct upkeep {
    catalog *catalog;
    sql_engine *engine;
    sql_connection *connection;
    str namespace, name;
    const upkeep_options *options;
    upkeep_report *report;
} upkeep;

bool upkeep_compact(upkeep *u, error *err);
bool upkeep_retain(upkeep *u, error *err);
bool upkeep_rewrite_manifests(upkeep *u, error *err);
bool upkeep_expire(upkeep *u, error *err);
bool upkeep_remove_orphans(upkeep *u, error *err);

/* The option when it is set, else the table's property, else `otherwise`. */
int64_t upkeep_number(int64_t option, const iceberg_table *t, const char *property,
                      int64_t otherwise);
bool upkeep_is_stopped(const upkeep *u);
