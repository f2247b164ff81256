/* Card sources: what a row says, from a file and from Redis. */
#include "unit.h"
#include <sys/stat.h>
#include "acs_world.h"

static apr_table_t *row;

static int setup(void **state)
{
    if (world_setup(state)) return -1;
    row = apr_table_make(pool, 8);
    return 0;
}

/* Through the batch, as acs_gather does. */
static apr_status_t from_redis(acs_card_t *card)
{
    acs_card_redis_t src = {.keys = world.keys};
    tds_store_read_t read;

    tds_mem_hash(world.mem, apr_pstrcat(pool, "acs:card:", acs_card_index(world.keys, PAN, pool), NULL), row);
    assert_ok(acs_card_redis.want(&src, PAN, &read, pool, &err));
    assert_null(strstr(read.name, PAN));
    assert_ok(tds_store_batch(run.store, &read, 1, pool, &err));
    return acs_card_redis.take(&read, card, pool, &err);
}

static void from_file(const char *json, acs_card_t *card)
{
    const char *path = "test_acs_card.json";
    FILE *f = fopen(path, "w");
    void *baton;

    assert_non_null(f);
    assert_int_equal(chmod(path, 0600), 0);
    fprintf(f, "{\"cards\":{\"" PAN "\":%s}}", json);
    fclose(f);
    assert_ok(acs_card_file_load(&baton, path, pool, &err));
    assert_ok(acs_card_file.find(baton, PAN, card, pool, &err));
    (void)remove(path);
}

static void judge(const acs_card_t *card)
{
    assert_int_equal(card->status, ACS_CARD_ACTIVE);
    assert_string_equal(card->group, "gold");
    assert_string_equal(card->ref, "customer-7");
    assert_string_equal(card->methods, "oob otp");
    assert_string_equal(card->rp_id, "bank.example");
    assert_int_equal(json_array_size(card->credentials), 1);
    assert_string_equal(tds_json_get(json_array_get(card->credentials, 0), "id"), "AAEC");
    assert_null(card->phone);
    assert_null(card->trust_status);
    assert_null(card->device_binding);
    assert_null(card->csc_status);
}

#define CREDENTIALS "[{\"id\":\"AAEC\",\"publicKey\":\"MFkw\"}]"

static void members(void **state)
{
    acs_card_t card;

    apr_table_setn(row, "status", "active");
    apr_table_setn(row, "group", "gold");
    apr_table_setn(row, "ref", "customer-7");
    apr_table_setn(row, "methods", "oob otp");
    apr_table_setn(row, "rpId", "bank.example");
    apr_table_setn(row, "credentials", CREDENTIALS);
    assert_ok(from_redis(&card));
    judge(&card);
    from_file("{\"group\":\"gold\",\"ref\":\"customer-7\",\"methods\":\"oob otp\",\"rpId\":\"bank.example\","
              "\"credentials\":" CREDENTIALS "}",
              &card);
    judge(&card);
}

/* What is no list is no credential; the card is one all the same. */
static void bad_credentials(void **state)
{
    static const char *const bad[] = {"", "x", "{}", "[", "\"AAEC\"", "[}"};
    acs_card_t card;
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        apr_table_setn(row, "credentials", bad[i]);
        assert_ok(from_redis(&card));
        assert_int_equal(card.status, ACS_CARD_ACTIVE);
        assert_null(card.credentials);
    }
}

static void statuses(void **state)
{
    static const struct {
        const char *word;
        acs_card_status_e status;
    } cases[] = {{"active", ACS_CARD_ACTIVE},   {"blocked", ACS_CARD_BLOCKED}, {"notEnrolled", ACS_CARD_NOT_ENROLLED},
                 {"Active", ACS_CARD_BLOCKED}, {"", ACS_CARD_BLOCKED}}; /* an unknown word: the safe side */
    acs_card_t card;
    int i;

    for (i = 0; i < COUNT(cases); ++i) {
        apr_table_setn(row, "status", cases[i].word);
        assert_ok(from_redis(&card));
        assert_int_equal(card.status, cases[i].status);
    }
}

/* In a file an administrator has written: what is not known is a mistake. null is as good as absent. */
static void null_status(void **state)
{
    acs_card_t card;

    from_file("{\"status\":null}", &card);
    assert_int_equal(card.status, ACS_CARD_ACTIVE);
}

/* What is no card is a fault of the file, and which one it is is told without its number. */
static void bad_files(void **state)
{
    static const char *const bad[] = {"\"" PAN "\":null", "\"" PAN "\":\"blocked\"", "\"" PAN "\":[]", "\"4000 0000 0000 0002\":{}",
                                      "\"400000000002\":{}", "\"" PAN "\":{\"status\":5}", "\"" PAN "\":{\"status\":\"Active\"}",
                                      "\"" PAN "\":{\"status\":[\"active\"]}", "\"" PAN "\":{\"grup\":\"x\"}",
                                      "\"" PAN "\":{\"credentials\":\"AAEC\"}", "\"" PAN "\":{\"phone\":1}"};
    void *baton;
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        FILE *f = fopen("test_acs_card.json", "w");

        assert_non_null(f);
        assert_int_equal(chmod("test_acs_card.json", 0600), 0);
        fprintf(f, "{\"cards\":{\"4000000000000010\":{},%s}}", bad[i]);
        fclose(f);
        tds_err_clear(&err);
        assert_int_equal(acs_card_file_load(&baton, "test_acs_card.json", pool, &err), APR_EINVAL);
        assert_non_null(strstr(err.detail, "card 2: "));
        assert_null(strstr(err.detail, "4000"));
    }
    assert_int_equal(chmod("test_acs_card.json", 0644), 0); /* anybody could read it */
    tds_err_clear(&err);
    assert_int_equal(acs_card_file_load(&baton, "test_acs_card.json", pool, &err), APR_EACCES);
    (void)remove("test_acs_card.json");
}

static void unknown(void **state)
{
    acs_card_redis_t src = {.keys = world.keys};
    tds_store_read_t read;
    acs_card_t card;
    void *baton;

    assert_ok(acs_card_redis.want(&src, PAN, &read, pool, &err));
    assert_ok(tds_store_batch(run.store, &read, 1, pool, &err));
    assert_ok(acs_card_redis.take(&read, &card, pool, &err));
    assert_int_equal(card.status, ACS_CARD_UNKNOWN);
    read.rv = APR_EINVAL; /* a key of another type */
    assert_int_equal(acs_card_redis.take(&read, &card, pool, &err), APR_EINVAL);
    assert_int_equal(acs_card_file_load(&baton, "/nowhere/cards.json", pool, &err) == APR_SUCCESS, 0);
}

/* The engine, with a card out of Redis: in the one batch there is. */
static void in_the_batch(void **state)
{
    acs_card_redis_t src = {.keys = world.keys};
    int before;

    apr_table_setn(row, "status", "blocked");
    tds_mem_hash(world.mem, apr_pstrcat(pool, "acs:card:", acs_card_index(world.keys, PAN, pool), NULL), row);
    world.issuer.card_ops = &acs_card_redis;
    world.issuer.card_baton = &src;
    before = tds_mem_ops(world.mem);
    is(areq(), "transStatus", "R");
    assert_int_equal(tds_mem_ops(world.mem) - before, 2);
    tds_mem_fail(world.mem, 1, APR_TIMEUP, 0);
    is(areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e4c", "")), "errorCode", "403");
}

#define CARD(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {CARD(members), CARD(bad_credentials), CARD(statuses), CARD(null_status), CARD(bad_files), CARD(unknown), CARD(in_the_batch)};
UNIT_MAIN(tests)
