/* A PRes to a snapshot of card ranges (S-05, S-06, S-09 to S-12): bytes in, look-ups out. Expectations by hand. */
#include "unit.h"
#include "srv_ranges.h"
#include "tds_pres.h"

static srv_ds_t ds = {.name = "alpha"};

#define IDS                                                                                       \
    "\"messageType\":\"PRes\",\"threeDSServerTransID\":\"8a880dc0-d2d2-4067-bcb1-b08d1690b26e\"," \
    "\"dsTransID\":\"f25084f0-5b16-4c0a-ae5d-b24808a95e4b\","
#define HEAD22 \
    "{\"messageVersion\":\"2.2.0\"," IDS "\"dsStartProtocolVersion\":\"2.1.0\",\"dsEndProtocolVersion\":\"2.2.0\","
#define HEAD23 "{\"messageVersion\":\"2.3.1\"," IDS "\"dsProtocolVersions\":[\"2.2.0\",\"2.3.1\"],\"readOrder\":\"01\","
#define LIFO23 "{\"messageVersion\":\"2.3.1\"," IDS "\"dsProtocolVersions\":[\"2.2.0\",\"2.3.1\"],\"readOrder\":\"02\","
#define SERIAL "\"serialNum\":\"8\","

/* An item, with more of it behind. */
#define R22(start, end, more)                           \
    "{\"startRange\":\"" start "\",\"endRange\":\"" end \
    "\",\"acsStartProtocolVersion\":\"2.1.0\",\"acsEndProtocolVersion\":\"2.2.0\"" more "}"
#define R23(start, end, more)                              \
    "{\"ranges\":[{\"start\":\"" start "\",\"end\":\"" end \
    "\"}],\"acsProtocolVersions\":[{\"version\":\"2.3.1\",\"acsInfoInd\":[\"01\"]}]" more "}"
#define ACT(a)  ",\"actionInd\":\"" a "\""
#define URL(u)  ",\"threeDSMethodURL\":\"https://acs.example.com/" u "\""
#define LIST(x) "\"cardRangeData\":[" x "]}"

static srv_ranges_t *loaded(const char *text, const srv_ranges_t *old, int full)
{
    srv_load_t *load = srv_load_begin(&ds, old, full, pool);
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_PRES)};
    tds_pres_t *pres = tds_pres_make(&rules, srv_load_add, load, pool);
    srv_ranges_t *ranges = NULL;
    tds_msg_t *msg;

    tds_err_clear(&err);
    (void)tds_pres_feed(pres, text, strlen(text));
    if (tds_pres_end(&msg, pres, &err) != APR_SUCCESS)
        srv_load_abort(load);
    else
        (void)srv_load_commit(&ranges, load, msg, pool, &err);
    srv_load_abort(load);
    return ranges;
}

static srv_ranges_t *good(const char *text, const srv_ranges_t *old, int full)
{
    srv_ranges_t *ranges = loaded(text, old, full);

    if (!ranges) fail_msg("%d %s: %s", err.proto, err.elements, err.detail);
    return ranges;
}

static void bad(const char *text, const srv_ranges_t *old, int full, int proto, const char *elements)
{
    assert_null(loaded(text, old, full));
    assert_int_equal(err.proto, proto);
    assert_string_equal(err.elements, elements);
}

static int in(const srv_ranges_t *ranges, const char *pan)
{
    srv_hit_t hit;

    return srv_ranges_find(ranges, pan, &hit);
}

static const char *url_of(const srv_ranges_t *ranges, const char *pan, tds_ver_e version)
{
    srv_hit_t hit;

    if (!srv_ranges_find(ranges, pan, &hit)) return "none";
    return srv_hit_method_url(&hit, version) ? srv_hit_method_url(&hit, version) : "";
}

#define V(n) TDS_VER_BIT(TDS_V##n)

