/* Requests to S3: addresses, signatures, tries, and errors in words. */
#include "store/s3_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/credentials.h"
#include "store/s3_encryption.h"
#include "store/xml.h"

/* A bucket that turned out to live in another region. */
typedef struct bucket_region {
    str bucket, region;
} bucket_region;

struct s3_client {
    _Atomic int refs;
    http_client *http;
    credentials *credentials;
    arena *arena;
    str endpoint; /* without '/' at the end; empty: AWS's own */
    str region;
    bool is_path_style, is_read_only, is_anonymous;
    int stall_seconds, most_tries, most_seconds;
    s3_encryption encryption;
    pthread_mutex_t lock; /* guards `regions` */
    VEC(bucket_region) regions;
};

static bool is_number(str text, int least, int most)
{
    int64_t n;
    return str_to_i64(text, &n) && n >= least && n <= most;
}

bool s3_client_check(const store_option *options, size_t count, error *err)
{
    static const char *const flags[] = { "s3.path-style-access", "s3.read-only", "s3.anonymous" };
    static const char *const urls[] = { "s3.endpoint", "sts.endpoint" };
    static const char *const numbers[] = { "s3.stall-seconds", "s3.retry.num-retries",
                                           "s3.retry.max-seconds" };
    str scheme, host, path, query;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        str v = store_option_text(options, count, flags[i]);
        if (v.len && !str_eq_nocase(v, STR("true")) && !str_eq_nocase(v, STR("false")))
            return fail(err, ERR_INVALID, "%s is '" STR_FMT "'; it is true or false", flags[i],
                        STR_ARG(v));
    }
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        str v = store_option_text(options, count, urls[i]);
        if (v.len && !http_url_parts(v, &scheme, &host, &path, &query))
            return fail(err, ERR_INVALID, "%s is '" STR_FMT "'; it is a URL, 'https://host[:port]'",
                        urls[i], STR_ARG(v));
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        str v = store_option_text(options, count, numbers[i]);
        if (v.len && !is_number(v, 1, 3600))
            return fail(err, ERR_INVALID, "%s is '" STR_FMT "'; it is a number from 1 to 3600",
                        numbers[i], STR_ARG(v));
    }
    AUTO(arena_free) arena *scratch = arena_new();
    s3_encryption unused;
    return s3_encryption_read(scratch, options, count, &unused, err);
}

static str find_endpoint(const store_option *options, size_t count)
{
    str endpoint = store_option_text(options, count, "s3.endpoint");
    if (endpoint.len == 0)
        endpoint = str_of(getenv("AWS_ENDPOINT_URL_S3"));
    if (endpoint.len == 0)
        endpoint = str_of(getenv("AWS_ENDPOINT_URL"));
    while (endpoint.len && endpoint.data[endpoint.len - 1] == '/')
        endpoint.len--;
    return endpoint;
}

static int number_option(const store_option *options, size_t count, const char *key, int otherwise)
{
    int64_t n;
    return str_to_i64(store_option_text(options, count, key), &n) ? (int)n : otherwise;
}

static bool flag_option(const store_option *options, size_t count, const char *key, bool otherwise)
{
    str v = store_option_text(options, count, key);
    return v.len ? str_eq_nocase(v, STR("true")) : otherwise;
}

