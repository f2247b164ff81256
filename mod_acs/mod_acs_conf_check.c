/* The check of mod_acs' configuration as a whole: apachectl configtest ends with it. */
#include "mod_acs.h"

#include <string.h>
#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include "tds_ap_check.h"
#include "tds_ap_http.h"
#include "acs_av.h"
#include "acs_hook.h"
#include "acs_pages.h"

APLOG_USE_MODULE(acs);

static int complain(server_rec *s, const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s, "ACS0001: %s", text);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static const char *check_versions(acs_server_t *srv, apr_pool_t *p)
{
    const char *bad;

    srv->conf.versions = tds_versions_parse(srv->versions_text, &bad, p);
    return srv->conf.versions ? NULL : apr_psprintf(p, "ACSSupportedVersions: '%s' is not a protocol version", bad);
}

static const char *check_issuer(acs_server_t *srv, acs_issuer_t *issuer, server_rec *s, apr_pool_t *p)
{
    const char *fault;
    tds_err_t err;

    if (!issuer->ranges->nelts)
        return apr_psprintf(p, "<ACSIssuer %s> (%s) has no ACSCardRange", issuer->name,
                            issuer->where);
    if (!issuer->card_ops)
        return apr_psprintf(p, "<ACSIssuer %s> (%s) has no ACSCardSource", issuer->name,
                            issuer->where);
    if ((fault = acs_av_lines_fault(issuer, p)))
        return apr_psprintf(p, "<ACSIssuer %s> (%s): %s", issuer->name, issuer->where, fault);
    if (!issuer->otp_delivery && (!issuer->methods || acs_cha_listed(issuer->methods, ACS_CHA_OTP)))
        return apr_psprintf(p, "<ACSIssuer %s> (%s) has no ACSOTPDelivery: give it, or ACSChallengeMethods without otp",
                            issuer->name, issuer->where);
    if (!issuer->templates)
        return apr_psprintf(p, "<ACSIssuer %s> (%s) has no ACSTemplates", issuer->name,
                            issuer->where);
    if ((fault = acs_conf_check_hooks(srv, issuer, s, p)) || (fault = acs_rules_check(issuer, s, p))) return fault;
    tds_err_init(&err, p);
    if (acs_pages_load(&issuer->pages, issuer->templates, issuer->languages, s->process->pconf,
                       &err) != APR_SUCCESS)
        return apr_psprintf(p, "<ACSIssuer %s> (%s): ACSTemplates: %s", issuer->name, issuer->where,
                            err.detail);
    return NULL;
}

/* ACSProduction: nothing that only a laboratory can want. */
static const char *check_production(const acs_issuer_t *issuer, apr_pool_t *p)
{
    int i;

    for (i = 0; i < issuer->avs->nelts; ++i) {
        const acs_av_t *av = &APR_ARRAY_IDX(issuer->avs, i, const acs_av_t);

        if (av->ops->lab)
            return apr_psprintf(p,
                                "ACSAuthenticationValue %s (%s) is for laboratories, and ACSProduction is on: use %s",
                                av->ops->name, av->where, acs_av_names(0, p));
        if (acs_av_key_known(av))
            return apr_psprintf(p, "ACSAuthenticationValue %s (%s): its key is published or one that anybody tries, and ACSProduction is on",
                                av->ops->name, av->where);
    }
    for (i = 0; !issuer->keys && i < ACS_HOOK_COUNT; ++i) {
        if (issuer->hooks[i] && i != ACS_HOOK_OTP)
            return apr_psprintf(p, "ACSHook %s (%s) is not signed, and ACSProduction is on: give <ACSIssuer %s> an ACSIssuerKey",
                                acs_hook_name((acs_hook_e)i), issuer->hooks[i]->where, issuer->name);
    }
    if (!issuer->otp_delivery || strncmp(issuer->otp_delivery, "inbox:", 6)) return NULL;
    return apr_psprintf(p, "ACSOTPDelivery inbox: (%s) is for laboratories, and ACSProduction is on: use an https URL",
                        issuer->otp_where);
}

