#include "acs_av.h"

#include <string.h>
#include <apr_strings.h>

static const acs_av_ops_t *const providers[] = {&acs_av_cvv_atn, &acs_av_cvv_u3v7,     &acs_av_mc_iav,
                                                &acs_av_lab,     &acs_av_generic_hmac, &acs_av_mc_spa1};
#define PROVIDERS (sizeof providers / sizeof *providers)

const acs_av_ops_t *acs_av_ops_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < PROVIDERS; ++i) {
        if (!strcmp(providers[i]->name, name)) return providers[i];
    }
    return NULL;
}

const char *acs_av_names(int lab, apr_pool_t *pool)
{
    const char *out = "";
    apr_size_t i, left = 0;

    for (i = 0; i < PROVIDERS; ++i)
        left += lab || !providers[i]->lab;
    for (i = 0; i < PROVIDERS; ++i) {
        if (!lab && providers[i]->lab) continue;
        --left;
        out = apr_pstrcat(pool, out, providers[i]->name, left > 1 ? ", " : left ? " and " : "", NULL);
    }
    return out;
}

/* ---- a transaction ----------------------------------------------------------- */

static int covers(const acs_range_t *range, const char *pan)
{
    return !range->start || acs_range_has(range, pan);
}

static const acs_av_t *line_of(const acs_issuer_t *issuer, const char *pan)
{
    int i;

    for (i = 0; issuer && pan && issuer->avs && i < issuer->avs->nelts; ++i) {
        const acs_av_t *av = &APR_ARRAY_IDX(issuer->avs, i, const acs_av_t);

        if (covers(&av->range, pan)) return av;
    }
    return NULL;
}

static int row_fits(const acs_eci_t *row, const acs_av_in_t *in)
{
    return !strcmp(row->status, in->trans_status) &&
           (!row->category || (in->category && !strcmp(row->category, in->category))) &&
           (!row->asked || (in->asked && !strcmp(row->asked, in->asked)));
}

static const char *eci_of(const acs_issuer_t *issuer, const acs_av_t *av, const acs_av_in_t *in)
{
    const acs_eci_t *row;
    int i;

    for (i = 0; issuer && issuer->ecis && i < issuer->ecis->nelts; ++i) {
        const acs_eci_line_t *line = &APR_ARRAY_IDX(issuer->ecis, i, const acs_eci_line_t);

        if (row_fits(&line->eci, in) && (!line->range.start || (in->pan && acs_range_has(&line->range, in->pan))))
            return line->eci.value;
    }
    for (row = av ? av->ops->eci : NULL; row && row->status; ++row) {
        if (row_fits(row, in)) return row->value;
    }
    return NULL;
}

static int value_belongs(const acs_av_t *av, const acs_av_in_t *in)
{
    if (!in->npa && (!in->category || strcmp(in->category, "01"))) return 0;
    if (!strcmp(in->trans_status, "Y") || !strcmp(in->trans_status, "A")) return 1;
    return !strcmp(in->trans_status, "I") && av && av->informational;
}

apr_status_t acs_av_outcome(const acs_issuer_t *issuer, const acs_av_in_t *in, acs_av_out_t *out, apr_pool_t *pool,
                            tds_err_t *err)
{
    const acs_av_t *av = line_of(issuer, in->pan);
    acs_av_in_t with = *in;
    const char *value = NULL;
    apr_status_t rv;

    *out = (acs_av_out_t){.eci = eci_of(issuer, av, in)};
    if (!value_belongs(av, in)) return APR_SUCCESS;
    if (!av) return TDS_FAIL(err, APR_NOTFOUND, 0, NULL, "no provider for this account number");
    with.eci = out->eci;
    rv = av->ops->make(av->baton, &with, &value, pool, err);
    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "%s failed", av->ops->name);
    out->value = value;
    return APR_SUCCESS;
}

/* ---- configuration ------------------------------------------------------------ */

static const char *const option_names[] = {
#define F(id, name) name,
    ACS_AV_OPTIONS(F)
#undef F
};

apr_status_t acs_range_read(acs_range_t *range, const char *text, apr_pool_t *pool, tds_err_t *err)
{
    const char *dash = strchr(text, '-'), *fault = "write FIRST-LAST";

    if (dash) {
        range->start = apr_pstrmemdup(pool, text, (apr_size_t)(dash - text));
        range->end = apr_pstrdup(pool, dash + 1);
        fault = acs_range_fault(range);
    }
    return fault ? TDS_FAIL(err, APR_EINVAL, 0, NULL, "range=: %s", fault) : APR_SUCCESS;
}

