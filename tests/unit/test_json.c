#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_json.h"
#include "tds_json_scan.h"

static apr_pool_t *pool;

static apr_status_t scan(tds_json_scan_t *s, const char *text, int depth)
{
    apr_size_t len = strlen(text);
    char *exact = malloc(len ? len : 1); /* without NUL: an overrun is seen */
    apr_status_t rv;

    memcpy(exact, text, len);
    rv = tds_json_scan(s, exact, len, depth, pool);
    free(exact);
    return rv;
}

static void good_text(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " { } ",
        "\t[\r\n]\n",
        "{\"a\":1}",
        "[1,-0,0.5,1e9,-1.25E-7,1E+2,123456789012345678901234567890]",
        "[true,false,null]",
        "\"text\"",
        "17",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]",
        "[\"\\ud83c\\udf70\"]",
        "[\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x8d\xb0\"]",
        "[\"\\u0000\"]",
        "{\"\":\"\"}",
        "[\"\x7f\"]",
        "[[[]]]"};
    tds_json_scan_t s;
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        if (scan(&s, texts[i], 8) != APR_SUCCESS) fail_msg("refused: %s", texts[i]);
        assert_null(s.duplicates);
    }
}

static const char *const bad_texts[] = {"",
                                        " ",
                                        "{",
                                        "[",
                                        "}",
                                        "{]",
                                        "[}",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "[01]",
                                        "[1.]",
                                        "[.5]",
                                        "[1e]",
                                        "[+1]",
                                        "[-]",
                                        "[0x1]",
                                        "[NaN]",
                                        "[Infinity]",
                                        "[True]",
                                        "[nul]",
                                        "[\"]",
                                        "[\"\\x\"]",
                                        "[\"\\u12\"]",
                                        "[\"\\u12g4\"]",
                                        "[\"\\ud800\"]",
                                        "[\"\\ud800x\"]",
                                        "[\"\\ud800\\u0041\"]",
                                        "[\"\\udc00\"]",
                                        "[\"\n\"]",
                                        "[\"\x80\"]",
                                        "[\"\xc3\"]",
                                        "[\"\xc0\xaf\"]",
                                        "[\"\xe0\x80\xaf\"]",
                                        "[\"\xed\xa0\x80\"]",
                                        "[\"\xf4\x90\x80\x80\"]",
                                        "[\"\xf8\x88\x80\x80\x80\"]",
                                        "[\"\xe2\x82\"]",
                                        "[1] 2",
                                        "{}{}",
                                        "[1 2]",
                                        "{\"a\" 1}",
                                        "[\"\\",
                                        "[\"\\u",
                                        "/* */[]",
                                        "{\"\\u0000\":1}",
                                        "\xef\xbb\xbf{}"};

static void bad_text(void **state)
{
    tds_json_scan_t s;
    apr_size_t i;

    for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); ++i)
        if (scan(&s, bad_texts[i], 8) == APR_SUCCESS) fail_msg("accepted: %s", bad_texts[i]);
}

static void depth(void **state)
{
    tds_json_scan_t s;

    assert_int_equal(scan(&s, "[[[[]]]]", 4), APR_SUCCESS);
    assert_int_equal(scan(&s, "[[[[[]]]]]", 4), APR_EINVAL);
    assert_int_equal(scan(&s, "{\"a\":{\"a\":{\"a\":{\"a\":1}}}}", 4), APR_SUCCESS);
    assert_int_equal(scan(&s, "{\"a\":{\"a\":{\"a\":[{\"a\":1}]}}}", 4), APR_EINVAL);
}

static void tree_depth(void **state)
{
    json_t *v = json_loads("{\"a\":[[],{\"b\":[1]}],\"c\":1}", 0, NULL);

    assert_int_equal(tds_json_depth(v, 32), 4);
    assert_int_equal(tds_json_depth(v, 4), 4);
    assert_int_equal(tds_json_depth(v, 3), 4);
    assert_int_equal(tds_json_depth(v, 2), 3);
    assert_int_equal(tds_json_depth(json_object_get(v, "c"), 2), 0);
    json_decref(v);
}

static void duplicates(void **state)
{
    static const char *const rows[][2] = {
        {"{\"a\":1,\"a\":2}", "a"},
        {"{\"a\":1,\"b\":{\"a\":1}}", NULL},
        {"{\"b\":{\"a\":1,\"c\":2,\"a\":3}}", "b.a"},
        {"{\"a\":1,\"a\":2,\"a\":3}", "a"},
        {"{\"l\":[{\"x\":1},{\"x\":1,\"x\":2},{\"x\":1,\"x\":2}]}", "l.x"},
        {"{\"l\":[[{\"x\":1,\"x\":2}]]}", "l.x"},
        {"{\"\\u0061\":1,\"a\":2}", "a"},
        {"{\"\\ud83c\\udf70\":1,\"\xf0\x9f\x8d\xb0\":2}", "unknown"},
        {"{\"b\":{\"y\":1,\"y\":1},\"a\":1,\"b\":2,\"a\":3}", "b.y,b,a"},
        {"[{\"a\":1,\"a\":2}]", "a"},
        {"{\"a\":{\"b\":{\"c\":1,\"c\":2}}}", "a.b.c"},
        {"{\"a\":1,\"A\":1}", NULL},
        {"{\"a\":{\"x4000000000000\":1,\"x4000000000000\":2}}", "a.unknown"}, /* as long as a card number */
        {"{\"x400000000000\":1,\"x400000000000\":2}", "x400000000000"},
    };
    tds_json_scan_t s;
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        assert_int_equal(scan(&s, rows[i][0], 8), APR_SUCCESS);
        if (rows[i][1])
            assert_string_equal(s.duplicates, rows[i][1]);
        else
            assert_null(s.duplicates);
    }
}