/* One peer that hangs must not take all threads of a child. */
static const char *check_max(const char *url, const tds_ap_worker_t *w, apr_pool_t *p)
{
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (w->max > 0 && (threads <= 1 || w->max <= threads / 2)) return NULL;
    return apr_psprintf(p, "<Proxy \"%s\">: max= must be given and at most half of ThreadsPerChild (%d): one hanging peer "
                           "must not take all threads", url, threads / 2);
}

/* Does a block cover the prefix, and do its limits fit the time that a lease leaves? A peer may hang in TCP
 * (connectiontimeout), in TLS or while we send (timeout), and before its answer (ACSRResTimeout). */
static const char *check_ds_url(const acs_server_t *srv, const acs_ds_t *ds, const char *url, server_rec *s, apr_pool_t *p)
{
    const char *what = apr_psprintf(p, "ACSDSURLPrefix of <ACSDirectoryServer %s> (%s)", ds->name, ds->where);
    const char *fault = tds_ap_check_call(&srv->check, what, url, s);
    const tds_ap_worker_t *w = tds_ap_http_worker(url, s, p);
    const acs_conf_t *conf = &srv->conf;

    if (fault) return fault;
    if (2 * w->connect + conf->rres_timeout > conf->lease || w->connect + w->read + conf->rres_timeout > conf->lease)
        return apr_psprintf(p,
                            "<Proxy \"%s\">: connectiontimeout (twice, or once with timeout) plus ACSRResTimeout exceeds "
                            "ACSLease (%d ms): set connectiontimeout=2 timeout=5",
                            url, (int)apr_time_as_msec(conf->lease));
    return check_max(url, w, p);
}

/* The certificate tells which DS it is: two that cannot be told apart are a mistake. */
static const char *check_twin(const acs_conf_t *conf, const acs_ds_t *ds, apr_pool_t *p)
{
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        const acs_ds_t *other = APR_ARRAY_IDX(conf->dss, i, const acs_ds_t *);

        if (other == ds) return NULL;
        if (other->client_ca_file && !strcmp(other->client_ca_file, ds->client_ca_file) &&
            tds_ap_trust_alike(other->client_names, ds->client_names))
            return apr_psprintf(p, "<ACSDirectoryServer %s> (%s): its client certificate cannot be told from that of <ACSDirectoryServer %s>: "
                                   "give each an ACSClientName of its own", ds->name, ds->where, other->name);
    }
    return NULL;
}

/* Who has the CA's certificate is a member of the scheme; who has the name is its Directory Server. */
static const char *check_names(const acs_server_t *srv, acs_ds_t *ds, apr_pool_t *p)
{
    if (!tds_ap_trust_any(ds->client_names))
        return ds->client_names->nelts ? NULL
                                       : apr_psprintf(p,
                                                      "<ACSDirectoryServer %s> (%s) has no ACSClientName: whoever has a certificate of "
                                                      "its CA would pass for it; give the names of its client certificate",
                                                      ds->name, ds->where);
    if (srv->conf.production)
        return apr_psprintf(p, "<ACSDirectoryServer %s> (%s): ACSClientName any, and ACSProduction is on: give the names of its client "
                               "certificate", ds->name, ds->where);
    tds_log(srv->check.log, TDS_LOG_WARNING, "ACS0005", NULL,
            "<ACSDirectoryServer %s> (%s): ACSClientName any: whoever has a certificate of its CA passes for it", ds->name, ds->where);
    return NULL;
}

static const char *check_ds(const acs_server_t *srv, acs_ds_t *ds, server_rec *s, apr_pool_t *p)
{
    tds_ap_trust_t *trust = apr_pcalloc(s->process->pconf, sizeof *trust);
    const char *fault = NULL;
    tds_err_t err;
    int i;

    if (!ds->client_ca_file)
        return apr_psprintf(p, "<ACSDirectoryServer %s> (%s) has no ACSClientCAFile", ds->name,
                            ds->where);
    if (!ds->url_prefixes->nelts)
        return apr_psprintf(p, "<ACSDirectoryServer %s> (%s) has no ACSDSURLPrefix", ds->name,
                            ds->where);
    if ((fault = check_names(srv, ds, p)) || (fault = check_twin(&srv->conf, ds, p))) return fault;
    tds_err_init(&err, p);
    if (tds_ap_trust_load(trust, ds->client_ca_file, s->process->pconf, &err) != APR_SUCCESS)
        return apr_psprintf(p, "<ACSDirectoryServer %s> (%s): ACSClientCAFile: %s", ds->name,
                            ds->where, err.detail);
    trust->names = ds->client_names;
    ds->trust = trust;
    for (i = 0; !fault && i < ds->url_prefixes->nelts; ++i)
        fault = check_ds_url(srv, ds, APR_ARRAY_IDX(ds->url_prefixes, i, const char *), s, p);
    return fault;
}

