/* httpd -t -D ACS_BACKTEST=FILE: what would the rules have said? FILE has one redacted AReq a line, as JSON, plain or as the
 * member "areq" of an object that tells more: issuer, method, card, count, risk, outcome. Nothing is counted but here. */
#include "mod_acs.h"

#include <string.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_main.h>
#include "tds_ap_request.h"
#include "acs_count.h"
#include "acs_method.h"

#define DEFINE        "ACS_BACKTEST="
#define BACKTEST_LINE (1024 * 1024)

/* What came of one rule. */
typedef struct tally_t {
    int hits, known, changed; /* known: the line told the outcome it had */
} tally_t;

/* Of one issuer. The last place of each array: no rule. */
typedef struct result_t {
    tally_t *live, *dry;
    int areqs, by_card;
} result_t;

typedef struct test_t {
    const acs_conf_t *conf;
    server_rec *s;
    result_t *results; /* as conf->issuers */
    apr_file_t *out;
    int lines, unread, first_line;
    const char *first_why;
} test_t;

/* ---- one line ---------------------------------------------------------------- */

/* An account number may be masked: is it in the range with some digits for what is no digit? */
static int may_be_in(const acs_range_t *range, const char *pan, apr_pool_t *pool)
{
    char *low = apr_pstrdup(pool, pan), *high = apr_pstrdup(pool, pan);
    apr_size_t i;

    for (i = 0; pan[i]; ++i) {
        if (pan[i] >= '0' && pan[i] <= '9') continue;
        low[i] = '0';
        high[i] = '9';
    }
    return strlen(range->start) == i && strcmp(high, range->start) >= 0 && strcmp(low, range->end) <= 0;
}

static int issuer_of(const test_t *test, const char *name, const char *pan, apr_pool_t *pool)
{
    int i, j;

    for (i = 0; i < test->conf->issuers->nelts; ++i) {
        const acs_issuer_t *issuer = APR_ARRAY_IDX(test->conf->issuers, i, const acs_issuer_t *);

        if (name && strcmp(issuer->name, name)) continue;
        if (name || test->conf->issuers->nelts == 1) return i;
        for (j = 0; pan && j < issuer->ranges->nelts; ++j) {
            if (may_be_in(&APR_ARRAY_IDX(issuer->ranges, j, acs_range_t), pan, pool)) return i;
        }
    }
    return -1;
}

static void take_card(acs_card_t *card, const json_t *row)
{
    const char *status = tds_json_get(row, "status");

    *card = (acs_card_t){.status = ACS_CARD_ACTIVE,
                         .group = tds_json_get(row, "group"),
                         .language = tds_json_get(row, "language"),
                         .trust_status = tds_json_get(row, "trusted")};
    if (status && strcmp(status, "active")) card->status = ACS_CARD_BLOCKED;
}

static acs_counts_t *take_counts(const acs_issuer_t *issuer, const json_t *row, apr_pool_t *pool)
{
    acs_counts_t *counts = apr_pcalloc(pool, sizeof *counts);
    const json_t *value;
    int i;

    for (i = 0; i < issuer->counters->nelts; ++i) {
        value = json_object_get(row, APR_ARRAY_IDX(issuer->counters, i, acs_counter_t).name);
        counts->at[i].have = json_is_integer(value);
        counts->at[i].value = json_integer_value(value);
    }
    return counts;
}

static const acs_method_t *take_method(const json_t *row, apr_pool_t *pool)
{
    acs_method_t *method = apr_pcalloc(pool, sizeof *method);

    method->members = row;
    return json_is_object(row) ? method : NULL;
}

static void take_facts(acs_facts_t *facts, const json_t *root, apr_pool_t *pool)
{
    const json_t *risk = json_object_get(root, "risk");

    take_card(&facts->card, json_object_get(root, "card"));
    facts->method = take_method(json_object_get(root, "method"), pool);
    facts->counts = take_counts(facts->issuer, json_object_get(root, "count"), pool);
    facts->risk = (acs_risk_t){.decision = tds_json_get(risk, "decision"),
                               .score = tds_json_get(risk, "score"),
                               .reasons = tds_json_get(risk, "reasons")};
}

/* NULL, or what hinders. */
static const char *evaluate(request_rec *r, const apr_array_header_t *rules, const acs_facts_t *facts, const char *outcome, tally_t *tallies,
                            apr_pool_t *pool)
{
    const char *fault;
    const acs_rule_t *hit = acs_rules_first(r, rules, facts, pool, &fault);
    tally_t *tally = &tallies[hit ? hit - (const acs_rule_t *)(const void *)rules->elts : rules->nelts];

    if (fault) return fault;
    ++tally->hits;
    if (!outcome) return NULL;
    ++tally->known;
    tally->changed += strcmp(outcome, hit ? hit->outcome->trans_status : "U") != 0;
    return NULL;
}

