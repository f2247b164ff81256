#include "tds_breaker.h"

int tds_breaker_allows(tds_breaker_t *b, const tds_breaker_conf_t *conf, apr_time_t now)
{
    apr_time_t until = __atomic_load_n(&b->until, __ATOMIC_ACQUIRE);

    if (!conf->failures || !until) return 1;
    if (now < until) return 0;
    return __atomic_compare_exchange_n(&b->until, &until, now + conf->pause, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

int tds_breaker_note(tds_breaker_t *b, const tds_breaker_conf_t *conf, apr_time_t now, int ok)
{
    apr_time_t closed = 0;

    if (ok) {
        __atomic_store_n(&b->failures, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&b->until, 0, __ATOMIC_RELEASE);
        return 0;
    }
    if (__atomic_add_fetch(&b->failures, 1, __ATOMIC_ACQ_REL) < (apr_uint32_t)conf->failures || !conf->failures) return 0;
    return __atomic_compare_exchange_n(&b->until, &closed, now + conf->pause, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

tds_breaker_state_e tds_breaker_state(const tds_breaker_t *b, apr_time_t now)
{
    apr_time_t until = __atomic_load_n(&b->until, __ATOMIC_ACQUIRE);

    if (!until) return TDS_BREAKER_CLOSED;
    return now < until ? TDS_BREAKER_OPEN : TDS_BREAKER_HALF_OPEN;
}
