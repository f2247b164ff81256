/* mc-spa1: the value of 3-D Secure 1, with an HMAC-SHA1: history, to try the plumbing with. Twenty bytes: control,
 * eight of the merchant's digest, ACS identifier, method and key identifier, sequence number, five of the MAC. */
#include "acs_av_int.h"

#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SHA1_LEN 20
#define TSN_AT   11 /* byte */
#define TSN_LEN  4
#define MAC_AT   15

static int method_of(const acs_av_in_t *in)
{
    return in->challenged ? 1 : 0;
}

static apr_status_t put_mac(unsigned char *out, const acs_av_key_t *key, const char *pan)
{
    unsigned char data[10 + MAC_AT], mac[EVP_MAX_MD_SIZE];
    apr_status_t rv = acs_av_pan10(data, pan);

    memcpy(data + 10, out, MAC_AT);
    if (rv == APR_SUCCESS && !HMAC(EVP_sha1(), key->bytes, (int)key->len, data, sizeof data, mac, NULL))
        rv = APR_EGENERAL;
    if (rv == APR_SUCCESS) memcpy(out + MAC_AT, mac, ACS_AV_LEN - MAC_AT);
    tds_wipe(data, sizeof data);
    tds_wipe(mac, sizeof mac);
    return rv;
}

static apr_status_t build(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in, const char *nonce,
                          unsigned char *out, tds_err_t *err)
{
    int yes = !strcmp(in->trans_status, "Y");
    unsigned char hash[SHA1_LEN];

    if (!yes && strcmp(in->trans_status, "A"))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "no control byte for transStatus %s", in->trans_status);
    if (!in->merchant) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "there is no merchantName");
    if (EVP_Digest(in->merchant, strlen(in->merchant), hash, NULL, EVP_sha1(), NULL) != 1) return APR_EGENERAL;
    out[0] = yes ? 0x8c : 0x86;
    memcpy(out + 1, hash, 8);
    out[9] = (unsigned char)set->acs_id;
    out[10] = (unsigned char)(method_of(in) << 4 | key->id);
    memcpy(out + TSN_AT, nonce, TSN_LEN);
    return put_mac(out, key, in->pan);
}

static int nonce_of(const unsigned char *value, char *nonce)
{
    memcpy(nonce, value + TSN_AT, TSN_LEN);
    return value[10] & 15;
}

static int vector(const char *key, const char *mac)
{
    acs_av_in_t in = {
        .pan = "5432109876543210", .trans_status = "Y", .merchant = "SPA Merchant, Inc.", .challenged = 1};
    acs_av_set_t set = {.count = 1, .length = ACS_AV_LEN, .acs_id = 1, .key[0] = {.len = strlen(key) / 2, .id = 1}};
    unsigned char out[ACS_AV_LEN];

    return tds_unhex(set.key[0].bytes, set.key[0].len, key) == APR_SUCCESS &&
           build(&set, &set.key[0], &in, "\0\0\0\x2f", out, NULL) == APR_SUCCESS &&
           acs_av_same(out, MAC_AT, "8C7CA7FBB6058B511401110000002F") &&
           acs_av_same(out + MAC_AT, ACS_AV_LEN - MAC_AT, mac);
}

static apr_status_t test(void)
{
    return vector("0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B", "3547BA1EFF") &&
                   vector("00112233445566778899AABBCCDDEEFF", "EB27FC7FAB")
               ? APR_SUCCESS
               : APR_EGENERAL;
}

static const acs_av_layout_t layout = {
    .key_min = 16, .key_max = ACS_AV_KEY_MAX, .id_max = 15, .bytes = TSN_LEN, .build = build, .nonce_of = nonce_of};

const acs_av_ops_t acs_av_mc_spa1 = {.name = "mc-spa1",
                                     .lab = 1,
                                     .takes = ACS_AV_TAKES_KEYS | ACS_AV_BIT(ACS_ID),
                                     .eci = acs_eci_210,
                                     .load = acs_av_set_load,
                                     .test = test,
                                     .make = acs_av_set_make,
                                     .layout = &layout};
