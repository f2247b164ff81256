#include "unit.h"
#include <pthread.h>
#include "tds_metric.h"

static const tds_metric_row_t rows[] = {{"x_total", "kind=\"a\"", "things"},
                                        {"x_total", "kind=\"b\"", "things"},
                                        {"y_total", NULL, "others"}};

static const char *const colours[] = {"red", "a\"b\\c\nd"}, *const sizes[] = {"s", "m", "l"};
static const tds_metric_axis_t axes[] = {{"colour", colours, 2}, {"size", sizes, 3}, {"none", NULL, 0}};
enum { HATS, SPANS, LEVEL, NOBODY, WAITS };
static const tds_metric_family_t families[] = {[HATS] = {"hats_total", TDS_METRIC_COUNTER, {0, 1, -1}, "hats"},
                                               [SPANS] = {"span_seconds", TDS_METRIC_HISTOGRAM, {1, -1, -1}, "spans"},
                                               [LEVEL] = {"level", TDS_METRIC_GAUGE, {1, -1, -1}, "levels"},
                                               [NOBODY] = {"nobody_total", TDS_METRIC_COUNTER, {2, 0, -1}, "no values"},
                                               [WAITS] = {"wait_seconds", TDS_METRIC_HISTOGRAM, {-1, -1, -1}, "waits"}};

static tds_metric_t make(void)
{
    tds_metric_t m = {.rows = rows, .count = COUNT(rows)};

    tds_metric_layout(&m, pool);
    m.cells = apr_pcalloc(pool, tds_metric_size(&m));
    return m;
}

static tds_metric_t make_families(void)
{
    tds_metric_t m = {.families = families, .nfamilies = COUNT(families), .axes = axes};

    tds_metric_layout(&m, pool);
    m.cells = apr_pcalloc(pool, tds_metric_size(&m));
    return m;
}

static void text(void **state)
{
    tds_metric_t m = make();

    tds_metric_add(&m, 1, 5);
    tds_metric_add(&m, 2, 1);
    tds_metric_add(&m, 2, APR_UINT64_C(5000000000));
    assert_string_equal(tds_metric_text(&m, pool), "# HELP x_total things\n# TYPE x_total counter\n"
                                                   "x_total{kind=\"a\"} 0\nx_total{kind=\"b\"} 5\n"
                                                   "# HELP y_total others\n# TYPE y_total counter\n"
                                                   "y_total 5000000001\n");
    assert_true(tds_metric_get(&m, 2) == APR_UINT64_C(5000000001));
}

static void without_memory(void **state)
{
    tds_metric_t m = {.rows = rows, .count = COUNT(rows), .families = families, .nfamilies = COUNT(families), .axes = axes};

    tds_metric_add(NULL, 0, 1);
    tds_metric_count(NULL, HATS, &TDS_METRIC_AT(0, 0), 1);
    tds_metric_layout(&m, pool);
    tds_metric_add(&m, 0, 1);
    tds_metric_count(&m, HATS, &TDS_METRIC_AT(0, 0), 1);
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(0), 1);
    tds_metric_set(&m, LEVEL, &TDS_METRIC_AT(0), 1);
    assert_int_equal(tds_metric_value(&m, HATS, &TDS_METRIC_AT(0, 0)), 0);
    assert_string_equal(tds_metric_text(&m, pool), "");
}

/* A cell for each pair of values, and what does not exist counts nowhere. */
static void counters(void **state)
{
    tds_metric_t m = make_families();
    int i, j, n = 0;

    for (i = 0; i < 2; ++i)
        for (j = 0; j < 3; ++j) tds_metric_count(&m, HATS, &TDS_METRIC_AT(i, j), (apr_uint64_t)(10 * i + j + 1));
    tds_metric_count(&m, HATS, &TDS_METRIC_AT(2, 0), 1000);
    tds_metric_count(&m, HATS, &TDS_METRIC_AT(0, 3), 1000);
    tds_metric_count(&m, HATS, &TDS_METRIC_AT(-1, 0), 1000);
    tds_metric_count(&m, NOBODY, &TDS_METRIC_AT(0, 0), 1000);
    tds_metric_count(&m, COUNT(families), &TDS_METRIC_AT(0), 1000);
    tds_metric_count(&m, -1, &TDS_METRIC_AT(0), 1000);
    for (i = 0; i < 2; ++i)
        for (j = 0; j < 3; ++j, ++n)
            assert_int_equal(tds_metric_value(&m, HATS, &TDS_METRIC_AT(i, j)), 10 * i + j + 1);
    assert_int_equal(tds_metric_sum(&m, HATS), 42);
    assert_non_null(strstr(tds_metric_text(&m, pool), "# HELP hats_total hats\n# TYPE hats_total counter\n"
                                                      "hats_total{colour=\"red\",size=\"s\"} 1\n"
                                                      "hats_total{colour=\"red\",size=\"m\"} 2\n"
                                                      "hats_total{colour=\"red\",size=\"l\"} 3\n"
                                                      "hats_total{colour=\"a\\\"b\\\\c\\nd\",size=\"s\"} 11\n"));
}

