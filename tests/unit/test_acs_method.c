/* 3DS Method: what is a request, what is data, and what the engine keeps of them. Rules M-05 .. M-13. */
#include "unit.h"
#include "acs_world.h"

#define SHOP_NOTICE "https://shop.test/method"

static const acs_seen_t nobody;

static const char *field_of(const char *json)
{
    return tds_b64url_encode(json, strlen(json), pool);
}

static const char *good_field(const char *id)
{
    return field_of(apr_psprintf(
        pool, "{\"threeDSServerTransID\":\"%s\",\"threeDSMethodNotificationURL\":\"" SHOP_NOTICE "\"}", id));
}

static void requests(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\"}",
        "{\"threeDSMethodNotificationURL\":\"" SHOP_NOTICE "\"}",
        "{\"threeDSServerTransID\":1,\"threeDSMethodNotificationURL\":\"" SHOP_NOTICE "\"}",
        "{\"threeDSServerTransID\":\"8a880dc0\",\"threeDSMethodNotificationURL\":\"" SHOP_NOTICE "\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"http://shop.test/\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"data:,x\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://shop.test/ x\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://shop.test/\\u0007\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://a:b@shop.test/\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://shop.test:0/\"}",
    };
    /* F-09: what is no fault of the URL is none of the request */
    static const char *const good[] = {
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://shop.test/done#frame\"}",
        "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://[2001:db8::1]:8443/?a=%41\"}",
    };
    acs_method_req_t req;
    char *cut;
    int i;

    assert_ok(acs_method_request(&req, good_field(SERVER_ID), pool));
    assert_string_equal(req.id, SERVER_ID);
    assert_string_equal(req.url, SHOP_NOTICE);
    assert_ok(acs_method_request(&req, apr_pstrcat(pool, good_field(SERVER_ID), "=", NULL), pool));
    for (i = 0; i < COUNT(good); ++i) {
        if (acs_method_request(&req, field_of(good[i]), pool) != APR_SUCCESS) fail_msg("not taken: %s", good[i]);
    }
    for (i = 0; i < COUNT(bad); ++i) {
        if (acs_method_request(&req, field_of(bad[i]), pool) != APR_EINVAL) fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(acs_method_request(&req, NULL, pool), APR_EINVAL);
    assert_int_equal(acs_method_request(&req, "!", pool), APR_EINVAL);
    cut = apr_palloc(pool, 9001);
    memset(cut, 'A', 9000);
    cut[9000] = '\0';
    assert_int_equal(acs_method_request(&req, cut, pool), APR_EINVAL);
}

static void collected(void **state)
{
    static const char *const good[] = {"{}",
                                       "{\"language\":\"en\",\"timeZoneOffset\":\"-600\"}",
                                       "{\"deviceMemory\":\"0.25\",\"cookies\":\"N\",\"localStorage\":\"Y\"}",
                                       "{\"deviceId\":\"0123456789abcdef0123456789abcdef\"}"};
    static const char *const bad[] = {"",
                                      "[]",
                                      "{\"language\":1}",
                                      "{\"language\":null}",
                                      "{\"language\":[\"en\"]}",
                                      "{\"language\":\"\"}",
                                      "{\"language\":\"en\",\"other\":\"x\"}",
                                      "{\"userAgent\":\"x\"}",
                                      "{\"accept\":\"x\"}",
                                      "{\"timeZoneOffset\":\"1001\"}",
                                      "{\"timeZoneOffset\":\"-1001\"}",
                                      "{\"timeZoneOffset\":\"1e2\"}",
                                      "{\"timeZoneOffset\":\"--1\"}",
                                      "{\"timeZoneOffset\":\"\"}",
                                      "{\"timeZoneOffset\":\"nan\"}",
                                      "{\"cookies\":\"y\"}",
                                      "{\"deviceId\":\"0123456789ABCDEF0123456789ABCDEF\"}",
                                      "{\"deviceId\":\"0123\"}",
                                      "{\"platform\":\"a\\nb\"}",
                                      "{\"platform\":\"a\\u0000b\"}"};
    json_t *members;
    int i;

    for (i = 0; i < COUNT(good); ++i) {
        if (acs_method_collected(&members, good[i], pool) != APR_SUCCESS) fail_msg("refused: %s", good[i]);
    }
    for (i = 0; i < COUNT(bad); ++i) {
        if (acs_method_collected(&members, bad[i], pool) != APR_EINVAL) fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(acs_method_collected(&members, NULL, pool), APR_EINVAL);
}

static void names(void **state)
{
    assert_true(acs_method_member("userAgent"));
    assert_true(acs_method_member("timeZoneOffset"));
    assert_false(acs_method_member("deviceId")); /* not for rules: it stands for a person */
    assert_false(acs_method_member("other"));
}

/* ---- the engine -------------------------------------------------------------- */

static acs_answer_t method(const char *field, const acs_seen_t *seen)
{
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_method(&run, field, seen, &answer);
    return answer;
}

static acs_answer_t data(const char *token, const char *text)
{
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_method_data(&run, token, text, &nobody, &answer);
    return answer;
}

static const char *token_of(const acs_answer_t *page)
{
    const char *token = between(page->body, "data-token=\"", "\"");

    assert_non_null(token);
    return token;
}

/* What the next AReq with this id would find. */
static const acs_method_t *found(const char *id)
{
    tds_store_read_t read = {.kind = TDS_READ_SIDE, .type = ACS_METHOD_TYPE, .name = id};

    fresh_run();
    assert_ok(tds_store_batch(run.store, &read, 1, pool, &run_err));
    return acs_method_take(&run, &read);
}

static const char *member(const char *id, const char *name)
{
    const acs_method_t *m = found(id);

    return m ? tds_json_get(m->members, name) : NULL;
}

static void page(void **state)
{
    acs_answer_t answer = method(good_field(SERVER_ID), &nobody);
    const char *value = between(answer.body, "name=\"threeDSMethodData\" value=\"", "\"");

    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.kind, ACS_BODY_METHOD_PAGE);
    assert_non_null(answer.nonce);
    assert_string_equal(value, field_of("{\"threeDSServerTransID\":\"" SERVER_ID "\"}"));
    assert_string_equal(between(answer.body, "action=\"", "\""), SHOP_NOTICE);
    assert_string_equal(between(answer.body, "data-url=\"", "\""), "https://acs.test/acs/method/data");
}

