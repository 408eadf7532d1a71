/* Sealed texts open with their key and purpose, and with nothing else. */
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/secret.h"
#include "test.h"

TEST(a_sealed_secret_opens_only_for_its_key_and_purpose)
{
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 };
    secret_key key, again, other;
    str text;
    const char *folder = test_folder();
    const char *path = str_format(a, "%s/secrets.key%c", folder, 0).data;
    CHECK_OK(secret_key_read(path, &key, &err), &err);
    CHECK_OK(secret_key_read(path, &again, &err), &err);
    CHECK(memcmp(&key, &again, sizeof key) == 0);
    str sealed = secret_seal(a, &key, STR("connection lake"), STR("wJalrXUtnFEMI"));
    CHECK(!str_contains(sealed, STR("wJalr")));
    CHECK(!str_eq(sealed, secret_seal(a, &key, STR("connection lake"), STR("wJalrXUtnFEMI"))));
    CHECK_OK(secret_unseal(a, &again, STR("connection lake"), sealed, &text, &err), &err);
    CHECK_STR(text, STR("wJalrXUtnFEMI"));
    CHECK_FAILS(secret_unseal(a, &key, STR("connection pond"), sealed, &text, &err), &err,
                "another secrets.key");
    other = key;
    other.bytes[7] ^= 1;
    CHECK_FAILS(secret_unseal(a, &other, STR("connection lake"), sealed, &text, &err), &err,
                "another secrets.key");
    CHECK_FAILS(secret_unseal(a, &key, STR("connection lake"), str_slice(sealed, 0, sealed.len - 2),
                              &text, &err),
                &err, "another secrets.key");
    CHECK(chmod(path, 0644) == 0);
    CHECK_FAILS(secret_key_read(path, &key, &err), &err, "chmod 600");
}
