#include <apr_lib.h>
#include "unit.h"
#include "srv_world.h"

/* ---- create -------------------------------------------------------------- */

static void creates(void **state)
{
    json_t *made = create(CREATE, 201);
    srv_txn_t *t = record(tds_json_get(made, "threeDSServerTransID"));

    is(made, "state", "READY");
    is(made, "messageVersion", "2.2.0");
    is(made, "directoryServer", "scheme");
    assert_int_equal(strlen(tds_json_get(made, "browserToken")), 48);
    assert_string_equal(t->pan, PAN);
    assert_string_equal(t->return_url, "https://shop.test/return");
    assert_int_equal(metric(SRV_M_CREATED), 1);
}

/* S-21: the highest version in common, or none. */
static void versions(void **state)
{
    static const char six[] = "{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"6000000000000000\"}";
    static const char five[] = "{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"5000000000000000\"}";

    is(create(six, 201), "messageVersion", "2.2.0");
    is_error(create(five, 422), "102", NULL);
    world.conf.versions |= TDS_VER_BIT(TDS_V210);
    is(create(six, 201), "messageVersion", "2.2.0");
    is(create(five, 201), "messageVersion", "2.1.0");
}

/* The list of what is possible with a card is told, not left to be guessed. */
static const char *versioning(const char *pan)
{
    const char *body = apr_psprintf(pool, "{\"acctNumber\":\"%s\"}", pan);
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_versioning(&run, body, strlen(body), "application/json", &a);
    return apr_pstrmemdup(pool, a.body, a.len);
}

static void versions_are_told(void **state)
{
    assert_non_null(strstr(versioning("6000000000000000"), "\"messageVersions\":[\"2.2.0\"]"));
    assert_non_null(strstr(versioning("5000000000000000"), "\"errorCode\":\"102\""));
    world.conf.versions |= TDS_VER_BIT(TDS_V210);
    assert_non_null(strstr(versioning("5000000000000000"), "\"messageVersions\":[\"2.1.0\"]"));
}

static void refuses_to_create(void **state)
{
    /* null and "" are nothing: a required element is missing then */
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":null}", 400), "201", "acctNumber");
    is_error(create("{\"deviceChannel\":null,\"messageCategory\":\"\",\"acctNumber\":7}", 400), "201",
             "deviceChannel,messageCategory");
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":7}", 400), "203", "acctNumber");
    is_error(create("{}", 400), "201", "deviceChannel,messageCategory,acctNumber");
    is_error(create("[1]", 400), "101", NULL);
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"4000\"}", 400), "203", "acctNumber");
    is_error(create("{\"deviceChannel\":\"01\",\"messageCategory\":\"02\",\"acctNumber\":\"" PAN "\"}", 400), "203",
             "deviceChannel,messageCategory");
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"" PAN "\",\"x\":1}", 400), "203", "x");
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"7000000000000000\"}", 422), "305",
             "acctNumber");
    is_error(create("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"" PAN
                    "\",\"returnURL\":\"https://evil.test/\"}",
                    400),
             "203", "returnURL");
    assert_int_equal(metric(SRV_M_NOT_ENROLLED), 1);
}

static void idempotent(void **state)
{
    srv_answer_t a = create_answer(CREATE, "order-1"), b = create_answer(CREATE, "order-1");
    const char *id = tds_json_get(json_of(&a, 201), "threeDSServerTransID");

    assert_string_equal(a.body, b.body);
    assert_int_equal(id[14], '4');
    b = create_answer("{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"" PAN "\"}", "order-1");
    is_error(json_of(&b, 409), "305", NULL);
    run.requestor = &world.other;
    b = create_answer(CREATE, "order-1");
    assert_string_not_equal(tds_json_get(json_of(&b, 201), "threeDSServerTransID"), id);
    run.requestor = &world.shop;
    b = create_answer(CREATE, "");
    is_error(json_of(&b, 400), "203", "Idempotency-Key");
    authenticate(id, 200);
    b = create_answer(CREATE, "order-1");
    is(json_of(&b, 201), "state", "FINAL");
}

