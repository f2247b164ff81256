/* What versions name differently, what a profile may change, assigned codes, and the point of a key. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include "tds_jwk.h"
#include "tds_profile.h"
#include "tds_view.h"

static apr_pool_t *pool;

static tds_msg_t *with(tds_msg_e type, tds_ver_e version, const char *name, const char *json)
{
    tds_msg_t *m = tds_msg_make(type, version, pool);
    json_error_t err;

    if (name) {
        json_t *v = json_loads(json, JSON_DECODE_ANY, &err);
        assert_non_null(v);
        assert_int_equal(tds_msg_set_json(m, tds_elem_find(name, strlen(name)), v), 0);
    }
    return m;
}

static void asks(void **state)
{
    static const char *const six[] = {"06", NULL}, *const one[] = {"01", NULL}, *const two[] = {"02", "13", NULL};

    assert_true(tds_view_asks(with(TDS_MSG_AREQ, TDS_V220, "threeDSRequestorChallengeInd", "\"06\""), six));
    assert_false(tds_view_asks(with(TDS_MSG_AREQ, TDS_V220, "threeDSRequestorChallengeInd", "\"05\""), six));
    assert_true(tds_view_asks(with(TDS_MSG_AREQ, TDS_V231, "threeDSRequestorChallengeInd", "[\"03\",\"06\"]"), six));
    assert_true(tds_view_asks(with(TDS_MSG_AREQ, TDS_V231, "threeDSRequestorChallengeInd", "[\"13\"]"), two));
    assert_false(tds_view_asks(with(TDS_MSG_AREQ, TDS_V231, "threeDSRequestorChallengeInd", "[\"03\"]"), six));
    assert_true(tds_view_asks(with(TDS_MSG_AREQ, TDS_V231, NULL, NULL), one));
    assert_false(tds_view_asks(with(TDS_MSG_AREQ, TDS_V210, NULL, NULL), six));
}

/* The same request in all versions, by whatever name and in whatever shape it is given. */
static void put(void **state)
{
    static const char *const given[] = {"\"03\"", "[\"03\"]"};
    int i;

    for (i = 0; i < 2; ++i) {
        tds_msg_t *old = tds_msg_make(TDS_MSG_AREQ, TDS_V220, pool), *now = tds_msg_make(TDS_MSG_AREQ, TDS_V231, pool);

        assert_int_equal(tds_view_put(old, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND, json_loads(given[i], JSON_DECODE_ANY, NULL)), 0);
        assert_int_equal(tds_view_put(now, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND, json_loads(given[i], JSON_DECODE_ANY, NULL)), 0);
        assert_string_equal(json_string_value(tds_msg_get_json(old, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND)), "03");
        assert_int_equal(json_array_size(tds_msg_get_json(now, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND)), 1);
        assert_string_equal(tds_msg_get_path(now, "threeDSRequestorChallengeInd"), "03");
        tds_view_put(old, TDS_E_TRUST_LIST_STATUS, json_string("Y"));
        tds_view_put(now, TDS_E_WHITE_LIST_STATUS, json_string("Y"));
        assert_string_equal(tds_msg_get(old, TDS_E_WHITE_LIST_STATUS), "Y");
        assert_string_equal(tds_msg_get(now, TDS_E_TRUST_LIST_STATUS), "Y");
        tds_view_put(old, TDS_E_MCC, json_string("5411"));
        assert_string_equal(tds_msg_get(old, TDS_E_MCC), "5411");
        tds_view_put(old, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND, json_pack("[s,s]", "02", "03")); /* no shape for two */
        assert_true(json_is_array(tds_msg_get_json(old, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND)));
    }
}

static void decoupling(void **state)
{
    static const struct {
        const char *ind;
        int from_the_start, fallback;
    } rows[] = {{"\"Y\"", 1, 0}, {"\"N\"", 0, 0}, {"\"F\"", 0, 1}, {"\"B\"", 1, 1}};
    int i;

    for (i = 0; i < 4; ++i) {
        tds_msg_t *m = with(TDS_MSG_AREQ, TDS_V231, "threeDSRequestorDecReqInd", rows[i].ind);
        assert_int_equal(tds_view_decoupled(m), rows[i].from_the_start);
        assert_int_equal(tds_view_fallback(m), rows[i].fallback);
    }
    assert_false(tds_view_decoupled(with(TDS_MSG_AREQ, TDS_V220, NULL, NULL)));
}

