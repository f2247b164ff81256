#include "unit.h"
#include "srv_txn.h"

#define NOW0 apr_time_from_sec(1700000000)

static const srv_conf_t conf = {.ready_timeout = apr_time_from_sec(1800),
                                .creq_within = apr_time_from_sec(25),
                                .result_horizon = apr_time_from_sec(86400),
                                .value_keep = apr_time_from_sec(1800),
                                .tombstone = apr_time_from_sec(3600),
                                .grace = apr_time_from_sec(3600),
                                .retry_interval = apr_time_from_sec(10)};

#define FX_REFUSALS (FX_ERRO_AGAIN | FX_ERRO_UNDUE | FX_CONFLICT)

/* ---- the table ----------------------------------------------------------- */

static void one_cell(srv_state_e st, srv_event_e ev)
{
    srv_state_e next;
    srv_end_e end;
    const char *rule;
    unsigned fx;
    srv_kind_e kind = srv_txn_cell(st, ev, &next, &fx, &end, &rule);

    if (kind == SRV_MISSING) fail_msg("no row for %s, %s", srv_state_name(st), srv_event_name(ev));
    assert_true(rule && *rule);
    assert_in_range(next, 0, SRV_ST_COUNT - 1);
    if (kind == SRV_GO) assert_int_not_equal(next, st);
    else assert_int_equal(next, st);
    if (kind == SRV_IGNORE) assert_int_equal(fx, 0);
    if (kind == SRV_REFUSE) assert_true(fx == FX_ERRO_AGAIN || fx == FX_ERRO_UNDUE || fx == FX_CONFLICT);
    else assert_false(fx & FX_REFUSALS);
    /* An end is reached once, by a move into FINAL, and nothing leaves FINAL. */
    assert_int_equal(end != SRV_END_NONE, kind == SRV_GO && next == SRV_ST_FINAL);
    if (st == SRV_ST_FINAL) assert_int_equal(next, SRV_ST_FINAL);
    /* The AReq leaves from one place only: it is sent once. */
    assert_int_equal((fx & FX_AREQ) != 0, st == SRV_ST_READY && ev == SRV_EV_ASK);
}

static void all_cells(void **state)
{
    int st, ev;

    for (st = 0; st < SRV_ST_COUNT; ++st)
        for (ev = 0; ev < SRV_EV_COUNT; ++ev) one_cell((srv_state_e)st, (srv_event_e)ev);
}

static void names(void **state)
{
    int i, j;

    for (i = 0; i < SRV_ST_COUNT; ++i)
        for (j = 0; j < i; ++j) assert_string_not_equal(srv_state_name((srv_state_e)i), srv_state_name((srv_state_e)j));
    for (i = 0; i < SRV_EV_COUNT; ++i)
        for (j = 0; j < i; ++j) assert_string_not_equal(srv_event_name((srv_event_e)i), srv_event_name((srv_event_e)j));
    assert_string_equal(srv_state_name(SRV_ST_COUNT), "?");
    assert_string_equal(srv_event_name(SRV_EV_NONE), "NONE");
}

/* S-53, S-54, S-43, S-63 */
static void what_an_rreq_is(void **state)
{
    static const struct {
        srv_state_e state;
        srv_end_e end;
        const char *status;
        srv_event_e event;
    } rows[] = {
        {SRV_ST_READY, SRV_END_NONE, NULL, SRV_EV_RREQ_UNDUE},
        {SRV_ST_ASKED, SRV_END_NONE, NULL, SRV_EV_RREQ_UNDUE},
        {SRV_ST_CHALLENGE, SRV_END_NONE, "C", SRV_EV_RREQ},
        {SRV_ST_FINAL, SRV_END_RESULT, "Y", SRV_EV_RREQ_UNDUE},
        {SRV_ST_FINAL, SRV_END_RESULT, "N", SRV_EV_RREQ_UNDUE},
        {SRV_ST_FINAL, SRV_END_BAD_ARES, "C", SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_BAD_ARES, NULL, SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_BAD_ARES, "Y", SRV_EV_RREQ_UNDUE},
        {SRV_ST_FINAL, SRV_END_NO_ARES, NULL, SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_LOST, NULL, SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_NO_CONNECTION, NULL, SRV_EV_RREQ_UNDUE},
        {SRV_ST_FINAL, SRV_END_UNKNOWN, "C", SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_DS_ERRO, "C", SRV_EV_RREQ_AGAIN},
        {SRV_ST_FINAL, SRV_END_CANCELLED, "C", SRV_EV_RREQ_LATE},
        {SRV_ST_FINAL, SRV_END_CANCELLED, NULL, SRV_EV_RREQ_UNDUE},
    };
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        srv_txn_t t = {.state = rows[i].state, .end = rows[i].end, .trans_status = rows[i].status};

        assert_int_equal(srv_txn_rreq_event(&t), rows[i].event);
        t.rreq_hash = TDS_BYTES("x", 1);
        if (t.state == SRV_ST_FINAL) assert_int_equal(srv_txn_rreq_event(&t), SRV_EV_RREQ_AGAIN);
    }
}

