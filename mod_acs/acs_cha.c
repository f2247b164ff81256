#include "acs_cha.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_point.h"

/* */
static int takes_attempt(acs_run_t *run, const acs_txn_t *txn)
{
    const acs_ds_t *ds = acs_ds_by_name(run->conf, txn->ds);

    return *txn->trans_status == 'D' && (!ds || ds->attempts);
}

acs_result_e acs_result_of(acs_run_t *run, const acs_txn_t *txn, const char *word, int *known)
{
    static const struct {
        const char *word;
        acs_result_e result;
    } words[] = {{"ACCEPTED", ACS_RESULT_OK},  {"DECLINED", ACS_RESULT_NO},   {"FAILED", ACS_RESULT_NO},
                 {"CANCELLED", ACS_RESULT_NO}, {"FRAUD", ACS_RESULT_FRAUD},   {"PENDING", ACS_RESULT_NONE},
                 {"REACHED", ACS_RESULT_NONE},   {"ATTEMPTED", ACS_RESULT_ATTEMPT}};
    apr_size_t i;

    *known = 0;
    for (i = 0; word && i < sizeof words / sizeof *words; ++i) {
        if (strcmp(words[i].word, word) || (words[i].result == ACS_RESULT_ATTEMPT && !takes_attempt(run, txn))) continue;
        *known = 1;
        return words[i].result;
    }
    return ACS_RESULT_NONE;
}

/* Is the challenge to go on as decoupled authentication once no attempt is left? And when the entry was right? */
static int goes_on(const acs_issuer_t *issuer, const acs_txn_t *txn, acs_dec_fallback_e when)
{
    return issuer && issuer->fallback >= (int)when && txn->msg_version >= TDS_V231 && txn->dec_req && strchr("FB", *txn->dec_req);
}

acs_event_e acs_cha_judge(const acs_issuer_t *issuer, const acs_txn_t *txn, unsigned attempts, acs_verdict_e verdict,
                          unsigned *informing)
{
    int right = verdict == ACS_VERDICT_RIGHT;
    int last = verdict == ACS_VERDICT_LOCKED || !issuer || (int)attempts >= issuer->otp_attempts;

    if (!right && !last) return ACS_EV_ENTRY_BAD;
    if (!goes_on(issuer, txn, right ? ACS_DEC_ALWAYS : ACS_DEC_FAILED)) return right ? ACS_EV_ENTRY_OK : ACS_EV_ENTRY_LAST;
    *informing = right ? 30 : 29;
    return ACS_EV_ENTRY_INFORM;
}

void acs_cha_count(acs_run_t *run, acs_verdict_e verdict)
{
    if (verdict == ACS_VERDICT_RIGHT) tds_metric_add(run->metrics, ACS_M_ENTRY_OK, 1);
    else if (verdict != ACS_VERDICT_NONE) tds_metric_add(run->metrics, ACS_M_ENTRY_BAD, 1);
}

/* ---- events out of hooks ---------------------------------------------------- */

/* Something that one call has led to. */
typedef struct news_t {
    acs_happening_t what;
    acs_state_e state; /* it is for a transaction in this state */
} news_t;

static apr_status_t news_judge(acs_run_t *run, const acs_txn_t *txn, void *baton, acs_happening_t *what)
{
    const news_t *news = baton;
    apr_time_t now = what->now;

    if (txn->state != news->state) return APR_SUCCESS;
    *what = news->what;
    what->now = now;
    return APR_SUCCESS;
}

static unsigned happen(acs_run_t *run, acs_txn_t **ptxn, news_t *news)
{
    acs_txn_t *txn;
    unsigned fx = 0;

    news->state = ACS_ST_INTERACT;
    if (acs_run_event(run, (*ptxn)->id, 0, news_judge, news, &txn, &fx) == APR_SUCCESS) *ptxn = txn;
    return fx;
}

