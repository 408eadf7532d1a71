/* Exchanges over libcurl: limits on everything that a server decides. */
#include "store/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"

enum { MOST_IDLE = 64, MOST_HEADER_BYTES = 64 << 10, DEFAULT_BODY_BYTES = 1 << 20 };

struct http_client {
    pthread_mutex_t lock; /* guards `idle`: handles that keep their connections */
    CURL *idle[MOST_IDLE];
    size_t idle_count;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

http_client *http_client_new(void)
{
    pthread_once(&curl_once, start_curl);
    http_client *c = memory_alloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void http_client_free(http_client *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->idle_count; i++)
        curl_easy_cleanup(c->idle[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static CURL *take_handle(http_client *c)
{
    CURL *h = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->idle_count)
        h = c->idle[--c->idle_count];
    pthread_mutex_unlock(&c->lock);
    if (h)
        curl_easy_reset(h);
    return h ? h : curl_easy_init();
}

static void give_handle(http_client *c, CURL *h)
{
    pthread_mutex_lock(&c->lock);
    if (c->idle_count < MOST_IDLE) {
        c->idle[c->idle_count++] = h;
        h = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    if (h)
        curl_easy_cleanup(h);
}

/* ---- What curl calls ---- */

typedef struct exchange {
    CURL *handle;
    arena *arena;
    const http_request *request;
    http_response *response;
    strbuf body;
    size_t header_bytes, sent, most_body_bytes;
    const char *fault; /* why we broke off */
    int sendings;
} exchange;

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    exchange *x = context;
    http_response *r = x->response;
    str text = { line, size * count };
    x->header_bytes += text.len;
    if (x->header_bytes > MOST_HEADER_BYTES) {
        x->fault = "its headers are longer than 64 KiB";
        return 0;
    }
    if (str_starts_with(text, STR("HTTP/")))
        r->header_count = 0; /* after "100 Continue" */
    ptrdiff_t colon = str_find_char(text, ':');
    if (colon > 0 && r->header_count < HTTP_MOST_HEADERS)
        r->headers[r->header_count++] =
            (http_header){ str_lower(x->arena, str_slice(text, 0, (size_t)colon)),
                           str_copy(x->arena,
                                    str_trim(str_slice(text, (size_t)colon + 1, text.len))) };
    return text.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    exchange *x = context;
    http_response *r = x->response;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
    if (x->request->into && status >= 200 && status < 300) {
        if (len > x->request->into_bytes - r->body_bytes) {
            x->fault = "it sent more bytes than were asked for";
            return 0;
        }
        memcpy((char *)x->request->into + r->body_bytes, data, len);
    } else {
        if (len > x->most_body_bytes - x->body.len) {
            x->fault = "its answer is longer than the limit";
            return 0;
        }
        strbuf_add_bytes(&x->body, data, len);
    }
    r->body_bytes += len;
    return len;
}

static size_t on_upload(char *ret, size_t size, size_t count, void *context)
{
    exchange *x = context;
    size_t left = x->request->body.len - x->sent, len = size * count;
    len = len < left ? len : left;
    if (len)
        memcpy(ret, x->request->body.data + x->sent, len);
    x->sent += len;
    return len;
}

static int on_rewind(void *context, curl_off_t offset, int origin)
{
    exchange *x = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > x->request->body.len)
        return CURL_SEEKFUNC_FAIL;
    x->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* When a kept connection closes without an answer, libcurl would send the request again by itself;
 * but the first may have been carried out, and whoever sends has to know. */
static int on_sending(void *context, char *remote, char *local, int remote_port, int local_port)
{
    exchange *x = context;
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    return x->sendings++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* ---- One exchange ---- */

static void set_body(exchange *x)
{
    const http_request *q = x->request;
    bool is_put = strcmp(q->method, "PUT") == 0;
    if (strcmp(q->method, "HEAD") == 0) {
        curl_easy_setopt(x->handle, CURLOPT_NOBODY, 1L);
    } else if (is_put) {
        curl_easy_setopt(x->handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body.len);
        curl_easy_setopt(x->handle, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(x->handle, CURLOPT_READDATA, x);
        curl_easy_setopt(x->handle, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(x->handle, CURLOPT_SEEKDATA, x);
    } else if (q->body.len || strcmp(q->method, "POST") == 0) {
        curl_easy_setopt(x->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
        curl_easy_setopt(x->handle, CURLOPT_POSTFIELDS, q->body.len ? q->body.data : "");
    }
    if (!is_put && strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0)
        curl_easy_setopt(x->handle, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_limits(exchange *x)
{
    const http_request *q = x->request;
    CURL *h = x->handle;
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, q->is_local ? 1000L : 10000L);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1000L);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)(q->stall_seconds ? q->stall_seconds : 15));
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, 512L << 10);
    curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    if (q->timeout_ms)
        curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
    if (q->is_local)
        curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
}

/* Host and path of a URL: what messages may show. */
static str without_query(str url)
{
    ptrdiff_t query = str_find_char(url, '?');
    return query < 0 ? url : str_slice(url, 0, (size_t)query);
}

static bool explain(const exchange *x, CURLcode code, const char *detail, error *err)
{
    str where = without_query(x->request->url);
    const char *text = detail[0] ? detail : curl_easy_strerror(code);
    error_code ours = ERR_IO;
    if (x->fault)
        return fail(err, ERR_LIMIT, "%s " STR_FMT ": %s", x->request->method, STR_ARG(where),
                    x->fault);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        ours = ERR_INVALID;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return fail(err, ERR_INVALID, "%s " STR_FMT ": the server's certificate is not trusted: %s",
                    x->request->method, STR_ARG(where), text);
    if (x->sendings > 1)
        text = "the connection was closed before an answer came";
    if (code == CURLE_OPERATION_TIMEDOUT)
        text = "the connection stalled";
    return fail(err, ours, "%s " STR_FMT ": %s", x->request->method, STR_ARG(where), text);
}

static struct curl_slist *header_list(arena *a, const http_request *q)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < q->header_count; i++) {
        str n = q->headers[i].name, v = q->headers[i].value;
        str line = v.len ? str_format(a, STR_FMT ": " STR_FMT, STR_ARG(n), STR_ARG(v))
                         : str_format(a, STR_FMT ";", STR_ARG(n));
        list = curl_slist_append(list, str_to_c(a, line));
    }
    return list;
}

static bool is_before_sending(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_URL_MALFORMAT ||
           code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION;
}

static bool check_headers(const http_request *q, error *err)
{
    for (size_t i = 0; i < q->header_count; i++)
        for (size_t k = 0; k < q->headers[i].value.len; k++)
            if ((unsigned char)q->headers[i].value.data[k] < ' ')
                return fail(err, ERR_INVALID, "header " STR_FMT " holds a control character",
                            STR_ARG(q->headers[i].name));
    return true;
}

bool http_send(http_client *c, arena *a, const http_request *q, http_response *r, error *err)
{
    *r = (http_response){ 0 };
    TRY(check_headers(q, err));
    char detail[CURL_ERROR_SIZE] = { 0 };
    exchange x = { .handle = take_handle(c),
                   .arena = a,
                   .request = q,
                   .response = r,
                   .body = strbuf_new(a),
                   .most_body_bytes =
                       q->most_body_bytes ? q->most_body_bytes : DEFAULT_BODY_BYTES };
    struct curl_slist *headers = header_list(a, q);
    set_limits(&x);
    set_body(&x);
    curl_easy_setopt(x.handle, CURLOPT_URL, str_to_c(a, q->url));
    curl_easy_setopt(x.handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(x.handle, CURLOPT_USERAGENT, "floe/" FLOE_VERSION);
    curl_easy_setopt(x.handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(x.handle, CURLOPT_HEADERDATA, &x);
    curl_easy_setopt(x.handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x.handle, CURLOPT_WRITEDATA, &x);
    curl_easy_setopt(x.handle, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(x.handle, CURLOPT_PREREQDATA, &x);
    curl_easy_setopt(x.handle, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(x.handle);
    long status = 0;
    curl_easy_getinfo(x.handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(x.handle, CURLOPT_ERRORBUFFER, NULL);
    r->status = (int)status;
    r->body = strbuf_str(&x.body);
    r->was_sent = x.sendings > 1 || !is_before_sending(code);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        curl_easy_cleanup(x.handle); /* its connection is in doubt */
        return explain(&x, code, detail, err);
    }
    give_handle(c, x.handle);
    return true;
}

str http_header_of(const http_response *r, str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq(r->headers[i].name, name))
            return r->headers[i].value;
    return STR("");
}

/* ---- URLs ---- */

void http_escape(strbuf *b, str text, bool keeps_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~' ||
                        (c == '/' && keeps_slash);
        if (is_plain)
            strbuf_add_char(b, (char)c);
        else
            strbuf_format(b, "%%%02X", c);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

str http_unescape(arena *a, str text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' && i + 2 < text.len && hex_digit(text.data[i + 1]) >= 0 &&
            hex_digit(text.data[i + 2]) >= 0) {
            c = (char)(hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    return (str){ out, len };
}

bool http_url_parts(str url, str *ret_scheme, str *ret_host, str *ret_path, str *ret_query)
{
    ptrdiff_t colon = str_find(url, STR("://"));
    if (colon < 0)
        return false;
    *ret_scheme = str_slice(url, 0, (size_t)colon);
    if (!str_eq(*ret_scheme, STR("http")) && !str_eq(*ret_scheme, STR("https")))
        return false;
    str rest = str_slice(url, (size_t)colon + 3, url.len);
    ptrdiff_t query = str_find_char(rest, '?');
    *ret_query = query < 0 ? STR("") : str_slice(rest, (size_t)query + 1, rest.len);
    if (query >= 0)
        rest = str_slice(rest, 0, (size_t)query);
    ptrdiff_t slash = str_find_char(rest, '/');
    *ret_host = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash);
    *ret_path = slash < 0 ? STR("/") : str_slice(rest, (size_t)slash, rest.len);
    return ret_host->len > 0;
}

/* ---- Tries ---- */

retry retry_start(int most_tries, int most_seconds)
{
    uint64_t seconds = (uint64_t)(most_seconds ? most_seconds : 90);
    return (retry){ .most_tries = most_tries ? most_tries : 8,
                    .deadline_us = clock_monotonic_us() + seconds * 1000000 };
}

bool retry_again(retry *r, uint64_t least_ms)
{
    enum { FIRST_WAIT_MS = 50, LONGEST_WAIT_MS = 5000 };
    uint64_t most = FIRST_WAIT_MS, random;
    if (++r->tries >= r->most_tries)
        return false;
    for (int i = 1; i < r->tries && most < LONGEST_WAIT_MS; i++)
        most *= 2;
    random_bytes(&random, sizeof random);
    uint64_t wait = random % ((most < LONGEST_WAIT_MS ? most : LONGEST_WAIT_MS) + 1);
    wait = wait > least_ms ? wait : least_ms;
    if (clock_monotonic_us() + wait * 1000 >= r->deadline_us)
        return false;
    struct timespec t = { .tv_sec = (time_t)(wait / 1000),
                          .tv_nsec = (long)(wait % 1000) * 1000000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
    return true;
}

bool retry_is_useful(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
           status == 503 || status == 504 || status == 509;
}

uint64_t retry_after_ms(const http_response *r)
{
    uint64_t seconds;
    return str_to_u64(http_header_of(r, STR("retry-after")), &seconds)
               ? (seconds < 30 ? seconds : 30) * 1000
               : 0;
}
