/* What goes back: JSON to a requestor, RRes and Erro to a DS. */
#include "srv_run.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_json.h"
#include "tds_time.h"
#include "tds_token.h"

/* ---- errors -------------------------------------------------------------- */

/* Who is to do something about it. */
static const char *actor_of(const char *code, const char *component)
{
    static const char *const requestors[] = {"101", "102", "201", "203", "204", "304", "305", NULL};
    int i;

    if (component[0] == 'D') return "directoryServer";
    if (component[0] == 'A') return "acs";
    for (i = 0; requestors[i]; ++i) {
        if (!strcmp(requestors[i], code)) return "requestor";
    }
    return "3dsServer";
}

static json_t *error_doc(srv_run_t *run, const char *code, const char *component, const char *description,
                         const char *detail, const char *actor)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "errorCode", code);
    tds_json_set(doc, "errorDescription", description);
    tds_json_set(doc, "errorDetail", detail);
    tds_json_set(doc, "errorComponent", component);
    tds_json_set(doc, "actor", actor);
    return doc;
}

const char *srv_error_text(srv_run_t *run, const char *code, const char *component, const char *description,
                           const char *detail)
{
    apr_size_t len;

    return tds_json_text(error_doc(run, code, component, description, detail, actor_of(code, component)), &len, run->pool);
}

static const char *code_of(const tds_err_t *err, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%03d", err->proto ? err->proto : 403);
}

const char *srv_error_of(srv_run_t *run, const tds_err_t *err)
{
    json_t *doc = error_doc(run, code_of(err, run->pool), "S", tds_erro_text(err->proto ? err->proto : 403),
                            err->elements ? err->elements : err->detail, "directoryServer");
    apr_size_t len;

    return tds_json_text(doc, &len, run->pool);
}

void srv_answer_json(srv_run_t *run, int status, const json_t *doc, srv_answer_t *answer)
{
    *answer = (srv_answer_t){.status = status, .kind = SRV_BODY_JSON};
    answer->body = tds_json_text(doc, &answer->len, run->pool);
}

/* What failed inside is for the log. */
void srv_answer_fault(srv_run_t *run, int status, srv_answer_t *answer)
{
    const tds_err_t *err = run->err;
    const char *code = code_of(err, run->pool), *text = tds_erro_text(err->proto ? err->proto : 403);
    const char *description = status < 500 && err->detail ? err->detail : text;
    const char *detail = status < 500 && err->elements ? err->elements : description;
    const char *actor = status < 500 ? "requestor" : actor_of(code, "S");

    srv_answer_json(run, status, error_doc(run, code, "S", description, detail, actor), answer);
}

/* ---- the transaction ----------------------------------------------------- */

const char *srv_browser_token(srv_run_t *run, const srv_txn_t *txn)
{
    return tds_token_make(run->keys, SRV_TOKEN_LABEL, txn->id, 1, run->pool);
}

const char *srv_creq_make(srv_run_t *run, const srv_txn_t *txn)
{
    tds_msg_t *creq = tds_msg_make(TDS_MSG_CREQ, (tds_ver_e)txn->msg_version, run->pool);
    tds_prior_t prior[SRV_PRIOR_MAX];
    tds_msg_rules_t rules = {.prior = prior,
                             .nprior = srv_prior_read(txn->prior, prior, run->pool),
                             .leg = TDS_LEG_REQUESTOR_ACS};
    const char *bytes;
    apr_size_t len;
    tds_err_t err;

    tds_msg_set(creq, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->id);
    tds_msg_set(creq, TDS_E_ACS_TRANS_ID, txn->acs_trans_id);
    tds_msg_set(creq, TDS_E_CHALLENGE_WINDOW_SIZE, txn->window_size);
    tds_err_init(&err, run->pool);
    if (tds_msg_encode(&bytes, &len, creq, &rules, run->pool, &err) == APR_SUCCESS)
        return tds_b64url_encode(bytes, len, run->pool);
    tds_log(run->log, TDS_LOG_ERR, "SRV0020", txn->id, "CReq is not fit to be sent: %d %s", err.proto,
            err.elements ? err.elements : "");
    return NULL;
}

static void add_text(json_t *doc, const char *text, apr_pool_t *pool)
{
    json_t *more = NULL;
    tds_err_t err;

    tds_err_init(&err, pool);
    if (text && tds_json_parse(&more, text, strlen(text), pool, &err) == APR_SUCCESS) json_object_update(doc, more);
}

/* S-62: the RReq wins, and what it does not say about the result is not there. */
static void add_result(srv_run_t *run, const srv_txn_t *txn, json_t *doc)
{
    add_text(doc, txn->ares, run->pool);
    if (txn->rreq) {
        json_object_del(doc, "transStatusReason");
        json_object_del(doc, "eci");
        add_text(doc, txn->rreq, run->pool);
    }
    if (txn->state == SRV_ST_FINAL && txn->value && run->clock() < txn->value_until)
        tds_json_set(doc, "authenticationValue", txn->value);
    tds_json_set(doc, "acsTransID", txn->ares ? txn->acs_trans_id : NULL);
    tds_json_set(doc, "dsTransID", txn->ares ? txn->ds_trans_id : NULL);
}