/* The issuer's system cannot do it: U, and the browser's final page. */
static void give_up(acs_run_t *run, acs_txn_t **ptxn)
{
    news_t news = {.what.event = ACS_EV_FAULT};

    if (happen(run, ptxn, &news) & FX_RREQ) acs_outbox_send(run, ptxn);
}

/* ---- begin ----------------------------------------------------------------- */

apr_status_t acs_cha_prepare(acs_run_t *run, const acs_txn_t *txn, const char **otp, acs_happening_t *what)
{
    unsigned cha = what->to ? what->to - 1 : txn->cha;

    if (cha == ACS_CHA_OTP) return acs_otp_make(run, txn, otp, &what->otp_mac);
    return cha == ACS_CHA_SPC ? acs_spc_challenge(run, &what->spc_challenge) : APR_SUCCESS;
}

static acs_ask_t ask_of(acs_run_t *run, const acs_txn_t *txn, acs_hook_e kind, const char *path)
{
    return (acs_ask_t){.issuer = acs_issuer_by_name(run->conf, txn->issuer), .kind = kind, .path = path, .id = txn->id};
}

static apr_status_t ask_hook(acs_run_t *run, const acs_ask_t *ask, json_t **answer)
{
    apr_status_t rv = acs_hook_call(run, ask, answer);

    tds_point("acs.hook_asked");
    return rv;
}

static int falls_back_to(const acs_ask_t *ask, acs_fallback_e fallback)
{
    return ask->issuer && ask->issuer->hooks[ask->kind] && ask->issuer->hooks[ask->kind]->fallback == fallback;
}

static void begin_delegate(acs_run_t *run, acs_txn_t **ptxn, int resend)
{
    acs_ask_t ask = ask_of(run, *ptxn, ACS_HOOK_DELEGATE, "/send");
    json_t *answer;

    ask.body = acs_hook_display(run, *ptxn);
    json_object_set_new(ask.body, "resend", json_boolean(resend));
    if (ask_hook(run, &ask, &answer) == APR_SUCCESS) return;
    tds_metric_add(run->metrics, ACS_M_OTP_UNDELIVERED, 1);
    if (falls_back_to(&ask, ACS_FALLBACK_OUTCOME)) give_up(run, ptxn);
}

/* A code that its gateway did not take is not "sent", and costs no resend. Somebody who was faster has asked for another. */
static void deliver(acs_run_t *run, acs_txn_t **ptxn, const char *otp, int resend)
{
    acs_txn_t *txn;

    if (acs_otp_deliver(run, *ptxn, otp) == APR_SUCCESS) return;
    txn = apr_pmemdup(run->pool, *ptxn, sizeof *txn);
    txn->unsent = 1;
    if (resend && txn->resends) --txn->resends;
    if (acs_save(run, txn) == APR_SUCCESS) *ptxn = txn;
    else tds_err_clear(run->err);
}

/* A code of ours in place of the issuer's app. */
static void switch_to_otp(acs_run_t *run, acs_txn_t **ptxn)
{
    news_t news = {.what = {.event = ACS_EV_RESEND, .to = ACS_CHA_SOME(ACS_CHA_OTP)}};
    const char *otp;

    if (acs_cha_prepare(run, *ptxn, &otp, &news.what) != APR_SUCCESS) return;
    if (happen(run, ptxn, &news) & FX_DELIVER) deliver(run, ptxn, otp, 0);
}

/* A result that came with an answer waits for the button, as one that is called back does. */
static void keep_result(acs_run_t *run, acs_txn_t **ptxn, const json_t *answer)
{
    int known;
    news_t news = {.what = {.event = ACS_EV_RESULT_KEPT, .result = acs_result_of(run, *ptxn, tds_json_get(answer, "status"), &known)}};

    if (news.what.result != ACS_RESULT_NONE) (void)happen(run, ptxn, &news);
}

