#include "tds_b64.h"

#include <string.h>

static const char alpha_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alpha_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char *encode(const unsigned char *s, apr_size_t n, const char *abc, int pad, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, (n + 2) / 3 * 4 + 1), *o = out;
    apr_size_t left;

    for (; n >= 3; n -= 3, s += 3) {
        *o++ = abc[s[0] >> 2];
        *o++ = abc[(s[0] & 3) << 4 | s[1] >> 4];
        *o++ = abc[(s[1] & 15) << 2 | s[2] >> 6];
        *o++ = abc[s[2] & 63];
    }
    left = n;
    if (left) {
        unsigned b1 = left > 1 ? s[1] : 0;
        *o++ = abc[s[0] >> 2];
        *o++ = abc[(s[0] & 3) << 4 | b1 >> 4];
        if (left > 1) *o++ = abc[(b1 & 15) << 2];
        else if (pad) *o++ = '=';
        if (pad) *o++ = '=';
    }
    *o = '\0';
    return out;
}

const char *tds_b64url_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    return encode(data, len, alpha_url, 0, pool);
}

const char *tds_b64_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    return encode(data, len, alpha_std, 1, pool);
}

static int url_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

apr_status_t tds_b64url_decode(unsigned char **out, apr_size_t *outlen, const char *text, apr_size_t len, int lax,
                               apr_pool_t *pool)
{
    unsigned char *o = apr_palloc(pool, len / 4 * 3 + 4), *start = o;
    unsigned acc = 0;
    int bits = 0, pads = 0;
    apr_size_t i, digits = 0;

    for (i = 0; i < len; ++i) {
        unsigned char c = (unsigned char)text[i];
        int v;

        if (lax && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
        if (lax && c == '=' && pads < 2 && digits) {
            ++pads;
            continue;
        }
        if (pads || (v = url_value(c)) < 0) return APR_EINVAL;
        ++digits;
        acc = acc << 6 | (unsigned)v;
        if ((bits += 6) >= 8) {
            bits -= 8;
            *o++ = (unsigned char)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    if (digits % 4 == 1 || acc) return APR_EINVAL;
    *o = '\0';
    *out = start;
    *outlen = (apr_size_t)(o - start);
    return APR_SUCCESS;
}
