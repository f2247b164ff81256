#include "unit.h"
#include "acs_txn.h"

#define NOW0 apr_time_from_sec(1700000000)

static const acs_conf_t conf = {.first_creq_timeout = apr_time_from_sec(30),
                                .challenge_timeout = apr_time_from_sec(600),
                                .retry_interval = apr_time_from_sec(10),
                                .rres_timeout = apr_time_from_sec(5),
                                .lease = apr_time_from_sec(12),
                                .answer_within = apr_time_from_sec(8),
                                .tombstone = apr_time_from_sec(3600),
                                .duplicate_memory = apr_time_from_sec(86400),
                                .outbox_horizon = apr_time_from_sec(86400),
                                .grace = apr_time_from_sec(3600)};

/* ---- the table ----------------------------------------------------------- */

static void one_cell(acs_state_e st, acs_event_e ev)
{
    acs_state_e next;
    acs_end_e end;
    const char *rule;
    unsigned fx;
    acs_kind_e kind = acs_txn_cell(st, ev, &next, &fx, &end, &rule);

    if (kind == ACS_MISSING) fail_msg("no row for %s, %s", acs_state_name(st), acs_event_name(ev));
    assert_true(rule && *rule);
    assert_in_range(next, 0, ACS_ST_COUNT - 1);
    if (kind == ACS_GO) assert_int_not_equal(next, st);
    else assert_int_equal(next, st);
    if (kind == ACS_IGNORE) assert_int_equal(fx, 0);
    if (kind == ACS_REFUSE) assert_true(fx == FX_ERRO_305 || fx == FX_ERRO_ENDED);
    else assert_false(fx & (FX_ERRO_305 | FX_ERRO_ENDED));
    if (kind == ACS_IGNORE || kind == ACS_REFUSE) assert_int_equal(end, ACS_END_NONE);
    /* An outcome is reported, and nothing else is. */
    assert_int_equal(end != ACS_END_NONE, (fx & (FX_RREQ | FX_RREQ_LATER)) != 0);
    if (end != ACS_END_NONE) assert_int_equal(next, ACS_ST_REPORTING);
    if (st == ACS_ST_FINAL) assert_int_equal(next, ACS_ST_FINAL);
    if (st == ACS_ST_REPORTING) assert_true(next == ACS_ST_REPORTING || next == ACS_ST_FINAL);
}

static void all_cells(void **state)
{
    int st, ev;

    for (st = 0; st < ACS_ST_COUNT; ++st)
        for (ev = 0; ev < ACS_EV_COUNT; ++ev) one_cell((acs_state_e)st, (acs_event_e)ev);
}

static void names(void **state)
{
    int i, j;

    for (i = 0; i < ACS_ST_COUNT; ++i)
        for (j = 0; j < i; ++j)
            assert_string_not_equal(acs_state_name((acs_state_e)i), acs_state_name((acs_state_e)j));
    for (i = 0; i < ACS_EV_COUNT; ++i)
        for (j = 0; j < i; ++j)
            assert_string_not_equal(acs_event_name((acs_event_e)i), acs_event_name((acs_event_e)j));
    assert_string_equal(acs_state_name(ACS_ST_COUNT), "?");
    assert_string_equal(acs_event_name(ACS_EV_NONE), "NONE");
}

