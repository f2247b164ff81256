#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_msg_int.h"

#define SERVER_ID "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define ACS_ID    "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
#define DS_ID     "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"

static apr_pool_t *pool;
static tds_err_t err;

static apr_status_t decode(tds_msg_t **msg, const char *text, const tds_msg_rules_t *rules)
{
    tds_err_init(&err, pool);
    return tds_msg_decode(msg, text, strlen(text), rules, pool, &err);
}

static apr_status_t open_only(tds_msg_t **msg, const char *text, const tds_msg_rules_t *rules)
{
    tds_err_init(&err, pool);
    return tds_msg_open(msg, text, strlen(text), rules, pool, &err);
}

static apr_status_t check(tds_msg_t *msg, const tds_msg_rules_t *rules)
{
    tds_err_init(&err, pool);
    return tds_msg_check(msg, rules, &err);
}

#define CREQ(more)                                                                                 \
    "{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":\"" SERVER_ID \
    "\",\"acsTransID\":\"" ACS_ID "\"" more "}"
#define BROWSER ",\"challengeWindowSize\":\"02\""

static void names(void **state)
{
    int e, max = 0;

    for (e = TDS_E_NONE + 1; e < TDS_ELEM_END; ++e) {
        const char *name = tds_elem_name((tds_elem_e)e);

        assert_non_null(name);
        assert_int_equal(tds_elem_find(name, strlen(name)), e);
        assert_int_equal(tds_elem_find_z(name), e);
        ++max;
    }
    assert_true(max > 300);
    assert_int_equal(tds_elem_find("acctNumberX", 10), TDS_E_ACCT_NUMBER);
    assert_int_equal(tds_elem_find("acctNumber", 9), TDS_E_NONE);
    assert_int_equal(tds_elem_find("AcctNumber", 10), TDS_E_NONE);
    assert_int_equal(tds_elem_find("", 0), TDS_E_NONE);
    assert_int_equal(tds_elem_find_z("foo"), TDS_E_NONE);
    assert_null(tds_elem_name(TDS_E_NONE));
    assert_null(tds_elem_name(TDS_ELEM_END));
    assert_int_equal(tds_elem_mask(TDS_E_ACCT_NUMBER), TDS_MASK_PAN);
    assert_int_equal(tds_elem_mask(TDS_E_AUTHENTICATION_VALUE), TDS_MASK_SECRET);
    assert_int_equal(tds_elem_mask(TDS_E_MCC), TDS_MASK_PLAIN);
}

static void types_and_versions(void **state)
{
    int i;

    for (i = TDS_MSG_NONE + 1; i < TDS_MSG_COUNT; ++i)
        assert_int_equal(tds_msg_type_find(tds_msg_type_text((tds_msg_e)i)), i);
    assert_int_equal(tds_msg_type_find("AREQ"), TDS_MSG_NONE);
    assert_int_equal(tds_msg_type_find("acctInfo"), TDS_MSG_NONE);
    assert_string_equal(tds_msg_type_text(TDS_MSG_NONE), "");
    assert_int_equal(tds_ver_parse("2.2.0"), TDS_V220);
    assert_int_equal(tds_ver_parse("2.2"), TDS_V_NONE);
    assert_int_equal(tds_ver_parse("02.2.0"), TDS_V_NONE);
    assert_string_equal(tds_ver_text(TDS_V231), "2.3.1");
    assert_string_equal(tds_versions_text(TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V210), pool),
                        "2.1.0,2.2.0");
    assert_string_equal(tds_versions_text(0, pool), "2.1.0,2.2.0,2.3.1");
    assert_int_equal(tds_ver_highest(TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V210)), TDS_V220);
    assert_int_equal(tds_ver_highest(0), TDS_V231);
}

/* Every row points into the tables, and every value row is one a matcher exists for. */
static void tables(void **state)
{
    int t, i, rows = 0;

    for (t = 1; t < TDS_MSG_COUNT; ++t)
        assert_true(tds_tables[t].nrows > 5);
    for (t = 1; t < tds_ntables; ++t)
        for (i = 0; i < tds_tables[t].nrows; ++i) {
            const tds_row_t *row = &tds_rows[tds_tables[t].row + i];

            assert_true(row->elem > TDS_E_NONE && row->elem < TDS_ELEM_END);
            assert_true(t >= TDS_MSG_COUNT || row->elem < TDS_ELEM_TOP_END);
            assert_true(row->vers && !(row->vers & ~tds_tables[t].vers));
            assert_true(tds_vals[row->val].types != 0);
            assert_true(tds_vals[row->val].format < TDS_F_COUNT);
            ++rows;
        }
    assert_true(rows > 500);
}

