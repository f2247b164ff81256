/* The transaction that an AReq goes on from: the second AReq of SPC (N-11 to N-13), and the 3RI AReq after a fallback to
 * decoupled authentication (A-3RI-05). It is taken in the store before the decision, so that this happens once. */
#include "acs_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_point.h"

/* Of the infos (one, in 2.3.1 up to three) the first whose member name is value. */
static const json_t *info_with(const json_t *infos, const char *name, const char *value)
{
    size_t i, n = json_is_array(infos) ? json_array_size(infos) : json_is_object(infos) ? 1 : 0;

    for (i = 0; i < n; ++i) {
        const json_t *info = json_is_array(infos) ? json_array_get(infos, i) : infos;
        const char *have = tds_json_get(info, name);

        if (have && !strcmp(have, value)) return info;
    }
    return NULL;
}

static const char *prior_ref(const tds_msg_t *areq, const char *method)
{
    const json_t *infos = tds_msg_get_json(areq, TDS_E_THREE_DS_REQUESTOR_PRIOR_AUTHENTICATION_INFO);
    const char *ref = tds_json_get(info_with(infos, "threeDSReqPriorAuthMethod", method), "threeDSReqPriorRef");

    return ref && tds_uuid_valid(ref) ? ref : NULL;
}

const json_t *acs_spc_info(const tds_msg_t *areq)
{
    return info_with(tds_msg_get_json(areq, TDS_E_THREE_DS_REQUESTOR_AUTHENTICATION_INFO), "threeDSReqAuthMethod", "09");
}

/* ---- taking ---------------------------------------------------------------- */

static int same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

typedef struct take_t {
    const acs_facts_t *facts;
    int taken, differs; /* SPC: it names a transaction of this card, and is not about the same purchase */
    acs_txn_t was; /* before it was taken: what SPC needs leaves the record with that */
} take_t;

static int same_or_none(const char *a, const char *b)
{
    return (!a && !b) || same(a, b);
}

static int of_this_card(const acs_txn_t *txn, const acs_facts_t *facts, const acs_run_t *run)
{
    return same(txn->ds, run->ds->name) && same(txn->issuer, facts->issuer->name) &&
           same(txn->pan, tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER));
}

/* N-13: what was shown is what the second AReq is about: requestor, shop, amount. */
static int continues(const acs_txn_t *txn, const tds_msg_t *m)
{
    return same(txn->requestor, tds_msg_get(m, TDS_E_THREE_DS_REQUESTOR_ID)) &&
           same_or_none(txn->merchant, tds_msg_get(m, TDS_E_MERCHANT_NAME)) &&
           same_or_none(txn->payee, tds_msg_get(m, TDS_E_PAYEE_ORIGIN)) &&
           same_or_none(txn->amount, tds_msg_get(m, TDS_E_PURCHASE_AMOUNT)) &&
           same_or_none(txn->exponent, tds_msg_get(m, TDS_E_PURCHASE_EXPONENT)) &&
           same_or_none(txn->currency, tds_msg_get(m, TDS_E_PURCHASE_CURRENCY));
}

static apr_status_t spc_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    take_t *take = baton;

    take->taken = take->differs = 0;
    if (txn->state != ACS_ST_SPC_WAIT || !of_this_card(txn, take->facts, run)) return APR_SUCCESS;
    if (!continues(txn, take->facts->areq)) {
        take->differs = 1;
        return APR_SUCCESS;
    }
    take->taken = 1;
    take->was = *txn;
    what->event = ACS_EV_SPC_TAKEN;
    return APR_SUCCESS;
}

static apr_status_t fallback_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    take_t *take = baton;
    int ended = txn->end == ACS_END_FALLBACK || txn->end == ACS_END_FALLBACK30;
    const char *index = acs_card_index(run->keys, tds_msg_get(take->facts->areq, TDS_E_ACCT_NUMBER), run->pool);

    take->taken = 0;
    if (!ended || txn->used || !same(txn->ds, run->ds->name) || !same(txn->card_index, index))
        return APR_SUCCESS;
    take->taken = 1;
    take->was = *txn;
    what->event = ACS_EV_FALLBACK_TAKEN;
    return APR_SUCCESS;
}

/* *prior: as it was, or NULL when it cannot be gone on from. */
static apr_status_t take(acs_run_t *run, acs_facts_t *facts, const char *id, acs_judge_fn *judge, const acs_txn_t **prior)
{
    take_t t = {.facts = facts};
    acs_txn_t *txn;
    apr_status_t rv;
    unsigned fx; /* a time limit that has just run out here is reported by others (run->later) */

    *prior = NULL;
    if (!id) return APR_SUCCESS;
    rv = acs_run_event(run, id, 0, judge, &t, &txn, &fx);
    if (APR_STATUS_IS_ENOENT(rv)) {
        tds_err_clear(run->err);
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        acs_metric_store(run, rv);
        return rv;
    }
    if (t.taken) *prior = apr_pmemdup(run->pool, &t.was, sizeof t.was);
    if (t.differs && acs_spc_info(facts->areq)) {
        facts->spc = ACS_SPC_BAD;
        tds_log(run->log, TDS_LOG_WARNING, "ACS0171", facts->id, "AReq after SPC is about another purchase than %s", id);
    }
    return APR_SUCCESS;
}

apr_status_t acs_gather_prior(acs_run_t *run, acs_facts_t *facts)
{
    const tds_msg_t *m = facts->areq;
    const char *third = tds_msg_get(m, TDS_E_THREE_RI_IND), *incomplete = tds_msg_get(m, TDS_E_SPC_INCOMP_IND);
    apr_status_t rv;

    facts->no_spc = !acs_spc_possible(facts) || !same(tds_msg_get(m, TDS_E_DEVICE_CHANNEL), "02") ||
                    !tds_msg_get(m, TDS_E_THREE_DS_REQUESTOR_SPC_SUPPORT) || acs_spc_info(m) || incomplete;
    if (m->version < TDS_V231) return APR_SUCCESS;
    if (same(third, "19")) {
        rv = take(run, facts, prior_ref(m, "02"), fallback_judge, &facts->prior);
        facts->bad_prior = !facts->prior;
        if (facts->prior) tds_point("acs.fallback_taken");
        return rv;
    }
    if (!acs_spc_info(m) && !incomplete) return APR_SUCCESS;
    if ((rv = take(run, facts, prior_ref(m, "05"), spc_judge, &facts->prior)) != APR_SUCCESS || !facts->prior) return rv;
    tds_point("acs.spc_taken");
    if (incomplete) facts->spc = ACS_SPC_ABSENT;
    else facts->spc = acs_spc_verify(run, facts, facts->prior, &facts->seen) ? ACS_SPC_GOOD : ACS_SPC_BAD;
    return APR_SUCCESS;
}
