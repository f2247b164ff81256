/* Bodies of requests, bounded, and answers of ours. */
#ifndef TDS_AP_BODY_H
#define TDS_AP_BODY_H

#include <httpd.h>
#include "tds_form.h"

/* Read the whole body. Returns OK, or the status to answer with: 413 above max, 408 when it was too slow, 400 when it
 * broke off. *body is NUL-terminated and lives in r->pool. */
int tds_ap_body(request_rec *r, apr_size_t max, char **body, apr_size_t *len);

/* Send status, type and body (NULL: none). Always with Cache-Control: no-store. Returns what a handler returns. */
int tds_ap_answer(request_rec *r, int status, const char *type, const char *body, apr_size_t len);

/* The same without a body. */
int tds_ap_status(request_rec *r, int status);

/* X-Request-ID and X-Response-ID of the answer (X-HTTP-09); nothing for NULL. */
void tds_ap_trace(request_rec *r, const char *request_id, const char *response_id);

#endif
