#include "tds_ap_mount.h"

#include <string.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include "tds_mask.h"

#define MARK    "endpoint:"
#define HANDLER "3ds-endpoint"

static tds_ap_mount_of_fn *mount_of;
static apr_array_header_t *mounts; /* tds_ap_mounted_t; made anew for each configuration */

/* ---- configuration ------------------------------------------------------- */

const char *tds_ap_mount_set(cmd_parms *cmd, tds_ap_mount_t *mount, const char *name, const char *const *names, int n)
{
    apr_size_t len;
    int i;

    /* Only <Location>: in <Directory> or at server level there is no URL prefix to mount at. */
    if (!cmd->path || cmd->path[0] != '/' || !cmd->directive->parent ||
        strcasecmp(cmd->directive->parent->directive, "<Location"))
        return apr_pstrcat(cmd->pool, cmd->cmd->name, " is legal only in a <Location /path> section", NULL);
    len = strlen(cmd->path);
    if (len > 1 && cmd->path[len - 1] == '/')
        return apr_psprintf(cmd->pool, "%s: <Location %s> matches no request for %.*s: write it without the slash at its end",
                            cmd->cmd->name, cmd->path, (int)len - 1, cmd->path);
    mount->path = len == 1 ? "" : apr_pstrdup(cmd->pool, cmd->path);
    for (i = 0; i < n; ++i) {
        if (strcasecmp(name, names[i])) continue;
        mount->endpoint = i + 1;
        APR_ARRAY_PUSH(mounts, tds_ap_mounted_t) = (tds_ap_mounted_t){mount->path, i + 1, cmd->server, cmd->directive};
        return NULL;
    }
    return apr_psprintf(cmd->pool, "%s: unknown endpoint '%s'", cmd->cmd->name, name);
}

const apr_array_header_t *tds_ap_mounts(void)
{
    return mounts;
}

int tds_ap_mount_count(int endpoint)
{
    int i, n = 0;

    for (i = 0; i < mounts->nelts; ++i) n += APR_ARRAY_IDX(mounts, i, const tds_ap_mounted_t).endpoint == endpoint;
    return n;
}

static int on_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    mounts = apr_array_make(pconf, 8, sizeof(tds_ap_mounted_t));
    return OK;
}

void tds_ap_mount_merge(tds_ap_mount_t *out, const tds_ap_mount_t *base, const tds_ap_mount_t *add)
{
    out->path = add->path ? add->path : base->path;
    out->endpoint = add->endpoint ? add->endpoint : base->endpoint;
    out->use = add->use ? add->use : base->use;
}

const char *tds_ap_mount_rest(const request_rec *r, const tds_ap_mount_t *mount)
{
    apr_size_t n;

    if (!mount->endpoint || !r->uri) return NULL;
    n = strlen(mount->path);
    if (strncmp(r->uri, mount->path, n)) return NULL;
    if (!n && !strcmp(r->uri, "/")) return ""; /* <Location /> itself: no URI is shorter */
    return r->uri[n] == '\0' || r->uri[n] == '/' ? r->uri + n : NULL;
}

int tds_ap_mount_uses(const tds_ap_mount_t *mount, const char *name)
{
    int i;

    if (!mount->use) return 1;
    for (i = 0; i < mount->use->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(mount->use, i, const char *), name)) return 1;
    }
    return 0;
}

/* ---- requests ------------------------------------------------------------ */

static int is_marked(const request_rec *r)
{
    return r->filename && !strncmp(r->filename, MARK, sizeof MARK - 1);
}

static int is_ours(const request_rec *r)
{
    return !r->proxyreq && tds_ap_mount_rest(r, mount_of(r));
}

/* With handler and kind of file set, no module looks for a file, a directory's index or a fallback. */
static void mark(request_rec *r)
{
    r->filename = apr_pstrcat(r->pool, MARK, r->uri, NULL);
    r->handler = HANDLER;
    r->finfo.filetype = APR_UNKFILE;
}

/* Before mod_proxy maps URLs that are still encoded (ProxyPass with mapping=). Who maps here decodes: httpd no longer does. */
static int before_decoding(request_rec *r)
{
    char *decoded;
    int st;

    if (!is_ours(r)) return DECLINED;
    decoded = apr_pstrdup(r->pool, r->uri);
    if ((st = ap_unescape_url(decoded)) != OK) return st;
    r->uri = r->parsed_uri.path = decoded;
    mark(r);
    return OK;
}

/* httpd puts the server's defaults in place of the <Location> before map_to_storage: there only the mark tells that the
 * request is ours, and keeps httpd from walking through directories. */
static int claim(request_rec *r)
{
    if (is_marked(r)) return OK;
    if (!is_ours(r)) return DECLINED;
    mark(r);
    return OK;
}

/* What rules of a <Location> or <If> have made of the request meanwhile is undone (a rule that has answered it is not). */
static int claim_again(request_rec *r)
{
    if (r->proxyreq == PROXYREQ_PROXY || !tds_ap_mount_rest(r, mount_of(r))) return DECLINED;
    r->proxyreq = PROXYREQ_NONE;
    mark(r);
    return OK;
}

static int claim_type(request_rec *r)
{
    return is_marked(r) ? OK : DECLINED; /* no type and no language is looked for */
}

/* ---- logs of requests ---------------------------------------------------- */

#define NOTE "3ds-secret"

void tds_ap_mount_secret(request_rec *r, const char *text)
{
    apr_table_setn(r->notes, NOTE, text);
}

static char *without(const char *text, const char *secret, apr_pool_t *pool)
{
    const char *at = text && secret ? strstr(text, secret) : NULL;

    if (at) text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), "*", at + strlen(secret), NULL);
    return (char *)(text ? tds_mask_text(text, pool) : NULL);
}

/* The answer is out, and nothing else will look at the URL: whatever a LogFormat takes of it, neither the secret nor what may
 * be an account number is in it. */
static int hide(request_rec *r)
{
    const char *secret = apr_table_get(r->notes, NOTE);

    if (!tds_ap_mount_rest(r, mount_of(r))) return DECLINED;
    r->the_request = without(r->the_request, secret, r->pool);
    r->unparsed_uri = without(r->unparsed_uri, secret, r->pool);
    r->uri = without(r->uri, secret, r->pool);
    r->args = without(r->args, secret, r->pool);
    r->filename = without(r->filename, secret, r->pool);
    return DECLINED;
}

void tds_ap_mount_register(tds_ap_mount_of_fn *of, ap_HOOK_handler_t *handler)
{
    mount_of = of;
    ap_hook_pre_config(on_pre_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_translate_name(before_decoding, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_type_checker(claim_type, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(claim_again, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_log_transaction(hide, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
