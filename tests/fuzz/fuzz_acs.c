/* The ACS: what a DS, a browser, the issuer's systems and the clock do to one transaction. Byte 0 picks the AReq, byte 1 what
 * the rules want, byte 2 the issuer's systems; then follow steps of two bytes, some with a text behind them. The engine runs
 * with the store in memory.
 *
 * One outcome at most, and always the same bytes of it; no account number and no code in an answer or in the log (acs_world.h
 * looks at both); every RReq passes the tables; and in the end the transaction is closed. */
#include "unit.h"
#include "fuzz.h"
#include "acs_world.h"
#include "acs_issuer.h"

#define BEGAN      apr_time_from_sec(1700000000)
#define STEPS_MAX  48
#define WORLD_LIFE 500 /* executions: templates are compiled once for so many */

/* ---- input ---------------------------------------------------------------- */

static const uint8_t *at, *end;

static unsigned byte(void)
{
    return at < end ? *at++ : 0;
}

/* A text: its length in the next byte, at most what there is. */
static const char *text(void)
{
    size_t n = byte(), left = (size_t)(end - at), i;
    char *out;

    if (n > left) n = left;
    out = apr_pstrmemdup(pool, (const char *)at, n);
    for (i = 0; i < n; ++i) {
        if (!out[i]) out[i] = ' ';
    }
    at += n;
    return out;
}

/* threeDSSessionData: it comes back byte for byte (B-03), so that what must be in no answer must not be in here. */
static const char *session_data(void)
{
    const char *data = text();

    return strstr(data, PAN) || (world.otp[0] && strstr(data, world.otp)) ? "c2Vzc2lvbg" : data;
}

/* ---- the world ------------------------------------------------------------ */

/* The gateway for codes takes any address: the card system is free to name one. */
static void call(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *p)
{
    json_t *doc;

    if (strcmp(req->url, OTP_URL)) {
        world_call(baton, req, resp, p);
        return;
    }
    doc = parse(req->body, req->len);
    ++world.otps;
    apr_cpystrn(world.otp, tds_json_get(doc, "otp"), sizeof world.otp);
    MUST(*tds_json_get(doc, "to") && strstr(tds_json_get(doc, "text"), world.otp));
    *resp = (tds_http_resp_t){.result = TDS_HTTP_OK, .status = 204, .body = ""};
}

static apr_pool_t *life; /* of what executions share; the helpers of the world use pool, which is that of this one */

static void over(void)
{
    pool = life;
    unit_teardown(NULL);
}

static void begin(apr_pool_t *here)
{
    static acs_pages_t *pages;
    static int age;

    pool = life;
    if (!pool || ++age % WORLD_LIFE == 0) {
        if (pool) unit_teardown(NULL);
        else MUST(atexit(over) == 0);
        MUST(world_setup(NULL) == 0);
        life = pool;
        pages = world.issuer.pages;
    }
    pool = here;
    world.now = BEGAN;
    memset(world.hooks, 0, sizeof world.hooks);
    memset(world.breakers, 0, sizeof world.breakers);
    world.mood = DS_RRES;
    world.decoupled = world.three_ri = world.app = 0;
    world_conf();
    world.issuer.pages = pages;
    world_forget();
    world.http.call = call;
    world.conf.versions = TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V231);
    world.conf.issuer_url = "https://acs.test/acs/issuer";
    world.mem = tds_mem_make(world_clock, here);
    run.store = tds_store_make(&tds_store_mem_ops, world.mem, "acs", world.keys, world_clock, here);
    run.pool = here;
}

/* What the issuer's systems answer: what the input said last. */
static const char *says;

static const char *bank(const char *path, const json_t *doc)
{
    return says;
}

static void open_issuer(unsigned bits)
{
    static const acs_hook_e kinds[] = {ACS_HOOK_CARD,  ACS_HOOK_RISK,  ACS_HOOK_DELEGATE, ACS_HOOK_OOB, ACS_HOOK_DECOUPLED,
                                       ACS_HOOK_TRUST, ACS_HOOK_NOTICE};
    int i;

    for (i = 0; i < COUNT(kinds); ++i) {
        if (bits & 1u << i) (void)add_hook(kinds[i]);
    }
    says = "{}";
    world.bank = bank;
    world.issuer.reads = bits & 2 ? ACS_READS_RISK : 0;
    world.issuer.trust_list = bits & 32 ? ACS_TRUST_HOOK : ACS_TRUST_STORE;
    world.issuer.fallback = bits & 128 ? ACS_DEC_ALWAYS : bits & 16 ? ACS_DEC_FAILED : ACS_DEC_OFF;
    if (bits & 8) world.hooks[ACS_HOOK_OOB].fallback = bits & 128 ? ACS_FALLBACK_OTP : ACS_FALLBACK_AGAIN;
}

