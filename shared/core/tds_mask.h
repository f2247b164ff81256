/* How card data may be shown. */
#ifndef TDS_MASK_H
#define TDS_MASK_H

#include <apr_pools.h>

/* The last four digits behind dots: "•••• 1234" (UTF-8). For anything shorter than 8 characters only dots. */
const char *tds_mask_pan(const char *pan, apr_pool_t *pool);

/* A name, an id or a free text of somebody else, for a log or an Erro: whatever may be a card number in it (13 to 19 digits in a row with the right check
 * digit) keeps its last four, the others are stars. text itself when there is none.
 * Not for dates, times and amounts: they may have the right check digit by chance. tds_err_set() does it with names, tds_log_write()
 * with the line. */
const char *tds_mask_text(const char *text, apr_pool_t *pool);

/* The same in place. 1: there was one. */
int tds_mask_buffer(char *text);

#endif
