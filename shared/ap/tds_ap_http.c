#include "tds_ap_http.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include "tds_ap_proxy.h"
#include "tds_ap_request.h"
#include "tds_time.h"

#define RESP_MAX_DEFAULT (64 * 1024)
#define PREFETCH_MAX     (16 * 1024) /* mod_proxy_http's MAX_MEM_SPOOL */

/* One call under way. */
typedef struct call_t {
    apr_pool_t *pool;
    const tds_http_req_t *req;
    const char *src; /* what of our body is still to be sent */
    apr_size_t left, fed;
    char *buf; /* the answer so far */
    apr_size_t len, cap, max;
    apr_interval_time_t read_timeout;
    apr_time_t deadline; /* of the answer; 0 until the request is sent */
    apr_time_t until;    /* of the whole; 0: none */
    unsigned over : 1, broke : 1, late : 1, sent : 1, reused : 1;
} call_t;

static module *our_module;
static __thread call_t *current; /* of this thread, while mod_proxy works for it */
static ap_filter_rec_t *feed_filter, *keep_filter, *limit_filter;

/* Our body, then EOS for ever. */
static apr_status_t feed(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
                         apr_off_t want)
{
    call_t *x = f->ctx;
    apr_size_t n = x->left;

    if (mode != AP_MODE_READBYTES) return APR_ENOTIMPL;
    if ((apr_off_t)n > want) n = (apr_size_t)want;
    if (n) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_immortal_create(x->src, n, f->c->bucket_alloc));
        x->src += n;
        x->left -= n;
        x->fed += n;
    }
    if (!x->left) APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

static apr_status_t keep_bytes(call_t *x, const char *data, apr_size_t n)
{
    if (n > x->max - x->len) {
        x->over = 1;
        return APR_ENOSPC; /* mod_proxy then closes the back end */
    }
    if (x->len + n + 1 > x->cap) {
        apr_size_t cap = x->cap ? x->cap : 4096;
        char *bigger;

        while (cap < x->len + n + 1) cap *= 2;
        bigger = apr_palloc(x->pool, cap);
        if (x->len) memcpy(bigger, x->buf, x->len);
        x->buf = bigger;
        x->cap = cap;
    }
    memcpy(x->buf + x->len, data, n);
    x->len += n;
    return APR_SUCCESS;
}

/* Collect the answer: bounded, under a deadline, never passed on. */
static apr_status_t keep(ap_filter_t *f, apr_bucket_brigade *bb)
{
    call_t *x = f->ctx;
    apr_status_t rv = APR_SUCCESS;
    apr_bucket *e;

    if (x->deadline && tds_time_mono() > x->deadline) {
        x->late = 1;
        rv = APR_TIMEUP;
    }
    for (e = APR_BRIGADE_FIRST(bb); rv == APR_SUCCESS && e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
        const char *data;
        apr_size_t n;

        if (APR_BUCKET_IS_EOS(e)) {
            f->r->eos_sent = 1;
            break;
        }
        if (AP_BUCKET_IS_ERROR(e)) { /* is a metadata bucket too: look first */
            x->broke = 1;
            continue;
        }
        if (APR_BUCKET_IS_METADATA(e)) continue;
        if ((rv = apr_bucket_read(e, &data, &n, APR_BLOCK_READ)) == APR_SUCCESS) rv = keep_bytes(x, data, n);
        else x->broke = 1;
    }
    apr_brigade_cleanup(bb);
    return rv;
}

/* ---- the deadline of each read ------------------------------------------- */

/* The socket's read limit starts anew with each read, so that a peer which drips header lines could hold a call for as
 * long as it likes: this filter, between TLS and socket, leaves each read only what is left of the call. (TLS asks for
 * bytes, so that each is one read of the socket; we call https only.) It stays on a connection that is kept, and so does
 * its context, which points to nothing of a call; between calls it does nothing. */
typedef struct limit_t {
    apr_time_t deadline; /* 0: no call of ours is under way */
} limit_t;

static apr_status_t limited_read(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t want)
{
    const limit_t *limit = f->ctx;
    apr_socket_t *sock = ap_get_conn_socket(f->c);
    apr_interval_time_t before, left;
    apr_status_t rv;

    if (!limit->deadline || block != APR_BLOCK_READ || !sock) return ap_get_brigade(f->next, bb, mode, block, want);
    if ((left = limit->deadline - tds_time_mono()) <= 0) return APR_TIMEUP;
    if ((rv = apr_socket_timeout_get(sock, &before)) != APR_SUCCESS) return rv;
    apr_socket_timeout_set(sock, left + apr_time_from_msec(1)); /* APR rounds down to whole ms: not to end too early */
    rv = ap_get_brigade(f->next, bb, mode, block, want);
    apr_socket_timeout_set(sock, before); /* sending, too, runs under it: never leave a rest of some milliseconds */
    return rv;
}

static apr_status_t limit_end(void *limit)
{
    ((limit_t *)limit)->deadline = 0;
    return APR_SUCCESS;
}