static void want(unsigned b)
{
    static const acs_outcome_t outcomes[] = {
        {"C", NULL, NULL}, {"C", NULL, "oob"}, {"C", NULL, "delegate"}, {"C", NULL, "otp"},  {"D", NULL, NULL}, {"S", NULL, NULL},
        {"Y", NULL, NULL}, {"A", NULL, NULL},  {"N", "01", NULL},       {"R", "11", NULL},   {"U", "22", NULL}, {"I", NULL, NULL}, {"C", NULL, "spc"}};
    static const char credential[] = "[{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"publicKey\":\"MFkw\"}]";

    world.outcome = outcomes[b % COUNT(outcomes)];
    world.issuer.methods = "otp delegate oob spc";
    world.issuer.decoupled_text = "Approve it in the app of Example Bank.";
    world.issuer.spc_icon = "https://bank.test/card.png";
    world.card.rp_id = "bank.test";
    world.card.credentials = parse(credential, sizeof credential - 1);
}

/* ---- one transaction ------------------------------------------------------- */

static struct {
    const char *areq;   /* as it came first, and comes again */
    const char *id;     /* acsTransID; NULL: no ARes */
    const char *status; /* of the ARes */
    const char *version, *server_id;
    const char *token; /* of the last page */
    int erro, jumped;  /* the DS sent one; the node slept */
} t;

static void clean(const acs_answer_t *a)
{
    MUST(!a->body || strlen(a->body) == a->len);
    MUST(!a->body || !strstr(a->body, PAN));
    MUST(!a->body || !world.otp[0] || !strstr(a->body, world.otp));
}

static const char *base_areq(unsigned b)
{
    static const char *const versions[] = {"2.2.0", "2.3.1", "2.1.0"};
    static const char *const names[] = {"areq-brw-pa", "areq-brw-npa", "areq-app-pa", "areq-3ri-npa"};
    static const char *const asks[] = {"N", "Y", "F", "B"};
    const char *version = versions[b % 3], *name = names[b / 3 % 4];
    json_t *doc = areq_base(version, name, DS_ID);

    if (b % 3 && b / 12 % 4) tds_json_set(doc, "threeDSRequestorDecReqInd", asks[b / 12 % 4]);
    if (b % 3 == 0 && b / 12 % 2) tds_json_set(doc, "threeDSRequestorDecReqInd", "Y");
    if (b / 12 % 4) tds_json_set(doc, "threeDSRequestorDecMaxTime", "00010");
    if (b % 3 == 1 && b / 48 % 2) {
        tds_json_set(doc, "threeDSRequestorSpcSupport", "Y");
        tds_json_set(doc, "payeeOrigin", "https://shop.test");
    }
    return tds_json_text(doc, NULL, pool);
}

static void send_areq(const char *body)
{
    acs_answer_t a = {0};
    json_t *ares;

    fresh_run();
    acs_run_areq(&run, body, strlen(body), &a);
    MUST(a.status == 200);
    clean(&a);
    if (!a.len) return; /* it took an Erro */
    ares = parse(a.body, a.len);
    if (!tds_json_get(ares, "transStatus")) return;
    MUST(!t.id); /* a repeat never gets a second ARes */
    t.id = tds_json_get(ares, "acsTransID");
    t.server_id = tds_json_get(ares, "threeDSServerTransID");
    t.version = tds_json_get(ares, "messageVersion");
    t.status = tds_json_get(ares, "transStatus");
    world.decoupled = *t.status == 'D';
}

static void saw(const seen_t *seen)
{
    if (seen->token) t.token = seen->token;
}

static void send_creq(const char *more, const char *session)
{
    const char *creq = apr_psprintf(pool,
                                    "{\"messageType\":\"CReq\",\"messageVersion\":\"%s\",\"threeDSServerTransID\":\"%s\","
                                    "\"acsTransID\":\"%s\"%s}",
                                    t.version, t.server_id, t.id, more);
    seen_t seen = creq_text(tds_b64url_encode(creq, strlen(creq), pool), session);

    saw(&seen);
}

static void send_result(int decoupled, const char *body)
{
    acs_call_t call = {.what = {.method = "POST", .path = "/", .body = body, .len = strlen(body)}};
    acs_answer_t a = {0};

    fresh_run();
    acs_issuer_result(&run, &world.issuer, t.id, decoupled, &call, &a);
    MUST(a.status == 200 || a.status == 400 || a.status == 404 || a.status == 409);
    clean(&a);
}

static void send_erro(void)
{
    const char *body = apr_psprintf(pool,
                                    "{\"messageType\":\"Erro\",\"messageVersion\":\"%s\",\"errorCode\":\"203\",\"errorComponent\":\"D\","
                                    "\"errorDescription\":\"x\",\"errorDetail\":\"x\",\"dsTransID\":\"" DS_ID "\",\"acsTransID\":\"%s\"}",
                                    t.version, t.id);

    t.erro = 1;
    send_areq(body);
}

