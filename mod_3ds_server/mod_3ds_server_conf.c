/* Directives of mod_3ds_server: rows and sections; what a child begins with. */
#include "mod_3ds_server.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_core.h>
#include <http_main.h>
#include "tds_text.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static const tds_ap_row_t rows[] = {
#define D(name, kind, scope, type, member, fallback, min, max, help)                                                  \
    {#name, TDS_AP_##kind, TDS_AP_##scope, offsetof(type, member), fallback, min, max},
#include "mod_3ds_server_directives.def"
#undef D
};

srv_child_t srv_child;

srv_server_t *srv_server_of(server_rec *s)
{
    return ap_get_module_config(ap_server_conf ? ap_server_conf->module_config : s->module_config, &threeds_server_module);
}

const char *const srv_endpoints[] = {"requestor", "results", "browser", "status"};

/* ---- creation ------------------------------------------------------------ */

void *srv_server_create(apr_pool_t *p, server_rec *s)
{
    srv_server_t *srv = apr_pcalloc(p, sizeof *srv);

    srv->conf.dss = apr_array_make(p, 4, sizeof(srv_ds_t *));
    srv->conf.requestors = apr_array_make(p, 4, sizeof(srv_requestor_t *));
    srv->range_rows = apr_array_make(p, 16, sizeof(srv_range_t));
    srv->uses = apr_array_make(p, 4, sizeof(const char *));
    tds_ap_row_defaults(rows, COUNT(rows), TDS_AP_SERVER, srv, p);
    return srv;
}

void *srv_dir_create(apr_pool_t *p, char *path)
{
    return apr_pcalloc(p, sizeof(srv_dir_t));
}

void *srv_dir_merge(apr_pool_t *p, void *base, void *add)
{
    srv_dir_t *out = apr_pcalloc(p, sizeof *out);

    tds_ap_mount_merge(&out->mount, &((srv_dir_t *)base)->mount, &((srv_dir_t *)add)->mount);
    return out;
}

/* ---- single directives --------------------------------------------------- */

static srv_server_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &threeds_server_module);
}

static const char *set_row(cmd_parms *cmd, void *dconf, const char *arg)
{
    const tds_ap_row_t *row = cmd->info;
    srv_server_t *srv = server_of(cmd);
    const char *fault = ap_check_cmd_context(cmd, NOT_IN_VIRTUALHOST | NOT_IN_DIR_CONTEXT);
    void *base = srv;

    if (fault) return fault;
    if (row->scope == TDS_AP_SECTION1) base = srv->ds;
    if (row->scope == TDS_AP_SECTION2) base = srv->requestor;
    if (!base)
        return apr_pstrcat(cmd->pool, row->name, " is legal only inside <",
                           row->scope == TDS_AP_SECTION1 ? "ThreeDSDirectoryServer" : "ThreeDSRequestor", ">", NULL);
    return tds_ap_row_set(row, base, arg, cmd->pool);
}

static const char *need_ds(cmd_parms *cmd, srv_ds_t **ds)
{
    *ds = server_of(cmd)->ds;
    return *ds ? NULL : apr_pstrcat(cmd->pool, cmd->cmd->name, " is legal only inside <ThreeDSDirectoryServer>", NULL);
}

static const char *need_requestor(cmd_parms *cmd, srv_requestor_t **requestor)
{
    *requestor = server_of(cmd)->requestor;
    return *requestor ? NULL : apr_pstrcat(cmd->pool, cmd->cmd->name, " is legal only inside <ThreeDSRequestor>", NULL);
}

