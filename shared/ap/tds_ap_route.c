#include "tds_ap_route.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_ap_body.h"

/* Does rest fit the pattern? *arg gets the text for "*". */
static int fits(const char *pattern, const char *rest, const char **arg, apr_pool_t *pool)
{
    const char *star = strchr(pattern, '*');
    apr_size_t head, tail, len = strlen(rest), mid;

    *arg = NULL;
    if (!star) return !strcmp(pattern, rest);
    head = (apr_size_t)(star - pattern);
    tail = strlen(star + 1);
    if (len <= head + tail || strncmp(rest, pattern, head) || strcmp(rest + len - tail, star + 1)) return 0;
    mid = len - head - tail;
    if (memchr(rest + head, '/', mid)) return 0;
    *arg = apr_pstrmemdup(pool, rest + head, mid);
    return 1;
}

static int answered(request_rec *r, int status)
{
    (void)tds_ap_status(r, status);
    return TDS_AP_ANSWERED;
}

static int not_allowed(request_rec *r, int method)
{
    apr_table_setn(r->headers_out, "Allow", method == M_POST ? "POST" : "GET");
    return answered(r, HTTP_METHOD_NOT_ALLOWED);
}

int tds_ap_route(request_rec *r, const tds_ap_mount_t *mount, const tds_ap_route_t *routes, int n, int body_max,
                 const tds_ap_route_t **route, tds_ap_call_t *call)
{
    const char *rest = tds_ap_mount_rest(r, mount);
    int i, other = -1, st;

    if (!rest || r->proxyreq) return DECLINED;
    *call = (tds_ap_call_t){.r = r, .mount = mount, .body = (char *)""};
    for (i = 0; i < n; ++i) {
        if (routes[i].endpoint != mount->endpoint || !fits(routes[i].path, rest, &call->arg, r->pool)) continue;
        if (r->method_number == routes[i].method && !r->header_only) break;
        other = routes[i].method;
    }
    if (i == n) return other >= 0 ? not_allowed(r, other) : answered(r, HTTP_NOT_FOUND);
    *route = &routes[i];
    if (routes[i].method != M_POST) return OK;
    st = tds_ap_body(r, (apr_size_t)(routes[i].body_max ? routes[i].body_max : body_max), &call->body, &call->len);
    return st == OK ? OK : answered(r, st);
}
