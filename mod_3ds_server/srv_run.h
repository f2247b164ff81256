/* Everything a flow of the 3DS Server needs from outside, and the flows. No httpd here: the glue fills a srv_run_t and
 * writes out the srv_answer_t.
 *
 *   request -> gather -> decide -> step -> save -> send -> answer
 */
#ifndef SRV_RUN_H
#define SRV_RUN_H

#include "tds_http.h"
#include "tds_log.h"
#include "tds_rand.h"
#include "tds_store.h"
#include "srv_conf.h"
#include "srv_metrics.h"
#include "srv_ranges.h"
#include "srv_txn.h"

/* Waiting for somebody else's step. enter: 0 when too many wait already; pause: 0 when waiting must end. nap: a short while
 * before something that has to be tried again, come what may. */
typedef struct srv_wait_t {
    int (*enter)(void *baton);
    int (*pause)(void *baton, apr_interval_time_t span);
    void (*leave)(void *baton);
    void (*nap)(void *baton, apr_interval_time_t span);
    void *baton;
} srv_wait_t;

typedef struct srv_run_t {
    const srv_conf_t *conf;
    tds_store_t *store;
    const tds_keys_t *keys;
    const tds_http_t *http;
    tds_clock_fn *clock;
    tds_clock_fn *mono; /* of intervals: long polls */
    tds_rand_fn *rnd;
    const tds_log_t *log;
    tds_metric_t *metrics;
    const srv_wait_t *wait;
    const srv_ds_t *ds;               /* whose certificate the connection bears; NULL: nobody's */
    const srv_requestor_t *requestor; /* who calls; NULL: nobody known */
    apr_pool_t *pool;
    tds_err_t *err;
} srv_run_t;

typedef enum srv_body_e { SRV_BODY_NONE, SRV_BODY_JSON, SRV_BODY_PAGE, SRV_BODY_FORM_PAGE } srv_body_e;

typedef struct srv_answer_t {
    int status;
    srv_body_e kind; /* tells Content-Type and Content-Security-Policy */
    const char *body;
    apr_size_t len;
    const char *nonce;        /* of a page */
    const char *request_id, *response_id; /* X-Request-ID, X-Response-ID (X-HTTP-09); NULL: without */
} srv_answer_t;

/* ---- The flows ----------------------------------------------------------- */

/* The requestor API. type: Content-Type or NULL; key: Idempotency-Key or NULL; wait: seconds or 0. */
void srv_run_versioning(srv_run_t *run, const char *body, apr_size_t len, const char *type, srv_answer_t *answer);
void srv_run_create(srv_run_t *run, const char *body, apr_size_t len, const char *type, const char *key,
                    srv_answer_t *answer);
void srv_run_authenticate(srv_run_t *run, const char *id, const char *body, apr_size_t len, const char *type,
                          srv_answer_t *answer);
void srv_run_get(srv_run_t *run, const char *id, int wait, srv_answer_t *answer);
void srv_run_cancel(srv_run_t *run, const char *id, srv_answer_t *answer);
void srv_run_acknowledge(srv_run_t *run, const char *id, srv_answer_t *answer);
void srv_run_unauthorized(srv_run_t *run, srv_answer_t *answer);

/* POST on the results endpoint: RReq or Erro. */
void srv_run_results(srv_run_t *run, const char *body, apr_size_t len, srv_answer_t *answer);

/* POST on notificationURL. message: the field that carries CRes or Erro, NULL when absent or repeated. */
void srv_run_notify(srv_run_t *run, const char *message, srv_answer_t *answer);

/* GET of the hosted challenge page by its token. */
void srv_run_challenge(srv_run_t *run, const char *token, srv_answer_t *answer);

/* srv_ops.c: an OReq that has passed its check. */
apr_status_t srv_take_oreq(srv_run_t *run, const tds_msg_t *oreq, srv_answer_t *answer);

/* Background: id is due in the lane of steps; in that of deliveries. */
void srv_run_due(srv_run_t *run, const char *id);
void srv_run_delivery(srv_run_t *run, const char *id);

/* ---- Their parts, by file ------------------------------------------------- */

/* srv_save.c. load: see tds_store_load. */
apr_status_t srv_load(srv_run_t *run, const char *id, unsigned version_min, srv_txn_t **ptxn);
apr_status_t srv_create(srv_run_t *run, srv_txn_t *txn);
apr_status_t srv_save(srv_run_t *run, srv_txn_t *txn);

