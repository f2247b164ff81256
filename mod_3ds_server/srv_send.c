/* What leaves: the AReq, once; and an Erro about its answer, from the outbox. */
#include "srv_run.h"

#include "tds_point.h"

#define ERRO_TRIES_MAX 3
#define SLACK          apr_time_from_sec(2)
#define ERRO_TIMEOUT   apr_time_from_sec(5)
#define ARES_MAX       (512 * 1024)

/* Two connects, with TLS, and one wait for the answer; whoever has not saved what came of it by then is gone. */
apr_interval_time_t srv_send_limit(const srv_ds_t *ds)
{
    return 2 * ds->connect_timeout + ds->ares_timeout + SLACK;
}

void srv_send_areq(srv_run_t *run, const srv_txn_t *txn, const srv_areq_t *areq, tds_http_resp_t *resp)
{
    const srv_ds_t *ds = srv_ds_by_name(run->conf, txn->ds);
    tds_http_header_t trace[] = {{"X-Request-ID", txn->id}, {NULL, NULL}};
    tds_http_req_t req = {.method = "POST",
                          .url = ds->url,
                          .type = "application/json; charset=utf-8",
                          .headers = txn->msg_version >= TDS_V231 ? trace : NULL, /* X-HTTP-09 */
                          .body = areq->bytes,
                          .len = areq->len,
                          .read_timeout = ds->ares_timeout,
                          .resp_max = ARES_MAX,
                          .once = 1}; /* S-35 */

    run->http->call(run->http->baton, &req, resp, run->pool);
    if (!tds_http_sent(resp->result) && resp->result != TDS_HTTP_CONFIG)
        run->http->call(run->http->baton, &req, resp, run->pool); /* X-TIME-01: nothing had left */
    tds_point("srv.areq_sent");
}

typedef struct sent_t {
    srv_event_e event;
} sent_t;

static apr_status_t sent_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    const sent_t *sent = baton;

    if (txn->out_body.len) what->event = sent->event; /* else somebody else has settled it */
    return APR_SUCCESS;
}

void srv_send_erro(srv_run_t *run, srv_txn_t **ptxn)
{
    const srv_ds_t *ds = srv_ds_by_name(run->conf, (*ptxn)->ds);
    tds_http_req_t req = {.method = "POST",
                          .url = ds ? ds->url : NULL,
                          .type = "application/json; charset=utf-8",
                          .body = (*ptxn)->out_body.data,
                          .len = (*ptxn)->out_body.len,
                          .read_timeout = ERRO_TIMEOUT};
    tds_http_resp_t resp = {.result = TDS_HTTP_CONFIG};
    sent_t sent = {.event = SRV_EV_SENT};
    srv_txn_t *txn;
    unsigned fx;

    if (!(*ptxn)->out_body.len) return;
    if (ds) run->http->call(run->http->baton, &req, &resp, run->pool);
    if (!tds_http_sent(resp.result)) {
        tds_log(run->log, TDS_LOG_WARNING, "SRV0040", (*ptxn)->id, "Erro could not be sent to the DS: %s",
                tds_http_result_text(resp.result));
        sent.event = (*ptxn)->out_tries + 1 >= ERRO_TRIES_MAX ? SRV_EV_GIVEN_UP : SRV_EV_UNSENT;
    }
    if (sent.event != SRV_EV_UNSENT)
        tds_metric_add(run->metrics, sent.event == SRV_EV_SENT ? SRV_M_ERRO_OUT : SRV_M_ERRO_GIVEN_UP, 1);
    if (srv_run_event(run, (*ptxn)->id, 0, sent_judge, &sent, &txn, &fx) == APR_SUCCESS) *ptxn = txn;
}
