#include "tds_redis.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>

#define BREAKER_AFTER 3                      /* failures in a row */
#define BREAKER_OPEN  apr_time_from_msec(500) /* then nothing is tried for so long */

struct tds_redis_t {
    char *host, *path;
    int port, db, idle_max;
    apr_interval_time_t timeout;
    apr_thread_mutex_t *lock; /* guards idle[] and nidle; never held during I/O */
    redisContext **idle;
    int nidle;
    volatile apr_uint32_t failures;
    apr_uint64_t open_until; /* atomic */
};

static apr_status_t parse_tail(tds_redis_t *r, const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);

    if (end == s || *end || n < 0 || n > 1023) return APR_EINVAL;
    r->db = (int)n;
    return APR_SUCCESS;
}

static apr_status_t parse_url(tds_redis_t *r, const char *url, apr_pool_t *pool)
{
    char *rest, *colon, *slash;

    if (!strncmp(url, "unix:", 5)) {
        r->path = apr_pstrdup(pool, url + 5);
        if ((rest = strstr(r->path, "?db="))) {
            *rest = '\0';
            return parse_tail(r, rest + 4);
        }
        return r->path[0] == '/' ? APR_SUCCESS : APR_EINVAL;
    }
    if (strncmp(url, "redis://", 8)) return APR_EINVAL;
    rest = apr_pstrdup(pool, url + 8);
    if ((slash = strchr(rest, '/'))) {
        *slash = '\0';
        if (slash[1] && parse_tail(r, slash + 1) != APR_SUCCESS) return APR_EINVAL;
    }
    r->port = 6379;
    if ((colon = strrchr(rest, ':'))) {
        *colon = '\0';
        r->port = (int)strtol(colon + 1, &colon, 10);
        if (*colon || r->port < 1 || r->port > 65535) return APR_EINVAL;
    }
    r->host = rest;
    return *rest && !strchr(rest, '@') ? APR_SUCCESS : APR_EINVAL;
}

const char *tds_redis_url_fault(const char *url, apr_pool_t *pool)
{
    tds_redis_t r = {0};

    return parse_url(&r, url, pool) == APR_SUCCESS ? NULL : "must be redis://HOST:PORT[/DB] or unix:/PATH[?db=N]";
}

static apr_status_t close_all(void *baton)
{
    tds_redis_close(baton);
    return APR_SUCCESS;
}

apr_status_t tds_redis_make(tds_redis_t **predis, const tds_redis_conf_t *conf, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_t *r = apr_pcalloc(pool, sizeof *r);
    apr_status_t rv;

    if (parse_url(r, conf->url, pool) != APR_SUCCESS) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "bad store URL");
    r->timeout = conf->timeout ? conf->timeout : apr_time_from_msec(200);
    r->idle_max = conf->idle_max ? conf->idle_max : 64;
    r->idle = apr_pcalloc(pool, (apr_size_t)r->idle_max * sizeof(redisContext *));
    if ((rv = apr_thread_mutex_create(&r->lock, APR_THREAD_MUTEX_DEFAULT, pool)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 0, NULL, "no mutex");
    apr_pool_pre_cleanup_register(pool, r, close_all);
    *predis = r;
    return APR_SUCCESS;
}

void tds_redis_close(tds_redis_t *redis)
{
    apr_thread_mutex_lock(redis->lock);
    while (redis->nidle) redisFree(redis->idle[--redis->nidle]);
    apr_thread_mutex_unlock(redis->lock);
}

/* ---- connections --------------------------------------------------------- */

static struct timeval to_timeval(apr_interval_time_t t)
{
    return (struct timeval){.tv_sec = (time_t)apr_time_sec(t), .tv_usec = (suseconds_t)apr_time_usec(t)};
}

static redisContext *take_idle(tds_redis_t *r)
{
    redisContext *c = NULL;

    apr_thread_mutex_lock(r->lock);
    if (r->nidle) c = r->idle[--r->nidle];
    apr_thread_mutex_unlock(r->lock);
    return c;
}

static void give_back(tds_redis_t *r, redisContext *c)
{
    apr_thread_mutex_lock(r->lock);
    if (r->nidle < r->idle_max) {
        r->idle[r->nidle++] = c;
        c = NULL;
    }
    apr_thread_mutex_unlock(r->lock);
    if (c) redisFree(c);
}

