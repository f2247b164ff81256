/* What the administrator configured, as the engine reads it. Filled by mod_acs_conf.c; immutable after start-up. */
#ifndef ACS_CONF_H
#define ACS_CONF_H

#include <apr_tables.h>
#include <apr_time.h>
#include "tds_json.h"
#include "tds_msg.h"
#include "tds_profile.h"

struct acs_card_ops_t;
struct acs_pages_t;

/* What a rule, or the lack of a card, leads to. */
typedef struct acs_outcome_t {
    const char *trans_status; /* "Y", "C", ... */
    const char *reason;       /* transStatusReason or NULL */
    const char *method;       /* C: oob, otp, delegate or spc, what the rule wants; NULL: the card or the issuer tells */
} acs_outcome_t;

/* What the rules of a DS decide (acs_cases.def). */
typedef enum acs_case_e {
#define C(name, word, status, reason, rule) ACS_CASE_##name,
#include "acs_cases.def"
#undef C
    ACS_CASE_COUNT
} acs_case_e;

typedef struct acs_rule_t {
    const acs_outcome_t *outcome;
    const char *text; /* the expression as written */
    void *compiled;   /* of the rule engine */
    int line;
    const char *file;
} acs_rule_t;

/* Calls to the issuer's systems (acs_hook.h). */
typedef enum acs_hook_e {
    ACS_HOOK_CARD,
    ACS_HOOK_RISK,
    ACS_HOOK_OTP,
    ACS_HOOK_DELEGATE,
    ACS_HOOK_OOB,
    ACS_HOOK_DECOUPLED,
    ACS_HOOK_NOTICE,
    ACS_HOOK_TRUST,
    ACS_HOOK_COUNT
} acs_hook_e;

typedef struct acs_range_t {
    const char *start, *end; /* digits, same length */
} acs_range_t;

/* Outcomes that may tell the cardholder something (A-ARES-12). */
#define ACS_INFO_STATUSES "YANURI"
#define ACS_INFO_COUNT    6

/* What the rules of an issuer read, live and dry-run. The card's status is always looked up. */
#define ACS_READS_CARD   0x01u
#define ACS_READS_METHOD 0x02u
#define ACS_READS_COUNT  0x04u
#define ACS_READS_RISK   0x08u

/* <ACSIssuer NAME> */
typedef struct acs_issuer_t {
    const char *name;
    int number;                  /* 0..: its place among the issuers, for metrics */
    const char *where;           /* the section stands */
    const char *display_name;    /* ACSIssuerName */
    apr_array_header_t *ranges;  /* acs_range_t */
    apr_array_header_t *rules;   /* acs_rule_t, first match wins, the last is unconditional */
    apr_array_header_t *dry_rules; /* the same: evaluated beside rules, and only counted; may be empty */
    apr_array_header_t *counters; /* acs_counter_t */
    unsigned reads;              /* ACS_READS_ */
    const char *card_source;     /* as written */
    const struct acs_card_ops_t *card_ops;
    void *card_baton;
    const char *otp_delivery;    /* https URL or inbox:PATH */
    const char *otp_where;       /* it stands */
    int otp_length, otp_attempts, otp_resends;
    apr_interval_time_t otp_delivery_timeout;
    const char *templates;       /* directory */
    const char *languages;       /* space separated, the first is the fallback */
    struct acs_pages_t *pages;   /* compiled */
    apr_array_header_t *ecis;    /* acs_eci_line_t, first match wins */
    apr_array_header_t *avs;     /* acs_av_t, first match wins, the last is for all */
    int challenge_mandated;
    struct acs_hook_t *hooks[ACS_HOOK_COUNT]; /* NULL: none of that kind */
    struct tds_sign_keys_t *keys;   /* shared with its systems; NULL: calls are not signed, none are taken */
    const char *methods;            /* challenge methods it offers, in order, space separated: otp, delegate, oob, spc */
    int offers_3ri, offers_npa;     /* A-3RI-02 */
    int fallback;                   /* acs_dec_fallback_e: decoupled authentication after a challenge (N-27) */
    int trust_list;                 /* acs_trust_e */
    const char *spc_icon;           /* picture of the card that SPC shows; NULL: no SPC */
    apr_array_header_t *spc_origins; /* const char *: pages that may run SPC by the requestor; NULL: any (N-15) */
    const char *infos[ACS_INFO_COUNT]; /* cardholderInfo of an ARes, by place of its transStatus in ACS_INFO_STATUSES; NULL: none */
    const char *decoupled_text;     /* cardholderInfo of an ARes D */
    apr_interval_time_t decoupled_min; /* less than this is too little time (A-DEC-02) */
} acs_issuer_t;

typedef enum acs_dec_fallback_e { ACS_DEC_OFF, ACS_DEC_FAILED, ACS_DEC_ALWAYS } acs_dec_fallback_e;
typedef enum acs_trust_e { ACS_TRUST_OFF, ACS_TRUST_HOOK, ACS_TRUST_STORE } acs_trust_e;

