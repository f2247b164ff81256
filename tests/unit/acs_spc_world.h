/* Credentials of a card, and the assertions that a browser makes with them, for tests of secure payment confirmation. */
#ifndef ACS_SPC_WORLD_H
#define ACS_SPC_WORLD_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include "acs_world.h"

#define RP   "bank.test"
#define CRED "AAECAwQFBgcICQoLDA0ODw"
#define ID(n) apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", n)

static EVP_PKEY *key;

static inline const char *spki(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(k, &der);
    const char *text = tds_b64_encode(der, (apr_size_t)len, pool);

    OPENSSL_free(der);
    return text;
}

static inline void give_credential(EVP_PKEY *k)
{
    json_t *doc = tds_json_object(pool);

    json_object_set_new(doc, "c", json_pack("[{s:s, s:s}]", "id", CRED, "publicKey", spki(k)));
    world.card.credentials = json_object_get(doc, "c");
    world.card.rp_id = RP;
}

/* The world, with a card that has a credential and an issuer that can do SPC. */
static inline int spc_setup(void **state, const char *status)
{
    if (world_setup(state)) return -1;
    world.conf.versions = TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V231);
    world.outcome = (acs_outcome_t){status, NULL, NULL};
    world.issuer.spc_icon = "https://bank.test/card.png";
    key = EVP_EC_gen("P-256");
    give_credential(key);
    return 0;
}

static inline int spc_teardown(void **state)
{
    EVP_PKEY_free(key);
    key = NULL;
    return unit_teardown(state);
}

static inline json_t *first_areq(int n)
{
    json_t *doc = areq_base("2.3.1", "areq-brw-pa", ID(n));

    tds_json_set(doc, "threeDSRequestorSpcSupport", "Y");
    tds_json_set(doc, "payeeOrigin", "https://shop.test");
    return doc;
}

/* What is signed; NULL: not there. */
typedef struct fake_t {
    const char *type, *rp, *payee, *name, *value, *currency, *challenge, *id, *auth_rp, *origin, *display, *icon;
    unsigned char flags;
    unsigned char count; /* sign count */
    EVP_PKEY *key;
} fake_t;

static inline const char *sign(EVP_PKEY *k, const void *data, apr_size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t n = sizeof sig;
    int ed = EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, ed ? NULL : EVP_sha256(), NULL, k), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &n, data, len), 1);
    EVP_MD_CTX_free(ctx);
    return tds_b64url_encode(sig, n, pool);
}

static inline json_t *assertion(const fake_t *f)
{
    json_t *client = json_pack("{s:s, s:s, s:s*, s:{s:s, s:s, s:s*, s:s*, s:{s:s, s:s}, s:{s:s*, s:s*}}}", "type", f->type,
                               "challenge", f->challenge, "origin", f->origin, "payment", "rpId", f->rp, "topOrigin",
                               "https://shop.test", "payeeOrigin", f->payee, "payeeName", f->name, "total", "value", f->value,
                               "currency", f->currency, "instrument", "displayName", f->display, "icon", f->icon);
    const char *text = tds_json_text(client, NULL, pool);
    unsigned char data[32 + 5 + 32] = {0};

    json_decref(client);
    assert_ok(tds_sha256(data, f->auth_rp, strlen(f->auth_rp)));
    data[32] = f->flags;
    data[36] = f->count;
    assert_ok(tds_sha256(data + 37, text, strlen(text)));
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "id", f->id, "type", "public-key", "response", "clientDataJSON",
                     tds_b64url_encode(text, strlen(text), pool), "authenticatorData", tds_b64url_encode(data, 37, pool),
                     "signature", sign(f->key, data, sizeof data));
}

#endif
