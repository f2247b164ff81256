/* What every store does, whatever is behind it. Who includes this provides the store under test, its clock, and a way
 * past the seal: raw_get and raw_put of the stored bytes. */
#ifndef STORE_BEHAVIOUR_H
#define STORE_BEHAVIOUR_H

#include "tds_hash.h"
#include "tds_rand.h"
#include "tds_store.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define HOUR  apr_time_from_sec(3600)

static tds_store_t *store;
static tds_store_t *store_with(const char *key); /* on the same store, with another master key */
static apr_time_t now_is(void);
static unsigned char *raw_get(const char *id, apr_size_t *len);
static void raw_put(const char *id, const unsigned char *bytes, apr_size_t len);

/* A shard of its own for each, as far as there are some: who claims from a shard claims what is due there. */
static const char *new_id(void)
{
    static unsigned shard;
    char *id = apr_palloc(pool, TDS_UUID_LEN + 1), two[3];

    assert_ok(tds_uuid_make(id, tds_rand_bytes));
    (void)apr_snprintf(two, sizeof two, "%02x", shard++ % TDS_STORE_SHARDS);
    memcpy(id, two, 2);
    return id;
}

static tds_change_t change_of(const char *id, const char *text, unsigned version)
{
    return (tds_change_t){.id = id, .value = text, .len = strlen(text), .version = version, .ttl = HOUR};
}

static apr_status_t create(const char *id, const char *text, apr_time_t due)
{
    tds_change_t change = change_of(id, text, 0);

    change.due = due;
    return tds_store_create(store, &change, pool, &err);
}

static apr_status_t save(const char *id, const char *text, unsigned version, apr_time_t due)
{
    tds_change_t change = change_of(id, text, version);

    change.due = due;
    return tds_store_save(store, &change, pool, &err);
}

static apr_status_t load(const char *id, unsigned version_min, const char **text, unsigned *version)
{
    unsigned char *value = NULL;
    apr_size_t len = 0;
    apr_status_t rv = tds_store_load(store, id, version_min, &value, &len, version, pool, &err);

    *text = (const char *)value;
    if (rv == APR_SUCCESS) assert_int_equal(strlen(*text), len);
    return rv;
}

static void holds(const char *id, const char *text, unsigned version)
{
    const char *have;
    unsigned v;

    assert_ok(load(id, version, &have, &v));
    assert_string_equal(have, text);
    assert_int_equal(v, version);
}

static apr_array_header_t *claim(tds_lane_e lane, int first, int count, int max, apr_interval_time_t lease)
{
    tds_claim_t what = {lane, first, count, max, lease};
    apr_array_header_t *ids;

    assert_ok(tds_store_claim(store, &what, &ids, pool, &err));
    return ids;
}

static int claim_all(int max, const char *want)
{
    apr_array_header_t *ids = claim(TDS_LANE_STEPS, 0, TDS_STORE_SHARDS, max, HOUR);
    int i, found = 0;

    assert_true(ids->nelts <= max);
    for (i = 0; i < ids->nelts; ++i) found += !strcmp(APR_ARRAY_IDX(ids, i, const char *), want);
    assert_true(found <= 1);
    return found;
}

/* Only the shard of id. */
static int claim_lane(tds_lane_e lane, const char *id, apr_interval_time_t lease)
{
    char hex[3] = {id[0], id[1], '\0'};
    apr_array_header_t *ids = claim(lane, (int)strtol(hex, NULL, 16), 1, 16, lease);
    int i, found = 0;

    for (i = 0; i < ids->nelts; ++i) found += !strcmp(APR_ARRAY_IDX(ids, i, const char *), id);
    return found;
}

static int claim_one(const char *id, apr_interval_time_t lease)
{
    return claim_lane(TDS_LANE_STEPS, id, lease);
}

static void life(void **state)
{
    const char *id = new_id(), *text;
    unsigned version;

    assert_int_equal(load(id, 0, &text, &version), APR_ENOENT);
    assert_int_equal(save(id, "x", 1, 0), APR_ENOENT);
    assert_ok(create(id, "one", 0));
    assert_int_equal(create(id, "other", 0), APR_EEXIST);
    holds(id, "one", 1);
    assert_ok(save(id, "two", 1, 0));
    holds(id, "two", 2);
    assert_int_equal(save(id, "lost race", 1, 0), APR_EAGAIN);
    assert_int_equal(save(id, "from the future", 3, 0), APR_EAGAIN);
    holds(id, "two", 2);
    assert_ok(save(id, "", 2, 0));
    holds(id, "", 3);
}

