#include "tds_ap_work.h"

#include <apr_atomic.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_thread_pool.h>
#include <http_config.h>
#include <http_log.h>
#include <mod_watchdog.h>
#include <mpm_common.h>
#include "tds_rand.h"

#define TICK         apr_time_from_msec(250)
#define TICKS_A_TURN 4 /* all shards are looked at once in so many ticks */
#define AGAIN_MAX    8 /* how often in a row the same shards, while they are full */

/* State of this child; one per module, since each .so has its own libtds. */
static struct {
    const tds_ap_work_conf_t *conf;
    void *baton;
    apr_thread_pool_t *pool;
    volatile apr_uint32_t stopping, busy, in_tick;
    int next; /* shard; only the watchdog's thread uses it */
} work;

typedef struct job_t {
    apr_pool_t *pool;
    const char *id;
} job_t;

int tds_ap_work_stopping(void)
{
    return apr_atomic_read32(&work.stopping) != 0;
}

static void *APR_THREAD_FUNC job_run(apr_thread_t *thread, void *data)
{
    job_t *job = data;

    if (!tds_ap_work_stopping()) work.conf->task(work.baton, job->id, job->pool);
    apr_pool_destroy(job->pool);
    apr_atomic_dec32(&work.busy);
    return NULL;
}

static void job_push(const char *id)
{
    apr_pool_t *pool;
    job_t *job;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return; /* the lease ends, another tick takes it */
    job = apr_palloc(pool, sizeof *job);
    job->pool = pool;
    job->id = apr_pstrdup(pool, id);
    apr_atomic_inc32(&work.busy);
    if (apr_thread_pool_push(work.pool, job_run, job, APR_THREAD_TASK_PRIORITY_NORMAL, NULL) != APR_SUCCESS) {
        apr_atomic_dec32(&work.busy);
        apr_pool_destroy(pool);
    }
}

/* How many there were. */
static int claim_and_push(int first, int count, apr_pool_t *pool)
{
    int room = work.conf->threads - (int)apr_atomic_read32(&work.busy), i;
    apr_array_header_t *ids;

    if (room <= 0 || work.conf->claim(work.baton, first, count, room, &ids, pool) != APR_SUCCESS) return 0;
    for (i = 0; i < ids->nelts; ++i) job_push(APR_ARRAY_IDX(ids, i, const char *));
    return ids->nelts;
}

static void tick(apr_pool_t *pool)
{
    int left = work.conf->shards / TICKS_A_TURN, again = 0;

    while (left > 0 && !tds_ap_work_stopping()) {
        int room = work.conf->threads - (int)apr_atomic_read32(&work.busy);
        int count = left < room ? left : room;

        if (count <= 0) return; /* the rest waits for the next tick */
        if (count > work.conf->shards - work.next) count = work.conf->shards - work.next;
        /* Each shard gives its share of the room: where half of them or more had something, there is more. */
        if (claim_and_push(work.next, count, pool) * 2 >= count && ++again < AGAIN_MAX) continue;
        again = 0;
        work.next = (work.next + count) % work.conf->shards;
        left -= count;
    }
}

static apr_status_t on_watchdog(int state, void *data, apr_pool_t *pool)
{
    apr_pool_t *sub;

    if (state != AP_WATCHDOG_STATE_RUNNING || !work.pool) return APR_SUCCESS;
    apr_atomic_set32(&work.in_tick, 1);
    if (!tds_ap_work_stopping() && apr_pool_create(&sub, NULL) == APR_SUCCESS) {
        tick(sub);
        apr_pool_destroy(sub);
    }
    apr_atomic_set32(&work.in_tick, 0);
    return APR_SUCCESS;
}

static void child_stopping(apr_pool_t *pool, int graceful)
{
    apr_atomic_set32(&work.stopping, 1);
}

/* Before anything that tasks use is destroyed. Calls in flight have their own deadlines. */
static apr_status_t join_tasks(void *baton)
{
    apr_atomic_set32(&work.stopping, 1);
    while (apr_atomic_read32(&work.in_tick)) apr_sleep(apr_time_from_msec(2));
    return apr_thread_pool_destroy(work.pool);
}

void tds_ap_work_register(void)
{
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
}

apr_status_t tds_ap_work_setup(const tds_ap_work_conf_t *conf, server_rec *s, apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *reg = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    unsigned char jitter = 0;
    apr_status_t rv;

    work.conf = conf;
    if (!get || !reg) return APR_ENOTIMPL;
    (void)tds_rand_bytes(&jitter, 1);
    if ((rv = get(&watchdog, conf->name, 0, 0, pconf)) != APR_SUCCESS) return rv;
    return reg(watchdog, TICK + apr_time_from_msec(jitter % 40) - apr_time_from_msec(20), s, on_watchdog);
}

apr_status_t tds_ap_work_start(void *baton, server_rec *s, apr_pool_t *pchild)
{
    apr_size_t threads = (apr_size_t)work.conf->threads;
    apr_status_t rv;

    work.baton = baton;
    rv = apr_thread_pool_create(&work.pool, 1, threads, s->process->pool);
    if (rv == APR_SUCCESS) apr_pool_pre_cleanup_register(pchild, NULL, join_tasks);
    else work.pool = NULL;
    return rv;
}
