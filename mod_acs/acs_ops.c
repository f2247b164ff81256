/* OReq to ORes, as the ACS. */
#include "acs_run.h"

#include "tds_ops.h"

apr_status_t acs_take_oreq(acs_run_t *run, const tds_msg_t *oreq, acs_answer_t *answer)
{
    const tds_ops_t ops = {.store = run->store,
                           .keys = run->keys,
                           .rnd = run->rnd,
                           .ds = run->ds->name,
                           .id_elem = TDS_E_ACS_TRANS_ID,
                           .ref_elem = TDS_E_ACS_REFERENCE_NUMBER,
                           .reference = run->conf->reference_number};
    tds_ops_answer_t out;
    apr_status_t rv = tds_ops_take(&ops, oreq, &out, run->pool, run->err);

    if (rv != APR_SUCCESS) return rv;
    if (out.text) tds_log(run->log, TDS_LOG_NOTICE, "ACS0064", out.request_id, "%s", out.text); /* for people, always */
    tds_metric_add(run->metrics, ACS_M_OREQ, 1);
    *answer = (acs_answer_t){.status = 200,
                             .kind = out.bytes ? ACS_BODY_JSON : ACS_BODY_NONE,
                             .body = out.bytes,
                             .len = out.len,
                             .request_id = out.request_id,
                             .response_id = out.response_id};
    return APR_SUCCESS;
}
