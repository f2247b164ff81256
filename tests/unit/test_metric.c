#include "unit.h"
#include <pthread.h>
#include "tds_metric.h"

static const tds_metric_row_t rows[] = {{"x_total", "kind=\"a\"", "things"},
                                        {"x_total", "kind=\"b\"", "things"},
                                        {"y_total", NULL, "others"}};

static tds_metric_t make(void)
{
    return (tds_metric_t){.rows = rows, .count = COUNT(rows), .cells = apr_pcalloc(pool, tds_metric_size(COUNT(rows)))};
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
    tds_metric_t m = {.rows = rows, .count = COUNT(rows)};

    tds_metric_add(NULL, 0, 1);
    tds_metric_add(&m, 0, 1);
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

    m.cells = calloc(1, tds_metric_size(COUNT(rows)));
    for (i = 0; i < 8; ++i) assert_int_equal(pthread_create(&t[i], NULL, adder, &m), 0);
    for (i = 0; i < 8; ++i) pthread_join(t[i], NULL);
    assert_int_equal(tds_metric_get(&m, 0) + tds_metric_get(&m, 1) + tds_metric_get(&m, 2), 800000);
    assert_int_equal(tds_metric_get(&m, 2), 8 * 33333);
    free(m.cells);
}

static const struct CMUnitTest tests[] = {UNIT(text), UNIT(without_memory), UNIT(threads)};
UNIT_MAIN(tests)
