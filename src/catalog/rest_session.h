/* Conversations with an Iceberg REST catalog: its configuration, who we are, its errors. */
#pragma once

#include "base/json.h"
#include "catalog/catalog.h"

/* Thread-safe. The catalog's configuration is asked for on first use. */
typedef struct rest_session rest_session;

rest_session *rest_session_new(const catalog_remote *r);
void rest_session_free(rest_session *s); /* NULL is fine */

typedef struct rest_call {
    const char *method;
    str path;                /* below "/v1/{prefix}/", escaped, with its query */
    str body;                /* JSON; empty: none */
    bool changes;            /* sent again only when it cannot have been carried out */
    bool wants_storage_keys; /* ask for credentials of the table's storage */
} rest_call;

typedef struct rest_answer {
    int status;
    str error_type, message; /* of an answer that is not 2xx */
    bool is_uncertain;       /* of a failed change: it may have been carried out */
} rest_answer;

/* True with a 2xx answer, whose JSON (NULL when it has no body) the caller owns. Otherwise the
 * error says status, type and message; `ret_answer` is filled in both cases. */
NODISCARD bool rest_session_call(rest_session *s, const rest_call *call, arena *a,
                                 json_t **ret_json, rest_answer *ret_answer, error *err);
/* A setting, the server's overrides first, its defaults last. In `a`. */
NODISCARD bool rest_session_setting(rest_session *s, arena *a, const char *key, str *ret,
                                    error *err);
