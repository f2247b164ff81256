/* What messages mean: an answer to the AReq, an RReq, a CRes. Nothing is sent or stored here. */
#include "srv_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_json.h"
#include "tds_mask.h"

/* ---- what the requestor is told ------------------------------------------ */

/* Told by members of the record, or nobody's business. */
static int is_kept_apart(tds_elem_e elem)
{
    switch (elem) {
    case TDS_E_MESSAGE_TYPE:
    case TDS_E_MESSAGE_VERSION:
    case TDS_E_MESSAGE_CATEGORY:
    case TDS_E_THREE_DS_SERVER_TRANS_ID:
    case TDS_E_DS_TRANS_ID:
    case TDS_E_ACS_TRANS_ID:
    case TDS_E_ACS_URL:
    case TDS_E_AUTHENTICATION_VALUE:
        return 1;
    default:
        return 0;
    }
}

const char *srv_decide_told(const tds_msg_t *msg, apr_pool_t *pool)
{
    json_t *doc = tds_json_object(pool);
    apr_size_t len;
    int i;

    for (i = 1; i < TDS_ELEM_TOP_END; ++i) {
        const json_t *v = is_kept_apart((tds_elem_e)i) ? NULL : tds_msg_get_json(msg, (tds_elem_e)i);
        if (v) json_object_set(doc, tds_elem_name((tds_elem_e)i), (json_t *)v);
    }
    return tds_json_text(doc, &len, pool);
}

/* ---- ARes ---------------------------------------------------------------- */

#define TEXT_MAX 2048 /* bytes of errorDescription, errorDetail */

/* Short enough to hand on, cut between characters, never empty. */
static const char *erro_text(const tds_msg_t *erro, tds_elem_e elem, const char *fallback, apr_pool_t *pool)
{
    const char *text = tds_mask_text(tds_msg_get(erro, elem), pool);
    apr_size_t n = TEXT_MAX;

    if (!text || !*text) return fallback;
    if (strlen(text) <= n) return text;
    while (n && ((unsigned char)text[n] & 0xC0) == 0x80) --n;
    return apr_pstrmemdup(pool, text, n);
}

const char *srv_decide_erro_code(const tds_msg_t *erro)
{
    const char *code = tds_msg_get(erro, TDS_E_ERROR_CODE);

    return code && strlen(code) == 3 && strspn(code, "0123456789") == 3 ? code : NULL;
}

const char *srv_decide_erro(srv_run_t *run, const tds_msg_t *erro, const char *from)
{
    const char *code = srv_decide_erro_code(erro), *component = tds_msg_get(erro, TDS_E_ERROR_COMPONENT);
    int known = component && strlen(component) == 1 && strchr("ACDS", *component);

    return srv_error_text(run, code ? code : "101", known ? component : from,
                          erro_text(erro, TDS_E_ERROR_DESCRIPTION, "Erro", run->pool),
                          erro_text(erro, TDS_E_ERROR_DETAIL, "none", run->pool));
}

/* S-44 */
static void is_erro(srv_run_t *run, const srv_txn_t *txn, const tds_msg_t *erro, srv_happening_t *what)
{
    const char *code = srv_decide_erro_code(erro);

    what->event = SRV_EV_ARES_ERRO;
    what->error = srv_decide_erro(run, erro, "D");
    tds_metric_add(run->metrics, SRV_M_AREQ_ERRO, 1);
    tds_log(run->log, TDS_LOG_WARNING, "SRV0030", txn->id, "Erro %s instead of an ARes", code ? code : "?");
}

/* What can be known of an ARes that is refused, for the RReq that may follow it (S-43). */
static void remember_ids(const tds_msg_t *ares, srv_happening_t *what)
{
    const char *status = ares && ares->type == TDS_MSG_ARES ? tds_msg_get(ares, TDS_E_TRANS_STATUS) : NULL;

    if (!ares || ares->type != TDS_MSG_ARES) return;
    if (status && strlen(status) == 1) what->trans_status = status;
    what->acs_trans_id = tds_msg_id(ares, TDS_E_ACS_TRANS_ID);
    what->ds_trans_id = tds_msg_id(ares, TDS_E_DS_TRANS_ID);
}

/* S-40 .. S-43: Erro to the DS, and the requestor is told. */
static void is_bad(srv_run_t *run, const srv_txn_t *txn, const tds_err_t *err, const tds_msg_t *ares, srv_happening_t *what)
{
    const char *bytes;
    apr_size_t len;

    what->event = SRV_EV_ARES_BAD;
    what->error = srv_error_of(run, err);
    remember_ids(ares, what);
    if (srv_erro_bytes(run, err, ares, txn, &bytes, &len) == APR_SUCCESS) what->erro = TDS_BYTES(bytes, len);
    tds_metric_add(run->metrics, SRV_M_AREQ_BAD, 1);
    tds_log(run->log, TDS_LOG_WARNING, "SRV0031", txn->id, "ARes refused with Erro %d %s: %s (%s)", err->proto,
            err->elements ? err->elements : "-", err->detail ? err->detail : "", err->where ? err->where : "");
}

static void is_missing(srv_run_t *run, const srv_txn_t *txn, const tds_http_resp_t *resp, srv_happening_t *what)
{
    int sent = tds_http_sent(resp->result);
    const char *word = tds_http_came(resp, run->pool);

    what->event = sent ? SRV_EV_NO_ARES : SRV_EV_NO_CONNECTION;
    what->error = srv_error_text(run, sent ? "402" : "405", "S",
                                 sent ? "the DS did not answer the AReq" : "the DS could not be reached", word);
    tds_metric_add(run->metrics, sent ? SRV_M_AREQ_SILENT : SRV_M_AREQ_UNREACHED, 1);
    tds_log(run->log, TDS_LOG_WARNING, "SRV0032", txn->id, "no ARes: %s", word);
}

