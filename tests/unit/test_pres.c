/* The PRes reader: what tds_msg_decode() says of a text is what it says, at every chunk size; and what has no equal
 * there: texts too long for it, and what is handed on. */
#include "unit.h"
#include <apr_file_info.h>
#include <apr_file_io.h>
#include "tds_pres.h"

#define TYPES (TDS_MSG_BIT(TDS_MSG_PRES) | TDS_MSG_BIT(TDS_MSG_ERRO))

static int compared, refused;

static apr_status_t count(void *baton, const json_t *item, tds_err_t *e)
{
    assert_true(json_is_object(item));
    ++*(int *)baton;
    return APR_SUCCESS;
}

/* Of what is no JSON by the rules, too deep for instance, the stream keeps no message. */
static const char *said(apr_status_t rv, const tds_err_t *e, const tds_msg_t *msg, apr_pool_t *p)
{
    if (rv != APR_SUCCESS && e->proto == 101 && !strcmp(e->elements, "Invalid Formatted Message")) msg = NULL;
    return apr_psprintf(p, "%d %d %s; type %d version %d", rv == APR_SUCCESS, e->proto, e->elements ? e->elements : "-",
                        msg ? (int)msg->type : -1, msg ? (int)msg->version : -1);
}

static const char *streamed(const char *bytes, apr_size_t len, apr_size_t chunk, const tds_msg_rules_t *rules,
                            int *items, apr_pool_t *p)
{
    tds_pres_t *pres;
    tds_msg_t *msg;
    tds_err_t e;
    apr_size_t at, n;
    apr_status_t rv;

    tds_err_init(&e, p);
    *items = 0;
    pres = tds_pres_make(rules, count, items, p);
    for (at = 0; at < len; at += n) {
        char *exact = malloc(n = len - at < chunk ? len - at : chunk);

        memcpy(exact, bytes + at, n);
        (void)tds_pres_feed(pres, exact, n);
        free(exact);
    }
    rv = tds_pres_end(&msg, pres, &e);
    return said(rv, &e, msg, p);
}

/* Equal under these rules? The number of items, when it is good, too. */
static void compare(const char *bytes, apr_size_t len, const tds_msg_rules_t *rules)
{
    static const apr_size_t chunks[] = {1, 7, 4096, 1u << 30};
    const char *want, *have;
    apr_pool_t *p;
    tds_msg_t *msg;
    tds_err_t e;
    apr_status_t rv;
    int i, items, all;

    apr_pool_create(&p, pool);
    tds_err_init(&e, p);
    rv = tds_msg_decode(&msg, bytes, len, rules, p, &e);
    want = said(rv, &e, msg, p);
    all = rv == APR_SUCCESS && msg->type == TDS_MSG_PRES ? (int)json_array_size(msg->elem[TDS_E_CARD_RANGE_DATA]) : -1;
    for (i = 0; i < COUNT(chunks); ++i) {
        have = streamed(bytes, len, chunks[i], rules, &items, p);
        if (strcmp(have, want) || (all >= 0 && items != all))
            fail_msg("chunks of %d: %s, %d items, but %s, %d items: %.2000s", (int)chunks[i], have, items, want, all,
                     bytes);
    }
    ++compared;
    refused += rv != APR_SUCCESS;
    apr_pool_destroy(p);
}

static void compare_all(const char *bytes, apr_size_t len)
{
    static const char *const known[] = {"A000000004-ext", NULL};
    static const tds_msg_rules_t rules[] = {
        {.accept = TYPES},
        {.accept = TYPES, .version_must = TDS_V210},
        {.accept = TYPES, .version_must = TDS_V220, .extensions = known},
        {.accept = TYPES, .version_must = TDS_V231},
        {.accept = TDS_MSG_BIT(TDS_MSG_PRES), .versions = TDS_VER_BIT(TDS_V220), .flags = TDS_RULE_STRICT_CONDITION},
        {.accept = TYPES, .versions = TDS_VER_BIT(TDS_V220) | TDS_VER_BIT(TDS_V231)},
    };
    int i;

    for (i = 0; i < COUNT(rules); ++i) compare(bytes, len, &rules[i]);
}

/* ---- the golden corpus ------------------------------------------------- */

