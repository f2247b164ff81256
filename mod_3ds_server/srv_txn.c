#include "srv_txn.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_rand.h"
#include "tds_rec.h"

typedef struct move_t {
    srv_kind_e kind;
    srv_state_e next;
    unsigned fx;
    srv_end_e end;
    const char *rule;
} move_t;

static const move_t moves[SRV_ST_COUNT][SRV_EV_COUNT] = {
#define M(st, ev, kind, to, fx, end, rule) [SRV_ST_##st][SRV_EV_##ev] = {SRV_##kind, SRV_ST_##to, fx, SRV_END_##end, rule},
#include "srv_moves.def"
#undef M
};

/* What an RReq after an end is: srv_ends.def. */
typedef enum late_e { AGAIN, UNDUE, LATE, IF_C, AGAIN_IF_C, CANCELLED } late_e;

static const struct {
    int status;
    late_e late;
} ends[SRV_END_COUNT] = {
#define O(name, status, late) [SRV_END_##name] = {status, late},
#include "srv_ends.def"
#undef O
};

#define F(tag, kind, type, member) {tag, TDS_REC_##kind, offsetof(srv_txn_t, member)},
static const tds_rec_row_t rows[] = {SRV_TXN_ROWS(F){0, TDS_REC_REST, offsetof(srv_txn_t, rest)}};
#undef F
static const tds_rec_bound_t bounds[] = {{offsetof(srv_txn_t, state), SRV_ST_COUNT},
                                         {offsetof(srv_txn_t, end), SRV_END_COUNT},
                                         {offsetof(srv_txn_t, msg_version), TDS_V_COUNT}};
#define NROWS ((int)(sizeof rows / sizeof *rows))

apr_status_t srv_txn_encode(unsigned char **out, apr_size_t *len, const srv_txn_t *txn, apr_pool_t *pool)
{
    return tds_rec_encode(out, len, rows, NROWS, txn, pool);
}

apr_status_t srv_txn_decode(srv_txn_t **ptxn, const char *id, const unsigned char *bytes, apr_size_t len, unsigned version,
                            apr_pool_t *pool)
{
    srv_txn_t *txn = apr_pcalloc(pool, sizeof *txn);

    txn->id = tds_uuid_lower(id, pool);
    txn->version = version;
    *ptxn = txn;
    if (tds_rec_decode(txn, rows, NROWS, bytes, len, pool) != APR_SUCCESS) return APR_EINVAL;
    return tds_rec_check(txn, bounds, (int)(sizeof bounds / sizeof *bounds));
}

srv_kind_e srv_txn_cell(srv_state_e state, srv_event_e event, srv_state_e *next, unsigned *fx, srv_end_e *end,
                        const char **rule)
{
    const move_t *m = &moves[state][event];

    *next = m->next;
    *fx = m->fx;
    *end = m->end;
    *rule = m->rule;
    return m->kind;
}

/* ---- the step ------------------------------------------------------------ */

/* What an answer to the AReq leaves behind. */
static void take_ares(srv_txn_t *t, const srv_happening_t *what)
{
    t->trans_status = what->trans_status;
    t->acs_trans_id = what->acs_trans_id;
    t->ds_trans_id = what->ds_trans_id;
    t->acs_url = what->acs_url;
    t->ares = what->ares;
    t->value = what->value;
    t->ares_at = what->now;
    if (what->prior) t->prior = what->prior;
    if (what->erro.len) {
        t->out_body = what->erro;
        t->out_due = what->now;
    }
}

/* The first RReq that is accepted; a late one ends what was unknown (S-63). */
static void take_rreq(srv_txn_t *t, const srv_happening_t *what)
{
    t->rreq_hash = what->rreq_hash;
    t->rreq_at = what->now;
    t->results_status = what->results_status;
    if (!what->rreq) return;
    t->rreq = what->rreq;
    t->value = what->value;
    if (t->end == SRV_END_UNKNOWN) {
        t->end = SRV_END_RESULT;
        t->error = NULL;
    }
}

