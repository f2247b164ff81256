/* The cardholder's pages: compiled once per issuer and language, rendered per request. */
#ifndef ACS_PAGES_H
#define ACS_PAGES_H

#include "acs_run.h"

typedef struct acs_pages_t acs_pages_t;

/* Compile the templates of dir in every language of the space separated list; the first is the fallback. */
apr_status_t acs_pages_load(acs_pages_t **pages, const char *dir, const char *languages, apr_pool_t *pool, tds_err_t *err);

/* The challenge page of a transaction. failed: the last entry was wrong; resent: a new code went out. */
typedef struct acs_page_note_t {
    int failed, resent;
} acs_page_note_t;

void acs_page_challenge(acs_run_t *run, const acs_txn_t *txn, const acs_page_note_t *note, acs_answer_t *answer);

/* Nothing but a moving graphic; comes back after a second. */
void acs_page_processing(acs_run_t *run, const acs_txn_t *txn, acs_answer_t *answer);

/* The page that carries the final CRes to the notificationURL (B-38). */
void acs_page_final(acs_run_t *run, const acs_txn_t *txn, acs_answer_t *answer);

/* The page that carries an Erro there (B-19). session_data may be NULL. */
void acs_page_erro(acs_run_t *run, const acs_txn_t *txn, const tds_err_t *err, const tds_msg_t *faulty,
                   const char *session_data, acs_answer_t *answer);

/* The hidden page of a 3DS Method (M-06 .. M-08). token may be NULL: then it collects nothing. */
struct acs_method_req_t;
void acs_page_method(acs_run_t *run, const struct acs_method_req_t *req, const char *token, acs_answer_t *answer);

typedef enum acs_neutral_e { ACS_NEUTRAL_ERROR, ACS_NEUTRAL_BUSY } acs_neutral_e;

/* A page for who cannot be told more (B-11, B-13); with the first issuer's templates. */
void acs_page_neutral(acs_run_t *run, int status, acs_neutral_e which, acs_answer_t *answer);

/* The text that carries the code. */
const char *acs_page_message(acs_run_t *run, const acs_txn_t *txn, const char *otp);

/* "12.34 EUR" */
const char *acs_amount_text(const acs_txn_t *txn, apr_pool_t *pool);

#endif
