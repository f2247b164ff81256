/* Secure payment confirmation: by the requestor (N-10 to N-13), what an ARes S offers and whether the assertion of the second
 * AReq holds for it; and within our own challenge frame (N-14), the same for a page and its form. */
#include "acs_run.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_mask.h"
#include "tds_text.h"
#include "tds_url.h"
#include "tds_webauthn.h"
#include "acs_pages.h"

#define CHALLENGE_LEN  32
#define TIMEOUT_MS     "300000" /* 60000 to 500000 */
#define NAME_CHARS     35 /* characters: a displayName has 40 */
#define CREDENTIAL_MIN 16
#define CREDENTIAL_MAX 1000
#define CREDENTIALS    10

/* ---- offer ----------------------------------------------------------------- */

/* Fit to stand in an ARes. */
static int id_good(const char *id)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    apr_size_t len = id ? strlen(id) : 0;

    return len >= CREDENTIAL_MIN && len <= CREDENTIAL_MAX && strspn(id, chars) == len;
}

/* The credential from place *at on that can be used, and *at behind it; NULL: there is no more. */
static const json_t *next_credential(const acs_card_t *card, size_t *at)
{
    const json_t *item;

    while ((item = json_array_get(card->credentials, (*at)++))) {
        if (id_good(tds_json_get(item, "id"))) return item;
    }
    return NULL;
}

int acs_spc_possible(const acs_facts_t *facts)
{
    size_t at = 0;

    return facts->areq->version >= TDS_V231 && facts->issuer->spc_icon && facts->card.rp_id && next_credential(&facts->card, &at);
}

static json_t *credential_list(const acs_card_t *card)
{
    json_t *list = json_array();
    const json_t *item;
    size_t at = 0;

    while (json_array_size(list) < CREDENTIALS && (item = next_credential(card, &at))) {
        json_t *row = json_object();

        tds_json_set(row, "rpID", card->rp_id);
        tds_json_set(row, "credentialIds", tds_json_get(item, "id"));
        json_array_append_new(list, row);
    }
    return list;
}

/* "Example Bank 0002", as much of the name as there is room for, and no half character. */
static const char *display_name(const acs_issuer_t *issuer, const char *pan, apr_pool_t *pool)
{
    const char *name = issuer->display_name;
    int len = (int)tds_text_head(name, strlen(name), NAME_CHARS);

    return apr_psprintf(pool, "%.*s %s", len, name, pan + strlen(pan) - 4);
}

static const char *amount_of(const acs_txn_t *txn, apr_pool_t *pool)
{
    const char *text = txn->amount ? acs_amount_text(txn, pool) : NULL;

    return text ? apr_pstrmemdup(pool, text, strcspn(text, " ")) : "0";
}

static const char *currency_of(const acs_txn_t *txn)
{
    const char *alpha = txn->currency ? tds_currency_alpha(txn->currency) : NULL;

    return alpha ? alpha : "XXX";
}

apr_status_t acs_spc_challenge(acs_run_t *run, tds_bytes_t *challenge)
{
    unsigned char *bytes = apr_palloc(run->pool, CHALLENGE_LEN);

    if (run->rnd(bytes, CHALLENGE_LEN) != APR_SUCCESS)
        return TDS_FAIL(run->err, APR_EGENERAL, 404, NULL, "no random bytes");
    *challenge = TDS_BYTES(bytes, CHALLENGE_LEN);
    return APR_SUCCESS;
}

/* What the authenticator shows and signs; the members of spcTransData. */
static json_t *trans_data(acs_run_t *run, const acs_issuer_t *issuer, const acs_txn_t *txn)
{
    json_t *data = json_object();

    tds_json_set(data, "challenge", tds_b64url_encode(txn->spc_challenge.data, txn->spc_challenge.len, run->pool));
    tds_json_set(data, "currency", currency_of(txn));
    tds_json_set(data, "displayName", display_name(issuer, txn->pan, run->pool));
    tds_json_set(data, "icon", issuer->spc_icon);
    tds_json_set(data, "timeout", TIMEOUT_MS);
    tds_json_set(data, "value", amount_of(txn, run->pool));
    tds_json_set(data, "payeeOrigin", txn->payee);
    return data;
}

