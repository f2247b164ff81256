/* Routes of mod_acs: read the body, call the engine, write the answer. No protocol decision here. */
#include "mod_acs.h"

#include <string.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include "tds_ap_answer.h"
#include "tds_ap_http.h"
#include "tds_ap_log.h"
#include "tds_ap_status.h"
#include "tds_form.h"
#include "tds_json.h"
#include "acs_method.h"

APLOG_USE_MODULE(acs);

static const char page_csp[] = "default-src 'none'; base-uri 'none'; img-src data:; style-src 'nonce-%s'; "
                               "script-src 'nonce-%s'; form-action 'self'";
static const char final_csp[] = "default-src 'none'; base-uri 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
                                "form-action https:"; /* B-28: it is applied to redirects too */

static const char method_csp[] = "default-src 'none'; base-uri 'none'; script-src 'nonce-%s'; connect-src %s; "
                                 "form-action https:"; /* anybody may frame it: that is what it is for */

static int reachable(void *baton, const char *url, apr_pool_t *pool)
{
    return tds_ap_http_worker(url, ap_server_conf, pool) != NULL;
}

/* 00-TRACE-SPAN-FLAGS of hex digits; anything else is not passed on. */
static const char *traceparent(request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "traceparent");

    return text && strlen(text) == 55 && strspn(text, "0123456789abcdef-") == 55 ? text : NULL;
}

void acs_run_init(acs_run_t *run, request_rec *r, server_rec *s, tds_log_t *log, tds_err_t *err, apr_pool_t *pool)
{
    acs_server_t *srv = acs_server_of(s);

    tds_ap_log_init(log, &acs_module, r, s, pool);
    tds_err_init(err, pool);
    *run = (acs_run_t){.conf = &srv->conf,
                       .store = acs_child.store,
                       .keys = srv->keys,
                       .http = &tds_ap_http,
                       .clock = apr_time_now,
                       .mono = tds_time_mono,
                       .nap = apr_sleep,
                       .rnd = tds_rand_bytes,
                       .log = log,
                       .metrics = &srv->metrics,
                       .began = r ? r->request_time : apr_time_now(),
                       .txnlog = acs_txnlog(),
                       .traceparent = r ? traceparent(r) : NULL,
                       .match = acs_rules_match,
                       .reachable = reachable,
                       .baton = r,
                       .pool = pool,
                       .err = err};
}

static const char *csp_of(request_rec *r, const acs_answer_t *a)
{
    const char *nonce = a->nonce ? a->nonce : "";

    if (a->kind == ACS_BODY_METHOD_PAGE) /* by name: a sandboxed frame is no 'self' */
        return apr_psprintf(r->pool, method_csp, nonce, tds_url_origin(acs_server_of(r->server)->conf.method_url, r->pool));
    return apr_psprintf(r->pool, a->kind == ACS_BODY_PAGE ? page_csp : final_csp, nonce, nonce);
}

int acs_send_answer(request_rec *r, const acs_answer_t *a)
{
    tds_ap_trace(r, a->request_id, a->response_id);
    if (a->kind == ACS_BODY_NONE) return tds_ap_status(r, a->status);
    if (a->kind == ACS_BODY_JSON) return tds_ap_answer(r, a->status, "application/json; charset=utf-8", a->body, a->len);
    return tds_ap_page(r, a->status, csp_of(r, a), a->body, a->len);
}

/* ---- DS ------------------------------------------------------------------ */

/* Which DS is this? Asked once per connection. */
typedef struct peer_t {
    const acs_ds_t *ds;
} peer_t;

static const void *find_peer(request_rec *r, apr_pool_t *conn_pool)
{
    acs_server_t *srv = acs_server_of(r->server);
    peer_t *peer = apr_pcalloc(conn_pool, sizeof *peer);
    X509 *cert = tds_ap_peer_cert(r);
    int i;

    for (i = 0; cert && !peer->ds && i < srv->conf.dss->nelts; ++i) {
        const acs_ds_t *ds = APR_ARRAY_IDX(srv->conf.dss, i, const acs_ds_t *);
        if (tds_ap_trust_matches(ds->trust, cert)) peer->ds = ds;
    }
    return peer;
}