static void of_2_2_0(void **state)
{
    srv_ranges_t *ranges =
        good(HEAD22 SERIAL LIST(
                 R22("4000000000000000", "4000009999999999", URL("m") ",\"acsInfoInd\":[\"01\",\"04\",\"99\"]") "," R22(
                     "5000000000000", "5000000000009",
                     ",\"dsStartProtocolVersion\":\"2.2."
                     "0\",\"dsEndProtocolVersion\":\"2.3."
                     "1\"") "," R22("4100000000000000000", "4100000000000000009",
                                    ",\"dsStartProtocolVe"
                                    "rsion\":\"2.2.0\"")),
             NULL, 1);
    srv_hit_t hit;

    assert_int_equal(srv_ranges_count(ranges), 3);
    assert_true(srv_ranges_find(ranges, "4000001234567890", &hit));
    assert_ptr_equal(hit.ds, &ds);
    assert_int_equal(hit.versions, V(210) | V(220));
    assert_string_equal(srv_hit_method_url(&hit, TDS_V220), "https://acs.example.com/m");
    assert_string_equal(srv_hit_method_url(&hit, TDS_V210), "https://acs.example.com/m");
    assert_null(srv_hit_method_url(&hit, TDS_V231));
    assert_true(srv_hit_info(&hit, TDS_V220, 1) && srv_hit_info(&hit, TDS_V220, 4) && srv_hit_info(&hit, TDS_V220, 99));
    assert_false(srv_hit_info(&hit, TDS_V220, 2) || srv_hit_info(&hit, TDS_V231, 1) || srv_hit_info(&hit, TDS_V220, 0));
    assert_true(srv_ranges_find(ranges, "5000000000005", &hit));
    assert_int_equal(hit.versions, V(220)); /* that DS can 2.2.0 to 2.3.1 for it */
    assert_null(srv_hit_method_url(&hit, TDS_V220));
    assert_true(srv_ranges_find(ranges, "4100000000000000009", &hit));
    assert_int_equal(hit.versions, V(220));
    assert_false(in(ranges, "4000010000000000") || in(ranges, "3999999999999999") || in(ranges, "40000012345678900"));
    assert_false(in(ranges, "400000000000000x") || in(ranges, ""));
}

/* What the version does not know is not there, whatever it is. */
static void of_another_version(void **state)
{
    srv_ranges_t *ranges = good("{\"messageVersion\":\"2.1.0\"," IDS "\"dsStartProtocolVersion\":\"2.1.0\","
                                "\"dsEndProtocolVersion\":\"2.1.0\",\"dsProtocolVersions\":[\"2.3.1\"],\"readOrder\":7,"
                                "\"cardRangeDataFileURL\":\"https://x/\"," LIST(R22(
                                    "4000000000000000", "4000000000000009",
                                    ",\"acsInfoInd\":[null,\"x\",\"01\"]"
                                    ",\"ranges\":[1],\"acsProtocolVersions\":[{}],\"dsProtocolVersions\":[\"2.2.0\"]")),
                                NULL, 1);
    srv_hit_t hit;

    assert_int_equal(srv_ranges_count(ranges), 1);
    assert_true(srv_ranges_find(ranges, "4000000000000005", &hit));
    assert_int_equal(hit.versions, V(210));
    assert_false(srv_hit_info(&hit, TDS_V210, 1));
}

