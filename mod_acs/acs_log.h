/* The transaction log: one line of JSON when an ARes leaves, when a transaction ends and when an Erro is made. Never a PAN,
 * a code, a value or personal data: no member is taken that tests/integration/test_acs_operator.py does not know. */
#ifndef ACS_LOG_H
#define ACS_LOG_H

#include "acs_run.h"

#define ACS_LOG_LINE_MAX 4096 /* PIPE_BUF: so much is written in one piece, whoever else writes */

/* Where lines go. write: never blocks, never fails for the caller. line: with its newline, at most ACS_LOG_LINE_MAX. */
typedef struct acs_txnlog_t {
    void (*write)(void *baton, acs_run_t *run, const char *line, apr_size_t len);
    void *baton;
    const char *node; /* host name */
} acs_txnlog_t;

/* Shared by all processes that write; all zero at the beginning. */
typedef struct acs_log_state_t {
    apr_uint32_t failing; /* the last write has failed: lines are lost */
    apr_uint32_t torn;    /* the file ends within a line */
} acs_log_state_t;

/* acs_log_write.c. 0, or the errno of a line that is lost. */
int acs_log_write(int fd, acs_log_state_t *state, const char *line, apr_size_t len);

/* Does the file end within a line? */
int acs_log_torn(int fd);

/* All of these do nothing when run->txnlog is NULL. */
void acs_log_ares(acs_run_t *run, const acs_facts_t *facts, const acs_txn_t *txn, const acs_decision_t *decision);
void acs_log_outcome(acs_run_t *run, const acs_txn_t *before, const acs_txn_t *txn);
void acs_log_erro(acs_run_t *run, const tds_err_t *err, const tds_msg_t *faulty, const acs_txn_t *txn);

/* "2026-01-31T23:59:59.123Z" and back, with or without the fraction; 0: not that. */
#define ACS_LOG_TIME_LEN 24
const char *acs_log_time(apr_time_t t, apr_pool_t *pool);
apr_time_t acs_log_time_read(const char *text);

/* How lines of that issuer can be told by a search: ,"issuer":"NAME" (in a string a quote is escaped). */
const char *acs_log_issuer_mark(const char *issuer, apr_pool_t *pool);

/* First 16 hex digits of the card index; NULL: no key. */
const char *acs_log_pan_ref(acs_run_t *run, const char *pan);

#endif
