/* The certificate chain of signed content (K-07, K-08), with certificates made here. The headers are put together by hand;
 * base64 is OpenSSL's. */
#include "unit.h"
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "tds_jws.h"

#define DAY (24L * 60 * 60)

typedef struct cert_t {
    X509 *x509;
    EVP_PKEY *key;
} cert_t;

static cert_t root, other_root, upper, lower, leaf, rsa_leaf, short_leaf, curve_leaf, old_leaf, direct;
static X509_STORE *roots;

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(x, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* key: taken. issuer NULL: a root. from, to: days from now. */
static cert_t make(const char *name, EVP_PKEY *key, const cert_t *issuer, int ca, long from, long to)
{
    static long serial;
    cert_t c = {X509_new(), key};
    X509_NAME *subject = X509_get_subject_name(c.x509);

    assert_non_null(key);
    X509_set_version(c.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c.x509), from * DAY);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), to * DAY);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c.x509, issuer ? X509_get_subject_name(issuer->x509) : subject);
    X509_set_pubkey(c.x509, key);
    extend(c.x509, issuer ? issuer->x509 : c.x509, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(c.x509, issuer ? issuer->x509 : c.x509, NID_key_usage, ca ? "critical,keyCertSign" : "critical,digitalSignature");
    assert_true(X509_sign(c.x509, issuer ? issuer->key : key, EVP_sha256()) > 0);
    return c;
}

static EVP_PKEY *p256(void)
{
    return EVP_EC_gen("P-256");
}

static int make_all(void **state)
{
    root = make("Root", p256(), NULL, 1, -1, 30);
    other_root = make("Other Root", p256(), NULL, 1, -1, 30);
    upper = make("Upper", p256(), &root, 1, -1, 30);
    lower = make("Lower", p256(), &upper, 1, -1, 30);
    leaf = make("Signer", p256(), &lower, 0, -1, 30);
    rsa_leaf = make("RSA Signer", EVP_RSA_gen(2048), &lower, 0, -1, 30);
    short_leaf = make("Short Signer", EVP_RSA_gen(1024), &lower, 0, -1, 30);
    curve_leaf = make("P-384 Signer", EVP_EC_gen("P-384"), &lower, 0, -1, 30);
    old_leaf = make("Old Signer", p256(), &lower, 0, -20, -10);
    direct = make("Direct Signer", p256(), &root, 0, -1, 30);
    roots = X509_STORE_new();
    return X509_STORE_add_cert(roots, root.x509) == 1 ? 0 : -1;
}

static int free_all(void **state)
{
    const cert_t *certs[] = {&root, &other_root, &upper, &lower, &leaf, &rsa_leaf, &short_leaf, &curve_leaf, &old_leaf, &direct};
    int i;

    for (i = 0; i < COUNT(certs); ++i) {
        X509_free(certs[i]->x509);
        EVP_PKEY_free(certs[i]->key);
    }
    X509_STORE_free(roots);
    return 0;
}

/* ---- texts --------------------------------------------------------------- */

static const char *base64(const unsigned char *bytes, int len)
{
    char *text = apr_palloc(pool, (apr_size_t)len * 4 / 3 + 8);

    EVP_EncodeBlock((unsigned char *)text, bytes, len);
    return text;
}

static const char *entry(const cert_t *c)
{
    unsigned char *der = NULL;
    int len = i2d_X509(c->x509, &der);
    const char *text = base64(der, len);

    OPENSSL_free(der);
    return text;
}

/* A JWS with that header; what is signed, and by whom, does not matter here. */
static const char *jws(const char *header)
{
    char *text = apr_pstrdup(pool, base64((const unsigned char *)header, (int)strlen(header))), *p;

    for (p = text; *p; ++p) *p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p);
    return apr_pstrcat(pool, text, ".e30.c2ln", NULL);
}

static const char *header(const char *alg, const cert_t *const *certs)
{
    const char *list = "";

    for (; *certs; ++certs) list = apr_pstrcat(pool, list, *list ? "," : "", "\"", entry(*certs), "\"", NULL);
    return apr_psprintf(pool, "{\"alg\":\"%s\",\"x5c\":[%s]}", alg, list);
}

/* NULL when the chain is good, else what is said of it. */
static const char *fault_of(const char *text, X509_STORE *trusted, apr_time_t now)
{
    apr_status_t rv;

    tds_err_init(&err, pool);
    rv = tds_jws_chain_check(text, strlen(text), trusted, now, pool, &err);
    if (rv == APR_SUCCESS) return NULL;
    assert_int_equal(rv, APR_EINVAL);
    assert_int_equal(err.proto, 0);
    assert_non_null(err.detail);
    return err.detail;
}

