#include "tds_ops.h"

#include <apr_strings.h>
#include "tds_mask.h"
#include "tds_opseq.h"

static const char *text_of(const tds_ops_t *ops, const tds_msg_t *oreq, apr_pool_t *pool)
{
    return apr_psprintf(pool, "operation message of DS %s, %s of %s: category %s, severity %s, until %s: %.1000s", ops->ds,
                        tds_msg_get_path(oreq, "opSeq.seqNum"), tds_msg_get_path(oreq, "opSeq.seqTotal"),
                        tds_msg_get(oreq, TDS_E_OP_CATEGORY), tds_msg_get(oreq, TDS_E_OP_SEVERITY),
                        tds_msg_get(oreq, TDS_E_OP_EXP_DATE),
                        tds_mask_text(tds_msg_get(oreq, TDS_E_OP_DESCRIPTION), pool));
}

static apr_status_t ores_make(const tds_ops_t *ops, const tds_msg_t *oreq, const char *status, tds_ops_answer_t *answer,
                              apr_pool_t *pool, tds_err_t *err)
{
    tds_msg_t *ores = tds_msg_make(TDS_MSG_ORES, oreq->version, pool);
    char *id = apr_palloc(pool, TDS_UUID_LEN + 1);
    apr_status_t rv = tds_uuid_make(id, ops->rnd);

    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 404, NULL, "no random bytes");
    tds_msg_copy(ores, oreq, TDS_E_DS_TRANS_ID);
    tds_msg_set(ores, ops->id_elem, id);
    tds_msg_set(ores, ops->ref_elem, ops->reference);
    tds_msg_set(ores, TDS_E_OP_STATUS, status);
    answer->response_id = id;
    return tds_msg_encode(&answer->bytes, &answer->len, ores, NULL, pool, err);
}

apr_status_t tds_ops_take(const tds_ops_t *ops, const tds_msg_t *oreq, tds_ops_answer_t *answer, apr_pool_t *pool,
                          tds_err_t *err)
{
    tds_opseq_e what = TDS_OPSEQ_BROKEN;
    apr_status_t rv = tds_opseq_take(&what, ops->store, ops->keys, ops->ds, oreq, pool, err);

    *answer = (tds_ops_answer_t){.request_id = tds_msg_get(oreq, TDS_E_DS_TRANS_ID)};
    if (rv != APR_SUCCESS) return rv;
    if (what == TDS_OPSEQ_VERSION)
        return TDS_FAIL(err, APR_EINVAL, 203, "messageVersion", "another version than the sequence began with");
    if (what == TDS_OPSEQ_BROKEN) return ores_make(ops, oreq, "02", answer, pool, err);
    answer->text = text_of(ops, oreq, pool);
    return what == TDS_OPSEQ_WAIT ? APR_SUCCESS : ores_make(ops, oreq, "01", answer, pool, err); /* N-02 */
}