/* R-04 .. R-15, against what the rules say and not against the table. */
static void outcomes(void **state)
{
    static const struct {
        acs_end_e end;
        const char *status, *r21, *r22, *cancel, *cancel23, *cres;
    } rows[] = {{ACS_END_OK, "Y", NULL, NULL, NULL, NULL, "Y"},      {ACS_END_FAILED, "N", "19", "19", NULL, NULL, "N"},
                {ACS_END_NO_CREQ, "N", "14", "14", "05", "05", NULL}, {ACS_END_SILENT, "N", "14", "14", "04", "04", "N"},
                {ACS_END_CANCEL, "N", "01", "19", "01", "01", "N"},  {ACS_END_CREQ_BAD, "U", "07", "07", "06", "10", NULL},
                {ACS_END_FAULT, "U", "07", "22", "06", "06", "N"},
                {ACS_END_REFUSED, "N", "01", "01", NULL, NULL, "N"},
                {ACS_END_FRAUD, "R", "11", "11", NULL, NULL, "N"},
                {ACS_END_UNDECIDED, "U", "07", "24", "03", "03", NULL},
                {ACS_END_UNMOVED, "U", "07", "26", "03", "03", NULL},
                {ACS_END_FALLBACK, "D", NULL, "29", NULL, NULL, "D"},
                {ACS_END_FALLBACK30, "D", NULL, "30", NULL, NULL, "D"},
                {ACS_END_SPC_SILENT, "N", "14", "14", "04", "04", NULL},
                {ACS_END_ATTEMPT, "A", NULL, NULL, NULL, NULL, NULL}};
    int i;

    assert_int_equal(COUNT(rows), ACS_END_COUNT - 1); /* each of them */
    for (i = 0; i < COUNT(rows); ++i) {
        const char *have[] = {acs_end_status(rows[i].end), acs_end_reason(rows[i].end, TDS_V210),
                              acs_end_reason(rows[i].end, TDS_V220), acs_end_cancel(rows[i].end, TDS_V210),
                              acs_end_cancel(rows[i].end, TDS_V220), acs_end_cancel(rows[i].end, TDS_V231),
                              acs_end_cres(rows[i].end)};
        const char *want[] = {rows[i].status, rows[i].r21,      rows[i].r22, rows[i].cancel,
                              rows[i].cancel, rows[i].cancel23, rows[i].cres};
        int j;

        for (j = 0; j < COUNT(want); ++j) {
            if (want[j]) assert_string_equal(have[j], want[j]);
            else assert_null(have[j]);
        }
    }
    for (i = 1; i < ACS_END_COUNT; ++i) {
        const char *status = acs_end_status((acs_end_e)i);

        const char *cres = acs_end_cres((acs_end_e)i);

        assert_non_null(strchr("YNURDA", *status));
        assert_int_equal(*status == 'Y', i == ACS_END_OK);
        if (cres) assert_int_equal(*cres, *status == 'Y' || *status == 'D' ? *status : 'N'); /* B-24 */
        if (!strchr("YA", *status)) assert_non_null(acs_end_reason((acs_end_e)i, TDS_V220));
    }
}

/* ---- walks --------------------------------------------------------------- */

typedef struct walk_t {
    acs_txn_t txn;
    apr_time_t now;
    apr_pool_t *pool;
    unsigned seed;
    acs_end_e end;    /* the outcome, once there is one */
    int limits;       /* events as the judges give them, or any events at all */
    int outcomes;     /* how many there were */
} walk_t;

static unsigned dice(walk_t *w, unsigned n)
{
    return (unsigned)rand_r(&w->seed) % n;
}

/* What an issuer may want. */
#define WANTS (ACS_OWED(CANCEL) | ACS_OWED(CONSENT) | ACS_OWED(NOTICE))

static void fresh(walk_t *w)
{
    w->txn = (acs_txn_t){.id = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
                         .issuer = "bank",
                         .ds = "scheme",
                         .msg_version = dice(w, 3) + TDS_V210,
                         .server_trans_id = "a",
                         .ds_trans_id = "b",
                         .ds_url = "https://ds/",
                         .category = "01",
                         .channel = "02",
                         .pan = "4000001234567899",
                         .phone = "+4915112345678",
                         .email = "x@example.com",
                         .card_ref = "c-1",
                         .card_index = "9f86d081884c7d659a2feaa0c55ad015",
                         .acquirer = "400551",
                         .acquirer_merchant = "M1",
                         .mcc = "5411",
                         .dec_req = "B",
                         .wants = dice(w, 2) ? 0 : dice(w, 1u << ACS_OUT_COUNT) & WANTS,
                         .keep_until = w->now + conf.duplicate_memory};
    w->end = ACS_END_NONE;
    w->outcomes = 0;
}

