#include "tds_store.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "tds_rand.h"
#include "tds_seal.h"

#define TYPE_TXN   't'
#define TYPE_COUNT 'c'
#define SIDE_NAME  96

#define KEY_TTL   apr_time_from_sec(60) /* how long it is known which master key is that of the store */
#define KEY_CHECK apr_time_from_sec(5)  /* between two looks */
#define KEY_MARK  16                    /* hex digits */

struct tds_store_t {
    const tds_store_ops_t *ops;
    void *baton;
    const char *prefix;
    const tds_keys_t *keys;
    tds_clock_fn *clock;
    const char *queues[TDS_LANES][TDS_STORE_SHARDS];
    const char *key_key;
    apr_uint64_t key_checked; /* atomic, of tds_time_mono */
    int foreign;              /* atomic */
    tds_store_foreign_fn *changed;
    void *changed_baton;
};

tds_store_t *tds_store_make(const tds_store_ops_t *ops, void *baton, const char *prefix, const tds_keys_t *keys,
                            tds_clock_fn *clock, apr_pool_t *pool)
{
    tds_store_t *store = apr_pcalloc(pool, sizeof *store);
    int i;

    store->ops = ops;
    store->baton = baton;
    store->prefix = prefix;
    store->keys = keys;
    store->clock = clock;
    store->key_key = apr_psprintf(pool, "%s:{00}:k:master", prefix);
    for (i = 0; i < TDS_STORE_SHARDS; ++i) {
        store->queues[TDS_LANE_STEPS][i] = apr_psprintf(pool, "%s:{%02x}:q", prefix, i);
        store->queues[TDS_LANE_OUT][i] = apr_psprintf(pool, "%s:{%02x}:o", prefix, i);
    }
    return store;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* raw->lane is set. */
static apr_status_t address(const tds_store_t *store, tds_store_raw_t *raw, const char *id, apr_pool_t *pool,
                            tds_err_t *err)
{
    int shard;

    if (!tds_uuid_valid(id)) return TDS_FAIL(err, APR_ENOENT, 0, NULL, "not an id");
    raw->id = tds_uuid_lower(id, pool);
    raw->key = apr_psprintf(pool, "%s:{%.2s}:%c:%s", store->prefix, raw->id, TYPE_TXN, raw->id);
    shard = hex_digit(raw->id[0]) * 16 + hex_digit(raw->id[1]);
    raw->queue = store->queues[raw->lane][shard];
    raw->other = store->queues[raw->lane == TDS_LANE_OUT ? TDS_LANE_STEPS : TDS_LANE_OUT][shard];
    return APR_SUCCESS;
}

static tds_seal_ctx_t seal_ctx(const tds_store_t *store, const tds_store_raw_t *raw, unsigned version)
{
    return (tds_seal_ctx_t){
        .keys = store->keys, .store_key = raw->key, .shard = raw->id, .type = TYPE_TXN, .version = version};
}

/* The key of what is no transaction; NULL: not a name. */
static const char *side_key(const tds_store_t *store, char type, const char *name, apr_pool_t *pool)
{
    apr_size_t len = name ? strlen(name) : 0;

    if (len < 2 || len > SIDE_NAME || strspn(name, "0123456789abcdef-:") != len || strspn(name, "0123456789abcdef") < 2)
        return NULL;
    return apr_psprintf(pool, "%s:{%.2s}:%c:%s", store->prefix, name, type, name);
}

static apr_status_t add_incrs(const tds_store_t *store, tds_store_raw_t *raw, const tds_change_t *change, apr_pool_t *pool,
                              tds_err_t *err)
{
    tds_incr_t *incrs = apr_palloc(pool, (apr_size_t)change->nincrs * sizeof *incrs + 1);
    int i;

    for (i = 0; i < change->nincrs; ++i) {
        incrs[i] = change->incrs[i];
        incrs[i].name = side_key(store, TYPE_COUNT, incrs[i].name, pool);
        if (!incrs[i].name) return TDS_FAIL(err, APR_EINVAL, 404, NULL, "not the name of a counter");
    }
    raw->incrs = incrs;
    raw->nincrs = change->nincrs;
    return APR_SUCCESS;
}

/* version: the one the value gets */
static apr_status_t make_value(tds_store_t *store, tds_store_raw_t *raw, const tds_change_t *change, unsigned version,
                               apr_pool_t *pool, tds_err_t *err)
{
    unsigned char *v = apr_palloc(pool, TDS_STORE_HEAD + change->len + TDS_SEAL_OVERHEAD);
    tds_seal_ctx_t ctx;
    apr_status_t rv;

    raw->lane = change->lane;
    if ((rv = address(store, raw, change->id, pool, err)) != APR_SUCCESS) return rv;
    (void)apr_snprintf((char *)v, TDS_STORE_HEAD, TDS_STORE_MAGIC "%08x", version);
    if ((rv = tds_rand_bytes(v + TDS_STORE_WRITE_AT, TDS_STORE_WRITE_ID)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 404, NULL, "no random bytes");
    ctx = seal_ctx(store, raw, version);
    rv = tds_seal(v + TDS_STORE_HEAD, &ctx, store->clock(), change->value, change->len);
    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 404, NULL, "cannot seal the record");
    raw->value = v;
    raw->len = TDS_STORE_HEAD + change->len + TDS_SEAL_OVERHEAD;
    raw->write_id = v + TDS_STORE_WRITE_AT;
    raw->ttl = change->ttl;
    raw->due = change->due;
    return add_incrs(store, raw, change, pool, err);
}

apr_status_t tds_store_create(tds_store_t *store, const tds_change_t *change, apr_pool_t *pool, tds_err_t *err)
{
    tds_store_raw_t raw = {0};
    apr_status_t rv = make_value(store, &raw, change, 1, pool, err);

    return rv == APR_SUCCESS ? store->ops->create(store->baton, &raw, pool, err) : rv;
}

apr_status_t tds_store_save(tds_store_t *store, const tds_change_t *change, apr_pool_t *pool, tds_err_t *err)
{
    tds_store_raw_t raw = {0};
    apr_status_t rv = make_value(store, &raw, change, change->version + 1, pool, err);

    raw.version = change->version;
    return rv == APR_SUCCESS ? store->ops->save(store->baton, &raw, pool, err) : rv;
}

static apr_status_t head_version(unsigned *version, const unsigned char *v, apr_size_t len)
{
    char text[9], *end;

    if (len < TDS_STORE_HEAD || memcmp(v, TDS_STORE_MAGIC, TDS_STORE_VERSION_AT)) return APR_EINVAL;
    memcpy(text, v + TDS_STORE_VERSION_AT, 8);
    text[8] = '\0';
    *version = (unsigned)strtoul(text, &end, 16);
    return end == text + 8 ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t tds_store_load(tds_store_t *store, const char *id, unsigned version_min, unsigned char **value,
                            apr_size_t *len, unsigned *version, apr_pool_t *pool, tds_err_t *err)
{
    tds_store_raw_t raw = {0};
    const unsigned char *v;
    tds_seal_ctx_t ctx;
    apr_status_t rv;
    apr_size_t n;

    if ((rv = address(store, &raw, id, pool, err)) != APR_SUCCESS) return rv;
    if ((rv = store->ops->load(store->baton, raw.key, &v, &n, pool, err)) != APR_SUCCESS) return rv;
    if (head_version(version, v, n) != APR_SUCCESS) return TDS_FAIL(err, APR_EINVAL, 404, NULL, "stored value has no header");
    if (*version < version_min) return TDS_FAIL(err, APR_EINVAL, 404, NULL, "stored value is older than one already seen");
    ctx = seal_ctx(store, &raw, *version);
    rv = tds_unseal(value, len, &ctx, v + TDS_STORE_HEAD, n - TDS_STORE_HEAD, pool);
    if (rv != APR_SUCCESS) return TDS_FAIL(err, APR_EINVAL, 404, NULL, "stored value does not open");
    return APR_SUCCESS;
}

/* ---- whose master key? -------------------------------------------------------- */

static apr_status_t key_mark(char mark[KEY_MARK + 1], const tds_store_t *store, unsigned char generation, apr_pool_t *pool)
{
    unsigned char out[TDS_KEY_LEN];
    apr_status_t rv = tds_keys_derive(store->keys, generation, out, "mark of the master key", NULL, 0);

    if (rv == APR_SUCCESS) memcpy(mark, tds_hex(out, KEY_MARK / 2, pool), KEY_MARK + 1);
    return rv;
}

static int is_ours(const tds_store_t *store, const unsigned char *value, apr_size_t len, apr_pool_t *pool)
{
    tds_bytes_t generations = tds_keys_generations(store->keys);
    char mark[KEY_MARK + 1];
    apr_size_t i;

    for (i = 0; i < generations.len; ++i) {
        if (key_mark(mark, store, ((const unsigned char *)generations.data)[i], pool) == APR_SUCCESS && len == KEY_MARK &&
            !memcmp(mark, value, KEY_MARK))
            return 1;
    }
    return 0;
}

static void set_foreign(tds_store_t *store, int foreign)
{
    if (__atomic_exchange_n(&store->foreign, foreign, __ATOMIC_ACQ_REL) != foreign && store->changed)
        store->changed(store->changed_baton, foreign);
}

/* A store that does not answer tells nothing about it. */
static void check_key(tds_store_t *store, apr_pool_t *pool)
{
    tds_store_raw_t raw = {.key = store->key_key, .len = KEY_MARK, .ttl = KEY_TTL};
    const unsigned char *value;
    char mark[KEY_MARK + 1];
    apr_size_t len;
    apr_status_t rv = store->ops->load(store->baton, store->key_key, &value, &len, pool, NULL);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) return;
    if (rv == APR_SUCCESS && !is_ours(store, value, len, pool)) {
        set_foreign(store, 1);
        return;
    }
    if (key_mark(mark, store, tds_keys_writer(store->keys), pool) != APR_SUCCESS) return;
    raw.value = (const unsigned char *)mark;
    (void)store->ops->put(store->baton, &raw, pool, NULL);
    set_foreign(store, 0);
}

/* Once in KEY_CHECK, by one of the threads that come along. */
static void check_key_sometimes(tds_store_t *store, apr_pool_t *pool)
{
    apr_uint64_t now = (apr_uint64_t)tds_time_mono(), last = __atomic_load_n(&store->key_checked, __ATOMIC_ACQUIRE);

    if (last && now - last < (apr_uint64_t)KEY_CHECK) return;
    if (__atomic_compare_exchange_n(&store->key_checked, &last, now, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        check_key(store, pool);
}

void tds_store_on_foreign(tds_store_t *store, tds_store_foreign_fn *changed, void *baton)
{
    store->changed = changed;
    store->changed_baton = baton;
}

int tds_store_foreign(const tds_store_t *store)
{
    return __atomic_load_n(&store->foreign, __ATOMIC_ACQUIRE);
}

/* ---- work --------------------------------------------------------------------- */

apr_status_t tds_store_claim(tds_store_t *store, const tds_claim_t *what, apr_array_header_t **ids, apr_pool_t *pool,
                             tds_err_t *err)
{
    tds_store_lease_t lease = {.queues = &store->queues[what->lane][what->first],
                               .nqueues = what->count,
                               .max = what->max,
                               .lease = what->lease,
                               .generations = tds_keys_generations(store->keys)};

    *ids = apr_array_make(pool, what->max > 0 ? what->max : 1, sizeof(const char *));
    if (what->max <= 0) return APR_SUCCESS;
    if (store->changed) check_key_sometimes(store, pool);
    return store->ops->claim(store->baton, &lease, *ids, pool, err);
}

apr_status_t tds_store_arm(tds_store_t *store, tds_lane_e lane, const char *id, apr_time_t due, apr_pool_t *pool,
                           tds_err_t *err)
{
    tds_store_raw_t raw = {.lane = lane, .due = due};
    apr_status_t rv = address(store, &raw, id, pool, err);

    return rv == APR_SUCCESS ? store->ops->arm(store->baton, &raw, pool, err) : rv;
}

apr_status_t tds_store_put(tds_store_t *store, const tds_side_t *side, apr_pool_t *pool, tds_err_t *err)
{
    unsigned char *v = apr_palloc(pool, side->len + TDS_SEAL_OVERHEAD);
    tds_store_raw_t raw = {.key = side_key(store, side->type, side->name, pool),
                           .value = v,
                           .len = side->len + TDS_SEAL_OVERHEAD,
                           .ttl = side->ttl,
                           .seen = side->unless ? NULL : side->seen};
    tds_seal_ctx_t ctx = {.keys = store->keys, .store_key = raw.key, .shard = side->name, .type = (unsigned char)side->type};
    apr_status_t rv;

    if (side->unless) raw.unless = side_key(store, TYPE_COUNT, side->unless, pool);
    if (!raw.key || (side->unless && (!raw.unless || memcmp(side->unless, side->name, 2))))
        return TDS_FAIL(err, APR_EINVAL, 404, NULL, "not a name");
    if ((rv = tds_seal(v, &ctx, store->clock(), side->value, side->len)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 404, NULL, "cannot seal the value");
    return store->ops->put(store->baton, &raw, pool, err);
}

static void open_side(tds_store_t *store, tds_store_read_t *read, apr_pool_t *pool)
{
    tds_seal_ctx_t ctx = {.keys = store->keys, .store_key = read->key, .shard = read->name, .type = (unsigned char)read->type};

    read->mark_len = read->len < TDS_SEAL_HEAD ? read->len : TDS_SEAL_HEAD;
    memcpy(read->mark, read->value, read->mark_len);
    if (tds_unseal(&read->value, &read->len, &ctx, read->value, read->len, pool) != APR_SUCCESS) read->rv = APR_EINVAL;
}

apr_status_t tds_store_batch(tds_store_t *store, tds_store_read_t *reads, int n, apr_pool_t *pool, tds_err_t *err)
{
    apr_status_t rv;
    int i;

    if (!n) return APR_SUCCESS;
    for (i = 0; i < n; ++i) {
        reads[i].rv = APR_ENOENT;
        reads[i].mark_len = 0;
        reads[i].key = reads[i].kind == TDS_READ_HASH
                           ? reads[i].name
                           : side_key(store, (char)(reads[i].kind == TDS_READ_COUNT ? TYPE_COUNT : reads[i].type), reads[i].name, pool);
        if (!reads[i].key) return TDS_FAIL(err, APR_EINVAL, 404, NULL, "not a name");
        if (reads[i].kind == TDS_READ_HASH) reads[i].fields = apr_table_make(pool, 8);
    }
    if ((rv = store->ops->batch(store->baton, reads, n, pool, err)) != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) {
        if (reads[i].kind == TDS_READ_SIDE && reads[i].rv == APR_SUCCESS) open_side(store, &reads[i], pool);
    }
    return APR_SUCCESS;
}

apr_status_t tds_store_health(tds_store_t *store, tds_store_health_t *health, apr_pool_t *pool, tds_err_t *err)
{
    tds_store_raw_t raw = {.lane = TDS_LANE_STEPS, .version = 1, .ttl = apr_time_from_sec(10), .due = store->clock()};
    unsigned char *value = apr_palloc(pool, TDS_STORE_HEAD + 1);
    char *id = apr_palloc(pool, TDS_UUID_LEN + 1);

    *health = (tds_store_health_t){0};
    if (tds_uuid_make(id, tds_rand_bytes) != APR_SUCCESS) return TDS_FAIL(err, APR_EGENERAL, 404, NULL, "no random bytes");
    (void)apr_snprintf((char *)value, TDS_STORE_HEAD + 1, TDS_STORE_MAGIC "%08x%.16s", 1, id);
    raw.id = id;
    raw.key = apr_psprintf(pool, "%s:{00}:h:%s", store->prefix, id);
    raw.queue = apr_pstrcat(pool, raw.key, ":q", NULL);
    raw.other = apr_pstrcat(pool, raw.key, ":o", NULL);
    raw.value = value;
    raw.len = TDS_STORE_HEAD;
    raw.write_id = (const unsigned char *)"readiness-check.";
    check_key(store, pool);
    health->foreign = tds_store_foreign(store);
    return store->ops->health(store->baton, &raw, health, pool, err);
}
