#include "acs_log.h"
#include "acs_cha.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_json.h"
#include "tds_mask.h"

/* ---- time ------------------------------------------------------------------ */

const char *acs_log_time(apr_time_t t, apr_pool_t *pool)
{
    const char *iso = tds_time_iso(t, pool);

    return apr_psprintf(pool, "%.19s.%03dZ", iso, (int)(apr_time_usec(t) / 1000));
}

static int digits(const char *text, int n)
{
    return (int)strspn(text, "0123456789") >= n;
}

apr_time_t acs_log_time_read(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    char compact[15];
    apr_time_t t;
    int i, n = 0;

    if (!text || strlen(text) < sizeof form) return 0;
    for (i = 0; form[i]; ++i) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return 0;
        if (form[i] == 'd') compact[n++] = text[i];
    }
    compact[n] = '\0';
    t = tds_time_read(compact);
    text += i;
    if (!strcmp(text, "Z")) return t;
    if (strlen(text) != 5 || text[0] != '.' || !digits(text + 1, 3) || text[4] != 'Z' || !t) return 0;
    return t + apr_time_from_msec((text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0'));
}

/* ---- a line ---------------------------------------------------------------- */

const char *acs_log_issuer_mark(const char *issuer, apr_pool_t *pool)
{
    json_t *doc = tds_json_object(pool);
    apr_size_t len;
    const char *text;

    tds_json_set(doc, "issuer", issuer);
    text = tds_json_text(doc, &len, pool);
    return text ? apr_pstrcat(pool, ",", apr_pstrmemdup(pool, text + 1, len - 2), NULL) : NULL;
}

const char *acs_log_pan_ref(acs_run_t *run, const char *pan)
{
    const char *index = pan && run->txnlog ? acs_card_index(run->keys, pan, run->pool) : NULL;

    return index ? apr_pstrmemdup(run->pool, index, 16) : NULL;
}

static json_t *begin(acs_run_t *run, const char *event)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "time", acs_log_time(run->clock(), run->pool));
    tds_json_set(doc, "event", event);
    tds_json_set(doc, "node", run->txnlog->node);
    return doc;
}

static void put_ids(json_t *doc, const acs_txn_t *txn)
{
    tds_json_set(doc, "issuer", txn->issuer);
    tds_json_set(doc, "ds", txn->ds);
    tds_json_set(doc, "acsTransID", txn->id);
    tds_json_set(doc, "dsTransID", txn->ds_trans_id);
    tds_json_set(doc, "threeDSServerTransID", txn->server_trans_id);
    tds_json_set(doc, "messageVersion", tds_ver_text((tds_ver_e)txn->msg_version));
    tds_json_set(doc, "deviceChannel", txn->channel);
    tds_json_set(doc, "messageCategory", txn->category);
}

/* Names and numbers that others give are masked, the amount is not. */
static void put_purchase(json_t *doc, const acs_txn_t *txn, apr_pool_t *pool)
{
    tds_json_set(doc, "purchaseAmount", txn->amount);
    tds_json_set(doc, "purchaseCurrency", txn->currency);
    tds_json_set(doc, "merchantName", tds_mask_text(txn->merchant, pool));
    tds_json_set(doc, "acquirerMerchantID", tds_mask_text(txn->acquirer_merchant, pool));
    tds_json_set(doc, "mcc", txn->mcc);
}

/* Too long: without what can be done without. What is still too long is not written. */
static void finish(acs_run_t *run, json_t *doc)
{
    static const char *const optional[] = {"merchantName", "traceparent", "acquirerMerchantID", "threeDSServerTransID",
                                           "transStatusReason", "node", NULL};
    const char *text, *const *drop = optional;
    apr_size_t len = 0;

    tds_json_set(doc, "traceparent", tds_mask_text(run->traceparent, run->pool));
    if (run->began) json_object_set_new(doc, "took", json_integer((run->clock() - run->began) / 1000));
    text = tds_json_text(doc, &len, run->pool);
    while (text && len >= ACS_LOG_LINE_MAX && *drop) {
        json_object_del(doc, *drop++);
        text = tds_json_text(doc, &len, run->pool);
    }
    if (!text || len >= ACS_LOG_LINE_MAX) tds_metric_add(run->metrics, ACS_M_TXNLOG_LOST, 1);
    else run->txnlog->write(run->txnlog->baton, run, apr_pstrcat(run->pool, text, "\n", NULL), len + 1);
}

