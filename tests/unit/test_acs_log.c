/* The transaction log: what its lines hold and what they never hold; and pages read out of it. */
#include "unit.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include "acs_world.h"
#include "acs_log.h"
#include "acs_scan.h"

static apr_array_header_t *lines; /* const char *, without the newline */

static void keep(void *baton, acs_run_t *r, const char *line, apr_size_t len)
{
    assert_true(len <= ACS_LOG_LINE_MAX);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1));
    APR_ARRAY_PUSH(lines, const char *) = apr_pstrmemdup(pool, line, len - 1);
}

static const acs_txnlog_t to_lines = {.write = keep, .node = "node-1"};

static int setup(void **state)
{
    if (world_setup(state)) return -1;
    lines = apr_array_make(pool, 8, sizeof(const char *));
    run.txnlog = &to_lines;
    return 0;
}

static json_t *line(int i)
{
    json_t *doc;

    assert_true(i < lines->nelts);
    assert_ok(tds_json_parse(&doc, APR_ARRAY_IDX(lines, i, const char *), strlen(APR_ARRAY_IDX(lines, i, const char *)), pool, &err));
    return doc;
}

/* No member that nobody has thought about, and nothing of the card. */
static void harmless(void)
{
    static const char *const known[] = {
        "time", "event", "node", "issuer", "ds", "acsTransID", "dsTransID", "threeDSServerTransID", "messageVersion",
        "deviceChannel", "messageCategory", "transStatus", "transStatusReason", "challengeCancel", "eci", "rule", "method",
        "interactionCounter", "attempts", "purchaseAmount", "purchaseCurrency", "merchantName", "acquirerMerchantID", "mcc",
        "panRef", "took", "traceparent", "errorCode"};
    const char *name;
    json_t *doc, *value;
    int i, j;

    for (i = 0; i < lines->nelts; ++i) {
        const char *text = APR_ARRAY_IDX(lines, i, const char *);

        assert_null(strstr(text, PAN));
        assert_null(strstr(text, "AAECAwQFBgcICQoLDA0ODxAREhM=")); /* the value */
        assert_null(strstr(text, "+491700001234"));
        if (world.otp[0]) assert_null(strstr(text, world.otp));
        assert_memory_equal(text, "{\"time\":\"", 9);
        doc = line(i);
        json_object_foreach(doc, name, value)
        {
            for (j = 0; j < COUNT(known) && strcmp(known[j], name); ++j) continue;
            if (j == COUNT(known)) fail_msg("member %s", name);
        }
    }
}

static void of_frictionless(void **state)
{
    json_t *ares, *doc;

    world.outcome = (acs_outcome_t){"Y", NULL};
    run.began = world.now - 7000;
    run.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ares = areq();
    assert_int_equal(lines->nelts, 1);
    doc = line(0);
    is(doc, "event", "ares");
    is(doc, "time", acs_log_time(world.now, pool));
    is(doc, "node", "node-1");
    is(doc, "acsTransID", tds_json_get(ares, "acsTransID"));
    is(doc, "dsTransID", DS_ID);
    is(doc, "threeDSServerTransID", SERVER_ID);
    is(doc, "messageVersion", "2.2.0");
    is(doc, "deviceChannel", "02");
    is(doc, "messageCategory", "01");
    is(doc, "issuer", world.issuer.name);
    is(doc, "ds", world.ds.name);
    is(doc, "transStatus", "Y");
    is(doc, "eci", "05");
    is(doc, "purchaseAmount", "12345");
    is(doc, "purchaseCurrency", "978");
    is(doc, "merchantName", "Corner Shop");
    is(doc, "acquirerMerchantID", "M1");
    is(doc, "mcc", "5411");
    is(doc, "panRef", apr_pstrmemdup(pool, acs_card_index(world.keys, PAN, pool), 16));
    is(doc, "traceparent", run.traceparent);
    assert_int_equal(json_integer_value(json_object_get(doc, "took")), 7);
    absent(doc, "method");
    harmless();
}

