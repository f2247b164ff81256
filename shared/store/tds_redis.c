#include "tds_redis_int.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#define BREAKER_AFTER 3                      /* failures in a row */
#define BREAKER_OPEN  apr_time_from_msec(500) /* then nothing is tried for so long */

/* What is wrong with Redis as far as we have told. */
#define AWAY    1u /* it does not answer, or serves nobody */
#define REFUSES 2u /* it answers, and takes no writes */

typedef struct conn_t {
    redisContext *c;
    tds_redis_budget_t budget;
} conn_t;

struct tds_redis_t {
    tds_redis_conf_t conf;
    tds_redis_addr_t addr;
    const char *address;  /* for logs */
    pthread_mutex_t lock; /* guards what follows; never held during I/O */
    pthread_cond_t freed;
    conn_t **idle;
    int nidle, used;
    unsigned told;
    volatile apr_uint32_t failures, trouble; /* trouble: a copy of told */
    apr_uint64_t open_until; /* atomic, of conf.mono */
};

static apr_status_t close_all(void *baton)
{
    tds_redis_t *r = baton;

    tds_redis_close(r);
    (void)pthread_cond_destroy(&r->freed);
    (void)pthread_mutex_destroy(&r->lock);
    return APR_SUCCESS;
}

static apr_status_t make_lock(tds_redis_t *r)
{
    pthread_condattr_t attr;
    int rv;

    if ((rv = pthread_condattr_init(&attr)) != 0) return rv;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if ((rv = pthread_cond_init(&r->freed, &attr)) == 0) rv = pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_destroy(&attr);
    return rv;
}

apr_status_t tds_redis_make(tds_redis_t **predis, const tds_redis_conf_t *conf, apr_pool_t *pool, tds_err_t *err)
{
    tds_redis_t *r = apr_pcalloc(pool, sizeof *r);
    const char *fault = tds_redis_addr_read(&r->addr, conf->url, pool);
    apr_status_t rv;

    if (fault) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "URL of the store: %s", fault);
    r->conf = *conf;
    r->address = r->addr.path ? apr_pstrcat(pool, "unix:", r->addr.path, NULL)
                              : apr_psprintf(pool, strchr(r->addr.host, ':') ? "[%s]:%d" : "%s:%d", r->addr.host, r->addr.port);
    if (!r->conf.timeout) r->conf.timeout = apr_time_from_msec(200);
    if (!r->conf.max) r->conf.max = 64;
    if (!r->conf.mono) r->conf.mono = tds_time_mono;
    r->idle = apr_pcalloc(pool, (apr_size_t)r->conf.max * sizeof *r->idle);
    if ((rv = make_lock(r)) != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "no mutex");
    apr_pool_pre_cleanup_register(pool, r, close_all);
    *predis = r;
    return APR_SUCCESS;
}

static void conn_free(conn_t *conn)
{
    if (!conn) return;
    if (conn->c) redisFree(conn->c);
    free(conn);
}

void tds_redis_close(tds_redis_t *redis)
{
    pthread_mutex_lock(&redis->lock);
    while (redis->nidle) conn_free(redis->idle[--redis->nidle]);
    pthread_mutex_unlock(&redis->lock);
}

/* ---- is it there? ---------------------------------------------------------- */

static void tell(tds_redis_t *r, unsigned set, unsigned clear, const char *cause)
{
    unsigned was, is;

    pthread_mutex_lock(&r->lock);
    was = r->told;
    is = r->told = (was | set) & ~clear;
    apr_atomic_set32(&r->trouble, is);
    pthread_mutex_unlock(&r->lock);
    if (r->conf.changed && !was != !is) r->conf.changed(r->conf.baton, r->address, is ? cause : NULL);
}

static void breaker_note(tds_redis_t *r, int ok, const char *cause)
{
    if (ok) {
        if (apr_atomic_read32(&r->failures)) apr_atomic_set32(&r->failures, 0);
        return;
    }
    if (apr_atomic_inc32(&r->failures) + 1 < BREAKER_AFTER) return;
    apr_atomic_set64(&r->open_until, (apr_uint64_t)(r->conf.mono() + BREAKER_OPEN));
    if (!(apr_atomic_read32(&r->trouble) & AWAY)) tell(r, AWAY, 0, cause);
}

