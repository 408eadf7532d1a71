/* Signatures against the examples of AWS's own documentation ("Authenticating Requests: Using the
 * Authorization Header", examples of 2013-05-24). */
#include "base/arena.h"
#include "base/clock.h"
#include "store/sign.h"
#include "test.h"

static const struct sign_case {
    const char *name, *method, *url;
    const char *header, *value, *body, *signature;
} cases[] = {
    { "ranged read", "GET", "https://examplebucket.s3.amazonaws.com/test.txt", "Range", "bytes=0-9",
      "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { "query without value", "GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", NULL, NULL,
      "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { "query out of order", "GET", "https://examplebucket.s3.amazonaws.com/?prefix=J&max-keys=2",
      NULL, NULL, "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

TEST(signatures_are_those_of_the_documentation)
{
    AUTO(arena_free) arena *a = arena_new();
    aws_keys keys = { STR("AKIAIOSFODNN7EXAMPLE"), STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                      STR(""), 0 };
    aws_scope scope = { STR("us-east-1"), STR("s3") };
    const struct sign_case *c;
    FOR_EACH_CASE (c, cases) {
        http_header given = { str_of(c->header), str_of(c->value) };
        http_request q = { .method = c->method,
                           .url = str_of(c->url),
                           .headers = &given,
                           .header_count = c->header ? 1 : 0,
                           .body = str_of(c->body) };
        const http_header *headers;
        size_t count;
        int64_t now_us = (int64_t)clock_days_of(2013, 5, 24) * 86400000000ll;
        aws_sign(a, &q, &keys, &scope, now_us, &headers, &count);
        str value = headers[count - 1].value;
        CHECK_STR(str_slice(value, value.len - 64, value.len), str_of(c->signature));
    }
}