/* One when the ARes leaves, one when it ends, however often the report is tried. */
static void of_challenge(void **state)
{
    seen_t page = creq(challenge());
    json_t *doc;

    page = press(page.token, "submit", wrong_otp());
    order(DS_CONNECT, 2);
    (void)press(page.token, "submit", world.otp);
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_int_equal(lines->nelts, 2);
    is(line(0), "method", "otp");
    is(line(0), "transStatus", "C");
    doc = line(1);
    is(doc, "event", "outcome");
    is(doc, "transStatus", "Y");
    is(doc, "eci", "05");
    is(doc, "interactionCounter", "02");
    assert_int_equal(json_integer_value(json_object_get(doc, "attempts")), 2);
    is(doc, "panRef", tds_json_get(line(0), "panRef"));
    is(doc, "merchantName", "Corner Shop");
    is(doc, "acquirerMerchantID", "M1");
    is(doc, "mcc", "5411");
    absent(doc, "challengeCancel");
    assert_int_equal(outcomes_counted('Y'), 1);
    harmless();
}

static void of_cancel_and_time(void **state)
{
    seen_t page = creq(challenge());

    (void)press(page.token, "cancel", NULL);
    is(line(1), "transStatus", "N");
    is(line(1), "challengeCancel", "01");
    absent(line(1), "eci");
    harmless();
}

static void of_silence(void **state)
{
    const char *page;

    (void)challenge();
    world.now += world.conf.first_creq_timeout + apr_time_from_sec(3);
    assert_int_equal(due(), 1);
    assert_int_equal(lines->nelts, 2);
    is(line(1), "transStatus", "N");
    is(line(1), "transStatusReason", "14");
    is(line(1), "challengeCancel", "05");
    is(line(1), "acquirerMerchantID", "M1");
    assert_int_equal(tds_metric_value(&world.metrics, ACS_H_LATENESS, &TDS_METRIC_AT(0)), 1);
    page = tds_metric_text(&world.metrics, pool);
    assert_non_null(strstr(page, "acs_deadline_lateness_seconds_sum 3.000000\n"));
    assert_non_null(strstr(page, "acs_deadline_lateness_seconds_bucket{le=\"2\"} 0\n")); /* the aim */
    assert_non_null(strstr(page, "acs_deadline_lateness_seconds_bucket{le=\"5\"} 1\n"));
    harmless();
}

/* The DS refuses the ARes: over without an RReq. */
static void of_refusal(void **state)
{
    const char *erro = apr_psprintf(pool, "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"203\","
                                          "\"errorComponent\":\"D\",\"errorDescription\":\"d\",\"errorDetail\":\"x\","
                                          "\"errorMessageType\":\"ARes\",\"dsTransID\":\"" DS_ID "\",\"acsTransID\":\"%s\"}",
                                    tds_json_get(challenge(), "acsTransID"));
    acs_answer_t answer = {0};

    acs_run_areq(&run, erro, strlen(erro), &answer);
    assert_int_equal(lines->nelts, 2);
    absent(line(1), "transStatus");
    is(line(1), "acquirerMerchantID", "M1");
    is(line(1), "mcc", "5411");
    harmless();
}

/* The record has them for the line alone, and no longer than that: none without a log. */
static void only_for_the_line(void **state)
{
    json_t *ares = challenge();
    seen_t page;

    assert_string_equal(record(ares)->mcc, "5411");
    assert_string_equal(record(ares)->acquirer_merchant, "M1");
    page = creq(ares);
    (void)press(page.token, "cancel", NULL);
    assert_null(record(ares)->mcc);
    assert_null(record(ares)->acquirer_merchant);
    run.txnlog = NULL;
    ares = areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e01", ""));
    assert_null(record(ares)->mcc);
    assert_null(record(ares)->acquirer_merchant);
}

