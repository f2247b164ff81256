/* What the lanes bring up: a time limit, or something in the outbox. The record decides. */
#include "srv_run.h"

#define HAND_BACK apr_time_from_sec(1)

static apr_status_t nothing(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    return APR_SUCCESS;
}

static void trouble(srv_run_t *run, const char *id, tds_lane_e lane, apr_status_t rv)
{
    if (APR_STATUS_IS_ENOENT(rv)) {
        (void)tds_store_arm(run->store, lane, id, 0, run->pool, run->err); /* a stray */
        return;
    }
    if (rv == APR_EINVAL) { /* perhaps a node of a newer release, or with another master key, can read it */
        tds_metric_add(run->metrics, SRV_M_TAMPERED, 1);
        (void)tds_store_arm(run->store, lane, id, run->clock() + HAND_BACK, run->pool, run->err);
    }
    tds_log(run->log, TDS_LOG_ERR, "SRV0041", id, "cannot work on what is due: %s",
            run->err->detail ? run->err->detail : ""); /* due again when the lease ends */
}

/* It came up too early, or in a lane it no longer stands in. */
static void put_back(srv_run_t *run, const srv_txn_t *txn, tds_lane_e lane)
{
    apr_time_t due = srv_txn_lane(txn) == lane ? srv_txn_due(txn) : 0;

    (void)tds_store_arm(run->store, lane, txn->id, due, run->pool, run->err);
}

void srv_run_due(srv_run_t *run, const char *id)
{
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv = srv_run_event(run, id, 0, nothing, NULL, &txn, &fx);

    if (rv != APR_SUCCESS) trouble(run, id, TDS_LANE_STEPS, rv);
    else put_back(run, txn, TDS_LANE_STEPS);
}

void srv_run_delivery(srv_run_t *run, const char *id)
{
    srv_txn_t *txn;
    apr_status_t rv = srv_load(run, id, 0, &txn);

    if (rv != APR_SUCCESS) trouble(run, id, TDS_LANE_OUT, rv);
    else if (txn->out_body.len && txn->out_due <= run->clock()) srv_send_erro(run, &txn);
    else put_back(run, txn, TDS_LANE_OUT);
}
