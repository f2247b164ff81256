/* Message texts under all kinds of rules. Byte 0 picks the rules, byte 1 the peer's; the rest is the text. */
#include "fuzz.h"
#include "tds_msg.h"

static int ds_value(void *baton, const char *path, const char *value)
{
    return value[1] == '1';
}

static int iso(void *baton, int kind, const char *code)
{
    return code[0] != '7';
}

static void rules_make(tds_msg_rules_t *rules, unsigned a, unsigned b)
{
    static const char *const known[] = {"A000000004-ext", "ID1", NULL};
    static const tds_prior_t prior[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, "02"},
                                        {TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, "01"},
                                        {TDS_MSG_ARES, TDS_E_TRANS_STATUS, "C"},
                                        {TDS_MSG_CRES, TDS_E_ACS_UI_TYPE, "01"}};
    static const tds_prior_t app[] = {{TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, "01"},
                                      {TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, "02"},
                                      {TDS_MSG_CRES, TDS_E_ACS_UI_TYPE, "05"}};

    *rules = (tds_msg_rules_t){.leg = (tds_leg_e)(a % 7), .version_must = (tds_ver_e)(b & 3)};
    if (b & 4) rules->versions = TDS_VER_BIT(1 + b / 8 % 3);
    if (a & 8) rules->prior = prior, rules->nprior = 4;
    if (a & 16) rules->prior = app, rules->nprior = 3;
    if (a & 32) rules->ds_value = ds_value;
    if (a & 64) rules->iso = iso;
    if (a & 128) rules->flags = TDS_RULE_STRICT_CONDITION | TDS_RULE_LAX_EXPONENT;
    if (b & 32) rules->extensions = known;
    if (b & 64) rules->flags |= TDS_RULE_LAX_ABSENT;
    if (b & 128) rules->accept = TDS_MSG_BIT(1 + a % 11);
}

/* Whatever came in, the Erro that answers is valid, for us and for a receiver. */
static void erro(const tds_err_t *fault, const tds_msg_t *faulty, unsigned versions, apr_pool_t *pool)
{
    tds_erro_t in = {.component = 'A', .err = fault, .faulty = faulty, .versions = versions};
    tds_msg_t *out = tds_erro_make(&in, pool), *back;
    const char *bytes;
    apr_size_t len;
    tds_err_t err;

    tds_err_init(&err, pool);
    MUST(tds_msg_encode(&bytes, &len, out, NULL, pool, &err) == APR_SUCCESS);
    MUST(tds_msg_decode(&back, bytes, len, NULL, pool, &err) == APR_SUCCESS);
    MUST(back->type == TDS_MSG_ERRO);
}

/* What was good is read, told and written; what is written is good. */
static void good(tds_msg_t *msg, const tds_msg_rules_t *rules, apr_pool_t *pool)
{
    tds_msg_rules_t again = *rules;
    tds_prior_t rows[64];
    tds_msg_t *back;
    const char *bytes;
    apr_size_t len;
    tds_err_t err;
    int e, n = tds_msg_prior(msg, rows, 64);

    MUST(n >= 0 && n <= 64);
    tds_err_init(&err, pool);
    MUST(tds_msg_match(msg, rows, n, 301, &err) == APR_SUCCESS || n > 0);
    for (e = 1; e < TDS_ELEM_TOP_END; ++e) (void)tds_msg_get(msg, (tds_elem_e)e);
    (void)tds_msg_get_path(msg, "messageExtension.data");
    (void)tds_msg_get_path(msg, "acctInfo.chAccAgeInd");
    tds_err_init(&err, pool);
    if (tds_msg_encode(&bytes, &len, msg, rules, pool, &err) != APR_SUCCESS) return;
    tds_err_init(&err, pool);
    again.accept = 0;
    MUST(tds_msg_decode(&back, bytes, len, &again, pool, &err) == APR_SUCCESS);
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    tds_msg_rules_t rules;
    tds_msg_t *msg;
    tds_err_t err;
    apr_status_t rv;
    char *text;

    if (size < 2) return;
    rules_make(&rules, data[0], data[1]);
    text = fuzz_exact(data + 2, size - 2);
    tds_err_init(&err, pool);
    rv = tds_msg_open(&msg, text, size - 2, &rules, pool, &err);
    free(text);
    if (rv == APR_SUCCESS) rv = tds_msg_check(msg, &rules, &err);
    if (rv == APR_SUCCESS) {
        MUST(msg && !msg->duplicates);
        good(msg, &rules, pool);
    }
    else {
        MUST(err.rv == rv && err.proto >= 101 && err.proto <= 304);
        MUST(!err.elements || strlen(err.elements) <= 2048);
        erro(&err, msg, rules.versions, pool);
    }
}
