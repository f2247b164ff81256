/* The DS-facing endpoint: RReq to RRes, and the Erro that a DS may post (S-50 .. S-60). */
#include "srv_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_view.h"

#define REPEAT_WITHIN apr_time_from_sec(60) /* S-54 */

typedef struct rreq_t {
    tds_msg_t *msg;
    tds_msg_rules_t rules;
    tds_prior_t prior[SRV_PRIOR_MAX];
    tds_bytes_t hash;
    int repeat; /* byte for byte the one that was accepted */
} rreq_t;

/* ---- judging ------------------------------------------------------------- */

/* S-52. Ids that no ARes told us are taken as they come. */
static apr_status_t check_ids(const rreq_t *in, const srv_txn_t *txn, tds_err_t *err)
{
    tds_prior_t ids[] = {{TDS_MSG_NONE, TDS_E_DS_TRANS_ID, txn->ds_trans_id},
                         {TDS_MSG_NONE, TDS_E_ACS_TRANS_ID, txn->acs_trans_id}};

    return tds_msg_match(in->msg, ids, 2, 301, err);
}

/* S-51: what comes before the state. */
static apr_status_t check_head(const rreq_t *in, const srv_txn_t *txn, tds_err_t *err)
{
    if (in->msg->version != (tds_ver_e)txn->msg_version)
        return TDS_FAIL(err, APR_BADARG, 203, "messageVersion", "another version than the AReq");
    return APR_SUCCESS;
}

static apr_status_t check_body(rreq_t *in, const srv_txn_t *txn, tds_err_t *err)
{
    tds_prior_t category[] = {{TDS_MSG_NONE, TDS_E_MESSAGE_CATEGORY, txn->category}};
    apr_status_t rv;

    in->rules.version_must = (tds_ver_e)txn->msg_version;
    if ((rv = tds_msg_check(in->msg, &in->rules, err)) == APR_SUCCESS) rv = check_ids(in, txn, err);
    if (rv == APR_SUCCESS) rv = tds_msg_match(in->msg, category, 1, 203, err);
    return rv == APR_SUCCESS ? rv : APR_BADARG;
}

static void fill(srv_run_t *run, const rreq_t *in, const srv_txn_t *txn, srv_happening_t *what)
{
    what->rreq_hash = in->hash;
    what->results_status = srv_decide_results_status(txn, in->msg);
    if (strcmp(what->results_status, "03")) { /* what never reached the requestor has no result (S-43) */
        what->rreq = srv_decide_told(in->msg, run->pool);
        what->value = tds_msg_get(in->msg, TDS_E_AUTHENTICATION_VALUE);
    }
}

/* The transaction's own DS, which is still one of its requestor's environment. */
static int is_of_ds(const srv_run_t *run, const srv_txn_t *txn)
{
    return run->ds && !strcmp(txn->ds, run->ds->name) && srv_ds_for(run->conf, txn->ds, txn->requestor);
}

static apr_status_t rreq_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    rreq_t *in = baton;
    apr_status_t rv;

    in->repeat = txn->rreq_hash.len == in->hash.len && tds_equal(txn->rreq_hash.data, in->hash.data, in->hash.len) &&
                 txn->msg_version < TDS_V231 && what->now - txn->rreq_at <= REPEAT_WITHIN;
    if (!is_of_ds(run, txn))
        return TDS_FAIL(run->err, APR_BADARG, 301, "threeDSServerTransID", "not a transaction of this DS");
    if (in->repeat) return APR_SUCCESS;
    if ((rv = check_head(in, txn, run->err)) != APR_SUCCESS) return rv;
    what->event = srv_txn_rreq_event(txn);
    if (what->event != SRV_EV_RREQ && what->event != SRV_EV_RREQ_LATE) return APR_SUCCESS; /* the table refuses it */
    in->rules.nprior = srv_prior_read(txn->prior, in->prior, run->pool);
    if ((rv = check_body(in, txn, run->err)) != APR_SUCCESS) return rv;
    fill(run, in, txn, what);
    return APR_SUCCESS;
}

/* ---- answering ----------------------------------------------------------- */

/* The ids of an RReq whose ARes was lost go into its RRes as they came. */
static const srv_txn_t *with_ids(srv_run_t *run, const srv_txn_t *txn, const rreq_t *in)
{
    srv_txn_t *t = apr_pmemdup(run->pool, txn, sizeof *txn);

    if (!t->ds_trans_id) t->ds_trans_id = tds_msg_id(in->msg, TDS_E_DS_TRANS_ID);
    if (!t->acs_trans_id) t->acs_trans_id = tds_msg_id(in->msg, TDS_E_ACS_TRANS_ID);
    return t;
}

static apr_status_t refused(srv_run_t *run, const srv_txn_t *txn, unsigned fx)
{
    int again = (fx & FX_ERRO_AGAIN) != 0;

    return TDS_FAIL(run->err, APR_BADARG,
                    tds_view_code((tds_ver_e)txn->msg_version, again ? TDS_FAULT_DUPLICATE : TDS_FAULT_RREQ_UNDUE),
                    "threeDSServerTransID", again ? "a second RReq" : "no RReq is due");
}

