/* Decoupled authentication, its fallback, 3RI, and what a Directory Server's rules decide. Written from A-DEC, A-3RI, N-27. */
#include "unit.h"
#include "acs_world.h"
#include "acs_cha.h"
#include "acs_issuer.h"

static const char *says;

static const char *bank(const char *path, const json_t *doc)
{
    return says;
}

static int setup(void **state)
{
    if (world_setup(state)) return -1;
    world.conf.versions = TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V231);
    world.bank = bank;
    world.outcome = (acs_outcome_t){"D", NULL, NULL};
    world.issuer.decoupled_text = "Your bank will ask you.";
    world.issuer.decoupled_min = apr_time_from_sec(60);
    world.decoupled = 1;
    says = "{}";
    return 0;
}

#define ID(n) apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", n)

static json_t *dec_areq(const char *version, const char *base, const char *ind, const char *minutes, int n)
{
    json_t *doc = areq_base(version, base, ID(n));

    if (ind) tds_json_set(doc, "threeDSRequestorDecReqInd", ind);
    if (minutes) tds_json_set(doc, "threeDSRequestorDecMaxTime", minutes);
    return areq_doc(doc);
}

static json_t *decoupled(int n)
{
    json_t *ares = dec_areq("2.2.0", "areq-brw-pa", "Y", "00010", n);

    is(ares, "transStatus", "D");
    return ares;
}

static acs_answer_t result(json_t *ares, const char *status)
{
    const char *body = apr_psprintf(pool, "{\"status\":\"%s\"}", status);
    acs_call_t call = {.what = {.body = body, .len = strlen(body)}};
    acs_answer_t answer = {0};

    fresh_run();
    acs_issuer_result(&run, &world.issuer, tds_json_get(ares, "acsTransID"), 1, &call, &answer);
    return answer;
}

/* ---- ARes ------------------------------------------------------------------- */

static void ares_d(void **state)
{
    json_t *ares, *info;

    add_hook(ACS_HOOK_DECOUPLED);
    ares = decoupled(0);
    is(ares, "acsDecConInd", "Y");
    is(ares, "acsChallengeMandated", "N");
    is(ares, "cardholderInfo", "Your bank will ask you.");
    is(ares, "authenticationType", "04");
    absent(ares, "authenticationValue");
    absent(ares, "acsURL");
    assert_int_equal(world.bank_calls, 0); /* A-AREQ-33, save first: nothing goes out before the ARes */
    ares = dec_areq("2.3.1", "areq-brw-pa", "B", "00010", 1);
    is(ares, "transStatus", "D");
    info = json_object_get(ares, "cardholderInfo");
    is(info, "text", "Your bank will ask you.");
    assert_string_equal(json_string_value(json_array_get(json_object_get(ares, "authenticationMethod"), 0)), "12");
}

/* Right, wrong, last, or decoupled authentication to follow (N-27): one table, whoever has judged the entry. */
static void verdicts(void **state)
{
    static const struct {
        acs_dec_fallback_e fallback;
        unsigned attempts;
        acs_verdict_e verdict;
        acs_event_e event;
        unsigned informing;
    } rows[] = {{ACS_DEC_OFF, 1, ACS_VERDICT_RIGHT, ACS_EV_ENTRY_OK, 0},      {ACS_DEC_OFF, 3, ACS_VERDICT_RIGHT, ACS_EV_ENTRY_OK, 0},
                {ACS_DEC_OFF, 2, ACS_VERDICT_WRONG, ACS_EV_ENTRY_BAD, 0},     {ACS_DEC_OFF, 3, ACS_VERDICT_WRONG, ACS_EV_ENTRY_LAST, 0},
                {ACS_DEC_OFF, 1, ACS_VERDICT_LOCKED, ACS_EV_ENTRY_LAST, 0},   {ACS_DEC_FAILED, 3, ACS_VERDICT_RIGHT, ACS_EV_ENTRY_OK, 0},
                {ACS_DEC_FAILED, 2, ACS_VERDICT_WRONG, ACS_EV_ENTRY_BAD, 0},  {ACS_DEC_FAILED, 3, ACS_VERDICT_WRONG, ACS_EV_ENTRY_INFORM, 29},
                {ACS_DEC_FAILED, 1, ACS_VERDICT_LOCKED, ACS_EV_ENTRY_INFORM, 29},
                {ACS_DEC_ALWAYS, 1, ACS_VERDICT_RIGHT, ACS_EV_ENTRY_INFORM, 30},
                {ACS_DEC_ALWAYS, 1, ACS_VERDICT_WRONG, ACS_EV_ENTRY_BAD, 0},
                {ACS_DEC_ALWAYS, 4, ACS_VERDICT_WRONG, ACS_EV_ENTRY_INFORM, 29}};
    acs_txn_t txn = {.id = DS_ID, .msg_version = TDS_V231, .dec_req = "F"}, old = {.id = DS_ID, .msg_version = TDS_V220};
    acs_issuer_t issuer = {.otp_attempts = 3};
    unsigned informing;
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        issuer.fallback = (int)rows[i].fallback;
        informing = 0;
        assert_int_equal(acs_cha_judge(&issuer, &txn, rows[i].attempts, rows[i].verdict, &informing), rows[i].event);
        assert_int_equal(informing, rows[i].informing);
    }
    assert_int_equal(acs_cha_judge(&issuer, &old, 1, ACS_VERDICT_RIGHT, &informing), ACS_EV_ENTRY_OK);
    assert_int_equal(acs_cha_judge(NULL, &txn, 1, ACS_VERDICT_WRONG, &informing), ACS_EV_ENTRY_LAST); /* no longer configured */
}

