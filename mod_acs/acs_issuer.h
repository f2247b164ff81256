/* Calls of the issuer's systems to us: results, look-up, trust list. docs/api/issuer.md is what they look like from outside. */
#ifndef ACS_ISSUER_H
#define ACS_ISSUER_H

#include "acs_run.h"
#include "tds_sign.h"

typedef struct acs_call_t {
    const char *issuer, *signature; /* headers; NULL: absent */
    tds_signed_t what;
} acs_call_t;

/* Who calls? APR_EACCES: nobody we know, not signed, or wrongly; answered with 401. */
apr_status_t acs_issuer_check(acs_run_t *run, const acs_call_t *call, const acs_issuer_t **issuer, acs_answer_t *answer);

/* POST /oob/{id}, /decoupled/{id}: a result. */
void acs_issuer_result(acs_run_t *run, const acs_issuer_t *issuer, const char *id, int decoupled, const acs_call_t *call,
                       acs_answer_t *answer);

/* GET /transactions/{id} */
void acs_issuer_look(acs_run_t *run, const acs_issuer_t *issuer, const char *id, acs_answer_t *answer);

/* GET and POST /trust/{cardIndex}, POST /trust/{cardIndex}/remove */
void acs_issuer_trust_list(acs_run_t *run, const acs_issuer_t *issuer, const char *index, acs_answer_t *answer);
void acs_issuer_trust_change(acs_run_t *run, const acs_issuer_t *issuer, const char *index, int on, const acs_call_t *call,
                             acs_answer_t *answer);

#endif
