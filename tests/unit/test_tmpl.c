/* Templates. Each case is a rule of Mustache, or one of ours where ours is stricter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_tmpl.h"

typedef struct case_t {
    const char *what, *text, *data, *expect;
    const char *partial[4]; /* name, text, name, text */
} case_t;

static apr_pool_t *pool;
static tds_err_t err;

static json_t *data_of(const char *text)
{
    json_t *data = NULL;
    tds_err_t e;

    tds_err_init(&e, pool);
    assert_int_equal(tds_json_parse(&data, text, strlen(text), pool, &e), APR_SUCCESS);
    return data;
}

static apr_status_t compile(tds_tmpl_t **t, const char *text, const char *const *partial, const tds_tmpl_opts_t *opts)
{
    tds_tmpl_set_t *set = tds_tmpl_set_mem(pool);
    char *exact = apr_pmemdup(pool, text, strlen(text)); /* no NUL behind it */
    int i;

    tds_tmpl_set_add(set, "main", exact, strlen(text));
    for (i = 0; partial && i < 4 && partial[i]; i += 2) {
        tds_tmpl_set_add(set, partial[i], partial[i + 1], strlen(partial[i + 1]));
    }
    tds_err_init(&err, pool);
    return tds_tmpl_compile(t, set, "main", opts, pool, &err);
}

static const char *rendered(const char *text, const char *data, const char *const *partial)
{
    static const tds_tmpl_opts_t trusted = {.trusted = 1};
    const char *out = NULL;
    apr_size_t len = 0;
    tds_tmpl_t *t = NULL;

    if (compile(&t, text, partial, &trusted) != APR_SUCCESS) return err.detail;
    if (tds_tmpl_render(&out, &len, t, data_of(data), pool, &err) != APR_SUCCESS) return err.detail;
    assert_int_equal(len, strlen(out));
    return out;
}

static void walk(const case_t *c, size_t n)
{
    for (; n--; c++) {
        const char *got = rendered(c->text, c->data, c->partial);

        if (strcmp(got, c->expect)) print_error("%s: got '%s', expected '%s'\n", c->what, got, c->expect);
        assert_string_equal(got, c->expect);
    }
}

#define WALK(cases) walk((cases), sizeof(cases) / sizeof *(cases))

static void test_values(void **state)
{
    static const case_t cases[] = {
        {"no tag", "plain {text}\n", "{}", "plain {text}\n", {0}},
        {"value", "a {{x}} b", "{\"x\":\"Q\"}", "a Q b", {0}},
        {"white space in the tag", "{{  x\t}}", "{\"x\":\"Q\"}", "Q", {0}},
        {"escaped", "{{x}}", "{\"x\":\"<&>\\\"'\"}", "&lt;&amp;&gt;&quot;&#39;", {0}},
        {"triple", "{{{ x }}}", "{\"x\":\"<&>\\\"'\"}", "<&>\"'", {0}},
        {"ampersand", "{{& x}}", "{\"x\":\"<\"}", "<", {0}},
        {"integer", "{{x}} {{y}}", "{\"x\":85,\"y\":-3}", "85 -3", {0}},
        {"decimal", "{{x}}", "{\"x\":1.21}", "1.21", {0}},
        {"null", "({{x}})", "{\"x\":null}", "()", {0}},
        {"absent", "({{x}})", "{}", "()", {0}},
        {"boolean", "{{x}} {{y}}", "{\"x\":true,\"y\":false}", "true false", {0}},
        {"object prints nothing", "({{x}})", "{\"x\":{\"y\":1}}", "()", {0}},
        {"dotted", "{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"Q\"}}}", "Q", {0}},
        {"broken chain", "({{a.b.c}})", "{\"a\":{\"c\":1}}", "()", {0}},
        {"chain is not resumed outside", "({{a.b.n}})", "{\"a\":{\"b\":{}},\"c\":{\"n\":1}}", "()", {0}},
        {"the first part decides", "{{#a}}({{b.c}}){{/a}}", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"no\"}}", "()", {0}},
        {"dots are never a key", "({{a.b}})", "{\"a.b\":1}", "()", {0}},
        {"a value keeps its line", "| \n {{x}}\n", "{\"x\":1}", "| \n 1\n", {0}},
        {"braces in text", "{ {{x}} }", "{\"x\":1}", "{ 1 }", {0}},
        {"not expanded twice", "{{x}}", "{\"x\":\"{{y}}\",\"y\":1}", "{{y}}", {0}},
        {"UTF-8", "\xe2\x80\xa2{{x}}", "{\"x\":\"\\u20ac\"}", "\xe2\x80\xa2\xe2\x82\xac", {0}},
    };

    WALK(cases);
}