/* ---- walks --------------------------------------------------------------- */

typedef struct walk_t {
    srv_txn_t txn;
    apr_time_t now;
    apr_pool_t *pool;
    unsigned seed;
    int ends, rreqs, areqs;
} walk_t;

static unsigned dice(walk_t *w, unsigned n)
{
    return (unsigned)rand_r(&w->seed) % n;
}

static void fresh(walk_t *w)
{
    w->txn = (srv_txn_t){.id = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
                         .requestor = "shop",
                         .ds = "scheme",
                         .msg_version = dice(w, 3) + TDS_V210,
                         .channel = "02",
                         .category = "01",
                         .pan = "4000001234567899",
                         .return_url = "https://shop/"};
    w->ends = w->rreqs = w->areqs = 0;
}

static int is_ares(srv_event_e ev)
{
    return ev == SRV_EV_ARES_DONE || ev == SRV_EV_ARES_CHALLENGE || ev == SRV_EV_ARES_BAD;
}

static int is_rreq(srv_event_e ev)
{
    return ev == SRV_EV_RREQ || ev == SRV_EV_RREQ_LATE;
}

/* Events as the judges give them. */
static srv_happening_t happening(walk_t *w)
{
    srv_happening_t what = {.event = (srv_event_e)dice(w, SRV_EV_COUNT), .now = w->now};

    if (what.event >= SRV_EV_RREQ && what.event <= SRV_EV_RREQ_UNDUE) what.event = srv_txn_rreq_event(&w->txn);
    if (what.event == SRV_EV_ASK) {
        what.limit = apr_time_from_sec(16);
        what.window_size = "05";
        what.prior = "AReq.deviceChannel=02\n";
    }
    if (is_ares(what.event)) {
        what.trans_status = what.event == SRV_EV_ARES_DONE ? "Y" : what.event == SRV_EV_ARES_CHALLENGE || dice(w, 2) ? "C" : NULL;
        what.acs_trans_id = what.ds_trans_id = "x";
        what.ares = what.event == SRV_EV_ARES_BAD ? NULL : "{}";
        what.value = what.event == SRV_EV_ARES_DONE ? "AAAA" : NULL;
    }
    if (what.event == SRV_EV_ARES_BAD) what.erro = TDS_BYTES("{}", 2);
    if (is_rreq(what.event)) {
        what.rreq_hash = TDS_BYTES("hash", 4);
        what.results_status = "01";
        what.rreq = dice(w, 2) ? "{}" : NULL;
        what.value = what.rreq ? "BBBB" : NULL;
    }
    what.error = "{}";
    return what;
}

