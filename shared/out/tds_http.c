#include "tds_http.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_url.h"

const char *tds_http_result_text(tds_http_result_e result)
{
    static const char *const words[] = {"ok", "connect", "tls", "timeout", "stale", "broken", "too large", "config"};

    return words[result];
}

const char *tds_http_came(const tds_http_resp_t *resp, apr_pool_t *pool)
{
    if (resp->result != TDS_HTTP_OK) return tds_http_result_text(resp->result);
    return apr_psprintf(pool, "HTTP status %d, %s", resp->status, resp->len ? "no message" : "empty body");
}

/* A name, an IPv4 address or a bracketed IPv6 address, and perhaps a port. */
static int host_ok(const char *host, apr_size_t len)
{
    apr_size_t n = 0;

    if (len && host[0] == '[') {
        for (n = 1; n < len && (apr_isxdigit(host[n]) || host[n] == ':' || host[n] == '.'); ++n) continue;
        if (n < 3 || n == len || host[n++] != ']') return 0;
    }
    else {
        for (; n < len && (apr_isalnum(host[n]) || strchr("-._", host[n])); ++n) continue;
        if (!n || host[0] == '.') return 0;
    }
    return n == len || (host[n] == ':' && tds_url_port_good(host + n + 1, len - n - 1));
}

/* "." and ".." as a segment, also percent-encoded: a prefix rule could be walked round with them. */
static int dot_segment(const char *path)
{
    int dots = 0, other = 0;

    for (;; ++path) {
        if (*path == '/' || *path == '?' || !*path) {
            if (!other && dots && dots < 3) return 1;
            if (*path != '/') return 0;
            dots = other = 0;
        }
        else if (*path == '.') ++dots;
        else if (!strncasecmp(path, "%2e", 3)) {
            ++dots;
            path += 2;
        }
        else other = 1;
    }
}

static int clean(const char *s)
{
    for (; *s; ++s) {
        if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '#' || *s == '\\' || *s == '"' || *s == '<' || *s == '>')
            return 0;
    }
    return 1;
}

const char *tds_url_canonical(const char *url, apr_pool_t *pool)
{
    const char *host, *path;
    char *low, *s;
    apr_size_t n;

    if (!url || strncasecmp(url, "https://", 8) || strlen(url) > 2048 || !clean(url)) return NULL;
    host = url + 8;
    n = strcspn(host, "/?");
    path = host + n;
    if (!host_ok(host, n) || dot_segment(path)) return NULL;
    low = apr_pstrmemdup(pool, host, n);
    for (s = low; *s; ++s) *s = (char)apr_tolower(*s);
    if (n > 4 && !strcmp(low + n - 4, ":443")) low[n - 4] = '\0';
    return apr_pstrcat(pool, "https://", low, *path == '/' ? "" : "/", path, NULL);
}

int tds_url_under(const char *url, const char *prefix)
{
    apr_size_t n = strlen(prefix);

    if (strstr(url, "/../") || strstr(url, "/./")) return 0;
    if (strncmp(url, prefix, n)) return 0;
    return prefix[n - 1] == '/' || url[n] == '\0' || url[n] == '/' || url[n] == '?';
}

const char *tds_url_origin(const char *url, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, url, 8 + strcspn(url + 8, "/?"));
}