/* The two halves: ids can be read between them, and elements that do not apply are gone after. */
static void two_steps(void **state)
{
    const tds_prior_t prior[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, "02"},
                                 {TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, "01"}};
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_CREQ)};
    tds_msg_t *msg;

    assert_int_equal(open_only(&msg, CREQ(BROWSER ",\"sdkTransID\":\"x\""), &rules), APR_SUCCESS);
    assert_int_equal(msg->type, TDS_MSG_CREQ);
    assert_int_equal(msg->version, TDS_V220);
    assert_string_equal(tds_msg_id(msg, TDS_E_ACS_TRANS_ID), ACS_ID);
    assert_null(tds_msg_id(msg, TDS_E_SDK_TRANS_ID));
    assert_string_equal(tds_msg_get(msg, TDS_E_SDK_TRANS_ID), "x");
    rules.prior = prior;
    rules.nprior = 2;
    rules.version_must = TDS_V220;
    assert_int_equal(check(msg, &rules), APR_SUCCESS);
    assert_int_equal(msg->channel, TDS_CHANNEL_BRW);
    assert_int_equal(msg->category, TDS_CATEGORY_PA);
    assert_null(tds_msg_get(msg, TDS_E_SDK_TRANS_ID));
    assert_string_equal(tds_msg_get(msg, TDS_E_CHALLENGE_WINDOW_SIZE), "02");
    rules.version_must = TDS_V210;
    assert_int_equal(check(msg, &rules), APR_EINVAL);
    assert_int_equal(err.proto, 203);
    assert_string_equal(err.elements, "messageVersion");
}

/* Without the AReq's channel nobody can say that a browser element is missing. */
static void unknown_channel(void **state)
{
    tds_msg_t *msg;

    assert_int_equal(decode(&msg, CREQ(""), NULL), APR_SUCCESS);
    assert_int_equal(msg->channel, 0);
}

static void faults_leave_the_message(void **state)
{
    const tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_AREQ) | TDS_MSG_BIT(TDS_MSG_ERRO),
                                   .versions = TDS_VER_BIT(TDS_V220)};
    tds_msg_t *msg;

    assert_int_equal(decode(&msg, "[1]", &rules), APR_EINVAL);
    assert_null(msg);
    assert_int_equal(err.proto, 101);
    assert_string_equal(err.elements, "Invalid Formatted Message");
    assert_int_equal(decode(&msg, CREQ(BROWSER), &rules), APR_EINVAL);
    assert_int_equal(err.proto, 101);
    assert_int_equal(msg->type, TDS_MSG_CREQ);
    assert_string_equal(tds_msg_id(msg, TDS_E_ACS_TRANS_ID), ACS_ID);
    assert_int_equal(decode(&msg, "{\"messageType\":\"Erro\",\"messageVersion\":\"1.0\"}", &rules),
                     APR_EINVAL);
    assert_int_equal(msg->type, TDS_MSG_ERRO);
    assert_int_equal(decode(&msg, "{\"dsTransID\":\"" DS_ID "\",\"dsTransID\":1}", &rules),
                     APR_EINVAL);
    assert_int_equal(err.proto, 201); /* messageType comes before duplicates */
    assert_string_equal(msg->duplicates, "dsTransID");
}

static void no_value_in_the_report(void **state)
{
    tds_msg_t *msg;

    assert_int_equal(decode(&msg, CREQ(",\"challengeWindowSize\":\"4000001234567899\""), NULL),
                     APR_SUCCESS);
    assert_int_equal(
        decode(&msg,
               "{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":"
               "\"4000001234567899\",\"acsTransID\":\"4000001234567899\"}",
               NULL),
        APR_EINVAL);
    assert_string_equal(err.elements, "threeDSServerTransID,acsTransID");
    assert_null(strstr(err.detail, "4000001234567899"));
}

