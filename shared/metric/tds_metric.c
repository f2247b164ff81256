#include "tds_metric.h"

#include <string.h>
#include <apr_strings.h>

/* Each copy of the list starts on a cache line of its own. */
static apr_size_t stride(int count)
{
    return ((apr_size_t)count + 7) / 8 * 8;
}

apr_size_t tds_metric_size(int count)
{
    return stride(count) * TDS_METRIC_SHARDS * sizeof(apr_uint64_t);
}

static unsigned my_shard(void)
{
    static __thread unsigned shard;

    if (!shard) shard = (unsigned)((apr_uintptr_t)&shard >> 12) % TDS_METRIC_SHARDS + 1;
    return shard - 1;
}

void tds_metric_add(tds_metric_t *metrics, int row, apr_uint64_t n)
{
    if (metrics && metrics->cells)
        __atomic_fetch_add(&metrics->cells[my_shard() * stride(metrics->count) + (apr_size_t)row], n, __ATOMIC_RELAXED);
}

apr_uint64_t tds_metric_get(const tds_metric_t *metrics, int row)
{
    apr_uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < TDS_METRIC_SHARDS; ++i)
        sum += __atomic_load_n(&metrics->cells[i * stride(metrics->count) + (apr_size_t)row], __ATOMIC_RELAXED);
    return sum;
}

const char *tds_metric_text(const tds_metric_t *metrics, apr_pool_t *pool)
{
    const char *text = "", *last = "";
    int i;

    for (i = 0; i < metrics->count; ++i) {
        const tds_metric_row_t *row = &metrics->rows[i];

        if (strcmp(last, row->name))
            text = apr_pstrcat(pool, text, "# HELP ", row->name, " ", row->help, "\n# TYPE ", row->name, " counter\n", NULL);
        last = row->name;
        text = apr_psprintf(pool, "%s%s%s%s%s %" APR_UINT64_T_FMT "\n", text, row->name, row->labels ? "{" : "",
                            row->labels ? row->labels : "", row->labels ? "}" : "", tds_metric_get(metrics, i));
    }
    return text;
}