/* F-06: one transaction, however its id is spelt. */
static void upper_case(void **state)
{
    char *id = apr_pstrdup(pool, new_id()), *up = apr_pstrdup(pool, id), *s;

    for (s = up; *s; ++s) *s = (char)(*s >= 'a' && *s <= 'f' ? *s - 'a' + 'A' : *s);
    assert_ok(create(up, "one", 0));
    assert_int_equal(create(id, "two", 0), APR_EEXIST);
    holds(id, "one", 1);
}

static void no_id(void **state)
{
    static const char *const bad[] = {"", "x", "8a880dc0-d2d2-4067-bcb1-b08d1690b26", "8a880dc0-d2d2-4067-bcb1-b08d1690b26g",
                                      "8a880dc0-d2d2-4067-bcb1-b08d1690b26e\r\nDEL x"};
    const char *text;
    unsigned version;
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        assert_int_equal(create(bad[i], "x", 0), APR_ENOENT);
        assert_int_equal(load(bad[i], 0, &text, &version), APR_ENOENT);
        assert_int_equal(save(bad[i], "x", 1, 0), APR_ENOENT);
        assert_int_equal(tds_store_arm(store, TDS_LANE_STEPS, bad[i], 0, pool, &err), APR_ENOENT);
    }
}

static void expiry(apr_interval_time_t ttl, void (*wait)(apr_interval_time_t))
{
    const char *id = new_id(), *text;
    tds_change_t change = change_of(id, "short", 0);
    unsigned version;

    change.ttl = ttl;
    assert_ok(tds_store_create(store, &change, pool, &err));
    holds(id, "short", 1);
    wait(2 * ttl);
    assert_int_equal(load(id, 0, &text, &version), APR_ENOENT);
    assert_int_equal(save(id, "late", 1, 0), APR_ENOENT);
    assert_ok(create(id, "again", 0));
}

static void tampering(void **state)
{
    const char *a = new_id(), *b = new_id(), *text;
    unsigned char *bytes, *spoilt;
    apr_size_t len, i;
    unsigned version;

    assert_ok(create(a, "record a", 0));
    assert_ok(create(b, "record b", 0));
    bytes = raw_get(a, &len);
    raw_put(b, bytes, len); /* moved to another key */
    assert_int_equal(load(b, 0, &text, &version), APR_EINVAL);
    for (i = 0; i < len; ++i) { /* a bit changed anywhere; the write id is no secret and not sealed */
        if (i >= TDS_STORE_WRITE_AT && i < TDS_STORE_HEAD) continue;
        spoilt = apr_pmemdup(pool, bytes, len);
        spoilt[i] ^= 1;
        raw_put(a, spoilt, len);
        tds_err_clear(&err);
        assert_int_equal(load(a, 0, &text, &version), APR_EINVAL);
        assert_int_equal(err.proto, 404);
    }
    for (i = 0; i < len; i += 7) { /* cut */
        raw_put(a, bytes, i);
        assert_int_equal(load(a, 0, &text, &version), APR_EINVAL);
    }
    raw_put(a, bytes, len);
    holds(a, "record a", 1);
}

/* Somebody puts an old value back: it opens, but whoever knows better refuses it. */
static void put_back(void **state)
{
    const char *id = new_id(), *text;
    unsigned char *old;
    apr_size_t len;
    unsigned version;

    assert_ok(create(id, "one", 0));
    old = raw_get(id, &len);
    assert_ok(save(id, "two", 1, 0));
    raw_put(id, old, len);
    assert_ok(load(id, 0, &text, &version));
    assert_ok(load(id, 1, &text, &version));
    assert_int_equal(load(id, 2, &text, &version), APR_EINVAL);
    memcpy(old + TDS_STORE_VERSION_AT, "00000002", 8); /* nor does it help to write the version into it */
    raw_put(id, old, len);
    assert_int_equal(load(id, 2, &text, &version), APR_EINVAL);
}

