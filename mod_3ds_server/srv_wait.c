/* Waiting for a step that another request, thread or node will take: nobody tells us, so we look, less and less often. */
#include "srv_run.h"

#define PAUSE_MIN apr_time_from_msec(50)
#define PAUSE_MAX apr_time_from_sec(1)

static apr_status_t look(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    return APR_SUCCESS;
}

/* One look in a pool of its own; what has changed is read once more into the caller's. */
static apr_status_t look_again(srv_run_t *run, srv_txn_t **ptxn, unsigned state, int hinted, int *changed)
{
    srv_run_t peek = *run;
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv;

    if ((rv = apr_pool_create(&peek.pool, run->pool)) != APR_SUCCESS) return rv;
    rv = srv_run_event(&peek, (*ptxn)->id, (*ptxn)->version, look, NULL, &txn, &fx);
    *changed = rv == APR_SUCCESS && (txn->state != state || !txn->hint != !hinted);
    apr_pool_destroy(peek.pool);
    return *changed ? srv_load(run, (*ptxn)->id, 0, ptxn) : rv;
}

apr_status_t srv_wait_change(srv_run_t *run, srv_txn_t **ptxn, apr_interval_time_t span)
{
    apr_time_t until = run->mono() + span;
    apr_interval_time_t pause = PAUSE_MIN;
    unsigned state = (*ptxn)->state;
    apr_status_t rv = APR_SUCCESS;
    int changed = 0, hinted = (*ptxn)->hint != NULL;

    if (!run->wait->enter(run->wait->baton)) {
        tds_metric_add(run->metrics, SRV_M_POLL_FULL, 1);
        return APR_SUCCESS;
    }
    while (!changed && rv == APR_SUCCESS) {
        apr_interval_time_t left = until - run->mono();

        if (left <= 0 || !run->wait->pause(run->wait->baton, pause < left ? pause : left)) break;
        rv = look_again(run, ptxn, state, hinted, &changed);
        pause = pause * 3 / 2 < PAUSE_MAX ? pause * 3 / 2 : PAUSE_MAX;
    }
    run->wait->leave(run->wait->baton);
    return rv;
}
