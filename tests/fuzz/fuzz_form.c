/* What a browser posts: fields, and the CReq in one of them. */
#include "fuzz.h"
#include "tds_b64.h"
#include "tds_form.h"
#include "tds_msg.h"

static void creq(const char *field, apr_pool_t *pool)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_CREQ)};
    unsigned char *text;
    apr_size_t len;
    tds_msg_t *msg;
    tds_err_t err;

    tds_err_init(&err, pool);
    if (tds_b64url_decode(&text, &len, field, strlen(field), 1, pool) != APR_SUCCESS) return;
    if (tds_msg_open(&msg, (const char *)text, len, &rules, pool, &err) == APR_SUCCESS)
        (void)tds_msg_check(msg, &rules, &err);
    if (msg) (void)tds_msg_id(msg, TDS_E_ACS_TRANS_ID);
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    static const char *const names[] = {"creq", "threeDSSessionData", "cres", "threeDSMethodData", "token", "action",
                                        "otp"};
    tds_field_t fields[TDS_FIELDS_MAX];
    char *body = malloc(size + 1);
    size_t i;
    int n, k;

    MUST(body);
    if (size) memcpy(body, data, size);
    body[size] = '\0'; /* as tds_ap_body() leaves it */
    n = tds_form_split(body, size, fields);
    MUST(n >= -1 && n <= TDS_FIELDS_MAX);
    for (k = 0; k < n; ++k) {
        MUST(fields[k].name >= body && fields[k].name < body + size);
        MUST(fields[k].value >= body && fields[k].value + fields[k].len <= body + size);
        MUST(fields[k].value[fields[k].len] == '\0');
    }
    for (i = 0; n >= 0 && i < sizeof(names) / sizeof(names[0]); ++i) {
        const char *value = tds_form_get(fields, n, names[i]);

        if (value && i != 1 && i < 4) creq(value, pool);
    }
    free(body);
}