static void the_browser(void **state)
{
    tds_msg_t *m = with(TDS_MSG_AREQ, TDS_V231, "acceptLanguage", "[\"de\",\"en\"]");

    assert_string_equal(tds_view_language(m), "de");
    tds_msg_set(m, TDS_E_BROWSER_LANGUAGE, "fr");
    assert_string_equal(tds_view_language(m), "fr");
    assert_null(tds_view_language(with(TDS_MSG_AREQ, TDS_V220, NULL, NULL)));
    assert_true(tds_view_javascript(with(TDS_MSG_AREQ, TDS_V210, NULL, NULL)));
    assert_false(tds_view_javascript(with(TDS_MSG_AREQ, TDS_V220, NULL, NULL)));
    assert_false(tds_view_javascript(with(TDS_MSG_AREQ, TDS_V220, "browserJavascriptEnabled", "false")));
    assert_true(tds_view_javascript(with(TDS_MSG_AREQ, TDS_V231, "browserJavascriptEnabled", "true")));
}

static void trust_list(void **state)
{
    static const tds_listing_t y = {.status = "Y", .source = "03"};
    tds_msg_t *old = tds_msg_make(TDS_MSG_ARES, TDS_V210, pool), *white = tds_msg_make(TDS_MSG_ARES, TDS_V220, pool),
              *trust = tds_msg_make(TDS_MSG_ARES, TDS_V231, pool);

    tds_view_set_trust_list(old, &y);
    tds_view_set_trust_list(white, &y);
    tds_view_set_trust_list(trust, &y);
    assert_null(tds_view_trust_list(old).status);
    assert_string_equal(tds_view_trust_list(white).status, "Y");
    assert_string_equal(tds_view_trust_list(trust).source, "03");
    assert_string_equal(tds_msg_get_path(white, "whiteListStatusSource"), "03");
    assert_null(tds_msg_get_path(white, "trustListStatus"));
    assert_string_equal(tds_msg_get_path(trust, "trustListStatus"), "Y");
    assert_null(tds_msg_get_path(trust, "whiteListStatus"));
    assert_int_equal(json_object_size(old->root), 2); /* type and version */
    assert_string_equal(tds_view_trust_list_entry(with(TDS_MSG_CREQ, TDS_V220, "whitelistingDataEntry", "\"Y\"")), "Y");
    assert_string_equal(tds_view_trust_list_entry(with(TDS_MSG_CREQ, TDS_V231, "trustListDataEntry", "\"N\"")), "N");
}

static void cardholder_info(void **state)
{
    tds_msg_t *text = tds_msg_make(TDS_MSG_ARES, TDS_V220, pool), *object = tds_msg_make(TDS_MSG_ARES, TDS_V231, pool);

    tds_view_set_cardholder_info(text, "Call us.");
    tds_view_set_cardholder_info(object, "Call us.");
    assert_true(json_is_string(tds_msg_get_json(text, TDS_E_CARDHOLDER_INFO)));
    assert_string_equal(tds_msg_get_path(object, "cardholderInfo.text"), "Call us.");
    assert_string_equal(tds_view_cardholder_info(text), "Call us.");
    assert_string_equal(tds_view_cardholder_info(object), "Call us.");
    object = tds_msg_make(TDS_MSG_ARES, TDS_V231, pool);
    tds_view_set_cardholder_info(object, NULL);
    assert_null(tds_view_cardholder_info(object));
}

/* A-ARES-06, codes of authenticationType and authenticationMethod. */
static void how(void **state)
{
    static const struct {
        tds_auth_e how;
        const char *type, *method;
    } rows[] = {{TDS_AUTH_PASSCODE, "01", "01"},  {TDS_AUTH_SMS_OTP, "02", "02"},   {TDS_AUTH_OTHER_OTP, "02", "05"},
                {TDS_AUTH_OOB, "03", "09"}, {TDS_AUTH_DECOUPLED, "04", "12"}};
    int i;

    for (i = 0; i < 5; ++i) {
        tds_msg_t *old = tds_msg_make(TDS_MSG_RREQ, TDS_V220, pool), *now = tds_msg_make(TDS_MSG_RREQ, TDS_V231, pool);

        tds_view_set_auth(old, rows[i].how);
        tds_view_set_auth(now, rows[i].how);
        assert_string_equal(tds_msg_get(old, TDS_E_AUTHENTICATION_TYPE), rows[i].type);
        assert_null(tds_msg_get_json(old, TDS_E_AUTHENTICATION_METHOD));
        assert_true(json_is_array(tds_msg_get_json(now, TDS_E_AUTHENTICATION_METHOD)));
        assert_string_equal(tds_msg_get_path(now, "authenticationMethod"), rows[i].method);
        assert_null(tds_msg_get(now, TDS_E_AUTHENTICATION_TYPE));
    }
}

