/* The AReq: what the requestor gives by specification name, and what a 3DS Server fills (S-30 .. S-37). */
#include "srv_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_json.h"
#include "tds_text.h"
#include "tds_view.h"

#define HEADER_MAX 2048 /* S-31 */

/* Only from the configuration or from the transaction, never from the requestor (S-33, S-37). */
static const tds_elem_e ours[] = {
    TDS_E_MESSAGE_TYPE,           TDS_E_MESSAGE_VERSION,         TDS_E_THREE_DS_SERVER_TRANS_ID,
    TDS_E_THREE_DS_SERVER_URL,    TDS_E_THREE_DS_SERVER_REF_NUMBER, TDS_E_THREE_DS_SERVER_OPERATOR_ID,
    TDS_E_NOTIFICATION_URL,       TDS_E_THREE_DS_REQUESTOR_ID,   TDS_E_THREE_DS_REQUESTOR_NAME,
    TDS_E_THREE_DS_REQUESTOR_URL, TDS_E_THREE_DS_COMP_IND,       TDS_E_ACQUIRER_BIN,
    TDS_E_MCC,                    TDS_E_MERCHANT_COUNTRY_CODE,   TDS_E_MERCHANT_NAME,
    TDS_E_PURCHASE_DATE,          TDS_E_DEVICE_INFO,             TDS_E_DS_URL,
    TDS_E_DS_TRANS_ID,            TDS_E_DS_REFERENCE_NUMBER,     TDS_E_ACQUIRER_COUNTRY_CODE,
    TDS_E_ACQUIRER_COUNTRY_CODE_SOURCE,
};

static int is_ours(tds_elem_e elem)
{
    apr_size_t i;

    for (i = 0; i < sizeof ours / sizeof *ours; ++i) {
        if (ours[i] == elem) return 1;
    }
    return 0;
}

/* ---- what the requestor gives -------------------------------------------- */

static int is_empty(const json_t *v)
{
    return json_is_null(v) || (json_is_string(v) && !json_string_length(v)) || (json_is_object(v) && !json_object_size(v)) ||
           (json_is_array(v) && !json_array_size(v));
}

/* A copy without anything empty (S-32); NULL when nothing is left. The depth is bounded by the parser. */
static json_t *without_empty(const json_t *v)
{
    json_t *copy, *item;
    const char *name;
    size_t i;

    if (is_empty(v)) return NULL;
    if (json_is_object(v)) {
        copy = json_object();
        json_object_foreach((json_t *)v, name, item) {
            if ((item = without_empty(item))) json_object_set_new(copy, name, item);
        }
    }
    else if (json_is_array(v)) {
        copy = json_array();
        json_array_foreach(v, i, item) {
            if ((item = without_empty(item))) json_array_append_new(copy, item);
        }
    }
    else return json_copy((json_t *)v);
    if (!is_empty(copy)) return copy;
    json_decref(copy);
    return NULL;
}

/* S-31: no longer than the AReq may carry, cut between characters. */
static const char *cut(const char *text, apr_size_t max, apr_pool_t *pool)
{
    apr_size_t len = strlen(text), head = tds_text_head(text, len, max);

    return head < len ? apr_pstrmemdup(pool, text, head) : text;
}

typedef struct given_t {
    const char *window_size, *acquirer_id;
    const char *bad; /* names that may not be there, or not with that value */
} given_t;

static void add_bad(given_t *given, const char *name, apr_pool_t *pool)
{
    given->bad = srv_add_name(given->bad, name, pool);
}

static int same_text(const json_t *value, const char *text)
{
    return json_is_string(value) && text && !strcmp(json_string_value(value), text);
}

