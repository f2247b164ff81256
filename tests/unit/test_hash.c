#include "unit.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "tds_hash.h"

static const char *hex32(const unsigned char *md)
{
    return tds_hex(md, TDS_HASH_LEN, pool);
}

/* FIPS 180-2 and RFC 4231. */
static void vectors(void **state)
{
    unsigned char md[TDS_HASH_LEN], key[131];

    assert_ok(tds_sha256(md, "abc", 3));
    assert_string_equal(hex32(md), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(tds_sha256(md, "", 0));
    assert_string_equal(hex32(md), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    memset(key, 0x0b, 20);
    assert_ok(tds_hmac(md, key, 20, "Hi There", 8));
    assert_string_equal(hex32(md), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_ok(tds_hmac(md, "Jefe", 4, "what do ya want for nothing?", 28));
    assert_string_equal(hex32(md), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key); /* cases 6 and 7: a key longer than a block */
    assert_ok(tds_hmac(md, key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54));
    assert_string_equal(hex32(md), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The same as OpenSSL's own, for keys and data of all lengths round a block. */
static void like_openssl(void **state)
{
    unsigned char key[200], data[200], md[TDS_HASH_LEN], theirs[TDS_HASH_LEN];
    unsigned n, i, j;

    for (i = 0; i < sizeof key; ++i) key[i] = data[i] = (unsigned char)(i * 7 + 1);
    for (i = 0; i <= sizeof key; ++i)
        for (j = 0; j <= sizeof data; j += 13) {
            assert_ok(tds_hmac(md, key, i, data, j));
            assert_non_null(HMAC(EVP_sha256(), key, (int)i, data, j, theirs, &n));
            assert_memory_equal(md, theirs, sizeof md);
        }
}

/* No two lists of parts meet. */
static void parts(void **state)
{
    const tds_bytes_t a[] = {TDS_BYTES("ab", 2), TDS_BYTES("c", 1)}, b[] = {TDS_BYTES("a", 1), TDS_BYTES("bc", 2)},
                      c[] = {TDS_BYTES("abc", 3)}, d[] = {TDS_BYTES("abc", 3), TDS_BYTES("", 0)};
    const struct {
        const tds_bytes_t *parts;
        int n;
    } lists[] = {{a, 2}, {b, 2}, {c, 1}, {d, 2}, {NULL, 0}};
    unsigned char md[COUNT(lists)][TDS_HASH_LEN], plain[TDS_HASH_LEN];
    int i, j;

    for (i = 0; i < COUNT(lists); ++i) {
        assert_ok(tds_mac(md[i], "key", 3, lists[i].parts, lists[i].n));
        for (j = 0; j < i; ++j) assert_memory_not_equal(md[i], md[j], TDS_HASH_LEN);
    }
    assert_ok(tds_hmac(plain, "key", 3, "\0\0\0\2ab\0\0\0\1c", 11));
    assert_memory_equal(plain, md[0], TDS_HASH_LEN);
}

/* Both sides of the small buffer give what plain HMAC gives. */
static void long_parts(void **state)
{
    unsigned char md[TDS_HASH_LEN], plain[TDS_HASH_LEN], *text;
    apr_size_t len;

    for (len = 500; len < 520; ++len) {
        tds_bytes_t part;

        text = apr_palloc(pool, len + 4);
        memset(text, 'x', len + 4);
        part = TDS_BYTES(text + 4, len);
        text[0] = text[1] = 0;
        text[2] = (unsigned char)(len >> 8);
        text[3] = (unsigned char)len;
        assert_ok(tds_mac(md, "k", 1, &part, 1));
        assert_ok(tds_hmac(plain, "k", 1, text, len + 4));
        assert_memory_equal(md, plain, TDS_HASH_LEN);
    }
}

static void equal(void **state)
{
    assert_true(tds_equal("abc", "abc", 3));
    assert_false(tds_equal("abc", "abd", 3));
    assert_true(tds_equal("abc", "abd", 2));
    assert_true(tds_equal("", "x", 0));
    assert_true(tds_equal_str("", ""));
    assert_true(tds_equal_str("abc", "abc"));
    assert_false(tds_equal_str("abc", "ab"));
    assert_false(tds_equal_str("ab", "abc"));
    assert_false(tds_equal_str("abc", "abd"));
}

static void hex(void **state)
{
    unsigned char out[3] = {0};

    assert_string_equal(tds_hex("\x00\xab\xff", 3, pool), "00abff");
    assert_string_equal(tds_hex("", 0, pool), "");
    assert_ok(tds_unhex(out, 3, "00abFF"));
    assert_memory_equal(out, "\x00\xab\xff", 3);
    assert_int_equal(tds_unhex(out, 3, "00abf"), APR_EINVAL);
    assert_int_equal(tds_unhex(out, 3, "00abff0"), APR_EINVAL);
    assert_int_equal(tds_unhex(out, 3, "00abfg"), APR_EINVAL);
    assert_int_equal(tds_unhex(out, 3, "00 bff"), APR_EINVAL);
    assert_int_equal(tds_unhex(out, 3, ""), APR_EINVAL);
}

static void wipe(void **state)
{
    apr_pool_t *sub;
    char secret[] = "secret";

    assert_ok(apr_pool_create(&sub, pool));
    tds_wipe_later(sub, secret, 3);
    assert_string_equal(secret, "secret");
    apr_pool_destroy(sub);
    assert_memory_equal(secret, "\0\0\0ret", 6);
    tds_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0\0\0", 7);
}

static const struct CMUnitTest tests[] = {UNIT(vectors), UNIT(like_openssl), UNIT(parts), UNIT(long_parts), UNIT(equal), UNIT(hex), UNIT(wipe)};
UNIT_MAIN(tests)
