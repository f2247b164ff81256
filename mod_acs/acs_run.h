/* Everything a flow of the ACS needs from outside, and the flows. No httpd here: the glue fills an acs_run_t and writes
 * out the acs_answer_t.
 *
 *   bytes -> message -> gather -> decide -> step -> save -> send -> answer
 */
#ifndef ACS_RUN_H
#define ACS_RUN_H

#include "tds_http.h"
#include "tds_log.h"
#include "tds_rand.h"
#include "tds_store.h"
#include "tds_view.h"
#include "acs_card.h"
#include "acs_metrics.h"
#include "acs_conf.h"
#include "acs_txn.h"

/* What the issuer's risk system says, or what stands in for it. */
typedef struct acs_risk_t {
    const char *decision; /* a word of its own vocabulary; NULL: not asked, or no answer */
    const char *score;    /* decimal digits, or NULL */
    const char *reasons;  /* comma separated, or NULL */
} acs_risk_t;

/* Of an assertion that holds: whose it is, and how often that credential has signed (0: it does not count). */
typedef struct acs_spc_seen_t {
    const char *credential;
    unsigned count;
} acs_spc_seen_t;

/* The second AReq of an SPC transaction. */
typedef enum acs_spc_e {
    ACS_SPC_NONE,   /* it is not one */
    ACS_SPC_GOOD,   /* the assertion holds */
    ACS_SPC_BAD,    /* it does not */
    ACS_SPC_ABSENT  /* SPC was not run, cancelled, or timed out (N-12) */
} acs_spc_e;

/* What the decision is made of. Absent: NULL. */
typedef struct acs_facts_t {
    const tds_msg_t *areq;
    const acs_ds_t *ds;
    acs_issuer_t *issuer;
    acs_card_t card;
    acs_risk_t risk;
    const struct acs_method_t *method; /* 3DS Method data stored for this AReq (M-06, M-11); NULL: none (M-12) */
    const struct acs_counts_t *counts; /* values of the counters that the rules of the issuer read */
    const char *ds_url; /* canonical, allowed and reachable; NULL: no challenge is possible */
    apr_time_t now;            /* the counters are as of this time */
    apr_array_header_t *incrs; /* tds_incr_t: what rides with the write of the record; NULL: nothing */
    const char *id;     /* acsTransID */
    const acs_outcome_t *instead; /* the fallback of a hook that came to nothing; NULL: decide */
    const char *listed; /* by the trust list that we keep: Y or N; NULL: not told */
    const acs_txn_t *prior; /* the transaction that this one goes on from: SPC (N-13), decoupled fallback (A-3RI-05) */
    acs_spc_e spc;
    acs_spc_seen_t seen; /* spc GOOD */
    int bad_prior;      /* A-3RI-05: there is none to go on from */
    int no_spc;         /* S is not possible: rules that want it do not match */
} acs_facts_t;

/* What it comes to. */
typedef struct acs_decision_t {
    acs_outcome_t outcome;
    const acs_rule_t *rule; /* that led to it; NULL: none did */
    acs_cha_e cha, other;   /* C: and what the cardholder may take instead; ACS_CHA_COUNT: nothing */
    tds_auth_e how;         /* C, D: announced; Y after SPC */
    apr_interval_time_t limit; /* D: time for it */
} acs_decision_t;

/* The first rule of facts->issuer that matches, or NULL (then: U). */
typedef const acs_rule_t *acs_match_fn(void *baton, const acs_facts_t *facts, apr_pool_t *pool);

/* Is there a <Proxy> block for this URL? */
typedef int acs_reachable_fn(void *baton, const char *url, apr_pool_t *pool);

/* What the transaction log tells of a decision and is in no record; set on the way. */
typedef struct acs_noted_t {
    const char *eci;     /* of ARes or RReq */
    const char *pan_ref; /* the PAN that has left the record */
} acs_noted_t;

/* Who delivers what a step in the background leaves in the outbox. reserve: 1: a thread of this process is ours, for one
 * call of hand, which has it deliver for id (NULL: it is not needed); 0: none is idle. */
typedef struct acs_courier_t {
    int (*reserve)(void);
    void (*hand)(const char *id);
} acs_courier_t;

