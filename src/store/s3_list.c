/* Listings of S3 and deletions by list: XML in pages. Source: AWS, "ListObjectsV2",
 * "DeleteObjects". */
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/s3_internal.h"
#include "store/xml.h"

enum { MOST_PAGE_BYTES = 32 << 20, MOST_KEYS_IN_BATCH = 1000 };

typedef struct page {
    arena *arena;
    const s3_listing *listing;
    store_visit visit;
    void *context;
    str token;
    bool is_truncated, is_url_encoded;
    size_t count;
    str key, etag; /* of the object at hand */
    uint64_t size_bytes;
    int64_t modified_us;
    VEC(store_object) objects;
} page;

static str uri_of(page *p, str key)
{
    if (p->is_url_encoded)
        key = http_unescape(p->arena, key);
    return str_format(p->arena, STR_FMT "://" STR_FMT "/" STR_FMT, STR_ARG(p->listing->scheme),
                      STR_ARG(p->listing->place.bucket), STR_ARG(key));
}

static str unquoted(str etag)
{
    return etag.len > 1 && etag.data[0] == '"' ? str_slice(etag, 1, etag.len - 1) : etag;
}

static bool on_content(page *p, str name, str text, error *err)
{
    if (str_eq(name, STR("Key"))) {
        p->key = str_copy(p->arena, text);
    } else if (str_eq(name, STR("ETag"))) {
        p->etag = str_copy(p->arena, unquoted(text));
    } else if (str_eq(name, STR("Size"))) {
        if (!str_to_u64(text, &p->size_bytes))
            return fail(err, ERR_CORRUPT, "a listing gives the size '" STR_FMT "'", STR_ARG(text));
    } else if (str_eq(name, STR("LastModified"))) {
        if (!clock_parse_us(text, &p->modified_us))
            return fail(err, ERR_CORRUPT, "a listing gives the time '" STR_FMT "'", STR_ARG(text));
    }
    return true;
}

/* Elements in the order they come; the encoding may be said after the objects, so these wait. */
static bool on_element(void *context, str parent, str name, str text, error *err)
{
    page *p = context;
    if (str_eq(parent, STR("Contents")))
        return on_content(p, name, text, err);
    if (str_eq(name, STR("Contents"))) {
        vec_push(p->arena, &p->objects,
                 (store_object){ p->key, p->size_bytes, p->modified_us, p->etag });
        p->key = p->etag = STR("");
        p->size_bytes = 0;
        p->modified_us = 0;
    } else if (str_eq(parent, STR("CommonPrefixes")) && str_eq(name, STR("Prefix"))) {
        vec_push(p->arena, &p->objects, (store_object){ .uri = str_copy(p->arena, text) });
    } else if (str_eq(name, STR("NextContinuationToken"))) {
        p->token = str_copy(p->arena, text);
    } else if (str_eq(name, STR("IsTruncated"))) {
        p->is_truncated = str_eq(text, STR("true"));
    } else if (str_eq(name, STR("EncodingType"))) {
        p->is_url_encoded = str_eq(text, STR("url"));
    }
    return true;
}

bool s3_list_page(arena *a, str xml, const s3_listing *listing, store_visit visit, void *context,
                  str *ret_token, size_t *ret_count, error *err)
{
    str what = str_format(a, "listing s3://" STR_FMT "/" STR_FMT, STR_ARG(listing->place.bucket),
                          STR_ARG(listing->place.key));
    page p = { .arena = a, .listing = listing, .key = STR(""), .etag = STR("") };
    if (!xml_parse(xml, what, on_element, &p, err))
        return false;
    for (size_t i = 0; i < p.objects.count; i++) {
        store_object *o = &p.objects.items[i];
        o->uri = uri_of(&p, o->uri);
        TRY(visit(context, o, err));
    }
    if (p.is_truncated && p.token.len == 0)
        return fail(err, ERR_CORRUPT, STR_FMT ": the page is not the last, but names no next one",
                    STR_ARG(what));
    *ret_token = p.is_truncated ? p.token : STR("");
    *ret_count = p.objects.count;
    return true;
}

static str page_query(arena *a, const s3_listing *listing, str token)
{
    strbuf b = strbuf_new(a);
    strbuf_add_c(&b, "list-type=2&encoding-type=url&max-keys=1000&prefix=");
    http_escape(&b, listing->place.key, false);
    if (listing->has_folders)
        strbuf_add_c(&b, "&delimiter=%2F");
    if (token.len) {
        strbuf_add_c(&b, "&continuation-token=");
        http_escape(&b, token, false);
    }
    return strbuf_str(&b);
}

