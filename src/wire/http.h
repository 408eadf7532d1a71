/* HTTP requests and their answers: one exchange at a time on a connection. */
#pragma once

#include "wire/stream.h"

enum { HTTP_BODY_BYTES = 16 << 20 };

typedef enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
} http_method;

/* A whole request. Lives as long as its exchange. */
typedef struct http_request {
    arena *arena;
    http_method method;
    str path;  /* decoded, no doubled slashes, without what follows "?" */
    str query; /* "a=1&b=2", parts decoded; they are parted by '\0' in here */
    str host, origin, authorization, cookie, accept, accept_encoding, content_type, if_none_match,
        user_agent;
    str body;
    stream *stream;   /* of the answer */
    bool is_answered; /* a head was written */
    int status;
} http_request;

/* Called on the network thread once the request is whole: make a task for `r->stream`, or answer
 * at once when that cannot wait. `r` is the callee's, who frees it by http_request_free. */
typedef void (*http_answer)(void *context, workers *w, http_request *r);
void http_request_free(http_request *r);

const char *http_method_name(http_method m);
/* An argument of the query, `otherwise` when absent. */
str http_argument(const http_request *r, str name, str otherwise);
/* A cookie's value, empty when absent. */
str http_cookie(const http_request *r, str name);
bool http_accepts(str accept, str type); /* whether `type` is named in it */

/* A whole answer. `headers`: further lines, each ended by CRLF. */
void http_reply(http_request *r, int status, str content_type, str headers, str body);
/* An answer in pieces: begin, write as often as wanted, end. */
void http_begin(http_request *r, int status, str content_type, str headers);
void http_write(http_request *r, str bytes);
void http_end(http_request *r);
