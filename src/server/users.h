/* Who may ask: the home's users, their passwords, browser sessions and tokens, in the home's state
 * file. Passwords are kept as argon2id hashes, everything else as SHA-256 of random bytes. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Thread-safe. Checking a password takes tens of milliseconds: for workers, not the network thread.
 */
typedef struct users users;

NODISCARD bool users_open(str home_path, users **ret_users, error *err);
void users_close(users *u);
DEFINE_AUTO(users, users_close)

/* ---- Users ---- */

enum { USER_NAME_BYTES = 64, PASSWORD_BYTES_LEAST = 8, PASSWORD_BYTES_MOST = 1024 };

NODISCARD bool users_add(users *u, str name, str password, error *err); /* ERR_CONFLICT: exists */
/* With the user's sessions and tokens. */
NODISCARD bool users_remove(users *u, str name, error *err);
NODISCARD bool users_set_password(users *u, str name, str password, error *err);
typedef struct user_record {
    str name;
    int64_t created_us;
} user_record;
NODISCARD bool users_list(users *u, arena *a, user_record **ret, size_t *ret_count, error *err);
/* A home without users gets "admin" with a made password, which is in `*ret_password`; empty: there
 * were some. */
NODISCARD bool users_first(users *u, arena *a, str *ret_password, error *err);

/* ---- Signing in ---- */

typedef enum sign_in {
    SIGN_IN_YES,
    SIGN_IN_NO,
    SIGN_IN_LATER, /* too many failures from that peer or for that name: not even looked at */
} sign_in;

/* `*ret_wait_s`: of SIGN_IN_LATER. */
NODISCARD bool users_check(users *u, str name, str password, str peer, sign_in *ret,
                           int *ret_wait_s, error *err);

/* A secret, 43 characters, that stands for the user for `seconds`. */
NODISCARD bool users_session_new(users *u, arena *a, str name, int64_t seconds, str *ret_secret,
                                 error *err);
/* `*ret_name` empty: there is none. */
NODISCARD bool users_session_get(users *u, arena *a, str secret, str *ret_name, error *err);
NODISCARD bool users_session_drop(users *u, str secret, error *err);

typedef struct user_token {
    str id, label, user;
    int64_t created_us;
} user_token;
NODISCARD bool users_token_new(users *u, arena *a, str name, str label, str *ret_id,
                               str *ret_secret, error *err);
NODISCARD bool users_token_get(users *u, arena *a, str secret, str *ret_name, error *err);
NODISCARD bool users_token_list(users *u, arena *a, user_token **ret, size_t *ret_count,
                                error *err);
NODISCARD bool users_token_drop(users *u, str id, bool *ret_is_found, error *err);

/* A random secret of 43 URL-safe characters. */
str secret_new(arena *a);
