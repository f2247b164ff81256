/* The browser's side of a challenge: the CReq form, the pages' own forms, and reloads. */
#include "acs_run.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_point.h"
#include "tds_view.h"
#include "acs_cha.h"
#include "acs_pages.h"
#include "acs_token.h"

#define SESSION_DATA_MAX 1024 /* B-03 */
#define ASSERTION_MAX    8192

/* The store failed, or somebody tampered: what the cardholder sees of it. */
static void show_failure(acs_run_t *run, const char *id, apr_status_t rv, acs_answer_t *answer)
{
    if (APR_STATUS_IS_ENOENT(rv)) {
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    acs_metric_store(run, rv);
    tds_log(run->log, TDS_LOG_ERR, "ACS0090", id, "challenge cannot go on: %s (%s)",
            run->err->detail ? run->err->detail : "", run->err->where ? run->err->where : "");
    acs_page_neutral(run, rv == APR_EINVAL ? 400 : 503, rv == APR_EINVAL ? ACS_NEUTRAL_ERROR : ACS_NEUTRAL_BUSY, answer);
}

/* What the browser gets, by the record alone: any request at any node shows the same. */
static void show(acs_run_t *run, const acs_txn_t *txn, const acs_page_note_t *note, acs_answer_t *answer)
{
    tds_point("acs.before_answer");
    if (txn->state == ACS_ST_INTERACT) acs_page_challenge(run, txn, note, answer);
    else if (!acs_txn_has_cres(txn)) acs_page_neutral(run, txn->end == ACS_END_SILENT ? 200 : 400, ACS_NEUTRAL_ERROR, answer);
    else if (txn->state == ACS_ST_REPORTING && run->clock() < txn->answer_at) acs_page_processing(run, txn, answer);
    else acs_page_final(run, txn, answer);
}

/* ---- CReq ---------------------------------------------------------------- */

typedef struct creq_t {
    tds_msg_t *msg;
    const char *session_data;
    tds_err_t open_err; /* of tds_msg_open */
    tds_err_t fault;    /* what the Erro says; rv 0: no fault */
    const char *otp;    /* the new code, once there is one */
    int resumed;        /* the first CReq again: the page is shown again (B-31) */
} creq_t;

/* B-12: an inactive version is a wrong version here. */
static apr_status_t check_version(const creq_t *in, const acs_txn_t *txn, tds_err_t *err)
{
    const char *version = tds_msg_get(in->msg, TDS_E_MESSAGE_VERSION);

    if (in->open_err.rv != APR_SUCCESS && in->open_err.proto != 102)
        return TDS_FAIL(err, in->open_err.rv, in->open_err.proto, in->open_err.elements, "%s", in->open_err.detail);
    if (version && strcmp(version, tds_ver_text((tds_ver_e)txn->msg_version)))
        return TDS_FAIL(err, APR_EINVAL, 203, "messageVersion", "another version than the AReq");
    return APR_SUCCESS;
}

/* Faults that end a transaction still waiting for its CReq (B-20). */
static apr_status_t check_creq(acs_run_t *run, creq_t *in, const acs_txn_t *txn, tds_err_t *err)
{
    tds_prior_t prior[ACS_PRIOR_MAX];
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_CREQ),
                             .version_must = (tds_ver_e)txn->msg_version,
                             .prior = prior,
                             .nprior = acs_txn_prior(txn, prior),
                             .leg = TDS_LEG_REQUESTOR_ACS};
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);
    apr_status_t rv = check_version(in, txn, err);

    if (ds) tds_profile_apply(&ds->profile, &rules);
    if (rv == APR_SUCCESS) rv = tds_msg_check(in->msg, &rules, err);
    if (rv == APR_SUCCESS && in->session_data && strlen(in->session_data) > SESSION_DATA_MAX)
        rv = TDS_FAIL(err, APR_EINVAL, 203, "threeDSSessionData", "longer than %d bytes", SESSION_DATA_MAX);
    return rv;
}

static int same_server_trans_id(const creq_t *in, const acs_txn_t *txn)
{
    const char *id = tds_msg_get(in->msg, TDS_E_THREE_DS_SERVER_TRANS_ID);

    return id && !strcasecmp(id, txn->server_trans_id);
}

