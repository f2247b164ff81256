/* Directives about the issuer's systems and what a Directory Server decides, and their check. */
#include "mod_acs.h"
#include "acs_method.h"

#include <string.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_core.h>
#include "tds_ap_http.h"
#include "tds_text.h"
#include "acs_count.h"
#include "acs_hook.h"

/* ---- single directives ------------------------------------------------------ */

static acs_server_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &acs_module);
}

static const char *inside(cmd_parms *cmd, const char *section)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, " is legal only inside <", section, ">", NULL);
}

const char *acs_set_hook(cmd_parms *cmd, void *dconf, int argc, char *const argv[])
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;
    acs_hook_t *hook = apr_pcalloc(cmd->pool, sizeof *hook);
    tds_err_t err;

    if (!issuer) return inside(cmd, "ACSIssuer");
    tds_err_init(&err, cmd->pool);
    if (acs_hook_read(hook, (const char *const *)argv, argc, cmd->pool, &err) != APR_SUCCESS)
        return apr_pstrcat(cmd->pool, "ACSHook: ", err.detail, NULL);
    if (issuer->hooks[hook->kind]) return apr_psprintf(cmd->pool, "ACSHook: %s is given twice", acs_hook_name(hook->kind));
    hook->where = apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num, cmd->directive->filename);
    issuer->hooks[hook->kind] = hook;
    return NULL;
}

static const char *add_key(cmd_parms *cmd, tds_sign_keys_t *keys, const char *arg)
{
    const char *path = strncmp(arg, "file:", 5) ? NULL : ap_server_root_relative(cmd->pool, arg + 5), *fault = NULL;
    char text[256];
    tds_err_t err;

    if (!path) return "ACSIssuerKey: must be file:PATH, and perhaps a second one";
    tds_err_init(&err, cmd->pool);
    if (tds_keys_read(text, sizeof text, path, cmd->temp_pool, &err) != APR_SUCCESS ||
        tds_sign_add(keys, text, &err) != APR_SUCCESS)
        fault = apr_pstrcat(cmd->pool, "ACSIssuerKey: ", err.detail, NULL);
    else if (tds_keys_known(keys->key[keys->count - 1], TDS_HASH_LEN))
        fault = apr_psprintf(cmd->pool, "ACSIssuerKey: key file %s holds a key that anybody tries: make one with openssl rand -hex 32", path);
    tds_wipe(text, sizeof text);
    return fault;
}

const char *acs_set_issuer_key(cmd_parms *cmd, void *dconf, const char *key, const char *other)
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;
    const char *fault;

    if (!issuer) return inside(cmd, "ACSIssuer");
    issuer->keys = apr_pcalloc(cmd->pool, sizeof *issuer->keys);
    tds_wipe_later(cmd->pool, issuer->keys, sizeof *issuer->keys);
    fault = add_key(cmd, issuer->keys, key);
    return !fault && other ? add_key(cmd, issuer->keys, other) : fault;
}

/* The place of word among words (NULL at the end), or -1. */
static int place_of(const char *word, const char *const *words)
{
    int i;

    for (i = 0; words[i]; ++i) {
        if (!strcmp(words[i], word)) return i;
    }
    return -1;
}

const char *acs_set_fallback(cmd_parms *cmd, void *dconf, const char *word)
{
    static const char *const words[] = {"off", "failed", "always", NULL};
    acs_issuer_t *issuer = server_of(cmd)->issuer;

    if (!issuer) return inside(cmd, "ACSIssuer");
    issuer->fallback = place_of(word, words);
    return issuer->fallback < 0 ? "ACSDecoupledFallback: must be off, failed or always" : NULL;
}

const char *acs_set_trust_list(cmd_parms *cmd, void *dconf, const char *word)
{
    static const char *const words[] = {"off", "hook", "store", NULL};
    acs_issuer_t *issuer = server_of(cmd)->issuer;

    if (!issuer) return inside(cmd, "ACSIssuer");
    issuer->trust_list = place_of(word, words);
    return issuer->trust_list < 0 ? "ACSTrustList: must be off, hook or store" : NULL;
}

