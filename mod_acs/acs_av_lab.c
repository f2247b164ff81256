/* lab: 20 bytes of HMAC-SHA256 under a key file of 64 hex digits. No payment system accepts it: for trying out. */
#include "acs_av_int.h"

#include <string.h>
#include "tds_b64.h"
#include "tds_keys.h"

static apr_status_t load(void **baton, const acs_av_ops_t *ops, const acs_av_words_t *words, apr_pool_t *pool,
                         tds_err_t *err)
{
    tds_keys_t *keys = tds_keys_make(pool);

    *baton = keys;
    return tds_keys_add_file(keys, words->value[ACS_AV_KEY], pool, err);
}

static apr_status_t make(void *baton, const acs_av_in_t *in, const char **value, apr_pool_t *pool, tds_err_t *err)
{
    tds_bytes_t parts[] = {TDS_BYTES_STR(in->pan), TDS_BYTES_STR(in->trans_status), TDS_BYTES_STR(in->ds_trans_id),
                           TDS_BYTES_STR(in->acs_trans_id)};
    unsigned char mac[TDS_HASH_LEN];
    apr_status_t rv = tds_keys_mac(baton, mac, "lab authentication value", parts, 4);

    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "no authentication value key");
    *value = tds_b64_encode(mac, ACS_AV_LEN, pool);
    tds_wipe(mac, sizeof mac);
    return APR_SUCCESS;
}

const acs_av_ops_t acs_av_lab = {.name = "lab",
                                 .lab = 1,
                                 .takes = ACS_AV_BIT(KEY) | ACS_AV_BIT(RANGE) | ACS_AV_BIT(INFORMATIONAL),
                                 .load = load,
                                 .make = make};