static void of_2_3_1(void **state)
{
    srv_ranges_t *ranges = good(
        HEAD23
        "\"cardRangeData\":[{\"ranges\":[{\"start\":\"4000000000000000\",\"end\":\"4000000000000009\"},"
        "{\"start\":\"5000000000000000\",\"end\":\"5000000000000009\"}],\"acsProtocolVersions\":["
        "{\"version\":\"2.3.1\",\"acsInfoInd\":[\"01\",\"11\"],\"threeDSMethodURL\":\"https://acs.example.com/23\"},"
        "{\"version\":\"2.2.0\",\"acsInfoInd\":[\"03\"],\"threeDSMethodURL\":\"https://acs.example.com/22\"},"
        "{\"version\":\"2.9.9\",\"acsInfoInd\":[\"03\"]},{\"version\":\"2.1.0\",\"acsInfoInd\":[\"01\"]}]},"
        "{\"ranges\":[{\"start\":\"6000000000000000\",\"end\":\"6000000000000009\"}],\"dsProtocolVersions\":[\"2.1.0\"]"
        ","
        "\"acsProtocolVersions\":[{\"version\":\"2.1.0\",\"acsInfoInd\":[\"01\"]}]}]}",
        NULL, 1);
    srv_hit_t hit;

    assert_int_equal(srv_ranges_count(ranges), 3);
    assert_true(srv_ranges_find(ranges, "5000000000000003", &hit));
    assert_int_equal(hit.versions, V(220) | V(231)); /* the DS of the PRes cannot 2.1.0 */
    assert_string_equal(srv_hit_method_url(&hit, TDS_V231), "https://acs.example.com/23");
    assert_string_equal(srv_hit_method_url(&hit, TDS_V220), "https://acs.example.com/22");
    assert_null(srv_hit_method_url(&hit, TDS_V210));
    assert_true(srv_hit_info(&hit, TDS_V231, 11) && srv_hit_info(&hit, TDS_V220, 3) && srv_hit_info(&hit, TDS_V210, 1));
    assert_false(srv_hit_info(&hit, TDS_V220, 11));
    assert_true(srv_ranges_find(ranges, "6000000000000000", &hit));
    assert_int_equal(hit.versions, V(210));
}

static void overlaps(void **state)
{
    static const char names[] = "cardRangeData.startRange,cardRangeData.endRange";

    bad(HEAD23 LIST(R23("4000000000000200", "4000000000000299", "") "," R23(
            "4000000000000000", "4000000000000099", "") "," R23("4000000000000099", "4000000000000150", "")),
        NULL, 1, 205, "4000000000000000-4000000000000099,4000000000000099-4000000000000150");
    bad(HEAD23 LIST(R23("4000000000000000", "4000000000000999", "") "," R23(
            "4000000000000100", "4000000000000100", "") "," R23("4000000000000300", "4000000000000301", ",\"x\":1")),
        NULL, 1, 205,
        "4000000000000000-4000000000000999,4000000000000100-4000000000000100,4000000000000300-4000000000000301");
    bad(HEAD23 LIST(R23("4000000000000000", "4000000000000099", "") "," R23("4000000000000000", "4000000000000099",
                                                                            ",\"x\":1")),
        NULL, 1, 205, "4000000000000000-4000000000000099,4000000000000000-4000000000000099");
    bad(HEAD22 LIST(
            R22("4000000000000000", "4000000000000099", "") "," R22("4000000000000099", "4000000000000150", "")),
        NULL, 1, 203, names);
    /* side by side, and of another length: no overlap */
    assert_int_equal(srv_ranges_count(good(HEAD22 LIST(R22("4000000000000000", "4000000000000099", "") "," R22(
                                               "4000000000000100", "4000000000000150",
                                               "") "," R22("400000000000010", "400000000000150", "")),
                                           NULL, 1)),
                     3);
}

static void turned(void **state)
{
    bad(HEAD22 LIST(R22("4000000000000001", "4000000000000000", "")), NULL, 1, 203,
        "cardRangeData.startRange,cardRangeData.endRange");
    bad(HEAD23 LIST(R23("4000000000000001", "4000000000000000", "")), NULL, 1, 203,
        "cardRangeData.ranges.start,cardRangeData.ranges.end");
    bad(HEAD22 LIST(R22("400000000000000", "4000000000000000", "")), NULL, 1, 203,
        "cardRangeData.startRange,cardRangeData.endRange");
    bad(HEAD22 LIST(R22("400000000000", "4000000000000000", "")), NULL, 1, 203, "cardRangeData.startRange");
    bad(HEAD22 LIST("{\"startRange\":\"4000000000000001\",\"endRange\":\"4000000000000000\","
                    "\"acsStartProtocolVersion\":\"2.1.0\"}"),
        NULL, 1, 201, "cardRangeData.acsEndProtocolVersion");
}

static srv_ranges_t *two(void)
{
    return good(HEAD22 SERIAL LIST(R22("4000000000000000", "4000000000000099",
                                       URL("a")) "," R22("4000000000000200", "4000000000000299", URL("b") ACT("A"))),
                NULL, 1);
}

