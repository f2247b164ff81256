/* The push reader against RFC 8259 by hand, and against tds_json_parse() on the same bytes. */
#include "unit.h"
#include "tds_json.h"
#include "tds_json_push.h"

typedef struct seen_t {
    char text[4096];
    apr_size_t len;
    int inside; /* a text has begun */
} seen_t;

static apr_status_t note(void *baton, tds_json_event_e event, const char *text, apr_size_t len, int last)
{
    static const char marks[] = "{}[]ns#tf0";
    seen_t *seen = baton;

    if (seen->len + len + 2 > sizeof(seen->text)) return APR_SUCCESS;
    if (!seen->inside) seen->text[seen->len++] = marks[event];
    seen->inside = !last;
    memcpy(seen->text + seen->len, text, len);
    seen->len += len;
    return APR_SUCCESS;
}

static apr_status_t drop(void *baton, tds_json_event_e event, const char *text, apr_size_t len, int last)
{
    ++*(long *)baton;
    return APR_SUCCESS;
}

static apr_status_t fed(tds_json_push_t *push, const char *bytes, apr_size_t len, apr_size_t chunk)
{
    apr_size_t at, n;

    for (at = 0; at < len; at += n) {
        char *exact = malloc(n = len - at < chunk ? len - at : chunk);

        memcpy(exact, bytes + at, n);
        (void)tds_json_push_feed(push, exact, n);
        free(exact);
    }
    return tds_json_push_end(push);
}

static apr_status_t events(const char *bytes, apr_size_t len, apr_size_t chunk, const char **seen)
{
    seen_t *s = apr_pcalloc(pool, sizeof(*s));
    apr_status_t rv = fed(tds_json_push_make(TDS_JSON_DEPTH_MAX, note, s, pool), bytes, len, chunk);

    *seen = s->text;
    return rv;
}

static void tells(void **state)
{
    static const char text[] = "\xef\xbb\xbf { \"a\" : [ 1 , -0.5e+3, \"x\\u0041\\ud83d\\ude00\\n\xc3\xa9\" "
                               "],\"\":{},\t\"b\":[true,false,null]}\r\n ";
    static const char want[] = "{na[#1#-0.5e+3sxA\xf0\x9f\x98\x80\n\xc3\xa9]n{}nb[tf0]}";
    apr_size_t chunk;
    const char *seen;

    for (chunk = 1; chunk <= sizeof(text); ++chunk) {
        assert_ok(events(text, sizeof(text) - 1, chunk, &seen));
        assert_string_equal(seen, want);
    }
}