static void deadlines(void **state)
{
    const char *past = new_id(), *future = new_id(), *never = new_id(), *moved = new_id();

    assert_ok(create(past, "x", now_is() - 1000000));
    assert_ok(create(future, "x", now_is() + HOUR));
    assert_ok(create(never, "x", 0));
    assert_ok(create(moved, "x", now_is() - 1000000));
    assert_ok(save(moved, "y", 1, now_is() + HOUR)); /* the save carries the deadline with it */
    assert_int_equal(claim_one(future, HOUR), 0);
    assert_int_equal(claim_one(never, HOUR), 0);
    assert_int_equal(claim_one(moved, HOUR), 0);
    assert_int_equal(claim_one(past, HOUR), 1);
    assert_int_equal(claim_one(past, HOUR), 0); /* leased */
    assert_ok(save(moved, "z", 2, now_is() - 1000000));
    assert_int_equal(claim_one(moved, HOUR), 1);
    assert_ok(save(moved, "z", 3, 0));
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, past, now_is() - 1000000, pool, &err));
    assert_int_equal(claim_one(past, HOUR), 1);
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, past, 0, pool, &err));
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, past, now_is() - 1000000, pool, &err)); /* no longer in the queue: nothing to correct */
    assert_int_equal(claim_one(past, HOUR), 0);
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, new_id(), 0, pool, &err));
}

static apr_status_t save_lane(const char *id, unsigned version, tds_lane_e lane, apr_time_t due)
{
    tds_change_t change = change_of(id, "x", version);

    change.lane = lane;
    change.due = due;
    return version ? tds_store_save(store, &change, pool, &err) : tds_store_create(store, &change, pool, &err);
}

/* In which lane does id stand? -1: in none. What is found there is leased. */
static int lane_of(const char *id)
{
    int steps = claim_lane(TDS_LANE_STEPS, id, HOUR), out = claim_lane(TDS_LANE_OUT, id, HOUR);

    assert_true(steps + out <= 1);
    return steps ? TDS_LANE_STEPS : out ? TDS_LANE_OUT : -1;
}

/* A record stands in the lane that its last change tells, and in no other. */
static void lanes(void **state)
{
    apr_time_t past = now_is() - 1000000;
    const char *a = new_id(), *b = new_id();

    assert_ok(save_lane(a, 0, TDS_LANE_STEPS, past));
    assert_ok(save_lane(b, 0, TDS_LANE_OUT, past));
    assert_int_equal(lane_of(a), TDS_LANE_STEPS);
    assert_int_equal(lane_of(b), TDS_LANE_OUT);
    assert_int_equal(lane_of(a), -1); /* leased */
    assert_ok(save_lane(a, 1, TDS_LANE_OUT, past));
    assert_int_equal(lane_of(a), TDS_LANE_OUT);
    assert_ok(save_lane(a, 2, TDS_LANE_STEPS, past));
    assert_int_equal(lane_of(a), TDS_LANE_STEPS);
    assert_ok(save_lane(a, 3, TDS_LANE_OUT, now_is() + HOUR)); /* moved, and not yet due */
    assert_int_equal(lane_of(a), -1);
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, a, past, pool, &err)); /* not where it stands: nothing to correct */
    assert_int_equal(lane_of(a), -1);
    assert_ok(tds_store_arm(store, TDS_LANE_OUT, a, past, pool, &err));
    assert_int_equal(lane_of(a), TDS_LANE_OUT);
    assert_int_equal(save_lane(a, 3, TDS_LANE_STEPS, past), APR_EAGAIN); /* a lost race moves nothing */
    assert_int_equal(claim_lane(TDS_LANE_STEPS, a, HOUR), 0);
    assert_ok(save_lane(a, 4, TDS_LANE_STEPS, 0)); /* out of both */
    assert_ok(tds_store_arm(store, TDS_LANE_OUT, a, past, pool, &err));
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, a, past, pool, &err));
    assert_int_equal(lane_of(a), -1);
}

/* A second create does not move the deadline of the transaction that has the id. */
static void create_twice(void **state)
{
    const char *id = new_id();

    assert_ok(create(id, "x", now_is() + HOUR));
    assert_int_equal(create(id, "y", now_is() - 1000000), APR_EEXIST);
    assert_int_equal(claim_one(id, HOUR), 0);
    holds(id, "x", 1);
}

