#include "tds_msg_int.h"

/* A screen as the ACS sends it: an interim CRes. The tables of the specification let a sender leave out what SDKs in the
 * field refuse a CRes without (C/201), and a receiver skips what does not belong to the type; a sender does neither. */

#define T(type)  (1u << (type)) /* acsUiType */
#define SELECT   (T(2) | T(3))
#define ENTRY    (T(1) | SELECT)
#define NATIVE   (ENTRY | T(4) | T(7))
#define HTML     (T(5) | T(6))
#define OLD      (TDS_VER_BIT(TDS_V210) | TDS_VER_BIT(TDS_V220))
#define NEW      (~OLD)
#define ALL      (~0u)
#define TYPE_MAX 7

/* The table of protocol rules P-06, P-07 (5.3): types that must carry a field ("M" and "m"), types that may. Which version
 * has a field, or a type, is the affair of the generated tables. */
typedef struct tds_screen_row_t {
    tds_elem_e elem;
    unsigned versions, must, may;
} tds_screen_row_t;

static const tds_screen_row_t fields[] = {
    {TDS_E_ACS_HTML, ALL, HTML, 0},
    {TDS_E_ACS_HTML_REFRESH, ALL, 0, T(5)}, /* P-22 */
    {TDS_E_CHALLENGE_INFO_HEADER, ALL, NATIVE, 0},
    {TDS_E_CHALLENGE_INFO_TEXT, ALL, NATIVE, 0},
    {TDS_E_CHALLENGE_INFO_LABEL, OLD, ENTRY, T(4)},
    {TDS_E_CHALLENGE_INFO_LABEL, NEW, SELECT, T(4) | T(7)},
    {TDS_E_CHALLENGE_INFO_TEXT_INDICATOR, ALL, 0, NATIVE},
    {TDS_E_CHALLENGE_SELECT_INFO, ALL, SELECT, 0},
    {TDS_E_CHALLENGE_ENTRY_BOX, ALL, 0, T(1)}, /* must: the generated tables, which know the version */
    {TDS_E_CHALLENGE_ENTRY_BOX_TWO, ALL, 0, T(1)},
    {TDS_E_SUBMIT_AUTHENTICATION_LABEL, ALL, ENTRY, 0},
    {TDS_E_RESEND_INFORMATION_LABEL, ALL, 0, T(1)},
    {TDS_E_OOB_CONTINUE_LABEL, OLD, T(4), 0},
    {TDS_E_OOB_CONTINUE_LABEL, NEW, 0, T(4)}, /* must: without oobAppLabel, says the generated table */
    {TDS_E_OOB_APP_LABEL, OLD, 0, 0}, /* P-25: reserved names */
    {TDS_E_OOB_APP_LABEL, NEW, 0, T(4)},
    {TDS_E_OOB_APP_URL, OLD, 0, 0},
    {TDS_E_OOB_APP_URL, NEW, 0, T(4) | T(6)},
    {TDS_E_INFO_CONTINUE_LABEL, ALL, T(7), 0},
    {TDS_E_CHALLENGE_ADD_LABEL, ALL, 0, NATIVE},
    {TDS_E_CHALLENGE_ADD_INFO, ALL, 0, T(4)}, /* P-22: never instead of challengeInfoText */
    {TDS_E_WHITELISTING_INFO_TEXT, ALL, 0, NATIVE},
    {TDS_E_TRUST_LIST_INFO_TEXT, ALL, 0, NATIVE},
    {TDS_E_DEVICE_BINDING_INFO_TEXT, ALL, 0, NATIVE},
    {TDS_E_TOGGLE_POSITION_IND, ALL, 0, NATIVE},
    {TDS_E_ISSUER_IMAGE, ALL, 0, NATIVE},
    {TDS_E_PS_IMAGE, ALL, 0, NATIVE},
    {TDS_E_WHY_INFO_LABEL, ALL, 0, NATIVE},
    {TDS_E_WHY_INFO_TEXT, ALL, 0, NATIVE},
    {TDS_E_EXPAND_INFO_LABEL, ALL, 0, NATIVE},
    {TDS_E_EXPAND_INFO_TEXT, ALL, 0, NATIVE},
};

/* 1 to TYPE_MAX; 0: none, one of the Directory Server, or one that the tables have refused. */
static int type_of(const tds_msg_t *cres)
{
    const char *text = json_string_value(cres->elem[TDS_E_ACS_UI_TYPE]);

    if (!text || text[0] != '0' || text[1] < '1' || text[1] > '0' + TYPE_MAX || text[2]) return 0;
    return text[1] - '0';
}

void tds_screen_check(tds_ctx_t *ctx)
{
    const tds_msg_t *msg = ctx->msg;
    int type = msg->type == TDS_MSG_CRES && ctx->variant == TDS_VARIANT_INTERIM ? type_of(msg) : 0;
    apr_size_t i;

    if (!type) return;
    for (i = 0; i < sizeof fields / sizeof *fields; ++i) {
        const tds_screen_row_t *row = &fields[i];

        if (!(row->versions & TDS_VER_BIT(msg->version))) continue;
        if (!msg->elem[row->elem]) {
            if (row->must & T(type)) tds_report_text(ctx, 201, row->elem, tds_elem_name(row->elem));
        }
        else if (!((row->must | row->may) & T(type))) /* P-08 [Req 387] */
            tds_report_text(ctx, 203, row->elem, tds_elem_name(row->elem));
    }
}
