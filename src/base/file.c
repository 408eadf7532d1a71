/* Local files. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

/* A file descriptor that closes itself. */
#define AUTO_FD __attribute__((cleanup(close_fd)))
static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

bool file_read(arena *a, const char *path, str *ret_content, error *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail_errno(err, "reading %s", path);
    if (S_ISDIR(st.st_mode))
        return fail(err, ERR_INVALID, "reading %s: it is a folder", path);
    strbuf content = strbuf_new(a);
    strbuf_reserve(&content, (size_t)st.st_size + 1);
    for (;;) {
        strbuf_reserve(&content, 4096);
        ssize_t n = read(fd, content.data + content.len, content.capacity - content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "reading %s", path);
        if (n == 0)
            break;
        content.len += (size_t)n;
    }
    *ret_content = strbuf_str(&content);
    return true;
}

static bool write_all(int fd, str content)
{
    while (content.len) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        content = str_slice(content, (size_t)n, content.len);
    }
    return true;
}

static void folder_of(const char *path, char *folder, size_t size)
{
    snprintf(folder, size, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        snprintf(folder, size, ".");
    else if (slash == folder)
        slash[1] = 0;
    else
        *slash = 0;
}

static bool sync_folder_of(const char *path, error *err)
{
    char folder[4096];
    folder_of(path, folder, sizeof folder);
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fail_errno(err, "syncing folder %s", folder);
    return true;
}

bool file_write_atomic(const char *path, str content, error *err)
{
    char temporary[4096], folder[4096];
    folder_of(path, folder, sizeof folder);
    TRY(folder_make(folder, err));
    int n = snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary)
        return fail(err, ERR_INVALID, "writing %s: the path is too long", path);
    AUTO_FD int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail_errno(err, "writing %s", path);
    if (!write_all(fd, content) || fsync(fd) != 0 || rename(temporary, path) != 0) {
        fail_errno(err, "writing %s", path);
        unlink(temporary);
        return false;
    }
    return sync_folder_of(path, err);
}

bool file_sync(const char *path, error *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fail_errno(err, "syncing %s", path);
    return sync_folder_of(path, err);
}

bool folder_make(const char *path, error *err)
{
    char partial[4096];
    if (strlen(path) >= sizeof partial)
        return fail(err, ERR_INVALID, "making folder %s: the path is too long", path);
    snprintf(partial, sizeof partial, "%s", path);
    for (char *slash = partial + 1;; slash++) {
        slash = strchrnul(slash, '/');
        bool is_last = *slash == 0;
        *slash = 0;
        if (mkdir(partial, 0755) != 0 && errno != EEXIST)
            return fail_errno(err, "making folder %s", path);
        if (is_last)
            break;
        *slash = '/';
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(err, ERR_IO, "making folder %s: a file has that name", path);
    return true;
}

bool folder_remove(const char *path, error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? true : fail_errno(err, "removing %s", path);
    bool is_fine = true;
    for (struct dirent *e; is_fine && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char child[4096];
        struct stat st;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
            is_fine = folder_remove(child, err);
        else if (unlink(child) != 0 && errno != ENOENT)
            is_fine = fail_errno(err, "removing %s", child);
    }
    closedir(dir);
    if (is_fine && rmdir(path) != 0 && errno != ENOENT)
        return fail_errno(err, "removing %s", path);
    return is_fine;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

struct file_map {
    void *data;
    size_t size;
};

bool file_map_open(const char *path, file_map **ret_map, error *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail_errno(err, "mapping %s", path);
    void *data = NULL;
    if (st.st_size > 0) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (data == MAP_FAILED)
            return fail_errno(err, "mapping %s", path);
    }
    file_map *m = memory_alloc(sizeof *m);
    m->data = data;
    m->size = (size_t)st.st_size;
    *ret_map = m;
    return true;
}

str file_map_bytes(const file_map *m)
{
    return (str){ m->data, m->size };
}

void file_map_close(file_map *m)
{
    if (!m)
        return;
    if (m->data)
        munmap(m->data, m->size);
    free(m);
}
