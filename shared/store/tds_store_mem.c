#include "tds_store_mem.h"

#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>

typedef struct slot_t {
    unsigned char *value;
    apr_size_t len;
    apr_time_t expires;
} slot_t;

struct tds_mem_t {
    apr_pool_t *pool;
    tds_clock_fn *clock;
    apr_hash_t *slots;  /* key -> slot_t */
    apr_hash_t *hashes; /* key -> apr_table_t, of the operator */
    apr_hash_t *due[TDS_LANES]; /* id -> apr_time_t* */
    int ops, fail_at, fail_lost;
    apr_status_t fail_rv;
};

tds_mem_t *tds_mem_make(tds_clock_fn *clock, apr_pool_t *pool)
{
    tds_mem_t *m = apr_pcalloc(pool, sizeof *m);

    m->pool = pool;
    m->clock = clock;
    m->slots = apr_hash_make(pool);
    m->hashes = apr_hash_make(pool);
    m->due[TDS_LANE_STEPS] = apr_hash_make(pool);
    m->due[TDS_LANE_OUT] = apr_hash_make(pool);
    return m;
}

void tds_mem_fail(tds_mem_t *mem, int n, apr_status_t rv, int lost)
{
    mem->fail_at = mem->ops + n;
    mem->fail_rv = rv;
    mem->fail_lost = lost;
}

int tds_mem_ops(const tds_mem_t *mem)
{
    return mem->ops;
}

static int fails_now(tds_mem_t *m)
{
    return ++m->ops == m->fail_at;
}

static slot_t *live(tds_mem_t *m, const char *key)
{
    slot_t *s = apr_hash_get(m->slots, key, APR_HASH_KEY_STRING);

    return s && s->expires > m->clock() ? s : NULL;
}

unsigned char *tds_mem_bytes(tds_mem_t *mem, const char *key, apr_size_t *len)
{
    slot_t *s = live(mem, key);

    if (s && len) *len = s->len;
    return s ? s->value : NULL;
}

static void set_due(tds_mem_t *m, const tds_store_raw_t *raw)
{
    apr_hash_set(m->due[raw->lane], apr_pstrdup(m->pool, raw->id), APR_HASH_KEY_STRING,
                 raw->due ? apr_pmemdup(m->pool, &raw->due, sizeof raw->due) : NULL);
}

/* A counter is a slot that holds an apr_int64_t. */
static void count(tds_mem_t *m, const tds_store_raw_t *raw)
{
    apr_int64_t number;
    slot_t *s;
    int i;

    for (i = 0; i < raw->nincrs; ++i) {
        const tds_incr_t *incr = &raw->incrs[i];

        number = (s = live(m, incr->name)) ? *(apr_int64_t *)(void *)s->value : 0;
        number += incr->by;
        s = apr_palloc(m->pool, sizeof *s);
        *s = (slot_t){apr_pmemdup(m->pool, &number, sizeof number), sizeof number, m->clock() + incr->ttl};
        apr_hash_set(m->slots, apr_pstrdup(m->pool, incr->name), APR_HASH_KEY_STRING, s);
    }
}

static void put(tds_mem_t *m, const tds_store_raw_t *raw)
{
    slot_t *s = apr_palloc(m->pool, sizeof *s);

    s->value = apr_pmemdup(m->pool, raw->value, raw->len);
    s->len = raw->len;
    s->expires = m->clock() + raw->ttl;
    apr_hash_set(m->slots, apr_pstrdup(m->pool, raw->key), APR_HASH_KEY_STRING, s);
    if (!raw->id) return;
    apr_hash_set(m->due[!raw->lane], raw->id, APR_HASH_KEY_STRING, NULL);
    set_due(m, raw);
}

static apr_status_t mem_create(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;
    int fail = fails_now(m);

    if (fail && !m->fail_lost) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    count(m, raw);
    if (live(m, raw->key)) return APR_EEXIST;
    put(m, raw);
    return fail ? TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault") : APR_SUCCESS;
}

static apr_status_t mem_save(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;
    int fail = fails_now(m);
    slot_t *s = live(m, raw->key);
    char want[9];

    if (fail && !m->fail_lost) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    count(m, raw);
    if (!s) return APR_ENOENT;
    (void)apr_snprintf(want, sizeof want, "%08x", raw->version);
    if (memcmp(s->value + TDS_STORE_VERSION_AT, want, 8)) return APR_EAGAIN;
    put(m, raw);
    return fail ? TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault") : APR_SUCCESS;
}

static apr_status_t mem_arm(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;

    if (fails_now(m)) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    if (apr_hash_get(m->due[raw->lane], raw->id, APR_HASH_KEY_STRING)) set_due(m, raw); /* never a new entry */
    return APR_SUCCESS;
}