static void credentials(void **state)
{
    unsigned char fingerprint[TDS_HASH_LEN] = {1};

    assert_ptr_equal(srv_requestor_by_key(&world.conf, "shop-key"), &world.shop);
    assert_ptr_equal(srv_requestor_by_key(&world.conf, "second-key"), &world.other);
    assert_null(srv_requestor_by_key(&world.conf, "shop-ke"));
    assert_null(srv_requestor_by_key(&world.conf, ""));
    assert_null(srv_requestor_by_cert(&world.conf, fingerprint));
    memcpy(apr_array_push(world.other.certs), fingerprint, TDS_HASH_LEN);
    assert_ptr_equal(srv_requestor_by_cert(&world.conf, fingerprint), &world.other);
}

static void return_urls(void **state)
{
    static const char *const bad[] = {"http://shop.test/", "https://shop.test.evil.test/", "https://shop.test:444/",
                                      "https://user@shop.test/", "//shop.test/", "javascript:1", "https://shop.testx/"};
    int i;

    assert_string_equal(srv_return_url(&world.shop, "HTTPS://SHOP.test:443/a?b=c", pool), "https://shop.test/a?b=c");
    for (i = 0; i < COUNT(bad); ++i) assert_null(srv_return_url(&world.shop, bad[i], pool));
}

/* ---- AReq ---------------------------------------------------------------- */

static void fills_the_areq(void **state)
{
    const char *id = new_id();

    authenticate_with(id, data(",\"challengeWindowSize\":\"02\",\"acquirerMerchantID\":\"M-1\",\"acctNumber\":\"" PAN "\""), 200);
    is(world.areq, "threeDSServerTransID", id);
    is(world.areq, "acctNumber", PAN);
    is(world.areq, "notificationURL", "https://3dss.test/browser/notify");
    is(world.areq, "threeDSServerURL", "https://3dss.test/results");
    is(world.areq, "threeDSCompInd", "U");
    is(world.areq, "purchaseDate", "20231114221320");
    is(world.areq, "mcc", "5411");
    absent(world.areq, "challengeWindowSize");
    assert_null(record(id)->pan);
    assert_string_equal(record(id)->window_size, "02");
}

/* S-30, S-32, S-33, S-37: and the transaction stays as it is. */
static void refuses_areq_data(void **state)
{
    static const struct {
        const char *more, *code, *detail;
    } rows[] = {{",\"purchaseAmount\":\"12,5\"", "204", "purchaseAmount"},
                {",\"dsURL\":\"https://x.test\"", "203", "dsURL"},
                {",\"threeDSRequestorID\":\"x\"", "203", "threeDSRequestorID"},
                {",\"noSuchElement\":\"x\"", "203", "noSuchElement"},
                {",\"acctNumber\":\"4000000000000010\"", "203", "acctNumber"},
                {",\"challengeWindowSize\":\"6\"", "203", "challengeWindowSize"},
                {",\"threeDSRequestorDecReqInd\":\"Y\"", "203", "threeDSRequestorDecReqInd"},
                {",\"acquirerMerchantID\":\"M-9\"", "203", "acquirerMerchantID"},
                {",\"shipAddrCountry\":\"xx\"", "203", "shipAddrCountry"},
                {",\"browserJavaEnabled\":\"true\"", "203", "browserJavaEnabled"}};
    const char *id = new_id();
    int i;

    for (i = 0; i < COUNT(rows); ++i) is_error(authenticate_with(id, data(rows[i].more), 400), rows[i].code, rows[i].detail);
    is_error(authenticate_with(id, "{}", 400), "201", NULL);
    is_error(authenticate_with(id, "nonsense", 400), "101", NULL);
    assert_int_equal(world.calls, 0);
    assert_int_equal(record(id)->state, SRV_ST_READY);
    is(authenticate(id, 200), "transStatus", "Y");
}

static void leaves_out_what_is_empty(void **state)
{
    authenticate_with(new_id(), data(",\"workPhone\":{},\"acctInfo\":{\"chAccAgeInd\":\"\",\"x\":[]},\"homePhone\":null,"
                                     "\"acceptLanguage\":[\"en\"]"),
                      200);
    absent(world.areq, "workPhone");
    absent(world.areq, "acctInfo");
    absent(world.areq, "homePhone");
    absent(world.areq, "acceptLanguage");
}

