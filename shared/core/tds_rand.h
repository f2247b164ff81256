/* Randomness and identifiers, from OpenSSL's generator. */
#ifndef TDS_RAND_H
#define TDS_RAND_H

#include <apr_errno.h>
#include <apr_pools.h>

#define TDS_UUID_LEN 36 /* characters of the canonical form, without the NUL */

/* A source of random bytes, as an engine gets it; tests hand in a predictable one. */
typedef apr_status_t tds_rand_fn(void *out, apr_size_t len);

/* The generator; APR_EGENERAL when it is not seeded or broken. */
apr_status_t tds_rand_bytes(void *out, apr_size_t len);

/* 16 bytes in v4 shape (RFC 4122), lower case, NUL-terminated (F-06). */
void tds_uuid_format(char out[TDS_UUID_LEN + 1], const unsigned char bytes[16]);

/* A fresh one. */
apr_status_t tds_uuid_make(char out[TDS_UUID_LEN + 1], tds_rand_fn *rnd);

/* 1 when text is a UUID in canonical shape, upper or lower case. */
int tds_uuid_valid(const char *text);

/* A copy in lower case: ids are compared without regard to case (F-06). */
const char *tds_uuid_lower(const char *text, apr_pool_t *pool);

/* Decimal digits without bias, NUL-terminated; digits <= 32. */
apr_status_t tds_rand_digits(char *out, apr_size_t digits, tds_rand_fn *rnd);

#endif
