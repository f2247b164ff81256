/* The glue between httpd and the 3DS Server engine. */
#ifndef MOD_3DS_SERVER_H
#define MOD_3DS_SERVER_H

#include <httpd.h>
#include <http_config.h>
#include "tds_ap_check.h"
#include "tds_ap_conf.h"
#include "tds_ap_mount.h"
#include "tds_ap_store.h"
#include "tds_ap_peer.h"
#include "srv_run.h"

extern module AP_MODULE_DECLARE_DATA threeds_server_module;

enum { SRV_EP_REQUESTOR = 1, SRV_EP_RESULTS, SRV_EP_BROWSER, SRV_EP_STATUS };

/* Of the main server. */
typedef struct srv_server_t {
    srv_conf_t conf;
    tds_ap_store_t store;
    tds_ap_key_files_t key_files;
    const char *versions_text;
    srv_ds_t *ds; /* the section being read */
    srv_requestor_t *requestor;
    apr_array_header_t *range_rows; /* srv_range_t */
    apr_array_header_t *uses;       /* const char *: names given to ThreeDSUse */
    tds_keys_t *keys;
    tds_metric_t metrics;
    tds_ap_certs_t certs;
    tds_ap_check_t check; /* while the configuration is checked */
} srv_server_t;

/* Of a <Location>. */
typedef struct srv_dir_t {
    tds_ap_mount_t mount;
} srv_dir_t;

/* Of a child. */
typedef struct srv_child_t {
    tds_store_t *store;
    int waiting_max; /* threads that may wait at a time */
} srv_child_t;

extern srv_child_t srv_child;

srv_server_t *srv_server_of(server_rec *s);

/* mod_3ds_server_conf.c */
void *srv_server_create(apr_pool_t *p, server_rec *s);
void *srv_dir_create(apr_pool_t *p, char *path);
void *srv_dir_merge(apr_pool_t *p, void *base, void *add);
extern const command_rec srv_commands[];
extern const char *const srv_endpoints[4];
/* mod_3ds_server_conf_check.c */
int srv_conf_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);
apr_status_t srv_child_start(apr_pool_t *pchild, server_rec *s);

/* mod_3ds_server_http.c */
int srv_handler(request_rec *r);

/* mod_3ds_server_watchdog.c */
apr_status_t srv_watchdog_setup(server_rec *s, apr_pool_t *pconf);
apr_status_t srv_watchdog_start(server_rec *s, apr_pool_t *pchild);

/* Fill what both requests and background work need. r: NULL for background work. */
void srv_run_init(srv_run_t *run, request_rec *r, server_rec *s, tds_log_t *log, tds_err_t *err, apr_pool_t *pool);

#endif
