#include "unit.h"
#include "acs_world.h"

/* ---- AReq ---------------------------------------------------------------- */

static void frictionless(void **state)
{
    json_t *ares, *again;
    acs_txn_t *txn;

    world.outcome = (acs_outcome_t){"Y", NULL};
    ares = areq();
    is(ares, "messageType", "ARes");
    is(ares, "transStatus", "Y");
    is(ares, "eci", "05");
    is(ares, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    is(ares, "threeDSServerTransID", SERVER_ID);
    is(ares, "dsTransID", DS_ID);
    absent(ares, "acsURL");
    absent(ares, "acctNumber");
    txn = record(ares);
    assert_int_equal(txn->state, ACS_ST_FINAL);
    assert_null(txn->pan);
    assert_null(txn->ds_url);
    assert_int_equal(due(), 0);
    again = areq(); /* A-AREQ-17 */
    is(again, "messageType", "Erro");
    is(again, "errorCode", "301");
    is(again, "errorDetail", "dsTransID");
    assert_int_equal(ares_counted('Y'), 1);
    assert_int_equal(metric(ACS_M_AREQ_ERRO), 1);
}

/* A repeated dsTransID in other letters is the same one. */
static void repeated_in_capitals(void **state)
{
    char *up = apr_pstrdup(pool, DS_ID), *s;

    for (s = up; *s; ++s) *s = (char)(*s >= 'a' && *s <= 'f' ? *s - 'a' + 'A' : *s);
    (void)challenge();
    is(areq_with(areq_text(up, "")), "errorCode", "301");
}

static void other_outcomes(void **state)
{
    static const struct {
        acs_outcome_t outcome;
        const char *status, *reason, *eci;
        int value;
    } rows[] = {{{"A", NULL}, "A", NULL, "06", 1}, {{"N", "01"}, "N", "01", NULL, 0}, {{"R", "11"}, "R", "11", NULL, 0},
                {{"U", "22"}, "U", "22", NULL, 0}, {{NULL, NULL}, "U", "22", NULL, 0}, /* no rule matches */
                {{"I", NULL}, "U", "22", NULL, 0} /* nobody asked for I */};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i);
        json_t *ares;

        world_forget();
        world.outcome = rows[i].outcome;
        ares = areq_with(areq_text(id, ""));
        is(ares, "transStatus", rows[i].status);
        if (rows[i].reason) is(ares, "transStatusReason", rows[i].reason);
        else absent(ares, "transStatusReason");
        if (rows[i].eci) is(ares, "eci", rows[i].eci);
        else absent(ares, "eci");
        assert_int_equal(json_object_get(ares, "authenticationValue") != NULL, rows[i].value);
    }
}

/* A reason that the AReq's version does not know: another in its place, and the outcome stays what it is. */
static void reason_of_version(void **state)
{
    static const struct {
        const char *version, *status, *reason, *sent;
    } rows[] = {{"2.1.0", "N", "21", "21"}, {"2.1.0", "N", "22", "01"}, {"2.1.0", "R", "26", "07"}, {"2.1.0", "U", "22", "07"},
                {"2.1.0", "N", "80", "80"}, {"2.2.0", "N", "26", "26"}, {"2.2.0", "N", "27", "01"}, {"2.2.0", "R", "28", "07"},
                {"2.2.0", "U", "30", "07"}, {"2.2.0", "U", "99", "99"}};
    int i;

    world.conf.versions = TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220);
    for (i = 0; i < COUNT(rows); ++i) {
        const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i);
        json_t *ares;

        world_forget();
        world.outcome = (acs_outcome_t){rows[i].status, rows[i].reason, NULL};
        ares = areq_doc(areq_base(rows[i].version, "areq-brw-pa", id));
        is(ares, "transStatus", rows[i].status);
        is(ares, "transStatusReason", rows[i].sent);
        assert_false(logged("ACS0060"));
    }
}

/* A-AREQ-15 */
static void by_card(void **state)
{
    static const struct {
        acs_card_status_e status;
        const char *trans_status, *reason;
    } rows[] = {{ACS_CARD_UNKNOWN, "N", "08"}, {ACS_CARD_NOT_ENROLLED, "U", "13"}, {ACS_CARD_BLOCKED, "R", "12"}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i);
        json_t *ares;

        world.card.status = rows[i].status;
        ares = areq_with(areq_text(id, ""));
        is(ares, "transStatus", rows[i].trans_status);
        is(ares, "transStatusReason", rows[i].reason);
    }
}

