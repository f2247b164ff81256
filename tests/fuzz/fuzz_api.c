/* The requestor API: byte 0 picks the call, the rest is its body. The engine runs with the store in memory and a DS
 * that answers. Every answer is JSON, and none holds an account number. */
#include "unit.h"
#include "fuzz.h"
#include "srv_world.h"

#define WORLD_LIFE 2000 /* executions: the store in memory grows */

static const char usual[] = "{\"acctNumber\":\"" PAN "\",\"deviceChannel\":\"02\",\"messageCategory\":\"01\"}";

static void over(void)
{
    unit_teardown(NULL);
}

static void begin(void)
{
    static int age;

    if (pool && ++age % WORLD_LIFE) {
        world_forget();
        return;
    }
    if (pool)
        unit_teardown(NULL);
    else
        MUST(atexit(over) == 0);
    MUST(world_setup(NULL) == 0);
}

static void checked(const srv_answer_t *a)
{
    tds_err_t e;
    json_t *root;

    MUST(a->status >= 200 && a->status < 600);
    if (a->kind != SRV_BODY_JSON) return;
    tds_err_init(&e, run.pool);
    MUST(strlen(a->body) == a->len && tds_json_parse(&root, a->body, a->len, run.pool, &e) == APR_SUCCESS);
    MUST(a->status < 400 || tds_json_get(root, "errorCode"));
}

/* A transaction that waits for its authenticate. */
static const char *created(void)
{
    srv_answer_t a = {0};
    tds_err_t e;
    json_t *root;

    srv_run_create(&run, usual, sizeof(usual) - 1, "application/json", NULL, &a);
    tds_err_init(&e, run.pool);
    MUST(tds_json_parse(&root, a.body, a.len, run.pool, &e) == APR_SUCCESS);
    return tds_json_get(root, "threeDSServerTransID");
}

static void one(const uint8_t *data, size_t size, apr_pool_t *here)
{
    static const char *const types[] = {"application/json", "application/json; charset=utf-8", NULL, "text/plain"};
    srv_answer_t a = {0};
    const char *type;
    char *body;

    if (size < 1) return;
    begin();
    run.pool = here;
    tds_err_init(&run_err, here);
    type = types[data[0] / 64];
    body = fuzz_exact(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        srv_run_versioning(&run, body, size - 1, type, &a);
        break;
    case 1:
        srv_run_create(&run, body, size - 1, type, data[0] & 4 ? "key" : NULL, &a);
        break;
    case 2:
        srv_run_authenticate(&run, created(), body, size - 1, type, &a);
        break;
    default:
        srv_run_results(&run, body, size - 1, &a);
    }
    free(body);
    checked(&a);
}
