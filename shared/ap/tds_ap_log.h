/* tds_log into httpd's error log. */
#ifndef TDS_AP_LOG_H
#define TDS_AP_LOG_H

#include <httpd.h>
#include <http_config.h>
#include "tds_log.h"

/* A log for a request (r) or for background work (r NULL: the main server). m: whose LogLevel counts. */
void tds_ap_log_init(tds_log_t *log, module *m, request_rec *r, server_rec *s, apr_pool_t *pool);

#endif