static void delta(void **state)
{
    srv_ranges_t *old = two(), *ranges;

    ranges = good(HEAD22 SERIAL LIST(R22("4000000000000000", "4000000000000099", ACT("D")) "," R22(
                      "4000000000000200", "4000000000000299",
                      ACT("M") URL("b2")) "," R22("4000000000000050", "4000000000000060", ACT("A") URL("c"))),
                  old, 0);
    assert_int_equal(srv_ranges_count(ranges), 2);
    assert_string_equal(url_of(ranges, "4000000000000000", TDS_V220), "none");
    assert_string_equal(url_of(ranges, "4000000000000055", TDS_V220), "https://acs.example.com/c");
    assert_string_equal(url_of(ranges, "4000000000000250", TDS_V220), "https://acs.example.com/b2");
    /* the old one is what it was */
    assert_int_equal(srv_ranges_count(old), 2);
    assert_string_equal(url_of(old, "4000000000000250", TDS_V220), "https://acs.example.com/b");
    /* nothing changed; replaced as a whole (S-06); all are A when nothing was asked for (S-05) */
    ranges = good(HEAD22 "\"serialNum\":\"8\"}", old, 0);
    assert_int_equal(srv_ranges_count(ranges), 2);
    assert_string_equal(url_of(ranges, "4000000000000001", TDS_V220), "https://acs.example.com/a");
    ranges = good(HEAD22 LIST(R22("5000000000000000", "5000000000000099", "")), old, 0);
    assert_int_equal(srv_ranges_count(ranges), 1);
    ranges = good(HEAD22 SERIAL LIST(R22("5000000000000000", "5000000000000099", ACT("D"))), old, 1);
    assert_int_equal(srv_ranges_count(ranges), 1);
    assert_true(in(ranges, "5000000000000000"));
    ranges = good(HEAD22 SERIAL LIST(R22("5000000000000000", "5000000000000099", ACT("M"))), NULL, 0);
    assert_int_equal(srv_ranges_count(ranges), 1);
    /* the file comes later */
    assert_ptr_equal(good(HEAD23 "\"cardRangeDataFileURL\":\"https://ds.example.com/f\"}", old, 0), old);
}

static void actions(void **state)
{
    srv_ranges_t *old = two();

    bad(HEAD23 SERIAL LIST(R23("4000000000000000", "4000000000000099", ACT("A"))), old, 0, 206,
        "4000000000000000-4000000000000099:A");
    bad(HEAD23 SERIAL LIST(R23("4000000000000000", "4000000000000098", ACT("D"))), old, 0, 206,
        "4000000000000000-4000000000000098:D");
    bad(HEAD23 SERIAL LIST(
            R23("4000000000000001", "4000000000000099", ACT("M")) "," R23("4000000000000200", "4000000000000299", "")),
        old, 0, 206, "4000000000000001-4000000000000099:M,4000000000000200-4000000000000299:A");
    bad(HEAD22 SERIAL LIST(R22("4000000000000001", "4000000000000099", ACT("M"))), old, 0, 203,
        "cardRangeData.actionInd");
    bad(HEAD23 SERIAL LIST(R23("4000000000000050", "4000000000000250", ACT("A"))), old, 0, 205,
        "4000000000000000-4000000000000099,4000000000000050-4000000000000250,4000000000000200-4000000000000299");
    bad(HEAD22 SERIAL LIST(R22("4000000000000050", "4000000000000250", ACT("A"))), old, 0, 203,
        "cardRangeData.startRange,cardRangeData.endRange");
    assert_int_equal(srv_ranges_count(old), 2);
}

