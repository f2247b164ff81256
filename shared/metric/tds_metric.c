#include "tds_metric.h"

#include <string.h>
#include <sys/uio.h>
#include <apr_strings.h>
#include <apr_tables.h>

/* Upper bounds of the buckets of a histogram; behind them the bucket without bound, and the sum in microseconds. A limit that is
 * kept or not has a bound of its own: 2 s are the lateness that is aimed at, and what a hook has at most unless said otherwise. */
static const struct {
    apr_interval_time_t at;
    const char *text;
} bounds[] = {{1000, "0.001"},    {2500, "0.0025"},  {5000, "0.005"},    {10000, "0.01"},    {25000, "0.025"},
              {50000, "0.05"},    {100000, "0.1"},   {250000, "0.25"},   {500000, "0.5"},    {1000000, "1"},
              {2000000, "2"},     {2500000, "2.5"},  {5000000, "5"},     {10000000, "10"},   {30000000, "30"},
              {60000000, "60"}};
#define BOUNDS ((int)(sizeof bounds / sizeof *bounds))
#define BLOCK  (BOUNDS + 2)

/* ---- layout ---------------------------------------------------------------- */

static int block_of(const tds_metric_family_t *family)
{
    return family->kind == TDS_METRIC_HISTOGRAM ? BLOCK : 1;
}

static int values_of(const tds_metric_t *metrics, const tds_metric_family_t *family, int axis)
{
    return family->axes[axis] < 0 ? 1 : metrics->axes[family->axes[axis]].count;
}

static int series_of(const tds_metric_t *metrics, const tds_metric_family_t *family)
{
    int n = 1, i;

    for (i = 0; i < TDS_METRIC_AXES; ++i) n *= values_of(metrics, family, i);
    return n;
}

void tds_metric_layout(tds_metric_t *metrics, apr_pool_t *pool)
{
    int i;

    metrics->starts = apr_pcalloc(pool, ((apr_size_t)metrics->nfamilies + 1) * sizeof(int));
    metrics->total = metrics->count;
    for (i = 0; i < metrics->nfamilies; ++i) {
        const tds_metric_family_t *family = &metrics->families[i];

        metrics->starts[i] = metrics->total;
        metrics->total += series_of(metrics, family) * block_of(family);
    }
}

/* Each copy of the list starts on a cache line of its own. */
static apr_size_t stride(const tds_metric_t *metrics)
{
    return ((apr_size_t)metrics->total + 7) / 8 * 8;
}

apr_size_t tds_metric_size(const tds_metric_t *metrics)
{
    return stride(metrics) * TDS_METRIC_SHARDS * sizeof(apr_uint64_t);
}

static void mix(apr_uint64_t *hash, const char *text)
{
    if (!text) text = "\1";
    do *hash = (*hash ^ (unsigned char)*text) * APR_UINT64_C(1099511628211);
    while (*text++);
}

apr_uint64_t tds_metric_hash(const tds_metric_t *metrics)
{
    apr_uint64_t hash = APR_UINT64_C(14695981039346656037);
    int i, j, k;

    for (i = 0; i < metrics->count; ++i) {
        mix(&hash, metrics->rows[i].name);
        mix(&hash, metrics->rows[i].labels);
    }
    for (i = 0; i < metrics->nfamilies; ++i) {
        const tds_metric_family_t *family = &metrics->families[i];

        mix(&hash, family->name);
        for (j = 0; j < TDS_METRIC_AXES; ++j) {
            mix(&hash, "|");
            if (family->axes[j] < 0) continue;
            mix(&hash, metrics->axes[family->axes[j]].label);
            for (k = 0; k < metrics->axes[family->axes[j]].count; ++k) mix(&hash, metrics->axes[family->axes[j]].values[k]);
        }
    }
    for (i = 0; i < BOUNDS; ++i) mix(&hash, bounds[i].text);
    return hash;
}

/* ---- counting -------------------------------------------------------------- */

static unsigned my_shard(void)
{
    static __thread unsigned shard;

    if (!shard) shard = (unsigned)((apr_uintptr_t)&shard >> 12) % TDS_METRIC_SHARDS + 1;
    return shard - 1;
}

static void add(tds_metric_t *metrics, int cell, apr_uint64_t n)
{
    __atomic_fetch_add(&metrics->cells[my_shard() * stride(metrics) + (apr_size_t)cell], n, __ATOMIC_RELAXED);
}

static apr_uint64_t sum(const tds_metric_t *metrics, int cell)
{
    apr_uint64_t n = 0;
    unsigned i;

    for (i = 0; i < TDS_METRIC_SHARDS; ++i)
        n += __atomic_load_n(&metrics->cells[i * stride(metrics) + (apr_size_t)cell], __ATOMIC_RELAXED);
    return n;
}

/* The first cell of a series; -1: there is none. */
static int cell_of(const tds_metric_t *metrics, int n, const tds_metric_at_t *at)
{
    const tds_metric_family_t *family;
    int series = 0, i;

    if (!metrics || !metrics->cells || n < 0 || n >= metrics->nfamilies) return -1;
    family = &metrics->families[n];
    for (i = 0; i < TDS_METRIC_AXES; ++i) {
        int count = values_of(metrics, family, i), value = family->axes[i] < 0 ? 0 : at->value[i];

        if (value < 0 || value >= count) return -1;
        series = series * count + value;
    }
    return metrics->starts[n] + series * block_of(family);
}

void tds_metric_add(tds_metric_t *metrics, int row, apr_uint64_t n)
{
    if (metrics && metrics->cells) add(metrics, row, n);
}

void tds_metric_count(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_uint64_t n)
{
    int cell = cell_of(metrics, family, at);

    if (cell >= 0) add(metrics, cell, n);
}