static void not_d(void **state)
{
    static const struct {
        const char *version, *base, *ind, *minutes, *status, *reason;
    } rows[] = {{"2.2.0", "areq-brw-pa", "N", NULL, "N", "23"},      {"2.2.0", "areq-brw-pa", NULL, NULL, "N", "23"},
                {"2.3.1", "areq-brw-pa", "F", "00010", "N", "23"},   {"2.1.0", "areq-brw-pa", NULL, NULL, "N", "01"},
                {"2.2.0", "areq-brw-pa", "Y", "00001", "D", NULL},   {"2.2.0", "areq-app-pa", "Y", "00010", "D", NULL}};
    int i;

    add_hook(ACS_HOOK_DECOUPLED);
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *ares = dec_areq(rows[i].version, rows[i].base, rows[i].ind, rows[i].minutes, i);

        is(ares, "transStatus", rows[i].status);
        if (rows[i].reason) is(ares, "transStatusReason", rows[i].reason);
    }
    world.issuer.decoupled_min = apr_time_from_sec(601); /* A-DEC-02 */
    is(dec_areq("2.2.0", "areq-brw-pa", "Y", "00010", 20), "transStatusReason", "25");
    is(dec_areq("2.2.0", "areq-brw-pa", "Y", "11", 21), "transStatus", "D"); /* A-DEC-01: padded or not */
    is(dec_areq("2.2.0", "areq-brw-pa", "Y", "10080", 22), "transStatus", "D");
    world.breakers[ACS_HOOK_DECOUPLED].until = world.now + 1000;
    is(dec_areq("2.2.0", "areq-brw-pa", "Y", "10080", 23), "transStatus", "U");
}

/* ---- start, result, silence ---------------------------------------------------- */