/* ---- ARes ---------------------------------------------------------------- */

static void frictionless(void **state)
{
    const char *id = new_id();
    json_t *first = authenticate(id, 200), *again;

    is(first, "state", "FINAL");
    is(first, "transStatus", "Y");
    is(first, "authenticationValue", VALUE);
    is(first, "acsTransID", ACS_ID);
    is(first, "dsTransID", DS_ID);
    absent(first, "messageType");
    again = authenticate_with(id, "whatever", 200);
    assert_true(json_equal(first, again));
    assert_int_equal(world.areqs, 1);
    world.now += world.conf.value_keep;
    absent(get(id, 0), "authenticationValue");
    is(get(id, 0), "transStatus", "Y");
}

static void asks_for_a_challenge(void **state)
{
    const char *id = challenge();
    json_t *got = get(id, 0), *creq;
    unsigned char *text;
    apr_size_t len;

    is(got, "transStatus", "C");
    is(got, "acsURL", ACS_URL);
    assert_ok(tds_b64url_decode(&text, &len, tds_json_get(got, "creq"), strlen(tds_json_get(got, "creq")), 0, pool));
    creq = parse((const char *)text, len);
    assert_int_equal(json_object_size(creq), 5);
    is(creq, "threeDSServerTransID", id);
    is(creq, "acsTransID", ACS_ID);
    is(creq, "challengeWindowSize", "05");
    world.now += world.conf.creq_within;
    got = get(id, 0);
    absent(got, "creq");
    absent(got, "challengeUrl");
    absent(got, "acsURL");
}

/* The answer of the DS, what the requestor is told, whether the DS gets an Erro. */
static void refuses_an_ares(void **state)
{
    static const struct {
        const char *status, *more, *code, *detail;
    } rows[] = {{"Y", "{}", "201", "messageType"},
                {"Y", ",\"transStatus\":\"Y\"", "204", "transStatus"},
                {"Q", NULL, "203", "transStatus"},
                {"Y", ",\"whiteListStatus\":\"Y\"", "201", "whiteListStatusSource"},
                {"Y", ",\"messageExtension\":[{\"name\":\"x\",\"id\":\"A1\",\"criticalityIndicator\":true,\"data\":{\"a\":\"b\"}}]",
                 "202", "A1"},
                {"I", NULL, "203", "transStatus"},
                {"Y", "{\"messageType\":\"PRes\",\"messageVersion\":\"2.2.0\"}", "101", NULL},
                {"Y", "{\"messageType\":\"ARes\",\"messageVersion\":\"2.1.0\"}", "203", "messageVersion"}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *id;
        json_t *told;

        world_forget();
        id = new_id();
        world.status = rows[i].status;
        world.more = rows[i].more;
        told = authenticate(id, 502);
        is_error(told, rows[i].code, rows[i].detail);
        is(told, "state", "FINAL");
        assert_true(json_equal(told, authenticate(id, 502)));
        assert_int_equal(due(), 1);
        assert_int_equal(world.erros, 1);
        is(world.ds_erro, "errorCode", rows[i].code);
        is(world.ds_erro, "errorComponent", "S");
        is(world.ds_erro, "threeDSServerTransID", id);
        assert_int_equal(due(), 0);
        assert_int_equal(world.areqs, 1);
    }
}

static void a_wrong_id_is_echoed(void **state)
{
    const char *id = new_id();

    world.more = apr_pstrcat(pool, "{", ares_text(NO_ID) + 1, NULL);
    is_error(authenticate(id, 502), "301", "threeDSServerTransID");
    assert_int_equal(due(), 1);
    is(world.ds_erro, "threeDSServerTransID", NO_ID);
}