typedef struct acs_run_t {
    const acs_conf_t *conf;
    tds_store_t *store;
    const tds_keys_t *keys;
    const tds_http_t *http;
    tds_clock_fn *clock;
    void (*nap)(apr_interval_time_t span); /* let time pass */
    tds_clock_fn *mono; /* of intervals: breakers, the deadline of an AReq */
    tds_rand_fn *rnd;
    const tds_log_t *log;
    tds_metric_t *metrics;
    apr_time_t began; /* when the request came in; 0: not known */
    const struct acs_txnlog_t *txnlog; /* NULL: off */
    const char *traceparent;           /* of the request, well formed, or NULL */
    acs_noted_t noted;
    acs_match_fn *match;
    acs_reachable_fn *reachable;
    void *baton; /* of both */
    const acs_courier_t *courier; /* NULL: the delivery lane alone */
    int later; /* a time limit that runs out is not reported by who finds it out (acs_happening_t) */
    const apr_array_header_t *use; /* const char *: sections this endpoint is limited to; NULL: all */
    const acs_ds_t *ds; /* whose certificate the connection bears; NULL: nobody's */
    apr_time_t deadline; /* AReq, of mono: to be answered by then (X-TIME-05); 0: none */
    apr_pool_t *pool;
    tds_err_t *err;
} acs_run_t;

typedef enum acs_body_e { ACS_BODY_NONE, ACS_BODY_JSON, ACS_BODY_PAGE, ACS_BODY_FINAL_PAGE, ACS_BODY_METHOD_PAGE } acs_body_e;

typedef struct acs_answer_t {
    int status;
    acs_body_e kind; /* tells Content-Type and Content-Security-Policy */
    const char *body;
    apr_size_t len;
    const char *nonce; /* of a page */
    const char *request_id, *response_id; /* X-Request-ID, X-Response-ID (X-HTTP-09); NULL: without */
} acs_answer_t;

/* ---- The flows ----------------------------------------------------------- */

/* POST on the areq endpoint: AReq or Erro. */
void acs_run_areq(acs_run_t *run, const char *body, apr_size_t len, acs_answer_t *answer);

/* POST on acsURL: the CReq form of a browser. creq, session_data: fields, NULL when absent or repeated. */
void acs_run_creq(acs_run_t *run, const char *creq, const char *session_data, acs_answer_t *answer);

/* POST of JSON on acsURL: an Erro gets an empty answer, anything else an Erro. */
void acs_run_json(acs_run_t *run, const char *body, apr_size_t len, acs_answer_t *answer);

/* POST of a challenge page's form. */
typedef struct acs_form_t {
    const char *token, *action, *otp;
    const char *assertion;    /* SPC: the credential as JSON */
    const char *trust, *bind; /* boxes: "Y" when ticked */
} acs_form_t;

void acs_run_form(acs_run_t *run, const acs_form_t *form, acs_answer_t *answer);

/* GET of a page by its token: the processing page's reload, and the reload after the time is up. */
void acs_run_page(acs_run_t *run, const char *token, acs_answer_t *answer);

/* Background: id is due in the lane of steps; in that of deliveries. held: it was handed over by who made the step. */
void acs_run_due(acs_run_t *run, const char *id);
void acs_run_delivery(acs_run_t *run, const char *id, int held);

/* ---- Their parts, by file ------------------------------------------------- */

/* acs_save.c. load: see tds_store_load. */
apr_status_t acs_load(acs_run_t *run, const char *id, unsigned version_min, acs_txn_t **ptxn);
/* create: incrs (tds_incr_t; NULL: none) ride with the write. */
apr_status_t acs_create(acs_run_t *run, acs_txn_t *txn, const apr_array_header_t *incrs);
apr_status_t acs_save(acs_run_t *run, acs_txn_t *txn);

/* What happened, now that we know the record? what->event ACS_EV_NONE: nothing. */
typedef apr_status_t acs_judge_fn(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what);

/* Load, let the clock speak (TIMEOUT), judge, step, fill the outbox, save; again when somebody was faster. *ptxn: the
 * record as it stands afterwards; *fx: effects that are ours to carry out (0 when nothing was saved). APR_EACCES:
 * refused, *fx says how. */
