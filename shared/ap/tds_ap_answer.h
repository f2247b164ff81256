/* Answers of ours. They reach the client as they were made: filters and header rules of the site neither change the body nor
 * what its safety rests on (type, policy, caching). Other headers of the site, Strict-Transport-Security for one, are added. */
#ifndef TDS_AP_ANSWER_H
#define TDS_AP_ANSWER_H

#include <httpd.h>

/* In register_hooks. prefix ("ACS", "SRV") makes the process-wide filter name ours. */
void tds_ap_answer_register(const char *prefix);

/* Send status, type and body (NULL: none). Always with Cache-Control: no-store; never a part of the body, whatever Range asks
 * for. Returns what a handler returns. */
int tds_ap_answer(request_rec *r, int status, const char *type, const char *body, apr_size_t len);

/* The same without a body. */
int tds_ap_status(request_rec *r, int status);

/* The same with a page: csp is its Content-Security-Policy. Anybody may show it in a frame (B-28). */
int tds_ap_page(request_rec *r, int status, const char *csp, const char *body, apr_size_t len);

/* Begin an answer of status 200 whose length is not known: the caller writes the body with ap_rwrite(). */
void tds_ap_answer_begin(request_rec *r, const char *type);

/* X-Request-ID and X-Response-ID of the answer (X-HTTP-09); nothing for NULL. */
void tds_ap_trace(request_rec *r, const char *request_id, const char *response_id);

#endif
