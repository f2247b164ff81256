/* Secure payment confirmation, consents, trust list. Written from N-10 to N-13, N-20, P-15. Assertions are made here, with keys
 * of their own. */
#include "unit.h"
#include "acs_spc_world.h"
#include "acs_cha.h"
#include "acs_issuer.h"
#include "acs_trust.h"

static int setup(void **state)
{
    return spc_setup(state, "S");
}

static json_t *offered(int n)
{
    json_t *ares = areq_doc(first_areq(n));

    is(ares, "transStatus", "S");
    return ares;
}

static fake_t honest(json_t *ares)
{
    const json_t *data = json_object_get(ares, "spcTransData");

    return (fake_t){.type = "payment.get", .rp = RP, .payee = "https://shop.test", .value = tds_json_get(data, "value"),
                    .currency = tds_json_get(data, "currency"), .challenge = tds_json_get(data, "challenge"), .id = CRED,
                    .display = tds_json_get(data, "displayName"), .icon = tds_json_get(data, "icon"),
                    .origin = "https://shop.test", .auth_rp = RP, .flags = 0x05, .count = 1, .key = key};
}

static json_t *second_areq(const char *prior, json_t *auth_data, const char *incomplete, int n)
{
    json_t *doc = first_areq(n);

    tds_json_set(doc, "threeDSServerTransID", "8a880dc0-d2d2-4067-bcb1-b08d1690b26f");
    json_object_set_new(doc, "threeDSRequestorPriorAuthenticationInfo",
                        json_pack("[{s:s, s:s}]", "threeDSReqPriorAuthMethod", "05", "threeDSReqPriorRef", prior));
    if (auth_data)
        json_object_set_new(doc, "threeDSRequestorAuthenticationInfo",
                            json_pack("[{s:s, s:o}]", "threeDSReqAuthMethod", "09", "threeDSReqAuthData", auth_data));
    tds_json_set(doc, "spcIncompInd", incomplete);
    return doc;
}

static json_t *confirm(json_t *ares, const fake_t *f, int n)
{
    return areq_doc(second_areq(tds_json_get(ares, "acsTransID"), assertion(f), NULL, n));
}

/* ---- offer --------------------------------------------------------------------------- */

/* Rules "spc", then "challenge". */
static const acs_rule_t *no_spc_match(void *baton, const acs_facts_t *facts, apr_pool_t *p)
{
    world.outcome = (acs_outcome_t){facts->no_spc ? "C" : "S", NULL, NULL};
    return world_match(baton, facts, p);
}

static void offer(void **state)
{
    json_t *ares = offered(0), *data = json_object_get(ares, "spcTransData"), *creds = json_object_get(ares, "webAuthnCredList");

    assert_in_range(strlen(tds_json_get(data, "challenge")), 43, 100);
    is(data, "currency", "EUR");
    is(data, "value", "123.45");
    is(data, "payeeOrigin", "https://shop.test");
    is(data, "icon", "https://bank.test/card.png");
    assert_in_range(atol(tds_json_get(data, "timeout")), 60000, 500000);
    assert_int_equal(json_array_size(creds), 1);
    is(json_array_get(creds, 0), "rpID", RP);
    is(json_array_get(creds, 0), "credentialIds", CRED);
    absent(ares, "authenticationValue");
    absent(ares, "acsURL");
    assert_int_equal(due(), 0); /* no RReq yet */
    assert_string_not_equal(tds_json_get(json_object_get(offered(1), "spcTransData"), "challenge"), tds_json_get(data, "challenge"));
}

/* What makes S impossible. (Rules of a server pass over it; here it is all there is, and becomes U.) */
static void no_offer(void **state)
{
    json_t *doc = first_areq(0);

    json_object_del(doc, "threeDSRequestorSpcSupport");
    json_object_del(doc, "payeeOrigin");
    is(areq_doc(doc), "transStatus", "U");
    is(areq_doc(areq_base("2.2.0", "areq-brw-pa", ID(1))), "transStatus", "U");
    is(areq_doc(areq_base("2.3.1", "areq-3ri-pa", ID(2))), "transStatus", "U");
    world.card.rp_id = NULL;
    is(areq_doc(first_areq(3)), "transStatus", "U");
    give_credential(key);
    world.issuer.spc_icon = NULL;
    is(areq_doc(first_areq(4)), "transStatus", "U");
}