/* Would a judge let this happen? */
static int plausible(const walk_t *w, acs_event_e ev)
{
    const acs_txn_t *t = &w->txn;

    if (!w->limits) return 1;
    if (ev == ACS_EV_ENTRY_BAD) return t->attempts + 1 < 3;
    if (ev == ACS_EV_ENTRY_ASK) return t->attempts < 3;
    if (t->informing && t->state == ACS_ST_INTERACT) /* one way on */
        return ev == ACS_EV_CONTINUE || ev == ACS_EV_CANCEL || ev == ACS_EV_TIMEOUT;
    if (ev == ACS_EV_CONTINUE) return 0;
    if (ev == ACS_EV_ENTRY_OK || ev == ACS_EV_ENTRY_LAST || ev == ACS_EV_ENTRY_INFORM) return t->attempts < 3;
    if (ev == ACS_EV_RESEND) return t->resends < 3;
    if (ev == ACS_EV_GIVEN_UP) return w->now >= t->out_until;
    return 1;
}

static acs_happening_t happening(walk_t *w)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1}, mac[TDS_HASH_LEN] = {2};
    acs_happening_t what = {.event = (acs_event_e)dice(w, ACS_EV_COUNT), .now = w->now};

    if (what.event >= ACS_EV_ENTRY_OK && what.event <= ACS_EV_ENTRY_ASK) what.form_mark = mark;
    if (what.event >= ACS_EV_ENTRY_OK && what.event <= ACS_EV_ENTRY_ASK && dice(w, 4) == 0) what.trust = dice(w, 2) ? "Y" : "N";
    if (what.event == ACS_EV_ENTRY_INFORM || what.event == ACS_EV_ASKED_INFORM) what.informing = 29 + dice(w, 2);
    if (what.event == ACS_EV_RESULT_KEPT) what.result = ACS_RESULT_OK;
    if (what.event == ACS_EV_DECOUPLED) what.limit = apr_time_from_sec(60 * (1 + dice(w, 10080)));
    if (what.event == ACS_EV_CREQ || what.event == ACS_EV_RESEND) what.otp_mac = TDS_BYTES(mac, sizeof mac);
    if (what.event == ACS_EV_CREQ) what.session_data = dice(w, 2) ? "data" : NULL;
    if (what.event == ACS_EV_UNANSWERED && dice(w, 2)) what.erro = TDS_BYTES("{}", 2);
    return what;
}

static void check_personal(const acs_txn_t *t)
{
    if (t->end == ACS_END_NONE && t->state != ACS_ST_FINAL) return;
    assert_null(t->phone);
    assert_null(t->email);
    assert_null(t->mcc);
    assert_int_equal(t->otp_mac.len, 0);
    assert_int_equal(t->forms.len, 0);
    if (t->state == ACS_ST_FINAL) assert_null(t->pan);
    if (t->state == ACS_ST_FINAL && !t->outbox) {
        assert_true(!t->card_ref && !t->acquirer && !t->owed);
        assert_int_equal(t->card_index != NULL, t->end == ACS_END_FALLBACK || t->end == ACS_END_FALLBACK30);
    }
}

