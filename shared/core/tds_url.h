/* What a URL may be, wherever one stands: in a message, a form, the requestor API. */
#ifndef TDS_URL_H
#define TDS_URL_H

#include <apr.h>

typedef enum tds_url_e {
    TDS_URL_ANY,  /* SCHEME://HOST...; what is shown or opened, such as the address of an app (2.1.0 and 2.2.0) */
    TDS_URL_HTTPS /* what is called, posted to or sent a browser to: https, no user and no password */
} tds_url_e;

/* 1 when the len bytes at s, UTF-8, are an absolute URL of the kind (F-09). Of http and https the host is a name or an
 * address, IPv6 in brackets, and a port is 1 to 65535. A fragment may follow. In one of
 * kind HTTPS there is none of " < > \ (RFC 3986). Whether it can be called is another matter: tds_url_canonical() of shared/out. */
int tds_url_good(const char *s, apr_size_t len, tds_url_e kind);

/* 1 when the len bytes are a port: 1 to 65535. */
int tds_url_port_good(const char *port, apr_size_t len);

#endif
