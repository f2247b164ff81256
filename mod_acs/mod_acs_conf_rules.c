/* ACSRule, ACSDryRunRule, ACSCounter, and what can be told of a rule set without an AReq: rules that never match. */
#include "mod_acs.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include "acs_count.h"

APLOG_USE_MODULE(acs);

/* ---- comparisons ----------------------------------------------------------- */

/* Of fixed length, so that the order of texts is that of time. */
static int is_date(const char *name)
{
    static const char *const parts[] = {"Date", "Expiry", "Timestamp", "chAccChange", "chAccPwChange", "paymentAccAge",
                                        "shipAddressUsage"};
    apr_size_t i;

    for (i = 0; i < sizeof parts / sizeof *parts; ++i) {
        if (strstr(name, parts[i])) return 1;
    }
    return 0;
}

#define OPERAND "(AREQ|COUNT|RISK|METHOD|CARD)(_OPT)?[:(][\"']?([A-Za-z0-9_.-]+)[\"']?[})][\"']?"

/* ap_expr compares texts with < and >, character by character: "123456" < "3000" holds. NULL: no such comparison of a fact. */
static const char *order_fault(const char *directive, const char *expr, apr_pool_t *pool)
{
    static const struct {
        const char *pattern;
        int name, op;
    } rows[] = {{OPERAND "[[:space:]]*([<>]=?)", 3, 4}, {"([<>]=?)[[:space:]]*[\"']?%?[{]?" OPERAND, 4, 1}};
    ap_regmatch_t m[8];
    apr_size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        ap_regex_t *regex = ap_pregcomp(pool, rows[i].pattern, AP_REG_EXTENDED | AP_REG_ICASE);
        const char *at, *name, *op;

        for (at = expr; regex && !ap_regexec(regex, at, 8, m, 0); at += m[0].rm_eo) {
            name = apr_pstrmemdup(pool, at + m[rows[i].name].rm_so, (apr_size_t)(m[rows[i].name].rm_eo - m[rows[i].name].rm_so));
            op = apr_pstrmemdup(pool, at + m[rows[i].op].rm_so, (apr_size_t)(m[rows[i].op].rm_eo - m[rows[i].op].rm_so));
            if (is_date(name)) continue;
            return apr_psprintf(pool, "%s: %s %s compares texts, character by character: for numbers write -%s", directive, name, op,
                                op[0] == '<' ? op[1] ? "le" : "lt" : op[1] ? "ge" : "gt");
        }
    }
    return NULL;
}

/* ---- directives ------------------------------------------------------------ */

static const char *add_rule(cmd_parms *cmd, apr_array_header_t *rules, acs_issuer_t *issuer, const char *word,
                            const char *expr)
{
    acs_rule_t *rule = apr_array_push(rules);
    const char *fault;

    *rule = (acs_rule_t){.text = expr, .line = cmd->directive->line_num, .file = cmd->directive->filename};
    if (!(rule->outcome = acs_outcome_find(word, &fault, cmd->pool)))
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", fault, NULL);
    if ((fault = order_fault(cmd->cmd->name, expr, cmd->pool))) return fault;
    return acs_rules_compile(cmd, rule, issuer);
}

const char *acs_set_rule(cmd_parms *cmd, void *dconf, const char *word, const char *expr)
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);

    return fault ? fault : add_rule(cmd, issuer->rules, issuer, word, expr);
}

const char *acs_set_dry_rule(cmd_parms *cmd, void *dconf, const char *word, const char *expr)
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);

    return fault ? fault : add_rule(cmd, issuer->dry_rules, issuer, word, expr);
}

