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
#include "tds_time.h"

#define TICK         apr_time_from_msec(250)
#define NAP          apr_time_from_msec(2) /* while all threads are busy and there may be more */
#define TICKS_A_TURN 4                     /* all shards are looked at once in so many ticks */
#define AGAIN_MAX    8                     /* how often in a row the same shards, while they are full */

/* State of this child; one per module, since each .so has its own libtds. */
typedef struct lane_t {
    const tds_ap_lane_t *conf;
    apr_thread_pool_t *pool;
    volatile apr_uint32_t busy, in_tick; /* busy: tasks claimed or reserved and not yet done */
    apr_uint64_t looked;                 /* atomic: when it last looked for work */
    int next;                            /* shard; only the watchdog's thread uses it */
} lane_t;

static struct {
    const tds_ap_work_conf_t *conf;
    void *baton;
    volatile apr_uint32_t stopping;
    lane_t lanes[TDS_AP_LANES];
} work;

typedef struct job_t {
    lane_t *lane;
    apr_pool_t *pool;
    const char *id;
    int held;
} job_t;

int tds_ap_work_stopping(void)
{
    return apr_atomic_read32(&work.stopping) != 0;
}

/* ---- threads --------------------------------------------------------------- */

/* Take at most want places; how many there were. */
static int take_room(lane_t *lane, int max, int want)
{
    apr_uint32_t busy = apr_atomic_read32(&lane->busy);

    for (;;) {
        int room = max - (int)busy, n = room < want ? room : want;
        apr_uint32_t was;

        if (n <= 0) return 0;
        if ((was = apr_atomic_cas32(&lane->busy, busy + (apr_uint32_t)n, busy)) == busy) return n;
        busy = was;
    }
}

static void give_room(lane_t *lane, int n)
{
    if (n > 0) (void)apr_atomic_sub32(&lane->busy, (apr_uint32_t)n);
}

static void *APR_THREAD_FUNC job_run(apr_thread_t *thread, void *data)
{
    job_t *job = data;
    lane_t *lane = job->lane;

    lane->conf->task(work.baton, job->id, job->held, job->pool);
    apr_pool_destroy(job->pool);
    give_room(lane, 1);
    return NULL;
}

/* Uses up a place. What cannot be started comes up again when its lease ends. */
static void job_push(lane_t *lane, const char *id, int held)
{
    apr_pool_t *pool;
    job_t *job;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        give_room(lane, 1);
        return;
    }
    job = apr_palloc(pool, sizeof *job);
    *job = (job_t){.lane = lane, .pool = pool, .id = apr_pstrdup(pool, id), .held = held};
    if (apr_thread_pool_push(lane->pool, job_run, job, APR_THREAD_TASK_PRIORITY_NORMAL, NULL) != APR_SUCCESS) {
        apr_pool_destroy(pool);
        give_room(lane, 1);
    }
}

int tds_ap_work_reserve(int n)
{
    lane_t *lane = &work.lanes[n];

    return lane->pool && !tds_ap_work_stopping() && take_room(lane, lane->conf->threads, 1);
}

void tds_ap_work_hand(int n, const char *id)
{
    if (id) job_push(&work.lanes[n], id, 1);
    else give_room(&work.lanes[n], 1);
}

/* ---- claims ---------------------------------------------------------------- */

/* room: places taken. How many there were. */
static int claim_and_push(lane_t *lane, int count, int room, apr_pool_t *pool)
{
    apr_array_header_t *ids = NULL;
    apr_status_t rv = lane->conf->claim(work.baton, lane->next, count, room, &ids, pool);
    int i, n = rv == APR_SUCCESS ? ids->nelts : 0;

    for (i = 0; i < n; ++i) job_push(lane, APR_ARRAY_IDX(ids, i, const char *), 0);
    give_room(lane, room - n);
    return n;
}

static void look(lane_t *lane)
{
    __atomic_store_n(&lane->looked, (apr_uint64_t)tds_time_mono(), __ATOMIC_RELAXED);
}

/* A quarter of the shards; and the next one at once, as long as every other shard has something: under load a turn takes as
 * long as its work, not four ticks. */
