/* What the issuer is told behind the back of the cardholder: decoupled authentication begins or is off, a consent, the end. The
 * record owes it until it is taken. */
#include "acs_cha.h"
#include "acs_trust.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_point.h"

static const struct {
    acs_hook_e kind;
    const char *path;
} targets[ACS_OUT_COUNT] = {
    [ACS_OUT_START] = {ACS_HOOK_DECOUPLED, "/start"},
    [ACS_OUT_CANCEL] = {ACS_HOOK_DECOUPLED, "/cancel"},
    [ACS_OUT_CONSENT] = {ACS_HOOK_TRUST, "/consent"},
    [ACS_OUT_NOTICE] = {ACS_HOOK_NOTICE, NULL},
};

/* ---- bodies ---------------------------------------------------------------- */

static json_t *start_body(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = acs_hook_display(run, txn);

    if (run->conf->issuer_url)
        tds_json_set(doc, "callbackURL", apr_pstrcat(run->pool, run->conf->issuer_url, "/decoupled/", txn->id, NULL));
    if (!strcmp(txn->channel, "03")) json_object_set_new(doc, "threeRI", json_true());
    return doc;
}

static json_t *cancel_body(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = acs_hook_about(run, txn);
    acs_end_e end = (acs_end_e)txn->end;
    int timeout = end == ACS_END_NO_CREQ || end == ACS_END_SILENT || end == ACS_END_UNDECIDED || end == ACS_END_UNMOVED;

    tds_json_set(doc, "reason", timeout ? "TIMEOUT" : end == ACS_END_CANCEL ? "CANCEL" : "FAILED");
    return doc;
}

static acs_merchant_t merchant_of(const acs_txn_t *txn)
{
    return (acs_merchant_t){.bin = txn->acquirer, .id = txn->acquirer_merchant, .name = txn->merchant};
}

static json_t *consent_body(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = acs_hook_about(run, txn);
    acs_merchant_t merchant = merchant_of(txn);

    tds_json_set(doc, "cardIndex", txn->card_index);
    tds_json_set(doc, "answer", txn->trust);
    tds_json_set(doc, "deviceBinding", txn->bind);
    acs_merchant_put(doc, &merchant);
    return doc;
}

/* The same for every repeat. */
static const char *event_id(acs_run_t *run, const acs_txn_t *txn)
{
    tds_bytes_t part = TDS_BYTES_STR(txn->id);
    unsigned char mac[TDS_HASH_LEN];
    char *id = apr_palloc(run->pool, TDS_UUID_LEN + 1);

    if (tds_keys_mac(run->keys, mac, "notice", &part, 1) != APR_SUCCESS) return NULL;
    tds_uuid_format(id, mac);
    return id;
}

static const char *method_of(const acs_txn_t *txn)
{
    switch (*txn->trans_status) {
    case 'D':
        return "decoupled";
    case 'S':
        return "spc";
    default:
        return acs_cha_name((acs_cha_e)txn->cha);
    }
}

static void add_end(acs_run_t *run, json_t *doc, const acs_txn_t *txn)
{
    tds_ver_e version = (tds_ver_e)txn->msg_version;
    acs_end_e end = (acs_end_e)txn->end;

    if (end == ACS_END_NONE) {
        tds_json_set(doc, "transStatus", txn->trans_status);
        tds_json_set(doc, "transStatusReason", txn->reason);
        return;
    }
    tds_json_set(doc, "transStatus", acs_end_status(end));
    tds_json_set(doc, "transStatusReason", acs_end_reason(end, version));
    tds_json_set(doc, "challengeCancel", acs_end_cancel(end, version));
    tds_json_set(doc, "interactionCounter", apr_psprintf(run->pool, "%02u", txn->interactions));
    tds_json_set(doc, "method", method_of(txn));
    json_object_set_new(doc, "attempts", json_integer(txn->attempts));
}

static json_t *notice_body(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = acs_hook_about(run, txn);

    tds_json_set(doc, "eventID", event_id(run, txn));
    tds_json_set(doc, "dsTransID", txn->ds_trans_id);
    tds_json_set(doc, "threeDSServerTransID", txn->server_trans_id);
    tds_json_set(doc, "cardIndex", txn->card_index);
    tds_json_set(doc, "messageVersion", tds_ver_text((tds_ver_e)txn->msg_version));
    tds_json_set(doc, "messageCategory", txn->category);
    tds_json_set(doc, "deviceChannel", txn->channel);
    add_end(run, doc, txn);
    tds_json_set(doc, "at", tds_time_iso(txn->ended, run->pool));
    if (txn->spc_credential && txn->spc_count)
        json_object_set_new(doc, "credential", json_pack("{s:s, s:I}", "id", txn->spc_credential, "signCount",
                                                         (json_int_t)txn->spc_count));
    return doc;
}