static int areq_post(tds_ap_call_t *call, void *baton)
{
    const peer_t *peer = tds_ap_peer_once(call->r, &acs_module, find_peer);
    acs_answer_t answer = {.status = 500};
    acs_run_t *run = baton;

    run->ds = peer->ds && acs_used(run->conf, call->mount->use, peer->ds->name, 0) ? peer->ds : NULL;
    run->use = call->mount->use;
    acs_run_areq(run, call->body, call->len, &answer);
    return acs_send_answer(call->r, &answer);
}

/* ---- browser ------------------------------------------------------------- */

static int begins_json(const char *body)
{
    if (!strncmp(body, "\xef\xbb\xbf", 3)) body += 3; /* F-01 */
    return body[strspn(body, " \t\r\n")] == '{';
}

/* acsURL decides by the body (X-HTTP-07): a form is a browser's CReq, JSON an Erro. */
static int creq_post(tds_ap_call_t *call, void *baton)
{
    acs_run_t *run = baton;
    tds_field_t creq[] = {TDS_FIELD("creq"), TDS_FIELD("threeDSSessionData")};
    acs_answer_t answer = {.status = 500};

    if (begins_json(call->body)) {
        acs_run_json(run, call->body, call->len, &answer);
        return acs_send_answer(call->r, &answer);
    }
    tds_form_read(call->body, call->len, creq, 2);
    if (creq[1].count > 1)
        tds_log(run->log, TDS_LOG_WARNING, "ACS0094", NULL, "a form has threeDSSessionData %d times: the first one counts", creq[1].count);
    acs_run_creq(run, tds_form_value(&creq[0]), tds_form_first(&creq[1]), &answer);
    return acs_send_answer(call->r, &answer);
}

static int form_post(tds_ap_call_t *call, void *run)
{
    enum { TOKEN, ACTION, OTP, ASSERTION, TRUST, BIND, N };
    tds_field_t f[N] = {TDS_FIELD("token"), TDS_FIELD("action"), TDS_FIELD("otp"),
                        TDS_FIELD("assertion"), TDS_FIELD("trust"), TDS_FIELD("bind")};
    acs_answer_t answer = {.status = 500};
    acs_form_t form;

    tds_form_read(call->body, call->len, f, N);
    form = (acs_form_t){.token = tds_form_value(&f[TOKEN]),
                        .action = tds_form_value(&f[ACTION]),
                        .otp = tds_form_value(&f[OTP]),
                        .assertion = tds_form_value(&f[ASSERTION]),
                        .trust = tds_form_value(&f[TRUST]),
                        .bind = tds_form_value(&f[BIND])};
    acs_run_form(run, &form, &answer);
    return acs_send_answer(call->r, &answer);
}

static int page_get(tds_ap_call_t *call, void *run)
{
    acs_answer_t answer = {.status = 500};

    acs_run_page(run, call->arg, &answer);
    return acs_send_answer(call->r, &answer);
}

/* ---- 3DS Method ----------------------------------------------------------- */

static acs_seen_t seen_of(request_rec *r)
{
    return (acs_seen_t){.user_agent = apr_table_get(r->headers_in, "User-Agent"),
                        .accept = apr_table_get(r->headers_in, "Accept"),
                        .accept_language = apr_table_get(r->headers_in, "Accept-Language"),
                        .ip = r->useragent_ip};
}

static int method_post(tds_ap_call_t *call, void *run)
{
    tds_field_t data = TDS_FIELD("threeDSMethodData");
    acs_answer_t answer = {.status = 500};
    acs_seen_t seen = seen_of(call->r);

    tds_form_read(call->body, call->len, &data, 1);
    acs_run_method(run, tds_form_value(&data), &seen, &answer);
    return acs_send_answer(call->r, &answer);
}

