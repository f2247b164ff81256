/* The outbound verb (tds_http.h) by mod_proxy and mod_ssl: a made-up request run by mod_proxy's handler, from any
 * thread. Connection pools, TLS and the allow-list are the <Proxy "https://..."> blocks at main-server level. */
#ifndef TDS_AP_HTTP_H
#define TDS_AP_HTTP_H

#include <httpd.h>
#include <http_config.h>
#include "tds_http.h"

/* In register_hooks. prefix ("ACS", "SRV") makes the process-wide filter names ours; m must be the module whose
 * request_config slot is free for these made-up requests. */
void tds_ap_http_register(module *m, const char *prefix);

/* The verb; usable after child_init. */
extern const tds_http_t tds_ap_http;

/* Configuration check: which limits does the block that covers url set? Returns NULL when there is no block. */
typedef struct tds_ap_worker_t {
    apr_interval_time_t connect, read;
    int max;
} tds_ap_worker_t;

const tds_ap_worker_t *tds_ap_http_worker(const char *url, server_rec *s, apr_pool_t *pool);

#endif