static void lease_ends(apr_interval_time_t lease, void (*wait)(apr_interval_time_t))
{
    const char *id = new_id();

    assert_ok(create(id, "x", now_is() - 1000000));
    assert_int_equal(claim_one(id, lease), 1);
    assert_int_equal(claim_one(id, lease), 0);
    wait(2 * lease);
    assert_int_equal(claim_one(id, HOUR), 1);
    assert_int_equal(claim_one(id, HOUR), 0);
}

/* Never more than asked for, and all in the end. */
static void claim_bounds(void **state)
{
    enum { N = 120 };
    apr_array_header_t *ids;
    int i, got = 0, rounds = 0;

    for (i = 0; i < N; ++i) {
        char *id = apr_pstrdup(pool, new_id());

        if (i < N / 2) id[0] = id[1] = '0';
        assert_ok(create(id, "x", now_is() - 1000000));
    }
    ids = claim(TDS_LANE_STEPS, 0, TDS_STORE_SHARDS, 0, HOUR);
    assert_int_equal(ids->nelts, 0);
    for (i = 0; i < TDS_STORE_SHARDS && rounds < 2000; ++rounds) {
        ids = claim(TDS_LANE_STEPS, i, 8, 10, HOUR);
        assert_true(ids->nelts <= 10);
        got += ids->nelts;
        if (!ids->nelts) i += 8;
    }
    assert_true(got >= N);
    (void)claim_all(100000, "");
}

/* ---- beside the transactions ------------------------------------------------- */

static apr_status_t put_side(char type, const char *name, const char *text, const char *unless, apr_interval_time_t ttl)
{
    tds_side_t side = {.type = type, .name = name, .unless = unless, .value = text, .len = strlen(text), .ttl = ttl};

    return tds_store_put(store, &side, pool, &err);
}

static tds_store_read_t read_one(tds_read_e kind, char type, const char *name)
{
    tds_store_read_t r = {.kind = kind, .type = type, .name = name};

    assert_ok(tds_store_batch(store, &r, 1, pool, &err));
    return r;
}

static void side_holds(char type, const char *name, const char *text)
{
    tds_store_read_t r = read_one(TDS_READ_SIDE, type, name);

    assert_ok(r.rv);
    assert_int_equal(r.len, strlen(text));
    assert_memory_equal(r.value, text, r.len + 1);
}

static void sides(void **state)
{
    const char *a = new_id(), *b = new_id();

    assert_int_equal(read_one(TDS_READ_SIDE, 'm', a).rv, APR_ENOENT);
    assert_ok(put_side('m', a, "one", NULL, HOUR));
    side_holds('m', a, "one");
    assert_ok(put_side('m', a, "two", NULL, HOUR)); /* the last writer wins */
    side_holds('m', a, "two");
    assert_int_equal(read_one(TDS_READ_SIDE, 'l', a).rv, APR_ENOENT); /* another type is another value */
    assert_int_equal(read_one(TDS_READ_SIDE, 'm', b).rv, APR_ENOENT);
    assert_ok(put_side('l', a, "", NULL, HOUR));
    side_holds('l', a, "");
    side_holds('m', a, "two");
    assert_ok(put_side('l', "ab", "short name", NULL, HOUR));
    side_holds('l', "ab", "short name");
}

/* A name goes into a key: it is hex, or it is refused. */
static void side_names(void **state)
{
    static const char *const bad[] = {"", "a", "xy", "AB", "a-b", "ab c", "ab*", "ab}", "ab\r\nDEL x",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    tds_incr_t incr = {.by = 1, .ttl = HOUR};
    tds_store_read_t r;
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        tds_change_t change = change_of(new_id(), "x", 0);

        assert_int_equal(put_side('m', bad[i], "x", NULL, HOUR), APR_EINVAL);
        assert_int_equal(put_side('m', "ab", "x", bad[i], HOUR), APR_EINVAL);
        r = (tds_store_read_t){.kind = TDS_READ_SIDE, .type = 'm', .name = bad[i]};
        assert_int_equal(tds_store_batch(store, &r, 1, pool, &err), APR_EINVAL);
        r.kind = TDS_READ_COUNT;
        assert_int_equal(tds_store_batch(store, &r, 1, pool, &err), APR_EINVAL);
        incr.name = bad[i];
        change.incrs = &incr;
        change.nincrs = 1;
        assert_int_equal(tds_store_create(store, &change, pool, &err), APR_EINVAL);
    }
    assert_int_equal(put_side('m', "ab", "x", "cd", HOUR), APR_EINVAL); /* the condition must be of the same shard */
}