static void no_ares(void **state)
{
    static const struct {
        ds_mood_e mood;
        int status, calls, erros;
        const char *code, *detail;
    } rows[] = {{DS_ERRO, 502, 1, 0, "305"},    {DS_GARBAGE, 502, 1, 1, "101"},
                {DS_EMPTY, 502, 1, 1, "101", "HTTP status 200, empty body"}, /* X-HTTP-08 */
                {DS_204, 502, 1, 1, "101", "HTTP status 204, empty body"},
                {DS_307, 502, 1, 1, "101", "HTTP status 307, empty body"},
                {DS_503, 504, 1, 0, "402", "HTTP status 503, empty body"},
                {DS_TIMEOUT, 504, 1, 0, "402"}, {DS_STALE, 504, 1, 0, "402"},
                {DS_BROKEN, 504, 1, 0, "402"},  {DS_TOO_LARGE, 502, 1, 1, "101"}, {DS_CONNECT, 503, 2, 0, "405"},
                {DS_TLS, 503, 2, 0, "405"},     {DS_CONFIG, 503, 1, 0, "405"}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *id;

        world_forget();
        id = new_id();
        order(rows[i].mood, -1);
        is_error(authenticate(id, rows[i].status), rows[i].code, rows[i].detail);
        assert_int_equal(world.calls, rows[i].calls);
        order(DS_ARES, 0);
        (void)due();
        assert_int_equal(world.erros, rows[i].erros);
        if (rows[i].erros && rows[i].detail) is(world.ds_erro, "errorDetail", rows[i].detail);
        is_error(authenticate(id, rows[i].status), rows[i].code, rows[i].detail);
        is(json_object_get(get(id, 0), "error"), "errorCode", rows[i].code);
    }
}

static void second_connect(void **state)
{
    order(DS_CONNECT, 1);
    is(authenticate(new_id(), 200), "transStatus", "Y");
    assert_int_equal(world.calls, 2);
    assert_int_equal(world.areqs, 1);
}

/* The Erro is tried again, and not for ever. */
static void erro_that_does_not_leave(void **state)
{
    int i;

    order(DS_GARBAGE, 1);
    authenticate(new_id(), 502);
    order(DS_CONNECT, -1);
    for (i = 0; i < 3; ++i) {
        assert_int_equal(due(), 1);
        world.now += world.conf.retry_interval;
    }
    assert_int_equal(due(), 0);
    assert_int_equal(metric(SRV_M_ERRO_GIVEN_UP), 1);
}

/* ---- waiting ------------------------------------------------------------- */

static const char *other_id;

static void somebody_asks(void)
{
    srv_run_t second = run;
    tds_err_t e;
    srv_answer_t a = {0};

    world.on_call = NULL;
    tds_err_init(&e, pool);
    second.err = &e;
    world.wait_full = 1;
    srv_run_authenticate(&second, other_id, "{}", 2, NULL, &a);
    is(json_of(&a, 200), "state", "ASKED");
    world.wait_full = 0;
}

static void second_authenticate(void **state)
{
    other_id = new_id();
    world.on_call = somebody_asks;
    is(authenticate(other_id, 200), "state", "FINAL");
    assert_int_equal(world.areqs, 1);
    assert_int_equal(metric(SRV_M_POLL_FULL), 1);
}

static void result_comes(void)
{
    if (world.pauses == 5) results(rreq_text(other_id, "Y", ""));
}

static void long_poll(void **state)
{
    apr_time_t start;

    other_id = challenge();
    start = world.now;
    is(get(other_id, 3), "state", "CHALLENGE");
    assert_true(world.now - start >= apr_time_from_sec(3) && world.now - start < apr_time_from_sec(4));
    world.wait_full = 1;
    start = world.now;
    is(get(other_id, 30), "state", "CHALLENGE");
    assert_true(world.now == start);
    world.wait_full = 0;
    world.wait_stop = 1;
    is(get(other_id, 30), "state", "CHALLENGE");
    assert_true(world.now - start < apr_time_from_sec(1));
    world.wait_stop = world.pauses = 0;
    world.on_pause = result_comes;
    is(get(other_id, 30), "state", "FINAL");
    assert_int_equal(world.pauses, 5);
    assert_int_equal(world.entered, 0);
}

static void id_in_capitals(void **state)
{
    const char *id = new_id();
    char *up = apr_pstrdup(pool, id), *s;

    for (s = up; *s; ++s) *s = (char)apr_toupper(*s);
    is(authenticate(up, 200), "threeDSServerTransID", id);
    is(world.areq, "threeDSServerTransID", id);
    is(get(up, 0), "threeDSServerTransID", id);
}