/* Who is told what, and when. */
static void check_outbox(const acs_txn_t *t)
{
    static const acs_state_e where[ACS_OUT_COUNT] = {
        [ACS_OUT_RREQ] = ACS_ST_REPORTING, [ACS_OUT_ERRO] = ACS_ST_FINAL,    [ACS_OUT_START] = ACS_ST_DECOUPLED,
        [ACS_OUT_CANCEL] = ACS_ST_FINAL,   [ACS_OUT_CONSENT] = ACS_ST_FINAL, [ACS_OUT_NOTICE] = ACS_ST_FINAL};

    assert_int_equal(t->outbox != ACS_OUT_NONE, t->out_due > 0);
    if (t->outbox) assert_int_equal(t->state, where[t->outbox]);
    if (t->outbox) assert_true(t->out_until > 0);
    if (t->outbox == ACS_OUT_RREQ || t->outbox == ACS_OUT_ERRO) assert_true(t->out_body.len > 0);
    else assert_int_equal(t->out_body.len, 0);
    if (t->state == ACS_ST_REPORTING) assert_int_equal(t->outbox, ACS_OUT_RREQ);
    assert_int_equal(t->owed & ~t->wants, 0);
    if (t->owed) assert_int_not_equal(t->outbox, ACS_OUT_NONE); /* nothing is forgotten */
}

static void check_record(const walk_t *w)
{
    const acs_txn_t *t = &w->txn;
    int waits = t->state == ACS_ST_CREQ_WAIT || t->state == ACS_ST_INTERACT || t->state == ACS_ST_DECOUPLED ||
                t->state == ACS_ST_SPC_WAIT;

    assert_in_range(t->state, 0, ACS_ST_COUNT - 1);
    assert_int_equal(waits, t->deadline > 0);
    check_outbox(t);
    assert_true(w->outcomes <= 1);
    assert_true(t->interactions <= 99);
    if (w->limits) assert_true(t->attempts <= 3 && t->resends <= 3 && t->interactions <= 4);
    if (waits || t->outbox) assert_true(acs_txn_due(t) > 0);
    else assert_true(acs_txn_due(t) == 0);
    if (t->deadline) assert_true(acs_txn_due(t) <= t->deadline); /* no delivery hides a time limit */
    check_personal(t);
    if (t->state == ACS_ST_NEW) return;
    assert_true(acs_txn_ttl(t, &conf, w->now) >= conf.tombstone);
    assert_true(w->now + acs_txn_ttl(t, &conf, w->now) > acs_txn_due(t)); /* it is there when it is due */
    assert_true(w->now + acs_txn_ttl(t, &conf, w->now) >= t->keep_until);
}

/* FINAL absorbs: nothing but the outbox may change. */
static void check_absorbed(acs_txn_t before, acs_txn_t after)
{
    acs_txn_t *both[] = {&before, &after};
    int i;

    for (i = 0; i < 2; ++i) {
        both[i]->outbox = both[i]->out_tries = 0;
        both[i]->out_body = TDS_BYTES(NULL, 0);
        both[i]->out_due = both[i]->out_until = 0;
        both[i]->owed = both[i]->used = 0;
        both[i]->card_ref = both[i]->card_index = both[i]->acquirer = both[i]->acquirer_merchant = NULL;
    }
    assert_memory_equal(&before, &after, sizeof before);
}

static void check_stored(walk_t *w)
{
    unsigned char *bytes;
    apr_size_t len, again;
    acs_txn_t *back;

    assert_ok(acs_txn_encode(&bytes, &len, &w->txn, w->pool));
    assert_ok(acs_txn_decode(&back, w->txn.id, bytes, len, 5, w->pool));
    assert_int_equal(back->version, 5);
    assert_int_equal(back->state, w->txn.state);
    assert_int_equal(back->end, w->txn.end);
    assert_true(back->deadline == w->txn.deadline && back->out_due == w->txn.out_due);
    assert_ok(acs_txn_encode(&bytes, &again, back, w->pool));
    assert_int_equal(len, again);
}

static void note_outcome(walk_t *w, const acs_txn_t *next, acs_happening_t *what)
{
    if (next->end == (unsigned)w->end) return;
    assert_int_equal(w->end, ACS_END_NONE); /* never another one */
    assert_int_equal(next->state, ACS_ST_REPORTING);
    assert_true(next->out_until == what->now + conf.outbox_horizon);
    w->end = (acs_end_e)next->end;
    ++w->outcomes;
}

