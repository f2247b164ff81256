/* base64url as RFC 7515 writes it, and base64 as RFC 2045 does (F-07). */
#ifndef TDS_B64_H
#define TDS_B64_H

#include <apr_errno.h>
#include <apr_pools.h>

/* base64url without padding. The result is NUL-terminated and lives in pool. */
const char *tds_b64url_encode(const void *data, apr_size_t len, apr_pool_t *pool);

/* base64 with padding. */
const char *tds_b64_encode(const void *data, apr_size_t len, apr_pool_t *pool);

/* Strict: alphabet of base64url only, no white space, non-zero trailing bits refused. With lax, padding
 * is accepted and white space dropped (form fields: B-10, M-05). *out gets one NUL behind the data.
 * APR_EINVAL when text is not base64url. */
apr_status_t tds_b64url_decode(unsigned char **out, apr_size_t *outlen, const char *text, apr_size_t len, int lax,
                               apr_pool_t *pool);

#endif
