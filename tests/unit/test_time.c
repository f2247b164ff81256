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

static void read_back(void **state)
{
    assert_int_equal(tds_time_read("20000229123456"), apr_time_from_sec(951827696));
    assert_int_equal(tds_time_read("20000230123456"), apr_time_from_sec(951827696 + 86400));
    assert_int_equal(tds_time_read("20161231235960"), apr_time_from_sec(1483228800)); /* leap second */
    assert_int_equal(tds_time_read("20001301000000"), 0);
    assert_int_equal(tds_time_read("20000001000000"), 0);
    assert_int_equal(tds_time_read("2000022912345"), 0);
    assert_int_equal(tds_time_read("200002291234567"), 0);
    assert_int_equal(tds_time_read("2000022912345x"), 0);
    assert_int_equal(tds_time_read(""), 0);
}

static const struct CMUnitTest tests[] = {UNIT(texts), UNIT(read_back)};
UNIT_MAIN(tests)
