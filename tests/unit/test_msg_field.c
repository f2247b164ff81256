/* What payments have failed of in the field, as messages of ours: none leaves. The screens are those of the table in
 * protocol rules 5.3 (P-06 to P-08, P-22), the versions' texts those of P-02. Chains of certificates: test_jws.c. */
#include "unit.h"
#include "tds_msg.h"

#define SERVER_ID "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define ACS_ID    "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
#define SDK_ID    "b2385523-a66c-4907-ac3c-91848e8c0067"

static const tds_prior_t app[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, "01"},
                                  {TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, "01"},
                                  {TDS_MSG_CREQ, TDS_E_OOB_APP_URL_IND, "01"}};
static const tds_msg_rules_t rules = {.prior = app, .nprior = 3};

static const tds_ver_e all[] = {TDS_V210, TDS_V220, TDS_V231};

/* "" when msg may leave, else "201 a,b". */
static const char *verdict(tds_msg_t *msg)
{
    const char *bytes;
    apr_size_t len;

    tds_err_init(&err, pool);
    if (tds_msg_encode(&bytes, &len, msg, &rules, pool, &err) == APR_SUCCESS) return "";
    assert_null(bytes);
    return apr_psprintf(pool, "%d %s", err.proto, err.elements ? err.elements : "-");
}

static tds_msg_t *cres(tds_ver_e v, const char *completed)
{
    tds_msg_t *m = tds_msg_make(TDS_MSG_CRES, v, pool);

    tds_msg_set(m, TDS_E_THREE_DS_SERVER_TRANS_ID, SERVER_ID);
    tds_msg_set(m, TDS_E_ACS_TRANS_ID, ACS_ID);
    tds_msg_set(m, TDS_E_SDK_TRANS_ID, SDK_ID);
    tds_msg_set(m, TDS_E_ACS_COUNTER_A_TO_S, "000");
    tds_msg_set(m, TDS_E_CHALLENGE_COMPLETION_IND, completed);
    return m;
}

static json_t *value_of(tds_elem_e elem, tds_ver_e v)
{
    switch (elem) {
    case TDS_E_CHALLENGE_SELECT_INFO:
        return json_pack("[{s:s},{s:s}]", "text", "by text", "mail", "by mail");
    case TDS_E_CHALLENGE_ENTRY_BOX:
    case TDS_E_CHALLENGE_ENTRY_BOX_TWO:
        return json_pack("{s:s}", "challengeDataEntryLabel", "Code");
    case TDS_E_ISSUER_IMAGE:
    case TDS_E_PS_IMAGE:
        return json_pack("{s:s}", v == TDS_V231 ? "default" : "medium", "https://acs.test/m.png");
    case TDS_E_ACS_HTML:
    case TDS_E_ACS_HTML_REFRESH:
        return json_string("PGh0bWw-");
    case TDS_E_OOB_APP_URL:
        return json_string("https://app.test/");
    case TDS_E_CHALLENGE_INFO_TEXT_INDICATOR:
        return json_string("N");
    case TDS_E_TOGGLE_POSITION_IND:
        return json_string("01");
    default:
        return json_string("Text");
    }
}

/* One row of the table. A cell: M must, O may, C may (with what stands beside it), - must not. new is NULL where it is as
 * old. from, to: versions that have the field. */
typedef struct field_t {
    tds_elem_e elem;
    const char *old, *new;
    tds_ver_e from, to;
} field_t;

