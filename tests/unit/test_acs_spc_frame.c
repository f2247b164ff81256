/* Secure payment confirmation within the challenge frame. Written from N-14, R-17, B-34, P-15. */
#include "unit.h"
#include "acs_spc_world.h"
#include "acs_cha.h"

static int setup(void **state)
{
    if (spc_setup(state, "C")) return -1;
    world.issuer.methods = "spc otp";
    return 0;
}

static json_t *challenged(int n)
{
    json_t *ares = areq_doc(first_areq(n));

    is(ares, "transStatus", "C");
    return ares;
}

static const char *method_of(const json_t *msg)
{
    return json_string_value(json_array_get(json_object_get(msg, "authenticationMethod"), 0));
}

/* What the page gives its script. */
static json_t *asked(const seen_t *page)
{
    static const char *const entities[][2] = {{"&quot;", "\""}, {"&#34;", "\""}, {"&amp;", "&"}};
    const char *text = between(page->answer.body, "data-request=\"", "\"");
    int i;

    assert_non_null(text);
    for (i = 0; i < COUNT(entities); ++i) {
        const char *at;

        while ((at = strstr(text, entities[i][0])))
            text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), entities[i][1], at + strlen(entities[i][0]),
                               NULL);
    }
    return parse(text, strlen(text));
}

static fake_t honest(const seen_t *page)
{
    const json_t *data = json_object_get(asked(page), "data");

    return (fake_t){.type = "payment.get", .rp = RP, .payee = "https://shop.test", .name = tds_json_get(asked(page), "payeeName"),
                    .value = tds_json_get(data, "value"), .currency = tds_json_get(data, "currency"),
                    .challenge = tds_json_get(data, "challenge"), .id = CRED, .display = tds_json_get(data, "displayName"), .icon = tds_json_get(data, "icon"),
                    .origin = "https://acs.test", .count = 1, .auth_rp = RP, .flags = 0x05, .key = key};
}

static seen_t send_text(const char *token, const char *text)
{
    acs_form_t form = {.token = token, .assertion = text};
    acs_answer_t answer = {0};

    fresh_run();
    acs_run_form(&run, &form, &answer);
    return look(&answer);
}

static seen_t confirm(const char *token, const fake_t *f)
{
    json_t *object = assertion(f);
    const char *text = tds_json_text(object, NULL, pool);

    json_decref(object);
    return send_text(token, text);
}

static void confirmed(void **state)
{
    json_t *ares = challenged(0), *data;
    seen_t page;
    fake_t f;

    assert_string_equal(method_of(ares), "14");
    assert_non_null(tds_json_get(ares, "acsURL"));
    absent(ares, "spcTransData");
    page = creq(ares);
    assert_int_equal(world.otps, 0);
    is(asked(&page), "rpId", RP);
    assert_string_equal(json_string_value(json_array_get(json_object_get(asked(&page), "credentialIds"), 0)), CRED);
    data = json_object_get(asked(&page), "data");
    is(data, "value", "123.45");
    is(data, "currency", "EUR");
    is(data, "payeeOrigin", "https://shop.test");
    assert_int_equal(strlen(tds_json_get(data, "challenge")), 43);
    f = honest(&page);
    page = confirm(page.token, &f);
    is(page.message, "transStatus", "Y");
    is(world.rreq, "transStatus", "Y");
    assert_string_equal(method_of(world.rreq), "14");
    is(world.rreq, "interactionCounter", "01");
    is(world.rreq, "authenticationValue", "AAECAwQFBgcICQoLDA0ODxAREhM=");
    assert_null(record(ares)->spc_keys);
}

/* The same page after a reload asks for the same; each transaction for something else. */
static void challenges(void **state)
{
    seen_t one = creq(challenged(0)), again = reload(one.token), two = creq(challenged(1));
    const char *c = tds_json_get(json_object_get(asked(&one), "data"), "challenge");

    assert_string_equal(tds_json_get(json_object_get(asked(&again), "data"), "challenge"), c);
    assert_string_not_equal(tds_json_get(json_object_get(asked(&two), "data"), "challenge"), c);
}