static void check_record(const walk_t *w)
{
    const srv_txn_t *t = &w->txn;
    int waits = t->state == SRV_ST_ASKED || t->state == SRV_ST_CHALLENGE;

    assert_in_range(t->state, 0, SRV_ST_COUNT - 1);
    assert_int_equal(waits, t->deadline > 0);
    assert_int_equal(t->out_body.len > 0, t->out_due > 0);
    if (t->out_body.len) assert_int_equal(t->state, SRV_ST_FINAL);
    assert_int_equal(t->end != SRV_END_NONE, t->state == SRV_ST_FINAL);
    assert_true(w->ends <= 1 && w->rreqs <= 1 && w->areqs <= 1);
    assert_int_equal(t->pan != NULL, t->state == SRV_ST_NEW || t->state == SRV_ST_READY);
    if (t->acknowledged) assert_true(t->state == SRV_ST_FINAL);
    if (waits || t->out_body.len) assert_true(srv_txn_due(t) > 0);
    else assert_true(srv_txn_due(t) == 0);
    if (t->state == SRV_ST_NEW) return;
    assert_true(srv_txn_ttl(t, &conf, w->now) > 0);
    assert_true(w->now + srv_txn_ttl(t, &conf, w->now) > srv_txn_due(t)); /* it is there when it is due */
}

static void check_stored(walk_t *w)
{
    unsigned char *bytes, *more;
    apr_size_t len, again;
    srv_txn_t *back;

    assert_ok(srv_txn_encode(&bytes, &len, &w->txn, w->pool));
    assert_ok(srv_txn_decode(&back, w->txn.id, bytes, len, 5, w->pool));
    assert_int_equal(back->version, 5);
    assert_int_equal(back->state, w->txn.state);
    assert_true(back->deadline == w->txn.deadline && back->out_due == w->txn.out_due && back->end == w->txn.end);
    assert_ok(srv_txn_encode(&more, &again, back, w->pool));
    assert_int_equal(len, again);
    assert_memory_equal(bytes, more, len);
}

/* What is known about the result stays as it is; the first RReq may fill in what was unknown. */
static void check_absorbed(const srv_txn_t *before, const srv_txn_t *after, srv_event_e ev)
{
    assert_ptr_equal(before->ares, after->ares);
    if (ev == SRV_EV_RREQ_LATE) {
        assert_int_equal(before->rreq_hash.len, 0);
        assert_true(after->end == before->end || before->end == SRV_END_UNKNOWN);
        return;
    }
    assert_int_equal(before->end, after->end);
    assert_ptr_equal(before->rreq, after->rreq);
    assert_ptr_equal(before->error, after->error);
    if (ev != SRV_EV_ACKNOWLEDGE) assert_ptr_equal(before->value, after->value);
}

static void step(walk_t *w)
{
    srv_txn_t before = w->txn, *next = NULL;
    srv_happening_t what = happening(w);
    srv_state_e to;
    srv_end_e end;
    const char *rule;
    unsigned fx, want;
    srv_kind_e kind = srv_txn_cell((srv_state_e)w->txn.state, what.event, &to, &want, &end, &rule);
    apr_status_t rv = srv_txn_step(&w->txn, &what, &conf, &next, &fx, w->pool);

    assert_memory_equal(&before, &w->txn, sizeof before); /* it moves a copy */
    assert_int_equal(fx, want);
    if (kind == SRV_REFUSE || kind == SRV_IGNORE) {
        assert_int_equal(rv, kind == SRV_REFUSE ? APR_EACCES : APR_EINVAL);
        assert_null(next);
        return;
    }
    assert_ok(rv);
    assert_int_equal(next->state, to);
    if (before.state == SRV_ST_FINAL) check_absorbed(&before, next, what.event);
    w->ends += before.end == SRV_END_NONE && next->end != SRV_END_NONE;
    w->rreqs += is_rreq(what.event);
    w->areqs += (fx & FX_AREQ) != 0;
    w->txn = *next;
    check_record(w);
    check_stored(w);
}

static void walks(void **state)
{
    walk_t w = {.now = NOW0, .seed = 4711};
    int i, j;

    for (i = 0; i < 4000; ++i) {
        assert_int_equal(apr_pool_create(&w.pool, pool), APR_SUCCESS);
        fresh(&w);
        for (j = 0; j < 40; ++j) {
            w.now += apr_time_from_sec(dice(&w, 30));
            step(&w);
        }
        apr_pool_destroy(w.pool);
    }
}

/* ---- the record ---------------------------------------------------------- */

