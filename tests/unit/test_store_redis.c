/* The store against a real Redis (with-redis.sh), and against a Cluster (with-cluster.sh). In a Cluster each operation is
 * sent to the node that owns the slot of its record, as a client with a slot map would: a key of another slot in the same
 * operation, or in another node's hands, would be answered CROSSSLOT or MOVED, and fail. */
#include "unit.h"
#include <pthread.h>
#include <signal.h>
#include "store_behaviour.h"
#include "tds_store_redis.h"

#define NODES_MAX 3

static tds_redis_t *nodes[NODES_MAX];
static const char *urls[NODES_MAX];
static int nnodes;
static int owner_of_slot[16384]; /* in a Cluster */
static tds_keys_t *keys;
static int misroute; /* send to the wrong node */
static long operations;

static apr_time_t now_is(void)
{
    return apr_time_now();
}

/* ---- plain commands -------------------------------------------------------- */

static tds_redis_reply_t *command(tds_redis_t *node, int argc, const char *const *argv, const apr_size_t *lens)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply = NULL;
    int i;

    for (i = 0; i < argc; ++i) tds_redis_arg_bytes(&cmd, argv[i], lens ? lens[i] : strlen(argv[i]));
    assert_ok(tds_redis_run(node, &cmd, 1, &reply, NULL, pool, &err));
    return reply;
}

#define CMD(node, ...) command((node), COUNT(((const char *[]){__VA_ARGS__})), (const char *[]){__VA_ARGS__}, NULL)

/* ---- routing ---------------------------------------------------------------- */

static int node_of(const char *key)
{
    tds_redis_reply_t *reply;
    int node;

    ++operations;
    if (nnodes == 1) return 0;
    reply = CMD(nodes[0], "CLUSTER", "KEYSLOT", key);
    assert_int_equal(reply->type, TDS_REPLY_INT);
    node = owner_of_slot[reply->number];
    return misroute ? (node + 1) % nnodes : node;
}

static void read_slots(void)
{
    tds_redis_reply_t *map = CMD(nodes[0], "CLUSTER", "SLOTS");
    apr_size_t i;
    int j, covered = 0;

    assert_int_equal(map->type, TDS_REPLY_ARRAY);
    for (i = 0; i < map->len; ++i) { /* first, last, {host, port, ...} */
        const tds_redis_reply_t *range = map->items[i].items;
        const char *url = apr_psprintf(pool, "redis://127.0.0.1:%d", (int)range[2].items[1].number);

        for (j = 0; j < nnodes && strcmp(urls[j], url); ++j) continue;
        assert_true(j < nnodes);
        for (long long s = range[0].number; s <= range[1].number; ++s, ++covered) owner_of_slot[s] = j;
    }
    assert_int_equal(covered, 16384);
}

static apr_status_t routed_create(void *baton, const tds_store_raw_t *raw, apr_pool_t *p, tds_err_t *e)
{
    return tds_store_redis_ops.create(nodes[node_of(raw->key)], raw, p, e);
}

static apr_status_t routed_save(void *baton, const tds_store_raw_t *raw, apr_pool_t *p, tds_err_t *e)
{
    return tds_store_redis_ops.save(nodes[node_of(raw->key)], raw, p, e);
}

static apr_status_t routed_arm(void *baton, const tds_store_raw_t *raw, apr_pool_t *p, tds_err_t *e)
{
    return tds_store_redis_ops.arm(nodes[node_of(raw->key)], raw, p, e);
}

static apr_status_t routed_load(void *baton, const char *key, const unsigned char **value, apr_size_t *len, apr_pool_t *p,
                                tds_err_t *e)
{
    return tds_store_redis_ops.load(nodes[node_of(key)], key, value, len, p, e);
}

static apr_status_t routed_put(void *baton, const tds_store_raw_t *raw, apr_pool_t *p, tds_err_t *e)
{
    return tds_store_redis_ops.put(nodes[node_of(raw->key)], raw, p, e);
}

/* In one piece where there is one node. */
static apr_status_t routed_batch(void *baton, tds_store_read_t *reads, int n, apr_pool_t *p, tds_err_t *e)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (nnodes == 1) return tds_store_redis_ops.batch(nodes[0], reads, n, p, e);
    for (i = 0; rv == APR_SUCCESS && i < n; ++i)
        rv = tds_store_redis_ops.batch(nodes[node_of(reads[i].key)], &reads[i], 1, p, e);
    return rv;
}