const char *acs_set_methods(cmd_parms *cmd, void *dconf, const char *word)
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;

    if (!issuer) return inside(cmd, "ACSIssuer");
    if (acs_cha_named(word, strlen(word)) == ACS_CHA_COUNT) return "ACSChallengeMethods: otp, delegate, oob or spc, in order of preference";
    issuer->methods = issuer->methods ? apr_pstrcat(cmd->pool, issuer->methods, " ", word, NULL) : word;
    return NULL;
}

const char *acs_set_outcome(cmd_parms *cmd, void *dconf, const char *word, const char *status, const char *reason)
{
    acs_ds_t *ds = server_of(cmd)->ds;
    acs_outcome_t *outcome = apr_pcalloc(cmd->pool, sizeof *outcome);
    acs_case_e which = acs_case_find(word);
    const char *fault;

    if (!ds) return inside(cmd, "ACSDirectoryServer");
    if (which == ACS_CASE_COUNT) return apr_psprintf(cmd->pool, "ACSOutcome: there is no case '%s'; see docs/directives/ACSOutcome.md", word);
    if (strlen(status) != 1 || !strchr("NUR", *status))
        return "ACSOutcome: the second word is a transStatus: N, U or R";
    if (!reason) return "ACSOutcome: the third word is a transStatusReason";
    if ((fault = acs_reason_fault(reason, cmd->pool))) return apr_pstrcat(cmd->pool, "ACSOutcome: ", fault, NULL);
    *outcome = (acs_outcome_t){.trans_status = status, .reason = reason};
    ds->cases[which] = outcome;
    return NULL;
}

const char *acs_set_cardholder_info(cmd_parms *cmd, void *dconf, const char *status, const char *text)
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;
    const char *at = strlen(status) == 1 ? strchr(ACS_INFO_STATUSES, *status) : NULL;

    if (!issuer) return inside(cmd, "ACSIssuer");
    if (!at) return "ACSCardholderInfo: the first word is a transStatus: Y, A, N, U, R or I (for D: ACSDecoupledText)";
    if (!*text || tds_text_chars(text, strlen(text)) > 128) return "ACSCardholderInfo: the text has 1 to 128 characters";
    issuer->infos[at - ACS_INFO_STATUSES] = text;
    return NULL;
}

/* An ARes S with anything else would not be fit to be sent. */
const char *acs_set_spc_icon(cmd_parms *cmd, void *dconf, const char *url)
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;

    if (!issuer) return inside(cmd, "ACSIssuer");
    issuer->spc_icon = url;
    if (strlen(url) > 2048) return "ACSSPCIcon: must not be longer than 2048 characters";
    if (!strncmp(url, "data:image/", 11) ? tds_text_solid(url, strlen(url)) : tds_url_canonical(url, cmd->pool) != NULL) return NULL;
    return "ACSSPCIcon: must be an absolute https URL, or a data URL of an image";
}

const char *acs_set_spc_origin(cmd_parms *cmd, void *dconf, const char *text)
{
    acs_issuer_t *issuer = server_of(cmd)->issuer;
    const char *url = tds_url_canonical(text, cmd->pool), *origin = url ? tds_url_origin(url, cmd->pool) : NULL;

    if (!issuer) return inside(cmd, "ACSIssuer");
    if (!url || strlen(url) > strlen(origin) + 1) return "ACSSPCOrigin: must be https://HOST[:PORT] without a path";
    if (!issuer->spc_origins) issuer->spc_origins = apr_array_make(cmd->pool, 4, sizeof(const char *));
    APR_ARRAY_PUSH(issuer->spc_origins, const char *) = origin;
    return NULL;
}

/* ---- the whole ---------------------------------------------------------------- */

static int in_areq(acs_hook_e kind)
{
    return kind == ACS_HOOK_CARD || kind == ACS_HOOK_RISK || kind == ACS_HOOK_TRUST;
}

/* Something for it may wait in the outbox. */
static int delivered(acs_hook_e kind)
{
    return kind == ACS_HOOK_OOB || kind == ACS_HOOK_DECOUPLED || kind == ACS_HOOK_TRUST || kind == ACS_HOOK_NOTICE;
}

