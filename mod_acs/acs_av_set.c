/* Key sets: loading, making, checking. No layout and no algorithm in here. */
#include "acs_av_int.h"

#include <string.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_keys.h"
#include "tds_time.h"

/* ---- key files --------------------------------------------------------------- */

static apr_status_t take_key(acs_av_key_t *key, const acs_av_layout_t *layout, const char *hex, const char *path,
                             apr_pool_t *pool, tds_err_t *err)
{
    apr_size_t len = strlen(hex) / 2;

    if (len < layout->key_min || len > layout->key_max || tds_unhex(key->bytes, len, hex) != APR_SUCCESS)
        return TDS_FAIL(
            err, APR_EINVAL, 0, NULL, "key file %s must hold %d%s hexadecimal digits", path, (int)layout->key_min * 2,
            layout->key_min == layout->key_max ? "" : apr_psprintf(pool, " to %d", (int)layout->key_max * 2));
    key->len = len;
    if (layout->halves && tds_equal(key->bytes, key->bytes + len / 2, len / 2))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "key file %s: both halves are the same", path);
    return APR_SUCCESS;
}

static apr_status_t load_key(acs_av_key_t *key, const acs_av_layout_t *layout, const char *path, apr_pool_t *pool,
                             tds_err_t *err)
{
    char text[ACS_AV_KEY_MAX * 2 + 64];
    apr_status_t rv = tds_keys_read(text, sizeof text, path, pool, err);

    if (rv == APR_SUCCESS) rv = take_key(key, layout, text, path, pool, err);
    tds_wipe(text, sizeof text);
    return rv;
}

/* ---- options ------------------------------------------------------------------ */

static apr_status_t number(int *out, const char *name, const char *text, int fallback, int min, int max, tds_err_t *err)
{
    char *end;
    apr_int64_t n = text ? apr_strtoi64(text, &end, 10) : fallback;

    if (text && (end == text || *end || n < min || n > max))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s= must be a number between %d and %d", name, min, max);
    *out = (int)n;
    return APR_SUCCESS;
}

/* YYYYMMDDHHMMSS, UTC, as messages write it. */
static apr_status_t take_until(acs_av_set_t *set, const char *text, apr_pool_t *pool, tds_err_t *err)
{
    if (!text) return APR_SUCCESS;
    set->until = tds_time_read(text);
    if (!strcmp(tds_time_compact(set->until, pool), text)) return APR_SUCCESS; /* there is such a day */
    return TDS_FAIL(err, APR_EINVAL, 0, NULL, "until= must be a time in UTC, written YYYYMMDDHHMMSS");
}

static apr_status_t take_options(acs_av_set_t *set, const acs_av_words_t *words, apr_pool_t *pool, tds_err_t *err)
{
    const char *binding = words->value[ACS_AV_BINDING];
    apr_status_t rv;
    int length;

    if ((rv = number(&length, "length", words->value[ACS_AV_LENGTH], ACS_AV_LEN, ACS_AV_LEN, ACS_AV_MAX, err)) !=
        APR_SUCCESS)
        return rv;
    set->length = (apr_size_t)length;
    if ((rv = number(&set->acs_id, "acsID", words->value[ACS_AV_ACS_ID], 0, 0, 7, err)) != APR_SUCCESS) return rv;
    if (binding && strcmp(binding, "transaction") && strcmp(binding, "purchase"))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "binding= must be transaction or purchase");
    set->by_purchase = binding && !strcmp(binding, "purchase");
    return take_until(set, words->value[ACS_AV_UNTIL], pool, err);
}

