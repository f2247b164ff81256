/* Routes of mod_acs: read the body, call the engine, write the answer. No protocol decision here. */
#include "mod_acs.h"

#include <string.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include "tds_ap_body.h"
#include "tds_ap_http.h"
#include "tds_ap_log.h"
#include "tds_json.h"

APLOG_USE_MODULE(acs);

static const char page_csp[] = "default-src 'none'; base-uri 'none'; img-src data:; style-src 'nonce-%s'; "
                               "script-src 'nonce-%s'; form-action 'self'";
static const char final_csp[] = "default-src 'none'; base-uri 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'";

static int reachable(void *baton, const char *url, apr_pool_t *pool)
{
    return tds_ap_http_worker(url, ap_server_conf, pool) != NULL;
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
                       .rnd = tds_rand_bytes,
                       .log = log,
                       .metrics = &srv->metrics,
                       .match = acs_rules_match,
                       .reachable = reachable,
                       .baton = r,
                       .pool = pool,
                       .err = err};
}

static int send_answer(request_rec *r, const acs_answer_t *a)
{
    if (a->kind == ACS_BODY_NONE) return tds_ap_status(r, a->status);
    if (a->kind == ACS_BODY_JSON) return tds_ap_answer(r, a->status, "application/json; charset=utf-8", a->body, a->len);
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   apr_psprintf(r->pool, a->kind == ACS_BODY_PAGE ? page_csp : final_csp, a->nonce ? a->nonce : "",
                                a->nonce ? a->nonce : ""));
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    return tds_ap_answer(r, a->status, "text/html; charset=utf-8", a->body, a->len);
}

static int not_allowed(request_rec *r, const char *allow)
{
    apr_table_setn(r->headers_out, "Allow", allow);
    return tds_ap_status(r, HTTP_METHOD_NOT_ALLOWED);
}

/* ---- DS ------------------------------------------------------------------ */

/* Which DS is this? Asked once per connection. */
typedef struct peer_t {
    const acs_ds_t *ds;
} peer_t;

static const acs_ds_t *find_ds(request_rec *r)
{
    acs_server_t *srv = acs_server_of(r->server);
    X509 *cert = tds_ap_peer_cert(r);
    int i;

    for (i = 0; cert && i < srv->conf.dss->nelts; ++i) {
        const acs_ds_t *ds = APR_ARRAY_IDX(srv->conf.dss, i, const acs_ds_t *);
        if (tds_ap_trust_matches(ds->trust, cert)) return ds;
    }
    return NULL;
}

static const acs_ds_t *peer_ds(request_rec *r, const tds_ap_mount_t *mount)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;
    peer_t *peer = ap_get_module_config(c->conn_config, &acs_module);

    if (!peer) {
        peer = apr_pcalloc(c->pool, sizeof *peer);
        peer->ds = find_ds(r);
        ap_set_module_config(c->conn_config, &acs_module, peer);
    }
    return peer->ds && tds_ap_mount_uses(mount, peer->ds->name) ? peer->ds : NULL;
}

static int areq_post(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *body, apr_size_t len)
{
    acs_answer_t answer = {.status = 500};

    run->ds = peer_ds(r, mount);
    acs_run_areq(run, body, len, &answer);
    return send_answer(r, &answer);
}

/* ---- browser ------------------------------------------------------------- */

/* acsURL decides by the body (X-HTTP-07): a form is a browser's CReq, JSON an Erro that nobody here waits for. */
static int creq_post(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *body, apr_size_t len)
{
    tds_ap_field_t fields[TDS_AP_FIELDS_MAX];
    acs_answer_t answer = {.status = 500};
    int n;

    if (len && body[0] == '{') return tds_ap_status(r, HTTP_OK);
    if ((n = tds_ap_form(body, len, fields)) < 0) n = 0;
    acs_run_creq(run, tds_ap_form_get(fields, n, "creq"), tds_ap_form_get(fields, n, "threeDSSessionData"), &answer);
    return send_answer(r, &answer);
}

static int form_post(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *body, apr_size_t len)
{
    tds_ap_field_t fields[TDS_AP_FIELDS_MAX];
    acs_answer_t answer = {.status = 500};
    int n = tds_ap_form(body, len, fields);
    acs_form_t form;

    if (n < 0) n = 0;
    form = (acs_form_t){.token = tds_ap_form_get(fields, n, "token"),
                        .action = tds_ap_form_get(fields, n, "action"),
                        .otp = tds_ap_form_get(fields, n, "otp")};
    acs_run_form(run, &form, &answer);
    return send_answer(r, &answer);
}

