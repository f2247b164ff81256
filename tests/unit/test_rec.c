#include "unit.h"
#include "tds_rec.h"

typedef struct rec_t {
    const char *name, *other;
    unsigned count;
    apr_int64_t when;
    tds_bytes_t raw, rest;
} rec_t;

static const tds_rec_row_t rows[] = {{1, TDS_REC_STR, offsetof(rec_t, name)},
                                     {2, TDS_REC_STR, offsetof(rec_t, other)},
                                     {3, TDS_REC_U32, offsetof(rec_t, count)},
                                     {200, TDS_REC_I64, offsetof(rec_t, when)},
                                     {255, TDS_REC_BYTES, offsetof(rec_t, raw)},
                                     {0, TDS_REC_REST, offsetof(rec_t, rest)}};

static unsigned char *encode(const rec_t *r, apr_size_t *len)
{
    unsigned char *out;

    assert_ok(tds_rec_encode(&out, len, rows, COUNT(rows), r, pool));
    return out;
}

static apr_status_t decode(rec_t *r, const unsigned char *bytes, apr_size_t len)
{
    *r = (rec_t){0};
    return tds_rec_decode(r, rows, COUNT(rows), bytes, len, pool);
}

static int same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void same(const rec_t *a, const rec_t *b)
{
    assert_true(same_text(a->name, b->name));
    assert_true(same_text(a->other, b->other));
    assert_int_equal(a->count, b->count);
    assert_true(a->when == b->when);
    assert_int_equal(a->raw.len, b->raw.len);
    if (a->raw.len) assert_memory_equal(a->raw.data, b->raw.data, a->raw.len);
}

static void round_trip(void **state)
{
    static char big[70000];
    const rec_t recs[] = {{0},
                          {.name = "x"},
                          {.name = "", .other = "not absent"},
                          {.count = 1},
                          {.count = 0xffffffffu, .when = APR_INT64_MAX},
                          {.when = -1},
                          {.when = APR_INT64_MIN},
                          {.raw = {"\0\1\2", 3}},
                          {.name = "a", .other = "b", .count = 256, .when = 1700000000000000, .raw = {big, 127}},
                          {.raw = {big, 128}, .count = 5},
                          {.raw = {big, sizeof big}, .name = "after"}};
    int i;

    memset(big, 'x', sizeof big);
    for (i = 0; i < COUNT(recs); ++i) {
        apr_size_t len;
        unsigned char *bytes = encode(&recs[i], &len);
        rec_t back;

        assert_ok(decode(&back, bytes, len));
        same(&recs[i], &back);
    }
}

static void absent_takes_no_byte(void **state)
{
    rec_t none = {0};
    apr_size_t len;

    (void)encode(&none, &len);
    assert_int_equal(len, 0);
}

/* Two releases share a store. */
static void unknown_tags(void **state)
{
    static const unsigned char newer[] = {9, 2, 0xff, 0xff, 3, 1, 42, 100, 0x81, 0x00, 'x', 1, 2, 'a', 0};
    rec_t r;

    assert_ok(decode(&r, newer, sizeof newer));
    assert_int_equal(r.count, 42);
    assert_string_equal(r.name, "a");
}

/* What a newer release has written is there to the byte after this one has saved the record, and again. */
static void unknown_rows_are_kept(void **state)
{
    static const unsigned char newer[] = {9, 2, 0xff, 0xff, 3, 1, 42, 100, 0x81, 0x00, 'x', 1, 2, 'a', 0, 9, 1, 7};
    static const unsigned char want[] = {1, 2, 'a', 0, 3, 1, 43, 9, 2, 0xff, 0xff, 100, 0x81, 0x00, 'x', 9, 1, 7};
    unsigned char *bytes;
    apr_size_t len;
    rec_t r, again;

    assert_ok(decode(&r, newer, sizeof newer));
    ++r.count;
    bytes = encode(&r, &len);
    assert_int_equal(len, sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
    assert_ok(decode(&again, bytes, len));
    bytes = encode(&again, &len);
    assert_int_equal(len, sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
}

static void bounds(void **state)
{
    static const tds_rec_bound_t of_count[] = {{offsetof(rec_t, count), 5}};
    rec_t r = {.count = 4};

    assert_ok(tds_rec_check(&r, of_count, 1));
    r.count = 5;
    assert_int_equal(tds_rec_check(&r, of_count, 1), APR_EINVAL);
    /* A number that does not fit is not cut until it does. */
    assert_int_equal(decode(&r, (const unsigned char *)"\3\5\1\0\0\0\1", 7), APR_EINVAL);
}

static void members_without_bytes_stay(void **state)
{
    rec_t r = {.name = "kept", .count = 3};

    assert_ok(tds_rec_decode(&r, rows, COUNT(rows), (const unsigned char *)"\3\1\7", 3, pool));
    assert_string_equal(r.name, "kept");
    assert_int_equal(r.count, 7);
}

static void garbage(void **state)
{
    static const struct {
        const char *bytes;
        apr_size_t len;
    } bad[] = {{"\1", 1},                         /* no length */
               {"\1\0", 2},                       /* empty value */
               {"\1\2a", 3},                      /* too short */
               {"\1\1a", 3},                      /* text without its NUL */
               {"\3\11123456789", 11},            /* number of nine bytes */
               {"\3\200\200\200\200\200\1x", 8},  /* length that never ends */
               {"\377\377\377\377\377\177x", 7}}; /* length beyond everything */
    unsigned seed = 1;
    int i, j, good = 0;
    rec_t r;

    for (i = 0; i < COUNT(bad); ++i)
        assert_int_equal(decode(&r, (const unsigned char *)bad[i].bytes, bad[i].len), APR_EINVAL);
    for (i = 0; i < 20000; ++i) { /* anything: an error or a record, never a read outside */
        apr_size_t len = (apr_size_t)(rand_r(&seed) % 24);
        unsigned char *bytes = malloc(len + 1);

        for (j = 0; j < (int)len; ++j) bytes[j] = (unsigned char)(rand_r(&seed) % (i % 2 ? 8 : 256));
        bytes = realloc(bytes, len ? len : 1);
        good += decode(&r, bytes, len) == APR_SUCCESS;
        free(bytes);
        if (i % 1000 == 0) apr_pool_clear(pool);
    }
    assert_in_range(good, 100, 19000);
}

/* Cut at every byte: an error, or exactly the members that are whole. */
static void truncation(void **state)
{
    rec_t full = {.name = "name", .other = "", .count = 70000, .when = 1700000000000000, .raw = {"\1\2\3\4\5", 5}}, r;
    apr_size_t len, i;
    unsigned char *bytes = encode(&full, &len);
    int whole = 0;

    for (i = 0; i < len; ++i) {
        unsigned char *cut = malloc(i ? i : 1);

        memcpy(cut, bytes, i);
        if (decode(&r, cut, i) == APR_SUCCESS) {
            ++whole;
            assert_true(!r.name || !strcmp(r.name, "name"));
            assert_true(!r.raw.len);
        }
        free(cut);
    }
    assert_int_equal(whole, COUNT(rows) - 1); /* after none, one, ... four members */
}

static const struct CMUnitTest tests[] = {UNIT(round_trip),
                                          UNIT(absent_takes_no_byte),
                                          UNIT(unknown_tags), UNIT(unknown_rows_are_kept), UNIT(bounds),
                                          UNIT(members_without_bytes_stay),
                                          UNIT(garbage),
                                          UNIT(truncation)};
UNIT_MAIN(tests)
