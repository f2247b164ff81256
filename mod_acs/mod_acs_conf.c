/* Directives of mod_acs: rows and sections; what a child begins with. */
#include "mod_acs.h"

#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include "acs_av.h"
#include "acs_hook.h"
#include "acs_count.h"

#define TDS_AP_COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static const tds_ap_row_t rows[] = {
#define D(name, kind, scope, type, member, fallback, min, max, help)                               \
    {#name, TDS_AP_##kind, TDS_AP_##scope, offsetof(type, member), fallback, min, max},
#include "mod_acs_directives.def"
#undef D
};

acs_child_t acs_child;

acs_server_t *acs_server_of(server_rec *s)
{
    return ap_get_module_config(ap_server_conf ? ap_server_conf->module_config : s->module_config,
                                &acs_module);
}

const char *const acs_endpoints[] = {"areq", "challenge", "method", "issuer", "status"};

/* ---- creation ------------------------------------------------------------ */

void *acs_server_create(apr_pool_t *p, server_rec *s)
{
    acs_server_t *srv = apr_pcalloc(p, sizeof *srv);

    srv->conf.issuers = apr_array_make(p, 4, sizeof(acs_issuer_t *));
    srv->conf.dss = apr_array_make(p, 4, sizeof(acs_ds_t *));
    srv->pool = p;
    srv->used = apr_array_make(p, 2, sizeof(const char *));
    tds_ap_row_defaults(rows, TDS_AP_COUNT(rows), TDS_AP_SERVER, srv, p);
    return srv;
}

void *acs_dir_create(apr_pool_t *p, char *path)
{
    return apr_pcalloc(p, sizeof(acs_dir_t));
}

void *acs_dir_merge(apr_pool_t *p, void *base, void *add)
{
    acs_dir_t *out = apr_pcalloc(p, sizeof *out);

    tds_ap_mount_merge(&out->mount, &((acs_dir_t *)base)->mount, &((acs_dir_t *)add)->mount);
    return out;
}

/* ---- single directives --------------------------------------------------- */

static acs_server_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &acs_module);
}

static const char *set_row(cmd_parms *cmd, void *dconf, const char *arg)
{
    const tds_ap_row_t *row = cmd->info;
    acs_server_t *srv = server_of(cmd);
    const char *fault = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST | NOT_IN_DIR_CONTEXT);
    void *base = srv;

    if (fault) return fault;
    if (row->scope == TDS_AP_SECTION1) base = srv->issuer;
    if (row->scope == TDS_AP_SECTION2) base = srv->ds;
    if (!base)
        return apr_pstrcat(cmd->pool, row->name, " is legal only inside <",
                           row->scope == TDS_AP_SECTION1 ? "ACSIssuer" : "ACSDirectoryServer", ">",
                           NULL);
    return tds_ap_row_set(row, base, arg, cmd->pool);
}

const char *acs_need_issuer(cmd_parms *cmd, acs_issuer_t **issuer)
{
    *issuer = server_of(cmd)->issuer;
    return *issuer
               ? NULL
               : apr_pstrcat(cmd->pool, cmd->cmd->name, " is legal only inside <ACSIssuer>", NULL);
}

static const char *need_ds(cmd_parms *cmd, acs_ds_t **ds)
{
    *ds = server_of(cmd)->ds;
    return *ds ? NULL
               : apr_pstrcat(cmd->pool, cmd->cmd->name,
                             " is legal only inside <ACSDirectoryServer>", NULL);
}

/* For complaints that come when the whole is known. */
static const char *where_of(cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num,
                        cmd->directive->filename);
}

static const char *set_master_key(cmd_parms *cmd, void *dconf, const char *key, const char *old)
{
    acs_server_t *srv = server_of(cmd);

    srv->key_files.current = key;
    srv->key_files.other = old;
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static const char *set_card_range(cmd_parms *cmd, void *dconf, const char *start, const char *end)
{
    acs_issuer_t *issuer;
    acs_range_t *range;
    const char *fault = acs_need_issuer(cmd, &issuer);

    if (fault) return fault;
    range = apr_array_push(issuer->ranges);
    *range = (acs_range_t){start, end};
    fault = acs_range_fault(range);
    return fault ? apr_pstrcat(cmd->pool, "ACSCardRange: ", fault, NULL) : NULL;
}

static const char *set_card_source(cmd_parms *cmd, void *dconf, const char *arg)
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer), *path;
    tds_err_t err;

    if (fault) return fault;
    issuer->card_source = arg;
    if (!strcmp(arg, "redis")) {
        issuer->card_ops = &acs_card_redis;
        issuer->card_baton = apr_pcalloc(cmd->pool, sizeof(acs_card_redis_t));
        return NULL;
    }
    if (!strcmp(arg, "hook")) {
        issuer->card_ops = &acs_card_hook;
        return NULL;
    }
    if (strncmp(arg, "file:", 5)) return "ACSCardSource: must be redis, hook or file:PATH";
    tds_err_init(&err, cmd->pool);
    issuer->card_ops = &acs_card_file;
    path = ap_server_root_relative(cmd->pool, arg + 5);
    if (acs_card_file_load(&issuer->card_baton, path, cmd->pool, &err) != APR_SUCCESS)
        return apr_pstrcat(cmd->pool, "ACSCardSource: ", err.detail, NULL);
    return NULL;
}