static limit_t *limit_on(conn_rec *c)
{
    ap_filter_t *f;

    for (f = c->input_filters; f; f = f->next) {
        if (f->frec == limit_filter) return f->ctx;
    }
    return ap_add_input_filter_handle(limit_filter, apr_pcalloc(c->pool, sizeof(limit_t)), NULL, c)->ctx;
}

/* mod_proxy destroys pr's pool before it puts the connection back, where another thread may take it at once. */
static void limit_reads(request_rec *pr, apr_time_t deadline)
{
    limit_t *limit = limit_on(pr->connection);

    limit->deadline = deadline;
    apr_pool_cleanup_register(pr->pool, limit, limit_end, apr_pool_cleanup_null);
}

/* Of what headers a peer is sent, and nothing else: not what mod_proxy adds of itself or for the site (Via). */
static void set_headers(request_rec *r, const tds_http_req_t *req)
{
    const tds_http_header_t *h;

    if (req->type) apr_table_setn(r->headers_in, "Content-Type", req->type);
    if (req->body) apr_table_setn(r->headers_in, "Content-Length", apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, req->len));
    for (h = req->headers; h && h->name; ++h) apr_table_setn(r->headers_in, h->name, h->value);
}

static call_t *call_of(request_rec *r)
{
    call_t *x = ap_get_module_config(r->request_config, our_module);

    return x && r->handler && !strcmp(r->handler, "proxy-server") && !strcmp(r->useragent_ip, "internal") ? x : NULL;
}

/* Runs last before the headers go out. Expect is mod_proxy's own where the <Proxy> block says ping=. */
static int on_fixups(request_rec *r)
{
    const char *expect = apr_table_get(r->headers_in, "Expect");
    call_t *x = call_of(r);

    if (!x) return DECLINED;
    apr_table_clear(r->headers_in);
    set_headers(r, x->req);
    if (expect) apr_table_setn(r->headers_in, "Expect", expect);
    return OK;
}

/* Runs after the request was sent, before the answer is read: the only place for a read limit per call. */
static int on_create_req(request_rec *r, request_rec *pr)
{
    call_t *x = call_of(r);
    apr_socket_t *sock;

    if (!x) return DECLINED;
    x->sent = 1;
    x->reused = pr->connection->keepalives > 0;
    x->deadline = tds_time_mono() + x->read_timeout;
    if (x->until && x->until < x->deadline) x->deadline = x->until;
    if ((sock = ap_get_conn_socket(pr->connection))) apr_socket_timeout_set(sock, x->read_timeout);
    limit_reads(pr, x->deadline);
    return OK;
}

/* Runs when TCP is up and TLS is to begin: reads of the handshake get what is left of the whole, too. (The limit that
 * mod_proxy itself knows here is that of the <Proxy> block.) */
static int on_pre_connection(conn_rec *c, void *csd)
{
    if (current && current->until) limit_on(c)->deadline = current->until;
    return DECLINED;
}

static int on_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    tds_ap_proxy_find();
    return OK;
}