static void no_challenge_possible(void **state)
{
    json_t *ares;

    world.reachable = 0; /* no <Proxy> block for the dsURL */
    ares = areq();
    is(ares, "transStatus", "U");
    absent(ares, "acsURL");
    assert_true(logged("ACS0020"));
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    world.reachable = 1;
    APR_ARRAY_IDX(world.ds.url_prefixes, 0, const char *) = DS_URL "x";
    is(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e00", "")), "transStatus", "U");
}

static void card_source_down(void **state)
{
    json_t *erro;

    world.card_fails = 1;
    erro = areq();
    is(erro, "messageType", "Erro");
    is(erro, "errorCode", "403");
    world.card_fails = 0;
    is(areq(), "transStatus", "C"); /* nothing was kept of it */
}

static void out_of_range(void **state)
{
    char *text = apr_pstrdup(pool, areq_text(DS_ID, "")), *pan = strstr(text, PAN);
    json_t *erro;

    memcpy(pan, "51", 2);
    erro = areq_with(text);
    is(erro, "errorCode", "305");
    is(erro, "errorDetail", "acctNumber");
    assert_int_equal(tds_mem_ops(world.mem), 0);
}

/* Never a made-up value: U, and the books say U. */
static void key_error_frictionless(void **state)
{
    json_t *ares;

    world.outcome = (acs_outcome_t){"Y", NULL};
    world.av_fails = 1;
    ares = areq();
    is(ares, "transStatus", "U");
    is(ares, "transStatusReason", "22");
    absent(ares, "authenticationValue");
    absent(ares, "eci");
    assert_true(logged("ACS0050"));
    assert_string_equal(record(ares)->trans_status, "U");
    assert_int_equal(ares_counted('U'), 1);
    assert_int_equal(ares_counted('Y'), 0);
}

static void unknown_ds(void **state)
{
    static const char erro[] = "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"101\","
                               "\"errorComponent\":\"D\",\"errorDescription\":\"x\",\"errorDetail\":\"x\"}";
    acs_answer_t answer = {0};
    json_t *doc;

    run.ds = NULL;
    doc = areq();
    is(doc, "errorCode", "303");
    assert_int_equal(metric(ACS_M_DS_UNKNOWN), 1);
    acs_run_areq(&run, erro, strlen(erro), &answer); /* an Erro is never answered with one */
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.len, 0);
}

static void bad_areq(void **state)
{
    json_t *erro;

    is(areq_with(""), "errorCode", "101");
    is(areq_with("[]"), "errorCode", "101");
    is(areq_with("{\"messageType\":\"RReq\",\"messageVersion\":\"2.2.0\"}"), "errorCode", "101");
    is(areq_with("{\"messageType\":\"AReq\",\"messageVersion\":\"2.1.0\"}"), "errorCode", "102");
    erro = areq_with(areq_text(DS_ID, ",\"transType\":\"01\""));
    is(erro, "errorCode", "204");
    is(erro, "errorDetail", "transType");
    is(erro, "dsTransID", DS_ID);
    assert_int_equal(tds_mem_ops(world.mem), 0);
}

/* ---- the challenge, as it should be -------------------------------------- */

