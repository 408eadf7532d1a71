/* Local files: whole reads, atomic writes that survive a power cut, memory maps. */
#pragma once

#include "base/error.h"

NODISCARD bool file_read(arena *a, const char *path, str *ret_content, error *err);
/* Write to a temporary name in the same folder, fsync, rename, fsync the folder. Folders are made.
 */
NODISCARD bool file_write_atomic(const char *path, str content, error *err);
NODISCARD bool file_sync(const char *path, error *err);   /* fsync the file and its folder */
NODISCARD bool folder_make(const char *path, error *err); /* with parents; fine when it exists */
NODISCARD bool folder_remove(const char *path,
                             error *err); /* with everything in it; fine when absent */
bool file_exists(const char *path);

/* A read-only map of a whole file. */
typedef struct file_map file_map;
NODISCARD bool file_map_open(const char *path, file_map **ret_map, error *err);
str file_map_bytes(const file_map *m);
void file_map_close(file_map *m);
DEFINE_AUTO(file_map, file_map_close)
