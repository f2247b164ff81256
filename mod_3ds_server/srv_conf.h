/* What the administrator configured, as the engine reads it. Filled by mod_3ds_server_conf.c; immutable after start-up. */
#ifndef SRV_CONF_H
#define SRV_CONF_H

#include <apr_tables.h>
#include <apr_time.h>
#include "tds_hash.h"
#include "tds_msg.h"
#include "tds_profile.h"

struct srv_pages_t;
struct srv_ranges_t;

/* Requestors and Directory Servers of different environments never meet. */
typedef enum srv_env_e { SRV_ENV_NONE, SRV_ENV_TEST, SRV_ENV_PRODUCTION, SRV_ENV_COUNT } srv_env_e;

/* <ThreeDSDirectoryServer NAME> */
typedef struct srv_ds_t {
    const char *name, *where; /* where: "line 7 of FILE" */
    srv_env_e environment;
    const char *url;              /* where AReq and Erro go */
    const char *client_ca_file;
    void *trust;                  /* of the glue: anchors and names of its client certificates */
    apr_array_header_t *client_names; /* const char * */
    const char *reference_number; /* dsReferenceNumber it is known by; may be NULL */
    const char *operator_id;      /* threeDSServerOperatorID for this DS; NULL: the server's */
    apr_interval_time_t ares_timeout;    /* X-TIME-02 */
    apr_interval_time_t connect_timeout; /* of TCP and TLS together: from the <Proxy> block */
    tds_profile_t profile;               /* what its messages may differ in */
    const char *versions_text;
    unsigned versions; /* TDS_VER_BIT: what the DS itself can */
} srv_ds_t;

/* ThreeDSCardRange, as written */
typedef struct srv_range_t {
    const char *start, *end; /* digits, same length */
    unsigned versions;       /* TDS_VER_BIT: what its ACS can */
    const srv_ds_t *ds;
} srv_range_t;

/* ThreeDSMerchant */
typedef struct srv_merchant_t {
    const char *acquirer_id, *acquirer_bin, *mcc, *country, *name, *acquirer_country;
} srv_merchant_t;

/* <ThreeDSRequestor NAME>: one party, one environment. */
typedef struct srv_requestor_t {
    const char *name, *where;
    srv_env_e environment;
    const char *id, *requestor_name, *url; /* threeDSRequestorID, ...Name, ...URL */
    apr_array_header_t *keys;      /* unsigned char[TDS_HASH_LEN] each: SHA-256 of a bearer key */
    apr_array_header_t *certs;     /* the same of a client certificate */
    apr_array_header_t *merchants; /* srv_merchant_t; the first is the default */
    apr_array_header_t *origins;   /* const char *, canonical origins that a returnURL may have */
} srv_requestor_t;

/* Server level. */
typedef struct srv_conf_t {
    const char *server_url;  /* becomes threeDSServerURL */
    const char *browser_url; /* of the browser endpoint; + /notify becomes notificationURL */
    const char *notification_url;
    const char *ref_number, *operator_id;
    unsigned versions; /* TDS_VER_BIT */
    apr_interval_time_t ready_timeout;   /* how long a transaction waits for its authenticate */
    apr_interval_time_t creq_within;     /* S-49: the hosted page is not handed out later after the ARes */
    apr_interval_time_t result_horizon;  /* S-63: no RReq after so long is "unknown" */
    apr_interval_time_t value_keep;      /* how long the authentication value may be fetched again */
    apr_interval_time_t tombstone;       /* how long an ended transaction is known */
    apr_interval_time_t grace;           /* a record outlives its last deadline by */
    apr_interval_time_t lease;           /* of background work */
    apr_interval_time_t retry_interval;  /* between attempts to deliver an Erro */
    int background_threads, delivery_threads, max_body, long_poll_share;
    apr_array_header_t *dss;        /* srv_ds_t * */
    apr_array_header_t *requestors; /* srv_requestor_t * */
    struct srv_ranges_t *ranges[SRV_ENV_COUNT]; /* of each environment; made at start-up */
    struct srv_pages_t *pages;      /* compiled at start-up */
} srv_conf_t;

srv_ds_t *srv_ds_by_name(const srv_conf_t *conf, const char *name);

/* The DS of that name, if it may serve the requestor of that name: both are (still) configured, and of one environment. NULL
 * otherwise. */
const srv_ds_t *srv_ds_for(const srv_conf_t *conf, const char *ds, const char *requestor);

srv_requestor_t *srv_requestor_by_name(const srv_conf_t *conf, const char *name);

/* Whose key is it, or whose certificate (SHA-256 over its DER form)? NULL: nobody's. All are compared, each in constant
 * time. */
const srv_requestor_t *srv_requestor_by_key(const srv_conf_t *conf, const char *key);
const srv_requestor_t *srv_requestor_by_cert(const srv_conf_t *conf, const unsigned char fingerprint[TDS_HASH_LEN]);

/* By acquirerMerchantID; NULL: the first. NULL when there is none. */
const srv_merchant_t *srv_merchant_find(const srv_requestor_t *requestor, const char *acquirer_id);

/* May a browser be sent to this URL? The canonical URL, or NULL. */
const char *srv_return_url(const srv_requestor_t *requestor, const char *url, apr_pool_t *pool);

#endif
