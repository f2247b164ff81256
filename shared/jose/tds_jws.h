/* Signed content as an SDK will see it: does the certificate chain in the header of a JWS lead to a root that the SDK has
 * (K-07, K-08)? No network, no disk but the file of roots. */
#ifndef TDS_JWS_H
#define TDS_JWS_H

#include <apr_time.h>
#include "tds_err.h"

struct x509_store_st; /* OpenSSL's X509_STORE */

#define TDS_JWS_MAX      65536 /* bytes of the compact text; 2.3.1 allows 16000 characters */
#define TDS_JWS_X5C_MAX  8     /* certificates in the header */
#define TDS_JWS_CERT_MAX 8192  /* bytes of one, DER */

/* The roots in a PEM file, for tds_jws_chain_check(); freed with pool. A certificate that is not self-issued is no root:
 * APR_EINVAL, as for a file without any; the status of reading when it cannot be read. */
apr_status_t tds_jws_roots_load(struct x509_store_st **proots, const char *file, apr_pool_t *pool, tds_err_t *err);

/* APR_SUCCESS when jws (compact, len bytes) has a header with alg and x5c whose first certificate, the one that signs, is
 * none of a CA, fits alg (PS256: RSA of 2048 bits or more, ES256: P-256), and leads at time now to one of roots by
 * certificates of x5c alone, in any order behind the first; the root itself is not among them. The signature is not looked
 * at. APR_EINVAL, with err->detail naming the fault, no errorCode and nothing of the text: what an SDK thinks of a chain
 * never reaches the wire. */
apr_status_t tds_jws_chain_check(const char *jws, apr_size_t len, struct x509_store_st *roots, apr_time_t now,
                                 apr_pool_t *pool, tds_err_t *err);

#endif