/* One lie each is a wrong answer: counted, and the page again; the third ends it. */
static void lies(void **state)
{
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    int i;

    for (i = 0; i < 18; ++i) {
        json_t *ares = challenged(i);
        seen_t page = creq(ares);
        fake_t f = honest(&page);

        if (i == 0) f.type = "webauthn.get";
        if (i == 1) f.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        if (i == 2) f.rp = "evil.test";
        if (i == 3) f.payee = "https://evil.test";
        if (i == 4) f.name = "Somebody else";
        if (i == 5) f.name = NULL;
        if (i == 6) f.value = "1.00";
        if (i == 7) f.currency = "USD";
        if (i == 8) f.id = "BBECAwQFBgcICQoLDA0ODw";
        if (i == 9) f.flags = 0x01; /* not verified */
        if (i == 10) f.key = stranger;
        if (i == 11) f.auth_rp = "evil.test";
        if (i == 12) f.display = "Another card";
        if (i == 13) f.icon = "https://evil.test/card.png";
        if (i == 14) f.origin = "https://shop.test"; /* not our page (N-15) */
        if (i == 15) f.origin = NULL;
        if (i == 16) f.flags = 0x04; /* not present */
        if (i == 17) f.payee = NULL;
        world.logged = "";
        world.rreq_bytes = NULL;
        page = confirm(page.token, &f);
        assert_true(page.challenge);
        assert_true(logged("ACS0170"));
        assert_int_equal(record(ares)->attempts, 1);
        f = honest(&page);
        is(confirm(page.token, &f).message, "transStatus", "Y");
        is(world.rreq, "interactionCounter", "02");
    }
    EVP_PKEY_free(stranger);
}

static void used_up(void **state)
{
    seen_t page = creq(challenged(0));
    int i;

    for (i = 0; i < 3; ++i) page = send_text(page.token, apr_psprintf(pool, "{\"id\":\"%d\"}", i));
    is(page.message, "transStatus", "N");
    is(world.rreq, "transStatusReason", "19");
    is(world.rreq, "interactionCounter", "03");
    assert_string_equal(method_of(world.rreq), "14");
}

/* B-34, B-22: the same twice is one try; nothing, and what is too long, is none. */
static void once(void **state)
{
    json_t *ares = challenged(0);
    seen_t page = creq(ares);
    char *much = apr_pcalloc(pool, 9000);

    (void)send_text(page.token, "{}");
    (void)send_text(page.token, "{}");
    assert_int_equal(record(ares)->attempts, 1);
    memset(much, 'x', 8999);
    page = send_text(page.token, much);
    page = send_text(page.token, "");
    page = send_text(page.token, NULL);
    page = press(page.token, "submit", "123456"); /* nobody asked for a code */
    page = press(page.token, "resend", NULL);
    assert_true(page.challenge);
    assert_int_equal(record(ares)->attempts, 1);
    assert_int_equal(world.otps, 0);
}

/* The cardholder takes the other way: a code of ours, and that is what is reported. */
static void other_way(void **state)
{
    json_t *ares = challenged(0);
    seen_t page = creq(ares);
    fake_t f = honest(&page);
    const char *old = page.token;

    assert_non_null(strstr(page.answer.body, "value=\"other\""));
    page = press(page.token, "other", NULL);
    assert_true(page.challenge);
    assert_int_equal(world.otps, 1);
    assert_null(strstr(page.answer.body, "data-request"));
    assert_null(strstr(page.answer.body, "We sent a new code"));
    page = press(old, "other", NULL); /* a second click */
    assert_int_equal(world.otps, 1);
    page = confirm(page.token, &f); /* no longer */
    assert_true(page.challenge);
    assert_int_equal(record(ares)->attempts, 0);
    page = press(page.token, "resend", NULL); /* the change of method was none */
    assert_int_equal(world.otps, 2);
    assert_int_equal(record(ares)->resends, 1);
    is(press(page.token, "submit", world.otp).message, "transStatus", "Y");
    assert_string_equal(method_of(world.rreq), "02");
}