/* ---- second AReq ------------------------------------------------------------------------ */

static void confirmed(void **state)
{
    json_t *ares = offered(0), *second;
    fake_t f = honest(ares);

    second = confirm(ares, &f, 1);
    is(second, "transStatus", "Y");
    is(second, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    is(second, "eci", "05");
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    world.now += apr_time_from_sec(3600);
    assert_int_equal(due(), 0);
    assert_int_equal(world.rreqs, 0); /* N-13 */
    is(confirm(ares, &f, 2), "transStatus", "U"); /* used: an AReq like any other, and no S again */
}

static void other_keys(void **state)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    int i;

    for (i = 0; i < COUNT(keys); ++i) {
        json_t *ares;
        fake_t f;

        give_credential(keys[i]);
        ares = offered(10 * i);
        f = honest(ares);
        f.key = keys[i];
        is(confirm(ares, &f, 10 * i + 1), "transStatus", "Y");
        EVP_PKEY_free(keys[i]);
    }
}

/* As text, and as base64url of it. */
static void other_shapes(void **state)
{
    int i;

    for (i = 0; i < 2; ++i) {
        json_t *ares = offered(10 * i), *object;
        fake_t f = honest(ares);
        const char *text;

        object = assertion(&f);
        text = tds_json_text(object, NULL, pool);
        json_decref(object);
        if (i) text = tds_b64url_encode(text, strlen(text), pool);
        is(areq_doc(second_areq(tds_json_get(ares, "acsTransID"), json_string(text), NULL, 10 * i + 1)), "transStatus", "Y");
    }
}

/* A browser that cannot load the picture of the card, and may go on without, signs an empty icon. */
static void without_icon(void **state)
{
    json_t *ares = offered(0);
    fake_t f = honest(ares);

    f.icon = "";
    is(confirm(ares, &f, 1), "transStatus", "Y");
}

/* One lie each: no Erro, no Y. */
static void lies(void **state)
{
    EVP_PKEY *other = EVP_EC_gen("P-256"), *p384 = EVP_EC_gen("P-384"), *weak = EVP_RSA_gen(1024);
    int i;

    for (i = 0; i < 21; ++i) {
        json_t *ares, *second;
        fake_t f;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        give_credential(i == 11 ? p384 : i == 12 ? weak : key);
        ares = offered(4 * i);
        f = honest(ares);
        if (i == 0) f.type = "webauthn.get";
        if (i == 1) f.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        if (i == 2) f.rp = "evil.test";
        if (i == 3) f.payee = "https://evil.test";
        if (i == 4) f.value = "1.00";
        if (i == 5) f.currency = "USD";
        if (i == 6) f.id = "BBECAwQFBgcICQoLDA0ODw";
        if (i == 7) f.auth_rp = "evil.test";
        if (i == 8) f.flags = 0x01; /* not verified */
        if (i == 9) f.flags = 0x04; /* not present */
        if (i == 10) f.key = other;
        if (i == 11) f.key = p384;
        if (i == 12) f.key = weak;
        if (i == 13) f.display = "Another card";
        if (i == 14) f.icon = "https://evil.test/card.png";
        if (i == 15) f.display = NULL;
        if (i == 16) f.origin = "http://shop.test";
        if (i == 17) f.origin = NULL;
        if (i == 18) f.name = "Somebody else"; /* it was not offered */
        if (i == 19) f.payee = NULL;
        if (i == 20) f.flags = 0;
        world.outcome = (acs_outcome_t){"C", NULL, NULL};
        second = confirm(ares, &f, 4 * i + 1);
        is(second, "messageType", "ARes");
        is(second, "transStatus", "C"); /* the challenge goes on otherwise */
        assert_true(logged("ACS0170"));
        world.logged = "";
    }
    EVP_PKEY_free(other);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(weak);
}