static void approved(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    world.conf.issuer_url = "https://acs.test/acs/issuer";
    ares = decoupled(0);
    says = NULL;
    assert_int_equal(due(), 1); /* away: again later */
    says = "{}";
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_string_equal(world.bank_paths, "/decoupled/start /decoupled/start ");
    is(world.bank_doc, "callbackURL", apr_pstrcat(pool, "https://acs.test/acs/issuer/decoupled/", tds_json_get(ares, "acsTransID"), NULL));
    is(world.bank_doc, "merchantName", "Corner Shop");
    assert_int_equal(due(), 0);
    assert_int_equal(result(ares, "ACCEPTED").status, 200);
    assert_int_equal(due(), 1);
    is(world.rreq, "transStatus", "Y");
    is(world.rreq, "authenticationType", "04");
    is(world.rreq, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    absent(world.rreq, "interactionCounter");
    assert_int_equal(result(ares, "ACCEPTED").status, 200); /* twice */
    assert_int_equal(result(ares, "DECLINED").status, 409);
    world.now += apr_time_from_sec(3600);
    (void)due();
    assert_int_equal(world.rreqs, 1);
}

/* A start that is answered 404 has not started anything. */
static void start_404(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    ares = decoupled(0);
    says = "404";
    assert_int_equal(due(), 1);
    says = "{}";
    world.now += world.conf.retry_interval;
    assert_int_equal(due(), 1);
    assert_string_equal(world.bank_paths, "/decoupled/start /decoupled/start ");
    assert_int_equal(result(ares, "ACCEPTED").status, 200);
}

/* The same result again is 200, whatever we made of it. */
static void result_again(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    ares = decoupled(0);
    world.av_fails = 1;
    assert_int_equal(result(ares, "ACCEPTED").status, 200);
    (void)due();
    is(world.rreq, "transStatus", "U");
    assert_int_equal(result(ares, "ACCEPTED").status, 200);
    assert_int_equal(result(ares, "DECLINED").status, 409);
}

/* R-11, R-17: the proof of an attempt has a value and no method; not where the DS takes none, and not out of band. */
static void attempted(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    world.ds.attempts = 0;
    ares = decoupled(0);
    assert_int_equal(result(ares, "ATTEMPTED").status, 400);
    assert_int_equal(record(ares)->state, ACS_ST_DECOUPLED);
    world.ds.attempts = 1;
    (void)due();
    assert_int_equal(result(ares, "ATTEMPTED").status, 200);
    (void)due();
    is(world.rreq, "transStatus", "A");
    is(world.rreq, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    absent(world.rreq, "transStatusReason");
    absent(world.rreq, "challengeCancel");
    absent(world.rreq, "authenticationType");
    assert_int_equal(result(ares, "ATTEMPTED").status, 200);
    assert_int_equal(result(ares, "ACCEPTED").status, 409);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    world.rreq_bytes = NULL;
    says = "{\"status\":\"ATTEMPTED\"}"; /* with the answer to the start */
    ares = decoupled(1);
    (void)due();
    (void)due();
    is(world.rreq, "transStatus", "A");
}

static void refused(void **state)
{
    static const struct {
        const char *word, *status, *reason;
    } rows[] = {{"DECLINED", "N", "01"}, {"FAILED", "N", "01"}, {"FRAUD", "R", "11"}};
    int i;

    add_hook(ACS_HOOK_DECOUPLED);
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *ares;

        world_forget();
        world.outcome = (acs_outcome_t){"D", NULL, NULL};
        ares = decoupled(i);
        (void)due();
        assert_int_equal(result(ares, rows[i].word).status, 200);
        (void)due();
        is(world.rreq, "transStatus", rows[i].status);
        is(world.rreq, "transStatusReason", rows[i].reason);
        absent(world.rreq, "challengeCancel");
    }
}

/* The start may bring the result with it. */
static void at_once(void **state)
{
    add_hook(ACS_HOOK_DECOUPLED);
    (void)decoupled(0);
    says = "{\"status\":\"ACCEPTED\"}";
    (void)due();
    (void)due();
    is(world.rreq, "transStatus", "Y");
}

static void silence(void **state)
{
    int reached;

    for (reached = 0; reached < 2; ++reached) {
        json_t *ares;

        world_forget();
        world.outcome = (acs_outcome_t){"D", NULL, NULL};
        add_hook(ACS_HOOK_DECOUPLED);
        says = "{}";
        ares = decoupled(reached);
        (void)due();
        if (reached) assert_int_equal(result(ares, "REACHED").status, 200);
        world.now += apr_time_from_sec(599);
        assert_int_equal(due(), 0);
        world.now += apr_time_from_sec(1);
        assert_int_equal(due(), 1);
        is(world.rreq, "transStatus", "U");
        is(world.rreq, "transStatusReason", reached ? "26" : "24");
        is(world.rreq, "challengeCancel", "03");
        absent(world.rreq, "interactionCounter");
        absent(world.rreq, "authenticationType");
        (void)due();
        assert_non_null(strstr(world.bank_paths, "/decoupled/cancel"));
        is(world.bank_doc, "reason", "TIMEOUT");
        assert_int_equal(result(ares, "ACCEPTED").status, 409); /* late */
        assert_int_equal(world.rreqs, 1);
    }
}

/* The issuer was never reached: the time limit comes all the same. */
static void never_started(void **state)
{
    int i;

    add_hook(ACS_HOOK_DECOUPLED)->breaker = NULL;
    (void)decoupled(0);
    says = NULL;
    for (i = 0; i < 70; ++i) {
        (void)due();
        world.now += world.conf.retry_interval;
    }
    is(world.rreq, "transStatus", "U");
    is(world.rreq, "transStatusReason", "24");
    assert_int_equal(world.rreqs, 1);
}

/* A-ARES-17: a CReq changes nothing. A-ARES-16: an Erro about the ARes ends it, and calls it off. */
static void creq_and_erro(void **state)
{
    json_t *ares;
    seen_t page;
    const char *erro;
    acs_answer_t answer = {0};

    add_hook(ACS_HOOK_DECOUPLED);
    ares = decoupled(0);
    page = creq(ares);
    is(page.message, "errorCode", "305");
    is(page.message, "errorDetail", "acsTransID");
    assert_int_equal(record(ares)->state, ACS_ST_DECOUPLED);
    (void)due();
    erro = apr_psprintf(pool,
                        "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"203\",\"errorComponent\":\"D\","
                        "\"errorDescription\":\"x\",\"errorDetail\":\"y\",\"errorMessageType\":\"ARes\",\"dsTransID\":\"%s\"}", ID(0));
    fresh_run();
    acs_run_areq(&run, erro, strlen(erro), &answer);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    (void)due();
    assert_non_null(strstr(world.bank_paths, "/decoupled/cancel"));
    world.now += apr_time_from_sec(3600);
    (void)due();
    assert_int_equal(world.rreqs, 0);
}

/* Seven days, over a restart of everything but the store. */
static void seven_days(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    ares = dec_areq("2.2.0", "areq-brw-pa", "Y", "10080", 0);
    (void)due();
    world.now += apr_time_from_sec(7 * 86400 - 1);
    run.store = tds_store_make(&tds_store_mem_ops, world.mem, "acs", world.keys, world_clock, pool);
    assert_int_equal(record(ares)->state, ACS_ST_DECOUPLED);
    assert_int_equal(due(), 0);
    world.now += apr_time_from_sec(2);
    assert_int_equal(due(), 1);
    is(world.rreq, "transStatus", "U");
}

/* ---- 3RI --------------------------------------------------------------------------- */

/* The RReq and the RRes of an app bear sdkTransID (required from 2.2.0 on), and R-33 wants the same one back. */
static void app(void **state)
{
    static const char *const versions[] = {"2.2.0", "2.3.1"};
    json_t *ares;
    int i;

    (void)add_hook(ACS_HOOK_DECOUPLED);
    world.app = 1;
    for (i = 0; i < COUNT(versions); ++i) {
        world.rreq_bytes = NULL;
        ares = dec_areq(versions[i], "areq-app-pa", "Y", "00010", i);
        is(ares, "transStatus", "D");
        (void)due();
        assert_int_equal(result(ares, "ACCEPTED").status, 200);
        (void)due();
        assert_int_equal(world.rreqs, i + 1);
        is(world.rreq, "transStatus", "Y");
        is(world.rreq, "sdkTransID", SERVER_ID);
        assert_int_equal(record(ares)->state, ACS_ST_FINAL);
        assert_int_equal(metric(ACS_M_RREQ_OK), i + 1);
    }
}

static void three_ri(void **state)
{
    json_t *ares;

    add_hook(ACS_HOOK_DECOUPLED);
    world.three_ri = 1;
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    is(dec_areq("2.2.0", "areq-3ri-pa", NULL, NULL, 0), "transStatusReason", "23"); /* never C */
    ares = dec_areq("2.2.0", "areq-3ri-pa", "Y", "00010", 1);
    is(ares, "transStatus", "D");
    (void)due();
    assert_true(json_is_true(json_object_get(world.bank_doc, "threeRI")));
    (void)result(ares, "ACCEPTED");
    (void)due();
    is(world.rreq, "transStatus", "Y");
    absent(world.rreq, "acsRenderingType");
    world.issuer.offers_3ri = 0;
    is(dec_areq("2.2.0", "areq-3ri-pa", "Y", "00010", 2), "transStatusReason", "21");
    world.issuer.hooks[ACS_HOOK_DECOUPLED] = NULL;
    world.issuer.offers_3ri = 1;
    is(dec_areq("2.2.0", "areq-3ri-pa", NULL, NULL, 3), "transStatusReason", "21");
}

/* A-3RI-04: what is asked for is told, whatever the transStatus. */
static void status_checks(void **state)
{
    static const struct {
        const char *version, *ind, *name, *value, *source;
    } rows[] = {{"2.2.0", "10", "whiteListStatus", "Y", "03"},
                {"2.3.1", "10", "trustListStatus", "Y", "03"},
                {"2.3.1", "13", "deviceBindingStatus", "13", "03"},
                {"2.3.1", "14", "cardSecurityCodeStatus", "N", "02"}};
    int i;

    world.outcome = (acs_outcome_t){"N", "01", NULL};
    world.card.trust_status = "Y";
    world.card.device_binding = "13";
    world.card.csc_status = "N";
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *doc = areq_base(rows[i].version, "areq-3ri-npa", ID(i)), *ares;

        tds_json_set(doc, "threeRIInd", rows[i].ind);
        ares = areq_doc(doc);
        is(ares, "transStatus", "N");
        is(ares, rows[i].name, rows[i].value);
        is(ares, apr_pstrcat(pool, rows[i].name, "Source", NULL), rows[i].source);
    }
}

