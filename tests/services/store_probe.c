/* The store by itself, for tests and measurements: one operation a run, result on stdout.
 *
 *     store_probe [-o key=value]… [-s spool] OPERATION URI [argument]…                           */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "store/sqs.h"
#include "store/store.h"

typedef struct call {
    store *store;
    arena *arena;
    str uri;
    char **arguments;
    int count;
    const store_option *options;
    size_t option_count;
} call;

static bool print_object(void *context, const store_object *o, error *err)
{
    (void)context;
    (void)err;
    printf(STR_FMT "\t%" PRIu64 "\t" STR_FMT "\n", STR_ARG(o->uri), o->size_bytes,
           STR_ARG(o->etag));
    return true;
}

static bool keep_object(void *context, const store_object *o, error *err)
{
    (void)err;
    call *c = context;
    (void)o;
    c->count++;
    return true;
}

static bool list(call *c, error *err)
{
    return store_list(c->store, c->uri, print_object, c, err);
}

static bool folders(call *c, error *err)
{
    return store_list_folders(c->store, c->uri, print_object, c, err);
}

/* URI and further prefixes, at the same time; prints how many objects there are. */
static bool count_many(call *c, error *err)
{
    str *prefixes = arena_array_of(c->arena, str, c->count + 1);
    size_t count = (size_t)c->count + 1;
    prefixes[0] = c->uri;
    for (int i = 0; i < c->count; i++)
        prefixes[i + 1] = str_of(c->arguments[i]);
    c->count = 0;
    TRY(store_list_many(c->store, prefixes, count, keep_object, c, err));
    printf("%d\n", c->count);
    return true;
}

static bool stat_object(call *c, error *err)
{
    store_object o;
    return store_stat(c->store, c->arena, c->uri, &o, err) && print_object(NULL, &o, err);
}

static bool read_object(call *c, error *err)
{
    str content;
    TRY(store_read(c->store, c->arena, c->uri, &content, err));
    fwrite(content.data, 1, content.len, stdout);
    return true;
}

static bool read_range(call *c, error *err)
{
    uint64_t offset = strtoull(c->arguments[0], NULL, 10);
    size_t len = strtoull(c->arguments[1], NULL, 10);
    char *bytes = malloc(len + 1);
    TRY(store_read_range(c->store, c->uri, offset, bytes, len, err));
    fwrite(bytes, 1, len, stdout);
    free(bytes);
    return true;
}

/* Reads the whole object N times into memory; prints bytes per second. */
static bool measure(call *c, error *err)
{
    store_object o;
    TRY(store_stat(c->store, c->arena, c->uri, &o, err));
    char *bytes = malloc(o.size_bytes + 1);
    int times = atoi(c->arguments[0]);
    memset(bytes, 0, o.size_bytes);
    uint64_t start = clock_monotonic_us();
    for (int i = 0; i < times; i++)
        TRY(store_read_range(c->store, c->uri, 0, bytes, o.size_bytes, err));
    uint64_t us = clock_monotonic_us() - start;
    printf("%.0f\n", (double)o.size_bytes * times * 1e6 / (double)us);
    free(bytes);
    return true;
}

/* Lists the bucket twice a second for N seconds. */
static bool watch(call *c, error *err)
{
    uint64_t end = clock_monotonic_us() + strtoull(c->arguments[0], NULL, 10) * 1000000;
    while (clock_monotonic_us() < end) {
        TRY(store_list(c->store, c->uri, keep_object, c, err));
        usleep(500000);
    }
    return true;
}

/* The URI is a queue: prints the objects that its messages tell of and deletes these, until there
 * are none. */
static bool drain(call *c, error *err)
{
    AUTO(sqs_close) sqs_queue *q = NULL;
    sqs_message *messages;
    size_t count;
    TRY(sqs_open(c->uri, c->options, c->option_count, &q, err));
    do {
        TRY(sqs_receive(q, c->arena, 1, &messages, &count, err));
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < messages[i].object_count; k++)
                TRY(print_object(NULL, &messages[i].objects[k], err));
        TRY(sqs_delete(q, messages, count, err));
    } while (count);
    return true;
}

