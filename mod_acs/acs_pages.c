#include "acs_pages.h"

#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_mask.h"
#include "tds_tmpl.h"
#include "tds_url.h"
#include "acs_method.h"
#include "acs_pages_int.h"
#include "acs_token.h"

/* Seconds after the limit at which an open page asks what became of it (B-21). */
#define RELOAD_AFTER 5

enum { PAGE_OTP, PAGE_OOB, PAGE_SPC, PAGE_INFO, PAGE_PROCESSING, PAGE_FINAL, PAGE_ERROR, PAGE_METHOD, PAGE_COUNT };

typedef struct language_t {
    const char *tag;
    tds_tmpl_t *page[PAGE_COUNT], *message;
    const json_t *texts;
} language_t;

struct acs_pages_t {
    apr_hash_t *languages; /* tag -> language_t */
    language_t *fallback;
};

#define COMMON "lang", "dir", "nonce", "t.*"

static const char *const challenge_names[] = {COMMON,         "action",        "token",      "refreshSeconds", "refreshURL",
                                        "issuerName",   "schemeName",    "merchantName", "amount",       "maskedPan",
                                        "destination",  "attemptsLeft",  "lastTryFailed", "codeResent",  "codeUnsent",   "resendAllowed",
                                        "windowSize",   "askTrust",      "askBind",       "spcRequest",    "otherAllowed", NULL};
static const char *const processing_names[] = {COMMON, "refreshURL", NULL};
static const char *const final_names[] = {COMMON, "notificationURL", "fields", "fields.name", "fields.value", NULL};
static const char *const error_names[] = {COMMON, "titleText", "bodyText", NULL};
static const char *const method_names[] = {COMMON, "notificationURL", "methodData", "dataURL", "token", NULL};
static const char *const message_names[] = {"otp", "merchantName", "amount", NULL};

static const struct {
    const char *file;
    const char *const *names;
    unsigned needs; /* ACS_PAGE_... */
} page_files[PAGE_COUNT] = {
    [PAGE_OTP] = {"otp.html", challenge_names, ACS_PAGE_TOKEN | ACS_PAGE_AMOUNT},
    [PAGE_OOB] = {"oob.html", challenge_names, ACS_PAGE_TOKEN | ACS_PAGE_AMOUNT},
    [PAGE_SPC] = {"spc.html", challenge_names, ACS_PAGE_TOKEN | ACS_PAGE_AMOUNT},
    [PAGE_INFO] = {"info.html", challenge_names, ACS_PAGE_TOKEN},
    [PAGE_PROCESSING] = {"processing.html", processing_names},
    [PAGE_FINAL] = {"final.html", final_names},
    [PAGE_ERROR] = {"error.html", error_names},
    [PAGE_METHOD] = {"method.html", method_names},
};

/* ---- start-up ------------------------------------------------------------ */

static apr_status_t compile_message(language_t *lang, json_t *texts, apr_pool_t *pool, tds_err_t *err)
{
    tds_tmpl_set_t *mem = tds_tmpl_set_mem(pool);
    tds_tmpl_opts_t opts = {.names = message_names, .plain = 1, .out_max = 4096};
    const char *text = tds_json_get(texts, "otp_message");

    if (!text) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "texts/%s.json: otp_message is missing", lang->tag);
    tds_tmpl_set_add(mem, "otp_message", text, strlen(text));
    return tds_tmpl_compile(&lang->message, mem, "otp_message", &opts, pool, err);
}