static json_t *body_of(acs_run_t *run, const acs_txn_t *txn)
{
    static json_t *(*const bodies[ACS_OUT_COUNT])(acs_run_t *, const acs_txn_t *) = {
        [ACS_OUT_START] = start_body, [ACS_OUT_CANCEL] = cancel_body, [ACS_OUT_CONSENT] = consent_body,
        [ACS_OUT_NOTICE] = notice_body};

    return bodies[txn->outbox](run, txn);
}

/* ---- sending --------------------------------------------------------------- */

/* Our own list needs no call. */
static apr_status_t keep_consent(acs_run_t *run, const acs_txn_t *txn)
{
    acs_merchant_t merchant = merchant_of(txn);
    apr_status_t rv;

    if (!txn->trust || *txn->trust != 'Y' || !txn->card_index) return APR_SUCCESS;
    rv = acs_trust_change(run, txn->card_index, &merchant, 1);
    return rv == APR_ENOSPC || rv == APR_EINVAL ? APR_SUCCESS : rv; /* said in vain, and no repeat would help */
}

static apr_status_t tell(acs_run_t *run, const acs_issuer_t *issuer, const acs_txn_t *txn, json_t **answer)
{
    acs_ask_t ask = {.issuer = issuer, .kind = targets[txn->outbox].kind, .path = targets[txn->outbox].path, .id = txn->id};

    *answer = NULL;
    if (!issuer) return APR_ENOTIMPL;
    if (txn->outbox == ACS_OUT_CONSENT && issuer->trust_list == ACS_TRUST_STORE) return keep_consent(run, txn);
    if (txn->outbox == ACS_OUT_CANCEL && *txn->trans_status == 'C') ask.kind = ACS_HOOK_OOB;
    ask.body = body_of(run, txn);
    return acs_hook_call(run, &ask, answer);
}

typedef struct told_t {
    acs_outbox_e kind;
    acs_event_e event;
    int gave_up;
} told_t;

static apr_status_t told_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    told_t *told = baton;

    told->gave_up = 0;
    if (txn->outbox != told->kind) return APR_SUCCESS; /* somebody else has settled it */
    what->event = told->event == ACS_EV_UNREACHED && what->now >= txn->out_until ? ACS_EV_GIVEN_UP : told->event;
    told->gave_up = what->event == ACS_EV_GIVEN_UP;
    return APR_SUCCESS;
}

static apr_status_t result_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    if (txn->state == ACS_ST_DECOUPLED) what->event = *(const acs_event_e *)baton;
    return APR_SUCCESS;
}

/* A result may come with the answer to the start. It is saved before the start counts as told: who dies in between asks again. */
static apr_status_t take_result(acs_run_t *run, acs_txn_t **ptxn, const json_t *answer)
{
    const char *status = tds_json_get(answer, "status");
    acs_event_e event;
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx;
    int known;

    event = acs_result_event(acs_result_of(run, *ptxn, status, &known));
    if (known && !strcmp(status, "REACHED")) event = ACS_EV_REACHED;
    if (event == ACS_EV_NONE) return APR_SUCCESS;
    if ((rv = acs_run_event(run, (*ptxn)->id, 0, result_judge, &event, &txn, &fx)) == APR_SUCCESS) *ptxn = txn;
    return rv;
}

void acs_outbox_tell(acs_run_t *run, acs_txn_t **ptxn)
{
    static const char *const words[ACS_OUT_COUNT] = {[ACS_OUT_START] = "the start", [ACS_OUT_CANCEL] = "the end",
                                                     [ACS_OUT_CONSENT] = "a consent", [ACS_OUT_NOTICE] = "a notice"};
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, (*ptxn)->issuer);
    told_t told = {.kind = (acs_outbox_e)(*ptxn)->outbox};
    json_t *answer;
    acs_txn_t *txn;
    apr_status_t rv = tell(run, issuer, *ptxn, &answer);
    unsigned fx;

    tds_point("acs.told");
    if (rv == APR_SUCCESS || rv == APR_ENOENT) told.event = ACS_EV_REPORTED;
    else told.event = rv == APR_ENOTIMPL ? ACS_EV_GIVEN_UP : ACS_EV_UNREACHED;
    if (told.kind == ACS_OUT_START && told.event == ACS_EV_REPORTED && take_result(run, ptxn, answer) != APR_SUCCESS) return;
    if (acs_run_event(run, (*ptxn)->id, 0, told_judge, &told, &txn, &fx) != APR_SUCCESS) return;
    *ptxn = txn;
    if (told.gave_up)
        tds_log(run->log, TDS_LOG_WARNING, "ACS0180", txn->id, "given up: %s could not be delivered to issuer %s", words[told.kind],
                txn->issuer);
}
