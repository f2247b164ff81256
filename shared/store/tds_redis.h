/* Connections to one Redis: a pool per process, never a lock during I/O, limits on every wait, and a
 * breaker that fails at once while Redis is known to be away. The only user of hiredis.
 *
 * Host names are resolved with the system's resolver, which has no time-out: give addresses. */
#ifndef TDS_REDIS_H
#define TDS_REDIS_H

#include <apr_time.h>
#include "tds_err.h"
#include "tds_hash.h"
#include "tds_time.h"

/* Who we are to Redis. */
typedef struct tds_redis_auth_t {
    const char *user; /* NULL: the default user */
    const char *password;
} tds_redis_auth_t;

/* from: file:PATH or env:NAME; what it holds is USER:PASSWORD or PASSWORD. The password lives in pool and is wiped with it. No
 * text that is reported holds a part of either. */
apr_status_t tds_redis_auth_read(tds_redis_auth_t *auth, const char *from, apr_pool_t *pool, tds_err_t *err);

typedef struct tds_redis_conf_t {
    const char *url;             /* redis://HOST[:PORT][/DB] or unix:/PATH[?db=N] */
    tds_redis_auth_t auth;       /* password NULL: none is sent */
    apr_interval_time_t timeout; /* connect and command, each; default 200 ms */
    int max;                     /* connections at a time; default 64. Who finds none free waits for one, up to timeout */
    tds_clock_fn *mono;          /* for intervals; default tds_time_mono */
    /* Told once when Redis goes (does not answer, or refuses to write) and once when it is back. cause: for a log; NULL: it
     * is back. May be NULL. */
    void (*changed)(void *baton, const char *address, const char *cause);
    void *baton;
} tds_redis_conf_t;

typedef struct tds_redis_t tds_redis_t;

/* Is url one we understand? For the configuration check. NULL: yes; else what is wrong with it. */
const char *tds_redis_url_fault(const char *url, apr_pool_t *pool);

/* No connection is made yet. Lives as long as pool. */
apr_status_t tds_redis_make(tds_redis_t **predis, const tds_redis_conf_t *conf, apr_pool_t *pool, tds_err_t *err);

typedef struct tds_redis_cmd_t {
    int argc;
    tds_bytes_t argv[14];
    const struct tds_redis_script_t *script; /* argv[0], argv[1] are filled in by the caller of EVALSHA */
    int writes; /* where it is carried out, Redis takes writes */
} tds_redis_cmd_t;

/* A Lua script; sha is filled in by tds_redis_script_init. */
typedef struct tds_redis_script_t {
    const char *text;
    char sha[41];
} tds_redis_script_t;

void tds_redis_script_init(tds_redis_script_t *script);

/* A reply, detached from hiredis: it lives in the caller's pool. Redis decides what it is: look at it through the functions
 * below. */
typedef struct tds_redis_reply_t {
    enum { TDS_REPLY_NIL, TDS_REPLY_STRING, TDS_REPLY_INT, TDS_REPLY_ARRAY, TDS_REPLY_ERROR } type;
    const char *text; /* STRING, ERROR: never NULL, NUL-terminated */
    apr_size_t len;
    long long number;
    struct tds_redis_reply_t *items; /* ARRAY: len items */
} tds_redis_reply_t;

/* Item i of an array; a NIL where there is none. */
const tds_redis_reply_t *tds_redis_item(const tds_redis_reply_t *reply, apr_size_t i);

/* The text of a STRING without NUL bytes; NULL: it is something else. */
const char *tds_redis_text(const tds_redis_reply_t *reply);

/* Is it this text? */
int tds_redis_says(const tds_redis_reply_t *reply, const char *text);

/* An INT, or a STRING of a number. APR_EINVAL: something else. */
apr_status_t tds_redis_number(apr_int64_t *number, const tds_redis_reply_t *reply);

/* What an ERROR says, fit for a log: without arguments of the command. */
const char *tds_redis_error(const tds_redis_reply_t *reply, apr_pool_t *pool);

/* Send all commands in one go and read all replies: one round trip. A connection that had been idle and
 * proves dead is replaced once within the time limit; *repeated then says that the commands may have
 * been executed before. Scripts that Redis has forgotten are sent in full.
 * APR_TIMEUP, APR_ECONNREFUSED or another status when Redis does not answer; err->proto is 403 then (X-TIME-31).
 * A node that says it cannot serve anyone (READONLY, LOADING ...) is given up like a dead one: APR_EGENERAL. So is one that
 * sends what is no reply, or one that is too large. */
apr_status_t tds_redis_run(tds_redis_t *redis, tds_redis_cmd_t *cmds, int ncmds, tds_redis_reply_t **replies,
                           int *repeated, apr_pool_t *pool, tds_err_t *err);

/* Add words to a command. */
void tds_redis_arg(tds_redis_cmd_t *cmd, const char *text);
void tds_redis_arg_bytes(tds_redis_cmd_t *cmd, const void *data, apr_size_t len);
void tds_redis_arg_int(tds_redis_cmd_t *cmd, apr_int64_t number, apr_pool_t *pool);

/* EVALSHA of script with nkeys keys; keys and arguments follow. */
void tds_redis_eval(tds_redis_cmd_t *cmd, const tds_redis_script_t *script, int nkeys, apr_pool_t *pool);

/* Close what is idle (end of a process). */
void tds_redis_close(tds_redis_t *redis);

#endif