static void oob(void **state)
{
    assert_int_equal(tds_view_oob_continue(with(TDS_MSG_CREQ, TDS_V220, "oobContinue", "true")), TDS_OOB_BUTTON);
    assert_int_equal(tds_view_oob_continue(with(TDS_MSG_CREQ, TDS_V231, "oobContinue", "\"01\"")), TDS_OOB_BUTTON);
    assert_int_equal(tds_view_oob_continue(with(TDS_MSG_CREQ, TDS_V231, "oobContinue", "\"02\"")), TDS_OOB_AUTOMATIC);
    assert_int_equal(tds_view_oob_continue(with(TDS_MSG_CREQ, TDS_V231, NULL, NULL)), TDS_OOB_NONE);
}

/* E-207, E-312, E-313, E-315, E-205, E-206 and what came before them. */
static void codes(void **state)
{
    static const int old[] = {203, 301, 305, 305, 203, 203}, now[] = {207, 312, 313, 315, 205, 206};
    int i;

    for (i = 0; i <= TDS_FAULT_ACTION; ++i) {
        assert_int_equal(tds_view_code(TDS_V210, (tds_fault_e)i), old[i]);
        assert_int_equal(tds_view_code(TDS_V220, (tds_fault_e)i), old[i]);
        assert_int_equal(tds_view_code(TDS_V231, (tds_fault_e)i), now[i]);
    }
}

static void version_sets(void **state)
{
    const char *bad;

    assert_string_equal(tds_versions_text(tds_versions_parse("2.1.0, 2.3.1", &bad, pool), pool), "2.1.0,2.3.1");
    assert_string_equal(tds_versions_text(tds_versions_parse("2.1.0-2.2.0", &bad, pool), pool), "2.1.0,2.2.0");
    assert_int_equal(tds_versions_parse("2.2.0 2.0.0", &bad, pool), 0);
    assert_string_equal(bad, "2.0.0");
    assert_int_equal(tds_versions_parse("2.2.0-2.1.0", &bad, pool), 0);
    assert_int_equal(tds_versions_parse(" ", &bad, pool), 0);
    assert_string_equal(bad, "");
    /* F-VER-04 and CR-003: ACS 2.1.0, 2.3.1; DS 2.1.0, 2.2.0 */
    assert_int_equal(tds_ver_highest(tds_versions_parse("2.1.0 2.3.1", &bad, pool) & tds_versions_parse("2.1.0-2.2.0", &bad, pool)),
                     TDS_V210);
}

/* ---- the profile of a peer ----------------------------------------------- */

static void profile_checks(void **state)
{
    tds_profile_t p = {0};
    tds_msg_rules_t rules = {0};

    tds_profile_apply(&p, &rules);
    assert_int_equal(rules.flags, 0);
    assert_true(rules.iso == tds_iso_assigned);
    assert_null(tds_profile_check(&p, "+conditions", pool));
    assert_null(tds_profile_check(&p, "-absent", pool));
    assert_null(tds_profile_check(&p, "-exponent", pool));
    assert_null(tds_profile_check(&p, "-assigned", pool));
    assert_null(tds_profile_check(&p, "clock", pool));
    tds_profile_apply(&p, &rules);
    assert_int_equal(rules.flags, TDS_RULE_STRICT_CONDITION | TDS_RULE_LAX_ABSENT | TDS_RULE_LAX_EXPONENT);
    assert_null(rules.iso);
    assert_true(p.clock);
    assert_null(tds_profile_check(&p, "-conditions", pool));
    assert_null(tds_profile_check(&p, "+absent", pool));
    assert_int_equal(p.flags, TDS_RULE_LAX_EXPONENT);
    assert_non_null(strstr(tds_profile_check(&p, "+luhn", pool), "luhn"));
}

static void profile_values(void **state)
{
    tds_profile_t p = {0};
    tds_msg_rules_t rules = {0};

    tds_profile_apply(&p, &rules);
    assert_true(rules.ds_value(rules.baton, "threeDSRequestorChallengeInd", "85"));
    assert_false(rules.ds_value(rules.baton, "messageCategory", "80"));
    assert_null(tds_profile_value(&p, "messageCategory", "80", pool));
    assert_null(tds_profile_value(&p, "threeDSRequestorChallengeInd", "82", pool));
    assert_non_null(tds_profile_value(&p, "messageCategorie", "80", pool));
    tds_profile_apply(&p, &rules);
    assert_true(rules.ds_value(rules.baton, "messageCategory", "80"));
    assert_false(rules.ds_value(rules.baton, "messageCategory", "81"));
    assert_true(rules.ds_value(rules.baton, "threeDSRequestorChallengeInd", "82"));
    assert_false(rules.ds_value(rules.baton, "threeDSRequestorChallengeInd", "85")); /* closed now */
    assert_true(rules.ds_value(rules.baton, "threeRIInd", "85"));
}

