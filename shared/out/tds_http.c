#include "tds_http.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

const char *tds_http_result_text(tds_http_result_e result)
{
    static const char *const words[] = {"ok", "connect", "tls", "timeout", "stale", "broken", "too large", "config"};

    return words[result];
}

static int host_ok(const char *host, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (!apr_isalnum(host[i]) && !strchr("-._:[]", host[i])) return 0;
    }
    return len > 0 && host[0] != ':' && host[0] != '.';
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
    if (!host_ok(host, n)) return NULL;
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