static const char *says;

static const char *bank(const char *path, const json_t *doc)
{
    return says;
}

/* The other way may be the issuer's app: begun when it is chosen, and called off when the transaction ends otherwise. */
static void other_way_app(void **state)
{
    json_t *ares;
    seen_t page;

    add_hook(ACS_HOOK_OOB)->breaker = NULL;
    world.bank = bank;
    world.issuer.methods = "spc oob";
    world.card.ref = "person-1";
    says = "{}";
    page = creq(ares = challenged(0));
    assert_int_equal(world.bank_calls, 0);
    page = press(page.token, "other", NULL);
    assert_string_equal(world.bank_paths, "/oob/start ");
    is(world.bank_doc, "cardholder", "person-1");
    page = press(page.token, "cancel", NULL);
    is(page.message, "transStatus", "N");
    (void)due();
    assert_non_null(strstr(world.bank_paths, "/cancel"));
    assert_string_equal(method_of(world.rreq), "09");
    world.bank_paths = "";
    world.rreq_bytes = NULL;
    page = creq(challenged(1)); /* never begun, never called off */
    (void)press(page.token, "cancel", NULL);
    (void)due();
    assert_string_equal(world.bank_paths, "");
}

/* Without another way there is no button for it. */
static void no_other_way(void **state)
{
    json_t *ares;
    seen_t page;

    world.issuer.methods = "spc";
    page = creq(ares = challenged(0));
    assert_null(strstr(page.answer.body, "value=\"other\""));
    page = press(page.token, "other", NULL);
    assert_non_null(strstr(page.answer.body, "data-request"));
    assert_int_equal(record(ares)->cha, ACS_CHA_SPC);
    is(press(page.token, "cancel", NULL).message, "transStatus", "N");
}

/* Where it cannot be done, the next method is taken. */
static void cannot(void **state)
{
    json_t *doc = first_areq(0);

    tds_json_set(doc, "purchaseAmount", "12345");
    world.card.rp_id = NULL;
    assert_string_equal(method_of(areq_doc(doc)), "02");
    give_credential(key);
    world.card.credentials = NULL;
    assert_string_equal(method_of(areq_doc(first_areq(1))), "02");
    give_credential(key);
    is(areq_doc(areq_base("2.2.0", "areq-brw-pa", ID(2))), "authenticationType", "02");
    world.card.methods = "otp";
    assert_string_equal(method_of(areq_doc(first_areq(3))), "02");
    world.outcome.method = "spc"; /* a rule that wants it, before the card's own order */
    assert_string_equal(method_of(areq_doc(first_areq(4))), "14");
    world.issuer.spc_icon = NULL;
    is(areq_doc(first_areq(5)), "transStatus", "U");
}

/* The requestor need not know of it: without payeeOrigin the name of the merchant stands for the payee. */
static void without_origin(void **state)
{
    json_t *doc = first_areq(0);
    seen_t page;
    fake_t f;

    json_object_del(doc, "threeDSRequestorSpcSupport");
    json_object_del(doc, "payeeOrigin");
    page = creq(areq_doc(doc));
    absent(json_object_get(asked(&page), "data"), "payeeOrigin");
    f = honest(&page);
    f.payee = NULL;
    is(confirm(page.token, &f).message, "transStatus", "Y");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, spc_teardown)
static const struct CMUnitTest tests[] = {T(confirmed),    T(challenges), T(lies),   T(used_up),       T(once),
                                          T(other_way),    T(other_way_app), T(no_other_way), T(cannot), T(without_origin)};
UNIT_MAIN(tests)
