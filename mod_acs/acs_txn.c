#include "acs_txn.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_rand.h"
#include "tds_rec.h"

typedef struct move_t {
    acs_kind_e kind;
    acs_state_e next;
    unsigned fx;
    acs_end_e end;
    const char *rule;
} move_t;

static const move_t moves[ACS_ST_COUNT][ACS_EV_COUNT] = {
#define M(st, ev, kind, to, fx, end, rule) [ACS_ST_##st][ACS_EV_##ev] = {ACS_##kind, ACS_ST_##to, fx, ACS_END_##end, rule},
#include "acs_moves.def"
#undef M
};

static const struct {
    const char *status, *reason21, *reason22, *cancel, *cancel23, *cres;
    int counts;
} ends[ACS_END_COUNT] = {
#define O(name, status, r21, r22, cancel, cancel23, cres, count) \
    [ACS_END_##name] = {status, r21, r22, cancel, cancel23, cres, count},
#include "acs_outcomes.def"
#undef O
};

#define F(tag, kind, type, member) {tag, TDS_REC_##kind, offsetof(acs_txn_t, member)},
static const tds_rec_row_t rows[] = {ACS_TXN_ROWS(F){0, TDS_REC_REST, offsetof(acs_txn_t, rest)}};
#undef F
#define B(member, count) {offsetof(acs_txn_t, member), count}
static const tds_rec_bound_t bounds[] = {B(state, ACS_ST_COUNT),
                                         B(end, ACS_END_COUNT),
                                         B(msg_version, TDS_V_COUNT),
                                         B(outbox, ACS_OUT_COUNT),
                                         B(cha, ACS_CHA_COUNT),
                                         B(other, ACS_CHA_SOME(ACS_CHA_COUNT)),
                                         B(how, TDS_AUTH_SPC + 1),
                                         B(result, ACS_RESULT_ATTEMPT + 1),
                                         B(wants, 1u << ACS_OUT_COUNT),
                                         B(owed, 1u << ACS_OUT_COUNT)};
#undef B
#define NROWS ((int)(sizeof rows / sizeof *rows))

apr_status_t acs_txn_encode(unsigned char **out, apr_size_t *len, const acs_txn_t *txn, apr_pool_t *pool)
{
    return tds_rec_encode(out, len, rows, NROWS, txn, pool);
}

apr_status_t acs_txn_decode(acs_txn_t **ptxn, const char *id, const unsigned char *bytes, apr_size_t len, unsigned version,
                            apr_pool_t *pool)
{
    acs_txn_t *txn = apr_pcalloc(pool, sizeof *txn);

    txn->id = tds_uuid_lower(id, pool);
    txn->version = version;
    *ptxn = txn;
    if (tds_rec_decode(txn, rows, NROWS, bytes, len, pool) != APR_SUCCESS) return APR_EINVAL;
    return tds_rec_check(txn, bounds, (int)(sizeof bounds / sizeof *bounds));
}

static const char *const cha_names[ACS_CHA_COUNT] = {"otp", "delegate", "oob", "spc"};

const char *acs_cha_name(acs_cha_e cha)
{
    return cha < ACS_CHA_COUNT ? cha_names[cha] : "?";
}

acs_cha_e acs_cha_named(const char *word, apr_size_t len)
{
    int i = 0;

    while (i < ACS_CHA_COUNT && (strlen(cha_names[i]) != len || strncmp(cha_names[i], word, len))) ++i;
    return (acs_cha_e)i;
}

int acs_cha_listed(const char *list, acs_cha_e cha)
{
    apr_size_t n = strlen(cha_names[cha]);
    const char *at = list;

    for (; (at = strstr(at, cha_names[cha])); at += n) {
        if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' ')) return 1;
    }
    return 0;
}

