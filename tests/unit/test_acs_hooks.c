/* The issuer's systems: what they are asked, what becomes of their answers, and of none. Written from docs/api/issuer.md. */
#include "unit.h"
#include "acs_world.h"
#include "acs_cha.h"
#include "acs_issuer.h"

static const char *says; /* whatever it is asked */

static const char *bank(const char *path, const json_t *doc)
{
    return says;
}

static int setup(void **state)
{
    if (world_setup(state)) return -1;
    world.bank = bank;
    says = "{}";
    return 0;
}

/* The n-th AReq of a test. */
static json_t *ask(int n)
{
    world_forget();
    world.outcome = (acs_outcome_t){"Y", NULL, NULL};
    return areq_with(areq_text(apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", n), ""));
}

/* ---- configuration ---------------------------------------------------------- */

static void reading(void **state)
{
    static const char *const good[] = {"card", "https://Bank.test/card/", "within=800ms", "fallback=attempt", "failures=3",
                                       "pause=1min", "max=4", "pan=index"};
    static const char *const bad[][3] = {{"cards", "https://bank.test/x", ""},     {"card", "http://bank.test/x", ""},
                                         {"card", "https://bank.test/x?y", ""},    {"otp", "https://bank.test/x", ""},
                                         {"card", "https://bank.test/x", "within=31s"}, {"card", "https://bank.test/x", "within=x"},
                                         {"card", "https://bank.test/x", "fallback=again"}, {"risk", "https://bank.test/x", "fallback=erro"},
                                         {"oob", "https://bank.test/x", "fallback=attempt"}, {"notice", "https://bank.test/x", "fallback=deny"},
                                         {"card", "https://bank.test/x", "fallback=decoupled"}, {"card", "https://bank.test/x", "fallback=spc"},
                                         {"risk", "https://bank.test/x", "pan=index"}, {"card", "https://bank.test/x", "failures=-1"}};
    acs_hook_t hook;
    int i;

    assert_ok(acs_hook_read(&hook, good, COUNT(good), pool, &err));
    assert_string_equal(hook.url, "https://bank.test/card");
    assert_int_equal(hook.kind, ACS_HOOK_CARD);
    assert_true(hook.within == apr_time_from_msec(800) && hook.breaker_conf.pause == apr_time_from_sec(60));
    assert_true(hook.breaker_conf.failures == 3 && hook.max == 4 && hook.pan_index);
    assert_int_equal(hook.fallback, ACS_FALLBACK_OUTCOME);
    assert_string_equal(hook.outcome->trans_status, "A");
    for (i = 0; i < COUNT(bad); ++i) {
        tds_err_clear(&err);
        assert_int_equal(acs_hook_read(&hook, bad[i], *bad[i][2] ? 3 : 2, pool, &err), APR_EINVAL);
        assert_non_null(err.detail);
    }
}

/* ---- card -------------------------------------------------------------------- */

static void card_asked(void **state)
{
    json_t *ares, *part;

    add_hook(ACS_HOOK_CARD);
    says = "{\"status\":\"active\",\"group\":\"gold\",\"cardholder\":{\"ref\":\"c-1\",\"phone\":\"+491700001234\"},"
           "\"trustListStatus\":\"Y\",\"unknown\":1}";
    ares = ask(0);
    is(ares, "transStatus", "Y");
    is(ares, "whiteListStatus", "Y");
    is(ares, "whiteListStatusSource", "03");
    assert_string_equal(world.bank_paths, "/card ");
    is(world.bank_doc, "acctNumber", PAN);
    is(world.bank_doc, "acsTransID", tds_json_get(ares, "acsTransID"));
    is(world.bank_doc, "deviceChannel", "02");
    part = json_object_get(world.bank_doc, "purchase");
    is(part, "amount", "12345");
    part = json_object_get(world.bank_doc, "merchant");
    is(part, "name", "Corner Shop");
    is(part, "acquirerMerchantID", "M1");
    assert_string_equal(bank_header("ACS-Issuer"), "bank");
    assert_string_equal(bank_header("X-Correlation-ID"), tds_json_get(ares, "acsTransID"));
    assert_string_equal(bank_header("X-Deadline-Ms"), "2000");
    assert_null(bank_header("ACS-Signature"));
    world.hooks[ACS_HOOK_CARD].pan_index = 1;
    (void)ask(1);
    absent(world.bank_doc, "acctNumber");
    assert_int_equal(strlen(tds_json_get(world.bank_doc, "cardIndex")), 32);
}

static void card_answers(void **state)
{
    static const struct {
        const char *says, *status, *reason;
    } rows[] = {{"{\"status\":\"blocked\"}", "R", "12"},     {"{\"status\":\"notEnrolled\"}", "U", "13"},
                {"{\"status\":\"unknown\"}", "N", "08"},     {"404", "N", "08"},
                {"{\"status\":\"whatever\"}", "R", "12"},    {"{}", "Y", NULL},
                {"{\"status\":5}", "R", "12"},             {"{\"status\":false}", "R", "12"},
                {"", "N", "08"} /* nothing at all is no card */};
    int i;

    add_hook(ACS_HOOK_CARD);
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *ares;

        says = rows[i].says;
        ares = ask(i);
        is(ares, "transStatus", rows[i].status);
        if (rows[i].reason) is(ares, "transStatusReason", rows[i].reason);
    }
}

/* Statuses that are none of the codes are not passed on. */
static void card_codes(void **state)
{
    static const char *const bad[] = {"X", "", "YN", "E P", " "};
    int i;

    add_hook(ACS_HOOK_CARD);
    for (i = 0; i < COUNT(bad); ++i) {
        says = apr_psprintf(pool, "{\"trustListStatus\":\"%s\"}", bad[i]);
        absent(ask(i), "whiteListStatus");
    }
}

static void card_fallbacks(void **state)
{
    static const char *const broken[] = {NULL, "timeout", "no json", "[]", "{\"a\":1,\"a\":2}"};
    acs_hook_t *hook = add_hook(ACS_HOOK_CARD);
    int i;

    hook->breaker = NULL;
    for (i = 0; i < COUNT(broken); ++i) {
        json_t *ares;

        says = broken[i];
        hook->fallback = ACS_FALLBACK_OUTCOME;
        hook->outcome = &(acs_outcome_t){"A", NULL, NULL};
        ares = ask(4 * i);
        is(ares, "transStatus", "A");
        is(ares, "eci", "06");
        assert_true(logged("ACS0110"));
        hook->fallback = ACS_FALLBACK_RULES;
        is(ask(4 * i + 1), "transStatus", "Y");
        hook->fallback = ACS_FALLBACK_ERRO;
        is(ask(4 * i + 2), "errorCode", "403");
    }
    assert_int_equal(metric(ACS_M_HOOK_FAILED), 3 * COUNT(broken));
}

/* ---- breaker, limits, time ------------------------------------------------------ */

static void breaker(void **state)
{
    acs_hook_t *hook = add_hook(ACS_HOOK_CARD);
    int i, before;

    hook->breaker_conf = (tds_breaker_conf_t){.failures = 3, .pause = apr_time_from_sec(10)};
    says = NULL;
    for (i = 0; i < 3; ++i) (void)ask(i);
    assert_true(logged("ACS0111"));
    (void)ask(3);
    assert_int_equal(world.bank_calls, 0); /* open: not even asked */
    world.now += apr_time_from_sec(11);
    (void)ask(4);
    assert_int_equal(world.bank_calls, 1); /* one tries */
    (void)ask(5);
    assert_int_equal(world.bank_calls, 0);
    world.now += apr_time_from_sec(11);
    says = "{}";
    is(ask(6), "transStatus", "Y");
    for (before = i = 0; i < 3; ++i) {
        (void)ask(7 + i);
        before += world.bank_calls;
    }
    assert_int_equal(before, 3);
}

/* A clock that is set back an hour does not keep it open for an hour; one that is set on does not close it. */
static void breaker_when_the_clock_is_set(void **state)
{
    acs_hook_t *hook = add_hook(ACS_HOOK_CARD);
    int i;

    hook->breaker_conf = (tds_breaker_conf_t){.failures = 3, .pause = apr_time_from_sec(10)};
    says = NULL;
    for (i = 0; i < 3; ++i) (void)ask(i);
    world.now += apr_time_from_sec(3600);
    world_set = apr_time_from_sec(3600);
    (void)ask(3);
    assert_int_equal(world.bank_calls, 0);
    world.now -= apr_time_from_sec(7200);
    world_set = -apr_time_from_sec(3600);
    world.now += apr_time_from_sec(11);
    says = "{}";
    is(ask(4), "transStatus", "Y");
    assert_int_equal(world.bank_calls, 1);
    world_set = 0;
}

/* "No such card" is an answer. */
static void breaker_counts_faults(void **state)
{
    int i;

    add_hook(ACS_HOOK_CARD)->breaker_conf.failures = 2;
    says = "404";
    for (i = 0; i < 5; ++i) {
        (void)ask(i);
        assert_int_equal(world.bank_calls, 1);
    }
}

static void too_many_under_way(void **state)
{
    acs_hook_t *hook = add_hook(ACS_HOOK_CARD);

    hook->max = 2;
    hook->under_way = 2; /* as if other threads were waiting */
    is(ask(0), "transStatus", "U");
    assert_int_equal(world.bank_calls, 0);
    assert_int_equal(hook->under_way, 2);
    hook->under_way = 1;
    is(ask(1), "transStatus", "Y");
}

/* X-TIME-05: of all hooks together no more than the AReq has. */
static void deadline(void **state)
{
    add_hook(ACS_HOOK_CARD)->within = apr_time_from_sec(2);
    world.ds.areq_within = apr_time_from_msec(700);
    (void)ask(0);
    assert_string_equal(bank_header("X-Deadline-Ms"), "700");
    world.hooks[ACS_HOOK_CARD].connect = apr_time_from_msec(701); /* TCP alone might take longer */
    is(ask(2), "transStatus", "U");
    assert_int_equal(world.bank_calls, 0);
    world.hooks[ACS_HOOK_CARD].connect = 0;
    world.ds.areq_within = apr_time_from_msec(5); /* nothing is left */
    is(ask(1), "transStatus", "U");
    assert_int_equal(world.bank_calls, 0);
}

static void signature(void **state)
{
    tds_sign_keys_t keys = {.count = 0};
    tds_signed_t what = {.method = "POST", .path = "/card"};

    assert_ok(tds_sign_add(&keys, KEY_A, &err));
    world.issuer.keys = &keys;
    add_hook(ACS_HOOK_CARD);
    (void)ask(0);
    what.body = tds_json_text(world.bank_doc, &what.len, pool);
    assert_ok(tds_sign_check(&keys, &what, bank_header("ACS-Signature"), world.now, pool));
}

/* ---- risk ------------------------------------------------------------------------- */

static const acs_risk_t *seen_risk;

static const acs_rule_t *match_and_look(void *baton, const acs_facts_t *facts, apr_pool_t *p)
{
    seen_risk = apr_pmemdup(pool, &facts->risk, sizeof facts->risk);
    return world_match(baton, facts, p);
}

static void risk(void **state)
{
    json_t *sent;

    add_hook(ACS_HOOK_RISK);
    run.match = match_and_look;
    says = "{\"decision\":\"challenge\",\"score\":640,\"reasons\":[\"new-device\",\"amount\",7]}";
    (void)ask(0);
    assert_int_equal(world.bank_calls, 0); /* no rule reads it */
    world.issuer.reads |= ACS_READS_RISK;
    (void)ask(1);
    assert_string_equal(seen_risk->decision, "challenge");
    assert_string_equal(seen_risk->score, "640");
    assert_string_equal(seen_risk->reasons, "new-device,amount");
    sent = json_object_get(world.bank_doc, "areq");
    is(sent, "purchaseAmount", "12345");
    is(sent, "browserIP", "192.0.2.10");
    absent(sent, "acctNumber");
    absent(sent, "cardExpiryDate");
    assert_non_null(json_object_get(world.bank_doc, "counters"));
    absent(world.bank_doc, "method"); /* none has come */
    says = "{\"decision\":7,\"score\":-1,\"reasons\":\"x\"}";
    (void)ask(2);
    assert_true(!seen_risk->decision && !seen_risk->score && !seen_risk->reasons);
    says = NULL;
    is(ask(3), "transStatus", "Y"); /* rules, without it */
    assert_null(seen_risk->decision);
    world.hooks[ACS_HOOK_RISK].fallback = ACS_FALLBACK_OUTCOME;
    is(ask(4), "transStatus", "U");
}

/* ---- delegate ----------------------------------------------------------------------- */

/* A-AREQ-11: what the specification does not know is never forwarded, wherever it stands. */
static void risk_unknown_members(void **state)
{
    json_t *sent;

    add_hook(ACS_HOOK_RISK);
    world.issuer.reads |= ACS_READS_RISK;
    says = "{}";
    world_forget();
    world.outcome = (acs_outcome_t){"Y", NULL, NULL};
    is(areq_with(areq_text(DS_ID, ",\"mine\":\"" PAN "\",\"acctInfo\":{\"chAccAgeInd\":\"01\",\"mine\":\"" PAN "\"}")),
       "transStatus", "Y");
    sent = json_object_get(world.bank_doc, "areq");
    is(json_object_get(sent, "acctInfo"), "chAccAgeInd", "01");
    assert_null(strstr(tds_json_text(sent, NULL, pool), PAN));
}

static json_t *challenge_by(const char *method)
{
    world.outcome = (acs_outcome_t){"C", NULL, method};
    return areq();
}

static void delegate(void **state)
{
    json_t *ares;
    seen_t page;

    add_hook(ACS_HOOK_DELEGATE);
    world.issuer.methods = "delegate";
    world.card.ref = "person-1";
    ares = challenge_by(NULL);
    is(ares, "transStatus", "C");
    assert_int_equal(world.bank_calls, 0);
    page = creq(ares);
    assert_true(page.challenge);
    assert_string_equal(world.bank_paths, "/delegate/send ");
    assert_true(json_is_false(json_object_get(world.bank_doc, "resend")));
    is(world.bank_doc, "cardholder", "person-1");
    is(world.bank_doc, "amount", "12345");
    page = press(page.token, "resend", NULL);
    assert_true(json_is_true(json_object_get(world.bank_doc, "resend")));
    says = "{\"result\":\"wrong\"}";
    page = press(page.token, "submit", "111111");
    assert_true(page.challenge);
    is(world.bank_doc, "code", "111111");
    assert_int_equal(json_integer_value(json_object_get(world.bank_doc, "attempt")), 1);
    assert_int_equal(record(ares)->attempts, 1);
    says = "{\"result\":\"right\"}";
    page = press(page.token, "submit", "222222");
    is(page.message, "transStatus", "Y");
    is(world.rreq, "transStatus", "Y");
    is(world.rreq, "interactionCounter", "02");
    assert_int_equal(world.otps, 0);
    assert_int_equal(metric(ACS_M_ENTRY_BAD), 1);
    assert_int_equal(metric(ACS_M_ENTRY_OK), 1);
}

/* Whom to send it to: also where nothing else is configured that needs to know. */
static void delegate_whose(void **state)
{
    json_t *ares;
    seen_t page;

    add_hook(ACS_HOOK_DELEGATE);
    world.issuer.methods = "delegate";
    world.card.ref = "c-4711";
    page = creq(ares = challenge_by(NULL));
    is(world.bank_doc, "cardholder", "c-4711");
    says = "{\"result\":\"right\"}";
    page = press(page.token, "submit", "111111");
    is(world.bank_doc, "cardholder", "c-4711");
    is(page.message, "transStatus", "Y");
    assert_null(record(ares)->card_ref); /* nobody needs it any more */
}

static void delegate_ends(void **state)
{
    static const struct {
        const char *says;
        int entries;
        const char *status, *reason;
    } rows[] = {{"{\"result\":\"wrong\"}", 3, "N", "19"}, {"{\"result\":\"locked\"}", 1, "N", "19"}};
    int i, j;

    add_hook(ACS_HOOK_DELEGATE)->breaker = NULL;
    world.issuer.methods = "delegate";
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *ares;
        seen_t page;

        world_forget();
        ares = areq_with(areq_text(apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i), ""));
        says = "{}";
        page = creq(ares);
        says = rows[i].says;
        for (j = 0; j < rows[i].entries; ++j) page = press(page.token, "submit", apr_psprintf(pool, "%06d", j));
        is(page.message, "transStatus", "N");
        is(world.rreq, "transStatus", rows[i].status);
        is(world.rreq, "transStatusReason", rows[i].reason);
        assert_int_equal(world.rreqs, 1);
    }
}

