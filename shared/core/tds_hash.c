#include "tds_hash.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

apr_status_t tds_sha256(unsigned char out[TDS_HASH_LEN], const void *data, apr_size_t len)
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? APR_SUCCESS : APR_EGENERAL;
}

#define HMAC_BLOCK 64

static void xor_pad(unsigned char pad[HMAC_BLOCK], unsigned char with)
{
    int i;

    for (i = 0; i < HMAC_BLOCK; ++i) pad[i] ^= with;
}

/* RFC 2104, over the digest interface: HMAC() of OpenSSL 3 looks up its algorithms anew in each call, which takes more than
 * twice the time of all this. */
apr_status_t tds_hmac(unsigned char out[TDS_HASH_LEN], const void *key, apr_size_t keylen, const void *data,
                      apr_size_t len)
{
    unsigned char pad[HMAC_BLOCK] = {0}, inner[TDS_HASH_LEN];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int ok = c != NULL;

    if (keylen > sizeof pad) ok = ok && EVP_Digest(key, keylen, pad, NULL, EVP_sha256(), NULL) == 1;
    else if (keylen) memcpy(pad, key, keylen);
    xor_pad(pad, 0x36);
    ok = ok && EVP_DigestInit_ex(c, EVP_sha256(), NULL) && EVP_DigestUpdate(c, pad, sizeof pad) &&
         EVP_DigestUpdate(c, data, len) && EVP_DigestFinal_ex(c, inner, NULL);
    xor_pad(pad, 0x36 ^ 0x5c);
    ok = ok && EVP_DigestInit_ex(c, NULL, NULL) && EVP_DigestUpdate(c, pad, sizeof pad) &&
         EVP_DigestUpdate(c, inner, sizeof inner) && EVP_DigestFinal_ex(c, out, NULL);
    EVP_MD_CTX_free(c);
    OPENSSL_cleanse(pad, sizeof pad);
    OPENSSL_cleanse(inner, sizeof inner);
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

static apr_size_t put_part(unsigned char *to, const tds_bytes_t *part)
{
    to[0] = (unsigned char)(part->len >> 24);
    to[1] = (unsigned char)(part->len >> 16);
    to[2] = (unsigned char)(part->len >> 8);
    to[3] = (unsigned char)part->len;
    if (part->len) memcpy(to + 4, part->data, part->len);
    return part->len + 4;
}

apr_status_t tds_mac(unsigned char out[TDS_HASH_LEN], const void *key, apr_size_t keylen, const tds_bytes_t *parts,
                     int nparts)
{
    unsigned char small[512] = {0}, *buf = small;
    apr_size_t need = 0, n = 0;
    apr_status_t rv;
    int i;

    for (i = 0; i < nparts; ++i) need += parts[i].len + 4;
    if (need > sizeof small && !(buf = OPENSSL_malloc(need))) return APR_ENOMEM;
    for (i = 0; i < nparts; ++i) n += put_part(buf + n, &parts[i]);
    rv = tds_hmac(out, key, keylen, buf, n);
    OPENSSL_cleanse(buf, n);
    if (buf != small) OPENSSL_free(buf);
    return rv;
}

int tds_equal(const void *a, const void *b, apr_size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

int tds_equal_str(const char *a, const char *b)
{
    apr_size_t n = strlen(a);

    return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

void tds_wipe(void *p, apr_size_t len)
{
    OPENSSL_cleanse(p, len);
}

typedef struct wipe_t {
    void *p;
    apr_size_t len;
} wipe_t;

static apr_status_t wipe_now(void *baton)
{
    wipe_t *w = baton;

    OPENSSL_cleanse(w->p, w->len);
    return APR_SUCCESS;
}

void tds_wipe_later(apr_pool_t *pool, void *p, apr_size_t len)
{
    wipe_t *w = apr_palloc(pool, sizeof *w);

    w->p = p;
    w->len = len;
    apr_pool_cleanup_register(pool, w, wipe_now, apr_pool_cleanup_null);
}

const char *tds_hex(const void *data, apr_size_t len, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *s = data;
    char *out = apr_palloc(pool, 2 * len + 1);
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        out[2 * i] = hex[s[i] >> 4];
        out[2 * i + 1] = hex[s[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

apr_status_t tds_unhex(unsigned char *out, apr_size_t len, const char *text)
{
    apr_size_t i;

    if (strlen(text) != 2 * len) return APR_EINVAL;
    for (i = 0; i < len; ++i) {
        int hi = hex_value(text[2 * i]), lo = hex_value(text[2 * i + 1]);
        if (hi < 0 || lo < 0) return APR_EINVAL;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return APR_SUCCESS;
}