/* The queues of each node together; each queue has a script call of its own. */
static apr_status_t routed_claim(void *baton, const tds_store_lease_t *what, apr_array_header_t *ids, apr_pool_t *p, tds_err_t *e)
{
    const char **mine = apr_palloc(p, (apr_size_t)what->nqueues * sizeof *mine);
    int node, i;

    for (node = 0; node < nnodes; ++node) {
        tds_store_lease_t part = *what;
        apr_status_t rv;

        part.queues = mine;
        part.nqueues = 0;
        part.max = what->max - ids->nelts;
        for (i = 0; i < what->nqueues; ++i)
            if (node_of(what->queues[i]) == node) mine[part.nqueues++] = what->queues[i];
        if (!part.nqueues || part.max <= 0) continue;
        rv = tds_store_redis_ops.claim(nodes[node], &part, ids, p, e);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

static apr_status_t routed_health(void *baton, const tds_store_raw_t *raw, tds_store_health_t *health, apr_pool_t *p, tds_err_t *e)
{
    return tds_store_redis_ops.health(nodes[node_of(raw->key)], raw, health, p, e);
}

static const tds_store_ops_t routed_ops = {.create = routed_create,
                                           .save = routed_save,
                                           .arm = routed_arm,
                                           .load = routed_load,
                                           .claim = routed_claim,
                                           .put = routed_put,
                                           .batch = routed_batch,
                                           .health = routed_health};

static tds_redis_t *connect_to(const char *url, apr_interval_time_t timeout)
{
    tds_redis_conf_t conf = {.url = url, .timeout = timeout};
    tds_redis_t *redis = NULL;

    if (tds_redis_make(&redis, &conf, pool, &err) != APR_SUCCESS) return NULL;
    return redis;
}

static int setup(void **state)
{
    const char *one = getenv("TDS_TEST_REDIS"), *many = getenv("TDS_TEST_CLUSTER");
    char *save, *url;

    if (unit_setup(state)) return -1;
    (void)signal(SIGPIPE, SIG_IGN); /* as httpd does */
    nnodes = misroute = 0;
    url = apr_strtok(apr_pstrdup(pool, one ? one : many ? many : ""), " ", &save);
    for (; url && nnodes < NODES_MAX; url = apr_strtok(NULL, " ", &save)) {
        urls[nnodes] = url;
        if (!(nodes[nnodes++] = connect_to(url, apr_time_from_sec(2)))) return -1;
    }
    if (!nnodes) {
        print_error("TDS_TEST_REDIS or TDS_TEST_CLUSTER must name a Redis: run with-redis.sh or with-cluster.sh\n");
        return -1;
    }
    tds_store_redis_init();
    if (nnodes > 1) read_slots();
    keys = tds_keys_make(pool);
    if (tds_keys_add(keys, KEY_A, &err) != APR_SUCCESS) return -1;
    store = tds_store_make(&routed_ops, NULL, "acs", keys, now_is, pool);
    return 0;
}

static tds_store_t *store_with(const char *key)
{
    tds_keys_t *other = tds_keys_make(pool);

    assert_ok(tds_keys_add(other, key, &err));
    return tds_store_make(&routed_ops, NULL, "acs", other, now_is, pool);
}

/* ---- past the seal ----------------------------------------------------------- */

static const char *key_of(const char *id)
{
    return apr_psprintf(pool, "acs:{%.2s}:t:%s", id, id);
}

static const char *queue_of(const char *id)
{
    return apr_psprintf(pool, "acs:{%.2s}:q", id);
}

static const char *other_of(const char *id)
{
    return apr_psprintf(pool, "acs:{%.2s}:o", id);
}

static unsigned char *raw_get(const char *id, apr_size_t *len)
{
    tds_redis_reply_t *reply = CMD(nodes[node_of(key_of(id))], "GET", key_of(id));

    assert_int_equal(reply->type, TDS_REPLY_STRING);
    *len = reply->len;
    return apr_pmemdup(pool, reply->text, reply->len + 1);
}

static void raw_put(const char *id, const unsigned char *bytes, apr_size_t len)
{
    const char *argv[] = {"SET", key_of(id), (const char *)bytes, "PX", "3600000"};
    const apr_size_t lens[] = {3, strlen(argv[1]), len, 2, 7};

    (void)command(nodes[node_of(key_of(id))], 5, argv, lens);
}

static void wait_for(apr_interval_time_t t)
{
    apr_sleep(t);
}

static void expires(void **state)
{
    expiry(apr_time_from_msec(200), wait_for);
}

static void sides_expire(void **state)
{
    side_expiry(apr_time_from_msec(200), wait_for);
}

static void leases(void **state)
{
    lease_ends(apr_time_from_msec(300), wait_for);
}

/* ---- of Redis only ------------------------------------------------------------ */

/* After a restart Redis knows no script. */
static void scripts_forgotten(void **state)
{
    const char *id = new_id();
    int i;

    assert_ok(create(id, "one", now_is() - 1000000));
    for (i = 0; i < nnodes; ++i) (void)CMD(nodes[i], "SCRIPT", "FLUSH");
    assert_ok(save(id, "two", 1, now_is() - 1000000));
    holds(id, "two", 2);
    for (i = 0; i < nnodes; ++i) (void)CMD(nodes[i], "SCRIPT", "FLUSH");
    assert_int_equal(claim_one(id, HOUR), 1);
}

static void kill_connections(void)
{
    int i;

    for (i = 0; i < nnodes; ++i) (void)CMD(nodes[i], "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    /* The connection that sent it is alive, so that each pool has that one only; now it goes too. */
    for (i = 0; i < nnodes; ++i) {
        tds_redis_t *other = connect_to(urls[i], apr_time_from_sec(2));

        (void)CMD(other, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        tds_redis_close(other);
    }
}

/* A dead idle connection is replaced, whatever the operation. */
static void connections_cut(void **state)
{
    const char *id = new_id(), *other = new_id();

    assert_ok(create(other, "there before", 0));
    kill_connections();
    assert_ok(create(id, "one", now_is() + HOUR));
    kill_connections();
    holds(id, "one", 1);
    kill_connections();
    assert_ok(save(id, "two", 1, now_is() - 1000000));
    kill_connections();
    assert_int_equal(claim_one(id, HOUR), 1);
    kill_connections();
    assert_ok(tds_store_arm(store, TDS_LANE_STEPS, id, 0, pool, &err));
    kill_connections();
    assert_int_equal(create(other, "not there", 0), APR_EEXIST);
    holds(other, "there before", 1);
}

/* A write that got through although its answer did not: its repeat is a success, another's write is not ours. */
static void repeated_write(void **state)
{
    unsigned char value[64] = TDS_STORE_MAGIC "00000002ABCDEFGHIJKLMNOPvalue", first[64] = TDS_STORE_MAGIC "00000001abcdefghijklmnop";
    const char *id = new_id();
    tds_store_raw_t raw = {.key = key_of(id), .queue = queue_of(id), .other = other_of(id), .id = id, .value = first, .len = sizeof first, .ttl = HOUR,
                           .write_id = first + TDS_STORE_WRITE_AT};

    assert_ok(routed_create(NULL, &raw, pool, &err));
    raw.value = value;
    raw.write_id = value + TDS_STORE_WRITE_AT;
    raw.version = 1;
    assert_ok(routed_save(NULL, &raw, pool, &err));
    assert_ok(routed_save(NULL, &raw, pool, &err));
    raw.write_id = first + TDS_STORE_WRITE_AT;
    assert_int_equal(routed_save(NULL, &raw, pool, &err), APR_EAGAIN);
}

static void all_have_ttl(void **state)
{
    int i, found = 0;

    for (i = 0; i < nnodes; ++i) {
        tds_redis_reply_t *list = CMD(nodes[i], "KEYS", "*");
        apr_size_t j;

        for (j = 0; j < list->len; ++j, ++found) {
            tds_redis_reply_t *ttl = CMD(nodes[i], "PTTL", list->items[j].text);

            if (ttl->number == -1) fail_msg("%s has no TTL", list->items[j].text);
            assert_true(ttl->number <= apr_time_as_msec(TDS_STORE_QUEUE_TTL));
        }
    }
    assert_true(found > 20); /* what the tests before have left */
    if (nnodes > 1) assert_true(operations > 500);
}

/* That the proof proves something: the wrong node refuses. */
static void wrong_node(void **state)
{
    const char *id = new_id(), *text;
    unsigned version;

    if (nnodes == 1) return;
    misroute = 1;
    assert_int_equal(create(id, "x", now_is() + HOUR), APR_EGENERAL);
    assert_non_null(strstr(err.detail, "MOVED"));
    tds_err_clear(&err);
    assert_int_equal(load(id, 0, &text, &version), APR_EGENERAL);
    tds_err_clear(&err);
    assert_int_equal(save(id, "x", 1, 0), APR_EGENERAL);
    assert_non_null(strstr(err.detail, "MOVED"));
    misroute = 0;
    assert_ok(create(id, "x", now_is() + HOUR));
}

/* ---- many at once -------------------------------------------------------------- */

#define THREADS 8

typedef struct racer_t {
    const char *id;
    tds_store_t *store;
    int wins, lost, other;
} racer_t;

static void *race_saves(void *data)
{
    racer_t *r = data;
    apr_pool_t *p;
    int i;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) return NULL;
    for (i = 0; i < 100; ++i) {
        unsigned char *value;
        apr_size_t len;
        tds_change_t c = {.id = r->id, .value = "x", .len = 1, .ttl = HOUR};
        apr_status_t rv = tds_store_load(r->store, r->id, 0, &value, &len, &c.version, p, NULL);

        if (rv == APR_SUCCESS) rv = tds_store_save(r->store, &c, p, NULL);
        r->wins += rv == APR_SUCCESS;
        r->lost += APR_STATUS_IS_EAGAIN(rv);
        r->other += rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

static void *race_claims(void *data)
{
    tds_claim_t what = {TDS_LANE_STEPS, 0xab, 1, 5, HOUR};
    racer_t *r = data;
    apr_array_header_t *ids;
    apr_pool_t *p;
    int i;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) return NULL;
    for (i = 0; i < 40; ++i) {
        if (tds_store_claim(r->store, &what, &ids, p, NULL) != APR_SUCCESS) ++r->other;
        else r->wins += ids->nelts;
    }
    apr_pool_destroy(p);
    return NULL;
}

static void race(void *(*fn)(void *), racer_t *sum, const char *id)
{
    racer_t racers[THREADS] = {{0}};
    pthread_t t[THREADS];
    int i;

    *sum = (racer_t){0};
    for (i = 0; i < THREADS; ++i) {
        /* Straight to the node: routing asks the server with pool, which is the test's. */
        racers[i] = (racer_t){.id = id, .store = tds_store_make(&tds_store_redis_ops, nodes[node_of(key_of(id))], "acs", keys,
                                                                now_is, pool)};
        assert_int_equal(pthread_create(&t[i], NULL, fn, &racers[i]), 0);
    }
    for (i = 0; i < THREADS; ++i) {
        pthread_join(t[i], NULL);
        sum->wins += racers[i].wins;
        sum->lost += racers[i].lost;
        sum->other += racers[i].other;
    }
}

/* Every version is won by one. */
static void racing_saves(void **state)
{
    const char *id = new_id();
    racer_t sum;

    assert_ok(create(id, "x", 0));
    race(race_saves, &sum, id);
    assert_int_equal(sum.other, 0);
    assert_int_equal(sum.wins + sum.lost, THREADS * 100);
    holds(id, "x", (unsigned)sum.wins + 1);
}

/* Every entry is claimed by one. */
static void racing_claims(void **state)
{
    char *id = NULL;
    racer_t sum;
    int i;

    for (i = 0; i < 100; ++i) {
        id = apr_pstrdup(pool, new_id());
        id[0] = 'a';
        id[1] = 'b';
        assert_ok(create(id, "x", now_is() - 1000000));
    }
    race(race_claims, &sum, id);
    assert_int_equal(sum.other, 0);
    assert_int_equal(sum.wins, 100);
}

/* ---- Redis is away --------------------------------------------------------------- */

static void away(void **state)
{
    tds_redis_t *none = connect_to("unix:/nonexistent/redis.sock", 0);
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    int i, open = 0;

    tds_redis_arg(&cmd, "PING");
    for (i = 0; i < 6; ++i) {
        tds_err_clear(&err);
        assert_int_not_equal(tds_redis_run(none, &cmd, 1, &reply, NULL, pool, &err), APR_SUCCESS);
        assert_int_equal(err.proto, 403);
        open += strstr(err.detail, "breaker") != NULL;
    }
    assert_int_equal(open, 3); /* three tries, then none is made */
    apr_sleep(apr_time_from_msec(600));
    tds_err_clear(&err);
    assert_int_not_equal(tds_redis_run(none, &cmd, 1, &reply, NULL, pool, &err), APR_SUCCESS);
    assert_null(strstr(err.detail, "breaker"));
}

/* It hangs: nobody waits longer than the limit, and it goes on when it comes back. */
static void hangs(void **state)
{
    tds_redis_t *quick = connect_to(urls[0], apr_time_from_msec(150));
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_time_t start;

    tds_redis_arg(&cmd, "PING");
    assert_ok(tds_redis_run(quick, &cmd, 1, &reply, NULL, pool, &err));
    (void)CMD(nodes[0], "CLIENT", "PAUSE", "700", "ALL");
    start = apr_time_now();
    assert_int_equal(tds_redis_run(quick, &cmd, 1, &reply, NULL, pool, &err), APR_TIMEUP);
    assert_true(apr_time_now() - start < apr_time_from_msec(600));
    apr_sleep(apr_time_from_msec(900));
    assert_ok(tds_redis_run(quick, &cmd, 1, &reply, NULL, pool, &err));
}

/* It became a replica: nothing is written, and when there is a master again no restart is needed. */
static void fails_over(void **state)
{
    const char *id = new_id();
    tds_store_health_t h;

    if (nnodes > 1) return; /* a Cluster refuses REPLICAOF */
    assert_ok(create(id, "one", 0));
    (void)CMD(nodes[0], "REPLICAOF", "127.0.0.1", "1");
    assert_int_equal(save(id, "two", 1, now_is() + HOUR), APR_EGENERAL);
    assert_int_equal(err.proto, 403);
    assert_non_null(strstr(err.detail, "READONLY"));
    tds_err_clear(&err);
    assert_int_equal(create(new_id(), "x", 0), APR_EGENERAL);
    tds_err_clear(&err);
    assert_int_equal(tds_store_health(store, &h, pool, &err), APR_EGENERAL);
    assert_non_null(strstr(err.detail, "READONLY"));
    tds_err_clear(&err);
    (void)CMD(nodes[0], "REPLICAOF", "NO", "ONE");
    assert_ok(save(id, "two", 1, now_is() + HOUR));
    holds(id, "two", 2);
    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_null(h.fault);
}

/* Who only refuses is let alone for a while, too. */
static void refusals_open_breaker(void **state)
{
    int i, open = 0;

    if (nnodes > 1) return;
    (void)CMD(nodes[0], "REPLICAOF", "127.0.0.1", "1");
    for (i = 0; i < 5; ++i) {
        tds_err_clear(&err);
        assert_int_not_equal(create(new_id(), "x", 0), APR_SUCCESS);
        open += strstr(err.detail, "breaker") != NULL;
    }
    assert_int_equal(open, 2);
    (void)CMD(connect_to(urls[0], apr_time_from_sec(2)), "REPLICAOF", "NO", "ONE");
    apr_sleep(apr_time_from_msec(600));
    assert_ok(create(new_id(), "x", 0));
}

/* ---- the rest ---------------------------------------------------------------------- */

static void health(void **state)
{
    tds_store_health_t h;
    int i;

    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_null(h.fault);
    assert_false(h.foreign);
    assert_false(h.evicts);
    assert_true(h.offset > -apr_time_from_sec(1) && h.offset < apr_time_from_sec(1));
    for (i = 0; i < nnodes; ++i) (void)CMD(nodes[i], "CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_true(h.evicts);
    for (i = 0; i < nnodes; ++i) (void)CMD(nodes[i], "CONFIG", "SET", "maxmemory-policy", "noeviction");
}

static void hash(void **state)
{
    const char *key = "acs:card:0123";
    tds_store_read_t r;
    int node = node_of(key);

    assert_int_equal(read_one(TDS_READ_HASH, 0, key).rv, APR_ENOENT);
    (void)CMD(nodes[node], "HSET", key, "status", "active", "phone", "+49 1");
    (void)CMD(nodes[node], "PEXPIRE", key, "60000");
    r = read_one(TDS_READ_HASH, 0, key);
    assert_ok(r.rv);
    assert_string_equal(apr_table_get(r.fields, "status"), "active");
    assert_string_equal(apr_table_get(r.fields, "phone"), "+49 1");
    (void)CMD(nodes[node], "DEL", key);
}

/* One value of another kind does not spoil the others. */
static void batch_of_other_types(void **state)
{
    const char *id = new_id(), *key = apr_psprintf(pool, "acs:{%.2s}:c:%s", id, id);
    tds_store_read_t reads[] = {{.kind = TDS_READ_COUNT, .name = id},
                                {.kind = TDS_READ_HASH, .name = apr_psprintf(pool, "acs:{%.2s}:m:%s", id, id)},
                                {.kind = TDS_READ_SIDE, .type = 'm', .name = id}};

    (void)CMD(nodes[node_of(key)], "HSET", key, "a", "b");
    (void)CMD(nodes[node_of(key)], "PEXPIRE", key, "60000");
    assert_ok(put_side('m', id, "data", NULL, HOUR));
    assert_ok(tds_store_batch(store, reads, 3, pool, &err));
    assert_int_equal(reads[0].rv, APR_EINVAL);
    assert_int_equal(reads[0].number, 0);
    assert_int_equal(reads[1].rv, APR_EINVAL);
    assert_ok(reads[2].rv);
    assert_string_equal((const char *)reads[2].value, "data");
}

/* A key of another type is a fault, not a record. */
static void other_type(void **state)
{
    const char *id = new_id(), *text, *key = key_of(id);
    unsigned version;

    (void)CMD(nodes[node_of(key)], "HSET", key, "a", "b");
    (void)CMD(nodes[node_of(key)], "PEXPIRE", key, "60000");
    assert_int_equal(load(id, 0, &text, &version), APR_EGENERAL);
    assert_int_equal(err.proto, 403);
}

/* What payments need is tried; what is refused is named. */
static void readiness_names_the_command(void **state)
{
    static const struct {
        const char *rule, *word; /* word NULL: it does without */
    } cases[] = {{"-eval", "EVAL"}, {"-evalsha", "EVALSHA"}, {"-set", "SET"}, {"-zadd", "ZADD"}, {"-zrem", "ZREM"}, {"-time", "TIME"},
                 {"-incrby", "INCRBY"}, {"-pexpire", "PEXPIRE"}, {"-info", NULL}, {"-config", NULL}};
    tds_store_health_t h;
    int i;

    if (nnodes > 1) return;
    for (i = 0; i < COUNT(cases); ++i) {
        tds_redis_conf_t conf = {.url = urls[0], .auth = {"joe", "pw"}};
        tds_redis_t *joe;

        (void)CMD(nodes[0], "ACL", "SETUSER", "joe", "reset", "on", ">pw", "~acs:*", "+@all", cases[i].rule);
        assert_ok(tds_redis_make(&joe, &conf, pool, &err));
        assert_ok(tds_store_health(tds_store_make(&tds_store_redis_ops, joe, "acs", keys, now_is, pool), &h, pool, &err));
        if (!cases[i].word) assert_null(h.fault);
        else if (!h.fault || !strstr(h.fault, cases[i].word)) fail_msg("%s: %s", cases[i].rule, h.fault ? h.fault : "nothing");
        tds_redis_close(joe);
    }
    (void)CMD(nodes[0], "ACL", "DELUSER", "joe");
}

/* Full, or too few replicas: reads go on, payments do not. */
static void readiness_of_a_full_store(void **state)
{
    tds_store_health_t h;

    if (nnodes > 1) return;
    (void)CMD(nodes[0], "CONFIG", "SET", "maxmemory", "1");
    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_non_null(h.fault);
    assert_non_null(strstr(h.fault, "OOM"));
    assert_int_equal(create(new_id(), "x", 0), APR_EGENERAL);
    assert_int_equal(err.proto, 403);
    tds_err_clear(&err);
    (void)CMD(nodes[0], "CONFIG", "SET", "maxmemory", "0");
    (void)CMD(nodes[0], "CONFIG", "SET", "min-replicas-to-write", "1");
    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_non_null(h.fault);
    assert_non_null(strstr(h.fault, "NOREPLICAS"));
    (void)CMD(nodes[0], "CONFIG", "SET", "min-replicas-to-write", "0");
    assert_ok(tds_store_health(store, &h, pool, &err));
    assert_null(h.fault);
}

#define UNIT_STORE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {STORE_TESTS,
                                          UNIT_STORE(expires),
                                          UNIT_STORE(leases),
                                          UNIT_STORE(scripts_forgotten),
                                          UNIT_STORE(connections_cut),
                                          UNIT_STORE(repeated_write),
                                          UNIT_STORE(wrong_node),
                                          UNIT_STORE(racing_saves),
                                          UNIT_STORE(racing_claims),
                                          UNIT_STORE(away),
                                          UNIT_STORE(hangs),
                                          UNIT_STORE(fails_over),
                                          UNIT_STORE(refusals_open_breaker),
                                          UNIT_STORE(health),
                                          UNIT_STORE(hash),
                                          UNIT_STORE(batch_of_other_types),
                                          UNIT_STORE(sides_expire),
                                          UNIT_STORE(other_type),
                                          UNIT_STORE(readiness_names_the_command),
                                          UNIT_STORE(readiness_of_a_full_store),
                                          UNIT_STORE(all_have_ttl)};
UNIT_MAIN(tests)
