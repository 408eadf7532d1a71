/* Objects by URI: list, read, write, delete. `file:` is here; other schemes are files beside it. */
#pragma once

#include "base/error.h"

/* A place that objects live in. Thread-safe.
 * URIs: "file:///absolute/path" (also a plain absolute path); other schemes as they are added to
 * `store_open`. */
typedef struct store store;

typedef struct store_object {
    str uri; /* whole */
    uint64_t size_bytes;
    int64_t modified_us; /* wall clock, UTC */
    str etag; /* changes whenever the content does; for files: size, modification time and inode */
} store_object;

/* Called for each object in name order; the object is valid during the call. Return false to stop
 * with its error. */
typedef bool (*store_visit)(void *context, const store_object *object, error *err);

/* The store that serves `uri`'s scheme. ERR_INVALID for an unknown scheme (names those that are
 * known). */
NODISCARD bool store_open(str uri, store **ret_store, error *err);
void store_close(store *s);
DEFINE_AUTO(store, store_close)

/* All objects below `prefix_uri` (ending in '/' or not), recursively. ERR_NOT_FOUND when the folder
 * is missing. Hidden names (starting with '.' or '_') and names ending in ".tmp" are passed over.
 */
NODISCARD bool store_list(store *s, str prefix_uri, store_visit visit, void *context, error *err);
NODISCARD bool store_stat(store *s, arena *a, str uri, store_object *ret_object, error *err);
NODISCARD bool store_read(store *s, arena *a, str uri, str *ret_content, error *err);
NODISCARD bool store_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len,
                                error *err);
/* Durable and all or nothing. `store_write_new` fails with ERR_CONFLICT when the object exists. */
NODISCARD bool store_write(store *s, str uri, str content, error *err);
NODISCARD bool store_write_new(store *s, str uri, str content, error *err);
NODISCARD bool store_delete(store *s, str uri, error *err); /* fine when absent */

/* The local path that DuckDB reads: of a file URI its path, of others a spooled copy (later).
 * Borrowed or in `a`. */
NODISCARD bool store_local_path(store *s, arena *a, str uri, str *ret_path, error *err);
/* "file:///a/b" of "/a/b" or "a/b" (made absolute). */
str store_uri_of_path(arena *a, str path);
/* The path of a file URI or plain path; the URI itself when it has another scheme. */
str store_path_of_uri(str uri);
