/* OReq to ORes, as the 3DS Server. */
#include "srv_run.h"

#include "tds_ops.h"

apr_status_t srv_take_oreq(srv_run_t *run, const tds_msg_t *oreq, srv_answer_t *answer)
{
    const tds_ops_t ops = {.store = run->store,
                           .keys = run->keys,
                           .rnd = run->rnd,
                           .ds = run->ds->name,
                           .id_elem = TDS_E_THREE_DS_SERVER_TRANS_ID,
                           .ref_elem = TDS_E_THREE_DS_SERVER_REF_NUMBER,
                           .reference = run->conf->ref_number};
    tds_ops_answer_t out;
    apr_status_t rv = tds_ops_take(&ops, oreq, &out, run->pool, run->err);

    if (rv != APR_SUCCESS) return rv;
    if (out.text) tds_log(run->log, TDS_LOG_NOTICE, "SRV0065", out.request_id, "%s", out.text); /* for people, always */
    tds_metric_add(run->metrics, SRV_M_OREQ, 1);
    *answer = (srv_answer_t){.status = 200,
                             .kind = out.bytes ? SRV_BODY_JSON : SRV_BODY_NONE,
                             .body = out.bytes,
                             .len = out.len,
                             .request_id = out.request_id,
                             .response_id = out.response_id};
    return APR_SUCCESS;
}