tds_auth_e acs_cha_auth(acs_cha_e cha)
{
    static const tds_auth_e auths[] = {[ACS_CHA_OTP] = TDS_AUTH_SMS_OTP, [ACS_CHA_DELEGATE] = TDS_AUTH_SMS_OTP,
                                       [ACS_CHA_OOB] = TDS_AUTH_OOB, [ACS_CHA_SPC] = TDS_AUTH_SPC};

    return auths[cha];
}

acs_kind_e acs_txn_cell(acs_state_e state, acs_event_e event, acs_state_e *next, unsigned *fx, acs_end_e *end,
                        const char **rule)
{
    const move_t *m = &moves[state][event];

    *next = m->next;
    *fx = m->fx;
    *end = m->end;
    *rule = m->rule;
    return m->kind;
}

/* What an entry changes: it is counted, and marked so that its repeat is not. */
static void count_entry(acs_txn_t *t, const acs_happening_t *what, apr_pool_t *pool)
{
    unsigned char *marks = apr_palloc(pool, t->forms.len + ACS_FORM_MARK);

    if (t->forms.len) memcpy(marks, t->forms.data, t->forms.len);
    memcpy(marks + t->forms.len, what->form_mark, ACS_FORM_MARK);
    t->forms = TDS_BYTES(marks, t->forms.len + ACS_FORM_MARK);
    ++t->attempts;
    if (t->interactions < 99) ++t->interactions;
}

/* What is no longer needed once the outcome is decided leaves the record with it. The PAN is still needed to make the
 * authentication value: who fills the outbox drops it. */
static void drop_personal(acs_txn_t *t)
{
    t->phone = t->email = t->spc_keys = t->spc_origin = t->mcc = NULL;
    t->otp_mac = t->forms = t->creq_mark = TDS_BYTES(NULL, 0);
}

static unsigned effects(const move_t *m, const acs_happening_t *what)
{
    return what->later && (m->fx & FX_RREQ) ? (m->fx & ~FX_RREQ) | FX_RREQ_LATER : m->fx;
}

acs_event_e acs_result_event(acs_result_e result)
{
    static const acs_event_e events[] = {ACS_EV_NONE, ACS_EV_RESULT_OK, ACS_EV_RESULT_NO, ACS_EV_RESULT_FRAUD, ACS_EV_RESULT_ATTEMPT};

    return events[result];
}

static acs_result_e result_of(acs_event_e event)
{
    int i = ACS_RESULT_ATTEMPT;

    while (i > ACS_RESULT_NONE && acs_result_event((acs_result_e)i) != event) --i;
    return (acs_result_e)i;
}

/* What the issuer is still to be told once this transaction has ended. A consent counts only of a cardholder who has been
 * authenticated: of anybody else it would put shops on somebody's list (P-15). */
static void owe(acs_txn_t *t, const acs_happening_t *what)
{
    int theirs = result_of(what->event) != ACS_RESULT_NONE;

    t->owed = t->wants & ACS_OWED(NOTICE);
    if (!theirs) t->owed |= t->wants & ACS_OWED(CANCEL);
    if (t->end == ACS_END_OK && (t->trust || t->bind)) t->owed |= t->wants & ACS_OWED(CONSENT);
}

/* The outcome of a cell, by what the record knows. */
static acs_end_e end_of(const move_t *m, const acs_txn_t *t)
{
    if (m->end == ACS_END_UNDECIDED && t->reached) return ACS_END_UNMOVED;
    if (m->end == ACS_END_FALLBACK && t->informing == 30) return ACS_END_FALLBACK30;
    return m->end;
}

static void decide_end(acs_txn_t *t, const move_t *m, const acs_happening_t *what, const acs_conf_t *conf)
{
    t->end = end_of(m, t);
    t->ended = what->now;
    t->erro = what->erro;
    owe(t, what);
    if (!(t->owed & ACS_OWED(CONSENT))) t->acquirer = t->acquirer_merchant = NULL;
    if (ends[m->end].counts && t->msg_version >= TDS_V220 && t->interactions < 99) ++t->interactions;
    t->outbox = ACS_OUT_RREQ;
    t->out_until = what->now + conf->outbox_horizon;
    t->answer_at = what->now + conf->answer_within;
    t->out_due = effects(m, what) & FX_RREQ ? what->now + conf->lease : what->now;
    t->deadline = 0;
    t->out_tries = 0;
    drop_personal(t);
}

