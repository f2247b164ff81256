#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_msg.h"

#define SERVER_ID "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define ACS_ID    "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
#define DS_ID     "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
#define SDK_ID    "b2385523-a66c-4907-ac3c-91848e8c0067"

static apr_pool_t *pool;
static tds_err_t err;
static const tds_prior_t browser[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, "02"},
                                      {TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, "01"}};
static const tds_msg_rules_t rules = {.leg = TDS_LEG_ACS_DS, .prior = browser, .nprior = 2};

static const char *encode(tds_msg_t *msg, const tds_msg_rules_t *r)
{
    const char *bytes;
    apr_size_t len;
    apr_status_t rv;

    tds_err_init(&err, pool);
    rv = tds_msg_encode(&bytes, &len, msg, r, pool, &err);
    if (rv == APR_SUCCESS) {
        assert_int_equal(strlen(bytes), len);
        return bytes;
    }
    assert_int_equal(rv, APR_EGENERAL);
    assert_null(bytes);
    return NULL;
}

static void refused(tds_msg_t *msg, int code, const char *names)
{
    assert_null(encode(msg, &rules));
    assert_int_equal(err.proto, code);
    assert_string_equal(err.elements, names);
}

static tds_msg_t *ares(const char *status)
{
    tds_msg_t *m = tds_msg_make(TDS_MSG_ARES, TDS_V220, pool);

    tds_msg_set(m, TDS_E_THREE_DS_SERVER_TRANS_ID, SERVER_ID);
    tds_msg_set(m, TDS_E_DS_TRANS_ID, DS_ID);
    tds_msg_set(m, TDS_E_ACS_TRANS_ID, ACS_ID);
    tds_msg_set(m, TDS_E_ACS_REFERENCE_NUMBER, "ACS-1");
    tds_msg_set(m, TDS_E_DS_REFERENCE_NUMBER, "DS-1");
    tds_msg_set(m, TDS_E_TRANS_STATUS, status);
    return m;
}

static void good(void **state)
{
    tds_msg_t *m = ares("C"), *back;
    const char *text;

    tds_msg_set(m, TDS_E_ACS_CHALLENGE_MANDATED, "Y");
    tds_msg_set(m, TDS_E_AUTHENTICATION_TYPE, "02");
    tds_msg_set(m, TDS_E_ACS_URL, "https://acs.example.com/challenge");
    tds_msg_set(m, TDS_E_ECI, NULL);
    tds_msg_set(m, TDS_E_ACS_OPERATOR_ID, "");
    text = encode(m, &rules);
    assert_non_null(text);
    assert_null(strstr(text, "eci"));
    assert_null(strstr(text, ": "));
    assert_memory_equal(text, "{\"messageType\":\"ARes\",\"messageVersion\":\"2.2.0\",", 46);
    assert_int_equal(tds_msg_decode(&back, text, strlen(text), &rules, pool, &err), APR_SUCCESS);
    assert_string_equal(tds_msg_get(back, TDS_E_ACS_URL), "https://acs.example.com/challenge");
}

