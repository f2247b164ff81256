/* Who is on the other side of a mutually authenticated TLS connection, asked of mod_ssl once per connection. */
#ifndef TDS_AP_PEER_H
#define TDS_AP_PEER_H

#include <httpd.h>
#include <http_config.h>
#include <openssl/x509.h>
#include "tds_err.h"

/* A set of trust anchors, and the names a client certificate must bear one of (DNS names or common name); "any": any name. */
typedef struct tds_ap_trust_t {
    X509_STORE *anchors;
    apr_array_header_t *names; /* const char * */
} tds_ap_trust_t;

/* Was "any" written among the names? */
int tds_ap_trust_any(const apr_array_header_t *names);

/* Could one certificate bear a name of both? */
int tds_ap_trust_alike(const apr_array_header_t *a, const apr_array_header_t *b);

/* Read a PEM file of CA certificates. The store is freed with pool. */
apr_status_t tds_ap_trust_load(tds_ap_trust_t *trust, const char *file, apr_pool_t *pool, tds_err_t *err);

/* The verified client certificate of r's connection, or NULL. Owned by the connection's pool. mod_ssl must be asked to
 * verify (SSLVerifyClient require or optional); what it did not accept is not returned. */
X509 *tds_ap_peer_cert(request_rec *r);

/* Was cert issued under these anchors, and does it bear one of the names? */
int tds_ap_trust_matches(const tds_ap_trust_t *trust, X509 *cert);

/* What find says about the peer of r's connection (never NULL; in the pool of the connection given). It is asked once per
 * connection and certificate (HTTP/2: per stream) and module m, whose slot in conn_config is used. */
typedef const void *tds_ap_peer_find_fn(request_rec *r, apr_pool_t *conn_pool);
const void *tds_ap_peer_once(request_rec *r, module *m, tds_ap_peer_find_fn *find);

/* SHA-256 over the DER form. */
apr_status_t tds_ap_cert_fingerprint(unsigned char out[32], X509 *cert);

#endif
