#include "srv_pages.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_json.h"
#include "tds_tmpl.h"

enum { PAGE_RETURN, PAGE_CHALLENGE, PAGE_NEUTRAL, PAGE_COUNT };

struct srv_pages_t {
    tds_tmpl_t *page[PAGE_COUNT];
};

#define HEAD                                                                                                          \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                                          \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                                      \
    "<meta name=\"robots\" content=\"noindex\">\n"
#define STYLE                                                                                                         \
    "<style nonce=\"{{nonce}}\">:root{color-scheme:light dark}body{font:100%/1.5 system-ui,sans-serif;margin:0;"      \
    "display:grid;min-height:100vh;place-items:center;text-align:center}"                                             \
    "button{font:inherit;padding:.5rem 1.5rem}</style>\n</head>\n"

/* With script: one message to the parent (its origin fixed by the configuration), and on to the returnURL if nobody took
 * the frame away. Without: at once, or by the link. Nothing of the received message is here. */
static const char return_page[] = HEAD
    "{{#returnURL}}<noscript><meta http-equiv=\"refresh\" content=\"0; url={{returnURL}}\"></noscript>\n{{/returnURL}}"
    "<title>One moment</title>\n" STYLE
    "<body data-origin=\"{{origin}}\" data-id=\"{{threeDSServerTransID}}\">\n<main>"
    "{{#returnURL}}<p><a id=\"go\" rel=\"noreferrer\" href=\"{{returnURL}}\">Continue</a></p>{{/returnURL}}"
    "{{^returnURL}}<p>You can go back to the shop now.</p>{{/returnURL}}</main>\n"
    "<script nonce=\"{{nonce}}\">(function(){var d=document.body.dataset,a=document.getElementById('go'),"
    "f=window.parent!==window;\n"
    "if(f&&d.origin)window.parent.postMessage({type:'threeDSChallengeDone',threeDSServerTransID:d.id},d.origin);\n"
    "if(a)setTimeout(function(){window.location.replace(a.href)},f&&d.origin?1000:0)})();</script>\n"
    "</body>\n</html>\n";

static const char challenge_page[] = HEAD
    "<title>Going to your bank</title>\n" STYLE
    "<body>\n<main><form method=\"post\" action=\"{{acsURL}}\">"
    "<input type=\"hidden\" name=\"creq\" value=\"{{creq}}\">"
    "<noscript><p>Your bank wants to confirm that it is you.</p><button type=\"submit\">Continue</button></noscript>"
    "</form></main>\n"
    "<script nonce=\"{{nonce}}\">HTMLFormElement.prototype.submit.call(document.forms[0]);</script>\n</body>\n</html>\n";

static const char neutral_page[] = HEAD
    "<title>Nothing to do here</title>\n" STYLE
    "<body>\n<main><p>There is nothing to do here. Please go back to the shop.</p></main>\n</body>\n</html>\n";

static const char *const return_names[] = {"nonce", "returnURL", "origin", "threeDSServerTransID", NULL};
static const char *const challenge_names[] = {"nonce", "acsURL", "creq", NULL};
static const char *const neutral_names[] = {"nonce", NULL};

apr_status_t srv_pages_load(srv_pages_t **ppages, apr_pool_t *pool, tds_err_t *err)
{
    static const struct {
        const char *name, *text;
        const char *const *names;
    } files[PAGE_COUNT] = {
        [PAGE_RETURN] = {"return", return_page, return_names},
        [PAGE_CHALLENGE] = {"challenge", challenge_page, challenge_names},
        [PAGE_NEUTRAL] = {"neutral", neutral_page, neutral_names},
    };
    srv_pages_t *pages = apr_pcalloc(pool, sizeof *pages);
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < PAGE_COUNT && rv == APR_SUCCESS; ++i) {
        tds_tmpl_set_t *mem = tds_tmpl_set_mem(pool);
        tds_tmpl_opts_t opts = {.names = files[i].names, .html = 1};

        tds_tmpl_set_add(mem, files[i].name, files[i].text, strlen(files[i].text));
        rv = tds_tmpl_compile(&pages->page[i], mem, files[i].name, &opts, pool, err);
    }
    *ppages = pages;
    return rv;
}

/* Whatever happens, the cardholder gets a page. */
static void bare_page(srv_answer_t *answer)
{
    static const char page[] = "<!DOCTYPE html><html lang=\"en\"><title>Error</title><p>This page cannot be shown.</p></html>\n";

    *answer = (srv_answer_t){.status = 500, .kind = SRV_BODY_PAGE, .body = page, .len = sizeof page - 1};
}

static void render(srv_run_t *run, int page, int status, json_t *data, srv_answer_t *answer)
{
    unsigned char b[16];
    const char *nonce = run->rnd(b, sizeof b) == APR_SUCCESS ? tds_b64url_encode(b, sizeof b, run->pool) : NULL, *text;
    tds_err_t err;
    apr_size_t len;

    tds_err_init(&err, run->pool);
    tds_json_set(data, "nonce", nonce);
    if (!nonce || tds_tmpl_render(&text, &len, run->conf->pages->page[page], data, run->pool, &err) != APR_SUCCESS) {
        tds_log(run->log, TDS_LOG_ERR, "SRV0070", NULL, "page %d cannot be rendered: %s", page,
                err.detail ? err.detail : "no random bytes");
        bare_page(answer);
        return;
    }
    *answer = (srv_answer_t){.status = status, .kind = SRV_BODY_PAGE, .body = text, .len = len, .nonce = nonce};
}

/* The parent that may be told: the origin of the returnURL, else the first one of the requestor. */
static const char *parent_origin(srv_run_t *run, const srv_txn_t *txn)
{
    const srv_requestor_t *requestor = srv_requestor_by_name(run->conf, txn->requestor);

    if (txn->return_url) return tds_url_origin(txn->return_url, run->pool);
    return requestor && requestor->origins->nelts ? APR_ARRAY_IDX(requestor->origins, 0, const char *) : NULL;
}

void srv_page_return(srv_run_t *run, const srv_txn_t *txn, int status, srv_answer_t *answer)
{
    json_t *data = tds_json_object(run->pool);

    if (txn->return_url)
        tds_json_set(data, "returnURL",
                     apr_pstrcat(run->pool, txn->return_url, strchr(txn->return_url, '?') ? "&" : "?",
                                 "threeDSServerTransID=", txn->id, NULL));
    tds_json_set(data, "origin", parent_origin(run, txn));
    tds_json_set(data, "threeDSServerTransID", txn->id);
    render(run, PAGE_RETURN, status, data, answer);
}

void srv_page_challenge(srv_run_t *run, const srv_txn_t *txn, const char *creq, srv_answer_t *answer)
{
    json_t *data = tds_json_object(run->pool);

    tds_json_set(data, "acsURL", txn->acs_url);
    tds_json_set(data, "creq", creq);
    render(run, PAGE_CHALLENGE, 200, data, answer);
    if (answer->status == 200) answer->kind = SRV_BODY_FORM_PAGE;
}

void srv_page_neutral(srv_run_t *run, int status, srv_answer_t *answer)
{
    render(run, PAGE_NEUTRAL, status, tds_json_object(run->pool), answer);
}
