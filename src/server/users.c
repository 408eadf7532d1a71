/* The home's users in SQLite. */
#include "server/users.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"
#include "server/attempts.h"

/* OWASP's parameters for argon2id: 19 MiB, two passes. */
enum { HASH_PASSES = 2, HASH_KIB = 19 << 10, HASH_LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };
enum { SECRET_BYTES = 32, KNOWN_PASSWORDS = 256 };

/* A password that was right: later checks of the same cost one HMAC instead of 19 MiB. */
typedef struct known {
    uint8_t mark[SHA256_DIGEST_LENGTH]; /* HMAC of name and password under the process's key */
} known;

struct users {
    pthread_mutex_t lock;      /* guards the connection, the attempts and the known passwords */
    pthread_mutex_t hash_lock; /* one password is hashed at a time */
    sqlite3 *db;
    attempts attempts;
    uint8_t key[32];
    known known[KNOWN_PASSWORDS];
};

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, created_us "
    "INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS user_sessions (mark BLOB PRIMARY KEY, user TEXT NOT NULL, "
    "expires_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS user_tokens (mark BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, label "
    "TEXT NOT NULL, user TEXT NOT NULL, created_us INTEGER NOT NULL);";

/* ---- SQLite ---- */

typedef sqlite3_stmt statement;
static void statement_close(statement *s)
{
    sqlite3_finalize(s);
}
DEFINE_AUTO(statement, statement_close)

static bool db_fail(users *u, const char *doing, error *err)
{
    return fail(err, ERR_IO, "%s: state.db: %s", doing, sqlite3_errmsg(u->db));
}

static bool prepare(users *u, const char *sql, statement **ret, error *err)
{
    return sqlite3_prepare_v2(u->db, sql, -1, ret, NULL) == SQLITE_OK
               ? true
               : db_fail(u, "reading users", err);
}

static void bind_text(statement *s, int at, str text)
{
    sqlite3_bind_text(s, at, text.data ? text.data : "", (int)text.len, SQLITE_TRANSIENT);
}

static str text_of(arena *a, statement *s, int column)
{
    return str_copy(a, (str){ (const char *)sqlite3_column_text(s, column),
                              (size_t)sqlite3_column_bytes(s, column) });
}

static bool step(users *u, statement *s, bool *ret_has_row, error *err)
{
    int code = sqlite3_step(s);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_fail(u, "users", err);
    *ret_has_row = code == SQLITE_ROW;
    return true;
}

bool users_open(str home_path, users **ret_users, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    const char *path = str_to_c(a, str_concat(a, home_path, STR("/state.db")));
    AUTO(users_close) users *u = memory_alloc(sizeof *u);
    pthread_mutex_init(&u->lock, NULL);
    pthread_mutex_init(&u->hash_lock, NULL);
    random_bytes(u->key, sizeof u->key);
    random_bytes(u->known, sizeof u->known);
    if (sqlite3_open(path, &u->db) != SQLITE_OK)
        return db_fail(u, "opening users", err);
    sqlite3_busy_timeout(u->db, 10000);
    if (sqlite3_exec(u->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(u, "opening users", err);
    *ret_users = TAKE(u);
    return true;
}

void users_close(users *u)
{
    if (!u)
        return;
    sqlite3_close(u->db);
    pthread_mutex_destroy(&u->lock);
    pthread_mutex_destroy(&u->hash_lock);
    OPENSSL_cleanse(u->key, sizeof u->key);
    free(u);
}

/* ---- Secrets ---- */

str secret_new(arena *a)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[SECRET_BYTES + 1] = { 0 };
    char *text = arena_alloc(a, 44);
    random_bytes(bytes, SECRET_BYTES);
    for (size_t i = 0; i < 43; i++) {
        size_t bit = i * 6, at = bit / 8;
        unsigned pair = (unsigned)bytes[at] << 8 | bytes[at + 1 < sizeof bytes ? at + 1 : at];
        text[i] = digits[pair >> (10 - bit % 8) & 63];
    }
    return (str){ text, 43 };
}

static void bind_mark(statement *s, int at, str secret)
{
    uint8_t mark[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)secret.data, secret.len, mark);
    sqlite3_bind_blob(s, at, mark, sizeof mark, SQLITE_TRANSIENT);
}

