/* Bodies of requests, bounded. */
#ifndef TDS_AP_BODY_H
#define TDS_AP_BODY_H

#include <httpd.h>

/* Read the whole body. Returns OK, or the status to answer with: 413 above max, 408 when it was too slow, 400 when it
 * broke off, AP_FILTER_ERROR when a filter of the site has answered already. *body is NUL-terminated and lives in r->pool. */
int tds_ap_body(request_rec *r, apr_size_t max, char **body, apr_size_t *len);

/* 1 when a browser only guesses that the page will be wanted: Sec-Purpose, and what came before it (Purpose, X-Purpose, X-Moz). A
 * page that can be had once is not handed out then. */
int tds_ap_prefetched(request_rec *r);

#endif
