/* The ACS engine when its store is tampered with, away, or fails at any one operation. */
#include "unit.h"
#include "acs_world.h"
#include "acs_issuer.h"

/* ---- the store under attack or away -------------------------------------- */

static void tampered(void **state)
{
    json_t *ares = challenge();
    seen_t page = creq(ares), shown;
    const char *id = tds_json_get(ares, "acsTransID");
    unsigned char *bytes, *old;
    apr_size_t len;
    const char *key = apr_psprintf(pool, "acs:{%.2s}:t:%s", id, id);

    bytes = tds_mem_bytes(world.mem, key, &len);
    old = apr_pmemdup(pool, bytes, len);
    bytes[len - 1] ^= 1;
    shown = press(page.token, "submit", world.otp);
    assert_int_equal(shown.answer.status, 400);
    assert_null(shown.message);
    assert_int_equal(metric(ACS_M_TAMPERED), 1);
    bytes[len - 1] ^= 1;
    /* A wrong answer, and the record from before it put back: attempts do not come back with it. */
    page = press(page.token, "submit", wrong_otp());
    assert_true(page.challenge);
    memcpy(tds_mem_bytes(world.mem, key, &len), old, len);
    shown = press(page.token, "submit", world.otp);
    assert_int_equal(shown.answer.status, 400);
    assert_int_equal(world.rreqs, 0);
}

static void store_away(void **state)
{
    acs_answer_t answer = {0};
    json_t *erro, *ares;
    seen_t page;

    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    erro = areq();
    is(erro, "messageType", "Erro");
    is(erro, "errorCode", "403");
    assert_int_equal(metric(ACS_M_STORE_DOWN), 1);
    world.issuer.trust_list = ACS_TRUST_STORE; /* something to be read before */
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    is(areq(), "errorCode", "403");
    assert_int_equal(metric(ACS_M_STORE_DOWN), 2);
    acs_issuer_look(&run, &world.issuer, SERVER_ID, &answer); /* is not there: no fault */
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    acs_issuer_look(&run, &world.issuer, SERVER_ID, &answer);
    assert_int_equal(answer.status, 503);
    assert_int_equal(metric(ACS_M_STORE_DOWN), 3);
    ares = challenge();
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    page = creq(ares);
    assert_int_equal(page.answer.status, 503);
    assert_int_equal(metric(ACS_M_STORE_DOWN), 4);
    assert_true(creq(ares).challenge);
}

/* ---- the n-th operation of the store fails -------------------------------- */

typedef enum play_e { PLAY_RIGHT, PLAY_WRONG, PLAY_CANCEL, PLAY_RESEND, PLAY_NO_CREQ, PLAY_SILENT, PLAY_BAD_CREQ, PLAY_COUNT } play_e;

typedef struct run_t {
    play_e play;
    json_t *ares;
    seen_t page;
    const char *final; /* transStatus of the CRes that the browser carried away */
} run_t;

static seen_t browser_step(run_t *r)
{
    const char *wrong = world.otp[0] ? wrong_otp() : "0";
    static int resent;

    if (!r->page.token) {
        resent = 0;
        if (r->play == PLAY_BAD_CREQ) return creq_text(creq_of(r->ares, ",\"challengeWindowSize\":\"xx\""), NULL);
        return creq(r->ares);
    }
    if (r->page.processing) return reload(r->page.token);
    if (r->play == PLAY_WRONG) return press(r->page.token, "submit", wrong);
    if (r->play == PLAY_CANCEL) return press(r->page.token, "cancel", NULL);
    if (r->play == PLAY_RESEND && resent++ < 2) return press(r->page.token, "resend", NULL);
    return press(r->page.token, "submit", world.otp[0] ? world.otp : "0");
}

/* A browser that tries again when it is shown that something is amiss. */
static void browse(run_t *r)
{
    int i;

    for (i = 0; i < 12; ++i) {
        seen_t next;

        if (r->play == PLAY_SILENT && r->page.challenge) return;
        next = browser_step(r);
        if (next.message) {
            r->final = tds_json_get(next.message, "transStatus");
            return;
        }
        if (next.token) r->page = next;
        world.now += apr_time_from_sec(1);
        (void)due();
    }
}

static void end_of_time(void)
{
    static const int seconds[] = {1, 13, 31, 13, 601, 13, 13, 13};
    int i;

    for (i = 0; i < COUNT(seconds); ++i) {
        world.now += apr_time_from_sec(seconds[i]);
        (void)due();
    }
}

/* One transaction with a fault at the n-th operation. Was that operation reached? */
static int play_once(play_e play, int n, int lost, ds_mood_e mood)
{
    static unsigned serial;
    const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-%012x", ++serial);
    run_t r = {.play = play};
    int before, used;

    world_forget();
    order(mood, mood == DS_RRES ? 0 : 1);
    before = tds_mem_ops(world.mem);
    tds_mem_fail(world.mem, n, APR_TIMEUP, lost);
    r.ares = areq_with(areq_text(id, ""));
    if (tds_json_get(r.ares, "transStatus")) {
        if (play != PLAY_NO_CREQ) browse(&r);
    }
    end_of_time();
    used = tds_mem_ops(world.mem) - before;
    tds_mem_fail(world.mem, 1000000, APR_TIMEUP, 0);
    end_of_time();
    if (tds_json_get(r.ares, "transStatus")) {
        acs_txn_t *txn = record(r.ares);

        assert_int_equal(txn->state, ACS_ST_FINAL);
        assert_int_equal(txn->outbox, ACS_OUT_NONE);
        assert_true(world.rreqs >= 1);
        /* What the browser took home is what the DS was told. */
        if (r.final) assert_int_equal(*r.final == 'Y', *tds_json_get(world.rreq, "transStatus") == 'Y');
        if (play == PLAY_WRONG || play == PLAY_CANCEL) is(world.rreq, "transStatus", "N");
    }
    return used >= n;
}

static void nth_operation_fails(void **state)
{
    static const ds_mood_e moods[] = {DS_RRES, DS_CONNECT, DS_TIMEOUT};
    int play, lost, n, m, total = 0;

    for (m = 0; m < COUNT(moods); ++m)
        for (play = 0; play < PLAY_COUNT; ++play)
            for (lost = 0; lost < 2; ++lost)
                for (n = 1; play_once((play_e)play, n, lost, moods[m]); ++n) {
                    ++total;
                    assert_true(n < 200);
                }
    assert_true(total > 200);
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
    T(tampered), T(store_away), T(nth_operation_fails),
#undef T
};
UNIT_MAIN(tests)
