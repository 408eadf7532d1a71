/* One account's access to S3: endpoint, keys, signing, tries again, errors. */
#pragma once

#include "store/http.h"
#include "store/store.h"

/* Thread-safe, counted. */
typedef struct s3_client s3_client;

/* Whether the options can be: ERR_INVALID names the one at fault. */
NODISCARD bool s3_client_check(const store_option *options, size_t count, error *err);
/* `http` must outlive the client. Options are copied. */
s3_client *s3_client_new(http_client *http, const store_option *options, size_t count);
s3_client *s3_client_ref(s3_client *c);
void s3_client_unref(s3_client *c); /* NULL is fine */
DEFINE_AUTO(s3_client, s3_client_unref)

typedef struct s3_place {
    str bucket, key; /* key without '/' in front; may be empty */
} s3_place;
/* Of "s3://bucket/key". */
NODISCARD bool s3_place_of(str uri, s3_place *ret_place, error *err);

typedef struct s3_request {
    const char *method;
    s3_place place;
    str query; /* escaped, without '?' */
    const http_header *headers;
    size_t header_count;
    str body;
    /* A ranged read into memory: all of [offset, offset + into_bytes), over several tries if need
     * be. `etag` not empty: of that version only (ERR_CONFLICT when there is another). */
    void *into;
    size_t into_bytes;
    uint64_t offset;
    str etag;
    size_t most_body_bytes;
    bool carries_data; /* of an object: encryption by the customer's key applies */
    bool creates;      /* an object or upload: encryption settings apply */
    bool is_batch;     /* a POST that changes objects */
} s3_request;

/* What happened on the way to the answer. */
typedef struct s3_outcome {
    bool is_uncertain; /* an earlier try failed after it was sent: it may have been carried out */
    str code;          /* of an error: "NoSuchKey", …; empty when there is none */
} s3_outcome;

/* Send, with tries again on what passes (5xx, SlowDown, resets, stalls, keys that ended). True with
 * a 2xx answer only; else the error names the URI, status, S3's code and message. */
NODISCARD bool s3_send(s3_client *c, arena *a, const s3_request *request,
                       http_response *ret_response, s3_outcome *ret_outcome, error *err);

/* Seconds without progress that make a transfer fail. */
int s3_client_stall_seconds(const s3_client *c);