static void test_sections(void **state)
{
    static const case_t cases[] = {
        {"true", "{{#x}}a{{/x}}", "{\"x\":true}", "a", {0}},
        {"false", "{{#x}}a{{/x}}", "{\"x\":false}", "", {0}},
        {"null", "{{#x}}a{{/x}}", "{\"x\":null}", "", {0}},
        {"absent", "{{#x}}a{{/x}}", "{}", "", {0}},
        {"empty text is no", "{{#x}}a{{/x}}{{^x}}b{{/x}}", "{\"x\":\"\"}", "b", {0}},
        {"zero is yes", "{{#x}}a{{/x}}", "{\"x\":0}", "a", {0}},
        {"object is a context", "{{#x}}{{y}}{{/x}}", "{\"x\":{\"y\":\"Q\"}}", "Q", {0}},
        {"outer names inside", "{{#x}}{{y}}{{z}}{{/x}}", "{\"x\":{\"y\":1},\"z\":2}", "12", {0}},
        {"inner name wins", "{{#x}}{{y}}{{/x}}", "{\"x\":{\"y\":1},\"y\":2}", "1", {0}},
        {"text is a context", "{{#x}}{{.}}{{/x}}", "{\"x\":\"<\"}", "&lt;", {0}},
        {"list", "{{#x}}{{y}};{{/x}}", "{\"x\":[{\"y\":1},{\"y\":2}]}", "1;2;", {0}},
        {"list of texts", "{{#x}}({{.}}){{/x}}", "{\"x\":[\"a\",1,2.5]}", "(a)(1)(2.5)", {0}},
        {"lists in a list", "{{#x}}({{#.}}{{.}}{{/.}}){{/x}}", "{\"x\":[[1,2],[3]]}", "(12)(3)", {0}},
        {"empty list", "{{#x}}a{{/x}}", "{\"x\":[]}", "", {0}},
        {"same section twice", "{{#x}}a{{/x}}-{{#x}}b{{/x}}", "{\"x\":true}", "a-b", {0}},
        {"nested", "{{#a}}1{{#b}}2{{/b}}3{{/a}}", "{\"a\":true,\"b\":true}", "123", {0}},
        {"nested, inner false", "{{#a}}1{{#b}}2{{/b}}3{{/a}}", "{\"a\":true}", "13", {0}},
        {"dotted", "{{#a.b}}Q{{/a.b}}", "{\"a\":{\"b\":true}}", "Q", {0}},
        {"dotted, broken", "({{#a.b.c}}Q{{/a.b.c}})", "{\"a\":{}}", "()", {0}},
        {"inverted true", "{{^x}}a{{/x}}", "{\"x\":true}", "", {0}},
        {"inverted absent", "{{^x}}a{{/x}}", "{}", "a", {0}},
        {"inverted empty list", "{{^x}}a{{/x}}", "{\"x\":[]}", "a", {0}},
        {"inverted object", "{{^x}}a{{/x}}", "{\"x\":{}}", "", {0}},
        {"inverted dotted", "{{^a.b}}Q{{/a.b}}", "{\"a\":{}}", "Q", {0}},
        {"deep context", "{{#a}}{{#b}}{{c}}{{d}}{{/b}}{{/a}}", "{\"a\":{\"b\":{\"c\":1}},\"d\":2}", "12", {0}},
        {"white space", "{{# x }}a{{/ x }}", "{\"x\":true}", "a", {0}},
    };

    WALK(cases);
}

