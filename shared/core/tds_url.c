#include "tds_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "tds_text.h"

int tds_url_port_good(const char *port, apr_size_t len)
{
    apr_size_t i;
    int n = 0;

    for (i = 0; i < len && i < 6; ++i) {
        if (port[i] < '0' || port[i] > '9') return 0;
        n = n * 10 + port[i] - '0';
    }
    return i == len && n > 0 && n < 65536;
}

/* The bytes up to the first of those in stop. */
static apr_size_t span(const char *s, apr_size_t len, const char *stop)
{
    apr_size_t n = 0;

    while (n < len && s[n] && !strchr(stop, s[n])) ++n;
    return n;
}

/* [IPv6]; the length with the brackets, 0: it is none. */
static apr_size_t bracketed(const char *s, apr_size_t len)
{
    unsigned char buf[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    apr_size_t n = span(s, len, "]");

    if (n == len || n < 2 || n > sizeof(text)) return 0;
    memcpy(text, s + 1, n - 1);
    text[n - 1] = '\0';
    return inet_pton(AF_INET6, text, buf) == 1 ? n + 1 : 0;
}

/* Host and port of http and https. Names are not looked at beyond what would end them: peers know them, too. */
static int host_good(const char *s, apr_size_t len)
{
    apr_size_t n = len && *s == '[' ? bracketed(s, len) : span(s, len, ":[]@\\<>\"^`{|}");

    return n && (n == len || (s[n] == ':' && tds_url_port_good(s + n + 1, len - n - 1)));
}

static apr_size_t scheme_of(const char *s, apr_size_t len)
{
    apr_size_t n;

    for (n = 0; n < len && s[n]; ++n) {
        int letter = (s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z';

        if (!letter && (!n || !strchr("0123456789+.-", s[n]))) break;
    }
    return len - n > 3 && !memcmp(s + n, "://", 3) ? n : 0;
}

int tds_url_good(const char *s, apr_size_t len, tds_url_e kind)
{
    apr_size_t n = scheme_of(s, len), host, user;
    int https = n == 5 && !strncasecmp(s, "https", 5), http = n == 4 && !strncasecmp(s, "http", 4);

    if (!n || !tds_text_solid(s, len)) return 0;
    if (kind == TDS_URL_HTTPS && (!https || span(s, len, "\"<>\\") < len)) return 0;
    s += n + 3;
    len -= n + 3;
    if (!(host = span(s, len, "/?#"))) return 0;
    if (!http && !https) return 1;
    for (user = host; user && s[user - 1] != '@'; --user) continue;
    if (user && kind == TDS_URL_HTTPS) return 0;
    return host_good(s + user, host - user);
}
