/* Routes of mod_3ds_server: read the body, call the engine, write the answer. No protocol decision here. */
#include "mod_3ds_server.h"

#include <stdlib.h>
#include <string.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include "tds_ap_answer.h"
#include "tds_ap_body.h"
#include "tds_ap_http.h"
#include "tds_ap_log.h"
#include "tds_ap_route.h"
#include "tds_ap_status.h"
#include "tds_ap_work.h"
#include "tds_form.h"

static const char page_csp[] = "default-src 'none'; base-uri 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
                               "form-action 'none'";
/* form-action holds for redirects too, and an ACS may redirect: any https. */
static const char form_csp[] = "default-src 'none'; base-uri 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
                               "form-action https:";

/* ---- waiting ------------------------------------------------------------- */

static volatile apr_uint32_t waiting;

static int wait_enter(void *baton)
{
    if ((int)apr_atomic_inc32(&waiting) < srv_child.waiting_max) return 1;
    apr_atomic_dec32(&waiting);
    return 0;
}

static void wait_leave(void *baton)
{
    apr_atomic_dec32(&waiting);
}

#define NAP apr_time_from_msec(100)

static int wait_pause(void *baton, apr_interval_time_t span)
{
    request_rec *r = baton;

    for (; span > 0 && !tds_ap_work_stopping(); span -= NAP) apr_sleep(span < NAP ? span : NAP);
    return !tds_ap_work_stopping() && !(r && r->connection->aborted);
}

static void wait_nap(void *baton, apr_interval_time_t span)
{
    apr_sleep(span);
}

/* ---- what every call starts and ends with -------------------------------- */

void srv_run_init(srv_run_t *run, request_rec *r, server_rec *s, tds_log_t *log, tds_err_t *err, apr_pool_t *pool)
{
    srv_server_t *srv = srv_server_of(s);
    srv_wait_t *wait = apr_palloc(pool, sizeof *wait);

    *wait = (srv_wait_t){.enter = wait_enter, .pause = wait_pause, .leave = wait_leave, .nap = wait_nap, .baton = r};
    tds_ap_log_init(log, &threeds_server_module, r, s, pool);
    tds_err_init(err, pool);
    *run = (srv_run_t){.conf = &srv->conf,
                       .store = srv_child.store,
                       .keys = srv->keys,
                       .http = &tds_ap_http,
                       .clock = apr_time_now,
                       .mono = tds_time_mono,
                       .rnd = tds_rand_bytes,
                       .log = log,
                       .metrics = &srv->metrics,
                       .wait = wait,
                       .pool = pool,
                       .err = err};
}

static int send_answer(request_rec *r, const srv_answer_t *a)
{
    const char *nonce = a->nonce ? a->nonce : "", *csp;

    tds_ap_trace(r, a->request_id, a->response_id);
    if (a->kind == SRV_BODY_NONE) return tds_ap_status(r, a->status);
    if (a->kind == SRV_BODY_JSON) return tds_ap_answer(r, a->status, "application/json; charset=utf-8", a->body, a->len);
    csp = apr_psprintf(r->pool, a->kind == SRV_BODY_FORM_PAGE ? form_csp : page_csp, nonce, nonce);
    return tds_ap_page(r, a->status, csp, a->body, a->len);
}

/* ---- who calls ----------------------------------------------------------- */

/* By the client certificate; asked once per connection. */
typedef struct peer_t {
    const srv_ds_t *ds;
    const srv_requestor_t *requestor;
} peer_t;

