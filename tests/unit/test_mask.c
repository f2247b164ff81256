#include "unit.h"
#include "tds_mask.h"

#define DOT  "\xe2\x80\xa2"
#define DOTS DOT DOT DOT DOT

static void pan(void **state)
{
    assert_string_equal(tds_mask_pan("4000001234567899", pool), DOTS " 7899");
    assert_string_equal(tds_mask_pan("4000001234567891234", pool), DOTS " 1234");
    assert_string_equal(tds_mask_pan("12345678", pool), DOTS " 5678");
    assert_string_equal(tds_mask_pan("1234567", pool), DOTS);
    assert_string_equal(tds_mask_pan("", pool), DOTS);
    assert_string_equal(tds_mask_pan(NULL, pool), DOTS);
}

static const struct CMUnitTest tests[] = {UNIT(pan)};
UNIT_MAIN(tests)
