/* Sealing with AES-256-GCM from OpenSSL. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_decode(str text, unsigned char *ret, size_t len)
{
    if (text.len != len * 2)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

/* Two processes may start at once: the one that links its file first gives the key. */
static bool make_key(const char *path, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    unsigned char bytes[SECRET_KEY_BYTES];
    random_bytes(bytes, sizeof bytes);
    str text = str_format(a, STR_FMT "\n", STR_ARG(hex_encode(a, bytes, sizeof bytes)));
    const char *fresh = str_format(a, "%s.%d.tmp%c", path, (int)getpid(), 0).data;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(err, "making %s", path);
    bool works = write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    close(fd);
    works = works && (link(fresh, path) == 0 || errno == EEXIST);
    if (!works)
        fail_errno(err, "making %s", path);
    unlink(fresh);
    return works && file_sync(path, err);
}

bool secret_key_read(const char *path, secret_key *ret_key, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    struct stat st;
    str text;
    if (!file_exists(path))
        TRY(make_key(path, err));
    if (stat(path, &st) != 0)
        return fail_errno(err, "reading %s", path);
    if (st.st_mode & 077)
        return fail(err, ERR_INVALID, "%s can be read by others: chmod 600 it", path);
    TRY(file_read(a, path, &text, err));
    if (!hex_decode(str_trim(text), ret_key->bytes, SECRET_KEY_BYTES))
        return fail(err, ERR_CORRUPT, "%s holds no key of %d bytes", path, SECRET_KEY_BYTES);
    return true;
}

str secret_seal(arena *a, const secret_key *key, str purpose, str text)
{
    unsigned char *out = arena_alloc(a, NONCE_BYTES + text.len + TAG_BYTES);
    unsigned char *body = out + NONCE_BYTES;
    int len = 0;
    random_bytes(out, NONCE_BYTES);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, out);
    EVP_EncryptUpdate(c, NULL, &len, (const unsigned char *)purpose.data, (int)purpose.len);
    EVP_EncryptUpdate(c, body, &len, (const unsigned char *)text.data, (int)text.len);
    EVP_EncryptFinal_ex(c, body + text.len, &len);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + text.len);
    EVP_CIPHER_CTX_free(c);
    return str_format(a, "1:" STR_FMT,
                      STR_ARG(hex_encode(a, out, NONCE_BYTES + text.len + TAG_BYTES)));
}

bool secret_unseal(arena *a, const secret_key *key, str purpose, str sealed, str *ret_text,
                   error *err)
{
    str hex = str_slice(sealed, 2, sealed.len);
    size_t len = hex.len / 2;
    unsigned char *in = arena_alloc(a, len + 1);
    int n = 0;
    bool works = str_starts_with(sealed, STR("1:")) && len >= NONCE_BYTES + TAG_BYTES &&
                 hex_decode(hex, in, len);
    if (works) {
        int body = (int)len - NONCE_BYTES - TAG_BYTES;
        unsigned char *out = arena_alloc(a, (size_t)body + 1);
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, in);
        EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)purpose.data, (int)purpose.len);
        EVP_DecryptUpdate(c, out, &n, in + NONCE_BYTES, body);
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, in + NONCE_BYTES + body);
        works = EVP_DecryptFinal_ex(c, out + body, &n) == 1;
        EVP_CIPHER_CTX_free(c);
        *ret_text = (str){ (char *)out, (size_t)body };
    }
    return works ||
           fail(err, ERR_CORRUPT,
                "a sealed secret cannot be opened: it was sealed with another secrets.key");
}