static void neutral(void **state)
{
    tds_json_scan_t s;

    assert_int_equal(scan(&s, "{\"a\":\"1\"}", 8), APR_SUCCESS);
    assert_null(s.neutral);
    assert_int_equal(scan(&s, "{\"a\":1234,\"b\":[-1.5e400, 7,99999999999999999999],\"c\":\"9\"}", 8), APR_SUCCESS);
    assert_string_equal(s.neutral, "{\"a\":1234,\"b\":[0       , 7,0                   ],\"c\":\"9\"}");
}

static apr_status_t parse(json_t **root, const char *text, tds_err_t *err)
{
    tds_err_init(err, pool);
    return tds_json_parse(root, text, strlen(text), pool, err);
}

static void parsing(void **state)
{
    json_t *root;
    tds_err_t err;

    assert_int_equal(parse(&root, "\xef\xbb\xbf{\"a\":\"b\"}", &err), APR_SUCCESS);
    assert_string_equal(tds_json_get(root, "a"), "b");
    assert_int_equal(parse(&root, "{\"a\":99999999999999999999,\"b\":1e999,\"c\":\"x\"}", &err),
                     APR_SUCCESS);
    assert_string_equal(tds_json_get(root, "c"), "x");
    assert_true(json_is_number(json_object_get(root, "b")));

    assert_int_equal(parse(&root, "{\"a\":\"1\",\"a\":\"2\"}", &err), APR_EGENERAL);
    assert_int_equal(err.proto, 204);
    assert_string_equal(err.elements, "a");
    assert_string_equal(tds_json_get(root, "a"), "2");

    assert_int_equal(parse(&root, "{\"a\":1e999,\"a\":1e999}", &err), APR_EGENERAL);
    assert_int_equal(err.proto, 204);
    assert_non_null(root);

    assert_int_equal(parse(&root, "{\"a\":", &err), APR_EINVAL);
    assert_int_equal(err.proto, 101);
    assert_null(root);
    assert_int_equal(parse(&root, "\"text\"", &err), APR_EINVAL);
    assert_int_equal(err.proto, 101);
}

static char *nest(int n)
{
    char *s = apr_pcalloc(pool, (apr_size_t)n * 2 + 1);

    memset(s, '[', (apr_size_t)n);
    memset(s + n, ']', (apr_size_t)n);
    return s;
}

static void parsing_depth(void **state)
{
    json_t *root;
    tds_err_t err;

    assert_int_equal(parse(&root, nest(TDS_JSON_DEPTH_MAX), &err), APR_SUCCESS);
    assert_int_equal(parse(&root, nest(TDS_JSON_DEPTH_MAX + 1), &err), APR_EINVAL);
    assert_int_equal(err.proto, 101);
    assert_int_equal(parse(&root, nest(100000), &err), APR_EINVAL);
    assert_int_equal(err.proto, 101);
}

/* A hostile object must not take quadratic time: 100000 names, each twice. */
static void many_duplicates(void **state)
{
    apr_size_t n = 0, cap = 100000 * 2 * 14 + 3;
    char *text = malloc(cap);
    tds_json_scan_t s;
    int i;

    text[n++] = '{';
    for (i = 0; i < 200000; ++i)
        n += (apr_size_t)snprintf(text + n, cap - n, "\"k%d\":%d,", i / 2, i % 10);
    text[n - 1] = '}';
    assert_int_equal(tds_json_scan(&s, text, n, 8, pool), APR_SUCCESS);
    assert_non_null(s.duplicates);
    assert_true(strlen(s.duplicates) < 8192);
    free(text);
}

/* Code points of what is printed, for values of all kinds. */
static void chars(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", "[null,true,false]", "[0,-1,123456789012,1.5,-2e300,1e-7,0.1,100.0]", "[\"\",\"a\"]",
        "[\"\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\\u007f\\\"\\\\\\/\"]", "[\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"]",
        "{\"a\":{\"\\\"\\n\xc3\xbc\":[{},[{}],\"x\"]},\"b\":1}"};
    apr_size_t i, len, k, n;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        json_t *v = json_loads(texts[i], JSON_ALLOW_NUL, NULL);
        const char *text = tds_json_text(v, &len, pool);

        assert_non_null(v);
        for (k = n = 0; k < len; ++k) n += ((unsigned char)text[k] & 0xc0) != 0x80;
        assert_int_equal(tds_json_chars(v), n);
        json_decref(v);
    }
}

static void text_length(void **state)
{
    json_t *v = json_loads("{ \"a\" : \"\xc3\xbc\" }", 0, NULL);
    char *big = apr_palloc(pool, 5001);
    apr_size_t len;

    assert_int_equal(tds_json_chars(v), 9);
    assert_string_equal(tds_json_text(v, &len, pool), "{\"a\":\"\xc3\xbc\"}");
    assert_int_equal(len, 10);
    memset(big, 'x', 5000);
    big[5000] = '\0';
    tds_json_set(v, "b", big);
    assert_int_equal(strlen(tds_json_text(v, &len, pool)), 5000 + 10 + 7);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text),       cmocka_unit_test(bad_text),
        cmocka_unit_test(depth),           cmocka_unit_test(tree_depth),
        cmocka_unit_test(duplicates),      cmocka_unit_test(neutral),
        cmocka_unit_test(parsing),         cmocka_unit_test(parsing_depth),
        cmocka_unit_test(many_duplicates), cmocka_unit_test(text_length),
        cmocka_unit_test(chars),
    };
    int rv;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rv = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    return rv;
}
