/* The facts of rules as httpd expressions see them. %{SPACE:name}: an absent fact makes the rule not match;
 * %{SPACE_OPT:name} reads it as "". AREQLIST('name') is an array, or a text as a list of one, for -in. Names are looked up
 * when the configuration is read: an unknown one fails its check, and what a rule set reads is noted. */
#include "mod_acs.h"

#include <string.h>
#include <apr_strings.h>
#include <ap_expr.h>
#include <http_log.h>
#include "acs_count.h"
#include "acs_method.h"

APLOG_USE_MODULE(acs);

/* The facts of the rule that is being evaluated in this thread. */
typedef struct eval_t {
    const acs_facts_t *facts;
    int absent; /* an absent fact was read */
} eval_t;

static __thread eval_t *eval;

/* The issuer whose rule is being compiled; configuration is read by one thread. */
static acs_issuer_t *compiling;

/* ---- namespaces: a value by its name, NULL when absent --------------------- */

typedef const char *value_fn(const acs_facts_t *facts, const char *name, apr_pool_t *pool);

static const char *areq_value(const acs_facts_t *facts, const char *name, apr_pool_t *pool)
{
    return tds_msg_get_path(facts->areq, name);
}

static const char *const card_words[] = {"unknown", "active", "blocked", "notEnrolled"};

static const char *card_value(const acs_facts_t *facts, const char *name, apr_pool_t *pool)
{
    if (!strcmp(name, "status")) return card_words[facts->card.status];
    if (!strcmp(name, "group")) return facts->card.group;
    if (!strcmp(name, "trusted")) return facts->card.trust_status;
    return facts->card.language;
}

static const char *method_value(const acs_facts_t *facts, const char *name, apr_pool_t *pool)
{
    if (!strcmp(name, "present")) return facts->method ? "Y" : "N";
    return facts->method ? tds_json_get(facts->method->members, name) : NULL;
}

static const char *count_value(const acs_facts_t *facts, const char *name, apr_pool_t *pool)
{
    int i = acs_counter_find(facts->issuer, name);

    if (i < 0 || !facts->counts || !facts->counts->at[i].have) return NULL;
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, facts->counts->at[i].value);
}

static const char *risk_value(const acs_facts_t *facts, const char *name, apr_pool_t *pool)
{
    if (!strcmp(name, "decision")) return facts->risk.decision;
    return !strcmp(name, "score") ? facts->risk.score : facts->risk.reasons;
}

/* ---- what there is, and noting that it is read ----------------------------- */

/* Is there such a name? Notes that it is read. */
typedef int known_fn(const char *name);

static void note(unsigned what)
{
    if (compiling) compiling->reads |= what;
}

static int is_one_of(const char *name, const char *const *names)
{
    for (; *names; ++names) {
        if (!strcmp(name, *names)) return 1;
    }
    return 0;
}

static int areq_known(const char *name)
{
    return tds_path_defined(TDS_MSG_AREQ, name);
}

static int card_known(const char *name)
{
    static const char *const names[] = {"status", "group", "language", "trusted", NULL};

    note(ACS_READS_CARD);
    return is_one_of(name, names);
}

static int method_known(const char *name)
{
    note(ACS_READS_METHOD);
    return !strcmp(name, "present") || acs_method_member(name);
}

static int count_known(const char *name)
{
    int i = compiling ? acs_counter_find(compiling, name) : -1;

    if (i < 0) return 0;
    APR_ARRAY_IDX(compiling->counters, i, acs_counter_t).read = 1;
    note(ACS_READS_COUNT);
    return 1;
}

static int risk_known(const char *name)
{
    static const char *const names[] = {"decision", "score", "reasons", NULL};

    note(ACS_READS_RISK);
    return is_one_of(name, names);
}

/* ---- for ap_expr ----------------------------------------------------------- */

typedef struct space_t {
    const char *name;
    known_fn *known;
    value_fn *value;
    const char *hint;
} space_t;

static const space_t spaces[] = {
    {"AREQ", areq_known, areq_value, "elements of the AReq have the names of the specification"},
    {"CARD", card_known, card_value, "there are status, group, language and trusted"},
    {"METHOD", method_known, method_value, "there are present and the members of 3DS Method data"},
    {"COUNT", count_known, count_value, "counters are declared by ACSCounter, before the rules that read them"},
    {"RISK", risk_known, risk_value, "there are decision, score and reasons"},
};

enum { SPACES = sizeof spaces / sizeof *spaces };

static const char *fn_value(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    const char *value = eval ? ((const space_t *)data)->value(eval->facts, arg, ctx->p) : NULL;

    if (!value && eval) eval->absent = 1;
    return value ? value : "";
}

static const char *fn_value_opt(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    const char *value = eval ? ((const space_t *)data)->value(eval->facts, arg, ctx->p) : NULL;

    return value ? value : "";
}

static void add_text(apr_array_header_t *list, const json_t *value)
{
    if (json_is_string(value)) APR_ARRAY_PUSH(list, const char *) = json_string_value(value);
}

static apr_array_header_t *fn_list(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    apr_array_header_t *list = apr_array_make(ctx->p, 4, sizeof(const char *));
    const json_t *value = eval ? tds_msg_get_json_path(eval->facts->areq, arg) : NULL;
    size_t i;

    if (!value && eval) eval->absent = 1;
    add_text(list, value);
    for (i = 0; i < json_array_size(value); ++i) add_text(list, json_array_get(value, i));
    return list;
}

