#include "tds_keys.h"

#include <ctype.h>
#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#define PARTS_MAX 8

struct tds_keys_t {
    int count;
    unsigned char master[TDS_KEYS_GENERATIONS][TDS_KEY_LEN];
    unsigned char id[TDS_KEYS_GENERATIONS];
    unsigned char id_key[TDS_KEY_LEN];
    int has_id_key;
};

tds_keys_t *tds_keys_make(apr_pool_t *pool)
{
    tds_keys_t *keys = apr_pcalloc(pool, sizeof *keys);

    tds_wipe_later(pool, keys, sizeof *keys);
    return keys;
}

static apr_status_t mac_labelled(const unsigned char *key, unsigned char *out, const char *label,
                                 const tds_bytes_t *parts, int nparts)
{
    tds_bytes_t all[PARTS_MAX + 1];
    int i;

    if (nparts > PARTS_MAX) return APR_EINVAL;
    all[0] = TDS_BYTES_STR(label);
    for (i = 0; i < nparts; ++i) all[i + 1] = parts[i];
    return tds_mac(out, key, TDS_KEY_LEN, all, nparts + 1);
}

apr_status_t tds_keys_add(tds_keys_t *keys, const char *hex, tds_err_t *err)
{
    unsigned char *m = keys->master[keys->count], check[TDS_HASH_LEN];
    apr_status_t rv;

    if (keys->count == TDS_KEYS_GENERATIONS)
        return TDS_FAIL(err, APR_ENOSPC, 0, NULL, "more than %d key generations", TDS_KEYS_GENERATIONS);
    if (tds_unhex(m, TDS_KEY_LEN, hex) != APR_SUCCESS)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "a master key is 64 hexadecimal digits");
    if ((rv = mac_labelled(m, check, "generation", NULL, 0)) != APR_SUCCESS) return rv;
    keys->id[keys->count] = check[0];
    if (keys->count && keys->id[0] == check[0])
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "both generations have the same id: make another key");
    ++keys->count;
    return APR_SUCCESS;
}

#define HANDS_OFF (APR_FPROT_GWRITE | APR_FPROT_WREAD | APR_FPROT_WWRITE | APR_FPROT_WEXECUTE)

int tds_keys_closed(apr_file_t *f)
{
    apr_finfo_t info;
    apr_status_t rv = apr_file_info_get(&info, APR_FINFO_PROT, f);

    return (rv == APR_SUCCESS || rv == APR_INCOMPLETE) && (info.valid & APR_FINFO_PROT) && !(info.protection & HANDS_OFF);
}

apr_status_t tds_keys_read(char *text, apr_size_t size, const char *path, apr_pool_t *ptemp, tds_err_t *err)
{
    apr_size_t n = size - 1, lead = 0;
    apr_file_t *f;
    apr_status_t rv;

    if ((rv = apr_file_open(&f, path, APR_READ, APR_OS_DEFAULT, ptemp)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 0, NULL, "cannot open key file %s", path);
    if (!tds_keys_closed(f)) {
        (void)apr_file_close(f);
        return TDS_FAIL(err, APR_EACCES, 0, NULL, "key file %s must be closed to others: chmod 600", path);
    }
    rv = apr_file_read_full(f, text, n, &n);
    (void)apr_file_close(f);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) return TDS_FAIL(err, rv, 0, NULL, "cannot read key file %s", path);
    while (n && isspace((unsigned char)text[n - 1])) --n;
    while (lead < n && isspace((unsigned char)text[lead])) ++lead;
    memmove(text, text + lead, n - lead);
    text[n - lead] = '\0';
    return APR_SUCCESS;
}

/* Does it repeat its first part bytes? */
static int repeats(const unsigned char *key, apr_size_t len, apr_size_t part)
{
    return len % part == 0 && !memcmp(key, key + part, len - part);
}