/* Buckets are cumulative, a bound belongs to its bucket, and what is beyond all of them is counted. */
static void histogram(void **state)
{
    tds_metric_t m = make_families();
    const char *page;

    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), 0);
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), -5); /* a clock that was put back */
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), 1000);
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), 1001);
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), apr_time_from_sec(60));
    tds_metric_time(&m, SPANS, &TDS_METRIC_AT(1), apr_time_from_sec(3600));
    tds_metric_time(&m, WAITS, &TDS_METRIC_AT(0), 300000);
    page = tds_metric_text(&m, pool);
    assert_int_equal(tds_metric_value(&m, SPANS, &TDS_METRIC_AT(1)), 6);
    assert_int_equal(tds_metric_value(&m, SPANS, &TDS_METRIC_AT(0)), 0);
    assert_non_null(strstr(page, "# TYPE span_seconds histogram\n"));
    assert_non_null(strstr(page, "span_seconds_bucket{size=\"m\",le=\"0.001\"} 3\n"));
    assert_non_null(strstr(page, "span_seconds_bucket{size=\"m\",le=\"0.0025\"} 4\n"));
    assert_non_null(strstr(page, "span_seconds_bucket{size=\"m\",le=\"30\"} 4\n"));
    assert_non_null(strstr(page, "span_seconds_bucket{size=\"m\",le=\"60\"} 5\n"));
    assert_non_null(strstr(page, "span_seconds_bucket{size=\"m\",le=\"+Inf\"} 6\n"));
    assert_non_null(strstr(page, "span_seconds_sum{size=\"m\"} 3660.002001\n"));
    assert_non_null(strstr(page, "span_seconds_count{size=\"m\"} 6\n"));
    assert_non_null(strstr(page, "wait_seconds_bucket{le=\"0.25\"} 0\nwait_seconds_bucket{le=\"0.5\"} 1\n"));
    assert_non_null(strstr(page, "wait_seconds_sum 0.300000\nwait_seconds_count 1\n"));
}

static void gauge(void **state)
{
    tds_metric_t m = make_families();

    tds_metric_set(&m, LEVEL, &TDS_METRIC_AT(2), 7);
    tds_metric_set(&m, LEVEL, &TDS_METRIC_AT(2), 2);
    tds_metric_set(&m, LEVEL, &TDS_METRIC_AT(3), 9);
    assert_int_equal(tds_metric_value(&m, LEVEL, &TDS_METRIC_AT(2)), 2);
    assert_non_null(strstr(tds_metric_text(&m, pool), "# TYPE level gauge\nlevel{size=\"s\"} 0\nlevel{size=\"m\"} 0\n"
                                                      "level{size=\"l\"} 2\n"));
}

/* Another name, another value or another label is another layout. */
static void hash(void **state)
{
    static const char *const other[] = {"s", "m", "xl"};
    tds_metric_axis_t changed[] = {axes[0], {"size", other, 3}, axes[2]};
    tds_metric_t m = make_families(), same = make_families();
    apr_uint64_t was = tds_metric_hash(&m);

    assert_true(was == tds_metric_hash(&same));
    m.axes = changed;
    assert_true(was != tds_metric_hash(&m));
    changed[1] = (tds_metric_axis_t){"width", sizes, 3};
    assert_true(was != tds_metric_hash(&m));
    changed[1] = (tds_metric_axis_t){"size", sizes, 2};
    assert_true(was != tds_metric_hash(&m));
    changed[1] = axes[1];
    assert_true(was == tds_metric_hash(&m));
    --m.nfamilies;
    assert_true(was != tds_metric_hash(&m));
}

static void *adder(void *data)
{
    int i;

    for (i = 0; i < 100000; ++i) tds_metric_add(data, i % 3, 1);
    return NULL;
}

/* No count is lost, and no cell lies outside of the memory asked for. */
static void threads(void **state)
{
    tds_metric_t m = {.rows = rows, .count = COUNT(rows)};
    pthread_t t[8];
    int i;

    tds_metric_layout(&m, pool);
    m.cells = calloc(1, tds_metric_size(&m));
    for (i = 0; i < 8; ++i) assert_int_equal(pthread_create(&t[i], NULL, adder, &m), 0);
    for (i = 0; i < 8; ++i) pthread_join(t[i], NULL);
    assert_int_equal(tds_metric_get(&m, 0) + tds_metric_get(&m, 1) + tds_metric_get(&m, 2), 800000);
    assert_int_equal(tds_metric_get(&m, 2), 8 * 33333);
    free(m.cells);
}

static const struct CMUnitTest tests[] = {UNIT(text),      UNIT(without_memory), UNIT(counters), UNIT(histogram),
                                          UNIT(gauge),     UNIT(hash),           UNIT(threads)};
UNIT_MAIN(tests)