/* First out is first in, or last in (S-11). */
static void order(void **state)
{
    srv_ranges_t *old = two(), *ranges;

    ranges = good(HEAD23 SERIAL LIST(R23("4000000000000000", "4000000000000099",
                                         ACT("D")) "," R23("4000000000000000", "4000000000000099", ACT("A"))),
                  old, 0);
    assert_int_equal(srv_ranges_count(ranges), 2);
    assert_string_equal(url_of(ranges, "4000000000000000", TDS_V231), "");
    bad(LIFO23 SERIAL LIST(R23("4000000000000000", "4000000000000099", ACT("D")) "," R23("4000000000000000",
                                                                                         "4000000000000099", ACT("A"))),
        old, 0, 206, "4000000000000000-4000000000000099:A");
    ranges = good(LIFO23 SERIAL LIST(R23("4000000000000000", "4000000000000099",
                                         ACT("A")) "," R23("4000000000000000", "4000000000000099", ACT("D"))),
                  old, 0);
    assert_int_equal(srv_ranges_count(ranges), 2);
    bad(HEAD23 SERIAL LIST(R23("4000000000000000", "4000000000000099", ACT("A")) "," R23("4000000000000000",
                                                                                         "4000000000000099", ACT("D"))),
        old, 0, 206, "4000000000000000-4000000000000099:A");
}

/* Cut within a range, and good up to a fault at its very end: nothing comes of it. */
static void cut(void **state)
{
    static const char text[] = HEAD22 LIST(
        R22("4000000000000000", "4000000000000099", "") "," R22("5000000000000000", "5000000000000099", ""));
    apr_size_t at;

    for (at = 0; at < sizeof(text) - 1; ++at)
        bad(apr_pstrmemdup(pool, text, at), NULL, 1, 101, "Invalid Formatted Message");
    assert_non_null(good(text, NULL, 1));
    bad(HEAD22 "\"cardRangeData\":[" R22("4000000000000000", "4000000000000099", "") "],\"serialNum\":1}", NULL, 1, 203,
        "serialNum");
}

/* Random full loads and deltas against a plain model: one byte per block of a hundred numbers. */
static void model(void **state)
{
    enum { BLOCKS = 400 };
    static char is[BLOCKS];
    char item[400];
    srv_ranges_t *ranges = NULL;
    unsigned seed = 11;
    int round, i;

    memset(is, 0, sizeof is);
    for (round = 0; round < 60; ++round) {
        char *text = apr_pstrdup(pool, HEAD22 SERIAL "\"cardRangeData\":[");
        int some = 0;

        for (i = 0; i < BLOCKS; ++i) {
            int at = i * 7 % BLOCKS, n = rand_r(&seed) % 4;
            char action = is[at] ? n == 0 ? 'D' : 'M' : 'A', to = action == 'D' ? 0 : (char)('a' + n);

            if (n == 3) continue;
            is[at] = to;
            (void)apr_snprintf(item, sizeof item,
                               "%s{\"startRange\":\"4%013d00\",\"endRange\":\"4%013d59\",\"actionInd\":\"%c\","
                               "\"acsStartProtocolVersion\":\"2.1.0\",\"acsEndProtocolVersion\":\"2.2.0\","
                               "\"threeDSMethodURL\":\"https://x/%c\"}",
                               some++ ? "," : "", at, at, action, to ? to : '-');
            text = apr_pstrcat(pool, text, item, NULL);
        }
        ranges = good(apr_pstrcat(pool, text, "]}", NULL), ranges, 0);
        for (i = 0; i < BLOCKS; ++i) {
            const char *low = apr_psprintf(pool, "4%013d00", i), *high = apr_psprintf(pool, "4%013d59", i);

            assert_string_equal(url_of(ranges, low, TDS_V220),
                                is[i] ? apr_psprintf(pool, "https://x/%c", is[i]) : "none");
            assert_int_equal(in(ranges, high), is[i] != 0);
            assert_false(in(ranges, apr_psprintf(pool, "4%013d60", i)));
        }
    }
}

static const struct CMUnitTest tests[] = {UNIT(of_2_2_0), UNIT(of_2_3_1), UNIT(of_another_version),
                                          UNIT(overlaps), UNIT(turned),   UNIT(delta),
                                          UNIT(actions),  UNIT(order),    UNIT(cut),
                                          UNIT(model)};

UNIT_MAIN(tests)