/* B-31: equal are two CReqs with the same members, in whatever order and with whatever white space. */
static tds_bytes_t mark_of(acs_run_t *run, const creq_t *in)
{
    unsigned char *mark = apr_palloc(run->pool, TDS_HASH_LEN);
    char *text = json_dumps(in->msg->root, JSON_COMPACT | JSON_SORT_KEYS);
    tds_bytes_t parts[] = {TDS_BYTES_STR(text ? text : "")};
    apr_status_t rv = text ? tds_keys_mac(run->keys, mark, "CReq", parts, 1) : APR_ENOMEM;

    free(text);
    return rv == APR_SUCCESS ? TDS_BYTES(mark, TDS_HASH_LEN) : TDS_BYTES(NULL, 0);
}

/* From 2.3.1 on a second CReq is an event of its own: the same again goes on, with a page whose time begins anew
 * (X-TIME-08), another one ends the challenge. */
static void judge_second(acs_run_t *run, const acs_txn_t *txn, creq_t *in, acs_happening_t *what)
{
    tds_bytes_t mark = mark_of(run, in);

    in->resumed = mark.len && mark.len == txn->creq_mark.len && tds_equal(mark.data, txn->creq_mark.data, mark.len);
    what->event = in->resumed ? ACS_EV_CREQ_AGAIN : ACS_EV_CREQ_OTHER;
    if (!in->resumed) (void)TDS_FAIL(&in->fault, APR_EINVAL, 305, "acsTransID", "not the CReq that began the challenge");
}

/* The Erro of a CReq that ends the challenge goes into the RReq, too. */
static void add_erro(acs_run_t *run, const acs_txn_t *txn, const creq_t *in, acs_happening_t *what)
{
    const char *bytes;
    apr_size_t len;

    if (acs_erro_bytes(run, &in->fault, in->msg, txn, &bytes, &len) == APR_SUCCESS) what->erro = TDS_BYTES(bytes, len);
}

static apr_status_t creq_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    creq_t *in = baton;

    in->resumed = 0;
    tds_err_clear(&in->fault);
    if (!same_server_trans_id(in, txn)) { /* B-14: anybody may know one id; no end of the transaction */
        if (tds_msg_id_check(in->msg, TDS_E_THREE_DS_SERVER_TRANS_ID, &in->fault) == APR_SUCCESS)
            (void)TDS_FAIL(&in->fault, APR_EINVAL, 301, "threeDSServerTransID", "not that of the AReq");
        return APR_SUCCESS;
    }
    if (strcmp(txn->channel, "02")) { /* B-16 */
        (void)TDS_FAIL(&in->fault, APR_EINVAL, 305, "acsTransID", "not a browser transaction");
        return APR_SUCCESS;
    }
    what->event = ACS_EV_CREQ;
    if (txn->state == ACS_ST_INTERACT && txn->msg_version >= TDS_V231) judge_second(run, txn, in, what);
    else if (txn->state == ACS_ST_CREQ_WAIT && check_creq(run, in, txn, &in->fault) != APR_SUCCESS) what->event = ACS_EV_CREQ_BAD;
    if (in->fault.rv != APR_SUCCESS) add_erro(run, txn, in, what);
    if (what->event != ACS_EV_CREQ || txn->state != ACS_ST_CREQ_WAIT) return APR_SUCCESS;
    what->window_size = tds_msg_get(in->msg, TDS_E_CHALLENGE_WINDOW_SIZE);
    what->session_data = in->session_data;
    if (txn->msg_version >= TDS_V231) what->creq_mark = mark_of(run, in);
    return acs_cha_prepare(run, txn, &in->otp, what);
}

/* What goes back of threeDSSessionData: nothing that is longer than it may be. */
static const char *echo_of(const creq_t *in)
{
    return in->session_data && strlen(in->session_data) <= SESSION_DATA_MAX ? in->session_data : NULL;
}

/* A CReq to a transaction that is not waiting for one. */
static void refuse_creq(acs_run_t *run, const acs_txn_t *txn, creq_t *in, acs_answer_t *answer)
{
    if (txn->end == ACS_END_SILENT && txn->msg_version < TDS_V231) { /* B-17 */
        acs_page_final(run, txn, answer);
        return;
    }
    tds_err_clear(&in->fault);
    if (txn->end == ACS_END_NO_CREQ) (void)TDS_FAIL(&in->fault, APR_TIMEUP, 402, NULL, "CReq came too late");
    else if (txn->end == ACS_END_NONE) (void)TDS_FAIL(&in->fault, APR_EINVAL, 305, "acsTransID", "no CReq is due");
    else
        (void)TDS_FAIL(&in->fault, APR_EINVAL, tds_view_code((tds_ver_e)txn->msg_version, TDS_FAULT_CREQ_LATE), "acsTransID",
                       "the challenge is over");
    acs_page_erro(run, txn, &in->fault, in->msg, echo_of(in), answer);
}