/* E-04: 2048 characters at most, cut between names. */
static void long_detail(void **state)
{
    const char *text = "{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\"", *last;
    tds_msg_t *msg;
    int i;

    for (i = 0; i < 300; ++i)
        text = apr_psprintf(pool, "%s,\"name%03d\":1,\"name%03d\":1", text, i, i);
    assert_int_equal(decode(&msg, apr_pstrcat(pool, text, "}", NULL), NULL), APR_EINVAL);
    assert_int_equal(err.proto, 204);
    assert_true(strlen(err.elements) <= 2048 && strlen(err.elements) > 2000);
    last = strrchr(err.elements, ',');
    assert_int_equal(strlen(last), 8);
}

static int only_81(void *baton, const char *path, const char *value)
{
    assert_string_equal(path, "resultsStatus");
    return !strcmp(value, "81");
}

static int no_276(void *baton, int kind, const char *code)
{
    *(int *)baton = kind;
    return strcmp(code, "276") != 0;
}

#define RRES(version, status)                                                                      \
    "{\"messageType\":\"RRes\",\"messageVersion\":\"" version                                      \
    "\",\"threeDSServerTransID\":\"" SERVER_ID "\",\"dsTransID\":\"" DS_ID                         \
    "\",\"acsTransID\":\"" ACS_ID "\",\"resultsStatus\":\"" status "\"}"

/* A name that nobody would give an element is a duplicate all the same, but not repeated. */
static void long_duplicate(void **state)
{
    char *name = apr_pcalloc(pool, 3001);
    tds_erro_t in = {.component = 'A', .err = &err};
    tds_msg_t *msg;

    memset(name, 'x', 3000);
    assert_int_equal(decode(&msg, apr_psprintf(pool, CREQ(BROWSER ",\"%s\":1,\"%s\":2"), name, name), NULL), APR_EINVAL);
    assert_int_equal(err.proto, 204);
    in.faulty = msg;
    assert_string_equal(tds_msg_get(tds_erro_make(&in, pool), TDS_E_ERROR_DETAIL), "unknown");
}

static void ds_values(void **state)
{
    const tds_msg_rules_t closed = {.ds_value = only_81};
    tds_msg_t *msg;

    assert_int_equal(decode(&msg, RRES("2.2.0", "80"), NULL), APR_SUCCESS);
    assert_int_equal(decode(&msg, RRES("2.2.0", "81"), &closed), APR_SUCCESS);
    assert_int_equal(decode(&msg, RRES("2.2.0", "80"), &closed), APR_EINVAL);
    assert_int_equal(err.proto, 203);
    assert_int_equal(decode(&msg, RRES("2.3.1", "80"), &closed), APR_EINVAL);
    assert_int_equal(err.proto, 207);
    assert_int_equal(decode(&msg, RRES("2.2.0", "ab"), &closed), APR_EINVAL);
    assert_int_equal(err.proto, 203);
}

static void iso_seam(void **state)
{
    tds_msg_rules_t rules = {.iso = no_276};
    int kind = 0;

    rules.baton = &kind;
    assert_false(tds_iso_good(&rules, TDS_F_COUNTRY, "276"));
    assert_int_equal(kind, TDS_ISO_COUNTRY);
    assert_true(tds_iso_good(&rules, TDS_F_CURRENCY, "978"));
    assert_int_equal(kind, TDS_ISO_CURRENCY);
    kind = 0;
    assert_false(tds_iso_good(&rules, TDS_F_CURRENCY_ALPHA, "XXX"));
    assert_int_equal(kind, 0);
    assert_false(tds_iso_good(&rules, TDS_F_COUNTRY, "901"));
    assert_true(tds_iso_good(&rules, TDS_F_COUNTRY, "900"));
}

static void matching(void **state)
{
    const tds_prior_t rows[] = {
        {TDS_MSG_AREQ, TDS_E_THREE_DS_SERVER_TRANS_ID, "8A880DC0-D2D2-4067-BCB1-B08D1690B26E"},
        {TDS_MSG_ARES, TDS_E_ACS_TRANS_ID, DS_ID},
        {TDS_MSG_ARES, TDS_E_SDK_TRANS_ID, DS_ID}};
    const tds_prior_t unknown[] = {{TDS_MSG_ARES, TDS_E_ACS_TRANS_ID, NULL}, rows[0]};
    tds_msg_t *msg;

    assert_int_equal(decode(&msg, CREQ(BROWSER), NULL), APR_SUCCESS);
    tds_err_init(&err, pool);
    assert_int_equal(tds_msg_match(msg, rows, 1, 301, &err), APR_SUCCESS);
    assert_int_equal(tds_msg_match(msg, rows, 3, 301, &err), APR_EINVAL);
    assert_int_equal(err.proto, 301);
    assert_string_equal(err.elements, "acsTransID");
    tds_err_clear(&err);
    assert_int_equal(tds_msg_match(msg, unknown, 2, 301, &err), APR_SUCCESS);
}

