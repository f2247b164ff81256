/* What configtest says of things that both modules need and other modules' directives decide: TLS of endpoints and of calls,
 * certificates, the MPM. Functions return NULL, or what is wrong, with file and line. In check_config only. */
#ifndef TDS_AP_CHECK_H
#define TDS_AP_CHECK_H

#include <httpd.h>
#include <http_config.h>
#include "tds_log.h"

/* What an endpoint needs. */
#define TDS_AP_TLS      1u
#define TDS_AP_MTLS     3u /* TLS with a client certificate, demanded for the whole virtual host */
#define TDS_AP_EXPECTED 4u /* a configuration without it is warned of */

/* The certificate of ours that expires first. */
typedef struct tds_ap_certs_t {
    apr_time_t expires; /* 0: none was found */
    const char *file;
} tds_ap_certs_t;

typedef struct tds_ap_check_t {
    const char *directive;        /* "ACSEndpoint" */
    const char *const *endpoints; /* their names */
    const unsigned *needs;        /* of each */
    int n;
    tds_ap_certs_t *certs;
    tds_log_t *log; /* for warnings; NULL in a pass of which nobody reads the log */
    apr_pool_t *pconf, *pool;
} tds_ap_check_t;

/* Fill what of a check the configuration does not give: the log, where somebody reads it. */
void tds_ap_check_begin(tds_ap_check_t *check, module *m, server_rec *s, apr_pool_t *pconf, apr_pool_t *pool);

/* Threads, and the modules that everything needs. */
const char *tds_ap_check_server(const tds_ap_check_t *check);

/* Each mounted endpoint: TLS, client certificate, nothing of the site that answers before it can be reached. */
const char *tds_ap_check_mounts(const tds_ap_check_t *check);

/* A URL of ours that others call: is an endpoint of that number mounted at its path? directive: what gave the URL. */
const char *tds_ap_check_public(const tds_ap_check_t *check, int endpoint, const char *directive, const char *url);

/* A URL that we call, given by what ("ACSOTPDelivery of <ACSIssuer a> (line 7 of FILE)"): a <Proxy> block covers it, and
 * verifies who answers. */
const char *tds_ap_check_call(const tds_ap_check_t *check, const char *what, const char *url, server_rec *s);

/* Which of our certificates has expired, or nearly so? NULL: none. For warnings and /ready (expired alone). */
const char *tds_ap_certs_fault(const tds_ap_certs_t *certs, apr_interval_time_t ahead, apr_pool_t *pool);

#endif
