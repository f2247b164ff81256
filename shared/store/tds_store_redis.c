#include "tds_store_redis.h"

#include <string.h>
#include <apr_strings.h>

#define QUEUE_TTL_MS apr_time_as_msec(TDS_STORE_QUEUE_TTL)

/* KEYS record, queue, the other queue; ARGV expected version (8 hex), write id, value, ttl ms, id, due ms or "", queue ttl ms.
 * The header's place is that of tds_store.h: magic 1-4, version 5-12, write id 13-28. */
static tds_redis_script_t save_script = {
    "local h = redis.call('GETRANGE', KEYS[1], 0, 27) "
    "if #h == 0 then return 'GONE' end "
    "if string.sub(h, 13, 28) == ARGV[2] then return 'SAME' end "
    "if string.sub(h, 5, 12) ~= ARGV[1] then return 'MOVED' end "
    "redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) "
    "redis.call('ZREM', KEYS[3], ARGV[5]) "
    "if ARGV[6] == '' then redis.call('ZREM', KEYS[2], ARGV[5]) "
    "else redis.call('ZADD', KEYS[2], ARGV[6], ARGV[5]) redis.call('PEXPIRE', KEYS[2], ARGV[7]) end "
    "return 'OK'",
    ""};

/* KEYS queue; ARGV max, lease ms. By the clock of Redis. */
static tds_redis_script_t claim_script = {
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1]) "
    "for _, id in ipairs(due) do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], id) end "
    "return due",
    ""};

/* KEYS value, counter; ARGV value, ttl ms */
static tds_redis_script_t put_script = {
    "if redis.call('EXISTS', KEYS[2]) == 1 then return 'SHUT' end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "return 'OK'",
    ""};

/* KEYS value; ARGV mark that is to be there, value, ttl ms. The mark's place is that of tds_seal.h: 1-15; what is not there has an
 * empty one. */
static tds_redis_script_t put_seen_script = {
    "local h = redis.call('GETRANGE', KEYS[1], 0, 14) "
    "if h == string.sub(ARGV[2], 1, 15) then return 'OK' end "
    "if h ~= ARGV[1] then return 'MOVED' end "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) "
    "return 'OK'",
    ""};

void tds_store_redis_init(void)
{
    tds_redis_script_init(&save_script);
    tds_redis_script_init(&put_script);
    tds_redis_script_init(&put_seen_script);
    tds_redis_script_init(&claim_script);
}

static apr_status_t refused(const tds_redis_reply_t *reply, tds_err_t *err)
{
    return TDS_FAIL(err, APR_EGENERAL, 404, NULL, "the store refused a command: %.60s",
                    reply->type == TDS_REPLY_ERROR ? reply->text : "unexpected reply");
}

static int is_text(const tds_redis_reply_t *reply, const char *text)
{
    return reply->type == TDS_REPLY_STRING && !strcmp(reply->text, text);
}

/* Was it we who wrote what is there? Asked only when a broken connection may have swallowed the answer. */
static int ours_already(tds_redis_t *redis, const tds_store_raw_t *raw, apr_pool_t *pool)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;

    tds_redis_arg(&cmd, "GETRANGE");
    tds_redis_arg(&cmd, raw->key);
    tds_redis_arg_int(&cmd, TDS_STORE_WRITE_AT, pool);
    tds_redis_arg_int(&cmd, TDS_STORE_HEAD - 1, pool);
    return tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, NULL) == APR_SUCCESS && reply->type == TDS_REPLY_STRING &&
           reply->len == TDS_STORE_WRITE_ID && !memcmp(reply->text, raw->write_id, TDS_STORE_WRITE_ID);
}

/* Two commands for each counter, behind the write they ride with. A counter that cannot be stepped stops nothing: its
 * replies are not looked at. */
static int add_incrs(tds_redis_cmd_t *cmds, const tds_store_raw_t *raw, apr_pool_t *pool)
{
    int i, n = 0;

    for (i = 0; i < raw->nincrs; ++i) {
        tds_redis_arg(&cmds[n], "INCRBY");
        tds_redis_arg(&cmds[n], raw->incrs[i].name);
        tds_redis_arg_int(&cmds[n++], raw->incrs[i].by, pool);
        tds_redis_arg(&cmds[n], "PEXPIRE");
        tds_redis_arg(&cmds[n], raw->incrs[i].name);
        tds_redis_arg_int(&cmds[n++], apr_time_as_msec(raw->incrs[i].ttl), pool);
    }
    return n;
}

/* One plain SET NX; with a deadline the queue entry goes before it in the same pipeline. ZADD NX, so that
 * a repeated id does not move the deadline of the transaction that has it. */