static void fill_outbox(acs_txn_t *t, acs_outbox_e kind, tds_bytes_t body, apr_time_t now)
{
    t->outbox = kind;
    t->out_body = body;
    t->out_due = kind ? now : 0;
    t->out_tries = 0;
}

static int is_fallback(const acs_txn_t *t)
{
    return t->end == ACS_END_FALLBACK || t->end == ACS_END_FALLBACK30;
}

/* What is owed next goes into the outbox; when there is nothing, so does what only that was kept for. */
static void fill_next(acs_txn_t *t, const acs_happening_t *what, const acs_conf_t *conf)
{
    unsigned kind = ACS_OUT_NONE + 1;

    while (kind < ACS_OUT_COUNT && !(t->owed & 1u << kind)) ++kind;
    if (kind == ACS_OUT_COUNT) kind = ACS_OUT_NONE;
    fill_outbox(t, (acs_outbox_e)kind, TDS_BYTES(NULL, 0), what->now);
    t->owed &= ~(1u << kind);
    if (kind) t->out_until = what->now + conf->outbox_horizon;
    else t->card_ref = t->acquirer = t->acquirer_merchant = NULL;
    if (!kind && !is_fallback(t)) t->card_index = NULL; /* a 3RI AReq may still refer to it (A-3RI-05) */
}

/* After the report: an Erro about what came back, then what the issuer is owed, then nothing more. */
static void close_report(acs_txn_t *t, const acs_happening_t *what, const acs_conf_t *conf)
{
    if (what->event == ACS_EV_UNANSWERED && t->outbox == ACS_OUT_RREQ && what->erro.len)
        fill_outbox(t, ACS_OUT_ERRO, what->erro, what->now);
    else fill_next(t, what, conf);
    t->pan = NULL;
}

/* Again later: a DS at its interval, an issuer's system more and more rarely. */
static void retry(acs_txn_t *t, const acs_happening_t *what, const acs_conf_t *conf)
{
    apr_interval_time_t wait = conf->retry_interval;

    if (t->outbox > ACS_OUT_START) wait <<= t->out_tries < 6 ? t->out_tries : 6;
    t->out_due = what->now + wait;
    ++t->out_tries;
}

static int is_entry(acs_event_e event)
{
    return event == ACS_EV_ENTRY_OK || event == ACS_EV_ENTRY_BAD || event == ACS_EV_ENTRY_LAST ||
           event == ACS_EV_ENTRY_INFORM || event == ACS_EV_ENTRY_ASK;
}

/* what is reported is what was done. */
static void switch_method(acs_txn_t *t, acs_cha_e cha)
{
    t->cha = cha;
    t->how = acs_cha_auth(cha);
    t->other = 0;
    if (cha == ACS_CHA_OOB) t->wants |= ACS_OWED(CANCEL);
}

/* It stays known, whatever we can make of it. An answer in the issuer's app is an interaction, as a code is (B-35, P-17). */
static void count_result(acs_txn_t *t, acs_result_e result)
{
    t->result = result;
    if (t->state == ACS_ST_INTERACT && t->interactions < 99) ++t->interactions;
}

