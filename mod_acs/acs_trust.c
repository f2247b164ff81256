/* The trust list that the ACS itself keeps (ACSTrustList store): per card the merchants that the cardholder trusts, a sealed
 * side record of the store. An issuer with a list of its own answers by its hook instead. */
#include "acs_trust.h"

#include <string.h>
#include <apr_strings.h>

#define TYPE_LIST 'l'

static const char *merchant_key(const char *bin, const char *id, apr_pool_t *pool)
{
    return bin && id ? apr_pstrcat(pool, bin, "/", id, NULL) : NULL;
}

static apr_status_t load(acs_run_t *run, const char *index, json_t **list)
{
    tds_store_read_t read = {.kind = TDS_READ_SIDE, .type = TYPE_LIST, .name = index};
    apr_status_t rv = tds_store_batch(run->store, &read, 1, run->pool, run->err);

    *list = NULL;
    if (rv != APR_SUCCESS) return rv;
    if (read.rv == APR_SUCCESS) (void)tds_json_parse(list, (const char *)read.value, read.len, run->pool, NULL);
    if (!*list) *list = tds_json_object(run->pool);
    return APR_SUCCESS;
}

apr_status_t acs_trust_look(acs_run_t *run, acs_facts_t *facts)
{
    const char *index = acs_card_index(run->keys, tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER), run->pool);
    const char *key = merchant_key(tds_msg_get(facts->areq, TDS_E_ACQUIRER_BIN),
                                   tds_msg_get(facts->areq, TDS_E_ACQUIRER_MERCHANT_ID), run->pool);
    json_t *list;
    apr_status_t rv;

    if (!index || !key) return APR_SUCCESS;
    if ((rv = load(run, index, &list)) != APR_SUCCESS) return rv;
    facts->card.trust_status = json_object_get(list, key) ? "Y" : "N";
    return APR_SUCCESS;
}

apr_status_t acs_trust_list(acs_run_t *run, const char *index, json_t **list)
{
    return load(run, index, list);
}

apr_status_t acs_trust_change(acs_run_t *run, const char *index, const acs_merchant_t *merchant, int on)
{
    const char *key = merchant_key(merchant->bin, merchant->id, run->pool), *text;
    json_t *list, *entry;
    tds_side_t side;
    apr_size_t len;
    apr_status_t rv;

    if (!key) return TDS_FAIL(run->err, APR_EINVAL, 0, NULL, "no merchant");
    if ((rv = load(run, index, &list)) != APR_SUCCESS) return rv;
    if (on && !json_object_get(list, key)) {
        if (json_object_size(list) >= ACS_TRUST_MAX) return TDS_FAIL(run->err, APR_ENOSPC, 0, NULL, "the trust list is full");
        entry = json_object();
        tds_json_set(entry, "acquirerBIN", merchant->bin);
        tds_json_set(entry, "acquirerMerchantID", merchant->id);
        tds_json_set(entry, "merchantName", merchant->name);
        tds_json_set(entry, "since", tds_time_iso(run->clock(), run->pool));
        json_object_set_new(list, key, entry);
    }
    else if (!on) json_object_del(list, key);
    if (!(text = tds_json_text(list, &len, run->pool))) return APR_ENOMEM;
    side = (tds_side_t){.type = TYPE_LIST, .name = index, .value = text, .len = len, .ttl = ACS_TRUST_TTL};
    return tds_store_put(run->store, &side, run->pool, run->err);
}