static int select_db(redisContext *c, int db)
{
    redisReply *reply = redisCommand(c, "SELECT %d", db);
    int ok = reply && reply->type == REDIS_REPLY_STATUS;

    freeReplyObject(reply);
    return ok;
}

static redisContext *connect_new(tds_redis_t *r)
{
    struct timeval tv = to_timeval(r->timeout);
    redisContext *c =
        r->path ? redisConnectUnixWithTimeout(r->path, tv) : redisConnectWithTimeout(r->host, r->port, tv);

    if (!c) return NULL;
    if (c->err || redisSetTimeout(c, tv) != REDIS_OK || (r->db && !select_db(c, r->db))) {
        redisFree(c);
        return NULL;
    }
    if (!r->path) (void)redisEnableKeepAlive(c);
    return c;
}

static void breaker_note(tds_redis_t *r, int ok)
{
    if (ok) {
        if (apr_atomic_read32(&r->failures)) apr_atomic_set32(&r->failures, 0);
        return;
    }
    if (apr_atomic_inc32(&r->failures) + 1 >= BREAKER_AFTER)
        apr_atomic_set64(&r->open_until, (apr_uint64_t)(apr_time_now() + BREAKER_OPEN));
}

static int breaker_open(tds_redis_t *r)
{
    return apr_atomic_read32(&r->failures) >= BREAKER_AFTER &&
           (apr_time_t)apr_atomic_read64(&r->open_until) > apr_time_now();
}

/* ---- commands ------------------------------------------------------------ */

void tds_redis_arg_bytes(tds_redis_cmd_t *cmd, const void *data, apr_size_t len)
{
    cmd->argv[cmd->argc++] = TDS_BYTES(data, len);
}

void tds_redis_arg(tds_redis_cmd_t *cmd, const char *text)
{
    tds_redis_arg_bytes(cmd, text, strlen(text));
}

void tds_redis_arg_int(tds_redis_cmd_t *cmd, apr_int64_t number, apr_pool_t *pool)
{
    tds_redis_arg(cmd, apr_psprintf(pool, "%" APR_INT64_T_FMT, number));
}

void tds_redis_eval(tds_redis_cmd_t *cmd, const tds_redis_script_t *script, int nkeys, apr_pool_t *pool)
{
    cmd->script = script;
    tds_redis_arg(cmd, "EVALSHA");
    tds_redis_arg(cmd, script->sha);
    tds_redis_arg_int(cmd, nkeys, pool);
}

void tds_redis_script_init(tds_redis_script_t *script)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char md[20];
    int i;

    (void)EVP_Digest(script->text, strlen(script->text), md, NULL, EVP_sha1(), NULL);
    for (i = 0; i < 20; ++i) {
        script->sha[2 * i] = hex[md[i] >> 4];
        script->sha[2 * i + 1] = hex[md[i] & 15];
    }
    script->sha[40] = '\0';
}

static int append(redisContext *c, const tds_redis_cmd_t *cmd)
{
    const char *argv[14];
    size_t lens[14];
    int i;

    for (i = 0; i < cmd->argc; ++i) {
        argv[i] = cmd->argv[i].data;
        lens[i] = cmd->argv[i].len;
    }
    return redisAppendCommandArgv(c, cmd->argc, argv, lens);
}

static void copy_reply(tds_redis_reply_t *to, const redisReply *from, apr_pool_t *pool)
{
    size_t i;

    switch (from->type) {
    case REDIS_REPLY_NIL:
        to->type = TDS_REPLY_NIL;
        break;
    case REDIS_REPLY_INTEGER:
        to->type = TDS_REPLY_INT;
        to->number = from->integer;
        break;
    case REDIS_REPLY_ARRAY:
        to->type = TDS_REPLY_ARRAY;
        to->len = from->elements;
        to->items = apr_pcalloc(pool, from->elements * sizeof *to->items + 1);
        for (i = 0; i < from->elements; ++i) copy_reply(&to->items[i], from->element[i], pool);
        break;
    default: /* STRING, STATUS, ERROR */
        to->type = from->type == REDIS_REPLY_ERROR ? TDS_REPLY_ERROR : TDS_REPLY_STRING;
        to->text = apr_pstrmemdup(pool, from->str, (apr_size_t)from->len);
        to->len = (apr_size_t)from->len;
    }
}

