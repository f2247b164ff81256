/* What is due in the store becomes work of this child's threads. */
#include "mod_acs.h"

#include "tds_ap_log.h"
#include "tds_ap_work.h"

#define STEPS_DEPTH 8 /* a step takes milliseconds */

static apr_status_t claim(server_rec *s, tds_claim_t what, apr_array_header_t **ids, apr_pool_t *pool)
{
    tds_err_t err;

    tds_err_init(&err, pool);
    what.lease = acs_server_of(s)->conf.lease;
    return tds_store_claim(acs_child.store, &what, ids, pool, &err);
}

static apr_status_t claim_steps(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    return claim(baton, (tds_claim_t){TDS_LANE_STEPS, first, count, max, 0}, ids, pool);
}

static apr_status_t claim_out(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    return claim(baton, (tds_claim_t){TDS_LANE_OUT, first, count, max, 0}, ids, pool);
}

static int reserve(void)
{
    return tds_ap_work_reserve(TDS_LANE_OUT);
}

static void hand(const char *id)
{
    tds_ap_work_hand(TDS_LANE_OUT, id);
}

static void step(void *baton, const char *id, int held, apr_pool_t *pool)
{
    static const acs_courier_t courier = {reserve, hand};
    tds_log_t log;
    tds_err_t err;
    acs_run_t run;

    acs_run_init(&run, NULL, baton, &log, &err, pool);
    run.courier = &courier;
    acs_run_due(&run, id);
}

static void deliver(void *baton, const char *id, int held, apr_pool_t *pool)
{
    tds_log_t log;
    tds_err_t err;
    acs_run_t run;

    acs_run_init(&run, NULL, baton, &log, &err, pool);
    acs_run_delivery(&run, id, held);
}

apr_status_t acs_watchdog_setup(server_rec *s, apr_pool_t *pconf)
{
    const acs_conf_t *acs = &acs_server_of(s)->conf;
    tds_ap_work_conf_t *conf = apr_pcalloc(pconf, sizeof *conf);

    conf->shards = TDS_STORE_SHARDS;
    conf->lanes[TDS_LANE_STEPS] = (tds_ap_lane_t){"_acs_timer_", acs->background_threads, STEPS_DEPTH, claim_steps, step};
    conf->lanes[TDS_LANE_OUT] = (tds_ap_lane_t){"_acs_outbox_", acs->delivery_threads, 1, claim_out, deliver};
    return tds_ap_work_setup(conf, s, pconf);
}

apr_status_t acs_watchdog_start(server_rec *s, apr_pool_t *pchild)
{
    return tds_ap_work_start(s, s, pchild);
}
