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

/* "ACCEPTED" ... as the issuer writes it; *known 0: no such word. REACHED and PENDING: ACS_RESULT_NONE. ATTEMPTED is one of
 * decoupled authentication alone, with a DS that takes attempts. */
acs_result_e acs_result_of(acs_run_t *run, const acs_txn_t *txn, const char *word, int *known);

/* What an entry comes to, whoever has judged it: ACS_EV_ENTRY_OK, _BAD, _LAST or _INFORM, this one with *informing (N-27).
 * attempts: those made, this one included. LOCKED: wrong, and no other is allowed. */
typedef enum acs_verdict_e { ACS_VERDICT_NONE, ACS_VERDICT_RIGHT, ACS_VERDICT_WRONG, ACS_VERDICT_LOCKED } acs_verdict_e;
acs_event_e acs_cha_judge(const acs_issuer_t *issuer, const acs_txn_t *txn, unsigned attempts, acs_verdict_e verdict,
                          unsigned *informing);

/* In the metrics. NONE: nothing was judged. */
void acs_cha_count(acs_run_t *run, acs_verdict_e verdict);

#endif
