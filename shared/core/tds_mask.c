#include "tds_mask.h"

#include <string.h>
#include <apr_strings.h>

const char *tds_mask_pan(const char *pan, apr_pool_t *pool)
{
    apr_size_t len = pan ? strlen(pan) : 0;

    if (len < 8) return "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2";
    return apr_pstrcat(pool, "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2 ", pan + len - 4, NULL);
}
