/* The requestor API: JSON in, JSON out. */
#include "srv_run.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_json.h"

#define KEY_MAX     255
#define SAVES_MAX   4 /* how often saving an ARes is tried: it exists only here */
#define SAVES_PAUSE apr_time_from_msec(250)

/* ---- faults -------------------------------------------------------------- */

static int status_of(srv_run_t *run, apr_status_t rv)
{
    if (rv == APR_BADARG) return 400;
    if (rv == APR_ENOSTAT) return 422;
    if (rv == APR_EINVAL) tds_metric_add(run->metrics, SRV_M_TAMPERED, 1);
    else tds_metric_add(run->metrics, SRV_M_STORE_DOWN, 1);
    return 503;
}

static void refuse(srv_run_t *run, const char *id, int status, srv_answer_t *answer)
{
    const tds_err_t *err = run->err;

    tds_metric_add(run->metrics, SRV_M_REFUSED, 1);
    tds_log(run->log, status >= 500 ? TDS_LOG_ERR : TDS_LOG_INFO, "SRV0050", id, "requestor %s is answered %d: %d %s: %s (%s)",
            run->requestor ? run->requestor->name : "-", status, err->proto, err->elements ? err->elements : "-",
            err->detail ? err->detail : "", err->where ? err->where : "");
    srv_answer_fault(run, status, answer);
}

/* There is no such transaction, as far as this requestor is concerned. */
static void not_found(srv_run_t *run, srv_answer_t *answer)
{
    tds_err_clear(run->err);
    (void)TDS_FAIL(run->err, APR_ENOENT, 301, "threeDSServerTransID", "no such transaction");
    refuse(run, NULL, 404, answer);
}

static void fail(srv_run_t *run, const char *id, apr_status_t rv, srv_answer_t *answer)
{
    if (APR_STATUS_IS_ENOENT(rv)) not_found(run, answer);
    else refuse(run, id, status_of(run, rv), answer);
}

static void conflict(srv_run_t *run, const srv_txn_t *txn, const char *text, srv_answer_t *answer)
{
    tds_err_clear(run->err);
    (void)TDS_FAIL(run->err, APR_EACCES, 305, NULL, "%s", text);
    refuse(run, txn->id, 409, answer);
}

void srv_run_unauthorized(srv_run_t *run, srv_answer_t *answer)
{
    tds_metric_add(run->metrics, SRV_M_UNAUTHORIZED, 1);
    (void)TDS_FAIL(run->err, APR_EACCES, 303, NULL, "no known key or client certificate");
    refuse(run, NULL, 401, answer);
}

static int is_mine(srv_run_t *run, const srv_txn_t *txn)
{
    return !strcmp(txn->requestor, run->requestor->name);
}

/* ---- versioning, create -------------------------------------------------- */

void srv_run_versioning(srv_run_t *run, const char *body, apr_size_t len, const char *type, srv_answer_t *answer)
{
    srv_facts_t facts = {0};
    json_t *root, *doc, *list;
    apr_status_t rv;
    int status, v;

    if (srv_gather_json(run, body, len, type, &root, &status) != APR_SUCCESS) {
        refuse(run, NULL, status, answer);
        return;
    }
    if ((rv = srv_gather_card(run, root, &facts)) != APR_SUCCESS) {
        fail(run, NULL, rv, answer);
        return;
    }
    doc = tds_json_object(run->pool);
    list = json_array();
    for (v = TDS_V210; v < TDS_V_COUNT; ++v) {
        if (facts.versions & TDS_VER_BIT(v)) json_array_append_new(list, json_string(tds_ver_text((tds_ver_e)v)));
    }
    tds_json_set(doc, "directoryServer", facts.ds->name);
    json_object_set_new(doc, "messageVersions", list);
    srv_answer_json(run, 200, doc, answer);
}

/* Random, or the same for the same key of the same requestor. */
static apr_status_t make_id(srv_run_t *run, const char *key, char id[TDS_UUID_LEN + 1])
{
    tds_bytes_t parts[2];
    unsigned char mac[TDS_HASH_LEN];
    apr_status_t rv;

    if (!key) return tds_uuid_make(id, run->rnd);
    parts[0] = TDS_BYTES_STR(run->requestor->name);
    parts[1] = TDS_BYTES_STR(key);
    if ((rv = tds_keys_mac(run->keys, mac, "threeDSServerTransID", parts, 2)) == APR_SUCCESS) tds_uuid_format(id, mac);
    return rv;
}

static int good_key(const char *key)
{
    apr_size_t i;

    for (i = 0; key[i]; ++i) {
        if (!apr_isgraph(key[i]) && key[i] != ' ') return 0;
    }
    return i > 0 && i <= KEY_MAX;
}