s3_client *s3_client_new(http_client *http, const store_option *options, size_t count)
{
    s3_client *c = memory_alloc(sizeof *c);
    error ignored = { 0 };
    atomic_store(&c->refs, 1);
    c->http = http;
    c->arena = arena_new();
    c->credentials = credentials_new(http, options, count);
    c->endpoint = str_copy(c->arena, find_endpoint(options, count));
    c->region = credentials_region(c->credentials, c->arena);
    c->is_path_style = flag_option(options, count, "s3.path-style-access", c->endpoint.len > 0);
    c->is_read_only = flag_option(options, count, "s3.read-only", false);
    c->is_anonymous = flag_option(options, count, "s3.anonymous", false);
    c->stall_seconds = number_option(options, count, "s3.stall-seconds", 15);
    c->most_tries = number_option(options, count, "s3.retry.num-retries", 9) + 1;
    c->most_seconds = number_option(options, count, "s3.retry.max-seconds", 120);
    if (!s3_encryption_read(c->arena, options, count, &c->encryption, &ignored))
        error_clear(&ignored); /* s3_client_check has said so */
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

s3_client *s3_client_ref(s3_client *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void s3_client_unref(s3_client *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    credentials_free(c->credentials);
    pthread_mutex_destroy(&c->lock);
    arena_free(c->arena);
    free(c);
}

int s3_client_stall_seconds(const s3_client *c)
{
    return c->stall_seconds;
}

/* ---- Addresses ---- */

bool s3_place_of(str uri, s3_place *ret, error *err)
{
    ptrdiff_t colon = str_find(uri, STR("://"));
    str rest = colon < 0 ? STR("") : str_slice(uri, (size_t)colon + 3, uri.len);
    str bucket = str_cut(&rest, '/');
    bool is_plain = bucket.len >= 3 && bucket.len <= 255;
    for (size_t i = 0; i < bucket.len; i++) {
        char c = bucket.data[i];
        is_plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.';
    }
    if (!is_plain)
        return fail(err, ERR_INVALID,
                    "'" STR_FMT "' names no bucket: a location is 's3://bucket/key'", STR_ARG(uri));
    *ret = (s3_place){ bucket, rest };
    return true;
}

static str region_of(s3_client *c, arena *a, str bucket)
{
    str region = c->region;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->regions.count; i++)
        if (str_eq(c->regions.items[i].bucket, bucket))
            region = c->regions.items[i].region;
    pthread_mutex_unlock(&c->lock);
    return str_copy(a, region);
}

/* A bucket answers "wrong region": remember the right one. False when we knew. */
static bool learn_region(s3_client *c, str bucket, str region)
{
    AUTO(arena_free) arena *scratch = arena_new();
    if (region.len == 0 || region.len > 64 || str_eq(region, region_of(c, scratch, bucket)))
        return false;
    pthread_mutex_lock(&c->lock);
    bool has_room = c->regions.count < 1000;
    if (has_room)
        vec_push(c->arena, &c->regions,
                 (bucket_region){ str_copy(c->arena, bucket), str_copy(c->arena, region) });
    pthread_mutex_unlock(&c->lock);
    return has_room;
}

static str url_of(const s3_client *c, arena *a, const s3_request *q, str region)
{
    strbuf b = strbuf_new(a);
    str endpoint = c->endpoint;
    bool is_path_style = c->is_path_style;
    if (endpoint.len == 0) {
        endpoint = str_format(a, "https://s3." STR_FMT ".amazonaws.com%s", STR_ARG(region),
                              str_starts_with(region, STR("cn-")) ? ".cn" : "");
        is_path_style |= str_find_char(q->place.bucket, '.') >= 0; /* no certificate fits */
    }
    str scheme = STR(""), host = STR(""), path = STR(""), query = STR("");
    http_url_parts(endpoint, &scheme, &host, &path, &query);
    if (str_eq(path, STR("/")))
        path = STR("");
    if (is_path_style)
        strbuf_format(&b, STR_FMT "://" STR_FMT STR_FMT "/" STR_FMT "/", STR_ARG(scheme),
                      STR_ARG(host), STR_ARG(path), STR_ARG(q->place.bucket));
    else
        strbuf_format(&b, STR_FMT "://" STR_FMT "." STR_FMT STR_FMT "/", STR_ARG(scheme),
                      STR_ARG(q->place.bucket), STR_ARG(host), STR_ARG(path));
    http_escape(&b, q->place.key, true);
    if (q->query.len)
        strbuf_format(&b, "?" STR_FMT, STR_ARG(q->query));
    return strbuf_str(&b);
}

/* ---- One try ---- */

static bool try_once(s3_client *c, arena *a, const s3_request *q, size_t got, str etag,
                     http_response *r, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    VEC(http_header) headers = { 0 };
    str region = region_of(c, scratch, q->place.bucket);
    for (size_t i = 0; i < q->header_count; i++)
        vec_push(scratch, &headers, q->headers[i]);
    if (q->into)
        vec_push(scratch, &headers,
                 (http_header){ STR("range"),
                                str_format(scratch, "bytes=%llu-%llu",
                                           (unsigned long long)(q->offset + got),
                                           (unsigned long long)(q->offset + q->into_bytes - 1)) });
    if (etag.len)
        vec_push(scratch, &headers,
                 (http_header){ STR("if-match"),
                                str_format(scratch, "\"" STR_FMT "\"", STR_ARG(etag)) });
    http_header extra[S3_ENCRYPTION_HEADERS];
    size_t extra_count = s3_encryption_headers(&c->encryption, q->creates, q->carries_data, extra);
    for (size_t i = 0; i < extra_count; i++)
        vec_push(scratch, &headers, extra[i]);
    http_request h = { .method = q->method,
                       .url = url_of(c, scratch, q, region),
                       .headers = headers.items,
                       .header_count = headers.count,
                       .body = q->body,
                       .into = q->into ? (char *)q->into + got : NULL,
                       .into_bytes = q->into_bytes - got,
                       .most_body_bytes = q->most_body_bytes,
                       .stall_seconds = c->stall_seconds };
    if (!c->is_anonymous) {
        aws_keys keys;
        aws_scope scope = { region, STR("s3") };
        TRY(credentials_get(c->credentials, scratch, &keys, err));
        aws_sign(scratch, &h, &keys, &scope, clock_wall_us(), &h.headers, &h.header_count);
    }
    return http_send(c->http, a, &h, r, err);
}

/* ---- Errors ---- */

typedef struct s3_fault {
    str code, message, region;
} s3_fault;

static s3_fault fault_of(arena *a, const http_response *r)
{
    static const char *const names[] = { "Code", "Message", "Region" };
    str texts[3] = { STR(""), STR(""), STR("") };
    error ignored = { 0 };
    if (r->body.len && !xml_texts(a, r->body, STR("S3"), names, texts, 3, &ignored))
        error_clear(&ignored); /* a proxy's page, perhaps: the status stands for itself */
    if (texts[2].len == 0)
        texts[2] = http_header_of(r, STR("x-amz-bucket-region"));
    if (texts[1].len > 300)
        texts[1].len = 300;
    return (s3_fault){ texts[0], texts[1], texts[2] };
}

static error_code code_of(int status, str code)
{
    static const struct {
        const char *name;
        error_code code;
    } known[] = {
        { "NoSuchKey", ERR_NOT_FOUND },         { "NoSuchBucket", ERR_NOT_FOUND },
        { "PreconditionFailed", ERR_CONFLICT }, { "ConditionalRequestConflict", ERR_CONFLICT },
        { "InvalidRange", ERR_CORRUPT },        { "EntityTooLarge", ERR_LIMIT }
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(code, str_of(known[i].name)))
            return known[i].code;
    return status == 404                    ? ERR_NOT_FOUND
           : status == 412 || status == 409 ? ERR_CONFLICT
           : status == 416                  ? ERR_CORRUPT
           : status >= 500 || status == 429 ? ERR_IO
                                            : ERR_INVALID;
}

/* What to do about it, for the faults that people meet. */
static const char *advice_for(int status, str code)
{
    if (str_eq(code, STR("SignatureDoesNotMatch")))
        return "; the secret access key is not the one of this key id";
    if (str_eq(code, STR("InvalidAccessKeyId")))
        return "; the service does not know this key id";
    if (str_eq(code, STR("RequestTimeTooSkewed")))
        return "; this machine's clock is wrong";
    if (status == 403)
        return "; the keys are good, but may not do this (or the bucket is another account's)";
    return "";
}

static bool fail_status(const s3_request *q, const http_response *r, const s3_fault *f, error *err)
{
    return fail(err, code_of(r->status, f->code),
                "%s s3://" STR_FMT "/" STR_FMT ": status %d%s" STR_FMT "%s" STR_FMT "%s", q->method,
                STR_ARG(q->place.bucket), STR_ARG(q->place.key), r->status, f->code.len ? " " : "",
                STR_ARG(f->code), f->message.len ? ": " : "", STR_ARG(f->message),
                advice_for(r->status, f->code));
}

static bool is_passing_code(str code)
{
    static const char *const codes[] = { "SlowDown",
                                         "RequestTimeout",
                                         "InternalError",
                                         "ServiceUnavailable",
                                         "Throttling",
                                         "ThrottlingException",
                                         "RequestLimitExceeded",
                                         "OperationAborted",
                                         "ConditionalRequestConflict",
                                         "BadDigest" };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (str_eq(code, str_of(codes[i])))
            return true;
    return false;
}

static bool is_key_fault(str code)
{
    return str_eq(code, STR("ExpiredToken")) || str_eq(code, STR("TokenRefreshRequired")) ||
           str_eq(code, STR("ExpiredTokenException"));
}

/* ---- Tries ---- */

static bool is_write(const s3_request *q)
{
    return strcmp(q->method, "PUT") == 0 || strcmp(q->method, "DELETE") == 0 || q->creates ||
           q->is_batch;
}

/* Progress of one request over its tries. */
typedef struct attempt {
    retry again;
    size_t got; /* bytes of a ranged read that are in place */
    str etag;
    bool has_renewed_keys;
    int regions_learned;
} attempt;

/* A 2xx answer that says in its body that it failed (multipart completion does). */
static bool hides_fault(const http_response *r, const s3_request *q)
{
    return r->status == 200 && !q->into && strcmp(q->method, "POST") == 0 &&
           str_contains(str_slice(r->body, 0, 512), STR("<Error>"));
}

/* What to do after an answer that is not 2xx: try again (true) or give up. */
static bool is_worth_another(s3_client *c, attempt *t, const s3_request *q, const http_response *r,
                             const s3_fault *f)
{
    if (is_key_fault(f->code) && !t->has_renewed_keys) {
        credentials_expire(c->credentials);
        t->has_renewed_keys = true;
        return true;
    }
    bool is_elsewhere = r->status == 301 || r->status == 307 ||
                        str_eq(f->code, STR("AuthorizationHeaderMalformed"));
    if (is_elsewhere && t->regions_learned++ < 2)
        return learn_region(c, q->place.bucket, f->region);
    return (retry_is_useful(r->status) || is_passing_code(f->code)) &&
           retry_again(&t->again, retry_after_ms(r));
}

/* The answer to a ranged read: is it what was asked for? */
static bool check_range(const s3_request *q, attempt *t, const http_response *r, error *err)
{
    if (q->offset + t->got > 0 && r->status != 206)
        return fail(err, ERR_CORRUPT,
                    "GET s3://" STR_FMT "/" STR_FMT ": the server ignores byte ranges",
                    STR_ARG(q->place.bucket), STR_ARG(q->place.key));
    t->got += r->body_bytes;
    if (t->got < q->into_bytes)
        return fail(err, ERR_CORRUPT, "reading s3://" STR_FMT "/" STR_FMT ": it ends at byte %llu",
                    STR_ARG(q->place.bucket), STR_ARG(q->place.key),
                    (unsigned long long)(q->offset + t->got));
    return true;
}

/* A try that broke: keep what arrived of a ranged read, with the version it belongs to. */
static void keep_progress(attempt *t, arena *a, const s3_request *q, const http_response *r)
{
    bool is_good = r->status == 206 || (r->status == 200 && q->offset + t->got == 0);
    if (!q->into || !is_good || r->body_bytes == 0)
        return;
    str etag = http_header_of(r, STR("etag"));
    if (etag.len > 2 && etag.data[0] == '"')
        t->etag = str_copy(a, str_slice(etag, 1, etag.len - 1));
    t->got += r->body_bytes;
    if (r->body_bytes > 64 << 10)
        t->again.tries = 0; /* it moves: only a standstill uses up the tries */
}

bool s3_send(s3_client *c, arena *a, const s3_request *q, http_response *r, s3_outcome *outcome,
             error *err)
{
    attempt t = { .again = retry_start(c->most_tries, c->most_seconds), .etag = q->etag };
    *outcome = (s3_outcome){ .code = STR("") };
    if (c->is_read_only && is_write(q))
        return fail(err, ERR_INVALID,
                    "%s s3://" STR_FMT "/" STR_FMT ": the connection is READ_ONLY", q->method,
                    STR_ARG(q->place.bucket), STR_ARG(q->place.key));
    for (;;) {
        if (!try_once(c, a, q, t.got, t.etag, r, err)) {
            if (err->code != ERR_IO)
                return false;
            outcome->is_uncertain |= r->was_sent;
            keep_progress(&t, a, q, r);
            if (q->into && t.got == q->into_bytes) {
                error_clear(err);
                return true;
            }
            if (!retry_again(&t.again, 0))
                return fail_while(err, "after %d tries", t.again.tries);
            error_clear(err);
            continue;
        }
        if (r->status >= 200 && r->status < 300 && !hides_fault(r, q))
            return q->into ? check_range(q, &t, r, err) : true;
        s3_fault f = fault_of(a, r);
        if (!is_worth_another(c, &t, q, r, &f)) {
            outcome->code = f.code;
            return fail_status(q, r, &f, err);
        }
        outcome->is_uncertain |= r->status >= 500;
    }
}
