#include "tds_view.h"

#include <string.h>
#include "tds_json.h"

static int one_of(const char *text, const char *const *codes)
{
    for (; text && *codes; ++codes) {
        if (!strcmp(text, *codes)) return 1;
    }
    return 0;
}

/* ---- AReq ---------------------------------------------------------------- */

int tds_view_asks(const tds_msg_t *areq, const char *const *codes)
{
    const json_t *ind = tds_msg_get_json(areq, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND);
    size_t i;

    if (!json_is_array(ind)) return one_of(ind ? json_string_value(ind) : "01", codes);
    for (i = 0; i < json_array_size(ind); ++i) {
        if (one_of(json_string_value(json_array_get(ind, i)), codes)) return 1;
    }
    return 0;
}

int tds_view_decoupled(const tds_msg_t *areq)
{
    static const char *const codes[] = {"Y", "B", NULL};

    return one_of(tds_msg_get(areq, TDS_E_THREE_DS_REQUESTOR_DEC_REQ_IND), codes);
}

int tds_view_fallback(const tds_msg_t *areq)
{
    static const char *const codes[] = {"F", "B", NULL};

    return one_of(tds_msg_get(areq, TDS_E_THREE_DS_REQUESTOR_DEC_REQ_IND), codes);
}

int tds_view_javascript(const tds_msg_t *areq)
{
    return areq->version == TDS_V210 || json_is_true(tds_msg_get_json(areq, TDS_E_BROWSER_JAVASCRIPT_ENABLED));
}

const char *tds_view_language(const tds_msg_t *areq)
{
    const char *language = tds_msg_get(areq, TDS_E_BROWSER_LANGUAGE);

    return language ? language : tds_msg_get_path(areq, tds_elem_name(TDS_E_ACCEPT_LANGUAGE));
}

/* Elements that became an array with 2.3.1. */
static int is_list_now(tds_elem_e elem)
{
    return elem == TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND || elem == TDS_E_THREE_DS_REQUESTOR_AUTHENTICATION_INFO ||
           elem == TDS_E_THREE_DS_REQUESTOR_PRIOR_AUTHENTICATION_INFO;
}

/* Elements that got another name with 2.3.1 (N-21). */
static tds_elem_e name_in(tds_ver_e version, tds_elem_e elem)
{
    static const tds_elem_e names[][2] = {{TDS_E_WHITE_LIST_STATUS, TDS_E_TRUST_LIST_STATUS},
                                          {TDS_E_WHITE_LIST_STATUS_SOURCE, TDS_E_TRUST_LIST_STATUS_SOURCE}};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; ++i) {
        if (elem == names[i][0] || elem == names[i][1]) return names[i][version >= TDS_V231];
    }
    return elem;
}

int tds_view_put(tds_msg_t *areq, tds_elem_e elem, json_t *value)
{
    json_t *list;

    elem = name_in(areq->version, elem);
    if (is_list_now(elem) && areq->version >= TDS_V231 && !json_is_array(value)) {
        if (!(list = json_array()) || json_array_append_new(list, value)) {
            json_decref(list);
            return -1;
        }
        value = list;
    }
    else if (is_list_now(elem) && areq->version < TDS_V231 && json_array_size(value) == 1) {
        list = value;
        value = json_incref(json_array_get(list, 0));
        json_decref(list);
    }
    return tds_msg_set_json(areq, elem, value);
}

/* ---- AReq, ARes, RReq ---------------------------------------------------- */

static int new_names(const tds_msg_t *msg)
{
    return msg->version >= TDS_V231;
}

tds_listing_t tds_view_trust_list(const tds_msg_t *msg)
{
    tds_elem_e status = new_names(msg) ? TDS_E_TRUST_LIST_STATUS : TDS_E_WHITE_LIST_STATUS;
    tds_elem_e source = new_names(msg) ? TDS_E_TRUST_LIST_STATUS_SOURCE : TDS_E_WHITE_LIST_STATUS_SOURCE;

    return (tds_listing_t){.status = tds_msg_get(msg, status), .source = tds_msg_get(msg, source)};
}

