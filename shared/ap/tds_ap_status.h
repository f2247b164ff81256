/* What an operator sees of a module: health, readiness, counters. */
#ifndef TDS_AP_STATUS_H
#define TDS_AP_STATUS_H

#include <httpd.h>
#include "tds_metric.h"
#include "tds_store.h"

/* This process answers. */
int tds_ap_health(request_rec *r);

/* May work be sent here? 200, or 503 with the reason: the store is away, cannot be written to, may evict, or its clock
 * differs. */
int tds_ap_ready(request_rec *r, tds_store_t *store);

/* All counters in the text format of Prometheus. */
int tds_ap_metrics(request_rec *r, const tds_metric_t *metrics);

/* Shared memory for counters. They outlive a restart: they belong to the process and are found again by key, which is to
 * change when their list does. */
apr_status_t tds_ap_metrics_make(tds_metric_t *metrics, const tds_metric_row_t *rows, int count, const char *key,
                                 server_rec *s);

#endif
