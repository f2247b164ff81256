/* What the check of pages and their rendering share. */
#ifndef ACS_PAGES_INT_H
#define ACS_PAGES_INT_H

#include "tds_tmpl.h"

#define ACS_PAGE_TOKEN  1u /* its forms come back to us */
#define ACS_PAGE_AMOUNT 2u /* it tells what is paid, and to whom */

/* Every template and partial of the directory. APR_EINVAL: a fault; err->detail begins "otp.html:12: ". */
apr_status_t acs_pages_check_files(const char *dir, apr_pool_t *pool, tds_err_t *err);

/* A page that is compiled, rendered with a sample for each of its names. */
apr_status_t acs_pages_check_shown(const tds_tmpl_t *page, const char *file, const char *const *names, unsigned needs, apr_pool_t *pool,
                                   tds_err_t *err);

#endif
