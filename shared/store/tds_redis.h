/* Connections to one Redis: a pool per process, never a lock during I/O, limits on every wait, and a
 * breaker that fails at once while Redis is known to be away. The only user of hiredis.
 *
 * Host names are resolved with the system's resolver, which has no time-out: give addresses. */
#ifndef TDS_REDIS_H
#define TDS_REDIS_H

#include <apr_time.h>
#include "tds_err.h"
#include "tds_hash.h"

typedef struct tds_redis_conf_t {
    const char *url;             /* redis://HOST:PORT[/DB] or unix:/PATH[?db=N] */
    apr_interval_time_t timeout; /* connect and command, each; default 200 ms */
    int idle_max;                /* connections kept; default 64 */
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
} tds_redis_cmd_t;

/* A Lua script; sha is filled in by tds_redis_script_init. */
typedef struct tds_redis_script_t {
    const char *text;
    char sha[41];
} tds_redis_script_t;

void tds_redis_script_init(tds_redis_script_t *script);

/* A reply, detached from hiredis: it lives in the caller's pool. */
typedef struct tds_redis_reply_t {
    enum { TDS_REPLY_NIL, TDS_REPLY_STRING, TDS_REPLY_INT, TDS_REPLY_ARRAY, TDS_REPLY_ERROR } type;
    const char *text; /* STRING, ERROR; NUL-terminated */
    apr_size_t len;
    long long number;
    struct tds_redis_reply_t *items; /* ARRAY: len items */
} tds_redis_reply_t;

/* Send all commands in one go and read all replies: one round trip. A connection that had been idle and
 * proves dead is replaced once within the time limit; *repeated then says that the commands may have
 * been executed before. Scripts that Redis has forgotten are sent in full.
 * APR_TIMEUP, APR_ECONNREFUSED or another status when Redis does not answer; err->proto is 404 then.
 * A node that says it cannot serve anyone (READONLY, LOADING ...) is given up like a dead one: APR_EGENERAL. */
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
