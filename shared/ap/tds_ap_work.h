/* Background work of a child, in lanes that do not wait for each other: each has a watchdog that claims what is due, and
 * threads that do it. A restart neither aborts the child nor loses a claim: the threads are joined before anything they
 * use is destroyed. */
#ifndef TDS_AP_WORK_H
#define TDS_AP_WORK_H

#include <apr_tables.h>
#include <httpd.h>

#define TDS_AP_LANES 2

/* Claim at most max ids out of count shards from first on. Runs in the lane's watchdog thread. */
typedef apr_status_t tds_ap_claim_fn(void *baton, int first, int count, int max, apr_array_header_t **ids,
                                     apr_pool_t *pool);

/* Do what is due for id. held: it was handed over (tds_ap_work_hand), not claimed. Runs in a thread of the lane; pool is
 * destroyed after it. */
typedef void tds_ap_task_fn(void *baton, const char *id, int held, apr_pool_t *pool);

typedef struct tds_ap_lane_t {
    const char *name; /* "_acs_timer_": process-wide */
    int threads;      /* per child */
    int depth;        /* so many claimed tasks per thread, one of them running: above 1 only for tasks of milliseconds */
    tds_ap_claim_fn *claim;
    tds_ap_task_fn *task;
} tds_ap_lane_t;

typedef struct tds_ap_work_conf_t {
    int shards; /* how many there are */
    tds_ap_lane_t lanes[TDS_AP_LANES];
} tds_ap_work_conf_t;

/* In register_hooks. */
void tds_ap_work_register(void);

/* In post_config (second pass). conf must live in pconf. */
apr_status_t tds_ap_work_setup(const tds_ap_work_conf_t *conf, server_rec *s, apr_pool_t *pconf);

/* In child_init (APR_HOOK_REALLY_LAST), after everything that tasks use. */
apr_status_t tds_ap_work_start(void *baton, server_rec *s, apr_pool_t *pchild);

/* Is there an idle thread in the lane? 1: it is the caller's, who then calls tds_ap_work_hand, once. */
int tds_ap_work_reserve(int lane);

/* Have the reserved thread do its task for id (copied); NULL: give the thread back. */
void tds_ap_work_hand(int lane, const char *id);

/* How long ago the lane that looked last at its shards did so; 0 before the start. */
apr_interval_time_t tds_ap_work_idle(void);

/* Is this child going? Long waits should end. */
int tds_ap_work_stopping(void);

#endif