static apr_status_t take_rreq(srv_run_t *run, rreq_t *in, srv_txn_t **ptxn, srv_answer_t *answer)
{
    const char *id = tds_msg_id(in->msg, TDS_E_THREE_DS_SERVER_TRANS_ID);
    apr_status_t rv;
    unsigned fx;

    if (in->msg->duplicates) return TDS_FAIL(run->err, APR_BADARG, 204, in->msg->duplicates, "duplicate element");
    if (tds_msg_id_check(in->msg, TDS_E_THREE_DS_SERVER_TRANS_ID, run->err) != APR_SUCCESS) return APR_BADARG;
    rv = srv_run_event(run, id, 0, rreq_judge, in, ptxn, &fx);
    if (APR_STATUS_IS_ENOENT(rv))
        return TDS_FAIL(run->err, APR_BADARG, 301, "threeDSServerTransID", "no such transaction");
    if (rv == APR_EACCES) return refused(run, *ptxn, fx);
    if (rv != APR_SUCCESS) return rv;
    tds_metric_add(run->metrics, in->repeat ? SRV_M_RREQ_REPEAT : SRV_M_RREQ, 1);
    tds_log(run->log, TDS_LOG_INFO, "SRV0060", id, "RReq%s: resultsStatus %s", in->repeat ? " again" : "",
            (*ptxn)->results_status);
    return srv_answer_rres(run, with_ids(run, *ptxn, in), answer);
}

static apr_status_t take_oreq(srv_run_t *run, rreq_t *in, srv_answer_t *answer)
{
    apr_status_t rv = tds_msg_check(in->msg, &in->rules, run->err);

    return rv == APR_SUCCESS ? srv_take_oreq(run, in->msg, answer) : rv;
}

static apr_status_t erro_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    if (!is_of_ds(run, txn)) return APR_SUCCESS;
    what->event = SRV_EV_DS_ERRO;
    what->error = srv_decide_erro(run, baton, "D");
    return APR_SUCCESS;
}

/* S-59, S-60. Never answered with an Erro; whoever cannot be identified is dropped (E-06). */
static void take_erro(srv_run_t *run, tds_msg_t *erro, srv_answer_t *answer)
{
    const char *id = tds_msg_id(erro, TDS_E_THREE_DS_SERVER_TRANS_ID), *code = srv_decide_erro_code(erro);
    srv_txn_t *txn;
    unsigned fx;

    *answer = (srv_answer_t){.status = 200};
    if (!run->ds) return;
    tds_metric_add(run->metrics, SRV_M_DS_ERRO, 1);
    tds_log(run->log, TDS_LOG_WARNING, "SRV0061", id, "Erro %s posted by DS %s", code ? code : "?", run->ds->name);
    if (id) (void)srv_run_event(run, id, 0, erro_judge, erro, &txn, &fx);
}

void srv_run_results(srv_run_t *run, const char *body, apr_size_t len, srv_answer_t *answer)
{
    rreq_t in = {.rules = {.accept = TDS_MSG_BIT(TDS_MSG_RREQ) | TDS_MSG_BIT(TDS_MSG_OREQ) | TDS_MSG_BIT(TDS_MSG_ERRO),
                           .versions = run->conf->versions,
                           .leg = TDS_LEG_DS_SERVER}};
    srv_txn_t *txn = NULL;
    unsigned char *hash = apr_palloc(run->pool, TDS_HASH_LEN);
    apr_status_t rv;

    if (run->ds) tds_profile_apply(&run->ds->profile, &in.rules);
    rv = tds_msg_open(&in.msg, body, len, &in.rules, run->pool, run->err);
    in.rules.prior = in.prior;
    if (in.msg && in.msg->type == TDS_MSG_ERRO) {
        take_erro(run, in.msg, answer);
        return;
    }
    if (!run->ds) {
        tds_metric_add(run->metrics, SRV_M_DS_UNKNOWN, 1);
        tds_err_clear(run->err);
        rv = TDS_FAIL(run->err, APR_EACCES, 303, NULL, "the client certificate is that of no configured DS");
    }
    if (rv == APR_SUCCESS) rv = tds_sha256(hash, body, len);
    in.hash = TDS_BYTES(hash, TDS_HASH_LEN);
    if (rv == APR_SUCCESS && in.msg) rv = in.msg->type == TDS_MSG_OREQ ? take_oreq(run, &in, answer)
                                                                     : take_rreq(run, &in, &txn, answer);
    if (rv == APR_SUCCESS) return;
    if (!run->err->proto) run->err->proto = 404;
    tds_metric_add(run->metrics, SRV_M_RREQ_ERRO, 1);
    tds_log(run->log, TDS_LOG_WARNING, "SRV0062", in.msg ? tds_msg_id(in.msg, TDS_E_THREE_DS_SERVER_TRANS_ID) : NULL,
            "%s refused with Erro %d %s: %s (%s)", in.msg && in.msg->type == TDS_MSG_OREQ ? "OReq" : "RReq", run->err->proto,
            run->err->elements ? run->err->elements : "-",
            run->err->detail ? run->err->detail : "", run->err->where ? run->err->where : "");
    srv_answer_erro(run, run->err, in.msg, txn && is_of_ds(run, txn) ? txn : NULL, answer);
}
