/* One transaction of the 3DS Server: the record that is stored, its states, and the one pure function that moves it. */
#ifndef SRV_TXN_H
#define SRV_TXN_H

#include <apr_time.h>
#include "tds_hash.h"
#include "tds_msg.h"
#include "tds_store.h"
#include "srv_conf.h"

typedef enum srv_state_e {
    SRV_ST_NEW,       /* not stored */
    SRV_ST_READY,     /* created; the requestor has not asked yet */
    SRV_ST_ASKED,     /* the AReq leaves, or has left */
    SRV_ST_CHALLENGE, /* ARes C is in, no RReq yet */
    SRV_ST_FINAL,     /* ended; kept so that repeats get the same answer */
    SRV_ST_COUNT
} srv_state_e;

typedef enum srv_event_e {
    SRV_EV_CREATED,
    SRV_EV_ASK,            /* the requestor's authenticate, with a good AReq */
    SRV_EV_ARES_DONE,      /* ARes with a result */
    SRV_EV_ARES_CHALLENGE, /* ARes C */
    SRV_EV_ARES_BAD,       /* an answer that is refused with an Erro */
    SRV_EV_ARES_ERRO,      /* the DS answered with an Erro */
    SRV_EV_NO_CONNECTION,  /* the AReq never left */
    SRV_EV_NO_ARES,        /* it left, and nothing came back */
    SRV_EV_RREQ,           /* a good RReq that is due */
    SRV_EV_RREQ_LATE,      /* a good one after the end, which may still be told (S-43, S-63) */
    SRV_EV_RREQ_AGAIN,     /* one more after the first (S-54) */
    SRV_EV_RREQ_UNDUE,     /* one that no ARes announced (S-53) */
    SRV_EV_DS_ERRO,        /* the DS posted an Erro (S-59) */
    SRV_EV_CANCEL,         /* the requestor gives up */
    SRV_EV_ACKNOWLEDGE,    /* the requestor has the result */
    SRV_EV_TIMEOUT,
    SRV_EV_SENT,     /* what was in the outbox was taken */
    SRV_EV_UNSENT,   /* it could not be sent */
    SRV_EV_GIVEN_UP, /* it has been tried often enough */
    SRV_EV_SHOWN,    /* the hosted page leaves, with the CReq */
    SRV_EV_HINT,     /* the browser brings an Erro of the ACS, the first one */
    SRV_EV_COUNT,
    SRV_EV_NONE = SRV_EV_COUNT /* nothing happens */
} srv_event_e;

typedef enum srv_end_e {
    SRV_END_NONE,
#define O(name, status, late) SRV_END_##name,
#include "srv_ends.def"
#undef O
    SRV_END_COUNT
} srv_end_e;

typedef enum srv_kind_e { SRV_MISSING, SRV_GO, SRV_STAY, SRV_REFUSE, SRV_IGNORE } srv_kind_e;

/* What is to happen after the save; with REFUSE: how. */
#define FX_AREQ       0x01u /* send the AReq, in this thread */
#define FX_ERRO_DS    0x02u /* an Erro goes to the DS, by whoever claims it */
#define FX_RETRY      0x04u /* again after the retry interval */
#define FX_ERRO_AGAIN 0x10u /* answer with Erro S/301, in 2.3.1 S/312 */
#define FX_ERRO_UNDUE 0x20u /* answer with Erro S/305, in 2.3.1 S/313 */
#define FX_CONFLICT   0x40u /* 409 to the requestor */

/* Rows: tag, kind, member. A tag is never used again for something else. */
#define SRV_TXN_ROWS(F)                                                                                               \
    F(1, U32, unsigned, state)                                                                                        \
    F(2, STR, const char *, requestor)                                                                                \
    F(3, STR, const char *, ds)                                                                                       \
    F(4, U32, unsigned, msg_version) /* tds_ver_e */                                                                  \
    F(5, STR, const char *, channel) /* deviceChannel */                                                              \
    F(6, STR, const char *, category) /* messageCategory */                                                           \
    F(7, STR, const char *, pan) /* leaves as soon as the AReq has been made */                                       \
    F(8, STR, const char *, return_url)                                                                               \
    F(9, BYTES, tds_bytes_t, body_mac) /* of the body that created it */                                              \
    F(10, STR, const char *, window_size) /* challengeWindowSize */                                                   \
    F(11, STR, const char *, prior) /* facts about AReq and ARes that later messages are judged by */                 \
    F(12, STR, const char *, trans_status) /* of the ARes, a refused one too */                                       \
    F(13, STR, const char *, acs_trans_id)                                                                            \
    F(14, STR, const char *, ds_trans_id)                                                                             \
    F(15, STR, const char *, acs_url)                                                                                 \
    F(16, STR, const char *, ares) /* what of it goes to the requestor: JSON */                                       \
    F(17, STR, const char *, rreq) /* the same of the RReq */                                                         \
    F(18, STR, const char *, value) /* authenticationValue */                                                         \
    F(19, I64, apr_time_t, value_until)                                                                               \
    F(20, I64, apr_time_t, ares_at)                                                                                   \
    F(21, I64, apr_time_t, deadline) /* of the state */                                                               \
    F(22, U32, unsigned, end) /* srv_end_e */                                                                         \
    F(23, STR, const char *, error) /* what the requestor is told instead of a result: JSON */                        \
    F(24, BYTES, tds_bytes_t, rreq_hash)                                                                              \
    F(25, I64, apr_time_t, rreq_at)                                                                                   \
    F(26, STR, const char *, results_status) /* of the RRes */                                                        \
    F(27, U32, unsigned, acknowledged)                                                                                \
    F(28, BYTES, tds_bytes_t, out_body) /* the Erro that is to leave; empty: nothing is */                            \
    F(29, I64, apr_time_t, out_due)                                                                                   \
    F(30, U32, unsigned, out_tries)                                                                                   \
    F(31, I64, apr_time_t, shown_at) /* the hosted page, once; 0: not yet */                                          \
    F(32, STR, const char *, hint) /* an Erro that the browser brought: JSON, told as what it is */

