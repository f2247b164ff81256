/* Lines of ACSAuthenticationValue and ACSECI, and what comes of them in a transaction. Expected values were worked out
 * apart from this code, with Python's hashlib, from the description of the format. */
#include "unit.h"
#include <sys/stat.h>
#include <unistd.h>
#include "acs_av_case.h"
#include "acs_world.h"

/* ---- lines -------------------------------------------------------------------- */

#define LAB_KEY "9a112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static const char *const names[] = {"cvv-atn", "cvv-u3v7", "mc-iav", "mc-spa1", "generic-hmac", "lab"};

static char *same_path(apr_pool_t *p, const char *path)
{
    return apr_pstrdup(p, path);
}

static const char *key_file(const char *text, int mode)
{
    char *path = apr_pstrdup(pool, "/tmp/test_acs_av.XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
    return path;
}

/* words: separated by spaces; a key in <> becomes file:PATH of a file that holds it. */
static apr_status_t line(acs_av_t *av, const char *name, const char *text)
{
    const char *words[12], *files[4];
    char *copy = apr_pstrdup(pool, text), *last, *word, *at;
    int n = 0, f = 0, i;
    apr_status_t rv;

    tds_err_clear(&err);
    for (word = apr_strtok(copy, " ", &last); word; word = apr_strtok(NULL, " ", &last)) {
        if ((at = strchr(word, '<'))) {
            *at = at[strlen(at) - 1] = '\0';
            files[f] = key_file(apr_pstrcat(pool, "\n ", at + 1, "\r\n", NULL), 0600);
            word = apr_pstrcat(pool, word, "file:", files[f++], NULL);
        }
        words[n++] = word;
    }
    rv = acs_av_read(av, acs_av_ops_find(name), words, n, same_path, pool, &err);
    for (i = 0; i < f; ++i) (void)unlink(files[i]);
    if (rv != APR_SUCCESS) {
        assert_non_null(err.detail);
        assert_null(strstr(err.detail, "0123456789"));
        assert_null(strstr(err.detail, "B039878C"));
        assert_null(strstr(err.detail, "8899AABB"));
    }
    return rv;
}

static apr_status_t failing_test(void)
{
    return APR_EGENERAL;
}

static void self_test_fails(void **state)
{
    acs_av_ops_t broken = acs_av_cvv_atn;
    const char *path = key_file(CVK, 0600), *word = apr_pstrcat(pool, "key=file:", path, NULL);
    acs_av_t av;

    broken.test = failing_test;
    assert_int_not_equal(acs_av_read(&av, &broken, &word, 1, same_path, pool, &err), APR_SUCCESS);
    assert_non_null(strstr(err.detail, "self-test"));
    tds_err_clear(&err);
    assert_ok(acs_av_read(&av, &acs_av_cvv_atn, &word, 1, same_path, pool, &err));
    (void)unlink(path);
}

static void good_lines(void **state)
{
    static const char *const rows[][2] = {
        {"cvv-atn", "key=<" CVK ">"},
        {"cvv-atn", "<" CVK ">"},
        {"cvv-atn",
         "key=<" CVK "> keyID=99 previous=<" CVK_NEW "> previousKeyID=2 until=20270101000000 informational=on"},
        {"cvv-u3v7", "key=<" CVK "> range=4000000000000000-4999999999999999"},
        {"mc-iav", "key=<" IAV_KEY "> binding=purchase length=21 previous=<" IAV_KEY IAV_KEY ">"},
        {"mc-iav", "key=<" GEN_KEY GEN_KEY "> binding=transaction length=20"},
        {"mc-spa1", "key=<" IAV_KEY "> acsID=7 keyID=15"},
        {"generic-hmac", "key=<" GEN_KEY "> keyID=255"},
        {"lab", "<" LAB_KEY ">"},
        {"lab", "key=<" LAB_KEY "> range=4000000000000000-4999999999999999"},
    };
    acs_av_t av;
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        if (line(&av, rows[i][0], rows[i][1]) != APR_SUCCESS) fail_msg("%s %s: %s", rows[i][0], rows[i][1], err.detail);
        assert_string_equal(av.ops->name, rows[i][0]);
    }
}

