/* Catalogs that a graph schema describes itself, as PuppyGraph's do: {"name", "metastore": {"type":
 * "embedded" | "rest" | "glue", …}, "storage": {"type": "S3", …}}. */
#pragma once

#include "base/json.h"
#include "pipeline/home.h"

/* The catalog that `schema` (any of its formats, parsed) names; kept open by the home. A name that
 * it does not describe is a connection's. Errors name the JSON path. */
NODISCARD bool schema_catalog_find(home *h, const json_t *schema, str name, catalog **ret_catalog,
                                   error *err);
/* Replace secrets of the descriptions by sealed texts, which only this home can read; false: there
 * was nothing to seal. */
NODISCARD bool schema_catalogs_seal(home *h, json_t *schema, bool *ret_has_changed, error *err);
