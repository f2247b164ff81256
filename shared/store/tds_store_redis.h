/* The store in Redis. */
#ifndef TDS_STORE_REDIS_H
#define TDS_STORE_REDIS_H

#include "tds_redis.h"
#include "tds_store.h"

/* The operations; their baton is a tds_redis_t. */
extern const tds_store_ops_t tds_store_redis_ops;

/* Once per process, before any thread. */
void tds_store_redis_init(void);

#endif
