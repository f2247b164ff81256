/* What providers with a key set share: the set, its two generations, and the layouts. For providers and tests. */
#ifndef ACS_AV_INT_H
#define ACS_AV_INT_H

#include "tds_hash.h"
#include "acs_av.h"

#define ACS_AV_LEN     20 /* bytes of a value, 28 characters in base64 */
#define ACS_AV_MAX     21 /* the longest that has 28 characters */
#define ACS_AV_KEY_MAX 64 /* bytes */
#define ACS_AV_NONCE   16 /* bytes or digits, at most */

typedef struct acs_av_key_t {
    unsigned char bytes[ACS_AV_KEY_MAX];
    apr_size_t len;
    int id; /* the key indicator in the value; 0 where a layout has none */
} acs_av_key_t;

/* Two generations live at once: values are made under [0], before until under [1]; both are known to the check. */
typedef struct acs_av_set_t {
    acs_av_key_t key[2];
    int count;
    apr_time_t until;  /* 0: [1] only checks */
    apr_size_t length; /* of the value */
    int by_purchase;   /* mc-iav: binding=purchase */
    int acs_id;        /* mc-spa1 */
} acs_av_set_t;

/* nonce: what differs from value to value, as nonce_of reads it back. Writes set->length bytes. */
typedef apr_status_t acs_av_build_fn(const acs_av_set_t *set, const acs_av_key_t *key, const acs_av_in_t *in,
                                     const char *nonce, unsigned char *out, tds_err_t *err);

/* Copies the nonce out of a value and returns the key indicator. */
typedef int acs_av_nonce_fn(const unsigned char *value, char *nonce);

typedef struct acs_av_layout_t {
    apr_size_t key_min, key_max;  /* bytes */
    int id_first, id_min, id_max; /* key indicators: the default of the first generation; the next has one more */
    int halves;                   /* the two halves of a key must differ */
    apr_size_t digits, bytes;     /* of the nonce: so many random digits, or so many random bytes */
    acs_av_build_fn *build;
    acs_av_nonce_fn *nonce_of;
} acs_av_layout_t;

/* Options of every layout whose values name their key. */
#define ACS_AV_TAKES_KEYS                                                                                        \
    (ACS_AV_BIT(KEY) | ACS_AV_BIT(KEY_ID) | ACS_AV_BIT(PREVIOUS) | ACS_AV_BIT(PREVIOUS_ID) | ACS_AV_BIT(UNTIL) | \
     ACS_AV_BIT(RANGE))

acs_av_load_fn acs_av_set_load;
acs_av_make_fn acs_av_set_make;

/* Was value (length bytes) made of in, under one of the keys? APR_SUCCESS; APR_EACCES: no. Constant time in the
 * compare. */
apr_status_t acs_av_set_check(const acs_av_set_t *set, const acs_av_layout_t *layout, const acs_av_in_t *in,
                              const unsigned char *value, tds_err_t *err);

/* ---- Parts of layouts ------------------------------------------------------- */

/* Eci tables. */
extern const acs_eci_t acs_eci_567[], acs_eci_210[];

/* 16 bytes of a DES key pair, and 32 decimal digits; *cvv gets three digits and a NUL. */
apr_status_t acs_av_cvv_core(char cvv[4], const unsigned char *key, const char *digits);

/* What the CVV of a value is made of. */
typedef struct acs_av_cvv_t {
    const acs_av_key_t *key;
    char arc[2], sf[3]; /* authentication results code, second factor: 1 and 2 digits */
    const char *number; /* 16 digits: account number or what stands for it */
    const char *un;     /* 4 digits: unpredictable number */
} acs_av_cvv_t;

apr_status_t acs_av_cvv_make(char cvv[4], const acs_av_cvv_t *c);

/* Codes of in: APR_EINVAL for a transStatus that has none. */
apr_status_t acs_av_cvv_codes(acs_av_cvv_t *c, const acs_av_in_t *in, tds_err_t *err);

/* acs_av_nonce_fn of these layouts: so many digits as BCD, from byte at. */
int acs_av_cvv_nonce(const unsigned char *value, int at, int digits, char *nonce);

/* The rightmost 16 digits, zeros before a shorter one. */
void acs_av_pan16(char out[17], const char *pan);

/* 10 bytes: the digits as BCD, F behind them. */
apr_status_t acs_av_pan10(unsigned char out[10], const char *pan);

/* Minor units; APR_EINVAL: absent, no number, or more than digits digits (at most 18). */
apr_status_t acs_av_amount(apr_uint64_t *amount, const acs_av_in_t *in, apr_size_t digits, tds_err_t *err);

/* Three digits, or APR_EINVAL. */
apr_status_t acs_av_currency(const acs_av_in_t *in, tds_err_t *err);

/* 16 bytes of a UUID, in the order of its text. */
apr_status_t acs_av_uuid(unsigned char out[16], const char *text);

/* value is hex, expected hex as well: a vector of a self-test. */
int acs_av_same(const unsigned char *value, apr_size_t len, const char *expected);

/* The layout of cvv-atn with its codes given, for vectors; atn: 16 digits. */
apr_status_t acs_av_cvv_atn_put(unsigned char *out, acs_av_cvv_t *c, const char *pan, const char *atn);

#endif
