#include "tds_opseq.h"

#include <stdlib.h>
#include "tds_hash.h"
#include "tds_rand.h"

#define FORGET    apr_time_from_sec(3600)
#define RACES_MAX 10

/* What is stored of a sequence. next 0: over. */
typedef struct seq_t {
    unsigned char next, total, version;
} seq_t;

typedef struct place_t {
    unsigned num, total, version;
    char id[TDS_UUID_LEN + 1]; /* of the record */
} place_t;

static unsigned number(const tds_msg_t *oreq, const char *path)
{
    const char *text = tds_msg_get_path(oreq, path);

    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static apr_status_t place_of(place_t *place, const tds_keys_t *keys, const char *ds, const tds_msg_t *oreq, apr_pool_t *pool)
{
    const char *seq_id = tds_uuid_lower(tds_msg_get_path(oreq, "opSeq.seqId"), pool);
    tds_bytes_t parts[] = {TDS_BYTES_STR(ds), TDS_BYTES_STR(seq_id)};
    unsigned char mac[TDS_HASH_LEN];
    apr_status_t rv = tds_keys_mac(keys, mac, "opSeq", parts, 2);

    if (rv != APR_SUCCESS) return rv;
    tds_uuid_format(place->id, mac);
    place->num = number(oreq, "opSeq.seqNum");
    place->total = number(oreq, "opSeq.seqTotal");
    place->version = oreq->version;
    return APR_SUCCESS;
}

/* seq moves on; a sequence that is over begins anew with the first. */
static tds_opseq_e step(seq_t *seq, const place_t *place)
{
    if (!seq->next) *seq = (seq_t){.next = 1, .total = (unsigned char)place->total, .version = (unsigned char)place->version};
    if (place->version != seq->version) return TDS_OPSEQ_VERSION;
    if (place->num != seq->next || place->total != seq->total || place->num > place->total) {
        seq->next = 0;
        return TDS_OPSEQ_BROKEN;
    }
    seq->next = (unsigned char)(place->num == place->total ? 0 : place->num + 1);
    return seq->next ? TDS_OPSEQ_WAIT : TDS_OPSEQ_COMPLETE;
}

static apr_status_t take_once(tds_opseq_e *what, tds_store_t *store, const place_t *place, apr_pool_t *pool, tds_err_t *err)
{
    tds_change_t change = {.id = place->id, .len = sizeof(seq_t), .ttl = FORGET};
    seq_t seq = {0};
    unsigned char *bytes;
    apr_size_t len;
    apr_status_t rv = tds_store_load(store, place->id, 0, &bytes, &len, &change.version, pool, err);
    int stored = rv == APR_SUCCESS;

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) return rv;
    if (stored && len == sizeof seq) memcpy(&seq, bytes, sizeof seq);
    *what = step(&seq, place);
    if (*what == TDS_OPSEQ_VERSION || (!stored && !seq.next)) return APR_SUCCESS; /* nothing to remember */
    change.value = &seq;
    rv = stored ? tds_store_save(store, &change, pool, err) : tds_store_create(store, &change, pool, err);
    return APR_STATUS_IS_EEXIST(rv) || APR_STATUS_IS_ENOENT(rv) ? APR_EAGAIN : rv;
}

apr_status_t tds_opseq_take(tds_opseq_e *what, tds_store_t *store, const tds_keys_t *keys, const char *ds,
                            const tds_msg_t *oreq, apr_pool_t *pool, tds_err_t *err)
{
    place_t place;
    apr_status_t rv = place_of(&place, keys, ds, oreq, pool);
    int tries = 0;

    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 404, NULL, "no id can be made");
    do {
        tds_err_clear(err);
        rv = take_once(what, store, &place, pool, err);
    } while (APR_STATUS_IS_EAGAIN(rv) && ++tries < RACES_MAX);
    return rv;
}
