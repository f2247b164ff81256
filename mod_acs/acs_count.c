#include "acs_count.h"

#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "acs_method.h"

#define AMOUNT_DIGITS 15 /* larger ones count as the largest of so many: no sum overflows */
#define WINDOW_MIN    apr_time_from_sec(1)
#define WINDOW_MAX    apr_time_from_sec(30 * 86400)

static const char *const by_words[] = {"card", "device", "merchant"};

/* ---- configuration ------------------------------------------------------- */

/* "10min", "24h": digits and s, min, h or d. 0: not a time. */
static apr_interval_time_t span_of(const char *text)
{
    static const struct {
        const char *unit;
        int seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    long n = strtol(text, &end, 10);
    apr_size_t i;

    if (!apr_isdigit(*text) || n < 1 || n > 10000000) return 0;
    for (i = 0; i < sizeof units / sizeof *units; ++i) {
        if (!strcmp(end, units[i].unit)) return apr_time_from_sec((apr_int64_t)n * units[i].seconds);
    }
    return 0;
}

static int by_of(const char *word)
{
    int i;

    for (i = 0; i < (int)(sizeof by_words / sizeof *by_words); ++i) {
        if (!strcmp(by_words[i], word)) return i;
    }
    return -1;
}

/* One NAME=VALUE. NULL, or what is wrong with it. */
static const char *set_option(acs_counter_t *counter, const char *word, apr_pool_t *pool)
{
    if (!strncmp(word, "by=", 3)) {
        int by = by_of(word + 3);

        counter->by = (acs_by_e)by;
        return by < 0 ? "by= must be card, device or merchant" : NULL;
    }
    if (!strncmp(word, "window=", 7)) {
        counter->window = span_of(word + 7);
        return counter->window < WINDOW_MIN || counter->window > WINDOW_MAX ? "window= must be 1s to 30d, such as 10min" : NULL;
    }
    if (!strncmp(word, "sum=", 4)) {
        counter->sum = 1;
        return strcmp(word + 4, "amount") ? "sum= must be amount" : NULL;
    }
    if (!strncmp(word, "currency=", 9)) {
        counter->currency = word + 9;
        return strlen(word + 9) != 3 || strspn(word + 9, "0123456789") != 3 ? "currency= must be three digits, such as 978" : NULL;
    }
    return apr_psprintf(pool, "unknown option '%s'; there are by=, window=, sum= and currency=", word);
}

apr_status_t acs_counter_read(acs_counter_t *counter, const char *const *words, int n, apr_pool_t *pool, tds_err_t *err)
{
    const char *fault = NULL, *s;
    int i, by_given = 0;

    *counter = (acs_counter_t){.name = n ? words[0] : ""};
    for (s = counter->name; apr_isalnum(*s) || *s == '_'; ++s) continue;
    if (s == counter->name || *s) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "a name of letters, digits and _ comes first");
    for (i = 1; !fault && i < n; ++i) {
        fault = set_option(counter, words[i], pool);
        by_given |= !strncmp(words[i], "by=", 3);
    }
    if (!fault && !by_given) fault = "by= is missing: card, device or merchant";
    if (!fault && !counter->window) fault = "window= is missing, such as window=10min";
    if (!fault && counter->currency && !counter->sum) fault = "currency= goes with sum=amount only";
    return fault ? TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: %s", counter->name, fault) : APR_SUCCESS;
}

int acs_counter_find(const acs_issuer_t *issuer, const char *name)
{
    int i;

    for (i = 0; issuer->counters && i < issuer->counters->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(issuer->counters, i, acs_counter_t).name, name)) return i;
    }
    return -1;
}

