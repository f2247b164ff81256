/* The outbox: what must leave is part of the record, made once and always the same bytes. */
#include "acs_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_point.h"
#include "tds_view.h"
#include "acs_av.h"
#include "acs_log.h"

#define ERRO_TRIES_MAX 3

/* ---- making the RReq ----------------------------------------------------- */

/* Eci and value of the end as it stands. */
static apr_status_t set_value(acs_run_t *run, const acs_txn_t *txn, const acs_issuer_t *issuer, acs_av_out_t *out)
{
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);
    acs_av_in_t in = {.pan = txn->pan,
                      .trans_status = acs_end_status((acs_end_e)txn->end),
                      .category = txn->category,
                      .ds_trans_id = txn->ds_trans_id,
                      .acs_trans_id = txn->id,
                      .amount = txn->amount,
                      .currency = txn->currency,
                      .merchant = txn->merchant,
                      .version = (tds_ver_e)txn->msg_version,
                      .npa = ds && ds->value_in_npa,
                      .challenged = 1,
                      .how = (tds_auth_e)txn->how,
                      .now = run->clock(),
                      .rnd = run->rnd};
    tds_err_t err;
    apr_status_t rv;

    tds_err_init(&err, run->pool);
    rv = acs_av_outcome(issuer, &in, out, run->pool, &err);
    if (rv != APR_SUCCESS)
        tds_log(run->log, TDS_LOG_ERR, "ACS0050", txn->id, "no authentication value: %s", err.detail ? err.detail : "");
    return rv;
}

/* R-17: what was announced is repeated with Y and N. Up to 2.2.0 the DS may want the method as well. */
static void set_method(tds_msg_t *rreq, const acs_txn_t *txn, const acs_ds_t *ds, const char *status)
{
    tds_auth_e how = txn->trans_status && *txn->trans_status == 'S' ? TDS_AUTH_SPC : (tds_auth_e)txn->how;

    if (strcmp(status, "Y") && strcmp(status, "N")) return;
    tds_view_set_auth(rreq, how);
    if (ds && ds->method_to_ds) tds_view_set_method_code(rreq, how);
}

/* P-15, N-20: what the cardholder answered, with us as the source. Who has not been authenticated has answered nothing. */
static void set_consents(tds_msg_t *rreq, const acs_txn_t *txn)
{
    tds_listing_t listing = {.status = txn->trust && *txn->trust == 'Y' ? "Y" : "R", .source = "03"};

    if (txn->end != ACS_END_OK) return;
    if (txn->trust) (void)tds_view_set_trust_list(rreq, &listing);
    if (!txn->bind || rreq->version < TDS_V231) return;
    tds_msg_set(rreq, TDS_E_DEVICE_BINDING_STATUS, *txn->bind == 'Y' ? "14" : "04");
    tds_msg_set(rreq, TDS_E_DEVICE_BINDING_STATUS_SOURCE, "03");
}

/* R-06: the Erro that went to the requestor, from 2.3.1 on. */
static void set_error_report(acs_run_t *run, tds_msg_t *rreq, const acs_txn_t *txn)
{
    json_t *erro;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (rreq->version < TDS_V231 || !txn->erro.len) return;
    if (tds_json_parse(&erro, (const char *)txn->erro.data, txn->erro.len, run->pool, &err) == APR_SUCCESS)
        tds_msg_set_json(rreq, TDS_E_CHALLENGE_ERROR_REPORTING, json_incref(erro));
}

static tds_msg_t *rreq_make(acs_run_t *run, const acs_txn_t *txn, const acs_av_out_t *out)
{
    tds_msg_t *m = tds_msg_make(TDS_MSG_RREQ, (tds_ver_e)txn->msg_version, run->pool);
    acs_end_e end = (acs_end_e)txn->end;
    const char *status = acs_end_status(end);
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);
    int decoupled = *txn->trans_status == 'D';

    tds_msg_set(m, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->server_trans_id);
    tds_msg_set(m, TDS_E_DS_TRANS_ID, txn->ds_trans_id);
    tds_msg_set(m, TDS_E_ACS_TRANS_ID, txn->id);
    if (m->version >= TDS_V220) tds_msg_set(m, TDS_E_SDK_TRANS_ID, txn->sdk_trans_id);
    tds_msg_set(m, TDS_E_MESSAGE_CATEGORY, txn->category);
    tds_msg_set(m, TDS_E_TRANS_STATUS, status);
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, acs_end_reason(end, m->version));
    tds_msg_set(m, TDS_E_CHALLENGE_CANCEL, acs_end_cancel(end, m->version));
    if (!decoupled) tds_msg_set(m, TDS_E_INTERACTION_COUNTER, apr_psprintf(run->pool, "%02u", txn->interactions));
    tds_msg_set(m, TDS_E_AUTHENTICATION_VALUE, out->value);
    if (!ds || ds->eci_in_rreq) tds_msg_set(m, TDS_E_ECI, out->eci);
    set_method(m, txn, ds, status);
    set_consents(m, txn);
    set_error_report(run, m, txn);
    return m;
}

