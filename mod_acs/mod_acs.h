/* The glue between httpd and the ACS engine. */
#ifndef MOD_ACS_H
#define MOD_ACS_H

#include <httpd.h>
#include <http_config.h>
#include "tds_ap_check.h"
#include "tds_ap_conf.h"
#include "tds_ap_mount.h"
#include "tds_ap_peer.h"
#include "tds_ap_route.h"
#include "tds_ap_store.h"
#include "acs_log.h"

extern module AP_MODULE_DECLARE_DATA acs_module;

enum { ACS_EP_AREQ = 1, ACS_EP_CHALLENGE, ACS_EP_METHOD, ACS_EP_ISSUER, ACS_EP_STATUS };

/* Of the main server. */
typedef struct acs_server_t {
    acs_conf_t conf;
    tds_ap_store_t store;
    tds_ap_key_files_t key_files;
    apr_pool_t *pool;         /* of the configuration */
    apr_array_header_t *used; /* const char *: names in ACSUse */
    const char *versions_text;
    const char *txn_log; /* path, or |command; NULL: off */
    acs_issuer_t *issuer; /* the section being read */
    acs_ds_t *ds;
    tds_keys_t *keys;
    tds_metric_t metrics;
    tds_ap_certs_t certs;
    tds_ap_check_t check; /* while the configuration is checked */
} acs_server_t;

/* Of a <Location>. */
typedef struct acs_dir_t {
    tds_ap_mount_t mount;
} acs_dir_t;

/* Of a child. */
typedef struct acs_child_t {
    tds_store_t *store;
} acs_child_t;

extern acs_child_t acs_child;

acs_server_t *acs_server_of(server_rec *s);

/* mod_acs_conf.c */
void *acs_server_create(apr_pool_t *p, server_rec *s);
void *acs_dir_create(apr_pool_t *p, char *path);
void *acs_dir_merge(apr_pool_t *p, void *base, void *add);
extern const command_rec acs_commands[];
extern const char *const acs_endpoints[5];
/* mod_acs_conf_check.c */
int acs_conf_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);
apr_status_t acs_child_store(apr_pool_t *pchild, server_rec *s);

/* The section being read, for the directives of other files. Else what is wrong. */
const char *acs_need_issuer(cmd_parms *cmd, acs_issuer_t **issuer);

/* mod_acs_conf_rules.c: ACSRule, ACSDryRunRule, ACSCounter, and the check of the whole. */
const char *acs_set_rule(cmd_parms *cmd, void *dconf, const char *word, const char *expr);
const char *acs_set_dry_rule(cmd_parms *cmd, void *dconf, const char *word, const char *expr);
const char *acs_set_counter(cmd_parms *cmd, void *dconf, int argc, char *const argv[]);
const char *acs_rules_check(acs_issuer_t *issuer, server_rec *s, apr_pool_t *p);

/* mod_acs_conf_hooks.c: directives about the issuer's systems and a DS's decisions; their check. NULL, or what is wrong. */
const char *acs_set_hook(cmd_parms *cmd, void *dconf, int argc, char *const argv[]);
const char *acs_set_issuer_key(cmd_parms *cmd, void *dconf, const char *key, const char *other);
const char *acs_set_fallback(cmd_parms *cmd, void *dconf, const char *word);
const char *acs_set_trust_list(cmd_parms *cmd, void *dconf, const char *word);
const char *acs_set_methods(cmd_parms *cmd, void *dconf, const char *word);
const char *acs_set_cardholder_info(cmd_parms *cmd, void *dconf, const char *status, const char *text);
const char *acs_set_spc_origin(cmd_parms *cmd, void *dconf, const char *text);
const char *acs_set_spc_icon(cmd_parms *cmd, void *dconf, const char *url);
const char *acs_set_outcome(cmd_parms *cmd, void *dconf, const char *word, const char *status, const char *reason);
const char *acs_conf_check_hooks(acs_server_t *srv, acs_issuer_t *issuer, server_rec *s, apr_pool_t *p);
apr_status_t acs_breakers_make(acs_server_t *srv, apr_pool_t *pconf);

/* mod_acs_http.c */
int acs_handler(request_rec *r);
int acs_send_answer(request_rec *r, const acs_answer_t *a);

/* mod_acs_issuer.c: routes. */
tds_ap_route_fn acs_oob_post, acs_decoupled_post, acs_transaction_get, acs_transactions_get, acs_trust_get, acs_trust_post,
    acs_trust_remove_post;

/* mod_acs_rules.c. A rule set is compiled once; what its facts are at a request is told by acs_rules_match. */
void acs_rules_register(void);

/* Notes in issuer->reads, and at its counters, what facts the expression reads. Counters come before the rules that read them. */
const char *acs_rules_compile(cmd_parms *cmd, acs_rule_t *rule, acs_issuer_t *issuer);

/* baton: the request_rec. The first of facts->issuer->rules that matches; a dry-run set is evaluated beside, and counted. */
const acs_rule_t *acs_rules_match(void *baton, const acs_facts_t *facts, apr_pool_t *pool);

/* The first of rules that matches; NULL: none, or one cannot be evaluated (*fault says which and why). */
const acs_rule_t *acs_rules_first(request_rec *r, const apr_array_header_t *rules, const acs_facts_t *facts,
                                  apr_pool_t *pool, const char **fault);

/* mod_acs_backtest.c: httpd -t -D ACS_BACKTEST=FILE */
void acs_backtest_register(void);

/* mod_acs_log.c. The log of this process, NULL: off; its file to read from, -1: there is none. good: is what is written
 * kept? */
void acs_txnlog_register(void);
const char *acs_set_txn_log(cmd_parms *cmd, void *dconf, const char *arg);
const acs_txnlog_t *acs_txnlog(void);
int acs_txnlog_file(void);
int acs_txnlog_good(acs_run_t *run);

/* mod_acs_export.c. The transactions of one issuer out of the log; the caller has authenticated its system. Returns what a
 * handler returns; 404: there is no log to read. */
int acs_export(tds_ap_call_t *call, acs_run_t *run, const acs_issuer_t *issuer);

/* mod_acs_status.c */
void acs_status_register(void);

/* mod_acs_watchdog.c */
apr_status_t acs_watchdog_setup(server_rec *s, apr_pool_t *pconf);
apr_status_t acs_watchdog_start(server_rec *s, apr_pool_t *pchild);

/* Fill what both requests and background work need. r: NULL for background work. */
void acs_run_init(acs_run_t *run, request_rec *r, server_rec *s, tds_log_t *log, tds_err_t *err, apr_pool_t *pool);

#endif