static void walk(const char *dir, int level, apr_pool_t *p)
{
    apr_dir_t *d;
    apr_finfo_t f;

    assert_ok(apr_dir_open(&d, dir, p));
    while (apr_dir_read(&f, APR_FINFO_NAME | APR_FINFO_TYPE, d) == APR_SUCCESS) {
        const char *path = apr_pstrcat(p, dir, "/", f.name, NULL);
        char *text = NULL;
        apr_file_t *file;
        apr_finfo_t info;

        if (f.name[0] == '.') continue;
        if (f.filetype == APR_DIR && level < 3) walk(path, level + 1, p);
        if (strcmp(f.name, "input.json")) continue;
        assert_ok(apr_file_open(&file, path, APR_FOPEN_READ, 0, p));
        assert_ok(apr_file_info_get(&info, APR_FINFO_SIZE, file));
        text = apr_pcalloc(p, (apr_size_t)info.size + 1);
        if (info.size) assert_ok(apr_file_read_full(file, text, (apr_size_t)info.size, NULL));
        apr_file_close(file);
        compare_all(text, (apr_size_t)info.size);
    }
    apr_dir_close(d);
}

static void golden(void **state)
{
    compared = refused = 0;
    walk(SRCDIR "/tests/golden", 0, pool);
    assert_true(compared > 1000);
    assert_true(compared > refused);
}

/* ---- derived ----------------------------------------------------------- */

#define IDS                                                                                                      \
    "\"threeDSServerTransID\":\"8a880dc0-d2d2-4067-bcb1-b08d1690b26e\",\"dsTransID\":\"f25084f0-5b16-4c0a-ae5d-" \
    "b24808a95e4b\","
#define EXT                                                                                                            \
    ",\"messageExtension\":[{\"name\":\"n\",\"id\":\"A000000004-ext\",\"criticalityIndicator\":false,\"data\":{\"a\":" \
    "[1.50,-0.0,2e3,{\"b\":null}]}},"                                                                                  \
    "{\"name\":\"m\",\"id\":\"i2\",\"criticalityIndicator\":false,\"data\":{\"valueOne\":\"x\"}}]"

static const char v220[] =
    "{\"messageType\":\"PRes\",\"messageVersion\":\"2.2.0\"," IDS
    "\"dsStartProtocolVersion\":\"2.1.0\",\"dsEndProtocolVersion\":\"2.2.0\",\"serialNum\":\"1\",\"cardRangeData\":["
    "{\"startRange\":\"4000000000000000\",\"endRange\":\"4000009999999999\",\"actionInd\":\"A\","
    "\"acsStartProtocolVersion\":\"2.1.0\","
    "\"acsEndProtocolVersion\":\"2.2.0\",\"threeDSMethodURL\":\"https://acs.example.com/"
    "m\",\"acsInfoInd\":[\"01\",\"02\"],\"foo\":{\"a\":1}},"
    "{\"startRange\":\"5000000000000\",\"endRange\":\"5000009999999\",\"acsStartProtocolVersion\":\"2.1.0\","
    "\"acsEndProtocolVersion\":\"2.2.0\"}]" EXT ",\"foo\":[{\"bar\":\"x\"}]}";

/* The version comes last. */
static const char v231[] =
    "{\"cardRangeData\":[{\"ranges\":[{\"start\":\"4000000000000000\",\"end\":\"4000009999999999\",\"x\":1},"
    "{\"start\":\"4100000000000000\",\"end\":\"4100009999999999\"}],\"actionInd\":\"A\",\"issuerCountryCode\":\"250\","
    "\"dsProtocolVersions\":[\"2.2.0\"],\"acsProtocolVersions\":[{\"version\":\"2.2.0\",\"acsInfoInd\":[\"01\",\"81\"],"
    "\"threeDSMethodURL\":\"https://acs.example.com/"
    "m\",\"supportedMsgExt\":[{\"id\":\"A000000004-ext\",\"version\":\"2.0\"}]}]},"
    "{\"ranges\":[{\"start\":\"5000000000000\",\"end\":\"5000009999999\"}],\"acsProtocolVersions\":[{\"version\":\"2.3."
    "1\",\"acsInfoInd\":[\"01\"]}]}],"
    "\"dsUrlList\":[{\"threeDSServerToDsUrl\":\"https://ds.example.com/"
    "\",\"dsCountryCode\":\"250\"}],\"dsProtocolVersions\":[\"2.1.0\",\"2.3.1\"],"
    "\"readOrder\":\"01\",\"serialNum\":\"7\"," IDS "\"messageType\":\"PRes\"" EXT ",\"messageVersion\":\"2.3.1\"}";

