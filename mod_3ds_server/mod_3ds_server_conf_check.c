/* The check of mod_3ds_server's configuration as a whole: apachectl configtest ends with it. */
#include "mod_3ds_server.h"

#include <string.h>
#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include "tds_ap_check.h"
#include "tds_ap_http.h"
#include "tds_url.h"
#include "srv_pages.h"

APLOG_USE_MODULE(threeds_server);

static int complain(server_rec *s, const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s, "SRV0001: %s", text);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static const char *check_versions(srv_server_t *srv, apr_pool_t *p)
{
    const char *bad;

    srv->conf.versions = tds_versions_parse(srv->versions_text, &bad, p);
    return srv->conf.versions ? NULL : apr_psprintf(p, "ThreeDSSupportedVersions: '%s' is not a protocol version", bad);
}

/* S-34: notificationURL has at most 256 characters. */
static const char *check_urls(srv_server_t *srv, apr_pool_t *pconf)
{
    const char *url = srv->conf.browser_url;

    if (url[strlen(url) - 1] == '/') url = srv->conf.browser_url = apr_pstrmemdup(pconf, url, strlen(url) - 1);
    srv->conf.notification_url = apr_pstrcat(pconf, url, "/notify", NULL);
    if (strlen(srv->conf.notification_url) > 256) return "ThreeDSBrowserURL: must not be longer than 249 characters";
    return NULL;
}

static const char *check_server(srv_server_t *srv, apr_pool_t *pconf, apr_pool_t *p)
{
    const char *fault;

    if (!srv->conf.server_url) return "ThreeDSServerURL is missing: the public URL of the results endpoint";
    if (!srv->conf.browser_url) return "ThreeDSBrowserURL is missing: the public URL of the browser endpoint";
    if (!srv->conf.ref_number) return "ThreeDSServerRefNumber is missing";
    if (!srv->conf.dss->nelts) return "there is no <ThreeDSDirectoryServer>";
    if (tds_ap_mount_count(SRV_EP_REQUESTOR) && !srv->conf.requestors->nelts) return "there is no <ThreeDSRequestor>";
    if ((fault = check_urls(srv, pconf))) return fault;
    return check_versions(srv, p);
}

#define CONNECTS_MAX apr_time_from_sec(30)

/* A peer that hangs in TCP costs connectiontimeout, one that hangs in TLS timeout as well, both twice; and each waiting
 * thread is one of ThreadsPerChild. */
static const char *check_proxy(const srv_server_t *srv, srv_ds_t *ds, server_rec *s, apr_pool_t *p)
{
    const char *what = apr_psprintf(p, "ThreeDSDSURL of <ThreeDSDirectoryServer %s> (%s)", ds->name, ds->where);
    const char *fault = tds_ap_check_call(&srv->check, what, ds->url, s);
    const tds_ap_worker_t *w = tds_ap_http_worker(ds->url, s, p);
    int threads = 0, share;

    if (fault) return fault;
    if (2 * (w->connect + w->read) > CONNECTS_MAX)
        return apr_psprintf(p, "<Proxy \"%s\">: twice connectiontimeout and timeout are more than %d s: "
                               "set connectiontimeout=2 timeout=5", ds->url, (int)apr_time_sec(CONNECTS_MAX));
    ds->connect_timeout = w->connect + w->read;
    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if ((share = threads / 2) < 1) return NULL; /* one process, one call */
    if (w->max < 1 || w->max > share)
        return apr_psprintf(p, "<Proxy \"%s\">: %s: set max=%d or less, half of ThreadsPerChild (%d), so that a "
                               "hanging Directory Server leaves threads for the rest, for example "
                               "connectiontimeout=2 timeout=5 max=%d",
                            ds->url, w->max < 1 ? "no max" : apr_psprintf(p, "max=%d is too much", w->max), share, threads,
                            share < 32 ? share : 32);
    return NULL;
}

static const char *ds_fault(const srv_ds_t *ds, const char *text, apr_pool_t *p)
{
    return apr_psprintf(p, "<ThreeDSDirectoryServer %s> (%s)%s", ds->name, ds->where, text);
}

