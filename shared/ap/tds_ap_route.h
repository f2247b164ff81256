/* Routes of an endpoint: method and path to function. */
#ifndef TDS_AP_ROUTE_H
#define TDS_AP_ROUTE_H

#include "tds_ap_mount.h"

/* What a route is given: the body of a POST (NUL-terminated), and the path segment that "*" stood for, or NULL. */
typedef struct tds_ap_call_t {
    request_rec *r;
    const tds_ap_mount_t *mount;
    const char *arg;
    char *body;
    apr_size_t len;
} tds_ap_call_t;

/* run: the module's own. Returns what a handler returns. */
typedef int tds_ap_route_fn(tds_ap_call_t *call, void *run);

/* path: what follows the mount path, exactly; one segment of it may be "*" (one or more characters). flags: TDS_AP_... */
typedef struct tds_ap_route_t {
    int endpoint, method; /* M_GET, M_POST */
    const char *path;
    int body_max; /* 0: the module's default */
    tds_ap_route_fn *fn;
    unsigned flags;
} tds_ap_route_t;

#define TDS_AP_HEAD   1u /* HEAD is answered as GET, without the body: the call has no effect */
#define TDS_AP_SECRET 2u /* "*" is a secret: no log of requests has it */

/* All of a module. endpoints: their names, from number 1 on. */
typedef struct tds_ap_routes_t {
    module *m;
    const char *const *endpoints;
    const tds_ap_route_t *routes;
    int n;
} tds_ap_routes_t;

/* Find the route of r and read its body. OK: *route and *call are set. Another value: nothing is to be run; return it
 * (DECLINED: not ours; TDS_AP_ANSWERED: 404, 405, 413 ... have been answered without a body; a body that was too large is
 * logged; another: httpd's own). */
int tds_ap_route(request_rec *r, const tds_ap_mount_t *mount, const tds_ap_routes_t *all, int body_max, const tds_ap_route_t **route,
                 tds_ap_call_t *call);

/* Returned by tds_ap_route when it has answered itself. */
#define TDS_AP_ANSWERED (-1000)

#endif
