/* A fault of the store at every operation of a payment, with the write done or not. Whatever happens: one AReq at most, an
 * RRes only for what is saved, and in the end one result that everybody sees. */
#include "unit.h"
#include "srv_world.h"

static const char *any_create(void)
{
    srv_answer_t a = create_answer(CREATE, "key");

    if (a.status != 201) {
        assert_int_equal(a.status, 503);
        a = create_answer(CREATE, "key"); /* the requestor tries again */
    }
    return tds_json_get(json_of(&a, 201), "threeDSServerTransID");
}

static void any_authenticate(const char *id)
{
    srv_answer_t a = {0};
    int tries;

    for (tries = 0; tries < 3; ++tries) {
        tds_err_clear(&run_err);
        srv_run_authenticate(&run, id, data(""), strlen(data("")), NULL, &a);
        if (a.status != 503) return;
    }
}

static void any_rreq(const char *id)
{
    const char *text = rreq_text(id, "Y", "");
    json_t *answer = results(text);

    if (!strcmp(tds_json_get(answer, "messageType"), "RRes")) return;
    is(answer, "errorCode", "403");
    answer = results(text); /* the DS tries again */
    is(answer, "messageType", "RRes");
}

static void one_payment(int n, apr_status_t rv, int lost)
{
    const char *id;
    srv_txn_t *t;

    tds_mem_fail(world.mem, n, rv, lost);
    world.status = "C";
    id = any_create();
    any_authenticate(id);
    assert_true(world.areqs <= 1);
    t = record(id);
    if (t->state == SRV_ST_CHALLENGE) {
        any_rreq(id);
        t = record(id);
        assert_int_equal(t->state, SRV_ST_FINAL);
        assert_int_equal(t->end, SRV_END_RESULT);
        tds_mem_fail(world.mem, 1000000, APR_SUCCESS, 0);
        is(get(id, 0), "authenticationValue", VALUE);
    }
    else assert_true(t->state == SRV_ST_FINAL || t->state == SRV_ST_READY);
    assert_true(world.areqs <= 1);
}

static void every_operation(void **state)
{
    int n, lost;

    for (lost = 0; lost <= 1; ++lost) {
        for (n = 1; n <= 12; ++n) {
            assert_int_equal(unit_teardown(state), 0);
            assert_int_equal(world_setup(state), 0);
            one_payment(n, APR_TIMEUP, lost);
        }
    }
}

/* Somebody spoils a stored record: nothing of it is believed. */
static void spoiled(void **state)
{
    const char *id = challenge();
    apr_size_t len;
    unsigned char *bytes = tds_mem_bytes(world.mem, apr_psprintf(pool, "srv:{%.2s}:t:%s", id, id), &len);
    srv_answer_t a = {0};

    assert_non_null(bytes);
    bytes[len - 1] ^= 1;
    srv_run_get(&run, id, 0, &a);
    (void)json_of(&a, 503);
    is(results(rreq_text(id, "Y", "")), "errorCode", "404");
    assert_true(metric(SRV_M_TAMPERED) > 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(every_operation, world_setup, unit_teardown),
    cmocka_unit_test_setup_teardown(spoiled, world_setup, unit_teardown),
};

UNIT_MAIN(tests)
