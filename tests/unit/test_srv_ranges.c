#include "unit.h"
#include "srv_ranges.h"

static srv_ds_t a = {.name = "a"}, b = {.name = "b"};

static srv_ranges_t *made(const srv_range_t *rows, int n)
{
    srv_ranges_t *ranges = NULL;

    assert_ok(srv_ranges_make(&ranges, rows, n, pool, &err));
    return ranges;
}

static const srv_ds_t *ds_of(const srv_ranges_t *ranges, const char *pan)
{
    srv_hit_t hit = {0};

    return srv_ranges_find(ranges, pan, &hit) ? hit.ds : NULL;
}

static void borders(void **state)
{
    const srv_range_t rows[] = {{"4000000000000000", "4000000000000009", 1, &a}, {"3999999999999990", "3999999999999999", 2, &b},
                                {"4000000000000010", "4000000000000010", 3, &b}};
    srv_ranges_t *ranges = made(rows, 3);
    srv_hit_t hit;

    assert_ptr_equal(ds_of(ranges, "4000000000000000"), &a);
    assert_ptr_equal(ds_of(ranges, "4000000000000009"), &a);
    assert_ptr_equal(ds_of(ranges, "4000000000000010"), &b);
    assert_null(ds_of(ranges, "4000000000000011"));
    assert_ptr_equal(ds_of(ranges, "3999999999999999"), &b);
    assert_null(ds_of(ranges, "3999999999999989"));
    assert_true(srv_ranges_find(ranges, "4000000000000010", &hit) && hit.versions == 3);
}

/* The same first digits, another length: another card. */
static void lengths(void **state)
{
    const srv_range_t rows[] = {{"4000000000000", "4999999999999", 1, &a}, {"4000000000000000000", "4999999999999999999", 1, &b},
                                {"9999999999999999990", "9999999999999999999", 1, &a}};
    srv_ranges_t *ranges = made(rows, 3);

    assert_ptr_equal(ds_of(ranges, "4000000000001"), &a);
    assert_ptr_equal(ds_of(ranges, "4000000000001000000"), &b);
    assert_ptr_equal(ds_of(ranges, "9999999999999999999"), &a);
    assert_null(ds_of(ranges, "4000000000000001"));
}

static void not_cards(void **state)
{
    const srv_range_t rows[] = {{"4000000000000000", "4999999999999999", 1, &a}};
    srv_ranges_t *ranges = made(rows, 1);
    static const char *const bad[] = {"", "4", "400000000000", "40000000000000000000", "400000000000000x", "x000000000000000",
                                      "4000 00000000000", "-400000000000000"};
    int i;

    for (i = 0; i < COUNT(bad); ++i) assert_null(ds_of(ranges, bad[i]));
    assert_null(ds_of(made(NULL, 0), "4000000000000000"));
}

static void overlaps(void **state)
{
    const srv_range_t rows[] = {{"4000000000000000", "4000000000000009", 1, &a}, {"4000000000000009", "4000000000000019", 1, &b}};
    const srv_range_t inside[] = {{"4000000000000000", "4000000000000099", 1, &a}, {"4000000000000050", "4000000000000050", 1, &a}};
    const srv_range_t turned[] = {{"4000000000000009", "4000000000000000", 1, &a}};
    srv_ranges_t *ranges;

    assert_int_equal(srv_ranges_make(&ranges, rows, 2, pool, &err), APR_EINVAL);
    assert_non_null(strstr(err.detail, "overlaps"));
    tds_err_clear(&err);
    assert_int_equal(srv_ranges_make(&ranges, inside, 2, pool, &err), APR_EINVAL);
    tds_err_clear(&err);
    assert_int_equal(srv_ranges_make(&ranges, turned, 1, pool, &err), APR_EINVAL);
}

/* Against a plain search, with many ranges. */
static void many(void **state)
{
    enum { N = 2000 };
    srv_range_t *rows = apr_pcalloc(pool, N * sizeof *rows);
    srv_ranges_t *ranges;
    unsigned seed = 7;
    int i;

    for (i = 0; i < N; ++i) {
        int at = (i * 1237) % N;
        rows[i] = (srv_range_t){apr_psprintf(pool, "4%09d000000", at * 10), apr_psprintf(pool, "4%09d999999", at * 10 + 4), 1,
                                at % 2 ? &a : &b};
    }
    ranges = made(rows, N);
    for (i = 0; i < 20000; ++i) {
        int n = rand_r(&seed) % (N * 10 + 20), at = n / 10;
        const char *pan = apr_psprintf(pool, "4%09d%06d", n, rand_r(&seed) % 1000000);
        const srv_ds_t *want = at < N && n % 10 <= 4 ? at % 2 ? &a : &b : NULL;
        assert_ptr_equal(ds_of(ranges, pan), want);
    }
}

static const struct CMUnitTest tests[] = {UNIT(borders), UNIT(lengths), UNIT(not_cards), UNIT(overlaps), UNIT(many)};

UNIT_MAIN(tests)