/* Its system is away: the attempt counts, the page is shown again; or the challenge ends. */
static void delegate_away(void **state)
{
    acs_hook_t *hook = add_hook(ACS_HOOK_DELEGATE);
    seen_t page;

    hook->breaker = NULL;
    world.issuer.methods = "delegate";
    page = creq(challenge_by(NULL));
    says = NULL;
    page = press(page.token, "submit", "111111");
    assert_true(page.challenge);
    hook->fallback = ACS_FALLBACK_OUTCOME;
    page = press(page.token, "submit", "222222");
    is(page.message, "transStatus", "N");
    is(world.rreq, "transStatus", "U");
    is(world.rreq, "challengeCancel", "06");
    assert_int_equal(metric(ACS_M_ENTRY_BAD), 0); /* nobody has judged them */
}

/* The same form twice is one attempt, and is asked about once (B-34). */
static void delegate_twice(void **state)
{
    json_t *ares;
    seen_t page;
    const char *token;

    add_hook(ACS_HOOK_DELEGATE);
    world.issuer.methods = "delegate";
    ares = challenge_by(NULL);
    page = creq(ares);
    token = page.token;
    says = "{\"result\":\"wrong\"}";
    (void)press(token, "submit", "111111");
    world.bank_calls = 0;
    assert_true(press(token, "submit", "111111").challenge);
    assert_int_equal(world.bank_calls, 0);
    assert_int_equal(record(ares)->attempts, 1);
}

