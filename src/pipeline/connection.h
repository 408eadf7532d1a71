/* What connections mean for stores and catalogs: their settings, their secrets, the places they
 * serve. */
#pragma once

#include "catalog/catalog.h"
#include "pipeline/home.h"
#include "pipeline/state.h"
#include "worksheet/worksheet.h"

/* Write down a connection. The texts of secret options are sealed with the home's key and stand as
 * '***' in the statement that is kept. `*ret_has_changed` false: it was there, just so.
 * ERR_CONFLICT when another connection has the name; ERR_INVALID for options whose values cannot
 * be. */
NODISCARD bool connection_create(home *h, const statement *s, str text, str root,
                                 bool *ret_has_changed, error *err);

/* Write down another statement for a connection that is there; secrets that stand as '***' in it
 * stay what they were. Catalogs and places of the connection take it from now on. */
NODISCARD bool connection_alter(home *h, const state_connection *c, error *err);

/* Settings of a connection's store, as docs/s3.md names them; in `a`. ERR_NOT_FOUND when there is
 * no such connection, ERR_INVALID when it is not of type S3. */
NODISCARD bool connection_store_options(home *h, arena *a, str name, store_option **ret_options,
                                        size_t *ret_count, error *err);

/* Objects below `prefix_uri` are reached through this S3 connection, now (for a job's source) or,
 * with `is_kept`, also whenever the home is opened (for tables). */
NODISCARD bool connection_serve(home *h, str name, str prefix_uri, bool is_kept, error *err);
/* Apply what was kept; used when a home is opened. Connections that are gone are passed over. */
void connection_serve_kept(home *h);

/* Open the catalog of a GLUE_CATALOG or ICEBERG_REST connection. */
NODISCARD bool connection_open_catalog(home *h, const state_connection *c, catalog **ret_catalog,
                                       error *err);