/* What came with the event stays with the record. */
static void take_in(acs_txn_t *t, const acs_happening_t *what, apr_pool_t *pool)
{
    if (is_entry(what->event)) count_entry(t, what, pool);
    if (result_of(what->event)) count_result(t, result_of(what->event));
    if (what->event == ACS_EV_RESEND && !what->to) ++t->resends;
    if (what->to) switch_method(t, (acs_cha_e)(what->to - 1));
    if (what->event == ACS_EV_REACHED) t->reached = 1;
    if (what->event == ACS_EV_RESULT_KEPT) t->result = what->result;
    if (what->event == ACS_EV_FALLBACK_TAKEN || what->event == ACS_EV_SPC_TAKEN) t->used = 1;
    if (what->informing) t->informing = what->informing;
    if (what->trust) t->trust = what->trust;
    if (what->bind) t->bind = what->bind;
    if (what->otp_mac.len) {
        t->otp_mac = what->otp_mac;
        t->unsent = 0;
    }
    if (what->spc_challenge.len) t->spc_challenge = what->spc_challenge;
    if (what->spc_credential) {
        t->spc_credential = what->spc_credential;
        t->spc_count = what->spc_count;
    }
    if (what->event != ACS_EV_CREQ) return;
    t->window_size = what->window_size;
    t->session_data = what->session_data;
    t->creq_mark = what->creq_mark;
}

static void set_deadline(acs_txn_t *t, const move_t *m, const acs_happening_t *what, const acs_conf_t *conf)
{
    if (m->next == ACS_ST_CREQ_WAIT) t->deadline = what->now + conf->first_creq_timeout;
    if ((m->fx & FX_PAGE) || what->event == ACS_EV_SPC) t->deadline = what->now + conf->challenge_timeout;
    if (what->event == ACS_EV_DECOUPLED) {
        t->deadline = what->now + what->limit;
        fill_outbox(t, ACS_OUT_START, TDS_BYTES(NULL, 0), what->now);
        t->out_until = t->deadline;
    }
}

static void close_txn(acs_txn_t *t, unsigned from, const acs_happening_t *what, const acs_conf_t *conf)
{
    t->deadline = 0;
    if (!t->ended && t->wants) t->ended = what->now;
    drop_personal(t);
    if (from != ACS_ST_REPORTING && from != ACS_ST_FINAL && what->event != ACS_EV_SPC_TAKEN) owe(t, what);
    close_report(t, what, conf);
}

static void apply(acs_txn_t *t, const move_t *m, const acs_happening_t *what, const acs_conf_t *conf, apr_pool_t *pool)
{
    unsigned from = t->state;

    take_in(t, what, pool);
    if (m->end != ACS_END_NONE) decide_end(t, m, what, conf);
    if ((m->fx & FX_RETRY) && t->outbox) retry(t, what, conf);
    t->state = m->next;
    set_deadline(t, m, what, conf);
    if (m->next == ACS_ST_FINAL && !(m->fx & FX_RETRY) && what->event != ACS_EV_FALLBACK_TAKEN) close_txn(t, from, what, conf);
    if (m->next == ACS_ST_DECOUPLED && (what->event == ACS_EV_REPORTED || what->event == ACS_EV_GIVEN_UP))
        fill_outbox(t, ACS_OUT_NONE, TDS_BYTES(NULL, 0), what->now);
}

apr_status_t acs_txn_step(const acs_txn_t *txn, const acs_happening_t *what, const acs_conf_t *conf, acs_txn_t **next,
                          unsigned *fx, apr_pool_t *pool)
{
    const move_t *m = &moves[txn->state][what->event];

    *next = NULL;
    *fx = effects(m, what);
    if (m->kind == ACS_REFUSE) return APR_EACCES;
    if (m->kind != ACS_GO && m->kind != ACS_STAY) return APR_EINVAL;
    *next = apr_pmemdup(pool, txn, sizeof *txn);
    apply(*next, m, what, conf, pool);
    return APR_SUCCESS;
}

apr_time_t acs_txn_due(const acs_txn_t *txn)
{
    return txn->outbox && (!txn->deadline || txn->out_due < txn->deadline) ? txn->out_due : txn->deadline;
}