static apr_status_t encode_rreq(acs_run_t *run, acs_txn_t *txn, const acs_av_out_t *out)
{
    tds_prior_t prior[ACS_PRIOR_MAX];
    tds_msg_rules_t rules = {.prior = prior, .nprior = acs_txn_prior(txn, prior), .leg = TDS_LEG_ACS_DS};
    const char *bytes;
    apr_size_t len;
    tds_err_t err;
    apr_status_t rv;

    tds_err_init(&err, run->pool);
    rv = tds_msg_encode(&bytes, &len, rreq_make(run, txn, out), &rules, run->pool, &err);
    if (rv == APR_SUCCESS) txn->out_body = TDS_BYTES(bytes, len);
    else
        tds_log(run->log, TDS_LOG_ERR, "ACS0070", txn->id, "RReq is not fit to be sent: %d %s", err.proto,
                err.elements ? err.elements : "");
    return rv;
}

/* Never an invalid message, and never a transaction that cannot end: what is not fit to be sent becomes the U of a
 * fault of ours, and if not even that can be sent, the transaction closes without a report. */
void acs_outbox_fill(acs_run_t *run, acs_txn_t *txn)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, txn->issuer);
    acs_av_out_t out;

    if (set_value(run, txn, issuer, &out) != APR_SUCCESS) {
        txn->end = ACS_END_FAULT; /* U, never a made-up value */
        (void)set_value(run, txn, issuer, &out);
    }
    run->noted = (acs_noted_t){.eci = out.eci, .pan_ref = acs_log_pan_ref(run, txn->pan)};
    txn->pan = NULL;
    if (encode_rreq(run, txn, &out) == APR_SUCCESS) return;
    run->noted.eci = NULL;
    txn->end = ACS_END_FAULT;
    if (encode_rreq(run, txn, &(acs_av_out_t){NULL, NULL}) == APR_SUCCESS) return;
    txn->outbox = ACS_OUT_NONE;
    txn->out_due = 0;
    txn->state = ACS_ST_FINAL;
}

/* ---- sending ------------------------------------------------------------- */

/* What an attempt to empty the outbox came to. */
typedef struct report_t {
    acs_outbox_e kind; /* what was sent */
    acs_happening_t what;
} report_t;

static void bad_rres(acs_run_t *run, const acs_txn_t *txn, const tds_err_t *err, const tds_msg_t *rres, report_t *report)
{
    const char *bytes;
    apr_size_t len;

    report->what.event = ACS_EV_UNANSWERED;
    tds_log(run->log, TDS_LOG_WARNING, "ACS0071", txn->id, "RRes: Erro %d %s: %s", err->proto,
            err->elements ? err->elements : "-", err->detail ? err->detail : "");
    if (acs_erro_bytes(run, err, rres, txn, &bytes, &len) == APR_SUCCESS) report->what.erro = TDS_BYTES(bytes, len);
}

/* R-33. The ids must be those of the RReq. */
static void judge_rres(acs_run_t *run, const acs_txn_t *txn, const tds_http_resp_t *resp, report_t *report)
{
    tds_prior_t prior[ACS_PRIOR_MAX];
    tds_prior_t ids[] = {{TDS_MSG_NONE, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->server_trans_id},
                         {TDS_MSG_NONE, TDS_E_DS_TRANS_ID, txn->ds_trans_id},
                         {TDS_MSG_NONE, TDS_E_ACS_TRANS_ID, txn->id},
                         {TDS_MSG_NONE, TDS_E_SDK_TRANS_ID, txn->sdk_trans_id}}; /* not there: not compared */
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_RRES) | TDS_MSG_BIT(TDS_MSG_ERRO),
                             .version_must = (tds_ver_e)txn->msg_version,
                             .prior = prior,
                             .nprior = acs_txn_prior(txn, prior),
                             .leg = TDS_LEG_DS_ACS};
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);
    tds_msg_t *rres = NULL;
    tds_err_t err;
    apr_status_t rv;

    tds_err_init(&err, run->pool);
    if (ds) tds_profile_apply(&ds->profile, &rules);
    rv = tds_msg_open(&rres, resp->body, resp->len, &rules, run->pool, &err);
    if (rres && rres->type == TDS_MSG_ERRO) { /* R-30; 301 and 312 to a repeat: it had been delivered */
        tds_log(run->log, TDS_LOG_WARNING, "ACS0072", txn->id, "Erro %s instead of an RRes", acs_erro_code(rres));
        tds_metric_add(run->metrics, ACS_M_RREQ_ERRO, 1);
        report->what.event = ACS_EV_REPORTED;
        return;
    }
    if (!rres && resp->status != 200) {
        tds_err_clear(&err);
        rv = TDS_FAIL(&err, APR_EINVAL, 101, tds_http_came(resp, run->pool), "not JSON");
    }
    if (rv == APR_SUCCESS) rv = tds_msg_check(rres, &rules, &err);
    if (rv == APR_SUCCESS) rv = tds_msg_match(rres, ids, sizeof ids / sizeof *ids, 301, &err);
    tds_metric_add(run->metrics, rv == APR_SUCCESS ? ACS_M_RREQ_OK : ACS_M_RREQ_BAD, 1);
    if (rv == APR_SUCCESS) report->what.event = ACS_EV_REPORTED;
    else bad_rres(run, txn, &err, rres, report);
}