/*                                      types 1234567 */
static const field_t fields[] = {
    {TDS_E_ACS_HTML,                        "----M--", "----MM-", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_INFO_HEADER,           "MMMM---", "MMMM--M", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_INFO_TEXT,             "MMMM---", "MMMM--M", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_INFO_LABEL,            "MMMO---", "-MMO--O", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_INFO_TEXT_INDICATOR,   "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_SELECT_INFO,           "-MM----", "-MM----", TDS_V210, TDS_V231},
    {TDS_E_CHALLENGE_ENTRY_BOX,             "",        "M------", TDS_V231, TDS_V231},
    {TDS_E_CHALLENGE_ENTRY_BOX_TWO,         "",        "O------", TDS_V231, TDS_V231},
    {TDS_E_SUBMIT_AUTHENTICATION_LABEL,     "MMM----", "MMM----", TDS_V210, TDS_V231},
    {TDS_E_RESEND_INFORMATION_LABEL,        "O------", "O------", TDS_V210, TDS_V231},
    {TDS_E_OOB_CONTINUE_LABEL,              "---M---", "---M---", TDS_V210, TDS_V231},
    {TDS_E_INFO_CONTINUE_LABEL,             "",        "------M", TDS_V231, TDS_V231},
    {TDS_E_CHALLENGE_ADD_LABEL,             "",        "OOOO--O", TDS_V231, TDS_V231},
    {TDS_E_CHALLENGE_ADD_INFO,              "---O---", "",        TDS_V210, TDS_V210},
    {TDS_E_ACS_HTML_REFRESH,                "----O--", "",        TDS_V210, TDS_V210},
    {TDS_E_WHITELISTING_INFO_TEXT,          "OOOO---", "",        TDS_V220, TDS_V220},
    {TDS_E_TRUST_LIST_INFO_TEXT,            "",        "OOOO--O", TDS_V231, TDS_V231},
    {TDS_E_DEVICE_BINDING_INFO_TEXT,        "",        "OOOO--O", TDS_V231, TDS_V231},
    {TDS_E_ISSUER_IMAGE,                    "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_PS_IMAGE,                        "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_WHY_INFO_LABEL,                  "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_WHY_INFO_TEXT,                   "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_EXPAND_INFO_LABEL,               "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
    {TDS_E_EXPAND_INFO_TEXT,                "OOOO---", "OOOO--O", TDS_V210, TDS_V231},
};

static char cell(const field_t *f, tds_ver_e v, int type)
{
    if (v < f->from || v > f->to) return '-';
    return (v == TDS_V231 ? f->new : f->old)[type - 1];
}

/* The least a screen of that type is made of, without one field. */
static tds_msg_t *screen(tds_ver_e v, int type, tds_elem_e without)
{
    tds_msg_t *m = cres(v, "N");
    int i;

    tds_msg_set(m, TDS_E_ACS_UI_TYPE, apr_psprintf(pool, "0%d", type));
    for (i = 0; i < COUNT(fields); ++i)
        if (cell(&fields[i], v, type) == 'M' && fields[i].elem != without)
            tds_msg_set_json(m, fields[i].elem, value_of(fields[i].elem, v));
    return m;
}

/* Each cell of the table: without what must be there, with what may, with what must not. */
static void every_cell(void **state)
{
    int v, type, i, cells = 0;

    for (v = 0; v < 3; ++v)
        for (type = 1; type <= (all[v] == TDS_V231 ? 7 : 5); ++type) {
            assert_string_equal(verdict(screen(all[v], type, TDS_E_NONE)), "");
            for (i = 0; i < COUNT(fields); ++i) {
                char c = cell(&fields[i], all[v], type);
                tds_msg_t *m = screen(all[v], type, c == 'M' ? fields[i].elem : TDS_E_NONE);
                const char *name = tds_elem_name(fields[i].elem), *want = "", *got;

                if (c == 'M') want = apr_psprintf(pool, "201 %s", name);
                else tds_msg_set_json(m, fields[i].elem, value_of(fields[i].elem, all[v]));
                if (c == '-') want = apr_psprintf(pool, "203 %s", name);
                got = verdict(m);
                if (strcmp(got, want))
                    fail_msg("%s type 0%d %s: '%s', expected '%s'", tds_ver_text(all[v]), type, name, got, want);
                ++cells;
            }
        }
    assert_int_equal(cells, (5 + 5 + 7) * COUNT(fields));
}

/* P-06: an SDK refused the CRes for an empty whyInfoText. */
static void no_empty_text(void **state)
{
    int v;

    for (v = 0; v < 3; ++v) {
        tds_msg_t *m = screen(all[v], 1, TDS_E_NONE);
        const char *bytes;
        apr_size_t len;

        tds_msg_set(m, TDS_E_WHY_INFO_TEXT, "");
        tds_msg_set(m, TDS_E_WHY_INFO_TEXT, NULL);
        assert_int_equal(tds_msg_encode(&bytes, &len, m, &rules, pool, &err), APR_SUCCESS);
        assert_null(strstr(bytes, "whyInfoText"));
        tds_msg_set_json(m, TDS_E_WHY_INFO_TEXT, json_string(""));
        assert_string_equal(verdict(m), "203 whyInfoText");
        tds_msg_set_json(m, TDS_E_WHY_INFO_TEXT, json_null());
        assert_string_equal(verdict(m), "203 whyInfoText");
        tds_msg_set(m, TDS_E_WHY_INFO_TEXT, "We ask since it is you who pays");
        assert_string_equal(verdict(m), "");
        m = screen(all[v], 1, TDS_E_CHALLENGE_INFO_TEXT);
        tds_msg_set_json(m, TDS_E_CHALLENGE_INFO_TEXT, json_string(""));
        assert_string_equal(verdict(m), all[v] == TDS_V231 ? "201 challengeInfoText" : "203 challengeInfoText");
    }
}

/* An app was sent to the bank's app, and had no way on. */
static void oob_has_a_way_on(void **state)
{
    tds_msg_t *m;
    int v;

    for (v = 0; v < 3; ++v) {
        m = screen(all[v], 4, TDS_E_OOB_CONTINUE_LABEL);
        assert_string_equal(verdict(m), "201 oobContinueLabel");
        tds_msg_set(m, TDS_E_OOB_CONTINUE_LABEL, "Go on");
        assert_string_equal(verdict(m), "");
    }
    m = screen(TDS_V231, 4, TDS_E_OOB_CONTINUE_LABEL);
    tds_msg_set(m, TDS_E_OOB_APP_LABEL, "Open the app");
    tds_msg_set(m, TDS_E_OOB_APP_URL, "https://app.test/");
    assert_string_equal(verdict(m), "");
    for (v = 0; v < 2; ++v) { /* P-25 */
        m = screen(all[v], 4, TDS_E_NONE);
        tds_msg_set(m, TDS_E_OOB_APP_LABEL, "Open the app");
        tds_msg_set(m, TDS_E_OOB_APP_URL, "https://app.test/");
        assert_string_equal(verdict(m), "203 oobAppLabel,oobAppURL");
    }
    m = screen(TDS_V231, 6, TDS_E_NONE);
    tds_msg_set(m, TDS_E_OOB_APP_URL, "https://app.test/");
    assert_string_equal(verdict(m), "");
    tds_msg_set(m, TDS_E_OOB_APP_LABEL, "Open the app");
    assert_string_equal(verdict(m), "203 oobAppLabel");
}

/* P-22: challengeAddInfo is what is shown later, not instead. */
static void added_text_replaces_none(void **state)
{
    tds_msg_t *m = screen(TDS_V210, 4, TDS_E_CHALLENGE_INFO_TEXT);

    tds_msg_set(m, TDS_E_CHALLENGE_ADD_INFO, "Press to go on");
    assert_string_equal(verdict(m), "201 challengeInfoText");
    tds_msg_set(m, TDS_E_CHALLENGE_INFO_TEXT, "Confirm in your app");
    assert_string_equal(verdict(m), "");
    m = screen(TDS_V210, 5, TDS_E_ACS_HTML);
    tds_msg_set(m, TDS_E_ACS_HTML_REFRESH, "PGh0bWw-");
    assert_string_equal(verdict(m), "201 acsHTML");
}

/* All that is missing is named, in one report. */
static void named_together(void **state)
{
    static const char *const names[] = {"challengeInfoHeader", "challengeInfoText", "challengeInfoLabel",
                                        "submitAuthenticationLabel"};
    tds_msg_t *m = cres(TDS_V210, "N");
    apr_size_t len = 0;
    int i;

    tds_msg_set(m, TDS_E_ACS_UI_TYPE, "01");
    (void)verdict(m);
    assert_int_equal(err.proto, 201);
    for (i = 0; i < COUNT(names); ++i) {
        assert_non_null(strstr(err.elements, names[i]));
        len += strlen(names[i]) + 1;
    }
    assert_int_equal(strlen(err.elements) + 1, len);
}

/* P-04: a final CRes has no screen; a browser never has one. */
static void final_without_screen(void **state)
{
    int v, i;

    for (v = 0; v < 3; ++v) {
        tds_msg_t *m = cres(all[v], "Y");

        tds_msg_set(m, TDS_E_TRANS_STATUS, "Y");
        assert_string_equal(verdict(m), "");
        tds_msg_set(m, TDS_E_ACS_UI_TYPE, "01");
        assert_string_equal(verdict(m), "203 acsUiType");
        for (i = 0; i < COUNT(fields); ++i) {
            m = cres(all[v], "Y");
            tds_msg_set(m, TDS_E_TRANS_STATUS, "Y");
            tds_msg_set_json(m, fields[i].elem, value_of(fields[i].elem, all[v]));
            assert_string_equal(verdict(m), apr_psprintf(pool, "203 %s", tds_elem_name(fields[i].elem)));
        }
    }
}

/* A receiver is as lenient as the tables of 2.1.0 and 2.2.0: what is stricter is for the sender alone. */
static void receiver_stays_lenient(void **state)
{
    static const char text[] =
        "{\"messageType\":\"CRes\",\"messageVersion\":\"2.2.0\",\"threeDSServerTransID\":\"" SERVER_ID "\",\"acsTransID\":\"" ACS_ID
        "\",\"sdkTransID\":\"" SDK_ID "\",\"acsCounterAtoS\":\"000\",\"challengeCompletionInd\":\"N\",\"acsUiType\":\"01\","
        "\"submitAuthenticationLabel\":\"Go on\",\"challengeInfoText\":\"We sent a code\",\"resendInformationLabel\":\"Again\"}";
    tds_msg_t *m;

    assert_int_equal(tds_msg_decode(&m, text, sizeof text - 1, &rules, pool, &err), APR_SUCCESS);
    assert_string_equal(verdict(m), "201 challengeInfoHeader,challengeInfoLabel");
}

/* ---- versions that differ -------------------------------------------------- */

static const char *described(const char *sent, tds_ver_e transaction, const char **detail)
{
    const char *text = apr_psprintf(pool, "{\"messageType\":\"CReq\",\"messageVersion\":\"%s\",\"acsTransID\":\"" ACS_ID "\"}", sent);
    tds_msg_rules_t must = {.version_must = transaction};
    tds_erro_t in = {.component = 'A', .err = &err, .version = transaction};
    tds_msg_t *msg, *erro;

    tds_err_init(&err, pool);
    assert_int_equal(tds_msg_open(&msg, text, strlen(text), &must, pool, &err), APR_EINVAL);
    in.faulty = msg;
    assert_int_equal(err.proto, 203);
    erro = tds_erro_make(&in, pool);
    assert_string_equal(tds_msg_get(erro, TDS_E_ERROR_CODE), "203");
    assert_string_equal(verdict(erro), "");
    *detail = tds_msg_get(erro, TDS_E_ERROR_DETAIL);
    return tds_msg_get(erro, TDS_E_ERROR_DESCRIPTION);
}

static void both_versions_are_told(void **state)
{
    const char *detail, *text, *plain = tds_erro_text(203);
    static const char *const odd[] = {"2.2", "123456.0.0", "<b>2.1.0", "2.1.0 or so"};
    int v, w, i;

    for (v = 0; v < 3; ++v)
        for (w = 0; w < 3; ++w) {
            if (v == w) continue;
            text = described(tds_ver_text(all[v]), all[w], &detail);
            assert_string_equal(detail, "messageVersion");
            assert_non_null(strstr(text, apr_psprintf(pool, "message of %s in a transaction of %s", tds_ver_text(all[v]),
                                                      tds_ver_text(all[w]))));
        }
    text = described("2.0.0", TDS_V220, &detail); /* of no version we know */
    assert_non_null(strstr(text, "message of 2.0.0 in a transaction of 2.2.0"));
    for (i = 0; i < COUNT(odd); ++i) {
        assert_string_equal(described(odd[i], TDS_V220, &detail), plain);
        assert_string_equal(detail, "messageVersion");
    }
}

/* Other faults, and other reports of 203, say what they always said. */
static void other_reports_unchanged(void **state)
{
    static const char text[] = "{\"messageType\":\"CReq\",\"messageVersion\":\"2.1.0\"}";
    tds_erro_t in = {.component = 'A', .err = &err, .version = TDS_V220};
    tds_msg_t *m;

    assert_int_equal(tds_msg_open(&m, text, sizeof text - 1, NULL, pool, &err), APR_SUCCESS);
    in.faulty = m;
    err.proto = 203;
    err.elements = "acsTransID";
    assert_string_equal(tds_msg_get(tds_erro_make(&in, pool), TDS_E_ERROR_DESCRIPTION), tds_erro_text(203));
    err.elements = "messageVersion";
    in.version = TDS_V_NONE;
    assert_string_equal(tds_msg_get(tds_erro_make(&in, pool), TDS_E_ERROR_DESCRIPTION), tds_erro_text(203));
    in.version = TDS_V220;
    err.proto = 201;
    assert_string_equal(tds_msg_get(tds_erro_make(&in, pool), TDS_E_ERROR_DESCRIPTION), tds_erro_text(201));
}

static const struct CMUnitTest tests[] = {
    UNIT(every_cell),
    UNIT(no_empty_text),
    UNIT(oob_has_a_way_on),
    UNIT(added_text_replaces_none),
    UNIT(named_together),
    UNIT(final_without_screen),
    UNIT(receiver_stays_lenient),
    UNIT(both_versions_are_told),
    UNIT(other_reports_unchanged),
};

UNIT_MAIN(tests)