/* ---- keys ---------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* Whom the counter is about, as two parts. 0: nobody. */
static int subject(const acs_facts_t *facts, acs_by_e by, tds_bytes_t parts[2])
{
    const char *first = NULL, *second = "";

    if (by == ACS_BY_CARD) first = tds_msg_get(facts->areq, TDS_E_ACCT_NUMBER);
    if (by == ACS_BY_DEVICE) first = facts->method ? facts->method->device : NULL;
    if (by == ACS_BY_MERCHANT) {
        first = or_empty(tds_msg_get(facts->areq, TDS_E_ACQUIRER_BIN));
        second = or_empty(tds_msg_get(facts->areq, TDS_E_ACQUIRER_MERCHANT_ID));
        if (!*first && !*second) return 0;
    }
    parts[0] = TDS_BYTES_STR(or_empty(first));
    parts[1] = TDS_BYTES_STR(second);
    return first != NULL;
}

/* Without the bucket. A counter that is declared anew in another shape begins anew. NULL: nobody to count. */
static const char *base_name(acs_run_t *run, const acs_facts_t *facts, const acs_counter_t *counter)
{
    unsigned char mac[TDS_HASH_LEN];
    const char *shape = apr_psprintf(run->pool, "%s %" APR_INT64_T_FMT " %d %s", by_words[counter->by], counter->window,
                                     counter->sum, or_empty(counter->currency));
    tds_bytes_t parts[] = {TDS_BYTES_STR(facts->issuer->name), TDS_BYTES_STR(counter->name), TDS_BYTES_STR(shape), {0}, {0}};

    if (!subject(facts, counter->by, &parts[3])) return NULL;
    return tds_keys_mac(run->keys, mac, "counter", parts, 5) == APR_SUCCESS ? tds_hex(mac, 16, run->pool) : NULL;
}

static const char *bucket_name(const char *base, apr_int64_t bucket, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s:%" APR_UINT64_T_HEX_FMT, base, (apr_uint64_t)bucket);
}

/* ---- reading ------------------------------------------------------------- */

apr_status_t acs_count_want(acs_run_t *run, const acs_facts_t *facts, const acs_counter_t *counter,
                            tds_store_read_t reads[2])
{
    const char *base = base_name(run, facts, counter);
    apr_int64_t bucket = facts->now / counter->window;

    if (!base) return APR_ENOENT;
    reads[0] = (tds_store_read_t){.kind = TDS_READ_COUNT, .name = bucket_name(base, bucket, run->pool)};
    reads[1] = (tds_store_read_t){.kind = TDS_READ_COUNT, .name = bucket_name(base, bucket - 1, run->pool)};
    return APR_SUCCESS;
}

apr_int64_t acs_count_value(const acs_counter_t *counter, const tds_store_read_t reads[2], apr_time_t now)
{
    double left = (double)(counter->window - now % counter->window) / (double)counter->window;

    return reads[0].number + (apr_int64_t)((double)reads[1].number * left + 0.5);
}

/* ---- counting ------------------------------------------------------------ */

static apr_int64_t amount_of(const char *digits)
{
    while (*digits == '0') ++digits;
    if (strlen(digits) > AMOUNT_DIGITS) digits = "999999999999999";
    return apr_atoi64(digits);
}

static apr_int64_t step_of(const acs_counter_t *counter, const tds_msg_t *areq)
{
    const char *amount = tds_msg_get(areq, TDS_E_PURCHASE_AMOUNT), *currency = tds_msg_get(areq, TDS_E_PURCHASE_CURRENCY);

    if (!counter->sum) return 1;
    if (!amount || (counter->currency && (!currency || strcmp(counter->currency, currency)))) return 0;
    return amount_of(amount);
}

void acs_count_steps(acs_run_t *run, const acs_facts_t *facts, apr_array_header_t *incrs)
{
    int i;

    for (i = 0; facts->issuer->counters && i < facts->issuer->counters->nelts; ++i) {
        const acs_counter_t *counter = &APR_ARRAY_IDX(facts->issuer->counters, i, const acs_counter_t);
        const char *base = base_name(run, facts, counter);
        apr_int64_t by = step_of(counter, facts->areq);

        if (!base || !by) continue;
        APR_ARRAY_PUSH(incrs, tds_incr_t) = (tds_incr_t){.name = bucket_name(base, facts->now / counter->window, run->pool),
                                                         .by = by,
                                                         .ttl = 2 * counter->window};
    }
}