static void right(void **state)
{
    json_t *ares = challenge();
    acs_txn_t *txn = record(ares);
    seen_t page;

    is(ares, "acsURL", "https://acs.test/acs/challenge");
    absent(ares, "authenticationValue");
    assert_int_equal(txn->state, ACS_ST_CREQ_WAIT);
    assert_int_equal(world.otps, 0); /* no code before the CReq */
    page = creq(ares);
    assert_true(page.challenge);
    assert_int_equal(world.otps, 1);
    assert_non_null(strstr(page.answer.body, "123.45 EUR"));
    assert_non_null(strstr(page.answer.body, "Corner Shop"));
    txn = record(ares);
    assert_int_equal(txn->otp_mac.len, TDS_HASH_LEN);
    page = press(page.token, "submit", world.otp);
    is(page.message, "messageType", "CRes");
    is(page.message, "transStatus", "Y");
    assert_string_equal(page.session, "c2Vzc2lvbg");
    is(world.rreq, "transStatus", "Y");
    is(world.rreq, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    is(world.rreq, "eci", "05");
    is(world.rreq, "interactionCounter", "01");
    is(world.rreq, "authenticationType", "02");
    absent(world.rreq, "transStatusReason");
    absent(world.rreq, "challengeCancel");
    assert_int_equal(world.rreqs, 1);
    txn = record(ares);
    assert_int_equal(txn->state, ACS_ST_FINAL);
    assert_null(txn->pan);
    assert_int_equal(txn->out_body.len, 0);
    world.now += world.conf.lease;
    assert_int_equal(due(), 0);
}

static void with_spaces(void **state)
{
    seen_t page = creq(challenge());

    page = press(page.token, NULL, apr_psprintf(pool, " %.3s-%s ", world.otp, world.otp + 3));
    is(page.message, "transStatus", "Y");
}

static void wrong_to_limit(void **state)
{
    seen_t page = creq(challenge());
    int i;

    for (i = 0; i < 2; ++i) {
        page = press(page.token, "submit", wrong_otp());
        assert_true(page.challenge);
        assert_non_null(strstr(page.answer.body, "id=\"wrong\""));
        assert_int_equal(world.rreqs, 0);
    }
    page = press(page.token, "submit", wrong_otp());
    is(page.message, "transStatus", "N");
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "transStatusReason", "19");
    is(world.rreq, "interactionCounter", "03");
    absent(world.rreq, "authenticationValue");
    absent(world.rreq, "challengeCancel");
    page = press(page.token, "submit", world.otp);
    assert_null(page.message); /* no token on that page: neutral */
}

static void wrong_then_right(void **state)
{
    seen_t page = creq(challenge());

    page = press(page.token, "submit", wrong_otp());
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
    is(world.rreq, "interactionCounter", "02");
}

/* B-34: a double click, or the back button, is one attempt. */
static void same_form_twice(void **state)
{
    json_t *ares = challenge();
    seen_t first = creq(ares), page;
    int i;

    for (i = 0; i < 5; ++i) page = press(first.token, "submit", wrong_otp());
    assert_true(page.challenge);
    assert_int_equal(record(ares)->attempts, 1);
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
    page = press(first.token, "submit", wrong_otp()); /* after the end: the same end */
    is(page.message, "transStatus", "Y");
    assert_int_equal(world.rreqs, 1);
}

/* Guessing from an older page is a try all the same. */
static void guesses_from_one_page(void **state)
{
    seen_t first = creq(challenge()), page;
    int i;

    for (i = 0; i < 3; ++i) page = press(first.token, "submit", apr_psprintf(pool, "x%d", i));
    is(page.message, "transStatus", "N");
    page = press(first.token, "submit", world.otp);
    is(page.message, "transStatus", "N");
    assert_int_equal(world.rreqs, 1);
}

static void empty_or_absurd_entry(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);
    char *big = apr_palloc(pool, 10001);

    memset(big, '1', 10000);
    big[10000] = '\0';
    assert_true(press(page.token, "submit", "").challenge); /* B-22 */
    assert_true(press(page.token, "submit", NULL).challenge);
    assert_true(press(page.token, "submit", big).challenge);
    assert_int_equal(record(ares)->attempts, 0);
}

static void cancel(void **state)
{
    seen_t page = creq(challenge()), old = page;

    page = press(page.token, "submit", wrong_otp());
    assert_true(press(old.token, "cancel", NULL).challenge); /* not from an older page */
    page = press(page.token, "cancel", NULL);
    is(page.message, "transStatus", "N");
    is(world.rreq, "challengeCancel", "01");
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "interactionCounter", "02");
    assert_int_equal(metric(ACS_M_CANCEL), 1);
}

static void key_error_challenge(void **state)
{
    seen_t page = creq(challenge());

    world.av_fails = 1;
    page = press(page.token, "submit", world.otp);
    is(world.rreq, "transStatus", "U");
    is(world.rreq, "transStatusReason", "22");
    absent(world.rreq, "authenticationValue");
    absent(world.rreq, "eci");
    is(page.message, "transStatus", "N");
}

/* ---- CReq ---------------------------------------------------------------- */

static void creq_unreadable(void **state)
{
    json_t *ares = challenge();
    static const char *const fields[] = {NULL, "", "!", "e30", "W10", "eyJhIjox"};
    int i;

    for (i = 0; i < COUNT(fields); ++i) {
        seen_t page = creq_text(fields[i], NULL);

        assert_null(page.message); /* B-11: nowhere to send an Erro */
        assert_int_equal(page.answer.status, 400);
    }
    assert_int_equal(record(ares)->state, ACS_ST_CREQ_WAIT);
}

