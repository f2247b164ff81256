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
                {ACS_END_NO_CREQ, "N", "14", "14", "05", "05", "N"}, {ACS_END_SILENT, "N", "14", "14", "04", "04", "N"},
                {ACS_END_CANCEL, "N", "01", "19", "01", "01", "N"},  {ACS_END_CREQ_BAD, "U", "07", "07", "06", "10", "N"},
                {ACS_END_FAULT, "U", "07", "22", "06", "06", "N"}};
    int i;

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

        assert_non_null(strstr("YNU", status));
        assert_int_equal(*status == 'Y', i == ACS_END_OK);
        assert_int_equal(*acs_end_cres((acs_end_e)i) == 'Y', i == ACS_END_OK);
        if (*status != 'Y') assert_non_null(acs_end_reason((acs_end_e)i, TDS_V220));
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
                         .keep_until = w->now + conf.duplicate_memory};
    w->end = ACS_END_NONE;
    w->outcomes = 0;
}

/* Would a judge let this happen? */
static int plausible(const walk_t *w, acs_event_e ev)
{
    const acs_txn_t *t = &w->txn;

    if (!w->limits) return 1;
    if (ev == ACS_EV_ENTRY_BAD || ev == ACS_EV_ENTRY_OK) return t->attempts + 1 < 3 || ev == ACS_EV_ENTRY_OK;
    if (ev == ACS_EV_RESEND) return t->resends < 3;
    if (ev == ACS_EV_GIVEN_UP) return w->now >= t->out_until;
    return 1;
}

static acs_happening_t happening(walk_t *w)
{
    static const unsigned char mark[ACS_FORM_MARK] = {1}, mac[TDS_HASH_LEN] = {2};
    acs_happening_t what = {.event = (acs_event_e)dice(w, ACS_EV_COUNT), .now = w->now};

    if (what.event == ACS_EV_ENTRY_OK || what.event == ACS_EV_ENTRY_BAD || what.event == ACS_EV_ENTRY_LAST)
        what.form_mark = mark;
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
    assert_int_equal(t->otp_mac.len, 0);
    assert_int_equal(t->forms.len, 0);
    if (t->state == ACS_ST_FINAL) assert_null(t->pan);
}

static void check_record(const walk_t *w)
{
    const acs_txn_t *t = &w->txn;
    int waits = t->state == ACS_ST_CREQ_WAIT || t->state == ACS_ST_INTERACT;

    assert_in_range(t->state, 0, ACS_ST_COUNT - 1);
    assert_int_equal(waits, t->deadline > 0);
    assert_int_equal(t->outbox != ACS_OUT_NONE, t->out_due > 0);
    if (t->state == ACS_ST_REPORTING) assert_int_equal(t->outbox, ACS_OUT_RREQ);
    if (t->outbox == ACS_OUT_RREQ) assert_int_equal(t->state, ACS_ST_REPORTING);
    if (t->outbox == ACS_OUT_ERRO) assert_int_equal(t->state, ACS_ST_FINAL);
    if (t->outbox) assert_true(t->out_until > 0 && t->out_body.len > 0);
    assert_true(w->outcomes <= 1);
    assert_true(t->interactions <= 99);
    if (w->limits) assert_true(t->attempts <= 3 && t->resends <= 3 && t->interactions <= 4);
    if (waits || t->outbox) assert_true(acs_txn_due(t) > 0);
    else assert_true(acs_txn_due(t) == 0);
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
        both[i]->out_due = 0;
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
    walk(1, 1, 150000);
}

static void walk_anything(void **state)
{
    walk(2, 0, 150000);
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

static const struct CMUnitTest tests[] = {UNIT(all_cells),      UNIT(names),
                                          UNIT(outcomes),       UNIT(walk_as_judged),
                                          UNIT(walk_anything),  UNIT(counter_stops),
                                          UNIT(cancel_counts_from_220), UNIT(lease),
                                          UNIT(garbage_records)};
UNIT_MAIN(tests)
