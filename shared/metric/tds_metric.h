/* Counters: a fixed list of 64-bit cells in memory that the caller provides (shared between processes), several copies
 * of the list so that threads do not fight over a cache line. */
#ifndef TDS_METRIC_H
#define TDS_METRIC_H

#include <apr_pools.h>

#define TDS_METRIC_SHARDS 16

typedef struct tds_metric_row_t {
    const char *name; /* acs_areq_total */
    const char *labels; /* outcome="Y", or NULL */
    const char *help;
} tds_metric_row_t;

typedef struct tds_metric_t {
    const tds_metric_row_t *rows;
    int count;
    apr_uint64_t *cells;
} tds_metric_t;

/* Bytes of zeroed memory that count rows need. */
apr_size_t tds_metric_size(int count);

/* metrics may be NULL. Lock-free. */
void tds_metric_add(tds_metric_t *metrics, int row, apr_uint64_t n);

apr_uint64_t tds_metric_get(const tds_metric_t *metrics, int row);

/* In the text format of Prometheus. */
const char *tds_metric_text(const tds_metric_t *metrics, apr_pool_t *pool);

#endif