/* The namespace called name, or name_OPT. */
static const space_t *space_of(const char *name, int *optional)
{
    int i;

    for (i = 0; i < SPACES; ++i) {
        apr_size_t len = strlen(spaces[i].name);

        if (strncasecmp(name, spaces[i].name, len)) continue;
        *optional = !strcasecmp(name + len, "_OPT");
        if (!name[len] || *optional) return &spaces[i];
    }
    return NULL;
}

static int unknown(ap_expr_lookup_parms *parms, const space_t *space)
{
    *parms->err = apr_psprintf(parms->ptemp, "%s has no element '%s': %s", space->name, parms->arg ? parms->arg : "", space->hint);
    return !OK;
}

/* Resolve one of our names, at configuration time. */
static int lookup(ap_expr_lookup_parms *parms)
{
    const space_t *space;
    int optional = 0;

    if (parms->type == AP_EXPR_FUNC_LIST && !strcasecmp(parms->name, "AREQLIST")) {
        if (!parms->arg || !areq_known(parms->arg)) return unknown(parms, &spaces[0]);
        *parms->func = (const void *)fn_list;
        *parms->data = NULL;
        return OK;
    }
    if (parms->type != AP_EXPR_FUNC_STRING || !(space = space_of(parms->name, &optional))) return DECLINED;
    if (!parms->arg || !space->known(parms->arg)) return unknown(parms, space);
    *parms->func = (const void *)(optional ? fn_value_opt : fn_value);
    *parms->data = space;
    return OK;
}

void acs_rules_register(void)
{
    ap_hook_expr_lookup(lookup, NULL, NULL, APR_HOOK_MIDDLE);
}

const char *acs_rules_compile(cmd_parms *cmd, acs_rule_t *rule, acs_issuer_t *issuer)
{
    const char *fault = NULL;

    compiling = issuer;
    rule->compiled =
        ap_expr_parse_cmd(cmd, rule->text, AP_EXPR_FLAG_DONT_VARY | AP_EXPR_FLAG_RESTRICTED, &fault, NULL);
    compiling = NULL;
    return fault ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", fault, NULL) : NULL;
}

/* ---- matching --------------------------------------------------------------- */

static int holds(request_rec *r, const acs_rule_t *rule, apr_pool_t *pool, const char **fault)
{
    ap_regmatch_t match[AP_MAX_REG_MATCH];
    const char *source = NULL;
    ap_expr_eval_ctx_t ctx = {.r = r,
                              .c = r->connection,
                              .s = r->server,
                              .p = pool,
                              .err = fault,
                              .info = rule->compiled,
                              .re_pmatch = match,
                              .re_nmatch = AP_MAX_REG_MATCH,
                              .re_source = &source};

    return ap_expr_exec_ctx(&ctx) > 0 && !*fault;
}

const acs_rule_t *acs_rules_first(request_rec *r, const apr_array_header_t *rules, const acs_facts_t *facts,
                                  apr_pool_t *pool, const char **fault)
{
    eval_t now = {.facts = facts};
    const acs_rule_t *hit = NULL;
    int i;

    *fault = NULL;
    eval = &now;
    for (i = 0; !hit && !*fault && i < rules->nelts; ++i) {
        const acs_rule_t *rule = &APR_ARRAY_IDX(rules, i, acs_rule_t);

        now.absent = 0;
        if (facts->no_spc && *rule->outcome->trans_status == 'S') continue; /* what is not possible here does not match */
        if (holds(r, rule, pool, fault) && !now.absent) hit = rule;
        if (*fault) *fault = apr_psprintf(pool, "rule in line %d cannot be evaluated: %s", rule->line, *fault);
    }
    eval = NULL;
    return hit;
}

static const acs_rule_t *evaluate(request_rec *r, const apr_array_header_t *rules, const acs_facts_t *facts, apr_pool_t *pool)
{
    const char *fault;
    const acs_rule_t *rule = acs_rules_first(r, rules, facts, pool, &fault);

    if (fault) ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "ACS0100: %s", fault);
    return rule; /* who cannot judge does not let pass: no rule at all, which is U */
}

static void dry_run(request_rec *r, const acs_facts_t *facts, const acs_rule_t *live, apr_pool_t *pool)
{
    const acs_rule_t *dry = evaluate(r, facts->issuer->dry_rules, facts, pool);
    const char *one = live ? acs_outcome_word(live->outcome, pool) : "none";
    const char *other = dry ? acs_outcome_word(dry->outcome, pool) : "none";
    int same = !strcmp(one, other);

    tds_metric_add(&acs_server_of(r->server)->metrics, same ? ACS_M_DRY_RUN_AGREES : ACS_M_DRY_RUN_DIFFERS, 1);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "ACS0101: issuer %s: %s by line %d; dry run: %s by line %d", facts->issuer->name,
                  one, live ? live->line : 0, other, dry ? dry->line : 0);
}

const acs_rule_t *acs_rules_match(void *baton, const acs_facts_t *facts, apr_pool_t *pool)
{
    const acs_rule_t *hit = evaluate(baton, facts->issuer->rules, facts, pool);

    if (facts->issuer->dry_rules->nelts) dry_run(baton, facts, hit, pool);
    return hit;
}
