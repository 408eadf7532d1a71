/* Local copies of remote objects, in one folder of bounded size. */
#pragma once

#include "base/error.h"

/* Thread-safe; several processes may share the folder. Copies are named by a hash of URI and etag.
 */
typedef struct spool spool;

enum { SPOOL_HOLD_SECONDS = 600 }; /* a copy that was handed out stays so long */

/* `limit_bytes` 0: 8 GiB. What crashed processes left half-written is removed. */
NODISCARD bool spool_open(str folder, uint64_t limit_bytes, spool **ret_spool, error *err);
void spool_close(spool *s); /* NULL is fine; the copies stay */

/* The path that a copy of this object has or would have. */
str spool_path(const spool *s, arena *a, str uri, str etag);
/* Whether the copy is there; if so it is marked as used now. When it is not, the caller is the one
 * to make it (others that ask meanwhile wait) and must call spool_made. */
bool spool_find_or_claim(spool *s, str path);
/* The claim is over, whether there is a copy now or not. */
void spool_made(spool *s, str path);

/* Room for `bytes` more: evicts the copies that were not used for the longest time. ERR_LIMIT when
 * what is in use leaves too little. */
NODISCARD bool spool_make_room(spool *s, uint64_t bytes, error *err);
/* A new name in the folder for a file that is being written. */
str spool_new_path(spool *s, arena *a, str name);
void spool_forget(spool *s, str path);