static apr_status_t load_language(acs_pages_t *pages, const char *dir, const char *tag, apr_pool_t *pool, tds_err_t *err)
{
    const char *textdir = apr_pstrcat(pool, dir, "/texts", NULL);
    language_t *lang = apr_pcalloc(pool, sizeof *lang);
    apr_status_t rv;
    json_t *texts;
    int i;

    lang->tag = tag;
    if ((rv = tds_tmpl_texts_load(&texts, textdir, tag, pool, err)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 0, NULL, "no texts for language %s in %s", tag, textdir);
    lang->texts = texts;
    for (i = 0; i < PAGE_COUNT; ++i) {
        tds_tmpl_opts_t opts = {.names = page_files[i].names, .texts = texts, .html = 1};
        rv = tds_tmpl_compile(&lang->page[i], tds_tmpl_set_dir(dir, pool), page_files[i].file, &opts, pool, err);
        if (rv == APR_SUCCESS)
            rv = acs_pages_check_shown(lang->page[i], page_files[i].file, page_files[i].names, page_files[i].needs, pool, err);
        if (rv != APR_SUCCESS) return rv;
    }
    if ((rv = compile_message(lang, texts, pool, err)) != APR_SUCCESS) return rv;
    apr_hash_set(pages->languages, tag, APR_HASH_KEY_STRING, lang);
    if (!pages->fallback) pages->fallback = lang;
    return APR_SUCCESS;
}

apr_status_t acs_pages_load(acs_pages_t **ppages, const char *dir, const char *languages, apr_pool_t *pool, tds_err_t *err)
{
    acs_pages_t *pages = apr_pcalloc(pool, sizeof *pages);
    char *save, *tag;
    apr_status_t rv;

    if ((rv = acs_pages_check_files(dir, pool, err)) != APR_SUCCESS) return rv;
    pages->languages = apr_hash_make(pool);
    for (tag = apr_strtok(apr_pstrdup(pool, languages), " ,", &save); tag; tag = apr_strtok(NULL, " ,", &save)) {
        if ((rv = load_language(pages, dir, tag, pool, err)) != APR_SUCCESS) return rv;
    }
    *ppages = pages;
    return pages->fallback ? APR_SUCCESS : TDS_FAIL(err, APR_EINVAL, 0, NULL, "no language given");
}

/* ---- rendering ----------------------------------------------------------- */

static const language_t *language_of(const acs_pages_t *pages, const char *tag)
{
    const language_t *lang = tag ? apr_hash_get(pages->languages, tag, APR_HASH_KEY_STRING) : NULL;
    char two[3];

    if (!lang && tag && strlen(tag) > 2) {
        memcpy(two, tag, 2);
        two[2] = '\0';
        lang = apr_hash_get(pages->languages, two, APR_HASH_KEY_STRING);
    }
    return lang ? lang : pages->fallback;
}

static const acs_issuer_t *issuer_of(acs_run_t *run, const char *name)
{
    const acs_issuer_t *issuer = name ? acs_issuer_by_name(run->conf, name) : NULL;

    return issuer ? issuer : APR_ARRAY_IDX(run->conf->issuers, 0, const acs_issuer_t *);
}

static const char *make_nonce(acs_run_t *run)
{
    unsigned char b[16];

    return run->rnd(b, sizeof b) == APR_SUCCESS ? tds_b64url_encode(b, sizeof b, run->pool) : NULL;
}

static acs_body_e kind_of(int page)
{
    if (page == PAGE_METHOD) return ACS_BODY_METHOD_PAGE;
    return page == PAGE_FINAL ? ACS_BODY_FINAL_PAGE : ACS_BODY_PAGE;
}

/* Whatever happens, the cardholder gets a page. */
static void bare_page(acs_answer_t *answer, int status)
{
    static const char page[] = "<!DOCTYPE html><html lang=\"en\"><title>Error</title><p>This page cannot be shown.</p></html>\n";

    *answer = (acs_answer_t){.status = status, .kind = ACS_BODY_PAGE, .body = page, .len = sizeof page - 1};
}

static void render(acs_run_t *run, const language_t *lang, int page, int status, json_t *data, acs_answer_t *answer)
{
    const char *nonce = make_nonce(run), *text;
    tds_err_t err;
    apr_size_t len;

    tds_err_init(&err, run->pool);
    tds_json_set(data, "lang", lang->tag);
    tds_json_set(data, "dir", tds_tmpl_texts_dir(lang->tag));
    tds_json_set(data, "nonce", nonce);
    if (!nonce || tds_tmpl_render(&text, &len, lang->page[page], data, run->pool, &err) != APR_SUCCESS) {
        tds_log(run->log, TDS_LOG_ERR, "ACS0030", NULL, "%s cannot be rendered: %s", page_files[page].file,
                err.detail ? err.detail : "no random bytes");
        bare_page(answer, 500);
        return;
    }
    *answer = (acs_answer_t){.status = status,
                             .kind = kind_of(page),
                             .body = text,
                             .len = len,
                             .nonce = nonce};
}

static const char *page_url(acs_run_t *run, const char *token)
{
    return apr_pstrcat(run->pool, run->conf->challenge_url, "/page/", token, NULL);
}

static const char *destination(const acs_txn_t *txn, apr_pool_t *pool)
{
    const char *to = txn->phone ? txn->phone : txn->email, *at;

    if (!to) return NULL;
    if (txn->phone) return tds_mask_pan(txn->phone, pool);
    at = strchr(to, '@');
    return apr_psprintf(pool, "%.1s\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2%s", to, at ? at : "");
}

static void set_flag(json_t *data, const char *name, int value)
{
    json_object_set_new(data, name, json_boolean(value));
}

static void set_number(json_t *data, const char *name, apr_int64_t value, apr_pool_t *pool)
{
    tds_json_set(data, name, apr_psprintf(pool, "%" APR_INT64_T_FMT, value));
}

static int page_of(const acs_txn_t *txn)
{
    if (txn->informing) return PAGE_INFO;
    if (txn->cha == ACS_CHA_SPC) return PAGE_SPC;
    return txn->cha == ACS_CHA_OOB ? PAGE_OOB : PAGE_OTP;
}

void acs_page_challenge(acs_run_t *run, const acs_txn_t *txn, const acs_page_note_t *note, acs_answer_t *answer)
{
    const acs_issuer_t *issuer = issuer_of(run, txn->issuer);
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);
    const char *token = acs_token_make(run, txn);
    apr_interval_time_t left = txn->deadline - run->clock();
    json_t *data = tds_json_object(run->pool);

    if (!token) {
        bare_page(answer, 500);
        return;
    }
    tds_json_set(data, "action", apr_pstrcat(run->pool, run->conf->challenge_url, "/form", NULL));
    tds_json_set(data, "token", token);
    set_number(data, "refreshSeconds", (left > 0 ? apr_time_sec(left) : 0) + RELOAD_AFTER, run->pool);
    tds_json_set(data, "refreshURL", page_url(run, token));
    tds_json_set(data, "issuerName", issuer->display_name);
    tds_json_set(data, "schemeName", ds ? ds->scheme_name : NULL);
    tds_json_set(data, "merchantName", txn->merchant);
    tds_json_set(data, "amount", acs_amount_text(txn, run->pool));
    tds_json_set(data, "maskedPan", tds_mask_pan(txn->pan, run->pool));
    tds_json_set(data, "destination", txn->unsent ? NULL : destination(txn, run->pool));
    set_flag(data, "codeUnsent", txn->cha == ACS_CHA_OTP && txn->unsent);
    set_number(data, "attemptsLeft", issuer->otp_attempts - (int)txn->attempts, run->pool);
    set_flag(data, "lastTryFailed", note->failed);
    set_flag(data, "codeResent", note->resent);
    set_flag(data, "resendAllowed", (int)txn->resends < issuer->otp_resends || txn->unsent);
    tds_json_set(data, "windowSize", txn->window_size);
    set_flag(data, "askTrust", (txn->asks & ACS_ASK_TRUST) != 0);
    set_flag(data, "askBind", (txn->asks & ACS_ASK_BIND) != 0);
    set_flag(data, "otherAllowed", txn->other != 0);
    if (txn->cha == ACS_CHA_SPC) tds_json_set(data, "spcRequest", acs_spc_request(run, issuer, txn));
    render(run, language_of(issuer->pages, txn->language), page_of(txn), 200, data, answer);
}

