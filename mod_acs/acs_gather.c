/* What is to be known before the decision: the only I/O before the save. */
#include <string.h>
#include <apr_strings.h>
#include "acs_count.h"
#include "acs_method.h"
#include "acs_trust.h"

/* B-side of X-LINK-04: the RReq goes to the dsURL of this very AReq, so it has to lie where the profile of the DS and
 * the <Proxy> blocks allow. Otherwise no challenge can be reported, and none is offered. */
static const char *usable_ds_url(acs_run_t *run, const tds_msg_t *areq)
{
    const char *given = tds_msg_get(areq, TDS_E_DS_URL); /* a fragment is not sent (RFC 9110 7.1) */
    const char *url = given ? tds_url_canonical(apr_pstrmemdup(run->pool, given, strcspn(given, "#")), run->pool) : NULL;
    int i, under = 0;

    for (i = 0; url && i < run->ds->url_prefixes->nelts; ++i)
        under |= tds_url_under(url, APR_ARRAY_IDX(run->ds->url_prefixes, i, const char *));
    if (under && run->reachable(run->baton, url, run->pool)) return url;
    tds_log(run->log, TDS_LOG_WARNING, "ACS0020", tds_msg_id(areq, TDS_E_DS_TRANS_ID),
            "dsURL is not covered by the profile of DS %s and a <Proxy> block: no challenge", run->ds->name);
    tds_metric_add(run->metrics, ACS_M_DSURL_REFUSED, 1);
    return NULL;
}

enum { READS_MAX = 3 + 2 * ACS_COUNTERS_MAX };

/* What the one batch is to bring, and where it stands in it; -1: not asked for. */
typedef struct batch_t {
    tds_store_read_t reads[READS_MAX];
    int n, card, method, trust, counts[ACS_COUNTERS_MAX];
} batch_t;

static int reads(const acs_facts_t *facts, unsigned what)
{
    return (facts->issuer->reads & what) != 0;
}

static apr_status_t want_card(acs_run_t *run, acs_facts_t *facts, batch_t *b)
{
    const acs_card_ops_t *ops = facts->issuer->card_ops;
    const char *pan = tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER);

    if (ops->find) return ops->find(facts->issuer->card_baton, pan, &facts->card, run->pool, run->err);
    b->card = b->n;
    return ops->want(facts->issuer->card_baton, pan, &b->reads[b->n++], run->pool, run->err);
}

static void want_method(acs_run_t *run, const acs_facts_t *facts, batch_t *b)
{
    if (!reads(facts, ACS_READS_METHOD) || acs_method_want(facts->areq, &b->reads[b->n], run->pool) != APR_SUCCESS) return;
    b->method = b->n++;
}

/* Counters by device wait for the 3DS Method data that names it. */
static void want_counts(acs_run_t *run, const acs_facts_t *facts, int by_device, batch_t *b)
{
    int i;

    for (i = 0; i < facts->issuer->counters->nelts; ++i) {
        const acs_counter_t *counter = &APR_ARRAY_IDX(facts->issuer->counters, i, const acs_counter_t);

        b->counts[i] = -1;
        if (!counter->read || (counter->by == ACS_BY_DEVICE) != by_device) continue;
        if (acs_count_want(run, facts, counter, &b->reads[b->n]) != APR_SUCCESS) continue;
        b->counts[i] = b->n;
        b->n += 2;
    }
}

static void take_counts(const acs_facts_t *facts, const batch_t *b, acs_counts_t *counts)
{
    int i;

    for (i = 0; i < facts->issuer->counters->nelts; ++i) {
        if (b->counts[i] < 0) continue;
        counts->at[i].have = 1;
        counts->at[i].value = acs_count_value(&APR_ARRAY_IDX(facts->issuer->counters, i, const acs_counter_t),
                                              &b->reads[b->counts[i]], facts->now);
    }
}

static apr_status_t read_batch(acs_run_t *run, batch_t *b)
{
    apr_status_t rv = tds_store_batch(run->store, b->reads, b->n, run->pool, run->err);

    if (rv == APR_SUCCESS) return rv;
    acs_metric_store(run, rv);
    return TDS_FAIL(run->err, rv, 403, NULL, "the store does not answer");
}

/* Only where a rule reads a counter by device, and this browser has one. */
static apr_status_t gather_device(acs_run_t *run, acs_facts_t *facts, acs_counts_t *counts)
{
    batch_t b = {.n = 0};
    apr_status_t rv;

    if (!facts->method || !facts->method->device) return APR_SUCCESS;
    want_counts(run, facts, 1, &b);
    if ((rv = read_batch(run, &b)) == APR_SUCCESS) take_counts(facts, &b, counts);
    return rv;
}

/* All that the store has, in one round trip; in none where there is nothing to read. */
static apr_status_t gather_store(acs_run_t *run, acs_facts_t *facts)
{
    acs_counts_t *counts = apr_pcalloc(run->pool, sizeof *counts);
    batch_t b = {.card = -1, .method = -1, .trust = -1};
    apr_status_t rv;

    facts->counts = counts;
    if ((rv = want_card(run, facts, &b)) != APR_SUCCESS) return TDS_FAIL(run->err, rv, 403, NULL, "card source does not answer");
    want_method(run, facts, &b);
    if (acs_trust_want(run, facts, &b.reads[b.n])) b.trust = b.n++;
    want_counts(run, facts, 0, &b);
    if ((rv = read_batch(run, &b)) != APR_SUCCESS) return rv;
    if (b.card >= 0 && (rv = facts->issuer->card_ops->take(&b.reads[b.card], &facts->card, run->pool, run->err)) != APR_SUCCESS)
        return TDS_FAIL(run->err, rv, 403, NULL, "card source does not answer");
    if (b.trust >= 0) facts->listed = acs_trust_take(run, facts, &b.reads[b.trust]);
    if (b.method >= 0) facts->method = acs_method_take(run, &b.reads[b.method]);
    take_counts(facts, &b, counts);
    return gather_device(run, facts, counts);
}

/* What rides with the write of the record. */
static void add_riders(acs_run_t *run, acs_facts_t *facts)
{
    facts->incrs = apr_array_make(run->pool, 4, sizeof(tds_incr_t));
    acs_count_steps(run, facts, facts->incrs);
    if (reads(facts, ACS_READS_METHOD)) acs_method_shut(run, facts->areq, facts->incrs);
}

apr_status_t acs_gather(acs_run_t *run, const tds_msg_t *areq, acs_facts_t *facts)
{
    const char *pan = tds_msg_get(areq, TDS_E_ACCT_NUMBER);
    apr_status_t rv;

    facts->areq = areq;
    facts->ds = run->ds;
    facts->now = run->clock();
    facts->issuer = acs_issuer_of_pan(run->conf, pan);
    if (facts->issuer && !acs_used(run->conf, run->use, facts->issuer->name, 1)) facts->issuer = NULL;
    if (!facts->issuer) return TDS_FAIL(run->err, APR_EINVAL, 305, "acctNumber", "card is in no range of ours");
    facts->ds_url = usable_ds_url(run, areq);
    if ((rv = gather_store(run, facts)) != APR_SUCCESS) return rv;
    add_riders(run, facts);
    return acs_gather_hooks(run, facts);
}
