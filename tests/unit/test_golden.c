/* The golden corpus: tests/golden/<version>/<message>/{ok,bad}-<what>/ with
 *   input.json  the bytes as received
 *   expect      first line "ok" or "CODE DETAIL"; further lines about the Erro that answers it:
 *               erro-ids A,B | erro-type NAME or none | erro-version V
 *   context     optional, one setting per line:
 *               accept TYPE,... | versions V,... | must V | leg A->B | prior MSG.element VALUE
 *               extension ID | flag NAME | match CODE ELEMENT VALUE (ids of the transaction)
 * Expectations are written from the rules of the protocol, never from what the code does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include "tds_msg.h"

#define PRIOR_MAX 32

typedef struct case_t {
    apr_pool_t *pool;
    const char *dir;
    tds_msg_rules_t rules;
    tds_prior_t prior[PRIOR_MAX], match[PRIOR_MAX];
    int nmatch, match_code;
    const char *extensions[PRIOR_MAX];
    int nextensions;
    char *expect;
} case_t;

static int cases, failures;

static void complain(const case_t *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(const case_t *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s: %s\n", c->dir, apr_pvsprintf(c->pool, fmt, ap));
    va_end(ap);
    ++failures;
}

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

static unsigned bits(case_t *c, char *list, int (*find)(const char *))
{
    unsigned mask = 0;
    char *last, *word;

    for (word = apr_strtok(list, ",", &last); word; word = apr_strtok(NULL, ",", &last)) {
        if (!find(word)) complain(c, "context: %s?", word);
        mask |= 1u << find(word);
    }
    return mask;
}

static int find_type(const char *s)
{
    return (int)tds_msg_type_find(s);
}

static int find_version(const char *s)
{
    return (int)tds_ver_parse(s);
}

static tds_leg_e find_leg(case_t *c, const char *s)
{
    static const char *const legs[] = {"",
                                       "3DS Server->DS",
                                       "DS->ACS",
                                       "ACS->DS",
                                       "DS->3DS Server",
                                       "3DS Requestor->ACS",
                                       "ACS->3DS Requestor"};
    int i;

    for (i = 1; i < 7; ++i)
        if (!strcmp(s, legs[i])) return (tds_leg_e)i;
    complain(c, "context: leg %s?", s);
    return TDS_LEG_NONE;
}

static void set_prior(case_t *c, char *rest)
{
    char *value = strchr(rest, ' '), *dot = strchr(rest, '.');
    tds_prior_t *p = &c->prior[c->rules.nprior];

    *value++ = *dot++ = '\0';
    p->msg = tds_msg_type_find(rest);
    p->elem = tds_elem_find(dot, strlen(dot));
    p->value = value;
    if (!p->msg || !p->elem) complain(c, "context: %s.%s?", rest, dot);
    c->rules.prior = c->prior;
    c->rules.nprior++;
}

static void set_match(case_t *c, char *rest)
{
    char *last, *code = apr_strtok(rest, " ", &last), *name = apr_strtok(NULL, " ", &last);
    tds_prior_t *p = &c->match[c->nmatch++];

    c->match_code = (int)strtol(code, NULL, 10);
    p->elem = tds_elem_find(name, strlen(name));
    p->value = apr_strtok(NULL, " ", &last);
    if (!p->elem || !p->value) complain(c, "context: match %s?", name);
}

static unsigned find_flag(case_t *c, const char *s)
{
    if (!strcmp(s, "strict-condition")) return TDS_RULE_STRICT_CONDITION;
    if (!strcmp(s, "lax-absent")) return TDS_RULE_LAX_ABSENT;
    if (!strcmp(s, "lax-exponent")) return TDS_RULE_LAX_EXPONENT;
    complain(c, "context: flag %s?", s);
    return 0;
}

static void setting(case_t *c, char *line)
{
    char *rest = strchr(line, ' ');

    if (!rest) {
        complain(c, "context: %s?", line);
        return;
    }
    *rest++ = '\0';
    if (!strcmp(line, "accept"))
        c->rules.accept = bits(c, rest, find_type);
    else if (!strcmp(line, "versions"))
        c->rules.versions = bits(c, rest, find_version);
    else if (!strcmp(line, "must"))
        c->rules.version_must = tds_ver_parse(rest);
    else if (!strcmp(line, "leg"))
        c->rules.leg = find_leg(c, rest);
    else if (!strcmp(line, "prior"))
        set_prior(c, rest);
    else if (!strcmp(line, "match"))
        set_match(c, rest);
    else if (!strcmp(line, "flag"))
        c->rules.flags |= find_flag(c, rest);
    else if (!strcmp(line, "extension"))
        c->extensions[c->nextensions++] = rest;
    else
        complain(c, "context: %s?", line);
    c->rules.extensions = c->extensions;
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