static apr_int64_t count_of(const char *name)
{
    return read_one(TDS_READ_COUNT, 0, name).number;
}

/* Counters in the shard of the record they ride with. */
static void counters(void **state)
{
    const char *id = new_id(), *a = apr_psprintf(pool, "%.2saa:1", id), *b = apr_psprintf(pool, "%.2sbb:2", id);
    tds_incr_t incrs[] = {{a, 1, HOUR}, {b, 25000, HOUR}};
    tds_change_t change = change_of(id, "one", 0);

    change.incrs = incrs;
    change.nincrs = 2;
    assert_int_equal(read_one(TDS_READ_COUNT, 0, a).rv, APR_ENOENT);
    assert_int_equal(count_of(a), 0);
    assert_ok(tds_store_create(store, &change, pool, &err));
    holds(id, "one", 1);
    assert_int_equal(count_of(a), 1);
    assert_int_equal(count_of(b), 25000);
    change.version = 1;
    assert_ok(tds_store_save(store, &change, pool, &err));
    holds(id, "one", 2);
    assert_int_equal(count_of(a), 2);
    assert_int_equal(count_of(b), 50000);
    assert_int_equal(tds_store_create(store, &change, pool, &err), APR_EEXIST); /* the statuses are as without */
    assert_int_equal(tds_store_save(store, &change, pool, &err), APR_EAGAIN);
    change.due = now_is() + HOUR;
    change.id = apr_pstrcat(pool, apr_pstrmemdup(pool, id, 2), new_id() + 2, NULL);
    assert_ok(tds_store_create(store, &change, pool, &err));
    holds(change.id, "one", 1);
    assert_true(count_of(a) >= 3); /* those that failed may have counted */
}

/* Once the counter has counted, what is there stays there. */
static void put_unless(void **state)
{
    const char *id = new_id();
    tds_incr_t incr = {id, 1, HOUR};
    tds_change_t change = change_of(id, "record", 0);

    assert_ok(put_side('m', id, "first", id, HOUR));
    assert_ok(put_side('m', id, "second", id, HOUR));
    side_holds('m', id, "second");
    change.incrs = &incr;
    change.nincrs = 1;
    assert_ok(tds_store_create(store, &change, pool, &err));
    assert_int_equal(put_side('m', id, "late", id, HOUR), APR_EEXIST);
    side_holds('m', id, "second");
    assert_ok(put_side('m', id, "all the same", NULL, HOUR));
    side_holds('m', id, "all the same");
}

/* Over what was read, and over nothing else. */
static apr_status_t put_over(const tds_store_read_t *seen, const char *text)
{
    tds_side_t side = {.type = 'l', .name = seen->name, .value = text, .len = strlen(text), .ttl = HOUR, .seen = seen};

    return tds_store_put(store, &side, pool, &err);
}

/* Of two who have read the same, the second is told so, whether there was a value or not. */
static void put_seen(void **state)
{
    const char *id = new_id();
    tds_store_read_t one, two;

    one = read_one(TDS_READ_SIDE, 'l', id);
    two = read_one(TDS_READ_SIDE, 'l', id);
    assert_int_equal(one.rv, APR_ENOENT);
    assert_ok(put_over(&one, "one"));
    assert_int_equal(put_over(&two, "two"), APR_EAGAIN);
    side_holds('l', id, "one");
    one = read_one(TDS_READ_SIDE, 'l', id);
    two = read_one(TDS_READ_SIDE, 'l', id);
    assert_ok(put_over(&two, "one")); /* the same text is another value */
    assert_int_equal(put_over(&one, "three"), APR_EAGAIN);
    two = read_one(TDS_READ_SIDE, 'l', id);
    assert_ok(put_over(&two, ""));
    side_holds('l', id, "");
    assert_int_equal(put_over(&two, "late"), APR_EAGAIN);
    two = read_one(TDS_READ_SIDE, 'l', id);
    assert_ok(put_over(&two, "last"));
    side_holds('l', id, "last");
}

