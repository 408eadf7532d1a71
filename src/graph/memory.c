/* Big arrays: memory while there is budget, then a file that the system pages in and out. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "graph/internal.h"

enum { HUGE_BYTES = 2 << 20 };

static bool take_file(graph_memory *m, block *b, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    int fd = open(str_to_c(a, m->folder), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)b->bytes) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        errno = why;
        return fail_errno(err, "making room for the graph in " STR_FMT, STR_ARG(m->folder));
    }
    b->data = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    b->is_file = true;
    return b->data != MAP_FAILED ? true : fail_errno(err, "mapping %zu bytes", b->bytes);
}

bool block_take_unset(graph_memory *m, size_t bytes, block *ret, error *err)
{
    *ret = (block){ .bytes = bytes ? bytes : 1 };
    ret->mapped_bytes = ret->bytes;
    if (!budget_take(&m->budget, ret->bytes, err)) {
        if (m->folder.len == 0)
            return false;
        *err = (error){ 0 };
        return take_file(m, ret, err);
    }
    ret->data = reserve_take(ret->bytes, &ret->mapped_bytes);
    ret->is_used = ret->data != NULL;
    if (ret->data)
        return true;
    ret->data = mmap(NULL, ret->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ret->data == MAP_FAILED) {
        budget_give(&m->budget, ret->bytes);
        *ret = (block){ 0 };
        return fail_errno(err, "taking %zu bytes", bytes);
    }
    if (ret->bytes >= 2 * HUGE_BYTES)
        madvise(ret->data, ret->bytes, MADV_HUGEPAGE);
    return true;
}

bool block_take(graph_memory *m, size_t bytes, block *ret, error *err)
{
    TRY(block_take_unset(m, bytes, ret, err));
    if (ret->is_used)
        memset(ret->data, 0, ret->bytes);
    return true;
}

void block_give(graph_memory *m, block *b)
{
    if (!b->data)
        return;
    if (b->is_file || !reserve_give(b->data, b->mapped_bytes))
        munmap(b->data, b->mapped_bytes);
    if (!b->is_file)
        budget_give(&m->budget, b->bytes);
    *b = (block){ 0 };
}
