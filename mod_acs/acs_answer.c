/* ARes and Erro: what goes back to a DS. */
#include "acs_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_view.h"
#include "acs_av.h"
#include "acs_log.h"

const char *acs_erro_code(const tds_msg_t *erro)
{
    const char *code = tds_msg_get(erro, TDS_E_ERROR_CODE);

    return code && strlen(code) == 3 && strspn(code, "0123456789") == 3 ? code : "?";
}

apr_status_t acs_erro_bytes(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn,
                            const char **bytes, apr_size_t *len)
{
    tds_erro_t in = {.component = 'A', .err = err, .faulty = faulty, .versions = run->conf->versions};
    tds_err_t own;

    if (txn) {
        in.version = (tds_ver_e)txn->msg_version;
        in.server_trans_id = txn->server_trans_id;
        in.ds_trans_id = txn->ds_trans_id;
        in.acs_trans_id = txn->id;
        in.sdk_trans_id = txn->sdk_trans_id;
    }
    tds_err_init(&own, run->pool);
    acs_metric_erro(run, err->proto);
    acs_log_erro(run, err, faulty, txn);
    return tds_msg_encode(bytes, len, tds_erro_make(&in, run->pool), NULL, run->pool, &own);
}

void acs_answer_erro(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn,
                     acs_answer_t *answer)
{
    *answer = (acs_answer_t){.status = 200, .kind = ACS_BODY_JSON};
    if (acs_erro_bytes(run, err, faulty, txn, &answer->body, &answer->len) != APR_SUCCESS)
        *answer = (acs_answer_t){.status = 500};
}

/* The challenge indicator that I is an answer to. */
static const char *asked(const tds_msg_t *areq)
{
    static const char *const inds[] = {"05", "06", "07"};
    apr_size_t i;

    for (i = 0; i < sizeof inds / sizeof *inds; ++i) {
        const char *const one[] = {inds[i], NULL};

        if (tds_view_asks(areq, one)) return inds[i];
    }
    return NULL;
}

/* Eci and value of the outcome; who cannot make a value says U (A-ARES-03). */
static const acs_outcome_t *with_value(acs_run_t *run, const acs_facts_t *facts, const acs_decision_t *d, const acs_txn_t *txn,
                                       acs_av_out_t *out)
{
    const acs_outcome_t *no_value = acs_case_outcome(facts->ds, ACS_CASE_FAULT);
    acs_av_in_t in = {.pan = tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER),
                      .trans_status = d->outcome.trans_status,
                      .category = tds_msg_get(facts->areq, TDS_E_MESSAGE_CATEGORY),
                      .asked = asked(facts->areq),
                      .ds_trans_id = txn->ds_trans_id,
                      .acs_trans_id = txn->id,
                      .amount = txn->amount,
                      .currency = txn->currency,
                      .merchant = tds_msg_get(facts->areq, TDS_E_MERCHANT_NAME),
                      .version = facts->areq->version,
                      .npa = facts->ds->value_in_npa,
                      .stand_in = facts->instead != NULL,
                      .challenged = d->how == TDS_AUTH_SPC,
                      .how = d->how,
                      .now = run->clock(),
                      .rnd = run->rnd};
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (acs_av_outcome(facts->issuer, &in, out, run->pool, &err) == APR_SUCCESS) return &d->outcome;
    tds_log(run->log, TDS_LOG_ERR, "ACS0050", txn->id, "no authentication value: %s", err.detail ? err.detail : "");
    in.trans_status = no_value->trans_status;
    (void)acs_av_outcome(facts->issuer, &in, out, run->pool, NULL);
    return no_value;
}

static void set_challenge(acs_run_t *run, tds_msg_t *ares, const acs_facts_t *facts, const acs_decision_t *d)
{
    tds_msg_set(ares, TDS_E_ACS_URL, run->conf->challenge_url);
    tds_msg_set(ares, TDS_E_ACS_CHALLENGE_MANDATED, facts->issuer->challenge_mandated ? "Y" : "N");
    tds_view_set_auth(ares, d->how);
}

/* A-ARES-07 */
static void set_decoupled(tds_msg_t *ares, const acs_facts_t *facts)
{
    tds_msg_set(ares, TDS_E_ACS_DEC_CON_IND, "Y");
    tds_msg_set(ares, TDS_E_ACS_CHALLENGE_MANDATED, facts->issuer->challenge_mandated ? "Y" : "N");
    tds_view_set_auth(ares, TDS_AUTH_DECOUPLED);
    tds_view_set_cardholder_info(ares, facts->issuer->decoupled_text);
}

