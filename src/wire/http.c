/* Heads and bodies of HTTP/1.1 answers (RFC 9112), and the parts of a request. */
#include "wire/http.h"

#include <stdio.h>

#include "base/arena.h"
#include "wire/internal.h"

static const struct status {
    int code;
    const char *phrase;
} statuses[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 429, "Too Many Requests" },
    { 499, "Cancelled" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
};

static const char *phrase_of(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].code == code)
            return statuses[i].phrase;
    return "Status";
}

const char *http_method_name(http_method m)
{
    static const char *const names[] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"
    };
    return names[m];
}

void http_request_free(http_request *r)
{
    stream_unref(r->stream);
    arena_free(r->arena); /* `r` lies in it */
}

str http_argument(const http_request *r, str name, str otherwise)
{
    for (str rest = r->query; rest.len;) {
        str value = str_cut(&rest, '\0'), key = str_cut(&value, '=');
        if (str_eq(key, name))
            return value;
    }
    return otherwise;
}

str http_cookie(const http_request *r, str name)
{
    for (str rest = r->cookie; rest.len;) {
        str value = str_cut(&rest, ';'), key = str_trim(str_cut(&value, '='));
        if (str_eq(key, name))
            return str_trim(value);
    }
    return STR("");
}

bool http_accepts(str accept, str type)
{
    while (accept.len) {
        str item = str_cut(&accept, ',');
        if (str_eq_nocase(str_trim(str_cut(&item, ';')), type))
            return true;
    }
    return false;
}

/* What every answer carries. The policy of pages is the UI's own (server/ui.c). */
static void put_head(http_request *r, int status, str content_type, str headers, const char *length,
                     bool ends)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "HTTP/1.1 %d %s\r\n", status, phrase_of(status));
    if (content_type.len)
        strbuf_format(&b, "Content-Type: " STR_FMT "\r\n", STR_ARG(content_type));
    strbuf_add_c(&b, length);
    strbuf_add(&b, headers);
    strbuf_add_c(&b, "X-Content-Type-Options: nosniff\r\n\r\n");
    r->status = status;
    r->is_answered = true;
    if (ends)
        stream_finish(r->stream, strbuf_str(&b));
    else
        stream_write(r->stream, strbuf_str(&b), STREAM_BYTES);
}

void http_reply(http_request *r, int status, str content_type, str headers, str body)
{
    char length[48] = "";
    if (status != 204 && status != 304)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", body.len);
    bool has_body = r->method != HTTP_HEAD && length[0] && body.len;
    put_head(r, status, content_type, headers, length, !has_body);
    if (has_body)
        stream_finish(r->stream, body);
}

void http_begin(http_request *r, int status, str content_type, str headers)
{
    put_head(r, status, content_type, headers, "Transfer-Encoding: chunked\r\n", false);
}

/* One call of stream_write: pieces from different threads do not mix. */
void http_write(http_request *r, str bytes)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    if (!bytes.len || r->method == HTTP_HEAD)
        return;
    strbuf_reserve(&b, bytes.len + 24);
    strbuf_format(&b, "%zx\r\n", bytes.len);
    strbuf_add(&b, bytes);
    strbuf_add_c(&b, "\r\n");
    stream_write(r->stream, strbuf_str(&b), STREAM_BYTES);
}

void http_end(http_request *r)
{
    stream_finish(r->stream, r->method == HTTP_HEAD ? STR("") : STR("0\r\n\r\n"));
}
