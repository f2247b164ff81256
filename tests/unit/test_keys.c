#include "unit.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tds_keys.h"

#define KEY_A "0001a2c30405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100FFEEDDCCBBAA99887766554433221100"
#define KEY_C "1111111111111111111111111111111111111111111111111111111111111111"

static tds_keys_t *keys_of(const char *first, const char *second)
{
    tds_keys_t *keys = tds_keys_make(pool);

    assert_ok(tds_keys_add(keys, first, &err));
    if (second) assert_ok(tds_keys_add(keys, second, &err));
    return keys;
}

static void text_forms(void **state)
{
    static const char *const bad[] = {"", "00", KEY_A "00", " " KEY_A, KEY_A "\n",
                                      "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
    tds_keys_t *keys = tds_keys_make(pool);
    int i;

    for (i = 0; i < COUNT(bad); ++i) {
        tds_err_clear(&err);
        assert_int_equal(tds_keys_add(keys, bad[i], &err), APR_EINVAL);
        assert_non_null(err.detail);
        assert_null(strstr(err.detail, "0001"));
    }
    assert_int_equal(tds_keys_count(keys), 0);
    assert_ok(tds_keys_add(keys, KEY_A, &err));
    tds_err_clear(&err);
    assert_int_equal(tds_keys_add(keys, KEY_A, &err), APR_EINVAL); /* twice the same */
    assert_ok(tds_keys_add(keys, KEY_B, &err));
    assert_int_equal(tds_keys_count(keys), 2);
    assert_int_equal(tds_keys_add(keys, KEY_C, &err), APR_ENOSPC);
}

static void no_key(void **state)
{
    unsigned char out[32];

    assert_int_equal(tds_keys_mac(tds_keys_make(pool), out, "x", NULL, 0), APR_NOTFOUND);
    assert_int_equal(tds_keys_derive(tds_keys_make(pool), 0, out, "x", NULL, 0), APR_NOTFOUND);
}

static void derivation(void **state)
{
    tds_keys_t *a = keys_of(KEY_A, NULL), *b = keys_of(KEY_B, NULL);
    tds_bytes_t p[9];
    unsigned char k[6][TDS_KEY_LEN];
    int i, j;

    for (i = 0; i < 9; ++i) p[i] = TDS_BYTES("p", 1);
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[0], "record", NULL, 0));
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[1], "recor", NULL, 0));
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[2], "record", p, 1));
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[3], "record", p, 2));
    assert_ok(tds_keys_derive(b, tds_keys_writer(b), k[4], "record", p, 2));
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[5], "record", p, 8));
    for (i = 0; i < 6; ++i)
        for (j = 0; j < i; ++j) assert_memory_not_equal(k[i], k[j], TDS_KEY_LEN);
    assert_ok(tds_keys_derive(a, tds_keys_writer(a), k[1], "record", NULL, 0));
    assert_memory_equal(k[0], k[1], TDS_KEY_LEN);
    assert_int_equal(tds_keys_derive(a, tds_keys_writer(a), k[0], "record", p, 9), APR_EINVAL);
    assert_int_equal(tds_keys_derive(a, tds_keys_writer(b), k[0], "record", p, 2), APR_NOTFOUND);
}

static apr_status_t file_drop(void *path)
{
    return unlink(path) == 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
}

