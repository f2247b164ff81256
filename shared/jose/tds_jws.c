#include "tds_jws.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include "tds_b64.h"
#include "tds_json.h"

#define RSA_BITS_MIN 2048

#define BAD(err, ...) TDS_FAIL(err, APR_EINVAL, 0, NULL, __VA_ARGS__)

/* ---- roots --------------------------------------------------------------- */

static apr_status_t store_cleanup(void *store)
{
    X509_STORE_free(store);
    return APR_SUCCESS;
}

static int self_issued(X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

static apr_status_t roots_read(X509_STORE *roots, BIO *bio, const char *file, tds_err_t *err)
{
    int n = 0, good = 1;
    X509 *cert;

    while (good && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        good = self_issued(cert) && X509_STORE_add_cert(roots, cert) == 1;
        X509_free(cert);
        ++n;
    }
    ERR_clear_error(); /* the end of the file is an error to OpenSSL, kept for whoever asks next in this thread */
    if (!good) return BAD(err, "%s: certificate %d is no root", file, n);
    return n ? APR_SUCCESS : BAD(err, "%s: no certificate", file);
}

apr_status_t tds_jws_roots_load(X509_STORE **proots, const char *file, apr_pool_t *pool, tds_err_t *err)
{
    X509_STORE *roots = X509_STORE_new();
    apr_status_t rv;
    BIO *bio;

    *proots = NULL;
    if (!roots) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    apr_pool_cleanup_register(pool, roots, store_cleanup, apr_pool_cleanup_null);
    if (!(bio = BIO_new_file(file, "r"))) {
        ERR_clear_error();
        return TDS_FAIL(err, APR_ENOENT, 0, NULL, "%s: cannot be read", file);
    }
    rv = roots_read(roots, bio, file, err);
    BIO_free(bio);
    if (rv == APR_SUCCESS) *proots = roots;
    return rv;
}

/* ---- header -------------------------------------------------------------- */

/* The first of three parts that are neither empty nor anything but base64url. */
static apr_status_t header_of(json_t **pheader, const char *jws, apr_size_t len, apr_pool_t *pool, tds_err_t *err)
{
    const char *end = jws + len, *dot1, *dot2;
    unsigned char *bytes;
    apr_size_t n;

    if (len > TDS_JWS_MAX) return BAD(err, "JWS of more than %d bytes", TDS_JWS_MAX);
    dot1 = memchr(jws, '.', len);
    dot2 = dot1 ? memchr(dot1 + 1, '.', (apr_size_t)(end - dot1 - 1)) : NULL;
    if (!dot2 || dot2 == dot1 + 1 || dot2 + 1 == end || memchr(dot2 + 1, '.', (apr_size_t)(end - dot2 - 1)))
        return BAD(err, "not a compact JWS");
    if (tds_b64url_decode(&bytes, &n, jws, (apr_size_t)(dot1 - jws), 0, pool) != APR_SUCCESS)
        return BAD(err, "header of the JWS is not base64url");
    if (tds_json_parse(pheader, (const char *)bytes, n, pool, NULL) != APR_SUCCESS || !json_is_object(*pheader))
        return BAD(err, "header of the JWS is not a JSON object");
    return APR_SUCCESS;
}

/* Standard base64 with padding, and nothing else: no line break, no blank (K-07). NULL: not a certificate. */
static X509 *cert_of(const json_t *item, apr_pool_t *pool)
{
    apr_size_t n = json_string_length(item);
    unsigned char *der;
    const unsigned char *p;
    X509 *cert;
    int len;

    if (!n || n % 4 || n > TDS_JWS_CERT_MAX / 3 * 4 + 4 ||
        strspn(json_string_value(item), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != n)
        return NULL;
    p = der = apr_palloc(pool, n);
    len = EVP_DecodeBlock(der, (const unsigned char *)json_string_value(item), (int)n); /* counts the padding in */
    if (len < 3) return NULL;
    len -= (json_string_value(item)[n - 1] == '=') + (json_string_value(item)[n - 2] == '=');
    cert = d2i_X509(NULL, &p, len);
    if (cert && p == der + len) return cert;
    X509_free(cert);
    return NULL;
}

static apr_status_t certs_cleanup(void *certs)
{
    sk_X509_pop_free(certs, X509_free);
    return APR_SUCCESS;
}

static apr_status_t certs_of(STACK_OF(X509) **pcerts, const json_t *x5c, apr_pool_t *pool, tds_err_t *err)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    apr_size_t i, n = json_array_size(x5c);

    *pcerts = certs;
    if (!certs) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    apr_pool_cleanup_register(pool, certs, certs_cleanup, apr_pool_cleanup_null);
    if (!n) return BAD(err, "no x5c in the header of the JWS");
    if (n > TDS_JWS_X5C_MAX) return BAD(err, "more than %d certificates in x5c", TDS_JWS_X5C_MAX);
    for (i = 0; i < n; ++i) {
        X509 *cert = cert_of(json_array_get(x5c, i), pool);

        if (!cert) return BAD(err, "x5c[%d] is not a certificate in base64", (int)i);
        if (self_issued(cert)) {
            X509_free(cert);
            return BAD(err, "x5c[%d] is a root, which stays out (K-07)", (int)i);
        }
        if (!sk_X509_push(certs, cert)) {
            X509_free(cert);
            return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
        }
    }
    return APR_SUCCESS;
}

/* ---- chain --------------------------------------------------------------- */

static int on_p256(EVP_PKEY *key)
{
    char group[32];

    return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && OBJ_sn2nid(group) == NID_X9_62_prime256v1;
}

static apr_status_t signer_check(X509 *cert, const char *alg, tds_err_t *err)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int ps256 = alg && !strcmp(alg, "PS256");

    if (!ps256 && (!alg || strcmp(alg, "ES256"))) return BAD(err, "alg of the JWS is neither PS256 nor ES256");
    if (X509_check_ca(cert)) return BAD(err, "x5c[0] is a CA, not the certificate that signs");
    if (!key) return BAD(err, "x5c[0] has no key that OpenSSL knows");
    if (ps256 && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < RSA_BITS_MIN))
        return BAD(err, "x5c[0] has no RSA key of %d bits, as PS256 needs", RSA_BITS_MIN);
    if (!ps256 && (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || !on_p256(key)))
        return BAD(err, "x5c[0] has no key on P-256, as ES256 needs");
    return APR_SUCCESS;
}

