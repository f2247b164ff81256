/* The store of a module: its directives, and what the log is told about it. */
#ifndef TDS_AP_STORE_H
#define TDS_AP_STORE_H

#include <httpd.h>
#include <http_config.h>
#include "tds_redis.h"
#include "tds_store.h"

typedef struct tds_ap_store_t {
    const char *url;             /* directives: */
    const char *auth_from;       /* file:PATH or env:NAME; NULL: no password */
    apr_interval_time_t timeout;
    int connections;             /* of a child */
    tds_redis_auth_t auth;       /* read by tds_ap_store_check */
    apr_uint32_t *told;          /* shared by all children: has the log been told that the store is away? */
} tds_ap_store_t;

/* directive: as "ACSStore". NULL, or what is wrong. */
const char *tds_ap_store_check(tds_ap_store_t *store, const char *directive, apr_pool_t *pconf, apr_pool_t *ptemp);

/* In a child. prefix: as in tds_store_make. */
apr_status_t tds_ap_store_make(tds_store_t **out, tds_ap_store_t *store, const char *prefix, const tds_keys_t *keys,
                               module *m, server_rec *s, apr_pool_t *pchild);

#endif