/* Who has a certificate of the CA is a member of the scheme; who has the name is its Directory Server. */
static const char *check_names(const srv_server_t *srv, const srv_ds_t *ds, apr_pool_t *p)
{
    if (!ds->client_names->nelts)
        return ds_fault(ds, " has no ThreeDSDSClientName: whoever has a certificate of its CA could post results; give the names of its "
                            "client certificate", p);
    if (!tds_ap_trust_any(ds->client_names)) return NULL;
    if (ds->environment == SRV_ENV_PRODUCTION)
        return ds_fault(ds, ": ThreeDSDSClientName any in environment production: give the names of its client certificate", p);
    tds_log(srv->check.log, TDS_LOG_WARNING, "SRV0005", NULL,
            "<ThreeDSDirectoryServer %s> (%s): ThreeDSDSClientName any: whoever has a certificate of its CA may post results", ds->name,
            ds->where);
    return NULL;
}

static const char *check_ds(const srv_server_t *srv, srv_ds_t *ds, server_rec *s, apr_pool_t *pconf, apr_pool_t *p)
{
    tds_ap_trust_t *trust = apr_pcalloc(pconf, sizeof *trust);
    const char *bad, *fault;
    tds_err_t err;

    if (!ds->environment) return ds_fault(ds, " has no ThreeDSEnvironment: test or production", p);
    if (!ds->url) return ds_fault(ds, " has no ThreeDSDSURL", p);
    if (!(ds->versions = tds_versions_parse(ds->versions_text, &bad, p)))
        return ds_fault(ds, apr_psprintf(p, ": ThreeDSDSVersions: '%s' is not a protocol version", bad), p);
    if (!ds->client_ca_file) return ds_fault(ds, " has no ThreeDSDSClientCAFile", p);
    if ((fault = check_names(srv, ds, p))) return fault;
    tds_err_init(&err, p);
    if (tds_ap_trust_load(trust, ds->client_ca_file, pconf, &err) != APR_SUCCESS)
        return ds_fault(ds, apr_pstrcat(p, ": ThreeDSDSClientCAFile: ", err.detail, NULL), p);
    trust->names = ds->client_names;
    ds->trust = trust;
    return check_proxy(srv, ds, s, p);
}

/* Who posts a result is told by CA and name: under one CA the names differ. */
static const char *check_callers(const srv_conf_t *conf, apr_pool_t *p)
{
    int i, j;

    for (i = 0; i < conf->dss->nelts; ++i) {
        const srv_ds_t *ds = APR_ARRAY_IDX(conf->dss, i, const srv_ds_t *);

        for (j = 0; j < i; ++j) {
            const srv_ds_t *other = APR_ARRAY_IDX(conf->dss, j, const srv_ds_t *);
            if (!strcmp(ds->client_ca_file, other->client_ca_file) && tds_ap_trust_alike(ds->client_names, other->client_names))
                return ds_fault(ds, apr_psprintf(p, ": its client certificate cannot be told from that of <ThreeDSDirectoryServer %s>: give each "
                                                    "a ThreeDSDSClientName of its own", other->name), p);
        }
    }
    return NULL;
}

static int has_ds(const srv_conf_t *conf, srv_env_e environment)
{
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        if (APR_ARRAY_IDX(conf->dss, i, const srv_ds_t *)->environment == environment) return 1;
    }
    return 0;
}

/* F-09: 2.1.0 and 2.2.0 take http for what is only shown, 2.3.1 does not; its AReq would be refused. */
static const char *url_fault(const srv_requestor_t *q, unsigned versions)
{
    if (!tds_url_good(q->url, strlen(q->url), TDS_URL_ANY) || (strncmp(q->url, "https://", 8) && strncmp(q->url, "http://", 7)))
        return ": ThreeDSRequestorURL must be an absolute URL";
    if ((versions & TDS_VER_BIT(TDS_V231)) && !tds_url_good(q->url, strlen(q->url), TDS_URL_HTTPS))
        return ": ThreeDSRequestorURL must be https, without user and password: ThreeDSSupportedVersions has 2.3.1";
    return NULL;
}

