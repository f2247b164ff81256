/* One ACS transaction: the record that is stored, its states, and the one pure function that moves it. */
#ifndef ACS_TXN_H
#define ACS_TXN_H

#include <apr_time.h>
#include "tds_hash.h"
#include "tds_msg.h"
#include "acs_conf.h"

typedef enum acs_state_e {
    ACS_ST_NEW,       /* not stored */
    ACS_ST_CREQ_WAIT, /* ARes C is out, no CReq yet (X-TIME-06) */
    ACS_ST_INTERACT,  /* the cardholder has a page (X-TIME-08) */
    ACS_ST_REPORTING, /* decided; the RReq is on its way */
    ACS_ST_FINAL,     /* closed; kept so that repeats get the same answer */
    ACS_ST_COUNT
} acs_state_e;

typedef enum acs_event_e {
    ACS_EV_CHALLENGED, /* decision C */
    ACS_EV_DECIDED,    /* any other decision */
    ACS_EV_CREQ,       /* a good CReq */
    ACS_EV_CREQ_BAD,   /* a faulty one that ends the transaction (B-20) */
    ACS_EV_CREQ_AGAIN, /* the first one once more, from 2.3.1 on (B-31) */
    ACS_EV_CREQ_OTHER, /* a second one, not like the first (B-32) */
    ACS_EV_ENTRY_OK,
    ACS_EV_ENTRY_BAD,
    ACS_EV_ENTRY_LAST, /* wrong, and no attempt left */
    ACS_EV_RESEND,
    ACS_EV_CANCEL,
    ACS_EV_TIMEOUT,
    ACS_EV_DS_ERRO,    /* the DS answered the ARes with an Erro */
    ACS_EV_FAULT,      /* our own */
    ACS_EV_REPORTED,   /* what was in the outbox was taken */
    ACS_EV_UNREACHED,  /* it could not be sent */
    ACS_EV_UNANSWERED, /* it was sent; no RRes, or a bad one */
    ACS_EV_GIVEN_UP,   /* the horizon is reached */
    ACS_EV_COUNT,
    ACS_EV_NONE = ACS_EV_COUNT /* nothing happens */
} acs_event_e;

typedef enum acs_end_e {
    ACS_END_NONE,
#define O(name, status, r21, r22, cancel, cancel23, cres, count) ACS_END_##name,
#include "acs_outcomes.def"
#undef O
    ACS_END_COUNT
} acs_end_e;

typedef enum acs_kind_e { ACS_MISSING, ACS_GO, ACS_STAY, ACS_REFUSE, ACS_IGNORE } acs_kind_e;

/* What is to happen after the save. */
#define FX_RREQ       0x01u /* send what is in the outbox, in this thread, under our lease */
#define FX_RREQ_LATER 0x02u /* the same by whoever claims it, at once */
#define FX_RETRY      0x04u /* again after the retry interval */
#define FX_DELIVER    0x08u /* a new code goes to the cardholder */
#define FX_ERRO_DS    0x10u /* an Erro goes to the dsURL */
#define FX_ERRO_305   0x20u /* answer with Erro A/305 */
#define FX_ERRO_ENDED 0x40u /* answer a CReq to an ended transaction (B-17, B-30) */

typedef enum acs_outbox_e { ACS_OUT_NONE, ACS_OUT_RREQ, ACS_OUT_ERRO } acs_outbox_e;

