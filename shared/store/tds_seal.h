/* Sealing of stored values: AES-256-GCM under a key per UTC day and shard. What the seal is bound to
 * (store key, record type, key id, version) is authenticated, so a value that was changed, moved to
 * another key or given another version does not open. */
#ifndef TDS_SEAL_H
#define TDS_SEAL_H

#include <apr_time.h>
#include "tds_keys.h"

#define TDS_SEAL_OVERHEAD (1 + 2 + 12 + 16) /* generation, day, IV, tag */
#define TDS_SEAL_HEAD     (1 + 2 + 12)      /* tells one sealed value from every other: the IV is random */

typedef struct tds_seal_ctx_t {
    const tds_keys_t *keys;
    const char *store_key; /* the Redis key */
    const char *shard;     /* two hex digits */
    unsigned char type;
    unsigned version;
} tds_seal_ctx_t;

/* out needs len + TDS_SEAL_OVERHEAD bytes. */
apr_status_t tds_seal(unsigned char *out, const tds_seal_ctx_t *ctx, apr_time_t now, const void *plain, apr_size_t len);

/* *plain gets the len - TDS_SEAL_OVERHEAD bytes and a NUL behind them, in pool, wiped with it.
 * APR_EINVAL: does not open; APR_NOTFOUND: sealed under a key generation we do not have. */
apr_status_t tds_unseal(unsigned char **plain, apr_size_t *plainlen, const tds_seal_ctx_t *ctx,
                        const unsigned char *sealed, apr_size_t len, apr_pool_t *pool);

#endif
