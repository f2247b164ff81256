/* A world for the 3DS Server engine without a server: store in memory, a DS that answers as a test orders, a clock that
 * tests move, and waiting that moves it. */
#ifndef SRV_WORLD_H
#define SRV_WORLD_H

#include "srv_pages.h"
#include "srv_run.h"
#include "tds_b64.h"
#include "tds_store_mem.h"

#define KEY_A   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PAN     "4000000000000002"
#define VALUE   "AAECAwQFBgcICQoLDA0ODxAREhM="
#define ACS_ID  "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define DS_ID   "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
#define NO_ID   "00000000-0000-4000-8000-000000000000"
#define DS_URL  "https://ds.test/3dss"
#define ACS_URL "https://acs.test/challenge"

typedef enum ds_mood_e {
    DS_ARES,
    DS_ERRO,
    DS_GARBAGE,
    DS_EMPTY,
    DS_503,
    DS_204,
    DS_307,
    DS_TIMEOUT,
    DS_STALE,
    DS_BROKEN,
    DS_TOO_LARGE,
    DS_CONNECT,
    DS_TLS,
    DS_CONFIG
} ds_mood_e;

static struct {
    apr_time_t now;
    tds_mem_t *mem;
    srv_conf_t conf;
    srv_ds_t ds, other_ds;
    srv_requestor_t shop, other;
    srv_range_t ranges[3];
    tds_keys_t *keys;
    tds_metric_t metrics;
    tds_http_t http;
    tds_log_t log;
    srv_wait_t wait;
    /* what the world does */
    ds_mood_e mood;
    int moods; /* so many calls have that mood, then DS_ARES; < 0: all */
    const char *status;     /* transStatus of the ARes */
    const char *more;       /* members of the ARes behind the usual ones, or instead of all: "{..." */
    int wait_full, wait_stop;
    void (*on_pause)(void); /* somebody else's step */
    void (*on_call)(void);  /* while the DS thinks */
    /* what was seen */
    int calls, areqs, erros, entered, pauses;
    json_t *areq, *ds_erro;
    const char *logged; /* ids, space separated */
} world;

static srv_run_t run;
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

static inline void world_log(void *baton, int level, const char *id, const char *txn, const char *text)
{
    assert_null(strstr(text, PAN));
    assert_null(strstr(text, VALUE));
    world.logged = apr_pstrcat(pool, world.logged, id, " ", NULL);
}

static inline int world_enter(void *baton)
{
    if (world.wait_full) return 0;
    ++world.entered;
    return 1;
}

static inline void world_leave(void *baton)
{
    --world.entered;
}

static inline int world_pause(void *baton, apr_interval_time_t span)
{
    world.now += span;
    ++world.pauses;
    if (world.on_pause) world.on_pause();
    return !world.wait_stop;
}

static inline json_t *parse(const char *text, apr_size_t len)
{
    json_t *root = NULL;
    tds_err_t e;

    tds_err_init(&e, pool);
    assert_ok(tds_json_parse(&root, text, len, pool, &e));
    return root;
}

static inline void world_nap(void *baton, apr_interval_time_t span)
{
    world.now += span;
}

/* ---- the DS -------------------------------------------------------------- */

static inline const char *ares_text(const char *id)
{
    const char *s = world.status, *tail = "";

    if (world.more && world.more[0] == '{') return world.more;
    if (strchr("YA", *s)) tail = ",\"eci\":\"05\",\"authenticationValue\":\"" VALUE "\"";
    else if (*s == 'C')
        tail = ",\"acsURL\":\"" ACS_URL "\",\"acsChallengeMandated\":\"N\",\"authenticationType\":\"02\"";
    else if (*s != 'I') tail = ",\"transStatusReason\":\"01\"";
    return apr_pstrcat(pool, "{\"messageType\":\"ARes\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":\"", id,
                       "\",\"dsTransID\":\"" DS_ID "\",\"acsTransID\":\"" ACS_ID "\",\"acsReferenceNumber\":\"A1\","
                       "\"acsOperatorID\":\"A1\",\"dsReferenceNumber\":\"D1\",\"transStatus\":\"",
                       s, "\"", tail, world.more ? world.more : "", "}", NULL);
}

