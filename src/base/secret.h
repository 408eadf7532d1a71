/* Secrets at rest: texts sealed with a key that lives in a file of its own. */
#pragma once

#include "base/error.h"

enum { SECRET_KEY_BYTES = 32 };
typedef struct secret_key {
    unsigned char bytes[SECRET_KEY_BYTES];
} secret_key;

/* Read the key from `path` (hexadecimal text, mode 0600); made of random bytes when there is none.
 * ERR_INVALID when others may read the file, ERR_CORRUPT when it is no key. */
NODISCARD bool secret_key_read(const char *path, secret_key *ret_key, error *err);

/* AES-256-GCM: "1:" and hexadecimal of nonce, ciphertext and tag. `purpose` is bound in: a text
 * that was sealed for one purpose opens for no other. */
str secret_seal(arena *a, const secret_key *key, str purpose, str text);
/* ERR_CORRUPT when key, purpose or text are not those of the seal. */
NODISCARD bool secret_unseal(arena *a, const secret_key *key, str purpose, str sealed,
                             str *ret_text, error *err);
