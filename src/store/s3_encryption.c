/* Headers of server-side encryption. Source: AWS, "Protecting data with server-side encryption". */
#include "store/s3_encryption.h"

#include <openssl/evp.h>

#include "base/arena.h"
#include "store/credentials.h"

static str base64(arena *a, const void *data, size_t len)
{
    char *out = arena_alloc(a, 4 * (len / 3 + 1) + 1);
    int n = EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    return (str){ out, (size_t)n };
}

bool s3_encryption_read(arena *a, const store_option *options, size_t count, s3_encryption *ret,
                        error *err)
{
    str type = store_option_text(options, count, "s3.sse.type"),
        key = store_option_text(options, count, "s3.sse.key");
    *ret = (s3_encryption){ .kms_key = STR("") };
    if (type.len == 0 || str_eq(type, STR("none")))
        return true;
    if (str_eq(type, STR("s3")) || str_eq(type, STR("kms"))) {
        ret->is_s3 = str_eq(type, STR("s3"));
        ret->is_kms = !ret->is_s3;
        ret->kms_key = str_copy(a, key);
        return true;
    }
    if (!str_eq(type, STR("custom")))
        return fail(err, ERR_INVALID, "s3.sse.type is '" STR_FMT "'; it is none, s3, kms or custom",
                    STR_ARG(type));
    unsigned char bytes[64], md5[16];
    if (key.len != 44 || EVP_DecodeBlock(bytes, (const unsigned char *)key.data, 44) != 33)
        return fail(err, ERR_INVALID, "s3.sse.key must be the base64 of 32 bytes");
    EVP_Digest(bytes, 32, md5, NULL, EVP_md5(), NULL);
    ret->customer_key = str_copy(a, key);
    ret->customer_key_md5 = base64(a, md5, sizeof md5);
    return true;
}

size_t s3_encryption_headers(const s3_encryption *e, bool creates, bool carries_data,
                             http_header *ret)
{
    size_t count = 0;
    if (creates && (e->is_kms || e->is_s3))
        ret[count++] = (http_header){ STR("x-amz-server-side-encryption"),
                                      e->is_kms ? STR("aws:kms") : STR("AES256") };
    if (creates && e->is_kms && e->kms_key.len)
        ret[count++] =
            (http_header){ STR("x-amz-server-side-encryption-aws-kms-key-id"), e->kms_key };
    if ((creates || carries_data) && e->customer_key.len) {
        ret[count++] =
            (http_header){ STR("x-amz-server-side-encryption-customer-algorithm"), STR("AES256") };
        ret[count++] =
            (http_header){ STR("x-amz-server-side-encryption-customer-key"), e->customer_key };
        ret[count++] = (http_header){ STR("x-amz-server-side-encryption-customer-key-md5"),
                                      e->customer_key_md5 };
    }
    return count;
}
