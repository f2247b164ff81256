/* One-time codes: handed over, not handed over, asked for again. */
#include "unit.h"
#include "acs_world.h"

/* ---- AReq ---------------------------------------------------------------- */

static void resend(void **state)
{
    seen_t page = creq(challenge());
    char first[ACS_OTP_MAX + 1];

    apr_cpystrn(first, world.otp, sizeof first);
    page = press(page.token, "resend", NULL);
    assert_true(page.challenge);
    assert_int_equal(world.otps, 2);
    page = press(page.token, "resend", NULL);
    assert_int_equal(world.otps, 3);
    assert_null(strstr(page.answer.body, "value=\"resend\"")); /* no third time */
    page = press(page.token, "resend", NULL);
    assert_int_equal(world.otps, 3);
    if (strcmp(first, world.otp)) {
        page = press(page.token, "submit", first);
        assert_true(page.challenge);
    }
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
}

static void code_not_delivered(void **state)
{
    seen_t page;

    world.otp_fails = 1;
    page = creq(challenge());
    assert_true(page.challenge); /* they may ask for another, or cancel */
    assert_true(logged("ACS0040"));
    world.otp_fails = 2;
    page = press(page.token, "resend", NULL);
    assert_true(page.challenge);
    assert_int_equal(metric(ACS_M_OTP_UNDELIVERED), 2);
    world.otp_fails = 0;
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
}

/* The page never says that a code was sent which its gateway has not taken; that costs no resend; and it is still so after a
 * reload. */
static void page_tells_the_truth(void **state)
{
    seen_t page;
    int i;

    world.otp_fails = 1;
    page = creq(challenge());
    for (i = 0; i < 5; ++i) {
        assert_true(page.challenge);
        assert_null(strstr(page.answer.body, "We sent"));
        assert_non_null(strstr(page.answer.body, "could not send"));
        assert_non_null(strstr(page.answer.body, "value=\"resend\""));
        page = press(page.token, "resend", NULL);
    }
    assert_null(strstr(reload(page.token).answer.body, "We sent a"));
    world.otp_fails = 0;
    page = press(page.token, "resend", NULL);
    assert_non_null(strstr(page.answer.body, "We sent"));
    assert_null(strstr(page.answer.body, "could not send"));
    page = press(page.token, "resend", NULL); /* both of two are left but one */
    assert_null(strstr(page.answer.body, "value=\"resend\""));
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
    T(resend), T(code_not_delivered), T(page_tells_the_truth),
#undef T
};
UNIT_MAIN(tests)