/* Rows: tag, kind, member. A tag is never used again for something else. */
#define ACS_TXN_ROWS(F)                                                                                               \
    F(1, U32, unsigned, state)                                                                                        \
    F(2, STR, const char *, issuer)                                                                                   \
    F(3, STR, const char *, ds)                                                                                       \
    F(4, U32, unsigned, msg_version) /* tds_ver_e */                                                                  \
    F(5, STR, const char *, server_trans_id)                                                                          \
    F(6, STR, const char *, ds_trans_id)                                                                              \
    F(7, STR, const char *, ds_url)                                                                                   \
    F(8, STR, const char *, notification_url)                                                                         \
    F(9, STR, const char *, category) /* messageCategory */                                                           \
    F(10, STR, const char *, channel) /* deviceChannel */                                                             \
    F(11, STR, const char *, pan)     /* leaves with the outcome */                                                   \
    F(12, STR, const char *, merchant)                                                                                \
    F(13, STR, const char *, amount) /* minor units */                                                                \
    F(14, STR, const char *, currency)                                                                                \
    F(15, STR, const char *, exponent)                                                                                \
    F(16, STR, const char *, phone) /* where a code goes */                                                           \
    F(17, STR, const char *, email)                                                                                   \
    F(18, STR, const char *, language)                                                                                \
    F(19, BYTES, tds_bytes_t, otp_mac)                                                                                \
    F(20, U32, unsigned, attempts) /* answers that were judged */                                                     \
    F(21, U32, unsigned, resends)                                                                                     \
    F(22, U32, unsigned, interactions) /* interactionCounter */                                                       \
    F(23, STR, const char *, window_size)                                                                             \
    F(24, STR, const char *, session_data) /* threeDSSessionData */                                                   \
    F(25, I64, apr_time_t, deadline)       /* of the state */                                                         \
    F(26, U32, unsigned, end)              /* acs_end_e */                                                            \
    F(27, U32, unsigned, outbox)           /* acs_outbox_e */                                                         \
    F(28, BYTES, tds_bytes_t, out_body)    /* the message as it leaves, always the same bytes */                      \
    F(29, I64, apr_time_t, out_due)        /* when somebody (else) is to send it */                                   \
    F(30, I64, apr_time_t, out_until)      /* horizon */                                                              \
    F(31, U32, unsigned, out_tries)                                                                                   \
    F(32, I64, apr_time_t, answer_at)      /* R-23: from here on the browser gets its final page */                   \
    F(33, BYTES, tds_bytes_t, forms)       /* marks of the entries already judged (B-34), 8 bytes each */             \
    F(34, STR, const char *, trans_status) /* of the ARes */                                                          \
    F(35, I64, apr_time_t, keep_until)     /* A-AREQ-17: the id stays known at least so long */                       \
    F(36, BYTES, tds_bytes_t, creq_mark)   /* of the first CReq: is a second one the same? (B-31) */

typedef struct acs_txn_t {
    const char *id;   /* acsTransID */
    unsigned version; /* of the stored record; 0: not stored */
    tds_bytes_t erro; /* not stored: the Erro that the RReq of this very step reports */
#define F(tag, kind, type, member) type member;
    ACS_TXN_ROWS(F)
#undef F
} acs_txn_t;

#define ACS_FORM_MARK 8

/* What happened. */
typedef struct acs_happening_t {
    acs_event_e event;
    apr_time_t now;
    const unsigned char *form_mark; /* ENTRY_*: ACS_FORM_MARK bytes */
    const char *window_size, *session_data; /* CREQ */
    tds_bytes_t otp_mac;            /* CREQ, RESEND: of the new code */
    tds_bytes_t creq_mark;          /* CREQ */
    tds_bytes_t erro; /* UNANSWERED in REPORTING: the Erro for the DS; CREQ_BAD, CREQ_OTHER: for the requestor; len 0: none */
} acs_happening_t;

/* Move a copy of txn. *fx: effects after the save. APR_SUCCESS: *next is to be saved. APR_EACCES: refused, *fx says with
 * what; APR_EINVAL: nothing happens (both: *next is NULL). No I/O, no clock. */
apr_status_t acs_txn_step(const acs_txn_t *txn, const acs_happening_t *what, const acs_conf_t *conf, acs_txn_t **next,
                          unsigned *fx, apr_pool_t *pool);

/* The cell's row, for tests and drawings. rule: why. */
acs_kind_e acs_txn_cell(acs_state_e state, acs_event_e event, acs_state_e *next, unsigned *fx, acs_end_e *end,
                        const char **rule);

/* When the queue is to bring this record up; 0: never. */
apr_time_t acs_txn_due(const acs_txn_t *txn);

/* How long the record is to be kept from now on. */
apr_interval_time_t acs_txn_ttl(const acs_txn_t *txn, const acs_conf_t *conf, apr_time_t now);

/* transStatus, reason and challengeCancel of an end in that version; CRes: transStatus of the final CRes. */
const char *acs_end_status(acs_end_e end);
const char *acs_end_reason(acs_end_e end, tds_ver_e version);
const char *acs_end_cancel(acs_end_e end, tds_ver_e version);
const char *acs_end_cres(acs_end_e end);

const char *acs_state_name(acs_state_e state);
const char *acs_event_name(acs_event_e event);

/* Facts about AReq and ARes that later messages are judged by; rows must hold ACS_PRIOR_MAX. Returns their number. */
#define ACS_PRIOR_MAX 4
int acs_txn_prior(const acs_txn_t *txn, tds_prior_t *rows);

apr_status_t acs_txn_encode(unsigned char **out, apr_size_t *len, const acs_txn_t *txn, apr_pool_t *pool);
apr_status_t acs_txn_decode(acs_txn_t **ptxn, const char *id, const unsigned char *bytes, apr_size_t len, unsigned version,
                            apr_pool_t *pool);

#endif
