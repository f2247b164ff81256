/* The browser's side: to the ACS by the hosted page, and back by the notificationURL. */
#include "srv_run.h"

#include <string.h>
#include "tds_b64.h"
#include "tds_token.h"
#include "srv_pages.h"

#define MESSAGE_MAX (16 * 1024)

static void show_failure(srv_run_t *run, const char *id, apr_status_t rv, srv_answer_t *answer)
{
    tds_metric_add(run->metrics, rv == APR_EINVAL ? SRV_M_TAMPERED : SRV_M_STORE_DOWN, 1);
    tds_log(run->log, TDS_LOG_ERR, "SRV0080", id, "browser cannot be served: %s (%s)",
            run->err->detail ? run->err->detail : "", run->err->where ? run->err->where : "");
    srv_page_neutral(run, rv == APR_EINVAL ? 400 : 503, answer);
}

/* ---- notificationURL ----------------------------------------------------- */

/* B-43: CRes or Erro, from whoever; nothing in it is believed. */
static tds_msg_t *open_message(srv_run_t *run, const char *field)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_CRES) | TDS_MSG_BIT(TDS_MSG_ERRO)};
    tds_msg_t *msg = NULL;
    unsigned char *text;
    apr_size_t len;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (!field || strlen(field) > MESSAGE_MAX) return NULL;
    if (tds_b64url_decode(&text, &len, field, strlen(field), 1, run->pool) != APR_SUCCESS) return NULL;
    (void)tds_msg_open(&msg, (const char *)text, len, &rules, run->pool, &err);
    return msg && (msg->type == TDS_MSG_CRES || msg->type == TDS_MSG_ERRO) ? msg : NULL;
}

/* Does it speak of this transaction? An Erro need not know the ACS's id. */
static int belongs(const tds_msg_t *msg, const srv_txn_t *txn)
{
    const char *id = tds_msg_id(msg, TDS_E_ACS_TRANS_ID);

    if (!txn->acs_trans_id) return 0;
    if (!id) return msg->type == TDS_MSG_ERRO && !tds_msg_get(msg, TDS_E_ACS_TRANS_ID);
    return !strcasecmp(id, txn->acs_trans_id);
}

/* B-19: an Erro of the ACS is told at once, as a hint: the result comes from the DS alone. The first one counts, so that a
 * stranger who knows the ids cannot make us write again and again. */
static apr_status_t notify_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    const tds_msg_t *msg = baton;

    if (msg->type != TDS_MSG_ERRO || !belongs(msg, txn) || txn->hint) return APR_SUCCESS;
    what->event = SRV_EV_HINT;
    what->hint = srv_decide_erro(run, msg, "A");
    return APR_SUCCESS;
}

static void note_message(srv_run_t *run, const tds_msg_t *msg, const srv_txn_t *txn)
{
    if (msg->type == TDS_MSG_ERRO) {
        const char *code = srv_decide_erro_code(msg);

        tds_log(run->log, TDS_LOG_WARNING, "SRV0081", txn->id, "the browser brings Erro %s of the ACS", code ? code : "?");
    }
    else if (!srv_decide_agrees(txn, tds_msg_get(msg, TDS_E_TRANS_STATUS), run->pool)) { /* S-62 */
        tds_metric_add(run->metrics, SRV_M_MISMATCH, 1);
        tds_log(run->log, TDS_LOG_WARNING, "SRV0082", txn->id, "CRes and RReq do not agree: the RReq counts");
    }
}

void srv_run_notify(srv_run_t *run, const char *field, srv_answer_t *answer)
{
    tds_msg_t *msg = open_message(run, field);
    const char *id = msg ? tds_msg_id(msg, TDS_E_THREE_DS_SERVER_TRANS_ID) : NULL;
    apr_status_t rv = APR_ENOENT;
    srv_txn_t *txn = NULL;
    unsigned fx;

    if (id) rv = srv_run_event(run, id, 0, notify_judge, msg, &txn, &fx);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        show_failure(run, id, rv, answer);
        return;
    }
    if (rv != APR_SUCCESS || !belongs(msg, txn)) {
        tds_metric_add(run->metrics, SRV_M_NOTIFIED_UNKNOWN, 1);
        tds_log(run->log, TDS_LOG_INFO, "SRV0083", NULL, "a notification that belongs to no transaction");
        srv_page_neutral(run, 200, answer);
        return;
    }
    tds_metric_add(run->metrics, SRV_M_NOTIFIED, 1);
    note_message(run, msg, txn);
    srv_page_return(run, txn, 200, answer);
}

/* ---- hosted challenge page ----------------------------------------------- */

/* The CReq leaves here once: a reload would post it again, and a second one ends the challenge (B-44). */
static apr_status_t show_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    int *first = baton;

    *first = txn->state == SRV_ST_CHALLENGE && !txn->shown_at && what->now < txn->ares_at + run->conf->creq_within; /* S-49 */
    if (*first) what->event = SRV_EV_SHOWN;
    return APR_SUCCESS;
}

void srv_run_challenge(srv_run_t *run, const char *text, srv_answer_t *answer)
{
    tds_token_t token;
    srv_txn_t *txn;
    const char *creq;
    apr_status_t rv;
    unsigned fx;
    int first = 0;

    if (tds_token_read(&token, run->keys, SRV_TOKEN_LABEL, text, run->pool) != APR_SUCCESS) {
        srv_page_neutral(run, 404, answer);
        return;
    }
    rv = srv_run_event(run, token.id, token.version, show_judge, &first, &txn, &fx);
    if (APR_STATUS_IS_ENOENT(rv)) srv_page_neutral(run, 404, answer);
    else if (rv != APR_SUCCESS) show_failure(run, token.id, rv, answer);
    else if (txn->state == SRV_ST_FINAL) srv_page_return(run, txn, 200, answer);
    else if (txn->state != SRV_ST_CHALLENGE) srv_page_neutral(run, 409, answer);
    else if (!first) srv_page_return(run, txn, 410, answer);
    else if ((creq = srv_creq_make(run, txn))) srv_page_challenge(run, txn, creq, answer);
    else srv_page_neutral(run, 500, answer);
}