const char *acs_set_counter(cmd_parms *cmd, void *dconf, int argc, char *const argv[])
{
    acs_issuer_t *issuer;
    const char *fault = acs_need_issuer(cmd, &issuer);
    acs_counter_t counter;
    tds_err_t err;

    if (fault) return fault;
    tds_err_init(&err, cmd->pool);
    if (acs_counter_read(&counter, (const char *const *)argv, argc, cmd->pool, &err) != APR_SUCCESS)
        return apr_pstrcat(cmd->pool, "ACSCounter: ", err.detail, NULL);
    if (acs_counter_find(issuer, counter.name) >= 0)
        return apr_psprintf(cmd->pool, "ACSCounter: %s is declared twice in <ACSIssuer %s>", counter.name, issuer->name);
    if (issuer->counters->nelts == ACS_COUNTERS_MAX)
        return apr_psprintf(cmd->pool, "ACSCounter: at most %d in an <ACSIssuer>", ACS_COUNTERS_MAX);
    APR_ARRAY_PUSH(issuer->counters, acs_counter_t) = counter;
    if (counter.by == ACS_BY_DEVICE) issuer->reads |= ACS_READS_METHOD; /* which tells the device */
    return NULL;
}

/* ---- expressions as texts ---------------------------------------------------- */

/* Where the text stops being at top level, from at: behind a quoted string or a bracketed part. at itself: nowhere. */
static const char *skip_part(const char *at)
{
    const char *end;
    int depth = 0;

    if (*at == '\'' || *at == '"') {
        end = strchr(at + 1, *at);
        return end ? end + 1 : at + strlen(at);
    }
    if (!strchr("({", *at)) return at;
    for (end = at; *end;) {
        if (*end == '\'' || *end == '"') {
            end = skip_part(end);
            continue;
        }
        depth += *end == '(' || *end == '{';
        depth -= *end == ')' || *end == '}';
        ++end;
        if (!depth) return end;
    }
    return end;
}

/* White space outside of quotes as one blank, none at the ends. A text with a regular expression stays as it is. */
static const char *folded(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1);
    const char *s = text, *end = text + len;
    apr_size_t n = 0;
    char quote = '\0';

    if (memchr(text, '~', len)) return apr_pstrmemdup(pool, text, len);
    for (; s < end; ++s) {
        if (!quote && (*s == '\'' || *s == '"')) quote = *s;
        else if (quote == *s) quote = '\0';
        if (quote || !apr_isspace(*s)) out[n++] = *s;
        else if (n && out[n - 1] != ' ') out[n++] = ' ';
    }
    if (!quote && n && out[n - 1] == ' ') --n;
    out[n] = '\0';
    return out;
}

/* Without brackets round the whole. */
static const char *bare(const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);

    while (*text == '(' && skip_part(text) == text + len) {
        text = folded(text + 1, len - 2, pool);
        len = strlen(text);
    }
    return text;
}

/* The parts that op ("&&", "||") joins at top level. */
static apr_array_header_t *parts_of(const char *text, const char *op, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 4, sizeof(const char *));
    const char *s = text, *from = text, *next;

    while (*s) {
        if (!strncmp(s, op, 2)) {
            APR_ARRAY_PUSH(parts, const char *) = bare(folded(from, (apr_size_t)(s - from), pool), pool);
            from = s += 2;
        }
        else s = (next = skip_part(s)) > s ? next : s + 1;
    }
    APR_ARRAY_PUSH(parts, const char *) = bare(folded(from, (apr_size_t)(s - from), pool), pool);
    return parts;
}

static const char *norm(const acs_rule_t *rule, apr_pool_t *pool)
{
    return bare(folded(rule->text, strlen(rule->text), pool), pool);
}

static int always(const char *text)
{
    return !strcasecmp(text, "true") || !strcasecmp(text, "!false") || !strcasecmp(text, "! false");
}

static int within(const char *part, const apr_array_header_t *parts)
{
    int i;

    for (i = 0; i < parts->nelts; ++i) {
        if (!strcmp(part, APR_ARRAY_IDX(parts, i, const char *))) return 1;
    }
    return 0;
}

/* Does later match only where earlier does? Sure when it says 1: later is a conjunction that holds earlier, all parts of it,
 * or all of its first alternative (of the others something absent in the first could keep the rule from matching). */