static apr_status_t redis_create(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t *cmds = apr_pcalloc(pool, (apr_size_t)(3 + 2 * raw->nincrs) * sizeof *cmds);
    tds_redis_reply_t *replies;
    int n = 0, repeated, i;
    apr_status_t rv;

    if (raw->due) {
        tds_redis_arg(&cmds[n], "ZADD");
        tds_redis_arg(&cmds[n], raw->queue);
        tds_redis_arg(&cmds[n], "NX");
        tds_redis_arg_int(&cmds[n], apr_time_as_msec(raw->due), pool);
        tds_redis_arg(&cmds[n++], raw->id);
        tds_redis_arg(&cmds[n], "PEXPIRE");
        tds_redis_arg(&cmds[n], raw->queue);
        tds_redis_arg_int(&cmds[n++], QUEUE_TTL_MS, pool);
    }
    tds_redis_arg(&cmds[n], "SET");
    tds_redis_arg(&cmds[n], raw->key);
    tds_redis_arg_bytes(&cmds[n], raw->value, raw->len);
    tds_redis_arg(&cmds[n], "NX");
    tds_redis_arg(&cmds[n], "PX");
    tds_redis_arg_int(&cmds[n++], apr_time_as_msec(raw->ttl), pool);
    rv = tds_redis_run(baton, cmds, n + add_incrs(&cmds[n], raw, pool), &replies, &repeated, pool, err);
    if (rv != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) {
        if (replies[i].type == TDS_REPLY_ERROR) return refused(&replies[i], err);
    }
    if (is_text(&replies[n - 1], "OK") || (repeated && ours_already(baton, raw, pool))) return APR_SUCCESS;
    return APR_EEXIST;
}

static apr_status_t redis_save(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t *cmd = apr_pcalloc(pool, (apr_size_t)(1 + 2 * raw->nincrs) * sizeof *cmd);
    tds_redis_reply_t *reply;
    apr_status_t rv;

    tds_redis_eval(cmd, &save_script, 3, pool);
    tds_redis_arg(cmd, raw->key);
    tds_redis_arg(cmd, raw->queue);
    tds_redis_arg(cmd, raw->other);
    tds_redis_arg(cmd, apr_psprintf(pool, "%08x", raw->version));
    tds_redis_arg_bytes(cmd, raw->write_id, TDS_STORE_WRITE_ID);
    tds_redis_arg_bytes(cmd, raw->value, raw->len);
    tds_redis_arg_int(cmd, apr_time_as_msec(raw->ttl), pool);
    tds_redis_arg(cmd, raw->id);
    if (raw->due) tds_redis_arg_int(cmd, apr_time_as_msec(raw->due), pool);
    else tds_redis_arg(cmd, "");
    tds_redis_arg_int(cmd, QUEUE_TTL_MS, pool);
    rv = tds_redis_run(baton, cmd, 1 + add_incrs(&cmd[1], raw, pool), &reply, NULL, pool, err);
    if (rv != APR_SUCCESS) return rv;
    if (is_text(reply, "OK") || is_text(reply, "SAME")) return APR_SUCCESS;
    if (is_text(reply, "MOVED")) return APR_EAGAIN;
    return is_text(reply, "GONE") ? APR_ENOENT : refused(reply, err);
}

static apr_status_t redis_arm(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_status_t rv;

    tds_redis_arg(&cmd, raw->due ? "ZADD" : "ZREM");
    tds_redis_arg(&cmd, raw->queue);
    if (raw->due) {
        tds_redis_arg(&cmd, "XX");
        tds_redis_arg_int(&cmd, apr_time_as_msec(raw->due), pool);
    }
    tds_redis_arg(&cmd, raw->id);
    if ((rv = tds_redis_run(baton, &cmd, 1, &reply, NULL, pool, err)) != APR_SUCCESS) return rv;
    return reply->type == TDS_REPLY_INT ? APR_SUCCESS : refused(reply, err);
}

static apr_status_t redis_load(void *baton, const char *key, const unsigned char **value, apr_size_t *len,
                               apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_status_t rv;

    tds_redis_arg(&cmd, "GET");
    tds_redis_arg(&cmd, key);
    if ((rv = tds_redis_run(baton, &cmd, 1, &reply, NULL, pool, err)) != APR_SUCCESS) return rv;
    if (reply->type == TDS_REPLY_NIL) return APR_ENOENT;
    if (reply->type != TDS_REPLY_STRING) return refused(reply, err);
    *value = (const unsigned char *)reply->text;
    *len = reply->len;
    return APR_SUCCESS;
}

/* All queues in one pipeline, each with its own script call: one slot each. */
static apr_status_t redis_claim(void *baton, const char *const *queues, int nqueues, int max,
                                apr_interval_time_t lease, apr_array_header_t *ids, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t *cmds = apr_pcalloc(pool, (apr_size_t)nqueues * sizeof *cmds);
    int n = nqueues < max ? nqueues : max, share = max / n, i;
    tds_redis_reply_t *replies;
    apr_status_t rv;
    apr_size_t j;

    for (i = 0; i < n; ++i) {
        tds_redis_eval(&cmds[i], &claim_script, 1, pool);
        tds_redis_arg(&cmds[i], queues[i]);
        tds_redis_arg_int(&cmds[i], share, pool);
        tds_redis_arg_int(&cmds[i], apr_time_as_msec(lease), pool);
    }
    if ((rv = tds_redis_run(baton, cmds, n, &replies, NULL, pool, err)) != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) {
        if (replies[i].type != TDS_REPLY_ARRAY) return refused(&replies[i], err);
        for (j = 0; j < replies[i].len; ++j) APR_ARRAY_PUSH(ids, const char *) = replies[i].items[j].text;
    }
    return APR_SUCCESS;
}