static const char *set_otp_delivery(cmd_parms *cmd, void *dconf, const char *arg)
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);

    if (fault) return fault;
    issuer->otp_where = where_of(cmd);
    if (!strncmp(arg, "inbox:", 6))
        issuer->otp_delivery =
            apr_pstrcat(cmd->pool, "inbox:", ap_server_root_relative(cmd->pool, arg + 6), NULL);
    else
        issuer->otp_delivery = tds_url_canonical(arg, cmd->pool);
    return issuer->otp_delivery
               ? NULL
               : "ACSOTPDelivery: must be an absolute https URL, or inbox:PATH for development";
}

static const char *set_eci(cmd_parms *cmd, void *dconf, int argc, char *const argv[])
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);
    tds_err_t err;

    if (fault) return fault;
    tds_err_init(&err, cmd->pool);
    if (acs_eci_read(apr_array_push(issuer->ecis), (const char *const *)argv, argc, cmd->pool, &err) != APR_SUCCESS)
        return apr_pstrcat(cmd->pool, "ACSECI: ", err.detail, NULL);
    return NULL;
}

static const char *set_av(cmd_parms *cmd, void *dconf, int argc, char *const argv[])
{
    const acs_av_ops_t *ops = argc ? acs_av_ops_find(argv[0]) : NULL;
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);
    acs_av_t *av;
    tds_err_t err;

    if (fault) return fault;
    if (!ops)
        return apr_pstrcat(cmd->pool, "ACSAuthenticationValue: unknown provider; there are: ",
                           acs_av_names(1, cmd->pool), NULL);
    tds_err_init(&err, cmd->pool);
    av = apr_array_push(issuer->avs);
    if (acs_av_read(av, ops, (const char *const *)argv + 1, argc - 1, ap_server_root_relative, cmd->pool, &err) !=
        APR_SUCCESS)
        return apr_pstrcat(cmd->pool, "ACSAuthenticationValue: ", err.detail, NULL);
    av->where = where_of(cmd);
    return NULL;
}

static const char *set_client_name(cmd_parms *cmd, void *dconf, const char *name)
{
    acs_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault) APR_ARRAY_PUSH(ds->client_names, const char *) = name;
    return fault;
}

static const char *set_url_prefix(cmd_parms *cmd, void *dconf, const char *arg)
{
    acs_ds_t *ds;
    const char *fault = need_ds(cmd, &ds), *url = tds_url_canonical(arg, cmd->pool);

    if (fault) return fault;
    if (!url) return "ACSDSURLPrefix: must be an absolute https URL";
    APR_ARRAY_PUSH(ds->url_prefixes, const char *) = url;
    return NULL;
}

static const char *set_check(cmd_parms *cmd, void *dconf, const char *word)
{
    acs_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault && (fault = tds_profile_check(&ds->profile, word, cmd->pool)))
        fault = apr_pstrcat(cmd->pool, "ACSChecks: ", fault, NULL);
    return fault;
}

static const char *set_ds_value(cmd_parms *cmd, void *dconf, const char *path, const char *value)
{
    acs_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault && (fault = tds_profile_value(&ds->profile, path, value, cmd->pool)))
        fault = apr_pstrcat(cmd->pool, "ACSDSValues: ", fault, NULL);
    return fault;
}

static const char *set_extension(cmd_parms *cmd, void *dconf, const char *id)
{
    acs_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault) tds_profile_extension(&ds->profile, id, cmd->pool);
    return fault;
}

static const char *set_endpoint(cmd_parms *cmd, void *dconf, const char *name)
{
    acs_dir_t *dir = dconf;

    return tds_ap_mount_set(cmd, &dir->mount, name, acs_endpoints, TDS_AP_COUNT(acs_endpoints));
}

