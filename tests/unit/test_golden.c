/* The golden corpus: tests/golden/<version>/<message>/{ok,bad}-<what>/ with
 *   input.json  the bytes as received
 *   expect      first line "ok" or "CODE DETAIL"; further lines about the Erro that answers it:
 *               erro-ids A,B | erro-type NAME or none | erro-version V
 *   context     optional, one setting per line:
 *               accept TYPE,... | versions V,... | must V | leg A->B | prior MSG.element VALUE
 *               extension ID | flag NAME | match CODE ELEMENT VALUE (ids of the transaction)
 * Expectations are written from the rules of the protocol, never from what the code does. */
#include "msg_case.h"
#include <apr_file_info.h>
#include <apr_file_io.h>

static char *slurp(const case_t *c, const char *name, apr_size_t *len)
{
    apr_file_t *f;
    apr_finfo_t info;
    char *buf;

    if (apr_file_open(&f, apr_pstrcat(c->pool, c->dir, "/", name, NULL), APR_FOPEN_READ, 0,
                      c->pool) != APR_SUCCESS)
        return NULL;
    assert_int_equal(apr_file_info_get(&info, APR_FINFO_SIZE, f), APR_SUCCESS);
    buf = apr_palloc(c->pool, (apr_size_t)info.size + 1);
    *len = (apr_size_t)info.size;
    if (*len) assert_int_equal(apr_file_read_full(f, buf, *len, NULL), APR_SUCCESS);
    buf[*len] = '\0';
    apr_file_close(f);
    return buf;
}

static void read_context(case_t *c)
{
    apr_size_t len;
    char *text = slurp(c, "context", &len), *line, *last;

    if (!text) return;
    for (line = apr_strtok(text, "\n", &last); line; line = apr_strtok(NULL, "\n", &last))
        setting(c, line);
}

/* ---- the Erro that answers --------------------------------------------- */

static const char *ids_of(const tds_msg_t *erro, apr_pool_t *pool)
{
    static const tds_elem_e ids[] = {TDS_E_THREE_DS_SERVER_TRANS_ID, TDS_E_DS_TRANS_ID,
                                     TDS_E_ACS_TRANS_ID, TDS_E_SDK_TRANS_ID};
    const char *list = "";
    int i;

    for (i = 0; i < 4; ++i)
        if (tds_msg_get(erro, ids[i]))
            list = apr_pstrcat(pool, list, *list ? "," : "", tds_elem_name(ids[i]), NULL);
    return list;
}

static void expect_about_erro(case_t *c, tds_msg_t *erro, char *line)
{
    char *want = strchr(line, ' ');
    const char *have = "?";

    if (want)
        *want++ = '\0';
    else
        want = line + strlen(line);
    if (!strcmp(line, "erro-ids")) have = ids_of(erro, c->pool);
    if (!strcmp(line, "erro-type")) have = tds_msg_get(erro, TDS_E_ERROR_MESSAGE_TYPE);
    if (!strcmp(line, "erro-version")) have = tds_msg_get(erro, TDS_E_MESSAGE_VERSION);
    if (!have) have = "none";
    if (strcmp(have, want)) complain(c, "%s: got \"%s\", expected \"%s\"", line, have, want);
}

/* Whatever came in, the Erro is valid and tells what the report says. */
static void check_erro(case_t *c, const tds_msg_t *faulty, const tds_err_t *err, char **more)
{
    tds_erro_t in = {.component = 'A', .err = err, .faulty = faulty, .versions = c->rules.versions};
    tds_msg_t *erro = tds_erro_make(&in, c->pool), *back;
    tds_err_t bad;
    const char *bytes;
    apr_size_t len;
    char *line;

    tds_err_init(&bad, c->pool);
    if (tds_msg_encode(&bytes, &len, erro, NULL, c->pool, &bad) != APR_SUCCESS) {
        complain(c, "Erro not valid: %d %s", bad.proto, bad.elements);
        return;
    }
    if (tds_msg_decode(&back, bytes, len, NULL, c->pool, &bad) != APR_SUCCESS)
        complain(c, "Erro not accepted");
    if (strtol(tds_msg_get(erro, TDS_E_ERROR_CODE), NULL, 10) != err->proto)
        complain(c, "Erro has another code");
    while ((line = apr_strtok(NULL, "\n", more)))
        expect_about_erro(c, erro, line);
}

/* ---- a case
 * ------------------------------------------------------------------------------------------------
 */

static void verdict(case_t *c, const tds_msg_t *msg, apr_status_t rv, const tds_err_t *err)
{
    char *last, *want = apr_strtok(c->expect, "\n", &last);
    const char *have = "ok";

    if (rv != APR_SUCCESS)
        have = apr_psprintf(c->pool, "%d%s%s", err->proto, err->elements ? " " : "",
                            err->elements ? err->elements : "");
    if (!want || strcmp(have, want))
        complain(c, "got \"%s\", expected \"%s\"", have, want ? want : "");
    else if (rv != APR_SUCCESS)
        check_erro(c, msg, err, &last);
}

static void run_case(const char *dir, apr_pool_t *parent)
{
    case_t *c;
    apr_pool_t *pool;
    apr_size_t len, n;
    char *input, *exact;
    tds_msg_t *msg;
    tds_err_t err;
    apr_status_t rv;

    apr_pool_create(&pool, parent);
    c = apr_pcalloc(pool, sizeof(*c));
    c->pool = pool;
    c->dir = dir;
    tds_err_init(&err, pool);
    read_context(c);
    input = slurp(c, "input.json", &len);
    c->expect = slurp(c, "expect", &n);
    if (!input || !c->expect) {
        complain(c, "input.json or expect is missing");
    }
    else {
        exact = malloc(len ? len : 1); /* so that an overrun is seen */
        memcpy(exact, input, len);
        rv = tds_msg_decode(&msg, exact, len, &c->rules, pool, &err);
        if (rv == APR_SUCCESS && c->nmatch)
            rv = tds_msg_match(msg, c->match, c->nmatch, c->match_code, &err);
        free(exact);
        verdict(c, msg, rv, &err);
        ++cases;
    }
    apr_pool_destroy(pool);
}

static void walk(const char *dir, int depth, apr_pool_t *pool)
{
    apr_dir_t *d;
    apr_finfo_t f;

    assert_int_equal(apr_dir_open(&d, dir, pool), APR_SUCCESS);
    while (apr_dir_read(&f, APR_FINFO_NAME | APR_FINFO_TYPE, d) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, dir, "/", f.name, NULL);

        if (f.filetype != APR_DIR || f.name[0] == '.') continue;
        if (depth < 2)
            walk(path, depth + 1, pool);
        else
            run_case(path, pool);
    }
    apr_dir_close(d);
}

static void golden(void **state)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    walk(SRCDIR "/tests/golden", 0, pool);
    apr_pool_destroy(pool);
    printf("%d golden cases, %d complaints\n", cases, failures);
    assert_true(cases > 0);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden)};

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
