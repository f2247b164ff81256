#include "tds_ap_proxy.h"

#include <dlfcn.h>
#include <string.h>
#include <apr_dso.h>
#include <http_config.h>
#include <http_request.h>

typedef proxy_worker *get_worker_fn(apr_pool_t *p, proxy_balancer *balancer, proxy_server_conf *conf, const char *url);

/* Of this process, for the configuration that is loaded. */
static struct {
    module *module;
    get_worker_fn *get_worker;
    ap_HOOK_map_to_storage_t *merge_sections;
    ap_HOOK_handler_t *handle;
} proxy;

static void *symbol_of(module *m, const char *name)
{
    apr_dso_handle_sym_t symbol = NULL;

    if (!m->dynamic_load_handle) return dlsym(RTLD_DEFAULT, name); /* compiled into httpd */
    return apr_dso_sym(&symbol, m->dynamic_load_handle, name) == APR_SUCCESS ? symbol : NULL;
}

#define IS_PROXY(link) ((link)->szName && !strcmp((link)->szName, "mod_proxy.c"))

static void find_handler(void)
{
    const apr_array_header_t *links = ap_hook_get_handler();
    int i;

    for (i = 0; links && i < links->nelts; ++i) {
        const ap_LINK_handler_t *link = &APR_ARRAY_IDX(links, i, const ap_LINK_handler_t);
        if (IS_PROXY(link)) proxy.handle = link->pFunc;
    }
}

static void find_merger(void)
{
    const apr_array_header_t *links = ap_hook_get_map_to_storage();
    int i;

    for (i = 0; links && i < links->nelts; ++i) {
        const ap_LINK_map_to_storage_t *link = &APR_ARRAY_IDX(links, i, const ap_LINK_map_to_storage_t);
        if (IS_PROXY(link)) proxy.merge_sections = link->pFunc;
    }
}

void tds_ap_proxy_find(void)
{
    memset(&proxy, 0, sizeof proxy);
    if (!(proxy.module = ap_find_linked_module("mod_proxy.c"))) return;
    proxy.get_worker = symbol_of(proxy.module, "ap_proxy_get_worker");
    find_handler();
    find_merger();
}

const char *tds_ap_proxy_lacks(apr_pool_t *pool)
{
    if (!proxy.get_worker || !proxy.handle || !proxy.merge_sections) return "mod_proxy";
    if (!ap_find_linked_module("mod_proxy_http.c")) return "mod_proxy_http";
    return ap_find_linked_module("mod_ssl.c") ? NULL : "mod_ssl";
}

proxy_worker *tds_ap_proxy_worker(const char *url, server_rec *s, apr_pool_t *pool)
{
    if (!proxy.get_worker) return NULL;
    return proxy.get_worker(pool, NULL, ap_get_module_config(s->module_config, proxy.module), url);
}

/* The merged sections may be shared by calls: what is changed is a copy. */
static void keep_site_out(request_rec *r)
{
    const proxy_dir_conf *merged = ap_get_module_config(r->per_dir_config, proxy.module);
    proxy_dir_conf *ours = apr_pmemdup(r->pool, merged, sizeof *merged);

    ours->preserve_host = 0;
    ours->add_forwarded_headers = 0;
    ours->error_override = 0;
    r->per_dir_config = ap_merge_per_dir_configs(r->pool, r->per_dir_config, ap_create_per_dir_config(r->pool));
    ap_set_module_config(r->per_dir_config, proxy.module, ours);
}

int tds_ap_proxy_run(request_rec *r)
{
    if (!proxy.handle || !proxy.merge_sections || proxy.merge_sections(r) != OK) return DECLINED;
    keep_site_out(r);
    return proxy.handle(r);
}
