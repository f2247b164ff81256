/* Forms as the WHATWG URL standard parses application/x-www-form-urlencoded (5.1). */
#include "unit.h"
#include <string.h>
#include <apr_strings.h>
#include "tds_form.h"

static tds_field_t f[3];

static void read_form(const char *text, apr_size_t len)
{
    char *body = apr_pstrmemdup(pool, text, len);

    f[0] = (tds_field_t)TDS_FIELD("creq");
    f[1] = (tds_field_t)TDS_FIELD("threeDSSessionData");
    f[2] = (tds_field_t)TDS_FIELD("a b");
    tds_form_read(body, len, f, 3);
}

static const char *creq(const char *text)
{
    read_form(text, strlen(text));
    return tds_form_value(&f[0]);
}

static void nothing_is_malformed(void **state)
{
    static const char *const one[] = {"creq=x", "flag&creq=x", "creq=x&flag", "&&creq=x&&", "=&creq=x", "==&creq=x", "flag=&creq=x&=y",
                                      "cre%71=x", "%63%72%65%71=%78", "%&creq=x", "%zz=%1&creq=x", "Creq=y&creq=x&creq%00=z"};
    int i;

    for (i = 0; i < COUNT(one); ++i) {
        const char *value = creq(one[i]);
        if (!value || strcmp(value, "x")) fail_msg("%s: %s", one[i], value ? value : "nothing");
    }
}

static void values(void **state)
{
    assert_null(creq(""));
    assert_null(creq("flag"));
    assert_string_equal(creq("creq"), "");
    assert_string_equal(creq("creq="), "");
    assert_string_equal(creq("creq=a=b"), "a=b");
    assert_string_equal(creq("creq=a+b%2Bc%26"), "a b+c&");
    assert_string_equal(creq("creq=100%"), "100%");
    assert_string_equal(creq("creq=%4"), "%4");
    assert_string_equal(creq("creq=%g1%41"), "%g1A");
    assert_null(creq("creq=a%00b")); /* no text */
    read_form("a+b=1&a%20b", 11);
    assert_int_equal(f[2].count, 2);
    assert_string_equal(tds_form_first(&f[2]), "1");
    assert_null(tds_form_value(&f[2]));
}

/* However many fields that nobody knows. */
static void strangers(void **state)
{
    char *text = apr_pstrdup(pool, "");
    int i;

    for (i = 0; i < 500; ++i) text = apr_psprintf(pool, "%sx%d=%d&y&", i % 100 ? text : "", i, i);
    assert_string_equal(creq(apr_pstrcat(pool, text, "creq=x", NULL)), "x");
}

static void twice(void **state)
{
    assert_null(creq("creq=a&creq=b"));
    assert_null(creq("creq&creq=b"));
    assert_int_equal(f[0].count, 2);
    (void)creq("threeDSSessionData=first&creq=x&threeDSSessionData=second&threeDSSessionData");
    assert_string_equal(tds_form_first(&f[1]), "first");
    assert_int_equal(f[1].count, 3);
}

static const struct CMUnitTest tests[] = {UNIT(nothing_is_malformed), UNIT(values), UNIT(strangers), UNIT(twice)};
UNIT_MAIN(tests)
