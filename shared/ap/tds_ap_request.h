/* Requests that no client has sent: for calls to peers, and to evaluate expressions. */
#ifndef TDS_AP_REQUEST_H
#define TDS_AP_REQUEST_H

#include <httpd.h>

/* A request without headers, from nowhere. It is as whole as one that httpd has read: the hooks run in which modules put their
 * own data beside a connection and a request. p: the pool of its connection. NULL: no socket, or a module refuses the
 * connection. */
request_rec *tds_ap_request_make(apr_pool_t *p, server_rec *s, const char *method, const char *url);

#endif