static int page_get(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *token, apr_size_t len)
{
    acs_answer_t answer = {.status = 500};

    acs_run_page(run, token, &answer);
    return send_answer(r, &answer);
}

/* ---- operator ------------------------------------------------------------ */

#define CLOCK_TOLERANCE apr_time_from_sec(2)

static int ready_get(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *unused, apr_size_t len)
{
    tds_store_health_t h;
    json_t *doc = tds_json_object(r->pool);
    const char *text, *why = NULL;
    int ok;

    if (tds_store_health(run->store, &h, r->pool, run->err) != APR_SUCCESS) why = "the store does not answer";
    else if (h.evicts) why = "the store may evict: set maxmemory-policy noeviction";
    else if (h.offset > CLOCK_TOLERANCE || h.offset < -CLOCK_TOLERANCE) why = "clock and store differ by more than 2 s";
    ok = !why;
    json_object_set_new(doc, "ready", json_boolean(ok));
    tds_json_set(doc, "reason", why);
    text = tds_json_text(doc, &len, r->pool);
    return tds_ap_answer(r, ok ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE, "application/json", text, len);
}

static int health_get(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *unused, apr_size_t len)
{
    static const char text[] = "{\"alive\":true}";

    return tds_ap_answer(r, HTTP_OK, "application/json", text, sizeof text - 1);
}

static int metrics_get(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *unused, apr_size_t len)
{
    const char *text = tds_metric_text(run->metrics, r->pool);

    return tds_ap_answer(r, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

/* ---- routes -------------------------------------------------------------- */

typedef int route_fn(request_rec *r, const tds_ap_mount_t *mount, acs_run_t *run, char *body, apr_size_t len);

/* path: exact, or a prefix when it ends with '/' (the rest is handed on as the body). */
typedef struct route_t {
    int endpoint, method;
    const char *path;
    int body_max; /* 0: ACSMaxBody */
    route_fn *fn;
} route_t;

#define FORM_MAX (16 * 1024)

static const route_t routes[] = {
    {ACS_EP_AREQ, M_POST, "", 0, areq_post},
    {ACS_EP_CHALLENGE, M_POST, "", 0, creq_post},
    {ACS_EP_CHALLENGE, M_POST, "/form", FORM_MAX, form_post},
    {ACS_EP_CHALLENGE, M_GET, "/page/", 0, page_get},
    {ACS_EP_STATUS, M_GET, "/health", 0, health_get},
    {ACS_EP_STATUS, M_GET, "/ready", 0, ready_get},
    {ACS_EP_STATUS, M_GET, "/metrics", 0, metrics_get},
};

static const route_t *find_route(int endpoint, const char *rest, const char **tail)
{
    apr_size_t i, n;

    for (i = 0; i < sizeof routes / sizeof *routes; ++i) {
        n = strlen(routes[i].path);
        *tail = rest + n;
        if (routes[i].endpoint != endpoint || strncmp(rest, routes[i].path, n)) continue;
        if (!**tail || (n && routes[i].path[n - 1] == '/' && !strchr(*tail, '/'))) return &routes[i];
    }
    return NULL;
}

static int run_route(request_rec *r, const tds_ap_mount_t *mount, const route_t *route, const char *tail)
{
    acs_server_t *srv = acs_server_of(r->server);
    char *body = apr_pstrdup(r->pool, tail);
    apr_size_t len = strlen(tail);
    tds_log_t log;
    tds_err_t err;
    acs_run_t run;
    int st;

    if (route->method == M_POST) {
        st = tds_ap_body(r, (apr_size_t)(route->body_max ? route->body_max : srv->conf.max_body), &body, &len);
        if (st != OK) return tds_ap_status(r, st);
    }
    acs_run_init(&run, r, r->server, &log, &err, r->pool);
    return route->fn(r, mount, &run, body, len);
}

int acs_handler(request_rec *r)
{
    acs_dir_t *dir = ap_get_module_config(r->per_dir_config, &acs_module);
    const char *rest = tds_ap_mount_rest(r, &dir->mount), *tail;
    const route_t *route;

    if (!rest || r->proxyreq) return DECLINED;
    if (!(route = find_route(dir->mount.endpoint, rest, &tail))) return tds_ap_status(r, HTTP_NOT_FOUND);
    if (r->method_number != route->method || r->header_only) return not_allowed(r, route->method == M_POST ? "POST" : "GET");
    if (!acs_child.store) return tds_ap_status(r, HTTP_SERVICE_UNAVAILABLE);
    return run_route(r, &dir->mount, route, tail);
}
