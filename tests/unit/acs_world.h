/* A world for the ACS engine without a server: store in memory, a DS and an issuer that answer as a test orders, a clock
 * that tests move. */
#ifndef ACS_WORLD_H
#define ACS_WORLD_H

#include "acs_av.h"
#include "acs_hook.h"
#include "acs_count.h"
#include "acs_method.h"
#include "acs_pages.h"
#include "acs_run.h"
#include "tds_b64.h"
#include "tds_store_mem.h"

#define KEY_A      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PAN        "4000000000000002"
#define SERVER_ID  "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define DS_ID      "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
#define DS_URL     "https://ds.test/acs"
#define OTP_URL    "https://issuer.test/otp"
#define NOTIFY_URL "https://shop.test/notify"
#define BANK_URL   "https://bank.test"

typedef enum ds_mood_e { DS_RRES, DS_ERRO, DS_GARBAGE, DS_EMPTY, DS_WRONG_ID, DS_TIMEOUT, DS_CONNECT } ds_mood_e;

static struct {
    apr_time_t now;
    tds_mem_t *mem;
    acs_conf_t conf;
    acs_issuer_t issuer;
    acs_ds_t ds;
    tds_keys_t *keys;
    tds_metric_t metrics;
    tds_http_t http;
    tds_log_t log;
    /* what the world does */
    ds_mood_e mood;
    int moods; /* so many calls have that mood, then DS_RRES; < 0: all */
    int decoupled, three_ri, app; /* the transaction whose RReq is to come */
    int otp_fails, reachable, av_fails, card_fails, rnd_fails;
    acs_card_t card;
    acs_outcome_t outcome;
    acs_rule_t rule;
    acs_hook_t otp_hook;
    /* the issuer's other systems: what they answer (NULL: status 500), what they were asked last, and how often */
    const char *(*bank)(const char *path, const json_t *doc);
    acs_hook_t hooks[ACS_HOOK_COUNT];
    tds_breaker_t breakers[ACS_HOOK_COUNT];
    int bank_calls;
    const char *bank_paths; /* in order, space separated */
    json_t *bank_doc;
    const tds_http_header_t *bank_headers;
    /* what was seen */
    int calls, rreqs, erros, otps;
    json_t *rreq;     /* the last one */
    const char *rreq_bytes;
    json_t *ds_erro;
    char otp[ACS_OTP_MAX + 1], statuses[64];
    const char *logged; /* ids, space separated */
} world;

static acs_run_t run;
static tds_err_t run_err;

static inline apr_time_t world_clock(void)
{
    return world.now;
}

/* A test that sets the wall clock tells by how much: this one stays. */
static apr_interval_time_t world_set;

static inline apr_time_t world_mono(void)
{
    return world_clock() - world_set;
}

static inline void world_nap(apr_interval_time_t span)
{
    world.now += span;
}

static inline apr_status_t world_rnd(void *out, apr_size_t len)
{
    return world.rnd_fails ? APR_EGENERAL : tds_rand_bytes(out, len);
}

static inline void world_log(void *baton, int level, const char *id, const char *txn, const char *text)
{
    assert_null(strstr(text, PAN));
    if (world.otp[0]) assert_null(strstr(text, world.otp));
    world.logged = apr_pstrcat(pool, world.logged, id, " ", NULL);
}

static inline const acs_rule_t *world_match(void *baton, const acs_facts_t *facts, apr_pool_t *p)
{
    world.rule.outcome = &world.outcome;
    return world.outcome.trans_status ? &world.rule : NULL;
}

static inline int world_reachable(void *baton, const char *url, apr_pool_t *p)
{
    return world.reachable;
}

static inline apr_status_t world_card(void *baton, const char *pan, acs_card_t *card, apr_pool_t *p, tds_err_t *e)
{
    assert_string_equal(pan, PAN);
    if (world.card_fails) return TDS_FAIL(e, APR_TIMEUP, 403, NULL, "ordered fault");
    *card = world.card;
    return APR_SUCCESS;
}