/* Of the challenge; NULL: there is none. */
static const char *method_of(const acs_txn_t *txn)
{
    switch (txn->trans_status ? *txn->trans_status : 0) {
    case 'C':
        return acs_cha_name((acs_cha_e)txn->cha);
    case 'D':
        return "decoupled";
    default:
        return NULL;
    }
}

/* ---- events ---------------------------------------------------------------- */

void acs_log_ares(acs_run_t *run, const acs_facts_t *facts, const acs_txn_t *txn, const acs_decision_t *decision)
{
    const tds_msg_t *areq = facts->areq;
    json_t *doc;

    if (!run->txnlog) return;
    doc = begin(run, "ares");
    put_ids(doc, txn);
    tds_json_set(doc, "transStatus", decision->outcome.trans_status);
    tds_json_set(doc, "transStatusReason", decision->outcome.reason);
    tds_json_set(doc, "eci", run->noted.eci);
    if (decision->rule) json_object_set_new(doc, "rule", json_integer(decision->rule->line));
    tds_json_set(doc, "method", method_of(txn));
    put_purchase(doc, &(acs_txn_t){.amount = tds_msg_get(areq, TDS_E_PURCHASE_AMOUNT),
                                   .currency = tds_msg_get(areq, TDS_E_PURCHASE_CURRENCY),
                                   .merchant = tds_msg_get(areq, TDS_E_MERCHANT_NAME),
                                   .acquirer_merchant = tds_msg_get(areq, TDS_E_ACQUIRER_MERCHANT_ID),
                                   .mcc = tds_msg_get(areq, TDS_E_MCC)},
                 run->pool);
    tds_json_set(doc, "panRef", acs_log_pan_ref(run, tds_msg_get(areq, TDS_E_ACCT_NUMBER)));
    finish(run, doc);
}

/* An end without an RReq (the DS refused the ARes, A-ARES-16) has no transStatus. before: what left the record with the outcome. */
void acs_log_outcome(acs_run_t *run, const acs_txn_t *before, const acs_txn_t *txn)
{
    acs_end_e end = (acs_end_e)txn->end;
    tds_ver_e version = (tds_ver_e)txn->msg_version;
    json_t *doc;

    if (!run->txnlog) return;
    doc = begin(run, "outcome");
    put_ids(doc, txn);
    if (end != ACS_END_NONE) {
        tds_json_set(doc, "transStatus", acs_end_status(end));
        tds_json_set(doc, "transStatusReason", acs_end_reason(end, version));
        tds_json_set(doc, "challengeCancel", acs_end_cancel(end, version));
        tds_json_set(doc, "eci", run->noted.eci);
    }
    tds_json_set(doc, "method", method_of(txn));
    tds_json_set(doc, "interactionCounter", apr_psprintf(run->pool, "%02u", txn->interactions));
    json_object_set_new(doc, "attempts", json_integer(txn->attempts));
    put_purchase(doc, before, run->pool);
    tds_json_set(doc, "panRef", run->noted.pan_ref);
    finish(run, doc);
}

void acs_log_erro(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn)
{
    json_t *doc;

    if (!run->txnlog) return;
    doc = begin(run, "erro");
    if (txn) put_ids(doc, txn);
    else {
        tds_json_set(doc, "ds", run->ds ? run->ds->name : NULL);
        tds_json_set(doc, "dsTransID", faulty ? tds_msg_id(faulty, TDS_E_DS_TRANS_ID) : NULL);
        tds_json_set(doc, "threeDSServerTransID", faulty ? tds_msg_id(faulty, TDS_E_THREE_DS_SERVER_TRANS_ID) : NULL);
    }
    tds_json_set(doc, "errorCode", apr_psprintf(run->pool, "%03d", err->proto));
    finish(run, doc);
}
