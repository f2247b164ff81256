#include "unit.h"
#include "tds_http.h"

static void canonical(void **state)
{
    static const struct {
        const char *in, *out;
    } good[] = {{"https://ds.example/acs", "https://ds.example/acs"},
                {"HTTPS://DS.Example/Acs", "https://ds.example/Acs"},
                {"https://ds.example", "https://ds.example/"},
                {"https://ds.example:443/x", "https://ds.example/x"},
                {"https://ds.example:443", "https://ds.example/"},
                {"https://ds.example:8443/x", "https://ds.example:8443/x"},
                {"https://ds.example?a=b", "https://ds.example/?a=b"},
                {"https://ds.example/x?y=/../z", "https://ds.example/x?y=/../z"},
                {"https://192.0.2.1:4430/", "https://192.0.2.1:4430/"},
                {"https://[2001:DB8::1]/", "https://[2001:db8::1]/"},
                {"https://[2001:db8::1]:443/", "https://[2001:db8::1]/"},
                {"https://ds.example/a%20b", "https://ds.example/a%20b"},
                {"https://ds.example/a..b/...", "https://ds.example/a..b/..."}};
    int i;

    for (i = 0; i < COUNT(good); ++i) {
        const char *out = tds_url_canonical(good[i].in, pool);

        assert_non_null(out);
        assert_string_equal(out, good[i].out);
        assert_string_equal(tds_url_canonical(out, pool), out);
    }
}

static void refused(void **state)
{
    static const char *const bad[] = {"",
                                      "http://ds.example/",
                                      "//ds.example/",
                                      "/acs",
                                      "https:/ds.example/",
                                      "https://",
                                      "https:///acs",
                                      "https://?x",
                                      "https://user@ds.example/",
                                      "https://user:pw@ds.example/",
                                      "https://ds.example@evil.example/",
                                      "https://ds.example/#f",
                                      "https://ds.example/a b",
                                      "https://ds.example/a\tb",
                                      "https://ds.example/a\nb",
                                      "https://ds.example/a\x7f",
                                      "https://ds.example\\@evil.example/",
                                      "https://ds.example/\\..",
                                      "https://ds%2eexample/",
                                      "https://.example/",
                                      "https://:443/",
                                      "https://ds.example:/",
                                      "https://ds.example:0/",
                                      "https://ds.example:65536/",
                                      "https://ds.example:44x/",
                                      "https://ds.example:443:444/",
                                      "https://d\xc3\xa9.example/",
                                      "https://ds.example/../x",
                                      "https://ds.example/x/..",
                                      "https://ds.example/x/.",
                                      "https://ds.example/./x",
                                      "https://ds.example/x/%2e%2e/y",
                                      "https://ds.example/x/.%2E/y",
                                      "https://ds.example/x/%2E%2e",
                                      "https://ds.example/x/..?q"};
    char *text = apr_palloc(pool, 3000);
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        if (tds_url_canonical(bad[i], pool)) fail_msg("accepted: %s", bad[i]);
    }
    assert_null(tds_url_canonical(NULL, pool));
    memset(text, 'a', 3000);
    memcpy(text, "https://d/", 10);
    text[2048] = '\0';
    assert_non_null(tds_url_canonical(text, pool));
    text[2048] = 'a';
    text[2049] = '\0';
    assert_null(tds_url_canonical(text, pool));
}

static void prefixes(void **state)
{
    static const struct {
        const char *url, *prefix;
        int under;
    } rows[] = {{"https://ds.example/acs", "https://ds.example/", 1},
                {"https://ds.example/acs", "https://ds.example/acs", 1},
                {"https://ds.example/acs/", "https://ds.example/acs", 1},
                {"https://ds.example/acs/x", "https://ds.example/acs", 1},
                {"https://ds.example/acs?x", "https://ds.example/acs", 1},
                {"https://ds.example/acs/x", "https://ds.example/acs/", 1},
                {"https://ds.example/acsx", "https://ds.example/acs", 0},
                {"https://ds.example/ac", "https://ds.example/acs", 0},
                {"https://ds.example/acs", "https://ds.example/acs/", 0},
                {"https://ds.example/ACS", "https://ds.example/acs", 0},
                {"https://ds.example.evil/", "https://ds.example/", 0},
                {"https://ds.example:8443/", "https://ds.example/", 0},
                {"https://ds.example/acs/../x", "https://ds.example/acs", 0},
                {"https://ds.example/acs/./x", "https://ds.example/acs", 0}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        if (!tds_url_under(rows[i].url, rows[i].prefix) != !rows[i].under) fail_msg("%s in %s", rows[i].url, rows[i].prefix);
    }
}

static void origin(void **state)
{
    assert_string_equal(tds_url_origin("https://ds.example/acs?x", pool), "https://ds.example");
    assert_string_equal(tds_url_origin("https://ds.example:8443/", pool), "https://ds.example:8443");
    assert_string_equal(tds_url_origin("https://ds.example", pool), "https://ds.example");
}

static void results(void **state)
{
    int i, j;

    for (i = TDS_HTTP_OK; i <= TDS_HTTP_CONFIG; ++i) {
        assert_true(strlen(tds_http_result_text((tds_http_result_e)i)) > 1);
        for (j = TDS_HTTP_OK; j < i; ++j)
            assert_string_not_equal(tds_http_result_text((tds_http_result_e)i), tds_http_result_text((tds_http_result_e)j));
    }
    assert_false(tds_http_sent(TDS_HTTP_CONNECT));
    assert_false(tds_http_sent(TDS_HTTP_TLS));
    assert_false(tds_http_sent(TDS_HTTP_CONFIG));
    assert_true(tds_http_sent(TDS_HTTP_STALE)); /* perhaps */
    assert_true(tds_http_sent(TDS_HTTP_TIMEOUT));
}

static const struct CMUnitTest tests[] = {UNIT(canonical), UNIT(refused), UNIT(prefixes), UNIT(origin), UNIT(results)};
UNIT_MAIN(tests)
