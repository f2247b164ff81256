/* Card ranges: which DS serves a card, which versions its ACS and DS can, its 3DS Method URL and what the ACS offers
 * (S-09, S-10, S-15, S-20, S-21). A snapshot is immutable once made; looking up takes no lock and no memory. One is
 * made of the configuration, and one of the PRes of each DS (S-01, S-11).
 *
 * 24 bytes per range, and some 100 per different set of data of a range: issuers are few. */
#ifndef SRV_RANGES_H
#define SRV_RANGES_H

#include "srv_conf.h"
#include "tds_err.h"

typedef struct srv_ranges_t srv_ranges_t;
struct srv_profile_t;

typedef struct srv_hit_t {
    const srv_ds_t *ds;
    unsigned versions; /* TDS_VER_BIT: those that both the ACS and the DS can */
    const srv_ranges_t *ranges;
    const struct srv_profile_t *profile;
} srv_hit_t;

/* Of the configuration. APR_EINVAL when a range is none or two overlap; err->detail names them. */
apr_status_t srv_ranges_make(srv_ranges_t **pranges, const srv_range_t *rows, int n, apr_pool_t *pool, tds_err_t *err);

/* 1: *hit is set, and lives as long as the snapshot; 0: in no range. */
int srv_ranges_find(const srv_ranges_t *ranges, const char *pan, srv_hit_t *hit);

/* threeDSMethodURL of the ACS for a version; NULL: none. */
const char *srv_hit_method_url(const srv_hit_t *hit, tds_ver_e version);

/* 1 when acsInfoInd for the version has the code (1 to 99). */
int srv_hit_info(const srv_hit_t *hit, tds_ver_e version, int code);

apr_size_t srv_ranges_count(const srv_ranges_t *ranges);

/* Bytes it takes. */
apr_size_t srv_ranges_size(const srv_ranges_t *ranges);

/* ---- a new snapshot out of a PRes -------------------------------------- */

typedef struct srv_load_t srv_load_t;

/* Begin. old: the snapshot of this DS so far, or NULL; only read. full: the PReq had no serialNum, so that all ranges
 * are sent and every actionInd counts as A (S-05). What is collected goes with pool at the latest. */
srv_load_t *srv_load_begin(const srv_ds_t *ds, const srv_ranges_t *old, int full, apr_pool_t *pool);

/* The sink of tds_pres_make(); baton: the load. */
apr_status_t srv_load_add(void *baton, const json_t *item, tds_err_t *err);

/* After tds_pres_end() has found the PRes good: a new snapshot that lives until pool goes. On a fault (S-12) APR_EINVAL
 * with the code for the DS, and *pranges is NULL: the old one stays. A PRes that names a file instead of ranges changes
 * nothing: *pranges is the old one. 205 "start-end,start-end", 206 "start-end:A", in
 * 2.1.0 and 2.2.0 203 for both; 203 for a start above the end. Either way the load is over. */
apr_status_t srv_load_commit(srv_ranges_t **pranges, srv_load_t *load, const tds_msg_t *pres, apr_pool_t *pool,
                             tds_err_t *err);

/* Give back what was collected. Once more, or after the commit, does nothing. */
void srv_load_abort(srv_load_t *load);

#endif
