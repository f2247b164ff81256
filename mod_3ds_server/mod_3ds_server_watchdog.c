/* What is due in the store becomes work of this child's threads. */
#include "mod_3ds_server.h"

#include "tds_ap_log.h"
#include "tds_ap_work.h"

#define STEPS_DEPTH 8 /* a step takes milliseconds */

static apr_status_t claim(server_rec *s, tds_claim_t what, apr_array_header_t **ids, apr_pool_t *pool)
{
    tds_err_t err;

    tds_err_init(&err, pool);
    what.lease = srv_server_of(s)->conf.lease;
    return tds_store_claim(srv_child.store, &what, ids, pool, &err);
}

static apr_status_t claim_steps(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    return claim(baton, (tds_claim_t){TDS_LANE_STEPS, first, count, max, 0}, ids, pool);
}

static apr_status_t claim_out(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    return claim(baton, (tds_claim_t){TDS_LANE_OUT, first, count, max, 0}, ids, pool);
}

static void step(void *baton, const char *id, int held, apr_pool_t *pool)
{
    tds_log_t log;
    tds_err_t err;
    srv_run_t run;

    srv_run_init(&run, NULL, baton, &log, &err, pool);
    srv_run_due(&run, id);
}

static void deliver(void *baton, const char *id, int held, apr_pool_t *pool)
{
    tds_log_t log;
    tds_err_t err;
    srv_run_t run;

    srv_run_init(&run, NULL, baton, &log, &err, pool);
    srv_run_delivery(&run, id);
}

apr_status_t srv_watchdog_setup(server_rec *s, apr_pool_t *pconf)
{
    const srv_conf_t *srv = &srv_server_of(s)->conf;
    tds_ap_work_conf_t *conf = apr_pcalloc(pconf, sizeof *conf);

    conf->shards = TDS_STORE_SHARDS;
    conf->lanes[TDS_LANE_STEPS] = (tds_ap_lane_t){"_srv_timer_", srv->background_threads, STEPS_DEPTH, claim_steps, step};
    conf->lanes[TDS_LANE_OUT] = (tds_ap_lane_t){"_srv_outbox_", srv->delivery_threads, 1, claim_out, deliver};
    return tds_ap_work_setup(conf, s, pconf);
}

apr_status_t srv_watchdog_start(server_rec *s, apr_pool_t *pchild)
{
    return tds_ap_work_start(s, s, pchild);
}