/* Good or bad by RFC 8259 and F-01, F-12, F-13. */
static const struct {
    int good;
    const char *text;
    apr_size_t len;
} cases[] = {
#define T(good, s)             \
    {                          \
        good, s, sizeof(s) - 1 \
    }
    T(1, "{}"),
    T(1, "[]"),
    T(1, " [ ] "),
    T(0, ""),
    T(0, " "),
    T(0, "1"),
    T(0, "\"a\""),
    T(0, "null"),
    T(0, "[]]"),
    T(0, "[}"),
    T(0, "{]"),
    T(0, "[1,]"),
    T(0, "[,1]"),
    T(0, "{\"a\":1,}"),
    T(0, "{,}"),
    T(0, "{\"a\"}"),
    T(0, "{a:1}"),
    T(0, "{\"a\" 1}"),
    T(0, "{\"a\":}"),
    T(0, "{1:1}"),
    T(0, "[1 2]"),
    T(0, "[] x"),
    T(0, "{}{}"),
    T(0, "["),
    T(0, "{\"a"),
    T(1, "[0,-0,10,1.5,1e5,1E-5,0.0e+0]"),
    T(0, "[01]"),
    T(0, "[-]"),
    T(0, "[1.]"),
    T(0, "[.5]"),
    T(0, "[1e]"),
    T(0, "[1e+]"),
    T(0, "[+1]"),
    T(0, "[0x1]"),
    T(0, "[--1]"),
    T(0, "[NaN]"),
    T(0, "[-01]"),
    T(1, "[1e999]"),
    T(1, "[99999999999999999999999999]"),
    T(1, "[true,false,null]"),
    T(0, "[True]"),
    T(0, "[tru]"),
    T(0, "[truee]"),
    T(0, "[nul"),
    T(1, "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"]"),
    T(0, "[\"\\a\"]"),
    T(0, "[\"\\u12g4\"]"),
    T(0, "[\"\\u12\"]"),
    T(0, "[\"\n\"]"),
    T(0, "[\"\t\"]"),
    T(0, "[\"\x1f\"]"),
    T(1, "[\"\x7f\"]"),
    T(0, "[\"\0\"]"),
    T(0, "[\0]"),
    T(0, "[]\0"),
    T(0, "[1\0]"),
    T(0, "[1.5\0,2]"),
    T(0, "[true\0]"),
    T(0, "{\"a\"\0:1}"),
    T(1, "[\"\\u0000\"]"),
    T(0, "{\"\\u0000\":1}"),
    T(0, "{\"a\\u0000b\":1}"),
    T(0, "[\"\\ud800\"]"),
    T(0, "[\"\\udc00\"]"),
    T(0, "[\"\\ud800x\"]"),
    T(0, "[\"\\ud800\\n\"]"),
    T(0, "[\"\\ud800\\ud800\"]"),
    T(0, "[\"\\ud800\\u0041\"]"),
    T(1, "[\"\\udbff\\udfff\"]"),
    T(1, "[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
    T(0, "[\"\x80\"]"),
    T(0, "[\"\xc0\x80\"]"),
    T(0, "[\"\xc1\xbf\"]"),
    T(0, "[\"\xc3\"]"),
    T(0, "[\"\xc3\x28\"]"),
    T(0, "[\"\xe0\x9f\xbf\"]"),
    T(0, "[\"\xed\xa0\x80\"]"),
    T(0, "[\"\xe2\x82\"]"),
    T(0, "[\"\xf0\x8f\xbf\xbf\"]"),
    T(0, "[\"\xf4\x90\x80\x80\"]"),
    T(0, "[\"\xf5\x80\x80\x80\"]"),
    T(0, "[\"\xff\"]"),
    T(0, "\xc3\xa9"),
    T(1, "\xef\xbb\xbf[]"),
    T(0, "\xef\xbb\xbf"),
    T(0, "\xef\xbb[]"),
    T(0, "\xef\xbb\xbf\xef\xbb\xbf[]"),
    T(0, " \xef\xbb\xbf[]"),
    T(0, "[]\xef\xbb\xbf"),
    T(1, "\t\r\n {\"a\":\"b\"}\t\r\n "),
    T(0, "\v[]"),
    T(0, "[] /* */"),
    T(0, "{'a':1}"),
#undef T
};

/* Both readers must say so, at any chunk size. */
static void verdicts(void **state)
{
    int i;
    apr_size_t chunk;

    for (i = 0; i < COUNT(cases); ++i) {
        const char *seen;
        json_t *root;

        tds_err_clear(&err);
        if ((tds_json_parse(&root, cases[i].text, cases[i].len, pool, &err) == APR_SUCCESS) != cases[i].good)
            fail_msg("tds_json_parse: case %d, %s", i, cases[i].text);
        for (chunk = 1; chunk <= cases[i].len + 1; ++chunk)
            if ((events(cases[i].text, cases[i].len, chunk, &seen) == APR_SUCCESS) != cases[i].good)
                fail_msg("case %d, chunk %d: %s", i, (int)chunk, cases[i].text);
    }
}

static void depth(void **state)
{
    char text[80];
    int n;

    for (n = 30; n < 36; ++n) {
        const char *seen;

        memset(text, '[', (size_t)n);
        memset(text + n, ']', (size_t)n);
        assert_int_equal(events(text, (apr_size_t)n * 2, 3, &seen) == APR_SUCCESS, n <= 32);
    }
}

/* Every byte of a text of all kinds replaced by every byte: both readers agree. */
static void bytes(void **state)
{
    static const char text[] = "{\"a\\u0041\":[-1.5e2,\"\xc3\xa9\\ud83d\\ude00\",true,null],\"b\":{}}";
    char buf[sizeof(text)];
    apr_size_t at;
    int c, good = 0;

    for (at = 0; at < sizeof(text) - 1; ++at) {
        for (c = 0; c < 256; ++c) {
            apr_pool_t *sub;
            long n = 0;
            json_t *root;
            apr_status_t want, have;

            apr_pool_create(&sub, pool);
            tds_err_init(&err, sub);
            memcpy(buf, text, sizeof(text));
            buf[at] = (char)c;
            want = tds_json_parse(&root, buf, sizeof(text) - 1, sub, &err);
            have = fed(tds_json_push_make(TDS_JSON_DEPTH_MAX, drop, &n, sub), buf, sizeof(text) - 1, 5);
            if (want == APR_EGENERAL) want = APR_SUCCESS; /* a duplicate: not the push reader's affair */
            if (want != have) fail_msg("byte %d is %d: %d, %d", (int)at, c, want, have);
            good += want == APR_SUCCESS;
            apr_pool_destroy(sub);
        }
    }
    tds_err_init(&err, pool);
    assert_true(good > 100 && good < 10000);
}

/* Nothing is kept: 64 MB of one string, and of brackets. */
static void huge(void **state)
{
    char *lump = malloc(1 << 20);
    long n = 0;
    tds_json_push_t *push = tds_json_push_make(TDS_JSON_DEPTH_MAX, drop, &n, pool);
    int i;

    memset(lump, 'a', 1 << 20);
    assert_ok(tds_json_push_feed(push, "[\"", 2));
    for (i = 0; i < 64; ++i) assert_ok(tds_json_push_feed(push, lump, 1 << 20));
    assert_ok(tds_json_push_feed(push, "\"]", 2));
    assert_ok(tds_json_push_end(push));
    memset(lump, '[', 1 << 20);
    push = tds_json_push_make(TDS_JSON_DEPTH_MAX, drop, &n, pool);
    for (i = 0; i < 64; ++i) assert_int_equal(tds_json_push_feed(push, lump, 1 << 20), APR_EINVAL);
    assert_int_equal(tds_json_push_end(push), APR_EINVAL);
    free(lump);
}

static apr_status_t refuse(void *baton, tds_json_event_e event, const char *text, apr_size_t len, int last)
{
    return event == TDS_JSON_TRUE ? APR_ENOSPC : APR_SUCCESS;
}

static void stopped_by_the_reader(void **state)
{
    tds_json_push_t *push = tds_json_push_make(TDS_JSON_DEPTH_MAX, refuse, NULL, pool);

    assert_ok(tds_json_push_feed(push, "[1,", 3));
    assert_int_equal(tds_json_push_feed(push, "true", 4), APR_ENOSPC);
    assert_int_equal(tds_json_push_feed(push, "]", 1), APR_ENOSPC);
    assert_int_equal(tds_json_push_end(push), APR_ENOSPC);
}

static const struct CMUnitTest tests[] = {UNIT(tells), UNIT(verdicts), UNIT(depth),
                                          UNIT(bytes), UNIT(huge),     UNIT(stopped_by_the_reader)};

UNIT_MAIN(tests)