/* Where the rules do not want another challenge a lie is an N: the purchase was not confirmed (N-13). */
static void lies_without_challenge(void **state)
{
    static const char *const wants[] = {"S", "Y", "A", "I"};
    int i;

    for (i = 0; i < COUNT(wants); ++i) {
        json_t *ares, *second;
        fake_t f;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        ares = offered(4 * i);
        f = honest(ares);
        f.value = "1.00";
        world.outcome = (acs_outcome_t){wants[i], NULL, NULL};
        second = confirm(ares, &f, 4 * i + 1);
        is(second, "messageType", "ARes");
        is(second, "transStatus", "N");
        is(second, "transStatusReason", "01");
        absent(second, "authenticationValue");
    }
}

/* The second AReq is about what was shown: shop, origin, exponent (N-13). */
static void about_another_purchase(void **state)
{
    static const char *const change[][2] = {{"merchantName", "Another shop"}, {"payeeOrigin", "https://evil.test"},
                                            {"purchaseAmount", "1"}, {"threeDSRequestorID", "R-2"}};
    int i;

    for (i = 0; i < COUNT(change); ++i) {
        json_t *ares, *doc;
        fake_t f;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        ares = offered(4 * i);
        f = honest(ares);
        doc = second_areq(tds_json_get(ares, "acsTransID"), assertion(&f), NULL, 4 * i + 1);
        tds_json_set(doc, change[i][0], change[i][1]);
        world.logged = "";
        is(areq_doc(doc), "transStatus", "N");
        assert_true(logged("ACS0171"));
    }
}

/* N-15: any https page, or one of those that the issuer has named. */
static void origins(void **state)
{
    static const char *const rows[][2] = {{"https://shop.test", "Y"}, {"https://pay.test:8443", "Y"}, {"https://evil.test", "N"}};
    int i;

    for (i = 0; i < 2 * COUNT(rows); ++i) {
        json_t *ares;
        fake_t f;

        if (i == COUNT(rows)) {
            world.issuer.spc_origins = apr_array_make(pool, 2, sizeof(const char *));
            APR_ARRAY_PUSH(world.issuer.spc_origins, const char *) = "https://shop.test";
            APR_ARRAY_PUSH(world.issuer.spc_origins, const char *) = "https://pay.test:8443";
        }
        ares = offered(4 * i);
        f = honest(ares);
        f.origin = rows[i % COUNT(rows)][0];
        is(confirm(ares, &f, 4 * i + 1), "transStatus", i < COUNT(rows) ? "Y" : rows[i - COUNT(rows)][1]);
    }
}

static void give_count(json_t *count)
{
    json_object_set_new((json_t *)json_array_get(world.card.credentials, 0), "signCount", count);
}

/* WebAuthn 7.2: the count grows, where there is one. The issuer is told the new one. */
static void sign_counts(void **state)
{
    static const struct { int known, now; const char *status; } rows[] = {
        {0, 0, "Y"}, {0, 1, "Y"}, {5, 6, "Y"}, {5, 200, "Y"}, {5, 5, "N"}, {5, 4, "N"}, {5, 0, "N"}};
    int i;

    add_hook(ACS_HOOK_NOTICE);
    for (i = 0; i < COUNT(rows); ++i) {
        json_t *ares, *told;
        fake_t f;

        give_count(i % 2 ? json_integer(rows[i].known) : json_string(apr_itoa(pool, rows[i].known)));
        ares = offered(4 * i);
        f = honest(ares);
        f.count = (unsigned char)rows[i].now;
        world.bank_doc = NULL;
        is(confirm(ares, &f, 4 * i + 1), "transStatus", rows[i].status);
        (void)due();
        told = json_object_get(world.bank_doc, "credential");
        if (rows[i].status[0] == 'N' || !rows[i].now) assert_null(told);
        else {
            is(told, "id", CRED);
            assert_int_equal(json_integer_value(json_object_get(told, "signCount")), rows[i].now);
        }
    }
}

