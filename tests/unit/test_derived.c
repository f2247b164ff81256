/* Cases made by tests/derived/derive.py: test_derived FILE. */
#include "msg_case.h"
#include <apr_file_io.h>

#define SHOWN 40 /* complaints in full */

static const char *file;

static int count(const char *list)
{
    int n = 1;

    for (; *list; ++list) n += *list == ',';
    return n;
}

static int holds(const char *list, const char *word, size_t len)
{
    const char *p = list;

    for (; (p = strstr(p, word)); ++p) {
        if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ',')) return 1;
    }
    return 0;
}

/* The same names, in whatever order. */
static int same_names(const char *a, const char *b, apr_pool_t *pool)
{
    char *last, *word;

    if (count(a) != count(b)) return 0;
    for (word = apr_strtok(apr_pstrdup(pool, b), ",", &last); word; word = apr_strtok(NULL, ",", &last)) {
        if (!holds(a, word, strlen(word))) return 0;
    }
    return 1;
}

static void run_case(case_t *base, char *line, apr_pool_t *pool)
{
    char *want = strchr(line, '\t'), *text, *names;
    const char *have = "";
    tds_msg_t *msg;
    tds_err_t err;
    int code, got;

    *want++ = '\0';
    text = strchr(want, '\t');
    *text++ = '\0';
    code = strcmp(want, "ok") ? (int)strtol(want, &names, 10) : 0;
    names = code ? names + 1 : want + 2;
    tds_err_init(&err, pool);
    got = tds_msg_decode(&msg, text, strlen(text), &base->rules, pool, &err) == APR_SUCCESS ? 0 : err.proto;
    have = got && err.elements ? err.elements : "";
    ++cases;
    if (got == code && (!code || same_names(have, names, pool))) return;
    if (++failures <= SHOWN) fprintf(stderr, "%s %s: got %d %s, expected %s\n", base->dir, line, got, have, want);
}

static void derived(void **state)
{
    apr_pool_t *pool, *each;
    apr_file_t *f;
    apr_finfo_t info;
    case_t *base = NULL;
    char *text, *line, *last;

    apr_pool_create(&pool, NULL);
    apr_pool_create(&each, pool);
    assert_int_equal(apr_file_open(&f, file, APR_FOPEN_READ, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_file_info_get(&info, APR_FINFO_SIZE, f), APR_SUCCESS);
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    assert_int_equal(apr_file_read_full(f, text, (apr_size_t)info.size, NULL), APR_SUCCESS);
    text[info.size] = '\0';
    for (line = apr_strtok(text, "\n", &last); line; line = apr_strtok(NULL, "\n", &last)) {
        if (!strncmp(line, "base ", 5)) {
            base = apr_pcalloc(pool, sizeof(*base));
            base->pool = pool;
            base->dir = line + 5;
        }
        else if (!strncmp(line, "context ", 8)) setting(base, line + 8);
        else {
            run_case(base, line + 5, each);
            apr_pool_clear(each);
        }
    }
    printf("%d derived cases, %d complaints\n", cases, failures);
    assert_true(cases > 1000);
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(derived)};

    if (argc != 2) return 2;
    file = argv[1];
    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
