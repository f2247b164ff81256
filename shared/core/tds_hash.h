/* Digests, MACs and constant-time comparison. */
#ifndef TDS_HASH_H
#define TDS_HASH_H

#include <apr_errno.h>
#include <apr_pools.h>

#define TDS_HASH_LEN 32 /* bytes of SHA-256 and of HMAC-SHA256 */

typedef struct tds_bytes_t {
    const void *data;
    apr_size_t len;
} tds_bytes_t;

#define TDS_BYTES(p, n) ((tds_bytes_t){(p), (n)})
#define TDS_BYTES_STR(s) ((tds_bytes_t){(s), strlen(s)})

/* SHA-256 of data. */
apr_status_t tds_sha256(unsigned char out[TDS_HASH_LEN], const void *data, apr_size_t len);

/* HMAC-SHA256 over the parts, each preceded by its length as four bytes: no two lists of parts meet. */
apr_status_t tds_mac(unsigned char out[TDS_HASH_LEN], const void *key, apr_size_t keylen, const tds_bytes_t *parts,
                     int nparts);

/* HMAC-SHA256 of plain bytes (webhooks, published formats). */
apr_status_t tds_hmac(unsigned char out[TDS_HASH_LEN], const void *key, apr_size_t keylen, const void *data,
                      apr_size_t len);

/* 1 when both are equal; time depends on len only. */
int tds_equal(const void *a, const void *b, apr_size_t len);

/* 1 when both strings are equal; time depends on the lengths only. */
int tds_equal_str(const char *a, const char *b);

/* Overwrite so that no optimiser drops it. */
void tds_wipe(void *p, apr_size_t len);

/* Wipe p when pool is cleared or destroyed. */
void tds_wipe_later(apr_pool_t *pool, void *p, apr_size_t len);

/* Lower-case hex, NUL-terminated, in pool. */
const char *tds_hex(const void *data, apr_size_t len, apr_pool_t *pool);

/* Hex to bytes; APR_EINVAL unless text is exactly 2 * len hex digits. */
apr_status_t tds_unhex(unsigned char *out, apr_size_t len, const char *text);

#endif