static apr_status_t new_txn(srv_run_t *run, const srv_facts_t *facts, const char *key, const char *body, apr_size_t len,
                            srv_txn_t **ptxn)
{
    srv_txn_t *t = apr_pcalloc(run->pool, sizeof *t);
    unsigned char *mac = apr_palloc(run->pool, TDS_HASH_LEN);
    char *id = apr_palloc(run->pool, TDS_UUID_LEN + 1);
    tds_bytes_t part = TDS_BYTES(body, len);
    apr_status_t rv;

    if ((rv = make_id(run, key, id)) == APR_SUCCESS && key) rv = tds_keys_mac(run->keys, mac, "body", &part, 1);
    if (rv != APR_SUCCESS) return TDS_FAIL(run->err, rv, 404, NULL, "no id can be made");
    t->id = id;
    t->state = SRV_ST_NEW;
    t->requestor = run->requestor->name;
    t->ds = facts->ds->name;
    t->msg_version = tds_ver_highest(facts->versions); /* S-21 */
    t->channel = facts->channel;
    t->category = facts->category;
    t->pan = facts->pan;
    t->return_url = facts->return_url;
    if (key) t->body_mac = TDS_BYTES(mac, TDS_HASH_LEN);
    *ptxn = t;
    return APR_SUCCESS;
}

/* The id is there already: the same request again, or another one under the same key. */
static void answer_repeat(srv_run_t *run, const srv_txn_t *wanted, srv_answer_t *answer)
{
    srv_txn_t *txn;
    apr_status_t rv = srv_load(run, wanted->id, 0, &txn);

    if (rv != APR_SUCCESS) fail(run, wanted->id, rv, answer);
    else if (!is_mine(run, txn) || txn->body_mac.len != wanted->body_mac.len || !wanted->body_mac.len ||
             !tds_equal(txn->body_mac.data, wanted->body_mac.data, wanted->body_mac.len))
        conflict(run, txn, "this Idempotency-Key was used with another body", answer);
    else srv_answer_created(run, txn, answer);
}

static apr_status_t create(srv_run_t *run, const json_t *root, const char *body, apr_size_t len, const char *key,
                           srv_txn_t **ptxn)
{
    srv_happening_t what = {.event = SRV_EV_CREATED, .now = run->clock()};
    srv_facts_t facts = {0};
    srv_txn_t *txn = NULL, *next;
    apr_status_t rv;
    unsigned fx;

    if (key && !good_key(key))
        return TDS_FAIL(run->err, APR_BADARG, 203, "Idempotency-Key", "1 to %d printable characters", KEY_MAX);
    if ((rv = srv_gather(run, root, &facts)) != APR_SUCCESS) return rv;
    if ((rv = new_txn(run, &facts, key, body, len, &txn)) != APR_SUCCESS) return rv;
    if ((rv = srv_txn_step(txn, &what, run->conf, &next, &fx, run->pool)) != APR_SUCCESS) return rv;
    *ptxn = next;
    return srv_create(run, next);
}

void srv_run_create(srv_run_t *run, const char *body, apr_size_t len, const char *type, const char *key,
                    srv_answer_t *answer)
{
    srv_txn_t *txn = NULL;
    json_t *root;
    apr_status_t rv;
    int status;

    if (srv_gather_json(run, body, len, type, &root, &status) != APR_SUCCESS) {
        refuse(run, NULL, status, answer);
        return;
    }
    rv = create(run, root, body, len, key, &txn);
    if (APR_STATUS_IS_EEXIST(rv) && txn) answer_repeat(run, txn, answer);
    else if (rv != APR_SUCCESS) fail(run, NULL, rv, answer);
    else {
        tds_metric_add(run->metrics, SRV_M_CREATED, 1);
        tds_log(run->log, TDS_LOG_INFO, "SRV0051", txn->id, "created by requestor %s for DS %s, %s", txn->requestor, txn->ds,
                tds_ver_text((tds_ver_e)txn->msg_version));
        srv_answer_created(run, txn, answer);
    }
}

/* ---- authenticate -------------------------------------------------------- */

typedef struct ask_t {
    const char *body, *type;
    apr_size_t len;
    int status; /* of a body that is no JSON */
    srv_areq_t areq;
} ask_t;

static apr_status_t ask_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    const srv_ds_t *ds = srv_ds_for(run->conf, txn->ds, txn->requestor);
    ask_t *ask = baton;
    json_t *root;
    apr_status_t rv;

    if (!is_mine(run, txn)) return APR_ENOENT;
    if (txn->state != SRV_ST_READY) return APR_SUCCESS; /* whatever the body: the same answer as the first time */
    if ((rv = srv_gather_json(run, ask->body, ask->len, ask->type, &root, &ask->status)) != APR_SUCCESS) return rv;
    ask->status = 400;
    if (!ds) /* the configuration has changed since */
        return TDS_FAIL(run->err, APR_ENOSTAT, 305, "threeDSServerTransID", "its Directory Server does not serve this requestor");
    if ((rv = srv_areq_make(run, txn, root, &ask->areq)) != APR_SUCCESS) return rv;
    what->event = SRV_EV_ASK;
    what->limit = srv_send_limit(ds);
    what->window_size = ask->areq.window_size;
    what->prior = ask->areq.prior;
    return APR_SUCCESS;
}

