/* Providers of the authentication value, chosen per card range. */
#ifndef ACS_AV_H
#define ACS_AV_H

#include "tds_err.h"

/* What a value is made of. */
typedef struct acs_av_in_t {
    const char *pan;
    const char *trans_status; /* Y or A */
    const char *ds_trans_id, *acs_trans_id;
    const char *amount, *currency;
} acs_av_in_t;

/* base64 text, 28 characters in 2.1.0 and 2.2.0. Another status than APR_SUCCESS: no value can be made, and the
 * transaction ends with U rather than with a made-up value. */
typedef apr_status_t acs_av_make_fn(void *baton, const acs_av_in_t *in, const char **value, apr_pool_t *pool,
                                    tds_err_t *err);

typedef struct acs_av_ops_t {
    const char *name;
    acs_av_make_fn *make;
} acs_av_ops_t;

/* "lab": 20 bytes of HMAC-SHA256 under a key file of 64 hex digits. No payment system accepts it: for trying out. */
apr_status_t acs_av_lab_load(void **baton, const char *path, apr_pool_t *pool, tds_err_t *err);
extern const acs_av_ops_t acs_av_lab;

#endif