static int breaker_open(tds_redis_t *r)
{
    return apr_atomic_read32(&r->failures) >= BREAKER_AFTER &&
           (apr_time_t)apr_atomic_read64(&r->open_until) > r->conf.mono();
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

/* One exchange with Redis. */
typedef struct call_t {
    tds_redis_t *redis;
    tds_redis_cmd_t *cmds;
    int ncmds;
    tds_redis_reply_t *replies;
    apr_pool_t *pool;
    const char *cause; /* why it failed */
    apr_status_t rv;   /* the same */
} call_t;

static int failed(call_t *call, apr_status_t rv, const char *cause)
{
    call->rv = rv;
    call->cause = cause;
    return 0;
}

static int broke(call_t *call, const redisContext *c)
{
    if (!c->err || (c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)))
        return failed(call, APR_TIMEUP, "no answer in time");
    return failed(call, APR_TIMEUP, apr_pstrdup(call->pool, c->errstr));
}

static int send_all(call_t *call, redisContext *c, apr_time_t until)
{
    int i, done = 0;

    for (i = 0; i < call->ncmds; ++i) {
        if (append(c, &call->cmds[i]) != REDIS_OK) return broke(call, c);
    }
    while (!done) {
        if (redisBufferWrite(c, &done) != REDIS_OK) return broke(call, c);
        if (!done && call->redis->conf.mono() > until) return failed(call, APR_TIMEUP, "no answer in time");
    }
    return 1;
}

/* A socket has a limit for each read; this one is for all of them: who sends a byte now and then holds nobody. */
static int read_reply(call_t *call, redisContext *c, tds_redis_reply_t *reply, apr_time_t until)
{
    apr_status_t rv;

    while ((rv = tds_redis_reader_next(c->reader, reply, call->pool)) == APR_EAGAIN) {
        if (call->redis->conf.mono() > until) return failed(call, APR_TIMEUP, "no answer in time");
        if (redisBufferRead(c) != REDIS_OK) return broke(call, c);
    }
    return rv == APR_SUCCESS ? 1 : failed(call, APR_EGENERAL, "what it sends is not the protocol of Redis, or too much of it");
}

static int run_on(call_t *call, conn_t *conn)
{
    apr_time_t until = call->redis->conf.mono() + call->redis->conf.timeout;
    redisContext *c = conn->c;
    int i;

    if (!send_all(call, c, until)) return 0;
    for (i = 0; i < call->ncmds; ++i) {
        if (!read_reply(call, c, &call->replies[i], until)) return 0;
    }
    if (c->reader->len == c->reader->pos) return 1;
    return failed(call, APR_EGENERAL, "it sends more replies than it was given commands");
}

static int forgot_script(const tds_redis_cmd_t *cmd, const tds_redis_reply_t *reply)
{
    return cmd->script && reply->type == TDS_REPLY_ERROR && !strncmp(reply->text, "NOSCRIPT", 8);
}

/* After a restart Redis knows no script: repeat those commands, and only those, in full. */
static int run_forgotten(call_t *call, conn_t *conn)
{
    call_t one = *call;
    int i;

    for (i = 0; i < call->ncmds; ++i) {
        if (!forgot_script(&call->cmds[i], &call->replies[i])) continue;
        one.cmds = &call->cmds[i];
        one.replies = &call->replies[i];
        one.ncmds = 1;
        one.cmds->argv[0] = TDS_BYTES("EVAL", 4);
        one.cmds->argv[1] = TDS_BYTES_STR(one.cmds->script->text);
        if (!run_on(&one, conn)) return failed(call, one.rv, one.cause);
    }
    return 1;
}

/* Does an error begin with one of these words? Before Redis 7 the error of a command within a script is in the middle of
 * the text. */
static int begins(const tds_redis_reply_t *reply, const char *const *words)
{
    const char *at;

    if (reply->type != TDS_REPLY_ERROR) return 0;
    for (; *words; ++words) {
        at = strstr(reply->text, *words);
        if (at && (at == reply->text || at[-1] == '-')) return 1;
    }
    return 0;
}

