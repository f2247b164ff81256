/* Bodies of requests, bounded, and answers of ours. */
#ifndef TDS_AP_BODY_H
#define TDS_AP_BODY_H

#include <httpd.h>

/* Read the whole body. Returns OK, or the status to answer with: 413 above max, 408 when it was too slow, 400 when it
 * broke off. *body is NUL-terminated and lives in r->pool. */
int tds_ap_body(request_rec *r, apr_size_t max, char **body, apr_size_t *len);

/* One field of a parsed form. */
typedef struct tds_ap_field_t {
    const char *name, *value;
    apr_size_t len; /* of value, which may hold NUL bytes */
} tds_ap_field_t;

#define TDS_AP_FIELDS_MAX 32

/* Split an application/x-www-form-urlencoded body and decode it in place. Returns the number of fields, or -1 when it
 * is malformed or has too many. */
int tds_ap_form(char *body, apr_size_t len, tds_ap_field_t fields[TDS_AP_FIELDS_MAX]);

/* The field's value; NULL when it is absent, present twice, or holds a NUL byte. */
const char *tds_ap_form_get(const tds_ap_field_t *fields, int n, const char *name);

/* Send status, type and body (NULL: none). Always with Cache-Control: no-store. Returns what a handler returns. */
int tds_ap_answer(request_rec *r, int status, const char *type, const char *body, apr_size_t len);

/* The same without a body. */
int tds_ap_status(request_rec *r, int status);

/* X-Request-ID and X-Response-ID of the answer (X-HTTP-09); nothing for NULL. */
void tds_ap_trace(request_rec *r, const char *request_id, const char *response_id);

#endif