static void step(walk_t *w)
{
    acs_txn_t before = w->txn, *next = NULL;
    acs_happening_t what = happening(w);
    acs_state_e to;
    acs_end_e end;
    const char *rule;
    unsigned fx, want;
    acs_kind_e kind = acs_txn_cell((acs_state_e)w->txn.state, what.event, &to, &want, &end, &rule);
    apr_status_t rv;

    if (!plausible(w, what.event)) return;
    rv = acs_txn_step(&w->txn, &what, &conf, &next, &fx, w->pool);
    assert_memory_equal(&before, &w->txn, sizeof before); /* it moves a copy */
    assert_int_equal(fx, want);
    if (kind == ACS_REFUSE || kind == ACS_IGNORE) {
        assert_int_equal(rv, kind == ACS_REFUSE ? APR_EACCES : APR_EINVAL);
        assert_null(next);
        return;
    }
    assert_ok(rv);
    assert_int_equal(next->state, to);
    note_outcome(w, next, &what);
    if (fx & (FX_RREQ | FX_RREQ_LATER)) { /* as acs_outbox_fill does */
        next->out_body = TDS_BYTES("{}", 2);
        next->pan = NULL;
    }
    if (before.state == ACS_ST_FINAL) check_absorbed(before, *next);
    w->txn = *next;
    w->txn.version = before.version + 1;
    check_record(w);
}

static void walk(unsigned seed, int limits, int steps)
{
    walk_t w = {.seed = seed, .limits = limits, .now = NOW0};
    int visits[ACS_ST_COUNT] = {0}, i;

    assert_ok(apr_pool_create(&w.pool, pool));
    fresh(&w);
    for (i = 0; i < steps; ++i) {
        if (i % 40 == 0) { /* a new transaction */
            apr_pool_clear(w.pool);
            fresh(&w);
        }
        ++visits[w.txn.state];
        w.now += dice(&w, 50) ? dice(&w, 20) * APR_USEC_PER_SEC : conf.outbox_horizon;
        step(&w);
        if (i % 97 == 0) check_stored(&w);
    }
    for (i = 0; i < ACS_ST_COUNT; ++i) assert_true(visits[i] > steps / 500); /* the walk gets everywhere */
}

static void walk_as_judged(void **state)
{
    walk(1, 1, 600000);
}

static void walk_anything(void **state)
{
    walk(2, 0, 600000);
}

/* interactionCounter has two digits. */
static void counter_stops(void **state)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1};
    acs_txn_t txn = {.state = ACS_ST_INTERACT, .id = "x", .msg_version = TDS_V220, .interactions = 99}, *next;
    acs_happening_t what = {.event = ACS_EV_ENTRY_BAD, .now = NOW0, .form_mark = mark};
    unsigned fx;

    assert_ok(acs_txn_step(&txn, &what, &conf, &next, &fx, pool));
    assert_int_equal(next->interactions, 99);
    what.event = ACS_EV_CANCEL;
    assert_ok(acs_txn_step(&txn, &what, &conf, &next, &fx, pool));
    assert_int_equal(next->interactions, 99);
}

static void cancel_counts_from_220(void **state)
{
    acs_txn_t txn = {.state = ACS_ST_INTERACT, .id = "x", .interactions = 1}, *next;
    acs_happening_t what = {.event = ACS_EV_CANCEL, .now = NOW0};
    unsigned fx, v;

    for (v = TDS_V210; v <= TDS_V231; ++v) {
        txn.msg_version = v;
        assert_ok(acs_txn_step(&txn, &what, &conf, &next, &fx, pool));
        assert_int_equal(next->interactions, v == TDS_V210 ? 1 : 2);
    }
}