static void paths(void **state)
{
    tds_msg_t *msg;
    const char *text = "{\"messageType\":\"AReq\",\"messageVersion\":\"2.2.0\",\"mcc\":\"5411\","
                       "\"browserJavaEnabled\":false,"
                       "\"acctInfo\":{\"chAccAgeInd\":\"03\"},\"messageExtension\":[{\"name\":"
                       "\"n\"},{\"id\":\"x\"}],"
                       "\"threeDSRequestorChallengeInd\":[\"02\",\"01\"],\"email\":\"\"}";

    assert_int_equal(open_only(&msg, text, NULL), APR_SUCCESS);
    assert_string_equal(tds_msg_get_path(msg, "mcc"), "5411");
    assert_string_equal(tds_msg_get_path(msg, "browserJavaEnabled"), "false");
    assert_string_equal(tds_msg_get_path(msg, "acctInfo.chAccAgeInd"), "03");
    assert_string_equal(tds_msg_get_path(msg, "messageExtension.id"), "x");
    assert_string_equal(tds_msg_get_path(msg, "threeDSRequestorChallengeInd"), "02");
    assert_null(tds_msg_get_path(msg, "acctInfo"));
    assert_non_null(tds_msg_get_json_path(msg, "acctInfo"));
    assert_null(tds_msg_get_path(msg, "acctInfo.chAccDate"));
    assert_null(tds_msg_get_path(msg, "mcc.x"));
    assert_null(tds_msg_get_path(msg, "foo"));
    assert_null(tds_msg_get_path(msg, ""));
    assert_null(tds_msg_get(msg, TDS_E_EMAIL));
    assert_true(tds_path_defined(TDS_MSG_AREQ, "acctNumber"));
    assert_true(tds_path_defined(TDS_MSG_AREQ, "acctInfo.chAccAgeInd"));
    assert_true(
        tds_path_defined(TDS_MSG_AREQ, "threeDSRequestorAuthenticationInfo.threeDSReqAuthMethod"));
    assert_true(tds_path_defined(TDS_MSG_RREQ, "challengeErrorReporting.errorCode"));
    assert_false(tds_path_defined(TDS_MSG_AREQ, "acctInfo.foo"));
    assert_false(tds_path_defined(TDS_MSG_AREQ, "acsTransID"));
    assert_false(tds_path_defined(TDS_MSG_AREQ, "acctnumber"));
    assert_false(tds_path_defined(TDS_MSG_NONE, "acctNumber"));
}

static void facts(void **state)
{
    tds_prior_t rows[16], row;
    tds_msg_t *msg;
    int i, n = 0;

    assert_int_equal(
        open_only(&msg,
                  "{\"messageType\":\"AReq\",\"messageVersion\":\"2.3.1\",\"deviceChannel\":\"02\","
                  "\"messageCategory\":\"01\",\"threeDSRequestorChallengeInd\":[\"02\",\"06\"],"
                  "\"splitSdkType\":{\"limitedInd\":\"Y\"},\"mcc\":\"5411\"}",
                  NULL),
        APR_SUCCESS);
    n = tds_msg_prior(msg, rows, 16);
    assert_int_equal(n, 5);
    for (i = 0; i < n; ++i)
        assert_int_equal(rows[i].msg, TDS_MSG_AREQ);
    assert_int_equal(tds_msg_prior(msg, rows, 3), 3);
    for (n = 0; tds_prior_wanted(n, &row); ++n)
        assert_true(row.msg && row.elem && !row.value);
    assert_true(n >= 10);
    assert_int_equal(tds_prior_wanted(-1, &row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(types_and_versions),
        cmocka_unit_test(tables),
        cmocka_unit_test(two_steps),
        cmocka_unit_test(unknown_channel),
        cmocka_unit_test(faults_leave_the_message),
        cmocka_unit_test(no_value_in_the_report),
        cmocka_unit_test(long_detail),
        cmocka_unit_test(long_duplicate),
        cmocka_unit_test(ds_values),
        cmocka_unit_test(iso_seam),
        cmocka_unit_test(matching),
        cmocka_unit_test(paths),
        cmocka_unit_test(facts),
    };
    int rv;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rv = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    return rv;
}
