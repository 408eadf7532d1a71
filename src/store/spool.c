/* A folder of copies: claims so that each is fetched once, room by age of use. */
#include "store/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"

typedef struct claim {
    struct claim *next;
    str path;
} claim;

struct spool {
    str folder;
    arena *arena;
    uint64_t limit_bytes;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t made;
    claim *claims;
    uint64_t free_bytes; /* room that the last look at the folder left */
    _Atomic unsigned number;
};

/* Files being written are "<pid>-<number>-<name>.part": their process is gone, so are they. */
static void remove_leftovers(const spool *s)
{
    AUTO(arena_free) arena *scratch = arena_new();
    DIR *dir = opendir(str_to_c(scratch, s->folder));
    for (struct dirent *e; dir && (e = readdir(dir));) {
        str name = str_of(e->d_name);
        uint64_t pid;
        if (!str_ends_with(name, STR(".part")) || !str_to_u64(str_cut(&name, '-'), &pid))
            continue;
        if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

bool spool_open(str folder, uint64_t limit_bytes, spool **ret_spool, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    TRY(folder_make(str_to_c(a, folder), err));
    spool *s = memory_alloc(sizeof *s);
    s->folder = str_copy(a, folder);
    s->arena = TAKE(a);
    s->limit_bytes = limit_bytes ? limit_bytes : 8ull << 30;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->made, NULL);
    remove_leftovers(s);
    *ret_spool = s;
    return true;
}

void spool_close(spool *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->made);
    arena_free(s->arena);
    free(s);
}

/* The object's own name stands at the end, in plain characters: readers look at its ending. */
str spool_path(const spool *s, arena *a, str uri, str etag)
{
    enum { NAME_BYTES = 80 };
    strbuf b = strbuf_new(a);
    str key = str_format(a, STR_FMT "\n" STR_FMT, STR_ARG(uri), STR_ARG(etag));
    str name = str_slice(uri, (size_t)(str_rfind_char(uri, '/') + 1), uri.len);
    if (name.len > NAME_BYTES)
        name = str_slice(name, name.len - NAME_BYTES, name.len);
    strbuf_format(&b, STR_FMT "/%016llx%016llx-", STR_ARG(s->folder),
                  (unsigned long long)hash64(key.data, key.len),
                  (unsigned long long)hash64_seeded(key.data, key.len, 1));
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        strbuf_add_char(&b, is_plain ? c : '_');
    }
    return strbuf_str(&b);
}

static bool is_claimed(const spool *s, str path)
{
    for (const claim *c = s->claims; c; c = c->next)
        if (str_eq(c->path, path))
            return true;
    return false;
}

bool spool_find_or_claim(spool *s, str path)
{
    AUTO(arena_free) arena *scratch = arena_new();
    const char *file = str_to_c(scratch, path);
    pthread_mutex_lock(&s->lock);
    while (is_claimed(s, path))
        pthread_cond_wait(&s->made, &s->lock);
    bool is_there = utimensat(AT_FDCWD, file, NULL, 0) == 0;
    if (!is_there) {
        claim *c = memory_alloc(sizeof *c);
        c->path = (str){ memcpy(memory_alloc(path.len + 1), path.data, path.len), path.len };
        c->next = s->claims;
        s->claims = c;
    }
    pthread_mutex_unlock(&s->lock);
    return is_there;
}

void spool_made(spool *s, str path)
{
    pthread_mutex_lock(&s->lock);
    for (claim **at = &s->claims; *at; at = &(*at)->next)
        if (str_eq((*at)->path, path)) {
            claim *c = *at;
            *at = c->next;
            free((void *)(uintptr_t)c->path.data);
            free(c);
            break;
        }
    pthread_cond_broadcast(&s->made);
    pthread_mutex_unlock(&s->lock);
}

/* ---- Room ---- */

typedef struct copy {
    str name;
    uint64_t size_bytes;
    int64_t used_s;
} copy;

static int by_use(const void *x, const void *y)
{
    const copy *p = x, *q = y;
    return (p->used_s > q->used_s) - (p->used_s < q->used_s);
}

/* Look at the folder, evict down to three quarters of the limit (so that not every fetch looks). */
static uint64_t free_by_eviction(const spool *s, uint64_t wanted)
{
    AUTO(arena_free) arena *scratch = arena_new();
    VEC(copy) copies = { 0 };
    uint64_t used = 0, goal = s->limit_bytes - s->limit_bytes / 4;
    DIR *dir = opendir(str_to_c(scratch, s->folder));
    if (!dir)
        return s->limit_bytes;
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), e->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
            continue;
        used += (uint64_t)st.st_size;
        if (!str_ends_with(str_of(e->d_name), STR(".part")))
            vec_push(scratch, &copies,
                     (copy){ str_copy(scratch, str_of(e->d_name)), (uint64_t)st.st_size,
                             st.st_mtim.tv_sec });
    }
    if (copies.count)
        qsort(copies.items, copies.count, sizeof *copies.items, by_use);
    int64_t oldest_s = (int64_t)time(NULL) - SPOOL_HOLD_SECONDS;
    goal = wanted < goal ? goal - wanted : 0;
    if (used + wanted <= s->limit_bytes)
        goal = UINT64_MAX;
    for (size_t i = 0; i < copies.count && used > goal && copies.items[i].used_s < oldest_s; i++)
        if (unlinkat(dirfd(dir), str_to_c(scratch, copies.items[i].name), 0) == 0)
            used -= copies.items[i].size_bytes;
    closedir(dir);
    return used < s->limit_bytes ? s->limit_bytes - used : 0;
}

bool spool_make_room(spool *s, uint64_t bytes, error *err)
{
    pthread_mutex_lock(&s->lock);
    if (s->free_bytes < bytes)
        s->free_bytes = free_by_eviction(s, bytes);
    bool works = s->free_bytes >= bytes;
    uint64_t left = s->free_bytes;
    if (works)
        s->free_bytes -= bytes;
    pthread_mutex_unlock(&s->lock);
    if (works)
        return true;
    return fail(err, ERR_LIMIT,
                "copies of remote objects in use fill " STR_FMT ": %llu bytes are needed, %llu of "
                "%llu are free; raise FLOE_SPOOL_BYTES",
                STR_ARG(s->folder), (unsigned long long)bytes, (unsigned long long)left,
                (unsigned long long)s->limit_bytes);
}

str spool_new_path(spool *s, arena *a, str name)
{
    unsigned number = atomic_fetch_add(&s->number, 1);
    str path = spool_path(s, a, name, STR(""));
    str file = str_slice(path, s->folder.len + 1, path.len);
    return str_format(a, STR_FMT "/%d-%u-" STR_FMT ".part", STR_ARG(s->folder), (int)getpid(),
                      number, STR_ARG(file));
}

void spool_forget(spool *s, str path)
{
    AUTO(arena_free) arena *scratch = arena_new();
    struct stat st;
    const char *file = str_to_c(scratch, path);
    bool is_there = stat(file, &st) == 0 && unlink(file) == 0;
    pthread_mutex_lock(&s->lock);
    if (is_there)
        s->free_bytes += (uint64_t)st.st_size;
    pthread_mutex_unlock(&s->lock);
}
