/* Cases made by tests/derived/derive.py or tests/golden/expand.py: test_derived FILE. */
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

/* "NAME VERSION CASE", tab, expected, tab, object */
static void run_object(char *line, apr_pool_t *pool)
{
    char *last, *text = strchr(strchr(line, '\t') + 1, '\t') + 1;
    char *name = apr_strtok(line, " ", &last), *version = apr_strtok(NULL, " ", &last), *what = apr_strtok(NULL, "\t", &last);
    char *want = apr_strtok(NULL, "\t", &last);
    const char *have = "ok";
    json_t *root = NULL;
    tds_err_t err;

    tds_err_init(&err, pool);
    ++cases;
    if (tds_json_parse(&root, text, strlen(text), pool, &err) != APR_SUCCESS) {
        if (err.proto == 204) return; /* twice the same member: not the check's affair */
        have = "not JSON";
    }
    else if (tds_object_check(name, tds_ver_parse(version), root, NULL, pool, &err) != APR_SUCCESS)
        have = apr_psprintf(pool, "%d %s", err.proto, err.elements ? err.elements : "");
    if (strlen(have) > 4 && strlen(want) > 4 ? !strncmp(have, want, 4) && same_names(have + 4, want + 4, pool) : !strcmp(have, want))
        return;
    if (++failures <= SHOWN) fprintf(stderr, "%s %s %s: got %s, expected %s\n", name, version, what, have, want);
}

static int nfacts;

static int fact_wanted(const char *type, const char *name)
{
    tds_prior_t row;
    int i;

    for (i = 0; tds_prior_wanted(i, &row); ++i) {
        if (!strcmp(tds_msg_type_text(row.msg), type) && !strcmp(tds_elem_name(row.elem), name)) return 1;
    }
    return 0;
}

/* "mask NAME KIND", "fact MSG NAME", "country CODE 0|1", "currency CODE ALPHA|- DIGITS" */
static void run_name(char *line, apr_pool_t *pool)
{
    static const char *const kinds[] = {"PLAIN", "PAN", "SECRET", "PERSONAL"};
    char *last, *what = apr_strtok(line, " ", &last), *name = apr_strtok(NULL, " ", &last);
    char *want = apr_strtok(NULL, " ", &last), *digits = apr_strtok(NULL, " ", &last);
    const char *have = "-";
    int good = 1;

    if (!strcmp(what, "mask")) have = kinds[tds_elem_mask(tds_elem_find(name, strlen(name)))];
    else if (!strcmp(what, "fact")) {
        good = fact_wanted(name, want);
        have = want;
        ++nfacts;
    }
    else if (!strcmp(what, "country")) have = tds_iso_assigned(NULL, TDS_ISO_COUNTRY, name) ? "1" : "0";
    else {
        if (tds_currency_alpha(name)) have = tds_currency_alpha(name);
        good = tds_currency_exponent(name) == (int)strtol(digits, NULL, 10) &&
               tds_iso_assigned(NULL, TDS_ISO_CURRENCY, name) == (*have != '-') &&
               (*have == '-' || tds_iso_assigned(NULL, TDS_ISO_CURRENCY_ALPHA, have));
    }
    ++cases;
    if (good && !strcmp(have, want)) return;
    if (++failures <= SHOWN) fprintf(stderr, "%s %s: got %s, expected %s\n", what, name, have, want);
}

static void derived(void **state)
{
    apr_pool_t *pool, *each;
    apr_file_t *f;
    apr_finfo_t info;
    case_t *base = NULL;
    char *text, *line, *last;
    tds_prior_t beyond;

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
            if (!strncmp(line, "case ", 5)) run_case(base, line + 5, each);
            else if (!strncmp(line, "object ", 7)) run_object(line + 7, each);
            else run_name(line, each);
            apr_pool_clear(each);
        }
    }
    if (nfacts) assert_false(tds_prior_wanted(nfacts, &beyond)); /* no fact is kept for nothing */
    printf("%d cases, %d complaints\n", cases, failures);
    assert_true(cases > 100);
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