static const char *check_requestor(const srv_conf_t *conf, const srv_requestor_t *q, apr_pool_t *p)
{
    const char *what = NULL;

    if (!q->keys->nelts && !q->certs->nelts) what = " has neither ThreeDSKey nor ThreeDSClientCertificate";
    else if (!q->environment) what = " has no ThreeDSEnvironment: test or production";
    else if (!has_ds(conf, q->environment)) what = ": there is no <ThreeDSDirectoryServer> of its ThreeDSEnvironment";
    else if (!q->id) what = " has no ThreeDSRequestorID";
    else if (!q->requestor_name) what = " has no ThreeDSRequestorName";
    else if (!q->url) what = " has no ThreeDSRequestorURL";
    else if ((what = url_fault(q, conf->versions))) return apr_psprintf(p, "<ThreeDSRequestor %s> (%s)%s", q->name, q->where, what);
    else if (!q->merchants->nelts) what = " has no ThreeDSMerchant";
    return what ? apr_psprintf(p, "<ThreeDSRequestor %s> (%s)%s", q->name, q->where, what) : NULL;
}

/* Words that stand in examples, and those that people try first. */
static const char *check_known_keys(const srv_requestor_t *q, apr_pool_t *p)
{
    static const char *const words[] = {"", "test", "secret", "password", "changeme", "key", "shop-key", "example"};
    unsigned char hash[TDS_HASH_LEN];
    int i, k;

    for (i = 0; i < (int)(sizeof words / sizeof *words); ++i) {
        if (tds_sha256(hash, words[i], strlen(words[i])) != APR_SUCCESS) continue;
        for (k = 0; k < q->keys->nelts; ++k) {
            if (tds_equal(q->keys->elts + (apr_size_t)k * TDS_HASH_LEN, hash, TDS_HASH_LEN))
                return apr_psprintf(p, "<ThreeDSRequestor %s> (%s): ThreeDSKey is the hash of a word that anybody tries: make a key with "
                                       "openssl rand -hex 32", q->name, q->where);
        }
    }
    return NULL;
}

/* Each key and certificate is bound to one requestor. */
static const char *check_credentials(const srv_conf_t *conf, apr_pool_t *p)
{
    apr_hash_t *seen = apr_hash_make(p);
    int i, j, k;

    for (i = 0; i < conf->requestors->nelts; ++i) {
        const srv_requestor_t *q = APR_ARRAY_IDX(conf->requestors, i, const srv_requestor_t *);
        const apr_array_header_t *lists[] = {q->keys, q->certs};

        for (j = 0; j < 2; ++j) {
            for (k = 0; k < lists[j]->nelts; ++k) {
                const char *hash = lists[j]->elts + (apr_size_t)k * TDS_HASH_LEN;
                const char *other = apr_hash_get(seen, hash, TDS_HASH_LEN);
                if (other)
                    return apr_psprintf(p, "<ThreeDSRequestor %s> and <ThreeDSRequestor %s> have the same %s", other, q->name,
                                        j ? "ThreeDSClientCertificate" : "ThreeDSKey");
                apr_hash_set(seen, hash, TDS_HASH_LEN, q->name);
            }
        }
    }
    return NULL;
}

static const char *check_uses(const srv_server_t *srv, apr_pool_t *p)
{
    int i;

    for (i = 0; i < srv->uses->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(srv->uses, i, const char *);
        if (!srv_ds_by_name(&srv->conf, name) && !srv_requestor_by_name(&srv->conf, name))
            return apr_psprintf(p, "ThreeDSUse: there is no <ThreeDSDirectoryServer %s> or <ThreeDSRequestor %s>", name, name);
    }
    return NULL;
}

static const char *make_ranges(srv_server_t *srv, srv_env_e environment, apr_pool_t *pconf, apr_pool_t *p)
{
    apr_array_header_t *rows = apr_array_make(p, 16, sizeof(srv_range_t));
    tds_err_t err;
    int i;

    for (i = 0; i < srv->range_rows->nelts; ++i) {
        const srv_range_t *row = &APR_ARRAY_IDX(srv->range_rows, i, const srv_range_t);
        if (row->ds->environment == environment) APR_ARRAY_PUSH(rows, srv_range_t) = *row;
    }
    tds_err_init(&err, p);
    if (srv_ranges_make(&srv->conf.ranges[environment], (const srv_range_t *)rows->elts, rows->nelts, pconf, &err) == APR_SUCCESS)
        return NULL;
    return apr_pstrcat(p, "ThreeDSCardRange: ", err.detail, NULL);
}