static apr_status_t mem_load(void *baton, const char *key, const unsigned char **value, apr_size_t *len,
                             apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;
    slot_t *s;

    if (fails_now(m)) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    if (!(s = live(m, key))) return APR_ENOENT;
    *value = s->value;
    *len = s->len;
    return APR_SUCCESS;
}

/* Can who has these keys open it? What has no record is a stray, for anybody. */
static int opens(tds_mem_t *m, const char *queue, const char *id, const tds_store_lease_t *what, apr_pool_t *pool)
{
    slot_t *s = live(m, apr_psprintf(pool, "%.*st:%s", (int)strlen(queue) - 1, queue, id));

    return !s || s->len <= TDS_STORE_HEAD || memchr(what->generations.data, s->value[TDS_STORE_HEAD], what->generations.len);
}

static apr_status_t mem_claim(void *baton, const tds_store_lease_t *what, apr_array_header_t *ids, apr_pool_t *pool,
                              tds_err_t *err)
{
    tds_mem_t *m = baton;
    const char *const *queues = what->queues;
    tds_lane_e lane = queues[0][strlen(queues[0]) - 1] == 'o' ? TDS_LANE_OUT : TDS_LANE_STEPS;
    apr_hash_index_t *hi;
    int i;

    if (fails_now(m)) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    for (hi = apr_hash_first(pool, m->due[lane]); hi; hi = apr_hash_next(hi)) {
        const char *id = apr_hash_this_key(hi);
        apr_time_t *at = apr_hash_this_val(hi);

        for (i = 0; i < what->nqueues; ++i) {
            const char *shard = strchr(queues[i], '{');
            if (shard && !strncmp(shard + 1, id, 2) && *at <= m->clock() && ids->nelts < what->max &&
                opens(m, queues[i], id, what, pool)) {
                *at = m->clock() + what->lease;
                APR_ARRAY_PUSH(ids, const char *) = id;
            }
        }
    }
    return APR_SUCCESS;
}

/* Does the value still have the mark that was seen? */
static int unmoved(tds_mem_t *m, const tds_store_raw_t *raw)
{
    slot_t *s = live(m, raw->key);
    apr_size_t len = s ? s->len : 0;

    if (len > TDS_SEAL_HEAD) len = TDS_SEAL_HEAD;
    return len == raw->seen->mark_len && (!len || !memcmp(s->value, raw->seen->mark, len));
}

static apr_status_t mem_put(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;
    int fail = fails_now(m);

    if (fail && !m->fail_lost) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    if (raw->unless && live(m, raw->unless)) return APR_EEXIST;
    if (raw->seen && !unmoved(m, raw)) return APR_EAGAIN;
    put(m, raw);
    return fail ? TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault") : APR_SUCCESS;
}

void tds_mem_hash(tds_mem_t *mem, const char *key, const apr_table_t *fields)
{
    apr_hash_set(mem->hashes, apr_pstrdup(mem->pool, key), APR_HASH_KEY_STRING, apr_table_copy(mem->pool, fields));
}

static void read_one(tds_mem_t *m, tds_store_read_t *read)
{
    const apr_table_t *row = apr_hash_get(m->hashes, read->key, APR_HASH_KEY_STRING);
    slot_t *s = live(m, read->key);

    if (read->kind == TDS_READ_HASH) {
        if (row) apr_table_overlap(read->fields, row, APR_OVERLAP_TABLES_SET);
        read->rv = row ? APR_SUCCESS : APR_ENOENT;
        return;
    }
    read->rv = s ? APR_SUCCESS : APR_ENOENT;
    if (!s) return;
    if (read->kind == TDS_READ_COUNT) read->number = *(apr_int64_t *)(void *)s->value;
    read->value = s->value;
    read->len = s->len;
}

static apr_status_t mem_batch(void *baton, tds_store_read_t *reads, int n, apr_pool_t *pool, tds_err_t *err)
{
    tds_mem_t *m = baton;
    int i;

    if (fails_now(m)) return TDS_FAIL(err, m->fail_rv, 403, NULL, "ordered fault");
    for (i = 0; i < n; ++i) read_one(m, &reads[i]);
    return APR_SUCCESS;
}

static apr_status_t mem_health(void *baton, const tds_store_raw_t *raw, tds_store_health_t *health, apr_pool_t *pool,
                               tds_err_t *err)
{
    return APR_SUCCESS;
}

const tds_store_ops_t tds_store_mem_ops = {
    .create = mem_create,
    .save = mem_save,
    .arm = mem_arm,
    .load = mem_load,
    .claim = mem_claim,
    .put = mem_put,
    .batch = mem_batch,
    .health = mem_health,
};