/* A-ARES-11: what the issuer has told, with us as the source. */
static void set_statuses(tds_msg_t *ares, const acs_card_t *card)
{
    tds_listing_t listing = {.status = card->trust_status, .source = "03"};

    if (card->trust_status) (void)tds_view_set_trust_list(ares, &listing);
    if (ares->version < TDS_V231) return;
    tds_msg_set(ares, TDS_E_DEVICE_BINDING_STATUS, card->device_binding);
    tds_msg_set(ares, TDS_E_DEVICE_BINDING_STATUS_SOURCE, card->device_binding ? "03" : NULL);
    tds_msg_set(ares, TDS_E_CARD_SECURITY_CODE_STATUS, card->csc_status);
    tds_msg_set(ares, TDS_E_CARD_SECURITY_CODE_STATUS_SOURCE, card->csc_status ? "02" : NULL);
}

/* A-ARES-01. The device data is recognised up to the newest version published; our pages return to no app by URL. */
static void set_app(tds_msg_t *ares, const tds_msg_t *areq)
{
    if (areq->channel != TDS_CHANNEL_APP || ares->version < TDS_V231) return;
    tds_msg_set(ares, TDS_E_DEVICE_INFO_RECOGNISED_VERSION, "1.6");
    tds_msg_set(ares, TDS_E_THREE_DS_REQUESTOR_APP_URL_IND, "N");
}

/* A reason that came with a later version is to an earlier one a failed authentication (N) or an invalid transaction. */
static const char *reason_in(tds_ver_e version, const acs_outcome_t *outcome)
{
    if (!outcome->reason || acs_reason_known(version, outcome->reason)) return outcome->reason;
    return *outcome->trans_status == 'N' ? "01" : "07";
}

static void copy_ids(tds_msg_t *ares, const tds_msg_t *areq, const acs_txn_t *txn)
{
    tds_msg_copy(ares, areq, TDS_E_THREE_DS_SERVER_TRANS_ID);
    tds_msg_copy(ares, areq, TDS_E_DS_TRANS_ID);
    tds_msg_copy(ares, areq, TDS_E_DS_REFERENCE_NUMBER);
    tds_msg_copy(ares, areq, TDS_E_SDK_TRANS_ID);
    tds_msg_set(ares, TDS_E_ACS_TRANS_ID, txn->id);
}

static const char *operator_id(acs_run_t *run)
{
    return run->ds->operator_id ? run->ds->operator_id : run->conf->operator_id;
}

#define PRIOR_MAX 32

/* A-ARES-12: the shop has to show it. */
static void set_info(tds_msg_t *ares, const acs_issuer_t *issuer, const char *status)
{
    const char *at = strchr(ACS_INFO_STATUSES, *status);

    if (at) tds_view_set_cardholder_info(ares, issuer->infos[at - ACS_INFO_STATUSES]);
}

static apr_status_t set_outcome(acs_run_t *run, tds_msg_t *ares, const acs_facts_t *facts, const acs_decision_t *d,
                                acs_txn_t *txn)
{
    tds_msg_set(ares, TDS_E_TRANS_STATUS, d->outcome.trans_status);
    tds_msg_set(ares, TDS_E_TRANS_STATUS_REASON, d->outcome.reason);
    set_info(ares, facts->issuer, d->outcome.trans_status);
    if (*d->outcome.trans_status == 'C') set_challenge(run, ares, facts, d);
    if (*d->outcome.trans_status == 'D') set_decoupled(ares, facts);
    return *d->outcome.trans_status == 'S' ? acs_spc_offer(run, facts, txn, ares) : APR_SUCCESS;
}

apr_status_t acs_ares_make(acs_run_t *run, const acs_facts_t *facts, acs_decision_t *decision, acs_txn_t *txn,
                           const char **bytes, apr_size_t *len)
{
    tds_msg_t *ares = tds_msg_make(TDS_MSG_ARES, facts->areq->version, run->pool);
    tds_prior_t prior[PRIOR_MAX];
    tds_msg_rules_t rules = {.prior = prior, .nprior = tds_msg_prior(facts->areq, prior, PRIOR_MAX), .leg = TDS_LEG_ACS_DS};
    acs_av_out_t out;
    apr_status_t rv;

    if (facts->ds->informational && rules.nprior < PRIOR_MAX) /* I unasked: as if by an indicator of the DS's own */
        prior[rules.nprior++] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND, "80"};
    decision->outcome = *with_value(run, facts, decision, txn, &out);
    decision->outcome.reason = reason_in(ares->version, &decision->outcome);
    run->noted.eci = out.eci;
    copy_ids(ares, facts->areq, txn);
    tds_msg_set(ares, TDS_E_ACS_REFERENCE_NUMBER, run->conf->reference_number);
    tds_msg_set(ares, TDS_E_ACS_OPERATOR_ID, operator_id(run));
    if ((rv = set_outcome(run, ares, facts, decision, txn)) != APR_SUCCESS) return rv;
    if (facts->ds->eci_in_ares) tds_msg_set(ares, TDS_E_ECI, out.eci);
    tds_msg_set(ares, TDS_E_AUTHENTICATION_VALUE, out.value);
    set_app(ares, facts->areq);
    set_statuses(ares, &facts->card);
    return tds_msg_encode(bytes, len, ares, &rules, run->pool, run->err);
}