static void bad_lines(void **state)
{
    static const char *const rows[][3] = {
        {"cvv-atn", "", "needs key="},
        {"cvv-atn", "keyID=1", "needs key="},
        {"cvv-atn", "key=/x", "must be file:PATH"},
        {"cvv-atn", "key=file:/nowhere", "cannot open"},
        {"cvv-atn", "key=<" CVK "> key=<" CVK ">", "twice"},
        {"cvv-atn", "key=<" CVK "> secret=1", "no such option"},
        {"cvv-atn", "key=<" CVK "> " CVK_NEW,
         "it takes key= keyID= previous= previousKeyID= until= range= informational="},
        {"cvv-atn", "key=<" CVK "> keyID", "no such option"},
        {"cvv-atn", "key=<" CVK "> length=20", "no such option"},
        {"mc-iav", "key=<" IAV_KEY "> keyID=1", "no such option"},
        {"mc-iav", "key=<" IAV_KEY "> informational=on", "no such option"},
        {"lab", "key=<" GEN_KEY "> keyID=1", "no such option"},
        {"cvv-atn", "key=<0123456789ABCDEF>", "32 hexadecimal"},
        {"cvv-atn", "key=<" CVK "0" ">", "32 hexadecimal"},
        {"cvv-atn", "key=<0123456789ABCDEFFEDCBA987654321G>", "32 hexadecimal"},
        {"cvv-atn", "key=<0123456789ABCDEF0123456789ABCDEF>", "same"},
        {"mc-iav", "key=<B039878C>", "32 to 128"},
        {"mc-iav", "key=<" GEN_KEY GEN_KEY "00>", "32 to 128"},
        {"generic-hmac", "key=<" IAV_KEY ">", "64 to 128"},
        {"cvv-atn", "key=<" CVK "> keyID=0", "between 1 and 99"},
        {"cvv-atn", "key=<" CVK "> keyID=100", "between 1 and 99"},
        {"cvv-atn", "key=<" CVK "> keyID=1x", "between 1 and 99"},
        {"cvv-atn", "key=<" CVK "> until=20270101000000", "need previous"},
        {"cvv-atn", "key=<" CVK "> previousKeyID=2", "need previous"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK "> previousKeyID=2", "same key"},
        {"cvv-atn", "key=<" CVK "> keyID=2 previous=<" CVK_NEW "> previousKeyID=2", "must differ"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK_NEW "> until=2027", "YYYYMMDDHHMMSS"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK_NEW "> until=20271301000000", "YYYYMMDDHHMMSS"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK_NEW "> until=20270230000000", "YYYYMMDDHHMMSS"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK_NEW "> until=2027010100000x", "YYYYMMDDHHMMSS"},
        {"cvv-atn", "key=<" CVK "> previous=<" CVK_NEW "> until=202701010000001", "YYYYMMDDHHMMSS"},
        {"cvv-atn", "key=<" CVK "> informational=yes", "on or off"},
        {"mc-iav", "key=<" IAV_KEY "> binding=all", "transaction or purchase"},
        {"mc-iav", "key=<" IAV_KEY "> length=28", "between 20 and 21"},
        {"mc-spa1", "key=<" IAV_KEY "> acsID=8", "between 0 and 7"},
        {"mc-spa1", "key=<" IAV_KEY "> keyID=16", "between 0 and 15"},
        {"cvv-atn", "key=<" CVK "> range=4000000000000000", "FIRST-LAST"},
        {"cvv-atn", "key=<" CVK "> range=4-5", "13 to 19"},
        {"cvv-atn", "key=<" CVK "> range=5000000000000000-4000000000000000", "above"},
    };
    acs_av_t av;
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        if (line(&av, rows[i][0], rows[i][1]) == APR_SUCCESS) fail_msg("accepted: %s %s", rows[i][0], rows[i][1]);
        if (!strstr(err.detail, rows[i][2])) fail_msg("%s %s: %s", rows[i][0], rows[i][1], err.detail);
    }
}