static inline void take_areq(const tds_http_req_t *req, json_t *doc)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_AREQ), .leg = TDS_LEG_SERVER_DS};
    tds_msg_t *msg;
    tds_err_t e;

    tds_err_init(&e, pool);
    if (tds_msg_decode(&msg, req->body, req->len, &rules, pool, &e) != APR_SUCCESS)
        fail_msg("AReq is not valid: %d %s in %s", e.proto, e.elements ? e.elements : "", req->body);
    assert_true(req->once);
    world.areq = doc;
    ++world.areqs;
}

static inline void answer_areq(json_t *doc, ds_mood_e mood, tds_http_resp_t *resp)
{
    static const tds_http_result_e results[] = {
        [DS_TIMEOUT] = TDS_HTTP_TIMEOUT, [DS_STALE] = TDS_HTTP_STALE, [DS_BROKEN] = TDS_HTTP_BROKEN,
        [DS_TOO_LARGE] = TDS_HTTP_TOO_LARGE, [DS_CONFIG] = TDS_HTTP_OK};

    resp->result = results[mood];
    resp->status = mood == DS_503 ? 503 : mood == DS_204 ? 204 : mood == DS_307 ? 307 : 200;
    if (mood == DS_GARBAGE) resp->body = "<html>";
    if (mood == DS_ERRO)
        resp->body = "{\"messageType\":\"Erro\",\"messageVersion\":\"2.2.0\",\"errorCode\":\"305\",\"errorComponent\":\"D\","
                     "\"errorDescription\":\"no ACS\",\"errorDetail\":\"acctNumber\"}";
    if (mood == DS_ARES) resp->body = ares_text(tds_json_get(doc, "threeDSServerTransID"));
    resp->len = strlen(resp->body);
}

static inline void world_call(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *p)
{
    ds_mood_e mood = world.moods ? world.mood : DS_ARES;
    json_t *doc = parse(req->body, req->len);

    ++world.calls;
    if (world.moods > 0) --world.moods;
    assert_string_equal(req->method, "POST");
    assert_string_equal(req->url, DS_URL);
    assert_string_equal(req->type, "application/json; charset=utf-8");
    *resp = (tds_http_resp_t){.body = ""};
    if (mood == DS_CONNECT || mood == DS_TLS || mood == DS_CONFIG) {
        resp->result = mood == DS_CONNECT ? TDS_HTTP_CONNECT : mood == DS_TLS ? TDS_HTTP_TLS : TDS_HTTP_CONFIG;
        return;
    }
    if (!strcmp(tds_json_get(doc, "messageType"), "AReq")) {
        take_areq(req, doc);
        if (world.on_call) world.on_call();
        answer_areq(doc, mood, resp);
    }
    else {
        ++world.erros;
        world.ds_erro = doc;
        resp->status = 200;
    }
}

/* ---- setup --------------------------------------------------------------- */

static inline void make_requestor(srv_requestor_t *q, const char *name, const char *key)
{
    *q = (srv_requestor_t){.name = name,
                           .environment = SRV_ENV_TEST,
                           .id = "R-1",
                           .requestor_name = "Corner Shop",
                           .url = "https://shop.test",
                           .keys = apr_array_make(pool, 1, TDS_HASH_LEN),
                           .certs = apr_array_make(pool, 1, TDS_HASH_LEN),
                           .merchants = apr_array_make(pool, 1, sizeof(srv_merchant_t)),
                           .origins = apr_array_make(pool, 1, sizeof(const char *))};
    (void)tds_sha256(apr_array_push(q->keys), key, strlen(key));
    APR_ARRAY_PUSH(q->merchants, srv_merchant_t) = (srv_merchant_t){"M-1", "400551", "5411", "276", "Corner Shop"};
    APR_ARRAY_PUSH(q->origins, const char *) = "https://shop.test";
    APR_ARRAY_PUSH(world.conf.requestors, srv_requestor_t *) = q;
}