static void text_of(const json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);

    compare_all(text, strlen(text));
    free(text);
}

static json_t *variant(int n)
{
    static const char *const texts[] = {
        "null",
        "\"\"",
        "{}",
        "[]",
        "1",
        "1e999",
        "-0.0",
        "true",
        "\"x\"",
        "\"05\"",
        "\"a\\u0000b\"",
        "[\"01\",\"01\"]",
        "[null]",
        "[{}]",
        "[[]]",
        "[1,1.0]",
        "{\"a\":1}",
        "\"\\u00e9\"",
        "\"2.1.0\"",
        "\"9.9.9\"",
        "\"Erro\"",
        "\"AReq\"",
        "\"XReq\"",
        "\"901\"",
        "\"A\"",
        "[{\"a\":1},{\"a\":1}]",
        "[{\"a\":1},{\"a\":2}]",
        "[{\"name\":\"n\",\"id\":\"crit\",\"criticalityIndicator\":true,\"data\":{\"a\":1}}]",
        "\"4000000000000\""};

    return n < COUNT(texts) ? json_loads(texts[n], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
}

static void vary(json_t *root, json_t *at);

static void vary_member(json_t *root, json_t *object, const char *name)
{
    json_t *was = json_incref(json_object_get(object, name)), *other;
    int n;

    for (n = 0; n == 5 || (other = variant(n)); ++n) {
        if (n == 5) continue; /* 1e999 makes no value of jansson */
        json_object_set_new(object, name, other);
        text_of(root);
    }
    json_object_set(object, name, was);
    vary(root, was);
    json_object_del(object, name);
    text_of(root);
    json_object_set_new(object, name, was);
}

/* Every value replaced by every variant, every member and item left out, every item twice. */
static void vary(json_t *root, json_t *at)
{
    apr_size_t i;
    int n;

    if (json_is_object(at)) {
        json_t *names = json_array();
        const char *name;
        json_t *value;

        json_object_foreach(at, name, value) json_array_append_new(names, json_string(name));
        for (i = 0; i < json_array_size(names); ++i) vary_member(root, at, json_string_value(json_array_get(names, i)));
        json_decref(names);
    }
    for (i = 0; i < json_array_size(at); ++i) {
        json_t *was = json_incref(json_array_get(at, i)), *other;

        for (n = 0; n == 5 || (other = variant(n)); ++n) {
            if (n == 5) continue;
            json_array_set_new(at, i, other);
            text_of(root);
        }
        json_array_set(at, i, was);
        vary(root, was);
        json_array_insert(at, i, was);
        text_of(root);
        json_array_remove(at, i);
        json_array_remove(at, i);
        text_of(root);
        json_array_insert_new(at, i, was);
    }
}

static void derived(void **state)
{
    static const char *const bases[] = {v220, v231};
    int i;

    compared = refused = 0;
    for (i = 0; i < COUNT(bases); ++i) {
        json_t *root = json_loads(bases[i], 0, NULL);

        assert_non_null(root);
        text_of(root);
        assert_true(refused < compared);
        vary(root, root);
        json_decref(root);
    }
    assert_true(compared > 10000);
    assert_true(refused > 5000 && compared - refused > 500);
}

/* Cut at every byte, and every byte put in twice (duplicate names among them come by hand below). */
static void cut(void **state)
{
    static const char *const bases[] = {v220, v231};
    static const tds_msg_rules_t rules = {.accept = TYPES};
    apr_size_t i, at;

    for (i = 0; i < 2; ++i) {
        apr_size_t len = strlen(bases[i]);

        for (at = 0; at < len; ++at) {
            char *text = malloc(len + 2);

            compare(bases[i], at, &rules);
            memcpy(text, bases[i], at + 1);
            memcpy(text + at + 1, bases[i] + at, len - at + 1);
            compare(text, len + 1, &rules);
            free(text);
        }
    }
}

/* from replaced by to in base, wherever it first stands. */
static const char *with(const char *base, const char *from, const char *to)
{
    const char *at = strstr(base, from);

    assert_non_null(at);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, base, (apr_size_t)(at - base)), to, at + strlen(from), NULL);
}

