#include "unit.h"
#include "tds_seal.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define DAY   apr_time_from_sec(86400)
#define NOW   (20000 * DAY + 12345)
#define STORE_KEY "acs:{8a}:t:8a880dc0-d2d2-4067-bcb1-b08d1690b26e"

static const char plain[] = "a record of some length, which is card data";

static tds_keys_t *keys_of(const char *first, const char *second)
{
    tds_keys_t *keys = tds_keys_make(pool);

    assert_ok(tds_keys_add(keys, first, &err));
    if (second) assert_ok(tds_keys_add(keys, second, &err));
    return keys;
}

static tds_seal_ctx_t ctx_of(tds_keys_t *keys)
{
    return (tds_seal_ctx_t){.keys = keys, .store_key = STORE_KEY, .shard = "8a", .type = 't', .version = 7};
}

static unsigned char *seal(const tds_seal_ctx_t *ctx, apr_time_t now, apr_size_t *len)
{
    unsigned char *out = apr_palloc(pool, sizeof plain + TDS_SEAL_OVERHEAD);

    assert_ok(tds_seal(out, ctx, now, plain, sizeof plain));
    *len = sizeof plain + TDS_SEAL_OVERHEAD;
    return out;
}

static apr_status_t opens(const tds_seal_ctx_t *ctx, const unsigned char *sealed, apr_size_t len)
{
    unsigned char *out = NULL;
    apr_size_t n = 0;
    apr_status_t rv = tds_unseal(&out, &n, ctx, sealed, len, pool);

    if (rv != APR_SUCCESS) return rv;
    assert_int_equal(n, sizeof plain);
    assert_memory_equal(out, plain, n);
    assert_int_equal(out[n], 0);
    return rv;
}

static void round_trip(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(keys_of(KEY_A, NULL));
    unsigned char *sealed, *again, empty[TDS_SEAL_OVERHEAD], *out;
    apr_size_t len, n;

    sealed = seal(&ctx, NOW, &len);
    assert_ok(opens(&ctx, sealed, len));
    again = seal(&ctx, NOW, &len);
    assert_memory_not_equal(sealed, again, len); /* never the same IV */
    assert_ok(tds_seal(empty, &ctx, NOW, "", 0));
    assert_ok(tds_unseal(&out, &n, &ctx, empty, sizeof empty, pool));
    assert_int_equal(n, 0);
}

/* A bit changed anywhere. The first byte names the generation, so there it may also be an unknown one. */
static void every_bit(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(keys_of(KEY_A, NULL));
    apr_size_t len, i;
    unsigned char *sealed = seal(&ctx, NOW, &len);
    int bit;

    for (i = 0; i < len; ++i) {
        for (bit = 0; bit < 8; ++bit) {
            sealed[i] ^= (unsigned char)(1 << bit);
            assert_int_equal(opens(&ctx, sealed, len), i ? APR_EINVAL : APR_NOTFOUND);
            sealed[i] ^= (unsigned char)(1 << bit);
        }
    }
    assert_ok(opens(&ctx, sealed, len));
}

static void every_length(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(keys_of(KEY_A, NULL));
    apr_size_t len, i;
    unsigned char *sealed = seal(&ctx, NOW, &len), *copy;

    for (i = 0; i < len; ++i) {
        copy = malloc(i + 1); /* exact size: a sanitizer sees a read behind the end */
        memcpy(copy, sealed, i);
        assert_int_equal(opens(&ctx, copy, i), APR_EINVAL);
        free(copy);
    }
}

static void other_place(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(keys_of(KEY_A, NULL)), other;
    apr_size_t len;
    unsigned char *sealed = seal(&ctx, NOW, &len);

    other = ctx;
    other.store_key = "acs:{8a}:t:8a880dc0-d2d2-4067-bcb1-b08d1690b26f";
    assert_int_equal(opens(&other, sealed, len), APR_EINVAL);
    other = ctx;
    other.store_key = STORE_KEY "x";
    assert_int_equal(opens(&other, sealed, len), APR_EINVAL);
    other = ctx;
    other.type = 'u';
    assert_int_equal(opens(&other, sealed, len), APR_EINVAL);
    for (other = ctx, other.version = 0; other.version < 20; ++other.version)
        assert_int_equal(opens(&other, sealed, len), other.version == ctx.version ? APR_SUCCESS : APR_EINVAL);
    other.version = 7 + (1u << 24);
    assert_int_equal(opens(&other, sealed, len), APR_EINVAL);
    other = ctx;
    other.shard = "8b";
    assert_int_equal(opens(&other, sealed, len), APR_EINVAL);
}

/* The day is in the clear, authenticated, and makes another key. */
static void other_day(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(keys_of(KEY_A, NULL));
    apr_size_t len;
    unsigned char *today = seal(&ctx, NOW, &len), *tomorrow = seal(&ctx, NOW + DAY, &len), *same = seal(&ctx, NOW + 1, &len);

    assert_memory_equal(today + 1, same + 1, 2);
    assert_memory_not_equal(today + 1, tomorrow + 1, 2);
    assert_ok(opens(&ctx, tomorrow, len));
    memcpy(today + 1, tomorrow + 1, 2);
    assert_int_equal(opens(&ctx, today, len), APR_EINVAL);
}

static void generations(void **state)
{
    tds_seal_ctx_t before = ctx_of(keys_of(KEY_A, NULL)), during = ctx_of(keys_of(KEY_B, KEY_A)),
                   after = ctx_of(keys_of(KEY_B, NULL));
    apr_size_t len;
    unsigned char *was = seal(&before, NOW, &len), *is = seal(&during, NOW, &len);

    assert_ok(opens(&during, was, len));
    assert_ok(opens(&during, is, len));
    assert_ok(opens(&after, is, len));
    assert_int_equal(opens(&before, is, len), APR_NOTFOUND);
    assert_int_equal(opens(&after, was, len), APR_NOTFOUND);
    was[0] = is[0]; /* the wrong one of two known generations */
    assert_int_equal(opens(&during, was, len), APR_EINVAL);
}

static void no_key(void **state)
{
    tds_seal_ctx_t ctx = ctx_of(tds_keys_make(pool));
    unsigned char out[TDS_SEAL_OVERHEAD + 1];

    assert_int_equal(tds_seal(out, &ctx, NOW, "x", 1), APR_NOTFOUND);
}

static const struct CMUnitTest tests[] = {UNIT(round_trip), UNIT(every_bit), UNIT(every_length), UNIT(other_place),
                                          UNIT(other_day), UNIT(generations), UNIT(no_key)};
UNIT_MAIN(tests)