static void refused(void **state)
{
    int before = tds_mem_ops(world.mem);
    acs_answer_t answer = method("e30", &nobody);

    assert_int_equal(answer.status, 400);
    assert_int_equal(answer.kind, ACS_BODY_PAGE);
    answer = data("x", "{}");
    assert_int_equal(answer.status, 400);
    answer = method(good_field(SERVER_ID), &nobody);
    before = tds_mem_ops(world.mem) - before;
    assert_int_equal(before, 1); /* nothing was done for the others */
    answer = data(token_of(&answer), "{\"other\":\"x\"}");
    assert_int_equal(answer.status, 400);
    assert_int_equal(metric(ACS_M_METHOD_REFUSED), 3);
    assert_int_equal(metric(ACS_M_METHOD_STARTED), 1);
    assert_int_equal(metric(ACS_M_METHOD_COLLECTED), 0);
}

static void kept(void **state)
{
    const acs_seen_t seen = {.user_agent = "Agent\x80/1\n", .accept = "", .ip = "192.0.2.1"};
    acs_answer_t first = method(good_field(SERVER_ID), &seen);

    assert_string_equal(member(SERVER_ID, "userAgent"), "Agent?/1?");
    assert_string_equal(member(SERVER_ID, "ip"), "192.0.2.1");
    assert_null(member(SERVER_ID, "accept"));
    assert_null(found(SERVER_ID)->device);
    assert_int_equal(data(token_of(&first), "{\"language\":\"de\",\"deviceId\":\"0123456789abcdef0123456789abcdef\"}").status, 204);
    assert_string_equal(member(SERVER_ID, "language"), "de");
    assert_null(member(SERVER_ID, "deviceId"));
    assert_int_equal(strlen(found(SERVER_ID)->device), 32);
    assert_string_not_equal(found(SERVER_ID)->device, "0123456789abcdef0123456789abcdef");
    world.now += world.conf.method_keep + 1;
    assert_null(found(SERVER_ID));
}

static void long_headers(void **state)
{
    char *agent = apr_palloc(pool, 5001);
    acs_seen_t seen = {.user_agent = agent, .accept = agent, .accept_language = agent, .ip = agent};

    memset(agent, 'x', 5000);
    agent[5000] = '\0';
    (void)method(good_field(SERVER_ID), &seen);
    assert_int_equal(strlen(member(SERVER_ID, "userAgent")), 512);
    assert_int_equal(strlen(member(SERVER_ID, "ip")), 45);
}