static const char *check_sections(srv_server_t *srv, server_rec *s, apr_pool_t *pconf, apr_pool_t *p)
{
    const char *fault;
    tds_err_t err;
    int i;

    for (i = 0; i < srv->conf.dss->nelts; ++i) {
        if ((fault = check_ds(srv, APR_ARRAY_IDX(srv->conf.dss, i, srv_ds_t *), s, pconf, p))) return fault;
    }
    if ((fault = check_callers(&srv->conf, p))) return fault;
    for (i = 0; i < srv->conf.requestors->nelts; ++i) {
        const srv_requestor_t *q = APR_ARRAY_IDX(srv->conf.requestors, i, const srv_requestor_t *);
        if ((fault = check_requestor(&srv->conf, q, p)) || (fault = check_known_keys(q, p))) return fault;
    }
    if ((fault = check_credentials(&srv->conf, p)) || (fault = check_uses(srv, p))) return fault;
    tds_err_init(&err, p);
    for (i = SRV_ENV_TEST; i < SRV_ENV_COUNT; ++i) {
        if ((fault = make_ranges(srv, (srv_env_e)i, pconf, p))) return fault;
    }
    if (srv_pages_load(&srv->conf.pages, pconf, &err) != APR_SUCCESS) return apr_pstrcat(p, "pages: ", err.detail, NULL);
    return NULL;
}

static void gather_hosts(srv_server_t *srv, server_rec *s)
{
    server_rec *v;

    for (v = s->next; v; v = v->next) { /* endpoints in virtual hosts count for the main server */
        srv_server_t *other = ap_get_module_config(v->module_config, &threeds_server_module);
        if (other == srv) continue;
        apr_array_cat(srv->uses, other->uses);
    }
}

static const unsigned needs[] = {TDS_AP_TLS | TDS_AP_EXPECTED, TDS_AP_MTLS | TDS_AP_EXPECTED, TDS_AP_TLS | TDS_AP_EXPECTED, 0};

static const char *check_site(srv_server_t *srv)
{
    const tds_ap_check_t *check = &srv->check;
    const char *fault;

    if ((fault = tds_ap_check_server(check)) || (fault = tds_ap_check_mounts(check))) return fault;
    if ((fault = tds_ap_check_public(check, SRV_EP_RESULTS, "ThreeDSServerURL", srv->conf.server_url))) return fault;
    return tds_ap_check_public(check, SRV_EP_BROWSER, "ThreeDSBrowserURL", srv->conf.browser_url);
}

int srv_conf_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    srv_server_t *srv = ap_get_module_config(s->module_config, &threeds_server_module);
    const char *fault;

    gather_hosts(srv, s);
    if (!srv->conf.dss->nelts && !srv->conf.requestors->nelts && !tds_ap_mount_count(SRV_EP_REQUESTOR) &&
        !tds_ap_mount_count(SRV_EP_RESULTS) && !tds_ap_mount_count(SRV_EP_BROWSER))
        return OK; /* loaded, but not used */
    srv->check = (tds_ap_check_t){.directive = "ThreeDSEndpoint", .endpoints = srv_endpoints, .needs = needs, .n = SRV_EP_STATUS, .certs = &srv->certs};
    tds_ap_check_begin(&srv->check, &threeds_server_module, s, pconf, ptemp);
    if ((fault = tds_ap_texts_fault(ap_conftree, "ThreeDS", ptemp)) ||
        (fault = tds_ap_store_check(&srv->store, "ThreeDSStore", pconf, ptemp)) || (fault = check_server(srv, pconf, ptemp)) ||
        (fault = check_site(srv)) ||
        (fault = tds_ap_keys_load(&srv->keys, "ThreeDS", &srv->key_files, pconf, ptemp)) ||
        (fault = check_sections(srv, s, pconf, ptemp)))
        return complain(s, fault);
    if (!ap_find_linked_module("mod_reqtimeout.c"))
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                     "SRV0002: mod_reqtimeout is not loaded: slow bodies are bounded by TimeOut alone");
    return OK;
}
