/* Layouts of authentication values. The vectors are published ones; those marked "recomputed" were worked out apart
 * from this code, with the openssl command and Python's hashlib, from the description of the format. */
#include "unit.h"
#include "acs_av_case.h"
#include "tds_b64.h"

static const char *built(const acs_av_ops_t *ops, const acs_av_set_t *s, const acs_av_in_t *in, const char *nonce)
{
    unsigned char out[ACS_AV_MAX + 1];
    char *hex;

    memset(out, 0xee, sizeof out);
    if (ops->layout->build(s, &s->key[0], in, nonce, out, &err) != APR_SUCCESS) return NULL;
    assert_int_equal(out[s->length], 0xee);
    hex = apr_pstrdup(pool, tds_hex(out, s->length, pool));
    for (char *c = hex; *c; ++c) *c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
    return hex;
}

/* ---- CVV ---------------------------------------------------------------------- */

static void cvv_core(void **state)
{
    acs_av_set_t s = set_of(CVK, 1), spa = set_of("00112233445566778899AABBCCDDEEFF", 1);
    char cvv[4];

    assert_ok(acs_av_cvv_core(cvv, s.key[0].bytes, "41234567890123458701101000000000")); /* CVV-1 */
    assert_string_equal(cvv, "561");
    assert_ok(acs_av_cvv_core(cvv, spa.key[0].bytes, "54321098765432100047140000000000")); /* CVC2 */
    assert_string_equal(cvv, "439");
    assert_int_equal(acs_av_cvv_core(cvv, s.key[0].bytes, "4123"), APR_EINVAL);
}

static void visa_0(void **state)
{
    acs_av_set_t s = set_of(CVK, 1);
    acs_av_cvv_t c = {.key = &s.key[0], .arc = "7", .sf = "00"};
    unsigned char out[ACS_AV_LEN];

    assert_ok(acs_av_cvv_atn_put(out, &c, "4123456789012345", "9602231034727993"));
    assert_string_equal(tds_hex(out, ACS_AV_LEN, pool), "0700010972799396022310347279930000000000");
    assert_string_equal(tds_b64_encode(out, ACS_AV_LEN, pool), "BwABCXJ5k5YCIxA0cnmTAAAAAAA=");
}

/* Table 3.4: A because the issuer does not take part is 7, because its systems did not answer 8; SPC is 14. */
static void stand_in_and_spc(void **state)
{
    acs_av_in_t in = {.trans_status = "A"};
    acs_av_cvv_t c = {0};

    assert_ok(acs_av_cvv_codes(&c, &in, &err));
    assert_string_equal(c.arc, "7");
    in.stand_in = 1;
    assert_ok(acs_av_cvv_codes(&c, &in, &err));
    assert_string_equal(c.arc, "8");
    assert_string_equal(c.sf, "98");
    in = (acs_av_in_t){.trans_status = "Y", .challenged = 1, .how = TDS_AUTH_SPC};
    assert_ok(acs_av_cvv_codes(&c, &in, &err));
    assert_string_equal(c.arc, "0");
    assert_string_equal(c.sf, "14");
}

/* Recomputed. */
static void atn_more(void **state)
{
    static const struct {
        const char *key;
        int id;
        const char *pan, *status, *asked;
        int challenged;
        const char *expected;
    } rows[] = {
        {CVK, 1, "4000000000002", "Y", NULL, 0, "0099010782444411112222333344440000000000"},
        {CVK, 1, "371449635398431", "Y", NULL, 0, "0099010849444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "Y", NULL, 0, "0099010817444411112222333344440000000000"},
        {CVK, 1, "6200000000000000003", "Y", NULL, 0, "0099010394444411112222333344440000000000"},
        {CVK, 2, "4123456789012345", "Y", NULL, 1, "0002020513444411112222333344440000000000"},
        {CVK_NEW, 2, "4123456789012345", "Y", NULL, 0, "0099020652444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "A", NULL, 0, "0798010268444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "I", "05", 0, "0299010399444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "I", "06", 0, "0399010303444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "I", "07", 0, "0499010046444411112222333344440000000000"},
        {CVK, 1, "4123456789012345", "I", NULL, 0, NULL},
        {CVK, 1, "4123456789012345", "N", NULL, 0, NULL},
    };
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        acs_av_set_t s = set_of(rows[i].key, rows[i].id);
        acs_av_in_t in = {.pan = rows[i].pan, .trans_status = rows[i].status, .asked = rows[i].asked,
                          .challenged = rows[i].challenged, .how = TDS_AUTH_SMS_OTP};
        const char *got = built(&acs_av_cvv_atn, &s, &in, "1111222233334444");

        if (rows[i].expected) assert_string_equal(got, rows[i].expected);
        else assert_null(got);
    }
}

