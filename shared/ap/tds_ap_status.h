/* What an operator sees of a module: health, readiness, counters. */
#ifndef TDS_AP_STATUS_H
#define TDS_AP_STATUS_H

#include <httpd.h>
#include "tds_ap_check.h"
#include "tds_metric.h"
#include "tds_store.h"

/* This process answers. */
int tds_ap_health(request_rec *r);

/* May work be sent here? 200, or 503 with the reason: the store is away, refuses what payments need, may evict, belongs to nodes
 * with another master key, or its clock differs; background work has stopped; a certificate of ours has expired; or what the
 * module itself has against it (fault; NULL: nothing). */
int tds_ap_ready(request_rec *r, tds_store_t *store, const tds_ap_certs_t *certs, const char *fault);

/* All metrics in the text format of Prometheus. prefix ("acs", "srv") begins the name of the one that this function adds: when
 * the first of our certificates expires. */
int tds_ap_metrics(request_rec *r, const tds_metric_t *metrics, const char *prefix, const tds_ap_certs_t *certs);

/* Shared memory for metrics that are laid out. They belong to the process and are found again after a restart, by key and
 * layout: another layout begins with zeroes. */
apr_status_t tds_ap_metrics_make(tds_metric_t *metrics, const char *key, server_rec *s);

#endif
