/* AReq to ARes, and the Erro that a DS may send about an ARes. */
#include "acs_run.h"

#include <string.h>
#include <apr_strings.h>
#include "acs_log.h"
#include "tds_jwk.h"
#include "tds_point.h"
#include "tds_view.h"

/* Unguessable, and the same for a repeated dsTransID: the repeat meets the record of the first (A-AREQ-17). */
static const char *trans_id_of(acs_run_t *run, const char *ds_trans_id)
{
    const char *low = tds_uuid_lower(ds_trans_id, run->pool);
    tds_bytes_t parts[] = {TDS_BYTES_STR(run->ds->name), TDS_BYTES_STR(low)};
    unsigned char mac[TDS_HASH_LEN];
    char *id = apr_palloc(run->pool, TDS_UUID_LEN + 1);

    if (tds_keys_mac(run->keys, mac, "acsTransID", parts, 2) != APR_SUCCESS) return NULL;
    tds_uuid_format(id, mac);
    return id;
}

/* The record of a new transaction: only what later steps read. */
static acs_txn_t *new_txn(acs_run_t *run, const acs_facts_t *facts)
{
    const tds_msg_t *m = facts->areq;
    acs_txn_t *t = apr_pcalloc(run->pool, sizeof *t);

    t->id = facts->id;
    t->state = ACS_ST_NEW;
    t->issuer = facts->issuer->name;
    t->ds = facts->ds->name;
    t->msg_version = m->version;
    t->server_trans_id = tds_msg_get(m, TDS_E_THREE_DS_SERVER_TRANS_ID);
    t->ds_trans_id = tds_msg_get(m, TDS_E_DS_TRANS_ID);
    t->notification_url = tds_msg_get(m, TDS_E_NOTIFICATION_URL);
    t->category = tds_msg_get(m, TDS_E_MESSAGE_CATEGORY);
    t->channel = tds_msg_get(m, TDS_E_DEVICE_CHANNEL);
    t->keep_until = run->clock() + run->conf->duplicate_memory;
    return t;
}

static int by_hook(acs_cha_e cha)
{
    return cha == ACS_CHA_DELEGATE || cha == ACS_CHA_OOB;
}

/* Will a hook be asked about this cardholder while the challenge runs? */
static int asks_who(const acs_txn_t *t, const acs_decision_t *d)
{
    return *t->trans_status == 'C' && (by_hook(d->cha) || by_hook(d->other));
}

/* What its issuer wants to be told of it. */
static void add_wishes(acs_run_t *run, acs_txn_t *t, const acs_facts_t *facts, const acs_decision_t *d)
{
    struct acs_hook_t *const *hooks = facts->issuer->hooks;

    if (hooks[ACS_HOOK_NOTICE]) t->wants |= ACS_OWED(NOTICE);
    if (hooks[ACS_HOOK_TRUST] || facts->issuer->trust_list == ACS_TRUST_STORE) t->wants |= ACS_OWED(CONSENT);
    if (*t->trans_status == 'D' || (*t->trans_status == 'C' && d->cha == ACS_CHA_OOB)) t->wants |= ACS_OWED(CANCEL);
    if (!t->wants && !tds_view_fallback(facts->areq) && !asks_who(t, d)) return;
    t->card_ref = facts->card.ref;
    t->card_index = acs_card_index(run->keys, tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER), run->pool);
}

/* Somebody will keep the answer: we, or an issuer that can be told. */
static int keeps_trust(const acs_issuer_t *issuer)
{
    return issuer->trust_list == ACS_TRUST_STORE || (issuer->trust_list == ACS_TRUST_HOOK && issuer->hooks[ACS_HOOK_TRUST]);
}

/* Consents that the page may ask for (P-15, N-20): the requestor wants it, somebody keeps it, and it is not given yet. */
static unsigned asks_of(const acs_facts_t *facts)
{
    static const char *const trust[] = {"09", NULL}, *const bind[] = {"12", NULL};
    const char *status = facts->card.trust_status, *bound = facts->card.device_binding;
    unsigned asks = 0;

    if (facts->areq->version >= TDS_V220 && keeps_trust(facts->issuer) && tds_view_asks(facts->areq, trust) &&
        (!status || strchr("NPU", *status)))
        asks |= ACS_ASK_TRUST;
    if (facts->areq->version >= TDS_V231 && facts->issuer->hooks[ACS_HOOK_TRUST] && facts->method &&
        tds_view_asks(facts->areq, bind) && (!bound || *bound == '0'))
        asks |= ACS_ASK_BIND;
    return asks;
}