#define CHAIN(alg, ...) fault_of(jws(header(alg, (const cert_t *const[]){__VA_ARGS__, NULL})), roots, apr_time_now())
#define assert_says(what, words)                                                                                       \
    do {                                                                                                               \
        const char *said = (what);                                                                                     \
        assert_non_null(said);                                                                                         \
        if (!strstr(said, words)) fail_msg("'%s', not '%s'", said, words);                                             \
    } while (0)

/* ---- chains -------------------------------------------------------------- */

static void complete(void **state)
{
    assert_null(CHAIN("ES256", &leaf, &lower, &upper));
    assert_null(CHAIN("PS256", &rsa_leaf, &lower, &upper));
    assert_null(CHAIN("ES256", &direct));
}

/* What broke the app while the browser worked: browsers fetch, or remember, what is missing. */
static void intermediate_missing(void **state)
{
    assert_says(CHAIN("ES256", &leaf, &lower), "does not lead to a root");
    assert_says(CHAIN("ES256", &leaf, &upper), "does not lead to a root");
    assert_says(CHAIN("ES256", &leaf), "does not lead to a root");
}

/* That we trust the intermediate ourselves does not help the SDK. */
static void intermediate_in_the_store_only(void **state)
{
    X509_STORE *rich = X509_STORE_new();

    X509_STORE_add_cert(rich, root.x509);
    X509_STORE_add_cert(rich, upper.x509);
    assert_says(fault_of(jws(header("ES256", (const cert_t *const[]){&leaf, &lower, NULL})), rich, apr_time_now()),
                "lacks an intermediate");
    assert_null(fault_of(jws(header("ES256", (const cert_t *const[]){&leaf, &lower, &upper, NULL})), rich, apr_time_now()));
    X509_STORE_free(rich);
}

/* K-08: the path begins at the first, and is built over the others. */
static void order(void **state)
{
    assert_null(CHAIN("ES256", &leaf, &upper, &lower));
    assert_says(CHAIN("ES256", &lower, &leaf, &upper), "is a CA");
    assert_says(CHAIN("ES256", &lower, &upper), "is a CA");
}

static void root_stays_out(void **state)
{
    assert_says(CHAIN("ES256", &leaf, &lower, &upper, &root), "x5c[3] is a root");
    assert_says(CHAIN("ES256", &root), "x5c[0] is a root");
}

static void other_anchor(void **state)
{
    X509_STORE *others = X509_STORE_new();

    X509_STORE_add_cert(others, other_root.x509);
    assert_says(fault_of(jws(header("ES256", (const cert_t *const[]){&leaf, &lower, &upper, NULL})), others, apr_time_now()),
                "does not lead to a root");
    X509_STORE_free(others);
}

static void in_time(void **state)
{
    const char *good = jws(header("ES256", (const cert_t *const[]){&leaf, &lower, &upper, NULL}));

    assert_says(CHAIN("ES256", &old_leaf, &lower, &upper), "expired");
    assert_says(fault_of(good, roots, apr_time_now() + apr_time_from_sec(40 * DAY)), "expired");
    assert_says(fault_of(good, roots, apr_time_now() - apr_time_from_sec(5 * DAY)), "not yet valid");
}

static void key_fits(void **state)
{
    assert_says(CHAIN("PS256", &leaf, &lower, &upper), "as PS256 needs");
    assert_says(CHAIN("ES256", &rsa_leaf, &lower, &upper), "as ES256 needs");
    assert_says(CHAIN("PS256", &short_leaf, &lower, &upper), "as PS256 needs");
    assert_says(CHAIN("ES256", &curve_leaf, &lower, &upper), "as ES256 needs");
    assert_says(CHAIN("RS256", &rsa_leaf, &lower, &upper), "neither PS256 nor ES256");
    assert_says(CHAIN("none", &leaf, &lower, &upper), "neither PS256 nor ES256");
}

/* A signature that is not the issuer's. */
static void forged(void **state)
{
    const cert_t liar = {upper.x509, other_root.key};
    cert_t fake = make("Lower", p256(), &liar, 1, -1, 30), below = make("Forged Signer", p256(), &fake, 0, -1, 30);

    assert_says(CHAIN("ES256", &below, &fake, &upper), "does not lead to a root");
    X509_free(fake.x509);
    X509_free(below.x509);
    EVP_PKEY_free(fake.key);
    EVP_PKEY_free(below.key);
}

/* ---- texts that are none --------------------------------------------------- */