static int counts(const unsigned char *key, apr_size_t len)
{
    unsigned char step = (unsigned char)(key[1] - key[0]);
    apr_size_t i;

    for (i = 1; i < len; ++i) {
        if ((unsigned char)(key[i] - key[i - 1]) != step) return 0;
    }
    return 1;
}

int tds_keys_known(const unsigned char *key, apr_size_t len)
{
    /* Of vectors for CVV, IAV, SPA and CVC2, of RFC 4231, and what people type; each also as the beginning of a longer key. */
    static const char *const published[] = {"0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEF0123456789ABCDEF",
                                            "B039878C1F96D212F509B2DC4CC8CD1B", "00112233445566778899AABBCCDDEEFF",
                                            "DEADBEEFDEADBEEFDEADBEEFDEADBEEF", "000102030405060708090A0B0C0D0E0F"};
    unsigned char known[16];
    apr_size_t i;

    for (i = 1; i <= len / 2; ++i) {
        if (repeats(key, len, i)) return 1;
    }
    for (i = 0; len >= sizeof known && i < sizeof published / sizeof *published; ++i) {
        if (tds_unhex(known, sizeof known, published[i]) == APR_SUCCESS && tds_equal(known, key, sizeof known)) return 1;
    }
    return len > 1 && counts(key, len);
}

typedef apr_status_t take_fn(tds_keys_t *keys, const char *hex, tds_err_t *err);

static apr_status_t from_file(tds_keys_t *keys, take_fn *take, const char *path, apr_pool_t *ptemp, tds_err_t *err)
{
    char text[1024];
    unsigned char key[TDS_KEY_LEN];
    apr_status_t rv = tds_keys_read(text, sizeof text, path, ptemp, err);

    if (rv == APR_SUCCESS) rv = take(keys, text, err);
    if (rv == APR_SUCCESS && tds_unhex(key, sizeof key, text) == APR_SUCCESS && tds_keys_known(key, sizeof key))
        rv = TDS_FAIL(err, APR_EINVAL, 0, NULL, "key file %s holds a key that anybody tries: make one with openssl rand -hex 32", path);
    tds_wipe(text, sizeof text);
    tds_wipe(key, sizeof key);
    return rv;
}

apr_status_t tds_keys_add_file(tds_keys_t *keys, const char *path, apr_pool_t *ptemp, tds_err_t *err)
{
    return from_file(keys, tds_keys_add, path, ptemp, err);
}

static apr_status_t take_id(tds_keys_t *keys, const char *hex, tds_err_t *err)
{
    if (tds_unhex(keys->id_key, TDS_KEY_LEN, hex) != APR_SUCCESS)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "an id key is 64 hexadecimal digits");
    keys->has_id_key = 1;
    return APR_SUCCESS;
}

apr_status_t tds_keys_id_file(tds_keys_t *keys, const char *path, apr_pool_t *ptemp, tds_err_t *err)
{
    return from_file(keys, take_id, path, ptemp, err);
}

int tds_keys_count(const tds_keys_t *keys)
{
    return keys->count;
}

unsigned char tds_keys_writer(const tds_keys_t *keys)
{
    return keys->id[0];
}

tds_bytes_t tds_keys_generations(const tds_keys_t *keys)
{
    return TDS_BYTES(keys->id, (apr_size_t)keys->count);
}

apr_status_t tds_keys_derive(const tds_keys_t *keys, unsigned char generation, unsigned char out[TDS_KEY_LEN],
                             const char *label, const tds_bytes_t *parts, int nparts)
{
    int i;

    for (i = 0; i < keys->count; ++i) {
        if (keys->id[i] == generation) return mac_labelled(keys->master[i], out, label, parts, nparts);
    }
    return APR_NOTFOUND;
}

apr_status_t tds_keys_mac(const tds_keys_t *keys, unsigned char out[TDS_HASH_LEN], const char *label,
                          const tds_bytes_t *parts, int nparts)
{
    if (!keys->count) return APR_NOTFOUND;
    return mac_labelled(keys->has_id_key ? keys->id_key : keys->master[0], out, label, parts, nparts);
}