/* What was asked for by SPC, and of whose authenticator. */
static void add_spc_data(acs_run_t *run, acs_txn_t *t, const acs_facts_t *facts, const acs_decision_t *d)
{
    int ours = *t->trans_status == 'C' && d->cha == ACS_CHA_SPC;

    if (*t->trans_status == 'S') t->requestor = tds_msg_get(facts->areq, TDS_E_THREE_DS_REQUESTOR_ID);
    if (ours || *t->trans_status == 'S') t->payee = tds_msg_get(facts->areq, TDS_E_PAYEE_ORIGIN);
    if (!ours) return;
    t->spc_keys = acs_spc_keys(&facts->card, run->pool);
    t->spc_origin = tds_url_origin(run->conf->challenge_url, run->pool);
    if (d->other != ACS_CHA_COUNT) t->other = ACS_CHA_SOME(d->other);
}

/* For what follows an ARes C, D or S. */
static void add_challenge_data(acs_run_t *run, acs_txn_t *t, const acs_facts_t *facts, const acs_decision_t *d)
{
    const tds_msg_t *m = facts->areq;

    t->cha = d->cha;
    t->how = d->how;
    t->ds_url = facts->ds_url;
    t->pan = tds_msg_get(m, TDS_E_ACCT_NUMBER);
    t->merchant = tds_msg_get(m, TDS_E_MERCHANT_NAME);
    t->exponent = tds_msg_get(m, TDS_E_PURCHASE_EXPONENT);
    t->phone = facts->card.phone;
    t->email = facts->card.email;
    t->language = facts->card.language ? facts->card.language : tds_view_language(m);
    t->sdk_trans_id = tds_msg_get(m, TDS_E_SDK_TRANS_ID);
    t->dec_req = tds_msg_get(m, TDS_E_THREE_DS_REQUESTOR_DEC_REQ_IND);
    if ((t->asks = asks_of(facts))) t->acquirer = tds_msg_get(m, TDS_E_ACQUIRER_BIN);
    if (t->asks || run->txnlog) t->acquirer_merchant = tds_msg_get(m, TDS_E_ACQUIRER_MERCHANT_ID);
    if (run->txnlog) t->mcc = tds_msg_get(m, TDS_E_MCC);
    add_spc_data(run, t, facts, d);
}

/* Never an invalid message: when the ARes is not fit to be sent, a U that is (design: send-side self-check). */
static apr_status_t make_ares(acs_run_t *run, const acs_facts_t *facts, acs_decision_t *d, acs_txn_t *txn,
                              acs_answer_t *answer)
{
    *answer = (acs_answer_t){.status = 200, .kind = ACS_BODY_JSON};
    if (acs_ares_make(run, facts, d, txn, &answer->body, &answer->len) == APR_SUCCESS) return APR_SUCCESS;
    tds_log(run->log, TDS_LOG_ERR, "ACS0060", txn->id, "ARes %s is not fit to be sent: %d %s", d->outcome.trans_status,
            run->err->proto, run->err->elements ? run->err->elements : "");
    tds_err_clear(run->err);
    d->outcome = *acs_case_outcome(facts->ds, ACS_CASE_FAULT);
    if (acs_ares_make(run, facts, d, txn, &answer->body, &answer->len) == APR_SUCCESS) return APR_SUCCESS;
    tds_err_clear(run->err);
    return TDS_FAIL(run->err, APR_EGENERAL, 404, NULL, "no ARes can be made");
}

static apr_status_t erro_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    if (run->ds && !strcmp(txn->ds, run->ds->name)) what->event = ACS_EV_DS_ERRO;
    return APR_SUCCESS;
}