static void batch(void **state)
{
    const char *a = new_id(), *b = new_id();
    tds_incr_t incr = {b, 7, HOUR};
    tds_change_t change = change_of(b, "record", 0);
    tds_store_read_t reads[] = {{.kind = TDS_READ_SIDE, .type = 'm', .name = a},
                                {.kind = TDS_READ_COUNT, .name = b},
                                {.kind = TDS_READ_HASH, .name = "acs:card:none"},
                                {.kind = TDS_READ_SIDE, .type = 'm', .name = b}};

    assert_ok(put_side('m', a, "data", NULL, HOUR));
    change.incrs = &incr;
    change.nincrs = 1;
    assert_ok(tds_store_create(store, &change, pool, &err));
    assert_ok(tds_store_batch(store, reads, 4, pool, &err));
    assert_ok(reads[0].rv);
    assert_string_equal((const char *)reads[0].value, "data");
    assert_ok(reads[1].rv);
    assert_int_equal(reads[1].number, 7);
    assert_int_equal(reads[2].rv, APR_ENOENT);
    assert_true(apr_is_empty_table(reads[2].fields));
    assert_int_equal(reads[3].rv, APR_ENOENT);
    assert_ok(tds_store_batch(store, NULL, 0, pool, &err));
}

static void side_expiry(apr_interval_time_t ttl, void (*wait)(apr_interval_time_t))
{
    const char *id = new_id();
    tds_incr_t incr = {id, 1, ttl};
    tds_change_t change = change_of(id, "record", 0);

    change.incrs = &incr;
    change.nincrs = 1;
    assert_ok(put_side('m', id, "data", NULL, ttl));
    assert_ok(tds_store_create(store, &change, pool, &err));
    assert_int_equal(count_of(id), 1);
    wait(2 * ttl);
    assert_int_equal(read_one(TDS_READ_SIDE, 'm', id).rv, APR_ENOENT);
    assert_int_equal(count_of(id), 0);
    assert_ok(put_side('m', id, "again", id, HOUR));
}

/* A record that was sealed under another master key is left to those who can open it. */
static void claims_what_it_can_open(void **state)
{
    const char *theirs = new_id();
    tds_store_t *other = store_with(KEY_B), *mine = store;
    char *ours = apr_pstrdup(pool, new_id());

    memcpy(ours, theirs, 2); /* the same shard */
    store = other;
    assert_ok(create(theirs, "theirs", now_is() - 3000000));
    store = mine;
    assert_ok(create(ours, "ours", now_is() - 2000000));
    assert_int_equal(claim_one(theirs, HOUR), 0);
    store = other;
    assert_int_equal(claim_one(theirs, HOUR), 1);
    store = mine;
}

/* The first who comes says which master key is that of the store. */
static void foreign_key_is_known(void **state)
{
    tds_store_t *other = store_with(KEY_B), *mine = store;
    tds_store_health_t h;

    assert_ok(tds_store_health(mine, &h, pool, &err));
    assert_false(h.foreign);
    assert_ok(tds_store_health(other, &h, pool, &err));
    assert_true(h.foreign);
    assert_null(h.fault);
    assert_ok(tds_store_health(mine, &h, pool, &err));
    assert_false(h.foreign);
}

#define STORE_TESTS                                                                                                   \
    UNIT_STORE(claims_what_it_can_open), UNIT_STORE(foreign_key_is_known),                                            \
    UNIT_STORE(life), UNIT_STORE(upper_case), UNIT_STORE(no_id), UNIT_STORE(tampering), UNIT_STORE(put_back),         \
        UNIT_STORE(deadlines), UNIT_STORE(lanes), UNIT_STORE(create_twice), UNIT_STORE(claim_bounds), UNIT_STORE(sides), \
        UNIT_STORE(side_names), UNIT_STORE(counters), UNIT_STORE(put_unless), UNIT_STORE(put_seen), \
        UNIT_STORE(batch)

#endif
