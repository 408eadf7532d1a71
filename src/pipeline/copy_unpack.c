/* Packed files for readers that cannot unpack them: DuckDB's CSV and JSON readers know gzip by its
 * name. An unpacked copy stands for the file until the run ends. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "column/inflate.h"
#include "pipeline/copy_internal.h"

static const uint64_t most_unpacked_bytes = 16ull << 30;

static const struct {
    const char *name;
    packing packing;
} compressions[] = {
    { "AUTO", PACKING_AUTO },
    { "NONE", PACKING_NONE },
    { "GZIP", PACKING_GZIP },
    { "ZSTD", PACKING_ZSTD },
    { "BZIP2", PACKING_BZIP2 },
    { "SNAPPY", PACKING_SNAPPY },
    { "SNAPPY_UNFRAMED", PACKING_SNAPPY_BLOCK },
};

bool copy_compression_find(str name, packing *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(compressions); i++)
        if (str_eq_nocase(name, str_of(compressions[i].name))) {
            *ret = compressions[i].packing;
            return true;
        }
    return false;
}

packing copy_packing(const job *j)
{
    const option *o = option_find(j->statement->options, "COMPRESSION");
    packing found;
    return o && copy_compression_find(o->text, &found) ? found : PACKING_AUTO;
}

static bool write_unpacked(inflate_reader *r, FILE *out, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    enum { PIECE = 1 << 20 };
    char *bytes = arena_alloc(a, PIECE);
    uint64_t total = 0;
    for (size_t got = 1; got;) {
        TRY(inflate_read(r, bytes, PIECE, &got, err));
        total += got;
        if (total > most_unpacked_bytes)
            return fail(err, ERR_CORRUPT, "unpacked it is larger than %llu GiB",
                        (unsigned long long)(most_unpacked_bytes >> 30));
        if (fwrite(bytes, 1, got, out) != got)
            return fail_errno(err, "unpacking it into the home's tmp folder");
    }
    return true;
}

bool copy_open_unpacked(copy *c, str *ret_path, FILE **ret_file, error *err)
{
    str folder = str_format(c->arena, STR_FMT "/tmp%c", STR_ARG(home_path(c->job->home)), 0);
    TRY(folder_make(folder.data, err));
    str path = str_format(c->arena, "%s/unpacked-%d-%zu-%zu%c", folder.data, (int)getpid(),
                          (size_t)c->job->record.id, c->unpacked.count, 0);
    path.len--;
    FILE *out = fopen(path.data, "w");
    if (!out)
        return fail_errno(err, "unpacking into %s", path.data);
    vec_push(c->arena, &c->unpacked, path);
    *ret_path = path;
    *ret_file = out;
    return true;
}

bool copy_unpack(copy *c, run_object *o, error *err)
{
    AUTO(inflate_close) inflate_reader *r = NULL;
    packing wanted = copy_packing(c->job);
    TRY(inflate_open(o->path, wanted, &r, err));
    packing is = inflate_packing(r);
    if (is == PACKING_NONE || (is == PACKING_GZIP && str_ends_with(o->path, STR(".gz"))))
        return true;
    str path;
    FILE *out;
    TRY(copy_open_unpacked(c, &path, &out, err));
    bool works = write_unpacked(r, out, err);
    if (fclose(out) != 0 && works)
        works = fail_errno(err, "unpacking into %s", path.data);
    if (!works)
        return false;
    o->path = path;
    o->is_unpacked = true;
    return true;
}

void copy_forget_unpacked(copy *c)
{
    for (size_t i = 0; i < c->unpacked.count; i++)
        unlink(c->unpacked.items[i].data);
    c->unpacked.count = 0;
}