static void test_lines(void **state)
{
    static const case_t cases[] = {
        {"a line of its own goes", "a\n{{#x}}\nb\n{{/x}}\nc", "{\"x\":true}", "a\nb\nc", {0}},
        {"indented too", "a\n  {{#x}}\nb\n\t{{/x}}\nc", "{\"x\":true}", "a\nb\nc", {0}},
        {"CRLF", "a\r\n{{#x}}\r\nb\r\n{{/x}}\r\n", "{\"x\":true}", "a\r\nb\r\n", {0}},
        {"first line", "{{#x}}\na{{/x}}\n", "{\"x\":true}", "a\n", {0}},
        {"last line without end", "a\n{{#x}}b\n  {{/x}}", "{\"x\":true}", "a\nb\n", {0}},
        {"not alone", " {{#x}} a {{/x}} \n", "{\"x\":true}", "  a  \n", {0}},
        {"two on a line are not alone", "{{#x}}{{/x}}\n", "{\"x\":true}", "\n", {0}},
        {"inverted", "a\n{{^x}}\nb\n{{/x}}\n", "{}", "a\nb\n", {0}},
        {"comment", "a\n  {{! c }}\nb", "{}", "a\nb", {0}},
        {"comment of some lines", "a\n{{!\n c\n d\n}}\nb", "{}", "a\nb", {0}},
        {"comment inside", "a{{! no }}b", "{}", "ab", {0}},
        {"comment keeps its spaces", "a {{! no }} b\n", "{}", "a  b\n", {0}},
        {"delimiters", "a\n {{=<% %>=}}\n<%x%>{{x}}\n", "{\"x\":1}", "a\n1{{x}}\n", {0}},
        {"delimiters and back", "{{=| |=}}|x|{{x}}|={{ }}=|{{x}}", "{\"x\":1}", "1{{x}}1", {0}},
        {"delimiters, spaces", "{{=   <   >   =}}(<x>)", "{\"x\":1}", "(1)", {0}},
        {"delimiters in a section", "{{#x}}{{=<< >>=}}a<</x>><<y>>", "{\"x\":1,\"y\":2}", "a2", {0}},
        {"triple with delimiters", "{{=| |=}}|{x}||& x|", "{\"x\":\"<\"}", "<<", {0}},
    };

    WALK(cases);
}

static void test_partials(void **state)
{
    static const case_t cases[] = {
        {"partial", "({{>p}})", "{\"x\":1}", "(1)", {"p", "{{x}}"}},
        {"absent", "({{>q}})", "{}", "()", {"p", ""}},
        {"sees the context", "{{#a}}{{> p }}{{/a}}", "{\"a\":{\"x\":1}}", "1", {"p", "{{x}}"}},
        {"recursion", "{{>n}}", "{\"c\":\"X\",\"n\":[{\"c\":\"Y\",\"n\":[]}]}", "X<Y<>>", {"n", "{{c}}<{{#n}}{{>n}}{{/n}}>"}},
        {"in a line", "a {{>p}} b\n", "{}", "a \tP\t b\n", {"p", "\tP\t"}},
        {"in a line keeps the rest", "  {{x}}  {{>p}}\n", "{\"x\":\"|\"}", "  |  >\n>\n", {"p", ">\n>"}},
        {"indented", "\\\n {{>p}}\n/\n", "{\"x\":\"<\\n->\"}", "\\\n |\n <\n->\n |\n/\n", {"p", "|\n{{{x}}}\n|\n"}},
        {"indented, no end of line", "  {{>p}}", "{}", "  >\n  >", {"p", ">\n>"}},
        {"indented twice", " {{>p}}\n", "{}", " a\n  b\n", {"p", "a\n {{>q}}\n", "q", "b\n"}},
        {"indented, section inside", " {{>p}}\n", "{\"x\":[1,2]}", " [\n 1\n 2\n ]\n", {"p", "[\n{{#x}}\n{{.}}\n{{/x}}\n]\n"}},
        {"own delimiters", "{{=| |=}}|>p|", "{\"x\":1}", "1", {"p", "{{x}}"}},
        {"its delimiters end with it", "{{>p}}{{x}}", "{\"x\":1}", "11", {"p", "{{=| |=}}|x|"}},
    };

    WALK(cases);
}

