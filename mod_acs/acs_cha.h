/* Challenge methods: what begins, what judges an answer. The page is chosen by acs_pages.c. */
#ifndef ACS_CHA_H
#define ACS_CHA_H

#include "acs_hook.h"

/* Before the save of a CReq or a resend: what has to be in the record. *otp: the new code, where the method has one. */
apr_status_t acs_cha_prepare(acs_run_t *run, const acs_txn_t *txn, const char **otp, acs_happening_t *what);

/* After it: the code or the push goes to the cardholder. *ptxn moves on when something came of it at once. */
void acs_cha_begin(acs_run_t *run, acs_txn_t **ptxn, const char *otp, int resend);

/* Ask who judges an entry that has been counted (FX_ASK); *ptxn moves on. Returns the effects that are ours. */
unsigned acs_cha_ask(acs_run_t *run, acs_txn_t **ptxn, const char *entry);

/* Out of band, the button was pressed, and no result is there yet: ask for it. An issuer that does not know the transaction is
 * told of its start again. */
acs_result_e acs_cha_poll(acs_run_t *run, const acs_txn_t *txn);

/* "ACCEPTED" ... as the issuer writes it; *known 0: no such word. REACHED and PENDING: ACS_RESULT_NONE. */
acs_result_e acs_result_of(const char *word, int *known);
acs_event_e acs_result_event(acs_result_e result);

/* Is the challenge of txn to go on as decoupled authentication once no attempt is left? And when the entry was right? */
int acs_cha_falls_back(const acs_issuer_t *issuer, const acs_txn_t *txn, acs_dec_fallback_e when);

#endif
