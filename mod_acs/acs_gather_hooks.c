/* What the issuer's systems know before the decision: card, risk, trust list. All under the deadline of the AReq. */
#include "acs_hook.h"
#include "acs_count.h"
#include "acs_method.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#define REASONS_MAX 16
#define WORD_MAX    64

/* The fallback of a hook that came to nothing. */
static apr_status_t fall_back(acs_run_t *run, acs_facts_t *facts, acs_hook_e kind)
{
    const acs_hook_t *hook = facts->issuer->hooks[kind];

    if (hook->fallback == ACS_FALLBACK_OUTCOME) facts->instead = hook->outcome;
    if (hook->fallback == ACS_FALLBACK_ERRO)
        return TDS_FAIL(run->err, APR_EGENERAL, 403, NULL, "the issuer's system does not answer");
    return APR_SUCCESS;
}

/* Elements of the AReq under the names that hooks give them; what is absent is left out. */
typedef struct member_t {
    const char *name;
    tds_elem_e elem;
} member_t;

static const member_t card_members[] = {{"dsTransID", TDS_E_DS_TRANS_ID},
                                        {"cardExpiryDate", TDS_E_CARD_EXPIRY_DATE},
                                        {"messageVersion", TDS_E_MESSAGE_VERSION},
                                        {"messageCategory", TDS_E_MESSAGE_CATEGORY},
                                        {"deviceChannel", TDS_E_DEVICE_CHANNEL},
                                        {"threeRIInd", TDS_E_THREE_RI_IND},
                                        {NULL, TDS_E_NONE}};
static const member_t purchase_members[] = {{"amount", TDS_E_PURCHASE_AMOUNT},
                                            {"currency", TDS_E_PURCHASE_CURRENCY},
                                            {"exponent", TDS_E_PURCHASE_EXPONENT},
                                            {"date", TDS_E_PURCHASE_DATE},
                                            {NULL, TDS_E_NONE}};
static const member_t merchant_members[] = {{"name", TDS_E_MERCHANT_NAME},
                                            {"country", TDS_E_MERCHANT_COUNTRY_CODE},
                                            {"mcc", TDS_E_MCC},
                                            {"acquirerBIN", TDS_E_ACQUIRER_BIN},
                                            {"acquirerMerchantID", TDS_E_ACQUIRER_MERCHANT_ID},
                                            {NULL, TDS_E_NONE}};

static void add_members(json_t *doc, const tds_msg_t *areq, const member_t *m)
{
    for (; m->name; ++m) tds_json_set(doc, m->name, tds_msg_get(areq, m->elem));
}

static void add_part(json_t *doc, const char *name, const tds_msg_t *areq, const member_t *m)
{
    json_t *part = json_object();

    add_members(part, areq, m);
    json_object_set_new(doc, name, part);
}

static const char *index_of(acs_run_t *run, const acs_facts_t *facts)
{
    return acs_card_index(run->keys, tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER), run->pool);
}

/* ---- card ----------------------------------------------------------------- */

static json_t *card_question(acs_run_t *run, const acs_facts_t *facts)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "acsTransID", facts->id);
    if (!facts->issuer->hooks[ACS_HOOK_CARD]->pan_index)
        tds_json_set(doc, "acctNumber", tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER));
    tds_json_set(doc, "cardIndex", index_of(run, facts));
    add_members(doc, facts->areq, card_members);
    add_part(doc, "purchase", facts->areq, purchase_members);
    add_part(doc, "merchant", facts->areq, merchant_members);
    return doc;
}

/* A text that is not absurd, else NULL. */
static const char *word_of(const json_t *doc, const char *name, apr_size_t max)
{
    const char *text = tds_json_get(doc, name);

    return text && *text && strlen(text) <= max ? text : NULL;
}

/* One of the codes of list (space separated), else NULL. */
static const char *code_of(const json_t *doc, const char *name, const char *list)
{
    const char *text = word_of(doc, name, 2), *at = text ? strstr(list, text) : NULL;

    return at && (at == list || at[-1] == ' ') && strchr(" ", at[strlen(text)]) ? text : NULL;
}

