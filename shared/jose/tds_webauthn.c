#include "tds_webauthn.h"

#include <string.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { RP_LEN = TDS_HASH_LEN, FLAGS_AT = RP_LEN, COUNT_AT = FLAGS_AT + 1, AUTH_MIN = RP_LEN + 1 + 4, PRESENT = 0x01, VERIFIED = 0x04 };

static int is_p256(const EVP_PKEY *key)
{
    char name[32];
    size_t len;

    return EVP_PKEY_get_group_name((EVP_PKEY *)key, name, sizeof name, &len) && !strcmp(name, "prime256v1");
}

/* The digest the key signs with; *ok 0: a key we do not take. */
static const EVP_MD *digest_of(const EVP_PKEY *key, int *ok)
{
    int type = EVP_PKEY_get_base_id(key);

    *ok = (type == EVP_PKEY_EC && is_p256(key)) || (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048) ||
          type == EVP_PKEY_ED25519;
    return type == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

static int signed_by(EVP_PKEY *key, const unsigned char *data, apr_size_t len, const tds_bytes_t *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md;
    int ok;

    md = digest_of(key, &ok);
    ok = ok && ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
         EVP_DigestVerify(ctx, signature->data, signature->len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static apr_status_t check_signature(const tds_webauthn_t *a, tds_err_t *err)
{
    const unsigned char *der = a->public_key.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)a->public_key.len);
    unsigned char data[1024 + TDS_HASH_LEN];
    int ok = 0;

    if (key && a->auth_data.len <= sizeof data - TDS_HASH_LEN) {
        memcpy(data, a->auth_data.data, a->auth_data.len);
        ok = tds_sha256(data + a->auth_data.len, a->client_data.data, a->client_data.len) == APR_SUCCESS &&
             signed_by(key, data, a->auth_data.len + TDS_HASH_LEN, &a->signature);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok ? APR_SUCCESS : TDS_FAIL(err, APR_EACCES, 0, NULL, "the signature does not hold, or its key is not usable");
}

unsigned tds_webauthn_count(const tds_webauthn_t *a)
{
    const unsigned char *n = (const unsigned char *)a->auth_data.data + COUNT_AT;

    return a->auth_data.len < AUTH_MIN ? 0 : (unsigned)n[0] << 24 | (unsigned)n[1] << 16 | (unsigned)n[2] << 8 | n[3];
}

apr_status_t tds_webauthn_check(const tds_webauthn_t *a, tds_err_t *err)
{
    unsigned char rp[TDS_HASH_LEN];
    const unsigned char *data = a->auth_data.data;

    if (a->auth_data.len < AUTH_MIN) return TDS_FAIL(err, APR_EACCES, 0, NULL, "authenticator data is too short");
    if (tds_sha256(rp, a->rp_id, strlen(a->rp_id)) != APR_SUCCESS || !tds_equal(rp, data, RP_LEN))
        return TDS_FAIL(err, APR_EACCES, 0, NULL, "of another relying party");
    if ((data[FLAGS_AT] & (PRESENT | VERIFIED)) != (PRESENT | VERIFIED))
        return TDS_FAIL(err, APR_EACCES, 0, NULL, "the user was not present or not verified");
    if (a->count_before && tds_webauthn_count(a) <= a->count_before)
        return TDS_FAIL(err, APR_EACCES, 0, NULL, "the sign count has not grown");
    return check_signature(a, err);
}