static void sleep_for(unsigned b)
{
    static const int seconds[] = {0, 1, 2, 8, 13, 31, 130, 601, 3700, 90000};
    int n = seconds[b % COUNT(seconds)];

    t.jumped |= n > 3600;
    world.now += apr_time_from_sec(n);
}

static const char *const results[] = {"ACCEPTED", "DECLINED", "FRAUD", "FAILED", "CANCELLED", "REACHED", "PENDING"};

static const char *result_body(unsigned b)
{
    return apr_psprintf(pool, "{\"status\":\"%s\"}", results[b % COUNT(results)]);
}

static void type_in(const char *action, const char *otp)
{
    seen_t seen;

    if (!t.token) return;
    seen = press(t.token, action, otp);
    saw(&seen);
}

static void confirm_with(const char *assertion)
{
    acs_form_t form = {.token = t.token, .assertion = assertion};
    acs_answer_t a = {0};
    seen_t seen;

    if (!t.token) return;
    fresh_run();
    acs_run_form(&run, &form, &a);
    seen = look(&a);
    saw(&seen);
}

static void look_again(void)
{
    seen_t seen;

    if (!t.token) return;
    seen = reload(t.token);
    saw(&seen);
}

static void step(void)
{
    static const char *const answers[] = {NULL, "{}", "404", "timeout", "{\"result\":\"right\"}", "{\"result\":\"wrong\"}",
                                          "{\"result\":\"locked\"}"};
    static const char *const actions[] = {"submit", "cancel", "resend", "continue", "other"};
    static const char assertion[] = "{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"response\":{\"clientDataJSON\":\"eyJ0eXBlIjoicGF5bWVudC5nZXQifQ\","
                                    "\"authenticatorData\":\"AAAA\",\"signature\":\"AAAA\"}}";
    unsigned what = byte(), b = byte();
    const char *first;

    switch (what < 240 ? what % 14 : 14) {
    case 0:
        send_creq(",\"challengeWindowSize\":\"02\"", b & 1 ? "c2Vzc2lvbg" : NULL);
        break;
    case 1:
        first = text(); /* arguments have no order */
        send_creq(first, session_data());
        break;
    case 2:
        type_in("submit", world.otp[0] ? world.otp : "123456");
        break;
    case 3:
        type_in("submit", world.otp[0] ? wrong_otp() : "123457");
        break;
    case 4:
        type_in(actions[b % COUNT(actions)], NULL);
        break;
    case 5:
        first = text();
        type_in(first, text());
        break;
    case 6:
        look_again();
        break;
    case 7:
        sleep_for(b);
        break;
    case 8:
        (void)due();
        break;
    case 9:
        send_result(b & 1, b & 2 ? text() : result_body(b / 4));
        break;
    case 10:
        order((ds_mood_e)(b % 7), (int)(b / 7 % 4));
        t.jumped |= b % 7 == DS_CONNECT;
        break;
    case 11:
        says = b & 8 ? result_body(b / 16) : answers[b % COUNT(answers)];
        break;
    case 12:
        says = text();
        break;
    case 14:
        confirm_with(b & 1 ? text() : b & 2 ? "{}" : assertion);
        break;
    default:
        if (b & 1) send_erro();
        else if (world.now < BEGAN + world.conf.duplicate_memory) send_areq(t.areq); /* then it is forgotten */
    }
}

/* However it went: in the end it is closed, and who was promised an RReq has had one. */
static void wind_up(void)
{
    acs_txn_t *txn;
    int i;

    order(DS_RRES, 0);
    for (i = 0; i < 80; ++i) {
        world.now += apr_time_from_sec(i < 40 ? 300 : 6 * 3600);
        (void)due();
    }
    fresh_run();
    if (acs_load(&run, t.id, 0, &txn) == APR_SUCCESS) MUST(txn->state == ACS_ST_FINAL && !txn->pan);
    if (strchr("CD", *t.status) && !t.erro && !t.jumped) MUST(world.rreqs > 0);
    if (!strchr("CDS", *t.status)) MUST(!world.rreqs);
}

static void one(const uint8_t *data, size_t size, apr_pool_t *here)
{
    unsigned which, wish, systems;
    int i;

    begin(here);
    at = data;
    end = data + size;
    which = byte();
    wish = byte();
    systems = byte();
    memset(&t, 0, sizeof t);
    open_issuer(systems);
    want(wish);
    if (systems & 1) says = text(); /* of the card system */
    t.areq = base_areq(which);
    world.app = which / 3 % 4 == 2;
    world.three_ri = which / 3 % 4 == 3;
    send_areq(t.areq);
    for (i = 0; t.id && at < end && i < STEPS_MAX; ++i) step();
    if (t.id) wind_up();
}