/* X-TIME-05: a system that hangs, be it in TCP, must leave time for the ARes. */
static const char *check_time(const acs_conf_t *conf, const acs_hook_t *hook, const tds_ap_worker_t *w, apr_pool_t *p)
{
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        const acs_ds_t *ds = APR_ARRAY_IDX(conf->dss, i, const acs_ds_t *);

        if (w->connect + hook->within > ds->areq_within)
            return apr_psprintf(p,
                                "ACSHook %s (%s): connectiontimeout of its <Proxy> block (%d ms) plus within= exceeds ACSAReqWithin of "
                                "<ACSDirectoryServer %s> (%d ms): set connectiontimeout=1",
                                acs_hook_name(hook->kind), hook->where, (int)apr_time_as_msec(w->connect), ds->name,
                                (int)apr_time_as_msec(ds->areq_within));
    }
    return NULL;
}

static const char *check_hook(const acs_server_t *srv, acs_issuer_t *issuer, acs_hook_t *hook, server_rec *s, apr_pool_t *p)
{
    const tds_ap_worker_t *w = tds_ap_http_worker(hook->url, s, p);
    const acs_conf_t *conf = &srv->conf;
    const char *what = apr_psprintf(p, "<ACSIssuer %s>: %s%s (%s)", issuer->name, hook->kind == ACS_HOOK_OTP ? "" : "ACSHook ",
                                    hook->kind == ACS_HOOK_OTP ? "ACSOTPDelivery" : acs_hook_name(hook->kind), hook->where);
    const char *fault = tds_ap_check_call(&srv->check, what, hook->url, s);
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (!hook->max) hook->max = threads / 4 ? threads / 4 : 1; /* a hanging system must not take all threads */
    if (fault) return fault;
    hook->connect = w->connect;
    if (hook->kind == ACS_HOOK_OTP && w->max > 0 && hook->max > w->max) hook->max = w->max; /* else mod_proxy would refuse */
    if (delivered(hook->kind) && hook->within >= conf->lease)
        return apr_psprintf(p, "ACSHook %s (%s): within= (%d ms) must be less than ACSLease (%d ms), or two nodes call at once",
                            acs_hook_name(hook->kind), hook->where, (int)apr_time_as_msec(hook->within),
                            (int)apr_time_as_msec(conf->lease));
    return in_areq(hook->kind) ? check_time(conf, hook, w, p) : NULL;
}

static int listed(const acs_issuer_t *issuer, acs_cha_e cha)
{
    return issuer->methods && acs_cha_listed(issuer->methods, cha);
}

/* What one directive wants of another. */
static const char *check_needs(const acs_server_t *srv, const acs_issuer_t *issuer, apr_pool_t *p)
{
    struct acs_hook_t *const *hooks = issuer->hooks;
    int called_back = (hooks[ACS_HOOK_DECOUPLED] || hooks[ACS_HOOK_OOB]) && tds_ap_mount_count(ACS_EP_ISSUER);
    const struct {
        int wrong;
        const char *fault;
    } rows[] = {
        {!hooks[ACS_HOOK_CARD] && issuer->card_ops == &acs_card_hook, "ACSCardSource hook needs ACSHook card"},
        {hooks[ACS_HOOK_CARD] && issuer->card_ops != &acs_card_hook, "ACSHook card needs ACSCardSource hook"},
        {listed(issuer, ACS_CHA_DELEGATE) && !hooks[ACS_HOOK_DELEGATE], "ACSChallengeMethods delegate needs ACSHook delegate"},
        {listed(issuer, ACS_CHA_OOB) && !hooks[ACS_HOOK_OOB], "ACSChallengeMethods oob needs ACSHook oob"},
        {listed(issuer, ACS_CHA_SPC) && !issuer->spc_icon, "ACSChallengeMethods spc needs ACSSPCIcon"},
        {hooks[ACS_HOOK_OOB] && hooks[ACS_HOOK_OOB]->fallback == ACS_FALLBACK_OTP && !issuer->otp_delivery,
         "ACSHook oob with fallback=otp needs ACSOTPDelivery"},
        {issuer->trust_list == ACS_TRUST_HOOK && !hooks[ACS_HOOK_TRUST] && !hooks[ACS_HOOK_CARD],
         "ACSTrustList hook needs ACSHook trust or card"},
        {issuer->fallback && !hooks[ACS_HOOK_DECOUPLED], "ACSDecoupledFallback needs ACSHook decoupled"},
        {called_back && (!issuer->keys || !srv->conf.issuer_url),
         "call-backs to the endpoint issuer need ACSIssuerKey and ACSIssuerURL"}};
    apr_size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        if (rows[i].wrong) return apr_psprintf(p, "<ACSIssuer %s> (%s): %s", issuer->name, issuer->where, rows[i].fault);
    }
    return NULL;
}