static const char *run_line(test_t *test, const char *line, apr_pool_t *pool)
{
    json_t *root, *inner;
    acs_facts_t facts = {0};
    const char *text, *fault = NULL, *outcome;
    request_rec *r = tds_ap_request_make(pool, test->s, "POST", "/");
    result_t *result;
    tds_msg_t *areq;
    apr_size_t len;
    tds_err_t err;
    int at;

    if (!r) return "a module refuses requests of our own";
    tds_err_init(&err, pool);
    if (tds_json_parse(&root, line, strlen(line), pool, &err) != APR_SUCCESS || !json_is_object(root)) return "not a JSON object";
    inner = json_object_get(root, "areq");
    text = tds_json_text(inner ? inner : root, &len, pool);
    if (!text || tds_msg_open(&areq, text, len, NULL, pool, &err) != APR_SUCCESS || areq->type != TDS_MSG_AREQ)
        return "not an AReq with messageType and messageVersion";
    at = issuer_of(test, inner ? tds_json_get(root, "issuer") : NULL, tds_msg_get(areq, TDS_E_ACCT_NUMBER), pool);
    if (at < 0) return "of no issuer: give \"issuer\", or enough digits of acctNumber";
    facts.areq = areq;
    facts.issuer = APR_ARRAY_IDX(test->conf->issuers, at, acs_issuer_t *);
    take_facts(&facts, inner ? root : NULL, pool);
    result = &test->results[at];
    ++result->areqs;
    if (facts.card.status != ACS_CARD_ACTIVE) {
        ++result->by_card;
        return NULL;
    }
    outcome = inner ? tds_json_get(root, "outcome") : NULL;
    fault = evaluate(r, facts.issuer->rules, &facts, outcome, result->live, pool);
    if (!fault && facts.issuer->dry_rules->nelts) fault = evaluate(r, facts.issuer->dry_rules, &facts, outcome, result->dry, pool);
    return fault;
}

/* ---- the file ---------------------------------------------------------------- */

static void note_fault(test_t *test, const char *why, apr_pool_t *pool)
{
    if (!test->unread++) {
        test->first_line = test->lines;
        test->first_why = apr_pstrdup(pool, why);
    }
}

static apr_status_t run_file(test_t *test, const char *path, apr_pool_t *pool)
{
    char *line = apr_palloc(pool, BACKTEST_LINE);
    apr_file_t *f;
    apr_pool_t *one;
    apr_status_t rv = apr_file_open(&f, path, APR_READ | APR_BUFFERED, APR_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS) return rv;
    apr_pool_create(&one, pool);
    while (apr_file_gets(line, BACKTEST_LINE, f) == APR_SUCCESS) {
        const char *why;

        ++test->lines;
        if (line[strspn(line, " \t\r\n")]) {
            if ((why = run_line(test, line, one))) note_fault(test, why, pool);
        }
        apr_pool_clear(one);
    }
    return apr_file_close(f);
}

/* ---- the table ---------------------------------------------------------------- */

static void print_row(const test_t *test, const char *word, const char *line, const char *outcome, const tally_t *tally,
                      apr_pool_t *pool)
{
    const char *changed = tally->known ? apr_psprintf(pool, "%d of %d", tally->changed, tally->known) : "-";

    apr_file_printf(test->out, "  %-14s %8s  %-18s %9d  %s\n", word, line, outcome, tally->hits, changed);
}

static void print_set(const test_t *test, const char *word, const apr_array_header_t *rules, const tally_t *tallies,
                      apr_pool_t *pool)
{
    int i;

    for (i = 0; i < rules->nelts; ++i) {
        const acs_rule_t *rule = &APR_ARRAY_IDX(rules, i, const acs_rule_t);

        print_row(test, word, apr_itoa(pool, rule->line), acs_outcome_word(rule->outcome, pool), &tallies[i], pool);
    }
    if (tallies[rules->nelts].hits) print_row(test, word, "none", "unavailable:22", &tallies[rules->nelts], pool);
}

static void print(const test_t *test, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < test->conf->issuers->nelts; ++i) {
        const acs_issuer_t *issuer = APR_ARRAY_IDX(test->conf->issuers, i, const acs_issuer_t *);
        const result_t *result = &test->results[i];

        apr_file_printf(test->out, "<ACSIssuer %s>: %d AReq, %d settled by the card\n", issuer->name, result->areqs,
                        result->by_card);
        apr_file_printf(test->out, "  %-14s %8s  %-18s %9s  %s\n", "directive", "line", "outcome", "hits", "changed");
        print_set(test, "ACSRule", issuer->rules, result->live, pool);
        if (issuer->dry_rules->nelts) print_set(test, "ACSDryRunRule", issuer->dry_rules, result->dry, pool);
    }
    if (test->unread)
        apr_file_printf(test->out, "%d of %d lines left out; the first is line %d: %s\n", test->unread, test->lines,
                        test->first_line, test->first_why);
}

static void backtest(const acs_conf_t *conf, const char *path, server_rec *s, apr_pool_t *pool)
{
    test_t test = {.conf = conf, .s = s, .results = apr_pcalloc(pool, sizeof(result_t) * (apr_size_t)conf->issuers->nelts + 1)};
    apr_status_t rv;
    char text[120];
    int i;

    if (apr_file_open_stdout(&test.out, pool) != APR_SUCCESS) return;
    for (i = 0; i < conf->issuers->nelts; ++i) {
        const acs_issuer_t *issuer = APR_ARRAY_IDX(conf->issuers, i, const acs_issuer_t *);

        test.results[i].live = apr_pcalloc(pool, sizeof(tally_t) * ((apr_size_t)issuer->rules->nelts + 1));
        test.results[i].dry = apr_pcalloc(pool, sizeof(tally_t) * ((apr_size_t)issuer->dry_rules->nelts + 1));
    }
    if ((rv = run_file(&test, path, pool)) != APR_SUCCESS)
        apr_file_printf(test.out, "ACS_BACKTEST: cannot read %s: %s\n", path, apr_strerror(rv, text, sizeof text));
    else print(&test, pool);
}

static void test_config(apr_pool_t *pconf, server_rec *s)
{
    int i;

    for (i = 0; i < ap_server_config_defines->nelts; ++i) {
        const char *define = APR_ARRAY_IDX(ap_server_config_defines, i, const char *);

        if (!strncmp(define, DEFINE, sizeof DEFINE - 1)) backtest(&acs_server_of(s)->conf, define + sizeof DEFINE - 1, s, pconf);
    }
}

void acs_backtest_register(void)
{
    ap_hook_test_config(test_config, NULL, NULL, APR_HOOK_MIDDLE);
}
