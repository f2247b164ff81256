#include "acs_issuer.h"

#include <string.h>
#include <apr_strings.h>
#include "acs_cha.h"
#include "acs_trust.h"

static void answer_json(acs_run_t *run, int status, json_t *doc, acs_answer_t *answer)
{
    *answer = (acs_answer_t){.status = status, .kind = ACS_BODY_JSON};
    answer->body = tds_json_text(doc, &answer->len, run->pool);
    if (!answer->body) *answer = (acs_answer_t){.status = 500};
}

static void refuse(acs_run_t *run, int status, const char *why, acs_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "error", why);
    answer_json(run, status, doc, answer);
}

/* What the store says, as a status. */
static void refuse_store(acs_run_t *run, apr_status_t rv, acs_answer_t *answer)
{
    if (APR_STATUS_IS_ENOENT(rv)) {
        refuse(run, 404, "no such transaction", answer);
        return;
    }
    acs_metric_store(run, rv);
    refuse(run, 503, "try again", answer);
}

apr_status_t acs_issuer_check(acs_run_t *run, const acs_call_t *call, const acs_issuer_t **issuer, acs_answer_t *answer)
{
    *issuer = call->issuer ? acs_issuer_by_name(run->conf, call->issuer) : NULL;
    if (*issuer && (*issuer)->keys && acs_used(run->conf, run->use, (*issuer)->name, 1) &&
        tds_sign_check((*issuer)->keys, &call->what, call->signature, run->clock(), run->pool) == APR_SUCCESS)
        return APR_SUCCESS;
    tds_metric_add(run->metrics, ACS_M_ISSUER_REFUSED, 1);
    tds_log(run->log, TDS_LOG_WARNING, "ACS0160", NULL, "a call to the issuer endpoint is not signed by an issuer of ours");
    refuse(run, 401, "not signed by an issuer of ours", answer);
    return APR_EACCES;
}

/* ---- results ----------------------------------------------------------------- */

typedef struct result_t {
    const acs_issuer_t *issuer;
    const char *word;
    int decoupled, reached;
    acs_result_e result;
    int status; /* of our answer */
} result_t;

/* The result that ended it, or that waits. */
static acs_result_e result_of(const acs_txn_t *txn)
{
    return (acs_result_e)txn->result;
}

static void judge_oob(const acs_txn_t *txn, result_t *in, acs_happening_t *what)
{
    in->status = 409;
    if (in->reached || in->result == ACS_RESULT_NONE) in->status = txn->state == ACS_ST_INTERACT ? 200 : 409;
    else if (result_of(txn) != ACS_RESULT_NONE) in->status = result_of(txn) == in->result ? 200 : 409;
    else if (txn->state == ACS_ST_INTERACT) {
        in->status = 200;
        what->event = ACS_EV_RESULT_KEPT;
        what->result = in->result;
    }
}

static void judge_decoupled(const acs_txn_t *txn, result_t *in, acs_happening_t *what)
{
    in->status = 409;
    if (txn->state == ACS_ST_DECOUPLED) {
        in->status = 200;
        if (in->reached && !txn->reached) what->event = ACS_EV_REACHED;
        else what->event = acs_result_event(in->result);
    }
    else if (in->result != ACS_RESULT_NONE && result_of(txn) == in->result) in->status = 200;
}

/* Which results there are depends on the transaction. */
static int read_word(acs_run_t *run, const acs_txn_t *txn, result_t *in)
{
    int known;

    in->result = acs_result_of(run, txn, in->word, &known);
    in->reached = known && !strcmp(in->word, "REACHED");
    return known && strcmp(in->word, "PENDING");
}

static apr_status_t result_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    result_t *in = baton;
    int is_decoupled = txn->trans_status && *txn->trans_status == 'D';
    int is_oob = txn->trans_status && *txn->trans_status == 'C' && txn->cha == ACS_CHA_OOB;

    in->status = 404; /* the wrong kind, or another issuer's: as if it were not there */
    if (strcmp(txn->issuer, in->issuer->name) || (in->decoupled ? !is_decoupled : !is_oob)) return APR_SUCCESS;
    if (!read_word(run, txn, in)) in->status = 400;
    else if (in->decoupled) judge_decoupled(txn, in, what);
    else judge_oob(txn, in, what);
    return APR_SUCCESS;
}

static apr_status_t read_result(acs_run_t *run, const acs_call_t *call, result_t *in)
{
    json_t *doc;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (tds_json_parse(&doc, call->what.body, call->what.len, run->pool, &err) != APR_SUCCESS) return APR_EINVAL;
    in->word = tds_json_get(doc, "status");
    return in->word ? APR_SUCCESS : APR_EINVAL;
}

static void answer_result(acs_run_t *run, const result_t *in, const acs_txn_t *txn, acs_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool);

    if (in->status == 404) refuse(run, 404, "no such transaction", answer);
    else if (in->status == 400) refuse(run, 400, "the body is no result", answer);
    else {
        tds_json_set(doc, "state", acs_state_name((acs_state_e)txn->state));
        if (in->status == 409) tds_json_set(doc, "error", "it is over, or has another result");
        answer_json(run, in->status, doc, answer);
    }
}

