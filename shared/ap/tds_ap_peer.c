#include "tds_ap_peer.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <http_config.h>
#include <mod_ssl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static apr_status_t free_store(void *p)
{
    X509_STORE_free(p);
    return APR_SUCCESS;
}

static apr_status_t free_cert(void *p)
{
    X509_free(p);
    return APR_SUCCESS;
}

apr_status_t tds_ap_trust_load(tds_ap_trust_t *trust, const char *file, apr_pool_t *pool, tds_err_t *err)
{
    trust->anchors = X509_STORE_new();
    if (!trust->anchors) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "no certificate store");
    apr_pool_cleanup_register(pool, trust->anchors, free_store, apr_pool_cleanup_null);
    if (X509_STORE_load_file(trust->anchors, file) != 1)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "cannot read CA certificates from %s", file);
    return APR_SUCCESS;
}

static const char *tls_var(request_rec *r, const char *name)
{
    APR_OPTIONAL_FN_TYPE(ssl_var_lookup) *lookup = APR_RETRIEVE_OPTIONAL_FN(ssl_var_lookup);

    return lookup ? lookup(r->pool, r->server, r->connection, r, (char *)name) : NULL;
}

static int is_verified(request_rec *r)
{
    const char *verify = tls_var(r, "SSL_CLIENT_VERIFY");

    return verify && !strcmp(verify, "SUCCESS");
}

X509 *tds_ap_peer_cert(request_rec *r)
{
    const char *pem = is_verified(r) ? tls_var(r, "SSL_CLIENT_CERT") : NULL;
    X509 *cert;
    BIO *bio;

    if (!pem || !*pem || !(bio = BIO_new_mem_buf(pem, -1))) return NULL;
    cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (cert) apr_pool_cleanup_register(r->connection->pool, cert, free_cert, apr_pool_cleanup_null);
    return cert;
}

static int bears_name(X509 *cert, const char *name)
{
    char cn[256];
    int len;

    if (X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1) return 1;
    len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn, sizeof cn);
    return len > 0 && (apr_size_t)len == strlen(name) && !memcmp(cn, name, (apr_size_t)len); /* cn may hold a NUL */
}

/* mod_ssl has verified the chain against its CA file; here only which of the configured anchors it leads to. The
 * intermediates that the peer sent are not at hand: anchors must include issuing CAs (partial chains are accepted). */
static int issued_under(const tds_ap_trust_t *trust, X509 *cert)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int ok = 0;

    if (ctx && X509_STORE_CTX_init(ctx, trust->anchors, cert, NULL) == 1) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
        ok = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    return ok;
}

int tds_ap_trust_any(const apr_array_header_t *names)
{
    int i;

    for (i = 0; i < names->nelts; ++i) {
        if (!strcasecmp(APR_ARRAY_IDX(names, i, const char *), "any")) return 1;
    }
    return 0;
}

int tds_ap_trust_alike(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i, j;

    if (tds_ap_trust_any(a) || tds_ap_trust_any(b)) return 1;
    for (i = 0; i < a->nelts; ++i) {
        for (j = 0; j < b->nelts; ++j) {
            if (!strcasecmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, j, const char *))) return 1;
        }
    }
    return 0;
}

int tds_ap_trust_matches(const tds_ap_trust_t *trust, X509 *cert)
{
    int i;

    if (!trust->anchors || !issued_under(trust, cert)) return 0;
    if (tds_ap_trust_any(trust->names)) return 1;
    for (i = 0; i < trust->names->nelts; ++i) {
        if (bears_name(cert, APR_ARRAY_IDX(trust->names, i, const char *))) return 1;
    }
    return 0;
}

/* What a connection is known by. */
typedef struct known_t {
    const char *cert; /* serial number and issuer of the verified certificate; "": there is none */
    const void *peer;
} known_t;

/* A renegotiation, or an authentication after the handshake, may bring a certificate or another one: then the peer is found
 * anew. The streams of an HTTP/2 connection run in several threads at once: they share nothing here, neither the slot nor the
 * pool of the connection they came by, but ask each for itself. */
const void *tds_ap_peer_once(request_rec *r, module *m, tds_ap_peer_find_fn *find)
{
    conn_rec *c = r->connection;
    known_t *known = ap_get_module_config(c->conn_config, m);
    const char *cert = is_verified(r) ? tls_var(r, "SSL_CLIENT_CERT_RFC4523_CEA") : NULL;

    if (!cert) cert = "";
    if (known && !strcmp(known->cert, cert)) return known->peer;
    if (!known) known = apr_palloc(c->pool, sizeof *known);
    *known = (known_t){.cert = apr_pstrdup(c->pool, cert), .peer = find(r, c->pool)};
    ap_set_module_config(c->conn_config, m, known);
    return known->peer;
}

apr_status_t tds_ap_cert_fingerprint(unsigned char out[32], X509 *cert)
{
    unsigned n = 32;

    return X509_digest(cert, EVP_sha256(), out, &n) == 1 ? APR_SUCCESS : APR_EGENERAL;
}
