/* ACSRule: httpd expressions over facts. %{AREQ:name} is an element by its specification name; a rule that reads an absent
 * one does not match. %{AREQ_OPT:name} reads an absent one as "". %{CARD:status}, %{CARD:group}, %{CARD:language}. */
#include "mod_acs.h"

#include <string.h>
#include <apr_strings.h>
#include <ap_expr.h>
#include <http_log.h>

APLOG_USE_MODULE(acs);

/* The facts of the rule that is being evaluated in this thread. */
typedef struct eval_t {
    const acs_facts_t *facts;
    int absent; /* an absent element was read */
} eval_t;

static __thread eval_t *eval;

static const char *found(const char *value)
{
    if (!value && eval) eval->absent = 1;
    return value ? value : "";
}

static const char *areq_value(const char *path)
{
    return eval ? tds_msg_get_path(eval->facts->areq, path) : NULL;
}

static const char *fn_areq(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    return found(areq_value(arg));
}

static const char *fn_areq_opt(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    const char *value = areq_value(arg);

    return value ? value : "";
}

static const char *const card_words[] = {"unknown", "active", "blocked", "notEnrolled"};

static const char *fn_card(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    const acs_card_t *card = eval ? &eval->facts->card : NULL;

    if (!card) return "";
    if (!strcmp(arg, "status")) return card_words[card->status];
    if (!strcmp(arg, "group")) return found(card->group);
    return found(card->language);
}

static int card_fact(const char *name)
{
    return !strcmp(name, "status") || !strcmp(name, "group") || !strcmp(name, "language");
}

/* Resolve one of our names, at configuration time: an unknown element fails the configuration check. */
static int lookup(ap_expr_lookup_parms *parms)
{
    static const struct {
        const char *name;
        ap_expr_string_func_t *fn;
        int is_areq;
    } ours[] = {{"AREQ", fn_areq, 1}, {"AREQ_OPT", fn_areq_opt, 1}, {"CARD", fn_card, 0}};
    apr_size_t i;

    if (parms->type != AP_EXPR_FUNC_STRING) return DECLINED;
    for (i = 0; i < sizeof ours / sizeof *ours; ++i) {
        if (strcasecmp(parms->name, ours[i].name)) continue;
        if (!parms->arg || !(ours[i].is_areq ? tds_path_defined(TDS_MSG_AREQ, parms->arg) : card_fact(parms->arg))) {
            *parms->err = apr_psprintf(parms->ptemp, "%s has no element '%s'", ours[i].name, parms->arg ? parms->arg : "");
            return !OK;
        }
        *parms->func = (const void *)ours[i].fn;
        *parms->data = NULL;
        return OK;
    }
    return DECLINED;
}

void acs_rules_register(void)
{
    ap_hook_expr_lookup(lookup, NULL, NULL, APR_HOOK_MIDDLE);
}

const char *acs_rules_compile(cmd_parms *cmd, acs_rule_t *rule)
{
    const char *fault = NULL;

    rule->compiled =
        ap_expr_parse_cmd(cmd, rule->text, AP_EXPR_FLAG_DONT_VARY | AP_EXPR_FLAG_RESTRICTED, &fault, NULL);
    return fault ? apr_pstrcat(cmd->pool, "ACSRule: ", fault, NULL) : NULL;
}

const acs_rule_t *acs_rules_match(void *baton, const acs_facts_t *facts, apr_pool_t *pool)
{
    request_rec *r = baton;
    eval_t now = {.facts = facts};
    const acs_rule_t *hit = NULL;
    int i;

    eval = &now;
    for (i = 0; !hit && i < facts->issuer->rules->nelts; ++i) {
        const acs_rule_t *rule = &APR_ARRAY_IDX(facts->issuer->rules, i, acs_rule_t);
        const char *fault = NULL;

        now.absent = 0;
        if (ap_expr_exec(r, rule->compiled, &fault) > 0 && !now.absent) hit = rule;
        if (fault) { /* who cannot judge does not let pass: no rule at all, which is U */
            eval = NULL;
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "ACS0100: rule in line %d cannot be evaluated: %s", rule->line, fault);
            return NULL;
        }
    }
    eval = NULL;
    return hit;
}
