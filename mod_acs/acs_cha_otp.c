/* The one-time code: made, kept as a MAC, checked in constant time, handed to who delivers it. */
#include "acs_hook.h"

#include <string.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include "tds_json.h"
#include "acs_pages.h"

#define INBOX "inbox:"

static apr_status_t mac_of(acs_run_t *run, const acs_txn_t *txn, const char *entry, unsigned char mac[TDS_HASH_LEN])
{
    tds_bytes_t parts[] = {TDS_BYTES_STR(txn->id), TDS_BYTES_STR(txn->amount ? txn->amount : ""),
                           TDS_BYTES_STR(txn->currency ? txn->currency : ""),
                           TDS_BYTES_STR(txn->merchant ? txn->merchant : ""), TDS_BYTES_STR(entry)};

    return tds_keys_mac(run->keys, mac, "otp", parts, 5); /* B-45: bound to amount and payee */
}

apr_status_t acs_otp_make(acs_run_t *run, const acs_txn_t *txn, const char **otp, tds_bytes_t *mac)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, txn->issuer);
    unsigned char *out = apr_palloc(run->pool, TDS_HASH_LEN);
    char *digits = apr_palloc(run->pool, ACS_OTP_MAX + 1);
    apr_status_t rv;

    if (!issuer) return TDS_FAIL(run->err, APR_ENOENT, 0, NULL, "issuer is no longer configured");
    tds_wipe_later(run->pool, digits, ACS_OTP_MAX + 1);
    if ((rv = tds_rand_digits(digits, (apr_size_t)issuer->otp_length, run->rnd)) != APR_SUCCESS ||
        (rv = mac_of(run, txn, digits, out)) != APR_SUCCESS)
        return TDS_FAIL(run->err, rv, 404, NULL, "no random bytes or key");
    *otp = digits;
    *mac = TDS_BYTES(out, TDS_HASH_LEN);
    return APR_SUCCESS;
}

/* Spaces are what people and autofill put in. */
static const char *digits_of(const char *entry, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(entry) + 1), *o = out;

    for (; *entry; ++entry) {
        if (*entry != ' ' && *entry != '-') *o++ = *entry;
    }
    *o = '\0';
    return out;
}

int acs_otp_right(acs_run_t *run, const acs_txn_t *txn, const char *entry)
{
    unsigned char mac[TDS_HASH_LEN];

    return txn->otp_mac.len == TDS_HASH_LEN && mac_of(run, txn, digits_of(entry, run->pool), mac) == APR_SUCCESS &&
           tds_equal(mac, txn->otp_mac.data, TDS_HASH_LEN);
}

static json_t *delivery_of(acs_run_t *run, const acs_txn_t *txn, const char *otp)
{
    json_t *doc = tds_json_object(run->pool);

    tds_json_set(doc, "acsTransID", txn->id);
    tds_json_set(doc, "otp", otp);
    tds_json_set(doc, "channel", txn->phone ? "sms" : "email");
    tds_json_set(doc, "to", txn->phone ? txn->phone : txn->email);
    tds_json_set(doc, "text", acs_page_message(run, txn, otp));
    acs_hook_put_display(run, txn, doc);
    return doc;
}

/* Development only: a file that only we can read, a line per code. */
static apr_status_t to_inbox(const char *path, const char *line, apr_size_t len, apr_pool_t *pool)
{
    apr_file_t *f;
    apr_status_t rv = apr_file_open(&f, path, APR_WRITE | APR_CREATE | APR_APPEND, APR_UREAD | APR_UWRITE, pool);

    if (rv != APR_SUCCESS) return rv;
    rv = apr_file_write_full(f, apr_pstrcat(pool, line, "\n", NULL), len + 1, NULL);
    (void)apr_file_close(f);
    return rv;
}

/* A code that does not arrive is not the end: the cardholder is told, and can ask for another, or cancel. */
apr_status_t acs_otp_deliver(acs_run_t *run, const acs_txn_t *txn, const char *otp)
{
    const acs_issuer_t *issuer = acs_issuer_by_name(run->conf, txn->issuer);
    apr_size_t len = 0;
    acs_ask_t ask = {.issuer = issuer, .kind = ACS_HOOK_OTP, .id = txn->id, .body = delivery_of(run, txn, otp)};
    const char *body = tds_json_text(ask.body, &len, run->pool);
    json_t *answer;
    int ok = 0;

    if (body) tds_wipe_later(run->pool, (char *)body, len);
    if (!issuer || !body || !issuer->otp_delivery) ok = 0;
    else if (!strncmp(issuer->otp_delivery, INBOX, sizeof INBOX - 1))
        ok = to_inbox(issuer->otp_delivery + sizeof INBOX - 1, body, len, run->pool) == APR_SUCCESS;
    else ok = acs_hook_call(run, &ask, &answer) == APR_SUCCESS;
    if (ok) return APR_SUCCESS;
    tds_metric_add(run->metrics, ACS_M_OTP_UNDELIVERED, 1);
    tds_log(run->log, TDS_LOG_ERR, "ACS0040", txn->id, "the code could not be handed to the delivery hook of issuer %s",
            txn->issuer);
    return APR_EGENERAL;
}