typedef struct srv_txn_t {
    const char *id;   /* threeDSServerTransID */
    unsigned version; /* of the stored record; 0: not stored */
    tds_bytes_t rest; /* rows of a newer release */
#define F(tag, kind, type, member) type member;
    SRV_TXN_ROWS(F)
#undef F
} srv_txn_t;

/* What happened. */
typedef struct srv_happening_t {
    srv_event_e event;
    apr_time_t now;
    apr_interval_time_t limit;   /* ASK: when the answer must be in */
    const char *window_size;     /* ASK */
    const char *prior;           /* ASK, ARES_CHALLENGE: all facts so far */
    const char *trans_status, *acs_trans_id, *ds_trans_id, *acs_url; /* ARES_* */
    const char *ares;            /* ARES_DONE, ARES_CHALLENGE */
    const char *rreq;            /* RREQ, RREQ_LATE; NULL: not told */
    const char *value;           /* with ares and rreq */
    tds_bytes_t rreq_hash;       /* RREQ, RREQ_LATE */
    const char *results_status;  /* RREQ, RREQ_LATE */
    const char *error;           /* every end without a result */
    const char *hint;            /* HINT */
    tds_bytes_t erro;            /* ARES_BAD: for the DS; len 0: none */
} srv_happening_t;

/* Move a copy of txn. *fx: effects after the save. APR_SUCCESS: *next is to be saved. APR_EACCES: refused, *fx says how;
 * APR_EINVAL: nothing happens (both: *next is NULL). No I/O, no clock. */
apr_status_t srv_txn_step(const srv_txn_t *txn, const srv_happening_t *what, const srv_conf_t *conf, srv_txn_t **next,
                          unsigned *fx, apr_pool_t *pool);

/* The cell's row, for tests and drawings. rule: why. */
srv_kind_e srv_txn_cell(srv_state_e state, srv_event_e event, srv_state_e *next, unsigned *fx, srv_end_e *end,
                        const char **rule);

/* Which event is an RReq for this record? */
srv_event_e srv_txn_rreq_event(const srv_txn_t *txn);

/* When which lane is to bring this record up; 0: never. */
apr_time_t srv_txn_due(const srv_txn_t *txn);
tds_lane_e srv_txn_lane(const srv_txn_t *txn);

/* Has the time limit of its state run out? */
int srv_txn_overdue(const srv_txn_t *txn, apr_time_t now);

/* How long the record is to be kept from now on. */
apr_interval_time_t srv_txn_ttl(const srv_txn_t *txn, const srv_conf_t *conf, apr_time_t now);

/* HTTP status of the answer to authenticate after this end. */
int srv_end_status(srv_end_e end);

const char *srv_state_name(srv_state_e state);
const char *srv_event_name(srv_event_e event);

/* Facts as they are kept: "AReq.deviceChannel=02\n"... rows must hold SRV_PRIOR_MAX. Returns their number. */
#define SRV_PRIOR_MAX 24
int srv_prior_read(const char *text, tds_prior_t *rows, apr_pool_t *pool);

/* text: what is kept so far, or NULL. */
const char *srv_prior_add(const char *text, const tds_msg_t *msg, apr_pool_t *pool);

apr_status_t srv_txn_encode(unsigned char **out, apr_size_t *len, const srv_txn_t *txn, apr_pool_t *pool);
apr_status_t srv_txn_decode(srv_txn_t **ptxn, const char *id, const unsigned char *bytes, apr_size_t len, unsigned version,
                            apr_pool_t *pool);

#endif
