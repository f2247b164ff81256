/* Records to the store and back, and the loop that every event goes through. */
#include "acs_log.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_point.h"

#define RACES_MAX 20

/* F-06: an id is the same in capitals; what is bound to it (codes, pages, values) reads the lower case. */
static const char *lower(const char *id, apr_pool_t *pool)
{
    char *low = apr_pstrdup(pool, id), *s;

    for (s = low; *s; ++s) *s = (char)apr_tolower(*s);
    return low;
}

apr_status_t acs_load(acs_run_t *run, const char *id, unsigned version_min, acs_txn_t **ptxn)
{
    unsigned char *bytes;
    unsigned version;
    apr_size_t len;
    apr_status_t rv = tds_store_load(run->store, id, version_min, &bytes, &len, &version, run->pool, run->err);

    if (rv != APR_SUCCESS) return rv;
    if (acs_txn_decode(ptxn, lower(id, run->pool), bytes, len, version, run->pool) != APR_SUCCESS)
        return TDS_FAIL(run->err, APR_EINVAL, 404, NULL, "stored record cannot be read");
    return APR_SUCCESS;
}

static apr_status_t write_out(acs_run_t *run, acs_txn_t *txn, const apr_array_header_t *incrs,
                              apr_status_t (*write)(tds_store_t *, const tds_change_t *, apr_pool_t *, tds_err_t *))
{
    tds_change_t change = {.id = txn->id, .version = txn->version, .lane = acs_txn_lane(txn), .due = acs_txn_due(txn)};
    unsigned char *bytes;
    apr_status_t rv;

    if ((rv = acs_txn_encode(&bytes, &change.len, txn, run->pool)) != APR_SUCCESS) return rv;
    change.value = bytes;
    if (incrs) {
        change.incrs = (const tds_incr_t *)incrs->elts;
        change.nincrs = incrs->nelts;
    }
    change.ttl = acs_txn_ttl(txn, run->conf, run->clock());
    if ((rv = write(run->store, &change, run->pool, run->err)) == APR_SUCCESS) ++txn->version;
    return rv;
}

apr_status_t acs_create(acs_run_t *run, acs_txn_t *txn, const apr_array_header_t *incrs)
{
    return write_out(run, txn, incrs, tds_store_create);
}

apr_status_t acs_save(acs_run_t *run, acs_txn_t *txn)
{
    apr_status_t rv;

    tds_point("acs.before_save");
    rv = write_out(run, txn, NULL, tds_store_save);
    if (rv == APR_SUCCESS) tds_point("acs.after_save");
    return rv;
}

static int timeout_metric(unsigned state)
{
    if (state == ACS_ST_CREQ_WAIT) return ACS_M_TIMEOUT_CREQ;
    if (state == ACS_ST_DECOUPLED) return ACS_M_TIMEOUT_DECOUPLED;
    return state == ACS_ST_SPC_WAIT ? ACS_M_TIMEOUT_SPC : ACS_M_TIMEOUT_CARDHOLDER;
}

static void count_step(acs_run_t *run, const acs_txn_t *before, const acs_txn_t *after, const acs_happening_t *what)
{
    if (before->end == ACS_END_NONE && after->end != ACS_END_NONE) acs_metric_outcome(run, after);
    if (before->end == ACS_END_NONE && (after->end != ACS_END_NONE || after->state == ACS_ST_FINAL) &&
        before->state != after->state)
        acs_log_outcome(run, before, after);
    if (what->event != ACS_EV_TIMEOUT) return;
    tds_metric_add(run->metrics, timeout_metric(before->state), 1);
    acs_metric_time(run, ACS_H_LATENESS, 0, run->clock() - before->deadline);
}

/* One step, saved. APR_EAGAIN: somebody was faster; from the top, please. */
static apr_status_t take_step(acs_run_t *run, const acs_txn_t *txn, const acs_happening_t *what, acs_txn_t **pnext,
                              unsigned *fx)
{
    apr_status_t rv = acs_txn_step(txn, what, run->conf, pnext, fx, run->pool);

    if (rv != APR_SUCCESS) return rv;
    if (*fx & (FX_RREQ | FX_RREQ_LATER)) acs_outbox_fill(run, *pnext);
    if ((rv = acs_save(run, *pnext)) != APR_SUCCESS) return rv;
    if ((*pnext)->state != txn->state)
        tds_log(run->log, TDS_LOG_INFO, "ACS0010", txn->id, "%s, %s: now %s", acs_state_name((acs_state_e)txn->state),
                acs_event_name(what->event), acs_state_name((acs_state_e)(*pnext)->state));
    count_step(run, txn, *pnext, what);
    return APR_SUCCESS;
}

/* *txn moves on with each step that is saved. The clock speaks first: a time limit that has run out decides before what
 * has just come in (T-03). */
static apr_status_t try_event(acs_run_t *run, acs_txn_t **txn, acs_judge_fn *judge, void *baton, unsigned *fx)
{
    acs_happening_t what = {.event = ACS_EV_TIMEOUT, .now = run->clock(), .later = run->later};
    unsigned mine = 0;
    acs_txn_t *next;
    apr_status_t rv;

    if (acs_txn_overdue(*txn, what.now)) {
        if ((rv = take_step(run, *txn, &what, &next, &mine)) != APR_SUCCESS) return rv;
        *txn = next;
        *fx |= mine;
    }
    what = (acs_happening_t){.event = ACS_EV_NONE, .now = what.now};
    if ((rv = judge(run, *txn, baton, &what)) != APR_SUCCESS || what.event == ACS_EV_NONE) return rv;
    rv = take_step(run, *txn, &what, &next, &mine);
    if (rv == APR_EINVAL) return APR_SUCCESS; /* IGNORE */
    if (rv == APR_SUCCESS) *txn = next;
    if (rv == APR_SUCCESS || rv == APR_EACCES) *fx |= mine;
    return rv;
}

apr_status_t acs_run_event(acs_run_t *run, const char *id, unsigned version_min, acs_judge_fn *judge, void *baton,
                           acs_txn_t **ptxn, unsigned *fx)
{
    apr_status_t rv;
    int tries = 0;

    *fx = 0;
    do {
        if ((rv = acs_load(run, id, version_min, ptxn)) != APR_SUCCESS) return rv;
        rv = try_event(run, ptxn, judge, baton, fx);
    } while (APR_STATUS_IS_EAGAIN(rv) && ++tries < RACES_MAX);
    if (APR_STATUS_IS_EAGAIN(rv)) return TDS_FAIL(run->err, rv, 403, NULL, "lost too many races for the record");
    return rv;
}
