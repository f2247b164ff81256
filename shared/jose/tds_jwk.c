#include "tds_jwk.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include "tds_b64.h"
#include "tds_json.h"

#define COORDINATE 32 /* bytes, P-256 */

/* One coordinate of the uncompressed point. */
static int coordinate(unsigned char *out, const json_t *jwk, const char *name, apr_pool_t *pool)
{
    const char *text = tds_json_get(jwk, name);
    unsigned char *bytes;
    apr_size_t len;

    if (!text || tds_b64url_decode(&bytes, &len, text, strlen(text), 0, pool) != APR_SUCCESS || len != COORDINATE) return 0;
    memcpy(out, bytes, COORDINATE);
    return 1;
}

/* OpenSSL refuses a point that is not on the curve when the key is made; the check after it is the full one. */
static int on_curve(const unsigned char *point, size_t len)
{
    char group[] = "P-256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, len),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *check = NULL;
    EVP_PKEY *key = NULL;
    int good = make && EVP_PKEY_fromdata_init(make) == 1 &&
               EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
               (check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) && EVP_PKEY_public_check(check) == 1;

    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(make);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* else whoever asks next in this thread finds our refusal, a TLS connection for one */
    return good;
}

int tds_jwk_p256_good(const json_t *jwk, apr_pool_t *pool)
{
    const char *kty = tds_json_get(jwk, "kty"), *crv = tds_json_get(jwk, "crv");
    unsigned char point[1 + 2 * COORDINATE] = {4}; /* uncompressed */

    return kty && !strcmp(kty, "EC") && crv && !strcmp(crv, "P-256") && coordinate(point + 1, jwk, "x", pool) &&
           coordinate(point + 1 + COORDINATE, jwk, "y", pool) && on_curve(point, sizeof point);
}