/* Who saves an outcome has the lease; what nobody waits for is for anybody at once. */
static void lease(void **state)
{
    acs_txn_t txn = {.state = ACS_ST_INTERACT, .id = "x", .msg_version = TDS_V220}, *next;
    acs_happening_t what = {.event = ACS_EV_CANCEL, .now = NOW0};
    unsigned fx;

    assert_ok(acs_txn_step(&txn, &what, &conf, &next, &fx, pool));
    assert_int_equal(fx, FX_RREQ);
    assert_true(acs_txn_due(next) == NOW0 + conf.lease);
    assert_true(next->answer_at == NOW0 + conf.answer_within);
    txn.state = ACS_ST_CREQ_WAIT;
    what.event = ACS_EV_CREQ_BAD;
    assert_ok(acs_txn_step(&txn, &what, &conf, &next, &fx, pool));
    assert_int_equal(fx, FX_RREQ_LATER);
    assert_true(acs_txn_due(next) == NOW0);
}

/* ---- stories ---------------------------------------------------------------- */

/* The next record; fails where the event is not taken. */
static acs_txn_t *go(const acs_txn_t *txn, acs_happening_t what)
{
    acs_txn_t *next;
    unsigned fx;

    if (!what.now) what.now = NOW0;
    assert_ok(acs_txn_step(txn, &what, &conf, &next, &fx, pool));
    if (fx & (FX_RREQ | FX_RREQ_LATER)) next->out_body = TDS_BYTES("{}", 2);
    return next;
}

#define GO(txn, ...) go((txn), (acs_happening_t){.event = __VA_ARGS__})

static acs_txn_t *open_txn(acs_event_e how, unsigned wants)
{
    acs_txn_t txn = {.id = "x", .msg_version = TDS_V231, .dec_req = "B", .wants = wants, .card_ref = "c", .trans_status = "C"};

    return GO(&txn, how, .limit = apr_time_from_sec(7 * 86400));
}

/* A-DEC-03, A-DEC-04: told at once and until it is taken, over at its time, for seven days. */
static void decoupled(void **state)
{
    acs_txn_t *t = open_txn(ACS_EV_DECOUPLED, WANTS & ~ACS_OWED(CONSENT)), *n;
    apr_time_t end = NOW0 + apr_time_from_sec(7 * 86400);

    assert_int_equal(t->state, ACS_ST_DECOUPLED);
    assert_int_equal(t->outbox, ACS_OUT_START);
    assert_true(acs_txn_due(t) == NOW0 && t->deadline == end);
    assert_true(acs_txn_ttl(t, &conf, NOW0) >= apr_time_from_sec(7 * 86400) + conf.outbox_horizon);
    n = GO(t, ACS_EV_UNREACHED);
    assert_true(acs_txn_due(n) == NOW0 + conf.retry_interval);
    t = GO(n, ACS_EV_REPORTED);
    assert_int_equal(t->outbox, ACS_OUT_NONE);
    assert_true(acs_txn_due(t) == end);
    assert_int_equal(GO(t, ACS_EV_TIMEOUT, .now = end)->end, ACS_END_UNDECIDED);
    t = GO(t, ACS_EV_REACHED);
    n = GO(t, ACS_EV_TIMEOUT, .now = end);
    assert_int_equal(n->end, ACS_END_UNMOVED);
    assert_int_equal(n->owed, ACS_OWED(CANCEL) | ACS_OWED(NOTICE));
    n = GO(t, ACS_EV_RESULT_OK);
    assert_int_equal(n->end, ACS_END_OK);
    assert_true(acs_txn_due(n) == NOW0); /* R-11: at once, by anybody */
    assert_int_equal(n->owed, ACS_OWED(NOTICE)); /* who said so need not be called off */
}