static const acs_card_ops_t world_card_ops = {.find = world_card};

static inline apr_status_t world_av(void *baton, const acs_av_in_t *in, const char **value, apr_pool_t *p, tds_err_t *e)
{
    assert_string_equal(in->pan, PAN);
    if (world.av_fails) return TDS_FAIL(e, APR_EGENERAL, 0, NULL, "ordered fault");
    *value = "AAECAwQFBgcICQoLDA0ODxAREhM=";
    return APR_SUCCESS;
}

static const acs_av_ops_t world_av_ops = {.name = "test", .make = world_av};

/* ---- peers --------------------------------------------------------------- */

static inline json_t *parse(const char *text, apr_size_t len)
{
    json_t *root = NULL;
    tds_err_t e;

    tds_err_init(&e, pool);
    assert_ok(tds_json_parse(&root, text, len, pool, &e));
    return root;
}

static inline void answer_issuer(const tds_http_req_t *req, tds_http_resp_t *resp)
{
    json_t *doc = parse(req->body, req->len);

    ++world.otps;
    apr_cpystrn(world.otp, tds_json_get(doc, "otp"), sizeof world.otp);
    assert_string_equal(tds_json_get(doc, "to"), "+491700001234");
    assert_non_null(strstr(tds_json_get(doc, "text"), world.otp));
    assert_int_equal(!tds_json_get(doc, "amount"), !tds_json_get(doc, "exponent")); /* minor units of what? */
    resp->result = world.otp_fails == 2 ? TDS_HTTP_TIMEOUT : TDS_HTTP_OK;
    resp->status = world.otp_fails ? 500 : 204;
}

static inline const char *rres_for(json_t *rreq, const char *acs_id)
{
    const char *sdk = tds_json_get(rreq, "sdkTransID");

    return apr_psprintf(pool,
                        "{\"messageType\":\"RRes\",\"messageVersion\":\"%s\",\"threeDSServerTransID\":\"%s\","
                        "\"dsTransID\":\"%s\",\"acsTransID\":\"%s\"%s,\"resultsStatus\":\"01\"}",
                        tds_json_get(rreq, "messageVersion"), tds_json_get(rreq, "threeDSServerTransID"),
                        tds_json_get(rreq, "dsTransID"), acs_id,
                        sdk ? apr_psprintf(pool, ",\"sdkTransID\":\"%s\"", sdk) : "");
}

static inline void take_rreq(const tds_http_req_t *req, json_t *doc)
{
    const tds_prior_t prior[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, world.three_ri ? "03" : world.app ? "01" : "02"},
                                 {TDS_MSG_AREQ, TDS_E_THREE_DS_REQUESTOR_DEC_REQ_IND, "B"},
                                 {TDS_MSG_ARES, TDS_E_ACS_DEC_CON_IND, world.decoupled ? "Y" : "N"}};
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_RREQ), .leg = TDS_LEG_ACS_DS, .prior = prior, .nprior = COUNT(prior)};
    const char *bytes = apr_pstrmemdup(pool, req->body, req->len);
    tds_msg_t *msg;
    tds_err_t e;

    tds_err_init(&e, pool);
    if (tds_msg_decode(&msg, bytes, req->len, &rules, pool, &e) != APR_SUCCESS)
        fail_msg("RReq is not valid: %d %s in %s", e.proto, e.elements ? e.elements : "", bytes);
    if (world.rreq_bytes) assert_string_equal(world.rreq_bytes, bytes); /* always the same bytes: one outcome */
    world.rreq_bytes = bytes;
    world.rreq = doc;
    ++world.rreqs;
}

