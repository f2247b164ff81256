/* cvv-u3v7: CVV over a digest of account number, eci, amount, currency and date (usage 3, version 7). Twenty bytes:
 * ARC, SF, key indicator, 0 and the CVV, seed, amount (5 bytes, binary), currency and day of the year (3 bytes),
 * version and protocol, zeros. */
#include "acs_av_int.h"

#include <ctype.h>
#include <string.h>
#include <apr_strings.h>

#define SEED_AT 5 /* byte */

/* The first 16 decimal digits of the digest in hex. */
static apr_status_t digest_digits(char out[17], const char *text)
{
    unsigned char hash[TDS_HASH_LEN];
    int n = 0, i;

    if (tds_sha256(hash, text, strlen(text)) != APR_SUCCESS) return APR_EGENERAL;
    for (i = 0; i < 2 * TDS_HASH_LEN && n < 16; ++i) {
        int nibble = hash[i / 2] >> (i % 2 ? 0 : 4) & 15;

        if (nibble < 10) out[n++] = (char)('0' + nibble);
    }
    out[n] = '\0';
    tds_wipe(hash, sizeof hash);
    return n == 16 ? APR_SUCCESS : APR_EGENERAL;
}

/* Two digits of the year and three of the day. */
static void date_of(char out[6], apr_time_t t)
{
    apr_time_exp_t x;

    apr_time_exp_gmt(&x, t);
    (void)apr_snprintf(out, 6, "%02d%03d", x.tm_year % 100, x.tm_yday + 1);
}

static apr_status_t number_of(char out[17], const acs_av_in_t *in, apr_uint64_t amount, const char *date)
{
    char text[64], *last;
    apr_status_t rv = APR_EINVAL;
    int n = apr_snprintf(text, sizeof text, "%s%012" APR_UINT64_T_FMT "%s%s", in->pan, amount, in->currency, date);

    if (n < (int)sizeof text - 1) {
        last = text + strlen(in->pan) - 1;
        *last = in->eci[1];
        rv = digest_digits(out, text);
    }
    tds_wipe(text, sizeof text);
    return rv;
}

static apr_status_t put(unsigned char *out, const acs_av_cvv_t *c, const acs_av_in_t *in, apr_uint64_t amount,
                        const char *day)
{
    int protocol = in->version == TDS_V210 ? 4 : in->version == TDS_V220 ? 5 : 6;
    char cvv[4], hex[2 * ACS_AV_LEN + 1];
    apr_status_t rv = acs_av_cvv_make(cvv, c);

    if (rv == APR_SUCCESS) {
        (void)apr_snprintf(hex, sizeof hex, "0%s%s%02d0%s%s%010" APR_UINT64_T_HEX_FMT "%s%s7%d00000000", c->arc, c->sf,
                           c->key->id, cvv, c->un, amount, in->currency, day, protocol);
        rv = tds_unhex(out, ACS_AV_LEN, hex);
    }
    tds_wipe(cvv, sizeof cvv);
    tds_wipe(hex, sizeof hex);
    return rv;
}

static apr_status_t build(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in, const char *nonce,
                          unsigned char *out, tds_err_t *err)
{
    acs_av_cvv_t c = {.key = key, .un = nonce};
    char number[17], date[6];
    apr_uint64_t amount;
    apr_status_t rv;

    if (!in->eci || strlen(in->eci) != 2 || !isdigit((unsigned char)in->eci[1]))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "there is no eci to bind");
    if ((rv = acs_av_cvv_codes(&c, in, err)) != APR_SUCCESS) return rv;
    if ((rv = acs_av_amount(&amount, in, 12, err)) != APR_SUCCESS) return rv;
    if ((rv = acs_av_currency(in, err)) != APR_SUCCESS) return rv;
    date_of(date, in->now);
    rv = number_of(number, in, amount, date);
    c.number = number;
    if (rv == APR_SUCCESS) rv = put(out, &c, in, amount, date + 2);
    tds_wipe(number, sizeof number);
    return rv;
}

static int nonce_of(const unsigned char *value, char *nonce)
{
    return acs_av_cvv_nonce(value, SEED_AT, 4, nonce);
}

static apr_status_t test(void)
{
    acs_av_set_t set = {.count = 1, .length = ACS_AV_LEN, .key[0] = {.len = 16, .id = 1}};
    acs_av_in_t in = {.pan = "4123456789012345",
                      .trans_status = "Y",
                      .eci = "05",
                      .amount = "10000",
                      .currency = "392",
                      .version = TDS_V220,
                      .challenged = 1,
                      .how = TDS_AUTH_SMS_OTP,
                      .now = apr_time_from_sec(1795305600)}; /* 2026-11-22, day 326 */
    unsigned char out[ACS_AV_LEN];
    int ok = tds_unhex(set.key[0].bytes, 16, "0123456789ABCDEFFEDCBA9876543210") == APR_SUCCESS;

    ok = ok && build(&set, &set.key[0], &in, "7993", out, NULL) == APR_SUCCESS &&
         acs_av_same(out, ACS_AV_LEN, "0002010306799300000027103923267500000000");
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

static const acs_av_layout_t layout = {.key_min = 16,
                                       .key_max = 16,
                                       .id_first = 1,
                                       .id_min = 1,
                                       .id_max = 99,
                                       .halves = 1,
                                       .digits = 4,
                                       .build = build,
                                       .nonce_of = nonce_of};

const acs_av_ops_t acs_av_cvv_u3v7 = {.name = "cvv-u3v7",
                                      .takes = ACS_AV_TAKES_KEYS | ACS_AV_BIT(INFORMATIONAL),
                                      .eci = acs_eci_567,
                                      .load = acs_av_set_load,
                                      .test = test,
                                      .make = acs_av_set_make,
                                      .layout = &layout};
