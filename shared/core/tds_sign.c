#include "tds_sign.h"

#include <string.h>
#include <apr_strings.h>

apr_status_t tds_sign_add(tds_sign_keys_t *keys, const char *hex, tds_err_t *err)
{
    if (keys->count == TDS_SIGN_KEYS) return TDS_FAIL(err, APR_ENOSPC, 0, NULL, "more than %d keys", TDS_SIGN_KEYS);
    if (tds_unhex(keys->key[keys->count], TDS_HASH_LEN, hex) != APR_SUCCESS)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "a key is 64 hexadecimal digits");
    ++keys->count;
    return APR_SUCCESS;
}

static const char *mac_of(const unsigned char *key, const tds_signed_t *what, apr_int64_t seconds, apr_pool_t *pool)
{
    const char *head = apr_psprintf(pool, "%" APR_INT64_T_FMT ".%s.%s.", seconds, what->method, what->path);
    apr_size_t n = strlen(head);
    char *all = apr_palloc(pool, n + what->len + 1);
    unsigned char mac[TDS_HASH_LEN];
    apr_status_t rv;

    memcpy(all, head, n);
    if (what->len) memcpy(all + n, what->body, what->len);
    tds_wipe_later(pool, all, n + what->len); /* a body may hold a code */
    rv = tds_hmac(mac, key, TDS_HASH_LEN, all, n + what->len);
    return rv == APR_SUCCESS ? tds_hex(mac, sizeof mac, pool) : NULL;
}

const char *tds_sign(const tds_sign_keys_t *keys, const tds_signed_t *what, apr_time_t now, apr_pool_t *pool)
{
    const char *mac = keys->count ? mac_of(keys->key[0], what, apr_time_sec(now), pool) : NULL;

    return mac ? apr_psprintf(pool, "t=%" APR_INT64_T_FMT ",v1=%s", apr_time_sec(now), mac) : NULL;
}

apr_status_t tds_sign_check(const tds_sign_keys_t *keys, const tds_signed_t *what, const char *header, apr_time_t now,
                            apr_pool_t *pool)
{
    apr_int64_t seconds;
    char *end;
    int i, good = 0;

    if (!header || strncmp(header, "t=", 2)) return APR_EACCES;
    seconds = apr_strtoi64(header + 2, &end, 10);
    if (end == header + 2 || strncmp(end, ",v1=", 4) || strlen(end + 4) != 2 * TDS_HASH_LEN) return APR_EACCES;
    if (seconds < 0 || seconds > apr_time_sec(now + TDS_SIGN_WINDOW) || seconds < apr_time_sec(now - TDS_SIGN_WINDOW))
        return APR_EACCES;
    for (i = 0; i < keys->count; ++i) {
        const char *mac = mac_of(keys->key[i], what, seconds, pool);
        good |= mac && tds_equal_str(mac, end + 4);
    }
    return good ? APR_SUCCESS : APR_EACCES;
}
