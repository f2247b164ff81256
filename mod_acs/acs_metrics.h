/* The metrics of mod_acs by name, and how the engine counts. */
#ifndef ACS_METRICS_H
#define ACS_METRICS_H

#include "tds_metric.h"
#include "acs_conf.h"

struct acs_run_t;
struct acs_txn_t;

enum {
#define C(id, name, labels, help) ACS_M_##id,
#define A(id, label)
#define F(id, kind, name, a, b, c, help)
#include "acs_metrics.def"
#undef C
#undef A
    ACS_M_COUNT
};

enum {
    ACS_AX_NONE = -1,
#define C(id, name, labels, help)
#define A(id, label) ACS_AX_##id,
#include "acs_metrics.def"
#undef A
    ACS_AX_COUNT
};
#undef F

/* Families: ACS_H_AREQ ... */
enum {
#define A(id, label)
#define F(id, kind, name, a, b, c, help) ACS_H_##id,
#include "acs_metrics.def"
#undef A
#undef C
#undef F
    ACS_H_COUNT
};

/* What there is to count under this configuration: numbers its issuers and DSs (number), and lays metrics out without
 * memory. conf and pool must outlive metrics. */
void acs_metric_layout(tds_metric_t *metrics, acs_conf_t *conf, apr_pool_t *pool);

/* issuer, ds: NULL counts nothing. status: transStatus. */
void acs_metric_ares(struct acs_run_t *run, const acs_issuer_t *issuer, const acs_ds_t *ds, const char *status);
void acs_metric_outcome(struct acs_run_t *run, const struct acs_txn_t *txn); /* its RReq is in the outbox */
void acs_metric_erro(struct acs_run_t *run, int code);

/* A span in one of the histograms ACS_H_... whose label is the number of an issuer, or of a DS; 0 where it has none. */
void acs_metric_time(struct acs_run_t *run, int histogram, int number, apr_interval_time_t span);

/* The store did not answer (rv), or what it gave cannot be right (APR_EINVAL). */
void acs_metric_store(struct acs_run_t *run, apr_status_t rv);

/* Time limits that have run out, whoever was waited for. */
apr_uint64_t acs_metric_timeouts(const tds_metric_t *metrics);

/* A call of the issuer's system. */
void acs_metric_hook(struct acs_run_t *run, const acs_issuer_t *issuer, acs_hook_e hook, apr_interval_time_t span);

/* Look at all breakers: before the metrics are shown. */
void acs_metric_breakers(struct acs_run_t *run);

#endif
