#include "unit.h"
#include <string.h>
#include <apr_strings.h>
#include "tds_sign.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define T0  apr_time_from_sec(1764000000)

static tds_signed_t what = {.method = "POST", .path = "/acs/issuer/oob/1?x=2", .body = "{\"status\":\"ACCEPTED\"}", .len = 21};

/* python3: hmac.new(bytes(range(32)), b'1764000000.POST./acs/issuer/oob/1?x=2.{"status":"ACCEPTED"}', sha256).hexdigest() */
#define KNOWN "t=1764000000,v1=d0d86a6ba479582d49a17942484f8d008b6e473eedead3ba8af5086356e94e7c"

static void known(void **state)
{
    tds_sign_keys_t keys = {.count = 0};

    assert_null(tds_sign(&keys, &what, T0, pool));
    assert_ok(tds_sign_add(&keys, KEY, &err));
    assert_string_equal(tds_sign(&keys, &what, T0, pool), KNOWN);
    assert_ok(tds_sign_check(&keys, &what, KNOWN, T0, pool));
}

static void changed(void **state)
{
    tds_sign_keys_t keys = {.count = 0};
    tds_signed_t other;
    static const char *const bad[] = {NULL, "", "t=", "t=1764000000", "t=1764000000,v1=", "t=x,v1=00", "v1=00,t=1764000000",
                                      "t=-1,v1=0000000000000000000000000000000000000000000000000000000000000000",
                                      "t=99999999999999999999,v1=0000000000000000000000000000000000000000000000000000000000000000"};
    char *twisted = apr_pstrdup(pool, KNOWN);
    int i;

    assert_ok(tds_sign_add(&keys, KEY, &err));
    for (i = 0; i < COUNT(bad); ++i) assert_int_equal(tds_sign_check(&keys, &what, bad[i], T0, pool), APR_EACCES);
    twisted[strlen(twisted) - 1] ^= 1;
    assert_int_equal(tds_sign_check(&keys, &what, twisted, T0, pool), APR_EACCES);
    other = what;
    other.method = "GET";
    assert_int_equal(tds_sign_check(&keys, &other, KNOWN, T0, pool), APR_EACCES);
    other = what;
    other.path = "/acs/issuer/oob/1";
    assert_int_equal(tds_sign_check(&keys, &other, KNOWN, T0, pool), APR_EACCES);
    other = what;
    other.len = 20;
    assert_int_equal(tds_sign_check(&keys, &other, KNOWN, T0, pool), APR_EACCES);
}

static void window(void **state)
{
    tds_sign_keys_t keys = {.count = 0};

    assert_ok(tds_sign_add(&keys, KEY, &err));
    assert_ok(tds_sign_check(&keys, &what, KNOWN, T0 + TDS_SIGN_WINDOW, pool));
    assert_ok(tds_sign_check(&keys, &what, KNOWN, T0 - TDS_SIGN_WINDOW, pool));
    assert_int_equal(tds_sign_check(&keys, &what, KNOWN, T0 + TDS_SIGN_WINDOW + APR_USEC_PER_SEC, pool), APR_EACCES);
    assert_int_equal(tds_sign_check(&keys, &what, KNOWN, T0 - TDS_SIGN_WINDOW - APR_USEC_PER_SEC, pool), APR_EACCES);
}

/* The first signs, either verifies. */
static void two_keys(void **state)
{
    tds_sign_keys_t keys = {.count = 0}, old = {.count = 0};

    assert_ok(tds_sign_add(&old, KEY, &err));
    assert_ok(tds_sign_add(&keys, NEW, &err));
    assert_ok(tds_sign_add(&keys, KEY, &err));
    assert_ok(tds_sign_check(&keys, &what, KNOWN, T0, pool));
    assert_string_not_equal(tds_sign(&keys, &what, T0, pool), KNOWN);
    assert_int_equal(tds_sign_check(&old, &what, tds_sign(&keys, &what, T0, pool), T0, pool), APR_EACCES);
    assert_int_equal(tds_sign_add(&keys, KEY, &err), APR_ENOSPC);
    assert_int_equal(tds_sign_add(&old, "00", NULL), APR_EINVAL);
}

static const struct CMUnitTest tests[] = {UNIT(known), UNIT(changed), UNIT(window), UNIT(two_keys)};
UNIT_MAIN(tests)