static bool write_object(call *c, error *err)
{
    return store_write(c->store, c->uri, str_of(c->arguments[0]), err);
}

static bool write_new(call *c, error *err)
{
    return store_write_new(c->store, c->uri, str_of(c->arguments[0]), err);
}

static bool put_file(call *c, error *err)
{
    str content, path;
    TRY(file_read(c->arena, c->arguments[0], &content, err));
    TRY(store_local_target(c->store, c->arena, c->uri, &path, err));
    TRY(file_write_atomic(str_to_c(c->arena, path), content, err));
    return store_publish(c->store, c->uri, path, err);
}

static bool put_new_file(call *c, error *err)
{
    str content;
    TRY(file_read(c->arena, c->arguments[0], &content, err));
    return store_write_new(c->store, c->uri, content, err);
}

static bool delete_objects(call *c, error *err)
{
    str *uris = arena_array_of(c->arena, str, c->count + 1);
    uris[0] = c->uri;
    for (int i = 0; i < c->count; i++)
        uris[i + 1] = str_of(c->arguments[i]);
    return store_delete_many(c->store, uris, (size_t)c->count + 1, err);
}

static bool local(call *c, error *err)
{
    str path;
    TRY(store_local_path(c->store, c->arena, c->uri, &path, err));
    printf(STR_FMT "\n", STR_ARG(path));
    return true;
}

static bool local_version(call *c, error *err)
{
    str path;
    store_object o = { .uri = c->uri, .etag = str_of(c->arguments[0]) };
    TRY(store_local_copy(c->store, c->arena, &o, &path, err));
    printf(STR_FMT "\n", STR_ARG(path));
    return true;
}

static const struct operation {
    const char *name;
    int arguments;
    bool (*run)(call *c, error *err);
} operations[] = { { "list", 0, list },
                   { "folders", 0, folders },
                   { "count", 0, count_many },
                   { "stat", 0, stat_object },
                   { "read", 0, read_object },
                   { "range", 2, read_range },
                   { "measure", 1, measure },
                   { "watch", 1, watch },
                   { "drain", 0, drain },
                   { "write", 1, write_object },
                   { "write-new", 1, write_new },
                   { "put", 1, put_file },
                   { "put-new", 1, put_new_file },
                   { "delete", 0, delete_objects },
                   { "local", 0, local },
                   { "local-version", 1, local_version } };

int main(int argc, char **argv)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(store_close) store *s = NULL;
    VEC(store_option) options = { 0 };
    str spool = STR("");
    error err = { 0 };
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        str value = str_of(argv[i + 1]);
        if (argv[i][1] == 's')
            spool = value;
        else
            vec_push(a, &options, (store_option){ str_cut(&value, '='), value });
    }
    const char *limit = getenv("FLOE_SPOOL_BYTES");
    bool works = store_open_spooled(spool, limit ? strtoull(limit, NULL, 10) : 0, &s, &err) &&
                 (options.count == 0 ||
                  store_set_options(s, STR("s3://"), options.items, options.count, &err));
    bool is_known = false;
    for (size_t k = 0; works && i + 1 < argc && k < ARRAY_LEN(operations); k++)
        if (str_eq(str_of(argv[i]), str_of(operations[k].name)) &&
            argc - i - 2 >= operations[k].arguments) {
            call c = {
                s, a, str_of(argv[i + 1]), argv + i + 2, argc - i - 2, options.items, options.count
            };
            is_known = true;
            works = operations[k].run(&c, &err);
        }
    if (works && !is_known)
        works = fail(&err, ERR_INVALID, "usage: store_probe [-o key=value] OPERATION URI …");
    if (!works)
        fprintf(stderr, "%s %s\n", error_code_name(err.code), err.message);
    return works ? 0 : 1;
}
