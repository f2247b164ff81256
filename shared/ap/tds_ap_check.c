#include "tds_ap_check.h"

#include <string.h>
#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "tds_ap_log.h"
#include "tds_ap_mount.h"
#include "tds_ap_proxy.h"
#include "tds_ap_tree.h"
#include "tds_http.h"

#define WARN_AHEAD apr_time_from_sec(30 * 86400)

/* Is this the pass whose warnings somebody reads? httpd reads its configuration twice when it starts. */
static int is_last_pass(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST || ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG;
}

void tds_ap_check_begin(tds_ap_check_t *check, module *m, server_rec *s, apr_pool_t *pconf, apr_pool_t *pool)
{
    check->pconf = pconf;
    check->pool = pool;
    if (!is_last_pass()) return;
    check->log = apr_palloc(pool, sizeof *check->log);
    tds_ap_log_init(check->log, m, NULL, s, pool);
}

/* One thread per process cannot serve while it waits for a peer that may call it back. */
const char *tds_ap_check_server(const tds_ap_check_t *check)
{
    const char *lacks = tds_ap_proxy_lacks(check->pool);
    int threads = 0;

    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 2)
        return "this httpd runs with one thread per process (mpm_prefork): load mpm_event or mpm_worker";
    return lacks ? apr_psprintf(check->pool, "%s is not loaded: all calls to peers need it", lacks) : NULL;
}

/* ---- certificates -------------------------------------------------------- */

static apr_time_t time_of(const ASN1_TIME *at)
{
    int days = 0, seconds = 0;

    if (!ASN1_TIME_diff(&days, &seconds, NULL, at)) return 0;
    return apr_time_now() + apr_time_from_sec((apr_int64_t)days * 86400 + seconds);
}

/* The first end of validity in a PEM file; 0: it cannot be read, which mod_ssl says itself. */
static apr_time_t first_end(const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    apr_time_t first = 0, end;
    X509 *cert;

    while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        end = time_of(X509_get0_notAfter(cert));
        if (!first || end < first) first = end;
        X509_free(cert);
    }
    BIO_free(bio);
    return first;
}

const char *tds_ap_certs_fault(const tds_ap_certs_t *certs, apr_interval_time_t ahead, apr_pool_t *pool)
{
    char date[APR_CTIME_LEN];

    if (!certs->expires || certs->expires > apr_time_now() + ahead) return NULL;
    (void)apr_ctime(date, certs->expires);
    return apr_psprintf(pool, "a certificate %s %s: %s", certs->expires <= apr_time_now() ? "has expired on" : "expires on", date,
                        certs->file);
}

static void note_cert(const tds_ap_check_t *check, const ap_directive_t *d)
{
    tds_ap_certs_t one = {0};
    const char *fault;

    if (!d) return;
    one.file = ap_server_root_relative(check->pconf, tds_ap_tree_word(d, 0, check->pool));
    if (!one.file || !(one.expires = first_end(one.file))) return;
    if ((fault = tds_ap_certs_fault(&one, WARN_AHEAD, check->pool)))
        tds_log(check->log, TDS_LOG_WARNING, "TDS0410", NULL, "%s (%s)", fault, tds_ap_tree_where(d, check->pool));
    if (!check->certs->expires || one.expires < check->certs->expires) *check->certs = one;
}

/* ---- endpoints ----------------------------------------------------------- */

static const char *at_mount(const tds_ap_check_t *check, const tds_ap_mounted_t *m, const char *fault)
{
    return apr_psprintf(check->pool, "%s %s (%s): %s", check->directive, check->endpoints[m->endpoint - 1],
                        tds_ap_tree_where(m->at, check->pool), fault);
}

static int says(const ap_directive_t *d, const char *word, apr_pool_t *pool)
{
    return d && !strcasecmp(tds_ap_tree_word(d, 0, pool), word);
}

static const char *check_tls(const tds_ap_check_t *check, const tds_ap_mounted_t *m)
{
    const ap_directive_t *engine = tds_ap_tree_in("SSLEngine", m->s, m->path, check->pool);
    const ap_directive_t *client = tds_ap_tree_in("SSLVerifyClient", m->s, m->path, check->pool);
    unsigned needs = check->needs[m->endpoint - 1];

    if (!(needs & TDS_AP_TLS)) return NULL;
    if (!says(engine, "on", check->pool)) return at_mount(check, m, "there is no TLS here: the virtual host needs SSLEngine on");
    note_cert(check, tds_ap_tree_in("SSLCertificateFile", m->s, m->path, check->pool));
    if ((needs & TDS_AP_MTLS) != TDS_AP_MTLS) return NULL;
    if (!says(client, "require", check->pool))
        return at_mount(check, m, "a Directory Server shows a client certificate: the virtual host needs SSLVerifyClient require");
    if (tds_ap_tree_within(client, "<Location") || tds_ap_tree_within(client, "<LocationMatch"))
        tds_log(check->log, TDS_LOG_WARNING, "TDS0411", NULL,
                "SSLVerifyClient in a <Location> (%s): httpd answers a TLS 1.3 client without post-handshake authentication with "
                "a page, 403; set it in the virtual host", tds_ap_tree_where(client, check->pool));
    return NULL;
}

/* What a section that matches the endpoint says of it. */
typedef struct sections_t {
    const ap_directive_t *redirects, *denies;
    apr_pool_t *pool;
} sections_t;

static int denies(const ap_directive_t *d, apr_pool_t *pool)
{
    const char *first = tds_ap_tree_word(d, 0, pool), *second = tds_ap_tree_word(d, 1, pool);

    if (!strcasecmp(d->directive, "Require")) return !strcasecmp(first, "all") && !strcasecmp(second, "denied");
    return !strcasecmp(d->directive, "Deny") && !strcasecmp(second, "all");
}

