/* What a page must have so that it works under our policy (B-28, nonces) and tells the cardholder what is confirmed, looked at
 * when the configuration is read: a designer's slip is found by configtest and not by cardholders. */
#include "acs_pages_int.h"

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* ---- one file, as written ------------------------------------------------ */

typedef struct scan_t {
    const char *name, *text;
    apr_pool_t *pool;
    tds_err_t *err;
} scan_t;

static int line_at(const scan_t *x, const char *at)
{
    const char *s;
    int line = 1;

    for (s = x->text; s < at; ++s) line += *s == '\n';
    return line;
}

static apr_status_t fault_at(const scan_t *x, const char *at, const char *text)
{
    return TDS_FAIL(x->err, APR_EINVAL, 0, NULL, "%s:%d: %s", x->name, line_at(x, at), text);
}

/* Behind "{{...}}" or "<!--...-->" when one begins at s; else s. */
static const char *skip(const char *s)
{
    const char *end = NULL;

    if (!strncmp(s, "{{", 2) && (end = strstr(s, "}}"))) return end + 2;
    if (!strncmp(s, "<!--", 4) && (end = strstr(s, "-->"))) return end + 3;
    return s;
}

/* The ">" that ends the tag that begins at s, or the end of the text. */
static const char *tag_end(const char *s)
{
    char quote = '\0';

    while (*s && (quote || *s != '>')) {
        const char *behind = skip(s);

        if (behind != s) {
            s = behind;
            continue;
        }
        if (!quote && (*s == '"' || *s == '\'')) quote = *s;
        else if (quote == *s) quote = '\0';
        ++s;
    }
    return s;
}

static int leads_out(const char *value)
{
    while (*value == '"' || *value == '\'' || apr_isspace(*value)) ++value;
    return !strncasecmp(value, "http:", 5) || !strncasecmp(value, "https:", 6) || !strncmp(value, "//", 2);
}

/* NULL, or what is wrong with an attribute; name is in small letters, value begins behind the "=". */
static const char *attribute_fault(const char *name, const char *value)
{
    static const char *const urls[] = {"src", "href", "action", "formaction", "poster", "data", "srcset", "background"};
    apr_size_t i;

    if (!strcmp(name, "style")) return "style= has no effect under our policy: use a class";
    if (!strncmp(name, "on", 2)) return "on...= has no effect under our policy: use a script with the nonce";
    for (i = 0; i < sizeof urls / sizeof *urls; ++i) {
        if (!strcmp(name, urls[i]) && leads_out(value)) return "nothing is loaded from elsewhere: put it into the page";
    }
    return NULL;
}

static const char *in_small(char *word)
{
    char *s;

    for (s = word; *s; ++s) *s = (char)apr_tolower(*s);
    return word;
}

/* The attributes of the tag from at to end. */
static const char *attributes_fault(const char *at, const char *end, apr_pool_t *pool)
{
    const char *fault = NULL;

    while (!fault && at < end) {
        const char *name = at, *behind = skip(at);

        if (behind != at) {
            at = behind;
            continue;
        }
        if (*at == '"' || *at == '\'') {
            const char *quote = strchr(at + 1, *at);
            at = quote ? quote + 1 : end;
            continue;
        }
        while (at < end && (apr_isalnum(*at) || *at == '-')) ++at;
        if (at > name && *at == '=') {
            fault = attribute_fault(in_small(apr_pstrmemdup(pool, name, (apr_size_t)(at - name))), at + 1);
        }
        if (at == name) ++at;
    }
    return fault;
}

static int is_tag(const char *s, const char *name)
{
    apr_size_t len = strlen(name);

    return !strncasecmp(s + 1, name, len) && !apr_isalnum(s[1 + len]);
}

static apr_status_t check_tag(const scan_t *x, const char *s, const char *end)
{
    const char *tag = apr_pstrmemdup(x->pool, s, (apr_size_t)(end - s));
    const char *fault = attributes_fault(s + 1, end, x->pool);

    if (!fault && (is_tag(s, "script") || is_tag(s, "style")) && !strstr(tag, "nonce=\"{{nonce}}\""))
        fault = "has no nonce=\"{{nonce}}\": browsers ignore it under our policy";
    if (!fault && (is_tag(s, "link") || is_tag(s, "base"))) fault = "nothing is loaded from elsewhere: put it into the page";
    return fault ? fault_at(x, s, fault) : APR_SUCCESS;
}

