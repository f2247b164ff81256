/* A section of mod_status: a handful of numbers, the rest is in the metrics. */
#include "mod_acs.h"

#include <http_protocol.h>
#include <mod_status.h>

typedef struct line_t {
    const char *name, *text;
    apr_uint64_t value;
} line_t;

static void put(request_rec *r, int flags, const line_t *line)
{
    if (flags & AP_STATUS_SHORT) ap_rprintf(r, "%s: %" APR_UINT64_T_FMT "\n", line->name, line->value);
    else ap_rprintf(r, "<tr><th>%s</th><td>%" APR_UINT64_T_FMT "</td></tr>\n", line->text, line->value);
}

static void put_section(request_rec *r, int flags, const tds_metric_t *m)
{
    const line_t lines[] = {
        {"ACSARes", "ARes sent", tds_metric_sum(m, ACS_H_ARES)},
        {"ACSErro", "Erro messages", tds_metric_sum(m, ACS_H_ERRO)},
        {"ACSOutcomes", "Challenges ended", tds_metric_sum(m, ACS_H_OUTCOME)},
        {"ACSTimeouts", "Time limits run out", acs_metric_timeouts(m)},
        {"ACSRReqUnreached", "RReq that could not be sent", tds_metric_get(m, ACS_M_RREQ_UNREACHED)},
        {"ACSRReqGivenUp", "RReq given up", tds_metric_get(m, ACS_M_RREQ_GIVEN_UP)},
        {"ACSStoreDown", "Requests without a store", tds_metric_get(m, ACS_M_STORE_DOWN)},
    };
    int i;

    if (!(flags & AP_STATUS_SHORT)) ap_rputs("<hr />\n<h1>EMV 3-D Secure ACS</h1>\n<table>\n", r);
    for (i = 0; i < (int)(sizeof lines / sizeof *lines); ++i) put(r, flags, &lines[i]);
    if (!(flags & AP_STATUS_SHORT)) ap_rputs("</table>\n", r);
}

static int status(request_rec *r, int flags)
{
    const tds_metric_t *m = &acs_server_of(r->server)->metrics;

    if (!m->cells) return DECLINED;
    put_section(r, flags, m);
    return OK;
}

void acs_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, status, NULL, NULL, APR_HOOK_MIDDLE);
}
