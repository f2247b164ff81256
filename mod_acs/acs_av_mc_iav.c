/* mc-iav: issuer authentication value, C6 04 and the first four bytes of an HMAC-SHA256, zeros up to the length. The
 * Directory Server makes of it what merchants see. No key indicator, nothing random. */
#include "acs_av_int.h"

#include <math.h>
#include <string.h>

#define IAV_AT   2 /* byte */
#define IAV_LEN  4
#define DATA_MAX 26

/* Binding to the transaction: account number and dsTransID. */
static apr_size_t by_transaction(unsigned char *data, const acs_av_in_t *in)
{
    return acs_av_uuid(data + 10, in->ds_trans_id) == APR_SUCCESS ? 26 : 0;
}

/* Up to 14000 as it is, above that a logarithm. */
static unsigned amount_code(apr_uint64_t amount)
{
    double code;

    if (amount <= 14000) return (unsigned)amount;
    code = floor(log10((double)amount / 100) * 6553.6);
    return code > 0xffff ? 0xffff : (unsigned)code;
}

/* Binding to the purchase: account number, merchant, amount, currency, the beginning of dsTransID. */
static apr_size_t by_purchase(unsigned char *data, const acs_av_in_t *in, tds_err_t *err)
{
    unsigned char hash[TDS_HASH_LEN], uuid[16];
    apr_uint64_t amount;
    unsigned code;

    if (!in->merchant) {
        (void)TDS_FAIL(err, APR_EINVAL, 0, NULL, "there is no merchantName");
        return 0;
    }
    if (acs_av_amount(&amount, in, 18, err) != APR_SUCCESS || acs_av_currency(in, err) != APR_SUCCESS ||
        acs_av_uuid(uuid, in->ds_trans_id) != APR_SUCCESS ||
        tds_sha256(hash, in->merchant, strlen(in->merchant)) != APR_SUCCESS)
        return 0;
    code = amount_code(amount);
    memcpy(data + 10, hash, 4);
    data[14] = (unsigned char)(code >> 8);
    data[15] = (unsigned char)code;
    data[16] = (unsigned char)(in->currency[0] - '0');
    data[17] = (unsigned char)((in->currency[1] - '0') << 4 | (in->currency[2] - '0'));
    memcpy(data + 18, uuid, 4);
    return 22;
}

static apr_status_t build(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in, const char *nonce,
                          unsigned char *out, tds_err_t *err)
{
    unsigned char data[DATA_MAX], mac[TDS_HASH_LEN];
    apr_status_t rv = acs_av_pan10(data, in->pan);
    apr_size_t len = 0;

    if (rv == APR_SUCCESS) len = set->by_purchase ? by_purchase(data, in, err) : by_transaction(data, in);
    rv = len ? tds_hmac(mac, key->bytes, key->len, data, len) : APR_EINVAL;
    if (rv == APR_SUCCESS) {
        memset(out, 0, set->length);
        out[0] = 0xc6;
        out[1] = IAV_LEN;
        memcpy(out + IAV_AT, mac, IAV_LEN);
    }
    tds_wipe(data, sizeof data);
    tds_wipe(mac, sizeof mac);
    return rv;
}

static int nonce_of(const unsigned char *value, char *nonce)
{
    return 0;
}

static int vector(int purchase, const char *key, const acs_av_in_t *in, const char *expected)
{
    acs_av_set_t set = {.count = 1, .length = ACS_AV_LEN, .by_purchase = purchase, .key[0] = {.len = strlen(key) / 2}};
    unsigned char out[ACS_AV_LEN];

    return tds_unhex(set.key[0].bytes, set.key[0].len, key) == APR_SUCCESS &&
           build(&set, &set.key[0], in, NULL, out, NULL) == APR_SUCCESS && acs_av_same(out, ACS_AV_LEN, expected);
}

static apr_status_t test(void)
{
    acs_av_in_t newer = {.pan = "4111111111111111", .ds_trans_id = "2c0f40ad-ca51-47ab-8da9-348b162673aa"};
    acs_av_in_t older = {.pan = "2226400099919520",
                         .ds_trans_id = "2c1c0497-0000-4000-8000-000000000000",
                         .amount = "123456",
                         .currency = "840",
                         .merchant = "The Dodgy Dave And Jonty Shop"};

    return vector(0, "B039878C1F96D212F509B2DC4CC8CD1BB039878C1F96D212F509B2DC4CC8CD1B", &newer,
                  "C60404292AF20000000000000000000000000000") &&
                   vector(1, "B039878C1F96D212F509B2DC4CC8CD1B", &older, "C604186206550000000000000000000000000000")
               ? APR_SUCCESS
               : APR_EGENERAL;
}

static const acs_av_layout_t layout = {.key_min = 16, .key_max = ACS_AV_KEY_MAX, .build = build, .nonce_of = nonce_of};

const acs_av_ops_t acs_av_mc_iav = {.name = "mc-iav",
                                    .takes = ACS_AV_BIT(KEY) | ACS_AV_BIT(PREVIOUS) | ACS_AV_BIT(UNTIL) |
                                             ACS_AV_BIT(RANGE) | ACS_AV_BIT(BINDING) | ACS_AV_BIT(LENGTH),
                                    .eci = acs_eci_210,
                                    .load = acs_av_set_load,
                                    .test = test,
                                    .make = acs_av_set_make,
                                    .layout = &layout};
