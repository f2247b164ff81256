/* The hand-written matchers against the regular expressions of spec/elements.json, run by
 * regexec(), on samples and on mutations of samples. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <regex.h>
#include <cmocka.h>
#include <apr_general.h>
#include "tds_msg_int.h"

/* strict: the matcher also looks at what the regular expression cannot (calendar, port, control characters). */
static const struct {
    const char *name;
    tds_format_e format;
    int strict;
} formats[] = {
    {"n", TDS_F_DIGITS, 0},
    {"a", TDS_F_LETTERS, 0},
    {"an", TDS_F_ALNUM, 0},
    {"uuid", TDS_F_UUID, 0},
    {"url", TDS_F_URL, 1},
    {"url-https", TDS_F_URL_HTTPS, 1},
    {"url-applink", TDS_F_URL_HTTPS, 1},
    {"url-or-data-url", TDS_F_URL_OR_DATA, 1},
    {"email", TDS_F_EMAIL, 1},
    {"email-text", TDS_F_SOLID, 1},
    {"date YYYYMMDD", TDS_F_DATE, 1},
    {"date YYMM", TDS_F_YYMM, 1},
    {"datetime YYYYMMDDHHMM", TDS_F_DATETIME12, 1},
    {"datetime YYYYMMDDHHMMSS", TDS_F_DATETIME14, 1},
    {"tz-offset", TDS_F_TZ, 0},
    {"base64", TDS_F_BASE64, 0},
    {"base64url", TDS_F_BASE64URL, 0},
    {"jwe-compact", TDS_F_JWE, 0},
    {"jws-compact", TDS_F_JWS, 0},
    {"iso3166-numeric", TDS_F_COUNTRY, 0},
    {"iso4217-numeric", TDS_F_CURRENCY, 0},
    {"iso4217-alpha", TDS_F_CURRENCY_ALPHA, 0},
    {"pan", TDS_F_PAN, 0},
    {"version", TDS_F_VERSION, 0},
};

static const struct {
    const char *regex;
    tds_pattern_e pattern;
} patterns[] = {
    {"^[0-9]{1,2}$", TDS_P_DIGITS_1_2},
    {"^[0-9]{5}$", TDS_P_DIGITS_5},
    {"^[0-9]{3}$", TDS_P_DIGITS_3},
    {"^[A-Za-z0-9+/]{27}[A-Za-z0-9+/=]$", TDS_P_AV28},
};

static const char *const samples[] = {"",
                                      "0",
                                      "12",
                                      "123",
                                      "1234",
                                      "12345",
                                      "123456",
                                      "-60",
                                      "+840",
                                      "-12345",
                                      "+",
                                      "-",
                                      "a",
                                      "Z",
                                      "abc",
                                      "ABC",
                                      "aB3",
                                      "4000001234567",
                                      "4000001234567899",
                                      "4000001234567899000",
                                      "40000012345678990001",
                                      "2.2.0",
                                      "02.03.01",
                                      "2.10.0",
                                      "2.2",
                                      "2.2.0.1",
                                      "2..0",
                                      "100.2.0",
                                      "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
                                      "8A880DC0-D2D2-4067-BCB1-B08D1690B26E",
                                      "8a880dc0d2d24067bcb1b08d1690b26e0000",
                                      "8a880dc0-d2d2-4067-bcb1-b08d1690b26",
                                      "https://a",
                                      "https://a/b?c#d",
                                      "https://",
                                      "https:///x",
                                      "https://?x",
                                      "https://#x",
                                      "https:// x",
                                      "https://a b",
                                      "http://a:80/",
                                      "app+x.y-z://h/p",
                                      "1x://h",
                                      "://h",
                                      "HTTPS://h",
                                      "data:text/html,x",
                                      "data:",
                                      "data: x",
                                      "mailto:a@b",
                                      "a@b",
                                      "@b",
                                      "a@",
                                      "a@b@c",
                                      "a b@c",
                                      "a@b c",
                                      "\xc3\xbc@\xc3\xbc.de",
                                      "a\n@b",
                                      "a.b.c",
                                      "a..c",
                                      "a.b.c.d.e",
                                      "a..c.d.e",
                                      "a.b.c.d.",
                                      "a.b.c.d.e.f",
                                      ".b.c",
                                      "a.b.",
                                      "QUJD",
                                      "QUI=",
                                      "QQ==",
                                      "QQ===",
                                      "=",
                                      "QQ=A",
                                      "QU-_",
                                      "QU+/",
                                      "QU I=",
                                      "AJkBByEyYgAAAASwgmNkdAAAAAA=",
                                      "AJkBByEyYgAAAASwgmNkdAAAAAAA",
                                      "AJkBByEyYgAAAASwgmNkdAAAAA==",
                                      "AJkBByEyYgAAAASwgmNkdAAAAA-=",
                                      "20260131",
                                      "20260230",
                                      "20240229",
                                      "20230229",
                                      "20001301",
                                      "20000001",
                                      "20000100",
                                      "2812",
                                      "2813",
                                      "2800",
                                      "202601312359",
                                      "202601312400",
                                      "202601312360",
                                      "20260131235959",
                                      "20260131235960",
                                      "20260131235961",
                                      "20260231000000",
                                      "978",
                                      "97",
                                      "EUR",
                                      "eur",
                                      "123\n",
                                      "abc\n",
                                      "\t",
                                      " ",
                                      "\xc3\xbc",
                                      "0x1f",
                                      "1,2",
                                      "203.0.113.17",
                                      "::1"};