static acs_av_in_t v7_in(void)
{
    return (acs_av_in_t){.pan = "4123456789012345", .trans_status = "Y", .eci = "05", .amount = "10000",
                         .currency = "392", .version = TDS_V220, .challenged = 1,
                         .how = TDS_AUTH_SMS_OTP, .now = DAY_326};
}

static void v7(void **state)
{
    acs_av_set_t s = set_of(CVK, 1), second = set_of(CVK, 2);
    acs_av_in_t in = v7_in();
    static const char *const pans[][2] = {{"4000000000002", "0002010554799300000027103923267500000000"},
                                          {"371449635398431", "0002010208799300000027103923267500000000"},
                                          {"6200000000000000003", "0002010942799300000027103923267500000000"}};
    int i;

    assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "7993"), "0002010306799300000027103923267500000000");
    /* recomputed from here on */
    for (i = 0; i < COUNT(pans); ++i) {
        in.pan = pans[i][0];
        assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "7993"), pans[i][1]);
    }
    in = v7_in();
    in.now = apr_time_from_sec(1798761599); /* 2026-12-31T23:59:59Z */
    assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "7993"), "0002010781799300000027103923657500000000");
    in.now += apr_time_from_sec(1);
    assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "7993"), "0002010692799300000027103920017500000000");
    in = (acs_av_in_t){.pan = "4123456789012345", .trans_status = "A", .eci = "05", .amount = "999999999999",
                       .currency = "978", .version = TDS_V231,
                       .now = apr_time_from_sec(1861833600)}; /* 2028-12-31, a leap year */
    assert_string_equal(built(&acs_av_cvv_u3v7, &second, &in, "7993"), "07980200267993E8D4A50FFF9783667600000000");
    in = (acs_av_in_t){.pan = "4123456789012345", .trans_status = "A", .eci = "06", .amount = "1", .currency = "978",
                       .version = TDS_V210, .now = DAY_326};
    assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "0007"), "0798010058000700000000019783267400000000");
}

static void v7_impossible(void **state)
{
    static const char *const amounts[] = {NULL, "", "1000000000000", "12x", "-1"};
    static const char *const currencies[] = {NULL, "", "97", "9788", "EUR"};
    static const char *const ecis[] = {NULL, "5", "0x"};
    acs_av_set_t s = set_of(CVK, 1);
    acs_av_in_t in;
    int i;

    for (i = 0; i < COUNT(amounts); ++i) {
        in = v7_in();
        in.amount = amounts[i];
        assert_null(built(&acs_av_cvv_u3v7, &s, &in, "7993"));
    }
    for (i = 0; i < COUNT(currencies); ++i) {
        in = v7_in();
        in.currency = currencies[i];
        assert_null(built(&acs_av_cvv_u3v7, &s, &in, "7993"));
    }
    for (i = 0; i < COUNT(ecis); ++i) {
        in = v7_in();
        in.eci = ecis[i];
        assert_null(built(&acs_av_cvv_u3v7, &s, &in, "7993"));
    }
    in = v7_in();
    in.amount = "0000000000000010000"; /* leading zeros are no digits */
    assert_string_equal(built(&acs_av_cvv_u3v7, &s, &in, "7993"), "0002010306799300000027103923267500000000");
}

/* ---- HMAC --------------------------------------------------------------------- */

static void mc_iav_1(void **state)
{
    acs_av_set_t s = set_of(IAV_KEY IAV_KEY, 0);
    acs_av_in_t in = {.pan = "4111111111111111", .trans_status = "Y", .ds_trans_id = TID};
    unsigned char out[ACS_AV_MAX];

    assert_string_equal(built(&acs_av_mc_iav, &s, &in, NULL), "C60404292AF20000000000000000000000000000");
    s.length = 21;
    assert_ok(acs_av_mc_iav.layout->build(&s, &s.key[0], &in, NULL, out, &err));
    assert_string_equal(tds_b64_encode(out, 21, pool), "xgQEKSryAAAAAAAAAAAAAAAAAAAA");
    s.length = 20; /* recomputed from here on */
    in.pan = "4000000000002";
    assert_string_equal(built(&acs_av_mc_iav, &s, &in, NULL), "C604280521830000000000000000000000000000");
    in.pan = "371449635398431";
    assert_string_equal(built(&acs_av_mc_iav, &s, &in, NULL), "C604918396B10000000000000000000000000000");
    in.pan = "6200000000000000003";
    assert_string_equal(built(&acs_av_mc_iav, &s, &in, NULL), "C6044A81235A0000000000000000000000000000");
    in.ds_trans_id = "2c0f40ad";
    assert_null(built(&acs_av_mc_iav, &s, &in, NULL));
    in.ds_trans_id = NULL;
    assert_null(built(&acs_av_mc_iav, &s, &in, NULL));
}

