/* Background work of a child: a watchdog that claims what is due, and a thread pool that does it. A restart neither
 * aborts the child nor loses a claim: the pool is joined before anything it uses is destroyed. */
#ifndef TDS_AP_WORK_H
#define TDS_AP_WORK_H

#include <apr_tables.h>
#include <httpd.h>

/* Claim at most max ids out of count shards from first on. Runs in the watchdog's thread. */
typedef apr_status_t tds_ap_claim_fn(void *baton, int first, int count, int max, apr_array_header_t **ids,
                                     apr_pool_t *pool);

/* Do what is due for id. Runs in a pool thread; pool is destroyed after it. */
typedef void tds_ap_task_fn(void *baton, const char *id, apr_pool_t *pool);

typedef struct tds_ap_work_conf_t {
    const char *name; /* "_acs_timer_": process-wide */
    int threads;      /* per child */
    int shards;       /* how many there are */
    tds_ap_claim_fn *claim;
    tds_ap_task_fn *task;
} tds_ap_work_conf_t;

/* In register_hooks. */
void tds_ap_work_register(void);

/* In post_config (second pass). conf must live in pconf. */
apr_status_t tds_ap_work_setup(const tds_ap_work_conf_t *conf, server_rec *s, apr_pool_t *pconf);

/* In child_init (APR_HOOK_REALLY_LAST), after everything that tasks use. */
apr_status_t tds_ap_work_start(void *baton, server_rec *s, apr_pool_t *pchild);

/* Is this child going? Long waits should end. */
int tds_ap_work_stopping(void);

#endif
