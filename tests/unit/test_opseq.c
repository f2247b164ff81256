/* Sequences of operation messages (N-02), at the memory store. */
#include "unit.h"
#include "tds_ops.h"
#include "tds_opseq.h"
#include "tds_store_mem.h"

#define KEY  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SEQ  "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
#define SEQ2 "a25084f0-5b16-4c0a-ae5d-b24808a95e4b"

static apr_time_t clock_now;
static tds_mem_t *mem;
static tds_keys_t *keys;
static tds_store_t *store;

static apr_time_t now_is(void)
{
    return clock_now;
}

static int setup(void **state)
{
    if (unit_setup(state)) return -1;
    clock_now = apr_time_from_sec(1700000000);
    keys = tds_keys_make(pool);
    if (tds_keys_add(keys, KEY, &err) != APR_SUCCESS) return -1;
    mem = tds_mem_make(now_is, pool);
    store = tds_store_make(&tds_store_mem_ops, mem, "acs", keys, now_is, pool);
    return 0;
}

static tds_opseq_e take_of(const char *ds, tds_ver_e version, const char *seq, const char *num, const char *total)
{
    tds_msg_t *oreq = tds_msg_make(TDS_MSG_OREQ, version, pool);
    tds_opseq_e what;

    tds_msg_set_json(oreq, TDS_E_OP_SEQ, json_pack("{s:s,s:s,s:s}", "seqId", seq, "seqNum", num, "seqTotal", total));
    assert_ok(tds_opseq_take(&what, store, keys, ds, oreq, pool, &err));
    return what;
}

static tds_opseq_e take(const char *num, const char *total)
{
    return take_of("scheme", TDS_V231, SEQ, num, total);
}

static void in_order(void **state)
{
    assert_int_equal(take("01", "01"), TDS_OPSEQ_COMPLETE);
    assert_int_equal(take("01", "03"), TDS_OPSEQ_WAIT);
    assert_int_equal(take("02", "03"), TDS_OPSEQ_WAIT);
    assert_int_equal(take("03", "03"), TDS_OPSEQ_COMPLETE);
    assert_int_equal(take("01", "02"), TDS_OPSEQ_WAIT); /* over: the id may come again */
}

/* A gap, the same again, backwards, another total, above the total, not from the beginning: broken, and forgotten. */
static void broken(void **state)
{
    static const char *const second[][2] = {{"03", "03"}, {"01", "03"}, {"02", "04"}, {"02", "02"}};
    int i;

    for (i = 0; i < COUNT(second); ++i) {
        assert_int_equal(take("01", "03"), TDS_OPSEQ_WAIT);
        assert_int_equal(take(second[i][0], second[i][1]), TDS_OPSEQ_BROKEN);
        assert_int_equal(take("02", "03"), TDS_OPSEQ_BROKEN);
    }
    assert_int_equal(take("02", "03"), TDS_OPSEQ_BROKEN);
    assert_int_equal(take("02", "01"), TDS_OPSEQ_BROKEN);
    assert_int_equal(take("01", "99"), TDS_OPSEQ_WAIT);
}

static void apart(void **state)
{
    assert_int_equal(take("01", "02"), TDS_OPSEQ_WAIT);
    assert_int_equal(take_of("other", TDS_V231, SEQ, "02", "02"), TDS_OPSEQ_BROKEN);
    assert_int_equal(take_of("scheme", TDS_V231, SEQ2, "02", "02"), TDS_OPSEQ_BROKEN);
    assert_int_equal(take("02", "02"), TDS_OPSEQ_COMPLETE);
}

/* Another version is a fault of that message; the sequence waits for the right one. */
static void version(void **state)
{
    assert_int_equal(take("01", "02"), TDS_OPSEQ_WAIT);
    assert_int_equal(take_of("scheme", TDS_V220, SEQ, "02", "02"), TDS_OPSEQ_VERSION);
    assert_int_equal(take("02", "02"), TDS_OPSEQ_COMPLETE);
}

static void forgotten(void **state)
{
    assert_int_equal(take("01", "03"), TDS_OPSEQ_WAIT);
    clock_now += apr_time_from_sec(3500);
    assert_int_equal(take("02", "03"), TDS_OPSEQ_WAIT);
    clock_now += apr_time_from_sec(3601);
    assert_int_equal(take("03", "03"), TDS_OPSEQ_BROKEN);
}

static void no_store(void **state)
{
    tds_msg_t *oreq = tds_msg_make(TDS_MSG_OREQ, TDS_V231, pool);
    tds_opseq_e what;

    tds_msg_set_json(oreq, TDS_E_OP_SEQ, json_pack("{s:s,s:s,s:s}", "seqId", SEQ, "seqNum", "01", "seqTotal", "02"));
    tds_mem_fail(mem, 1, APR_TIMEUP, 0);
    assert_int_not_equal(tds_opseq_take(&what, store, keys, "scheme", oreq, pool, &err), APR_SUCCESS);
}

/* What goes to the log of a message that names a card. */
static void no_card_in_the_text(void **state)
{
    const tds_ops_t ops = {.store = store,
                           .keys = keys,
                           .rnd = tds_rand_bytes,
                           .ds = "scheme",
                           .id_elem = TDS_E_ACS_TRANS_ID,
                           .ref_elem = TDS_E_ACS_REFERENCE_NUMBER,
                           .reference = "REF"};
    tds_msg_t *oreq = tds_msg_make(TDS_MSG_OREQ, TDS_V231, pool);
    tds_ops_answer_t answer;

    tds_msg_set(oreq, TDS_E_DS_TRANS_ID, SEQ2);
    tds_msg_set(oreq, TDS_E_OP_DESCRIPTION, "stolen: 4111111111111111");
    tds_msg_set_json(oreq, TDS_E_OP_SEQ, json_pack("{s:s,s:s,s:s}", "seqId", SEQ, "seqNum", "01", "seqTotal", "01"));
    assert_ok(tds_ops_take(&ops, oreq, &answer, pool, &err));
    assert_non_null(strstr(answer.text, "stolen: ************1111"));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(in_order), CASE(broken), CASE(apart), CASE(version), CASE(forgotten), CASE(no_store),
                                       CASE(no_card_in_the_text)};
    int failed;

    if (apr_initialize() != APR_SUCCESS) return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
