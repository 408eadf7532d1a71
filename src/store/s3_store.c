/* Objects of S3 and of servers that speak its protocol. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/vec.h"
#include "store/internal.h"
#include "store/s3_internal.h"
#include "store/spool.h"

enum { MOST_READ_BYTES = 1 << 30 };

/* The client and place of a URI. */
static bool find(store *s, str uri, s3_client **ret_client, s3_place *ret_place, error *err)
{
    TRY(s3_place_of(uri, ret_place, err));
    return store_s3_client(s, uri, ret_client, err);
}

static str scheme_of(str uri)
{
    return str_slice(uri, 0, (size_t)str_find(uri, STR("://")));
}

/* ---- Looking ---- */

static const struct month {
    char name[4];
} months[] = { { "Jan" }, { "Feb" }, { "Mar" }, { "Apr" }, { "May" }, { "Jun" },
               { "Jul" }, { "Aug" }, { "Sep" }, { "Oct" }, { "Nov" }, { "Dec" } };

/* "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110, section 5.6.7); 0 for anything else. */
static int64_t http_time(str text)
{
    uint64_t day, year, hour, minute, second;
    if (text.len != 29 || !str_to_u64(str_slice(text, 5, 7), &day) ||
        !str_to_u64(str_slice(text, 12, 16), &year) ||
        !str_to_u64(str_slice(text, 17, 19), &hour) ||
        !str_to_u64(str_slice(text, 20, 22), &minute) ||
        !str_to_u64(str_slice(text, 23, 25), &second) || day < 1 || day > 31)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(months); i++)
        if (str_eq(str_slice(text, 8, 11), str_of(months[i].name)))
            return ((int64_t)clock_days_of((int)year, (int)i + 1, (int)day) * 86400 +
                    (int64_t)(hour * 3600 + minute * 60 + second)) *
                   1000000;
    return 0;
}

static bool head(s3_client *c, arena *a, str uri, s3_place place, store_object *ret, error *err)
{
    http_response r;
    s3_outcome outcome;
    s3_request q = { .method = "HEAD", .place = place, .carries_data = true };
    TRY(s3_send(c, a, &q, &r, &outcome, err));
    str etag = http_header_of(&r, STR("etag"));
    *ret = (store_object){ .uri = str_copy(a, uri),
                           .modified_us = http_time(http_header_of(&r, STR("last-modified"))),
                           .etag = etag.len > 1 && etag.data[0] == '"'
                                       ? str_slice(etag, 1, etag.len - 1)
                                       : etag };
    if (!str_to_u64(http_header_of(&r, STR("content-length")), &ret->size_bytes))
        return fail(err, ERR_CORRUPT, "HEAD " STR_FMT ": no Content-Length", STR_ARG(uri));
    return true;
}

static bool s3_stat(store *s, arena *a, str uri, store_object *ret_object, error *err)
{
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_place place;
    TRY(find(s, uri, &c, &place, err));
    return head(c, a, uri, place, ret_object, err);
}

typedef struct filter {
    size_t prefix_len; /* of the URI */
    store_visit visit;
    void *context;
    size_t count;
    bool is_folders;
} filter;

static bool pass(void *context, const store_object *o, error *err)
{
    filter *f = context;
    str below = str_slice(o->uri, f->prefix_len, o->uri.len);
    bool is_folder = str_ends_with(o->uri, STR("/"));
    f->count++;
    if (is_folder != f->is_folders || store_is_hidden(below))
        return true;
    return f->visit(f->context, o, err);
}

/* S3 knows prefixes only: a folder is the prefix with '/' at its end. */
static bool list_folder(store *s, str uri, bool has_folders, store_visit visit, void *context,
                        size_t *ret_count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_listing l = { .scheme = scheme_of(uri), .has_folders = has_folders };
    TRY(find(s, uri, &c, &l.place, err));
    str key = l.place.key;
    if (key.len && key.data[key.len - 1] != '/')
        l.place.key = str_format(a, STR_FMT "/", STR_ARG(key));
    filter f = { .prefix_len = l.scheme.len + 4 + l.place.bucket.len + l.place.key.len,
                 .visit = visit,
                 .context = context,
                 .is_folders = has_folders };
    TRY(s3_list(c, &l, pass, &f, err));
    *ret_count = f.count;
    return true;
}

