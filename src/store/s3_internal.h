/* The parts of the S3 store: listings, uploads, reads. */
#pragma once

#include "store/s3_client.h"

enum { S3_PART_BYTES = 8 << 20, S3_PARTS_AT_A_TIME = 4 };

/* Objects whose keys start with `place.key`; with `has_folders` the common prefixes up to the next
 * '/' come instead of what lies below them. `scheme` stands in front of the URIs ("s3"). */
typedef struct s3_listing {
    s3_place place;
    str scheme;
    bool has_folders;
} s3_listing;
NODISCARD bool s3_list(s3_client *c, const s3_listing *listing, store_visit visit, void *context,
                       error *err);
/* One page of ListObjectsV2. `*ret_token` is empty on the last one. */
NODISCARD bool s3_list_page(arena *a, str xml, const s3_listing *listing, store_visit visit,
                            void *context, str *ret_token, size_t *ret_count, error *err);

/* Delete keys of one bucket, up to 1,000 in a request. */
NODISCARD bool s3_delete_batch(s3_client *c, str bucket, const str *keys, size_t count, error *err);

/* Put an object; large ones in parts. `must_be_new`: ERR_CONFLICT when it exists. */
NODISCARD bool s3_put(s3_client *c, s3_place place, str content, bool must_be_new, error *err);

/* Read [offset, offset + len) of one version, in parallel when it is long. */
NODISCARD bool s3_read_span(s3_client *c, s3_place place, str etag, uint64_t offset,
                            void *ret_bytes, size_t len, error *err);
