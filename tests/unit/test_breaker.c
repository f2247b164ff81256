#include "unit.h"
#include "tds_breaker.h"

#define T0 apr_time_from_sec(1700000000)

static const tds_breaker_conf_t conf = {.failures = 3, .pause = apr_time_from_sec(10)};

static void opens(void **state)
{
    tds_breaker_t b = {0};

    assert_int_equal(tds_breaker_note(&b, &conf, T0, 0), 0);
    assert_int_equal(tds_breaker_note(&b, &conf, T0, 0), 0);
    assert_int_equal(tds_breaker_allows(&b, &conf, T0), 1);
    assert_int_equal(tds_breaker_note(&b, &conf, T0, 0), 1);
    assert_int_equal(tds_breaker_note(&b, &conf, T0, 0), 0); /* it opens once */
    assert_int_equal(tds_breaker_allows(&b, &conf, T0), 0);
    assert_int_equal(tds_breaker_state(&b, T0), TDS_BREAKER_OPEN);
    assert_int_equal(tds_breaker_allows(&b, &conf, T0 + conf.pause - 1), 0);
    assert_int_equal(tds_breaker_state(&b, T0 + conf.pause), TDS_BREAKER_HALF_OPEN);
}

/* In a row: a success in between begins anew. */
static void in_a_row(void **state)
{
    tds_breaker_t b = {0};
    int i;

    for (i = 0; i < 10; ++i) {
        assert_int_equal(tds_breaker_note(&b, &conf, T0, i % 3 == 2), 0);
        assert_int_equal(tds_breaker_allows(&b, &conf, T0), 1);
    }
}

/* After the pause one tries, and the others wait for what comes of it. */
static void one_tries(void **state)
{
    tds_breaker_t b = {0};
    apr_time_t later = T0 + conf.pause;
    int i;

    for (i = 0; i < 3; ++i) (void)tds_breaker_note(&b, &conf, T0, 0);
    assert_int_equal(tds_breaker_allows(&b, &conf, later), 1);
    assert_int_equal(tds_breaker_allows(&b, &conf, later), 0);
    (void)tds_breaker_note(&b, &conf, later, 0);
    assert_int_equal(tds_breaker_allows(&b, &conf, later + 1), 0);
    later += conf.pause;
    assert_int_equal(tds_breaker_allows(&b, &conf, later), 1);
    (void)tds_breaker_note(&b, &conf, later, 1);
    assert_int_equal(tds_breaker_state(&b, later), TDS_BREAKER_CLOSED);
    assert_int_equal(tds_breaker_allows(&b, &conf, later), 1);
    assert_int_equal(tds_breaker_allows(&b, &conf, later), 1);
}

static void never(void **state)
{
    tds_breaker_t b = {0};
    tds_breaker_conf_t off = {0};
    int i;

    for (i = 0; i < 100; ++i) assert_int_equal(tds_breaker_note(&b, &off, T0, 0), 0);
    assert_int_equal(tds_breaker_allows(&b, &off, T0), 1);
}

static const struct CMUnitTest tests[] = {UNIT(opens), UNIT(in_a_row), UNIT(one_tries), UNIT(never)};
UNIT_MAIN(tests)