static void answer_creq(acs_run_t *run, acs_txn_t *txn, unsigned fx, int refused, creq_t *in, acs_answer_t *answer)
{
    acs_page_note_t note = {0};

    if (fx & FX_RREQ) acs_outbox_send(run, &txn); /* the time limit had run out */
    if ((fx & FX_DELIVER) || in->resumed) {
        if (fx & FX_DELIVER) tds_metric_add(run->metrics, ACS_M_CREQ, 1);
        if (fx & FX_DELIVER) acs_cha_begin(run, &txn, in->otp, 0);
        show(run, txn, &note, answer);
        return;
    }
    tds_metric_add(run->metrics, ACS_M_CREQ_ERRO, 1);
    if (refused || in->fault.rv == APR_SUCCESS) refuse_creq(run, txn, in, answer);
    else acs_page_erro(run, txn, &in->fault, in->msg, echo_of(in), answer);
    tds_log(run->log, TDS_LOG_WARNING, "ACS0091", txn->id, "CReq refused with Erro %d %s: %s", in->fault.proto,
            in->fault.elements ? in->fault.elements : "-", in->fault.detail ? in->fault.detail : "");
}

void acs_run_creq(acs_run_t *run, const char *field, const char *session_data, acs_answer_t *answer)
{
    creq_t in = {.session_data = session_data};
    unsigned char *text = NULL;
    acs_txn_t *txn = NULL;
    const char *id;
    apr_size_t len;
    apr_status_t rv;
    unsigned fx;

    tds_err_init(&in.open_err, run->pool);
    tds_err_init(&in.fault, run->pool);
    if (field && tds_b64url_decode(&text, &len, field, strlen(field), 1, run->pool) == APR_SUCCESS) {
        tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_CREQ)};
        (void)tds_msg_open(&in.msg, (const char *)text, len, &rules, run->pool, &in.open_err);
    }
    id = in.msg && in.msg->type != TDS_MSG_ERRO ? tds_msg_id(in.msg, TDS_E_ACS_TRANS_ID) : NULL;
    if (!id) { /* B-11, B-13: nowhere to send an Erro; and an Erro is never answered with one */
        tds_metric_add(run->metrics, ACS_M_CREQ_ERRO, 1);
        tds_log(run->log, TDS_LOG_WARNING, "ACS0092", NULL, "CReq form cannot be read or names no transaction");
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    rv = acs_run_event(run, id, 0, creq_judge, &in, &txn, &fx);
    if (rv == APR_SUCCESS || rv == APR_EACCES) answer_creq(run, txn, fx, rv == APR_EACCES, &in, answer);
    else show_failure(run, id, rv, answer);
}

/* ---- JSON at acsURL (K-19) ------------------------------------------------ */

void acs_run_json(acs_run_t *run, const char *body, apr_size_t len, acs_answer_t *answer)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_ERRO), .versions = run->conf->versions};
    tds_msg_t *msg = NULL;
    apr_status_t rv = tds_msg_open(&msg, body, len, &rules, run->pool, run->err);
    const char *id = msg ? tds_msg_id(msg, TDS_E_ACS_TRANS_ID) : NULL;

    tds_metric_add(run->metrics, ACS_M_CREQ_ERRO, 1);
    if (msg && msg->type == TDS_MSG_ERRO) { /* P-32: it is of no app's transaction, and it is not answered with an Erro */
        tds_log(run->log, TDS_LOG_WARNING, "ACS0095", id, "Erro %s posted to the challenge URL", acs_erro_code(msg));
        *answer = (acs_answer_t){.status = 200};
        return;
    }
    if (rv == APR_SUCCESS) rv = TDS_FAIL(run->err, APR_EINVAL, 101, NULL, "no Erro"); /* the type was checked */
    tds_log(run->log, TDS_LOG_WARNING, "ACS0096", id, "JSON at the challenge URL is refused with Erro %d %s: %s", run->err->proto,
            run->err->elements ? run->err->elements : "-", run->err->detail ? run->err->detail : "");
    acs_answer_erro(run, run->err, msg, NULL, answer);
}

