/* 3DS Method: what a browser told in a hidden frame before the AReq came (M-01 .. M-14). Kept sealed under the id of the
 * transaction to come, for ACSMethodKeep. The id is not authenticated: a risk input, never proof (M-13). */
#ifndef ACS_METHOD_H
#define ACS_METHOD_H

#include "tds_json.h"
#include "acs_run.h"

#define ACS_METHOD_MAX  4096 /* of what the page posts */
#define ACS_METHOD_TYPE 'm'  /* of the side record; its name is threeDSServerTransID in lower case */

/* As an AReq finds it. */
typedef struct acs_method_t {
    const json_t *members; /* flat, texts; without deviceId */
    const char *device;    /* what stands for deviceId in keys of counters (an HMAC, hex); NULL: none */
} acs_method_t;

/* How much has been kept in this turn of ACSMethodKeep and in the one before: whatever is still in the store is of these two. */
typedef struct acs_method_budget_t {
    apr_uint64_t turn, told; /* told: the turn in which the log was told that it is used up, plus one */
    apr_uint64_t used[2];    /* bytes */
} acs_method_budget_t;

/* Is there such a member, that rules may read? */
int acs_method_member(const char *name);

/* What the server sees of a browser. Any may be NULL, any may be what it likes. */
typedef struct acs_seen_t {
    const char *user_agent, *accept, *accept_language, *ip;
} acs_seen_t;

/* The request of a 3DS Method out of its form field. */
typedef struct acs_method_req_t {
    const char *id;  /* threeDSServerTransID as received */
    const char *url; /* threeDSMethodNotificationURL */
} acs_method_req_t;

/* M-05: base64url with or without padding of an object with both. APR_EINVAL: anything else. */
apr_status_t acs_method_request(acs_method_req_t *req, const char *field, apr_pool_t *pool);

/* What the page collected: a flat object of members that it may tell, each a text of its kind. APR_EINVAL: anything else. */
apr_status_t acs_method_collected(json_t **members, const char *text, apr_pool_t *pool);

/* POST on the endpoint: field is threeDSMethodData, NULL when absent or repeated. */
void acs_run_method(acs_run_t *run, const char *field, const acs_seen_t *seen, acs_answer_t *answer);

/* POST of what the page collected. Answers 204; 400 when it is not what our page sends. */
void acs_run_method_data(acs_run_t *run, const char *token, const char *text, const acs_seen_t *seen, acs_answer_t *answer);

/* ---- for acs_gather.c ------------------------------------------------------ */

/* The read for this AReq (M-06, M-11). APR_ENOENT: no browser. */
apr_status_t acs_method_want(const tds_msg_t *areq, tds_store_read_t *read, apr_pool_t *pool);

/* NULL: none (M-12). */
const acs_method_t *acs_method_take(acs_run_t *run, const tds_store_read_t *read);

/* M-13: from now on what arrives for this AReq's id is ignored. Onto incrs (tds_incr_t). */
void acs_method_shut(acs_run_t *run, const tds_msg_t *areq, apr_array_header_t *incrs);

#endif
