#include "unit.h"
#include "tds_time.h"

static void texts(void **state)
{
    setenv("TZ", "America/New_York", 1); /* always UTC, wherever the server is */
    assert_string_equal(tds_time_compact(0, pool), "19700101000000");
    assert_string_equal(tds_time_iso(0, pool), "1970-01-01T00:00:00Z");
    assert_string_equal(tds_time_compact(apr_time_from_sec(951827696) + 999999, pool), "20000229123456");
    assert_string_equal(tds_time_iso(apr_time_from_sec(951827696) + 999999, pool), "2000-02-29T12:34:56Z");
    assert_string_equal(tds_time_iso(apr_time_from_sec(APR_INT64_C(4102444799)), pool), "2099-12-31T23:59:59Z");
}

static const struct CMUnitTest tests[] = {UNIT(texts)};
UNIT_MAIN(tests)
