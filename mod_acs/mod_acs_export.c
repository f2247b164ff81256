/* GET /transactions on the endpoint issuer: lines of this node's transaction log file, as NDJSON. */
#include "mod_acs.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include "tds_ap_answer.h"
#include "tds_form.h"
#include "acs_scan.h"

#define LIMIT     10000
#define LIMIT_MAX 100000

/* 0: the query says nothing useful. */
static int read_query(acs_scan_t *x, request_rec *r)
{
    char *args = apr_pstrdup(r->pool, r->args ? r->args : ""), *end;
    tds_field_t f[] = {TDS_FIELD("from"), TDS_FIELD("to"), TDS_FIELD("limit")};
    const char *limit;
    long number;

    tds_form_read(args, strlen(args), f, 3);
    x->from = acs_log_time_read(tds_form_value(&f[0]));
    x->to = acs_log_time_read(tds_form_value(&f[1]));
    x->limit = LIMIT;
    if ((limit = tds_form_value(&f[2]))) {
        number = strtol(limit, &end, 10);
        if (*end || number < 1 || number > LIMIT_MAX) return 0;
        x->limit = (int)number;
    }
    return x->from > 0 && x->to > x->from;
}

static int put(void *baton, const char *line, apr_size_t len)
{
    return ap_rwrite(line, (int)len, baton) < 0;
}

int acs_export(tds_ap_call_t *call, acs_run_t *run, const acs_issuer_t *issuer)
{
    acs_scan_t x = {.fd = acs_txnlog_file(), .mark = acs_log_issuer_mark(issuer->name, run->pool), .put = put, .baton = call->r};

    if (x.fd < 0 || !x.mark) return tds_ap_status(call->r, HTTP_NOT_FOUND);
    if (!read_query(&x, call->r)) return tds_ap_status(call->r, HTTP_BAD_REQUEST);
    if (acs_scan_begin(&x, run->pool) != APR_SUCCESS) return tds_ap_status(call->r, HTTP_NOT_FOUND);
    if (x.next) apr_table_setn(call->r->headers_out, "X-Next-From", acs_log_time(x.next, run->pool));
    tds_ap_answer_begin(call->r, "application/x-ndjson");
    acs_scan_send(&x);
    return OK;
}