/* Is this an error of the node, not of the command? After a fail-over a kept connection still leads to the old master,
 * which answers READONLY for ever; a fresh one leads to the new. */
static int unfit(const tds_redis_reply_t *reply)
{
    static const char *const words[] = {"READONLY ", "MASTERDOWN ", "LOADING ",     "NOAUTH ", "WRONGPASS ",
                                        "MISCONF ",  "BUSY ",       "CLUSTERDOWN ", "ERR max number of clients", NULL};

    return begins(reply, words);
}

/* It serves reads, and no writes. */
static int full(const tds_redis_reply_t *reply)
{
    static const char *const words[] = {"OOM ", "NOREPLICAS ", NULL};

    return begins(reply, words);
}

static int run_whole(call_t *call, conn_t *conn)
{
    int i;

    if (!run_on(call, conn) || !run_forgotten(call, conn)) return 0;
    for (i = 0; i < call->ncmds; ++i) {
        if (unfit(&call->replies[i])) return failed(call, APR_EGENERAL, tds_redis_error(&call->replies[i], call->pool));
    }
    return 1;
}

/* ---- connections --------------------------------------------------------- */

static struct timeval to_timeval(apr_interval_time_t t)
{
    return (struct timeval){.tv_sec = (time_t)apr_time_sec(t), .tv_usec = (suseconds_t)apr_time_usec(t)};
}

/* A place among conf.max. 0: none has become free in time. */
static int take_place(tds_redis_t *r)
{
    apr_time_t until = tds_time_mono() + r->conf.timeout;
    struct timespec t = {.tv_sec = (time_t)apr_time_sec(until), .tv_nsec = (long)apr_time_usec(until) * 1000};
    int rv = 0, ok;

    pthread_mutex_lock(&r->lock);
    while (r->used == r->conf.max && rv == 0) rv = pthread_cond_timedwait(&r->freed, &r->lock, &t);
    ok = r->used < r->conf.max;
    r->used += ok;
    pthread_mutex_unlock(&r->lock);
    return ok;
}

/* conn: to be kept, or NULL. */
static void give_place(tds_redis_t *r, conn_t *conn)
{
    pthread_mutex_lock(&r->lock);
    if (conn) r->idle[r->nidle++] = conn; /* there are never more connections than places */
    --r->used;
    (void)pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
}