static void test_inheritance(void **state)
{
    static const case_t cases[] = {
        {"block alone", "{{$b}}d{{/b}}", "{}", "d", {0}},
        {"default", "{{<p}}{{/p}}", "{}", "d", {"p", "{{$b}}d{{/b}}"}},
        {"replaced", "{{<p}}{{$b}}r{{/b}}{{/p}}", "{}", "<r>", {"p", "<{{$b}}d{{/b}}>"}},
        {"everything else is dropped", "{{<p}}x{{$b}}r{{/b}}y{{/p}}", "{}", "r", {"p", "{{$b}}d{{/b}}"}},
        {"replaced twice", "{{<p}}{{$b}}r{{/b}}{{/p}}", "{}", "r r", {"p", "{{$b}}d{{/b}} {{$b}}e{{/b}}"}},
        {"two parents", "{{<p}}{{$b}}r{{/b}}{{/p}}{{<p}}{{$b}}s{{/b}}{{/p}}", "{}", "rs", {"p", "{{$b}}d{{/b}}"}},
        {"data", "{{<p}}{{$b}}{{x}}{{/b}}{{/p}}", "{\"x\":1,\"s\":{\"x\":2}}", "2", {"p", "{{#s}}{{$b}}{{/b}}{{/s}}"}},
        {"grandparent", "{{<p}}{{$b}}r{{/b}}{{/p}}", "{}", "[r]",
         {"p", "{{<q}}{{$b}}s{{/b}}{{/q}}", "q", "[{{$b}}d{{/b}}]"}},
        {"parent replaces the grandparent's", "{{<p}}{{/p}}", "{}", "[s]",
         {"p", "{{<q}}{{$b}}s{{/b}}{{/q}}", "q", "[{{$b}}d{{/b}}]"}},
        {"block in a block", "{{<p}}{{$i}}r{{/i}}{{/p}}", "{}", "(r)", {"p", "{{$o}}({{$i}}d{{/i}}){{/o}}"}},
        {"lines", "{{<p}}\n{{$b}}\nr\n{{/b}}\n{{/p}}\n", "{}", "r\n", {"p", "{{$b}}\nd\n{{/b}}\n"}},
    };

    WALK(cases);
}

static void refused(const char *text, const char *detail, const tds_tmpl_opts_t *opts, const char *const *partial)
{
    tds_tmpl_t *t;

    assert_int_not_equal(compile(&t, text, partial, opts), APR_SUCCESS);
    assert_string_equal(err.detail, detail);
}

static void test_faults(void **state)
{
    static const char *const partial[4] = {"p", "\n\n{{/x}}"};

    refused("a\n{{x", "main:2: tag is not closed", NULL, NULL);
    refused("{{#x}}\n{{/y}}", "main:2: 'y' is closed, but 'x' of line 1 is open", NULL, NULL);
    refused("{{/y}}", "main:1: 'y' is closed but was never opened", NULL, NULL);
    refused("a\nb\n{{#x}}", "main:3: 'x' is never closed", NULL, NULL);
    refused("{{}}", "main:1: '' is not a name", NULL, NULL);
    refused("{{a b}}", "main:1: 'a b' is not a name", NULL, NULL);
    refused("{{a..b}}", "main:1: 'a..b' is not a name", NULL, NULL);
    refused("{{=x=}}", "main:1: delimiters are not two words without '='", NULL, NULL);
    refused("{{=12345678 }}=}}", "main:1: delimiters are not two words without '='", NULL, NULL);
    refused("{{{x}}}", "main:1: 'x' without escaping is refused", NULL, NULL);
    refused("{{&x}}", "main:1: 'x' without escaping is refused", NULL, NULL);
    refused("{{>p}}", "p:3: 'x' is closed but was never opened", NULL, partial);
}

static void test_names(void **state)
{
    static const char *const names[] = {"amount", "fields", "fields.name", "a.b", "t.*", NULL};
    tds_tmpl_opts_t opts = {.names = names};
    tds_tmpl_t *t;

    assert_int_equal(compile(&t, "{{amount}}{{t.x}}{{#fields}}{{name}}{{amount}}{{.}}{{/fields}}{{#a}}{{b}}{{/a}}",
                             NULL, &opts), APR_SUCCESS);
    refused("{{amounts}}", "main:1: unknown name 'amounts'", &opts, NULL);
    refused("\n{{name}}", "main:2: unknown name 'name'", &opts, NULL);
    refused("{{#fields}}{{value}}{{/fields}}", "main:1: unknown name 'value'", &opts, NULL);
    refused("{{#fields}}{{/fields}}{{name}}", "main:1: unknown name 'name'", &opts, NULL);
    refused("{{t}}", "main:1: unknown name 't'", &opts, NULL);
    refused("{{^x}}{{/x}}", "main:1: unknown name 'x'", &opts, NULL);
    refused("{{>q}}", "main:1: there is no template 'q'", &opts, NULL);
}