static void round_trip(void **state)
{
    srv_txn_t t = {0}, *back;
    unsigned char *bytes;
    apr_size_t len;

#define F(tag, kind, type, member) SET_##kind(member)
#define SET_STR(member)   t.member = #member;
#define SET_U32(member)   t.member = 1; /* within the bounds of all */
#define SET_I64(member)   t.member = NOW0 + 5;
#define SET_BYTES(member) t.member = TDS_BYTES(#member, sizeof #member);
    SRV_TXN_ROWS(F)
    assert_ok(srv_txn_encode(&bytes, &len, &t, pool));
    assert_ok(srv_txn_decode(&back, "id", bytes, len, 3, pool));
#undef SET_STR
#undef SET_U32
#undef SET_I64
#undef SET_BYTES
#define SET_STR(member)   assert_string_equal(back->member, #member);
#define SET_U32(member)   assert_int_equal(back->member, 1);
#define SET_I64(member)   assert_true(back->member == NOW0 + 5);
#define SET_BYTES(member) assert_true(back->member.len == sizeof #member && !memcmp(back->member.data, #member, sizeof #member));
    SRV_TXN_ROWS(F)
#undef F
    assert_string_equal(back->id, "id");
    assert_int_equal(back->version, 3);
}

/* However the id was written where it came from. */
static void id_in_capitals(void **state)
{
    srv_txn_t t = {.requestor = "shop"}, *back;
    unsigned char *bytes;
    apr_size_t len;

    assert_ok(srv_txn_encode(&bytes, &len, &t, pool));
    assert_ok(srv_txn_decode(&back, "8A880DC0-d2d2-4067-BCB1-b08d1690b26e", bytes, len, 1, pool));
    assert_string_equal(back->id, "8a880dc0-d2d2-4067-bcb1-b08d1690b26e");
}

/* B-44: noted once it leaves; the time limit of the challenge stays. */
static void page_is_shown(void **state)
{
    srv_txn_t t = {.state = SRV_ST_CHALLENGE, .deadline = NOW0 + 9}, *next;
    srv_happening_t what = {.event = SRV_EV_SHOWN, .now = NOW0 + 1};
    unsigned fx;

    assert_ok(srv_txn_step(&t, &what, &conf, &next, &fx, pool));
    assert_int_equal(next->state, SRV_ST_CHALLENGE);
    assert_true(next->shown_at == NOW0 + 1 && next->deadline == NOW0 + 9);
}

static void tags_differ(void **state)
{
#define F(tag, kind, type, member) tag,
    static const int tags[] = {SRV_TXN_ROWS(F)};
#undef F
    int i, j;

    for (i = 0; i < COUNT(tags); ++i)
        for (j = 0; j < i; ++j) assert_int_not_equal(tags[i], tags[j]);
}

static void facts(void **state)
{
    tds_msg_t *areq = tds_msg_make(TDS_MSG_AREQ, TDS_V220, pool);
    tds_prior_t rows[SRV_PRIOR_MAX];
    const char *text;
    int i, n;

    tds_msg_set(areq, TDS_E_DEVICE_CHANNEL, "02");
    tds_msg_set(areq, TDS_E_MESSAGE_CATEGORY, "01");
    tds_msg_set(areq, TDS_E_THREE_DS_REQUESTOR_CHALLENGE_IND, "06");
    text = srv_prior_add(NULL, areq, pool);
    n = srv_prior_read(text, rows, pool);
    assert_int_equal(n, 3);
    for (i = 0; i < n; ++i) {
        assert_int_equal(rows[i].msg, TDS_MSG_AREQ);
        assert_string_equal(rows[i].value, tds_msg_get(areq, rows[i].elem));
    }
    assert_int_equal(srv_prior_read(NULL, rows, pool), 0);
    assert_int_equal(srv_prior_read("nonsense\nAReq.=\n.x=1\nAReq.unknownElement=1\n", rows, pool), 0);
}

static const struct CMUnitTest tests[] = {UNIT(all_cells),  UNIT(names),       UNIT(what_an_rreq_is), UNIT(walks),
                                          UNIT(round_trip), UNIT(tags_differ), UNIT(facts),
                                          UNIT(id_in_capitals), UNIT(page_is_shown)};

UNIT_MAIN(tests)
