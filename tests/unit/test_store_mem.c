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

static void leases(void **state)
{
    lease_ends(HOUR, wait_for);
}

/* Does the caller see what became of each write, whichever operation fails? */
static int faulty_run(int n, int lost)
{
    const char *id = new_id(), *text;
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
    rv[3] = tds_store_claim(store, 0, 256, 16, HOUR, &ids, pool, &err);
    rv[4] = tds_store_arm(store, id, now_is() + HOUR, pool, &err);
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
        assert_int_equal(err.proto, 404);
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
    apr_table_t *fields;

    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_true(h.reachable);
    assert_false(h.evicts);
    assert_int_equal(tds_store_hash(store, "acs:card:x", &fields, pool, &err), APR_ENOENT);
    assert_true(apr_is_empty_table(fields));
}

#define UNIT_STORE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {STORE_TESTS,
                                          UNIT_STORE(expires),
                                          UNIT_STORE(leases),
                                          UNIT_STORE(nth_operation_fails),
                                          UNIT_STORE(two_generations),
                                          UNIT_STORE(prefixes),
                                          UNIT_STORE(repeated_write),
                                          UNIT_STORE(health)};
UNIT_MAIN(tests)