static int run_on(redisContext *c, const tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t *replies, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < ncmds; ++i) {
        if (append(c, &cmds[i]) != REDIS_OK) return 0;
    }
    for (i = 0; i < ncmds; ++i) {
        void *reply = NULL;
        if (redisGetReply(c, &reply) != REDIS_OK || !reply) return 0;
        replies[i] = (tds_redis_reply_t){0};
        copy_reply(&replies[i], reply, pool);
        freeReplyObject(reply);
    }
    return 1;
}

static int forgot_script(const tds_redis_cmd_t *cmd, const tds_redis_reply_t *reply)
{
    return cmd->script && reply->type == TDS_REPLY_ERROR && !strncmp(reply->text, "NOSCRIPT", 8);
}

/* After a restart Redis knows no script: repeat those commands, and only those, in full. */
static int run_forgotten(redisContext *c, tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t *replies,
                         apr_pool_t *pool)
{
    int i;

    for (i = 0; i < ncmds; ++i) {
        if (!forgot_script(&cmds[i], &replies[i])) continue;
        cmds[i].argv[0] = TDS_BYTES("EVAL", 4);
        cmds[i].argv[1] = TDS_BYTES_STR(cmds[i].script->text);
        if (!run_on(c, &cmds[i], 1, &replies[i], pool)) return 0;
    }
    return 1;
}

/* Is this an error of the node, not of the command? After a fail-over a kept connection still leads to the old master,
 * which answers READONLY for ever; a fresh one leads to the new. Before Redis 7 the error of a command within a script
 * is in the middle of the text. */
static int unfit(const tds_redis_reply_t *reply)
{
    static const char *const words[] = {"READONLY ", "MASTERDOWN ", "LOADING ", "NOAUTH ", "MISCONF "};
    const char *at;
    int i;

    if (reply->type != TDS_REPLY_ERROR) return 0;
    for (i = 0; i < (int)(sizeof words / sizeof *words); ++i) {
        at = strstr(reply->text, words[i]);
        if (at && (at == reply->text || at[-1] == '-')) return 1;
    }
    return 0;
}

/* *refusal: what an unfit node said. */
static int run_whole(redisContext *c, tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t *replies,
                     const char **refusal, apr_pool_t *pool)
{
    int i;

    *refusal = NULL;
    if (!run_on(c, cmds, ncmds, replies, pool) || !run_forgotten(c, cmds, ncmds, replies, pool)) return 0;
    for (i = 0; i < ncmds; ++i) {
        if (!unfit(&replies[i])) continue;
        *refusal = replies[i].text;
        return 0;
    }
    return 1;
}

static apr_status_t gave_up(const char *refusal, tds_err_t *err)
{
    if (refusal) return TDS_FAIL(err, APR_EGENERAL, 404, NULL, "the store refused a command: %.60s", refusal);
    return TDS_FAIL(err, APR_TIMEUP, 404, NULL, "the store does not answer");
}

apr_status_t tds_redis_run(tds_redis_t *redis, tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t **preplies,
                           int *repeated, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_reply_t *replies = apr_pcalloc(pool, (apr_size_t)ncmds * sizeof *replies);
    apr_time_t start = apr_time_now();
    const char *refusal = NULL;
    redisContext *c;
    int ok = 0;

    if (repeated) *repeated = 0;
    *preplies = replies;
    if (breaker_open(redis)) return TDS_FAIL(err, APR_ECONNREFUSED, 404, NULL, "the store is away (breaker open)");
    if ((c = take_idle(redis))) {
        ok = run_whole(c, cmds, ncmds, replies, &refusal, pool);
        if (!ok) {
            redisFree(c);
            c = NULL;
            tds_redis_close(redis); /* the others are likely as dead, or as unfit */
            if (apr_time_now() - start >= redis->timeout) goto leave;
            if (repeated) *repeated = 1;
        }
    }
    if (!ok && (c = connect_new(redis)) && !(ok = run_whole(c, cmds, ncmds, replies, &refusal, pool))) {
        redisFree(c);
        c = NULL;
    }
leave:
    breaker_note(redis, ok);
    if (!ok) return gave_up(refusal, err);
    give_back(redis, c);
    return APR_SUCCESS;
}