/* What looks like an account number where a peer gives a name or an id; not in amounts, which may by chance. */
static void numbers_in_names(void **state)
{
    acs_facts_t facts = {.issuer = &world.issuer, .ds = &world.ds};
    acs_decision_t outcome = {.outcome = {"Y", NULL, NULL}};
    acs_txn_t txn = {.id = DS_ID, .issuer = "bank", .ds = "scheme", .server_trans_id = SERVER_ID, .channel = "02"};
    tds_msg_t *m = tds_msg_make(TDS_MSG_AREQ, TDS_V220, pool);
    json_t *erro;

    tds_msg_set(m, TDS_E_MERCHANT_NAME, "Shop " PAN);
    tds_msg_set(m, TDS_E_ACQUIRER_MERCHANT_ID, "4111111111111111");
    tds_msg_set(m, TDS_E_PURCHASE_AMOUNT, "4111111111111111");
    facts.areq = m;
    run.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01";
    acs_log_ares(&run, &facts, &txn, &outcome);
    run.traceparent = NULL;
    is(line(0), "merchantName", "Shop ************0002");
    is(line(0), "acquirerMerchantID", "************1111");
    is(line(0), "purchaseAmount", "4111111111111111");
    is(line(0), "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-************1111-01");
    erro = areq_with(areq_text(DS_ID, ",\"messageExtension\":[{\"name\":\"n\",\"id\":\"" PAN "\",\"criticalityIndicator\":true,"
                                      "\"data\":{\"a\":\"b\"}}]"));
    is(erro, "errorCode", "202");
    is(erro, "errorDetail", "************0002");
}

static void of_erro(void **state)
{
    world.outcome = (acs_outcome_t){"Y", NULL};
    (void)areq();
    (void)areq(); /* the same dsTransID: A-AREQ-17 */
    assert_int_equal(lines->nelts, 2);
    is(line(1), "event", "erro");
    is(line(1), "errorCode", "301");
    is(line(1), "ds", world.ds.name);
    is(line(1), "dsTransID", DS_ID);
    assert_int_equal(tds_metric_sum(&world.metrics, ACS_H_ERRO), 1);
    harmless();
}

/* What a merchant calls itself cannot end a line, nor make one that is written in two pieces. */
static void hostile_names(void **state)
{
    acs_facts_t facts = {.issuer = &world.issuer, .ds = &world.ds};
    acs_decision_t outcome = {.outcome = {"Y", NULL, NULL}};
    acs_txn_t txn = {.id = DS_ID, .issuer = "bank", .ds = "scheme", .server_trans_id = SERVER_ID, .channel = "02"};
    tds_msg_t *m = tds_msg_make(TDS_MSG_AREQ, TDS_V220, pool);
    char *big = apr_palloc(pool, 6001);

    tds_msg_set(m, TDS_E_MERCHANT_NAME, "\",\"issuer\":\"other\"}\n{\"time\":\"x\r\x01\\");
    facts.areq = m;
    acs_log_ares(&run, &facts, &txn, &outcome);
    is(line(0), "merchantName", "\",\"issuer\":\"other\"}\n{\"time\":\"x\r\x01\\");
    assert_null(strstr(APR_ARRAY_IDX(lines, 0, const char *), acs_log_issuer_mark("other", pool)));
    assert_non_null(strstr(APR_ARRAY_IDX(lines, 0, const char *), acs_log_issuer_mark("bank", pool)));
    memset(big, '"', 6000);
    big[6000] = '\0';
    tds_msg_set(m, TDS_E_MERCHANT_NAME, big);
    acs_log_ares(&run, &facts, &txn, &outcome);
    absent(line(1), "merchantName");
    is(line(1), "acsTransID", DS_ID);
    txn.issuer = big; /* nothing more to do without: counted, not written */
    acs_log_ares(&run, &facts, &txn, &outcome);
    assert_int_equal(lines->nelts, 2);
    assert_int_equal(metric(ACS_M_TXNLOG_LOST), 1);
}

