/* cvv-atn: CVV with an authentication tracking number (usage 3, version 0). Twenty bytes: ARC, SF, key indicator, 0 and
 * the CVV, unpredictable number, ATN, version and action, zeros. */
#include "acs_av_int.h"

#include <string.h>
#include <apr_strings.h>

#define ATN_AT 7 /* byte */

apr_status_t acs_av_cvv_atn_put(unsigned char *out, acs_av_cvv_t *c, const char *pan, const char *atn)
{
    char number[17], cvv[4], hex[2 * ACS_AV_LEN + 1];
    apr_status_t rv;

    acs_av_pan16(number, pan);
    c->number = number;
    c->un = atn + 12;
    rv = acs_av_cvv_make(cvv, c);
    if (rv == APR_SUCCESS) {
        (void)apr_snprintf(hex, sizeof hex, "0%s%s%02d0%s%s%s0000000000", c->arc, c->sf, c->key->id, cvv, c->un, atn);
        rv = tds_unhex(out, ACS_AV_LEN, hex);
    }
    tds_wipe(number, sizeof number);
    tds_wipe(cvv, sizeof cvv);
    tds_wipe(hex, sizeof hex);
    c->number = c->un = NULL;
    return rv;
}

static apr_status_t build(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in, const char *nonce,
                          unsigned char *out, tds_err_t *err)
{
    acs_av_cvv_t c = {.key = key};
    apr_status_t rv = acs_av_cvv_codes(&c, in, err);

    return rv == APR_SUCCESS ? acs_av_cvv_atn_put(out, &c, in->pan, nonce) : rv;
}

static int nonce_of(const unsigned char *value, char *nonce)
{
    return acs_av_cvv_nonce(value, ATN_AT, 16, nonce);
}

static apr_status_t test(void)
{
    acs_av_key_t key = {.len = 16, .id = 1};
    acs_av_cvv_t c = {.key = &key, .arc = "7", .sf = "00"};
    unsigned char out[ACS_AV_LEN];
    char cvv[4];
    int ok;

    ok = tds_unhex(key.bytes, 16, "0123456789ABCDEFFEDCBA9876543210") == APR_SUCCESS;
    ok =
        ok && acs_av_cvv_core(cvv, key.bytes, "41234567890123458701101000000000") == APR_SUCCESS && !strcmp(cvv, "561");
    ok = ok && acs_av_cvv_atn_put(out, &c, "4123456789012345", "9602231034727993") == APR_SUCCESS &&
         acs_av_same(out, ACS_AV_LEN, "0700010972799396022310347279930000000000");
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

static const acs_av_layout_t layout = {.key_min = 16,
                                       .key_max = 16,
                                       .id_first = 1,
                                       .id_min = 1,
                                       .id_max = 99,
                                       .halves = 1,
                                       .digits = 16,
                                       .build = build,
                                       .nonce_of = nonce_of};

const acs_av_ops_t acs_av_cvv_atn = {.name = "cvv-atn",
                                     .takes = ACS_AV_TAKES_KEYS | ACS_AV_BIT(INFORMATIONAL),
                                     .eci = acs_eci_567,
                                     .load = acs_av_set_load,
                                     .test = test,
                                     .make = acs_av_set_make,
                                     .layout = &layout};