/* Gone with pool. */
static const char *file_with(const char *text, size_t len)
{
    char *path = apr_pstrdup(pool, "/tmp/test_keys.XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    apr_pool_cleanup_register(pool, path, file_drop, apr_pool_cleanup_null);
    return path;
}

/* The writer changes, what the other generation wrote can be read, and identifiers stay: they come from the id key,
 * whichever generation is first. */
static void rotation(void **state)
{
    tds_keys_t *steps[] = {keys_of(KEY_A, NULL), keys_of(KEY_A, KEY_B), keys_of(KEY_B, KEY_A), keys_of(KEY_B, NULL)};
    const char *id = file_with(KEY_A, strlen(KEY_A));
    tds_bytes_t p = TDS_BYTES("x", 1);
    unsigned char first[32], now[32];
    int i;

    tds_err_init(&err, pool);
    assert_int_equal(tds_keys_writer(steps[0]), tds_keys_writer(steps[1]));
    assert_int_not_equal(tds_keys_writer(steps[1]), tds_keys_writer(steps[2]));
    assert_int_equal(tds_keys_writer(steps[2]), tds_keys_writer(steps[3]));
    assert_ok(tds_keys_derive(steps[1], tds_keys_writer(steps[3]), first, "record", &p, 1));
    assert_ok(tds_keys_derive(steps[2], tds_keys_writer(steps[3]), now, "record", &p, 1));
    assert_memory_equal(first, now, 32);
    assert_ok(tds_keys_mac(steps[0], first, "id", &p, 1));
    assert_ok(tds_keys_mac(steps[3], now, "id", &p, 1));
    assert_memory_not_equal(first, now, 32);
    for (i = 1; i < 4; ++i) {
        assert_ok(tds_keys_id_file(steps[i], id, pool, &err));
        assert_ok(tds_keys_mac(steps[i], now, "id", &p, 1));
        assert_memory_equal(first, now, 32);
    }
    assert_ok(tds_keys_mac(steps[0], now, "id2", &p, 1));
    assert_memory_not_equal(first, now, 32);
    assert_int_equal(tds_keys_id_file(steps[0], file_with("12", 2), pool, &err), APR_EINVAL);
}

/* One part again and again, counting, published: each is refused out of a file; one bit of it turned, it is a key. */
static void that_anybody_tries(void **state)
{
    static const char *const keys[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", "abababababababababababababababababababababababababababababababab",
        "0102030401020304010203040102030401020304010203040102030401020304", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0", "0123456789abcdeffedcba98765432105a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5b"};
    char text[65];
    int i;

    for (i = 0; i < COUNT(keys); ++i) {
        tds_err_init(&err, pool);
        assert_int_equal(tds_keys_add_file(tds_keys_make(pool), file_with(keys[i], 64), pool, &err), APR_EINVAL);
        assert_null(strstr(err.detail, keys[i]));
        apr_cpystrn(text, keys[i], sizeof text);
        text[7] = text[7] == '7' ? '8' : '7';
        tds_err_init(&err, pool);
        assert_ok(tds_keys_add_file(tds_keys_make(pool), file_with(text, 64), pool, &err));
    }
}

static apr_status_t add_from(tds_keys_t *keys, const char *text, size_t len)
{
    const char *path = file_with(text, len);

    tds_err_clear(&err);
    return tds_keys_add_file(keys, path, pool, &err);
}

/* Who else may read or write it? */
static void open_to_others(void)
{
    static const struct {
        int mode;
        apr_status_t rv;
    } rows[] = {{0600, APR_SUCCESS}, {0640, APR_SUCCESS}, {0644, APR_EACCES}, {0660, APR_EACCES}, {0602, APR_EACCES}};
    int i;

    for (i = 0; i < COUNT(rows); ++i) {
        const char *path = file_with(KEY_A, strlen(KEY_A));

        tds_err_clear(&err);
        assert_int_equal(chmod(path, (mode_t)rows[i].mode), 0);
        assert_int_equal(tds_keys_add_file(tds_keys_make(pool), path, pool, &err), rows[i].rv);
    }
}

static void files(void **state)
{
    tds_keys_t *keys = tds_keys_make(pool), *same = keys_of(KEY_A, NULL);
    char big[2000];
    unsigned char m1[32], m2[32];

    assert_int_not_equal(tds_keys_add_file(keys, "/nonexistent/key", pool, &err), APR_SUCCESS);
    open_to_others();
    assert_int_equal(add_from(keys, "", 0), APR_EINVAL);
    assert_int_equal(add_from(keys, "\n", 1), APR_EINVAL);
    memset(big, 'a', sizeof big);
    assert_int_equal(add_from(keys, big, sizeof big), APR_EINVAL);
    assert_int_equal(add_from(keys, KEY_A "\0" KEY_A, 129), APR_SUCCESS); /* only text up to a NUL counts */
    keys = tds_keys_make(pool);
    assert_ok(add_from(keys, " \t" KEY_A "\r\n\n", strlen(" \t" KEY_A "\r\n\n")));
    assert_ok(tds_keys_mac(keys, m1, "id", NULL, 0));
    assert_ok(tds_keys_mac(same, m2, "id", NULL, 0));
    assert_memory_equal(m1, m2, 32);
}

static const struct CMUnitTest tests[] = {UNIT(text_forms), UNIT(no_key), UNIT(derivation), UNIT(rotation), UNIT(that_anybody_tries), UNIT(files)};
UNIT_MAIN(tests)