static bool hash_password(users *u, str password, char *ret_hash, size_t size, error *err)
{
    uint8_t salt[SALT_BYTES];
    random_bytes(salt, sizeof salt);
    pthread_mutex_lock(&u->hash_lock);
    int code = argon2id_hash_encoded(HASH_PASSES, HASH_KIB, HASH_LANES, password.data, password.len,
                                     salt, sizeof salt, HASH_BYTES, ret_hash, size);
    pthread_mutex_unlock(&u->hash_lock);
    return code == ARGON2_OK
               ? true
               : fail(err, ERR_IO, "hashing a password: %s", argon2_error_message(code));
}

/* ---- Users ---- */

static bool check_name(str name, error *err)
{
    bool is_fine = name.len > 0 && name.len <= USER_NAME_BYTES;
    for (size_t i = 0; is_fine && i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        is_fine = c > ' ' && c != ':' && c != 127;
    }
    return is_fine ? true
                   : fail(err, ERR_INVALID,
                          "a user's name has 1 to %d characters, no blank and no colon",
                          USER_NAME_BYTES);
}

static bool check_password(str password, error *err)
{
    if (password.len >= PASSWORD_BYTES_LEAST && password.len <= PASSWORD_BYTES_MOST)
        return true;
    return fail(err, ERR_INVALID, "a password has at least %d characters, this one has %zu",
                PASSWORD_BYTES_LEAST, password.len);
}

static void forget_known(users *u)
{
    random_bytes(u->known, sizeof u->known);
}

/* One statement with up to two texts. */
static bool change(users *u, const char *sql, str first, str second, int *ret_changed, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    bool has_row;
    TRY(prepare(u, sql, &s, err));
    bind_text(s, 1, first);
    if (sqlite3_bind_parameter_count(s) > 1)
        bind_text(s, 2, second);
    if (sqlite3_bind_parameter_count(s) > 2)
        sqlite3_bind_int64(s, 3, clock_wall_us());
    TRY(step(u, s, &has_row, err));
    *ret_changed = sqlite3_changes(u->db);
    return true;
}

bool users_add(users *u, str name, str password, error *err)
{
    char hash[256];
    int changed;
    TRY(check_name(name, err));
    TRY(check_password(password, err));
    TRY(hash_password(u, password, hash, sizeof hash, err));
    pthread_mutex_lock(&u->lock);
    bool works = change(u, "INSERT OR IGNORE INTO users VALUES (?1, ?2, ?3)", name, str_of(hash),
                        &changed, err);
    pthread_mutex_unlock(&u->lock);
    TRY(works);
    return changed ? true
                   : fail(err, ERR_CONFLICT, "there is a user " STR_FMT " already", STR_ARG(name));
}

static bool no_user(str name, error *err)
{
    return fail(err, ERR_NOT_FOUND, "there is no user " STR_FMT " (floe user list shows them)",
                STR_ARG(name));
}

bool users_remove(users *u, str name, error *err)
{
    int changed, ignored;
    pthread_mutex_lock(&u->lock);
    bool works =
        change(u, "DELETE FROM user_sessions WHERE user = ?1", name, name, &ignored, err) &&
        change(u, "DELETE FROM user_tokens WHERE user = ?1", name, name, &ignored, err) &&
        change(u, "DELETE FROM users WHERE name = ?1", name, name, &changed, err);
    forget_known(u);
    pthread_mutex_unlock(&u->lock);
    TRY(works);
    return changed ? true : no_user(name, err);
}

bool users_set_password(users *u, str name, str password, error *err)
{
    char hash[256];
    int changed, ignored;
    TRY(check_password(password, err));
    TRY(hash_password(u, password, hash, sizeof hash, err));
    pthread_mutex_lock(&u->lock);
    bool works = change(u, "UPDATE users SET hash = ?2 WHERE name = ?1", name, str_of(hash),
                        &changed, err) &&
                 change(u, "DELETE FROM user_sessions WHERE user = ?1", name, name, &ignored, err);
    forget_known(u);
    pthread_mutex_unlock(&u->lock);
    TRY(works);
    return changed ? true : no_user(name, err);
}

static bool list(users *u, arena *a, user_record **ret, size_t *ret_count, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    VEC(user_record) all = { 0 };
    bool has_row;
    TRY(prepare(u, "SELECT name, created_us FROM users ORDER BY name", &s, err));
    for (;;) {
        TRY(step(u, s, &has_row, err));
        if (!has_row)
            break;
        vec_push(
            a, &all,
            (user_record){ .name = text_of(a, s, 0), .created_us = sqlite3_column_int64(s, 1) });
    }
    *ret = all.items;
    *ret_count = all.count;
    return true;
}