static void not_a_jws(void **state)
{
    static const char *const texts[] = {"", ".", "..", "e30..c2ln", "e30.e30.", "e30.e30", "e30.e30.c2ln.x", ".e30.c2ln"};
    char *huge = apr_palloc(pool, TDS_JWS_MAX + 2);
    int i;

    for (i = 0; i < COUNT(texts); ++i)
        if (strcmp(texts[i], ".e30.c2ln")) assert_says(fault_of(texts[i], roots, 0), "not a compact JWS");
    assert_non_null(fault_of(".e30.c2ln", roots, 0));
    assert_says(fault_of("e3 0.e30.c2ln", roots, 0), "not base64url");
    assert_says(fault_of(jws("[]"), roots, 0), "not a JSON object");
    assert_says(fault_of(jws("{\"alg\":\"ES256\",\"alg\":\"ES256\"}"), roots, 0), "not a JSON object");
    assert_says(fault_of(jws("{\"alg\":\"ES256\"}"), roots, 0), "no x5c");
    assert_says(fault_of(jws("{\"alg\":\"ES256\",\"x5c\":\"MII=\"}"), roots, 0), "no x5c");
    assert_says(fault_of(jws("{\"alg\":\"ES256\",\"x5c\":[]}"), roots, 0), "no x5c");
    memset(huge, 'A', TDS_JWS_MAX + 1);
    huge[TDS_JWS_MAX + 1] = '\0';
    assert_says(fault_of(huge, roots, 0), "more than");
}

static void not_certificates(void **state)
{
    const char *good = entry(&leaf), *items[10];
    char big[16384];
    int i;

    memset(big, 'A', sizeof big - 4);
    big[sizeof big - 4] = '\0';
    items[0] = "\"\"";
    items[1] = "1";
    items[2] = "\"AAAA\"";
    items[3] = "\"====\"";
    items[4] = apr_pstrcat(pool, "\"", good, "\\n\"", NULL);
    items[5] = apr_pstrcat(pool, "\"", apr_pstrmemdup(pool, good, 64), "\\n", good + 64, "\"", NULL);
    items[6] = apr_pstrcat(pool, "\" ", good, "\"", NULL);
    items[7] = apr_pstrcat(pool, "\"", good, "AAAA\"", NULL);
    items[8] = apr_pstrcat(pool, "\"", big, "\"", NULL);
    items[9] = "[]";
    for (i = 0; i < COUNT(items); ++i)
        assert_says(fault_of(jws(apr_pstrcat(pool, "{\"alg\":\"ES256\",\"x5c\":[", items[i], "]}", NULL)), roots, apr_time_now()),
                    "x5c[0] is not a certificate");
    assert_says(CHAIN("ES256", &leaf, &lower, &upper, &upper, &upper, &upper, &upper, &upper, &upper), "more than 8");
    assert_null(CHAIN("ES256", &leaf, &lower, &upper, &upper, &upper, &upper, &upper, &upper));
}

/* ---- files ---------------------------------------------------------------- */

static apr_status_t load(const X509 *const *certs, X509_STORE **store)
{
    char path[] = "/tmp/tds-roots-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    apr_status_t rv;

    assert_non_null(f);
    fputs("A comment\n", f);
    for (; *certs; ++certs) PEM_write_X509(f, (X509 *)*certs);
    fclose(f);
    tds_err_init(&err, pool);
    rv = tds_jws_roots_load(store, path, pool, &err);
    unlink(path);
    return rv;
}

static void files_of_roots(void **state)
{
    const char *good = jws(header("ES256", (const cert_t *const[]){&leaf, &lower, &upper, NULL}));
    X509_STORE *store;

    assert_ok(load((const X509 *const[]){other_root.x509, root.x509, NULL}, &store));
    assert_null(fault_of(good, store, apr_time_now()));
    assert_ok(load((const X509 *const[]){other_root.x509, NULL}, &store));
    assert_says(fault_of(good, store, apr_time_now()), "does not lead to a root");
    assert_int_equal(load((const X509 *const[]){root.x509, upper.x509, NULL}, &store), APR_EINVAL);
    assert_null(store);
    assert_non_null(strstr(err.detail, "certificate 2 is no root"));
    assert_int_equal(load((const X509 *const[]){NULL}, &store), APR_EINVAL);
    tds_err_clear(&err);
    assert_int_equal(tds_jws_roots_load(&store, "/nowhere/roots.pem", pool, &err), APR_ENOENT);
}

static const struct CMUnitTest tests[] = {
    UNIT(complete),     UNIT(intermediate_missing), UNIT(intermediate_in_the_store_only),
    UNIT(order),        UNIT(root_stays_out),       UNIT(other_anchor),
    UNIT(in_time),      UNIT(key_fits),             UNIT(forged),
    UNIT(not_a_jws),    UNIT(not_certificates),     UNIT(files_of_roots),
};

int main(void)
{
    int failed;

    if (apr_initialize() != APR_SUCCESS) return 1;
    failed = cmocka_run_group_tests(tests, make_all, free_all);
    apr_terminate();
    return failed;
}