static const char *set_master_key(cmd_parms *cmd, void *dconf, const char *key, const char *old)
{
    srv_server_t *srv = server_of(cmd);

    srv->key_files.current = key;
    srv->key_files.other = old;
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static int all_digits(const char *s)
{
    for (; *s; ++s) {
        if (!apr_isdigit(*s)) return 0;
    }
    return 1;
}

static const char *set_card_range(cmd_parms *cmd, void *dconf, const char *start, const char *end, const char *versions)
{
    srv_range_t *range;
    srv_ds_t *ds;
    const char *fault = need_ds(cmd, &ds), *bad;
    unsigned mask;

    if (fault) return fault;
    if (!all_digits(start) || !all_digits(end) || strlen(start) != strlen(end) || strlen(start) < 13 || strlen(start) > 19)
        return "ThreeDSCardRange: start and end are 13 to 19 digits, both of the same length";
    if (strcmp(start, end) > 0) return "ThreeDSCardRange: start is above end";
    if (!(mask = tds_versions_parse(versions, &bad, cmd->temp_pool)))
        return apr_psprintf(cmd->pool, "ThreeDSCardRange: '%s' is not a version or FROM-TO, for example 2.1.0-2.2.0", bad);
    range = apr_array_push(server_of(cmd)->range_rows);
    *range = (srv_range_t){.start = start, .end = end, .versions = mask, .ds = ds};
    return NULL;
}

static const char *set_client_name(cmd_parms *cmd, void *dconf, const char *name)
{
    srv_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault) APR_ARRAY_PUSH(ds->client_names, const char *) = name;
    return fault;
}

/* sha256:HEX into an array of hashes */
static const char *push_hash(cmd_parms *cmd, apr_array_header_t *hashes, const char *arg)
{
    unsigned char *hash = apr_array_push(hashes);

    if (!strncmp(arg, "sha256:", 7) && tds_unhex(hash, TDS_HASH_LEN, arg + 7) == APR_SUCCESS) return NULL;
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": must be sha256: and 64 hexadecimal digits", NULL);
}

static const char *set_key(cmd_parms *cmd, void *dconf, const char *arg)
{
    srv_requestor_t *requestor;
    const char *fault = need_requestor(cmd, &requestor);

    return fault ? fault : push_hash(cmd, requestor->keys, arg);
}

static const char *set_cert(cmd_parms *cmd, void *dconf, const char *arg)
{
    srv_requestor_t *requestor;
    const char *fault = need_requestor(cmd, &requestor);

    return fault ? fault : push_hash(cmd, requestor->certs, arg);
}

/* In both sections. */
static const char *set_environment(cmd_parms *cmd, void *dconf, const char *arg)
{
    srv_server_t *srv = server_of(cmd);
    srv_env_e *environment = srv->ds ? &srv->ds->environment : srv->requestor ? &srv->requestor->environment : NULL;

    if (!environment) return "ThreeDSEnvironment is legal only inside <ThreeDSDirectoryServer> or <ThreeDSRequestor>";
    if (!strcmp(arg, "test")) *environment = SRV_ENV_TEST;
    else if (!strcmp(arg, "production")) *environment = SRV_ENV_PRODUCTION;
    else return "ThreeDSEnvironment: must be test or production";
    return NULL;
}

static const char *set_merchant(cmd_parms *cmd, void *dconf, int argc, char *const argv[])
{
    srv_requestor_t *requestor;
    const char *fault = need_requestor(cmd, &requestor);

    if (fault) return fault;
    if (argc != 5 && argc != 6)
        return "ThreeDSMerchant: acquirerMerchantID acquirerBIN mcc merchantCountryCode \"merchantName\" [acquirerCountryCode]";
    if (!*argv[0] || tds_text_chars(argv[0], strlen(argv[0])) > 35) return "ThreeDSMerchant: acquirerMerchantID has 1 to 35 characters";
    if (!*argv[1] || strlen(argv[1]) > 11 || !all_digits(argv[1])) return "ThreeDSMerchant: acquirerBIN has 1 to 11 digits";
    if (strlen(argv[2]) != 4 || !all_digits(argv[2])) return "ThreeDSMerchant: mcc is 4 digits";
    if (strlen(argv[3]) != 3 || !all_digits(argv[3])) return "ThreeDSMerchant: merchantCountryCode is 3 digits (ISO 3166-1)";
    if (!*argv[4] || tds_text_chars(argv[4], strlen(argv[4])) > 40) return "ThreeDSMerchant: merchantName has 1 to 40 characters";
    if (argc == 6 && (strlen(argv[5]) != 3 || !all_digits(argv[5])))
        return "ThreeDSMerchant: acquirerCountryCode is 3 digits (ISO 3166-1)";
    if (srv_merchant_find(requestor, argv[0])) return "ThreeDSMerchant: this acquirerMerchantID is given twice";
    APR_ARRAY_PUSH(requestor->merchants, srv_merchant_t) = (srv_merchant_t){
        .acquirer_id = argv[0], .acquirer_bin = argv[1], .mcc = argv[2], .country = argv[3], .name = argv[4],
        .acquirer_country = argv[argc == 6 ? 5 : 3]};
    return NULL;
}

