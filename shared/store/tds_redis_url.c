/* Where Redis is, and who we are there. */
#include "tds_redis_int.h"

#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_keys.h"

#define FORM "must be redis://HOST[:PORT][/DB] (an IPv6 address in brackets) or unix:/PATH[?db=N]"
#define USER "must not hold a user or password: it would stand in logs and in server-info; see the directive StoreAuth"

/* 0: text is no number between 0 and max, or something follows it. */
static int number(int *out, const char *text, int max)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (!apr_isdigit(*text) || *end || n > max) return 0;
    *out = (int)n;
    return 1;
}

static const char *unix_path(tds_redis_addr_t *addr, const char *text, apr_pool_t *pool)
{
    const char *query = strchr(text, '?');

    if (*text != '/') return FORM;
    if (query && (strncmp(query, "?db=", 4) || !number(&addr->db, query + 4, 1023))) return FORM;
    addr->path = query ? apr_pstrmemdup(pool, text, (apr_size_t)(query - text)) : text;
    return NULL;
}

/* Letters, digits, and what names and IPv4 addresses have beside them. */
static int name_good(const char *s)
{
    const char *start = s;

    while (apr_isalnum(*s) || *s == '-' || *s == '.' || *s == '_') ++s;
    return s != start && !*s;
}

/* An IPv6 address (RFC 3986, IP-literal) as far as the resolver is not needed to judge it; a zone may follow. */
static int literal_good(const char *s)
{
    apr_size_t n = strspn(s, "0123456789abcdefABCDEF:.");

    return n > 1 && strchr(s, ':') && (!s[n] || (s[n] == '%' && name_good(s + n + 1)));
}

/* RFC 3986: authority = host [":" port]. */
static const char *authority(tds_redis_addr_t *addr, char *text)
{
    char *port, *close;

    addr->port = 6379;
    addr->host = text;
    if (*text == '[') {
        if (!(close = strchr(text, ']'))) return FORM;
        *close = '\0';
        addr->host = text + 1;
        if (!literal_good(addr->host) || (close[1] && close[1] != ':')) return FORM;
        port = close[1] ? close + 2 : NULL;
    }
    else {
        if ((port = strchr(text, ':'))) *port++ = '\0';
        if (!name_good(text)) return FORM;
    }
    if (port && (!number(&addr->port, port, 65535) || !addr->port)) return FORM;
    return NULL;
}

const char *tds_redis_addr_read(tds_redis_addr_t *addr, const char *url, apr_pool_t *pool)
{
    char *rest, *slash;

    *addr = (tds_redis_addr_t){0};
    if (!strncmp(url, "unix:", 5)) return unix_path(addr, url + 5, pool);
    if (strncmp(url, "redis://", 8)) return FORM;
    rest = apr_pstrdup(pool, url + 8);
    if (strchr(rest, '@')) return USER; /* wherever it stands: a password may hold a slash */
    if ((slash = strchr(rest, '/'))) {
        *slash = '\0';
        if (slash[1] && !number(&addr->db, slash + 1, 1023)) return FORM;
    }
    return authority(addr, rest);
}

const char *tds_redis_url_fault(const char *url, apr_pool_t *pool)
{
    tds_redis_addr_t addr;

    return tds_redis_addr_read(&addr, url, pool);
}

/* ---- user and password ------------------------------------------------------ */

static apr_status_t split(tds_redis_auth_t *auth, const char *text, apr_pool_t *pool, tds_err_t *err)
{
    const char *colon = strchr(text, ':'), *s;

    for (s = text; *s; ++s) {
        if (apr_iscntrl(*s)) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "one line is expected: USER:PASSWORD or PASSWORD");
    }
    auth->user = colon ? apr_pstrmemdup(pool, text, (apr_size_t)(colon - text)) : NULL;
    auth->password = apr_pstrdup(pool, colon ? colon + 1 : text);
    tds_wipe_later(pool, (char *)auth->password, strlen(auth->password));
    if (!*auth->password || (auth->user && !*auth->user))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "user or password is empty: USER:PASSWORD or PASSWORD is expected");
    return APR_SUCCESS;
}

apr_status_t tds_redis_auth_read(tds_redis_auth_t *auth, const char *from, apr_pool_t *pool, tds_err_t *err)
{
    char text[1024];
    const char *value;
    apr_status_t rv;

    *auth = (tds_redis_auth_t){0};
    if (!strncmp(from, "env:", 4)) {
        if (!(value = getenv(from + 4)) || !*value)
            return TDS_FAIL(err, APR_ENOENT, 0, NULL, "there is no environment variable %s", from + 4);
        return split(auth, value, pool, err);
    }
    if (strncmp(from, "file:", 5)) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "must be file:PATH or env:NAME");
    rv = tds_keys_read(text, sizeof text, from + 5, pool, err);
    if (rv == APR_SUCCESS) rv = split(auth, text, pool, err);
    tds_wipe(text, sizeof text);
    return rv;
}
