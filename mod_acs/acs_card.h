/* Where the issuer's cards are looked up. */
#ifndef ACS_CARD_H
#define ACS_CARD_H

#include "tds_err.h"
#include "tds_json.h"
#include "tds_store.h"

typedef enum acs_card_status_e { ACS_CARD_UNKNOWN, ACS_CARD_ACTIVE, ACS_CARD_BLOCKED, ACS_CARD_NOT_ENROLLED } acs_card_status_e;

typedef struct acs_card_t {
    acs_card_status_e status;
    const char *group;        /* free word for rules: CARD:group */
    const char *language;     /* "en" */
    const char *phone, *email, *name;
    const char *ref;          /* the issuer's name of the cardholder, for later hooks */
    const char *methods;      /* challenge methods in order, space separated; NULL: the issuer's */
    const char *rp_id;        /* of the credentials */
    const json_t *credentials; /* array of {id, publicKey}; NULL: none */
    const char *trust_status, *device_binding, *csc_status; /* by the hook; NULL: not told */
} acs_card_t;

/* APR_SUCCESS also for an unknown card (status UNKNOWN). Another status: the source does not answer. */
typedef apr_status_t acs_card_find_fn(void *baton, const char *pan, acs_card_t *card, apr_pool_t *pool, tds_err_t *err);

/* What has to be read from the store for a card. */
typedef apr_status_t acs_card_want_fn(void *baton, const char *pan, tds_store_read_t *read, apr_pool_t *pool, tds_err_t *err);

/* The card out of what was read; the statuses of find. */
typedef apr_status_t acs_card_take_fn(const tds_store_read_t *read, acs_card_t *card, apr_pool_t *pool, tds_err_t *err);

/* Either find, from what is at hand, or want and take, within the one batch that is read anyway. */
typedef struct acs_card_ops_t {
    acs_card_find_fn *find;
    acs_card_want_fn *want;
    acs_card_take_fn *take;
} acs_card_ops_t;

/* A JSON file, read once at start-up: {"cards": {"PAN": {"status": ..., "group": ..., "language": ..., "phone": ...,
 * "email": ..., "name": ..., "ref": ..., "methods": ..., "rpId": ..., "credentials": [...]}}}. For trying out, and for small issuers with an encrypted disk. Baton for acs_card_file. */
apr_status_t acs_card_file_load(void **baton, const char *path, apr_pool_t *pool, tds_err_t *err);
extern const acs_card_ops_t acs_card_file;

/* The issuer's own look-up (ACSHook card). */
extern const acs_card_ops_t acs_card_hook;

/* Redis: the hash acs:card:{index}, the same members (credentials: the text of the array); index = hex HMAC of the PAN
 * under the id key (acs_card_index). The baton is filled when the keys are there. */
typedef struct acs_card_redis_t {
    const tds_keys_t *keys;
} acs_card_redis_t;
extern const acs_card_ops_t acs_card_redis;

/* active, blocked, notEnrolled, unknown; NULL: active; any other word is blocked: the safe side. */
acs_card_status_e acs_card_status(const char *word);

/* The member status of a row; one that is no text (null is as good as absent) is a word that we do not know. */
acs_card_status_e acs_card_status_of(const json_t *row);

/* What stands for a PAN in keys and counters. */
const char *acs_card_index(const tds_keys_t *keys, const char *pan, apr_pool_t *pool);

#endif