/* A connection that has something to read while nobody has asked is closed at the other end, or one reply behind. */
static int quiet(const conn_t *conn)
{
    char byte;

    return recv(conn->c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static conn_t *take_idle(tds_redis_t *r)
{
    conn_t *conn = NULL;

    pthread_mutex_lock(&r->lock);
    if (r->nidle) conn = r->idle[--r->nidle];
    pthread_mutex_unlock(&r->lock);
    if (!conn || quiet(conn)) return conn;
    conn_free(conn);
    return NULL;
}

/* Redis repeats words of a command that it does not know: of its answer to AUTH the first word is told, no more. */
static const char *login_error(const tds_redis_reply_t *reply, apr_pool_t *pool)
{
    apr_size_t n = reply->type == TDS_REPLY_ERROR ? strspn(reply->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;

    if (!n || n > 16) return "AUTH is refused";
    return apr_pstrcat(pool, "AUTH is refused: ", apr_pstrmemdup(pool, reply->text, n), NULL);
}

/* User, password, number of the database. */
static int log_in(call_t *call, conn_t *conn)
{
    const tds_redis_conf_t *conf = &call->redis->conf;
    tds_redis_cmd_t cmds[2] = {{0}};
    tds_redis_reply_t replies[2] = {{0}};
    call_t own = {.redis = call->redis, .cmds = cmds, .replies = replies, .pool = call->pool};
    int i;

    if (conf->auth.password) {
        tds_redis_arg(&cmds[0], "AUTH");
        if (conf->auth.user) tds_redis_arg(&cmds[0], conf->auth.user);
        tds_redis_arg(&cmds[own.ncmds++], conf->auth.password);
    }
    if (call->redis->addr.db) {
        tds_redis_arg(&cmds[own.ncmds], "SELECT");
        tds_redis_arg_int(&cmds[own.ncmds++], call->redis->addr.db, call->pool);
    }
    if (own.ncmds && !run_on(&own, conn)) return failed(call, own.rv, own.cause);
    for (i = 0; i < own.ncmds; ++i) {
        if (tds_redis_says(&replies[i], "OK")) continue;
        if (!i && conf->auth.password && !unfit(&replies[0])) return failed(call, APR_EGENERAL, login_error(&replies[0], call->pool));
        return failed(call, APR_EGENERAL, tds_redis_error(&replies[i], call->pool));
    }
    return 1;
}

static conn_t *connect_new(call_t *call)
{
    tds_redis_t *r = call->redis;
    struct timeval tv = to_timeval(r->conf.timeout);
    conn_t *conn = calloc(1, sizeof *conn);

    if (conn)
        conn->c = r->addr.path ? redisConnectUnixWithTimeout(r->addr.path, tv)
                               : redisConnectWithTimeout(r->addr.host, r->addr.port, tv);
    if (!conn || !conn->c) (void)failed(call, APR_ENOMEM, "out of memory");
    else if (conn->c->err) (void)broke(call, conn->c);
    else if (redisSetTimeout(conn->c, tv) != REDIS_OK) (void)broke(call, conn->c);
    else if (tds_redis_reader_bound(conn->c->reader, &conn->budget) != APR_SUCCESS) (void)failed(call, APR_ENOMEM, "out of memory");
    else if (log_in(call, conn)) {
        if (!r->addr.path) (void)redisEnableKeepAlive(conn->c);
        return conn;
    }
    conn_free(conn);
    return NULL;
}

/* ---- the whole ------------------------------------------------------------ */

/* NULL: call->cause tells why. */
static conn_t *exchange(call_t *call, int *repeated)
{
    tds_redis_t *r = call->redis;
    apr_time_t start = r->conf.mono();
    conn_t *conn = take_idle(r);

    if (conn) {
        if (run_whole(call, conn)) return conn;
        conn_free(conn);
        tds_redis_close(r); /* the others are likely as dead, or as unfit */
        if (r->conf.mono() - start >= r->conf.timeout) return NULL;
        *repeated = 1;
    }
    if (!(conn = connect_new(call)) || run_whole(call, conn)) return conn;
    conn_free(conn);
    return NULL;
}

/* It has answered: what does that say about its readiness to write? */
static void note_writes(call_t *call)
{
    unsigned trouble = apr_atomic_read32(&call->redis->trouble);
    int i, wrote = 0;

    for (i = 0; i < call->ncmds; ++i) {
        if (full(&call->replies[i])) {
            if (!(trouble & REFUSES)) tell(call->redis, REFUSES, AWAY, tds_redis_error(&call->replies[i], call->pool));
            return;
        }
        wrote |= call->cmds[i].writes && tds_redis_says(&call->replies[i], "OK");
    }
    if (trouble) tell(call->redis, 0, wrote ? AWAY | REFUSES : AWAY, NULL);
}

apr_status_t tds_redis_run(tds_redis_t *redis, tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t **preplies,
                           int *repeated, apr_pool_t *pool, tds_err_t *err)
{
    call_t call = {.redis = redis, .cmds = cmds, .ncmds = ncmds, .pool = pool, .cause = ""};
    int again = 0;
    conn_t *conn;

    *preplies = call.replies = apr_pcalloc(pool, (apr_size_t)ncmds * sizeof *call.replies);
    if (breaker_open(redis)) return TDS_FAIL(err, APR_ECONNREFUSED, 403, NULL, "the store is away (breaker open)");
    if (!take_place(redis)) return TDS_FAIL(err, APR_EBUSY, 403, NULL, "all %d connections to the store are in use", redis->conf.max);
    conn = exchange(&call, &again);
    give_place(redis, conn);
    if (repeated) *repeated = again;
    breaker_note(redis, conn != NULL, call.cause);
    if (conn) {
        note_writes(&call);
        return APR_SUCCESS;
    }
    if (call.rv == APR_TIMEUP) return TDS_FAIL(err, call.rv, 403, NULL, "the store does not answer: %s", call.cause);
    return TDS_FAIL(err, call.rv, 403, NULL, "the store refused a command: %s", call.cause);
}