/* One thing after the other, the DS first. */
static void outbox_in_order(void **state)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1};
    acs_txn_t *t = GO(open_txn(ACS_EV_CHALLENGED, WANTS), ACS_EV_CREQ), *n;
    unsigned kind;

    t = GO(t, ACS_EV_ENTRY_OK, .form_mark = mark, .trust = "Y");
    assert_int_equal(t->outbox, ACS_OUT_RREQ);
    t = GO(t, ACS_EV_UNANSWERED, .erro = TDS_BYTES("{}", 2));
    assert_int_equal(t->outbox, ACS_OUT_ERRO);
    for (kind = ACS_OUT_CANCEL; kind <= ACS_OUT_NOTICE; ++kind) {
        t = GO(t, ACS_EV_REPORTED);
        assert_int_equal(t->outbox, kind);
        assert_string_equal(t->card_ref, "c");
        n = GO(GO(GO(t, ACS_EV_UNREACHED), ACS_EV_UNREACHED), ACS_EV_UNREACHED);
        assert_true(acs_txn_due(n) == NOW0 + 4 * conf.retry_interval); /* more and more rarely */
    }
    t = GO(t, ACS_EV_GIVEN_UP);
    assert_int_equal(t->outbox, ACS_OUT_NONE);
    assert_null(t->card_ref);
    assert_true(acs_txn_due(t) == 0);
}

/* A consent that nobody was asked for, or nobody keeps, is not delivered. */
static void no_consent(void **state)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1};
    acs_txn_t *t = GO(open_txn(ACS_EV_CHALLENGED, ACS_OWED(CONSENT)), ACS_EV_CREQ);

    t = GO(t, ACS_EV_ENTRY_OK, .form_mark = mark);
    assert_int_equal(t->owed, 0);
    assert_int_equal(GO(t, ACS_EV_REPORTED)->outbox, ACS_OUT_NONE);
}

/* N-27: announced, then D; 29 or 30 by what was announced; taken once is for the judge, the mark is ours. */
static void fallback(void **state)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1};
    acs_txn_t *t = GO(open_txn(ACS_EV_CHALLENGED, 0), ACS_EV_CREQ), *n;

    n = GO(GO(t, ACS_EV_ENTRY_INFORM, .form_mark = mark, .informing = 29), ACS_EV_CONTINUE);
    assert_int_equal(n->end, ACS_END_FALLBACK);
    n = GO(GO(GO(t, ACS_EV_ENTRY_ASK, .form_mark = mark), ACS_EV_ASKED_INFORM, .informing = 30), ACS_EV_CONTINUE);
    assert_int_equal(n->end, ACS_END_FALLBACK30);
    assert_int_equal(n->interactions, 1);
    n = GO(GO(n, ACS_EV_REPORTED), ACS_EV_FALLBACK_TAKEN);
    assert_int_equal(n->used, 1);
    assert_int_equal(n->state, ACS_ST_FINAL);
    n = GO(GO(t, ACS_EV_ENTRY_INFORM, .form_mark = mark, .informing = 29), ACS_EV_TIMEOUT);
    assert_int_equal(n->end, ACS_END_SILENT); /* no answer to the page: not D */
}

/* N-13, X-TIME-09: the second AReq ends it without a report, silence with one. */
static void spc(void **state)
{
    acs_txn_t *t = open_txn(ACS_EV_SPC, ACS_OWED(NOTICE)), *n;

    assert_true(acs_txn_due(t) == NOW0 + conf.challenge_timeout);
    n = GO(t, ACS_EV_SPC_TAKEN);
    assert_int_equal(n->state, ACS_ST_FINAL);
    assert_int_equal(n->outbox, ACS_OUT_NONE);
    n = GO(t, ACS_EV_TIMEOUT);
    assert_int_equal(n->end, ACS_END_SPC_SILENT);
    assert_int_equal(n->outbox, ACS_OUT_RREQ);
}

