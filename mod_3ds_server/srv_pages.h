/* The browser's pages: compiled at start-up, rendered per request. */
#ifndef SRV_PAGES_H
#define SRV_PAGES_H

#include "srv_run.h"

typedef struct srv_pages_t srv_pages_t;

apr_status_t srv_pages_load(srv_pages_t **pages, apr_pool_t *pool, tds_err_t *err);

/* The challenge is over: tells the parent window, then goes on to the returnURL. */
void srv_page_return(srv_run_t *run, const srv_txn_t *txn, int status, srv_answer_t *answer);

/* Takes the browser to the ACS (B-02). */
void srv_page_challenge(srv_run_t *run, const srv_txn_t *txn, const char *creq, srv_answer_t *answer);

/* For who cannot be told more. */
void srv_page_neutral(srv_run_t *run, int status, srv_answer_t *answer);

#endif