void acs_issuer_result(acs_run_t *run, const acs_issuer_t *issuer, const char *id, int decoupled, const acs_call_t *call,
                       acs_answer_t *answer)
{
    result_t in = {.issuer = issuer, .decoupled = decoupled};
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx; /* a report is due at once, for whoever claims it: this caller need not wait for a DS */

    if (read_result(run, call, &in) != APR_SUCCESS) {
        refuse(run, 400, "the body is no result", answer);
        return;
    }
    run->later = 1;
    rv = acs_run_event(run, id, 0, result_judge, &in, &txn, &fx);
    if (rv == APR_SUCCESS || rv == APR_EACCES) answer_result(run, &in, txn, answer);
    else refuse_store(run, rv, answer);
    tds_metric_add(run->metrics, answer->status == 200 ? ACS_M_RESULT_TAKEN : ACS_M_RESULT_REFUSED, 1);
    tds_log(run->log, TDS_LOG_INFO, "ACS0161", id, "result of issuer %s is answered %d", issuer->name, answer->status);
}

/* ---- look-up ------------------------------------------------------------------ */

static void set_time(acs_run_t *run, json_t *doc, const char *name, apr_time_t t)
{
    if (t) tds_json_set(doc, name, tds_time_iso(t, run->pool));
}

static void add_state(acs_run_t *run, json_t *doc, const acs_txn_t *txn)
{
    acs_end_e end = (acs_end_e)txn->end;

    tds_json_set(doc, "acsTransID", txn->id);
    tds_json_set(doc, "dsTransID", txn->ds_trans_id);
    tds_json_set(doc, "threeDSServerTransID", txn->server_trans_id);
    tds_json_set(doc, "messageVersion", tds_ver_text((tds_ver_e)txn->msg_version));
    tds_json_set(doc, "messageCategory", txn->category);
    tds_json_set(doc, "deviceChannel", txn->channel);
    tds_json_set(doc, "state", acs_state_name((acs_state_e)txn->state));
    tds_json_set(doc, "aresTransStatus", txn->trans_status);
    tds_json_set(doc, "cardholder", txn->card_ref);
    if (end != ACS_END_NONE) {
        tds_json_set(doc, "transStatus", acs_end_status(end));
        tds_json_set(doc, "transStatusReason", acs_end_reason(end, (tds_ver_e)txn->msg_version));
        tds_json_set(doc, "challengeCancel", acs_end_cancel(end, (tds_ver_e)txn->msg_version));
    }
    if (*txn->trans_status == 'C') tds_json_set(doc, "method", acs_cha_name((acs_cha_e)txn->cha));
    json_object_set_new(doc, "attempts", json_integer(txn->attempts));
    set_time(run, doc, "deadline", txn->deadline);
    set_time(run, doc, "endedAt", txn->ended);
}

void acs_issuer_look(acs_run_t *run, const acs_issuer_t *issuer, const char *id, acs_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool);
    acs_txn_t *txn;
    apr_status_t rv = acs_load(run, id, 0, &txn);

    if (rv == APR_SUCCESS && strcmp(txn->issuer, issuer->name)) rv = APR_ENOENT;
    if (rv != APR_SUCCESS) {
        refuse_store(run, rv, answer);
        return;
    }
    add_state(run, doc, txn);
    answer_json(run, 200, doc, answer);
}

/* ---- trust list ---------------------------------------------------------------- */

static int is_index(const char *index)
{
    return strlen(index) == 32 && strspn(index, "0123456789abcdef") == 32;
}

/* 1: answered, there is no list of ours. */
static int no_list(acs_run_t *run, const acs_issuer_t *issuer, const char *index, acs_answer_t *answer)
{
    if (issuer->trust_list == ACS_TRUST_STORE && is_index(index)) return 0;
    refuse(run, 404, "no trust list is kept here, or that is no cardIndex", answer);
    return 1;
}

void acs_issuer_trust_list(acs_run_t *run, const acs_issuer_t *issuer, const char *index, acs_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool), *merchants = json_array(), *list, *entry;
    const char *name;
    apr_status_t rv;

    json_object_set_new(doc, "merchants", merchants);
    if (no_list(run, issuer, index, answer)) return;
    if ((rv = acs_trust_list(run, index, &list)) != APR_SUCCESS) {
        refuse_store(run, rv, answer);
        return;
    }
    json_object_foreach(list, name, entry) json_array_append(merchants, entry);
    answer_json(run, 200, doc, answer);
}

void acs_issuer_trust_change(acs_run_t *run, const acs_issuer_t *issuer, const char *index, int on, const acs_call_t *call,
                             acs_answer_t *answer)
{
    acs_merchant_t merchant;
    json_t *doc;
    apr_status_t rv;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (no_list(run, issuer, index, answer)) return;
    if (tds_json_parse(&doc, call->what.body, call->what.len, run->pool, &err) != APR_SUCCESS) {
        refuse(run, 400, "the body is no JSON", answer);
        return;
    }
    merchant = (acs_merchant_t){.bin = tds_json_get(doc, "acquirerBIN"),
                                .id = tds_json_get(doc, "acquirerMerchantID"),
                                .name = tds_json_get(doc, "merchantName")};
    rv = acs_trust_change(run, index, &merchant, on);
    if (rv == APR_SUCCESS) answer_json(run, 200, tds_json_object(run->pool), answer);
    else if (rv == APR_ENOSPC) refuse(run, 409, "the list is full", answer);
    else if (rv == APR_EINVAL) refuse(run, 400, "acquirerBIN and acquirerMerchantID are needed", answer);
    else refuse_store(run, rv, answer);
}