static void garbage(void **state)
{
    static const char *const texts[] = {"x", "{}", "eyJ9", "{\"id\":\"" CRED "\"}",
                                        "{\"id\":\"" CRED "\",\"clientDataJSON\":\"e30\",\"authenticatorData\":\"AA\",\"signature\":\"AA\"}"};
    int i;

    for (i = 0; i < COUNT(texts); ++i) {
        json_t *ares;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        ares = offered(4 * i);
        world.outcome = (acs_outcome_t){"C", NULL, NULL};
        is(areq_doc(second_areq(tds_json_get(ares, "acsTransID"), json_string(texts[i]), NULL, 4 * i + 1)), "transStatus", "C");
    }
}

/* Another card, amount or requestor: not the same transaction, so the assertion does not count, and the first goes on. */
static void other_transaction(void **state)
{
    static const char *const change[][2] = {{"purchaseAmount", "99"}, {"purchaseCurrency", "840"}, {"threeDSRequestorID", "R-2"}};
    int i;

    for (i = 0; i < COUNT(change); ++i) {
        json_t *ares, *doc;
        fake_t f;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        ares = offered(4 * i);
        f = honest(ares);
        world.outcome = (acs_outcome_t){"C", NULL, NULL};
        doc = second_areq(tds_json_get(ares, "acsTransID"), assertion(&f), NULL, 4 * i + 1);
        tds_json_set(doc, change[i][0], change[i][1]);
        is(areq_doc(doc), "transStatus", "C");
        assert_int_equal(record(ares)->state, ACS_ST_SPC_WAIT);
    }
}

/* N-12: not run, cancelled, timed out. */
static void incomplete(void **state)
{
    static const char *const inds[] = {"01", "02", "03"};
    int i;

    for (i = 0; i < COUNT(inds); ++i) {
        json_t *ares;

        world.outcome = (acs_outcome_t){"S", NULL, NULL};
        ares = offered(4 * i);
        world.outcome = (acs_outcome_t){"N", "01", NULL};
        is(areq_doc(second_areq(tds_json_get(ares, "acsTransID"), NULL, inds[i], 4 * i + 1)), "transStatus", "N");
        assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    }
    world.now += apr_time_from_sec(700);
    assert_int_equal(due(), 0);
    assert_int_equal(world.rreqs, 0);
}

/* What the issuer is told of it. */
static void silent_noticed(void **state)
{
    add_hook(ACS_HOOK_NOTICE);
    (void)offered(0);
    world.now += world.conf.challenge_timeout + 1;
    (void)due();
    is(world.rreq, "challengeCancel", "04");
    (void)due();
    is(world.bank_doc, "transStatus", "N");
    is(world.bank_doc, "method", "spc");
}

/* A long name of the issuer is cut where a character ends. */
static void long_name(void **state)
{
    json_t *data;

    world.issuer.display_name = "Raiffeisenlandesbank Ober\xc3\xb6sterreich"; /* the 30th byte is inside of a character or not */
    data = json_object_get(offered(0), "spcTransData");
    assert_non_null(tds_json_get(data, "displayName"));
    world.issuer.display_name = "Caisse d\xe2\x80\x99\xc3\x89pargne C\xc3\xb4te d\xe2\x80\x99\xc3\x89meraude";
    data = json_object_get(offered(1), "spcTransData");
    assert_non_null(tds_json_get(data, "displayName"));
    world.issuer.display_name = "B\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
    data = json_object_get(offered(2), "spcTransData");
    assert_non_null(tds_json_get(data, "displayName"));
    world.issuer.display_name = "\xe9\x8a\x80\xe8\xa1\x8c\xe9\x8a\x80\xe8\xa1\x8c\xe9\x8a\x80\xe8\xa1\x8c\xe9\x8a\x80\xe8\xa1\x8c"
                                "\xe9\x8a\x80\xe8\xa1\x8c\xe9\x8a\x80\xe8\xa1\x8c"; /* 12 characters are not long */
    data = json_object_get(offered(3), "spcTransData");
    assert_string_equal(tds_json_get(data, "displayName"), apr_pstrcat(pool, world.issuer.display_name, " 0002", NULL));
}