/* What the rules of the protocol ask for, by hand. */
static void faults(void **state)
{
    static const tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_PRES), .version_must = TDS_V220};
    static const struct {
        const char *from, *to, *want;
    } cases[] = {
        {"\"foo\":", "\"fooo\":", "1 0 -"},
        {"\"foo\":{\"a\":1}", "\"foo\":{\"a\":1,\"b\":{\"a\":2,\"a\":3}}", "0 204 cardRangeData.foo.b.a"},
        {"\"foo\":[{", "\"foo\":[{\"bar\":1,", "0 204 foo.bar"},
        {"\"startRange\"", "\"StartRange\"", "0 201 cardRangeData.startRange"},
        {"\"serialNum\"", "\"SerialNum\"", "1 0 -"},
        {"{\"a\":1}", "{\"a\":1e999,\"b\":99999999999999999999}", "1 0 -"},
        {"\"4000000000000000\"", "4000000000000000", "0 203 cardRangeData.startRange"},
        {"\"messageType\"", "\"x\":\"\\ud800\",\"messageType\"", "0 101 Invalid Formatted Message"},
        {"https://acs.example.com/m", "https://acs.example.com/\\u0000", "0 203 cardRangeData.threeDSMethodURL"},
        {"\"x\"}]", "\"\\u0000\"}]", "1 0 -"},
        {"\"2.2.0\",\"threeDS", "\"2.1.0\",\"threeDS", "0 203 messageVersion"},
        {"\"PRes\"", "\"PReq\"", "0 101 Invalid Message for the receiving component"},
        {"\"02\"]", "\"05\"]", "0 203 cardRangeData.acsInfoInd"},
        {"\"criticalityIndicator\":false", "\"criticalityIndicator\":true", "0 202 A000000004-ext"},
        {"\"startRange\":\"4000000000000000\",", "", "0 201 cardRangeData.startRange"},
    };
    int i, items;

    for (i = 0; i < COUNT(cases); ++i) {
        const char *text, *have;

        text = with(v220, cases[i].from, cases[i].to);
        have = streamed(text, strlen(text), 7, &rules, &items, pool);
        if (strncmp(have, cases[i].want, strlen(cases[i].want)))
            fail_msg("case %d: %s, not %s", i, have, cases[i].want);
        compare_all(text, strlen(text));
    }
    compare_all(apr_pstrcat(pool, "\xef\xbb\xbf", v220, NULL), strlen(v220) + 3);
}

/* ---- more than fits anywhere ------------------------------------------- */

typedef struct feed_t {
    tds_pres_t *pres;
    tds_err_t err;
    tds_msg_t *msg;
    int items;
    long before; /* kB resident */
} feed_t;

/* The peak since it was set back; set back now. */
static long resident(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "VmHWM:", 6)) kb = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    if ((f = fopen("/proc/self/clear_refs", "w"))) {
        fputs("5", f);
        fclose(f);
    }
    return kb;
}

static void feed_begin(feed_t *f, const char *text)
{
    static const tds_msg_rules_t rules = {.accept = TYPES, .version_must = TDS_V220};

    memset(f, 0, sizeof(*f));
    tds_err_init(&f->err, pool);
    (void)resident();
    f->before = resident();
    f->pres = tds_pres_make(&rules, count, &f->items, pool);
    (void)tds_pres_feed(f->pres, text, strlen(text));
}

/* 200 MB of the lump. */
static void feed_much(feed_t *f, const char *lump)
{
    apr_size_t n = strlen(lump), i;
    char *block = malloc(n * 20000);

    for (i = 0; i < 20000; ++i) memcpy(block + i * n, lump, n);
    for (i = 0; i < 200000000 / (n * 20000) + 1; ++i) (void)tds_pres_feed(f->pres, block, n * 20000);
    free(block);
}