/* ---- the pages' own form ------------------------------------------------- */

typedef struct entry_t {
    const acs_form_t *form;
    acs_token_t token;
    unsigned char mark[ACS_FORM_MARK];
    acs_event_e event; /* what it came to */
    acs_result_e result; /* of the issuer's app, asked for this button */
    const char *otp; /* the new code, once there is one */
    int switched;    /* to the other method */
    acs_verdict_e verdict; /* of what we judge ourselves, and of the issuer's app */
} entry_t;

/* P-15: a box that the page had is an answer, ticked or not. */
static void take_consents(const acs_txn_t *txn, const acs_form_t *form, acs_happening_t *what)
{
    if (txn->asks & ACS_ASK_TRUST) what->trust = form->trust && !strcmp(form->trust, "Y") ? "Y" : "N";
    if (txn->asks & ACS_ASK_BIND) what->bind = form->bind && !strcmp(form->bind, "Y") ? "Y" : "N";
}

/* What we judge ourselves; this attempt is not counted yet. */
static void judge_right(const acs_txn_t *txn, const acs_issuer_t *issuer, int right, entry_t *in, acs_happening_t *what)
{
    in->verdict = right ? ACS_VERDICT_RIGHT : ACS_VERDICT_WRONG;
    what->event = acs_cha_judge(issuer, txn, txn->attempts + 1, in->verdict, &what->informing);
}

/* An answer counts once, however often its form is sent; another answer from an older page counts too (it is a try). */
static void judge_answer(acs_run_t *run, const acs_txn_t *txn, entry_t *in, acs_happening_t *what)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, txn->issuer);
    int spc = txn->cha == ACS_CHA_SPC;
    const char *entry = spc ? in->form->assertion : in->form->otp;

    if (!entry || !*entry || strlen(entry) > (spc ? ASSERTION_MAX : 4 * ACS_OTP_MAX)) return; /* B-22 */
    acs_form_mark(run, in->mark, &in->token, entry);
    if (acs_form_seen(txn, in->mark)) return; /* B-34 */
    what->form_mark = in->mark;
    take_consents(txn, in->form, what);
    if (spc) {
        acs_spc_seen_t seen;

        judge_right(txn, issuer, acs_spc_right(run, txn, entry, &seen), in, what);
        what->spc_credential = seen.credential;
        what->spc_count = seen.count;
    }
    else if (txn->cha == ACS_CHA_OTP) judge_right(txn, issuer, acs_otp_right(run, txn, entry), in, what);
    else what->event = !issuer || (int)txn->attempts >= issuer->otp_attempts ? ACS_EV_ENTRY_LAST : ACS_EV_ENTRY_ASK;
}

static apr_status_t judge_resend(acs_run_t *run, const acs_txn_t *txn, entry_t *in, acs_happening_t *what)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, txn->issuer);

    if (txn->cha == ACS_CHA_OOB || txn->cha == ACS_CHA_SPC || !issuer || ((int)txn->resends >= issuer->otp_resends && !txn->unsent))
        return APR_SUCCESS;
    what->event = ACS_EV_RESEND;
    return acs_cha_prepare(run, txn, &in->otp, what);
}

/* The cardholder cannot or will not confirm with the device. */
static apr_status_t judge_other(acs_run_t *run, const acs_txn_t *txn, entry_t *in, acs_happening_t *what)
{
    if (!txn->other) return APR_SUCCESS;
    what->event = ACS_EV_RESEND;
    what->to = txn->other;
    in->switched = 1;
    return acs_cha_prepare(run, txn, &in->otp, what);
}

/* B-46: the button, and what the issuer's app has said by now. */
static void judge_button(const acs_txn_t *txn, entry_t *in, acs_happening_t *what)
{
    acs_result_e result = txn->result ? (acs_result_e)txn->result : in->result;

    what->event = acs_result_event(result);
    if (result == ACS_RESULT_OK) in->verdict = ACS_VERDICT_RIGHT;
    else if (what->event != ACS_EV_NONE) in->verdict = ACS_VERDICT_WRONG;
    if (what->event != ACS_EV_NONE) take_consents(txn, in->form, what);
}

