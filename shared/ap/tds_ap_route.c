#include "tds_ap_route.h"

#include <string.h>
#include <apr_strings.h>
#include <http_core.h>
#include "tds_ap_answer.h"
#include "tds_ap_body.h"
#include "tds_ap_log.h"

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

static int not_allowed(request_rec *r, const tds_ap_route_t *route)
{
    const char *allow = route->method == M_POST ? "POST" : route->flags & TDS_AP_HEAD ? "GET, HEAD" : "GET";

    apr_table_setn(r->headers_out, "Allow", allow);
    return answered(r, HTTP_METHOD_NOT_ALLOWED);
}

static int takes(const tds_ap_route_t *route, const request_rec *r)
{
    return r->method_number == route->method && (!r->header_only || route->flags & TDS_AP_HEAD);
}

static const tds_ap_route_t *find(const tds_ap_routes_t *all, int endpoint, const char *rest, const request_rec *r, const char **arg,
                                  const tds_ap_route_t **other)
{
    int i;

    for (i = 0; i < all->n; ++i) {
        const tds_ap_route_t *route = &all->routes[i];

        if (route->endpoint != endpoint || !fits(route->path, rest, arg, r->pool)) continue;
        if (takes(route, r)) return route;
        *other = route;
    }
    return NULL;
}

static tds_log_t *log_of(request_rec *r, const tds_ap_routes_t *all)
{
    tds_log_t *log = apr_palloc(r->pool, sizeof *log);

    tds_ap_log_init(log, all->m, r, r->server, r->pool);
    return log;
}

/* A peer whose messages grow, or a limit of the site that is too small, is to be found in the log. */
static int refused(request_rec *r, const tds_ap_routes_t *all, int endpoint, int max, int st)
{
    tds_log_t *log = log_of(r, all);

    if (st == AP_FILTER_ERROR) { /* httpd's LimitRequestBody, for one: it has answered */
        if (r->status == HTTP_REQUEST_ENTITY_TOO_LARGE)
            tds_log(log, TDS_LOG_WARNING, "TDS0400", NULL,
                    "endpoint %s: a body larger than LimitRequestBody (%" APR_OFF_T_FMT " bytes)", all->endpoints[endpoint - 1],
                    ap_get_limit_req_body(r));
        return st;
    }
    if (st == HTTP_REQUEST_ENTITY_TOO_LARGE)
        tds_log(log, TDS_LOG_WARNING, "TDS0401", NULL, "endpoint %s: a body larger than its limit (%d bytes)",
                all->endpoints[endpoint - 1], max);
    return answered(r, st);
}

int tds_ap_route(request_rec *r, const tds_ap_mount_t *mount, const tds_ap_routes_t *all, int body_max, const tds_ap_route_t **route,
                 tds_ap_call_t *call)
{
    const char *rest = tds_ap_mount_rest(r, mount);
    const tds_ap_route_t *other = NULL;
    int st, max;

    if (!rest || r->proxyreq) return DECLINED;
    *call = (tds_ap_call_t){.r = r, .mount = mount, .body = (char *)""};
    if (!(*route = find(all, mount->endpoint, rest, r, &call->arg, &other)))
        return other ? not_allowed(r, other) : answered(r, HTTP_NOT_FOUND);
    if ((*route)->flags & TDS_AP_SECRET) tds_ap_mount_secret(r, call->arg);
    if ((*route)->method != M_POST) return OK;
    max = (*route)->body_max ? (*route)->body_max : body_max;
    st = tds_ap_body(r, (apr_size_t)max, &call->body, &call->len);
    return st == OK ? OK : refused(r, all, mount->endpoint, max, st);
}