int tds_view_set_trust_list(tds_msg_t *msg, const tds_listing_t *listing)
{
    if (msg->version == TDS_V210) return 0;
    if (tds_msg_set(msg, new_names(msg) ? TDS_E_TRUST_LIST_STATUS : TDS_E_WHITE_LIST_STATUS, listing->status)) return -1;
    return tds_msg_set(msg, new_names(msg) ? TDS_E_TRUST_LIST_STATUS_SOURCE : TDS_E_WHITE_LIST_STATUS_SOURCE,
                       listing->source);
}

const char *tds_view_cardholder_info(const tds_msg_t *msg)
{
    const json_t *info = tds_msg_get_json(msg, TDS_E_CARDHOLDER_INFO);

    return json_is_object(info) ? tds_json_get(info, "text") : json_string_value(info);
}

int tds_view_set_cardholder_info(tds_msg_t *msg, const char *text)
{
    json_t *info;

    if (!new_names(msg) || !text || !*text) return tds_msg_set(msg, TDS_E_CARDHOLDER_INFO, text);
    if (!(info = json_pack("{s:s}", "text", text))) return -1;
    return tds_msg_set_json(msg, TDS_E_CARDHOLDER_INFO, info);
}

static const struct {
    const char *type, *method;
} auth_codes[] = {[TDS_AUTH_PASSCODE] = {"01", "01"}, [TDS_AUTH_SMS_OTP] = {"02", "02"}, [TDS_AUTH_OTHER_OTP] = {"02", "05"},
                  [TDS_AUTH_OOB] = {"03", "09"},      [TDS_AUTH_DECOUPLED] = {"04", "12"}, [TDS_AUTH_SPC] = {"03", "14"}};

int tds_view_set_auth(tds_msg_t *msg, tds_auth_e how)
{
    json_t *methods;

    if (!new_names(msg)) return tds_msg_set(msg, TDS_E_AUTHENTICATION_TYPE, auth_codes[how].type);
    if (!(methods = json_pack("[s]", auth_codes[how].method))) return -1;
    return tds_msg_set_json(msg, TDS_E_AUTHENTICATION_METHOD, methods);
}

int tds_view_set_method_code(tds_msg_t *rreq, tds_auth_e how)
{
    if (new_names(rreq) || how >= TDS_AUTH_DECOUPLED) return 0; /* 12 is of a later version */
    return tds_msg_set(rreq, TDS_E_AUTHENTICATION_METHOD, auth_codes[how].method);
}

/* ---- CReq ---------------------------------------------------------------- */

tds_oob_e tds_view_oob_continue(const tds_msg_t *creq)
{
    const char *code = tds_msg_get(creq, TDS_E_OOB_CONTINUE);

    if (!code || !strcmp(code, "false")) return TDS_OOB_NONE;
    return strcmp(code, "02") ? TDS_OOB_BUTTON : TDS_OOB_AUTOMATIC;
}

const char *tds_view_trust_list_entry(const tds_msg_t *creq)
{
    return tds_msg_get(creq, new_names(creq) ? TDS_E_TRUST_LIST_DATA_ENTRY : TDS_E_WHITELISTING_DATA_ENTRY);
}

/* ---- errorCode ----------------------------------------------------------- */

int tds_view_code(tds_ver_e version, tds_fault_e fault)
{
    static const int codes[][2] = {[TDS_FAULT_RESERVED] = {203, 207},   [TDS_FAULT_DUPLICATE] = {301, 312},
                                   [TDS_FAULT_RREQ_UNDUE] = {305, 313}, [TDS_FAULT_CREQ_LATE] = {305, 315},
                                   [TDS_FAULT_OVERLAP] = {203, 205},    [TDS_FAULT_ACTION] = {203, 206}};

    return codes[fault][version >= TDS_V231];
}