/* ---- oob ------------------------------------------------------------------------------ */

static seen_t oob_page(void)
{
    add_hook(ACS_HOOK_OOB)->breaker = NULL;
    world.issuer.methods = "oob otp";
    world.conf.issuer_url = "https://acs.test/acs/issuer";
    return creq(challenge_by(NULL));
}

static void oob(void **state)
{
    seen_t page = oob_page();

    assert_true(page.challenge);
    assert_string_equal(world.bank_paths, "/oob/start ");
    assert_non_null(strstr(tds_json_get(world.bank_doc, "callbackURL"), "https://acs.test/acs/issuer/oob/"));
    says = "{\"status\":\"PENDING\"}";
    page = press(page.token, "submit", NULL); /* too early: no attempt, the page again */
    assert_true(page.challenge);
    says = "{\"status\":\"ACCEPTED\"}";
    page = press(page.token, "submit", NULL);
    is(page.message, "transStatus", "Y");
    is(world.rreq, "transStatus", "Y");
    is(world.rreq, "authenticationType", "03");
    is(world.rreq, "interactionCounter", "01"); /* B-35, P-17; too early was none */
    assert_int_equal(world.otps, 0);
}

static void oob_refused(void **state)
{
    seen_t page = oob_page();

    says = "{\"status\":\"FRAUD\"}";
    page = press(page.token, "submit", NULL);
    is(page.message, "transStatus", "N");
    is(world.rreq, "transStatus", "R");
    is(world.rreq, "transStatusReason", "11");
    absent(world.rreq, "authenticationType"); /* R-17 */
}