apr_status_t acs_spc_offer(acs_run_t *run, const acs_facts_t *facts, acs_txn_t *txn, tds_msg_t *ares)
{
    acs_txn_t shown;
    apr_status_t rv = acs_spc_challenge(run, &txn->spc_challenge);

    if (rv != APR_SUCCESS) return rv;
    shown = *txn; /* these are not in the record yet */
    shown.pan = tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER);
    shown.exponent = tds_msg_get(facts->areq, TDS_E_PURCHASE_EXPONENT);
    shown.payee = tds_msg_get(facts->areq, TDS_E_PAYEE_ORIGIN);
    tds_msg_set_json(ares, TDS_E_SPC_TRANS_DATA, trans_data(run, facts->issuer, &shown));
    tds_msg_set_json(ares, TDS_E_WEB_AUTHN_CRED_LIST, credential_list(&facts->card));
    return APR_SUCCESS;
}

/* ---- our own frame (N-14) ---------------------------------------------------- */

int acs_spc_can(const acs_facts_t *facts)
{
    return acs_spc_possible(facts) && tds_msg_get(facts->areq, TDS_E_MERCHANT_NAME) &&
           tds_msg_get(facts->areq, TDS_E_PURCHASE_AMOUNT) && tds_msg_get(facts->areq, TDS_E_PURCHASE_CURRENCY);
}

/* How often the credential has signed, as far as the issuer knows: a number, or a text of digits. 0: not compared. */
static unsigned sign_count(const json_t *item)
{
    const json_t *count = json_object_get(item, "signCount");
    const char *text = json_string_value(count);
    apr_int64_t n = text ? strspn(text, "0123456789") == strlen(text) ? apr_atoi64(text) : 0 : json_integer_value(count);

    return n > 0 && n <= 0xffffffffLL ? (unsigned)n : 0;
}

/* {"rpId": ..., "credentials": [{"id", "publicKey", "signCount"}]} */
const char *acs_spc_keys(const acs_card_t *card, apr_pool_t *pool)
{
    json_t *doc = tds_json_object(pool), *list = json_array();
    const json_t *item;
    size_t at = 0;

    while (json_array_size(list) < CREDENTIALS && (item = next_credential(card, &at))) {
        json_t *row = json_object();

        tds_json_set(row, "id", tds_json_get(item, "id"));
        tds_json_set(row, "publicKey", tds_json_get(item, "publicKey"));
        if (sign_count(item)) json_object_set_new(row, "signCount", json_integer((json_int_t)sign_count(item)));
        json_array_append_new(list, row);
    }
    tds_json_set(doc, "rpId", card->rp_id);
    json_object_set_new(doc, "credentials", list);
    return tds_json_text(doc, NULL, pool);
}

/* Back again; what does not open is a card without credentials. */
static acs_card_t card_of(const acs_txn_t *txn, apr_pool_t *pool)
{
    json_t *doc = NULL;

    if (txn->spc_keys) (void)tds_json_parse(&doc, txn->spc_keys, strlen(txn->spc_keys), pool, NULL);
    return (acs_card_t){.rp_id = tds_json_get(doc, "rpId"), .credentials = json_object_get(doc, "credentials")};
}

const char *acs_spc_request(acs_run_t *run, const acs_issuer_t *issuer, const acs_txn_t *txn)
{
    json_t *doc = tds_json_object(run->pool), *ids = json_array();
    acs_card_t card = card_of(txn, run->pool);
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)card.credentials, i, item) {
        json_array_append(ids, json_object_get(item, "id"));
    }
    json_object_set_new(doc, "credentialIds", ids);
    tds_json_set(doc, "rpId", card.rp_id);
    tds_json_set(doc, "payeeName", txn->merchant);
    json_object_set_new(doc, "data", trans_data(run, issuer, txn));
    return tds_json_text(doc, NULL, run->pool);
}

/* ---- verify ---------------------------------------------------------------- */

typedef struct assertion_t {
    const char *id;
    tds_webauthn_t w;
} assertion_t;

