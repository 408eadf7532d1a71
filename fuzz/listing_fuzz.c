/* Any bytes as a page of an S3 listing, as the answer to a deletion's or STS's request, as a URL. */
#include "base/arena.h"
#include "store/s3_internal.h"
#include "store/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look(void *context, const store_object *object, error *err)
{
    size_t *sum = context;
    (void)err;
    for (size_t i = 0; i < object->uri.len; i++)
        *sum += (unsigned char)object->uri.data[i];
    *sum += object->etag.len + object->size_bytes;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "Code", "Message", "Region", "AccessKeyId", "Expiration" };
    AUTO(arena_free) arena *a = arena_new();
    str text = { (const char *)data, size }, token, texts[5], scheme, host, path, query;
    s3_listing listing = { .place = { STR("bucket"), STR("a/") }, .scheme = STR("s3") };
    size_t sum = 0, count;
    error err = { 0 };
    if (!s3_list_page(a, text, &listing, look, &sum, &token, &count, &err))
        error_clear(&err);
    if (!xml_texts(a, text, STR("answer"), names, texts, 5, &err))
        error_clear(&err);
    sum += http_unescape(a, text).len;
    sum += http_url_parts(text, &scheme, &host, &path, &query) ? host.len + path.len : 0;
    return sum == SIZE_MAX;
}
