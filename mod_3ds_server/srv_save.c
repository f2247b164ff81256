/* Records to the store and back, and the loop that every event goes through. */
#include "srv_run.h"

#include "tds_point.h"

#define RACES_MAX 20

apr_status_t srv_load(srv_run_t *run, const char *id, unsigned version_min, srv_txn_t **ptxn)
{
    unsigned char *bytes;
    unsigned version;
    apr_size_t len;
    apr_status_t rv = tds_store_load(run->store, id, version_min, &bytes, &len, &version, run->pool, run->err);

    if (rv != APR_SUCCESS) return rv;
    if (srv_txn_decode(ptxn, id, bytes, len, version, run->pool) != APR_SUCCESS)
        return TDS_FAIL(run->err, APR_EINVAL, 404, NULL, "stored record cannot be read");
    return APR_SUCCESS;
}

static apr_status_t write_out(srv_run_t *run, srv_txn_t *txn,
                              apr_status_t (*write)(tds_store_t *, const tds_change_t *, apr_pool_t *, tds_err_t *))
{
    tds_change_t change = {.id = txn->id, .version = txn->version, .lane = srv_txn_lane(txn), .due = srv_txn_due(txn)};
    unsigned char *bytes;
    apr_status_t rv;

    if ((rv = srv_txn_encode(&bytes, &change.len, txn, run->pool)) != APR_SUCCESS) return rv;
    change.value = bytes;
    change.ttl = srv_txn_ttl(txn, run->conf, run->clock());
    if ((rv = write(run->store, &change, run->pool, run->err)) == APR_SUCCESS) ++txn->version;
    return rv;
}

apr_status_t srv_create(srv_run_t *run, srv_txn_t *txn)
{
    return write_out(run, txn, tds_store_create);
}

apr_status_t srv_save(srv_run_t *run, srv_txn_t *txn)
{
    return write_out(run, txn, tds_store_save);
}

/* What the requestor is told when the clock ends it. */
static void fill_timeout(srv_run_t *run, const srv_txn_t *txn, srv_happening_t *what)
{
    what->error = srv_error_text(run, "402", "S",
                                 txn->state == SRV_ST_ASKED ? "what became of the AReq is not known" : "no result came",
                                 txn->state == SRV_ST_ASKED ? "no ARes" : "no RReq");
}

/* One step, saved. APR_EAGAIN: somebody was faster; from the top, please. */
static apr_status_t take_step(srv_run_t *run, const srv_txn_t *txn, const srv_happening_t *what, srv_txn_t **pnext,
                              unsigned *fx)
{
    apr_status_t rv = srv_txn_step(txn, what, run->conf, pnext, fx, run->pool);
    int rreq = what->event == SRV_EV_RREQ || what->event == SRV_EV_RREQ_LATE;

    if (rv != APR_SUCCESS) return rv;
    if (rreq) tds_point("srv.rreq_before_save");
    if (what->event == SRV_EV_ASK) tds_point("srv.areq_before_save");
    if ((rv = srv_save(run, *pnext)) != APR_SUCCESS) return rv;
    if (rreq) tds_point("srv.rreq_after_save");
    if ((*pnext)->state != txn->state)
        tds_log(run->log, TDS_LOG_INFO, "SRV0010", txn->id, "%s, %s: now %s", srv_state_name((srv_state_e)txn->state),
                srv_event_name(what->event), srv_state_name((srv_state_e)(*pnext)->state));
    if (what->event == SRV_EV_TIMEOUT)
        tds_metric_add(run->metrics, txn->state == SRV_ST_ASKED ? SRV_M_AREQ_LOST : SRV_M_NO_RREQ, 1);
    return APR_SUCCESS;
}

/* *txn moves on with each step that is saved. The clock speaks first: a time limit that has run out decides before what
 * has just come in. */
static apr_status_t try_event(srv_run_t *run, srv_txn_t **txn, srv_judge_fn *judge, void *baton, unsigned *fx)
{
    srv_happening_t what = {.event = SRV_EV_TIMEOUT, .now = run->clock()};
    unsigned mine = 0;
    srv_txn_t *next;
    apr_status_t rv;

    if (srv_txn_overdue(*txn, what.now)) {
        fill_timeout(run, *txn, &what);
        if ((rv = take_step(run, *txn, &what, &next, &mine)) != APR_SUCCESS) return rv;
        *txn = next;
        *fx |= mine;
    }
    what = (srv_happening_t){.event = SRV_EV_NONE, .now = what.now};
    if ((rv = judge(run, *txn, baton, &what)) != APR_SUCCESS || what.event == SRV_EV_NONE) return rv;
    rv = take_step(run, *txn, &what, &next, &mine);
    if (rv == APR_EINVAL) return APR_SUCCESS; /* IGNORE */
    if (rv == APR_SUCCESS) *txn = next;
    if (rv == APR_SUCCESS || rv == APR_EACCES) *fx |= mine;
    return rv;
}

apr_status_t srv_run_event(srv_run_t *run, const char *id, unsigned version_min, srv_judge_fn *judge, void *baton,
                           srv_txn_t **ptxn, unsigned *fx)
{
    apr_status_t rv;
    int tries = 0;

    *fx = 0;
    do {
        if ((rv = srv_load(run, id, version_min, ptxn)) != APR_SUCCESS) return rv;
        rv = try_event(run, ptxn, judge, baton, fx);
    } while (APR_STATUS_IS_EAGAIN(rv) && ++tries < RACES_MAX);
    if (APR_STATUS_IS_EAGAIN(rv)) return TDS_FAIL(run->err, rv, 403, NULL, "lost too many races for the record");
    return rv;
}
