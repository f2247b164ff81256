/* The trust list that the ACS itself keeps (ACSTrustList store): per card the merchants that the cardholder trusts, a sealed
 * side record of the store. An issuer with a list of its own answers by its hook instead. */
#include "acs_trust.h"

#include <string.h>
#include <apr_strings.h>

#define TYPE_LIST 'l'
#define RACES_MAX 20

void acs_merchant_put(json_t *doc, const acs_merchant_t *merchant)
{
    tds_json_set(doc, "acquirerBIN", merchant->bin);
    tds_json_set(doc, "acquirerMerchantID", merchant->id);
    tds_json_set(doc, "merchantName", merchant->name);
}

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

static apr_status_t list_load(acs_run_t *run, const char *index, tds_store_read_t *read, json_t **list)
{
    apr_status_t rv;

    *read = read_of(index);
    if ((rv = tds_store_batch(run->store, read, 1, run->pool, run->err)) == APR_SUCCESS) *list = list_of(read, run->pool);
    return rv;
}

apr_status_t acs_trust_list(acs_run_t *run, const char *index, json_t **list)
{
    tds_store_read_t read;

    return list_load(run, index, &read, list);
}

static apr_status_t list_edit(acs_run_t *run, json_t *list, const char *key, const acs_merchant_t *merchant, int on)
{
    json_t *entry;

    if (!on) json_object_del(list, key);
    if (!on || json_object_get(list, key)) return APR_SUCCESS;
    if (json_object_size(list) >= ACS_TRUST_MAX) return TDS_FAIL(run->err, APR_ENOSPC, 0, NULL, "the trust list is full");
    entry = json_object();
    acs_merchant_put(entry, merchant);
    tds_json_set(entry, "since", tds_time_iso(run->clock(), run->pool));
    json_object_set_new(list, key, entry);
    return APR_SUCCESS;
}

/* Over the list that was read; APR_EAGAIN: it is another one by now. */
static apr_status_t list_save(acs_run_t *run, const tds_store_read_t *seen, const json_t *list)
{
    tds_side_t side = {.type = TYPE_LIST, .name = seen->name, .seen = seen, .ttl = ACS_TRUST_TTL};

    if (!(side.value = tds_json_text(list, &side.len, run->pool))) return APR_ENOMEM;
    return tds_store_put(run->store, &side, run->pool, run->err);
}

apr_status_t acs_trust_change(acs_run_t *run, const char *index, const acs_merchant_t *merchant, int on)
{
    const char *key = merchant_key(merchant->bin, merchant->id, run->pool);
    tds_store_read_t read;
    json_t *list;
    int tries = 0;
    apr_status_t rv;

    if (!key) return TDS_FAIL(run->err, APR_EINVAL, 0, NULL, "no merchant");
    do {
        if ((rv = list_load(run, index, &read, &list)) != APR_SUCCESS) return rv;
        if ((rv = list_edit(run, list, key, merchant, on)) != APR_SUCCESS) return rv;
        rv = list_save(run, &read, list);
    } while (APR_STATUS_IS_EAGAIN(rv) && ++tries < RACES_MAX);
    return rv;
}