/* P-21, X-TIME-08: a result that waits does not give the cardholder more time; the page does. */
static void kept_result(void **state)
{
    acs_txn_t *t = GO(open_txn(ACS_EV_CHALLENGED, 0), ACS_EV_CREQ), *n;

    n = GO(t, ACS_EV_RESULT_KEPT, .result = ACS_RESULT_OK, .now = NOW0 + apr_time_from_sec(100));
    assert_true(n->deadline == t->deadline);
    assert_int_equal(n->result, ACS_RESULT_OK);
    n = GO(n, ACS_EV_RESEND, .now = NOW0 + apr_time_from_sec(100), .to = ACS_CHA_SOME(ACS_CHA_OTP));
    assert_true(n->deadline == NOW0 + apr_time_from_sec(700));
    assert_int_equal(n->cha, ACS_CHA_OTP);
}

/* A frictionless transaction of an issuer that wants to know. */
static void notice_alone(void **state)
{
    acs_txn_t *t = open_txn(ACS_EV_DECIDED, ACS_OWED(NOTICE));

    assert_int_equal(t->state, ACS_ST_FINAL);
    assert_int_equal(t->outbox, ACS_OUT_NOTICE);
    assert_true(acs_txn_due(t) == NOW0);
    t = open_txn(ACS_EV_DECIDED, 0);
    assert_int_equal(t->outbox, ACS_OUT_NONE);
    assert_true(acs_txn_due(t) == 0);
}

/* Bytes that are no record: an error or a record, never a crash. */
static void garbage_records(void **state)
{
    unsigned seed = 7;
    acs_txn_t *back;
    int i, j;

    for (i = 0; i < 20000; ++i) {
        apr_size_t len = (apr_size_t)(rand_r(&seed) % 30);
        unsigned char *bytes = malloc(len ? len : 1);

        for (j = 0; j < (int)len; ++j) bytes[j] = (unsigned char)(rand_r(&seed) % 40);
        (void)acs_txn_decode(&back, "x", bytes, len, 1, pool);
        free(bytes);
        if (i % 1000 == 0) apr_pool_clear(pool);
    }
}

/* A record of a newer release: what this one does not know of it is kept, and a state, end or kind that it does not know is refused,
 * not used as an index. */
static void newer_record(void **state)
{
    static const struct {
        unsigned char tag, value;
    } unknown[] = {{1, ACS_ST_COUNT}, {26, ACS_END_COUNT}, {27, ACS_OUT_COUNT}, {37, ACS_CHA_COUNT}, {60, ACS_CHA_COUNT + 1}, {4, TDS_V_COUNT},
                   {38, TDS_AUTH_SPC + 1}, {44, ACS_RESULT_ATTEMPT + 1}, {41, 1u << ACS_OUT_COUNT}, {42, 1u << ACS_OUT_COUNT}};
    static const unsigned char newer[] = {1, 1, 2, 250, 3, 'n', 'e', 'w'};
    const char *id = "ab000000-0000-4000-8000-000000000001";
    unsigned char *out;
    acs_txn_t *txn;
    apr_size_t len;
    int i;

    for (i = 0; i < COUNT(unknown); ++i) {
        unsigned char bytes[] = {unknown[i].tag, 1, unknown[i].value};

        if (acs_txn_decode(&txn, id, bytes, sizeof bytes, 1, pool) != APR_EINVAL) fail_msg("tag %d is taken", unknown[i].tag);
    }
    assert_ok(acs_txn_decode(&txn, id, newer, sizeof newer, 1, pool));
    assert_ok(acs_txn_encode(&out, &len, txn, pool));
    assert_int_equal(len, sizeof newer);
    assert_memory_equal(out, newer, len);
}

static const struct CMUnitTest tests[] = {UNIT(newer_record), UNIT(all_cells),      UNIT(names),
                                          UNIT(outcomes),       UNIT(walk_as_judged),
                                          UNIT(walk_anything),  UNIT(counter_stops),
                                          UNIT(cancel_counts_from_220), UNIT(lease),
                                          UNIT(garbage_records), UNIT(decoupled),
                                          UNIT(outbox_in_order), UNIT(no_consent),
                                          UNIT(fallback),       UNIT(spc),
                                          UNIT(kept_result),    UNIT(notice_alone)};
UNIT_MAIN(tests)