/* A-AREQ-21: the DS is about to get an Erro, so no RReq may follow. The write may have got through all the same. */
static void forget(acs_run_t *run, const char *id)
{
    tds_err_t own, *err = run->err;
    acs_txn_t *txn;
    unsigned fx;

    tds_err_init(&own, run->pool);
    run->err = &own;
    (void)acs_run_event(run, id, 0, erro_judge, NULL, &txn, &fx);
    run->err = err;
}

static acs_event_e event_of(const acs_outcome_t *outcome)
{
    switch (*outcome->trans_status) {
    case 'C':
        return ACS_EV_CHALLENGED;
    case 'D':
        return ACS_EV_DECOUPLED;
    case 'S':
        return ACS_EV_SPC;
    default:
        return ACS_EV_DECIDED;
    }
}

/* The record as it will be stored. */
static apr_status_t first_step(acs_run_t *run, const acs_facts_t *facts, const acs_decision_t *d, acs_txn_t *txn,
                               acs_txn_t **next)
{
    acs_happening_t what = {.now = run->clock(), .event = event_of(&d->outcome), .limit = d->limit};
    unsigned fx;

    txn->trans_status = d->outcome.trans_status;
    txn->reason = facts->issuer->hooks[ACS_HOOK_NOTICE] ? d->outcome.reason : NULL;
    if (what.event == ACS_EV_DECIDED) txn->amount = txn->currency = NULL;
    else add_challenge_data(run, txn, facts, d);
    txn->spc_credential = facts->seen.credential;
    txn->spc_count = facts->seen.count;
    add_wishes(run, txn, facts, d);
    return acs_txn_step(txn, &what, run->conf, next, &fx, run->pool);
}

static apr_status_t store_new(acs_run_t *run, const acs_facts_t *facts, acs_txn_t *txn)
{
    apr_status_t rv;

    tds_point("acs.areq_before_save");
    rv = acs_create(run, txn, facts->incrs);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EEXIST(rv)) {
        acs_metric_store(run, rv);
        forget(run, txn->id);
    }
    if (APR_STATUS_IS_EEXIST(rv))
        return TDS_FAIL(run->err, rv, tds_view_code(facts->areq->version, TDS_FAULT_DUPLICATE), "dsTransID",
                        "dsTransID was used before");
    if (rv == APR_SUCCESS) tds_point("acs.areq_after_save");
    return rv;
}

static apr_status_t decide_and_save(acs_run_t *run, const acs_facts_t *facts, acs_answer_t *answer)
{
    acs_decision_t d = acs_decide(run, facts);
    acs_txn_t *txn = new_txn(run, facts), *next;
    apr_status_t rv;

    txn->amount = tds_msg_get(facts->areq, TDS_E_PURCHASE_AMOUNT);
    txn->currency = tds_msg_get(facts->areq, TDS_E_PURCHASE_CURRENCY);
    if ((rv = make_ares(run, facts, &d, txn, answer)) != APR_SUCCESS) return rv;
    if ((rv = first_step(run, facts, &d, txn, &next)) != APR_SUCCESS) return rv;
    if ((rv = store_new(run, facts, next)) != APR_SUCCESS) return rv;
    if (txn->msg_version >= TDS_V231) { /* X-HTTP-09 */
        answer->request_id = txn->ds_trans_id;
        answer->response_id = txn->id;
    }
    acs_metric_ares(run, facts->issuer, facts->ds, d.outcome.trans_status);
    acs_log_ares(run, facts, next, &d);
    if (run->began) acs_metric_time(run, ACS_H_AREQ, facts->issuer->number, run->clock() - run->began);
    tds_log(run->log, TDS_LOG_INFO, "ACS0061", txn->id, "AReq %s of DS %s for issuer %s: %s%s%s",
            txn->server_trans_id, run->ds->name, txn->issuer, d.outcome.trans_status, d.outcome.reason ? ", reason " : "",
            d.outcome.reason ? d.outcome.reason : "");
    return APR_SUCCESS;
}