/* Never repeats the word: it may be a key that was written in the wrong place. */
static apr_status_t no_option(const acs_av_ops_t *ops, apr_pool_t *pool, tds_err_t *err)
{
    const char *names = "";
    int i;

    for (i = 0; i < ACS_AV_OPTION_COUNT; ++i) {
        if (ops->takes & 1u << i) names = apr_pstrcat(pool, names, " ", option_names[i], "=", NULL);
    }
    return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s has no such option; it takes%s", ops->name, names);
}

/* file:PATH alone is the key. */
static apr_status_t take_word(acs_av_words_t *words, const acs_av_ops_t *ops, const char *word, apr_pool_t *pool,
                              tds_err_t *err)
{
    int bare = !strncmp(word, "file:", 5), i;
    const char *eq = bare ? NULL : strchr(word, '='), *value = eq ? eq + 1 : word;
    const char *name = bare ? "key" : eq ? apr_pstrmemdup(pool, word, (apr_size_t)(eq - word)) : word;

    for (i = 0; i < ACS_AV_OPTION_COUNT && strcmp(option_names[i], name); ++i)
        continue;
    if (i == ACS_AV_OPTION_COUNT || !(ops->takes & 1u << i) || !(bare || eq)) return no_option(ops, pool, err);
    if (words->value[i]) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s= is given twice", option_names[i]);
    words->value[i] = value;
    return APR_SUCCESS;
}

static apr_status_t take_path(acs_av_words_t *words, int option, acs_av_path_fn *path, apr_pool_t *pool, tds_err_t *err)
{
    const char *value = words->value[option];

    if (!value) return APR_SUCCESS;
    if (strncmp(value, "file:", 5))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s= must be file:PATH", option_names[option]);
    if (!(words->value[option] = path(pool, value + 5)))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s=: not a usable path", option_names[option]);
    return APR_SUCCESS;
}

static apr_status_t take_informational(acs_av_t *av, const char *text, tds_err_t *err)
{
    if (text && strcmp(text, "on") && strcmp(text, "off"))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "informational= must be on or off");
    av->informational = text && !strcmp(text, "on");
    return APR_SUCCESS;
}

apr_status_t acs_av_read(acs_av_t *av, const acs_av_ops_t *ops, const char *const *words, int nwords,
                         acs_av_path_fn *path, apr_pool_t *pool, tds_err_t *err)
{
    acs_av_words_t w = {{NULL}};
    apr_status_t rv = APR_SUCCESS;
    int i;

    memset(av, 0, sizeof *av);
    av->ops = ops;
    for (i = 0; i < nwords; ++i) {
        if ((rv = take_word(&w, ops, words[i], pool, err)) != APR_SUCCESS) return rv;
    }
    if (!w.value[ACS_AV_KEY]) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s needs key=file:PATH", ops->name);
    if ((rv = take_path(&w, ACS_AV_KEY, path, pool, err)) != APR_SUCCESS) return rv;
    if ((rv = take_path(&w, ACS_AV_PREVIOUS, path, pool, err)) != APR_SUCCESS) return rv;
    if ((rv = take_informational(av, w.value[ACS_AV_INFORMATIONAL], err)) != APR_SUCCESS) return rv;
    if (w.value[ACS_AV_RANGE] && (rv = acs_range_read(&av->range, w.value[ACS_AV_RANGE], pool, err)) != APR_SUCCESS)
        return rv;
    if (ops->test && ops->test() != APR_SUCCESS)
        return TDS_FAIL(err, APR_EGENERAL, 0, NULL,
                        "%s: the self-test with published values fails: OpenSSL must offer the algorithms", ops->name);
    return ops->load(&av->baton, ops, &w, pool, err);
}

const char *acs_av_lines_fault(const acs_issuer_t *issuer, apr_pool_t *pool)
{
    int i, last = issuer->avs->nelts - 1;

    if (last < 0) return "there is no ACSAuthenticationValue";
    for (i = 0; i < last; ++i) {
        const acs_av_t *av = &APR_ARRAY_IDX(issuer->avs, i, const acs_av_t);

        if (!av->range.start)
            return apr_psprintf(pool, "an ACSAuthenticationValue without range= (%s) must be the last one", av->where);
    }
    return APR_ARRAY_IDX(issuer->avs, last, const acs_av_t).range.start
               ? "the last ACSAuthenticationValue must be without range="
               : NULL;
}