static void look(void *baton, const ap_directive_t *d)
{
    static const char *const redirects[] = {"Redirect", "RedirectMatch", "RedirectPermanent", "RedirectTemp", "RewriteRule", NULL};
    sections_t *x = baton;
    int i;

    for (i = 0; redirects[i]; ++i) {
        if (!strcasecmp(d->directive, redirects[i])) x->redirects = d;
    }
    if (!strcasecmp(d->directive, "Require") || !strcasecmp(d->directive, "Deny")) x->denies = denies(d, x->pool) ? d : NULL;
}

static const char *check_sections(const tds_ap_check_t *check, const tds_ap_mounted_t *m)
{
    sections_t x = {.pool = check->pool};

    tds_ap_tree_each(m->s, *m->path ? m->path : "/", look, &x, check->pool);
    if (x.denies)
        tds_log(check->log, TDS_LOG_WARNING, "TDS0412", NULL, "endpoint %s (%s) cannot be reached: %s denies it",
                check->endpoints[m->endpoint - 1], tds_ap_tree_where(m->at, check->pool), tds_ap_tree_where(x.denies, check->pool));
    if (!x.redirects) return NULL;
    return at_mount(check, m, apr_psprintf(check->pool, "%s in a section that covers it (%s) answers before the endpoint can: move it out "
                                                        "of the section", x.redirects->directive,
                                           tds_ap_tree_where(x.redirects, check->pool)));
}

static void warn_of_missing(const tds_ap_check_t *check)
{
    int e;

    for (e = 1; e <= check->n; ++e) {
        if (check->needs[e - 1] & TDS_AP_EXPECTED && !tds_ap_mount_count(e))
            tds_log(check->log, TDS_LOG_WARNING, "TDS0413", NULL, "%s %s is mounted nowhere", check->directive,
                    check->endpoints[e - 1]);
    }
}

const char *tds_ap_check_mounts(const tds_ap_check_t *check)
{
    const apr_array_header_t *mounts = tds_ap_mounts();
    const char *fault = NULL;
    int i;

    for (i = 0; !fault && i < mounts->nelts; ++i) {
        const tds_ap_mounted_t *m = &APR_ARRAY_IDX(mounts, i, const tds_ap_mounted_t);

        if (!(fault = check_tls(check, m))) fault = check_sections(check, m);
    }
    warn_of_missing(check);
    return fault;
}

const char *tds_ap_check_public(const tds_ap_check_t *check, int endpoint, const char *directive, const char *url)
{
    const apr_array_header_t *mounts = tds_ap_mounts();
    const char *path = strchr(url + strlen("https://"), '/');
    int i;

    if (!path || !strcmp(path, "/")) path = "";
    for (i = 0; i < mounts->nelts; ++i) {
        const tds_ap_mounted_t *m = &APR_ARRAY_IDX(mounts, i, const tds_ap_mounted_t);
        if (m->endpoint == endpoint && !strcmp(m->path, path)) return NULL;
    }
    if (!tds_ap_mount_count(endpoint)) return NULL; /* another httpd has it */
    return apr_psprintf(check->pool, "%s %s: no %s %s is mounted at %s", directive, url, check->directive, check->endpoints[endpoint - 1],
                        *path ? path : "/");
}

/* ---- calls --------------------------------------------------------------- */

static const char *check_block(const tds_ap_check_t *check, const char *url)
{
    apr_pool_t *p = check->pool;
    const ap_directive_t *verify = tds_ap_tree_out("SSLProxyVerify", url, p);

    if (!says(tds_ap_tree_out("SSLProxyEngine", url, p), "on", p)) return "SSLProxyEngine on is missing";
    if (!says(verify, "require", p)) return "SSLProxyVerify require is missing: whoever answers would be believed";
    if (says(tds_ap_tree_out("SSLProxyCheckPeerName", url, p), "off", p))
        return "SSLProxyCheckPeerName off: any certificate of the CA would be believed";
    if (says(tds_ap_tree_out("SSLProxyCheckPeerExpire", url, p), "off", p))
        return "SSLProxyCheckPeerExpire off: a certificate that has expired would be believed";
    if (!tds_ap_tree_out("SSLProxyCACertificateFile", url, p) && !tds_ap_tree_out("SSLProxyCACertificatePath", url, p))
        return "SSLProxyCACertificateFile is missing";
    return NULL;
}

const char *tds_ap_check_call(const tds_ap_check_t *check, const char *what, const char *url, server_rec *s)
{
    const ap_directive_t *block = tds_ap_tree_block(url, check->pool);
    const char *fault;

    if (!strncmp(url, "https://[", 9))
        return apr_psprintf(check->pool, "%s: httpd takes no IPv6 address in <Proxy \"%s\">: use a name", what, tds_url_origin(url, check->pool));
    if (!tds_ap_proxy_worker(url, s, check->pool))
        return apr_psprintf(check->pool, "%s: no <Proxy \"%s\"> block covers it", what, tds_url_origin(url, check->pool));
    note_cert(check, tds_ap_tree_out("SSLProxyMachineCertificateFile", url, check->pool));
    if (!(fault = check_block(check, url))) return NULL;
    if (!block) return apr_psprintf(check->pool, "%s, %s: %s", what, url, fault);
    return apr_psprintf(check->pool, "<Proxy \"%s\"> (%s): %s", tds_ap_tree_word(block, 0, check->pool),
                        tds_ap_tree_where(block, check->pool), fault);
}
