#include "acs_hook.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

#define ANSWER_MAX (64 * 1024)
#define WITHIN     apr_time_from_sec(2)

/* By acs_hook_e: name, default fallback, and which others there are. */
static const struct {
    const char *name;
    acs_fallback_e fallback;
    unsigned may; /* 1u << acs_fallback_e */
} kinds[ACS_HOOK_COUNT] = {
    [ACS_HOOK_CARD] = {"card", ACS_FALLBACK_OUTCOME,
                       1u << ACS_FALLBACK_OUTCOME | 1u << ACS_FALLBACK_RULES | 1u << ACS_FALLBACK_ERRO},
    [ACS_HOOK_RISK] = {"risk", ACS_FALLBACK_RULES, 1u << ACS_FALLBACK_OUTCOME | 1u << ACS_FALLBACK_RULES},
    [ACS_HOOK_OTP] = {"otp", ACS_FALLBACK_AGAIN, 1u << ACS_FALLBACK_AGAIN},
    [ACS_HOOK_DELEGATE] = {"delegate", ACS_FALLBACK_AGAIN, 1u << ACS_FALLBACK_AGAIN | 1u << ACS_FALLBACK_OUTCOME},
    [ACS_HOOK_OOB] = {"oob", ACS_FALLBACK_AGAIN,
                      1u << ACS_FALLBACK_AGAIN | 1u << ACS_FALLBACK_OUTCOME | 1u << ACS_FALLBACK_OTP},
    [ACS_HOOK_DECOUPLED] = {"decoupled", ACS_FALLBACK_OUTCOME, 1u << ACS_FALLBACK_OUTCOME},
    [ACS_HOOK_NOTICE] = {"notice", ACS_FALLBACK_NONE, 1u << ACS_FALLBACK_NONE},
    [ACS_HOOK_TRUST] = {"trust", ACS_FALLBACK_NONE, 1u << ACS_FALLBACK_NONE},
};

static const char *const fallbacks[] = {NULL, "rules", "erro", "again", "otp", "none"};

const char *acs_hook_name(acs_hook_e kind)
{
    return kinds[kind].name;
}

acs_hook_e acs_hook_find(const char *name)
{
    int kind = 0;

    while (kind < ACS_HOOK_COUNT && strcmp(kinds[kind].name, name)) ++kind;
    return (acs_hook_e)kind;
}

/* ---- configuration -------------------------------------------------------- */

void acs_hook_init(acs_hook_t *hook, acs_hook_e kind, const char *url)
{
    memset(hook, 0, sizeof *hook);
    hook->kind = kind;
    hook->url = url;
    hook->within = WITHIN;
    hook->breaker_conf = (tds_breaker_conf_t){.failures = 5, .pause = apr_time_from_sec(10)};
    hook->fallback = kinds[kind].fallback;
    hook->outcome = acs_case_outcome(NULL, ACS_CASE_FAULT);
}

static apr_status_t take_fallback(acs_hook_t *hook, const char *word, apr_pool_t *pool, tds_err_t *err)
{
    unsigned may = kinds[hook->kind].may;
    const char *fault;
    int i;

    for (i = ACS_FALLBACK_RULES; i <= ACS_FALLBACK_NONE; ++i) {
        if (strcmp(fallbacks[i], word)) continue;
        hook->fallback = (acs_fallback_e)i;
        if (may & 1u << i) return APR_SUCCESS;
    }
    hook->fallback = ACS_FALLBACK_OUTCOME;
    hook->outcome = acs_outcome_find(word, &fault, pool);
    if (hook->kind == ACS_HOOK_DELEGATE || hook->kind == ACS_HOOK_OOB) may = !strcmp(word, "unavailable");
    else may = may & 1u << ACS_FALLBACK_OUTCOME;
    if (may && hook->outcome && !strchr("DS", *hook->outcome->trans_status)) return APR_SUCCESS;
    return TDS_FAIL(err, APR_EINVAL, 0, NULL, "fallback=: hook %s has no such; see docs/directives/ACSHook.md",
                    kinds[hook->kind].name);
}