static void store_stumbles(void)
{
    tds_mem_fail(world.mem, 2, APR_TIMEUP, 0);
}

/* What the DS has said is saved at the second attempt, even by a child that is going. */
static void saved_while_stopping(void **state)
{
    const char *id = new_id();

    world.wait_stop = 1;
    world.on_call = store_stumbles;
    is(authenticate(id, 200), "transStatus", "Y");
    assert_int_equal(record(id)->state, SRV_ST_FINAL);
    assert_int_equal(world.areqs, 1);
}

/* Cut between characters; a code that is none is not handed on. */
static void long_erro(void **state)
{
    const char *id = challenge(), *detail;
    json_t *error, *doc = tds_json_object(pool);
    char *text = apr_palloc(pool, 3001);
    apr_size_t len;
    int i;

    text[0] = 'x';
    for (i = 1; i < 2999; i += 2) memcpy(text + i, "\xc3\xa9", 2);
    text[2999] = '\0';
    tds_json_set(doc, "messageType", "Erro");
    tds_json_set(doc, "messageVersion", "2.2.0");
    tds_json_set(doc, "threeDSServerTransID", id);
    tds_json_set(doc, "errorCode", "30\n5");
    tds_json_set(doc, "errorComponent", "the DS");
    tds_json_set(doc, "errorDescription", text);
    tds_json_set(doc, "errorDetail", text);
    assert_null(results(tds_json_text(doc, &len, pool)));
    error = json_object_get(get(id, 0), "error");
    is(error, "errorCode", "101");
    is(error, "errorComponent", "D");
    detail = tds_json_get(error, "errorDetail");
    assert_int_equal(strlen(detail), 2047);
    assert_memory_equal(detail, text, 2047);
    is(error, "errorDescription", detail);
}

static void of_others(void **state)
{
    const char *id = challenge();
    srv_answer_t a = {0};

    run.requestor = &world.other;
    is_error(authenticate(id, 404), "301", NULL);
    srv_run_get(&run, id, 30, &a);
    is_error(json_of(&a, 404), "301", NULL);
    srv_run_cancel(&run, id, &a);
    (void)json_of(&a, 404);
    srv_run_acknowledge(&run, id, &a);
    (void)json_of(&a, 404);
    assert_int_equal(world.pauses, 0);
    assert_int_equal(record(id)->state, SRV_ST_CHALLENGE);
}

/* ---- RReq ---------------------------------------------------------------- */

static void takes_a_result(void **state)
{
    const char *id = challenge();
    json_t *rres = results(rreq_text(id, "Y", "")), *got;

    is(rres, "messageType", "RRes");
    is(rres, "resultsStatus", "01");
    is(rres, "acsTransID", ACS_ID);
    is(rres, "dsTransID", DS_ID);
    is(rres, "threeDSServerTransID", id);
    got = get(id, 0);
    is(got, "state", "FINAL");
    is(got, "transStatus", "Y");
    is(got, "eci", "05");
    is(got, "authenticationValue", VALUE);
    is(got, "interactionCounter", "01");
    absent(got, "messageCategory");
}