/* The first words of a list, those that are not absurd; NULL: none. */
static const char *words_of(const json_t *doc, const char *name, size_t most, const char *between, apr_pool_t *pool)
{
    const json_t *list = json_object_get(doc, name), *item;
    const char *text = NULL;
    size_t i;

    json_array_foreach((json_t *)list, i, item) {
        const char *word = json_string_value(item);

        if (i < most && word && strlen(word) <= WORD_MAX) text = text ? apr_pstrcat(pool, text, between, word, NULL) : word;
    }
    return text;
}

static void card_answer(acs_run_t *run, acs_card_t *card, const json_t *doc)
{
    const json_t *holder = json_object_get(doc, "cardholder"), *credentials = json_object_get(doc, "credentials");

    card->status = acs_card_status_of(doc);
    card->group = word_of(doc, "group", WORD_MAX);
    card->ref = word_of(holder, "ref", 128);
    card->language = word_of(holder, "language", 35);
    card->phone = word_of(holder, "phone", 32);
    card->email = word_of(holder, "email", 254);
    card->methods = words_of(holder, "methods", ACS_CHA_COUNT, " ", run->pool);
    card->trust_status = code_of(doc, "trustListStatus", "Y N E P R U");
    card->device_binding = code_of(doc, "deviceBindingStatus", "01 02 03 04 05 11 12 13 14 15");
    card->csc_status = code_of(doc, "cardSecurityCodeStatus", "Y N U");
    card->rp_id = word_of(doc, "rpId", 253);
    card->credentials = json_is_array(credentials) ? credentials : NULL;
}

static apr_status_t ask_card(acs_run_t *run, acs_facts_t *facts)
{
    acs_ask_t ask = {.issuer = facts->issuer, .kind = ACS_HOOK_CARD, .id = facts->id, .deadline = run->deadline};
    json_t *answer;
    apr_status_t rv;

    ask.body = card_question(run, facts);
    rv = acs_hook_call(run, &ask, &answer);
    facts->card = (acs_card_t){.status = ACS_CARD_UNKNOWN};
    if (rv == APR_SUCCESS && answer) card_answer(run, &facts->card, answer);
    if (rv == APR_SUCCESS || rv == APR_ENOENT) return APR_SUCCESS;
    facts->card.status = ACS_CARD_ACTIVE; /* unknown to nobody but us: the fallback decides */
    return fall_back(run, facts, ACS_HOOK_CARD);
}

/* ---- risk ----------------------------------------------------------------- */

/* What a risk system has no need of: who the cardholder is, and keys. Where the device is it may know. */
static int is_left_out(tds_elem_e elem)
{
    static const tds_elem_e keys[] = {TDS_E_SDK_EPHEM_PUB_KEY, TDS_E_PAY_TOKEN_INFO, TDS_E_SDK_SERVER_SIGNED_CONTENT,
                                      TDS_E_THREE_DS_REQUESTOR_AUTHENTICATION_INFO,
                                      TDS_E_THREE_DS_REQUESTOR_PRIOR_AUTHENTICATION_INFO, TDS_E_MESSAGE_EXTENSION};
    apr_size_t i;

    for (i = 0; i < sizeof keys / sizeof *keys; ++i) {
        if (keys[i] == elem) return 1;
    }
    if (elem == TDS_E_BROWSER_IP || elem == TDS_E_APP_IP || elem == TDS_E_DEVICE_ID) return 0;
    return tds_elem_mask(elem) != TDS_MASK_PLAIN;
}

/* Members of objects by the same rule, also of those in arrays. What the specification does not know is never forwarded
 * (A-AREQ-11): nobody can say what it holds. */
static json_t *without(const json_t *value)
{
    json_t *out, *member;
    const char *name;
    size_t i;

    if (json_is_array(value)) {
        out = json_array();
        json_array_foreach((json_t *)value, i, member) json_array_append_new(out, without(member));
        return out;
    }
    if (!json_is_object(value)) return json_incref((json_t *)value);
    out = json_object();
    json_object_foreach((json_t *)value, name, member) {
        tds_elem_e elem = tds_elem_find(name, strlen(name));

        if (elem != TDS_E_NONE && !is_left_out(elem)) json_object_set_new(out, name, without(member));
    }
    return out;
}