static apr_status_t redis_put(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_status_t rv;

    if (raw->unless) tds_redis_eval(&cmd, &put_script, 2, pool);
    else if (raw->seen) tds_redis_eval(&cmd, &put_seen_script, 1, pool);
    else tds_redis_arg(&cmd, "SET");
    tds_redis_arg(&cmd, raw->key);
    if (raw->unless) tds_redis_arg(&cmd, raw->unless);
    if (raw->seen) tds_redis_arg_bytes(&cmd, raw->seen->mark, raw->seen->mark_len);
    tds_redis_arg_bytes(&cmd, raw->value, raw->len);
    if (!raw->unless && !raw->seen) tds_redis_arg(&cmd, "PX");
    tds_redis_arg_int(&cmd, apr_time_as_msec(raw->ttl), pool);
    if ((rv = tds_redis_run(baton, &cmd, 1, &reply, NULL, pool, err)) != APR_SUCCESS) return rv;
    if (is_text(reply, "OK")) return APR_SUCCESS;
    if (is_text(reply, "MOVED")) return APR_EAGAIN;
    return is_text(reply, "SHUT") ? APR_EEXIST : refused(reply, err);
}

static void take_hash(tds_store_read_t *read, const tds_redis_reply_t *reply)
{
    apr_size_t i;

    for (i = 0; i + 1 < reply->len; i += 2) {
        if (reply->items[i].text && reply->items[i + 1].text)
            apr_table_setn(read->fields, reply->items[i].text, reply->items[i + 1].text);
    }
    read->rv = reply->len ? APR_SUCCESS : APR_ENOENT;
}

static void take_reply(tds_store_read_t *read, const tds_redis_reply_t *reply)
{
    read->rv = APR_ENOENT;
    if (reply->type == TDS_REPLY_NIL) return;
    read->rv = APR_EINVAL;
    if (read->kind == TDS_READ_HASH) {
        if (reply->type == TDS_REPLY_ARRAY) take_hash(read, reply);
        return;
    }
    if (reply->type != TDS_REPLY_STRING) return;
    read->rv = APR_SUCCESS;
    if (read->kind == TDS_READ_COUNT) read->number = apr_atoi64(reply->text);
    read->value = (unsigned char *)reply->text;
    read->len = reply->len;
}

static apr_status_t redis_batch(void *baton, tds_store_read_t *reads, int n, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t *cmds = apr_pcalloc(pool, (apr_size_t)n * sizeof *cmds);
    tds_redis_reply_t *replies;
    apr_status_t rv;
    int i;

    for (i = 0; i < n; ++i) {
        tds_redis_arg(&cmds[i], reads[i].kind == TDS_READ_HASH ? "HGETALL" : "GET");
        tds_redis_arg(&cmds[i], reads[i].key);
    }
    if ((rv = tds_redis_run(baton, cmds, n, &replies, NULL, pool, err)) != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) take_reply(&reads[i], &replies[i]);
    return APR_SUCCESS;
}

static apr_status_t redis_health(void *baton, tds_store_health_t *health, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t cmds[3] = {{0}};
    tds_redis_reply_t *replies;
    apr_time_t before = apr_time_now(), after, theirs;
    apr_status_t rv;

    tds_redis_arg(&cmds[0], "TIME");
    tds_redis_arg(&cmds[1], "INFO");
    tds_redis_arg(&cmds[1], "memory");
    tds_redis_arg(&cmds[2], "INFO");
    tds_redis_arg(&cmds[2], "replication");
    if ((rv = tds_redis_run(baton, cmds, 3, &replies, NULL, pool, err)) != APR_SUCCESS) return rv;
    after = apr_time_now();
    if (replies[0].type != TDS_REPLY_ARRAY || replies[0].len != 2) return refused(&replies[0], err);
    theirs = apr_time_from_sec(apr_atoi64(replies[0].items[0].text)) + apr_atoi64(replies[0].items[1].text);
    if (replies[1].type != TDS_REPLY_STRING) return refused(&replies[1], err);
    if (replies[2].type != TDS_REPLY_STRING) return refused(&replies[2], err);
    health->reachable = 1;
    health->writable = strstr(replies[2].text, "role:master") != NULL;
    health->offset = theirs - (before + after) / 2;
    health->evicts = !strstr(replies[1].text, "maxmemory_policy:noeviction");
    return APR_SUCCESS;
}

const tds_store_ops_t tds_store_redis_ops = {
    .create = redis_create,
    .save = redis_save,
    .arm = redis_arm,
    .load = redis_load,
    .claim = redis_claim,
    .put = redis_put,
    .batch = redis_batch,
    .health = redis_health,
};
