/* Signed requests between us and a partner's systems: a header "t=SECONDS,v1=HEX", HEX being the HMAC-SHA256 of
 * "SECONDS.METHOD.PATH.body" under a shared key. Two keys may be live: the first signs, either verifies. */
#ifndef TDS_SIGN_H
#define TDS_SIGN_H

#include <apr_time.h>
#include "tds_err.h"
#include "tds_hash.h"

#define TDS_SIGN_KEYS   2
#define TDS_SIGN_WINDOW apr_time_from_sec(300) /* how far the time may be off */

typedef struct tds_sign_keys_t {
    unsigned char key[TDS_SIGN_KEYS][TDS_HASH_LEN];
    int count;
} tds_sign_keys_t;

/* 64 hexadecimal digits. APR_EINVAL: not that; APR_ENOSPC: too many. The caller has keys wiped with their pool. */
apr_status_t tds_sign_add(tds_sign_keys_t *keys, const char *hex, tds_err_t *err);

/* What is signed. path: with its query, as in the request line. */
typedef struct tds_signed_t {
    const char *method, *path, *body;
    apr_size_t len;
} tds_signed_t;

/* The header's value, in pool; NULL: no key, or no HMAC. */
const char *tds_sign(const tds_sign_keys_t *keys, const tds_signed_t *what, apr_time_t now, apr_pool_t *pool);

/* APR_SUCCESS; APR_EACCES: absent, malformed, wrong, or out of the window. Constant time in the compare. */
apr_status_t tds_sign_check(const tds_sign_keys_t *keys, const tds_signed_t *what, const char *header, apr_time_t now,
                            apr_pool_t *pool);

#endif
