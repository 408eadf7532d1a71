/* Server-side encryption of objects: what the settings say, and the headers it takes. */
#pragma once

#include "store/http.h"
#include "store/store.h"

enum { S3_ENCRYPTION_HEADERS = 3 };

typedef struct s3_encryption {
    str kms_key;                        /* "aws:kms"; the key may be empty: the bucket's own */
    str customer_key, customer_key_md5; /* base64; empty: none */
    bool is_kms, is_s3;
} s3_encryption;

/* s3.sse.type (none, kms, s3, custom), s3.sse.key (KMS key id, or base64 of 32 bytes). */
NODISCARD bool s3_encryption_read(arena *a, const store_option *options, size_t count,
                                  s3_encryption *ret, error *err);
/* How many headers were written to `ret`: for requests that make an object, or carry its data. */
size_t s3_encryption_headers(const s3_encryption *e, bool creates, bool carries_data,
                             http_header *ret);
