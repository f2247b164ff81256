/* What is due in the store becomes work of this child's threads. */
#include "mod_acs.h"

#include "tds_ap_log.h"
#include "tds_ap_work.h"

static apr_status_t claim(void *baton, int first, int count, int max, apr_array_header_t **ids, apr_pool_t *pool)
{
    acs_server_t *srv = acs_server_of(baton);
    tds_err_t err;

    tds_err_init(&err, pool);
    return tds_store_claim(acs_child.store, first, count, max, srv->conf.lease, ids, pool, &err);
}

static void task(void *baton, const char *id, apr_pool_t *pool)
{
    tds_log_t log;
    tds_err_t err;
    acs_run_t run;

    acs_run_init(&run, NULL, baton, &log, &err, pool);
    acs_run_due(&run, id);
}

apr_status_t acs_watchdog_setup(server_rec *s, apr_pool_t *pconf)
{
    tds_ap_work_conf_t *conf = apr_pcalloc(pconf, sizeof *conf);

    conf->name = "_acs_timer_";
    conf->threads = acs_server_of(s)->conf.background_threads;
    conf->shards = TDS_STORE_SHARDS;
    conf->claim = claim;
    conf->task = task;
    return tds_ap_work_setup(conf, s, pconf);
}

apr_status_t acs_watchdog_start(server_rec *s, apr_pool_t *pchild)
{
    return tds_ap_work_start(s, s, pchild);
}