static inline void answer_ds(const tds_http_req_t *req, tds_http_resp_t *resp)
{
    json_t *doc = parse(req->body, req->len);
    int is_rreq = !strcmp(tds_json_get(doc, "messageType"), "RReq");
    ds_mood_e mood = world.moods ? world.mood : DS_RRES;

    if (world.moods > 0) --world.moods;
    *resp = (tds_http_resp_t){.result = TDS_HTTP_OK, .status = 200, .type = "application/json", .body = ""};
    if (mood == DS_CONNECT) {
        resp->result = TDS_HTTP_CONNECT;
        return;
    }
    if (is_rreq) take_rreq(req, doc);
    else {
        ++world.erros;
        world.ds_erro = doc;
    }
    if (mood == DS_TIMEOUT) resp->result = TDS_HTTP_TIMEOUT;
    if (mood == DS_GARBAGE) resp->body = "<html>";
    if (mood == DS_ERRO)
        resp->body = "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"301\",\"errorComponent\":\"D\","
                     "\"errorDescription\":\"x\",\"errorDetail\":\"x\"}";
    if (is_rreq && (mood == DS_RRES || mood == DS_WRONG_ID))
        resp->body = rres_for(doc, mood == DS_RRES ? tds_json_get(doc, "acsTransID") : SERVER_ID);
    resp->len = strlen(resp->body);
}

static inline void answer_bank(const tds_http_req_t *req, tds_http_resp_t *resp)
{
    const char *path = req->url + sizeof BANK_URL - 1, *body;
    const tds_http_header_t *h;
    int n = 0;

    world.bank_doc = parse(req->body, req->len);
    world.bank_paths = apr_pstrcat(pool, world.bank_paths, path, " ", NULL);
    ++world.bank_calls;
    for (h = req->headers; h && h->name; ++h) ++n;
    world.bank_headers = req->headers ? apr_pmemdup(pool, req->headers, (apr_size_t)(n + 1) * sizeof *h) : NULL;
    body = world.bank ? world.bank(path, world.bank_doc) : NULL;
    *resp = (tds_http_resp_t){.result = TDS_HTTP_OK, .status = body ? 200 : 500, .body = body ? apr_pstrdup(pool, body) : ""};
    if (body && !strcmp(body, "404")) *resp = (tds_http_resp_t){.result = TDS_HTTP_OK, .status = 404, .body = ""};
    if (body && !strcmp(body, "timeout")) *resp = (tds_http_resp_t){.result = TDS_HTTP_TIMEOUT, .body = ""};
    resp->len = strlen(resp->body);
}

static inline const char *bank_header(const char *name)
{
    const tds_http_header_t *h;

    for (h = world.bank_headers; h && h->name; ++h) {
        if (!strcmp(h->name, name)) return h->value;
    }
    return NULL;
}

/* The issuer gets a hook of that kind, at BANK_URL/KIND. */
static inline acs_hook_t *add_hook(acs_hook_e kind)
{
    acs_hook_t *hook = &world.hooks[kind];

    acs_hook_init(hook, kind, apr_pstrcat(pool, BANK_URL "/", acs_hook_name(kind), NULL));
    hook->breaker = &world.breakers[kind];
    world.issuer.hooks[kind] = hook;
    return hook;
}

static inline void world_call(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *p)
{
    ++world.calls;
    *resp = (tds_http_resp_t){.body = ""};
    assert_string_equal(req->method, "POST");
    if (!strcmp(req->url, OTP_URL)) answer_issuer(req, resp);
    else if (!strncmp(req->url, BANK_URL, sizeof BANK_URL - 1)) answer_bank(req, resp);
    else {
        assert_string_equal(req->url, DS_URL);
        answer_ds(req, resp);
    }
}

/* ---- setup --------------------------------------------------------------- */