/* The credential as its toJSON() gives it, or its response members beside the id; as an object, as JSON text, or that in
 * base64url. */
static const json_t *credential_of(const json_t *data, apr_pool_t *pool)
{
    const char *text = json_string_value(data);
    unsigned char *decoded;
    json_t *doc = NULL;
    apr_size_t len;
    tds_err_t err;

    if (json_is_object(data)) return data;
    if (!text) return NULL;
    tds_err_init(&err, pool);
    if (*text != '{' && tds_b64url_decode(&decoded, &len, text, strlen(text), 1, pool) == APR_SUCCESS)
        text = (const char *)decoded;
    return tds_json_parse(&doc, text, strlen(text), pool, &err) == APR_SUCCESS && json_is_object(doc) ? doc : NULL;
}

static int bytes_of(tds_bytes_t *out, const json_t *doc, const char *name, apr_pool_t *pool)
{
    const char *text = tds_json_get(doc, name);
    unsigned char *bytes;
    apr_size_t len;

    if (!text || tds_b64url_decode(&bytes, &len, text, strlen(text), 1, pool) != APR_SUCCESS || !len) return 0;
    *out = TDS_BYTES(bytes, len);
    return 1;
}

static int read_assertion(assertion_t *a, const json_t *data, apr_pool_t *pool)
{
    const json_t *cred = credential_of(data, pool);
    const json_t *response = json_object_get(cred, "response");

    if (!json_is_object(response)) response = cred;
    a->id = tds_json_get(cred, "id");
    return a->id && bytes_of(&a->w.client_data, response, "clientDataJSON", pool) &&
           bytes_of(&a->w.auth_data, response, "authenticatorData", pool) &&
           bytes_of(&a->w.signature, response, "signature", pool);
}

/* The key of the credential, standard base64 or base64url. */
static int find_key(assertion_t *a, const acs_card_t *card, apr_pool_t *pool)
{
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)card->credentials, i, item) {
        const char *id = tds_json_get(item, "id"), *text = tds_json_get(item, "publicKey");
        char *url, *c;
        json_t *row;

        if (!id || !text || strcmp(id, a->id)) continue;
        url = apr_pstrdup(pool, text);
        for (c = url; *c; ++c) *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
        row = tds_json_object(pool);
        a->w.count_before = sign_count(item);
        tds_json_set(row, "k", url);
        return bytes_of(&a->w.public_key, row, "k", pool);
    }
    return 0;
}

