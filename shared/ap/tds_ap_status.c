#include "tds_ap_status.h"

#include <string.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include "tds_ap_answer.h"
#include "tds_ap_work.h"
#include "tds_json.h"

#define CLOCK_TOLERANCE apr_time_from_sec(2)
#define WORK_TOLERANCE  apr_time_from_sec(5)

int tds_ap_health(request_rec *r)
{
    static const char text[] = "{\"alive\":true}";

    return tds_ap_answer(r, HTTP_OK, "application/json", text, sizeof text - 1);
}

int tds_ap_ready(request_rec *r, tds_store_t *store, const tds_ap_certs_t *certs, const char *fault)
{
    tds_store_health_t h;
    json_t *doc = tds_json_object(r->pool);
    const char *text, *why = NULL;
    apr_size_t len;
    apr_status_t rv;
    tds_err_t err;

    tds_err_init(&err, r->pool);
    if (!store) rv = APR_EINIT;
    else rv = tds_store_health(store, &h, r->pool, &err);
    if (rv != APR_SUCCESS) why = err.detail ? err.detail : "the store does not answer";
    else if (h.fault) why = h.fault;
    else if (h.foreign) why = "the nodes that share the store have another master key";
    else if (h.evicts) why = "the store may evict: set maxmemory-policy noeviction";
    else if (h.offset > CLOCK_TOLERANCE || h.offset < -CLOCK_TOLERANCE) why = "clock and store differ by more than 2 s";
    else if (tds_ap_work_idle() > WORK_TOLERANCE) why = "background work has stopped";
    else if (!(why = tds_ap_certs_fault(certs, 0, r->pool))) why = fault;
    json_object_set_new(doc, "ready", json_boolean(!why));
    tds_json_set(doc, "reason", why);
    text = tds_json_text(doc, &len, r->pool);
    return tds_ap_answer(r, why ? HTTP_SERVICE_UNAVAILABLE : HTTP_OK, "application/json", text, len);
}

int tds_ap_metrics(request_rec *r, const tds_metric_t *metrics, const char *prefix, const tds_ap_certs_t *certs)
{
    const char *text = tds_metric_text(metrics, r->pool);

    if (certs->expires)
        text = apr_psprintf(r->pool, "%s# HELP %s_certificate_expiry_timestamp_seconds when the first of our certificates expires\n"
                                     "# TYPE %s_certificate_expiry_timestamp_seconds gauge\n"
                                     "%s_certificate_expiry_timestamp_seconds %" APR_TIME_T_FMT "\n",
                            text, prefix, prefix, prefix, apr_time_sec(certs->expires));
    return tds_ap_answer(r, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

apr_status_t tds_ap_metrics_make(tds_metric_t *metrics, const char *key, server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    apr_size_t size = tds_metric_size(metrics);
    void *old = NULL;
    char name[64];
    apr_shm_t *shm;
    apr_status_t rv;

    (void)apr_snprintf(name, sizeof name, "%s_%" APR_UINT64_T_HEX_FMT, key, tds_metric_hash(metrics));
    (void)apr_pool_userdata_get(&old, name, pool);
    if (!old || apr_shm_size_get(old) < size) {
        if ((rv = apr_shm_create(&shm, size, NULL, pool)) != APR_SUCCESS) return rv;
        memset(apr_shm_baseaddr_get(shm), 0, size);
        (void)apr_pool_userdata_set(shm, name, NULL, pool); /* copies name */
        old = shm;
    }
    metrics->cells = apr_shm_baseaddr_get(old);
    return APR_SUCCESS;
}
