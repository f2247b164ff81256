/* One ACS transaction: the record that is stored, its states, and the one pure function that moves it. */
#ifndef ACS_TXN_H
#define ACS_TXN_H

#include <apr_time.h>
#include "tds_hash.h"
#include "tds_msg.h"
#include "tds_store.h"
#include "tds_view.h"
#include "acs_conf.h"

typedef enum acs_state_e {
    ACS_ST_NEW,       /* not stored */
    ACS_ST_CREQ_WAIT, /* ARes C is out, no CReq yet (X-TIME-06) */
    ACS_ST_INTERACT,  /* the cardholder has a page (X-TIME-08) */
    ACS_ST_DECOUPLED, /* ARes D is out: the issuer asks the cardholder elsewhere (X-TIME-11) */
    ACS_ST_SPC_WAIT,  /* ARes S is out: the second AReq is awaited (X-TIME-09) */
    ACS_ST_REPORTING, /* decided; the RReq is on its way */
    ACS_ST_FINAL,     /* closed; kept so that repeats get the same answer */
    ACS_ST_COUNT
} acs_state_e;

typedef enum acs_event_e {
    ACS_EV_CHALLENGED, /* decision C */
    ACS_EV_DECIDED,    /* any other decision */
    ACS_EV_DECOUPLED,  /* decision D */
    ACS_EV_SPC,        /* decision S */
    ACS_EV_CREQ,       /* a good CReq */
    ACS_EV_CREQ_BAD,   /* a faulty one that ends the transaction (B-20) */
    ACS_EV_CREQ_AGAIN, /* the first one once more, from 2.3.1 on (B-31) */
    ACS_EV_CREQ_OTHER, /* a second one, not like the first (B-32) */
    ACS_EV_ENTRY_OK,
    ACS_EV_ENTRY_BAD,
    ACS_EV_ENTRY_LAST, /* wrong, and no attempt left */
    ACS_EV_ENTRY_INFORM, /* the last attempt, or a right one that does not do: decoupled authentication is to follow */
    ACS_EV_ENTRY_ASK,  /* somebody else judges it: counted, and then he is asked */
    ACS_EV_ASKED_OK,
    ACS_EV_ASKED_BAD,
    ACS_EV_ASKED_LAST,
    ACS_EV_ASKED_INFORM,
    ACS_EV_CONTINUE,   /* the cardholder has read that decoupled authentication follows */
    ACS_EV_RESEND,
    ACS_EV_CANCEL,
    ACS_EV_RESULT_OK,  /* of the issuer: out of band, or decoupled */
    ACS_EV_RESULT_NO,
    ACS_EV_RESULT_FRAUD,
    ACS_EV_RESULT_ATTEMPT, /* decoupled: the proof of an attempt */
    ACS_EV_RESULT_KEPT, /* out of band, while no request of the cardholder waits for it */
    ACS_EV_REACHED,    /* decoupled: the cardholder knows of it */
    ACS_EV_SPC_TAKEN,  /* a second AReq names this transaction (N-13) */
    ACS_EV_FALLBACK_TAKEN, /* a 3RI AReq does (A-3RI-05) */
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
#define FX_PAGE       0x80u /* the cardholder is shown a page: its time begins (X-TIME-08) */
#define FX_ASK        0x100u /* ask who judges the entry */

/* What may wait in the outbox, the most urgent first. RREQ and ERRO go to the DS, the others to the issuer. */
typedef enum acs_outbox_e {
    ACS_OUT_NONE,
    ACS_OUT_RREQ,
    ACS_OUT_ERRO,
    ACS_OUT_START,   /* decoupled authentication begins */
    ACS_OUT_CANCEL,  /* out-of-band or decoupled authentication is off */
    ACS_OUT_CONSENT, /* the cardholder's answer about the trust list or the device */
    ACS_OUT_NOTICE,  /* how it ended */
    ACS_OUT_COUNT
} acs_outbox_e;
#define ACS_OWED(kind) (1u << ACS_OUT_##kind)

/* How the cardholder is challenged. */
typedef enum acs_cha_e { ACS_CHA_OTP, ACS_CHA_DELEGATE, ACS_CHA_OOB, ACS_CHA_SPC, ACS_CHA_COUNT } acs_cha_e;

#define ACS_CHA_SOME(cha) ((unsigned)(cha) + 1) /* where 0 says that there is none */

/* As in ACSChallengeMethods; and back, ACS_CHA_COUNT: no such. Is it in a space separated list? */
const char *acs_cha_name(acs_cha_e cha);
acs_cha_e acs_cha_named(const char *word, apr_size_t len);
int acs_cha_listed(const char *list, acs_cha_e cha);

/* How that authenticates, as messages tell it. */
tds_auth_e acs_cha_auth(acs_cha_e cha);

/* A result of the issuer that waits for the cardholder (RESULT_KEPT). */
typedef enum acs_result_e { ACS_RESULT_NONE, ACS_RESULT_OK, ACS_RESULT_NO, ACS_RESULT_FRAUD, ACS_RESULT_ATTEMPT } acs_result_e;

/* What happens when it comes. */
acs_event_e acs_result_event(acs_result_e result);

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
    F(36, BYTES, tds_bytes_t, creq_mark)   /* of the first CReq: is a second one the same? (B-31) */                  \
    F(37, U32, unsigned, cha)              /* acs_cha_e */                                                            \
    F(38, U32, unsigned, how)              /* tds_auth_e, as announced in the ARes */                                 \
    F(39, STR, const char *, card_ref)     /* the issuer's name of the cardholder */                                  \
    F(40, STR, const char *, card_index)   /* what stands for the PAN once that has gone */                           \
    F(41, U32, unsigned, wants)            /* ACS_OWED bits: what its issuer wants to be told when it ends */         \
    F(42, U32, unsigned, owed)             /* ACS_OWED bits: what goes into the outbox after what is there */         \
    F(43, U32, unsigned, reached)          /* decoupled: the cardholder knows of it */                                \
    F(44, U32, unsigned, result)           /* acs_result_e of the issuer; it may wait */                               \
    F(45, U32, unsigned, informing)        /* 29 or 30: the page says that decoupled authentication follows */        \
    F(46, STR, const char *, dec_req)      /* threeDSRequestorDecReqInd */                                            \
    F(47, U32, unsigned, asks)             /* ACS_ASK_: consents that the page asks for */                            \
    F(48, STR, const char *, trust)        /* the cardholder's answers, Y or N */                                     \
    F(49, STR, const char *, bind)                                                                                    \
    F(50, STR, const char *, acquirer)     /* acquirerBIN and acquirerMerchantID: who is trusted */                   \
    F(51, STR, const char *, acquirer_merchant)                                                                       \
    F(52, STR, const char *, reason)       /* transStatusReason of the ARes */                                        \
    F(61, STR, const char *, mcc)          /* for the line of the outcome; leaves with it */                          \
    F(58, STR, const char *, sdk_trans_id) /* sdkTransID, of an app */                                                \
    F(57, I64, apr_time_t, ended)          /* when the outcome was decided */                                         \
    F(53, STR, const char *, requestor)    /* threeDSRequestorID (N-13) */                                            \
    F(54, STR, const char *, payee)        /* payeeOrigin (N-13) */                                                   \
    F(55, BYTES, tds_bytes_t, spc_challenge)                                                                          \
    F(56, U32, unsigned, used)             /* a later AReq has referred to it */                                      \
    F(59, STR, const char *, spc_keys)     /* N-14: relying party and credentials of the card, JSON */                \
    F(62, U32, unsigned, unsent)           /* the code has not been handed over: the page says so */                  \
    F(60, U32, unsigned, other)            /* ACS_CHA_SOME of the method that the cardholder may take instead */      \
    F(70, STR, const char *, spc_credential) /* that has confirmed; for the notice */                                 \
    F(71, U32, unsigned, spc_count)        /* its sign count; 0: it does not count */                                 \
    F(72, STR, const char *, spc_origin)   /* N-14: of the page that asks, as acsURL announced it */

typedef struct acs_txn_t {
    const char *id;   /* acsTransID */
    unsigned version; /* of the stored record; 0: not stored */
    tds_bytes_t rest; /* rows of a newer release */
    tds_bytes_t erro; /* not stored: the Erro that the RReq of this very step reports */
#define F(tag, kind, type, member) type member;
    ACS_TXN_ROWS(F)
#undef F
} acs_txn_t;

#define ACS_FORM_MARK 8
#define ACS_ASK_TRUST 1u
#define ACS_ASK_BIND  2u

/* What happened. */
typedef struct acs_happening_t {
    acs_event_e event;
    apr_time_t now;
    int later; /* who makes this step sends nothing: FX_RREQ becomes FX_RREQ_LATER */
    const unsigned char *form_mark; /* ENTRY_*: ACS_FORM_MARK bytes */
    const char *trust, *bind;       /* answers that came with the form; NULL: none */
    unsigned informing;             /* ENTRY_INFORM, ASKED_INFORM: 29 or 30 */
    acs_result_e result;            /* RESULT_KEPT */
    unsigned to;                    /* RESEND: ACS_CHA_SOME of the method from here on; 0: the same */
    apr_interval_time_t limit;      /* DECOUPLED */
    const char *window_size, *session_data; /* CREQ */
    tds_bytes_t otp_mac;            /* CREQ, RESEND: of the new code */
    tds_bytes_t spc_challenge;      /* CREQ: what the authenticator is to sign */
    const char *spc_credential;     /* ENTRY_OK: that has confirmed; NULL: none */
    unsigned spc_count;
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

/* When which lane is to bring this record up; 0: never. */
apr_time_t acs_txn_due(const acs_txn_t *txn);
tds_lane_e acs_txn_lane(const acs_txn_t *txn);

/* Has the time limit of its state run out? */
int acs_txn_overdue(const acs_txn_t *txn, apr_time_t now);

/* How long the record is to be kept from now on. */
apr_interval_time_t acs_txn_ttl(const acs_txn_t *txn, const acs_conf_t *conf, apr_time_t now);

/* transStatus, reason and challengeCancel of an end in that version; CRes: transStatus of the final CRes, NULL: there is
 * none. */
const char *acs_end_status(acs_end_e end);
const char *acs_end_reason(acs_end_e end, tds_ver_e version);
const char *acs_end_cancel(acs_end_e end, tds_ver_e version);
const char *acs_end_cres(acs_end_e end);

/* Does the cardholder's browser carry a final CRes away (B-21, B-38)? */
int acs_txn_has_cres(const acs_txn_t *txn);

const char *acs_state_name(acs_state_e state);
const char *acs_event_name(acs_event_e event);

/* Facts about AReq and ARes that later messages are judged by; rows must hold ACS_PRIOR_MAX. Returns their number. */
#define ACS_PRIOR_MAX 6
int acs_txn_prior(const acs_txn_t *txn, tds_prior_t *rows);

apr_status_t acs_txn_encode(unsigned char **out, apr_size_t *len, const acs_txn_t *txn, apr_pool_t *pool);
apr_status_t acs_txn_decode(acs_txn_t **ptxn, const char *id, const unsigned char *bytes, apr_size_t len, unsigned version,
                            apr_pool_t *pool);

#endif
