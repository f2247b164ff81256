/* Velocity counters: how often (or for how much) a card, a device or a merchant was seen within a sliding window. Two
 * buckets each, the running one and the one before, which counts for as much of it as the window still covers. Their keys
 * are HMACs. A counter is a hint for rules: losing one, or counting a broken connection twice, harms nothing else. */
#ifndef ACS_COUNT_H
#define ACS_COUNT_H

#include "acs_run.h"

#define ACS_COUNTERS_MAX 16 /* per issuer */

typedef enum acs_by_e { ACS_BY_CARD, ACS_BY_DEVICE, ACS_BY_MERCHANT } acs_by_e;

/* ACSCounter */
typedef struct acs_counter_t {
    const char *name;
    acs_by_e by;
    apr_interval_time_t window;
    int sum;              /* adds purchaseAmount (minor units) instead of 1 */
    const char *currency; /* of the amounts that are added; NULL: any */
    int read;             /* some rule reads it */
} acs_counter_t;

/* Before this AReq is counted. */
typedef struct acs_counts_t {
    struct {
        int have;
        apr_int64_t value;
    } at[ACS_COUNTERS_MAX];
} acs_counts_t;

/* words: NAME by=... window=... [sum=amount] [currency=NNN]. APR_EINVAL with err->detail. */
apr_status_t acs_counter_read(acs_counter_t *counter, const char *const *words, int n, apr_pool_t *pool, tds_err_t *err);

/* Its place in issuer->counters, or -1. */
int acs_counter_find(const acs_issuer_t *issuer, const char *name);

/* The two reads of a counter. APR_ENOENT: this AReq has not what is counted by (no device). */
apr_status_t acs_count_want(acs_run_t *run, const acs_facts_t *facts, const acs_counter_t *counter,
                            tds_store_read_t reads[2]);

/* The value out of them. now: as of the reads. */
apr_int64_t acs_count_value(const acs_counter_t *counter, const tds_store_read_t reads[2], apr_time_t now);

/* What this AReq adds to the issuer's counters, onto incrs (tds_incr_t): rides with the write of its record. */
void acs_count_steps(acs_run_t *run, const acs_facts_t *facts, apr_array_header_t *incrs);

#endif
