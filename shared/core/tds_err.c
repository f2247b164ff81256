#include "tds_err.h"

#include <stdarg.h>
#include <apr_strings.h>
#include "tds_mask.h"

void tds_err_init(tds_err_t *err, apr_pool_t *pool)
{
    *err = (tds_err_t){.pool = pool};
}

void tds_err_clear(tds_err_t *err)
{
    tds_err_init(err, err->pool);
}

apr_status_t tds_err_set(tds_err_t *err, apr_status_t rv, int proto, const char *elements, const char *where,
                         const char *fmt, ...)
{
    va_list ap;

    if (!err || err->rv != APR_SUCCESS) return rv;
    va_start(ap, fmt);
    err->detail = apr_pvsprintf(err->pool, fmt, ap);
    va_end(ap);
    err->rv = rv;
    err->proto = proto;
    err->elements = elements ? apr_pstrdup(err->pool, tds_mask_text(elements, err->pool)) : NULL;
    err->where = where;
    return rv;
}