/* <ACSDirectoryServer NAME>: our view of a DS. */
typedef struct acs_ds_t {
    const char *name;
    int number;        /* 0..: its place among the DSs, for metrics */
    const char *where; /* the section stands */
    const char *client_ca_file;
    void *trust; /* of the glue: anchors and names of its client certificates */
    apr_array_header_t *client_names; /* const char * */
    apr_array_header_t *url_prefixes; /* const char *, canonical: where a dsURL may point to */
    const char *scheme_name;          /* shown on pages; may be NULL */
    const char *operator_id;          /* acsOperatorID for this DS; NULL: the server's */
    tds_profile_t profile;            /* what its messages may differ in */
    const acs_outcome_t *cases[ACS_CASE_COUNT]; /* NULL: the default */
    apr_interval_time_t areq_within;  /* X-TIME-05: an AReq is answered within */
    int attempts;                     /* A is allowed */
    int informational;                /* I is allowed without an indicator that asks for it */
    int eci_in_ares, eci_in_rreq;
    int value_in_npa;                 /* authenticationValue in non-payment authentication (A-NPA-01) */
    int method_to_ds;                 /* authenticationMethod in an RReq up to 2.2.0 */
} acs_ds_t;

/* Server level. */
typedef struct acs_conf_t {
    const char *challenge_url; /* becomes acsURL */
    const char *method_url;    /* public URL of the endpoint method; NULL: there is none */
    int method_store; /* MB of the store that 3DS Method data may take, of what this machine keeps */
    struct acs_method_budget_t *method_budget; /* shared by all children; NULL: no limit */
    apr_interval_time_t method_keep; /* how long 3DS Method data waits for its AReq (M-06) */
    const char *issuer_url;    /* of the endpoint issuer; NULL: no call-backs */
    const char *reference_number, *operator_id;
    unsigned versions;         /* TDS_VER_BIT */
    apr_interval_time_t first_creq_timeout; /* X-TIME-06 */
    apr_interval_time_t challenge_timeout;  /* X-TIME-08 */
    apr_interval_time_t retry_interval;     /* */
    apr_interval_time_t rres_timeout;       /* X-TIME-17 */
    apr_interval_time_t lease;              /* of who saved an outcome, to report it */
    apr_interval_time_t answer_within;      /* */
    apr_interval_time_t tombstone;          /* how long an ended transaction is known */
    apr_interval_time_t duplicate_memory;   /* A-AREQ-17 */
    apr_interval_time_t outbox_horizon;     /* give up */
    apr_interval_time_t grace;              /* a record outlives its last deadline by */
    int background_threads, delivery_threads, max_body;
    int production;              /* nothing that is for laboratories */
    apr_array_header_t *issuers; /* acs_issuer_t * */
    apr_array_header_t *dss;     /* acs_ds_t * */
} acs_conf_t;

/* Is pan in the range? And what is wrong with a range, or NULL. */
int acs_range_has(const acs_range_t *range, const char *pan);
const char *acs_range_fault(const acs_range_t *range);

/* The issuer whose ranges hold the PAN, out of those that use() allows (NULL: all); NULL: none. */
acs_issuer_t *acs_issuer_of_pan(const acs_conf_t *conf, const char *pan);
acs_issuer_t *acs_issuer_by_name(const acs_conf_t *conf, const char *name);
acs_ds_t *acs_ds_by_name(const acs_conf_t *conf, const char *name);

/* May an endpoint that is limited to the sections use (const char *; NULL: not limited) serve this issuer, or this DS? A
 * list without any issuer does not limit issuers, and one without any DS no DSs. */
int acs_used(const acs_conf_t *conf, const apr_array_header_t *use, const char *name, int is_issuer);

/* By the word in ACSRule: frictionless, attempt, challenge, reject, deny, unavailable, informational, decoupled, spc; behind
 * a colon a transStatusReason (reject, deny, unavailable) or a challenge method (challenge). *fault: what is wrong, with the
 * result NULL. */
const acs_outcome_t *acs_outcome_find(const char *word, const char **fault, apr_pool_t *pool);

/* NULL, or what is wrong with a transStatusReason that no version has. Does that version have it? */
const char *acs_reason_fault(const char *text, apr_pool_t *pool);
int acs_reason_known(tds_ver_e version, const char *reason);

/* The word again, from the outcome: for logs and tables. */
const char *acs_outcome_word(const acs_outcome_t *outcome, apr_pool_t *pool);

/* By the word in ACSOutcome; ACS_CASE_COUNT: no such. */
acs_case_e acs_case_find(const char *word);

/* What that DS wants then; ds may be NULL. */
const acs_outcome_t *acs_case_outcome(const acs_ds_t *ds, acs_case_e which);

#endif
