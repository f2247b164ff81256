/* A stored record, of whatever release: first byte even: of the ACS, odd: of the 3DS Server. What is taken is within bounds, and what
 * is saved again reads back the same, unknown rows included. */
#include "fuzz.h"
#include "acs_txn.h"
#undef FX_ERRO_DS /* the other module has its own; neither is used here */
#include "srv_txn.h"

#define ID "ab000000-0000-4000-8000-000000000001"

static void acs(const unsigned char *bytes, size_t len, apr_pool_t *pool)
{
    unsigned char *first, *second;
    apr_size_t nfirst, nsecond;
    acs_txn_t *txn, *again;

    if (acs_txn_decode(&txn, ID, bytes, len, 1, pool) != APR_SUCCESS) return;
    MUST(txn->state < ACS_ST_COUNT && txn->end < ACS_END_COUNT && txn->outbox < ACS_OUT_COUNT && txn->cha < ACS_CHA_COUNT);
    (void)acs_state_name((acs_state_e)txn->state);
    (void)acs_txn_due(txn);
    (void)acs_txn_lane(txn);
    MUST(acs_txn_encode(&first, &nfirst, txn, pool) == APR_SUCCESS);
    MUST(acs_txn_decode(&again, ID, first, nfirst, 1, pool) == APR_SUCCESS);
    MUST(acs_txn_encode(&second, &nsecond, again, pool) == APR_SUCCESS);
    MUST(nfirst == nsecond && !memcmp(first, second, nfirst));
}

static void srv(const unsigned char *bytes, size_t len, apr_pool_t *pool)
{
    unsigned char *first, *second;
    apr_size_t nfirst, nsecond;
    srv_txn_t *txn, *again;

    if (srv_txn_decode(&txn, ID, bytes, len, 1, pool) != APR_SUCCESS) return;
    MUST(txn->state < SRV_ST_COUNT && txn->end < SRV_END_COUNT && txn->msg_version < TDS_V_COUNT);
    (void)srv_txn_due(txn);
    MUST(srv_txn_encode(&first, &nfirst, txn, pool) == APR_SUCCESS);
    MUST(srv_txn_decode(&again, ID, first, nfirst, 1, pool) == APR_SUCCESS);
    MUST(srv_txn_encode(&second, &nsecond, again, pool) == APR_SUCCESS);
    MUST(nfirst == nsecond && !memcmp(first, second, nfirst));
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    char *exact;

    if (!size) return;
    exact = fuzz_exact(data + 1, size - 1);
    if (data[0] & 1) srv((unsigned char *)exact, size - 1, pool);
    else acs((unsigned char *)exact, size - 1, pool);
    free(exact);
}