/* The issuer is told when it is off, until that is taken. */
static void oob_cancel(void **state)
{
    seen_t page = oob_page();

    (void)press(page.token, "cancel", NULL);
    is(world.rreq, "challengeCancel", "01");
    says = NULL;
    assert_int_equal(due(), 1);
    assert_string_equal(world.bank_paths, "/oob/start /oob/cancel ");
    is(world.bank_doc, "reason", "CANCEL");
    world.now += world.conf.retry_interval;
    says = "{}";
    assert_int_equal(due(), 1);
    world.now += apr_time_from_sec(3600);
    assert_int_equal(due(), 0);
    assert_int_equal(world.bank_calls, 3);
}

static void oob_start_fails(void **state)
{
    seen_t page;

    says = NULL;
    page = oob_page();
    assert_true(page.challenge); /* again */
    assert_int_equal(world.otps, 0);
}

/* The start was lost, and the issuer says so. */
static void oob_start_lost(void **state)
{
    seen_t page;

    says = NULL;
    page = oob_page();
    says = "404";
    page = press(page.token, "submit", NULL);
    assert_true(page.challenge);
    assert_string_equal(world.bank_paths, "/oob/start /oob/status /oob/start ");
    assert_non_null(tds_json_get(world.bank_doc, "callbackURL"));
    says = "{\"status\":\"ACCEPTED\"}";
    page = press(page.token, "submit", NULL);
    is(page.message, "transStatus", "Y");
    assert_int_equal(world.rreqs, 1);
}

