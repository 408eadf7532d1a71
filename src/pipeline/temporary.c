/* tmp/<uuid>.lock, locked while its owner lives, and tmp/<uuid>/ with the owner's folders. */
#include "pipeline/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"

struct temporary {
    arena *arena;
    const char *folder; /* shared */
    const char *own;    /* NULL: nothing was asked for yet */
    int lock;           /* file; -1: none */
    int count;
    pthread_mutex_t mutex; /* guards `own`, `lock` and `count` */
};

temporary *temporary_open(str folder)
{
    temporary *t = memory_alloc(sizeof *t);
    t->arena = arena_new();
    t->folder = str_to_c(t->arena, folder);
    t->lock = -1;
    pthread_mutex_init(&t->mutex, NULL);
    return t;
}

static void remove_folder(const char *path)
{
    error ignored = { 0 }; /* what stays is garbage, not harm */
    if (!folder_remove(path, &ignored))
        error_clear(&ignored);
}

void temporary_close(temporary *t)
{
    if (!t)
        return;
    if (t->own) {
        remove_folder(t->own);
        unlink(str_format(t->arena, "%s.lock%c", t->own, 0).data);
        close(t->lock);
    }
    pthread_mutex_destroy(&t->mutex);
    arena_free(t->arena);
    free(t);
}

/* What a process left that was killed: its lock is free. */
static void remove_if_left(temporary *t, str name)
{
    const char *lock = str_format(t->arena, "%s/" STR_FMT "%c", t->folder, STR_ARG(name), 0).data;
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        remove_folder(str_format(t->arena, "%s/" STR_FMT "%c", t->folder,
                                 STR_ARG(str_slice(name, 0, name.len - 5)), 0)
                          .data);
        unlink(lock);
    }
    close(fd);
}

static void remove_left(temporary *t)
{
    DIR *d = opendir(t->folder);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (str_ends_with(str_of(e->d_name), STR(".lock")))
            remove_if_left(t, str_of(e->d_name));
    closedir(d);
}

/* The lock is taken before the name is seen by others: they take it for a dead one's otherwise. */
static bool make_own(temporary *t, error *err)
{
    TRY(folder_make(t->folder, err));
    remove_left(t);
    str uuid = uuid_v4(t->arena);
    const char *hidden =
        str_format(t->arena, "%s/" STR_FMT ".new%c", t->folder, STR_ARG(uuid), 0).data;
    const char *own = str_format(t->arena, "%s/" STR_FMT "%c", t->folder, STR_ARG(uuid), 0).data;
    const char *lock = str_format(t->arena, "%s.lock%c", own, 0).data;
    t->lock = open(hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (t->lock < 0)
        return fail_errno(err, "making %s", hidden);
    if (flock(t->lock, LOCK_EX | LOCK_NB) != 0 || rename(hidden, lock) != 0) {
        fail_errno(err, "making %s", lock);
        close(t->lock);
        t->lock = -1;
        return false;
    }
    t->own = own;
    return true;
}

bool temporary_folder_make(temporary *t, arena *a, str *ret_folder, error *err)
{
    pthread_mutex_lock(&t->mutex);
    bool works = t->own || make_own(t, err);
    if (works)
        *ret_folder = str_format(a, "%s/%d", t->own, t->count++);
    pthread_mutex_unlock(&t->mutex);
    return works && folder_make(str_format(a, STR_FMT "%c", STR_ARG(*ret_folder), 0).data, err);
}
