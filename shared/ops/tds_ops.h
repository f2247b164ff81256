/* OReq to ORes, for ACS and 3DS Server alike: what a Directory Server wants its participants to know (N-01 .. N-04). */
#ifndef TDS_OPS_H
#define TDS_OPS_H

#include "tds_msg.h"
#include "tds_rand.h"
#include "tds_store.h"

/* Who answers, and from whom the message came. */
typedef struct tds_ops_t {
    tds_store_t *store;
    const tds_keys_t *keys;
    tds_rand_fn *rnd;
    const char *ds;               /* name of the Directory Server */
    tds_elem_e id_elem, ref_elem; /* own transaction id and reference number in the ORes */
    const char *reference;
} tds_ops_t;

typedef struct tds_ops_answer_t {
    const char *bytes; /* the ORes; NULL: nothing to say yet, HTTP 200 without a body */
    apr_size_t len;
    const char *request_id, *response_id; /* X-HTTP-09 */
    const char *text; /* what the operator is to read: of a message that was taken; else NULL */
} tds_ops_answer_t;

/* Take an OReq that has passed its check. Faults are for an Erro: err->proto, or 0 when the store failed. */
apr_status_t tds_ops_take(const tds_ops_t *ops, const tds_msg_t *oreq, tds_ops_answer_t *answer, apr_pool_t *pool,
                          tds_err_t *err);

#endif
