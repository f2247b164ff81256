/* Operation sequences of a Directory Server (N-01, N-02): OReq 1 to n of n, in order, at whatever node. */
#ifndef TDS_OPSEQ_H
#define TDS_OPSEQ_H

#include "tds_msg.h"
#include "tds_store.h"

typedef enum tds_opseq_e {
    TDS_OPSEQ_WAIT,     /* taken; more of them follow */
    TDS_OPSEQ_COMPLETE, /* the last one: opStatus 01 */
    TDS_OPSEQ_BROKEN,   /* a gap, a wrong order, another total: opStatus 02; the sequence is forgotten */
    TDS_OPSEQ_VERSION   /* another messageVersion than those before it: 203; the sequence is kept */
} tds_opseq_e;

/* Take oreq, which has passed its check, from the DS of that name. Sequences of different DSs never meet. One without
 * progress for an hour is forgotten. Errors: those of the store. */
apr_status_t tds_opseq_take(tds_opseq_e *what, tds_store_t *store, const tds_keys_t *keys, const char *ds,
                            const tds_msg_t *oreq, apr_pool_t *pool, tds_err_t *err);

#endif