/* Members that are no plain element of the AReq. 1: taken care of. */
static int take_special(srv_run_t *run, const srv_txn_t *txn, const char *name, const json_t *value, given_t *given)
{
    const char *text = json_string_value(value);
    int ok = 1;

    if (!strcmp(name, "challengeWindowSize")) {
        ok = text && strlen(text) == 2 && text[0] == '0' && text[1] >= '1' && text[1] <= '5';
        given->window_size = text;
    }
    else if (!strcmp(name, "acctNumber")) ok = same_text(value, txn->pan);
    else if (!strcmp(name, "deviceChannel")) ok = same_text(value, txn->channel);
    else if (!strcmp(name, "messageCategory")) ok = same_text(value, txn->category);
    else if (!strcmp(name, "threeDSRequestorDecReqInd")) ok = same_text(value, "N"); /* decoupled: not yet */
    else if (!strcmp(name, "acquirerMerchantID")) {
        ok = text && srv_merchant_find(run->requestor, text);
        given->acquirer_id = text;
    }
    else return 0;
    if (!ok) add_bad(given, name, run->pool);
    return 1;
}

static void take_given(srv_run_t *run, const srv_txn_t *txn, const json_t *root, tds_msg_t *areq, given_t *given)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)root, name, value) {
        tds_elem_e elem = tds_elem_find(name, strlen(name));
        const char *text = json_string_value(value);

        if (is_empty(value) || take_special(run, txn, name, value, given)) continue;
        if (elem == TDS_E_NONE || elem >= TDS_ELEM_TOP_END || is_ours(elem) || !tds_path_defined(TDS_MSG_AREQ, name))
            add_bad(given, name, run->pool);
        else if (text && (elem == TDS_E_BROWSER_ACCEPT_HEADER || elem == TDS_E_BROWSER_USER_AGENT))
            tds_msg_set(areq, elem, cut(text, HEADER_MAX, run->pool));
        else tds_view_put(areq, elem, without_empty(value));
    }
}

/* ---- what we fill -------------------------------------------------------- */

static void fill_ours(srv_run_t *run, const srv_txn_t *txn, const srv_ds_t *ds, const srv_merchant_t *merchant,
                      tds_msg_t *areq)
{
    tds_msg_set(areq, TDS_E_MESSAGE_CATEGORY, txn->category);
    tds_msg_set(areq, TDS_E_DEVICE_CHANNEL, txn->channel);
    tds_msg_set(areq, TDS_E_ACCT_NUMBER, txn->pan);
    tds_msg_set(areq, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->id);
    tds_msg_set(areq, TDS_E_THREE_DS_SERVER_REF_NUMBER, run->conf->ref_number);
    tds_msg_set(areq, TDS_E_THREE_DS_SERVER_OPERATOR_ID, ds->operator_id ? ds->operator_id : run->conf->operator_id);
    tds_msg_set(areq, TDS_E_THREE_DS_SERVER_URL, run->conf->server_url);
    tds_msg_set(areq, TDS_E_NOTIFICATION_URL, run->conf->notification_url);
    tds_msg_set(areq, TDS_E_THREE_DS_COMP_IND, "U"); /* M-01: no method URL is known */
    tds_msg_set(areq, TDS_E_THREE_DS_REQUESTOR_ID, run->requestor->id);
    tds_msg_set(areq, TDS_E_THREE_DS_REQUESTOR_NAME, run->requestor->requestor_name);
    tds_msg_set(areq, TDS_E_THREE_DS_REQUESTOR_URL, run->requestor->url);
    tds_msg_set(areq, TDS_E_ACQUIRER_BIN, merchant->acquirer_bin);
    tds_msg_set(areq, TDS_E_ACQUIRER_MERCHANT_ID, merchant->acquirer_id);
    tds_msg_set(areq, TDS_E_MCC, merchant->mcc);
    tds_msg_set(areq, TDS_E_MERCHANT_COUNTRY_CODE, merchant->country);
    tds_msg_set(areq, TDS_E_MERCHANT_NAME, merchant->name);
    tds_msg_set(areq, TDS_E_PURCHASE_DATE, tds_time_compact(run->clock(), run->pool)); /* S-36 */
}