static void not_fit(void **state)
{
    tds_msg_t *m = ares("Y");

    refused(m, 201, "authenticationValue");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    assert_non_null(encode(m, &rules));
    tds_msg_set_json(m, TDS_E_ACS_OPERATOR_ID, json_string(""));
    refused(m, 203, "acsOperatorID");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    tds_msg_set_json(m, TDS_E_ACS_OPERATOR_ID, json_null());
    refused(m, 203, "acsOperatorID");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    tds_msg_set(m, TDS_E_MCC, "5411"); /* not of this message */
    refused(m, 203, "mcc");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    tds_msg_set(m, TDS_E_SDK_TRANS_ID, SDK_ID); /* not of this channel */
    refused(m, 203, "sdkTransID");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    tds_msg_set(m, TDS_E_TRUST_LIST_STATUS, "Y"); /* not of this version */
    refused(m, 203, "trustListStatus");
    m = ares("N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "01");
    json_object_set_new(m->root, "foo", json_string("bar"));
    refused(m, 203, "foo");
}

static void nested_and_legs(void **state)
{
    tds_msg_t *m = tds_msg_make(TDS_MSG_RREQ, TDS_V220, pool);
    tds_msg_rules_t to_server = rules;

    tds_msg_set(m, TDS_E_THREE_DS_SERVER_TRANS_ID, SERVER_ID);
    tds_msg_set(m, TDS_E_DS_TRANS_ID, DS_ID);
    tds_msg_set(m, TDS_E_ACS_TRANS_ID, ACS_ID);
    tds_msg_set(m, TDS_E_MESSAGE_CATEGORY, "01");
    tds_msg_set(m, TDS_E_TRANS_STATUS, "N");
    tds_msg_set(m, TDS_E_TRANS_STATUS_REASON, "19");
    tds_msg_set(m, TDS_E_AUTHENTICATION_TYPE, "02");
    tds_msg_set(m, TDS_E_AUTHENTICATION_METHOD, "02");
    tds_msg_set(m, TDS_E_INTERACTION_COUNTER, "03");
    assert_non_null(encode(m, &rules));
    tds_msg_set_json(m, TDS_E_MESSAGE_EXTENSION,
                     json_pack("[{s:s,s:s,s:b,s:{},s:s}]", "name", "n", "id", "i",
                               "criticalityIndicator", 0, "data", "stranger", "x"));
    refused(m, 201, "messageExtension.data");
    tds_msg_set_json(m, TDS_E_MESSAGE_EXTENSION,
                     json_pack("[{s:s,s:s,s:b,s:{s:s},s:s}]", "name", "n", "id", "i",
                               "criticalityIndicator", 0, "data", "any", "", "stranger", "x"));
    refused(m, 203, "messageExtension");
    tds_msg_set_json(m, TDS_E_MESSAGE_EXTENSION,
                     json_pack("[{s:s,s:s,s:b,s:{s:s}}]", "name", "n", "id", "i",
                               "criticalityIndicator", 0, "data", "any", ""));
    assert_non_null(encode(m, &rules));
    to_server.leg = TDS_LEG_DS_SERVER;
    assert_null(encode(m, &to_server));
    assert_string_equal(err.elements, "authenticationMethod");
}

static void setting(void **state)
{
    tds_msg_t *m = tds_msg_make(TDS_MSG_AREQ, TDS_V220, pool), *to;

    assert_int_equal(tds_msg_set(m, TDS_E_MCC, "5411"), 0);
    assert_int_equal(tds_msg_set(m, TDS_E_MCC, "5412"), 0);
    assert_string_equal(tds_msg_get(m, TDS_E_MCC), "5412");
    assert_int_equal(json_object_size(m->root), 3);
    assert_int_equal(tds_msg_set_bool(m, TDS_E_BROWSER_JAVA_ENABLED, 1), 0);
    assert_string_equal(tds_msg_get(m, TDS_E_BROWSER_JAVA_ENABLED), "true");
    assert_int_equal(tds_msg_set(m, TDS_E_MERCHANT_NAME, "\xff"), -1);
    assert_int_equal(tds_msg_set_json(m, TDS_E_NONE, json_true()), -1);
    assert_int_equal(tds_msg_set_json(m, TDS_E_CC, json_true()), -1); /* a member, not an element */
    to = tds_msg_make(TDS_MSG_ARES, TDS_V220, pool);
    assert_int_equal(tds_msg_copy(to, m, TDS_E_MCC), 0);
    assert_int_equal(tds_msg_copy(to, m, TDS_E_EMAIL), 0);
    assert_string_equal(tds_msg_get(to, TDS_E_MCC), "5412");
    assert_null(tds_msg_get(to, TDS_E_EMAIL));
}

/* ---- Erro
 * -------------------------------------------------------------------------------------------------
 */

static const char *const no_ids =
    "{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\",\"acsTransID\":\"x\"}";

static void erro_ids(void **state)
{
    tds_erro_t in = {
        .component = 'A', .err = &err, .versions = TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220)};
    tds_msg_t *msg, *e;

    tds_err_init(&err, pool);
    assert_int_equal(tds_msg_decode(&msg, no_ids, strlen(no_ids), NULL, pool, &err), APR_EINVAL);
    in.faulty = msg;
    in.acs_trans_id = ACS_ID;
    in.server_trans_id = SERVER_ID;
    in.ds_trans_id = "not one";
    e = tds_erro_make(&in, pool);
    assert_string_equal(tds_msg_get(e, TDS_E_ERROR_CODE), "201");
    assert_string_equal(tds_msg_get(e, TDS_E_ERROR_DETAIL), "threeDSServerTransID");
    assert_string_equal(tds_msg_get(e, TDS_E_ERROR_COMPONENT), "A");
    assert_string_equal(tds_msg_get(e, TDS_E_ERROR_MESSAGE_TYPE), "CReq");
    assert_string_equal(tds_msg_get(e, TDS_E_ACS_TRANS_ID), ACS_ID);
    assert_string_equal(tds_msg_get(e, TDS_E_THREE_DS_SERVER_TRANS_ID), SERVER_ID);
    assert_null(tds_msg_get(e, TDS_E_DS_TRANS_ID));
    assert_string_equal(tds_msg_get(e, TDS_E_MESSAGE_VERSION), "2.2.0");
    assert_non_null(encode(e, NULL));
}