/* What happened, now that we know the record? what->event SRV_EV_NONE: nothing. */
typedef apr_status_t srv_judge_fn(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what);

/* Load, let the clock speak (TIMEOUT), judge, step, save; again when somebody was faster. *ptxn: the record as it stands
 * afterwards; *fx: effects that are ours to carry out (0 when nothing was saved). APR_EACCES: refused, *fx says how. */
apr_status_t srv_run_event(srv_run_t *run, const char *id, unsigned version_min, srv_judge_fn *judge, void *baton,
                           srv_txn_t **ptxn, unsigned *fx);

/* srv_gather.c: what a new transaction starts from. APR_BADARG: the requestor's fault. */
typedef struct srv_facts_t {
    const char *pan, *channel, *category, *return_url;
    const srv_ds_t *ds;
    unsigned versions; /* common to ACS, DS and us */
} srv_facts_t;

apr_status_t srv_gather(srv_run_t *run, const json_t *root, srv_facts_t *facts);
apr_status_t srv_gather_card(srv_run_t *run, const json_t *root, srv_facts_t *facts);

/* Parse a request of the API. APR_BADARG; *status gets 400 or 415. */
apr_status_t srv_gather_json(srv_run_t *run, const char *body, apr_size_t len, const char *type, json_t **root, int *status);

/* One more member name in a comma separated list (names may be NULL); what does not look like a name becomes "unknown". */
const char *srv_add_name(const char *names, const char *name, apr_pool_t *pool);

/* srv_areq.c: the AReq of txn with what the requestor gives. APR_BADARG: the requestor's fault. */
typedef struct srv_areq_t {
    const char *bytes;
    apr_size_t len;
    const char *window_size, *prior;
} srv_areq_t;

apr_status_t srv_areq_make(srv_run_t *run, const srv_txn_t *txn, const json_t *root, srv_areq_t *areq);

/* srv_decide.c: what messages mean. No I/O, no clock. */
void srv_decide_ares(srv_run_t *run, const srv_txn_t *txn, const tds_http_resp_t *resp, srv_happening_t *what);

/* Of a received Erro: its code when that is three digits, else NULL; and all of it as the requestor is told, cut to what may
 * be stored. */
const char *srv_decide_erro_code(const tds_msg_t *erro);
const char *srv_decide_erro(srv_run_t *run, const tds_msg_t *erro, const char *from);
const char *srv_decide_results_status(const srv_txn_t *txn, const tds_msg_t *rreq);

/* Does the final CRes agree with the result? */
int srv_decide_agrees(const srv_txn_t *txn, const char *cres_status, apr_pool_t *pool);

/* What of a message goes to the requestor, without the authentication value, as JSON. */
const char *srv_decide_told(const tds_msg_t *msg, apr_pool_t *pool);

/* srv_send.c */
apr_interval_time_t srv_send_limit(const srv_ds_t *ds);
void srv_send_areq(srv_run_t *run, const srv_txn_t *txn, const srv_areq_t *areq, tds_http_resp_t *resp);
void srv_send_erro(srv_run_t *run, srv_txn_t **ptxn);

/* srv_wait.c: re-read the record until it is in another state than the one given, or the time is over, or waiting is not
 * possible (*ptxn then is what it was). */
apr_status_t srv_wait_change(srv_run_t *run, srv_txn_t **ptxn, apr_interval_time_t span);

/* srv_answer.c */
const char *srv_error_text(srv_run_t *run, const char *code, const char *component, const char *description,
                           const char *detail);
const char *srv_error_of(srv_run_t *run, const tds_err_t *err);
void srv_answer_fault(srv_run_t *run, int status, srv_answer_t *answer);
void srv_answer_txn(srv_run_t *run, const srv_txn_t *txn, int status, srv_answer_t *answer);
void srv_answer_created(srv_run_t *run, const srv_txn_t *txn, srv_answer_t *answer);
void srv_answer_json(srv_run_t *run, int status, const json_t *doc, srv_answer_t *answer);
apr_status_t srv_erro_bytes(srv_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const srv_txn_t *txn,
                            const char **bytes, apr_size_t *len);
void srv_answer_erro(srv_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const srv_txn_t *txn,
                     srv_answer_t *answer);
apr_status_t srv_answer_rres(srv_run_t *run, const srv_txn_t *txn, srv_answer_t *answer);
const char *srv_creq_make(srv_run_t *run, const srv_txn_t *txn);
const char *srv_browser_token(srv_run_t *run, const srv_txn_t *txn);

#define SRV_TOKEN_LABEL "browser"

#endif
