/* AWS Signature Version 4 of one request. */
#pragma once

#include "store/http.h"

typedef struct aws_keys {
    str access_key_id, secret_access_key, session_token; /* token may be empty */
    int64_t expires_us;                                  /* wall clock; 0: never */
} aws_keys;

typedef struct aws_scope {
    str region, service; /* "us-east-1", "s3" */
} aws_scope;

/* `request->headers` and the headers that AWS wants (x-amz-date, x-amz-content-sha256,
 * x-amz-security-token, authorization), all in `a`. Every header is signed, so that no proxy can
 * change one; `now_us` is the wall clock. The path of other services than S3 is escaped twice, as
 * they expect. Source: AWS, "Signature Version 4 signing process"; "Authenticating Requests". */
void aws_sign(arena *a, const http_request *request, const aws_keys *keys, const aws_scope *scope,
              int64_t now_us, const http_header **ret_headers, size_t *ret_count);

/* Lower-case hex of the SHA-256. */
str sha256_hex(arena *a, str content);