/* 250ms, 2s, 1min */
static int span_of(apr_interval_time_t *out, const char *text)
{
    char *end;
    apr_int64_t n = apr_strtoi64(text, &end, 10);

    if (end == text || n < 1 || n > 3600000) return 0;
    if (!strcmp(end, "ms")) *out = apr_time_from_msec(n);
    else if (!*end || !strcmp(end, "s")) *out = apr_time_from_sec(n);
    else if (!strcmp(end, "min")) *out = apr_time_from_sec(n * 60);
    else return 0;
    return 1;
}

static int count_of(int *out, const char *text)
{
    char *end;
    apr_int64_t n = apr_strtoi64(text, &end, 10);

    *out = (int)n;
    return end != text && !*end && n >= 0 && n <= 10000;
}

static apr_status_t take_option(acs_hook_t *hook, const char *word, apr_pool_t *pool, tds_err_t *err)
{
    if (!strncmp(word, "fallback=", 9)) return take_fallback(hook, word + 9, pool, err);
    if (!strncmp(word, "within=", 7)) {
        if (span_of(&hook->within, word + 7) && hook->within >= apr_time_from_msec(50) && hook->within <= apr_time_from_sec(30))
            return APR_SUCCESS;
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "within=: a time between 50ms and 30s");
    }
    if (!strncmp(word, "pause=", 6)) {
        if (span_of(&hook->breaker_conf.pause, word + 6)) return APR_SUCCESS;
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "pause=: a time, for example 10s");
    }
    if (!strncmp(word, "failures=", 9) && count_of(&hook->breaker_conf.failures, word + 9)) return APR_SUCCESS;
    if (!strncmp(word, "max=", 4) && count_of(&hook->max, word + 4)) return APR_SUCCESS;
    if (hook->kind == ACS_HOOK_CARD && (!strcmp(word, "pan=index") || !strcmp(word, "pan=clear"))) {
        hook->pan_index = word[4] == 'i';
        return APR_SUCCESS;
    }
    return TDS_FAIL(err, APR_EINVAL, 0, NULL,
                    "behind the URL: within=TIME fallback=WORD failures=N pause=TIME max=N%s",
                    hook->kind == ACS_HOOK_CARD ? " pan=clear|index" : "");
}

apr_status_t acs_hook_read(acs_hook_t *hook, const char *const *words, int nwords, apr_pool_t *pool, tds_err_t *err)
{
    acs_hook_e kind = nwords ? acs_hook_find(words[0]) : ACS_HOOK_COUNT;
    char *url = nwords > 1 ? (char *)tds_url_canonical(words[1], pool) : NULL;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t n;
    int i;

    if (kind == ACS_HOOK_COUNT || kind == ACS_HOOK_OTP)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "the first word is one of card, risk, delegate, oob, decoupled, notice, trust");
    if (!url || strchr(url, '?')) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "the second word is an absolute https URL without a query");
    n = strlen(url);
    if (n && url[n - 1] == '/') url = apr_pstrmemdup(pool, url, n - 1);
    acs_hook_init(hook, kind, url);
    for (i = 2; rv == APR_SUCCESS && i < nwords; ++i) rv = take_option(hook, words[i], pool, err);
    return rv;
}

/* ---- a call --------------------------------------------------------------- */

static acs_hook_t *hook_of(const acs_issuer_t *issuer, acs_hook_e kind)
{
    return issuer ? issuer->hooks[kind] : NULL;
}

int acs_hook_open(const acs_run_t *run, const acs_issuer_t *issuer, acs_hook_e kind)
{
    const acs_hook_t *hook = hook_of(issuer, kind);

    return hook && (!hook->breaker || tds_breaker_state(hook->breaker, run->mono()) != TDS_BREAKER_OPEN);
}

static apr_status_t nothing(acs_run_t *run, const acs_ask_t *ask, apr_status_t rv, const char *why)
{
    tds_metric_add(run->metrics, ACS_M_HOOK_FAILED, 1);
    tds_log(run->log, TDS_LOG_WARNING, "ACS0110", ask->id, "hook %s%s of issuer %s came to nothing: %s", acs_hook_name(ask->kind),
            ask->path ? ask->path : "", ask->issuer->name, why);
    return rv;
}

