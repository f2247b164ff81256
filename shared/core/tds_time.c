#include "tds_time.h"

#include <apr_strings.h>

const char *tds_time_compact(apr_time_t t, apr_pool_t *pool)
{
    apr_time_exp_t x;

    apr_time_exp_gmt(&x, t);
    return apr_psprintf(pool, "%04d%02d%02d%02d%02d%02d", x.tm_year + 1900, x.tm_mon + 1, x.tm_mday, x.tm_hour,
                        x.tm_min, x.tm_sec);
}

const char *tds_time_iso(apr_time_t t, apr_pool_t *pool)
{
    apr_time_exp_t x;

    apr_time_exp_gmt(&x, t);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", x.tm_year + 1900, x.tm_mon + 1, x.tm_mday, x.tm_hour,
                        x.tm_min, x.tm_sec);
}
