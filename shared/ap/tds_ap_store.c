#include "tds_ap_store.h"

#include <apr_atomic.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include "tds_ap_log.h"
#include "tds_store_redis.h"

static const char *read_auth(tds_ap_store_t *store, const char *directive, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    const char *from = store->auth_from;
    tds_err_t err;

    tds_err_init(&err, ptemp);
    if (!strncmp(from, "file:", 5)) from = apr_pstrcat(ptemp, "file:", ap_server_root_relative(ptemp, from + 5), NULL);
    if (tds_redis_auth_read(&store->auth, from, pconf, &err) == APR_SUCCESS) return NULL;
    return apr_pstrcat(ptemp, directive, "Auth: ", err.detail, NULL);
}

const char *tds_ap_store_check(tds_ap_store_t *store, const char *directive, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    const char *fault;
    apr_shm_t *shm;

    if (!store->url) return apr_pstrcat(ptemp, directive, " is missing", NULL);
    if ((fault = tds_redis_url_fault(store->url, ptemp))) return apr_pstrcat(ptemp, directive, ": ", fault, NULL);
    if (store->auth_from && (fault = read_auth(store, directive, pconf, ptemp))) return fault;
    if (apr_shm_create(&shm, sizeof *store->told, NULL, pconf) != APR_SUCCESS) return "no shared memory";
    store->told = apr_shm_baseaddr_get(shm);
    *store->told = 0;
    return NULL;
}

/* ---- a child ------------------------------------------------------------- */

/* Of a child; outlives what calls it. */
typedef struct teller_t {
    tds_log_t log;
    apr_uint32_t *told;
} teller_t;

/* Each child finds out for itself; the first that does tells for all of them. */
static void changed(void *baton, const char *address, const char *cause)
{
    teller_t *t = baton;

    if (cause && apr_atomic_cas32(t->told, 1, 0) == 0)
        tds_log(&t->log, TDS_LOG_ERR, "TDS0201", NULL, "the store at %s is away or refuses to work: %s", address, cause);
    else if (!cause && apr_atomic_cas32(t->told, 0, 1) == 1)
        tds_log(&t->log, TDS_LOG_NOTICE, "TDS0202", NULL, "the store at %s is back", address);
}

static void foreign(void *baton, int yes)
{
    teller_t *t = baton;

    if (yes)
        tds_log(&t->log, TDS_LOG_ERR, "TDS0203", NULL,
                "the nodes that share the store have another master key: this one leaves their transactions to them");
    else tds_log(&t->log, TDS_LOG_NOTICE, "TDS0204", NULL, "the master key is that of the store again");
}

apr_status_t tds_ap_store_make(tds_store_t **out, tds_ap_store_t *store, const char *prefix, const tds_keys_t *keys,
                               module *m, server_rec *s, apr_pool_t *pchild)
{
    teller_t *t = apr_pcalloc(pchild, sizeof *t);
    tds_redis_conf_t conf = {.url = store->url,
                             .auth = store->auth,
                             .timeout = store->timeout,
                             .max = store->connections,
                             .changed = changed,
                             .baton = t};
    tds_redis_t *redis;
    apr_status_t rv;
    tds_err_t err;

    tds_err_init(&err, pchild);
    tds_ap_log_init(&t->log, m, NULL, s, pchild);
    t->told = store->told;
    tds_store_redis_init();
    if ((rv = tds_redis_make(&redis, &conf, pchild, &err)) != APR_SUCCESS) return rv;
    *out = tds_store_make(&tds_store_redis_ops, redis, prefix, keys, apr_time_now, pchild);
    tds_store_on_foreign(*out, foreign, t);
    return APR_SUCCESS;
}
