/* What is due in the store becomes work of this child's threads. */
#include "mod_3ds_server.h"

#include "tds_ap_log.h"
#include "tds_ap_work.h"

static apr_status_t claim(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    srv_server_t *srv = srv_server_of(baton);
    tds_err_t err;

    tds_err_init(&err, pool);
    return tds_store_claim(srv_child.store, first, count, max, srv->conf.lease, ids, pool, &err);
}

static void task(void *baton, const char *id, apr_pool_t *pool)
{
    tds_log_t log;
    tds_err_t err;
    srv_run_t run;

    srv_run_init(&run, NULL, baton, &log, &err, pool);
    srv_run_due(&run, id);
}

apr_status_t srv_watchdog_setup(server_rec *s, apr_pool_t *pconf)
{
    tds_ap_work_conf_t *conf = apr_pcalloc(pconf, sizeof *conf);

    conf->name = "_srv_timer_";
    conf->threads = srv_server_of(s)->conf.background_threads;
    conf->shards = TDS_STORE_SHARDS;
    conf->claim = claim;
    conf->task = task;
    return tds_ap_work_setup(conf, s, pconf);
}

apr_status_t srv_watchdog_start(server_rec *s, apr_pool_t *pchild)
{
    return tds_ap_work_start(s, s, pchild);
}
