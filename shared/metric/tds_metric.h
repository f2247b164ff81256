/* Metrics: 64-bit cells in memory that the caller provides (shared between processes), several copies of each so that
 * threads do not fight over a cache line. Rows are counters known when the module is compiled. Families are what bears
 * labels: counters, histograms of spans of time, and gauges, with one cell (or block of them) for each combination of
 * label values, all enumerated when the configuration is known: nothing grows while requests are served. */
#ifndef TDS_METRIC_H
#define TDS_METRIC_H

#include <apr_pools.h>
#include <apr_time.h>

#define TDS_METRIC_SHARDS 16
#define TDS_METRIC_AXES   3

typedef struct tds_metric_row_t {
    const char *name; /* acs_areq_total */
    const char *labels; /* outcome="Y", or NULL */
    const char *help;
} tds_metric_row_t;

/* A label and the values it can have. The values' texts are escaped by tds_metric_text. */
typedef struct tds_metric_axis_t {
    const char *label;
    const char *const *values;
    int count;
} tds_metric_axis_t;

typedef enum tds_metric_kind_e { TDS_METRIC_COUNTER, TDS_METRIC_HISTOGRAM, TDS_METRIC_GAUGE } tds_metric_kind_e;

typedef struct tds_metric_family_t {
    const char *name;
    tds_metric_kind_e kind;
    int axes[TDS_METRIC_AXES]; /* numbers of axes; -1: none */
    const char *help;
} tds_metric_family_t;

typedef struct tds_metric_t {
    const tds_metric_row_t *rows;
    int count;
    const tds_metric_family_t *families;
    int nfamilies;
    const tds_metric_axis_t *axes;
    int *starts; /* first cell of each family */
    int total;   /* cells of one copy */
    apr_uint64_t *cells;
} tds_metric_t;

/* Which of the values of each of the family's axes. One that is out of range: nothing is counted. */
typedef struct tds_metric_at_t {
    int value[TDS_METRIC_AXES];
} tds_metric_at_t;

#define TDS_METRIC_AT(...) ((const tds_metric_at_t){{__VA_ARGS__}})

/* Give every row and family its cells. rows and families are set; all of it must outlive metrics. */
void tds_metric_layout(tds_metric_t *metrics, apr_pool_t *pool);

/* Bytes of zeroed memory that the layout needs. */
apr_size_t tds_metric_size(const tds_metric_t *metrics);

/* A number that tells two layouts apart. */
apr_uint64_t tds_metric_hash(const tds_metric_t *metrics);

/* All of these are lock-free; metrics may be NULL, or without cells. */
void tds_metric_add(tds_metric_t *metrics, int row, apr_uint64_t n);
void tds_metric_count(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_uint64_t n);
void tds_metric_time(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_interval_time_t span);
void tds_metric_set(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_uint64_t value);

apr_uint64_t tds_metric_get(const tds_metric_t *metrics, int row);

/* A counter, a gauge, or how many spans a histogram has seen. */
apr_uint64_t tds_metric_value(const tds_metric_t *metrics, int family, const tds_metric_at_t *at);

/* A counter's sum over all label values. */
apr_uint64_t tds_metric_sum(const tds_metric_t *metrics, int family);

/* In the text format of Prometheus. */
const char *tds_metric_text(const tds_metric_t *metrics, apr_pool_t *pool);

#endif
