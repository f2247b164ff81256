/* mod_acs: the Access Control Server of EMV 3-D Secure. Hooks. */
#include "mod_acs.h"

#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mpm_common.h>
#include "tds_ap_answer.h"
#include "tds_ap_http.h"
#include "tds_ap_status.h"
#include "tds_ap_work.h"


static int in_use(const acs_server_t *srv)
{
    return srv->keys != NULL;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    return acs_conf_check(pconf, ptemp, s);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    acs_server_t *srv = ap_get_module_config(s->module_config, &acs_module);
    apr_status_t rv;

    if (!in_use(srv) || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
    acs_metric_layout(&srv->metrics, &srv->conf, pconf);
    if ((rv = acs_breakers_make(srv, pconf)) == APR_SUCCESS) rv = tds_ap_metrics_make(&srv->metrics, "acs_metrics", s);
    if (rv != APR_SUCCESS || (rv = acs_watchdog_setup(s, pconf)) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "ACS0003: cannot start: counters or mod_watchdog are not available");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_status_t rv;

    if (!in_use(acs_server_of(s))) return;
    if ((rv = acs_child_store(pchild, s)) != APR_SUCCESS || (rv = acs_watchdog_start(s, pchild)) != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "ACS0004: this child cannot work");
}

static const tds_ap_mount_t *mount_of(const request_rec *r)
{
    const acs_dir_t *dir = ap_get_module_config(r->per_dir_config, &acs_module);

    return &dir->mount;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE); /* apachectl configtest ends with it */
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE); /* before mod_watchdog counts what there is */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_REALLY_LAST);
    tds_ap_mount_register(mount_of, acs_handler);
    tds_ap_answer_register("ACS");
    acs_rules_register();
    acs_backtest_register();
    acs_status_register();
    acs_txnlog_register();
    tds_ap_work_register();
    tds_ap_http_register(&acs_module, "ACS");
}

AP_DECLARE_MODULE(acs) = {STANDARD20_MODULE_STUFF, acs_dir_create, acs_dir_merge, acs_server_create, NULL, acs_commands,
                          register_hooks, AP_MODULE_FLAG_NONE};