static void key_modes(void **state)
{
    static const struct {
        int mode, good;
    } rows[] = {{0600, 1}, {0400, 1}, {0640, 1}, {0644, 0}, {0604, 0}, {0660, 0}, {0602, 0}, {0601, 0}};
    acs_av_t av;
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *path = key_file(CVK, rows[i].mode), *word = apr_pstrcat(pool, "key=file:", path, NULL);
        apr_status_t rv;

        tds_err_clear(&err);
        rv = acs_av_read(&av, &acs_av_cvv_atn, &word, 1, same_path, pool, &err);
        (void)unlink(path);
        assert_int_equal(rv == APR_SUCCESS, rows[i].good);
        if (!rows[i].good) assert_non_null(strstr(err.detail, "chmod 600"));
    }
}

/* Keys are gone from memory with their pool. */
static void keys_wiped(void **state)
{
    const char *path = key_file(CVK, 0600), *word = apr_pstrcat(pool, "key=file:", path, NULL);
    apr_pool_t *own;
    acs_av_t av;
    const acs_av_set_t *s;
    unsigned char raw[16];

    assert_ok(tds_unhex(raw, 16, CVK));
    assert_ok(apr_pool_create(&own, pool));
    assert_ok(acs_av_read(&av, &acs_av_cvv_atn, &word, 1, same_path, own, &err));
    s = av.baton;
    assert_memory_equal(s->key[0].bytes, raw, 16);
    apr_pool_clear(own);
    assert_memory_not_equal(s->key[0].bytes, raw, 16);
    apr_pool_destroy(own);
    (void)unlink(path);
}

/* ---- generations ---------------------------------------------------------------- */

static const unsigned char *bytes_of(const char *value)
{
    char *url = apr_pstrdup(pool, value), *c;
    unsigned char *out;
    apr_size_t len;

    assert_int_equal(strlen(value), 28);
    for (c = url; *c; ++c) *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    assert_ok(tds_b64url_decode(&out, &len, url, strlen(url), 1, pool));
    assert_int_equal(len, ACS_AV_LEN);
    return out;
}

static acs_av_in_t any_in(void)
{
    return (acs_av_in_t){.pan = "4123456789012345", .trans_status = "Y", .category = "01", .eci = "05",
                         .ds_trans_id = TID, .acs_trans_id = SERVER_ID, .amount = "100", .currency = "978",
                         .merchant = "Shop",
                         .version = TDS_V220, .now = DAY_326, .rnd = tds_rand_bytes};
}

static void two_generations(void **state)
{
    acs_av_set_t now = set_of(CVK, 1), later = set_of(CVK_NEW, 2), both = set_of(CVK, 1);
    acs_av_in_t in = any_in();
    const char *value, *other;
    const unsigned char *raw;
    acs_av_t av;

    both.count = 2;
    both.key[1] = later.key[0];
    assert_ok(line(&av, "cvv-atn",
                   "key=<" CVK_NEW "> keyID=2 previous=<" CVK "> previousKeyID=1 until=20261122000001"));
    assert_ok(av.ops->make(av.baton, &in, &value, pool, &err));
    raw = bytes_of(value);
    assert_int_equal(raw[2], 0x01);
    assert_ok(acs_av_set_check(&now, av.ops->layout, &in, raw, &err));
    assert_int_equal(acs_av_set_check(&later, av.ops->layout, &in, raw, NULL), APR_EACCES);
    assert_ok(acs_av_set_check(&both, av.ops->layout, &in, raw, &err));
    in.now += apr_time_from_sec(1);
    assert_ok(av.ops->make(av.baton, &in, &other, pool, &err));
    raw = bytes_of(other);
    assert_int_equal(raw[2], 0x02);
    assert_ok(acs_av_set_check(&later, av.ops->layout, &in, raw, &err));
    assert_ok(acs_av_set_check(&both, av.ops->layout, &in, raw, &err));
    assert_ok(line(&av, "cvv-atn", "key=<" CVK_NEW "> keyID=2 previous=<" CVK ">")); /* without a time: the new one */
    in.now = 0;
    assert_ok(av.ops->make(av.baton, &in, &other, pool, &err));
    assert_int_equal(bytes_of(other)[2], 0x02);
}