static const char *set_origin(cmd_parms *cmd, void *dconf, const char *arg)
{
    srv_requestor_t *requestor;
    const char *fault = need_requestor(cmd, &requestor), *url = tds_url_canonical(arg, cmd->pool), *origin;

    if (fault) return fault;
    origin = url ? tds_url_origin(url, cmd->pool) : NULL;
    if (!url || strlen(url) > strlen(origin) + 1) return "ThreeDSReturnOrigin: must be https://HOST[:PORT] without a path";
    APR_ARRAY_PUSH(requestor->origins, const char *) = origin;
    return NULL;
}

static const char *set_endpoint(cmd_parms *cmd, void *dconf, const char *name)
{
    srv_dir_t *dir = dconf;

    return tds_ap_mount_set(cmd, &dir->mount, name, srv_endpoints, COUNT(srv_endpoints));
}

static const char *set_use(cmd_parms *cmd, void *dconf, const char *name)
{
    srv_dir_t *dir = dconf;

    if (!dir->mount.use) dir->mount.use = apr_array_make(cmd->pool, 4, sizeof(const char *));
    APR_ARRAY_PUSH(dir->mount.use, const char *) = name;
    APR_ARRAY_PUSH(server_of(cmd)->uses, const char *) = name;
    return NULL;
}

static const char *set_check(cmd_parms *cmd, void *dconf, const char *word)
{
    srv_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault && (fault = tds_profile_check(&ds->profile, word, cmd->pool)))
        fault = apr_pstrcat(cmd->pool, "ThreeDSChecks: ", fault, NULL);
    return fault;
}

static const char *set_ds_value(cmd_parms *cmd, void *dconf, const char *path, const char *value)
{
    srv_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault && (fault = tds_profile_value(&ds->profile, path, value, cmd->pool)))
        fault = apr_pstrcat(cmd->pool, "ThreeDSDSValues: ", fault, NULL);
    return fault;
}

static const char *set_extension(cmd_parms *cmd, void *dconf, const char *id)
{
    srv_ds_t *ds;
    const char *fault = need_ds(cmd, &ds);

    if (!fault) tds_profile_extension(&ds->profile, id, cmd->pool);
    return fault;
}

/* ---- sections ------------------------------------------------------------ */

/* For complaints that come when the whole is known. */
static const char *where_of(cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num, cmd->directive->filename);
}

static const char *walk(cmd_parms *cmd)
{
    return ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
}

static const char *ds_section(cmd_parms *cmd, void *dconf, const char *args)
{
    srv_server_t *srv = server_of(cmd);
    const char *fault, *name = tds_ap_section_name(cmd, args, &fault);
    srv_ds_t *ds;

    if (fault) return fault;
    if (srv_ds_by_name(&srv->conf, name)) return apr_psprintf(cmd->pool, "<ThreeDSDirectoryServer %s> is given twice", name);
    ds = apr_pcalloc(cmd->pool, sizeof *ds);
    ds->name = name;
    ds->where = where_of(cmd);
    ds->client_names = apr_array_make(cmd->pool, 2, sizeof(const char *));
    tds_ap_row_defaults(rows, COUNT(rows), TDS_AP_SECTION1, ds, cmd->pool);
    APR_ARRAY_PUSH(srv->conf.dss, srv_ds_t *) = ds;
    srv->ds = ds;
    fault = walk(cmd);
    srv->ds = NULL;
    return fault;
}