static void refuses_an_rreq(void **state)
{
    static const struct {
        const char *status, *more, *code, *detail;
    } rows[] = {{"C", "", "203", "transStatus"},
                {"D", "", "203", "transStatus"},
                {"N", ",\"transStatusReason\":\"14\"", "201", "challengeCancel"},
                {"N", ",\"transStatusReason\":\"14\",\"challengeCancel\":\"01\"", "203", "challengeCancel"},
                {"N", ",\"transStatusReason\":\"19\",\"challengeCancel\":\"02\"", "203", "challengeCancel"},
                {"Y", ",\"eci\":\"05\"", "204", "eci"}};
    static const struct { const char *json, *code; } ids[] = {
        {"7", "203"}, {"{\"a\":1}", "203"}, {"[\"x\"]", "203"}, {"false", "203"}, {"\"x\"", "203"}, {"null", "201"}, {"\"\"", "201"}};
    const char *id = challenge(), *text;
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        json_t *erro = results(rreq_text(id, rows[i].status, rows[i].more));

        is(erro, "messageType", "Erro");
        is_error(erro, rows[i].code, rows[i].detail);
        assert_int_equal(record(id)->state, SRV_ST_CHALLENGE);
    }
    is_error(results(rreq_text(NO_ID, "Y", "")), "301", "threeDSServerTransID");
    is_error(results("nonsense"), "101", NULL);
    is_error(results("{\"messageType\":\"RReq\",\"messageVersion\":\"2.0.0\"}"), "102", NULL);
    is_error(results("{\"messageType\":\"RReq\",\"messageVersion\":\"2.2.0\"}"), "201", "threeDSServerTransID");
    for (i = 0; i < COUNT(ids); ++i) { /* F-02: another JSON type is a wrong format */
        text = apr_psprintf(pool, "{\"messageType\":\"RReq\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":%s}", ids[i].json);
        is_error(results(text), ids[i].code, "threeDSServerTransID");
    }
    is_error(results("{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\"}"), "101",
             "Invalid Message for the receiving component");
    text = rreq_text(id, "Y", "");
    run.ds = &world.other_ds;
    is_error(results(text), "301", "threeDSServerTransID");
    run.ds = NULL;
    is_error(results(text), "303", NULL);
    run.ds = &world.ds;
    is(results(text), "messageType", "RRes");
}

static void repeats(void **state)
{
    const char *id = challenge(), *text = rreq_text(id, "Y", "");
    json_t *first = results(text);

    world.now += apr_time_from_sec(60);
    assert_true(json_equal(first, results(text)));
    is_error(results(rreq_text(id, "N", "")), "301", "threeDSServerTransID");
    world.now += apr_time_from_sec(1);
    is_error(results(text), "301", "threeDSServerTransID");
    is(get(id, 0), "transStatus", "Y");
    assert_int_equal(metric(SRV_M_RREQ), 1);
    assert_int_equal(metric(SRV_M_RREQ_REPEAT), 1);
}

static void not_due(void **state)
{
    const char *id = new_id();

    is_error(results(rreq_text(id, "Y", "")), "305", "threeDSServerTransID");
    authenticate(id, 200);
    is_error(results(rreq_text(id, "Y", "")), "305", "threeDSServerTransID");
    is(get(id, 0), "authenticationValue", VALUE);
}

/* S-58 */
static void results_status(void **state)
{
    static const char silent[] = ",\"transStatusReason\":\"14\",\"challengeCancel\":\"05\"";
    const char *id = challenge();
    srv_answer_t a = {0};

    is(results(rreq_text(id, "N", silent)), "resultsStatus", "02");
    id = challenge();
    srv_run_cancel(&run, id, &a);
    assert_true(json_is_true(json_object_get(json_of(&a, 200), "cancelled")));
    is(results(rreq_text(id, "N", silent)), "resultsStatus", "02");
    id = new_id();
    order(DS_TIMEOUT, 1);
    authenticate(id, 504);
    is(results(rreq_text(id, "N", silent)), "resultsStatus", "03");
    absent(get(id, 0), "transStatus");
    id = new_id();
    world.more = ",\"acsChallengeMandated\":\"Z\"";
    world.status = "C";
    authenticate(id, 502);
    is(results(rreq_text(id, "N", silent)), "resultsStatus", "03");
}

static void erro_of_the_ds(void **state)
{
    const char *id = challenge();
    const char *text = apr_pstrcat(pool, "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"203\","
                                         "\"errorComponent\":\"D\",\"errorDescription\":\"x\",\"errorDetail\":\"y\","
                                         "\"threeDSServerTransID\":\"", id, "\"}", NULL);

    run.ds = &world.other_ds;
    assert_null(results(text));
    assert_int_equal(record(id)->state, SRV_ST_CHALLENGE);
    run.ds = NULL;
    assert_null(results(text));
    run.ds = &world.ds;
    assert_null(results("{\"messageType\":\"Erro\"}"));
    assert_null(results(text));
    is(json_object_get(get(id, 0), "error"), "errorCode", "203");
    is_error(results(rreq_text(id, "Y", "")), "301", NULL);
    id = challenge();
    results(rreq_text(id, "Y", ""));
    assert_null(results(text));
    absent(get(id, 0), "error");
}

/* ---- time ---------------------------------------------------------------- */

