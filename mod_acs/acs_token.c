#include "acs_token.h"

#include <string.h>

const char *acs_token_make(acs_run_t *run, const acs_txn_t *txn)
{
    return tds_token_make(run->keys, "page", txn->id, txn->version, run->pool);
}

apr_status_t acs_token_read(acs_run_t *run, acs_token_t *token, const char *text)
{
    return tds_token_read(token, run->keys, "page", text, run->pool);
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