static bool s3_list_uri(store *s, str uri, store_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    size_t count;
    s3_place place;
    store_object o;
    TRY(s3_place_of(uri, &place, err));
    TRY(list_folder(s, uri, false, visit, context, &count, err));
    if (count || place.key.len == 0)
        return true;
    if (str_ends_with(uri, STR("/")))
        return fail(err, ERR_NOT_FOUND, "listing " STR_FMT ": there are no objects", STR_ARG(uri));
    return s3_stat(s, a, uri, &o, err) && visit(context, &o, err);
}

static bool s3_list_folders(store *s, str uri, store_visit visit, void *context, error *err)
{
    size_t count;
    return list_folder(s, uri, true, visit, context, &count, err);
}

/* ---- Reading ---- */

typedef struct span_read {
    s3_client *client;
    s3_place place;
    str etag;
    uint64_t offset;
    char *into;
    size_t len;
} span_read;

static bool read_part(void *context, size_t i, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const span_read *s = context;
    http_response r;
    s3_outcome outcome;
    size_t from = i * S3_PART_BYTES;
    size_t len = s->len - from < S3_PART_BYTES ? s->len - from : S3_PART_BYTES;
    s3_request q = { .method = "GET",
                     .place = s->place,
                     .into = s->into + from,
                     .into_bytes = len,
                     .offset = s->offset + from,
                     .etag = s->etag,
                     .carries_data = true };
    return s3_send(s->client, a, &q, &r, &outcome, err);
}

bool s3_read_span(s3_client *c, s3_place place, str etag, uint64_t offset, void *ret_bytes,
                  size_t len, error *err)
{
    span_read s = { c, place, etag, offset, ret_bytes, len };
    size_t parts = (len + S3_PART_BYTES - 1) / S3_PART_BYTES;
    return store_each(parts, S3_PARTS_AT_A_TIME, read_part, &s, err);
}

static bool s3_read(store *s, arena *a, str uri, str *ret_content, error *err)
{
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_place place;
    http_response r;
    s3_outcome outcome;
    TRY(find(s, uri, &c, &place, err));
    s3_request q = {
        .method = "GET", .place = place, .most_body_bytes = MOST_READ_BYTES, .carries_data = true
    };
    TRY(s3_send(c, a, &q, &r, &outcome, err));
    *ret_content = r.body;
    return true;
}

static bool s3_read_range(store *s, str uri, uint64_t offset, void *ret_bytes, size_t len,
                          error *err)
{
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_place place;
    TRY(find(s, uri, &c, &place, err));
    return s3_read_span(c, place, STR(""), offset, ret_bytes, len, err);
}

/* ---- Writing ---- */

static bool s3_write(store *s, str uri, str content, bool must_be_new, error *err)
{
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_place place;
    TRY(find(s, uri, &c, &place, err));
    return s3_put(c, place, content, must_be_new, err);
}

static bool s3_delete(store *s, str uri, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(s3_client_unref) s3_client *c = NULL;
    http_response r;
    s3_outcome outcome;
    s3_request q = { .method = "DELETE" };
    TRY(find(s, uri, &c, &q.place, err));
    if (s3_send(c, a, &q, &r, &outcome, err))
        return true;
    if (!str_eq(outcome.code, STR("NoSuchKey")))
        return false;
    error_clear(err);
    return true;
}

/* Runs of URIs of one bucket and one client go in one request. */
static bool s3_delete_many(store *s, const str *uris, size_t count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    for (size_t i = 0; i < count;) {
        AUTO(s3_client_unref) s3_client *c = NULL;
        s3_place first, place;
        VEC(str) keys = { 0 };
        TRY(find(s, uris[i], &c, &first, err));
        for (; i < count; i++) {
            AUTO(s3_client_unref) s3_client *other = NULL;
            TRY(find(s, uris[i], &other, &place, err));
            if (other != c || !str_eq(place.bucket, first.bucket))
                break;
            vec_push(a, &keys, place.key);
        }
        TRY(s3_delete_batch(c, first.bucket, keys.items, keys.count, err));
    }
    return true;
}

/* ---- Local copies ---- */

/* Read the object into a file of its size; room on the disk is taken first, so that no write into
 * the map can fail. */
