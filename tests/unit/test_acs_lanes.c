/* The lanes of the ACS engine: steps in the background, deliveries, and who sends. */
#include "unit.h"
#include "acs_world.h"

/* A step in the background reports nothing: it is saved, and what must leave is due at once in the other lane. */
static void step_sends_nothing(void **state)
{
    json_t *ares = challenge();

    world.now += world.conf.first_creq_timeout;
    assert_int_equal(due_in(TDS_LANE_STEPS)->nelts, 1);
    assert_int_equal(record(ares)->state, ACS_ST_REPORTING);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(due_in(TDS_LANE_STEPS)->nelts, 0);
    assert_int_equal(due_in(TDS_LANE_OUT)->nelts, 1);
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    world.now += world.conf.lease;
    assert_int_equal(due(), 0);
}

static int couriers, reserved;
static char *handed;

static int reserve(void)
{
    reserved += couriers > 0;
    return couriers > 0;
}

static void hand(const char *id)
{
    --reserved;
    if (id) handed = apr_pstrdup(pool, id);
}

/* With an idle delivery thread: it is handed over under the lease of who made the step, and nobody else sends. */
static void step_hands_over(void **state)
{
    static const acs_courier_t courier = {reserve, hand};
    json_t *ares = challenge();
    const char *id = tds_json_get(ares, "acsTransID");

    couriers = 1;
    handed = NULL;
    world.now += world.conf.first_creq_timeout;
    fresh_run();
    run.courier = &courier;
    acs_run_due(&run, id);
    assert_string_equal(handed, id);
    assert_int_equal(reserved, 0);
    assert_int_equal(due_in(TDS_LANE_OUT)->nelts, 0); /* leased */
    assert_int_equal(world.rreqs, 0);
    fresh_run();
    acs_run_delivery(&run, id, 1);
    assert_int_equal(world.rreqs, 1);
    assert_int_equal(record(ares)->state, ACS_ST_FINAL);
    handed = NULL;
    fresh_run();
    run.courier = &courier;
    acs_run_due(&run, id); /* nothing is due any more: the thread is given back */
    assert_null(handed);
    assert_int_equal(reserved, 0);
}

static void none_idle(void **state)
{
    static const acs_courier_t courier = {reserve, hand};
    json_t *ares = challenge();

    couriers = 0;
    handed = NULL;
    world.now += world.conf.first_creq_timeout;
    fresh_run();
    run.courier = &courier;
    acs_run_due(&run, tds_json_get(ares, "acsTransID"));
    assert_null(handed);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(due_in(TDS_LANE_OUT)->nelts, 1);
    assert_int_equal(world.rreqs, 1);
}

/* Whoever was handed the id and comes too late leaves it to who claims it. */
static void handed_too_late(void **state)
{
    static const acs_courier_t courier = {reserve, hand};
    json_t *ares = challenge();
    const char *id = tds_json_get(ares, "acsTransID");

    couriers = 1;
    world.now += world.conf.first_creq_timeout;
    fresh_run();
    run.courier = &courier;
    acs_run_due(&run, id);
    couriers = 0;
    world.now += world.conf.lease;
    fresh_run();
    acs_run_delivery(&run, id, 1);
    assert_int_equal(world.rreqs, 0);
    assert_int_equal(due(), 1);
    assert_int_equal(world.rreqs, 1);
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
    T(step_sends_nothing), T(step_hands_over), T(none_idle), T(handed_too_late),
#undef T
};
UNIT_MAIN(tests)