static void test_texts(void **state)
{
    static const char *const names[] = {"to", NULL};
    tds_tmpl_opts_t opts = {.names = names};
    const char *out;
    tds_tmpl_t *t;

    opts.texts = data_of("{\"hello\":\"A & B\",\"sent\":\"Sent to {{to}}.\",\"bad\":\"{{from}}\",\"worse\":\"{{#to}}\"}");
    assert_int_equal(compile(&t, "<{{t.hello}}|{{t.sent}}>", NULL, &opts), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{\"to\":\"<1>\"}"), pool, &err), APR_SUCCESS);
    assert_string_equal(out, "<A &amp; B|Sent to &lt;1&gt;.>");
    opts.plain = 1;
    assert_int_equal(compile(&t, "<{{t.hello}}|{{t.sent}}{{to}}", NULL, &opts), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{\"to\":\"<1>\"}"), pool, &err), APR_SUCCESS);
    assert_string_equal(out, "<A & B|Sent to <1>.<1>");
    opts.plain = 0;
    refused("\n{{t.nix}}", "main:2: no text 'nix' in this language", &opts, NULL);
    refused("{{t.bad}}", "main:1: text 'bad' has a tag that is not allowed", &opts, NULL);
    refused("{{t.worse}}", "main:1: text 'worse' has a tag that is not allowed", &opts, NULL);
}

static void test_places(void **state)
{
    tds_tmpl_opts_t opts = {.html = 1};
    tds_tmpl_t *t;

    assert_int_equal(compile(&t, "<!DOCTYPE html><p class=\"{{x}}\" {{#y}}hidden{{/y}}>{{x}}</p><script nonce='{{x}}'>"
                                 "if (a < b) c(\"d\");</script>{{x}}<!-- it's -->{{x}}", NULL, &opts), APR_SUCCESS);
    refused("<p class={{x}}>", "main:1: value 'x' in a tag outside quotes is refused", &opts, NULL);
    refused("<script>var x = \"{{x}}\"", "main:1: value 'x' in a script or style is refused", &opts, NULL);
    refused("<STYLE>p { {{x}} }", "main:1: value 'x' in a script or style is refused", &opts, NULL);
    refused("<!-- {{x}}", "main:1: value 'x' in an HTML comment is refused", &opts, NULL);
}

static void test_bounds(void **state)
{
    tds_tmpl_opts_t opts = {.out_max = 10};
    static const char *const loop[4] = {"p", "a{{>p}}"};
    const char *out;
    char *deep = apr_pstrdup(pool, "");
    tds_tmpl_t *t;
    int i;

    assert_int_equal(compile(&t, "{{#x}}12345{{/x}}", NULL, &opts), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{\"x\":[1,2]}"), pool, &err), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{\"x\":[1,2,3]}"), pool, &err), APR_ENOSPC);
    assert_int_equal(compile(&t, "{{>p}}", loop, NULL), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{}"), pool, &err), APR_EGENERAL);
    for (i = 0; i < TDS_TMPL_DEPTH_MAX + 1; i++) deep = apr_pstrcat(pool, deep, "{{#x}}", NULL);
    refused(deep, "main:1: nested too deep", NULL, NULL);
    for (i = 0, deep = apr_pstrdup(pool, "x"); i < TDS_TMPL_DEPTH_MAX; i++) {
        deep = apr_pstrcat(pool, "{{#x}}", deep, "{{/x}}", NULL);
    }
    assert_int_equal(compile(&t, deep, NULL, NULL), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of("{\"x\":true}"), pool, &err), APR_EGENERAL);
}

static void test_long(void **state)
{
    const char *out, *line = "0123456789012345678901234567890123456789\n";
    apr_size_t len;
    tds_tmpl_t *t;
    int i;
    char *text = apr_pstrdup(pool, "");

    for (i = 0; i < 500; i++) text = apr_pstrcat(pool, text, line, NULL);
    assert_int_equal(compile(&t, text, NULL, NULL), APR_SUCCESS);
    assert_int_equal(tds_tmpl_render(&out, &len, t, data_of("{}"), pool, &err), APR_SUCCESS);
    assert_string_equal(out, text);
}

#define TEMPLATES SRCDIR "/conf/templates"

