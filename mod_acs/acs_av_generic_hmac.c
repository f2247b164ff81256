/* generic-hmac: ours, for laboratories and schemes without public rules. Twenty bytes: F1, key indicator, ARC, SF, four
 * random ones in the place of a counter, the first twelve of an HMAC-SHA256 over them and the transaction. */
#include "acs_av_int.h"

#include <string.h>

#define LABEL    "3DS-AV1"
#define HEAD_LEN 8
#define DATA_MAX (sizeof LABEL - 1 + HEAD_LEN + 1 + 19 + 8 + 3 + 16 + 16)

static unsigned char *add(unsigned char *to, const void *from, apr_size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

/* Returns the length; 0: something is missing. */
static apr_size_t collect(unsigned char *data, const unsigned char *head, const acs_av_in_t *in, tds_err_t *err)
{
    apr_size_t pan_len = strlen(in->pan);
    unsigned char *p = data, acs_id[16], ds_id[16];
    apr_uint64_t amount;
    int i;

    if (acs_av_amount(&amount, in, 18, err) != APR_SUCCESS || acs_av_currency(in, err) != APR_SUCCESS || pan_len > 19 ||
        acs_av_uuid(acs_id, in->acs_trans_id) != APR_SUCCESS || acs_av_uuid(ds_id, in->ds_trans_id) != APR_SUCCESS)
        return 0;
    p = add(p, LABEL, sizeof LABEL - 1);
    p = add(p, head, HEAD_LEN);
    *p++ = (unsigned char)pan_len;
    p = add(p, in->pan, pan_len);
    for (i = 56; i >= 0; i -= 8)
        *p++ = (unsigned char)(amount >> i);
    p = add(p, in->currency, 3);
    p = add(p, acs_id, sizeof acs_id);
    p = add(p, ds_id, sizeof ds_id);
    return (apr_size_t)(p - data);
}

static apr_status_t build(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in, const char *nonce,
                          unsigned char *out, tds_err_t *err)
{
    unsigned char data[DATA_MAX], mac[TDS_HASH_LEN];
    acs_av_cvv_t codes = {0};
    apr_status_t rv = acs_av_cvv_codes(&codes, in, err);
    apr_size_t len;

    if (rv != APR_SUCCESS) return rv;
    out[0] = 0xf1;
    out[1] = (unsigned char)key->id;
    out[2] = (unsigned char)(codes.arc[0] - '0');
    out[3] = (unsigned char)((codes.sf[0] - '0') * 10 + codes.sf[1] - '0');
    memcpy(out + 4, nonce, 4);
    len = collect(data, out, in, err);
    rv = len ? tds_hmac(mac, key->bytes, key->len, data, len) : APR_EINVAL;
    if (rv == APR_SUCCESS) memcpy(out + HEAD_LEN, mac, ACS_AV_LEN - HEAD_LEN);
    tds_wipe(data, sizeof data);
    tds_wipe(mac, sizeof mac);
    return rv;
}

static int nonce_of(const unsigned char *value, char *nonce)
{
    memcpy(nonce, value + 4, 4);
    return value[1];
}

static const acs_av_layout_t layout = {.key_min = 32,
                                       .key_max = ACS_AV_KEY_MAX,
                                       .id_first = 1,
                                       .id_min = 1,
                                       .id_max = 255,
                                       .bytes = 4,
                                       .build = build,
                                       .nonce_of = nonce_of};

const acs_av_ops_t acs_av_generic_hmac = {.name = "generic-hmac",
                                          .lab = 1,
                                          .takes = ACS_AV_TAKES_KEYS | ACS_AV_BIT(INFORMATIONAL),
                                          .load = acs_av_set_load,
                                          .make = acs_av_set_make,
                                          .layout = &layout};
