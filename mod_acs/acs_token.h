/* The token that ties a page to a transaction and to the very version of its record that the page was made from. */
#ifndef ACS_TOKEN_H
#define ACS_TOKEN_H

#include "tds_token.h"
#include "acs_run.h"

typedef tds_token_t acs_token_t;

const char *acs_token_make(acs_run_t *run, const acs_txn_t *txn);

/* APR_EINVAL: not one of ours. */
apr_status_t acs_token_read(acs_run_t *run, acs_token_t *token, const char *text);

/* Marks an entry on a page, so that the same form sent twice is one attempt (B-34). */
void acs_form_mark(acs_run_t *run, unsigned char mark[ACS_FORM_MARK], const acs_token_t *token, const char *entry);
int acs_form_seen(const acs_txn_t *txn, const unsigned char mark[ACS_FORM_MARK]);

#endif