/* No call was made: the log has said why when it began. */
static apr_status_t not_asked(acs_run_t *run, const acs_ask_t *ask, apr_status_t rv, const char *why)
{
    tds_metric_add(run->metrics, ACS_M_HOOK_SKIPPED, 1);
    tds_log(run->log, TDS_LOG_INFO, "ACS0112", ask->id, "hook %s%s of issuer %s is not asked: %s", acs_hook_name(ask->kind),
            ask->path ? ask->path : "", ask->issuer->name, why);
    return rv;
}

/* How long we wait: the hook's limit, or what the AReq has left. None, where a connect that hangs would take longer than
 * that: nothing can end it before its time. */
static apr_interval_time_t time_for(acs_run_t *run, const acs_hook_t *hook, const acs_ask_t *ask)
{
    apr_interval_time_t left = ask->deadline ? ask->deadline - run->mono() : hook->within;

    if (ask->deadline && left < hook->connect) return 0;
    return left < hook->within ? left : hook->within;
}

static const char *path_of(const char *url)
{
    return url + strlen("https://") + strcspn(url + strlen("https://"), "/");
}

static apr_status_t post(acs_run_t *run, const acs_hook_t *hook, const acs_ask_t *ask, apr_interval_time_t within,
                         tds_http_resp_t *resp)
{
    apr_size_t len = 0;
    const char *body = tds_json_text(ask->body, &len, run->pool);
    tds_http_header_t headers[] = {{"X-Deadline-Ms", apr_psprintf(run->pool, "%d", (int)apr_time_as_msec(within))},
                                   {"X-Correlation-ID", ask->id},
                                   {"ACS-Issuer", ask->issuer->name},
                                   {NULL, NULL},
                                   {NULL, NULL}};
    tds_http_req_t req = {.method = "POST",
                          .url = ask->path ? apr_pstrcat(run->pool, hook->url, ask->path, NULL) : hook->url,
                          .type = "application/json; charset=utf-8",
                          .headers = headers,
                          .body = body,
                          .len = len,
                          .read_timeout = within,
                          .total = within,
                          .resp_max = ANSWER_MAX};
    tds_signed_t what = {.method = "POST", .path = path_of(req.url), .body = body, .len = len};

    if (!body) return APR_ENOMEM;
    tds_wipe_later(run->pool, (char *)body, len);
    if (ask->issuer->keys) {
        headers[3] = (tds_http_header_t){"ACS-Signature", tds_sign(ask->issuer->keys, &what, run->clock(), run->pool)};
        if (!headers[3].value) return APR_EGENERAL;
    }
    run->http->call(run->http->baton, &req, resp, run->pool);
    return APR_SUCCESS;
}

/* Whoever only takes may say what he likes with it. */
static int takes_answer(acs_hook_e kind)
{
    return kind != ACS_HOOK_OTP && kind != ACS_HOOK_NOTICE;
}

/* "No such" is an answer to who asks for a card or for the state of something, and there is nothing to call off then. To
 * anything else it is a failure: a gateway says it while nothing stands behind it. */
static int may_be_unknown(const acs_ask_t *ask)
{
    if (ask->kind == ACS_HOOK_CARD) return 1;
    return ask->path && (!strcmp(ask->path, "/cancel") || (ask->kind == ACS_HOOK_OOB && !strcmp(ask->path, "/status")));
}

static int says_unknown(const acs_ask_t *ask, const tds_http_resp_t *resp)
{
    return (resp->status == 404 || resp->status == 410) && may_be_unknown(ask);
}

/* NULL: as it should be; else what is wrong with it. */
static const char *read_answer(acs_run_t *run, const acs_ask_t *ask, const tds_http_resp_t *resp, json_t **answer)
{
    tds_err_t err;

    tds_err_init(&err, run->pool);
    if (resp->result != TDS_HTTP_OK) return tds_http_result_text(resp->result);
    if (says_unknown(ask, resp)) return NULL;
    if (resp->status < 200 || resp->status > 299) return apr_psprintf(run->pool, "status %d", resp->status);
    if (!resp->len || !answer) return NULL;
    tds_wipe_later(run->pool, (char *)resp->body, resp->len);
    if (tds_json_parse(answer, resp->body, resp->len, run->pool, &err) != APR_SUCCESS || !json_is_object(*answer)) {
        *answer = NULL;
        return "the answer is no JSON object";
    }
    return NULL;
}