static int covers(const char *earlier, const char *later, apr_pool_t *pool)
{
    const char *first = APR_ARRAY_IDX(parts_of(earlier, "||", pool), 0, const char *);
    apr_array_header_t *need = parts_of(first, "&&", pool), *have = parts_of(later, "&&", pool);
    int i;

    if (parts_of(later, "||", pool)->nelts > 1) return 0;
    if (within(earlier, have)) return 1;
    for (i = 0; i < need->nelts; ++i) {
        if (!within(APR_ARRAY_IDX(need, i, const char *), have)) return 0;
    }
    return 1;
}

/* ---- the check -------------------------------------------------------------- */

/* Does not match where SPC is not possible, whatever its expression says. */
static int is_spc(const acs_rule_t *rule)
{
    return *rule->outcome->trans_status == 'S';
}

static const char *at(const acs_rule_t *rule, apr_pool_t *p)
{
    return apr_psprintf(p, "%s:%d", rule->file, rule->line);
}

/* Two rules of a set, the first before the second. */
static const char *check_pair(const acs_issuer_t *issuer, const char *word, const acs_rule_t *first, const acs_rule_t *second,
                              server_rec *s, apr_pool_t *p)
{
    const char *one = norm(first, p), *two = norm(second, p);

    if (is_spc(first) && !is_spc(second)) return NULL;
    if (always(one))
        return apr_psprintf(p, "<ACSIssuer %s>: the %s at %s is never reached: the one at %s matches always", issuer->name, word,
                            at(second, p), at(first, p));
    if (!strcmp(one, two))
        return apr_psprintf(p, "<ACSIssuer %s>: the %s at %s never matches: it says the same as the one at %s", issuer->name,
                            word, at(second, p), at(first, p));
    if (covers(one, two, p))
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                     "ACS0140: <ACSIssuer %s>: the %s at %s never matches: whatever it matches, the one at %s matches before",
                     issuer->name, word, at(second, p), at(first, p));
    return NULL;
}

static const char *check_set(const acs_issuer_t *issuer, const char *word, const apr_array_header_t *rules, server_rec *s,
                             apr_pool_t *p)
{
    const acs_rule_t *last = &APR_ARRAY_IDX(rules, rules->nelts - 1, const acs_rule_t);
    const char *fault = NULL;
    int i, j;

    if (!always(norm(last, p)))
        return apr_psprintf(p, "<ACSIssuer %s> (%s): the last %s (line %d) must be unconditional: \"true\"", issuer->name,
                            issuer->where, word, last->line);
    if (is_spc(last))
        return apr_psprintf(p, "<ACSIssuer %s> (%s): the last %s (line %d) must not be spc: it does not match everywhere",
                            issuer->name, issuer->where, word, last->line);
    for (i = 1; i < rules->nelts; ++i) {
        for (j = 0; !fault && j < i; ++j)
            fault = check_pair(issuer, word, &APR_ARRAY_IDX(rules, j, const acs_rule_t),
                               &APR_ARRAY_IDX(rules, i, const acs_rule_t), s, p);
    }
    return fault;
}

const char *acs_rules_check(acs_issuer_t *issuer, server_rec *s, apr_pool_t *p)
{
    const char *fault;
    int i;

    if (!issuer->rules->nelts) return apr_psprintf(p, "<ACSIssuer %s> (%s) has no ACSRule", issuer->name, issuer->where);
    if ((fault = check_set(issuer, "ACSRule", issuer->rules, s, p))) return fault;
    if (issuer->dry_rules->nelts && (fault = check_set(issuer, "ACSDryRunRule", issuer->dry_rules, s, p))) return fault;
    for (i = 0; i < issuer->counters->nelts; ++i) {
        const acs_counter_t *counter = &APR_ARRAY_IDX(issuer->counters, i, const acs_counter_t);

        if (!counter->read)
            ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s, "ACS0141: <ACSIssuer %s>: no rule reads counter %s",
                         issuer->name, counter->name);
    }
    return NULL;
}
