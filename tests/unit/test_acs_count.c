/* Velocity counters: declaration, windows, keys and sums; and the words of outcomes. */
#include "unit.h"
#include "acs_world.h"

static apr_status_t declare(const char *text, acs_counter_t *counter)
{
    const char *words[8];
    char *save, *word = apr_strtok(apr_pstrdup(pool, text), " ", &save);
    int n = 0;

    for (; word; word = apr_strtok(NULL, " ", &save)) words[n++] = word;
    tds_err_clear(&err);
    return acs_counter_read(counter, words, n, pool, &err);
}

static void declarations(void **state)
{
    static const char *const bad[] = {"",
                                      "by=card window=1h",
                                      "a.b by=card window=1h",
                                      "a",
                                      "a by=card",
                                      "a window=1h",
                                      "a by=Card window=1h",
                                      "a by=card window=0s",
                                      "a by=card window=1",
                                      "a by=card window=1ms",
                                      "a by=card window=+1h",
                                      "a by=card window=31d",
                                      "a by=card window=99999999999d",
                                      "a by=card window=1h sum=count",
                                      "a by=card window=1h currency=978",
                                      "a by=card window=1h sum=amount currency=97",
                                      "a by=card window=1h sum=amount currency=EUR",
                                      "a by=card window=1h x=y"};
    acs_counter_t c;
    int i;

    assert_ok(declare("tries_1 by=merchant window=10min", &c));
    assert_string_equal(c.name, "tries_1");
    assert_int_equal(c.by, ACS_BY_MERCHANT);
    assert_int_equal(c.window, apr_time_from_sec(600));
    assert_int_equal(c.sum, 0);
    assert_ok(declare("a by=card sum=amount currency=978 window=30d", &c));
    assert_int_equal(c.window, apr_time_from_sec(30 * 86400));
    assert_int_equal(c.sum, 1);
    assert_string_equal(c.currency, "978");
    for (i = 0; i < COUNT(bad); ++i) {
        if (declare(bad[i], &c) != APR_EINVAL || !err.detail) fail_msg("taken: %s", bad[i]);
    }
}

/* ---- in the engine ------------------------------------------------------------- */

static acs_counts_t counts;

static const acs_rule_t *note_counts(void *baton, const acs_facts_t *facts, apr_pool_t *p)
{
    counts = *facts->counts;
    return world_match(baton, facts, p);
}

static void add(const char *text)
{
    acs_counter_t *c = apr_array_push(world.issuer.counters);

    assert_ok(declare(text, c));
    c->read = 1;
    world.issuer.reads |= ACS_READS_COUNT | ACS_READS_METHOD;
}

static int setup(void **state)
{
    if (world_setup(state)) return -1;
    run.match = note_counts;
    world.outcome = (acs_outcome_t){.trans_status = "Y"};
    world.now = apr_time_from_sec(1700006400); /* where a window of one hour, or of a part of it, begins */
    return 0;
}