static apr_status_t start_oob(acs_run_t *run, const acs_txn_t *txn, acs_ask_t *ask, json_t **answer)
{
    *ask = ask_of(run, txn, ACS_HOOK_OOB, "/start");
    ask->body = acs_hook_display(run, txn);
    if (run->conf->issuer_url)
        tds_json_set(ask->body, "callbackURL", apr_pstrcat(run->pool, run->conf->issuer_url, "/oob/", txn->id, NULL));
    return ask_hook(run, ask, answer);
}

static void begin_oob(acs_run_t *run, acs_txn_t **ptxn)
{
    acs_ask_t ask;
    json_t *answer;

    if (start_oob(run, *ptxn, &ask, &answer) == APR_SUCCESS) keep_result(run, ptxn, answer);
    else if (falls_back_to(&ask, ACS_FALLBACK_OTP) && ((*ptxn)->phone || (*ptxn)->email)) switch_to_otp(run, ptxn);
    else if (falls_back_to(&ask, ACS_FALLBACK_OUTCOME)) give_up(run, ptxn);
}

void acs_cha_begin(acs_run_t *run, acs_txn_t **ptxn, const char *otp, int resend)
{
    if ((*ptxn)->cha == ACS_CHA_OOB) begin_oob(run, ptxn);
    else if ((*ptxn)->cha == ACS_CHA_DELEGATE) begin_delegate(run, ptxn, resend);
    else if (otp) deliver(run, ptxn, otp, resend);
}

/* ---- judge ----------------------------------------------------------------- */

acs_result_e acs_cha_poll(acs_run_t *run, const acs_txn_t *txn)
{
    acs_ask_t ask = ask_of(run, txn, ACS_HOOK_OOB, "/status");
    json_t *answer;
    apr_status_t rv;
    int known;

    ask.body = acs_hook_about(run, txn);
    rv = ask_hook(run, &ask, &answer);
    if (rv == APR_ENOENT) rv = start_oob(run, txn, &ask, &answer); /* the start was lost, with the node that was to send it */
    if (rv != APR_SUCCESS) return ACS_RESULT_NONE;
    return acs_result_of(run, txn, tds_json_get(answer, "status"), &known);
}

static acs_verdict_e verdict_of(const json_t *answer)
{
    const char *result = tds_json_get(answer, "result");

    if (result && !strcmp(result, "right")) return ACS_VERDICT_RIGHT;
    return result && !strcmp(result, "locked") ? ACS_VERDICT_LOCKED : ACS_VERDICT_WRONG;
}

/* The same of an entry that was counted before it was judged. */
static acs_event_e asked(acs_event_e entry)
{
    if (entry == ACS_EV_ENTRY_OK) return ACS_EV_ASKED_OK;
    if (entry == ACS_EV_ENTRY_BAD) return ACS_EV_ASKED_BAD;
    return entry == ACS_EV_ENTRY_LAST ? ACS_EV_ASKED_LAST : ACS_EV_ASKED_INFORM;
}

unsigned acs_cha_ask(acs_run_t *run, acs_txn_t **ptxn, const char *entry)
{
    acs_ask_t ask = ask_of(run, *ptxn, ACS_HOOK_DELEGATE, "/verify");
    news_t news = {.what.event = ACS_EV_NONE};
    acs_verdict_e verdict = ACS_VERDICT_NONE; /* no answer: an attempt is used up all the same */
    json_t *answer;

    ask.body = acs_hook_about(run, *ptxn);
    tds_json_set(ask.body, "code", entry);
    json_object_set_new(ask.body, "attempt", json_integer((*ptxn)->attempts));
    if (ask_hook(run, &ask, &answer) == APR_SUCCESS) verdict = verdict_of(answer);
    acs_cha_count(run, verdict);
    if (verdict == ACS_VERDICT_NONE && falls_back_to(&ask, ACS_FALLBACK_OUTCOME)) news.what.event = ACS_EV_FAULT;
    else news.what.event = asked(acs_cha_judge(ask.issuer, *ptxn, (*ptxn)->attempts, verdict, &news.what.informing));
    return happen(run, ptxn, &news);
}