static apr_status_t check_text(const scan_t *x)
{
    const char *s = x->text, *import = strstr(x->text, "@import"), *url;
    apr_status_t rv = APR_SUCCESS;

    if (import) return fault_at(x, import, "nothing is loaded from elsewhere: put it into the page");
    for (url = strstr(s, "url("); url; url = strstr(url + 1, "url(")) {
        if (leads_out(url + 4)) return fault_at(x, url, "nothing is loaded from elsewhere: put it into the page");
    }
    while (rv == APR_SUCCESS && *s) {
        const char *behind = skip(s), *end;

        if (behind == s && *s == '<' && apr_isalpha(s[1])) {
            end = tag_end(s);
            rv = check_tag(x, s, end);
            behind = end;
        }
        s = behind == s ? s + 1 : behind;
    }
    return rv;
}

static apr_status_t check_file(const char *dir, const char *name, apr_pool_t *pool, tds_err_t *err)
{
    scan_t x = {.name = name, .pool = pool, .err = err};
    apr_finfo_t info;
    apr_size_t len;
    apr_file_t *f;
    apr_status_t rv;
    char *text;

    if ((rv = apr_file_open(&f, apr_pstrcat(pool, dir, "/", name, NULL), APR_READ, APR_OS_DEFAULT, pool)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 0, NULL, "cannot open %s", name);
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, f);
    if (rv == APR_SUCCESS && info.size > TDS_TMPL_FILE_MAX) rv = APR_ENOSPC;
    if (rv == APR_SUCCESS) {
        text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(f, text, (apr_size_t)info.size, &len);
        x.text = text;
    }
    (void)apr_file_close(f);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) return TDS_FAIL(err, rv, 0, NULL, "cannot read %s", name);
    return check_text(&x);
}

apr_status_t acs_pages_check_files(const char *dir, apr_pool_t *pool, tds_err_t *err)
{
    apr_status_t rv;
    apr_finfo_t info;
    apr_dir_t *d;

    if ((rv = apr_dir_open(&d, dir, pool)) != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "cannot open %s", dir);
    while (rv == APR_SUCCESS && apr_dir_read(&info, APR_FINFO_NAME, d) == APR_SUCCESS) {
        apr_size_t len = strlen(info.name);
        if (len > 5 && !strcmp(info.name + len - 5, ".html")) rv = check_file(dir, apr_pstrdup(pool, info.name), pool, err);
    }
    (void)apr_dir_close(d);
    return rv;
}

/* ---- one page, as it is shown --------------------------------------------- */

#define SAMPLE "@%s@"

static int has(const char *text, const char *name, apr_pool_t *pool)
{
    return strstr(text, apr_psprintf(pool, SAMPLE, name)) != NULL;
}

/* Every form that comes back to us carries the token of the page. */
static int forms_good(const char *text, apr_pool_t *pool)
{
    const char *form, *end;

    for (form = strstr(text, "<form"); form; form = strstr(end, "<form")) {
        if (!(end = strstr(form, "</form"))) end = form + strlen(form);
        if (!has(apr_pstrmemdup(pool, form, (apr_size_t)(end - form)), "token", pool)) return 0;
    }
    return 1;
}

apr_status_t acs_pages_check_shown(const tds_tmpl_t *page, const char *file, const char *const *names, unsigned needs, apr_pool_t *pool,
                                   tds_err_t *err)
{
    json_t *data = tds_json_object(pool);
    const char *text, *missing = NULL;
    apr_size_t len;
    apr_status_t rv;

    for (; *names; ++names) tds_json_set(data, *names, apr_psprintf(pool, SAMPLE, *names));
    if ((rv = tds_tmpl_render(&text, &len, page, data, pool, err)) != APR_SUCCESS) return rv;
    if (!strchr(text, '<')) missing = "the page is empty";
    else if (needs & ACS_PAGE_TOKEN && !strstr(text, "<form")) missing = "there is no form: the cardholder could do nothing";
    else if (needs & ACS_PAGE_TOKEN && !forms_good(text, pool)) missing = "a form has no field token with {{token}}";
    else if (needs & ACS_PAGE_AMOUNT && !has(text, "amount", pool)) missing = "{{amount}} is not shown: the cardholder confirms it";
    else if (needs & ACS_PAGE_AMOUNT && !has(text, "merchantName", pool)) missing = "{{merchantName}} is not shown: the cardholder confirms it";
    return missing ? TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s:1: %s", file, missing) : APR_SUCCESS;
}