static void profile_extensions(void **state)
{
    tds_profile_t p = {0};
    tds_msg_rules_t rules = {0};

    tds_profile_apply(&p, &rules);
    assert_null(rules.extensions);
    tds_profile_extension(&p, "one", pool);
    tds_profile_extension(&p, "two", pool);
    tds_profile_apply(&p, &rules);
    assert_string_equal(rules.extensions[0], "one");
    assert_string_equal(rules.extensions[1], "two");
    assert_null(rules.extensions[2]);
}

/* A-AREQ-18: 2026-02-28 23:50:00 UTC is 1772322600. */
static void clock_of_purchase(void **state)
{
    apr_time_t at = apr_time_from_sec(APR_INT64_C(1772322600));
    tds_msg_t *m = with(TDS_MSG_AREQ, TDS_V231, "purchaseDate", "\"20260228235000\"");

    assert_true(tds_profile_clock_good(m, at));
    assert_true(tds_profile_clock_good(m, at + apr_time_from_sec(1800)));
    assert_true(tds_profile_clock_good(m, at - apr_time_from_sec(1800)));
    assert_false(tds_profile_clock_good(m, at + apr_time_from_sec(1801)));
    assert_false(tds_profile_clock_good(m, at - apr_time_from_sec(1801)));
    assert_true(tds_profile_clock_good(with(TDS_MSG_AREQ, TDS_V231, NULL, NULL), at));
}

/* ---- ISO ----------------------------------------------------------------- */

/* Spot checks from the published lists; the whole table is generated. */
static void assigned(void **state)
{
    static const char *const countries[] = {"004", "276", "528", "840", "894"}, *const none[] = {"000", "003", "278", "900"};
    static const struct {
        const char *code, *alpha;
        int units;
    } money[] = {{"008", "ALL", 2}, {"392", "JPY", 0}, {"410", "KRW", 0}, {"414", "KWD", 3}, {"532", "XCG", 2},
                 {"788", "TND", 3}, {"840", "USD", 2}, {"924", "ZWG", 2}, {"927", "UYW", 4}, {"978", "EUR", 2},
                 {"990", "CLF", 4}, {"959", "XAU", -1}};
    size_t i;

    for (i = 0; i < sizeof countries / sizeof *countries; ++i)
        assert_true(tds_iso_assigned(NULL, TDS_ISO_COUNTRY, countries[i]));
    for (i = 0; i < sizeof none / sizeof *none; ++i) assert_false(tds_iso_assigned(NULL, TDS_ISO_COUNTRY, none[i]));
    for (i = 0; i < sizeof money / sizeof *money; ++i) {
        assert_true(tds_iso_assigned(NULL, TDS_ISO_CURRENCY, money[i].code));
        assert_true(tds_iso_assigned(NULL, TDS_ISO_CURRENCY_ALPHA, money[i].alpha));
        assert_string_equal(tds_currency_alpha(money[i].code), money[i].alpha);
        assert_int_equal(tds_currency_exponent(money[i].code), money[i].units);
    }
    assert_false(tds_iso_assigned(NULL, TDS_ISO_CURRENCY, "001"));
    assert_false(tds_iso_assigned(NULL, TDS_ISO_CURRENCY_ALPHA, "QQQ"));
    assert_null(tds_currency_alpha("001"));
    assert_int_equal(tds_currency_exponent(NULL), -1);
}

/* ---- keys ---------------------------------------------------------------- */

/* RFC 7517, appendix A.1: a real P-256 key. */
#define X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

static int key_good(const char *kty, const char *crv, const char *x, const char *y)
{
    json_t *jwk = json_pack("{s:s,s:s,s:s,s:s}", "kty", kty, "crv", crv, "x", x, "y", y);
    int good = tds_jwk_p256_good(jwk, pool);

    json_decref(jwk);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left to the next user of the thread */
    return good;
}

static void points(void **state)
{
    assert_true(key_good("EC", "P-256", X, Y));
    assert_false(key_good("EC", "P-256", Y, X));
    assert_false(key_good("EC", "P-256", X, X));
    assert_false(key_good("EC", "P-384", X, Y));
    assert_false(key_good("RSA", "P-256", X, Y));
    assert_false(key_good("EC", "P-256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_false(key_good("EC", "P-256", "_____wAAAAEAAAAAAAAAAAAAAAD_______________8", Y)); /* x = p */
    assert_false(key_good("EC", "P-256", "MKBC", Y));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks),           cmocka_unit_test(put),            cmocka_unit_test(decoupling),     cmocka_unit_test(the_browser),
        cmocka_unit_test(trust_list),     cmocka_unit_test(cardholder_info), cmocka_unit_test(how),
        cmocka_unit_test(oob),            cmocka_unit_test(codes),          cmocka_unit_test(version_sets),
        cmocka_unit_test(profile_checks), cmocka_unit_test(profile_values), cmocka_unit_test(profile_extensions),
        cmocka_unit_test(clock_of_purchase), cmocka_unit_test(assigned),    cmocka_unit_test(points),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