static inline void world_conf(void)
{
    acs_conf_t *c = &world.conf;
    acs_range_t *range;

    *c = (acs_conf_t){.challenge_url = "https://acs.test/acs/challenge",
                      .method_url = "https://acs.test/acs/method",
                      .method_keep = apr_time_from_sec(900),
                      .reference_number = "3DS_LOA_ACS_TEST_020200_00001",
                      .operator_id = "ACS-OPERATOR-1",
                      .versions = TDS_VER_BIT(TDS_V220),
                      .first_creq_timeout = apr_time_from_sec(30),
                      .challenge_timeout = apr_time_from_sec(600),
                      .retry_interval = apr_time_from_sec(10),
                      .rres_timeout = apr_time_from_sec(5),
                      .lease = apr_time_from_sec(12),
                      .answer_within = apr_time_from_sec(8),
                      .tombstone = apr_time_from_sec(3600),
                      .duplicate_memory = apr_time_from_sec(86400),
                      .outbox_horizon = apr_time_from_sec(86400),
                      .grace = apr_time_from_sec(3600),
                      .issuers = apr_array_make(pool, 1, sizeof(acs_issuer_t *)),
                      .dss = apr_array_make(pool, 1, sizeof(acs_ds_t *))};
    world.issuer = (acs_issuer_t){.name = "bank",
                                  .display_name = "Example Bank",
                                  .ranges = apr_array_make(pool, 1, sizeof(acs_range_t)),
                                  .rules = apr_array_make(pool, 1, sizeof(acs_rule_t)),
                                  .dry_rules = apr_array_make(pool, 1, sizeof(acs_rule_t)),
                                  .counters = apr_array_make(pool, ACS_COUNTERS_MAX, sizeof(acs_counter_t)),
                                  .card_ops = &world_card_ops,
                                  .otp_delivery = OTP_URL,
                                  .otp_length = 6,
                                  .otp_attempts = 3,
                                  .otp_resends = 2,
                                  .ecis = apr_array_make(pool, 2, sizeof(acs_eci_line_t)),
                                  .avs = apr_array_make(pool, 1, sizeof(acs_av_t))};
    *(acs_av_t *)apr_array_push(world.issuer.avs) = (acs_av_t){.ops = &world_av_ops};
    *(acs_eci_line_t *)apr_array_push(world.issuer.ecis) = (acs_eci_line_t){.eci = {"Y", NULL, NULL, "05"}};
    *(acs_eci_line_t *)apr_array_push(world.issuer.ecis) = (acs_eci_line_t){.eci = {"A", NULL, NULL, "06"}};
    range = apr_array_push(world.issuer.ranges);
    *range = (acs_range_t){"4000000000000000", "4000009999999999"};
    world.issuer.offers_3ri = world.issuer.offers_npa = 1;
    acs_hook_init(&world.otp_hook, ACS_HOOK_OTP, OTP_URL);
    world.issuer.hooks[ACS_HOOK_OTP] = &world.otp_hook;
    world.ds = (acs_ds_t){.name = "scheme", .attempts = 1, .eci_in_ares = 1, .eci_in_rreq = 1, .url_prefixes = apr_array_make(pool, 1, sizeof(const char *))};
    APR_ARRAY_PUSH(world.ds.url_prefixes, const char *) = DS_URL;
    APR_ARRAY_PUSH(c->issuers, acs_issuer_t *) = &world.issuer;
    APR_ARRAY_PUSH(c->dss, acs_ds_t *) = &world.ds;
}

/* A new transaction in the same world: nothing seen yet. */
static inline void world_forget(void)
{
    world.calls = world.rreqs = world.erros = world.otps = world.moods = 0;
    world.rreq = world.ds_erro = NULL;
    world.rreq_bytes = NULL;
    world.otp[0] = '\0';
    world.bank_calls = 0;
    world.bank_paths = "";
    world.bank_doc = NULL;
    world.logged = "";
    world.otp_fails = world.av_fails = world.card_fails = world.rnd_fails = 0;
    world.reachable = 1;
    world.card = (acs_card_t){.status = ACS_CARD_ACTIVE, .language = "en", .phone = "+491700001234"};
    world.outcome = (acs_outcome_t){"C", NULL};
    tds_err_init(&run_err, pool);
}

