#include "tds_rand.h"

#include <string.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

apr_status_t tds_rand_bytes(void *out, apr_size_t len)
{
    return RAND_priv_bytes(out, (int)len) == 1 ? APR_SUCCESS : APR_EGENERAL;
}

void tds_uuid_format(char out[TDS_UUID_LEN + 1], const unsigned char bytes[16])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char b[16];
    char *o = out;
    int i;

    memcpy(b, bytes, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *o++ = '-';
        *o++ = hex[b[i] >> 4];
        *o++ = hex[b[i] & 15];
    }
    *o = '\0';
}

apr_status_t tds_uuid_make(char out[TDS_UUID_LEN + 1], tds_rand_fn *rnd)
{
    unsigned char b[16];
    apr_status_t rv = rnd(b, sizeof b);

    if (rv == APR_SUCCESS) tds_uuid_format(out, b);
    return rv;
}

int tds_uuid_valid(const char *s)
{
    int i;

    for (i = 0; i < TDS_UUID_LEN; ++i) {
        char c = s[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return 0;
        }
        else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return 0;
    }
    return s[TDS_UUID_LEN] == '\0';
}

const char *tds_uuid_lower(const char *text, apr_pool_t *pool)
{
    char *low = apr_pstrdup(pool, text), *s;

    for (s = low; *s; ++s) {
        if (*s >= 'A' && *s <= 'Z') *s = (char)(*s - 'A' + 'a');
    }
    return low;
}

apr_status_t tds_rand_digits(char *out, apr_size_t digits, tds_rand_fn *rnd)
{
    unsigned char b[64];
    apr_size_t n = 0, i;
    apr_status_t rv;

    while (n < digits) {
        if ((rv = rnd(b, sizeof b)) != APR_SUCCESS) return rv;
        for (i = 0; i < sizeof b && n < digits; ++i) {
            if (b[i] < 250) out[n++] = (char)('0' + b[i] % 10);
        }
    }
    out[n] = '\0';
    OPENSSL_cleanse(b, sizeof b);
    return APR_SUCCESS;
}
