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

/* KEYS queue; ARGV max, lease ms, ids of the keys that the caller can open records with, how many entries to look at. By the
 * clock of Redis. What somebody else has to open is left to him; what has no record is a stray, for anybody. The byte behind
 * the header is the id of the record's key. */
static tds_redis_script_t claim_script = {
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[4]) "
    "local got = {} "
    "for _, id in ipairs(due) do "
    "if #got == tonumber(ARGV[1]) then break end "
    "local key = redis.call('GETRANGE', string.sub(KEYS[1], 1, -2) .. 't:' .. id, 28, 28) "
    "if key == '' or string.find(ARGV[3], key, 1, true) then "
    "redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], id) "
    "got[#got + 1] = id end end "
    "return got",
    ""};
#define LOOK_AT 100 /* entries beside those that are wanted, where others than we have to open them */

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

static apr_status_t refused(const tds_redis_reply_t *reply, apr_pool_t *pool, tds_err_t *err)
{
    return TDS_FAIL(err, APR_EGENERAL, 403, NULL, "the store refused a command: %s", tds_redis_error(reply, pool));
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
    cmds[n].writes = 1;
    tds_redis_arg(&cmds[n], "SET");
    tds_redis_arg(&cmds[n], raw->key);
    tds_redis_arg_bytes(&cmds[n], raw->value, raw->len);
    tds_redis_arg(&cmds[n], "NX");
    tds_redis_arg(&cmds[n], "PX");
    tds_redis_arg_int(&cmds[n++], apr_time_as_msec(raw->ttl), pool);
    rv = tds_redis_run(baton, cmds, n + add_incrs(&cmds[n], raw, pool), &replies, &repeated, pool, err);
    if (rv != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) {
        if (replies[i].type == TDS_REPLY_ERROR) return refused(&replies[i], pool, err);
    }
    if (tds_redis_says(&replies[n - 1], "OK") || (repeated && ours_already(baton, raw, pool))) return APR_SUCCESS;
    return replies[n - 1].type == TDS_REPLY_NIL ? APR_EEXIST : refused(&replies[n - 1], pool, err);
}

static void save_args(tds_redis_cmd_t *cmd, const tds_store_raw_t *raw, apr_int64_t queue_ttl_ms, apr_pool_t *pool)
{
    cmd->writes = 1;
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
    tds_redis_arg_int(cmd, queue_ttl_ms, pool);
}

static apr_status_t redis_save(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t *cmd = apr_pcalloc(pool, (apr_size_t)(1 + 2 * raw->nincrs) * sizeof *cmd);
    tds_redis_reply_t *reply;
    apr_status_t rv;

    save_args(cmd, raw, QUEUE_TTL_MS, pool);
    rv = tds_redis_run(baton, cmd, 1 + add_incrs(&cmd[1], raw, pool), &reply, NULL, pool, err);
    if (rv != APR_SUCCESS) return rv;
    if (tds_redis_says(reply, "OK") || tds_redis_says(reply, "SAME")) return APR_SUCCESS;
    if (tds_redis_says(reply, "MOVED")) return APR_EAGAIN;
    return tds_redis_says(reply, "GONE") ? APR_ENOENT : refused(reply, pool, err);
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
    return reply->type == TDS_REPLY_INT ? APR_SUCCESS : refused(reply, pool, err);
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
    if (reply->type != TDS_REPLY_STRING) return refused(reply, pool, err);
    *value = (const unsigned char *)reply->text;
    *len = reply->len;
    return APR_SUCCESS;
}

static void claim_args(tds_redis_cmd_t *cmd, const char *queue, int max, const tds_store_lease_t *what, apr_pool_t *pool)
{
    tds_redis_eval(cmd, &claim_script, 1, pool);
    tds_redis_arg(cmd, queue);
    tds_redis_arg_int(cmd, max, pool);
    tds_redis_arg_int(cmd, apr_time_as_msec(what->lease), pool);
    tds_redis_arg_bytes(cmd, what->generations.data, what->generations.len);
    tds_redis_arg_int(cmd, max + LOOK_AT, pool);
}