static apr_status_t no_rnd(void *out, apr_size_t len)
{
    return APR_EGENERAL;
}

/* Made values check; a bit more or less does not; two are never the same where there is something random in them. */
static void made_and_checked(void **state)
{
    static const char *const keys[] = {CVK, CVK, IAV_KEY, IAV_KEY, GEN_KEY};
    int i, bit;

    for (i = 0; i < COUNT(keys); ++i) {
        const acs_av_ops_t *ops = acs_av_ops_find(names[i]);
        acs_av_set_t s = set_of(keys[i], ops->layout->id_first);
        acs_av_in_t in = any_in();
        const char *one, *two;
        unsigned char *raw;
        acs_av_t av;

        assert_ok(line(&av, names[i], apr_pstrcat(pool, "key=<", keys[i], ">", NULL)));
        assert_ok(av.ops->make(av.baton, &in, &one, pool, &err));
        assert_ok(av.ops->make(av.baton, &in, &two, pool, &err));
        if (strcmp(names[i], "mc-iav") && strcmp(names[i], "cvv-u3v7")) assert_string_not_equal(one, two);
        if (!strcmp(names[i], "mc-iav")) assert_string_equal(one, two);
        raw = apr_pmemdup(pool, bytes_of(one), ACS_AV_LEN);
        assert_ok(acs_av_set_check(&s, ops->layout, &in, raw, &err));
        for (bit = 0; bit < 8 * ACS_AV_LEN; ++bit) {
            raw[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (acs_av_set_check(&s, ops->layout, &in, raw, NULL) == APR_SUCCESS && strncmp(names[i], "cvv", 3))
                fail_msg("%s: bit %d does not count", names[i], bit);
            raw[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        in.rnd = no_rnd;
        tds_err_clear(&err);
        if (strcmp(names[i], "mc-iav"))
            assert_int_not_equal(av.ops->make(av.baton, &in, &one, pool, &err), APR_SUCCESS);
    }
}

/* ---- eci -------------------------------------------------------------------------- */

static const char *eci(const char *status, const char *category, const char *asked, const char *pan)
{
    acs_av_in_t in = {.trans_status = status, .category = category, .asked = asked, .pan = pan, .rnd = no_rnd,
                      .ds_trans_id = TID, .acs_trans_id = TID, .amount = "1", .currency = "978", .merchant = "x"};
    acs_av_out_t out = {NULL, NULL};

    (void)acs_av_outcome(&world.issuer, &in, &out, pool, NULL);
    return out.eci ? out.eci : "-";
}

static void use(const char *name, const char *text)
{
    acs_av_t *av;

    apr_array_clear(world.issuer.avs);
    av = apr_array_push(world.issuer.avs);
    assert_ok(line(av, name, text));
}

static void eci_defaults(void **state)
{
    static const struct {
        const char *name, *key;
        const char *pa, *npa; /* Y A N U R C */
        const char *i05, *i06, *i07;
    } rows[] = {{"cvv-atn", "<" CVK ">", "05 06 07 07 07 -", "- - - - - -", "-", "07", "-"},
                {"cvv-u3v7", "<" CVK ">", "05 06 07 07 07 -", "- - - - - -", "-", "07", "-"},
                {"mc-iav", "<" IAV_KEY ">", "02 01 00 00 00 -", "N2 - N0 - - -", "06", "04", "-"},
                {"lab", "<" LAB_KEY ">", "- - - - - -", "- - - - - -", "-", "-", "-"},
                {"generic-hmac", "<" GEN_KEY ">", "- - - - - -", "- - - - - -", "-", "-", "-"}};
    static const char *const status[] = {"Y", "A", "N", "U", "R", "C"};
    int i, k;

    apr_array_clear(world.issuer.ecis);
    for (i = 0; i < COUNT(rows); ++i) {
        const char *pa = "", *npa = "";

        use(rows[i].name, rows[i].key);
        for (k = 0; k < COUNT(status); ++k) {
            pa = apr_pstrcat(pool, pa, k ? " " : "", eci(status[k], "01", NULL, PAN), NULL);
            npa = apr_pstrcat(pool, npa, k ? " " : "", eci(status[k], "02", NULL, PAN), NULL);
        }
        assert_string_equal(pa, rows[i].pa);
        assert_string_equal(npa, rows[i].npa);
        assert_string_equal(eci("I", "01", "05", PAN), rows[i].i05);
        assert_string_equal(eci("I", "01", "06", PAN), rows[i].i06);
        assert_string_equal(eci("I", "01", "07", PAN), rows[i].i07);
    }
}

static apr_status_t eci_line(const char *text)
{
    const char *words[6];
    char *copy = apr_pstrdup(pool, text), *last, *word;
    acs_eci_line_t one;
    apr_status_t rv;
    int n = 0;

    for (word = apr_strtok(copy, " ", &last); word; word = apr_strtok(NULL, " ", &last)) words[n++] = word;
    tds_err_clear(&err);
    rv = acs_eci_read(&one, words, n, pool, &err);
    if (rv == APR_SUCCESS) *(acs_eci_line_t *)apr_array_push(world.issuer.ecis) = one;
    return rv;
}

static void eci_lines(void **state)
{
    static const char *const bad[] = {"Y", "C 05", "YA 05", "Y 5", "Y 055", "Y five", "Y X2", "Y 0x", "Y 05 MPA",
                                      "Y 05 range=4-5"};
    int i;

    apr_array_clear(world.issuer.ecis);
    use("mc-iav", "<" IAV_KEY ">");
    assert_ok(eci_line("Y 22 PA range=4000000000000000-4000000000000001"));
    assert_ok(eci_line("Y 12 PA"));
    assert_ok(eci_line("U N3"));
    assert_ok(eci_line("R none"));
    assert_string_equal(eci("Y", "01", NULL, "4000000000000001"), "22");
    assert_string_equal(eci("Y", "01", NULL, "4000000000000002"), "12");
    assert_string_equal(eci("Y", "02", NULL, "4000000000000001"), "N2");
    assert_string_equal(eci("U", "02", NULL, PAN), "N3");
    assert_string_equal(eci("R", "01", NULL, PAN), "-");
    assert_string_equal(eci("N", "01", NULL, PAN), "00");
    assert_string_equal(eci("U", "01", NULL, NULL), "N3");
    assert_string_equal(eci("A", "01", NULL, PAN), "01");
    for (i = 0; i < COUNT(bad); ++i) assert_int_equal(eci_line(bad[i]), APR_EINVAL);
}

/* ---- lines and transactions ----------------------------------------------------------- */

static acs_av_out_t outcome(const char *status, const char *category, const char *asked, const char *pan, int good)
{
    acs_av_in_t in = any_in();
    acs_av_out_t out = {NULL, NULL};

    in.trans_status = status;
    in.category = category;
    in.asked = asked;
    in.pan = pan;
    tds_err_clear(&err);
    assert_int_equal(acs_av_outcome(&world.issuer, &in, &out, pool, &err) == APR_SUCCESS, good);
    return out;
}

static void by_range(void **state)
{
    acs_issuer_t *issuer = &world.issuer;

    apr_array_clear(issuer->ecis);
    use("mc-iav", "key=<" IAV_KEY "> range=5100000000000000-5199999999999999");
    assert_non_null(acs_av_lines_fault(issuer, pool)); /* what of the others? */
    assert_ok(line(apr_array_push(issuer->avs), "cvv-atn", "<" CVK ">"));
    assert_null(acs_av_lines_fault(issuer, pool));
    assert_string_equal(outcome("Y", "01", NULL, "5100000000000008", 1).eci, "02");
    assert_int_equal(bytes_of(outcome("Y", "01", NULL, "5100000000000008", 1).value)[0], 0xc6);
    assert_int_equal(bytes_of(outcome("Y", "01", NULL, PAN, 1).value)[0], 0x00);
    assert_string_equal(outcome("Y", "01", NULL, PAN, 1).eci, "05");
    assert_int_equal(bytes_of(outcome("Y", "01", NULL, "510000000000000", 1).value)[0], 0x00); /* 15 digits */
    assert_null(outcome("Y", "01", NULL, NULL, 0).value); /* no account number any more */
    assert_ok(line(apr_array_push(issuer->avs), "cvv-atn", "<" CVK ">"));
    assert_non_null(acs_av_lines_fault(issuer, pool)); /* never reached */
    apr_array_clear(issuer->avs);
    assert_non_null(acs_av_lines_fault(issuer, pool));
}

/* A-ARES-03 */
static void value_only_with(void **state)
{
    static const char *const without[] = {"N", "U", "R", "C", "D", "S", "I"};
    int i;

    use("cvv-atn", "<" CVK ">");
    assert_non_null(outcome("Y", "01", NULL, PAN, 1).value);
    assert_non_null(outcome("A", "01", NULL, PAN, 1).value);
    assert_null(outcome("Y", "02", NULL, PAN, 1).value);
    assert_null(outcome("A", "02", NULL, PAN, 1).value);
    for (i = 0; i < COUNT(without); ++i) assert_null(outcome(without[i], "01", "06", PAN, 1).value);
    use("cvv-atn", "<" CVK "> informational=on");
    assert_int_equal(bytes_of(outcome("I", "01", "06", PAN, 1).value)[0], 0x03);
    assert_null(outcome("I", "02", "06", PAN, 1).value);
    for (i = 0; i < COUNT(without) - 1; ++i) assert_null(outcome(without[i], "01", "06", PAN, 1).value);
}

static apr_status_t ones(void *out, apr_size_t len)
{
    memset(out, 1, len);
    return APR_SUCCESS;
}

/* The eci that goes out is the one that the value binds. */
static void bound_eci(void **state)
{
    acs_av_set_t s = set_of(CVK, 1);
    acs_av_in_t in = any_in();
    acs_av_out_t out;

    apr_array_clear(world.issuer.ecis);
    use("cvv-u3v7", "<" CVK ">");
    assert_ok(eci_line("Y 09"));
    in.eci = NULL;
    in.rnd = ones; /* three digits may be equal by chance, but not today */
    assert_ok(acs_av_outcome(&world.issuer, &in, &out, pool, &err));
    assert_string_equal(out.eci, "09");
    in.eci = "09";
    assert_ok(acs_av_set_check(&s, acs_av_cvv_u3v7.layout, &in, bytes_of(out.value), &err));
    in.eci = "05";
    assert_int_equal(acs_av_set_check(&s, acs_av_cvv_u3v7.layout, &in, bytes_of(out.value), NULL), APR_EACCES);
}

static const char *areq_v(const char *ds_id, const char *from, const char *to)
{
    const char *more = ",\"browserJavaEnabled\":false,\"browserColorDepth\":\"24\",\"browserScreenHeight\":\"600\","
                       "\"browserScreenWidth\":\"800\",\"browserTZ\":\"0\""; /* 2.1.0 wants them always */
    const char *text = areq_text(ds_id, more), *at = strstr(text, from);

    assert_non_null(at);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), to, at + strlen(from), NULL);
}

/* Through the engine: the values are recomputed. */
static void in_the_ares(void **state)
{
    json_t *ares;

    world.outcome = (acs_outcome_t){"Y", NULL};
    apr_array_clear(world.issuer.ecis);
    use("mc-iav", "key=<" IAV_KEY IAV_KEY ">");
    ares = areq();
    is(ares, "authenticationValue", "xgQ4zRj9AAAAAAAAAAAAAAAAAAA=");
    is(ares, "eci", "02");
    use("mc-iav", "key=<" IAV_KEY IAV_KEY "> binding=purchase");
    ares = areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e00", ""));
    is(ares, "authenticationValue", "xgTBT4CyAAAAAAAAAAAAAAAAAAA=");
}

static void in_the_rreq(void **state)
{
    seen_t page;

    apr_array_clear(world.issuer.ecis);
    use("mc-iav", "key=<" IAV_KEY IAV_KEY "> binding=purchase");
    page = creq(areq());
    (void)press(page.token, "submit", world.otp);
    is(world.rreq, "transStatus", "Y");
    is(world.rreq, "authenticationValue", "xgTBT4CyAAAAAAAAAAAAAAAAAAA=");
    is(world.rreq, "eci", "02");
}

/* Data share only: an eci, and a value where the line says so. */
static void informational(void **state)
{
    const char *asked = ",\"threeDSRequestorChallengeInd\":\"06\"";
    json_t *ares;

    apr_array_clear(world.issuer.ecis);
    world.outcome = (acs_outcome_t){"I", NULL};
    use("cvv-atn", "<" CVK ">");
    ares = areq_with(areq_text(DS_ID, asked));
    is(ares, "transStatus", "I");
    is(ares, "eci", "07");
    absent(ares, "authenticationValue");
    use("cvv-atn", "<" CVK "> informational=on");
    ares = areq_with(areq_text("f25084f0-5b16-4c0a-ae5d-b24808a95e00", asked));
    is(ares, "transStatus", "I");
    assert_memory_equal(bytes_of(tds_json_get(ares, "authenticationValue")), "\x03\x99\x01", 3);
}

/* The challenge is won, and there is no value: U, and the browser is told N. */
static void rreq_without_value(void **state)
{
    seen_t page;

    apr_array_clear(world.issuer.ecis);
    use("cvv-u3v7", "<" CVK ">");
    page = creq(areq_with(areq_v(DS_ID, "\"purchaseAmount\":\"12345\"", "\"purchaseAmount\":\"1234567890123\"")));
    page = press(page.token, "submit", world.otp);
    is(page.message, "transStatus", "N");
    is(world.rreq, "transStatus", "U");
    is(world.rreq, "transStatusReason", "22");
    is(world.rreq, "eci", "07");
    absent(world.rreq, "authenticationValue");
}

static void not_authenticated(void **state)
{
    seen_t page;

    apr_array_clear(world.issuer.ecis);
    use("cvv-atn", "<" CVK ">");
    page = creq(areq());
    (void)press(page.token, "cancel", NULL);
    is(world.rreq, "transStatus", "N");
    absent(world.rreq, "authenticationValue");
    is(world.rreq, "eci", "07");
}

/* Never a made-up value: U, with the reason that the version has. */
static void cannot_be_made(void **state)
{
    static const struct {
        tds_ver_e version;
        const char *text, *reason;
    } rows[] = {{TDS_V220, "2.2.0", "22"}, {TDS_V210, "2.1.0", "07"}};
    const char *text;
    json_t *ares;
    int i;

    apr_array_clear(world.issuer.ecis);
    use("cvv-u3v7", "<" CVK ">");
    for (i = 0; i < COUNT(rows); ++i) {
        const char *id = apr_psprintf(pool, "f25084f0-5b16-4c0a-ae5d-b24808a95e%02d", i);

        world_forget();
        world.conf.versions = TDS_VER_BIT(rows[i].version);
        world.outcome = (acs_outcome_t){"Y", NULL};
        text = areq_v(id, "\"purchaseAmount\":\"12345\"", "\"purchaseAmount\":\"1234567890123\"");
        memcpy(strstr((char *)text, "2.2.0"), rows[i].text, 5);
        ares = areq_with(text);
        is(ares, "messageType", "ARes");
        is(ares, "transStatus", "U");
        is(ares, "transStatusReason", rows[i].reason);
        absent(ares, "authenticationValue");
        is(ares, "eci", "07");
        assert_non_null(strstr(world.logged, "ACS0050"));
    }
}

static const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, unit_teardown)
    UNIT(self_test_fails), UNIT(good_lines),       UNIT(bad_lines), UNIT(key_modes), UNIT(keys_wiped),
    UNIT(two_generations), UNIT(made_and_checked), T(eci_defaults), T(eci_lines),    T(by_range),
    T(value_only_with),    T(in_the_ares),         T(in_the_rreq),  T(informational), T(rreq_without_value),
    T(not_authenticated),  T(cannot_be_made),     T(bound_eci),
#undef T
};
UNIT_MAIN(tests)