static inline void world_conf(void)
{
    srv_conf_t *c = &world.conf;

    *c = (srv_conf_t){.server_url = "https://3dss.test/results",
                      .browser_url = "https://3dss.test/browser",
                      .notification_url = "https://3dss.test/browser/notify",
                      .ref_number = "3DS_LOA_SER_TEST_020200_00001",
                      .operator_id = "SER-OPERATOR-1",
                      .versions = TDS_VER_BIT(TDS_V220),
                      .ready_timeout = apr_time_from_sec(1800),
                      .creq_within = apr_time_from_sec(25),
                      .result_horizon = apr_time_from_sec(86400),
                      .value_keep = apr_time_from_sec(1800),
                      .tombstone = apr_time_from_sec(3600),
                      .grace = apr_time_from_sec(3600),
                      .lease = apr_time_from_sec(12),
                      .retry_interval = apr_time_from_sec(10),
                      .dss = apr_array_make(pool, 2, sizeof(srv_ds_t *)),
                      .requestors = apr_array_make(pool, 2, sizeof(srv_requestor_t *))};
    world.ds = (srv_ds_t){.name = "scheme", .environment = SRV_ENV_TEST, .url = DS_URL, .ares_timeout = apr_time_from_sec(10),
                          .connect_timeout = apr_time_from_sec(2), .versions = ~0u};
    world.other_ds = world.ds;
    world.other_ds.name = "other";
    APR_ARRAY_PUSH(c->dss, srv_ds_t *) = &world.ds;
    APR_ARRAY_PUSH(c->dss, srv_ds_t *) = &world.other_ds;
    make_requestor(&world.shop, "shop", "shop-key");
    make_requestor(&world.other, "second", "second-key");
    world.ranges[0] = (srv_range_t){"4000000000000000", "4000009999999999", TDS_VER_BIT(TDS_V220), &world.ds};
    world.ranges[1] = (srv_range_t){"5000000000000000", "5000009999999999", TDS_VER_BIT(TDS_V210), &world.other_ds};
    world.ranges[2] = (srv_range_t){"6000000000000000", "6000009999999999", TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220),
                                    &world.ds};
}

static inline void world_forget(void)
{
    world.calls = world.areqs = world.erros = world.moods = world.pauses = 0;
    world.wait_full = world.wait_stop = 0;
    world.on_pause = world.on_call = NULL;
    world.areq = world.ds_erro = NULL;
    world.status = "Y";
    world.more = NULL;
    world.logged = "";
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
    if (srv_ranges_make(&world.conf.ranges[SRV_ENV_TEST], world.ranges, COUNT(world.ranges), pool, &err) != APR_SUCCESS ||
        srv_pages_load(&world.conf.pages, pool, &err) != APR_SUCCESS) {
        print_error("%s\n", err.detail);
        return -1;
    }
    world.mem = tds_mem_make(world_clock, pool);
    world.metrics = (tds_metric_t){.rows = srv_metric_rows, .count = SRV_M_COUNT};
    tds_metric_layout(&world.metrics, pool);
    world.metrics.cells = apr_pcalloc(pool, tds_metric_size(&world.metrics));
    world.http = (tds_http_t){.call = world_call};
    world.log = (tds_log_t){.write = world_log, .level = TDS_LOG_DEBUG};
    world.wait = (srv_wait_t){.enter = world_enter, .pause = world_pause, .leave = world_leave, .nap = world_nap};
    run = (srv_run_t){.conf = &world.conf,
                      .store = tds_store_make(&tds_store_mem_ops, world.mem, "srv", world.keys, world_clock, pool),
                      .keys = world.keys,
                      .http = &world.http,
                      .clock = world_clock,
                      .mono = world_mono,
                      .rnd = tds_rand_bytes,
                      .log = &world.log,
                      .metrics = &world.metrics,
                      .wait = &world.wait,
                      .ds = &world.ds,
                      .requestor = &world.shop,
                      .pool = pool,
                      .err = &run_err};
    return 0;
}

/* ---- what a requestor, a DS and a browser do ------------------------------ */

static inline json_t *json_of(const srv_answer_t *a, int status)
{
    json_t *doc;

    if (a->status != status) fail_msg("%d instead of %d: %s", a->status, status, a->body ? a->body : "");
    assert_int_equal(a->kind, SRV_BODY_JSON);
    assert_int_equal(strlen(a->body), a->len);
    assert_null(strstr(a->body, PAN));
    doc = parse(a->body, a->len);
    if (status >= 400) {
        assert_non_null(tds_json_get(doc, "errorCode"));
        assert_non_null(tds_json_get(doc, "errorDescription"));
        assert_non_null(tds_json_get(doc, "errorDetail"));
        assert_non_null(tds_json_get(doc, "errorComponent"));
        assert_non_null(tds_json_get(doc, "actor"));
    }
    return doc;
}

