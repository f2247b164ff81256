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

static tds_store_read_t read_of(const char *index)
{
    return (tds_store_read_t){.kind = TDS_READ_SIDE, .type = TYPE_LIST, .name = index};
}

/* What is not there, or does not open, is an empty list. */
static json_t *list_of(const tds_store_read_t *read, apr_pool_t *pool)
{
    json_t *list = NULL;

    if (read->rv == APR_SUCCESS) (void)tds_json_parse(&list, (const char *)read->value, read->len, pool, NULL);
    return list ? list : tds_json_object(pool);
}

int acs_trust_want(acs_run_t *run, const acs_facts_t *facts, tds_store_read_t *read)
{
    const char *index;

    if (facts->issuer->trust_list != ACS_TRUST_STORE || facts->areq->version < TDS_V220) return 0; /* 2.1.0 knows no lists */
    if (!(index = acs_card_index(run->keys, tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER), run->pool))) return 0;
    *read = read_of(index);
    return 1;
}

const char *acs_trust_take(acs_run_t *run, const acs_facts_t *facts, const tds_store_read_t *read)
{
    const char *key = merchant_key(tds_msg_get(facts->areq, TDS_E_ACQUIRER_BIN),
                                   tds_msg_get(facts->areq, TDS_E_ACQUIRER_MERCHANT_ID), run->pool);

    if (!key) return NULL;
    return json_object_get(list_of(read, run->pool), key) ? "Y" : "N";
}

apr_status_t acs_trust_list(acs_run_t *run, const char *index, json_t **list)
{
    tds_store_read_t read = read_of(index);
    apr_status_t rv = tds_store_batch(run->store, &read, 1, run->pool, run->err);

    if (rv == APR_SUCCESS) *list = list_of(&read, run->pool);
    return rv;
}

apr_status_t acs_trust_change(acs_run_t *run, const char *index, const acs_merchant_t *merchant, int on)
{
    const char *key = merchant_key(merchant->bin, merchant->id, run->pool), *text;
    json_t *list, *entry;
    tds_side_t side;
    apr_size_t len;
    apr_status_t rv;

    if (!key) return TDS_FAIL(run->err, APR_EINVAL, 0, NULL, "no merchant");
    if ((rv = acs_trust_list(run, index, &list)) != APR_SUCCESS) return rv;
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
