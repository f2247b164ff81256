/* What the files of tds_redis share. Nobody else includes it. */
#ifndef TDS_REDIS_INT_H
#define TDS_REDIS_INT_H

#include <hiredis/hiredis.h>
#include "tds_redis.h"

typedef struct tds_redis_addr_t {
    const char *host; /* name or address, an IPv6 address without brackets; NULL: path */
    const char *path; /* of a unix socket */
    int port, db;
} tds_redis_addr_t;

/* NULL: addr is filled in; else what is wrong with url. The text never holds a part of url: there may be a password in it. */
const char *tds_redis_addr_read(tds_redis_addr_t *addr, const char *url, apr_pool_t *pool);

/* What one reply may still take. */
typedef struct tds_redis_budget_t {
    int elements;
    apr_size_t bytes;
} tds_redis_budget_t;

/* From now on reader refuses a reply beyond the limits of tds_redis_reply.c. budget is its own, and outlives it. */
apr_status_t tds_redis_reader_bound(redisReader *reader, tds_redis_budget_t *budget);

/* The next reply out of the bytes that reader has been fed. APR_EAGAIN: not all of it is there yet. APR_EGENERAL: this is no
 * reply, or one beyond the limits; the connection is of no use any more. */
apr_status_t tds_redis_reader_next(redisReader *reader, tds_redis_reply_t *reply, apr_pool_t *pool);

#endif