/* A-ARES-16. Never answered with an Erro; whoever cannot be identified is dropped (E-06). */
static void take_erro(acs_run_t *run, const tds_msg_t *erro, acs_answer_t *answer)
{
    const char *ds_id = tds_msg_id(erro, TDS_E_DS_TRANS_ID), *id = tds_msg_id(erro, TDS_E_ACS_TRANS_ID);
    acs_txn_t *txn;
    unsigned fx;

    *answer = (acs_answer_t){.status = 200};
    if (ds_id) id = trans_id_of(run, ds_id);
    tds_log(run->log, TDS_LOG_WARNING, "ACS0062", id, "Erro %s from DS %s", acs_erro_code(erro),
            run->ds->name);
    if (id) (void)acs_run_event(run, id, 0, erro_judge, NULL, &txn, &fx);
}

/* What no table can say. */
static apr_status_t check_more(acs_run_t *run, const tds_msg_t *areq)
{
    const json_t *key = tds_msg_get_json(areq, TDS_E_SDK_EPHEM_PUB_KEY);

    if (key && !tds_jwk_p256_good(key, run->pool)) /* A-AREQ-20 */
        return TDS_FAIL(run->err, APR_EINVAL, 203, "sdkEphemPubKey", "not a point on P-256");
    if (run->ds->profile.clock && areq->version >= TDS_V231 && !tds_profile_clock_good(areq, run->clock()))
        return TDS_FAIL(run->err, APR_EINVAL, 203, "purchaseDate", "more than 30 minutes off"); /* A-AREQ-18 */
    return APR_SUCCESS;
}

static apr_status_t take_areq(acs_run_t *run, tds_msg_t *areq, const tds_msg_rules_t *rules, acs_answer_t *answer)
{
    acs_facts_t facts = {0};
    apr_status_t rv;

    if ((rv = tds_msg_check(areq, rules, run->err)) != APR_SUCCESS) return rv;
    if (areq->type == TDS_MSG_OREQ) return acs_take_oreq(run, areq, answer);
    if ((rv = check_more(run, areq)) != APR_SUCCESS) return rv;
    if (!(facts.id = trans_id_of(run, tds_msg_get(areq, TDS_E_DS_TRANS_ID))))
        return TDS_FAIL(run->err, APR_EGENERAL, 404, NULL, "no id can be made");
    if ((rv = acs_gather(run, areq, &facts)) != APR_SUCCESS) return rv;
    return decide_and_save(run, &facts, answer);
}

void acs_run_areq(acs_run_t *run, const char *body, apr_size_t len, acs_answer_t *answer)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_AREQ) | TDS_MSG_BIT(TDS_MSG_OREQ) | TDS_MSG_BIT(TDS_MSG_ERRO),
                             .versions = run->conf->versions,
                             .leg = TDS_LEG_DS_ACS};
    tds_msg_t *msg = NULL;
    apr_status_t rv;

    run->later = 1; /* a time limit that is found to have run out is not reported by this thread, but at once (T-04) */
    if (run->ds) {
        tds_profile_apply(&run->ds->profile, &rules);
        run->deadline = run->ds->areq_within ? run->mono() + run->ds->areq_within : 0;
    }
    rv = tds_msg_open(&msg, body, len, &rules, run->pool, run->err);
    if (!run->ds) {
        tds_metric_add(run->metrics, ACS_M_DS_UNKNOWN, 1);
        if (msg && msg->type == TDS_MSG_ERRO) { /* never answered with one */
            *answer = (acs_answer_t){.status = 200};
            return;
        }
        tds_err_clear(run->err);
        rv = TDS_FAIL(run->err, APR_EACCES, 303, NULL, "the client certificate is that of no configured DS");
    }
    else if (msg && msg->type == TDS_MSG_ERRO) {
        take_erro(run, msg, answer);
        return;
    }
    if (rv == APR_SUCCESS && msg) rv = take_areq(run, msg, &rules, answer);
    if (rv == APR_SUCCESS) return;
    tds_metric_add(run->metrics, ACS_M_AREQ_ERRO, 1);
    tds_log(run->log, TDS_LOG_WARNING, "ACS0063", msg ? tds_msg_id(msg, TDS_E_DS_TRANS_ID) : NULL,
            "%s refused with Erro %d %s: %s (%s)", msg && msg->type == TDS_MSG_OREQ ? "OReq" : "AReq", run->err->proto,
            run->err->elements ? run->err->elements : "-",
            run->err->detail ? run->err->detail : "", run->err->where ? run->err->where : "");
    acs_answer_erro(run, run->err, msg, NULL, answer);
}