/* A credential id that no ARes can carry (16 to 1000 characters) is none: the next rule decides. */
static void unusable_credentials(void **state)
{
    json_t *doc = tds_json_object(pool);

    json_object_set_new(doc, "c", json_pack("[{s:s, s:s}]", "id", "AAECAwQFBgc", "publicKey", spki(key)));
    world.card.credentials = json_object_get(doc, "c");
    run.match = no_spc_match;
    is(areq_doc(first_areq(0)), "transStatus", "C");
}

/* R-14, X-TIME-09 */
static void silent(void **state)
{
    json_t *ares = offered(0);
    fake_t f = honest(ares);

    world.now += apr_time_from_sec(599);
    assert_int_equal(due(), 0);
    world.now += apr_time_from_sec(1);
    assert_int_equal(due(), 1);
    is(world.rreq, "transStatus", "N");
    is(world.rreq, "transStatusReason", "14");
    is(world.rreq, "challengeCancel", "04");
    is(world.rreq, "interactionCounter", "00");
    assert_string_equal(json_string_value(json_array_get(json_object_get(world.rreq, "authenticationMethod"), 0)), "14");
    assert_int_equal(acs_metric_timeouts(&world.metrics), 1);
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    is(confirm(ares, &f, 1), "transStatus", "C"); /* too old: not counted */
    assert_int_equal(world.rreqs, 1);
}

/* A rule that rejects still rejects. */
static void rejected_all_the_same(void **state)
{
    json_t *ares = offered(0);
    fake_t f = honest(ares);

    world.outcome = (acs_outcome_t){"R", "11", NULL};
    is(confirm(ares, &f, 1), "transStatus", "R");
}

/* ---- consents, trust list ------------------------------------------------------------------ */

static json_t *asking(const char *ind, int n)
{
    json_t *doc = areq_base("2.2.0", "areq-brw-pa", ID(n));

    tds_json_set(doc, "threeDSRequestorChallengeInd", ind);
    world.outcome = (acs_outcome_t){"C", NULL, NULL};
    return areq_doc(doc);
}

static seen_t tick(const char *token, const char *otp, const char *trust)
{
    acs_form_t form = {.token = token, .action = "submit", .otp = otp, .trust = trust};
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_form(&run, &form, &answer);
    return look(&answer);
}

static void trusted(void **state)
{
    json_t *ares;
    seen_t page;

    world.issuer.trust_list = ACS_TRUST_STORE;
    ares = asking("09", 0);
    is(ares, "whiteListStatus", "N");
    is(ares, "whiteListStatusSource", "03");
    page = creq(ares);
    assert_non_null(strstr(page.answer.body, "name=\"trust\""));
    (void)tick(page.token, world.otp, "Y");
    is(world.rreq, "whiteListStatus", "Y");
    is(world.rreq, "whiteListStatusSource", "03");
    (void)due(); /* the list is written behind the cardholder's back */
    world_forget();
    is(asking("09", 1), "whiteListStatus", "Y");
}

static void not_trusted(void **state)
{
    json_t *ares;
    seen_t page;

    world.issuer.trust_list = ACS_TRUST_STORE;
    page = creq(asking("09", 0));
    (void)tick(page.token, world.otp, NULL); /* a box left empty is an answer, too */
    is(world.rreq, "whiteListStatus", "R");
    (void)due();
    world_forget();
    ares = asking("04", 1);
    is(ares, "whiteListStatus", "N");
    page = creq(ares);
    assert_null(strstr(page.answer.body, "name=\"trust\"")); /* nobody asked for it */
    (void)tick(page.token, world.otp, "Y");
    absent(world.rreq, "whiteListStatus"); /* P-15: unasked is ignored */
}

