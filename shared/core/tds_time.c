#include "tds_time.h"

#include <string.h>
#include <time.h>
#include <apr_strings.h>

apr_time_t tds_time_mono(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return apr_time_from_sec((apr_time_t)t.tv_sec) + t.tv_nsec / 1000;
}

const char *tds_time_compact(apr_time_t t, apr_pool_t *pool)
{
    apr_time_exp_t x;

    apr_time_exp_gmt(&x, t);
    return apr_psprintf(pool, "%04d%02d%02d%02d%02d%02d", x.tm_year + 1900, x.tm_mon + 1, x.tm_mday, x.tm_hour,
                        x.tm_min, x.tm_sec);
}

apr_time_t tds_time_read(const char *text)
{
    apr_time_exp_t x = {0};
    apr_time_t t = 0;
    int part[7], i;

    if (strlen(text) != 14 || strspn(text, "0123456789") != 14) return 0;
    for (i = 0; i < 7; ++i)
        part[i] = (text[2 * i] - '0') * 10 + text[2 * i + 1] - '0';
    x.tm_year = part[0] * 100 + part[1] - 1900;
    x.tm_mon = part[2] - 1;
    x.tm_mday = part[3];
    x.tm_hour = part[4];
    x.tm_min = part[5];
    x.tm_sec = part[6];
    return apr_time_exp_get(&t, &x) == APR_SUCCESS ? t : 0;
}

const char *tds_time_iso(apr_time_t t, apr_pool_t *pool)
{
    apr_time_exp_t x;

    apr_time_exp_gmt(&x, t);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", x.tm_year + 1900, x.tm_mon + 1, x.tm_mday, x.tm_hour,
                        x.tm_min, x.tm_sec);
}