static inline int world_setup(void **state)
{
    if (unit_setup(state)) return -1;
    memset(&world, 0, sizeof world);
    world.now = apr_time_from_sec(1700000000);
    world_conf();
    world_forget();
    world.keys = tds_keys_make(pool);
    if (tds_keys_add(world.keys, KEY_A, &err) != APR_SUCCESS) return -1;
    if (acs_pages_load(&world.issuer.pages, SRCDIR "/conf/templates", "en de", pool, &err) != APR_SUCCESS) {
        print_error("%s\n", err.detail);
        return -1;
    }
    world.mem = tds_mem_make(world_clock, pool);
    acs_metric_layout(&world.metrics, &world.conf, pool);
    world.metrics.cells = apr_pcalloc(pool, tds_metric_size(&world.metrics));
    world.http = (tds_http_t){.call = world_call};
    world.log = (tds_log_t){.write = world_log, .level = TDS_LOG_DEBUG};
    run = (acs_run_t){.conf = &world.conf,
                      .store = tds_store_make(&tds_store_mem_ops, world.mem, "acs", world.keys, world_clock, pool),
                      .keys = world.keys,
                      .http = &world.http,
                      .clock = world_clock,
                      .mono = world_mono,
                      .nap = world_nap,
                      .rnd = world_rnd,
                      .log = &world.log,
                      .metrics = &world.metrics,
                      .match = world_match,
                      .reachable = world_reachable,
                      .ds = &world.ds,
                      .pool = pool,
                      .err = &run_err};
    return 0;
}

/* ---- what a DS and a browser do ------------------------------------------- */

static inline const char *areq_text(const char *ds_id, const char *more)
{
    return apr_pstrcat(
        pool,
        "{\"messageType\":\"AReq\",\"messageVersion\":\"2.2.0\",\"messageCategory\":\"01\",\"deviceChannel\":\"02\","
        "\"threeDSServerTransID\":\"" SERVER_ID "\",\"threeDSServerRefNumber\":\"3DS_LOA_SER_TEST_020200_00001\","
        "\"threeDSServerOperatorID\":\"SER-1\",\"threeDSServerURL\":\"https://3dss.test/\",\"threeDSCompInd\":\"U\","
        "\"threeDSRequestorID\":\"R1\",\"threeDSRequestorName\":\"Shop\",\"threeDSRequestorURL\":\"https://shop.test\","
        "\"threeDSRequestorAuthenticationInd\":\"01\",\"acquirerBIN\":\"400551\",\"acquirerMerchantID\":\"M1\","
        "\"acctNumber\":\"" PAN "\",\"cardExpiryDate\":\"3012\",\"mcc\":\"5411\",\"merchantCountryCode\":\"276\","
        "\"merchantName\":\"Corner Shop\",\"notificationURL\":\"" NOTIFY_URL "\",\"purchaseDate\":\"20260131125959\","
        "\"purchaseAmount\":\"12345\",\"purchaseCurrency\":\"978\",\"purchaseExponent\":\"2\",\"transType\":\"01\","
        "\"browserAcceptHeader\":\"*/*\",\"browserIP\":\"192.0.2.10\",\"browserLanguage\":\"en\","
        "\"browserUserAgent\":\"Test\",\"browserJavascriptEnabled\":false,"
        "\"dsReferenceNumber\":\"3DS_LOA_DIS_TEST_020200_00001\",\"dsURL\":\"" DS_URL "\",\"dsTransID\":\"",
        ds_id, "\"", more, "}", NULL);
}

/* Each request has a run of its own. */
static inline void fresh_run(void)
{
    tds_err_clear(&run_err);
    run.later = 0;
}

static inline json_t *areq_with(const char *text)
{
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_areq(&run, text, strlen(text), &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.kind, ACS_BODY_JSON);
    return parse(answer.body, answer.len);
}

