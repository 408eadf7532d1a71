/* Signature Version 4: the canonical request, its hash, and the chain of keys over it. */
#include "store/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"

enum { HASH_BYTES = 32 };

str sha256_hex(arena *a, str content)
{
    unsigned char hash[HASH_BYTES];
    EVP_Digest(content.len ? content.data : "", content.len, hash, NULL, EVP_sha256(), NULL);
    return hex_encode(a, hash, sizeof hash);
}

static void hmac(const void *key, size_t key_len, str text, unsigned char *ret)
{
    unsigned len = HASH_BYTES;
    HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text.data, text.len, ret, &len);
}

static int by_name(const void *x, const void *y)
{
    const http_header *p = x, *q = y;
    int order = str_compare(p->name, q->name);
    return order ? order : str_compare(p->value, q->value);
}

/* The query's parts in byte order, each with its '='. They are escaped already. */
static void add_query(strbuf *b, arena *a, str query)
{
    VEC(http_header) parts = { 0 };
    while (query.len) {
        str part = str_cut(&query, '&');
        str name = str_cut(&part, '=');
        vec_push(a, &parts, (http_header){ name, part });
    }
    if (parts.count)
        qsort(parts.items, parts.count, sizeof *parts.items, by_name);
    for (size_t i = 0; i < parts.count; i++)
        strbuf_format(b, "%s" STR_FMT "=" STR_FMT, i ? "&" : "", STR_ARG(parts.items[i].name),
                      STR_ARG(parts.items[i].value));
}

/* "name:value" lines in order; the names alone go to `names`, joined by ';'. */
static void add_headers(strbuf *b, strbuf *names, arena *a, const http_header *headers,
                        size_t count, str host)
{
    http_header *sorted = arena_array_of(a, http_header, count + 1);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (http_header){ str_lower(a, headers[i].name), str_trim(headers[i].value) };
    sorted[count] = (http_header){ STR("host"), host };
    qsort(sorted, count + 1, sizeof *sorted, by_name);
    for (size_t i = 0; i <= count; i++) {
        strbuf_format(b, STR_FMT ":" STR_FMT "\n", STR_ARG(sorted[i].name),
                      STR_ARG(sorted[i].value));
        strbuf_format(names, "%s" STR_FMT, i ? ";" : "", STR_ARG(sorted[i].name));
    }
}

static str canonical_request(arena *a, const http_request *q, const http_header *headers,
                             size_t count, str service, str payload_hash, str *ret_names)
{
    str scheme = STR(""), host = STR(""), path = STR("/"), query = STR("");
    strbuf b = strbuf_new(a), lines = strbuf_new(a), names = strbuf_new(a);
    http_url_parts(q->url, &scheme, &host, &path, &query);
    strbuf_format(&b, "%s\n", q->method);
    if (str_eq(service, STR("s3")))
        strbuf_add(&b, path);
    else
        http_escape(&b, path, true);
    strbuf_add_char(&b, '\n');
    add_query(&b, a, query);
    add_headers(&lines, &names, a, headers, count, host);
    *ret_names = strbuf_str(&names);
    strbuf_format(&b, "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(strbuf_str(&lines)),
                  STR_ARG(*ret_names), STR_ARG(payload_hash));
    return strbuf_str(&b);
}

static str signature(arena *a, const aws_keys *keys, const aws_scope *scope, str date,
                     str text_to_sign)
{
    unsigned char key[HASH_BYTES], next[HASH_BYTES];
    str first = str_format(a, "AWS4" STR_FMT, STR_ARG(keys->secret_access_key));
    const str chain[] = { scope->region, scope->service, STR("aws4_request"), text_to_sign };
    hmac(first.data, first.len, date, key);
    for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
        hmac(key, sizeof key, chain[i], next);
        memcpy(key, next, sizeof key);
    }
    return hex_encode(a, key, sizeof key);
}

/* "20130524T000000Z" */
static str basic_time(arena *a, int64_t now_us)
{
    str text = clock_format_us(a, now_us - now_us % 1000000);
    char *out = arena_alloc(a, 17);
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < 16; i++)
        if (text.data[i] != '-' && text.data[i] != ':')
            out[len++] = text.data[i];
    return (str){ out, len };
}

void aws_sign(arena *a, const http_request *q, const aws_keys *keys, const aws_scope *scope,
              int64_t now_us, const http_header **ret_headers, size_t *ret_count)
{
    http_header *headers = arena_array_of(a, http_header, q->header_count + 4);
    size_t count = q->header_count;
    str time = basic_time(a, now_us), date = str_slice(time, 0, 8), names;
    str hash = sha256_hex(a, q->body);
    if (count)
        memcpy(headers, q->headers, count * sizeof *headers);
    headers[count++] = (http_header){ STR("x-amz-content-sha256"), hash };
    headers[count++] = (http_header){ STR("x-amz-date"), time };
    if (keys->session_token.len)
        headers[count++] = (http_header){ STR("x-amz-security-token"), keys->session_token };
    str canonical = canonical_request(a, q, headers, count, scope->service, hash, &names);
    str place = str_format(a, STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request", STR_ARG(date),
                           STR_ARG(scope->region), STR_ARG(scope->service));
    str text = str_format(a, "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(time),
                          STR_ARG(place), STR_ARG(sha256_hex(a, canonical)));
    str value = str_format(a,
                           "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT
                           ",SignedHeaders=" STR_FMT ",Signature=" STR_FMT,
                           STR_ARG(keys->access_key_id), STR_ARG(place), STR_ARG(names),
                           STR_ARG(signature(a, keys, scope, date, text)));
    headers[count++] = (http_header){ STR("authorization"), value };
    *ret_headers = headers;
    *ret_count = count;
}