static void creq_unknown_id(void **state)
{
    json_t *fake = json_copy(challenge());
    seen_t page;

    tds_json_own(fake, pool);
    tds_json_set(fake, "acsTransID", SERVER_ID);
    page = creq(fake);
    assert_null(page.message);
    assert_int_equal(page.answer.status, 400);
}

/* B-14: who knows one id only cannot end it. */
static void creq_other_server_id(void **state)
{
    json_t *ares = challenge(), *fake = tds_json_own(json_copy(ares), pool);
    seen_t page;

    tds_json_set(fake, "threeDSServerTransID", DS_ID);
    page = creq(fake);
    is(page.message, "messageType", "Erro");
    is(page.message, "errorCode", "301");
    assert_true(creq(ares).challenge);
}

/* F-02, B-14: another JSON type is a wrong format, as in every message; null and "" are nothing at all. */
static void creq_server_id_of_another_type(void **state)
{
    static const struct { const char *json, *code; } rows[] = {
        {"7", "203"}, {"{\"a\":1}", "203"}, {"[\"x\"]", "203"}, {"true", "203"}, {"\"x\"", "203"}, {"null", "201"}, {"\"\"", "201"}};
    json_t *ares = challenge();
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *text = apr_psprintf(pool, "{\"messageType\":\"CReq\",\"messageVersion\":\"2.2.0\",\"acsTransID\":\"%s\","
                                        "\"challengeWindowSize\":\"02\",\"threeDSServerTransID\":%s}",
                                        tds_json_get(ares, "acsTransID"), rows[i].json);
        seen_t page = creq_text(tds_b64url_encode(text, strlen(text), pool), NULL);

        is(page.message, "errorCode", rows[i].code);
        is(page.message, "errorDetail", "threeDSServerTransID");
    }
    assert_true(creq(ares).challenge);
}

/* F-06: ids in capitals are the same ids, also for the code that is bound to them. */
static void creq_in_capitals(void **state)
{
    json_t *ares = challenge(), *loud = tds_json_own(json_copy(ares), pool);
    char *up = apr_pstrdup(pool, tds_json_get(ares, "acsTransID")), *s;
    seen_t page;

    for (s = up; *s; ++s) *s = (char)(*s >= 'a' && *s <= 'f' ? *s - 'a' + 'A' : *s);
    tds_json_set(loud, "acsTransID", up);
    page = creq(loud);
    assert_true(page.challenge);
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
    is(world.rreq, "acsTransID", tds_json_get(ares, "acsTransID"));
}

/* B-20: a faulty CReq ends it. */
static void creq_faulty(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq_text(creq_of(ares, ",\"challengeWindowSize\":\"09\""), "s");

    is(page.message, "messageType", "Erro");
    is(page.message, "errorCode", "203");
    is(page.message, "errorDetail", "challengeWindowSize");
    assert_string_equal(page.session, "s");
    assert_int_equal(world.otps, 0);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(due(), 1); /* the RReq goes by the queue, at once */
    is(world.rreq, "transStatus", "U");
    is(world.rreq, "challengeCancel", "06");
    page = creq(ares);
    is(page.message, "errorCode", "305");
}

static void creq_twice(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares), second = creq(ares);

    is(second.message, "errorCode", "305"); /* B-30 */
    assert_int_equal(world.otps, 1);
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
    is(creq(ares).message, "errorCode", "305");
}

static void session_too_long(void **state)
{
    json_t *ares = challenge();
    char *data = apr_palloc(pool, 1026);
    seen_t page;

    memset(data, 'a', 1025);
    data[1025] = '\0';
    page = creq_text(creq_of(ares, ",\"challengeWindowSize\":\"02\""), data);
    is(page.message, "errorCode", "203");
    is(page.message, "errorDetail", "threeDSSessionData");
}

static void no_random(void **state)
{
    json_t *ares = challenge();
    seen_t page;

    world.rnd_fails = 1;
    page = creq(ares);
    assert_int_equal(page.answer.status, 500);
    world.rnd_fails = 0;
    assert_true(creq(ares).challenge);
}