/* What 2.3.1 wants beside (N-23, N-24). The languages of the Accept-Language header are at least the browser's own. */
static void fill_new(const srv_merchant_t *merchant, tds_msg_t *areq)
{
    const char *language = tds_msg_get(areq, TDS_E_BROWSER_LANGUAGE);

    if (areq->version < TDS_V231) return;
    tds_msg_set(areq, TDS_E_ACQUIRER_COUNTRY_CODE, merchant->acquirer_country);
    tds_msg_set(areq, TDS_E_ACQUIRER_COUNTRY_CODE_SOURCE, "01");
    if (language && !tds_msg_get_json(areq, TDS_E_ACCEPT_LANGUAGE))
        tds_msg_set_json(areq, TDS_E_ACCEPT_LANGUAGE, json_pack("[s]", language));
}

/* ---- the whole ----------------------------------------------------------- */

/* Encoding is strict: what does not apply to this version or channel is refused there. A requestor need not know: when the
 * strict way fails, the lenient check says whether something is wrong, and what does not apply stays behind. */
static apr_status_t encode_applying(srv_run_t *run, const tds_msg_t *full, const tds_msg_rules_t *rules, tds_msg_t **pareq,
                                    srv_areq_t *out)
{
    tds_msg_t *seen = tds_msg_make(TDS_MSG_AREQ, full->version, run->pool);
    tds_msg_t *areq = tds_msg_make(TDS_MSG_AREQ, full->version, run->pool);
    tds_err_t err;
    int i;

    for (i = 1; i < TDS_ELEM_TOP_END; ++i) tds_msg_copy(seen, full, (tds_elem_e)i);
    tds_err_init(&err, run->pool);
    if (tds_msg_check(seen, rules, &err) != APR_SUCCESS)
        return TDS_FAIL(run->err, APR_BADARG, err.proto, err.elements, "%s", err.detail ? err.detail : "not a good AReq");
    for (i = 1; i < TDS_ELEM_TOP_END; ++i) tds_msg_copy(areq, seen, (tds_elem_e)i);
    if (tds_msg_encode(&out->bytes, &out->len, areq, rules, run->pool, &err) != APR_SUCCESS)
        return TDS_FAIL(run->err, APR_BADARG, err.proto ? err.proto : 203, err.elements, "%s",
                        err.detail ? err.detail : "not a good AReq");
    *pareq = areq;
    return APR_SUCCESS;
}

apr_status_t srv_areq_make(srv_run_t *run, const srv_txn_t *txn, const json_t *root, srv_areq_t *out)
{
    tds_msg_t *areq = tds_msg_make(TDS_MSG_AREQ, (tds_ver_e)txn->msg_version, run->pool);
    const srv_ds_t *ds = srv_ds_by_name(run->conf, txn->ds);
    tds_msg_rules_t rules = {.leg = TDS_LEG_SERVER_DS};
    const srv_merchant_t *merchant;
    given_t given = {0};
    apr_status_t rv;
    tds_err_t err;

    if (!ds) return TDS_FAIL(run->err, APR_EGENERAL, 403, NULL, "the DS of this card is no longer configured");
    tds_profile_apply(&ds->profile, &rules);
    take_given(run, txn, root, areq, &given);
    if (given.bad) return TDS_FAIL(run->err, APR_BADARG, 203, given.bad, "not for the requestor to give, or not allowed here");
    if (!(merchant = srv_merchant_find(run->requestor, given.acquirer_id)))
        return TDS_FAIL(run->err, APR_EGENERAL, 403, NULL, "the requestor has no merchant");
    fill_ours(run, txn, ds, merchant, areq);
    fill_new(merchant, areq);
    tds_err_init(&err, run->pool);
    if (tds_msg_encode(&out->bytes, &out->len, areq, &rules, run->pool, &err) != APR_SUCCESS &&
        (rv = encode_applying(run, areq, &rules, &areq, out)) != APR_SUCCESS)
        return rv;
    out->window_size = given.window_size ? apr_pstrdup(run->pool, given.window_size) : "05";
    out->prior = srv_prior_add(NULL, areq, run->pool);
    return APR_SUCCESS;
}
