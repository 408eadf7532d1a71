/* Writing objects to S3: in one request, or in parts that are put together at the end. Source: AWS,
 * "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload". */
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/hash.h"
#include "store/internal.h"
#include "store/s3_internal.h"
#include "store/xml.h"

enum { MOST_SINGLE_BYTES = 16 << 20, MOST_PARTS = 9000 };

/* A write whose answer was lost may have been carried out: is what is there what we wrote? */
static bool is_there_already(s3_client *c, s3_place place, str content, bool *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    http_response r;
    s3_outcome outcome;
    uint64_t size = 0;
    s3_request head = { .method = "HEAD", .place = place, .carries_data = true };
    *ret = false;
    if (!s3_send(c, a, &head, &r, &outcome, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        error_clear(err);
        return true;
    }
    if (!str_to_u64(http_header_of(&r, STR("content-length")), &size) || size != content.len)
        return true;
    char *there = arena_alloc(a, content.len + 1);
    TRY(s3_read_span(c, place, STR(""), 0, there, content.len, err));
    *ret = memcmp(there, content.data, content.len) == 0;
    return true;
}

/* After a failure whose cause may be our own earlier try. */
static bool settle(s3_client *c, s3_place place, str content, const s3_outcome *outcome, error *err)
{
    bool is_ours = false;
    error why = *err;
    if (!outcome->is_uncertain || (err->code != ERR_CONFLICT && err->code != ERR_NOT_FOUND))
        return false;
    error_clear(err);
    if (is_there_already(c, place, content, &is_ours, err) && is_ours)
        return true;
    *err = why;
    return false;
}

static const http_header only_if_new = { STR_INIT("if-none-match"), STR_INIT("*") };

static bool put_single(s3_client *c, s3_place place, str content, bool must_be_new, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    http_response r;
    s3_outcome outcome;
    s3_request q = { .method = "PUT",
                     .place = place,
                     .headers = &only_if_new,
                     .header_count = must_be_new ? 1 : 0,
                     .body = content,
                     .creates = true };
    return s3_send(c, a, &q, &r, &outcome, err) || settle(c, place, content, &outcome, err);
}

/* ---- In parts ---- */

typedef struct upload {
    s3_client *client;
    s3_place place;
    str id, content;
    size_t part_bytes, part_count;
    str *etags; /* each allocated by its part */
    arena **arenas;
} upload;

static str id_query(arena *a, const upload *u, const char *before)
{
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "%suploadId=", before);
    http_escape(&b, u->id, false);
    return strbuf_str(&b);
}

static bool start(upload *u, arena *a, error *err)
{
    static const char *const names[] = { "UploadId" };
    http_response r;
    s3_outcome outcome;
    s3_request q = {
        .method = "POST", .place = u->place, .query = STR("uploads="), .creates = true
    };
    TRY(s3_send(u->client, a, &q, &r, &outcome, err));
    TRY(xml_texts(a, r.body, STR("S3's answer to CreateMultipartUpload"), names, &u->id, 1, err));
    return u->id.len > 0 || fail(err, ERR_CORRUPT, "S3 gave no id for an upload");
}

static bool send_part(void *context, size_t i, error *err)
{
    upload *u = context;
    arena *a = u->arenas[i];
    http_response r;
    s3_outcome outcome;
    size_t from = i * u->part_bytes;
    char number[48];
    snprintf(number, sizeof number, "partNumber=%zu&", i + 1);
    s3_request q = { .method = "PUT",
                     .place = u->place,
                     .query = id_query(a, u, number),
                     .body = str_slice(u->content, from, from + u->part_bytes),
                     .carries_data = true };
    TRY(s3_send(u->client, a, &q, &r, &outcome, err));
    u->etags[i] = http_header_of(&r, STR("etag"));
    return u->etags[i].len > 0 || fail(err, ERR_CORRUPT, "S3 gave no etag for a part");
}

static bool complete(upload *u, arena *a, bool must_be_new, error *err)
{
    strbuf b = strbuf_new(a);
    http_response r;
    s3_outcome outcome;
    strbuf_add_c(&b, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < u->part_count; i++)
        strbuf_format(&b, "<Part><PartNumber>%zu</PartNumber><ETag>" STR_FMT "</ETag></Part>",
                      i + 1, STR_ARG(u->etags[i]));
    strbuf_add_c(&b, "</CompleteMultipartUpload>");
    s3_request q = { .method = "POST",
                     .place = u->place,
                     .query = id_query(a, u, ""),
                     .headers = &only_if_new,
                     .header_count = must_be_new ? 1 : 0,
                     .body = strbuf_str(&b),
                     .carries_data = true };
    return s3_send(u->client, a, &q, &r, &outcome, err) ||
           settle(u->client, u->place, u->content, &outcome, err);
}

static void abandon(upload *u, arena *a)
{
    error ignored = { 0 }; /* the bucket's own rules remove what stays */
    http_response r;
    s3_outcome outcome;
    s3_request q = { .method = "DELETE", .place = u->place, .query = id_query(a, u, "") };
    if (!s3_send(u->client, a, &q, &r, &outcome, &ignored))
        error_clear(&ignored);
}

static bool put_parts(s3_client *c, s3_place place, str content, bool must_be_new, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    upload u = { .client = c, .place = place, .content = content, .part_bytes = S3_PART_BYTES };
    if (content.len / u.part_bytes > MOST_PARTS)
        u.part_bytes = content.len / MOST_PARTS + 1;
    u.part_count = (content.len + u.part_bytes - 1) / u.part_bytes;
    u.etags = arena_array_of(a, str, u.part_count);
    u.arenas = arena_array_of(a, arena *, u.part_count);
    TRY(start(&u, a, err));
    for (size_t i = 0; i < u.part_count; i++)
        u.arenas[i] = arena_new();
    bool works = store_each(u.part_count, S3_PARTS_AT_A_TIME, send_part, &u, err) &&
                 complete(&u, a, must_be_new, err);
    if (!works)
        abandon(&u, a);
    for (size_t i = 0; i < u.part_count; i++)
        arena_free(u.arenas[i]);
    return works;
}

bool s3_put(s3_client *c, s3_place place, str content, bool must_be_new, error *err)
{
    return content.len <= MOST_SINGLE_BYTES ? put_single(c, place, content, must_be_new, err)
                                            : put_parts(c, place, content, must_be_new, err);
}