static void nobody_reports(void **state)
{
    const char *id = challenge();
    json_t *got;

    world.now += world.conf.result_horizon;
    assert_int_equal(due(), 1);
    got = get(id, 0);
    is(got, "state", "FINAL");
    is(json_object_get(got, "error"), "errorCode", "402");
    is(results(rreq_text(id, "Y", "")), "resultsStatus", "01"); /* S-63 */
    got = get(id, 0);
    absent(got, "error");
    is(got, "transStatus", "Y");
    is(got, "authenticationValue", VALUE);
    is_error(results(rreq_text(id, "N", "")), "301", NULL);
}

static void node_dies(void)
{
    world.now += srv_send_limit(&world.ds);
    assert_int_equal(due(), 1);
}

/* Another node has given the AReq up before its answer is saved: what was told stays. */
static void too_late(void **state)
{
    const char *id = new_id();
    json_t *told;

    world.on_call = node_dies;
    told = authenticate(id, 504);
    is_error(told, "402", NULL);
    assert_int_equal(metric(SRV_M_AREQ_LOST), 1);
    world.on_call = NULL;
    assert_true(json_equal(told, authenticate(id, 504)));
    is(results(rreq_text(id, "Y", "")), "resultsStatus", "03");
    absent(get(id, 0), "authenticationValue");
}

static void acknowledged(void **state)
{
    const char *id = new_id();
    srv_answer_t a = {0};

    srv_run_acknowledge(&run, id, &a);
    (void)json_of(&a, 409);
    authenticate(id, 200);
    tds_err_clear(&run_err);
    srv_run_acknowledge(&run, id, &a);
    absent(json_of(&a, 200), "authenticationValue");
    assert_null(record(id)->value);
}

/* ---- browser ------------------------------------------------------------- */

static srv_answer_t notify(const char *text)
{
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_notify(&run, text ? tds_b64url_encode(text, strlen(text), pool) : NULL, &a);
    assert_int_equal(a.kind, SRV_BODY_PAGE);
    assert_null(strstr(a.body, VALUE));
    return a;
}

static const char *cres(const char *id, const char *acs_id, const char *status)
{
    return apr_psprintf(pool, "{\"messageType\":\"CRes\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":\"%s\","
                              "\"acsTransID\":\"%s\",\"transStatus\":\"%s\"}", id, acs_id, status);
}

static void browser_comes_back(void **state)
{
    const char *id = challenge();
    srv_answer_t a = notify(cres(id, ACS_ID, "Y"));

    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, apr_pstrcat(pool, "https://shop.test/return?threeDSServerTransID=", id, NULL)));
    assert_non_null(strstr(a.body, "data-origin=\"https://shop.test\""));
    assert_null(strstr(a.body, ACS_ID));
    assert_int_equal(record(id)->state, SRV_ST_CHALLENGE);
    results(rreq_text(id, "N", ""));
    assert_false(logged("SRV0082"));
    notify(cres(id, ACS_ID, "Y"));
    assert_true(logged("SRV0082"));
}

static const char *browser_erro(const char *id, const char *acs_id, const char *code)
{
    return apr_psprintf(pool, "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":\"%s\","
                              "\"acsTransID\":\"%s\",\"errorCode\":\"%s\",\"errorComponent\":\"A\",\"errorDescription\":\"d\","
                              "\"errorDetail\":\"card 4111111111111111\"}", id, acs_id, code);
}

/* B-19: told at once, as a hint; the result is the DS's to tell. The first one stays. */
static void browser_brings_an_erro(void **state)
{
    const char *id = challenge();
    json_t *doc, *hint;

    notify(browser_erro(id, NO_ID, "402")); /* of another transaction */
    assert_null(json_object_get(get(id, 0), "hint"));
    notify(browser_erro(id, ACS_ID, "402"));
    notify(browser_erro(id, ACS_ID, "305"));
    doc = get(id, 0);
    is(doc, "state", "CHALLENGE");
    is(doc, "transStatus", "C");
    assert_null(json_object_get(doc, "error"));
    hint = json_object_get(doc, "hint");
    is(hint, "errorCode", "402");
    is(hint, "errorComponent", "A");
    is(hint, "errorDetail", "card ************1111");
    is(hint, "actor", "acs");
    is(results(rreq_text(id, "Y", "")), "messageType", "RRes");
    doc = get(id, 0);
    is(doc, "state", "FINAL");
    is(doc, "transStatus", "Y");
    is(json_object_get(doc, "hint"), "errorCode", "402");
    id = challenge(); /* the RReq may be faster than the browser */
    results(rreq_text(id, "N", ""));
    notify(browser_erro(id, ACS_ID, "203"));
    doc = get(id, 0);
    is(doc, "transStatus", "N");
    is(json_object_get(doc, "hint"), "errorCode", "203");
}