static int method_data_post(tds_ap_call_t *call, void *run)
{
    tds_field_t f[] = {TDS_FIELD("token"), TDS_FIELD("data")};
    acs_answer_t answer = {.status = 500};
    acs_seen_t seen = seen_of(call->r);

    tds_form_read(call->body, call->len, f, 2);
    acs_run_method_data(run, tds_form_value(&f[0]), tds_form_value(&f[1]), &seen, &answer);
    return acs_send_answer(call->r, &answer);
}

/* ---- operator ------------------------------------------------------------ */

static int ready_get(tds_ap_call_t *call, void *run)
{
    return tds_ap_ready(call->r, ((acs_run_t *)run)->store, &acs_server_of(call->r->server)->certs,
                        acs_txnlog_good(run) ? NULL : "the transaction log cannot be written");
}

static int health_get(tds_ap_call_t *call, void *run)
{
    return tds_ap_health(call->r);
}

static int metrics_get(tds_ap_call_t *call, void *run)
{
    acs_metric_breakers(run);
    return tds_ap_metrics(call->r, ((acs_run_t *)run)->metrics, "acs", &acs_server_of(call->r->server)->certs);
}

/* ---- routes -------------------------------------------------------------- */

#define FORM_MAX (16 * 1024)
#define CREQ_MAX (160 * 1024) /* a CReq with the largest messageExtension, in base64url */

static const tds_ap_route_t routes[] = {
    {ACS_EP_AREQ, M_POST, "", 0, areq_post},
    {ACS_EP_CHALLENGE, M_POST, "", CREQ_MAX, creq_post},
    {ACS_EP_CHALLENGE, M_POST, "/form", FORM_MAX, form_post},
    {ACS_EP_CHALLENGE, M_GET, "/page/*", 0, page_get, TDS_AP_SECRET},
    {ACS_EP_METHOD, M_POST, "", FORM_MAX, method_post},
    {ACS_EP_METHOD, M_POST, "/data", FORM_MAX, method_data_post},
    {ACS_EP_ISSUER, M_POST, "/oob/*", FORM_MAX, acs_oob_post},
    {ACS_EP_ISSUER, M_POST, "/decoupled/*", FORM_MAX, acs_decoupled_post},
    {ACS_EP_ISSUER, M_GET, "/transactions/*", 0, acs_transaction_get},
    {ACS_EP_ISSUER, M_GET, "/trust/*", 0, acs_trust_get},
    {ACS_EP_ISSUER, M_POST, "/trust/*/remove", FORM_MAX, acs_trust_remove_post},
    {ACS_EP_ISSUER, M_POST, "/trust/*", FORM_MAX, acs_trust_post},
    {ACS_EP_ISSUER, M_GET, "/transactions", 0, acs_transactions_get},
    {ACS_EP_STATUS, M_GET, "/health", 0, health_get, TDS_AP_HEAD},
    {ACS_EP_STATUS, M_GET, "/ready", 0, ready_get, TDS_AP_HEAD},
    {ACS_EP_STATUS, M_GET, "/metrics", 0, metrics_get, TDS_AP_HEAD},
};

static const tds_ap_routes_t all = {&acs_module, acs_endpoints, routes, (int)(sizeof routes / sizeof *routes)};

int acs_handler(request_rec *r)
{
    acs_dir_t *dir = ap_get_module_config(r->per_dir_config, &acs_module);
    const tds_ap_route_t *route;
    tds_ap_call_t call;
    tds_log_t log;
    tds_err_t err;
    acs_run_t run;
    int st = tds_ap_route(r, &dir->mount, &all, acs_server_of(r->server)->conf.max_body, &route, &call);

    if (st != OK) return st == TDS_AP_ANSWERED ? OK : st;
    if (!acs_child.store) return tds_ap_status(r, HTTP_SERVICE_UNAVAILABLE);
    acs_run_init(&run, r, r->server, &log, &err, r->pool);
    return route->fn(&call, &run);
}
