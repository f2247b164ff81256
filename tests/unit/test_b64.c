#include "unit.h"
#include "tds_b64.h"

static apr_status_t decode(const char *text, int lax, const char **out, apr_size_t *len)
{
    unsigned char *bytes = NULL;
    apr_status_t rv = tds_b64url_decode(&bytes, len, text, strlen(text), lax, pool);

    *out = (const char *)bytes;
    return rv;
}

/* RFC 4648 section 10. */
static void vectors(void **state)
{
    static const struct {
        const char *plain, *b64, *url;
    } v[] = {{"", "", ""},
             {"f", "Zg==", "Zg"},
             {"fo", "Zm8=", "Zm8"},
             {"foo", "Zm9v", "Zm9v"},
             {"foob", "Zm9vYg==", "Zm9vYg"},
             {"fooba", "Zm9vYmE=", "Zm9vYmE"},
             {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
             {"\xfb\xff\xfe", "+//+", "-__-"}};
    const char *out;
    apr_size_t len;
    int i;

    for (i = 0; i < COUNT(v); ++i) {
        assert_string_equal(tds_b64_encode(v[i].plain, strlen(v[i].plain), pool), v[i].b64);
        assert_string_equal(tds_b64url_encode(v[i].plain, strlen(v[i].plain), pool), v[i].url);
        assert_ok(decode(v[i].url, 0, &out, &len));
        assert_int_equal(len, strlen(v[i].plain));
        assert_memory_equal(out, v[i].plain, len + 1);
    }
}

static void round_trip(void **state)
{
    unsigned char in[200], *out;
    apr_size_t n, len, i;

    for (n = 0; n < sizeof in; ++n) {
        const char *text;

        for (i = 0; i < n; ++i) in[i] = (unsigned char)(i * 37 + n * 11);
        text = tds_b64url_encode(in, n, pool);
        assert_ok(tds_b64url_decode(&out, &len, text, strlen(text), 0, pool));
        assert_int_equal(len, n);
        assert_memory_equal(out, in, n);
        assert_int_equal(out[n], 0);
    }
}

static void strict(void **state)
{
    static const char *const bad[] = {"A", "AAAAA", "Zg=", "Zg==", "Z g", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v",
                                      "Zh", /* bits left over */ "Zm9", "Zm9vYh", "="};
    const char *out;
    apr_size_t len;
    char text[5] = "AAAA";
    int i;

    for (i = 0; i < COUNT(bad); ++i) assert_int_equal(decode(bad[i], 0, &out, &len), APR_EINVAL);
    for (i = 1; i < 256; ++i) {
        int good = (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z') || (i >= '0' && i <= '9') || i == '-' || i == '_';

        text[1] = (char)i;
        assert_int_equal(decode(text, 0, &out, &len), good ? APR_SUCCESS : APR_EINVAL);
    }
}

static void lax(void **state)
{
    static const char *const good[] = {"Zg==", "Zg=", "Zg", "Z g", "Zg\r\n", " Z\tg == "};
    static const char *const bad[] = {"=", "==", "Zg===", "Zg=a", "Zm+v", "A", "Zh=="};
    const char *out;
    apr_size_t len;
    int i;

    for (i = 0; i < COUNT(good); ++i) {
        assert_ok(decode(good[i], 1, &out, &len));
        assert_string_equal(out, "f");
    }
    for (i = 0; i < COUNT(bad); ++i) assert_int_equal(decode(bad[i], 1, &out, &len), APR_EINVAL);
}

/* The length counts, not a NUL. */
static void length_counts(void **state)
{
    unsigned char *out;
    apr_size_t len;

    assert_int_equal(tds_b64url_decode(&out, &len, "Zm9v\0Zm9v", 9, 0, pool), APR_EINVAL);
    assert_ok(tds_b64url_decode(&out, &len, "Zm9vZZZZ", 4, 0, pool));
    assert_string_equal((char *)out, "foo");
}

static const struct CMUnitTest tests[] = {UNIT(vectors), UNIT(round_trip), UNIT(strict), UNIT(lax), UNIT(length_counts)};
UNIT_MAIN(tests)
