/* Card ranges: which DS serves a card, and which versions its ACS and DS can (S-20, S-21). Immutable once made; looking up
 * takes no lock and no memory. Where the ranges come from is behind this interface: now the configuration. */
#ifndef SRV_RANGES_H
#define SRV_RANGES_H

#include "srv_conf.h"
#include "tds_err.h"

typedef struct srv_ranges_t srv_ranges_t;

typedef struct srv_hit_t {
    const srv_ds_t *ds;
    unsigned versions;
} srv_hit_t;

/* Sort and check: APR_EINVAL when two of them overlap; err->detail names both. */
apr_status_t srv_ranges_make(srv_ranges_t **pranges, const srv_range_t *rows, int n, apr_pool_t *pool, tds_err_t *err);

/* 1: *hit is set; 0: in no range. */
int srv_ranges_find(const srv_ranges_t *ranges, const char *pan, srv_hit_t *hit);

#endif
