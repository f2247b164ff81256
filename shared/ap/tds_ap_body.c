#include "tds_ap_body.h"

#include <apr_strings.h>
#include <http_protocol.h>

/* A growing buffer: bodies are mostly of known length, so mostly it grows not at all. */
typedef struct grow_t {
    char *buf;
    apr_size_t len, cap, max;
} grow_t;

static int grow_add(grow_t *g, const char *data, apr_size_t n, apr_pool_t *pool)
{
    if (n > g->max - g->len) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    if (g->len + n + 1 > g->cap) {
        apr_size_t cap = g->cap;
        char *bigger;

        while (cap < g->len + n + 1) cap *= 2;
        bigger = apr_palloc(pool, cap);
        memcpy(bigger, g->buf, g->len);
        g->buf = bigger;
        g->cap = cap;
    }
    memcpy(g->buf + g->len, data, n);
    g->len += n;
    return OK;
}

/* Takes over what is in bb. *eos: nothing follows. */
static int take_brigade(grow_t *g, apr_bucket_brigade *bb, int *eos, apr_pool_t *pool)
{
    apr_bucket *e;
    int st;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
        const char *data;
        apr_size_t n;

        if (APR_BUCKET_IS_EOS(e)) *eos = 1;
        if (*eos || APR_BUCKET_IS_METADATA(e)) continue;
        if (apr_bucket_read(e, &data, &n, APR_BLOCK_READ) != APR_SUCCESS) return HTTP_BAD_REQUEST;
        if ((st = grow_add(g, data, n, pool)) != OK) return st;
    }
    return OK;
}

int tds_ap_body(request_rec *r, apr_size_t max, char **body, apr_size_t *len)
{
    const char *cl = apr_table_get(r->headers_in, "Content-Length");
    apr_int64_t told = cl ? apr_atoi64(cl) : 0;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    grow_t g = {.max = max};
    int eos = 0, st = OK;

    if (told < 0) return HTTP_BAD_REQUEST;
    if (told > (apr_int64_t)max) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    g.cap = told ? (apr_size_t)told + 1 : 4096;
    g.buf = apr_palloc(r->pool, g.cap);
    while (!eos && st == OK) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, 65536);

        if (rv != APR_SUCCESS) {
            r->connection->keepalive = AP_CONN_CLOSE;
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        st = take_brigade(&g, bb, &eos, r->pool);
        apr_brigade_cleanup(bb);
    }
    g.buf[g.len] = '\0';
    *body = g.buf;
    *len = g.len;
    return st;
}

int tds_ap_prefetched(request_rec *r)
{
    static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};
    apr_size_t i;

    for (i = 0; i < sizeof names / sizeof *names; ++i) {
        const char *text = apr_table_get(r->headers_in, names[i]);

        if (text && (ap_strcasestr(text, "prefetch") || ap_strcasestr(text, "prerender") || ap_strcasestr(text, "preview"))) return 1;
    }
    return 0;
}
