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

static void free_text(void **state)
{
    /* numbers of the card schemes' published test cards */
    assert_string_equal(tds_mask_text("card 4111111111111111.", pool), "card ************1111.");
    assert_string_equal(tds_mask_text("5555555555554444,378282246310005", pool), "************4444,***********0005");
    assert_string_equal(tds_mask_text("6304000000000000000", pool), "***************0000");
    assert_string_equal(tds_mask_text("4111111111111112 20261122120000 411111111111", pool),
                        "4111111111111112 20261122120000 411111111111");
    assert_string_equal(tds_mask_text("00000000000000000000", pool), "00000000000000000000"); /* 20 */
    assert_string_equal(tds_mask_text("", pool), "");
    assert_null(tds_mask_text(NULL, pool));
}

static const struct CMUnitTest tests[] = {UNIT(pan), UNIT(free_text)};
UNIT_MAIN(tests)