static int among(X509 *cert, STACK_OF(X509) *certs)
{
    int i;

    for (i = 0; i < sk_X509_num(certs); ++i)
        if (!X509_cmp(cert, sk_X509_value(certs, i))) return 1;
    return 0;
}

/* A store may hold more than roots: what the SDK has not must come from x5c. */
static apr_status_t path_check(X509_STORE_CTX *ctx, STACK_OF(X509) *certs, tds_err_t *err)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
    int i;

    for (i = 0; i + 1 < sk_X509_num(path); ++i)
        if (!among(sk_X509_value(path, i), certs)) return BAD(err, "x5c lacks an intermediate certificate");
    return APR_SUCCESS;
}

/* No CRL and no purpose: the DS CA decides what its certificates are for. */
static apr_status_t chain_check(STACK_OF(X509) *certs, X509_STORE *roots, apr_time_t now, tds_err_t *err)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    apr_status_t rv;

    if (!ctx || X509_STORE_CTX_init(ctx, roots, sk_X509_value(certs, 0), certs) != 1)
        rv = TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    else {
        X509_STORE_CTX_set_time(ctx, 0, (time_t)apr_time_sec(now));
        if (X509_verify_cert(ctx) == 1) rv = path_check(ctx, certs, err);
        else
            rv = BAD(err, "x5c does not lead to a root: %s",
                     X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }
    X509_STORE_CTX_free(ctx);
    return rv;
}

apr_status_t tds_jws_chain_check(const char *jws, apr_size_t len, X509_STORE *roots, apr_time_t now, apr_pool_t *pool,
                                 tds_err_t *err)
{
    STACK_OF(X509) *certs = NULL;
    json_t *header = NULL;
    apr_status_t rv = header_of(&header, jws, len, pool, err);

    if (rv == APR_SUCCESS) rv = certs_of(&certs, json_object_get(header, "x5c"), pool, err);
    if (rv == APR_SUCCESS) rv = signer_check(sk_X509_value(certs, 0), tds_json_get(header, "alg"), err);
    if (rv == APR_SUCCESS) rv = chain_check(certs, roots, now, err);
    ERR_clear_error();
    return rv;
}
