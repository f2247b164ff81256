/* The outbound verb: one HTTP request to a peer that the configuration allows, and what became of it.
 * Never follows a redirect. A reused connection that proves stale is replaced once (safe: nothing of an
 * answer had come), unless the request says that it must not be sent twice. */
#ifndef TDS_HTTP_H
#define TDS_HTTP_H

#include <apr_time.h>
#include "tds_err.h"

typedef enum tds_http_result_e {
    TDS_HTTP_OK,        /* a complete HTTP answer, of whatever status */
    TDS_HTTP_CONNECT,   /* no connection: refused, timed out, or no free one in time. Nothing was sent */
    TDS_HTTP_TLS,       /* TLS did not come up: the peer was not trusted, or did not trust us. Nothing was sent */
    TDS_HTTP_TIMEOUT,   /* sent, and no complete answer in time */
    TDS_HTTP_STALE,     /* a reused connection closed before a status line, and a fresh one too or no retry allowed */
    TDS_HTTP_BROKEN,    /* sent; the answer broke off or was not HTTP */
    TDS_HTTP_TOO_LARGE, /* the answer exceeded resp_max */
    TDS_HTTP_CONFIG,    /* no <Proxy> block covers the URL */
} tds_http_result_e;

/* Did the request leave, perhaps? */
#define tds_http_sent(result) ((result) != TDS_HTTP_CONNECT && (result) != TDS_HTTP_TLS && (result) != TDS_HTTP_CONFIG)

typedef struct tds_http_header_t {
    const char *name, *value;
} tds_http_header_t;

typedef struct tds_http_req_t {
    const char *method; /* "POST" */
    const char *url;    /* canonical https URL, see tds_url_canonical */
    const char *type;   /* Content-Type */
    const tds_http_header_t *headers; /* ends with a name of NULL; may be NULL */
    const char *body;
    apr_size_t len;
    apr_interval_time_t read_timeout; /* from the request being sent to the answer being complete */
    apr_interval_time_t total;        /* of everything but the TCP connect, which has a limit of its own; 0: no such limit */
    apr_size_t resp_max;              /* bytes, of a gzip-coded answer inflated; 0: 64 KiB */
    int once;                         /* never send again, not even on a stale connection */
} tds_http_req_t;

typedef struct tds_http_resp_t {
    tds_http_result_e result;
    int status;
    const char *type; /* Content-Type as received, or NULL */
    const char *body; /* NUL-terminated, in the caller's pool; "" when there is none */
    apr_size_t len;
    apr_interval_time_t took;
} tds_http_resp_t;

typedef void tds_http_call_fn(void *baton, const tds_http_req_t *req, tds_http_resp_t *resp, apr_pool_t *pool);

typedef struct tds_http_t {
    tds_http_call_fn *call;
    void *baton;
} tds_http_t;

/* A word for logs and metrics: "ok", "connect", ... */
const char *tds_http_result_text(tds_http_result_e result);

/* What came instead of a message: "HTTP status 204, empty body", or that word where no answer came. */
const char *tds_http_came(const tds_http_resp_t *resp, apr_pool_t *pool);

/* Scheme and host in lower case, default port left out, "/" for an empty path. NULL: not an absolute
 * https URL, or one with user part, fragment, dot segments, white space or control characters (design: dsURL). */
const char *tds_url_canonical(const char *url, apr_pool_t *pool);

/* Does url lie under prefix? Both canonical. The prefix ends at a path border, so that
 * https://ds.example/acs does not cover https://ds.example/acsx or https://ds.example.evil/. */
int tds_url_under(const char *url, const char *prefix);

/* "https://host:port" of a canonical URL. */
const char *tds_url_origin(const char *url, apr_pool_t *pool);

#endif
