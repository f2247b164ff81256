/* The card verification value under two DES keys, and what the layouts round it share. */
#include "acs_av_int.h"

#include <string.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#define BLOCK 8 /* bytes */

/* One block under A, B, A. With A twice it is single DES. */
static apr_status_t des_ede(unsigned char out[BLOCK], const unsigned char key[2 * BLOCK], const unsigned char in[BLOCK])
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, ok;

    ok = c && EVP_EncryptInit_ex(c, EVP_des_ede(), NULL, key, NULL) == 1 && EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
         EVP_EncryptUpdate(c, out, &n, in, BLOCK) == 1 && n == BLOCK;
    EVP_CIPHER_CTX_free(c);
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

/* The first three of: the decimal digits from left to right, then the letters, each less ten. */
static void decimals(char cvv[4], const unsigned char z[BLOCK])
{
    int n = 0, letters, i;

    for (letters = 0; letters < 2; ++letters) {
        for (i = 0; i < 2 * BLOCK && n < 3; ++i) {
            int nibble = i % 2 ? z[i / 2] & 15 : z[i / 2] >> 4;

            if ((nibble > 9) == letters) cvv[n++] = (char)('0' + nibble % 10);
        }
    }
    cvv[3] = '\0';
}

apr_status_t acs_av_cvv_core(char cvv[4], const unsigned char *key, const char *digits)
{
    unsigned char a_twice[2 * BLOCK], in[2 * BLOCK], x[BLOCK], z[BLOCK];
    apr_status_t rv;
    int i;

    if (tds_unhex(in, sizeof in, digits) != APR_SUCCESS) return APR_EINVAL;
    memcpy(a_twice, key, BLOCK);
    memcpy(a_twice + BLOCK, key, BLOCK);
    rv = des_ede(x, a_twice, in);
    for (i = 0; rv == APR_SUCCESS && i < BLOCK; ++i)
        x[i] ^= in[BLOCK + i];
    if (rv == APR_SUCCESS) rv = des_ede(z, key, x);
    if (rv == APR_SUCCESS) decimals(cvv, z);
    tds_wipe(a_twice, sizeof a_twice);
    tds_wipe(in, sizeof in);
    tds_wipe(x, sizeof x);
    tds_wipe(z, sizeof z);
    return rv;
}

int acs_av_cvv_nonce(const unsigned char *value, int at, int digits, char *nonce)
{
    int i;

    for (i = 0; i < digits; ++i)
        nonce[i] = (char)('0' + (value[at + i / 2] >> (i % 2 ? 0 : 4) & 15));
    nonce[digits] = '\0';
    return (value[2] >> 4) * 10 + (value[2] & 15);
}

apr_status_t acs_av_cvv_make(char cvv[4], const acs_av_cvv_t *c)
{
    char block[48]; /* 32, or it is not well formed */
    apr_status_t rv = APR_EINVAL;

    if (apr_snprintf(block, sizeof block, "%s%s%s%s000000000", c->number, c->un, c->arc, c->sf) == 32)
        rv = acs_av_cvv_core(cvv, c->key->bytes, block);
    tds_wipe(block, sizeof block);
    return rv;
}

/* ---- codes ---------------------------------------------------------------------- */

static const char *arc_of(const acs_av_in_t *in)
{
    if (!strcmp(in->trans_status, "Y")) return "0";
    if (!strcmp(in->trans_status, "A")) return in->stand_in ? "8" : "7";
    if (strcmp(in->trans_status, "I") || !in->asked) return NULL;
    if (!strcmp(in->asked, "05")) return "2";
    if (!strcmp(in->asked, "06")) return "3";
    return !strcmp(in->asked, "07") ? "4" : NULL;
}

static const char *sf_of(const acs_av_in_t *in)
{
    if (!in->challenged) return strcmp(in->trans_status, "A") ? "99" : "98";
    switch (in->how) {
    case TDS_AUTH_PASSCODE:
        return "01";
    case TDS_AUTH_SMS_OTP:
        return "02";
    case TDS_AUTH_OTHER_OTP:
        return "05";
    case TDS_AUTH_OOB:
        return "09";
    case TDS_AUTH_DECOUPLED:
        return "12";
    case TDS_AUTH_SPC:
        return "14";
    }
    return "10";
}

apr_status_t acs_av_cvv_codes(acs_av_cvv_t *c, const acs_av_in_t *in, tds_err_t *err)
{
    const char *arc = arc_of(in);

    if (!arc)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "no authentication results code for transStatus %s",
                        in->trans_status);
    memcpy(c->arc, arc, 2);
    memcpy(c->sf, sf_of(in), 3);
    return APR_SUCCESS;
}
