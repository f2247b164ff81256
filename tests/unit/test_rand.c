#include "unit.h"
#include "tds_rand.h"

static unsigned char next_byte;

static apr_status_t counting(void *out, apr_size_t len)
{
    unsigned char *o = out;

    while (len--) *o++ = next_byte++;
    return APR_SUCCESS;
}

static apr_status_t broken(void *out, apr_size_t len)
{
    return APR_EGENERAL;
}

static void uuid_shape(void **state)
{
    static const unsigned char zero[16] = {0};
    unsigned char ones[16];
    char text[TDS_UUID_LEN + 1], other[TDS_UUID_LEN + 1];
    int i;

    memset(ones, 0xff, sizeof ones);
    tds_uuid_format(text, zero);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
    tds_uuid_format(text, ones);
    assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    for (i = 0; i < 100; ++i) {
        assert_ok(tds_uuid_make(text, tds_rand_bytes));
        assert_ok(tds_uuid_make(other, tds_rand_bytes));
        assert_true(tds_uuid_valid(text));
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_string_not_equal(text, other);
    }
    assert_int_equal(tds_uuid_make(text, broken), APR_EGENERAL);
}

static void uuid_valid(void **state)
{
    static const char good[] = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e";
    char text[64];
    int i;

    assert_true(tds_uuid_valid(good));
    assert_true(tds_uuid_valid("8A880DC0-D2D2-4067-BCB1-B08D1690B26E"));
    assert_false(tds_uuid_valid(""));
    assert_false(tds_uuid_valid("8a880dc0d2d24067bcb1b08d1690b26e"));
    assert_false(tds_uuid_valid("8a880dc0-d2d2-4067-bcb1-b08d1690b26e0"));
    for (i = 0; i < TDS_UUID_LEN; ++i) { /* cut anywhere, and a wrong character anywhere */
        apr_cpystrn(text, good, sizeof text);
        text[i] = '\0';
        assert_false(tds_uuid_valid(text));
        apr_cpystrn(text, good, sizeof text);
        text[i] = good[i] == '-' ? '0' : 'g';
        assert_false(tds_uuid_valid(text));
    }
}

static void digits(void **state)
{
    int seen[10] = {0}, i;
    char text[33];

    next_byte = 245; /* 250..255 would make some digits likelier: they are passed over */
    assert_ok(tds_rand_digits(text, 8, counting));
    assert_string_equal(text, "56789012");
    for (i = 0; i < 100; ++i) {
        int j;

        assert_ok(tds_rand_digits(text, 32, tds_rand_bytes));
        assert_int_equal(strlen(text), 32);
        for (j = 0; j < 32; ++j) {
            assert_in_range(text[j], '0', '9');
            ++seen[text[j] - '0'];
        }
    }
    for (i = 0; i < 10; ++i) assert_in_range(seen[i], 200, 440); /* 320 expected */
    assert_ok(tds_rand_digits(text, 0, tds_rand_bytes));
    assert_string_equal(text, "");
    assert_int_equal(tds_rand_digits(text, 4, broken), APR_EGENERAL);
}

static const struct CMUnitTest tests[] = {UNIT(uuid_shape), UNIT(uuid_valid), UNIT(digits)};
UNIT_MAIN(tests)