/* M-13: what an AReq has been decided with stays; without rules that read it nothing is shut. */
static void shut(void **state)
{
    acs_answer_t first = method(good_field(SERVER_ID), &nobody);

    assert_int_equal(data(token_of(&first), "{\"language\":\"de\"}").status, 204);
    world.issuer.reads = 0; /* as of an issuer beside one whose rules read it */
    (void)areq();
    world.issuer.reads = ACS_READS_METHOD;
    assert_int_equal(data(token_of(&first), "{\"language\":\"fr\"}").status, 204);
    assert_string_equal(member(SERVER_ID, "language"), "fr");
    (void)areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e4c", ""));
    assert_int_equal(data(token_of(&first), "{\"language\":\"en\"}").status, 204);
    assert_int_equal(method(good_field(SERVER_ID), &nobody).status, 200);
    assert_string_equal(member(SERVER_ID, "language"), "fr");
    assert_int_equal(metric(ACS_M_METHOD_LATE), 2);
}

/* The browser goes on whatever the store does. */
static void store_fails(void **state)
{
    acs_answer_t first;

    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    first = method(good_field(SERVER_ID), &nobody);
    assert_int_equal(first.status, 200);
    assert_true(logged("ACS0130"));
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    assert_int_equal(data(token_of(&first), "{}").status, 204);
    assert_int_equal(metric(ACS_M_STORE_DOWN), 2);
    assert_null(found(SERVER_ID));
}

/* One read for an AReq, and none where nothing reads it. */
static void reads(void **state)
{
    int before = tds_mem_ops(world.mem);

    world.outcome = (acs_outcome_t){.trans_status = "Y"};
    (void)areq();
    assert_int_equal(tds_mem_ops(world.mem) - before, 1); /* the write */
    world.issuer.reads = ACS_READS_METHOD;
    before = tds_mem_ops(world.mem);
    (void)areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e4c", ""));
    assert_int_equal(tds_mem_ops(world.mem) - before, 2);
}

/* An issuer whose rules read it. */
static int setup_read(void **state)
{
    int rv = world_setup(state);

    world.issuer.reads = ACS_READS_METHOD;
    return rv;
}

#define WHERE_READ(fn) cmocka_unit_test_setup_teardown(fn, setup_read, unit_teardown)
#define IN_WORLD(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
/* ---- what strangers can make us store ------------------------------------------------ */

static void post_as(int n)
{
    const char *id = apr_psprintf(pool, "%08x-0000-4000-8000-000000000000", (unsigned)n);
    acs_answer_t answer = {0};

    acs_run_method(&run, good_field(id), &nobody, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.len > 0);
}

/* Kept only where something reads it. */
static void nobody_reads_it(void **state)
{
    int before = tds_mem_ops(world.mem);

    world.issuer.reads = 0;
    post_as(1);
    assert_int_equal(tds_mem_ops(world.mem), before);
    world.issuer.reads = ACS_READS_METHOD;
    post_as(2);
    assert_int_equal(tds_mem_ops(world.mem), before + 1);
}

/* Never more than the share within ACSMethodKeep; past it the page works and nothing is kept; later there is room again. */
static void share_is_kept(void **state)
{
    acs_method_budget_t budget = {0};
    int before = tds_mem_ops(world.mem), n, kept;

    world.issuer.reads = ACS_READS_METHOD;
    world.conf.method_budget = &budget;
    world.conf.method_store = 1;
    for (n = 0; n < 4000; ++n) post_as(n);
    kept = tds_mem_ops(world.mem) - before;
    assert_in_range(kept, 1000, 1024 * 1024 / 400);
    assert_int_equal(metric(ACS_M_METHOD_DROPPED), 4000 - kept);
    assert_true(logged("ACS0190"));
    world.now += world.conf.method_keep; /* what was kept a moment ago may still be there */
    post_as(n++);
    assert_int_equal(tds_mem_ops(world.mem) - before, kept);
    world.now += world.conf.method_keep;
    post_as(n++);
    assert_int_equal(tds_mem_ops(world.mem) - before, kept + 1);
    world.conf.method_budget = NULL;
}

static const struct CMUnitTest tests[] = {IN_WORLD(requests), IN_WORLD(collected), IN_WORLD(names),        IN_WORLD(page),        WHERE_READ(refused),
                                          WHERE_READ(kept),     WHERE_READ(shut),      WHERE_READ(long_headers), WHERE_READ(store_fails), IN_WORLD(reads),
                                          IN_WORLD(nobody_reads_it), IN_WORLD(share_is_kept)};
UNIT_MAIN(tests)
