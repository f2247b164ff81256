/* UTF-8, its characters, and what is no part of a URL. */
#include "unit.h"
#include <string.h>
#include "tds_text.h"
#include "tds_url.h"

#define IS(fn, text) fn(text, sizeof(text) - 1)

/* RFC 3629 */
static void utf8(void **state)
{
    assert_true(IS(tds_text_utf8, ""));
    assert_true(IS(tds_text_utf8, "a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    assert_false(IS(tds_text_utf8, "M\xfcller"));      /* Latin-1 */
    assert_false(IS(tds_text_utf8, "\x80"));
    assert_false(IS(tds_text_utf8, "\xc3"));           /* cut */
    assert_false(IS(tds_text_utf8, "\xe2\x82"));
    assert_false(IS(tds_text_utf8, "\xc0\x80"));       /* overlong */
    assert_false(IS(tds_text_utf8, "\xc1\xbf"));
    assert_false(IS(tds_text_utf8, "\xe0\x9f\xbf"));
    assert_false(IS(tds_text_utf8, "\xf0\x8f\xbf\xbf"));
    assert_false(IS(tds_text_utf8, "\xed\xa0\x80"));   /* surrogate */
    assert_false(IS(tds_text_utf8, "\xf4\x90\x80\x80")); /* above U+10FFFF */
    assert_false(IS(tds_text_utf8, "\xf5\x80\x80\x80"));
    assert_false(IS(tds_text_utf8, "\xff"));
}

static void characters(void **state)
{
    assert_int_equal(IS(tds_text_chars, ""), 0);
    assert_int_equal(IS(tds_text_chars, "abc"), 3);
    assert_int_equal(IS(tds_text_chars, "\xc3\xbc\xe5\xad\x97\xf0\x9f\x98\x80"), 3);
    assert_int_equal(tds_text_head("\xc3\xbc\xe5\xad\x97" "a", 6, 0), 0);
    assert_int_equal(tds_text_head("\xc3\xbc\xe5\xad\x97" "a", 6, 2), 5);
    assert_int_equal(tds_text_head("\xc3\xbc\xe5\xad\x97" "a", 6, 9), 6);
}

static void solid(void **state)
{
    static const char *const bad[] = {"a b", "\t", "a\n", "\x01", "\x7f", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
                                      "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xff"};
    int i;

    assert_true(IS(tds_text_solid, "https://h/\xc3\xbc#x"));
    assert_false(IS(tds_text_solid, "a\0b"));
    for (i = 0; i < COUNT(bad); ++i) {
        if (tds_text_solid(bad[i], strlen(bad[i]))) fail_msg("row %d", i);
    }
}

/* RFC 3986: an IPv6 address in brackets, a port of digits. */
static void hosts(void **state)
{
    static const char *const good[] = {"https://[::1]", "https://[2001:db8::192.0.2.1]:1/", "https://h_1.example./", "https://192.0.2.1:65535"};
    static const char *const bad[] = {"https://[::1", "https://::1/", "https://[]/", "https://[::1]x/", "https://[::1]:/", "https://[192.0.2.1]/",
                                      "https://h:00000080/", "https://h:1:2/", "https://h:+1/", "https://a\\@h/", "https:/h", "https//h", "https"};
    int i;

    for (i = 0; i < COUNT(good); ++i) {
        if (!tds_url_good(good[i], strlen(good[i]), TDS_URL_HTTPS)) fail_msg("refused: %s", good[i]);
    }
    for (i = 0; i < COUNT(bad); ++i) {
        if (tds_url_good(bad[i], strlen(bad[i]), TDS_URL_HTTPS)) fail_msg("taken: %s", bad[i]);
    }
    assert_true(IS(tds_url_port_good, "1"));
    assert_false(IS(tds_url_port_good, ""));
}

static const struct CMUnitTest tests[] = {UNIT(utf8), UNIT(characters), UNIT(solid), UNIT(hosts)};
UNIT_MAIN(tests)
