#include "acs_method.h"

#include <stdlib.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_b64.h"
#include "tds_token.h"
#include "tds_url.h"
#include "acs_pages.h"

#define LABEL       "method"
#define DEVICE_HEX  32
#define REQUEST_MAX 8192 /* of threeDSMethodData */
#define URL_MAX     2048 /* of 2.3.1; the request does not say which version is to follow */

typedef enum kind_e { TEXT, NUMBER, FLAG, DEVICE } kind_e;
typedef enum side_e { SERVER, PAGE } side_e;

static const struct {
    const char *name;
    kind_e kind;
    int max;
    side_e side;
} rows[] = {
#define M(name, kind, max, side) {#name, kind, max, side},
#include "acs_method_rows.def"
#undef M
};

enum { NROWS = sizeof rows / sizeof *rows };

static int row_of(const char *name)
{
    int i;

    for (i = 0; i < NROWS && strcmp(rows[i].name, name); ++i) continue;
    return i < NROWS ? i : -1;
}

int acs_method_member(const char *name)
{
    int row = row_of(name);

    return row >= 0 && rows[row].kind != DEVICE;
}

/* ---- what comes in ------------------------------------------------------- */

apr_status_t acs_method_request(acs_method_req_t *req, const char *field, apr_pool_t *pool)
{
    unsigned char *text;
    json_t *root;
    apr_size_t len;
    tds_err_t err;

    tds_err_init(&err, pool);
    if (!field || strlen(field) > REQUEST_MAX) return APR_EINVAL;
    if (tds_b64url_decode(&text, &len, field, strlen(field), 1, pool) != APR_SUCCESS) return APR_EINVAL;
    if (tds_json_parse(&root, (const char *)text, len, pool, &err) != APR_SUCCESS || !json_is_object(root)) return APR_EINVAL;
    req->id = tds_json_get(root, "threeDSServerTransID");
    req->url = tds_json_get(root, "threeDSMethodNotificationURL");
    if (!req->id || !tds_uuid_valid(req->id)) return APR_EINVAL;
    if (!req->url || strlen(req->url) > URL_MAX) return APR_EINVAL;
    return tds_url_good(req->url, strlen(req->url), TDS_URL_HTTPS) ? APR_SUCCESS : APR_EINVAL; /* M-05 */
}

static int number_good(const char *text, int max)
{
    char *end;
    double d;

    if (strlen(text) > 12 || strspn(text, "-.0123456789") != strlen(text)) return 0;
    d = strtod(text, &end);
    return end != text && !*end && d >= -max && d <= max;
}

static int text_good(const char *text, int max)
{
    const char *s;

    for (s = text; *s; ++s) {
        if (!apr_isprint(*s)) return 0;
    }
    return s != text && s - text <= max;
}

static int value_good(int row, const char *text)
{
    switch (rows[row].kind) {
    case NUMBER: return number_good(text, rows[row].max);
    case FLAG: return !strcmp(text, "Y") || !strcmp(text, "N");
    case DEVICE: return strlen(text) == DEVICE_HEX && strspn(text, "0123456789abcdef") == DEVICE_HEX;
    default: return text_good(text, rows[row].max);
    }
}

