/* What our modules are measured against, in the same httpd: handlers that do only what cannot be left out.
 *
 *   SetHandler bench-ceiling   reads the body and answers BenchBytes bytes
 *   SetHandler bench-floor     the same, one jansson parse, and one SET NX PX of BenchValue bytes to BenchStore
 *   SetHandler bench-reads     the same, and before the SET one pipeline: HGETALL of BenchCard, and BenchReads GETs */
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include "tds_ap_body.h"
#include "tds_hash.h"
#include "tds_json.h"
#include "tds_rand.h"
#include "tds_redis.h"

extern module AP_MODULE_DECLARE_DATA bench_module;

#define READS_MAX 16

static struct {
    apr_size_t bytes, value;
    int reads;
    const char *store, *card;
    tds_redis_t *redis;
} bench;

#define FILL_MAX 65536
static char fill[FILL_MAX];

static const char *set_bytes(cmd_parms *cmd, void *dconf, const char *arg)
{
    bench.bytes = (apr_size_t)apr_atoi64(arg);
    return bench.bytes <= FILL_MAX ? NULL : "BenchBytes: too large";
}

static const char *set_value(cmd_parms *cmd, void *dconf, const char *arg)
{
    bench.value = (apr_size_t)apr_atoi64(arg);
    return bench.value <= FILL_MAX ? NULL : "BenchValue: too large";
}

static const char *set_store(cmd_parms *cmd, void *dconf, const char *arg)
{
    bench.store = arg;
    return tds_redis_url_fault(arg, cmd->pool);
}

static const char *set_reads(cmd_parms *cmd, void *dconf, const char *arg)
{
    bench.reads = (int)apr_atoi64(arg);
    return bench.reads >= 0 && bench.reads <= READS_MAX ? NULL : "BenchReads: 0 to 16";
}

static const char *set_card(cmd_parms *cmd, void *dconf, const char *arg)
{
    bench.card = arg;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("BenchBytes", set_bytes, NULL, RSRC_CONF, "length of an answer"),
    AP_INIT_TAKE1("BenchValue", set_value, NULL, RSRC_CONF, "length of a stored value"),
    AP_INIT_TAKE1("BenchStore", set_store, NULL, RSRC_CONF, "Redis"),
    AP_INIT_TAKE1("BenchReads", set_reads, NULL, RSRC_CONF, "how many GETs a read batch holds"),
    AP_INIT_TAKE1("BenchCard", set_card, NULL, RSRC_CONF, "key of the hash that a read batch begins with"),
    {NULL}};

static int parse(const char *body, apr_size_t len)
{
    json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    int ok = root != NULL;

    json_decref(root);
    return ok;
}

static int store(request_rec *r)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    unsigned char id[16];
    tds_err_t err;

    tds_err_init(&err, r->pool);
    if (tds_rand_bytes(id, sizeof id) != APR_SUCCESS) return 0;
    tds_redis_arg(&cmd, "SET");
    tds_redis_arg(&cmd, tds_hex(id, sizeof id, r->pool));
    tds_redis_arg_bytes(&cmd, fill, bench.value);
    tds_redis_arg(&cmd, "NX");
    tds_redis_arg(&cmd, "PX");
    tds_redis_arg(&cmd, "600000");
    return tds_redis_run(bench.redis, &cmd, 1, &reply, NULL, r->pool, &err) == APR_SUCCESS && reply->type == TDS_REPLY_STRING;
}

/* Keys as long as ours; what is not there costs nearly what is there. */
static int read_batch(request_rec *r)
{
    tds_redis_cmd_t cmds[READS_MAX + 1] = {{0}};
    tds_redis_reply_t *replies;
    unsigned char id[16];
    tds_err_t err;
    int i, n = bench.reads + 1;

    tds_err_init(&err, r->pool);
    if (!bench.card || tds_rand_bytes(id, sizeof id) != APR_SUCCESS) return 0;
    tds_redis_arg(&cmds[0], "HGETALL");
    tds_redis_arg(&cmds[0], bench.card);
    for (i = 1; i < n; ++i) {
        tds_redis_arg(&cmds[i], "GET");
        tds_redis_arg(&cmds[i], apr_psprintf(r->pool, "bench:{00}:%d:%s", i, tds_hex(id, sizeof id, r->pool)));
    }
    return tds_redis_run(bench.redis, cmds, n, &replies, NULL, r->pool, &err) == APR_SUCCESS && replies[0].len > 0;
}

static int handler(request_rec *r)
{
    int is_reads = !strcmp(r->handler, "bench-reads"), is_floor = is_reads || !strcmp(r->handler, "bench-floor"), st;
    apr_size_t len;
    char *body;

    if (!is_floor && strcmp(r->handler, "bench-ceiling")) return DECLINED;
    if ((st = tds_ap_body(r, 1024 * 1024, &body, &len)) != OK) return st;
    if (is_floor && !parse(body, len)) return HTTP_INTERNAL_SERVER_ERROR;
    if (is_reads && !read_batch(r)) return HTTP_INTERNAL_SERVER_ERROR;
    if (is_floor && !store(r)) return HTTP_INTERNAL_SERVER_ERROR;
    return tds_ap_answer(r, HTTP_OK, "application/json; charset=utf-8", fill, bench.bytes);
}

/* Like the endpoints of our modules: no directory is walked through. */
static int claim_uri(request_rec *r)
{
    if (strncmp(r->uri, "/bench/", 7)) return DECLINED;
    r->filename = r->uri;
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    tds_redis_conf_t conf = {.url = bench.store};
    tds_err_t err;

    memset(fill, 'x', sizeof fill);
    tds_err_init(&err, pchild);
    if (bench.store) (void)tds_redis_make(&bench.redis, &conf, pchild, &err);
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_translate_name(claim_uri, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(claim_uri, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(bench) = {STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, register_hooks,
                            AP_MODULE_FLAG_NONE};