static void tick(lane_t *lane, apr_pool_t *pool)
{
    int quarter = work.conf->shards / TICKS_A_TURN, left = quarter, again = 0, found = 0;

    while (left > 0 && !tds_ap_work_stopping()) {
        int max = lane->conf->threads * lane->conf->depth, count = left, n, room;

        look(lane);
        if ((room = take_room(lane, max, max)) == 0) {
            apr_sleep(NAP);
            continue;
        }
        if (count > work.conf->shards - lane->next) count = work.conf->shards - lane->next;
        if (count > room) count = room;
        found += n = claim_and_push(lane, count, room, pool);
        apr_pool_clear(pool);
        /* Each shard gives its share of the room: where half of them or more had something, there is more. */
        if (n * 2 >= count && ++again < AGAIN_MAX) continue;
        again = 0;
        lane->next = (lane->next + count) % work.conf->shards;
        if ((left -= count) > 0 || found * 2 < quarter) continue;
        left = quarter;
        found = 0;
    }
}

static apr_status_t on_watchdog(int state, void *data, apr_pool_t *pool)
{
    lane_t *lane = data;
    apr_pool_t *sub;

    if (state != AP_WATCHDOG_STATE_RUNNING || !lane->pool) return APR_SUCCESS;
    apr_atomic_set32(&lane->in_tick, 1);
    if (!tds_ap_work_stopping() && apr_pool_create(&sub, NULL) == APR_SUCCESS) {
        tick(lane, sub);
        apr_pool_destroy(sub);
    }
    apr_atomic_set32(&lane->in_tick, 0);
    return APR_SUCCESS;
}

apr_interval_time_t tds_ap_work_idle(void)
{
    apr_uint64_t oldest = 0;
    int i;

    for (i = 0; i < TDS_AP_LANES; ++i) {
        apr_uint64_t looked = __atomic_load_n(&work.lanes[i].looked, __ATOMIC_RELAXED);

        if (work.lanes[i].pool && (!oldest || looked < oldest)) oldest = looked;
    }
    return oldest ? tds_time_mono() - (apr_time_t)oldest : 0;
}

/* ---- life ------------------------------------------------------------------ */

static void child_stopping(apr_pool_t *pool, int graceful)
{
    apr_atomic_set32(&work.stopping, 1);
}

static void join_lane(lane_t *lane)
{
    while (apr_atomic_read32(&lane->in_tick) || apr_atomic_read32(&lane->busy)) apr_sleep(NAP);
    if (lane->pool) (void)apr_thread_pool_destroy(lane->pool);
}

/* Before anything that tasks use is destroyed. What was claimed is done, else it would wait for its lease to end: tasks
 * have their own deadlines. The lane that hands over comes first. */
static apr_status_t join_tasks(void *baton)
{
    int i;

    apr_atomic_set32(&work.stopping, 1);
    for (i = 0; i < TDS_AP_LANES; ++i) join_lane(&work.lanes[i]);
    return APR_SUCCESS;
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
    apr_status_t rv = APR_SUCCESS;
    int i;

    work.conf = conf;
    if (!get || !reg) return APR_ENOTIMPL;
    (void)tds_rand_bytes(&jitter, 1);
    for (i = 0; rv == APR_SUCCESS && i < TDS_AP_LANES; ++i) {
        work.lanes[i].conf = &conf->lanes[i];
        if ((rv = get(&watchdog, conf->lanes[i].name, 0, 0, pconf)) == APR_SUCCESS)
            rv = reg(watchdog, TICK + apr_time_from_msec(jitter % 40) - apr_time_from_msec(20), &work.lanes[i], on_watchdog);
    }
    return rv;
}

/* All threads from the start: a pool that grows lets a task wait behind a busy thread before it makes another. */
static apr_status_t lane_start(lane_t *lane, server_rec *s)
{
    apr_size_t threads = (apr_size_t)lane->conf->threads;
    unsigned char start = 0;
    apr_status_t rv;

    (void)tds_rand_bytes(&start, 1); /* children do not look at the same shards at the same time */
    lane->next = start % work.conf->shards;
    look(lane);
    rv = apr_thread_pool_create(&lane->pool, threads, threads, s->process->pool);
    if (rv != APR_SUCCESS) lane->pool = NULL;
    return rv;
}

apr_status_t tds_ap_work_start(void *baton, server_rec *s, apr_pool_t *pchild)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    work.baton = baton;
    for (i = TDS_AP_LANES; rv == APR_SUCCESS && i-- > 0;) rv = lane_start(&work.lanes[i], s);
    apr_pool_pre_cleanup_register(pchild, NULL, join_tasks);
    return rv;
}