static void foreign_token(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);
    char *token = apr_pstrdup(pool, page.token);
    int i;

    assert_int_equal(press(NULL, "submit", "1").answer.status, 400);
    assert_int_equal(press("", "submit", "1").answer.status, 400);
    for (i = 0; token[i]; ++i) {
        char was = token[i];

        token[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(press(token, "cancel", NULL).answer.status, 400);
        assert_int_equal(reload(token).answer.status, 400);
        token[i] = was;
    }
    assert_int_equal(record(ares)->state, ACS_ST_INTERACT);
}

/* ---- time ---------------------------------------------------------------- */

static void no_creq(void **state)
{
    json_t *ares = challenge();

    world.now += world.conf.first_creq_timeout - 1;
    assert_int_equal(due(), 0);
    world.now += 1;
    assert_int_equal(due(), 1);
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "transStatusReason", "14");
    is(world.rreq, "challengeCancel", "05");
    is(world.rreq, "interactionCounter", "00");
    is(creq(ares).message, "errorCode", "402");
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(metric(ACS_M_TIMEOUT_CREQ), 1);
}

/* The CReq itself may find that it is late. */
static void creq_too_late(void **state)
{
    json_t *ares = challenge();
    seen_t page;

    world.now += world.conf.first_creq_timeout;
    page = creq(ares);
    is(page.message, "errorCode", "402");
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(world.otps, 0);
}

static void cardholder_silent(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);

    world.now += world.conf.challenge_timeout;
    assert_int_equal(due(), 1);
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "transStatusReason", "14");
    is(world.rreq, "challengeCancel", "04");
    page = reload(page.token);
    is(page.message, "transStatus", "N");
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
}

/* T-03: the time limit decides, not the answer that comes after it. */
static void answer_too_late(void **state)
{
    seen_t page = creq(challenge());

    world.now += world.conf.challenge_timeout;
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "N");
    is(world.rreq, "challengeCancel", "04");
    assert_int_equal(metric(ACS_M_ENTRY_OK), 0);
}

static void reload_too_late(void **state)
{
    seen_t page = creq(challenge());

    assert_true(reload(page.token).challenge);
    world.now += world.conf.challenge_timeout + apr_time_from_sec(5);
    page = reload(page.token);
    is(page.message, "transStatus", "N");
    assert_int_equal(world.rreqs, 1);
}

/* Each page has its own time. */
static void time_starts_anew(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);

    world.now += world.conf.challenge_timeout - 1;
    page = press(page.token, "submit", wrong_otp());
    world.now += world.conf.challenge_timeout - 1;
    assert_int_equal(due(), 0);
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
}

/* ---- the report ---------------------------------------------------------- */

static void rreq_retried(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);

    order(DS_CONNECT, 4); /* twice at once, twice again by the queue */
    page = press(page.token, "submit", world.otp);
    assert_true(page.processing);
    assert_int_equal(world.rreqs, 0);
    assert_true(reload(page.token).processing);
    world.now += world.conf.answer_within; /* R-23: the browser waits no longer */
    is(reload(page.token).message, "transStatus", "Y");
    assert_int_equal(due(), 0);
    world.now += world.conf.retry_interval - world.conf.answer_within;
    assert_int_equal(due(), 1);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(record(ares)->state, ACS_ST_REPORTING);
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    world.now += world.conf.lease;
    assert_int_equal(due(), 0);
    assert_int_equal(metric(ACS_M_RREQ_UNREACHED), 2);
}

static void rreq_given_up(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);
    apr_time_t end;
    int rounds = 0;

    order(DS_CONNECT, -1);
    (void)press(page.token, "submit", world.otp);
    end = world.now + world.conf.outbox_horizon;
    while (record(ares)->state == ACS_ST_REPORTING && rounds < 100) {
        world.now += apr_time_from_sec(1800);
        rounds += due();
    }
    assert_true(world.now >= end && world.now < end + apr_time_from_sec(3600));
    assert_int_equal(record(ares)->outbox, ACS_OUT_NONE);
    assert_true(logged("ACS0074"));
    assert_int_equal(metric(ACS_M_RREQ_GIVEN_UP), 1);
    assert_int_equal(world.rreqs, 0);
    world.now += world.conf.lease;
    assert_int_equal(due(), 0);
}