/* All queues in one pipeline, each with its own script call: one slot each. */
static apr_status_t redis_claim(void *baton, const tds_store_lease_t *what, apr_array_header_t *ids, apr_pool_t *pool,
                                tds_err_t *err)
{
    int n = what->nqueues < what->max ? what->nqueues : what->max, end = ids->nelts + what->max, i;
    tds_redis_cmd_t *cmds = apr_pcalloc(pool, (apr_size_t)n * sizeof *cmds);
    tds_redis_reply_t *replies;
    const char *id;
    apr_status_t rv;
    apr_size_t j;

    for (i = 0; i < n; ++i) claim_args(&cmds[i], what->queues[i], what->max / n, what, pool);
    if ((rv = tds_redis_run(baton, cmds, n, &replies, NULL, pool, err)) != APR_SUCCESS) return rv;
    for (i = 0; i < n; ++i) {
        if (replies[i].type != TDS_REPLY_ARRAY) return refused(&replies[i], pool, err);
        for (j = 0; j < replies[i].len && ids->nelts < end; ++j) {
            if ((id = tds_redis_text(tds_redis_item(&replies[i], j)))) APR_ARRAY_PUSH(ids, const char *) = id;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t redis_put(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_status_t rv;

    cmd.writes = 1;
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
    if (tds_redis_says(reply, "OK")) return APR_SUCCESS;
    if (tds_redis_says(reply, "MOVED")) return APR_EAGAIN;
    return tds_redis_says(reply, "SHUT") ? APR_EEXIST : refused(reply, pool, err);
}

static void take_hash(tds_store_read_t *read, const tds_redis_reply_t *reply)
{
    const char *name, *value;
    apr_size_t i;

    for (i = 0; i + 1 < reply->len; i += 2) {
        name = tds_redis_text(tds_redis_item(reply, i));
        value = tds_redis_text(tds_redis_item(reply, i + 1));
        if (name && value) apr_table_setn(read->fields, name, value);
    }
    read->rv = reply->len ? APR_SUCCESS : APR_ENOENT;
}

static void take_reply(tds_store_read_t *read, const tds_redis_reply_t *reply)
{
    read->rv = reply->type == TDS_REPLY_NIL ? APR_ENOENT : APR_EINVAL;
    if (read->kind == TDS_READ_HASH) {
        if (reply->type == TDS_REPLY_ARRAY) take_hash(read, reply);
    }
    else if (read->kind == TDS_READ_COUNT) {
        if (reply->type != TDS_REPLY_NIL) read->rv = tds_redis_number(&read->number, reply);
    }
    else if (reply->type == TDS_REPLY_STRING) {
        read->rv = APR_SUCCESS;
        read->value = (unsigned char *)reply->text;
        read->len = reply->len;
    }
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

/* ---- readiness -------------------------------------------------------------- */

/* What payments send, one of each, with keys of their own that live for seconds. */
/* Plain commands before the scripts that hold them: so the one that is refused gets its name. */
enum { TRY_TIME, TRY_SET, TRY_GET, TRY_ARM, TRY_REMOVE, TRY_COUNTER, TRY_INCR, TRY_EXPIRE, TRY_EVAL, TRY_SAVE,
       TRY_CLAIM, TRY_PUT, TRY_INFO, TRIES };
#define TRY_TTL_MS 10000

static void try_scripts(tds_redis_cmd_t *cmds, const tds_store_raw_t *raw, const char *counter, apr_pool_t *pool)
{
    tds_store_lease_t lease = {.lease = apr_time_from_msec(TRY_TTL_MS), .generations = TDS_BYTES("", 0)};

    tds_redis_arg(&cmds[TRY_EVAL], "EVAL"); /* the one below becomes it only where Redis has forgotten the script */
    tds_redis_arg(&cmds[TRY_EVAL], "return 'OK'");
    tds_redis_arg(&cmds[TRY_EVAL], "1");
    tds_redis_arg(&cmds[TRY_EVAL], raw->key);
    save_args(&cmds[TRY_SAVE], raw, TRY_TTL_MS, pool);
    claim_args(&cmds[TRY_CLAIM], raw->queue, 1, &lease, pool);
    tds_redis_eval(&cmds[TRY_PUT], &put_script, 2, pool);
    tds_redis_arg(&cmds[TRY_PUT], raw->key);
    tds_redis_arg(&cmds[TRY_PUT], counter);
    tds_redis_arg(&cmds[TRY_PUT], "");
    tds_redis_arg_int(&cmds[TRY_PUT], TRY_TTL_MS, pool);
}

static void try_counter(tds_redis_cmd_t *cmds, const char *counter, apr_pool_t *pool)
{
    tds_redis_arg(&cmds[TRY_COUNTER], "SET");
    tds_redis_arg(&cmds[TRY_COUNTER], counter);
    tds_redis_arg(&cmds[TRY_COUNTER], "0");
    tds_redis_arg(&cmds[TRY_COUNTER], "PX"); /* it has an end also where the last command here is refused */
    tds_redis_arg_int(&cmds[TRY_COUNTER], TRY_TTL_MS, pool);
    tds_redis_arg(&cmds[TRY_INCR], "INCRBY");
    tds_redis_arg(&cmds[TRY_INCR], counter);
    tds_redis_arg(&cmds[TRY_INCR], "1");
    tds_redis_arg(&cmds[TRY_EXPIRE], "PEXPIRE");
    tds_redis_arg(&cmds[TRY_EXPIRE], counter);
    tds_redis_arg_int(&cmds[TRY_EXPIRE], TRY_TTL_MS, pool);
}

static void try_commands(tds_redis_cmd_t *cmds, const tds_store_raw_t *raw, apr_pool_t *pool)
{
    static const char *const first[] = {"NX", "PX"};
    int i;

    tds_redis_arg(&cmds[TRY_TIME], "TIME");
    tds_redis_arg(&cmds[TRY_SET], "SET");
    tds_redis_arg(&cmds[TRY_SET], raw->key);
    tds_redis_arg_bytes(&cmds[TRY_SET], raw->value, raw->len);
    for (i = 0; i < 2; ++i) tds_redis_arg(&cmds[TRY_SET], first[i]);
    tds_redis_arg_int(&cmds[TRY_SET], TRY_TTL_MS, pool);
    cmds[TRY_SET].writes = 1;
    tds_redis_arg(&cmds[TRY_GET], "GET");
    tds_redis_arg(&cmds[TRY_GET], raw->key);
    tds_redis_arg(&cmds[TRY_ARM], "ZADD");
    tds_redis_arg(&cmds[TRY_ARM], raw->queue);
    tds_redis_arg(&cmds[TRY_ARM], "XX");
    tds_redis_arg(&cmds[TRY_ARM], "1");
    tds_redis_arg(&cmds[TRY_ARM], raw->id);
    tds_redis_arg(&cmds[TRY_REMOVE], "ZREM");
    tds_redis_arg(&cmds[TRY_REMOVE], raw->queue);
    tds_redis_arg(&cmds[TRY_REMOVE], raw->id);
    tds_redis_arg(&cmds[TRY_INFO], "INFO");
    tds_redis_arg(&cmds[TRY_INFO], "memory");
}

static void judge_tries(tds_store_health_t *health, const tds_redis_cmd_t *cmds, const tds_redis_reply_t *replies, int n,
                        apr_pool_t *pool)
{
    int i;

    for (i = 0; i < n && !health->fault; ++i) {
        if (replies[i].type == TDS_REPLY_ERROR || (cmds[i].writes && !tds_redis_says(&replies[i], "OK")))
            health->fault = apr_psprintf(pool, "the store refuses %s%s: %s", cmds[i].script ? "EVALSHA or what its script does" : "",
                                         cmds[i].script ? "" : (const char *)cmds[i].argv[0].data,
                                         tds_redis_error(&replies[i], pool));
    }
}

/* The scripts last: one that is refused in the middle would leave a queue without an end. INFO is asked for a setting only: who
 * may not have it goes without. */
static apr_status_t redis_health(void *baton, const tds_store_raw_t *raw, tds_store_health_t *health, apr_pool_t *pool,
                                 tds_err_t *err)
{
    tds_redis_cmd_t cmds[TRIES] = {{0}};
    tds_redis_reply_t *replies;
    apr_time_t before = apr_time_now(), after; /* wall clock: it is compared with that of Redis */
    const char *counter = apr_pstrcat(pool, raw->key, ":c", NULL), *info;
    apr_int64_t sec, usec;
    apr_status_t rv;

    try_commands(cmds, raw, pool);
    try_counter(cmds, counter, pool);
    try_scripts(cmds, raw, counter, pool);
    if ((rv = tds_redis_run(baton, cmds, TRY_EVAL, &replies, NULL, pool, err)) != APR_SUCCESS) return rv;
    after = apr_time_now();
    judge_tries(health, cmds, replies, TRY_EVAL, pool);
    if (health->fault) return APR_SUCCESS;
    if (tds_redis_number(&sec, tds_redis_item(&replies[TRY_TIME], 0)) != APR_SUCCESS ||
        tds_redis_number(&usec, tds_redis_item(&replies[TRY_TIME], 1)) != APR_SUCCESS)
        return refused(&replies[TRY_TIME], pool, err);
    health->offset = apr_time_from_sec(sec) + usec - (before + after) / 2;
    rv = tds_redis_run(baton, cmds + TRY_EVAL, TRIES - TRY_EVAL, &replies, NULL, pool, err);
    if (rv != APR_SUCCESS) return rv;
    judge_tries(health, cmds + TRY_EVAL, replies, TRY_INFO - TRY_EVAL, pool);
    info = tds_redis_text(&replies[TRY_INFO - TRY_EVAL]);
    health->evicts = info && strstr(info, "maxmemory_policy:") && !strstr(info, "maxmemory_policy:noeviction");
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