static void judge_answer(acs_run_t *run, const acs_txn_t *txn, const tds_http_resp_t *resp, report_t *report)
{
    tds_err_t err;

    if (!tds_http_sent(resp->result)) {
        tds_metric_add(run->metrics, ACS_M_RREQ_UNREACHED, 1);
        report->what.event = txn->outbox == ACS_OUT_ERRO && txn->out_tries + 1 >= ERRO_TRIES_MAX ? ACS_EV_GIVEN_UP
                                                                                                : ACS_EV_UNREACHED;
    }
    else if (txn->outbox == ACS_OUT_ERRO) report->what.event = ACS_EV_REPORTED;
    else if (resp->result == TDS_HTTP_OK && resp->len) judge_rres(run, txn, resp, report);
    else {
        tds_metric_add(run->metrics, ACS_M_RREQ_SILENT, 1);
        tds_err_init(&err, run->pool);
        (void)TDS_FAIL(&err, APR_TIMEUP, resp->result == TDS_HTTP_OK ? 101 : 402,
                       resp->result == TDS_HTTP_OK ? tds_http_came(resp, run->pool) : NULL, "no RRes: %s",
                       tds_http_came(resp, run->pool));
        bad_rres(run, txn, &err, NULL, report);
    }
}

static void count_call(acs_run_t *run, const acs_txn_t *txn, apr_interval_time_t took)
{
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);

    if (ds && txn->outbox == ACS_OUT_RREQ) acs_metric_time(run, ACS_H_RREQ, ds->number, took);
}

static void post(acs_run_t *run, const acs_txn_t *txn, tds_http_resp_t *resp)
{
    tds_http_header_t trace[] = {{"X-Request-ID", txn->id}, {NULL, NULL}};
    tds_http_req_t req = {.method = "POST",
                          .url = txn->ds_url,
                          .type = "application/json; charset=utf-8",
                          .headers = txn->msg_version >= TDS_V231 ? trace : NULL, /* X-HTTP-09 */
                          .body = txn->out_body.data,
                          .len = txn->out_body.len,
                          .read_timeout = run->conf->rres_timeout};

    run->http->call(run->http->baton, &req, resp, run->pool);
    /* R-31: retry at once, unless the first try (a hang in TLS, say) has used up the time the lease gives. */
    if (!tds_http_sent(resp->result) && resp->result != TDS_HTTP_CONFIG &&
        2 * resp->took + run->conf->rres_timeout <= run->conf->lease)
        run->http->call(run->http->baton, &req, resp, run->pool);
    count_call(run, txn, resp->took);
    if (!tds_http_sent(resp->result))
        tds_log(run->log, TDS_LOG_WARNING, "ACS0073", txn->id, "%s could not be sent to the DS: %s",
                txn->outbox == ACS_OUT_RREQ ? "RReq" : "Erro", tds_http_result_text(resp->result));
}

static apr_status_t report_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    report_t *report = baton;
    apr_time_t now = what->now;

    if (txn->outbox != report->kind) return APR_SUCCESS; /* somebody else has settled it */
    if (report->what.event == ACS_EV_UNREACHED && now >= txn->out_until) report->what.event = ACS_EV_GIVEN_UP;
    *what = report->what;
    what->now = now;
    return APR_SUCCESS;
}

void acs_outbox_send(acs_run_t *run, acs_txn_t **ptxn)
{
    report_t report = {.kind = (acs_outbox_e)(*ptxn)->outbox};
    tds_http_resp_t resp;
    acs_txn_t *txn;
    unsigned fx;

    if (report.kind > ACS_OUT_ERRO) acs_outbox_tell(run, ptxn);
    if (report.kind > ACS_OUT_ERRO || report.kind == ACS_OUT_NONE || !(*ptxn)->ds_url) return;
    post(run, *ptxn, &resp);
    tds_point("acs.rreq_sent");
    judge_answer(run, *ptxn, &resp, &report);
    if (acs_run_event(run, (*ptxn)->id, 0, report_judge, &report, &txn, &fx) == APR_SUCCESS) *ptxn = txn;
    if (report.what.event == ACS_EV_GIVEN_UP) {
        tds_metric_add(run->metrics, ACS_M_RREQ_GIVEN_UP, 1);
        tds_log(run->log, TDS_LOG_ERR, "ACS0074", (*ptxn)->id, "given up: the DS could not be reached");
    }
}
