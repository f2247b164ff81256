/* Endpoints: where they are mounted, and that a request for one stays ours whatever else the site's configuration says. */
#ifndef TDS_AP_MOUNT_H
#define TDS_AP_MOUNT_H

#include <httpd.h>
#include <http_config.h>

/* An endpoint is mounted where its directive stands: only in <Location>, whose path is the prefix. */
typedef struct tds_ap_mount_t {
    const char *path;          /* without a trailing slash; NULL: not an endpoint */
    int endpoint;              /* the module's own number, 1.. */
    apr_array_header_t *use;   /* const char *: names of sections this endpoint is limited to; NULL: all */
} tds_ap_mount_t;

/* For the endpoint directive: checks the context and keeps the path. */
const char *tds_ap_mount_set(cmd_parms *cmd, tds_ap_mount_t *mount, const char *name, const char *const *names, int n);

/* All of this configuration. */
typedef struct tds_ap_mounted_t {
    const char *path; /* as in tds_ap_mount_t */
    int endpoint;
    server_rec *s;
    const ap_directive_t *at;
} tds_ap_mounted_t;

const apr_array_header_t *tds_ap_mounts(void); /* tds_ap_mounted_t */

/* How often is that endpoint mounted? */
int tds_ap_mount_count(int endpoint);

void tds_ap_mount_merge(tds_ap_mount_t *out, const tds_ap_mount_t *base, const tds_ap_mount_t *add);

/* What follows the mount path: "" or "/...". NULL: r is not under it. */
const char *tds_ap_mount_rest(const request_rec *r, const tds_ap_mount_t *mount);

/* May this endpoint use the section of that name? */
int tds_ap_mount_uses(const tds_ap_mount_t *mount, const char *name);

/* text, a part of the URL of r, shall stand in no log of requests. */
void tds_ap_mount_secret(request_rec *r, const char *text);

/* The mount that r->per_dir_config tells of (never NULL). */
typedef const tds_ap_mount_t *tds_ap_mount_of_fn(const request_rec *r);

/* In register_hooks: handler is called for what is mounted, and from the first mapping of the URL on no other module takes the
 * request: not mod_proxy, mod_rewrite, mod_alias, mod_dir or mod_negotiation, whatever the order in which modules are loaded. */
void tds_ap_mount_register(tds_ap_mount_of_fn *mount_of, ap_HOOK_handler_t *handler);

#endif