static int equal(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

/* An origin with or without the slash behind it. */
static int same_origin(const char *a, const char *b)
{
    apr_size_t n = a ? strlen(a) : 0, m = b ? strlen(b) : 0;

    while (n && a[n - 1] == '/') --n;
    while (m && b[m - 1] == '/') --m;
    return n && n == m && !strncasecmp(a, b, n);
}

/* A browser that could not load the icon, and was allowed to go on without, tells so by an empty one: nothing else was shown. */
static int icon_good(const char *told, const char *shown)
{
    return told && (!*told || equal(told, shown));
}

static const char *payment_fault(acs_run_t *run, const json_t *payment, const acs_issuer_t *issuer, const acs_txn_t *prior)
{
    const json_t *total = json_object_get(payment, "total"), *instrument = json_object_get(payment, "instrument");
    const char *origin = tds_json_get(payment, "payeeOrigin"), *name = tds_json_get(payment, "payeeName");
    json_t *shown = trans_data(run, issuer, prior);
    const char *fault = NULL;

    tds_json_own(shown, run->pool);
    if (prior->payee ? !same_origin(origin, prior->payee) : json_object_get(payment, "payeeOrigin") != NULL) fault = "payeeOrigin";
    else if ((prior->spc_keys || json_object_get(payment, "payeeName")) && !equal(name, prior->merchant)) fault = "payeeName";
    else if (!equal(tds_json_get(total, "value"), tds_json_get(shown, "value"))) fault = "amount";
    else if (!equal(tds_json_get(total, "currency"), tds_json_get(shown, "currency"))) fault = "currency";
    else if (!equal(tds_json_get(instrument, "displayName"), tds_json_get(shown, "displayName"))) fault = "instrument";
    else if (!icon_good(tds_json_get(instrument, "icon"), tds_json_get(shown, "icon"))) fault = "instrument";
    return fault;
}

/* N-15: in our frame it is our own page, else any https origin, or one of those that the issuer has named. */
static int origin_good(acs_run_t *run, const char *origin, const acs_issuer_t *issuer, const acs_txn_t *prior)
{
    int i;

    if (!origin || !tds_url_good(origin, strlen(origin), TDS_URL_HTTPS)) return 0;
    if (prior->spc_keys) /* a record of an older node does not have it */
        return same_origin(origin, prior->spc_origin ? prior->spc_origin : tds_url_origin(run->conf->challenge_url, run->pool));
    for (i = 0; issuer->spc_origins && i < issuer->spc_origins->nelts; ++i) {
        if (same_origin(origin, APR_ARRAY_IDX(issuer->spc_origins, i, const char *))) return 1;
    }
    return !issuer->spc_origins;
}

/* What was confirmed is what was asked (N-15): all of it is compared with what was shown. */
static const char *client_data_fault(acs_run_t *run, const assertion_t *a, const acs_card_t *card, const acs_issuer_t *issuer,
                                     const acs_txn_t *prior)
{
    const char *challenge = tds_b64url_encode(prior->spc_challenge.data, prior->spc_challenge.len, run->pool);
    const json_t *payment;
    json_t *doc = NULL;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (tds_json_parse(&doc, a->w.client_data.data, a->w.client_data.len, run->pool, &err) != APR_SUCCESS) return "client data";
    if (!equal(tds_json_get(doc, "type"), "payment.get")) return "type";
    if (!tds_json_get(doc, "challenge") || !tds_equal_str(tds_json_get(doc, "challenge"), challenge)) return "challenge";
    if (!origin_good(run, tds_json_get(doc, "origin"), issuer, prior)) return "origin";
    payment = json_object_get(doc, "payment");
    if (!equal(tds_json_get(payment, "rpId"), card->rp_id) && !equal(tds_json_get(payment, "rp"), card->rp_id)) return "rpId";
    return payment_fault(run, payment, issuer, prior);
}

/* data: the assertion, in one of the shapes that credential_of takes. id: of the transaction, for the log. */
static int holds(acs_run_t *run, const json_t *data, const acs_card_t *card, const acs_txn_t *prior, const char *id,
                 acs_spc_seen_t *seen)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, prior->issuer);
    assertion_t a = {.w = {.rp_id = card->rp_id ? card->rp_id : ""}};
    const char *fault = NULL;
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (!issuer) fault = "its issuer is no longer configured";
    else if (!read_assertion(&a, data, run->pool)) fault = "it cannot be read";
    else if (!find_key(&a, card, run->pool)) fault = "its credential is not one of this card";
    else if (!(fault = client_data_fault(run, &a, card, issuer, prior)) && tds_webauthn_check(&a.w, &err) != APR_SUCCESS)
        fault = err.detail;
    *seen = (acs_spc_seen_t){.credential = fault ? NULL : a.id, .count = fault ? 0 : tds_webauthn_count(&a.w)};
    if (!fault) return 1;
    tds_log(run->log, TDS_LOG_WARNING, "ACS0170", id, "SPC assertion for %s does not hold: %s", prior->id, fault);
    return 0;
}

int acs_spc_verify(acs_run_t *run, const acs_facts_t *facts, const acs_txn_t *prior, acs_spc_seen_t *seen)
{
    return holds(run, json_object_get(acs_spc_info(facts->areq), "threeDSReqAuthData"), &facts->card, prior, facts->id, seen);
}

int acs_spc_right(acs_run_t *run, const acs_txn_t *txn, const char *entry, acs_spc_seen_t *seen)
{
    json_t *data = json_string(entry);
    acs_card_t card = card_of(txn, run->pool);
    int right;

    *seen = (acs_spc_seen_t){.count = 0};
    right = data && holds(run, data, &card, txn, txn->id, seen);
    json_decref(data);
    return right;
}