tds_lane_e acs_txn_lane(const acs_txn_t *txn)
{
    return txn->outbox && (!txn->deadline || txn->out_due < txn->deadline) ? TDS_LANE_OUT : TDS_LANE_STEPS;
}

int acs_txn_overdue(const acs_txn_t *txn, apr_time_t now)
{
    return txn->deadline && txn->deadline <= now; /* only states that wait have one */
}

/* While it is open its report is still to come. */
apr_interval_time_t acs_txn_ttl(const acs_txn_t *txn, const acs_conf_t *conf, apr_time_t now)
{
    apr_time_t last = txn->outbox && txn->out_until > txn->deadline ? txn->out_until : txn->deadline;
    int open = txn->state != ACS_ST_FINAL && txn->end == ACS_END_NONE;
    apr_interval_time_t ttl = conf->tombstone;

    if (open || txn->outbox)
        ttl = (last > now ? last - now : 0) + conf->grace + (open ? conf->outbox_horizon : 0);
    if (ttl < conf->tombstone) ttl = conf->tombstone;
    if (txn->keep_until - now > ttl) ttl = txn->keep_until - now;
    return ttl;
}

const char *acs_end_status(acs_end_e end)
{
    return ends[end].status;
}

const char *acs_end_reason(acs_end_e end, tds_ver_e version)
{
    return version == TDS_V210 ? ends[end].reason21 : ends[end].reason22;
}

const char *acs_end_cancel(acs_end_e end, tds_ver_e version)
{
    return version >= TDS_V231 ? ends[end].cancel23 : ends[end].cancel;
}

const char *acs_end_cres(acs_end_e end)
{
    return ends[end].cres;
}

int acs_txn_has_cres(const acs_txn_t *txn)
{
    if (txn->end == ACS_END_SILENT && txn->msg_version >= TDS_V231) return 0; /* X-TIME-08 */
    return ends[txn->end].cres != NULL;
}

const char *acs_state_name(acs_state_e state)
{
    static const char *const names[] = {"NEW", "CREQ_WAIT", "INTERACT", "DECOUPLED", "SPC_WAIT", "REPORTING", "FINAL"};

    return state < ACS_ST_COUNT ? names[state] : "?";
}

const char *acs_event_name(acs_event_e event)
{
    static const char *const names[] = {
        "CHALLENGED",   "DECIDED",     "DECOUPLED",    "SPC",          "CREQ",         "CREQ_BAD",   "CREQ_AGAIN",
        "CREQ_OTHER",   "ENTRY_OK",    "ENTRY_BAD",    "ENTRY_LAST",   "ENTRY_INFORM", "ENTRY_ASK",  "ASKED_OK",
        "ASKED_BAD",    "ASKED_LAST",  "ASKED_INFORM", "CONTINUE",     "RESEND",       "CANCEL",     "RESULT_OK",
        "RESULT_NO",    "RESULT_FRAUD", "RESULT_ATTEMPT", "RESULT_KEPT", "REACHED",      "SPC_TAKEN",    "FALLBACK_TAKEN", "TIMEOUT",
        "DS_ERRO",      "FAULT",       "REPORTED",     "UNREACHED",    "UNANSWERED",   "GIVEN_UP"};

    return event < ACS_EV_COUNT ? names[event] : "NONE";
}

int acs_txn_prior(const acs_txn_t *txn, tds_prior_t *out)
{
    int n = 0;

    out[n++] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, txn->channel};
    out[n++] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, txn->category};
    out[n++] = (tds_prior_t){TDS_MSG_ARES, TDS_E_TRANS_STATUS, txn->trans_status};
    if (txn->dec_req) out[n++] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_THREE_DS_REQUESTOR_DEC_REQ_IND, txn->dec_req};
    if (txn->trans_status && *txn->trans_status == 'D') out[n++] = (tds_prior_t){TDS_MSG_ARES, TDS_E_ACS_DEC_CON_IND, "Y"};
    return n;
}