static void erro_versions(void **state)
{
    tds_erro_t in = {.component = 'S', .versions = TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220)};
    tds_msg_t *e;
    tds_err_t local;

    tds_err_init(&local, pool);
    in.err = &local;
    e = tds_erro_make(&in, pool);
    assert_string_equal(tds_msg_get(e, TDS_E_MESSAGE_VERSION), "2.2.0");
    assert_string_equal(tds_msg_get(e, TDS_E_ERROR_CODE), "403");
    assert_null(tds_msg_get(e, TDS_E_ERROR_MESSAGE_TYPE));
    assert_non_null(encode(e, NULL));
    in.version = TDS_V210;
    e = tds_erro_make(&in, pool);
    assert_string_equal(tds_msg_get(e, TDS_E_MESSAGE_VERSION), "2.1.0");
}

/* Every code in every version gives a valid Erro, with or without a detail, however long. */
static void erro_always_valid(void **state)
{
    static const int codes[] = {0,   101, 102, 103, 201, 202, 203, 204, 205, 206, 207,
                                301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311,
                                312, 313, 314, 315, 402, 403, 404, 405, 999};
    char *lots = apr_palloc(pool, 5001);
    const char *details[4] = {NULL, "", "acctNumber", NULL};
    apr_size_t i, d, v;

    memset(lots, 'x', 5000);
    lots[5000] = '\0';
    details[3] = lots;
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); ++i)
        for (d = 0; d < 4; ++d)
            for (v = TDS_V210; v <= TDS_V231; ++v) {
                tds_err_t e;
                tds_erro_t in = {.component = 'A', .err = &e, .versions = TDS_VER_BIT(v)};

                tds_err_init(&e, pool);
                e.proto = codes[i];
                e.elements = details[d];
                if (!encode(tds_erro_make(&in, pool), NULL))
                    fail_msg("%d in %d: %s", codes[i], (int)v, err.elements);
            }
    assert_string_equal(tds_erro_text(402), "Transaction timed out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(not_fit),
        cmocka_unit_test(nested_and_legs),
        cmocka_unit_test(setting),
        cmocka_unit_test(erro_ids),
        cmocka_unit_test(erro_versions),
        cmocka_unit_test(erro_always_valid),
    };
    int rv;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rv = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    return rv;
}
