/* A store in memory, for unit tests: one process, one thread at a time, with a clock that tests move and
 * faults that tests order. Not for production: it forgets. */
#ifndef TDS_STORE_MEM_H
#define TDS_STORE_MEM_H

#include "tds_store.h"

typedef struct tds_mem_t tds_mem_t;

extern const tds_store_ops_t tds_store_mem_ops; /* baton: tds_mem_t */

tds_mem_t *tds_mem_make(tds_clock_fn *clock, apr_pool_t *pool);

/* The n-th operation from now fails with rv (n = 1: the next one); with lost, a write is done all the same. */
void tds_mem_fail(tds_mem_t *mem, int n, apr_status_t rv, int lost);

/* The stored bytes of a key, to look at or to spoil; NULL when there is none. */
unsigned char *tds_mem_bytes(tds_mem_t *mem, const char *key, apr_size_t *len);

/* A hash such as an operator would put there. */
void tds_mem_hash(tds_mem_t *mem, const char *key, const apr_table_t *fields);

/* How many operations were asked for so far. */
int tds_mem_ops(const tds_mem_t *mem);

#endif
