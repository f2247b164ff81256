#include "unit.h"
#include "store_behaviour.h"
#include "tds_store_mem.h"

static apr_time_t clock_now;
static tds_mem_t *mem;
static tds_keys_t *keys;

static apr_time_t now_is(void)
{
    return clock_now;
}

static int setup(void **state)
{
    if (unit_setup(state)) return -1;
    clock_now = apr_time_from_sec(1700000000);
    keys = tds_keys_make(pool);
    if (tds_keys_add(keys, KEY_A, &err) != APR_SUCCESS) return -1;
    mem = tds_mem_make(now_is, pool);
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", keys, now_is, pool);
    return 0;
}

static tds_store_t *store_with(const char *key)
{
    tds_keys_t *other = tds_keys_make(pool);

    assert_ok(tds_keys_add(other, key, &err));
    return tds_store_make(&tds_store_mem_ops, mem, "acs", other, now_is, pool);
}

static const char *key_of(const char *id)
{
    return apr_psprintf(pool, "acs:{%.2s}:t:%s", id, id);
}

static unsigned char *raw_get(const char *id, apr_size_t *len)
{
    unsigned char *bytes = tds_mem_bytes(mem, key_of(id), len);

    assert_non_null(bytes);
    return apr_pmemdup(pool, bytes, *len);
}

static void raw_put(const char *id, const unsigned char *bytes, apr_size_t len)
{
    tds_store_raw_t raw = {.key = key_of(id), .id = id, .value = bytes, .len = len, .ttl = HOUR};
    apr_size_t have;
    unsigned char *now = tds_mem_bytes(mem, raw.key, &have);

    if (now) memset(now, 0, have); /* whatever is there: gone */
    clock_now += 2 * HOUR;
    assert_ok(tds_store_mem_ops.create(mem, &raw, pool, &err));
}

static void wait_for(apr_interval_time_t t)
{
    clock_now += t;
}

static void expires(void **state)
{
    expiry(HOUR, wait_for);
}

static void sides_expire(void **state)
{
    side_expiry(HOUR, wait_for);
}

/* A value that was changed, or moved to another name or type, does not open. */
static void sides_tampered(void **state)
{
    const char *a = new_id(), *b = new_id();
    unsigned char *bytes, *other;
    apr_size_t len, n, i;

    assert_ok(put_side('m', a, "data", NULL, HOUR));
    assert_ok(put_side('m', b, "data", NULL, HOUR));
    assert_ok(put_side('l', a, "data", NULL, HOUR));
    bytes = tds_mem_bytes(mem, apr_psprintf(pool, "acs:{%.2s}:m:%s", a, a), &len);
    assert_non_null(bytes);
    assert_null(memmem(bytes, len, "data", 4));
    for (i = 0; i < len; ++i) {
        bytes[i] ^= 1;
        assert_int_equal(read_one(TDS_READ_SIDE, 'm', a).rv, APR_EINVAL);
        bytes[i] ^= 1;
    }
    side_holds('m', a, "data");
    other = tds_mem_bytes(mem, apr_psprintf(pool, "acs:{%.2s}:m:%s", b, b), &n);
    assert_int_equal(n, len);
    memcpy(other, bytes, len);
    assert_int_equal(read_one(TDS_READ_SIDE, 'm', b).rv, APR_EINVAL);
    other = tds_mem_bytes(mem, apr_psprintf(pool, "acs:{%.2s}:l:%s", a, a), &n);
    memcpy(other, bytes, len);
    assert_int_equal(read_one(TDS_READ_SIDE, 'l', a).rv, APR_EINVAL);
}

/* One operation each; and none where there is nothing to read. */
static void sides_fail(void **state)
{
    const char *id = new_id();
    tds_store_read_t reads[] = {{.kind = TDS_READ_SIDE, .type = 'm', .name = id}, {.kind = TDS_READ_COUNT, .name = id}};
    int before = tds_mem_ops(mem);

    assert_ok(tds_store_batch(store, NULL, 0, pool, &err));
    assert_int_equal(tds_mem_ops(mem), before);
    tds_mem_fail(mem, 1, APR_TIMEUP, 0);
    assert_int_equal(put_side('m', id, "lost", NULL, HOUR), APR_TIMEUP);
    assert_int_equal(err.proto, 403);
    assert_int_equal(read_one(TDS_READ_SIDE, 'm', id).rv, APR_ENOENT);
    tds_mem_fail(mem, 1, APR_TIMEUP, 1);
    assert_int_equal(put_side('m', id, "there", NULL, HOUR), APR_TIMEUP);
    side_holds('m', id, "there");
    tds_mem_fail(mem, 1, APR_TIMEUP, 0);
    assert_int_equal(tds_store_batch(store, reads, 2, pool, &err), APR_TIMEUP);
    assert_int_equal(tds_mem_ops(mem), before + 5);
}

static void leases(void **state)
{
    lease_ends(HOUR, wait_for);
}

