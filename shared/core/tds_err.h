/* What went wrong, for people and for the wire. A function returns an apr_status_t for code and fills
 * a tds_err_t for everybody else. The first report wins: a caller that adds its own never hides the
 * cause. Only the request handler logs it, once; only tds_encode turns it into an Erro. */
#ifndef TDS_ERR_H
#define TDS_ERR_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef struct tds_err_t {
    apr_pool_t *pool;     /* strings below live here */
    apr_status_t rv;      /* APR_SUCCESS: nothing reported yet */
    int proto;            /* EMV errorCode (101, 203, ...), 0 when the fault is not one of the protocol */
    const char *elements; /* errorDetail: names only, comma separated; NULL when there are none */
    const char *detail;   /* for people; never a value out of a message */
    const char *where;    /* file:line of the report */
} tds_err_t;

#define TDS_ERR_STR2(x) #x
#define TDS_ERR_STR(x)  TDS_ERR_STR2(x)
#define TDS_WHERE       __FILE__ ":" TDS_ERR_STR(__LINE__)

/* Report a fault and return its status: return TDS_FAIL(err, APR_EINVAL, 203, names, "text %s", ...); */
#define TDS_FAIL(err, rv, proto, elements, ...)                                                    \
    TDS_FAILED(rv, tds_err_set((err), (rv), (proto), (elements), TDS_WHERE, __VA_ARGS__))

/* An analyser looks at one file at a time: it is told that tds_err_set() returns rv. */
#if defined(__clang_analyzer__) || defined(TDS_ANALYZE)
#define TDS_FAILED(rv, call) ((void)(call), (rv))
#else
#define TDS_FAILED(rv, call) (call)
#endif

/* An empty report whose strings will live in pool. */
void tds_err_init(tds_err_t *err, apr_pool_t *pool);

/* See TDS_FAIL. err may be NULL. elements is copied, and what looks like an account number in it is masked (tds_mask_text):
 * names and ids come from peers. Returns rv. */
apr_status_t tds_err_set(tds_err_t *err, apr_status_t rv, int proto, const char *elements, const char *where,
                         const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Forget the report, so that err can be used again. */
void tds_err_clear(tds_err_t *err);

#endif