static apr_status_t ares_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    apr_time_t now = what->now;

    if (txn->state != SRV_ST_ASKED) return APR_SUCCESS; /* too late: TIMEOUT has decided */
    *what = *(const srv_happening_t *)baton;
    what->now = now;
    return APR_SUCCESS;
}

/* Send, judge, save. What the DS has said exists nowhere else, so a store that stumbles is asked again. */
static apr_status_t exchange(srv_run_t *run, const ask_t *ask, srv_txn_t **ptxn)
{
    srv_happening_t outcome = {.event = SRV_EV_NONE};
    tds_http_resp_t resp;
    apr_status_t rv;
    unsigned fx;
    int tries = 0;

    srv_send_areq(run, *ptxn, &ask->areq, &resp);
    srv_decide_ares(run, *ptxn, &resp, &outcome);
    for (;;) {
        srv_txn_t *txn;

        tds_err_clear(run->err);
        rv = srv_run_event(run, (*ptxn)->id, 0, ares_judge, &outcome, &txn, &fx);
        if (rv == APR_SUCCESS) {
            *ptxn = txn;
            return rv;
        }
        if (APR_STATUS_IS_ENOENT(rv) || ++tries == SAVES_MAX) return rv;
        run->wait->nap(run->wait->baton, SAVES_PAUSE);
    }
}

void srv_run_authenticate(srv_run_t *run, const char *id, const char *body, apr_size_t len, const char *type,
                          srv_answer_t *answer)
{
    ask_t ask = {.body = body, .len = len, .type = type, .status = 400};
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv = srv_run_event(run, id, 0, ask_judge, &ask, &txn, &fx);

    if (rv == APR_BADARG) {
        refuse(run, id, ask.status, answer);
        return;
    }
    if (rv == APR_SUCCESS && (fx & FX_AREQ)) rv = exchange(run, &ask, &txn);
    else if (rv == APR_SUCCESS && txn->state == SRV_ST_ASKED) rv = srv_wait_change(run, &txn, txn->deadline - run->clock());
    if (rv != APR_SUCCESS) fail(run, id, rv, answer);
    else srv_answer_txn(run, txn, srv_end_status((srv_end_e)txn->end), answer);
}

/* ---- get, cancel, acknowledge -------------------------------------------- */

static apr_status_t look_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    return is_mine(run, txn) ? APR_SUCCESS : APR_ENOENT;
}

void srv_run_get(srv_run_t *run, const char *id, int wait, srv_answer_t *answer)
{
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv = srv_run_event(run, id, 0, look_judge, NULL, &txn, &fx);

    if (rv == APR_SUCCESS && wait > 0 && (txn->state == SRV_ST_ASKED || txn->state == SRV_ST_CHALLENGE))
        rv = srv_wait_change(run, &txn, apr_time_from_sec(wait));
    if (rv != APR_SUCCESS) fail(run, id, rv, answer);
    else srv_answer_txn(run, txn, 200, answer);
}

static apr_status_t cancel_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    if (!is_mine(run, txn)) return APR_ENOENT;
    what->event = SRV_EV_CANCEL;
    return APR_SUCCESS;
}

static apr_status_t acknowledge_judge(srv_run_t *run, const srv_txn_t *txn, void *baton, srv_happening_t *what)
{
    if (!is_mine(run, txn)) return APR_ENOENT;
    if (!txn->acknowledged) what->event = SRV_EV_ACKNOWLEDGE;
    return APR_SUCCESS;
}

static void simple_step(srv_run_t *run, const char *id, srv_judge_fn *judge, const char *not_now, srv_answer_t *answer)
{
    srv_txn_t *txn;
    unsigned fx;
    apr_status_t rv = srv_run_event(run, id, 0, judge, NULL, &txn, &fx);

    if (rv == APR_SUCCESS) srv_answer_txn(run, txn, 200, answer);
    else if (rv == APR_EACCES) conflict(run, txn, not_now, answer);
    else fail(run, id, rv, answer);
}

void srv_run_cancel(srv_run_t *run, const char *id, srv_answer_t *answer)
{
    simple_step(run, id, cancel_judge, "the DS has been asked: wait for its answer", answer);
}

void srv_run_acknowledge(srv_run_t *run, const char *id, srv_answer_t *answer)
{
    simple_step(run, id, acknowledge_judge, "there is no result yet", answer);
}