static void times(void **state)
{
    static const char *const bad[] = {"", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31T23:59:59.1Z", "2026-01-31 23:59:59Z",
                                      "2026-01-31T23:59:59.123", "2026-13-31T23:59:59Z", "2026-01-31T23:59:59.12aZ",
                                      "2026-01-31T23:59:59.123Zx", "x026-01-31T23:59:59Z"};
    apr_time_t t = apr_time_from_sec(1769903999) + apr_time_from_msec(123); /* 2026-01-31T23:59:59 */
    int i;

    assert_string_equal(acs_log_time(t, pool), "2026-01-31T23:59:59.123Z");
    assert_true(acs_log_time_read("2026-01-31T23:59:59.123Z") == t);
    assert_true(acs_log_time_read("2026-01-31T23:59:59Z") == t - apr_time_from_msec(123));
    assert_true(acs_log_time_read(NULL) == 0);
    for (i = 0; i < COUNT(bad); ++i) assert_true(acs_log_time_read(bad[i]) == 0);
}

/* ---- pages ----------------------------------------------------------------- */

#define T0 apr_time_from_sec(1769900000)

static int taken;

static int take(void *baton, const char *text, apr_size_t len)
{
    assert_int_equal(text[len - 1], '\n');
    taken |= 1 << (int)strtol(strstr(text, "\"n\":") + 4, NULL, 10);
    return 0;
}

static void put_line(int fd, int n, apr_time_t t, const char *issuer, int size)
{
    const char *text = apr_psprintf(pool, "{\"time\":\"%s\",\"event\":\"ares\",\"issuer\":\"%s\",\"n\":%d,\"x\":\"%*s\"}\n",
                                    acs_log_time(t, pool), issuer, n, size, "");

    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
}

/* 30 lines a second apart, all but every third of ours. */
static int log_file(int size)
{
    char name[] = "/tmp/acs-log-XXXXXX";
    int fd = mkstemp(name), i;

    assert_true(fd >= 0);
    (void)unlink(name);
    for (i = 0; i < 30; ++i) put_line(fd, i, T0 + apr_time_from_sec(i), i % 3 ? "bank" : "other", size);
    return fd;
}

static int page_of(acs_scan_t *x, int from, int to)
{
    x->from = T0 + apr_time_from_sec(from);
    x->to = T0 + apr_time_from_sec(to);
    x->mark = acs_log_issuer_mark("bank", pool);
    x->put = take;
    taken = 0;
    assert_ok(acs_scan_begin(x, pool));
    acs_scan_send(x);
    return taken;
}

/* Expected: ours with from <= n < to. */
static int ours(int from, int to)
{
    int i, set = 0;

    for (i = from; i < to; ++i) set |= i % 3 ? 1 << i : 0;
    return set;
}

static void pages(void **state)
{
    static const int sizes[] = {1, 3000, 30000}; /* within one piece, and over many */
    int i, from, to;

    for (i = 0; i < COUNT(sizes); ++i) {
        acs_scan_t x = {.fd = log_file(sizes[i]), .limit = 100};

        for (from = 0; from < 30; from += 4)
            for (to = from + 1; to <= 30; to += 5) {
                assert_int_equal(page_of(&x, from, to), ours(from, to));
                assert_true(x.next == 0);
            }
        assert_int_equal(page_of(&x, -100, 0), 0);
        assert_int_equal(page_of(&x, 30, 1000), 0);
        assert_int_equal(page_of(&x, -100, 1000), ours(0, 30));
        x.limit = 4; /* 1 2 4 5 | 7 */
        assert_int_equal(page_of(&x, 0, 30), ours(0, 6));
        assert_true(x.next == T0 + apr_time_from_sec(7));
        assert_int_equal(x.sent, 4);
        (void)close(x.fd);
    }
}

/* A line that was written late is not lost between two pages. */
static void late_line(void **state)
{
    acs_scan_t x = {.fd = log_file(1), .limit = 20};

    put_line(x.fd, 28, T0 + apr_time_from_sec(28), "bank", 1); /* behind 29 */
    x.limit = 19; /* up to 28, without 29 and the late one */
    (void)page_of(&x, 0, 1000);
    assert_true(x.next == T0 + apr_time_from_sec(28));
    (void)close(x.fd);
}