static void oob_to_otp(void **state)
{
    seen_t page;

    add_hook(ACS_HOOK_OOB)->fallback = ACS_FALLBACK_OTP;
    says = NULL;
    world.issuer.methods = "oob otp";
    page = creq(challenge_by(NULL));
    assert_true(page.challenge);
    assert_int_equal(world.otps, 1);
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "Y");
}

/* The rule's method, then the card's, then the issuer's; one that cannot be done is passed over. */
static void which_method(void **state)
{
    add_hook(ACS_HOOK_DELEGATE);
    add_hook(ACS_HOOK_OOB)->fallback = ACS_FALLBACK_OTP;
    world.issuer.methods = "oob delegate otp";
    world.card.methods = "delegate oob";
    assert_int_equal(record(challenge_by("otp"))->cha, ACS_CHA_OTP);
    world.breakers[ACS_HOOK_DELEGATE].until = world.now + apr_time_from_sec(5);
    assert_int_equal(record(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e01", "")))->cha, ACS_CHA_OTP);
    world.outcome.method = NULL;
    assert_int_equal(record(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e02", "")))->cha, ACS_CHA_OOB);
    world.breakers[ACS_HOOK_OOB].until = world.now + apr_time_from_sec(5);
    is(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e03", "")), "transStatus", "U"); /* the card has no otp */
}

/* ---- calls to us ------------------------------------------------------------------------ */

static acs_answer_t result(const acs_issuer_t *issuer, const char *id, int decoupled, const char *body)
{
    acs_call_t call = {.what = {.body = body, .len = strlen(body)}};
    acs_answer_t answer = {0};

    fresh_run();
    acs_issuer_result(&run, issuer, id, decoupled, &call, &answer);
    return answer;
}

static void called_back(void **state)
{
    seen_t page = oob_page();
    const char *id = tds_json_get(world.bank_doc, "acsTransID");
    acs_issuer_t other = {.name = "other"};

    assert_int_equal(result(&other, id, 0, "{\"status\":\"ACCEPTED\"}").status, 404);
    assert_int_equal(result(&world.issuer, id, 1, "{\"status\":\"ACCEPTED\"}").status, 404); /* not decoupled */
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"ATTEMPTED\"}").status, 400); /* that is of decoupled alone */
    assert_int_equal(result(&world.issuer, SERVER_ID, 0, "{\"status\":\"ACCEPTED\"}").status, 404);
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"YES\"}").status, 400);
    assert_int_equal(result(&world.issuer, id, 0, "{").status, 400);
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"ACCEPTED\"}").status, 200);
    assert_int_equal(world.rreqs, 0); /* it waits for the cardholder */
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"ACCEPTED\"}").status, 200); /* twice is once */
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"DECLINED\"}").status, 409); /* the first stands */
    world.bank_calls = 0;
    page = press(page.token, "submit", NULL);
    is(page.message, "transStatus", "Y");
    assert_int_equal(world.bank_calls, 0);
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"ACCEPTED\"}").status, 200);
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"DECLINED\"}").status, 409); /* closed */
    assert_int_equal(world.rreqs, 1);
}

