#include "tds_msg_int.h"

#include <apr_strings.h>

/* The Erro (protocol rules E-01 to E-07). */

typedef struct tds_erro_text_t {
    int code;
    unsigned versions;
    const char *text;   /* errorDescription */
    const char *detail; /* errorDetail where the report has none */
} tds_erro_text_t;

#define ALL (~0u)
#define NEW (~(TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220))) /* 2.3.1 and what comes after it */

#define VERSION_TEXT_MAX 8 /* "12.34.56" */

static const tds_erro_text_t texts[] = {
    {101, ALL, "Message not recognised", "Invalid Formatted Message"},
    {102, ALL, "Message version not supported", "messageVersion"},
    {103, ALL, "Too many PReq messages", "PReq limit exceeded"},
    {201, ALL, "Required data element missing", "data element missing"},
    {202, ALL, "Critical message extension not recognised", "message extension"},
    {203, ALL, "Data element not in the required format or value", "data element invalid"},
    {204, ALL, "Duplicate data element", "data element duplicated"},
    {205, NEW, "Card ranges overlap", "card ranges"},
    {206, NEW, "Card range action not possible", "card range action"},
    {207, NEW, "Reserved value in a data element", "reserved value"},
    {301, ALL, "Transaction ID not recognised", "transaction ID"},
    {302, ALL, "Data could not be decrypted or authenticated", "decryption failed"},
    {303, ALL, "Access denied", "Access denied"},
    {304, ALL, "ISO code not valid", "ISO code"},
    {305, ALL, "Transaction data not valid", "transaction data"},
    {306, ALL, "Merchant category code not valid for the payment system", "mcc"},
    {307, ALL, "Serial number not valid", "serialNum"},
    {308, NEW, "Split-SDK server signature not valid", "sdkServerSignedContent"},
    {309, NEW, "Content security failure", "content security"},
    {310, NEW, "Encryption algorithm not allowed for the SDK type", "A128GCM"},
    {311, NEW, "Key of the encrypted SDK data not recognised", "kid"},
    {312, NEW, "Duplicate transaction or message", "transaction ID"},
    {313, NEW, "Results Request not expected", "threeDSServerTransID"},
    {314, NEW, "Challenge cannot be resumed", "acsTransID"},
    {315, NEW, "Challenge has ended", "acsTransID"},
    {402, ALL, "Transaction timed out", "timed out"},
    {403, ALL, "Transient system failure", "transient system failure"},
    {404, ALL, "Permanent system failure", "permanent system failure"},
    {405, ALL, "System connection failure", "connection failure"},
};

/* The row of 403 for a code that has none. */
static const tds_erro_text_t *find(int code)
{
    const tds_erro_text_t *failure = texts;
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        if (texts[i].code == code) return &texts[i];
        if (texts[i].code == 403) failure = &texts[i];
    }
    return failure;
}

const char *tds_erro_text(int code)
{
    const tds_erro_text_t *t = find(code);

    return t->code == code ? t->text : "Error";
}

/* A code that this version does not have yet becomes the nearest one it has (E-03). */
static const tds_erro_text_t *text_for(int code, tds_ver_e version)
{
    const tds_erro_text_t *t = find(code);

    if (t->versions & TDS_VER_BIT(version)) return t;
    switch (code) {
    case 312:
        return find(301);
    case 313:
    case 314:
    case 315:
        return find(305);
    case 308:
    case 310:
    case 311:
        return find(302);
    default:
        return find(203);
    }
}

static tds_ver_e version_for(const tds_erro_t *in)
{
    tds_ver_e v = in->faulty ? in->faulty->version : TDS_V_NONE;

    if (v && (!in->versions || (in->versions & TDS_VER_BIT(v)))) return v;
    v = in->version ? in->version : tds_ver_highest(in->versions);
    return v ? v : tds_ver_highest(0);
}

static int twice(const tds_msg_t *faulty, tds_elem_e elem)
{
    const char *name = tds_elem_name(elem);

    return faulty->duplicates && tds_list_has(faulty->duplicates, name, strlen(name));
}

/* As received, unless malformed or sent twice; else that of the transaction (E-05). The root is
 * read, since a check may have put the element aside. */
static void put_id(tds_msg_t *erro, const tds_erro_t *in, tds_elem_e elem, const char *stored)
{
    const json_t *v = in->faulty ? json_object_get(in->faulty->root, tds_elem_name(elem)) : NULL;

    if (json_is_string(v) && !twice(in->faulty, elem) &&
        tds_format_fn[TDS_F_UUID](json_string_value(v), json_string_length(v)))
        tds_msg_set(erro, elem, json_string_value(v));
    else if (stored && tds_format_fn[TDS_F_UUID](stored, strlen(stored)))
        tds_msg_set(erro, elem, stored);
}

/* A version that is not that of the transaction: which is which. What has not the shape of a version is not repeated. */
static const char *text_of(const tds_erro_t *in, const tds_erro_text_t *t, const char *detail, apr_pool_t *pool)
{
    const char *got = in->faulty ? tds_json_get(in->faulty->root, "messageVersion") : NULL;
    const char *want = tds_ver_text(in->version);

    if (t->code != 203 || strcmp(detail, "messageVersion") || !got || !*want || !strcmp(got, want)) return t->text;
    if (strlen(got) > VERSION_TEXT_MAX || !tds_format_fn[TDS_F_VERSION](got, strlen(got))) return t->text;
    return apr_psprintf(pool, "%s: message of %s in a transaction of %s", t->text, got, want);
}

/* What is not a text an Erro may carry is left out: it must be valid whatever came in. */
static const char *detail_for(const tds_erro_t *in, const tds_erro_text_t *t, apr_pool_t *pool)
{
    const char *detail = tds_detail_cut(in->err ? in->err->elements : NULL, pool);
    json_t *probe = detail && *detail ? json_string(detail) : NULL;

    if (!probe) return t->detail;
    json_decref(probe);
    return detail;
}

tds_msg_t *tds_erro_make(const tds_erro_t *in, apr_pool_t *pool)
{
    tds_ver_e version = version_for(in);
    tds_msg_t *erro = tds_msg_make(TDS_MSG_ERRO, version, pool);
    const tds_erro_text_t *t = text_for(in->err ? in->err->proto : 0, version);
    const char component[2] = {in->component, '\0'};
    const char *detail = detail_for(in, t, pool);
    tds_msg_e about = in->faulty ? in->faulty->type : TDS_MSG_NONE;

    put_id(erro, in, TDS_E_THREE_DS_SERVER_TRANS_ID, in->server_trans_id);
    put_id(erro, in, TDS_E_ACS_TRANS_ID, in->acs_trans_id);
    put_id(erro, in, TDS_E_DS_TRANS_ID, in->ds_trans_id);
    put_id(erro, in, TDS_E_SDK_TRANS_ID, in->sdk_trans_id);
    tds_msg_set(erro, TDS_E_ERROR_CODE, apr_itoa(pool, t->code));
    tds_msg_set(erro, TDS_E_ERROR_COMPONENT, component);
    tds_msg_set(erro, TDS_E_ERROR_DESCRIPTION, text_of(in, t, detail, pool));
    tds_msg_set(erro, TDS_E_ERROR_DETAIL, detail);
    if (about && (tds_tables[about].vers & TDS_VER_BIT(version)))
        tds_msg_set(erro, TDS_E_ERROR_MESSAGE_TYPE, tds_msg_type_text(about));
    return erro;
}