static void npa(void **state)
{
    world.outcome = (acs_outcome_t){"Y", NULL, NULL};
    absent(dec_areq("2.2.0", "areq-brw-npa", NULL, NULL, 0), "authenticationValue");
    world.ds.value_in_npa = 1; /* A-NPA-01 */
    is(dec_areq("2.2.0", "areq-brw-npa", NULL, NULL, 3), "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    world.outcome = (acs_outcome_t){"N", "01", NULL};
    absent(dec_areq("2.2.0", "areq-brw-npa", NULL, NULL, 4), "authenticationValue");
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    world.decoupled = 0;
    (void)press(creq(dec_areq("2.2.0", "areq-brw-npa", NULL, NULL, 5)).token, "submit", world.otp);
    is(world.rreq, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    world.outcome = (acs_outcome_t){"Y", NULL, NULL};
    world.issuer.offers_npa = 0;
    is(dec_areq("2.2.0", "areq-brw-npa", NULL, NULL, 1), "transStatusReason", "20");
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 2), "transStatus", "Y");
}

/* ---- fallback ------------------------------------------------------------------------ */

static const char *creq231(json_t *ares)
{
    const char *text = apr_psprintf(pool,
                                    "{\"messageType\":\"CReq\",\"messageVersion\":\"2.3.1\",\"threeDSServerTransID\":\"%s\","
                                    "\"acsTransID\":\"%s\",\"challengeWindowSize\":\"02\"}",
                                    SERVER_ID, tds_json_get(ares, "acsTransID"));

    return tds_b64url_encode(text, strlen(text), pool);
}