static apr_status_t call_now(acs_run_t *run, acs_hook_t *hook, const acs_ask_t *ask, json_t **answer)
{
    apr_interval_time_t within = time_for(run, hook, ask);
    tds_http_resp_t resp = {.result = TDS_HTTP_CONFIG};
    const char *fault;

    if (within < apr_time_from_msec(10)) return not_asked(run, ask, APR_TIMEUP, "no time is left");
    if (hook->breaker && !tds_breaker_allows(hook->breaker, &hook->breaker_conf, run->mono()))
        return not_asked(run, ask, APR_ECONNREFUSED, "its breaker is open");
    if (post(run, hook, ask, within, &resp) != APR_SUCCESS) fault = "the call cannot be made";
    else fault = read_answer(run, ask, &resp, takes_answer(hook->kind) ? answer : NULL);
    acs_metric_hook(run, ask->issuer, hook->kind, resp.took);
    if (hook->breaker && tds_breaker_note(hook->breaker, &hook->breaker_conf, run->mono(), !fault))
        tds_log(run->log, TDS_LOG_ERR, "ACS0111", ask->id, "hook %s of issuer %s has failed %d times in a row: its breaker opens",
                acs_hook_name(ask->kind), ask->issuer->name, hook->breaker_conf.failures);
    if (fault) return nothing(run, ask, APR_EGENERAL, fault);
    return says_unknown(ask, &resp) ? APR_ENOENT : APR_SUCCESS;
}

/* A cardholder looks at a page that says where the code goes: for that we wait a moment. Others have a fallback. */
#define CODE_WAIT apr_time_from_sec(5)
#define CODE_NAP  apr_time_from_msec(20)

/* 1: one of max calls is ours. */
static int take_turn(acs_run_t *run, acs_hook_t *hook, const acs_ask_t *ask)
{
    apr_time_t until = run->mono() + (ask->kind == ACS_HOOK_OTP ? CODE_WAIT : 0);

    for (;;) {
        if (__atomic_add_fetch(&hook->under_way, 1, __ATOMIC_RELAXED) <= (apr_uint32_t)hook->max || !hook->max) return 1;
        __atomic_sub_fetch(&hook->under_way, 1, __ATOMIC_RELAXED);
        if (run->mono() >= until || !acs_hook_open(run, ask->issuer, ask->kind)) return 0;
        run->nap(CODE_NAP);
    }
}

apr_status_t acs_hook_call(acs_run_t *run, const acs_ask_t *ask, json_t **answer)
{
    acs_hook_t *hook = hook_of(ask->issuer, ask->kind);
    apr_status_t rv;

    *answer = NULL;
    if (!hook) return APR_ENOTIMPL;
    if (!take_turn(run, hook, ask)) return not_asked(run, ask, APR_EBUSY, "too many calls are under way");
    rv = call_now(run, hook, ask, answer);
    __atomic_sub_fetch(&hook->under_way, 1, __ATOMIC_RELAXED);
    return rv;
}

/* ---- bodies --------------------------------------------------------------- */

json_t *acs_hook_about(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "acsTransID", txn->id);
    tds_json_set(doc, "cardholder", txn->card_ref);
    return doc;
}

void acs_hook_put_display(acs_run_t *run, const acs_txn_t *txn, json_t *doc)
{
    tds_json_set(doc, "language", txn->language);
    tds_json_set(doc, "merchantName", txn->merchant);
    tds_json_set(doc, "amount", txn->amount);
    tds_json_set(doc, "currency", txn->currency);
    tds_json_set(doc, "exponent", txn->exponent);
    tds_json_set(doc, "expiresAt", tds_time_iso(txn->deadline, run->pool));
}

json_t *acs_hook_display(acs_run_t *run, const acs_txn_t *txn)
{
    json_t *doc = acs_hook_about(run, txn);

    acs_hook_put_display(run, txn, doc);
    return doc;
}