static int share(const tds_sign_keys_t *a, const tds_sign_keys_t *b)
{
    int i, j, same = 0;

    for (i = 0; i < a->count; ++i) {
        for (j = 0; j < b->count; ++j) same |= tds_equal(a->key[i], b->key[j], TDS_HASH_LEN);
    }
    return same;
}

/* A call-back says which issuer it is of, and its key proves that. */
static const char *check_keys(const acs_conf_t *conf, const acs_issuer_t *issuer, apr_pool_t *p)
{
    int i;

    for (i = 0; issuer->keys && i < conf->issuers->nelts; ++i) {
        const acs_issuer_t *other = APR_ARRAY_IDX(conf->issuers, i, const acs_issuer_t *);

        if (other != issuer && other->keys && share(issuer->keys, other->keys))
            return apr_psprintf(p, "<ACSIssuer %s> (%s): ACSIssuerKey is that of <ACSIssuer %s>: each needs a key of its own",
                                issuer->name, issuer->where, other->name);
    }
    return NULL;
}

const char *acs_conf_check_hooks(acs_server_t *srv, acs_issuer_t *issuer, server_rec *s, apr_pool_t *p)
{
    const char *fault = NULL;
    int i;

    for (i = 0; issuer->hooks[ACS_HOOK_RISK] && i < issuer->counters->nelts; ++i)
        APR_ARRAY_IDX(issuer->counters, i, acs_counter_t).read = 1; /* it is told all there is */
    if (issuer->hooks[ACS_HOOK_RISK]) issuer->reads |= ACS_READS_METHOD;
    if (issuer->otp_delivery && !strncmp(issuer->otp_delivery, "https:", 6)) {
        issuer->hooks[ACS_HOOK_OTP] = apr_pcalloc(s->process->pconf, sizeof(acs_hook_t));
        acs_hook_init(issuer->hooks[ACS_HOOK_OTP], ACS_HOOK_OTP, issuer->otp_delivery);
        issuer->hooks[ACS_HOOK_OTP]->within = issuer->otp_delivery_timeout;
        issuer->hooks[ACS_HOOK_OTP]->where = issuer->otp_where;
    }
    for (i = 0; !fault && i < ACS_HOOK_COUNT; ++i) {
        if (issuer->hooks[i]) fault = check_hook(srv, issuer, issuer->hooks[i], s, p);
    }
    if (!fault) fault = check_needs(srv, issuer, p);
    return fault ? fault : check_keys(&srv->conf, issuer, p);
}

/* One cell per hook, shared by all children. */
apr_status_t acs_breakers_make(acs_server_t *srv, apr_pool_t *pconf)
{
    apr_size_t breakers = (apr_size_t)srv->conf.issuers->nelts * ACS_HOOK_COUNT;
    apr_size_t size = breakers * sizeof(tds_breaker_t) + sizeof(acs_method_budget_t);
    tds_breaker_t *cells;
    apr_shm_t *shm;
    apr_status_t rv;
    int i, j;

    if ((rv = apr_shm_create(&shm, size, NULL, pconf)) != APR_SUCCESS) return rv;
    cells = apr_shm_baseaddr_get(shm);
    memset(cells, 0, size);
    srv->conf.method_budget = (acs_method_budget_t *)(void *)(cells + breakers);
    for (i = 0; i < srv->conf.issuers->nelts; ++i) {
        const acs_issuer_t *issuer = APR_ARRAY_IDX(srv->conf.issuers, i, acs_issuer_t *);

        for (j = 0; j < ACS_HOOK_COUNT; ++j, ++cells) {
            if (issuer->hooks[j]) issuer->hooks[j]->breaker = cells;
        }
    }
    return APR_SUCCESS;
}