apr_status_t acs_run_event(acs_run_t *run, const char *id, unsigned version_min, acs_judge_fn *judge, void *baton,
                           acs_txn_t **ptxn, unsigned *fx);

/* acs_ops.c: an OReq that has passed its check. */
apr_status_t acs_take_oreq(acs_run_t *run, const tds_msg_t *oreq, acs_answer_t *answer);

/* acs_gather.c: the only I/O before the save. */
apr_status_t acs_gather(acs_run_t *run, const tds_msg_t *areq, acs_facts_t *facts);

/* acs_decide.c */
acs_decision_t acs_decide(acs_run_t *run, const acs_facts_t *facts);

/* acs_gather_hooks.c: card, risk, trust list. APR_SUCCESS also when a fallback was taken. */
apr_status_t acs_gather_hooks(acs_run_t *run, acs_facts_t *facts);

/* An AReq without what tells who the cardholder is. Lives until pool goes. */
json_t *acs_redacted(const tds_msg_t *areq, apr_pool_t *pool);

/* acs_prior.c: the transaction that the AReq goes on from; taken, so that it is so once. */
apr_status_t acs_gather_prior(acs_run_t *run, acs_facts_t *facts);

/* The threeDSRequestorAuthenticationInfo that holds an SPC assertion, or NULL. */
const json_t *acs_spc_info(const tds_msg_t *areq);

/* acs_spc.c: are version, issuer and card such that there can be SPC, by whomever? */
int acs_spc_possible(const acs_facts_t *facts);

/* The elements of an ARes S; and: does the assertion of this AReq hold for the prior transaction? */
apr_status_t acs_spc_offer(acs_run_t *run, const acs_facts_t *facts, acs_txn_t *txn, tds_msg_t *ares);
int acs_spc_verify(acs_run_t *run, const acs_facts_t *facts, const acs_txn_t *prior, acs_spc_seen_t *seen);

/* The same within our own challenge frame (N-14). Can it be done for this AReq? What the record keeps for it; a new
 * challenge; what the page's script is given (JSON text); is the assertion that came back right? */
int acs_spc_can(const acs_facts_t *facts);
const char *acs_spc_keys(const acs_card_t *card, apr_pool_t *pool);
apr_status_t acs_spc_challenge(acs_run_t *run, tds_bytes_t *challenge);
const char *acs_spc_request(acs_run_t *run, const acs_issuer_t *issuer, const acs_txn_t *txn);
int acs_spc_right(acs_run_t *run, const acs_txn_t *txn, const char *entry, acs_spc_seen_t *seen);

/* acs_send.c */
void acs_outbox_fill(acs_run_t *run, acs_txn_t *txn);
void acs_outbox_send(acs_run_t *run, acs_txn_t **ptxn);

/* acs_outbox.c: the same for what goes to the issuer. */
void acs_outbox_tell(acs_run_t *run, acs_txn_t **ptxn);

/* errorCode of a received Erro as a log may show it: three digits, or "?". */
const char *acs_erro_code(const tds_msg_t *erro);

/* acs_answer.c: ARes and Erro. decision->outcome becomes U when the authentication value cannot be made. */
apr_status_t acs_ares_make(acs_run_t *run, const acs_facts_t *facts, acs_decision_t *decision, acs_txn_t *txn,
                           const char **bytes, apr_size_t *len);
void acs_answer_erro(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn,
                     acs_answer_t *answer);
apr_status_t acs_erro_bytes(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn,
                            const char **bytes, apr_size_t *len);

/* acs_cha_otp.c */
#define ACS_OTP_MAX 16 /* digits */

/* A new code for txn (in run->pool, wiped with it), and the MAC that goes into the record in its place. */
apr_status_t acs_otp_make(acs_run_t *run, const acs_txn_t *txn, const char **otp, tds_bytes_t *mac);
int acs_otp_right(acs_run_t *run, const acs_txn_t *txn, const char *entry);
apr_status_t acs_otp_deliver(acs_run_t *run, const acs_txn_t *txn, const char *otp);

#endif