static inline json_t *areq(void)
{
    return areq_with(areq_text(DS_ID, ""));
}

static inline const char *between(const char *text, const char *from, const char *to)
{
    const char *at = text ? strstr(text, from) : NULL, *end = at ? strstr(at + strlen(from), to) : NULL;

    return end ? apr_pstrmemdup(pool, at + strlen(from), (apr_size_t)(end - at) - strlen(from)) : NULL;
}

/* What a browser has got hold of. */
typedef struct seen_t {
    acs_answer_t answer;
    const char *token; /* of a challenge page, or of a processing page */
    int challenge, processing;
    json_t *message; /* CRes or Erro of a final page */
    const char *session;
} seen_t;

static inline seen_t look(const acs_answer_t *answer)
{
    seen_t s = {.answer = *answer};
    const char *field;
    unsigned char *text;
    apr_size_t len;

    assert_true(answer->status == 200 || answer->status == 400 || answer->status == 500 || answer->status == 503);
    assert_non_null(answer->body);
    assert_int_equal(strlen(answer->body), answer->len);
    assert_null(strstr(answer->body, PAN));
    if (world.otp[0]) assert_null(strstr(answer->body, world.otp));
    if ((s.token = between(answer->body, "name=\"token\" value=\"", "\""))) s.challenge = 1;
    else if ((s.token = between(answer->body, "content=\"1;url=https://acs.test/acs/challenge/page/", "\""))) s.processing = 1;
    field = between(answer->body, "name=\"cres\" value=\"", "\"");
    if (field) {
        assert_int_equal(answer->kind, ACS_BODY_FINAL_PAGE);
        assert_non_null(strstr(answer->body, "action=\"" NOTIFY_URL "\""));
        assert_ok(tds_b64url_decode(&text, &len, field, strlen(field), 0, pool));
        s.message = parse((const char *)text, len);
    }
    s.session = between(answer->body, "name=\"threeDSSessionData\" value=\"", "\"");
    return s;
}

static inline const char *creq_of(json_t *ares, const char *more)
{
    const char *text = apr_psprintf(pool,
                                    "{\"messageType\":\"CReq\",\"messageVersion\":\"%s\",\"threeDSServerTransID\":\"%s\","
                                    "\"acsTransID\":\"%s\"%s}",
                                    tds_json_get(ares, "messageVersion"), tds_json_get(ares, "threeDSServerTransID"), tds_json_get(ares, "acsTransID"), more);

    return tds_b64url_encode(text, strlen(text), pool);
}

static inline seen_t creq_text(const char *field, const char *session)
{
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_creq(&run, field, session, &answer);
    return look(&answer);
}

static inline seen_t creq(json_t *ares)
{
    return creq_text(creq_of(ares, ",\"challengeWindowSize\":\"02\""), "c2Vzc2lvbg");
}

static inline seen_t press(const char *token, const char *action, const char *otp)
{
    acs_form_t form = {.token = token, .action = action, .otp = otp};
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_form(&run, &form, &answer);
    return look(&answer);
}

static inline seen_t reload(const char *token)
{
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_page(&run, token, &answer);
    return look(&answer);
}

/* One lane: everything in it that is due now. */
static inline apr_array_header_t *due_in(tds_lane_e lane)
{
    tds_claim_t what = {lane, 0, TDS_STORE_SHARDS, 64, world.conf.lease};
    apr_array_header_t *ids;
    tds_err_t e;
    int i;

    tds_err_init(&e, pool);
    if (tds_store_claim(run.store, &what, &ids, pool, &e) != APR_SUCCESS) return apr_array_make(pool, 1, sizeof(char *));
    for (i = 0; i < ids->nelts; ++i) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);

        fresh_run();
        if (lane == TDS_LANE_STEPS) acs_run_due(&run, id);
        else acs_run_delivery(&run, id, 0);
    }
    return ids;
}