#define NSAMPLES (sizeof(samples) / sizeof(samples[0]))

static void compare(const char *name, const regex_t *re, tds_match_fn *fn, int strict,
                    const char *text)
{
    int want = regexec(re, text, 0, NULL, 0) == 0, have = fn(text, strlen(text)) != 0;

    if (strict ? have && !want : have != want)
        fail_msg("%s: \"%s\": matcher %d, expression %d", name, text, have, want);
}

/* All samples, and each with one byte replaced at each place. */
static void compare_all(const char *name, const char *expression, tds_match_fn *fn, int strict)
{
    static const char bytes[] = "0aZ-_+/=.:@ \n~";
    regex_t re;
    apr_size_t i, at, b;

    assert_int_equal(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0);
    for (i = 0; i < NSAMPLES; ++i) {
        char text[128];

        compare(name, &re, fn, strict, samples[i]);
        for (at = 0; at < strlen(samples[i]); ++at)
            for (b = 0; b < sizeof(bytes) - 1; ++b) {
                snprintf(text, sizeof(text), "%s", samples[i]);
                if ((unsigned char)text[at] >= 0x80) continue;
                text[at] = bytes[b];
                compare(name, &re, fn, strict, text);
            }
    }
    regfree(&re);
}

static void against_regex(void **state)
{
    json_t *spec = json_load_file(SRCDIR "/shared/msg/spec/elements.json", 0, NULL), *all, *f;
    const char *name;
    apr_size_t i, seen = 0;

    assert_non_null(spec);
    all = json_object_get(spec, "formats");
    json_object_foreach(all, name, f)
    {
        const char *expression = tds_json_get(f, "regex");

        if (!expression) continue;
        for (i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i)
            if (!strcmp(formats[i].name, name)) break;
        if (i == sizeof(formats) / sizeof(formats[0])) fail_msg("format %s is not tested", name);
        compare_all(name, expression, tds_format_fn[formats[i].format], formats[i].strict);
        ++seen;
    }
    assert_int_equal(seen, sizeof(formats) / sizeof(formats[0]));
    for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); ++i)
        compare_all(patterns[i].regex, patterns[i].regex, tds_pattern_fn[patterns[i].pattern], 0);
    json_decref(spec);
}

static int is(tds_format_e f, const char *text)
{
    return tds_format_fn[f](text, strlen(text)) != 0;
}

static void calendar(void **state)
{
    assert_true(is(TDS_F_DATE, "20240229"));
    assert_false(is(TDS_F_DATE, "20230229"));
    assert_false(is(TDS_F_DATE, "21000229"));
    assert_true(is(TDS_F_DATE, "20000229"));
    assert_false(is(TDS_F_DATE, "20240431"));
    assert_false(is(TDS_F_DATE, "20241301"));
    assert_false(is(TDS_F_DATE, "20240100"));
    assert_true(is(TDS_F_YYMM, "2812"));
    assert_false(is(TDS_F_YYMM, "2813"));
    assert_true(is(TDS_F_DATETIME12, "202601312359"));
    assert_false(is(TDS_F_DATETIME12, "202601312400"));
    assert_true(is(TDS_F_DATETIME14, "20260131235959"));
    assert_false(is(TDS_F_DATETIME14, "20260131236000"));
    assert_false(is(TDS_F_DATETIME14, "20161231235960"));
}

static void addresses(void **state)
{
    assert_true(is(TDS_F_IP, "203.0.113.17"));
    assert_false(is(TDS_F_IP, "203.0.113"));
    assert_false(is(TDS_F_IP, "203.0.113.256"));
    assert_true(is(TDS_F_IP, "2001:db8::1"));
    assert_true(is(TDS_F_IP, "2001:0db8:0000:0000:0000:0000:0000:0001"));
    assert_true(is(TDS_F_IP, "::ffff:203.0.113.17"));
    assert_false(is(TDS_F_IP, "[::1]"));
    assert_false(is(TDS_F_IP, "localhost"));
}

/* F-13: a NUL inside a text fits no format. */
static void nul(void **state)
{
    static const char *const texts[] = {"a\0b", "1\0002", "https://a\0b", "a@b\0c", "1.1.1.1\0x"};
    static const apr_size_t lens[] = {3, 3, 11, 5, 9};
    int f, i;

    for (f = 0; f < TDS_F_COUNT; ++f)
        for (i = 0; i < 5; ++i)
            if (tds_format_fn[f](texts[i], lens[i])) fail_msg("%s takes a NUL", tds_format_name[f]);
}

static void currencies(void **state)
{
    assert_int_equal(tds_currency_exponent("978"), 2);
    assert_int_equal(tds_currency_exponent("392"), 0);
    assert_int_equal(tds_currency_exponent("414"), 3);
    assert_int_equal(tds_currency_exponent("990"), 4);
    assert_int_equal(tds_currency_exponent("000"), -1);
    assert_int_equal(tds_currency_exponent("97"), -1);
    assert_int_equal(tds_currency_exponent(NULL), -1);
}

static void lists(void **state)
{
    assert_true(tds_list_has(",01,02,", "01", 2));
    assert_true(tds_list_has("01,02", "02", 2));
    assert_false(tds_list_has("01,02", "0", 1));
    assert_false(tds_list_has("01,02", "01,02", 5));
    assert_false(tds_list_has("", "01", 2));
    assert_false(tds_list_has(",01,", "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_regex), cmocka_unit_test(calendar),   cmocka_unit_test(addresses),
        cmocka_unit_test(nul),           cmocka_unit_test(currencies), cmocka_unit_test(lists),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