/* R-32, R-33: sent and not answered as it should be: an Erro, never the RReq again. */
static void rres_bad(void **state)
{
    static const struct {
        ds_mood_e mood;
        const char *code;
    } rows[] = {{DS_TIMEOUT, "402"}, {DS_EMPTY, "101"}, {DS_GARBAGE, "101"}, {DS_WRONG_ID, "301"}, {DS_ERRO, NULL}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i);
        json_t *ares;
        seen_t page;

        world_forget();
        ares = areq_with(areq_text(id, ""));
        page = creq(ares);
        order(rows[i].mood, 1);
        page = press(page.token, "submit", world.otp);
        is(page.message, "transStatus", "Y"); /* decided is decided */
        assert_int_equal(world.rreqs, 1);
        assert_int_equal(record(ares)->state, ACS_ST_FINAL);
        assert_int_equal(record(ares)->outbox, rows[i].code ? ACS_OUT_ERRO : ACS_OUT_NONE);
        assert_int_equal(due(), rows[i].code ? 1 : 0);
        assert_int_equal(world.erros, rows[i].code ? 1 : 0);
        if (rows[i].code) {
            is(world.ds_erro, "errorCode", rows[i].code);
            is(world.ds_erro, "errorComponent", "A");
            if (rows[i].mood == DS_WRONG_ID) is(world.ds_erro, "errorMessageType", "RRes");
            else is(world.ds_erro, "acsTransID", tds_json_get(ares, "acsTransID"));
        }
        world.now += world.conf.lease;
        assert_int_equal(due(), 0);
        assert_int_equal(world.rreqs, 1);
    }
}

/* The Erro has no horizon of its own: three tries. */
static void erro_given_up(void **state)
{
    seen_t page = creq(challenge());
    int i, n = 0;

    order(DS_TIMEOUT, 1);
    (void)press(page.token, "submit", world.otp);
    order(DS_CONNECT, -1);
    for (i = 0; i < 20; ++i) {
        n += due();
        world.now += world.conf.retry_interval;
    }
    assert_int_equal(n, 3);
    assert_int_equal(world.erros, 0);
}

/* The node dies between save and send: the queue brings it up when the lease ends, the same bytes. */
static void lease_runs_out(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares);

    tds_mem_fail(world.mem, 3, APR_TIMEUP, 0); /* load, save, and then nothing of the reply is kept */
    (void)press(page.token, "submit", world.otp);
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(record(ares)->state, ACS_ST_REPORTING);
    world.now += world.conf.lease - 1;
    assert_int_equal(due(), 0);
    world.now += 1;
    order(DS_ERRO, 1); /* 301: it was there already */
    assert_int_equal(due(), 1);
    assert_int_equal(world.rreqs, 2); /* world_call has compared the bytes */
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    assert_int_equal(world.erros, 0);
}

/* A-ARES-16 */
static void ds_refuses_ares(void **state)
{
    json_t *ares = challenge();
    const char *erro = "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"203\",\"errorComponent\":"
                       "\"D\",\"errorDescription\":\"x\",\"errorDetail\":\"x\",\"dsTransID\":\"" DS_ID "\"}";
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_areq(&run, erro, strlen(erro), &answer);
    assert_int_equal(answer.len, 0);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    is(creq(ares).message, "errorCode", "305");
    world.now += apr_time_from_sec(3600);
    assert_int_equal(due(), 0);
    assert_int_equal(world.rreqs, 0);
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
    T(frictionless),      T(repeated_in_capitals), T(other_outcomes),        T(reason_of_version),    T(by_card),
    T(no_challenge_possible), T(card_source_down), T(out_of_range),          T(key_error_frictionless),
    T(unknown_ds),        T(bad_areq),             T(right),                 T(with_spaces),
    T(wrong_to_limit),    T(wrong_then_right),     T(same_form_twice),       T(guesses_from_one_page),
    T(empty_or_absurd_entry), T(cancel),          
    T(key_error_challenge), T(creq_unreadable),    T(creq_unknown_id),       T(creq_other_server_id),
    T(creq_server_id_of_another_type),
    T(creq_in_capitals),  T(creq_faulty),          T(creq_twice),            T(session_too_long),
    T(no_random),         T(foreign_token),        T(no_creq),               T(creq_too_late),
    T(cardholder_silent), T(answer_too_late),      T(reload_too_late),       T(time_starts_anew),
    T(rreq_retried),      T(rreq_given_up),        T(rres_bad),              T(erro_given_up),
    T(lease_runs_out),    T(ds_refuses_ares),
#undef T
};
UNIT_MAIN(tests)