void tds_metric_time(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_interval_time_t span)
{
    int cell = cell_of(metrics, family, at), i;

    if (cell < 0) return;
    if (span < 0) span = 0;
    for (i = 0; i < BOUNDS && span > bounds[i].at; ++i) continue;
    add(metrics, cell + i, 1);
    add(metrics, cell + BOUNDS + 1, (apr_uint64_t)span);
}

/* A gauge is one cell, that of the first copy. */
void tds_metric_set(tds_metric_t *metrics, int family, const tds_metric_at_t *at, apr_uint64_t value)
{
    int cell = cell_of(metrics, family, at);

    if (cell >= 0) __atomic_store_n(&metrics->cells[cell], value, __ATOMIC_RELAXED);
}

apr_uint64_t tds_metric_get(const tds_metric_t *metrics, int row)
{
    return sum(metrics, row);
}

apr_uint64_t tds_metric_value(const tds_metric_t *metrics, int family, const tds_metric_at_t *at)
{
    int cell = cell_of(metrics, family, at), i;
    apr_uint64_t n = 0;

    if (cell < 0) return 0;
    if (metrics->families[family].kind != TDS_METRIC_HISTOGRAM) return sum(metrics, cell);
    for (i = 0; i <= BOUNDS; ++i) n += sum(metrics, cell + i);
    return n;
}

apr_uint64_t tds_metric_sum(const tds_metric_t *metrics, int family)
{
    apr_uint64_t n = 0;
    int i, series = series_of(metrics, &metrics->families[family]);

    for (i = 0; metrics->cells && i < series; ++i) n += sum(metrics, metrics->starts[family] + i);
    return n;
}

/* ---- text ------------------------------------------------------------------ */

/* Lines, joined once at the end. */
typedef struct page_t {
    const tds_metric_t *metrics;
    apr_array_header_t *parts; /* struct iovec */
    apr_pool_t *pool;
} page_t;

static void put(page_t *page, const char *text)
{
    struct iovec *part = apr_array_push(page->parts);

    part->iov_base = (void *)text;
    part->iov_len = strlen(text);
}

static void put_head(page_t *page, const char *name, const char *help, const char *type)
{
    put(page, apr_pstrcat(page->pool, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", NULL));
}

static void put_number(page_t *page, const char *name, const char *suffix, const char *labels, apr_uint64_t n)
{
    put(page, apr_psprintf(page->pool, "%s%s%s%s%s %" APR_UINT64_T_FMT "\n", name, suffix, *labels ? "{" : "", labels,
                           *labels ? "}" : "", n));
}

static const char *escaped(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 2 * strlen(text) + 1), *to = out;

    for (; *text; ++text) {
        if (*text == '\\' || *text == '"' || *text == '\n') *to++ = '\\';
        *to++ = (char)(*text == '\n' ? 'n' : *text);
    }
    *to = '\0';
    return out;
}

static const char *labels_of(page_t *page, const tds_metric_family_t *family, int series)
{
    const char *labels = "";
    int i;

    for (i = TDS_METRIC_AXES; i-- > 0;) {
        int count = values_of(page->metrics, family, i);
        const tds_metric_axis_t *axis;

        if (family->axes[i] < 0) continue;
        axis = &page->metrics->axes[family->axes[i]];
        labels = apr_pstrcat(page->pool, axis->label, "=\"", escaped(axis->values[series % count], page->pool), "\"",
                             *labels ? "," : "", labels, NULL);
        series /= count;
    }
    return labels;
}

static void put_histogram(page_t *page, const char *name, const char *labels, int cell)
{
    const char *comma = *labels ? "," : "";
    apr_uint64_t n = 0, us = sum(page->metrics, cell + BOUNDS + 1);
    int i;

    for (i = 0; i <= BOUNDS; ++i) {
        n += sum(page->metrics, cell + i);
        put_number(page, name, "_bucket",
                   apr_pstrcat(page->pool, labels, comma, "le=\"", i < BOUNDS ? bounds[i].text : "+Inf", "\"", NULL), n);
    }
    put(page, apr_psprintf(page->pool, "%s_sum%s%s%s %" APR_UINT64_T_FMT ".%06d\n", name, *labels ? "{" : "", labels,
                           *labels ? "}" : "", us / 1000000, (int)(us % 1000000)));
    put_number(page, name, "_count", labels, n);
}

static void put_family(page_t *page, int n)
{
    static const char *const types[] = {"counter", "histogram", "gauge"};
    const tds_metric_family_t *family = &page->metrics->families[n];
    int i, series = series_of(page->metrics, family);

    put_head(page, family->name, family->help, types[family->kind]);
    for (i = 0; i < series; ++i) {
        const char *labels = labels_of(page, family, i);
        int cell = page->metrics->starts[n] + i * block_of(family);

        if (family->kind == TDS_METRIC_HISTOGRAM) put_histogram(page, family->name, labels, cell);
        else put_number(page, family->name, "", labels, sum(page->metrics, cell));
    }
}

const char *tds_metric_text(const tds_metric_t *metrics, apr_pool_t *pool)
{
    page_t page = {metrics, apr_array_make(pool, 256, sizeof(struct iovec)), pool};
    const char *last = "";
    int i;

    if (!metrics->cells) return "";
    for (i = 0; i < metrics->count; ++i) {
        const tds_metric_row_t *row = &metrics->rows[i];

        if (strcmp(last, row->name)) put_head(&page, row->name, row->help, "counter");
        last = row->name;
        put_number(&page, row->name, "", row->labels ? row->labels : "", tds_metric_get(metrics, i));
    }
    for (i = 0; i < metrics->nfamilies; ++i) put_family(&page, i);
    return apr_pstrcatv(pool, (struct iovec *)page.parts->elts, (apr_size_t)page.parts->nelts, NULL);
}