/* A DS under another number than configured: worth a look, no fault of this transaction. */
static void note_reference(srv_run_t *run, const srv_txn_t *txn, const tds_msg_t *ares)
{
    const srv_ds_t *ds = srv_ds_by_name(run->conf, txn->ds);
    const char *number = tds_msg_get(ares, TDS_E_DS_REFERENCE_NUMBER);

    if (ds && ds->reference_number && number && strcmp(number, ds->reference_number))
        tds_log(run->log, TDS_LOG_WARNING, "SRV0034", txn->id, "DS %s has another dsReferenceNumber than configured", ds->name);
}

static void is_good(srv_run_t *run, const srv_txn_t *txn, const tds_msg_t *ares, srv_happening_t *what)
{
    static const char order[] = "YANURCI";
    const char *status = tds_msg_get(ares, TDS_E_TRANS_STATUS), *at = strchr(order, status[0]);

    what->event = strcmp(status, "C") ? SRV_EV_ARES_DONE : SRV_EV_ARES_CHALLENGE;
    what->trans_status = status;
    what->acs_trans_id = tds_msg_get(ares, TDS_E_ACS_TRANS_ID);
    what->ds_trans_id = tds_msg_get(ares, TDS_E_DS_TRANS_ID);
    what->acs_url = tds_msg_get(ares, TDS_E_ACS_URL);
    what->value = tds_msg_get(ares, TDS_E_AUTHENTICATION_VALUE);
    what->ares = srv_decide_told(ares, run->pool);
    what->prior = srv_prior_add(txn->prior, ares, run->pool);
    note_reference(run, txn, ares);
    if (at) tds_metric_add(run->metrics, SRV_M_ARES_Y + (int)(at - order), 1);
    tds_log(run->log, TDS_LOG_INFO, "SRV0033", txn->id, "ARes %s of DS %s", status, txn->ds);
}

static apr_status_t check_ares(const srv_txn_t *txn, tds_msg_t *ares, const tds_msg_rules_t *rules, tds_err_t *err)
{
    tds_prior_t ids[] = {{TDS_MSG_NONE, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->id}};
    const char *status;
    apr_status_t rv = tds_msg_check(ares, rules, err);

    if (rv == APR_SUCCESS) rv = tds_msg_match(ares, ids, 1, 301, err);
    if (rv != APR_SUCCESS) return rv;
    status = tds_msg_get(ares, TDS_E_TRANS_STATUS);
    if (!strchr("YANURCI", status[0])) /* never asked for: D, S */
        return TDS_FAIL(err, APR_EINVAL, 203, "transStatus", "not asked for");
    return APR_SUCCESS;
}

void srv_decide_ares(srv_run_t *run, const srv_txn_t *txn, const tds_http_resp_t *resp, srv_happening_t *what)
{
    tds_prior_t prior[SRV_PRIOR_MAX];
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_ARES) | TDS_MSG_BIT(TDS_MSG_ERRO),
                             .version_must = (tds_ver_e)txn->msg_version,
                             .prior = prior,
                             .nprior = srv_prior_read(txn->prior, prior, run->pool),
                             .leg = TDS_LEG_DS_SERVER};
    const srv_ds_t *ds = srv_ds_by_name(run->conf, txn->ds);
    tds_msg_t *msg = NULL;
    tds_err_t err;
    apr_status_t rv;

    tds_err_init(&err, run->pool);
    if (ds) tds_profile_apply(&ds->profile, &rules);
    if (resp->result == TDS_HTTP_TOO_LARGE) {
        (void)TDS_FAIL(&err, APR_ENOSPC, 101, NULL, "the answer is too large");
        is_bad(run, txn, &err, NULL, what);
        return;
    }
    if (resp->result != TDS_HTTP_OK || (!resp->len && resp->status >= 500)) { /* X-HTTP-08: what stands before it failed */
        is_missing(run, txn, resp, what);
        return;
    }
    rv = tds_msg_open(&msg, resp->body, resp->len, &rules, run->pool, &err);
    if (msg && msg->type == TDS_MSG_ERRO) {
        is_erro(run, txn, msg, what);
        return;
    }
    if (!msg && (!resp->len || resp->status != 200)) {
        tds_err_clear(&err);
        rv = TDS_FAIL(&err, APR_EINVAL, 101, tds_http_came(resp, run->pool), "not JSON");
    }
    if (rv == APR_SUCCESS && msg) rv = check_ares(txn, msg, &rules, &err);
    if (rv == APR_SUCCESS) is_good(run, txn, msg, what);
    else is_bad(run, txn, &err, msg, what);
}

/* ---- RReq and CRes ------------------------------------------------------- */

/* S-58 */
const char *srv_decide_results_status(const srv_txn_t *txn, const tds_msg_t *rreq)
{
    const char *cancel = tds_msg_get(rreq, TDS_E_CHALLENGE_CANCEL);

    if (txn->state == SRV_ST_CHALLENGE || txn->end == SRV_END_UNKNOWN) return cancel && !strcmp(cancel, "05") ? "02" : "01";
    return txn->end == SRV_END_CANCELLED ? "02" : "03";
}

int srv_decide_agrees(const srv_txn_t *txn, const char *cres_status, apr_pool_t *pool)
{
    const char *status = NULL;
    json_t *root = NULL;
    tds_err_t err;

    if (!txn->rreq || !cres_status) return 1;
    tds_err_init(&err, pool);
    if (tds_json_parse(&root, txn->rreq, strlen(txn->rreq), pool, &err) == APR_SUCCESS)
        status = tds_json_get(root, "transStatus");
    return !status || !strcmp(status, "Y") == !strcmp(cres_status, "Y");
}
