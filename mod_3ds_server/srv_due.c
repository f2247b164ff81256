/* What the queue brings up: a time limit, or something in the outbox. The record decides. */
#include "srv_run.h"

static apr_status_t nothing(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    return APR_SUCCESS;
}

void srv_run_due(srv_run_t *run, const char *id)
{
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv = srv_run_event(run, id, 0, nothing, NULL, &txn, &fx);

    if (APR_STATUS_IS_ENOENT(rv)) {
        (void)tds_store_arm(run->store, id, 0, run->pool, run->err); /* a stray */
        return;
    }
    if (rv != APR_SUCCESS) {
        if (rv == APR_EINVAL) tds_metric_add(run->metrics, SRV_M_TAMPERED, 1);
        tds_log(run->log, TDS_LOG_ERR, "SRV0041", id, "cannot work on what is due: %s",
                run->err->detail ? run->err->detail : "");
        return; /* due again when the lease ends */
    }
    if (txn->out_body.len && txn->out_due <= run->clock()) srv_send_erro(run, &txn);
    else (void)tds_store_arm(run->store, id, srv_txn_due(txn), run->pool, run->err); /* not yet: back to its time */
}
