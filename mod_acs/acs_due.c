/* What the lanes bring up: a time limit, or something in the outbox. The record decides. */
#include "acs_run.h"

#define HAND_BACK apr_time_from_sec(1)

static apr_status_t nothing(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    return APR_SUCCESS;
}

static void trouble(acs_run_t *run, const char *id, tds_lane_e lane, apr_status_t rv)
{
    if (APR_STATUS_IS_ENOENT(rv)) {
        (void)tds_store_arm(run->store, lane, id, 0, run->pool, run->err); /* a stray */
        return;
    }
    if (rv == APR_EINVAL) { /* perhaps a node of a newer release, or with another master key, can read it */
        tds_metric_add(run->metrics, ACS_M_TAMPERED, 1);
        (void)tds_store_arm(run->store, lane, id, run->clock() + HAND_BACK, run->pool, run->err);
    }
    tds_log(run->log, TDS_LOG_ERR, "ACS0080", id, "cannot work on what is due: %s",
            run->err->detail ? run->err->detail : ""); /* due again when the lease ends */
}

/* It came up too early, or in a lane it no longer stands in. */
static void put_back(acs_run_t *run, const acs_txn_t *txn, tds_lane_e lane)
{
    apr_time_t due = acs_txn_lane(txn) == lane ? acs_txn_due(txn) : 0;

    (void)tds_store_arm(run->store, lane, txn->id, due, run->pool, run->err);
}

/* Saves the step alone: a DS that is slow must not make the next time limit late. */
void acs_run_due(acs_run_t *run, const char *id)
{
    int reserved = run->courier && run->courier->reserve();
    acs_txn_t *txn;
    unsigned fx;
    apr_status_t rv;

    run->later = !reserved;
    rv = acs_run_event(run, id, 0, nothing, NULL, &txn, &fx);
    if (reserved) run->courier->hand(rv == APR_SUCCESS && (fx & FX_RREQ) ? txn->id : NULL);
    if (rv != APR_SUCCESS) trouble(run, id, TDS_LANE_STEPS, rv);
    else if (!fx) put_back(run, txn, TDS_LANE_STEPS);
}

/* Who holds the lease sends: that of the claim, or (held) the one in the record, as long as it lasts. The clock speaks first
 * here too: something may wait in the outbox of a record that has a time limit. */
void acs_run_delivery(acs_run_t *run, const char *id, int held)
{
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx;

    run->later = 1;
    if ((rv = acs_run_event(run, id, 0, nothing, NULL, &txn, &fx)) != APR_SUCCESS) trouble(run, id, TDS_LANE_OUT, rv);
    else if (fx) return; /* saved: due at once */
    else if (txn->outbox && (txn->out_due <= run->clock()) == !held) acs_outbox_send(run, &txn);
    else if (!held) put_back(run, txn, TDS_LANE_OUT);
}