static const void *find_peer(request_rec *r, apr_pool_t *conn_pool)
{
    srv_server_t *srv = srv_server_of(r->server);
    peer_t *peer = apr_pcalloc(conn_pool, sizeof *peer);
    X509 *cert = tds_ap_peer_cert(r);
    unsigned char fingerprint[TDS_HASH_LEN];
    int i;

    if (!cert) return peer;
    for (i = 0; !peer->ds && i < srv->conf.dss->nelts; ++i) {
        const srv_ds_t *ds = APR_ARRAY_IDX(srv->conf.dss, i, const srv_ds_t *);
        if (tds_ap_trust_matches(ds->trust, cert)) peer->ds = ds;
    }
    if (tds_ap_cert_fingerprint(fingerprint, cert) == APR_SUCCESS)
        peer->requestor = srv_requestor_by_cert(&srv->conf, fingerprint);
    return peer;
}

static const peer_t *peer_of(request_rec *r)
{
    return tds_ap_peer_once(r, &threeds_server_module, find_peer);
}

/* A key, if one is given, decides alone. */
static const srv_requestor_t *find_requestor(tds_ap_call_t *call)
{
    const char *auth = apr_table_get(call->r->headers_in, "Authorization");
    const srv_requestor_t *requestor;

    if (!auth) requestor = peer_of(call->r)->requestor;
    else if (strncasecmp(auth, "Bearer ", 7)) requestor = NULL;
    else requestor = srv_requestor_by_key(&srv_server_of(call->r->server)->conf, auth + 7 + strspn(auth + 7, " "));
    return requestor && tds_ap_mount_uses(call->mount, requestor->name) ? requestor : NULL;
}

/* 1: known. 0: it has been answered. */
static int let_in(tds_ap_call_t *call, srv_run_t *run)
{
    srv_answer_t answer = {.status = 401};

    if ((run->requestor = find_requestor(call))) return 1;
    srv_run_unauthorized(run, &answer);
    apr_table_setn(call->r->err_headers_out, "WWW-Authenticate", "Bearer realm=\"3-D Secure requestor\"");
    (void)send_answer(call->r, &answer);
    return 0;
}

/* ---- requestor ----------------------------------------------------------- */

static const char *content_type(const tds_ap_call_t *call)
{
    return apr_table_get(call->r->headers_in, "Content-Type");
}

static int versioning_post(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_versioning(run, call->body, call->len, content_type(call), &answer);
    return send_answer(call->r, &answer);
}

static int create_post(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_create(run, call->body, call->len, content_type(call), apr_table_get(call->r->headers_in, "Idempotency-Key"),
                   &answer);
    return send_answer(call->r, &answer);
}

static int authenticate_post(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_authenticate(run, call->arg, call->body, call->len, content_type(call), &answer);
    return send_answer(call->r, &answer);
}

#define WAIT_MAX 30

/* ?wait=s; what is no number counts as none. */
static int wait_of(request_rec *r)
{
    const char *args = r->args;

    while (args && strncmp(args, "wait=", 5)) {
        args = strchr(args, '&');
        if (args) ++args;
    }
    if (!args) return 0;
    return (int)(apr_atoi64(args + 5) > WAIT_MAX ? WAIT_MAX : apr_atoi64(args + 5));
}

static int get_get(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_get(run, call->arg, wait_of(call->r), &answer);
    return send_answer(call->r, &answer);
}

static int cancel_post(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_cancel(run, call->arg, &answer);
    return send_answer(call->r, &answer);
}

static int acknowledge_post(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (!let_in(call, run)) return OK;
    srv_run_acknowledge(run, call->arg, &answer);
    return send_answer(call->r, &answer);
}

/* ---- DS ------------------------------------------------------------------ */

static int results_post(tds_ap_call_t *call, void *baton)
{
    const srv_ds_t *ds = peer_of(call->r)->ds;
    srv_answer_t answer = {.status = 500};
    srv_run_t *run = baton;

    run->ds = ds && tds_ap_mount_uses(call->mount, ds->name) ? ds : NULL;
    srv_run_results(run, call->body, call->len, &answer);
    return send_answer(call->r, &answer);
}

/* ---- browser ------------------------------------------------------------- */