/* P-15: only the cardholder consents, and who has not been authenticated is anybody. */
static void trusted_by_nobody(void **state)
{
    static const char *const ends[] = {"wrong", "cancel", "silence"};
    seen_t page;
    int i, j;

    world.issuer.trust_list = ACS_TRUST_STORE;
    for (i = 0; i < COUNT(ends); ++i) {
        world_forget();
        page = creq(asking("09", 10 * i));
        for (j = 0; j < (i ? 1 : world.issuer.otp_attempts); ++j) page = tick(page.token, wrong_otp(), "Y");
        if (i == 1) (void)press(page.token, "cancel", NULL);
        if (i == 2) world.now += world.conf.challenge_timeout + 1;
        (void)due();
        is(world.rreq, "transStatus", "N");
        absent(world.rreq, "whiteListStatus");
        absent(world.rreq, "whiteListStatusSource");
        (void)due();
        world_forget();
        world.outcome = (acs_outcome_t){"Y", NULL, NULL};
        is(areq_doc(areq_base("2.2.0", "areq-brw-pa", ID(10 * i + 1))), "whiteListStatus", "N");
    }
}

/* The lists are the issuer's, and it has no ear for consents: nobody would keep the answer. */
static void nobody_to_tell(void **state)
{
    seen_t page;

    world.issuer.trust_list = ACS_TRUST_HOOK; /* told by the card hook */
    page = creq(asking("09", 0));
    assert_null(strstr(page.answer.body, "name=\"trust\""));
    (void)tick(page.token, world.otp, "Y");
    absent(world.rreq, "whiteListStatus");
    add_hook(ACS_HOOK_TRUST);
    page = creq(asking("09", 1));
    assert_non_null(strstr(page.answer.body, "name=\"trust\""));
}

/* A cancelled challenge gives no consent. */
static void cancelled(void **state)
{
    seen_t page;

    world.issuer.trust_list = ACS_TRUST_STORE;
    page = creq(asking("09", 0));
    (void)press(page.token, "cancel", NULL);
    absent(world.rreq, "whiteListStatus");
}

static void list_calls(void **state)
{
    static const char body[] = "{\"acquirerBIN\":\"400551\",\"acquirerMerchantID\":\"MERCHANT-1\",\"merchantName\":\"Corner Shop\"}";
    const char *index = acs_card_index(world.keys, PAN, pool);
    acs_call_t call = {.what = {.body = body, .len = sizeof body - 1}};
    acs_answer_t answer = {0};
    json_t *list;

    acs_issuer_trust_list(&run, &world.issuer, index, &answer);
    assert_int_equal(answer.status, 404); /* no list here */
    world.issuer.trust_list = ACS_TRUST_STORE;
    acs_issuer_trust_change(&run, &world.issuer, index, 1, &call, &answer);
    assert_int_equal(answer.status, 200);
    acs_issuer_trust_list(&run, &world.issuer, index, &answer);
    list = json_object_get(parse(answer.body, answer.len), "merchants");
    assert_int_equal(json_array_size(list), 1);
    is(json_array_get(list, 0), "merchantName", "Corner Shop");
    is(asking("01", 0), "whiteListStatus", "Y");
    acs_issuer_trust_change(&run, &world.issuer, index, 0, &call, &answer);
    assert_int_equal(answer.status, 200);
    is(asking("01", 1), "whiteListStatus", "N");
    acs_issuer_trust_change(&run, &world.issuer, "no index", 1, &call, &answer);
    assert_int_equal(answer.status, 404);
    call.what = (tds_signed_t){.body = "{}", .len = 2};
    acs_issuer_trust_change(&run, &world.issuer, index, 1, &call, &answer);
    assert_int_equal(answer.status, 400);
}

static void list_is_bounded(void **state)
{
    const char *index = acs_card_index(world.keys, PAN, pool);
    int i;

    for (i = 0; i < ACS_TRUST_MAX; ++i) {
        acs_merchant_t m = {"400551", apr_psprintf(pool, "M%d", i), "Shop"};
        assert_ok(acs_trust_change(&run, index, &m, 1));
    }
    assert_int_equal(acs_trust_change(&run, index, &(acs_merchant_t){"1", "2", "3"}, 1), APR_ENOSPC);
    assert_ok(acs_trust_change(&run, index, &(acs_merchant_t){"400551", "M7", "Shop"}, 1)); /* is on it already */
}