bool users_list(users *u, arena *a, user_record **ret, size_t *ret_count, error *err)
{
    pthread_mutex_lock(&u->lock);
    bool works = list(u, a, ret, ret_count, err);
    pthread_mutex_unlock(&u->lock);
    return works;
}

bool users_first(users *u, arena *a, str *ret_password, error *err)
{
    user_record *all;
    size_t count;
    *ret_password = STR("");
    TRY(users_list(u, a, &all, &count, err));
    if (count)
        return true;
    str password = str_slice(secret_new(a), 0, 20);
    if (users_add(u, STR("admin"), password, err)) {
        *ret_password = password;
        return true;
    }
    if (err->code != ERR_CONFLICT)
        return false;
    error_clear(err); /* another process on this home was first */
    return true;
}

/* ---- Signing in ---- */

static void mark_of(users *u, str name, str password, uint8_t *ret)
{
    AUTO(arena_free) arena *a = arena_new();
    strbuf b = strbuf_new(a);
    unsigned len = SHA256_DIGEST_LENGTH;
    strbuf_add(&b, name);
    strbuf_add_char(&b, '\0');
    strbuf_add(&b, password);
    HMAC(EVP_sha256(), u->key, sizeof u->key, (const uint8_t *)b.data, b.len, ret, &len);
    OPENSSL_cleanse(b.data, b.len);
}

static known *known_place(users *u, const uint8_t *mark)
{
    return &u->known[mark[0] % KNOWN_PASSWORDS];
}

static bool find_hash(users *u, arena *a, str name, str *ret_hash, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    bool has_row;
    TRY(prepare(u, "SELECT hash FROM users WHERE name = ?1", &s, err));
    bind_text(s, 1, name);
    TRY(step(u, s, &has_row, err));
    *ret_hash = has_row ? text_of(a, s, 0) : STR("");
    return true;
}

/* A name that nobody has takes as long as one that somebody has. */
static bool verify(users *u, str hash, str password)
{
    static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$MDAwMDAwMDAwMDAwMDAwMA$"
                                 "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA";
    AUTO(arena_free) arena *a = arena_new();
    pthread_mutex_lock(&u->hash_lock);
    int code = argon2id_verify(hash.len ? str_to_c(a, hash) : nobody, password.data, password.len);
    pthread_mutex_unlock(&u->hash_lock);
    return hash.len && code == ARGON2_OK;
}

bool users_check(users *u, str name, str password, str peer, sign_in *ret, int *ret_wait_s,
                 error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    uint8_t mark[SHA256_DIGEST_LENGTH];
    str hash = STR("");
    *ret = SIGN_IN_NO;
    if (name.len > USER_NAME_BYTES || password.len > PASSWORD_BYTES_MOST)
        return true;
    mark_of(u, name, password, mark);
    pthread_mutex_lock(&u->lock);
    bool is_known = CRYPTO_memcmp(known_place(u, mark)->mark, mark, sizeof mark) == 0;
    *ret_wait_s = is_known ? 0 : attempts_wait_s(&u->attempts, peer, name);
    bool works = is_known || *ret_wait_s || find_hash(u, a, name, &hash, err);
    pthread_mutex_unlock(&u->lock);
    TRY(works);
    if (*ret_wait_s) {
        *ret = SIGN_IN_LATER;
        return true;
    }
    bool is_right = is_known || verify(u, hash, password);
    pthread_mutex_lock(&u->lock);
    if (is_right)
        memcpy(known_place(u, mark)->mark, mark, sizeof mark);
    attempts_note(&u->attempts, peer, name, is_right);
    pthread_mutex_unlock(&u->lock);
    *ret = is_right ? SIGN_IN_YES : SIGN_IN_NO;
    return true;
}

/* ---- Sessions and tokens ---- */

static bool add_session(users *u, str name, str secret, int64_t expires_us, error *err)
{
    AUTO(statement_close) statement *s = NULL, *old = NULL;
    bool has_row;
    TRY(prepare(u, "DELETE FROM user_sessions WHERE expires_us < ?1", &old, err));
    sqlite3_bind_int64(old, 1, clock_wall_us());
    TRY(step(u, old, &has_row, err));
    TRY(prepare(u, "INSERT INTO user_sessions VALUES (?1, ?2, ?3)", &s, err));
    bind_mark(s, 1, secret);
    bind_text(s, 2, name);
    sqlite3_bind_int64(s, 3, expires_us);
    return step(u, s, &has_row, err);
}

