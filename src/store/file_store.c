/* Objects that are local files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/internal.h"

static const char *path_of(arena *a, str uri)
{
    return str_to_c(a, store_path_of_uri(uri));
}

static store_object object_of(arena *a, const char *path, const struct stat *st)
{
    int64_t modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
    return (store_object){ .uri = str_format(a, "file://%s", path),
                           .size_bytes = (uint64_t)st->st_size,
                           .modified_us = modified_us,
                           .etag =
                               str_format(a, "%llx-%llx-%llx", (unsigned long long)st->st_size,
                                          (unsigned long long)st->st_mtim.tv_sec * 1000000000ull +
                                              (unsigned long long)st->st_mtim.tv_nsec,
                                          (unsigned long long)st->st_ino) };
}

static int is_listed(const struct dirent *e)
{
    str name = str_of(e->d_name);
    return name.data[0] != '.' && name.data[0] != '_' && !str_ends_with(name, STR(".tmp"));
}

enum { DEEPEST_FOLDER = 64 };

static bool visit_folder(const char *folder, int depth, store_visit visit, void *context,
                         error *err);

static bool visit_entry(const char *path, int depth, store_visit visit, void *context, error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) /* gone meanwhile, or a link to nowhere */
        return errno == ENOENT ? true : fail_errno(err, "listing %s", path);
    if (S_ISDIR(st.st_mode))
        return visit_folder(path, depth + 1, visit, context, err);
    if (!S_ISREG(st.st_mode))
        return true;
    AUTO(arena_free) arena *scratch = arena_new();
    store_object object = object_of(scratch, path, &st);
    return visit(context, &object, err);
}

static bool visit_folder(const char *folder, int depth, store_visit visit, void *context,
                         error *err)
{
    struct dirent **entries = NULL;
    if (depth > DEEPEST_FOLDER)
        return fail(err, ERR_INVALID, "listing %s: folders are nested more than %d deep", folder,
                    DEEPEST_FOLDER);
    int count = scandir(folder, &entries, is_listed, alphasort);
    if (count < 0)
        return fail_errno(err, "listing folder %s", folder);
    bool works = true;
    size_t len = strlen(folder);
    for (int i = 0; i < count; i++) {
        AUTO(arena_free) arena *scratch = arena_new();
        const char *slash = len && folder[len - 1] == '/' ? "" : "/";
        works =
            works &&
            visit_entry(str_format(scratch, "%s%s%s%c", folder, slash, entries[i]->d_name, 0).data,
                        depth, visit, context, err);
        free(entries[i]);
    }
    free(entries);
    return works;
}

static bool file_list(store *s, str prefix_uri, store_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const char *path = path_of(scratch, prefix_uri);
    struct stat st;
    if (stat(path, &st) != 0)
        return fail_errno(err, "listing %s", path);
    return S_ISDIR(st.st_mode) ? visit_folder(path, 0, visit, context, err)
                               : visit_entry(path, 0, visit, context, err);
}

static bool file_stat(store *s, arena *a, str uri, store_object *ret_object, error *err)
{
    const char *path = path_of(a, uri);
    struct stat st;
    if (stat(path, &st) != 0)
        return fail_errno(err, "looking at %s", path);
    *ret_object = object_of(a, path, &st);
    return true;
}

static bool file_read_whole(store *s, arena *a, str uri, str *ret_content, error *err)
{
    return file_read(a, path_of(a, uri), ret_content, err);
}

static bool file_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len,
                            error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const char *path = path_of(scratch, uri);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "reading %s", path);
    size_t got = 0;
    ssize_t n = 1;
    while (got < len && n > 0) {
        n = pread(fd, (char *)ret_bytes + got, len - got, (off_t)(offset + got));
        got += n > 0 ? (size_t)n : 0;
    }
    bool works = n < 0       ? fail_errno(err, "reading %s", path)
                 : got < len ? fail(err, ERR_CORRUPT, "reading %s: it ends at byte %llu", path,
                                    (unsigned long long)(offset + got))
                             : true;
    close(fd);
    return works;
}

/* Written beside its name and linked to it: of two writers one gets the name. */
static bool write_new(const char *path, str content, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    static _Atomic unsigned number;
    const char *written =
        str_format(scratch, "%s.%d-%u.new.tmp%c", path, (int)getpid(), number++, 0).data;
    if (file_exists(path))
        return fail(err, ERR_CONFLICT, "writing %s: it exists already", path);
    TRY(file_write_atomic(written, content, err));
    bool works = link(written, path) == 0;
    bool is_there = !works && errno == EEXIST;
    if (is_there)
        fail(err, ERR_CONFLICT, "writing %s: it exists already", path);
    else if (!works)
        fail_errno(err, "writing %s", path);
    unlink(written);
    return works && file_sync(path, err);
}

static bool file_write(store *s, str uri, str content, bool must_be_new, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    (void)s;
    const char *path = path_of(scratch, uri);
    return must_be_new ? write_new(path, content, err) : file_write_atomic(path, content, err);
}

static bool file_delete(store *s, str uri, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const char *path = path_of(scratch, uri);
    if (unlink(path) != 0 && errno != ENOENT)
        return fail_errno(err, "deleting %s", path);
    return true;
}

static bool file_delete_many(store *s, const str *uris, size_t count, error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(file_delete(s, uris[i], err));
    return true;
}

static bool file_list_folders(store *s, str uri, store_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    (void)s;
    struct dirent **entries = NULL;
    const char *folder = path_of(scratch, uri);
    int count = scandir(folder, &entries, is_listed, alphasort);
    if (count < 0)
        return fail_errno(err, "listing folder %s", folder);
    bool works = true;
    size_t len = strlen(folder);
    const char *slash = len && folder[len - 1] == '/' ? "" : "/";
    for (int i = 0; i < count; i++) {
        struct stat st;
        str path = str_format(scratch, "%s%s%s%c", folder, slash, entries[i]->d_name, 0);
        if (works && stat(path.data, &st) == 0 && S_ISDIR(st.st_mode)) {
            store_object o = { .uri = str_format(scratch, "file://%s/", path.data) };
            works = visit(context, &o, err);
        }
        free(entries[i]);
    }
    free(entries);
    return works;
}

static bool file_local_path(store *s, arena *a, str uri, str etag, str *ret_path, error *err)
{
    (void)s;
    (void)a;
    (void)etag;
    (void)err;
    *ret_path = store_path_of_uri(uri);
    return true;
}

static void file_local_forget(store *s, str uri, str etag)
{
    (void)s;
    (void)uri;
    (void)etag;
}

static bool file_local_target(store *s, arena *a, str uri, str *ret_path, error *err)
{
    (void)s;
    str path = store_path_of_uri(uri);
    *ret_path = path;
    return folder_make(str_to_c(a, str_slice(path, 0, (size_t)str_rfind_char(path, '/'))), err);
}

static bool file_publish(store *s, str uri, str path, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    (void)s;
    (void)uri;
    return file_sync(str_to_c(scratch, path), err);
}

const store_kind store_file_kind = { .schemes = { "file" },
                                     .list = file_list,
                                     .list_folders = file_list_folders,
                                     .stat = file_stat,
                                     .read = file_read_whole,
                                     .read_range = file_read_range,
                                     .write = file_write,
                                     .delete = file_delete,
                                     .delete_many = file_delete_many,
                                     .local_path = file_local_path,
                                     .local_forget = file_local_forget,
                                     .local_target = file_local_target,
                                     .publish = file_publish };
