#include "unit.h"
#include <string.h>
#include <apr_strings.h>
#include "tds_err.h"
#include "tds_log.h"
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

/* Whatever is reported or logged goes through it: names, ids and texts come from peers. */
static void reports(void **state)
{
    tds_err_t e;

    tds_err_init(&e, pool);
    (void)TDS_FAIL(&e, APR_EINVAL, 202, "id.of.4111111111111111,other", "extension not known");
    assert_string_equal(e.elements, "id.of.************1111,other");
}

static char logged[2048];

static void keep(void *baton, int level, const char *id, const char *txn, const char *text)
{
    apr_cpystrn(logged, text, sizeof logged);
}

static void log_lines(void **state)
{
    static const tds_log_t log = {.write = keep, .level = TDS_LOG_INFO};
    char filler[1100];
    apr_size_t i;

    tds_log_write(&log, TDS_LOG_INFO, "TDS0300", NULL, "from %s", "5555555555554444");
    assert_string_equal(logged, "from ************4444");
    memset(filler, 'x', sizeof filler);
    for (i = 1000; i < 1024; ++i) { /* wherever the line is cut */
        filler[i] = '\0';
        tds_log_write(&log, TDS_LOG_INFO, "TDS0300", NULL, "%s%s", filler, "5555555555554444");
        assert_null(strstr(logged, "5555555"));
        filler[i] = 'x';
    }
}

static const struct CMUnitTest tests[] = {UNIT(pan), UNIT(free_text), UNIT(reports), UNIT(log_lines)};
UNIT_MAIN(tests)
