/* One HTTP exchange over libcurl, and the waits between tries. For stores and catalogs. */
#pragma once

#include "base/error.h"

/* Thread-safe: connections are kept and reused by whichever thread sends next. */
typedef struct http_client http_client;

http_client *http_client_new(void);
void http_client_free(http_client *c); /* NULL is fine; no exchange may be running */
DEFINE_AUTO(http_client, http_client_free)

typedef struct http_header {
    str name, value; /* names of answers are in lower case */
} http_header;

enum { HTTP_MOST_HEADERS = 64 };

typedef struct http_request {
    const char *method; /* GET, HEAD, PUT, POST, DELETE */
    str url;            /* whole, escaped; http or https */
    const http_header *headers;
    size_t header_count;
    str body;
    /* Where the body of a 2xx answer goes: `into` (exactly what fits there), or, when that is NULL,
     * the answer's `body`. Bodies of other answers are always in `body`. */
    void *into;
    size_t into_bytes;
    size_t most_body_bytes; /* of `body`; 0: 1 MiB. More is ERR_LIMIT */
    int stall_seconds;      /* under 1 KB/s for so long is a failure; 0: 15 */
    int timeout_ms;         /* of the whole exchange; 0: none but the stall */
    bool is_local;          /* link-local services: no proxy, quick connect */
} http_request;

typedef struct http_response {
    int status;
    http_header headers[HTTP_MOST_HEADERS];
    size_t header_count;
    str body;
    size_t body_bytes; /* received, also those in `into`, also when the exchange failed */
    bool was_sent;     /* of a failed exchange: the server may have acted on it */
} http_response;

/* True when there is an answer, whatever its status. ERR_IO: the network failed, worth another try;
 * ERR_LIMIT, ERR_INVALID, ERR_CORRUPT: it is not. Messages name host and path, never headers, query
 * or body. */
NODISCARD bool http_send(http_client *c, arena *a, const http_request *request,
                         http_response *ret_response, error *err);
/* Empty when the answer has no such header; `name` in lower case. */
str http_header_of(const http_response *r, str name);

/* Percent-encode all but unreserved characters (RFC 3986, section 2.3), and '/' when `keeps_slash`.
 */
void http_escape(strbuf *b, str text, bool keeps_slash);
str http_unescape(arena *a, str text);
/* Scheme, host with port, path with query of a URL: false when it is not http or https. */
bool http_url_parts(str url, str *ret_scheme, str *ret_host, str *ret_path, str *ret_query);

/* Tries of one request: `retry r = retry_start(options); do { … } while (retry_again(&r, 0));`
 * Waits grow from 50 ms to 5 s, each a random part of that ("full jitter"). */
typedef struct retry {
    int tries, most_tries;
    uint64_t deadline_us; /* monotonic */
} retry;
retry retry_start(int most_tries, int most_seconds); /* 0: 8 tries, 90 seconds */
/* Waits; false when there is no try left. `least_ms` is the server's wish (Retry-After). */
bool retry_again(retry *r, uint64_t least_ms);
/* Whether a status is worth another try: 408, 425, 429, 500, 502, 503, 504, 509. */
bool retry_is_useful(int status);
uint64_t retry_after_ms(const http_response *r); /* at most 30 s */
