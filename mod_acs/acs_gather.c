/* What is to be known before the decision: the only I/O before the save. */
#include "acs_run.h"

/* B-side of X-LINK-04: the RReq goes to the dsURL of this very AReq, so it has to lie where the profile of the DS and
 * the <Proxy> blocks allow. Otherwise no challenge can be reported, and none is offered. */
static const char *usable_ds_url(acs_run_t *run, const tds_msg_t *areq)
{
    const char *url = tds_url_canonical(tds_msg_get(areq, TDS_E_DS_URL), run->pool);
    int i, under = 0;

    for (i = 0; url && i < run->ds->url_prefixes->nelts; ++i)
        under |= tds_url_under(url, APR_ARRAY_IDX(run->ds->url_prefixes, i, const char *));
    if (under && run->reachable(run->baton, url, run->pool)) return url;
    tds_log(run->log, TDS_LOG_WARNING, "ACS0020", tds_msg_id(areq, TDS_E_DS_TRANS_ID),
            "dsURL is not covered by the profile of DS %s and a <Proxy> block: no challenge", run->ds->name);
    tds_metric_add(run->metrics, ACS_M_DSURL_REFUSED, 1);
    return NULL;
}

apr_status_t acs_gather(acs_run_t *run, const tds_msg_t *areq, acs_facts_t *facts)
{
    const char *pan = tds_msg_get(areq, TDS_E_ACCT_NUMBER);
    apr_status_t rv;

    facts->areq = areq;
    facts->ds = run->ds;
    facts->issuer = acs_issuer_of_pan(run->conf, pan);
    if (facts->issuer && !acs_used(run->conf, run->use, facts->issuer->name, 1)) facts->issuer = NULL;
    if (!facts->issuer) return TDS_FAIL(run->err, APR_EINVAL, 305, "acctNumber", "card is in no range of ours");
    facts->ds_url = usable_ds_url(run, areq);
    rv = facts->issuer->card_ops->find(facts->issuer->card_baton, pan, &facts->card, run->pool, run->err);
    return rv == APR_SUCCESS ? rv : TDS_FAIL(run->err, rv, 403, NULL, "card source does not answer");
}