static inline srv_answer_t create_answer(const char *text, const char *key)
{
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_create(&run, text, strlen(text), "application/json", key, &a);
    return a;
}

#define CREATE                                                                                                        \
    "{\"deviceChannel\":\"02\",\"messageCategory\":\"01\",\"acctNumber\":\"" PAN                                       \
    "\",\"returnURL\":\"https://shop.test/return\"}"

static inline json_t *create(const char *text, int status)
{
    srv_answer_t a = create_answer(text, NULL);

    return json_of(&a, status);
}

static inline const char *new_id(void)
{
    return tds_json_get(create(CREATE, 201), "threeDSServerTransID");
}

static inline const char *data(const char *more)
{
    return apr_pstrcat(pool,
                       "{\"threeDSRequestorAuthenticationInd\":\"01\",\"cardExpiryDate\":\"3012\",\"purchaseAmount\":\"12345\","
                       "\"purchaseCurrency\":\"978\",\"purchaseExponent\":\"2\",\"browserAcceptHeader\":\"*/*\","
                       "\"browserIP\":\"192.0.2.10\",\"browserLanguage\":\"en\",\"browserUserAgent\":\"Test\","
                       "\"browserJavascriptEnabled\":false,\"transType\":\"01\",\"cardholderName\":\"Test Cardholder\","
                       "\"email\":\"a@example.com\"",
                       more, "}", NULL);
}

static inline json_t *authenticate_with(const char *id, const char *text, int status)
{
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_authenticate(&run, id, text, strlen(text), "application/json", &a);
    return json_of(&a, status);
}

static inline json_t *authenticate(const char *id, int status)
{
    return authenticate_with(id, data(""), status);
}

static inline json_t *get(const char *id, int wait)
{
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_get(&run, id, wait, &a);
    return json_of(&a, 200);
}

static inline const char *challenge(void)
{
    const char *id = new_id();

    world.status = "C";
    assert_string_equal(tds_json_get(authenticate(id, 200), "state"), "CHALLENGE");
    return id;
}

static inline const char *rreq_text(const char *id, const char *status, const char *more)
{
    const char *tail = strchr("YA", *status) ? ",\"eci\":\"05\",\"authenticationValue\":\"" VALUE "\""
                                             : ",\"transStatusReason\":\"19\"";

    return apr_pstrcat(pool, "{\"messageType\":\"RReq\",\"messageVersion\":\"2.2.0\",\"messageCategory\":\"01\","
                             "\"threeDSServerTransID\":\"",
                       id, "\",\"dsTransID\":\"" DS_ID "\",\"acsTransID\":\"" ACS_ID "\",\"interactionCounter\":\"01\","
                           "\"authenticationType\":\"02\",\"transStatus\":\"",
                       status, "\"", strstr(more, "transStatusReason") ? "" : tail, more, "}", NULL);
}

static inline json_t *results(const char *text)
{
    srv_answer_t a = {0};

    tds_err_clear(&run_err);
    srv_run_results(&run, text, strlen(text), &a);
    if (a.kind == SRV_BODY_NONE) {
        assert_int_equal(a.status, 200);
        return NULL;
    }
    return json_of(&a, 200);
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

        tds_err_clear(&run_err);
        if (lane == TDS_LANE_STEPS) srv_run_due(&run, id);
        else srv_run_delivery(&run, id);
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

static inline srv_txn_t *record(const char *id)
{
    srv_txn_t *txn;

    tds_err_clear(&run_err);
    if (srv_load(&run, id, 0, &txn) != APR_SUCCESS) assert_ok(srv_load(&run, id, 0, &txn)); /* a fault was ordered */
    return txn;
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
                 doc ? tds_json_text(doc, &(apr_size_t){0}, pool) : "no message");
}

#define is(doc, name, value) is_at((doc), (name), (value), __LINE__)
#define absent(doc, name)    assert_null(json_object_get((doc), (name)))

static inline void order(ds_mood_e mood, int moods)
{
    world.mood = mood;
    world.moods = moods;
}

static inline void fails(const json_t *doc, const char *code, const char *detail, int line)
{
    is_at(doc, "errorCode", code, line);
    if (detail) is_at(doc, "errorDetail", detail, line);
}

#define is_error(doc, code, detail) fails((doc), (code), (detail), __LINE__)

#endif