static apr_status_t form_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    entry_t *in = baton;
    int current = in->token.version == txn->version || txn->cha == ACS_CHA_OOB; /* a result moves the version, not the page */
    apr_status_t rv = APR_SUCCESS;

    in->event = ACS_EV_NONE;
    in->switched = 0;
    in->verdict = ACS_VERDICT_NONE;
    if (txn->state != ACS_ST_INTERACT) return APR_SUCCESS;
    if (!strcmp(in->form->action, "cancel")) what->event = current ? ACS_EV_CANCEL : ACS_EV_NONE;
    else if (txn->informing) what->event = !strcmp(in->form->action, "continue") ? ACS_EV_CONTINUE : ACS_EV_NONE;
    else if (!strcmp(in->form->action, "other")) rv = current ? judge_other(run, txn, in, what) : APR_SUCCESS;
    else if (!strcmp(in->form->action, "resend")) rv = current ? judge_resend(run, txn, in, what) : APR_SUCCESS;
    else if (txn->cha == ACS_CHA_OOB) judge_button(txn, in, what);
    else judge_answer(run, txn, in, what);
    in->event = what->event;
    return rv;
}

static void count_entry(acs_run_t *run, const entry_t *in)
{
    acs_cha_count(run, in->verdict);
    if (in->event == ACS_EV_CANCEL) tds_metric_add(run->metrics, ACS_M_CANCEL, 1);
    if (in->event == ACS_EV_RESEND && !in->switched) tds_metric_add(run->metrics, ACS_M_RESEND, 1);
}

/* The button was pressed and no result has been called back: ask, and judge again. */
static apr_status_t poll_again(acs_run_t *run, entry_t *in, acs_txn_t **txn, unsigned *fx)
{
    int pressed = strcmp(in->form->action, "cancel") && strcmp(in->form->action, "resend");

    if (in->event != ACS_EV_NONE || (*txn)->state != ACS_ST_INTERACT || (*txn)->cha != ACS_CHA_OOB || !pressed ||
        (in->result = acs_cha_poll(run, *txn)) == ACS_RESULT_NONE)
        return APR_SUCCESS;
    return acs_run_event(run, in->token.id, in->token.version, form_judge, in, txn, fx);
}

/* What the entry has set off, and the page that comes of it. */
static void answer_form(acs_run_t *run, acs_txn_t *txn, unsigned fx, const entry_t *in, acs_answer_t *answer)
{
    acs_page_note_t note;

    count_entry(run, in);
    if (fx & FX_DELIVER) acs_cha_begin(run, &txn, in->otp, !in->switched);
    if (fx & FX_ASK) fx |= acs_cha_ask(run, &txn, in->form->otp);
    if (fx & FX_RREQ) acs_outbox_send(run, &txn);
    note = (acs_page_note_t){.failed = (txn->attempts > 0 || txn->cha == ACS_CHA_OOB) && in->event != ACS_EV_RESEND,
                             .resent = in->event == ACS_EV_RESEND && !in->switched && !txn->unsent};
    show(run, txn, &note, answer);
}

void acs_run_form(acs_run_t *run, const acs_form_t *form, acs_answer_t *answer)
{
    acs_form_t safe = *form;
    entry_t in = {.form = &safe};
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx;

    if (!safe.action) safe.action = "submit";
    if (acs_token_read(run, &in.token, form->token) != APR_SUCCESS) {
        tds_log(run->log, TDS_LOG_WARNING, "ACS0093", NULL, "page form with a token that is not ours");
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    rv = acs_run_event(run, in.token.id, in.token.version, form_judge, &in, &txn, &fx);
    if (rv == APR_SUCCESS) rv = poll_again(run, &in, &txn, &fx);
    if (rv == APR_SUCCESS) answer_form(run, txn, fx, &in, answer);
    else show_failure(run, in.token.id, rv, answer);
}

/* ---- reload -------------------------------------------------------------- */

static apr_status_t look_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    return APR_SUCCESS;
}

void acs_run_page(acs_run_t *run, const char *text, acs_answer_t *answer)
{
    acs_page_note_t note = {0};
    acs_token_t token;
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx;

    if (acs_token_read(run, &token, text) != APR_SUCCESS) {
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    rv = acs_run_event(run, token.id, token.version, look_judge, NULL, &txn, &fx);
    if (rv != APR_SUCCESS) {
        show_failure(run, token.id, rv, answer);
        return;
    }
    if (fx & FX_RREQ) acs_outbox_send(run, &txn);
    show(run, txn, &note, answer);
}