json_t *acs_redacted(const tds_msg_t *areq, apr_pool_t *pool)
{
    json_t *doc = tds_json_object(pool);
    int i;

    for (i = 0; i < TDS_ELEM_TOP_END; ++i) {
        if (areq->elem[i] && !is_left_out((tds_elem_e)i))
            json_object_set_new(doc, tds_elem_name((tds_elem_e)i), without(areq->elem[i]));
    }
    return doc;
}

static json_t *counters_of(const acs_facts_t *facts, apr_pool_t *pool)
{
    json_t *doc = json_object();
    int i;

    for (i = 0; i < facts->issuer->counters->nelts; ++i) {
        if (facts->counts->at[i].have)
            tds_json_set(doc, APR_ARRAY_IDX(facts->issuer->counters, i, const acs_counter_t).name,
                         apr_psprintf(pool, "%" APR_INT64_T_FMT, facts->counts->at[i].value));
    }
    return doc;
}

static json_t *risk_question(acs_run_t *run, const acs_facts_t *facts)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "acsTransID", facts->id);
    json_object_set(doc, "areq", acs_redacted(facts->areq, run->pool));
    tds_json_set(doc, "cardGroup", facts->card.group);
    if (facts->method) json_object_set(doc, "method", (json_t *)facts->method->members);
    if (facts->counts) json_object_set_new(doc, "counters", counters_of(facts, run->pool));
    return doc;
}

static const char *score_of(const json_t *doc, apr_pool_t *pool)
{
    const json_t *score = json_object_get(doc, "score");
    json_int_t n = json_integer_value(score);

    return json_is_integer(score) && n >= 0 && n < 1000000000 ? apr_psprintf(pool, "%d", (int)n) : NULL;
}

static apr_status_t ask_risk(acs_run_t *run, acs_facts_t *facts)
{
    acs_ask_t ask = {.issuer = facts->issuer, .kind = ACS_HOOK_RISK, .id = facts->id, .deadline = run->deadline};
    json_t *answer;
    apr_status_t rv;

    ask.body = risk_question(run, facts);
    rv = acs_hook_call(run, &ask, &answer);
    if (rv != APR_SUCCESS || !answer) return fall_back(run, facts, ACS_HOOK_RISK);
    facts->risk = (acs_risk_t){.decision = word_of(answer, "decision", WORD_MAX),
                               .score = score_of(answer, run->pool),
                               .reasons = words_of(answer, "reasons", REASONS_MAX, ",", run->pool)};
    return APR_SUCCESS;
}

/* ---- trust list ------------------------------------------------------------ */

static void ask_trust(acs_run_t *run, acs_facts_t *facts)
{
    acs_ask_t ask = {.issuer = facts->issuer, .kind = ACS_HOOK_TRUST, .path = "/status", .id = facts->id,
                     .deadline = run->deadline, .body = tds_json_object(run->pool)};
    json_t *answer;

    tds_json_set(ask.body, "acsTransID", facts->id);
    tds_json_set(ask.body, "cardholder", facts->card.ref);
    tds_json_set(ask.body, "cardIndex", index_of(run, facts));
    add_part(ask.body, "merchant", facts->areq, merchant_members);
    if (acs_hook_call(run, &ask, &answer) == APR_SUCCESS && answer)
        facts->card.trust_status = code_of(answer, "trustListStatus", "Y N E P R U");
}

/* ---- the whole ------------------------------------------------------------- */

apr_status_t acs_gather_hooks(acs_run_t *run, acs_facts_t *facts)
{
    const acs_issuer_t *issuer = facts->issuer;
    apr_status_t rv = APR_SUCCESS;

    if (issuer->hooks[ACS_HOOK_CARD]) rv = ask_card(run, facts);
    if (rv == APR_SUCCESS) rv = acs_gather_prior(run, facts);
    if (rv != APR_SUCCESS || facts->instead || facts->card.status != ACS_CARD_ACTIVE) return rv;
    if (!facts->card.trust_status) facts->card.trust_status = facts->listed;
    if (!facts->card.trust_status && issuer->trust_list == ACS_TRUST_HOOK && facts->areq->version >= TDS_V220)
        ask_trust(run, facts);
    if (issuer->hooks[ACS_HOOK_RISK] && (issuer->reads & ACS_READS_RISK)) rv = ask_risk(run, facts);
    return rv;
}
