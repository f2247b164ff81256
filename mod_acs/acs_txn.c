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
static const tds_rec_row_t rows[] = {ACS_TXN_ROWS(F)};
#undef F
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
    return tds_rec_decode(txn, rows, NROWS, bytes, len, pool);
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
    t->phone = t->email = NULL;
    t->otp_mac = t->forms = t->creq_mark = TDS_BYTES(NULL, 0);
}

static void decide_end(acs_txn_t *t, const move_t *m, const acs_happening_t *what, const acs_conf_t *conf)
{
    t->end = m->end;
    t->erro = what->erro;
    if (ends[m->end].counts && t->msg_version >= TDS_V220 && t->interactions < 99) ++t->interactions;
    t->outbox = ACS_OUT_RREQ;
    t->out_until = what->now + conf->outbox_horizon;
    t->answer_at = what->now + conf->answer_within;
    t->out_due = m->fx & FX_RREQ ? what->now + conf->lease : what->now;
    t->deadline = 0;
    drop_personal(t);
}

static void clear_outbox(acs_txn_t *t)
{
    t->outbox = ACS_OUT_NONE;
    t->out_body = TDS_BYTES(NULL, 0);
    t->out_due = 0;
}

/* After the report: nothing more leaves, or an Erro about what came back. */
static void close_report(acs_txn_t *t, const acs_happening_t *what)
{
    if (what->event == ACS_EV_UNANSWERED && t->outbox == ACS_OUT_RREQ && what->erro.len) {
        t->outbox = ACS_OUT_ERRO;
        t->out_body = what->erro;
        t->out_due = what->now;
        t->out_tries = 0;
    }
    else clear_outbox(t);
    t->pan = NULL;
}

static void apply(acs_txn_t *t, const move_t *m, const acs_happening_t *what, const acs_conf_t *conf, apr_pool_t *pool)
{
    if (what->event == ACS_EV_ENTRY_OK || what->event == ACS_EV_ENTRY_BAD || what->event == ACS_EV_ENTRY_LAST)
        count_entry(t, what, pool);
    if (what->event == ACS_EV_RESEND) ++t->resends;
    if (what->otp_mac.len) t->otp_mac = what->otp_mac;
    if (what->event == ACS_EV_CREQ) {
        t->window_size = what->window_size;
        t->session_data = what->session_data;
        t->creq_mark = what->creq_mark;
    }
    if (m->end != ACS_END_NONE) decide_end(t, m, what, conf);
    if ((m->fx & FX_RETRY) && t->outbox) {
        t->out_due = what->now + conf->retry_interval;
        ++t->out_tries;
    }
    t->state = m->next;
    if (m->next == ACS_ST_CREQ_WAIT) t->deadline = what->now + conf->first_creq_timeout;
    if (m->next == ACS_ST_INTERACT) t->deadline = what->now + conf->challenge_timeout;
    if (m->next == ACS_ST_FINAL) {
        t->deadline = 0;
        drop_personal(t);
        if (!(m->fx & FX_RETRY)) close_report(t, what);
    }
}

apr_status_t acs_txn_step(const acs_txn_t *txn, const acs_happening_t *what, const acs_conf_t *conf, acs_txn_t **next,
                          unsigned *fx, apr_pool_t *pool)
{
    const move_t *m = &moves[txn->state][what->event];

    *next = NULL;
    *fx = m->fx;
    if (m->kind == ACS_REFUSE) return APR_EACCES;
    if (m->kind != ACS_GO && m->kind != ACS_STAY) return APR_EINVAL;
    *next = apr_pmemdup(pool, txn, sizeof *txn);
    apply(*next, m, what, conf, pool);
    return APR_SUCCESS;
}

apr_time_t acs_txn_due(const acs_txn_t *txn)
{
    return txn->outbox ? txn->out_due : txn->deadline;
}

apr_interval_time_t acs_txn_ttl(const acs_txn_t *txn, const acs_conf_t *conf, apr_time_t now)
{
    apr_interval_time_t ttl = conf->tombstone;

    if (txn->state != ACS_ST_FINAL || txn->outbox) {
        apr_time_t last = txn->deadline > txn->out_until ? txn->deadline : txn->out_until;
        ttl = (last > now ? last - now : 0) + conf->grace + (txn->outbox ? 0 : conf->outbox_horizon);
    }
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
    return ends[end].cres ? ends[end].cres : "N";
}

const char *acs_state_name(acs_state_e state)
{
    static const char *const names[] = {"NEW", "CREQ_WAIT", "INTERACT", "REPORTING", "FINAL"};

    return state < ACS_ST_COUNT ? names[state] : "?";
}

const char *acs_event_name(acs_event_e event)
{
    static const char *const names[] = {"CHALLENGED", "DECIDED",    "CREQ",       "CREQ_BAD", "CREQ_AGAIN", "CREQ_OTHER",
                                        "ENTRY_OK",   "ENTRY_BAD",  "ENTRY_LAST", "RESEND",   "CANCEL",     "TIMEOUT",
                                        "DS_ERRO",    "FAULT",      "REPORTED",   "UNREACHED", "UNANSWERED", "GIVEN_UP"};

    return event < ACS_EV_COUNT ? names[event] : "NONE";
}

int acs_txn_prior(const acs_txn_t *txn, tds_prior_t *out)
{
    out[0] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_DEVICE_CHANNEL, txn->channel};
    out[1] = (tds_prior_t){TDS_MSG_AREQ, TDS_E_MESSAGE_CATEGORY, txn->category};
    out[2] = (tds_prior_t){TDS_MSG_ARES, TDS_E_TRANS_STATUS, txn->trans_status};
    return 3;
}