/* The other node: it changes the same list between our reading and our writing, so many times. */
static struct {
    int times, on;
    tds_store_t *store;
} other;

static apr_status_t batch_and_other(void *baton, tds_store_read_t *reads, int n, apr_pool_t *p, tds_err_t *e)
{
    const char *index = acs_card_index(world.keys, PAN, pool);
    acs_merchant_t theirs = {"400551", "THEIRS", "Other Shop"};
    apr_status_t rv = tds_store_mem_ops.batch(baton, reads, n, p, e);
    acs_run_t node = run;

    if (!other.times) return rv;
    --other.times;
    node.store = other.store;
    assert_ok(acs_trust_change(&node, index, &theirs, other.on));
    return rv;
}

static void both_at_once(tds_store_ops_t *ops, int times)
{
    *ops = tds_store_mem_ops;
    ops->batch = batch_and_other;
    other.times = times;
    other.on = 1;
    other.store = run.store;
    run.store = tds_store_make(ops, world.mem, "acs", world.keys, world_clock, pool);
}

/* Two consents of a card in the same instant are two merchants on its list; one that is taken off stays off. */
static void list_of_two_writers(void **state)
{
    const char *index = acs_card_index(world.keys, PAN, pool);
    acs_merchant_t ours = {"400551", "OURS", "Shop"};
    tds_store_ops_t ops;
    json_t *list;

    both_at_once(&ops, 1); /* there is no list yet */
    assert_ok(acs_trust_change(&run, index, &ours, 1));
    assert_ok(acs_trust_list(&run, index, &list));
    assert_int_equal(json_object_size(list), 2);
    other.times = 1;
    other.on = 0; /* they take theirs off, we ours */
    assert_ok(acs_trust_change(&run, index, &ours, 0));
    assert_ok(acs_trust_list(&run, index, &list));
    assert_int_equal(json_object_size(list), 0);
    other.times = 7;
    other.on = 1;
    assert_ok(acs_trust_change(&run, index, &ours, 1));
    assert_int_equal(other.times, 0);
    assert_ok(acs_trust_list(&run, index, &list));
    assert_int_equal(json_object_size(list), 2);
}

/* It does not go on for ever; the issuer's call is to be repeated. */
static void list_of_many_writers(void **state)
{
    static const char body[] = "{\"acquirerBIN\":\"400551\",\"acquirerMerchantID\":\"OURS\"}";
    const char *index = acs_card_index(world.keys, PAN, pool);
    acs_call_t call = {.what = {.body = body, .len = sizeof body - 1}};
    acs_answer_t answer = {0};
    tds_store_ops_t ops;
    json_t *list;

    world.issuer.trust_list = ACS_TRUST_STORE;
    both_at_once(&ops, 1000);
    acs_issuer_trust_change(&run, &world.issuer, index, 1, &call, &answer);
    assert_int_equal(answer.status, 503);
    assert_true(other.times > 900);
    other.times = 0;
    assert_ok(acs_trust_list(&run, index, &list));
    assert_int_equal(json_object_size(list), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, spc_teardown)
static const struct CMUnitTest tests[] = {T(offer), T(no_offer), T(confirmed), T(other_keys), T(other_shapes), T(lies), T(without_icon), T(garbage),
                                          T(lies_without_challenge), T(about_another_purchase), T(origins), T(sign_counts),
                                          T(other_transaction), T(incomplete), T(silent), T(silent_noticed), T(long_name), T(unusable_credentials), T(rejected_all_the_same), T(trusted),
                                          T(not_trusted), T(trusted_by_nobody), T(nobody_to_tell), T(cancelled), T(list_calls), T(list_is_bounded),
                                          T(list_of_two_writers), T(list_of_many_writers)};
UNIT_MAIN(tests)