static const char *requestor_section(cmd_parms *cmd, void *dconf, const char *args)
{
    srv_server_t *srv = server_of(cmd);
    const char *fault, *name = tds_ap_section_name(cmd, args, &fault);
    srv_requestor_t *q;

    if (fault) return fault;
    if (srv_requestor_by_name(&srv->conf, name)) return apr_psprintf(cmd->pool, "<ThreeDSRequestor %s> is given twice", name);
    q = apr_pcalloc(cmd->pool, sizeof *q);
    q->name = name;
    q->where = where_of(cmd);
    q->keys = apr_array_make(cmd->pool, 2, TDS_HASH_LEN);
    q->certs = apr_array_make(cmd->pool, 2, TDS_HASH_LEN);
    q->merchants = apr_array_make(cmd->pool, 2, sizeof(srv_merchant_t));
    q->origins = apr_array_make(cmd->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(srv->conf.requestors, srv_requestor_t *) = q;
    srv->requestor = q;
    fault = walk(cmd);
    srv->requestor = NULL;
    return fault;
}

/* ---- a child ------------------------------------------------------------- */

apr_status_t srv_child_start(apr_pool_t *pchild, server_rec *s)
{
    srv_server_t *srv = srv_server_of(s);
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    srv_child.waiting_max = threads * srv->conf.long_poll_share / 100;
    return tds_ap_store_make(&srv_child.store, &srv->store, "srv", srv->keys, &threeds_server_module, s, pchild);
}

#define ROW_AT(n) ((void *)&rows[n])
enum {
#define D(name, kind, scope, type, member, fallback, min, max, help) ROW_##name,
#include "mod_3ds_server_directives.def"
#undef D
};

const command_rec srv_commands[] = {
#define D(name, kind, scope, type, member, fallback, min, max, help)                                                  \
    AP_INIT_TAKE1(#name, set_row, ROW_AT(ROW_##name), RSRC_CONF, help),
#include "mod_3ds_server_directives.def"
#undef D
    AP_INIT_TAKE12("ThreeDSMasterKey", set_master_key, NULL, RSRC_CONF,
                   "file:PATH of the master key, and of the previous one"),
    AP_INIT_RAW_ARGS("<ThreeDSDirectoryServer", ds_section, NULL, RSRC_CONF, "One Directory Server as the 3DS Server sees it"),
    AP_INIT_TAKE3("ThreeDSCardRange", set_card_range, NULL, RSRC_CONF,
                  "First and last account number of a range, and its version or FROM-TO"),
    AP_INIT_ITERATE("ThreeDSDSClientName", set_client_name, NULL, RSRC_CONF,
                    "Names of which the client certificate bears one"),
    AP_INIT_ITERATE("ThreeDSChecks", set_check, NULL, RSRC_CONF, "Checks of its messages to switch on (+) or off (-)"),
    AP_INIT_ITERATE2("ThreeDSDSValues", set_ds_value, NULL, RSRC_CONF, "Element and its values that this DS has defined"),
    AP_INIT_ITERATE("ThreeDSMessageExtension", set_extension, NULL, RSRC_CONF,
                    "Ids of message extensions that may be critical"),
    AP_INIT_RAW_ARGS("<ThreeDSRequestor", requestor_section, NULL, RSRC_CONF, "One 3DS Requestor"),
    AP_INIT_ITERATE("ThreeDSKey", set_key, NULL, RSRC_CONF, "sha256:HEX of a bearer key"),
    AP_INIT_ITERATE("ThreeDSClientCertificate", set_cert, NULL, RSRC_CONF, "sha256:HEX of a client certificate"),
    AP_INIT_TAKE1("ThreeDSEnvironment", set_environment, NULL, RSRC_CONF, "test or production"),
    AP_INIT_TAKE_ARGV("ThreeDSMerchant", set_merchant, NULL, RSRC_CONF,
                      "acquirerMerchantID acquirerBIN mcc merchantCountryCode merchantName [acquirerCountryCode]"),
    AP_INIT_ITERATE("ThreeDSReturnOrigin", set_origin, NULL, RSRC_CONF, "Origins that a returnURL may have"),
    AP_INIT_TAKE1("ThreeDSEndpoint", set_endpoint, NULL, ACCESS_CONF, "requestor, results, browser or status"),
    AP_INIT_ITERATE("ThreeDSUse", set_use, NULL, ACCESS_CONF, "Sections that this endpoint is limited to"),
    {NULL}};