static void clear_outbox(srv_txn_t *t)
{
    t->out_body = TDS_BYTES(NULL, 0);
    t->out_due = 0;
}

static void by_event(srv_txn_t *t, const srv_happening_t *what)
{
    switch (what->event) {
    case SRV_EV_ASK:
        t->prior = what->prior;
        t->window_size = what->window_size;
        t->pan = NULL;
        break;
    case SRV_EV_ARES_DONE:
    case SRV_EV_ARES_CHALLENGE:
    case SRV_EV_ARES_BAD:
        take_ares(t, what);
        break;
    case SRV_EV_SHOWN:
        t->shown_at = what->now;
        break;
    case SRV_EV_HINT:
        t->hint = what->hint;
        break;
    case SRV_EV_RREQ:
    case SRV_EV_RREQ_LATE:
        take_rreq(t, what);
        break;
    case SRV_EV_ACKNOWLEDGE:
        t->acknowledged = 1;
        t->value = NULL;
        break;
    case SRV_EV_SENT:
    case SRV_EV_GIVEN_UP:
        clear_outbox(t);
        break;
    default:
        break;
    }
}

/* Of the state that is entered; who stays keeps it. */
static void set_deadline(srv_txn_t *t, const srv_happening_t *what, const srv_conf_t *conf)
{
    t->deadline = 0;
    if (t->state == SRV_ST_ASKED) t->deadline = what->now + what->limit;
    if (t->state == SRV_ST_CHALLENGE) t->deadline = what->now + conf->result_horizon;
}

static void apply(srv_txn_t *t, const move_t *m, const srv_happening_t *what, const srv_conf_t *conf)
{
    t->state = m->next;
    by_event(t, what);
    if (m->end != SRV_END_NONE) {
        t->end = m->end;
        t->error = what->error;
    }
    if ((m->fx & FX_RETRY) && t->out_body.len) {
        t->out_due = what->now + conf->retry_interval;
        ++t->out_tries;
    }
    if (m->kind == SRV_GO) set_deadline(t, what, conf);
    if (m->next == SRV_ST_FINAL) {
        t->pan = NULL;
        if (m->kind == SRV_GO || what->event == SRV_EV_RREQ_LATE) t->value_until = what->now + conf->value_keep;
    }
}

apr_status_t srv_txn_step(const srv_txn_t *txn, const srv_happening_t *what, const srv_conf_t *conf, srv_txn_t **next,
                          unsigned *fx, apr_pool_t *pool)
{
    const move_t *m = &moves[txn->state][what->event];

    *next = NULL;
    *fx = m->fx;
    if (m->kind == SRV_REFUSE) return APR_EACCES;
    if (m->kind != SRV_GO && m->kind != SRV_STAY) return APR_EINVAL;
    *next = apr_pmemdup(pool, txn, sizeof *txn);
    apply(*next, m, what, conf);
    return APR_SUCCESS;
}

/* ---- what a record says -------------------------------------------------- */

static int announced(const srv_txn_t *txn)
{
    return !txn->trans_status || !strcmp(txn->trans_status, "C") || !strcmp(txn->trans_status, "D");
}

srv_event_e srv_txn_rreq_event(const srv_txn_t *txn)
{
    if (txn->state == SRV_ST_CHALLENGE) return SRV_EV_RREQ;
    if (txn->state != SRV_ST_FINAL) return SRV_EV_RREQ_UNDUE;
    if (txn->rreq_hash.len) return SRV_EV_RREQ_AGAIN;
    switch (ends[txn->end].late) {
    case AGAIN:
        return SRV_EV_RREQ_AGAIN;
    case AGAIN_IF_C:
        return announced(txn) ? SRV_EV_RREQ_AGAIN : SRV_EV_RREQ_UNDUE;
    case LATE:
        return SRV_EV_RREQ_LATE;
    case IF_C:
        return announced(txn) ? SRV_EV_RREQ_LATE : SRV_EV_RREQ_UNDUE;
    case CANCELLED:
        return txn->trans_status ? SRV_EV_RREQ_LATE : SRV_EV_RREQ_UNDUE;
    case UNDUE:
        break;
    }
    return SRV_EV_RREQ_UNDUE;
}