void tds_ap_http_register(module *m, const char *prefix)
{
    our_module = m;
    keep_filter = ap_register_output_filter(strcmp(prefix, "ACS") ? "SRV_OUT_KEEP" : "ACS_OUT_KEEP", keep, NULL,
                                            AP_FTYPE_RESOURCE);
    feed_filter =
        ap_register_input_filter(strcmp(prefix, "ACS") ? "SRV_OUT_FEED" : "ACS_OUT_FEED", feed, NULL, AP_FTYPE_RESOURCE);
    limit_filter = ap_register_input_filter(strcmp(prefix, "ACS") ? "SRV_OUT_LIMIT" : "ACS_OUT_LIMIT", limited_read, NULL,
                                            AP_FTYPE_NETWORK - 1); /* TLS is CONNECTION + 5, the socket NETWORK */
    ap_hook_check_config(on_check_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_connection(on_pre_connection, NULL, NULL, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(proxy, fixups, on_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    APR_OPTIONAL_HOOK(proxy, create_req, on_create_req, NULL, NULL, APR_HOOK_MIDDLE);
}

static request_rec *make_request(apr_pool_t *p, server_rec *s, const tds_http_req_t *req)
{
    request_rec *r = tds_ap_request_make(p, s, req->method, req->url);

    if (!r) return NULL;
    r->proxyreq = PROXYREQ_REVERSE;
    r->handler = "proxy-server";
    r->filename = apr_pstrcat(p, "proxy:", req->url, NULL);
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress"); /* RFC 9110, 15.2: 1xx are read past */
    return r;
}

/* Did the request leave, perhaps? on_create_req runs only when all of it has. Before that the body tells: mod_proxy_http
 * reads its first 16 KiB before it connects, and the rest only after it has handed over head and first part, which ends
 * the TLS handshake. So only a body of which more was taken has left in part; of a smaller one, written at once into the
 * empty buffer of the socket, a send that times out before on_create_req is a handshake that did. */
static int has_left(const call_t *x)
{
    return x->sent || x->fed > PREFETCH_MAX;
}

/* The answer was cut off by its deadline, while its head was read (limited_read) or its body (keep). */
static int is_late(const call_t *x, int st)
{
    return x->late || (st != OK && x->deadline && tds_time_mono() >= x->deadline);
}

/* mod_proxy's words to ours. A TLS handshake that hung comes back as a TLS error or as a time-out; either way nothing of
 * the request had left. */
static tds_http_result_e classify(const call_t *x, const request_rec *r, int st)
{
    if (is_late(x, st)) return TDS_HTTP_TIMEOUT;
    if (x->over) return TDS_HTTP_TOO_LARGE;
    if (x->broke) return TDS_HTTP_BROKEN;
    if (st == OK) return TDS_HTTP_OK;
    if (apr_table_get(r->notes, "proxy_timedout") || st == HTTP_GATEWAY_TIME_OUT)
        return has_left(x) ? TDS_HTTP_TIMEOUT : TDS_HTTP_CONNECT;
    if (!has_left(x) && st == HTTP_SERVICE_UNAVAILABLE) return TDS_HTTP_CONNECT;
    if (!has_left(x) && st == HTTP_INTERNAL_SERVER_ERROR) return TDS_HTTP_TLS;
    if (x->reused || !x->sent) return TDS_HTTP_STALE; /* broke while sending, or before a status line */
    return TDS_HTTP_BROKEN;
}

/* An answer with Content-Encoding: gzip reaches keep() inflated piece by piece, so that its limit is one of inflated bytes.
 * Without mod_deflate it stays as it is, and is no JSON to anybody. */
static void inflate(request_rec *r)
{
    ap_filter_rec_t *filter = ap_get_output_filter_handle("INFLATE");

    if (filter) ap_add_output_filter_handle(filter, NULL, r, r->connection);
}

/* pool: of this attempt; keep_pool: where the answer lives. */
static void attempt(const tds_http_req_t *req, tds_http_resp_t *resp, int fresh, apr_time_t until, apr_pool_t *pool,
                    apr_pool_t *keep_pool)
{
    server_rec *s = ap_server_conf; /* always the main server: one pool of connections per child */
    request_rec *r = make_request(pool, s, req);
    call_t *x = apr_pcalloc(pool, sizeof *x);
    int st;

    resp->result = TDS_HTTP_CONFIG;
    if (!r) return;
    x->pool = keep_pool;
    x->req = req;
    x->src = req->body;
    x->left = req->body ? req->len : 0;
    x->max = req->resp_max ? req->resp_max : RESP_MAX_DEFAULT;
    x->read_timeout = req->read_timeout;
    x->until = until;
    set_headers(r, req);
    if (fresh) apr_table_setn(r->subprocess_env, "proxy-initial-not-pooled", "1");
    ap_set_module_config(r->request_config, our_module, x);
    ap_add_input_filter_handle(feed_filter, x, r, r->connection);
    ap_add_output_filter_handle(keep_filter, x, r, r->connection);
    inflate(r);
    current = x;
    st = tds_ap_proxy_run(r);
    current = NULL;
    if (st == DECLINED) return;
    resp->result = classify(x, r, st);
    if (resp->result != TDS_HTTP_OK) return;
    resp->status = r->status;
    resp->type = r->content_type ? apr_pstrdup(keep_pool, r->content_type) : NULL;
    resp->len = x->len;
    if (x->len) {
        x->buf[x->len] = '\0';
        resp->body = x->buf;
    }
}

static void ap_http_call(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *pool)
{
    apr_time_t start = tds_time_mono(), until = req->total ? start + req->total : 0;
    apr_pool_t *sub;
    int fresh;

    *resp = (tds_http_resp_t){.body = "", .result = TDS_HTTP_CONFIG};
    for (fresh = 0; fresh <= 1; ++fresh) {
        if (apr_pool_create(&sub, NULL) != APR_SUCCESS) return;
        if (tds_ap_proxy_worker(req->url, ap_server_conf, sub)) attempt(req, resp, fresh, until, sub, pool);
        apr_pool_destroy(sub);
        if (resp->result != TDS_HTTP_STALE || req->once || (until && tds_time_mono() >= until)) break;
    }
    resp->took = tds_time_mono() - start;
}

const tds_http_t tds_ap_http = {.call = ap_http_call};

const tds_ap_worker_t *tds_ap_http_worker(const char *url, server_rec *s, apr_pool_t *pool)
{
    proxy_worker *w = tds_ap_proxy_worker(url, s, pool);
    tds_ap_worker_t *out;

    if (!w) return NULL;
    out = apr_pcalloc(pool, sizeof *out);
    out->connect = w->s->conn_timeout_set ? w->s->conn_timeout : w->s->timeout_set ? w->s->timeout : s->timeout;
    out->read = w->s->timeout_set ? w->s->timeout : s->timeout;
    out->max = w->s->hmax;
    return out;
}