static const char *page(const char *name, const char *lang, const char *const *names, const char *data)
{
    tds_tmpl_set_t *set = tds_tmpl_set_dir(TEMPLATES, pool);
    tds_tmpl_opts_t opts = {.names = names, .html = 1};
    json_t *texts = NULL;
    const char *out;
    tds_tmpl_t *t;

    tds_err_init(&err, pool);
    if (tds_tmpl_texts_load(&texts, TEMPLATES "/texts", lang, pool, &err) != APR_SUCCESS) fail_msg("%s", err.detail);
    opts.texts = texts;
    if (tds_tmpl_compile(&t, set, name, &opts, pool, &err) != APR_SUCCESS) fail_msg("%s", err.detail);
    assert_int_equal(tds_tmpl_render(&out, NULL, t, data_of(data), pool, &err), APR_SUCCESS);
    assert_non_null(strstr(out, "</html>"));
    assert_null(strstr(out, "{{"));
    assert_null(strstr(out, "http:"));
    assert_null(strstr(out, "_top"));
    return out;
}

/* The pages of a challenge say why, in the same words and once. */
static void says_why(const char *out)
{
    const char *why = strstr(out, "\n<details>\n  <summary>");

    assert_non_null(why);
    assert_non_null(strstr(why, "</summary>\n  <p>"));
    assert_non_null(strstr(why, "</p>\n</details>\n"));
}

static void test_shipped(void **state)
{
    static const char *const otp[] = {
        "lang", "dir", "nonce", "action", "token", "refreshSeconds", "refreshURL", "issuerName", "schemeName",
        "merchantName", "amount", "maskedPan", "destination", "attemptsLeft", "lastTryFailed", "codeResent", "codeUnsent",
        "resendAllowed", "windowSize", "askTrust", "askBind", NULL};
    static const char *const processing[] = {"lang", "dir", "nonce", "refreshURL", NULL};
    static const char *const final[] = {"lang", "dir", "nonce", "notificationURL", "fields.name", "fields.value", NULL};
    static const char *const error[] = {"lang", "dir", "nonce", "titleText", "bodyText", NULL};
    static const char *const langs[] = {"en", "de", "de-AT"};
    size_t i;

    for (i = 0; i < sizeof langs / sizeof *langs; i++) {
        says_why(page("otp.html", langs[i], otp, "{\"amount\":\"1\",\"lastTryFailed\":true,\"codeResent\":true}"));
        says_why(page("oob.html", langs[i], otp, "{\"amount\":\"1\",\"lastTryFailed\":true,\"askTrust\":true,\"askBind\":true}"));
        page("info.html", langs[i], otp, "{\"amount\":\"1\"}");
        page("processing.html", langs[i], processing, "{}");
        page("final.html", langs[i], final, "{\"fields\":[{\"name\":\"cres\",\"value\":\"e30\"}]}");
        page("error.html", langs[i], error, "{\"titleText\":\"a\"}");
    }
}

static void test_languages(void **state)
{
    json_t *texts;

    assert_string_equal(tds_tmpl_texts_dir("en"), "ltr");
    assert_string_equal(tds_tmpl_texts_dir("ar-EG"), "rtl");
    assert_string_equal(tds_tmpl_texts_dir("he"), "rtl");
    assert_string_equal(tds_tmpl_texts_dir("hey"), "ltr");
    tds_err_init(&err, pool);
    assert_int_equal(tds_tmpl_texts_load(&texts, TEMPLATES "/texts", "../texts/en", pool, &err), APR_ENOENT);
    tds_err_clear(&err);
    assert_int_equal(tds_tmpl_texts_load(&texts, TEMPLATES "/texts", "xx-YY", pool, &err), APR_ENOENT);
}

static int setup(void **state)
{
    return apr_pool_create(&pool, NULL);
}

static int teardown(void **state)
{
    apr_pool_destroy(pool);
    return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_values), T(test_sections), T(test_lines),  T(test_partials), T(test_inheritance), T(test_faults),
        T(test_names),  T(test_texts),    T(test_places), T(test_bounds),   T(test_long),        T(test_shipped),
        T(test_languages),
    };
    int rc;

    apr_initialize();
    rc = cmocka_run_group_tests_name("tmpl", tests, NULL, NULL);
    apr_terminate();
    return rc;
}