static int notify_post(tds_ap_call_t *call, void *run)
{
    tds_field_t f[] = {TDS_FIELD("cres"), TDS_FIELD("erro"), TDS_FIELD("error")}; /* B-19 */
    srv_answer_t answer = {.status = 500};
    const char *message = NULL;
    int i;

    tds_form_read(call->body, call->len, f, 3);
    for (i = 0; !message && i < 3; ++i) message = tds_form_value(&f[i]);
    srv_run_notify(run, message, &answer);
    return send_answer(call->r, &answer);
}

/* The page is handed out once: not to a browser that only guesses that it will be wanted. */
static int challenge_get(tds_ap_call_t *call, void *run)
{
    srv_answer_t answer = {.status = 500};

    if (tds_ap_prefetched(call->r)) return tds_ap_status(call->r, HTTP_SERVICE_UNAVAILABLE);
    srv_run_challenge(run, call->arg, &answer);
    return send_answer(call->r, &answer);
}

/* ---- operator ------------------------------------------------------------ */

static int ready_get(tds_ap_call_t *call, void *run)
{
    return tds_ap_ready(call->r, ((srv_run_t *)run)->store, &srv_server_of(call->r->server)->certs, NULL);
}

static int health_get(tds_ap_call_t *call, void *run)
{
    return tds_ap_health(call->r);
}

static int metrics_get(tds_ap_call_t *call, void *run)
{
    return tds_ap_metrics(call->r, ((srv_run_t *)run)->metrics, "srv", &srv_server_of(call->r->server)->certs);
}

/* ---- routes -------------------------------------------------------------- */

#define FORM_MAX  (32 * 1024)
#define SMALL_MAX (16 * 1024)

static const tds_ap_route_t routes[] = {
    {SRV_EP_REQUESTOR, M_POST, "/v1/authentications", SMALL_MAX, create_post},
    {SRV_EP_REQUESTOR, M_POST, "/v1/authentications/*/authenticate", 0, authenticate_post},
    {SRV_EP_REQUESTOR, M_GET, "/v1/authentications/*", 0, get_get},
    {SRV_EP_REQUESTOR, M_POST, "/v1/authentications/*/cancel", SMALL_MAX, cancel_post},
    {SRV_EP_REQUESTOR, M_POST, "/v1/authentications/*/acknowledge", SMALL_MAX, acknowledge_post},
    {SRV_EP_REQUESTOR, M_POST, "/v1/versioning", SMALL_MAX, versioning_post},
    {SRV_EP_RESULTS, M_POST, "", 0, results_post},
    {SRV_EP_BROWSER, M_POST, "/notify", FORM_MAX, notify_post},
    {SRV_EP_BROWSER, M_GET, "/challenge/*", 0, challenge_get, TDS_AP_SECRET},
    {SRV_EP_STATUS, M_GET, "/health", 0, health_get, TDS_AP_HEAD},
    {SRV_EP_STATUS, M_GET, "/ready", 0, ready_get, TDS_AP_HEAD},
    {SRV_EP_STATUS, M_GET, "/metrics", 0, metrics_get, TDS_AP_HEAD},
};

static const tds_ap_routes_t all = {&threeds_server_module, srv_endpoints, routes, (int)(sizeof routes / sizeof *routes)};

int srv_handler(request_rec *r)
{
    srv_dir_t *dir = ap_get_module_config(r->per_dir_config, &threeds_server_module);
    const tds_ap_route_t *route;
    tds_ap_call_t call;
    tds_log_t log;
    tds_err_t err;
    srv_run_t run;
    int st = tds_ap_route(r, &dir->mount, &all, srv_server_of(r->server)->conf.max_body, &route, &call);

    if (st != OK) return st == TDS_AP_ANSWERED ? OK : st;
    if (!srv_child.store) return tds_ap_status(r, HTTP_SERVICE_UNAVAILABLE);
    srv_run_init(&run, r, r->server, &log, &err, r->pool);
    return route->fn(&call, &run);
}