/* Does the caller see what became of each write, whichever operation fails? */
static int faulty_run(int n, int lost)
{
    const char *id = new_id(), *text;
    tds_claim_t all = {TDS_LANE_STEPS, 0, TDS_STORE_SHARDS, 16, HOUR};
    apr_array_header_t *ids;
    unsigned version;
    int faults = 0, i;
    apr_status_t rv[6];

    tds_mem_fail(mem, n, APR_TIMEUP, lost);
    rv[0] = create(id, "one", now_is());
    if (rv[0] != APR_SUCCESS && !lost) assert_ok(create(id, "one", now_is()));
    rv[1] = load(id, 1, &text, &version);
    rv[2] = save(id, "two", 1, now_is());
    if (rv[2] != APR_SUCCESS && !lost) assert_ok(save(id, "two", 1, now_is()));
    rv[3] = tds_store_claim(store, &all, &ids, pool, &err);
    rv[4] = tds_store_arm(store, TDS_LANE_STEPS, id, now_is() + HOUR, pool, &err);
    rv[5] = load(id, 2, &text, &version);
    for (i = 0; i < 6; ++i) {
        assert_true(rv[i] == APR_SUCCESS || rv[i] == APR_TIMEUP);
        faults += rv[i] != APR_SUCCESS;
    }
    holds(id, "two", 2);
    return faults;
}

static void nth_operation_fails(void **state)
{
    int n;

    for (n = 1; n <= 6; ++n) {
        tds_err_clear(&err);
        assert_int_equal(faulty_run(n, 0), 1);
        assert_int_equal(err.proto, 403);
        tds_err_clear(&err);
        assert_int_equal(faulty_run(n, 1), 1);
    }
    assert_int_equal(faulty_run(100, 0), 0);
}

/* Rotation: the old generation is read, the new one written. */
static void two_generations(void **state)
{
    tds_keys_t *both = tds_keys_make(pool), *after = tds_keys_make(pool);
    tds_store_t *before = store;
    const char *id = new_id(), *text;
    unsigned version;

    assert_ok(tds_keys_add(both, KEY_B, &err));
    assert_ok(tds_keys_add(both, KEY_A, &err));
    assert_ok(tds_keys_add(after, KEY_B, &err));
    assert_ok(create(id, "old", 0));
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", both, now_is, pool);
    holds(id, "old", 1);
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", after, now_is, pool);
    assert_int_equal(load(id, 0, &text, &version), APR_EINVAL);
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", both, now_is, pool);
    assert_ok(save(id, "new", 1, 0));
    store = before;
    assert_int_equal(load(id, 0, &text, &version), APR_EINVAL);
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", after, now_is, pool);
    holds(id, "new", 2);
}

/* Prefixes keep two modules apart in one store. */
static void prefixes(void **state)
{
    const char *id = new_id(), *text;
    unsigned version;

    assert_ok(create(id, "acs", 0));
    store = tds_store_make(&tds_store_mem_ops, mem, "srv", keys, now_is, pool);
    assert_int_equal(load(id, 0, &text, &version), APR_ENOENT);
    assert_ok(create(id, "srv", 0));
    holds(id, "srv", 1);
}

/* The same write twice, as after a lost answer, is EEXIST or EAGAIN here: memory has no connection to lose. */
static void repeated_write(void **state)
{
    const char *id = new_id();

    tds_mem_fail(mem, 1, APR_TIMEUP, 1);
    assert_int_equal(create(id, "one", 0), APR_TIMEUP);
    holds(id, "one", 1);
    tds_mem_fail(mem, 1, APR_TIMEUP, 1);
    assert_int_equal(save(id, "two", 1, 0), APR_TIMEUP);
    holds(id, "two", 2);
    assert_int_equal(save(id, "two", 1, 0), APR_EAGAIN);
}

static void health(void **state)
{
    tds_store_health_t h;
    tds_store_read_t r;
    apr_table_t *row = apr_table_make(pool, 1);

    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_null(h.fault);
    assert_false(h.foreign);
    assert_false(h.evicts);
    apr_table_setn(row, "status", "active");
    tds_mem_hash(mem, "acs:card:y", row);
    assert_int_equal(read_one(TDS_READ_HASH, 0, "acs:card:x").rv, APR_ENOENT);
    r = read_one(TDS_READ_HASH, 0, "acs:card:y");
    assert_ok(r.rv);
    assert_string_equal(apr_table_get(r.fields, "status"), "active");
}

#define UNIT_STORE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {STORE_TESTS,
                                          UNIT_STORE(expires),
                                          UNIT_STORE(sides_expire),
                                          UNIT_STORE(sides_tampered),
                                          UNIT_STORE(sides_fail),
                                          UNIT_STORE(leases),
                                          UNIT_STORE(nth_operation_fails),
                                          UNIT_STORE(two_generations),
                                          UNIT_STORE(prefixes),
                                          UNIT_STORE(repeated_write),
                                          UNIT_STORE(health)};
UNIT_MAIN(tests)