bool s3_list(s3_client *c, const s3_listing *listing, store_visit visit, void *context, error *err)
{
    AUTO(arena_free) arena *kept = arena_new();
    str token = STR("");
    for (;;) {
        AUTO(arena_free) arena *a = arena_new();
        http_response r;
        s3_outcome outcome;
        size_t count;
        str next;
        s3_request q = { .method = "GET",
                         .place = { listing->place.bucket, STR("") },
                         .query = page_query(a, listing, token),
                         .most_body_bytes = MOST_PAGE_BYTES };
        TRY(s3_send(c, a, &q, &r, &outcome, err));
        TRY(s3_list_page(a, r.body, listing, visit, context, &next, &count, err));
        if (next.len == 0)
            return true;
        if (str_eq(next, token))
            return fail(err, ERR_CORRUPT,
                        "listing s3://" STR_FMT "/" STR_FMT ": a page leads to itself",
                        STR_ARG(listing->place.bucket), STR_ARG(listing->place.key));
        arena_reset(kept);
        token = str_copy(kept, next);
    }
}

/* ---- Deletions ---- */

static void add_xml_text(strbuf *b, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '<' || c == '>' || c == '&' || (unsigned char)c < ' ')
            strbuf_format(b, "&#%d;", (unsigned char)c);
        else
            strbuf_add_char(b, c);
    }
}

typedef struct failures {
    arena *arena;
    str key, code, message;
    str first;
    size_t count;
} failures;

static bool on_deletion(void *context, str parent, str name, str text, error *err)
{
    failures *f = context;
    (void)err;
    if (str_eq(parent, STR("Error"))) {
        str *to = str_eq(name, STR("Key"))       ? &f->key
                  : str_eq(name, STR("Code"))    ? &f->code
                  : str_eq(name, STR("Message")) ? &f->message
                                                 : NULL;
        if (to)
            *to = str_copy(f->arena, text);
    } else if (str_eq(name, STR("Error")) && !str_eq(f->code, STR("NoSuchKey"))) {
        if (f->count++ == 0)
            f->first = str_format(f->arena, STR_FMT ": " STR_FMT " " STR_FMT, STR_ARG(f->key),
                                  STR_ARG(f->code), STR_ARG(f->message));
    }
    return true;
}

static bool delete_up_to_1000(s3_client *c, str bucket, const str *keys, size_t count, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    unsigned char md5[16];
    char text[32];
    strbuf_add_c(&b, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                     "<Quiet>true</Quiet>");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&b, "<Object><Key>");
        add_xml_text(&b, keys[i]);
        strbuf_add_c(&b, "</Key></Object>");
    }
    strbuf_add_c(&b, "</Delete>");
    EVP_Digest(b.data, b.len, md5, NULL, EVP_md5(), NULL);
    EVP_EncodeBlock((unsigned char *)text, md5, sizeof md5);
    http_header headers[] = { { STR("content-md5"), str_of(text) },
                              { STR("content-type"), STR("application/xml") } };
    s3_request q = { .method = "POST",
                     .place = { bucket, STR("") },
                     .query = STR("delete="),
                     .headers = headers,
                     .header_count = 2,
                     .body = strbuf_str(&b),
                     .is_batch = true };
    http_response r;
    s3_outcome outcome;
    failures f = { .arena = a };
    TRY(s3_send(c, a, &q, &r, &outcome, err));
    if (r.body.len)
        TRY(xml_parse(r.body, STR("S3's answer to DeleteObjects"), on_deletion, &f, err));
    return f.count == 0 ||
           fail(err, ERR_IO, "deleting from s3://" STR_FMT ": %zu of %zu failed: " STR_FMT,
                STR_ARG(bucket), f.count, count, STR_ARG(f.first));
}

bool s3_delete_batch(s3_client *c, str bucket, const str *keys, size_t count, error *err)
{
    for (size_t i = 0; i < count; i += MOST_KEYS_IN_BATCH) {
        size_t n = count - i < MOST_KEYS_IN_BATCH ? count - i : MOST_KEYS_IN_BATCH;
        TRY(delete_up_to_1000(c, bucket, keys + i, n, err));
    }
    return true;
}
