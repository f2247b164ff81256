/* Where transactions live while they live. An id is its own shard: the first two hex digits of the UUID
 * are the hash tag of all its keys, so every operation stays within one slot of a cluster. A value has
 * a small clear header (version, write id) and a sealed body (tds_seal.h). No key is without a TTL.
 *
 * A deadline is an entry of one of the shard's two queues, the lanes, written in the same step as the record: what is
 * to be stepped (time limits) and what is to be delivered do not wait for each other. It is only a hint: the record
 * decides. Who claims an entry has a lease on it; an entry whose lease ends unserved is due again. Times are wall
 * clock; the queues are read by the clock of the store. */
#ifndef TDS_STORE_H
#define TDS_STORE_H

#include <apr_tables.h>
#include <apr_time.h>
#include "tds_err.h"
#include "tds_keys.h"
#include "tds_seal.h"
#include "tds_time.h"

#define TDS_STORE_SHARDS    256
#define TDS_STORE_WRITE_ID  16
#define TDS_STORE_QUEUE_TTL apr_time_from_sec(9 * 86400)

/* A record stands in one of them at a time. */
typedef enum tds_lane_e { TDS_LANE_STEPS, TDS_LANE_OUT, TDS_LANES } tds_lane_e;

typedef struct tds_store_t tds_store_t;

/* A step of a counter. It rides with a write, and is done whether that write succeeds or not: a counter is a hint, never
 * the truth. Sent twice when a connection breaks, it counts twice. */
typedef struct tds_incr_t {
    const char *name; /* lower-case hex, '-', ':'; the first two digits are its shard */
    apr_int64_t by;
    apr_interval_time_t ttl; /* > 0, from this step on */
} tds_incr_t;

/* What is to be written. */
typedef struct tds_change_t {
    const char *id;          /* canonical UUID */
    const void *value;       /* the record in clear; sealed by tds_store */
    apr_size_t len;
    unsigned version;        /* save: the version that was loaded; the record gets the next one. create: 1 */
    apr_interval_time_t ttl; /* > 0 */
    tds_lane_e lane;         /* which brings it up */
    apr_time_t due;          /* when; 0: it stands in none */
    const tds_incr_t *incrs; /* nincrs of them, in the same round trip */
    int nincrs;
} tds_change_t;

/* APR_EEXIST: the id was there (the record that is there is not touched).
 * APR_TIMEUP, APR_EGENERAL: the store does not answer; what became of the write is unknown. Here and below err->proto is then 403
 * (X-TIME-31), and 404 for what will not mend by itself. */
apr_status_t tds_store_create(tds_store_t *store, const tds_change_t *change, apr_pool_t *pool, tds_err_t *err);

/* APR_ENOENT: no such record. APR_EINVAL: there is one that does not open, or an older one than
 * version_min (a version the caller knows to have been reached; 0: does not know): somebody tampered. */
apr_status_t tds_store_load(tds_store_t *store, const char *id, unsigned version_min, unsigned char **value,
                            apr_size_t *len, unsigned *version, apr_pool_t *pool, tds_err_t *err);

/* APR_EAGAIN: the version has moved on. APR_ENOENT: gone. A repeat of a write that had got through is a
 * success. */
apr_status_t tds_store_save(tds_store_t *store, const tds_change_t *change, apr_pool_t *pool, tds_err_t *err);

/* What to claim: at most max due ids of one lane out of the shards first .. first + count - 1. */
typedef struct tds_claim_t {
    tds_lane_e lane;
    int first, count, max;
    apr_interval_time_t lease;
} tds_claim_t;

/* One batch of due ids, each leased. ids: array of const char *. */
apr_status_t tds_store_claim(tds_store_t *store, const tds_claim_t *what, apr_array_header_t **ids, apr_pool_t *pool,
                             tds_err_t *err);

/* Correct a lane without touching the record or the other lane: the entry, if there is one, comes up at due, or (0) not
 * at all. For entries that came up too early, and for strays whose record is gone or stands in the other lane. */
apr_status_t tds_store_arm(tds_store_t *store, tds_lane_e lane, const char *id, apr_time_t due, apr_pool_t *pool,
                           tds_err_t *err);

/* A value beside the transactions, sealed as they are: no version, no queue. The last writer wins, save where seen is given. */
typedef struct tds_side_t {
    char type;          /* a letter; 't' is the transactions' own, 'c' the counters' */
    const char *name;   /* as of a counter */
    const char *unless; /* name of a counter in the same shard: once it has counted, nothing is written. NULL: always write */
    const struct tds_store_read_t *seen; /* what it was made of: written only if that is still there. NULL, or unless: no matter */
    const void *value;
    apr_size_t len;
    apr_interval_time_t ttl; /* > 0 */
} tds_side_t;

/* APR_EEXIST: not written, the counter unless has counted. APR_EAGAIN: not written, what was seen is no longer there.
 * APR_EINVAL: no name. */
apr_status_t tds_store_put(tds_store_t *store, const tds_side_t *side, apr_pool_t *pool, tds_err_t *err);

typedef enum tds_read_e {
    TDS_READ_SIDE,  /* value, len; in the caller's pool, wiped with it */
    TDS_READ_HASH,  /* fields: a hash of the operator's own */
    TDS_READ_COUNT, /* number; 0 when the counter is not there */
} tds_read_e;