void acs_page_processing(acs_run_t *run, const acs_txn_t *txn, acs_answer_t *answer)
{
    const char *token = acs_token_make(run, txn);
    json_t *data = tds_json_object(run->pool);

    tds_json_set(data, "refreshURL", token ? page_url(run, token) : NULL);
    render(run, language_of(issuer_of(run, txn->issuer)->pages, txn->language), PAGE_PROCESSING, 200, data, answer);
}

static void add_field(json_t *fields, const char *name, const char *value)
{
    json_t *field = json_object();

    tds_json_set(field, "name", name);
    tds_json_set(field, "value", value);
    json_array_append_new(fields, field);
}

/* A form that goes to the notificationURL by itself, or by a button. */
static void carry(acs_run_t *run, const acs_txn_t *txn, const char *message, apr_size_t len, const char *session_data,
                  acs_answer_t *answer)
{
    json_t *data = tds_json_object(run->pool), *fields;

    /* F-09: nothing is posted anywhere else. The AReq was checked; a record of an older node perhaps was not. */
    if (!tds_url_good(txn->notification_url, strlen(txn->notification_url), TDS_URL_HTTPS)) {
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    fields = json_array();
    tds_json_set(data, "notificationURL", txn->notification_url);
    add_field(fields, "cres", tds_b64url_encode(message, len, run->pool));
    if (session_data) add_field(fields, "threeDSSessionData", session_data);
    json_object_set_new(data, "fields", fields);
    render(run, language_of(issuer_of(run, txn->issuer)->pages, txn->language), PAGE_FINAL, 200, data, answer);
}

void acs_page_final(acs_run_t *run, const acs_txn_t *txn, acs_answer_t *answer)
{
    tds_msg_t *cres = tds_msg_make(TDS_MSG_CRES, (tds_ver_e)txn->msg_version, run->pool);
    tds_prior_t prior[ACS_PRIOR_MAX];
    tds_msg_rules_t rules = {.prior = prior, .nprior = acs_txn_prior(txn, prior), .leg = TDS_LEG_ACS_REQUESTOR};
    const char *bytes;
    apr_size_t len;

    tds_msg_set(cres, TDS_E_THREE_DS_SERVER_TRANS_ID, txn->server_trans_id);
    tds_msg_set(cres, TDS_E_ACS_TRANS_ID, txn->id);
    tds_msg_set(cres, TDS_E_TRANS_STATUS, acs_end_cres((acs_end_e)txn->end));
    if (tds_msg_encode(&bytes, &len, cres, &rules, run->pool, run->err) != APR_SUCCESS) {
        tds_log(run->log, TDS_LOG_ERR, "ACS0031", txn->id, "CRes is not fit to be sent: %d %s", run->err->proto,
                run->err->elements ? run->err->elements : "");
        acs_page_neutral(run, 200, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    carry(run, txn, bytes, len, txn->session_data, answer);
}

void acs_page_erro(acs_run_t *run, const acs_txn_t *txn, const tds_err_t *err, const tds_msg_t *faulty,
                   const char *session_data, acs_answer_t *answer)
{
    const char *bytes;
    apr_size_t len;

    if (!txn->notification_url || acs_erro_bytes(run, err, faulty, txn, &bytes, &len) != APR_SUCCESS) {
        acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
        return;
    }
    carry(run, txn, bytes, len, session_data, answer);
}

void acs_page_method(acs_run_t *run, const acs_method_req_t *req, const char *token, acs_answer_t *answer)
{
    const language_t *lang = language_of(issuer_of(run, NULL)->pages, NULL);
    json_t *data = tds_json_object(run->pool), *notice = tds_json_object(run->pool);
    apr_size_t len = 0;
    const char *text;

    tds_json_set(notice, "threeDSServerTransID", req->id);
    text = tds_json_text(notice, &len, run->pool);
    tds_json_set(data, "notificationURL", req->url);
    tds_json_set(data, "methodData", text ? tds_b64url_encode(text, len, run->pool) : NULL);
    tds_json_set(data, "dataURL", apr_pstrcat(run->pool, run->conf->method_url, "/data", NULL));
    tds_json_set(data, "token", token);
    render(run, lang, PAGE_METHOD, 200, data, answer);
}

void acs_page_neutral(acs_run_t *run, int status, acs_neutral_e which, acs_answer_t *answer)
{
    const language_t *lang = language_of(issuer_of(run, NULL)->pages, NULL);
    json_t *data = tds_json_object(run->pool);

    tds_json_set(data, "titleText", tds_json_get(lang->texts, which == ACS_NEUTRAL_BUSY ? "busy_title" : "error_title"));
    tds_json_set(data, "bodyText", tds_json_get(lang->texts, which == ACS_NEUTRAL_BUSY ? "busy_text" : "error_text"));
    render(run, lang, PAGE_ERROR, status, data, answer);
}

const char *acs_page_message(acs_run_t *run, const acs_txn_t *txn, const char *otp)
{
    const language_t *lang = language_of(issuer_of(run, txn->issuer)->pages, txn->language);
    json_t *data = tds_json_object(run->pool);
    const char *text;
    apr_size_t len;

    tds_json_set(data, "otp", otp);
    tds_json_set(data, "merchantName", txn->merchant);
    tds_json_set(data, "amount", acs_amount_text(txn, run->pool));
    return tds_tmpl_render(&text, &len, lang->message, data, run->pool, run->err) == APR_SUCCESS ? text : NULL;
}

/* ---- amounts ------------------------------------------------------------- */

static const char *currency_word(const char *code)
{
    const char *alpha = tds_currency_alpha(code);

    return alpha ? alpha : code;
}

const char *acs_amount_text(const acs_txn_t *txn, apr_pool_t *pool)
{
    const char *digits = txn->amount;
    int exp = txn->exponent ? txn->exponent[0] - '0' : 2, len;

    if (!digits || !txn->currency) return NULL;
    while (*digits == '0' && (int)strlen(digits) > exp + 1) ++digits;
    while ((int)strlen(digits) < exp + 1) digits = apr_pstrcat(pool, "0", digits, NULL);
    len = (int)strlen(digits);
    if (!exp) return apr_pstrcat(pool, digits, " ", currency_word(txn->currency), NULL);
    return apr_psprintf(pool, "%.*s.%s %s", len - exp, digits, digits + len - exp, currency_word(txn->currency));
}
