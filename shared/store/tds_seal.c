#include "tds_seal.h"

#include <string.h>
#include <openssl/evp.h>
#include "tds_rand.h"

enum { GEN_AT = 0, DAY_AT = 1, IV_AT = 3, CT_AT = 15, IV_LEN = 12, TAG_LEN = 16 };

static apr_status_t record_key(unsigned char key[TDS_KEY_LEN], const tds_seal_ctx_t *ctx, const unsigned char *head)
{
    tds_bytes_t parts[] = {TDS_BYTES(head + DAY_AT, 2), TDS_BYTES(ctx->shard, 2)};

    return tds_keys_derive(ctx->keys, head[GEN_AT], key, "record", parts, 2);
}

/* store key ‖ NUL ‖ type ‖ generation ‖ day ‖ version */
static int aad(EVP_CIPHER_CTX *c, const tds_seal_ctx_t *ctx, const unsigned char *head, int sealing)
{
    unsigned char tail[8] = {ctx->type,
                             head[GEN_AT],
                             head[DAY_AT],
                             head[DAY_AT + 1],
                             (unsigned char)(ctx->version >> 24),
                             (unsigned char)(ctx->version >> 16),
                             (unsigned char)(ctx->version >> 8),
                             (unsigned char)ctx->version};
    int n, len = (int)strlen(ctx->store_key) + 1;

    if (sealing)
        return EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)ctx->store_key, len) &&
               EVP_EncryptUpdate(c, NULL, &n, tail, sizeof tail);
    return EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)ctx->store_key, len) &&
           EVP_DecryptUpdate(c, NULL, &n, tail, sizeof tail);
}

apr_status_t tds_seal(unsigned char *out, const tds_seal_ctx_t *ctx, apr_time_t now, const void *plain, apr_size_t len)
{
    unsigned day = (unsigned)(apr_time_sec(now) / 86400);
    unsigned char key[TDS_KEY_LEN];
    EVP_CIPHER_CTX *c;
    apr_status_t rv;
    int n, ok;

    out[GEN_AT] = tds_keys_writer(ctx->keys);
    out[DAY_AT] = (unsigned char)(day >> 8);
    out[DAY_AT + 1] = (unsigned char)day;
    if ((rv = tds_rand_bytes(out + IV_AT, IV_LEN)) != APR_SUCCESS) return rv;
    if ((rv = record_key(key, ctx, out)) != APR_SUCCESS) return rv;
    c = EVP_CIPHER_CTX_new();
    ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, out + IV_AT) && aad(c, ctx, out, 1) &&
         EVP_EncryptUpdate(c, out + CT_AT, &n, plain, (int)len) && EVP_EncryptFinal_ex(c, out + CT_AT + n, &n) &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_LEN, out + CT_AT + len);
    EVP_CIPHER_CTX_free(c);
    tds_wipe(key, sizeof key);
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t tds_unseal(unsigned char **plain, apr_size_t *plainlen, const tds_seal_ctx_t *ctx,
                        const unsigned char *sealed, apr_size_t len, apr_pool_t *pool)
{
    unsigned char key[TDS_KEY_LEN], tag[TAG_LEN], *out;
    apr_size_t clen;
    EVP_CIPHER_CTX *c;
    apr_status_t rv;
    int n, ok;

    if (len < TDS_SEAL_OVERHEAD) return APR_EINVAL;
    clen = len - TDS_SEAL_OVERHEAD;
    if ((rv = record_key(key, ctx, sealed)) != APR_SUCCESS) return rv;
    out = apr_palloc(pool, clen + 1);
    tds_wipe_later(pool, out, clen);
    memcpy(tag, sealed + CT_AT + clen, TAG_LEN);
    c = EVP_CIPHER_CTX_new();
    ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, sealed + IV_AT) && aad(c, ctx, sealed, 0) &&
         EVP_DecryptUpdate(c, out, &n, sealed + CT_AT, (int)clen) &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) && EVP_DecryptFinal_ex(c, out + n, &n);
    EVP_CIPHER_CTX_free(c);
    tds_wipe(key, sizeof key);
    if (!ok) return APR_EINVAL;
    out[clen] = '\0';
    *plain = out;
    *plainlen = clen;
    return APR_SUCCESS;
}