bool users_session_new(users *u, arena *a, str name, int64_t seconds, str *ret_secret, error *err)
{
    *ret_secret = secret_new(a);
    pthread_mutex_lock(&u->lock);
    bool works = add_session(u, name, *ret_secret, clock_wall_us() + seconds * 1000000, err);
    pthread_mutex_unlock(&u->lock);
    return works;
}

static bool find_secret(users *u, arena *a, const char *sql, str secret, str *ret_name, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    bool has_row;
    TRY(prepare(u, sql, &s, err));
    bind_mark(s, 1, secret);
    if (sqlite3_bind_parameter_count(s) > 1)
        sqlite3_bind_int64(s, 2, clock_wall_us());
    TRY(step(u, s, &has_row, err));
    *ret_name = has_row && sqlite3_column_count(s) ? text_of(a, s, 0) : STR("");
    return true;
}

static bool by_secret(users *u, arena *a, const char *sql, str secret, str *ret_name, error *err)
{
    *ret_name = STR("");
    if (!secret.len)
        return true;
    pthread_mutex_lock(&u->lock);
    bool works = find_secret(u, a, sql, secret, ret_name, err);
    pthread_mutex_unlock(&u->lock);
    return works;
}

bool users_session_get(users *u, arena *a, str secret, str *ret_name, error *err)
{
    return by_secret(u, a, "SELECT user FROM user_sessions WHERE mark = ?1 AND expires_us > ?2",
                     secret, ret_name, err);
}

bool users_session_drop(users *u, str secret, error *err)
{
    str ignored;
    return by_secret(u, NULL, "DELETE FROM user_sessions WHERE mark = ?1", secret, &ignored, err);
}

static bool add_token(users *u, str name, str label, str id, str secret, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    bool has_row;
    TRY(prepare(u, "INSERT INTO user_tokens VALUES (?1, ?2, ?3, ?4, ?5)", &s, err));
    bind_mark(s, 1, secret);
    bind_text(s, 2, id);
    bind_text(s, 3, label);
    bind_text(s, 4, name);
    sqlite3_bind_int64(s, 5, clock_wall_us());
    return step(u, s, &has_row, err);
}

bool users_token_new(users *u, arena *a, str name, str label, str *ret_id, str *ret_secret,
                     error *err)
{
    *ret_secret = secret_new(a);
    *ret_id = str_slice(uuid_v4(a), 0, 8);
    pthread_mutex_lock(&u->lock);
    bool works = add_token(u, name, label, *ret_id, *ret_secret, err);
    pthread_mutex_unlock(&u->lock);
    return works;
}

bool users_token_get(users *u, arena *a, str secret, str *ret_name, error *err)
{
    return by_secret(u, a, "SELECT user FROM user_tokens WHERE mark = ?1", secret, ret_name, err);
}

static bool list_tokens(users *u, arena *a, user_token **ret, size_t *ret_count, error *err)
{
    AUTO(statement_close) statement *s = NULL;
    VEC(user_token) all = { 0 };
    bool has_row;
    TRY(prepare(u, "SELECT id, label, user, created_us FROM user_tokens ORDER BY created_us", &s,
                err));
    for (;;) {
        TRY(step(u, s, &has_row, err));
        if (!has_row)
            break;
        vec_push(a, &all,
                 (user_token){ .id = text_of(a, s, 0),
                               .label = text_of(a, s, 1),
                               .user = text_of(a, s, 2),
                               .created_us = sqlite3_column_int64(s, 3) });
    }
    *ret = all.items;
    *ret_count = all.count;
    return true;
}

bool users_token_list(users *u, arena *a, user_token **ret, size_t *ret_count, error *err)
{
    pthread_mutex_lock(&u->lock);
    bool works = list_tokens(u, a, ret, ret_count, err);
    pthread_mutex_unlock(&u->lock);
    return works;
}

bool users_token_drop(users *u, str id, bool *ret_is_found, error *err)
{
    int changed;
    pthread_mutex_lock(&u->lock);
    bool works = change(u, "DELETE FROM user_tokens WHERE id = ?1", id, id, &changed, err);
    pthread_mutex_unlock(&u->lock);
    TRY(works);
    *ret_is_found = changed > 0;
    return true;
}