static const char *set_use(cmd_parms *cmd, void *dconf, const char *name)
{
    acs_dir_t *dir = dconf;
    acs_server_t *srv = ap_get_module_config(cmd->server->module_config, &acs_module);

    APR_ARRAY_PUSH(srv->used, const char *) = name; /* checked when all sections are known */
    if (!dir->mount.use) dir->mount.use = apr_array_make(cmd->pool, 4, sizeof(const char *));
    APR_ARRAY_PUSH(dir->mount.use, const char *) = name;
    return NULL;
}

/* ---- sections ------------------------------------------------------------ */

static const char *walk(cmd_parms *cmd)
{
    return ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
}

static const char *issuer_section(cmd_parms *cmd, void *dconf, const char *args)
{
    acs_server_t *srv = server_of(cmd);
    const char *fault, *name = tds_ap_section_name(cmd, args, &fault);
    acs_issuer_t *issuer;

    if (fault) return fault;
    if (acs_issuer_by_name(&srv->conf, name))
        return apr_psprintf(cmd->pool, "<ACSIssuer %s> is given twice", name);
    issuer = apr_pcalloc(cmd->pool, sizeof *issuer);
    issuer->name = issuer->display_name = name;
    issuer->where = where_of(cmd);
    issuer->ranges = apr_array_make(cmd->pool, 4, sizeof(acs_range_t));
    issuer->rules = apr_array_make(cmd->pool, 4, sizeof(acs_rule_t));
    issuer->dry_rules = apr_array_make(cmd->pool, 4, sizeof(acs_rule_t));
    issuer->counters = apr_array_make(cmd->pool, 2, sizeof(acs_counter_t));
    issuer->ecis = apr_array_make(cmd->pool, 4, sizeof(acs_eci_line_t));
    issuer->avs = apr_array_make(cmd->pool, 2, sizeof(acs_av_t));
    tds_ap_row_defaults(rows, TDS_AP_COUNT(rows), TDS_AP_SECTION1, issuer, cmd->pool);
    APR_ARRAY_PUSH(srv->conf.issuers, acs_issuer_t *) = issuer;
    srv->issuer = issuer;
    fault = walk(cmd);
    srv->issuer = NULL;
    return fault;
}

static const char *ds_section(cmd_parms *cmd, void *dconf, const char *args)
{
    acs_server_t *srv = server_of(cmd);
    const char *fault, *name = tds_ap_section_name(cmd, args, &fault);
    acs_ds_t *ds;

    if (fault) return fault;
    if (acs_ds_by_name(&srv->conf, name))
        return apr_psprintf(cmd->pool, "<ACSDirectoryServer %s> is given twice", name);
    ds = apr_pcalloc(cmd->pool, sizeof *ds);
    ds->name = name;
    ds->where = where_of(cmd);
    ds->client_names = apr_array_make(cmd->pool, 2, sizeof(const char *));
    ds->url_prefixes = apr_array_make(cmd->pool, 2, sizeof(const char *));
    tds_ap_row_defaults(rows, TDS_AP_COUNT(rows), TDS_AP_SECTION2, ds, cmd->pool);
    APR_ARRAY_PUSH(srv->conf.dss, acs_ds_t *) = ds;
    srv->ds = ds;
    fault = walk(cmd);
    srv->ds = NULL;
    return fault;
}

/* ---- a child ------------------------------------------------------------- */

apr_status_t acs_child_store(apr_pool_t *pchild, server_rec *s)
{
    acs_server_t *srv = acs_server_of(s);
    apr_status_t rv = tds_ap_store_make(&acs_child.store, &srv->store, "acs", srv->keys, &acs_module, s, pchild);
    int i;

    if (rv != APR_SUCCESS) return rv;
    for (i = 0; i < srv->conf.issuers->nelts; ++i) {
        acs_issuer_t *issuer = APR_ARRAY_IDX(srv->conf.issuers, i, acs_issuer_t *);
        if (issuer->card_ops == &acs_card_redis)
            *(acs_card_redis_t *)issuer->card_baton = (acs_card_redis_t){.keys = srv->keys};
    }
    return APR_SUCCESS;
}

#define ROW_AT(n) ((void *)&rows[n])
enum {
#define D(name, kind, scope, type, member, fallback, min, max, help) ROW_##name,
#include "mod_acs_directives.def"
#undef D
};

