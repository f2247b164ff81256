#include "acs_txn.h"

#include <string.h>
#include <apr_strings.h>

int acs_range_has(const acs_range_t *range, const char *pan)
{
    return strlen(range->start) == strlen(pan) && strcmp(pan, range->start) >= 0 && strcmp(pan, range->end) <= 0;
}

const char *acs_range_fault(const acs_range_t *range)
{
    apr_size_t len = strlen(range->start);

    if (len < 13 || len > 19 || strlen(range->end) != len || strspn(range->start, "0123456789") != len ||
        strspn(range->end, "0123456789") != len)
        return "start and end are 13 to 19 digits, both of the same length";
    return strcmp(range->start, range->end) > 0 ? "start is above end" : NULL;
}

acs_issuer_t *acs_issuer_of_pan(const acs_conf_t *conf, const char *pan)
{
    int i, j;

    for (i = 0; i < conf->issuers->nelts; ++i) {
        acs_issuer_t *issuer = APR_ARRAY_IDX(conf->issuers, i, acs_issuer_t *);
        for (j = 0; j < issuer->ranges->nelts; ++j) {
            if (acs_range_has(&APR_ARRAY_IDX(issuer->ranges, j, acs_range_t), pan)) return issuer;
        }
    }
    return NULL;
}

acs_issuer_t *acs_issuer_by_name(const acs_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; ++i) {
        acs_issuer_t *issuer = APR_ARRAY_IDX(conf->issuers, i, acs_issuer_t *);
        if (!strcmp(issuer->name, name)) return issuer;
    }
    return NULL;
}

acs_ds_t *acs_ds_by_name(const acs_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        acs_ds_t *ds = APR_ARRAY_IDX(conf->dss, i, acs_ds_t *);
        if (!strcmp(ds->name, name)) return ds;
    }
    return NULL;
}

int acs_used(const acs_conf_t *conf, const apr_array_header_t *use, const char *name, int is_issuer)
{
    int i, limits = 0;

    for (i = 0; use && i < use->nelts; ++i) {
        const char *given = APR_ARRAY_IDX(use, i, const char *);

        if (is_issuer ? !acs_issuer_by_name(conf, given) : !acs_ds_by_name(conf, given)) continue;
        if (!strcmp(given, name)) return 1;
        limits = 1;
    }
    return !limits;
}

static const struct {
    const char *word;
    acs_outcome_t outcome;
} cases[ACS_CASE_COUNT] = {
#define C(name, word, status, reason, rule) [ACS_CASE_##name] = {word, {status, reason, NULL}},
#include "acs_cases.def"
#undef C
};

acs_case_e acs_case_find(const char *word)
{
    int i = 0;

    while (i < ACS_CASE_COUNT && strcmp(cases[i].word, word)) ++i;
    return (acs_case_e)i;
}

const acs_outcome_t *acs_case_outcome(const acs_ds_t *ds, acs_case_e which)
{
    return ds && ds->cases[which] ? ds->cases[which] : &cases[which].outcome;
}

static const struct {
    const char *word;
    acs_outcome_t outcome;
    int takes_reason;
} outcomes[] = {
    {"frictionless", {.trans_status = "Y"}, 0},
    {"attempt", {.trans_status = "A"}, 0},
    {"challenge", {.trans_status = "C"}, 0},
    {"decoupled", {.trans_status = "D"}, 0},
    {"spc", {.trans_status = "S"}, 0},
    {"reject", {.trans_status = "R", .reason = "11"}, 1},
    {"deny", {.trans_status = "N", .reason = "01"}, 1},
    {"unavailable", {.trans_status = "U", .reason = "22"}, 1},
    {"informational", {.trans_status = "I"}, 0},
};

enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

static const char *outcome_words(apr_pool_t *pool)
{
    const char *text = outcomes[0].word;
    int i;

    for (i = 1; i < OUTCOMES; ++i) text = apr_pstrcat(pool, text, ", ", outcomes[i].word, NULL);
    return text;
}

int acs_reason_known(tds_ver_e version, const char *reason)
{
    return tds_code_known(TDS_MSG_ARES, TDS_E_TRANS_STATUS_REASON, version, reason);
}

const char *acs_reason_fault(const char *text, apr_pool_t *pool)
{
    int version;

    for (version = TDS_V210; version < TDS_V_COUNT; ++version) {
        if (acs_reason_known((tds_ver_e)version, text)) return NULL;
    }
    return apr_psprintf(pool, "'%s' is no transStatusReason of any version: two digits, 01 to 30, or 80 to 99 of the DS's own", text);
}

/* What stands behind the colon. NULL, or what is wrong with it. */
static const char *refine(acs_outcome_t *outcome, const char *word, int takes_reason, const char *detail, apr_pool_t *pool)
{
    if (takes_reason) {
        outcome->reason = detail;
        return acs_reason_fault(detail, pool);
    }
    if (*outcome->trans_status != 'C')
        return apr_psprintf(pool, "%s takes nothing behind it: a reason goes with reject, deny and unavailable, a challenge "
                                  "method with challenge", word);
    outcome->method = detail;
    if (acs_cha_named(detail, strlen(detail)) != ACS_CHA_COUNT) return NULL;
    return apr_psprintf(pool, "unknown challenge method '%s': oob, otp, delegate or spc", detail);
}

const acs_outcome_t *acs_outcome_find(const char *word, const char **fault, apr_pool_t *pool)
{
    const char *colon = strchr(word, ':');
    apr_size_t len = colon ? (apr_size_t)(colon - word) : strlen(word);
    acs_outcome_t *out;
    int i;

    for (i = 0; i < OUTCOMES; ++i) {
        if (strlen(outcomes[i].word) != len || strncmp(outcomes[i].word, word, len)) continue;
        out = apr_pmemdup(pool, &outcomes[i].outcome, sizeof *out);
        *fault = colon ? refine(out, outcomes[i].word, outcomes[i].takes_reason, colon + 1, pool) : NULL;
        return *fault ? NULL : out;
    }
    *fault = apr_psprintf(pool, "unknown outcome '%s'; one of %s", word, outcome_words(pool));
    return NULL;
}

const char *acs_outcome_word(const acs_outcome_t *outcome, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < OUTCOMES && strcmp(outcomes[i].outcome.trans_status, outcome->trans_status); ++i) continue;
    if (i == OUTCOMES) return outcome->trans_status;
    if (outcome->method) return apr_pstrcat(pool, outcomes[i].word, ":", outcome->method, NULL);
    if (outcomes[i].takes_reason && outcome->reason) return apr_pstrcat(pool, outcomes[i].word, ":", outcome->reason, NULL);
    return outcomes[i].word;
}