/* The watchdogs: everything that is due now; how many transactions there were. What a step leaves to be sent is sent. */
static inline int due(void)
{
    apr_array_header_t *steps = due_in(TDS_LANE_STEPS), *out = due_in(TDS_LANE_OUT);
    int n = steps->nelts, i, j;

    for (i = 0; i < out->nelts; ++i) {
        for (j = 0; j < steps->nelts; ++j)
            if (!strcmp(APR_ARRAY_IDX(out, i, const char *), APR_ARRAY_IDX(steps, j, const char *))) break;
        n += j == steps->nelts;
    }
    return n;
}

static inline const char *wrong_otp(void)
{
    char *otp = apr_pstrdup(pool, world.otp);

    otp[0] = otp[0] == '1' ? '2' : '1';
    return otp;
}

static inline acs_txn_t *record(json_t *ares)
{
    acs_txn_t *txn;

    fresh_run();
    assert_ok(acs_load(&run, tds_json_get(ares, "acsTransID"), 0, &txn));
    return txn;
}

/* How many ARes with this status there were; RReq outcomes. */
static inline int ares_counted(char status)
{
    int i = (int)(strchr("YANURCDIS", status) - "YANURCDIS");

    return (int)tds_metric_value(&world.metrics, ACS_H_ARES, &TDS_METRIC_AT(0, 0, i));
}

static inline int outcomes_counted(char status)
{
    int i = (int)(strchr("YANURCDIS", status) - "YANURCDIS");

    return (int)tds_metric_value(&world.metrics, ACS_H_OUTCOME, &TDS_METRIC_AT(0, 0, i));
}

static inline int metric(int row)
{
    return (int)tds_metric_get(&world.metrics, row);
}

static inline int logged(const char *id)
{
    return strstr(world.logged, id) != NULL;
}

static inline void is_at(const json_t *doc, const char *name, const char *value, int line)
{
    const char *have = doc ? tds_json_get(doc, name) : NULL;

    if (!have || strcmp(have, value))
        fail_msg("line %d: %s is %s instead of %s in %s", line, name, have ? have : "absent", value,
                 doc ? tds_json_text(doc, NULL, pool) : "no message");
}

#define is(doc, name, value) is_at((doc), (name), (value), __LINE__)
#define absent(doc, name)    assert_null(json_object_get((doc), (name)))

static inline void order(ds_mood_e mood, int moods)
{
    world.mood = mood;
    world.moods = moods;
}

/* An AReq out of tests/conformance/base, with ids, card and URLs of this world. */
static inline json_t *areq_base(const char *version, const char *name, const char *ds_id)
{
    const char *path = apr_pstrcat(pool, SRCDIR "/tests/conformance/base/", version, "/", name, ".json", NULL);
    json_t *doc = tds_json_own(json_load_file(path, 0, NULL), pool);

    if (!doc) fail_msg("%s cannot be read", path);
    tds_json_set(doc, "threeDSServerTransID", SERVER_ID);
    tds_json_set(doc, "dsTransID", ds_id);
    tds_json_set(doc, "acctNumber", PAN);
    tds_json_set(doc, "dsURL", DS_URL);
    tds_json_set(doc, "purchaseDate", "20260131125959");
    if (json_object_get(doc, "sdkTransID")) tds_json_set(doc, "sdkTransID", SERVER_ID);
    if (json_object_get(doc, "sdkAppID")) tds_json_set(doc, "sdkAppID", SERVER_ID);
    if (json_object_get(doc, "notificationURL")) tds_json_set(doc, "notificationURL", NOTIFY_URL);
    return doc;
}

static inline json_t *areq_doc(const json_t *doc)
{
    return areq_with(tds_json_text(doc, NULL, pool));
}

static inline json_t *challenge(void)
{
    json_t *ares = areq();

    is(ares, "transStatus", "C");
    return ares;
}

#endif
