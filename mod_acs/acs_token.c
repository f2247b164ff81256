#include "acs_token.h"

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

static apr_status_t mac_of(acs_run_t *run, unsigned char mac[TDS_HASH_LEN], const unsigned char *head)
{
    tds_bytes_t part = TDS_BYTES(head, HEAD_LEN);

    return tds_keys_mac(run->keys, mac, "page", &part, 1);
}

const char *acs_token_make(acs_run_t *run, const acs_txn_t *txn)
{
    unsigned char all[TOKEN_LEN], mac[TDS_HASH_LEN];

    if (head_of(all, txn->id, txn->version) != APR_SUCCESS || mac_of(run, mac, all) != APR_SUCCESS) return NULL;
    memcpy(all + HEAD_LEN, mac, MAC_LEN);
    return tds_b64url_encode(all, sizeof all, run->pool);
}

apr_status_t acs_token_read(acs_run_t *run, acs_token_t *token, const char *text)
{
    unsigned char *all, mac[TDS_HASH_LEN];
    const char *hex;
    apr_size_t len;
    int i, n = 0;

    if (!text || strlen(text) != TOKEN_LEN / 3 * 4) return APR_EINVAL;
    if (tds_b64url_decode(&all, &len, text, strlen(text), 0, run->pool) != APR_SUCCESS || len != TOKEN_LEN) return APR_EINVAL;
    if (mac_of(run, mac, all) != APR_SUCCESS || !tds_equal(mac, all + HEAD_LEN, MAC_LEN)) return APR_EINVAL;
    hex = tds_hex(all, ID_LEN, run->pool);
    for (i = 0; i < 32; ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) token->id[n++] = '-';
        token->id[n++] = hex[i];
    }
    token->id[n] = '\0';
    token->version = (unsigned)all[16] << 24 | (unsigned)all[17] << 16 | (unsigned)all[18] << 8 | all[19];
    return APR_SUCCESS;
}

void acs_form_mark(acs_run_t *run, unsigned char mark[ACS_FORM_MARK], const acs_token_t *token, const char *entry)
{
    unsigned char mac[TDS_HASH_LEN] = {0};
    tds_bytes_t parts[] = {TDS_BYTES(token->id, TDS_UUID_LEN), TDS_BYTES(&token->version, sizeof token->version),
                           TDS_BYTES_STR(entry)};

    (void)tds_keys_mac(run->keys, mac, "form", parts, 3);
    memcpy(mark, mac, ACS_FORM_MARK);
}

int acs_form_seen(const acs_txn_t *txn, const unsigned char mark[ACS_FORM_MARK])
{
    apr_size_t at;

    for (at = 0; at + ACS_FORM_MARK <= txn->forms.len; at += ACS_FORM_MARK) {
        if (tds_equal((const char *)txn->forms.data + at, mark, ACS_FORM_MARK)) return 1;
    }
    return 0;
}