/* One AReq; the value of the first counter before it, or -1. */
static apr_int64_t seen_with(const char *more)
{
    static unsigned serial;
    json_t *ares = areq_with(areq_text(apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-%012x", ++serial), more));

    is(ares, "transStatus", "Y");
    return counts.at[0].have ? counts.at[0].value : -1;
}

static apr_int64_t seen(void)
{
    return seen_with("");
}

static void window_slides(void **state)
{
    int i;

    add("tries by=card window=1h");
    for (i = 0; i < 4; ++i) assert_int_equal(seen(), i);
    world.now += apr_time_from_sec(3600); /* the bucket before, whole */
    assert_int_equal(seen(), 4);
    world.now += apr_time_from_sec(1800); /* half of four, and the one since */
    assert_int_equal(seen(), 2 + 1);
    world.now += apr_time_from_sec(1799);
    assert_int_equal(seen(), 2);
    world.now += apr_time_from_sec(3600 * 2);
    assert_int_equal(seen(), 0);
}

static void before_it_is_counted(void **state)
{
    add("tries by=card window=1h");
    add("shop by=merchant window=1h");
    assert_int_equal(seen(), 0);
    assert_int_equal(seen(), 1);
    assert_int_equal(counts.at[1].value, 1);
    assert_int_equal(tds_mem_ops(world.mem), 4); /* one batch and one write for each AReq */
}

static void sums(void **state)
{
    add("spent by=card window=1h sum=amount");
    add("euros by=card window=1h sum=amount currency=978");
    add("yen by=card window=1h sum=amount currency=392");
    (void)seen();
    assert_int_equal(seen(), 12345);
    assert_int_equal(counts.at[1].value, 12345);
    assert_int_equal(counts.at[2].value, 0);
    assert_int_equal(counts.at[2].have, 1);
}

/* A-AREQ-17: dsTransID alone makes a repeat. The same payment under another one counts again; a repeat is refused, and counts. */
static void again_is_counted(void **state)
{
    add("tries by=card window=1h");
    add("spent by=card window=1h sum=amount");
    is(areq_with(areq_text(DS_ID, "")), "threeDSServerTransID", SERVER_ID);
    is(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e01", "")), "threeDSServerTransID", SERVER_ID);
    assert_int_equal(counts.at[0].value, 1);
    is(areq_with(areq_text(DS_ID, "")), "errorCode", "301");
    assert_int_equal(seen(), 3);
    assert_int_equal(counts.at[1].value, 3 * 12345);
}

static void refused_is_not_counted(void **state)
{
    add("tries by=card window=1h");
    is(areq_with(areq_text("no id", "")), "messageType", "Erro");
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    is(areq(), "messageType", "Erro");
    assert_int_equal(seen(), 0);
}

/* Without a device a counter by device is absent; with one there is a second batch. */
static void by_device(void **state)
{
    const acs_seen_t nobody = {0};
    acs_answer_t answer = {0};
    const char *field = "{\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSMethodNotificationURL\":\"https://shop.test/\"}";
    int before;

    add("browser by=device window=1h");
    world.issuer.reads = ACS_READS_COUNT; /* no method data is read */
    assert_int_equal(seen(), -1);
    world.issuer.reads |= ACS_READS_METHOD;
    acs_run_method(&run, tds_b64url_encode(field, strlen(field), pool), &nobody, &answer);
    acs_run_method_data(&run, between(answer.body, "data-token=\"", "\""),
                        "{\"deviceId\":\"0123456789abcdef0123456789abcdef\"}", &nobody, &answer);
    assert_int_equal(answer.status, 204);
    before = tds_mem_ops(world.mem);
    assert_int_equal(seen(), 0);
    assert_int_equal(tds_mem_ops(world.mem) - before, 3);
    assert_int_equal(seen(), 1);
}

/* A counter that no rule reads is counted, not read. */
static void not_read(void **state)
{
    add("tries by=card window=1h");
    APR_ARRAY_IDX(world.issuer.counters, 0, acs_counter_t).read = 0;
    world.issuer.reads = 0;
    assert_int_equal(seen(), -1);
    assert_int_equal(tds_mem_ops(world.mem), 1);
    APR_ARRAY_IDX(world.issuer.counters, 0, acs_counter_t).read = 1;
    assert_int_equal(seen(), 1);
}

/* ---- outcomes ------------------------------------------------------------------- */

static void is_outcome(const char *word, const char *status, const char *reason, const char *method)
{
    const char *fault = "";
    const acs_outcome_t *o = acs_outcome_find(word, &fault, pool);

    if (!o) fail_msg("%s: %s", word, fault);
    assert_null(fault);
    assert_string_equal(o->trans_status, status);
    if (reason) assert_string_equal(o->reason, reason);
    else assert_null(o->reason);
    if (method) assert_string_equal(o->method, method);
    else assert_null(o->method);
}

static void outcomes(void **state)
{
    static const char *const bad[] = {"",         "Deny",          "deny:",     "deny:1",     "deny:001",       "deny:ab",
                                      "deny:00",  "deny:31",       "deny:79",   "deny:01:02", "frictionless:",  "attempt:01",
                                      "spc:01",   "decoupled:oob", "challenge:", "challenge:sms", "challenge:01", "informational:01",
                                      "den",      "denyx",         ":01",       "deny:1 ",    "reject:45",      "unavailable:99x"};
    const char *fault;
    int i;

    is_outcome("frictionless", "Y", NULL, NULL);
    is_outcome("attempt", "A", NULL, NULL);
    is_outcome("challenge", "C", NULL, NULL);
    is_outcome("challenge:oob", "C", NULL, "oob");
    is_outcome("challenge:otp", "C", NULL, "otp");
    is_outcome("challenge:delegate", "C", NULL, "delegate");
    is_outcome("decoupled", "D", NULL, NULL);
    is_outcome("spc", "S", NULL, NULL);
    is_outcome("reject", "R", "11", NULL);
    is_outcome("deny", "N", "01", NULL);
    is_outcome("deny:12", "N", "12", NULL);
    is_outcome("deny:30", "N", "30", NULL);
    is_outcome("unavailable", "U", "22", NULL);
    is_outcome("unavailable:80", "U", "80", NULL);
    is_outcome("informational", "I", NULL, NULL);
    for (i = 0; i < COUNT(bad); ++i) {
        fault = NULL;
        if (acs_outcome_find(bad[i], &fault, pool) || !fault) fail_msg("taken: '%s'", bad[i]);
    }
}

/* What stands in acs_cases.def is a code of some version, too. */
static void case_reasons(void **state)
{
    int i;

    for (i = 0; i < ACS_CASE_COUNT; ++i) {
        const acs_outcome_t *o = acs_case_outcome(NULL, (acs_case_e)i);

        assert_null(acs_reason_fault(o->reason, pool));
        assert_true(acs_reason_known(TDS_V220, o->reason));
    }
}

static void outcome_words(void **state)
{
    static const char *const words[] = {"frictionless", "attempt", "challenge", "challenge:oob", "decoupled",
                                        "spc",          "deny:12", "reject:11", "unavailable:22"};
    const char *fault;
    int i;

    for (i = 0; i < COUNT(words); ++i) {
        const acs_outcome_t *o = acs_outcome_find(words[i], &fault, pool);

        assert_non_null(o);
        assert_string_equal(acs_outcome_word(o, pool), words[i]);
    }
}

#define COUNTED(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {COUNTED(declarations), COUNTED(window_slides), COUNTED(before_it_is_counted), COUNTED(sums),
                                          COUNTED(again_is_counted), COUNTED(refused_is_not_counted), COUNTED(by_device),
                                          COUNTED(not_read), COUNTED(outcomes), COUNTED(outcome_words), COUNTED(case_reasons)};
UNIT_MAIN(tests)