/* What is no line of ours, and a line that is being written, are passed over. */
static void odd_lines(void **state)
{
    static const char odd[] = "garbage\n\n{\"event\":\"resumed\"}\n{\"time\":\"2026\n";
    static const char cut[] = "{\"time\":\"2026-01-31T23:00:00.000Z\",\"event\":\"ares\",\"issuer\":\"bank\",\"n\":1";
    acs_scan_t x = {.fd = log_file(1), .limit = 100};

    assert_int_equal(write(x.fd, odd, sizeof odd - 1), sizeof odd - 1);
    put_line(x.fd, 1, T0 + apr_time_from_sec(40), "bank", 1);
    assert_int_equal(write(x.fd, cut, sizeof cut - 1), sizeof cut - 1);
    assert_int_equal(page_of(&x, 35, 100000), 1 << 1);
    assert_int_equal(x.sent, 1);
    (void)close(x.fd);
}

static int take_clean(void *baton, const char *text, apr_size_t len)
{
    assert_null(strstr(text, "other"));
    (void)parse(text, len); /* one object */
    return take(baton, text, len);
}

/* The disk was full in the middle of a line of another issuer, and ours came behind it: ours alone is told. */
static void torn_line(void **state)
{
    static const char torn[] = "{\"time\":\"2026-01-31T22:54:00.000Z\",\"event\":\"ares\",\"issuer\":\"other\",\"merchantName\":\"Th";
    acs_scan_t x = {.fd = log_file(1), .limit = 100};

    assert_int_equal(write(x.fd, torn, sizeof torn - 1), sizeof torn - 1);
    put_line(x.fd, 5, T0 + apr_time_from_sec(40), "bank", 1);
    x.from = T0 + apr_time_from_sec(35);
    x.to = T0 + apr_time_from_sec(100);
    x.mark = acs_log_issuer_mark("bank", pool);
    x.put = take_clean;
    taken = 0;
    assert_ok(acs_scan_begin(&x, pool));
    acs_scan_send(&x);
    assert_int_equal(taken, 1 << 5);
    (void)close(x.fd);
}

/* ---- a disk that is full -------------------------------------------------------- */

static void limit(rlim_t bytes)
{
    struct rlimit is;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &is), 0);
    is.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &is), 0);
}

/* A line that the disk took a part of is followed by a whole one, whoever writes it. */
static void after_a_torn_line(void **state)
{
    acs_log_state_t log = {0};
    char path[] = "/tmp/tds-log-XXXXXX", text[64] = "";
    int fd = mkstemp(path), other = open(path, O_RDWR | O_APPEND);

    assert_true(fd >= 0 && other >= 0);
    (void)unlink(path);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(acs_log_write(other, &log, "one\n", 4), 0);
    limit(7);
    assert_int_not_equal(acs_log_write(other, &log, "twotwo\n", 7), 0);
    assert_int_equal(log.failing, 1);
    assert_int_not_equal(acs_log_write(other, &log, "x\n", 2), 0);
    limit(RLIM_INFINITY);
    assert_true(acs_log_torn(fd));
    assert_int_equal(acs_log_write(other, &log, "three\n", 6), 0);
    assert_int_equal(log.failing, 0);
    assert_int_equal(acs_log_write(other, &log, "four\n", 5), 0);
    assert_false(acs_log_torn(fd));
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "one\ntwo\nthree\nfour\n");
    (void)close(fd);
    (void)close(other);
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
    T(of_frictionless), T(of_challenge), T(of_cancel_and_time), T(of_silence), T(of_refusal), T(only_for_the_line), T(of_erro), T(numbers_in_names), T(hostile_names),
    T(times),           T(pages),        T(late_line),          T(odd_lines), T(torn_line), T(after_a_torn_line),
#undef T
};
UNIT_MAIN(tests)
