#include "tds_token.h"

#include <string.h>
#include "tds_b64.h"

enum { ID_LEN = 16, VERSION_LEN = 4, MAC_LEN = 16, HEAD_LEN = ID_LEN + VERSION_LEN, TOKEN_LEN = HEAD_LEN + MAC_LEN };

static apr_status_t head_of(unsigned char head[HEAD_LEN], const char *id, unsigned version)
{
    char digits[33];
    int i, n = 0;

    for (i = 0; id[i] && n < 32; ++i) {
        if (id[i] != '-') digits[n++] = id[i];
    }
    digits[n] = '\0';
    for (i = 0; i < VERSION_LEN; ++i) head[ID_LEN + i] = (unsigned char)(version >> (8 * (VERSION_LEN - 1 - i)));
    return tds_unhex(head, ID_LEN, digits);
}

static apr_status_t mac_of(const tds_keys_t *keys, const char *label, unsigned char mac[TDS_HASH_LEN],
                           const unsigned char *head)
{
    tds_bytes_t part = TDS_BYTES(head, HEAD_LEN);

    return tds_keys_mac(keys, mac, label, &part, 1);
}

const char *tds_token_make(const tds_keys_t *keys, const char *label, const char *id, unsigned version, apr_pool_t *pool)
{
    unsigned char all[TOKEN_LEN], mac[TDS_HASH_LEN];

    if (head_of(all, id, version) != APR_SUCCESS || mac_of(keys, label, mac, all) != APR_SUCCESS) return NULL;
    memcpy(all + HEAD_LEN, mac, MAC_LEN);
    return tds_b64url_encode(all, sizeof all, pool);
}

apr_status_t tds_token_read(tds_token_t *token, const tds_keys_t *keys, const char *label, const char *text,
                            apr_pool_t *pool)
{
    unsigned char *all, mac[TDS_HASH_LEN];
    const char *hex;
    apr_size_t len;
    int i, n = 0;

    if (!text || strlen(text) != TOKEN_LEN / 3 * 4) return APR_EINVAL;
    if (tds_b64url_decode(&all, &len, text, strlen(text), 0, pool) != APR_SUCCESS || len != TOKEN_LEN) return APR_EINVAL;
    if (mac_of(keys, label, mac, all) != APR_SUCCESS || !tds_equal(mac, all + HEAD_LEN, MAC_LEN)) return APR_EINVAL;
    hex = tds_hex(all, ID_LEN, pool);
    for (i = 0; i < 32; ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) token->id[n++] = '-';
        token->id[n++] = hex[i];
    }
    token->id[n] = '\0';
    token->version = (unsigned)all[16] << 24 | (unsigned)all[17] << 16 | (unsigned)all[18] << 8 | all[19];
    return APR_SUCCESS;
}