/* A bound only without a sanitizer, which keeps what was freed. */
static void feed_end(feed_t *f, const char *text, apr_status_t rv, int proto, const char *elements)
{
    (void)tds_pres_feed(f->pres, text, strlen(text));
    assert_int_equal(tds_pres_end(&f->msg, f->pres, &f->err), rv);
    assert_int_equal(f->err.proto, proto);
    if (elements) assert_string_equal(f->err.elements, elements);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(resident() - f->before < 64 * 1024);
#endif
}

#define HEAD                                                      \
    "{\"messageType\":\"PRes\",\"messageVersion\":\"2.2.0\"," IDS \
    "\"dsStartProtocolVersion\":\"2.1.0\",\"dsEndProtocolVersion\":\"2.2.0\","

static void huge(void **state)
{
    feed_t f;

    feed_begin(&f, HEAD "\"x\":");
    feed_much(&f, "[[[[[[[[");
    feed_end(&f, "]}", APR_EINVAL, 101, "Invalid Formatted Message");

    feed_begin(&f, HEAD "\"x\":\"");
    feed_much(&f, "abcdefgh\\n\xc3\xa9");
    feed_end(&f, "\"}", APR_SUCCESS, 0, NULL);

    feed_begin(&f, HEAD "\"serialNum\":\"");
    feed_much(&f, "abcdefgh");
    feed_end(&f, "\"}", APR_EINVAL, 203, "serialNum");

    feed_begin(&f, HEAD "\"x\":[");
    feed_much(&f, "{\"a\":1,\"b\":[{\"c\":\"d\"}]},");
    feed_end(&f, "1]}", APR_SUCCESS, 0, NULL);

    feed_begin(&f, HEAD "\"cardRangeData\":[{\"startRange\":\"4000000000000\",\"endRange\":\"4000000000000\","
                        "\"acsStartProtocolVersion\":\"2.1.0\",\"acsEndProtocolVersion\":\"2.1.0\",\"x\":[");
    feed_much(&f, "{\"a\":1,\"b\":[{\"c\":\"d\"}]},");
    feed_end(&f, "1]}]}", APR_SUCCESS, 0, NULL);
    assert_int_equal(f.items, 1);

    feed_begin(&f, HEAD "\"cardRangeData\":[");
    feed_much(&f, "1,[],{\"startRange\":1},");
    feed_end(&f, "1]}", APR_EINVAL, 201,
             "cardRangeData.endRange,cardRangeData.acsStartProtocolVersion,cardRangeData.acsEndProtocolVersion");
    assert_int_equal(f.items, 0);

    feed_begin(&f, HEAD "\"messageExtension\":[");
    feed_much(&f, "{\"name\":\"n\",\"id\":\"i\"},");
    feed_end(&f, "1]}", APR_EINVAL, 101, "Invalid Formatted Message"); /* larger than is kept */
}

/* The class that comes first counts, however many faults of another came before. */
static void many_faults(void **state)
{
    char *text = apr_pstrdup(pool, "{\"messageType\":\"PRes\",\"messageVersion\":\"2.2.0\",\"cardRangeData\":[1");
    tds_msg_rules_t rules = {.accept = TYPES};
    apr_size_t len = strlen(text), n = 5000;
    char *more = apr_palloc(pool, len + 2 * n + 200);
    int items;

    memcpy(more, text, len);
    for (; n; --n, len += 2) memcpy(more + len, ",1", 2);
    memcpy(more + len, "]}", 3);
    compare(more, len + 2, &rules);
    assert_string_equal(
        streamed(more, len + 2, 100, &rules, &items, pool),
        apr_psprintf(
            pool,
            "0 201 dsEndProtocolVersion,dsStartProtocolVersion,dsTransID,threeDSServerTransID; type %d version %d",
            TDS_MSG_PRES, TDS_V220));
    more = apr_pcalloc(pool, 3001);
    memset(more, 'x', 3000);
    more = apr_psprintf(pool, "{\"messageType\":\"PRes\",\"messageVersion\":\"2.2.0\",\"%s\":1,\"%s\":2}", more, more);
    compare_all(more, strlen(more));
}

