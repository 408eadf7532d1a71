/* The services that hand out AWS keys. Used by credentials.c alone. */
#pragma once

#include "base/json.h"
#include "store/sign.h"

/* The instance metadata service, version 2 (AWS_EC2_METADATA_SERVICE_ENDPOINT moves it). */
NODISCARD bool keys_of_machine(http_client *c, arena *a, aws_keys *ret, error *err);
/* A container's credentials endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI). */
bool keys_container_is_set(void);
NODISCARD bool keys_of_container(http_client *c, arena *a, aws_keys *ret, error *err);

typedef struct role_request {
    str role_arn, external_id, session_name, region;
    str endpoint;           /* of STS; empty: AWS's own of the region */
    const aws_keys *base;   /* that may assume the role; NULL with a web identity */
    str web_identity_token; /* empty: plain AssumeRole */
    int64_t duration_s;     /* 0: what the service gives */
} role_request;
NODISCARD bool keys_of_role(http_client *c, arena *a, const role_request *role, aws_keys *ret,
                            error *err);