static int overlap(const acs_range_t *a, const acs_range_t *b)
{
    return strlen(a->start) == strlen(b->start) && strcmp(a->start, b->end) <= 0 && strcmp(b->start, a->end) <= 0;
}

static const char *check_range(const acs_conf_t *conf, int i, int n, apr_pool_t *p)
{
    const acs_issuer_t *a = APR_ARRAY_IDX(conf->issuers, i, const acs_issuer_t *);
    const acs_range_t *range = &APR_ARRAY_IDX(a->ranges, n, const acs_range_t);
    int k, j;

    for (k = 0; k <= i; ++k) {
        const acs_issuer_t *b = APR_ARRAY_IDX(conf->issuers, k, const acs_issuer_t *);

        for (j = 0; j < (k == i ? n : b->ranges->nelts); ++j) {
            if (overlap(range, &APR_ARRAY_IDX(b->ranges, j, const acs_range_t)))
                return apr_psprintf(p, "<ACSIssuer %s> (%s): ACSCardRange %s overlaps one of <ACSIssuer %s>", a->name, a->where,
                                    range->start, b->name);
        }
    }
    return NULL;
}

static const char *check_ranges(const acs_conf_t *conf, apr_pool_t *p)
{
    const char *fault = NULL;
    int i, j;

    for (i = 0; !fault && i < conf->issuers->nelts; ++i) {
        const acs_issuer_t *a = APR_ARRAY_IDX(conf->issuers, i, const acs_issuer_t *);

        for (j = 0; !fault && j < a->ranges->nelts; ++j)
            fault = check_range(conf, i, j, p);
    }
    return fault;
}

static const char *without_slash(const char *url, apr_pool_t *p)
{
    apr_size_t len = strlen(url);

    while (len && url[len - 1] == '/') --len;
    return apr_pstrmemdup(p, url, len);
}

/* httpd opens it only when it starts. */
static const char *check_txn_log(const acs_server_t *srv, apr_pool_t *p)
{
    const char *slash = srv->txn_log && *srv->txn_log != '|' ? strrchr(srv->txn_log, '/') : NULL;
    const char *dir = slash ? apr_pstrmemdup(p, srv->txn_log, (apr_size_t)(slash - srv->txn_log) + 1) : NULL;
    apr_finfo_t info;

    if (!dir || (apr_stat(&info, dir, APR_FINFO_TYPE, p) == APR_SUCCESS && info.filetype == APR_DIR)) return NULL;
    return apr_psprintf(p, "ACSTransactionLog %s: there is no directory %s", srv->txn_log, dir);
}

static const char *check_server(acs_server_t *srv, apr_pool_t *p)
{
    const char *fault;

    if (!srv->conf.challenge_url) return "ACSChallengeURL is missing";
    if (strchr(srv->conf.challenge_url, '?')) return "ACSChallengeURL must not have a query";
    srv->conf.challenge_url = without_slash(srv->conf.challenge_url, srv->pool);
    if (tds_ap_mount_count(ACS_EP_METHOD) && !srv->conf.method_url)
        return "ACSMethodURL is missing: the public URL of the endpoint method";
    if (srv->conf.method_url && strchr(srv->conf.method_url, '?')) return "ACSMethodURL must not have a query";
    if (srv->conf.method_url) srv->conf.method_url = without_slash(srv->conf.method_url, srv->pool);
    if (!srv->conf.reference_number) return "ACSReferenceNumber is missing";
    if (!srv->conf.issuers->nelts) return "there is no <ACSIssuer>";
    if (tds_ap_mount_count(ACS_EP_AREQ) && !srv->conf.dss->nelts)
        return "there is no <ACSDirectoryServer>";
    if (srv->conf.answer_within >= srv->conf.lease)
        return "ACSAnswerWithin must be less than ACSLease";
    if ((fault = check_txn_log(srv, p))) return fault;
    return check_versions(srv, p);
}

