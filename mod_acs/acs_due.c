/* What the queue brings up: a time limit, or something in the outbox. The record decides. */
#include "acs_run.h"

static apr_status_t nothing(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    return APR_SUCCESS;
}

void acs_run_due(acs_run_t *run, const char *id)
{
    acs_txn_t *txn;
    unsigned fx;
    apr_status_t rv = acs_run_event(run, id, 0, nothing, NULL, &txn, &fx);

    if (APR_STATUS_IS_ENOENT(rv)) {
        (void)tds_store_arm(run->store, id, 0, run->pool, run->err); /* a stray */
        return;
    }
    if (rv != APR_SUCCESS) {
        if (rv == APR_EINVAL) tds_metric_add(run->metrics, ACS_M_TAMPERED, 1);
        tds_log(run->log, TDS_LOG_ERR, "ACS0080", id, "cannot work on what is due: %s",
                run->err->detail ? run->err->detail : "");
        return; /* due again when the lease ends */
    }
    if ((fx & FX_RREQ) || (txn->outbox && txn->out_due <= run->clock())) acs_outbox_send(run, &txn);
    else (void)tds_store_arm(run->store, id, acs_txn_due(txn), run->pool, run->err); /* not yet: back to its time */
}