static void browser_of_nobody(void **state)
{
    const char *id = challenge(), *ready = new_id();
    const char *texts[] = {cres(NO_ID, ACS_ID, "Y"), cres(id, NO_ID, "Y"), cres(ready, ACS_ID, "Y"), "", "[]", "{}",
                           "{\"messageType\":\"CReq\"}", NULL};
    int i;

    for (i = 0; i < COUNT(texts); ++i) {
        srv_answer_t a = notify(texts[i]);
        assert_int_equal(a.status, 200);
        assert_null(strstr(a.body, "shop.test"));
    }
}

static void hosted_page(void **state)
{
    const char *id = challenge(), *url = tds_json_get(get(id, 0), "challengeUrl"), *token = strrchr(url, '/') + 1;
    srv_answer_t a = {0};

    srv_run_challenge(&run, token, &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.kind, SRV_BODY_FORM_PAGE);
    assert_non_null(strstr(a.body, "action=\"" ACS_URL "\""));
    assert_non_null(strstr(a.body, tds_json_get(get(id, 0), "creq")));
    assert_non_null(strstr(a.body, "<noscript>"));
    srv_run_challenge(&run, token, &a); /* B-44 */
    assert_int_equal(a.status, 410);
    assert_null(strstr(a.body, "creq"));
    assert_non_null(strstr(a.body, "https://shop.test/return?"));
    assert_int_equal(record(id)->state, SRV_ST_CHALLENGE);
    world.now += world.conf.creq_within;
    srv_run_challenge(&run, token, &a);
    assert_int_equal(a.status, 410);
    assert_null(strstr(a.body, "creq"));
    srv_run_challenge(&run, "x", &a);
    assert_int_equal(a.status, 404);
    results(rreq_text(id, "Y", ""));
    srv_run_challenge(&run, token, &a);
    assert_int_equal(a.status, 200);
    assert_null(strstr(a.body, VALUE));
}

static void hosted_page_too_late(void **state)
{
    const char *id = challenge(), *url = tds_json_get(get(id, 0), "challengeUrl");
    srv_answer_t a = {0};

    world.now += world.conf.creq_within;
    srv_run_challenge(&run, strrchr(url, '/') + 1, &a);
    assert_int_equal(a.status, 410);
    assert_null(strstr(a.body, "creq"));
    assert_true(record(id)->shown_at == 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)

static const struct CMUnitTest tests[] = {
    TEST(creates),           TEST(versions),         TEST(versions_are_told), TEST(refuses_to_create),    TEST(idempotent),
    TEST(credentials),       TEST(return_urls),      TEST(fills_the_areq),       TEST(refuses_areq_data),
    TEST(leaves_out_what_is_empty), TEST(frictionless), TEST(asks_for_a_challenge), TEST(refuses_an_ares),
    TEST(a_wrong_id_is_echoed), TEST(no_ares),       TEST(second_connect),       TEST(erro_that_does_not_leave),
    TEST(second_authenticate), TEST(long_poll),      TEST(of_others),            TEST(takes_a_result),
    TEST(refuses_an_rreq),   TEST(repeats),          TEST(not_due),              TEST(results_status),
    TEST(erro_of_the_ds),    TEST(nobody_reports),   TEST(too_late),             TEST(acknowledged),
    TEST(browser_comes_back), TEST(browser_of_nobody), TEST(browser_brings_an_erro), TEST(hosted_page),
    TEST(hosted_page_too_late), TEST(id_in_capitals), TEST(saved_while_stopping), TEST(long_erro),
};

UNIT_MAIN(tests)