/* S-46, S-49: what starts the challenge, as long as it may. */
static void add_challenge(srv_run_t *run, const srv_txn_t *txn, json_t *doc)
{
    apr_time_t until = txn->ares_at + run->conf->creq_within;
    const char *token;

    if (run->clock() >= until) return;
    token = srv_browser_token(run, txn);
    tds_json_set(doc, "acsURL", txn->acs_url);
    tds_json_set(doc, "creq", srv_creq_make(run, txn));
    tds_json_set(doc, "challengeUrl", apr_pstrcat(run->pool, run->conf->browser_url, "/challenge/", token, NULL));
    tds_json_set(doc, "challengeExpiresAt", tds_time_iso(until, run->pool));
}

static void add_head(const srv_txn_t *txn, json_t *doc)
{
    tds_json_set(doc, "threeDSServerTransID", txn->id);
    tds_json_set(doc, "state", srv_state_name((srv_state_e)txn->state));
    tds_json_set(doc, "messageVersion", tds_ver_text((tds_ver_e)txn->msg_version));
    tds_json_set(doc, "directoryServer", txn->ds);
}

/* An end without a result: status 200 shows it inside the transaction, another one makes it the answer. */
void srv_answer_txn(srv_run_t *run, const srv_txn_t *txn, int status, srv_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool);

    add_head(txn, doc);
    if (status != 200) add_text(doc, txn->error, run->pool);
    else {
        add_result(run, txn, doc);
        if (txn->state == SRV_ST_CHALLENGE) add_challenge(run, txn, doc);
        if (txn->end == SRV_END_CANCELLED) json_object_set_new(doc, "cancelled", json_true());
        if (txn->error) {
            json_t *error = json_object();
            add_text(error, txn->error, run->pool);
            json_object_set_new(doc, "error", error);
        }
        if (txn->hint) {
            json_t *hint = json_object();
            add_text(hint, txn->hint, run->pool);
            json_object_set_new(doc, "hint", hint);
        }
    }
    srv_answer_json(run, status, doc, answer);
}

void srv_answer_created(srv_run_t *run, const srv_txn_t *txn, srv_answer_t *answer)
{
    json_t *doc = tds_json_object(run->pool);

    add_head(txn, doc);
    tds_json_set(doc, "browserToken", srv_browser_token(run, txn));
    srv_answer_json(run, 201, doc, answer);
}

/* ---- to the DS ----------------------------------------------------------- */

apr_status_t srv_erro_bytes(srv_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const srv_txn_t *txn,
                            const char **bytes, apr_size_t *len)
{
    tds_erro_t in = {.component = 'S', .err = err, .faulty = faulty, .versions = run->conf->versions};
    tds_err_t own;

    if (txn) {
        in.version = (tds_ver_e)txn->msg_version;
        in.server_trans_id = txn->id;
        in.ds_trans_id = txn->ds_trans_id;
        in.acs_trans_id = txn->acs_trans_id;
    }
    tds_err_init(&own, run->pool);
    return tds_msg_encode(bytes, len, tds_erro_make(&in, run->pool), NULL, run->pool, &own);
}

void srv_answer_erro(srv_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const srv_txn_t *txn,
                     srv_answer_t *answer)
{
    *answer = (srv_answer_t){.status = 200, .kind = SRV_BODY_JSON};
    if (srv_erro_bytes(run, err, faulty, txn, &answer->body, &answer->len) != APR_SUCCESS)
        *answer = (srv_answer_t){.status = 500};
}

/* S-57. Made of the record alone: a repeated RReq gets the same bytes. */
apr_status_t srv_answer_rres(srv_run_t *run, const srv_txn_t *txn, srv_answer_t *answer)
{
    tds_msg_t *rres = tds_msg_make(TDS_MSG_RRES, (tds_ver_e)txn->msg_version, run->pool);
    tds_prior_t prior[SRV_PRIOR_MAX];
    tds_msg_rules_t rules = {.prior = prior,
                             .nprior = srv_prior_read(txn->prior, prior, run->pool),
                             .leg = TDS_LEG_SERVER_DS};

    tds_msg_set(rres, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->id);
    tds_msg_set(rres, TDS_E_DS_TRANS_ID, txn->ds_trans_id);
    tds_msg_set(rres, TDS_E_ACS_TRANS_ID, txn->acs_trans_id);
    tds_msg_set(rres, TDS_E_RESULTS_STATUS, txn->results_status);
    *answer = (srv_answer_t){.status = 200, .kind = SRV_BODY_JSON};
    if (rres->version >= TDS_V231) { /* X-HTTP-09 */
        answer->request_id = txn->ds_trans_id;
        answer->response_id = txn->id;
    }
    return tds_msg_encode(&answer->body, &answer->len, rres, &rules, run->pool, run->err);
}