static void unknown_elements(void **state)
{
    feed_t f;
    int i, good;
    const char *text;

    for (good = 0; good < 2; ++good) {
        feed_begin(&f, HEAD);
        for (i = 0; i < 10000; ++i) {
            text = apr_psprintf(pool, "\"unknown%d\":{\"a\":[%d]},", i, i);
            assert_ok(tds_pres_feed(f.pres, text, strlen(text)));
        }
        feed_end(&f, good ? "\"unknown\":1}" : "\"unknown77\":1}", good ? APR_SUCCESS : APR_EINVAL, good ? 0 : 204,
                 good ? NULL : "unknown77");
    }
    /* Names without number. */
    feed_begin(&f, HEAD);
    for (i = 0; i < 2000000; ++i) {
        char name[32];

        (void)tds_pres_feed(f.pres, name, (apr_size_t)apr_snprintf(name, sizeof(name), "\"%d\":1,", i));
    }
    feed_end(&f, "\"unknown\":1}", APR_EINVAL, 101, "Invalid Formatted Message");
}

static apr_status_t no_more(void *baton, const json_t *item, tds_err_t *e)
{
    return ++*(int *)baton < 2 ? APR_SUCCESS : TDS_FAIL(e, APR_ENOSPC, 403, NULL, "no room");
}

static void the_sink_refuses(void **state)
{
    int items = 0;
    tds_msg_t *msg;
    tds_pres_t *pres = tds_pres_make(NULL, no_more, &items, pool);

    assert_int_not_equal(tds_pres_feed(pres, v220, strlen(v220)), APR_SUCCESS);
    assert_int_equal(tds_pres_end(&msg, pres, &err), APR_ENOSPC);
    assert_int_equal(err.proto, 403);
    assert_int_equal(items, 2);
    assert_null(msg);
}

static int one_item(char *text, apr_size_t size, int v, const char *comma, int n)
{
    if (v)
        return apr_snprintf(text, size,
                            "%s{\"ranges\":[{\"start\":\"4%015d\",\"end\":\"4%015d\"}],\"acsProtocolVersions\":"
                            "[{\"version\":\"2.2.0\",\"acsInfoInd\":[\"01\"]}]}",
                            comma, n, n);
    return apr_snprintf(text, size,
                        "%s{\"startRange\":\"4%015d\",\"endRange\":\"4%015d\",\"acsStartProtocolVersion\":\"2.1.0\","
                        "\"acsEndProtocolVersion\":\"2.2.0\"}",
                        comma, n, n);
}

/* 200000 items are allowed in 2.3.1, one more is not; without end in 2.2.0. */
static void number_of_items(void **state)
{
    static const char *const heads[] = {HEAD "\"cardRangeData\":[",
                                        "{\"messageType\":\"PRes\",\"messageVersion\":\"2.3.1\"," IDS
                                        "\"dsProtocolVersions\":[\"2.3.1\"],\"readOrder\":\"01\",\"cardRangeData\":["};
    int v, more, i, items;

    for (v = 0; v < 2; ++v) {
        for (more = 0; more < 3; ++more) {
            tds_msg_rules_t rules = {.version_must = v ? TDS_V231 : TDS_V220};
            tds_pres_t *pres = tds_pres_make(&rules, count, &items, pool);
            tds_msg_t *msg;
            char text[300];

            items = 0;
            tds_err_clear(&err);
            assert_ok(tds_pres_feed(pres, heads[v], strlen(heads[v])));
            for (i = 0; i < 200000 + (more == 1); ++i) {
                int n = more == 2 && i == 199999 ? 7 : i;

                assert_ok(tds_pres_feed(pres, text, (apr_size_t)one_item(text, sizeof(text), v, i ? "," : "", n)));
            }
            assert_ok(tds_pres_feed(pres, "]}", 2));
            if (!v || !more) {
                assert_ok(tds_pres_end(&msg, pres, &err));
                assert_int_equal(items, i);
                assert_int_equal(tds_pres_count(pres), i);
                continue;
            }
            assert_int_equal(tds_pres_end(&msg, pres, &err), APR_EINVAL);
            assert_int_equal(err.proto, more == 1 ? 203 : 204);
            assert_string_equal(err.elements, "cardRangeData");
        }
    }
}

static const struct CMUnitTest tests[] = {
    UNIT(huge),           UNIT(golden),      UNIT(derived),          UNIT(cut),
    UNIT(faults),         UNIT(many_faults), UNIT(unknown_elements), UNIT(the_sink_refuses),
    UNIT(number_of_items)};

UNIT_MAIN(tests)