static const char *check_used(const acs_conf_t *conf, const apr_array_header_t *used, apr_pool_t *p)
{
    int i;

    for (i = 0; i < used->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(used, i, const char *);

        if (!acs_issuer_by_name(conf, name) && !acs_ds_by_name(conf, name))
            return apr_psprintf(p, "ACSUse: there is no <ACSIssuer %s> and no <ACSDirectoryServer %s>", name, name);
    }
    return NULL;
}

static const unsigned needs[] = {TDS_AP_MTLS | TDS_AP_EXPECTED, TDS_AP_TLS | TDS_AP_EXPECTED, TDS_AP_TLS, TDS_AP_TLS, 0};

static const char *check_site(acs_server_t *srv)
{
    const tds_ap_check_t *check = &srv->check;
    const char *fault;

    if ((fault = tds_ap_check_server(check)) || (fault = tds_ap_check_mounts(check))) return fault;
    if ((fault = tds_ap_check_public(check, ACS_EP_CHALLENGE, "ACSChallengeURL", srv->conf.challenge_url))) return fault;
    if (srv->conf.method_url && (fault = tds_ap_check_public(check, ACS_EP_METHOD, "ACSMethodURL", srv->conf.method_url))) return fault;
    return srv->conf.issuer_url ? tds_ap_check_public(check, ACS_EP_ISSUER, "ACSIssuerURL", srv->conf.issuer_url) : NULL;
}

int acs_conf_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    acs_server_t *srv = ap_get_module_config(s->module_config, &acs_module);
    const char *fault;
    server_rec *v;
    int i;

    for (v = s->next; v; v = v->next) { /* endpoints in virtual hosts count for the main server */
        acs_server_t *other = ap_get_module_config(v->module_config, &acs_module);
        if (other == srv) continue;
        apr_array_cat(srv->used, other->used);
    }
    if (!srv->conf.issuers->nelts && !tds_ap_mount_count(ACS_EP_AREQ) && !tds_ap_mount_count(ACS_EP_CHALLENGE))
        return OK; /* loaded, but not used */
    srv->check = (tds_ap_check_t){.directive = "ACSEndpoint", .endpoints = acs_endpoints, .needs = needs, .n = ACS_EP_STATUS, .certs = &srv->certs};
    tds_ap_check_begin(&srv->check, &acs_module, s, pconf, ptemp);
    if ((fault = tds_ap_texts_fault(ap_conftree, "ACS", ptemp)) ||
        (fault = tds_ap_store_check(&srv->store, "ACSStore", pconf, ptemp)) || (fault = check_server(srv, ptemp)) || (fault = check_site(srv)) ||
        (fault = tds_ap_keys_load(&srv->keys, "ACS", &srv->key_files, pconf, ptemp)) ||
        (fault = check_ranges(&srv->conf, ptemp)) || (fault = check_used(&srv->conf, srv->used, ptemp)))
        return complain(s, fault);
    for (i = 0; i < srv->conf.dss->nelts; ++i) {
        if ((fault = check_ds(srv, APR_ARRAY_IDX(srv->conf.dss, i, acs_ds_t *), s, ptemp)))
            return complain(s, fault);
    }
    for (i = 0; i < srv->conf.issuers->nelts; ++i) {
        acs_issuer_t *issuer = APR_ARRAY_IDX(srv->conf.issuers, i, acs_issuer_t *);

        if ((fault = check_issuer(srv, issuer, s, ptemp)) ||
            (srv->conf.production && (fault = check_production(issuer, ptemp))))
            return complain(s, fault);
    }
    if (!ap_find_linked_module("mod_reqtimeout.c"))
        ap_log_error(
            APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
            "ACS0002: mod_reqtimeout is not loaded: slow bodies are bounded by TimeOut alone");
    return OK;
}
