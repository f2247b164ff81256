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
    tds_field_t fields[] = {TDS_FIELD("creq"), TDS_FIELD("threeDSSessionData"), TDS_FIELD("cres"), TDS_FIELD("threeDSMethodData"),
                            TDS_FIELD("token"), TDS_FIELD("action"), TDS_FIELD("otp")};
    enum { N = sizeof fields / sizeof *fields };
    char *body = malloc(size + 1);
    int k;

    MUST(body);
    if (size) memcpy(body, data, size);
    body[size] = '\0'; /* as tds_ap_body() leaves it */
    tds_form_read(body, size, fields, N);
    for (k = 0; k < N; ++k) {
        const char *value = tds_form_value(&fields[k]);

        MUST(!fields[k].value == !fields[k].count);
        if (fields[k].value && fields[k].len) {
            MUST(fields[k].value >= body && fields[k].value + fields[k].len <= body + size);
            MUST(fields[k].value[fields[k].len] == '\0');
        }
        MUST(!value || value == tds_form_first(&fields[k]));
        if (value && k != 1 && k < 4) creq(value, pool);
    }
    free(body);
}
