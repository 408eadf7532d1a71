/* Calls of AWS services that speak JSON over one POST (Glue, SQS). */
#pragma once

#include "base/json.h"
#include "store/credentials.h"

/* Thread-safe. */
typedef struct aws_json aws_json;

/* `service`: name for signatures and addresses ("glue", "sqs"); `target`: what stands before the
 * operation in X-Amz-Target ("AWSGlue"); `version`: of the content type ("1.1"); `endpoint`: URL,
 * or empty for AWS's own of the region. Options: keys and region, as credentials.h has them.
 * Copied. */
aws_json *aws_json_new(const char *service, const char *target, const char *version, str endpoint,
                       const store_option *options, size_t count);
void aws_json_free(aws_json *s); /* NULL is fine */
DEFINE_AUTO(aws_json, aws_json_free)

typedef struct aws_outcome {
    str code;          /* of an error: "EntityNotFoundException", …; empty when there is none */
    bool is_uncertain; /* a change may have been carried out though it failed */
} aws_outcome;

/* Send `body` (JSON). Passing troubles are tried again; with `changes` only where that cannot do a
 * change twice. The caller owns `*ret_json`. The error names service, operation, code and message.
 */
NODISCARD bool aws_json_call(aws_json *s, arena *a, const char *operation, str body, bool changes,
                             json_t **ret_json, aws_outcome *ret_outcome, error *err);
