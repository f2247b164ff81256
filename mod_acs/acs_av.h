/* Authentication values and the eci that goes with them: providers, chosen per range of account numbers. */
#ifndef ACS_AV_H
#define ACS_AV_H

#include "tds_rand.h"
#include "tds_view.h"
#include "acs_conf.h"

/* What a value, and its eci, are made of. */
typedef struct acs_av_in_t {
    const char *pan;
    const char *trans_status;
    const char *category; /* messageCategory */
    const char *asked;    /* threeDSRequestorChallengeInd, if it is one that I answers: 05, 06, 07; else NULL */
    const char *eci;      /* set by acs_av_outcome */
    const char *ds_trans_id, *acs_trans_id;
    const char *amount, *currency; /* minor units; ISO 4217 digits */
    const char *merchant;
    tds_ver_e version;
    int npa;        /* a value belongs to non-payment authentication, too */
    int stand_in;   /* A because the issuer's systems did not answer */
    int challenged; /* by the method how; else frictionless */
    tds_auth_e how;
    apr_time_t now; /* of the authentication */
    tds_rand_fn *rnd;
} acs_av_in_t;

typedef struct acs_av_out_t {
    const char *eci;   /* NULL: none */
    const char *value; /* base64 text; NULL: none belongs to this transStatus */
} acs_av_out_t;

/* The eci of a transStatus, and the value where one belongs to it: with Y and A, and with I where the line says so, in
 * payment authentication (A-ARES-03), and where the DS wants it in the other (A-NPA-01). Another status than APR_SUCCESS: the
 * value cannot be made; the transaction then ends with U rather than with a made-up value. issuer may be NULL. */
apr_status_t acs_av_outcome(const acs_issuer_t *issuer, const acs_av_in_t *in, acs_av_out_t *out, apr_pool_t *pool,
                            tds_err_t *err);

/* ---- Configuration --------------------------------------------------------- */

struct acs_av_ops_t;

/* One ACSAuthenticationValue of an issuer. */
typedef struct acs_av_t {
    const struct acs_av_ops_t *ops;
    void *baton;
    acs_range_t range; /* start NULL: all that no line before it has taken */
    int informational; /* a value with I, too */
    const char *where; /* it stands */
} acs_av_t;

/* A row of an eci table: the first that fits counts. Tables end with a row without status. */
typedef struct acs_eci_t {
    const char *status;
    const char *category; /* messageCategory; NULL: any */
    const char *asked;    /* as in acs_av_in_t; NULL: any */
    const char *value;    /* NULL: none */
} acs_eci_t;

/* One ACSECI of an issuer: before the table of the provider. */
typedef struct acs_eci_line_t {
    acs_eci_t eci;
    acs_range_t range; /* start NULL: all */
} acs_eci_line_t;

/* A path as written to one that can be opened. */
typedef char *acs_av_path_fn(apr_pool_t *pool, const char *path);

/* The provider of that name, or NULL. */
const struct acs_av_ops_t *acs_av_ops_find(const char *name);

/* Names of the providers, "a, b and c"; lab: those of laboratories as well. */
const char *acs_av_names(int lab, apr_pool_t *pool);

/* Read a line: the words behind the provider's name. Runs the self-test, loads the keys, and makes and checks a value
 * under each of them. Keys are wiped with pool. APR_EINVAL and others: *err says what would be right. */
apr_status_t acs_av_read(acs_av_t *av, const struct acs_av_ops_t *ops, const char *const *words, int nwords,
                         acs_av_path_fn *path, apr_pool_t *pool, tds_err_t *err);

/* Read an ACSECI: transStatus, eci or none, and optionally PA or NPA, and range=FIRST-LAST. */
apr_status_t acs_eci_read(acs_eci_line_t *line, const char *const *words, int nwords, apr_pool_t *pool, tds_err_t *err);

/* FIRST-LAST: 13 to 19 digits each, the same number. */
apr_status_t acs_range_read(acs_range_t *range, const char *text, apr_pool_t *pool, tds_err_t *err);

/* Is every account number served by a line, and every line reached? NULL, or what is wrong. */
const char *acs_av_lines_fault(const acs_issuer_t *issuer, apr_pool_t *pool);

/* ---- For whoever writes a provider ------------------------------------------ */

/* Options of a line; a provider says which it takes. */
/* clang-format off */
#define ACS_AV_OPTIONS(F)                                                                                      \
    F(KEY, "key") F(KEY_ID, "keyID") F(PREVIOUS, "previous") F(PREVIOUS_ID, "previousKeyID") F(UNTIL, "until") \
    F(RANGE, "range") F(INFORMATIONAL, "informational") F(BINDING, "binding") F(LENGTH, "length")              \
    F(ACS_ID, "acsID")
/* clang-format on */

enum {
#define F(id, name) ACS_AV_##id,
    ACS_AV_OPTIONS(F)
#undef F
    ACS_AV_OPTION_COUNT
};
#define ACS_AV_BIT(id) (1u << ACS_AV_##id)

typedef struct acs_av_words_t {
    const char *value[ACS_AV_OPTION_COUNT]; /* NULL: not given; paths can be opened */
} acs_av_words_t;

typedef apr_status_t acs_av_load_fn(void **baton, const struct acs_av_ops_t *ops, const acs_av_words_t *words,
                                    apr_pool_t *pool, tds_err_t *err);

/* Published vectors. APR_EGENERAL: this build must not make values. */
typedef apr_status_t acs_av_test_fn(void);

/* base64 text. */
typedef apr_status_t acs_av_make_fn(void *baton, const acs_av_in_t *in, const char **value, apr_pool_t *pool,
                                    tds_err_t *err);

typedef struct acs_av_ops_t {
    const char *name;
    int lab;              /* no payment system accepts its values */
    unsigned takes;       /* ACS_AV_BIT: options */
    const acs_eci_t *eci; /* NULL: no defaults */
    acs_av_load_fn *load;
    acs_av_test_fn *test; /* NULL: nothing to test against */
    acs_av_make_fn *make;
    const struct acs_av_layout_t *layout; /* acs_av_int.h; NULL: a provider of its own kind */
} acs_av_ops_t;

extern const acs_av_ops_t acs_av_lab, acs_av_generic_hmac, acs_av_cvv_atn, acs_av_cvv_u3v7, acs_av_mc_iav,
    acs_av_mc_spa1;

/* Does one of its keys stand in published vectors, or would anybody try it? No production uses such a key. */
int acs_av_key_known(const acs_av_t *av);

#endif
