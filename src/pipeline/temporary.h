/* Folders for what an SQL engine puts aside, of which several processes may share one home: each
 * has its own, and what a killed one left is removed by the next. */
#pragma once

#include "base/error.h"

/* Thread-safe. */
typedef struct temporary temporary;

/* A place within `folder` (made when a folder is first asked for); what belongs to processes that
 * are gone is deleted then. */
temporary *temporary_open(str folder);
/* Deletes its folders. NULL is fine. */
void temporary_close(temporary *t);
DEFINE_AUTO(temporary, temporary_close)

/* A folder that nobody else has; it ends with `t`. */
NODISCARD bool temporary_folder_make(temporary *t, arena *a, str *ret_folder, error *err);