static apr_status_t load_previous(acs_av_set_t *set, const acs_av_layout_t *layout, const acs_av_words_t *words,
                                  apr_pool_t *pool, tds_err_t *err)
{
    acs_av_key_t *old = &set->key[1];
    int next = set->key[0].id == layout->id_max ? layout->id_min : set->key[0].id + 1;
    apr_status_t rv;

    if (!words->value[ACS_AV_PREVIOUS]) {
        if (!words->value[ACS_AV_PREVIOUS_ID] && !words->value[ACS_AV_UNTIL]) return APR_SUCCESS;
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "previousKeyID= and until= need previous=file:PATH");
    }
    if ((rv = load_key(old, layout, words->value[ACS_AV_PREVIOUS], pool, err)) != APR_SUCCESS) return rv;
    if (old->len == set->key[0].len && tds_equal(old->bytes, set->key[0].bytes, old->len))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "key and previous are the same key");
    set->count = 2;
    rv = number(&old->id, "previousKeyID", words->value[ACS_AV_PREVIOUS_ID], next, layout->id_min, layout->id_max, err);
    if (rv == APR_SUCCESS && layout->id_max && old->id == set->key[0].id)
        rv = TDS_FAIL(err, APR_EINVAL, 0, NULL, "keyID and previousKeyID must differ");
    return rv;
}

/* The key works, here and now: a value is made and checked under each. */
static apr_status_t prove(acs_av_set_t *set, const acs_av_layout_t *layout, tds_err_t *err)
{
    static const char id[] = "00000000-0000-4000-8000-000000000000";
    acs_av_in_t in = {.pan = "0000000000000000",
                      .trans_status = "Y",
                      .category = "01",
                      .eci = "00",
                      .ds_trans_id = id,
                      .acs_trans_id = id,
                      .amount = "1",
                      .currency = "999",
                      .merchant = "-",
                      .version = TDS_V220,
                      .rnd = tds_rand_bytes};
    unsigned char value[ACS_AV_MAX];
    char nonce[ACS_AV_NONCE + 1] = "0000000000000000";
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (layout->digits) nonce[layout->digits] = '\0';
    for (i = 0; rv == APR_SUCCESS && i < set->count; ++i) {
        rv = layout->build(set, &set->key[i], &in, nonce, value, err);
        if (rv == APR_SUCCESS) rv = acs_av_set_check(set, layout, &in, value, err);
    }
    tds_wipe(value, sizeof value);
    return rv == APR_SUCCESS ? rv : TDS_FAIL(err, rv, 0, NULL, "no value can be made under this key");
}

/* What is behind the baton. */
typedef struct keyed_t {
    acs_av_set_t set;
    const acs_av_layout_t *layout;
} keyed_t;

apr_status_t acs_av_set_load(void **baton, const acs_av_ops_t *ops, const acs_av_words_t *words, apr_pool_t *pool,
                             tds_err_t *err)
{
    keyed_t *k = apr_pcalloc(pool, sizeof *k);
    const acs_av_layout_t *layout = ops->layout;
    acs_av_set_t *set = &k->set;
    apr_status_t rv;

    tds_wipe_later(pool, k, sizeof *k);
    k->layout = layout;
    set->count = 1;
    if ((rv = take_options(set, words, pool, err)) != APR_SUCCESS) return rv;
    if ((rv = load_key(&set->key[0], layout, words->value[ACS_AV_KEY], pool, err)) != APR_SUCCESS) return rv;
    rv = number(&set->key[0].id, "keyID", words->value[ACS_AV_KEY_ID], layout->id_first, layout->id_min, layout->id_max,
                err);
    if (rv != APR_SUCCESS) return rv;
    if ((rv = load_previous(set, layout, words, pool, err)) != APR_SUCCESS) return rv;
    *baton = k;
    return prove(set, layout, err);
}

int acs_av_key_known(const acs_av_t *av)
{
    const keyed_t *k = av->baton;
    int i;

    if (av->ops->load != acs_av_set_load) return 0;
    for (i = 0; i < k->set.count; ++i) {
        if (tds_keys_known(k->set.key[i].bytes, k->set.key[i].len)) return 1;
    }
    return 0;
}

/* ---- values -------------------------------------------------------------------- */

static apr_status_t make_nonce(const acs_av_layout_t *layout, const acs_av_in_t *in, char nonce[ACS_AV_NONCE + 1])
{
    if (layout->digits) return tds_rand_digits(nonce, layout->digits, in->rnd);
    return layout->bytes ? in->rnd(nonce, layout->bytes) : APR_SUCCESS;
}

