/* Routes of the endpoint issuer. */
#include "mod_acs.h"

#include <ap_mpm.h>
#include "tds_ap_answer.h"
#include "acs_issuer.h"

/* How many of these calls this child serves at once: a flood of them must leave threads for Directory Servers and
 * cardholders. */
static apr_uint32_t under_way;

static acs_call_t call_of(const tds_ap_call_t *call)
{
    return (acs_call_t){.issuer = apr_table_get(call->r->headers_in, "ACS-Issuer"),
                        .signature = apr_table_get(call->r->headers_in, "ACS-Signature"),
                        .what = {.method = call->r->method, .path = call->r->unparsed_uri, .body = call->body, .len = call->len}};
}

static void leave(void)
{
    __atomic_sub_fetch(&under_way, 1, __ATOMIC_RELAXED);
}

/* 1: it is served, and leave() follows; 0: *answered is what the handler returns. */
static int admit(tds_ap_call_t *call, acs_run_t *run, const acs_issuer_t **issuer, int *answered)
{
    acs_call_t what = call_of(call);
    acs_answer_t answer;
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    run->use = call->mount->use;
    if (__atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED) > (apr_uint32_t)(threads / 4 + 1))
        *answered = tds_ap_status(call->r, HTTP_SERVICE_UNAVAILABLE);
    else if (acs_issuer_check(run, &what, issuer, &answer) == APR_SUCCESS) return 1;
    else *answered = acs_send_answer(call->r, &answer);
    leave();
    return 0;
}

typedef void serve_fn(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what,
                      acs_answer_t *answer);

static int serve(tds_ap_call_t *call, acs_run_t *run, serve_fn *fn)
{
    acs_call_t what = call_of(call);
    acs_answer_t answer = {.status = 500};
    const acs_issuer_t *issuer;
    int st;

    if (!admit(call, run, &issuer, &st)) return st;
    fn(run, issuer, call, &what, &answer);
    st = acs_send_answer(call->r, &answer);
    leave();
    return st;
}

static void oob(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what, acs_answer_t *answer)
{
    acs_issuer_result(run, issuer, call->arg, 0, what, answer);
}

static void decoupled(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what,
                      acs_answer_t *answer)
{
    acs_issuer_result(run, issuer, call->arg, 1, what, answer);
}

static void look(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what, acs_answer_t *answer)
{
    acs_issuer_look(run, issuer, call->arg, answer);
}

static void trust_list(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what,
                       acs_answer_t *answer)
{
    acs_issuer_trust_list(run, issuer, call->arg, answer);
}

static void trust_add(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what,
                      acs_answer_t *answer)
{
    acs_issuer_trust_change(run, issuer, call->arg, 1, what, answer);
}

static void trust_remove(acs_run_t *run, const acs_issuer_t *issuer, const tds_ap_call_t *call, const acs_call_t *what,
                         acs_answer_t *answer)
{
    acs_issuer_trust_change(run, issuer, call->arg, 0, what, answer);
}

int acs_oob_post(tds_ap_call_t *call, void *run)
{
    return serve(call, run, oob);
}

int acs_decoupled_post(tds_ap_call_t *call, void *run)
{
    return serve(call, run, decoupled);
}

int acs_transaction_get(tds_ap_call_t *call, void *run)
{
    return serve(call, run, look);
}

int acs_trust_get(tds_ap_call_t *call, void *run)
{
    return serve(call, run, trust_list);
}

int acs_trust_post(tds_ap_call_t *call, void *run)
{
    return serve(call, run, trust_add);
}

int acs_trust_remove_post(tds_ap_call_t *call, void *run)
{
    return serve(call, run, trust_remove);
}

/* Who asks for much and reads it slowly holds a thread meanwhile. */
int acs_transactions_get(tds_ap_call_t *call, void *run)
{
    const acs_issuer_t *issuer;
    int st;

    if (!admit(call, run, &issuer, &st)) return st;
    st = acs_export(call, run, issuer);
    leave();
    return st;
}
