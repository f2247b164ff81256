/* Calls to the issuer's systems: JSON by POST, signed, within a time limit, behind a circuit breaker and a limit of calls under
 * way, each with a fallback of its own. docs/api/issuer.md is what they look like from outside. */
#ifndef ACS_HOOK_H
#define ACS_HOOK_H

#include "tds_breaker.h"
#include "tds_sign.h"
#include "acs_run.h"

/* What is done when the call comes to nothing; OUTCOME: hook->outcome. */
typedef enum acs_fallback_e {
    ACS_FALLBACK_OUTCOME,
    ACS_FALLBACK_RULES, /* go on, its facts are absent */
    ACS_FALLBACK_ERRO,  /* Erro 403 */
    ACS_FALLBACK_AGAIN, /* the page again */
    ACS_FALLBACK_OTP,   /* a code of ours instead */
    ACS_FALLBACK_NONE
} acs_fallback_e;

/* One ACSHook of an issuer. */
typedef struct acs_hook_t {
    acs_hook_e kind;
    const char *url;   /* canonical, without a slash at its end */
    const char *where; /* the directive stands */
    apr_interval_time_t within;
    apr_interval_time_t connect; /* TCP may take, whatever the limit of the call is */
    int max;                /* calls under way in this process; 0: no limit */
    apr_uint32_t under_way; /* now */
    tds_breaker_conf_t breaker_conf;
    tds_breaker_t *breaker; /* shared by all processes; NULL: never opens */
    acs_fallback_e fallback;
    const acs_outcome_t *outcome;
    int pan_index; /* card: the index only */
} acs_hook_t;

/* "card", "risk" ... */
const char *acs_hook_name(acs_hook_e kind);
acs_hook_e acs_hook_find(const char *name); /* ACS_HOOK_COUNT: no such */

/* Read the words of an ACSHook: kind, URL, options. APR_EINVAL: *err says what would be right. */
apr_status_t acs_hook_read(acs_hook_t *hook, const char *const *words, int nwords, apr_pool_t *pool, tds_err_t *err);

/* With the defaults of its kind. */
void acs_hook_init(acs_hook_t *hook, acs_hook_e kind, const char *url);

/* What to ask of it. */
typedef struct acs_ask_t {
    const acs_issuer_t *issuer;
    acs_hook_e kind;
    const char *path;     /* behind the URL: "/start", or NULL */
    const char *id;       /* acsTransID */
    json_t *body;
    apr_time_t deadline;  /* of the whole AReq; 0: the hook's own limit alone */
} acs_ask_t;

/* *answer: the object that came, NULL for an empty answer. APR_ENOENT: "no such" (404, 410), where that is an answer: card,
 * oob/status, cancel. APR_ENOTIMPL: no such hook is configured. Anything else: it came to nothing, and has been logged and
 * counted; take the fallback. */
apr_status_t acs_hook_call(acs_run_t *run, const acs_ask_t *ask, json_t **answer);

/* Would a call be made now, as far as the breaker knows? */
int acs_hook_open(const acs_run_t *run, const acs_issuer_t *issuer, acs_hook_e kind);

/* ---- Bodies --------------------------------------------------------------- */

/* Members that every later hook has: acsTransID, cardholder. Lives until run->pool goes. */
json_t *acs_hook_about(acs_run_t *run, const acs_txn_t *txn);

/* And what the cardholder is to be shown: language, merchantName, amount, currency, exponent, expiresAt. The second one puts
 * it into a body that begins otherwise. */
json_t *acs_hook_display(acs_run_t *run, const acs_txn_t *txn);
void acs_hook_put_display(acs_run_t *run, const acs_txn_t *txn, json_t *doc);

#endif