static json_t *fallback_areq(const char *prior, int n)
{
    json_t *doc = areq_base("2.3.1", "areq-3ri-pa", ID(n)), *info = json_array();

    tds_json_set(doc, "threeRIInd", "19");
    tds_json_set(doc, "threeDSRequestorDecReqInd", "Y");
    tds_json_set(doc, "threeDSRequestorDecMaxTime", "00010");
    json_array_append_new(info, json_pack("{s:s, s:s}", "threeDSReqPriorAuthMethod", "02", "threeDSReqPriorRef", prior));
    json_object_set_new(doc, "threeDSRequestorPriorAuthenticationInfo", info);
    return areq_doc(doc);
}

static void fallback(void **state)
{
    json_t *ares, *second;
    seen_t page;
    int i;

    add_hook(ACS_HOOK_DECOUPLED);
    world.decoupled = 0;
    world.issuer.fallback = ACS_DEC_FAILED;
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    ares = dec_areq("2.3.1", "areq-brw-pa", "B", "00010", 0);
    page = creq_text(creq231(ares), NULL);
    for (i = 0; i < 3; ++i) page = press(page.token, "submit", apr_psprintf(pool, "9999%d", i));
    assert_true(page.challenge); /* it says what follows */
    assert_int_equal(world.rreqs, 0);
    assert_true(press(page.token, "submit", world.otp).challenge); /* too late for codes */
    page = press(page.token, "continue", NULL);
    is(page.message, "transStatus", "D");
    is(world.rreq, "transStatus", "D");
    is(world.rreq, "transStatusReason", "29");
    is(world.rreq, "interactionCounter", "03");
    absent(world.rreq, "authenticationMethod");
    /* A-3RI-05 */
    is(fallback_areq(SERVER_ID, 1), "transStatusReason", "07");
    second = fallback_areq(tds_json_get(ares, "acsTransID"), 2);
    is(second, "transStatus", "D");
    second = fallback_areq(tds_json_get(ares, "acsTransID"), 3); /* once */
    is(second, "transStatus", "U");
    is(second, "transStatusReason", "07");
}

