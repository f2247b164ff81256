#include "acs_conf.h"

#include <string.h>

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

const acs_outcome_t *acs_outcome_find(const char *word)
{
    static const struct {
        const char *word;
        acs_outcome_t outcome;
    } words[] = {
        {"frictionless", {"Y", NULL}}, {"attempt", {"A", NULL}},    {"challenge", {"C", NULL}},
        {"reject", {"R", "11"}},       {"deny", {"N", "01"}},       {"unavailable", {"U", "22"}},
        {"informational", {"I", NULL}},
    };
    apr_size_t i;

    for (i = 0; i < sizeof words / sizeof *words; ++i) {
        if (!strcmp(words[i].word, word)) return &words[i].outcome;
    }
    return NULL;
}
