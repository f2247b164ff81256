#include "acs_hook.h"

#include <string.h>

static const tds_metric_row_t metric_rows[ACS_M_COUNT] = {
#define C(id, name, labels, help) [ACS_M_##id] = {name, labels, help},
#define A(id, label)
#define F(id, kind, name, a, b, c, help)
#include "acs_metrics.def"
#undef C
#undef F
};

#define C(id, name, labels, help)
static const tds_metric_family_t families[ACS_H_COUNT] = {
#define F(id, kind, name, a, b, c, help) \
    [ACS_H_##id] = {name, TDS_METRIC_##kind, {ACS_AX_##a, ACS_AX_##b, ACS_AX_##c}, help},
#include "acs_metrics.def"
#undef F
#undef A
};

#define F(id, kind, name, a, b, c, help)
static const char *const axis_labels[ACS_AX_COUNT] = {
#define A(id, label) [ACS_AX_##id] = (label),
#include "acs_metrics.def"
#undef A
#undef C
#undef F
};

static const char *const statuses[] = {"Y", "A", "N", "U", "R", "C", "D", "I", "S"};
static const char *const codes[] = {"101", "102", "103", "201", "202", "203", "204", "205", "206", "207",
                                    "301", "302", "303", "304", "305", "306", "307", "308", "309", "310",
                                    "311", "312", "313", "314", "315", "402", "403", "404", "405", "other"};
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* ---- layout ---------------------------------------------------------------- */

static const char *const *issuer_names(acs_conf_t *conf, apr_pool_t *pool)
{
    const char **names = apr_palloc(pool, ((apr_size_t)conf->issuers->nelts + 1) * sizeof *names);
    int i;

    for (i = 0; i < conf->issuers->nelts; ++i) {
        acs_issuer_t *issuer = APR_ARRAY_IDX(conf->issuers, i, acs_issuer_t *);

        issuer->number = i;
        names[i] = issuer->name;
    }
    return names;
}

static const char *const *ds_names(acs_conf_t *conf, apr_pool_t *pool)
{
    const char **names = apr_palloc(pool, ((apr_size_t)conf->dss->nelts + 1) * sizeof *names);
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        acs_ds_t *ds = APR_ARRAY_IDX(conf->dss, i, acs_ds_t *);

        ds->number = i;
        names[i] = ds->name;
    }
    return names;
}

static const char *const *hook_names(apr_pool_t *pool)
{
    const char **names = apr_palloc(pool, ACS_HOOK_COUNT * sizeof *names);
    int i;

    for (i = 0; i < ACS_HOOK_COUNT; ++i) names[i] = acs_hook_name((acs_hook_e)i);
    return names;
}

void acs_metric_layout(tds_metric_t *metrics, acs_conf_t *conf, apr_pool_t *pool)
{
    tds_metric_axis_t *axes = apr_pcalloc(pool, ACS_AX_COUNT * sizeof *axes);
    int i;

    axes[ACS_AX_ISSUER] = (tds_metric_axis_t){NULL, issuer_names(conf, pool), conf->issuers->nelts};
    axes[ACS_AX_DS] = (tds_metric_axis_t){NULL, ds_names(conf, pool), conf->dss->nelts};
    axes[ACS_AX_STATUS] = (tds_metric_axis_t){NULL, statuses, COUNT(statuses)};
    axes[ACS_AX_CODE] = (tds_metric_axis_t){NULL, codes, COUNT(codes)};
    axes[ACS_AX_HOOK] = (tds_metric_axis_t){NULL, hook_names(pool), ACS_HOOK_COUNT};
    for (i = 0; i < ACS_AX_COUNT; ++i) axes[i].label = axis_labels[i];
    *metrics = (tds_metric_t){
        .rows = metric_rows, .count = ACS_M_COUNT, .families = families, .nfamilies = ACS_H_COUNT, .axes = axes};
    tds_metric_layout(metrics, pool);
}

/* ---- counting -------------------------------------------------------------- */

/* -1: not one of them. */
static int find(const char *const *values, int n, const char *value)
{
    int i;

    for (i = 0; value && i < n; ++i)
        if (!strcmp(values[i], value)) return i;
    return -1;
}

static void count(acs_run_t *run, int family, const acs_issuer_t *issuer, const acs_ds_t *ds, const char *status)
{
    if (issuer && ds)
        tds_metric_count(run->metrics, family,
                         &TDS_METRIC_AT(issuer->number, ds->number, find(statuses, COUNT(statuses), status)), 1);
}

void acs_metric_ares(acs_run_t *run, const acs_issuer_t *issuer, const acs_ds_t *ds, const char *status)
{
    count(run, ACS_H_ARES, issuer, ds, status);
}

void acs_metric_outcome(acs_run_t *run, const acs_txn_t *txn)
{
    count(run, ACS_H_OUTCOME, acs_issuer_by_name(run->conf, txn->issuer), acs_ds_by_name(run->conf, txn->ds),
          acs_end_status((acs_end_e)txn->end));
}

void acs_metric_erro(acs_run_t *run, int code)
{
    char text[] = {(char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10), (char)('0' + code % 10), '\0'};
    int i = find(codes, COUNT(codes), text);

    tds_metric_count(run->metrics, ACS_H_ERRO, &TDS_METRIC_AT(i < 0 ? COUNT(codes) - 1 : i), 1);
}

void acs_metric_time(acs_run_t *run, int histogram, int number, apr_interval_time_t span)
{
    tds_metric_time(run->metrics, histogram, &TDS_METRIC_AT(number), span);
}

void acs_metric_store(acs_run_t *run, apr_status_t rv)
{
    tds_metric_add(run->metrics, rv == APR_EINVAL ? ACS_M_TAMPERED : ACS_M_STORE_DOWN, 1);
}

apr_uint64_t acs_metric_timeouts(const tds_metric_t *metrics)
{
    return tds_metric_get(metrics, ACS_M_TIMEOUT_CREQ) + tds_metric_get(metrics, ACS_M_TIMEOUT_CARDHOLDER) +
           tds_metric_get(metrics, ACS_M_TIMEOUT_DECOUPLED) + tds_metric_get(metrics, ACS_M_TIMEOUT_SPC);
}

void acs_metric_hook(acs_run_t *run, const acs_issuer_t *issuer, acs_hook_e hook, apr_interval_time_t span)
{
    if (issuer) tds_metric_time(run->metrics, ACS_H_HOOK, &TDS_METRIC_AT(issuer->number, (int)hook), span);
}

void acs_metric_breakers(acs_run_t *run)
{
    int i, j;

    for (i = 0; i < run->conf->issuers->nelts; ++i) {
        const acs_issuer_t *issuer = APR_ARRAY_IDX(run->conf->issuers, i, const acs_issuer_t *);

        for (j = 0; j < ACS_HOOK_COUNT; ++j) {
            const acs_hook_t *hook = issuer->hooks[j];

            if (hook && hook->breaker) /* TDS_BREAKER_CLOSED, OPEN, HALF_OPEN are 0, 1, 2 */
                tds_metric_set(run->metrics, ACS_H_BREAKER, &TDS_METRIC_AT(issuer->number, j),
                               (apr_uint64_t)tds_breaker_state(hook->breaker, run->mono()));
        }
    }
}