static json_t *overtaking;

/* The 3DS Server has the RReq and goes on; its RRes is still on the way to us. */
static void overtake(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *p)
{
    world_call(baton, req, resp, p);
    if (overtaking || strcmp(req->url, DS_URL)) return;
    overtaking = fallback_areq(tds_json_get(world.rreq, "acsTransID"), 1);
}

static void fallback_overtakes(void **state)
{
    json_t *ares;
    seen_t page;

    add_hook(ACS_HOOK_DECOUPLED);
    world.decoupled = 0;
    overtaking = NULL;
    world.issuer.fallback = ACS_DEC_ALWAYS;
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    ares = dec_areq("2.3.1", "areq-brw-pa", "F", "00010", 0);
    page = creq_text(creq231(ares), NULL);
    page = press(page.token, "submit", world.otp);
    world.http.call = overtake;
    page = press(page.token, "continue", NULL);
    is(page.message, "transStatus", "D");
    is(overtaking, "transStatus", "D");
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    is(fallback_areq(tds_json_get(ares, "acsTransID"), 2), "transStatus", "U"); /* once */
}

static void fallback_always(void **state)
{
    json_t *ares;
    seen_t page;

    add_hook(ACS_HOOK_DECOUPLED);
    world.decoupled = 0;
    world.issuer.fallback = ACS_DEC_ALWAYS;
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    ares = dec_areq("2.3.1", "areq-brw-pa", "F", "00010", 0);
    page = creq_text(creq231(ares), NULL);
    page = press(page.token, "submit", world.otp);
    assert_true(page.challenge);
    page = press(page.token, "continue", NULL);
    is(world.rreq, "transStatusReason", "30");
}

/* Y and N: never RReq D. And silence before the page is no D. */
static void no_fallback(void **state)
{
    json_t *ares;
    seen_t page;
    int i;

    add_hook(ACS_HOOK_DECOUPLED);
    world.decoupled = 0;
    world.issuer.fallback = ACS_DEC_ALWAYS;
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    ares = dec_areq("2.3.1", "areq-brw-pa", "Y", "00010", 0);
    page = creq_text(creq231(ares), NULL);
    for (i = 0; i < 3; ++i) page = press(page.token, "submit", apr_psprintf(pool, "9999%d", i));
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "transStatusReason", "19");
}

/* ---- what a DS decides ------------------------------------------------------------------- */

static void ds_decides(void **state)
{
    acs_outcome_t own = {"U", "85", NULL};

    world.outcome = (acs_outcome_t){"A", NULL, NULL};
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 0), "transStatus", "A");
    world.ds.attempts = 0;
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 1), "transStatus", "U");
    world.outcome = (acs_outcome_t){"I", NULL, NULL};
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 2), "transStatus", "U");
    world.ds.informational = 1;
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 3), "transStatus", "I");
    is(dec_areq("2.1.0", "areq-brw-pa", NULL, NULL, 4), "transStatus", "U"); /* 2.1.0 has no I */
    world.card.status = ACS_CARD_UNKNOWN;
    world.ds.cases[ACS_CASE_UNKNOWN_CARD] = &own;
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 5), "transStatusReason", "85");
    world.card.status = ACS_CARD_ACTIVE;
    world.issuer.infos[4] = "Call us."; /* R (A-ARES-12) */
    world.outcome = (acs_outcome_t){"R", "11", NULL};
    is(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 7), "cardholderInfo", "Call us.");
    is(json_object_get(dec_areq("2.3.1", "areq-brw-pa", NULL, NULL, 8), "cardholderInfo"), "text", "Call us.");
    world.outcome = (acs_outcome_t){"Y", NULL, NULL};
    absent(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 9), "cardholderInfo");
    world.ds.eci_in_ares = 0;
    absent(dec_areq("2.2.0", "areq-brw-pa", NULL, NULL, 6), "eci");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, unit_teardown)
static const struct CMUnitTest tests[] = {T(ares_d),  T(not_d), T(verdicts),         T(approved), T(start_404), T(result_again),      T(refused), T(attempted),    T(at_once),  T(silence),
                                          T(never_started), T(creq_and_erro), T(seven_days), T(app), T(three_ri), T(status_checks), T(npa),
                                          T(fallback), T(fallback_overtakes), T(fallback_always), T(no_fallback), T(ds_decides)};
UNIT_MAIN(tests)