apr_status_t acs_av_set_make(void *baton, const acs_av_in_t *in, const char **value, apr_pool_t *pool, tds_err_t *err)
{
    const keyed_t *k = baton;
    const acs_av_set_t *set = &k->set;
    unsigned char out[ACS_AV_MAX] = {0};
    char nonce[ACS_AV_NONCE + 1] = {0};
    apr_status_t rv = make_nonce(k->layout, in, nonce);

    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "no random numbers");
    rv = k->layout->build(set, &set->key[set->count == 2 && in->now < set->until], in, nonce, out, err);
    if (rv == APR_SUCCESS) *value = tds_b64_encode(out, set->length, pool);
    tds_wipe(out, sizeof out);
    return rv == APR_SUCCESS ? rv : TDS_FAIL(err, rv, 0, NULL, "the cipher or MAC failed");
}

apr_status_t acs_av_set_check(const acs_av_set_t *set, const acs_av_layout_t *layout, const acs_av_in_t *in,
                              const unsigned char *value, tds_err_t *err)
{
    unsigned char own[ACS_AV_MAX] = {0};
    char nonce[ACS_AV_NONCE + 1] = {0};
    int id = layout->nonce_of(value, nonce), i, good = 0;
    apr_status_t rv = APR_SUCCESS;

    for (i = 0; rv == APR_SUCCESS && i < set->count; ++i) {
        if (set->key[i].id != id) continue;
        rv = layout->build(set, &set->key[i], in, nonce, own, err);
        if (rv == APR_SUCCESS) good |= tds_equal(own, value, set->length);
    }
    tds_wipe(own, sizeof own);
    if (rv != APR_SUCCESS) return rv;
    return good ? APR_SUCCESS : TDS_FAIL(err, APR_EACCES, 0, NULL, "not a value of these keys");
}

/* ---- parts ---------------------------------------------------------------------- */

void acs_av_pan16(char out[17], const char *pan)
{
    apr_size_t n = strlen(pan), take = n < 16 ? n : 16;

    memset(out, '0', 16);
    memcpy(out + 16 - take, pan + n - take, take);
    out[16] = '\0';
}

apr_status_t acs_av_pan10(unsigned char out[10], const char *pan)
{
    char text[21];
    apr_size_t n = strlen(pan);

    if (n > 20) return APR_EINVAL;
    memset(text, 'F', 20);
    memcpy(text, pan, n);
    text[20] = '\0';
    return tds_unhex(out, 10, text);
}

apr_status_t acs_av_amount(apr_uint64_t *amount, const acs_av_in_t *in, apr_size_t digits, tds_err_t *err)
{
    const char *s = in->amount;

    *amount = 0;
    if (!s || !*s || strspn(s, "0123456789") != strlen(s))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "there is no purchaseAmount");
    while (*s == '0' && s[1])
        ++s;
    if (strlen(s) > digits)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "purchaseAmount has more than %d digits", (int)digits);
    for (; *s; ++s)
        *amount = *amount * 10 + (apr_uint64_t)(*s - '0');
    return APR_SUCCESS;
}

apr_status_t acs_av_currency(const acs_av_in_t *in, tds_err_t *err)
{
    if (in->currency && strlen(in->currency) == 3 && strspn(in->currency, "0123456789") == 3) return APR_SUCCESS;
    return TDS_FAIL(err, APR_EINVAL, 0, NULL, "there is no purchaseCurrency of three digits");
}

apr_status_t acs_av_uuid(unsigned char out[16], const char *text)
{
    char hex[33];
    int n = 0;

    if (!text || !tds_uuid_valid(text)) return APR_EINVAL;
    for (; *text; ++text) {
        if (*text != '-') hex[n++] = *text;
    }
    hex[n] = '\0';
    return tds_unhex(out, 16, hex);
}

int acs_av_same(const unsigned char *value, apr_size_t len, const char *expected)
{
    unsigned char want[ACS_AV_MAX];

    return len <= sizeof want && tds_unhex(want, len, expected) == APR_SUCCESS && tds_equal(want, value, len);
}
