/* The trust list that the ACS keeps itself. Side records of the store, named by the card index; each change renews the TTL. */
#ifndef ACS_TRUST_H
#define ACS_TRUST_H

#include "acs_run.h"

#define ACS_TRUST_MAX 100                              /* merchants of a card */
#define ACS_TRUST_TTL apr_time_from_sec(400 * 86400)   /* after the last change */

typedef struct acs_merchant_t {
    const char *bin, *id, *name; /* acquirerBIN, acquirerMerchantID, merchantName */
} acs_merchant_t;

/* The members that stand for a merchant, wherever one is told. */
void acs_merchant_put(json_t *doc, const acs_merchant_t *merchant);

/* *list: object of objects {acquirerBIN, acquirerMerchantID, merchantName, since}; lives until run->pool goes. */
apr_status_t acs_trust_list(acs_run_t *run, const char *index, json_t **list);

/* Put a merchant on the list of a card, or take it off; both may be repeated, and several at once do not undo each other.
 * APR_ENOSPC: the list is full. APR_EAGAIN: others were faster each time. */
apr_status_t acs_trust_change(acs_run_t *run, const char *index, const acs_merchant_t *merchant, int on);

/* ---- for acs_gather.c ------------------------------------------------------ */

/* The read that tells whether this AReq's merchant is trusted. 0: none is needed. */
int acs_trust_want(acs_run_t *run, const acs_facts_t *facts, tds_store_read_t *read);

/* "Y" or "N"; NULL: the AReq names no merchant. */
const char *acs_trust_take(acs_run_t *run, const acs_facts_t *facts, const tds_store_read_t *read);

#endif