apr_time_t srv_txn_due(const srv_txn_t *txn)
{
    return txn->out_body.len ? txn->out_due : txn->deadline;
}

tds_lane_e srv_txn_lane(const srv_txn_t *txn)
{
    return txn->out_body.len ? TDS_LANE_OUT : TDS_LANE_STEPS;
}

int srv_txn_overdue(const srv_txn_t *txn, apr_time_t now)
{
    return (txn->state == SRV_ST_ASKED || txn->state == SRV_ST_CHALLENGE) && txn->deadline <= now;
}

apr_interval_time_t srv_txn_ttl(const srv_txn_t *txn, const srv_conf_t *conf, apr_time_t now)
{
    apr_interval_time_t ttl = conf->tombstone > conf->value_keep ? conf->tombstone : conf->value_keep;
    apr_interval_time_t left = txn->deadline > now ? txn->deadline - now : 0;

    if (txn->state == SRV_ST_READY) return conf->ready_timeout;
    if (txn->state == SRV_ST_ASKED) return left + conf->grace + conf->result_horizon;
    if (txn->state == SRV_ST_CHALLENGE) return left + conf->grace;
    if (txn->out_body.len || srv_txn_rreq_event(txn) == SRV_EV_RREQ_LATE) ttl += conf->result_horizon;
    return ttl;
}

int srv_end_status(srv_end_e end)
{
    return end == SRV_END_NONE ? 200 : ends[end].status;
}

const char *srv_state_name(srv_state_e state)
{
    static const char *const names[] = {"NEW", "READY", "ASKED", "CHALLENGE", "FINAL"};

    return state < SRV_ST_COUNT ? names[state] : "?";
}

const char *srv_event_name(srv_event_e event)
{
    static const char *const names[] = {"CREATED",   "ASK",        "ARES_DONE",  "ARES_CHALLENGE", "ARES_BAD",
                                        "ARES_ERRO", "NO_CONNECTION", "NO_ARES", "RREQ",           "RREQ_LATE",
                                        "RREQ_AGAIN", "RREQ_UNDUE", "DS_ERRO",   "CANCEL",         "ACKNOWLEDGE",
                                        "TIMEOUT",   "SENT",       "UNSENT",     "GIVEN_UP",       "SHOWN",
                                        "HINT"};

    return event < SRV_EV_COUNT ? names[event] : "NONE";
}

/* ---- facts --------------------------------------------------------------- */

static int read_fact(char *line, tds_prior_t *row)
{
    char *dot = strchr(line, '.'), *equal = dot ? strchr(dot, '=') : NULL;

    if (!equal) return 0;
    *dot = *equal = '\0';
    *row = (tds_prior_t){tds_msg_type_find(line), tds_elem_find(dot + 1, strlen(dot + 1)), equal + 1};
    return row->msg != TDS_MSG_NONE && row->elem != TDS_E_NONE;
}

int srv_prior_read(const char *text, tds_prior_t *out, apr_pool_t *pool)
{
    char *save, *line;
    int n = 0;

    if (!text) return 0;
    for (line = apr_strtok(apr_pstrdup(pool, text), "\n", &save); line; line = apr_strtok(NULL, "\n", &save)) {
        if (n < SRV_PRIOR_MAX && read_fact(line, &out[n])) ++n;
    }
    return n;
}

const char *srv_prior_add(const char *text, const tds_msg_t *msg, apr_pool_t *pool)
{
    tds_prior_t facts[SRV_PRIOR_MAX];
    int i, n = tds_msg_prior(msg, facts, SRV_PRIOR_MAX);

    if (!text) text = "";
    for (i = 0; i < n; ++i) {
        if (strchr(facts[i].value, '\n')) continue;
        text = apr_pstrcat(pool, text, tds_msg_type_text(facts[i].msg), ".", tds_elem_name(facts[i].elem), "=",
                           facts[i].value, "\n", NULL);
    }
    return text;
}