/* The time was up, and nobody had noticed: the report leaves at once, not when the lease of a caller ends who sends nothing
 * (T-04). */
static void called_back_late(void **state)
{
    const char *id;

    (void)oob_page();
    id = tds_json_get(world.bank_doc, "acsTransID");
    world.now += world.conf.challenge_timeout + 1;
    assert_int_equal(result(&world.issuer, id, 0, "{\"status\":\"ACCEPTED\"}").status, 409);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(due(), 1);
    assert_int_equal(world.rreqs, 1);
    is(world.rreq, "challengeCancel", "04");
}

static void who_calls(void **state)
{
    tds_sign_keys_t keys = {.count = 0}, others = {.count = 0};
    acs_call_t call = {.issuer = "bank", .what = {.method = "POST", .path = "/acs/issuer/oob/x", .body = "{}", .len = 2}};
    const acs_issuer_t *issuer;
    acs_answer_t answer;

    assert_ok(tds_sign_add(&keys, KEY_A, &err));
    assert_ok(tds_sign_add(&others, "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &err));
    call.signature = tds_sign(&keys, &call.what, world.now, pool);
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES); /* no key is configured */
    world.issuer.keys = &keys;
    assert_ok(acs_issuer_check(&run, &call, &issuer, &answer));
    assert_ptr_equal(issuer, &world.issuer);
    call.what.path = "/acs/issuer/oob/y";
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    assert_int_equal(answer.status, 401);
    call.what.path = "/acs/issuer/oob/x";
    call.issuer = "other";
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    call.issuer = "bank";
    call.signature = tds_sign(&others, &call.what, world.now, pool);
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    call.signature = NULL;
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    call.signature = tds_sign(&keys, &call.what, world.now - apr_time_from_sec(301), pool);
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    call.signature = tds_sign(&keys, &call.what, world.now + apr_time_from_sec(301), pool);
    assert_int_equal(acs_issuer_check(&run, &call, &issuer, &answer), APR_EACCES);
    call.signature = tds_sign(&keys, &call.what, world.now - apr_time_from_sec(299), pool);
    assert_ok(acs_issuer_check(&run, &call, &issuer, &answer));
}

static void looked_up(void **state)
{
    acs_answer_t answer = {0};
    acs_issuer_t other = {.name = "other"};
    json_t *doc;
    const char *id = tds_json_get(challenge(), "acsTransID");

    acs_issuer_look(&run, &world.issuer, id, &answer);
    assert_int_equal(answer.status, 200);
    doc = parse(answer.body, answer.len);
    is(doc, "state", "CREQ_WAIT");
    is(doc, "aresTransStatus", "C");
    assert_null(strstr(answer.body, PAN));
    assert_null(strstr(answer.body, "+4917"));
    acs_issuer_look(&run, &other, id, &answer);
    assert_int_equal(answer.status, 404);
}

/* ---- notice ------------------------------------------------------------------------------- */

static void notice(void **state)
{
    const char *event;
    json_t *ares;

    add_hook(ACS_HOOK_NOTICE);
    ares = ask(0);
    assert_int_equal(world.bank_calls, 0); /* never in the way of the ARes */
    says = NULL;
    assert_int_equal(due(), 1);
    event = tds_json_get(world.bank_doc, "eventID");
    is(world.bank_doc, "transStatus", "Y");
    is(world.bank_doc, "acsTransID", tds_json_get(ares, "acsTransID"));
    absent(world.bank_doc, "acctNumber");
    says = "OK, thanks"; /* any 2xx */
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_string_equal(tds_json_get(world.bank_doc, "eventID"), event);
    world.now += apr_time_from_sec(86400);
    assert_int_equal(due(), 0);
}

static void notice_of_challenge(void **state)
{
    seen_t page;

    add_hook(ACS_HOOK_NOTICE);
    page = creq(challenge());
    (void)press(page.token, "cancel", NULL);
    assert_int_equal(due(), 1);
    is(world.bank_doc, "transStatus", "N");
    is(world.bank_doc, "challengeCancel", "01");
    is(world.bank_doc, "method", "otp");
    assert_non_null(tds_json_get(world.bank_doc, "at"));
}

/* "Any other status is a failure": 404 is what a gateway says while nothing stands behind it. */
static void notice_404(void **state)
{
    add_hook(ACS_HOOK_NOTICE);
    (void)ask(0);
    says = "404";
    assert_int_equal(due(), 1);
    assert_int_equal(world.bank_calls, 1);
    says = "{}";
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_int_equal(world.bank_calls, 2);
    world.now += apr_time_from_sec(86400);
    assert_int_equal(due(), 0);
}

/* A challenge that is off and that the issuer does not know is off. */
static void cancel_404(void **state)
{
    seen_t page = oob_page();

    (void)press(page.token, "cancel", NULL);
    says = "404";
    assert_int_equal(due(), 1);
    world.now += apr_time_from_sec(3600);
    assert_int_equal(due(), 0);
}

static void notice_given_up(void **state)
{
    int calls = 0;

    add_hook(ACS_HOOK_NOTICE)->breaker = NULL;
    (void)ask(0);
    says = NULL;
    while (calls < 1000 && world.now < apr_time_from_sec(1700000000) + 3 * world.conf.outbox_horizon) {
        calls += due();
        world.now += apr_time_from_sec(60);
    }
    assert_in_range(calls, 100, 300); /* every ten minutes for a day, and then no more */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
    T(reading),       T(card_asked),      T(card_answers), T(card_codes),        T(card_fallbacks), T(breaker), T(breaker_when_the_clock_is_set),
    T(breaker_counts_faults), T(too_many_under_way), T(deadline), T(signature),  T(risk), T(risk_unknown_members),           T(delegate), T(delegate_whose),
    T(delegate_ends), T(delegate_away),   T(delegate_twice), T(oob),             T(oob_refused),    T(oob_cancel),
    T(oob_start_fails), T(oob_start_lost), T(oob_to_otp),    T(which_method), T(called_back), T(called_back_late),       T(who_calls),      T(looked_up),
    T(notice),        T(notice_of_challenge), T(notice_404), T(cancel_404), T(notice_given_up)};
UNIT_MAIN(tests)
