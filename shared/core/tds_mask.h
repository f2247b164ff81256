/* How card data may be shown. */
#ifndef TDS_MASK_H
#define TDS_MASK_H

#include <apr_pools.h>

/* The last four digits behind dots: "•••• 1234" (UTF-8). For anything shorter than 8 characters only dots. */
const char *tds_mask_pan(const char *pan, apr_pool_t *pool);

#endif