const command_rec acs_commands[] = {
#define D(name, kind, scope, type, member, fallback, min, max, help)                               \
    AP_INIT_TAKE1(#name, set_row, ROW_AT(ROW_##name), RSRC_CONF, help),
#include "mod_acs_directives.def"
#undef D
    AP_INIT_TAKE12("ACSMasterKey", set_master_key, NULL, RSRC_CONF,
                   "file:PATH of the master key, and of the previous one"),
    AP_INIT_RAW_ARGS("<ACSIssuer", issuer_section, NULL, RSRC_CONF, "One card issuer"),
    AP_INIT_TAKE2("ACSCardRange", set_card_range, NULL, RSRC_CONF,
                  "First and last account number of a range"),
    AP_INIT_TAKE2("ACSRule", acs_set_rule, NULL, RSRC_CONF, "Outcome and the expression that leads to it"),
    AP_INIT_TAKE2("ACSDryRunRule", acs_set_dry_rule, NULL, RSRC_CONF, "The same, evaluated beside the rules and only counted"),
    AP_INIT_TAKE_ARGV("ACSCounter", acs_set_counter, NULL, RSRC_CONF, "Name of a velocity counter and what it counts"),
    AP_INIT_TAKE1("ACSCardSource", set_card_source, NULL, RSRC_CONF, "redis, hook or file:PATH"),
    AP_INIT_TAKE1("ACSOTPDelivery", set_otp_delivery, NULL, RSRC_CONF,
                  "URL of the delivery hook, or inbox:PATH"),
    AP_INIT_TAKE_ARGV("ACSHook", acs_set_hook, NULL, RSRC_CONF, "Kind, URL and options of a call to the issuer"),
    AP_INIT_TAKE12("ACSIssuerKey", acs_set_issuer_key, NULL, RSRC_CONF,
                   "file:PATH of the key shared with the issuer's systems, and of another"),
    AP_INIT_ITERATE("ACSChallengeMethods", acs_set_methods, NULL, RSRC_CONF, "otp, delegate, oob, spc, in order of preference"),
    AP_INIT_TAKE1("ACSDecoupledFallback", acs_set_fallback, NULL, RSRC_CONF, "off, failed or always"),
    AP_INIT_TAKE1("ACSTrustList", acs_set_trust_list, NULL, RSRC_CONF, "off, hook or store"),
    AP_INIT_ITERATE("ACSSPCOrigin", acs_set_spc_origin, NULL, RSRC_CONF, "Pages of requestors that may run secure payment confirmation"),
    AP_INIT_TAKE1("ACSSPCIcon", acs_set_spc_icon, NULL, RSRC_CONF, "Picture of the card; secure payment confirmation is offered"),
    AP_INIT_TAKE2("ACSCardholderInfo", acs_set_cardholder_info, NULL, RSRC_CONF, "transStatus and what the shop is to show with it"),
    AP_INIT_TAKE23("ACSOutcome", acs_set_outcome, NULL, RSRC_CONF, "Case, transStatus and transStatusReason"),
    AP_INIT_TAKE_ARGV("ACSECI", set_eci, NULL, RSRC_CONF, "transStatus and its eci"),
    AP_INIT_TAKE_ARGV("ACSAuthenticationValue", set_av, NULL, RSRC_CONF,
                   "Provider of authentication values and its options"),
    AP_INIT_RAW_ARGS("<ACSDirectoryServer", ds_section, NULL, RSRC_CONF,
                     "One Directory Server as the ACS sees it"),
    AP_INIT_ITERATE("ACSClientName", set_client_name, NULL, RSRC_CONF,
                    "Names of which the client certificate bears one"),
    AP_INIT_ITERATE("ACSDSURLPrefix", set_url_prefix, NULL, RSRC_CONF,
                    "Where a dsURL may point to"),
    AP_INIT_ITERATE("ACSChecks", set_check, NULL, RSRC_CONF, "Checks of its messages to switch on (+) or off (-)"),
    AP_INIT_ITERATE2("ACSDSValues", set_ds_value, NULL, RSRC_CONF, "Element and its values that this DS has defined"),
    AP_INIT_ITERATE("ACSMessageExtension", set_extension, NULL, RSRC_CONF, "Ids of message extensions that may be critical"),
    AP_INIT_TAKE1("ACSTransactionLog", acs_set_txn_log, NULL, RSRC_CONF, "Path of the transaction log, or \"|command\""),
    AP_INIT_TAKE1("ACSEndpoint", set_endpoint, NULL, ACCESS_CONF, "areq, challenge, method, issuer or status"),
    AP_INIT_ITERATE("ACSUse", set_use, NULL, ACCESS_CONF,
                    "Sections that this endpoint is limited to"),
    {NULL}};
