#include "tds_ap_answer.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

static ap_filter_rec_t *keep_filter;

/* Headers that are ours: as they are when the answer is made, so they leave. */
/* clang-format off */
static const char *const ours[] = {
    "Allow", "Cache-Control", "Content-Encoding", "Content-Security-Policy", "Content-Security-Policy-Report-Only", "Content-Type",
    "Location", "Pragma", "Referrer-Policy", "Refresh", "Retry-After", "WWW-Authenticate", "X-Content-Type-Options",
    "X-Frame-Options", "X-Request-ID", "X-Response-ID", NULL};
/* clang-format on */

typedef struct kept_t {
    const char *type; /* httpd sends it apart */
    const char *values[sizeof ours / sizeof *ours]; /* NULL: not sent */
    int status;
} kept_t;

static kept_t *kept_make(request_rec *r)
{
    kept_t *kept = apr_pcalloc(r->pool, sizeof *kept);
    int i;

    kept->type = r->content_type;
    kept->status = r->status;
    for (i = 0; ours[i]; ++i) {
        const char *value = apr_table_get(r->err_headers_out, ours[i]);
        kept->values[i] = value ? value : apr_table_get(r->headers_out, ours[i]);
    }
    return kept;
}

static apr_status_t keep_headers(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const kept_t *kept = f->ctx;
    request_rec *r = f->r;
    int i;

    r->content_type = kept->type;
    r->status = kept->status;
    for (i = 0; ours[i]; ++i) {
        apr_table_unset(r->err_headers_out, ours[i]);
        if (kept->values[i]) apr_table_setn(r->headers_out, ours[i], kept->values[i]);
        else apr_table_unset(r->headers_out, ours[i]);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* Filters of content go, but mod_headers', whose other headers are welcome; the one that keeps ours stands behind it. */
static void keep_answer(request_rec *r)
{
    ap_filter_t *f, *next;

    for (f = r->output_filters; f && f->frec->ftype < AP_FTYPE_PROTOCOL; f = next) {
        next = f->next;
        if (strcasecmp(f->frec->name, "FIXUP_HEADERS_OUT")) ap_remove_output_filter(f);
    }
    apr_table_unset(r->headers_in, "Range");
    apr_table_unset(r->headers_in, "If-Range");
    ap_add_output_filter_handle(keep_filter, kept_make(r), r, r->connection);
}

void tds_ap_answer_register(const char *prefix)
{
    keep_filter = ap_register_output_filter(strcmp(prefix, "ACS") ? "SRV_ANSWER" : "ACS_ANSWER", keep_headers, NULL,
                                            AP_FTYPE_PROTOCOL - 1);
}

static void begin(request_rec *r, int status, const char *type)
{
    r->status = status;
    r->status_line = NULL;
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    r->content_type = NULL; /* what the site's AddType or ForceType says */
    if (type) ap_set_content_type(r, type);
    keep_answer(r);
}

void tds_ap_answer_begin(request_rec *r, const char *type)
{
    begin(r, HTTP_OK, type);
}

int tds_ap_answer(request_rec *r, int status, const char *type, const char *body, apr_size_t len)
{
    begin(r, status, type);
    ap_set_content_length(r, (apr_off_t)len);
    if (len && !r->header_only) ap_rwrite(body, (int)len, r);
    return OK;
}

int tds_ap_status(request_rec *r, int status)
{
    return tds_ap_answer(r, status, NULL, NULL, 0);
}

/* Shops' apps frame pages under schemes of their own, which "*" does not cover. */
#define FRAMED "; frame-ancestors https: http: file: data: blob: app: capacitor: ionic:"

int tds_ap_page(request_rec *r, int status, const char *csp, const char *body, apr_size_t len)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy", apr_pstrcat(r->pool, csp, FRAMED, NULL));
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    return tds_ap_answer(r, status, "text/html; charset=utf-8", body, len);
}

void tds_ap_trace(request_rec *r, const char *request_id, const char *response_id)
{
    if (request_id) apr_table_setn(r->headers_out, "X-Request-ID", request_id);
    if (response_id) apr_table_setn(r->headers_out, "X-Response-ID", response_id);
}