static bool fetch_into(s3_client *c, s3_place place, const store_object *o, const char *path,
                       error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(err, "making %s", path);
    bool works = true;
    if (o->size_bytes) {
        int code = posix_fallocate(fd, 0, (off_t)o->size_bytes);
        errno = code;
        void *map = code ? MAP_FAILED
                         : mmap(NULL, o->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            works =
                fail_errno(err, "making %s of %llu bytes", path, (unsigned long long)o->size_bytes);
        else
            works = s3_read_span(c, place, o->etag, 0, map, o->size_bytes, err);
        if (map != MAP_FAILED)
            munmap(map, o->size_bytes);
    }
    close(fd);
    return works;
}

/* A listing may be ahead of what can be read for a moment. */
static bool head_again(s3_client *c, arena *a, str uri, s3_place place, bool was_listed,
                       store_object *ret, error *err)
{
    retry again = retry_start(was_listed ? 6 : 1, 10);
    while (!head(c, a, uri, place, ret, err)) {
        if (err->code != ERR_NOT_FOUND || !retry_again(&again, 0))
            return false;
        error_clear(err);
    }
    return true;
}

static bool fetch(store *s, spool *spool, str uri, str etag, str path, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(s3_client_unref) s3_client *c = NULL;
    s3_place place;
    store_object o;
    TRY(find(s, uri, &c, &place, err));
    TRY(head_again(c, a, uri, place, etag.len > 0, &o, err));
    if (etag.len && !str_eq(etag, o.etag))
        return fail(err, ERR_CONFLICT, STR_FMT " has changed since it was listed", STR_ARG(uri));
    TRY(spool_make_room(spool, o.size_bytes, err));
    const char *part = str_to_c(a, spool_new_path(spool, a, uri));
    bool works = fetch_into(c, place, &o, part, err);
    if (works && rename(part, str_to_c(a, path)) != 0)
        works = fail_errno(err, "renaming %s", part);
    if (!works)
        unlink(part);
    return works;
}

static bool s3_local_path(store *s, arena *a, str uri, str etag, str *ret_path, error *err)
{
    spool *spool;
    TRY(store_spool(s, &spool, err));
    str path = spool_path(spool, a, uri, etag);
    if (!spool_find_or_claim(spool, path)) {
        bool works = fetch(s, spool, uri, etag, path, err);
        spool_made(spool, path);
        TRY(works);
    }
    *ret_path = path;
    return true;
}

static void s3_local_forget(store *s, str uri, str etag)
{
    AUTO(arena_free) arena *a = arena_new();
    spool *spool;
    error ignored = { 0 };
    if (store_spool(s, &spool, &ignored))
        spool_forget(spool, spool_path(spool, a, uri, etag));
}

static bool s3_local_target(store *s, arena *a, str uri, str *ret_path, error *err)
{
    spool *spool;
    TRY(store_spool(s, &spool, err));
    *ret_path = spool_new_path(spool, a, uri);
    return true;
}

/* Upload, then keep the file as the object's copy. */
static bool s3_publish(store *s, str uri, str path, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(s3_client_unref) s3_client *c = NULL;
    AUTO(file_map_close) file_map *map = NULL;
    s3_place place;
    spool *spool;
    error full = { 0 };
    const char *file = str_to_c(a, path);
    TRY(find(s, uri, &c, &place, err));
    TRY(store_spool(s, &spool, err));
    TRY(file_map_open(file, &map, err));
    TRY(s3_put(c, place, file_map_bytes(map), false, err));
    bool is_kept = spool_make_room(spool, file_map_bytes(map).len, &full) &&
                   rename(file, str_to_c(a, spool_path(spool, a, uri, STR("")))) == 0;
    if (!is_kept)
        unlink(file);
    return true;
}

const store_kind store_s3_kind = { .schemes = { "s3", "s3a", "s3n" },
                                   .list = s3_list_uri,
                                   .list_folders = s3_list_folders,
                                   .stat = s3_stat,
                                   .read = s3_read,
                                   .read_range = s3_read_range,
                                   .write = s3_write,
                                   .delete = s3_delete,
                                   .delete_many = s3_delete_many,
                                   .local_path = s3_local_path,
                                   .local_forget = s3_local_forget,
                                   .local_target = s3_local_target,
                                   .publish = s3_publish };