typedef struct tds_store_read_t {
    tds_read_e kind;
    char type;        /* SIDE */
    const char *name; /* SIDE, COUNT: as written; HASH: the whole key */
    apr_status_t rv;  /* of this one. APR_ENOENT: not there; APR_EINVAL: it does not open, or is of another kind */
    unsigned char *value;
    apr_size_t len;
    apr_table_t *fields; /* name -> text */
    apr_int64_t number;
    const char *key; /* of the store itself */
    unsigned char mark[TDS_SEAL_HEAD]; /* SIDE: of the value as it stood, mark_len bytes; 0: there was none */
    apr_size_t mark_len;
} tds_store_read_t;

/* All of them in one round trip; n = 0: none at all. A status other than APR_SUCCESS: the store does not answer, or a name
 * is none (APR_EINVAL). */
apr_status_t tds_store_batch(tds_store_t *store, tds_store_read_t *reads, int n, apr_pool_t *pool, tds_err_t *err);

typedef struct tds_store_health_t {
    const char *fault;          /* what of that which payments need is refused, and why; NULL: nothing */
    int evicts;                 /* maxmemory-policy is not noeviction: it may forget transactions. 0 also when that is not told */
    int foreign;                /* the nodes that share the store have another master key than we */
    apr_interval_time_t offset; /* its clock minus ours */
} tds_store_health_t;

/* Tries what payments do: a write, the scripts, the queues. */
apr_status_t tds_store_health(tds_store_t *store, tds_store_health_t *health, apr_pool_t *pool, tds_err_t *err);

/* Nodes that share a store must be able to open each other's records. Which master key is that of the store is written there
 * by the first who comes, for KEY_TTL, and kept up by all who have it; whoever has not is told so by this. Called now and then by
 * tds_store_claim. changed (may be NULL) is told when foreign turns from 0 to 1 and back. */
typedef void tds_store_foreign_fn(void *baton, int foreign);
void tds_store_on_foreign(tds_store_t *store, tds_store_foreign_fn *changed, void *baton);
int tds_store_foreign(const tds_store_t *store);

/* ---- For who makes a store ------------------------------------------------------------------------ */

typedef struct tds_store_raw_t {
    const char *key, *id;                              /* key of the record, queue member */
    const char *queue, *other;                         /* keys of its lane and of the one it leaves */
    tds_lane_e lane;
    const unsigned char *value;                        /* header and sealed body; NULL with arm */
    apr_size_t len;
    unsigned version;                                  /* expected; 0: create */
    const unsigned char *write_id;
    apr_interval_time_t ttl;
    apr_time_t due;
    const tds_incr_t *incrs; /* name: the whole key */
    int nincrs;
    const char *unless; /* put: the whole key, or NULL */
    const tds_store_read_t *seen; /* put: the value must still have this mark; NULL: no matter */
} tds_store_raw_t;

typedef apr_status_t tds_store_write_fn(void *baton, const tds_store_raw_t *raw, apr_pool_t *pool, tds_err_t *err);
typedef apr_status_t tds_store_read_fn(void *baton, const char *key, const unsigned char **value, apr_size_t *len,
                                       apr_pool_t *pool, tds_err_t *err);
/* What is to be claimed: max entries out of these queues, none whose record has been sealed under a key that is not one of
 * generations (a byte each). */
typedef struct tds_store_lease_t {
    const char *const *queues;
    int nqueues, max;
    apr_interval_time_t lease;
    tds_bytes_t generations;
} tds_store_lease_t;

typedef apr_status_t tds_store_claim_fn(void *baton, const tds_store_lease_t *what, apr_array_header_t *ids, apr_pool_t *pool,
                                        tds_err_t *err);
/* Fills rv and what was read; value is the sealed one, not to be changed. */
typedef apr_status_t tds_store_batch_fn(void *baton, tds_store_read_t *reads, int n, apr_pool_t *pool, tds_err_t *err);
/* raw: a save of version 1 under keys of its own, to try. */
typedef apr_status_t tds_store_health_fn(void *baton, const tds_store_raw_t *raw, tds_store_health_t *health, apr_pool_t *pool, tds_err_t *err);

typedef struct tds_store_ops_t {
    tds_store_write_fn *create; /* EEXIST */
    tds_store_write_fn *save;   /* EAGAIN, ENOENT */
    tds_store_write_fn *arm;
    tds_store_read_fn *load;    /* ENOENT */
    tds_store_claim_fn *claim;
    tds_store_write_fn *put;    /* EEXIST, EAGAIN; key, value, len, ttl, unless, seen alone */
    tds_store_batch_fn *batch;
    tds_store_health_fn *health;
} tds_store_ops_t;

/* prefix: "acs" or "srv", the first word of every key. keys and clock must outlive the store. */
tds_store_t *tds_store_make(const tds_store_ops_t *ops, void *baton, const char *prefix, const tds_keys_t *keys,
                            tds_clock_fn *clock, apr_pool_t *pool);

/* Header of a stored value: magic, version as 8 hex digits, write id. */
#define TDS_STORE_MAGIC      "TDS1"
#define TDS_STORE_VERSION_AT 4
#define TDS_STORE_WRITE_AT   12
#define TDS_STORE_HEAD       (12 + TDS_STORE_WRITE_ID)

#endif