static void mc_iav_2(void **state)
{
    static const char *const amounts[][2] = {{"123456", "C604186206550000000000000000000000000000"},
                                             /* recomputed: amount codes 36B0, 36F1, FFFF, 0000, and more than FFFF */
                                             {"14000", "C6043FA936C80000000000000000000000000000"},
                                             {"14001", "C6049AA114E90000000000000000000000000000"},
                                             {"999999999999", "C6044059EEFB0000000000000000000000000000"},
                                             {"0", "C6047909BCEC0000000000000000000000000000"},
                                             {"100000000000000000", "C6044059EEFB0000000000000000000000000000"}};
    acs_av_set_t s = set_of(IAV_KEY, 0);
    acs_av_in_t in = {.pan = "2226400099919520", .trans_status = "Y",
                      .ds_trans_id = "2c1c0497-1111-4222-8333-444444444444", .currency = "840", .merchant = DODGY};
    int i;

    s.by_purchase = 1;
    for (i = 0; i < COUNT(amounts); ++i) {
        in.amount = amounts[i][0];
        assert_string_equal(built(&acs_av_mc_iav, &s, &in, NULL), amounts[i][1]);
    }
    in.amount = "1234567890123456789";
    assert_null(built(&acs_av_mc_iav, &s, &in, NULL));
    in.amount = "1";
    in.merchant = NULL;
    assert_null(built(&acs_av_mc_iav, &s, &in, NULL));
}

static void mc_spa1(void **state)
{
    acs_av_set_t s = set_of("0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B", 1);
    acs_av_set_t t = set_of("00112233445566778899AABBCCDDEEFF", 1);
    acs_av_in_t in = {.pan = "5432109876543210", .trans_status = "Y", .merchant = "SPA Merchant, Inc.",
                      .challenged = 1};

    s.acs_id = t.acs_id = 1;
    assert_string_equal(built(&acs_av_mc_spa1, &s, &in, "\0\0\0\x2f"), "8C7CA7FBB6058B511401110000002F3547BA1EFF");
    assert_string_equal(built(&acs_av_mc_spa1, &t, &in, "\0\0\0\x2f"), "8C7CA7FBB6058B511401110000002FEB27FC7FAB");
    in.trans_status = "A"; /* recomputed */
    in.challenged = 0;
    assert_string_equal(built(&acs_av_mc_spa1, &s, &in, "\0\0\0\x2f"), "867CA7FBB6058B511401010000002F3C7833B896");
    in.trans_status = "I";
    assert_null(built(&acs_av_mc_spa1, &s, &in, "\0\0\0\x2f"));
}

/* Recomputed. */
static void generic_hmac(void **state)
{
    acs_av_set_t s = set_of(GEN_KEY, 1), t = set_of(GEN_KEY, 200);
    acs_av_in_t in = {.pan = "4123456789012345", .trans_status = "Y", .ds_trans_id = TID, .acs_trans_id = AID,
                      .amount = "10000", .currency = "392", .challenged = 1, .how = TDS_AUTH_SMS_OTP};

    assert_string_equal(built(&acs_av_generic_hmac, &s, &in, "\0\0\0\1"), "F10100020000000169DD0A42BC78A102C6FA53E3");
    in.pan = "6200000000000000003";
    in.trans_status = "A";
    in.challenged = 0;
    assert_string_equal(built(&acs_av_generic_hmac, &t, &in, "\xff\xff\xff\xfe"),
                        "F1C80762FFFFFFFE489712CB63375EAB8E9623E8");
    in.amount = NULL;
    assert_null(built(&acs_av_generic_hmac, &s, &in, "\0\0\0\1"));
}

static const char *const names[] = {"cvv-atn", "cvv-u3v7", "mc-iav", "mc-spa1", "generic-hmac", "lab"};

static void self_tests(void **state)
{
    int i, n = 0;

    for (i = 0; i < COUNT(names); ++i) {
        const acs_av_ops_t *ops = acs_av_ops_find(names[i]);

        assert_non_null(ops);
        if (ops->test) assert_ok(ops->test());
        n += ops->test != NULL;
    }
    assert_int_equal(n, 4);
    assert_null(acs_av_ops_find("cvv"));
    assert_string_equal(acs_av_names(0, pool), "cvv-atn, cvv-u3v7 and mc-iav");
}

static const struct CMUnitTest tests[] = {
    UNIT(cvv_core), UNIT(visa_0), UNIT(stand_in_and_spc),  UNIT(atn_more),     UNIT(v7),         UNIT(v7_impossible), UNIT(mc_iav_1),
    UNIT(mc_iav_2), UNIT(mc_spa1), UNIT(generic_hmac), UNIT(self_tests),
};
UNIT_MAIN(tests)
