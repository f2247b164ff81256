/* mod_3ds_server: the 3DS Server of EMV 3-D Secure. Hooks. */
#include "mod_3ds_server.h"

#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mpm_common.h>
#include "tds_ap_answer.h"
#include "tds_ap_http.h"
#include "tds_ap_status.h"
#include "tds_ap_work.h"

/* Here, and not in post_config, so that httpd -t tells what is wrong. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    return srv_conf_check(pconf, ptemp, s);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    srv_server_t *srv = ap_get_module_config(s->module_config, &threeds_server_module);
    apr_status_t rv;

    if (!srv->keys || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
    srv->metrics = (tds_metric_t){.rows = srv_metric_rows, .count = SRV_M_COUNT};
    tds_metric_layout(&srv->metrics, pconf);
    rv = tds_ap_metrics_make(&srv->metrics, "srv_metrics", s);
    if (rv != APR_SUCCESS || (rv = srv_watchdog_setup(s, pconf)) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "SRV0003: cannot start: counters or mod_watchdog are not available");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_status_t rv;

    if (!srv_server_of(s)->keys) return;
    if ((rv = srv_child_start(pchild, s)) != APR_SUCCESS || (rv = srv_watchdog_start(s, pchild)) != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "SRV0004: this child cannot work");
}

static const tds_ap_mount_t *mount_of(const request_rec *r)
{
    const srv_dir_t *dir = ap_get_module_config(r->per_dir_config, &threeds_server_module);

    return &dir->mount;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE); /* before mod_watchdog counts what there is */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_REALLY_LAST);
    tds_ap_mount_register(mount_of, srv_handler);
    tds_ap_answer_register("SRV");
    tds_ap_work_register();
    tds_ap_http_register(&threeds_server_module, "SRV");
}

AP_DECLARE_MODULE(threeds_server) = {STANDARD20_MODULE_STUFF, srv_dir_create, srv_dir_merge, srv_server_create, NULL,
                                     srv_commands, register_hooks, AP_MODULE_FLAG_NONE};