apr_status_t acs_method_collected(json_t **members, const char *text, apr_pool_t *pool)
{
    const char *name;
    json_t *value;
    tds_err_t err;

    tds_err_init(&err, pool);
    if (!text || strlen(text) > ACS_METHOD_MAX) return APR_EINVAL;
    if (tds_json_parse(members, text, strlen(text), pool, &err) != APR_SUCCESS || !json_is_object(*members)) return APR_EINVAL;
    json_object_foreach(*members, name, value)
    {
        int row = row_of(name);

        if (row < 0 || rows[row].side != PAGE || !json_is_string(value)) return APR_EINVAL;
        if (strlen(json_string_value(value)) != json_string_length(value) || !value_good(row, json_string_value(value)))
            return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* A header is what a client likes to send: cut, and nothing but printable ASCII left. */
static void add_seen(json_t *members, const char *name, const char *value, apr_pool_t *pool)
{
    char *copy, *s;

    if (!value || !*value) return;
    copy = apr_pstrndup(pool, value, (apr_size_t)rows[row_of(name)].max);
    for (s = copy; *s; ++s) {
        if (!apr_isascii(*s) || !apr_isprint(*s)) *s = '?';
    }
    tds_json_set(members, name, copy);
}

/* ---- keeping ------------------------------------------------------------- */

/* What Redis needs beside the value: key, entries of two tables, what allocation rounds up. */
#define OVERHEAD 400

/* Anybody can post here. 1: so much may be kept; it is taken off the share that ACSMethodStore grants. */
static int take_share(acs_run_t *run, apr_size_t bytes)
{
    acs_method_budget_t *b = run->conf->method_budget;
    apr_uint64_t turn, last, used, share = (apr_uint64_t)run->conf->method_store * 1024 * 1024;

    if (!b) return 1;
    turn = (apr_uint64_t)(run->mono() / run->conf->method_keep);
    last = __atomic_load_n(&b->turn, __ATOMIC_ACQUIRE);
    if (last != turn && __atomic_compare_exchange_n(&b->turn, &last, turn, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&b->used[turn & 1], 0, __ATOMIC_RELEASE);
        if (turn - last > 1) __atomic_store_n(&b->used[~turn & 1], 0, __ATOMIC_RELEASE);
    }
    used = __atomic_add_fetch(&b->used[turn & 1], bytes, __ATOMIC_ACQ_REL) + __atomic_load_n(&b->used[~turn & 1], __ATOMIC_ACQUIRE);
    if (used <= share) return 1;
    __atomic_sub_fetch(&b->used[turn & 1], bytes, __ATOMIC_ACQ_REL);
    last = __atomic_load_n(&b->told, __ATOMIC_ACQUIRE);
    if (last != turn + 1 && __atomic_compare_exchange_n(&b->told, &last, turn + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        tds_log(run->log, TDS_LOG_WARNING, "ACS0190", NULL, "3DS Method data is not kept: ACSMethodStore (%d MB) is used up",
                run->conf->method_store);
    return 0;
}

/* Does a rule or a hook of any issuer look at it? Whose card it will be is not known yet. */
static int is_read(const acs_conf_t *conf)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; ++i) {
        if (APR_ARRAY_IDX(conf->issuers, i, const acs_issuer_t *)->reads & ACS_READS_METHOD) return 1;
    }
    return 0;
}

static apr_status_t store_members(acs_run_t *run, const char *id, json_t *members, const acs_seen_t *seen)
{
    const char *name = tds_uuid_lower(id, run->pool);
    tds_side_t side = {.type = ACS_METHOD_TYPE, .name = name, .unless = name, .ttl = run->conf->method_keep};

    add_seen(members, "userAgent", seen->user_agent, run->pool);
    add_seen(members, "accept", seen->accept, run->pool);
    add_seen(members, "acceptLanguage", seen->accept_language, run->pool);
    add_seen(members, "ip", seen->ip, run->pool);
    side.value = tds_json_text(members, &side.len, run->pool);
    if (side.value && !take_share(run, side.len + TDS_SEAL_OVERHEAD + OVERHEAD)) return APR_ENOSPC;
    return side.value ? tds_store_put(run->store, &side, run->pool, run->err) : APR_ENOMEM;
}

/* Whatever becomes of the data, the browser goes on: a method that fails is as good as none (M-12). */
static void keep(acs_run_t *run, const char *id, json_t *members, const acs_seen_t *seen, int metric)
{
    apr_status_t rv = is_read(run->conf) ? store_members(run, id, members, seen) : APR_SUCCESS;

    if (rv == APR_ENOSPC) tds_metric_add(run->metrics, ACS_M_METHOD_DROPPED, 1);
    else if (rv == APR_SUCCESS) tds_metric_add(run->metrics, metric, 1);
    else if (APR_STATUS_IS_EEXIST(rv)) tds_metric_add(run->metrics, ACS_M_METHOD_LATE, 1);
    else {
        tds_metric_add(run->metrics, ACS_M_STORE_DOWN, 1);
        tds_log(run->log, TDS_LOG_ERR, "ACS0130", NULL, "3DS Method data cannot be kept: %s",
                run->err->detail ? run->err->detail : "out of memory");
    }
}

static void refuse(acs_run_t *run, acs_answer_t *answer)
{
    tds_metric_add(run->metrics, ACS_M_METHOD_REFUSED, 1);
    acs_page_neutral(run, 400, ACS_NEUTRAL_ERROR, answer);
}

void acs_run_method(acs_run_t *run, const char *field, const acs_seen_t *seen, acs_answer_t *answer)
{
    acs_method_req_t req;
    const char *token;

    if (acs_method_request(&req, field, run->pool) != APR_SUCCESS) {
        refuse(run, answer);
        return;
    }
    keep(run, req.id, tds_json_object(run->pool), seen, ACS_M_METHOD_STARTED);
    token = tds_token_make(run->keys, LABEL, req.id, 0, run->pool);
    acs_page_method(run, &req, token, answer);
}

void acs_run_method_data(acs_run_t *run, const char *token, const char *text, const acs_seen_t *seen, acs_answer_t *answer)
{
    tds_token_t known;
    json_t *members;

    if (tds_token_read(&known, run->keys, LABEL, token, run->pool) != APR_SUCCESS ||
        acs_method_collected(&members, text, run->pool) != APR_SUCCESS) {
        refuse(run, answer);
        return;
    }
    keep(run, known.id, members, seen, ACS_M_METHOD_COLLECTED);
    *answer = (acs_answer_t){.status = 204};
}

/* ---- for an AReq ----------------------------------------------------------- */

static int from_browser(const tds_msg_t *areq)
{
    const char *channel = tds_msg_get(areq, TDS_E_DEVICE_CHANNEL);

    return channel && !strcmp(channel, "02");
}

apr_status_t acs_method_want(const tds_msg_t *areq, tds_store_read_t *read, apr_pool_t *pool)
{
    const char *id = areq->version >= TDS_V231 ? tds_msg_id(areq, TDS_E_THREE_DS_METHOD_ID) : NULL;

    if (!id) id = tds_msg_id(areq, TDS_E_THREE_DS_SERVER_TRANS_ID);
    if (!id || !from_browser(areq)) return APR_ENOENT;
    *read = (tds_store_read_t){.kind = TDS_READ_SIDE, .type = ACS_METHOD_TYPE, .name = tds_uuid_lower(id, pool)};
    return APR_SUCCESS;
}

static const char *device_key(acs_run_t *run, const char *device)
{
    tds_bytes_t part = TDS_BYTES_STR(device);
    unsigned char mac[TDS_HASH_LEN];

    return tds_keys_mac(run->keys, mac, "device", &part, 1) == APR_SUCCESS ? tds_hex(mac, 16, run->pool) : NULL;
}

const acs_method_t *acs_method_take(acs_run_t *run, const tds_store_read_t *read)
{
    acs_method_t *method;
    const char *device;
    json_t *members;
    tds_err_t err;

    if (APR_STATUS_IS_ENOENT(read->rv)) return NULL;
    tds_err_init(&err, run->pool);
    if (read->rv != APR_SUCCESS ||
        tds_json_parse(&members, (const char *)read->value, read->len, run->pool, &err) != APR_SUCCESS) {
        tds_metric_add(run->metrics, ACS_M_TAMPERED, 1);
        tds_log(run->log, TDS_LOG_ERR, "ACS0131", NULL, "stored 3DS Method data does not open: taken as none");
        return NULL;
    }
    method = apr_pcalloc(run->pool, sizeof *method);
    if ((device = tds_json_get(members, "deviceId"))) method->device = device_key(run, device);
    (void)json_object_del(members, "deviceId");
    method->members = members;
    return method;
}

void acs_method_shut(acs_run_t *run, const tds_msg_t *areq, apr_array_header_t *incrs)
{
    const char *id = tds_msg_id(areq, TDS_E_THREE_DS_SERVER_TRANS_ID);

    if (!id || !from_browser(areq)) return;
    APR_ARRAY_PUSH(incrs, tds_incr_t) =
        (tds_incr_t){.name = tds_uuid_lower(id, run->pool), .by = 1, .ttl = run->conf->method_keep};
}
